# SPDX-License-Identifier: MIT
"""Two systems, one without interest for sums by hand and one with it, put back after every test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from surety.chain import Rpc, UnlockedSender
from surety.deploy import LOCAL_KINDS, BookParams, SystemParams, local_kinds
from tests.book import Stage
from tests.world import GENESIS, Anvil, World


@pytest.fixture(scope="session")
def base_world() -> Iterator[World]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        rpc = Rpc(node.url)
        sender = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        kinds = local_kinds(sender, LOCAL_KINDS)
        yield World(rpc, SystemParams(kinds=kinds, book=replace(BookParams(), rate=0)))


@pytest.fixture(scope="session")
def accruing_world() -> Iterator[World]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        world = World(Rpc(node.url))
        world.forward(200 * 86_400)  # an index well away from 1
        world.follow(2_000 * 10**18, 40_000 * 10**18, 10**18)
        yield world


@pytest.fixture
def world(base_world: World) -> Iterator[World]:
    """A book that charges no interest: a debt is to the wei what was borrowed and tipped."""
    with base_world.snapshot():
        yield base_world


@pytest.fixture
def stage(world: World) -> Stage:
    return Stage(world)


@pytest.fixture(params=["still", "accruing"])
def any_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A stage without interest, and one with it."""
    name = {"still": "base_world", "accruing": "accruing_world"}[request.param]
    world: World = request.getfixturevalue(name)
    with world.snapshot():
        yield Stage(world)
