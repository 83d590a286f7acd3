# SPDX-License-Identifier: MIT
"""What the model answers: exact against the formulas, and safe at every edge."""

from __future__ import annotations

from dataclasses import astuple, replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from tests.unit.conftest import BPS, WAD
from tests.unit.tiered_margin.conftest import BRACKETS, NOBODY, SCALE, Exposure, M, exposure

FIVE = [0, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def shared(new_model):
    """A model that every example of a property test sets anew."""
    return new_model()


# exact


def test_surcharges__of_the_documentation(eth):
    leg = exposure(0, 5 * M, deposited=100_000 * WAD)
    leg = replace(leg, initial=leg.target)  # calm prices: both are 75 %
    assert [leg.target, leg.maintenance, leg.close_out] == [3_750_000 * WAD, 4 * M, 4_250_000 * WAD]
    answer = eth.check([leg], sold_kind=0)
    off = [1_230_000, 600_000, 640_000, 680_000]
    assert answer == (*(coins * WAD for coins in off), 3_000)


@pytest.mark.parametrize("count", range(1, 9))
def test_surcharges__add_up_over_kinds(shared, count):
    kinds = [31 - 3 * at for at in range(count)][::-1]
    singles = []
    for at, kind in enumerate(kinds):
        bounds = [(at + step) * 10**5 * WAD for step in (1, 5, 30)][: at % 4]
        shared.set_brackets(kind, bounds, [250, 1_500, 4_000, BPS][: at % 4 + 1])
        shared.set_scale(kind, at, 10**24 + at, 1 + 1_400 * at)
    legs = [
        exposure(kind, 777_777 * WAD * (at + 1) ** 2 + at, 10**23 * at, 9_000)
        for at, kind in enumerate(kinds)
    ]
    for leg in legs:
        singles.append(shared.check([leg], sold_kind=leg.kind))
        assert shared.check(legs, sold_kind=leg.kind)[4] == singles[-1][4]
    whole = shared.check(legs)
    assert list(whole) == [sum(column) for column in list(zip(*singles, strict=True))[:4]] + [0]
    assert min(whole[:4]) > 0


@st.composite
def tiers(draw):
    bounds = draw(st.lists(st.integers(1, 2**40 - 1), max_size=3, unique=True).map(sorted))
    count = len(bounds) + 1
    rates = draw(st.lists(st.integers(0, BPS), min_size=count, max_size=count).map(sorted))
    rates[-1] = max(1, rates[-1])
    return [bound * WAD for bound in bounds], rates


@st.composite
def scales(draw):
    lo = draw(st.integers(0, 2**120 - 2))
    return lo, draw(st.integers(lo + 1, 2**120 - 1)), draw(st.integers(1, BPS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_surcharges__with_any_parameters(shared, data):
    kinds = data.draw(st.lists(st.integers(0, 31), min_size=1, max_size=8, unique=True).map(sorted))
    legs = []
    for kind in kinds:
        bounds, rates = data.draw(tiers())
        scale = data.draw(scales())
        shared.set_brackets(kind, bounds, rates)
        shared.set_scale(kind, *scale)
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        value = data.draw(st.integers(0, 2**196) | st.sampled_from([0, 1, *near]))
        deposited = data.draw(st.integers(0, 2**128 - 1) | st.integers(scale[0], scale[1]))
        levels = sorted(data.draw(st.lists(st.integers(0, value), min_size=4, max_size=4)))
        legs.append(Exposure(kind, deposited, value, *levels))
    sold_kind = data.draw(st.sampled_from([*kinds, NOBODY]))
    answer = shared.check(legs, sold_kind)
    most = [sum(getattr(leg, name) for leg in legs) for name in Exposure.__slots__[3:]]
    assert all(off <= capacity for off, capacity in zip(answer, most, strict=False))


# nothing to say


def test_surcharges_are_zero__without_exposures(eth, rpc):
    for sold_kind in (0, 1, NOBODY, 2**256 - 1):
        data = eth.contract.surcharges.encode_input(0, [], sold_kind)
        call = {"to": eth.contract.address, "data": "0x" + bytes(data).hex()}
        answer = bytes.fromhex(rpc.call("eth_call", call, "latest").removeprefix("0x"))
        assert answer == bytes(5 * 32)  # neither short nor long


def test_surcharges_are_zero__without_parameters(model):
    legs = [exposure(kind, 100 * M, deposited=2**128 - 1) for kind in range(8)]
    for sold_kind in (0, 7, NOBODY):
        assert list(model.check(legs, sold_kind)) == FIVE


def test_surcharges_are_zero__after_clearing(eth):
    leg = exposure(0, 5 * M, deposited=100_000 * WAD)
    assert min(eth.check([leg], sold_kind=0)) > 0
    eth.set_brackets(0, [], [])
    eth.set_scale(0, 0, 0, 0)
    assert list(eth.ask([leg], sold_kind=0)) == FIVE


def test_surcharges_are_zero__for_a_balance_worth_nothing(eth):
    eth.set_brackets(0, BRACKETS.bounds, [5, 1_000, 3_000, 6_000])
    leg = exposure(0, 0, deposited=2**128 - 1)
    assert list(eth.check([leg], sold_kind=0)) == [0, 0, 0, 0, 5]


def test_surcharges__do_not_depend_on_the_account(eth, alice, bob):
    leg = exposure(0, 5 * M, deposited=100_000 * WAD)
    owners = [int(owner.address, 16) << 8 | 3 for owner in (alice, bob)]
    answers = {eth.ask([leg], 0, account) for account in (*owners, 0, 2**256 - 1)}
    assert len(answers) == 1


def test_surcharges_revert_when_the_kind_cannot_be(eth, reverts_with):
    leg = exposure(32, 5 * M)
    reverts_with(None, eth.contract.surcharges, 0, [astuple(leg)], NOBODY)


# bounds


@pytest.mark.parametrize(("at", "bound"), enumerate(BRACKETS.bounds, start=1))
def test_sold_bps__is_the_steeper_bracket_at_a_bound(eth, at, bound):
    found = [eth.check([exposure(0, bound + step)], sold_kind=0)[4] for step in (-1, 0, 1)]
    assert found == [BRACKETS.rates[at - 1], BRACKETS.rates[at], BRACKETS.rates[at]]


@pytest.mark.parametrize("bound", BRACKETS.bounds)
def test_surcharges__are_continuous_at_a_bound(eth, bound):
    words = [eth.check([exposure(0, bound + step)]) for step in (-1, 0, 1)]
    for before, after in pairwise(words):
        assert all(abs(now - was) <= 1 for was, now in zip(before, after, strict=True))


def test_sold_bps__is_that_of_the_sold_kind_only(eth):
    eth.set_brackets(1, [], [700])
    legs = [exposure(0, 5 * M), exposure(1, 5 * M), exposure(2, 5 * M)]
    found = [eth.check(legs, sold_kind)[4] for sold_kind in (0, 1, 2, 3, NOBODY)]
    assert found == [3_000, 700, 0, 0, 0]
    assert eth.check(legs[1:], sold_kind=0)[4] == 0


def test_a_sale_sized_by_sold_bps_never_passes_the_target(eth):
    for value, part in ((5 * M, 3), (10 * M, 2), (11 * M, 1), (3 * M, 5), (3 * M + 1, 2)):
        leg, rest = exposure(0, value), exposure(0, value - value // part)
        before, after = eth.check([leg], sold_kind=0), eth.check([rest])
        lost = (leg.target - before[1]) - (rest.target - after[1])
        assert lost >= (value // part) * 7_500 * (BPS - before[4]) // BPS**2 - 2


# widths


def test_surcharges__at_the_packed_widths(model):
    bound = (2**40 - 1) * WAD
    value = (2**128 - 1) * (2**88 - 1) // 10**6
    for kind in range(8):
        model.set_brackets(kind, [bound - 2 * WAD, bound - WAD, bound], [0, 1, 9_998, BPS])
        model.set_scale(kind, 2**120 - 2, 2**120 - 1, BPS)
    leg = Exposure(0, 2**128 - 1, value, value, value, value, value)
    answer = model.check([replace(leg, kind=kind) for kind in range(8)], sold_kind=7)
    assert answer[0] == 8 * value
    assert 0 < 8 * value - answer[3] < 8 * bound
    assert answer[4] == BPS


# more collateral


@pytest.mark.parametrize("step", [1, 10**12, 333_333 * WAD])
def test_capacity__never_falls_when_a_balance_grows(eth, step):
    best = [0, 0, 0, 0]
    starts = (0, *BRACKETS.bounds, 40 * M)
    for value in sorted(max(0, start + turn * step) for start in starts for turn in range(-3, 4)):
        leg = exposure(0, value, deposited=120_000 * WAD)
        linear = (leg.initial, leg.target, leg.maintenance, leg.close_out)
        left = [capacity - off for capacity, off in zip(linear, eth.check([leg]), strict=False)]
        # initial, target, maintenance, close-out: the rounding of docs/margin-models.md
        for most, now, slack in zip(best, left, (5, 1, 3, 1), strict=True):
            assert now >= most - slack
        best = [max(pair) for pair in zip(best, left, strict=True)]
    assert min(best) > 0


@settings(max_examples=60, deadline=None)
@given(
    value=st.integers(0, 30 * 10**6 * WAD),
    added=st.integers(0, 30 * 10**6 * WAD) | st.integers(0, 3),
    lo_share=st.integers(0, BPS),
    deposited=st.integers(0, 200_000 * WAD),
)
def test_capacity__never_falls_when_any_balance_grows(shared, value, added, lo_share, deposited):
    if shared.params.brackets.get(0) != BRACKETS:
        shared.set_brackets(0, *BRACKETS)
        shared.set_scale(0, *SCALE)
    left = []
    for worth in (value, value + added):
        leg = exposure(0, worth, deposited, lo_share)
        linear = (leg.initial, leg.target, leg.maintenance, leg.close_out)
        off = shared.check([leg])
        left.append([capacity - word for capacity, word in zip(linear, off, strict=False)])
    for was, now, slack in zip(*left, (7, 1, 3, 1), strict=True):
        assert now >= was - slack


# splitting an account


def split(value: int, parts: int) -> list[int]:
    """Cut a value into parts that are not all alike."""
    part = value // (parts + 1)
    return [*(part for _ in range(parts - 1)), value - part * (parts - 1)]


@pytest.mark.parametrize("deposited", [50_001, 75_000, 100_000, 149_999, 150_000, 10**6])
@pytest.mark.parametrize("parts", [2, 3, 50])
def test_splitting_an_account_never_evades_the_scale(model, deposited, parts):
    model.set_scale(0, 50_000 * WAD, 150_000 * WAD, 4_000)
    whole = exposure(0, 20 * M + 7, deposited * WAD)
    pieces = [exposure(0, value, deposited * WAD) for value in split(whole.value, parts)]
    assert sum(piece.value for piece in pieces) == whole.value
    assert model.check([whole])[0] > 0
    # each piece rounds its capacity down and its surcharge up, so it keeps no larger part of it
    share = margin_math.scale_share_up(deposited * WAD, 50_000 * WAD, 150_000 * WAD, 4_000)
    for leg in (whole, *pieces):
        assert model.check([leg])[0] * WAD >= leg.initial * share
    kept = sum(piece.initial - model.check([piece])[0] for piece in pieces)
    assert kept <= whole.initial - model.check([whole])[0] + 5  # linear and scale: rounding only


@pytest.mark.parametrize("parts", [2, 3, 50])
def test_splitting_an_account__lowers_its_brackets_and_not_the_scale(eth, parts):
    share = margin_math.scale_share_up(120_000 * WAD, 50_000 * WAD, 150_000 * WAD, 4_000)
    whole = exposure(0, 20 * M, 120_000 * WAD)
    pieces = [exposure(0, value, 120_000 * WAD) for value in split(whole.value, parts)]
    off = [eth.check([piece]) for piece in pieces]
    assert sum(words[1] for words in off) < eth.check([whole])[1]
    for piece, words in zip(pieces, off, strict=True):
        assert (piece.initial - words[0]) * WAD <= piece.initial * (WAD - share)


# deposits of the book


def test_deposits__move_the_initial_level_only(eth):
    answers = [
        eth.check([exposure(0, 5 * M, deposited * WAD)])
        for deposited in (0, 49_999, 50_000, 50_001, 100_000, 150_000, 10**9)
    ]
    initial = [answer[0] for answer in answers]
    assert initial == sorted(initial)
    assert initial[0] == initial[2] < initial[3] < initial[4] < initial[5] == initial[6]
    assert {answer[1:] for answer in answers} == {answers[0][1:]}


@pytest.mark.parametrize("bps", [4_000, 9_000])
def test_an_own_deposit_lowers_the_initial_capacity_only_under_a_steep_scale(model, bps):
    lo, hi = SCALE.lo, SCALE.hi
    model.set_scale(0, lo, hi, bps)
    left = []
    for tokens in range(40_000, 160_000, 2_000):  # one account is the whole book, at 2,000 a token
        leg = exposure(0, 2_000 * tokens * WAD, tokens * WAD)
        left.append(leg.initial - model.check([leg])[0])
    gentle = bps * (2 * hi - lo) <= BPS * (hi - lo)  # as docs/margin-models.md says
    assert (left == sorted(left)) == gentle
    assert gentle == (bps == 4_000)
