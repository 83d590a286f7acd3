# SPDX-License-Identifier: MIT
"""Previews of calls, takes, cures and absorbs, and keepers' pages, against what then happens."""

from __future__ import annotations

import pytest

from surety.formulas import margin_math as m
from tests.unit.lens.foresight import ask
from tests.unit.vault_liquidation.stub import StubBook, StubKind
from tests.world import (
    ABSORBABLE,
    CALLABLE,
    CALLED,
    HEALTHY,
    IN_AUCTION,
    MAX,
    WAD,
    World,
    reverts,
)

GRACE_PRICE, CLOSE_OUT_PRICE = 1_740 * WAD, 1_600 * WAD  # of eth, for a debt at 70 % of 2,000


def call_as_told(world: World, id: int) -> tuple[str, bool, int, int]:
    """Preview a margin call, make it, and assert that exactly this happened."""
    at = world.now + 1
    told = ask(world, at, "preview_margin_call", id)
    bitmap = ask(world, at, "callable_accounts", [id])
    reason, immediate, start, tip = told
    assert bitmap == (0 if reason else 1)
    before = world.account(id)
    world.next_at(at)
    if reason:
        with reverts(reason):
            world.vault.transact("margin_call", id, sender=world.keeper)
        assert (immediate, start, tip) == (False, before.auction_start, 0)
        return told
    receipt = world.vault.transact("margin_call", id, sender=world.keeper)
    event = world.event(receipt, "MarginCalled")
    assert (event["auction_start"], event["tip"]) == (start, tip)
    assert world.account(id).auction_start == start
    assert immediate is (start == at and world.levels(id)[5] < world.levels(id)[0] - tip)
    return told


def cure_as_told(world: World, id: int) -> tuple[str, int]:
    at = world.now + 1
    reason, start = ask(world, at, "preview_cure", id)
    before = world.account(id).auction_start
    world.next_at(at)
    if reason:
        with reverts(reason):
            world.vault.transact("cure", id, sender=world.keeper)
        assert start == before
    else:
        world.vault.transact("cure", id, sender=world.keeper)
        assert world.account(id).auction_start == start
    return reason, start


def absorb_as_told(world: World, id: int) -> str:
    at = world.now + 1
    reason, debt, share, shortfall = ask(world, at, "preview_absorb", id)
    kinds = [k for k in range(3) if world.account(id).collateral_mask >> k & 1]
    held = [world.vault.read("balances", id, kind) for kind in kinds]
    world.next_at(at)
    if reason:
        with reverts(reason):
            world.vault.transact("absorb", id, sender=world.keeper)
        assert (debt, share, shortfall) == (0, 0, 0)
        return reason
    receipt = world.vault.transact("absorb", id, sender=world.keeper)
    event = world.event(receipt, "Absorbed")
    assert (event["debt"], event["shortfall"]) == (debt, shortfall)
    for kind, balance in zip(kinds, held, strict=True):
        left = world.vault.read("balances", id, kind)
        assert balance - left == m.absorbed_amount_up(balance, share)
    return reason


def at_price(world: World, price: int, moment: int) -> None:
    """Let the feed of eth say a price one second before a moment."""
    world.next_at(moment - 1)
    world.set_price(0, price)


# margin call


def test_the_calls_of_an_episode(world):
    id = world.open([(0, 10 * WAD), (2, 10**6)], 14_000 * WAD)
    assert call_as_told(world, id)[0] == "account is covered"
    world.follow(GRACE_PRICE)
    reason, immediate, opens, tip = call_as_told(world, id)
    assert (reason, immediate, opens) == ("", False, world.now + world.book.grace_period)
    assert tip == world.book.call_tip
    assert world.state(id) == CALLED
    assert call_as_told(world, id)[0] == "already called"
    world.follow(CLOSE_OUT_PRICE)
    reason, immediate, opens, tip = call_as_told(world, id)  # close-out shortens the grace
    assert (reason, immediate, opens, tip) == ("", True, world.now, 0)
    assert call_as_told(world, id)[0] == "already called"
    closes = opens + world.book.auction_duration
    at_price(world, CLOSE_OUT_PRICE, closes + 1)
    assert call_as_told(world, id)[0] == "absorb instead"
    with world.snapshot():
        at_price(world, GRACE_PRICE, closes + 100)
        told = call_as_told(world, id)  # a second call of one episode: no grace, no tip
        assert told == ("", False, world.now, 0)
    at_price(world, CLOSE_OUT_PRICE, closes + world.book.call_cool_down + 100)
    told = call_as_told(world, id)
    assert told[:2] == ("", True)
    assert told[3] == 0  # it would lift the debt over close-out


