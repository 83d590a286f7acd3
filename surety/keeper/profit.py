# SPDX-License-Identifier: MIT
"""What an action is worth net of gas and slippage; without a price source it is worth nothing
known. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surety.formulas import margin_math

BPS = 10_000
WAD = 10**18


@dataclass(frozen=True, slots=True)
class GasCosts:
    """What gas costs: wei per gas, coin WAD per whole native coin (None = unknown), and gas per
    action.
    """

    gas_price: int
    native_price: int | None
    margin_call: int = 110_000
    take: int = 170_000
    absorb: int = 300_000
    sell: int = 120_000

    def value_up(self, gas: int) -> int | None:
        """Return what `gas` costs in coin wei, rounded up; None without a native price."""
        if self.native_price is None:
            return None
        return int(margin_math.mul_div_up(gas * self.gas_price, self.native_price, WAD))


@dataclass(frozen=True, slots=True)
class Ladder:
    """Quotes of one kind: ascending (amount, coins) points of a concave market.

    Between points it interpolates downwards, which is never more than a concave market pays; beyond
    the last point nothing is known.
    """

    points: tuple[tuple[int, int], ...]

    def coins_down(self, amount: int) -> int | None:
        """Return the coins that selling `amount` surely brings; None beyond what was quoted."""
        left_amount, left_coins = 0, 0
        for right_amount, right_coins in self.points:
            if amount <= right_amount:
                step = right_amount - left_amount
                rise = max(0, right_coins - left_coins)
                return left_coins + (rise * (amount - left_amount) // step if step else 0)
            left_amount, left_coins = right_amount, right_coins
        return None


@dataclass(frozen=True, slots=True)
class Quotes:
    """What the market pays for each kind, and how much of its answer is given up to slippage
    (bps).
    """

    ladders: Mapping[int, Ladder] = field(default_factory=dict)
    slippage_bps: int = 50

    def coins_down(self, kind: int, amount: int, already: int = 0) -> int | None:
        """Return the coins for `amount` more of a kind after `already` of it is to be sold; None =
        no price.
        """
        ladder = self.ladders.get(kind)
        if ladder is None:
            return None
        before, after = ladder.coins_down(already), ladder.coins_down(already + amount)
        if before is None or after is None:
            return None
        return int(margin_math.mul_div_down(max(0, after - before), BPS - self.slippage_bps, BPS))


def net_of_take(
    kind: int, amount: int, cost: int, quotes: Quotes, gas: GasCosts, already: int = 0
) -> int | None:
    """Return revenue less cost, gas of the take and gas of the sale (coin wei); None when a price
    is unknown.
    """
    revenue = quotes.coins_down(kind, amount, already)
    gas_value = gas.value_up(gas.take + gas.sell)
    if revenue is None or gas_value is None:
        return None
    return revenue - cost - gas_value


def net_of_call(tip: int, gas: GasCosts) -> int | None:
    """Return a margin call's tip less its gas (coin wei); None when gas has no known value."""
    gas_value = gas.value_up(gas.margin_call)
    return None if gas_value is None else tip - gas_value
