# SPDX-License-Identifier: MIT
"""What became of mutants: one JSON line each in a file that a later run goes on with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from surety.check.mutate.mutants import Mutant
from surety.files import write_atomically

KILLED: Final = "killed"
SURVIVED: Final = "survived"
EQUIVALENT: Final = "equivalent"  # its code is the very same
INVALID: Final = "invalid"  # it does not compile
FAILED: Final = "failed"  # it could not be tried
_BEGIN: Final = '{"key": "'  # of every line
VERDICTS: Final = (KILLED, SURVIVED, EQUIVALENT, INVALID, FAILED)


class ResultsError(RuntimeError):
    """A file of results cannot be read or written; the message says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One mutant and its verdict: `by` says what killed it, or why it is invalid or failed."""

    key: str
    file: str
    function: str
    operator: str
    line: int
    before: str
    after: str
    verdict: str
    by: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, mutant: Mutant, verdict: str, by: str = "", seconds: float = 0.0) -> Result:
        """Say what became of a mutant."""
        return cls(
            mutant.key,
            mutant.file,
            mutant.function,
            mutant.operator,
            mutant.line,
            mutant.before,
            mutant.after,
            verdict,
            by,
            round(seconds, 2),
        )

    def dump(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))


def read(path: Path) -> dict[str, Result]:
    """Read results by key, a later line of the same key in place of an earlier one.

    A last line that was cut off is left out; raises ResultsError for anything else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: {error}") from error
    lines, whole = text.splitlines(), text.endswith("\n")
    found: dict[str, Result] = {}
    for number, line in enumerate(lines, 1):
        try:
            result = Result(**json.loads(line))
        except (ValueError, TypeError) as error:
            is_cut = number == len(lines) and not whole and line.startswith(_BEGIN[: len(line)])
            if is_cut and isinstance(error, ValueError):
                break
            raise ResultsError(f"{path}, line {number}: not a result; move the file away") from None
        if result.verdict not in VERDICTS:
            raise ResultsError(f"{path}, line {number}: no such verdict: {result.verdict!r}")
        found[result.key] = result
    return found


def write(path: Path, results: Iterable[Result]) -> None:
    """Write results in the order of their places, whole or not at all."""
    ordered = sorted(results, key=lambda each: (each.file, each.line, each.operator, each.key))
    try:
        write_atomically(path, "".join(f"{each.dump()}\n" for each in ordered))
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error


@dataclass(slots=True)
class Log:
    """A file to which results are appended as they come; None keeps them in memory only."""

    path: Path | None
    _is_whole: bool = False

    def _mend(self, path: Path) -> None:
        """Take away a last line that was cut off, or end it where only its end is missing."""
        self._is_whole = True
        if not path.exists() or (raw := path.read_bytes()).endswith(b"\n") or not raw:
            return
        last = raw[raw.rfind(b"\n") + 1 :]
        if last.endswith(b"}"):
            with path.open("ab") as stream:
                stream.write(b"\n")
        else:
            os.truncate(path, len(raw) - len(last))

    def append(self, result: Result) -> None:
        """Add one line; raises ResultsError."""
        if self.path is None:
            return
        try:
            if not self._is_whole:
                self._mend(self.path)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"{result.dump()}\n")
        except OSError as error:
            raise ResultsError(f"{self.path}: {error.strerror}") from error


def kept(known: Mapping[str, Result], mutants: Iterable[Mutant], again: bool) -> dict[str, Result]:
    """Return the results that need not be found again: of mutants that are still the same.

    With `again` what survived or failed is tried anew.
    """
    found = {}
    for mutant in mutants:
        result = known.get(mutant.key)
        if result is None or result.verdict == FAILED:
            continue
        if again and result.verdict == SURVIVED:
            continue
        found[mutant.key] = Result.of(mutant, result.verdict, result.by, result.seconds)
    return found
