# SPDX-License-Identifier: MIT
"""A deployed system is wired as its parameters say, on any sender, or names the failed step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from surety.anvil import Anvil
from surety.chain import Contract, KeySender, Rpc, UnlockedSender, checksum
from surety.compile import artifact
from surety.deploy import DeployError, System, SystemParams, deploy_system, local_kinds
from surety.paths import root

ZERO = "0x" + "00" * 20


@pytest.fixture(scope="module")
def rpc():
    with Anvil() as node:
        yield Rpc(node.url)


@pytest.fixture(scope="module")
def sender(rpc):
    return UnlockedSender(rpc, checksum(rpc.call("eth_accounts")[0]))


@pytest.fixture(scope="module")
def kinds(sender):
    return local_kinds(sender)


def bind(rpc: Rpc, name: str, address: str) -> Contract:
    return Contract(rpc, address, artifact(name).abi)


def check_wiring(rpc: Rpc, system: System, params: SystemParams, governor: str) -> None:
    vault = bind(rpc, "Vault", system.vault)
    coin = bind(rpc, "Stablecoin", system.coin)
    hub = bind(rpc, "PriceHub", system.hub)
    fund = bind(rpc, "InsuranceFund", system.fund)
    models = bind(rpc, "MarginModels", system.margin_models)
    book = params.book
    assert vault.read("operators") == system.operators
    assert vault.read("margin_models") == system.margin_models
    assert [models.read("models", slot) for slot in (0, 1, 255)] == [ZERO] * 3
    assert vault.read("coin") == system.coin
    assert vault.read("hub") == system.hub
    assert (vault.read("fund"), vault.read("pending_fund")) == (system.fund, ZERO)
    assert list(fund.read("books")) == [system.vault]
    assert coin.read("ceiling", system.vault) == book.ceiling
    assert fund.read("equity") == (0, 0)
    for name in (
        "grace_period",
        "auction_duration",
        "call_cool_down",
        "debt_floor",
        "call_tip",
        "liquidation_penalty",
    ):
        assert vault.read(name) == getattr(book, name)
    assert vault.read("interest") >> 168 == book.rate
    for number, (kind, listed) in enumerate(zip(params.kinds, system.kinds, strict=True)):
        assert (listed.kind, listed.name, listed.token) == (number, kind.name, kind.token)
        assert hub.read("token_of", number) == kind.token
        assert vault.read("collateral", number) % 2**160 == int(kind.token, 16)
        assert vault.read("deposited", number) == kind.cap << 128
    for contract in (vault, coin, hub, fund, models):
        assert contract.read("governor") == governor


def test_deploy_system_wires_everything(rpc, sender, kinds):
    params = SystemParams(kinds=kinds)
    steps: list[str] = []
    system = deploy_system(sender, params, steps.append)
    check_wiring(rpc, system, params, sender.address)
    assert system.gas_used > 8_000_000
    assert steps[0] == "deploy Listings"
    assert system.kind("btc").kind == 1
    with pytest.raises(KeyError, match="no kind 'doge'"):
        system.kind("doge")


def test_deploy_system_with_a_key_and_another_governor(rpc, sender, kinds):
    key = Account.create()
    governor = checksum(rpc.call("eth_accounts")[5])
    rpc.set_balance(key.address, 10**20)
    params = SystemParams(kinds=kinds, governor=governor)
    system = deploy_system(KeySender(rpc, key), params)
    check_wiring(rpc, system, params, key.address)
    for name, address in (
        ("Vault", system.vault),
        ("Stablecoin", system.coin),
        ("PriceHub", system.hub),
        ("InsuranceFund", system.fund),
        ("MarginModels", system.margin_models),
    ):
        contract = bind(rpc, name, address)
        assert contract.read("pending_governor") == governor
        contract.transact("accept_governor", sender=governor)
        assert contract.read("governor") == governor


def test_deploy_system_reuses_an_existing_oracle(rpc, sender, kinds):
    first = deploy_system(sender, SystemParams(kinds=kinds))
    reused = replace(kinds[0], aggregator=None, oracle=first.kinds[0].oracle)
    second = deploy_system(sender, SystemParams(kinds=(reused,)))
    assert second.kinds[0].oracle == first.kinds[0].oracle


def test_deploy_system_names_the_step_that_failed(rpc, sender, kinds):
    dead = replace(kinds[0], expected_price=None, max_price=kinds[0].min_price + 1)
    with pytest.raises(DeployError, match=r"list eth: 18 decimals, .*: price outside bounds$"):
        deploy_system(sender, SystemParams(kinds=(dead,)))


def test_script_deploys_under_ape(tmp_path):
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ape"),
            "run",
            "deploy",
            "--network",
            "ethereum:local:foundry",
        ],
        cwd=root(),
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    assert [kind["name"] for kind in found["kinds"]] == ["eth", "btc", "stable"]
    assert found["gas_used"] > 8_000_000
