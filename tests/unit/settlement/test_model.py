# SPDX-License-Identifier: MIT
"""Random books end in random order, and the contract does what `surety.model.settlement` says."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from surety.model.settlement import LIVE, REDEEMING, SETTLING
from tests.unit.settlement.rig import (
    BAD_MOODS,
    DAY,
    GOVERNOR,
    KEEPER,
    MOODY,
    STRANGER,
    WEEK,
    YEAR,
    ZERO,
    A,
    B,
    Rig,
)
from tests.world import BPS, MAX, WAD

EXAMPLES, STEPS = 16, 40
SEEN: Counter[str] = Counter()
# what a campaign has to have met: a step that never happens, or never fails, proves nothing
REASONS = (
    "owner may still repay",
    "no debt",
    "debt left",
    "not settling",
    "not redeeming",
    "nothing owed",
    "not holder",
    "nothing to redeem",
    "amount too small",
    "erc20: transfer amount exceeds balance",
    "redemption period runs",
    "price failed",
    "price confirming",
    "transfer out failed",
)
STEPS_SEEN = ("shutdown", "settle", "settles", "open_redemption", "redeem", "claim", "sweep")


class Dice:
    """Draw what the books are and what happens to them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def size(self, high: int) -> int:
        """Draw an amount of any size up to `high`, its ends included."""
        if high <= 0:
            return 0
        bits = self.number(0, high.bit_length())
        return min(high, self.number(2**bits >> 1, 2**bits))

    def one(self, choices: Any) -> Any:
        return self.random.choice(list(choices))


