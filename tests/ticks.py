# SPDX-License-Identifier: MIT
"""What Uniswap v3 ticks are worth, in Python integers: the reference of `tick_math.vy`.

It shares nothing with the module but the definition: each factor is derived here from 1.0001, and
prices are exact quotients.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, log

MAX_TICK = 887_272


def _factors() -> list[int]:
    """2**128 / 1.0001**(2**i / 2), to the nearest integer: square roots of integers."""
    found, square = [], (10_000 << 1_000) // 10_001
    for _ in range(20):
        found.append((isqrt(square << 256) + (1 << 499)) >> 500)
        square = square**2 >> 1_000
    return found


FACTORS = _factors()


def root_of(tick: int) -> int:
    """The whitepaper's sqrt price times 2**96, by TickMath's fixed-point steps."""
    ratio = 2**128
    for bit, factor in enumerate(FACTORS):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor // 2**128
    if tick > 0:
        ratio = (2**256 - 1) // ratio
    return -(-ratio // 2**32)


def price_of(tick: int, is_token0: bool, decimals: int, quote_decimals: int) -> int:
    """The WAD price of a whole token in whole units of the other, floored once."""
    price = Fraction(root_of(tick) ** 2, 2**192)
    whole = (price if is_token0 else 1 / price) * Fraction(10) ** (decimals - quote_decimals)
    return int(whole * 10**18)


def tick_near(price: int, is_token0: bool, decimals: int, quote_decimals: int) -> int:
    """The tick at which the WAD price of the token is about `price`."""
    tick = round(log(price / 10 ** (18 + decimals - quote_decimals)) / log(1.0001))
    return tick if is_token0 else -tick
