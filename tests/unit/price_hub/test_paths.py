# SPDX-License-Identifier: MIT
"""Any path of prices, clocks, failures and governance: the hub is its model, and keeps its rules.

Besides equality with the model (rig.py) and the rules of a guarded price: one external read of a
kind a second, volatility as the design's vectors have it, and no outcome that gas could decide.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surety.model import Guard
from surety.model.state import BPS, FAILED
from tests.modules.test_vectors import SHARED, volatility_steps
from tests.stateful.node import GAS
from tests.unit.price_hub.rig import (
    CONFIRM_PERIOD,
    DAY,
    GAS_TELLER,
    GOVERNOR,
    KINDS,
    PRICE,
    STRANGER,
    UNREADABLE_FEEDS,
    WRONG_SHAPE,
    Rig,
    deploy_code,
)
from tests.world import GENESIS, MAX, WAD

MAX_AGE, MIN_PRICE, MAX_PRICE = 3_600, 20 * WAD, 200_000 * WAD
USUAL = Guard(MAX_AGE, MIN_PRICE, MAX_PRICE, 1_666_667, 333_333, 2_000, 15_000_000)
LOOSE = replace(USUAL, slew_down=2**24 - 1, slew_up=2**24 - 1, jump_bps=12_750)
TIGHT = replace(USUAL, slew_down=1, slew_up=1, jump_bps=50, sigma_ref=1)
YEAR = 365 * DAY
CYCLE = 2**24  # seconds after which the memory of a failed attempt repeats itself


@pytest.fixture(scope="module")
def rig():
    return Rig()


# what happens on a path, as plain data: hypothesis shrinks and prints it

KIND = st.integers(0, KINDS - 1)
GAP = st.one_of(
    st.sampled_from((0, 1, 12, 59, 60, 61, 119, 120, 121, 600, 1_199, 1_200, 1_201)),
    st.sampled_from((3_599, 3_600, 3_601, 7_200, 4 * 3_600, DAY, 25 * 3_600, CYCLE, YEAR)),
    st.integers(0, 4_000),
    st.integers(0, YEAR),
)
FACTOR = st.sampled_from((1, 5_000, 7_800, 9_000, 9_715, 9_990, 9_999, BPS, 10_001, 10_050, 11_000,
                          13_000, 30_000)) | st.integers(1, 30_000)  # fmt: skip
ODD_PRICE = st.sampled_from(
    (0, 1, MIN_PRICE - 1, MIN_PRICE, MIN_PRICE + 1, MAX_PRICE - 1, MAX_PRICE, MAX_PRICE + 1,
     2**88 - 1, 2**88, 2**255, MAX)
)  # fmt: skip
AGE = st.sampled_from((0, 0, 1, MAX_AGE - 1, MAX_AGE, MAX_AGE + 1, -1, DAY, -YEAR, -MAX))
SOURCE = st.one_of(
    st.tuples(st.just("drifts"), FACTOR),
    st.tuples(st.just("drifts"), st.integers(9_900, 10_100)),
    st.tuples(st.just("at the edge"), st.booleans(), st.sampled_from((-1, 0, 1))),
    st.tuples(st.just("says"), ODD_PRICE),
    st.tuples(st.just("dates"), AGE),
    st.tuples(st.just("fails"), st.sampled_from((1, 2, 3, WRONG_SHAPE, 5))),
    st.just(("keeps",)),
)
REFRESH = st.sampled_from(("sync", "sync", "poke", "sync_one"))
MASK = st.sampled_from((0b111, 0b111, 0b001, 0b010, 0b100, 0b101)) | st.integers(0, 15)
LIMITS = st.sampled_from(
    (
        *((g.slew_down, g.slew_up, g.jump_bps, g.sigma_ref) for g in (USUAL, LOOSE, TIGHT)),
        (0, 1, 50, 1), (1, 0, 50, 1), (CYCLE, 1, 50, 1), (1, CYCLE, 50, 1), (1, 1, 0, 1),
        (1, 1, 75, 1), (1, 1, 12_800, 1), (1, 1, 50, 0), (1, 1, 50, 2**40), (1, 1, MAX, 1),
    )
)  # fmt: skip
BOUNDS = st.sampled_from(
    (
        (MIN_PRICE, MAX_PRICE), (1, 2**88 - 1), (PRICE, MAX_PRICE), (MIN_PRICE, PRICE),
        (PRICE + 1, 2 * PRICE), (0, PRICE), (PRICE, PRICE), (PRICE, PRICE - 1), (1, 2**88),
        (MAX, MAX),
    )
)  # fmt: skip
STEP = st.one_of(
    *[st.tuples(st.just("tick"), GAP, st.tuples(*[SOURCE] * KINDS), REFRESH, MASK)] * 5,
    st.tuples(st.just("set_oracle"), KIND | st.just(KINDS), SOURCE),
    st.tuples(st.just("set_limits"), KIND | st.just(KINDS), LIMITS),
    st.tuples(st.just("set_bounds"), KIND | st.just(KINDS), BOUNDS),
    st.tuples(st.just("set_max_age"), KIND | st.just(KINDS),
              st.sampled_from((MAX_AGE, 1, YEAR // 4, CYCLE - 1, 0, CYCLE, MAX))),
    st.tuples(st.just("restart"), st.sampled_from((0, 0, 1)),
              st.sampled_from((0, 1, 60, CONFIRM_PERIOD, DAY, YEAR, -1, -YEAR, MAX))),
    st.tuples(st.just("misread"), st.sampled_from((None, None, *range(len(UNREADABLE_FEEDS))))),
    st.just(("to the end of a cycle",)),
)  # fmt: skip


def make(rig: Rig, step: tuple[Any, ...]) -> None:
    """Make one step of a path."""
    what, *args = step
    if what == "tick":
        gap, sources, fn, mask = args
        rig.wait(gap)
        for kind, source in enumerate(sources):
            tell(rig, kind, source)
        rig.refresh(fn, mask)
    elif what == "set_oracle":
        kind, source = args
        if kind < KINDS:
            tell(rig, kind, source, other=True)
        rig.set_oracle(kind)
    elif what == "set_max_age":
        rig.set_max_age(*args)
    elif what in ("set_limits", "set_bounds"):
        kind, numbers = args
        getattr(rig, what)(kind, *numbers)
    elif what == "to the end of a cycle":
        rig.wait(-rig.now % CYCLE)
    else:
        getattr(rig, what)(*args)


def tell(rig: Rig, kind: int, source: tuple[Any, ...], other: bool = False) -> None:
    """Let an oracle of a kind say something."""
    what, *args = source
    price, guard = rig.model.prices[kind], rig.model.guards[kind]
    feed = rig.model.feeds[kind]
    market = feed[0] if feed and MIN_PRICE <= feed[0] <= MAX_PRICE else PRICE
    if what == "drifts":
        rig.report(kind, max(1, market * args[0] // BPS), other=other)
    elif what == "at the edge":  # of a jump
        up, offset = args
        fallen = -(-price.hi * (BPS - min(guard.jump_bps, BPS)) // BPS)
        edge = price.lo * (BPS + guard.jump_bps) // BPS if up else fallen
        rig.report(kind, max(0, edge + offset), other=other)
    elif what == "says":
        rig.report(kind, args[0], other=other)
    elif what == "dates":
        rig.report(kind, market, args[0], other=other)
    elif what == "fails":
        rig.fail(kind, args[0], other=other)


def test_the_hub_is_its_model_on_any_path(rig):
    rig.seen.clear()

    @settings(
        max_examples=max(120, settings.default.max_examples),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from((USUAL, USUAL, LOOSE, TIGHT)),
        st.sampled_from((60, 60, 1, 0, 3_600)),
        st.sampled_from((CONFIRM_PERIOD, CONFIRM_PERIOD, 1, CYCLE - 1)),
        st.lists(STEP, min_size=4, max_size=25),
    )
    def walk(guard, fresh_for, confirm_period, steps):
        rig.begin(guard, fresh_for, confirm_period)
        for step in steps:
            make(rig, step)

    walk()
    happened = {"kept", "refreshed", "confirming", "sampled", "failed"}
    done = {"sync", "sync_one", "poke", "set_oracle", "set_limits", "set_bounds", "set_max_age"}
    refused = {
        "unknown kind", "price failed", "price deviates", "bad slew", "bad jump", "bad sigma",
        "bad bounds", "bad max age",
    }  # fmt: skip
    rare = {what for what in happened | done | refused if rig.seen[what] < 5}
    assert not rare, rig.seen
