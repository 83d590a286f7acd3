# SPDX-License-Identifier: MIT
"""The account table: exact words and balances, beside them numpy columns to screen by. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surety.keeper import words


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """One AccountUpdated event; kind 255 says that only the word changed."""

    account: int
    kind: int
    balance: int
    word: int


class AccountTable:
    """All accounts ever seen, built from events alone.

    A row stays for ever; it is watched while its word holds debt, so nothing but an event that
    proves zero debt can take an account out of the watch set.
    """

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.words: list[int] = []
        self.balances: list[dict[int, int]] = []
        self._row: dict[int, int] = {}
        self._debt: NDArray[np.float64] = np.zeros(64, dtype=np.float64)
        self._amounts: NDArray[np.float64] = np.zeros((64, 4), dtype=np.float64)
        self._in_use: list[int] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, account: int) -> bool:
        return account in self._row

    def row_of(self, account: int) -> int | None:
        """Return the row of an account, None when it was never seen."""
        return self._row.get(account)

    @property
    def debts(self) -> NDArray[np.float64]:
        """Normalized debts, one per row, rounded to floats."""
        return self._debt[: len(self.ids)]

    @property
    def amounts(self) -> NDArray[np.float64]:
        """Balances in base units, rows by kinds, rounded to floats."""
        return self._amounts[: len(self.ids)]

    @property
    def watched(self) -> int:
        """How many accounts hold debt."""
        return int(np.count_nonzero(self.debts))

    def kinds_in_use(self) -> list[int]:
        """Return the kinds that some account with debt holds, ascending."""
        if self._in_use is None:
            # amounts are never below 0: a sum above 0 is an amount above 0
            held = (self.debts > 0.0).astype(np.float64) @ self.amounts
            self._in_use = [int(kind) for kind in np.flatnonzero(held)]
        return list(self._in_use)

    def apply(self, update: AccountUpdate) -> int:
        """Write the state that an event carries and return its row."""
        self._in_use = None
        row = self._row.get(update.account)
        if row is None:
            row = self._append(update.account)
        balances = self.balances[row]
        if update.kind != words.DEBT_ONLY:
            if update.kind >= words.KIND_COUNT:
                raise ValueError(f"unknown kind {update.kind}")
            self._widen(update.kind)
            if update.balance:
                balances[update.kind] = update.balance
            else:
                balances.pop(update.kind, None)
            self._amounts[row, update.kind] = float(update.balance)
        self.words[row] = update.word
        self._debt[row] = float(words.normalized_debt(update.word))
        return row

    def inconsistent(self, account: int) -> bool:
        """Return whether the mask in the word and the known balances disagree."""
        row = self._row[account]
        mask = sum(1 << kind for kind in self.balances[row])
        return mask != words.collateral_mask(self.words[row])

    def items(self) -> Iterator[tuple[int, int, dict[int, int]]]:
        """Yield (account, word, balances) of every row."""
        yield from zip(self.ids, self.words, self.balances, strict=True)

    def checksum(self) -> int:
        """Return a number that two tables share if and only if they hold the same accounts.

        It does not depend on the order of rows; an account with word 0 and no balance counts as
        absent.
        """
        total = 0
        for account, word, balances in self.items():
            if word == 0 and not balances:
                continue
            text = f"{account}:{word}:" + ",".join(f"{k}={balances[k]}" for k in sorted(balances))
            total += int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        return total % (1 << 256)

    def _append(self, account: int) -> int:
        row = len(self.ids)
        if row == len(self._debt):
            self._debt = np.concatenate([self._debt, np.zeros_like(self._debt)])
            self._amounts = np.concatenate([self._amounts, np.zeros_like(self._amounts)])
        self.ids.append(account)
        self.words.append(0)
        self.balances.append({})
        self._row[account] = row
        return row

    def _widen(self, kind: int) -> None:
        width = self._amounts.shape[1]
        if kind < width:
            return
        wider = np.zeros((len(self._debt), min(words.KIND_COUNT, max(kind + 1, 2 * width))))
        wider[:, :width] = self._amounts
        self._amounts = wider
