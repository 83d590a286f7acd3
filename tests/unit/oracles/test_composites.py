# SPDX-License-Identifier: MIT
"""Minimum, product and median beside their definitions in Python, and what they refuse."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety import paths
from surety.chain import Contract
from surety.compile import artifact
from tests.unit.oracles.rig import BURNS, FAULTS, USUAL, WAD, Bench, Report
from tests.world import reverts

MAX_AGE, SPREAD = 3_600, 200
BPS = 10_000
WORD = 2**256
DEAD = ("dead", "zero", "future", "old")


class Said(NamedTuple):
    """What one source does: `how` is "fine" or one of DEAD."""

    how: str
    price: int
    age: int


class Trio:
    """Three mock oracles, and one composite of each sort over the first of them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.parts = [bench.deploy("MockOracle", USUAL) for _ in range(3)]
        a, b, c = (part.address for part in self.parts)
        self.minimum = bench.deploy("MinimumOracle", a, b, 140_000)
        self.product = bench.deploy("ProductOracle", a, b, 140_000)
        self.median = bench.deploy("MedianOracle", a, b, c, MAX_AGE, SPREAD, 90_000)

    def say(self, *said: Said) -> None:
        """Let the sources do these things; all of them are of the last block's time."""
        # as many transactions as will be sent, so that ages are exact when they are read
        now = self.bench.now + 2 * len(said)
        for part, (how, price, age) in zip(self.parts, said, strict=False):
            made_at = {"future": now + 1, "old": now - MAX_AGE - 1}.get(how, now - age)
            price = 0 if how == "zero" else price
            self.bench.send(part, "set_report", price, made_at)
            self.bench.send(part, "set_mode", 1 if how == "dead" else 0)
        assert self.bench.now == now


@pytest.fixture(scope="module")
def trio(new_rpc):
    return Trio(Bench(new_rpc()))


