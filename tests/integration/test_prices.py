# SPDX-License-Identifier: MIT
"""What prices do to people: hub, vault and Chainlink adapter as they are deployed, default limits.

Levels of ETH are 75, 80 and 85 %, the grace an hour, the auction two. Somebody pokes every minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from surety.chain import Receipt, Rpc, UnlockedSender
from surety.deploy import LOCAL_KINDS, MAJOR_LIMITS, SystemParams, local_kinds
from surety.formulas import margin_math
from surety.model import Price
from tests.world import BPS, GENESIS, MAX, WAD, Anvil, World, reverts

ETH = 0
P = 2_000 * WAD
MINUTE, HOUR, DAY = 60, 3_600, 86_400
FAILED, CONFIRMING = 1, 2


@dataclass
class Town:
    """A world in which time passes minute by minute, each with a price and a poke."""

    world: World

    def tell(self, price: int, seconds: int = MINUTE) -> Price:
        """Let this price hold `seconds` from now, poke, and return the word."""
        world = self.world
        world.next_at(world.now + seconds - 1)
        world.set_price(ETH, price)
        world.hub.transact("poke", 1, sender=world.keeper)
        return self.word()

    def word(self) -> Price:
        return Price.unpack(self.world.hub.read("words", ETH))

    def hold(self, price: int, minutes: int) -> Price:
        """Let a price hold."""
        for _ in range(minutes):
            word = self.tell(price)
        return word

    def call(self, id: int) -> Receipt:
        return self.world.vault.transact("margin_call", id, sender=self.world.keeper)

    def start(self, id: int) -> int:
        """Return the clock of an account."""
        return self.world.account(id).auction_start


@pytest.fixture(scope="module")
def chain() -> Iterator[Rpc]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield Rpc(node.url)


@pytest.fixture(scope="module")
def founded(chain: Rpc) -> World:
    sender = UnlockedSender(chain, chain.call("eth_accounts")[0])
    world = World(chain, SystemParams(kinds=local_kinds(sender, LOCAL_KINDS, None)))
    assert world.params.kinds[ETH].limits == MAJOR_LIMITS
    world.give_coins(world.keeper, 500_000 * WAD)
    return world


@pytest.fixture
def town(founded: World) -> Iterator[Town]:
    with founded.snapshot():
        yield Town(founded)


def edge(town: Town, price: int, ltv: Sequence[int] = (7_500, 7_800, 7_990)) -> list[int]:
    """Open accounts of ten ETH that at `price` owe these shares (bps) of their value."""
    # to borrow up to maintenance they begin at a better price
    town.hold(price * 8_000 // 7_400, 9)
    ids = [
        town.world.open([(ETH, 10 * WAD)], 10 * price * share // BPS, sub=sub)
        for sub, share in enumerate(ltv, 1)
    ]
    town.hold(price, 5)
    return ids


def test_a_glitch_of_285_bps_sells_nobody(town):
    """Aave 2026: an oracle 2.85 % too low for minutes liquidated people. Here they are called."""
    ids = edge(town, P)
    world = town.world
    glitch = town.hold(P * 9_715 // BPS, 10)
    assert (glitch.hi, glitch.flags) == (P * 9_715 // BPS, 0)
    called = []
    for id in ids:
        levels = world.levels(id)
        if levels[0] > levels[4]:
            town.call(id)
            called.append(id)
            assert town.start(id) == world.now + HOUR
            with reverts("not in auction"):
                world.vault.transact(
                    "take", id, ETH, WAD, MAX, world.keeper, b"", sender=world.keeper
                )
    assert len(called) == 2
    town.hold(P, 60)
    for id in called:
        with reverts("account is covered"):
            world.vault.transact("take", id, ETH, WAD, MAX, world.keeper, b"", sender=world.keeper)
    assert [world.vault.read("balances", id, ETH) for id in ids] == [10 * WAD] * 3


@pytest.mark.covers("O15", "I63")
def test_a_true_fall_of_22_percent_in_ten_minutes_is_followed(town):
    """`hi` is never further behind than a minute's slew, nobody gets a grace that is not theirs."""
    (id,) = edge(town, P, [7_800])
    world, price = town.world, P
    for minute in range(1, 11):
        price = P - P * 22 * minute // 1_000
        word = town.tell(price)
        assert word.lo == price
        assert word.hi * BPS <= price * (BPS + 310)
        assert word.flags == 0
    assert (word.lo, word.hi) == (price, price)
    town.call(id)
    assert town.start(id) == world.now  # below close-out: the auction runs at once
    held = world.vault.read("balances", id, ETH)
    world.vault.transact("take", id, ETH, WAD, MAX, world.keeper, b"", sender=world.keeper)
    assert world.vault.read("balances", id, ETH) < held


