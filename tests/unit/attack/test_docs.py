# SPDX-License-Identifier: MIT
"""docs/attack.md and its picture are what the searches found, and that is what the contracts do."""

from __future__ import annotations

import json

import pytest

from surety.attack.acts import FIELDS, Act, Size
from surety.attack.bound import CLASSES, FINE
from surety.attack.play import Player
from surety.attack.stage import STAGES
from tests.unit.attack import picture
from tests.unit.attack.weaknesses import WEAKNESSES

RUNS = json.loads(picture.RUNS.read_text())
DRAW = "run python -m tests.unit.attack.picture"


def test_the_picture_is_drawn_from_the_runs():
    text = picture.FILE.read_text()
    assert text == picture.draw(RUNS), DRAW
    assert f"]({picture.FILE.name})" in picture.PAGE.read_text()


@pytest.mark.parametrize("one", RUNS["moves"], ids=lambda one: f"{one['bps']}bps")
def test_what_the_picture_shows_is_what_the_contracts_do(stage_of, one):
    stage = stage_of("called")
    acts = [eval(text, {"Act": Act, "Size": Size}) for text in one["acts"]]
    played = Player(stage, picture.rules_of(one["bps"])).play(acts)
    assert played.done == acts
    assert (played.profit, played.bound) == (int(one["profit"]), int(one["bound"]))
    assert picture.most(stage, one["bps"]) == int(one["most"])
    # a good part of it is found, so that the line is no empty promise
    assert 0 < int(one["most"]) // 4 < played.profit <= played.bound <= int(one["most"])


def test_the_controls_of_the_picture_are_those_of_the_tests():
    assert [one["name"] for one in RUNS["controls"]] == [one.name for one in WEAKNESSES]
    for control in RUNS["controls"]:
        tried, scores = zip(*control["history"], strict=True)
        assert int(scores[-1]) >= FINE
        assert tried[-1] <= RUNS["evaluations"]
    assert RUNS["ours"] == [[1, "0"]]  # never more than nothing


def test_the_page_is_filled_in():
    text = picture.PAGE.read_text()
    parts = {"controls": picture.controls(RUNS), "example": picture.example()}
    assert text == picture.page(text, parts), DRAW


def test_the_page_names_everything():
    text = picture.PAGE.read_text()
    assert all(f"`{what}`" in text for what in FIELDS)
    assert all(f"| {name} |" in text for name in CLASSES)
    assert all(f"**{name}**" in text for name in STAGES)
