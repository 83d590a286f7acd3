# SPDX-License-Identifier: MIT
"""The coin as an ERC-20, and what of snekmate is not reachable."""

import pytest

from tests.unit.conftest import WAD, ZERO

MAX = 2**256 - 1


@pytest.fixture
def funded(coin, minter, alice):
    coin.mint(alice, 10 * WAD, sender=minter)
    return coin


def test_metadata(coin):
    assert (coin.name(), coin.symbol(), coin.decimals()) == ("Surety Dollar", "SUSD", 18)


def test_the_abi_is_this_and_nothing_else(project):
    names = {item.name for item in project.Stablecoin.contract_type.methods}
    assert names == {
        "name", "symbol", "decimals", "totalSupply", "balanceOf", "allowance",
        "transfer", "transferFrom", "approve",
        "permit", "nonces", "DOMAIN_SEPARATOR", "eip712Domain",
        "governor", "pending_governor", "propose_governor", "accept_governor",
        "mint", "burn", "set_ceiling", "minted", "ceiling", "is_minter",
    }  # fmt: skip


@pytest.mark.parametrize("amount", [0, 1, 10 * WAD])
def test_transfer(funded, alice, bob, amount):
    receipt = funded.transfer(bob, amount, sender=alice)
    assert funded.balanceOf(alice) == 10 * WAD - amount
    assert funded.balanceOf(bob) == amount
    assert funded.totalSupply() == 10 * WAD
    (event,) = receipt.events
    assert (event.sender, event.receiver, event.value) == (alice, bob, amount)
    assert funded.transfer.call(bob, 0, sender=alice) is True


def test_transfer__to_oneself_changes_nothing(funded, alice):
    funded.transfer(alice, 10 * WAD, sender=alice)
    assert funded.balanceOf(alice) == 10 * WAD


@pytest.mark.parametrize("amount", [10 * WAD + 1, MAX])
def test_transfer_reverts_when_above_balance(funded, alice, bob, amount, reverts_with):
    reason = "erc20: transfer amount exceeds balance"
    reverts_with(reason, funded.transfer, bob, amount, sender=alice)


def test_transfer_reverts_when_to_zero(funded, alice, reverts_with):
    reason = "erc20: transfer to the zero address"
    reverts_with(reason, funded.transfer, ZERO, 1, sender=alice)


def test_approve_and_transfer_from(funded, alice, bob, stranger):
    receipt = funded.approve(bob, 3 * WAD, sender=alice)
    (event,) = receipt.events
    assert (event.owner, event.spender, event.value) == (alice, bob, 3 * WAD)

    funded.transferFrom(alice, stranger, 2 * WAD, sender=bob)

    assert funded.allowance(alice, bob) == WAD
    assert (funded.balanceOf(alice), funded.balanceOf(stranger)) == (8 * WAD, 2 * WAD)


def test_transfer_from__keeps_an_unlimited_allowance(funded, alice, bob):
    funded.approve(bob, MAX, sender=alice)
    funded.transferFrom(alice, bob, 10 * WAD, sender=bob)
    assert funded.allowance(alice, bob) == MAX
    assert (funded.balanceOf(alice), funded.balanceOf(bob)) == (0, 10 * WAD)


def test_transfer_from_reverts_when_above_allowance(funded, alice, bob, minter, reverts_with):
    funded.approve(bob, WAD, sender=alice)
    reason = "erc20: insufficient allowance"
    reverts_with(reason, funded.transferFrom, alice, bob, WAD + 1, sender=bob)
    reverts_with(reason, funded.transferFrom, alice, minter, 1, sender=minter)
    reverts_with(reason, funded.transferFrom, alice, alice, WAD + 1, sender=alice)
