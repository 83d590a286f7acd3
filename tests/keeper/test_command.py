# SPDX-License-Identifier: MIT
"""`surety keeper`: what it prints, how it exits, and that it never prints a secret."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from surety.cli import main
from surety.keeper.book import KeeperError
from surety.keeper.command import parse_account
from surety.keeper.words import show_account
from tests.keeper.world import KEEPER_KEY, WAD, World

STALE = 61


def surety(world: World, *args: str, vault: str | None = None, url: str | None = None) -> Result:
    name, *rest = args
    return CliRunner().invoke(
        main,
        [
            *("keeper", name, *rest),
            *("--rpc", url or world.rpc.url, "--vault", vault or world.system.vault),
        ],
    )


def one_line(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.output.startswith("surety keeper ")
    assert result.output.count("\n") == 1
    return result.output


def told(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def keystore(tmp_path: Path) -> tuple[str, str]:
    store, password = tmp_path / "key.json", tmp_path / "password"
    sealed = Account.encrypt(KEEPER_KEY, "correct horse", kdf="pbkdf2", iterations=2)
    store.write_text(json.dumps(sealed))
    password.write_text("correct horse\n")
    return str(store), str(password)


def test_status_counts_accounts_by_state(world: World) -> None:
    world.open(0, 0, {"eth": 10_000}, 14_900)
    world.open(0, 1, {"eth": 1_000}, 0)
    found = told(surety(world, "status", "--json"))
    assert found["accounts"]["HEALTHY"] == 3
    assert found["accounts"]["CALLABLE"] == 0
    world.price("eth", 1_800)
    world.block(STALE)
    found = told(surety(world, "status", "--json"), code=2)
    assert found["accounts"]["CALLABLE"] == 1
    assert int(found["debt"]["CALLABLE"]) == pytest.approx(14_900 * WAD, rel=1e-3)
    assert found["undecided"] == 0
    assert "CALLABLE" in surety(world, "status").output


def test_explain_says_what_cures_and_the_vault_agrees(world: World) -> None:
    account = world.open(0, 7, {"eth": 5_000, "btc": 200}, 13_000)
    world.price("eth", 1_600)
    world.block(STALE)
    found = told(surety(world, "explain", show_account(account), "--json"))
    assert found["state"] == "CALLABLE"
    assert found["callable"] is True
    assert found["why"].startswith("callable: the debt is above")
    levels = world.levels(account)
    names = ("debt", "value", "initial", "target", "maintenance", "close_out")
    assert tuple(int(found["levels"][name]) for name in names) == levels
    assert sum(int(kind["maintenance"]) for kind in found["kinds"]) == levels[4]
    eth = found["kinds"][0]
    owner = world.owners[0]
    # one base unit less than said leaves the account below its target, all of it cures
    before = world.rpc.snapshot()
    for missing, healthy in ((10**14, False), (-(10**14), True)):
        amount = int(eth["to_target"]) - missing
        world.token("eth").transact("mint", owner, amount, sender=world.governor)
        world.vault.transact("deposit", account, 0, amount, sender=owner)
        debt, _, _, target, _, _ = world.levels(account)
        assert (debt <= target) is healthy
        world.rpc.revert(before)
        before = world.rpc.snapshot()
    text = surety(world, "explain", show_account(account)).output
    assert "coins to cure" in text


def test_explained_price_is_the_edge_of_the_margin_call(world: World) -> None:
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    found = told(surety(world, "explain", str(account), "--json"))
    assert found["callable"] is False
    edge = int(found["kinds"][0]["callable_below"])
    assert edge == pytest.approx(14_900 * WAD // 8, rel=1e-6)
    feed = world.feeds["eth"]
    # the feed has 8 decimals; a hundredth of a coin below the edge covers the interest of a minute
    for answer, callable_ in ((edge // 10**10 + 10**6, False), (edge // 10**10 - 10**6, True)):
        feed.transact("set_answer", answer, sender=world.governor)
        world.block(STALE)
        assert (world.vault.read("health_factor", account) < WAD) is callable_


def test_explain_of_nobody_is_one_line(world: World) -> None:
    assert "no account" in one_line(surety(world, "explain", "12345"))
    assert "is not an account" in one_line(surety(world, "explain", "nonsense"))
    with pytest.raises(KeeperError):
        parse_account(f"0x{1:040x}:256")
    assert parse_account(f"0x{1:040x}:255") == 0x1FF
    assert parse_account(f"0x{1:040x}") == 0x100


def test_once_with_a_keystore_calls(world: World, keystore: tuple[str, str]) -> None:
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    world.price("eth", 1_800)
    world.block(STALE)
    store, password = keystore
    found = told(
        surety(
            *(world, "run", "--once", "--json", "--keystore", store, "--password-file", password)
        )
    )
    assert found["sent"][0]["action"] == "MarginCall"
    assert found["sent"][0]["account"] == show_account(account)
    world.block()
    assert world.vault.read("accounts", account) >> 136 & (2**40 - 1) != 0


def test_dry_run_sends_nothing(world: World) -> None:
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    world.price("eth", 1_800)
    world.block(STALE)
    found = told(surety(world, "run", "--once", "--dry-run", "--json"))
    assert found["sent"][0]["action"] == "MarginCall"
    assert found["keeper"]["gas"] == 0
    world.block()
    assert world.vault.read("accounts", account) >> 136 & (2**40 - 1) == 0


def test_errors_are_one_line(world: World, keystore: tuple[str, str], tmp_path: Path) -> None:
    store, password = keystore
    nowhere = "0x" + "12" * 20
    assert "no vault at" in one_line(surety(world, "status", vault=nowhere))
    assert "no vault at" in one_line(surety(world, "status", vault=world.system.coin))
    assert "bad --rpc" in one_line(surety(world, "status", url="ftp://example"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert "the node does not answer" in one_line(surety(world, "status", url=closed))
    wrong = one_line(surety(world, "run", "--once", "--dev-key", "--chain-id", "1"))
    assert "wrong chain: the node is on 31337, not 1" in wrong
    assert "no key" in one_line(surety(world, "run", "--once"))
    for value in ("nan", "inf", "-inf", "1e300"):
        line = one_line(surety(world, "run", "--once", "--dev-key", "--interval", value))
        assert line.startswith("surety keeper run: Invalid value for '--interval'")
    assert "no password" in one_line(surety(world, "run", "--once", "--keystore", store))
    bad = tmp_path / "bad"
    bad.write_text("battery staple")
    for pair in ((store, str(bad)), (password, password)):
        line = one_line(
            surety(world, "run", "--once", "--keystore", pair[0], "--password-file", pair[1])
        )
        assert "does not open" in line
        for secret in ("battery staple", "correct horse", KEEPER_KEY[2:]):
            assert secret not in line


def test_a_market_that_is_none_is_refused_at_the_start(world: World) -> None:
    def run(market: str) -> Result:
        return surety(world, "run", "--once", "--dry-run", "--market", market)

    assert "there is no contract" in one_line(run("0x" + "12" * 20))
    for other in (world.system.vault, world.system.coin, world.system.hub):
        assert f"no market at {other}" in one_line(run(other))
    assert run(world.market).exit_code == 0


def test_interrupt_ends_cleanly(world: World) -> None:
    command = [sys.executable, "-m", "surety.cli", "keeper", "run", "--dev-key"]
    command += ["--rpc", world.rpc.url, "--vault", world.system.vault, "--interval", "0.05"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "COLUMNS": "120"},
    )
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("block "), first
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "stopped" in err
    assert "Traceback" not in err
