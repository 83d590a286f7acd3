# SPDX-License-Identifier: MIT
"""Health check missing on one path (Euler v1, March 2023): 197 million dollars by a donation.

`donateToReserves` let an owner give collateral away without the check that every other function
ended with. The attacker made his own account worse than bankrupt by it, and liquidated it with
another. Here all paths are one function with one check at its end: each way of lowering what an
account can carry is tried, and each ends there.
https://www.euler.finance/blog/war-peace-behind-the-scenes-of-eulers-240m-exploit-recovery
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.incidents.arena import BTC, ETH, LENT, Arena, all_refused, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: health check missing on one path")

CHECK = "    if raised != 0:\n        if owed != 0:\n            self.check_initial("
MOVES_UNCHECKED = (CHECK, CHECK.replace("if raised != 0:", "if raised != 0 and not inside:"))


def paths(account: int, other: int, who: str) -> list[tuple[Any, ...]]:
    """Return every call that lowers what the account can carry beyond its debt, by a wei."""
    return [
        ("withdraw", account, ETH, 1, who),
        ("borrow", account, 1, who),
        ("adjust", account, [(ETH, -1)], 0, who, b""),
        ("adjust", account, [], 1, who, b""),
        ("adjust", account, [(ETH, -1)], 1, who, b""),
        ("move", account, other, [(ETH, 1)], 0),
        ("move", other, account, [], 2_000 * WAD),
        ("move", account, other, [(ETH, 5 * WAD)], 2_000 * WAD),
    ]


@pytest.fixture
def arena():
    return Arena()


@pytest.mark.covers("I23", "P05")
@pytest.mark.parametrize("operated", [False, True])
def test_every_path_ends_with_the_check(arena, operated):
    """At the limit none goes through; a hundred coins below it all of them do."""
    account = open_at_the_limit(arena)
    other = arena.world.open([(ETH, 100 * WAD)], 4_000 * WAD, sub=1)
    who = arena.world.operator if operated else arena.owner
    if operated:
        arena.world.set_operator(who, 3, sender=arena.owner)
    calls = paths(account, other, who)
    all_refused(arena, "below initial margin", who, calls)
    arena.must(arena.owner, arena.vault, "repay", account, 2_000 * WAD)
    for fn, *args in calls[:-1]:
        with arena.snapshot():
            arena.must(who, arena.vault, fn, *args)


def donate(arena: Arena) -> Fraction:
    """Borrow all there is, get the collateral out on whatever path is open; return the gain."""
    me = arena.attacker
    account, other = (arena.world.id(me, sub) for sub in (0, 1))
    arena.world.give(me, ETH, 10 * WAD)
    before = arena.wealth(me)
    arena.must(me, arena.vault, "deposit", account, ETH, 10 * WAD)
    arena.must(me, arena.vault, "borrow", account, LENT, me)
    for fn, *args in (
        ("withdraw", account, ETH, MAX, me),
        ("adjust", account, [(ETH, -(2**255))], 0, me, b""),
        ("move", account, other, [(ETH, 2**255 - 1)], 0),
        ("move", account, other, [(ETH, 9 * WAD)], 0),
        ("move", other, account, [], MAX),
        ("withdraw", other, ETH, MAX, me),
        ("withdraw", other, BTC, MAX, me),
    ):
        arena.try_(me, arena.vault, fn, *args)
    return arena.wealth(me, account, other) - before


@pytest.mark.covers("I23")
def test_nobody_leaves_a_debt_behind(arena):
    before = arena.equity
    assert donate(arena) == 0
    assert arena.equity == before


def test_a_path_without_the_check_is_found():
    """The control: moves end unchecked, and the whole loan is the attacker's."""
    assert donate(Arena(weakened("Vault", MOVES_UNCHECKED))) == LENT
