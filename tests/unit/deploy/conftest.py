# SPDX-License-Identifier: MIT
"""One Anvil for all deployments of a module, and who deploys there."""

from __future__ import annotations

import pytest

from surety.anvil import Anvil
from surety.chain import Contract, Rpc, UnlockedSender, checksum, deploy_contract
from surety.compile import artifact
from surety.deploy import local_kinds


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


@pytest.fixture(scope="module")
def bind(rpc):
    return lambda name, address: Contract(rpc, address, artifact(name).abi)


@pytest.fixture(scope="module")
def new(sender):
    """Deploy one of the project's contracts and return its address."""
    return lambda name, *args: deploy_contract(sender, artifact(name), *args)


@pytest.fixture
def sent(rpc, sender):
    """The number of transactions that the deployer has sent."""
    return lambda: int(rpc.call("eth_getTransactionCount", sender.address, "latest"), 16)
