# SPDX-License-Identifier: MIT
"""`preview_adjust` says what `adjust` then does, to the wei, and why it would not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lens.foresight import Outcome, ask, call, foresee
from tests.unit.vault.wide import ISOLATED
from tests.world import AT_RISK, EMPTY, HEALTHY, INT_MIN, WAD, World, reverts

UNIT = (WAD, 10**8, 10**6)
PRICE = (2_000, 40_000, 1)


def fund(world: World, coins: int = 0) -> None:
    """Give the owner plenty of every token, and coins."""
    for kind, unit in enumerate(UNIT):
        world.give(world.owner, kind, 10**6 * unit)
    if coins:
        world.give_coins(world.owner, coins)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_whole_life(world, kind):
    """Deposit, borrow, repay, withdraw, close: 18, 8 and 6 decimals."""
    fund(world, 20_000 * WAD)
    account = world.id(world.owner, 3)
    size = 30_000 * UNIT[kind] // PRICE[kind]
    moves: list[tuple[list[tuple[int, int]], int]] = [
        ([(kind, size + 1)], 0),
        ([], 9_000 * WAD + 1),
        ([(kind, size // 3)], 1_000 * WAD),
        ([(kind, -(size // 5))], 0),
        ([], -(3_000 * WAD + 7)),
        ([], -6_000 * WAD),  # cut, so that the debt floor stays
        ([(kind, -1)], -1),
        ([], INT_MIN),
        ([(kind, INT_MIN)], 0),
    ]
    for legs, debt_delta in moves:
        world.forward(4_000)  # the index is written again
        told = foresee(world, account, legs, debt_delta)
        assert told.reason == ""
    assert told.state == EMPTY


REFUSALS = [
    ([], 0, "nothing to change"),
    ([(0, 1), (0, 1)], 0, "legs not ascending"),
    ([(1, 1), (0, 1)], 0, "legs not ascending"),
    ([(3, 1)], 0, "unknown kind"),
    ([(32, 1)], 0, "unknown kind"),
    ([(2**200, -1)], 0, "unknown kind"),
    ([(0, 0)], 0, "zero amount"),
    ([(1, INT_MIN)], 0, "zero amount"),
    ([(0, -(10 * WAD + 1))], 0, "above balance"),
    ([(0, 2**127)], 0, "above cap"),
    ([], 2**128 + 1, "debt too large"),
    ([], 2**105, "debt too large"),
    ([], 5_001 * WAD, "below initial margin"),
    ([(0, -4 * WAD)], 0, "below initial margin"),
    ([(0, INT_MIN)], 0, "below initial margin"),
    ([(0, INT_MIN)], INT_MIN, ""),
]


@pytest.mark.parametrize(("legs", "debt_delta", "reason"), REFUSALS)
def test_refusals(world, legs, debt_delta, reason):
    account = world.open([(0, 10 * WAD)], 10_000 * WAD)
    fund(world, 10_000 * WAD)
    world.vault.transact("set_cap", 0, 10**4 * WAD, sender=world.governor)
    before = world.levels(account)
    told = foresee(world, account, legs, debt_delta)
    assert told.reason == reason
    if told.reason and told.reason != "below initial margin":
        # nothing has changed but the second
        assert told.levels[1:] == before[1:]
        assert told.collateral_mask == 1


def test_no_account_has_more_than_168_bits(world):
    told = Outcome(*ask(world, world.now + 1, "preview_adjust", 1 << 168, [(0, 1)], 0))
    assert told.reason == "unknown account"
    with reverts("unknown account"):
        world.vault.transact("deposit", 1 << 168, 0, 1, sender=world.owner)


def test_a_debt_below_the_floor(world):
    account = world.open([(0, 10 * WAD)], 0)
    told = foresee(world, account, [], world.book.debt_floor - 10)
    assert told.reason == "below debt floor"
    assert 0 < world.book.debt_floor - told.levels[0] <= 10  # what it would owe
    assert foresee(world, account, [], world.book.debt_floor).reason == ""


def test_the_ceiling_of_the_minter(world):
    account = world.open([(0, 100 * WAD)], 0)
    world.coin.transact("set_ceiling", world.vault.address, 5_000 * WAD, sender=world.governor)
    assert foresee(world, account, [], 5_000 * WAD + 1).reason == "above ceiling"
    assert foresee(world, account, [], 5_000 * WAD).reason == ""
    assert foresee(world, account, [], 1).reason == "above ceiling"


def test_a_frozen_kind_counts_nothing_and_is_not_enabled(world):
    account = world.open([(0, 10 * WAD), (2, 10_000 * 10**6)], 5_000 * WAD)
    fund(world)
    world.vault.transact("set_frozen", 0, True, sender=world.governor)
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    assert foresee(world, account, [(1, 1)], 0).reason == "kind is frozen"
    assert foresee(world, account, [(0, WAD)], 0).reason == ""
    assert foresee(world, account, [], 4_000 * WAD).reason == "below initial margin"
    assert foresee(world, account, [(0, -WAD)], 0).reason == ""


def test_a_dead_feed(world):
    account = world.open([(0, 10 * WAD), (2, 10_000 * 10**6)], 5_000 * WAD)
    fund(world)
    for kind in (0, 1):
        world.feeds[kind].transact("set_reverts", True, sender=world.governor)
    world.forward(61)
    assert foresee(world, account, [(1, 1)], 0).reason == "price failed"
    assert foresee(world, account, [(0, 1)], 0).reason == ""
    told = foresee(world, account, [(0, -WAD)], 0)
    assert told.reason == ""  # the stable carries the debt
    assert told.levels[2] == 8_800 * WAD
    assert foresee(world, account, [(2, -5_000 * 10**6)], 0).reason == "below initial margin"


@pytest.mark.parametrize(
    ("bits", "borrowing", "withdrawing", "both"),
    [
        (0, "", "", ""),
        (1, "borrowing paused", "", "borrowing paused"),
        (2, "", "withdrawing paused", "withdrawing paused"),
        (3, "borrowing paused", "withdrawing paused", "borrowing paused"),
    ],
)
def test_pauses(world, bits, borrowing, withdrawing, both):
    account = world.open([(0, 10 * WAD), (1, 10**8)], 5_000 * WAD)
    bare = world.open([(0, WAD)], 0, sub=1)
    fund(world, 10_000 * WAD)
    world.vault.transact("set_pauses", bits, sender=world.governor)
    assert foresee(world, account, [], 1).reason == borrowing
    assert foresee(world, account, [(0, -1)], 0).reason == withdrawing
    assert foresee(world, account, [(0, -1)], 1).reason == both
    assert foresee(world, bare, [(0, -1)], 0).reason == ""
    assert foresee(world, account, [(0, 1)], -WAD).reason == ""


def test_a_rescue_of_a_called_account(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    fund(world, 14_000 * WAD)
    world.follow(1_600 * WAD)
    call(world, account)
    world.vault.transact("set_cap", 0, 1, sender=world.governor)
    told = foresee(world, account, [(0, WAD)], 0)  # above the cap
    assert (told.reason, told.state) == ("", AT_RISK)
    assert told.auction_start > 0
    assert foresee(world, account, [(0, WAD)], 1).reason == "above cap"
    told = foresee(world, account, [], -2_000 * WAD)
    assert (told.reason, told.state) == ("", HEALTHY)
    assert told.auction_start > 0  # it lies dormant until a cure
    assert foresee(world, account, [], 1).auction_start == 0


def test_which_kinds_may_share_an_account(wide):
    """At most eight, and an isolated kind alone; a false or greedy token is found out later."""
    for kind in (3, 4, 6, ISOLATED, 8, 9):
        wide.give(wide.owner, kind, 10**18)
    eight = [(0, 1), (1, 1), (2, 1), (3, 1), (6, 1), (8, 1), (9, 1)]
    account = wide.open(eight, 0)
    assert foresee(wide, account, [(ISOLATED, 1)], 0).reason == "isolated only"
    alone = wide.open([(ISOLATED, 10**18)], 0, sub=1)
    assert foresee(wide, alone, [(9, 1)], 0).reason == "isolated only"
    assert foresee(wide, alone, [(ISOLATED, INT_MIN), (9, 1)], 0).reason == ""
    wide.give(wide.owner, 5, 10**18)
    args = ("preview_adjust", account, [(4, 1), (5, 1)], 0)
    assert ask(wide, wide.now + 1, *args)[0] == "too many kinds"
    with reverts("too many kinds"):
        wide.vault.transact(
            "adjust", account, [(4, 1), (5, 1)], 0, wide.owner, b"", sender=wide.owner
        )
    told = Outcome(*ask(wide, wide.now + 1, "preview_adjust", account, [(4, 1)], 0))
    assert (told.reason, told.collateral_mask.bit_count()) == ("", 8)


ADJUSTMENTS = st.tuples(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(-12_000, 12_000),  # coins' worth
        ),
        max_size=3,
    ),
    st.one_of(st.integers(-12_000, 12_000), st.just(0), st.just(None)),
    st.integers(0, 9),  # dust
    st.sampled_from([1_000, 1_500, 1_750, 2_000, 2_400]),
    st.booleans(),
)


@pytest.mark.covers("I67")
@settings(max_examples=60)
@given(st.lists(ADJUSTMENTS, min_size=1, max_size=4))
def test_any_history(base_world, steps):
    world = base_world
    with world.snapshot():
        account = world.open([(0, 3 * WAD), (1, 10**7), (2, 3_000 * 10**6)], 5_000 * WAD, sub=9)
        fund(world, 30_000 * WAD)
        world.vault.transact("set_cap", 1, 6 * 10**7, sender=world.governor)
        for legs, coins, dust, price, calling in steps:
            world.follow(price * WAD)
            if calling and world.state(account) == 3:
                call(world, account)
            moved = []
            for kind, worth in legs:
                moved.append((kind, worth * UNIT[kind] // PRICE[kind] + dust))
            delta = INT_MIN if coins is None else coins * WAD + dust
            foresee(world, account, moved, delta)
