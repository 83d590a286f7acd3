# SPDX-License-Identifier: MIT
"""A book that is shut down: what goes on is previewed to the wei, what does not is said so."""

from __future__ import annotations

import pytest

from surety.compile import artifact
from tests.unit.lens.foresight import ask, call, end, foresee
from tests.world import EMPTY, HEALTHY, IN_AUCTION, MAX, WAD, World, reverts

SETTLING = 7
DEBT = 14_000 * WAD


@pytest.fixture
def shut(world: World) -> tuple[World, int, int]:
    """A book that ends while one account is in auction and another owes nothing."""
    owing = world.open([(0, 10 * WAD)], DEBT)
    free = world.open([(0, WAD), (2, 10**9)], 0, sub=1)
    world.follow(1_500 * WAD)
    call(world, owing)
    assert world.state(owing) == IN_AUCTION
    end(world)
    return world, owing, free


def account(world: World, id: int) -> dict[str, int]:
    """Return what the lens says of an account, by name."""
    (entry,) = [entry for entry in artifact("Lens").abi if entry.get("name") == "account_of"]
    names = [part["name"] for part in entry["outputs"][0]["components"]]
    return dict(zip(names, world.lens.read("account_of", world.vault.address, id), strict=True))


def test_a_debt_is_settling__and_no_auction_runs(shut):
    world, owing, free = shut
    vault = world.vault.address
    states = world.lens.read("states_of", vault, [owing, free, world.id(world.stranger)])
    assert states == (SETTLING, HEALTHY, EMPTY)
    told = account(world, owing)
    assert told["auction_start"] == world.account(owing).auction_start != 0
    assert (told["opens_at"], told["closes_at"], told["absorbable_until"]) == (0, 0, 0)
    assert [held[-1] for held in world.lens.read("holdings_of", vault, owing)] == [0]
    assert world.lens.read("auctions", vault, [owing, free]) == ()
    assert world.lens.read("callable_accounts", vault, [owing, free]) == 0
    with reverts("not in auction"):
        world.lens.read("auction_price", vault, owing, 0, world.now)
    assert world.lens.read("book_of", vault)[3:5] == (0, 63)  # rate and pauses


def test_what_is_refused_is_said_so(shut):
    world, owing, free = shut
    told = foresee(world, owing, [], 1)
    assert (told.reason, told.state) == ("borrowing paused", SETTLING)
    assert foresee(world, free, [], 2_000 * WAD).reason == "borrowing paused"
    assert foresee(world, owing, [(0, -1)], 0).reason == "withdrawing paused"
    at = world.now + 1
    for preview, action, reason in (
        ("preview_margin_call", "margin_call", "calling paused"),
        ("preview_absorb", "absorb", "taking paused"),
        ("preview_cure", "cure", "not curable"),
    ):
        assert ask(world, at, preview, owing)[0] == reason
        with reverts(reason):
            world.vault.transact(action, owing, sender=world.keeper)
        at = world.now + 1
    with reverts("taking paused"):
        ask(world, at, "preview_take", owing, 0, MAX)
    args = (owing, 0, MAX, MAX, world.keeper, b"")
    with reverts("taking paused"):
        world.vault.transact("take", *args, sender=world.keeper)
    limits = ("max_borrow", owing), ("max_borrow", free), ("max_withdraw", owing, 0)
    assert [ask(world, at, *asked) for asked in limits] == [0, 0, 0]


def test_repaying_and_leaving_go_on(shut):
    world, owing, free = shut
    assert world.lens.read("max_withdraw", world.vault.address, free, 0) == WAD
    left = foresee(world, free, [(0, -WAD)], 0)
    assert (left.reason, left.collateral_mask) == ("", 4)
    repaid = foresee(world, owing, [], -4_000 * WAD)
    assert (repaid.reason, repaid.repaid, repaid.state) == ("", 4_000 * WAD, SETTLING)
    assert foresee(world, owing, [(0, 1)], 0).reason == ""  # more collateral may always come
    settlement = world.contract("Settlement", world.system.settlement)
    settlement.transact("settle", world.vault.address, owing, sender=world.owner)
    kept = world.vault.read("balances", owing, 0)
    assert world.state(owing) == HEALTHY
    assert world.lens.read("max_withdraw", world.vault.address, owing, 0) == kept > 0
    assert foresee(world, owing, [(0, -kept)], 0).state == EMPTY
