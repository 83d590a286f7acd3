# SPDX-License-Identifier: MIT
"""Price rounding to 0 (Resupply, June 2025): an exchange rate of 1e36 divided by too much.

A share was inflated until `1e36 / price` rounded down to 0, and a debt of ten millions times 0 was
within any limit. Here a price of 0 is no price: the kind has failed, keeps the `hi` it had and
lends nothing; and nothing that is sold, however little of it, costs less than a wei.
https://medium.com/@resupplyfi/resupply-post-mortem
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.deploy import MAJOR_LIMITS
from surety.formulas import margin_math
from tests.incidents.arena import ETH, HOUR, LENT, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import BPS, MAX, WAD

pytestmark = pytest.mark.covers("incident: price rounding to 0")

ZERO_IS_FAILURE = "    if price == 0:\n        return word | FAILED, 0, 0\n"
ZERO_IS_A_PRICE = (
    ZERO_IS_FAILURE,
    ZERO_IS_FAILURE.replace("price == 0", "restarted_at == SEQUENCER_DOWN"),
)
FAILED = 1 << 248


def attack(arena: Arena) -> Fraction:
    """Let the price round to 0, wait until the hub believes it, call, and buy; return the gain."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(10_000 * WAD)
    me, before = arena.attacker, arena.wealth(arena.attacker)
    arena.report(ETH, 0)  # the market trades on
    for _ in range(60):
        arena.wait(120)
        arena.poke(1 << ETH)
    arena.try_(me, arena.vault, "margin_call", account)
    arena.wait(HOUR)
    arena.try_(me, arena.vault, "take", account, ETH, MAX, MAX, me, b"")
    return arena.wealth(me) - before


@pytest.mark.covers("O03", "A04")
def test_a_price_of_nothing_sells_nothing():
    """Two hours of it move nothing: the last price stays, the kind has failed, no sale is made."""
    arena = Arena(limits=MAJOR_LIMITS)
    assert attack(arena) == 0
    assert arena.world.price(ETH) == 2_000 * WAD
    assert arena.hub.read("words", ETH) & FAILED != 0


@pytest.mark.covers("O03", "I36", "I64")
@pytest.mark.parametrize("answer", [0, 1])
def test_it_lends_nothing_either(answer):
    """Nor does the smallest answer of the feed, a hundred-millionth, which is below every bound."""
    arena = Arena()
    account = arena.world.open([(ETH, 10 * WAD)], 2_000 * WAD, owner=arena.attacker)
    arena.world.feeds[ETH].transact("set_answer", answer, sender=arena.world.governor)
    arena.wait(60)
    me = arena.attacker
    arena.refused("below initial margin", me, arena.vault, "borrow", account, 1, me)
    arena.refused("below initial margin", me, arena.vault, "withdraw", account, ETH, 1, me)
    arena.must(me, arena.vault, "repay", account, MAX)
    arena.must(me, arena.vault, "withdraw", account, ETH, MAX, me)


@pytest.mark.covers("I41")
@pytest.mark.parametrize(("hi", "decimals"), [(1, 18), (1, 6), (10**6, 18), (WAD, 18)])
@pytest.mark.parametrize("amount", [1, 2, 99])
def test_the_smallest_sale_costs_a_wei(hi, decimals, amount):
    """At any price and factor, and of any token: worth less than a wei, sold for one."""
    owed, balance = 10**30, 10**24
    for factor in (8_800, BPS, 10_100):
        sold, cost, repaid = margin_math.take_amounts(
            owed, 0, balance, amount, hi, decimals, factor, 7_500, 500, 1
        )
        assert sold == amount
        assert cost >= 1
        assert cost * 10**decimals * BPS >= sold * hi * factor
        assert repaid * (BPS + 500) <= cost * BPS


def test_a_hub_that_believes_in_nothing_gives_it_all_away():
    """The control: 0 taken for a price, and ten ether go for a few coins."""
    arena = Arena(weakened("PriceHub", ZERO_IS_A_PRICE), limits=MAJOR_LIMITS)
    assert attack(arena) > 10 * 2_000 * WAD - WAD
    assert arena.equity <= -LENT + WAD
