# SPDX-License-Identifier: MIT
"""One account in full: every term of every level, what would cure it, and why it is or is not
callable. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from surety.formulas import margin_math
from surety.keeper import words
from surety.keeper.risk import Assessment, KindTerm, State, View, exact, kind_term

MAX_PRICE = (1 << 88) - 1
MAX_BALANCE = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class KindRemedy:
    """Per kind: at which `hi` the account becomes callable, and the top-ups that cure (base units).

    `callable_below`: with all else as it is, the account is callable exactly when `hi` is below
    this; None when no price makes it callable, or none saves it.
    """

    kind: int
    callable_below: int | None
    to_maintenance: int | None
    to_target: int | None


@dataclass(frozen=True, slots=True)
class Remedies:
    """What brings the account back: repayments in coin wei, top-ups per kind."""

    repay_to_maintenance: int
    repay_to_target: int
    kinds: tuple[KindRemedy, ...]


def why(subject: Assessment, view: View) -> str:
    """Say in one sentence why the account is or is not callable now."""
    now = view.now
    if subject.state is State.EMPTY:
        return "not callable: the account holds nothing"
    if subject.debt == 0:
        return "not callable: there is no debt"
    if subject.debt <= subject.maintenance:
        return "not callable: the debt is within the maintenance capacity"
    if view.totals.pauses & words.PAUSE_CALL and subject.state is State.CALLABLE:
        return "would be callable, but margin calls are paused"
    if subject.state is State.CALLABLE:
        path = (
            "its auction would open at once" if subject.immediate(now) else "a grace period starts"
        )
        if subject.close_out < subject.debt and subject.confirming:
            path += f", since {_in_doubt(subject, confirming=True)}"
        if subject.clock and now <= subject.closes + view.params.call_cool_down:
            path = "its auction would open at once: the grace of this episode is used"
        return f"callable: the debt is above the maintenance capacity; {path}"
    if subject.state is State.CALLED:
        wait = f"called: the auction opens in {subject.opens - now} s"
        if subject.close_out < subject.debt and subject.confirming:
            return f"{wait}; below close-out, but {_in_doubt(subject, confirming=True)}"
        return f"{wait}; below close-out, it may be opened now" if subject.immediate(now) else wait
    if subject.state is State.IN_AUCTION:
        return f"not callable: its auction runs for another {subject.closes - now} s"
    text = "not callable: below close-out after its auction, it is to be absorbed"
    if subject.failed:
        return f"{text}, but {_in_doubt(subject, confirming=False)}"
    return f"{text}, but {_in_doubt(subject, confirming=True)}" if subject.confirming else text


def _in_doubt(subject: Assessment, *, confirming: bool) -> str:
    """Name the kinds whose price is confirming, or has failed."""
    doubted = [
        str(term.config.kind)
        for term in subject.terms
        if (term.price.confirming if confirming else term.price.failed)
    ]
    what = "is confirming" if confirming else "has failed"
    return f"the price of kind {', '.join(doubted)} {what}"


def remedies(subject: Assessment, balances: Mapping[int, int], view: View) -> Remedies:
    """Compute what cures the account, exactly, by the formulas that the vault uses."""
    floor = view.params.debt_floor
    return Remedies(
        repay_to_maintenance=_repayment(subject.debt, subject.maintenance, floor),
        repay_to_target=_repayment(subject.debt, subject.target, floor),
        kinds=tuple(_kind_remedy(subject, term, balances, view) for term in subject.terms),
    )


def _repayment(debt: int, capacity: int, floor: int) -> int:
    """Return the least repayment after which the debt is within a capacity; a rest below the floor
    is not left.
    """
    if debt <= capacity:
        return 0
    wanted = debt - capacity
    taken = int(margin_math.repayment(wanted, debt, floor))
    return wanted if taken >= wanted else debt


def _kind_remedy(
    subject: Assessment, term: KindTerm, balances: Mapping[int, int], view: View
) -> KindRemedy:
    kind = term.config.kind

    def with_balance(balance: int) -> KindTerm:
        return kind_term(kind, balance, view)

    def top_up(total: int, of: Callable[[KindTerm], int]) -> int | None:
        others = total - of(term)
        return _least(
            lambda extra: others + of(with_balance(term.balance + extra)) >= subject.debt,
            MAX_BALANCE - term.balance,
        )

    def covered(hi: int) -> bool:
        price = replace(term.price, hi=hi, lo=min(term.price.lo, hi))
        moved = replace(view, prices={**view.prices, kind: price})
        again = exact(subject.account, subject.word, balances, moved)
        return again.debt <= again.maintenance

    edge = _least(covered, MAX_PRICE)
    return KindRemedy(
        kind=kind,
        callable_below=edge if edge else None,
        to_maintenance=top_up(subject.maintenance, lambda t: t.maintenance),
        to_target=top_up(subject.target, lambda t: t.target),
    )


def _least(holds: Callable[[int], bool], most: int) -> int | None:
    """Return the smallest number up to `most` for which a monotone condition holds, None without
    one.
    """
    high = 1
    if holds(0):
        return 0
    while high < most and not holds(high):
        high *= 2
    high = min(high, most)
    if not holds(high):
        return None
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def as_json(subject: Assessment, balances: Mapping[int, int], view: View) -> dict[str, Any]:
    """Return everything about an account for JSON; integers above 2**53 as strings."""
    found = remedies(subject, balances, view)
    levels = {
        name: str(getattr(subject, name))
        for name in ("debt", "value", "initial", "target", "maintenance", "close_out")
    }
    per_kind = {remedy.kind: remedy for remedy in found.kinds}
    return {
        "account": words.show_account(subject.account),
        "id": str(subject.account),
        "block": view.number,
        "time": view.now,
        "state": subject.state.name,
        "callable": subject.state is State.CALLABLE,
        "confirming": subject.confirming,
        "failed": subject.failed,
        "why": why(subject, view),
        "levels": levels,
        "health_factor": str(margin_math.health_factor_down(subject.debt, subject.maintenance)),
        "opens": subject.opens,
        "closes": subject.closes,
        "touched_at": words.touched_at(subject.word),
        "repay_to_maintenance": str(found.repay_to_maintenance),
        "repay_to_target": str(found.repay_to_target),
        "kinds": [_kind_json(term, per_kind[term.config.kind]) for term in subject.terms],
    }


def _kind_json(term: KindTerm, remedy: KindRemedy) -> dict[str, Any]:
    price = {key: value for key, value in asdict(term.price).items() if key not in ("lo", "hi")}
    ratios = {
        key: value
        for key, value in asdict(term.config).items()
        if key not in ("kind", "token", "decimals")
    }
    remedy_json = {
        key: None if value is None else str(value)
        for key, value in asdict(remedy).items()
        if key != "kind"
    }
    return {
        "kind": term.config.kind,
        "token": term.config.token,
        "decimals": term.config.decimals,
        "balance": str(term.balance),
        "lo": str(term.price.lo),
        "hi": str(term.price.hi),
        "failed": term.price.failed,
        "confirming": term.price.confirming,
        **price,
        **ratios,
        "value_lo": str(term.value_lo),
        "value_hi": str(term.value_hi),
        "initial": str(term.initial),
        "target": str(term.target),
        "maintenance": str(term.maintenance),
        "close_out": str(term.close_out),
        **remedy_json,
    }
