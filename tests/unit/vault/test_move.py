# SPDX-License-Identifier: MIT
"""Move: collateral and debt change the account, and nothing enters or leaves the book."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from tests.unit.vault.test_borrow import live_index
from tests.unit.vault.test_deposit import cause
from tests.unit.vault.wide import FALSE, ISOLATED, PLAIN
from tests.world import INT_MIN, MAX, WAD, check_books, reverts

FLOOR = 2_000 * WAD
ALL = 2**255 - 1
GRACE = 3_600


def move(world, source, destination, legs, debt=0, sender=None):
    """Move as the owner, unless told otherwise."""
    return world.vault.transact(
        "move", source, destination, legs, debt, sender=sender or world.owner
    )


def refused(world, reason, *args, **options):
    """Assert that a move reverts with this reason."""
    with reverts(reason):
        move(world, *args, **options)


def outside(world):
    """Return what a move never touches: totals, caps, tokens, coins, absorbed, minted."""
    kinds = range(len(world.tokens))
    people = (world.owner, world.other, world.operator, world.vault.address)
    return (
        [world.vault.read("deposited", kind) for kind in kinds],
        [world.vault.read("absorbed", kind) for kind in kinds],
        [token.read("balanceOf", who) for token in world.tokens for who in people],
        [world.coin.read("balanceOf", who) for who in people],
        world.coin.read("totalSupply"),
        world.coin.read("minted", world.vault.address),
    )


def told(account, kind, balance, word):
    args = {"account": account, "kind": kind, "balance": balance, "word": word}
    return ("AccountUpdated", args)


def logged(world, receipt):
    """Return the vault's events; fail when anything but vault and hub logged something."""
    loud = {str(log["address"]).lower() for log in receipt.logs}
    assert loud <= {world.vault.address.lower(), world.hub.address.lower()}
    return [(e.name, e.args) for e in world.events(receipt)]


@pytest.fixture
def pair(world):
    """Two accounts of the owner: ten eth and 0.1 btc with 5,000 coins of debt, and five eth."""
    source = world.open([(0, 10 * WAD), (1, 10**7)], 5_000 * WAD)
    destination = world.open([(0, 5 * WAD)], 0, sub=7)
    return source, destination


# what moves


def test_collateral(world, pair):
    source, destination = pair
    normalized = world.account(source).normalized_debt
    before = outside(world)
    at = world.now + 7_200
    index = live_index(world, at)
    world.next_at(at)

    receipt = move(world, source, destination, [(0, 3 * WAD), (1, 4 * 10**6)])

    left = normalized | 0b11 << 104 | at << 176
    arrived = 0b11 << 104
    assert logged(world, receipt) == [
        ("Accrued", {"index": index}),
        told(source, 0, 7 * WAD, left),
        told(source, 1, 6 * 10**6, left),
        told(destination, 0, 8 * WAD, arrived),
        told(destination, 1, 4 * 10**6, arrived),
    ]
    assert world.vault.read("accounts", source) == left
    assert world.vault.read("accounts", destination) == arrived
    balances = [[world.vault.read("balances", id, k) for k in (0, 1)] for id in pair]
    assert balances == [[7 * WAD, 6 * 10**6], [8 * WAD, 4 * 10**6]]
    assert outside(world) == before
    check_books(world, pair)


def test_debt(world, pair):
    source, destination = pair
    normalized = world.account(source).normalized_debt
    touched = world.account(source).touched_at
    before = outside(world)
    at = world.now + 7_200
    index = live_index(world, at)
    world.next_at(at)
    amount = 2_345 * WAD + 1

    receipt = move(world, source, destination, [], amount)

    removed = margin_math.repaid_down(amount, index)
    added = margin_math.borrowed_up(amount, index)
    assert added == removed + 1
    left = normalized - removed | 0b11 << 104 | touched << 176
    arrived = added | 1 << 104 | at << 176
    assert logged(world, receipt) == [
        ("Accrued", {"index": index}),
        told(source, 255, 0, left),
        told(destination, 255, 0, arrived),
    ]
    assert world.vault.read("accounts", source) == left
    assert world.vault.read("accounts", destination) == arrived
    assert world.vault.read("totals") % 2**112 == normalized + 1
    assert outside(world) == before
    check_books(world, pair)


