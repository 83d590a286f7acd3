# SPDX-License-Identifier: MIT
"""A fund with collateral to sell, a keeper with coins, and a hub whose feed can die."""

from __future__ import annotations

from surety.compile import Artifact
from tests.incidents.weak import revm_world
from tests.world import MAX, WAD, World

LOT = 10 * WAD
PRICE = 2_000 * WAD
HOURS_6 = 6 * 3_600
START, END = 10_300, 8_000
COINS = 10**6 * WAD


def stocked(*weak: Artifact) -> World:
    """Return a world whose fund holds ten ether, and whose keeper has a million coins."""
    world = revm_world(*weak)
    world.vault.transact("set_rate", 0, sender=world.governor)
    world.give_coins(world.keeper, COINS)
    world.give(world.fund.address, 0, LOT)
    return world


def start(world: World) -> None:
    world.fund.transact("start_auction", world.vault.address, 0, sender=world.stranger)


def buy(world: World, amount: int = MAX, who: str | None = None) -> tuple[int, int]:
    """Buy of the lot; returns the amount and what it cost."""
    who = who or world.keeper
    token, coin = world.tokens[0], world.coin
    before = token.read("balanceOf", who), coin.read("balanceOf", who)
    world.fund.transact("buy", token.address, amount, MAX, who, sender=who)
    return token.read("balanceOf", who) - before[0], before[1] - coin.read("balanceOf", who)


def renew(world: World, price: int = PRICE) -> None:
    """Let the feed report a price of now."""
    world.set_price(0, price)


def at_price(amount: int, price: int, factor: int) -> int:
    """Return what an amount of ether costs at a price and a factor, rounded up twice."""
    each = -(-price * factor // 10_000)
    return -(-amount * each // WAD)
