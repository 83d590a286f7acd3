# SPDX-License-Identifier: MIT
"""Tokens that turn against holders: one of them never holds up another, or another holder."""

from __future__ import annotations

import pytest

from tests.stateful.node import as_json
from tests.unit.settlement.rig import (
    ALICE,
    BAD_MOODS,
    BOB,
    CAROL,
    GOVERNOR,
    KEEPER,
    STRANGER,
    YEAR,
    ZERO,
    A,
    Rig,
    Sort,
)
from tests.world import MAX, WAD

MOOD = 4  # the kind that can turn; 18 decimals
HALF = 1_000 * WAD


def open_account(rig: Rig, kinds: dict[int, int], debt: int) -> None:
    for kind, amount in kinds.items():
        rig.vault("deposit", rig.ids[0], kind, amount, by=ALICE)
    rig.vault("borrow", rig.ids[0], debt, ALICE, by=ALICE)


@pytest.fixture
def pool(rig):
    """1,000 of a good token and 1,000 of one with moods, for 2,000 coins in equal parts."""
    rig.price(0, WAD)
    rig.price(MOOD, WAD)
    open_account(rig, {0: 2_000 * WAD, MOOD: 2_000 * WAD}, 2_000 * WAD)
    rig.open_pool()
    assert rig.read("pool_of", MOOD) == HALF
    return rig


@pytest.mark.covers("T02", "T05", "T15")
@pytest.mark.parametrize("mood", BAD_MOODS)
def test_a_token_that_refuses_is_claimed_later(pool, mood):
    rig = pool
    before = [rig.held(kind, ALICE) for kind in (0, MOOD)]
    rig.mood(MOOD, mood)
    rig.act("redeem", 500 * WAD, ALICE, by=ALICE)
    assert rig.held(0, ALICE) == before[0] + 250 * WAD
    assert rig.held(MOOD, ALICE) == before[1]
    assert rig.read("owed_to", MOOD, ALICE) == 250 * WAD
    assert rig.read("pool_of", MOOD) == 750 * WAD
    rig.act("redeem", 100 * WAD, ALICE, by=ALICE)
    assert rig.read("owed_to", MOOD, ALICE) == 300 * WAD
    rig.mood(MOOD, 0)
    # nobody else is touched by it, before or after
    rig.act("redeem", 400 * WAD, BOB, by=ALICE)
    assert rig.held(MOOD, BOB) == 10**9 * WAD + 200 * WAD
    rig.act("claim", MOOD, ALICE, ALICE, by=STRANGER)
    assert rig.held(MOOD, ALICE) == before[1] + 300 * WAD
    rig.act("claim", MOOD, ALICE, ALICE, by=STRANGER, refused="nothing owed")


def test_says_what_it_could_not_pay(pool):
    rig = pool
    rig.mood(MOOD, 1)
    ran = rig.send(ALICE, rig.settlement, "redeem", rig.vaults[A].address, 500 * WAD, BOB)
    raw = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
    (found,) = [event for event in rig.settlement.events(raw) if event.name == "Deferred"]
    assert found.args == {
        "vault": rig.vaults[A].address,
        "kind": MOOD,
        "holder": BOB,
        "amount": 250 * WAD,
        "owed": 250 * WAD,
    }


def test_a_blocked_holder_claims_elsewhere(pool):
    """The one whom a token has blocked names another receiver; nobody else can."""
    rig = pool
    rig.mood(MOOD, 1, ALICE)
    rig.act("redeem", 500 * WAD, ALICE, by=ALICE)
    rig.act("redeem", 500 * WAD, BOB, by=ALICE)
    assert rig.read("owed_to", MOOD, BOB) == 0
    rig.act("claim", MOOD, ALICE, CAROL, by=CAROL, refused="not holder")
    rig.act("claim", MOOD, ALICE, CAROL, by=ALICE)
    assert rig.held(MOOD, CAROL) == 10**9 * WAD + 250 * WAD


def test_a_claim_that_is_refused_stays(pool):
    rig = pool
    rig.mood(MOOD, 2, ALICE)
    rig.act("redeem", 500 * WAD, ALICE, by=ALICE)
    rig.act("claim", MOOD, ALICE, ALICE, by=KEEPER, refused="transfer out failed")
    assert rig.read("owed_to", MOOD, ALICE) == 250 * WAD
    for receiver in (ZERO, rig.vaults[A].address):
        data = rig.settlement.encode("claim", rig.vaults[A].address, MOOD, ALICE, receiver)
        ran = rig.node.run(ALICE, rig.settlement.address, data, rig.now)
        assert ran.reason == "bad receiver"
    assert rig.read("owed_to", MOOD, ALICE) == 250 * WAD


