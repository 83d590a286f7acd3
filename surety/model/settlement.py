# SPDX-License-Identifier: MIT
"""What the settlement does with the books of one coin: `contracts/Settlement.vy` in exact integers.

A move takes the second, its caller and the book first. It either happens, in the settlement and in
the book, or raises `Refused` with the contract's reason and has changed nothing. What a token would
refuse now is passed in as `refusing`: pairs of kind and receiver.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from surety.formulas import margin_math
from surety.model.book import Book
from surety.model.state import BPS, WAD, Position, as_number, refuse

LIVE, SETTLING, REDEEMING, SWEPT = range(4)
MAX_LAG: Final = 500  # bps between the hub's word and its oracle at a shutdown
SETTLEMENT_PERIOD: Final = 7 * 86_400
REDEMPTION_PERIOD: Final = 365 * 86_400
MAX_WORTH: Final = 2**127

Refusing = Collection[tuple[int, str]]


@dataclass(slots=True)
class Ending:
    """What is remembered of one book: prices in WAD with their decimals, pools in base units."""

    phase: int = LIVE
    shut_at: int = 0
    opened_at: int = 0
    prices: dict[int, tuple[int, int]] = field(default_factory=dict)
    pool: dict[int, int] = field(default_factory=dict)
    claims: int = 0
    backing: int = 0

    @property
    def carried(self) -> int:
        """What the pool carries of the system's deficit."""
        return max(0, self.claims - self.backing)

    def copy(self) -> Ending:
        """Return an ending that can be changed without changing this one."""
        return replace(self, prices=dict(self.prices), pool=dict(self.pool))


