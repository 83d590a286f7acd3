# SPDX-License-Identifier: MIT
"""Zero-bid auctions (Maker, 12 March 2020): collateral worth millions was won by bids of 0.

Keepers could not get a transaction in, and an auction that ends with the highest bid, whatever that
is, gave some 8.3 million dollars of ether away. Here nobody bids: the price is the hub's times a
factor that has a floor, what nobody takes at it is not sold, and it is offered again, by the fund
and by a vault.
https://www.theblock.co/post/58597
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.formulas import margin_math
from tests.incidents.arena import ETH, HOUR, LENT, Arena, open_at_the_limit
from tests.incidents.fund import END, HOURS_6, LOT, PRICE, at_price, buy, renew, start, stocked
from tests.incidents.weak import weakened
from tests.world import CALLABLE, MAX, WAD, reverts

pytestmark = pytest.mark.covers("incident: zero-bid auctions")

_FALLS = "    return start_factor - (start_factor - end_factor) * elapsed // duration\n"
NO_END = (_FALLS, "    return start_factor - start_factor * elapsed // duration\n")
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


# the auction in place, of a vault


def alone_at_the_end(arena: Arena) -> tuple[int, int, Fraction]:
    """Be the only bidder of an account's auction, in its last second: amount, cost, and gain."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(30_000 * WAD)
    arena.follow(ETH, 1_800 * WAD)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) + 2 * HOUR - 60)
    arena.refresh()
    before = arena.wealth(arena.attacker)
    sold, cost = arena.take(arena.attacker, account, ETH)
    return sold, cost, arena.wealth(arena.attacker) - before


@pytest.mark.covers("I41", "A03")
def test_the_only_bidder_of_a_vault_pays_its_floor() -> None:
    """At 88 % of 1,800; the protocol gains its penalty, and bids of 0 do not exist."""
    arena = Arena()
    equity = arena.equity
    sold, cost, gain = alone_at_the_end(arena)
    assert cost == LENT * 105 // 100
    assert sold == -(-cost * WAD // (1_584 * WAD))
    # the discount of 12 %, and the unit by which the amount is rounded up
    assert 0 < gain <= arena.worth(ETH, sold) * 12 / 100 + arena.worth(ETH, 1)
    assert arena.equity - equity == cost - LENT


@pytest.mark.covers("I41")
@pytest.mark.parametrize("elapsed", [0, 1, 3_599, 3_600, 7_199, 7_200])
def test_the_factor_never_leaves_its_two_ends(elapsed: int) -> None:
    expected = {0: 10_100, 1: 10_100, 3_599: 9_451, 3_600: 9_450, 7_199: 8_801, 7_200: 8_800}
    factor = margin_math.auction_factor(10_100, 8_800, elapsed, 7_200)
    assert factor == expected[elapsed]
    assert margin_math.auction_price_up(1, factor) >= 1


@pytest.mark.covers("A02", "I40", "I51")
@pytest.mark.parametrize("rounds", [1, 5])
def test_what_nobody_buys_of_a_vault_is_offered_again_from_the_top(rounds: int) -> None:
    """Above close-out, as often as it takes; below it once, and then it is the fund's."""
    arena = Arena()
    account = open_at_the_limit(arena)
    arena.follow(ETH, 1_800 * WAD)
    for _ in range(rounds):
        arena.must(arena.attacker, arena.vault, "margin_call", account)
        assert arena.opens(account) >= arena.now
        arena.at(arena.opens(account) + 2 * HOUR + 1 - 60)
        arena.refresh()
        order = (account, ETH, 1, MAX, arena.attacker, b"")
        arena.refused("not in auction", arena.attacker, arena.vault, "take", *order)
        assert arena.world.state(account) == CALLABLE
        assert arena.balance(account, ETH) == 10 * WAD
    arena.follow(ETH, 1_700 * WAD)
    arena.refused("absorb instead", arena.attacker, arena.vault, "margin_call", account)
    arena.must(arena.attacker, arena.vault, "absorb", account)
    assert arena.world.debt(account) == 0


def test_a_vault_whose_price_falls_to_nothing_is_found() -> None:
    """The control: ten ether for nothing, and the whole debt is bad."""
    arena = Arena(weakened("Vault", NO_END, file="modules/margin_math.vy"))
    equity = arena.equity
    sold, cost, gain = alone_at_the_end(arena)
    assert (sold, cost) == (10 * WAD, 0)
    assert gain == 18_000 * WAD
    assert arena.bad_debt() == equity - arena.equity == LENT
