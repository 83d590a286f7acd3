# SPDX-License-Identifier: MIT
"""Dust positions and dust leftovers, in a book: debts that cost more to call than they are worth.

A thousand debts of a coin each are nobody's business: no tip and no discount pays for the gas of
calling them, and once the price falls they are bad together. Here a debt is nothing or at least the
floor after every call of its owner, a repayment stops at the floor, and a sale leaves either none
of a debt, or the floor, or nothing for sale.
"""

from __future__ import annotations

import pytest

from surety.deploy import BookParams
from tests.incidents.arena import ETH, HOUR, Arena
from tests.incidents.weak import weakened
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: dust positions and dust leftovers")

FLOOR = 2_000 * WAD
TIPPED = BookParams(rate=0)
_CHECKED = "    if owed < debt_floor:\n"
NO_FLOOR = (_CHECKED, "    if owed < 1:\n")


def litter(arena: Arena) -> list[int]:
    """Try every way to leave a debt below the floor; return what all accounts owe, but nothing."""
    me, vault = arena.attacker, arena.vault
    arena.world.give(me, ETH, 500 * WAD)
    for sub in range(20):
        account = arena.world.id(me, sub)
        arena.must(me, vault, "deposit", account, ETH, 10 * WAD)
    ids = [arena.world.id(me, sub) for sub in range(20)]
    for id, amount in zip(ids, (1, WAD, FLOOR - 1, FLOOR), strict=False):
        arena.try_(me, vault, "borrow", id, amount, me)
    # repaid to a coin
    arena.must(me, vault, "borrow", ids[4], 2 * FLOOR, me)
    arena.try_(me, vault, "repay", ids[4], 2 * FLOOR - WAD)
    # moved away to a coin, or a coin moved away
    for at, amount in ((5, WAD), (7, 2 * FLOOR - WAD), (9, 2 * FLOOR - 1)):
        arena.must(me, vault, "borrow", ids[at], 2 * FLOOR, me)
        arena.try_(me, vault, "move", ids[at], ids[at + 1], [], amount)
        arena.try_(me, vault, "move", ids[at], ids[at + 1], [(ETH, WAD)], amount)
    # adjusted to a coin
    arena.must(me, vault, "borrow", ids[11], 2 * FLOOR, me)
    arena.try_(me, vault, "adjust", ids[11], [(ETH, -WAD)], WAD - 2 * FLOOR, me, b"")
    arena.try_(me, vault, "adjust", ids[12], [(ETH, WAD)], WAD, me, b"")
    return [owed for owed in map(arena.world.debt, ids) if owed]


@pytest.mark.covers("N10", "I44")
def test_no_call_of_an_owner_leaves_dust():
    owed = litter(Arena(book=TIPPED))
    assert sorted(set(owed)) == [FLOOR, 2 * FLOOR]
    assert owed.count(FLOOR) >= 3  # repayments stopped there, and one borrowed just that


@pytest.mark.covers("I44", "A12", "A13", "N10")
@pytest.mark.parametrize("amount", [1, 10**15, WAD // 100, WAD // 10, WAD // 2, WAD, MAX])
@pytest.mark.parametrize("debt", [FLOOR, FLOOR + 1, FLOOR + FLOOR // 50, 2 * FLOOR - 1])
def test_no_sale_leaves_dust_unless_there_is_nothing_left_to_sell(amount, debt):
    """Slice after slice of small debts, at the end of an auction: none, the floor, or no kind."""
    arena = Arena()
    account = arena.world.open([(ETH, -(-debt * 100 // 75 // 2_000))], debt)
    arena.fund_keepers(3 * FLOOR)
    arena.follow(ETH, 1_800 * WAD)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) + 2 * HOUR - 60)
    arena.refresh()
    me, reasons = arena.attacker, []
    for _ in range(6):
        reason = arena.try_(me, arena.vault, "take", account, ETH, amount, MAX, me, b"")
        owed, left = arena.world.debt(account), arena.balance(account, ETH)
        assert owed == 0 or owed >= FLOOR
        assert owed == 0 or left > 0
        reasons.append(reason)
    assert reasons[-1] in (
        "leaves dust", "account is covered", "kind not enabled", "not in auction", None,
    )  # fmt: skip


def test_a_book_without_a_floor_is_littered():
    """The control: debts of a wei and of a coin, whose calls bring a quarter of a cent."""
    arena = Arena(weakened("Vault", NO_FLOOR), book=TIPPED)
    owed = [debt for debt in litter(arena) if debt < FLOOR]
    assert len(owed) >= 5
    assert 1 in owed
    tips = sum(min(5 * WAD, debt // 400) for debt in owed if debt <= WAD)
    assert tips <= WAD // 100
