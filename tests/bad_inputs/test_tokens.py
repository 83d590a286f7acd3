# SPDX-License-Identifier: MIT
"""Rows T01 to T28 of the catalogue of bad inputs, where a cell of `docs/tokens.md` says too little.

`test_matrix.py` holds each trait against each operation; here are amounts at their limits, several
holders, what a listing refuses, and what a token finds when it calls back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from surety.chain import Contract
from surety.compile import artifact
from surety.deploy import MAJOR, KindParams, list_kind, local_feed
from surety.deploy.errors import ParamsError
from surety.deploy.params import LOOSE_LIMITS
from tests.bad_inputs.matrix import OPERATIONS, UNTOUCHED, Matrix
from tests.bad_inputs.stage import (
    ABSORBABLE,
    AUCTIONED,
    ETH,
    FRESH,
    GOLD,
    ODD,
    SAFE,
    SMALL,
    ZERO,
    Stage,
)
from tests.bad_inputs.tokens import ODD_NAME, Mode, Says, Trait, _abi_string, word
from tests.unit.vault.test_adjust import every_call
from tests.world import INT_MIN, MAX, OPEN, WAD

PRICE = 101 * WAD // 100  # of a token in the first second of its auction
NOBODY = "0x" + "42" * 20


def deposit(stage: Stage, amount: int, sub: int = FRESH, who: str | None = None) -> str | None:
    who = who or stage.owner
    return stage.run(who, stage.vault, "deposit", stage.id(sub), ODD, amount).reason


def withdraw(stage: Stage, amount: int, sub: int = SAFE, to: str | None = None) -> str | None:
    args = (stage.id(sub), ODD, amount, to or stage.owner)
    return stage.run(stage.owner, stage.vault, "withdraw", *args).reason


def listing_of(stage: Stage, token: str, decimals: int = 18) -> tuple[Any, ...]:
    from tests.unit.listings.desk import Listing

    oracle = stage.deploy("MockOracle", WAD).address
    return Listing(
        token=token, oracle=oracle, decimals=decimals, expected_price=WAD,
        min_price=WAD // 10, max_price=10 * WAD,
    ).struct()  # fmt: skip


def hub_args(stage: Stage, token: str) -> tuple[Any, ...]:
    oracle = stage.deploy("MockOracle", WAD).address
    return (token, oracle, 3_600, WAD // 10, 10 * WAD, 1_666_667, 333_333, 1_000, 15_000_000)


# T04, T05, T26: what a loud or a greedy token costs


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        pytest.param(Mode.LONG, None, id="T04-100-kB-answer"),
        pytest.param(Mode.SHOUT, "custom error", id="T05-100-kB-revert"),
    ],
)
@pytest.mark.parametrize("way", ["in", "out"])
def test_100_kb_from_a_token_fit_half_a_million_gas(calm, moves, reason, way):
    """With a plain move the same call of this token needs 300,000."""
    calm.modes(moves, moves)
    before = calm.books()
    if way == "in":
        call = (calm.owner, calm.vault, "deposit", calm.id(FRESH), ODD, WAD)
    else:
        call = (calm.owner, calm.vault, "withdraw", calm.id(SAFE), ODD, WAD, calm.owner)
    ran = calm.run(*call, gas=500_000)
    assert (ran.reason and ran.reason.split(" 0x")[0]) == reason
    assert (calm.books() == before) == (reason is not None)


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param(Mode.SHOUT, id="T05-batch-of-takes"),
        pytest.param(Mode.BURN, id="T26-batch-of-takes"),
    ],
)
def test_a_batch_of_takes_goes_on_without_the_kind_that_refuses(troubled, moves):
    """`takes` cannot skip what has failed in a token: it is refused whole, and goes on without."""
    stage = troubled
    stage.modes(0, moves)
    eth = (stage.id(AUCTIONED), ETH, WAD // 20, MAX)
    odd = (stage.id(AUCTIONED), ODD, 50 * WAD, MAX)
    stage.refused(stage.keeper, stage.vault, "takes", [eth, odd], stage.keeper)
    before = stage.coins(stage.keeper)
    sold, cost = stage.do(stage.keeper, stage.vault, "takes", [eth], stage.keeper)
    assert sold == (WAD // 20,)
    assert cost == 1_000 * PRICE // 20 == before - stage.coins(stage.keeper)


@pytest.mark.parametrize("moves", [pytest.param(Mode.BURN, id="T26-redeem-batch")])
def test_a_redemption_pays_the_other_kinds_whatever_one_burns(calm, moves):
    """One kind gets 500,000 gas and no more: the whole call fits a million and a half."""
    calm.shut()
    calm.modes(0, moves)
    gold = calm.world.tokens[GOLD]
    before = gold.read("balanceOf", calm.other)
    args = (calm.vault.address, 1_000 * WAD, calm.other)
    assert calm.run(calm.other, calm.settlement, "redeem", *args, gas=1_500_000).reason is None
    # 1,000 of 1,005,300 claims (and what was rounded up) on a thousand gold and a part of one
    pool = 1_000_454_545_454_545_454_546
    claims = 1_005_300_000_000_000_000_000_546
    assert gold.read("balanceOf", calm.other) - before == pool * 1_000 * WAD // claims
    odd = 4_845_454_545_454_545_454_546 * 1_000 * WAD // claims
    assert calm.settlement.read("owed_to", calm.vault.address, ODD, calm.other) == odd


# T06, T12, T27: what is not listed


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(ZERO, id="T06-zero-address"),
        pytest.param(NOBODY, id="T06-no-code"),
        pytest.param("gone", id="T06-destroyed"),
    ],
)
def test_what_has_no_code_is_nowhere_taken_for_a_token(calm, token):
    if token == "gone":
        calm.vanish()
        token = calm.odd.address
    governor, world = calm.world.governor, calm.world
    listing = (calm.vault.address, listing_of(calm, token))
    assert calm.refused(governor, world.listings, "list", *listing) == "token has no code"
    assert calm.refused(governor, world.hub, "list_kind", *hub_args(calm, token)) == (
        "token has no code"
    )
    direct = (3, token, *(7_500, 8_000, 8_500, 10_100, 8_800), WAD, False)
    refused = calm.refused(governor, calm.vault, "list_collateral", *direct)
    assert refused == "token not priced"


@pytest.mark.parametrize(
    ("decimals", "reason"),
    [
        pytest.param(0, "bad decimals", id="T12-0"),
        pytest.param(2, "bad decimals", id="T12-2"),
        pytest.param(5, "bad decimals", id="T12-5"),
        pytest.param(6, None, id="T12-6"),
        pytest.param(8, None, id="T12-8"),
        pytest.param(18, None, id="T12-18"),
        pytest.param(19, "bad decimals", id="T12-19"),
        pytest.param(24, "bad decimals", id="T12-24"),
        pytest.param(36, "bad decimals", id="T12-36"),
        pytest.param(77, "bad decimals", id="T12-77"),
        pytest.param(255, "bad decimals", id="T12-255"),
    ],
)
def test_decimals_are_6_to_18(calm, decimals, reason):
    """By the desk, by the vault itself once the hub prices the token, and before a deployment."""
    world, governor = calm.world, calm.world.governor
    token = calm.deploy("HostileToken", "New", "NEW", decimals)
    kind = local_feed(calm.sender, "new", token.address, WAD, MAJOR)
    if reason is not None:
        expected = f"kinds[0].token: {token.address} has {decimals} decimals, not 6..18"
        with pytest.raises(ParamsError) as caught:
            list_kind(calm.sender, world.system.listings, calm.vault.address, kind)
        assert str(caught.value) == expected
    with calm.undone():
        call = (calm.vault.address, listing_of(calm, token.address, decimals))
        ran = calm.run(governor, world.listings, "list", *call)
        assert ran.reason == reason
    calm.do(governor, world.hub, "list_kind", *hub_args(calm, token.address))
    direct = (3, token.address, *(7_500, 8_000, 8_500, 10_100, 8_800), WAD, False)
    assert calm.run(governor, calm.vault, "list_collateral", *direct).reason == reason
    listed = int(calm.vault.read("collateral", 3))
    assert listed >> 240 == (0 if reason else decimals)


@pytest.mark.parametrize("decimals", [pytest.param(d, id=f"T12-{d}-money") for d in (6, 8, 12, 18)])
def test_money_is_exact_with_any_decimals(decimals):
    """Nothing is lost or found in a life of a token at one coin, to its last unit."""
    stage = Stage(decimals=decimals)
    unit = stage.unit
    assert stage.coins(stage.owner) - 10_000 * WAD == (5_000 + 300 + 5_000) * WAD
    before = stage.held(stage.owner)
    assert deposit(stage, 1) is None
    assert stage.balance(FRESH) == 1
    (levels,) = stage.world.lens.read("levels_of", stage.vault.address, [stage.id(FRESH)])
    # one unit at a price of one coin is worth 10**(18 - decimals), three quarters of it lent
    one = 10 ** (18 - decimals)
    assert tuple(levels)[1:4] == (one, one * 7_500 // 10_000, one * 7_500 // 10_000)
    assert withdraw(stage, MAX, FRESH) is None
    assert stage.held(stage.owner) == before
    stage.trouble()
    coins = stage.coins(stage.keeper)
    args = (stage.id(AUCTIONED), ODD, 50 * unit, MAX, stage.keeper, b"")
    assert stage.do(stage.keeper, stage.vault, "take", *args) == (50 * unit, 50 * PRICE)
    stage.do(stage.keeper, stage.fund, "start_auction", stage.vault.address, ODD)
    bought = stage.do(
        stage.keeper, stage.fund, "buy", stage.odd.address, 10 * unit, MAX, stage.keeper
    )
    assert bought == (10 * unit, 10 * 103 * WAD // 100)
    assert coins - stage.coins(stage.keeper) == 50 * PRICE + 10 * 103 * WAD // 100
    held = stage.held(stage.owner)
    assert stage.do(stage.owner, stage.peg, "redeem", 5_000 * WAD, stage.owner) == 5_000 * unit
    assert stage.held(stage.owner) - held == 5_000 * unit
    assert (stage.held(stage.peg), stage.missing()) == (0, 0)


@pytest.mark.parametrize(
    "where", [pytest.param("desk", id="T27-by-the-desk"), pytest.param("vault", id="T27-directly")]
)
def test_the_coin_is_no_collateral_of_itself(calm, where):
    coin, governor = calm.coin.address, calm.world.governor
    if where == "desk":
        call = (calm.world.listings, "list", calm.vault.address, listing_of(calm, coin))
    else:
        # the hub may price it, for whoever wants to know
        calm.do(governor, calm.world.hub, "list_kind", *hub_args(calm, coin))
        levels = (7_500, 8_000, 8_500, 10_100, 8_800)
        call = (calm.vault, "list_collateral", 3, coin, *levels, WAD, False)
    assert calm.refused(governor, *call) == "the coin itself"


# T07, T08, T23: what comes in short


@pytest.mark.parametrize(
    ("fee", "amount", "reason"),
    [
        pytest.param(1, 9_999, None, id="T07-fee-rounds-to-nothing"),
        pytest.param(1, 10_000, "token kept a fee", id="T07-fee-of-one-unit"),
        pytest.param(10_000, 1, "token kept a fee", id="T07-all-of-one-unit"),
    ],
)
def test_a_fee_is_seen_from_its_first_unit_on(calm, fee, amount, reason):
    calm.modes(Mode.FEE)
    calm.tell("set_fee", fee)
    before = calm.held(calm.owner), calm.held(calm.vault)
    assert deposit(calm, amount) == reason
    moved = 0 if reason else amount
    assert calm.balance(FRESH) == moved
    assert calm.held(calm.owner) == before[0] - moved
    assert calm.held(calm.vault) == before[1] + moved


@pytest.mark.parametrize(
    ("moves", "spare", "reason"),
    [
        pytest.param(Mode.FEE, 10 * WAD, None, id="T07-fee-out-of-a-donation"),
        pytest.param(Mode.FEE, 10 * WAD - 1, "token kept a fee", id="T07-fee-above-a-donation"),
        pytest.param(Mode.SHORT, 1, None, id="T23-one-unit-out-of-a-donation"),
        pytest.param(Mode.SHORT, 0, "token kept a fee", id="T23-one-unit"),
        pytest.param(Mode.LIE, 1_000 * WAD, None, id="T02-a-lie-out-of-a-donation"),
        pytest.param(Mode.LIE, 1_000 * WAD - 1, "token kept a fee", id="T02-a-lie"),
    ],
)
def test_what_is_missing_may_come_out_of_what_nobody_owns(calm, moves, spare, reason):
    """The one use of a donation: and never a unit of what somebody owns."""
    calm.modes(moves)
    calm.tell("set_fee", 100)
    calm.give(calm.vault.address, spare)
    assert deposit(calm, 1_000 * WAD) == reason
    assert calm.balance(FRESH) == (0 if reason else 1_000 * WAD)
    assert calm.held(calm.vault) - calm.booked() == (spare if reason else 0)
    calm.behave()
    for sub in (SAFE, SMALL):
        calm.do(calm.owner, calm.vault, "repay", calm.id(sub), MAX)
        assert withdraw(calm, MAX, sub) is None
    assert reason is not None or withdraw(calm, MAX, FRESH) is None
    assert (calm.booked(), calm.held(calm.vault)) == (0, spare if reason else 0)


@pytest.mark.parametrize("moves", [pytest.param(Mode.FEE, id="T08-fee-switched-on")])
def test_a_fee_that_comes_later_is_each_receivers_own(calm, moves):
    """Everybody is paid his nominal amount; what is left inside is exactly what is booked."""
    calm.modes(moves, moves)
    calm.tell("set_fee", 500)
    assert deposit(calm, WAD) == "token kept a fee"
    for sub, amount in ((SMALL, 1_000 * WAD), (SAFE, 10_000 * WAD)):
        calm.do(calm.owner, calm.vault, "repay", calm.id(sub), MAX)
        before = calm.held(calm.owner)
        assert withdraw(calm, MAX, sub) is None
        assert calm.held(calm.owner) - before == amount * 95 // 100
        assert calm.held(calm.vault) == calm.booked()
    assert calm.booked() == 0


@pytest.mark.parametrize("moves", [pytest.param(Mode.TOLL, id="T08-sender-pays-on-top")])
def test_a_token_that_charges_the_sender_costs_the_last_of_its_own_kind(calm, moves):
    """The book is short by what was charged, of this kind alone, and shows it."""
    calm.modes(0, moves)
    calm.tell("set_fee", 100)
    for sub in (SMALL, SAFE):
        calm.do(calm.owner, calm.vault, "repay", calm.id(sub), MAX)
    assert withdraw(calm, 1_000 * WAD, SMALL) is None
    assert calm.missing() == 10 * WAD
    assert deposit(calm, WAD) == "token kept a fee"
    assert withdraw(calm, MAX, SAFE) == ""  # the token has not so much
    # 9,990 are there, and each unit costs a hundredth of another
    most = 9_990 * WAD * 100 // 101
    assert withdraw(calm, most + 2, SAFE) == ""
    assert withdraw(calm, most, SAFE) is None
    assert calm.balance(SAFE) == 10_000 * WAD - most
    # gold in the same account is not touched
    gold = (calm.id(SAFE), GOLD, MAX, calm.owner)
    assert calm.run(calm.owner, calm.vault, "withdraw", *gold).reason is None


# T09: balances that change by themselves


@pytest.mark.covers("I11")
@pytest.mark.parametrize("bps", [pytest.param(bps, id=f"T09-up-{bps}") for bps in (10_001, 20_000)])
def test_what_a_rebase_adds_is_nobodys(calm, bps):
    """No account, no capacity, no backing and no equity changes; nobody can take it out."""
    asked = (
        (calm.vault, "health_factor", calm.id(SAFE)),
        (calm.vault, "total_debt"),
        (calm.peg, "backing"),
        (calm.fund, "equity"),
        (calm.world.lens, "levels_of", calm.vault.address, [calm.id(SAFE), calm.id(SMALL)]),
    )
    before = [contract.read(*call) for contract, *call in asked]
    books, held = calm.books(), calm.held(calm.vault)
    calm.rebase(bps)
    assert [contract.read(*call) for contract, *call in asked] == before
    assert calm.books() == books
    assert calm.held(calm.vault) == held * bps // 10_000
    assert withdraw(calm, 10_000 * WAD + 1) == "above balance"
    calm.do(calm.owner, calm.vault, "repay", calm.id(SAFE), MAX)
    assert withdraw(calm, MAX) is None
    assert calm.held(calm.vault) == held * bps // 10_000 - 10_000 * WAD


@pytest.mark.parametrize("bps", [pytest.param(bps, id=f"T09-down-{bps}") for bps in (9_999, 5_000)])
def test_what_a_rebase_takes_is_seen_and_closes_the_kind(calm, bps):
    """Deposits are refused until it is all there again; a freeze stops borrowing on it."""
    held = calm.held(calm.vault)
    calm.rebase(bps)
    gone = held - held * bps // 10_000
    assert calm.missing() == gone
    for amount in (1, 10_000 * WAD):
        assert deposit(calm, amount, SAFE, calm.other) == "token kept a fee"
    calm.give(calm.vault.address, gone - 1)
    assert deposit(calm, 1, SAFE, calm.other) == "token kept a fee"
    calm.give(calm.vault.address, 1)
    assert deposit(calm, 1, SAFE, calm.other) is None
    governor = calm.world.governor
    calm.do(governor, calm.vault, "set_frozen", ODD, True)
    borrow = (calm.id(SAFE), WAD, calm.owner)
    assert calm.refused(calm.owner, calm.vault, "borrow", *borrow) == "below initial margin"
    assert deposit(calm, WAD) == "kind is frozen"
    assert deposit(calm, WAD, SAFE) is None


# T10, T11: a token that calls back


@pytest.mark.covers("I66")
@pytest.mark.parametrize(
    ("moves", "way"),
    [
        pytest.param(Mode.HOOK_AFTER, "in", id="T10-in"),
        pytest.param(Mode.HOOK_AFTER, "out", id="T10-out"),
        pytest.param(Mode.HOOK_BEFORE, "in", id="T11-in"),
        pytest.param(Mode.HOOK_BEFORE, "out", id="T11-out"),
    ],
)
def test_nothing_of_the_vault_answers_a_hook_but_raw_words(calm, moves, way):
    """The token is an operator, and an account of its own: nothing but the lock holds it back."""
    stage = calm
    stage.do(stage.owner, stage.world.operators, "set_operator", stage.vault.address,
             stage.odd.address, MAX)  # fmt: skip
    calls = every_call(stage.world, stage.id(SAFE))
    assert len(calls) > 48
    answered, usual = set(), {}
    for name, data in calls.items():
        with stage.undone():
            stage.tell("set_callback", stage.vault.address, data)
            stage.modes(moves, moves)
            if way == "in":
                assert deposit(stage, WAD, SAFE) is None
            else:
                assert withdraw(stage, WAD) is None
            assert stage.odd.read("calls") == 1
            if stage.odd.read("successes"):
                answered.add(name)
                # what it said is what is committed
                said = bytes(stage.odd.read("response"))
                assert said == stage.node.view(stage.vault.address, data)
            else:
                assert stage.odd.read("response") == b"", f"{name}: not the lock, a reason"
            usual[name] = (stage.balance(SAFE), stage.booked(), stage.coins(stage.owner))
    assert answered == OPEN
    assert len(set(usual.values())) == 1


@pytest.mark.parametrize(
    ("moves", "name"),
    [
        pytest.param(moves, name, id=f"{row}-flash-in-{name.replace(' ', '-')}")
        for row, moves in (("T10", Mode.HOOK_AFTER), ("T11", Mode.HOOK_BEFORE))
        for name in ("deposit", "withdraw", "take", "peg mint", "peg redeem", "collect", "buy")
    ],
)
def test_a_flash_loan_inside_of_a_hook_changes_nothing(matrix, moves, name):
    """The coin is open by design: what is borrowed there is paid back, and all else as usual."""
    operation = next(each for each in OPERATIONS if each.name == name)
    usual = matrix.usual(operation)
    with matrix.prepared(operation) as (stage, call, _):
        borrower = stage.deploy("MockBorrower")
        approve = stage.coin.encode("approve", stage.coin.address, MAX)
        stage.do(stage.stranger, borrower, "set_steps", [(stage.coin.address, approve)])
        loan = (borrower.address, stage.coin.address, 10**9 * WAD, b"")
        stage.tell("set_callback", stage.coin.address, stage.coin.encode("flashLoan", *loan))
        stage.modes(moves, moves)
        before = stage.books(), stage.balances()
        who, contract, fn, args = call
        assert stage.run(who, contract, fn, *args).reason is None
        assert (stage.odd.read("calls"), stage.odd.read("successes")) == (1, 1)
        after = stage.books()
        assert {key: after[key] - before[0][key] for key in after} == usual.books
        paid = stage.coins(who) - before[1][who][1]
        names = {stage.owner: "owner", stage.keeper: "keeper"}
        assert paid == usual.coins[names[who]]
        assert stage.coin.read("flash_minted") == 0


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return Matrix()


# T13: decimals that change


@pytest.mark.parametrize("decimals", [pytest.param(d, id=f"T13-to-{d}") for d in (0, 6, 77, 255)])
def test_decimals_that_change_change_nothing(troubled, decimals):
    stage = troubled
    ids = [stage.id(sub) for sub in (SAFE, AUCTIONED, ABSORBABLE)]
    before = stage.world.lens.read("levels_of", stage.vault.address, ids)
    backing = stage.peg.read("backing")
    stage.tell("set_decimals", decimals)
    assert stage.world.lens.read("levels_of", stage.vault.address, ids) == before
    assert stage.peg.read("backing") == backing
    args = (stage.id(AUCTIONED), ODD, 50 * WAD, MAX, stage.keeper, b"")
    assert stage.do(stage.keeper, stage.vault, "take", *args) == (50 * WAD, 50 * PRICE)
    stage.do(stage.keeper, stage.fund, "start_auction", stage.vault.address, ODD)
    assert stage.fund.read("auction_of", stage.odd.address)[5] == 18
    buy = (stage.odd.address, WAD, MAX, stage.keeper)
    assert stage.do(stage.keeper, stage.fund, "buy", *buy) == (WAD, 103 * WAD // 100)


# T14, T15: block lists and pauses


@pytest.mark.covers("I54")
@pytest.mark.parametrize("sub", [pytest.param(AUCTIONED, id="T14-owner-in-auction")])
def test_a_blocked_owner_is_liquidated_all_the_same(troubled, sub):
    stage = troubled
    stage.tell("set_blocked", stage.owner, True)
    args = (stage.id(sub), ODD, 50 * WAD, MAX, stage.keeper, b"")
    assert stage.do(stage.keeper, stage.vault, "take", *args) == (50 * WAD, 50 * PRICE)
    stage.do(stage.keeper, stage.vault, "absorb", stage.id(ABSORBABLE))
    assert stage.vault.read("debt_of", stage.id(ABSORBABLE)) == 0
    assert withdraw(stage, WAD) == "blocked"
    # and gets what is his by another address
    before = stage.held(stage.other)
    assert withdraw(stage, WAD, SAFE, stage.other) is None
    assert stage.held(stage.other) - before == WAD


@pytest.mark.parametrize("sub", [pytest.param(AUCTIONED, id="T14-vault")])
def test_a_blocked_vault_sells_and_absorbs_the_rest(troubled, sub):
    """What is in it can be frozen, sold in its other kinds, written off and repaid; not moved."""
    stage = troubled
    stage.tell("set_blocked", stage.vault.address, True)
    take = (stage.id(sub), ODD, 50 * WAD, MAX, stage.keeper, b"")
    assert stage.refused(stage.keeper, stage.vault, "take", *take) == "blocked"
    stage.do(stage.world.governor, stage.vault, "set_frozen", ODD, True)
    eth = (stage.id(sub), ETH, WAD // 2, MAX, stage.keeper, b"")
    assert stage.do(stage.keeper, stage.vault, "take", *eth) == (WAD // 2, 505 * WAD)
    stage.do(stage.keeper, stage.vault, "absorb", stage.id(ABSORBABLE))
    collect = (stage.vault.address, ODD)
    assert stage.refused(stage.keeper, stage.fund, "collect", *collect) == "blocked"
    stage.do(stage.keeper, stage.fund, "collect", stage.vault.address, ETH)
    stage.do(stage.other, stage.vault, "repay", stage.id(SAFE), 1_000 * WAD)
    stage.tell("set_blocked", stage.vault.address, False)
    assert stage.do(stage.keeper, stage.fund, "collect", *collect) == 2_000 * WAD


# T16, T17: what is never asked of a token


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(each, id=f"T16-T17-{each.name.replace(' ', '-')}")
        for each in (*OPERATIONS, *UNTOUCHED)
    ],
)
@pytest.mark.covers("T16", "T17", "I72")
def test_nothing_is_moved_for_nothing_and_no_approval_is_left(matrix, operation):
    """No amount of zero, no `transferFrom` of one's own, no approval but the zap's exact ones."""
    with matrix.prepared(operation) as (stage, (who, contract, fn, args), _):
        assert stage.run(who, contract, fn, *args).reason is None
        odd = stage.odd
        assert (odd.read("moves_of_nothing"), odd.read("moves_of_self")) == (0, 0)
        for name, place in stage.places().items():
            assert odd.read("approvals", place) == 0, name
        if operation.group == "zap":
            zap = stage.zap.address
            for spender in (stage.vault.address, stage.zap.read("router")):
                assert odd.read("allowance", zap, spender) == 0
            assert (stage.held(zap), stage.coins(zap)) == (0, 0)


@pytest.mark.parametrize(
    ("name", "call", "reason"),
    [
        ("deposit", lambda s: (s.vault, "deposit", s.id(SAFE), ODD, 0), "zero amount"),
        ("withdraw", lambda s: (s.vault, "withdraw", s.id(SAFE), ODD, 0, s.owner), "zero amount"),
        (
            "withdraw-all-of-none",
            lambda s: (s.vault, "withdraw", s.id(FRESH), ODD, MAX, s.owner),
            "zero amount",
        ),
        (
            "leg",
            lambda s: (s.vault, "adjust", s.id(SAFE), [(ODD, 0)], 0, s.owner, b""),
            "zero amount",
        ),
        (
            "move",
            lambda s: (s.vault, "move", s.id(SAFE), s.id(FRESH), [(ODD, 0)], 0),
            "zero amount",
        ),
        (
            "take",
            lambda s: (s.vault, "take", s.id(AUCTIONED), ODD, 0, MAX, s.owner, b""),
            "zero amount",
        ),
        ("collect", lambda s: (s.fund, "collect", s.vault.address, GOLD), "nothing absorbed"),
        ("buy", lambda s: (s.fund, "buy", s.odd.address, 0, MAX, s.owner), "no auction"),
        ("mint", lambda s: (s.peg, "mint", 0, s.owner), "zero amount"),
        ("redeem", lambda s: (s.peg, "redeem", 0, s.owner), "zero amount"),
        ("recapitalise", lambda s: (s.fund, "recapitalise", 0), "zero amount"),
    ],
    ids=lambda value: f"T16-zero-{value}" if isinstance(value, str) else "",
)
def test_zero_never_reaches_a_token(troubled, name, call, reason):
    contract, fn, *args = call(troubled)
    assert troubled.refused(troubled.owner, contract, fn, *args) == reason, name
    assert troubled.odd.read("moves_of_nothing") == 0


@pytest.mark.covers("T16")
def test_an_order_of_nothing_is_skipped_and_moves_nothing(troubled):
    stage = troubled
    orders = [(stage.id(AUCTIONED), ODD, 0, MAX), (stage.id(SAFE), ODD, WAD, MAX)]
    assert stage.do(stage.keeper, stage.vault, "takes", orders, stage.keeper) == ((0, 0), 0)
    assert stage.odd.read("moves_of_nothing") == 0


# T18, T19: the largest numbers


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        pytest.param(
            lambda s: (s.vault, "deposit", s.id(FRESH), ODD, MAX), "above cap", id="T18-deposit"
        ),
        pytest.param(
            lambda s: (s.vault, "deposit", s.id(AUCTIONED), ODD, MAX),
            "above cap",
            id="T18-deposit-called",
        ),
        pytest.param(
            lambda s: (s.vault, "adjust", s.id(FRESH), [(ODD, 2**255 - 1)], 0, s.owner, b""),
            "above cap",
            id="T18-leg",
        ),
        pytest.param(
            lambda s: (s.peg, "mint", MAX, s.owner), "amount too large", id="T18-peg-mint"
        ),
    ],
)
def test_the_largest_number_is_never_pulled(troubled, call, reason):
    """Where it would mean "all" to the token (cUSDCv3), it would be booked as a number here."""
    troubled.modes(Mode.ALL, Mode.ALL)
    contract, fn, *args = call(troubled)
    assert troubled.refused(troubled.owner, contract, fn, *args) == reason


@pytest.mark.covers("T18")
def test_the_largest_number_through_the_zap_is_refused(matrix):
    operation = next(each for each in OPERATIONS if each.name == "leverage")
    with matrix.prepared(operation) as (stage, (who, zap, fn, args), _):
        stage.modes(Mode.ALL, Mode.ALL)
        account, kind, _, debt, _, path, deadline = args
        for least in (0, 1):
            args = (account, kind, MAX, debt, least, path, deadline)
            # with one more it does not fit a word; alone it is above every cap
            reason = stage.refused(who, zap, fn, *args)
            assert reason == ("" if least else "above cap")


@pytest.mark.parametrize(
    ("call", "amount"),
    [
        pytest.param(
            lambda s: (s.owner, s.vault, "withdraw", s.id(FRESH), ODD, MAX, s.stranger),
            77 * WAD,
            id="T18-withdraw-all",
        ),
        pytest.param(
            lambda s: (
                s.owner, s.vault, "adjust", s.id(FRESH), [(ODD, INT_MIN)], 0, s.stranger, b"",
            ),
            77 * WAD,
            id="T18-leg-out",
        ),
        pytest.param(
            lambda s: (s.keeper, s.vault, "take", s.id(AUCTIONED), ODD, MAX, MAX, s.stranger, b""),
            1_000 * WAD,
            id="T18-take-all",
        ),
    ],
)  # fmt: skip
def test_all_is_a_number_by_the_time_the_token_hears_it(troubled, call, amount):
    stage = troubled
    assert deposit(stage, 77 * WAD) is None
    stage.modes(Mode.ALL, Mode.ALL)
    # a take sells to the target at most: let the debt need it all
    before = stage.held(stage.stranger)
    who, contract, fn, *args = call(stage)
    total = stage.booked()
    stage.do(who, contract, fn, *args)
    assert stage.held(stage.stranger) - before == amount
    assert total - stage.booked() == amount
    assert stage.held(stage.vault) == stage.booked()


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        pytest.param(2**96 - 1, None, id="T19-fits"),
        pytest.param(2**96, "above 96 bits", id="T19-does-not-fit"),
    ],
)
def test_a_token_with_96_bits_refuses_cleanly(calm, amount, reason):
    calm.give(calm.owner, 2**97)
    calm.modes(Mode.NARROW, Mode.NARROW)
    assert deposit(calm, amount) == reason
    assert calm.balance(FRESH) == (0 if reason else amount)
    assert calm.missing() == 0
    assert reason is not None or withdraw(calm, MAX, FRESH) is None


# T20: one token under two addresses


@pytest.fixture
def doubled(calm):
    """The same token listed a second time, as kind 3, under its other address."""
    alias = calm.deploy("TokenAlias", calm.odd.address)
    calm.tell("set_alias", alias.address)
    call = (calm.vault.address, listing_of(calm, alias.address))
    assert calm.do(calm.world.governor, calm.world.listings, "list", *call) == 3
    return calm


@pytest.mark.covers("T20")
def test_two_addresses_are_two_kinds_that_both_pay_out(doubled):
    stage = doubled
    before = stage.held(stage.owner)
    stage.do(stage.owner, stage.vault, "deposit", stage.id(FRESH), 3, 500 * WAD)
    assert deposit(stage, 200 * WAD) is None
    assert stage.held(stage.vault) == stage.booked(ODD) + stage.booked(3) == 11_700 * WAD
    stage.do(stage.owner, stage.vault, "withdraw", stage.id(FRESH), 3, MAX, stage.owner)
    assert withdraw(stage, MAX, FRESH) is None
    assert (stage.booked(3), stage.held(stage.owner)) == (0, before)


@pytest.mark.covers("T20")
def test_two_auctions_of_one_inventory_sell_it_once(doubled):
    """The fund starts an auction under each address; what is bought under one is gone."""
    stage = doubled
    stage.give(stage.fund.address, 100 * WAD)
    alias = stage.world.hub.read("token_of", 3)
    for kind in (ODD, 3):
        assert stage.do(stage.keeper, stage.fund, "start_auction", stage.vault.address, kind) == (
            100 * WAD
        )
    first = (stage.odd.address, MAX, MAX, stage.keeper)
    assert stage.do(stage.keeper, stage.fund, "buy", *first)[0] == 100 * WAD
    second = (alias, MAX, MAX, stage.keeper)
    assert stage.refused(stage.keeper, stage.fund, "buy", *second) == ""


@pytest.mark.covers("T20")
def test_a_fee_under_one_address_is_paid_out_of_the_other(doubled):
    """Why a review must look for it: the known limit, to the wei, and bounded by the caps."""
    stage = doubled
    stage.do(stage.owner, stage.vault, "deposit", stage.id(FRESH), 3, 500 * WAD)
    stage.modes(Mode.FEE)
    stage.tell("set_fee", 100)
    assert deposit(stage, 200 * WAD) is None
    assert stage.booked(ODD) + stage.booked(3) - stage.held(stage.vault) == 2 * WAD
    # without the other address the same deposit is refused
    stage.do(stage.owner, stage.vault, "withdraw", stage.id(FRESH), 3, 498 * WAD, stage.owner)
    assert deposit(stage, 200 * WAD) == "token kept a fee"


# T21: a token that somebody mints at will


@pytest.mark.parametrize(
    "cap", [pytest.param(c * WAD, id=f"T21-cap-{c}") for c in (11_001, 50_000)]
)
def test_a_token_minted_at_will_costs_its_cap_at_most(calm, cap):
    """What its maker can borrow on nothing is the initial level of what the cap leaves room for."""
    stage, maker = calm, calm.stranger
    stage.do(stage.world.governor, stage.vault, "set_cap", ODD, cap)
    stage.give(maker, 10**30)
    room = cap - 11_000 * WAD
    for amount, reason in ((room + 1, "above cap"), (room, None), (1, "above cap")):
        args = (stage.id(0, maker), ODD, amount)
        assert stage.run(maker, stage.vault, "deposit", *args).reason == reason
    before = stage.coins(maker)
    most = room * 7_500 // 10_000
    account = stage.id(0, maker)
    if most >= 100 * WAD:
        over = (account, most + 1, maker)
        assert stage.refused(maker, stage.vault, "borrow", *over) == "below initial margin"
        stage.do(maker, stage.vault, "borrow", account, most, maker)
        assert stage.coins(maker) - before == most
    else:
        below = (account, most, maker)
        assert stage.refused(maker, stage.vault, "borrow", *below) == "below debt floor"


@pytest.mark.covers("T21")
def test_a_flash_minted_collateral_leaves_with_its_debt_or_not_at_all(calm):
    """T21: minted, deposited, borrowed on, and to be given back within one call: it is not."""
    stage, maker = calm, calm.actor
    account = stage.id(0, maker.address)
    stage.give(maker.address, 10**6 * WAD)
    data = stage.odd.encode("approve", stage.vault.address, MAX)
    stage.do(stage.stranger, maker, "execute", stage.odd.address, data)

    def act(fn: str, *args: Any) -> str | None:
        data = stage.vault.encode(fn, *args)
        return stage.run(stage.stranger, maker, "execute", stage.vault.address, data).reason

    assert act("deposit", account, ODD, 10**6 * WAD) is None
    assert act("borrow", account, 750_000 * WAD, maker.address) is None
    for amount in (1, 10**6 * WAD, MAX):
        refused = act("withdraw", account, ODD, amount, maker.address)
        assert refused == "below initial margin"
    assert act("repay", account, MAX) is None
    assert act("withdraw", account, ODD, MAX, maker.address) is None
    assert stage.balance(FRESH) == 0


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        pytest.param(
            10**6 * WAD - 5_000 * WAD + 1, "above ceiling", id="T21-peg-above-its-ceiling"
        ),
        pytest.param(10**6 * WAD - 5_000 * WAD, None, id="T21-peg-to-its-ceiling"),
    ],
)
def test_a_reserve_minted_at_will_costs_its_ceiling_at_most(calm, amount, reason):
    """What its maker gets for nothing are the coins between what is out and the ceiling."""
    stage, maker = calm, calm.stranger
    stage.give(maker, 10**30)
    stage.do(maker, stage.odd, "approve", stage.peg.address, MAX)
    before = stage.coins(maker)
    assert stage.run(maker, stage.peg, "mint", amount, maker).reason == reason
    assert stage.coins(maker) - before == (0 if reason else amount)
    if reason is None:
        assert stage.refused(maker, stage.peg, "mint", 1, maker) == "above ceiling"


# T22: another code in the token's place


STOP = "00"  # takes any call and answers nothing
REVERT = "5f5ffd"
ONE = "60015f5260205ff3"  # answers 1 to anything


@pytest.mark.parametrize(
    ("code", "way", "reason"),
    [
        pytest.param(STOP, "in", "", id="T22-answers-nothing-in"),
        pytest.param(STOP, "out", None, id="T22-answers-nothing-out"),
        pytest.param(REVERT, "in", "", id="T22-knows-no-call-in"),
        pytest.param(REVERT, "out", "", id="T22-knows-no-call-out"),
        pytest.param(ONE, "in", "token kept a fee", id="T22-answers-one-in"),
        pytest.param(ONE, "out", None, id="T22-answers-one-out"),
    ],
)
def test_another_code_behind_the_address(calm, code, way, reason):
    """A proxy that was upgraded to something that is no token: nothing is credited for nothing."""
    stage = calm
    before = stage.books()
    stage.become(bytes.fromhex(code))
    ran = deposit(stage, WAD) if way == "in" else withdraw(stage, WAD)
    assert ran == reason
    # the rest of the account is as alive as ever
    stage.do(stage.owner, stage.vault, "repay", stage.id(SAFE), 100 * WAD)
    stage.do(stage.owner, stage.vault, "withdraw", stage.id(SAFE), GOLD, 1, stage.owner)
    stage.become()
    assert stage.books() == (
        before
        if reason is not None
        else before | {"safe": 9_999 * WAD, "deposited": before["deposited"] - WAD}
    )


@pytest.mark.parametrize(
    "trait",
    [
        pytest.param(Trait("", "", Mode.REFUSE), id="T22-turns-false"),
        pytest.param(Trait("", "", Mode.FEE, fee_bps=100), id="T22-turns-to-fees"),
        pytest.param(Trait("", "", Mode.REVERT), id="T22-turns-to-reverts"),
        pytest.param(Trait("", "", Mode.BURN), id="T22-burns-gas"),
        pytest.param(Trait("", "", says=Says.MUTE), id="T22-turns-mute"),
        pytest.param(Trait("", "", Mode.LIE, Says.ENDLESS), id="T22-lies-about-all"),
    ],
)
def test_the_freeze_path_works_whatever_the_token_has_become(troubled, trait):
    """Freeze and cap 0: nothing new in, nothing new borrowed on it; what there is, is wound up."""
    stage = troubled
    stage.turn(trait)
    governor = stage.world.governor
    stage.do(governor, stage.vault, "set_frozen", ODD, True)
    stage.do(governor, stage.vault, "set_cap", ODD, 0)
    assert deposit(stage, WAD) == "above cap"
    open_ = (stage.id(FRESH), [(ODD, WAD)], 100 * WAD, stage.owner, b"")
    assert stage.refused(stage.owner, stage.vault, "adjust", *open_) == "above cap"
    borrow = (stage.id(SAFE), WAD, stage.owner)
    assert stage.refused(stage.owner, stage.vault, "borrow", *borrow) == "below initial margin"
    eth = (stage.id(AUCTIONED), ETH, WAD // 2, MAX, stage.keeper, b"")
    assert stage.do(stage.keeper, stage.vault, "take", *eth) == (WAD // 2, 505 * WAD)
    stage.do(stage.keeper, stage.vault, "absorb", stage.id(ABSORBABLE))
    stage.do(stage.owner, stage.vault, "repay", stage.id(SAFE), MAX)
    gold = (stage.id(SAFE), GOLD, MAX, stage.owner)
    stage.do(stage.owner, stage.vault, "withdraw", *gold)
    stage.behave()
    assert withdraw(stage, MAX) is None
    assert stage.balance(SAFE) == 0


# T24, T25: names


@pytest.mark.parametrize(
    "selector",
    [
        pytest.param("06fdde03", id="T24-name"),
        pytest.param("95d89b41", id="T24-symbol"),
    ],
)
def test_no_contract_asks_for_names(selector):
    """The calls stand in no bytecode but the coin's own answer, the control of the search."""
    from surety.paths import contracts

    found = {
        path.stem
        for path in contracts().rglob("*.vy")
        if not {"mocks", "modules"} & set(path.parts)
        and bytes.fromhex(selector) in artifact(path.stem).bytecode
    }
    assert found == {"Stablecoin"}


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(_abi_string(ODD_NAME), id="T25-html-ansi-10-kB"),
        pytest.param(b"Maker".ljust(32, b"\0"), id="T24-bytes32"),
        pytest.param(word(2**255) * 2, id="T24-nonsense"),
    ],
)
def test_a_name_shows_up_nowhere(calm, named):
    """A listing shows what the operator calls the kind, and addresses: never what a token says."""
    token = calm.deploy("HostileToken", "New", "NEW", 18)
    calm.do(calm.stranger, token, "set_named", named)
    kind = local_feed(calm.sender, "new", token.address, WAD, MAJOR)
    shown: list[str] = []
    listed = list_kind(
        calm.sender, calm.world.system.listings, calm.vault.address, kind, shown.append
    )
    assert (listed.kind, listed.name) == (3, "new")
    text = "\n".join(shown)
    assert set(text) - {"\n"} <= set(map(chr, range(32, 127)))
    assert "script" not in text
    assert "list new: 18 decimals, 1.00 live, 1 s old, from ChainlinkOracle" in text


