# SPDX-License-Identifier: MIT
"""Callbacks into privileged addresses (Furucombo 2021, Dough Finance 2024): a target that a caller
names, called by somebody whom others trust.

Some thirty million dollars left users whose approvals a contract held that called what it was told
to. Here only two things are ever called on a caller's word: the caller itself, by a vault, and the
receiver of a flash loan, by one function that no contract of the system has. So none of them can be
made to lend, to pay, to approve or to speak for itself.
"""

from __future__ import annotations

import pytest
from eth_utils.abi import function_signature_to_4byte_selector

from surety.chain import Function, UnlockedSender, deploy_contract
from surety.compile import artifact, deployables
from tests.incidents.weak import revm_world, weakened
from tests.unit.peg_stability.stage import Stage
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: callback into a privileged address")

LOAN = 2**112
LOST = 1_000 * WAD  # coins that somebody sent to the coin's own address
CALLBACKS = (
    "on_adjust(uint256,bytes)",
    "on_take(uint256,uint256,uint256,uint256,bytes)",
    "onFlashLoan(address,address,uint256,uint256,bytes)",
)
SAYS_ANYTHING = (
    "extcall IFlashBorrower(receiver).onFlashLoan(msg.sender, token, amount, fee, data)",
    "FLASH_ANSWER\n    raw_call(receiver, data)",
)
PRIVILEGED = (
    "coin", "vault", "fund", "hub", "operators", "lens", "margin_models", "settlement", "listings",
    "peg",
)  # fmt: skip


def addresses(stage: Stage) -> dict[str, str]:
    system = stage.world.system
    found = {name: getattr(system, name) for name in PRIVILEGED if name != "peg"}
    return found | {"peg": stage.peg.address, "reserve": stage.token.address}


@pytest.fixture(scope="module")
def stage():
    return made(revm_world())


def made(world) -> Stage:
    """A system in which everything that could be stolen is there."""
    stage = Stage(world)
    stage.govern(stage.coin, "set_flash", 0, LOAN)
    stage.buy(world.owner, 10_000 * stage.unit)
    stage.mint(world.owner, 10_000 * stage.unit)
    world.open([(0, 50 * WAD)], 20_000 * WAD)
    for place in addresses(stage).values():
        if place != stage.token.address:
            stage.coin.transact("transfer", place, LOST, sender=world.owner)
    return stage


def loot(stage: Stage) -> list[tuple[str, bytes]]:
    """What an attacker would have each of them say, as (who, call)."""
    world, coin, token = stage.world, stage.coin, stage.token
    me, found = world.stranger, []
    for name in addresses(stage):
        found += [
            (name, coin.encode("transfer", me, LOST)),
            (name, coin.encode("approve", me, MAX)),
            (name, coin.encode("mint", me, LOST)),
            (name, coin.encode("burn", world.owner, LOST)),
            (name, token.encode("transferFrom", world.owner, me, 1)),
            (name, stage.peg.encode("redeem", LOST, me)),
            (name, stage.peg.encode("mint", stage.unit, me)),
            (name, stage.fund.encode("recapitalise", LOST)),
            (name, world.vault.encode("withdraw_absorbed", 0, 1, me)),
        ]
    return found


def steal(stage: Stage) -> int:
    """Lend to each of them, with each of these calls for data; return what it brought."""
    world = stage.world
    coin, me, places = stage.coin, world.stranger, addresses(stage)
    before = stage.wealth(me, WAD)
    for name, data in loot(stage):
        for amount in (0, 1, LOST):
            call = coin.encode("flashLoan", places[name], coin.address, amount, data)
            world.rpc.run(me, coin.address, call, world.rpc.time)
    # what was approved is drawn
    for place in places.values():
        allowed = coin.read("allowance", place, me)
        drawn = min(allowed, coin.read("balanceOf", place))
        if drawn:
            coin.transact("transferFrom", place, me, drawn, sender=me)
    return stage.wealth(me, WAD) - before


def test_nobody_with_privileges_is_a_borrower(stage):
    """None answers: nothing is lent to them, nothing said by them, nothing moved."""
    coin, supply = stage.coin, stage.coin.read("totalSupply")
    held = {name: stage.coins(place) for name, place in addresses(stage).items()}
    assert steal(stage) <= 0
    assert coin.read("totalSupply") == supply
    assert {name: stage.coins(place) for name, place in addresses(stage).items()} == held
    for place in addresses(stage).values():
        call = coin.encode("flashLoan", place, coin.address, 1, b"")
        world = stage.world
        assert world.rpc.run(world.stranger, coin.address, call, world.rpc.time).reason == ""


def test_a_coin_that_says_what_it_is_told_is_robbed():
    """The control: the receiver called with the borrower's own words."""
    stage = made(revm_world(weakened("Stablecoin", SAYS_ANYTHING)))
    assert steal(stage) >= LOST


def test_no_contract_answers_a_callback_but_those_made_for_it():
    """By their ABIs: no callback's selector, and nothing that answers to any call."""
    selectors = {function_signature_to_4byte_selector(text) for text in CALLBACKS}
    for name, source in deployables().items():
        if "mocks" in source.parts:
            continue
        abi = artifact(name).abi
        found = {
            entry["name"]
            for entry in abi
            if entry["type"] == "function" and Function.of(entry).selector in selectors
        }
        assert found == ({"on_adjust"} if name == "LeverageZap" else set()), name
        assert not any(entry["type"] == "fallback" for entry in abi) or name == "WethGateway", name


@pytest.mark.covers("A08")
def test_a_vault_calls_its_caller_and_nobody_else(stage):
    """An actor's callback is the actor's: naming another receiver does not have that one called."""
    world = stage.world
    sender = UnlockedSender(world.rpc, world.stranger)
    actor = world.contract("MockActor", deploy_contract(sender, artifact("MockActor")))
    account = world.id(actor.address)
    for receiver in (stage.peg.address, stage.fund.address, stage.coin.address):
        taken = world.rpc.evm.snapshot()
        world.give(actor.address, 0, 10 * WAD)
        me, vault = world.stranger, world.vault.address
        approval = world.tokens[0].encode("approve", vault, MAX)
        actor.transact("execute", world.tokens[0].address, approval, sender=me)
        # in its callback the actor gives coins away, which only the actor can
        give = (stage.coin.address, stage.coin.encode("approve", me, WAD))
        actor.transact("set_steps", [give], sender=me)
        legs = [(0, 10 * WAD)]
        call = world.vault.encode("adjust", account, legs, 3_000 * WAD, receiver, b"\x01")
        actor.transact("execute", vault, call, sender=me)
        assert stage.coin.read("allowance", actor.address, me) == WAD
        assert stage.coin.read("allowance", receiver, me) == 0
        world.rpc.evm.revert(taken)
