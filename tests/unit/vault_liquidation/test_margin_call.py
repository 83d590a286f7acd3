# SPDX-License-Identifier: MIT
"""margin_call: who can be called, when the auction opens, and what the caller gets."""

import pytest

from tests.unit.vault_liquidation.moves import (
    AT_CLOSE_OUT,
    AT_MAINTENANCE,
    BTC,
    COOL_DOWN,
    DEBT,
    DURATION,
    ETH,
    GRACE,
    STABLE,
    TIP,
    auction,
    call,
    open_eth,
    price_at,
    reprice,
)
from tests.world import CALLABLE, CALLED, IN_AUCTION, MAX, WAD, reverts


def test_margin_call__starts_the_grace_and_pays_the_tip(any_stage):
    stage, world = any_stage, any_stage.world
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    assert world.state(id) == CALLABLE
    done = stage.act("margin_call", id, sender=world.keeper)
    assert done.after.positions[id].auction_start == done.now + GRACE
    assert done.log("MarginCalled")["tip"] == TIP
    keeper = stage.people[2]
    assert done.after.coin.balances[keeper] - done.before.coin.balances[keeper] == TIP
    assert done.after.coin.supply - done.before.coin.supply == TIP
    assert TIP <= done.after.debt(id, done.now) - done.before.debt(id, done.now) <= TIP + 2
    assert world.state(id) == CALLED


def test_margin_call__to_the_wei_without_interest(stage):
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    done = stage.act("margin_call", id)
    position = done.after.positions[id]
    assert (position.normalized_debt, position.balances) == (DEBT + TIP, {ETH: 10 * WAD})
    assert done.logs == [
        ("AccountUpdated", {"account": id, "kind": 255, "balance": 0, "word": position.word}),
        (
            "MarginCalled",
            {
                "account": id,
                "auction_start": done.now + GRACE,
                "caller": stage.people[2],
                "tip": TIP,
            },
        ),
    ]


