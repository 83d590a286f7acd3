# SPDX-License-Identifier: MIT
"""Refreshing prices: when the oracle is asked, what is stored, what is returned, what is logged."""

import pytest

from tests.unit.conftest import BPS, WAD, Word
from tests.unit.price_hub.conftest import (
    CONFIRMING,
    FAILED,
    FRESH_FOR,
    MAX_AGE,
    MAX_PRICE,
    MIN_PRICE,
    PRICE,
    moved,
)


def test_sync(hub, oracle, clock, word_of, good_word, stranger):
    clock.forward(FRESH_FOR)
    oracle.set_price(1_900 * WAD, sender=stranger)

    receipt = hub.sync(0b1, sender=stranger)

    expected = good_word(1_900 * WAD, receipt.timestamp)
    assert word_of(0) == expected
    (event,) = receipt.events
    assert (event.event_name, event.kind) == ("PriceUpdated", 0)
    assert event.word == hub.words(0)
    assert word_of(1) == good_word(PRICE, word_of(1).updated_at)


def test_sync__uses_a_fresh_word_as_it_is(hub, oracle, clock, word_of, stranger):
    accepted_at = word_of().updated_at
    oracle.set_price(1_900 * WAD, sender=stranger)
    oracle.set_mode(2, sender=stranger)

    clock.next_at(accepted_at + FRESH_FOR - 1)
    receipt = hub.sync(0b1, sender=stranger)

    assert receipt.timestamp == accepted_at + FRESH_FOR - 1
    assert (word_of().lo, word_of().updated_at, word_of().flags) == (PRICE, accepted_at, 0)
    assert not receipt.events


def test_sync__asks_the_oracle_when_fresh_for_has_passed_exactly(
    hub, oracle, clock, word_of, good_word, stranger
):
    accepted_at = word_of().updated_at
    oracle.set_price(1_900 * WAD, sender=stranger)
    clock.next_at(accepted_at + FRESH_FOR)
    hub.sync(0b1, sender=stranger)
    assert word_of() == good_word(1_900 * WAD, accepted_at + FRESH_FOR)


def test_sync__returns_words_in_ascending_order_of_kind(hub, market, clock, stranger):
    for kind, oracle in enumerate(market.oracles):
        oracle.set_price((kind + 1) * 100 * WAD, sender=stranger)
    clock.forward(FRESH_FOR)
    for mask in range(8):
        kinds = [kind for kind in range(3) if mask >> kind & 1]
        words = hub.sync.call(mask, sender=stranger)
        assert [Word.unpack(word).lo for word in words] == [(k + 1) * 100 * WAD for k in kinds]
        assert list(hub.read(mask)) == list(words)


def test_sync__refreshes_only_the_named_kinds(hub, market, clock, word_of, stranger):
    before = [word_of(kind) for kind in range(3)]
    clock.forward(FRESH_FOR)
    receipt = hub.sync(0b101, sender=stranger)
    assert [event.kind for event in receipt.events] == [0, 2]
    assert word_of(1) == before[1]
    assert word_of(0).updated_at == word_of(2).updated_at == receipt.timestamp


def test_sync__of_nothing(hub, stranger):
    assert list(hub.sync.call(0, sender=stranger)) == []
    assert not hub.sync(0, sender=stranger).events


@pytest.mark.parametrize("mask", [0b1000, 0b1001, 1 << 31, 1 << 32, 1 << 255, 2**256 - 1])
def test_sync_reverts_when_a_kind_is_unknown(hub, mask, stranger, reverts_with):
    if mask == 2**256 - 1:
        reverts_with("unknown kind", hub.sync, mask, sender=stranger)
        return
    for function in (hub.sync, hub.read, hub.poke):
        reverts_with("unknown kind", function, mask, sender=stranger)


def test_sync_and_read_revert_when_more_than_eight_kinds(
    new_hub, list_kind, clock, stranger, reverts_with
):
    hub = new_hub(FRESH_FOR)
    for _ in range(9):
        list_kind(hub)
    assert len(hub.read(0b1_1111_1110)) == 8
    assert len(hub.sync.call(0b0_1111_1111, sender=stranger)) == 8
    reverts_with("too many kinds", hub.sync, 0b1_1111_1111, sender=stranger)
    reverts_with("too many kinds", hub.read, 0b1_1111_1111, sender=stranger)

    clock.forward(FRESH_FOR)
    receipt = hub.poke(0b1_1111_1111, sender=stranger)
    assert [event.kind for event in receipt.events] == list(range(9))


