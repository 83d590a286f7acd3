# SPDX-License-Identifier: MIT
"""The screen never misses what the integers find, and the integers say what a hand computes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.keeper.index import AccountTable, AccountUpdate
from surety.keeper.risk import State, Unpriced, exact, screen
from surety.keeper.words import KindConfig, Price
from tests.keeper.cases import NOW, RAY, WAD, account, config, price, view, word


def test_levels_of_one_whole_token_at_a_thousand() -> None:
    found = account(view(), 700 * WAD, {0: WAD})
    assert (found.debt, found.value) == (700 * WAD, 1_000 * WAD)
    assert (found.initial, found.target) == (750 * WAD, 750 * WAD)
    assert (found.maintenance, found.close_out) == (800 * WAD, 850 * WAD)
    assert found.state is State.HEALTHY
    assert found.weighted_value == 1_000 * WAD * 8_800
    assert found.expected_loss == 0
    assert account(view(), 900 * WAD, {0: WAD}).expected_loss == 20 * WAD


def test_levels_add_up_over_kinds_of_other_decimals() -> None:
    at = view(prices={0: price(1_000), 1: price(40_000)}, configs={0: config(), 1: config(1, 8)})
    found = account(at, 1, {0: 2 * WAD, 1: 10**7})
    assert found.value == 2_000 * WAD + 4_000 * WAD
    assert found.maintenance == 4_800 * WAD
    assert [term.value_hi for term in found.terms] == [2_000 * WAD, 4_000 * WAD]


def test_volatility_shrinks_maintenance_down_to_the_target_only() -> None:
    mild = view(prices={0: price(1_000, maintenance_multiplier=11_000)})
    wild = view(prices={0: price(1_000, maintenance_multiplier=65_000)})
    assert account(mild, 1, {0: WAD}).maintenance == 780 * WAD
    assert account(wild, 1, {0: WAD}).maintenance == 750 * WAD


def test_failed_price_and_frozen_kind_support_no_new_risk() -> None:
    assert account(view(prices={0: price(1_000, lo=0, flags=1)}), 1, {0: WAD}).initial == 0
    assert account(view(frozen_mask=1), 1, {0: WAD}).initial == 0


@pytest.mark.parametrize(
    ("debt", "clock", "state"),
    [
        (750, 0, State.HEALTHY),
        (751, NOW + 5, State.AT_RISK),
        (801, 0, State.CALLABLE),
        (801, NOW + 1, State.CALLED),
        (801, NOW, State.IN_AUCTION),
        (801, NOW - 7_200, State.IN_AUCTION),
        (801, NOW - 7_201, State.CALLABLE),
        (851, NOW - 7_201, State.ABSORBABLE),
        (851, NOW - 14_400, State.ABSORBABLE),
        (851, NOW - 14_401, State.CALLABLE),
    ],
)
def test_state_follows_debt_and_clock(debt: int, clock: int, state: State) -> None:
    assert account(view(), debt * WAD, {0: WAD}, clock=clock).state is state


def test_empty_account_is_empty() -> None:
    assert account(view(), 0, {}).state is State.EMPTY


def test_paused_takes_hold_the_clock() -> None:
    found = account(view(take_resumes_at=NOW + 50), 801 * WAD, {0: WAD}, clock=NOW - 10)
    assert (found.opens, found.state) == (NOW + 50, State.CALLED)


def test_immediate_needs_close_out_a_confirmed_price_and_an_untouched_account() -> None:
    assert account(view(), 851 * WAD, {0: WAD}).immediate(NOW)
    assert not account(view(), 850 * WAD, {0: WAD}).immediate(NOW)
    assert not account(view(), 851 * WAD, {0: WAD}, touched=NOW).immediate(NOW)
    confirming = view(prices={0: price(1_000, flags=2)})
    assert not account(confirming, 851 * WAD, {0: WAD}).immediate(NOW)


def test_kind_without_a_price_is_unpriced_and_screened_in() -> None:
    at = view(configs={0: config(), 1: config(1)})
    with pytest.raises(Unpriced, match="kind 1"):
        account(at, 1, {1: WAD})
    table = AccountTable()
    table.apply(AccountUpdate(3, 1, WAD, word(10**18, 2)))
    assert screen(table, at).tolist() == [0]


def test_screen_leaves_out_what_is_certainly_safe() -> None:
    table = AccountTable()
    table.apply(AccountUpdate(1, 0, WAD, word(799 * WAD)))
    table.apply(AccountUpdate(2, 0, WAD, word(0)))
    table.apply(AccountUpdate(3, 0, WAD, word(801 * WAD)))
    assert screen(table, view()).tolist() == [2]


@st.composite
def kind_worlds(draw) -> tuple[dict[int, KindConfig], dict[int, Price]]:
    configs, prices = {}, {}
    for kind in draw(st.sets(st.integers(0, 31), min_size=1, max_size=8)):
        initial = draw(st.integers(0, 9_000))
        maintenance = draw(st.integers(initial + 1, 9_400))
        configs[kind] = config(
            kind,
            draw(st.integers(6, 18)),
            initial_ltv=initial,
            maintenance_ltv=maintenance,
            close_out_ltv=draw(st.integers(maintenance + 1, 9_500)),
        )
        hi = draw(st.integers(1, 2**88 - 1) | st.integers(1, 10**24))
        prices[kind] = price(
            0, lo=hi, hi=hi, maintenance_multiplier=draw(st.integers(10_000, 12_500))
        )
    return configs, prices


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data(), kind_worlds(), st.integers(RAY, 50 * RAY), st.integers(-3, 3))
def test_screen_never_misses_what_exact_finds(data, kinds, index, step) -> None:
    """Debts are put within a few wei of the maintenance level, where floats are blind."""
    configs, prices = kinds
    at = view(prices, configs, index=index)
    balances = {kind: data.draw(st.integers(1, 2**100) | st.integers(1, 10**9)) for kind in configs}
    level = account(at, 0, balances).maintenance
    debt = max(1, min(2**104 - 1, level * RAY // index + step))
    mask = sum(1 << kind for kind in balances)
    found = exact(9, word(debt, mask), balances, at)
    table = AccountTable()
    for kind, balance in balances.items():
        table.apply(AccountUpdate(9, kind, balance, word(debt, mask)))
    if found.debt > found.maintenance:
        assert screen(table, at).tolist() == [0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(kind_worlds(), st.integers(2, 6))
def test_screen_passes_nobody_far_above_maintenance(kinds, factor) -> None:
    configs, prices = kinds
    at = view(prices, configs)
    balances = dict.fromkeys(configs, 10**24)
    level = account(at, 0, balances).maintenance
    debt = level // factor
    if not 10**6 < debt < 2**104:
        return
    table = AccountTable()
    mask = sum(1 << kind for kind in balances)
    for kind, balance in balances.items():
        table.apply(AccountUpdate(9, kind, balance, word(debt, mask)))
    assert screen(table, at).size == 0
