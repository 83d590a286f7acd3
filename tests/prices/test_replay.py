# SPDX-License-Identifier: MIT
"""Replays by hand on tiny paths, and the bytecode beside its model on long ones."""

from __future__ import annotations

import random
from dataclasses import asdict, replace

import pytest

from surety.deploy import MAJOR_LIMITS
from surety.model.state import CONFIRMING, FAILED
from surety.prices.config import Config, of_family
from surety.prices.engines import EngineError, EvmEngine, Guards, ModelEngine, make_engine
from surety.prices.market import MarketError, Story, Track, perfect
from surety.prices.replay import Measures, Mismatch, run
from surety.prices.sources import Choice, built_ins, read_stories
from tests.prices.marks import needs_evm

WAD = 10**18
T0 = 1_600_000_000
SCALE = 10**9
SLOW_DOWN = MAJOR_LIMITS.slew_down * 60  # of 10**9, in one minute
SLOW_UP = MAJOR_LIMITS.slew_up * 60


def steps(*prices: int, gap: int = 60) -> Story:
    """A market of one whole price after another, a minute each, and a perfect feed."""
    track = Track(
        tuple(T0 + gap * place for place in range(len(prices))),
        tuple(price * WAD for price in prices),
        held=True,
    )
    return Story("eth", T0, T0 + gap * (len(prices) - 1), track, perfect(track))


