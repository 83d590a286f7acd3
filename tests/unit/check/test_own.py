# SPDX-License-Identifier: MIT
"""Our own contracts pass our own tools: each finding is argued where it stands."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from surety import paths
from surety.check.layout import compare, parse, snapshot
from surety.check.lint.engine import lint
from surety.check.source import Compiled, Project, load
from surety.compile import artifact

LEFT_OUT = ("mocks",)
SNAPSHOT = paths.root() / "snapshots" / "layout.json"


@pytest.fixture(scope="module")
def project() -> Project:
    """Load our contracts; what they compile to is in the artifacts, which are held to them."""
    found = load(paths.contracts(), exclude=LEFT_OUT)
    for source in found.contracts:
        kept = artifact(source.stem)
        made = Compiled(tuple(kept.abi), {}, kept.bytecode, b"", kept.runtime_size, "cancun")
        found.give(source, made)
    return found


def test_the_lint_finds_nothing_that_is_not_argued(project):
    report = lint(project)
    assert [str(item) for item in report.findings] == []
    assert report.files == len(project.sources) > 30
    # what is argued is seen: the rules do run on these sources
    assert {item.rule for item in report.allowed} >= {
        "divide-before-multiply",
        "raw-call-outsize",
        "signed-division",
        "stale-price",
        "stale-view",
        "unlocked-call",
        "write-after-call",
    }


def test_every_argument_is_more_than_a_word(project):
    for source in project.sources:
        for line in re.findall(r"# check: allow .*", source.text):
            assert len(line.split(" - ", 1)[1].split()) >= 2, (source.name, line)


def test_layout_and_sizes_are_those_of_the_snapshot(project):
    kept = parse(SNAPSHOT.read_text(encoding="utf-8"))
    now = snapshot(project)
    assert [str(item) for item in compare(kept, now) if not item.note] == []
    assert now.keys() == kept.keys()
    assert {name: contract.words for name, contract in now.items()} == {
        name: contract.words for name, contract in kept.items()
    }


def test_a_word_of_the_vault_that_moves_is_noticed(project):
    kept = parse(SNAPSHOT.read_text(encoding="utf-8"))
    vault = kept["contracts/Vault.vy"]
    (accounts,) = (word for word in vault.words if word.name == "ledger.accounts")
    words = tuple(
        replace(word, at=word.at + 100) if word is accounts else word for word in vault.words
    )
    moved = {**kept, "contracts/Vault.vy": replace(vault, words=words)}
    assert [item.kind for item in compare(moved, snapshot(project))] == ["moved"]
