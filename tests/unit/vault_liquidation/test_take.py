# SPDX-License-Identifier: MIT
"""take: how much may be bought, for how much, and what remains of the account."""

from fractions import Fraction
from math import ceil, floor

import pytest

from tests.book import FEED_SCALE
from tests.unit.vault_liquidation.moves import (
    AT_MAINTENANCE,
    BTC,
    DEBT,
    DURATION,
    ETH,
    FLOOR,
    GRACE,
    STABLE,
    UNIT,
    auction,
    call,
    open_eth,
    price_at,
    reprice,
)
from tests.world import HEALTHY, IN_AUCTION, MAX, WAD, reverts

RICH = 1_000_000 * WAD
PRICE = 590 * WAD
START = 10_100  # bps, one second into an auction: the fall is still below a basis point


@pytest.fixture(autouse=True)
def rich_keeper(request):
    """Let the keeper hold coins, borrowed while prices are high."""
    name = "any_stage" if "any_stage" in request.fixturenames else "stage"
    world = request.getfixturevalue(name).world
    world.give_coins(world.keeper, RICH)


def take(stage, id, kind=ETH, amount=MAX, **how):
    return stage.act("take", id, kind, amount, MAX, stage.world.keeper, b"", **how)


def levels_after(stage, done, id):
    return done.after.levels(id, done.now)


# the size


def test_take__to_the_target_by_hand(stage):
    called = auction(stage)
    done = take(stage, called.id)
    # selling x of value pays 101 %, of which the penalty keeps 5 %, and lowers the target by 75 %
    worth = ceil(Fraction(675 * WAD * 10_000 * 10_500, START * 10_000 - 7_500 * 10_500))
    sold = ceil(Fraction(worth * 10**18, PRICE))
    price = 5_959 * WAD // 10
    cost = ceil(Fraction(sold * price, 10**18))
    repaid = floor(Fraction(cost * 10_000, 10_500))
    assert (worth, sold) == (3_185_393_258_426_966_292_135, 5_398_971_624_452_485_241)
    assert done.after.returned == (sold, cost)
    position = done.after.positions[called.id]
    assert position.normalized_debt == DEBT - repaid
    assert position.balances == {ETH: 10 * WAD - sold}
    assert position.auction_start == 0
    assert done.logs == [
        (
            "AccountUpdated",
            {
                "account": called.id,
                "kind": ETH,
                "balance": 10 * WAD - sold,
                "word": position.word,
            },
        ),
        (
            "Taken",
            {
                "account": called.id,
                "kind": ETH,
                "buyer": stage.people[2],
                "amount": sold,
                "price": price,
                "cost": cost,
                "debt_repaid": repaid,
            },
        ),
    ]
    # the target is reached, and not by more than one unit of the token
    levels = levels_after(stage, done, called.id)
    assert levels.debt <= levels.target
    assert levels.target - levels.debt <= PRICE // 10**18 + 1
    assert stage.world.state(called.id) == HEALTHY


