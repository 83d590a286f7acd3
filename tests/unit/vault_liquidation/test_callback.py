# SPDX-License-Identifier: MIT
"""take with a callback: a keeper without money, a thief without luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from surety.chain import Contract, Reverted, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.book import Stage
from tests.unit.vault_liquidation.moves import ETH, TIP, auction, open_eth, price_at
from tests.world import MAX, OPEN, WAD, World, reverts

ZERO = "0x" + "00" * 20
PAY_FROM_PURSE, SELL, ATTACK, REFUSE = b"\x00", b"\x01", b"\x02", b"\x03"


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


@pytest.mark.covers("A07")
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


def nothing(item: dict[str, Any]) -> object:
    """Return a zero of an argument's type."""
    kind = str(item["type"])
    if kind.endswith("[]"):
        return []
    return {"address": ZERO, "bool": False, "bytes": b"", "bytes32": bytes(32)}.get(kind, 0)


def functions(name: str, args: dict[str, tuple[Any, ...]]) -> list[tuple[str, bool, tuple]]:
    """Every external function of a contract: its name, whether it is a view, its arguments."""
    found = []
    for entry in artifact(name).abi:
        if entry["type"] == "function":
            given = args.get(entry["name"])
            filled = given or tuple(nothing(item) for item in entry["inputs"])
            found.append((entry["name"], entry["stateMutability"] in ("view", "pure"), filled))
    return found


def tempting(world: World, id: int, thief: str) -> dict[str, tuple[Any, ...]]:
    """Arguments with which the vault's functions would do something."""
    own = world.id(thief)
    return {
        "deposit": (id, ETH, 1),
        "withdraw": (own, ETH, MAX, thief),
        "borrow": (own, 2_000 * WAD, thief),
        "repay": (id, MAX),
        "adjust": (own, [(ETH, 1)], 0, thief, b""),
        "move": (own, own + 1, [(ETH, 1)], 0),
        "set_margin_model": (own, 0),
        "margin_call": (id,),
        "margin_calls": ([id],),
        "take": (id, ETH, 1, MAX, thief, b""),
        "takes": ([(id, ETH, 1, MAX)], thief),
        "cure": (id,),
        "absorb": (id,),
        "accounts": (id,),
        "balances": (id, ETH),
        "debt_of": (id,),
        "health_factor": (id,),
    }


@pytest.mark.covers("A06", "I66")
def test_take__every_external_is_locked_in_the_callback(scene):
    stage, world = scene.stage, scene.stage.world
    called = auction(stage)
    later(stage)
    tried = functions("Vault", tempting(world, called.id, scene.taker.address))
    assert len(tried) > 40
    for name, _, args in tried:
        data = world.vault.encode(name, *args)
        scene.taker.transact("add_attempt", data, sender=world.keeper)
    scene.take(called.id, WAD, ATTACK)
    results = scene.taker.read("all_results")
    open_ones = {name for (name, _, _), ok in zip(tried, results, strict=True) if ok}
    assert open_ones == OPEN
    stage.book().check()
    # the same views answer when the vault is at rest
    for name, is_view, args in tried:
        if is_view:
            world.vault.read(name, *args)


@dataclass
class Spy:
    """A contract that takes, and makes one call from within its callback."""

    scene: Scene
    actor: Contract
    id: int

    def take(self, target: Contract, fn: str, args: tuple[Any, ...]) -> str | None:
        """Take one coin's worth while calling; return what the call answered, None if refused."""
        world = self.scene.stage.world
        step = (target.address, target.encode(fn, *args))
        self.actor.transact("set_steps", [step], sender=world.keeper)
        data = world.vault.encode("take", self.id, ETH, WAD, MAX, self.actor.address, b"x")
        try:
            self.actor.transact("execute", world.vault.address, data, sender=world.keeper)
        except Reverted:
            return None
        (tx,) = world.rpc.block("latest")["transactions"]
        trace = world.rpc.call("debug_traceTransaction", tx, {"tracer": "callTracer"})
        (answer,) = answers(trace, self.actor.address, target.address, step[1])
        return answer


