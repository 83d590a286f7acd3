# SPDX-License-Identifier: MIT
"""margin_calls: many accounts in one call, as if each had been called alone."""

from dataclasses import replace

import pytest

from surety.deploy import BookParams
from surety.model import check_same
from tests.unit.vault_liquidation.moves import (
    DEBT,
    DURATION,
    ETH,
    GRACE,
    TIP,
    call,
    move,
    open_eth,
    price_at,
    reprice,
    returned,
    together,
    transfers,
)
from tests.unit.vault_liquidation.stub import StubBook, StubKind
from tests.world import MAX, WAD, reverts

ZERO = "0x" + "00" * 20


def act(stage, ids, **how):
    """Call many, and hold what it returns on chain against the model."""
    done = stage.act("margin_calls", list(ids), **how)
    if done.reason is None:
        assert returned(stage.world.vault, "margin_calls") == done.after.returned
    return done


def test_margin_calls__of_nobody(stage):
    done = act(stage, [])
    assert (done.after.returned, done.logs) == (0, [])
    assert transfers(stage.world.coin) == []


def test_margin_calls__of_one_is_a_margin_call(any_stage):
    stage = any_stage
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    now = stage.world.now + 1
    with stage.world.snapshot():
        alone = stage.act("margin_call", id, at=now)
        paid = transfers(stage.world.coin)
    done = act(stage, [id], at=now)
    assert done.after.returned == 1
    assert done.logs == alone.logs
    assert transfers(stage.world.coin) == paid
    check_same(done.after, alone.after)


def test_margin_calls__of_sixty_four(stage):
    world = stage.world
    ids = [stage.open([(ETH, 4 * WAD)], 2_040 * WAD, sub=sub) for sub in range(64)]
    price_at(stage, 630 * WAD)
    with reverts(""):
        world.vault.transact("margin_calls", [*ids, ids[0]], sender=world.keeper)
    done = act(stage, ids)
    assert done.after.returned == 2**64 - 1
    starts = {done.after.positions[id].auction_start for id in ids}
    assert starts == {done.now + GRACE}
    assert {done.after.positions[id].normalized_debt for id in ids} == {2_040 * WAD + TIP}
    # one mint of all tips
    assert transfers(world.coin) == [(ZERO, stage.people[2], 64 * TIP)]
    assert [name for name, _ in done.logs] == ["AccountUpdated", "MarginCalled"] * 64


def test_margin_calls__skips_who_cannot_be_called(stage):
    world = stage.world
    waiting = call(stage).id  # already called, and its grace runs
    price_at(stage, 2_000 * WAD)
    safe = open_eth(stage, 2_000 * WAD, sub=1)
    below, sunk = open_eth(stage, sub=2), open_eth(stage, 5_360 * WAD, sub=3)
    nobody = world.id(world.stranger)
    stage.ids += [nobody, 0, 2**168 - 1]
    price_at(stage, 630 * WAD)
    ids = [waiting, below, safe, nobody, sunk, 0, 2**168 - 1, below]
    done = act(stage, ids)
    assert done.after.returned == 0b10010
    after = done.after.positions
    assert after[below].auction_start == done.now + GRACE
    # above the highest debt that a tip may reach: no grash course, no tip
    assert after[sunk].auction_start == done.now  # 5,360 are above 85 % of 6,300
    assert after[sunk].normalized_debt == 5_360 * WAD
    for id in (waiting, safe, nobody, 0, 2**168 - 1):
        assert after[id] == done.before.positions[id]


def test_margin_calls__skips_who_is_to_be_absorbed(stage):
    first = call(stage)
    price_at(stage, 2_000 * WAD)
    second = open_eth(stage, sub=1)
    now = first.closes + 1
    reprice(stage, now, 590 * WAD)
    done = act(stage, [first.id, second], at=now)
    assert done.after.returned == 0b10
    assert done.after.positions[first.id] == done.before.positions[first.id]
    assert done.after.positions[second].auction_start == now
    # a duration later both may be called again, at once and without a tip
    now = first.closes + 2 * DURATION + 2
    reprice(stage, now, 590 * WAD)
    done = act(stage, [first.id, second], at=now)
    assert done.after.positions[first.id].auction_start == now
    assert transfers(stage.world.coin) == []


@pytest.mark.covers("N16")
def test_margin_calls__an_account_twice_is_called_once(stage):
    first, second = open_eth(stage), open_eth(stage, sub=1)
    price_at(stage, 630 * WAD)
    done = act(stage, [first, first, second, first, second])
    assert done.after.returned == 0b101
    assert done.after.positions[first].normalized_debt == DEBT + TIP
    assert transfers(stage.world.coin) == [(ZERO, stage.people[2], 2 * TIP)]


