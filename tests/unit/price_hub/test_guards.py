# SPDX-License-Identifier: MIT
"""What stands between an oracle's answer and a word: slew, jumps, confirmation, volatility."""

from itertools import pairwise

import pytest

from surety.formulas import margin_math
from tests.unit.conftest import BPS, WAD, ZERO, Word
from tests.unit.price_hub.conftest import (
    CONFIRM_PERIOD,
    CONFIRMING,
    FAILED,
    FRESH_FOR,
    JUMP,
    PRICE,
    SIGMA_REF,
    SLEW_DOWN,
    SLEW_UP,
    moved,
)

HOUR = 3_600
UP, DOWN = 0, 1  # what a sequencer's feed answers


@pytest.fixture
def say(hub, oracle, clock, word_of, stranger):
    """Let the oracle answer, refresh `after` seconds behind the last time, return the word."""

    def speak(price: int, after: int = FRESH_FOR) -> Word:
        moment = max(clock.now + 2, word_of().updated_at + after)
        oracle.set_report(price, moment - 1, sender=stranger)
        clock.next_at(moment)
        hub.sync_one(0, sender=stranger)
        return word_of()

    return speak


# slew


@pytest.mark.parametrize(
    ("after", "counted"), [(60, 60), (90, 90), (119, 119), (120, 120), (121, 120), (10**6, 120)]
)
def test_hi_falls_by_the_slew_over_at_most_two_minutes(say, word_of, after, counted):
    before = word_of()
    word = say(PRICE // 2, after)
    assert word.lo == PRICE // 2
    left = 10**9 - SLEW_DOWN * counted
    assert word.hi == -(-before.hi * left // 10**9)
    assert word.updated_at - before.updated_at == after


@pytest.mark.parametrize(("after", "counted"), [(60, 60), (120, 120), (10**6, 120)])
def test_lo_rises_by_the_slew_over_at_most_two_minutes(say, word_of, after, counted):
    before = word_of()
    word = say(2 * PRICE, after)
    assert word.hi == 2 * PRICE
    assert word.lo == before.lo * (10**9 + SLEW_UP * counted) // 10**9


def test_lo_falls_and_hi_rises_at_once(say):
    low = say(PRICE * 9 // 10)
    assert low.lo == PRICE * 9 // 10
    high = say(PRICE * 11 // 10)
    assert high.hi == PRICE * 11 // 10


def test_a_price_within_the_slew_is_both(say):
    """A tenth a minute down, a fiftieth a minute up, each to the wei."""
    fallen = -(-PRICE * (10**9 - 60 * SLEW_DOWN) // 10**9)
    assert (say(fallen).lo, say(fallen).hi) == (fallen, fallen)
    risen = fallen * (10**9 + 60 * SLEW_UP) // 10**9
    word = say(risen)
    assert (word.lo, word.hi) == (risen, risen)


def test_one_bad_print_is_forgotten_within_the_slew(say, word_of):
    """x3 for one refresh: `hi` is back after some ten minutes, `lo` never rose by more than 2 %."""
    word = say(3 * PRICE)
    assert (word.hi, word.flags) == (3 * PRICE, CONFIRMING)
    assert word.lo <= PRICE * 102 // 100
    minutes = 0
    while word.hi > PRICE * 101 // 100:
        word = say(PRICE)
        minutes += 1
    assert minutes == 11
    assert word.lo == PRICE


def test_a_tiny_price_never_rounds_lo_up(new_hub, list_kind, clock, stranger):
    """At 1 wei the slew is less than a unit: `lo` waits rather than run ahead."""
    hub = new_hub(0)
    oracle = list_kind(hub, min_price=1).oracle
    for price in (1, 5):
        oracle.set_price(price, sender=stranger)
        clock.forward(120)
        hub.sync_one(0, sender=stranger)
    word = Word.unpack(hub.words(0))
    assert word.lo == 1
    assert word.hi >= 5


# jumps and confirmation

EDGE_DOWN = PRICE * (BPS - JUMP) // BPS
EDGE_UP = PRICE * (BPS + JUMP) // BPS


@pytest.mark.parametrize(
    ("price", "flags"),
    [(EDGE_DOWN, 0), (EDGE_DOWN - 1, CONFIRMING), (EDGE_UP, 0), (EDGE_UP + 1, CONFIRMING)],
)
def test_a_jump_starts_a_confirmation(hub, say, word_of, price, flags):
    before = word_of()
    word = say(price)
    assert word == moved(before, price, word.updated_at, flags)
    until = word.updated_at + CONFIRM_PERIOD if flags else 0
    assert tuple(hub.limits_of(0)) == (JUMP, SIGMA_REF, until)


def test_a_jump_is_measured_from_hi_down_and_from_lo_up(say):
    """With `hi` and `lo` apart, a return to where either came from is no jump."""
    fallen = say(EDGE_DOWN)
    assert fallen.hi > fallen.lo
    assert say(-(-fallen.hi * (BPS - JUMP) // BPS)).flags == 0


def test_a_confirmation_lasts_its_period_to_the_second(hub, say, word_of, clock, stranger):
    begun = say(EDGE_DOWN - 1)
    end = begun.updated_at + CONFIRM_PERIOD
    word = begun
    while word.updated_at + 2 * FRESH_FOR < end:
        word = say(EDGE_DOWN - 1)
        assert word.flags == CONFIRMING
    clock.next_at(end - 1)
    hub.sync_one(0, sender=stranger)
    assert word_of().flags == CONFIRMING
    assert Word.unpack(hub.read_one(0)).flags == CONFIRMING
    clock.next_at(end - 1 + FRESH_FOR)
    receipt = hub.sync_one(0, sender=stranger)
    assert word_of().flags == 0
    assert receipt.timestamp == end - 1 + FRESH_FOR


def test_a_confirmation_ends_at_its_second(hub, say, clock):
    """The price is a jump no longer: `lo` has come nearer by 2 % meanwhile."""
    end = say(EDGE_UP + 1).updated_at + CONFIRM_PERIOD
    clock.forward(end - 1 - clock.now)
    assert (
        Word.unpack(hub.read_one(0)).flags == CONFIRMING
    )  # `lo` is still behind: it may begin anew
    assert clock.now == end - 1


def test_another_jump_begins_the_period_anew(hub, say):
    first = say(EDGE_DOWN - 1)
    again = say(PRICE // 2, after=600)
    assert again.updated_at - first.updated_at == 600
    assert hub.limits_of(0)[2] == again.updated_at + CONFIRM_PERIOD


def test_a_feed_that_comes_back_is_confirmed(hub, oracle, say, word_of, clock, stranger):
    before = word_of()
    oracle.set_mode(1, sender=stranger)
    clock.forward(FRESH_FOR)
    hub.sync_one(0, sender=stranger)
    assert word_of().flags == FAILED
    oracle.set_mode(0, sender=stranger)
    word = say(PRICE, after=90)
    assert word == moved(before, PRICE, word.updated_at, CONFIRMING)
    assert hub.limits_of(0)[2] == word.updated_at + CONFIRM_PERIOD


def test_a_kind_that_fails_while_confirming_keeps_both_flags(hub, oracle, say, clock, stranger):
    begun = say(EDGE_DOWN - 1)
    oracle.set_mode(1, sender=stranger)
    clock.forward(FRESH_FOR)
    seen = Word.unpack(hub.read_one(0))
    assert (seen.flags, seen.lo, seen.hi) == (FAILED | CONFIRMING, 0, begun.hi)
    assert seen.updated_at == begun.updated_at


def test_o14__a_wick_of_minus_60_percent_for_one_refresh(say):
    """`hi`, the price of liquidations, falls by its slew at most, and nothing is immediate."""
    wick = say(PRICE * 4 // 10)
    assert wick.hi >= PRICE * 9 // 10 - WAD
    assert wick.flags == CONFIRMING
    back = say(PRICE)
    assert (back.hi, back.flags) == (PRICE, CONFIRMING)


def test_o25__a_year_of_silence_is_two_minutes(hub, say, word_of):
    before = word_of()
    word = say(PRICE // 10, after=31_536_000)
    assert word.hi == -(-before.hi * (10**9 - 120 * SLEW_DOWN) // 10**9)


# limits


def test_set_limits(hub, governor, clock, say, word_of):
    config, bounds, sampled = hub.config_of(0), tuple(hub.bounds_of(0)), tuple(hub.volatility_of(0))
    confirming_until = say(EDGE_DOWN - 1).updated_at + CONFIRM_PERIOD

    receipt = hub.set_limits(0, 1, 2, 12_750, 3, sender=governor)

    assert tuple(hub.config_of(0)) == (config[0], config[1], 1, 2)
    assert tuple(hub.bounds_of(0)) == bounds
    assert tuple(hub.limits_of(0)) == (12_750, 3, confirming_until)
    assert tuple(hub.volatility_of(0)) == sampled
    (event,) = receipt.events
    assert (event.event_name, event.kind) == ("LimitsSet", 0)
    assert (event.slew_down, event.slew_up, event.jump_bps, event.sigma_ref) == (1, 2, 12_750, 3)
    before = word_of()
    word = say(PRICE // 2)
    assert word.hi == -(-before.hi * (10**9 - FRESH_FOR) // 10**9)


def test_set_limits__a_jump_of_all_of_the_price_only_looks_up(hub, governor, say):
    hub.set_limits(0, SLEW_DOWN, SLEW_UP, 10_000, SIGMA_REF, sender=governor)
    assert say(WAD).flags == 0
    assert say(PRICE).flags == CONFIRMING


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ((0, 1, 50, 1), "bad slew"),
        ((1, 0, 50, 1), "bad slew"),
        ((2**24, 1, 50, 1), "bad slew"),
        ((1, 2**24, 50, 1), "bad slew"),
        ((1, 1, 0, 1), "bad jump"),
        ((1, 1, 75, 1), "bad jump"),
        ((1, 1, 12_800, 1), "bad jump"),
        ((1, 1, 50, 0), "bad sigma"),
        ((1, 1, 50, 2**40), "bad sigma"),
    ],
)
def test_set_limits_reverts_when_bad(hub, governor, reverts_with, limits, reason):
    reverts_with(reason, hub.set_limits, 0, *limits, sender=governor)


def test_set_limits_reverts_when_not_governor(hub, stranger, reverts_with):
    reverts_with("not governor", hub.set_limits, 0, 1, 1, 50, 1, sender=stranger)


# the sequencer of a second layer


@pytest.fixture
def sequencer(project, hub, governor, clock):
    """An uptime feed that has said for a day that all is well."""
    feed = governor.deploy(project.MockUptimeFeed)
    feed.set_status(UP, clock.now - 86_400, sender=governor)
    hub.set_sequencer(feed, sender=governor)
    return feed


def test_set_sequencer(project, hub, governor, alice, stranger, reverts_with):
    assert hub.sequencer() == ZERO
    feed = governor.deploy(project.MockUptimeFeed)
    receipt = hub.set_sequencer(feed, sender=governor)
    assert hub.sequencer() == feed
    assert [(e.event_name, e.feed) for e in receipt.events] == [("SequencerSet", feed)]
    hub.set_sequencer(ZERO, sender=governor)
    assert hub.sequencer() == ZERO
    reverts_with("sequencer has no code", hub.set_sequencer, alice, sender=governor)
    reverts_with("not governor", hub.set_sequencer, feed, sender=stranger)


def test_sequencer__up_for_long_changes_nothing(say, word_of, sequencer):
    before = word_of()
    word = say(PRICE + WAD)
    assert word == moved(before, PRICE + WAD, word.updated_at)


def test_sequencer__down_fails_every_kind_whatever_its_oracle_says(
    hub, say, word_of, sequencer, clock, stranger, governor, new_oracle, reverts_with
):
    before = word_of()
    sequencer.set_status(DOWN, clock.now, sender=stranger)
    word = say(PRICE)
    assert (word.flags, word.updated_at) == (FAILED, before.updated_at)
    clock.forward(FRESH_FOR)
    assert [Word.unpack(found).lo for found in hub.read(0b111)] == [0, 0, 0]
    reverts_with("price failed", hub.set_oracle, 0, new_oracle(PRICE), sender=governor)


def test_sequencer__down_leaves_no_live_price(hub, sequencer, clock, stranger):
    assert hub.live_price(0) == PRICE
    sequencer.set_status(DOWN, clock.now, sender=stranger)
    clock.forward(1)
    assert hub.live_price(0) == 0
    sequencer.set_status(UP, clock.now - 86_400, sender=stranger)
    clock.forward(1)
    assert hub.live_price(0) == PRICE


def test_sequencer__down_lists_nothing(
    hub, sequencer, clock, stranger, governor, new_token, new_oracle, reverts_with
):
    token, oracle = new_token(), new_oracle()
    usual = (3_600, WAD, 100_000 * WAD, SLEW_DOWN, SLEW_UP, JUMP, SIGMA_REF)
    sequencer.set_status(DOWN, clock.now, sender=stranger)
    reverts_with("price failed", hub.list_kind, token, oracle, *usual, sender=governor)
    sequencer.set_status(UP, clock.now, sender=stranger)
    hub.list_kind(token, oracle, *usual, sender=governor)


def test_sequencer__back_confirms_for_a_period_from_its_restart(
    hub, say, word_of, sequencer, clock, stranger
):
    """Also the kinds that nobody refreshed while it was down, and without another write."""
    restart = clock.now
    sequencer.set_status(UP, restart, sender=stranger)
    word = say(PRICE, after=2 * FRESH_FOR)
    assert word.flags == CONFIRMING
    assert hub.limits_of(0)[2] == 0
    clock.forward(restart + CONFIRM_PERIOD - 1 - clock.now)
    assert Word.unpack(hub.read_one(0)).flags == CONFIRMING
    clock.forward(1)
    assert clock.now == restart + CONFIRM_PERIOD
    assert Word.unpack(hub.read_one(0)).flags == 0


@pytest.mark.parametrize("mode", ["reverts", "burns", "short", "long"])
def test_sequencer__that_cannot_be_read_confirms_until_it_can(
    hub, say, sequencer, clock, stranger, governor, mode
):
    sequencer.set_mode(["reverts", "burns", "short", "long"].index(mode) + 1, sender=stranger)
    assert say(PRICE).flags == CONFIRMING
    assert say(PRICE, after=CONFIRM_PERIOD + 1).flags == CONFIRMING
    hub.set_sequencer(ZERO, sender=governor)
    assert say(PRICE).flags == 0


@pytest.mark.parametrize(
    ("status", "since"),
    [(2, 1), (2**256 - 1, 1), (UP, 0), (DOWN, 0), (UP, 2**256 - 1), (DOWN, 2**40)],
)
def test_sequencer__that_speaks_nonsense_confirms(say, sequencer, stranger, status, since):
    sequencer.set_status(status, since, sender=stranger)
    assert say(PRICE).flags == CONFIRMING


# volatility


def test_volatility__is_sampled_once_an_hour_at_most(hub, say, word_of):
    listed_at = hub.volatility_of(0)[2]
    start = word_of()
    early = say(PRICE * 98 // 100, after=HOUR - 1)
    assert early.updated_at < listed_at + HOUR
    assert tuple(hub.volatility_of(0)) == (0, PRICE, listed_at)

    word = say(PRICE * 96 // 100)

    variance = margin_math.variance_down(0, PRICE, PRICE * 96 // 100, 1)
    assert variance > 0
    assert tuple(hub.volatility_of(0)) == (variance, PRICE * 96 // 100, word.updated_at)
    goal = margin_math.volatility_multiplier_up(variance, SIGMA_REF * 10**9)
    assert word.initial_multiplier == margin_math.next_multiplier(BPS, goal, 25_000, 5_000, 1)
    assert word.maintenance_multiplier == margin_math.next_multiplier(BPS, goal, 12_500, 500, 1)
    assert start.initial_multiplier == BPS


def test_volatility__grows_in_a_storm_and_decays_in_calm_by_its_steps(hub, say):
    price, words = PRICE, [say(PRICE)]
    for hour in range(12):
        price = price * (109 if hour % 2 else 91) // 100
        words.append(say(price, after=HOUR))
    assert max(word.initial_multiplier for word in words) > 12_500
    assert max(word.maintenance_multiplier for word in words) == 12_500
    words.extend(say(price, after=24 * HOUR) for _ in range(6))
    for before, after in pairwise(words):
        hours = (after.updated_at - before.updated_at) // HOUR
        assert after.initial_multiplier - before.initial_multiplier <= 5_000
        assert after.maintenance_multiplier - before.maintenance_multiplier <= 500
        assert before.initial_multiplier - after.initial_multiplier <= 250 * hours
        assert before.maintenance_multiplier - after.maintenance_multiplier <= 250 * hours
    assert (words[-1].initial_multiplier, words[-1].maintenance_multiplier) == (BPS, BPS)


def test_volatility__nothing_is_sampled_while_failed_or_confirming(
    hub, oracle, say, clock, stranger
):
    sampled = tuple(hub.volatility_of(0))
    assert say(EDGE_DOWN - 1, after=HOUR + 60).flags == CONFIRMING
    assert tuple(hub.volatility_of(0)) == sampled
    oracle.set_mode(1, sender=stranger)
    clock.forward(HOUR)
    hub.sync_one(0, sender=stranger)
    assert tuple(hub.volatility_of(0)) == sampled


def test_volatility__a_forged_one_never_passes_its_caps(hub, say, governor):
    """An hourly swing by the most that counts, against the smallest reference there is."""
    hub.set_limits(0, 2**24 - 1, 2**24 - 1, 12_750, 1, sender=governor)
    for hour in range(8):
        word = say(PRICE if hour % 2 else PRICE // 2, after=HOUR)
    assert (word.initial_multiplier, word.maintenance_multiplier) == (25_000, 12_500)
