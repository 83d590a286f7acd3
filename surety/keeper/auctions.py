# SPDX-License-Identifier: MIT
"""The in-place auction as a taker sees it: price at a time, size of a take, first profitable
second. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from surety.formulas import margin_math
from surety.keeper.risk import Assessment, KindTerm, View


@dataclass(frozen=True, slots=True)
class TakeSize:
    """One take: token amount (base units), what it costs and repays (coin wei), price (WAD per
    token).
    """

    kind: int
    amount: int
    cost: int
    repaid: int
    price: int
    penalty: int


def factor_at(term: KindTerm, opens: int, duration: int, now: int) -> int:
    """Return the auction factor of a kind in bps; `now` is inside the auction."""
    return int(
        margin_math.auction_factor(
            term.config.start_factor, term.config.end_factor, now - opens, duration
        )
    )


def price_at(term: KindTerm, opens: int, duration: int, now: int) -> int:
    """Return what one whole token of a kind costs in an auction, WAD, rounded up."""
    return int(margin_math.auction_price_up(term.price.hi, factor_at(term, opens, duration, now)))


def penalty_at(subject: Assessment, view: View, now: int) -> int:
    """Return the effective penalty in bps: waived as the sale value of all saleable kinds nears
    the debt.
    """
    duration = view.params.auction_duration
    sale_value = sum(
        margin_math.sale_value_down(term.value_hi, factor_at(term, subject.opens, duration, now))
        for term in subject.terms
        if not term.price.failed
    )
    return int(
        margin_math.effective_penalty_down(
            view.params.liquidation_penalty, sale_value, subject.debt
        )
    )


def size_take(
    subject: Assessment, term: KindTerm, view: View, purse: int, now: int | None = None
) -> TakeSize | None:
    """Size the largest take of one kind that `purse` coin wei can pay for at `now`, as the vault
    would.

    Returns None when the kind is not for sale, the purse buys nothing, or only dust would be left.
    """
    at = view.now if now is None else now
    if not subject.opens or not subject.opens <= at <= subject.closes or term.price.failed:
        return None
    factor = factor_at(term, subject.opens, view.params.auction_duration, at)
    price = margin_math.auction_price_up(term.price.hi, factor)
    if price == 0:
        return None
    penalty = penalty_at(subject, view, at)

    def sized(amount: int) -> TakeSize | None:
        sold, cost, repaid = margin_math.take_amounts(
            subject.debt,
            subject.target,
            term.balance,
            amount,
            term.price.hi,
            term.config.decimals,
            factor,
            term.config.initial_ltv,
            penalty,
            view.params.debt_floor,
        )
        if sold == 0:
            return None
        return TakeSize(term.config.kind, sold, cost, repaid, price, penalty)

    whole = sized(term.balance)
    if whole is not None and whole.cost <= purse:
        return whole
    affordable = min(term.balance, purse * 10**term.config.decimals // price)
    part = sized(affordable) if affordable else None
    return part if part is not None and part.cost <= purse else None


def first_profitable(
    subject: Assessment,
    term: KindTerm,
    view: View,
    purse: int,
    net: Callable[[TakeSize], int | None],
) -> int | None:
    """Return the first second of the auction, not before `view.now`, at which `net` of the take is
    above zero.

    Bisects: the price of an auction only falls, so a unit that pays at one time pays at every later
    one. Returns None when not even the last second pays, or when `net` knows no price.
    """
    low, high = max(view.now, subject.opens), subject.closes
    if not subject.opens or low > high:
        return None

    def pays(now: int) -> bool:
        size = size_take(subject, term, view, purse, now)
        worth = net(size) if size is not None else None
        return worth is not None and worth > 0

    if not pays(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if pays(middle):
            high = middle
        else:
            low = middle + 1
    return low
