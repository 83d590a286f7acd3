# SPDX-License-Identifier: MIT
"""Incentive farming (Maker's and Synthetix' keeper rewards): paid steps made for their pay.

Where a step pays whoever makes it, somebody will arrange for it to be due. The fund pays nobody for
any step; what could be farmed is a discount that has ripened for something else, and the surplus.
https://docs.makerdao.com/smart-contract-modules/dog-and-clipper-detailed-documentation
"""

from __future__ import annotations

from tests.incidents.fund import (
    COINS,
    END,
    HOURS_6,
    LOT,
    PRICE,
    START,
    at_price,
    buy,
    renew,
    start,
    stocked,
)
from tests.incidents.weak import weakened
from tests.world import WAD, World, reverts

DAY = 86_400
HELD = """staticcall IERC20(token).balanceOf(self)
    self._lots[token] = self._lots[token] >> 128 << 128 | lot
"""
LIVE_LOT = (
    "    lot: uint256 = self._lots[token] & ledger.HALF_MASK\n",
    f"    lot: uint256 = {HELD}",
)


def ripe(*weak) -> World:
    """An auction at its last second but 60, when a large absorb has just come in."""
    world = stocked(*weak)
    start(world)
    began = world.now
    world.give(world.fund.address, 0, 30 * LOT)
    renew(world)
    world.next_at(began + HOURS_6 - 60)
    return world


def test_what_comes_in_late_is_not_sold_at_the_ripe_discount() -> None:
    world = ripe()
    amount, cost = buy(world)
    assert amount == LOT
    assert cost < at_price(LOT, PRICE, END + 10)
    start(world)
    amount, cost = buy(world, LOT)
    assert (amount, cost) == (LOT, at_price(LOT, PRICE, START))


def test_a_lot_that_grows_while_its_discount_ripens_is_found() -> None:
    """The control: everything that came in a minute before the end goes for four fifths."""
    amount, cost = buy(ripe(weakened("InsuranceFund", LIVE_LOT)))
    assert amount == 31 * LOT
    assert cost < at_price(31 * LOT, PRICE, END + 10)


def test_no_step_of_the_fund_pays_who_makes_it() -> None:
    world = stocked()
    world.coin.transact("set_ceiling", world.fund.address, COINS, sender=world.governor)
    world.coin.transact("burn", world.keeper, COINS // 2, sender=world.keeper)
    had = [world.coin.read("balanceOf", world.stranger)]
    had += [token.read("balanceOf", world.stranger) for token in world.tokens]
    start(world)
    world.fund.transact("reap", sender=world.stranger)
    assert had == [
        world.coin.read("balanceOf", world.stranger),
        *(token.read("balanceOf", world.stranger) for token in world.tokens),
    ]


def test_a_surplus_is_not_reaped_faster_by_asking_more_often() -> None:
    world = stocked()
    world.coin.transact("set_ceiling", world.fund.address, COINS, sender=world.governor)
    treasury = "0x" + "77" * 20
    world.fund.transact("set_treasury", treasury, sender=world.governor)
    world.coin.transact("burn", world.keeper, COINS // 2, sender=world.keeper)
    began, most = world.now, 0
    for hour in range(7 * 24):
        world.next_at(began + 1 + hour * 3_600)
        buffer = world.fund.read("buffer_target")
        if hour % 24:
            with reverts("reaped lately"):
                world.fund.transact("reap", sender=world.stranger)
        else:
            world.fund.transact("reap", sender=world.stranger)
            most += buffer // 100
    assert world.coin.read("balanceOf", treasury) == most
    # a week's worth is 7 % of the buffer, whoever asks and however often
    assert most <= 7 * world.fund.read("buffer_target") // 100
    assert most > 100 * WAD
