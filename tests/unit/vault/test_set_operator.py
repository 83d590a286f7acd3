# SPDX-License-Identifier: MIT
"""Operators act for the sub-accounts whose bit is set, until revoked, one by one or all at once."""

import pytest

from tests.world import MAX, WAD, reverts


def may_act(world, sub, who):
    """Tell whether `who` may withdraw one wei of the owner's sub-account."""
    account = world.id(world.owner, sub)
    if world.vault.read("balances", account, 0) == 0:
        world.give(world.owner, 0, 1_000)
        world.vault.transact("deposit", account, 0, 1_000, sender=world.owner)
    before = world.vault.read("balances", account, 0)
    with world.snapshot():
        if world.vault.read("operator", world.owner, epoch(world), who) >> sub & 1:
            world.vault.transact("withdraw", account, 0, 1, who, sender=who)
            return world.vault.read("balances", account, 0) == before - 1
        with reverts("not authorised"):
            world.vault.transact("withdraw", account, 0, 1, who, sender=who)
    return False


def epoch(world):
    return world.vault.read("epoch", world.owner)


@pytest.mark.parametrize(
    ("bits", "allowed"),
    [(1, {0}), (1 << 255, {255}), (0b10 | 1 << 128, {1, 128}), (MAX, {0, 1, 128, 255}), (0, set())],
)
def test_set_operator(world, bits, allowed):
    receipt = world.set_operator(world.operator, bits, sender=world.owner)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("OperatorSet", {"owner": world.owner, "operator": world.operator, "bits": bits})
    ]
    assert world.vault.read("operator", world.owner, 0, world.operator) == bits
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
    receipt = world.vault.transact("lockdown", sender=world.owner)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("LockedDown", {"owner": world.owner, "epoch": 1})
    ]
    assert epoch(world) == 1
    assert not may_act(world, 0, world.operator)
    assert not may_act(world, 0, world.keeper)

    # nobody else's operators are touched, and new ones can be named
    assert world.vault.read("epoch", world.other) == 0
    assert world.vault.read("operator", world.other, 0, world.operator) == MAX
    world.set_operator(world.keeper, 1, sender=world.owner)
    assert may_act(world, 0, world.keeper)
    assert not may_act(world, 0, world.operator)


def test_the_owner_acts_after_a_lockdown(world):
    account = world.open([(0, WAD)], 0)
    world.vault.transact("lockdown", sender=world.owner)
    world.vault.transact("withdraw", account, 0, WAD, world.owner, sender=world.owner)
    assert world.tokens[0].read("balanceOf", world.owner) == WAD
