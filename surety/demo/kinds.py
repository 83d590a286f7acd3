# SPDX-License-Identifier: MIT
"""The three kinds of collateral that the demo lists: what they are called, how they count, what
drives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of collateral: its number in the vault, its names, the decimals of its token.

    `usual` is a price (coins per token) to start from when a file says nothing about this kind.
    """

    number: int
    name: str
    symbol: str
    title: str
    decimals: int
    usual: int

    @property
    def unit(self) -> int:
        """Base units of one whole token."""
        return int(10**self.decimals)


ETH = Kind(0, "eth", "dETH", "ETH-like", 18, 195)
BTC = Kind(1, "btc", "dBTC", "BTC-like", 8, 7_900)
STABLE = Kind(2, "stable", "dUSD", "stable", 6, 1)
KINDS = (ETH, BTC, STABLE)
BY_NAME = {kind.name: kind for kind in KINDS}

# how much of the logarithm of its driver's price another kind follows, where it does; near the
# median beta to ETH
# that large coins show in a crash (about 0.9)
FOLLOWS = {
    ("eth", "btc"): Fraction(9, 10),
    ("btc", "eth"): Fraction(11, 10),
}
