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
from tests.incidents.arena import HOUR, Arena
from tests.incidents.weak import weakened
from tests.unit.listings.desk import Desk
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers(
    "incident: blocked borrower freezing a liquidation", "I54", "T14", "T05"
)

KIND = 3
LEVELS = {"initial_ltv": 7_500, "maintenance_ltv": 8_000, "close_out_ltv": 8_500}
_PAID = "    self.push(kind, receiver, sold)\n    if len(data) > 0:\n"
REFUNDS = (_PAID, "    self.push(kind, convert(account_ >> 8, address), 0)\n" + _PAID)
MOODS = {"reverts": 1, "returns false": 2, "burns all gas": 3, "shouts": 4, "answers two": 6}


class Blocklist:
    """A book with a token whose issuer turns against whom it likes."""

    def __init__(self, *weak) -> None:
        self.arena = arena = Arena(*weak)
        self.desk = Desk(arena.world)
        self.token: Contract = self.desk.new("MoodyToken", "Moody", "MOODY", 18)
        fields = {"slew_down": 2**24 - 1, "slew_up": 2**24 - 1, "jump_bps": 12_750}
        self.desk.list(self.desk.good(token=self.token.address, **fields))
        arena.tokens.append(self.token)
        arena.market.append(2_000 * WAD)
        for who in (arena.owner, arena.world.other, arena.keeper, arena.attacker):
            arena.must(who, self.token, "approve", arena.vault.address, MAX)
        arena.must(arena.attacker, self.token, "mint", arena.attacker, 10 * WAD)

    def price(self, price: int) -> None:
        arena = self.arena
        arena.market[KIND] = price
        arena.must(arena.attacker, self.desk.source, "set_price", price)
        arena.wait(60)
        arena.poke(1 << KIND)

    def mood(self, who: str, mood: int) -> None:
        self.arena.must(self.arena.attacker, self.token, "set_mood", who, mood)


def attack(book: Blocklist, mood: int) -> tuple[Fraction, str | None]:
    """Borrow, get oneself blocked, and wait for the liquidation; return its end and the gain."""
    arena, me = book.arena, book.arena.attacker
    account = arena.world.id(me)
    before = arena.wealth(me)
    legs = [(KIND, 10 * WAD)]
    arena.must(me, arena.vault, "adjust", account, legs, 15_000 * WAD, me, b"")
    arena.world.give_coins(arena.keeper, 20_000 * WAD)
    book.mood(me, mood)
    book.price(1_800 * WAD)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.at(arena.opens(account) + HOUR - 60)
    book.price(1_800 * WAD)
    order = (account, KIND, MAX, MAX, arena.keeper, b"")
    ended = arena.try_(arena.keeper, arena.vault, "take", *order)
    gain = arena.wealth(me, account) - before
    return gain, ended


@pytest.mark.parametrize("mood", MOODS.values(), ids=MOODS)
def test_whom_the_token_blocks_is_liquidated_like_anybody(mood):
    """The buyer has his tokens, the owner his debt repaid and the rest in his account."""
    book = Blocklist()
    arena = book.arena
    gain, ended = attack(book, mood)
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


def test_a_blocked_buyer_names_another_receiver():
    book = Blocklist()
    arena = book.arena
    book.mood(arena.keeper, 1)
    _, ended = attack(book, 0)
    assert ended is not None
    account = arena.world.id(arena.attacker)
    order = (account, KIND, MAX, MAX, arena.world.other, b"")
    arena.must(arena.keeper, arena.vault, "take", *order)
    assert arena.held(arena.world.other, KIND) > 0


def test_a_book_that_pays_the_owner_is_found():
    """The control: a transfer to the owner in each sale, and a block list ends them all."""
    _, ended = attack(Blocklist(weakened("Vault", REFUNDS)), 1)
    assert ended == "blocked"
