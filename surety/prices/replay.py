# SPDX-License-Identifier: MIT
"""Run a hub along a market and measure how far its word was from it. Pure: no clock, no files.

At every sync the word is compared with the market of that very second:

    lag_hi = (hi - market) / market     lag_lo = (market - lo) / market     in bps, rounded up

`lo` is taken as stored: a failed kind's `lo` reads as 0, which `failed_reads` counts instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from surety.model.state import CONFIRMING, FAILED, Price
from surety.prices.accounts import Accounts, Liquidations
from surety.prices.config import Config, KindConfig
from surety.prices.engines import Engine, EngineError, Guards
from surety.prices.lag import lag_down, lag_up
from surety.prices.market import BPS, MarketError, Story
from surety.series import coins

EVERY = 60
LATE_BPS = 100  # from here on hi is late
BACK_BPS = 100  # within this of where they are bound for, lo and hi are back
SAMPLE_PERIOD = 3_600
_PRICE = 2**88 - 1

Progress = Callable[[int, int], None]


class Mismatch(Exception):
    """The two engines disagree: one line with the second and both words."""


@dataclass(slots=True)
class Measures:
    """What one kind's replay measured; every number is an integer.

    `max_lag_lo_bps`, `max_lag_hi_bps`: how far below and above the market they were at worst, bps;
    `minutes_hi_over_1pct_late`: how long hi was more than 1 % above the market; `failed_reads`:
    syncs without a usable price; `confirming_minutes`: how long the kind was CONFIRMING; `samples`:
    hourly volatility samples; `max_..._multiplier`: the highest margin multipliers, bps.
    """

    max_lag_lo_bps: int = 0
    max_lag_hi_bps: int = 0
    minutes_hi_over_1pct_late: int = 0
    failed_reads: int = 0
    confirming_minutes: int = 0
    samples: int = 0
    max_initial_multiplier: int = BPS
    max_maintenance_multiplier: int = BPS


@dataclass(frozen=True, slots=True)
class Moment:
    """One sync, for a picture or a test: the market and the word as stored."""

    at: int
    market: int
    lo: int
    hi: int
    initial_multiplier: int
    maintenance_multiplier: int
    flags: int


@dataclass(slots=True)
class Replay:
    """One kind's replay: what was run, what it measured, and what came of the accounts."""

    story: Story
    kind: KindConfig
    guards: Guards
    engine: str
    syncs: int = 0
    compared: int = 0  # words that two engines agreed on
    measures: Measures = field(default_factory=Measures)
    first: int = 0
    lowest_lo: int = 0
    highest_lo: int = 0
    lowest_hi: int = 0
    highest_hi: int = 0
    last_apart_at: int | None = None
    liquidations: Liquidations | None = None
    moments: list[Moment] = field(default_factory=list)


