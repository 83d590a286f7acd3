# SPDX-License-Identifier: MIT
"""Survivors that somebody has explained: a TOML file with a reason for each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from surety.check.mutate.mutants import Mutant
from surety.check.mutate.results import SURVIVED, Result

FIELDS = ("file", "function", "before", "after", "reason")


class ArguedError(ValueError):
    """The file cannot be read, or an entry of it is not one; the message says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One explained fault: its file, function and lines, all as in a result, and the reason.

    Several mutants with the same words are one entry.
    """

    file: str
    function: str
    before: str
    after: str
    reason: str

    def fits(self, item: Mutant | Result) -> bool:
        """Tell whether a mutant is the one that is meant."""
        return (item.file, item.function, item.before, item.after) == (
            self.file,
            self.function,
            self.before,
            self.after,
        )

    def __str__(self) -> str:
        """Return the entry on one line."""
        return f"{self.file} {self.function}: {self.before} => {self.after}"


@dataclass(frozen=True, slots=True)
class Judged:
    """The survivors that are argued, those that are not, and entries that argue for nothing."""

    argued: tuple[Result, ...] = ()
    open: tuple[Result, ...] = ()
    idle: tuple[tuple[Entry, str], ...] = field(default=())


def read(path: Path) -> tuple[Entry, ...]:
    """Read `[[mutant]]` tables with exactly the fields above; raises ArguedError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArguedError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArguedError(f"{path}: {error}") from error
    tables = raw.get("mutant", [])
    if set(raw) - {"mutant"} or not isinstance(tables, list):
        raise ArguedError(f"{path}: only [[mutant]] tables belong there")
    found = []
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict) or set(table) != set(FIELDS):
            raise ArguedError(f"{path}, mutant {number}: needs exactly {', '.join(FIELDS)}")
        if not all(isinstance(value, str) and value.strip() for value in table.values()):
            raise ArguedError(f"{path}, mutant {number}: every field is a text that is not empty")
        found.append(Entry(**{name: " ".join(table[name].split()) for name in FIELDS}))
    return tuple(found)


def judge(entries: Sequence[Entry], results: Iterable[Result], mutants: Iterable[Mutant]) -> Judged:
    """Hold the survivors against the entries.

    `mutants` are all that can be made of the sources, tried or not: an entry that fits none of
    them is idle, and so is one whose mutants were all tried and none of which survived.
    """
    tried = list(results)
    survivors = [each for each in tried if each.verdict == SURVIVED]
    argued = [each for each in survivors if any(entry.fits(each) for entry in entries)]
    keys = {each.key for each in argued}
    known = list(mutants)
    verdicts = {each.key: each.verdict for each in tried}
    idle = []
    for entry in entries:
        fitting = [each.key for each in known if entry.fits(each)]
        if not fitting:
            idle.append((entry, "no such mutant"))
        elif all(key in verdicts and verdicts[key] != SURVIVED for key in fitting):
            idle.append((entry, f"it is {verdicts[fitting[0]]}"))
    return Judged(
        tuple(argued), tuple(each for each in survivors if each.key not in keys), tuple(idle)
    )
