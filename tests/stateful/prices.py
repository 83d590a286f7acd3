# SPDX-License-Identifier: MIT
"""What must hold of a guarded price from one moment to the next, in exact integers.

Written apart from the model, in products instead of divisions: assurance.md, invariants 29 to 32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from surety.model import FeedHub, Guard, Price
from surety.model.state import BPS, FAILED
from tests.stateful.rules import PRICE_RULES, prices_hold

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


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One kind's word and guard from one moment to the next.

    `guarded` and `guard` are what it remembered before and after, both under the limits of after;
    `market` the price that its oracle showed at `now`, within bounds, 0 where it showed none;
    `is_asked` whether what happened was to refresh this kind.
    """

    before: Price
    guarded: Guard
    after: Price
    guard: Guard
    market: int
    now: int
    is_asked: bool = True

    @property
    def is_kept(self) -> bool:
        """Whether nothing is stored anew."""
        return (self.before.word, self.guarded) == (self.after.word, self.guard)

    @property
    def is_sampled(self) -> bool:
        """Whether a sample of volatility was taken."""
        was, now = self.guarded, self.guard
        return (now.variance, now.last_price, now.last_at) != (
            was.variance,
            was.last_price,
            was.last_at,
        )

    @property
    def what(self) -> str:
        """What happened: "kept", "failed", "confirming", "refreshed" or "sampled"."""
        if self.is_kept:
            return "kept"
        if self.after.has_failed:
            return "failed"
        if self.is_sampled:
            return "sampled"
        return "confirming" if self.after.is_confirming else "refreshed"


@prices_hold(29, "I63")
def i29_prices_enclose_the_market(step: PriceStep) -> None:
    """lo ≤ price ≤ hi after a refresh, and neither moves further than its slew, nor less."""
    before, after, guard, market = step.before, step.after, step.guard, step.market
    assert before.updated_at <= after.updated_at <= step.now
    if step.is_kept or after.has_failed:
        return
    assert after.updated_at == step.now
    assert market
    elapsed = min(step.now - before.updated_at, SLEW_SECONDS)
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


@prices_hold(30, "I36", "I64")
def i30_a_failure_leaves_the_word(step: PriceStep) -> None:
    """A kind is FAILED iff its oracle has no price, and then all that was stored stays."""
    if step.is_kept:
        return
    if step.after.has_failed:
        assert not step.market
        assert step.after.word == step.before.word | FAILED << 248  # everything else is as it was
        assert step.guard == step.guarded
    else:
        assert step.market  # and so it recovers


@prices_hold(31, "I12")
def i31_kinds_do_not_touch_each_other(step: PriceStep) -> None:
    """What happens to one kind, its failures too, changes no other one."""
    assert step.is_asked or step.is_kept


@prices_hold(32, "I33")
def i32_multipliers_follow_samples(step: PriceStep) -> None:
    """Multipliers move only with a sample, once an hour at most, by their steps and within caps."""
    assert step.guarded.last_at <= step.guard.last_at <= step.now
    multipliers = (step.after.initial_multiplier, step.after.maintenance_multiplier)
    earlier = (step.before.initial_multiplier, step.before.maintenance_multiplier)
    if not step.is_sampled:
        assert multipliers == earlier
        return
    assert not step.after.is_confirming
    assert (step.guard.last_price, step.guard.last_at) == (step.market, step.now)
    hours = (step.now - step.guarded.last_at) // HOUR
    assert hours >= 1
    for is_now, was, cap, most in zip(multipliers, earlier, CAPS, STEPS, strict=True):
        assert BPS <= is_now <= cap
        assert was - LOOSER * min(hours, 24) <= is_now <= was + most * min(hours, 4)


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
        market, is_asked = market_of(after, kind, now), kinds >> kind & 1 == 1
        step = PriceStep(before.prices[kind], guarded, price, guard, market, now, is_asked)
        for rule in PRICE_RULES:
            rule(step)
        told.append(step.what)
    return told
