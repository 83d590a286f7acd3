# SPDX-License-Identifier: MIT
"""`max_borrow` and `max_withdraw` are tight: that much passes, one more is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math as m
from tests.unit.lens.foresight import ask, foresee
from tests.world import INT_MIN, MAX, WAD, World

UNIT = (WAD, 10**8, 10**6)
PRICE = (2_000, 40_000, 1)


@given(
    st.integers(0, 2**120),
    st.integers(0, 2**104 - 1),
    st.integers(10**27, 2**128 - 1),
)
def test_the_formulas_are_tight(debt, normalized, index):
    """They undo what rounds up: one more would be too much."""
    most = m.normalized_down(debt, index)
    assert m.debt_up(most, index) <= debt < m.debt_up(most + 1, index)
    loan = m.borrowable_down(normalized, index)
    assert m.borrowed_up(loan, index) <= normalized < m.borrowed_up(loan + 1, index)


def check_borrow(world: World, account: int) -> int:
    most = ask(world, world.now + 1, "max_borrow", account)
    if most:
        with world.snapshot():
            assert foresee(world, account, [], most).reason == ""
    with world.snapshot():
        assert foresee(world, account, [], most + 1).reason != ""
    return most


def check_withdraw(world: World, account: int, kind: int) -> int:
    most = ask(world, world.now + 1, "max_withdraw", account, kind)
    if most:
        with world.snapshot():
            assert foresee(world, account, [(kind, -most)], 0).reason == ""
    with world.snapshot():
        assert foresee(world, account, [(kind, -(most + 1))], 0).reason != ""
    return most


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 60_000), min_size=3, max_size=3),
    st.integers(0, 9),
    st.integers(0, 99),
    st.integers(0, 10**7),
)
def test_tight(base_world, worths, dust, share, wait):
    world = base_world
    with world.snapshot():
        legs = [
            (kind, worth * UNIT[kind] // PRICE[kind] + dust)
            for kind, worth in enumerate(worths)
            if worth
        ]
        if not legs:
            return
        account = world.open(legs, 0)
        debt = world.levels(account)[2] * share // 100
        if debt >= world.book.debt_floor:
            world.vault.transact("borrow", account, debt, world.owner, sender=world.owner)
        world.forward(wait + 1)
        for kind in range(3):
            world.set_price(kind, PRICE[kind] * WAD)
        check_borrow(world, account)
        for kind in range(3):
            check_withdraw(world, account, kind)


def test_nothing_without_collateral(world):
    account = world.id(world.owner, 77)
    assert check_borrow(world, account) == 0
    assert check_withdraw(world, account, 0) == 0
    for kind in (3, 32, 256, MAX):
        assert world.lens.read("max_withdraw", world.vault.address, account, kind) == 0
    for fn, args in (("max_borrow", ()), ("max_withdraw", (0,))):
        assert world.lens.read(fn, world.vault.address, 1 << 168, *args) == 0


def test_all_of_it_without_a_debt(world):
    account = world.open([(0, 10 * WAD + 1)], 0)
    world.vault.transact("set_pauses", 2, sender=world.governor)
    assert check_withdraw(world, account, 0) == 10 * WAD + 1


def test_all_of_one_kind_when_another_carries_the_debt(world):
    account = world.open([(0, WAD), (2, 100_000 * 10**6)], 50_000 * WAD)
    assert check_withdraw(world, account, 0) == WAD
    assert 0 < check_withdraw(world, account, 2) < 100_000 * 10**6


def test_the_ceiling_bounds_a_loan(world):
    account = world.open([(0, 100 * WAD)], 5_000 * WAD)
    minted = world.coin.read("minted", world.vault.address)
    world.coin.transact("set_ceiling", world.vault.address, minted + 77, sender=world.governor)
    assert check_borrow(world, account) == 77
    world.coin.transact("set_ceiling", world.vault.address, 0, sender=world.governor)
    assert check_borrow(world, account) == 0


def test_the_floor_is_the_least(world):
    """Collateral that carries less than the debt floor carries nothing."""
    account = world.open([(2, 2_000 * 10**6)], 0)
    assert world.levels(account)[2] < world.book.debt_floor
    assert check_borrow(world, account) == 0


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_pauses(world, bits):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.vault.transact("set_pauses", bits, sender=world.governor)
    assert (check_borrow(world, account) == 0) is bool(bits & 1)
    assert (check_withdraw(world, account, 0) == 0) is bool(bits & 2)


def test_a_frozen_kind_and_a_dead_feed_free_nothing(world):
    account = world.open([(0, 10 * WAD), (2, 10_000 * 10**6)], 5_000 * WAD)
    world.vault.transact("set_frozen", 0, True, sender=world.governor)
    assert check_withdraw(world, account, 0) == 10 * WAD
    with world.snapshot():
        world.feeds[2].transact("set_reverts", True, sender=world.governor)
        world.forward(61)
        assert check_borrow(world, account) == 0
        assert check_withdraw(world, account, 0) == 0
    foresee(world, account, [(0, INT_MIN)], 0)
    assert check_borrow(world, account) > 3_000 * WAD
