# SPDX-License-Identifier: MIT
"""Repay: open to anyone, never blocked, cut to the floor, exact to the last wei."""

import pytest

from surety.formulas import margin_math
from tests.unit.vault.test_borrow import live_index
from tests.unit.vault.test_deposit import cause
from tests.world import MAX, WAD, check_books, reverts

FLOOR = 2_000 * WAD
DEBT = 5_000 * WAD


@pytest.fixture
def account(world):
    """Ten eth, 5,000 coins of debt, opened long enough ago for an index above one."""
    made = world.open([(0, 10 * WAD)], DEBT)
    world.forward(100 * 86_400)
    world.set_price(0, 2_000 * WAD)  # give_coins opens another account
    world.give_coins(world.stranger, DEBT)
    return made


def repay(world, account, amount, at):
    """Repay as a stranger at a time and return (receipt, index, coins burned)."""
    index = live_index(world, at)
    before = world.coin.read("balanceOf", world.stranger)
    world.next_at(at)
    receipt = world.vault.transact("repay", account, amount, sender=world.stranger)
    return receipt, index, before - world.coin.read("balanceOf", world.stranger)


def test_repay_a_part(world, account):
    before = world.account(account)
    supply, total = world.coin.read("totalSupply"), world.vault.read("totals") % 2**112
    amount = 1_234 * WAD + 5
    receipt, index, burned = repay(world, account, amount, world.now + 7_200)
    normalized = before.normalized_debt - margin_math.repaid_down(amount, index)
    assert burned == amount
    assert world.coin.read("totalSupply") == supply - amount
    assert world.vault.read("totals") % 2**112 == total - margin_math.repaid_down(amount, index)
    word = normalized | 1 << 104 | before.touched_at << 176
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("Accrued", {"index": index}),
        ("AccountUpdated", {"account": account, "kind": 255, "balance": 0, "word": word}),
    ]
    assert world.vault.read("accounts", account) == word
    assert world.debt(account) == margin_math.debt_up(normalized, index)
    assert world.tokens[0].read("balanceOf", world.vault.address) == world.total(0)
    check_books(world, [account, world.id(world.other, 255)])


@pytest.mark.parametrize("amount", ["debt", "debt + 1", 2**255 - 1, 2**255, MAX])
def test_repay_all_leaves_exactly_nothing(world, account, amount):
    at = world.now + 7_200
    debt = margin_math.debt_up(world.account(account).normalized_debt, live_index(world, at))
    assert debt > DEBT
    world.coin.transact("transfer", world.stranger, 100 * WAD, sender=world.owner)
    asked = {"debt": debt, "debt + 1": debt + 1}.get(amount, amount)
    _, _, burned = repay(world, account, asked, at)
    assert burned == debt
    assert world.debt(account) == 0
    assert world.account(account).normalized_debt == 0
    check_books(world, [account, world.id(world.other, 255)])


def test_repay_returns_what_it_burned(world, account):
    debt = world.debt(account)
    asked = world.vault.read("repay", account, 1_000 * WAD, sender=world.stranger)
    cut = world.vault.read("repay", account, debt - 1, sender=world.stranger)
    assert asked == 1_000 * WAD
    assert cut == debt - FLOOR


@pytest.mark.parametrize("left", [1, FLOOR // 2, FLOOR - 1])
def test_a_repayment_is_cut_to_leave_the_floor(world, account, left):
    at = world.now + 7_200
    debt = margin_math.debt_up(world.account(account).normalized_debt, live_index(world, at))
    _, _, burned = repay(world, account, debt - left, at)
    assert burned == debt - FLOOR
    assert FLOOR <= world.debt(account) <= FLOOR + 1


def test_a_repayment_never_reverts_at_the_floor(world):
    account = world.open([(0, 10 * WAD)], FLOOR)
    world.vault.transact("set_rate", 0, sender=world.governor)
    debt = world.debt(account)
    world.vault.transact("repay", account, 1, sender=world.owner)
    world.vault.transact("repay", account, debt - 1, sender=world.owner)
    assert FLOOR <= world.debt(account) <= debt


def test_repaying_one_wei_rounds_for_the_protocol(world, account):
    """Above index one a wei buys no normalized debt, and none is given away."""
    before, supply = world.account(account).normalized_debt, world.coin.read("totalSupply")
    _, _, burned = repay(world, account, 1, world.now + 10)
    assert burned == 1
    assert world.coin.read("totalSupply") == supply - 1
    assert world.account(account).normalized_debt == before


def test_repaying_nothing_owed_burns_nothing(world):
    account = world.open([(0, 10 * WAD)], 0)
    receipt = world.vault.transact("repay", account, MAX, sender=world.stranger)
    assert world.event(receipt, "AccountUpdated")["word"] == world.vault.read("accounts", account)
    assert world.debt(account) == 0


def test_repay_reverts_when_the_amount_is_zero(world, account):
    with reverts("nothing to change"):
        world.vault.transact("repay", account, 0, sender=world.stranger)


def test_repay_reverts_when_the_payer_has_too_few_coins(world, account):
    with reverts("amount exceeds balance"):
        world.vault.transact("repay", account, MAX, sender=world.keeper)


def test_only_the_callers_coins_are_burned(world, account):
    held = world.coin.read("balanceOf", world.owner)
    world.vault.transact("repay", account, 10 * WAD, sender=world.stranger)
    assert world.coin.read("balanceOf", world.owner) == held
    assert world.coin.read("balanceOf", world.stranger) == DEBT - 10 * WAD


@pytest.mark.parametrize("trouble", ["paused", "feeds dead", "hub gone"])
def test_repaying_works_whatever_fails(world, account, trouble):
    cause(world, trouble)
    world.vault.transact("repay", account, 1_000 * WAD, sender=world.stranger)
    world.coin.transact("transfer", world.stranger, 1_000 * WAD, sender=world.owner)
    world.vault.transact("repay", account, MAX, sender=world.stranger)
    assert world.debt(account) == 0


def test_repaying_works_with_the_ceiling_at_zero(world, account):
    world.coin.transact("set_ceiling", world.vault.address, 0, sender=world.governor)
    before = world.debt(account)
    world.vault.transact("repay", account, 1_000 * WAD, sender=world.stranger)
    assert world.debt(account) < before


def test_repaying_all_clears_the_clock_and_a_part_does_not(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.give_coins(world.stranger, 15_000 * WAD)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    world.vault.transact("repay", account, 5_000 * WAD, sender=world.stranger)
    assert world.account(account).auction_start > 0
    world.vault.transact("repay", account, MAX, sender=world.stranger)
    assert world.account(account).auction_start == 0
    assert world.account(account).touched_at < world.now - 60  # nobody raised risk
