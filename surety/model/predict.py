# SPDX-License-Identifier: MIT
"""Say what a move will do, and what two books disagree about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from surety.formulas import Revert
from surety.model.book import Book
from surety.model.state import Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """One move: the book before and after, and why it was refused, if it was.

    A refused move leaves the very same book.
    """

    now: int
    before: Book
    after: Book
    reason: str | None

    @property
    def logs(self) -> list[tuple[str, dict[str, Any]]]:
        """What the vault logs, in order."""
        return self.after.logs if self.reason is None else []

    def log(self, name: str) -> dict[str, Any]:
        """Return the arguments of the vault's one event of that name; ValueError otherwise."""
        (found,) = [args for event, args in self.logs if event == name]
        return found


def predict(
    book: Book, move: str, args: Sequence[Any], caller: str, now: int, **extra: Any
) -> Outcome:
    """Say what a move by `caller` will do at second `now`; the book stays as it is.

    Arithmetic that leaves 256 bits is refused without a reason, as the EVM does.
    """
    after = book.copy()
    try:
        getattr(after, move)(now, caller, *args, **extra)
    except (Refused, Revert) as refused:
        return Outcome(now, book, book, refused.reason)
    return Outcome(now, book, after, None)


def differences(found: Book, expected: Book) -> list[str]:
    """Name every field in which two books differ, an empty list when they remember the same."""
    return [
        f"{item.name}: {getattr(found, item.name)} is not {getattr(expected, item.name)}"
        for item in fields(Book)
        if item.compare and getattr(found, item.name) != getattr(expected, item.name)
    ]


def check_same(found: Book, expected: Book) -> None:
    """Assert that two books remember the same, or name everything that differs."""
    different = differences(found, expected)
    assert not different, "\n".join(different)
