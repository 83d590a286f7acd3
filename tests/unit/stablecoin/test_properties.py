# SPDX-License-Identifier: MIT
"""The published ERC-20 properties, stated of the bytecode itself, after any sequence of calls.

The ids are those of github.com/crytic/properties. The coin has no `burnFrom` (a burn never uses an
allowance), no pause and no `increaseAllowance`: BURNABLE-002, -003, PAUSABLE and ALLOWANCE do not
apply. Unnamed properties are what that list leaves out: events, returned values, who may move what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from surety.model.state import MAX
from tests.stateful.node import as_json
from tests.unit.stablecoin.moves import (
    ANYONE,
    BEGINNING,
    FEW,
    HOLDER,
    MOVE,
    PAY,
    SEQUENCE,
    WARM,
    call,
    move,
)
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
    PARTIES,
    STRANGER,
    Call,
    Rig,
    Script,
)
from tests.world import WAD

LISTED = {
    *(f"ERC20-BASE-{number:03}" for number in range(1, 18)),
    "ERC20-BURNABLE-001",
    "ERC20-MINTABLE-001",
}
tested: set[str] = set()

ABOVE_BALANCE = "erc20: transfer amount exceeds balance"
ABOVE_ALLOWANCE = "erc20: insufficient allowance"
TO_ZERO = "erc20: transfer to the zero address"

# some after any history at all, most from a state in which there is something to move
HISTORY = st.one_of(SEQUENCE, st.lists(MOVE, max_size=8))
SHARE = st.one_of(st.sampled_from((0, 1, 2**64 - 1, 2**64)), st.integers(0, 2**64))
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def published(*ids: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Note that a test is of these properties of the list."""
    assert not tested & set(ids)
    tested.update(ids)
    return lambda test: test


@pytest.fixture(scope="module")
def rig():
    return Rig()


def balances(rig: Rig) -> list[int]:
    return [rig.coin.read("balanceOf", party) for party in rig.parties]


def supply(rig: Rig) -> int:
    return rig.coin.read("totalSupply")


def send(rig: Rig, who: int, fn: str, *args: object):
    """Call the coin, past the model."""
    args = rig.resolve(who, Call(fn, args), rig.node.time)
    return rig.run(who, rig.coin.encode(fn, *args), rig.node.time)


def events(rig: Rig, ran) -> list[tuple[str, tuple[object, ...]]]:
    logs = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
    return [(event.name, tuple(event.args.values())) for event in rig.coin.events(logs)]


def succeeds(rig: Rig, ran, *logged: tuple[object, ...]) -> None:
    """It returned true and logged exactly this, addresses as numbers of parties."""
    assert ran.reason is None
    assert ran.output == (1).to_bytes(32)
    found = [(name, *(rig.parties.index(v) if isinstance(v, str) else v for v in values))
             for name, values in events(rig, ran)]  # fmt: skip
    assert found == list(logged)


def part(amount: int, share: int) -> int:
    return amount * share >> 64


@published("ERC20-BASE-001")
@quick
@given(
    history=HISTORY,
    moves=st.lists(
        st.one_of(
            move(ANYONE, call("transfer", HOLDER, FEW)),
            move(ANYONE, call("transferFrom", HOLDER, HOLDER, FEW)),
            move(ANYONE, call("approve", HOLDER, FEW)),
        ),
        max_size=9,
    ),
)
def test_the_supply_is_constant__while_nobody_mints_or_burns(rig, history, moves):
    rig.begin(*WARM, *history)
    before = supply(rig)
    for each in moves:
        send(rig, each.who, each.call.fn, *each.call.args)
    assert supply(rig) == before


@published("ERC20-BASE-002", "ERC20-BASE-003", "ERC20-BASE-004")
@quick
@given(beginning=BEGINNING, history=SEQUENCE)
def test_no_balance_is_above_the_supply_and_nobody_has_one(rig, beginning, history):
    rig.begin(*beginning)
    for each in history:
        rig.make(each)
        held = balances(rig)
        assert sum(held) == supply(rig) >= max(held)
        assert held[NOBODY] == 0


