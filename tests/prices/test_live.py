# SPDX-License-Identifier: MIT
"""`surety prices status` and `poke` against a real hub on a real Anvil."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_abi.abi import encode
from eth_account import Account

from surety.anvil import Anvil
from surety.chain import Rpc, UnlockedSender, deploy_contract
from surety.cli import main
from surety.compile import artifact
from surety.deploy import MAJOR_LIMITS, STABLE_LIMITS, SystemParams, local_kinds
from surety.formulas import margin_math
from surety.keeper.words import Price
from surety.prices.board import Limits, clean, clock, judge
from surety.prices.lag import lag_down, lag_up
from tests.keeper.node import faulty_node, forward_to
from tests.world import GENESIS, WAD, World

LIMITS = (MAJOR_LIMITS, MAJOR_LIMITS, STABLE_LIMITS)
KEY = "0x" + "7d" * 32
# a symbol that would paint the terminal, break the line, turn the writing and open a tag
HOSTILE = "\x1b[31mX\r\n\u202e[red]<b>"


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        rpc = Rpc(node.url)
        sender = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        kinds = zip(local_kinds(sender), LIMITS, strict=True)
        guarded = tuple(dataclasses.replace(kind, limits=limits) for kind, limits in kinds)
        world = World(rpc, SystemParams(kinds=guarded))
        world.rpc.set_balance(Account.from_key(KEY).address, WAD)
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    with shared_world.snapshot():
        yield shared_world


def run(
    world: World, name: str, *args: str, hub: str | None = None, url: str = "", width: int = 80
) -> Result:
    where = [] if "--vault" in args else ["--hub", hub or world.hub.address]
    options = ["--rpc", url or world.rpc.url, *where, *args]
    return CliRunner().invoke(main, ["prices", name, *options], env={"COLUMNS": str(width)})


def told(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def one_line(result: Result, command: str = "status") -> str:
    assert result.exit_code == 1, result.output
    assert result.output.startswith(f"surety prices {command}: ")
    assert result.output.count("\n") == 1
    return result.output


def look(world: World, code: int = 0) -> Any:
    return told(run(world, "status", "--json"), code)


def oracle_of(world: World, kind: int) -> Any:
    """Put an oracle that can do everything in the place of a kind's feed."""
    sender = UnlockedSender(world.rpc, world.governor)
    address = deploy_contract(sender, artifact("MockOracle"), world.price(kind))
    world.hub.transact("set_oracle", kind, address, sender=world.governor)
    # the confirmation that a change of oracle starts is over
    world.forward(world.params.confirm_period + 60)
    oracle = world.contract("MockOracle", address)
    oracle.transact("set_price", world.price(kind), sender=world.governor)
    world.hub.transact("poke", 1 << kind, sender=world.governor)
    world.forward(world.params.fresh_for)
    return oracle


def test_calm_hub_is_fine(world: World) -> None:
    world.forward(30)
    found = look(world)
    assert (found["chain_id"], found["hub"]) == (31_337, world.hub.address)
    assert (found["fresh_for"], found["confirm_period"]) == (60, 1_200)
    assert found["sequencer"] is None
    assert found["fine"] is True
    assert [kind["symbol"] for kind in found["kinds"]] == ["ETH", "BTC", "STABLE"]
    eth = found["kinds"][0]
    assert eth["market"]["price"] == eth["now"]["lo"] == eth["stored"]["hi"] == str(2_000 * WAD)
    assert (eth["now"]["lag_lo_bps"], eth["now"]["lag_hi_bps"]) == (0, 0)
    assert eth["volatility"]["reference"] == str(15 * 10**15)
    assert (eth["slew_down"], eth["slew_up"], eth["jump_bps"]) == (1_666_667, 333_333, 1_000)
    assert (int(eth["min_price"]), int(eth["max_price"])) == world.hub.read("bounds_of", 0)
    assert eth["max_age"] == world.hub.read("config_of", 0)[1] == 90_000
    text = run(world, "status").output
    assert "all kinds are fine" in text
    assert "finding" not in text


