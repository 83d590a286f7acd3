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

from surety.model import Guard, Price
from surety.model.state import BPS
from tests.modules.test_vectors import SHARED, volatility_steps
from tests.unit.price_hub.rig import (
    CONFIRM_PERIOD,
    DAY,
    GOVERNOR,
    KINDS,
    PRICE,
    STRANGER,
    UNREADABLE_FEEDS,
    WRONG_SHAPE,
    Rig,
)
from tests.world import MAX, WAD

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


# volatility as the design works it out

WALKS = [  # one of our own: quiet, wild, a year of silence, and a return beyond the cap
    {
        "start": {"price": 2_000 * WAD, "at": 0, "sigma_ref": 15 * 10**15},
        "prices": [
            (2_010 * WAD, 3_599),
            (1_995 * WAD, 3_600),
            (2_200 * WAD, 7_199),
            (2_200 * WAD, 7_200),
            (1_400 * WAD, 10_800),
            (2_100 * WAD, 18_000),
            (900 * WAD, 21_600),
            (901 * WAD, 25_199),
            (902 * WAD, 25_200),
            (900 * WAD, 111_600),
            (1_900 * WAD, 111_600 + YEAR),
            (1_900 * WAD, 111_600 + YEAR + 3_600),
        ],
    }
]


def design_walks() -> list[dict[str, Any]]:
    return [
        {
            "start": {name: int(value) for name, value in walk["start"].items()},
            "steps": [{name: int(value) for name, value in step.items()} for step in walk["steps"]],
        }
        for walk in json.loads(SHARED.read_text())["volatility"]
    ]


def walk_through(rig: Rig, start: dict[str, int], steps: list[dict[str, Any]]) -> None:
    """Let the hub see the prices of a walk at their times, under limits that nothing exceeds."""
    assert start["price"] == PRICE
    sigma_ref, rest = divmod(start["sigma_ref"], 10**9)
    assert not rest
    rig.begin(replace(LOOSE, sigma_ref=sigma_ref, min_price=1, max_price=2**88 - 1), fresh_for=1)
    began = rig.now - start["at"]
    for step in steps:
        sampled_at = rig.hub.read("volatility_of", 0)[2]
        rig.wait(began + step["at"] - rig.now)
        rig.report(0, step["price"])
        rig.refresh("sync", 0b001)
        price = Price.unpack(rig.hub.read("words", 0))
        variance, last_price, last_at = rig.hub.read("volatility_of", 0)
        assert price.flags == 0
        assert (last_at != sampled_at) == bool(step["sampled"])
        if step["sampled"]:
            assert (last_price, last_at) == (step["price"], rig.now)
        assert (variance, price.initial_multiplier, price.maintenance_multiplier) == (
            step["variance"],
            step["initial_multiplier"],
            step["maintenance_multiplier"],
        )


@pytest.mark.parametrize("walk", WALKS, ids=["rebuilt"])
def test_volatility__of_a_walk_in_fractions(rig, walk):
    """Beside the specification in rational numbers, which shares no line with margin_math.vy."""
    steps = volatility_steps(walk["start"], walk["prices"])
    assert {step["sampled"] for step in steps} == {False, True}
    assert max(step["initial_multiplier"] for step in steps) == 25_000
    assert max(step["maintenance_multiplier"] for step in steps) == 12_500
    walk_through(rig, walk["start"], steps)


@pytest.mark.skipif(
    not SHARED.is_file(), reason="the design's vectors.json is not beside the repository"
)
def test_volatility__of_the_designs_vectors(rig):
    walks = design_walks()
    for walk in walks:
        walk_through(rig, **walk)
    assert sum(len(walk["steps"]) for walk in walks) >= 60


# at most one external read of a kind a second

WORK = 250_000  # gas of one read; the hub itself takes less for three kinds


def asked(rig: Rig, fn: str, mask: int) -> int:
    """Refresh and return how many oracles were asked, by the gas that only they spend."""
    ran = rig.send(fn, mask, sender=STRANGER)
    assert ran.reason is None
    used = rig.node.evm.result.gas_used
    assert used % WORK < WORK * 3 // 4  # far from a doubt
    return int(used // WORK)


@pytest.fixture
def dear(rig):
    """Three kinds whose oracles spend WORK or a little more: good, burning all gas, answering 0."""
    rig.begin(LOOSE)
    oracle = rig.follows[0]
    rig.tell(oracle, "set_work", 1_000)
    rig.node.run(GOVERNOR, oracle.address, oracle.encode("price"), rig.now)
    each = (rig.node.evm.result.gas_used - 21_000) / 1_000
    rounds = int(WORK / each) + 60
    rig.tell(oracle, "set_work", rounds)
    rig.tell(rig.follows[1], "set_mode", 3)
    rig.tell(rig.follows[2], "set_report", 0, rig.now)
    rig.tell(rig.follows[2], "set_work", rounds)
    rig.node.run(GOVERNOR, oracle.address, oracle.encode("price"), rig.now)
    assert WORK <= rig.node.evm.result.gas_used - 21_000 < WORK + 40_000
    return rig


def test_reads__one_of_a_kind_a_second_at_most(dear):
    """Whoever asks in whatever order: a price is asked for once a second, a failure too."""
    counts = []

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.tuples(
                st.sampled_from((0, 0, 0, 1, 59, 60)),
                st.sampled_from(("sync", "poke")),
                st.integers(0, 0b111),
            ),
            max_size=12,
        )
    )
    def ask(calls):
        dear.wait(60)
        asked_at: dict[int, int] = {}
        accepted_at = Price.unpack(dear.hub.read("words", 0)).updated_at
        for gap, fn, mask in calls:
            dear.wait(gap)
            now, due = dear.now, 0
            for kind in range(KINDS):
                if not mask >> kind & 1 or asked_at.get(kind) == now:
                    continue
                if kind == 0 and now - accepted_at < 60:
                    continue
                due, asked_at[kind] = due + 1, now
                accepted_at = now if kind == 0 else accepted_at
            dear.tell(dear.follows[0], "set_report", PRICE, now)
            dear.tell(dear.follows[0], "set_work", dear.follows[0].read("work"))
            assert asked(dear, fn, mask) == due
            counts.append(due)

    ask()
    assert {0, 1, 2, 3} <= set(counts)
