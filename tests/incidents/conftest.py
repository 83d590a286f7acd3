# SPDX-License-Identifier: MIT
"""The whole system under a Governor, for the incidents of governance."""

from tests.unit.governor.conftest import built, rig

__all__ = ["built", "rig"]
