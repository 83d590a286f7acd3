# SPDX-License-Identifier: MIT
"""docs/peg.md says what is so: its examples run, its table is the story, its picture is drawn."""

from __future__ import annotations

import doctest
import re

import pytest

from surety import paths
from surety.model.state import WAD
from tests.unit.peg_stability import depeg
from tests.unit.peg_stability.depeg import CEILING, GUARD, replay

PAGE = paths.root() / "docs" / "peg.md"
TEXT = PAGE.read_text("utf-8")


def table() -> str:
    """Return the story as the page shows it: each act, and what is so after it."""
    moments = {moment.minute: moment for moment in replay()}
    lines = [
        "| time | the hub's lower price | who | what | held | counts for |",
        "|---|---|---|---|---|---|",
    ]
    for act in depeg.ACTS:
        moment, who = moments[act.minute], {depeg.ALICE: "Alice", depeg.BOB: "Bob"}
        price = f"{moment.price.lo / WAD:.4f}" if moment.price.lo else "none"
        done = f"{act.what}s {act.whole:,}" if act.reason is None else f'"{act.reason}"'
        lines.append(
            f"| {act.minute // 60} h {act.minute % 60:02} | {price} "
            f"| {who.get(act.who, 'Carol')} | {done} "
            f"| {moment.held_value // WAD:,} | {moment.backing // WAD:,} |"
        )
    return "\n".join(lines)


def test_examples_of_the_page_run():
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted >= 14
    assert found.failed == 0


def test_the_table_is_the_story():
    (shown,) = re.findall(r"<!-- story -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
    assert shown.strip() == table()


def test_the_picture_is_drawn_from_the_story():
    assert depeg.FILE.read_text("utf-8") == depeg.drawing()
    assert f"({depeg.FILE.name})" in TEXT


@pytest.mark.parametrize(
    "said", ["with a ceiling of a million and a guard of 0.995, 5,000 coins", "`preview_mint`"]
)
def test_numbers_in_the_text(said):
    assert CEILING * (WAD - GUARD) // WAD == 5_000 * WAD
    assert said in TEXT


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
