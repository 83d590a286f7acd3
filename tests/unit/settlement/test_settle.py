# SPDX-License-Identifier: MIT
"""The second step: debts are struck off for their worth at the frozen prices, exactly."""

from __future__ import annotations

import pytest

from surety.model import account_id
from tests.stateful.node import as_json
from tests.unit.settlement.rig import (
    ALICE,
    BOB,
    CAROL,
    GOVERNOR,
    KEEPER,
    SORTS,
    STRANGER,
    WEEK,
    A,
    B,
    Rig,
    Sort,
)
from tests.world import MAX, RAY, WAD


def open_account(rig: Rig, id: int, kinds: dict[int, int], debt: int, who: str, book: int = A):
    for kind, amount in kinds.items():
        rig.vault("deposit", id, kind, amount, by=who, book=book)
    if debt:
        rig.vault("borrow", id, debt, who, by=who, book=book)


def event(rig: Rig, ran) -> dict:
    raw = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
    (found,) = [e for e in rig.settlement.events(raw) if e.name == "AccountSettled"]
    return dict(found.args)


@pytest.fixture
def two(rig):
    """Alice owes half of what she has, Bob more than he has once ether is at 900."""
    open_account(rig, rig.ids[0], {0: 10 * WAD, 1: 10**8}, 20_000 * WAD, ALICE)
    open_account(rig, rig.ids[2], {0: 10 * WAD}, 15_000 * WAD, BOB)
    rig.price(0, 900 * WAD)
    rig.price(1, 31_000 * WAD)
    rig.act("shutdown", by=GOVERNOR)
    return rig


