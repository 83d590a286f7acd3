# SPDX-License-Identifier: MIT
"""1-wei front-run reverting a liquidation: paid a wei before it, and no longer exact.

Where a liquidation names an exact amount and reverts if that is no longer there, its victim, or a
rival, sends a wei of repayment, deposit or purchase in the same block, again and again. Here every
amount is the most that is wanted: what is left of it is done. A batch skips what has gone.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from tests.incidents.arena import ETH, HOUR, LENT, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: 1-wei front-run reverting a liquidation")

PRICE = 1_700 * WAD  # below close-out and above the debt: sold whole at the end
_ANY = "    if amount == 0:\n        return reasons.ZERO_AMOUNT, 0, 0\n"
EXACT = (_ANY, _ANY.replace("amount == 0:", "amount == 0 or amount > ledger.balances[id][kind]:"))


def ripe(arena: Arena) -> int:
    """Have an account of which all is for sale, an hour and more into its auction."""
    account = open_at_the_limit(arena)
    arena.fund_keepers(40_000 * WAD)
    arena.follow(ETH, PRICE)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) + 2 * HOUR - 660)
    arena.refresh()
    return account


def repays(arena: Arena, account: int) -> None:
    arena.must(arena.attacker, arena.vault, "repay", account, 1)


def deposits(arena: Arena, account: int) -> None:
    arena.world.give(arena.attacker, ETH, 1)
    arena.must(arena.attacker, arena.vault, "deposit", account, ETH, 1)


def buys(arena: Arena, account: int) -> None:
    me = arena.attacker
    arena.must(me, arena.vault, "take", account, ETH, 1, MAX, me, b"")


def calls_and_cures(arena: Arena, account: int) -> None:
    me = arena.attacker
    assert arena.try_(me, arena.vault, "margin_call", account) == "already called"
    assert arena.try_(me, arena.vault, "cure", account) == "not curable"
    assert arena.try_(me, arena.vault, "absorb", account) == "not absorbable"


FRONT_RUNS = (repays, deposits, buys, calls_and_cures)


@pytest.mark.covers("M09")
@pytest.mark.parametrize("first", FRONT_RUNS)
@pytest.mark.parametrize("amount", [10 * WAD - 1, 10 * WAD, 10 * WAD + 1, MAX])
def test_a_wei_before_it_takes_a_wei_off_it(
    first: Callable[[Arena, int], None], amount: int
) -> None:
    """Sold whole but for the wei, for the same price each; and the front-runner gained nothing."""
    arena = Arena()
    account = ripe(arena)
    with arena.snapshot():
        sold, cost = arena.take(arena.keeper, account, ETH, amount)
    before = arena.wealth(arena.attacker)
    first(arena, account)
    # whoever buys a wei has the discount of a wei
    assert arena.wealth(arena.attacker) - before <= arena.worth(ETH, 1) * 12 / 100
    late, late_cost = arena.take(arena.keeper, account, ETH, amount)
    assert abs(late - sold) <= 1
    assert abs(late_cost - cost) <= 2_000


@pytest.mark.covers("M04", "I38")
@pytest.mark.parametrize("first", FRONT_RUNS)
def test_a_wei_before_the_end_moves_no_clock(first):
    """Again and again, from grace to the last second: it opens and closes when it did."""
    arena = Arena()
    account = ripe(arena)
    opened = arena.opens(account)
    for _ in range(40):
        first(arena, account)
        arena.wait(12)
        assert arena.opens(account) == opened
    arena.at(opened + 2 * HOUR + 1)
    arena.refused("absorb instead", arena.attacker, arena.vault, "margin_call", account)


@pytest.mark.parametrize("first", FRONT_RUNS)
def test_a_batch_skips_what_has_gone_and_sells_the_rest(first):
    arena = Arena()
    ids = [open_at_the_limit(arena, sub=sub) for sub in (1, 2)]
    arena.fund_keepers(80_000 * WAD)
    account = ripe(arena)
    arena.must(arena.keeper, arena.vault, "margin_calls", ids)
    first(arena, account)
    # one account is bought out before the batch
    arena.must(arena.attacker, arena.vault, "repay", ids[0], MAX)
    orders = [(id, ETH, MAX, MAX) for id in (*ids, account)]
    arena.must(arena.keeper, arena.vault, "takes", orders, arena.keeper)
    assert arena.balance(ids[0], ETH) == 10 * WAD
    assert [arena.balance(id, ETH) < 7 * WAD for id in (ids[1], account)] == [True, True]


@pytest.mark.covers("M09")
@pytest.mark.parametrize("most", [LENT, LENT + 1, MAX])
def test_repaying_all_is_not_spoilt_by_a_wei_repaid_before(most):
    arena = Arena()
    account = open_at_the_limit(arena)
    arena.fund_keepers(LENT)
    repays(arena, account)
    arena.must(arena.owner, arena.vault, "repay", account, most)
    assert arena.world.debt(account) == 0
    assert arena.coins(arena.owner) == 1


def grief(arena: Arena) -> tuple[int, Fraction]:
    """Buy a wei before each of a keeper's ten exact orders; return what was left and was lost."""
    account = ripe(arena)
    before = arena.wealth(arena.attacker)
    for _ in range(10):
        wanted = arena.balance(account, ETH)
        if wanted == 0 or arena.world.debt(account) == 0:
            break
        buys(arena, account)
        order = (account, ETH, wanted, MAX, arena.keeper, b"")
        arena.try_(arena.keeper, arena.vault, "take", *order)
        arena.wait(12)
    return arena.balance(account, ETH), before - arena.wealth(arena.attacker)


def test_nobody_holds_a_sale_up_by_a_wei():
    left, _ = grief(Arena())
    assert left < WAD


def test_a_book_that_wants_exact_amounts_is_found():
    """The control: ten wei bought, ten orders reverted, and nothing of the ten ether sold."""
    left, lost = grief(Arena(weakened("Vault", EXACT)))
    assert left == 10 * WAD - 10
    assert lost < 10 * 2_000  # wei: what it costs
