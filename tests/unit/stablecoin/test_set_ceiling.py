# SPDX-License-Identifier: MIT
"""Ceilings: the governor's only power over the coin."""

import pytest

from tests.unit.conftest import WAD, ZERO


@pytest.mark.parametrize("ceiling", [0, 1, 10**18, 2**120 - 1])
def test_set_ceiling(coin, governor, alice, ceiling):
    assert not coin.is_minter(alice)
    receipt = coin.set_ceiling(alice, ceiling, sender=governor)
    assert (coin.ceiling(alice), coin.minted(alice), coin.is_minter(alice)) == (ceiling, 0, True)
    (event,) = receipt.events
    assert (event.event_name, event.minter, event.ceiling) == ("CeilingSet", alice, ceiling)


def test_set_ceiling__keeps_what_is_out(coin, governor, minter, alice):
    coin.mint(alice, 7 * WAD, sender=minter)
    for ceiling in (0, 2**120 - 1, WAD):
        coin.set_ceiling(minter, ceiling, sender=governor)
        assert (coin.ceiling(minter), coin.minted(minter)) == (ceiling, 7 * WAD)


def test_the_whole_ceiling_can_be_minted__when_it_is_the_largest(coin, governor, bob, alice):
    coin.set_ceiling(bob, 2**120 - 1, sender=governor)
    coin.mint(alice, 2**120 - 1, sender=bob)
    assert coin.mint.call(alice, 1, sender=bob) is False
    assert (coin.minted(bob), coin.ceiling(bob)) == (2**120 - 1, 2**120 - 1)
    coin.burn(alice, 2**120 - 1, sender=bob)
    assert (coin.minted(bob), coin.ceiling(bob), coin.totalSupply()) == (0, 2**120 - 1, 0)


def test_set_ceiling_reverts_when_not_governor(coin, minter, stranger, reverts_with):
    reverts_with("not governor", coin.set_ceiling, stranger, 1, sender=stranger)
    reverts_with("not governor", coin.set_ceiling, minter, 2**119, sender=minter)


def test_set_ceiling_reverts_when_too_large(coin, governor, minter, reverts_with):
    reverts_with("ceiling too large", coin.set_ceiling, minter, 2**120, sender=governor)
    reverts_with("ceiling too large", coin.set_ceiling, minter, 2**256 - 1, sender=governor)


def test_set_ceiling_reverts_when_minter_is_zero(coin, governor, reverts_with):
    reverts_with("zero minter", coin.set_ceiling, ZERO, 1, sender=governor)


def test_minters_are_listed_once_and_stay(coin, governor, minter, alice, bob):
    assert list(coin.minters()) == [minter]
    coin.set_ceiling(bob, 5, sender=governor)
    coin.set_ceiling(alice, 0, sender=governor)
    coin.set_ceiling(bob, 0, sender=governor)
    coin.set_ceiling(minter, 1, sender=governor)
    assert list(coin.minters()) == [minter, bob, alice]


def test_set_ceiling_reverts_when_too_many_minters(coin, governor, minter, alice, reverts_with):
    for number in range(1, 32):
        coin.set_ceiling(f"0x{number:040x}", number, sender=governor)
    assert len(coin.minters()) == 32
    reverts_with("too many minters", coin.set_ceiling, alice, 1, sender=governor)
    coin.set_ceiling(minter, 2**120 - 1, sender=governor)
    coin.mint(alice, 2**120 - 1, sender=minter)
    assert coin.totalSupply() == coin.balanceOf(alice) == 2**120 - 1


def test_the_supply_holds_at_every_ceiling_at_once(coin, governor, minter, alice, clock):
    """32 minters at the largest ceiling: far from any overflow."""
    others = [f"0x{0xBEEF00 + number:040x}" for number in range(31)]
    for each in (minter.address, *others):
        coin.set_ceiling(each, 2**120 - 1, sender=governor)
    data = "0x" + bytes(coin.mint.encode_input(alice, 2**120 - 1)).hex()
    for each in (minter.address, *others):
        clock.rpc("anvil_setBalance", each, hex(10**18))
        clock.rpc("anvil_impersonateAccount", each)
        clock.rpc("eth_sendTransaction", {"from": each, "to": coin.address, "data": data})
        clock.rpc("anvil_stopImpersonatingAccount", each)
    assert coin.totalSupply() == coin.balanceOf(alice) == 32 * (2**120 - 1)
    assert all(coin.headroom(each) == 0 for each in others)
    coin.burn(alice, 32 * (2**120 - 1), sender=alice)
    assert (coin.totalSupply(), coin.burned_beyond()) == (0, 32 * (2**120 - 1))