def test_collateral_and_debt(world, pair):
    """What the source alone could not give away it may give away with its debt."""
    source, destination = pair
    normalized = world.account(source).normalized_debt
    before = outside(world)
    legs = [(0, 8 * WAD), (1, 10**7)]
    refused(world, "below initial margin", source, destination, legs)
    at = world.now + 10
    index = live_index(world, at)
    world.next_at(at)

    receipt = move(world, source, destination, legs, 3_000 * WAD)

    removed = margin_math.repaid_down(3_000 * WAD, index)
    added = margin_math.borrowed_up(3_000 * WAD, index)
    left = normalized - removed | 1 << 104 | at << 176
    arrived = added | 0b11 << 104 | at << 176
    assert logged(world, receipt) == [
        told(source, 0, 2 * WAD, left),
        told(source, 1, 0, left),
        told(destination, 0, 13 * WAD, arrived),
        told(destination, 1, 10**7, arrived),
    ]
    assert [world.vault.read("accounts", id) for id in pair] == [left, arrived]
    assert outside(world) == before
    check_books(world, pair)


def test_whole_balances_and_all_debt(world, pair):
    source, destination = pair
    normalized = world.account(source).normalized_debt
    before = outside(world)
    at = world.now + 10
    index = live_index(world, at)
    world.next_at(at)

    receipt = move(world, source, destination, [(0, ALL), (1, ALL)], MAX)

    owed = margin_math.debt_up(normalized, index)
    arrived = margin_math.borrowed_up(owed, index) | 0b11 << 104 | at << 176
    assert logged(world, receipt) == [
        told(source, 0, 0, 0),
        told(source, 1, 0, 0),
        told(destination, 0, 15 * WAD, arrived),
        told(destination, 1, 10**7, arrived),
    ]
    assert world.vault.read("accounts", source) == 0
    assert world.vault.read("accounts", destination) == arrived
    assert world.state(source) == 0
    assert owed <= world.debt(destination) <= owed + 2
    assert outside(world) == before
    check_books(world, pair)


@pytest.mark.parametrize("amount", ["owed", "owed + 1", 2**128, 2**255, MAX])
def test_more_debt_than_owed_is_all_of_it(still, amount):
    source = still.open([(0, 10 * WAD)], 5_000 * WAD)
    destination = still.open([(0, 10 * WAD)], 0, sub=1)
    owed = still.debt(source)
    asked = {"owed": owed, "owed + 1": owed + 1}.get(amount, amount)
    move(still, source, destination, [], asked)
    assert (still.debt(source), still.debt(destination)) == (0, owed)
    assert still.account(source).normalized_debt == 0


@pytest.mark.parametrize(
    ("debt", "asked", "moved"),
    [
        (5_000, 3_000, 3_000),
        (5_000, 3_001, 3_000),  # a rest below the floor never stays: exactly the floor does
        (5_000, 4_999, 3_000),
        (4_001, 2_500, 2_001),
    ],
)
def test_what_would_leave_dust_is_cut_to_leave_the_floor(still, debt, asked, moved):
    source = still.open([(0, 10 * WAD)], debt * WAD)
    destination = still.open([(0, 10 * WAD)], 0, sub=1)
    move(still, source, destination, [], asked * WAD)
    assert still.debt(source) == (debt - moved) * WAD
    assert still.debt(destination) == moved * WAD
    assert still.vault.read("totals") % 2**112 == debt * WAD


def test_debt_at_the_floor_moves_whole_or_not_at_all(still):
    source = still.open([(0, 10 * WAD)], FLOOR)
    destination = still.open([(0, 10 * WAD)], 0, sub=1)
    owed = still.debt(source)
    assert owed == FLOOR
    refused(still, "nothing to change", source, destination, [], owed - 1)
    word = still.vault.read("accounts", destination)
    move(still, source, destination, [(0, WAD)], owed - 1)  # the collateral alone
    assert still.debt(source) == owed
    assert still.vault.read("accounts", destination) == word
    assert still.vault.read("balances", destination, 0) == 11 * WAD
    move(still, source, destination, [], owed)
    assert (still.debt(source), still.debt(destination)) == (0, owed)


