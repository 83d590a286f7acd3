# SPDX-License-Identifier: MIT
"""What holds over whole episodes, whatever callers, takers and prices do in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from surety.chain import Reverted
from surety.deploy import LST, MAJOR, STABLE, BookParams
from tests.unit.vault_liquidation.moves import (
    COOL_DOWN,
    DEBT,
    DURATION,
    ETH,
    GRACE,
    TIP,
    auction,
    call,
    open_eth,
    price_at,
    reprice,
)
from tests.unit.vault_liquidation.stub import StubBook, StubKind
from tests.world import ABSORBABLE, BPS, IN_AUCTION, MAX, WAD, World

START, END = 10_100, 8_800


def factor(elapsed: int) -> int:
    return START - (START - END) * elapsed // DURATION


# re-calls


def test_recalls_neither_restart_an_auction_nor_dodge_an_absorb(stage):
    """Three cycles without a bid: in each the auction runs through and its absorb has its time."""
    called = auction(stage)
    id, opens = called.id, called.opens
    for _ in range(3):
        closes = opens + DURATION
        for now in (opens + 200, opens + DURATION // 2, closes):
            with stage.world.snapshot():
                reprice(stage, now, 590 * WAD)
                stage.act("margin_call", id, at=now, refused="already called")
                with_call = stage.act("margin_calls", [id])
                assert with_call.after.returned == 0
                assert stage.book().positions[id].auction_start == opens
        for now in (closes + 1, closes + DURATION // 2, closes + DURATION):
            with stage.world.snapshot():
                reprice(stage, now, 590 * WAD)
                stage.act("margin_call", id, at=now, refused="absorb instead")
            with stage.world.snapshot():
                reprice(stage, now, 590 * WAD)
                stage.act("cure", id, at=now, refused="not curable")
            with stage.world.snapshot():
                reprice(stage, now, 590 * WAD)
                stage.act("absorb", id, at=now)
        # whoever waits a duration for nothing may call again, and it is no new episode
        now = closes + DURATION + 1
        reprice(stage, now, 590 * WAD)
        done = stage.act("margin_call", id, at=now)
        assert done.after.positions[id].auction_start == now
        assert done.log("MarginCalled")["tip"] == 0
        opens = now
    now = opens + DURATION + 1
    reprice(stage, now, 590 * WAD)
    done = stage.act("absorb", id, at=now)
    assert done.log("Absorbed")["debt"] == DEBT


@pytest.mark.covers("M05", "I38")
def test_one_grace_and_one_tip_an_episode(stage):
    """Between maintenance and close-out an account is auctioned again and again, at once."""
    called = call(stage)
    opens, calls = called.opens, 0
    while calls < 5:
        now = opens + DURATION + COOL_DOWN // 2
        reprice(stage, now, 630 * WAD)
        done = stage.act("margin_call", called.id, at=now)
        assert done.after.positions[called.id].auction_start == now
        assert done.log("MarginCalled")["tip"] == 0
        opens, calls = now, calls + 1
    assert stage.book().positions[called.id].normalized_debt == DEBT
    # the cool-down counts from the end of the last auction
    now = opens + DURATION + COOL_DOWN + 1
    reprice(stage, now, 630 * WAD)
    done = stage.act("margin_call", called.id, at=now)
    assert done.after.positions[called.id].auction_start == now + GRACE
    assert done.log("MarginCalled")["tip"] == TIP


@pytest.mark.parametrize("gap", [1, COOL_DOWN // 3, COOL_DOWN])
def test_a_tip_is_paid_at_most_once_a_cool_down(stage, gap):
    """A caller who comes whenever possible: tips are further apart than a cool-down."""
    called = call(stage)
    tips = [called.called_at]
    opens = called.opens
    for _ in range(8):
        now = opens + DURATION + gap
        reprice(stage, now, 635 * WAD)
        done = stage.act("margin_call", called.id, at=now)
        if done.log("MarginCalled")["tip"]:
            tips.append(now)
        opens = done.after.positions[called.id].auction_start
    assert tips == [called.called_at]


@pytest.mark.covers("M05")
def test_a_cured_account_is_a_new_episode_only_for_who_was_healthy(stage):
    """Clearing the clock takes the target level: a little above maintenance is not enough."""
    called = call(stage)
    now = called.opens - 10
    reprice(stage, now, 650 * WAD)
    stage.act("cure", called.id, at=now, refused="not curable")
    now = called.opens - 5
    stage.act("margin_call", called.id, at=now, refused="account is covered")
    assert stage.book().positions[called.id].auction_start == called.opens


# a recovered price


def test_a_recovered_price_lets_no_discount_ripen(stage):
    """Covered and cured again and again: each time the price falls back, the sale starts dear."""
    world = stage.world
    world.give_coins(world.keeper, 50_000 * WAD)
    called = auction(stage)
    start = called.opens
    for turn in range(4):
        now = start + DURATION - 100 - turn
        reprice(stage, now, 650 * WAD)
        stage.act("take", called.id, ETH, 1, MAX, world.keeper, b"", at=now, refused=COVERED)
        done = stage.act("cure", called.id, sender=world.stranger)
        start = done.now
        assert done.after.positions[called.id].auction_start == start
        # while it is covered nobody calls it, and nobody absorbs it
        stage.act("margin_call", called.id, refused=COVERED)
        stage.act("absorb", called.id, refused="not absorbable")
        elapsed = 300
        reprice(stage, start + elapsed, 590 * WAD)
        with world.snapshot():
            done = stage.act(
                "take", called.id, ETH, WAD, MAX, world.keeper, b"", at=start + elapsed
            )
            assert done.log("Taken")["price"] == 590 * WAD * factor(elapsed) // BPS
        # who is below maintenance restarts nothing
        stage.act("cure", called.id, at=start + elapsed + 1, refused="not curable")


COVERED = "account is covered"


# one take reaches the target


@pytest.fixture(scope="module")
def book(base_world: World) -> Iterator[StubBook]:
    """Three kinds of any decimals, with exact prices, and a buyer with coins."""
    with base_world.snapshot():
        kinds = [StubKind(18, MAJOR), StubKind(8, LST), StubKind(6, STABLE)]
        params = replace(BookParams(), rate=0, call_tip=0)
        book = StubBook(base_world.rpc, kinds, params)
        book.give_coins(book.keeper, 10**9 * WAD)
        yield book


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    values=st.tuples(*[st.integers(0, 60_000)] * 3),
    prices=st.tuples(
        st.integers(10**17, 10**22), st.integers(10**18, 10**23), st.integers(10**17, 2 * 10**18)
    ),
    over=st.integers(1, 900),
    elapsed=st.integers(1, DURATION),
    sold=st.integers(0, 2),
)
def test_one_take_without_limit_reaches_the_target(book, values, prices, over, elapsed, sold):
    """Whatever the mix, the price and the time: one buyer ends it, or has bought all of a kind."""
    assume(values[sold] > 0)
    decimals = (18, 8, 6)
    amounts = [
        value * WAD * 10**places // price
        for value, price, places in zip(values, prices, decimals, strict=True)
    ]
    assume(amounts[sold] > 0)
    clean = book.rpc.snapshot()
    try:
        worth = [a * p // 10**d for a, p, d in zip(amounts, prices, decimals, strict=True)]
        sink = [value * ltv for value, ltv in zip(worth, (8_500, 8_300, 9_400), strict=True)]
        debt = sum(sink) // BPS + 1 + sum(worth) * over // BPS  # below close-out: an auction now
        assume(2_000 * WAD <= debt < 2 * 10**5 * WAD)
        kept = [(kind, amount) for kind, amount in enumerate(amounts) if amount]
        for kind, amount in kept:
            book.say(kind, 10**8 * WAD)
            book.tokens[kind].transact("mint", book.owner, amount, sender=book.governor)
        try:
            book.vault.transact("adjust", book.id, kept, debt, book.owner, b"", sender=book.owner)
        except Reverted as refused:
            if refused.reason != "below initial margin":  # a few units of almost nothing
                raise
            return
        for kind, _ in kept:
            book.say(kind, prices[kind])
        book.vault.transact("margin_call", book.id, sender=book.keeper)
        opens = book.start()
        book.rpc.set_next_timestamp(opens + elapsed)
        receipt = book.vault.transact(
            "take", book.id, sold, MAX, MAX, book.keeper, b"", sender=book.keeper
        )
        left = book.vault.read("balances", book.id, sold)
        owed, _, _, target, *_ = book.levels()
        (taken,) = [e.args for e in book.vault.events(receipt) if e.name == "Taken"]
        assert taken["amount"] + left == amounts[sold]
        if left == 0:
            return  # all of the kind was needed, or there was less of it than needed
        unit = taken["price"] // 10 ** decimals[sold] + 2
        # at the target, or cut so that exactly the debt floor stays owed
        assert owed <= max(target, 2_000 * WAD) + unit
        assert owed == 0 or owed >= 2_000 * WAD
        assert book.start() == (0 if owed <= target else opens)
    finally:
        book.rpc.revert(clean)


# smaller takes, the waiver


def test_smaller_takes_stop_selling_at_maintenance(stage):
    """Slices are sold while the debt is above maintenance: then it is covered, and cured later."""
    world = stage.world
    world.give_coins(world.keeper, 50_000 * WAD)
    called = auction(stage)
    slices = 0
    while True:
        levels = stage.levels(called.id)
        if levels.debt <= levels.maintenance:
            break
        done = stage.act("take", called.id, ETH, WAD // 4, MAX, world.keeper, b"")
        assert done.after.returned[0] == WAD // 4
        slices += 1
    assert levels.target < levels.debt
    assert slices > 1
    stage.act("take", called.id, ETH, WAD // 4, MAX, world.keeper, b"", refused=COVERED)
    assert stage.book().positions[called.id].auction_start == called.opens
    done = stage.act("cure", called.id)  # not healthy: the discount starts again
    assert done.after.positions[called.id].auction_start == done.now


def test_the_penalty_is_waived_towards_insolvency(stage):
    """What the account can still pay above its debt, at most 5 %, and never a wei of bad debt."""
    world = stage.world
    world.give_coins(world.keeper, 50_000 * WAD)
    called = auction(stage)
    now = called.opens + 72  # a hundredth of the auction: 100.87 %
    seen = []
    for price in (590, 540, 530, 520, 510, 506, 505, 500):
        with world.snapshot():
            reprice(stage, now, price * WAD)
            done = stage.act("take", called.id, ETH, WAD, MAX, world.keeper, b"", at=now)
            taken = done.log("Taken")
            proceeds = price * 10 * WAD * factor(72) // BPS
            penalty = min(500, max(0, proceeds - DEBT) * BPS // DEBT)
            assert taken["debt_repaid"] == taken["cost"] * BPS // (BPS + penalty)
            seen.append(penalty)
    assert seen == sorted(seen, reverse=True)
    assert (seen[0], seen[-1]) == (500, 0)
    assert 0 < seen[4] < 500


# close-out


def test_a_close_out_within_the_grace_of_a_call_needs_a_second_look(stage):
    """Called with a grace, then through close-out: the next call opens the auction, none before."""
    world = stage.world
    called = call(stage)
    now = called.called_at + 600
    reprice(stage, now, 590 * WAD)
    stage.act("take", called.id, ETH, WAD, MAX, world.keeper, b"", at=now, refused="not in auction")
    done = stage.act("margin_call", called.id)
    assert done.after.positions[called.id].auction_start == done.now
    assert world.state(called.id) == IN_AUCTION
    closes = done.now + DURATION
    reprice(stage, closes + 1, 590 * WAD)
    world.next_at(closes + 1)
    world.rpc.mine()
    assert world.state(called.id) == ABSORBABLE
    stage.act("absorb", called.id)


def test_after_a_cool_off_a_sunk_account_is_called_at_once_and_absorbed_later(stage):
    """Nobody came in time for anything: no state is a dead end."""
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 590 * WAD)
    opens = stage.act("margin_call", id).now
    now = opens + DURATION + COOL_DOWN + 1_000
    reprice(stage, now, 590 * WAD)
    stage.act("absorb", id, at=now, refused="not absorbable")
    done = stage.act("margin_call", id)
    assert done.after.positions[id].auction_start == done.now  # below close-out there is no grace
    now = done.now + DURATION + 1
    reprice(stage, now, 590 * WAD)
    stage.act("absorb", id, at=now)
    assert world.vault.read("accounts", id) == 0
