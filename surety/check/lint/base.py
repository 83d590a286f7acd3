# SPDX-License-Identifier: MIT
"""What a rule is, what it finds, and what it may ask about the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vyper.ast import nodes as vy

from surety.check import tree
from surety.check.source import Project, Source

# a place in the source's tree and what is wrong there; a rule may also name places of its modules
Found = Iterator[tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: an id in lower case, what it finds, why that is bad, and what to do."""

    id: str
    title: str
    why: str
    fix: str
    find: Callable[[Source, Facts], Found] = field(repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place where a rule found something; lines and columns count from 1.

    `span` are the first and last line of the statement, which a comment that allows it may stand
    on.
    """

    file: str
    line: int
    column: int
    rule: str
    message: str
    span: tuple[int, int] = field(compare=False)

    def __str__(self) -> str:
        """Return the finding as one line that an editor understands."""
        return f"{self.file}:{self.line}:{self.column}: {self.rule}: {self.message}"


@dataclass(slots=True)
class Facts:
    """What is worked out once for a project and asked for by several rules.

    `flows` keeps what was found on the way through a function, by its node and by whether somebody
    else's code ran before it.
    """

    project: Project
    flows: dict[tuple[int, bool], Flow] = field(default_factory=dict)

    def flow(self, function: Any, called: Any = None) -> Flow:
        """Return what happens from the first line of a function to its last, in order.

        `called` is the call of somebody else's code that came before it, if there was one.
        """
        key = (id(function), called is not None)
        if key not in self.flows:
            flow = self.flows[key] = Flow(called)
            if not self._block(function.body, flow):
                flow.left = flow.left or flow.called
        return self.flows[key]

    def _block(self, body: Any, flow: Flow) -> bool:
        """Walk statements in order; tell whether they never reach what follows them."""
        for node in body:
            if isinstance(node, vy.If):
                self._visit(node.test, flow)
                before, ends = flow.called, []
                for arm in (node.body, node.orelse):
                    flow.called = before
                    if not self._block(arm, flow):
                        ends.append(flow.called)
                if not ends:
                    return True
                flow.called = next((end for end in ends if end is not None), None)
            elif isinstance(node, vy.For):
                self._visit(node.iter, flow)
                for _ in range(2):  # what a round leaves behind meets the next one
                    self._block(node.body, flow)
            else:
                self._visit(node, flow)
                if isinstance(node, vy.Return):
                    flow.left = flow.left or flow.called
                if isinstance(node, vy.Return | vy.Raise):
                    return True
        return False

    def _visit(self, node: Any, flow: Flow) -> None:
        """Walk a statement's parts in the order in which they run."""
        children = node.get_children()
        if isinstance(node, vy.Assign | vy.AugAssign):
            children = [node.value, node.target]
        for child in children:
            self._visit(child, flow)
        inner = tree.internal(node) if isinstance(node, vy.Call) else None
        if inner is not None:
            below = self.flow(inner, flow.called)
            for place, call in below.writes.items():
                flow.writes.setdefault(place, call)
            flow.called = flow.called or below.left
        if tree.calls_out(node):
            flow.called = flow.called or node
        if flow.called is not None:
            for place in tree.written(node):
                flow.writes.setdefault(place, flow.called)


@dataclass(slots=True)
class Flow:
    """What a function does in order.

    `called` is the first call of somebody else's code on the way to where the walk stands, `left`
    the same where the function returns; `writes` are the places in storage that are written after
    such a call, each with the call.
    """

    called: Any = None
    left: Any = None
    writes: dict[Any, Any] = field(default_factory=dict)


def where(finding: Any) -> tuple[int, int]:
    """Return the first and last line of the statement that a node is part of.

    Of a branch or loop it is the head; of a function everything from its first decorator to the
    line before its body.
    """
    node = tree.statement_of(finding)
    if isinstance(node, vy.FunctionDef):
        first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
        return first, max(node.lineno, node.body[0].lineno - 1)
    if isinstance(node, vy.If):
        return node.lineno, node.test.end_lineno
    if isinstance(node, vy.For):
        return node.lineno, node.iter.end_lineno
    return node.lineno, node.end_lineno
