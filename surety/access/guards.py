# SPDX-License-Identifier: MIT
"""Read out of the Vyper sources what a caller must be, function by function.

A *guard* is a place that a call cannot pass unless something holds that depends on `msg.sender`:
an `assert`, a `raise`, `reasons.fail` or an early `return` in a branch. The sources are walked as
the compiler sees them, from each external function through every internal function and module that
it reaches, with arguments put in the place of parameters. What is found is text, so that a person
can read it and a test can compare it: a guard that was removed, added, weakened, turned round or
moved into a branch reads differently.

Only what depends on the caller is followed. A function that reads `tx.origin`, or hides the caller
in a form that is not understood here, is an error rather than a guess.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from surety import paths

CALLER: Final = "msg.sender"
SKIPPED: Final = "(left undone)"  # in place of a reason: the function ends early, and says so
LONGEST: Final = 40  # characters of what is put in the place of a name, unless it is the caller's
# calls that move coins or tokens: whose they move is told apart from who may call
_MOVES: Final = ("transfer", "transferFrom", "mint", "burn", "approve")
_TAKES: Final = ("transferFrom", "burn")  # from their first argument
_ATOM: Final = 20
_RANKS: Final = {
    "|": 5,
    "^": 6,
    "&": 7,
    "<<": 8,
    ">>": 8,
    "+": 9,
    "-": 9,
    "*": 10,
    "/": 10,
    "//": 10,
    "%": 10,
    "**": 12,
}
_COMPARE: Final = 4
_NOT: Final = 3
_AND: Final = 2
_OR: Final = 1
_CHOICE: Final = 0
_NEGATED: Final = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
}
_DECIDED: Final = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class GuardsError(RuntimeError):
    """A source cannot be read: it does not compile, or hides the caller."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What lets a call pass, what it is refused with otherwise, and in which branch it is asked.

    `when` is empty where every call is asked.
    """

    passes: str
    reason: str
    when: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the guard as one line."""
        branch = f"when {' and '.join(self.when)}: " if self.when else ""
        return f"{branch}{self.passes}, else {self.reason!r}"


@dataclass(frozen=True, slots=True)
class Found:
    """What the sources say of one external function.

    `reasons` are the texts of all reverts that it can reach, its callees' in other contracts not
    among them; `payers` whose coins and tokens it takes. `asks` tells whether it looks at who
    calls; of a function that only reads no guards are told: it refuses nothing that matters.
    """

    name: str
    writes: bool
    guards: tuple[Guard, ...]
    reasons: frozenset[str]
    payers: frozenset[str]
    asks: bool


@dataclass(frozen=True, slots=True)
class _Text:
    """An expression as text: its rank for brackets, whether it depends on the caller, its value."""

    text: str
    rank: int = _ATOM
    asks: bool = False
    value: int | None = None

    def within(self, rank: int) -> str:
        return self.text if self.rank >= rank else f"({self.text})"


@dataclass(frozen=True, slots=True)
class _Step:
    """A condition on the way, and what holds where it does not."""

    yes: _Text
    no: _Text


@dataclass(slots=True)
class _Frame:
    """One function on the way: its names, and the conditions under which it is reached."""

    module: str
    names: dict[str, _Text]
    changing: frozenset[str]
    path: tuple[_Step, ...]
    depth: int
    writes: bool = False
    answers: str = ""  # the function whose answers are read


@dataclass(slots=True)
class _Walk:
    """What one external function was seen to do."""

    guards: dict[Guard, None] = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)
    payers: set[str] = field(default_factory=set)
    asks: bool = False


def read_guards(source: Path, root: Path | None = None) -> dict[str, Found]:
    """Return what a contract's source says of each of its external functions, views included.

    `root` holds `contracts/` and `interfaces/`; the project's own by default. Raises GuardsError.
    """
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.exceptions import VyperException

    base = root if root is not None else paths.root()
    bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), base])
    try:
        data = CompilerData(bundle.load_file(source), bundle)
        module = data.annotated_vyper_module
    except (VyperException, ExceptionGroup) as error:
        raise GuardsError(f"{source.name}: {error}") from None
    own = module.path
    functions = list(module._metadata["type"].exposed_functions)
    return {found.name: found for found in (_Reader(own).read(item) for item in functions)}


