# SPDX-License-Identifier: MIT
"""Rules on arithmetic, on loops, and on what a number is worth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from vyper.ast import nodes as vy

from surety.check import tree
from surety.check.lint.base import Facts, Found, where
from surety.check.lint.calls import decides
from surety.check.lint.comments import Comments
from surety.check.source import Source

MOST_ROUNDS: Final = 1_000
MOST_STORED: Final = 256  # rounds over a list in storage: 2,100 gas each, and somebody fills it
_FAR: Final = 16  # locals that a value is followed through
_MONEY: Final = re.compile(
    r"amount|value|balance|debt|share|asset|price|fee|interest|supply|collateral|reserve|worth|"
    r"owed|paid|repaid|deposit|reward|penalty|cost|coins|tokens?(?!_)|principal|premium|payout",
    re.I,
)
_DIRECTED: Final = re.compile(
    r"(?:^|_)(?:down|up|floor|ceil|ceiling|exact)(?:_|$)|round|@custom:rounding", re.I
)
# calls that answer a price and, in a well-made feed, the time it was made
_PRICES: Final = re.compile(
    r"^(?:get_?)?(?:latest_?|last_?|spot_?|asset_?|underlying_?)?(?:price|answer)(?:_oracle|_unsafe)?$"
    r"|^get_?(?:asset_?|underlying_?)?price(?:_?unsafe|_?no_?older_?than)?$|^latest_?round_?data$",
    re.I,
)
_TIMES: Final = re.compile(r"time|updated|published|_at$|when|stamp", re.I)
_ROUND_DATA: Final = re.compile(r"^latest_?round_?data$", re.I)
_ROUND_TIME: Final = 3  # of roundId, answer, startedAt, updatedAt, answeredInRound


def stale_price(source: Source, _: Facts) -> Found:
    """Find prices that are read without the time they were made."""
    for call in source.tree.get_descendants((vy.StaticCall, vy.ExtCall)):
        name = getattr(call.value.func, "attr", "")
        if not _PRICES.match(name):
            continue
        answer = getattr(call.value.func._metadata.get("type"), "return_type", None)
        kind = type(answer).__name__
        if kind == "TupleT":
            if not _time_of_tuple(call, name):
                yield call, f"{name} answers a price and its time, and the time is not looked at"
        elif kind == "StructT":
            if not _time_of_struct(call, answer):
                yield call, f"{name} answers a price and its time, and the time is not looked at"
        elif answer is not None:
            yield call, f"{name} answers a price that may be of any age"


def divide_before_multiply(source: Source, _: Facts) -> Found:
    """Find products of what was already rounded."""
    for node in source.tree.get_descendants((vy.BinOp, vy.Call)):
        if isinstance(node, vy.BinOp) and isinstance(node.op, vy.Mult):
            sides = [(node.left, node.right), (node.right, node.left)]
        elif tree.builtin(node) == "unsafe_mul":
            sides = [(node.args[0], node.args[1]), (node.args[1], node.args[0])]
        else:
            continue
        for side, other in sides:
            quotient = _quotient(side)
            # the largest multiple of a step below a number is meant
            if quotient is None or quotient[1].node_source_code == other.node_source_code:
                continue
            if node.has_folded_value:
                continue
            yield node, f"{_short(side)} was rounded by a division before it is multiplied"
            break


def bare_division(source: Source, _: Facts) -> Found:
    """Find divisions of money that do not say which way they round."""
    comments = Comments.of(source)
    for node in source.tree.get_descendants((vy.BinOp, vy.Call)):
        parts = _division(node)
        if parts is None or node.has_folded_value:
            continue
        function = tree.function_of(node)
        if function is None:
            continue
        spoken = _words(parts[0]) or _words(_target(node))
        if not spoken or _DIRECTED.search(function.name) or _bounds(node):
            continue
        if _DIRECTED.search(_doc(function)) or comments.near(*where(node), _says_direction):
            continue
        yield node, f"{spoken} is divided, and nothing says which way it rounds"


def unsafe_math(source: Source, _: Facts) -> Found:
    """Find unchecked arithmetic with no proof beside it."""
    comments = Comments.of(source)
    for node in source.tree.get_descendants(vy.Call):
        name = tree.builtin(node)
        if name not in ("unsafe_add", "unsafe_sub", "unsafe_mul", "unsafe_div"):
            continue
        if node.has_folded_value or _is_harmless(name, node) or _is_compared(name, node):
            continue
        function = tree.function_of(node)
        if "unsafe" in _doc(function) or "overflow" in _doc(function):
            continue
        first, last = where(node)
        if not comments.near(first, last) and not comments.over(first, _says_bound):
            yield node, f"{name} with no word beside it on why it cannot wrap"


def signed_division(source: Source, _: Facts) -> Found:
    """Find divisions of signed numbers, which round towards zero."""
    for node in source.tree.get_descendants(vy.BinOp):
        if not isinstance(node.op, vy.FloorDiv | vy.Mod) or node.has_folded_value:
            continue
        kind = node._metadata.get("type")
        if getattr(kind, "is_signed", False):
            sign = "%" if isinstance(node.op, vy.Mod) else "//"
            yield node, f"`{sign}` of signed numbers rounds towards zero, not down as in Python"


def exact_balance(source: Source, _: Facts) -> Found:
    """Find balances that must be exactly something, which a gift of one unit undoes."""
    for node in source.tree.get_descendants(vy.Compare):
        if isinstance(node.op, vy.Eq | vy.NotEq):
            for side, other in ((node.left, node.right), (node.right, node.left)):
                if _is_own_balance(_origin(side)) and tree.folded(other) != 0:
                    yield node, "whoever sends one unit makes this untrue"
                    break


def unbounded_loop(source: Source, _: Facts) -> Found:
    """Find loops of more rounds than a block has gas for."""
    for loop in source.tree.get_descendants(vy.For):
        rounds = _rounds(loop)
        outer = loop.get_ancestor(vy.For)
        while outer is not None:
            rounds *= max(1, _rounds(outer))
            outer = outer.get_ancestor(vy.For)
        stored = tree.is_kept(loop.iter)
        if stored and rounds > MOST_STORED:
            yield loop, f"up to {rounds:,} rounds over a list in storage, which others may fill"
        elif rounds > MOST_ROUNDS:
            yield loop, f"up to {rounds:,} rounds"


def _rounds(loop: Any) -> int:
    """Return how many rounds a loop may go at most."""
    if tree.builtin(loop.iter) == "range":
        bound = tree.keyword(loop.iter, "bound")
        if bound is not None:
            return tree.folded(bound) or 0
        ends = [tree.folded(item) for item in loop.iter.args]
        if len(ends) == 1:
            return ends[0] or 0
        return (ends[1] or 0) - (ends[0] or 0) if len(ends) > 1 else 0
    kind = loop.iter._metadata.get("type")
    return int(getattr(kind, "count", 0) or 0)


def _quotient(node: Any) -> tuple[Any, Any] | None:
    """Return what a node, or the local that it names, was divided from and by."""
    if node.has_folded_value:
        return None
    return _division(_origin(node))


def _origin(node: Any) -> Any:
    """Return what a local was given, once and whole, through further locals; else the node."""
    for _ in range(_FAR):
        function = tree.function_of(node)
        if not isinstance(node, vy.Name) or function is None:
            return node
        given = [
            item
            for item in function.get_descendants((vy.AnnAssign, vy.Assign, vy.AugAssign))
            if node.id in tree.roots(item.target)
        ]
        if len(given) != 1 or isinstance(given[0], vy.AugAssign) or given[0].value is None:
            return node
        if isinstance(given[0].target, vy.Tuple):
            return node
        node = given[0].value
    return node


def _division(node: Any) -> tuple[Any, Any] | None:
    """Return dividend and divisor of a division, or None."""
    if isinstance(node, vy.BinOp) and isinstance(node.op, vy.FloorDiv):
        return node.left, node.right
    if tree.builtin(node) == "unsafe_div":
        return node.args[0], node.args[1]
    return None


def _target(node: Any) -> Any:
    """Return what the value of a node is given to, or None."""
    parent = node.get_ancestor((vy.AnnAssign, vy.Assign, vy.AugAssign))
    return None if parent is None else parent.target


def _words(node: Any) -> str:
    """Return the first name in an expression that is money's, else nothing."""
    if node is None:
        return ""
    for item in [node, *node.get_descendants((vy.Name, vy.Attribute))]:
        parent = item.get_ancestor()
        if isinstance(parent, vy.Call) and parent.func is item and tree.builtin(parent):
            continue  # `max_value` is no value
        name = getattr(item, "id", None) or getattr(item, "attr", "")
        if name and name not in ("msg", "self") and name != name.upper() and _MONEY.search(name):
            return "" if tree.dotted(item) == "msg.value" and item is not node else str(name)
    return ""


