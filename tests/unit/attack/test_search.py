# SPDX-License-Identifier: MIT
"""The search itself: bounded, repeatable, and thorough about what it is given."""

from __future__ import annotations

import itertools
import time

import pytest

from surety.attack.acts import EVERYTHING, FIELDS, Act, Size
from surety.attack.bound import FINE, most_of
from surety.attack.play import Player, Rules
from surety.attack.search import Search
from surety.attack.seeds import seeds
from surety.attack.stage import ETH, STAGES, WAD

MOVING = Rules(moves=2, move_bps=1_000)


def test_the_same_seed_finds_the_same(stage_of):
    def run(seed: int):
        found = Search(Player(stage_of("called"), MOVING), seed, "profit").run(120)
        return found.acts, found.played, found.history, found.done, found.refused

    assert run(5) == run(5)
    assert run(5)[3:] != run(6)[3:]


@pytest.mark.parametrize("evaluations", [1, 2, 30, 75])
def test_a_search_keeps_to_its_evaluations(stage_of, evaluations):
    player = Player(stage_of("called"))
    before = player.count
    found = Search(player, 1, "profit").run(evaluations)
    assert 1 <= found.evaluations <= evaluations
    # what is kept of a shortened sequence is played once more
    assert player.count - before - found.evaluations <= len(seeds(player.stage, player.rules))


def test_a_search_keeps_to_its_seconds(stage_of, monkeypatch):
    """A clock that goes a second a look: how fast this machine is has no part in it."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    found = Search(Player(stage_of("calm")), 1).run(10**9, seconds=60)
    assert 45 <= found.seconds <= 63
    assert 10 < found.evaluations <= 60


def test_a_search_stops_where_it_is_told_to(stage_of):
    found = Search(Player(stage_of("called")), 1, "profit").run(2_000, stop_above=0)
    assert found.played.profit > 0
    assert found.evaluations < 100
    assert found.history[-1] == (found.evaluations, found.played.profit)


def test_the_best_only_rises_and_is_what_is_told(stage_of):
    player = Player(stage_of("called"))
    found = Search(player, 2, "profit").run(400)
    at, scores = zip(*found.history, strict=True)
    assert list(at) == sorted(set(at))
    assert list(scores) == sorted(set(scores))
    assert scores[0] == 0
    assert scores[-1] == found.played.profit == player.play(found.acts).profit
    assert found.played.done == list(found.acts)  # nothing in it is refused


def test_what_is_not_needed_is_left_out(stage_of):
    """The best of a search that was given junk around one take is the take."""
    player = Player(stage_of("called"))
    search = Search(player, 1, "profit")
    search.run(1)
    place = player.stage.names.index("victim.auction")
    take = Act("take", place, kind=ETH, size=EVERYTHING)
    search.begin(500)
    search.offer((Act("sync"), take, Act("sync"), Act("accrue")))
    search.polish()
    assert [act.what for act in search.found.acts] == ["take"]


@pytest.mark.parametrize("name", STAGES)
def test_every_seed_is_played_and_none_pays_more_than_it_may(stage_of, name):
    player = Player(stage_of(name), MOVING)
    for told, acts in seeds(player.stage, player.rules):
        played = player.play(acts)
        assert len(acts) <= 8, told
        assert played.excess <= 0, told
        assert played.leak == 0, told


def test_seeds_cover_what_broke_others(stage_of):
    names = {name for name, _ in seeds(stage_of("calm"), MOVING)}
    assert names >= {
        "tip farming",
        "self-liquidation",
        "self-take",
        "self-absorb",
        "grace rolling",
        "dust griefing",
        "cap filling",
        "ceiling filling",
        "sandwiching a sync",
        "donation",
        "rounding of debt",
        "rounding of the peg",
        "fund auction farming",
        "peg arbitrage against a stale word",
        "flash mint around it",
    }


def test_no_price_moves_where_the_market_stands_still(stage_of):
    search = Search(Player(stage_of("calm")), 1)
    assert "price" not in {search.random_act().what for _ in range(500)}
    assert {search.random_act().what for _ in range(3_000)} == set(FIELDS) - {"price"}


def test_the_most_a_stage_pays_by_hand(stage_of):
    """calm has no clocks: nothing but tips, if anybody could be called; nothing for a fall."""
    stage = stage_of("calm")
    tips = 4 * 5 * WAD * FINE  # four victims
    assert most_of(stage, ETH, 0, 120) == tips
    assert most_of(stage, ETH, -2_000, 120) == tips
    # the fund's lot of 10 ether, had it been put up now: 10,300 - 2,300 * 120 // 21,600 bps
    gain = 10 * (2_400 * 10_000 - 2_000 * (10_300 - 12)) * WAD * FINE // 10_000
    assert most_of(stage, ETH, 2_000, 120) == tips + gain


def test_sizes_are_varied_within_what_they_are_for(stage_of):
    search = Search(Player(stage_of("calm")), 1)
    sizes = {search.random_act().size for _ in range(2_000)}
    assert EVERYTHING in sizes
    assert Size() in sizes
    assert all(size.share >= 0 for size in sizes)
