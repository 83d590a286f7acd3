# SPDX-License-Identifier: MIT
"""A fresh pair of books for every test: deploying them takes less than a snapshot of an Anvil."""

from __future__ import annotations

import pytest

from tests.unit.settlement.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
