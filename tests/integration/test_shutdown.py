# SPDX-License-Identifier: MIT
"""Two books that end, told step by step over real contracts, with the exact sums of every token.

The numbers are worked out by hand from the specification. Levels are 75, 80 and 85 %, the penalty
5 %, the auction two hours from 101 % down to 88 % of the price; there is no interest and no tip, so
that every sum can be checked with pencil and paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from surety.chain import Receipt, Rpc, UnlockedSender
from surety.deploy import LOCAL_KINDS, BookParams, SystemParams, local_kinds
from tests.world import GENESIS, MAX, WAD, Anvil, World, check_books, reverts

ETH, BTC, STABLE = range(3)
BTC_UNIT, STABLE_UNIT = 10**8, 10**6
WEEK, YEAR = 7 * 86_400, 365 * 86_400
DURATION = 7_200
LIVE, SETTLING, REDEEMING, SWEPT = range(4)


@pytest.fixture(scope="module")
def chain() -> Iterator[Rpc]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield Rpc(node.url)


class Ending:
    """A book with five people: ether at 2,000, bitcoin at 40,000, a stable coin at 1."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settlement = world.contract("Settlement", world.system.settlement)
        names = (world.owner, world.other, world.operator, world.stranger, world.keeper)
        self.alice, self.bob, self.carol, self.dave, self.keeper = names
        for who in names:
            world.coin.transact("approve", self.settlement.address, MAX, sender=who)
        self.ids: list[int] = []

    def open(self, who: str, kind: int, amount: int, debt: int) -> int:
        id = self.world.open([(kind, amount)], debt, who)
        self.ids.append(id)
        return id

    def act(self, fn: str, *args: object, by: str) -> Receipt:
        """Make a step of the settlement about this book."""
        return self.settlement.transact(fn, self.world.vault.address, *args, sender=by)

    def say(self, fn: str, *args: object) -> int:
        return int(self.settlement.read(fn, self.world.vault.address, *args))

    def pay(self, payer: str, receiver: str, coins: int) -> None:
        self.world.coin.transact("transfer", receiver, coins, sender=payer)

    @property
    def supply(self) -> int:
        return int(self.world.coin.read("totalSupply"))

    @property
    def equity(self) -> int:
        surplus, deficit = self.world.fund.read("equity")
        return int(surplus) - int(deficit)

    def held(self, who: str) -> tuple[int, int, int]:
        """Return what somebody holds of ether, bitcoin and the stable coin."""
        eth, btc, stable = (token.read("balanceOf", who) for token in self.world.tokens)
        return eth, btc, stable

    @property
    def pool(self) -> tuple[int, int, int]:
        eth, btc, stable = (self.say("pool_of", kind) for kind in (ETH, BTC, STABLE))
        return eth, btc, stable

    def check(self) -> None:
        """The vault holds what it has booked: of every token, to the last unit."""
        world = self.world
        for kind, token in enumerate(world.tokens):
            balances = sum(world.vault.read("balances", id, kind) for id in self.ids)
            absorbed = world.vault.read("absorbed", kind)
            assert token.read("balanceOf", world.vault.address) == balances + absorbed
            assert token.read("balanceOf", self.settlement.address) == 0
        owed = world.vault.read("total_debt") + self.say("backing_of")
        assert self.equity == owed - self.supply


@pytest.fixture
def book(chain: Rpc) -> Iterator[Ending]:
    taken = chain.snapshot()
    sender = UnlockedSender(chain, chain.call("eth_accounts")[0])
    params = SystemParams(
        kinds=local_kinds(sender, LOCAL_KINDS),
        book=replace(BookParams(), rate=0, call_tip=0),
        confirm_period=1,
    )
    yield Ending(World(chain, params))
    chain.revert(taken)


