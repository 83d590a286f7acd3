# SPDX-License-Identifier: MIT
"""The governor puts models into slots and takes them out; nobody else, and nothing without code."""

import pytest

from tests.unit.margin_models.mock import ZERO, Exposure, Mock, Off
from tests.world import MAX, reverts


@pytest.mark.parametrize("slot", [0, 1, 255])
def test_list_model(world, models, slot):
    model, other = Mock(world), Mock(world)
    for address in (model.address, other.address, ZERO, model.address):
        receipt = models.list(slot, address)
        assert [(e.name, e.args) for e in models.contract.events(receipt)] == [
            ("MarginModelListed", {"slot": slot, "model": address})
        ]
        assert models.contract.read("models", slot) == address
        assert models.contract.read("is_listed", slot) == (address != ZERO)
        assert models.contract.read("model_of", slot) == address
        others = {0, 1, 2, 254, 255} - {slot}
        assert {models.contract.read("models", number) for number in others} == {ZERO}


@pytest.mark.parametrize("slot", [256, 257, 2**128, MAX])
def test_list_model_reverts_when_the_slot_is_unknown(world, models, slot):
    model = Mock(world)
    for address in (model.address, ZERO):
        with reverts("unknown model"):
            models.list(slot, address)
    assert models.contract.read("models", slot) == ZERO


def test_list_model_reverts_when_there_is_no_code(world, models, mock):
    for address in (world.stranger, "0x" + "11" * 20, "0x" + "00" * 19 + "01"):
        with reverts("no code"):
            models.list(3, address)
    assert models.contract.read("models", 3) == mock.address


def test_list_model_reverts_when_not_governor(world, models, mock):
    for who in (world.owner, world.stranger, mock.address):
        world.rpc.impersonate(who)
        world.rpc.set_balance(who, 10**18)
        for slot, model in ((3, ZERO), (4, mock.address), (256, ZERO)):
            with reverts("not governor"):
                models.list(slot, model, sender=who)
    assert models.contract.read("models", 3) == mock.address


def test_an_empty_slot_takes_nothing_off(world, models):
    account = world.open([(0, 10**18)], 0)
    for slot in (0, 1, 255, 256, MAX):
        assert models.ask(slot, []) == Off()
        assert models.surcharges(slot, account) == Off()


def test_an_emptied_slot_stands_for_the_default(world, models, mock):
    default = Mock(world)
    default.says(7)
    models.list(0, default.address)
    models.list(3, ZERO)
    for slot in (0, 3, 255):
        assert models.contract.read("model_of", slot) == default.address
        assert models.contract.read("is_listed", slot) == (slot == 0)
        assert models.ask(slot, [Exposure(0, 0, 9, 9, 9, 9, 9)]) == Off(initial=7)
    assert models.contract.read("model_of", 4) != mock.address