def test_margin_calls__leave_what_single_calls_leave(any_stage):
    """Every word, every balance and every event, with callable and other accounts mixed."""
    stage, world = any_stage, any_stage.world
    ids = [open_eth(stage, debt, sub=sub) for sub, debt in enumerate((DEBT, DEBT - WAD, DEBT))]
    ids += [stage.open([(ETH, 5 * WAD), (1, 10**7)], 6_200 * WAD, sub=9)]
    ids += [open_eth(stage, 2_000 * WAD, sub=10)]
    price_at(stage, 590 * WAD, 40_000 * WAD)
    now = world.now + 1
    refusals = [None, None, None, None, "account is covered"]
    with world.snapshot():
        alone = together(
            stage,
            now,
            [
                move(world.keeper, "margin_call", id, refused=refused)
                for id, refused in zip(ids, refusals, strict=True)
            ],
        )
    done = act(stage, ids, at=now)
    assert done.after.returned == 0b1111
    check_same(done.after, alone[-1].after)
    assert done.logs == [log for outcome in alone for log in outcome.logs]


# the ceiling


def test_margin_calls__pays_each_tip_only_where_it_fits(base_world):
    """Dear tips first: they do not fit, cheaper ones behind them do, until those no longer do."""
    with base_world.snapshot():
        params = replace(BookParams(), rate=0, call_tip=200 * WAD)
        book = StubBook(base_world.rpc, [StubKind()], params)
        debts = [51_000 * WAD, 5_100 * WAD, 6_000 * WAD, 2_000 * WAD, 2_400 * WAD]
        ids = [book.id | sub for sub in range(len(debts))]
        for id, debt in zip(ids, debts, strict=True):
            book.id = id
            book.open([debt // 500], debt)
        book.say(0, 610 * WAD)  # worth 122 % of the debt: below maintenance, above close-out
        minted = book.coin.read("minted", book.vault.address)
        assert minted == sum(debts)
        book.coin.transact(
            "set_ceiling", book.vault.address, minted + 20 * WAD, sender=book.governor
        )
        assert book.coin.read("headroom", book.vault.address) == 20 * WAD
        receipt = book.vault.transact("margin_calls", ids, sender=book.keeper)
        # 127.5 does not fit 20; 12.75 does, then 15 does not fit 7.25, 5 does, 6 not 2.25
        tips = [0, 12_750 * WAD // 1_000, 0, 5 * WAD, 0]
        called = [e.args["tip"] for e in book.vault.events(receipt) if e.name == "MarginCalled"]
        assert called == tips
        for id, debt, tip in zip(ids, debts, tips, strict=True):
            assert book.vault.read("debt_of", id) == debt + tip
            assert book.start(id) == book.now + params.grace_period
        assert transfers(book.coin) == [
            (ZERO, book.coin.decode("governor", "0x" + f"{int(book.keeper, 16):064x}"), sum(tips))
        ]
        assert book.vault.read("totals") % 2**112 == sum(debts) + sum(tips)


@pytest.mark.parametrize("spare", [0, TIP - 1, TIP, 2 * TIP - 1, 2 * TIP, 3 * TIP])
def test_margin_calls__at_the_minters_ceiling(stage, spare):
    world = stage.world
    ids = [open_eth(stage, sub=sub) for sub in range(3)]
    price_at(stage, 630 * WAD)
    minted = world.coin.read("minted", world.vault.address)
    world.coin.transact("set_ceiling", world.vault.address, minted + spare, sender=world.governor)
    done = act(stage, ids)
    assert done.after.returned == 0b111
    paid = spare // TIP
    found = [done.after.positions[id].normalized_debt - DEBT for id in ids]
    assert found == [TIP] * paid + [0] * (3 - paid)
    assert transfers(world.coin) == [(ZERO, stage.people[2], paid * TIP)] * (paid > 0)


def test_margin_calls__at_a_ceiling_of_zero(stage):
    world = stage.world
    ids = [open_eth(stage, sub=sub) for sub in range(2)]
    price_at(stage, 630 * WAD)
    world.coin.transact("set_ceiling", world.vault.address, 0, sender=world.governor)
    done = act(stage, ids)
    assert done.after.returned == 0b11
    assert transfers(world.coin) == []
    assert done.after.coin.supply == done.before.coin.supply


# refusals of the whole


def test_margin_calls_reverts_when_calling_is_paused(stage):
    world = stage.world
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    world.vault.transact("set_pauses", 4, sender=world.governor)
    act(stage, [id], refused="calling paused")
    act(stage, [])  # there is nothing to refuse
    world.vault.transact("set_pauses", 3 + 8 + 16, sender=world.governor)
    assert act(stage, [id]).after.returned == 1


@pytest.mark.parametrize("bad", [2**168, 2**255, MAX])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_margin_calls_reverts_when_a_number_is_no_account(stage, bad, place):
    ids = [open_eth(stage), open_eth(stage, sub=1)]
    price_at(stage, 630 * WAD)
    ids.insert(place, bad)
    act(stage, ids, refused="unknown account")


def test_margin_calls__pays_the_caller_only(stage):
    world = stage.world
    ids = [open_eth(stage), open_eth(stage, sub=1)]
    price_at(stage, 630 * WAD)
    done = act(stage, ids, sender=world.stranger)
    before, after = done.before.coin.balances, done.after.coin.balances
    gained = {who: after[who] - before[who] for who in after if after[who] != before[who]}
    assert gained == {stage.people[3]: 2 * TIP}
