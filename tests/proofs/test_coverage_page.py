# SPDX-License-Identifier: MIT
"""docs/coverage.md is of the code that is committed, and each miss on it is argued."""

from __future__ import annotations

import re

from surety import paths
from tests.proofs import coverage
from tests.proofs.probed import CORE

PAGE_CODE = re.compile(r"^\| (\w+) \|.*\| `([0-9a-f]{64})` \|$", re.MULTILINE)
PAGE_MISS = re.compile(r"^\* (\w+), `(.*?)`: `(.*)` never (.+?): (.+)$", re.MULTILINE)


def test_page__is_of_the_code_that_is_committed() -> None:
    """Comments are no code: they change nothing of what was measured."""
    found = dict(PAGE_CODE.findall((paths.root() / coverage.PAGE).read_text()))
    stale = [name for name in CORE if found.get(name) != coverage.digest(name)]
    assert not stale, f"{coverage.PAGE} is of other code: run `make coverage`"


def test_page__argues_each_miss_and_no_more() -> None:
    found = PAGE_MISS.findall((paths.root() / coverage.PAGE).read_text())
    assert all(why != "**not argued**" for *_, why in found)
    argued = {(*coverage.key_of(each["contract"], each), each["why"]) for each in coverage.argued()}
    assert len(argued) == len(coverage.argued()), "an entry stands twice"
    on_page = {(a, b, text.replace("\\|", "|"), side, why) for a, b, text, side, why in found}
    assert on_page == argued


def test_argued__is_an_error_when_it_is_taken_or_unknown() -> None:
    miss = {"at": "contracts/Vault.vy:f", "line": 1, "kind": "If", "text": "if a:", "side": "then"}
    result = {name: {"missed": [miss] if name == "Vault" else []} for name in CORE}
    entry = {"contract": "Vault", "at": miss["at"], "text": "if a:", "side": "then", "why": "so"}
    other = {**entry, "side": "else"}
    assert coverage.judged(result, [entry]) == ([], [])
    assert coverage.judged(result, []) == ([("Vault", miss)], [])
    assert coverage.judged(result, [entry, other]) == ([], [other])
