# SPDX-License-Identifier: MIT
"""How far a hub's prices are from the market: the one measure of replays, boards and the demo."""

from __future__ import annotations

from typing import Final

BPS: Final = 10_000


def lag_down(lo: int, market: int) -> int:
    """Return by how many bps of the market `lo` is under it, rounded up; below 0 when over it."""
    return -((lo - market) * BPS // market)


def lag_up(hi: int, market: int) -> int:
    """Return by how many bps of the market `hi` is over it, rounded up; below 0 when under it."""
    return -((market - hi) * BPS // market)