def test_a_destination_of_somebody_else(world, pair):
    source, _ = pair
    theirs = world.open([(0, 5 * WAD)], 0, owner=world.other)
    world.set_operator(world.owner, 1, sender=world.other)
    move(world, source, theirs, [(0, WAD)], FLOOR)
    assert world.vault.read("balances", theirs, 0) == 6 * WAD
    assert FLOOR <= world.debt(theirs) <= FLOOR + 2
    assert world.debt(source) < 3_001 * WAD
    check_books(world, [*pair, theirs])


# who


def test_only_who_may_act_for_both_sides(world, pair):
    source, destination = pair
    theirs = world.open([(0, 5 * WAD)], 0, owner=world.other)
    legs = [(0, WAD)]
    # owner of the source, owner of the destination, a stranger, the governor
    refused(world, "not authorised", source, theirs, legs)
    refused(world, "not authorised", source, theirs, legs, sender=world.other)
    refused(world, "not authorised", source, destination, legs, sender=world.stranger)
    refused(world, "not authorised", source, destination, [], FLOOR, sender=world.governor)
    # an operator of one side only, of each
    for bits in (1 << 0, 1 << 7):
        world.set_operator(world.operator, bits, sender=world.owner)
        for way in (pair, pair[::-1]):
            refused(world, "not authorised", *way, legs, sender=world.operator)
    world.set_operator(world.operator, 1 | 1 << 7, sender=world.owner)
    refused(world, "not authorised", source, theirs, legs, sender=world.operator)
    move(world, source, destination, legs, FLOOR, sender=world.operator)
    assert world.vault.read("balances", destination, 0) == 6 * WAD
    world.operators.transact("lockdown", sender=world.owner)
    refused(world, "not authorised", destination, source, legs, sender=world.operator)


def test_relief_without_consent_is_refused_too(world, pair):
    """To top up or repay is open to anyone, but not out of or into an account by a move."""
    source, _ = pair
    mine = world.open([(0, 5 * WAD)], 0, owner=world.other)
    refused(world, "not authorised", mine, source, [(0, WAD)], sender=world.other)
    refused(world, "not authorised", source, mine, [], FLOOR, sender=world.other)


@pytest.mark.covers("N16")
def test_an_account_has_no_other_side(world, pair):
    source, _ = pair
    for legs, debt in (([(0, 1)], 0), ([], FLOOR), ([], 0)):
        refused(world, "same account", source, source, legs, debt)
    refused(world, "same account", source, source, [(0, 1)], sender=world.stranger)


# legs


def test_move_refuses_legs(world, pair):
    refused(world, "nothing to change", *pair, [])
    for legs in ([(1, 1), (0, 1)], [(0, 1), (0, 1)], [(0, ALL), (0, ALL)]):
        refused(world, "legs not ascending", *pair, legs)
    for leg in ((0, 0), (0, -1), (0, INT_MIN), (2, ALL), (1, -(10**7))):
        refused(world, "zero amount", *pair, [leg])
    for leg in ((0, 10 * WAD + 1), (1, 10**7 + 1), (2, 1), (0, ALL - 1)):
        refused(world, "above balance", *pair, [leg])
    for kind in (3, 31, 32, 255, MAX):
        for delta in (1, ALL):
            refused(world, "unknown kind", *pair, [(kind, delta)])
    refused(world, "", *pair, [(0, 1)] * 9)  # more legs than the interface takes


def test_moving_no_debt_is_no_change(world):
    source = world.open([(0, WAD)], 0)
    destination = world.open([(0, WAD)], 0, sub=1)
    refused(world, "nothing to change", source, destination, [], MAX)
    refused(world, "nothing to change", source, destination, [], 1)


