# SPDX-License-Identifier: MIT
"""Dust positions and dust leftovers: what is too small for anybody to care blocks what is not.

Auctions of a few wei that cost more gas than they bring stayed open for ever in several protocols,
and stood in the way of others. The fund's auction is one a token: a lot of a wei, sent by an
attacker or left over by a buyer, must not hold up the collateral that came in since.
"""

from __future__ import annotations

import pytest

from tests.incidents.fund import LOT, PRICE, START, at_price, buy, start, stocked
from tests.incidents.weak import weakened
from tests.world import World, reverts

pytestmark = pytest.mark.covers("incident: dust positions and dust leftovers")

ALWAYS_BLOCKS = (" <= lot // CRUMB_DIVISOR, ", " == 0, ")


def left(world: World) -> int:
    return int(world.fund.read("auction_of", world.tokens[0].address)[0])


def dusty(*weak) -> World:
    """A fund whose running auction is one of a single wei, before ten ether come in."""
    world = stocked(*weak)
    start(world)
    buy(world, LOT - 1)
    assert left(world) == 1
    world.give(world.fund.address, 0, LOT)
    return world


def test_a_crumb_makes_room_at_once() -> None:
    world = dusty()
    start(world)
    assert left(world) == LOT + 1
    assert buy(world, LOT)[1] == at_price(LOT, PRICE, START)


def test_a_crumb_can_be_bought_and_costs_a_whole_wei() -> None:
    world = dusty()
    world.next_at(world.now + 1)
    assert buy(world, 1) == (1, -(-PRICE * START // 10_000 // 10**18))
    assert left(world) == 0


@pytest.mark.parametrize(("comes", "makes_room"), [(98, False), (99, True)])
def test_only_a_hundredth_makes_room(comes: int, makes_room: bool) -> None:
    """Or whoever has a little of a token could keep a lot from ever getting cheaper."""
    world = stocked()
    start(world)
    world.give(world.fund.address, 0, comes * LOT)
    if makes_room:
        start(world)
        assert left(world) == 100 * LOT
    else:
        with reverts("auction is running"):
            start(world)
        assert left(world) == LOT


def test_a_crumb_that_blocks_is_found() -> None:
    """The control: a wei holds ten ether up for six hours."""
    world = dusty(weakened("InsuranceFund", ALWAYS_BLOCKS))
    with reverts("auction is running"):
        start(world)
