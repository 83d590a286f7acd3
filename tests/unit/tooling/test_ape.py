# SPDX-License-Identifier: MIT
"""Ape and the raw client see one chain, which each test gets as it was."""

from __future__ import annotations

import importlib.util

import pytest

from surety.chain import Contract, Rpc
from surety.compile import artifact
from surety.paths import root


@pytest.fixture
def guard():
    """The root conftest, loaded by its path: other folders have a module of that name too."""
    spec = importlib.util.spec_from_file_location("root_conftest", root() / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shared(project, accounts):
    return accounts[0].deploy(project.MockToken, "Token", "TOK", 18)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test__starts_from_the_same_state(shared, accounts, rpc: Rpc, turn: int) -> None:
    token = Contract(rpc, shared.address, artifact("MockToken").abi)
    assert token.read("totalSupply") == 0
    shared.mint(accounts[1], turn, sender=accounts[0])
    token.transact("mint", accounts[1].address, 10, sender=str(accounts[0].address))
    assert shared.totalSupply() == turn + 10


def test_ape__runs_the_bytecode_of_the_artifact(shared, rpc: Rpc) -> None:
    compiled = artifact("MockToken")
    assert compiled.bytecode.find(rpc.code(shared.address)[:500]) > 0


def test_ape__has_an_anvil_of_its_own(rpc: Rpc, chain) -> None:
    assert rpc.chain_id == chain.chain_id == 31_337
    assert ":8545" not in rpc.url


def test_guard__sees_every_source(guard, monkeypatch, tmp_path) -> None:
    (tmp_path / "contracts" / "modules").mkdir(parents=True)
    (tmp_path / "interfaces").mkdir()
    names = ("ape-config.yaml", "contracts/A.vy", "contracts/modules/b.vy", "interfaces/I.vyi")
    for name in names:
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(guard, "ROOT", tmp_path)
    first = guard.sources_digest()
    assert guard.sources_digest() == first
    for name in names:
        (tmp_path / name).write_text("changed")
        assert guard.sources_digest() != first, name
        (tmp_path / name).write_text(name)
