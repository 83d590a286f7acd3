# SPDX-License-Identifier: MIT
"""The book and its owners: drawn by seed, able to open, never spending what they lack."""

from __future__ import annotations

import dataclasses

import pytest

from surety.demo.book import Holder, Remedy, Temper, make_book
from surety.demo.kinds import KINDS
from surety.demo.market import share_out
from surety.demo.owners import Asset, Purse, Rescue, plan_rescue, wakes_at
from surety.formulas import margin_math

WAD = 10**18
BPS = 10_000
PRICES = {0: 195 * WAD, 1: 7_900 * WAD, 2: WAD}
LTVS = {0: 7_500, 1: 7_500, 2: 8_800}
FLOOR = 2_000 * WAD


def book(seed=1, count=300):
    return make_book(seed, count, PRICES, LTVS, FLOOR)


def test_the_book_is_drawn_by_its_seed():
    assert book() == book()
    assert book() != book(seed=2)
    assert book(count=40) == book(count=41)[:40]


def test_every_account_can_be_opened():
    for holder in book():
        capacity = 0
        for number, amount in holder.holdings.items():
            value = margin_math.value_down(amount, PRICES[number], KINDS[number].decimals)
            capacity += margin_math.initial_capacity(value, LTVS[number], BPS, 0)
        assert FLOOR <= holder.debt <= capacity
        assert holder.account >> 8 == int(holder.owner, 16)
        assert holder.account >> 168 == 0
        assert set(holder.reserve) == set(holder.holdings)
        assert 0 < holder.kept < holder.debt


def test_the_book_is_mixed():
    holders = book()
    assert len({holder.account for holder in holders}) == len(holders)
    assert len({holder.owner for holder in holders}) < len(holders)
    assert {len(holder.holdings) for holder in holders} == {1, 2, 3}
    assert {holder.temper for holder in holders} == set(Temper)
    assert {holder.remedy for holder in holders} == set(Remedy)
    single = {next(iter(h.holdings)) for h in holders if not h.cross}
    assert single == {0, 1, 2}
    loans = [
        h.debt * BPS // sum(a * PRICES[n] // KINDS[n].unit for n, a in h.holdings.items())
        for h in holders
    ]
    assert min(loans) < 3_000
    assert sum(loan > 6_500 for loan in loans) > 30


def test_owners_sell_what_they_do_not_keep():
    holders = book(count=50)
    sold = share_out(holders, 100_000 * WAD)
    assert sum(to_keeper for _, to_keeper, _ in sold) == 100_000 * WAD
    for holder, to_keeper, to_market in sold:
        assert to_keeper + to_market + holder.kept == holder.debt
        assert to_market > 0


def holder(remedy=Remedy.BOTH, temper=Temper.PROMPT, kept=0, reserve=0) -> Holder:
    return Holder(1, "0x1", {0: 100 * WAD}, 10_000 * WAD, {0: reserve}, kept, temper, remedy)


ASSETS = [Asset(0, 120 * WAD, 7_500, WAD)]
DEBT, TARGET = 10_000 * WAD, 9_000 * WAD


def reaches(rescue: Rescue) -> bool:
    gained = sum(amount * 120 * 7_500 // BPS for _, amount in rescue.top_up)
    return DEBT - rescue.repay <= TARGET + gained


@pytest.mark.parametrize("remedy", list(Remedy))
def test_a_rescue_reaches_the_target_with_what_is_there(remedy):
    who = holder(remedy, kept=3_000 * WAD, reserve=30 * WAD)
    rescue = plan_rescue(who, Purse(who.reserve, who.kept), DEBT, TARGET, ASSETS, FLOOR)
    assert rescue is not None
    assert reaches(rescue)
    assert rescue.repay <= who.kept
    assert dict(rescue.top_up).get(0, 0) <= who.reserve[0]
    assert bool(rescue.repay) is (remedy is not Remedy.TOP_UP)
    assert bool(rescue.top_up) is (remedy is not Remedy.REPAY)


@pytest.mark.parametrize("remedy", list(Remedy))
def test_nobody_rescues_who_cannot_reach_the_target(remedy):
    who = holder(remedy, kept=200 * WAD, reserve=WAD)
    assert plan_rescue(who, Purse(who.reserve, who.kept), DEBT, TARGET, ASSETS, FLOOR) is None


def test_a_recovered_price_needs_nothing():
    who = holder()
    found = plan_rescue(who, Purse({}, 0), DEBT, DEBT, ASSETS, FLOOR)
    assert found == Rescue((), 0)


def test_a_repayment_never_leaves_dust():
    who = holder(Remedy.REPAY, kept=10**6 * WAD)
    for target in (0, 100 * WAD, 1_000 * WAD, 5_000 * WAD):
        rescue = plan_rescue(who, Purse({}, who.kept), DEBT, target, ASSETS, FLOOR)
        assert rescue is not None
        assert rescue.repay == DEBT or DEBT - rescue.repay >= FLOOR


def test_owners_wake_by_temper_and_seed():
    called, grace, duration = 1_000_000, 3_600, 7_200
    opens = called + grace
    early = wakes_at(holder(temper=Temper.PROMPT), called, opens, grace, duration, 1)
    assert early is not None
    assert called < early < opens
    assert early == wakes_at(holder(temper=Temper.PROMPT), called, opens, grace, duration, 1)
    late = wakes_at(holder(temper=Temper.LATE), called, opens, grace, duration, 1)
    assert late is not None
    assert opens - grace // 10 <= late <= opens + duration
    assert wakes_at(holder(temper=Temper.ABSENT), called, opens, grace, duration, 1) is None
    spread = {
        wakes_at(dataclasses.replace(holder(), account=n), called, opens, grace, duration, 1)
        for n in range(20)
    }
    assert len(spread) > 5
