# SPDX-License-Identifier: MIT
"""Tokens that turn against the book, as contracts/mocks/TurningToken.vy does, and a book of them.

`WaryBook` foresees what every nature does to every transfer: the reason where a call is refused,
who has what afterwards, and how a call made from inside a transfer ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from surety.model import Book, Refused
from surety.model.state import BPS, as_number, refuse

HONEST, FALSE, SILENT, TWO, FEE, REVERTS, CALLS, SHORT = range(8)
NATURES = ("honest", "false", "silent", "two", "fee", "reverts", "calls", "short")
# calls of the vault that a token tries: such as nobody may make, such as a lock must refuse, and
# raw words, which are those that the transaction leaves behind
WRITES, VIEWS, WORDS = ("withdraw", "borrow", "set_pauses"), ("total_debt", "live_index"), (
    "totals", "interest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turning:
    """One token: its nature, whom it blocks, what it tries, and how often that went well."""

    nature: int = HONEST
    fee_bps: int = 0
    blocked: frozenset[str] = frozenset()
    attempt: str = "totals"
    calls: int = 0
    successes: int = 0
    answer: int = 0


@dataclass(slots=True)
class WaryBook(Book):
    """A book some of whose tokens turn; `now` is the second of the move that is being made."""

    turning: dict[int, Turning] = field(default_factory=dict)
    now: int = 0

    def copy(self) -> WaryBook:
        """Return a book that can be changed without changing this one."""
        copied = Book.copy(self)
        assert isinstance(copied, WaryBook)
        copied.turning = dict(self.turning)
        return copied

    def refuses(self, kind: int, payee: str, amount: int) -> bool:
        """Say whether a token would refuse to be paid out by the vault now."""
        if kind not in self.turning:
            return Book.refuses(self, kind, payee, amount)
        trial = self.copy()
        try:
            trial.transfer(kind, self.rules.vault, payee, amount)
        except Refused:
            return True
        return False

    def transfer(self, kind: int, payer: str, payee: str, amount: int) -> None:
        """Move a token as its nature is; the vault looks at what it got."""
        if kind not in self.turning:
            Book.transfer(self, kind, payer, payee, amount)
            return
        token = self.turning[kind]
        vault, fund = as_number(self.rules.vault), as_number(self.fund_at)
        pulled = as_number(payee) == vault and as_number(payer) != fund
        if {payer, payee} & token.blocked:
            refuse("blocked")
        if token.nature == REVERTS:
            refuse("token says no")
        if token.nature == FALSE:
            refuse("transfer in failed" if pulled else "transfer out failed")
        fee = 0
        if token.nature == FEE:
            fee = amount * token.fee_bps // BPS
        elif token.nature == SHORT:
            fee = min(amount, 1)
        Book.transfer(self, kind, payer, payee, amount)
        if fee and (kind, payee) in self.held:
            self.held[kind, payee] -= fee
        if token.nature == CALLS:
            self._try(kind, token, is_locked=as_number(payer) != fund)
        if token.nature == TWO:
            refuse("")
        if pulled and self.held[kind, payee] < self.deposited[kind]:
            refuse("token kept a fee")

    fund_at: str = "0x0"  # the fund sells without the vault's lock

    def _try(self, kind: int, token: Turning, is_locked: bool) -> None:
        """Make the call from inside a transfer: what changes anything is refused to a token."""
        answers: dict[str, Any] = {
            "totals": self.totals_word,
            "interest": self.interest_word,
        }
        if not is_locked:
            answers["total_debt"] = self.total_debt(self.now)
            answers["live_index"] = self.live_index(self.now)
        went_well = token.attempt in answers
        self.turning[kind] = replace(
            token,
            calls=token.calls + 1,
            successes=token.successes + went_well,
            answer=answers.get(token.attempt, 0),
        )
