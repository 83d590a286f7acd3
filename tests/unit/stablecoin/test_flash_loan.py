# SPDX-License-Identifier: MIT
"""Flash loans: what ERC-3156 demands, a test for each MUST, and what an attacker would try."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from surety.chain import Reverted
from tests.unit.price_hub.rig import answering, deploy_code
from tests.unit.stablecoin.rig import (
    ALICE,
    ANSWER,
    BORROWER,
    COIN,
    GOVERNOR,
    MINTER,
    NOBODY,
    OTHER_BORROWER,
    STRANGER,
    Call,
    Move,
    Rig,
    Script,
)
from tests.world import MAX, WAD

FEE_BPS = 9
CEILING = 1_000_000 * WAD
AMOUNT, FEE = 10_001 * WAD + 1, 9_000_900_000_000_000_001  # rounded up
PAY = Call("approve", (COIN, MAX))
FUNDED = 100 * WAD


@pytest.fixture(scope="module")
def bench():
    return Rig()


@pytest.fixture
def rig(bench):
    """Let two borrowers have something to pay fees of, and one person coins."""
    return bench.begin(
        Move(GOVERNOR, Call("set_flash", (FEE_BPS, CEILING))),
        Move(GOVERNOR, Call("set_ceiling", (MINTER, CEILING))),
        Move(MINTER, Call("mint", (BORROWER, FUNDED))),
        Move(MINTER, Call("mint", (OTHER_BORROWER, FUNDED))),
        Move(MINTER, Call("mint", (ALICE, FUNDED))),
    )


def loan(amount=AMOUNT, receiver=BORROWER, token=COIN, data=b""):
    return Call("flashLoan", (receiver, token, amount, data))


def lend(rig, *steps, attempt=None, answer=True, pays=True, call=None, who=STRANGER):
    """Make a loan in the bytecode and in the model; the borrower pays unless told not to."""
    script = Script([*[PAY] * pays, *steps], attempt, answer)
    return rig.make(Move(who, call or loan(), script))


def called_with(rig, ran):
    """Return what the borrower saw when it was called."""
    return rig.borrower_events(ran)[0]


def state(rig):
    return (
        [rig.coin.read("balanceOf", party) for party in rig.parties],
        rig.coin.read("totalSupply"),
        rig.coin.read("burned_beyond"),
        rig.coin.read("flash_minted"),
    )


# the lender's side of the EIP


def test_max_flash_loan__is_the_ceiling(rig):
    """MUST return the maximum loan possible for `token`."""
    assert rig.coin.read("maxFlashLoan", rig.coin.address) == CEILING
    lend(rig, call=loan(CEILING), pays=False, attempt=None, answer=False)
    rig.make(Move(MINTER, Call("mint", (BORROWER, CEILING - 3 * FUNDED))))
    assert lend(rig, call=loan(CEILING)).reason is None
    assert lend(rig, call=loan(CEILING + 1)).reason == "above flash ceiling"


def test_max_flash_loan__is_zero_for_other_tokens(rig):
    """MUST return 0 instead of reverting where a token is not supported."""
    for other in (rig.parties[ALICE], rig.parties[NOBODY], rig.parties[BORROWER]):
        assert rig.coin.read("maxFlashLoan", other) == 0


@pytest.mark.parametrize("amount", [0, 1, 1_111, 1_112, AMOUNT, CEILING, 2**112, 2**249])
def test_flash_fee(rig, amount):
    """MUST return the fee charged for a loan of `amount`; it is rounded up."""
    fee = rig.coin.read("flashFee", rig.coin.address, amount)
    assert amount * FEE_BPS <= fee * 10_000 < amount * FEE_BPS + 10_000


def test_flash_fee_reverts_for_other_tokens(rig):
    """MUST revert where a token is not supported."""
    for other in (rig.parties[ALICE], rig.parties[NOBODY]):
        with pytest.raises(Reverted, match="unsupported token"):
            rig.coin.read("flashFee", other, 1)


def test_flash_loan__calls_the_receiver_once(rig):
    """MUST include a callback to `onFlashLoan`."""
    ran = lend(rig)
    assert [event["lender"] for event in rig.borrower_events(ran)] == [rig.coin.address]


def test_flash_loan__has_paid_before_it_calls(rig):
    """MUST transfer `amount` to the receiver before the callback."""
    lend(rig, attempt=Call("balanceOf", (BORROWER,)))
    assert rig.response() == FUNDED + AMOUNT


@pytest.mark.parametrize("who", [STRANGER, BORROWER])
def test_flash_loan__names_its_caller_as_initiator(rig, who):
    """MUST include `msg.sender` as the initiator in the callback."""
    assert called_with(rig, lend(rig, who=who))["initiator"] == rig.parties[who]


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 4], ids=len)
@pytest.mark.parametrize("amount", [0, 1, AMOUNT])
def test_flash_loan__passes_token_amount_and_data_on_unchanged(rig, amount, data):
    """MUST NOT modify them and MUST pass them on."""
    seen = called_with(rig, lend(rig, call=loan(amount, data=data)))
    assert (seen["token"], seen["amount"], bytes(seen["data"])) == (rig.coin.address, amount, data)


def test_flash_loan__names_the_fee_that_flash_fee_names(rig):
    """MUST include a fee argument that equals `flashFee(token, amount)`."""
    assert rig.coin.read("flashFee", rig.coin.address, AMOUNT) == FEE
    assert called_with(rig, lend(rig))["fee"] == FEE


def test_flash_loan_reverts_when_the_answer_is_another(rig):
    """MUST verify that the callback returns the hash of "ERC3156FlashBorrower.onFlashLoan"."""
    assert keccak(text="ERC3156FlashBorrower.onFlashLoan") == ANSWER
    before = state(rig)
    assert lend(rig, answer=False).reason == "flash callback failed"
    assert state(rig) == before


ANSWERS = {
    "nothing": answering([]),
    "31 bytes": answering([int.from_bytes(ANSWER)], 31),
    "zero": answering([0]),
    "one": answering([1]),
    "its selector": answering([int.from_bytes(ANSWER) >> 224 << 224]),
    "one bit off": answering([int.from_bytes(ANSWER) ^ 1]),
    "reverts": bytes.fromhex("5f5ffd"),
    "burns all gas": bytes.fromhex("5b5f56"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_flash_loan_reverts_when_the_receiver_answers_something_else(rig, answer):
    receiver = deploy_code(rig.node, ANSWERS[answer])
    before = state(rig)
    data = rig.coin.encode("flashLoan", receiver, rig.coin.address, AMOUNT, b"")
    ran = rig.run(STRANGER, data, rig.node.time)
    wrong = answer in ("zero", "one", "its selector", "one bit off")
    assert ran.reason == ("flash callback failed" if wrong else "")
    assert state(rig) == before


def test_flash_loan__ignores_what_follows_the_answer(rig):
    """A receiver that holds and allows nothing gets only loans of nothing."""
    receiver = deploy_code(rig.node, answering([int.from_bytes(ANSWER), 7]))
    for amount, reason in ((0, None), (1, "erc20: insufficient allowance")):
        data = rig.coin.encode("flashLoan", receiver, rig.coin.address, amount, b"")
        assert rig.run(STRANGER, data, rig.node.time).reason == reason


@pytest.mark.parametrize("receiver", [ALICE, COIN, NOBODY])
def test_flash_loan_reverts_when_the_receiver_cannot_be_called(rig, receiver):
    """People, the coin itself and nobody: nothing stays minted there."""
    before = state(rig)
    assert lend(rig, call=loan(receiver=receiver)).reason == ""
    assert state(rig) == before


def test_flash_loan__takes_amount_and_fee_and_says_so(rig):
    """MUST take `amount + fee` from the receiver after the callback; if successful returns true."""
    held, supply, beyond, _ = state(rig)
    ran = lend(rig)
    held[BORROWER] -= FEE
    assert state(rig) == (held, supply - FEE, beyond + FEE, 0)
    assert ran.output == (1).to_bytes(32)
    borrower = rig.number_of(BORROWER)
    assert rig.model.events == [
        ("Transfer", (0, borrower, AMOUNT)),
        ("Approval", (borrower, rig.number_of(COIN), MAX)),
        ("Transfer", (borrower, 0, AMOUNT + FEE)),
        ("FlashMinted", (borrower, AMOUNT, FEE)),
    ]


@pytest.mark.parametrize("allowed", [0, AMOUNT, AMOUNT + FEE - 1, AMOUNT + FEE, AMOUNT + FEE + 5])
def test_flash_loan__takes_only_what_it_is_allowed_to(rig, allowed):
    """MUST revert if that is not successful; what it takes uses the allowance up."""
    ran = lend(rig, Call("approve", (COIN, allowed)), pays=False)
    enough = allowed >= AMOUNT + FEE
    assert ran.reason == (None if enough else "erc20: insufficient allowance")
    left = rig.coin.read("allowance", rig.parties[BORROWER], rig.coin.address)
    assert left == (allowed - AMOUNT - FEE if enough else 0)


@pytest.mark.parametrize("spent", [FUNDED - FEE, FUNDED - FEE + 1, FUNDED + AMOUNT])
def test_flash_loan_reverts_when_the_receiver_has_not_enough(rig, spent):
    before = state(rig)
    ran = lend(rig, Call("transfer", (ALICE, spent)))
    if spent == FUNDED - FEE:
        assert ran.reason is None
        assert rig.coin.read("balanceOf", rig.parties[BORROWER]) == 0
    else:
        assert ran.reason == "amount exceeds balance"
        assert state(rig) == before


@pytest.mark.parametrize("token", [ALICE, BORROWER, NOBODY])
def test_flash_loan_reverts_when_the_token_is_another(rig, token):
    assert lend(rig, call=loan(token=token)).reason == "unsupported token"


@pytest.mark.parametrize("data", [bytes(1_025), bytes(4_096)], ids=len)
def test_flash_loan_reverts_when_data_is_longer_than_1024_bytes(rig, data):
    encoded = rig.coin.encode("flashLoan", rig.parties[BORROWER], rig.coin.address, 1, data)
    assert rig.run(STRANGER, encoded, rig.node.time).reason == ""


# one at a time, seen by no accounting


@pytest.mark.parametrize("amount", [1, AMOUNT, CEILING])
def test_there_is_one_loan_at_a_time(rig, amount):
    """And the most that can be borrowed meanwhile is nothing, until it has ended."""
    rig.make(Move(MINTER, Call("mint", (BORROWER, CEILING // 100))))
    inner = loan(1, receiver=OTHER_BORROWER)
    for attempt, wanted in (
        (inner, "flash mint active"),
        (loan(0, receiver=OTHER_BORROWER), "flash mint active"),
        (Call("maxFlashLoan", (COIN,)), 0),
        (Call("flash_minted"), amount),
    ):
        lend(rig, attempt=attempt, call=loan(amount))
        assert rig.response() == wanted
    assert rig.coin.read("maxFlashLoan", rig.coin.address) == CEILING
    assert lend(rig).reason is None


def test_a_loan_of_nothing_guards_nothing(rig):
    """There are no coins that exist for a moment only: one within it is as good as one alone."""
    rig.write_script(OTHER_BORROWER, Script([PAY], answer=True))
    ran = lend(rig, call=loan(0), attempt=loan(AMOUNT, receiver=OTHER_BORROWER))
    assert (ran.reason, rig.response()) == (None, 1)
    assert rig.coin.read("balanceOf", rig.parties[OTHER_BORROWER]) == FUNDED - FEE
    assert rig.coin.read("balanceOf", rig.parties[BORROWER]) == FUNDED


def test_loans_follow_each_other_in_one_transaction(rig):
    """A loan that has ended leaves nothing behind, not even until the transaction ends."""
    rig.write_script(OTHER_BORROWER, Script([PAY]))
    one, two = loan(AMOUNT, receiver=OTHER_BORROWER), loan(1, receiver=OTHER_BORROWER)
    for attempt, wanted in (
        (Call("flash_minted"), 0),
        (Call("totalSupply"), 3 * FUNDED - FEE - 1),
        (Call("maxFlashLoan", (COIN,)), CEILING),
    ):
        ran = lend(rig, one, two, call=loan(0), attempt=attempt)
        assert (ran.reason, rig.response()) == (None, wanted)
        rig.make(Move(MINTER, Call("mint", (OTHER_BORROWER, FEE + 1))))


def test_the_supply_counts_a_loan__and_accounting_can_tell(rig):
    lend(rig, attempt=Call("totalSupply"))
    assert rig.response() == 3 * FUNDED + AMOUNT
    assert rig.coin.read("totalSupply") == 3 * FUNDED - FEE
    assert rig.coin.read("flash_minted") == 0


def test_a_loan_can_be_burned__so_that_less_than_nothing_is_out_for_a_moment(bench):
    """supply - flash_minted is below 0 while the loan is burned and not yet minted again."""
    rig = bench.begin(
        Move(GOVERNOR, Call("set_flash", (0, CEILING))),
        Move(GOVERNOR, Call("set_ceiling", (BORROWER, CEILING))),
        Move(GOVERNOR, Call("set_ceiling", (MINTER, CEILING))),
        Move(MINTER, Call("mint", (BORROWER, FUNDED))),
    )
    borrower, witness = rig.borrowers
    rig.write_script(OTHER_BORROWER, Script((), Call("totalSupply")))
    look = witness.encode("onFlashLoan", borrower.address, rig.coin.address, 0, 0, b"")
    calls = [
        rig.coin.encode("approve", rig.coin.address, MAX),
        rig.coin.encode("burn", borrower.address, AMOUNT + FUNDED),
        look,
        rig.coin.encode("mint", borrower.address, AMOUNT),
    ]
    targets = [witness.address if data is look else rig.coin.address for data in calls]
    rig.tell(borrower, "set_steps", list(zip(targets, calls, strict=True)))

    rig.send(STRANGER, "flashLoan", borrower.address, rig.coin.address, AMOUNT, b"")

    assert rig.response(OTHER_BORROWER) == 0  # and AMOUNT of it lent: less than nothing
    assert state(rig)[1:] == (0, AMOUNT + FUNDED, 0)
    assert rig.coin.read("minted", borrower.address) == AMOUNT


@pytest.mark.parametrize(
    ("attempt", "moved"),
    [
        (Call("transfer", (ALICE, 5)), 5),
        (Call("burn", (BORROWER, 5)), 5),
        (Call("transferFrom", (ALICE, BORROWER, 5)), -5),
    ],
    ids=lambda each: each.fn if isinstance(each, Call) else "",
)
def test_the_coin_works_within_a_loan(rig, attempt, moved):
    """A lock would make a borrowed coin useless."""
    rig.make(Move(ALICE, Call("approve", (BORROWER, 5))))
    ran = lend(rig, attempt=attempt)
    assert (ran.reason, rig.response()) == (None, 1)
    assert rig.coin.read("balanceOf", rig.parties[BORROWER]) == FUNDED - FEE - moved


def test_a_minter_has_no_more_within_a_loan(rig):
    """Its ceiling counts what it minted, whatever coins are lent."""
    rig.make(Move(GOVERNOR, Call("set_ceiling", (BORROWER, 5))))
    lend(rig, attempt=Call("headroom", (BORROWER,)))
    assert rig.response() == 5
    lend(rig, attempt=Call("mint", (BORROWER, 6)))
    assert rig.response() == 0
    lend(rig, attempt=Call("mint", (ALICE, 5)))
    assert rig.response() == 1
    assert rig.coin.read("minted", rig.parties[BORROWER]) == 5


def test_a_borrower_that_checks_nothing_pays_for_anybody(rig):
    """Why IFlashBorrower says to check the initiator: a stranger burns its coins by the fee."""
    rig.make(Move(BORROWER, PAY))
    for _ in range(3):
        lend(rig, pays=False, who=STRANGER)
    assert rig.coin.read("balanceOf", rig.parties[BORROWER]) == FUNDED - 3 * FEE


# terms


def test_loans_are_off__until_the_governor_sets_terms(bench):
    rig = bench.begin()
    assert rig.coin.read("flash_ceiling") == rig.coin.read("flash_fee_bps") == 0
    assert rig.coin.read("maxFlashLoan", rig.coin.address) == 0
    assert lend(rig, call=loan(1)).reason == "above flash ceiling"


@pytest.mark.parametrize("fee_bps", [0, 1, 100])
@pytest.mark.parametrize("ceiling", [0, 1, 2**112])
def test_set_flash(rig, fee_bps, ceiling):
    rig.make(Move(GOVERNOR, Call("set_flash", (fee_bps, ceiling))))
    assert rig.model.events == [("FlashSet", (fee_bps, ceiling))]
    assert (rig.coin.read("flash_fee_bps"), rig.coin.read("flash_ceiling")) == (fee_bps, ceiling)
    assert rig.coin.read("maxFlashLoan", rig.coin.address) == ceiling


@pytest.mark.parametrize(
    ("who", "fee_bps", "ceiling", "reason"),
    [
        (MINTER, 0, 0, "not governor"),
        (STRANGER, 0, 2**112, "not governor"),
        (GOVERNOR, 101, 0, "flash fee too high"),
        (GOVERNOR, MAX, 0, "flash fee too high"),
        (GOVERNOR, 100, 2**112 + 1, "flash ceiling too large"),
        (GOVERNOR, 0, 2**128, "flash ceiling too large"),
        (GOVERNOR, 0, MAX, "flash ceiling too large"),
    ],
)
def test_set_flash_reverts_when(rig, who, fee_bps, ceiling, reason):
    assert rig.make(Move(who, Call("set_flash", (fee_bps, ceiling)))).reason == reason
    assert (rig.coin.read("flash_fee_bps"), rig.coin.read("flash_ceiling")) == (FEE_BPS, CEILING)


def test_a_running_loan_keeps_its_terms(rig):
    """Even where the borrower is the governor, who raises the fee and stops loans meanwhile."""
    borrower = rig.parties[BORROWER]
    rig.send(GOVERNOR, "propose_governor", borrower)
    rig.send(BORROWER, "accept_governor")
    rig.model.governor = borrower
    ran = lend(rig, Call("set_flash", (100, 0)))
    assert ran.reason is None
    assert rig.coin.read("balanceOf", borrower) == FUNDED - FEE
    assert rig.coin.read("maxFlashLoan", rig.coin.address) == 0
    assert lend(rig, call=loan(1)).reason == "above flash ceiling"


def test_the_largest_loan_of_all_beside_the_largest_supply(rig):
    """32 minters at their largest ceilings, 2**112 lent on top: nothing overflows."""
    for number in range(1, 32):
        rig.send(GOVERNOR, "set_ceiling", f"0x{0xBEEF00 + number:040x}", 2**120 - 1)
    rig.send(GOVERNOR, "set_ceiling", rig.parties[MINTER], 2**120 - 1)
    rig.send(GOVERNOR, "set_flash", 100, 2**112)
    minters = [rig.parties[MINTER], *(f"0x{0xBEEF00 + number:040x}" for number in range(1, 32))]
    borrower, fee = rig.parties[BORROWER], -(-(2**112) // 100)
    for minter in minters:
        room = rig.coin.read("headroom", minter)
        data = rig.coin.encode("mint", borrower, room)
        assert rig.node.run(minter, rig.coin.address, data, rig.node.time).output[-1] == 1
    supply = 32 * (2**120 - 1)
    rig.write_script(BORROWER, Script([PAY], Call("totalSupply")))
    data = rig.coin.encode("flashLoan", borrower, rig.coin.address, 2**112, b"")
    assert rig.run(STRANGER, data, rig.node.time).reason is None
    assert rig.response() == supply + 2**112
    assert rig.coin.read("totalSupply") == supply - fee
