# SPDX-License-Identifier: MIT
"""Order and time: rows M01-M12 of the catalogue, every move predicted by `surety.model`.

Ten ETH carry 5,100 coins at 680 (target), 637.5 (maintenance) and 600 (close-out) a token.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.deploy import BookParams
from tests.bad_inputs.ground import BTC, ETH, Ground
from tests.world import AT_RISK, CALLABLE, CALLED, HEALTHY, IN_AUCTION, MAX, WAD

GRACE, DURATION, COOL_DOWN = 3_600, 7_200, 86_400
DEBT, TIP = 5_100 * WAD, 5 * WAD
FREE, RISKY, LOW, LOWER = 700 * WAD, 650 * WAD, 630 * WAD, 590 * WAD
YEAR = 31_536_000


def opened(ground: Ground, debt: int = DEBT, sub: int = 0, coins: int = 40_000 * WAD) -> int:
    ground.world.give_coins(ground.world.keeper, coins)
    return ground.open([(ETH, 10 * WAD)], debt, sub=sub)


def called(ground: Ground, sub: int = 0) -> tuple[int, int]:
    """Open an account and call it for a grace; return it and the second at which it opens."""
    id = opened(ground, DEBT - TIP, sub)
    ground.world.follow(LOW)
    done = ground.act("margin_call", id)
    assert done.after.returned == TIP
    assert done.after.positions[id].auction_start == done.now + GRACE
    return id, done.now + GRACE


def take(ground: Ground, id: int, at: int | None = None, refused: str | None = None) -> None:
    args = (id, ETH, WAD // 100, MAX, ground.world.keeper, b"")
    ground.act("take", *args, at=at, refused=refused)


# M01


@pytest.mark.parametrize(
    ("fresh_for", "after", "grace"),
    [
        pytest.param(60, 60, 0, id="M01-fresh-for-a-minute"),
        # 1.7 % a second: after four 2,000 are 1,866, of which maintenance is 14,926
        pytest.param(0, 4, GRACE, id="M01-asked-each-second"),
    ],
)
def test_opened_and_called_in_one_block(fresh_for, after, grace):
    """The price that an account was opened at is that of its block, whatever its feed says since.

    What was opened at the limit is called in a later one, when the hub has asked again.
    """
    ground = Ground(fresh_for=fresh_for)
    world = ground.world
    world.give_coins(world.keeper, 40_000 * WAD)
    world.give(world.owner, ETH, 10 * WAD)
    world.forward(61)
    id = world.id(world.owner)
    ground.ids.append(id)
    args = (id, [(ETH, 10 * WAD)], 15_000 * WAD, world.owner, b"")
    at = ground.act("adjust", *args, sender=world.owner).now
    world.next_at(at)
    world.set_price(ETH, 1_700 * WAD)
    world.next_at(at)
    world.hub.transact("poke", 1, sender=world.keeper)
    ground.act("margin_call", id, at=at, refused="account is covered")
    take(ground, id, at, refused="not in auction")
    later = at + after
    ground.act("margin_call", id, at=later - 1, refused="account is covered")
    ground.act("margin_call", id, at=later)
    assert world.account(id).auction_start == later + grace
    take(ground, id, later, refused="not in auction" if grace else None)


@pytest.mark.covers("M01")
def test_opened_called_and_sold_in_one_transaction():
    """All by one contract: the price moves in the middle, and its account has no clock after it."""
    ground = Ground()
    world = ground.world
    actor = ground.new("MockActor")
    ground.watch(actor.address)
    world.give(actor.address, ETH, 10 * WAD)
    world.forward(61)
    id = world.id(actor.address)
    ground.ids.append(id)
    vault, feed = world.vault, world.feeds[ETH]
    token = world.tokens[ETH]
    args = (id, [(ETH, 10 * WAD)], 15_000 * WAD, actor.address, b"")
    steps = [
        (token.address, token.encode("approve", vault.address, MAX)),
        (vault.address, vault.encode("adjust", *args)),
        (feed.address, feed.encode("set_answer", 1_000 * 10**8)),
        (world.hub.address, world.hub.encode("poke", 1)),
        # both skip what cannot be done, where a single call would undo all of it
        (vault.address, vault.encode("margin_calls", [id])),
        (vault.address, vault.encode("takes", [(id, ETH, WAD, MAX)], actor.address)),
    ]
    actor.transact("set_steps", steps, sender=world.keeper)
    ran = ground.node.run(world.keeper, actor.address, b"\x01\x02\x03\x04", world.now + 1)
    assert ran.reason is None
    assert (world.debt(id), world.account(id).auction_start) == (15_000 * WAD, 0)
    assert world.vault.read("balances", id, ETH) == 10 * WAD
    assert token.read("balanceOf", actor.address) == 0
    # a minute later the very same calls do what they say
    world.follow(1_000 * WAD)
    again = [
        (vault.address, vault.encode("margin_calls", [id])),
        (vault.address, vault.encode("takes", [(id, ETH, WAD, MAX)], actor.address)),
    ]
    actor.transact("set_steps", again, sender=world.keeper)
    assert ground.node.run(world.keeper, actor.address, b"\x01\x02\x03\x04", world.now + 1)
    assert world.account(id).auction_start == world.now
    assert token.read("balanceOf", actor.address) == WAD


# M02


@pytest.mark.covers("I32", "I37", "I40")
def test_every_deadline_on_both_sides():
    """A second before, at, and a second after: opening, closing, absorbing, cooling down."""
    ground = Ground()
    world = ground.world
    id, opens = called(ground)
    take(ground, id, ground.priced(LOW, opens - 1), refused="not in auction")
    assert ground.book().state(id, opens - 1) == CALLED
    assert ground.book().state(id, opens) == IN_AUCTION
    closes = opens + DURATION
    take(ground, id, opens)
    take(ground, id, ground.priced(LOW, closes))
    take(ground, id, closes + 1, refused="not in auction")
    assert ground.book().state(id, closes) == IN_AUCTION
    assert ground.book().state(id, closes + 1) == CALLABLE
    ground.act("absorb", id, at=closes + 1, refused="not absorbable")
    # below close-out it is to be absorbed, from the second after it closed for one duration
    end = closes + DURATION
    ground.act("margin_call", id, at=ground.priced(LOWER, end), refused="absorb instead")
    assert ground.book().state(id, end + 1) == CALLABLE
    ground.act("absorb", id, at=end + 1, refused="not absorbable")
    # within the cool-down the next auction begins at once, after it there is a grace again
    done = ground.act("margin_call", id, at=end + 1)
    assert done.after.positions[id].auction_start == end + 1
    ground.act("absorb", id, at=ground.priced(LOWER, end + 1 + DURATION), refused="not absorbable")
    ground.act("absorb", id, at=end + 2 + DURATION)
    assert world.debt(id) == 0


@pytest.mark.parametrize(
    ("late", "grace"),
    [
        pytest.param(0, 0, id="M02-cool-down-last-second"),
        pytest.param(1, GRACE, id="M02-cool-down-over"),
    ],
)
@pytest.mark.covers("I38")
def test_one_grace_until_the_cool_down_is_over(late, grace):
    ground = Ground()
    id, opens = called(ground)
    again = opens + DURATION + COOL_DOWN + late
    done = ground.act("margin_call", id, at=ground.priced(LOW, again))
    assert done.after.positions[id].auction_start == again + grace
    assert done.after.returned == (TIP if grace else 0)


# M03


@pytest.mark.parametrize(
    ("price", "state", "cured"),
    [
        pytest.param(FREE, HEALTHY, True, id="M03-to-the-target"),
        pytest.param(RISKY, AT_RISK, False, id="M03-to-maintenance"),
    ],
)
def test_a_price_that_is_back_at_the_deadline(price, state, cured):
    """The clock lies dormant: nothing is sold while it is covered, nobody gets a second grace."""
    ground = Ground()
    world = ground.world
    id, opens = called(ground)
    ground.priced(price, opens)
    assert ground.book().state(id, opens) == state
    take(ground, id, opens, refused="account is covered")
    ground.act("margin_call", id, at=opens, refused="account is covered")
    # it dips again: the clock has gone on
    take(ground, id, ground.priced(LOW, opens + 61))
    ground.priced(price, opens + 130)
    ground.act("cure", id, at=opens + 130)
    assert world.account(id).auction_start == (0 if cured else opens + 130)
    ground.priced(LOW, opens + 200)
    if cured:
        done = ground.act("margin_call", id, at=opens + 200)
        assert done.after.positions[id].auction_start == opens + 200 + GRACE
    else:
        ground.act("margin_call", id, at=opens + 200, refused="already called")
        take(ground, id, opens + 201)


# M04


@pytest.mark.covers("I38")
@pytest.mark.parametrize(
    ("fn", "args"),
    [
        pytest.param("repay", (1,), id="M04-repay-a-wei"),
        pytest.param("deposit", (ETH, 1), id="M04-deposit-a-wei"),
        pytest.param("adjust", ([(ETH, 1)], -1, "0x" + "11" * 20, b""), id="M04-both"),
    ],
)
def test_a_wei_again_and_again_moves_no_clock(fn, args):
    ground = Ground()
    world = ground.world
    world.give(world.keeper, ETH, 100)
    id, opens = called(ground)
    ground.priced(LOW, opens - 4)
    for at in range(opens - 4, opens):
        ground.act(fn, id, *args, at=at)
        ground.act("cure", id, at=at, refused="not curable")
        ground.act("margin_call", id, at=at, refused="already called")
    assert world.account(id).auction_start == opens
    take(ground, id, opens)


# M05


@pytest.mark.covers("I38", "I55", "M05")
def test_called_cured_and_called_in_one_block():
    """Two callers in a block are one call and one tip; a cure needs the target, not haste."""
    ground = Ground()
    world = ground.world
    id = opened(ground, DEBT - TIP)
    world.follow(LOW)
    before = world.coin.read("balanceOf", world.keeper)
    now = ground.act("margin_call", id).now
    ground.act("margin_call", id, sender=world.stranger, at=now, refused="already called")
    ground.act("cure", id, at=now, refused="not curable")
    assert ground.act("margin_calls", [id, id], at=now).after.returned == 0
    assert world.coin.read("balanceOf", world.keeper) == before + TIP
    assert world.account(id).auction_start == now + GRACE
    # what is repaid to the target is cured, and then there is nobody to call
    ground.act("repay", id, 500 * WAD, at=now)
    ground.act("cure", id, at=now)
    ground.act("margin_call", id, at=now, refused="account is covered")
    assert world.account(id).auction_start == 0


# M06, M07


@pytest.mark.parametrize(
    "gap", [pytest.param(gap, id=f"M06-{gap}-seconds-a-block") for gap in (0, 1, 12, 3_600)]
)
@pytest.mark.covers("I20", "I58")
def test_blocks_of_any_length(gap):
    """The same life in blocks that share a second, or are an hour apart: nothing divides by time.

    Whatever is refused is refused by name, and as the model says.
    """
    ground = Ground(book=BookParams())
    world, owner = ground.world, ground.world.owner
    id, other = opened(ground), opened(ground, 2_000 * WAD, 1)
    moves = [
        ("accrue", ()),
        ("borrow", (other, WAD, owner)),
        ("repay", (other, WAD)),
        ("margin_call", (id,)),
        ("take", (id, ETH, WAD // 10, MAX, owner, b"")),
        ("cure", (id,)),
        ("take", (id, ETH, WAD // 10, MAX, owner, b"")),
        ("absorb", (id,)),
        ("margin_calls", ([id, other],)),
        ("withdraw", (other, ETH, 1, owner)),
        ("accrue", ()),
        ("repay", (id, MAX)),
        ("repay", (other, MAX)),
    ]
    world.follow(LOWER)
    world.coin.transact("transfer", owner, 20_000 * WAD, sender=world.keeper)
    first = ground.book().accrued_at
    done, index, written_at = 0, 0, first
    for fn, args in moves:
        reason = ground.outcome(fn, *args, sender=owner, at=ground.now + gap)
        assert reason != ""
        done += reason is None
        live, at = world.vault.read("live_index"), ground.book().accrued_at
        assert live >= index
        assert written_at <= at <= ground.now
        index, written_at = live, at
    assert first < written_at
    assert done >= 9
    assert (world.debt(id), world.debt(other)) == (0, 0)


@pytest.mark.parametrize(
    "years", [pytest.param(years, id=f"M07-{years}-years") for years in (1, 100, 1_000, 30_000)]
)
@pytest.mark.covers("N08", "I19")
def test_a_chain_that_stands_still_for_years(years):
    """Afterwards debts are repaid, collateral is withdrawn, and who sank is called and sold."""
    ground = Ground(book=replace(BookParams(), ceiling=2**119))
    world, owner = ground.world, ground.world.owner
    solvent = ground.open([(ETH, 10 * WAD)], 2_000 * WAD)
    free = ground.open([(ETH, WAD)], 0, sub=1)
    world.forward(years * YEAR)
    world.set_price(ETH, 2_000 * WAD)
    # what is owed by now nobody has borrowed
    world.coin.transact("set_ceiling", world.governor, 2**119, sender=world.governor)
    world.coin.transact("mint", owner, 2**118, sender=world.governor)
    ground.act("withdraw", free, ETH, MAX, owner, sender=owner)
    owed = world.debt(solvent)
    assert owed > 2_000 * WAD * (1 + years // 20)
    grown = ground.outcome("margin_call", solvent)
    assert grown == ("account is covered" if years == 1 else None)
    if years > 1:
        ground.act("take", solvent, ETH, WAD, MAX, owner, b"", sender=owner)
    ground.act("repay", solvent, MAX, sender=owner)
    ground.act("withdraw", solvent, ETH, MAX, owner, sender=owner)
    assert (world.debt(solvent), world.account(solvent).collateral_mask) == (0, 0)


# M08


@pytest.mark.parametrize(
    "together", [pytest.param(False, id="M08-two-calls"), pytest.param(True, id="M08-one-call")]
)
def test_a_sale_between_a_deposit_and_a_borrow(together):
    """In one `adjust` nobody comes between; in two a sale may, at most to the target."""
    ground = Ground()
    world, owner = ground.world, ground.world.owner
    id, opens = called(ground)
    world.give(owner, ETH, 4 * WAD)
    ground.priced(LOW, opens)
    if together:
        legs = [(ETH, 4 * WAD)]
        ground.act("adjust", id, legs, WAD, owner, b"", sender=owner, at=opens)
        take(ground, id, opens, refused="not in auction")
        assert world.account(id).auction_start == 0
        return
    # too little to be covered: what is sold is sold at the auction's price, and no further
    ground.act("deposit", id, ETH, WAD // 100, sender=owner, at=opens)
    sold = ground.act("take", id, ETH, MAX, MAX, world.keeper, b"", at=opens)
    levels = world.levels(id)
    assert sold.after.returned[0] < 10 * WAD
    assert levels[3] - 630 < levels[0] <= levels[3]  # to within a unit's worth
    ground.act("borrow", id, WAD, owner, sender=owner, refused="below initial margin")
    ground.act("deposit", id, ETH, 3 * WAD, sender=owner)
    ground.act("borrow", id, WAD, owner, sender=owner)


# M10


@pytest.mark.covers("A15", "I16", "I54", "I55")
@pytest.mark.parametrize("elapsed", [0, 3_600, DURATION])
@pytest.mark.parametrize(
    ("price", "is_whole"),
    [
        pytest.param(LOW, True, id="M10-below-maintenance"),
        pytest.param(LOWER, True, id="M10-below-close-out"),
        # 98 % of its collateral: whole at the start of an auction, not at the end
        pytest.param(520 * WAD, False, id="M10-hardly-covered"),
    ],
)
def test_nobody_gains_by_calling_and_buying_himself(price, is_whole, elapsed):
    """At a still price tip, discount and penalty of one's own account cost the penalty.

    What an owner has is coins, tokens and the collateral at `hi`, less the debt. It grows by
    nothing but bad debt, which is what the price that everybody was offered did not cover.
    """
    ground = Ground()
    world, owner = ground.world, ground.world.owner
    id = opened(ground)
    world.coin.transact("transfer", owner, 20_000 * WAD, sender=world.keeper)
    world.follow(price)

    def wealth() -> int:
        assert world.price(ETH) == price
        tokens = world.tokens[ETH].read("balanceOf", owner) + world.vault.read("balances", id, ETH)
        return world.coin.read("balanceOf", owner) + tokens * price // WAD - world.debt(id)

    before = wealth()
    ground.act("margin_call", id, sender=owner)
    assert wealth() == before  # a tip is owed by who gets it
    opens, lost = world.account(id).auction_start, 0
    for amount in (WAD // 10, MAX):
        before = wealth()
        at = min(ground.priced(price, max(opens + elapsed, ground.now)), opens + DURATION)
        args = (id, ETH, amount, MAX, owner, b"")
        done = ground.act("take", *args, sender=owner, at=at)
        taken = done.log("Taken")
        lost = sum(log["amount"] for name, log in done.logs if name == "BadDebt")
        fined = taken["cost"] - taken["debt_repaid"]
        assert 0 <= fined <= taken["debt_repaid"] * 5 // 100 + 1
        assert -2 <= wealth() - before - lost + fined <= 0
    assert (lost > 0) == (not is_whole and elapsed > 0)


# M12


@pytest.mark.parametrize(
    "days",
    [
        pytest.param(1, id="M12-a-day"),
        pytest.param(6, id="M12-nearly-a-week"),
        pytest.param(None, id="M12-until-it-ends-by-itself"),
    ],
)
def test_a_pause_of_takes_during_a_call(days):
    """Whoever was called, or in auction, has a grace after it: nobody is sold at the unpausing."""
    ground = Ground()
    world = ground.world
    waiting, opens = called(ground)
    running = ground.open([(ETH, 10 * WAD)], 4_720 * WAD, sub=1)
    world.follow(540 * WAD)
    ground.act("margin_call", running)
    assert world.account(running).auction_start == ground.now
    begun = ground.act("set_pauses", 8, sender=world.governor).now
    for id in (waiting, running):
        take(ground, id, refused="taking paused")
    if days is None:
        resumed = begun + 7 * 86_400 + GRACE
    else:
        world.forward(days * 86_400)
        resumed = ground.act("set_pauses", 0, sender=world.governor).now + GRACE
    assert resumed > opens
    first = ground.priced(540 * WAD, resumed - 1)
    for id in (waiting, running):
        why = "taking paused" if days is None else "not in auction"
        take(ground, id, first, refused=why)
        ground.act("absorb", id, at=first, refused=why if days is None else "not absorbable")
    ground.priced(540 * WAD, resumed)
    for id in (waiting, running):
        take(ground, id, resumed)
        assert ground.book().state(id, resumed + DURATION) == IN_AUCTION


@pytest.mark.covers("M11")
def test_nothing_is_moved_out_of_a_called_account():
    """Collateral leaves to the initial level only, debt to an account that bears it."""
    ground = Ground()
    world, owner = ground.world, ground.world.owner
    id, opens = called(ground)
    empty = world.id(owner, 9)
    ground.ids.append(empty)
    rich = ground.open([(BTC, 10**8)], 0, sub=8)
    for second in (ground.now + 1, opens):
        at = ground.priced(LOW, second)
        below = "below initial margin"
        ground.act("move", id, empty, [(ETH, 1)], 0, sender=owner, at=at, refused=below)
        ground.act("move", id, rich, [(ETH, WAD)], 1, sender=owner, at=at, refused=below)
        ground.act("move", id, empty, [], MAX, sender=owner, at=at, refused=below)
    assert world.account(id).auction_start == opens
    # to one that bears it debt goes, and what is left owes nothing
    ground.act("move", id, rich, [], MAX, sender=owner)
    assert (world.debt(id), world.account(id).auction_start) == (0, 0)
