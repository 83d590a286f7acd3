# SPDX-License-Identifier: MIT
"""A deployed system with a model that answers whatever it is told to, put back after every test."""

import pytest

from tests.unit.margin_models.mock import Mock, Models
from tests.world import anvil_world


@pytest.fixture(scope="package")
def deployed():
    with anvil_world() as world:
        yield world


@pytest.fixture
def world(deployed):
    with deployed.snapshot():
        yield deployed


@pytest.fixture
def models(world):
    return Models(world)


@pytest.fixture
def mock(models):
    """A model in slot 3 that takes nothing off."""
    model = Mock(models.world)
    models.list(3, model.address)
    return model