def answers(frame: dict[str, Any], caller: str, target: str, data: bytes) -> list[str]:
    """Return what every such call inside a trace answered."""
    found = []
    for inner in frame.get("calls", []):
        found += answers(inner, caller, target, data)
        same = (inner["from"].lower(), inner["to"].lower()) == (caller.lower(), target.lower())
        if same and inner["input"] == "0x" + data.hex():
            found.append(inner.get("output") or "0x")
    return found


@pytest.fixture
def spy(scene: Scene) -> Spy:
    stage, world = scene.stage, scene.stage.world
    sender = UnlockedSender(world.rpc, world.governor)
    actor = world.contract("MockActor", deploy_contract(sender, artifact("MockActor")))
    scene.give_coins(actor.address, 20_000 * WAD)
    called = auction(stage)
    later(stage)
    return Spy(scene, actor, called.id)


@pytest.mark.covers("A06", "I66")
def test_take__it_is_the_lock_that_refuses(spy):
    """Not a missing right, nor an account that is not due: those are said, a lock says no word."""
    world = spy.scene.stage.world
    token = world.tokens[ETH]
    world.give(spy.actor.address, ETH, 10 * WAD)
    approval = token.encode("approve", world.vault.address, MAX)
    spy.actor.transact("execute", token.address, approval, sender=world.keeper)
    take = world.vault.encode("take", spy.id, ETH, WAD, MAX, spy.actor.address, b"x")
    for name, _, args in functions("Vault", tempting(world, spy.id, spy.actor.address)):
        if name in OPEN:
            continue
        data = world.vault.encode(name, *args)
        with world.snapshot():
            reason: str | None = None
            try:
                spy.actor.transact("execute", world.vault.address, data, sender=world.keeper)
            except Reverted as refused:
                reason = refused.reason
            assert reason != "", name
        step = (world.vault.address, data)
        spy.actor.transact("set_steps", [step], sender=world.keeper)
        with reverts(""):
            spy.actor.transact("execute", world.vault.address, take, sender=world.keeper)
    spy.actor.transact("set_steps", [], sender=world.keeper)
    spy.actor.transact("execute", world.vault.address, take, sender=world.keeper)


# the payment follows the callback, so these differ by it from what is committed, and by it alone
BEFORE_PAYMENT = {
    "totalSupply": 1,
    "minted": 1,
    "balanceOf": 1,
    "headroom": -1,
}


@pytest.mark.parametrize(
    "place", ["Vault", "Stablecoin", "PriceHub", "InsuranceFund", "Lens", "Operators"]
)
def test_take__a_view_answers_in_the_callback_what_is_committed(spy, place):
    """Or it is refused: no reader, the lens included, sees a half-done sale."""
    world = spy.scene.stage.world
    vault, id = world.vault.address, spy.id
    target = {
        "Vault": world.vault,
        "Stablecoin": world.coin,
        "PriceHub": world.hub,
        "InsuranceFund": world.fund,
        "Lens": world.lens,
        "Operators": world.operators,
    }[place]
    args = tempting(world, id, spy.actor.address)
    args |= {
        "balanceOf": (spy.actor.address,),
        "minted": (vault,),
        "ceiling": (vault,),
        "headroom": (vault,),
        "read": (1,),
        "account_of": (vault, id),
        "holdings_of": (vault, id),
        "states_of": (vault, [id]),
        "levels_of": (vault, [id]),
        "auction_price": (vault, id, ETH),
        "kind_of": (vault, ETH),
        "is_authorised": (vault, id, spy.actor.address),
        "book_of": (vault,),
        "callable_accounts": (vault, [id]),
        "preview_margin_call": (vault, id),
        "preview_take": (vault, id, ETH, WAD, MAX),
        "preview_cure": (vault, id),
        "preview_absorb": (vault, id),
        "max_borrow": (vault, id),
        "max_withdraw": (vault, id, ETH),
    }
    if place == "Operators":
        args["is_authorised"] = (vault, world.owner, 0, spy.actor.address)
    answered = []
    for name, is_view, given in functions(place, args):
        try:
            target.encode(name, *given)
        except ValueError:
            continue
        if not is_view:
            continue
        with world.snapshot():
            seen = spy.take(target, name, given)
            if seen is None:
                continue
            if (place, name) == ("InsuranceFund", "solvency"):
                # it says whom it could not ask; bit 0 is this vault
                assert target.decode(name, bytes.fromhex(seen.removeprefix("0x")))[-1] == 1
                continue
            answered.append(name)
            after = world.rpc.call(
                "eth_call",
                {"to": target.address, "data": "0x" + target.encode(name, *given).hex()},
                "latest",
            )
            if place == "Stablecoin" and name in BEFORE_PAYMENT:
                taken = [e.args["cost"] for e in last_events(world) if e.name == "Taken"]
                assert int(seen, 16) - int(after, 16) == BEFORE_PAYMENT[name] * taken[0]
            else:
                assert seen == after, name
    if place == "Vault":
        assert set(answered) == OPEN
    elif place == "Lens":
        # it asks for the live index, which is locked: it refuses rather than guess
        assert answered == ["is_authorised"]
    elif place == "InsuranceFund":
        assert "equity" not in answered  # it asks the vault what the book owes
    else:
        assert len(answered) >= 5


