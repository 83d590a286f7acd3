# SPDX-License-Identifier: MIT
"""What holds whoever does what in which order: laws of a book, alone and beside another."""

from __future__ import annotations

from typing import Any

import pytest

from surety.deploy import BookParams
from surety.model import Book
from tests.bad_inputs.ground import BTC, ETH, STABLE, Ground
from tests.bad_inputs.live import good_calls
from tests.unit.insurance_fund.test_equity import second_book
from tests.world import MAX, WAD

LOW, LOWER = 630 * WAD, 590 * WAD
ALL = -(2**255)


def lived_in() -> tuple[Ground, dict[str, int]]:
    """A book with interest and an account in each state, a minute after its last price."""
    ground = Ground(book=BookParams())
    world, owner = ground.world, ground.world.owner
    world.coin.transact("set_ceiling", world.governor, 2**100, sender=world.governor)
    for who in (owner, world.keeper):
        world.coin.transact("mint", who, 2**90, sender=world.governor)
    ids = {
        "ripe": ground.open([(ETH, 10 * WAD)], 5_100 * WAD, sub=1),
        "sold": ground.open([(ETH, 10 * WAD), (BTC, 10**5)], 5_120 * WAD, sub=2),
        "called": ground.open([(ETH, 10 * WAD)], 4_800 * WAD, sub=3),
        "covered": ground.open([(ETH, 10 * WAD), (STABLE, 10**9)], 2_000 * WAD, sub=4),
        "free": ground.open([(ETH, WAD)], 0, sub=5),
    }
    world.follow(LOWER)
    ground.act("margin_call", ids["ripe"])
    ground.act("margin_call", ids["called"])
    world.forward(ground.rules.auction_duration)
    world.follow(LOWER)
    ground.act("margin_call", ids["sold"])
    world.forward(61)
    return ground, ids


# I10


@pytest.mark.covers("I10", "I43")
def test_everybody_leaves_and_only_gifts_are_left():
    """One after the other repays and withdraws; the vault then holds what it was given, no more."""
    ground, ids = lived_in()
    world, owner = ground.world, ground.world.owner
    gifts = {ETH: 7, BTC: 11, STABLE: 13}
    for kind, amount in gifts.items():
        world.give(world.vault.address, kind, amount)
    ground.act("take", ids["sold"], ETH, WAD, MAX, world.keeper, b"")
    ground.act("absorb", ids["ripe"])
    assert world.vault.read("absorbed", ETH) > 0
    world.fund.transact("collect", world.vault.address, ETH, sender=world.keeper)
    for id in ground.ids:
        holds = world.account(id).collateral_mask
        legs = [(kind, ALL) for kind in gifts if holds >> kind & 1]
        who = "0x" + f"{id >> 8:040x}"
        ground.act("repay", id, MAX, sender=owner)
        if legs:
            ground.act("adjust", id, legs, 0, who, b"", sender=who)
    assert world.vault.read("totals") == 0
    for kind, amount in gifts.items():
        assert world.total(kind) == 0
        assert world.tokens[kind].read("balanceOf", world.vault.address) == amount


# I12


@pytest.mark.covers("I07", "I12")
def test_no_call_of_a_book_touches_another(live):
    """Beside the book its coin, hub, tokens and, where it hands them over, its fund change."""
    world = live.world
    with live.undone():
        other = second_book(world)
        around = (world.coin, world.hub, world.vault, *world.tokens)
        allowed = {contract.address.lower() for contract in around}
        seen: set[str] = set()
        for call in good_calls(live, "Vault"):
            live.world.forward(61)
            at = live.world.now + 1
            ran = live.node.run(call.sender, call.contract.address, call.data, at)
            assert ran.reason is None, call.name
            changed = set(live.changed())
            assert other.address.lower() not in changed
            assert changed <= allowed, call.name
            seen |= changed
    # and nothing but that was watched
    assert {contract.address.lower() for contract in around[:4]} <= seen


# I18


def without_index(book: Book) -> dict[str, Any]:
    """Return what a book remembers but for when its index was written."""
    return {
        "positions": book.positions,
        "deposited": book.deposited,
        "absorbed": book.absorbed,
        "totals": book.totals_word,
        "coin": book.coin,
        "held": book.held,
    }


MOVES: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "borrow": ("borrow", "covered", (WAD, "owner")),
    "repay": ("repay", "covered", (WAD,)),
    "withdraw": ("withdraw", "covered", (ETH, 12_345, "owner")),
    "deposit": ("deposit", "covered", (ETH, 12_345)),
    "take": ("take", "sold", (ETH, WAD, MAX, "owner", b"")),
    "absorb": ("absorb", "ripe", ()),
    "margin_call": ("margin_call", "free", ()),
}


@pytest.mark.covers("I18")
@pytest.mark.parametrize("name", MOVES)
def test_accruing_first_changes_nothing(name):
    """In one second the index is what it is, written or not: each move ends alike."""
    fn, account, args = MOVES[name]
    books = []
    for accrues in (False, True):
        ground, ids = lived_in()
        owner = ground.world.owner
        ground.world.give(owner, ETH, WAD)
        at = ground.now + 100
        if accrues:
            before = ground.book().interest_word
            assert ground.act("accrue", at=at).after.interest_word != before
        values = tuple(owner if arg == "owner" else arg for arg in args)
        reason = ground.outcome(fn, ids[account], *values, sender=owner, at=at)
        assert reason == ("account is covered" if name == "margin_call" else None)
        books.append(ground.book())
    assert without_index(books[0]) == without_index(books[1])
    assert books[0].live_index(at) == books[1].live_index(at)


# I30


@pytest.mark.covers("I30")
def test_a_kind_alone_is_the_same_as_beside_what_is_gone():
    """Isolated margin is cross margin with one bit: the same numbers, and the same verdicts."""
    ground = Ground()
    world, owner = ground.world, ground.world.owner
    alone = ground.open([(ETH, 10 * WAD)], 5_100 * WAD)
    mixed = ground.open([(ETH, 10 * WAD), (BTC, 10**8), (STABLE, 10**9)], 5_100 * WAD, sub=1)
    assert world.levels(mixed)[1] > world.levels(alone)[1]
    legs = [(BTC, ALL), (STABLE, ALL)]
    ground.act("adjust", mixed, legs, 0, owner, b"", sender=owner)
    for price in (700 * WAD + 1, 638 * WAD, LOW, LOWER):
        world.follow(price)
        assert world.levels(mixed) == world.levels(alone)
        assert world.state(mixed) == world.state(alone)
        said = [ground.outcome("margin_call", id) for id in (alone, mixed)]
        assert said[0] == said[1]
