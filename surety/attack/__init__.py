# SPDX-License-Identifier: MIT
"""Search for sequences of acts that pay an attacker, against the real contracts in revm."""