def test_eight_legs(wide):
    kinds = [kind for kind in range(10) if kind not in (ISOLATED, FALSE)]
    source = wide.open([(kind, 10) for kind in kinds], 0)
    destination = wide.id(wide.owner, 1)
    before = outside(wide)
    assert len(kinds) == 8
    receipt = move(wide, source, destination, [(kind, 4) for kind in kinds])
    assert len(logged(wide, receipt)) == 16
    move(wide, source, destination, [(kind, ALL) for kind in kinds])
    assert wide.vault.read("accounts", source) == 0
    assert wide.account(destination).collateral_mask == sum(1 << kind for kind in kinds)
    assert outside(wide) == before
    check_books(wide, [source, destination])


# what the destination may hold


def test_the_destination_obeys_the_mask_rules(wide):
    kinds = [kind for kind in range(10) if kind not in (ISOLATED, FALSE)]
    full = wide.open([(kind, 10) for kind in kinds], 0)
    false = wide.contract("FalseToken", wide.tokens[FALSE].address)
    false.transact("set_refuses", False, sender=wide.governor)
    ninth = wide.open([(FALSE, 10)], 0, sub=1)
    alone = wide.open([(ISOLATED, 10)], 0, sub=2)
    plain = wide.open([(PLAIN, 10)], 0, sub=3)
    empty = wide.id(wide.owner, 4)
    refused(wide, "too many kinds", ninth, full, [(FALSE, 10)])
    refused(wide, "isolated only", alone, plain, [(ISOLATED, 10)])
    refused(wide, "isolated only", plain, alone, [(PLAIN, 10)])
    move(wide, alone, empty, [(ISOLATED, 10)])
    assert wide.account(empty).collateral_mask == 1 << ISOLATED
    wide.vault.transact("set_frozen", PLAIN, True, sender=wide.governor)
    refused(wide, "kind is frozen", plain, alone, [(PLAIN, 10)])
    move(wide, plain, full, [(PLAIN, 10)])  # enabled there: no matter
    assert wide.vault.read("balances", full, PLAIN) == 20
    check_books(wide, [full, ninth, alone, plain, empty])


@pytest.mark.parametrize("trouble", ["feeds dead", "hub gone"])
def test_a_price_is_asked_only_where_a_kind_is_new_or_debt_is_left(world, trouble):
    source = world.open([(0, 10 * WAD), (1, 10**8)], 0)
    destination = world.open([(0, WAD)], 0, sub=1)
    cause(world, trouble)
    move(world, source, destination, [(0, WAD)])
    assert world.vault.read("balances", destination, 0) == 2 * WAD
    reason = {"feeds dead": "price failed", "hub gone": ""}[trouble]
    refused(world, reason, source, destination, [(1, 1)])


# margin


