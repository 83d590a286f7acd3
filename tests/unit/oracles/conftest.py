# SPDX-License-Identifier: MIT
"""A bench for each test: revm in this process, or where that has no build, one Anvil for all."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from surety.anvil import Anvil
from surety.chain import Rpc
from tests.stateful.node import RevmNode
from tests.unit.oracles.rig import Bench
from tests.world import GENESIS


@pytest.fixture(scope="session")
def anvil_rpc():
    with Anvil(timestamp=GENESIS, block_interval=1) as node, Rpc(node.url) as rpc:
        yield rpc


@pytest.fixture(scope="session")
def new_rpc(request):
    """Return a chain for one test."""
    if find_spec("pyrevm") is not None:
        return lambda: RevmNode(GENESIS)
    shared = request.getfixturevalue("anvil_rpc")
    return lambda: shared


@pytest.fixture
def bench(new_rpc):
    return Bench(new_rpc())


@pytest.fixture
def real_bench(anvil_rpc):
    """A bench whose gas counts as on a live chain."""
    return Bench(anvil_rpc)