def fill(rig: Rig, dice: Dice) -> None:
    """Open accounts of several kinds in both books, each within its initial level."""
    for book in (A, B):
        for id in rig.ids:
            owner = rig.owners[rig.ids.index(id) // 2]
            worth = 0
            for kind in sorted({dice.number(0, len(rig.sorts) - 1) for _ in range(3)}):
                sort = rig.sorts[kind]
                amount = 1 + dice.size(200_000 * WAD * sort.unit // sort.price)
                amount = min(amount, 10**8 * sort.unit)
                rig.send(owner, rig.vaults[book], "deposit", id, kind, amount)
                worth += amount * sort.price // sort.unit * 7_499 // BPS
            if worth > 11 * WAD:
                debt = 10 * WAD + dice.size(worth - 11 * WAD)
                rig.send(owner, rig.vaults[book], "borrow", id, debt, owner)


def crash(rig: Rig, dice: Dice) -> None:
    """Let every price move, some a lot, and some accounts be absorbed before the end."""
    for kind, sort in enumerate(rig.sorts):
        price = sort.price * dice.number(500, 15_000) // BPS + dice.number(0, 3)
        rig.price(kind, price, dice.one((0,) * 16 + (1, 2)))
    if dice.one((False, True)):
        for id in rig.ids:
            rig.vault("margin_call", id, by=KEEPER, book=B, refused="any")
        rig.wait(3_600 + 7_200 + 3_600)
        for id in rig.ids:
            rig.vault("absorb", id, by=KEEPER, book=B, refused="any")


def act(rig: Rig, dice: Dice) -> None:
    """Make one step, sensible or not."""
    book = dice.one((A, A, A, B))
    who = dice.one((*rig.owners, *rig.owners, KEEPER))
    other = dice.one((*rig.owners, KEEPER))
    id = dice.one(rig.ids)
    phase = rig.read("phase_of", book=book)
    any_step: dict[str, tuple[Any, ...]] = {"by": who, "book": book, "refused": "any"}
    what = dice.one(
        {
            LIVE: ("shutdown", "shutdown", "shutdown", "repay", "settle", "price"),
            SETTLING: ("settle", "settle", "settles", "repay", "top", "wait", "open", "all", "all"),
            REDEEMING: ("redeem",) * 5
            + ("mood", "mood", "claim", "claim", "wait", "sweep", "give"),
        }.get(phase, ("claim", "claim", "redeem", "mood", "withdraw"))
    )
    if what == "shutdown":
        rig.act(
            "shutdown", by=dice.one((GOVERNOR, GOVERNOR, GOVERNOR, who)), book=book, refused="any"
        )
    elif what == "price":
        kind = dice.number(0, len(rig.sorts) - 1)
        rig.price(kind, rig.sorts[kind].price)
    elif what == "settle":
        rig.act("settle", id, **any_step)
    elif what == "settles":
        ids = [dice.one(rig.ids) for _ in range(dice.number(0, 8))]
        rig.act("settles", ids, **any_step)
    elif what == "all":
        rig.wait(WEEK)
        rig.act("settles", rig.ids, **any_step)
        rig.act("open_redemption", **any_step)
    elif what == "open":
        rig.act("open_redemption", **any_step)
    elif what == "repay":
        rig.vault("repay", id, dice.one((MAX, 100 * WAD)), **any_step)
    elif what == "top":
        rig.vault("deposit", id, dice.number(0, 5), dice.size(10**18), **any_step)
    elif what == "withdraw":
        rig.vault("withdraw", id, dice.number(0, 5), MAX, who, **any_step)
    elif what == "redeem":
        most = dice.one((rig.coins(who), rig.coins(who), 10**6, MAX))
        rig.act("redeem", dice.size(most), dice.one((who, other)), **any_step)
    elif what == "claim":
        owed = [key for key in rig.model.owed if key[0] == rig.vaults[book].address]
        kind, holder = dice.number(0, 5), other
        if owed and dice.number(0, 3):
            _, kind, holder = dice.one(owed)
            rig.mood(kind, dice.one((0, *BAD_MOODS)))
        rig.act("claim", kind, holder, dice.one((holder, holder, who)), **any_step)
    elif what == "mood":
        receiver = dice.one((ZERO, ZERO, *rig.owners, rig.fund.address))
        rig.mood(dice.one(MOODY), dice.one((0, 5, *BAD_MOODS)), receiver)
    elif what == "wait":
        rig.wait(dice.one((1, DAY, DAY, WEEK, YEAR)))
    elif what == "sweep":
        rig.act("sweep", **any_step)
    elif what == "give":
        # a donation to the vault, and coins from hand to hand
        kind = dice.number(0, 5)
        rig.send(GOVERNOR, rig.tokens[kind], "mint", rig.vaults[book].address, 10**9)
        rig.send(who, rig.coin, "transfer", other, dice.size(rig.coins(who)))


def finish(rig: Rig, dice: Dice) -> None:
    """Bring both books to their end, and let everybody redeem all they have."""
    for kind, sort in enumerate(rig.sorts):
        rig.price(kind, max(1, sort.price * dice.number(500, 15_000) // BPS))
        if kind in MOODY:
            for who in (ZERO, *rig.owners, rig.fund.address):
                rig.mood(kind, 0, who)
    for book in (A, B):
        if rig.read("phase_of", book=book) == LIVE:
            rig.act("shutdown", by=GOVERNOR, book=book)
    rig.wait(WEEK)
    shut = [book for book in (A, B) if rig.read("phase_of", book=book) == SETTLING]
    for book in shut:
        rig.act("settles", rig.ids, by=KEEPER, book=book)
    for book in shut:
        rig.act("open_redemption", book=book)
    for book in (A, B):
        rig.act("relieve", by=STRANGER, book=book, refused="any")
    for book in (A, B):
        for who in (*rig.owners, KEEPER):
            if rig.read("phase_of", book=book) == REDEEMING and rig.coins(who):
                rig.act("redeem", rig.coins(who), who, by=who, book=book, refused="any")
        if rig.read("phase_of", book=book) == REDEEMING and not rig.read("claims_of", book=book):
            # the last one got the rest: nothing of any worth is left
            ending = rig.model.endings[rig.vaults[book].address]
            assert ending.backing == 0
            for kind, pool in ending.pool.items():
                assert margin_math.value_down(pool, *ending.prices[kind]) == 0
    for vault, kind, holder in list(rig.model.owed):
        book = [found.address for found in rig.vaults].index(vault)
        rig.act("claim", kind, holder, holder, by=STRANGER, book=book)
    rig.wait(YEAR)
    for book in (A, B):
        if rig.read("phase_of", book=book) == REDEEMING:
            rig.act("sweep", by=STRANGER, book=book)
        assert rig.read("backing_of", book=book) == 0
        # all collateral has gone somewhere: what is absorbed is nobody's any more
        vault = rig.vaults[book]
        assert not any(vault.read("absorbed", kind) for kind in range(len(rig.sorts)))
        for id in rig.ids:
            owner = rig.owners[rig.ids.index(id) // 2]
            for kind in range(len(rig.sorts)):
                if vault.read("balances", id, kind):
                    rig.send(owner, vault, "withdraw", id, kind, MAX, owner)
        assert not any(vault.read("deposited", kind) % 2**128 for kind in range(len(rig.sorts)))
    assert rig.model.carried == 0


# a book is one number: what a campaign of a hundred moves could be shrunk to would not be shorter
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)
@given(st.integers(0, 2**64))
def test_any_two_books_end_as_the_model_says(seed: int) -> None:
    rig, dice = Rig(), Dice(seed)
    fill(rig, dice)
    crash(rig, dice)
    for _ in range(STEPS):
        act(rig, dice)
    finish(rig, dice)
    SEEN.update(rig.seen)


@pytest.mark.parametrize("name", [*STEPS_SEEN, *REASONS])
def test_the_campaign_was_not_vacuous(name: str) -> None:
    if not SEEN:
        pytest.skip("the campaign did not run")
    assert SEEN[name] > 0, dict(SEEN)
