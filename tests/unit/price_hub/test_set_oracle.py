# SPDX-License-Identifier: MIT
"""Another oracle: live, near the price that is known, and judged at once."""

import pytest

from tests.unit.conftest import WAD, ZERO, Word
from tests.unit.price_hub.conftest import (
    CONFIRM_PERIOD,
    CONFIRMING,
    FRESH_FOR,
    MAX_AGE,
    MAX_PRICE,
    MIN_PRICE,
    PRICE,
    moved,
)


def test_set_oracle(hub, oracle, governor, new_oracle, word_of, good_word, stranger, clock):
    other = new_oracle(PRICE + WAD)
    old, before, sampled = tuple(hub.config_of(0)), word_of(), tuple(hub.volatility_of(0))

    receipt = hub.set_oracle(0, other, sender=governor)

    assert tuple(hub.config_of(0)) == (other, *old[1:])
    assert word_of() == moved(before, PRICE + WAD, receipt.timestamp, CONFIRMING)
    assert hub.limits_of(0)[2] == receipt.timestamp + CONFIRM_PERIOD
    assert tuple(hub.volatility_of(0)) == sampled
    named, updated = receipt.events
    assert (named.event_name, named.kind, named.oracle) == ("OracleSet", 0, other)
    assert (named.max_age, named.min_price, named.max_price) == (MAX_AGE, MIN_PRICE, MAX_PRICE)
    assert (updated.event_name, updated.word) == ("PriceUpdated", hub.words(0))

    oracle.set_price(7 * WAD, sender=stranger)
    clock.forward(FRESH_FOR)
    assert Word.unpack(hub.read(0b1)[0]).lo == PRICE + WAD
    clock.forward(CONFIRM_PERIOD - FRESH_FOR - 1)
    assert Word.unpack(hub.read_one(0)).flags == CONFIRMING
    clock.forward(1)
    assert Word.unpack(hub.read_one(0)).flags == 0


@pytest.mark.covers("O21")
@pytest.mark.parametrize("price", [PRICE * 95 // 100, PRICE * 105 // 100])
def test_set_oracle__at_the_edge_of_the_deviation(hub, governor, new_oracle, word_of, price):
    before, other = word_of(), new_oracle(price)
    receipt = hub.set_oracle(0, other, sender=governor)
    assert word_of() == moved(before, price, receipt.timestamp, CONFIRMING)


@pytest.mark.covers("O21")
@pytest.mark.parametrize(
    "price", [PRICE * 95 // 100 - 1, PRICE * 105 // 100 + 1, PRICE // 10**10 + WAD]
)
def test_set_oracle_reverts_when_the_price_deviates(hub, governor, new_oracle, reverts_with, price):
    reverts_with("price deviates", hub.set_oracle, 0, new_oracle(price), sender=governor)


def test_set_oracle__compares_with_what_the_old_oracle_shows_now(
    hub, oracle, governor, new_oracle, stranger, clock, word_of, reverts_with
):
    """Neither with what is stored nor with the slewed `hi` or `lo`."""
    oracle.set_price(PRICE // 2, sender=stranger)
    near_the_stored, near_the_live = new_oracle(PRICE), new_oracle(PRICE // 2)
    before = word_of()
    for seconds in (0, FRESH_FOR):
        clock.forward(seconds + 1)
        reverts_with("price deviates", hub.set_oracle, 0, near_the_stored, sender=governor)
        slewed = moved(before, PRICE // 2, clock.now).hi
        assert slewed * 100 > PRICE // 2 * 105
        reverts_with("price deviates", hub.set_oracle, 0, new_oracle(slewed), sender=governor)
    receipt = hub.set_oracle(0, near_the_live, sender=governor)
    assert word_of() == moved(before, PRICE // 2, receipt.timestamp, CONFIRMING)


def test_set_oracle__takes_any_price_when_the_old_oracle_has_failed(
    hub, oracle, governor, new_oracle, stranger, clock, word_of, good_word
):
    oracle.set_mode(1, sender=stranger)
    other = new_oracle(PRICE // 3)
    clock.forward(FRESH_FOR)
    hub.sync(0b1, sender=stranger)
    before = word_of()
    receipt = hub.set_oracle(0, other, sender=governor)
    assert word_of() == moved(before, PRICE // 3, receipt.timestamp, CONFIRMING)
    assert word_of().hi > PRICE * 8 // 10  # a wrong number still has to wait


def test_set_oracle_reverts_when_the_new_one_fails(
    hub, governor, new_oracle, stranger, clock, reverts_with
):
    other = new_oracle()
    for mode in (1, 2, 3, 5):
        other.set_mode(mode, sender=stranger)
        reverts_with("price failed", hub.set_oracle, 0, other, sender=governor)
    other.set_mode(0, sender=stranger)
    other.set_report(PRICE, clock.now - MAX_AGE - 1, sender=stranger)
    reverts_with("price failed", hub.set_oracle, 0, other, sender=governor)


@pytest.mark.covers("O21")
def test_set_oracle_reverts_when_not_governor(hub, oracle, stranger, reverts_with):
    reverts_with("not governor", hub.set_oracle, 0, oracle, sender=stranger)


@pytest.mark.parametrize("kind", [3, 32, 2**256 - 1])
def test_setters_revert_when_the_kind_is_unknown(hub, oracle, governor, kind, reverts_with):
    reverts_with("unknown kind", hub.set_oracle, kind, oracle, sender=governor)
    reverts_with("unknown kind", hub.set_bounds, kind, 1, 2, sender=governor)
    reverts_with("unknown kind", hub.set_max_age, kind, 1, sender=governor)
    reverts_with("unknown kind", hub.set_limits, kind, 1, 1, 50, 1, sender=governor)


@pytest.mark.covers("O21")
def test_set_oracle_reverts_when_it_has_no_code(hub, governor, alice, reverts_with):
    reverts_with("oracle has no code", hub.set_oracle, 0, alice, sender=governor)
    reverts_with("oracle has no code", hub.set_oracle, 0, ZERO, sender=governor)
