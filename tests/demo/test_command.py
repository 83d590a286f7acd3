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
from surety.demo.series import parse_moment
from surety.paths import root

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
    "speed is no number": ["--speed", "nan"],
    "infinite speed": ["--speed", "inf"],
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


def write_days(path: Path, days: int, step: int = 600) -> None:
    """A still price for many days, with a fall by half on the day before the last but two."""
    start = 1_600_000_000 // 3_600 * 3_600
    bottom = start + (days - 3) * 86_400
    rows = ["ts,price"]
    for at in range(start, start + days * 86_400, step):
        late = max(0, 86_400 - abs(at - bottom))
        rows.append(f"{at},{200 - late * 100 / 86_400:.6f}")
    path.write_text("\n".join(rows) + "\n")


def test_a_file_too_long_for_one_run_is_cut_to_its_steepest_fall(tmp_path):
    path, page = tmp_path / "long.csv", tmp_path / "page.html"
    write_days(path, 120)
    options = ("demo", "--prices", str(path), "--report", str(page), "--accounts", "2")
    done = invoke(*options, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    bottom = 1_600_000_000 // 3_600 * 3_600 + 117 * 86_400
    assert found["from"] < bottom < found["to"]
    assert found["to"] - found["from"] <= 2 * 86_400
    assert int(found["prices"]["eth"]["low"]) == 100 * 10**18
    said = [line for line in done.stderr.splitlines() if "too long for one run" in line]
    assert said == [f"surety demo: {found['note']}"]
    assert "around the steepest fall (50%)" in found["note"]
    assert "120 days of prices are too long" in page.read_text()
    for window in (("--from", "2020-09-14"), ("--to", "2021-01-09")):
        refused = invoke(*options, *window)
        assert refused.exit_code == 1
        assert "too long for one run" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("step", [600, 86_400, 7 * 86_400])
def test_the_cut_holds_prices_however_far_apart(tmp_path, step):
    path = tmp_path / "long.csv"
    write_days(path, 400, step)
    config = command.configure(path, "eth", None, None, 2, 1, 3_600, None)
    assert config.note
    assert len(config.path) > 8
    assert config.path.span <= 63 * 86_400


REAL = root().parent / "shared/data/prices/2024-08-05/ETH_USDT_5m_2024-01_to_2024-09.csv.gz"


@pytest.mark.skipif(not REAL.is_file(), reason="no recorded prices here")
def test_a_recorded_year_is_cut_to_its_crash():
    config = command.configure(REAL, "eth", None, None, 2, 1, 3_600, None)
    assert config.path.times[0] < parse_moment("2024-08-05T01:15") < config.path.times[-1]
    assert "too long for one run" in config.note


def test_sold_collateral_is_in_whole_tokens(short_run):
    found = command.to_json(short_run.result, Path("page.html"))["collateral_sold"]
    sold = short_run.result.collateral_sold
    assert sold["btc"] > 0
    assert found == {
        "eth": str(sold["eth"]),
        "btc": str(sold["btc"] * 10**10),
        "stable": str(sold["stable"] * 10**12),
    }


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
