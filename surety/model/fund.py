# SPDX-License-Identifier: MIT
"""The insurance fund: `contracts/InsuranceFund.vy` in exact integers.

A move takes the second, its caller and what is `around` the fund first. It either happens, in the
fund and around it, or raises `Refused` with the contract's reason; what was refused is to be thrown
away. Values in coin units (WAD), amounts in base units, factors in bps, times in unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from surety.formulas import margin_math
from surety.model.book import Book
from surety.model.coin import Stablecoin
from surety.model.state import BPS, HALF, MAX_KINDS, Kind, as_number, refuse

DAY: Final = 86_400
MAX_BOOKS: Final = 16
MIN_BUFFER: Final = 100
MAX_BUFFER: Final = 5_000
REAP_DIVISOR: Final = 100
CRUMB_DIVISOR: Final = 100
MAX_START_FACTOR: Final = 11_000
MIN_END_FACTOR: Final = 5_000
MIN_DURATION: Final = 3_600
MAX_DURATION: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that equity is made of, coin units; `supply` is with flash-minted coins."""

    debt: int
    pools: int
    reserves: int
    supply: int
    flash: int

    @property
    def equity(self) -> int:
        """What is owed and held for coins less what circulates; below zero is a deficit."""
        return self.debt + self.pools + self.reserves + self.flash - self.supply

    @property
    def surplus(self) -> int:
        """Equity above zero."""
        return max(0, self.equity)

    @property
    def deficit(self) -> int:
        """Equity below zero."""
        return max(0, -self.equity)

    @property
    def circulating(self) -> int:
        """Coins in circulation; nothing where a flash loan's coins are being burned."""
        return max(0, self.supply - self.flash)


