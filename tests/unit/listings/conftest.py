# SPDX-License-Identifier: MIT
"""A deployed system, and a token and an oracle not listed yet; put back after each test."""

import pytest

from tests.unit.listings.desk import Desk
from tests.world import anvil_world


@pytest.fixture(scope="package")
def deployed():
    with anvil_world() as world:
        yield Desk(world)


@pytest.fixture
def desk(deployed):
    with deployed.world.snapshot():
        yield deployed