@pytest.mark.parametrize("elapsed", [0, 1, 5, 6, 3_600, 7_199, 7_200])
@pytest.mark.parametrize(
    ("kind", "amount", "debt", "low"),
    [
        (ETH, 100 * WAD, 51_000 * WAD, 630 * WAD),
        (BTC, 10**9, 250_000 * WAD, 30_864 * WAD),
        (STABLE, 300_000 * 10**6, 260_000 * WAD, 9_472 * WAD // 10_000),
    ],
    ids=["18-decimals", "8-decimals", "6-decimals"],
)
def test_take__to_the_target_at_any_time(any_stage, kind, amount, debt, low, elapsed):
    stage = any_stage
    id = stage.open([(kind, amount)], debt)
    prices = [2_000 * WAD, 40_000 * WAD, WAD]
    prices[kind] = low
    price_at(stage, *prices)
    start = stage.act("margin_call", id).now + GRACE
    done = take(stage, id, kind, at=start + elapsed)
    levels = levels_after(stage, done, id)
    one_unit = low // UNIT[kind] + 4
    assert levels.debt <= levels.target <= levels.debt + one_unit
    assert done.after.positions[id].auction_start == 0
    facts = stage.book().kinds[kind]
    factor = facts.start_factor - (facts.start_factor - facts.end_factor) * elapsed // DURATION
    assert done.log("Taken")["price"] == ceil(Fraction(low * factor, 10_000))


def test_take__part_leaves_the_auction_running(stage):
    called = auction(stage)
    done = take(stage, called.id, amount=WAD)
    assert done.after.returned == (WAD, 5_959 * WAD // 10)
    position = done.after.positions[called.id]
    assert position.normalized_debt == DEBT - 5_959 * WAD * 1_000 // 10_500
    assert position.auction_start == called.opens
    assert stage.world.state(called.id) == IN_AUCTION
    # slices sell no more than one sale: what is left to sell has shrunk by what was sold
    rest = take(stage, called.id)
    assert rest.after.returned[0] + WAD - 5_398_971_624_452_485_241 in range(3)


def test_take__a_single_unit(any_stage):
    stage = any_stage
    called = auction(stage)
    for _ in range(3):
        done = take(stage, called.id, amount=1)
        assert done.after.returned == (1, 596)  # 595.9 rounded up
        assert done.log("Taken")["debt_repaid"] == 567  # 596 / 1.05 rounded down


def test_take__the_whole_debt(stage):
    """A debt at the floor cannot be sold down: it is cleared when the buyer takes enough."""
    called = auction(stage, price=234 * WAD, debt=FLOOR)
    price = ceil(Fraction(234 * WAD * START, 10_000))
    owed = FLOOR * 105 // 100
    clear = ceil(Fraction(owed * 10**18, price))
    with stage.world.snapshot():
        take(stage, called.id, amount=clear - 1, refused="leaves dust")
    done = take(stage, called.id, amount=clear)
    assert done.after.returned == (clear, owed)
    position = done.after.positions[called.id]
    assert (position.normalized_debt, position.auction_start) == (0, 0)
    assert position.balances[ETH] == 10 * WAD - clear
    assert done.log("Taken")["debt_repaid"] == FLOOR


@pytest.mark.covers("A01", "A12", "I44")
def test_take__cuts_to_leave_exactly_the_floor(stage):
    called = auction(stage, price=259 * WAD, debt=2_230 * WAD)  # 2,201.5 is close-out
    # 4 ETH would repay 996: below the floor, and too little to clear
    done = take(stage, called.id, amount=4 * WAD)
    sold, cost = done.after.returned
    assert done.after.positions[called.id].normalized_debt >= FLOOR
    assert done.after.positions[called.id].normalized_debt - FLOOR <= 300
    assert sold < 4 * WAD
    assert abs(cost - 230 * WAD * 105 // 100) <= 300
    # at the floor a slice can only clear or leave dust
    take(stage, called.id, amount=4 * WAD, refused="leaves dust")
    done = take(stage, called.id)
    assert done.after.positions[called.id].normalized_debt == 0


def test_take_reverts_when_the_cut_leaves_nothing_to_sell(stage):
    """One satoshi is worth more than what the debt has above the floor."""
    id = stage.open([(BTC, 10**7)], FLOOR + 10**12)
    price_at(stage, 2_000 * WAD, 23_000 * WAD)
    stage.act("margin_call", id)
    take(stage, id, BTC, 10**6, refused="leaves dust")
    take(stage, id, BTC)


def test_take__the_whole_balance_may_leave_a_debt_below_the_floor(stage):
    id = stage.open([(ETH, 36 * WAD // 10), (BTC, 9 * 10**6)], 6_975 * WAD)
    price_at(stage, 1_480 * WAD, 27_000 * WAD)
    stage.act("margin_call", id)
    done = take(stage, id)
    position = done.after.positions[id]
    assert position.mask == 1 << BTC
    assert 0 < position.normalized_debt < FLOOR
    assert position.auction_start > 0
    # the rest can only be cleared, or sold as a whole
    take(stage, id, BTC, 10**6, refused="account is covered")
    price_at(stage, 1_480 * WAD, 22_000 * WAD)
    take(stage, id, BTC, 10**6, refused="leaves dust")
    done = take(stage, id, BTC)
    assert done.after.positions[id].normalized_debt == 0
    assert done.after.positions[id].balances[BTC] > 0


def test_take__two_kinds_at_the_floor_are_sold_when_one_is_needed_as_a_whole(stage):
    """Neither kind clears the debt and neither may be sold in part: they wait for a lower price."""
    world = stage.world
    id = stage.open([(ETH, WAD), (BTC, 5 * 10**6)], FLOOR)
    price_at(stage, 1_240 * WAD, 24_800 * WAD)
    opens = stage.act("margin_call", id).now + GRACE
    stage.act("repay", id, 10 * WAD, sender=world.owner)  # cut: it repays the tip
    for now in (opens, opens + 3_600):
        with world.snapshot():
            take(stage, id, ETH, at=now, refused="leaves dust")
            take(stage, id, BTC, refused="leaves dust")
    done = take(stage, id, ETH, at=opens + 6_300)
    assert done.after.positions[id].balance(ETH) == 0
    assert 0 < done.after.positions[id].normalized_debt < FLOOR


# the penalty


def test_take__waives_the_penalty_towards_insolvency(stage):
    called = auction(stage, price=520 * WAD)  # 5,200 * 1.01 = 5,252 for 5,100: 2.98 % are left
    done = take(stage, called.id, amount=WAD)
    cost = ceil(Fraction(520 * WAD * START, 10_000))
    assert done.after.returned == (WAD, cost)
    assert done.log("Taken")["debt_repaid"] == cost * 10_000 // 10_298


def test_take__no_penalty_from_an_insolvent_account(stage):
    called = auction(stage, price=500 * WAD)
    done = take(stage, called.id, amount=WAD)
    assert done.after.returned == (WAD, 505 * WAD)
    assert done.log("Taken")["debt_repaid"] == 505 * WAD


@pytest.mark.covers("A11", "I52")
def test_take__bad_debt_when_nothing_is_left(any_stage):
    stage = any_stage
    called = auction(stage, price=500 * WAD)
    equity = stage.world.fund.read("equity")
    done = take(stage, called.id)
    assert done.after.returned[0] == 10 * WAD
    position = done.after.positions[called.id]
    assert (position.normalized_debt, position.mask, position.auction_start) == (0, 0, 0)
    missing = done.log("BadDebt")["amount"]
    debt = done.before.debt(called.id, done.now)
    assert missing - (debt - 5_050 * WAD) in range(3)
    assert [name for name, _ in done.logs][-3:] == ["BadDebt", "AccountUpdated", "Taken"]
    # equity falls by what is missing, and nothing else
    change = done.after.equity(done.now) - done.before.equity(done.now)
    assert -missing - 2 <= change <= -missing + 2
    assert stage.world.fund.read("equity") != equity


def test_take__a_failed_kind_is_no_bad_debt_while_it_is_held(stage):
    world = stage.world
    id = stage.open([(ETH, 5 * WAD), (BTC, 10**7)], 9_000 * WAD)
    price_at(stage, 1_000 * WAD, 40_000 * WAD)
    stage.act("margin_call", id)
    world.feeds[BTC].transact("set_reverts", True, sender=world.governor)
    world.forward(60)
    done = take(stage, id)
    assert done.after.positions[id].balances == {BTC: 10**7}
    assert done.after.positions[id].normalized_debt > FLOOR
    assert "BadDebt" not in [name for name, _ in done.logs]


# cross accounts


@pytest.mark.parametrize("kind", [ETH, BTC, STABLE], ids=["eth", "btc", "stable"])
def test_take__of_a_cross_account_sells_the_kind_that_is_named(any_stage, kind):
    stage = any_stage
    id = stage.open([(ETH, 10 * WAD), (BTC, 5 * 10**7), (STABLE, 20_000 * 10**6)], 45_000 * WAD)
    price_at(stage, 1_500 * WAD, 30_000 * WAD, 98 * WAD // 100)
    stage.act("margin_call", id)
    done = take(stage, id, kind)
    before, after = done.before.positions[id], done.after.positions[id]
    for other in (ETH, BTC, STABLE):
        assert (after.balance(other) < before.balance(other)) == (other == kind)
    assert after.normalized_debt < before.normalized_debt
    assert done.after.held[kind, stage.people[2]] == done.after.returned[0]


@pytest.mark.covers("A04", "I36")
def test_take__of_a_failed_kind_is_refused_and_others_are_sold(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD), (BTC, 5 * 10**7)], 28_000 * WAD)
    price_at(stage, 1_200 * WAD, 40_000 * WAD)
    stage.act("margin_call", id)
    world.feeds[BTC].transact("set_reverts", True, sender=world.governor)
    world.forward(60)
    take(stage, id, BTC, refused="price failed")
    # the failed kind raises nothing, so the penalty is waived: 12,000 * 1.01 is below the debt
    done = take(stage, id, ETH, WAD)
    taken = done.log("Taken")
    assert taken["debt_repaid"] == taken["cost"] == taken["price"]
    world.feeds[BTC].transact("set_reverts", False, sender=world.governor)
    price_at(stage, 1_200 * WAD, 40_000 * WAD)
    take(stage, id, BTC, 10**6)


def test_take__touches_no_other_account_of_the_owner(stage):
    called = auction(stage)
    world = stage.world
    price_at(stage, 2_000 * WAD)
    other = open_eth(stage, sub=7)
    price_at(stage, 590 * WAD)
    done = take(stage, called.id)
    assert done.after.positions[other] == done.before.positions[other]
    assert world.account(other).auction_start == 0


# who, what, when


@pytest.mark.covers("A03", "I40", "I41")
def test_take__boundaries_of_the_auction(stage):
    called = call(stage)
    for now, reason in (
        (called.opens - 1, "not in auction"),
        (called.opens, None),
        (called.closes, None),
        (called.closes + 1, "not in auction"),
    ):
        with stage.world.snapshot():
            reprice(stage, now, 630 * WAD)
            done = take(stage, called.id, amount=WAD, at=now, refused=reason)
            if reason is None:
                factor = 10_100 if now == called.opens else 8_800
                assert done.log("Taken")["price"] == 630 * WAD * factor // 10_000


def test_take_reverts_without_a_clock(stage):
    id = open_eth(stage)
    price_at(stage, 590 * WAD)
    take(stage, id, refused="not in auction")


def test_take_reverts_when_the_debt_is_exactly_at_maintenance(stage):
    called = call(stage)
    now = called.opens
    with stage.world.snapshot():
        reprice(stage, now, AT_MAINTENANCE)
        take(stage, called.id, at=now, refused="account is covered")
    reprice(stage, now, AT_MAINTENANCE - FEED_SCALE)
    take(stage, called.id, at=now)


def test_take_reverts_when_every_slice_but_the_last_has_covered_it(stage):
    called = call(stage)
    now = called.opens
    reprice(stage, now, 630 * WAD)
    take(stage, called.id, amount=WAD, at=now)
    take(stage, called.id, amount=WAD, refused="account is covered")
    assert stage.world.account(called.id).auction_start == called.opens  # dormant


@pytest.mark.covers("A05")
def test_take__max_price(stage):
    called = auction(stage)
    keeper = stage.world.keeper
    price = 5_959 * WAD // 10
    for limit in (0, 1, price - 1):
        stage.act("take", called.id, ETH, WAD, limit, keeper, b"", refused="above max price")
    stage.act("take", called.id, ETH, WAD, price, keeper, b"")


def test_take_reverts_when_nothing_is_asked_for(stage):
    called = auction(stage)
    take(stage, called.id, amount=0, refused="zero amount")


def test_take_reverts_when_the_receiver_is_nobody_or_the_vault(stage):
    called = auction(stage)
    for receiver in ("0x" + "00" * 20, stage.world.vault.address):
        stage.act("take", called.id, ETH, WAD, MAX, receiver, b"", refused="bad receiver")


def test_take__pays_another_receiver(stage):
    called = auction(stage)
    world = stage.world
    done = stage.act("take", called.id, ETH, WAD, MAX, world.stranger, b"")
    assert done.after.held[ETH, stage.people[3]] == WAD
    assert done.after.held[ETH, stage.people[2]] == 0


@pytest.mark.parametrize("kind", [BTC, 3, 31, 32, 255, 256, 2**255, MAX])
def test_take_reverts_when_the_kind_is_not_in_the_account(stage, kind):
    called = auction(stage)
    take(stage, called.id, kind, refused="kind not enabled")


def test_take_reverts_when_the_account_is_unknown(stage):
    take(stage, 2**168, refused="unknown account")
    empty = stage.world.id(stage.world.stranger)
    stage.ids.append(empty)
    take(stage, empty, refused="kind not enabled")


def test_take_reverts_when_the_caller_cannot_pay(stage):
    called = auction(stage)
    world = stage.world
    world.coin.transact("transfer", world.other, RICH - 595 * WAD, sender=world.keeper)
    take(stage, called.id, amount=WAD, refused="amount exceeds balance")
    assert world.tokens[ETH].read("balanceOf", world.keeper) == 0


@pytest.mark.covers("A15")
def test_take__by_the_owner(stage):
    """The owner may buy their own collateral, at the price of everybody."""
    called = auction(stage)
    world = stage.world
    done = stage.act("take", called.id, ETH, WAD, MAX, world.owner, b"", sender=world.owner)
    assert done.after.coin.balances[stage.people[0]] == DEBT - 5_959 * WAD // 10
    assert done.after.held[ETH, stage.people[0]] == WAD


def test_take_reverts_when_taking_is_paused(stage):
    called = auction(stage)
    world = stage.world
    world.vault.transact("set_pauses", 7, sender=world.governor)
    take(stage, called.id, amount=WAD)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    take(stage, called.id, amount=WAD, refused="taking paused")


def test_take__a_pause_holds_every_clock(stage):
    """No clock runs out while nobody could buy; everybody gets a grace when takes resume."""
    called = auction(stage)
    world = stage.world
    world.vault.transact("set_pauses", 8, sender=world.governor)
    paused_at = world.now
    assert stage.book().take_resumes_at == paused_at + 7 * 86_400 + GRACE
    world.forward(3 * 86_400)
    price_at(stage, 590 * WAD)
    assert world.state(called.id) == 4  # CALLED
    world.vault.transact("set_pauses", 0, sender=world.governor)
    resumes = world.now + GRACE
    assert stage.book().take_resumes_at == resumes
    for now, reason in (
        (resumes - 1, "not in auction"),
        (resumes, None),
        (resumes + DURATION, None),
        (resumes + DURATION + 1, "not in auction"),
    ):
        with world.snapshot():
            reprice(stage, now, 590 * WAD)
            done = take(stage, called.id, amount=WAD, at=now, refused=reason)
            if now == resumes:
                assert done.log("Taken")["price"] == 5_959 * WAD // 10  # the discount starts anew
    with world.snapshot():
        now = resumes + DURATION + 1
        reprice(stage, now, 590 * WAD)
        stage.act("absorb", called.id, at=now)


def test_take__pausing_twice_does_not_hold_longer(stage):
    world = stage.world
    world.vault.transact("set_pauses", 8, sender=world.governor)
    until = stage.book().take_resumes_at
    world.forward(1_000)
    world.vault.transact("set_pauses", 9, sender=world.governor)
    assert stage.book().take_resumes_at == until


def test_take__never_raises_what_is_missing_to_maintenance(any_stage):
    """By hundred slices of every size, to the wei that roundings of one take may cost."""
    stage = any_stage
    called = auction(stage)
    for step in range(40):
        before = stage.levels(called.id)
        if before.debt <= before.maintenance:
            break
        amount = 10 ** (step % 19)
        done = take(stage, called.id, amount=min(amount, WAD // 10))
        at = done.now
        was, now = done.before.levels(called.id, at), done.after.levels(called.id, at)
        assert now.debt - now.maintenance <= was.debt - was.maintenance + 2
    assert step > 15


# tokens that misbehave


def test_take_reverts_when_the_token_does_not_move(stage):
    world = stage.world
    called = auction(stage)
    # the token's balances are gone: a broken token blocks its own sale, and nothing else
    world.tokens[ETH].transact(
        "burn",
        world.vault.address,
        world.tokens[ETH].read("balanceOf", world.vault.address),
        sender=world.governor,
    )
    with reverts(""):
        world.vault.transact(
            "take", called.id, ETH, WAD, MAX, world.keeper, b"", sender=world.keeper
        )
    assert stage.book().positions[called.id].balances[ETH] == 10 * WAD
