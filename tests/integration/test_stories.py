# SPDX-License-Identifier: MIT
"""Lives of positions, told step by step, with the exact sums at their end.

Every move is also predicted by surety.model; the numbers written here are worked out
by hand from the specification. Levels are 75, 80 and 85 %; the penalty is 5 %, the grace an hour,
the auction two hours from 101 % down to 88 % of the price.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest

from surety.chain import Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import LOCAL_KINDS, BookParams, SystemParams, local_kinds
from tests.book import Stage
from tests.world import (
    ABSORBABLE,
    AT_RISK,
    CALLED,
    EMPTY,
    GENESIS,
    HEALTHY,
    IN_AUCTION,
    MAX,
    RAY,
    WAD,
    Anvil,
    World,
    check_books,
)

ETH, BTC, STABLE = range(3)
YEAR = 365 * 86_400
GRACE, DURATION = 3_600, 7_200
TIP = 5 * WAD


@pytest.fixture(scope="module")
def chain() -> Iterator[Rpc]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield Rpc(node.url)


def tell(chain: Rpc, rate: int) -> Iterator[Stage]:
    taken = chain.snapshot()
    sender = UnlockedSender(chain, chain.call("eth_accounts")[0])
    kinds = local_kinds(sender, LOCAL_KINDS)
    yield Stage(World(chain, SystemParams(kinds=kinds, book=replace(BookParams(), rate=rate))))
    chain.revert(taken)


@pytest.fixture
def stage(chain: Rpc) -> Iterator[Stage]:
    """A book without interest: every sum can be checked with pencil and paper."""
    yield from tell(chain, 0)


@pytest.fixture
def accruing(chain: Rpc) -> Iterator[Stage]:
    """A book at five percent a year."""
    yield from tell(chain, BookParams().rate)


def prices(stage: Stage, now: int, *new: int) -> None:
    """Let these prices hold at `now`."""
    stage.world.next_at(now - 80)
    for kind, price in enumerate(new):
        stage.world.set_price(kind, price)


def end(stage: Stage) -> None:
    """Close a story: the sums of the book hold."""
    check_books(stage.world, stage.ids)


def test_borrows_and_repays_after_a_year(accruing):
    stage, world = accruing, accruing.world
    id = stage.open([(ETH, 10 * WAD)], 10_000 * WAD)
    opened = world.now
    index = stage.book().live_index(opened)
    world.give_coins(world.stranger, 2_000 * WAD)
    world.coin.transact("transfer", world.owner, 1_000 * WAD, sender=world.stranger)
    world.next_at(opened + YEAR - 100)
    world.set_price(ETH, 2_000 * WAD)  # no price is needed to repay or to withdraw without debt

    done = stage.act("repay", id, MAX, sender=world.owner, at=opened + YEAR)
    paid = done.after.returned
    # 5 % compounding by the second, on 10,000: 10,512.71096, in one step as in many
    assert 105_127_109 * WAD // 10_000 <= paid <= 105_127_110 * WAD // 10_000
    normalized = ceil(Fraction(10_000 * WAD * RAY, index))
    assert paid == ceil(Fraction(normalized * done.after.live_index(done.now), RAY))
    done = stage.act("withdraw", id, ETH, MAX, world.owner, sender=world.owner)

    assert world.state(id) == EMPTY
    assert done.after.held[ETH, stage.people[0]] == 10 * WAD
    assert done.after.coin.balances[stage.people[0]] == 11_000 * WAD - paid
    # what was paid above what was borrowed is equity; the other account's interest is too
    owed = done.after.debt(stage.ids[0], done.now)
    supply = 10_000 * WAD + 2_000 * WAD - paid
    assert done.after.coin.supply == supply
    assert done.after.equity(done.now) - (owed - supply) in (-1, 0)
    end(stage)


def test_called_tops_up_in_time_and_cures(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD)], 14_000 * WAD)
    prices(stage, world.now + 200, 1_700 * WAD)
    done = stage.act("margin_call", id, at=world.now + 100)  # 14,000 is above 13,600
    opens = done.now + GRACE
    assert world.state(id) == CALLED
    assert world.debt(id) == 14_005 * WAD

    world.give(world.owner, ETH, WAD)
    stage.act("deposit", id, ETH, WAD, sender=world.owner, at=opens - 1_000)
    assert world.state(id) == HEALTHY  # 75 % of 18,700 is 14,025
    stage.act("cure", id, sender=world.stranger, at=opens - 1)
    prices(stage, opens + 500, 1_590 * WAD)  # a new call would be a new episode
    done = stage.act("margin_call", id, at=opens + 500 - 1)

    assert done.after.positions[id].auction_start == done.now + GRACE
    assert world.debt(id) == 14_010 * WAD
    assert done.after.positions[id].balances == {ETH: 11 * WAD}
    assert done.after.coin.balances[stage.people[2]] == 2 * TIP
    end(stage)


def test_called_does_nothing_is_sold_to_the_target_and_keeps_the_rest(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD)], 13_995 * WAD)
    world.give_coins(world.keeper, 20_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_700 * WAD)
    opens = stage.act("margin_call", id, at=now).now + GRACE
    assert world.debt(id) == 14_000 * WAD
    stage.act("take", id, ETH, MAX, MAX, world.keeper, b"", at=opens - 1, refused="not in auction")

    # a third into the auction the price is 101 % - 13 % / 3, rounded up to a basis point
    done = stage.act("take", id, ETH, MAX, MAX, world.keeper, b"", at=opens + 2_400)
    factor = 10_100 - 1_300 // 3
    worth = ceil(Fraction(1_250 * WAD * 10_000 * 10_500, factor * 10_000 - 7_500 * 10_500))
    sold = ceil(Fraction(worth, 1_700))
    cost = ceil(Fraction(sold * 1_700 * factor, 10_000))
    repaid = cost * 10_000 // 10_500
    assert (factor, done.after.returned) == (9_667, (sold, cost))
    assert sold == 4_308_363_970_588_235_295  # of ten
    position = done.after.positions[id]
    assert (position.normalized_debt, position.auction_start) == (14_000 * WAD - repaid, 0)
    assert world.state(id) == HEALTHY

    # the rest stays the owner's, and the penalty the book's
    assert position.balances[ETH] == 10 * WAD - sold
    assert done.after.held[ETH, stage.people[2]] == sold
    assert done.after.equity(done.now) == cost - repaid
    assert done.after.coin.balances[stage.people[2]] == 20_000 * WAD + TIP - cost
    end(stage)


def test_crash_through_close_out_is_an_immediate_auction(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD)], 14_000 * WAD)
    world.give_coins(world.keeper, 20_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_600 * WAD)  # close-out is at 13,600
    done = stage.act("margin_call", id, at=now)
    assert done.log("MarginCalled") == {
        "account": id,
        "auction_start": now,
        "caller": stage.people[2],
        "tip": 0,
    }
    assert world.state(id) == IN_AUCTION

    done = stage.act("take", id, ETH, MAX, MAX, world.keeper, b"", at=now + 1)
    # at 101 % a sale of x lowers the debt by x * 101 / 105 and the target by x * 75 / 100
    worth = ceil(Fraction(2_000 * WAD * 10_000 * 10_500, 10_100 * 10_000 - 7_500 * 10_500))
    sold = ceil(Fraction(worth, 1_600))
    cost = ceil(Fraction(sold * 1_616, 1))
    assert done.after.returned == (sold, cost)
    assert done.after.positions[id].normalized_debt == 14_000 * WAD - cost * 10_000 // 10_500
    assert done.after.positions[id].balances[ETH] == 10 * WAD - sold
    assert done.after.equity(done.now) == cost - cost * 10_000 // 10_500 > 0
    end(stage)


def test_nobody_bids_it_is_absorbed_and_the_fund_collects(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD), (STABLE, 1_000 * 10**6)], 15_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_600 * WAD, 40_000 * WAD, WAD)
    closes = stage.act("margin_call", id, at=now).now + DURATION
    stage.act("absorb", id, at=closes, refused="not absorbable")
    done = stage.act("absorb", id, sender=world.stranger, at=closes + 1)

    # at the end factors 16,000 * 88 % + 1,000 * 96.5 % = 15,045 cover the debt, not the penalty
    assert done.log("Absorbed") == {"account": id, "debt": 15_000 * WAD, "shortfall": 0}
    assert world.state(id) == EMPTY
    assert list(done.after.absorbed.values()) == [10 * WAD, 0, 1_000 * 10**6]
    for kind in (ETH, STABLE):
        world.fund.transact("collect", world.vault.address, kind, sender=world.stranger)
    book = stage.book()
    assert book.held[ETH, stage.people[4]] == 10 * WAD
    assert book.held[STABLE, stage.people[4]] == 1_000 * 10**6
    assert list(book.deposited.values()) == [0, 0, 0]
    # until it is sold, absorbed collateral counts nothing
    assert world.fund.read("equity") == (0, 15_000 * WAD)
    assert book.coin.balances[stage.people[0]] == 15_000 * WAD  # the owner keeps what was borrowed
    end(stage)


def test_cross_margin_one_kind_has_failed_and_another_is_sold(stage):
    world = stage.world
    world.give_coins(world.keeper, 30_000 * WAD)
    id = stage.open([(ETH, 5 * WAD), (BTC, 5 * 10**7)], 22_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_100 * WAD, 40_000 * WAD)
    # 25,500 * 85 % = 21,675
    stage.act("margin_call", id, at=now)
    world.feeds[ETH].transact("set_reverts", True, sender=world.governor)
    world.forward(60)
    stage.act("take", id, ETH, MAX, MAX, world.keeper, b"", refused="price failed")

    done = stage.act("take", id, BTC, 10**6, MAX, world.keeper, b"")
    taken = done.log("Taken")
    factor = 10_100 - 1_300 * (done.now - now) // 7_200
    assert taken["price"] == 4 * factor * WAD
    assert taken["cost"] == taken["price"] // 100
    # only what can be sold counts for the penalty: 20,000 are less than 22,000
    assert taken["debt_repaid"] == taken["cost"]
    position = done.after.positions[id]
    assert position.normalized_debt == 22_000 * WAD - taken["cost"]
    assert position.balances == {ETH: 5 * WAD, BTC: 49 * 10**6}
    # while the price is dead the account cannot be absorbed, but the owner can repay
    stage.act("absorb", id, at=now + DURATION + 1, refused="price failed")
    done = stage.act("repay", id, 10_000 * WAD, sender=world.owner)
    assert done.after.positions[id].normalized_debt == 12_000 * WAD - taken["cost"]
    world.feeds[ETH].transact("set_reverts", False, sender=world.governor)
    stage.act("cure", id)
    assert world.state(id) == HEALTHY
    end(stage)


def test_recovers_in_the_auction_the_discount_restarts_and_it_is_cured(stage):
    world = stage.world
    world.give_coins(world.keeper, 20_000 * WAD)
    id = stage.open([(ETH, 10 * WAD)], 13_995 * WAD)
    now = world.now + 100
    prices(stage, now, 1_700 * WAD)
    opens = stage.act("margin_call", id, at=now).now + GRACE
    # deep in the auction the price comes back to where the debt is just covered
    now = opens + 7_000
    prices(stage, now, 1_750 * WAD)
    assert stage.act(
        "take", id, ETH, 1, MAX, world.keeper, b"", at=now - 1, refused="account is covered"
    )
    done = stage.act("cure", id, sender=world.stranger, at=now)
    assert done.log("Cured") == {"account": id, "auction_start": now}
    assert world.state(id) == AT_RISK
    # it falls again: whoever takes now pays the dear price of a young auction, not the old discount
    prices(stage, now + 720, 1_740 * WAD)
    done = stage.act("take", id, ETH, WAD // 10, MAX, world.keeper, b"", at=now + 720)
    assert done.log("Taken")["price"] == 1_740 * WAD * 9_970 // 10_000
    # and rises for good
    prices(stage, now + 2_000, 1_900 * WAD)
    done = stage.act("cure", id, sender=world.stranger, at=now + 2_000)
    assert done.log("Cured") == {"account": id, "auction_start": 0}
    assert world.state(id) == HEALTHY
    cost = 173_478 * WAD // 1_000
    repaid = cost * 10_000 // 10_500
    assert done.after.positions[id].normalized_debt == 14_000 * WAD - repaid
    assert done.after.equity(done.now) == cost - repaid
    end(stage)


def test_insolvent_is_bad_debt_and_negative_equity_and_is_recapitalised(stage):
    world = stage.world
    world.give_coins(world.keeper, 20_000 * WAD)
    world.give_coins(world.stranger, 5_000 * WAD)
    id = stage.open([(ETH, 10 * WAD)], 15_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_300 * WAD)
    stage.act("margin_call", id, at=now)
    done = stage.act("take", id, ETH, MAX, MAX, world.keeper, b"", at=now + 3_600)
    # half way: 94.5 % of 13,000 = 12,285, all of it against the debt, none of it a penalty
    assert done.after.returned == (10 * WAD, 12_285 * WAD)
    assert done.log("BadDebt") == {"account": id, "amount": 2_715 * WAD}
    assert world.state(id) == EMPTY
    assert world.fund.read("equity") == (0, 2_715 * WAD)

    world.fund.transact("recapitalise", 2_700 * WAD, sender=world.stranger)
    assert world.fund.read("equity") == (0, 15 * WAD)
    world.fund.transact("recapitalise", 20 * WAD, sender=world.stranger)
    assert world.fund.read("equity") == (5 * WAD, 0)
    assert world.coin.read("balanceOf", world.stranger) == 2_280 * WAD
    end(stage)


def test_keeper_with_a_callback_and_no_capital_sells_into_the_market(stage):
    world = stage.world
    sender = UnlockedSender(world.rpc, world.governor)

    def deploy(name, *args):
        return world.contract(name, deploy_contract(sender, artifact(name), *args))

    eth = world.system.kinds[ETH]
    market = deploy("MockMarket", world.coin.address, 100)
    market.transact("set_feed", eth.token, eth.oracle, sender=world.governor)
    world.give_coins(market.address, 50_000 * WAD)
    taker = deploy("MockTaker", world.vault.address, market.address)
    taker.transact("set_token", eth.token, sender=world.governor)
    id = stage.open([(ETH, 10 * WAD)], 14_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_700 * WAD)
    opens = now + GRACE
    world.next_at(now)
    taker.transact("margin_call", id, sender=world.keeper)
    assert world.coin.read("balanceOf", taker.address) == TIP
    assert world.account(id).auction_start == opens

    # 97.5 % of the price, resold at 99 %: a profit of 1.5 % of 1,700 for each token
    now = opens + 7_200 * 350 // 1_300 + 1
    world.next_at(now)
    receipt = taker.transact(
        "take", id, ETH, 2 * WAD, MAX, taker.address, b"\x01", sender=world.keeper
    )
    taken = world.event(receipt, "Taken")
    assert taken["price"] == 1_700 * WAD * 9_750 // 10_000
    assert taken["cost"] == 3_315 * WAD
    assert world.coin.read("balanceOf", taker.address) == TIP + 3_366 * WAD - 3_315 * WAD
    assert world.tokens[ETH].read("balanceOf", market.address) == 2 * WAD
    repaid = 3_315 * WAD * 10_000 // 10_500
    assert world.debt(id) == 14_005 * WAD - repaid
    assert world.fund.read("equity") == (3_315 * WAD - repaid, 0)
    assert world.state(id) == IN_AUCTION or world.state(id) == AT_RISK
    end(stage)


def test_below_close_out_without_a_bid_is_absorbable_for_one_duration_then_called_again(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD)], 14_000 * WAD)
    now = world.now + 100
    prices(stage, now, 1_600 * WAD)
    closes = stage.act("margin_call", id, at=now).now + DURATION
    world.next_at(closes + 1)
    world.rpc.mine()
    assert world.state(id) == ABSORBABLE
    stage.act("margin_call", id, refused="absorb instead")
    late = closes + DURATION + 1
    stage.act("absorb", id, at=late, refused="not absorbable")
    done = stage.act("margin_call", id)
    assert done.after.positions[id].auction_start == done.now  # no second grace, no second tip
    done = stage.act("absorb", id, at=done.now + DURATION + 1)
    assert done.log("Absorbed")["debt"] == 14_000 * WAD
    assert world.fund.read("equity") == (0, 14_000 * WAD)
    end(stage)


def test_a_keeper_calls_and_sells_a_whole_book_in_two_transactions(stage):
    """Forty accounts in a crash: one call for all, one purchase from all, one payment."""
    world = stage.world
    world.give_coins(world.keeper, 400_000 * WAD)
    ids = [stage.open([(ETH, 10 * WAD)], 14_000 * WAD, sub=sub) for sub in range(20)]
    ids += [stage.open([(ETH, 10 * WAD)], 13_000 * WAD, sub=sub) for sub in range(20, 40)]
    now = world.now + 100
    prices(stage, now, 1_600 * WAD)
    done = stage.act("margin_calls", ids, at=now)
    # 14,000 are above 85 % of 16,000: an auction now. 13,000 are above 80 %: a grace, and a tip
    assert done.after.returned == 2**40 - 1
    starts = [done.after.positions[id].auction_start for id in ids]
    assert starts == [now] * 20 + [now + GRACE] * 20
    assert done.after.coin.balances[stage.people[2]] == 400_000 * WAD + 20 * TIP

    # two coins each out of the auctions, at 101 %; whoever still has a grace is passed over
    orders = [(id, ETH, 2 * WAD, 1_616 * WAD) for id in (*ids[:20], *ids[20:32])]
    done = stage.act("takes", orders, world.keeper)
    cost = 2 * 1_616 * WAD
    assert done.after.returned == ([2 * WAD] * 20 + [0] * 12, 20 * cost)
    repaid = cost * 10_000 // 10_500
    for id in ids[:20]:
        assert done.after.positions[id].normalized_debt == 14_000 * WAD - repaid
    assert done.after.held[ETH, stage.people[2]] == 40 * WAD
    assert done.after.equity(done.now) == 20 * (cost - repaid)
    end(stage)
