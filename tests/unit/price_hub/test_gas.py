# SPDX-License-Identifier: MIT
"""What a fresh price costs the contract that asks, account access included."""

import pytest

from tests.unit.price_hub.conftest import FRESH_FOR


@pytest.fixture(scope="module")
def measured(new_hub, list_kind, probe, clock, stranger):
    hub = new_hub(FRESH_FOR)
    for _ in range(8):
        list_kind(hub)
    clock.forward(FRESH_FOR)
    hub.poke(0xFF, sender=stranger)

    def gas(argument, function="sync"):
        data = getattr(hub, function).encode_input(argument)
        receipt = probe.measure(hub, data, sender=stranger)
        return receipt.events[0].gas

    return gas


@pytest.mark.parametrize("function", ["sync", "read"])
def test_a_fresh_price_is_one_slot(measured, function):
    one, three, eight = (measured(mask, function) for mask in (0b1, 0b111, 0xFF))
    assert one <= 6_500
    assert three - one <= 2 * 2_700
    assert eight - one <= 7 * 2_700


def test_a_zero_bit_of_the_mask_is_cheap(measured):
    assert measured(0b1000_0000) - measured(0b1) <= 7 * 120


@pytest.mark.parametrize("function", ["sync_one", "read_one"])
@pytest.mark.parametrize("kind", [0, 7])
def test_one_fresh_price_is_one_slot_and_little_else(measured, probe, stranger, function, kind):
    """What an account without code costs, the cold slot, and next to nothing of the hub's own."""
    nobody = "0x" + "c0" * 20
    call = probe.measure(nobody, b"\x00" * 36, sender=stranger).events[0].gas
    own = measured(kind, function) - call - 2_100
    assert 0 < own <= 350 + 40  # 40: the answer's copy in the probe
