# SPDX-License-Identifier: MIT
"""Tiny oracle glitch liquidating at once (Aave CAPO, March 2026): 2.85 % under the market.

A cap on a staked ether's growth was set a little too low for some time; accounts near their limit,
healthy at any market price, were liquidated in the same minutes for 27 million dollars. Here a fall
below maintenance starts a clock of an hour, in which nothing is sold and after which nothing can be
when the price is back; a larger print is confirmed before it can do without that hour.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.compile import Artifact
from surety.deploy import MAJOR_LIMITS, BookParams, Limits
from tests.incidents.arena import ETH, HOUR, LENT, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import AT_RISK, CALLABLE, CALLED, MAX, WAD

pytestmark = pytest.mark.covers("incident: tiny oracle glitch liquidating at once")

TRUE = 1_899 * WAD  # of ten ether that owe 15,000: 79 %, covered
GLITCH = TRUE * 9_715 // 10_000  # 81.3 %, below maintenance
PRINT = 1_350 * WAD  # below close-out, for a block
LONG = 40 * 60
_GRACE = "        if first and not immediate:\n"
NO_GRACE = (_GRACE, _GRACE.replace("not immediate", "immediate"))
_JUMP = "confirms or price * BPS < hi * (BPS - min(jump, BPS)) or price * BPS > lo * (BPS + jump):"
NO_JUMP = (_JUMP, "confirms:")


def glitch(arena: Arena) -> tuple[int, Fraction]:
    """Be first when the feed is 2.85 % low for forty minutes; return the account and the gain."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(20_000 * WAD)
    arena.follow(ETH, TRUE)
    assert arena.world.state(account) == AT_RISK
    me, before = arena.attacker, arena.wealth(arena.attacker)
    arena.report(ETH, GLITCH)
    arena.wait(60)
    assert arena.try_(me, arena.hub, "poke", 1) is None
    arena.must(me, arena.vault, "margin_call", account)
    for _ in range(LONG // 60):
        arena.refresh()  # the market as it was, the feed as it is
        if arena.now - arena.opens(account) > LONG - 120:
            arena.try_(me, arena.vault, "take", account, ETH, MAX, MAX, me, b"")
    arena.report(ETH, TRUE)
    return account, arena.wealth(me) - before


@pytest.mark.covers("I37", "M03")
def test_nobody_is_sold_in_a_glitch_shorter_than_the_grace():
    arena = Arena()
    account, gain = glitch(arena)
    assert gain == 0
    assert arena.balance(account, ETH) == 10 * WAD
    arena.refresh()
    assert arena.world.state(account) == AT_RISK  # the clock lies dormant
    me = arena.attacker
    arena.at(arena.opens(account) + HOUR)
    arena.refresh()
    arena.refused("account is covered", me, arena.vault, "take", account, ETH, 1, MAX, me, b"")
    # and its owner is rid of the clock by one repayment and a cure
    arena.must(arena.owner, arena.vault, "repay", account, 800 * WAD)
    arena.must(me, arena.vault, "cure", account)
    assert arena.opens(account) == 0


@pytest.mark.parametrize("tip", [0, 5])
def test_the_call_in_a_glitch_brings_a_tip_at_most(tip):
    arena = Arena(book=BookParams(rate=0, call_tip=tip * WAD))
    account, gain = glitch(arena)
    assert gain == tip * WAD
    assert arena.world.debt(account) == LENT + tip * WAD


def test_a_call_without_grace_is_found():
    """The control: called, and bought at 97 % of a price that is 2.85 % low."""
    _, gain = glitch(Arena(weakened("Vault", NO_GRACE)))
    assert gain > 200 * WAD


def one_print(limits: Limits, *weak: Artifact, price: int = PRINT) -> tuple[Arena, int, Fraction]:
    """Let the feed say a third less, or more, for a minute after two quiet ones, and be first."""
    arena = Arena(*weak, limits=limits, confirm_period=1_200)
    account = open_at_the_limit(arena)
    arena.fund_keepers(20_000 * WAD)
    arena.wait(120)
    me, before = arena.attacker, arena.wealth(arena.attacker)
    arena.report(ETH, price)
    arena.must(me, arena.vault, "margin_call", account)
    state = arena.world.state(account)
    arena.try_(me, arena.vault, "take", account, ETH, MAX, MAX, me, b"")
    arena.report(ETH, 2_000 * WAD)
    return arena, state, arena.wealth(me) - before


@pytest.mark.covers("O14")
@pytest.mark.parametrize("price", [PRINT, 800 * WAD])
def test_a_print_below_close_out_gets_its_grace_and_is_gone(price):
    """Under the usual limits it counts for a fifth: called, not sold, healthy in a minute."""
    arena, state, gain = one_print(MAJOR_LIMITS, price=price)
    account = arena.world.id(arena.owner)
    assert (state, gain) == (CALLED, 0)
    assert arena.opens(account) == arena.now + HOUR
    arena.wait(60)
    arena.poke(1)
    arena.must(arena.attacker, arena.vault, "cure", account)
    assert arena.balance(account, ETH) == 10 * WAD
    assert arena.world.state(account) not in (CALLABLE, CALLED)


def test_a_print_that_nobody_confirms_is_found():
    """The control: a hub without a jump, and the account is bought out in the print's block."""
    _, _, gain = one_print(MAJOR_LIMITS, weakened("PriceHub", NO_JUMP))
    assert gain > 2_000 * WAD
