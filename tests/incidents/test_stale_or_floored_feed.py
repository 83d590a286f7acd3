# SPDX-License-Identifier: MIT
"""Stale or floored feed (LUNA, May 2022): a feed stopped at its floor, far above the market.

Venus and Blizz went on taking LUNA at the 0.107 dollars at which its feed had stopped, and lost
some 20 million. In the fund's auction a dead feed is no price: nothing is sold off it, nothing is
offered, and the discount does not ripen in a time in which nobody could buy.
https://rekt.news/venus-blizz-rekt
"""

from __future__ import annotations

import pytest

from tests.incidents.fund import END, LOT, PRICE, START, at_price, buy, renew, start, stocked
from tests.incidents.weak import weakened
from tests.world import World, reverts

OUTAGE = 5 * 3_600
RIPENS = ("min(confirmed_at, block.timestamp))", "min(confirmed_at, 0))")


def die(world: World, how: str) -> None:
    """Let the feed report nothing, or a price below the lowest that is believed."""
    world.feeds[0].transact("set_answer", 0 if how == "dead" else 1, sender=world.governor)
    world.forward(world.params.fresh_for)
    world.hub.transact("poke", 1, sender=world.stranger)


def come_back(world: World) -> None:
    """Let it report again, and its price be confirmed."""
    renew(world)
    world.forward(world.params.fresh_for)
    world.hub.transact("poke", 1, sender=world.stranger)
    assert world.is_confirming(0)
    with reverts("price confirming"):
        buy(world)
    with reverts("price confirming"):
        world.fund.read("price_of", world.tokens[0].address)
    world.forward(world.params.fresh_for)
    world.hub.transact("poke", 1, sender=world.stranger)
    assert not world.is_confirming(0)


@pytest.mark.parametrize("how", ["dead", "floored"])
def test_nothing_is_sold_or_offered_off_a_dead_feed(how: str) -> None:
    world = stocked()
    die(world, how)
    with reverts("price failed"):
        start(world)
    come_back_unsold(world)
    start(world)
    die(world, how)
    with reverts("price failed"):
        buy(world)
    assert world.tokens[0].read("balanceOf", world.fund.address) == LOT


def come_back_unsold(world: World) -> None:
    renew(world)
    for _ in range(2):
        world.forward(world.params.fresh_for)
        world.hub.transact("poke", 1, sender=world.stranger)


@pytest.mark.parametrize("how", ["dead", "floored"])
def test_the_discount_does_not_ripen_while_nobody_can_buy(how: str) -> None:
    world = stocked()
    start(world)
    die(world, how)
    world.forward(OUTAGE)
    come_back(world)
    amount, cost = buy(world)
    assert amount == LOT
    # some minutes after the confirmation, not five hours into the auction
    assert at_price(LOT, PRICE, START - 20) <= cost <= at_price(LOT, PRICE, START)


def test_a_discount_that_ripens_in_an_outage_is_found() -> None:
    """The control: whoever is first when the feed is back buys a sixth under the market."""
    world = stocked(weakened("InsuranceFund", RIPENS))
    start(world)
    die(world, "dead")
    world.forward(OUTAGE)
    come_back(world)
    _, cost = buy(world)
    assert at_price(LOT, PRICE, END) < cost < at_price(LOT, PRICE, 8_400)
