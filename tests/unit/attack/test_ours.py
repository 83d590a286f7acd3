# SPDX-License-Identifier: MIT
"""Nothing that is found pays more than it is documented to: in a still market nothing at all."""

from __future__ import annotations

import os

import pytest

from surety.attack.acts import FIELDS
from surety.attack.play import Player, Rules
from surety.attack.search import Found, Search
from surety.attack.stage import Stage
from surety.attack.story import as_test

DAY = 86_400
# stage, rules, evaluations: the cheap ones of every run
USUAL = (
    ("calm", Rules(), 1_500),
    ("aged", Rules(), 1_500),
    ("farm", Rules(), 400),
    ("called", Rules(), 1_500),
    ("calm", Rules(window=10 * DAY), 700),
    ("calm", Rules(moves=1, move_bps=300), 700),
    ("calm", Rules(moves=2, move_bps=3_000), 1_500),
    ("called", Rules(moves=2, move_bps=1_000), 1_500),
    ("farm", Rules(moves=1, move_bps=2_000), 400),
)
LONG = (
    *((stage, rules) for stage, rules, _ in USUAL),
    ("called", Rules(moves=3, move_bps=6_000)),
    ("called", Rules(window=DAY, moves=2, move_bps=2_000)),
    ("farm", Rules(window=DAY, moves=2, move_bps=2_000)),
)


def attacked(
    stage: Stage, rules: Rules, seed: int, evaluations: int, seconds: float = 3_600.0
) -> Found:
    found = Search(Player(stage, rules), seed).run(evaluations, seconds)
    assert found.leaks == 0
    assert found.played.excess <= 0, as_test(stage, rules, found.played)
    return found


@pytest.mark.covers("I16")
def test_nothing_pays_more_than_is_documented(stage_of):
    """And the searches did everything that can be done, or they would prove little."""
    done: set[str] = set()
    evaluations = 0
    for name, rules, budget in USUAL:
        found = attacked(stage_of(name), rules, 1, budget)
        done.update(found.done)
        evaluations += found.evaluations
    assert done == set(FIELDS)
    assert evaluations > 7_000


@pytest.mark.covers("I16", "M10")
@pytest.mark.parametrize("name", ["calm", "aged", "farm"])
def test_nothing_pays_at_all_while_prices_stand_still(stage_of, name):
    """Nobody else is callable and nothing is for sale: the best that can be done is nothing."""
    found = Search(Player(stage_of(name)), 2, "profit").run(600)
    assert found.played.profit == 0
    assert found.acts == ()
    assert sum(found.done.values()) > 600


@pytest.mark.deep
def test_nothing_pays_more_than_is_documented__for_as_long_as_is_asked(stage_of):
    seconds = float(os.environ.get("SURETY_FUZZ_MINUTES", "1")) * 60
    each = seconds / len(LONG)
    for number, (name, rules) in enumerate(LONG):
        attacked(stage_of(name), rules, 1_000 + number, 10**9, each)
