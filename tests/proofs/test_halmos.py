# SPDX-License-Identifier: MIT
"""The harness of the symbolic runs is current: it speaks to the contracts as they are now.

The runs themselves take minutes and tools of their own: `make halmos`.
"""

from __future__ import annotations

import json
import re

import pytest

from surety import paths
from surety.compile import artifact
from tests.proofs.halmos.plan import HERE, SUITES, Suite, slots

DECLARED = re.compile(r"function (\w+)\(([^)]*)\)\s+external")
BY_NAME = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.contract)


def declared(suite: Suite) -> dict[str, tuple[str, ...]]:
    """Return what the harness thinks the contract's functions take."""
    text = suite.source.read_text().replace("\n", " ")
    body = re.findall(rf"interface I{suite.contract} \{{(.*?)\}}", text)[0]
    names = {"Leg[]": "tuple[]"}
    return {
        name: tuple(
            names.get(part.split()[0], part.split()[0]) for part in taken.split(",") if part.strip()
        )
        for name, taken in DECLARED.findall(body)
    }


@BY_NAME
def test_the_harness_declares_functions_as_they_are(suite):
    abi = {
        row["name"]: tuple(each["type"] for each in row["inputs"])
        for row in artifact(suite.contract).abi
        if row["type"] == "function"
    }
    said = declared(suite)
    assert said
    assert said == {name: abi.get(name) for name in said}


@BY_NAME
def test_every_check_has_a_control_and_no_control_is_for_nothing(suite):
    assert len(set(suite.checks)) == len(suite.checks) >= 10
    broken = [name for weak in suite.weak for name in weak.breaks]
    assert sorted(broken) == sorted(suite.checks)


@BY_NAME
def test_each_weakening_finds_its_place_once(suite):
    for weak in suite.weak:
        found = artifact(suite.contract)
        file = paths.contracts() / (weak.file or found.source.removeprefix("contracts/"))
        text = file.read_text()
        assert [text.count(old) for old, _ in weak.changes] == [1] * len(weak.changes), weak.name
        assert all(old != new for old, new in weak.changes)


def test_words_lie_where_the_layout_has_them():
    layout = json.loads((paths.root() / "snapshots" / "layout.json").read_text())
    rows = [row for row in layout["contracts/Vault.vy"]["words"] if row[0] == "storage"]
    kept = {row[1] for row in rows if row[3].startswith("ledger.")}
    found = slots()
    elsewhere = [slot for name, slot in found.items() if "_" in name]
    assert elsewhere == [9, 26, 100, 0, 0]
    assert {slot for name, slot in found.items() if "_" not in name} == kept


def test_the_locks_name_no_registry_and_every_package_has_a_hash():
    lock = (paths.root() / "requirements-halmos.lock").read_text()
    assert "halmos==0.3.3 \\\n    --hash=sha256:" in lock
    assert lock.count("==") == len(re.findall(r"== ?[^ ]+( ; [^\\]+)? \\\n    --hash=", lock)), lock
    assert "://" not in lock
    node = json.loads((HERE / "package-lock.json").read_text())
    packages = [row for name, row in node["packages"].items() if name]
    assert packages
    assert all("resolved" not in row and row["integrity"] for row in packages)
    outer = json.loads((paths.root() / "package-lock.json").read_text())["packages"]
    anvil = outer["node_modules/@foundry-rs/anvil"]["version"]
    wanted = json.loads((HERE / "package.json").read_text())["optionalDependencies"]
    assert set(wanted.values()) == {anvil}


def test_the_page_counts_the_checks():
    page = (paths.root() / "docs" / "proofs.md").read_text()
    total = sum(len(suite.checks) for suite in SUITES)
    assert f"{total} properties" in page
