# SPDX-License-Identifier: MIT
"""Price paths: one price per kind at each time, laid out in blocks.

A path is thinned (several points a block) or stretched (several blocks a point) by `speed`, the
number of points per block. Simulated time always follows the series; speed only says how finely a
block samples it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from surety.demo.kinds import FOLLOWS, KINDS
from surety.demo.series import MAX_PRICE, Series, SeriesError, utc

WAD = 10**18
USUAL_BLOCKS = 800
MOST_BLOCKS = 3_000
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Path:
    """Prices of every kind at ascending times: unix seconds, WAD by kind name."""

    times: tuple[int, ...]
    prices: Mapping[str, tuple[int, ...]]
    driver: str

    def __len__(self) -> int:
        return len(self.times)

    @property
    def span(self) -> int:
        """Seconds from the first time to the last."""
        return self.times[-1] - self.times[0]


def follow(series: Series, driver: str) -> Path:
    """Return a path in which a series drives one kind and the others follow by FOLLOWS, or stay
    where they are.
    """
    times = tuple(point.at for point in series.points)
    driven = tuple(point.price for point in series.points)
    prices: dict[str, tuple[int, ...]] = {}
    for kind in KINDS:
        beta = FOLLOWS.get((driver, kind.name))
        if kind.name == driver:
            prices[kind.name] = driven
        elif beta is None:
            prices[kind.name] = (kind.usual * WAD,) * len(times)
        else:
            factors = (math.exp(float(beta) * math.log(price / driven[0])) for price in driven)
            prices[kind.name] = tuple(_rounded(kind.usual * factor) for factor in factors)
    return Path(times, prices, driver)


def too_long(path: Path, longest_step: int) -> bool:
    """Tell whether a run would take more than MOST_BLOCKS although each spans `longest_step`."""
    return _least_blocks(path, longest_step) > MOST_BLOCKS


def _least_blocks(path: Path, longest_step: int) -> int:
    return math.ceil(path.span / longest_step)


def usual_speed(path: Path, longest_step: int) -> float:
    """Return the points per block that make about USUAL_BLOCKS blocks, none longer than
    `longest_step` seconds.

    Below 1 when the points are further apart than that. Raises SeriesError when it would take more
    than MOST_BLOCKS.
    """
    needed = _least_blocks(path, longest_step)
    if too_long(path, longest_step):
        start, end, fall = steepest(path)
        raise SeriesError(
            f"{path.span / DAY:,.0f} days are too long for one run ({needed:,} blocks at "
            f"{longest_step} s each); "
            f"choose a window, such as --from {utc(start)} --to {utc(end)} around its steepest "
            f"fall ({fall:.0%})"
        )
    speed = (len(path) - 1) / max(1, needed, min(USUAL_BLOCKS, len(path) - 1))
    return float(math.floor(speed)) if speed >= 1 else 1 / math.ceil(1 / speed)


def lay_out(path: Path, speed: float, longest_step: int) -> Path:
    """Return one point per block: thinned when speed is above 1, stretched when below, gaps filled
    in a straight line.

    Raises SeriesError when a block would span more than `longest_step` seconds although `speed`
    asks for it.
    """
    count = max(1, round(speed))
    chosen = _thin(path, count) if speed > 1 else path
    split = max(1, round(1 / speed)) if speed < 1 else 1
    if count > 1 and len(chosen) > 1:
        typical = sorted(b - a for a, b in pairwise(chosen.times))[len(chosen) // 2 - 1]
        if typical > longest_step:
            raise SeriesError(
                f"--speed {speed:g} makes blocks of {typical} s, too coarse for this grace period "
                "and auction "
                f"(at most {longest_step} s); use a lower --speed or a shorter window"
            )
    laid = _fill(chosen, split, longest_step)
    if len(laid) > 10 * MOST_BLOCKS:
        raise SeriesError(
            f"--speed {speed:g} makes {len(laid):,} blocks; use a higher --speed or a shorter "
            "window"
        )
    return laid


def steepest(path: Path, window: int = 2 * DAY) -> tuple[int, int, float]:
    """Return the window (start and end, whole hours) around the steepest fall, and that fall as a
    share.
    """
    prices = path.prices[path.driver]
    best = (0.0, 0)
    highest: list[
        int
    ] = []  # places in the window whose price is above every later one: the first is the highest
    head = 0
    for place, price in enumerate(prices):
        while len(highest) > head and prices[highest[-1]] <= price:
            highest.pop()
        highest.append(place)
        while path.times[highest[head]] < path.times[place] - window:
            head += 1
        fall = 1 - price / prices[highest[head]]
        if fall > best[0]:
            best = (fall, place)
    low_at = path.times[best[1]]
    start = max(path.times[0], (low_at - window + window // 4) // 3600 * 3600)
    return start, min(path.times[-1], start + window), best[0]


def _thin(path: Path, count: int) -> Path:
    """Return one point for each `count`: a group's low when it ends below the block before, else
    its high.

    The first point, the last and the lowest of the driver are always kept, so first, low and last
    prices are those of the whole path. The kinds that follow are read at the same points.
    """
    driven = path.prices[path.driver]
    lowest = min(range(len(path)), key=driven.__getitem__)
    places = [0]
    times = [path.times[0]]
    for start in range(1, len(path), count):
        group = range(start, min(start + count, len(path)))
        falling = driven[group[-1]] < driven[places[-1]]
        place = (
            min(group, key=driven.__getitem__) if falling else max(group, key=driven.__getitem__)
        )
        if lowest in group:
            place = lowest
        if group[-1] == len(path) - 1 and place != group[-1]:
            # the last group ends the story: its extreme and then its end
            if path.times[place] > times[-1]:
                places.append(place)
                times.append(path.times[place])
            place = group[-1]
        places.append(place)
        times.append(path.times[group[-1]])
    prices = {name: tuple(row[place] for place in places) for name, row in path.prices.items()}
    return Path(tuple(times), prices, path.driver)


def _fill(path: Path, split: int, longest_step: int) -> Path:
    """Return the path with every interval cut into `split` pieces or more, so that none is above
    `longest_step`.
    """
    times = [path.times[0]]
    prices: dict[str, list[int]] = {name: [row[0]] for name, row in path.prices.items()}
    for place in range(1, len(path)):
        gap = path.times[place] - path.times[place - 1]
        pieces = min(gap, max(split, -(-gap // longest_step)))
        for piece in range(1, pieces + 1):
            times.append(path.times[place - 1] + gap * piece // pieces)
            for name, row in path.prices.items():
                prices[name].append(
                    row[place - 1] + (row[place] - row[place - 1]) * piece // pieces
                )
    return Path(tuple(times), {name: tuple(row) for name, row in prices.items()}, path.driver)


def _rounded(coins: float) -> int:
    """Return a price as WAD, to eight decimals."""
    return min(MAX_PRICE, max(1, round(coins * 10**8)) * 10**10)