prices = st.one_of(
    st.integers(1, 2**88),
    st.sampled_from([1, 2, WAD - 1, WAD, 2**128, 2**242, WORD // BPS, WORD // BPS + 1, WORD - 1]),
    st.integers(USUAL - USUAL // 40, USUAL + USUAL // 40),
)
ages = st.one_of(st.integers(0, MAX_AGE), st.sampled_from([0, MAX_AGE]))
anything = st.builds(Said, st.sampled_from(("fine",) * 8 + DEAD), prices, ages)
near = st.builds(Said, st.just("fine"), st.integers(USUAL, USUAL + USUAL // 50), ages)


# by the definitions


def alive(said, now, max_age=None):
    """The (price, time) of those sources that count."""
    return [
        Report(one.price, now - MAX_AGE - 1 if one.how == "old" else now - one.age)
        for one in said
        if one.how == "fine" or (one.how == "old" and max_age is None)
    ]


def minimum_of(said, now):
    found = alive(said, now)
    if len(found) < 2:
        return Report(0, 0)
    return Report(min(one.price for one in found), min(one.updated_at for one in found))


def product_of(said, now):
    found = alive(said, now)
    if len(found) < 2 or found[0].price * found[1].price >= WORD:
        return Report(0, 0)
    made_at = min(one.updated_at for one in found)
    return Report(found[0].price * found[1].price // WAD, made_at)


def median_of(said, now):
    found = alive(said, now, MAX_AGE)
    if not found:
        return Report(0, 0)
    made_at = min(one.updated_at for one in found)
    ordered = sorted(one.price for one in found)
    if len(found) == 3:
        return Report(ordered[1], made_at)
    # two are compared in whole basis points of a word: larger prices agree on nothing
    agree = ordered[-1] * (BPS - SPREAD) <= ordered[0] * BPS and ordered[-1] * BPS < WORD
    if len(found) == 2 and agree:
        return Report(ordered[0], made_at)
    return Report(0, 0)


@settings(max_examples=300)
@given(st.tuples(anything, anything, anything))
def test_price__is_what_the_definitions_say(trio, said):
    trio.say(*said)
    now, read = trio.bench.now, trio.bench.read
    assert read(trio.minimum) == minimum_of(said[:2], now)
    assert read(trio.product) == product_of(said[:2], now)
    assert read(trio.median) == median_of(said, now)


def test_definitions__are_met_with_prices_and_without(trio):
    """Neither outcome is rare in what the test above draws."""
    fine = Said("fine", USUAL, 5)
    for first in ("fine", *DEAD):
        for second in ("fine", *DEAD):
            said = (Said(first, USUAL, 5), Said(second, USUAL + 1, 7), fine)
            trio.say(*said)
            now, read = trio.bench.now, trio.bench.read
            assert read(trio.median) == median_of(said, now)
            assert read(trio.minimum) == minimum_of(said[:2], now)
            assert (read(trio.median).price != 0) == ("fine" in (first, second))
            assert (read(trio.minimum).price != 0) == ({first, second} <= {"fine", "old"})


# who decides


@settings(max_examples=150)
@given(near, near, anything, st.integers(0, 2))
def test_median__lets_no_liar_decide(trio, one, other, liar, place):
    """Between two honest prices whatever the third says, and no older than its own max_age."""
    said = [one, other]
    said.insert(place, liar)
    trio.say(*said)
    found = trio.bench.read(trio.median)
    honest = sorted((one.price, other.price))
    assert honest[0] <= found.price <= honest[1]
    assert found.updated_at >= trio.bench.now - MAX_AGE
    assert found.updated_at <= trio.bench.now - max(one.age, other.age)


@settings(max_examples=150)
@given(near, anything, st.sampled_from(DEAD), st.permutations(range(3)))
def test_median__lets_no_liar_raise_the_price_over_a_dead_source(trio, honest, liar, how, order):
    """Two are left and one lies: the price is no higher than the honest one, nor far below."""
    said = [honest, liar, Said(how, USUAL, 0)]
    trio.say(*(said[i] for i in order))
    found = trio.bench.read(trio.median)
    assert found.price <= honest.price
    assert found.price == 0 or found.price * BPS >= honest.price * (BPS - SPREAD)
    assert found.price == 0 or found.updated_at <= trio.bench.now - honest.age


def test_median__follows_a_crash_in_which_honest_sources_are_apart(trio):
    """August 2024: sources that follow at different speeds are far apart for minutes."""
    trio.say(Said("fine", 78 * WAD, 0), Said("fine", 90 * WAD, 60), Said("fine", 97 * WAD, 0))
    assert trio.bench.read(trio.median) == Report(90 * WAD, trio.bench.now - 60)


def test_median__looks_no_fresher_than_the_sources_on_its_two_sides(trio):
    for ages in ((0, 10, 3_000), (3_000, 0, 10), (10, 3_000, 0)):
        trio.say(*(Said("fine", USUAL + i, age) for i, age in enumerate(ages)))
        assert trio.bench.read(trio.median) == Report(USUAL + 1, trio.bench.now - 3_000)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("age", "lives"), [(MAX_AGE - 1, True), (MAX_AGE, True), (-1, False)])
def test_median__takes_a_source_for_dead_one_second_after_max_age(trio, place, age, lives):
    said = [Said("fine", USUAL, 0), Said("fine", USUAL * 2, 0)]
    said.insert(place, Said("fine", USUAL + 5, MAX_AGE + 1 if age < 0 else age))
    trio.say(*said)
    # two that disagree are left when it is dead
    expected = Report(USUAL + 5, trio.bench.now - age) if lives else Report(0, 0)
    assert trio.bench.read(trio.median) == expected


@pytest.mark.parametrize("dead", [0, 1, 2])
@pytest.mark.parametrize(
    ("higher", "agrees"),
    [(10_000, True), (9_999, True), (10_001, False), (2**250, False), (WORD - 1, False)],
)
def test_median__asks_two_to_agree_within_the_spread(trio, dead, higher, agrees):
    """2 % of the higher: 9,800 and 10,000 agree to the last unit, 9,800 and 10,001 do not."""
    for pair in ((9_800, higher), (higher, 9_800)):
        said = [Said("fine", price, 1) for price in pair]
        said.insert(dead, Said("dead", USUAL, 0))
        trio.say(*said)
        expected = Report(9_800, trio.bench.now - 1) if agrees else Report(0, 0)
        assert trio.bench.read(trio.median) == expected


def test_median__needs_two(trio):
    for place in range(3):
        said = [Said("dead", USUAL, 0)] * 3
        said[place] = Said("fine", USUAL, 0)
        trio.say(*said)
        assert trio.bench.read(trio.median) == Report(0, 0)


def test_median__takes_equal_prices(trio):
    for said in ((5, 5, 5), (5, 5, 9), (9, 5, 5), (5, 9, 5), (1, 5, 5), (5, 5, 1)):
        trio.say(*(Said("fine", price, 0) for price in said))
        assert trio.bench.read(trio.median).price == 5


@pytest.mark.covers("O23")
@pytest.mark.parametrize(
    ("a", "b", "price"),
    [
        (1, WAD, 1),
        (1, WAD - 1, 0),
        (WAD + 1, WAD - 1, WAD - 1),
        (2**128, 2**128 - 1, (2**256 - 2**128) // WAD),
        (2**128, 2**128, 0),
        (WORD - 1, 1, (WORD - 1) // WAD),
        (WORD - 1, 2, 0),
        (WORD - 1, WORD - 1, 0),
    ],
)
def test_product__is_rounded_down_and_never_wraps(trio, a, b, price):
    for pair in ((a, b), (b, a)):
        trio.say(*(Said("fine", each, 3) for each in pair))
        assert trio.bench.read(trio.product).price == price


def test_product__prices_a_staking_token(trio):
    """1.08 ETH at 2,000."""
    trio.say(Said("fine", 1_080_000_000_000_000_000, 86_400), Said("fine", USUAL, 12))
    assert trio.bench.read(trio.product) == Report(2_160 * WAD, trio.bench.now - 86_400)


# construction


@pytest.fixture
def parts(bench):
    return [bench.deploy("MockOracle", USUAL).address for _ in range(3)]


def build(bench, name, parts, gas=40_000, **other):
    if name != "MedianOracle":
        return bench.deploy(name, *parts[:2], gas)
    settings = {"max_age": MAX_AGE, "spread": SPREAD} | other
    return bench.deploy(name, *parts, *settings.values(), gas)


NAMES = ("MinimumOracle", "ProductOracle", "MedianOracle")
every_name = pytest.mark.parametrize("name", NAMES)


@every_name
def test_deploy__remembers_what_it_is_made_of(bench, parts, name):
    made = build(bench, name, parts)
    assert [made.read("first"), made.read("second")] == parts[:2]
    assert made.read("source_gas") == 40_000
    if name == "MedianOracle":
        assert made.read("third") == parts[2]
        assert (made.read("max_age"), made.read("max_spread_bps")) == (MAX_AGE, SPREAD)


@every_name
def test_deploy_reverts_when_two_sources_are_one(bench, parts, name):
    count = 3 if name == "MedianOracle" else 2
    for i in range(count):
        for j in range(i):
            twice = list(parts)
            twice[i] = twice[j]
            with reverts("same source"):
                build(bench, name, twice)


@every_name
def test_deploy_reverts_when_a_source_has_no_code(bench, parts, name):
    for i in range(3 if name == "MedianOracle" else 2):
        other = list(parts)
        other[i] = bench.stranger
        with reverts("source has no code"):
            build(bench, name, other)


@every_name
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "has no code"])
def test_deploy_reverts_when_a_source_has_no_price(bench, parts, name, fault):
    for i in range(3 if name == "MedianOracle" else 2):
        with bench.broken(FAULTS[fault], parts[i]), reverts("source has no price"):
            build(bench, name, parts)
    assert build(bench, name, parts)


@every_name
def test_deploy_reverts_when_a_source_is_the_feed_itself(bench, parts, name):
    feed = bench.deploy("MockAggregator", 8, 2_000 * 10**8)
    with reverts("source has no price"):
        build(bench, name, [parts[0], feed.address, parts[2]])
    adapter = bench.deploy("ChainlinkOracle", feed.address)
    assert build(bench, name, [parts[0], adapter.address, parts[2]])


@pytest.mark.parametrize(
    ("name", "most"),
    [("MinimumOracle", 142_917), ("ProductOracle", 142_917), ("MedianOracle", 93_945)],
)
def test_deploy_reverts_when_the_sources_gas_is_none_or_too_much(bench, parts, name, most):
    for gas in (10_000, most):
        made = build(bench, name, parts, gas)
        assert bench.read(made).price > 0
        # and with what the hub gives it can still say so itself when all of that is burnt
        with bench.broken(BURNS, *parts):
            assert bench.read(made) == Report(0, 0)
    for gas in (0, 9_999, most + 1, 298_501, 2**255, WORD - 1):
        with reverts("bad source gas"):
            build(bench, name, parts, gas)


@pytest.mark.parametrize("max_age", [0, 2**24, WORD - 1])
def test_deploy_reverts_when_a_medians_age_is_absurd(bench, parts, max_age):
    with reverts("bad max age"):
        build(bench, "MedianOracle", parts, max_age=max_age)
    for fine in (1_000, 2**24 - 1):
        assert build(bench, "MedianOracle", parts, max_age=fine)


@pytest.mark.parametrize("spread", [0, 2_001, WORD - 1])
def test_deploy_reverts_when_a_medians_spread_is_absurd(bench, parts, spread):
    with reverts("bad spread"):
        build(bench, "MedianOracle", parts, spread=spread)
    for fine in (1, 2_000):
        assert build(bench, "MedianOracle", parts, spread=fine)


def test_deploy_reverts_when_a_medians_source_is_stale(bench, parts):
    bench.forward(MAX_AGE)
    fresh = [bench.deploy("MockOracle", USUAL).address for _ in range(2)]
    for i in range(3):
        three = [*fresh[:i], parts[0], *fresh[i:]]
        with reverts("source is stale"):
            build(bench, "MedianOracle", three)


# nesting: gas within gas


class Nest:
    """An outer composite over an inner one and mock oracles; the inner one's sources too."""

    def __init__(self, bench, outer, inner, outer_gas, inner_gas):
        self.bench = bench
        self.inner_parts = self._parts(inner)
        self.inner = build(bench, inner, self.inner_parts, inner_gas)
        self.outer_parts = self._parts(outer)[1:]
        unit = [self.inner.address, *self.outer_parts]
        self.outer = build(bench, outer, unit, outer_gas)

    def _parts(self, name):
        count = 3 if name == "MedianOracle" else 2
        first = WAD if name == "ProductOracle" else USUAL
        prices = [first, USUAL, USUAL][:count]
        return [self.bench.deploy("MockOracle", price).address for price in prices]


FITS = [
    (outer, inner, 90_000 if outer == "MedianOracle" else 140_000, 40_000)
    for outer in NAMES
    for inner in NAMES
    if (outer, inner) != ("MedianOracle", "MedianOracle")
]


@pytest.mark.parametrize(("outer", "inner", "outer_gas", "inner_gas"), FITS)
def test_nesting__works_with_every_source_spending_all_of_its_gas(
    real_bench, outer, inner, outer_gas, inner_gas
):
    """What fits is a matter of the gas given and never of what sources do with it."""
    nest = Nest(real_bench, outer, inner, outer_gas, inner_gas)
    good = real_bench.read(nest.outer)
    assert good is not None
    assert good.price > 0
    if inner == "MedianOracle":
        for part in nest.inner_parts:
            with real_bench.broken(BURNS, part):
                assert real_bench.read(nest.outer).price == good.price
    if outer == "MedianOracle":
        for part in nest.outer_parts:
            with real_bench.broken(BURNS, part):
                assert real_bench.read(nest.outer).price > 0
        for part in nest.inner_parts:
            with real_bench.broken(BURNS, part):
                assert real_bench.read(nest.outer).price == USUAL
    # all at once: no price, and the composite itself lives to say so
    with real_bench.broken(BURNS, *nest.inner_parts, *nest.outer_parts):
        assert real_bench.read(nest.outer) == Report(0, 0)


MOST = {
    (140_000, "MinimumOracle"): 64_777,
    (140_000, "ProductOracle"): 64_777,
    (140_000, "MedianOracle"): 41_851,
    (90_000, "MinimumOracle"): 40_168,
    (90_000, "ProductOracle"): 40_168,
    (90_000, "MedianOracle"): 25_445,
}


@pytest.mark.parametrize("outer", NAMES)
@pytest.mark.parametrize("inner", NAMES)
def test_nesting__is_refused_at_construction_when_it_does_not_fit(bench, outer, inner):
    """With the very figures of the docs, and one unit of gas more."""
    outer_gas = 90_000 if outer == "MedianOracle" else 140_000
    most = MOST[outer_gas, inner]
    assert f"| {most:,} |" in (paths.root() / "docs" / "oracles.md").read_text()
    assert bench.read(Nest(bench, outer, inner, outer_gas, most).outer).price > 0
    with reverts("source has no price"):
        Nest(bench, outer, inner, outer_gas, most + 1)


@pytest.mark.parametrize(("outer", "inner", "outer_gas", "inner_gas"), FITS)
@pytest.mark.parametrize("broken", [False, True])
def test_nesting__answers_the_same_or_reverts_with_any_gas(
    bench, outer, inner, outer_gas, inner_gas, broken
):
    nest = Nest(bench, outer, inner, outer_gas, inner_gas)
    if inner == "MedianOracle":  # the price would change if a source could be starved
        for i, part in enumerate(nest.inner_parts):
            oracle = Contract(bench.rpc, part, artifact("MockOracle").abi)
            bench.send(oracle, "set_price", USUAL + i * WAD)
            bench.send(oracle, "set_work", 220)
    hostile = [nest.inner_parts[0]] if broken else []
    with bench.broken(BURNS, *hostile):
        expected = bench.read(nest.outer)
        assert expected is not None
        answered = [bench.read(nest.outer, gas) for gas in range(1, 320_000, 499)]
    assert set(answered) == {None, expected}
