# SPDX-License-Identifier: MIT
"""Among any number of other accounts, what the steps of an account cost is always the same."""

from __future__ import annotations

import pytest

from tests.unit.vault_liquidation.moves import BTC, DURATION, ETH, GRACE
from tests.world import GENESIS, MAX, WAD, World

START = GENESIS + 30 * 86_400
LENT = 15_000 * WAD


def costs(world: World, others: int, wbtc: int = 0) -> dict[str, int]:
    """Return the gas of each step of an account's life among so many others, at the same seconds.

    All of them are callable when it is, and all are called but one. With `wbtc` base units it has
    a second kind.
    """
    vault, owner, keeper = world.vault, world.owner, world.keeper
    found: dict[str, int] = {}

    def priced(at: int, price: int) -> None:
        world.next_at(at)
        for kind, each in enumerate((price, 40_000 * WAD, WAD)):
            world.set_price(kind, each)
        world.hub.transact("poke", 7, sender=keeper)
        vault.transact("accrue", sender=keeper)

    def step(at: int, fn: str, *args: object, sender: str = owner) -> None:
        world.next_at(at)
        found[fn] = vault.transact(fn, *args, sender=sender).gas_used

    with world.snapshot():
        world.give_coins(keeper, 50_000 * WAD)
        legs = [(ETH, 10 * WAD), (BTC, wbtc)] if wbtc else [(ETH, 10 * WAD)]
        mine = world.open(legs, LENT)
        crowd = [
            world.open([(ETH, 10 * WAD)], LENT, owner=world.other, sub=sub) for sub in range(others)
        ]
        world.give(owner, ETH, WAD)
        priced(START, 2_000 * WAD)
        step(START + 10, "deposit", mine, ETH, WAD)
        step(START + 11, "borrow", mine, WAD, owner)
        step(START + 12, "repay", mine, WAD)
        step(START + 13, "withdraw", mine, ETH, WAD, owner)
        priced(START + 100, 1_850 * WAD)
        world.next_at(START + 110)
        called = vault.transact("margin_calls", crowd[1:], sender=keeper)
        assert sum(each.name == "MarginCalled" for each in world.events(called)) == others - 1
        step(START + 111, "margin_call", mine, sender=keeper)
        opens = START + 111 + GRACE
        priced(opens, 1_850 * WAD)
        step(opens + 10, "take", mine, ETH, WAD, MAX, keeper, b"", sender=keeper)
        priced(opens + DURATION, 1_500 * WAD)
        step(opens + DURATION + 10, "absorb", mine, sender=keeper)
    return found


@pytest.mark.covers("I70")
def test_what_a_step_costs_depends_on_no_other_account(base_world: World) -> None:
    """Equal to the unit of gas; the account's own kinds do count, the control."""
    alone = costs(base_world, 1)
    assert costs(base_world, 30) == alone
    with_two = costs(base_world, 1, wbtc=1)
    for fn in ("borrow", "withdraw", "margin_call", "take", "absorb"):
        assert with_two[fn] > alone[fn]
