# SPDX-License-Identifier: MIT
"""What a vault must do, computed apart from it: state in Python, formulas from `surety.formulas`.

The order of the checks is the contract's, so that a refusal is predicted with its exact reason.
A refusal leaves the model as it was.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from surety.formulas import margin_math as m
from tests.world import BPS, INT_MIN, MAX, RAY

Leg = tuple[int, int]

HALF = 2**128 - 1
MAX_DELTA = 2**255 - 1
BORROW, WITHDRAW = 1, 2
INDEX_PERIOD = 3_600


class Refused(Exception):
    """The vault would revert with this reason."""


@dataclass(slots=True)
class Position:
    normalized_debt: int = 0
    mask: int = 0
    auction_start: int = 0
    touched_at: int = 0

    @property
    def word(self) -> int:
        return (
            self.normalized_debt
            | self.mask << 104
            | self.auction_start << 136
            | self.touched_at << 176
        )


@dataclass(frozen=True, slots=True)
class Kind:
    initial_ltv: int
    decimals: int
    max_age: int


@dataclass(slots=True)
class Feed:
    price: int
    at: int
    dead: bool = False


@dataclass(slots=True)
class Price:
    lo: int
    hi: int
    at: int
    failed: bool = False


@dataclass(slots=True)
class State:
    accrued_at: int
    rate: int
    feeds: list[Feed]
    prices: list[Price]
    caps: list[int]
    ceiling: int
    index: int = RAY
    positions: dict[int, Position] = field(default_factory=lambda: defaultdict(Position))
    balances: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    totals: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    wallets: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    coins: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    operators: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    normalized_debt: int = 0
    minted: int = 0
    pauses: int = 0
    frozen: int = 0


class Model:
    """A vault with three kinds, none isolated, and the hub and the coin as it sees them."""

    def __init__(self, state: State, kinds: Sequence[Kind], debt_floor: int, fresh_for: int):
        self.state = state
        self.kinds = kinds
        self.debt_floor = debt_floor
        self.fresh_for = fresh_for
        self.now = state.accrued_at

    def attempt(self, now: int, move: Callable[..., int], *args: object) -> str | None:
        """Make a move at a time; return the reason why it is refused, or None."""
        before, self.now = self.state, now
        self.state = copy.deepcopy(before)
        try:
            move(*args)
        except Refused as refusal:
            self.state = before
            return str(refusal)
        return None

    def live_index(self) -> int:
        state = self.state
        return m.index_up(state.index, state.rate, self.now - state.accrued_at)

    def debt(self, account: int) -> int:
        return m.debt_up(self.state.positions[account].normalized_debt, self.live_index())

    def price(self, kind: int) -> Price:
        """Return what a sync gives, and remember it."""
        feed, price = self.state.feeds[kind], self.state.prices[kind]
        if price.failed or self.now - price.at >= self.fresh_for:
            if feed.dead or self.now - feed.at > self.kinds[kind].max_age:
                price.failed = True
            else:
                price = self.state.prices[kind] = Price(feed.price, feed.price, self.now)
        return price

    # the functions of the vault

    def deposit(self, caller: str, account: int, kind: int, amount: int) -> int:
        return self.adjust(caller, account, [(kind, amount)], 0, caller)

    def withdraw(self, caller: str, account: int, kind: int, amount: int, receiver: str) -> int:
        delta = INT_MIN if amount == MAX else -amount
        return self.adjust(caller, account, [(kind, delta)], 0, receiver)

    def borrow(self, caller: str, account: int, amount: int, receiver: str) -> int:
        if amount == 0:
            raise Refused("zero amount")
        return self.adjust(caller, account, [], amount, receiver)

    def repay(self, caller: str, account: int, amount: int) -> int:
        if amount == 0:
            raise Refused("zero amount")
        return self.adjust(caller, account, [], -min(amount, MAX_DELTA), caller)

    def adjust(
        self, caller: str, account: int, legs: Sequence[Leg], debt_delta: int, receiver: str
    ) -> int:
        """Return the coins burned."""
        if not legs and debt_delta == 0:
            raise Refused("nothing to change")
        position = self.state.positions[account]
        old_mask, outgoing, above = position.mask, [], 0
        for kind, delta in legs:
            if kind < above:
                raise Refused("legs not ascending")
            above = kind + 1
            if kind >= len(self.kinds):
                raise Refused("unknown kind")
            if delta > 0:
                self._bring_in(account, kind, delta, debt_delta)
            else:
                outgoing.append((kind, self._take_out(account, kind, delta)))
        raised = (BORROW if debt_delta > 0 else 0) | (WITHDRAW if outgoing else 0)
        enabled = position.mask & ~old_mask
        if raised and int(receiver, 16) == 0:
            raise Refused("bad receiver")
        if raised or enabled:
            self._authorise(caller, account)
        repaid = self._change_debt(position, debt_delta, raised)
        if raised:
            position.touched_at = self.now
        if raised or position.normalized_debt == 0:
            position.auction_start = 0
        self._check_enabled(enabled)
        if raised and position.normalized_debt:
            self._check_initial(account, raised)
        for kind, amount in outgoing:
            self.state.wallets[receiver, kind] += amount
        if debt_delta > 0:
            self._mint(receiver, debt_delta)
        for kind, delta in legs:
            if delta > 0:
                self._spend(caller, kind, delta)
        if repaid:
            self._burn(caller, repaid)
        return repaid

    # its steps

    def _bring_in(self, account: int, kind: int, amount: int, debt_delta: int) -> None:
        state, position = self.state, self.state.positions[account]
        rescue = position.auction_start and debt_delta <= 0
        limit = HALF if rescue else state.caps[kind]
        if state.totals[kind] + amount > limit:
            raise Refused("above cap")
        state.totals[kind] += amount
        state.balances[account, kind] += amount
        position.mask |= 1 << kind

    def _take_out(self, account: int, kind: int, delta: int) -> int:
        state, balance = self.state, self.state.balances[account, kind]
        amount = balance if delta == INT_MIN else -delta
        if amount == 0:
            raise Refused("zero amount")
        if amount > balance:
            raise Refused("above balance")
        state.totals[kind] -= amount
        state.balances[account, kind] -= amount
        if amount == balance:
            state.positions[account].mask &= ~(1 << kind)
        return amount

    def _authorise(self, caller: str, account: int) -> None:
        owner = f"0x{account >> 8:040x}"
        bits = self.state.operators[owner, caller.lower()]
        if caller.lower() != owner and not bits >> (account & 255) & 1:
            raise Refused("not authorised")

    def _change_debt(self, position: Position, debt_delta: int, raised: int) -> int:
        state, index, repaid = self.state, self.live_index(), 0
        if debt_delta == 0 and (not raised or position.normalized_debt == 0):
            return 0
        if self.now >= state.accrued_at + INDEX_PERIOD:
            state.index, state.accrued_at = index, self.now
        if debt_delta > 0:
            change = m.borrowed_up(debt_delta, index)
        else:
            owed = m.debt_up(position.normalized_debt, index)
            repaid = m.repayment(-debt_delta, owed, self.debt_floor)
            whole = repaid == owed
            change = -(position.normalized_debt if whole else m.repaid_down(repaid, index))
        position.normalized_debt += change
        state.normalized_debt += change
        return repaid

    def _check_enabled(self, enabled: int) -> None:
        if enabled & self.state.frozen:
            raise Refused("kind is frozen")
        kinds = [kind for kind in range(len(self.kinds)) if enabled >> kind & 1]
        prices = [self.price(kind) for kind in kinds]  # all are synced before one is judged
        if any(price.failed for price in prices):
            raise Refused("price failed")

    def _check_initial(self, account: int, raised: int) -> None:
        state, owed, capacity = self.state, self.debt(account), 0
        if state.pauses & raised:
            raise Refused(
                "borrowing paused" if state.pauses & raised & BORROW else "withdrawing paused"
            )
        if owed < self.debt_floor:
            raise Refused("below debt floor")
        for number, kind in enumerate(self.kinds):
            if state.positions[account].mask >> number & 1:
                price = self.price(number)
                lo = 0 if price.failed else price.lo
                worth = m.value_down(state.balances[account, number], lo, kind.decimals)
                frozen = state.frozen >> number & 1
                capacity += m.initial_capacity(worth, kind.initial_ltv, BPS, frozen)
        if owed > capacity:
            raise Refused("below initial margin")

    # tokens and coin

    def _spend(self, payer: str, kind: int, amount: int) -> None:
        if self.state.wallets[payer, kind] < amount:
            raise Refused("")  # the mock token underflows
        self.state.wallets[payer, kind] -= amount

    def _mint(self, receiver: str, amount: int) -> None:
        if self.state.minted + amount > self.state.ceiling:
            raise Refused("above ceiling")
        self.state.minted += amount
        self.state.coins[receiver] += amount

    def _burn(self, holder: str, amount: int) -> None:
        if self.state.coins[holder] < amount:
            raise Refused("amount exceeds balance")
        self.state.coins[holder] -= amount
        self.state.minted -= min(self.state.minted, amount)
