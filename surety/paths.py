# SPDX-License-Identifier: MIT
"""Where the project's files lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ARTIFACTS = PACKAGE / "artifacts"


def is_checkout() -> bool:
    """Tell whether the package runs from a checkout of the repository rather than from a wheel."""
    return (PACKAGE.parent / "contracts").is_dir() and (PACKAGE.parent / "pyproject.toml").is_file()


@cache
def root() -> Path:
    """Return the folder that holds `contracts/`, `interfaces/` and `scenarios/`.

    It is the repository itself in a checkout, and `surety/_root` in an installed wheel.
    """
    return PACKAGE.parent if is_checkout() else PACKAGE / "_root"


def contracts() -> Path:
    """Return the folder of the Vyper sources."""
    return root() / "contracts"


def interfaces() -> Path:
    """Return the folder of the Vyper interfaces."""
    return root() / "interfaces"


def scenarios() -> Path:
    """Return the folder of the built-in market stories."""
    return root() / "scenarios"