def test_a_solvent_account_gives_up_the_same_share_of_every_kind(two):
    rig, id = two, two.ids[0]
    ran = rig.send(ALICE, rig.settlement, "settle", rig.vaults[A].address, id)
    assert event(rig, ran) == {
        "vault": rig.vaults[A].address,
        "account": id,
        "caller": ALICE,
        "debt": 20_000 * WAD,
        "worth": 40_000 * WAD,
        "share": RAY // 2,
        "shortfall": 0,
    }
    vault = rig.vaults[A]
    assert [vault.read("balances", id, kind) for kind in (0, 1)] == [5 * WAD, 10**8 // 2]
    assert [vault.read("absorbed", kind) for kind in (0, 1)] == [5 * WAD, 10**8 // 2]
    assert vault.read("debt_of", id) == 0
    rig.vault("withdraw", id, 0, MAX, ALICE, by=ALICE)
    rig.vault("withdraw", id, 1, MAX, ALICE, by=ALICE)
    assert rig.held(0, ALICE) == 10**9 * WAD - 5 * WAD
    assert rig.held(1, ALICE) == 10**17 - 10**8 // 2


def test_an_insolvent_account_gives_up_everything(two):
    rig, id = two, two.ids[2]
    before = rig.equity()
    ran = rig.send(STRANGER, rig.settlement, "settle", rig.vaults[A].address, id)
    found = event(rig, ran)
    assert (found["worth"], found["share"]) == (9_000 * WAD, RAY)
    assert (found["debt"], found["shortfall"]) == (15_000 * WAD, 6_000 * WAD)
    assert rig.vaults[A].read("accounts", id) == 0
    assert rig.read("backing_of") == 9_000 * WAD
    assert rig.equity() == before - 6_000 * WAD


def test_shares_round_for_the_holders(rig):
    """A debt of a third: one unit more of each kind moves than its share is worth."""
    id = rig.ids[0]
    open_account(rig, id, {0: 3 * WAD, 1: 3, 2: 7}, 1_000 * WAD + 1, ALICE)
    rig.price(1, WAD)  # three units of it: 3e-8 coins
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", id, by=ALICE)
    vault = rig.vaults[A]
    assert vault.read("absorbed", 1) == 1
    assert vault.read("absorbed", 2) == 2
    worth = rig.read("backing_of")
    assert 1_000 * WAD + 1 <= worth <= 1_000 * WAD + 1 + 10**10 + 10**12 + 2_000


@pytest.mark.parametrize("early", [1, WEEK])
def test_a_solvent_account_is_its_owners_for_a_week(two, early):
    rig, id = two, two.ids[0]
    rig.wait(WEEK - early)
    rig.act("settle", id, by=STRANGER, refused="owner may still repay")
    rig.act("settle", id, by=BOB, refused="owner may still repay")
    assert rig.act("settles", [id], by=STRANGER) == 0
    rig.wait(early)
    assert rig.act("settle", id, by=STRANGER) == 20_000 * WAD


def test_an_operator_settles_at_once_what_his_bit_allows(two):
    rig = two
    bits = 1 << (rig.ids[1] & 255)
    rig.send(ALICE, rig.operators, "set_operator", rig.vaults[A].address, CAROL, bits)
    refused = rig.node.run(
        CAROL,
        rig.settlement.address,
        rig.settlement.encode("settle", rig.vaults[A].address, rig.ids[0]),
        rig.now,
    )
    assert refused.reason == "owner may still repay"
    rig.send(ALICE, rig.operators, "set_operator", rig.vaults[A].address, CAROL, 1)
    rig.send(CAROL, rig.settlement, "settle", rig.vaults[A].address, rig.ids[0])
    assert rig.vaults[A].read("debt_of", rig.ids[0]) == 0


def test_owing_exactly_what_it_is_worth_is_solvent(rig):
    id = rig.ids[0]
    open_account(rig, id, {0: 10 * WAD}, 10_000 * WAD, ALICE)
    rig.price(0, 1_000 * WAD)
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", id, by=STRANGER, refused="owner may still repay")
    before = rig.equity()
    rig.act("settle", id, by=ALICE)
    assert rig.equity() == before == 0
    assert rig.vaults[A].read("balances", id, 0) == 0


def test_one_coin_unit_short_is_insolvent(rig):
    id = rig.ids[0]
    open_account(rig, id, {0: 10 * WAD}, 10_000 * WAD + 1, ALICE)
    rig.price(0, 1_000 * WAD)
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", id, by=STRANGER)
    assert rig.equity() == -1


def test_topping_an_insolvent_account_up_gives_its_owner_the_week(two):
    rig, id = two, two.ids[2]
    rig.vault("deposit", id, 0, 7 * WAD, by=KEEPER)
    rig.act("settle", id, by=STRANGER, refused="owner may still repay")
    rig.wait(WEEK)
    rig.act("settle", id, by=STRANGER)
    assert rig.vaults[A].read("balances", id, 0) == 17 * WAD - 15_000 * WAD * WAD // (900 * WAD) - 1


def test_an_owner_who_repays_half_keeps_more(two):
    rig, id = two, two.ids[0]
    rig.vault("repay", id, 10_000 * WAD, by=ALICE)
    rig.act("settle", id, by=ALICE)
    assert rig.vaults[A].read("balances", id, 0) == 75 * WAD // 10
    assert rig.vaults[A].read("balances", id, 1) == 75 * 10**6
    rig.act("settle", id, by=ALICE, refused="no debt")


def test_nothing_is_settled_before_a_shutdown_or_after_the_opening(rig):
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE)
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE, B)
    rig.act("settle", rig.ids[0], by=ALICE, refused="not settling")
    rig.act("settles", [rig.ids[0]], by=ALICE, refused="not settling")
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", rig.ids[0], by=ALICE, book=B, refused="not settling")
    rig.act("settle", rig.ids[1], by=ALICE, refused="no debt")
    rig.act("settle", rig.ids[0], by=ALICE)
    rig.act("open_redemption")
    rig.act("settle", rig.ids[0], by=ALICE, refused="not settling")
    rig.act("settles", [], by=ALICE, refused="not settling")


@pytest.mark.parametrize("id", [0, 2**168, 2**256 - 1])
def test_a_number_that_is_no_account_has_no_debt(two, id):
    data = two.settlement.encode("settle", two.vaults[A].address, id)
    assert two.node.run(ALICE, two.settlement.address, data, two.now).reason == "no debt"


def test_a_batch_skips_what_cannot_be_settled(two):
    rig = two
    ids = [0, rig.ids[0], 2**200, rig.ids[2], rig.ids[2], rig.ids[1]]
    data = rig.settlement.encode("settles", rig.vaults[A].address, ids)
    ran = rig.node.run(STRANGER, rig.settlement.address, data, rig.now)
    assert rig.settlement.decode("settles", ran.output) == 1 << 3
    data = rig.settlement.encode("settles", rig.vaults[A].address, ids)
    ran = rig.node.run(ALICE, rig.settlement.address, data, rig.now)
    assert rig.settlement.decode("settles", ran.output) == 1 << 1
    assert rig.vaults[A].read("total_debt") == 0