def test_lags_are_those_of_the_formulas(world: World) -> None:
    world.set_price(0, 1_850 * WAD)
    world.set_price(1, 43_000 * WAD)
    world.forward(90)
    found = look(world)
    for kind, market in ((0, 1_850 * WAD), (1, 43_000 * WAD)):
        row = found["kinds"][kind]
        stored = Price.from_word(world.hub.read("words", kind))
        elapsed = found["time"] - stored.updated_at
        hi = margin_math.slew_hi_up(stored.hi, market, 1_666_667, elapsed)
        lo = margin_math.slew_lo_down(stored.lo, market, 333_333, elapsed)
        assert (row["now"]["hi"], row["now"]["lo"]) == (str(hi), str(lo))
        assert row["stored"]["hi"] == str(stored.hi)
        assert row["age"] == elapsed
        assert row["now"]["lag_hi_bps"] == lag_up(hi, market)
        assert row["now"]["lag_lo_bps"] == lag_down(lo, market)
    # the fall of hi binds nobody after 90 s, the rise of lo does
    assert found["kinds"][0]["now"]["lag_hi_bps"] == 0
    assert 0 < found["kinds"][1]["now"]["lag_lo_bps"] < 500
    assert found["kinds"][1]["stored"]["lag_hi_bps"] < 0


def test_lags_are_rounded_up() -> None:
    assert lag_up(10_001, 10_000) == 1
    assert lag_up(100_001, 100_000) == 1
    assert lag_up(99_999, 100_000) == 0
    assert lag_down(99_999, 100_000) == 1
    assert lag_down(100_001, 100_000) == 0


def test_jump_is_confirming_and_its_clock_begins_with_a_poke(world: World) -> None:
    world.set_price(0, 1_500 * WAD)
    world.forward(90)
    row = look(world, 2)["kinds"][0]
    assert row["findings"] == ["CONFIRMING"]
    assert row["stored"]["flags"] == []
    assert row["confirming"]["seconds_left"] == 1_200
    assert row["confirming"]["begins_with_next_write"] is True
    text = " ".join(run(world, "status").output.split())
    assert "finding: kind 0 ETH: CONFIRMING (1,200 s from the next write on: poke it)" in text
    told(run(world, "poke", "--json", "--dev-key"))
    world.forward(100)
    row = look(world, 2)["kinds"][0]
    assert row["confirming"]["begins_with_next_write"] is False
    shown = " ".join(run(world, "status", width=120).output.split())
    assert f"CONFIRMING, {row['age']} s old" in shown
    until = row["confirming"]["until"]
    assert row["confirming"]["seconds_left"] == until - world.now > 1_000
    world.forward(until - world.now)
    row = look(world)["kinds"][0]
    assert row["findings"] == []
    assert row["confirming"]["seconds_left"] is None


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda w, o: o.transact("set_mode", 1, sender=w.governor), "reverts: "),
        (lambda w, o: o.transact("set_mode", 2, sender=w.governor), "reverts: source is down"),
        (lambda w, o: o.transact("set_mode", 3, sender=w.governor), "burns all of its 300,000 gas"),
        (
            lambda w, o: o.transact("set_raw", b"\x01" * 96, sender=w.governor),
            "answers 96 bytes instead of 64",
        ),
        (
            lambda w, o: o.transact("set_raw", b"", sender=w.governor),
            "answers 0 bytes instead of 64",
        ),
        (lambda w, o: o.transact("set_mode", 5, sender=w.governor), "answers 102400 bytes"),
        (lambda w, o: o.transact("set_price", 0, sender=w.governor), "no price: it answers 0"),
        (
            lambda w, o: o.transact("set_report", 2_000 * WAD, w.now + 10_000, sender=w.governor),
            "from the future by ",
        ),
        (
            lambda w, o: o.transact("set_report", 2_000 * WAD, w.now - 90_100, sender=w.governor),
            "stale by ",
        ),
    ],
    ids=["silent", "reason", "gas", "long", "empty", "huge", "zero", "future", "stale"],
)
def test_failing_oracle_is_shown_with_why(world: World, prepare: Any, why: str) -> None:
    oracle = oracle_of(world, 0)
    assert look(world)["kinds"][0]["findings"] == []
    prepare(world, oracle)
    world.forward(60)
    row = look(world, 2)["kinds"][0]
    assert row["findings"][0] == "FAILED"
    assert row["market"]["why"].startswith(why)
    assert row["market"]["accepted"] == "0"
    assert row["now"]["lo"] == "0"
    assert row["now"]["lag_hi_bps"] is None
    text = " ".join(run(world, "status", width=120).output.split())
    assert f"finding: kind 0 ETH: FAILED, {why.split(':')[0]}" in text


