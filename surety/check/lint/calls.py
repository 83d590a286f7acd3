# SPDX-License-Identifier: MIT
"""Rules on single calls of other contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vyper.ast import nodes as vy
from vyper.semantics.data_locations import DataLocation

from surety.check import tree
from surety.check.lint.base import Facts, Found
from surety.check.source import Source


def dropped_result(source: Source, _: Facts) -> Found:
    """Find calls that answer true or false to nobody."""
    for call in source.tree.get_descendants(vy.ExtCall):
        kind = call.value.func._metadata.get("type")
        answer = getattr(kind, "return_type", None)
        if str(answer) == "bool" and _is_unused(call):
            name = getattr(call.value.func, "attr", "the call")
            yield call, f"{name} answers bool, and nothing looks at it"


def raw_call_success(source: Source, _: Facts) -> Found:
    """Find raw calls that may fail without anybody noticing."""
    for call in _raw_calls(source):
        reverts = tree.keyword(call, "revert_on_failure")
        if reverts is None or tree.folded(reverts) != 0:
            continue
        if _is_unused(call):
            yield call, "the call may fail, and nothing looks at its success"


def raw_call_outsize(source: Source, _: Facts) -> Found:
    """Find raw calls of a function whose answer is thrown away."""
    for call in _raw_calls(source):
        data = call.args[1] if len(call.args) > 1 else tree.keyword(call, "data")
        found = data.get_folded_value() if data is not None and data.has_folded_value else data
        plain = isinstance(found, vy.Bytes | vy.HexBytes) and len(found.value) == 0
        if not plain and tree.keyword(call, "max_outsize") is None:
            yield call, "max_outsize is not said: what the callee answers is thrown away"


def skip_contract_check(source: Source, _: Facts) -> Found:
    """Find calls that succeed where there is no contract."""
    for call in source.tree.get_descendants(vy.Call):
        if tree.is_true(tree.keyword(call, "skip_contract_check")):
            yield call, "an address without code counts as a success"


def tx_origin(source: Source, _: Facts) -> Found:
    """Find every use of tx.origin."""
    for node in source.tree.get_descendants(vy.Attribute):
        if tree.dotted(node) == "tx.origin":
            yield node, "tx.origin is whoever started the transaction, not who calls"


def delegatecall(source: Source, _: Facts) -> Found:
    """Find every delegatecall."""
    for call in _raw_calls(source):
        if tree.is_true(tree.keyword(call, "is_delegate_call")):
            yield call, "runs somebody else's code on this contract's storage"


def _raw_calls(source: Source) -> Iterator[Any]:
    for call in source.tree.get_descendants(vy.Call):
        if tree.builtin(call) == "raw_call":
            yield call


def _is_unused(node: Any) -> bool:
    """Tell whether an answer is dropped, or put into names that decide nothing.

    Of several answers the first one counts: of a raw call it is the success.
    """
    return not decides(node, first=True)


def decides(node: Any, first: bool = False) -> bool:
    """Tell whether anything depends on a value: an assert, a branch, a return, another call, a key,
    or a variable that is read.

    It is followed through expressions and local names; `first` of several targets alone counts. A
    log decides nothing.
    """
    function = tree.function_of(node)
    found = _goes_to(node, first)
    todo, seen = [] if isinstance(found, bool) else [*found], set()
    if found is True:
        return True
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for use in function.get_descendants(vy.Name):
            if use.id == name and not _is_target(use):
                found = _goes_to(use, False)
                if found is True:
                    return True
                todo += [] if found is False else found
    return False


def _is_target(name: Any) -> bool:
    statement = name.get_ancestor((vy.Assign, vy.AugAssign, vy.AnnAssign))
    return statement is not None and any(name is item for item in _targets(statement))


def _goes_to(node: Any, first: bool) -> bool | list[str]:
    """Follow a value up its expression: whether it decides something, or the names it is put in."""
    child, parent = node, node.get_ancestor()
    while parent is not None:
        if isinstance(parent, vy.Assert | vy.If | vy.IfExp) and child is parent.test:
            return True
        if isinstance(parent, vy.Return | vy.Raise | vy.For):
            return True
        if isinstance(parent, vy.Subscript) and child is parent.slice:
            return True
        if isinstance(parent, vy.Log | vy.Expr | vy.FunctionDef):
            return False
        if isinstance(parent, vy.Assign | vy.AnnAssign | vy.AugAssign):
            targets = _targets(parent)
            return _put(targets[:1] if first else targets)
        if isinstance(parent, vy.Call) and child is not parent.func:
            outside = isinstance(parent.get_ancestor(), vy.ExtCall | vy.StaticCall)
            inside = tree.internal(parent) is not None
            if outside or inside or tree.builtin(parent) in ("raw_call", "send"):
                return True
            if getattr(parent.func, "attr", "") == "append":
                return _put([parent.func.value])
        child, parent = parent, parent.get_ancestor()
    return False


def _put(targets: list[Any]) -> bool | list[str]:
    names: list[str] = []
    for target in targets:
        local = list(tree.roots(target))
        if tree.is_kept(target):
            if _is_ever_read(tree.variable(target)):
                return True
        elif not local or _is_immutable(target):
            return True
        names += local
    return names


def _is_immutable(target: Any) -> bool:
    info = getattr(target, "_expr_info", None)
    return info is not None and info.location is DataLocation.CODE


def _is_ever_read(variable: Any) -> bool:
    """Tell whether a variable in storage is public, or read by a function of its file."""
    if variable is None or variable.decl_node is None or variable.decl_node.is_public:
        return True
    module = variable.decl_node.module_node
    return any(
        tree.variable(node) is variable and not _is_stored(node)
        for node in module.get_descendants(vy.Attribute)
    )


def _is_stored(node: Any) -> bool:
    """Tell whether an attribute is what an assignment writes to."""
    while isinstance(node.get_ancestor(), vy.Subscript | vy.Attribute):
        if node is not node.get_ancestor().value:
            return False
        node = node.get_ancestor()
    statement = node.get_ancestor()
    if isinstance(statement, vy.Tuple):
        statement = statement.get_ancestor()
    if not isinstance(statement, vy.Assign | vy.AugAssign):
        return False
    return any(node is item for item in _targets(statement))


def _targets(statement: Any) -> list[Any]:
    target = statement.target
    return list(target.elements) if isinstance(target, vy.Tuple) else [target]
