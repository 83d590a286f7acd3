# SPDX-License-Identifier: MIT
"""Liquidation making health worse: each slice leaves less behind a debt than it takes off.

Where a liquidation pays its buyer and its protocol more than the account has left, the account is
deeper under water after each slice, is liquidated again, and ends as bad debt that the first slice
made. Here the penalty gives way before that happens: an account that its sale can pay for is never
worse off for being sold, and none ever gets further below maintenance.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from tests.incidents.arena import ETH, LENT, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import IN_AUCTION, WAD

pytestmark = pytest.mark.covers("incident: liquidation making health worse")

_WAIVED = "min(penalty, unsafe_sub(sale_value, debt) * BPS // debt) if sale_value > debt else 0"
ALWAYS = ("    return " + _WAIVED + "\n", "    return penalty\n")


def in_auction(arena: Arena, price: int, minutes: int) -> int:
    """Have an account of ten ether some minutes into its auction, at a price."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(30_000 * WAD)
    arena.follow(ETH, price)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    opens = arena.opens(account)
    arena.at(max(arena.now, opens + 60 * minutes - 60))
    arena.refresh()
    assert arena.world.state(account) == IN_AUCTION
    return account


def slices(arena: Arena, account: int, amount: int) -> list[tuple[Fraction, int]]:
    """Sell it in slices while anything is for sale.

    Returns debt / value and debt - maintenance before each and after the last.
    """
    found = []
    for _ in range(25):
        debt, worth, _, _, maintenance, _ = arena.world.levels(account)
        if worth == 0:
            break
        found.append((Fraction(debt, worth), debt - maintenance))
        order = (account, ETH, amount, 2**255, arena.attacker, b"")
        if arena.try_(arena.attacker, arena.vault, "take", *order) is not None:
            break
    assert len(found) > 1
    return found


@pytest.mark.covers("I45")
@pytest.mark.parametrize("price", [1_870, 1_800, 1_760, 1_730, 1_705])
@pytest.mark.parametrize("minutes", [2, 60, 119])
def test_no_slice_leaves_an_account_worse(price, minutes):
    """While what is sold covers the debt: 88 % of its worth at the end of an auction."""
    arena = Arena()
    account = in_auction(arena, price * WAD, minutes)
    found = slices(arena, account, WAD // 2)
    for (ratio, deficit), (after, deficit_after) in pairwise(found):
        assert after <= ratio
        assert deficit_after <= deficit


@pytest.mark.parametrize("price", [1_600, 1_500])
def test_who_cannot_pay_at_all_gets_no_further_below_maintenance(price):
    """Insolvent at its sale: nothing makes that good, and no penalty makes it worse."""
    arena = Arena()
    account = in_auction(arena, price * WAD, 119)
    found = slices(arena, account, WAD // 2)
    deficits = [deficit for _, deficit in found]
    assert deficits == sorted(deficits, reverse=True)


@pytest.mark.covers("I48")
@pytest.mark.parametrize("amount", [WAD // 7, WAD // 2, 2**255])
@pytest.mark.parametrize("minutes", [2, 60, 119])
def test_the_owner_is_charged_the_discount_and_the_penalty_and_no_more(amount, minutes):
    """Slices or one sale: what the owner loses is what buyers gain and what equity gains."""
    arena = Arena()
    account = in_auction(arena, 1_800 * WAD, minutes)
    owner = arena.wealth(arena.owner, account)
    before, equity = arena.wealth(arena.attacker), arena.equity
    paid, sales = 0, 0
    while arena.world.state(account) == IN_AUCTION:
        paid += arena.take(arena.attacker, account, ETH, amount)[1]
        sales += 1
    lost = owner - arena.wealth(arena.owner, account)
    gain = arena.wealth(arena.attacker) - before
    earned = arena.equity - equity
    assert lost == gain + earned
    # 5 % of the debt repaid, and a wei a sale by which that is rounded down
    assert 0 <= earned - paid * 500 / Fraction(10_500) <= sales


def test_a_penalty_that_never_gives_way_is_found():
    """The control: at 86.7 % of its worth the account is worse off after each half ether."""
    arena = Arena(weakened("Vault", ALWAYS, file="modules/margin_math.vy"))
    account = in_auction(arena, 1_730 * WAD, 119)
    found = slices(arena, account, WAD // 2)
    assert found[0][0] == Fraction(LENT, 17_300 * WAD)
    assert all(after > before for (before, _), (after, _) in pairwise(found))
