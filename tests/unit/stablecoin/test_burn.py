# SPDX-License-Identifier: MIT
"""Burning: minters from anyone, holders their own, and never more than is there."""

import ape
import pytest

from tests.unit.conftest import WAD, ZERO


@pytest.fixture
def funded(coin, minter, alice):
    coin.mint(alice, 10 * WAD, sender=minter)
    return coin


def test_burn__by_a_minter(funded, minter, alice, ceiling, state):
    assert funded.burn.call(alice, 4 * WAD, sender=minter) is True

    receipt = funded.burn(alice, 4 * WAD, sender=minter)

    assert state(minter, alice) == (6 * WAD, 6 * WAD, 6 * WAD, ceiling)
    (event,) = receipt.events
    assert event.event_name == "Transfer"
    assert (event.sender, event.receiver, event.value) == (alice, ZERO, 4 * WAD)
    assert funded.burned_beyond() == 0


def test_burn__by_the_holder_leaves_every_minter_alone(funded, minter, alice, ceiling, state):
    receipt = funded.burn(alice, 4 * WAD, sender=alice)
    assert state(minter, alice) == (6 * WAD, 6 * WAD, 10 * WAD, ceiling)
    (event,) = receipt.events
    assert (event.sender, event.receiver, event.value) == (alice, ZERO, 4 * WAD)
    assert funded.burned_beyond() == 4 * WAD


def test_burn_saturates__when_more_is_burned_than_the_minter_has_out(
    funded, minter, governor, alice, bob, state
):
    funded.set_ceiling(bob, 100 * WAD, sender=governor)
    funded.mint(bob, 3 * WAD, sender=bob)
    funded.transfer(bob, 6 * WAD, sender=alice)

    funded.burn(bob, 9 * WAD, sender=bob)

    assert state(bob, bob) == (4 * WAD, 0, 0, 100 * WAD)
    assert (funded.minted(minter), funded.burned_beyond()) == (10 * WAD, 6 * WAD)
    funded.burn(alice, 1, sender=bob)
    assert state(bob, alice) == (4 * WAD - 1, 4 * WAD - 1, 0, 100 * WAD)
    assert funded.burned_beyond() == 6 * WAD + 1


def test_burn__works_for_a_retired_minter_with_nothing_out(funded, minter, governor, alice, bob):
    funded.set_ceiling(bob, 0, sender=governor)
    funded.burn(alice, WAD, sender=bob)
    funded.set_ceiling(minter, 0, sender=governor)
    funded.burn(alice, 9 * WAD, sender=minter)
    assert (funded.totalSupply(), funded.minted(minter)) == (0, WAD)


def test_burn_of_nothing(funded, minter, alice, state, ceiling):
    funded.burn(alice, 0, sender=minter)
    assert state(minter, alice) == (10 * WAD, 10 * WAD, 10 * WAD, ceiling)
    funded.burn(alice, 0, sender=alice)
    assert (funded.totalSupply(), funded.burned_beyond()) == (10 * WAD, 0)


def test_a_refused_burn_raises_nothing(funded, alice, stranger, reverts_with):
    """The one counter that lowers the supply rises by destroyed coins only."""
    reverts_with("amount exceeds balance", funded.burn, stranger, 1, sender=stranger)
    reverts_with("amount exceeds balance", funded.burn, alice, 10 * WAD + 1, sender=alice)
    with pytest.raises(ape.exceptions.ContractLogicError):
        funded.burn(alice, 10 * WAD + 1, sender=alice, gas_limit=200_000)
    assert (funded.totalSupply(), funded.burned_beyond()) == (10 * WAD, 0)


def test_burn_reverts_when_not_minter(funded, stranger, governor, alice, reverts_with):
    reverts_with("not minter", funded.burn, alice, 1, sender=stranger)
    reverts_with("not minter", funded.burn, alice, 0, sender=governor)


def test_burn_ignores_allowances(funded, stranger, alice, reverts_with):
    funded.approve(stranger, 2**256 - 1, sender=alice)
    reverts_with("not minter", funded.burn, alice, 1, sender=stranger)


@pytest.mark.parametrize("amount", [10 * WAD + 1, 2**128, 2**256 - 1])
def test_burn_reverts_when_amount_exceeds_balance(funded, minter, alice, amount, reverts_with):
    reverts_with("amount exceeds balance", funded.burn, alice, amount, sender=minter)
    reverts_with("amount exceeds balance", funded.burn, alice, amount, sender=alice)


def test_burn_reverts_when_owner_is_zero(funded, minter, reverts_with):
    reverts_with("zero owner", funded.burn, ZERO, 0, sender=minter)
