# SPDX-License-Identifier: MIT
"""Ask the lens what will be at the very second of a transaction, then send it and compare."""

from __future__ import annotations

from typing import Any, NamedTuple

from surety.chain import Receipt
from surety.formulas import margin_math
from tests.world import World, reverts


class Outcome(NamedTuple):
    """What a preview says of an account."""

    reason: str
    levels: tuple[int, ...]
    state: int
    health_factor: int
    collateral_mask: int
    auction_start: int
    repaid: int


def ask(world: World, at: int, fn: str, *args: Any) -> Any:
    """Read a view of the lens as of second `at`, in a block that is undone."""
    with world.snapshot():
        world.next_at(at)
        world.rpc.mine()
        return world.lens.read(fn, world.vault.address, *args)


def check_account(world: World, id: int, told: Outcome) -> None:
    """Assert that the account is what was told of it, to the wei."""
    account = world.account(id)
    assert told.levels == world.levels(id)
    assert told.state == world.state(id)
    assert told.collateral_mask == account.collateral_mask
    assert told.auction_start == account.auction_start
    debt, _, _, _, maintenance, _ = told.levels
    assert told.health_factor == margin_math.health_factor_down(debt, maintenance)


def foresee(
    world: World, id: int, legs: list[tuple[int, int]], debt_delta: int, sender: str | None = None
) -> Outcome:
    """Preview an `adjust`, send it at that second, and assert that exactly this happened."""
    sender = sender or world.owner
    at = world.now + 1
    told = Outcome(*ask(world, at, "preview_adjust", id, legs, debt_delta))
    args = (id, legs, debt_delta, sender, b"")
    coins = world.coin.read("balanceOf", sender)
    world.next_at(at)
    if told.reason:
        with reverts(told.reason):
            world.vault.transact("adjust", *args, sender=sender)
        return told
    world.vault.transact("adjust", *args, sender=sender)
    check_account(world, id, told)
    paid = coins + max(debt_delta, 0) - world.coin.read("balanceOf", sender)
    assert told.repaid == paid
    return told


def call(world: World, id: int) -> Receipt:
    """Call an account in."""
    return world.vault.transact("margin_call", id, sender=world.keeper)


def end(world: World) -> None:
    """Shut the book down, at prices that are live and confirmed."""
    world.follow(*(world.price(kind) for kind in range(len(world.tokens))))
    settlement = world.contract("Settlement", world.system.settlement)
    settlement.transact("shutdown", world.vault.address, sender=world.governor)
