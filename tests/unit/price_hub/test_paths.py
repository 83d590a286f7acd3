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

from surety.model import Guard, Price, Refused
from surety.model.state import BPS
from tests.modules.test_vectors import SHARED, volatility_steps
from tests.stateful.scene import slots_of
from tests.unit.price_hub.rig import (
    CONFIRM_PERIOD,
    DAY,
    GAS_BURNER,
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
from tests.world import MAX, WAD

MAX_AGE, MIN_PRICE, MAX_PRICE = 3_600, 20 * WAD, 200_000 * WAD
USUAL = Guard(MAX_AGE, MIN_PRICE, MAX_PRICE, 1_666_667, 333_333, 2_000, 15_000_000)
LOOSE = replace(USUAL, slew_down=2**24 - 1, slew_up=2**24 - 1, jump_bps=12_750)
WILD = replace(LOOSE, sigma_ref=1_000_000)
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
MASK = st.sampled_from((0b111, 0b111, 0b111, 0b001, 0b010, 0b100, 0b101, 0, 0b1001))
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
CALM = st.tuples(st.just("drifts"), st.integers(9_000, 11_000))
OFFSET = st.sampled_from((-1, 0, 0, 1))
HOURS = st.builds(lambda hours, late: hours * 3_600 + late, st.integers(1, 30), OFFSET)
NEARBY = st.tuples(st.just("deviates"), st.sampled_from((9_500, 10_500)), OFFSET)
STEP = st.one_of(
    *[st.tuples(st.just("tick"), GAP, st.tuples(*[SOURCE] * KINDS), REFRESH, MASK)] * 4,
    *[st.tuples(st.just("tick"), HOURS, st.tuples(*[CALM] * KINDS), REFRESH, st.just(0b111))] * 4,
    *[st.tuples(st.just("tick"), st.integers(50, 130), st.tuples(*[CALM] * KINDS), REFRESH,
                st.just(0b111))] * 2,
    st.tuples(st.just("set_oracle"), KIND, NEARBY),
    st.tuples(st.just("set_oracle"), KIND | st.just(KINDS), SOURCE),
    st.tuples(st.just("set_limits"), KIND | st.just(KINDS), LIMITS),
    st.tuples(st.just("set_bounds"), KIND | st.just(KINDS), BOUNDS),
    st.tuples(st.just("set_max_age"), KIND | st.just(KINDS),
              st.sampled_from((MAX_AGE, 1, YEAR // 4, CYCLE - 1, 0, CYCLE, MAX))),
    st.tuples(st.just("restart"), st.sampled_from((0, 0, 0, 1, 1, 2)),
              st.sampled_from((0, 1, 60, CONFIRM_PERIOD, DAY, YEAR, -1, -YEAR, MAX))),
    st.tuples(st.just("misread"), st.sampled_from((*[None] * 8, *range(len(UNREADABLE_FEEDS))))),
    st.tuples(st.just("confirmed"), KIND, st.booleans(), OFFSET),
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
    elif what == "confirmed":  # or a second before or after that
        kind, by_sequencer, offset = args
        end = rig.model.guards[kind].confirming_until
        if by_sequencer and rig.model.sequencer is not None:
            end = rig.model.sequencer.started_at + rig.model.confirm_period
        rig.wait(max(0, end + offset - rig.now))
        tell(rig, kind, ("drifts", BPS))
        rig.refresh("sync", 1 << kind)
    else:  # the sequencer
        rig.wait(60)
        getattr(rig, what)(*args)
        for kind in range(KINDS):
            tell(rig, kind, ("drifts", BPS))
        rig.refresh("sync", 0b111)


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
    elif what == "deviates":  # from what the oracle before says
        factor, offset = args
        rig.report(kind, -(-market * factor // BPS) + offset, other=other)
    elif what == "says":
        rig.report(kind, args[0], other=other)
    elif what == "dates":
        rig.report(kind, market, args[0], other=other)
    elif what == "fails":
        rig.fail(kind, args[0], other=other)


def test_the_hub_is_its_model_on_any_path(rig):
    rig.seen.clear()

    @settings(
        max_examples=max(300, settings.default.max_examples),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from((USUAL, USUAL, LOOSE, WILD, TIGHT)),
        st.sampled_from((60, 60, 1, 0, 120)),
        st.sampled_from((CONFIRM_PERIOD, CONFIRM_PERIOD, 1, CYCLE - 1)),
        st.lists(STEP, min_size=12, max_size=40),
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
    rare = {what for what in happened | done | refused if rig.seen[what] < 20}
    assert not rare, rig.seen


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_age": 0}, "bad max age"),
        ({"max_age": CYCLE}, "bad max age"),
        ({"max_age": 0, "min_price": 0}, "bad max age"),
        ({"min_price": 0}, "bad bounds"),
        ({"min_price": MAX_PRICE}, "bad bounds"),
        ({"max_price": 2**88}, "bad bounds"),
        ({"max_price": MAX}, "bad bounds"),
        ({"min_price": PRICE + 1}, "price failed"),
        ({"max_price": PRICE}, "price failed"),
        ({"max_price": PRICE, "slew_up": 0}, "price failed"),
        ({"slew_down": 0}, "bad slew"),
        ({"slew_down": CYCLE}, "bad slew"),
        ({"slew_up": 0, "jump_bps": 0}, "bad slew"),
        ({"slew_up": CYCLE}, "bad slew"),
        ({"jump_bps": 0, "sigma_ref": 0}, "bad jump"),
        ({"jump_bps": 49}, "bad jump"),
        ({"jump_bps": 12_751}, "bad jump"),
        ({"jump_bps": 12_800}, "bad jump"),
        ({"sigma_ref": 0}, "bad sigma"),
        ({"sigma_ref": 2**40}, "bad sigma"),
    ],
)
def test_listing_is_refused_alike(rig, changes, reason):
    with pytest.raises(AssertionError, match=f"refused: {reason}"):
        rig.begin(replace(USUAL, **changes))
    with pytest.raises(Refused, match=reason):
        rig.model.list_kind(replace(USUAL, **changes), PRICE, rig.now)
    assert not rig.model.prices
    assert not rig.model.guards


def test_listing_is_refused_alike__beyond_32_kinds():
    rig = Rig(32).begin(USUAL)
    token, oracle = rig.tokens[0].address, rig.pairs[0][0].address
    limits = (USUAL.slew_down, USUAL.slew_up, USUAL.jump_bps, USUAL.sigma_ref)
    bounds = (MAX_AGE, MIN_PRICE, MAX_PRICE)
    assert rig.send("list_kind", token, oracle, *bounds, *limits).reason == "too many kinds"
    with pytest.raises(Refused, match="too many kinds"):
        rig.model.list_kind(USUAL, PRICE, rig.now)


def test_masks__of_more_kinds_than_a_call_takes():
    """`sync` and `read` take eight kinds, `poke` any number; an unknown kind is named first."""
    rig = Rig(10).begin(USUAL)
    rig.wait(60)
    all_kinds = 2**10 - 1
    for mask in (
        0b1111_1111,
        all_kinds - 1,
        all_kinds,
        1 << 10,
        0b101 << 9,
        1 << 32,
        1 << 255,
        MAX,
    ):
        rig.refresh("sync", mask)
        rig.refresh("poke", mask)
        rig.wait(60)
    rig.refresh("sync_one", MAX)
    assert rig.seen["too many kinds"] == 3
    assert rig.seen["unknown kind"] == 10
    assert rig.seen["sync"] == 1
    assert rig.seen["poke"] == 3


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


# gas: whoever sends little of it gets a refusal or the whole truth

BOOKED = 5_000_000  # enough for anything here


class Starving:
    """Kinds over oracles of every temper, due for a refresh, and calls with less and less gas."""

    def __init__(self) -> None:
        self.rig = rig = Rig(0).begin(USUAL)
        feed = rig.deploy("MockAggregator", 8, PRICE // 10**10)
        other = rig.deploy("MockAggregator", 8, PRICE // 10**10)
        dead = rig.deploy("MockOracle", PRICE)
        chainlink = [rig.deploy("ChainlinkOracle", source.address) for source in (feed, other)]
        median = rig.deploy(
            "MedianOracle", *(one.address for one in (*chainlink, dead)), DAY, 500, 90_000
        )
        tempers = ("good", "long", "burns", "reverts", "heavy")
        oracles = {temper: rig.deploy("MockOracle", PRICE) for temper in tempers}
        code = deploy_code(rig.node, GAS_TELLER)
        self.names = ("teller", "median", *oracles)
        self.addresses = (code, median.address, *(oracle.address for oracle in oracles.values()))
        limits = (1, 2**88 - 1, 1_666_667, 333_333, 2_000, 15_000_000)
        for address in self.addresses:
            token = rig.deploy("MockToken", "T", "T", 18).address
            assert rig.send("list_kind", token, address, DAY, *limits).reason is None
        slots = slots_of("PriceHub")
        self.slots = [
            (rig.hub.address, slots[name] + kind)
            for kind in range(len(self.names))
            for name in ("_words", "_configs", "_bounds", "_volatility")
        ]
        rig.tell(oracles["reverts"], "set_mode", 2)
        rig.tell(oracles["long"], "set_mode", 5)
        rig.tell(oracles["burns"], "set_mode", 3)
        rig.tell(dead, "set_mode", 3)  # one source of the median spends all that it gets
        rig.tell(oracles["heavy"], "set_work", 1_000)
        rig.node.run(GOVERNOR, oracles["heavy"].address, dead.encode("price"), rig.now)
        each = (rig.node.evm.result.gas_used - 21_000) / 1_000
        rig.tell(oracles["heavy"], "set_work", int(295_000 / each))
        rig.wait(60)

    def outcome(self, fn: str, argument: int, gas: int) -> tuple[Any, ...] | None:
        """Return all that a call with so much gas does, None where it reverts; nothing stays."""
        evm, rig = self.rig.node.evm, self.rig
        before = evm.snapshot()
        try:
            output = evm.message_call(
                STRANGER, rig.hub.address, calldata=rig.hub.encode(fn, argument), gas=gas
            )
            logs = [(log.address, tuple(log.topics), bytes(log.data[1])) for log in evm.result.logs]
            return bytes(output), logs, rig.node.words(self.slots)
        except RuntimeError:
            return None
        finally:
            evm.revert(before)
            evm.reset_transient_storage()

    def check(self, fn: str, argument: int, fine: int) -> None:
        """Call with gas from nothing to plenty: refused, or exactly what all the gas does.

        `fine`: how far around the least gas that suffices every single amount is tried.
        """
        whole = self.outcome(fn, argument, BOOKED)
        assert whole is not None
        low, high = 21_000, BOOKED
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.outcome(fn, argument, middle) else (middle, high)
        amounts = {
            *range(25_000, high + 60_000, (high - 20_000) // 97),
            *range(high - fine, high + fine),
        }
        amounts |= {high + 2**power for power in range(21)}
        found = [self.outcome(fn, argument, gas) for gas in sorted(amounts)]
        assert all(one is None or one == whole for one in found)
        assert found[0] is None
        assert found.count(None) < len(found) - fine


@pytest.fixture(scope="module")
def starving():
    return Starving()


@pytest.mark.parametrize("uptime", ["none", "up", "burns"])
def test_gas_starvation_never_flips_a_flag(starving, uptime):
    """A flag, a price or a log that a caller could change by sending less gas would show here.

    The teller's price is the gas that it was given: a unit less would be another price. The heavy
    oracle needs nearly all of it. The median has a source that spends all of its own.
    """
    rig = starving.rig
    if uptime == "none":
        rig.misread(None)
    elif uptime == "up":
        rig.restart(0, DAY)
    else:
        rig.misread(UNREADABLE_FEEDS.index(GAS_BURNER))
    everybody = 2 ** len(starving.names) - 1
    _, _, words = starving.outcome("poke", everybody, BOOKED)
    prices = dict(zip(starving.names, map(Price.unpack, words[::4]), strict=True))
    assert 299_900 < prices["teller"].hi < 300_000
    failed = {name for name, price in prices.items() if price.has_failed}
    assert failed == {"long", "burns", "reverts"}
    confirming = {name for name, price in prices.items() if price.is_confirming}
    assert confirming == (prices.keys() - failed if uptime == "burns" else set())
    for kind, name in enumerate(starving.names):
        starving.check("sync", 1 << kind, 400 if name == "teller" else 30)
    starving.check("sync_one", 0, 100)
    starving.check("read_one", 0, 100)
    starving.check("sync_one", starving.names.index("heavy"), 60)
    for fn in ("sync", "poke", "read"):
        starving.check(fn, everybody, 15)
