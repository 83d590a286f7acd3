# SPDX-License-Identifier: MIT
"""What a run found: sums per file, function and operator, as text, Markdown and JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from surety.check.mutate.argued import Judged
from surety.check.mutate.results import (
    EQUIVALENT,
    FAILED,
    INVALID,
    KILLED,
    SURVIVED,
    Result,
)
from surety.commands import counted

BEGIN: Final = "<!-- mutation: generated, do not edit -->"
END: Final = "<!-- mutation: end -->"


@dataclass(frozen=True, slots=True)
class Sums:
    """How many mutants got which verdict; `argued` are among `survived`."""

    killed: int = 0
    survived: int = 0
    argued: int = 0
    equivalent: int = 0
    invalid: int = 0
    failed: int = 0
    untried: int = 0

    @property
    def made(self) -> int:
        """Return how many mutants could be told apart or not: all but what does not compile."""
        return self.killed + self.survived + self.equivalent

    @property
    def score(self) -> float | None:
        """Return the share of killed ones among those that neither their code nor an argument
        shows to be equivalent; None where there is none.
        """
        told = self.killed + self.survived - self.argued
        return self.killed / told if told else None


def sums(results: Iterable[Result], argued: frozenset[str], untried: int = 0) -> Sums:
    """Count verdicts; `argued` are the keys of survivors that are explained."""
    counts: dict[str, int] = defaultdict(int)
    explained = 0
    for each in results:
        counts[each.verdict] += 1
        explained += each.verdict == SURVIVED and each.key in argued
    return Sums(
        counts[KILLED],
        counts[SURVIVED],
        explained,
        counts[EQUIVALENT],
        counts[INVALID],
        counts[FAILED],
        untried,
    )


def by(
    results: Iterable[Result], argued: frozenset[str], name: Callable[[Result], str]
) -> dict[str, Sums]:
    """Return the sums of each group, in the order of their names."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        groups[name(each)].append(each)
    return {key: sums(groups[key], argued) for key in sorted(groups)}


def percent(score: float | None) -> str:
    """Return a share as text, never rounded up to 100; a dash for a share of nothing."""
    if score is None:
        return "-"
    tenths = int(score * 1_000)
    return "100 %" if tenths == 1_000 else f"{tenths / 10:.1f} %"


_HEAD: Final = ("", "mutants", "killed", "survived", "argued", "equivalent", "score")


def _row(name: str, found: Sums) -> tuple[str, ...]:
    numbers = (found.made, found.killed, found.survived, found.argued, found.equivalent)
    return (name, *(f"{number:,}" for number in numbers), percent(found.score))


def as_text(
    results: Sequence[Result], judged: Judged, diffs: Callable[[Result], str], untried: int
) -> str:
    """Return the report for a terminal: tables, then every open survivor with its diff."""
    argued = frozenset(each.key for each in judged.argued)
    total = sums(results, argued, untried)
    lines: list[str] = []
    for title, group in (
        ("function", by(results, argued, lambda each: f"{_stem(each.file)}.{each.function}")),
        ("operator", by(results, argued, lambda each: each.operator)),
        ("file", by(results, argued, lambda each: each.file)),
    ):
        rows = [(title, *_HEAD[1:]), *(_row(name, found) for name, found in group.items())]
        if title == "file":
            rows.append(_row("all", total))
        lines += [*_aligned(rows), ""]
    for result in judged.open:
        lines += [f"survived: {result.file}:{result.line} {result.function} ({result.operator})"]
        lines += [diffs(result).rstrip("\n"), ""]
    lines += [f"nothing to argue about: {entry}: {why}" for entry, why in judged.idle]
    lines += [
        f"failed: {each.file}:{each.line}: {each.by}" for each in results if each.verdict == FAILED
    ]
    lines.append(sentence(total, judged))
    return "\n".join(lines)


def sentence(total: Sums, judged: Judged) -> str:
    """Return the outcome in one line."""
    parts = [
        counted(total.made, "mutant"),
        f"{total.killed:,} killed",
        f"{total.survived:,} survived ({total.argued:,} argued)",
        f"{total.equivalent:,} with the same code",
        f"{total.invalid:,} did not compile",
    ]
    if total.failed:
        parts.append(f"{total.failed:,} could not be tried")
    if total.untried:
        parts.append(f"{total.untried:,} not tried")
    if judged.idle:
        parts.append(f"{counted(len(judged.idle), 'argument')} about nothing")
    return f"{', '.join(parts)}: {percent(total.score)}"


def as_json(results: Sequence[Result], judged: Judged, untried: int) -> dict[str, Any]:
    """Return the report as one object."""
    argued = frozenset(each.key for each in judged.argued)
    total = sums(results, argued, untried)
    return {
        **_numbers(total),
        "untried": untried,
        "files": {
            name: _numbers(found) for name, found in by(results, argued, lambda r: r.file).items()
        },
        "operators": {
            name: _numbers(found)
            for name, found in by(results, argued, lambda r: r.operator).items()
        },
        "survivors": [_told(each) for each in judged.open],
        "argued": [_told(each) for each in judged.argued],
        "idle": [{"entry": str(entry), "why": why} for entry, why in judged.idle],
    }


def _numbers(found: Sums) -> dict[str, Any]:
    return {
        "mutants": found.made,
        "killed": found.killed,
        "survived": found.survived,
        "argued": found.argued,
        "equivalent": found.equivalent,
        "invalid": found.invalid,
        "failed": found.failed,
        "score": None if found.score is None else round(found.score, 4),
    }


def _told(result: Result) -> dict[str, Any]:
    return {
        name: getattr(result, name)
        for name in ("file", "line", "function", "operator", "before", "after")
    }


def as_markdown(results: Sequence[Result], argued: frozenset[str], made: int) -> str:
    """Return the tables for a page: by file and by operator; `made` are tried and untried."""
    tried = f"{len(results):,} of {made:,}" if len(results) < made else f"All {made:,}"
    drawn = ", drawn at random," if len(results) < made else ""
    invalid = sum(each.verdict == INVALID for each in results)
    lines = [f"{tried} mutants{drawn} were tried; {invalid:,} did not compile.", ""]
    for title, name in (("file", _file), ("operator", _operator)):
        rows = [_row(f"`{key}`", found) for key, found in by(results, argued, name).items()]
        if title == "file":
            rows.append(_row("**all**", sums(results, argued)))
        lines += [
            "| " + " | ".join((title, *_HEAD[1:])) + " |",
            "|---|" + "---:|" * (len(_HEAD) - 1),
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
        ]
    return "\n".join(lines).rstrip("\n")


def _file(result: Result) -> str:
    return result.file


def _operator(result: Result) -> str:
    return result.operator


def between_marks(page: str, table: str) -> str:
    """Return a page with a table between its two marks; raises ValueError without them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _stem(file: str) -> str:
    return file.rsplit("/", 1)[-1].removesuffix(".vy")
