# SPDX-License-Identifier: MIT
"""What an oracle can do to a book, through adapter, hub and vault: rows O01-O25 of the catalogue.

What each bad answer does to the hub's word is in tests/unit/price_hub/test_catalogue.py; here is
what owners, keepers and takers can still do. Every move is predicted by `surety.model`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from surety.deploy import BookParams
from surety.formulas import margin_math
from surety.model.hub import UNREADABLE
from tests.bad_inputs.ground import BTC, DOWN, ETH, MAX_AGE, STABLE, UP, Ground
from tests.bad_inputs.live import good_calls
from tests.unit.oracles.rig import FAULTS
from tests.world import ABSORBABLE, CALLABLE, CALLED, HEALTHY, IN_AUCTION, MAX, WAD

FAILED, CONFIRMING = 1, 2
NOBODY = "0x" + "00" * 20
LOW = 590 * WAD  # 10 ETH at close-out support 5,015 coins, at maintenance 4,720
FEED = LOW // 10**10
AHEAD = 3_600


class Scene(Ground):
    """A book with somebody in each state, and one second before its prices are asked anew."""

    def __init__(self) -> None:
        super().__init__(with_sequencer=True)
        world = self.world
        world.give_coins(world.keeper, 200_000 * WAD)
        world.give_coins(world.stranger, WAD)
        world.give(world.stranger, ETH, 100 * WAD)
        self.covered = self.open([(ETH, 10 * WAD)], 3_000 * WAD)
        self.free = self.open([(ETH, 10 * WAD)], 0, sub=1)
        # its BTC alone carries the debt
        self.mixed = self.open([(ETH, WAD), (BTC, 10**8)], 2_000 * WAD, sub=2)
        self.ripe = self.open([(ETH, 10 * WAD)], 5_100 * WAD, sub=3)
        self.callable = self.open([(ETH, 10 * WAD)], 5_000 * WAD, sub=4)
        self.sold = self.open([(ETH, 10 * WAD), (BTC, 10**7)], 8_500 * WAD, sub=5)
        self.new = world.id(world.owner, 6)
        self.ids.append(self.new)
        world.give(world.owner, ETH, 10 * WAD)
        world.give(world.owner, STABLE, 10**7)
        world.follow(LOW)
        self.act("margin_call", self.ripe)
        world.forward(self.rules.auction_duration + 1)
        world.follow(LOW)
        self.act("margin_call", self.sold)
        states = [world.state(id) for id in (self.covered, self.ripe, self.callable, self.sold)]
        assert states == [HEALTHY, ABSORBABLE, CALLABLE, IN_AUCTION]
        world.forward(60)

    def tried(self) -> dict[str, str | None]:
        """Let everybody try everything, in this order, and say what they are told."""
        world, owner, stranger = self.world, self.world.owner, self.world.stranger
        moves: dict[str, tuple[Any, ...]] = {
            "borrow": ("borrow", self.covered, WAD, owner),
            "withdraw with debt": ("withdraw", self.covered, ETH, 1, owner),
            "move debt in": ("move", self.covered, self.free, [], MAX),
            "borrow on another kind": ("borrow", self.mixed, WAD, owner),
            "enable": ("deposit", self.new, ETH, WAD),
            "enable another kind": ("deposit", self.new, STABLE, 10**6),
            "deposit": ("deposit", self.covered, ETH, WAD),
            "repay": ("repay", self.covered, WAD),
            "deposit and repay": ("adjust", self.covered, [(ETH, WAD)], -WAD, owner, b""),
            "withdraw without debt": ("withdraw", self.free, ETH, WAD, owner),
            "move without debt": ("move", self.free, self.covered, [(ETH, WAD)], 0),
            "margin call": ("margin_call", self.callable),
            "take": ("take", self.sold, ETH, WAD, MAX, world.keeper, b""),
            "take another kind": ("take", self.sold, BTC, 10**5, MAX, world.keeper, b""),
            "cure": ("cure", self.sold),
            "absorb": ("absorb", self.ripe),
            "accrue": ("accrue",),
            "repay all": ("repay", self.covered, MAX),
            "withdraw all": ("withdraw", self.covered, ETH, MAX, owner),
        }
        of_strangers = {"deposit", "deposit and repay"}
        of_keepers = {"repay", "repay all", "margin call", "take", "take another kind"}
        said = {}
        for name, (fn, *args) in moves.items():
            who = owner
            if name in of_strangers:
                who = stranger
            elif name in of_keepers:
                who = world.keeper
            said[name] = self.outcome(fn, *args, sender=who)
        return said


BELOW = "below initial margin"
# what is refused while the price of ETH is good, though low
GOOD = {"cure": "not curable"}
# with no price: nothing is opened on it and it is not sold, everything else goes on
DEAD = {
    "borrow": BELOW,
    "withdraw with debt": BELOW,
    "move debt in": BELOW,
    "enable": "price failed",
    "take": "price failed",
    "cure": "not curable",
    "absorb": "price failed",
}
# with no price of any kind
ALL_DEAD = DEAD | {
    "borrow on another kind": BELOW,
    "enable another kind": "price failed",
    "take another kind": "price failed",
}
# good again, not long enough: the one who needs no grace gets one, and nobody is absorbed
DOUBTED = {"enable": "price confirming", "cure": "not curable", "absorb": "price confirming"}
ALL_DOUBTED = DOUBTED | {"enable another kind": "price confirming"}
# far too high: nobody is callable, everybody is cured
HIGH = {
    "enable": "price confirming",
    "margin call": "account is covered",
    "take": "account is covered",
    "take another kind": "account is covered",
    "absorb": "not absorbable",
}


def refused(said: Mapping[str, str | None]) -> dict[str, str]:
    return {name: reason for name, reason in said.items() if reason is not None}


def say(*values: int | Callable[[int], int]) -> Callable[[Scene], None]:
    """Let the feed of ETH report a round; a function is asked for a value at the time."""

    def act(scene: Scene) -> None:
        now = scene.now
        scene.say_round(ETH, *(value(now) if callable(value) else value for value in values))

    return act


def now(at: int) -> int:
    return at


def feed_fails(scene: Scene) -> None:
    scene.world.feeds[ETH].transact("set_reverts", True, sender=scene.world.governor)
    scene.dead.add(ETH)


def feed_has_other_decimals(scene: Scene) -> None:
    scene.world.feeds[ETH].transact("set_decimals", 18, sender=scene.world.governor)
    scene.dead.add(ETH)


def at_its_floor(scene: Scene) -> None:
    feed = scene.world.feeds[ETH]
    feed.transact("set_limits", FEED, 10**12, sender=scene.world.governor)
    feed.transact("set_answer", FEED, sender=scene.world.governor)
    scene.dead.add(ETH)


def answered_before(scene: Scene) -> None:
    scene.say_round(ETH, FEED, scene.now, 5, 4)
    scene.dead.add(ETH)


def code_of(fault: str) -> Callable[[Scene], None]:
    """Put code that misbehaves in the place of the oracle."""

    def act(scene: Scene) -> None:
        scene.set_code(scene.oracle_of(ETH), FAULTS[fault])
        scene.dead.add(ETH)

    return act


ROWS = {"has no code": "O06", "burns its gas": "O08", "fails at once with all gas": "O08"}
FEED_FAULTS = {
    "O01-one-second-too-old": say(FEED, lambda at: at - MAX_AGE - 1, 9, 9),
    "O02-stale-for-a-year": say(FEED, lambda at: at - 31_536_000, 9, 9),
    "O03-zero": say(0, now, 9, 9),
    "O04-minus-one": say(-1, now, 9, 9),
    "O04-least-integer": say(-(2**255), now, 9, 9),
    "O06-feed-reverts": feed_fails,
    "O09-other-decimals": feed_has_other_decimals,
    "O10-no-time": say(FEED, 0, 9, 9),
    "O10-answered-in-an-older-round": answered_before,
    "O11-an-hour-ahead": say(FEED, lambda at: at + AHEAD, 9, 9),
    "O13-at-the-floor-of-its-aggregator": at_its_floor,
}


def code_row(name: str) -> str:
    row = ROWS.get(name, "O06" if "revert" in name else "O07")
    return f"{row}-{name.replace(' ', '-')}"


# beside those that tests/unit/oracles has for every adapter and every length
LEFT_OUT = {f"answers {size} bytes" for size in (1, 31, 33, 95, 96, 127, 159, 161, 192)}
CODE_FAULTS = {code_row(name): code_of(name) for name in FAULTS if name not in LEFT_OUT}


@pytest.mark.covers("O02", "I35", "I36", "I56", "I57", "I64", "I58")
@pytest.mark.parametrize(
    "fault", [pytest.param(act, id=id) for id, act in (FEED_FAULTS | CODE_FAULTS).items()]
)
def test_an_oracle_without_an_answer(fault):
    """It opens nothing and sells nothing of its own kind, and stops nothing else."""
    scene = Scene()
    fault(scene)
    hi = scene.word(ETH)[1]
    assert refused(scene.tried()) == DEAD
    assert scene.word(ETH) == (0, hi, FAILED)
    assert scene.word(BTC)[2] == 0


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(say(FEED, now, 9, 9), id="O01-fresh"),
        pytest.param(
            say(FEED, lambda at: at - MAX_AGE + 30, 9, 9), id="O01-seconds-before-max-age"
        ),
        pytest.param(lambda scene: scene.set_code(scene.uptime.address, b""), id="O12-none"),
    ],
)
def test_an_oracle_with_an_answer(answer):
    """The other side of all others: with a price that is good every move goes through."""
    scene = Scene()
    scene.world.hub.transact("set_sequencer", NOBODY, sender=scene.world.governor)
    scene.sequencer = None
    answer(scene)
    assert refused(scene.tried()) == GOOD


@pytest.mark.covers("I64")
@pytest.mark.parametrize(
    "price",
    [
        pytest.param(2**62, id="O05-2^62-of-8-decimals"),
        pytest.param(2**96, id="O05-2^96"),
        pytest.param(2**191 - 1, id="O05-2^191"),
    ],
)
def test_an_oracle_that_says_far_too_much(price):
    """The price counts as `max`: nothing overflows, debts accrue and are repaid."""
    scene = Scene()
    scene.say_round(ETH, price, scene.now, 9, 9)
    highest = scene.world.hub.read("bounds_of", ETH)[1]
    assert price * 10**10 > highest
    assert refused(scene.tried()) == HIGH
    assert scene.word(ETH)[1:] == (highest, CONFIRMING)


@pytest.mark.covers("O05")
def test_o05_an_answer_that_no_word_holds_is_none():
    """The largest integer cannot be brought to 18 decimals: no price, instead of an overflow."""
    scene = Scene()
    scene.say_round(ETH, 2**255 - 1, scene.now, 9, 9)
    scene.dead.add(ETH)
    assert refused(scene.tried()) == DEAD


# the sequencer of a second layer


@pytest.mark.covers("O12")
def test_a_sequencer_that_is_down_fails_every_kind():
    scene = Scene()
    scene.say_uptime(DOWN, scene.now)
    assert refused(scene.tried()) == ALL_DEAD
    assert scene.word(ETH)[2] == scene.word(BTC)[2] == FAILED


@pytest.mark.covers("O12")
@pytest.mark.parametrize("since", [pytest.param(0, id="now"), pytest.param(-590, id="a-while-ago")])
def test_a_sequencer_that_is_back_leaves_time_and_stops_no_sale(since):
    scene = Scene()
    scene.say_uptime(UP, scene.now + since)
    assert refused(scene.tried()) == ALL_DOUBTED
    # the one below maintenance has its grace: the clock opens an hour after the call
    assert scene.world.state(scene.callable) == CALLED


@pytest.mark.covers("O12")
def test_a_sequencer_that_is_back_for_the_confirm_period_is_trusted():
    scene = Scene()
    scene.say_uptime(UP, scene.now - 600)
    assert refused(scene.tried()) == GOOD


@pytest.mark.covers("O12")
@pytest.mark.parametrize("fault", ["has no code", "reverts", "burns its gas", "answers 159 bytes"])
def test_a_sequencers_feed_that_cannot_be_read_stops_no_sale(fault):
    scene = Scene()
    scene.set_code(scene.uptime.address, FAULTS[fault])
    scene.sequencer = UNREADABLE
    assert refused(scene.tried()) == ALL_DOUBTED


# true and false prints, within the limits that are deployed: a tenth a minute down, 2 % up

P = 2_000 * WAD
MINUTE, HOUR = 60, 3_600


def said_each_minute(ground: Ground, price: int, kind: int = ETH) -> tuple[int, int, int]:
    """Let a price hold for a minute, poke at its end, and return lo, hi and flags."""
    world = ground.world
    world.next_at(world.now + MINUTE - 1)
    world.set_price(kind, price)
    world.hub.transact("poke", 1 << kind, sender=world.keeper)
    return ground.word(kind)


@pytest.mark.covers("O14")
def test_o14_a_wick_is_cured_for_nothing():
    """One minute at -60 %: a clock, nobody sold within the grace, and a cure that costs nothing."""
    ground = Ground(limits=None, confirm_period=1_200)
    world = ground.world
    id = ground.open([(ETH, 10 * WAD)], 14_900 * WAD)
    said_each_minute(ground, P)
    # a tenth down is 1,800, where maintenance is 14,400
    tenth_down = -(-P * (10**9 - MINUTE * 1_666_667) // 10**9)
    found = said_each_minute(ground, P * 4 // 10)
    assert found == (P * 4 // 10, tenth_down, CONFIRMING)
    called = ground.act("margin_call", id)
    assert called.after.positions[id].auction_start == called.now + HOUR
    take = ("take", id, ETH, WAD, MAX, world.keeper, b"")
    ground.act(*take, refused="not in auction")
    assert said_each_minute(ground, P)[1] == P
    ground.act("cure", id)  # the debt is exactly that of before: `act` compares
    assert (world.account(id).auction_start, world.debt(id)) == (0, 14_905 * WAD)
    for _ in range(60):
        said_each_minute(ground, P)
    ground.act(*take, refused="not in auction")
    assert world.vault.read("balances", id, ETH) == 10 * WAD


@pytest.mark.covers("O15")
def test_o15_a_true_crash_is_recognised_in_minutes():
    """-50 % at once: `hi` takes 7 minutes to follow; 20 after the last jump nobody needs a grace.

    A tenth a minute: 1,800, 1,620, 1,458, 1,312, 1,181, 1,063, 1,000. At the sixth the price is
    still a tenth below what was stored, so the confirmation ends in minute 26.
    """
    ground = Ground(limits=None, confirm_period=1_200)
    id = ground.open([(ETH, 10 * WAD)], 14_900 * WAD)
    followed, trusted = 0, 0
    for minute in range(1, 40):
        lo, hi, flags = said_each_minute(ground, P // 2)
        assert lo == P // 2
        if not followed and hi == P // 2:
            followed = minute
        if not flags:
            trusted = minute
            break
    assert (followed, trusted) == (7, 26)
    called = ground.act("margin_call", id)
    assert called.after.positions[id].auction_start == called.now


@pytest.mark.parametrize(
    ("price", "capacity", "is_callable"),
    [
        # of 10,000 at 88 % initial and 91 % maintenance, with 8,000 borrowed
        pytest.param(100, 8_800, False, id="O18-at-par"),
        pytest.param(95, 8_360, False, id="O18-95-cents"),
        pytest.param(90, 7_920, False, id="O18-90-cents"),
        pytest.param(87, 7_656, True, id="O18-87-cents"),
        pytest.param(105, 9_240, False, id="O18-105-cents"),
    ],
)
def test_a_stable_coin_that_loses_its_peg_lends_less(price, capacity, is_callable):
    """Nothing here takes a coin for a coin: its own price counts, down and up."""
    ground = Ground(limits=None, confirm_period=1)
    world = ground.world
    id = ground.open([(STABLE, 10_000 * 10**6)], 8_000 * WAD)
    for _ in range(10):
        lo, hi, _ = said_each_minute(ground, WAD * price // 100, STABLE)
    assert (lo, hi) == (WAD * price // 100,) * 2
    levels = world.levels(id)
    assert levels[2] == capacity * WAD
    room = capacity - 8_000
    if room >= 0:
        ground.act("borrow", id, room * WAD + 1, world.owner, sender=world.owner, refused=BELOW)
    if room > 0:
        ground.act("borrow", id, room * WAD, world.owner, sender=world.owner)
    elif room < 0:
        ground.act("withdraw", id, STABLE, 1, world.owner, sender=world.owner, refused=BELOW)
    ground.act("margin_call", id, refused=None if is_callable else "account is covered")


@pytest.mark.parametrize(
    ("lower", "price"),
    [
        pytest.param(9_900, 9_900, id="O19-1-percent"),
        pytest.param(9_800, 9_800, id="O19-2-percent"),
        pytest.param(9_799, None, id="O19-a-basis-point-more"),
        pytest.param(8_000, None, id="O19-20-percent"),
    ],
)
@pytest.mark.parametrize("name", ["MedianOracle", "MinimumOracle"])
def test_two_sources_that_disagree(name, lower, price):
    """The lower counts for opening at once, the higher for liquidation until `hi` has followed.

    A median of which two are left (with a spread of 2 %) takes no side when they are further apart.
    """
    ground = Ground(limits=None, confirm_period=1)
    world = ground.world
    sources = [ground.new("MockOracle", P) for _ in range(3 if name == "MedianOracle" else 2)]
    settings = (MAX_AGE, 200) if name == "MedianOracle" else ()
    addresses = [source.address for source in sources]
    oracle = ground.new(name, *addresses, *settings, 60_000).address
    world.hub.transact("set_oracle", ETH, oracle, sender=world.governor)
    if name == "MedianOracle":
        sources[2].transact("set_mode", 1, sender=world.governor)
    ground.world.forward(120)
    assert said_by(ground, sources, P, P) == (P, P, 0)
    found = said_by(ground, sources, P, P * lower // 10_000)
    if price is None and name == "MedianOracle":
        assert found == (0, P, FAILED)
        return
    low = P * lower // 10_000
    fallen = -(-P * (10**9 - MINUTE * 1_666_667) // 10**9)
    assert found == (low, max(low, fallen), 0 if low >= P * 9 // 10 else CONFIRMING)


def said_by(ground: Ground, sources: list[Any], *prices: int) -> tuple[int, int, int]:
    """Let sources say these prices, wait a minute, poke."""
    world = ground.world
    world.next_at(world.now + MINUTE - len(prices))
    for source, price in zip(sources, prices, strict=False):
        source.transact("set_price", price, sender=world.governor)
    world.hub.transact("poke", 1, sender=world.keeper)
    return ground.word(ETH)


# one price in a call, one in a block


@pytest.mark.covers("O22")
def test_no_call_of_a_vault_asks_an_oracle_twice(live):
    """What is checked and what is done use one price, however many kinds and accounts."""
    oracles = {live.world.hub.read("config_of", kind)[0].lower() for kind in range(4)}
    asked = 0
    for call in good_calls(live, "Vault"):
        live.world.forward(61)
        live.node.run(call.sender, call.contract.address, call.data, live.world.now + 1)
        *_, tx = live.rpc.block()["transactions"]
        trace = live.rpc.call("debug_traceTransaction", tx, {"tracer": "callTracer"})
        counts = Counter(target for target in targets(trace) if target in oracles)
        assert set(counts.values()) <= {1}, call.name
        asked += len(counts)
    assert asked >= 15


def targets(trace: dict[str, Any]) -> Iterator[str]:
    """Yield whom a transaction has called, in order."""
    yield trace["to"]
    for inner in trace.get("calls", ()):
        yield from targets(inner)


@pytest.mark.covers("O24", "M01")
def test_updates_in_one_block_move_a_price_once():
    """A keeper who may bring updates brings two, pokes after each and calls, in one transaction."""
    ground = Ground(limits=None, confirm_period=1_200)
    world = ground.world
    id = ground.open([(ETH, 10 * WAD)], 14_900 * WAD)
    world.forward(120)
    feed, actor = world.feeds[ETH], ground.new("MockActor")
    poke = (world.hub.address, world.hub.encode("poke", 1))
    steps = [
        (feed.address, feed.encode("set_answer", 1_700 * 10**8)),
        poke,
        (feed.address, feed.encode("set_answer", 800 * 10**8)),
        poke,
        (world.vault.address, world.vault.encode("margin_call", id)),
    ]
    actor.transact("set_steps", steps, sender=world.keeper)
    word = world.hub.read("words", ETH)
    listed_at = (word >> 176) % 2**40
    assert ground.node.run(world.keeper, actor.address, b"\x01\x02\x03\x04", world.now + 1)
    # 120 seconds at most count, whatever has been brought
    assert world.now - listed_at > 120
    fallen = -(-P * (10**9 - 120 * 1_666_667) // 10**9)
    assert ground.word(ETH) == (1_700 * WAD, 1_700 * WAD, CONFIRMING)
    assert fallen < 1_700 * WAD
    assert world.account(id).auction_start == world.now + HOUR
    # the second print counts from the next minute on, from where the first has left it
    assert ground.world.forward(61)
    world.hub.transact("poke", 1, sender=world.keeper)
    lo, hi, flags = ground.word(ETH)
    seconds = 62
    assert (lo, flags) == (800 * WAD, CONFIRMING)
    assert hi == -(-1_700 * WAD * (10**9 - seconds * 1_666_667) // 10**9)


@pytest.mark.covers("O25", "I63")
def test_a_feed_that_was_dead_for_a_year():
    """Debts grew as ever and could be repaid; the price moves by two minutes' worth, in doubt."""
    ground = Ground(book=BookParams(), limits=None, confirm_period=1_200)
    world = ground.world
    world.give_coins(world.keeper, 10_000 * WAD)
    id = ground.open([(ETH, 10 * WAD)], 5_000 * WAD)
    world.feeds[ETH].transact("set_reverts", True, sender=world.governor)
    ground.dead.add(ETH)
    world.forward(31_536_000 // 2)
    ground.act("repay", id, 1_000 * WAD)
    world.forward(31_536_000 // 2)
    ground.act("repay", id, 500 * WAD)
    world.feeds[ETH].transact("set_reverts", False, sender=world.governor)
    ground.dead.clear()
    world.set_price(ETH, P // 2)
    ground.act("margin_call", id, refused="account is covered")
    lo, hi, flags = ground.word(ETH)
    assert (lo, flags) == (P // 2, CONFIRMING)
    assert hi == -(-P * (10**9 - 120 * 1_666_667) // 10**9)
    # the first sample covers the whole year, of which 24 hours count, and 4 for a multiplier
    _, _, listed_at = world.hub.read("volatility_of", ETH)
    for _ in range(30):
        said_each_minute(ground, P // 2)
    variance, price, sampled_at = world.hub.read("volatility_of", ETH)
    hours = (sampled_at - listed_at) // HOUR
    assert (price, hours) == (P // 2, 8_760)
    assert variance == margin_math.variance_down(0, P, P // 2, hours)
    goal = margin_math.volatility_multiplier_up(variance, 15_000_000 * 10**9)
    word = world.hub.read("words", ETH)
    assert word >> 248 == 0
    assert (word >> 216) % 2**16 == min(goal, 25_000, 10_000 + 4 * 5_000)
    assert (word >> 232) % 2**16 == min(goal, 12_500, 10_000 + 4 * 500)
    ground.act("repay", id, MAX)
    assert world.debt(id) == 0