@published("ERC20-BASE-005", "ERC20-BASE-006")
@quick
@given(history=HISTORY, owner=ANYONE, spender=ANYONE, share=SHARE)
def test_nothing_goes_to_the_zero_address(rig, history, owner, spender, share):
    rig.begin(*WARM, *history)
    amount = part(balances(rig)[owner], share)
    assert send(rig, owner, "transfer", NOBODY, amount).reason == TO_ZERO
    send(rig, owner, "approve", spender, amount)
    assert send(rig, spender, "transferFrom", owner, NOBODY, amount).reason == TO_ZERO


@published("ERC20-BASE-007", "ERC20-BASE-008")
@quick
@given(history=HISTORY, owner=ANYONE, spender=ANYONE, share=SHARE)
def test_a_transfer_to_oneself_changes_no_balance(rig, history, owner, spender, share):
    rig.begin(*WARM, *history)
    before = balances(rig)
    amount = part(before[owner], share)
    succeeds(rig, send(rig, owner, "transfer", owner, amount), ("Transfer", owner, owner, amount))
    assert balances(rig) == before
    send(rig, owner, "approve", spender, amount)
    ran = send(rig, spender, "transferFrom", owner, owner, amount)
    succeeds(rig, ran, ("Approval", owner, spender, 0), ("Transfer", owner, owner, amount))
    assert balances(rig) == before


@published("ERC20-BASE-009", "ERC20-BASE-010")
@quick
@given(history=HISTORY, owner=ANYONE, spender=ANYONE, to=HOLDER, more=st.integers(1, 2**256))
@example(history=[], owner=ALICE, spender=BOB, to=ALICE, more=1)
@example(history=[], owner=ALICE, spender=BOB, to=STRANGER, more=2**256)
def test_nothing_moves__above_the_balance(rig, history, owner, spender, to, more):
    rig.begin(*WARM, *history)
    before = balances(rig)
    amount = min(MAX, before[owner] + more)
    assert send(rig, owner, "transfer", to, amount).reason == ABOVE_BALANCE
    send(rig, owner, "approve", spender, amount)
    assert send(rig, spender, "transferFrom", owner, to, amount).reason == ABOVE_BALANCE
    assert balances(rig) == before
    spent = rig.coin.read("allowance", rig.parties[owner], rig.parties[spender])
    assert spent == amount  # nothing of it


@published("ERC20-BASE-011", "ERC20-BASE-012")
@quick
@given(history=HISTORY, owner=HOLDER, spender=ANYONE, to=HOLDER)
@example(history=[], owner=OTHER_BORROWER, spender=STRANGER, to=ALICE)
def test_moving_nothing_is_a_transfer(rig, history, owner, spender, to):
    """As the EIP wants, and without any allowance."""
    rig.begin(*WARM, *history)
    before = balances(rig)
    send(rig, owner, "approve", spender, 0)
    succeeds(rig, send(rig, owner, "transfer", to, 0), ("Transfer", owner, to, 0))
    ran = send(rig, spender, "transferFrom", owner, to, 0)
    succeeds(rig, ran, ("Approval", owner, spender, 0), ("Transfer", owner, to, 0))
    assert balances(rig) == before


