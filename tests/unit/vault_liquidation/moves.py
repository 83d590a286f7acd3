# SPDX-License-Identifier: MIT
"""Accounts on the edge, and the seconds at which something changes for them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.book import Stage
from tests.world import WAD

ETH, BTC, STABLE = range(3)
GRACE, DURATION, COOL_DOWN = 3_600, 7_200, 86_400
FLOOR, TIP = 2_000 * WAD, 5 * WAD
UNIT = (10**18, 10**8, 10**6)

# ten ETH at levels of 75, 80 and 85 % support exactly 5,100 coins at these prices
DEBT = 5_100 * WAD
AT_TARGET, AT_MAINTENANCE, AT_CLOSE_OUT = 680 * WAD, 6_375 * WAD // 10, 600 * WAD


@dataclass(frozen=True, slots=True)
class Called:
    """An account with a clock."""

    id: int
    called_at: int
    opens: int

    @property
    def closes(self) -> int:
        return self.opens + DURATION


def price_at(stage: Stage, *prices: int) -> None:
    """Let the hub know these prices of kinds 0, 1, ..."""
    stage.world.follow(*prices)


def reprice(stage: Stage, now: int, *prices: int) -> None:
    """Let feeds answer these prices shortly before `now`, at which the hub asks them anew."""
    world = stage.world
    world.next_at(now - world.params.fresh_for - 10)
    for kind, price in enumerate(prices):
        world.set_price(kind, price)


def open_eth(stage: Stage, debt: int = DEBT, amount: int = 10 * WAD, **where: object) -> int:
    """Open an account of ten ETH."""
    return stage.open([(ETH, amount)], debt, **where)


def call(stage: Stage, price: int = 630 * WAD, debt: int = DEBT) -> Called:
    """Open an account of ten ETH and call it at a price that gives it its grace.

    With the tip it owes `debt` afterwards.
    """
    id = open_eth(stage, debt - TIP)
    price_at(stage, price)
    done = stage.act("margin_call", id)
    assert done.after.returned == TIP
    start = done.after.positions[id].auction_start
    assert start == done.now + GRACE
    return Called(id, done.now, start)


def auction(stage: Stage, price: int = 590 * WAD, debt: int = DEBT) -> Called:
    """Open an account of ten ETH and call it below close-out: its auction runs at once."""
    id = open_eth(stage, debt)
    price_at(stage, price)
    done = stage.act("margin_call", id)
    assert done.after.returned == 0
    start = done.after.positions[id].auction_start
    assert start == done.now
    return Called(id, done.now, start)