@pytest.mark.parametrize(("flags", "touched", "immediate"), [(0, 0, 1), (2, 0, 0), (0, 1, 0)])
def test_what_stops_an_immediate_call(world, flags, touched, immediate):
    """A price that is not confirmed, and an owner who raised risk in the same second."""
    book = StubBook(world.rpc, [StubKind()])
    book.open([10 * WAD], 14_000 * WAD)
    book.say(0, 2_000 * WAD)
    withdraw = book.vault.encode("withdraw", book.id, 0, 1, book.owner)
    fall = book.hub.encode("set_word", 0, 10**18, 1_500 * WAD, 10_000, 10_000, flags)
    world.rpc.call("evm_setAutomine", False)
    try:
        for sender, to, data in (
            (book.owner if touched else book.keeper, book.vault, withdraw),
            (book.governor, book.hub, fall),
        ):
            call = {"from": sender, "to": to.address, "data": "0x" + data.hex(), "gas": "0xf4240"}
            world.rpc.call("eth_sendTransaction", call)
        world.rpc.mine()
    finally:
        world.rpc.call("evm_setAutomine", True)
    touched_at = (book.vault.read("accounts", book.id) >> 176) % 2**40
    assert (touched_at == world.now) is bool(touched)
    told = book.lens.read("preview_margin_call", book.vault.address, book.id)
    start = world.now + (0 if immediate else book.params.grace_period)
    assert told == ("", bool(immediate), start, 0)


def test_calls_are_paused(world):
    id = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(GRACE_PRICE)
    world.vault.transact("set_pauses", 4, sender=world.governor)
    assert call_as_told(world, id)[0] == "calling paused"


def test_no_tip_at_the_ceiling(world):
    id = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(GRACE_PRICE)
    minted = world.coin.read("minted", world.vault.address)
    for room, paid in ((world.book.call_tip - 1, 0), (world.book.call_tip, world.book.call_tip)):
        with world.snapshot():
            ceiling = minted + room
            world.coin.transact("set_ceiling", world.vault.address, ceiling, sender=world.governor)
            assert call_as_told(world, id)[3] == paid


# cure and absorb


def test_cures(world):
    id = world.open([(0, 10 * WAD)], 14_000 * WAD)
    assert cure_as_told(world, id) == ("not curable", 0)
    world.follow(GRACE_PRICE)
    call_as_told(world, id)
    opens = world.account(id).auction_start
    assert cure_as_told(world, id)[0] == "not curable"
    with world.snapshot():
        world.follow(2_000 * WAD)
        assert cure_as_told(world, id) == ("", 0)
    with world.snapshot():  # the price has recovered to between maintenance and target
        at_price(world, 1_800 * WAD, opens + 600)
        assert cure_as_told(world, id) == ("", world.now)
        assert world.account(id).auction_start == world.now
    at_price(world, 1_800 * WAD, opens + world.book.auction_duration + 1)
    assert cure_as_told(world, id)[0] == "not curable"


def test_absorbs(world):
    id = world.open([(0, 10 * WAD), (2, 10 * 10**6)], 14_000 * WAD)
    assert absorb_as_told(world, id) == "not absorbable"
    world.follow(CLOSE_OUT_PRICE)
    call_as_told(world, id)
    closes = world.account(id).auction_start + world.book.auction_duration
    at_price(world, CLOSE_OUT_PRICE, closes - 1)
    assert absorb_as_told(world, id) == "not absorbable"  # the last second of its auction
    with world.snapshot():
        at_price(world, GRACE_PRICE, closes + 100)
        assert absorb_as_told(world, id) == "not absorbable"  # above close-out
    with world.snapshot():
        world.feeds[0].transact("set_reverts", True, sender=world.governor)
        world.next_at(closes + 100)
        world.rpc.mine()
        assert absorb_as_told(world, id) == "price failed"
    with world.snapshot():
        world.vault.transact("set_pauses", 8, sender=world.governor)
        assert absorb_as_told(world, id) == "taking paused"
    for price in (CLOSE_OUT_PRICE, 1_200 * WAD):  # partly, and with a shortfall
        with world.snapshot():
            at_price(world, price, closes + 100)
            assert absorb_as_told(world, id) == ""


# pages


def told_states(world: World, ids: list[int]) -> list[int]:
    return list(world.lens.read("states_of", world.vault.address, ids))


