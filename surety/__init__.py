# SPDX-License-Identifier: MIT
"""Surety: collateral vaults with margin calls, in-place auctions, keepers and an insurance fund."""

__version__ = "0.1.0"
