# SPDX-License-Identifier: MIT
"""A Chainlink feed behind a proxy, at its limits, and answering in shapes that are none."""

from __future__ import annotations

import pytest

from tests.unit.oracles.rig import HUB_GAS, USUAL, WAD, Refusal, Report, answers, puppet
from tests.world import reverts

ANSWER = 2_000 * 10**8
LOW, HIGH = 10**7, 10**12


class Feed:
    """A proxy, the aggregator behind it, and the adapter of the proxy."""

    def __init__(self, bench, *, behind_proxy=True):
        self.bench = bench
        self.aggregator = bench.deploy("MockAggregator", 8, ANSWER)
        self.asked = self.aggregator
        if behind_proxy:
            self.asked = bench.deploy("MockAggregatorProxy", self.aggregator.address)
        self.oracle = bench.deploy("ChainlinkOracle", self.asked.address)

    def price(self, gas=HUB_GAS):
        found = self.bench.read(self.oracle, gas)
        return None if found is None else found.price

    def point_at(self, address):
        self.bench.send(self.asked, "set_aggregator", address)

    def limit(self, low, high, aggregator=None):
        self.bench.send(aggregator or self.aggregator, "set_limits", low, high)

    def say(self, answer):
        self.bench.send(self.aggregator, "set_answer", answer)


@pytest.fixture
def feed(bench):
    return Feed(bench)


@pytest.fixture(params=["itself", "behind a proxy"])
def either(bench, request):
    return Feed(bench, behind_proxy=request.param != "itself")


def words(*values):
    return b"".join((value % 2**256).to_bytes(32) for value in values)


# a proxy's next phase


def test_price__follows_a_proxy_into_another_phase(bench, feed):
    assert feed.oracle.read("is_proxy") is True
    old_round = feed.asked.read("latestRoundData")[0]
    newer = bench.deploy("MockAggregator", 8, 3_000 * 10**8)
    feed.point_at(newer.address)
    new_round, _, _, made_at, _ = feed.asked.read("latestRoundData")
    assert (old_round >> 64, new_round >> 64) == (1, 2)
    assert new_round % 2**64 == 1
    assert bench.read(feed.oracle) == Report(3_000 * WAD, made_at)


def test_price_is_zero__when_a_round_was_answered_in_an_earlier_phase(bench, feed):
    made_at = bench.now
    for round_id, answered_in, price in (
        ((2 << 64) | 1, (1 << 64) | 500, 0),
        ((2 << 64) | 1, (2 << 64) | 1, USUAL),
    ):
        code = puppet(
            latestRoundData=words(round_id, ANSWER, made_at, made_at, answered_in),
            decimals=words(8),
            aggregator=words(int(feed.aggregator.address, 16)),
        )
        with bench.broken(code, feed.asked.address):
            assert bench.read(feed.oracle) == Report(price, made_at)


@pytest.mark.parametrize("decimals", [6, 7, 9, 18])
def test_price_is_zero__while_a_proxy_points_at_other_decimals(bench, feed, decimals):
    """Half a price and ten times a price look like a crash and a boom: this is neither."""
    other = bench.deploy("MockAggregator", decimals, 2_000 * 10**decimals)
    feed.point_at(other.address)
    assert bench.read(feed.oracle) == Report(0, other.read("latestRoundData")[3])
    feed.point_at(feed.aggregator.address)
    assert feed.price() == USUAL


def test_no_price__while_a_proxy_points_at_no_contract(bench, feed):
    for nobody in (bench.stranger, "0x" + "00" * 20, "0x" + "00" * 19 + "04"):
        feed.point_at(nobody)
        assert not feed.price()
    feed.point_at(feed.aggregator.address)
    assert feed.price() == USUAL


@pytest.mark.parametrize(
    "named",
    [b"", words(0), words(2**160), words(1), b"\x00" * 31, words(0, 0), words(0) + b"\x00"],
    ids=["empty", "zero", "dirty zero", "nobody", "short", "long", "one byte more"],
)
def test_price_is_zero__when_a_proxy_does_not_name_a_contract(bench, feed, named):
    """Whose limits should an answer be held against?"""
    code = puppet(latestRoundData=words(1, ANSWER, 1, 1, 1), decimals=words(8), aggregator=named)
    with bench.broken(code, feed.asked.address):
        assert bench.read(feed.oracle) == Report(0, 1)


