# SPDX-License-Identifier: MIT
"""The whole system in Python: a book and every contract that its coins meet, one move at a time.

A move is a function of a contract: of the vault by its own name ("borrow"), of others by the name
of the contract first ("coin.transfer", "fund.reap"). `act` makes it at a given second for a
caller; it either changes the system, leaves what the function returns in `returned` and what each
contract logs in `logs`, or raises `Refused`, and then the system is to be thrown away: `foresee`
works on a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from surety.formulas import Revert, margin_math
from surety.model.book import Book
from surety.model.coin import Stablecoin
from surety.model.fund import Around, InsuranceFund, Sheet
from surety.model.governor import Call, Governor, Levels, Parameters
from surety.model.peg import Peg
from surety.model.predict import Outcome
from surety.model.settlement import SETTLING, Settlement
from surety.model.state import (
    BPS,
    MAX_KINDS,
    ZERO_ADDRESS,
    Kind,
    Price,
    Refused,
    as_number,
    refuse,
)


@dataclass(slots=True)
class MinterCoin:
    """The coin as one of its minters sees it: what a `Book` asks of its coin."""

    coin: Stablecoin
    minter: str

    @property
    def supply(self) -> int:
        """All coins but those of a running flash loan; may be below zero inside of one."""
        return self.coin.total_supply - self.coin.flash_minted

    @property
    def headroom(self) -> int:
        """What the minter may still mint."""
        return self.coin.headroom(self.minter)

    def mint(self, receiver: str, amount: int) -> bool:
        """Mint through the minter; False, with nothing changed, above its ceiling."""
        return self.coin.mint(self.minter, receiver, amount)

    def burn(self, holder: str, amount: int) -> None:
        """Burn through the minter."""
        self.coin.burn(self.minter, holder, amount)

    def copy(self) -> Self:
        """Return a coin that can be changed without changing this one."""
        return type(self)(self.coin.copy(), self.minter)


# what the peg's events tell, in order
PEG_EVENTS = {
    "Minted": ("payer", "receiver", "amount", "coins", "reserve_held"),
    "Redeemed": ("payer", "receiver", "coins", "amount", "reserve_held"),
    "FeesSet": ("mint_fee_bps", "redeem_fee_bps"),
    "GuardSet": ("guard_price",),
    "MintingPaused": ("paused",),
}


@dataclass(slots=True)
class Timelock(Governor):
    """The vault's governor, at an address; `done` are the calls that its last move made."""

    address: str = ZERO_ADDRESS
    done: list[Call] = field(default_factory=list)

    def copy(self) -> Timelock:
        """Return a governor that can be changed without changing this one."""
        copied = Governor.copy(self)
        assert isinstance(copied, Timelock)
        return copied

    def _do(self, call: Call, now: int) -> None:
        Governor._do(self, call, now)
        self.done.append(call)


Script = Callable[["System"], bool]  # what a flash borrower does; whether it answers as it should


def levels_of(facts: Kind) -> Levels:
    """Return the levels and factors of a kind."""
    return (
        facts.initial_ltv,
        facts.maintenance_ltv,
        facts.close_out_ltv,
        facts.start_factor,
        facts.end_factor,
    )