@pytest.mark.covers("O14")
def test_a_wick_of_minus_60_percent_gives_everybody_their_grace(town):
    """One minute at 800: `hi` falls by a tenth, below close-out, and yet nothing is immediate."""
    (id,) = edge(town, P, [7_800])
    world = town.world
    wick = town.tell(P * 4 // 10)
    assert wick.flags == CONFIRMING
    debt, *_, close_out = world.levels(id)
    assert debt > close_out
    town.call(id)
    assert town.start(id) == world.now + HOUR
    assert town.tell(P).hi == P
    with reverts("not in auction"):
        world.vault.transact("take", id, ETH, WAD, MAX, world.keeper, b"", sender=world.keeper)
    town.hold(P, 59)
    with reverts("account is covered"):
        world.vault.transact("take", id, ETH, WAD, MAX, world.keeper, b"", sender=world.keeper)


def test_a_feed_that_was_dead_for_a_day_absorbs_nobody_while_it_is_confirmed(town):
    """A clock that ran out in the dark is no licence: the first price back is in doubt."""
    (id,) = edge(town, P, [7_800])
    world = town.world
    town.hold(P * 96 // 100, 3)
    town.call(id)
    world.feeds[ETH].transact("set_reverts", True, sender=world.governor)
    opens = town.start(id)
    world.next_at(opens + 7_200 + MINUTE)
    world.hub.transact("poke", 1, sender=world.keeper)
    assert town.word().flags == FAILED
    world.feeds[ETH].transact("set_reverts", False, sender=world.governor)
    word = town.tell(P // 2)
    assert (word.flags, word.hi > P * 7 // 10) == (CONFIRMING, True)
    with reverts("price confirming"):
        world.vault.transact("absorb", id, sender=world.keeper)
    while town.word().flags & CONFIRMING:
        town.tell(P // 2)
    assert world.now - opens - 7_200 < 7_200  # still within the window of an absorb
    world.vault.transact("absorb", id, sender=world.keeper)
    assert world.debt(id) == 0


@pytest.mark.covers("O16")
def test_a_pump_lends_no_more_than_lo_allows(town):
    """+50 % for ten minutes raises what can be borrowed by ten times 2 %, to the wei."""
    world = town.world
    id = world.open([(ETH, 10 * WAD)], 2_000 * WAD)
    before = town.word()
    word = before
    for _ in range(10):
        pumped = town.tell(P * 3 // 2)
        elapsed = pumped.updated_at - word.updated_at
        assert pumped.lo == margin_math.slew_lo_down(
            word.lo, P * 3 // 2, MAJOR_LIMITS.slew_up, elapsed
        )
        word = pumped
    assert word.flags & CONFIRMING
    capacity = 10 * word.lo * 3 // 4
    room = capacity - world.debt(id)
    with reverts("below initial margin"):
        world.vault.transact("borrow", id, room + WAD, world.owner, sender=world.owner)
    world.vault.transact("borrow", id, room - WAD, world.owner, sender=world.owner)
    assert capacity < 10 * P * 3 // 4 * 123 // 100


@pytest.mark.covers("I63")
def test_a_wrong_feed_of_minus_999_permille_takes_more_than_an_hour(town):
    """With bounds wide open; with the usual ones it is a failure and moves nothing."""
    world = town.world
    price = P // 1_000
    wrong = town.tell(price)
    begun = wrong.updated_at
    assert wrong.lo == price
    while (word := town.word()).hi * 100 > price * 101:
        assert word.flags & CONFIRMING
        town.tell(price)
    assert world.now - begun > HOUR
    world.hub.transact("set_bounds", ETH, P // 20, 20 * P, sender=world.governor)
    assert town.tell(price).flags & FAILED


@pytest.mark.covers("I26", "I27")
def test_no_volatility_calls_who_satisfies_the_target_level(town):
    """Section 5's theorem on the real hub: a storm raises both multipliers to their caps."""
    world, price = town.world, P
    id = world.open([(ETH, 10 * WAD)], 10_000 * WAD)
    for hour in range(30):
        price = P * (100 - hour % 2 * 9) // 100
        word = town.tell(price, seconds=HOUR)
        debt, value, initial, target, maintenance, close_out = world.levels(id)
        assert initial <= target <= maintenance <= close_out <= value
        assert debt <= target
        with reverts("account is covered"):
            town.call(id)
    assert word.maintenance_multiplier == 12_500
    assert word.initial_multiplier > 20_000
    # what it does: lending tightens, and maintenance rises to the target's level, no further
    price = town.hold(P, 20).hi
    debt, value, initial, target, maintenance, close_out = world.levels(id)
    assert initial < target == maintenance
    with reverts("below initial margin"):
        world.vault.transact("borrow", id, target - debt - WAD, world.owner, sender=world.owner)