def test_bug__a_claim_is_not_paid_to_the_settlement_itself(pool):
    """`redeem` refused it from the start; what `claim` sent there nobody could have moved again."""
    rig = pool
    rig.mood(MOOD, 1, ALICE)
    rig.act("redeem", 500 * WAD, ALICE, by=ALICE)
    itself = rig.settlement.address
    rig.act("redeem", 500 * WAD, itself, by=ALICE, refused="bad receiver")
    rig.act("claim", MOOD, ALICE, itself, by=ALICE, refused="bad receiver")
    assert rig.read("owed_to", MOOD, ALICE) == 250 * WAD
    rig.act("claim", MOOD, ALICE, BOB, by=ALICE)
    assert rig.held(MOOD, BOB) == 10**9 * WAD + 250 * WAD


def test_a_sweep_leaves_what_is_owed_and_waits_for_the_fund_too(pool):
    rig = pool
    rig.mood(MOOD, 1)
    rig.act("redeem", 500 * WAD, ALICE, by=ALICE)
    rig.wait(YEAR)
    rig.act("sweep", by=STRANGER)
    assert rig.read("backing_of") == 0
    assert rig.held(0, rig.fund.address) == 750 * WAD
    assert rig.read("owed_to", MOOD, rig.fund.address) == 750 * WAD
    rig.mood(MOOD, 0)
    rig.act("claim", MOOD, rig.fund.address, rig.fund.address, by=STRANGER)
    rig.act("claim", MOOD, ALICE, ALICE, by=ALICE)
    assert rig.vaults[A].read("absorbed", MOOD) == 0
    assert rig.held(MOOD, rig.vaults[A].address) == rig.vaults[A].read("deposited", MOOD) % 2**128


def test_no_amount_of_gas_turns_a_payment_into_a_debt(pool):
    """A wallet that looks for the least gas with which a redemption succeeds finds one with which
    it also pays."""
    rig = pool
    data = rig.settlement.encode("redeem", rig.vaults[A].address, 500 * WAD, ALICE)
    paid = failed = 0
    for gas in (*range(60_000, 300_000, 1_000), *range(300_000, 3_000_000, 100_000)):
        taken = rig.node.evm.snapshot()
        before = rig.held(MOOD, ALICE), rig.held(0, ALICE)
        try:
            rig.node.evm.message_call(ALICE, rig.settlement.address, calldata=data, gas=gas)
        except RuntimeError:
            failed += 1
        else:
            after = rig.held(MOOD, ALICE), rig.held(0, ALICE)
            assert [now - then for now, then in zip(after, before, strict=True)] == [250 * WAD] * 2
            paid += 1
        rig.node.evm.reset_transient_storage()
        rig.node.evm.revert(taken)
    assert paid > 50
    assert failed > 40


@pytest.mark.covers("T26")
def test_every_kind_but_one_may_burn_its_gas():
    """31 tokens that burn all they are given cannot keep the one that pays from paying."""
    sorts = [Sort("MoodyToken", 18, WAD) for _ in range(8)]
    rig = Rig(sorts)
    open_account(rig, dict.fromkeys(range(8), 100 * WAD), 400 * WAD)
    rig.open_pool()
    for kind in range(7):
        rig.mood(kind, 3)
    rig.act("redeem", 400 * WAD, BOB, by=ALICE)
    assert rig.held(7, BOB) == 10**9 * WAD + 50 * WAD
    assert [rig.read("owed_to", kind, BOB) for kind in range(8)] == [50 * WAD] * 7 + [0]


@pytest.mark.covers("T08")
def test_a_fee_on_the_way_out_is_the_receivers():
    """Everybody is paid the same amount; what the token keeps of it changes nobody else's."""
    rig = Rig([Sort("FeeToken", 18, WAD), Sort("MockToken", 18, WAD)])
    open_account(rig, {0: 1_000 * WAD, 1: 1_000 * WAD}, 1_000 * WAD)
    rig.open_pool()
    rig.send(GOVERNOR, rig.tokens[0], "set_fee", 1_000)
    vault = rig.vaults[A].address
    for who in (ALICE, BOB):
        before = rig.held(0, who)
        rig.send(ALICE, rig.settlement, "redeem", vault, 100 * WAD, who)
        assert rig.held(0, who) - before == 45 * WAD
    assert rig.read("pool_of", 0) == 400 * WAD
    assert rig.held(0, vault) == rig.vaults[A].read("deposited", 0) % 2**128


REENTRIES = ("redeem", "claim", "sweep", "settle", "settles", "open_redemption", "shutdown")
VIEWS = ("claims_of", "pool_of", "preview_redeem", "owed_to")


