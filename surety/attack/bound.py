# SPDX-License-Identifier: MIT
"""What a sequence of acts earns at most, class by class: the promise of docs/attack.md in integers.

Nothing here asks a contract what it charged: amounts, clocks, parameters and market prices decide.
With p the market price at the end, p_low and p_high the lowest and highest of the play so far:

tips           min(call_tip, D / 400) for each first call of somebody else's account
discounts      amount * p - (amount - 1) * p_low * f      f: the auction's factor by its clock
lots           amount * (p - p_low * f)                   f: that of the fund's auction
mints          coins - amount * p                         while the reserve is at its guard or above
redemptions    amount * p - coins
walks          sum over kinds of balance * (initial_ltv * lo - p)    lo: at most p_high, and what
                                                                     the slew lets it rise

Each only where it is above 0. An account of the attacker's own pays its discounts and tips itself,
unless it is left with more debt than collateral.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from surety.attack.stage import BPS, DECIMALS, KINDS, PEG, STABLE, UNIT, WAD

FINE: Final = 10**18  # of these one base unit of the coin (1e-18 coins)
SCALE: Final[tuple[int, ...]] = tuple(10 ** (18 - decimals) for decimals in DECIMALS)
CLASSES: Final = ("tips", "discounts", "lots", "mints", "redemptions", "walks")


@dataclass(slots=True)
class Sale:
    """Something bought in an auction: of an account (its place), or of the fund (None).

    `factor` in bps by the clock, `lowest` the lowest market price so far (WAD).
    """

    account: int | None
    kind: int
    amount: int
    factor: int
    lowest: int


@dataclass(slots=True)
class Run:
    """What is noted while a sequence is played."""

    market: list[int]
    lowest: list[int]
    highest: list[int]
    began: int
    moves: int = 0
    sales: list[Sale] = field(default_factory=list)
    tips: list[tuple[int, int]] = field(default_factory=list)
    minted: list[tuple[int, bool]] = field(default_factory=list)  # reserve in, guard held
    redeemed: list[int] = field(default_factory=list)  # coins in
    raised: dict[int, list[tuple[list[int], list[int]]]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)


def promised(
    run: Run, price: Sequence[int], short: Sequence[int], mine: Collection[int]
) -> dict[str, int]:
    """Return the most that what was done may have earned, by class, in 1e-18 base units.

    `price` is FINE coin units a base unit of each token at the end, `short` by how much each
    account's debt then is above its collateral, `mine` the attacker's accounts.
    """
    parts = dict.fromkeys(CLASSES, 0)

    def paid_by_others(place: int) -> bool:
        return place not in mine or short[place] > 0

    parts["tips"] = sum(tip * FINE for place, tip in run.tips if paid_by_others(place))
    for sale in run.sales:
        if sale.account is not None and not paid_by_others(sale.account):
            continue
        low = sale.lowest * SCALE[sale.kind] * sale.factor
        # who clears a debt pays what is owed, for an amount rounded up to a unit of the token
        paid = sale.amount - (sale.account is not None)
        gain = -(-(sale.amount * price[sale.kind] * BPS - paid * low) // BPS)
        parts["lots" if sale.account is None else "discounts"] += max(0, gain)
    for amount, is_guarded in run.minted:
        coins = amount * (WAD // UNIT[STABLE]) * (BPS - PEG.mint_fee_bps) // BPS
        gain = coins * FINE - amount * price[STABLE]
        parts["mints"] += max(0, gain) if is_guarded else 0
    for coins in run.redeemed:
        worth = coins * (BPS - PEG.redeem_fee_bps) * price[STABLE]
        worth //= BPS * (WAD // UNIT[STABLE])
        parts["redemptions"] += max(0, worth - coins * FINE)
    for place, raised in run.raised.items():
        if place in mine:
            parts["walks"] += max(_walk(*one, price) for one in raised)
    return parts


def _walk(balances: Sequence[int], highest: Sequence[int], price: Sequence[int]) -> int:
    """Return what it brings to leave an account that has just met the initial level."""
    lent = sum(
        amount * high * SCALE[kind] * KINDS[kind].levels.initial_ltv
        for kind, (amount, high) in enumerate(zip(balances, highest, strict=True))
    )
    kept = sum(amount * each for amount, each in zip(balances, price, strict=True))
    return max(0, -(-lent // BPS) - kept)
