# SPDX-License-Identifier: MIT
"""How prices are laid out in blocks: thinned, stretched, filled, or refused with advice."""

from __future__ import annotations

import pytest

from surety.demo.path import MOST_BLOCKS, Path, follow, lay_out, steepest, usual_speed
from surety.demo.series import Point, Series, SeriesError

WAD = 10**18


def path_of(prices, gap=60, start=1_000_000):
    row = tuple(price * WAD for price in prices)
    times = tuple(start + gap * place for place in range(len(row)))
    return Path(times, {"eth": row, "btc": row, "stable": row}, "eth")


def ends(path, name="eth"):
    row = path.prices[name]
    return row[0], min(row), row[-1]


@pytest.mark.parametrize("speed", [1, 2, 3, 7, 50, 1000])
def test_thinning_keeps_first_low_and_last(speed):
    prices = [100 - abs(50 - place) % 13 + (place * 7) % 11 for place in range(101)]
    prices[67] = 3
    path = path_of(prices)
    thinned = lay_out(path, speed, 10**9)
    assert ends(thinned) == ends(path)
    assert (thinned.times[0], thinned.times[-1]) == (path.times[0], path.times[-1])
    assert list(thinned.times) == sorted(set(thinned.times))
    assert len(thinned) <= 2 + -(-100 // speed)


def test_thinning_keeps_the_low_of_a_group_that_falls():
    thinned = lay_out(path_of([100, 90, 40, 80, 95, 99, 97]), 3, 10**9)
    assert [price // WAD for price in thinned.prices["eth"]] == [100, 40, 99, 97]


def test_the_other_kinds_are_read_at_the_same_points():
    path = path_of([100, 90, 40, 80, 95, 99, 97])
    other = tuple(range(1, 8))
    both = Path(path.times, {**path.prices, "btc": other}, "eth")
    assert lay_out(both, 3, 10**9).prices["btc"] == (1, 3, 6, 7)


def test_stretching_moves_in_a_straight_line():
    stretched = lay_out(path_of([100, 80], gap=60), 0.25, 10**9)
    assert stretched.times == (1_000_000, 1_000_015, 1_000_030, 1_000_045, 1_000_060)
    assert [price // WAD for price in stretched.prices["eth"]] == [100, 95, 90, 85, 80]


def test_gaps_are_filled_so_that_no_block_is_too_long():
    gaps = Path((0, 100, 10_000), {"eth": (3, 2, 1), "btc": (3, 2, 1), "stable": (3, 2, 1)}, "eth")
    laid = lay_out(gaps, 1, 1_800)
    assert max(b - a for a, b in zip(laid.times, laid.times[1:], strict=False)) <= 1_800
    assert {0, 100, 10_000} <= set(laid.times)


def test_a_speed_that_skips_auctions_is_refused():
    with pytest.raises(SeriesError, match=r"too coarse.*lower --speed"):
        lay_out(path_of(range(1, 500), gap=600), 100, 1_800)
    with pytest.raises(SeriesError, match="use a higher --speed"):
        lay_out(path_of(range(1, 500), gap=600), 0.01, 1_800)


def test_the_usual_speed_thins_or_stretches():
    assert usual_speed(path_of([1] * 500), 1_800) == 1
    assert usual_speed(path_of([1] * 8_000), 1_800) == 9
    assert usual_speed(path_of([1] * 10, gap=7_200), 1_800) == 0.25


def test_a_series_that_is_too_long_is_refused_with_a_window():
    prices = [1000] * 3_000 + [500] * 1_000
    with pytest.raises(SeriesError, match=r"choose a window, such as --from .* --to .*\(50%\)"):
        usual_speed(path_of(prices, gap=7_200), 1_800)
    assert MOST_BLOCKS < 4_000 * 7_200 // 1_800


def test_the_steepest_window_holds_the_fall():
    prices = [1000 - place for place in range(400)] + [300] + [900] * 300
    path = path_of(prices, gap=3_600)
    start, end, fall = steepest(path)
    assert start <= path.times[400] - 3_600
    assert path.times[400] <= end
    assert fall == pytest.approx(1 - 300 / 648, abs=0.01)


def test_other_kinds_follow_the_driver_or_stay():
    series = Series("x", (Point(0, 100 * WAD), Point(60, 50 * WAD), Point(120, 100 * WAD)), 3, True)
    path = follow(series, "eth")
    assert path.prices["eth"] == (100 * WAD, 50 * WAD, 100 * WAD)
    first, low, last = path.prices["btc"]
    assert first == last == 7_900 * WAD
    assert low / first == pytest.approx(0.5**0.9)
    assert set(path.prices["stable"]) == {WAD}
    assert set(follow(series, "stable").prices["eth"]) == {195 * WAD}
    assert min(follow(series, "btc").prices["eth"]) / (195 * WAD) == pytest.approx(0.5**1.1)