def test_a_solvent_book_ends(book):
    """All coins are redeemed at a coin's worth each; what is left over is the fund's."""
    world, vault = book.world, book.world.vault
    alice = book.open(book.alice, ETH, 10 * WAD, 10_000 * WAD)
    bob = book.open(book.bob, BTC, BTC_UNIT, 30_000 * WAD)
    carol = book.open(book.carol, STABLE, 20_000 * STABLE_UNIT, 15_000 * WAD)
    dave = book.open(book.dave, ETH, 10 * WAD, 15_000 * WAD)

    # ether falls to 1,600: Dave is below close-out, and the keeper buys two of his ten for 1,512
    # each, at half of the auction. Of the penalty of 5 % only 0.8 % is left: 24 coins
    book.pay(book.dave, book.keeper, 3_024 * WAD)
    world.follow(1_600 * WAD)
    world.vault.transact("margin_call", dave, sender=book.keeper)
    world.forward(DURATION // 2 - 1)
    world.vault.transact("take", dave, ETH, 2 * WAD, MAX, book.keeper, b"", sender=book.keeper)
    assert world.debt(dave) == 12_000 * WAD
    assert book.held(book.keeper) == (2 * WAD, 0, 0)
    assert (book.supply, book.equity) == (66_976 * WAD, 24 * WAD)

    # the governor ends the book in the middle of that auction
    book.act("shutdown", by=world.governor)
    shut = world.now
    assert [book.say("frozen_price", kind) for kind in range(3)] == [
        1_600 * WAD,
        40_000 * WAD,
        WAD,
    ]
    with reverts("taking paused"):
        vault.transact("take", dave, ETH, WAD, MAX, book.keeper, b"", sender=book.keeper)
    with reverts("borrowing paused"):
        vault.transact("borrow", alice, WAD, book.alice, sender=book.alice)
    assert book.equity == 24 * WAD
    # what the market does from here on changes nothing
    world.follow(3_000 * WAD, 20_000 * WAD)

    # Alice repays in coins and keeps all her ether
    vault.transact("repay", alice, MAX, sender=book.alice)
    vault.transact("withdraw", alice, ETH, MAX, book.alice, sender=book.alice)
    assert book.held(book.alice) == (10 * WAD, 0, 0)
    # Carol settles at once: three quarters are given up, a quarter is hers
    book.act("settle", carol, by=book.carol)
    vault.transact("withdraw", carol, STABLE, MAX, book.carol, sender=book.carol)
    assert book.held(book.carol) == (0, 0, 5_000 * STABLE_UNIT)
    # Bob and Dave do nothing. Dave, at 12,000 of 12,800, is solvent: a week is his as well
    with reverts("owner may still repay"):
        book.act("settle", dave, by=book.keeper)
    with reverts("debt left"):
        book.act("open_redemption", by=book.keeper)
    world.next_at(shut + WEEK - 1)
    with reverts("owner may still repay"):
        book.act("settle", bob, by=book.keeper)
    world.next_at(shut + WEEK)
    book.act("settles", [alice, bob, carol, dave], by=book.keeper)
    assert vault.read("balances", bob, BTC) == BTC_UNIT // 4
    assert vault.read("balances", dave, ETH) == WAD // 2
    assert vault.read("total_debt") == 0
    book.check()

    # 7.5 ether, 0.75 bitcoin and 15,000 of the stable coin: 57,000 coins' worth, for 56,976 coins
    book.act("open_redemption", by=book.keeper)
    assert book.pool == (75 * WAD // 10, 75 * BTC_UNIT // 100, 15_000 * STABLE_UNIT)
    assert book.say("claims_of") == book.say("backing_of") == 57_000 * WAD
    assert (book.supply, book.equity) == (56_976 * WAD, 24 * WAD)

    # half of the claims: Bob, who still holds 30,000, redeems 28,500 of them
    book.act("redeem", 28_500 * WAD, book.bob, by=book.bob)
    assert book.held(book.bob) == (375 * WAD // 100, 375 * 10**5, 7_500 * STABLE_UNIT)
    # half of the rest: Carol sends what she buys to the keeper
    book.pay(book.dave, book.carol, 2_000 * WAD)
    book.act("redeem", 14_250 * WAD, book.keeper, by=book.carol)
    keeper = (3_875 * WAD // 1_000, 18_750_000, 3_750 * STABLE_UNIT)
    assert book.held(book.keeper) == keeper
    assert book.equity == 24 * WAD
    book.check()
    # and all other coins there are: 14,226 of the last 14,250 claims
    book.pay(book.carol, book.dave, 2_750 * WAD)
    book.pay(book.bob, book.dave, 1_500 * WAD)
    assert world.coin.read("balanceOf", book.dave) == 14_226 * WAD == book.supply
    book.act("redeem", 14_226 * WAD, book.dave, by=book.dave)
    dave_got = (1_871_842_105_263_157_894, 18_718_421, 3_743_684_210)
    assert book.held(book.dave) == dave_got
    assert book.supply == 0
    assert (book.say("claims_of"), book.equity) == (24 * WAD, 24 * WAD)
    rest = (3_157_894_736_842_106, 31_579, 6_315_790)
    assert book.pool == rest

    # the 24 coins' worth wait for a year, then they are the fund's; there Bob's and Dave's own
    # quarter and half are still theirs
    world.forward(YEAR - 20)
    with reverts("redemption period runs"):
        book.act("sweep", by=book.keeper)
    world.forward(20)
    book.act("sweep", by=book.keeper)
    assert book.held(world.fund.address) == rest
    assert (book.equity, book.say("phase_of")) == (0, SWEPT)
    vault.transact("withdraw", bob, BTC, MAX, book.bob, sender=book.bob)
    vault.transact("withdraw", dave, ETH, MAX, book.dave, sender=book.dave)
    book.check()
    assert book.held(vault.address) == (0, 0, 0)
    # every unit that came in has gone out
    everybody = (book.alice, book.bob, book.carol, book.dave, book.keeper, world.fund.address)
    sums = [sum(amounts) for amounts in zip(*(book.held(who) for who in everybody), strict=True)]
    assert sums == [20 * WAD, BTC_UNIT, 20_000 * STABLE_UNIT]
    check_books(world, book.ids)


def test_an_insolvent_book_ends(book):
    """What is short is short for everybody alike: 23 of 29 for each coin, in kind."""
    world, vault = book.world, book.world.vault
    alice = book.open(book.alice, ETH, 10 * WAD, 15_000 * WAD)
    bob = book.open(book.bob, BTC, BTC_UNIT, 20_000 * WAD)
    carol = book.open(book.carol, STABLE, 5_000 * STABLE_UNIT, 4_000 * WAD)

    # ether falls to 900 before anybody could sell Alice's
    world.follow(900 * WAD)
    book.act("shutdown", by=world.governor)
    shut = world.now
    assert (book.supply, book.equity) == (39_000 * WAD, 0)

    # she owes 15,000 and is worth 9,000: anybody strikes that off at once
    receipt = book.act("settle", alice, by=book.keeper)
    assert world.event(receipt, "BadDebt") == {"account": alice, "amount": 6_000 * WAD}
    assert book.equity == -6_000 * WAD
    assert world.account(alice).collateral_mask == 0
    # Bob pays half of his debt in coins; Carol lets an operator settle for her
    vault.transact("repay", bob, 10_000 * WAD, sender=book.bob)
    world.set_operator(book.dave, 1, sender=book.carol)
    book.act("settle", carol, by=book.dave)
    world.next_at(shut + WEEK)
    book.act("settle", bob, by=book.keeper)
    assert book.equity == -6_000 * WAD
    book.check()

    # 10 ether, a quarter of a bitcoin and 4,000: 23,000 for all 29,000 coins
    book.act("open_redemption", by=book.dave)
    assert book.pool == (10 * WAD, BTC_UNIT // 4, 4_000 * STABLE_UNIT)
    assert (book.say("claims_of"), book.say("backing_of")) == (29_000 * WAD, 23_000 * WAD)
    assert book.supply == 29_000 * WAD

    # who comes first gets no more than who comes last
    book.pay(book.alice, book.keeper, 14_500 * WAD)
    book.act("redeem", 14_500 * WAD, book.keeper, by=book.keeper)
    assert book.held(book.keeper) == (5 * WAD, 12_500_000, 2_000 * STABLE_UNIT)
    assert (book.say("backing_of"), book.equity) == (11_500 * WAD, -3_000 * WAD)
    world.forward(300 * 86_400)
    book.pay(book.bob, book.dave, 7_250 * WAD)
    for _ in range(10):  # in ten parts
        book.act("redeem", 725 * WAD, book.dave, by=book.dave)
    assert book.held(book.dave) == (25 * WAD // 10, 6_250_000, 1_000 * STABLE_UNIT)
    book.pay(book.alice, book.carol, 500 * WAD)
    book.pay(book.bob, book.carol, 2_750 * WAD)
    book.act("redeem", MAX, book.carol, by=book.carol)  # all claims that are left are hers
    assert book.held(book.carol) == (25 * WAD // 10, 6_250_000, 1_000 * STABLE_UNIT)
    assert (book.supply, book.equity, book.pool) == (0, 0, (0, 0, 0))
    book.check()

    # what the solvent did not owe was theirs all along
    vault.transact("withdraw", bob, BTC, MAX, book.bob, sender=book.bob)
    vault.transact("withdraw", carol, STABLE, MAX, book.carol, sender=book.carol)
    assert book.held(book.bob) == (0, 75_000_000, 0)
    assert book.held(book.carol) == (25 * WAD // 10, 6_250_000, 2_000 * STABLE_UNIT)
    assert book.held(vault.address) == (0, 0, 0)
    world.forward(YEAR)
    book.act("sweep", by=book.keeper)
    assert (book.say("phase_of"), book.equity) == (SWEPT, 0)
    assert book.held(world.fund.address) == (0, 0, 0)
    check_books(world, book.ids)
