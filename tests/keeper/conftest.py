# SPDX-License-Identifier: MIT
"""One Anvil with one system for all tests of the engine; each test gets it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.keeper.world import World, new_world


@pytest.fixture(scope="session")
def shared_world() -> Iterator[World]:
    with new_world() as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    snapshot = shared_world.rpc.snapshot()
    yield shared_world
    # what is still waiting would be mined while the chain is put back
    shared_world.rpc.call("anvil_dropAllTransactions")
    shared_world.rpc.call("evm_setAutomine", True)
    shared_world.rpc.revert(snapshot)
