# SPDX-License-Identifier: MIT
"""Two deployed worlds, put back after every test: the usual one and a wide one with odd tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.anvil import Anvil
from surety.chain import Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import (
    LOCAL_KINDS,
    MAJOR,
    STABLE,
    BookParams,
    SystemParams,
    local_feed,
    local_kinds,
)
from tests.unit.vault.wide import CAPPED, ODD_KINDS
from tests.world import GENESIS, WAD, World, anvil_world


@pytest.fixture(scope="session")
def base_world():
    with anvil_world() as world:
        yield world


@pytest.fixture
def world(base_world):
    """Three kinds: eth (18 decimals), btc (8), stable (6)."""
    with base_world.snapshot():
        yield base_world


@pytest.fixture(scope="session")
def base_still():
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        rpc = Rpc(node.url)
        sender = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        kinds = local_kinds(sender, LOCAL_KINDS)
        yield World(rpc, SystemParams(kinds=kinds, book=replace(BookParams(), rate=0)))


@pytest.fixture
def still(base_still):
    """The same three kinds without interest: a debt is to the wei what was borrowed."""
    with base_still.snapshot():
        yield base_still


@pytest.fixture(scope="session")
def base_wide():
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        rpc = Rpc(node.url)
        sender = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        kinds = list(local_kinds(sender, LOCAL_KINDS))
        for name, mock, decimals, price in ODD_KINDS:
            token = deploy_contract(sender, artifact(mock), name, name, decimals)
            levels = STABLE if price == WAD else MAJOR
            kind = local_feed(sender, name, token, price, levels)
            kind = replace(kind, isolated=name == "isolated")
            kinds.append(replace(kind, cap=CAPPED) if name == "capped" else kind)
        yield World(rpc, SystemParams(kinds=tuple(kinds)))


@pytest.fixture
def wide(base_wide):
    """Ten kinds, nine of which may share an account: see `tests.unit.vault.wide`."""
    with base_wide.snapshot():
        yield base_wide


@pytest.fixture
def adjuster(world):
    """A contract that can own accounts and is called back by `adjust`, with tokens approved."""
    sender = UnlockedSender(world.rpc, world.governor)
    address = deploy_contract(sender, artifact("MockAdjuster"))
    contract = world.contract("MockAdjuster", address)
    for token in world.tokens:
        approve = token.encode("approve", world.vault.address, 2**256 - 1)
        contract.transact("execute", token.address, approve, sender=world.governor)
    return contract