def test_bounds_are_judged(world: World) -> None:
    hub, governor = world.hub, world.governor
    hub.transact("set_bounds", 0, 2_001 * WAD, 2**88 - 1, sender=governor)
    assert look(world, 2)["kinds"][0]["findings"] == ["FAILED", "below min"]
    hub.transact("set_bounds", 1, 1, 39_000 * WAD, sender=governor)
    row = look(world, 2)["kinds"][1]
    assert row["findings"] == ["above max: it counts as max"]
    assert row["market"]["accepted"] == str(39_000 * WAD)
    assert row["now"]["lo"] == str(39_000 * WAD)


def test_oracle_that_fails_only_inside_the_hub_is_not_called_sound(world: World) -> None:
    """A static call by the hub refuses a write that an eth_call lets pass."""
    oracle = oracle_of(world, 0)
    # sstore(0, 1), then answer (2000 WAD, now)
    code = "60015f55" + f"68{2_000 * WAD:018x}5f52" + "42602052" + "60405ff3"
    world.rpc.call("anvil_setCode", oracle.address, "0x" + code)
    world.forward(60)
    row = look(world, 2)["kinds"][0]
    assert row["market"]["price"] == str(2_000 * WAD)
    assert row["findings"] == ["FAILED", "fails when the hub asks"]


def test_fresh_word_is_used_although_its_oracle_has_failed(world: World) -> None:
    world.follow()
    world.feeds[2].transact("set_reverts", True, sender=world.governor)
    row = look(world, 2)["kinds"][2]
    assert row["fresh"] is True
    assert row["now"]["flags"] == []
    assert row["findings"] == ["reverts: feed is down"]


def answering(data: bytes) -> str:
    """Return the code of a contract that answers everything with `data`."""
    return f"0x61{len(data):04x}80600a5f395ff3{data.hex()}"


@pytest.mark.covers("T24", "T25")
@pytest.mark.parametrize(
    ("answer", "symbol"),
    [
        (encode(["string"], [HOSTILE]), "\\x1b[31mX\\r\\n\\u…"),
        (b"MKR".ljust(32, b"\0"), "MKR"),
        (b"", "?"),
        (b"\xff" * 64, "?"),
        (encode(["string"], [""]), "?"),
        (encode(["string"], ["x" * 5_000]), "x" * 15 + "…"),
    ],
    ids=["hostile", "bytes32", "nothing", "garbage", "empty", "long"],
)
def test_symbol_of_a_stranger_is_harmless(world: World, answer: bytes, symbol: str) -> None:
    world.rpc.call("anvil_setCode", world.tokens[0].address, answering(answer))
    found = look(world)
    assert found["kinds"][0]["symbol"] == symbol
    for width in (80, 120):
        text = run(world, "status", width=width).output
        assert text.replace("\n", "").isprintable()
        assert symbol[:5] in text


def test_reason_of_a_stranger_is_harmless(world: World) -> None:
    oracle = oracle_of(world, 0)
    # revert with Error(HOSTILE)
    data = bytes.fromhex("08c379a0") + encode(["string"], [HOSTILE])
    code = answering(data)[:-2]  # ... but it reverts
    code = code.replace("5ff3", "5ffd", 1) + data.hex()[-2:]
    world.rpc.call("anvil_setCode", oracle.address, code)
    world.forward(60)
    row = look(world, 2)["kinds"][0]
    assert row["market"]["why"].startswith("reverts: \\x1b[31mX\\r\\n\\u202e[red]<b>")
    text = run(world, "status", width=120).output
    assert text.replace("\n", "").isprintable()
    assert "[red]" in text