# T26: gas


@pytest.mark.parametrize(
    ("says", "counts"),
    [
        pytest.param(Says.HUNGRY, 0, id="T26-hungry"),
        pytest.param(Says.MUTE, 0, id="T26-mute"),
        pytest.param(Says.HONEST, 5_000 * WAD, id="T26-honest"),
    ],
)
def test_equity_answers_whatever_a_reserve_burns(calm, says, counts):
    """A purse of 200,000 a token: the sum of all is answered within a million and a half."""
    calm.modes(0, 0, says)
    ran = calm.run(calm.stranger, calm.fund, "equity", gas=1_500_000)
    assert ran.output is not None
    assert calm.fund.decode("equity", ran.output) == (0, 5_000 * WAD - counts)


@pytest.mark.parametrize("moves", [pytest.param(Mode.BURN, id="T26-transfer")])
def test_a_token_that_burns_takes_its_own_callers_gas_only(calm, moves):
    calm.modes(moves, moves)
    assert calm.refused(calm.owner, calm.vault, "deposit", calm.id(SAFE), ODD, WAD) == ""
    plain = (calm.id(SAFE), 100 * WAD)
    assert calm.run(calm.owner, calm.vault, "repay", *plain, gas=150_000).reason is None


# T28: shares of a vault that bears yield


