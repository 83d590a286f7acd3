# SPDX-License-Identifier: MIT
"""The last steps: what coins buy of a pool, to the wei, and what becomes of the rest."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.model.settlement import REDEEMING, Ending, Settlement
from tests.stateful.node import as_json
from tests.unit.settlement.rig import (
    ALICE,
    BOB,
    CAROL,
    GOVERNOR,
    KEEPER,
    STRANGER,
    WEEK,
    YEAR,
    ZERO,
    A,
    B,
    Rig,
)
from tests.world import MAX, WAD


def open_account(rig: Rig, id: int, kinds: dict[int, int], debt: int, who: str, book: int = A):
    for kind, amount in kinds.items():
        rig.vault("deposit", id, kind, amount, by=who, book=book)
    if debt:
        rig.vault("borrow", id, debt, who, by=who, book=book)


def events(rig: Rig, ran) -> list[tuple[str, dict]]:
    raw = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
    return [(event.name, dict(event.args)) for event in rig.settlement.events(raw)]


def end(rig: Rig, book: int = A) -> None:
    """Shut a book down, settle all that it is owed, open the redemption."""
    rig.act("shutdown", by=GOVERNOR, book=book)
    rig.wait(WEEK)
    rig.act("settles", rig.ids, by=KEEPER, book=book)
    rig.act("open_redemption", by=STRANGER, book=book)


@pytest.fixture
def solvent(rig):
    """Alice has given up 5 ether and half a bitcoin for 30,000 coins that she still holds."""
    open_account(rig, rig.ids[0], {0: 10 * WAD, 1: 10**8}, 30_000 * WAD, ALICE)
    rig.price(1, 40_000 * WAD)
    end(rig)
    return rig


@pytest.fixture
def insolvent(rig):
    """10,000 coins against 10 ether at 600: everybody gets six tenths."""
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE)
    rig.price(0, 600 * WAD)
    end(rig)
    return rig


def test_a_coin_buys_a_coins_worth_while_the_system_is_solvent(solvent):
    rig = solvent
    assert (rig.read("claims_of"), rig.read("backing_of")) == (30_000 * WAD, 30_000 * WAD)
    assert rig.equity() == 0
    data = rig.settlement.encode("redeem", rig.vaults[A].address, 6_000 * WAD, BOB)
    ran = rig.node.run(ALICE, rig.settlement.address, data, rig.now)
    vault = rig.vaults[A].address
    assert events(rig, ran) == [
        (
            "Redeemed",
            {
                "vault": vault,
                "caller": ALICE,
                "receiver": BOB,
                "amount": 6_000 * WAD,
                "claims": 24_000 * WAD,
                "backing": 24_000 * WAD,
            },
        ),
        ("Paid", {"vault": vault, "kind": 0, "receiver": BOB, "amount": WAD}),
        ("Paid", {"vault": vault, "kind": 1, "receiver": BOB, "amount": 10**7}),
    ]
    assert rig.coin.read("totalSupply") == 24_000 * WAD
    assert rig.coins(rig.settlement.address) == 0
    assert rig.equity() == 0


def test_everybody_gets_the_same_share_of_an_insolvent_one(insolvent):
    rig = insolvent
    assert (rig.read("claims_of"), rig.read("backing_of")) == (10_000 * WAD, 6_000 * WAD)
    rig.send(ALICE, rig.coin, "transfer", BOB, 2_500 * WAD)
    rig.send(ALICE, rig.coin, "transfer", CAROL, 1)
    rig.act("redeem", 2_500 * WAD, BOB, by=BOB)
    assert rig.held(0, BOB) == 10**9 * WAD + 25 * WAD // 10
    assert rig.equity() == -3_000 * WAD
    rig.act("redeem", 7_500 * WAD - 1, ALICE, by=ALICE)
    assert (rig.read("claims_of"), rig.read("backing_of")) == (1, 0)
    assert rig.read("pool_of", 0) == 1
    rig.act("redeem", MAX, CAROL, by=CAROL)  # the last one gets the rest: a unit, not six tenths
    assert rig.held(0, CAROL) == 10**9 * WAD + 1
    assert (rig.read("pool_of", 0), rig.coin.read("totalSupply"), rig.equity()) == (0, 0, 0)


def test_more_than_the_claims_redeems_the_claims(rig):
    """A surplus stays behind: the coins of the other book are worth as much as before."""
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE)
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 5_000 * WAD, ALICE, B)
    end(rig)
    burned, paid = rig.read("preview_redeem", 15_000 * WAD)
    assert (burned, paid[0]) == (10_000 * WAD, 5 * WAD)
    assert rig.act("redeem", 15_000 * WAD, ALICE, by=ALICE) == 10_000 * WAD
    assert rig.coins(ALICE) == 5_000 * WAD
    rig.act("redeem", 1, ALICE, by=ALICE, refused="nothing to redeem")
    assert rig.read("phase_of") == REDEEMING


def test_preview_says_what_redeem_does(insolvent):
    rig = insolvent
    for amount in (1, 2, 10**9, 3_333 * WAD + 1):
        burned, paid = rig.read("preview_redeem", amount)
        before = rig.held(0, BOB)
        if paid[0] == 0:
            rig.act("redeem", amount, BOB, by=ALICE, refused="amount too small")
            continue
        assert rig.act("redeem", amount, BOB, by=ALICE) == burned == amount
        assert rig.held(0, BOB) == before + paid[0]
        assert not any(paid[1:])
    burned, paid = rig.read("preview_redeem", 0)
    assert (burned, tuple(paid)) == (0, (0,) * 32)


def test_refusals(solvent):
    rig = solvent
    vault = rig.vaults[A].address
    for receiver in (ZERO, vault, rig.settlement.address):
        rig.act("redeem", WAD, receiver, by=ALICE, refused="bad receiver")
    rig.act("redeem", 0, ALICE, by=ALICE, refused="zero amount")
    rig.act("redeem", WAD, BOB, by=BOB, refused="erc20: transfer amount exceeds balance")
    rig.act("redeem", WAD, ALICE, by=ALICE, book=B, refused="not redeeming")
    rig.act("open_redemption", refused="not settling")
    rig.act("sweep", refused="redemption period runs")
    rig.act("sweep", book=B, refused="not redeeming")
    rig.act("claim", 0, ALICE, ALICE, by=ALICE, refused="nothing owed")
    rig.act("claim", 0, ALICE, BOB, by=BOB, refused="not holder")
    rig.send(ALICE, rig.coin, "approve", rig.settlement.address, WAD - 1)
    data = rig.settlement.encode("redeem", vault, WAD, ALICE)
    ran = rig.node.run(ALICE, rig.settlement.address, data, rig.now)
    assert ran.reason == "erc20: insufficient allowance"


def test_nobody_burns_coins_for_nothing(rig):
    """A book of which nobody gave anything up has no pool and no claims, whatever the deficit."""
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE)
    open_account(rig, rig.ids[2], {0: 10 * WAD}, 10_000 * WAD, BOB, B)
    rig.vault("repay", rig.ids[0], MAX, by=ALICE)
    rig.price(0, 500 * WAD)
    rig.act("shutdown", by=GOVERNOR, book=B)
    rig.act("settle", rig.ids[2], by=KEEPER, book=B)
    assert rig.equity() == -5_000 * WAD
    end(rig)
    assert (rig.read("claims_of"), rig.read("backing_of")) == (0, 0)
    rig.act("redeem", 5_000 * WAD, BOB, by=BOB, refused="nothing to redeem")
    rig.act("open_redemption", book=B)
    assert rig.read("claims_of", book=B) == 10_000 * WAD  # the empty pool carries nothing of it
    rig.wait(YEAR)
    rig.act("sweep")


def test_the_rest_goes_to_the_fund_after_a_year(insolvent):
    rig = insolvent
    rig.act("redeem", 4_000 * WAD, ALICE, by=ALICE)
    opened = rig.now
    rig.wait(YEAR - 1)
    rig.act("sweep", refused="redemption period runs")
    rig.wait(1)
    assert rig.read("opened_at") + YEAR == opened + YEAR == rig.now
    before = rig.equity()
    ran = rig.send(STRANGER, rig.settlement, "sweep", rig.vaults[A].address)
    vault, fund = rig.vaults[A].address, rig.fund.address
    assert events(rig, ran) == [
        (
            "Swept",
            {
                "vault": vault,
                "fund": fund,
                "written_off": 3_600 * WAD,
                "claims": 6_000 * WAD,
            },
        ),
        ("Paid", {"vault": vault, "kind": 0, "receiver": fund, "amount": 6 * WAD}),
    ]
    assert rig.held(0, fund) == 6 * WAD
    assert rig.equity() == before - 3_600 * WAD == -6_000 * WAD
    assert rig.read("phase_of") == 3
    data = rig.settlement.encode("redeem", vault, WAD, ALICE)
    assert rig.node.run(ALICE, rig.settlement.address, data, rig.now).reason == "not redeeming"
    data = rig.settlement.encode("sweep", vault)
    assert rig.node.run(ALICE, rig.settlement.address, data, rig.now).reason == "not redeeming"


def test_what_was_given_to_the_vault_is_nobodys(solvent):
    """A donation is in no account and in no pool, and does not change what a coin buys."""
    rig = solvent
    vault = rig.vaults[A].address
    before = rig.read("preview_redeem", 1_000 * WAD)
    rig.send(GOVERNOR, rig.tokens[0], "mint", vault, 100 * WAD)
    rig.send(ALICE, rig.coin, "transfer", vault, WAD)
    rig.send(ALICE, rig.coin, "transfer", rig.settlement.address, WAD)
    assert rig.read("preview_redeem", 1_000 * WAD) == before
    rig.act("redeem", rig.coins(ALICE), ALICE, by=ALICE)
    assert rig.coins(rig.settlement.address) == WAD


def test_a_donation_before_the_opening_does_not_change_the_pool(rig):
    open_account(rig, rig.ids[0], {0: 10 * WAD}, 10_000 * WAD, ALICE)
    rig.act("shutdown", by=GOVERNOR)
    rig.send(GOVERNOR, rig.tokens[0], "mint", rig.vaults[A].address, 100 * WAD)
    rig.act("settle", rig.ids[0], by=ALICE)
    rig.act("open_redemption")
    assert rig.read("pool_of", 0) == 5 * WAD
    assert rig.read("claims_of") == 10_000 * WAD


pools = st.lists(st.integers(0, 2**100), min_size=1, max_size=8)


def ready(pool: list[int], claims: int, backing: int) -> tuple[Settlement, Ending]:
    ending = Ending(REDEEMING, pool=dict(enumerate(pool)), claims=claims, backing=backing)
    return Settlement("0x0", endings={"vault": ending}), ending


class Named:
    """A book that nothing is asked of but its vault."""

    class rules:  # noqa: N801 - as the book's field is called
        vault = "vault"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(pools, st.integers(1, 2**100), st.integers(0, 2**64))
def test_many_parts_never_pay_more_than_one(pool, claims, seed):
    """And less by at most a unit of a kind for every part; the last one always gets the rest."""
    dice = random.Random(seed)
    settlement, ending = ready(pool, claims, claims)
    amount = dice.randint(1, claims)
    _, at_once = settlement.quote(Named, amount)
    paid = dict.fromkeys(at_once, 0)
    left, parts = amount, dice.randint(1, 12)
    for part in range(parts):
        step = left if part == parts - 1 else dice.randint(0, left)
        burned, payouts = settlement.quote(Named, step)
        for kind, payout in payouts.items():
            # what is left per claim never falls
            old, ending.pool[kind] = ending.pool[kind], ending.pool[kind] - payout
            assert ending.pool[kind] * ending.claims >= old * (ending.claims - burned)
            paid[kind] += payout
        ending.claims -= burned
        left -= burned
    for kind, all_at_once in at_once.items():
        assert all_at_once - parts < paid[kind] <= all_at_once
    if ending.claims:
        _, rest = settlement.quote(Named, ending.claims)
        assert rest == ending.pool
    else:
        assert not any(ending.pool.values())
