# SPDX-License-Identifier: MIT
"""The state machine of the specification as one table: every debt, every clock, every obstacle.

A stub hub gives levels and flags exactly, and the account word is written straight into the
storage, so that each cell stands alone. What must come out of a cell is written here by hand from
section 7 of the protocol and owes nothing to the contract or to the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from eth_hash.auto import keccak

from surety.chain import Receipt, Reverted
from surety.deploy import BookParams
from tests.unit.vault_liquidation.stub import CONFIRMING, StubBook, StubKind
from tests.world import (
    ABSORBABLE,
    AT_RISK,
    CALLABLE,
    CALLED,
    HEALTHY,
    IN_AUCTION,
    MAX,
    WAD,
    World,
)

GRACE, DURATION, COOL_DOWN, TIP = 3_600, 7_200, 86_400, 5 * WAD
# ten of the collateral at 800 are worth 8,000; the levels are at 75, 80 and 85 %
PRICE, BALANCE, SLICE = 800 * WAD, 10 * WAD, WAD // 10
TARGET, MAINTENANCE, CLOSE_OUT = 6_000 * WAD, 6_400 * WAD, 6_800 * WAD

# what is owed: the debt, and its band
SAFE, WATCHED, BELOW, SUNK = "D <= T", "T < D <= M", "M < D <= L", "L < D"
DEBTS = {
    "nothing": (0, SAFE),
    "target": (TARGET, SAFE),
    "target+1": (TARGET + 1, WATCHED),
    "maintenance": (MAINTENANCE, WATCHED),
    "maintenance+1": (MAINTENANCE + 1, BELOW),
    "close-out less the tip": (CLOSE_OUT - TIP, BELOW),
    "close-out less the tip+1": (CLOSE_OUT - TIP + 1, BELOW),
    "close-out": (CLOSE_OUT, BELOW),
    "close-out+1": (CLOSE_OUT + 1, SUNK),
}

# the clock: seconds since it opened, and what the specification calls that time
IDLE, WAITING, RUNNING, RIPE, STALE = "none", "waiting", "running", "ripe", "stale"
CLOCKS = {
    "none": (None, IDLE),
    "grace just begun": (-GRACE, WAITING),
    "a second before it opens": (-1, WAITING),
    "opens now": (0, RUNNING),
    "half way": (DURATION // 2, RUNNING),
    "closes now": (DURATION, RUNNING),
    "closes+1": (DURATION + 1, RIPE),
    "closes+duration": (2 * DURATION, RIPE),
    "closes+duration+1": (2 * DURATION + 1, STALE),
    "cool-down ends": (DURATION + COOL_DOWN, STALE),
    "after the cool-down": (DURATION + COOL_DOWN + 1, IDLE),
}

# how a clock starts
NOW, AFTER_GRACE, PAID = "now", "after the grace", "after the grace, with a tip"
COVERED, ALREADY = "account is covered", "already called"

# margin_call in the bands M < D <= L, and L < D when at once is allowed, and when it is not
CALLS = {
    IDLE: (PAID, NOW, AFTER_GRACE),
    WAITING: (ALREADY, NOW, ALREADY),
    RUNNING: (ALREADY, ALREADY, ALREADY),
    RIPE: (NOW, "absorb instead", "absorb instead"),
    STALE: (NOW, NOW, NOW),
}

STATES = {
    SAFE: dict.fromkeys(CALLS, HEALTHY),
    WATCHED: dict.fromkeys(CALLS, AT_RISK),
    BELOW: {
        IDLE: CALLABLE,
        WAITING: CALLED,
        RUNNING: IN_AUCTION,
        RIPE: CALLABLE,
        STALE: CALLABLE,
    },
    SUNK: {
        IDLE: CALLABLE,
        WAITING: CALLED,
        RUNNING: IN_AUCTION,
        RIPE: ABSORBABLE,
        STALE: CALLABLE,
    },
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a move leaves: debt, clock as seconds from now (None: none), coins to its caller."""

    debt: int
    start: int | None
    coins: int = 0
    sold: int = 0
    absorbed: int = 0


def of_margin_call(debt: int, band: str, clock: str, at_once: bool) -> Result | str:
    if band in (SAFE, WATCHED):
        return COVERED
    below, sunk, held_up = CALLS[clock]
    how = below if band == BELOW else sunk if at_once else held_up
    if how == NOW:
        return Result(debt, 0)
    if how == AFTER_GRACE:
        return Result(debt, GRACE)
    if how == PAID:
        # the tip is never what moves an account over the close-out level
        tip = TIP if debt + TIP <= CLOSE_OUT else 0
        return Result(debt + tip, GRACE, coins=tip)
    return how


