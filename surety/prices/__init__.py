# SPDX-License-Identifier: MIT
"""Prices: replayed through the guarded hub, and those of a live one."""