def _bounds(node: Any) -> bool:
    """Tell whether a quotient is only compared: a limit, and no money."""
    parent = node.get_ancestor()
    while isinstance(parent, vy.BinOp):
        parent = parent.get_ancestor()
    return isinstance(parent, vy.Compare)


def _says_direction(comment: str) -> bool:
    return (
        re.search(r"\b(?:floor|ceil|exact|exactly|round\w*)\b", comment, re.I) is not None
        or re.search(r"^#+\s*(?:down|up)\b|\b(?:down|up)\s*(?:[.,;:)]|$)", comment, re.I)
        is not None
    )


def _says_bound(comment: str) -> bool:
    """Tell whether a comment tells how large or small something is: a proof of what follows it."""
    words = (
        r"\*\*|[<>]|\b(?:below|above|bits?|wraps?|overflows?|at most|at least|never|past|fits)\b"
    )
    return re.search(words, comment, re.I) is not None


def _is_harmless(name: str, node: Any) -> bool:
    """Tell whether no operands can make the operation wrap."""
    if name != "unsafe_div":
        return False
    divisor = tree.folded(node.args[1])
    return divisor is not None and divisor > 0


def _is_compared(name: str, node: Any) -> bool:
    """Tell whether a difference is taken where the compiler's eyes see that it is not negative."""
    if name != "unsafe_sub":
        return False
    more, less = (item.node_source_code for item in node.args)
    below = node
    parent = node.get_ancestor()
    while parent is not None and not isinstance(below, vy.FunctionDef):
        if isinstance(parent, vy.IfExp):
            if below is parent.body and _implies(parent.test, more, less):
                return True
            if below is parent.orelse and _denies(parent.test, more, less):
                return True
        elif isinstance(parent, vy.If):
            if below in parent.body and _implies(parent.test, more, less):
                return True
            if below in parent.orelse and _denies(parent.test, more, less):
                return True
        if _is_settled(below, parent, more, less):
            return True
        below, parent = parent, parent.get_ancestor()
    # min(a, b) never exceeds a
    second = node.args[1]
    return tree.builtin(second) == "min" and more in {item.node_source_code for item in second.args}


