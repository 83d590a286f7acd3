# SPDX-License-Identifier: MIT
"""Rules on who may call: setters that ask nobody, and signatures of nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vyper.ast import nodes as vy

from surety.check import tree
from surety.check.lint.base import Facts, Found
from surety.check.lint.calls import decides
from surety.check.source import Source

_DEEP = 24


def open_setter(source: Source, _: Facts) -> Found:
    """Find functions that let anyone put a value of his own into storage."""
    for function in source.functions:
        kind = tree.kind_of(function)
        guarded: set[int] = set()
        if not kind.is_external or tree.only_reads(function) or _asks(function, guarded):
            continue
        params = frozenset(item.arg for item in function.args.args)
        walk = _Given(guarded)
        walk.function(function, params)
        if walk.places:
            place, what = next(iter(walk.places.items()))
            name = function.name
            message = f"anyone may call {name}, which writes {what} into {_name(place)}"
            yield function, f"{message} (line {place.lineno})"


def zero_signer(source: Source, _: Facts) -> Found:
    """Find recovered signers that are never told from nobody."""
    for call in source.tree.get_descendants(vy.Call):
        if tree.builtin(call) != "ecrecover":
            continue
        function = tree.function_of(call)
        statement = call.get_ancestor((vy.AnnAssign, vy.Assign))
        names = set(tree.roots(statement.target)) if statement is not None else set()
        compared = [
            node
            for node in function.get_descendants(vy.Compare)
            if any(_is_nobody(side) for side in (node.left, node.right)) and decides(node)
        ]
        sides = [side for node in compared for side in (node.left, node.right)]
        # what the signer is compared with may be known not to be zero instead
        partners = {
            text
            for node in function.get_descendants(vy.Compare)
            for side, other in ((node.left, node.right), (node.right, node.left))
            if getattr(side, "id", None) in names or side is call
            for text in [other.node_source_code]
        }
        known = {getattr(side, "id", None) for side in sides} & names
        known |= {side.node_source_code for side in sides} & partners
        if not known:
            yield (
                call,
                "ecrecover answers the zero address for a bad signature: nothing tells it apart",
            )


def _is_nobody(node: Any) -> bool:
    """Tell whether a node is the zero address."""
    if tree.builtin(node) == "empty":
        return True
    found = node.get_folded_value() if node.has_folded_value else node
    return isinstance(found, vy.Hex) and int(found.value, 16) == 0


def _name(place: Any) -> str:
    found = tree.variable(place)
    return found.decl_node.target.id if found is not None else "storage"


# who calls


def _asks(function: Any, guarded: set[int]) -> bool:
    """Tell whether what a function does depends on who calls it, or on a signature.

    It does where the caller decides a branch or an assert, is asked for or paid from in another
    contract, or is the key of what is written. To log him, or to remember him, is not to ask, nor
    is that he is not the zero address. A branch asks for what lies inside its arms, or, where one
    arm leaves, for what follows: these statements are added to `guarded`, by their `id`.
    """
    return _asks_with(function, frozenset(), 0, set(), guarded)


def _asks_with(
    function: Any,
    given: frozenset[str],
    depth: int,
    seen: set[tuple[int, frozenset[str]]],
    guarded: set[int],
) -> bool:
    if depth > _DEEP or (id(function), given) in seen:
        return False
    seen.add((id(function), given))
    names = _spread(function, given, _is_caller)

    def depends(node: Any) -> bool:
        return node is not None and _depends(node, names, _is_caller, depth)

    for node in function.get_descendants():
        if isinstance(node, vy.Assert | vy.If | vy.IfExp) and depends(node.test):
            if _is_idle(node.test):
                continue
            if isinstance(node, vy.Assert) or _raises(node):
                return True
            guarded |= _behind(node, function)
        if isinstance(node, vy.Subscript) and tree.is_kept(node) and depends(node.slice):
            return True
        if not isinstance(node, vy.Call):
            continue
        if tree.builtin(node) == "ecrecover":
            return True
        inner = tree.internal(node)
        if inner is not None:
            pairs = tree.arguments(inner, node).items()
            below = frozenset(name for name, value in pairs if depends(value))
            if _asks_with(inner, below, depth + 1, seen, guarded):
                return True
        elif _leaves(node) and any(depends(value) for value in node.args):
            return True
    return False


def _is_idle(test: Any) -> bool:
    """Tell whether a test only says that the caller is not the zero address."""
    if not isinstance(test, vy.Compare):
        return False
    sides = (test.left, test.right)
    return any(_is_nobody(side) for side in sides) and any(_is_caller(side) for side in sides)


def _raises(branch: Any) -> bool:
    """Tell whether one way through a branch reverts all that was done."""
    if not isinstance(branch, vy.If):
        return False
    return any(arm and _reverts(arm[-1]) for arm in (branch.body, branch.orelse))


def _reverts(last: Any) -> bool:
    """Tell whether a statement raises, or calls a function whose last one does."""
    if isinstance(last, vy.Expr) and isinstance(last.value, vy.Call):
        inner = tree.internal(last.value)
        return inner is not None and _reverts(inner.body[-1])
    return isinstance(last, vy.Raise)


def _behind(branch: Any, function: Any) -> set[int]:
    """Return the statements that a branch decides about, by their `id`."""
    kinds = (vy.AnnAssign, vy.Assign, vy.AugAssign, vy.Expr)
    if isinstance(branch, vy.IfExp):
        params = {item.arg for item in function.args.args}
        for arm in (branch.body, branch.orelse):
            if params.isdisjoint(
                node.id
                for node in [arm, *arm.get_descendants(vy.Name)]
                if isinstance(node, vy.Name)
            ):
                return {id(branch.get_ancestor(kinds))}
        return set()
    arms = [arm for arm in (branch.body, branch.orelse) if arm]
    found = {
        id(node) for arm in arms for item in arm for node in [item, *item.get_descendants(kinds)]
    }
    if any(isinstance(arm[-1], vy.Return | vy.Continue | vy.Break) for arm in arms):
        last = branch.end_lineno
        found |= {id(node) for node in function.get_descendants(kinds) if node.lineno > last}
    return found


def _leaves(call: Any) -> bool:
    """Tell whether a call is one of another contract."""
    outside = isinstance(call.get_ancestor(), vy.ExtCall | vy.StaticCall)
    return outside or tree.builtin(call) in ("raw_call", "send")


def _is_caller(node: Any) -> bool:
    return isinstance(node, vy.Attribute) and tree.dotted(node) == tree.CALLER


def _spread(function: Any, given: frozenset[str], source: Callable[[Any], bool]) -> frozenset[str]:
    """Return the names of a function into which what is looked for flows."""
    names = set(given)
    for _ in range(2):  # what a loop carries round
        for item in function.get_descendants((vy.AnnAssign, vy.Assign, vy.AugAssign)):
            if item.value is not None and _depends(item.value, frozenset(names), source, 0):
                names |= set(tree.roots(item.target))
        for loop in function.get_descendants(vy.For):
            if _depends(loop.iter, frozenset(names), source, 0):
                names.add(loop.target.target.id)
    return frozenset(names)


def _depends(node: Any, names: frozenset[str], source: Callable[[Any], bool], depth: int) -> bool:
    """Tell whether an expression holds what is looked for, or a name that it flowed into."""
    if source(node):
        return True
    if isinstance(node, vy.Name):
        return node.id in names
    if isinstance(node, vy.Call) and (inner := tree.internal(node)) is not None:
        if depth > _DEEP:
            return True
        below = frozenset(
            name
            for name, value in tree.arguments(inner, node).items()
            if _depends(value, names, source, depth + 1)
        )
        return _answers(inner, below, source, depth + 1)
    return any(_depends(child, names, source, depth) for child in node.get_children())


def _answers(inner: Any, given: frozenset[str], source: Callable[[Any], bool], depth: int) -> bool:
    """Tell whether what a function returns, or which way it leaves, depends on it."""
    names = _spread(inner, given, source)
    if any(
        _depends(branch.test, names, source, depth) and branch.get_descendants(vy.Return)
        for branch in inner.get_descendants(vy.If)
    ):
        return True
    return any(
        item.value is not None and _depends(item.value, names, source, depth)
        for item in inner.get_descendants(vy.Return)
    )


# what is written


@dataclass(slots=True)
class _Given:
    """Finds the places in storage that hold what a caller gave, or a constant for the asking.

    Only the value counts, not the key it is stored under, and neither what another contract
    answers: what is worked out from storage and the clock is upkeep that anyone may do.
    """

    guarded: set[int]
    places: dict[Any, str] = field(default_factory=dict)
    seen: set[tuple[int, frozenset[str], bool]] = field(default_factory=set)

    def function(self, function: Any, given: frozenset[str], plain: bool = True) -> None:
        """Walk a function; `plain` as long as nothing was asserted and no branch was taken."""
        if (id(function), given, plain) not in self.seen:
            self.seen.add((id(function), given, plain))
            self._block(function.body, set(given), plain)

    def _block(self, body: Any, names: set[str], plain: bool) -> None:
        for node in body:
            if isinstance(node, vy.If):
                self._visit(node.test, names, False)
                self._block(node.body, names, False)
                self._block(node.orelse, names, False)
                plain = False
            elif isinstance(node, vy.For):
                if self._holds(node.iter, names):
                    names.add(node.target.target.id)
                self._block(node.body, names, False)
            else:
                self._visit(node, names, plain)
                plain = plain and not isinstance(node, vy.Assert)

    def _visit(self, node: Any, names: set[str], plain: bool) -> None:
        if id(node) in self.guarded:
            return
        for call in [node, *node.get_descendants(vy.Call)]:
            inner = tree.internal(call) if isinstance(call, vy.Call) else None
            if inner is not None:
                pairs = tree.arguments(inner, call).items()
                below = frozenset(name for name, value in pairs if self._holds(value, names))
                self.function(inner, below, plain)
        value = getattr(node, "value", None)
        if not isinstance(node, vy.AnnAssign | vy.Assign | vy.AugAssign) or value is None:
            return
        holds = self._holds(value, names)
        if holds:
            names |= set(tree.roots(node.target))
        constant = plain and isinstance(node, vy.Assign) and _is_constant(value)
        for place in tree.written(node):
            if holds:
                self.places.setdefault(place, "what it is given")
            elif constant:
                self.places.setdefault(place, "a constant")

    def _holds(self, node: Any, names: set[str]) -> bool:
        """Tell whether a value holds what the caller gave."""
        if isinstance(node, vy.Name):
            return node.id in names
        if isinstance(node, vy.ExtCall | vy.StaticCall):
            return False
        if isinstance(node, vy.Subscript | vy.Attribute):
            return self._holds(node.value, names)
        if isinstance(node, vy.Compare | vy.BoolOp):
            return False
        if isinstance(node, vy.Call):
            inner = tree.internal(node)
            if inner is None:
                if tree.builtin(node) == "raw_call":
                    return False
                parts = [*node.args, *(item.value for item in node.keywords)]
                return any(self._holds(part, names) for part in parts)
            pairs = tree.arguments(inner, node).items()
            below = {name for name, value in pairs if self._holds(value, names)}
            return self._returns(inner, below)
        return any(self._holds(child, names) for child in node.get_children())

    def _returns(self, inner: Any, given: set[str]) -> bool:
        names = set(given)
        for item in inner.get_descendants((vy.AnnAssign, vy.Assign, vy.AugAssign)):
            if item.value is not None and self._holds(item.value, names):
                names |= set(tree.roots(item.target))
        return any(
            item.value is not None and self._holds(item.value, names)
            for item in inner.get_descendants(vy.Return)
        )


def _is_constant(node: Any) -> bool:
    return node.has_folded_value or isinstance(node, vy.Constant) or tree.builtin(node) == "empty"
