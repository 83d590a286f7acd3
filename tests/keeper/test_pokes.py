# SPDX-License-Identifier: MIT
"""When prices are written down: what is due, what is left alone, and what it costs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from surety.deploy import MAJOR_LIMITS, STABLE_LIMITS, Limits
from surety.keeper.pokes import (
    CONFIRMED,
    CONFIRMING,
    FAILED,
    LAGGING,
    MOVED,
    OLD,
    RECOVERED,
    Poke,
    PokePolicy,
    due,
    why,
)
from surety.keeper.words import Price
from surety.model.hub import FeedHub, Guard
from surety.model.state import Price as ModelPrice
from tests.keeper.cases import NOW, price

WAD = 10**18
DAY = 86_400
BLOCK = 12
POLICY = PokePolicy()


def aged(seconds: int, **changes: int) -> Price:
    return price(1_000, **{"updated_at": NOW - seconds, **changes})


def seen(lo: float, hi: float, **changes: int) -> Price:
    return price(1, **{"lo": int(lo * WAD), "hi": int(hi * WAD), **changes})


@pytest.mark.parametrize(
    ("stored", "read", "reason"),
    [
        (aged(60), seen(1_000, 1_000), ""),
        (aged(60), seen(990.1, 1_009.9), ""),
        (aged(60), seen(1_010, 1_010), MOVED),
        (aged(60), seen(990, 990), MOVED),
        (aged(60), seen(1_010, 1_020), MOVED),
        # it falls, but the slew holds nothing back: the next reader gets the market
        (aged(60), seen(995, 995), ""),
        (aged(60), seen(995, 995.9), ""),
        (aged(60), seen(994, 995), LAGGING),
        (aged(60), seen(850, 900), LAGGING),
        # lo may be far behind in a rise: nothing of that is about hi
        (aged(60, lo=960 * WAD), seen(968, 1_002), ""),
        (aged(14_399), seen(1_001, 1_001), ""),
        (aged(14_400), seen(1_001, 1_001), OLD),
        (aged(10**6), seen(1_000, 1_000, updated_at=NOW), OLD),
        # one write: then reader and storage agree until it recovers
        (aged(600), seen(0, 1_000, flags=1), FAILED),
        (aged(599), seen(0, 1_000, flags=1), ""),
        (aged(10**6, flags=1), seen(0, 1_000, flags=1), ""),
        (aged(10**6, flags=3), seen(0, 1_000, flags=3), ""),
        (aged(60, flags=1), seen(1_000, 1_000, flags=2), RECOVERED),
        (aged(60), seen(750, 900, flags=2), CONFIRMING),
        (aged(60, flags=2), seen(750, 900, flags=2), LAGGING),
        (aged(60, flags=2), seen(999, 999, flags=2), ""),
        (aged(60, flags=2), seen(999, 999), CONFIRMED),
        # in doubt already
        (aged(600, flags=2), seen(0, 1_000, flags=3), ""),
    ],
)
def test_why_a_kind_is_poked_or_not(stored: Price, read: Price, reason: str) -> None:
    assert why(stored, read, NOW, POLICY) == reason
    found = due([0], {0: stored}, {0: read}, NOW, POLICY)
    assert found == ([(0, reason)] if reason else [])
    assert due([0], {0: stored}, {0: read}, NOW, replace(POLICY, enabled=False)) == []
    assert due([], {0: stored}, {0: read}, NOW, POLICY) == []


def test_thresholds_are_the_policy_s() -> None:
    stored, read = aged(60), seen(1_003, 1_003)
    assert why(stored, read, NOW, PokePolicy(move_bps=30)) == MOVED
    assert why(stored, read, NOW, PokePolicy(move_bps=31)) == ""
    assert why(aged(60), seen(1_000, 1_000), NOW, PokePolicy(longest_age=60)) == OLD
    falling = seen(994, 995)
    assert why(stored, falling, NOW, PokePolicy(lag_bps=10)) == LAGGING
    assert why(stored, falling, NOW, PokePolicy(lag_bps=11)) == ""
    assert why(stored, seen(994, 994), NOW, PokePolicy(lag_bps=0)) == ""


def test_fresh_word_is_never_poked() -> None:
    """The hub hands out a fresh word as it is, so nothing differs whatever its age may be."""
    stored = aged(30)
    assert why(stored, stored, NOW, PokePolicy(longest_age=1)) == ""


def test_most_urgent_come_first_and_half_old_ones_ride_along() -> None:
    stored = {
        0: aged(60),
        1: aged(7_200),
        2: aged(60, flags=1),
        3: aged(7_199),
        4: aged(60),
        6: aged(60),
    }
    read = {
        0: seen(980, 980),
        1: seen(1_001, 1_001),
        2: seen(1_000, 1_000, flags=2),
        3: seen(1_001, 1_001),
        4: seen(700, 900, flags=2),
        5: seen(1_000, 1_000),
    }
    kinds = [0, 1, 2, 3, 4, 5, 6]
    assert due(kinds, stored, read, NOW, POLICY) == [
        (4, CONFIRMING),
        (2, RECOVERED),
        (0, MOVED),
        (1, OLD),
    ]
    # alone the half old one has time, and what has no word or no reader is left out
    assert due([1, 3, 5, 6], stored, read, NOW, POLICY) == []
    assert Poke((4, 0), (CONFIRMING, MOVED)).mask == 0b10001


# the policy at work on the model of the hub, one block after the other


class Line:
    """A hub with one kind whose feed follows a path, and a keeper that pokes by a policy."""

    def __init__(self, path: Callable[[int], float], policy: PokePolicy, limits: Limits) -> None:
        self.path, self.policy, self.now = path, policy, NOW
        self.hub = FeedHub(60, 1_200)
        guard = Guard(
            *(90_000, 1, 2**88 - 1),
            *(limits.slew_down, limits.slew_up, limits.jump_bps, limits.sigma_ref),
        )
        self.hub.list_kind(guard, self.market(), self.now)
        self.reasons: list[str] = []
        self.lags: list[int] = []
        self.confirming = 0

    def market(self) -> int:
        return int(self.path(self.now - NOW) * 10**8) * 10**10

    def run(self, seconds: int) -> Line:
        """Let blocks go by; what is due at one is mined in the next."""
        todo: list[tuple[int, str]] = []
        for _ in range(seconds // BLOCK):
            self.now += BLOCK
            market = self.market()
            self.hub.feeds[0] = (market, self.now)
            if todo:
                self.hub.sync(1, self.now)
                self.reasons += [reason for _, reason in todo]
            read = as_read(self.hub.read(1, self.now)[0])
            self.lags.append(-((market - read.hi) * 10_000 // market))
            self.confirming += read.confirming
            stored = as_read(self.hub.prices[0])
            todo = due([0], {0: stored}, {0: read}, self.now, self.policy)
        return self


def as_read(word: ModelPrice) -> Price:
    return Price(
        word.lo,
        word.hi,
        word.updated_at,
        word.initial_multiplier,
        word.maintenance_multiplier,
        word.flags,
    )


def calm(seed: int, sigma_hour: float) -> Callable[[int], float]:
    """A seeded walk in minutes that comes back to where it began: a day on which little happens."""
    source = random.Random(seed)
    walk = [2_000.0]
    for _ in range(10 * 1_440):
        pull = (2_000 - walk[-1]) * 0.001
        walk.append(walk[-1] + pull + walk[-1] * source.gauss(0, sigma_hour / 60**0.5))
    return lambda seconds: walk[seconds // 60]


def fall(share: float, seconds: int) -> Callable[[int], float]:
    """Calm for an hour, down by a share in a straight line, and calm again."""
    return lambda at: 2_000 * (1 - share * min(1.0, max(0.0, (at - 3_600) / seconds)))


def test_calm_days_cost_a_dozen_pokes_each() -> None:
    """At 0.4 % an hour, the volatility of ETH in its calm months of 2023."""
    line = Line(calm(1, 0.004), POLICY, MAJOR_LIMITS).run(10 * DAY)
    per_day = len(line.reasons) / 10
    assert 6 <= per_day <= 20
    assert set(line.reasons) <= {MOVED, OLD}
    assert line.confirming == 0
    stable = Line(calm(1, 0.00005), POLICY, STABLE_LIMITS).run(10 * DAY)
    assert stable.reasons == [OLD] * 59  # every 4 h and nothing else


def test_crash_of_22_percent_in_10_minutes_is_followed_and_never_confirming() -> None:
    line = Line(fall(0.22, 600), POLICY, MAJOR_LIMITS).run(6_000)
    assert max(line.lags) <= 310
    assert line.lags[-1] == 0
    assert line.confirming == 0
    assert 5 <= len(line.reasons) <= 12
    # nobody writes it down: it looks like a jump
    alone = Line(fall(0.22, 600), replace(POLICY, enabled=False), MAJOR_LIMITS).run(6_000)
    assert alone.reasons == []
    assert alone.confirming > 100


def test_hi_falls_as_fast_as_the_slew_lets_it() -> None:
    """A fall of 60 % at once: hi goes down with every write, a minute apart, and never waits."""
    line = Line(fall(0.6, 12), POLICY, MAJOR_LIMITS).run(3_600 + 1_800)
    start = 3_600 // BLOCK
    late = [at for at, lag in enumerate(line.lags) if at > start and lag > 10]
    # 20 % with the first write, of a word older than two minutes; then one write in 72 s, a minute
    # and the block that it is mined in, each of 12 %: 0.8 * 0.88**5 > 0.4 > 0.8 * 0.88**6
    assert line.reasons[line.reasons.index(CONFIRMING) :][:6] == [CONFIRMING] + [LAGGING] * 5
    assert (late[-1] - start) * BLOCK <= 6 * 72 + BLOCK
    after = line.lags[start + 8 :]
    assert all(later <= lag for lag, later in pairwise(after))


def test_source_that_comes_and_goes_costs_little() -> None:
    line = Line(lambda at: 2_000, POLICY, MAJOR_LIMITS)
    line.run(3_600)
    before = len(line.reasons)
    todo: list[tuple[int, str]] = []
    for block in range(7_200 // BLOCK):
        line.now += BLOCK
        line.hub.feeds[0] = None if block % 2 else (2_000 * WAD, line.now)
        if todo:
            line.hub.sync(1, line.now)
            line.reasons += [reason for _, reason in todo]
        read = as_read(line.hub.read(1, line.now)[0])
        todo = due([0], {0: as_read(line.hub.prices[0])}, {0: read}, line.now, POLICY)
    # a minute apart it would be 100
    assert 2 <= len(line.reasons) - before <= 24
