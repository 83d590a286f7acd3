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
unless it is left with more debt than collateral, or sold out for less than its debt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from surety.attack.stage import (
    BOOK,
    BPS,
    DECIMALS,
    KINDS,
    LOT_SECONDS,
    LOT_TERMS,
    PEG,
    STABLE,
    UNIT,
    WAD,
    Stage,
)
from surety.formulas import margin_math

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
    written_off: set[int] = field(default_factory=set)  # sold out with debt left: bad debt


def promised(
    run: Run, price: Sequence[int], short: Sequence[int], mine: Collection[int]
) -> dict[str, int]:
    """Return the most that what was done may have earned, by class, in 1e-18 base units.

    `price` is FINE coin units a base unit of each token at the end, `short` by how much each
    account's debt then is above its collateral, `mine` the attacker's accounts.
    """
    parts = dict.fromkeys(CLASSES, 0)

    def paid_by_others(place: int) -> bool:
        return place not in mine or short[place] > 0 or place in run.written_off

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


def most_of(stage: Stage, kind: int, bps: int, window: int) -> int:
    """Return the most that a stage can pay when one kind's price moves once, by `bps`, in a window.

    In 1e-18 base units: a tip for each account of somebody else's that has no clock; of everything
    in auction now, at its factor at the window's end; of what the fund has and may come to have, at
    the factor of an auction that starts now. For moves that make no account worth leaving.
    """
    vault = stage.vault
    price = [market * scale for market, scale in zip(stage.market, SCALE, strict=True)]
    low = list(price)
    price[kind] = price[kind] * (BPS + bps) // BPS
    low[kind] = min(low[kind], price[kind])
    end = stage.now + window
    found = 0

    def gain(amount: int, which: int, factor: int) -> int:
        return max(0, -(-amount * (price[which] * BPS - low[which] * factor) // BPS))

    waiting = [0] * len(KINDS)  # what the fund may come to have
    for place, account in enumerate(stage.accounts):
        balances = [vault.read("balances", account, which) for which in range(len(KINDS))]
        debt, start = vault.read("debt_of", account), vault.read("accounts", account) >> 136
        start &= 2**40 - 1
        worth = sum(amount * each for amount, each in zip(balances, price, strict=True))
        is_mine = place in stage.mine_places
        if start == 0 and not is_mine:
            found += margin_math.call_tip_down(BOOK.call_tip, debt) * FINE
        if start and start + BOOK.auction_duration < stage.now:
            waiting = [one + more for one, more in zip(waiting, balances, strict=True)]
        elif start:
            elapsed = max(0, min(end - start, BOOK.auction_duration))
            for which, amount in enumerate(balances):
                levels = KINDS[which].levels
                terms = (levels.start_factor, levels.end_factor, elapsed, BOOK.auction_duration)
                factor = margin_math.auction_factor(*terms)
                if is_mine and debt * FINE * BPS <= worth * factor:
                    continue  # it pays its own discount
                # one unit more than is paid for, where a take clears the debt
                found += gain(amount, which, factor) + (low[which] if amount else 0)
    for which, token in enumerate(stage.tokens):
        left, started_at, closes_at, *_ = stage.fund.read("auction_of", token.address)
        if left:
            terms = (*LOT_TERMS, end - started_at, closes_at - started_at)
            found += gain(left, which, margin_math.auction_factor(*terms))
        waiting[which] += token.read("balanceOf", stage.fund.address) - left
        waiting[which] += vault.read("absorbed", which)
        terms = (*LOT_TERMS, window, LOT_SECONDS)
        found += gain(waiting[which], which, margin_math.auction_factor(*terms))
    return found
