# SPDX-License-Identifier: MIT
"""Races: what happens when two of them arrive in one block, in the order of the worse luck.

Every block is mined by a real Anvil with the transactions in the order written here; each is
predicted on top of the one before it.
"""

from __future__ import annotations

import pytest

from tests.unit.vault_liquidation.moves import (
    AT_CLOSE_OUT,
    AT_MAINTENANCE,
    BTC,
    DEBT,
    DURATION,
    ETH,
    FLOOR,
    GRACE,
    TIP,
    auction,
    call,
    move,
    open_eth,
    price_at,
    reprice,
    together,
)
from tests.world import EMPTY, HEALTHY, IN_AUCTION, MAX, WAD


@pytest.fixture(autouse=True)
def rich(stage):
    """Let two takers and a meddler hold coins and collateral."""
    world = stage.world
    world.give_coins(world.keeper, 300_000 * WAD)
    for who in (world.stranger, world.owner):
        world.coin.transact("transfer", who, 100_000 * WAD, sender=world.keeper)
        world.give(who, ETH, 100 * WAD)
        world.give(who, BTC, 10**8)


def take(stage, id, amount=MAX, who=None, refused=None, most=MAX):
    who = who or stage.world.keeper
    return move(who, "take", id, ETH, amount, most, who, b"", refused=refused)


# a wei in front of a liquidation


@pytest.mark.parametrize("front", ["repay", "deposit"])
def test_a_wei_in_front_of_a_margin_call_stops_nothing(stage, front):
    world = stage.world
    id = open_eth(stage)
    price_at(stage, AT_CLOSE_OUT + WAD)
    args = (id, 1) if front == "repay" else (id, ETH, 1)
    for kind in ("margin_call", "margin_calls"):
        with world.snapshot():
            last = move(world.keeper, kind, id if kind == "margin_call" else [id])
            done = together(stage, world.now + 1, [move(world.stranger, front, *args), last])
            assert done[1].after.positions[id].auction_start == done[1].now + GRACE
            assert done[1].log("MarginCalled")["tip"] == TIP


def test_a_wei_is_enough_only_where_a_wei_was_missing(stage):
    """One wei above maintenance, a repaid wei covers it: then there is nothing to be called."""
    world = stage.world
    id = open_eth(stage, DEBT + 1)
    price_at(stage, AT_MAINTENANCE)
    together(
        stage,
        world.now + 1,
        [
            move(world.stranger, "repay", id, 1),
            move(world.keeper, "margin_call", id, refused="account is covered"),
        ],
    )


@pytest.mark.parametrize("amount", [WAD, 9 * WAD, 10 * WAD, MAX])
@pytest.mark.parametrize("front", ["repay", "deposit"])
def test_a_wei_in_front_of_a_take_stops_nothing(stage, front, amount):
    world = stage.world
    called = auction(stage)
    args = (called.id, 1) if front == "repay" else (called.id, ETH, 1)
    done = together(
        stage,
        called.opens + 1_000,
        [move(world.stranger, front, *args), take(stage, called.id, amount)],
    )
    sold, _ = done[1].after.returned
    assert sold == min(amount, sold)
    assert sold > 0


def test_a_wei_in_front_of_a_take_that_leaves_exactly_the_floor(stage):
    """The take is cut by a unit or two, it does not revert."""
    world = stage.world
    called = auction(stage, price=300 * WAD, debt=FLOOR + 700 * WAD)
    now = called.opens + 60
    with world.snapshot():
        (done,) = together(stage, now, [take(stage, called.id, 2 * WAD)])
    # now repay first what that take left above the floor
    above = done.after.positions[called.id].normalized_debt - FLOOR
    stage.act("repay", called.id, above, sender=world.stranger)
    with world.snapshot():
        (exact,) = together(stage, now, [take(stage, called.id, 2 * WAD)])
        assert exact.after.positions[called.id].normalized_debt == FLOOR
        assert exact.after.returned[0] == 2 * WAD
    wei = move(world.stranger, "repay", called.id, 1)
    _, cut = together(stage, now, [wei, take(stage, called.id, 2 * WAD)])
    assert 0 < 2 * WAD - cut.after.returned[0] <= 2
    # a unit costs 300 wei and a bit
    assert 0 <= cut.after.positions[called.id].normalized_debt - FLOOR <= 600


