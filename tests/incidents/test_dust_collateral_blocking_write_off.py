# SPDX-License-Identifier: MIT
"""Dust collateral blocking write-off: a wei that keeps a dead debt alive.

Where bad debt is struck off only once all collateral is gone, a wei of anything that cannot be
sold, seized or priced keeps it on the books for ever, and everybody goes on being paid as if it
were good. Here an absorb takes everything at once inside the ledger, a wei of it or a million, and
nothing that cannot be priced can be brought in.
"""

from __future__ import annotations

import pytest

from tests.incidents.arena import BTC, DAY, ETH, HOUR, LENT, STABLE, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import ABSORBABLE, CALLABLE, EMPTY, WAD

pytestmark = pytest.mark.covers("incident: dust collateral blocking write-off")

_REFUSED = """            if flags & price_word.FAILED != 0:
                reasons.fail(reasons.PRICE_FAILED)
            if flags != 0:"""
DEAD_KINDS_JOIN = (_REFUSED, "            if flags > 255:")
CRASHED = 1_200 * WAD


def bury(arena: Arena, joins: int) -> tuple[int, str | None]:
    """Sink an account, let its owner bring a wei of a kind in, and let the auction run out.

    Returns the account and why the wei was refused.
    """
    account = open_at_the_limit(arena)
    arena.world.give(arena.owner, joins, 1)
    arena.follow(ETH, CRASHED)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    reason = arena.try_(arena.owner, arena.vault, "deposit", account, joins, 1)
    arena.at(arena.opens(account) + 2 * HOUR + 1)
    arena.refresh()
    return account, reason


@pytest.mark.covers("I51", "I52")
def test_a_wei_of_another_kind_goes_with_the_rest():
    arena = Arena()
    before = arena.equity
    account, reason = bury(arena, BTC)
    assert reason is None
    assert arena.world.state(account) == ABSORBABLE
    arena.must(arena.keeper, arena.vault, "absorb", account)
    # logged is what twelve thousand at 88 % do not cover, less the wei's four millionths
    assert arena.bad_debt() == LENT - 12_000 * WAD * 88 // 100 - 352 * 10**12
    assert arena.world.debt(account) == 0
    assert arena.balance(account, ETH) == arena.balance(account, BTC) == 0
    assert arena.vault.read("absorbed", ETH) == 10 * WAD
    assert arena.vault.read("absorbed", BTC) == 1
    assert arena.equity == before - LENT
    assert arena.world.state(account) == EMPTY


@pytest.mark.covers("I51")
def test_a_wei_a_block_from_strangers_holds_nothing_up():
    """Whoever tops the doomed account up, wei by wei, gives the fund what he brings."""
    arena = Arena()
    account, _ = bury(arena, BTC)
    arena.world.give(arena.attacker, ETH, 100)
    before = arena.wealth(arena.attacker)
    for _ in range(20):
        arena.must(arena.attacker, arena.vault, "deposit", account, ETH, 1)
        arena.wait(12)
    arena.must(arena.keeper, arena.vault, "absorb", account)
    assert arena.vault.read("absorbed", ETH) == 10 * WAD + 20
    assert arena.wealth(arena.attacker) < before


def kill(arena: Arena) -> None:
    """Let the feed of the stable kind be dead for good."""
    arena.must(arena.world.governor, arena.world.feeds[STABLE], "set_reverts", True)
    arena.wait(60)
    arena.poke(1 << STABLE)


def test_nothing_without_a_price_can_be_brought_in():
    arena = Arena()
    kill(arena)
    account, reason = bury(arena, STABLE)
    assert reason == "price failed"
    arena.must(arena.keeper, arena.vault, "absorb", account)
    assert arena.world.debt(account) == 0


def test_nor_anything_whose_price_is_being_confirmed():
    """It would hold the absorb back for as long as it is."""
    arena = Arena(confirm_period=DAY)
    arena.report(STABLE, 3 * WAD)
    arena.wait(60)
    arena.poke(1 << STABLE)
    account = open_at_the_limit(arena)
    arena.world.give(arena.owner, STABLE, 1)
    refused = ("deposit", account, STABLE, 1)
    arena.refused("price confirming", arena.owner, arena.vault, *refused)
    arena.wait(DAY)
    arena.refresh()
    arena.must(arena.owner, arena.vault, *refused)


def test_a_book_that_lets_the_dead_join_is_found():
    """The control: one wei of a dead kind, and fifteen thousand stay on the books for ever."""
    arena = Arena(weakened("Vault", DEAD_KINDS_JOIN))
    before = arena.equity
    kill(arena)
    account, reason = bury(arena, STABLE)
    assert reason is None
    assert arena.world.state(account) == ABSORBABLE
    for _ in range(20):
        arena.refused("price failed", arena.keeper, arena.vault, "absorb", account)
        arena.wait(HOUR // 11)
    assert arena.world.state(account) in (ABSORBABLE, CALLABLE)
    assert arena.world.debt(account) == LENT
    assert arena.equity == before  # and everybody is told that all is well
