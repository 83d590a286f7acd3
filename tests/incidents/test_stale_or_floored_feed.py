# SPDX-License-Identifier: MIT
"""Stale or floored feed (LUNA, May 2022): a feed stopped at its floor, far above the market.

Venus and Blizz went on taking LUNA at the 0.107 dollars at which its feed had stopped, and lost
some 20 million. Here a feed that is silent for too long, or stands at its own limit, is no price: a
book lends nothing on it, and in the fund's auction nothing is sold off it, nothing is offered, and
the discount does not ripen in a time in which nobody could buy.
https://rekt.news/venus-blizz-rekt
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.incidents.arena import ETH, Arena
from tests.incidents.fund import END, LOT, PRICE, START, at_price, buy, renew, start, stocked
from tests.incidents.weak import weakened
from tests.world import MAX, WAD, World, reverts

pytestmark = pytest.mark.covers("incident: stale or floored feed")

OUTAGE = 5 * 3_600
_AGED = "        return 0\n    return min(price, (bounds >> HI_SHIFT) & PRICE_MASK)"
NEVER_TOO_OLD = (_AGED, _AGED.replace("return 0", "price = price"))
_FLOORED = "    if answer < lowest or answer > highest or not self._keeps_decimals():\n"
BELIEVES_LIMITS = (_FLOORED, "    if not self._keeps_decimals():\n")
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


# a book


def lend_on_luna(arena: Arena, how: str) -> tuple[Fraction, str | None]:
    """Buy what is worth nothing any more, and borrow on what its feed last said of it.

    Returns the gain at the market's price, and why the loan was refused.
    """
    me, account = arena.attacker, arena.world.id(arena.attacker)
    arena.world.give(me, ETH, 10 * WAD)
    arena.must(me, arena.vault, "deposit", account, ETH, WAD)
    arena.market[ETH] = WAD // 1_000  # a tenth of a cent, and thousands of it for a coin
    before = arena.wealth(me, account)
    if how == "stale":
        arena.wait(arena.world.params.kinds[ETH].max_age + 60)
    else:
        # it says its lowest answer, and says it anew all the time
        governor, feed = arena.world.governor, arena.world.feeds[ETH]
        arena.must(governor, feed, "set_limits", 2_000 * 10**8, 10**15)
        arena.refresh()
    price = 2_000 * WAD
    legs, most = [(ETH, 9 * WAD)], 10 * price * 75 // 100
    ended = arena.try_(me, arena.vault, "adjust", account, legs, most, me, b"")
    return arena.wealth(me, account) - before, ended


@pytest.mark.covers("O02", "O13", "I36", "I64")
@pytest.mark.parametrize("how", ["stale", "floored"])
def test_nothing_is_lent_on_a_dead_feed_and_everything_can_be_taken_back(how: str) -> None:
    arena = Arena()
    gain, ended = lend_on_luna(arena, how)
    assert (gain, ended) == (0, "below initial margin")
    me, account = arena.attacker, arena.world.id(arena.attacker)
    arena.must(me, arena.vault, "deposit", account, ETH, 9 * WAD)
    arena.must(me, arena.vault, "withdraw", account, ETH, MAX, me)


@pytest.mark.covers("O01")
@pytest.mark.parametrize(("late", "reason"), [(0, None), (1, "below initial margin")])
def test_a_feed_is_good_to_the_second_of_its_age(late: int, reason: str | None) -> None:
    arena = Arena()
    arena.world.give(arena.owner, ETH, 10 * WAD)
    account = arena.world.id(arena.owner)
    arena.must(arena.owner, arena.vault, "deposit", account, ETH, 10 * WAD)
    arena.report(ETH, 2_000 * WAD)
    arena.wait(arena.world.params.kinds[ETH].max_age + late)
    borrow = ("borrow", account, 2_000 * WAD, arena.owner)
    assert arena.try_(arena.owner, arena.vault, *borrow) == reason


def test_a_hub_that_forgets_the_time_lends_on_luna() -> None:
    """The control: a day-old word of a price that nobody pays any more."""
    gain, ended = lend_on_luna(Arena(weakened("PriceHub", NEVER_TOO_OLD)), "stale")
    assert ended is None
    assert gain == 15_000 * WAD - WAD // 100


def test_an_adapter_that_believes_a_limit_lends_on_luna() -> None:
    """The control: the lowest that the feed can say, taken for what it says."""
    gain, ended = lend_on_luna(Arena(weakened("ChainlinkOracle", BELIEVES_LIMITS)), "floored")
    assert ended is None
    assert gain == 15_000 * WAD - WAD // 100