def of_take(debt: int, band: str, clock: str, start: int | None) -> Result | str:
    if clock != RUNNING:
        return "not in auction"
    if band in (SAFE, WATCHED):
        return COVERED
    factor = 10_100 - (10_100 - 8_800) * -(start or 0) // DURATION
    cost = -(-PRICE * factor // 10_000) * SLICE // WAD
    proceeds = 8_000 * WAD * factor // 10_000
    penalty = min(500, (proceeds - debt) * 10_000 // debt)
    return Result(debt - cost * 10_000 // (10_000 + penalty), start, coins=-cost, sold=SLICE)


def of_cure(debt: int, band: str, clock: str, start: int | None) -> Result | str:
    if start is None:
        return "not curable"
    if band == SAFE:
        return Result(debt, None)
    if band == WATCHED and clock == RUNNING:
        return Result(debt, 0)
    return "not curable"


def of_absorb(band: str, clock: str, confirming: bool) -> Result | str:
    if band != SUNK or clock != RIPE:
        return "not absorbable"
    if confirming:
        return "price confirming"
    # 6,800 and 5 % against 8,000 * 88 %: all of it
    return Result(0, None, absorbed=BALANCE)


@pytest.fixture(scope="module")
def book(base_world: World) -> Iterator[StubBook]:
    """A book with one account whose word is ours to write, and a caller with coins."""
    with base_world.snapshot():
        book = StubBook(base_world.rpc, [StubKind()], replace(BookParams(), rate=0))
        book.open([BALANCE], 7_000 * WAD)
        book.give_coins(book.keeper, 1_000 * WAD)
        book.say(0, PRICE)
        yield book


def slot_of_word(book: StubBook) -> str:
    """Find the storage slot of the account's word among those of the first maps."""
    word = book.vault.read("accounts", book.id)
    for place in range(64):
        slot = "0x" + keccak(place.to_bytes(32, "big") + book.id.to_bytes(32, "big")).hex()
        found = book.rpc.call("eth_getStorageAt", book.vault.address, slot, "latest")
        if int(found, 16) == word:
            return slot
    raise AssertionError("the account's word is nowhere")


def act(book: StubBook, now: int, fn: str, *args: object) -> Receipt | str:
    book.rpc.set_next_timestamp(now)
    try:
        return book.vault.transact(fn, *args, sender=book.keeper)
    except Reverted as refused:
        return refused.reason


def check(book: StubBook, now: int, word: int, fn: str, wanted: Result | str) -> None:
    """Make one move at `now` and compare everything that it may change."""
    args = (0, SLICE, MAX, book.keeper, b"") if fn == "take" else ()
    coins = book.coin.read("balanceOf", book.keeper)
    total = book.vault.read("totals")
    done = act(book, now, fn, book.id, *args)
    after = book.vault.read("accounts", book.id)
    if isinstance(wanted, str):
        assert done == wanted
        assert after == word
        return
    assert not isinstance(done, str), f"{fn}: refused with {done!r}, wanted {wanted}"
    gained = book.coin.read("balanceOf", book.keeper) - coins
    held = book.vault.read("balances", book.id, 0)
    assert after % 2**104 == wanted.debt
    assert book.vault.read("totals") - total == wanted.debt - word % 2**104
    assert (after >> 136) % 2**40 == (0 if wanted.start is None else now + wanted.start)
    assert gained == wanted.coins
    assert held == BALANCE - wanted.sold - wanted.absorbed
    assert book.vault.read("absorbed", 0) == wanted.absorbed
    assert book.tokens[0].read("balanceOf", book.keeper) == wanted.sold
    events = [event.name for event in book.vault.events(done)]
    named = {"margin_call": "MarginCalled", "take": "Taken", "cure": "Cured", "absorb": "Absorbed"}
    assert "AccountUpdated" in events
    assert named[fn] in events
    # nothing but an account without debt and collateral forgets when it was touched
    if after % 2**136:
        assert (after >> 176) % 2**40 == (word >> 176) % 2**40
    assert after >> 216 == word >> 216


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("owed", DEBTS)
def test_truth_table(book, owed, clock):
    debt, band = DEBTS[owed]
    since, phase = CLOCKS[clock]
    start = None if since is None else -since
    rpc = book.rpc
    slot = slot_of_word(book)
    now = book.now + 10 * COOL_DOWN
    for confirming in (False, True):
        prepared = rpc.snapshot()
        book.say(0, PRICE, flags=CONFIRMING if confirming else 0)
        for touched_now in (False, True):
            word = (
                debt
                | 1 << 104
                | (0 if start is None else now + start) << 136
                | (now if touched_now else now - 1) << 176
            )
            rpc.call("anvil_setStorageAt", book.vault.address, slot, f"0x{word:064x}")
            at_once = not confirming and not touched_now
            wanted = {
                "margin_call": of_margin_call(debt, band, phase, at_once),
                "take": of_take(debt, band, phase, start),
                # a clock that lies dormant for longer than the cool-down is still a clock
                "cure": of_cure(debt, band, phase, start),
                "absorb": of_absorb(band, phase, confirming),
            }
            for fn, result in wanted.items():
                clean = rpc.snapshot()
                check(book, now, word, fn, result)
                rpc.revert(clean)
            clean = rpc.snapshot()
            rpc.set_next_timestamp(now)
            rpc.mine()
            assert (
                book.lens.read("account_of", book.vault.address, book.id)[2]
                == (STATES[band][phase])
            )
            assert book.levels()[3:] == (TARGET, MAINTENANCE, CLOSE_OUT)
            rpc.revert(clean)
        rpc.revert(prepared)
