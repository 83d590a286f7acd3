# SPDX-License-Identifier: MIT
"""A pause of takes holds the clocks that run, and wakes none that has run out."""

import pytest

from tests.unit.vault_liquidation.moves import DURATION, ETH, GRACE, call, price_at, reprice
from tests.world import CALLABLE, CALLED, IN_AUCTION, MAX, WAD

DAY = 86_400


def pause_and_resume(world, paused_for: int) -> int:
    """Pause takes for a while and return the time from which auctions open again."""
    world.vault.transact("set_pauses", 8, sender=world.governor)
    world.forward(paused_for)
    world.vault.transact("set_pauses", 0, sender=world.governor)
    return world.now + GRACE


@pytest.mark.covers("M12")
def test_a_pause_wakes_no_dormant_clock(stage):
    world = stage.world
    world.give_coins(world.keeper, 20_000 * WAD)
    called = call(stage)
    reprice(stage, called.opens, 2_000 * WAD)  # recovered, and nobody cured it
    world.forward(180 * DAY)
    resumes = pause_and_resume(world, 5)
    now = resumes + DURATION // 2
    reprice(stage, now, 590 * WAD)
    stage.act("take", called.id, ETH, WAD, MAX, world.keeper, b"", at=now, refused="not in auction")
    assert world.state(called.id) == CALLABLE
    done = stage.act("margin_call", called.id)
    assert (
        done.after.positions[called.id].auction_start == done.now
    )  # below close-out, and called for it


@pytest.mark.covers("M12")
@pytest.mark.parametrize(
    "into", [GRACE // 2, GRACE + DURATION // 2, GRACE + DURATION + 10, GRACE + 2 * DURATION - 10]
)
def test_a_pause_holds_a_clock_that_runs_or_waits_to_be_absorbed(stage, into):
    world = stage.world
    called = call(stage)
    world.forward(into - (world.now - (called.opens - GRACE)))
    resumes = pause_and_resume(world, 2 * DAY)
    assert world.state(called.id) == CALLED
    world.forward(resumes - world.now - 1)
    assert world.state(called.id) == CALLED
    world.forward(1)
    assert world.state(called.id) == IN_AUCTION
    view = world.lens.read("account_of", world.vault.address, called.id)
    assert (view[5], view[6]) == (resumes, resumes + DURATION)


def test_pauses_in_a_row_longer_than_their_field_bring_no_old_clock_back(stage):
    world = stage.world
    called = call(stage)
    world.forward(3 * DAY)
    began = world.now
    while world.now - began <= 2**24:
        resumes = pause_and_resume(world, 7 * DAY - 1)
    assert world.vault.read("totals") >> 232 == 2**24 - 1
    world.forward(resumes - world.now + 10)
    assert world.state(called.id) == CALLABLE


def test_a_pause_forgotten_ends_and_holds_nothing_for_longer(stage):
    world = stage.world
    called = call(stage)
    world.forward(GRACE + 600)
    pause_and_resume(world, 300 * DAY)
    assert world.vault.read("totals") >> 232 == 7 * DAY + GRACE
    assert world.state(called.id) == CALLABLE  # it ran out after the pause had ended by itself


def test_a_second_pause_holds_what_the_first_one_held(stage):
    world = stage.world
    called = call(stage)
    world.forward(GRACE + 600)
    assert world.state(called.id) == IN_AUCTION
    pause_and_resume(world, 5 * 3_600)
    assert world.state(called.id) == CALLED
    world.forward(600)
    resumes = pause_and_resume(world, 3_600)
    assert world.state(called.id) == CALLED
    world.forward(resumes - world.now)
    assert world.state(called.id) == IN_AUCTION


def test_a_second_pause_gives_no_second_tip_and_grace(stage):
    world = stage.world
    called = call(stage)
    world.forward(GRACE + 600)
    pause_and_resume(world, 6 * DAY)
    world.forward(600)
    pause_and_resume(world, 60)
    stage.act("margin_call", called.id, refused="already called")


def test_a_pause_ends_by_itself_when_auctions_open_again(stage):
    world = stage.world
    world.give_coins(world.keeper, 20_000 * WAD)
    called = call(stage)
    world.forward(GRACE + 600)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    resumes = world.now + 7 * DAY + GRACE
    take = ("take", called.id, ETH, WAD, MAX, world.keeper, b"")
    reprice(stage, resumes - 1, 620 * WAD)
    stage.act(*take, at=resumes - 1, refused="taking paused")
    done = stage.act(*take, at=resumes)
    assert done.after.returned[0] == WAD


@pytest.fixture
def forgotten(stage):
    """An account in auction, called after a pause of takes that ended with its bit left set."""
    world = stage.world
    world.give_coins(world.keeper, 20_000 * WAD)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    world.forward(7 * DAY + GRACE + 1)
    price_at(stage, 2_000 * WAD)
    called = call(stage)
    reprice(stage, called.opens + 60, 620 * WAD)
    world.forward(called.opens + 60 - world.now)
    assert world.state(called.id) == IN_AUCTION
    return called


def test_unpausing_after_the_pause_has_ended_stops_no_running_auction(stage, forgotten):
    stage.world.vault.transact("set_pauses", 0, sender=stage.world.governor)
    assert stage.world.state(forgotten.id) == IN_AUCTION
    take = ("take", forgotten.id, ETH, WAD // 10, MAX, stage.world.keeper, b"")
    assert stage.act(*take).after.returned[0] == WAD // 10


def test_a_pause_that_has_ended_can_be_set_again(stage, forgotten):
    stage.world.vault.transact("set_pauses", 8, sender=stage.world.governor)
    assert stage.world.state(forgotten.id) == CALLED
    stage.act("take", forgotten.id, ETH, WAD, MAX, stage.world.keeper, b"", refused="taking paused")
