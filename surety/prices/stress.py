# SPDX-License-Identifier: MIT
"""Bad prints, true crashes and dead feeds rebuilt, and what the hub and a small book make of them.

Every story begins with two calm hours at a price of 100; then the thing happens, in the very second
in which volatility is sampled, and a day follows. Changes are straight lines. The hub is asked once
a block (12 s), which is the worst rhythm for its lag: a word up to `fresh_for` seconds old is used
as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from surety.model.state import WAD
from surety.prices.config import Config, KindConfig
from surety.prices.engines import Engine
from surety.prices.market import BPS, Answer, Feed, Market, Sequencer, Story, perfect
from surety.prices.replay import Progress, Replay, run

EVERY = 12
ACCOUNTS = 100
BEFORE = 100 * WAD
START = 1_577_836_800  # 2020-01-01, so that tables are the same every day
MINUTE, HOUR, DAY = 60, 3_600, 86_400
EVENT = START + 2 * HOUR
END = EVENT + DAY
WIDE = (1, 2**88 - 1)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: a title, the market, what the oracle says of it, and the bounds."""

    name: str
    title: str
    market: Market
    feed: Feed
    wide: bool = False  # bounds as wide as the hub takes
    sequencer: Sequencer | None = None
    oracle_changes: tuple[int, ...] = ()
    settles_at: Market | None = None
    end: int = END

    def story(self) -> Story:
        """Return the case as a story of a kind of its own name."""
        return Story(
            self.name,
            START,
            self.end,
            self.market,
            self.feed,
            self.sequencer,
            self.oracle_changes,
            self.settles_at,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case did; moves in bps of the price before, times in minutes after the event began.

    `lo_moved_bps` and `hi_moved_bps` are the farthest that they were from the price before, with
    sign, rounded away from zero; `minutes_apart` how long until both were within 1 % of where they
    are bound for, None if never; `first_sold_minute` when the first account was sold, None if none.
    """

    case: Case
    replay: Replay
    lo_moved_bps: int
    hi_moved_bps: int
    minutes_apart: int | None
    first_sold_minute: int | None


def calm(_now: int) -> int:
    """Return a market that stands still."""
    return BEFORE


def ramp(change_bps: int, seconds: int, start: int = EVENT) -> Market:
    """Return a market that changes by so much in a straight line and stays there."""

    def market(now: int) -> int:
        passed = min(max(0, now - start), seconds)
        return BEFORE + BEFORE * change_bps * passed // (BPS * seconds)

    return market


def there_and_back(change_bps: int, seconds: int) -> Market:
    """Return a market that changes by so much in a straight line and back in the same time."""
    up, down = ramp(change_bps, seconds), ramp(-change_bps, seconds, EVENT + seconds)
    return lambda now: up(now) + down(now) - BEFORE


def misprinted(market: Market, price: int, seconds: int, start: int = EVENT) -> Feed:
    """Return a feed that is perfect but for a while in which it says one and the same price."""

    def feed(now: int) -> Answer:
        return (price, now) if start <= now < start + seconds else (market(now), now)

    return feed


def silent(market: Market, seconds: int, start: int = EVENT) -> Feed:
    """Return a feed that reverts for a while."""
    return lambda now: None if start <= now < start + seconds else (market(now), now)


def frozen(market: Market, start: int = EVENT) -> Feed:
    """Return a feed whose last round is that of a moment, for ever."""
    return lambda now: (market(min(now, start)), min(now, start))


def _down_and_up(seconds: int) -> Sequencer:
    """Return an uptime feed: up since long ago, down for a while, up again."""

    def uptime(now: int) -> tuple[int, int]:
        if now < EVENT:
            return 0, START - DAY
        return (1, EVENT) if now < EVENT + seconds else (0, EVENT + seconds)

    return uptime


def _bad_prints() -> list[Case]:
    """Return single bad prints: one refresh long, and ten minutes long."""
    cases = []
    prints = (
        ("x3", "×3", 3 * BEFORE, False),
        ("x0_0001", "×0.0001", BEFORE // 10_000, False),
        ("x0_0001_wide", "×0.0001", BEFORE // 10_000, True),
        ("zero", "0", 0, False),
        ("minus_one", "−1", -1, False),
    )
    lengths = (("one refresh", "", MINUTE), ("10 minutes", "_10m", 10 * MINUTE))
    for name, title, price, wide in prints:
        for said, suffix, seconds in lengths:
            cases.append(
                Case(
                    name + suffix,
                    f"a print of {title} for {said}{', bounds wide open' if wide else ''}",
                    calm,
                    misprinted(calm, price, seconds),
                    wide,
                )
            )
    return cases


def cases() -> tuple[Case, ...]:
    """Return every case in the order of the table."""
    glitch = BEFORE * 9_715 // BPS
    wrong = BEFORE // 1_000
    half_in_a_day = ramp(-5_000, DAY)
    pump = there_and_back(6_000, 5 * MINUTE)
    outage = ramp(-1_000, 2 * HOUR)
    made = _bad_prints()
    for said, suffix, seconds in (
        ("one refresh", "", MINUTE),
        ("10 minutes", "_10m", 10 * MINUTE),
        ("40 minutes", "_40m", 40 * MINUTE),
    ):
        made.append(
            Case(
                f"glitch{suffix}",
                f"a glitch of −2.85 % for {said}",
                calm,
                misprinted(calm, glitch, seconds),
            )
        )
    tenth = BEFORE * 9_000 // BPS
    late = EVENT + 10 * MINUTE
    made += [
        Case(
            "sampled",
            "a glitch of −10 % for one refresh, that of a volatility sample",
            calm,
            misprinted(calm, tenth, MINUTE),
        ),
        Case(
            "between_samples",
            "a glitch of −10 % for one refresh, between two samples",
            calm,
            misprinted(calm, tenth, MINUTE, late),
        ),
        Case(
            "wrong",
            "a feed wrong by −99.9 % that stays",
            calm,
            misprinted(calm, wrong, 10 * DAY),
            end=EVENT + 3 * HOUR,
            settles_at=lambda now: BEFORE if now < EVENT else wrong,
        ),
        Case(
            "wrong_wide",
            "a feed wrong by −99.9 % that stays, bounds wide open",
            calm,
            misprinted(calm, wrong, 10 * DAY),
            True,
            end=EVENT + 3 * HOUR,
            settles_at=lambda now: BEFORE if now < EVENT else wrong,
        ),
        _true("true_22", "a true −22 % in 10 minutes", ramp(-2_200, 10 * MINUTE)),
        _true("true_50", "a true −50 % in an hour", ramp(-5_000, HOUR)),
        _true("true_30_at_once", "a true −30 % in one minute", ramp(-3_000, MINUTE)),
        _true("pump", "a true +60 % in 5 minutes", ramp(6_000, 5 * MINUTE)),
        _true("pump_back", "+60 % in 5 minutes and back in 5", pump),
        Case(
            "dead",
            "a feed dead for a day, alive again at −50 %",
            half_in_a_day,
            silent(half_in_a_day, DAY),
            end=END + DAY,
        ),
        Case(
            "frozen",
            "a feed that repeats its last round while the market loses 50 % in a day",
            half_in_a_day,
            frozen(half_in_a_day),
            end=END + 4 * HOUR,
        ),
        Case(
            "oracle_change",
            "another oracle that says 4 % less",
            calm,
            lambda now: (BEFORE if now < EVENT else BEFORE * 96 // 100, now),
            oracle_changes=(EVENT,),
            settles_at=lambda now: BEFORE if now < EVENT else BEFORE * 96 // 100,
        ),
        Case(
            "sequencer",
            "the sequencer down for 2 hours, the market −10 % meanwhile",
            outage,
            perfect(outage),
            sequencer=_down_and_up(2 * HOUR),
        ),
    ]
    return tuple(made)


def _true(name: str, title: str, market: Market) -> Case:
    return Case(name, title, market, perfect(market))


def stress(
    config: Config,
    kind: KindConfig,
    engine: Callable[[], Engine],
    *,
    beside: Callable[[], Engine] | None = None,
    chosen: Sequence[Case] | None = None,
    every: int = EVERY,
    accounts: int = ACCOUNTS,
    keep: bool = False,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Run cases, all of them unless `chosen`, each on a hub of its own."""
    todo = cases() if chosen is None else chosen
    outcomes = []
    for place, case in enumerate(todo):
        low, high = WIDE if case.wide else (None, None)
        guarded = replace(kind, min_price=low, max_price=high)
        replayed = run(
            case.story(),
            config,
            engine(),
            every=every,
            accounts=accounts,
            beside=beside() if beside is not None else None,
            keep=keep,
            kind=guarded,
        )
        outcomes.append(_outcome(case, replayed, every))
        if progress is not None:
            progress(place + 1, len(todo))
    return outcomes


def _outcome(case: Case, replayed: Replay, every: int) -> Outcome:
    apart = replayed.last_apart_at
    sold_at = replayed.liquidations.first_sold_at if replayed.liquidations else None
    minutes: int | None = 0
    if apart is not None:
        back_at = apart + every
        minutes = None if back_at > case.end else -(-(back_at - EVENT) // MINUTE)
    return Outcome(
        case,
        replayed,
        _farthest(replayed.lowest_lo, replayed.highest_lo),
        _farthest(replayed.lowest_hi, replayed.highest_hi),
        minutes,
        None if sold_at is None else -(-(sold_at - EVENT) // MINUTE),
    )


def _farthest(lowest: int, highest: int) -> int:
    """Return the move from the price before that is largest, bps rounded away from zero."""
    down, up = BEFORE - lowest, highest - BEFORE
    return -down * BPS // BEFORE if up < down else -(-up * BPS // BEFORE)
