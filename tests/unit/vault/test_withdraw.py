# SPDX-License-Identifier: MIT
"""Withdraw: the owner's collateral comes out, with debt only at the initial level."""

import pytest

from surety.formulas import margin_math
from tests.unit.vault.test_deposit import MONEY, cause
from tests.world import MAX, WAD, check_books, reverts

ZERO = "0x" + "00" * 20


@pytest.mark.parametrize("amount", [1, "all", MAX])
@pytest.mark.parametrize(("kind", "decimals"), MONEY)
def test_withdraw(wide, kind, decimals, amount):
    held = 7 * 10**decimals + 3
    account = wide.open([(kind, held)], 0, sub=1)
    out = 1 if amount == 1 else held
    at = wide.now + 10
    wide.next_at(at)

    receipt = wide.vault.transact(
        "withdraw",
        account,
        kind,
        held if amount == "all" else amount,
        wide.stranger,
        sender=wide.owner,
    )

    token = wide.tokens[kind]
    assert token.read("balanceOf", wide.stranger) == out
    assert token.read("balanceOf", wide.vault.address) == held - out
    assert wide.vault.read("balances", account, kind) == held - out
    assert wide.total(kind) == held - out
    word = 1 << 104 + kind | at << 176 if out < held else 0  # an empty account keeps no times
    assert wide.vault.read("accounts", account) == word
    assert [e.name for e in wide.events(receipt)] == ["AccountUpdated"]
    assert wide.event(receipt, "AccountUpdated") == {
        "account": account,
        "kind": kind,
        "balance": held - out,
        "word": word,
    }
    check_books(wide, [account])


def test_withdraw_stops_exactly_at_the_initial_level(world):
    account = world.open([(0, 10 * WAD)], 6_000 * WAD)
    at = world.now + 3_600 * 24
    world.next_at(at)
    world.set_price(0, 2_000 * WAD)
    at += 5
    written = world.vault.read("interest")
    index = margin_math.index_up(written % 2**128, written >> 168, at - (written >> 128) % 2**40)
    debt = margin_math.debt_up(world.account(account).normalized_debt, index)
    assert debt > 6_000 * WAD

    def capacity(balance):
        return margin_math.initial_capacity(
            margin_math.value_down(balance, 2_000 * WAD, 18), 7_500, 10_000, 0
        )

    keep = debt * 10_000 // 7_500 // 2_000
    while capacity(keep) < debt:
        keep += 1
    assert capacity(keep) >= debt > capacity(keep - 1)
    with world.snapshot():
        world.next_at(at)
        with reverts("below initial margin"):
            world.vault.transact(
                "withdraw", account, 0, 10 * WAD - keep + 1, world.owner, sender=world.owner
            )
    world.next_at(at)
    world.vault.transact("withdraw", account, 0, 10 * WAD - keep, world.owner, sender=world.owner)
    assert world.vault.read("balances", account, 0) == keep
    assert world.debt(account) == debt


def test_withdraw_of_all_collateral_reverts_when_debt_is_left(world):
    account = world.open([(0, 10 * WAD)], 2_000 * WAD)
    with reverts("below initial margin"):
        world.vault.transact("withdraw", account, 0, MAX, world.owner, sender=world.owner)


def test_a_frozen_kind_counts_nothing(world):
    account = world.open([(0, 10 * WAD), (2, 10_000 * 10**6)], 2_000 * WAD)
    world.vault.transact("set_frozen", 0, True, sender=world.governor)
    # the stable alone carries the debt: even the frozen kind may leave whole
    world.vault.transact("withdraw", account, 0, MAX, world.owner, sender=world.owner)
    with reverts("below initial margin"):
        world.vault.transact("withdraw", account, 2, 8_000 * 10**6, world.owner, sender=world.owner)


