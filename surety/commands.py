# SPDX-License-Identifier: MIT
"""What all commands share: failures said in one line, numbers that are finite, and times."""

from __future__ import annotations

import math
from typing import Any

import click


class Failure(click.ClickException):
    """A foreseen failure of a command: one line on stderr and exit code 1.

    It remembers the command in which it was raised, so that the line can name it.
    """

    def __init__(self, message: object) -> None:
        text = printable(" ".join(str(message).split()))
        super().__init__(text or type(message).__name__)
        self.ctx = click.get_current_context(silent=True)


class FiniteRange(click.FloatRange):
    """A float in a range that is a number: neither NaN, which passes every range, nor infinite."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number or fail with one line."""
        try:
            finite = math.isfinite(float(value))
        except (TypeError, ValueError, OverflowError):
            finite = True  # no float at all: the range says so
        if not finite:
            self.fail(f"{value} is not a finite number.", param, ctx)
        return float(super().convert(value, param, ctx))


class Moment(click.ParamType):
    """Unix seconds, or an ISO date or date and time in UTC; a date alone covers its whole day."""

    name = "time"

    def __init__(self, *, end: bool) -> None:
        self._end = end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return unix seconds or fail with one line."""
        from surety.series import parse_moment  # it counts with what is below

        if isinstance(value, int):
            return value
        try:
            return parse_moment(str(value), end=self._end)
        except ValueError:
            self.fail(
                f"{value!r} is neither unix seconds nor a date or time like 2020-03-12T08:00",
                param,
                ctx,
            )


def line_of(error: click.ClickException, fallback: click.Context | None = None) -> str:
    """Return `surety <command>: <message>` on one line."""
    context = getattr(error, "ctx", None) or fallback
    path = "surety"
    if isinstance(context, click.Context):
        path = context.command_path
        if context is fallback and context.invoked_subcommand:
            path = f"{path} {context.invoked_subcommand}"
    return f"{path}: {' '.join(error.format_message().split())}"


def printable(text: str) -> str:
    """Return a text with what does not print escaped: nodes and contracts are strangers.

    Escape sequences, line breaks and marks that turn the direction of writing become visible.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def plural(number: int, thing: str) -> str:
    """Return what is counted, as in `block` for 1 and `blocks` for any other number."""
    return thing if number == 1 else f"{thing}s"


def counted(number: int, thing: str) -> str:
    """Return a number and what it counts, as in `1 block` and `1,200 blocks`."""
    return f"{number:,} {plural(number, thing)}"
