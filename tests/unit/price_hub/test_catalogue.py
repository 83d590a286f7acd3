# SPDX-License-Identifier: MIT
"""The oracle catalogue: every bad answer ends in FAILED for its own kind and in nothing else."""

from __future__ import annotations

from dataclasses import replace

import ape
import pytest

from tests.unit.conftest import WAD, Word
from tests.unit.price_hub.conftest import (
    CONFIRM_PERIOD,
    CONFIRMING,
    FAILED,
    FRESH_FOR,
    MAX_AGE,
    MAX_PRICE,
    PRICE,
    SLEW_DOWN,
    moved,
)


def row(identifier, what, *values):
    return pytest.param(*values, id=f"{identifier}-{what}")


def words_of(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


@pytest.fixture
def due(hub, clock, word_of):
    """Return the time at which kind 0 is refreshed next, and set the next block to it."""

    def at(after: int = FRESH_FOR) -> int:
        moment = max(clock.now + 1, word_of().updated_at + after)
        clock.next_at(moment)
        return moment

    return at


@pytest.fixture
def assert_failed(hub, word_of):
    """Check that a failed sync left the old numbers, flagged, and shows no `lo`."""

    def check(before):
        stored = word_of()
        assert stored == replace(before, flags=before.flags | FAILED)
        assert Word.unpack(hub.read(0b1)[0]).lo == 0

    return check


@pytest.mark.parametrize(
    ("age", "flags"),
    [
        row("O01", "age-0", 0, 0),
        row("O01", "age-is-max", MAX_AGE, 0),
        row("O01", "age-above-max", MAX_AGE + 1, FAILED),
        row("O02", "stale-for-a-year", 31_536_000, FAILED),
        row("O11", "one-second-ahead", -1, FAILED),
        row("O11", "a-year-ahead", -31_536_000, FAILED),
    ],
)
def test_time_of_the_answer(hub, oracle, clock, word_of, stranger, age, flags):
    moment = clock.now + 2 * FRESH_FOR
    oracle.set_report(PRICE + 1, moment - age, sender=stranger)
    clock.next_at(moment)
    receipt = hub.sync(0b1, sender=stranger)
    assert receipt.timestamp == moment
    assert word_of().flags == flags
    assert word_of().hi == (PRICE if flags else PRICE + 1)


@pytest.mark.parametrize(
    "updated_at",
    [row("O11", "2^40", 2**40), row("O11", "2^255", 2**255), row("O11", "max", 2**256 - 1)],
)
def test_a_time_beyond_any_clock(hub, oracle, word_of, due, assert_failed, stranger, updated_at):
    before = word_of()
    oracle.set_report(PRICE, updated_at, sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


@pytest.mark.parametrize("price", [row("O03", "zero", 0), row("O03", "below-min", WAD - 1)])
def test_no_price(hub, oracle, word_of, due, assert_failed, stranger, price):
    before = word_of()
    oracle.set_price(price, sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


@pytest.mark.parametrize(
    "price",
    [row("O05", "2^96", 2**96), row("O05", "2^255", 2**255), row("O05", "max", 2**256 - 1)],
)
def test_a_huge_price_counts_as_max(hub, oracle, word_of, due, stranger, price):
    before = word_of()
    oracle.set_price(price, sender=stranger)
    moment = due()
    hub.sync(0b1, sender=stranger)
    assert word_of() == moved(before, MAX_PRICE, moment, CONFIRMING)
    assert word_of().hi == MAX_PRICE


@pytest.mark.parametrize(
    "mode",
    [
        row("O06", "reverts-without-a-reason", 1),
        row("O06", "reverts-with-a-reason", 2),
        row("O07", "returns-100-kB", 5),
        row("O08", "burns-all-gas", 3),
    ],
)
def test_a_misbehaving_oracle(hub, oracle, word_of, due, assert_failed, stranger, mode):
    before = word_of()
    oracle.set_mode(mode, sender=stranger)
    due()
    receipt = hub.sync(0b1, sender=stranger, gas_limit=1_000_000)
    assert_failed(before)
    assert receipt.gas_used < 300_000 + 70_000  # the oracle's gas and our own, whatever it does


@pytest.mark.parametrize(
    "shape",
    [
        row("O07", "empty", lambda now: b""),
        row("O07", "one-byte", lambda now: b"\x01"),
        row("O07", "31-bytes", lambda now: words_of(PRICE)[:31]),
        row("O07", "one-word", lambda now: words_of(PRICE)),
        row("O07", "63-bytes", lambda now: words_of(PRICE, now)[:63]),
        row("O07", "65-bytes", lambda now: words_of(PRICE, now) + b"\x00"),
        row("O07", "three-words", lambda now: words_of(PRICE, now, 0)),
        row("O07", "four-words", lambda now: words_of(PRICE, now, PRICE, now)),
    ],
)
def test_an_answer_of_another_shape(
    hub, oracle, clock, word_of, due, assert_failed, stranger, shape
):
    before = word_of()
    oracle.set_raw(shape(clock.now), sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


def test_an_answer_of_64_raw_bytes_is_a_price(hub, oracle, clock, word_of, due, stranger):
    """The other side of O07."""
    oracle.set_raw(words_of(PRICE + 5, clock.now), sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert (word_of().lo, word_of().flags) == (PRICE + 5, 0)


def test_an_oracle_that_lost_its_code(hub, oracle, clock, word_of, due, assert_failed, stranger):
    """O06: a call of an empty account succeeds and returns nothing."""
    before = word_of()
    clock.rpc("anvil_setCode", oracle.address, "0x")
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


def test_o08__nobody_can_fake_a_failure_by_starving_the_oracle(hub, oracle, probe, clock, stranger):
    """An oracle that needs nearly all of its gas is heard, or the call reverts."""
    low, high = 0, 10_000
    data = oracle.price.encode_input()
    while high - low > 1:
        rounds = (low + high) // 2
        oracle.set_work(rounds, sender=stranger)
        try:
            probe.execute.call(oracle, data, 300_000, sender=stranger, skip_trace=True)
            low = rounds
        except ape.exceptions.ContractLogicError:
            high = rounds
    oracle.set_work(low, sender=stranger)
    oracle.set_price(PRICE + 1, sender=stranger)
    clock.forward(FRESH_FOR)

    sync = hub.sync.encode_input(0b1)
    outcomes = set()
    for gas in range(290_000, 420_000, 2_500):
        try:
            answer = probe.execute.call(hub, sync, gas, sender=stranger, skip_trace=True)
        except ape.exceptions.ContractLogicError as error:
            outcomes.add(error.revert_message)
            continue
        word = Word.unpack(int.from_bytes(bytes(answer)[-32:], "big"))
        assert (word.lo, word.flags) == (PRICE + 1, 0), gas
        outcomes.add("price")
    assert {"gas too low", "price"} <= outcomes


def test_o08__the_gas_check_is_reached_before_anything_is_written(
    hub, oracle, probe, clock, stranger, reverts_with
):
    clock.forward(FRESH_FOR)
    sync, read = hub.sync.encode_input(0b1), hub.read.encode_input(0b1)
    for data in (sync, read):
        reverts_with("gas too low", probe.execute, hub, data, 250_000, sender=stranger)
    assert Word.unpack(hub.words(0)).flags == 0


def test_o08__a_fresh_word_needs_no_oracle_gas(hub, oracle, probe, stranger):
    oracle.set_mode(3, sender=stranger)
    answer = probe.execute.call(hub, hub.sync.encode_input(0b111), 20_000, sender=stranger)
    assert Word.unpack(int.from_bytes(bytes(answer)[-32:], "big")).lo == PRICE


def test_o08__eight_oracles_that_burn_everything_are_bounded(new_hub, list_kind, clock, stranger):
    hub = new_hub(FRESH_FOR)
    kinds = [list_kind(hub) for _ in range(8)]
    for kind in kinds:
        kind.oracle.set_mode(3, sender=stranger)
    clock.forward(FRESH_FOR)
    receipt = hub.sync(0xFF, sender=stranger, gas_limit=5_000_000)
    assert [Word.unpack(hub.words(kind)).flags for kind in range(8)] == [FAILED] * 8
    assert receipt.gas_used < 8 * 325_000


# through the Chainlink adapter


@pytest.fixture
def feed(project, governor, hub):
    """Put kind 0 on a Chainlink feed of 8 decimals at the same price."""
    aggregator = governor.deploy(project.MockAggregator, 8, 2_000 * 10**8)
    hub.set_oracle(0, governor.deploy(project.ChainlinkOracle, aggregator), sender=governor)
    return aggregator


@pytest.mark.parametrize(
    "answer",
    [
        row("O03", "feed-zero", 0),
        row("O04", "feed-minus-one", -1),
        row("O04", "feed-min-int", -(2**255)),
        row("O05", "feed-max-int", 2**255 - 1),
    ],
)
def test_an_impossible_answer(hub, feed, word_of, due, assert_failed, stranger, answer):
    before = word_of()
    feed.set_answer(answer, sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


@pytest.mark.parametrize(
    ("updated_at", "round_id", "answered_in"),
    [
        row("O10", "no-time", lambda now: 0, 5, 5),
        row("O10", "answered-in-an-older-round", lambda now: now, 5, 4),
        row("O11", "round-from-the-future", lambda now: now + 10**6, 5, 5),
    ],
)
def test_an_incomplete_round(
    hub, feed, clock, word_of, due, assert_failed, stranger, updated_at, round_id, answered_in
):
    before = word_of()
    feed.set_round(2_000 * 10**8, updated_at(clock.now), round_id, answered_in, sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


def test_o06__a_feed_that_reverts(hub, feed, word_of, due, assert_failed, stranger):
    before = word_of()
    feed.set_reverts(True, sender=stranger)
    due()
    hub.sync(0b1, sender=stranger)
    assert_failed(before)


def test_o09__a_feed_read_with_wrong_decimals_is_refused(
    project, hub, governor, feed, reverts_with
):
    """The same number with 18 instead of 8 decimals is 10**10 times too little."""
    wrong = governor.deploy(project.MockAggregator, 18, 2_000 * 10**8)
    oracle = governor.deploy(project.ChainlinkOracle, wrong)
    reverts_with("price failed", hub.set_oracle, 0, oracle, sender=governor)
    slightly = governor.deploy(project.MockAggregator, 9, 2_000 * 10**8)
    oracle = governor.deploy(project.ChainlinkOracle, slightly)
    reverts_with("price deviates", hub.set_oracle, 0, oracle, sender=governor)


def test_o12__a_chain_that_stood_still(hub, feed, word_of, due, assert_failed, stranger):
    """After an outage the old answer is stale; the next counts within the limits, confirming."""
    before = word_of()
    due(after=2 * MAX_AGE)
    hub.sync(0b1, sender=stranger)
    assert_failed(before)
    feed.set_answer(1_000 * 10**8, sender=stranger)
    moment = due()
    hub.sync(0b1, sender=stranger)
    assert word_of() == moved(before, 1_000 * WAD, moment, CONFIRMING)
    assert word_of().hi == before.hi * (10**9 - 120 * SLEW_DOWN) // 10**9
    assert hub.limits_of(0)[2] == moment + CONFIRM_PERIOD