def last_events(world: World) -> list[Any]:
    """Return the vault's events of the last block."""
    logs = world.rpc.call(
        "eth_getLogs",
        {"fromBlock": "latest", "toBlock": "latest", "address": world.vault.address},
    )
    return world.vault.events(logs)


@pytest.mark.covers("A06")
@pytest.mark.parametrize("place", ["Stablecoin", "PriceHub", "InsuranceFund", "Operators"])
def test_take__whatever_else_is_done_in_the_callback_the_sale_is_the_same(spy, place):
    """A call to any function beside the vault either undoes the take or leaves it as it was."""
    stage, world = spy.scene.stage, spy.scene.stage.world
    target = {
        "Stablecoin": world.coin,
        "PriceHub": world.hub,
        "InsuranceFund": world.fund,
        "Operators": world.operators,
    }[place]
    me, vault = spy.actor.address, world.vault.address
    args = {
        "transfer": (world.keeper, WAD),
        "approve": (world.keeper, MAX),
        "burn": (me, WAD),
        "mint": (me, WAD),
        "poke": (7,),
        "sync": (7,),
        "sync_one": (ETH,),
        "collect": (vault, ETH),
        "recapitalise": (WAD,),
        "set_operator": (vault, world.keeper, MAX),
    }
    before = stage.book()
    with world.snapshot():
        spy.take(world.hub, "fresh_for", ())
        plain = stage.book().positions[spy.id]
    done = []
    for name, is_view, given in functions(place, args):
        if is_view:
            continue
        with world.snapshot():
            seen = spy.take(target, name, given)
            book = stage.book()
            book.check()
            if seen is None:
                assert book.positions == before.positions
            else:
                done.append(name)
                assert book.positions[spy.id] == plain
    # the fund's collection needs the vault, which is locked; a purse is the caller's own affair
    assert (
        set(done)
        == {
            "Stablecoin": {"transfer", "approve", "burn"},
            "PriceHub": {"poke", "sync", "sync_one"},
            "InsuranceFund": {"recapitalise"},
            "Operators": {"set_operator", "lockdown"},
        }[place]
    )


def test_take_reverts_when_callbacks_are_paused(scene):
    world = scene.stage.world
    called = auction(scene.stage)
    world.vault.transact("set_pauses", 16, sender=world.governor)
    with reverts("callbacks paused"):
        scene.take(called.id, WAD, SELL)
    scene.give_coins(scene.taker.address, 1_000 * WAD)
    scene.take(called.id, WAD, b"")


def test_margin_call__returns_the_tip_to_a_contract(scene):
    stage = scene.stage
    id = open_eth(stage)
    price_at(stage, 630 * WAD)
    scene.taker.transact("margin_call", id, sender=stage.world.keeper)
    assert scene.taker.read("tip") == TIP == scene.purse
