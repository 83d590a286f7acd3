# SPDX-License-Identifier: MIT
"""Who is unsafe: screened in floats with a safety band, decided in integers by the one set of
formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from surety.formulas import margin_math
from surety.keeper import words
from surety.keeper.index import AccountTable
from surety.keeper.words import KindConfig, Price, Totals

BPS = 10_000
RAY = 10**27
# relative band of the screen: float64 errors were measured inside 1e-12
BAND = 1e-9
# absolute band in coin wei: the integer formulas round by a few wei per kind, 8 kinds at most
ROUNDING = 64.0


class State(IntEnum):
    """Account states by the numbers of `margin_math.account_state`."""

    EMPTY = 0
    HEALTHY = 1
    AT_RISK = 2
    CALLABLE = 3
    CALLED = 4
    IN_AUCTION = 5
    ABSORBABLE = 6


class Unpriced(Exception):
    """A kind of the account has no listing or no price word, so nothing can be decided."""


@dataclass(frozen=True, slots=True)
class VaultParams:
    """The immutables of a vault: seconds, WAD and bps."""

    grace_period: int
    auction_duration: int
    call_cool_down: int
    debt_floor: int
    call_tip: int
    liquidation_penalty: int


@dataclass(frozen=True, slots=True)
class View:
    """Everything but the accounts that a decision at one block needs.

    `prices` are what a transaction of that block would read, `stored` the hub's words in storage.
    """

    number: int
    now: int
    index: int
    totals: Totals
    params: VaultParams
    configs: Mapping[int, KindConfig]
    prices: Mapping[int, Price]
    stored: Mapping[int, Price] = field(default_factory=dict)

    @property
    def takes_paused(self) -> bool:
        """Tell whether takes and absorbs are refused now: a pause of them ends by itself."""
        totals = self.totals
        return bool(totals.pauses & words.PAUSE_TAKE) and self.now < totals.take_resumes_at


@dataclass(frozen=True, slots=True)
class KindTerm:
    """What one kind adds to an account: values and capacities in coin wei."""

    config: KindConfig
    price: Price
    balance: int
    value_lo: int
    value_hi: int
    initial: int
    target: int
    maintenance: int
    close_out: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """One account decided in integers at one view."""

    account: int
    word: int
    debt: int
    value: int
    initial: int
    target: int
    maintenance: int
    close_out: int
    opens: int
    closes: int
    state: State
    terms: tuple[KindTerm, ...]

    @property
    def clock(self) -> int:
        """The stored clock: 0, or when the auction opens."""
        return words.auction_start(self.word)

    @property
    def failed(self) -> bool:
        """Whether a kind of the account has a dead price."""
        return any(term.price.failed for term in self.terms)

    @property
    def confirming(self) -> bool:
        """Whether a kind of the account has a price that is not yet confirmed."""
        return any(term.price.confirming for term in self.terms)

    @property
    def weighted_value(self) -> int:
        """Sum of value at hi times end factor (coin wei times BPS): what absorbing counts on."""
        return sum(term.value_hi * term.config.end_factor for term in self.terms)

    @property
    def expected_loss(self) -> int:
        """What the protocol would lose if this account were absorbed at this view (coin wei)."""
        return int(margin_math.absorb_shortfall(self.debt, self.weighted_value))

    def immediate(self, now: int) -> bool:
        """Return whether a margin call now would open the auction at once."""
        touched_at = words.touched_at(self.word)
        return self.close_out < self.debt and not self.confirming and touched_at < now


def screen(table: AccountTable, view: View) -> NDArray[np.intp]:
    """Return the rows whose debt may be above maintenance, in ascending order.

    Floats decide only what is certainly safe: a row within the band is passed on. A kind without a
    price counts nothing, so its accounts are passed on rather than called safe.
    """
    amounts = table.amounts
    coefficients = np.zeros(amounts.shape[1])
    for kind in range(amounts.shape[1]):
        config, price = view.configs.get(kind), view.prices.get(kind)
        if config is None or price is None:
            continue
        scaled = (BPS - config.maintenance_ltv) * price.maintenance_multiplier / BPS
        usable = BPS - min(float(BPS - config.initial_ltv), scaled)
        coefficients[kind] = price.hi * usable / BPS / 10**config.decimals
    debts = table.debts * (view.index / RAY)
    limit = (amounts @ coefficients) * (1.0 - BAND) - ROUNDING
    return np.flatnonzero((table.debts > 0.0) & (debts > limit))


def exact(account: int, word: int, balances: Mapping[int, int], view: View) -> Assessment:
    """Decide one account in integers, as the vault would at this view.

    Raises Unpriced when a kind has no price, and formulas.Revert where the vault would revert.
    """
    terms = tuple(kind_term(kind, balances[kind], view) for kind in sorted(balances))
    debt = margin_math.debt_up(words.normalized_debt(word), view.index)
    target = sum(term.target for term in terms)
    maintenance = sum(term.maintenance for term in terms)
    close_out = sum(term.close_out for term in terms)
    duration = view.params.auction_duration
    opens = margin_math.opens_at(
        words.auction_start(word), duration, view.totals.take_resumes_at, view.totals.take_pause
    )
    state = margin_math.account_state(
        debt, target, maintenance, close_out, words.collateral_mask(word), opens, duration, view.now
    )
    return Assessment(
        account=account,
        word=word,
        debt=debt,
        value=sum(term.value_hi for term in terms),
        initial=sum(term.initial for term in terms),
        target=target,
        maintenance=maintenance,
        close_out=close_out,
        opens=opens,
        closes=opens + duration if opens else 0,
        state=State(state),
        terms=terms,
    )


def kind_term(kind: int, balance: int, view: View) -> KindTerm:
    """Return what `balance` base units of one kind add to an account."""
    config, price = view.configs.get(kind), view.prices.get(kind)
    if config is None or price is None:
        raise Unpriced(f"kind {kind} has no price")
    value_lo = margin_math.value_down(balance, price.lo, config.decimals)
    value_hi = margin_math.value_down(balance, price.hi, config.decimals)
    frozen = view.totals.frozen_mask >> kind & 1
    return KindTerm(
        config=config,
        price=price,
        balance=balance,
        value_lo=value_lo,
        value_hi=value_hi,
        initial=margin_math.initial_capacity(
            value_lo, config.initial_ltv, price.initial_multiplier, frozen
        ),
        target=margin_math.target_capacity(value_hi, config.initial_ltv),
        maintenance=margin_math.maintenance_capacity(
            value_hi, config.initial_ltv, config.maintenance_ltv, price.maintenance_multiplier
        ),
        close_out=margin_math.close_out_capacity(value_hi, config.close_out_ltv),
    )
