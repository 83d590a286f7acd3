# SPDX-License-Identifier: MIT
"""A seeded book of accounts: who owns what, how far each is leveraged, and what each holds back.

Owners have one to four sub-accounts. An isolated account holds one kind, a cross account two or
three. How much of its initial capacity an account borrows decides how much of a fall it stands:
some never hear of the crash, many are called.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from surety.demo.kinds import BTC, ETH, STABLE, Kind

WAD = 10**18
BPS = 10_000

# shares of accounts, in percent
_MIXES: tuple[tuple[int, tuple[Kind, ...]], ...] = (
    (40, (ETH,)),
    (22, (BTC,)),
    (8, (STABLE,)),
    (12, (ETH, BTC)),
    (8, (ETH, STABLE)),
    (10, (ETH, BTC, STABLE)),
)
# shares of accounts, in percent, and the part of the initial capacity that they borrow, in bps
_APPETITES: tuple[tuple[int, int, int], ...] = (
    (30, 2_500, 5_500),
    (40, 5_500, 8_500),
    (30, 8_500, 9_850),
)
# shares of owners, in percent
_TEMPERS = ((30, "prompt"), (20, "late"), (50, "absent"))


class Temper(StrEnum):
    """How an owner behaves when an account is called."""

    PROMPT = "prompt"
    LATE = "late"
    ABSENT = "absent"


class Remedy(StrEnum):
    """What an owner brings to a called account."""

    TOP_UP = "top up"
    REPAY = "repay"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Holder:
    """One account of the book, as it is opened: amounts in base units by kind number, coins in WAD.

    `reserve` is collateral that its owner has left outside, `kept` coins that the owner did not
    sell.
    """

    account: int
    owner: str
    holdings: Mapping[int, int]
    debt: int
    reserve: Mapping[int, int]
    kept: int
    temper: Temper
    remedy: Remedy

    @property
    def cross(self) -> bool:
        """Whether it holds more than one kind."""
        return len(self.holdings) > 1


def make_book(
    seed: int,
    count: int,
    prices: Mapping[int, int],
    initial_ltvs: Mapping[int, int],
    debt_floor: int,
) -> tuple[Holder, ...]:
    """Draw `count` accounts that can be opened at these prices (WAD by kind number) and initial
    levels (bps).
    """
    source = random.Random(f"{seed}:book")
    holders: list[Holder] = []
    number = 0
    while len(holders) < count:
        number += 1
        owner = owner_address(seed, number)
        temper = Temper(_pick(source, _TEMPERS))
        remedy = source.choice(tuple(Remedy))
        for sub in range(min(source.choice((1, 1, 1, 2, 2, 3, 4)), count - len(holders))):
            account = int(owner, 16) << 8 | sub
            holders.append(
                _holder(source, account, owner, temper, remedy, prices, initial_ltvs, debt_floor)
            )
    return tuple(holders)


def owner_address(seed: int, number: int) -> str:
    """Return the address of an owner: drawn from the seed, without a known key."""
    drawn = random.Random(f"{seed}:owner:{number}").getrandbits(152)
    return f"0x{(0xA5 << 152) | drawn:040x}"


def _holder(
    source: random.Random,
    account: int,
    owner: str,
    temper: Temper,
    remedy: Remedy,
    prices: Mapping[int, int],
    initial_ltvs: Mapping[int, int],
    debt_floor: int,
) -> Holder:
    kinds = _draw(source, _MIXES)
    _, low, high = _APPETITES[_place(source, [row[0] for row in _APPETITES])]
    appetite = source.randint(low, high)
    # a median of 20,000 coins, a long tail of large ones, cut at both ends
    coins = round(math.exp(source.gauss(math.log(20_000), 0.9)))
    debt = min(400_000, max(coins, debt_floor * 5 // (4 * WAD) + 1)) * WAD
    weights = [source.randint(20, 80) for _ in kinds]
    # value V with sum(V * weight * ltv) * appetite = debt; amounts are rounded up, so the capacity
    # suffices
    weighted = sum(
        weight * initial_ltvs[kind.number] for weight, kind in zip(weights, kinds, strict=True)
    )
    value = debt * BPS * BPS * sum(weights) // (weighted * appetite) + 1
    holdings = {
        kind.number: value * weight * kind.unit // (sum(weights) * prices[kind.number]) + 1
        for weight, kind in zip(weights, kinds, strict=True)
    }
    reserve = {
        number: amount * source.randint(15, 70) // 100 for number, amount in holdings.items()
    }
    kept = debt * source.randint(5, 45) // 100
    return Holder(account, owner, holdings, debt, reserve, kept, temper, remedy)


def _pick(source: random.Random, table: Sequence[tuple[int, str]]) -> str:
    return table[_place(source, [row[0] for row in table])][1]


def _draw(source: random.Random, table: Sequence[tuple[int, tuple[Kind, ...]]]) -> tuple[Kind, ...]:
    return table[_place(source, [row[0] for row in table])][1]


def _place(source: random.Random, shares: Sequence[int]) -> int:
    """Return a place with the given shares, which sum to 100."""
    drawn = source.randrange(100)
    for place, share in enumerate(shares):
        if drawn < share:
            return place
        drawn -= share
    raise ValueError("shares must sum to 100")