def run(
    story: Story,
    config: Config,
    engine: Engine,
    *,
    every: int = EVERY,
    accounts: int = 0,
    beside: Engine | None = None,
    keep: bool = False,
    progress: Progress | None = None,
    kind: KindConfig | None = None,
) -> Replay:
    """Replay a story through a hub that is synced `every` seconds.

    With `accounts` a book of so many is kept beside it; with `beside` a second hub runs along and
    every word is compared; with `keep` every sync is remembered. Raises MarketError when the kind
    cannot be listed, Mismatch when the hubs disagree.
    """
    if story.end - story.start < every:
        raise MarketError(f"{story.name}: no sync in {story.end - story.start} s; lower --every")
    kind = config.of(story.name) if kind is None else kind
    answer = story.feed(story.start)
    if answer is None or answer[0] <= 0:
        raise MarketError(f"{story.name}: there is no price to begin with; choose a later --from")
    guards = config.guards(kind, answer[0])
    uptime = story.sequencer
    try:
        word = engine.begin(guards, answer[0], story.start, uptime is not None)
        if beside is not None:
            _compare(story.start, word, beside.begin(guards, answer[0], story.start, bool(uptime)))
    except EngineError as error:
        why = (_outside(guards, answer[0]) if "price failed" in str(error) else "") or str(error)
        raise MarketError(f"{story.name}: {why}") from None
    replay = Replay(story, kind, guards, engine.name, first=answer[0])
    replay.compared = int(beside is not None)
    replay.lowest_lo = replay.highest_lo = replay.lowest_hi = replay.highest_hi = answer[0]
    book = Accounts(kind.levels, accounts, Price.unpack(word), story.start) if accounts else None
    sampled_at, stored_lo = story.start, answer[0]
    late = confirming = 0
    measures = replay.measures
    changes = list(story.oracle_changes)
    total = (story.end - story.start) // every
    for now in _ticks(story, every):
        answer = story.feed(now)
        up = uptime(now) if uptime is not None else None
        if changes and now >= changes[0]:
            changes.pop(0)
            engine.change_oracle(answer, up, now)
            if beside is not None:
                beside.change_oracle(answer, up, now)
        word = engine.sync(answer, up, now)
        if beside is not None:
            _compare(now, word, beside.sync(answer, up, now))
            replay.compared += 1
        replay.syncs += 1

        price = Price.unpack(word)
        flags, hi = price.flags, price.hi
        if flags & FAILED:
            measures.failed_reads += 1
        else:
            stored_lo = price.lo
        lo = stored_lo
        if flags & CONFIRMING:
            confirming += every
        market = story.market(now)
        # rounded up; where hi is below the market, or lo above it, there is no lag
        if hi > market:
            measures.max_lag_hi_bps = max(measures.max_lag_hi_bps, lag_up(hi, market))
            if (hi - market) * BPS > LATE_BPS * market:
                late += every
        if lo < market:
            measures.max_lag_lo_bps = max(measures.max_lag_lo_bps, lag_down(lo, market))
        replay.lowest_lo, replay.highest_lo = min(replay.lowest_lo, lo), max(replay.highest_lo, lo)
        replay.lowest_hi, replay.highest_hi = min(replay.lowest_hi, hi), max(replay.highest_hi, hi)
        measures.max_initial_multiplier = max(
            measures.max_initial_multiplier, price.initial_multiplier
        )
        measures.max_maintenance_multiplier = max(
            measures.max_maintenance_multiplier, price.maintenance_multiplier
        )
        if now - sampled_at >= SAMPLE_PERIOD:
            volatility = engine.volatility()
            if beside is not None and beside.volatility() != volatility:
                raise Mismatch(f"at {now} {engine.name} and {beside.name} sample differently")
            if volatility[2] != sampled_at:
                measures.samples += 1
                sampled_at = volatility[2]
        bound_for = market if story.settles_at is None else story.settles_at(now)
        if (
            flags & FAILED
            or abs(hi - bound_for) * BPS > BACK_BPS * bound_for
            or abs(lo - bound_for) * BPS > BACK_BPS * bound_for
        ):
            replay.last_apart_at = now
        if book is not None:
            book.see(price, now)
        if keep:
            replay.moments.append(
                Moment(
                    now,
                    market,
                    lo,
                    hi,
                    price.initial_multiplier,
                    price.maintenance_multiplier,
                    flags,
                )
            )
        if progress is not None and replay.syncs % 4_096 == 0:
            progress(replay.syncs, total)
    measures.minutes_hi_over_1pct_late = -(-late // 60)
    measures.confirming_minutes = -(-confirming // 60)
    replay.liquidations = book.result() if book is not None else None
    return replay


def _outside(guards: Guards, price: int) -> str:
    """Say which bound a first price is beyond and what to do, or nothing where it is within."""
    if guards.min_price <= price < guards.max_price:
        return ""
    is_low = price < guards.min_price
    key, bound = ("min_price", guards.min_price) if is_low else ("max_price", guards.max_price)
    return (
        f"the first price, {coins(price)}, is {'below' if is_low else 'not below'} {key}, "
        f"{coins(bound)}: the hub refuses to list it; {'lower' if is_low else 'raise'} {key} or "
        "choose another --from"
    )


def _ticks(story: Story, every: int) -> Iterator[int]:
    """Yield the seconds of the syncs: every so many after the start, up to the end."""
    yield from range(story.start + every, story.end + 1, every)


def _compare(now: int, one: int, other: int) -> None:
    if one != other:
        raise Mismatch(f"at {now} the engines say {one:#066x} and {other:#066x}")
