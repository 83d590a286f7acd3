# SPDX-License-Identifier: MIT
"""Hostile tokens as a reserve: a fee on transfers (STA, Balancer 2020), false or nothing for an
answer, a block list, hooks (imBTC, Lendf.me 2020), balances that shrink, and gas that burns.

Half a million dollars left a pool whose books believed in transfers that had kept a fee, and twenty
five million a market whose books were read in the middle of one. Here what is booked has come in,
whatever the token says; a token can refuse to move, and can do nothing else.
"""

from __future__ import annotations

import pytest

from surety.compile import Artifact
from tests.incidents.weak import revm_world, weakened
from tests.unit.peg_stability.rig import ALICE, BOB, CAROL, GOVERNOR, STRANGER, Rig
from tests.unit.peg_stability.stage import Stage
from tests.world import WAD

THOUSAND = 1_000
TRANSFERS = "modules/transfers.vy"
BELIEVES = ("    transfers.check_solvent(reserve, held)\n", "")
# the answer of a transfer is dropped
IGNORES_IN = (
    'default_return_value=True), "transfer in failed"',
    'default_return_value=True) or True, "transfer in failed"',
)
IGNORES_OUT = (
    'default_return_value=True), "transfer out failed"',
    'default_return_value=True) or True, "transfer out failed"',
)
BOOKS_FIRST = (
    "    transfers.pull(reserve, msg.sender, amount)\n",
    "    self.reserve_held = held\n    transfers.pull(reserve, msg.sender, amount)\n",
)
UNLOCKED = ("@external\ndef redeem(", "@external\n@reentrant\ndef redeem(")


def opened(mock: str, peg: Artifact | None = None, **options) -> Rig:
    """A peg over a token of this sort that still behaves, with a thousand of Bob's in it."""
    rig = Rig(6, mock=mock, peg=peg, **options)
    if mock == "FalseToken":
        rig.tell(rig.token, "set_refuses", False)
    assert rig.send(rig.peg, "mint", THOUSAND * rig.unit, BOB, sender=BOB).reason is None
    return rig


def missing(rig: Rig) -> int:
    """Return what is booked and not there."""
    held, there = rig.peg.read("reserve_held"), rig.token.read("balanceOf", rig.peg.address)
    return max(0, held - there)


def try_mint(rig: Rig, whole: int = 100, who: str = ALICE) -> str | None:
    return rig.send(rig.peg, "mint", whole * rig.unit, who, sender=who).reason


def try_redeem(rig: Rig, whole: int = 100, who: str = BOB, to: str | None = None) -> str | None:
    return rig.send(rig.peg, "redeem", whole * WAD, to or who, sender=who).reason


# a fee on transfers


@pytest.mark.covers("incident: fee-on-transfer token", "T07", "T08")
@pytest.mark.parametrize("fee", [1, 100, 10_000])
def test_a_reserve_that_keeps_a_fee_mints_nothing(fee):
    rig = opened("FeeToken")
    rig.tell(rig.token, "set_fee", fee)
    before = rig.wealth(ALICE)
    for _ in range(10):
        assert try_mint(rig) == "token kept a fee"
    assert missing(rig) == 0
    assert rig.wealth(ALICE) - before <= 0
    # redeeming goes on: the issuer's fee is the redeemer's
    assert try_redeem(rig, THOUSAND) is None
    assert rig.peg.read("reserve_held") == 0


def test_a_fee_is_paid_by_a_donation_at_most():
    """What lies here unbooked may pay an issuer's fee, and nothing that is booked ever does."""
    rig = opened("FeeToken")
    rig.give(rig.peg.address, 5 * rig.unit)
    rig.tell(rig.token, "set_fee", 100)
    made = [try_mint(rig) for _ in range(10)]
    assert made == [None] * 5 + ["token kept a fee"] * 5
    assert missing(rig) == 0


@pytest.mark.covers("incident: fee-on-transfer token")
def test_a_peg_that_believes_a_transfer_is_short():
    """The control: without a look at the balance the last holder finds nothing."""
    rig = opened("FeeToken", weakened("PegStability", BELIEVES))
    rig.tell(rig.token, "set_fee", 100)
    for _ in range(10):
        assert try_mint(rig) is None
    assert missing(rig) == 10 * rig.unit
    assert try_redeem(rig, THOUSAND) is None
    assert try_redeem(rig, THOUSAND, ALICE) is not None


# false, and nothing, for an answer