def _is_settled(statement: Any, block: Any, more: str, less: str) -> bool:
    """Tell whether a statement before this one, in its block, let nothing else pass."""
    bodies = [getattr(block, name, None) for name in ("body", "orelse")]
    body = next((item for item in bodies if isinstance(item, list) and statement in item), None)
    if body is None:
        return False
    names = set(re.findall(r"[A-Za-z_]\w*", f"{more} {less}"))
    for before in reversed(body[: body.index(statement)]):
        if isinstance(before, vy.Assert) and _implies(before.test, more, less):
            return True
        if isinstance(before, vy.If) and _denies(before.test, more, less) and _ends(before.body):
            return True
        given = (vy.AnnAssign, vy.Assign, vy.AugAssign)
        items = [before, *before.get_descendants(given)]
        changed = (item.target for item in items if isinstance(item, given))
        if any(names & set(re.findall(r"[A-Za-z_]\w*", _root_of(each))) for each in changed):
            return False
    return False


def _root_of(target: Any) -> str:
    """Return the text of an assignment's target up to its first key."""
    return str(target.node_source_code).split("[", 1)[0]


def _ends(body: Any) -> bool:
    """Tell whether a block never reaches its end: its last statement leaves, or calls what does."""
    last = body[-1]
    if isinstance(last, vy.Expr) and isinstance(last.value, vy.Call):
        inner = tree.internal(last.value)
        return inner is not None and _ends(inner.body)
    return isinstance(last, vy.Return | vy.Raise | vy.Continue | vy.Break)