@pytest.mark.parametrize(
    ("kind", "amount", "debt", "price"),
    [
        (ETH, 10 * WAD, 5_100 * WAD, 630 * WAD),
        (BTC, 10**8, 24_000 * WAD, 29_990 * WAD),
        (STABLE, 30_000 * 10**6, 24_000 * WAD, 87 * WAD // 100),
    ],
    ids=["18-decimals", "8-decimals", "6-decimals"],
)
def test_margin_call__any_decimals(any_stage, kind, amount, debt, price):
    stage = any_stage
    id = stage.open([(kind, amount)], debt)
    prices = [2_000 * WAD, 40_000 * WAD, WAD]
    prices[kind] = price
    price_at(stage, *prices)
    done = stage.act("margin_call", id)
    assert done.after.positions[id].auction_start > 0


def test_margin_call_reverts_when_debt_is_exactly_at_maintenance(stage):
    at, above = open_eth(stage, DEBT), open_eth(stage, DEBT + 1, sub=1)
    price_at(stage, AT_MAINTENANCE)
    assert stage.levels(at).maintenance == DEBT
    stage.act("margin_call", at, refused="account is covered")
    done = stage.act("margin_call", above)
    assert done.after.positions[above].auction_start == done.now + GRACE


def test_margin_call__is_immediate_one_wei_above_close_out(stage):
    at, above = open_eth(stage, DEBT), open_eth(stage, DEBT + 1, sub=1)
    price_at(stage, AT_CLOSE_OUT)
    assert stage.levels(at).close_out == DEBT
    done = stage.act("margin_call", at)
    assert done.after.positions[at].auction_start == done.now + GRACE
    done = stage.act("margin_call", above)
    assert done.after.positions[above].auction_start == done.now
    assert stage.world.state(above) == IN_AUCTION


def test_margin_call_reverts_when_the_account_is_empty(stage):
    world = stage.world
    stage.ids += [world.id(world.stranger), 0, 2**168 - 1]
    for id in stage.ids[-3:]:
        stage.act("margin_call", id, refused="account is covered")
    stage.act("margin_call", 2**168, refused="unknown account")
    stage.act("margin_call", 2**256 - 1, refused="unknown account")


def test_margin_call_reverts_when_there_is_no_debt(stage):
    id = stage.open([(ETH, WAD)], 0)
    price_at(stage, WAD)
    stage.act("margin_call", id, refused="account is covered")


def test_margin_call_reverts_when_already_called(stage):
    called = call(stage)
    for now in (called.called_at + 1, called.opens - 1, called.opens, called.closes):
        with stage.world.snapshot():
            stage.act("margin_call", called.id, at=now, refused="already called")


def test_margin_call__at_close_out_shortens_a_running_grace(stage):
    called = call(stage)
    for now in (called.called_at + 100, called.opens - 1):
        with stage.world.snapshot():
            reprice(stage, now, 590 * WAD)
            done = stage.act("margin_call", called.id, at=now)
            assert done.after.positions[called.id].auction_start == now
            assert done.log("MarginCalled")["tip"] == 0
            stage.act("margin_call", called.id, refused="already called")


def test_margin_call_reverts_when_a_running_auction_would_restart(stage):
    called = call(stage)
    for now in (called.opens, called.closes):
        with stage.world.snapshot():
            reprice(stage, now, 590 * WAD)
            stage.act("margin_call", called.id, at=now, refused="already called")


def test_margin_call__again_at_once_after_an_auction_that_nobody_used(stage):
    called = call(stage)
    last = called.closes + COOL_DOWN
    for now in (called.closes + 1, called.closes + DURATION, called.closes + DURATION + 1, last):
        with stage.world.snapshot():
            reprice(stage, now, 630 * WAD)
            done = stage.act("margin_call", called.id, at=now)
            assert done.after.positions[called.id].auction_start == now  # one grace an episode
            assert done.log("MarginCalled")["tip"] == 0
            assert stage.world.state(called.id) == IN_AUCTION


def test_margin_call__after_the_cool_down_is_a_new_episode(stage):
    called = call(stage)
    now = called.closes + COOL_DOWN + 1
    reprice(stage, now, 630 * WAD)
    done = stage.act("margin_call", called.id, at=now)
    assert done.after.positions[called.id].auction_start == now + GRACE
    assert done.log("MarginCalled")["tip"] == TIP
    assert done.after.positions[called.id].normalized_debt == DEBT + TIP


def test_margin_call_reverts_when_the_account_is_to_be_absorbed(stage):
    called = auction(stage)
    for now in (called.closes + 1, called.closes + DURATION):
        with stage.world.snapshot():
            reprice(stage, now, 590 * WAD)
            stage.act("margin_call", called.id, at=now, refused="absorb instead")
    now = called.closes + DURATION + 1
    reprice(stage, now, 590 * WAD)
    done = stage.act("margin_call", called.id, at=now)
    assert done.after.positions[called.id].auction_start == now


def test_margin_call__below_close_out_exactly_may_not_be_absorbed(stage):
    """At exactly the close-out level the account is covered by its collateral: called again."""
    called = call(stage)
    now = called.closes + 1
    reprice(stage, now, AT_CLOSE_OUT)
    done = stage.act("margin_call", called.id, at=now)
    assert done.after.positions[called.id].auction_start == now


def test_margin_call__pays_at_most_a_400th_of_the_debt(stage):
    id = stage.open([(ETH, 10 * WAD)], 2_000 * WAD)
    stage.world.vault.transact("repay", id, 1, sender=stage.world.owner)
    price_at(stage, 24_800 * WAD // 100)  # maintenance 1,984; close-out 2,108
    done = stage.act("margin_call", id)
    assert done.log("MarginCalled")["tip"] == TIP == 2_000 * WAD // 400
    assert done.after.positions[id].normalized_debt == 2_005 * WAD


def test_margin_call__a_debt_below_the_floor_pays_less(stage):
    """A whole-balance sale left a debt below the floor; its 400th is less than the tip."""
    world = stage.world
    id = stage.open([(ETH, 36 * WAD // 10), (BTC, 9 * 10**6)], 6_975 * WAD)
    price_at(stage, 1_480 * WAD, 27_000 * WAD)
    stage.act("margin_call", id)
    world.give_coins(world.keeper, 100_000 * WAD)
    done = stage.act("take", id, ETH, MAX, MAX, world.keeper, b"")
    left = done.after.positions[id].normalized_debt
    assert 0 < left < 2_000 * WAD
    # a price at which what is left sits between maintenance and close-out, after the cool-down
    now = done.now + DURATION + COOL_DOWN + 1
    price = (left * 10_000 // 8_200 * 100 // 9) // 10**10 * 10**10
    reprice(stage, now, 1_480 * WAD, price)
    done = stage.act("margin_call", id, at=now)
    assert done.log("MarginCalled")["tip"] == left // 400 < TIP
    assert done.after.positions[id].auction_start == now + GRACE


def test_margin_call__no_tip_that_would_pass_close_out(stage):
    """The tip itself never moves an account over the close-out level."""
    exact, above = open_eth(stage, DEBT - TIP), open_eth(stage, DEBT - TIP + 1, sub=1)
    price_at(stage, AT_CLOSE_OUT)
    done = stage.act("margin_call", exact)
    assert done.log("MarginCalled")["tip"] == TIP
    assert stage.levels(exact).debt == stage.levels(exact).close_out == DEBT
    done = stage.act("margin_call", above)
    assert done.log("MarginCalled")["tip"] == 0
    assert done.after.positions[above].normalized_debt == DEBT - TIP + 1
    assert done.after.positions[above].auction_start == done.now + GRACE


def test_margin_call__no_tip_at_the_minters_ceiling(stage):
    world = stage.world
    first, second = open_eth(stage), open_eth(stage, sub=1)
    price_at(stage, 630 * WAD)
    minted = world.coin.read("minted", world.vault.address)
    for ceiling, tip in ((minted + TIP - 1, 0), (minted, 0), (0, 0), (minted + TIP, TIP)):
        with world.snapshot():
            world.coin.transact("set_ceiling", world.vault.address, ceiling, sender=world.governor)
            done = stage.act("margin_call", first)
            assert done.log("MarginCalled")["tip"] == tip
            assert done.after.positions[first].normalized_debt == DEBT + tip
    world.coin.transact("set_ceiling", world.vault.address, minted + TIP, sender=world.governor)
    stage.act("margin_call", first)
    assert stage.act("margin_call", second).after.returned == 0


def test_margin_call_reverts_when_calling_is_paused(stage):
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    world.vault.transact("set_pauses", 4, sender=world.governor)
    stage.act("margin_call", id, refused="calling paused")
    world.vault.transact("set_pauses", 3 + 8, sender=world.governor)
    stage.act("margin_call", id)


def test_margin_call__touches_no_other_account_of_the_owner(stage):
    first, second = open_eth(stage), open_eth(stage, sub=1)
    price_at(stage, 630 * WAD)
    done = stage.act("margin_call", first)
    assert done.after.positions[second] == done.before.positions[second]


def test_margin_call__cross_account_with_a_failed_kind_counts_its_last_price(stage):
    world = stage.world
    id = stage.open([(ETH, 5 * WAD), (BTC, 2 * 10**7)], 13_400 * WAD)
    price_at(stage, 1_500 * WAD, 40_000 * WAD)
    world.feeds[BTC].transact("set_reverts", True, sender=world.governor)
    world.forward(60)
    world.hub.transact("poke", 2, sender=world.keeper)
    levels = stage.levels(id)
    assert levels.value == 15_500 * WAD
    done = stage.act("margin_call", id)
    assert done.before.hub.prices[BTC].flags == 1
    assert done.after.positions[id].auction_start == done.now  # 13,400 > 85 % of 15,500


def test_margin_call__by_the_owner_pays_the_owner(stage):
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    done = stage.act("margin_call", id, sender=world.owner)
    owner = stage.people[0]
    assert done.after.coin.balances[owner] - done.before.coin.balances[owner] == TIP
    with reverts("already called"):
        world.vault.transact("margin_call", id, sender=world.owner)
