# SPDX-License-Identifier: MIT
"""cure: clears the clock of who satisfies the target again, and restarts a running discount."""

import pytest

from tests.unit.vault_liquidation.moves import (
    AT_CLOSE_OUT,
    AT_MAINTENANCE,
    AT_TARGET,
    BTC,
    DURATION,
    ETH,
    call,
    open_eth,
    price_at,
    reprice,
)
from tests.world import AT_RISK, CALLED, HEALTHY, IN_AUCTION, MAX, WAD


def test_cure__clears_the_clock_at_the_target(stage):
    called = call(stage)
    now = called.opens - 100
    reprice(stage, now, AT_TARGET)
    done = stage.act("cure", called.id, sender=stage.world.stranger, at=now)
    position = done.after.positions[called.id]
    assert position.auction_start == 0
    assert done.logs == [
        (
            "AccountUpdated",
            {"account": called.id, "kind": 255, "balance": 0, "word": position.word},
        ),
        ("Cured", {"account": called.id, "auction_start": 0}),
    ]
    assert stage.world.state(called.id) == HEALTHY
    stage.act("cure", called.id, refused="not curable")


def test_cure__after_repaying_and_after_a_deposit(any_stage):
    stage, world = any_stage, any_stage.world
    first, second = open_eth(stage), open_eth(stage, sub=1)
    price_at(stage, 630 * WAD)
    for id in (first, second):
        stage.act("margin_call", id)
        stage.act("cure", id, refused="not curable")
    stage.act("repay", first, 500 * WAD, sender=world.owner)
    done = stage.act("cure", first)
    assert done.after.positions[first].auction_start == 0
    world.give(world.owner, ETH, 2 * WAD)
    stage.act("deposit", second, ETH, 2 * WAD, sender=world.owner)
    assert world.state(second) == HEALTHY  # a clock may lie dormant
    done = stage.act("cure", second)
    assert done.after.positions[second].auction_start == 0


def test_cure__in_a_running_auction_at_a_covered_debt_restarts_the_discount(stage):
    world = stage.world
    called = call(stage)
    now = called.opens + DURATION // 2
    reprice(stage, now, AT_MAINTENANCE)
    assert world.state(called.id) == AT_RISK
    done = stage.act("cure", called.id, at=now)
    position = done.after.positions[called.id]
    assert position.auction_start == now
    assert done.log("Cured") == {"account": called.id, "auction_start": now}
    world.give_coins(world.keeper, 10_000 * WAD)
    price_at(stage, 630 * WAD)
    assert world.state(called.id) == IN_AUCTION
    done = stage.act("take", called.id, ETH, WAD // 100, MAX, world.keeper, b"", at=now + 100)
    assert done.log("Taken")["price"] == 630 * WAD * (10_100 - 1_300 * 100 // 7_200) // 10_000
    # the auction lasts its whole duration from the restart
    for late, reason in ((now + DURATION, None), (now + DURATION + 1, "not in auction")):
        with world.snapshot():
            reprice(stage, late, 630 * WAD)
            stage.act(
                "take", called.id, ETH, WAD // 100, MAX, world.keeper, b"", at=late, refused=reason
            )


def test_cure__again_and_again_while_covered(stage):
    called = call(stage)
    now = called.opens
    reprice(stage, now, AT_MAINTENANCE)
    stage.act("cure", called.id, at=now)
    for _ in range(3):
        done = stage.act("cure", called.id)
        assert done.after.positions[called.id].auction_start == done.now


@pytest.mark.parametrize("price", [AT_MAINTENANCE - 10**10, AT_CLOSE_OUT], ids=str)
def test_cure_reverts_when_the_auction_runs_and_the_debt_is_not_covered(stage, price):
    called = call(stage)
    reprice(stage, called.opens, price)
    stage.act("cure", called.id, at=called.opens, refused="not curable")


def test_cure_reverts_when_the_grace_runs_and_the_target_is_not_reached(stage):
    called = call(stage)
    reprice(stage, called.opens - 1, AT_TARGET - 10**10)
    stage.act("cure", called.id, at=called.opens - 1, refused="not curable")
    assert stage.world.account(called.id).auction_start == called.opens


def test_cure_reverts_without_a_clock(stage):
    id = open_eth(stage)
    stage.act("cure", id, refused="not curable")
    empty = stage.world.id(stage.world.stranger)
    stage.ids.append(empty)
    stage.act("cure", empty, refused="not curable")
    stage.act("cure", 2**168, refused="unknown account")


def test_cure__cannot_be_paused(stage):
    world = stage.world
    called = call(stage)
    world.vault.transact("set_pauses", 15, sender=world.governor)
    now = called.opens + 100
    reprice(stage, now, AT_TARGET)
    done = stage.act("cure", called.id, at=now)
    assert done.after.positions[called.id].auction_start == 0


def test_cure_reverts_when_takes_are_held_and_the_target_is_not_reached(stage):
    """While takes are paused no auction runs, whatever the stored clock says."""
    world = stage.world
    called = call(stage)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    now = called.opens + 100
    reprice(stage, now, AT_MAINTENANCE)
    stage.act("cure", called.id, at=now, refused="not curable")


def test_cure__a_dormant_clock_long_after(stage):
    """Who recovers in the auction and is never touched can still clear the clock years later."""
    called = call(stage)
    now = called.closes + 10 * 365 * 86_400
    reprice(stage, now, 2_000 * WAD)
    done = stage.act("cure", called.id, at=now)
    assert done.after.positions[called.id].auction_start == 0


def test_cure__borrowing_within_initial_margin_clears_the_clock_too(stage):
    world = stage.world
    called = call(stage)
    price_at(stage, 2_000 * WAD)
    done = stage.act("borrow", called.id, 2_000 * WAD, world.owner, sender=world.owner)
    assert done.after.positions[called.id].auction_start == 0


def test_cure__repaying_all_clears_the_clock(stage):
    world = stage.world
    called = call(stage)
    world.give_coins(world.owner, 10_000 * WAD)
    done = stage.act("repay", called.id, MAX, sender=world.owner)
    assert done.after.positions[called.id].auction_start == 0
    stage.act("cure", called.id, refused="not curable")


def test_cure__enabling_a_new_kind_rescues_without_a_margin_check(stage):
    world = stage.world
    called = call(stage)
    world.give(world.owner, BTC, 10**4)
    stage.act("deposit", called.id, BTC, 10**4, sender=world.owner)
    assert world.state(called.id) == CALLED  # not enough yet
    stage.act("cure", called.id, refused="not curable")
    world.give(world.owner, BTC, 2 * 10**6)
    stage.act("deposit", called.id, BTC, 2 * 10**6, sender=world.owner)
    done = stage.act("cure", called.id)
    assert done.after.positions[called.id].auction_start == 0
