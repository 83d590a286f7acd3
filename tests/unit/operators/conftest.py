# SPDX-License-Identifier: MIT
"""A whole deployed system, put back after every test."""

import pytest

from tests.world import anvil_world


@pytest.fixture(scope="package")
def deployed():
    with anvil_world() as world:
        yield world


@pytest.fixture
def world(deployed):
    with deployed.snapshot():
        yield deployed