@published("ERC20-BASE-013", "ERC20-BASE-014", "ERC20-BASE-017")
@quick
@given(
    history=HISTORY,
    owner=ANYONE,
    spender=ANYONE,
    to=st.sampled_from((*HOLDERS, COIN)),
    share=SHARE,
    spare=st.sampled_from((0, 1, WAD, None)),
)
def test_a_transfer_moves_exactly_its_amount(rig, history, owner, spender, to, share, spare):
    """And uses up exactly as much of an allowance, but nothing of an unlimited one."""
    assume(owner != to)
    rig.begin(*WARM, *history)
    before = balances(rig)
    amount = part(before[owner], share)
    for who in (owner, spender):
        logged = [("Transfer", owner, to, amount)]
        if who == owner:
            ran = send(rig, owner, "transfer", to, amount)
        else:
            allowed = MAX if spare is None else amount + spare
            send(rig, owner, "approve", spender, allowed)
            ran = send(rig, spender, "transferFrom", owner, to, amount)
            left = MAX if spare is None else spare
            assert rig.coin.read("allowance", rig.parties[owner], rig.parties[spender]) == left
            if spare is not None:
                logged.insert(0, ("Approval", owner, spender, spare))
        succeeds(rig, ran, *logged)
        after = before.copy()
        after[owner] -= amount
        after[to] += amount
        assert balances(rig) == after
        before, amount = after, part(after[owner], share)


@published("ERC20-BASE-015", "ERC20-BASE-016")
@quick
@given(
    history=HISTORY,
    owner=HOLDER,
    spender=HOLDER,
    amounts=st.lists(st.one_of(FEW, st.integers(0, MAX)), min_size=2, max_size=3),
)
def test_an_approval_replaces_the_last_one(rig, history, owner, spender, amounts):
    rig.begin(*WARM, *history)
    names = [(a, b) for a in PARTIES for b in PARTIES if (a, b) != (owner, spender)]

    def others():
        return [rig.coin.read("allowance", rig.parties[a], rig.parties[b]) for a, b in names]

    before = others()
    for amount in amounts:
        ran = send(rig, owner, "approve", spender, amount)
        succeeds(rig, ran, ("Approval", owner, spender, amount))
        assert rig.coin.read("allowance", rig.parties[owner], rig.parties[spender]) == amount
    assert others() == before


@quick
@given(history=HISTORY, owner=ANYONE, spender=ANYONE, to=HOLDER, allowed=FEW, more=FEW)
@example(history=[], owner=ALICE, spender=ALICE, to=BOB, allowed=0, more=0)
def test_nothing_moves__above_the_allowance(rig, history, owner, spender, to, allowed, more):
    """Not even the owner's own, by `transferFrom`."""
    rig.begin(*WARM, *history)
    before = balances(rig)
    send(rig, owner, "approve", spender, allowed)
    ran = send(rig, spender, "transferFrom", owner, to, allowed + more + 1)
    assert ran.reason == ABOVE_ALLOWANCE
    assert balances(rig) == before


@published("ERC20-BURNABLE-001")
@quick
@given(history=HISTORY, holder=ANYONE, by_minter=st.booleans(), share=SHARE)
def test_a_burn_lowers_one_balance_and_the_supply(rig, history, holder, by_minter, share):
    rig.begin(*WARM, *history)
    before, total = balances(rig), supply(rig)
    amount = part(before[holder], share)
    caller = MINTER if by_minter else holder
    succeeds(rig, send(rig, caller, "burn", holder, amount), ("Transfer", holder, NOBODY, amount))
    before[holder] -= amount
    assert (balances(rig), supply(rig)) == (before, total - amount)


@published("ERC20-MINTABLE-001")
@quick
@given(history=HISTORY, receiver=st.sampled_from((*HOLDERS, COIN)), share=SHARE)
def test_a_mint_raises_one_balance_and_the_supply(rig, history, receiver, share):
    rig.begin(*WARM, *history)
    send(rig, GOVERNOR, "set_ceiling", MINTER, 2**119)  # there may have been less than is out
    before, total = balances(rig), supply(rig)
    amount = part(rig.coin.read("headroom", rig.parties[MINTER]), share)
    ran = send(rig, MINTER, "mint", receiver, amount)
    succeeds(rig, ran, ("Transfer", NOBODY, receiver, amount))
    before[receiver] += amount
    assert (balances(rig), supply(rig)) == (before, total + amount)


