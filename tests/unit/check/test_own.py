# SPDX-License-Identifier: MIT
"""Our own contracts pass our own tools: each finding is argued where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from surety import paths
from surety.access import TABLE
from surety.access.table import ANYONE, OWNER, SPENDER
from surety.anvil import Anvil
from surety.chain import Rpc
from surety.check.layout import compare, parse, snapshot
from surety.check.lint.engine import lint
from surety.check.permissions import Swept, findings, reach
from surety.check.source import Compiled, Project, load
from surety.check.sweep import MARK, MARKED, STRANGER, Sweep, Table, Target, fund, places
from surety.compile import artifact
from tests.access.seeds import SEEDS, plant
from tests.access.stage import Stage
from tests.world import GENESIS

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


@pytest.mark.covers("I65")
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


REACH = paths.root() / "snapshots" / "permissions.json"
# who a stranger is where he acts on what is his own: his accounts, coins and approvals
HIS_OWN = {ANYONE, OWNER, SPENDER}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node, Rpc(node.url) as rpc:
        yield Stage(rpc)


def tried(stage: Stage, project: Project, *names: str) -> Table:
    """Let the stranger try everything: as the system stands, and as a borrower of his own."""
    sources = {source.stem: source for source in project.contracts}
    targets = [
        Target(name, contract.address, artifact(name).abi, places(source, project.layout(source)))
        for name, contract in stage.contracts.items()
        if (source := sources[name]) and (not names or name in names)
    ]
    actors = {role: stage.actors[role] for role in ("deployer", STRANGER, "owner")}
    keys = {stage.world.id(address): role for role, address in actors.items()}
    amounts = [10**18, 10**20, 10**15, MARK, 2**256 - 1]
    values = {
        **{name: list(keys) for name in ("account", "account_", "accounts")},
        **{name: list(keys) for name in ("source", "destination")},
        **dict.fromkeys(("amount", "amount_in"), amounts),
        **{name: [stage.world.vault.address, MARKED] for name in ("vault", "book")},
        "kind": [0, 1, 2, 31],
        "delta": [10**18, -(10**18), 1, -(2**255)],
        "debt_delta": [0, 10**20, -(10**18)],
        "debt": [0, 10**18],
        "address": [token.address for token in stage.world.tokens],
    }
    sweep = Sweep(stage.rpc, targets, actors, values=values, keys=keys, tries=72)
    with stage.undone():
        fund(stage.rpc, targets)
        sweep.run([STRANGER])
        if not names:
            mine = stage.world.id(actors[STRANGER])
            stage.act(STRANGER, "Vault", "deposit", mine, 0, 10**21)
            stage.act(STRANGER, "Vault", "borrow", mine, 2_000 * 10**18, actors[STRANGER])
            sweep.run([STRANGER])
    return sweep.table


@pytest.mark.covers("I59")
def test_a_stranger_reaches_what_the_snapshot_and_the_access_table_leave_to_him(stage, project):
    table = tried(stage, project)
    kept = json.loads(REACH.read_text(encoding="utf-8"))
    assert findings(Swept(table, {}, 2), kept) == []
    assert reach(table) == kept
    for contract, functions in kept.items():
        for function in functions:
            cases = TABLE[contract].writes[function].cases
            assert any(HIS_OWN & set(case.who) for case in cases), (contract, function)
    refused = {
        (contract, function)
        for contract, functions in table.items()
        for function, outcomes in functions.items()
        if "not governor" in outcomes[STRANGER].reasons and not outcomes[STRANGER].passed
    }
    assert len(refused) > 30


@pytest.mark.covers("I59")
def test_a_check_taken_out_of_a_live_contract_is_found(stage, project, tmp_path):
    (seed,) = (item for item in SEEDS if item.name == "anybody governs")
    kept = {"MarginModels": json.loads(REACH.read_text(encoding="utf-8"))["MarginModels"]}
    with stage.undone():
        stage.infect("MarginModels", plant(tmp_path, seed), tmp_path)
        table = tried(stage, project, "MarginModels")
    named = "governed.pending_governor"
    new = "changes {}, which the snapshot does not tell of"
    assert {(item.function, item.message) for item in findings(Swept(table, {}, 1), kept)} == {
        ("list_model", f"a stranger {new.format('_fades[*], models[*]')}"),
        (
            "propose_governor",
            f"a stranger {new.format(f'{named}, {named} (chosen), {named} (the stranger in)')}",
        ),
        ("use_default", f"a stranger {new.format('_defaulted_at[*], has_reliers')}"),
    }
    # and without a snapshot
    told = {item.function: item.message for item in findings(Swept(table, {}, 1), None)}
    assert told["propose_governor"] == "a stranger chooses governed.pending_governor"


# CALLCODE, DELEGATECALL and SELFDESTRUCT
FOREIGN = {0xF2, 0xF4, 0xFF}
ENDS = {0x00, 0x56, 0xF3, 0xFD, 0xFE, 0xFF}  # STOP, JUMP, RETURN, REVERT, INVALID, SELFDESTRUCT


def opcodes(code: bytes) -> Iterator[int]:
    """Yield the instructions that can run: what follows an end and is no JUMPDEST is data."""
    at, live = 0, True
    while at < len(code):
        live = live or code[at] == 0x5B
        if live:
            yield code[at]
        live = live and code[at] not in ENDS
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)


@pytest.mark.covers("I65")
def test_no_contract_runs_the_code_of_another_on_its_own_storage(project):
    assert set(opcodes(bytes.fromhex("6001f4"))) & FOREIGN  # pushed, then run
    assert not set(opcodes(bytes.fromhex("60f4005b00f4"))) & FOREIGN  # pushed, and after an end
    for source in project.contracts:
        found = set(opcodes(project.compiled(source).creation))
        assert not found & FOREIGN, source.name
        assert 0xF3 in found, source.name
        assert len(found) > 30, source.name  # it does see the code
