# SPDX-License-Identifier: MIT
"""Any sequence of swaps, prices and governance: the peg is its model, to the last word and event.

And whatever happens: what the peg has outstanding is never more than what it holds at par nor than
its ceiling was, and while prices are at or above the guard the equity that minting can cost is
below the ceiling times one less the guard.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surety.model.state import MAX, WAD
from tests.unit.peg_stability.rig import (
    ALICE,
    BOB,
    CEILING,
    ENGINE,
    GOVERNOR,
    GUARD,
    STRANGER,
    ZERO,
    Amount,
    Rig,
)

DECIMALS = (6, 8, 18)
PEOPLE = st.sampled_from((ALICE, BOB))
PLUS = st.sampled_from((-1, 0, 0, 1)) | st.integers(-(10**13), 10**13)
SHARE = st.sampled_from((1_000, 1_000, 500, 1, 333))
AMOUNT = st.one_of(
    st.builds(Amount, st.sampled_from(("coins", "redeemable", "mintable")), PLUS, SHARE),
    st.builds(Amount, st.sampled_from(("mintable", "held", "reserve")), PLUS, SHARE),
    st.builds(
        Amount,
        st.just("zero"),
        st.integers(0, 10**24) | st.sampled_from((1, 2**128 - 1, 2**128, MAX)),
    ),
)
FEW = st.builds(Amount, st.sampled_from(("coins", "redeemable", "mintable")), st.just(0), SHARE)
RECEIVER = st.sampled_from(("self", "self", "self", "self", BOB, ZERO, "peg"))
LO = st.one_of(
    st.sampled_from((WAD, WAD, WAD, GUARD - 1, GUARD, GUARD + 1, 0, 1, 2 * WAD, 2**88 - 1)),
    st.integers(9 * WAD // 10, 11 * WAD // 10),
)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("mint"), PEOPLE, AMOUNT, RECEIVER),
        st.tuples(st.just("redeem"), PEOPLE, AMOUNT, RECEIVER),
        st.tuples(st.just("mint"), PEOPLE, AMOUNT, st.just("self")),
        st.tuples(st.just("redeem"), PEOPLE, AMOUNT, st.just("self")),
        st.tuples(st.just("mint"), PEOPLE, FEW, st.just("self")),
        st.tuples(st.just("redeem"), PEOPLE, FEW, st.just("self")),
        st.tuples(st.just("price"), LO, st.sampled_from((0, 0, 0, 0, 1, 2, 3))),
        st.tuples(
            st.just("set_fees"),
            st.sampled_from((GOVERNOR, GOVERNOR, GOVERNOR, STRANGER)),
            st.sampled_from((0, 1, 10, 100, 101, 2**16)),
            st.sampled_from((0, 1, 99, 100, 101, MAX)),
        ),
        st.tuples(
            st.just("set_guard"),
            st.sampled_from((GOVERNOR, GOVERNOR, STRANGER)),
            st.sampled_from((0, 9 * WAD // 10 - 1, 9 * WAD // 10, GUARD, WAD, WAD + 1, MAX)),
        ),
        st.tuples(
            st.just("set_minting_paused"),
            st.sampled_from((GOVERNOR, GOVERNOR, STRANGER)),
            st.booleans(),
        ),
        st.tuples(st.just("say_live"), st.sampled_from((0, 1, GUARD - 1, GUARD, WAD, MAX))),
        st.tuples(st.just("ceiling"), st.sampled_from((0, 1, 10**13, WAD, CEILING, 2**120 - 1))),
        st.tuples(st.just("lend"), PEOPLE, st.integers(0, CEILING)),
        st.tuples(st.just("pay"), PEOPLE, PEOPLE, st.integers(0, CEILING)),
        st.tuples(st.just("give"), st.integers(0, 10**20)),
        st.tuples(st.just("seize"), st.sampled_from((1, 10**4, 10**30))),
    ),
    min_size=3,
    max_size=25,
)
BEGINNINGS = ("empty", "begun", "begun", "begun", "short", "confirming")
DONE = ("mint", "redeem", "set_fees", "set_guard", "set_minting_paused")
REFUSED = (
    "minting paused", "zero amount", "amount too large", "bad receiver", "price failed",
    "price confirming", "below guard", "above ceiling", "token kept a fee", "reserve too low",
    "amount exceeds balance", "not governor", "fee too high", "bad guard", "",
)  # fmt: skip


def play(rig: Rig, move: tuple) -> None:
    what, *args = move
    if what in ("mint", "redeem"):
        who, amount, receiver = args
        receiver = {"self": who, "peg": rig.peg.address}.get(receiver, receiver)
        rig.make(who, what, rig.resolve(who, amount), receiver)
    elif what == "price":
        rig.price(args[0], flags=args[1])
    elif what == "say_live":
        rig.say_live(args[0])
    elif what == "ceiling":
        rig.set_ceiling(rig.peg.address, args[0])
    elif what in ("give", "seize"):
        getattr(rig, what)(rig.peg.address, args[0])
    elif what in ("lend", "pay"):
        getattr(rig, what)(*args)
    else:
        rig.make(args[0], what, *args[1:])


@pytest.mark.parametrize("decimals", DECIMALS)
def test_the_peg_is_its_model(decimals):
    """And nothing of it is missed: every function succeeds and every refusal is met."""
    rig = Rig(decimals)

    @settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
    @given(begun=st.sampled_from(BEGINNINGS), moves=MOVES)
    def runs(begun, moves):
        taken, model, most = rig.node.evm.snapshot(), rig.model, CEILING
        rig.model = model.copy()
        try:
            if begun != "empty":
                rig.mint(ALICE, 1_000 * rig.unit)
            if begun == "short":  # something of what is booked is gone
                rig.seize(rig.peg.address, 1)
            if begun == "confirming":
                rig.price(WAD, flags=2)
            for move in moves:
                play(rig, move)
                most = max(most, move[1]) if move[0] == "ceiling" else most
                assert rig.minted <= min(rig.held_value, most)
        finally:
            rig.node.evm.revert(taken)
            rig.model = model

    runs()
    assert [name for name in (*DONE, *REFUSED) if not rig.seen[name]] == []


@pytest.mark.parametrize("decimals", DECIMALS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    fees=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    price=st.integers(GUARD, 11 * WAD // 10),
    shares=st.lists(st.integers(1, 1_000), min_size=1, max_size=6),
)
def test_minting_at_the_guard_costs_at_most_the_ceiling_times_one_less_the_guard(
    decimals, fees, price, shares
):
    """The worst that minting can do, at any price at which it goes on."""
    rig = Rig(decimals, *fees)
    rig.price(price)
    for share in shares:
        rig.mint(ALICE, rig.resolve(ALICE, Amount("mintable", 0, share)))
    assert -rig.equity() <= CEILING * (WAD - GUARD) // WAD
    # and by no path of redeeming does it cost more
    rig.redeem(ALICE, rig.model.coin.balance_of(ALICE) // 3)
    assert -rig.equity() <= CEILING * (WAD - GUARD) // WAD
    assert rig.coin.read("balanceOf", ENGINE) == 0
