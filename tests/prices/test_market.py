# SPDX-License-Identifier: MIT
"""Markets and feeds as functions of a second: lines and steps, rounds pushed and rounds read."""

from __future__ import annotations

from surety.prices.market import Track, perfect, pushed, rounds_of, story_of
from surety.series import Point, Series

POINTS = (Point(100, 1_000), Point(110, 1_007), Point(200, 900))


def test_a_line_is_straight_and_rounds_down():
    track = Track.of(POINTS, held=False)
    assert [track(at) for at in (0, 100, 101, 103, 110, 155, 200, 999)] == [
        1_000,
        1_000,
        1_000,  # 1000.7
        1_002,  # 1002.1
        1_007,
        953,  # 1007 - 107 * 45 / 90 = 953.5
        900,
        900,
    ]


def test_a_step_holds_until_the_next_row():
    track = Track.of(POINTS, held=True)
    assert [track(at) for at in (0, 100, 109, 110, 199, 200, 999)] == [
        1_000,
        1_000,
        1_000,
        1_007,
        1_007,
        900,
        900,
    ]
    assert track.last(150) == (1_007, 110)
    assert track.last(99) == (1_000, 100)


def test_a_perfect_feed_says_the_market_as_of_now():
    feed = perfect(Track.of(POINTS, held=True))
    assert feed(150) == (1_007, 150)


def test_a_pushed_feed_writes_a_round_at_its_threshold_and_at_its_heartbeat():
    # a whole percent at 1,200 s; nodes look every 12 s
    market = Track((0, 1_200, 1_201), (10_000, 10_000, 10_100), held=True)
    rounds = pushed(market, 0, 6_000, deviation_bps=100, heartbeat=3_600)
    assert rounds.times == (0, 1_212, 4_812)
    assert rounds.prices == (10_000, 10_100, 10_100)
    assert rounds_of(rounds)(1_211) == (10_000, 0)
    assert rounds_of(rounds)(4_000) == (10_100, 1_212)
    blind = pushed(market, 0, 6_000, deviation_bps=101, heartbeat=3_600)
    assert blind.times == (0, 3_600)


def test_bars_are_lines_single_prices_steps_and_rounds_keep_their_times():
    bars = story_of(Series("a.csv", POINTS, 3, bars=True), "eth")
    single = story_of(Series("a.csv", POINTS, 3, bars=False), "eth")
    rounds = story_of(Series("a.csv", POINTS, 3, bars=False, rounds=True), "eth")
    assert (bars.market(155), single.market(155), rounds.market(155)) == (953, 1_007, 1_007)
    assert bars.feed(155) == (953, 155)
    assert single.feed(155) == (1_007, 155)
    assert rounds.feed(155) == (1_007, 110)
    other_way = story_of(Series("a.csv", POINTS, 3, bars=True), "eth", between="hold")
    assert other_way.market(155) == 1_007
    lagging = story_of(
        Series("a.csv", POINTS, 3, bars=True), "eth", deviation_bps=500, heartbeat=10**6
    )
    assert lagging.market(155) == 953
    assert lagging.feed(155) == (953, 148) or lagging.feed(155)[1] < 155
    assert (bars.start, bars.end, bars.rows) == (100, 200, 3)