@dataclass(slots=True)
class System:
    """A book, whose coin is a `MinterCoin`, and the contracts around it.

    Tokens that people and contracts hold are in the book's `held`. `told` is what reserves say that
    back coins of other minters, by address.
    """

    book: Book
    fund: InsuranceFund
    settlement: Settlement
    peg: Peg
    reserve_kind: int
    told: dict[str, int] = field(default_factory=dict)
    governor: Timelock | None = None
    logs: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    returned: Any = None

    @property
    def coin(self) -> Stablecoin:
        """The coin of all of them."""
        purse = self.book.coin
        assert isinstance(purse, MinterCoin)
        return purse.coin

    def copy(self) -> System:
        """Return a system that can be changed without changing this one; it has logged nothing."""
        return System(
            self.book.copy(),
            self.fund.copy(),
            self._copy_settlement(),
            replace(self.peg, events=[]),
            self.reserve_kind,
            dict(self.told),
            self.governor.copy() if self.governor else None,
        )

    def _copy_settlement(self) -> Settlement:
        ours = self.settlement
        endings = {vault: ending.copy() for vault, ending in ours.endings.items()}
        return replace(ours, endings=endings, owed=dict(ours.owed))

    def equity(self, now: int) -> int:
        """Return what is owed and held for coins less what circulates; below zero is a deficit."""
        return self.sheet(now).equity

    def sheet(self, now: int) -> Sheet:
        """Return everything that equity is made of."""
        return self.fund.sheet(now, self._around(now))

    def _around(self, now: int) -> Around:
        """Return the system as its fund sees it."""
        book = self.book

        def backing(reserve: str) -> int | None:
            if as_number(reserve) == as_number(self.peg.address):
                return self._set_peg(now, book.hub.read(1 << self.reserve_kind, now)).backing
            return self.told.get(reserve)

        def held(token: str, who: str) -> int:
            return book.held[self._kind_of(token), who]

        def pay(token: str, payer: str, payee: str, amount: int) -> None:
            self._pay(self._kind_of(token), payer, payee, amount)

        books = {as_number(book.rules.vault): book}
        return Around(
            self.coin,
            books,
            self.settlement.backing_of,
            backing,
            held,
            pay,
            self.settlement.has_ended,
        )

    def _kind_of(self, token: str) -> int:
        for kind in range(MAX_KINDS):
            if as_number(self.book.hub.token_of(kind)) == as_number(token):
                return kind
        raise KeyError(token)

    def _pay(self, kind: int, payer: str, payee: str, amount: int) -> None:
        """Move a token between two whose holdings are known."""
        self.book.transfer(kind, payer, payee, amount)

    def act(self, now: int, caller: str, what: str, *args: Any, **extra: Any) -> None:
        """Make a move."""
        part, _, name = what.rpartition(".")
        if not part:
            self.book.returned = None
            if script := extra.get("callback"):
                extra["callback"] = lambda _book: script(self)
            getattr(self.book, what)(now, caller, *args, **extra)
            self.returned = self.book.returned
            return
        self.returned = None
        try:
            if part == "fund":
                self._fund(now, caller, name, *args)
            elif part == "peg":
                self._peg(now, caller, name, *args)
            elif part == "governor":
                self._govern(now, caller, name, *args)
            else:
                getattr(self, f"{part}_{name}")(now, caller, *args, **extra)
        except Refused as refused:
            strange = as_number(self.book.fund) not in (0, as_number(self.fund.address))
            if refused.reason == "fund does not know book" and strange:
                raise Refused("") from None  # who has no code cannot say what it knows
            raise

    def _log(self, part: str, name: str, **args: Any) -> None:
        self.logs.append((part, name, args))

    # coin

    def coin_transfer(self, now: int, caller: str, to: str, amount: int) -> None:
        """Move the caller's coins."""
        self.coin.transfer(caller, to, amount)
        self.returned = True

    def coin_transferFrom(  # noqa: N802 - the EIP's name
        self, now: int, caller: str, owner: str, to: str, amount: int
    ) -> None:
        """Move an owner's coins by an allowance."""
        self.coin.transfer_from(caller, owner, to, amount)
        self.returned = True

    def coin_approve(self, now: int, caller: str, spender: str, amount: int) -> None:
        """Let a spender move some of the caller's coins."""
        self.coin.approve(caller, spender, amount)
        self.returned = True

    def coin_permit(
        self,
        now: int,
        caller: str,
        owner: str,
        spender: str,
        amount: int,
        deadline: int,
        v: int,
        r: bytes,
        s: bytes,
    ) -> None:
        """Approve by a signature of the owner, which anyone may bring."""
        self.coin.permit(owner, spender, amount, deadline, (v, r, s), now)

    def coin_burn(self, now: int, caller: str, holder: str, amount: int) -> None:
        """Burn by the holder, or by a minter."""
        self.coin.burn(caller, holder, amount)
        self.returned = True

    def coin_set_flash(self, now: int, caller: str, fee_bps: int, ceiling: int) -> None:
        """Set what flash loans cost and how much one may mint."""
        self.coin.set_flash(caller, fee_bps, ceiling)
        self._log("coin", "FlashSet", fee_bps=fee_bps, ceiling=ceiling)

    def coin_set_ceiling(self, now: int, caller: str, minter: str, ceiling: int) -> None:
        """Let a minter have at most so many coins out."""
        self.coin.set_ceiling(caller, minter, ceiling)
        self._log("coin", "CeilingSet", minter=minter, ceiling=ceiling)

    def coin_flashLoan(  # noqa: N802 - the EIP's name
        self,
        now: int,
        caller: str,
        receiver: str,
        token: str,
        amount: int,
        data: bytes,
        script: Script | None = None,
    ) -> None:
        """Lend for one call; `script` is what the receiver does, which is None without code."""

        def called(_fee: int) -> bool:
            if script is None:
                raise Refused("")
            return script(self)

        fee = self.coin.flash_loan(receiver, token, amount, called)
        self._log("coin", "FlashMinted", receiver=receiver, amount=amount, fee=fee)
        self.returned = True

    # fund and peg

    def _fund(self, now: int, caller: str, name: str, *args: Any) -> None:
        """Make a move of the fund."""
        self.returned = getattr(self.fund, name)(now, caller, self._around(now), *args)
        self.logs += [("fund", *log) for log in self.fund.logs]
        self.fund.logs.clear()

    def _set_peg(self, now: int, prices: dict[int, Price], *people: str) -> Peg:
        """Return the peg with what it and these people hold, at these prices."""
        peg, kind = self.peg, self.reserve_kind
        peg.coin, peg.price, peg.live = self.coin, prices[kind], self.book.hub.live(kind, now)
        peg.balances = {as_number(who): self.book.held[kind, who] for who in (peg.address, *people)}
        return peg

    def _peg(self, now: int, caller: str, name: str, *args: Any) -> None:
        """Make a move of the peg, whose reserve is a token of the book."""
        hub, kind, swaps = self.book.hub, self.reserve_kind, name in ("mint", "redeem")
        look = hub.sync if name == "mint" else hub.read
        receiver = args[1] if swaps else caller
        known = [who for who in (caller, receiver) if (kind, who) in self.book.held]
        peg = self._set_peg(now, look(1 << kind, now), *known)
        self.returned = getattr(peg, name)(caller, *args)
        for who in (peg.address, *known):
            self.book.held[kind, who] = peg.balances[as_number(who)]
        for event, told in peg.events:
            self._log("peg", event, **dict(zip(PEG_EVENTS[event], told, strict=True)))
        peg.events.clear()

    # governor

    def _govern(self, now: int, caller: str, name: str, *args: Any) -> None:
        """Make a move of the vault's governor, and what it does to the vault."""
        ours, book = self.governor, self.book
        assert ours is not None
        ours.book, ours.done = self._parameters(now), []
        getattr(ours, name)(now, caller, *args)
        if name == "propose":
            self.returned = len(ours.acts)
        elif name == "advance":
            (kind,) = args
            book.set_levels(now, ours.address, kind, *ours.book.levels[kind])
        for fn, told in ours.done:
            if fn in ("set_cap", "set_frozen", "set_rate"):
                getattr(book, fn)(now, ours.address, *told)
            elif fn == "set_pause":
                in_force = self._parameters(now).in_force(now)
                bit, paused = told
                bits = in_force | bit if paused else in_force & ~bit
                book.set_pauses(now, ours.address, bits)
            else:
                assert fn == "ramp", fn  # which is the governor's own

    def _parameters(self, now: int) -> Parameters:
        """Return what acts change, as it is now."""
        book, coin = self.book, self.coin
        vault = as_number(book.rules.vault)

        def worth(kind: int, amount: int) -> int:
            price = book.hub.read(1 << kind, now)[kind]
            value: int = margin_math.value_down(amount, price.hi, book.kinds[kind].decimals)
            return value

        return Parameters(
            dict(book.caps),
            {kind: levels_of(facts) for kind, facts in book.kinds.items()},
            coin.ceilings[vault],
            book.rate,
            book.rules.liquidation_penalty,
            book.rules.grace_period,
            worth,
            book.frozen,
            book.pauses,
            book.take_resumes_at,
        )

    # settlement

    def settlement_shutdown(self, now: int, caller: str, vault: str) -> None:
        """Freeze the prices of the book and end it; its governor only."""
        book, ours = self._ending(vault), self.settlement
        ours.shutdown(now, caller, book)
        ending = ours.ending(book)
        for kind, (price, _) in ending.prices.items():
            self._log("settlement", "PriceFrozen", vault=vault, kind=kind, price=price)
        backing = ours.backing_of(book)
        self._log("settlement", "BookShutDown", vault=vault, shut_at=now, backing=backing)

    def settlement_settle(self, now: int, caller: str, vault: str, account: int) -> None:
        """Strike an account's debt off for its worth at the frozen prices."""
        self.returned = self._settle(now, caller, vault, account)

    def settlement_settles(
        self, now: int, caller: str, vault: str, accounts: Sequence[int]
    ) -> None:
        """Settle many accounts: those that cannot be settled by the caller now are skipped."""
        book, settled = self._ending(vault), 0
        if self.settlement.ending(book).phase != SETTLING:
            refuse("not settling")
        for place, account in enumerate(accounts):
            try:
                self._settle(now, caller, vault, account)
            except Refused:
                continue
            settled |= 1 << place
        self.returned = settled

    def _settle(self, now: int, caller: str, vault: str, account: int) -> int:
        book, ours = self._ending(vault), self.settlement
        position = book.positions.get(account)
        worth = ours.worth_of(book, position) if position else 0
        debt = ours.settle(now, caller, book, account)
        self._log(
            "settlement",
            "AccountSettled",
            vault=vault,
            account=account,
            caller=caller,
            debt=debt,
            worth=worth,
            share=margin_math.absorbed_share_up(debt, 0, worth * BPS),
            shortfall=margin_math.less(debt, worth),
        )
        return debt

    def settlement_open_redemption(self, now: int, caller: str, vault: str) -> None:
        """Fix what coins can be redeemed for, once the book owes nothing."""
        book, ours = self._ending(vault), self.settlement
        ours.open_redemption(now, caller, book, self.sheet(now).deficit)
        # a reserve without a price counts nothing: that must not be shared out for good
        backing = self._around(now).backing
        for reserve in self.fund.reserves:
            if self.coin.minted.get(as_number(reserve), 0) and not backing(reserve):
                refuse("reserve has no price")
        ending = ours.ending(book)
        for kind, amount in sorted(ending.pool.items()):
            self._log("settlement", "Pooled", vault=vault, kind=kind, amount=amount)
        self._log(
            "settlement",
            "RedemptionOpened",
            vault=vault,
            worth=ending.backing,
            deficit=ending.carried,
            claims=ending.claims,
        )

    def settlement_redeem(
        self, now: int, caller: str, vault: str, amount: int, receiver: str
    ) -> None:
        """Burn the caller's coins for the same share of every kind of the pool."""
        book, ours, coin = self._ending(vault), self.settlement, self.coin
        ours.balances = {caller: coin.balance_of(caller)}
        _, payouts = ours.quote(book, amount)
        refusing = _refusing(book, payouts, receiver)
        burned = ours.redeem(now, caller, book, amount, receiver, refusing)
        coin.transfer_from(ours.address, caller, ours.address, burned)
        coin.burn(ours.address, ours.address, burned)
        ending = ours.ending(book)
        self._log(
            "settlement",
            "Redeemed",
            vault=vault,
            caller=caller,
            receiver=receiver,
            amount=burned,
            claims=ending.claims,
            backing=ending.backing,
        )
        self._log_paid(vault, payouts, receiver, refusing)
        self.returned = burned

    def settlement_claim(
        self, now: int, caller: str, vault: str, kind: int, holder: str, receiver: str
    ) -> None:
        """Pay out what a token refused to pay before."""
        book = self._ending(vault)
        amount = self.settlement.claim(now, caller, book, kind, holder, receiver)
        self._log_paid(vault, {kind: amount}, receiver)
        self.returned = amount

    def settlement_sweep(self, now: int, caller: str, vault: str) -> None:
        """Send what nobody redeemed to the fund."""
        book, ours = self._ending(vault), self.settlement
        was = ours.ending(book).copy()
        refusing = _refusing(book, was.pool, book.fund)
        ours.sweep(now, caller, book, refusing)
        self._log(
            "settlement",
            "Swept",
            vault=vault,
            fund=book.fund,
            written_off=was.backing,
            claims=was.claims,
        )
        self._log_paid(vault, was.pool, book.fund, refusing)

    def _log_paid(
        self,
        vault: str,
        payouts: Mapping[int, int],
        receiver: str,
        refusing: Collection[tuple[int, str]] = (),
    ) -> None:
        """Log what was paid, and what is kept for its receiver because its token refused."""
        for kind, amount in sorted(payouts.items()):
            if not amount:
                continue
            if (kind, receiver) in refusing:
                owed = self.settlement.owed[vault, kind, receiver]
                told = {"holder": receiver, "amount": amount, "owed": owed}
                self._log("settlement", "Deferred", vault=vault, kind=kind, **told)
            else:
                told = {"receiver": receiver, "amount": amount}
                self._log("settlement", "Paid", vault=vault, kind=kind, **told)

    def _ending(self, vault: str) -> Book:
        """Return the book of a vault; no other address has code that answers as one."""
        book = self.book
        if as_number(vault) != as_number(book.rules.vault):
            refuse("")
        # a fund is asked for its books: anybody else has no answer
        known = as_number(book.fund) == as_number(self.fund.address)
        counted = as_number(vault) in map(as_number, self.fund.books)
        self.settlement.known = {book.rules.vault} if known and counted else set()
        return book


