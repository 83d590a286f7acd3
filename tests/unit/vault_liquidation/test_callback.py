# SPDX-License-Identifier: MIT
"""take with a callback: a keeper without money, a thief without luck."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.book import Stage
from tests.unit.vault_liquidation.moves import ETH, TIP, auction, open_eth, price_at
from tests.world import MAX, WAD, reverts

ZERO = "0x" + "00" * 20
PAY_FROM_PURSE, SELL, ATTACK, REFUSE = b"\x00", b"\x01", b"\x02", b"\x03"
# what never changes cannot be read wrong: immutables need no lock
IMMUTABLES = {
    "coin",
    "hub",
    "grace_period",
    "auction_duration",
    "call_cool_down",
    "debt_floor",
    "call_tip",
    "liquidation_penalty",
}


@dataclass
class Scene:
    """A taker contract and a market that buys with one percent slippage."""

    stage: Stage
    taker: Contract
    market: Contract

    def take(self, id: int, amount: int, data: bytes, receiver: str | None = None):
        return self.taker.transact(
            "take",
            id,
            ETH,
            amount,
            MAX,
            receiver or self.taker.address,
            data,
            sender=self.stage.world.keeper,
        )

    def give_coins(self, who: str, amount: int) -> None:
        """Hand out coins that were borrowed while prices were high."""
        world = self.stage.world
        world.coin.transact("transfer", who, amount, sender=world.operator)

    @property
    def purse(self) -> int:
        return self.stage.world.coin.read("balanceOf", self.taker.address)


@pytest.fixture
def scene(stage: Stage) -> Scene:
    world = stage.world
    sender = UnlockedSender(world.rpc, world.governor)

    def deploy(name: str, *args: object) -> Contract:
        return world.contract(name, deploy_contract(sender, artifact(name), *args))

    market = deploy("MockMarket", world.coin.address, 0)
    eth = world.system.kinds[ETH]
    market.transact("set_feed", eth.token, eth.oracle, sender=world.governor)
    world.give_coins(market.address, 100_000 * WAD)
    world.give_coins(world.operator, 100_000 * WAD)
    taker = deploy("MockTaker", world.vault.address, market.address)
    taker.transact("set_token", eth.token, sender=world.governor)
    return Scene(stage, taker, market)


def later(stage: Stage) -> None:
    """Let the discount ripen to five percent."""
    stage.world.forward(5_000)


def test_take__with_callback_and_no_money(scene):
    stage, world = scene.stage, scene.stage.world
    called = auction(stage)
    later(stage)
    assert scene.purse == 0
    receipt = scene.take(called.id, 2 * WAD, SELL)
    taken = world.event(receipt, "Taken")
    assert taken["buyer"] == scene.taker.address
    assert [scene.taker.read(name) for name in ("sold", "cost")] == [2 * WAD, taken["cost"]]
    assert [scene.taker.read("called_with", i) for i in range(4)] == [
        called.id,
        ETH,
        2 * WAD,
        taken["cost"],
    ]
    assert scene.taker.read("held_in_callback") == 2 * WAD  # delivered before, paid after
    assert scene.purse == 2 * 590 * WAD - taken["cost"] > 0
    assert world.tokens[ETH].read("balanceOf", scene.market.address) == 2 * WAD
    stage.book().check()


def test_take__without_data_calls_nobody_back(scene):
    called = auction(scene.stage)
    scene.give_coins(scene.taker.address, 1_000 * WAD)
    scene.take(called.id, WAD, b"")
    assert scene.taker.read("called_with", 0) == 0
    assert scene.purse == 1_000 * WAD - 5_959 * WAD // 10


def test_take_reverts_when_the_callback_does_not_bring_the_coins(scene):
    stage = scene.stage
    called = auction(stage)
    before = stage.book()
    with reverts("amount exceeds balance"):
        scene.take(called.id, WAD, PAY_FROM_PURSE)
    assert stage.book() == before
    scene.give_coins(scene.taker.address, 1_000 * WAD)
    scene.take(called.id, WAD, PAY_FROM_PURSE)


def test_take_reverts_when_the_callback_reverts(scene):
    called = auction(scene.stage)
    with reverts("changed my mind"):
        scene.take(called.id, WAD, REFUSE)
    assert scene.stage.book().positions[called.id].balances[ETH] == 10 * WAD


def test_take_reverts_when_a_wallet_asks_to_be_called_back(scene):
    world = scene.stage.world
    called = auction(scene.stage)
    scene.give_coins(world.keeper, 10_000 * WAD)
    with reverts(""):
        world.vault.transact(
            "take", called.id, ETH, WAD, MAX, world.keeper, SELL, sender=world.keeper
        )


def test_take_reverts_when_the_receiver_cannot_pay_for_the_caller(scene):
    """Coins are burned from the caller only, wherever the collateral goes."""
    world = scene.stage.world
    called = auction(scene.stage)
    scene.give_coins(world.stranger, 10_000 * WAD)
    with reverts("amount exceeds balance"):
        scene.take(called.id, WAD, b"", receiver=world.stranger)
    assert world.coin.read("balanceOf", world.stranger) == 10_000 * WAD


def attempts(stage: Stage, id: int, thief: str) -> list[tuple[str, bytes]]:
    """One call of every external function of the vault, each as tempting as can be."""
    world = stage.world
    tempting = {
        "deposit": (id, ETH, 1),
        "withdraw": (world.id(thief), ETH, MAX, thief),
        "borrow": (world.id(thief), 2_000 * WAD, thief),
        "repay": (id, MAX),
        "adjust": (world.id(thief), [(ETH, 1)], 0, thief, b""),
        "margin_call": (id,),
        "take": (id, ETH, 1, MAX, thief, b""),
        "cure": (id,),
        "absorb": (id,),
        "set_operator": (world.keeper, MAX),
    }
    found = []
    for entry in artifact("Vault").abi:
        if entry["type"] != "function":
            continue
        name = entry["name"]
        args = tempting.get(name)
        if args is None:
            zero = {"address": ZERO, "bool": False}
            args = tuple(zero.get(item["type"], 0) for item in entry["inputs"])
        found.append((name, world.vault.encode(name, *args)))
    return found


def test_take__every_external_is_locked_in_the_callback(scene):
    stage, world = scene.stage, scene.stage.world
    called = auction(stage)
    later(stage)
    tried = attempts(stage, called.id, scene.taker.address)
    assert len(tried) > 40
    for _, data in tried:
        scene.taker.transact("add_attempt", data, sender=world.keeper)
    scene.take(called.id, WAD, ATTACK)
    results = scene.taker.read("all_results")
    open_ones = {name for (name, _), ok in zip(tried, results, strict=True) if ok}
    assert open_ones == IMMUTABLES
    stage.book().check()
    # the same views answer when the vault is at rest
    for view in ("total_debt", "live_index", "totals", "interest"):
        world.vault.read(view)


def test_margin_call__returns_the_tip_to_a_contract(scene):
    stage = scene.stage
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    scene.taker.transact("margin_call", id, sender=stage.world.keeper)
    assert scene.taker.read("tip") == TIP == scene.purse
