# SPDX-License-Identifier: MIT
"""Overflow bricking accrual: a book that nobody touched for a hundred years still works.

Markets of the Compound family refuse to accrue above a largest rate ("borrow rate is absurdly
high"), and with the accrual every function that begins with it: repayment, withdrawal, liquidation.
Here growth saturates, by step and by index, and the sums that follow fit 256 bits.
"""

from __future__ import annotations

import pytest

from surety.chain import Reverted
from surety.formulas import margin_math
from tests.incidents.weak import revm_world, weakened
from tests.world import CALLABLE, MAX, RAY, WAD, World, reverts

pytestmark = pytest.mark.covers("incident: overflow bricking accrual after 100 idle years")

YEAR = 365 * 86_400
IDLE = 100 * YEAR
MAX_RATE = RAY // YEAR + 1
# what those markets do: refuse instead of saturating
_SATURATES = "    x: uint256 = min(rate * elapsed, MAX_GROWTH_RAY)\n"
_REFUSES = '    assert x <= MAX_GROWTH_RAY, "rate is absurdly high"\n'
REFUSING = (_SATURATES, "    x: uint256 = rate * elapsed\n" + _REFUSES)


def fall_asleep(world: World, times: int) -> tuple[int, int, int]:
    """Open a safe, a called and an empty account, and wait; nothing is poked in between."""
    world.vault.transact("set_rate", MAX_RATE, sender=world.governor)
    safe = world.open([(0, 1_000 * WAD)], 2_000 * WAD)
    near = world.open([(1, 10 * 10**8)], 250_000 * WAD, sub=1)
    free = world.open([(2, 5_000 * 10**6)], 0, sub=2)
    for _ in range(times):
        world.forward(IDLE)
    return safe, near, free


@pytest.mark.covers("I19", "N08", "M07")
@pytest.mark.parametrize("centuries", [1, 7])
def test_everything_works_after_idle_centuries(centuries):
    """Views, accrual, a new rate, deposits, withdrawals, calls, sales, repayment: none reverts."""
    world = revm_world()
    safe, near, free = fall_asleep(world, centuries)
    vault = world.vault
    index = vault.read("live_index")
    assert 10**8 * RAY < index < 2**128
    normalized = world.account(safe).normalized_debt
    assert world.debt(safe) == margin_math.debt_up(normalized, index)
    surplus, deficit = world.fund.read("equity")
    assert surplus > 0 == deficit
    assert vault.read("total_debt") > 10**8 * 250_000 * WAD

    world.give(world.owner, 0, WAD)
    vault.transact("deposit", safe, 0, WAD, sender=world.owner)
    vault.transact("withdraw", free, 2, MAX, world.owner, sender=world.owner)
    world.follow(2_000 * WAD, 40_000 * WAD, WAD)
    assert world.state(near) == CALLABLE
    world.forward(12)
    vault.transact("margin_call", near, sender=world.keeper)
    # whoever buys needs coins: another minter's, far above what this book ever minted
    world.coin.transact("set_ceiling", world.governor, 2**119, sender=world.governor)
    world.coin.transact("mint", world.keeper, 2**118, sender=world.governor)
    vault.transact("take", near, 1, 10**8, MAX, world.keeper, b"", sender=world.keeper)
    assert world.tokens[1].read("balanceOf", world.keeper) == 10**8

    vault.transact("repay", safe, world.debt(safe) // 2, sender=world.keeper)
    vault.transact("repay", safe, MAX, sender=world.keeper)
    vault.transact("repay", near, MAX, sender=world.keeper)
    assert world.debt(safe) == world.debt(near) == 0 == vault.read("total_debt")
    for account, kind in ((safe, 0), (near, 1)):
        vault.transact("withdraw", account, kind, MAX, world.owner, sender=world.owner)
        assert world.total(kind) == 0
    vault.transact("set_rate", 1, sender=world.governor)
    vault.transact("accrue", sender=world.stranger)


@pytest.mark.covers("I19")
def test_the_index_stops_at_its_field__and_stays_usable():
    """After centuries with a poke in each the field is full; new debts still add up."""
    world = revm_world()
    fall_asleep(world, 0)
    for _ in range(3):
        world.forward(IDLE)
        world.vault.transact("accrue", sender=world.stranger)
    full = 2**128 - 1
    assert world.vault.read("live_index") == full
    world.forward(IDLE)
    assert world.vault.read("live_index") == full == world.vault.read("interest") % 2**128
    world.follow(2_000 * WAD, 40_000 * WAD, WAD)
    late = world.open([(0, 10 * WAD)], 2_000 * WAD, sub=9)
    assert 2_000 * WAD <= world.debt(late) <= 2_000 * WAD + full // RAY + 1


def test_a_book_that_refuses_large_growth_is_lost():
    """The control: with a limit in place of saturation nothing moves any more, for ever."""
    world = revm_world(weakened("Vault", REFUSING, file="modules/margin_math.vy"))
    safe, near, _ = fall_asleep(world, 1)
    for sender, function, *args in (
        (world.stranger, "accrue"),
        (world.owner, "repay", safe, 1),
        (world.owner, "borrow", safe, WAD, world.owner),
        (world.keeper, "margin_call", near),
        (world.governor, "set_rate", 0),
    ):
        with reverts("rate is absurdly high"):
            world.vault.transact(function, *args, sender=sender)
    with pytest.raises(Reverted):
        world.fund.read("equity")
