# SPDX-License-Identifier: MIT
"""Incentive farming (Maker's and Synthetix' keeper rewards): paid steps made for their pay.

Where a step pays whoever makes it, somebody will arrange for it to be due. A vault pays for a call,
out of the called account's own debt and once in a cool-down, so that a farmer pays himself. The
fund pays nobody for any step; what could be farmed there is a discount that has ripened for
something else, and the surplus.
https://docs.makerdao.com/smart-contract-modules/dog-and-clipper-detailed-documentation
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.deploy import BookParams
from tests.incidents.arena import ETH, Arena, open_at_the_limit
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

pytestmark = pytest.mark.covers("incident: incentive farming of tips")

DAY = 86_400
HELD = """staticcall IERC20(token).balanceOf(self)
    self._lots[token] = self._lots[token] >> 128 << 128 | lot
"""
_OWED = "        added = margin_math.borrowed_up(tip, found.index)\n"
FOR_FREE = (_OWED, "        added = 0\n")
FARM = 29  # accounts
TIPPED = BookParams(rate=0)
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


# a vault's tips


def farm(arena: Arena, days: int = 3) -> tuple[Fraction, int]:
    """Call 29 accounts of one's own, day after day; return the gain and what was tipped."""
    me = arena.attacker
    ids = [open_at_the_limit(arena, me, sub) for sub in range(FARM)]
    before, had = arena.wealth(me, *ids), arena.coins(me)
    for _ in range(days):
        arena.report(ETH, 1_860 * WAD)  # the market has not moved
        arena.wait(60)
        for _ in range(2):  # the second time is in the same cool-down
            arena.try_(me, arena.vault, "margin_calls", ids)
        for id in ids:
            arena.try_(me, arena.vault, "margin_call", id)
            arena.try_(me, arena.vault, "cure", id)
        arena.report(ETH, 2_000 * WAD)
        arena.wait(DAY + 3 * 3_600)
        arena.refresh()
    return arena.wealth(me, *ids) - before, arena.coins(me) - had


@pytest.mark.covers("I55", "M10", "M05")
def test_a_farmer_of_tips_pays_himself() -> None:
    """Three days of 29 tips of five coins, and every one of them owed by the farmer."""
    arena = Arena(book=TIPPED)
    equity = arena.equity
    gain, tips = farm(arena)
    assert tips == 3 * FARM * 5 * WAD
    assert gain == 0
    assert arena.equity == equity


@pytest.mark.covers("I55", "I38")
def test_a_stranger_is_tipped_once_in_a_cool_down() -> None:
    """Whoever makes others callable finds one tip a day and account, of a 400th of the debt."""
    arena = Arena(book=BookParams(rate=0, debt_floor=1_000 * WAD, call_tip=100 * WAD))
    account = open_at_the_limit(arena)
    me, before = arena.attacker, arena.wealth(arena.attacker)
    arena.report(ETH, 1_850 * WAD)
    arena.wait(60)
    for _ in range(5):
        arena.try_(me, arena.vault, "margin_call", account)
        arena.wait(60)
    assert arena.wealth(me) - before == 15_000 * WAD // 400
    assert arena.world.debt(account) == 15_000 * WAD * 401 // 400


def test_tips_that_nobody_owes_are_farmed() -> None:
    """The control: minted and put down to nobody, they are the farmer's gain."""
    arena = Arena(weakened("Vault", FOR_FREE), book=TIPPED)
    equity = arena.equity
    gain, tips = farm(arena)
    assert gain == tips == 3 * FARM * 5 * WAD
    assert arena.equity - equity == -tips
