# SPDX-License-Identifier: MIT
"""What must hold of a guarded price from one moment to the next, in exact integers.

Written apart from the model, in products instead of divisions: assurance.md, invariants 29 to 32.
"""

from __future__ import annotations

from dataclasses import replace

from surety.model import FeedHub, Guard, Price
from surety.model.state import BPS, FAILED

SLEW_SCALE = 10**9
SLEW_SECONDS = 120
HOUR = 3_600
LOOSER = 250  # bps an hour
CAPS = (25_000, 12_500)
STEPS = (5_000, 500)


def market_of(hub: FeedHub, kind: int, now: int) -> int:
    """Return what a hub may take from a kind's oracle now, 0 for nothing."""
    sequencer, feed, guard = hub.sequencer, hub.feeds[kind], hub.guards[kind]
    if sequencer is not None and sequencer.answer == 1 and 0 < sequencer.started_at <= now:
        return 0
    if feed is None:
        return 0
    price, at = feed
    if price < guard.min_price or at > now or now > at + guard.max_age:
        return 0
    return min(price, guard.max_price)


def check_hub(before: FeedHub, after: FeedHub, now: int, kinds: int) -> list[str]:
    """Hold every kind against what it was; only those in the mask `kinds` may have changed.

    Return what happened to each: "kept", "failed", "confirming", "refreshed" or "sampled".
    """
    told = []
    for kind, (price, guard) in enumerate(zip(after.prices, after.guards, strict=True)):
        was = before.guards[kind]
        if (price, guard) == (before.prices[kind], was):
            told.append("kept")
            continue
        # what governance chose meanwhile is not judged
        guarded = replace(
            guard,
            confirming_until=was.confirming_until,
            variance=was.variance,
            last_price=was.last_price,
            last_at=was.last_at,
        )
        market = market_of(after, kind, now)
        told.append(check_price(before.prices[kind], guarded, price, guard, market, now))
        assert kinds >> kind & 1 or told[-1] == "kept"
    return told


def check_price(
    before: Price, guarded: Guard, after: Price, guard: Guard, market: int, now: int
) -> str:
    """Hold one kind's word and guard against those before, and say what happened to it.

    `guarded` and `guard` are what it remembered before and after; `market` the price that its
    oracle showed at `now`, within bounds, 0 where it showed none.
    """
    assert before.updated_at <= after.updated_at <= now
    assert guarded.last_at <= guard.last_at <= now
    if (before.word, guarded) == (after.word, guard):
        return "kept"
    if after.has_failed:
        assert not market
        assert after.word == before.word | FAILED << 248  # everything else is as it was
        assert guard == guarded
        return "failed"
    assert after.updated_at == now
    assert market
    slewed(before, guarded, after, market, now)
    sampled = (guard.variance, guard.last_price, guard.last_at) != (
        guarded.variance,
        guarded.last_price,
        guarded.last_at,
    )
    multipliers = (after.initial_multiplier, after.maintenance_multiplier)
    earlier = (before.initial_multiplier, before.maintenance_multiplier)
    if not sampled:
        assert multipliers == earlier
        return "confirming" if after.is_confirming else "refreshed"
    assert not after.is_confirming
    assert (guard.last_price, guard.last_at) == (market, now)
    hours = (now - guarded.last_at) // HOUR
    assert hours >= 1
    for is_now, was, cap, step in zip(multipliers, earlier, CAPS, STEPS, strict=True):
        assert BPS <= is_now <= cap
        assert was - LOOSER * min(hours, 24) <= is_now <= was + step * min(hours, 4)
    return "sampled"


def slewed(before: Price, guard: Guard, after: Price, market: int, now: int) -> None:
    """Assert that `hi` fell and `lo` rose towards the market by the slew limits, to the wei."""
    elapsed = min(now - before.updated_at, SLEW_SECONDS)
    least = before.hi * (SLEW_SCALE - min(SLEW_SCALE, guard.slew_down * elapsed))
    most = before.lo * (SLEW_SCALE + guard.slew_up * elapsed)
    assert after.lo <= market <= after.hi
    assert after.hi * SLEW_SCALE >= least
    assert after.lo * SLEW_SCALE <= most
    # and neither stays behind for nothing
    assert after.hi == market or (after.hi - 1) * SLEW_SCALE < least
    assert after.lo == market or (after.lo + 1) * SLEW_SCALE > most
    # only a price that was accepted moves them outwards
    assert after.hi in (market, min(after.hi, before.hi))
    assert after.lo in (market, max(after.lo, min(before.lo, market)))
