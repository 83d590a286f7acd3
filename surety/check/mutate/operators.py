# SPDX-License-Identifier: MIT
"""The kinds of faults that are put into a contract, each a small change of its text.

Every operator looks at one node of the syntax tree and says what might stand there instead. What
it offers need not compile: that is found out later. What could never be told apart is not offered:
types, the bounds of lists, names of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from surety.check.mutate.spans import Text

FAR: Final = 2**64  # a constant beyond it is a mask or a text, of which one neighbour is enough


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what stands from `start` to `end` (characters of the source) by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Around:
    """What an operator knows beside its node.

    `modules` are the names under which other files were imported, `functions` the names of all
    functions of the project, `returns` the type that the function around the node returns.
    """

    text: Text
    modules: frozenset[str]
    functions: frozenset[str]
    returns: str


Find = Callable[[Any, Around], Iterator[Edit]]


@dataclass(frozen=True, slots=True)
class Operator:
    """One kind of fault: `what` says in one line what becomes of what."""

    name: str
    what: str
    find: Find


def _replace(node: Any, around: Around, text: str) -> Edit:
    return Edit(*around.text.span(node), text)


def _drop(node: Any, around: Around) -> Edit:
    return _replace(node, around, "pass")


def _is(node: Any, *kinds: str) -> bool:
    return type(node).__name__ in kinds


# statements


def _drop_assert(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Assert"):
        yield _drop(node, around)


def _ignore_result(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Assert") and _is(node.test, "ExtCall"):
        yield _replace(node, around, around.text.of(node.test))


def _root(target: Any) -> Any:
    """Return the name or `self.x` / `module.x` that the target of an assignment begins with."""
    while _is(target, "Subscript", "Attribute"):
        if _is(target, "Attribute") and _is(target.value, "Name"):
            return target
        target = target.value
    return target


def _is_state(target: Any, around: Around) -> bool:
    found = _root(target)
    return _is(found, "Attribute") and (
        found.value.id == "self" or found.value.id in around.modules
    )


def _drop_write(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Assign", "AugAssign") and _is_state(node.target, around):
        yield _drop(node, around)


def _drop_assign(node: Any, around: Around) -> Iterator[Edit]:
    if (
        _is(node, "Assign", "AugAssign")
        and not _is(node.target, "Tuple")
        and not _is_state(node.target, around)
    ):
        yield _drop(node, around)


def _drop_call(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Expr") and _is(node.value, "Call", "ExtCall", "StaticCall"):
        yield _drop(node, around)


def _drop_log(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Log"):
        yield _drop(node, around)


def _drop_raise(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Raise"):
        yield _drop(node, around)


def _drop_jump(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Break", "Continue"):
        yield _drop(node, around)


def _empty_return(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Return") and node.value is not None and around.returns:
        is_number = around.returns.startswith(("uint", "int"))
        empty = "0" if is_number else f"empty({around.returns})"
        if around.text.of(node.value) not in (empty, "0", "False"):
            yield _replace(node.value, around, empty)


# expressions

_COMPARISONS: Final[Mapping[str, tuple[str, ...]]] = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "in": ("not in",),
    "not in": ("in",),
}
_ARITHMETIC: Final[Mapping[str, str]] = {
    "+": "-",
    "-": "+",
    "*": "//",
    "//": "*",
    "/": "*",
    "%": "//",
    "**": "*",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
    "^": "|",
}
_CALLED: Final[Mapping[str, str]] = {
    "min": "max",
    "max": "min",
    "floor": "ceil",
    "ceil": "floor",
    "unsafe_add": "unsafe_sub",
    "unsafe_sub": "unsafe_add",
    "unsafe_mul": "unsafe_div",
    "unsafe_div": "unsafe_mul",
}
_ROUNDED: Final = (("_up", "_down"), ("_down", "_up"))


def _mark(left: Any, right: Any, around: Around) -> tuple[int, int, str] | None:
    """Return the operator that stands between two nodes, brackets left out."""
    tokens = [
        token
        for token in around.text.between(around.text.end(left), around.text.start(right))
        if token.text not in "()"
    ]
    if not tokens:
        return None
    return tokens[0].start, tokens[-1].end, " ".join(token.text for token in tokens)


def _compare(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Compare"):
        found = _mark(node.left, node.right, around)
        if found is not None:
            start, end, mark = found
            for other in _COMPARISONS.get(mark, ()):
                yield Edit(start, end, other)


def _arithmetic(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "BinOp"):
        found = _mark(node.left, node.right, around)
    elif _is(node, "AugAssign"):
        found = _mark(node.target, node.value, around)
    elif _is(node, "Call") and getattr(node.func, "id", "").startswith("unsafe_"):
        other = _CALLED.get(node.func.id)
        if other is not None:
            yield _replace(node.func, around, other)
        return
    else:
        return
    if found is not None:
        start, end, mark = found
        assigned = "=" if _is(node, "AugAssign") else ""
        other = _ARITHMETIC.get(mark.removesuffix("=") if assigned else mark)
        if other is not None:
            yield Edit(start, end, other + assigned)


def _and_or(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "BoolOp"):
        for left, right in zip(node.values, node.values[1:], strict=False):
            found = _mark(left, right, around)
            if found is not None:
                start, end, mark = found
                yield Edit(start, end, "or" if mark == "and" else "and")


def _drop_operand(node: Any, around: Around) -> Iterator[Edit]:
    if not _is(node, "BoolOp"):
        return
    start, end = around.text.span(node)
    marks = [
        found
        for left, right in zip(node.values, node.values[1:], strict=False)
        if (found := _mark(left, right, around)) is not None
    ]
    # an operand goes with the word before it, the first one with the word behind it
    behind = around.text.between(marks[0][1], end)[0].start
    yield Edit(start, behind, "")
    for number, (mark, _, _) in enumerate(marks):
        before = around.text.between(start, mark)[-1].end
        stop = end
        if number + 1 < len(marks):
            stop = around.text.between(start, marks[number + 1][0])[-1].end
        yield Edit(before, stop, "")


def _drop_not(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "UnaryOp") and _is(node.op, "Not", "Invert"):
        start = around.text.start(node)
        (mark, *_) = around.text.between(start, around.text.end(node))
        stop = mark.end + around.text.source[mark.end :].startswith(" ")
        yield Edit(start, stop, "")


def _negate(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "If", "IfExp", "Assert") and _is(
        node.test, "Name", "Attribute", "Call", "StaticCall", "ExtCall", "Subscript"
    ):
        yield _replace(node.test, around, f"not {around.text.of(node.test)}")


def _constant(node: Any, around: Around) -> Iterator[Edit]:
    if not _is(node, "Int"):
        return
    written = around.text.of(node)
    if not written.replace("_", "").isdigit():
        return  # hexadecimal: an address or a selector
    value, above = node.value, node.get_ancestor()
    if _is(above, "BinOp") and _is(above.op, "Pow") and node is above.left:
        return  # the exponent is changed instead
    bound = _is(above, "keyword") and above.arg in ("bound", "max_outsize")
    if not bound:
        yield _replace(node, around, str(value + 1))
    if 0 < value <= FAR:
        yield _replace(node, around, str(value - 1))


def _flip_bool(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "NameConstant") and node.value in (True, False):
        yield _replace(node, around, str(not node.value))


def _caller(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Attribute") and around.text.of(node) == "msg.sender":
        yield _replace(node, around, "self")


def _rounding(node: Any, around: Around) -> Iterator[Edit]:
    if not _is(node, "Call"):
        return
    name = str(getattr(node.func, "attr", "") or getattr(node.func, "id", ""))
    for ending, other in _ROUNDED:
        if ending in name and name.replace(ending, other) in around.functions:
            end = around.text.end(node.func)
            yield Edit(end - len(name), end, name.replace(ending, other))


def _min_max(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Call"):
        other = _CALLED.get(getattr(node.func, "id", ""), "")
        if other and not other.startswith("unsafe_"):
            yield _replace(node.func, around, other)


# locks


def _drop_lock(node: Any, around: Around) -> Iterator[Edit]:
    if _is(node, "Module"):
        at = 0
        for line in around.text.source.splitlines(keepends=True):
            if line.startswith("#") and line.split("#", 1)[1].split() == [
                "pragma",
                "nonreentrancy",
                "on",
            ]:
                yield Edit(at, at + len(line.rstrip("\n")), "#")
            at += len(line)
    elif _is(node, "FunctionDef"):
        for decorator in node.decorator_list:
            if getattr(decorator, "id", "") == "nonreentrant":
                start, end = around.text.span(decorator)
                yield Edit(start - 1, end, "#")


OPERATORS: Final = {
    each.name: each
    for each in (
        Operator("drop-assert", "an assert is left out", _drop_assert),
        Operator("ignore-result", "nobody looks at the result of an external call", _ignore_result),
        Operator("drop-write", "a write to storage is left out", _drop_write),
        Operator("drop-assign", "an assignment to a local variable is left out", _drop_assign),
        Operator("drop-call", "a call whose result nobody uses is left out", _drop_call),
        Operator("drop-log", "an event is not logged", _drop_log),
        Operator("drop-raise", "a raise is left out", _drop_raise),
        Operator("drop-jump", "a break or continue is left out", _drop_jump),
        Operator("empty-return", "a function returns nothing but zeros", _empty_return),
        Operator("compare", "a comparison is moved by one, or turned round", _compare),
        Operator("arithmetic", "an operator becomes its opposite", _arithmetic),
        Operator("and-or", "`and` becomes `or`, and the other way round", _and_or),
        Operator("drop-operand", "one part of a condition is left out", _drop_operand),
        Operator("drop-not", "a `not` or `~` is left out", _drop_not),
        Operator("negate", "a condition that is no comparison is turned round", _negate),
        Operator("constant", "a number is one more or one less", _constant),
        Operator("flip-bool", "True becomes False, and the other way round", _flip_bool),
        Operator("caller", "`msg.sender` becomes `self`", _caller),
        Operator("rounding", "a helper that rounds up rounds down, or the other way", _rounding),
        Operator("min-max", "`min` becomes `max`, and the other way round", _min_max),
        Operator("drop-lock", "a lock against re-entrance is left out", _drop_lock),
    )
}
