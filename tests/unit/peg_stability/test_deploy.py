# SPDX-License-Identifier: MIT
"""What a peg refuses to be built over, and what it says of itself."""

from __future__ import annotations

import re

import pytest

from surety import paths
from surety.chain import Reverted, deploy_contract
from surety.compile import artifact
from surety.model.state import MAX, WAD
from tests.unit.peg_stability.rig import ALICE, GOVERNOR, GUARD, KIND, ZERO, Rig

FIELDS = ("governor", "coin", "reserve", "hub", "kind", "mint_fee", "redeem_fee", "guard")


@pytest.fixture(scope="module")
def rig():
    return Rig(8, 5, 6)


def refusal(rig: Rig, **changes) -> str | None:
    """Return why a constructor reverts with these in place of good arguments."""
    good = dict(
        zip(
            FIELDS,
            (GOVERNOR, rig.coin.address, rig.token.address, rig.hub.address, KIND, 0, 0, GUARD),
            strict=True,
        )
    )
    try:
        deploy_contract(rig.deployer, artifact("PegStability"), *(good | changes).values())
    except Reverted as error:
        return error.reason
    return None


def test_it_says_what_it_was_built_with(rig):
    read = rig.peg.read
    assert read("governor") == GOVERNOR
    assert read("coin") == rig.coin.address
    assert read("reserve") == rig.token.address
    assert read("hub") == rig.hub.address
    assert (read("kind"), read("reserve_decimals")) == (KIND, 8)
    assert (read("mint_fee_bps"), read("redeem_fee_bps")) == (5, 6)
    assert (read("guard_price"), read("is_minting_paused")) == (GUARD, False)
    assert (read("reserve_held"), read("backing"), read("redeemable")) == (0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"governor": ZERO}, "zero governor"),
        ({"coin": ALICE}, "coin has no code"),
        ({"coin": ZERO}, "coin has no code"),
        ({"hub": ALICE}, "hub has no code"),
        ({"kind": KIND + 1}, "token not priced"),
        ({"kind": MAX}, "token not priced"),
        ({"reserve": ZERO, "kind": KIND + 1}, "token not priced"),
        ({"reserve": ALICE}, "token not priced"),
        ({"mint_fee": 100, "redeem_fee": 100, "guard": WAD}, None),
        ({"mint_fee": 101}, "fee too high"),
        ({"redeem_fee": MAX}, "fee too high"),
        ({"guard": 9 * WAD // 10}, None),
        ({"guard": 9 * WAD // 10 - 1}, "bad guard"),
        ({"guard": 0}, "bad guard"),
        ({"guard": WAD + 1}, "bad guard"),
    ],
)
def test_constructor(rig, changes, reason):
    assert refusal(rig, **changes) == reason


def test_the_coin_itself_is_no_reserve(rig):
    rig.tell(rig.hub, "set_kind", KIND + 2, rig.coin.address)
    assert refusal(rig, reserve=rig.coin.address, kind=KIND + 2) == "the coin itself"


@pytest.mark.parametrize(
    ("decimals", "reason"),
    [(0, "bad decimals"), (5, "bad decimals"), (6, None), (18, None), (19, "bad decimals"),
     (255, "bad decimals")],
)  # fmt: skip
def test_decimals(rig, decimals, reason):
    token = rig.deploy(artifact("MockToken"), "Odd", "ODD", decimals)
    rig.tell(rig.hub, "set_kind", KIND + 3, token.address)
    assert refusal(rig, reserve=token.address, kind=KIND + 3) == reason


def test_the_interface_names_every_reason():
    """Those of the contract, and those of the transfers and the governing that it shares."""
    contract, interface = (
        (folder / name).read_text("utf-8")
        for folder, name in (
            (paths.contracts(), "PegStability.vy"),
            (paths.interfaces(), "IPegStability.vyi"),
        )
    )
    told = re.findall(r'assert .*?, "([a-z ]+)"', contract)
    assert len(set(told)) >= 12
    for reason in {*told, "transfer in failed", "transfer out failed", "token kept a fee"}:
        assert f'"{reason}"' in interface, reason
    assert set(re.findall(r'"([a-z0-9 ]+)"', interface)) - set(told) == {
        "transfer in failed", "transfer out failed", "token kept a fee", "amount exceeds balance",
        "not minter", "not governor", "not proposed", "zero governor",
    }  # fmt: skip
