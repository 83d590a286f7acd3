# SPDX-License-Identifier: MIT
"""The whole system in Python: a book and every contract that its coins meet, one move at a time.

A move is a function of a contract: of the vault by its own name ("borrow"), of others by the name
of the contract first ("coin.transfer", "fund.reap"). `act` makes it at a given second for a
caller; it either changes the system, leaves what the function returns in `returned` and what each
contract logs in `logs`, or raises `Refused`, and then the system is to be thrown away: `foresee`
works on a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from surety.formulas import Revert
from surety.model.book import Book
from surety.model.coin import Stablecoin
from surety.model.state import Refused


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


Script = Callable[["System"], bool]  # what a flash borrower does; whether it answers as it should


@dataclass(slots=True)
class System:
    """A book, whose coin is a `MinterCoin`, and the contracts around it.

    Tokens that people and contracts hold are in the book's `held`. `told` is what reserves say that
    back coins of other minters, by address.
    """

    book: Book
    told: dict[str, int] = field(default_factory=dict)
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
        return System(self.book.copy(), dict(self.told))

    def equity(self, now: int) -> int:
        """Return what is owed and held for coins less what circulates; below zero is a deficit."""
        return self.book.total_debt(now) + sum(self.told.values()) - self.book.coin.supply

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
        getattr(self, f"{part}_{name}")(now, caller, *args, **extra)

    def _log(self, part: str, name: str, **args: Any) -> None:
        self.logs.append((part, name, args))

    # coin

    def coin_transfer(self, now: int, caller: str, to: str, amount: int) -> None:
        """Move the caller's coins."""
        self.coin.transfer(caller, to, amount)
        self.returned = True

    def coin_burn(self, now: int, caller: str, holder: str, amount: int) -> None:
        """Burn by the holder, or by a minter."""
        self.coin.burn(caller, holder, amount)
        self.returned = True

    def coin_set_flash(self, now: int, caller: str, fee_bps: int, ceiling: int) -> None:
        """Set what flash loans cost and how much one may mint."""
        self.coin.set_flash(caller, fee_bps, ceiling)
        self._log("coin", "FlashSet", fee_bps=fee_bps, ceiling=ceiling)

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


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One move: the system before and after, and why it was refused, if it was.

    A refused move leaves the very same system.
    """

    now: int
    was: System
    then: System
    reason: str | None

    @property
    def before(self) -> Book:
        """The book before the move."""
        return self.was.book

    @property
    def after(self) -> Book:
        """The book after the move."""
        return self.then.book

    @property
    def logs(self) -> list[tuple[str, dict[str, Any]]]:
        """What the vault logs, in order."""
        return self.after.logs if self.reason is None else []

    def log(self, name: str) -> dict[str, Any]:
        """Return the arguments of the vault's one event of that name; ValueError otherwise."""
        (found,) = [args for event, args in self.logs if event == name]
        return found

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
        return Foreseen(now, system, system, refused.reason)
    return Foreseen(now, system, then, None)
