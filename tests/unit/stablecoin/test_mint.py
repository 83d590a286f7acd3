# SPDX-License-Identifier: MIT
"""Minting: one ceiling per minter, False above it, nothing for anybody else."""

import pytest

from tests.unit.conftest import WAD, ZERO


def test_mint(coin, minter, alice, ceiling, state):
    assert state(minter, alice) == (0, 0, 0, ceiling)
    assert coin.mint.call(alice, 5 * WAD, sender=minter) is True

    receipt = coin.mint(alice, 5 * WAD, sender=minter)

    assert state(minter, alice) == (5 * WAD, 5 * WAD, 5 * WAD, ceiling)
    (event,) = receipt.events
    assert event.event_name == "Transfer"
    assert (event.sender, event.receiver, event.value) == (ZERO, alice, 5 * WAD)


def test_mint__up_to_the_ceiling_exactly(coin, minter, alice, ceiling):
    coin.mint(alice, ceiling - 1, sender=minter)
    assert coin.mint.call(alice, 2, sender=minter) is False
    coin.mint(alice, 1, sender=minter)
    assert coin.minted(minter) == ceiling == coin.totalSupply()
    assert coin.mint.call(alice, 1, sender=minter) is False
    assert coin.mint.call(alice, 0, sender=minter) is True


@pytest.mark.parametrize("excess", [1, 2**120, 2**128 - 1, 2**128, 2**248, 2**255, 2**256 - 1])
def test_mint_changes_nothing__when_above_the_ceiling(coin, minter, alice, ceiling, state, excess):
    coin.mint(alice, ceiling - WAD, sender=minter)
    before = state(minter, alice)
    amount = min(WAD + excess, 2**256 - 1)

    assert coin.mint.call(alice, amount, sender=minter) is False
    receipt = coin.mint(alice, amount, sender=minter)

    assert state(minter, alice) == before
    assert not receipt.events


def test_mint_is_refused__when_the_sum_would_wrap(coin, minter, alice, ceiling, state):
    coin.mint(alice, ceiling, sender=minter)
    before = state(minter, alice)
    coin.mint(alice, 2**256 - ceiling, sender=minter)
    coin.mint(alice, 2**128 - ceiling, sender=minter)
    assert state(minter, alice) == before


def test_mint_of_nothing(coin, minter, alice, state, ceiling):
    coin.mint(alice, 0, sender=minter)
    assert state(minter, alice) == (0, 0, 0, ceiling)


def test_minters_have_separate_ceilings(coin, minter, governor, alice, bob, ceiling):
    coin.set_ceiling(bob, WAD, sender=governor)
    coin.mint(alice, ceiling, sender=minter)
    coin.mint(alice, WAD, sender=bob)
    assert (coin.minted(minter), coin.minted(bob)) == (ceiling, WAD)
    assert coin.totalSupply() == ceiling + WAD == coin.balanceOf(alice)


def test_mint_returns_false__when_the_ceiling_was_lowered_below_what_is_out(
    coin, minter, governor, alice
):
    coin.mint(alice, 10 * WAD, sender=minter)
    coin.set_ceiling(minter, 3 * WAD, sender=governor)
    assert coin.mint.call(alice, 1, sender=minter) is False
    coin.burn(alice, 8 * WAD, sender=minter)
    assert coin.mint.call(alice, WAD, sender=minter) is True
    assert coin.mint.call(alice, WAD + 1, sender=minter) is False


def test_mint_returns_false__when_the_minter_is_retired(coin, minter, governor, alice):
    coin.set_ceiling(minter, 0, sender=governor)
    assert coin.is_minter(minter)
    assert coin.mint.call(alice, 1, sender=minter) is False


def test_mint_reverts_when_not_minter(coin, governor, stranger, alice, reverts_with):
    reverts_with("not minter", coin.mint, alice, 1, sender=stranger)
    reverts_with("not minter", coin.mint, alice, 0, sender=stranger)
    reverts_with("not minter", coin.mint, alice, 1, sender=governor)


def test_mint_reverts_when_to_zero(coin, minter, reverts_with):
    reverts_with("mint to zero", coin.mint, ZERO, 1, sender=minter)


def test_headroom(coin, minter, governor, alice, stranger, ceiling):
    assert coin.headroom(stranger) == coin.headroom(governor) == coin.headroom(ZERO) == 0
    assert coin.headroom(minter) == ceiling
    coin.mint(alice, 10 * WAD, sender=minter)
    assert coin.headroom(minter) == ceiling - 10 * WAD
    for limit, left in ((10 * WAD + 1, 1), (10 * WAD, 0), (10 * WAD - 1, 0), (0, 0)):
        coin.set_ceiling(minter, limit, sender=governor)
        assert coin.headroom(minter) == left
        assert coin.mint.call(alice, left, sender=minter) is (limit >= 10 * WAD)
        assert coin.mint.call(alice, left + 1, sender=minter) is False
    coin.burn(alice, 4 * WAD, sender=minter)
    assert (coin.headroom(minter), coin.headroom(alice)) == (0, 0)
    coin.set_ceiling(minter, 2**120 - 1, sender=governor)
    assert coin.headroom(minter) == 2**120 - 1 - 6 * WAD
