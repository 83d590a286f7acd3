# SPDX-License-Identifier: MIT
"""The command as people run it: options, exit codes, output, Ctrl-C with a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from surety.cli import main
from surety.demo import command

KEYS = {
    "steps",
    "accounts",
    "margin_calls",
    "cured",
    "takes",
    "absorbed",
    "bad_debt",
    "equity_start",
    "equity_end",
    "coin_supply",
    "total_debt",
    "invariant_checks",
    "violations",
    "keeper",
    "prices",
}
WAD_KEYS = ("bad_debt", "equity_start", "equity_end", "coin_supply", "total_debt")
SHORT = ["demo", "--accounts", "6", "--from", "2020-03-12T10:00", "--to", "2020-03-12T11:30"]


def invoke(*args):
    return CliRunner(mix_stderr=False).invoke(main, list(args))


def test_json_is_one_object_alone_on_stdout(tmp_path):
    page = tmp_path / "page.html"
    done = subprocess.run(
        [sys.executable, "-m", "surety.cli", *SHORT, "--json", "--report", str(page)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    assert found["accounts"] == 6
    assert found["violations"] == 0
    assert found["invariant_checks"] > 1_000
    assert all(isinstance(found[key], str) and int(found[key]) >= 0 for key in WAD_KEYS)
    assert {"profit", "gas", "max_blocks_to_call"} <= found["keeper"].keys()
    assert found["prices"].keys() == {"eth", "btc", "stable"}
    for row in found["prices"].values():
        assert row.keys() == {"first", "low", "last"}
        assert int(row["low"]) <= min(int(row["first"]), int(row["last"]))
    assert "Traceback" not in done.stderr
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_the_table_names_every_number(tmp_path, monkeypatch, short_run):
    monkeypatch.setattr(command, "run_demo", lambda *_: short_run.result)
    done = invoke("demo", "--report", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    for text in (
        "margin calls",
        "collateral sold",
        "equity after",
        "keeper's profit",
        "violations",
    ):
        assert text in done.output


def test_a_violation_exits_2_and_is_said(tmp_path, monkeypatch, broken_result):
    monkeypatch.setattr(command, "run_demo", lambda *_: broken_result)
    page = tmp_path / "page.html"
    done = invoke("demo", "--json", "--report", str(page))
    assert done.exit_code == 2
    assert json.loads(done.stdout)["violations"] == 1
    assert "violation: block 7, masks" in done.stderr
    assert page.exists()


BAD = {
    "no accounts": ["--accounts", "0"],
    "too many accounts": ["--accounts", "1000000"],
    "negative grace": ["--grace", "-1"],
    "negative seed": ["--seed", "-1"],
    "word as a seed": ["--seed", "x"],
    "no speed": ["--speed", "0"],
    "coarse speed": ["--speed", "500"],
    "unknown kind": ["--kind", "doge"],
    "kind without file": ["--kind", "btc"],
    "from after to": ["--from", "2020-03-13", "--to", "2020-03-12"],
    "empty window": ["--from", "2021-01-01"],
    "no time": ["--from", "yesterday"],
    "no file": ["--prices", "none.csv"],
    "directory": ["--prices", "."],
    "report in nowhere": ["--report", "nowhere/page.html"],
    "report is a directory": ["--report", "."],
    "report is no file": ["--report", "/dev/null"],
    "unknown option": ["--acounts", "5"],
    "stray word": ["now"],
}


@pytest.mark.parametrize("case", BAD, ids=lambda name: name.replace(" ", "-"))
def test_a_bad_value_is_one_line_and_exit_1_without_a_chain(tmp_path, monkeypatch, case):
    def never(*_):
        raise AssertionError("a chain was started")

    monkeypatch.setattr(command, "run_demo", never)
    monkeypatch.chdir(tmp_path)
    done = invoke("demo", *BAD[case])
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bad_file_ends_without_a_traceback(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("ts,price\n100,1\n200,NaN\n")
    done = invoke("demo", "--prices", str(path), "--report", str(tmp_path / "page.html"))
    assert done.exit_code == 1
    assert done.stderr == f"surety demo: {path}:3: price is NaN; prices are finite and above 0\n"


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ctrl_c_ends_the_chain_too(tmp_path):
    page = tmp_path / "page.html"
    process = subprocess.Popen(
        [sys.executable, "-m", "surety.cli", "demo", "--json", "--report", str(page)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        chain: list[int] = []
        while not chain and time.monotonic() < deadline and process.poll() is None:
            chain = [
                child
                for child in children(process.pid)
                if b"--chain-id" in Path(f"/proc/{child}/cmdline").read_bytes()
            ]
            time.sleep(0.02)
        assert len(chain) == 1, "no chain was started"
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("surety demo: stopped by Ctrl-C")
    deadline = time.monotonic() + 5
    while alive(chain[0]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(chain[0])
    assert not page.exists()