def _implies(test: Any, more: str, less: str) -> bool:
    """Tell whether a condition says that `more` is not below `less`."""
    if isinstance(test, vy.BoolOp) and isinstance(test.op, vy.And):
        return any(_implies(value, more, less) for value in test.values)
    if not isinstance(test, vy.Compare):
        return False
    sides = test.left.node_source_code, test.right.node_source_code
    if isinstance(test.op, vy.Gt | vy.GtE):
        return sides == (more, less)
    return isinstance(test.op, vy.Lt | vy.LtE) and sides == (less, more)


def _denies(test: Any, more: str, less: str) -> bool:
    """Tell whether the contrary of a condition says that `more` is not below `less`."""
    if isinstance(test, vy.BoolOp) and isinstance(test.op, vy.Or):
        return any(_denies(value, more, less) for value in test.values)
    if not isinstance(test, vy.Compare):
        return False
    sides = test.left.node_source_code, test.right.node_source_code
    if isinstance(test.op, vy.Lt | vy.LtE):
        return sides == (more, less)
    return isinstance(test.op, vy.Gt | vy.GtE) and sides == (less, more)


def _is_own_balance(node: Any) -> bool:
    if tree.dotted(node) == "self.balance":
        return True
    if not isinstance(node, vy.StaticCall):
        return False
    call = node.value
    own = len(call.args) == 1 and getattr(call.args[0], "id", "") == "self"
    return own and getattr(call.func, "attr", "") in ("balanceOf", "balance_of")


def _doc(function: Any) -> str:
    found = getattr(function, "doc_string", None)
    return str(found.value) if found is not None else ""


def _short(node: Any) -> str:
    text = " ".join(node.node_source_code.split())
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _time_of_tuple(call: Any, name: str) -> bool:
    """Tell whether the time in a tuple is kept and read, or handed on."""
    parent = call.get_ancestor()
    if not isinstance(parent, vy.Assign) or not isinstance(parent.target, vy.Tuple):
        return not isinstance(parent, vy.Expr)
    targets = list(parent.target.elements)
    if _ROUND_DATA.match(name) and len(targets) > _ROUND_TIME:
        candidates = [targets[_ROUND_TIME]]
    else:
        candidates = targets[1:]
    return any(_is_looked_at(item) for item in candidates)


def _is_looked_at(target: Any) -> bool:
    return not isinstance(target, vy.Name) or tree.is_kept(target) or _is_read(target)


def _is_read(target: Any) -> bool:
    """Tell whether anything depends on a local that was given a value."""
    return any(
        other.id == target.id and decides(other)
        for other in tree.function_of(target).get_descendants(vy.Name)
        if other is not target
    )


def _time_of_struct(call: Any, kind: Any) -> bool:
    """Tell whether the time in a struct is read, or the struct handed on whole."""
    times = {name for name in kind.members if _TIMES.search(name)}
    if not times:
        return False
    parent = call.get_ancestor()
    if isinstance(parent, vy.Attribute):
        return parent.attr in times
    if not isinstance(parent, vy.AnnAssign | vy.Assign):
        return not isinstance(parent, vy.Expr)
    if tree.is_kept(parent.target):
        return True
    names = set(tree.roots(parent.target))
    return any(_uses_time(node, parent, times) for node in _uses(parent, names))


def _uses(assignment: Any, names: set[str]) -> Iterator[Any]:
    function = tree.function_of(assignment)
    for node in function.get_descendants(vy.Name):
        if node.id in names and node is not assignment.target:
            yield node


def _uses_time(node: Any, assignment: Any, times: set[str]) -> bool:
    parent = node.get_ancestor()
    if isinstance(parent, vy.Attribute):
        return parent.attr in times and decides(parent)
    return parent is not assignment
