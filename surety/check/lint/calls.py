# SPDX-License-Identifier: MIT
"""Rules on single calls of other contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vyper.ast import nodes as vy

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
    """Tell whether an answer is dropped, or put into a name that is never read.

    Of several answers the first one counts: of a raw call it is the success.
    """
    parent = node.get_ancestor()
    if isinstance(parent, vy.ExtCall):
        parent = parent.get_ancestor()
    if isinstance(parent, vy.Expr):
        return True
    if not isinstance(parent, vy.AnnAssign | vy.Assign):
        return False
    target = parent.target
    if isinstance(target, vy.Tuple):
        target = target.elements[0]
    if not isinstance(target, vy.Name) or tree.is_kept(target):
        return False
    return not is_read(target)


def is_read(name: Any) -> bool:
    """Tell whether a local name is read anywhere in its function but in being assigned."""
    function = tree.function_of(name)
    for other in function.get_descendants(vy.Name):
        if other.id != name.id or other is name:
            continue
        statement = other.get_ancestor((vy.Assign, vy.AugAssign, vy.AnnAssign))
        given = statement is not None and other in _targets(statement)
        if not given or isinstance(statement, vy.AugAssign):
            return True
    return False


def _targets(statement: Any) -> list[Any]:
    target = statement.target
    return list(target.elements) if isinstance(target, vy.Tuple) else [target]
