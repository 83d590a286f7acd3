# SPDX-License-Identifier: MIT
"""Ramps: levels move a bps at a time, at no more than their pace, and always arrive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from tests.unit.governor.acts import LEVELS
from tests.unit.governor.rig import DAY, HOUR, MARGIN, PARAMETER, ZERO, Act

BPS = 10_000
PENALTY = 500  # of the rig's vault
STEP, FACTOR_STEP = 450, 900  # seconds a bps

Levels = tuple[int, int, int, int, int]


def is_good(levels: Levels, penalty: int) -> bool:
    """Tell whether a vault takes these levels."""
    initial, maintenance, close_out, start, end = levels
    return (
        0 <= initial < maintenance < close_out <= end < BPS <= start <= 11_000
        and maintenance * (BPS + penalty) <= end * BPS
    )


@st.composite
def good_levels(draw: st.DrawFn, penalty: int) -> Levels:
    """Draw levels that a vault takes, often with no room to spare."""
    end = draw(st.integers(3, BPS - 1))
    close_out = draw(st.one_of(st.just(end), st.integers(2, end)))
    most = min(close_out - 1, end * BPS // (BPS + penalty))
    maintenance = draw(st.one_of(st.just(most), st.integers(1, most)))
    initial = draw(st.one_of(st.just(maintenance - 1), st.integers(0, maintenance - 1)))
    start = draw(st.integers(BPS, 11_000))
    return initial, maintenance, close_out, start, end


@st.composite
def ways(draw: st.DrawFn) -> tuple[Levels, Levels, int]:
    """Draw where a ramp begins, where it goes, and the penalty; near each other, or far apart."""
    penalty = draw(st.sampled_from((0, 1, 500, 2_000)) | st.integers(0, 2_000))
    begin, goal = draw(good_levels(penalty)), draw(good_levels(penalty))
    if draw(st.booleans()):
        moved = [level + draw(st.integers(-40, 40)) for level in begin]
        near: Any = tuple(moved)
        goal = near if is_good(near, penalty) else goal
    return begin, goal, penalty


@settings(max_examples=300)
@given(ways(), st.integers(1, 12))
def test_every_step_is_one_that_the_vault_takes_and_it_arrives(way, step):
    begin, goal, penalty = way
    levels, steps = begin, 0
    while levels != goal:
        after = margin_math.next_levels(*levels, *goal, penalty, step)
        assert is_good(after, penalty), (levels, after)
        assert after != levels, "it is stuck"
        for was, now, end in zip(levels, after, goal, strict=True):
            assert abs(now - was) <= step
            assert min(was, end) <= now <= max(was, end), "it overshoots or turns back"
        levels, steps = after, steps + 1
    longest = max(abs(a - b) for a, b in zip(begin, goal, strict=True))
    # at worst the penalty holds maintenance back while the end factor rises, then it has its way
    assert steps <= 2 * (longest // step + 1)
    assert margin_math.next_levels(*goal, *goal, penalty, step) == goal


@given(ways(), st.lists(st.integers(1, 12), min_size=2, max_size=8))
def test_steps_of_any_sizes_are_taken(way, steps):
    levels, goal, penalty = way
    for step in steps:
        levels = margin_math.next_levels(*levels, *goal, penalty, step)
        assert is_good(levels, penalty)


# on chain


def levels_of(rig: Any, kind: int = 0) -> Levels:
    word = rig.vault.read("collateral", kind)
    initial, maintenance, close_out, start, end = (
        (word >> shift) % 2**16 for shift in range(160, 240, 16)
    )
    return initial, maintenance, close_out, start, end


def begin(rig: Any, goal: Levels) -> int:
    """Set a ramp by an act; return when."""
    act = Act(rig.gov, "ramp", (rig.vault.address, 0, *goal))
    id = rig.propose(act)
    rig.wait(rig.delay(act))
    assert rig.execute_reason(id, act) is None
    assert levels_of(rig) == LEVELS
    return int(rig.now)


def advance(rig: Any, who: str | None = None) -> str | None:
    args = (rig.vault.address, 0)
    found: str | None = rig.reason(rig.gov, "advance", *args, sender=who or rig.stranger)
    return found


def test_the_first_step_comes_after_its_time(rig):
    goal = (7_400, 7_900, 8_400, 10_100, 8_800)
    since = begin(rig, goal)
    assert rig.gov.read("ramps", rig.vault.address, 0) == (*goal, since)
    assert advance(rig) == "too early"
    rig.wait(STEP - 1)
    assert advance(rig) == "too early"
    rig.wait(1)
    args = (rig.vault.address, 0)
    ran = rig.must(rig.gov, "advance", *args, sender=rig.stranger)
    assert levels_of(rig) == (7_499, 7_999, 8_499, 10_100, 8_800)
    assert [(e.name, e.args) for e in rig.events(ran)] == [
        (
            "RampAdvanced",
            {"vault": rig.vault.address, "kind": 0, "step": 1, "arrived": False},
        )
    ]
    assert advance(rig) == "too early"


def test_one_call_makes_up_for_an_hour_at_most(rig):
    begin(rig, (6_000, 6_500, 7_000, 10_100, 8_800))
    rig.wait(30 * DAY)
    for step in range(1, 4):
        assert advance(rig) is None
        assert levels_of(rig)[1] == 8_000 - 8 * step
        assert advance(rig) == "too early"
        rig.wait(HOUR - 1)
        if step < 3:
            rig.wait(1)
    assert advance(rig) is None
    assert levels_of(rig)[1] == 8_000 - 8 * 3 - 7


def test_a_factor_moves_at_half_the_pace_and_everything_with_it(rig):
    begin(rig, (7_000, 7_500, 8_000, 10_101, 8_798))
    rig.wait(DAY)
    assert advance(rig) is None
    assert levels_of(rig) == (7_496, 7_996, 8_496, 10_101, 8_798)
    rig.wait(STEP)
    # both factors have arrived: from here on the levels go on alone
    assert advance(rig) is None
    assert levels_of(rig)[:3] == (7_495, 7_995, 8_495)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=40), st.booleans())
def test_it_is_neither_starved_nor_sped_up(built, waits, has_factor):
    """Called whenever, however often: never above the pace, and no time under an hour is lost."""
    pace = FACTOR_STEP if has_factor else STEP
    with built.snapshot():
        goal = (5_000, 5_500, 6_000, 10_100, 7_000 if has_factor else 8_800)
        since = begin(built, goal)
        lost = 0
        used = since
        for wait in waits:
            built.wait(wait)
            lost += max(0, built.now - HOUR - used)
            used = max(used, built.now - HOUR)
            steps = (built.now - used) // pace
            used += steps * pace
            assert advance(built) == (None if steps else "too early")
            moved = 8_000 - levels_of(built)[1]
            assert moved == (built.now - since - lost) // pace
            assert moved * pace <= built.now - since
        assert built.gov.read("ramps", built.vault.address, 0)[5] == used


def test_no_day_brings_more_than_200(rig):
    """Idle first, then called as often as it can be: in 24 hours 8 and 192 bps."""
    begin(rig, (5_000, 5_500, 6_000, 10_100, 8_800))
    rig.wait(3 * DAY)
    start, moved = rig.now, []
    while rig.now <= start + 2 * DAY:
        before = levels_of(rig)[1]
        assert advance(rig) is None
        moved.append((rig.now, before - levels_of(rig)[1]))
        rig.wait(STEP)
    for at, _ in moved:
        # a window that is closed at its beginning and open at its end
        assert sum(step for when, step in moved if at <= when < at + DAY) <= 200
    assert sum(step for when, step in moved if start <= when < start + DAY) == 199


@pytest.mark.parametrize(
    "goal",
    [
        (7_450, 7_950, 8_450, 10_050, 8_750),
        (7_600, 8_100, 8_600, 10_150, 8_830),
        (7_560, 8_090, 8_800, 10_000, 8_800),
        (7_000, 8_400, 8_820, 11_000, 8_820),
        (0, 1, 2, 10_000, 9_999),
    ],
)
def test_the_vault_takes_every_step_until_it_has_arrived(rig, goal):
    assert is_good(goal, PENALTY)
    begin(rig, goal)
    for _ in range(3_000):
        rig.wait(HOUR)
        assert advance(rig) is None
        if levels_of(rig) == goal:
            break
    assert levels_of(rig) == goal
    assert rig.gov.read("ramps", rig.vault.address, 0) == (0,) * 6
    rig.wait(DAY)
    assert advance(rig) == "no ramp"


def test_a_new_ramp_takes_the_place_of_the_old_one(rig):
    begin(rig, (6_000, 6_500, 7_000, 10_100, 8_800))
    up = Act(rig.gov, "ramp", (rig.vault.address, 0, 7_600, 8_100, 8_600, 10_100, 8_800))
    id = rig.propose(up)
    rig.wait(PARAMETER)
    assert advance(rig) is None
    assert rig.execute_reason(id, up) is None
    # the hours before it do not count for it
    assert advance(rig) == "too early"
    rig.wait(STEP)
    assert advance(rig) is None
    assert levels_of(rig)[:3] == (7_493, 7_993, 8_493)


def test_the_admin_halts(rig):
    begin(rig, (6_000, 6_500, 7_000, 10_100, 8_800))
    args = (rig.vault.address, 0)
    for who in (rig.guardian, rig.stranger, rig.deployer):
        assert rig.reason(rig.gov, "halt", *args, sender=who) == "not admin"
    ran = rig.must(rig.gov, "halt", *args, sender=rig.admin)
    assert [e.name for e in rig.events(ran)] == ["RampHalted"]
    rig.wait(DAY)
    assert advance(rig) == "no ramp"
    assert rig.reason(rig.gov, "halt", *args, sender=rig.admin) == "no ramp"
    for vault in (rig.second.address, ZERO, rig.stranger):
        reason = rig.reason(rig.gov, "advance", vault, 0, sender=rig.stranger)
        assert reason == "no ramp"


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        (LEVELS, "nothing changes"),
        ((8_000, 8_000, 8_500, 10_100, 8_800), "bad levels"),
        ((7_500, 8_500, 8_500, 10_100, 8_800), "bad levels"),
        ((7_500, 8_000, 8_801, 10_100, 8_800), "bad levels"),
        ((7_500, 8_000, 8_500, 9_999, 8_800), "bad factors"),
        ((7_500, 8_000, 8_500, 11_001, 8_800), "bad factors"),
        ((7_500, 8_000, 8_500, 10_100, 10_000), "bad factors"),
        ((7_500, 8_000, 8_399, 10_100, 8_399), "bad factors"),
        ((2**256 - 2, 2**256 - 1, 8_500, 10_100, 8_800), "bad levels"),
    ],
)
def test_a_ramp_goes_only_where_the_vault_would(rig, goal, reason):
    act = Act(rig.gov, "ramp", (rig.vault.address, 0, *goal))
    assert rig.propose_reason(act) == reason


def test_a_ramp_is_of_a_listed_kind_of_a_vault(rig):
    goal = (7_400, 7_900, 8_400, 10_100, 8_800)
    for vault, kind, reason in (
        (rig.vault.address, 3, "unknown kind"),
        (rig.vault.address, 32, "unknown kind"),
        (rig.vault.address, 2**256 - 1, "unknown kind"),
        (rig.coin.address, 0, "not a vault"),
        (rig.stranger, 0, "not a vault"),
        (ZERO, 0, "not a vault"),
    ):
        assert rig.propose_reason(Act(rig.gov, "ramp", (vault, kind, *goal))) == reason


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("change", [-1, 1])
def test_what_lowers_a_level_waits_two_days(rig, place, change):
    """Lowering the initial level too: in a wild market it is the maintenance level."""
    goal = list(LEVELS)
    goal[place] += change
    falls = change < 0 and place != 3
    act = Act(rig.gov, "ramp", (rig.vault.address, 0, *goal))
    assert rig.delay(act) == (MARGIN if falls else PARAMETER)