@pytest.mark.parametrize("more", [b"\x00", bytes(32)])
def test_price_is_zero__when_a_proxy_names_more_than_a_contract(bench, feed, more):
    named = words(int(feed.aggregator.address, 16))
    for answer, price in ((named, USUAL), (named + more, 0)):
        code = puppet(
            latestRoundData=words(1, ANSWER, 1, 1, 1), decimals=words(8), aggregator=answer
        )
        with bench.broken(code, feed.asked.address):
            assert bench.read(feed.oracle) == Report(price, 1)


def test_no_price__when_a_proxy_no_longer_says_whom_it_asks(bench, feed):
    code = puppet(latestRoundData=words(1, ANSWER, 1, 1, 1), decimals=words(8))
    with bench.broken(code, feed.asked.address):
        assert bench.read(feed.oracle) is None


@pytest.mark.parametrize("named", [b"", words(0), words(1, 2), Refusal(words(1))])
def test_deploy__takes_a_feed_for_a_proxy_only_when_it_names_one(bench, named):
    feed = bench.deploy("MockAggregator", 8, ANSWER)
    code = puppet(decimals=words(8), latestRoundData=words(1, ANSWER, 1, 1, 1), aggregator=named)
    with bench.broken(code, feed.address):
        oracle = bench.deploy("ChainlinkOracle", feed.address)
        assert oracle.read("is_proxy") is False
        assert bench.read(oracle) == Report(USUAL, 1)


# limits


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        (LOW - 1, False),
        (LOW, False),
        (LOW + 1, True),
        (ANSWER, True),
        (HIGH - 1, True),
        (HIGH, False),
        (HIGH + 1, False),
        (2**191, False),
    ],
)
def test_price_is_zero__at_the_limits_and_beyond(either, answer, inside):
    either.limit(LOW, HIGH)
    either.say(answer)
    assert either.price() == (answer * 10**10 if inside else 0)


def test_price_is_zero__at_the_floor_of_a_token_that_is_worth_nothing_any_more(either):
    """LUNA, May 2022: the market went on falling below the least price that the feed could say."""
    either.limit(LOW, HIGH)
    either.say(LOW + 700_000)
    assert either.price() == 107 * 10**15
    either.say(LOW)
    assert either.price() == 0


def test_price__has_no_limits_where_the_aggregator_has_none(either):
    for answer in (1, ANSWER, 2**191):
        either.say(answer)
        assert either.price() == answer * 10**10


@pytest.mark.parametrize(("low", "high"), [(5, 5), (HIGH, LOW), (1, -1), (-(2**191), -1)])
def test_price__ignores_limits_that_leave_no_room(either, low, high):
    either.limit(low, high)
    room = low < high
    assert either.price() == (0 if room else USUAL)


def test_price__is_held_against_the_limits_of_the_aggregator_that_answers_now(bench, feed):
    feed.limit(LOW, HIGH)
    wider = bench.deploy("MockAggregator", 8, HIGH)
    feed.say(HIGH)
    assert feed.price() == 0
    feed.point_at(wider.address)
    assert feed.price() == HIGH * 10**10
    feed.limit(LOW, HIGH + 1, wider)
    assert feed.price() == HIGH * 10**10
    feed.limit(LOW, HIGH, wider)
    assert feed.price() == 0


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"minAnswer": words(ANSWER)},
        {"maxAnswer": words(ANSWER)},
        {"minAnswer": words(ANSWER), "maxAnswer": b""},
        {"minAnswer": b"", "maxAnswer": words(ANSWER)},
        {"minAnswer": words(ANSWER, 0), "maxAnswer": words(ANSWER + 1)},
        {"minAnswer": words(-1)},
        {"minAnswer": words(-1), "maxAnswer": Refusal(words(1))},
        {"minAnswer": Refusal(words(ANSWER)), "maxAnswer": words(ANSWER + 1)},
        {"minAnswer": None, "maxAnswer": None},
        {"minAnswer": words(ANSWER), "maxAnswer": None},
    ],
    ids=[
        "none",
        "low",
        "high",
        "no high",
        "no low",
        "long",
        "below 0",
        "high refused",
        "low refused",
        "burn",
        "high burns",
    ],
)
def test_price__has_limits_only_where_there_are_two(bench, limits):
    """Whatever else stands in their place costs no more than the gas they are given."""
    feed = Feed(bench, behind_proxy=False)
    code = puppet(latestRoundData=words(1, ANSWER, 1, 1, 1), decimals=words(8), **limits)
    with bench.broken(code, feed.asked.address):
        assert bench.read(feed.oracle, 60_000) == Report(USUAL, 1)


