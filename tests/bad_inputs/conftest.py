# SPDX-License-Identifier: MIT
"""A live system with everybody in it, as tests/access has it: who may do what is known there."""

from __future__ import annotations

import pytest

from surety.anvil import Anvil
from surety.chain import Rpc
from tests.access.stage import Stage
from tests.world import GENESIS


@pytest.fixture(scope="session")
def live():
    with Anvil(timestamp=GENESIS, block_interval=1) as node, Rpc(node.url) as rpc:
        yield Stage(rpc)
