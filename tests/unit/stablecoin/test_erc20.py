# SPDX-License-Identifier: MIT
"""The coin as an ERC-20, and nothing beside what it should have."""

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
        "mint", "burn", "set_ceiling", "minted", "ceiling", "headroom", "is_minter",
        "minters", "burned_beyond",
        "flashLoan", "maxFlashLoan", "flashFee", "flash_minted",
        "set_flash", "flash_fee_bps", "flash_ceiling",
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


def test_transfer_reverts_when_to_zero(funded, alice, bob, reverts_with):
    reason = "erc20: transfer to the zero address"
    reverts_with(reason, funded.transfer, ZERO, 1, sender=alice)
    funded.approve(bob, MAX, sender=alice)
    reverts_with(reason, funded.transferFrom, alice, ZERO, 0, sender=bob)


def test_approve_and_transfer_from(funded, alice, bob, stranger):
    receipt = funded.approve(bob, 3 * WAD, sender=alice)
    (event,) = receipt.events
    assert (event.owner, event.spender, event.value) == (alice, bob, 3 * WAD)

    assert funded.transferFrom.call(alice, stranger, 2 * WAD, sender=bob) is True
    approval, transfer = funded.transferFrom(alice, stranger, 2 * WAD, sender=bob).events

    assert (approval.owner, approval.spender, approval.value) == (alice, bob, WAD)
    assert (transfer.sender, transfer.receiver, transfer.value) == (alice, stranger, 2 * WAD)
    assert funded.allowance(alice, bob) == WAD
    assert (funded.balanceOf(alice), funded.balanceOf(stranger)) == (8 * WAD, 2 * WAD)


def test_transfer_from__keeps_an_unlimited_allowance(funded, alice, bob):
    funded.approve(bob, MAX, sender=alice)
    (event,) = funded.transferFrom(alice, bob, 10 * WAD, sender=bob).events
    assert event.event_name == "Transfer"
    assert funded.allowance(alice, bob) == MAX
    assert (funded.balanceOf(alice), funded.balanceOf(bob)) == (0, 10 * WAD)


def test_transfer_from_reverts_when_above_allowance(funded, alice, bob, minter, reverts_with):
    funded.approve(bob, WAD, sender=alice)
    reason = "erc20: insufficient allowance"
    reverts_with(reason, funded.transferFrom, alice, bob, WAD + 1, sender=bob)
    reverts_with(reason, funded.transferFrom, alice, minter, 1, sender=minter)
    reverts_with(reason, funded.transferFrom, alice, alice, WAD + 1, sender=alice)


def test_transfer_from_reverts_when_above_balance(funded, alice, bob, reverts_with):
    funded.approve(bob, MAX, sender=alice)
    reason = "erc20: transfer amount exceeds balance"
    reverts_with(reason, funded.transferFrom, alice, bob, 10 * WAD + 1, sender=bob)
    reverts_with(reason, funded.transferFrom, alice, bob, MAX, sender=bob)


def test_nobody_acts_for_the_zero_address(funded, stranger, reverts_with):
    """Else anyone could log what looks like a mint."""
    reverts_with(
        "erc20: approve from the zero address",
        funded.transferFrom, ZERO, stranger, 0, sender=stranger,
    )  # fmt: skip
    reverts_with(
        "erc20: insufficient allowance", funded.transferFrom, ZERO, stranger, 1, sender=stranger
    )


def test_approve_replaces_and_is_refused_for_zero(funded, alice, bob, reverts_with):
    for amount in (MAX, 0, 5):
        assert funded.approve.call(bob, amount, sender=alice) is True
        funded.approve(bob, amount, sender=alice)
        assert (funded.allowance(alice, bob), funded.allowance(bob, alice)) == (amount, 0)
    reverts_with("erc20: approve to the zero address", funded.approve, ZERO, 1, sender=alice)


@pytest.mark.parametrize("function", ["mint", "burn"])
def test_mint_and_burn_write_two_slots(funded, minter, alice, clock, function):
    """The supply is derived: its slot would cost each borrow, repayment and purchase 5,000 gas."""
    data = "0x" + bytes(getattr(funded, function).encode_input(alice, WAD)).hex()
    call = {"from": minter.address, "to": funded.address, "data": data}
    steps = clock.rpc("debug_traceCall", call, "latest", {})["structLogs"]
    assert [step["op"] for step in steps].count("SSTORE") == 2
    assert [step["op"] for step in steps].count("SLOAD") == 2