@pytest.fixture
def shares(calm):
    """A book with a kind 3 of shares worth 1,000 coins each, 1,000 of them, of a real vault."""
    stage = calm
    asset = stage.deploy("MockToken", "Asset", "AST", 18)
    vault = stage.deploy("MockShareVault", asset.address, 18)
    stage.do(stage.owner, asset, "mint", stage.owner, 1_000 * WAD)
    stage.do(stage.owner, asset, "approve", vault.address, MAX)
    stage.do(stage.owner, vault, "deposit", 1_000 * WAD, stage.owner)
    below = stage.deploy("MockOracle", 1_000 * WAD)
    ray = 10**27
    oracle = stage.deploy("ShareOracle", vault.address, below.address, 140_000, 2_000, 3_600, ray)
    kind = KindParams(
        "share", vault.address, MAJOR, oracle=oracle.address, decimals=18,
        expected_price=1_000 * WAD, min_price=WAD, max_price=10**6 * WAD, limits=LOOSE_LIMITS,
    )  # fmt: skip
    listed = list_kind(stage.sender, stage.world.system.listings, stage.vault.address, kind)
    assert listed.kind == 3
    stage.do(stage.owner, vault, "approve", stage.vault.address, MAX)
    legs = [(3, 10 * WAD)]
    stage.do(
        stage.owner, stage.vault, "adjust", stage.id(FRESH), legs, 7_000 * WAD, stage.owner, b""
    )
    return Shares(stage, asset, vault, below, oracle)


