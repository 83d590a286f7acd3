# SPDX-License-Identifier: MIT
"""Rules on what happens in which order, and under which lock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from surety.check import tree
from surety.check.lint.base import Facts, Found
from surety.check.source import Source


def write_after_call(source: Source, facts: Facts) -> Found:
    """Find storage written after somebody else's code ran, on a way in without a lock."""
    for function in _ways_in(source):
        if tree.is_locked(function):
            continue
        for place, call in facts.flow(function).writes.items():
            inside = place.module_node is source.tree
            of = "" if call.module_node is source.tree else f" of {_file(call)}"
            message = f"{_named(place)} is written after the call in line {call.lineno}{of}"
            yield place if inside else function, f"{message}, and {function.name} takes no lock"


def unlocked_call(source: Source, facts: Facts) -> Found:
    """Find functions that change state, take no lock and run somebody else's code."""
    for function in _ways_in(source):
        flow = facts.flow(function)
        if tree.is_locked(function) or flow.left is None or flow.writes:
            continue
        yield function, f"{function.name} calls out (line {flow.left.lineno}) and takes no lock"


def stale_view(source: Source, facts: Facts) -> Found:
    """Find views without a lock that tell what a locked function has yet to write."""
    unsettled: dict[Any, str] = {}
    for other in facts.project.sources:
        for function in _ways_in(other):
            for place in facts.flow(function).writes:
                if (found := tree.variable(place)) is not None:
                    unsettled.setdefault(found, function.name)
    for function in source.functions:
        kind = tree.kind_of(function)
        if not kind.is_external or not tree.only_reads(function) or tree.is_locked(function):
            continue
        for access in kind.get_variable_reads():
            if access.variable in unsettled:
                name = access.variable.decl_node.target.id
                message = f"{function.name} can be asked while {unsettled[access.variable]}"
                yield function, f"{message} has called out and not yet written {name}"
                break


def no_lock_pragma(source: Source, _: Facts) -> Found:
    """Find files with external functions that nothing locks."""
    if source.tree.settings.nonreentrancy_by_default:
        return
    names = [
        function.name
        for function in source.functions
        if tree.kind_of(function).is_external
        and tree.kind_of(function).mutability.value != "pure"
        and not tree.is_locked(function)
    ]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield source.tree, f"no `# pragma nonreentrancy on`: nothing locks {names[0]}{more}"


def _ways_in(source: Source) -> Iterator[Any]:
    """Yield the external functions of a file that may change state."""
    for function in source.functions:
        if tree.kind_of(function).is_external and not tree.only_reads(function):
            yield function


def _named(place: Any) -> str:
    found = tree.variable(place)
    return found.decl_node.target.id if found is not None else "storage"


def _file(node: Any) -> str:
    return str(node.module_node.path).rsplit("/", 1)[-1]