def test_clean_escapes_and_cuts() -> None:
    assert clean("ETH", 16) == "ETH"
    assert clean("a b₮", 16) == "a b₮"
    assert clean("\x1b" * 9, 16) == "\\x1b\\x1b\\x1b\\x1b"[:15] + "…"
    assert len(clean("\u202e" * 100, 16)) == 16
    assert clock(2**255) == f"{2**255} s"
    assert clock(0) == "1970-01-01 00:00:00"


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal(world: World, width: int) -> None:
    world.hub.transact("set_bounds", 0, WAD // 3, 2**88 - 2, sender=world.governor)
    world.set_price(0, 300_000_000 * WAD)
    world.set_price(2, WAD // 3)
    world.forward(90)
    result = run(world, "status", width=width)
    assert result.exit_code == 2
    assert max(len(line) for line in result.output.splitlines()) <= width
    assert "300,000,000.00" in result.output
    assert "0.333333" in result.output
    # nothing is cut off: a cell may be broken over lines, but no number is
    assert "…" not in result.output


def test_sequencer_is_shown(world: World) -> None:
    hub, governor = world.hub, world.governor
    sender = UnlockedSender(world.rpc, governor)
    feed = world.contract(
        "MockAggregator", deploy_contract(sender, artifact("MockAggregator"), 0, 0)
    )
    hub.transact("set_sequencer", feed.address, sender=governor)
    world.forward(60)
    found = look(world, 2)
    assert (found["sequencer"]["state"], found["sequencer"]["feed"]) == ("up", feed.address)
    left = found["sequencer"]["since"] + 1_200 - found["time"]
    assert [kind["confirming"]["seconds_left"] for kind in found["kinds"]] == [left] * 3
    assert {kind["confirming"]["begins_with_next_write"] for kind in found["kinds"]} == {False}
    world.forward(1_200)
    assert look(world)["fine"] is True
    feed.transact("set_answer", 1, sender=governor)
    world.forward(60)
    found = look(world, 2)
    assert found["sequencer"]["state"] == "down"
    assert [kind["findings"] for kind in found["kinds"]] == [["FAILED", "sequencer down"]] * 3
    assert "finding: sequencer down for " in run(world, "status").output
    feed.transact("set_reverts", True, sender=governor)
    found = look(world, 2)
    assert found["sequencer"]["state"] == "unreadable"
    assert found["sequencer"]["why"] == "reverts: feed is down"
    assert {kind["confirming"]["seconds_left"] for kind in found["kinds"]} == {None}
    assert [kind["findings"] for kind in found["kinds"]] == [["CONFIRMING"]] * 3


def test_round_trips_do_not_grow_with_the_kinds(world: World) -> None:
    def trips(*args: str) -> int:
        before = node.requests
        assert run(world, "status", "--json", *args, url=node.url).exit_code in (0, 2)
        return node.requests - before

    with faulty_node(forward_to(world.rpc.url)) as node:
        assert trips() == 3
        assert trips("--vault", world.vault.address) == 4
        sender = UnlockedSender(world.rpc, world.governor)
        for number in range(3, 32):
            token = deploy_contract(sender, artifact("MockToken"), "T", f"T{number}", 18)
            oracle = deploy_contract(sender, artifact("MockOracle"), WAD)
            world.hub.transact(
                "list_kind",
                *(token, oracle, 3_600, 1, 2**88 - 1, *dataclasses.astuple(MAJOR_LIMITS)),
                sender=world.governor,
            )
        assert trips() == 3
    assert len(look(world)["kinds"]) == 32


def test_all_answers_are_of_one_block(world: World) -> None:
    """A block that is mined between the round trips changes nothing that is shown."""
    passed = []

    def answer(body: bytes) -> bytes:
        told = forward_to(world.rpc.url)(body)
        if not passed:
            world.set_price(0, 1_000 * WAD)
            world.forward(500)
            world.hub.transact("poke", 7, sender=world.governor)
        passed.append(body)
        return told

    with faulty_node(answer) as node:
        found = told(run(world, "status", "--json", url=node.url))
    assert len(passed) == 3
    assert found["kinds"][0]["market"]["price"] == str(2_000 * WAD)
    assert found["kinds"][0]["now"]["hi"] == str(2_000 * WAD)
    assert found["time"] < world.now - 400


def test_errors_are_one_line(world: World) -> None:
    nowhere = "0x" + "12" * 20
    assert f"no price hub at {nowhere}" in one_line(run(world, "status", hub=nowhere))
    assert "the contract there is another" in one_line(run(world, "status", hub=world.coin.address))
    assert "no vault at" in one_line(run(world, "status", "--vault", world.coin.address))
    assert "no vault at" in one_line(run(world, "status", "--vault", nowhere))
    both = run(world, "status", "--vault", world.vault.address, "--hub", world.hub.address)
    assert "either --hub or --vault" in one_line(both)
    assert "is not an address" in one_line(run(world, "status", hub="0x1234"))
    assert "bad --rpc" in one_line(run(world, "status", url="ftp://x"))
    assert "bad --rpc" in one_line(run(world, "poke", url="ftp://x"), "poke")
    with faulty_node(forward_to(world.rpc.url)) as node:
        node.rate = 1.0
        for fault in ("html", "truncated", "wrong_id", "null", "error", "drop"):
            node.faults = (fault,)
            line = one_line(run(world, "status", url=node.url))
            assert "the node does not answer as a node should" in line, fault


def test_a_hub_and_a_node_that_would_paint_the_terminal_do_not(world: World) -> None:
    data = bytes.fromhex("08c379a0") + encode(["string"], [HOSTILE])
    reverting = answering(data).replace("5ff3", "5ffd", 1)

    def answer(body: bytes) -> bytes:
        told = json.loads(forward_to(world.rpc.url)(body))
        for item in told if isinstance(told, list) else [told]:
            item.pop("result", None)
            item["error"] = {"code": -32_000, "message": HOSTILE}
        return json.dumps(told).encode()

    with faulty_node(answer) as node:
        line = one_line(run(world, "status", url=node.url))
    assert line.rstrip("\n").isprintable()
    # a hub of which only half answers
    world.rpc.call("anvil_setCode", world.coin.address, reverting)
    line = one_line(run(world, "status", hub=world.coin.address))
    assert line.rstrip("\n").isprintable()


def test_watch_looks_again_and_survives_a_bad_answer(world: World) -> None:
    """As a program of its own: it ends by Ctrl-C alone."""
    with faulty_node(forward_to(world.rpc.url)) as node:
        command = [sys.executable, "-m", "surety.cli", "prices", "status", "--json"]
        command += ["--rpc", node.url, "--hub", world.hub.address, "--watch", "0.2"]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(process.stdout.readline())["kinds"]
            node.rate, node.faults = 1.0, ("html",)
            assert process.stderr.readline().startswith("surety prices status: ")
            node.rate = 0.0
            assert json.loads(process.stdout.readline())["kinds"]
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    assert "surety prices status: stopped" in err
    assert "Traceback" not in err


def test_poke_writes_what_a_reader_would_get(world: World) -> None:
    world.set_price(0, 1_900 * WAD)
    world.feeds[2].transact("set_reverts", True, sender=world.governor)
    world.forward(90)
    dry = told(run(world, "poke", "--json", "--dry-run"))
    assert [(item["kind"], item["why"]) for item in dry["due"]] == [
        (0, "the price has moved"),
        (1, "its word is old"),
        (2, "it has failed"),
    ]
    assert dry["transaction"] is None
    assert world.price(0) == 2_000 * WAD
    result = run(world, "poke", "--json", "--dev-key", "--vault", world.vault.address)
    found = told(result, 2)
    assert [item["kind"] for item in found["poked"]] == [0, 1, 2]
    before, after = found["poked"][0]["before"], found["poked"][0]["after"]
    assert (before["hi"], after["hi"]) == (str(2_000 * WAD), str(1_900 * WAD))
    assert found["poked"][2]["after"]["flags"] == ["FAILED"]
    assert found["poked"][2]["after"]["hi"] == found["poked"][2]["before"]["hi"]
    assert Price.from_word(world.hub.read("words", 0)).hi == 1_900 * WAD
    receipt = world.rpc.receipt(found["transaction"])
    assert receipt is not None
    assert (receipt.gas_used, receipt.block) == (found["gas_used"], found["block"])


def test_poke_sends_nothing_when_nothing_would_change(world: World) -> None:
    world.follow()
    block = world.rpc.block_number()
    result = run(world, "poke", "--dev-key")
    assert result.exit_code == 0
    assert "nothing to do: no word would change" in result.output
    assert "leave kind 1 BTC: fresh for another " in result.output
    found = told(run(world, "poke", "--json", "--all", "--dev-key"))
    assert (found["poked"], found["fresh"]) == ([], [0, 1, 2])
    assert world.rpc.block_number() == block


def test_poke_of_one_kind_leaves_the_others(world: World) -> None:
    world.set_price(0, 1_900 * WAD)
    world.set_price(1, 39_000 * WAD)
    world.forward(90)
    text = run(world, "poke", "--kind", "1", "--dev-key").output
    assert "poke kind 1 BTC: the price has moved" in text
    assert "kind 0" not in text
    assert "39,000.00" in text
    assert world.price(0) == 2_000 * WAD
    assert world.price(1) == 39_000 * WAD
    line = one_line(run(world, "poke", "--kind", "7", "--dev-key"), "poke")
    assert "no kind 7: the hub has 3 kinds" in line
    line = one_line(run(world, "poke", "--kind", "1", "--all", "--dev-key"), "poke")
    assert "only one of" in line


def test_recovery_is_poked_and_starts_a_confirmation(world: World) -> None:
    feed = world.feeds[1]
    feed.transact("set_reverts", True, sender=world.governor)
    world.forward(60)
    assert told(run(world, "poke", "--json", "--kind", "1", "--dev-key"), 2)
    assert told(run(world, "poke", "--json", "--kind", "1", "--dry-run"))["due"] == [
        {"kind": 1, "why": "still failed"}
    ]
    feed.transact("set_reverts", False, sender=world.governor)
    world.forward(12)
    found = told(run(world, "poke", "--json", "--kind", "1", "--dev-key"))
    assert found["poked"][0]["why"] == "it has recovered"
    assert found["poked"][0]["before"]["flags"] == ["FAILED"]
    assert found["poked"][0]["after"]["flags"] == ["CONFIRMING"]


def test_poke_leaves_gas_for_oracles_that_burn_all_of_theirs(world: World) -> None:
    """What is estimated while an oracle is cheap must do when it is dear."""
    oracles = [oracle_of(world, kind) for kind in (0, 1)]
    world.forward(60)
    limit = {}

    def answer(body: bytes) -> bytes:
        told = forward_to(world.rpc.url)(body)
        if b"eth_estimateGas" in body:
            for oracle in oracles:
                oracle.transact("set_mode", 3, sender=world.governor)
        if b"eth_sendRawTransaction" in body:
            limit["sent"] = True
        return told

    with faulty_node(answer) as node:
        found = told(run(world, "poke", "--json", "--all", "--dev-key", url=node.url), 2)
    assert limit["sent"]
    assert [item["after"]["flags"] for item in found["poked"]] == [["FAILED"], ["FAILED"], []]
    assert found["gas_used"] > 600_000


def test_poke_pays_no_contract_that_burns_gas(world: World) -> None:
    """A hub that is none could take as much as a block holds."""
    world.forward(90)

    def answer(body: bytes) -> bytes:
        told = json.loads(forward_to(world.rpc.url)(body))
        if b"eth_estimateGas" in body:
            told[0]["result"] = hex(4_000_001)
        return json.dumps(told).encode()

    with faulty_node(answer) as node:
        line = one_line(run(world, "poke", "--json", "--dev-key", url=node.url), "poke")
    assert "wants 4,000,001 gas" in line


def test_poke_wants_a_key_of_its_own_chain(world: World, tmp_path: Path) -> None:
    world.forward(90)
    assert "no key" in one_line(run(world, "poke"), "poke")
    wrong = one_line(run(world, "poke", "--dev-key", "--chain-id", "1"), "poke")
    assert "wrong chain: the node is on 31337, not 1" in wrong
    store, password = tmp_path / "key.json", tmp_path / "password"
    store.write_text(json.dumps(Account.encrypt(KEY, "correct horse", "pbkdf2", 2)))
    password.write_text("correct horse\n")
    keys = ("--keystore", str(store), "--password-file", str(password))
    found = told(run(world, "poke", "--json", "--kind", "0", *keys))
    sent = world.rpc.call("eth_getTransactionByHash", found["transaction"])
    assert sent["from"] == Account.from_key(KEY).address.lower()
    world.rpc.set_balance(Account.from_key(KEY).address, 0)
    line = one_line(run(world, "poke", "--json", "--kind", "1", *keys), "poke")
    assert "nsufficient" in line
    assert "does not answer" not in line


def test_hub_without_kinds_says_so(world: World) -> None:
    sender = UnlockedSender(world.rpc, world.governor)
    nobody = "0x" + "00" * 20
    empty = deploy_contract(sender, artifact("PriceHub"), world.governor, 60, 1_200, nobody)
    result = run(world, "status", hub=empty)
    assert result.exit_code == 0
    assert "the hub has no kinds" in result.output
    assert "nothing to do: no kinds" in run(world, "poke", "--dev-key", hub=empty).output


def test_judge_follows_the_order_of_the_hub() -> None:
    limits = Limits(100, 1, 1, 10, 20, 50, 1)

    def said(price: int, at: int) -> str:
        data = price.to_bytes(32, "big") + at.to_bytes(32, "big")
        return judge("0x" + data.hex(), limits, 1_000).why

    assert said(10, 1_000) == ""
    assert said(10, 900) == ""
    assert said(10, 899) == "stale by 1 s"
    assert said(10, 1_001) == "from the future by 1 s"
    assert said(9, 2_000) == "below min"
    assert said(0, 2_000) == "no price: it answers 0"
    assert said(20, 1_000) == ""
    assert said(21, 1_000) == "above max: it counts as max"
    assert said(21, 0) == "stale by 900 s"
    assert said(2**256 - 1, 2**256 - 1) == f"from the future by {2**256 - 1_001} s"