@dataclass
class Shares:
    """A vault of shares, the price of what is in it, and the oracle over both."""

    stage: Stage
    asset: Contract
    vault: Contract
    below: Contract
    oracle: Contract

    def word(self) -> tuple[int, int, int]:
        """Look at the price a minute later; return lo, hi and flags as they are returned."""
        stage = self.stage
        stage.wait(60)
        stage.do(stage.stranger, self.below, "set_price", 1_000 * WAD)
        found = int(stage.do(stage.stranger, stage.world.hub, "sync_one", 3))
        return found % 2**88, (found >> 88) % 2**88, found >> 248


@pytest.mark.parametrize(
    ("assets", "lo", "hi", "flags"),
    [
        # 20 % a year on a line: 20 / 3,153,600 of a share's 1,000 in the minute and a second since
        pytest.param(10**6 * WAD, None, None, 0, id="T28-donation-of-a-thousandfold"),
        pytest.param(-300 * WAD, 700 * WAD, 700 * WAD, 0, id="T28-loss-of-30-percent"),
        pytest.param(-1_000 * WAD, 0, 1_000 * WAD, 1, id="T28-nothing-left"),
        pytest.param(0, 1_000 * WAD, 1_000 * WAD, 0, id="T28-nothing-happens"),
    ],
)
def test_what_happens_in_a_vault_of_shares(shares, assets, lo, hi, flags):
    """A donation is followed along its line, a loss at once, and no price is no price."""
    stage = shares.stage
    fn, amount = ("mint", assets) if assets >= 0 else ("burn", -assets)
    _, at = shares.oracle.read("snapshot")
    stage.do(stage.stranger, shares.asset, fn, shares.vault.address, amount)
    word = shares.word()
    if lo is None:
        elapsed = stage.now - at
        lo = hi = 1_000 * WAD * (10**27 + 10**27 * 2_000 * elapsed // (10_000 * 31_536_000))
        lo = hi = lo // 10**27
        assert 0 < hi - 1_000 * WAD < WAD // 100
    assert word[:2] == (lo, hi)
    assert word[2] & 1 == flags
    debt = stage.vault.read("debt_of", stage.id(FRESH))
    assert debt == 7_000 * WAD
    if flags:
        borrow = (stage.id(FRESH), WAD, stage.owner)
        assert stage.refused(stage.owner, stage.vault, "borrow", *borrow) == "below initial margin"
    stage.do(stage.owner, stage.vault, "repay", stage.id(FRESH), WAD)


@pytest.mark.covers("T28")
def test_a_vault_that_pays_nothing_out_holds_up_no_sale_of_its_shares(shares):
    """T28: withdrawals are paused there; the shares move, which is all that a sale asks."""
    stage = shares.stage
    stage.do(stage.stranger, shares.asset, "burn", shares.vault.address, 300 * WAD)
    shares.word()
    assert shares.word()[1] == 700 * WAD
    stage.do(stage.keeper, stage.vault, "margin_call", stage.id(FRESH))
    # 10 shares at 700 carry 5,950 at close-out, and nobody can take their assets out
    stage.do(stage.stranger, shares.asset, "burn", shares.vault.address, 700 * WAD - 1)
    sold, cost = stage.do(
        stage.keeper, stage.vault, "take", stage.id(FRESH), 3, WAD, MAX, stage.keeper, b""
    )
    assert (sold, cost) == (WAD, 707 * WAD)
    assert shares.vault.read("balanceOf", stage.keeper) == WAD


@pytest.mark.parametrize(
    ("mode", "raw"),
    [
        pytest.param(1, b"", id="T28-preview-reverts"),
        pytest.param(2, b"", id="T28-preview-burns-gas"),
        pytest.param(3, b"\x01", id="T28-preview-answers-a-byte"),
        pytest.param(0, b"", id="T28-preview-lies-low"),
    ],
)
def test_a_vault_that_lies_about_its_shares_fails_its_own_kind_alone(calm, mode, raw):
    stage = calm
    asset = stage.deploy("MockToken", "Asset", "AST", 18)
    false = stage.deploy("FalseShareVault", asset.address, 18, WAD)
    below = stage.deploy("MockOracle", WAD)
    oracle = stage.deploy(
        "ShareOracle", false.address, below.address, 140_000, 2_000, 3_600, 10**27
    )
    governor = stage.world.governor
    stage.do(governor, stage.world.hub, "set_oracle", ODD, oracle.address)
    stage.wait(61)
    before = stage.world.hub.read("read", 5)
    if raw:
        stage.do(stage.stranger, false, "set_raw", raw)
    else:
        stage.do(stage.stranger, false, "set_mode", mode)
    if mode == 0:
        stage.do(stage.stranger, false, "set_assets", 0)
    stage.do(stage.stranger, stage.world.hub, "poke", 7)
    stage.wait(61)
    failed = stage.do(stage.stranger, stage.world.hub, "sync_one", ODD)
    assert (failed % 2**88, failed >> 248 & 1) == (0, 1)
    after = stage.world.hub.read("read", 5)
    assert [word % 2**176 for word in after] == [word % 2**176 for word in before]
    borrow = (stage.id(SAFE), 500 * WAD, stage.owner)
    assert stage.refused(stage.owner, stage.vault, "borrow", *borrow) == "below initial margin"
    assert deposit(stage, WAD, SAFE) is None
    stage.do(stage.owner, stage.vault, "repay", stage.id(SAFE), WAD)
