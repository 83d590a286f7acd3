# SPDX-License-Identifier: MIT
"""Auction prices, sizes and the first profitable second, against hand-computed cases."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from surety.keeper.auctions import factor_at, first_profitable, penalty_at, price_at, size_take
from surety.keeper.risk import exact
from tests.keeper.cases import NOW, PARAMS, WAD, account, config, price, view, word


def test_factor_and_price_fall_in_a_line_and_never_under_the_end() -> None:
    term = account(view(), 1, {0: WAD}).terms[0]
    assert [factor_at(term, NOW, 7_200, NOW + s) for s in (0, 3_600, 7_200)] == [
        10_100,
        9_450,
        8_800,
    ]
    assert price_at(term, NOW, 7_200, NOW) == 1_010 * WAD
    assert price_at(term, NOW, 7_200, NOW + 7_200) == 880 * WAD


def test_penalty_is_waived_towards_insolvency() -> None:
    at = view()
    assert penalty_at(account(at, 801 * WAD, {0: WAD}, clock=NOW), at, NOW) == 500
    # 1,010 of sale value over 1,000 of debt leaves 1 %
    assert penalty_at(account(at, 1_000 * WAD, {0: WAD}, clock=NOW), at, NOW) == 100
    assert penalty_at(account(at, 1_100 * WAD, {0: WAD}, clock=NOW), at, NOW) == 0


def test_dead_kind_is_not_sold_and_counts_nothing_towards_the_penalty() -> None:
    at = view(
        prices={0: price(1_000), 1: price(1_000, lo=0, flags=1)},
        configs={0: config(), 1: config(1)},
    )
    subject = account(at, 1_650 * WAD, {0: WAD, 1: WAD}, clock=NOW)
    assert size_take(subject, subject.terms[1], at, 10**30) is None
    assert penalty_at(subject, at, NOW) == 0


def test_take_stops_at_the_target() -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    size = size_take(subject, subject.terms[0], at, 10**30)
    assert size is not None
    # (8100 - 7500) * 1.05 / (1.01 - 0.75 * 1.05) worth of collateral at 1,000
    worth = -(-600 * WAD * 10_000 * 10_500 // (10_100 * 10_000 - 7_500 * 10_500))
    assert size.amount == -(-worth // 1_000)
    rest = exact(1, word(8_100 * WAD - size.repaid), {0: 10 * WAD - size.amount}, at)
    assert rest.debt <= rest.target
    assert rest.target - rest.debt < WAD // 10
    assert size.cost == margin_math.mul_div_up(size.amount, size.price, WAD)


def test_purse_limits_a_take() -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    size = size_take(subject, subject.terms[0], at, 505 * WAD)
    assert size is not None
    assert size.amount == WAD // 2
    assert size.cost == 505 * WAD
    assert size_take(subject, subject.terms[0], at, 0) is None


def test_purse_that_would_leave_dust_buys_up_to_the_floor_or_nothing() -> None:
    at = view()
    deep = account(at, 2_100 * WAD, {0: 2 * WAD}, clock=NOW)
    size = size_take(deep, deep.terms[0], at, 1_000 * WAD)
    assert size is not None
    assert 2_100 * WAD - size.repaid >= PARAMS.debt_floor
    at_floor = account(at, 2_000 * WAD, {0: 2 * WAD}, clock=NOW)
    assert size_take(at_floor, at_floor.terms[0], at, 1_000 * WAD) is None


def test_nothing_is_for_sale_outside_the_auction() -> None:
    at = view()
    for clock in (0, NOW + 1, NOW - 7_201):
        subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=clock)
        assert size_take(subject, subject.terms[0], at, 10**30) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    debt=st.integers(8_001, 9_900),
    purse=st.integers(1, 12_000 * WAD),
    elapsed=st.integers(0, 7_200),
)
def test_no_size_costs_more_than_the_purse_or_leaves_dust(debt, purse, elapsed) -> None:
    at = view()
    subject = account(at, debt * WAD, {0: 10 * WAD}, clock=NOW - elapsed)
    size = size_take(subject, subject.terms[0], at, purse)
    if size is None:
        return
    left = subject.debt - size.repaid
    assert size.cost <= purse
    assert left == 0 or left >= PARAMS.debt_floor or size.amount == 10 * WAD


def test_first_profitable_second_is_where_the_discount_pays() -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    term = subject.terms[0]

    def net(size):
        return size.amount * 980 - size.cost  # the market pays 980 a token

    second = first_profitable(subject, term, at, 10**30, net)
    assert second is not None
    sized = size_take(subject, term, at, 10**30, second)
    before = size_take(subject, term, at, 10**30, second - 1)
    assert sized is not None
    assert before is not None
    assert net(sized) > 0 >= net(before)
    # the factor has fallen by 301 of 1,300 bps, rounded down, in the 1,668th second of two hours
    assert second == NOW + 1_668


def test_no_second_is_profitable_without_a_price_or_below_the_end() -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    term = subject.terms[0]
    assert first_profitable(subject, term, at, 10**30, lambda size: None) is None
    assert first_profitable(subject, term, at, 10**30, lambda size: -1) is None
    late = replace(at, now=NOW + 7_201)
    assert first_profitable(subject, term, late, 10**30, lambda size: 1) is None
