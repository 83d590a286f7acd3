# SPDX-License-Identifier: MIT
"""The gas snapshot is what the code costs; a change of either must be explained by a commit."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from surety.bench import command
from surety.bench.gas import OPERATIONS, compare, measure_gas
from surety.cli import main
from surety.paths import root

MISSING: set[str] = set()  # operations that cannot be measured yet


@pytest.fixture(scope="module")
def measured():
    return measure_gas()


@pytest.fixture(scope="module")
def committed():
    return json.loads((root() / "snapshots" / "gas.json").read_text())


@pytest.mark.covers("I70")
def test_gas_equals_the_snapshot(measured, committed):
    differences = compare(measured, committed)
    assert not differences, "\n".join(differences)


def test_every_operation_is_measured_or_said_to_be_missing(measured):
    assert tuple(measured) == OPERATIONS
    assert {name for name, gas in measured.items() if gas is None} == MISSING


def test_vault_fits_the_code_limit(measured):
    assert 0 < measured["vault_bytes"] <= 24_576


def test_measuring_twice_gives_the_same(measured):
    assert measure_gas() == measured


def test_compare_says_what_rose_fell_and_appeared():
    committed = {**dict.fromkeys(OPERATIONS), "close": 10, "take_part": 20, "strange": 1}
    measured = {**dict.fromkeys(OPERATIONS), "close": 12, "take_part": 15, "absorb_8": 7}
    assert compare(measured, committed) == [
        "close: 10 -> 12: rose by 2",
        "take_part: 20 -> 15: fell by 5, run `surety bench gas --update`",
        "absorb_8: None -> 7: run `surety bench gas --update`",
        "strange: no such operation",
    ]


def test_command_checks_and_updates(tmp_path):
    snapshot = tmp_path / "gas.json"
    runner = CliRunner(mix_stderr=False)
    done = runner.invoke(main, ["bench", "gas", "--json", "--update", "--snapshot", str(snapshot)])
    assert done.exit_code == 0
    written = json.loads(snapshot.read_text())
    assert json.loads(done.stdout) == written
    snapshot.write_text(json.dumps({**written, "close": 1}))
    done = runner.invoke(main, ["bench", "gas", "--check", "--snapshot", str(snapshot)])
    assert done.exit_code == 2
    assert "close: 1 ->" in done.stderr


@pytest.mark.parametrize("content", ["{", "[]", '{"close": "1"}', "\xff"])
def test_command_refuses_a_bad_snapshot(tmp_path, content):
    snapshot = tmp_path / "gas.json"
    snapshot.write_bytes(content.encode("latin-1"))
    done = CliRunner(mix_stderr=False).invoke(
        main, ["bench", "gas", "--check", "--snapshot", str(snapshot)]
    )
    assert done.exit_code == 1
    assert done.stderr.startswith("surety bench gas: ")
    assert done.stderr.count("\n") == 1


def test_command_finds_the_snapshot_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "measure_gas", lambda: committed_figures)
    committed_figures = json.loads((root() / "snapshots" / "gas.json").read_text())
    done = CliRunner(mix_stderr=False).invoke(main, ["bench", "gas", "--check"])
    assert done.exit_code == 0, done.stderr


def test_command_says_that_there_is_no_snapshot(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "measure_gas", lambda: pytest.fail("measured for nothing"))
    path = tmp_path / "none.json"
    done = CliRunner(mix_stderr=False).invoke(
        main, ["bench", "gas", "--check", "--snapshot", str(path)]
    )
    assert done.exit_code == 1
    assert done.stderr == f"surety bench gas: no snapshot at {path}; write one with --update\n"
