# SPDX-License-Identifier: MIT
"""Stages that tests share: a play leaves each as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from surety.attack.stage import Stage


@pytest.fixture(autouse=True, scope="session")
def revm() -> None:
    """Skip where nothing can be played."""
    pytest.importorskip("pyrevm", reason="pyrevm has no build for this Python")


@pytest.fixture(scope="session")
def stage_of() -> Callable[[str], Stage]:
    """Return what gives a stage by its name, built once."""
    return cache(Stage)
