# SPDX-License-Identifier: MIT
"""Bounds and age: changed by the governor, applied at once."""

import pytest

from tests.unit.conftest import WAD
from tests.unit.price_hub.conftest import (
    CONFIRMING,
    FAILED,
    JUMP,
    MAX_AGE,
    MAX_PRICE,
    MIN_PRICE,
    PRICE,
    SIGMA_REF,
    moved,
)


def test_set_bounds(hub, governor, word_of, good_word):
    receipt = hub.set_bounds(0, 2 * WAD, 5_000 * WAD, sender=governor)
    assert tuple(hub.bounds_of(0)) == (2 * WAD, 5_000 * WAD)
    assert tuple(hub.limits_of(0)) == (JUMP, SIGMA_REF, 0)
    assert tuple(hub.bounds_of(1)) == (MIN_PRICE, MAX_PRICE)
    assert word_of() == good_word(PRICE, receipt.timestamp)
    named, updated = receipt.events
    assert (named.event_name, named.kind) == ("OracleSet", 0)
    assert (named.min_price, named.max_price, named.max_age) == (2 * WAD, 5_000 * WAD, MAX_AGE)
    assert (updated.event_name, updated.word) == ("PriceUpdated", hub.words(0))


def test_set_bounds__fails_a_price_below_them_at_once_and_heals_it_at_once(
    hub, governor, word_of, seen
):
    before = word_of()
    hub.set_bounds(0, PRICE + 1, MAX_PRICE, sender=governor)
    assert (word_of().flags, word_of().updated_at) == (FAILED, before.updated_at)
    assert (seen().lo, seen().hi) == (0, PRICE)
    hub.set_bounds(0, PRICE, MAX_PRICE, sender=governor)
    assert (word_of().flags, word_of().lo) == (CONFIRMING, PRICE)


def test_set_bounds__caps_a_price_above_them_at_once(hub, governor, word_of):
    before, bound = word_of(), PRICE - WAD // 10
    receipt = hub.set_bounds(0, MIN_PRICE, bound, sender=governor)
    assert word_of() == moved(before, bound, receipt.timestamp)
    assert word_of().lo == bound


@pytest.mark.parametrize("bounds", [(0, 1), (5, 5), (6, 5), (1, 2**88), (2**88, 2**88 + 1)])
def test_set_bounds_reverts_when_bad(hub, governor, bounds, reverts_with):
    reverts_with("bad bounds", hub.set_bounds, 0, *bounds, sender=governor)


def test_set_bounds_reverts_when_not_governor(hub, stranger, reverts_with):
    reverts_with("not governor", hub.set_bounds, 0, 1, 2, sender=stranger)


def test_set_max_age(hub, governor, clock, word_of, good_word):
    old = tuple(hub.config_of(0))
    receipt = hub.set_max_age(0, 1_234, sender=governor)
    assert tuple(hub.config_of(0)) == (old[0], 1_234, *old[2:])
    assert word_of() == good_word(PRICE, receipt.timestamp)
    named, updated = receipt.events
    assert (named.event_name, named.kind, named.max_age) == ("OracleSet", 0, 1_234)
    assert (updated.event_name, updated.word) == ("PriceUpdated", hub.words(0))


def test_set_max_age__is_applied_at_once(hub, oracle, governor, clock, word_of, stranger):
    oracle.set_report(PRICE, clock.now - 1_000, sender=stranger)
    hub.set_max_age(0, 900, sender=governor)
    assert word_of().flags == FAILED
    hub.set_max_age(0, 1_100, sender=governor)
    assert word_of().flags == CONFIRMING


@pytest.mark.parametrize("max_age", [0, 2**24, 2**256 - 1])
def test_set_max_age_reverts_when_bad(hub, governor, max_age, reverts_with):
    reverts_with("bad max age", hub.set_max_age, 0, max_age, sender=governor)


def test_set_max_age_reverts_when_not_governor(hub, stranger, reverts_with):
    reverts_with("not governor", hub.set_max_age, 0, 1, sender=stranger)