def test_a_failed_kind_counts_nothing_but_does_not_block_the_others(world):
    account = world.open([(0, 10 * WAD), (2, 10_000 * 10**6)], 2_000 * WAD)
    world.forward(61)
    world.feeds[0].transact("set_reverts", True, sender=world.governor)
    world.vault.transact("withdraw", account, 2, 10**6, world.owner, sender=world.owner)
    with reverts("below initial margin"):
        world.vault.transact("withdraw", account, 2, 8_000 * 10**6, world.owner, sender=world.owner)


@pytest.mark.parametrize("trouble", ["paused", "feeds dead", "hub gone"])
def test_withdrawing_without_debt_works_whatever_fails(world, trouble):
    account = world.open([(0, 10 * WAD), (1, 10**8)], 5_000 * WAD)
    world.give_coins(world.owner, 100 * WAD)
    cause(world, trouble)
    world.vault.transact("repay", account, MAX, sender=world.owner)
    for kind in (0, 1):
        world.vault.transact("withdraw", account, kind, MAX, world.owner, sender=world.owner)
    assert world.tokens[0].read("balanceOf", world.owner) == 10 * WAD
    assert world.tokens[1].read("balanceOf", world.owner) == 10**8
    assert world.account(account).collateral_mask == 0


def test_withdraw_reverts_when_paused_and_debt_is_left(world):
    account = world.open([(0, 10 * WAD)], 2_000 * WAD)
    world.vault.transact("set_pauses", 2, sender=world.governor)
    with reverts("withdrawing paused"):
        world.vault.transact("withdraw", account, 0, 1, world.owner, sender=world.owner)
    world.vault.transact("set_pauses", 13, sender=world.governor)
    world.vault.transact("withdraw", account, 0, 1, world.owner, sender=world.owner)
    assert world.vault.read("balances", account, 0) == 10 * WAD - 1


def test_withdraw_that_passes_the_initial_check_clears_the_clock(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    with reverts("below initial margin"):
        world.vault.transact("withdraw", account, 0, 1, world.owner, sender=world.owner)
    world.follow(2_100 * WAD)
    assert world.account(account).auction_start > 0
    world.vault.transact("withdraw", account, 0, 1, world.owner, sender=world.owner)
    assert world.account(account).auction_start == 0


@pytest.mark.parametrize("amount", [10 * WAD + 1, 2**255 - 1, 2**255, MAX - 1])
def test_withdraw_reverts_when_above_the_balance(world, amount):
    account = world.open([(0, 10 * WAD)], 0)
    with reverts("above balance"):
        world.vault.transact("withdraw", account, 0, amount, world.owner, sender=world.owner)


def test_withdraw_reverts_when_the_amount_is_zero(world):
    account = world.open([(0, 10 * WAD)], 0)
    with reverts("zero amount"):
        world.vault.transact("withdraw", account, 0, 0, world.owner, sender=world.owner)
    with reverts("zero amount"):  # all of nothing
        world.vault.transact("withdraw", account, 1, MAX, world.owner, sender=world.owner)


def test_withdraw_reverts_when_the_kind_is_unknown(world):
    with reverts("unknown kind"):
        world.vault.transact(
            "withdraw", world.id(world.owner), 3, 1, world.owner, sender=world.owner
        )


def test_withdraw_reverts_when_the_receiver_is_zero_or_the_vault(world):
    account = world.open([(0, 10 * WAD)], 0)
    for receiver in (ZERO, world.vault.address):
        with reverts("bad receiver"):
            world.vault.transact("withdraw", account, 0, 1, receiver, sender=world.owner)


def test_only_owner_and_operator_withdraw(world):
    account = world.open([(0, 10 * WAD)], 0, sub=2)
    with reverts("not authorised"):
        world.vault.transact("withdraw", account, 0, 1, world.stranger, sender=world.stranger)
    with reverts("not authorised"):
        world.vault.transact("withdraw", account, 0, 1, world.governor, sender=world.governor)
    world.set_operator(world.operator, 1 << 2, sender=world.owner)
    world.vault.transact("withdraw", account, 0, 4, world.operator, sender=world.operator)
    assert world.tokens[0].read("balanceOf", world.operator) == 4
