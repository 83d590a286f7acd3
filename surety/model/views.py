# SPDX-License-Identifier: MIT
"""What `Lens` and the vault's views answer, by the same names."""

from __future__ import annotations

from dataclasses import dataclass, replace

from surety.formulas import margin_math
from surety.model.book import Book
from surety.model.predict import predict
from surety.model.state import MAX, ZERO_ADDRESS, Coin, Levels, Position, Refused, refuse


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account as its owner wants to read it; ratios in WAD, times in unix seconds."""

    owner: int
    sub: int
    state: int
    collateral_mask: int
    auction_start: int
    opens_at: int
    closes_at: int
    absorbable_until: int
    touched_at: int
    margin_model: int
    model: str
    model_failed: bool
    price_flags: int
    levels: Levels
    health_factor: int
    margin_ratio: int
    margin_to_liquidation_ratio: int
    collateral_ratio: int
    loan_to_value: int
    leverage: int
    liquidation_price: int


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind in an account; `auction_price` is 0 when it is not for sale."""

    kind: int
    balance: int
    lo: int
    hi: int
    value: int
    auction_price: int


def account_of(book: Book, account: int, now: int) -> AccountView:
    """Return everything about one account."""
    position = book.positions.get(account) or Position()
    measured = book.measure(account, now)
    levels, duration = measured.levels, book.rules.auction_duration
    opens = 0 if book.is_shut else book.opens_at(position.auction_start)
    debt, value = levels.debt, levels.value
    return AccountView(
        owner=account >> 8,
        sub=account & 255,
        state=book.state(account, now),
        collateral_mask=position.mask,
        auction_start=position.auction_start,
        opens_at=opens,
        closes_at=opens + duration if opens else 0,
        absorbable_until=opens + 2 * duration if opens else 0,
        touched_at=position.touched_at,
        margin_model=position.margin_model,
        model=book.margin_model_of(position, now),
        model_failed=measured.model_failed,
        price_flags=measured.flags,
        levels=levels,
        health_factor=margin_math.health_factor_down(debt, levels.maintenance),
        margin_ratio=margin_math.margin_ratio_down(debt, value),
        margin_to_liquidation_ratio=margin_math.margin_to_liquidation_ratio_down(
            debt, value, levels.maintenance
        ),
        collateral_ratio=margin_math.collateral_ratio_down(debt, value),
        loan_to_value=margin_math.loan_to_value_up(debt, value),
        leverage=margin_math.leverage_up(debt, value),
        liquidation_price=liquidation_price(book, account, now),
    )


def liquidation_price(book: Book, account: int, now: int) -> int:
    """Return the `hi` below which an account of one kind may be called.

    0 for an account of several kinds, without debt, or under a margin model.
    """
    position = book.positions.get(account) or Position()
    if len(position.balances) != 1 or book.margin_model_of(position, now) != ZERO_ADDRESS:
        return 0
    ((kind, balance),) = position.balances.items()
    facts = book.kinds[kind]
    price: int = margin_math.liquidation_price_up(
        book.debt(account, now),
        balance,
        facts.decimals,
        facts.initial_ltv,
        facts.maintenance_ltv,
        book.hub.read(1 << kind, now)[kind].maintenance_multiplier,
    )
    return price


def holdings_of(book: Book, account: int, now: int) -> list[Holding]:
    """Return the collateral of an account, kind by kind, ascending."""
    position = book.positions.get(account) or Position()
    found = []
    for kind, price in book.hub.read(position.mask, now).items():
        balance = position.balances[kind]
        try:
            asked = auction_price(book, account, kind, now, now)
        except Refused:
            asked = 0
        worth = margin_math.value_down(balance, price.hi, book.kinds[kind].decimals)
        found.append(Holding(kind, balance, price.lo, price.hi, worth, asked))
    return found


def auction_price(book: Book, account: int, kind: int, at: int, now: int) -> int:
    """Return what a whole token costs at time `at` at today's price; refused when not for sale."""
    position = book.positions.get(account) or Position()
    if kind not in position.balances:
        refuse("kind not enabled")
    opens = 0 if book.is_shut else book.opens_at(position.auction_start)
    if not opens or not opens <= at <= opens + book.rules.auction_duration:
        refuse("not in auction")
    price = book.hub.read(1 << kind, now)[kind]
    if price.has_failed:
        refuse("price failed")
    asked: int = margin_math.auction_price_up(price.hi, book.factor(kind, at - opens))
    return asked


def preview_take(
    book: Book, account: int, kind: int, amount: int, now: int
) -> tuple[int, int, int, int]:
    """Return what a take would do now: price, amount sold, cost, debt repaid; refused as it is."""
    somebody = "0x" + "01" * 20  # whom neither book nor this coin knows, so who can pay
    order = (account, kind, amount, MAX, somebody)
    done = predict(replace(book, coin=Coin()), "take", order, somebody, now)
    if done.reason is not None:
        refuse(done.reason)
    taken = done.log("Taken")
    return taken["price"], taken["amount"], taken["cost"], taken["debt_repaid"]