def test_sync__asks_at_most_once_a_block_when_fresh_for_is_zero(
    new_hub, list_kind, clock, stranger, in_one_block
):
    hub = new_hub(0)
    assert hub.fresh_for() == 1
    oracle = list_kind(hub).oracle
    before = Word.unpack(hub.words(0))
    oracle.set_price(1_900 * WAD, sender=stranger)
    clock.forward(1)
    receipt = hub.sync(0b1, sender=stranger)
    assert Word.unpack(hub.words(0)) == moved(before, 1_900 * WAD, receipt.timestamp)
    assert receipt.timestamp > before.updated_at

    in_one_block(
        *(
            call
            for price in (1_400, 1_300, 1_200)
            for call in (
                (oracle, oracle.set_price.encode_input(price * WAD)),
                (hub, hub.sync.encode_input(0b1)),
            )
        )
    )
    assert oracle.price_wad() == 1_200 * WAD
    assert Word.unpack(hub.words(0)).lo == 1_400 * WAD


# bounds


@pytest.mark.parametrize(
    ("price", "accepted"),
    [
        (MIN_PRICE, MIN_PRICE),
        (MIN_PRICE + 1, MIN_PRICE + 1),
        (MAX_PRICE - 1, MAX_PRICE - 1),
        (MAX_PRICE, MAX_PRICE),
        (MAX_PRICE + 1, MAX_PRICE),
        (2**88 - 1, MAX_PRICE),
        (2**88, MAX_PRICE),
        (2**88 + MIN_PRICE, MAX_PRICE),
        (2**256 - 1, MAX_PRICE),
    ],
)
def test_a_price_above_max_counts_as_max(hub, oracle, clock, word_of, stranger, price, accepted):
    before = word_of()
    oracle.set_price(price, sender=stranger)
    clock.forward(FRESH_FOR)
    receipt = hub.sync(0b1, sender=stranger)
    assert word_of() == moved(before, accepted, receipt.timestamp, CONFIRMING)
    assert accepted in (word_of().lo, word_of().hi)


def test_the_word_is_unchanged_but_flagged__when_the_price_fails(
    hub, oracle, clock, word_of, seen, stranger
):
    before = word_of()
    oracle.set_report(MIN_PRICE - 1, clock.now, sender=stranger)
    clock.forward(FRESH_FOR)
    (returned,) = hub.sync.call(0b1, sender=stranger)

    receipt = hub.sync(0b1, sender=stranger)

    assert word_of() == Word(before.lo, before.hi, before.updated_at, BPS, BPS, FAILED)
    assert Word.unpack(returned) == Word(0, before.hi, before.updated_at, BPS, BPS, FAILED)
    assert seen() == Word.unpack(returned)
    (event,) = receipt.events
    assert (event.kind, event.word) == (0, hub.words(0))


def test_a_failure_does_not_wait_for_fresh_for_to_recover(hub, oracle, clock, word_of, stranger):
    before = word_of()
    oracle.set_mode(1, sender=stranger)
    clock.forward(FRESH_FOR)
    hub.sync(0b1, sender=stranger)
    assert word_of().flags == FAILED

    oracle.set_mode(0, sender=stranger)
    oracle.set_price(900 * WAD, sender=stranger)
    clock.next_at(clock.now + 1)
    receipt = hub.sync(0b1, sender=stranger)
    assert word_of() == moved(before, 900 * WAD, receipt.timestamp, CONFIRMING)


def test_a_failed_kind_is_tried_once_a_block(hub, oracle, clock, word_of, stranger, in_one_block):
    oracle.set_mode(1, sender=stranger)
    clock.forward(FRESH_FOR)
    first, _, second = in_one_block(
        (hub, hub.sync.encode_input(0b1)),
        (oracle, oracle.set_mode.encode_input(0)),
        (hub, hub.sync.encode_input(0b1)),
    )
    assert word_of().flags == FAILED
    assert [len(receipt["logs"]) for receipt in (first, second)] == [1, 0]
    clock.next_at(clock.now + 1)
    hub.sync(0b1, sender=stranger)
    assert word_of().flags == CONFIRMING


