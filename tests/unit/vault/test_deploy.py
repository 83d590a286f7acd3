# SPDX-License-Identifier: MIT
"""The constructor: what a book is born with and which numbers it refuses."""

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.world import RAY, WAD, reverts

ZERO = "0x" + "00" * 20
DAY = 86_400
YEAR = 365 * DAY
DEFAULTS = {
    "grace_period": 3_600,
    "auction_duration": 7_200,
    "call_cool_down": DAY,
    "debt_floor": 2_000 * WAD,
    "call_tip": 5 * WAD,
    "liquidation_penalty": 500,
    "rate": RAY * 5 // 100 // YEAR,
}


def deploy(world, **changes):
    """Deploy a vault on the world's coin and hub and bind it."""
    roles = {
        "governor": world.governor,
        "coin": world.coin.address,
        "hub": world.hub.address,
        "operators": world.operators.address,
        "margin_models": world.system.margin_models,
        "settlement": world.system.settlement,
    }
    arguments = {**roles, **DEFAULTS, **changes}
    sender = UnlockedSender(world.rpc, world.governor)
    address = deploy_contract(sender, artifact("Vault"), *arguments.values())
    return world.contract("Vault", address)


def test_a_new_book(world):
    vault = deploy(world, governor=world.other, liquidation_penalty=700)
    at = world.now
    for name in (
        "grace_period",
        "auction_duration",
        "call_cool_down",
        "debt_floor",
        "call_tip",
    ):
        assert vault.read(name) == DEFAULTS[name]
    assert vault.read("liquidation_penalty") == 700
    assert vault.read("coin") == world.coin.address
    assert vault.read("hub") == world.hub.address
    assert vault.read("operators") == world.operators.address
    assert vault.read("margin_models") == world.system.margin_models
    assert vault.read("settlement") == world.system.settlement
    assert vault.read("governor") == world.other
    assert vault.read("pending_governor") == ZERO
    assert vault.read("fund") == vault.read("pending_fund") == ZERO
    assert vault.read("interest") == RAY | at << 128 | DEFAULTS["rate"] << 168
    assert vault.read("totals") == 0
    assert vault.read("total_debt") == 0
    assert [vault.read("collateral", kind) for kind in (0, 31)] == [0, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"grace_period": 0, "call_cool_down": 0, "call_tip": 0, "liquidation_penalty": 0},
        {"grace_period": 30 * DAY, "auction_duration": 30 * DAY, "call_cool_down": 365 * DAY},
        {"auction_duration": 900, "liquidation_penalty": 2_000, "rate": 0},
        {"debt_floor": 2**96 - 1, "call_tip": (2**96 - 1) // 10, "rate": RAY // YEAR},
        {"debt_floor": 1, "call_tip": 0, "rate": RAY // YEAR + 1},
    ],
)
def test_the_widest_numbers_are_accepted(world, changes):
    vault = deploy(world, **changes)
    for name, value in changes.items():
        found = vault.read("interest") >> 168 if name == "rate" else vault.read(name)
        assert found == value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"governor": ZERO}, "zero governor"),
        ({"coin": ZERO}, "no code"),
        ({"hub": "0x" + "11" * 20}, "no code"),
        ({"operators": ZERO}, "no code"),
        ({"operators": "0x" + "11" * 20}, "no code"),
        ({"margin_models": "0x" + "11" * 20}, "no code"),
        ({"settlement": "0x" + "11" * 20}, "no code"),
        ({"grace_period": 30 * DAY + 1}, "bad periods"),
        ({"auction_duration": 899}, "bad periods"),
        ({"auction_duration": 30 * DAY + 1}, "bad periods"),
        ({"call_cool_down": 365 * DAY + 1}, "bad periods"),
        ({"debt_floor": 0, "call_tip": 0}, "bad floor or tip"),
        ({"debt_floor": 2**96}, "bad floor or tip"),
        ({"call_tip": 200 * WAD + 1}, "bad floor or tip"),
        ({"liquidation_penalty": 2_001}, "bad penalty"),
        ({"rate": RAY // YEAR + 2}, "rate too high"),
    ],
)
def test_deploy_reverts_when_a_number_is_out_of_bounds(world, changes, reason):
    with reverts(reason):
        deploy(world, **changes)


def test_a_book_without_margin_models_is_linear(world):
    vault = deploy(world, margin_models=ZERO)
    assert vault.read("margin_models") == ZERO
    with reverts("not margin models"):
        vault.transact("set_default_model", True, sender=world.governor)
    for slot in (1, 255, 256):
        with reverts("unknown model"):
            vault.transact("set_margin_model", world.id(world.owner), slot, sender=world.owner)
    vault.transact("set_margin_model", world.id(world.owner), 0, sender=world.owner)


def test_a_book_without_a_settlement_is_never_shut_down(world):
    vault = deploy(world, settlement=ZERO)
    assert vault.read("settlement") == ZERO
    for who in (world.governor, world.stranger):
        with reverts("not settlement"):
            vault.transact("shutdown", sender=who)


def test_the_vault_fits_its_limit():
    assert artifact("Vault").runtime_size < 24_576