@pytest.mark.covers("incident: returns-false token", "T02")
def test_false_mints_nothing_and_burns_nothing():
    rig = opened("FalseToken")
    rig.give(rig.peg.address, 200 * rig.unit)  # so that the balance alone would not tell
    rig.tell(rig.token, "set_refuses", True)
    before = [rig.wealth(who) for who in (ALICE, BOB)]
    assert try_mint(rig) == "transfer in failed"
    assert try_redeem(rig) == "transfer out failed"
    assert [rig.wealth(who) for who in (ALICE, BOB)] == before
    assert (rig.minted_on_chain(), missing(rig)) == (THOUSAND * WAD, 0)


@pytest.mark.covers("incident: returns-false token")
def test_a_peg_that_ignores_the_answer_gives_coins_for_nothing():
    """The control: false on the way in, while a donation lies here."""
    rig = opened("FalseToken", weakened("PegStability", IGNORES_IN, file=TRANSFERS))
    rig.give(rig.peg.address, 200 * rig.unit)
    rig.tell(rig.token, "set_refuses", True)
    before = rig.wealth(ALICE)
    assert try_mint(rig) is None
    assert rig.wealth(ALICE) - before == 100 * WAD


@pytest.mark.covers("incident: returns-false token")
def test_a_peg_that_ignores_the_answer_takes_coins_for_nothing():
    """The control: false on the way out."""
    rig = opened("FalseToken", weakened("PegStability", IGNORES_OUT, file=TRANSFERS))
    rig.tell(rig.token, "set_refuses", True)
    before = rig.wealth(BOB)
    assert try_redeem(rig) is None
    assert rig.wealth(BOB) - before == -100 * WAD


@pytest.mark.covers("incident: no-return token", "T01", "T16")
@pytest.mark.parametrize("mock", ["NoReturnToken", "StrictApproveToken"])
def test_no_answer_is_as_good_as_true(mock):
    rig = opened(mock)
    assert try_mint(rig) is None
    assert try_redeem(rig, THOUSAND) is None
    assert try_redeem(rig, 100, ALICE) is None
    assert (rig.minted_on_chain(), missing(rig), rig.peg.read("reserve_held")) == (0, 0, 0)


# a block list, and a token that turns against everybody


@pytest.mark.covers("incident: blocklisting token", "T14")
@pytest.mark.parametrize("mood", range(1, 7))
def test_a_blocked_receiver_keeps_the_coins__and_nobody_else_is_held_up(mood):
    rig = opened("MoodyToken")
    rig.tell(rig.token, "set_mood", BOB, mood)
    answers = (None, "blocked", "transfer out failed", None, None, None, None)
    before = rig.wealth(BOB)
    if mood == 5:  # it moves and says nothing
        assert try_redeem(rig) is None
        assert rig.wealth(BOB) == before
        return
    reason = try_redeem(rig)
    assert reason is not None
    assert answers[mood] in (None, reason)
    assert rig.wealth(BOB) == before
    # to another address, or by another holder
    assert try_redeem(rig, 100, BOB, CAROL) is None
    assert try_mint(rig) is None
    assert try_redeem(rig, 100, ALICE) is None


# hooks


def calls(rig: Rig) -> list[tuple[str, bytes]]:
    """Everything that somebody could try on the peg in the middle of a swap."""
    peg = rig.peg
    return [
        (peg.address, peg.encode("mint", rig.unit, STRANGER)),
        (peg.address, peg.encode("redeem", WAD, STRANGER)),
        (peg.address, peg.encode("accept_governor")),
        (peg.address, peg.encode("mintable")),
        (peg.address, peg.encode("redeemable")),
        (peg.address, peg.encode("reserve_held")),
        (peg.address, peg.encode("preview_mint", rig.unit)),
        (peg.address, peg.encode("preview_redeem", WAD)),
    ]


@pytest.mark.covers("incident: hook token", "T10", "I65")
@pytest.mark.parametrize("at", range(8))
def test_nothing_of_the_peg_answers_in_the_middle_of_a_swap(at):
    rig = opened("ReentrantToken")
    rig.tell(rig.peg, "propose_governor", rig.token.address)
    rig.give(rig.token.address, 100 * rig.unit)
    rig.pay_on_chain(BOB, rig.token.address, 10 * WAD)
    rig.tell(rig.token, "set_callback", *calls(rig)[at])
    rig.tell(rig.peg, "mint", 100 * rig.unit, ALICE, sender=ALICE)
    rig.tell(rig.peg, "redeem", 50 * WAD, ALICE, sender=ALICE)
    assert (rig.token.read("calls"), rig.token.read("successes")) == (2, 0)
    assert rig.coin.read("balanceOf", ALICE) == 50 * WAD
    assert rig.peg.read("governor") == GOVERNOR
    assert rig.peg.read("reserve_held") == (THOUSAND + 50) * rig.unit


