# SPDX-License-Identifier: MIT
"""The kinds of the wide world, after eth, btc and stable (kinds 0, 1, 2)."""

from tests.world import WAD

NO_RETURN, FALSE, FEE, REENTRANT, ISOLATED, SMALL_CAP, PLAIN = range(3, 10)
CAPPED = 1_000 * 10**8  # base units
ODD_KINDS = (
    ("no return", "NoReturnToken", 6, WAD),
    ("false", "FalseToken", 18, 10 * WAD),
    ("fee", "FeeToken", 18, 10 * WAD),
    ("reentrant", "ReentrantToken", 18, 10 * WAD),
    ("isolated", "MockToken", 18, 10 * WAD),
    ("capped", "MockToken", 8, 10 * WAD),
    ("plain", "MockToken", 18, 10 * WAD),
)