@pytest.fixture
def hooked():
    """A pool of a token that calls back whom it is told to, with everything inside."""
    rig = Rig([Sort("ReentrantToken", 18, WAD), Sort("MockToken", 18, WAD)])
    open_account(rig, {0: 1_000 * WAD, 1: 1_000 * WAD}, 1_000 * WAD)
    rig.open_pool()
    return rig


def arguments(rig: Rig, fn: str) -> tuple:
    vault, id = rig.vaults[A].address, rig.ids[0]
    return {
        "redeem": (vault, WAD, ALICE),
        "claim": (vault, 0, ALICE, ALICE),
        "settle": (vault, id),
        "settles": (vault, [id]),
        "pool_of": (vault, 1),
        "preview_redeem": (vault, WAD),
        "owed_to": (vault, 0, ALICE),
    }.get(fn, (vault,))


@pytest.mark.parametrize("fn", [*REENTRIES, *VIEWS])
def test_nothing_of_the_settlement_answers_inside_a_payment(hooked, fn):
    rig = hooked
    (token, *_) = rig.tokens
    data = rig.settlement.encode(fn, *arguments(rig, fn))
    rig.send(GOVERNOR, token, "set_callback", rig.settlement.address, data)
    before = rig.held(1, ALICE)
    rig.send(ALICE, rig.settlement, "redeem", rig.vaults[A].address, 100 * WAD, ALICE)
    assert (token.read("calls"), token.read("successes")) == (1, 0)
    assert rig.held(1, ALICE) - before == 50 * WAD
    assert rig.read("claims_of") == 900 * WAD


def test_what_does_answer_inside_a_payment_is_the_state_to_come(hooked):
    """Read-only reentrancy: the backing is already down and the coins already burned."""
    rig = hooked
    (token, *_) = rig.tokens
    for contract, fn, args, wanted in (
        (rig.settlement, "backing_of", (rig.vaults[A].address,), 900 * WAD),
        (rig.settlement, "phase_of", (rig.vaults[A].address,), 2),
        (rig.coin, "totalSupply", (), 900 * WAD),
    ):
        with_state = rig.node.evm.snapshot()
        data = contract.encode(fn, *args)
        rig.send(GOVERNOR, token, "set_callback", contract.address, data)
        rig.send(ALICE, rig.settlement, "redeem", rig.vaults[A].address, 100 * WAD, ALICE)
        assert (token.read("calls"), token.read("successes")) == (1, 1)
        assert int.from_bytes(token.read("last_response")) == wanted
        rig.node.evm.revert(with_state)


@pytest.mark.parametrize("fn", ["equity", "solvency"])
def test_equity_is_not_to_be_read_inside_a_payment(hooked, fn):
    """The vault is in the middle of paying: its debt does not answer, nor does the fund."""
    rig = hooked
    (token, *_) = rig.tokens
    rig.send(GOVERNOR, token, "set_callback", rig.fund.address, rig.fund.encode(fn))
    rig.send(ALICE, rig.settlement, "redeem", rig.vaults[A].address, 100 * WAD, ALICE)
    assert (token.read("calls"), token.read("successes")) == (1, 0)


def test_a_redemption_inside_a_callback_of_the_vault_is_paid_later(hooked):
    """The vault is locked while it takes a deposit: a redemption by its token is put down."""
    rig = hooked
    token, vault = rig.tokens[0], rig.vaults[A]
    wallet = rig.deploy("MockActor")
    rig.send(ALICE, rig.coin, "transfer", wallet.address, 100 * WAD)
    approve = rig.coin.encode("approve", rig.settlement.address, MAX)
    rig.send(GOVERNOR, wallet, "execute", rig.coin.address, approve)
    redeem = rig.settlement.encode("redeem", vault.address, 100 * WAD, CAROL)
    data = wallet.encode("execute", rig.settlement.address, redeem)
    rig.send(GOVERNOR, token, "set_callback", wallet.address, data)
    rig.send(BOB, vault, "deposit", rig.ids[0], 0, WAD)
    assert token.read("successes") == 1
    rig.send(GOVERNOR, token, "set_callback", ZERO, b"")
    assert [rig.read("owed_to", kind, CAROL) for kind in (0, 1)] == [50 * WAD] * 2
    for kind in (0, 1):
        rig.send(CAROL, rig.settlement, "claim", vault.address, kind, CAROL, CAROL)
    assert [rig.held(kind, CAROL) - 10**9 * WAD for kind in (0, 1)] == [50 * WAD] * 2


def test_the_settlement_keeps_no_token(pool):
    rig = pool
    rig.mood(MOOD, 1)
    rig.act("redeem", 500 * WAD, ALICE, by=ALICE)
    for token in (*rig.tokens, rig.coin):
        assert token.read("balanceOf", rig.settlement.address) == 0
