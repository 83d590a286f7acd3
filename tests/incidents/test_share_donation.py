# SPDX-License-Identifier: MIT
"""ERC-4626 donation and first depositor (Sonne 2024, Resupply 2025, Llamalend's sDOLA 2026).

A share is worth what its vault holds, and anybody can send the vault something: for a moment, for
a loan, or for as long as it takes to be worth too much or too little. Here a share's price follows
its vault at once when that loses, and no faster than a yield when it gains; the line begins at what
the lister expects, and a vault without a ratio has no price.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.chain import Contract
from surety.compile import Artifact, artifact
from tests.incidents.arena import DAY, ETH, HOUR, MARKET, Arena
from tests.incidents.weak import weakened
from tests.unit.listings.desk import Listing
from tests.world import MAX, RAY, WAD, reverts

pytestmark = pytest.mark.covers("incident: ERC-4626 donation and first depositor")

SHARES = 3  # the kind
OTHERS, OWN = 40 * WAD, 10 * WAD  # what is in the share vault
GROWTH = 1_000  # bps a year
_CAPPED = "    capped: uint256 = min(self._ratio_down(), self._cap_down())\n"
UNCAPPED = (_CAPPED, "    capped: uint256 = self._ratio_down()\n")


class Shares:
    """A share vault over ether, listed as collateral; the attacker has a fifth of it."""

    def __init__(self, oracle: Artifact | None = None) -> None:
        self.arena = arena = Arena()
        self.ether = arena.tokens[ETH]
        self.pool: Contract = arena.deploy("MockShareVault", self.ether.address, 18)
        for who, amount in ((arena.world.other, OTHERS), (arena.attacker, OWN)):
            arena.world.give(who, ETH, amount)
            arena.must(who, self.ether, "approve", self.pool.address, MAX)
            arena.must(who, self.pool, "deposit", amount, who)
        feed = arena.hub.read("config_of", ETH)[0]
        terms = (self.pool.address, feed, 140_000, GROWTH, DAY, RAY)
        self.oracle: Contract = arena.deploy(oracle or artifact("ShareOracle"), *terms)
        fields = {"slew_down": 2**24 - 1, "slew_up": 2**24 - 1, "jump_bps": 12_750}
        listing = Listing(self.pool.address, self.oracle.address, **fields).struct()
        listings = arena.world.listings
        arena.must(arena.world.governor, listings, "list", arena.vault.address, listing)
        arena.tokens.append(self.pool)
        arena.market.append(MARKET[ETH])
        arena.must(arena.attacker, self.pool, "approve", arena.vault.address, MAX)

    def donate(self, amount: int) -> None:
        arena = self.arena
        arena.world.give(arena.attacker, ETH, amount)
        arena.must(arena.attacker, self.ether, "transfer", self.pool.address, amount)

    def take_back(self, amount: int) -> None:
        """Let the donation leave again: by whatever hole, as it did from those vaults."""
        arena = self.arena
        arena.must(arena.attacker, self.ether, "burn", self.pool.address, amount)
        arena.world.give(arena.attacker, ETH, amount)


def inflate(shares: Shares, waits: int = 60) -> Fraction:
    """Donate, borrow on the inflated share, take the donation back and walk away; the gain."""
    arena, me = shares.arena, shares.arena.attacker
    account = arena.world.id(me)
    before = arena.wealth(me)
    arena.must(me, arena.vault, "deposit", account, SHARES, OWN)
    amount = OTHERS + OWN  # the share is worth twice as much
    shares.donate(amount)
    arena.wait(waits)
    arena.poke(1 << SHARES)
    price = arena.world.price(SHARES)
    most = OWN * price * 7_500 // 10_000 // WAD
    assert arena.try_(me, arena.vault, "borrow", account, most + 10**12, me) is not None
    arena.must(me, arena.vault, "borrow", account, most, me)
    shares.take_back(amount)
    return arena.wealth(me, account) - before - arena.worth(ETH, amount)


@pytest.mark.covers("T28", "O17", "O20")
@pytest.mark.parametrize("waits", [60, HOUR // 2])
def test_a_donation_that_comes_back_lends_what_a_years_yield_allows(waits):
    shares = Shares()
    assert inflate(shares, waits) <= 0
    assert shares.oracle.read("ratio")[0] == RAY  # it is back where it was
    assert shares.arena.world.price(SHARES) <= 2_000 * WAD * (10**9 + 12 * waits) // 10**9


def test_a_donation_that_stays_is_lost():
    """To the other holders, most of it; what is left of it is worth less than it cost."""
    shares = Shares()
    arena, me = shares.arena, shares.arena.attacker
    before = arena.wealth(me)
    shares.donate(OWN)
    arena.must(me, shares.pool, "redeem", OWN, me, me)
    assert arena.wealth(me) - before - arena.worth(ETH, OWN) == -arena.worth(ETH, OWN) * 4 / 5


@pytest.mark.covers("T28", "O20")
def test_a_loss_passes_at_once():
    """The other half of a donation: nobody borrows on what has already left."""
    shares = Shares()
    arena, me = shares.arena, shares.arena.attacker
    account = arena.world.id(me)
    arena.must(me, arena.vault, "deposit", account, SHARES, OWN)
    arena.must(me, shares.ether, "burn", shares.pool.address, (OTHERS + OWN) // 2)
    arena.wait(60)
    most = OWN * 1_000 * WAD * 7_500 // 10_000 // WAD
    arena.refused("below initial margin", me, arena.vault, "borrow", account, most + 1, me)
    arena.must(me, arena.vault, "borrow", account, most, me)


@pytest.mark.covers("T28", "N14")
@pytest.mark.parametrize(
    ("held", "donated", "reason"),
    [
        (1, 10 * WAD, "no share price"),  # beyond anything that a share can be
        (10**9, 10**15, "ratio deviates"),
        (WAD, WAD // 50, "ratio deviates"),
    ],
)
def test_a_first_depositors_vault_is_not_listed_at_his_price(held, donated, reason):
    """A wei of shares and a gift: the ratio is not what anybody expects, and nothing begins."""
    arena = Arena()
    ether = arena.tokens[ETH]
    pool = arena.deploy("MockShareVault", ether.address, 18)
    me = arena.attacker
    arena.world.give(me, ETH, 20 * WAD)
    arena.must(me, ether, "approve", pool.address, MAX)
    arena.must(me, pool, "deposit", held, me)
    feed = arena.hub.read("config_of", ETH)[0]
    terms = (pool.address, feed, 140_000, GROWTH, DAY, RAY)
    arena.deploy("ShareOracle", *terms)  # before the gift it does
    arena.must(me, ether, "transfer", pool.address, donated)
    with reverts(reason):
        arena.deploy("ShareOracle", *terms)


@pytest.mark.covers("T28", "I36")
def test_an_emptied_vault_has_no_price_and_lends_nothing():
    """A ratio of 0 is no ratio: the kind has failed, its last price stays."""
    shares = Shares()
    arena, me = shares.arena, shares.arena.attacker
    account = arena.world.id(me)
    arena.must(me, arena.vault, "deposit", account, SHARES, OWN)
    arena.must(me, shares.ether, "burn", shares.pool.address, OTHERS + OWN)
    arena.wait(60)
    arena.refused("below initial margin", me, arena.vault, "borrow", account, 2_000 * WAD, me)
    assert arena.world.price(SHARES) == 2_000 * WAD
    arena.must(me, arena.vault, "withdraw", account, SHARES, MAX, me)


def test_a_share_without_its_line_is_found():
    """The control: half the loan has nothing behind it once the donation has left."""
    gain = inflate(Shares(weakened("ShareOracle", UNCAPPED)))
    assert gain == 10 * 4_000 * 75 * WAD // 100 - 20_000 * WAD
