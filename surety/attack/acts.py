# SPDX-License-Identifier: MIT
"""What an attacker can do in one step, as data that can be mixed, mutated, printed and replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

THOUSAND: Final = 1_000
ALL: Final = 10**6  # a share that stands for "everything", the largest number where one is taken
MAX: Final = 2**256 - 1
MOST: Final = 2**200  # no amount is larger: far beyond every field, within every signed number


@dataclass(frozen=True, slots=True)
class Size:
    """An amount relative to what is natural for an act: thousandths of that, and a few units more.

    What is natural is said in `Player`: what may still be borrowed, what is owed, what is for sale.
    """

    share: int = THOUSAND
    delta: int = 0

    def of(self, base: int) -> int:
        """Return the amount, rounded down, never below 0 and never above MOST."""
        return max(0, min(MOST, base * min(self.share, ALL - 1) // THOUSAND + self.delta))

    def at_most(self, base: int) -> int:
        """Return the amount for a function that takes the largest number as everything."""
        return MAX if self.share >= ALL else self.of(base)


WHOLE: Final = Size()
NOTHING: Final = Size(0)
EVERYTHING: Final = Size(ALL)


@dataclass(frozen=True, slots=True)
class Act:
    """One step.

    `account` and `other` are places in the stage's list of accounts, `kind` a kind of collateral,
    `size` and `debt` amounts, `number` seconds (wait), bps of the first price (price), the place
    that is given to (donate), a model's slot (model) or how many acts a flash loan surrounds.
    """

    what: str
    account: int = 0
    other: int = 0
    kind: int = 0
    size: Size = WHOLE
    debt: Size = NOTHING
    number: int = 0


# which fields an act reads: a(ccount), o(ther), k(ind), s(ize), d(ebt), n(umber)
FIELDS: Final = {
    "deposit": "aks",
    "withdraw": "aks",
    "borrow": "as",
    "repay": "as",
    "open": "aksd",
    "close": "ak",
    "move": "aoksd",
    "model": "an",
    "margin_call": "a",
    "margin_calls": "",
    "take": "aks",
    "takes": "aoks",
    "cure": "a",
    "absorb": "a",
    "collect": "k",
    "start_auction": "k",
    "buy": "ks",
    "reap": "",
    "recapitalise": "s",
    "peg_mint": "s",
    "peg_redeem": "s",
    "sync": "k",
    "accrue": "",
    "donate": "ksn",
    "donate_coins": "sn",
    "burn": "s",
    "flash": "sn",
    "wait": "n",
    "price": "kn",
}
_NAMES: Final = {
    "a": "account",
    "o": "other",
    "k": "kind",
    "s": "size",
    "d": "debt",
    "n": "number",
}
# which acts may raise the risk of an account, and so end with its debt within the initial level
RAISING: Final = {
    "withdraw": "a",
    "borrow": "a",
    "open": "a",
    "close": "a",
    "move": "ao",
    "model": "a",
}


def fields(act: Act) -> list[tuple[str, int | Size]]:
    """Return what an act reads, by name."""
    return [(_NAMES[letter], getattr(act, _NAMES[letter])) for letter in FIELDS[act.what]]


def source(act: Act) -> str:
    """Return the Python expression of an act; what it does not read is left out."""
    parts = [repr(act.what)]
    for name, value in fields(act):
        if isinstance(value, Size):
            text = f"Size({value.share}, {value.delta})" if value.delta else f"Size({value.share})"
        else:
            text = str(value)
        parts.append(f"{name}={text}")
    return f"Act({', '.join(parts)})"
