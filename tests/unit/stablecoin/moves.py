# SPDX-License-Identifier: MIT
"""What anybody may do with the coin, as plain data: hypothesis shrinks and prints it."""

from __future__ import annotations

from hypothesis import strategies as st

from surety.model.coin import MAX_CEILING, MAX_FLASH_CEILING
from surety.model.state import MAX
from tests.unit.stablecoin.rig import (
    ALICE,
    BOB,
    BORROWER,
    COIN,
    GOVERNOR,
    HOLDERS,
    MINTER,
    NOBODY,
    OTHER_BORROWER,
    OTHER_MINTER,
    PEOPLE,
    STRANGER,
    Amount,
    Call,
    Move,
    Script,
    Signature,
)
from tests.world import WAD

ABSOLUTE = st.one_of(
    st.sampled_from((0, 1, 2, WAD - 1, WAD, WAD + 1, 2**112, 2**120, 2**128, 2**255, MAX)),
    st.integers(0, 1_000 * WAD),
)
FEW = st.integers(0, 3 * WAD)
ANYONE = st.sampled_from(PEOPLE)
HOLDER = st.sampled_from(HOLDERS)
PARTY = st.one_of(HOLDER, HOLDER, st.sampled_from((COIN, NOBODY)))
MINTERS = st.sampled_from((MINTER, MINTER, OTHER_MINTER, BORROWER, STRANGER))
TOKEN = st.sampled_from((COIN, COIN, COIN, COIN, COIN, COIN, ALICE, NOBODY))


def away(of, *by):
    return st.sampled_from(by).map(lambda plus: Amount(of, plus))


HELD = away("held", 0, 0, -1, -WAD, 1)
AMOUNT = st.one_of(FEW, HELD, ABSOLUTE)


def call(fn, *args):
    return st.tuples(*args).map(lambda given: Call(fn, given))


def move(who, call, script=None, after=None):
    return st.builds(
        lambda *parts: Move(*parts), who, call, script or st.none(), after or st.just(0)
    )


MINT = call("mint", PARTY, st.one_of(FEW, ABSOLUTE, away("headroom", -1, 0, 0, 0, 1)))
BURN = call("burn", PARTY, st.one_of(FEW, HELD, away("out", -1, 0, 0, 0, 1)))
EASY = st.one_of(call("burn", HOLDER, FEW), call("transfer", HOLDER, FEW))
TRANSFER = call("transfer", PARTY, AMOUNT)
APPROVE = call("approve", PARTY, st.one_of(ABSOLUTE, st.just(MAX), FEW))
TRANSFER_FROM = call(
    "transferFrom", PARTY, PARTY, st.one_of(AMOUNT, away("allowed", -1, 0, 0, 0, 1))
)
LOAN = st.one_of(FEW, ABSOLUTE, away("flash", -1, 0, 0, 0, 1), st.just(0))
DATA = st.sampled_from((b"", b"data"))

CEILING = st.one_of(
    away("out", -WAD, -1, 0, 1, 10 * WAD),
    st.sampled_from((0, 1, 10**6 * WAD, MAX_CEILING, MAX_CEILING, MAX_CEILING + 1, MAX)),
)
NAMED = st.sampled_from((MINTER, OTHER_MINTER, BORROWER, BORROWER, ALICE, NOBODY))
SET_CEILING = call("set_ceiling", NAMED, CEILING)
SET_FLASH = call(
    "set_flash",
    st.sampled_from((0, 1, 9, 99, 100, 100, 101, MAX)),
    st.sampled_from((0, WAD, 10**9 * WAD, MAX_FLASH_CEILING, MAX_FLASH_CEILING, 2**112 + 1, MAX)),
)