def test_dust_in_front_of_an_absorb_goes_with_the_rest(stage):
    world = stage.world
    called = auction(stage)
    now = called.closes + 1
    reprice(stage, now, 500 * WAD)
    done = together(
        stage,
        now,
        [
            move(world.stranger, "deposit", called.id, ETH, 1),
            move(world.stranger, "deposit", called.id, BTC, 1, refused="not authorised"),
            move(world.stranger, "repay", called.id, 1),
            move(world.keeper, "absorb", called.id),
        ],
    )
    assert done[-1].after.absorbed[ETH] == 10 * WAD + 1
    assert world.state(called.id) == EMPTY


def test_dust_of_a_new_kind_by_the_owner_does_not_stop_an_absorb(stage):
    world = stage.world
    called = auction(stage)
    now = called.closes + 1
    reprice(stage, now, 500 * WAD)
    done = together(
        stage,
        now,
        [
            move(world.owner, "deposit", called.id, BTC, 1),
            move(world.keeper, "absorb", called.id),
        ],
    )
    assert (done[-1].after.absorbed[ETH], done[-1].after.absorbed[BTC]) == (10 * WAD, 1)


# the owner in time


def test_a_top_up_in_front_of_a_call_or_a_take_saves_the_account(stage):
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 590 * WAD)
    with world.snapshot():
        together(
            stage,
            world.now + 1,
            [
                move(world.stranger, "deposit", id, ETH, 5 * WAD),
                move(world.keeper, "margin_call", id, refused="account is covered"),
            ],
        )
        assert world.state(id) == HEALTHY
    stage.act("margin_call", id)
    done = together(
        stage,
        world.now + 600,
        [
            move(world.stranger, "deposit", id, ETH, 5 * WAD),
            take(stage, id, refused="account is covered"),
            move(world.keeper, "takes", [(id, ETH, MAX, MAX)], world.keeper),
            move(world.keeper, "cure", id),
            take(stage, id, refused="not in auction"),
        ],
    )
    assert done[2].after.returned == ([0], 0)
    assert done[-1].after.positions[id].balances == {ETH: 15 * WAD}


@pytest.mark.parametrize("price", [650 * WAD, 2_000 * WAD], ids=["covered", "healthy"])
def test_a_cure_in_front_of_a_take(stage, price):
    world = stage.world
    called = auction(stage)
    now = called.opens + 3_000
    reprice(stage, now, price)
    healthy = price == 2_000 * WAD
    done = together(
        stage,
        now,
        [
            move(world.owner, "cure", called.id),
            take(stage, called.id, refused="not in auction" if healthy else "account is covered"),
        ],
    )
    start = done[0].after.positions[called.id].auction_start
    assert start == (0 if healthy else now)
    # when the price falls again the discount begins at its beginning
    reprice(stage, now + 100, 590 * WAD)
    if healthy:
        stage.act("take", called.id, ETH, WAD, MAX, world.keeper, b"", refused="not in auction")
        return
    factor = 10_100 - 1_300 * 100 // DURATION
    done = stage.act("take", called.id, ETH, WAD, MAX, world.keeper, b"", at=now + 100)
    assert done.log("Taken")["price"] == 590 * WAD * factor // 10_000


def test_a_take_in_front_of_a_cure(stage):
    """A part leaves an auction that nobody can cure; to the target there is nothing to cure."""
    world = stage.world
    called = auction(stage)
    now = called.opens + 1_000
    for amount, start in ((WAD, called.opens), (MAX, 0)):
        with world.snapshot():
            done = together(
                stage,
                now,
                [
                    take(stage, called.id, amount),
                    move(world.owner, "cure", called.id, refused="not curable"),
                ],
            )
            assert done[0].after.positions[called.id].auction_start == start


def test_repaying_all_in_front_of_an_absorb(stage):
    world = stage.world
    called = auction(stage)
    now = called.closes + 1
    reprice(stage, now, 590 * WAD)
    done = together(
        stage,
        now,
        [
            move(world.owner, "repay", called.id, MAX),
            move(world.keeper, "absorb", called.id, refused="not absorbable"),
            move(world.keeper, "margin_call", called.id, refused="account is covered"),
            move(world.owner, "withdraw", called.id, ETH, MAX, world.owner),
        ],
    )
    assert done[-1].after.positions[called.id].word == 0
    assert done[-1].after.held[ETH, stage.people[0]] == 110 * WAD