@dataclass(slots=True)
class Settlement:
    """The endings of all books of one coin, and who holds that coin.

    `balances` may be the very dictionary that the books' coins hold; `burned` are coins that no
    book burned. `minters` and `known` say which vaults the coin and the fund name.
    """

    address: str
    balances: dict[str, int] = field(default_factory=dict)
    burned: int = 0
    minters: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    endings: dict[str, Ending] = field(default_factory=dict)
    owed: dict[tuple[str, int, str], int] = field(default_factory=dict)

    def ending(self, book: Book) -> Ending:
        """Return what is remembered of a book, an empty ending while it lives."""
        return self.endings.get(book.rules.vault, Ending())

    @property
    def carried(self) -> int:
        """What all open pools carry of the system's deficit."""
        return sum(ending.carried for ending in self.endings.values())

    def backing_of(self, book: Book) -> int:
        """Return what a shut book still holds for coins, at the frozen prices."""
        ending = self.ending(book)
        return self._absorbed(book) if ending.phase == SETTLING else ending.backing

    # the steps

    def has_ended(self, book: Book) -> bool:
        """Whether nobody has a claim on its pool any more: redeemed to the last coin, or swept."""
        ending = self.ending(book)
        return ending.phase == SWEPT or (ending.phase == REDEEMING and not ending.claims)

    def shutdown(self, now: int, caller: str, book: Book) -> None:
        """Freeze the price of every kind and end the book."""
        if as_number(caller) != as_number(book.governor):
            refuse("not governor")
        if self.ending(book).phase != LIVE:
            refuse("already shut down")
        vault = book.rules.vault
        if vault not in self.minters:
            refuse("vault is no minter")
        self._check_known(book)
        prices = {}
        for kind, facts in sorted(book.kinds.items()):
            frozen = self._frozen(book, kind, now) if book.deposited.get(kind, 0) else 0
            prices[kind] = (frozen, facts.decimals)
        book.shutdown(now, self.address)
        self.endings[vault] = Ending(SETTLING, shut_at=now, prices=prices)

    def _frozen(self, book: Book, kind: int, now: int) -> int:
        """Return the price at which a kind is frozen: its oracle's, which the word vouches for."""
        price = book.hub.sync(1 << kind, now)[kind]
        live = book.hub.live(kind, now)
        if price.has_failed or not live:
            refuse("price failed")
        if price.is_confirming:
            refuse("price confirming")
        if not price.hi * (BPS - MAX_LAG) <= live * BPS <= price.hi * (BPS + MAX_LAG):
            refuse("price is moving")
        return live

    def settle(self, now: int, caller: str, book: Book, account: int) -> int:
        """Strike an account's debt off against its worth; return the debt."""
        ending = self._check(book, SETTLING, "not settling")
        debt = book.debt(account, now)
        if not debt:
            refuse("no debt")
        position = book.positions[account]
        worth = self.worth_of(book, position)
        may_repay = debt <= worth and now < ending.shut_at + SETTLEMENT_PERIOD
        if may_repay and not book.is_authorised(caller, account):
            refuse("owner may still repay")
        share = margin_math.absorbed_share_up(debt, 0, worth * BPS)
        book.settle(now, self.address, account, share, margin_math.less(debt, worth))
        return debt

    def worth_of(self, book: Book, position: Position) -> int:
        """Return what an account is worth at the frozen prices, rounded down kind by kind."""
        prices = self.ending(book).prices
        return sum(
            margin_math.value_down(balance, *prices.get(kind, (0, 0)))
            for kind, balance in position.balances.items()
        )

    def open_redemption(
        self, now: int, caller: str, book: Book, deficit: int, others: Sequence[Book] = ()
    ) -> None:
        """Fix what coins can be redeemed for; `deficit` of the system, `others` of the fund."""
        ending = self._check(book, SETTLING, "not settling")
        if book.total_debt(now):
            refuse("debt left")
        self._check_known(book)
        worth = min(self._absorbed(book), MAX_WORTH)
        part = 0
        rest = [o for o in others if o is not book and self.ending(o).phase == SETTLING]
        if any(other.total_debt(now) for other in rest):
            refuse("another book owes")
        if left := max(0, deficit - self.carried):
            shared = worth + sum(min(self._absorbed(other), MAX_WORTH) for other in rest)
            part = margin_math.mul_div_up(left, worth, max(shared, 1))
        ending.phase, ending.opened_at = REDEEMING, now
        ending.pool = {kind: held for kind, held in book.absorbed.items() if held}
        ending.claims = worth + part
        ending.backing = worth

    def relieve(
        self, now: int, caller: str, book: Book, deficit: int, others: Sequence[Book]
    ) -> int:
        """Lower the claims of all open pools to what a smaller deficit leaves; return by what."""
        self._check(book, REDEEMING, "not redeeming")
        self._check_known(book)
        endings = [self.ending(other) for other in others]
        carried = [ending.carried for ending in endings]
        relieved = 0
        if deficit < sum(carried):
            for ending, own in zip(endings, carried, strict=True):
                less = own - int(margin_math.mul_div_up(deficit, own, sum(carried)))
                ending.claims -= less
                relieved += less
        if not relieved:
            refuse("nothing to relieve")
        return relieved

    def redeem(
        self,
        now: int,
        caller: str,
        book: Book,
        amount: int,
        receiver: str,
        refusing: Refusing = (),
    ) -> int:
        """Burn the caller's coins for the same share of every kind; return how many."""
        ending = self._check(book, REDEEMING, "not redeeming")
        vault = book.rules.vault
        if as_number(receiver) in (0, as_number(vault), as_number(self.address)):
            refuse("bad receiver")
        if amount == 0:
            refuse("zero amount")
        burned, payouts = self.quote(book, amount)
        if burned == 0:
            refuse("nothing to redeem")
        if not any(payouts.values()):
            refuse("amount too small")
        if self.balances.get(caller, 0) < burned:
            refuse("erc20: transfer amount exceeds balance")
        self.balances[caller] -= burned
        self.burned += burned
        left = ending.claims - burned
        ending.backing = margin_math.mul_div_down(ending.backing, left, ending.claims)
        ending.claims = left
        for kind, payout in payouts.items():
            ending.pool[kind] -= payout
        for kind, payout in payouts.items():
            self._pay(now, book, kind, payout, receiver, refusing)
        return burned

    def quote(self, book: Book, amount: int) -> tuple[int, dict[int, int]]:
        """Return what redeeming `amount` coins burns, and pays of each kind."""
        ending = self.ending(book)
        burned = min(amount, ending.claims)
        if not burned:
            return 0, {}
        return burned, {
            kind: margin_math.mul_div_down(held, burned, ending.claims)
            for kind, held in sorted(ending.pool.items())
        }

    def claim(
        self,
        now: int,
        caller: str,
        book: Book,
        kind: int,
        holder: str,
        receiver: str,
        refusing: Refusing = (),
    ) -> int:
        """Pay out what a token refused to pay before; return the amount."""
        if as_number(receiver) != as_number(holder) and as_number(caller) != as_number(holder):
            refuse("not holder")
        key = (book.rules.vault, kind, holder)
        amount = self.owed.get(key, 0)
        if not amount:
            refuse("nothing owed")
        if as_number(receiver) == as_number(self.address):
            refuse("bad receiver")
        if (kind, receiver) in refusing:
            refuse("transfer out failed")
        book.withdraw_absorbed(now, self.address, kind, amount, receiver)
        del self.owed[key]
        return amount

    def sweep(self, now: int, caller: str, book: Book, refusing: Refusing = ()) -> None:
        """Send what nobody redeemed to the fund; its backing no longer counts."""
        ending = self._check(book, REDEEMING, "not redeeming")
        if now < ending.opened_at + REDEMPTION_PERIOD:
            refuse("redemption period runs")
        self._check_known(book)
        rests = ending.pool
        ending.phase, ending.claims, ending.backing, ending.pool = SWEPT, 0, 0, {}
        for kind, rest in sorted(rests.items()):
            self._pay(now, book, kind, rest, book.fund, refusing)

    # small parts

    def _check(self, book: Book, phase: int, reason: str) -> Ending:
        ending = self.ending(book)
        if ending.phase != phase:
            refuse(reason)
        return ending

    def _check_known(self, book: Book) -> None:
        if book.rules.vault not in self.known:
            refuse("fund does not know book")

    def _absorbed(self, book: Book) -> int:
        """Return what a book has absorbed at the frozen prices, rounded down once."""
        parts = [
            margin_math.value_and_rest(book.absorbed.get(kind, 0), *frozen)
            for kind, frozen in self.ending(book).prices.items()
        ]
        worth: int = sum(one for one, _ in parts) + sum(rest for _, rest in parts) // WAD
        return worth

    def _pay(
        self, now: int, book: Book, kind: int, amount: int, receiver: str, refusing: Refusing
    ) -> None:
        if not amount:
            return
        if (kind, receiver) in refusing:
            key = (book.rules.vault, kind, receiver)
            self.owed[key] = self.owed.get(key, 0) + amount
        else:
            book.withdraw_absorbed(now, self.address, kind, amount, receiver)
