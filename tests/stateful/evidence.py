# SPDX-License-Identifier: MIT
"""What a campaign must have met, so that nobody trusts one in which nothing happened.

Every move went through and was refused in at least a fiftieth of its tries, and every reason that
the contracts can give was given; whatever is left out is listed here with why it cannot be met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from surety import paths
from tests.stateful.scene import PRICES

if TYPE_CHECKING:
    from tests.stateful.driver import Counts

SHARE = 50  # of a move's tries, one at least goes through and one is refused
# moves that never go through, and why
NEVER_DONE = {
    "set_default_model": "only the list of margin models may, which use_default makes do it",
    "shutdown": "only the settlement may, by settlement.shutdown",
    "settle": "only the settlement may, by settlement.settle",
}
NEVER_REFUSED = {
    "accrue": "anybody may, at any time",
    "set_operator": "everybody may, of themselves",
    "lockdown": "everybody may, of themselves",
    "report": "is what a source says",
    "uptime": "is what a source says",
}
# what can be done once in the life of a book, and is tried again and again all the same
ONCE = {
    "list_collateral": "one more kind is to be listed, under which no second one can",
    "settlement.shutdown": "a book ends once",
    "settlement.open_redemption": "a book ends once",
    "settlement.sweep": "a book ends once",
}

IN_CONSTRUCTOR = "asserted at deployment only: tests/unit"
SELDOM = "comes up by chance, and too seldom to be asked for: tests/unit/governor"
NO_SUCH_ACT = "the campaign proposes no such act: tests/unit/governor"
LISTED_BEFORE = "kinds and sequencer are listed before the campaign: tests/unit/price_hub"
BOOKS_BEFORE = "books are named before the campaign, and not retired: tests/unit/insurance_fund"
NOBODYS_CALL = "asks for a call by the zero address, which has no key"
GAS = "a whole transaction has gas enough: the tests of low gas are in tests/unit"
# reasons that no campaign can meet, by contract
ELSEWHERE: dict[str, dict[str, str]] = {
    "Vault": {
        **dict.fromkeys(("bad floor or tip", "bad penalty", "bad periods"), IN_CONSTRUCTOR),
        "gas too low": GAS,
        "nothing to take": "at levels under which a sale pays, some of it always does",
        "not settleable": "the settlement never asks a vault for it",
    },
    "PriceHub": {
        **dict.fromkeys(("bad confirm period", "fresh_for too long"), IN_CONSTRUCTOR),
        **dict.fromkeys(
            ("kind already listed", "oracle has no code", "sequencer has no code",
             "token has no code", "too many kinds"), LISTED_BEFORE
        ),
        "gas too low": GAS,
    },
    "Stablecoin": {
        "erc20: approve from the zero address": NOBODYS_CALL,
        "mint to zero": "the minters refuse a receiver of zero before",
        "too many minters": "the campaign names one more minter of 32 only",
        "zero owner": NOBODYS_CALL,
    },
    "InsuranceFund": {
        **dict.fromkeys(("coin has no code",), IN_CONSTRUCTOR),
        **dict.fromkeys(
            ("collateral left", "debt left", "may still mint", "pool left", "too many books",
             "wrong coin", "not all read"), BOOKS_BEFORE
        ),
        "flash mint active": "a borrower's call, whose reason is the loan's: Stablecoin",
        "gas too low": GAS,
        "too many reserves": "the campaign has three of 16",
    },
    "PegStability": {
        **dict.fromkeys(
            ("bad decimals", "coin has no code", "hub has no code", "the coin itself",
             "token not priced"), IN_CONSTRUCTOR
        ),
        "gas too low": GAS,
    },
    "Settlement": {
        **dict.fromkeys(("another book owes", "nothing to relieve"), "the campaign has one book"),
        "vault is no minter": "the campaign's book is one: tests/unit/settlement",
        "fund does not know book": "a fund that is no contract has no answer, and so no reason",
        "reserve has no price": "mended at the end, so that books do end: tests/unit/settlement",
    },
    "Governor": {
        **dict.fromkeys(("guarded lately", "one change a day", "tightened since"), SELDOM),
        **dict.fromkeys(
            ("already registered", "bad role", "needs a price", "no code", "not itself",
             "not proposed", "not registered", "not vetoable", "the zero address",
             "too many contracts"), NO_SUCH_ACT
        ),
    },
    "GovernanceRules": dict.fromkeys(
        ("already registered", "bad length", "bad role", "cap too large", "bounds too tight",
         "bounds too wide",
         "coins outstanding", "dirty word", "governed by another", "may still mint",
         "needs a price", "no code", "no price expected", "no rule", "not a fund", "not a minter",
         "not a model", "not a peg", "not a vault", "not its settlement", "not listed elsewhere",
         "not registered", "not retired", "out of bounds", "price deviates", "price is moving",
         "price is stale", "retired", "sequencer is down", "the zero address", "unknown kind",
         "unknown model"), NO_SUCH_ACT
    ),
}  # fmt: skip
# whose reasons are met in which moves, by what stands before the point of a move's name
PARTS = {
    "Vault": "", "PriceHub": "hub", "Stablecoin": "coin", "InsuranceFund": "fund",
    "PegStability": "peg", "Settlement": "settlement", "Governor": "governor",
    "GovernanceRules": "governor",
}  # fmt: skip


def require_both_ways(counts: Counts, names: Iterable[str], least: int = 1) -> None:
    """Assert that each move went through and was refused often enough, of at least so many."""
    for name in names:
        done, refused = counts.done[name], counts.refusals(name)
        tries = done + refused
        enough = least if name in ONCE else max(least, -(-tries // SHARE))
        assert tries, f"{name} was never tried"
        if name in NEVER_DONE:
            assert done == 0, f"{name} went through: {NEVER_DONE[name]}"
        elif name in ONCE:
            assert done >= 1, f"{name} never went through in {tries} tries"
        else:
            assert done >= enough, f"{name} went through {done} times in {tries} tries"
        if name in NEVER_REFUSED:
            assert refused == 0, f"{name} was refused: {NEVER_REFUSED[name]}"
        else:
            assert refused >= enough, f"{name} was refused {refused} times in {tries} tries"


def require_reasons(counts: Counts, contracts: Iterable[str]) -> None:
    """Assert that each contract gave every reason that it has, but those that it cannot give."""
    seen: dict[str, set[str]] = {}
    for what, reason in counts.refused:
        part = "hub" if what in PRICES else what.rpartition(".")[0]
        seen.setdefault(part, set()).add(reason)
    for contract in contracts:
        met, away = seen.get(PARTS[contract], set()), ELSEWHERE[contract]
        known = reasons_of(contract)
        assert set(away) <= known, f"{contract} has no reasons {sorted(set(away) - known)}"
        lacking = known - met - set(away)
        assert not lacking, f"{contract} never said {sorted(lacking)}"
        wrong = {reason for reason in met & set(away) if away[reason] != SELDOM}
        assert not wrong, f"{contract} can say {sorted(wrong)} after all"


@cache
def reasons_of(contract: str) -> frozenset[str]:
    """Return every reason that a contract's own source gives, and its list of reasons."""
    text = next(paths.contracts().rglob(f"{contract}.vy")).read_text()
    lists = {"Vault": "reasons", "GovernanceRules": "rule_reasons"}
    found = set(re.findall(r'"([a-z][^"\n()]{2,60})"', text))
    if contract in lists:
        listed = (paths.contracts() / "modules" / f"{lists[contract]}.vy").read_text()
        numbers = [int(number) for number in re.findall(r"constant\(uint256\) = (\d+)", listed)]
        found |= {number.to_bytes(32).lstrip(b"\0").decode() for number in numbers}
    return frozenset(found)
