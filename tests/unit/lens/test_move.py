# SPDX-License-Identifier: MIT
"""`preview_move` says what `move` then does to both accounts, to the wei, and why it would not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lens.foresight import Outcome, ask, call, check_account
from tests.world import EMPTY, MAX, WAD, World, reverts

INT_MAX = 2**255 - 1
UNIT = (WAD, 10**8, 10**6)
PRICE = (2_000, 40_000, 1)


def move(
    world: World, source: int, destination: int, legs: list[tuple[int, int]], debt: int
) -> tuple[str, Outcome, Outcome]:
    """Preview a move, send it at that second, and assert that exactly this happened."""
    at = world.now + 1
    args = (source, destination, legs, debt)
    left, right = (Outcome(*one) for one in ask(world, at, "preview_move", *args))
    assert left.reason == right.reason
    world.next_at(at)
    if left.reason:
        with reverts(left.reason):
            world.vault.transact("move", *args, sender=world.owner)
    else:
        world.vault.transact("move", *args, sender=world.owner)
        check_account(world, source, left)
        check_account(world, destination, right)
    assert (left.repaid, right.repaid) == (0, 0)
    return left.reason, left, right


@pytest.fixture
def pair(world: World) -> tuple[int, int]:
    """An account with a debt, and an empty one of the same owner."""
    source = world.open([(0, 10 * WAD), (1, 10**7), (2, 5_000 * 10**6)], 10_000 * WAD)
    return source, world.id(world.owner, 1)


@pytest.mark.parametrize(
    ("legs", "debt", "reason"),
    [
        ([(0, INT_MAX), (1, INT_MAX), (2, INT_MAX)], MAX, ""),
        ([(0, 5 * WAD)], 5_000 * WAD, ""),
        ([(0, 5 * WAD)], 9_000 * WAD, "below initial margin"),
        ([(0, 8 * WAD)], 9_000 * WAD, ""),  # cut: the floor stays behind
        ([(0, 1)], 0, ""),
        ([(0, INT_MAX)], 0, "below initial margin"),
        ([], 3_000 * WAD, "below initial margin"),
        ([(2, 10**9)], 100 * WAD, "below debt floor"),
        ([], 0, "nothing to change"),
        ([(0, 0)], 0, "zero amount"),
        ([(0, -1)], 0, "zero amount"),
        ([(0, 11 * WAD)], 0, "above balance"),
        ([(1, 1), (0, 1)], 0, "legs not ascending"),
        ([(3, 1)], 0, "unknown kind"),
        ([(32, INT_MAX)], 0, "unknown kind"),
        ([(2**200, 1)], 0, "unknown kind"),
    ],
)
def test_to_an_empty_account(world, pair, legs, debt, reason):
    world.forward(5_000)
    assert move(world, *pair, legs, debt)[0] == reason


def test_all_of_it_leaves_nothing(world, pair):
    legs = [(kind, INT_MAX) for kind in range(3)]
    _, left, right = move(world, *pair, legs, MAX)
    assert left.state == EMPTY
    assert right.collateral_mask == 0b111
    assert move(world, *pair, legs, MAX)[0] == "zero amount"
    assert move(world, *pair, [], MAX)[0] == "nothing to change"  # no debt arrives
    assert move(world, pair[0], pair[0], [], 1)[0] == "same account"


def test_no_account_has_more_than_168_bits(world, pair):
    for source, destination in ((1 << 168, pair[1]), (pair[0], 1 << 168)):
        found = ask(world, world.now + 1, "preview_move", source, destination, [(0, 1)], 0)
        assert {one[0] for one in found} == {"unknown account"}


def test_debt_into_an_account_with_collateral(world, pair):
    world.open([(0, 10 * WAD)], 0, sub=1)
    assert move(world, *pair, [], 5_000 * WAD)[0] == ""
    assert move(world, *pair, [], 3_500 * WAD)[0] == ""  # cut
    assert move(world, *pair, [], MAX)[0] == ""


def test_pauses_freezes_and_caps(world, pair):
    world.vault.transact("set_cap", 0, 1, sender=world.governor)
    assert move(world, *pair, [(0, WAD)], 0)[0] == ""  # nothing enters the book
    for bits, reason in ((1, "borrowing paused"), (2, "withdrawing paused"), (4, "")):
        with world.snapshot():
            world.vault.transact("set_pauses", bits, sender=world.governor)
            assert move(world, *pair, [(0, 4 * WAD)], 3_000 * WAD)[0] == reason
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    assert move(world, *pair, [(1, 1)], 0)[0] == "kind is frozen"
    world.feeds[2].transact("set_reverts", True, sender=world.governor)
    world.forward(61)
    assert move(world, *pair, [(2, 1)], 0)[0] == "price failed"


def test_the_clock_of_a_called_account(world, pair):
    source, destination = pair
    world.give(world.owner, 0, 100 * WAD)
    world.follow(400 * WAD, 20_000 * WAD)
    call(world, source)
    assert world.account(source).auction_start > 0
    assert move(world, *pair, [(0, 1)], 0)[0] == "below initial margin"
    world.vault.transact("deposit", destination, 0, 100 * WAD, sender=world.owner)
    reason, left, right = move(world, *pair, [], MAX)
    assert (reason, left.auction_start) == ("", 0)
    assert right.levels[0] > 10_000 * WAD


@pytest.mark.covers("I67")
@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.lists(
                st.tuples(st.integers(0, 2), st.sampled_from([1, 500, 3_000, 9_000, None])),
                max_size=3,
                unique_by=lambda leg: leg[0],
            ),
            st.sampled_from([0, 1, 500, 3_000, 8_000, None]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_history(base_world, steps):
    world = base_world
    with world.snapshot():
        ends = [
            world.open([(0, 5 * WAD), (2, 5_000 * 10**6)], 5_000 * WAD, sub=4),
            world.open([(1, 20_000_000)], 2_000 * WAD, sub=5),
        ]
        for back, legs, debt in steps:
            world.forward(3_700)
            moved = [
                (kind, INT_MAX if worth is None else worth * UNIT[kind] // PRICE[kind])
                for kind, worth in sorted(legs, key=lambda leg: leg[0])
            ]
            pair = ends[::-1] if back else ends
            move(world, *pair, moved, MAX if debt is None else debt * WAD + 3)
