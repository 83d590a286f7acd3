# SPDX-License-Identifier: MIT
"""Wrong feed at activation (Moonwell, February 2026): a staked ether priced by its ratio.

A proposal switched the market's oracle for cbETH to a feed that says how much ether a cbETH is,
about 1.12, where a price in dollars was due, about 2,200. Whoever repaid a dollar or so then took a
whole cbETH as collateral, and the market was left with 1.78 million dollars of bad debt.
https://forum.moonwell.fi/t/mip-x43-cbeth-oracle-incident-summary/2068
"""

from __future__ import annotations

import pytest

from surety.chain import Contract, Reverted
from surety.compile import Artifact
from surety.deploy import LST
from tests.incidents.arena import STILL
from tests.incidents.weak import revm_world, weakened
from tests.unit.listings.desk import Desk, Listing
from tests.world import WAD, anvil_world, reverts

pytestmark = pytest.mark.covers("incident: wrong feed at activation")

ETH = 2_000 * WAD
RATIO = 112 * WAD // 100
STAKED = ETH * RATIO // WAD  # 2,240
BOUNDS = {"min_price": 200 * WAD, "max_price": 20_000 * WAD}
WRONG = 40_000 * WAD  # of another coin altogether
_EXPECTED = "        price * BPS >= listing.expected_price * (BPS - MAX_DEVIATION)\n"
_MOST = "        and price * BPS <= listing.expected_price * (BPS + MAX_DEVIATION)\n"
UNCOMPARED = (_EXPECTED + _MOST, "        price != 0\n")
ANYTHING = {"min_price": 1, "max_price": 2**88 - 1}


@pytest.fixture(scope="module")
def deployed():
    with anvil_world() as world:
        yield Desk(world)


@pytest.fixture
def desk(deployed):
    with deployed.world.snapshot():
        yield deployed


@pytest.fixture
def ratio_feed(desk) -> Contract:
    """The feed of the incident: ether per staked ether, with 18 decimals."""
    return desk.new("MockAggregator", 18, RATIO)


@pytest.fixture
def wrong(desk, ratio_feed) -> str:
    """The adapter over the ratio alone."""
    return desk.new("ChainlinkOracle", ratio_feed.address).address


@pytest.fixture
def right(desk, wrong) -> str:
    """The adapter of ratio times price of ether."""
    ether = desk.world.system.kind("eth").oracle
    return desk.new("ProductOracle", wrong, ether, 140_000).address


def listing(desk, oracle: str, **changes) -> Listing:
    fields = {"oracle": oracle, "expected_price": STAKED, **BOUNDS, **levels()}
    return desk.good(**(fields | changes))


def levels() -> dict[str, int]:
    return {name: getattr(LST, name) for name in LST.__dataclass_fields__}


def test_the_ratio_is_refused_for_a_price(desk, wrong, right):
    """By its bounds; by what is expected; and bounds made to let it pass are refused themselves."""
    before = desk.storage()
    with reverts("price outside bounds"):
        desk.list(listing(desk, wrong))
    with reverts("price deviates"):
        desk.list(listing(desk, wrong, **ANYTHING))
    with reverts("price outside bounds"):
        desk.list(listing(desk, wrong, expected_price=RATIO))
    with reverts("bounds too wide"):
        desk.list(listing(desk, wrong, expected_price=RATIO, **ANYTHING))
    with reverts("bounds too wide"):
        desk.list(listing(desk, wrong, expected_price=RATIO, min_price=WAD // 2))
    assert desk.storage() == before

    assert desk.preview(listing(desk, right))[1] == STAKED
    desk.list(listing(desk, right))
    assert desk.world.price(3) == STAKED


@pytest.mark.parametrize(
    ("answer", "decimals"),
    [
        (2_240 * 10**6, 8),  # the decimals of another feed
        (2_000 * 10**8, 8),  # the unstaked coin
        (2_500 * 10**8, 8),  # a price in another currency
    ],
)
def test_a_feed_for_something_near_is_refused_too(desk, answer, decimals):
    feed = desk.new("MockAggregator", decimals, answer)
    oracle = desk.new("ChainlinkOracle", feed.address).address
    before = desk.storage()
    wide = {"min_price": 3 * WAD, "max_price": 200_000 * WAD}
    with reverts("price deviates"):
        desk.list(listing(desk, oracle, **wide))
    assert desk.storage() == before


def test_the_ratio_is_refused_when_a_listed_kind_gets_it(desk, wrong, right):
    """The proposal of the incident: a market that exists, switched to the ratio."""
    desk.list(listing(desk, right))
    word = desk.world.hub.read("words", 3)
    with reverts("price failed"):
        desk.world.hub.transact("set_oracle", 3, wrong, sender=desk.world.governor)
    bounds = (3, 1, 2**88 - 1)
    desk.world.hub.transact("set_bounds", *bounds, sender=desk.world.governor)
    with reverts("price deviates"):
        desk.world.hub.transact("set_oracle", 3, wrong, sender=desk.world.governor)
    assert desk.world.hub.read("words", 3) % 2**176 == word % 2**176


def test_without_the_desk_the_ratio_would_pass(desk, wrong):
    """Without it: by hand, in two calls and without an expectation, the wrong feed is taken."""
    world, good = desk.world, listing(desk, wrong, **ANYTHING)
    fields = good.struct()
    world.hub.transact("list_kind", good.token, wrong, *fields[4:11], sender=world.governor)
    world.vault.transact("list_collateral", 3, good.token, *fields[11:], sender=world.governor)
    assert world.price(3) == RATIO


def lend_on_a_wrong_feed(*weak: Artifact) -> tuple[int, str | None]:
    """Have staked ether listed by the feed of another coin, and borrow on one of it.

    Returns the gain at what a staked ether is worth, and why the listing was refused.
    """
    world = revm_world(*weak, book=STILL)
    desk, me = Desk(world), world.stranger
    feed = desk.new("MockAggregator", 8, WRONG // 10**10)
    oracle = desk.new("ChainlinkOracle", feed.address).address
    loose = {"min_price": 200 * WAD, "max_price": 200_000 * WAD}
    try:
        desk.list(listing(desk, oracle, **loose))
    except Reverted as refused:
        return 0, refused.reason
    token = world.contract("MockToken", desk.token)
    token.transact("mint", me, WAD, sender=me)
    token.transact("approve", world.vault.address, WAD, sender=me)
    account, most = world.id(me), WRONG * LST.initial_ltv // 10_000
    world.vault.transact("adjust", account, [(3, WAD)], most, me, b"", sender=me)
    return world.coin.read("balanceOf", me) - STAKED, None


@pytest.mark.covers("O09", "O21")
def test_nobody_borrows_on_the_feed_of_something_else():
    assert lend_on_a_wrong_feed() == (0, "price deviates")


def test_a_desk_that_expects_nothing_is_found():
    """The control: what the lister expects is not compared, and one staked ether lends 28,800."""
    gain, refused = lend_on_a_wrong_feed(weakened("Listings", UNCOMPARED))
    assert refused is None
    assert gain == 28_800 * WAD - STAKED