class _Reader:
    """Walks from one external function through all that it reaches."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._walk = _Walk()

    def read(self, function: Any) -> Found:
        from vyper.ast import nodes as vy

        node = function.ast_def
        name = function.name
        if isinstance(node, vy.FunctionDef):
            self._function(node, {}, (), 0)
        writes = function.mutability.value not in ("view", "pure")
        return Found(
            name,
            writes,
            tuple(self._walk.guards) if writes else (),
            frozenset(self._walk.reasons),
            frozenset(self._walk.payers),
            self._walk.asks,
        )

    def _function(
        self,
        node: Any,
        names: dict[str, _Text],
        path: tuple[_Step, ...],
        depth: int,
        answers: str = "",
    ) -> None:
        if depth > 24:
            raise GuardsError(f"{node.name}: calls go too deep")
        module, changing = self._module_of(node), _changing(node)
        frame = _Frame(module, dict(names), changing, path, depth, _writes(node), answers)
        for name in changing & names.keys():  # parameters are copies that may change
            frame.names[name] = _Text(name, asks=names[name].asks)
        self._block(node.body, frame)

    def _module_of(self, node: Any) -> str:
        path = str(node.module_node.path)
        return "self" if path == self._own else Path(path).stem

    # statements

    def _block(self, body: Sequence[Any], frame: _Frame) -> str | None:
        """Walk statements; return how they end: "reverts", "leaves", or None when they go on."""
        from vyper.ast import nodes as vy

        kept = frame.path
        try:
            for node in body:
                if isinstance(node, vy.If):
                    ended = self._branch(node, frame)
                    if ended is not None:
                        return ended
                elif isinstance(node, vy.For):
                    self._loop(node, frame)
                elif isinstance(node, vy.Assert):
                    self._assert(node, frame)
                elif isinstance(node, vy.Raise):
                    self._visit(node.exc, frame)
                    self._refused(self._message(node.exc), frame)
                    return "reverts"
                elif isinstance(node, vy.Return | vy.Break | vy.Continue):
                    if getattr(node, "value", None) is not None:
                        self._visit(node.value, frame)
                    if frame.answers and isinstance(node, vy.Return):
                        answer = self._expression(node.value, frame)
                        self._guard(answer.text, f"({frame.answers})", frame.path)
                    return "leaves"
                elif isinstance(node, vy.Log):
                    self._visit(node.value, frame)
                elif isinstance(node, vy.AnnAssign):
                    self._visit(node.value, frame)
                    self._name(node, frame)
                elif isinstance(node, vy.Assign | vy.AugAssign):
                    self._visit(node.target, frame)
                    self._visit(node.value, frame)
                    self._spread(node, frame)
                elif isinstance(node, vy.Expr):
                    self._visit(node.value, frame)
                    if _is_fail(node.value):
                        self._refused(self._failed(node.value, frame), frame)
                        return "reverts"
                elif not isinstance(node, vy.Pass | vy.DocStr):
                    raise GuardsError(f"{type(node).__name__} is not understood")
            return None
        finally:
            frame.path = kept

    def _branch(self, node: Any, frame: _Frame) -> str | None:
        """Walk both arms; what follows is reached on the paths that go on."""
        from vyper.ast import nodes as vy

        self._visit(node.test, frame)
        yes, no = self._condition(node.test, frame, False), self._condition(node.test, frame, True)
        if yes.value is not None:  # decided by constants: one arm does not exist
            return self._block(node.body if yes.value else node.orelse, frame)
        kept = frame.path
        frame.path = (*kept, _Step(yes, no))
        first = self._block(node.body, frame)
        frame.path = (*kept, _Step(no, yes))
        second = self._block(node.orelse, frame)
        if frame.writes and "leaves" in (first, second) and first != second:
            here, there = (yes, no) if first == "leaves" else (no, yes)
            frame.path = (*kept, _Step(here, there))
            if not isinstance((node.body if first == "leaves" else node.orelse)[-1], vy.If):
                self._refused(SKIPPED, frame)
        frame.path = kept
        if first == "leaves" and second is None:
            frame.path = (*kept, _Step(no, yes))
        elif second == "leaves" and first is None:
            frame.path = (*kept, _Step(yes, no))
        if first is not None and second is not None:
            return "leaves" if "leaves" in (first, second) else "reverts"
        return None

    def _loop(self, node: Any, frame: _Frame) -> None:
        self._visit(node.iter, frame)
        name = node.target.target.id
        over = self._expression(node.iter, frame)
        frame.names[name] = _Text(name, asks=over.asks)
        kept = frame.path
        each = _Text(f"each {name}", asks=over.asks)
        frame.path = (*kept, _Step(each, _Text("never")))
        self._block(node.body, frame)
        frame.path = kept

    def _assert(self, node: Any, frame: _Frame) -> None:
        self._visit(node.test, frame)
        reason = self._message(node.msg) if node.msg is not None else ""
        holds = self._condition(node.test, frame, False)
        if holds.value:
            return
        self._walk.reasons.add(reason)
        if _is_move(node.test):
            return
        if holds.asks or any(step.yes.asks for step in frame.path):
            self._guard(holds.text, reason, frame.path)

    def _refused(self, reason: str, frame: _Frame) -> None:
        """Note a revert or an early end: a guard where the caller decides whether it comes."""
        if reason and reason != SKIPPED:
            self._walk.reasons.add(reason)
        if any(step.yes.asks for step in frame.path):
            *before, last = frame.path
            self._guard(last.no.text, reason, tuple(before))

    def _guard(self, passes: str, reason: str, path: Sequence[_Step]) -> None:
        guard = Guard(passes, reason, tuple(dict.fromkeys(step.yes.text for step in path)))
        self._walk.guards.setdefault(guard)

    def _message(self, node: Any) -> str:
        value = getattr(node, "value", None)
        return value if isinstance(value, str) else ""

    def _failed(self, node: Any, frame: _Frame) -> str:
        """Return the text that `reasons.fail` is given, empty where it is worked out."""
        value = self._expression(node.args[0], frame).value
        return "" if value is None else _spelled(value)

    # names

    def _name(self, node: Any, frame: _Frame) -> None:
        """Remember what a local stands for, where that never changes and can be read."""
        name = node.target.id
        value = self._expression(node.value, frame)
        short = len(value.text) <= LONGEST or value.asks
        if name in frame.changing or not short or self._is_opaque(node.value, value):
            frame.names[name] = _Text(name, asks=value.asks)
        else:
            frame.names[name] = value

    def _spread(self, node: Any, frame: _Frame) -> None:
        """Let what depends on the caller go on into the names that it is assigned to."""
        if not self._expression(node.value, frame).asks:
            return
        for name in _roots(node.target):
            if name in frame.names:
                frame.names[name] = replace(frame.names[name], asks=True)

    def _is_opaque(self, node: Any, value: _Text) -> bool:
        """Tell whether a name says more than its expression: one that calls internal functions."""
        from vyper.ast import nodes as vy

        calls = [node] if isinstance(node, vy.Call) else []
        calls += node.get_descendants(vy.Call)
        inner = [call for call in calls if _internal(call) is not None]
        return bool(inner) and not (value.asks and all(_single(call) for call in inner))

    # expressions

    def _visit(self, node: Any, frame: _Frame) -> None:
        """Walk into every internal function that an expression calls, and note its reasons."""
        from vyper.ast import nodes as vy

        found = [node, *node.get_descendants()]
        if any(isinstance(item, vy.Attribute) and _dotted(item) == "tx.origin" for item in found):
            raise GuardsError("tx.origin is not understood")
        if any(isinstance(item, vy.Attribute) and _dotted(item) == CALLER for item in found):
            self._walk.asks = True
        for item in found:
            if isinstance(item, vy.Attribute) and _dotted(item).startswith("reasons."):
                value = _folded(item)
                if value is not None:
                    self._walk.reasons.add(_spelled(value))
        for call in found:
            if isinstance(call, vy.ExtCall) and getattr(call.value.func, "attr", "") in _TAKES:
                self._walk.payers.add(self._expression(call.value.args[0], frame).text)
            if not isinstance(call, vy.Call):
                continue
            inner = _internal(call)
            if inner is not None and not _is_fail(call):
                names = self._arguments(inner, call, frame)
                self._function(inner, names, frame.path, frame.depth + 1)

    def _arguments(self, inner: Any, call: Any, frame: _Frame) -> dict[str, _Text]:
        names = {}
        params = [item.arg for item in inner.args.args]
        defaults = inner.args.defaults
        for i, name in enumerate(params):
            if i < len(call.args):
                value = self._expression(call.args[i], frame)
            else:
                value = self._expression(defaults[i - len(params)], frame)
            long = len(value.text) > LONGEST and not value.asks
            names[name] = _Text(name) if long else value
        return names

    def _condition(self, node: Any, frame: _Frame, negate: bool) -> _Text:
        """Return a condition, or its negation written without a `not` around it where possible."""
        from vyper.ast import nodes as vy

        if isinstance(node, vy.BoolOp):
            both = isinstance(node.op, vy.And) != negate
            parts = [self._condition(value, frame, negate) for value in node.values]
            known = [part for part in parts if part.value is not None]
            if any(bool(part.value) != both for part in known):
                return _Text(str(not both), value=int(not both))
            parts = [part for part in parts if part.value is None]
            if not parts:
                return _Text(str(both), value=int(both))
            if len(parts) == 1:
                return parts[0]
            rank, word = (_AND, " and ") if both else (_OR, " or ")
            text = word.join(part.within(rank) for part in parts)
            return _Text(text, rank, any(part.asks for part in parts))
        if isinstance(node, vy.UnaryOp) and isinstance(node.op, vy.Not):
            return self._condition(node.operand, frame, not negate)
        if isinstance(node, vy.Compare):
            left = self._expression(node.left, frame)
            right = self._expression(node.right, frame)
            return _compared(left, _operator(node.op), right, negate)
        found = self._expression(node, frame)
        if found.value is not None:
            value = int(bool(found.value) != negate)
            return _Text(str(bool(value)), value=value)
        return _Text(_negated(found), _NOT, found.asks) if negate else found

    def _expression(self, node: Any, frame: _Frame) -> _Text:
        from vyper.ast import nodes as vy

        match node:
            case vy.NameConstant():
                return _Text(str(node.value), value=int(node.value))
            case vy.Int():
                return _Text(str(node.value), value=node.value)
            case vy.Str() | vy.Hex() | vy.Bytes() | vy.HexBytes() | vy.Decimal():
                return _Text(node.node_source_code)
            case vy.Name():
                if node.id in frame.names:
                    return frame.names[node.id]
                return _Text(node.id, value=_folded(node))
            case vy.Attribute():
                if _dotted(node) == CALLER:
                    return _Text(CALLER, asks=True)
                if isinstance(node.value, vy.Name) and node.value.id == "self":
                    return _Text(f"{frame.module}.{node.attr}")
                below = self._expression(node.value, frame)
                text = f"{below.within(_ATOM)}.{node.attr}"
                return _Text(text, asks=below.asks, value=_folded(node))
            case vy.Subscript():
                return self._joined(
                    "{}[{}]", _ATOM, [node.value, node.slice], frame, ranks=(_ATOM, 0)
                )
            case vy.BinOp():
                return self._binary(node, frame)
            case vy.UnaryOp() if not isinstance(node.op, vy.Not):
                mark = "-" if isinstance(node.op, vy.USub) else "~"
                return self._joined(mark + "{}", 11, [node.operand], frame, ranks=(11,))
            case vy.Compare() | vy.BoolOp() | vy.UnaryOp():
                return self._condition(node, frame, False)
            case vy.IfExp():
                parts = [node.body, node.test, node.orelse]
                ranks = (_OR, _OR, _CHOICE)
                return self._joined("{} if {} else {}", _CHOICE, parts, frame, ranks=ranks)
            case vy.ExtCall() | vy.StaticCall():
                word = "extcall" if isinstance(node, vy.ExtCall) else "staticcall"
                return self._joined(word + " {}", 13, [node.value], frame)
            case vy.Call():
                return self._call(node, frame)
            case vy.List() | vy.Tuple():
                marks = "[]" if isinstance(node, vy.List) else "()"
                form = marks[0] + ", ".join(["{}"] * len(node.elements)) + marks[1]
                return self._joined(form, _ATOM, node.elements, frame)
        raise GuardsError(f"{type(node).__name__} is not understood")

    def _binary(self, node: Any, frame: _Frame) -> _Text:
        left, right = self._expression(node.left, frame), self._expression(node.right, frame)
        mark = _operator(node.op)
        if mark == "&" and 0 in (left.value, right.value):
            return _Text("0", value=0)
        if mark == "|" and right.value == 0:
            return left
        rank = _RANKS[mark]
        text = f"{left.within(rank)} {mark} {right.within(rank + 1)}"
        return _Text(text, rank, left.asks or right.asks, _folded(node))

    def _call(self, node: Any, frame: _Frame) -> _Text:
        inner = _internal(node)
        single = _single(node)
        if inner is not None and single is not None:
            names = self._arguments(inner, node, frame)
            below = _Frame(self._module_of(inner), names, frozenset(), (), frame.depth + 1)
            return self._expression(single, below)
        keys = [item.arg for item in node.keywords]
        parts = [node.func, *node.args, *(item.value for item in node.keywords)]
        marks = ["{}"] * len(node.args) + [f"{key}={{}}" for key in keys]
        found = self._joined("{}(" + ", ".join(marks) + ")", _ATOM, parts, frame)
        if inner is None:
            return found
        names = self._arguments(inner, node, frame)
        given = frozenset(name for name, value in names.items() if value.asks)
        asks = _tells(inner, given, frame.depth + 1)
        if asks and not _writes(inner):  # its answer is a guard: what it answers is read as well
            self._function(inner, names, (), frame.depth + 1, answers=inner.name)
        return replace(found, asks=asks)

    def _joined(
        self,
        form: str,
        rank: int,
        nodes: Iterable[Any],
        frame: _Frame,
        ranks: tuple[int, ...] = (),
    ) -> _Text:
        parts = [self._expression(node, frame) for node in nodes]
        least = ranks or (0,) * len(parts)
        texts = [part.within(low) for part, low in zip(parts, least, strict=True)]
        return _Text(form.format(*texts), rank, any(part.asks for part in parts))


def _compared(left: _Text, mark: str, right: _Text, negate: bool) -> _Text:
    if left.value is not None and right.value is not None and mark in _DECIDED:
        value = int(_DECIDED[mark](left.value, right.value) != negate)
        return _Text(str(bool(value)), value=value)
    mark = _NEGATED[mark] if negate else mark
    text = f"{left.within(_COMPARE + 1)} {mark} {right.within(_COMPARE + 1)}"
    return _Text(text, _COMPARE, left.asks or right.asks)


def _negated(found: _Text) -> str:
    """Return the negation of what is no comparison."""
    if found.text.startswith("not "):
        return found.text.removeprefix("not ")
    return f"not {found.within(_NOT)}"


def _operator(node: Any) -> str:
    from vyper.ast import nodes as vy

    marks = {
        vy.Eq: "==",
        vy.NotEq: "!=",
        vy.Lt: "<",
        vy.LtE: "<=",
        vy.Gt: ">",
        vy.GtE: ">=",
        vy.In: "in",
        vy.NotIn: "not in",
    }
    return marks.get(type(node)) or str(node._pretty)


def _dotted(node: Any) -> str:
    from surety.check.tree import dotted

    return dotted(node)


def _folded(node: Any) -> int | None:
    from surety.check.tree import folded

    return folded(node)


def _spelled(value: int) -> str:
    """Return a reason that is its own text read as a number (modules/reasons.vy)."""
    return value.to_bytes(32).lstrip(b"\0").decode("ascii", "replace")


def _internal(call: Any) -> Any:
    from surety.check.tree import internal

    return internal(call)


def _single(call: Any) -> Any:
    """Return what an internal function returns, when its body is that one statement."""
    from vyper.ast import nodes as vy

    inner = _internal(call)
    if inner is None:
        return None
    body = [node for node in inner.body if not isinstance(node, vy.DocStr)]
    if len(body) == 1 and isinstance(body[0], vy.Return) and body[0].value is not None:
        return body[0].value
    return None


def _is_fail(node: Any) -> bool:
    """Tell whether an expression is a call of `reasons.fail`."""
    from vyper.ast import nodes as vy

    if not isinstance(node, vy.Call):
        return False
    inner = _internal(node)
    return (
        inner is not None
        and inner.name == "fail"
        and Path(str(inner.module_node.path)).stem == "reasons"
    )


def _is_move(test: Any) -> bool:
    """Tell whether an assert only makes sure that coins, tokens or ether went where they should."""
    from vyper.ast import nodes as vy

    if isinstance(test, vy.Call) and (single := _single(test)) is not None:
        return _is_move(single)
    return isinstance(test, vy.ExtCall) and getattr(test.value.func, "attr", "") in _MOVES


def _writes(node: Any) -> bool:
    """Tell whether a function may change anything."""
    return node._metadata["func_type"].mutability.value not in ("view", "pure")


def _tells(inner: Any, given: frozenset[str], depth: int) -> bool:
    """Tell whether what a function returns depends on the caller, with these arguments that do."""
    from vyper.ast import nodes as vy

    if depth > 24:
        raise GuardsError(f"{inner.name}: calls go too deep")
    names = set(given)

    def depends(node: Any) -> bool:
        if isinstance(node, vy.Attribute) and _dotted(node) == CALLER:
            return True
        if isinstance(node, vy.Name):
            return node.id in names
        below = _internal(node) if isinstance(node, vy.Call) else None
        if below is None:
            return any(depends(child) for child in node.get_children())
        params = [param.arg for param in below.args.args]
        pairs = zip(params, node.args, strict=False)  # the rest are defaults, which are constants
        return _tells(below, frozenset(name for name, arg in pairs if depends(arg)), depth + 1)

    writes = inner.get_descendants((vy.AnnAssign, vy.Assign, vy.AugAssign))
    for _ in range(2):  # what a loop carries round
        for item in writes:
            if item.value is not None and depends(item.value):
                names |= set(_roots(item.target))
    for branch in inner.get_descendants(vy.If):
        if depends(branch.test) and branch.get_descendants(vy.Return):
            return True
    return any(
        item.value is not None and depends(item.value) for item in inner.get_descendants(vy.Return)
    )


def _changing(node: Any) -> frozenset[str]:
    """Return the names of a function that are assigned after their first line."""
    from vyper.ast import nodes as vy

    names: set[str] = set()
    for item in node.get_descendants((vy.Assign, vy.AugAssign)):
        names |= set(_roots(item.target))
    for call in node.get_descendants(vy.Call):
        if getattr(call.func, "attr", None) in ("append", "pop"):
            names |= set(_roots(call.func.value))
    return frozenset(names)


def _roots(target: Any) -> Iterator[str]:
    from surety.check.tree import roots

    return roots(target)