@dataclass(frozen=True, slots=True)
class Around:
    """What a fund works with: its books by address, and what others say and do.

    `pool` is a book's backing at its settlement, `backing` what a reserve says (None where it
    fails), `held` what somebody has of a token, `pay` moves a token and refuses as it does,
    `has_ended` says whether nobody has a claim on the pool of a shut book any more.
    """

    coin: Stablecoin
    books: dict[int, Book]
    pool: Callable[[Book], int]
    backing: Callable[[str], int | None]
    held: Callable[[str, str], int]
    pay: Callable[[str, str, str, int], None]
    has_ended: Callable[[Book], bool]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the price of a token comes from: the hub of this book, under this kind."""

    book: int
    kind: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Lot:
    """One auction, with the terms it began with."""

    left: int
    started_at: int
    duration: int
    start_factor: int
    end_factor: int

    @property
    def word(self) -> int:
        """Pack the lot as the contract keeps it."""
        return (
            self.left
            | self.started_at << 128
            | self.duration << 168
            | self.start_factor << 192
            | self.end_factor << 208
        )

    def is_running(self, now: int) -> bool:
        """Whether there is something to buy."""
        return self.left != 0 and now <= self.started_at + self.duration


NO_LOT: Final = Lot(0, 0, 0, 0, 0)


@dataclass(slots=True)
class InsuranceFund:
    """What the fund remembers; tokens by number, books and reserves by address."""

    address: str
    governor: str
    treasury: str
    buffer_bps: int
    books: list[str] = field(default_factory=list)
    reserves: list[str] = field(default_factory=list)
    reaped_at: int = 0
    is_reaping_paused: bool = False
    auction_duration: int = 6 * 3_600
    start_factor: int = 10_300
    end_factor: int = 8_000
    sources: dict[int, Source] = field(default_factory=dict)  # in the order in which they came
    lots: dict[int, Lot] = field(default_factory=dict)
    logs: list[tuple[str, dict[str, Any]]] = field(default_factory=list, compare=False)

    def copy(self) -> InsuranceFund:
        """Return a fund that can be changed without changing this one; it has logged nothing."""
        return replace(
            self,
            books=list(self.books),
            reserves=list(self.reserves),
            sources=dict(self.sources),
            lots=dict(self.lots),
            logs=[],
        )

    # equity

    def sheet(self, now: int, around: Around) -> Sheet:
        """Add everything up."""
        books = [around.books[as_number(book)] for book in self.books]
        backings = [min(around.backing(reserve) or 0, HALF) for reserve in self.reserves]
        return Sheet(
            sum(book.total_debt(now) for book in books),
            sum(around.pool(book) for book in books),
            sum(backings),
            around.coin.total_supply,
            around.coin.flash_minted,
        )

    def buffer(self, sheet: Sheet) -> int:
        """Return what equity keeps at least, rounded up."""
        kept: int = margin_math.mul_div_up(sheet.circulating, self.buffer_bps, BPS)
        return kept

    def reap(self, now: int, caller: str, around: Around) -> int:
        """Mint to the treasury what exceeds the buffer, a hundredth of it a day; return it."""
        if self.is_reaping_paused:
            refuse("reaping paused")
        if now < self.reaped_at + DAY:
            refuse("reaped lately")
        for address in self.books:
            book = around.books[as_number(address)]
            if now < book.lost_at + DAY:
                refuse("loss too recent")
            if book.is_shut and not around.has_ended(book):
                refuse("book is shut down")
        sheet = self.sheet(now, around)
        if sheet.flash:
            refuse("flash mint active")
        buffer = self.buffer(sheet)
        amount = min(max(0, sheet.surplus - buffer), buffer // REAP_DIVISOR)
        if not amount:
            refuse("nothing to reap")
        self.reaped_at = now
        left = sheet.surplus - amount
        self._log("Reaped", treasury=self.treasury, amount=amount, surplus=left, buffer=buffer)
        if not around.coin.mint(self.address, self.treasury, amount):
            refuse("above ceiling")
        return amount

    def recapitalise(self, now: int, caller: str, around: Around, amount: int) -> None:
        """Burn the caller's coins to raise equity."""
        if not amount:
            refuse("zero amount")
        around.coin.burn(self.address, caller, amount)
        self._log_step(now, around, "Recapitalised", payer=caller, amount=amount)

    # inventory

    def collect(self, now: int, caller: str, around: Around, book: str, kind: int) -> int:
        """Draw all that a book has absorbed of a kind into the fund; return the amount."""
        found = self._book(around, book)
        if kind >= MAX_KINDS:
            refuse("")  # beyond the list of kinds
        amount = found.absorbed.get(kind, 0)
        if not amount:
            refuse("nothing absorbed")
        token = self._listed(found, kind).token
        # a running auction keeps the price that it was opened on
        if not self._lot(token).is_running(now):
            self._note_source(found, book, kind)
        self._log_step(now, around, "Collected", book=book, kind=kind, token=token, amount=amount)
        found.withdraw_absorbed(now, self.address, kind, amount, self.address)
        return amount

    def start_auction(self, now: int, caller: str, around: Around, book: str, kind: int) -> int:
        """Offer all that the fund holds of a kind; return the lot."""
        found = self._book(around, book)
        token = self._listed(found, kind).token
        lot = min(around.held(token, self.address), HALF)
        now_left = self._lot(token)
        if now_left.is_running(now) and now_left.left > lot // CRUMB_DIVISOR:
            refuse("auction is running")
        if not lot:
            refuse("nothing to sell")
        self._note_source(found, book, kind)
        self._live(found, kind, now)
        terms = (self.auction_duration, self.start_factor, self.end_factor)
        self.lots[as_number(token)] = Lot(lot, now, *terms)
        self._log(
            "AuctionStarted",
            token=token,
            lot=lot,
            book=book,
            kind=kind,
            closes_at=now + self.auction_duration,
            start_factor=self.start_factor,
            end_factor=self.end_factor,
        )
        return lot

    def buy(
        self,
        now: int,
        caller: str,
        around: Around,
        token: str,
        amount: int,
        max_price: int,
        receiver: str,
    ) -> tuple[int, int]:
        """Sell of a running lot off the hub's price; return the amount and its cost, rounded up."""
        if as_number(receiver) in (0, as_number(self.address), as_number(token)):
            refuse("bad receiver")
        lot = self._lot(token)
        if not lot.is_running(now):
            refuse("no auction")
        source = self.sources[as_number(token)]
        price = self._price(around.books[source.book], source.kind, lot, now)
        if price > max_price:
            refuse("above max price")
        sold = min(amount, lot.left)
        if not sold:
            refuse("zero amount")
        cost = margin_math.mul_div_up(sold, price, 10**source.decimals)
        self.lots[as_number(token)] = replace(lot, left=lot.left - sold)
        around.coin.burn(self.address, caller, cost)
        self._log_step(
            now,
            around,
            "Sold",
            token=token,
            buyer=caller,
            receiver=receiver,
            amount=sold,
            price=price,
            cost=cost,
            left=lot.left - sold,
        )
        around.pay(token, self.address, receiver, sold)
        return sold, cost

    def _book(self, around: Around, address: str) -> Book:
        if as_number(address) not in map(as_number, self.books):
            refuse("unknown book")
        return around.books[as_number(address)]

    def _lot(self, token: str) -> Lot:
        return self.lots.get(as_number(token), NO_LOT)

    def _listed(self, found: Book, kind: int) -> Kind:
        if kind not in found.kinds:
            refuse("unknown kind")
        return found.kinds[kind]

    def _note_source(self, found: Book, book: str, kind: int) -> None:
        """Remember where the price of a kind comes from."""
        facts = found.kinds[kind]
        self.sources[as_number(facts.token)] = Source(as_number(book), kind, facts.decimals)

    def _live(self, found: Book, kind: int, now: int) -> int:
        """Return the price to sell at of a kind that has one."""
        price = found.hub.sync(1 << kind, now)[kind]
        if price.has_failed:
            refuse("price failed")
        if price.is_confirming:
            refuse("price confirming")
        return price.hi

    def _price(self, found: Book, kind: int, lot: Lot, now: int) -> int:
        """Return what a whole token of a lot costs: falling since its start or confirmation."""
        hi = self._live(found, kind, now)
        since = max(lot.started_at, min(found.hub.confirming_until(kind), now))
        factor = margin_math.auction_factor(
            lot.start_factor, lot.end_factor, now - since, lot.duration
        )
        price: int = margin_math.auction_price_up(hi, factor)
        return price

    # governance

    def accept_book(self, now: int, caller: str, around: Around, book: str) -> None:
        """Become the fund of a known book that has proposed this one."""
        self._check_governor(caller)
        self._book(around, book).accept_fund(now, self.address)

    def remove_reserve(self, now: int, caller: str, around: Around, reserve: str) -> None:
        """Stop counting a reserve, which must be worth nothing or not answer."""
        self._check_governor(caller)
        if as_number(reserve) not in map(as_number, self.reserves):
            refuse("unknown reserve")
        if around.backing(reserve):
            refuse("reserve left")
        self.reserves = [one for one in self.reserves if as_number(one) != as_number(reserve)]
        self._log("ReserveRemoved", reserve=reserve)

    def add_reserve(self, now: int, caller: str, around: Around, reserve: str) -> None:
        """Count what backs the coins of another minter."""
        self._check_governor(caller)
        if as_number(reserve) in map(as_number, self.reserves):
            refuse("reserve already known")
        if as_number(reserve) in map(as_number, (*self.books, self.address)):
            refuse("book already known")
        if len(self.reserves) == MAX_BOOKS:
            refuse("too many reserves")
        if around.backing(reserve) is None:
            refuse("no reserve")
        self.reserves.append(reserve)
        self._log("ReserveAdded", reserve=reserve)

    def set_treasury(self, now: int, caller: str, around: Around, treasury: str) -> None:
        """Say who receives what is reaped."""
        self._check_governor(caller)
        if as_number(treasury) in (0, as_number(self.address), as_number(around.coin.address)):
            refuse("bad treasury")
        self.treasury = treasury
        self._log("TreasurySet", treasury=treasury)

    def set_buffer(self, now: int, caller: str, around: Around, bps: int) -> None:
        """Set which part of the supply equity keeps."""
        self._check_governor(caller)
        if not MIN_BUFFER <= bps <= MAX_BUFFER:
            refuse("bad buffer")
        self.buffer_bps = bps
        self._log("BufferSet", buffer_bps=bps)

    def set_reaping_paused(self, now: int, caller: str, around: Around, paused: bool) -> None:
        """Stop reaping, or let it go on."""
        self._check_governor(caller)
        self.is_reaping_paused = paused
        self._log("ReapingPaused", paused=paused)

    def set_auction(
        self,
        now: int,
        caller: str,
        around: Around,
        duration: int,
        start_factor: int,
        end_factor: int,
    ) -> None:
        """Set the terms of the auctions that begin from now on."""
        self._check_governor(caller)
        if not MIN_DURATION <= duration <= MAX_DURATION:
            refuse("bad duration")
        if not BPS <= start_factor <= MAX_START_FACTOR or not MIN_END_FACTOR <= end_factor < BPS:
            refuse("bad factors")
        self.auction_duration = duration
        self.start_factor, self.end_factor = start_factor, end_factor
        self._log("AuctionSet", duration=duration, start_factor=start_factor, end_factor=end_factor)

    def _check_governor(self, caller: str) -> None:
        if as_number(caller) != as_number(self.governor):
            refuse("not governor")

    def _log_step(self, now: int, around: Around, name: str, **args: Any) -> None:
        """Log a step of the loss waterfall, with the equity that it leads to."""
        sheet = self.sheet(now, around)
        self._log(name, **args, surplus=sheet.surplus, deficit=sheet.deficit)

    def _log(self, name: str, **args: Any) -> None:
        self.logs.append((name, args))
