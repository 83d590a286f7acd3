# SPDX-License-Identifier: MIT
"""One Chainlink round as a WAD price: scaled exactly, never above the answer, never a lie."""

import pytest

from tests.unit.conftest import WAD


@pytest.fixture(scope="session")
def new_feed(project, governor):
    """Deploy an aggregator and its adapter."""

    def deploy(decimals, answer):
        aggregator = governor.deploy(project.MockAggregator, decimals, answer)
        return aggregator, governor.deploy(project.ChainlinkOracle, aggregator)

    return deploy


@pytest.fixture
def feed(new_feed):
    return new_feed(8, 2_000 * 10**8)


@pytest.mark.parametrize("decimals", [0, 1, 6, 8, 17, 18, 19, 24, 36])
def test_price(new_feed, decimals):
    aggregator, oracle = new_feed(decimals, 1_234 * 10**decimals)
    made_at = aggregator.latestRoundData()[3]
    assert made_at > 0
    assert tuple(oracle.price()) == (1_234 * WAD, made_at)
    assert (oracle.aggregator(), oracle.decimals()) == (aggregator, decimals)


@pytest.mark.parametrize("decimals", [6, 8, 18])
@pytest.mark.parametrize("answer", [1, 999_999, 10**18 + 1])
def test_price__is_exact_up_to_18_decimals(new_feed, decimals, answer):
    _, oracle = new_feed(decimals, answer)
    assert oracle.price()[0] == answer * 10 ** (18 - decimals)


@pytest.mark.parametrize(
    ("answer", "price"),
    [
        (10**18 - 1, 0),
        (10**18, 1),
        (2 * 10**18 - 1, 1),
        (2**255 - 1, (2**255 - 1) // 10**18),
    ],
)
def test_price__rounds_down_above_18_decimals(new_feed, answer, price):
    _, oracle = new_feed(36, answer)
    assert oracle.price()[0] == price


@pytest.mark.parametrize(
    ("decimals", "answer", "fits"),
    [
        (0, (2**256 - 1) // 10**18, True),
        (0, (2**256 - 1) // 10**18 + 1, False),
        (0, 2**255 - 1, False),
        (17, (2**256 - 1) // 10, True),
        (17, (2**256 - 1) // 10 + 1, False),
        (18, 2**255 - 1, True),
    ],
)
def test_price_is_zero__when_it_cannot_be_normalised(new_feed, decimals, answer, fits):
    aggregator, oracle = new_feed(decimals, answer)
    made_at = aggregator.latestRoundData()[3]
    expected = answer * 10 ** (18 - decimals) if fits else 0
    assert tuple(oracle.price()) == (expected, made_at)


@pytest.mark.parametrize("answer", [0, -1, -2_000 * 10**8, -(2**255)])
def test_price_is_zero__when_the_answer_is_not_above_zero(feed, clock, governor, answer):
    aggregator, oracle = feed
    aggregator.set_answer(answer, sender=governor)
    assert tuple(oracle.price()) == (0, clock.now)


@pytest.mark.parametrize(
    ("updated_at", "round_id", "answered_in", "price"),
    [
        (0, 9, 9, 0),
        (1, 9, 9, 2_000 * WAD),
        (1, 9, 8, 0),
        (1, 9, 10, 2_000 * WAD),
        (1, 0, 0, 2_000 * WAD),
        (1, 2**80 - 1, 2**80 - 1, 2_000 * WAD),
        (1, 2**80 - 1, 1, 0),
        # no round was ever made in the future: an oracle made of several would take it for fresh
        (2**40, 9, 9, 0),
        (2**256 - 1, 9, 9, 0),
    ],
)
def test_price_is_zero__when_the_round_is_incomplete(
    feed, governor, updated_at, round_id, answered_in, price
):
    aggregator, oracle = feed
    aggregator.set_round(2_000 * 10**8, updated_at, round_id, answered_in, sender=governor)
    assert tuple(oracle.price()) == (price, updated_at)


def test_price_reverts_when_the_feed_reverts(feed, governor, reverts_with):
    aggregator, oracle = feed
    aggregator.set_reverts(True, sender=governor)
    reverts_with("feed is down", oracle.price)


@pytest.mark.parametrize("decimals", [0, 7, 9, 18, 255])
def test_price_is_zero__while_the_feed_has_other_decimals(feed, clock, governor, decimals):
    """A proxy may point at another aggregator: its answers would be wrong by powers of ten."""
    aggregator, oracle = feed
    aggregator.set_decimals(decimals, sender=governor)
    price, made_at = oracle.price()
    assert (price, made_at) == (0, aggregator.latestRoundData()[3])
    assert oracle.decimals() == 8

    aggregator.set_decimals(8, sender=governor)
    assert tuple(oracle.price()) == (2_000 * WAD, made_at)


@pytest.mark.parametrize("decimals", [37, 77, 255])
def test_deploy_reverts_when_decimals_are_too_many(project, governor, decimals, refuses_to_deploy):
    aggregator = governor.deploy(project.MockAggregator, decimals, 1)
    refuses_to_deploy("bad decimals", project.ChainlinkOracle, aggregator)


def test_deploy_reverts_when_there_is_no_code(project, alice, refuses_to_deploy):
    refuses_to_deploy("aggregator has no code", project.ChainlinkOracle, alice)


def test_price__costs_little_beside_the_feed(feed, probe, governor):
    aggregator, oracle = feed
    through = probe.measure(oracle, oracle.price.encode_input(), sender=governor)
    direct = probe.measure(aggregator, aggregator.latestRoundData.encode_input(), sender=governor)
    # one more storage slot for the decimals, one for limits that this feed does not have
    assert through.events[0].gas - direct.events[0].gas <= 10_000