def test_every_failed_attempt_is_logged(hub, oracle, clock, stranger):
    oracle.set_mode(1, sender=stranger)
    clock.forward(FRESH_FOR)
    words = set()
    for _ in range(3):
        clock.forward(1)
        (event,) = hub.sync(0b1, sender=stranger).events
        words.add(event.word)
    assert words == {hub.words(0)}


def test_one_failed_kind_leaves_the_others_alone(hub, market, clock, word_of, stranger):
    market.oracles[1].set_mode(3, sender=stranger)
    clock.forward(FRESH_FOR)
    receipt = hub.sync(0b111, sender=stranger)
    assert [word_of(kind).flags for kind in range(3)] == [0, FAILED, 0]
    assert word_of(0).updated_at == word_of(2).updated_at == receipt.timestamp
    lows = [Word.unpack(word).lo for word in hub.read(0b111)]
    assert lows == [PRICE, 0, PRICE]


def test_staleness_is_judged_on_acceptance_only(hub, oracle, clock, word_of, stranger):
    """A price in use is at most max_age + fresh_for old."""
    now = clock.now
    oracle.set_report(PRICE, now + FRESH_FOR - MAX_AGE, sender=stranger)
    clock.next_at(now + FRESH_FOR)
    hub.sync(0b1, sender=stranger)
    assert word_of().updated_at == now + FRESH_FOR
    clock.forward(FRESH_FOR - 1)
    assert Word.unpack(hub.read(0b1)[0]).flags == 0
    clock.forward(1)
    assert Word.unpack(hub.read(0b1)[0]).flags == FAILED


def test_poke__refreshes_what_is_due(hub, market, clock, word_of, stranger):
    assert not hub.poke(0b111, sender=stranger).events
    clock.forward(FRESH_FOR)
    receipt = hub.poke(0b110, sender=stranger)
    assert [(event.event_name, event.kind) for event in receipt.events] == [
        ("PriceUpdated", 1),
        ("PriceUpdated", 2),
    ]
    assert word_of(2).updated_at == receipt.timestamp
    assert not hub.poke(0, sender=stranger).events


def test_read__is_what_sync_returns_and_writes_nothing(hub, market, clock, stranger):
    market.oracles[0].set_price(1_234 * WAD, sender=stranger)
    market.oracles[2].set_mode(2, sender=stranger)
    clock.forward(FRESH_FOR)
    stored = [hub.words(kind) for kind in range(3)]
    expected = list(hub.sync.call(0b111, sender=stranger))
    assert list(hub.read(0b111)) == expected
    assert [hub.words(kind) for kind in range(3)] == stored
    assert [Word.unpack(word).lo for word in expected] == [1_234 * WAD, PRICE, 0]


@pytest.mark.parametrize("kind", [3, 31, 32, 2**255, 2**256 - 1])
def test_an_unlisted_kind_has_no_word_and_no_token(hub, kind, reverts_with):
    assert hub.words(kind) == 0
    assert hub.token_of(kind) == "0x" + "00" * 20
    for view in ("config_of", "bounds_of", "limits_of", "volatility_of", "live_price"):
        reverts_with("unknown kind", getattr(hub, view), kind)


# one kind


def test_sync_one__is_sync_of_one_kind(hub, market, clock, word_of, good_word, stranger):
    clock.forward(FRESH_FOR)
    market.oracles[1].set_price(1_900 * WAD, sender=stranger)
    before = word_of(0)
    expected = hub.read_one(1)
    assert [expected] == list(hub.read(0b10)) == list(hub.sync.call(0b10, sender=stranger))
    assert hub.sync_one.call(1, sender=stranger) == expected

    receipt = hub.sync_one(1, sender=stranger)

    assert word_of(1) == good_word(1_900 * WAD, receipt.timestamp)
    (event,) = receipt.events
    assert (event.event_name, event.kind, event.word) == ("PriceUpdated", 1, hub.words(1))
    assert word_of(0) == before