def test_an_absorb_in_front_of_the_owner(stage):
    world = stage.world
    called = auction(stage)
    now = called.closes + 1
    reprice(stage, now, 590 * WAD)
    done = together(
        stage,
        now,
        [
            move(world.keeper, "absorb", called.id),
            move(world.keeper, "absorb", called.id, refused="not absorbable"),
            move(world.owner, "repay", called.id, MAX),
            move(world.owner, "withdraw", called.id, ETH, MAX, world.owner, refused="zero amount"),
            move(world.owner, "cure", called.id, refused="not curable"),
        ],
    )
    # who repays a debt that is no more pays nothing
    assert done[2].after.returned == 0
    assert done[2].after.coin.balances == done[1].after.coin.balances


# the owner up to something


def test_the_owner_moves_no_collateral_away_from_a_take(stage):
    """Withdraw, move, borrow, adjust: nothing lowers the margin of who is to be sold."""
    world = stage.world
    called = auction(stage)
    other = world.id(world.owner, 1)
    stage.ids.append(other)
    below = "below initial margin"
    legs = [(ETH, WAD)]
    done = together(
        stage,
        called.opens + 500,
        [
            move(world.owner, "withdraw", called.id, ETH, WAD, world.owner, refused=below),
            move(world.owner, "move", called.id, other, legs, 0, refused=below),
            move(world.owner, "borrow", called.id, 1, world.owner, refused=below),
            move(
                world.owner, "adjust", called.id, [(ETH, -WAD)], 0, world.owner, b"", refused=below
            ),
            take(stage, called.id, WAD),
        ],
    )
    assert done[-1].after.returned[0] == WAD


def test_the_owner_moves_the_debt_to_an_account_that_bears_it(stage):
    """The only way out is one that leaves the book safer: a healthy account takes the debt."""
    world = stage.world
    called = auction(stage)
    price_at(stage, 2_000 * WAD)
    rich = stage.open([(ETH, 100 * WAD)], 2_000 * WAD, sub=1)
    now = called.opens + 2_000
    reprice(stage, now, 590 * WAD)
    done = together(
        stage,
        now,
        [
            move(world.owner, "move", called.id, rich, [], MAX),
            take(stage, called.id, refused="not in auction"),
            move(world.keeper, "margin_call", rich, refused="account is covered"),
        ],
    )
    after = done[-1].after.positions
    assert (after[called.id].normalized_debt, after[called.id].auction_start) == (0, 0)
    assert after[rich].normalized_debt == 2_000 * WAD + DEBT


def test_the_owner_dumps_no_debt_on_an_account_that_does_not_bear_it(stage):
    world = stage.world
    called = auction(stage)
    price_at(stage, 2_000 * WAD)
    poor = open_eth(stage, sub=1)
    now = called.opens + 2_000
    reprice(stage, now, 590 * WAD)
    together(
        stage,
        now,
        [
            move(
                world.owner, "move", called.id, poor, [], 100 * WAD, refused="below initial margin"
            ),
            take(stage, called.id, WAD),
        ],
    )


def test_dust_by_the_owner_in_front_of_a_call_earns_no_grace(stage):
    """Only raising risk counts as touching, and below maintenance nobody raises risk."""
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 590 * WAD)
    touched = stage.book().positions[id].touched_at
    done = together(
        stage,
        world.now + 1,
        [
            move(world.owner, "deposit", id, ETH, 1),
            move(world.owner, "repay", id, 1),
            move(world.owner, "deposit", id, BTC, 1),
            move(world.owner, "borrow", id, 1, world.owner, refused="below initial margin"),
            move(world.keeper, "margin_call", id),
        ],
    )
    assert done[-1].after.positions[id].auction_start == done[-1].now
    assert done[-1].after.positions[id].touched_at == touched
    assert world.state(id) == IN_AUCTION


def test_raising_risk_in_front_of_a_call_that_cannot_be_made(stage):
    """A borrow that passes the initial check leaves nobody to call in the same block."""
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 2_000 * WAD)
    done = together(
        stage,
        world.now + 1,
        [
            move(world.owner, "borrow", id, 9_000 * WAD, world.owner),
            move(world.keeper, "margin_call", id, refused="account is covered"),
        ],
    )
    assert done[0].after.positions[id].touched_at == done[0].now


