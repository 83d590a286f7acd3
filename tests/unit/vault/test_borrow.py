# SPDX-License-Identifier: MIT
"""Borrow: coins against the initial level, rounded for the protocol."""

import pytest

from surety.formulas import margin_math
from tests.world import MAX, RAY, WAD, check_books, reverts

ZERO = "0x" + "00" * 20
FLOOR = 2_000 * WAD


def live_index(world, at):
    """Return the live index at a time, from the stored word."""
    word = world.vault.read("interest")
    return margin_math.index_up(word % 2**128, (word >> 168) % 2**80, at - (word >> 128) % 2**40)


def test_borrow(world):
    account = world.open([(0, 10 * WAD)], 0)
    at = world.now + 1_000_000
    index = live_index(world, at)
    assert index > RAY
    world.next_at(at - 1)
    world.set_price(0, 2_000 * WAD)
    amount = 3_000 * WAD + 1
    world.next_at(at)

    receipt = world.vault.transact("borrow", account, amount, world.stranger, sender=world.owner)

    normalized = margin_math.borrowed_up(amount, index)
    debt = margin_math.debt_up(normalized, index)
    assert amount <= debt <= amount + 1
    assert world.debt(account) == debt
    assert world.coin.read("balanceOf", world.stranger) == amount
    assert world.coin.read("balanceOf", world.owner) == 0
    assert world.coin.read("minted", world.vault.address) == amount
    word = normalized | 1 << 104 | at << 176
    assert world.vault.read("accounts", account) == word
    assert world.vault.read("totals") % 2**112 == normalized
    assert world.vault.read("interest") % 2**128 == index  # more than an hour old: written
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("Accrued", {"index": index}),
        ("AccountUpdated", {"account": account, "kind": 255, "balance": 0, "word": word}),
    ]
    check_books(world, [account])


def test_one_wei_above_the_floor_owes_at_least_one_more(world):
    account = world.open([(0, 10 * WAD)], FLOOR)
    for _ in range(5):
        before = world.account(account).normalized_debt
        at = world.now + 60 * 86_400
        index = live_index(world, at)
        assert index > RAY
        world.next_at(at - 1)
        world.set_price(0, 2_000 * WAD)
        world.next_at(at)
        world.vault.transact("borrow", account, 1, world.owner, sender=world.owner)
        after = world.account(account).normalized_debt
        assert after == before + 1  # ceil(RAY / index)
        assert margin_math.debt_up(after, index) >= margin_math.debt_up(before, index) + 1
        assert world.debt(account) == margin_math.debt_up(after, index)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_borrow_stops_exactly_at_the_initial_level(world, kind):
    amount = (10 * 10**18, 10**7, 9_999_999_999)[kind]
    account = world.open([(kind, amount)], 0)
    levels = world.params.kinds[kind].levels
    worth = margin_math.value_down(amount, world.price(kind), (18, 8, 6)[kind])
    capacity = margin_math.initial_capacity(worth, levels.initial_ltv, 10_000, 0)
    index = live_index(world, world.now + 1)
    most = capacity
    while margin_math.debt_up(margin_math.borrowed_up(most, index), index) > capacity:
        most -= 1
    at = world.now + 1
    with world.snapshot():
        world.next_at(at)
        with reverts("below initial margin"):
            world.vault.transact("borrow", account, most + 1, world.owner, sender=world.owner)
    world.next_at(at)
    world.vault.transact("borrow", account, most, world.owner, sender=world.owner)
    assert world.debt(account) <= capacity


def test_borrow_counts_every_kind(world):
    legs = [(0, WAD), (1, 10**7), (2, 1_000 * 10**6)]
    account = world.open(legs, 0)
    capacity = sum(
        margin_math.initial_capacity(worth * WAD, ltv, 10_000, 0)
        for worth, ltv in ((2_000, 7_500), (4_000, 7_500), (1_000, 8_800))
    )
    assert capacity == 5_380 * WAD
    with reverts("below initial margin"):
        world.vault.transact("borrow", account, capacity + 1, world.owner, sender=world.owner)
    world.vault.transact("borrow", account, capacity - 2, world.owner, sender=world.owner)
    assert world.levels(account)[2] == capacity


