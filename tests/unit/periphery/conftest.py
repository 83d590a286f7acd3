# SPDX-License-Identifier: MIT
"""One stage for all tests of the periphery, put back after each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.periphery.stage import Stage, start


@pytest.fixture(scope="session")
def base_stage() -> Iterator[Stage]:
    with start() as node:
        yield Stage(node)


@pytest.fixture
def stage(base_stage: Stage) -> Iterator[Stage]:
    """An owner and a stranger who have approved the zap and made it an operator."""
    with base_stage.snapshot():
        yield base_stage
        base_stage.check_empty()