def fallen(hi: int) -> int:
    """A minute's fall of `hi`, rounded up."""
    return -(-hi * (SCALE - SLOW_DOWN) // SCALE)


def risen(lo: int) -> int:
    """A minute's rise of `lo`, rounded down."""
    return lo * (SCALE + SLOW_UP) // SCALE


def test_a_fall__hi_follows_at_its_limit_and_lo_at_once():
    replay = run(steps(100, 60, 60, 60), Config(), ModelEngine(), keep=True)
    his = [fallen(100 * WAD)]
    his += [fallen(his[0])]
    his += [fallen(his[1])]
    assert [m.hi for m in replay.moments] == his
    assert [m.lo for m in replay.moments] == [60 * WAD] * 3
    assert {m.flags for m in replay.moments} == {CONFIRMING}
    assert replay.syncs == 3
    assert replay.measures == Measures(
        max_lag_lo_bps=0,
        max_lag_hi_bps=-(-(his[0] - 60 * WAD) * 10_000 // (60 * WAD)),
        minutes_hi_over_1pct_late=3,
        confirming_minutes=3,
    )
    assert replay.measures.max_lag_hi_bps == 5_000  # 89.999998 over 60, rounded up


def test_a_rise__lo_follows_at_its_limit_and_hi_at_once():
    replay = run(steps(100, 110, 110), Config(), ModelEngine(), keep=True)
    first = risen(100 * WAD)
    assert [(m.lo, m.hi) for m in replay.moments] == [
        (first, 110 * WAD),
        (risen(first), 110 * WAD),
    ]
    assert [m.flags for m in replay.moments] == [0, 0]
    assert replay.measures == Measures(
        max_lag_lo_bps=-(-(110 * WAD - first) * 10_000 // (110 * WAD))
    )


def test_a_lag_of_exactly_one_percent_is_not_late():
    # hi is 101.000...: one percent above 100 and not a wei more
    feed = Track((T0, T0 + 60), (101 * WAD, 101 * WAD), held=True)
    story = Story("eth", T0, T0 + 120, lambda now: 100 * WAD, perfect(feed))
    found = run(story, Config(), ModelEngine()).measures
    assert (found.max_lag_hi_bps, found.minutes_hi_over_1pct_late) == (100, 0)
    above = replace(story, feed=perfect(lambda now: 101 * WAD + 1))
    found = run(above, Config(), ModelEngine()).measures
    assert (found.max_lag_hi_bps, found.minutes_hi_over_1pct_late) == (101, 2)


@pytest.mark.parametrize(
    "answer",
    [None, (0, T0), (-1, T0 + 120), (4 * WAD, T0 + 120), (100 * WAD, T0 + 10**6)],
    ids=["reverts", "zero", "minus one", "below its 20th", "from the future"],
)
def test_no_usable_price__is_a_failed_read_and_moves_nothing(answer):
    market = steps(100, 100, 100, 100, 100)

    def feed(now):
        return answer if T0 + 120 <= now <= T0 + 180 else (100 * WAD, now)

    replay = run(replace(market, feed=feed), Config(), ModelEngine(), keep=True)
    assert replay.measures.failed_reads == 2
    assert [m.flags for m in replay.moments] == [0, FAILED, FAILED, CONFIRMING]
    assert {(m.lo, m.hi) for m in replay.moments} == {(100 * WAD, 100 * WAD)}
    assert replay.measures.max_lag_lo_bps == 0  # lo as stored, though callers see 0


def test_a_price_above_twenty_times_the_first_counts_as_that():
    replay = run(steps(1, 21), Config(), ModelEngine(), keep=True)
    assert replay.moments[0].hi == 20 * WAD
    assert (replay.guards.min_price, replay.guards.max_price) == (WAD // 20, 20 * WAD)


def test_a_stale_round_fails_after_max_age():
    track = Track((T0, T0 + 200_000), (100 * WAD, 100 * WAD), held=True)
    story = Story("eth", T0, T0 + 200_000, track, track.last)
    replay = run(story, Config(), ModelEngine(), every=1_000)
    # after 90,000 s the round is too old: 91,000 to 199,000, every 1,000
    assert replay.measures.failed_reads == 109


def test_samples_and_multipliers_count_what_the_hub_does():
    hours = 30
    track = Track((T0, T0 + 3_600), (100 * WAD, 110 * WAD), held=True)
    replay = run(
        Story("eth", T0, T0 + hours * 3_600, track, perfect(track)), Config(), ModelEngine()
    )
    assert replay.measures.samples == hours
    # one hour of 10 %: sqrt(0.03 * 0.01) = 1.732 % over 1.5 %
    assert replay.measures.max_initial_multiplier == 11_548
    # up by 500 an hour, until the goal, which falls by sqrt(0.97) an hour, has come down to it
    assert replay.measures.max_maintenance_multiplier == 11_201


def test_rhythm__a_word_is_used_until_it_is_old():
    track = Track((T0, T0 + 12), (100 * WAD, 97 * WAD), held=True)
    story = Story("eth", T0, T0 + 120, track, perfect(track))
    replay = run(story, Config(), ModelEngine(), every=12, keep=True)
    assert [m.hi // WAD for m in replay.moments] == [100] * 4 + [97] * 6
    assert replay.measures.max_lag_hi_bps == 310
    assert replay.measures.minutes_hi_over_1pct_late == 1  # 48 seconds, rounded up


def test_no_first_price_is_refused_in_one_line():
    with pytest.raises(MarketError, match="no price to begin with"):
        run(replace(steps(1, 1), feed=lambda now: None), Config(), ModelEngine())
    kind = replace(of_family("major"), min_price=2 * WAD, max_price=3 * WAD)
    with pytest.raises(
        MarketError, match=r"eth: the first price, 1, is below min_price, 2: the hub refuses"
    ):
        run(steps(1, 1), Config(), ModelEngine(), kind=kind)


def test_too_short_for_a_sync_is_refused():
    with pytest.raises(MarketError, match="no sync"):
        run(steps(1, 1), Config(), ModelEngine(), every=61)


class Liar(ModelEngine):
    """A hub whose lo is one wei off from its third sync on."""

    name = "liar"
    syncs = 0

    def sync(self, answer, uptime, now):
        self.syncs += 1
        return super().sync(answer, uptime, now) - (self.syncs >= 3)


def test_one_wei_of_difference_is_found():
    with pytest.raises(Mismatch, match=f"at {T0 + 180} "):
        run(steps(100, 100, 100, 100, 100), Config(), ModelEngine(), beside=Liar())
    assert run(steps(100, 100, 100), Config(), ModelEngine(), beside=Liar()).syncs == 2


def test_auto_is_the_model_without_pyrevm(monkeypatch):
    monkeypatch.setattr("surety.prices.engines.find_spec", lambda name: None)
    assert make_engine("auto").name == make_engine("model").name == "model"
    with pytest.raises(EngineError, match="needs pyrevm"):
        make_engine("evm")


# the bytecode


@needs_evm
@pytest.mark.parametrize("name", built_ins())
def test_bytecode_and_model_agree_on_rebuilt_scenarios(name):
    for story in read_stories(name, Choice()):
        replay = run(story, Config(), EvmEngine(), beside=ModelEngine(), accounts=3)
        alone = run(story, Config(), ModelEngine(), accounts=3)
        assert asdict(replay.measures) == asdict(alone.measures)
        assert replay.liquidations == alone.liquidations


@needs_evm
@pytest.mark.parametrize("seed", range(3))
def test_bytecode_and_model_agree_on_a_random_path(seed):
    """Wild prices, failures, stale and future rounds, an uptime feed that flickers."""
    dice = random.Random(seed)
    prices: dict[int, int] = {}
    answers: dict[int, tuple[int, int] | None] = {}
    uptimes: dict[int, tuple[int, int] | None] = {}
    price, up = 100 * WAD, (0, T0 - 10**6)
    for now in range(T0, T0 + 70_000, 37):
        is_wild = (now - T0) % 25_000 > 20_000
        price = price if is_wild or 20 * WAD < price < 500 * WAD else 100 * WAD
        moves = (7_000, 9_000, 10_000, 11_000, 14_000) if is_wild else (9_900, 10_000, 10_101)
        price = min(max(1, price * dice.choice(moves) // 10**4), 1_500 * WAD)
        if is_wild and dice.random() < 0.02:
            price = dice.choice((1, WAD, 10**30, 100 * WAD))
        prices[now] = price
        wrong = [None, (0, now), (-price, now), (price, now + 1), (price, now - 90_001), (price, 0)]
        answers[now] = dice.choice([(price, now)] * 12 + wrong) if is_wild else (price, now)
        if is_wild and dice.random() < 0.01:
            up = dice.choice(((1, now), (0, now), (0, 0), (2, now), (0, now + 60)))
        uptimes[now] = None if is_wild and dice.random() < 0.01 else up
    story = Story(
        "eth",
        T0,
        max(prices),
        prices.__getitem__,
        answers.__getitem__,
        uptimes.__getitem__ if seed % 2 else None,
    )
    kind = replace(of_family("tail"), min_price=20 * WAD, max_price=1_000 * WAD)
    replay = run(story, Config(), EvmEngine(), every=37, beside=ModelEngine(), kind=kind, keep=True)
    assert replay.syncs == len(prices) - 1
    assert {m.flags for m in replay.moments} == {0, 1, 2, 3}
    assert replay.measures.samples >= 2
    assert replay.measures.max_initial_multiplier > 10_000


@needs_evm
def test_another_oracle__both_engines_follow_it_and_refuse_one_that_deviates():
    def feed(now):
        return (100 * WAD if now < T0 + 120 else 95 * WAD, now)

    story = replace(steps(*[100] * 30), feed=feed, oracle_changes=(T0 + 120,))
    replay = run(story, Config(), EvmEngine(), beside=ModelEngine(), keep=True)
    assert [m.lo // WAD for m in replay.moments[:3]] == [100, 95, 95]
    assert replay.moments[1].flags == CONFIRMING
    assert replay.measures.confirming_minutes == 20
    guards = Guards(60, 1_200, 90_000, 1, 2**88 - 1, 1, 1, 50, 1)
    for engine in (ModelEngine(), EvmEngine()):
        engine.begin(guards, 100 * WAD, T0, False)
        engine.sync((100 * WAD, T0 + 60), None, T0 + 60)
        with pytest.raises(EngineError, match="price deviates"):
            engine.change_oracle((106 * WAD, T0 + 60), None, T0 + 60)


@needs_evm
def test_the_bytecode_says_what_it_refuses():
    guards = Guards(60, 1_200, 90_000, 1, 2**88 - 1, 1, 1, 51, 1)
    for engine in (ModelEngine(), EvmEngine()):
        with pytest.raises(EngineError, match="bad jump"):
            engine.begin(guards, WAD, T0, False)