def test_borrow_reverts_when_below_the_floor(world):
    account = world.open([(0, 10 * WAD)], 0)
    with reverts("below debt floor"):
        world.vault.transact("borrow", account, FLOOR - 2, world.owner, sender=world.owner)
    world.vault.transact("borrow", account, FLOOR, world.owner, sender=world.owner)
    assert world.debt(account) >= FLOOR


def test_borrow_reverts_when_above_the_ceiling(world):
    account = world.open([(0, 10 * WAD)], 0)
    world.coin.transact("set_ceiling", world.vault.address, FLOOR, sender=world.governor)
    with reverts("above ceiling"):
        world.vault.transact("borrow", account, FLOOR + 1, world.owner, sender=world.owner)
    assert world.vault.read("accounts", account) % 2**104 == 0
    world.vault.transact("borrow", account, FLOOR, world.owner, sender=world.owner)
    assert world.coin.read("totalSupply") == FLOOR


def test_borrow_reverts_when_paused(world):
    account = world.open([(0, 10 * WAD)], 0)
    world.vault.transact("set_pauses", 1, sender=world.governor)
    with reverts("borrowing paused"):
        world.vault.transact("borrow", account, FLOOR, world.owner, sender=world.owner)
    world.vault.transact("set_pauses", 14, sender=world.governor)
    world.vault.transact("borrow", account, FLOOR, world.owner, sender=world.owner)
    assert world.coin.read("balanceOf", world.owner) == FLOOR


def test_borrow_reverts_when_the_price_has_failed_or_the_kind_is_frozen(world):
    account = world.open([(0, 10 * WAD)], 0)
    world.vault.transact("set_frozen", 0, True, sender=world.governor)
    with reverts("below initial margin"):
        world.vault.transact("borrow", account, FLOOR, world.owner, sender=world.owner)
    world.vault.transact("set_frozen", 0, False, sender=world.governor)
    world.forward(61)
    world.feeds[0].transact("set_reverts", True, sender=world.governor)
    with reverts("below initial margin"):
        world.vault.transact("borrow", account, FLOOR, world.owner, sender=world.owner)


def test_borrow_reverts_without_collateral(world):
    with reverts("below initial margin"):
        world.vault.transact(
            "borrow", world.id(world.owner), FLOOR, world.owner, sender=world.owner
        )


def test_borrow_reverts_when_the_amount_is_zero(world):
    with reverts("nothing to change"):
        world.vault.transact("borrow", world.id(world.owner), 0, world.owner, sender=world.owner)


@pytest.mark.parametrize("amount", [2**105, 2**112, 2**128, 2**255, MAX])
def test_borrow_reverts_when_the_debt_does_not_fit(world, amount):
    account = world.open([(0, 10 * WAD)], 0)
    with reverts("debt too large"):
        world.vault.transact("borrow", account, amount, world.owner, sender=world.owner)


def test_borrow_reverts_when_the_receiver_is_zero_or_the_vault(world):
    account = world.open([(0, 10 * WAD)], 0)
    for receiver in (ZERO, world.vault.address):
        with reverts("bad receiver"):
            world.vault.transact("borrow", account, FLOOR, receiver, sender=world.owner)


def test_only_owner_and_operator_borrow(world):
    account = world.open([(0, 10 * WAD)], 0)
    with reverts("not authorised"):
        world.vault.transact("borrow", account, FLOOR, world.stranger, sender=world.stranger)
    world.set_operator(world.operator, 1, sender=world.owner)
    world.vault.transact("borrow", account, FLOOR, world.operator, sender=world.operator)
    assert world.coin.read("balanceOf", world.operator) == FLOOR
