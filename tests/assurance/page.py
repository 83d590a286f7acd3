# SPDX-License-Identifier: MIT
"""Writes what is generated of docs/assurance.md: what each row is held by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from surety.files import write_atomically
from tests.assurance.coverage import ROOT, Catalogue, catalogue, collect

PAGE = ROOT / "docs" / "assurance.md"
SHOWN = 4  # tests named of a row, those with the most cases first


def block(name: str) -> re.Pattern[str]:
    """Return what finds a generated part of the page, its two marks included."""
    return re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- {name}: end -->)", re.DOTALL)


def filled(page: str, name: str, text: str) -> str:
    """Return the page with one generated part replaced."""
    pattern = block(name)
    if not pattern.search(page):
        raise ValueError(f"docs/assurance.md has no place for {name}")
    return pattern.sub(lambda found: f"{found[1]}{text}{found[2]}", page)


def coverage_tables(known: Catalogue, covered: Mapping[str, Mapping[str, int]]) -> str:
    """Return a table for each part: id, what, by which tests, in how many cases."""
    lines: list[str] = []
    for part, rows in known.parts.items():
        lines += [f"### {part.replace('_', ' ').capitalize()}", "", *_head("id", "what")]
        for id, text in rows.items():
            why = known.absent.get(id)
            lines.append(f"| {id} | {text} | {_held(covered.get(id, {}), why)} |")
        lines.append("")
    lines += ["### What broke others", "", *_head("class")]
    for name in known.incidents:
        lines.append(f"| {name} | {_held(covered.get(f'incident: {name}', {}), None)} |")
    return "\n".join([*lines, ""]) + "\n"


def _head(*columns: str) -> list[str]:
    names = [*columns, "held by (cases)"]
    return [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]


def _held(tests: Mapping[str, int], why: str | None) -> str:
    if why is not None:
        return f"not here: {why}"
    most = sorted(tests.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{_short(place)} ({cases})" for place, cases in most[:SHOWN]]
    more = len(most) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _short(place: str) -> str:
    file, _, test = place.partition("::")
    return f"[`{test.split('::')[-1]}`](../{file})"


def current() -> str:
    """Return the page as it should be."""
    return filled(PAGE.read_text(), "coverage", coverage_tables(catalogue(), collect()))


if __name__ == "__main__":
    write_atomically(PAGE, current())