# keepers among themselves


@pytest.mark.covers("M05", "I55")
def test_two_callers_are_paid_one_tip(stage):
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    done = together(
        stage,
        world.now + 1,
        [
            move(world.keeper, "margin_call", id),
            move(world.stranger, "margin_call", id, refused="already called"),
            move(world.stranger, "margin_calls", [id]),
        ],
    )
    assert done[-1].after.returned == 0
    assert done[-1].after.positions[id].normalized_debt == DEBT + TIP


def test_a_call_at_close_out_and_a_take_in_one_block(stage):
    """Who calls below close-out may buy in the same block; a second call restarts nothing."""
    world = stage.world
    called = call(stage)
    now = called.called_at + 100
    reprice(stage, now, 590 * WAD)
    done = together(
        stage,
        now,
        [
            take(stage, called.id, WAD, refused="not in auction"),
            move(world.keeper, "margin_call", called.id),
            take(stage, called.id, WAD),
            move(world.stranger, "margin_call", called.id, refused="already called"),
        ],
    )
    assert done[2].log("Taken")["price"] == 590 * WAD * 10_100 // 10_000


def test_two_takers_for_the_last_of_it(stage):
    world = stage.world
    called = auction(stage)
    now = called.opens + 500
    with world.snapshot():
        # to the target: the second finds the auction closed
        together(
            stage,
            now,
            [
                take(stage, called.id),
                take(stage, called.id, who=world.stranger, refused="not in auction"),
                move(world.stranger, "takes", [(called.id, ETH, MAX, MAX)], world.stranger),
            ],
        )
    with world.snapshot():
        # in slices: the second gets what is left up to the target, never more
        (whole,) = together(stage, now, [take(stage, called.id)])
    done = together(
        stage,
        now,
        [
            take(stage, called.id, 4 * WAD),
            take(stage, called.id, who=world.stranger),
            take(stage, called.id, refused="not in auction"),
        ],
    )
    first, second = (outcome.after.returned[0] for outcome in done[:2])
    assert first == 4 * WAD
    assert abs(first + second - whole.after.returned[0]) <= 2
    assert done[1].after.held[ETH, stage.people[3]] == 100 * WAD + second


def test_two_takers_for_an_account_that_is_worth_less_than_its_debt(stage):
    called = auction(stage)
    now = called.opens + 500
    reprice(stage, now, 100 * WAD)
    done = together(
        stage,
        now,
        [
            take(stage, called.id, 9 * WAD),
            take(stage, called.id, 9 * WAD, who=stage.world.stranger),
            take(stage, called.id, refused="kind not enabled"),
        ],
    )
    assert [outcome.after.returned[0] for outcome in done[:2]] == [9 * WAD, WAD]
    assert done[1].log("BadDebt")["account"] == called.id
    assert done[1].after.positions[called.id].word == 0


def test_a_take_at_the_very_end_and_an_absorb_in_one_block(stage):
    """At the last second there is nothing to absorb, a second later nothing to take."""
    world = stage.world
    called = auction(stage)
    for now, refused in ((called.closes, 1), (called.closes + 1, 0)):
        with world.snapshot():
            reprice(stage, now, 590 * WAD)
            together(
                stage,
                now,
                [
                    take(stage, called.id, WAD, refused=None if refused else "not in auction"),
                    move(
                        world.stranger,
                        "absorb",
                        called.id,
                        refused="not absorbable" if refused else None,
                    ),
                ],
            )


def test_a_limit_on_the_price_holds_against_a_cure_in_front(stage):
    """A discount that somebody restarts costs no taker more than was agreed to."""
    world = stage.world
    called = auction(stage)
    now = called.opens + 7_000
    reprice(stage, now, 640 * WAD)
    stage.act("cure", called.id, at=now, sender=world.owner)
    reprice(stage, now + 100, 590 * WAD)
    together(
        stage,
        now + 100,
        [
            take(stage, called.id, WAD, refused="above max price", most=590 * WAD),
            move(world.keeper, "takes", [(called.id, ETH, WAD, 590 * WAD)], world.keeper),
            take(stage, called.id, WAD, most=596 * WAD),
        ],
    )
