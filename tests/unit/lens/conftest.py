# SPDX-License-Identifier: MIT
"""One deployed world for the lens, put back after every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.vault.conftest import base_wide, wide
from tests.world import World, anvil_world

__all__ = ["base_wide", "wide"]  # ten kinds, one of them isolated


@pytest.fixture(scope="session")
def base_world() -> Iterator[World]:
    with anvil_world() as world:
        yield world


@pytest.fixture
def world(base_world: World) -> Iterator[World]:
    """Three kinds: eth (18 decimals), btc (8), stable (6)."""
    with base_world.snapshot():
        yield base_world