@pytest.fixture
def book(world):
    """Accounts in every state that has a debt, at one moment."""
    ids = [
        world.open([(0, 10 * WAD), (1, 2 * 10**6), (2, 2_000 * 10**6)], 16_100 * WAD, sub=sub)
        for sub in range(4)
    ]
    safe = world.open([(0, 100 * WAD)], 15_000 * WAD, sub=200)
    empty = world.id(world.owner, 201)
    low = 1_500 * WAD  # below close-out
    world.follow(low)
    call_as_told(world, ids[0])  # to be absorbed
    opens = world.account(ids[0]).auction_start
    at_price(world, low, opens + world.book.auction_duration - 500)
    call_as_told(world, ids[1])  # in auction at the end
    world.follow(1_690 * WAD)
    assert call_as_told(world, ids[2])[1] is False  # in its grace
    at_price(world, low, opens + world.book.auction_duration + 1)
    world.rpc.mine()
    states = [ABSORBABLE, IN_AUCTION, CALLED, CALLABLE, HEALTHY, 0]
    assert told_states(world, [*ids, safe, empty]) == states
    return [*ids, safe, empty]


def test_callable_accounts(world, book):
    """Those that nobody has called, and those in grace that are below close-out by now."""
    vault = world.vault.address
    assert world.lens.read("callable_accounts", vault, book) == 0b001100
    assert world.lens.read("callable_accounts", vault, []) == 0
    assert world.lens.read("callable_accounts", vault, [book[2]] * 128) == 2**128 - 1
    for place, id in enumerate(book):
        with world.snapshot():
            reason, *_ = call_as_told(world, id)
            assert (reason == "") is bool(0b001100 >> place & 1)


def test_auctions(world, book):
    world.give_coins(world.keeper, 40_000 * WAD)
    at = world.now + 1
    rows = ask(world, at, "auctions", book)
    opens = world.account(book[1]).auction_start
    closes = opens + world.book.auction_duration
    assert [row[:2] for row in rows] == [(book[1], kind) for kind in range(3)]
    for account, kind, price, available, cost, opened, closed in rows:
        assert (opened, closed) == (opens, closes)
        with world.snapshot():
            world.next_at(at)
            receipt = world.vault.transact(
                "take", account, kind, MAX, MAX, world.keeper, b"", sender=world.keeper
            )
            taken = world.event(receipt, "Taken")
            assert (taken["price"], taken["amount"], taken["cost"]) == (price, available, cost)
    with world.snapshot():
        world.feeds[0].transact("set_reverts", True, sender=world.governor)
        world.forward(61)
        assert [row[1] for row in ask(world, world.now + 1, "auctions", book)] == [1, 2]
    world.vault.transact("set_pauses", 8, sender=world.governor)
    assert ask(world, world.now + 1, "auctions", book) == ()


def test_an_auction_that_only_dust_can_leave(world):
    """A debt at the floor over two kinds, neither of which clears it: shown, nothing to buy yet."""
    world.give_coins(world.keeper, 10_000 * WAD)
    id = world.open([(0, WAD), (1, 5 * 10**6)], world.book.debt_floor)
    world.vault.transact("set_rate", 0, sender=world.governor)
    world.coin.transact("set_ceiling", world.vault.address, 0, sender=world.governor)  # no tip
    world.follow(1_240 * WAD, 25_000 * WAD)
    assert call_as_told(world, id)[0] == ""
    opens = world.account(id).auction_start
    at_price(world, 1_240 * WAD, opens + 1_000)
    take = (MAX, MAX, world.keeper, b"")
    (_, _, _, available, cost, _, _), _ = ask(world, world.now + 1, "auctions", [id])
    assert 0 < cost < WAD  # the little that the debt is above its floor
    receipt = world.vault.transact("take", id, 0, *take, sender=world.keeper)
    assert world.event(receipt, "Taken")["amount"] == available
    rows = ask(world, world.now + 1, "auctions", [id])
    assert [(row[1], row[3], row[4]) for row in rows] == [(0, 0, 0), (1, 0, 0)]
    for kind in (0, 1):
        with reverts("leaves dust"):
            world.lens.read("preview_take", world.vault.address, id, kind, MAX)
        with reverts("leaves dust"):
            world.vault.transact("take", id, kind, *take, sender=world.keeper)


def test_a_page_has_at_most_128_accounts(world):
    with reverts(""):
        world.lens.read("callable_accounts", world.vault.address, [1] * 129)
    with reverts(""):
        world.lens.read("auctions", world.vault.address, [1] * 129)


# authority


def test_is_authorised(world):
    id, other = world.id(world.owner, 5), world.id(world.owner, 6)

    def may(account, who):
        return world.lens.read("is_authorised", world.vault.address, account, who)

    assert may(id, world.owner)
    assert not may(id, world.operator)
    world.set_operator(world.operator, 1 << 5, sender=world.owner)
    assert (may(id, world.operator), may(other, world.operator)) == (True, False)
    world.operators.transact("lockdown", sender=world.owner)
    assert (may(id, world.operator), may(id, world.owner)) == (False, True)
