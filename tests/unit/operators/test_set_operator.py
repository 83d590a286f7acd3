# SPDX-License-Identifier: MIT
"""Operators act for the sub-accounts whose bit is set, until revoked, one by one or all at once."""

import pytest

from tests.unit.insurance_fund.test_equity import second_book
from tests.world import MAX, WAD, reverts


def may_act(world, sub, who):
    """Tell whether `who` may withdraw one wei of the owner's sub-account."""
    account = world.id(world.owner, sub)
    if world.vault.read("balances", account, 0) == 0:
        world.give(world.owner, 0, 1_000)
        world.vault.transact("deposit", account, 0, 1_000, sender=world.owner)
    before = world.vault.read("balances", account, 0)
    with world.snapshot():
        bits = world.operators.read("operator", world.vault.address, world.owner, epoch(world), who)
        authorised = world.operators.read(
            "is_authorised", world.vault.address, world.owner, sub, who
        )
        assert authorised == bool(bits >> sub & 1)
        if authorised:
            world.vault.transact("withdraw", account, 0, 1, who, sender=who)
            return world.vault.read("balances", account, 0) == before - 1
        with reverts("not authorised"):
            world.vault.transact("withdraw", account, 0, 1, who, sender=who)
    return False


def bits_of(world, owner):
    """Return the operator's bits in the vault, as they were in the owner's first epoch."""
    return world.operators.read("operator", world.vault.address, owner, 0, world.operator)


def epoch(world):
    return world.operators.read("epoch", world.owner)


@pytest.mark.parametrize(
    ("bits", "allowed"),
    [(1, {0}), (1 << 255, {255}), (0b10 | 1 << 128, {1, 128}), (MAX, {0, 1, 128, 255}), (0, set())],
)
def test_set_operator(world, bits, allowed):
    receipt = world.set_operator(world.operator, bits, sender=world.owner)
    told = {
        "vault": world.vault.address,
        "owner": world.owner,
        "operator": world.operator,
        "bits": bits,
    }
    assert [(e.name, e.args) for e in world.operators.events(receipt)] == [("OperatorSet", told)]
    assert bits_of(world, world.owner) == bits
    assert {sub for sub in (0, 1, 128, 255) if may_act(world, sub, world.operator)} == allowed
    assert not may_act(world, 0, world.stranger)


def test_an_operator_may_enable_borrow_and_withdraw_but_not_pass_it_on(world):
    account = world.open([(0, 10 * WAD)], 0)
    world.set_operator(world.operator, 1, sender=world.owner)
    world.give(world.operator, 1, 5)
    world.vault.transact("deposit", account, 1, 5, sender=world.operator)
    world.vault.transact("borrow", account, 3_000 * WAD, world.operator, sender=world.operator)
    world.vault.transact("withdraw", account, 0, WAD, world.operator, sender=world.operator)
    assert world.tokens[0].read("balanceOf", world.operator) == WAD
    world.set_operator(world.stranger, MAX, sender=world.operator)
    assert not may_act(world, 0, world.stranger)


def test_an_operator_of_one_owner_is_nothing_to_another(world):
    world.set_operator(world.operator, MAX, sender=world.other)
    assert not may_act(world, 0, world.operator)


def test_revoking_one_leaves_the_others(world):
    for who in (world.operator, world.keeper):
        world.set_operator(who, MAX, sender=world.owner)
    world.set_operator(world.operator, 0, sender=world.owner)
    assert not may_act(world, 0, world.operator)
    assert may_act(world, 0, world.keeper)


def test_lockdown(world):
    for who in (world.operator, world.keeper):
        world.set_operator(who, MAX, sender=world.owner)
    world.set_operator(world.operator, MAX, sender=world.other)
    receipt = world.operators.transact("lockdown", sender=world.owner)
    assert [(e.name, e.args) for e in world.operators.events(receipt)] == [
        ("LockedDown", {"owner": world.owner, "epoch": 1})
    ]
    assert epoch(world) == 1
    assert not may_act(world, 0, world.operator)
    assert not may_act(world, 0, world.keeper)

    # nobody else's operators are touched, and new ones can be named
    assert world.operators.read("epoch", world.other) == 0
    assert bits_of(world, world.other) == MAX
    world.set_operator(world.keeper, 1, sender=world.owner)
    assert may_act(world, 0, world.keeper)
    assert not may_act(world, 0, world.operator)


def test_the_owner_acts_after_a_lockdown(world):
    account = world.open([(0, WAD)], 0)
    world.operators.transact("lockdown", sender=world.owner)
    world.vault.transact("withdraw", account, 0, WAD, world.owner, sender=world.owner)
    assert world.tokens[0].read("balanceOf", world.owner) == WAD


@pytest.fixture
def second(world):
    """Another book on the same coin, hub and list of operators, with eth only."""
    vault = second_book(world)
    world.tokens[0].transact("approve", vault.address, MAX, sender=world.owner)
    return vault


def test_a_right_in_one_book_is_none_in_another(world, second):
    account = world.id(world.owner)
    world.give(world.owner, 0, 2_000)
    for vault in (world.vault, second):
        vault.transact("deposit", account, 0, 1_000, sender=world.owner)
    world.set_operator(world.operator, 1, sender=world.owner)
    receiver = world.operator
    world.vault.transact("withdraw", account, 0, 1, receiver, sender=world.operator)
    with reverts("not authorised"):
        second.transact("withdraw", account, 0, 1, receiver, sender=world.operator)

    world.set_operator(world.operator, 0, sender=world.owner)
    world.operators.transact("set_operator", second.address, world.operator, 1, sender=world.owner)
    second.transact("withdraw", account, 0, 2, receiver, sender=world.operator)
    with reverts("not authorised"):
        world.vault.transact("withdraw", account, 0, 1, receiver, sender=world.operator)
    assert world.tokens[0].read("balanceOf", world.operator) == 3


def test_one_lockdown_is_for_every_book(world, second):
    account = world.id(world.owner)
    world.give(world.owner, 0, 2_000)
    books = (world.vault, second)
    for vault in books:
        vault.transact("deposit", account, 0, 1_000, sender=world.owner)
        world.operators.transact(
            "set_operator", vault.address, world.operator, 1, sender=world.owner
        )
    for vault in books:
        vault.transact("withdraw", account, 0, 1, world.operator, sender=world.operator)
    world.operators.transact("lockdown", sender=world.owner)
    for vault in books:
        with reverts("not authorised"):
            vault.transact("withdraw", account, 0, 1, world.operator, sender=world.operator)
        assert vault.read("balances", account, 0) == 999


def test_a_vault_is_only_a_key(world):
    """Rights may be given before a book exists, and nobody checks that it ever does."""
    somewhere = "0x" + "5a" * 20
    world.operators.transact("set_operator", somewhere, world.operator, 2, sender=world.owner)
    asked = (somewhere, world.owner)
    assert world.operators.read("is_authorised", *asked, 1, world.operator)
    assert not world.operators.read("is_authorised", *asked, 0, world.operator)
    assert not world.operators.read("is_authorised", *asked, 1, world.stranger)
    assert not may_act(world, 1, world.operator)


def test_the_owner_is_authorised_in_every_book(world):
    for vault in (world.vault.address, "0x" + "5a" * 20):
        for sub in (0, 255):
            assert world.operators.read("is_authorised", vault, world.owner, sub, world.owner)


def test_no_sub_account_above_255_is_covered(world):
    world.set_operator(world.operator, MAX, sender=world.owner)
    for sub in (256, 2**255, MAX):
        asked = (world.vault.address, world.owner, sub, world.operator)
        assert not world.operators.read("is_authorised", *asked)
