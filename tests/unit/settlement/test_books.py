# SPDX-License-Identifier: MIT
"""Two books over one coin: who carries a deficit, and what cannot change that."""

from __future__ import annotations

import pytest

from tests.unit.settlement.rig import (
    ALICE,
    BOB,
    BOOK,
    CAROL,
    GOVERNOR,
    KEEPER,
    WEEK,
    YEAR,
    ZERO,
    A,
    B,
    Rig,
)
from tests.world import MAX, WAD

ETH = 0
DURATION = BOOK.auction_duration
GRACE = BOOK.grace_period


def open_account(rig: Rig, at: int, ether: int, debt: int, book: int) -> None:
    who = rig.owners[at // 2]
    rig.vault("deposit", rig.ids[at], ETH, ether * WAD, by=who, book=book)
    rig.vault("borrow", rig.ids[at], debt * WAD, who, by=who, book=book)


def settle_all(rig: Rig, book: int) -> None:
    rig.act("shutdown", by=GOVERNOR, book=book)
    rig.wait(WEEK)
    rig.act("settles", rig.ids, by=KEEPER, book=book)


def absorb(rig: Rig, at: int, book: int) -> None:
    rig.vault("margin_call", rig.ids[at], by=KEEPER, book=book)
    rig.wait(DURATION + GRACE + 1)
    rig.vault("absorb", rig.ids[at], by=KEEPER, book=book)


@pytest.fixture
def lossy(rig):
    """Alice is good for 10,000 in A; Bob was for 15,000 in B, before ether fell to 1,600 and
    his collateral was absorbed, which counts nothing until the fund has sold it; so does Carol's
    30,000 in B stand, against a fortune."""
    open_account(rig, 0, 10, 10_000, A)
    open_account(rig, 2, 10, 15_000, B)
    open_account(rig, 4, 1_000, 30_000, B)
    rig.price(ETH, 1_600 * WAD)
    absorb(rig, 2, B)
    assert rig.equity() == -15_000 * WAD
    return rig


def test_a_deficit_that_comes_from_a_living_book_is_shared_by_the_claims(lossy):
    """25,000 coins share what is worth 10,000; the 30,000 that the living book needs are left."""
    rig = lossy
    settle_all(rig, A)
    assert rig.read("backing_of") == 10_000 * WAD
    rig.act("open_redemption")
    assert rig.read("claims_of") == 25_000 * WAD
    rig.act("redeem", 10_000 * WAD, ALICE, by=ALICE)
    assert rig.equity() == -9_000 * WAD
    # the redemption has made nobody's coin worth less: 10,000 were backed by 4,000 of the pool
    supply, owed = rig.coin.read("totalSupply"), rig.vaults[B].read("total_debt")
    assert (supply, owed + rig.read("backing_of")) == (45_000 * WAD, 36_000 * WAD)
    rig.act("redeem", 15_000 * WAD, BOB, by=BOB)
    assert (rig.read("claims_of"), rig.read("backing_of"), rig.equity()) == (0, 0, 0)
    assert rig.coin.read("totalSupply") == rig.vaults[B].read("total_debt") == 30_000 * WAD


def test_only_the_pool_that_is_open_pays(lossy):
    rig = lossy
    settle_all(rig, A)
    rig.act("open_redemption")
    rig.act("redeem", WAD, ALICE, by=ALICE, book=B, refused="not redeeming")
    before = rig.vaults[B].read("totals"), rig.vaults[B].read("absorbed", ETH)
    rig.act("redeem", 10_000 * WAD, ALICE, by=ALICE)
    assert (rig.vaults[B].read("totals"), rig.vaults[B].read("absorbed", ETH)) == before
    rig.vault("repay", rig.ids[4], 30_000 * WAD, by=CAROL, book=B)


def test_two_books_that_end_share_a_deficit_by_their_worth(rig):
    """Whichever is opened first: the holders of neither are better off for it."""
    open_account(rig, 0, 10, 10_000, A)
    open_account(rig, 2, 10, 15_000, B)
    open_account(rig, 4, 20, 30_000, B)
    rig.price(ETH, 1_250 * WAD)
    settle_all(rig, A)
    settle_all(rig, B)
    # A: 8 ether for 10,000. B: 10 and 20 ether for 12,500 and 25,000
    assert rig.read("backing_of") == 10_000 * WAD
    assert rig.read("backing_of", book=B) == 37_500 * WAD
    assert rig.equity() == -7_500 * WAD
    rig.act("open_redemption", book=B)
    carried = -(-7_500 * WAD * 37_500 // 47_500)
    assert rig.read("claims_of", book=B) == 37_500 * WAD + carried
    rig.act("redeem", 20_000 * WAD, CAROL, by=CAROL, book=B)
    rig.act("open_redemption")
    assert rig.read("claims_of") == 17_500 * WAD - carried
    # the same for a coin in both, to the rounding of a wei
    for book, worth in ((A, 10_000 * WAD), (B, 37_500 * WAD)):
        whole = {A: 17_500 * WAD - carried, B: 37_500 * WAD + carried}[book]
        assert abs(worth * 55_000 - whole * 47_500) <= 55_000
    for who in (ALICE, BOB, CAROL):
        for book in (B, A):
            if rig.coins(who):
                rig.act("redeem", rig.coins(who), who, by=who, book=book, refused="any")
    assert rig.coin.read("totalSupply") == 0
    assert rig.equity() == 0


def test_a_deficit_is_carried_once(rig):
    """A pool that is open already carries it; a later one adds only what has come since."""
    open_account(rig, 0, 10, 15_000, A)
    open_account(rig, 2, 10, 15_000, B)
    rig.price(ETH, 1_000 * WAD)
    settle_all(rig, A)
    rig.act("open_redemption")
    assert rig.read("claims_of") == 15_000 * WAD
    rig.act("redeem", 3_000 * WAD, ALICE, by=ALICE)
    assert rig.equity() == -4_000 * WAD
    rig.price(ETH, 1_400 * WAD)
    settle_all(rig, B)
    assert rig.equity() == -5_000 * WAD
    rig.act("open_redemption", book=B)
    assert rig.read("claims_of", book=B) == 15_000 * WAD
    assert rig.read("backing_of", book=B) == 14_000 * WAD


def test_what_a_swept_pool_carried_is_open_again(rig):
    open_account(rig, 0, 10, 15_000, A)
    open_account(rig, 2, 10, 15_000, B)
    rig.price(ETH, 1_000 * WAD)
    settle_all(rig, A)
    rig.act("open_redemption")
    rig.wait(YEAR)
    rig.act("sweep")
    assert rig.equity() == -15_000 * WAD
    rig.price(ETH, 2_000 * WAD)
    settle_all(rig, B)
    rig.act("open_redemption", book=B)
    assert rig.read("claims_of", book=B) == 30_000 * WAD


def test_borrowing_for_a_moment_does_not_change_who_carries_what(lossy):
    """What living books are owed divides no deficit: anybody could raise it for one transaction."""
    rig = lossy
    settle_all(rig, A)
    rig.vault("borrow", rig.ids[4], 500_000 * WAD, CAROL, by=CAROL, book=B)
    assert rig.equity() == -15_000 * WAD
    rig.act("open_redemption", by=CAROL)
    assert rig.read("claims_of") == 25_000 * WAD


def test_the_last_repayment_counts_like_a_settlement(lossy):
    """An owner who repays takes the pool away, and as many coins: the deficit stays what it was."""
    rig = lossy
    rig.act("shutdown", by=GOVERNOR)
    rig.vault("repay", rig.ids[0], 4_000 * WAD, by=ALICE)
    assert rig.equity() == -15_000 * WAD
    rig.wait(WEEK)
    rig.act("settles", rig.ids, by=KEEPER)
    rig.act("open_redemption")
    assert (rig.read("backing_of"), rig.read("claims_of")) == (6_000 * WAD, 21_000 * WAD)


def test_new_income_fills_a_deficit_before_the_opening(lossy):
    rig = lossy
    rig.send(CAROL, rig.fund, "recapitalise", 15_000 * WAD)
    settle_all(rig, A)
    rig.act("open_redemption")
    assert rig.read("claims_of") == 10_000 * WAD
    rig.act("redeem", 10_000 * WAD, ALICE, by=ALICE)
    assert rig.held(ETH, ALICE) == 10**9 * WAD - 10 * WAD + 625 * WAD // 100


def test_a_living_book_goes_on(lossy):
    rig = lossy
    settle_all(rig, A)
    rig.act("open_redemption")
    rig.vault("borrow", rig.ids[4], WAD, CAROL, by=CAROL, book=B)
    rig.vault("deposit", rig.ids[2], ETH, 10 * WAD, by=BOB, book=B)
    rig.vault("borrow", rig.ids[2], 1_000 * WAD, BOB, by=BOB, book=B)
    rig.vault("repay", rig.ids[2], MAX, by=BOB, book=B)
    assert rig.vaults[B].read("settlement") == rig.settlement.address != ZERO


# two books that end together, and a deficit that passes


def test_nobody_opens_first_and_leaves_the_losses_to_the_other_book(rig):
    """A is good for what it owes, B is not: opened before B is settled, A would carry nothing."""
    open_account(rig, 0, 10, 10_000, A)
    open_account(rig, 2, 10, 15_000, B)
    rig.price(ETH, 1_000 * WAD)
    for book in (A, B):
        rig.act("shutdown", by=GOVERNOR, book=book)
    rig.wait(WEEK)
    rig.act("settles", rig.ids, by=KEEPER, book=A)
    rig.act("open_redemption", book=A, refused="another book owes")
    rig.act("settles", rig.ids, by=KEEPER, book=B)
    for book in (A, B):
        rig.act("open_redemption", book=book)
    # 25,000 coins, 20,000 of ether: each pool is shared by a quarter more coins than it is worth
    for book in (A, B):
        assert rig.read("claims_of", book=book) == 12_500 * WAD
        assert rig.read("backing_of", book=book) == 10_000 * WAD


def test_a_deficit_that_was_made_good_weighs_on_a_pool_no_longer(rig):
    open_account(rig, 0, 10, 10_000, A)
    rig.vault("borrow", rig.ids[0], 2_000 * WAD, ALICE, by=ALICE)
    reserve = rig.new_reserve(8_000 * WAD)
    rig.send(GOVERNOR, reserve, "set_backing", 2_000 * WAD)
    settle_all(rig, A)
    rig.act("open_redemption")
    assert rig.read("claims_of") == 18_000 * WAD
    rig.act("relieve", by=BOB, refused="nothing to relieve")
    rig.send(GOVERNOR, reserve, "set_backing", 5_000 * WAD)
    rig.act("relieve", by=BOB)
    assert rig.read("claims_of") == 15_000 * WAD
    rig.act("relieve", by=BOB, refused="nothing to relieve")
    rig.send(GOVERNOR, reserve, "set_backing", 1_000 * WAD)  # it never rises again
    rig.act("relieve", by=BOB, refused="nothing to relieve")
    rig.send(GOVERNOR, reserve, "set_backing", 8_000 * WAD)
    rig.act("relieve", by=BOB)
    assert (rig.read("claims_of"), rig.read("backing_of")) == (12_000 * WAD,) * 2
    assert rig.equity() == 0
    rig.act("redeem", 12_000 * WAD, ALICE, by=ALICE)
    assert rig.equity() == 0
    rig.act("relieve", by=BOB, refused="nothing to relieve")


def test_relief_is_the_same_for_every_pool_whoever_asks_and_how_often(rig):
    open_account(rig, 0, 10, 15_000, A)
    open_account(rig, 2, 10, 15_000, B)
    rig.price(ETH, 1_000 * WAD)
    for book in (A, B):
        settle_all(rig, book)
    for book in (A, B):
        rig.act("open_redemption", book=book)
        assert rig.read("claims_of", book=book) == 15_000 * WAD
    rig.send(BOB, rig.fund, "recapitalise", 5_000 * WAD)
    rig.act("relieve", by=ALICE)
    for book in (A, B):
        assert rig.read("claims_of", book=book) == 12_500 * WAD
        rig.act("relieve", by=ALICE, book=book, refused="nothing to relieve")


@pytest.mark.parametrize("end", ["redeemed", "swept"])
def test_a_book_whose_pool_is_nobodys_leaves_the_fund_and_lets_it_reap(rig, end):
    """A wei that a token refuses to its holder held both up for good, and a pool for a year."""
    open_account(rig, 0, 10, 10_000, A)
    rig.open_pool()
    vault = rig.vaults[A].address
    rig.send(GOVERNOR, rig.coin, "set_ceiling", vault, 0)

    def asked(fn, *args):
        return rig.node.run(GOVERNOR, rig.fund.address, rig.fund.encode(fn, *args), rig.now).reason

    for fn, args, reason in (
        ("retire_book", (vault,), "pool left"),
        ("reap", (), "loss too recent"),
    ):
        assert asked(fn, *args) == reason
    rig.wait(2 * 86_400)
    assert asked("reap") == "book is shut down"
    if end == "redeemed":
        rig.act("redeem", 10_000 * WAD, ALICE, by=ALICE)
        assert rig.read("claims_of") == 0
    else:
        rig.wait(YEAR)
        rig.act("sweep")
    assert asked("reap") == "nothing to reap"
    assert asked("retire_book", vault) is None
    assert vault not in rig.fund.read("books")
