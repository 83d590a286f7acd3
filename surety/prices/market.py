# SPDX-License-Identifier: MIT
"""A market in time, what an oracle says of it, and what an L2's sequencer does meanwhile.

Times are unix seconds, prices WAD. Everything is a plain function of a second, so that a story of
bad prints is written as one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from surety.series import Point, Series

BPS = 10_000
HEARTBEAT = 3_600  # seconds: that of the ETH/USD feed of Chainlink on mainnet
BLOCK = 12  # seconds: how often an oracle's nodes look at the market

# what an oracle answers: an integer (WAD; at or below zero is no price) and its time, None: reverts
Answer = tuple[int, int] | None
Market = Callable[[int], int]
Feed = Callable[[int], Answer]
# what an uptime feed answers: 0 up or 1 down, since when; None: it reverts
Sequencer = Callable[[int], tuple[int, int] | None]


class MarketError(Exception):
    """A market that cannot be replayed: one line that says why."""


@dataclass(frozen=True, slots=True)
class Track:
    """Prices at ascending times; between two of them a straight line (rounded down) or a step.

    Before the first and after the last time the price is that of the end.
    """

    times: tuple[int, ...]
    prices: tuple[int, ...]
    held: bool

    @classmethod
    def of(cls, points: Sequence[Point], held: bool) -> Track:
        """Make a track of the points of a series."""
        return cls(tuple(p.at for p in points), tuple(p.price for p in points), held)

    def __call__(self, now: int) -> int:
        """Return the price at a second."""
        place = bisect_right(self.times, now) - 1
        if place < 0:
            return self.prices[0]
        price = self.prices[place]
        if self.held or place + 1 == len(self.times):
            return price
        at = self.times[place]
        rise = self.prices[place + 1] - price
        return price + rise * (now - at) // (self.times[place + 1] - at)

    def last(self, now: int) -> tuple[int, int]:
        """Return the last point at or before a second as (price, its time)."""
        place = max(0, bisect_right(self.times, now) - 1)
        return self.prices[place], self.times[place]


def perfect(market: Market) -> Feed:
    """Return a feed that always says what the market is, as of now."""
    return lambda now: (market(now), now)


def rounds_of(track: Track) -> Feed:
    """Return a feed that answers exactly the rounds of a track, each with its own time."""
    return track.last


def pushed(market: Market, start: int, end: int, deviation_bps: int, heartbeat: int) -> Track:
    """Return the rounds that a Chainlink-like feed would write: one when the market has left the
    last by `deviation_bps`, or after `heartbeat` seconds; its nodes look once a block (12 s).

    Source of the rule: https://docs.chain.link/data-feeds (deviation threshold and heartbeat).
    """
    times, prices = [start], [market(start)]
    last, at = prices[0], start
    for now in range(start + BLOCK, end + 1, BLOCK):
        price = market(now)
        if abs(price - last) * BPS >= deviation_bps * last or now - at >= heartbeat:
            times.append(now)
            prices.append(price)
            last, at = price, now
    return Track(tuple(times), tuple(prices), held=True)


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to one kind from `start` to `end`: the true market and what the hub is told.

    `oracle_changes` are the seconds from which governance has the hub read another oracle, which
    answers as `feed` does from then on. `settles_at` is where lo and hi are bound for: the market,
    but for a feed that stays wrong.
    """

    name: str
    start: int
    end: int
    market: Market
    feed: Feed
    sequencer: Sequencer | None = None
    oracle_changes: tuple[int, ...] = ()
    settles_at: Market | None = None
    rows: int = 0
    source: str = ""


def story_of(
    series: Series,
    name: str,
    between: str | None = None,
    deviation_bps: int | None = None,
    heartbeat: int = HEARTBEAT,
) -> Story:
    """Return the story that a series tells.

    `between` is line (bars do) or hold (single prices do). Rounds of an oracle are answered with
    their own times, and the market is taken to be the last round; anything else is followed
    perfectly or, with `deviation_bps`, as a Chainlink-like feed would.
    """
    held = not series.bars if between is None else between == "hold"
    track = Track.of(series.points, held)
    start, end = track.times[0], track.times[-1]
    if deviation_bps is not None:
        feed = rounds_of(pushed(track, start, end, deviation_bps, heartbeat))
    else:
        feed = rounds_of(track) if series.rounds else perfect(track)
    return Story(name, start, end, track, feed, rows=series.rows, source=series.name)
