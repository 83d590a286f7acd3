# SPDX-License-Identifier: MIT
"""Which test holds which row: from the ids of parameters and the marks `covers` of all tests."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COLLECTED = "covered: "
_PARAMETER = re.compile(r"\[(?:.*[-\[])?([A-Z]\d\d)-")


class Catalogue(NamedTuple):
    """The rows by part, those that this system has no part for, and the classes of incidents."""

    parts: Mapping[str, Mapping[str, str]]
    absent: Mapping[str, str]
    incidents: tuple[str, ...]

    @property
    def rows(self) -> dict[str, str]:
        """Every row by its id."""
        return {id: text for part in self.parts.values() for id, text in part.items()}

    @property
    def known(self) -> set[str]:
        """Every word that a mark may name."""
        return {*self.rows, *(f"incident: {name}" for name in self.incidents)}


def catalogue() -> Catalogue:
    """Read the catalogue beside this file."""
    read = tomllib.loads((HERE / "catalogue.toml").read_text())
    absent, incidents = read.pop("absent"), tuple(read.pop("incidents")["names"])
    return Catalogue(read, absent, incidents)


def ids_of(item: pytest.Item) -> set[str]:
    """Return what one test covers: its parameter's id and what its marks name."""
    named = {id for mark in item.iter_markers("covers") for id in mark.args}
    callspec = getattr(item, "callspec", None)
    for part in callspec._idlist if callspec else ():
        found = re.match(r"([A-Z]\d\d)-", part)
        if found:
            named.add(found[1])
    return named


def covered_by(items: Iterable[pytest.Item]) -> dict[str, dict[str, int]]:
    """Return for each id the test functions that cover it, with how many cases each has."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for item in items:
        place = item.nodeid.split("[")[0]
        for id in ids_of(item):
            found[id][place] += 1
    return {id: dict(tests) for id, tests in found.items()}


def collect() -> dict[str, dict[str, int]]:
    """Collect all tests in a process of its own and return what they cover."""
    import json

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:ape_test",
         "-p", "tests.assurance.plugin"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith(COLLECTED):
            covered: dict[str, dict[str, int]] = json.loads(line.removeprefix(COLLECTED))
            return covered
    raise RuntimeError(f"the tests could not be collected: {done.stdout[-2000:]}{done.stderr}")


def plain(value: Any) -> Any:
    """Return mappings with their keys in order, so that two runs print the same."""
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in sorted(value)}
    return value
