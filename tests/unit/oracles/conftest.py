# SPDX-License-Identifier: MIT
"""A bench for each test: revm in this process, or where that has no build, one Anvil for all."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from surety.anvil import Anvil
from surety.chain import Rpc
from tests.stateful.node import RevmNode
from tests.unit.oracles.rig import Bench
from tests.world import GENESIS


@pytest.fixture(scope="session")
def anvil_rpc():
    # it would keep the whole state after every block, on disk, and outlive the tests there
    node = Anvil(timestamp=GENESIS, block_interval=1, prune_history=64)
    with node, Rpc(node.url) as rpc:
        yield rpc


@pytest.fixture(scope="session")
def new_rpc(request):
    """Return a chain for one test, or for several that do not mind each other."""
    if find_spec("pyrevm") is not None:
        return lambda: RevmNode(GENESIS)
    shared = request.getfixturevalue("anvil_rpc")
    return lambda: shared


@pytest.fixture
def bench(new_rpc):
    with _undone(new_rpc()) as rpc:
        yield Bench(rpc)


@pytest.fixture
def real_bench(anvil_rpc):
    """A bench whose gas counts as on a live chain."""
    with _undone(anvil_rpc) as rpc:
        yield Bench(rpc)


@contextmanager
def _undone(rpc):
    """Leave nothing behind on a chain that other tests go on with: every contract slows it down."""
    if isinstance(rpc, RevmNode):
        yield rpc
        return
    taken = rpc.snapshot()
    try:
        yield rpc
    finally:
        rpc.revert(taken)
