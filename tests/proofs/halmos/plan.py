# SPDX-License-Identifier: MIT
"""Which contract is held against which checks, and the weakened copies that must break them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from surety import paths

HERE = Path(__file__).resolve().parent
CHECK = re.compile(r"function check_(\w+)\(")
NO_ONE_IS_ASKED = (
    ("    if msg.sender != self.governor:\n", "    if msg.sender == empty(address):\n"),
    ("    if msg.sender != self.pending_governor:\n", "    if msg.sender == empty(address):\n"),
)


@dataclass(frozen=True)
class Weak:
    """A copy with changes in one file of `contracts`, and the checks that it must fail."""

    name: str
    changes: tuple[tuple[str, str], ...]
    breaks: tuple[str, ...]
    file: str | None = None


@dataclass(frozen=True)
class Suite:
    """One contract, the harness that holds its checks, and its controls."""

    contract: str
    harness: str
    weak: tuple[Weak, ...]

    @property
    def source(self) -> Path:
        """The harness."""
        return HERE / f"{self.harness}.sol"

    @property
    def checks(self) -> tuple[str, ...]:
        """The names of all checks, without their `check_`."""
        own = CHECK.findall(self.source.read_text())
        return tuple(own + CHECK.findall((HERE / "Base.sol").read_text()))


@cache
def slots() -> dict[str, int]:
    """Where contracts keep what a control puts there: from the snapshot of the layout."""
    layout = json.loads((paths.root() / "snapshots" / "layout.json").read_text())
    kept = {
        name: {
            row[3]: row[1] for row in layout[f"contracts/{name}.vy"]["words"] if row[0] == "storage"
        }
        for name in ("Vault", "InsuranceFund", "Stablecoin")
    }
    wanted = ("accounts", "balances", "collateral", "deposited", "absorbed", "interest", "totals")
    found = {name.upper(): kept["Vault"][f"ledger.{name}"] for name in wanted}
    fund = kept["InsuranceFund"]
    return {
        **found,
        "FUND_BOOKS": fund["_books"],
        "FUND_RESERVES": fund["_reserves"],
        "VAULT_GOVERNOR": kept["Vault"]["governed.governor"],
        "FUND_GOVERNOR": fund["governed.governor"],
        "COIN_GOVERNOR": kept["Stablecoin"]["governed.governor"],
    }


def asks_nobody(*breaks: str) -> Weak:
    """Return the copy in which everybody is the governor."""
    return Weak(
        "asks_nobody",
        NO_ONE_IS_ASKED,
        (
            "only_the_governor_proposes_another",
            "only_the_proposed_governor_accepts",
            *breaks,
        ),
        "modules/governed.vy",
    )


COIN = Suite(
    "Stablecoin",
    "Coin",
    (
        asks_nobody("only_the_governor_sets_a_ceiling", "only_the_governor_sets_flash_terms"),
        Weak(
            "mints_for_all",
            (('    assert word != 0, "not minter"\n', ""),),
            ("only_minters_mint",),
        ),
        Weak(
            "forgets_what_is_minted",
            (("if amount > limit or unsafe_add(word & AMOUNT_MASK, amount) > limit:",
              "if amount > limit:"),),
            ("a_mint_stays_under_its_ceiling_and_is_booked",),
        ),
        Weak(
            "burns_for_all",
            (('    assert word != 0 or holder == msg.sender, "not minter"\n', ""),),
            ("only_minters_burn_of_others",),
        ),
        Weak(
            "loses_burns",
            (("self._burned_beyond += unsafe_sub(amount, outstanding)", "pass"),),
            ("a_burn_is_booked",),
        ),
        Weak(
            "pays_itself",
            (("    self.balanceOf[to] += amount  # read",
              "    self.balanceOf[self] += 1\n    self.balanceOf[to] += amount  # read"),),
            ("a_transfer_conserves", "a_transfer_touches_nobody_else"),
        ),
        Weak(
            "needs_no_allowance",
            (('assert allowed >= amount, "erc20: insufficient allowance"', "pass"),),
            ("nobody_moves_more_than_he_was_allowed",),
        ),
        Weak(
            "allows_for_others",
            (("self._approve(msg.sender, spender, amount)",
              "self._approve(spender, msg.sender, amount)"),),
            ("nobody_allows_for_another",),
        ),
        Weak(
            "cuts_what_is_minted",
            (("(ceiling << AMOUNT_BITS) | (word & AMOUNT_MASK)",
              "(ceiling << AMOUNT_BITS) | (word & CEILING_MASK)"),),
            ("a_minters_word_keeps_its_fields",),
        ),
        Weak(
            "lets_fields_overlap",
            (("(fee_bps << AMOUNT_BITS) | ceiling", "(fee_bps << 112) | ceiling"),),
            ("flash_terms_keep_their_fields",),
        ),
    ),
)  # fmt: skip

FUND = Suite(
    "InsuranceFund",
    "Fund",
    (
        asks_nobody(
            "only_the_governor_adds_a_book",
            "only_the_governor_accepts_a_book",
            "only_the_governor_retires_a_book",
            "only_the_governor_adds_a_reserve",
            "only_the_governor_removes_a_reserve",
            "only_the_governor_sets_the_treasury",
            "only_the_governor_sets_the_buffer",
            "only_the_governor_pauses_reaping",
            "only_the_governor_sets_the_auction",
        ),
    ),
)

SUITES = (COIN, FUND)