@pytest.mark.covers("incident: hook token")
def test_a_peg_without_its_lock_answers():
    """The control: what nothing above reaches is reached as soon as the lock is gone."""
    rig = opened("ReentrantToken", weakened("PegStability", UNLOCKED))
    rig.pay_on_chain(BOB, rig.token.address, 10 * WAD)
    rig.tell(rig.token, "set_callback", *calls(rig)[1])
    rig.tell(rig.peg, "redeem", 50 * WAD, BOB, sender=BOB)
    assert rig.token.read("successes") == 1


def backing_within(rig: Rig, fn: str, *args: object) -> tuple[int, int, int]:
    """Return what the peg adds to equity before a swap, within its transfer, and after it."""
    rig.tell(rig.token, "set_callback", rig.peg.address, rig.peg.encode("backing"))
    before = rig.peg.read("backing") - rig.coin.read("totalSupply")
    rig.tell(rig.peg, fn, *args, sender=ALICE)
    assert rig.token.read("successes") == 1
    within = int.from_bytes(rig.token.read("last_response"))
    return before, within, rig.peg.read("backing") - rig.coin.read("totalSupply")


@pytest.mark.parametrize("price", [WAD, 9 * WAD // 10])
def test_backing_is_true_in_the_middle_of_a_swap(price):
    """Neither more than is there for the coins that exist, which could be reaped, nor less."""
    rig = opened("ReentrantToken")
    supply = rig.coin.read("totalSupply")
    before, within, _ = backing_within(rig, "mint", 100 * rig.unit, ALICE)
    assert within - supply == before
    rig.price(price)
    supply = rig.coin.read("totalSupply")
    _, within, after = backing_within(rig, "redeem", 60 * WAD, ALICE)
    assert within - (supply - 60 * WAD) == after


def test_a_peg_that_books_too_early_shows_what_is_not_so():
    """The control: booked before it came in, a deposit is a surplus while a callback runs."""
    rig = opened("ReentrantToken", weakened("PegStability", BOOKS_FIRST))
    supply = rig.coin.read("totalSupply")
    before, within, after = backing_within(rig, "mint", 100 * rig.unit, ALICE)
    assert within - supply == before + 100 * WAD
    assert after == before


# balances that shrink, and a token that answers nothing


@pytest.mark.covers("incident: rebasing token", "T09")
def test_a_reserve_that_shrinks_is_not_counted_and_mints_nothing():
    rig = opened("MockToken")
    rig.tell(rig.token, "burn", rig.peg.address, 300 * rig.unit)
    assert rig.peg.read("backing") == 700 * WAD
    assert try_mint(rig) == "token kept a fee"
    assert try_redeem(rig, 700) is None
    assert try_redeem(rig, 1) is not None
    assert rig.peg.read("backing") == 0


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_a_token_that_will_not_say_what_is_here_backs_nothing(mode):
    """Reverts, burns gas or writes when it is asked: the fund goes on, and counts 0."""
    world = revm_world()
    stage = Stage(world)
    odd = world.contract("MockTwoFaced", stage.token.address)
    stage.buy(world.owner, 500 * stage.unit)
    stage.mint(world.owner, 500 * stage.unit)
    turn(stage, odd, mode)
    backing = stage.peg.read("backing")
    assert backing == (500 * WAD if mode == 0 else 0)
    surplus, deficit = stage.fund.read("equity")
    assert surplus - deficit == backing - 500 * WAD
    refused = starve(stage, backing)
    assert refused > 0


def turn(stage: Stage, odd, mode: int) -> None:
    """Put other code in the reserve's place, which answers for `balanceOf` as `mode` says."""
    import pyrevm

    from surety.chain import UnlockedSender, deploy_contract
    from surety.compile import artifact

    node = stage.world.rpc
    sender = UnlockedSender(node, stage.world.governor)
    fresh = deploy_contract(sender, artifact("MockTwoFaced"))
    code = pyrevm.AccountInfo(nonce=1, code=bytes(node.evm.get_code(fresh)))
    node.evm.insert_account_info(stage.token.address, code)
    words = (500 * stage.unit).to_bytes(32)
    odd.transact("set_answer", "0x" + "00" * 20, 1, mode, words, sender=stage.world.governor)


def starve(stage: Stage, backing: int) -> int:
    """Ask with less and less gas: it is the truth or none. Return how often it was refused."""
    node, data, refused = stage.world.rpc, stage.peg.encode("backing"), 0
    for gas in range(30_000, 500_000, 10_000):
        try:
            out = node.evm.message_call(
                stage.world.owner, stage.peg.address, calldata=data, gas=gas, is_static=True
            )
        except RuntimeError:
            refused += 1
        else:
            assert int.from_bytes(out) == backing
    return refused
