# SPDX-License-Identifier: MIT
"""Third party enabling kinds: a stranger fills somebody's account with what its owner never chose.

Where anybody may deposit any collateral for anybody, an account of limited slots can be filled with
dust: the owner's own rescue is then refused, each check costs more gas, and an isolated kind shuts
everything else out. Here strangers may add to what an owner has enabled and to nothing else.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.deploy import MAJOR, LocalKind
from tests.incidents.arena import HOUR, Arena
from tests.incidents.weak import weakened
from tests.world import IN_AUCTION, MAX, WAD

pytestmark = pytest.mark.covers("incident: third party enabling kinds")

KINDS = tuple(LocalKind(f"k{at}", 18, 2_000 * WAD, MAJOR) for at in range(10))
OWN, RESCUE = 0, 9
DEBT = 15_000 * WAD
_OWNERS = "    if raised | enabled != 0:\n"
ANYBODYS = (_OWNERS, "    if raised != 0:\n")


@pytest.fixture
def arena():
    return Arena(kinds=KINDS)


def attack(arena: Arena) -> tuple[Fraction, list[str | None], str | None]:
    """Fill a victim's account, wait until it needs help, and buy it at the end of its auction.

    Returns the gain, why each deposit was refused, and why the victim's rescue was.
    """
    victim, me = arena.owner, arena.attacker
    account = arena.world.open([(OWN, 10 * WAD)], DEBT)
    arena.fund_keepers(30_000 * WAD)
    for kind in range(1, 8):
        arena.world.give(me, kind, 1)
    arena.world.give(victim, RESCUE, 5 * WAD)
    before = arena.wealth(me)
    refused = [arena.try_(me, arena.vault, "deposit", account, kind, 1) for kind in range(1, 8)]
    arena.follow(OWN, 1_800 * WAD)
    arena.must(me, arena.vault, "margin_call", account)
    rescue = arena.try_(victim, arena.vault, "deposit", account, RESCUE, 5 * WAD)
    if rescue is None:
        arena.must(victim, arena.vault, "cure", account)
    opens = arena.opens(account)
    if opens != 0:
        arena.at(opens + 2 * HOUR - 60)
        arena.refresh()
        assert arena.world.state(account) == IN_AUCTION
        arena.must(me, arena.vault, "take", account, OWN, MAX, MAX, me, b"")
    return arena.wealth(me) - before, refused, rescue


@pytest.mark.covers("P09")
def test_a_stranger_enables_nothing_and_the_owner_is_rescued(arena):
    gain, refused, rescue = attack(arena)
    assert refused == ["not authorised"] * 7
    assert rescue is None
    assert gain == 0


def test_a_stranger_may_add_to_what_is_enabled(arena):
    """And loses it: it is the owner's now."""
    account = arena.world.open([(OWN, 10 * WAD)], DEBT)
    me, before = arena.attacker, arena.wealth(arena.attacker)
    arena.world.give(me, OWN, 1)
    arena.must(me, arena.vault, "deposit", account, OWN, 1)
    assert arena.balance(account, OWN) == 10 * WAD + 1
    assert arena.wealth(me) == before
    # also when it was enabled, sold out and is not any more
    arena.must(arena.owner, arena.vault, "repay", account, MAX)
    arena.must(arena.owner, arena.vault, "withdraw", account, OWN, MAX, arena.owner)
    arena.world.give(me, OWN, 1)
    arena.refused("not authorised", me, arena.vault, "deposit", account, OWN, 1)


@pytest.mark.covers("P09")
def test_nothing_else_enables_for_another(arena):
    """Not `adjust`, not a `move` out of one's own account, not both at once."""
    theirs = arena.world.open([(OWN, 10 * WAD)], DEBT)
    mine = arena.world.open([(1, WAD)], 0, owner=arena.attacker)
    me = arena.attacker
    arena.world.give(me, 1, 1)
    for fn, *args in (
        ("adjust", theirs, [(1, 1)], 0, me, b""),
        ("adjust", theirs, [(OWN, 1), (1, 1)], 0, me, b""),
        ("move", mine, theirs, [(1, 1)], 0),
        ("set_margin_model", theirs, 0),
    ):
        arena.refused("not authorised", me, arena.vault, fn, *args)


def test_a_book_in_which_anybody_enables_is_found():
    """The control: seven wei, and the victim's rescue has no slot left."""
    gain, refused, rescue = attack(Arena(weakened("Vault", ANYBODYS), kinds=KINDS))
    assert refused == [None] * 7
    assert rescue == "too many kinds"
    assert gain > 1_000 * WAD
