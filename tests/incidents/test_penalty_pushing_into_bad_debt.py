# SPDX-License-Identifier: MIT
"""Penalty pushing into bad debt: what was solvent is made insolvent by being fined.

A liquidation penalty comes out of the same collateral as the debt. Taken in full from an account
that has less than that left, it is paid by the lenders: the buyer's money goes to the penalty, and
the debt that it did not reach is written off. Here the penalty is what is left above the debt, down
to nothing.
"""

from __future__ import annotations

import pytest

from tests.incidents.arena import ETH, LENT, Arena
from tests.incidents.test_liquidation_making_health_worse import ALWAYS, in_auction
from tests.incidents.weak import weakened
from tests.world import EMPTY, HEALTHY, MAX, WAD

pytestmark = pytest.mark.covers("incident: penalty pushing into bad debt")


def sell_out(arena: Arena, price: int) -> tuple[int, int]:
    """Sell all that is for sale a minute before the end; return what was paid, and the bad debt."""
    account = in_auction(arena, price * WAD, 119)
    before = arena.equity
    _, paid = arena.take(arena.attacker, account, ETH, MAX)
    bad = arena.bad_debt()
    assert arena.world.debt(account) == 0
    assert arena.world.state(account) in (EMPTY, HEALTHY)
    assert arena.equity - before == paid - LENT
    return paid, bad


@pytest.mark.covers("I48")
@pytest.mark.parametrize("price", [1_800, 1_790, 1_770, 1_750, 1_730, 1_710])
def test_who_can_pay_his_debt_pays_it_whatever_the_penalty(price):
    """From a penalty in full down to none; none of it becomes bad debt."""
    paid, bad = sell_out(Arena(), price)
    assert LENT <= paid <= LENT * 105 // 100
    assert bad == 0


@pytest.mark.covers("A11", "I48", "I52")
@pytest.mark.parametrize("price", [1_690, 1_500, 1_000])
def test_who_cannot_pays_no_penalty_at_all(price):
    """Every coin of the buyers' repays debt, and exactly the rest is bad."""
    paid, bad = sell_out(Arena(), price)
    assert paid < LENT
    assert bad == LENT - paid


def test_a_penalty_in_full_makes_bad_debt_of_a_solvent_account():
    """The control: the buyer pays more than the debt, and a part of it is written off."""
    weak = weakened("Vault", ALWAYS, file="modules/margin_math.vy")
    paid, bad = sell_out(Arena(weak), 1_730)
    assert paid > LENT
    assert bad == LENT - paid * 10_000 // 10_500 > 400 * WAD
    # and who could not pay anyhow is written off for more than he lacked
    paid, bad = sell_out(Arena(weak), 1_500)
    assert bad > LENT - paid
