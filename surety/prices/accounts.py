# SPDX-License-Identifier: MIT
"""A small book beside a replay: how many accounts a run of prices would have had called and sold.

The book is the exact model of the vault. Its accounts hold the same amount of one kind, their debts
spread evenly from a thousandth within maintenance to half of that, at the first price; interest is
left out, so that nothing but the price is measured. Owners never act. A keeper looks once a minute
and does at once whatever the vault allows: it calls, takes a whole auction in the first second it
may, clears the clock of an account that is healthy again, and absorbs. That is as many liquidations
as there could have been, and as early.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from surety.deploy.params import BookParams, Levels
from surety.formulas import margin_math
from surety.model import Book, Coin, FixedHub, Rules
from surety.model.state import HALF, MAX, RAY, WAD, Kind, Position, Price, Refused, account_id

MOST_ACCOUNTS = 5_000
LOOK = 60  # seconds between two looks of the keeper
# the riskiest account owes a thousandth less than maintenance: room for the tip of a margin call,
# which is added to its debt and would else leave it below maintenance at an unchanged price
ROOM = 1_000
VALUE = 100_000 * WAD  # of an account's collateral at the first price
DECIMALS = 18
_KEEPER, _VAULT = "0x" + "22" * 20, "0x" + "33" * 20


@dataclass(frozen=True, slots=True)
class Liquidations:
    """How many accounts were ever called, sold from and absorbed; `takes` are all sales.

    `bad_debt` is the coins (WAD) that no collateral stood behind; an account is worth VALUE.
    """

    called: int = 0
    sold: int = 0
    takes: int = 0
    absorbed: int = 0
    bad_debt: int = 0
    first_sold_at: int | None = None


class Accounts:
    """The book and its keeper; give it every word of the hub in order of time."""

    def __init__(self, levels: Levels, count: int, price: Price, now: int) -> None:
        defaults = BookParams()
        rules = Rules(
            defaults.grace_period,
            defaults.auction_duration,
            defaults.call_cool_down,
            defaults.debt_floor,
            defaults.call_tip,
            defaults.liquidation_penalty,
            _VAULT,
        )
        self._hub = FixedHub({0: price})
        coin = Coin(ceiling=2**120 - 1)
        self._book = book = Book(rules, self._hub, coin, _KEEPER)
        book.accrued_at = now
        book.kinds[0] = Kind(
            "0x" + "44" * 20,
            DECIMALS,
            levels.initial_ltv,
            levels.maintenance_ltv,
            levels.close_out_ltv,
            levels.start_factor,
            levels.end_factor,
        )
        balance = margin_math.mul_div_up(VALUE, 10**DECIMALS, price.hi)
        book.deposited[0], book.caps[0], book.absorbed[0] = 0, HALF, 0
        self._ids = [account_id(f"0x{place + 1:040x}") for place in range(count)]
        for account in self._ids:
            book.positions[account] = Position(balances={0: balance})
        book.deposited[0] = balance * count
        most = book.levels(self._ids[0], now).maintenance
        most -= most // ROOM
        for place, account in enumerate(self._ids):
            debt = most - most * place // (2 * max(1, count - 1))
            normalized = margin_math.borrowed_up(debt, RAY)
            book.positions[account].normalized_debt = normalized
            book.total_normalized_debt += normalized
            coin.minted += debt
            coin.supply += debt
        self._looked_at = now
        self._clocks: set[int] = set()  # whose clock runs
        self._called: set[int] = set()  # who ever was
        self._sold: set[int] = set()
        self._free: list[int] = []  # by debt over collateral, the riskiest last
        self._sort()
        self._takes = self._absorbed = self._bad_debt = 0
        self._first_sold_at: int | None = None

    def see(self, price: Price, now: int) -> None:
        """Let the keeper look, when its minute is over, at the word as callers see it."""
        if now - self._looked_at < LOOK:
            return
        self._looked_at = now
        self._hub.prices[0] = price
        for account in sorted(self._clocks):
            self._pursue(account, price, now)
        while self._free and self._is_callable(self._free[-1], price):
            if not self._call(self._free[-1], price, now):
                break
            self._free.pop()
        self._release()

    def result(self) -> Liquidations:
        """Return the counts so far."""
        return Liquidations(
            len(self._called),
            len(self._sold),
            self._takes,
            self._absorbed,
            self._bad_debt,
            self._first_sold_at,
        )

    def _pursue(self, account: int, price: Price, now: int) -> None:
        """Do the next thing that the vault allows with an account whose clock runs."""
        debt, target, maintenance, close_out = self._levels(account, price)
        opens = self._book.positions[account].auction_start
        closes = opens + self._book.rules.auction_duration
        if debt <= target:
            self._try("cure", now, account)
        elif now < opens:
            if debt > close_out and not price.flags:
                self._call(account, price, now)  # a confirmed close-out ends the grace
        elif now <= closes:
            self._take(account, price, now)
        elif debt > close_out:
            self._absorbed += self._try("absorb", now, account)
        elif debt > maintenance:
            self._call(account, price, now)

    def _call(self, account: int, price: Price, now: int) -> bool:
        if not self._try("margin_call", now, account):
            return False
        self._clocks.add(account)
        self._called.add(account)
        # below close-out, and confirmed, the auction opens in this very second
        if self._book.positions[account].auction_start <= now:
            self._take(account, price, now)
        return True

    def _take(self, account: int, price: Price, now: int) -> None:
        if self._is_callable(account, price) and self._try(
            "take", now, account, 0, MAX, MAX, _KEEPER
        ):
            self._takes += 1
            self._sold.add(account)
            if self._first_sold_at is None:
                self._first_sold_at = now

    def _is_callable(self, account: int, price: Price) -> bool:
        debt, _, maintenance, _ = self._levels(account, price)
        return debt > maintenance

    def _levels(self, account: int, price: Price) -> tuple[int, int, int, int]:
        """Return debt, target, maintenance and close-out capacity, as `Book.levels` does.

        Without interest and margin models they are these few formulas; asking the book takes six
        times as long.
        """
        position, facts = self._book.positions[account], self._book.kinds[0]
        worth = margin_math.value_down(position.balance(0), price.hi, facts.decimals)
        target = margin_math.target_capacity(worth, facts.initial_ltv)
        return (
            margin_math.debt_up(position.normalized_debt, RAY),
            target,
            margin_math.maintenance_capacity_from(
                worth, target, facts.maintenance_ltv, price.maintenance_multiplier
            ),
            margin_math.close_out_capacity(worth, facts.close_out_ltv),
        )

    def _try(self, move: str, now: int, *details: object) -> bool:
        """Make one move of the book; False where it refuses, which it does before it writes."""
        book = self._book
        book.logs.clear()
        try:
            getattr(book, move)(now, _KEEPER, *details)
        except Refused:
            return False
        self._bad_debt += sum(args["amount"] for name, args in book.logs if name == "BadDebt")
        return True

    def _release(self) -> None:
        """Take back into the row those whose clock is cleared."""
        positions = self._book.positions
        cleared = {account for account in self._clocks if not positions[account].auction_start}
        if cleared:
            self._clocks -= cleared
            self._sort()

    def _sort(self) -> None:
        positions = self._book.positions
        self._free = sorted(
            (
                account
                for account in self._ids
                if account not in self._clocks and positions[account].normalized_debt
            ),
            key=lambda account: Fraction(
                positions[account].normalized_debt, positions[account].balance(0)
            ),
        )