@quick
@given(beginning=BEGINNING, history=SEQUENCE)
def test_the_events_alone_tell_every_balance_and_allowance(rig, beginning, history):
    """Those of flash loans too. An unlimited allowance is not logged again when it is used."""
    rig.begin()
    held: Counter[str] = Counter()
    allowed: dict[tuple[str, str], int] = {}
    for each in (*beginning, *history):
        for name, values in events(rig, rig.make(each)):
            if name == "Transfer":
                sender, receiver, amount = values
                held[sender] -= amount
                held[receiver] += amount
            elif name == "Approval":
                allowed[values[:2]] = values[2]
    issued = -held.pop(rig.parties[NOBODY], 0)
    assert issued == supply(rig)
    for party in rig.parties[:NOBODY]:
        assert rig.coin.read("balanceOf", party) == held[party]
        for other in rig.parties:
            assert rig.coin.read("allowance", party, other) == allowed.get((party, other), 0)


@quick
@given(beginning=BEGINNING, history=SEQUENCE)
def test_nobody_loses_coins_that_they_neither_moved_nor_allowed_nor_trusted(
    rig, beginning, history
):
    """A balance falls by its holder's call, by an allowance, or by a minter's burn."""
    rig.begin(*beginning)
    for each in history:
        before = balances(rig)
        spendable = {
            (owner, spender): rig.coin.read("allowance", rig.parties[owner], rig.parties[spender])
            for owner in PARTIES
            for spender in PARTIES
        }
        ran = rig.make(each)
        if ran.reason is not None or each.call.fn == "flashLoan":
            continue  # what a borrower does within a loan is its own call
        is_minter = rig.coin.read("is_minter", rig.parties[each.who])
        for holder, (had, has) in enumerate(zip(before, balances(rig), strict=True)):
            lost = had - has
            assert (
                lost <= 0
                or holder == each.who
                or (each.call.fn == "transferFrom" and lost <= spendable[holder, each.who])
                or (each.call.fn == "burn" and is_minter)
            )


@quick
@given(beginning=BEGINNING, history=SEQUENCE)
def test_no_minter_passes_its_ceiling_and_nobody_else_mints(rig, beginning, history):
    """What a minter has out rises only by its own call, and never beyond what it may have."""
    rig.begin(*beginning)
    for each in history:
        before = [rig.coin.read("minted", party) for party in rig.parties]
        ran = rig.make(each)
        for party, had in zip(PARTIES, before, strict=True):
            has = rig.coin.read("minted", rig.parties[party])
            if has > had:
                assert ran.reason is None
                assert party == each.who or (each.call.fn == "flashLoan" and party == BORROWER)
                assert has <= rig.coin.read("ceiling", rig.parties[party])


@quick
@given(history=HISTORY, fee_bps=st.integers(0, 100), amount=st.integers(0, 2**112))
@example(history=[], fee_bps=100, amount=2**112)
@example(history=[], fee_bps=1, amount=1)
def test_a_flash_loan_costs_exactly_its_fee(rig, history, fee_bps, amount):
    """And moves nothing else: no other balance, nothing that a minter has out."""
    rig.begin(*WARM, *history)
    fee = -(-amount * fee_bps // 10_000)
    send(rig, GOVERNOR, "set_flash", fee_bps, 2**112)
    send(rig, GOVERNOR, "set_ceiling", MINTER, 2**119)
    send(rig, MINTER, "mint", BORROWER, fee)
    rig.write_script(BORROWER, Script([PAY]))
    before, total = balances(rig), supply(rig)
    out = [rig.coin.read("minted", party) for party in rig.parties]

    ran = send(rig, STRANGER, "flashLoan", BORROWER, COIN, amount, b"")

    assert ran.reason is None
    before[BORROWER] -= fee
    assert (balances(rig), supply(rig)) == (before, total - fee)
    assert [rig.coin.read("minted", party) for party in rig.parties] == out


def test_every_listed_property_is_here():
    assert tested == LISTED
