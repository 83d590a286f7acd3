# SPDX-License-Identifier: MIT
"""Hard-coded price (xUSD, November 2025): a stable without its backing went on counting as one.

Markets that lent against xUSD took its price from a constant instead of a market. When its issuer
disclosed a loss of 93 million dollars it fell to about 0.3, and nothing there took notice: it still
bought whole coins, nobody could be liquidated, and lenders' reports showed no loss. Here coins are
minted for a reserve at par only while the hub's live price says so, and equity is at that price.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from surety.chain import Reverted
from tests.incidents.weak import revm_world, weakened
from tests.unit.peg_stability.stage import CEILING, GUARD, STABLE, Stage
from tests.world import WAD, reverts

pytestmark = pytest.mark.covers("incident: hard-coded price")

FALLEN = 3 * WAD // 10
HELD = 200_000  # whole tokens that came in while they were one coin
NO_GUARD = ('    assert min(price.lo, live) >= settings & GUARD_MASK, "below guard"\n', "")
OLD_WORD = ("min(price.lo, live) >= settings", "price.lo >= settings")
AT_PAR = ("min(price.lo, WAD)", "WAD")


def attack(stage: Stage, price: int) -> int:
    """Buy reserve at its market price for as many coins as there is room; return the profit."""
    world = stage.world
    amount = stage.coin.read("headroom", stage.peg.address) * stage.unit // WAD
    stage.buy(world.stranger, amount)
    before = stage.wealth(world.stranger, price)
    with suppress(Reverted):
        stage.mint(world.stranger, amount)
    return stage.wealth(world.stranger, price) - before


@pytest.fixture
def stage():
    stage = Stage(revm_world())
    stage.buy(stage.world.owner, HELD * stage.unit)
    stage.mint(stage.world.owner, HELD * stage.unit)
    return stage


@pytest.mark.covers("O18")
@pytest.mark.parametrize("price", [FALLEN, WAD // 2, GUARD - 10**10])
def test_a_reserve_below_the_guard_buys_no_coin(stage, price):
    stage.market(price)
    assert attack(stage, price) <= 0
    with reverts("below guard"):
        stage.mint(stage.world.stranger, stage.unit)
    assert stage.coins(stage.world.stranger) == 0


def test_the_worst_that_a_price_above_the_guard_allows(stage):
    """A reserve just at the guard, and every coin that the ceiling has room for."""
    stage.market(GUARD)
    profit = attack(stage, GUARD)
    assert profit == (CEILING - HELD * WAD) * (WAD - GUARD) // WAD
    assert -stage.equity() == CEILING * (WAD - GUARD) // WAD == 5_000 * WAD


def test_with_a_fee_of_the_guards_distance_nobody_profits():
    """0.5 % in: what the guard lets through is not worth minting."""
    stage = Stage(revm_world(), fees=(50, 0))
    stage.market(GUARD)
    assert attack(stage, GUARD) <= 0
    assert stage.equity() >= 0


@pytest.mark.covers("O18")
def test_a_loss_is_seen_at_once(stage):
    before = stage.equity()
    stage.market(FALLEN)
    assert stage.equity() - before == -HELD * (WAD - FALLEN)
    assert stage.fund.read("equity")[1] >= HELD * (WAD - FALLEN) - before
    with reverts("nothing to reap"):
        stage.fund.transact("reap", sender=stage.world.stranger)


def test_a_feed_that_stops_saying_anything_ends_minting(stage):
    """The constant of the incident as a feed: what was last said holds until it is too old."""
    world = stage.world
    world.forward(world.params.kinds[STABLE].max_age + 61)
    with reverts("price failed"):
        stage.mint(world.stranger, stage.unit)
    assert stage.peg.read("backing") == 0
    stage.redeem(world.owner, HELD * WAD)
    assert stage.peg.read("reserve_held") == 0


def test_a_peg_without_its_guard_is_robbed():
    """The control: the check of the price taken out, the fallen reserve buys whole coins."""
    stage = Stage(revm_world(), weakened("PegStability", NO_GUARD))
    stage.market(FALLEN)
    assert attack(stage, FALLEN) == CEILING * (WAD - FALLEN) // WAD


def test_a_word_older_than_the_fall_buys_no_coin():
    """The hub's word is at par and seconds old, the market and the feed have already fallen."""
    stage = Stage(revm_world())
    stage.market(WAD)
    stage.market(FALLEN, poke=False)
    assert stage.world.price(STABLE) == WAD
    assert attack(stage, FALLEN) <= 0
    assert stage.coins(stage.world.stranger) == 0


def test_a_peg_that_trusts_the_word_is_robbed_within_its_minute():
    """The control: without a look at the oracle itself."""
    stage = Stage(revm_world(), weakened("PegStability", OLD_WORD))
    stage.market(WAD)
    stage.market(FALLEN, poke=False)
    assert attack(stage, FALLEN) == CEILING * (WAD - FALLEN) // WAD


def test_a_peg_that_counts_at_par_hides_its_loss():
    """The control: par for the price, and two thirds of the reserve vanish unseen."""
    stage = Stage(revm_world(), weakened("PegStability", AT_PAR))
    stage.buy(stage.world.owner, HELD * stage.unit)
    stage.mint(stage.world.owner, HELD * stage.unit)
    before = stage.equity()
    stage.market(FALLEN)
    assert stage.equity() == before