def test_sync_one__uses_a_fresh_word_as_it_is(hub, oracle, clock, word_of, stranger):
    accepted_at = word_of().updated_at
    oracle.set_price(1_900 * WAD, sender=stranger)
    oracle.set_mode(2, sender=stranger)

    clock.next_at(accepted_at + FRESH_FOR - 1)
    receipt = hub.sync_one(0, sender=stranger)

    assert receipt.timestamp == accepted_at + FRESH_FOR - 1
    assert (word_of().lo, word_of().updated_at, word_of().flags) == (PRICE, accepted_at, 0)
    assert not receipt.events
    assert hub.read_one(0) == hub.words(0)


def test_sync_one__asks_the_oracle_when_fresh_for_has_passed_exactly(
    hub, oracle, clock, word_of, good_word, stranger
):
    accepted_at = word_of().updated_at
    oracle.set_price(1_900 * WAD, sender=stranger)
    clock.next_at(accepted_at + FRESH_FOR)
    hub.sync_one(0, sender=stranger)
    assert word_of() == good_word(1_900 * WAD, accepted_at + FRESH_FOR)


def test_sync_one__blanks_lo_and_tries_again_when_the_price_fails(
    hub, oracle, clock, word_of, stranger
):
    before = word_of()
    oracle.set_mode(1, sender=stranger)
    clock.forward(FRESH_FOR)
    failed = Word(0, before.hi, before.updated_at, BPS, BPS, FAILED)
    assert Word.unpack(hub.read_one(0)) == failed
    assert Word.unpack(hub.sync_one.call(0, sender=stranger)) == failed

    hub.sync_one(0, sender=stranger)

    assert word_of() == Word(before.lo, before.hi, before.updated_at, BPS, BPS, FAILED)
    assert Word.unpack(hub.read_one(0)) == failed
    oracle.set_mode(0, sender=stranger)
    clock.next_at(clock.now + 1)
    receipt = hub.sync_one(0, sender=stranger)
    assert word_of() == moved(before, PRICE, receipt.timestamp, CONFIRMING)


def test_a_failed_word_is_never_fresh__however_young(new_hub, list_kind, governor, clock, stranger):
    """Bounds are judged at once, so a word fails while its own time is still young."""
    hub = new_hub(120)
    oracle = list_kind(hub).oracle
    hub.set_bounds(0, PRICE + 1, MAX_PRICE, sender=governor)
    failed = Word.unpack(hub.words(0))
    assert (failed.flags, clock.now - failed.updated_at < 120) == (FAILED, True)
    assert Word.unpack(hub.read_one(0)).lo == Word.unpack(hub.read(1)[0]).lo == 0

    oracle.set_price(PRICE + 2, sender=stranger)
    clock.next_at(clock.now + 1)
    hub.sync_one(0, sender=stranger)
    assert Word.unpack(hub.words(0)) == moved(failed, PRICE + 2, clock.now, CONFIRMING)


@pytest.mark.parametrize("multiplier", [BPS, 2**16 - 1])
@pytest.mark.parametrize("flags", [0, 2, 0xFE])
def test_only_time_and_failed_decide_whether_a_word_is_fresh(
    hub, oracle, clock, stranger, multiplier, flags
):
    """Multipliers and later flags share the word; a set bit of theirs must not age it."""
    word = hub.words(0) % 2**216 | multiplier << 216 | multiplier << 232 | flags << 248
    slot = next(n for n in range(64) if read_slot(clock, hub, n) == hub.words(0))
    clock.rpc("anvil_setStorageAt", hub.address, f"0x{slot:064x}", f"0x{word:064x}")
    oracle.set_mode(1, sender=stranger)
    assert (hub.words(0), hub.read_one(0), list(hub.read(1))) == (word, word, [word])
    assert not hub.sync_one(0, sender=stranger).events


def read_slot(clock, contract, slot):
    return int(clock.rpc("eth_getStorageAt", contract.address, hex(slot), "latest"), 16)


@pytest.mark.parametrize("kind", [3, 31, 32, 33, 256, 2**255, 2**256 - 1])
def test_sync_one_and_read_one_revert_when_the_kind_is_unknown(hub, kind, stranger, reverts_with):
    reverts_with("unknown kind", hub.sync_one, kind, sender=stranger)
    reverts_with("unknown kind", hub.read_one, kind)
