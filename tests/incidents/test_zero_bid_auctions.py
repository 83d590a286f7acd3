# SPDX-License-Identifier: MIT
"""Zero-bid auctions (Maker, 12 March 2020): collateral worth millions was won by bids of 0.

Keepers could not get a transaction in, and an auction that ends with the highest bid, whatever that
is, gave some 8.3 million dollars of ether away. Here nobody bids: the price is the hub's times a
factor that has a floor, what nobody takes at it is not sold, and it is offered again.
https://www.theblock.co/post/58597
"""

from __future__ import annotations

import pytest

from tests.incidents.fund import END, HOURS_6, LOT, PRICE, at_price, buy, renew, start, stocked
from tests.incidents.weak import weakened
from tests.world import reverts

FLOOR = ("MIN_END_FACTOR: constant(uint256) = 5_000", "MIN_END_FACTOR: constant(uint256) = 0")


def test_who_waits_to_the_last_second_pays_the_floor() -> None:
    world = stocked()
    start(world)
    began = world.now
    renew(world)
    world.next_at(began + HOURS_6)
    supply = world.coin.read("totalSupply")
    assert buy(world) == (LOT, at_price(LOT, PRICE, END))
    assert world.coin.read("totalSupply") == supply - at_price(LOT, PRICE, END)


def test_what_nobody_takes_is_not_sold_and_is_offered_again_at_the_top() -> None:
    world = stocked()
    for _ in range(3):
        renew(world)
        start(world)
        world.forward(HOURS_6 + 1)
        with reverts("no auction"):
            buy(world)
        assert world.tokens[0].read("balanceOf", world.fund.address) == LOT
    renew(world)
    start(world)
    price = world.fund.read("price_of", world.tokens[0].address)
    assert price == PRICE * 10_300 // 10_000


@pytest.mark.parametrize("end", [0, 1, 4_999])
def test_no_terms_can_give_collateral_away(end: int) -> None:
    world = stocked()
    with reverts("bad factors"):
        world.fund.transact("set_auction", 3_600, 10_000, end, sender=world.governor)


def test_an_auction_without_a_floor_is_found() -> None:
    """The control: ten ether for nothing, to whoever is alone at the end."""
    world = stocked(weakened("InsuranceFund", FLOOR))
    world.fund.transact("set_auction", 3_600, 10_000, 0, sender=world.governor)
    start(world)
    began = world.now
    renew(world)
    world.next_at(began + 3_600)
    assert buy(world) == (LOT, 0)
    assert world.coin.read("balanceOf", world.keeper) > 0
