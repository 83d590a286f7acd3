# SPDX-License-Identifier: MIT
"""What owners do when they are called: when they wake, and what they bring so that the account
satisfies its target.

Pure and seeded: the engine asks, and sends what comes back. Prompt owners act within the grace
period, late ones near its end or in the first half of the auction, absent ones never. Nobody brings
more than they have, and nobody acts who cannot reach the target: throwing good money after bad is
left out.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surety.demo.book import Holder, Remedy, Temper

BPS = 10_000
SLACK_BPS = 300  # owners bring 3 % more than the target asks, against interest and the next block


@dataclass(frozen=True, slots=True)
class Purse:
    """What an owner still has for one account: base units by kind number, coins in WAD."""

    reserve: Mapping[int, int]
    kept: int


@dataclass(frozen=True, slots=True)
class Rescue:
    """What an owner brings: collateral as (kind number, base units) and coins to repay."""

    top_up: tuple[tuple[int, int], ...]
    repay: int


@dataclass(frozen=True, slots=True)
class Asset:
    """A kind as the account holds it: number, price at `hi` in WAD, initial LTV in bps, base units
    per token.
    """

    number: int
    price: int
    initial_ltv: int
    unit: int


def wakes_at(
    holder: Holder, called_at: int, opens: int, grace: int, duration: int, seed: int
) -> int | None:
    """Return when an owner acts on a margin call, or None for never; unix seconds.

    A call without grace (below close-out) is noticed as fast, counted from the call.
    """
    if holder.temper is Temper.ABSENT:
        return None
    source = random.Random(f"{seed}:wake:{holder.account}:{called_at}")
    if holder.temper is Temper.PROMPT:
        return called_at + (max(grace, 600) * source.randint(5, 60)) // 100
    return (
        max(called_at + grace * 9 // 10, opens - grace // 10)
        + duration * source.randint(0, 50) // 100
    )


def plan_rescue(
    holder: Holder, purse: Purse, debt: int, target: int, assets: Sequence[Asset], debt_floor: int
) -> Rescue | None:
    """Return what brings the account to its target with a little slack, or None when the owner
    cannot.

    `debt` and `target` (the capacity at the target level) are WAD. A kind that has been sold out of
    the account is not brought again: topping up is for what is there.
    """
    if debt <= target:
        return Rescue((), 0)
    wanted = debt * (BPS + SLACK_BPS) // BPS - target
    coins = _coins(purse, debt, wanted, debt_floor) if holder.remedy is not Remedy.TOP_UP else 0
    if holder.remedy is Remedy.BOTH:
        coins = min(coins, _coins(purse, debt, wanted // 2, debt_floor))
    missing = wanted - coins * (BPS + SLACK_BPS) // BPS
    top_up: list[tuple[int, int]] = []
    if missing > 0 and holder.remedy is not Remedy.REPAY:
        for asset in assets:
            most = purse.reserve.get(asset.number, 0)
            needed = missing * BPS * asset.unit // (asset.initial_ltv * asset.price) + 1
            amount = min(most, needed)
            if amount > 0 and missing > 0:
                top_up.append((asset.number, amount))
                missing -= amount * asset.price * asset.initial_ltv // (BPS * asset.unit)
    if missing > 0:
        return None
    return Rescue(tuple(sorted(top_up)), coins)


def _coins(purse: Purse, debt: int, wanted: int, debt_floor: int) -> int:
    """Return how much to repay towards `wanted`: what is there, never into the gap between nothing
    and the floor.
    """
    amount = min(purse.kept, wanted, debt)
    if amount < debt and debt - amount < debt_floor:
        return debt if purse.kept >= debt * 101 // 100 else max(0, debt - debt_floor)
    return amount
