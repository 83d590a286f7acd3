# SPDX-License-Identifier: MIT
"""The keeper writes prices down on a real chain, under the limits of a real book."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from click.testing import CliRunner

from surety.cli import main
from surety.keeper import DrySender, Keeper, Policy
from surety.keeper.engine import GAS_BASE, GAS_PER_KIND
from surety.keeper.explain import why
from surety.keeper.pokes import CONFIRMING, FAILED, LAGGING, MOVED, OLD, RECOVERED, PokePolicy
from surety.keeper.risk import State, exact
from surety.keeper.strategy import MarginCall
from tests.keeper.node import faulty_node, forward_to
from tests.keeper.world import WAD, World


def poked(reports) -> list[tuple[int, str]]:
    return [
        (kind, reason)
        for report in reports
        for poke in report.poked
        for kind, reason in zip(poke.kinds, poke.reasons, strict=True)
    ]


def blocks(world: World, keeper: Keeper, count: int, seconds: int = 12) -> list:
    """Let the keeper see a head, then mine the next, `count` times; return the reports."""
    reports = []
    for _ in range(count):
        reports.append(keeper.on_head())
        assert not reports[-1].error
        world.block(seconds)
    return reports


@pytest.fixture
def guarded(world: World) -> World:
    world.guard()
    world.block(61)
    world.hub.transact("poke", 7, sender=world.governor)
    world.manual()
    return world


def test_moved_price_is_written_once(guarded: World) -> None:
    world = guarded
    keeper = world.keeper()
    world.price("eth", 1_960)
    world.block(61)
    reports = blocks(world, keeper, 4)
    assert poked(reports) == [(0, MOVED)]
    assert world.stored(0).hi == 1_960 * WAD
    assert (keeper.stats.pokes, keeper.stats.reverted) == (1, 0)
    assert 40_000 < keeper.stats.poke_gas == keeper.stats.gas < 120_000
    assert keeper.stats.as_json()["pokes"] == 1
    assert keeper.stats.as_json()["poke_gas"] == keeper.stats.poke_gas


def test_small_move_and_kinds_that_nobody_owes_on_are_left_alone(guarded: World) -> None:
    world = guarded
    keeper = world.keeper()
    world.price("eth", 1_985)
    world.price("btc", 36_000)
    world.block(61)
    assert poked(blocks(world, keeper, 3)) == []
    assert world.stored(1).hi == 40_000 * WAD
    world.rpc.call("evm_setAutomine", True)
    # without debt it does not matter, with debt it does
    account = world.open(1, 0, {"btc": 1_000}, 0)
    world.manual()
    assert poked(blocks(world, keeper, 2)) == []
    world.rpc.call("evm_setAutomine", True)
    world.vault.transact("borrow", account, 2_500 * WAD, world.owners[1], sender=world.owners[1])
    world.price("btc", 34_000)
    world.manual()
    world.block(61)
    assert [kind for kind, _ in poked(blocks(world, keeper, 2))] == [1]


def test_crash_is_followed_as_fast_as_the_slew_lets_it(guarded: World) -> None:
    """Down by 60 % at once: `hi` falls with every write, a minute and a block apart."""
    world = guarded
    keeper = world.keeper()
    keeper.on_head()
    world.block(70)
    world.price("eth", 800)
    world.block(12)
    reports = blocks(world, keeper, 60)
    found = poked(reports)
    assert found[0] == (0, CONFIRMING)
    assert [reason for _, reason in found[1:]] == [LAGGING] * (len(found) - 1)
    assert world.stored(0).hi == 800 * WAD
    assert world.stored(0).confirming
    # 2,000 to 800 at 12 % in 72 s (the first word was older)
    assert 6 <= len(found) <= 9
    times = [report.number for report in reports if report.poked]
    assert {after - before for before, after in pairwise(times[1:])} == {6}
    assert keeper.stats.pokes == len(found)


def test_nothing_is_written_twice_while_it_is_out(guarded: World) -> None:
    world = guarded
    keeper = world.keeper()
    world.price("eth", 1_900)
    world.block(61)
    assert poked([keeper.on_head()]) == [(0, MOVED)]
    # the transaction waits: no block holds it, however often the keeper looks
    assert poked([keeper.on_head(), keeper.on_head()]) == []
    world.block(12)
    assert poked(blocks(world, keeper, 3)) == []
    assert keeper.stats.pokes == 1


def test_margin_call_writes_the_price_itself(guarded: World) -> None:
    world = guarded
    world.rpc.call("evm_setAutomine", True)
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    world.manual()
    world.block(61)
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_800)
    world.block(61)
    report = keeper.on_head()
    assert [intent.account for intent in report.sent] == [account]
    assert report.poked == []
    world.block(12)
    assert poked(blocks(world, keeper, 2)) == []
    assert world.stored(0).hi == 1_800 * WAD
    assert (keeper.stats.calls, keeper.stats.pokes) == (1, 0)


def test_failure_and_recovery_are_written_down(guarded: World) -> None:
    world = guarded
    keeper = world.keeper()
    feed = world.feeds["eth"]
    world.rpc.call("evm_setAutomine", True)
    feed.transact("set_reverts", True, sender=world.governor)
    world.manual()
    world.block(300)
    assert poked(blocks(world, keeper, 3)) == []  # it may come back by itself
    world.block(300)
    assert poked(blocks(world, keeper, 4)) == [(0, FAILED)]
    assert world.stored(0).failed
    world.rpc.call("evm_setAutomine", True)
    feed.transact("set_reverts", False, sender=world.governor)
    world.manual()
    assert poked(blocks(world, keeper, 3)) == [(0, RECOVERED)]
    assert world.stored(0).flags == 2


def test_old_words_are_written_together(guarded: World) -> None:
    world = guarded
    world.rpc.call("evm_setAutomine", True)
    world.open(0, 0, {"btc": 1_000, "stable": 10_000_000}, 2_500)
    world.block(61)
    world.hub.transact("poke", 1, sender=world.governor)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    for name, whole in (("eth", 2_000), ("btc", 40_000), ("stable", 1)):
        world.price(name, whole)
    world.block(14_400)
    reports = blocks(world, keeper, 3)
    assert poked(reports) == [(0, OLD), (1, OLD), (2, OLD)]
    assert keeper.stats.pokes == 1


def test_policy_can_be_changed_and_switched_off(guarded: World) -> None:
    world = guarded
    world.price("eth", 1_900)
    world.block(61)
    off = world.keeper(policy=Policy(pokes=PokePolicy(enabled=False)))
    assert poked(blocks(world, off, 2)) == []
    patient = world.keeper(policy=Policy(pokes=PokePolicy(move_bps=501)))
    assert poked(blocks(world, patient, 2)) == []
    keen = world.keeper(policy=Policy(pokes=PokePolicy(move_bps=500)))
    assert poked(blocks(world, keen, 2)) == [(0, MOVED)]


def test_refused_poke_rests_and_stops_nothing_else(guarded: World) -> None:
    """A hub that refuses (here: another contract in its place) costs one question a few blocks."""
    world = guarded
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_900)
    world.block(61)
    # an eth_call of poke reverts, everything else is answered by the real hub
    selector = world.hub.encode("poke", 0)[:4].hex()

    def answer(body: bytes) -> bytes:
        told = json.loads(forward_to(world.rpc.url)(body))
        asked = json.loads(body)
        for question, item in zip(asked, told, strict=True) if isinstance(asked, list) else ():
            if question["method"] == "eth_call" and selector in str(question["params"][0]["data"]):
                refusals.append(question)
                item.pop("result", None)
                item["error"] = {"code": 3, "message": "execution reverted", "data": "0x"}
        return json.dumps(told).encode()

    refusals: list[object] = []
    with faulty_node(answer) as node:
        keeper = world.keeper(node.url)
        reports = blocks(world, keeper, 12)
    assert poked(reports) == []
    assert 3 <= len(refusals) <= 6  # after 1, 2, 4, 4 blocks
    assert keeper.stats.pokes == 0
    assert not any(report.error for report in reports)


def test_gas_covers_oracles_that_burn_all_they_may(guarded: World) -> None:
    world = guarded
    sender = DrySender(world.key.address)
    keeper = Keeper(world.rpc, world.system.vault, sender)
    world.price("eth", 1_900)
    world.block(61)
    keeper.on_head()
    assert [item.call.gas for item in sender.sent] == [GAS_BASE + GAS_PER_KIND]
    # an oracle and a sequencer's feed may burn 300,000 each, and the hub wants 64/63 of as much
    # to be there for the last of them
    assert GAS_PER_KIND >= 600_000 + 100_000
    assert GAS_BASE >= 304_000 * 64 // 63


def test_confirming_account_gets_its_grace_and_explain_says_so(guarded: World) -> None:
    world = guarded
    world.rpc.call("evm_setAutomine", True)
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    world.manual()
    world.block(130)
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_500)
    world.block(61)
    report = keeper.on_head()
    (call,) = (intent for intent in report.sent if isinstance(intent, MarginCall))
    assert not call.immediate
    opens = world.rpc.timestamp() + 12 + 3_600
    world.block(12)
    keeper.on_head()
    assert world.vault.read("accounts", account) >> 136 & (2**40 - 1) == opens
    row = keeper.book.table.row_of(account)
    assert row is not None
    reading = keeper.book.refresh(lambda head: [])
    assert reading is not None
    subject = exact(
        account, keeper.book.table.words[row], keeper.book.table.balances[row], reading.view
    )
    assert subject.state is State.CALLED
    assert subject.close_out < subject.debt
    assert why(subject, reading.view).endswith("but the price of kind 0 is confirming")
    asked = ["--rpc", world.rpc.url, "--vault", world.system.vault]
    found = CliRunner().invoke(main, ["keeper", "explain", str(account), "--json", *asked])
    told = json.loads(found.stdout)
    assert (told["confirming"], told["failed"]) == (True, False)
    assert told["kinds"][0]["confirming"] is True
    text = CliRunner().invoke(main, ["keeper", "explain", str(account), *asked]).output
    assert "the price of kind 0 is CONFIRMING" in text
    # once it is confirmed the auction need not wait for the grace
    sent = [intent for rep in blocks(world, keeper, 30, 60) for intent in rep.sent]
    assert [intent.immediate for intent in sent if isinstance(intent, MarginCall)] == [True]


def test_command_pokes_and_can_be_told_not_to(guarded: World) -> None:
    world = guarded
    world.price("eth", 1_960)
    world.block(61)
    options = ["--rpc", world.rpc.url, "--vault", world.system.vault, "--once", "--json"]

    def run(*more: str) -> object:
        result = CliRunner().invoke(main, ["keeper", "run", *options, "--dry-run", *more])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["poked"]

    assert run() == [{"kind": 0, "reason": MOVED}]
    assert run("--no-poke") == []
    assert run("--poke-bps", "201") == []
    assert run("--poke-bps", "201", "--poke-age", "60") == [{"kind": 0, "reason": OLD}]


def test_volatility_counts_in_the_keeper_s_integers_and_screen(guarded: World) -> None:
    """After wild hours the maintenance margin is higher, for the vault and the keeper alike."""
    world = guarded
    world.rpc.call("evm_setAutomine", True)
    account = world.open(0, 0, {"eth": 10_000, "btc": 20}, 14_000)
    world.manual()
    keeper = world.keeper()
    for whole in (1_900, 2_050, 1_920, 2_060, 1_930):
        world.price("eth", whole)
        world.block(3_700)
        blocks(world, keeper, 3)
    reading = keeper.book.refresh(lambda head: [])
    assert reading is not None
    assert reading.view.prices[0].maintenance_multiplier > 11_000
    assert reading.view.prices[0].initial_multiplier > 11_000
    row = keeper.book.table.row_of(account)
    assert row is not None
    table = keeper.book.table
    found = exact(account, table.words[row], table.balances[row], reading.view)
    assert world.levels(account) == (
        found.debt,
        found.value,
        found.initial,
        found.target,
        found.maintenance,
        found.close_out,
    )
    calm = reading.view.prices[0]
    plain = replace(
        reading.view,
        prices={**reading.view.prices, 0: replace(calm, maintenance_multiplier=10_000)},
    )
    assert exact(account, table.words[row], table.balances[row], plain).maintenance > (
        found.maintenance
    )
    # between the two maintenance levels it is volatility alone that makes it callable
    world.price("eth", 1_720)
    world.block(61)
    report = keeper.on_head()
    assert report.states[State.CALLABLE] == 1
    assert [intent.account for intent in report.sent] == [account]
    view = keeper.book.refresh(lambda head: [])
    assert view is not None
    prices = {**view.view.prices, 0: replace(view.view.prices[0], maintenance_multiplier=10_000)}
    calm_view = replace(view.view, prices=prices)
    subject = exact(account, table.words[row], table.balances[row], calm_view)
    assert subject.state is State.AT_RISK