def test_the_side_that_loses_collateral_satisfies_the_initial_level(still):
    source = still.open([(0, 10 * WAD)], 14_000 * WAD)
    destination = still.open([(0, WAD)], 0, sub=1)
    owed = still.debt(source)
    keep = -(-owed * 4 // 3 // 2_000)  # 75 % of 2,000 coins each
    most = 10 * WAD - keep
    refused(still, "below initial margin", source, destination, [(0, most + 1)])
    refused(still, "below initial margin", source, destination, [(0, ALL)])
    move(still, source, destination, [(0, most)])
    assert owed <= still.levels(source)[2] < owed + 2_000  # a wei of eth is 2,000 of coins


def test_the_side_that_gains_debt_satisfies_the_initial_level(still):
    source = still.open([(0, 20 * WAD)], 20_000 * WAD)
    destination = still.open([(0, 5 * WAD)], 0, sub=1)
    capacity = still.levels(destination)[2]
    assert capacity == 7_500 * WAD
    refused(still, "below initial margin", source, destination, [], capacity + 1)
    refused(still, "below initial margin", source, destination, [], MAX)
    move(still, source, destination, [], capacity)
    assert still.debt(destination) == capacity
    refused(still, "below initial margin", source, destination, [], 1)


def test_the_side_that_gains_debt_owes_at_least_the_floor(still):
    source = still.open([(0, 10 * WAD)], 6_000 * WAD)
    destination = still.open([(0, 10 * WAD)], 0, sub=1)
    refused(still, "below debt floor", source, destination, [], FLOOR - 1)
    move(still, source, destination, [], FLOOR)
    move(still, source, destination, [], 1)  # more of it
    assert still.debt(destination) == FLOOR + 1


def test_nothing_is_asked_of_the_side_that_only_gains(world, pair):
    """Below the initial level an account still may be given collateral or relieved of debt."""
    source = world.open([(0, 10 * WAD)], 14_000 * WAD, sub=1)
    _, helper = pair
    world.follow(1_700 * WAD)
    world.vault.transact("set_frozen", 0, True, sender=world.governor)
    touched = world.account(source).touched_at
    move(world, helper, source, [(0, WAD)])
    assert world.vault.read("balances", source, 0) == 11 * WAD
    assert world.account(source).touched_at == touched
    world.vault.transact("set_frozen", 0, False, sender=world.governor)
    world.give(world.owner, 2, 50_000 * 10**6)
    world.vault.transact("deposit", helper, 2, 50_000 * 10**6, sender=world.owner)
    move(world, source, helper, [], 5_000 * WAD)
    assert world.debt(source) < 9_001 * WAD
    assert world.account(source).touched_at == touched


# pauses


@pytest.mark.parametrize("bits", range(32))
def test_pauses(world, pair, bits):
    source, _ = pair
    destination = world.open([(0, 5 * WAD)], FLOOR, sub=8)
    free = world.open([(0, WAD)], 0, sub=9)
    world.vault.transact("set_pauses", bits, sender=world.governor)
    cases = (
        ([], FLOOR, "borrowing paused" if bits & 1 else None),
        ([(0, WAD)], 0, "withdrawing paused" if bits & 2 else None),
    )
    for legs, debt, reason in cases:
        if reason is None:
            move(world, source, destination, legs, debt)
        else:
            refused(world, reason, source, destination, legs, debt)
    moved = not bits & 1, not bits & 2
    assert world.debt(destination) >= FLOOR * (1 + moved[0])
    assert world.vault.read("balances", destination, 0) == (5 + moved[1]) * WAD
    # without debt on the side that loses nothing can be stopped
    move(world, free, source, [(0, WAD)])
    assert world.vault.read("accounts", free) == 0


# clocks


@pytest.fixture
def called(world):
    """An account of ten eth that has a clock, and what it owes."""
    account = world.open([(0, 10 * WAD)], 14_000 * WAD, sub=1)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    assert world.account(account).auction_start == world.now + GRACE
    return account


@pytest.mark.covers("M11")
def test_a_called_source_keeps_its_clock_until_it_owes_nothing(world, called):
    start = world.account(called).auction_start
    world.give(world.owner, 2, 50_000 * 10**6)
    helper = world.open([(2, 50_000 * 10**6)], 0, sub=2)
    move(world, called, helper, [], 3_000 * WAD)
    assert world.account(called).auction_start == start
    # healthy again, but only `cure` or a passed initial check clears it
    assert world.debt(called) <= world.levels(called)[3]
    move(world, called, helper, [], 6_000 * WAD)
    assert world.account(called).auction_start == start
    move(world, called, helper, [], MAX)
    assert world.account(called).auction_start == 0
    assert world.account(helper).auction_start == 0
    check_books(world, [called, helper])


@pytest.mark.covers("M11")
def test_a_called_source_gives_nothing_away(world, called):
    helper = world.open([(2, 50_000 * 10**6)], 0, sub=2)
    start = world.account(called).auction_start
    for amount in (1, WAD, ALL):
        refused(world, "below initial margin", called, helper, [(0, amount)])
    # with so much of its debt that the initial level holds it may, and then needs no clock
    refused(world, "below initial margin", called, helper, [(0, WAD)], 2_000 * WAD)
    assert world.account(called).auction_start == start
    at = world.now + 10
    world.next_at(at)
    move(world, called, helper, [(0, WAD)], 8_000 * WAD)
    assert world.account(called).auction_start == 0
    assert world.account(called).touched_at == at
    assert world.debt(called) <= world.levels(called)[2]


def test_a_called_destination_keeps_its_clock_when_it_is_given_collateral(world, called):
    helper = world.open([(0, 10 * WAD), (2, 10**6)], 0, sub=2)
    start = world.account(called).auction_start
    move(world, helper, called, [(0, 10 * WAD), (2, 10**6)])  # far above the initial level
    assert world.account(called).auction_start == start
    assert world.debt(called) <= world.levels(called)[2]
    world.vault.transact("cure", called, sender=world.stranger)
    assert world.account(called).auction_start == 0


def test_a_called_destination_that_takes_debt_must_pass_and_is_cleared(world, called):
    source = world.open([(0, 10 * WAD)], 3_000 * WAD, sub=2)
    refused(world, "below initial margin", source, called, [], 1)
    refused(world, "below initial margin", source, called, [(0, WAD)], MAX)
    move(world, source, called, [(0, ALL)], MAX)
    assert world.account(called).auction_start == 0
    assert world.debt(called) <= world.levels(called)[2]


def test_a_full_cap_blocks_no_rescue_by_move(world, called):
    helper = world.open([(0, 10 * WAD)], 0, sub=2)
    for cap in (0, 1, 20 * WAD):
        world.vault.transact("set_cap", 0, cap, sender=world.governor)
        before = outside(world)
        move(world, helper, called, [(0, 3 * WAD)])
        assert outside(world) == before
    assert world.vault.read("deposited", 0) == 20 * WAD | 20 * WAD << 128


@pytest.mark.covers("M11")
def test_a_clock_cannot_be_dodged(world, called):
    """Debt that leaves a called account lands only where the initial level holds."""
    empty = world.id(world.owner, 2)
    refused(world, "below initial margin", called, empty, [(0, ALL)], MAX)
    refused(world, "below initial margin", called, empty, [], MAX)
    refused(world, "below initial margin", called, empty, [(0, 5 * WAD)], 7_000 * WAD)
    # a little debt moved to and fro moves neither clock nor the time of the last risk raised
    world.give(world.owner, 2, 50_000 * 10**6)
    helper = world.open([(2, 50_000 * 10**6)], 0, sub=3)
    before = world.account(called)
    move(world, called, helper, [], FLOOR)
    refused(world, "below initial margin", helper, called, [], MAX)
    after = world.account(called)
    assert (after.auction_start, after.touched_at) == (before.auction_start, before.touched_at)


def test_debt_moved_away_and_back_needs_the_initial_level(world, called):
    world.give(world.owner, 2, 50_000 * 10**6)
    helper = world.open([(2, 50_000 * 10**6)], 0, sub=3)
    move(world, called, helper, [], MAX)
    assert world.account(called).auction_start == 0
    refused(world, "below initial margin", helper, called, [], MAX)
    capacity = world.levels(called)[2]
    move(world, helper, called, [], capacity - 2)
    assert world.debt(called) <= capacity


# rounding


@pytest.fixture
def drifted(world):
    """Two accounts with debt at an index well away from one."""
    pair = [world.open([(0, 100 * WAD)], 30_000 * WAD, sub=sub) for sub in (0, 1)]
    world.forward(321 * 86_400 + 17)
    world.follow(2_000 * WAD, 40_000 * WAD, WAD)
    return world, pair


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(amount=st.one_of(st.integers(1, 10), st.integers(1, 40_000 * WAD), st.just(MAX)))
def test_rounding_is_never_in_favour_of_a_side(drifted, amount):
    world, (source, destination) = drifted
    with world.snapshot():
        at = world.now + 5
        index = live_index(world, at)
        old = [world.account(id).normalized_debt for id in (source, destination)]
        owed = [margin_math.debt_up(debt, index) for debt in old]
        world.next_at(at)
        move(world, source, destination, [], amount)
        new = [world.account(id).normalized_debt for id in (source, destination)]
        owes = [margin_math.debt_up(debt, index) for debt in new]
        moved = margin_math.repayment(amount, owed[0], FLOOR)
        assert sum(old) <= sum(new) <= sum(old) + 1
        assert sum(new) == world.vault.read("totals") % 2**112
        assert owes[0] >= owed[0] - moved
        assert owes[1] >= owed[1] + moved
        assert sum(owed) <= sum(owes) <= sum(owed) + 3
