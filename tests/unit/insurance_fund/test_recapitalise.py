# SPDX-License-Identifier: MIT
"""Anyone may raise equity with coins of their own, and of nobody else."""

from eth_utils import to_checksum_address

from tests.world import WAD, reverts

PRICES = (2_000 * WAD, 40_000 * WAD, WAD)


def test_recapitalise(world, fund, absorb):
    absorb([(0, 10 * WAD)], prices=PRICES)
    assert fund.read("equity") == (0, 14_000 * WAD)
    held = world.coin.read("balanceOf", world.owner)
    minted = world.coin.read("minted", world.vault.address)

    receipt = fund.transact("recapitalise", 4_000 * WAD, sender=world.owner)

    (event,) = fund.events(receipt)
    assert event.name == "Recapitalised"
    assert event.args == {
        "payer": to_checksum_address(world.owner),
        "amount": 4_000 * WAD,
        "surplus": 0,
        "deficit": 10_000 * WAD,
    }
    assert fund.read("equity") == (0, 10_000 * WAD)
    assert world.coin.read("balanceOf", world.owner) == held - 4_000 * WAD
    assert world.coin.read("totalSupply") == 10_000 * WAD
    assert world.coin.read("minted", world.vault.address) == minted  # not the book's burning
    assert world.coin.read("minted", fund.address) == 0


def test_recapitalise__the_whole_deficit(world, fund, absorb):
    absorb([(0, 10 * WAD)], prices=PRICES)
    fund.transact("recapitalise", 14_000 * WAD, sender=world.owner)
    assert fund.read("equity") == (0, 0)


def test_recapitalise_reverts_when_nothing_is_given(world, fund):
    with reverts("zero amount"):
        fund.transact("recapitalise", 0, sender=world.stranger)


def test_recapitalise_reverts_when_above_the_callers_balance(world, fund):
    world.open([(0, 10 * WAD)], 10_000 * WAD)
    with reverts("amount exceeds balance"):
        fund.transact("recapitalise", 10_000 * WAD + 1, sender=world.owner)
    with reverts("amount exceeds balance"):
        fund.transact("recapitalise", 1, sender=world.stranger)


def test_the_fund_can_mint_nothing(world, fund):
    assert world.coin.read("is_minter", fund.address)
    assert world.coin.read("ceiling", fund.address) == 0