def test_an_account_in_a_running_auction_is_settled_like_any_other(rig):
    """No penalty, no discount: its clock stands still, and what it is worth more is its owner's."""
    id = rig.ids[0]
    open_account(rig, id, {0: 10 * WAD}, 15_000 * WAD, ALICE)
    rig.price(0, 1_700 * WAD)
    rig.vault("margin_call", id, by=KEEPER)
    rig.wait(3_600)
    open_account(rig, rig.ids[4], {0: 100 * WAD}, 50_000 * WAD, CAROL)
    rig.vault("take", id, 0, WAD, MAX, CAROL, b"", by=CAROL)
    owed, left = rig.vaults[A].read("debt_of", id), rig.vaults[A].read("balances", id, 0)
    rig.act("shutdown", by=GOVERNOR)
    rig.vault("take", id, 0, WAD, MAX, CAROL, b"", by=CAROL, refused="taking paused")
    rig.vault("margin_call", id, by=KEEPER, refused="calling paused")
    rig.act("settle", id, by=KEEPER, refused="owner may still repay")
    rig.act("settle", id, by=ALICE)
    moved = rig.vaults[A].read("absorbed", 0)
    assert moved == -(-owed * WAD // (1_700 * WAD))
    assert rig.vaults[A].read("balances", id, 0) == left - moved
    assert rig.vaults[A].read("accounts", id) >> 136 & 2**40 - 1 == 0  # no clock runs any more


def test_dust_settles_too(rig):
    """Collateral that is worth nothing covers nothing, and all of it goes."""
    id = rig.ids[0]
    open_account(rig, id, {0: 10 * WAD}, 10_000 * WAD, ALICE)
    rig.vault("deposit", id, 5, 1, by=ALICE)
    rig.price(0, 1)
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", id, by=STRANGER)
    assert rig.read("backing_of") == 10
    assert rig.equity() == -10_000 * WAD + 10
    assert rig.vaults[A].read("absorbed", 5) == 1


@pytest.mark.covers("N12")
def test_thirty_two_kinds_listed_and_eight_in_an_account():
    sorts = [Sort("MockToken", (6, 8, 18)[kind % 3], (kind + 1) * WAD + kind) for kind in range(32)]
    rig = Rig(sorts)
    kinds = {kind: 100 * sorts[kind].unit for kind in (0, 3, 7, 8, 15, 16, 30, 31)}
    worth = sum(100 * (kind + 1) * WAD + 100 * kind for kind in kinds)
    open_account(rig, rig.ids[0], kinds, 5_000 * WAD, ALICE)
    rig.vault("deposit", rig.ids[0], 20, 1, by=ALICE, refused="too many kinds")
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", rig.ids[0], by=ALICE)
    share = -(-5_000 * WAD * RAY // worth)
    for kind, amount in kinds.items():
        assert rig.vaults[A].read("absorbed", kind) == -(-amount * share // RAY)
    rig.act("open_redemption")
    rig.act("redeem", 2_500 * WAD, BOB, by=ALICE)
    rig.act("redeem", MAX, BOB, by=ALICE, refused="erc20: transfer amount exceeds balance")
    claims = rig.read("claims_of")
    assert 5_000 * WAD <= claims + 2_500 * WAD <= 5_000 * WAD + 10**14
    rig.act("redeem", rig.coins(ALICE), BOB, by=ALICE)


def test_nothing_new_comes_in_after_the_shutdown():
    """No kind that has no frozen price, or that its owner did not hold, gets into an account."""
    rig = Rig(SORTS[:3])
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE)
    rig.price(1, 7, 1)
    rig.act("shutdown", by=GOVERNOR)
    rig.price(1, 40_000 * WAD)
    for kind in (1, 2):
        rig.vault("deposit", rig.ids[0], kind, 10**6, by=ALICE, refused="shut down")
    rig.vault("deposit", rig.ids[0], 0, 10 * WAD, by=BOB)
    rig.act("settle", rig.ids[0], by=ALICE)
    assert rig.read("backing_of") == 10_000 * WAD
    rig.act("open_redemption")
    assert [rig.read("pool_of", kind) for kind in range(3)] == [5 * WAD, 0, 0]


def test_sub_accounts_are_settled_one_by_one(two):
    rig = two
    assert rig.ids[1] == account_id(ALICE, 1)
    open_before = rig.vaults[A].read("accounts", rig.ids[1])
    rig.act("settle", rig.ids[0], by=ALICE)
    assert rig.vaults[A].read("accounts", rig.ids[1]) == open_before
