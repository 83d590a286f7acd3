# SPDX-License-Identifier: MIT
"""Comments of a source: proofs beside arithmetic, and findings that are allowed with a reason."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from surety.check.source import Source

_ALLOW: Final = re.compile(r"^#+\s*check:\s*allow\b(.*)$", re.I)
_SILENT: Final = re.compile(r"^#+\s*(?:pragma\b|@version\b|SPDX\b|check:)", re.I)
_REASON: Final = re.compile(r"\s+(?:-+|—|–|because|:)\s+|\s*:\s+")


@dataclass(frozen=True, slots=True)
class Allow:
    """A comment that allows rules where it stands: `# check: allow <rule>[, <rule>] - <why>`.

    `alone` on its line it speaks of what follows, else of the statement that it stands on.
    """

    line: int
    rules: tuple[str, ...]
    why: str
    target: int


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments of a source by line, and which lines hold nothing else."""

    text: dict[int, str]
    alone: frozenset[int]
    blank: frozenset[int]

    @staticmethod
    def of(source: Source) -> Comments:
        """Return the comments of a source."""
        return _read(source.text)

    def near(
        self, first: int, last: int, says: Callable[[str], bool] = lambda comment: True
    ) -> bool:
        """Tell whether a comment on or right above these lines says something.

        Pragmas and comments to this tool say nothing.
        """
        lines = [*range(first, last + 1)]
        above = first - 1
        while above in self.alone:
            lines.append(above)
            above -= 1
        texts = (self.text.get(line, "") for line in lines)
        return any(text and not _SILENT.match(text) and says(text) for text in texts)

    def over(self, line: int, says: Callable[[str], bool]) -> bool:
        """Tell whether a comment alone on its line, above this one with no blank line between, says
        something: it speaks of the lines that follow it.
        """
        above = line - 1
        while above > 0 and above not in self.blank:
            text = self.text.get(above, "")
            if above in self.alone and not _SILENT.match(text) and says(text):
                return True
            above -= 1
        return False

    def allows(self) -> Iterator[Allow]:
        """Yield the comments that allow something, in their order."""
        for line, text in sorted(self.text.items()):
            found = _ALLOW.match(text)
            if found is None:
                continue
            names, _, why = _split(found[1])
            target = line
            if line in self.alone:
                target += 1
                while target in self.alone or target in self.blank:
                    target += 1
            rules = tuple(name for name in re.split(r"[,\s]+", names) if name)
            yield Allow(line, rules, why.strip(), target)


def _split(text: str) -> tuple[str, str, str]:
    found = _REASON.search(text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


@lru_cache(maxsize=512)
def _read(text: str) -> Comments:
    comments: dict[int, str] = {}
    alone = set()
    lines = text.splitlines()
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    try:
        for token in tokens:
            if token.type == tokenize.COMMENT:
                line, column = token.start
                comments[line] = token.string
                if not lines[line - 1][:column].strip():
                    alone.add(line)
    except (tokenize.TokenError, IndentationError):  # what compiles may not be Python to the end
        pass
    blank = {number for number, line in enumerate(lines, 1) if not line.strip()}
    return Comments(comments, frozenset(alone), frozenset(blank))
