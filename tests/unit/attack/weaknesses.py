# SPDX-License-Identifier: MIT
"""Contracts with one line weakened, in each of which a search must find what pays: its controls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from surety.attack.play import Rules
from surety.attack.stage import Stage
from tests.incidents.test_incentive_farming import FOR_FREE
from tests.incidents.weak import Change, deploying, weakened


@dataclass(frozen=True, slots=True)
class Weakness:
    """What is changed in which contract, and where a search is let loose on it."""

    name: str
    contract: str
    change: Change
    stage: str = "calm"
    rules: Rules = Rules()  # noqa: RUF009 - frozen


UNCHECKED: Change = ("        reasons.fail(reasons.BELOW_INITIAL_MARGIN)", "        pass")
# those that docs/attack.md shows
WEAKNESSES = (
    Weakness(
        "a redemption rounded up",
        "PegStability",
        (
            "amount: uint256 = margin_math.mul_div_down(worth, 10**reserve_decimals, WAD)",
            "amount: uint256 = margin_math.mul_div_up(worth, 10**reserve_decimals, WAD)",
        ),
    ),
    Weakness(
        "a peg that trusts a stale word",
        "PegStability",
        (
            "assert min(price.lo, live) >= settings & GUARD_MASK",
            "assert price.lo >= settings & GUARD_MASK",
        ),
        rules=Rules(moves=1, move_bps=400),
    ),
    Weakness(
        "a flash loan that takes back its fee only",
        "Stablecoin",
        (
            "self.balanceOf[receiver] = unsafe_sub(balance_before, owed)",
            "self.balanceOf[receiver] = unsafe_sub(balance_before, fee)",
        ),
    ),
    Weakness(
        "a fund that begins at its last price",
        "InsuranceFund",
        ("| self.start_factor << START_FACTOR", "| self.end_factor << START_FACTOR"),
    ),
    Weakness(
        "a price that may rise at once",
        "PriceHub",
        (
            "lo = margin_math.slew_lo_down(lo, price, config >> SLEW_UP_SHIFT, elapsed)",
            "lo = price",
        ),
        rules=Rules(moves=2, move_bps=5_000),
    ),
    Weakness("a vault without its initial margin", "Vault", UNCHECKED),
)
# one for each other stage: a search that finds nothing anywhere there may as well be blind
STAGED = (
    # the same copy, after twenty years of interest
    Weakness("an old vault without its initial margin", "Vault", UNCHECKED, "aged"),
    Weakness("a tip that nobody owes", "Vault", FOR_FREE, "farm"),
    Weakness(
        "an auction that begins at its end",
        "Vault",
        ("                block.timestamp - found.opens,\n", "                auction_duration,\n"),
        "called",
    ),
)
# each costs one more compilation of the vault
DEEP = (
    Weakness(
        "a repayment rounded up",
        "Vault",
        (
            "removed = margin_math.repaid_down(repaid, index)",
            "removed = margin_math.borrowed_up(repaid, index)",
        ),
        "aged",
    ),
    Weakness(
        "a take that costs what it repays",
        "Vault",
        (
            "sold, cost, repaid = margin_math.take_amounts(",
            "sold, repaid, cost = margin_math.take_amounts(",
        ),
        "called",
    ),
)


@cache
def stage_of(weakness: Weakness) -> Stage:
    """Deploy and warm a stage over the weak contract."""
    with deploying(weakened(weakness.contract, weakness.change)):
        return Stage(weakness.stage)