def _refusing(book: Book, payouts: Mapping[int, int], receiver: str) -> set[tuple[int, str]]:
    """Return the kinds whose tokens would refuse to be paid out to a receiver now."""
    return {
        (kind, receiver)
        for kind, amount in payouts.items()
        if amount and book.refuses(kind, receiver, amount)
    }


@dataclass(frozen=True, slots=True)
class Foreseen(Outcome):
    """One move: the outcome for the book, and the system before and after.

    A refused move leaves the very same system.
    """

    was: System
    then: System

    @classmethod
    def of(cls, now: int, was: System, then: System, reason: str | None) -> Foreseen:
        """Return the outcome of a move that led from one system to another."""
        return cls(now, was.book, then.book, reason, was, then)

    def logs_of(self, part: str) -> list[tuple[str, dict[str, Any]]]:
        """What a contract but the vault logs, in order; transfers of the coin are left out."""
        told = self.then.logs if self.reason is None else []
        return [(name, args) for which, name, args in told if which == part]


def foresee(
    system: System, what: str, args: Sequence[Any], caller: str, now: int, **extra: Any
) -> Foreseen:
    """Say what a move by `caller` will do at second `now`; the system stays as it is."""
    then = system.copy()
    try:
        then.act(now, caller, what, *args, **extra)
    except (Refused, Revert) as refused:
        return Foreseen.of(now, system, system, refused.reason)
    return Foreseen.of(now, system, then, None)
