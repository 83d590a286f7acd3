# SPDX-License-Identifier: MIT
"""Check and effect at two prices in one transaction: judged by one number, paid by another.

Where a limit is checked at one price and the money moves at another, whoever can choose the moment
between the two, or only needs them to differ, is paid the difference. Here a liquidation is judged
and paid at `hi`, a loan at `lo` alone; the hub asks an oracle once in a block at most, and a
callback comes after everything was computed.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.deploy import MAJOR_LIMITS
from tests.incidents.arena import ETH, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import IN_AUCTION, MAX, WAD

pytestmark = pytest.mark.covers("incident: check/effect at two prices in one transaction")

LOW, NOW = 1_680 * WAD, 1_780 * WAD
# the account is judged at `hi`, and its buyer pays by `lo`
_SOLD = "                found.hi = hi\n"
PAYS_LO = (_SOLD, "                found.hi = price & price_word.PRICE_MASK\n")


def attack(arena: Arena) -> tuple[Fraction, Fraction]:
    """Wait for a fall and half a recovery, between which `lo` lags; buy, return gain and bought."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(20_000 * WAD)
    arena.trade(ETH, LOW)
    for _ in range(25):
        arena.refresh()
    me = arena.attacker
    arena.must(me, arena.vault, "margin_call", account)
    arena.at(max(arena.now, arena.opens(account)))
    arena.trade(ETH, NOW)
    arena.wait(60)
    assert arena.world.state(account) == IN_AUCTION
    before = arena.wealth(me)
    sold, _ = arena.take(me, account, ETH)
    word = arena.hub.read("words", ETH)
    assert word % 2**88 < arena.market[ETH] <= word >> 88 & 2**88 - 1  # the two prices differ
    return arena.wealth(me) - before, arena.worth(ETH, sold)


def test_who_buys_between_two_prices_pays_the_higher():
    gain, bought = attack(Arena(limits=MAJOR_LIMITS))
    # 101 % at the start, less 13 points in two hours for a minute of it
    assert gain <= 0
    assert -gain == pytest.approx(bought * Fraction(90, 10_000), rel=Fraction(1, 10**12))


def test_paying_by_the_other_price_is_found():
    """The control: `lo` has not followed, and the buyer has what it lags behind."""
    gain, bought = attack(Arena(weakened("Vault", PAYS_LO), limits=MAJOR_LIMITS))
    assert gain > bought * Fraction(1, 100)


class Buyer:
    """A contract that buys with a callback, in which it moves the price."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.actor = arena.deploy("MockActor")
        self.me = self.actor.address
        self.account = open_at_the_limit(arena)
        arena.world.give_coins(self.me, 40_000 * WAD)
        arena.follow(ETH, NOW)
        arena.must(arena.attacker, arena.vault, "margin_call", self.account)
        arena.at(arena.opens(self.account))
        arena.refresh()

    def moves(self, price: int) -> None:
        """Let the callback move the market and tell the hub."""
        feed, hub = self.arena.world.feeds[ETH], self.arena.hub
        steps = [
            (feed.address, feed.encode("set_answer", price // 10**10)),
            (hub.address, hub.encode("poke", 1)),
        ]
        self.arena.must(self.arena.attacker, self.actor, "set_steps", steps)

    def take(self, amount: int) -> int:
        """Buy a part, moving the price meanwhile; return what it cost."""
        before = self.arena.coins(self.me)
        args = (self.account, ETH, amount, MAX, self.me, b"\x01")
        call = self.arena.vault.encode("take", *args)
        vault = self.arena.vault.address
        self.arena.must(self.arena.attacker, self.actor, "execute", vault, call)
        return before - self.arena.coins(self.me)


@pytest.mark.covers("O22", "O24")
@pytest.mark.parametrize("price", [NOW // 2, 2 * NOW])
def test_a_callback_moves_no_price_of_its_own_transaction(price):
    """Nor of the next one in the same block; a minute later the hub has heard of it."""
    arena = Arena()
    buyer = Buyer(arena)
    with arena.snapshot():
        fair = buyer.take(WAD)
    buyer.moves(price)
    word = arena.hub.read("words", ETH)
    assert buyer.take(WAD) == fair
    assert buyer.take(WAD) == fair
    assert arena.hub.read("words", ETH) == word
    arena.wait(60)
    arena.poke(1)
    assert arena.world.price(ETH) == price
    assert arena.hub.read("words", ETH) != word


@pytest.mark.covers("M01", "O24")
def test_nobody_opens_high_and_sells_himself_low_in_one_block():
    """A loan at `lo`, a call at `hi`, and no close-out in the block of one's own risky act."""
    arena = Arena()
    me = arena.attacker
    before = arena.wealth(me)
    account = arena.world.id(me)
    arena.world.give(me, ETH, 10 * WAD)
    arena.must(me, arena.vault, "deposit", account, ETH, 10 * WAD)
    arena.wait(60)
    arena.must(me, arena.vault, "borrow", account, 15_000 * WAD, me)
    arena.report(ETH, NOW // 2)
    arena.poke(1)
    arena.refused("account is covered", me, arena.vault, "margin_call", account)
    gained = arena.wealth(me, account) - before
    assert gained == arena.worth(ETH, 10 * WAD)  # what was given, and nothing else
