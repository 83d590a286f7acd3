# SPDX-License-Identifier: MIT
"""Who would want to bend an ending, and what he gets: flash loans, callbacks, and false vaults."""

from __future__ import annotations

import pytest

from surety.model import account_id
from tests.unit.settlement.rig import ALICE, BOB, CAROL, GOVERNOR, KEEPER, WEEK, ZERO, A, B, Rig
from tests.world import MAX, WAD

ETH = 0
LOAN = 5_000 * WAD


@pytest.fixture
def settled(rig):
    """Alice's 15,000 left 10 ether at 900 in A; Bob and Carol owe in B, and Bob is insolvent."""
    for at, debt, book in ((0, 15_000, A), (2, 15_000, B), (4, 20_000, B)):
        who = rig.owners[at // 2]
        ether = 10 if at < 4 else 1_000
        rig.vault("deposit", rig.ids[at], ETH, ether * WAD, by=who, book=book)
        rig.vault("borrow", rig.ids[at], debt * WAD, who, by=who, book=book)
    rig.send(GOVERNOR, rig.coin, "set_flash", 0, 10**9 * WAD)
    rig.price(ETH, 900 * WAD)
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", rig.ids[0])
    assert rig.equity() == -6_000 * WAD
    return rig


def borrower(rig: Rig, *steps: tuple[str, bytes]):
    """Return a contract that makes these calls inside its flash loans, and can pay them back."""
    made = rig.deploy("MockBorrower")
    for spender in (rig.coin, rig.settlement):
        data = rig.coin.encode("approve", spender.address, MAX)
        rig.send(GOVERNOR, made, "execute", rig.coin.address, data)
    rig.send(GOVERNOR, made, "set_steps", list(steps))
    return made


def lend(rig: Rig, receiver, amount: int):
    args = (receiver.address, rig.coin.address, amount, b"")
    data = rig.coin.encode("flashLoan", *args)
    return rig.node.run(KEEPER, rig.coin.address, data, rig.now).reason


def test_a_flash_loan_around_the_opening_changes_nothing(settled):
    rig = settled
    opening = rig.settlement.encode("open_redemption", rig.vaults[A].address)
    actor = borrower(rig, (rig.settlement.address, opening))
    taken = rig.node.evm.snapshot()
    assert lend(rig, actor, 10**9 * WAD) is None
    with_loan = rig.read("claims_of"), rig.read("backing_of")
    rig.node.evm.revert(taken)
    rig.act("open_redemption")
    assert with_loan == (rig.read("claims_of"), rig.read("backing_of"))
    assert with_loan == (15_000 * WAD, 9_000 * WAD)


def test_a_deficit_filled_for_a_moment_is_filled_for_good(settled):
    """Burning lent coins fills it for everybody, and the loan is still to be paid back."""
    rig = settled
    fill = rig.fund.encode("recapitalise", 6_000 * WAD)
    opening = rig.settlement.encode("open_redemption", rig.vaults[A].address)
    actor = borrower(rig, (rig.fund.address, fill), (rig.settlement.address, opening))
    assert lend(rig, actor, 6_000 * WAD) == "amount exceeds balance"
    rig.send(ALICE, rig.coin, "transfer", actor.address, 6_000 * WAD)
    assert lend(rig, actor, 6_000 * WAD) is None
    assert rig.equity() == 0
    assert rig.coins(actor.address) == 0
    assert rig.read("claims_of") == 9_000 * WAD


def test_lent_coins_redeem_and_have_to_come_back(settled):
    """Redeeming with lent coins is redeeming with the coins that pay them back."""
    rig = settled
    rig.act("open_redemption")
    redeem = rig.settlement.encode("redeem", rig.vaults[A].address, LOAN, KEEPER)
    actor = borrower(rig, (rig.settlement.address, redeem))
    assert lend(rig, actor, LOAN) == "amount exceeds balance"
    assert rig.read("claims_of") == 15_000 * WAD
    rig.send(ALICE, rig.coin, "transfer", actor.address, LOAN)
    supply, before = rig.coin.read("totalSupply"), rig.held(ETH, KEEPER)
    assert lend(rig, actor, LOAN) is None
    assert rig.held(ETH, KEEPER) - before == 10 * WAD // 3
    assert rig.coin.read("totalSupply") == supply - LOAN
    assert rig.coins(actor.address) == 0
    assert rig.equity() == -4_000 * WAD


def test_more_lent_coins_than_exist_redeem_no_more_than_the_claims(settled):
    rig = settled
    rig.act("open_redemption")
    redeem = rig.settlement.encode("redeem", rig.vaults[A].address, MAX, KEEPER)
    actor = borrower(rig, (rig.settlement.address, redeem))
    assert lend(rig, actor, 10**6 * WAD) == "amount exceeds balance"
    rig.send(ALICE, rig.coin, "transfer", actor.address, 15_000 * WAD)
    assert lend(rig, actor, 10**6 * WAD) is None
    assert rig.coins(actor.address) == 0
    assert (rig.read("claims_of"), rig.read("pool_of", ETH)) == (0, 0)


def test_equity_does_not_move_inside_a_loan(settled):
    """Neither before nor after lent coins have been redeemed: what is lent is nobody's supply."""
    rig = settled
    rig.act("open_redemption")
    redeem = rig.settlement.encode("redeem", rig.vaults[A].address, LOAN, KEEPER)
    actor = borrower(rig, (rig.settlement.address, redeem))
    rig.send(GOVERNOR, actor, "set_attempt", rig.fund.address, rig.fund.encode("equity"))
    rig.send(ALICE, rig.coin, "transfer", actor.address, LOAN)
    assert lend(rig, actor, LOAN) is None
    seen = actor.read("response")
    # 5,000 burned of 50,000, of which two fifths were not backed
    assert (int.from_bytes(seen[:32]), int.from_bytes(seen[32:])) == (0, 4_000 * WAD)
    assert rig.equity() == -4_000 * WAD


def test_nothing_opens_inside_a_callback_of_another_book(settled):
    """There a debt may be struck off whose coins are still to be burned: equity does not answer."""
    rig = settled
    actor = rig.deploy("MockActor")
    vault, id = rig.vaults[B], account_id(actor.address)
    rig.send(GOVERNOR, rig.tokens[ETH], "mint", actor.address, 10**6 * WAD)
    for target, data in (
        (rig.tokens[ETH], rig.tokens[ETH].encode("approve", vault.address, MAX)),
        (vault, vault.encode("deposit", id, ETH, 10**6 * WAD)),
        (vault, vault.encode("borrow", id, 10**6 * WAD, actor.address)),
    ):
        rig.send(GOVERNOR, actor, "execute", target.address, data)
    opening = rig.settlement.encode("open_redemption", rig.vaults[A].address)
    repay = vault.encode("adjust", id, [], -(10**6) * WAD, actor.address, b"callback")
    data = actor.encode("execute", vault.address, repay)
    rig.send(GOVERNOR, actor, "set_steps", [(rig.settlement.address, opening)])
    taken = rig.node.evm.snapshot()
    assert rig.node.run(GOVERNOR, actor.address, data, rig.now).reason is not None
    rig.node.evm.revert(taken)
    assert rig.read("phase_of") == 1
    rig.send(GOVERNOR, actor, "set_steps", [])
    assert rig.node.run(GOVERNOR, actor.address, data, rig.now).reason is None  # the control
    rig.act("open_redemption")


def test_a_repayment_before_the_opening_changes_only_the_pool(settled):
    """Who holds coins and owes them cannot make the others carry more."""
    rig = settled
    rig.vault("repay", rig.ids[4], 20_000 * WAD, by=CAROL, book=B)
    rig.act("open_redemption", by=CAROL)
    assert (rig.read("claims_of"), rig.read("backing_of")) == (15_000 * WAD, 9_000 * WAD)


def test_settling_at_a_price_that_is_gone_is_the_governors_choice_only(rig):
    """The market doubles after the freeze: an owner repays in coins and keeps all. Who does not has
    given up what his debt was worth at the frozen price, and holders get that."""
    for at, who in ((0, ALICE), (2, BOB)):
        rig.vault("deposit", rig.ids[at], ETH, 10 * WAD, by=who)
        rig.vault("borrow", rig.ids[at], 10_000 * WAD, who, by=who)
    rig.act("shutdown", by=GOVERNOR)
    rig.price(ETH, 4_000 * WAD)
    rig.vault("repay", rig.ids[0], MAX, by=ALICE)
    rig.vault("withdraw", rig.ids[0], ETH, MAX, ALICE, by=ALICE)
    rig.wait(WEEK)
    rig.act("settle", rig.ids[2], by=KEEPER)
    rig.act("open_redemption")
    assert rig.read("pool_of", ETH) == 5 * WAD
    rig.act("redeem", 10_000 * WAD, BOB, by=BOB)
    rig.vault("withdraw", rig.ids[2], ETH, MAX, BOB, by=BOB)
    assert rig.held(ETH, BOB) == rig.held(ETH, ALICE) == 10**9 * WAD


# reserves of other minters


def test_a_reserve_that_has_lost_counts_what_it_still_has(settled):
    rig = settled
    reserve = rig.new_reserve(5_000 * WAD)
    assert rig.equity() == -6_000 * WAD
    rig.send(GOVERNOR, reserve, "set_backing", 4_000 * WAD)
    rig.act("open_redemption")
    assert rig.read("claims_of") == 16_000 * WAD


@pytest.mark.parametrize("dead", [False, True])
def test_a_reserve_without_a_price_is_waited_for(settled, dead):
    """Its feed is dead for an hour, or its contract in the middle of something: equity counts it
    as nothing, and whoever opened the redemption then would share that out for good."""
    rig = settled
    reserve = rig.new_reserve(5_000 * WAD)
    vault = rig.vaults[A].address
    rig.send(GOVERNOR, reserve, "set_backing", 0)
    assert rig.equity() == -11_000 * WAD
    assert call(rig, ALICE, "open_redemption", vault) == "reserve has no price"
    if dead:
        # the governor says that it is gone for good: its loss is everybody's
        rig.send(GOVERNOR, rig.fund, "remove_reserve", reserve.address)
        rig.reserves.clear()
        rig.act("open_redemption")
        assert rig.read("claims_of") == 20_000 * WAD
    else:
        rig.send(GOVERNOR, reserve, "set_backing", 5_000 * WAD)
        rig.act("open_redemption")
        assert rig.read("claims_of") == 15_000 * WAD


def test_an_empty_reserve_without_coins_holds_nothing_up(settled):
    rig = settled
    reserve = rig.new_reserve(5_000 * WAD)
    rig.send(KEEPER, rig.fund, "recapitalise", 5_000 * WAD)
    rig.send(GOVERNOR, reserve, "set_backing", 0)
    assert call(rig, ALICE, "open_redemption", rig.vaults[A].address) == "reserve has no price"
    other = rig.new_reserve(0)
    assert other.read("backing") == 0
    rig.send(GOVERNOR, reserve, "set_backing", 1)
    rig.act("open_redemption")


# what only looks like a vault


@pytest.fixture
def real(rig):
    rig.vault("deposit", rig.ids[0], ETH, 10 * WAD, by=ALICE)
    rig.vault("borrow", rig.ids[0], 10_000 * WAD, ALICE, by=ALICE)
    rig.open_pool()
    return rig


def call(rig: Rig, who: str, fn: str, *args):
    data = rig.settlement.encode(fn, *args)
    return rig.node.run(who, rig.settlement.address, data, rig.now).reason


def test_a_false_vault_cannot_ask_for_real_coins(real):
    """Its own coin is all that it can name: the real one does not know it as a minter."""
    rig = real
    false = rig.deploy("PretendVault", rig.coin.address).address
    assert call(rig, GOVERNOR, "shutdown", false) == "vault is no minter"
    assert call(rig, GOVERNOR, "open_redemption", false) == "not settling"
    assert call(rig, ALICE, "redeem", false, WAD, ALICE) == "not redeeming"
    assert rig.coins(ALICE) == 10_000 * WAD


def test_a_vault_cannot_change_its_coin_once_it_is_shut(real):
    rig = real
    false = rig.deploy("PretendVault", ZERO)
    assert call(rig, GOVERNOR, "shutdown", false.address) is None
    rig.send(GOVERNOR, false, "set_coin", rig.coin.address)
    assert call(rig, GOVERNOR, "open_redemption", false.address) is None
    assert call(rig, ALICE, "redeem", false.address, 10_000 * WAD, ALICE) is None
    assert rig.coins(ALICE) == 10_000 * WAD  # its own coins were burned, if it has any
    assert false.read("paid") == 10**20 * 100


def test_a_false_deficit_is_carried_by_the_false_coin_only(real):
    rig = real
    false = rig.deploy("PretendVault", ZERO)
    rig.send(GOVERNOR, false, "set_deficit", 2**200)
    assert call(rig, GOVERNOR, "shutdown", false.address) is None
    rig.node.run(
        GOVERNOR,
        rig.settlement.address,
        rig.settlement.encode("open_redemption", false.address),
        rig.now,
    )
    rig.act("redeem", 1_000 * WAD, BOB, by=ALICE)
    rig.vault("deposit", rig.ids[0], ETH, 10 * WAD, by=ALICE, book=B)
    rig.vault("borrow", rig.ids[0], 10_000 * WAD, ALICE, by=ALICE, book=B)
    rig.price(ETH, 900 * WAD)
    rig.act("shutdown", by=GOVERNOR, book=B)
    rig.act("settle", rig.ids[0], by=KEEPER, book=B)
    rig.act("open_redemption", book=B)
    assert rig.read("claims_of", book=B) == 10_000 * WAD


@pytest.mark.parametrize(
    "fn", ["redeem", "claim", "sweep", "settle", "settles", "open_redemption", "shutdown"]
)
def test_a_false_vault_cannot_reach_a_real_one_from_inside(real, fn):
    """Whatever it calls while it is asked to pay, it finds the settlement locked."""
    rig = real
    false = rig.deploy("PretendVault", ZERO)
    vault = rig.vaults[A].address
    args = {
        "redeem": (vault, WAD, KEEPER),
        "claim": (vault, ETH, ALICE, ALICE),
        "settle": (vault, rig.ids[0]),
        "settles": (vault, [rig.ids[0]]),
    }.get(fn, (vault,))
    inner = rig.settlement.encode(fn, *args)
    rig.send(GOVERNOR, false, "set_call", rig.settlement.address, inner)
    for step in ("shutdown", "open_redemption"):
        assert call(rig, GOVERNOR, step, false.address) is None
    before = rig.read("claims_of"), rig.read("pool_of", ETH), rig.coins(ALICE)
    assert call(rig, ALICE, "redeem", false.address, WAD, ALICE) is None
    assert (false.read("calls"), false.read("succeeded")) == (1, False)
    assert (rig.read("claims_of"), rig.read("pool_of", ETH), rig.coins(ALICE)) == before