SIGNATURE = st.one_of(
    ANYONE.map(Signature),
    st.builds(
        lambda *how: Signature(*how),
        ANYONE,
        st.sampled_from((0, 0, 1, -1)),
        st.sampled_from((1, 1, 1, 10)),
        st.sampled_from(("", "", "high s", "v", "zero")),
    ),
)
LATER = st.sampled_from((0, 1, 12))
LATE = st.sampled_from((0, 1, 3_600, MAX // 2, -1))
PERMIT = call("permit", PARTY, PARTY, st.one_of(ABSOLUTE, FEW), LATE, SIGNATURE)


def signed_well(owner, spender, amount, late):
    return Call("permit", (owner, spender, amount, late, Signature(owner)))


GOOD_PERMIT = st.builds(signed_well, ANYONE, HOLDER, st.one_of(ABSOLUTE, FEW), st.integers(0, 99))

# within a loan the borrower mints, burns, moves and allows; and tries what should not work
PAY = Call("approve", (COIN, MAX))
STEP = st.one_of(
    call("mint", HOLDER, FEW),
    call("burn", st.just(BORROWER), FEW),
    call("burn", HOLDER, FEW),
    call("transfer", HOLDER, FEW),
    call("transferFrom", st.just(ALICE), HOLDER, FEW),
    call("approve", st.sampled_from((COIN, ALICE)), ABSOLUTE),
)
NESTED = call("flashLoan", st.just(OTHER_BORROWER), st.just(COIN), FEW, DATA)
ATTEMPT = st.one_of(
    NESTED,
    STEP,
    st.just(Call("totalSupply")),
    st.just(Call("flash_minted")),
    call("maxFlashLoan", TOKEN),
    call("flashFee", TOKEN, LOAN),
    call("balanceOf", HOLDER),
)
SCRIPT = st.builds(
    lambda before, pays, after, attempt, answers: Script(
        [*before, *[PAY] * pays, *after], attempt, answers
    ),
    st.lists(STEP, max_size=2),
    st.sampled_from((True, True, True, False)),
    st.lists(STEP, max_size=1),
    st.one_of(st.none(), ATTEMPT, ATTEMPT),
    st.sampled_from((True,) * 7 + (False,)),
)
RECEIVER = st.sampled_from((BORROWER,) * 8 + (OTHER_BORROWER, ALICE, COIN, NOBODY))
FLASH_LOAN = call("flashLoan", RECEIVER, TOKEN, LOAN, DATA)
EASY_SCRIPT = st.builds(
    lambda attempt: Script([PAY], attempt), st.one_of(st.none(), ATTEMPT, NESTED)
)

MOVE = st.one_of(
    move(MINTERS, MINT),
    move(ANYONE, EASY),
    move(st.just(BOB), call("transferFrom", HOLDER, HOLDER, FEW)),
    move(st.one_of(MINTERS, ANYONE), BURN),
    move(ANYONE, TRANSFER),
    move(ANYONE, TRANSFER_FROM),
    move(ANYONE, APPROVE),
    move(st.just(GOVERNOR), SET_CEILING),
    move(st.sampled_from((GOVERNOR,) * 5 + (MINTER,)), SET_FLASH),
    move(st.sampled_from((ALICE, BOB)), SET_CEILING),
    move(ANYONE, PERMIT, after=LATER),
    move(ANYONE, GOOD_PERMIT, after=LATER),
    move(ANYONE, FLASH_LOAN, SCRIPT),
    move(ANYONE, call("flashLoan", st.just(BORROWER), st.just(COIN), LOAN, DATA), EASY_SCRIPT),
)

# most sequences begin with coins in several hands, one run with nothing at all
WARM = (
    Move(GOVERNOR, Call("set_ceiling", (MINTER, 10**6 * WAD))),
    Move(GOVERNOR, Call("set_ceiling", (OTHER_MINTER, 10**3 * WAD))),
    Move(GOVERNOR, Call("set_ceiling", (BORROWER, 10**3 * WAD))),
    Move(GOVERNOR, Call("set_flash", (9, 10**9 * WAD))),
    *(Move(MINTER, Call("mint", (holder, 100 * WAD))) for holder in HOLDERS),
    Move(ALICE, Call("approve", (BORROWER, 50 * WAD))),
    *(Move(holder, Call("approve", (BOB, MAX))) for holder in HOLDERS),
    Move(OTHER_BORROWER, Call("approve", (COIN, MAX))),
)
BEGINNING = st.sampled_from((WARM, WARM, WARM, ()))
SEQUENCE = st.lists(MOVE, min_size=5, max_size=25)
