# SPDX-License-Identifier: MIT
"""No partial liquidation possible: an account too large for any buyer there is.

Where an account is sold whole or not at all, the largest ones are the safest to let go bad: nobody
has the money at the hour when it is needed, flash liquidity included. Here anybody buys as little
as he likes, down to what leaves no dust, and the sale stops once the account is at its target.
"""

from __future__ import annotations

import pytest

from tests.incidents.arena import ETH, HOUR, Arena
from tests.incidents.weak import weakened
from tests.world import AT_RISK, CALLABLE, HEALTHY, MAX, WAD

pytestmark = pytest.mark.covers("incident: no partial liquidation possible")

ETHER, DEBT = 1_000 * WAD, 1_500_000 * WAD
PURSE = 30_000 * WAD  # of each of the buyers: a fiftieth of the debt
_ANY = "    if amount == 0:\n        return reasons.ZERO_AMOUNT, 0, 0\n"
ALL_OR_NOTHING = (_ANY, _ANY.replace("amount == 0", "amount < ledger.balances[id][kind]"))


def sell(arena: Arena) -> tuple[int, int]:
    """Call a whale, and let a small buyer come every two minutes, with a new purse each time.

    Returns the account and how often something was sold.
    """
    world = arena.world
    account = world.open([(ETH, ETHER)], DEBT)
    world.give_coins(arena.keeper, 60 * PURSE)
    bank = arena.attacker
    spare = arena.coins(arena.keeper) - PURSE
    arena.must(arena.keeper, arena.coin, "transfer", bank, spare)
    arena.follow(ETH, 1_800 * WAD)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) - 60)
    sales = 0
    while arena.opens(account) != 0 and arena.now < arena.opens(account) + 2 * HOUR - 120:
        arena.refresh()
        for amount in (MAX, 16 * WAD, WAD):
            order = (account, ETH, amount, MAX, arena.keeper, b"")
            if arena.try_(arena.keeper, arena.vault, "take", *order) is None:
                sales += 1
                break
        # what was spent comes back from the market
        arena.must(bank, arena.coin, "transfer", arena.keeper, PURSE - arena.coins(arena.keeper))
        arena.wait(60)
    return account, sales


def test_small_buyers_bring_a_whale_back_to_its_target():
    arena = Arena()
    before = arena.equity
    account, sales = sell(arena)
    assert sales > 10
    assert arena.world.state(account) in (AT_RISK, HEALTHY)
    assert 0 < arena.balance(account, ETH) < ETHER
    debt, _, _, target, maintenance, _ = arena.world.levels(account)
    # the slice that covered it was a small one
    assert target < debt <= maintenance < debt + PURSE
    assert arena.equity > before  # the penalty of every slice


@pytest.mark.covers("I42")
@pytest.mark.parametrize("amount", [1, 10**9, WAD])
def test_any_amount_is_sold_exactly(amount):
    """At the price of the moment, rounded up; the debt falls by the cost less the penalty."""
    arena = Arena()
    account = arena.world.open([(ETH, ETHER)], DEBT)
    arena.fund_keepers(PURSE)
    arena.follow(ETH, 1_800 * WAD)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) - 60)
    arena.refresh()
    me, before = arena.attacker, arena.wealth(arena.attacker)
    sold, cost = arena.take(me, account, ETH, amount)
    assert sold == amount
    assert cost == -(-amount * 1_818 * WAD // WAD)  # 101 % of 1,800
    assert DEBT - arena.world.debt(account) == cost * 10_000 // 10_500
    assert arena.wealth(me) - before < 0


def test_a_book_that_sells_whole_lots_only_is_found():
    """The control: two hours of buyers, and not one of them can pay for all of it."""
    arena = Arena(weakened("Vault", ALL_OR_NOTHING))
    account, sales = sell(arena)
    assert sales == 0
    assert arena.balance(account, ETH) == ETHER
    arena.wait(HOUR)
    assert arena.world.state(account) == CALLABLE
    assert arena.world.debt(account) == DEBT
