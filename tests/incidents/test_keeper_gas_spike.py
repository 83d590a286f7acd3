# SPDX-License-Identifier: MIT
"""Keeper gas spike (12 March 2020): gas at twenty times its price, and hours without a keeper.

Keepers' transactions stuck for hours while auctions ran out, and whoever paid for the one that got
through was alone in the market. Here an auction that nobody reached is over: it does not go on
ripening, whoever comes first afterwards begins at the top of a fresh one, and a keeper needs one
transaction for all accounts rather than one or two for each.
https://blog.makerdao.com/the-market-collapse-of-march-12-2020-how-it-impacted-makerdao/
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.incidents.arena import ETH, HOUR, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import IN_AUCTION, MAX, WAD

pytestmark = pytest.mark.covers("incident: keeper gas spike")

FALLEN = 1_800 * WAD  # 15,000 of debt on 18,000: below maintenance, above close-out
PURSE = 100_000 * WAD
# an auction that waits for a buyer for a day, its price falling all the time
GOES_ON = ("    if now <= opens + duration:\n", "    if now <= opens + 12 * duration:\n")


def after_the_spike(arena: Arena, hours: int) -> tuple[int, int]:
    """Call an account, lose every keeper for hours after its grace; return id and opening."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(PURSE)
    arena.follow(ETH, FALLEN)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    opened = arena.opens(account)
    arena.at(opened + hours * HOUR - arena.world.params.fresh_for)
    arena.refresh()
    return account, opened


def attack(arena: Arena, hours: int) -> Fraction:
    """Be the first and only one after the spike: take, or call again and take; return the gain."""
    account, _ = after_the_spike(arena, hours)
    me, before = arena.attacker, arena.wealth(arena.attacker)
    if arena.try_(me, arena.vault, "take", account, ETH, MAX, MAX, me, b"") is not None:
        arena.must(me, arena.vault, "margin_call", account)
        arena.must(me, arena.vault, "take", account, ETH, MAX, MAX, me, b"")
    assert arena.held(me, ETH) > 0
    return arena.wealth(me) - before


@pytest.mark.covers("A02")
@pytest.mark.parametrize("hours", [3, 6, 15, 25])
def test_the_only_one_after_the_spike_pays_more_than_the_market(hours):
    """At the start factor of an auction of its own, however long nobody was there."""
    arena = Arena()
    before = arena.equity
    gain = attack(arena, hours)
    bought = arena.worth(ETH, arena.held(arena.attacker, ETH))
    assert gain <= 0
    assert -gain == pytest.approx(bought / 100, rel=Fraction(1, 10**12))  # 101 %
    assert arena.equity > before  # by the penalty


@pytest.mark.covers("A03", "I40")
def test_the_last_second_costs_the_end_factor_and_equity_nothing():
    """Who can keep everybody else out for two hours has the discount of the end, and no more."""
    arena = Arena()
    account, opened = after_the_spike(arena, 1)
    arena.at(opened + 2 * HOUR - arena.world.params.fresh_for)
    arena.refresh()
    equity, me = arena.equity, arena.attacker
    before = arena.wealth(me)
    sold, cost = arena.take(me, account, ETH)
    assert arena.now == opened + 2 * HOUR
    # all of the debt with its penalty of 5 %, at 88 % of 1,800
    assert cost == 15_750 * WAD
    assert sold == -(-15_750 * WAD // 1_584)
    # the documented discount, and a unit of the token by which the amount is rounded up
    most = arena.worth(ETH, sold) * 12 / 100 + arena.worth(ETH, 1)
    assert 0 < arena.wealth(me) - before <= most
    assert arena.equity >= equity
    arena.wait(1)
    arena.refused("not in auction", me, arena.vault, "take", account, ETH, 1, MAX, me, b"")


def test_one_transaction_calls_all_and_two_sell_all():
    """Forty accounts: gas at any price is paid for three transactions, not for eighty."""
    arena = Arena()
    ids = [open_at_the_limit(arena, sub=sub) for sub in range(40)]
    arena.fund_keepers(20 * PURSE)
    arena.follow(ETH, FALLEN)
    arena.must(arena.keeper, arena.vault, "margin_calls", ids)
    assert all(arena.opens(id) == arena.now + HOUR for id in ids)
    arena.wait(HOUR)
    assert {arena.world.state(id) for id in ids} == {IN_AUCTION}
    for some in (ids[:32], ids[32:]):
        orders = [(id, ETH, MAX, MAX) for id in some]
        arena.must(arena.keeper, arena.vault, "takes", orders, arena.keeper)
    assert all(arena.opens(id) == 0 for id in ids)  # at its target, and cleared
    assert all(arena.balance(id, ETH) > 0 for id in ids)


def test_an_auction_that_goes_on_is_a_gift_to_who_gets_through():
    """The control: fifteen hours on, ten ether for a thirtieth of their worth, and a bad debt."""
    arena = Arena(weakened("Vault", GOES_ON, file="modules/margin_math.vy"))
    before = arena.equity
    assert attack(arena, 15) > 17_000 * WAD
    assert arena.equity - before < -14_000 * WAD
