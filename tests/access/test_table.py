# SPDX-License-Identifier: MIT
"""The table names every external function, and exactly the guards that the sources have."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from surety import paths
from surety.access import PAUSES, ROLES, TABLE, audit, deployed, page, read_guards
from surety.access.audit import check_words, compare_guards, compare_names, functions
from surety.access.table import Case
from surety.cli import main
from tests.access.seeds import SEEDS, plant


@pytest.fixture(scope="module")
def sources():
    """What every source says, read once."""
    return {name: read_guards(paths.root() / item["source"]) for name, item in deployed().items()}


def test_every_contract_but_mocks_is_in_the_table():
    listed = {path.stem for path in paths.contracts().rglob("*.vy")}
    left_out = {path.stem for path in paths.contracts().glob("modules/*.vy")}
    left_out |= {path.stem for path in paths.contracts().glob("mocks/*.vy")}
    assert TABLE.keys() == listed - left_out == deployed().keys()


def test_every_function_of_every_abi_is_in_the_table():
    for name, item in deployed().items():
        abi = functions(item["abi"])
        table = TABLE[name]
        assert {fn for fn, writes in abi.items() if writes} == table.writes.keys(), name
        assert {fn for fn, writes in abi.items() if not writes} == set(table.reads), name
        assert len(set(table.reads)) == len(table.reads), name


def test_every_guard_of_every_source_is_in_the_table(sources):
    for name, found in sources.items():
        assert list(compare_guards(name, TABLE[name], found)) == [], name


def test_the_walk_sees_what_it_is_made_for(sources):
    """Count what was found: a walk that finds nothing agrees with an empty table."""
    guards = [
        guard for found in sources.values() for item in found.values() for guard in item.guards
    ]
    assert len(guards) >= 60
    assert {"not governor", "not authorised", "not minter", "not fund"} <= {
        guard.reason for guard in guards
    }
    vault = sources["Vault"]
    assert vault["repay"].payers == {"msg.sender"}
    assert "taking paused" in vault["absorb"].reasons
    assert "taking paused" not in vault["cure"].reasons  # the bit that it passes is none
    assert not vault["total_debt"].writes
    assert vault["total_debt"].guards == ()


def test_no_reader_asks_who_calls_and_nothing_but_the_callers_is_taken(sources):
    for name, found in sources.items():
        for function, item in found.items():
            assert item.payers <= {"msg.sender", "self"}, (name, function)
            asking = function in TABLE[name].asking
            assert item.writes or item.asks == asking, (name, function)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_source_with_a_bug_differs_from_the_table(seed, tmp_path):
    planted = read_guards(plant(tmp_path, seed), tmp_path)
    findings = list(compare_guards(seed.contract, TABLE[seed.contract], planted))
    assert seed.function in {finding.function for finding in findings}


def test_a_new_function_and_a_vanished_one_are_found():
    table = TABLE["Operators"]
    abi = functions(deployed()["Operators"]["abi"])
    assert list(compare_names("Operators", table, abi)) == []
    found = list(compare_names("Operators", table, {**abi, "set_all": True}))
    assert [str(item) for item in found] == ["Operators.set_all: not in the table (writes)"]
    abi.pop("lockdown")
    found = list(compare_names("Operators", table, abi))
    assert [item.function for item in found] == ["lockdown"]
    found = list(compare_names("Operators", table, {**abi, "lockdown": False}))
    assert [item.what for item in found] == ["only reads"]


def test_a_contract_that_is_missing_is_found():
    table = {name: item for name, item in TABLE.items() if name != "Operators"}
    found = audit(sources=False, table={**table, "Nothing": TABLE["Operators"]})
    assert [str(item) for item in found] == [
        "Nothing.*: in the table, and no contract",
        "Operators.*: the contract is not in the table",
    ]


def test_unknown_roles_and_pauses_and_reasons_are_found(sources):
    table = TABLE["Operators"]
    access = table.writes["lockdown"]
    case = Case(("king",), "not king", stopped_by=("siesta",))
    wrong = replace(table, writes={**table.writes, "lockdown": replace(access, cases=(case,))})
    assert [item.what for item in check_words("Operators", wrong)] == [
        "no role 'king'",
        "no pause 'siesta'",
    ]
    known = replace(case, who=("anyone",), stopped_by=())
    wrong = replace(table, writes={**table.writes, "lockdown": replace(access, cases=(known,))})
    assert [item.what for item in compare_guards("Operators", wrong, sources["Operators"])] == [
        "never refuses with 'not king'"
    ]
    # which a vault says, but not of this
    borrow, table = Case(("anyone",), stopped_by=("borrow",)), TABLE["Vault"]
    access = replace(table.writes["accrue"], cases=(borrow,))
    wrong = replace(table, writes={**table.writes, "accrue": access})
    assert [str(item) for item in compare_guards("Vault", wrong, sources["Vault"])] == [
        "Vault.accrue: never refuses with 'borrowing paused'"
    ]


def test_every_role_and_pause_is_used():
    cases = [
        case
        for contract in TABLE.values()
        for access in contract.writes.values()
        for case in access.cases
    ]
    assert {role for case in cases for role in case.who} == ROLES.keys()
    assert {pause for case in cases for pause in case.stopped_by} == PAUSES.keys()


def test_the_page_is_what_the_table_says():
    assert (paths.root() / "docs" / "access.md").read_text() == page()


def test_the_command_prints_the_page_and_the_table():
    shown = CliRunner().invoke(main, ["access"])
    assert (shown.exit_code, shown.output) == (0, page())
    printed = CliRunner().invoke(main, ["access", "--json"])
    table = json.loads(printed.output)["contracts"]
    assert table.keys() == TABLE.keys()
    assert table["Vault"]["writes"]["accept_fund"]["cases"] == [
        {"what": "", "who": ["next fund"], "otherwise": "not proposed", "stopped_by": []}
    ]


def test_the_command_checks_and_exits_2_on_a_difference(monkeypatch, tmp_path):
    checked = CliRunner().invoke(main, ["access", "--check"])
    assert checked.exit_code == 0, checked.output
    assert "table, ABIs, sources and page agree" in checked.output
    monkeypatch.setattr("surety.access.command.page_path", lambda: tmp_path / "access.md")
    monkeypatch.setattr("surety.access.command.audit", list)
    stale = CliRunner().invoke(main, ["access", "--check", "--json"])
    assert stale.exit_code == 2
    assert len(json.loads(stale.output)["findings"]) == 1
    both = CliRunner().invoke(main, ["access", "--check", "--write"])
    assert both.exit_code == 1
