# SPDX-License-Identifier: MIT
"""Where the nodes of Vyper's syntax tree stand in their source.

Vyper 0.4.3 rewrites `extcall` and `staticcall` before Python's parser reads them, and does not put
all columns back: the start of a node is right, its end may lie too far left on a line with such a
call. So ends are found again here, from the tokens and the ends of the children.
"""

from __future__ import annotations

import io
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from surety.check.source import SourceError

_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
_SKIPPED: Final = frozenset(
    (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text, and where it begins and ends in the source, in characters."""

    text: str
    start: int
    end: int


class Text:
    """A source with its tokens and its tree. Positions are characters from its beginning."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.tokens = list(self._tokenize())
        self._starts = [token.start for token in self.tokens]
        self.tree = _parsed(source)
        self._ends: dict[int, int] = {}

    def _tokenize(self) -> Iterator[Token]:
        try:
            for found in tokenize.generate_tokens(io.StringIO(self.source).readline):
                if found.type not in _SKIPPED and found.string:
                    start, end = (
                        self._lines[line - 1] + column for line, column in (found.start, found.end)
                    )
                    yield Token(found.string, start, end)
        except (tokenize.TokenError, SyntaxError) as error:
            raise SourceError(f"not Vyper: {error.args[0]}") from None

    def line_of(self, at: int) -> int:
        """Return the line of a position, counted from 1."""
        return bisect_right(self._lines, at, hi=len(self._lines) - 1) or 1

    def lines_of(self, start: int, end: int) -> tuple[int, int]:
        """Return where the lines that hold a range begin and end, the last line break left out."""
        first, last = self.line_of(start), self.line_of(max(start, end - 1))
        stop = self._lines[last] if last < len(self._lines) else len(self.source)
        return self._lines[first - 1], stop - self.source[:stop].endswith("\n")

    def start(self, node: Any) -> int:
        """Return where a node begins; before code on its line stands nothing but ASCII."""
        line: int = self._lines[node.lineno - 1]
        return line + int(node.col_offset)

    def end(self, node: Any) -> int:
        """Return where a node ends: after its last child, its last token and its brackets."""
        if id(node) not in self._ends:
            self._ends[id(node)] = self._find_end(node)
        return self._ends[id(node)]

    def _find_end(self, node: Any) -> int:
        match type(node).__name__:
            case "Call":
                return self._closing(self.end(node.func))
            case "Subscript":
                return self._closing(self.end(node.value))
            case "Attribute":
                at = bisect_left(self._starts, self.end(node.value))
                while self.tokens[at].text == ")":
                    at += 1
                return self.tokens[at + 1].end  # behind the dot
        start = self.start(node)
        end = self.tokens[bisect_left(self._starts, start)].end
        for child in node.get_children():
            if not _has_no_place(child):
                end = max(end, self.end(child))
        return self._balanced(start, end)

    def _closing(self, end: int) -> int:
        """Return the end of the brackets that open behind `end`."""
        at = bisect_left(self._starts, end)
        while self.tokens[at].text == ")":
            at += 1
        return self._balanced(self.tokens[at].start, self.tokens[at].end)

    def span(self, node: Any) -> tuple[int, int]:
        """Return where a node begins and ends."""
        return self.start(node), self.end(node)

    def of(self, node: Any) -> str:
        """Return the text of a node."""
        return self.source[self.start(node) : self.end(node)]

    def between(self, start: int, end: int) -> list[Token]:
        """Return the tokens of a range."""
        return self.tokens[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _balanced(self, start: int, end: int) -> int:
        """Return the first end from here on that leaves no bracket open."""
        at, depth = bisect_left(self._starts, start), 0
        while at < len(self.tokens) and (self.tokens[at].start < end or depth):
            text = self.tokens[at].text
            if text in _OPENING:
                depth += 1
            elif text in _CLOSING:
                depth -= 1
            end = max(end, self.tokens[at].end)
            at += 1
        return end


def _has_no_place(node: Any) -> bool:
    """Tell whether a node's columns mean nothing: an operator, or the variable of a loop."""
    from vyper.ast import nodes as vy

    above = node.get_ancestor()
    return (
        isinstance(node, vy.Operator)
        or getattr(node, "lineno", None) is None
        or (isinstance(above, vy.For) and node is above.target)
    )


def _parsed(source: str) -> Any:
    from vyper.ast import parse_to_ast
    from vyper.exceptions import VyperException

    try:
        return parse_to_ast(source)
    except VyperException as error:
        first = str(error).strip().splitlines()[0]
        raise SourceError(f"not Vyper: {first}") from None
