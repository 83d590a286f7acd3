# SPDX-License-Identifier: MIT
"""Blocked borrower freezing a liquidation: who cannot be paid cannot be liquidated.

Where a liquidation sends what is left over to its owner, an owner whom the token blocks (or who is
a contract that refuses) makes it revert, for as long as he likes. Here what is left stays in the
account: a liquidation pays its buyer, and calls its buyer, and nobody else.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.chain import Contract
from surety.compile import Artifact
from tests.incidents.arena import HOUR, LENT, Arena
from tests.incidents.weak import weakened
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: blocked borrower freezing a liquidation")

KIND = 3
_PAID = "    self.push(kind, receiver, sold)\n    if len(data) > 0:\n"
REFUNDS = (_PAID, "    self.push(kind, convert(account_ >> 8, address), 0)\n" + _PAID)
MOODS = {"reverts": 1, "returns false": 2, "burns all gas": 3, "shouts": 4, "answers two": 6}


def listed(*weak: Artifact) -> tuple[Arena, Contract]:
    """Return a book with a token whose issuer turns against whom it likes, and that token."""
    arena = Arena(*weak)
    token = arena.list_token("MoodyToken")
    arena.must(arena.attacker, token, "mint", arena.attacker, 10 * WAD)
    return arena, token


def set_mood(arena: Arena, token: Contract, who: str, mood: int) -> None:
    arena.must(arena.world.governor, token, "set_mood", who, mood)


def attack(arena: Arena, token: Contract, mood: int) -> tuple[Fraction, str | None]:
    """Borrow, get oneself blocked, and wait for the liquidation; return the gain and its end."""
    me = arena.attacker
    account = arena.world.id(me)
    before = arena.wealth(me)
    legs = [(KIND, 10 * WAD)]
    arena.must(me, arena.vault, "adjust", account, legs, LENT, me, b"")
    arena.world.give_coins(arena.keeper, 20_000 * WAD)
    set_mood(arena, token, me, mood)
    arena.follow(KIND, 1_800 * WAD)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) + HOUR - 60)
    arena.refresh()
    order = (account, KIND, MAX, MAX, arena.keeper, b"")
    ended = arena.try_(arena.keeper, arena.vault, "take", *order)
    return arena.wealth(me, account) - before, ended


@pytest.mark.covers("I54", "T05", "T14")
@pytest.mark.parametrize("mood", MOODS.values(), ids=MOODS)
def test_whom_the_token_blocks_is_liquidated_like_anybody(mood):
    """The buyer has his tokens, the owner his debt repaid and the rest in his account."""
    arena, token = listed()
    gain, ended = attack(arena, token, mood)
    account = arena.world.id(arena.attacker)
    assert ended is None
    assert gain < 0
    assert arena.held(arena.keeper, KIND) > 0
    assert arena.opens(account) == 0
    left = arena.balance(account, KIND)
    assert left == 10 * WAD - arena.held(arena.keeper, KIND)
    # only his own withdrawal is what the token refuses
    me = arena.attacker
    arena.must(me, arena.vault, "repay", account, MAX)
    assert arena.try_(me, arena.vault, "withdraw", account, KIND, left, me) is not None
    arena.must(me, arena.vault, "withdraw", account, KIND, left, arena.world.other)
    assert arena.held(arena.world.other, KIND) == left


@pytest.mark.covers("T14")
def test_a_blocked_buyer_names_another_receiver():
    arena, token = listed()
    set_mood(arena, token, arena.keeper, 1)
    _, ended = attack(arena, token, 0)
    assert ended == "blocked"
    account = arena.world.id(arena.attacker)
    order = (account, KIND, MAX, MAX, arena.world.other, b"")
    arena.must(arena.keeper, arena.vault, "take", *order)
    assert arena.held(arena.world.other, KIND) > 0


def test_a_book_that_pays_the_owner_is_found():
    """The control: a transfer to the owner in each sale, and a block list ends them all."""
    _, ended = attack(*listed(weakened("Vault", REFUNDS)), 1)
    assert ended == "blocked"