def test_limits__cannot_be_starved_away(either):
    """A limit that is not found for want of gas would let the floor through as a price."""
    either.limit(LOW, HIGH)
    either.say(LOW)
    answers = {either.price(gas) for gas in range(1, 60_000, 61)}
    assert answers == {None, 0}


# shapes


@pytest.mark.parametrize("size", [0, 32, 128, 159])
def test_price_is_zero__when_the_round_is_short(bench, either, size):
    good = words(1, ANSWER, 1, 1, 1)
    code = puppet(latestRoundData=good[:size], decimals=words(8), aggregator=words(1))
    with bench.broken(code, either.asked.address):
        assert bench.read(either.oracle) == Report(0, 0)


@pytest.mark.parametrize("more", [1, 31, 32, 33, 1_000])
def test_price_is_zero__when_the_round_is_long(bench, either, more):
    good = words(1, ANSWER, 1, 1, 1)
    code = puppet(latestRoundData=good + bytes(more), decimals=words(8), aggregator=words(1))
    with bench.broken(code, either.asked.address):
        assert bench.read(either.oracle) == Report(0, 0)


@pytest.mark.parametrize(
    "decimals", [b"", words(8)[:31], words(8, 0), words(8) + b"\x00", words(8 + 2**8), words(-8)]
)
def test_price_is_zero__when_the_decimals_are_no_number_or_another(bench, decimals):
    feed = Feed(bench, behind_proxy=False)
    code = puppet(latestRoundData=words(1, ANSWER, 1, 1, 1), decimals=decimals)
    with bench.broken(code, feed.asked.address):
        assert bench.read(feed.oracle) == Report(0, 1)


def test_no_price__when_the_decimals_cannot_be_asked(bench):
    feed = Feed(bench, behind_proxy=False)
    code = puppet(latestRoundData=words(1, ANSWER, 1, 1, 1))
    with bench.broken(code, feed.asked.address):
        assert bench.read(feed.oracle) is None


@pytest.mark.parametrize(
    ("round_id", "answered_in"), [(2**80, 2**80), (1, 2**80), (2**256 - 1, 2**256 - 1), (1, -1)]
)
def test_price_is_zero__when_a_round_id_is_none(bench, round_id, answered_in):
    feed = Feed(bench, behind_proxy=False)
    data = words(round_id, ANSWER, 1, 1, answered_in)
    with bench.broken(puppet(latestRoundData=data, decimals=words(8)), feed.asked.address):
        assert bench.read(feed.oracle) == Report(0, 1)


def test_price__does_not_mind_when_a_round_began(bench):
    feed = Feed(bench, behind_proxy=False)
    for began in (0, 2**256 - 1):
        data = words(1, ANSWER, began, 1, 1)
        with bench.broken(puppet(latestRoundData=data, decimals=words(8)), feed.asked.address):
            assert bench.read(feed.oracle) == Report(USUAL, 1)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (answers(b""), ""),
        (answers(words(8)[:31]), ""),
        (puppet(), ""),
        (answers(words(37)), "bad decimals"),
        (answers(words(2**8)), ""),
    ],
    ids=["empty", "short", "none", "too many", "no uint8"],
)
def test_deploy_reverts_when_decimals_are_none(bench, code, reason):
    feed = bench.deploy("MockAggregator", 8, ANSWER)
    with bench.broken(code, feed.address), reverts(reason):
        bench.deploy("ChainlinkOracle", feed.address)
