# SPDX-License-Identifier: MIT
"""Whatever is asked and whatever an attacker does meanwhile, the zap keeps nothing and approves
nothing, and an account that owes anything satisfies the initial level.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from surety.chain import Reverted
from tests.uniswap import FOREVER
from tests.unit.periphery.stage import ETH, HOOK, TAXED, USDT, WETH, Stage
from tests.world import MAX, WAD, check_books

KINDS = (ETH, WETH, USDT, TAXED, HOOK)
UNITS = {ETH: WAD, WETH: WAD, USDT: 2_000 * 10**6, TAXED: WAD, HOOK: WAD}  # worth 2,000 each

ATTACKS = ("none", "leverage", "deleverage", "callback", "donate", "fee")
MOVES = ("leverage", "deleverage", "close", "swap_collateral")
DRAWS = 48


def draw(random: Random) -> tuple[Any, ...]:
    """Draw a move: amounts in thousandths of a unit or of 2,000 coins, now and then all or more
    than there can be; limits in thousandths of a fair price.
    """

    def part() -> int:
        return random.choice((*(random.randrange(3_000) for _ in range(6)), 1, MAX))

    kind, other = random.choice(KINDS), random.choice(KINDS)
    limit = random.choice((0, 1, 900, 900, 950, 950, 985, 1_000, 1_200))
    detour = random.random() < 0.3
    fn = random.choice(MOVES)
    if fn == "close":
        return fn, kind, random.choice((MAX, 9_000, 1_000)), detour
    if fn == "swap_collateral":
        return fn, kind, part(), other, limit, detour
    return fn, kind, part(), part(), limit, detour


def units(kind: int, part: int) -> int:
    return MAX if part == MAX else UNITS[kind] * part // 1_000


def coins(part: int) -> int:
    return MAX if part == MAX else 2_000 * WAD * part // 1_000


def route(stage: Stage, sold: int | None, bought: int | None, detour: bool) -> bytes:
    """Return a path between two kinds (None: the coin), over dollars or the coin where it must."""
    ends = {sold, bought}
    if detour and ends in ({None, ETH}, {None, WETH}):
        return stage.path(sold, USDT, bought)
    if None in ends or (not detour and ends in ({WETH, USDT}, {ETH, USDT})):
        return stage.path(sold, bought)
    return stage.path(sold, None, bought)


def least(kind: int | None, worth: int, limit: int) -> int:
    """Return the least to accept for coins' worth, at a limit in thousandths."""
    worth = min(worth, 100_000 * WAD) * limit // 1_000
    return worth if kind is None else worth * UNITS[kind] // (2_000 * WAD)


def call_of(stage: Stage, id: int, move: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn a drawn move into a call of the zap."""
    fn, kind = move[:2]
    if fn == "leverage":
        own, debt, limit, detour = move[2:]
        path = route(stage, None, kind, detour)
        bought = least(kind, coins(debt), limit)
        return fn, id, kind, units(kind, own), coins(debt), bought, path
    if fn == "deleverage":
        sold, debt, limit, detour = move[2:]
        path = route(stage, kind, None, detour)
        worth = MAX if sold == MAX else 2_000 * WAD * sold // 1_000
        return fn, id, kind, units(kind, sold), coins(debt), least(None, worth, limit), path
    if fn == "close":
        return fn, id, kind, units(kind, move[2]), route(stage, None, kind, move[3])
    sold, kind_in, limit, detour = move[2:]
    worth = 2_000 * WAD * (1_000 if sold == MAX else sold) // 1_000
    path = route(stage, kind, kind_in, detour)
    return fn, id, kind, units(kind, sold), kind_in, least(kind_in, worth, limit), path


def prepare(stage: Stage, attack: str) -> None:
    """Let the attacker do something at each transfer of the hook token, or to the tokens."""
    hook = stage.contract("ReentrantToken", stage.address(HOOK))
    victim = stage.id(stage.owner)
    path = stage.path(ETH, None)
    if attack == "leverage":
        data = stage.zap.encode("leverage", victim, ETH, 1, WAD, 1, stage.path(None, ETH), FOREVER)
    elif attack == "deleverage":
        data = stage.zap.encode("deleverage", victim, ETH, WAD, WAD, 0, path, FOREVER)
    elif attack == "callback":
        data = stage.zap.encode("on_adjust", victim, b"\1" * 320)
    else:
        if attack == "donate":
            stage.give(stage.zap.address, HOOK, 3)
            stage.give(stage.zap.address, USDT, 5)
            stage.coin.transact("transfer", stage.zap.address, 7, sender=stage.owner)
        if attack == "fee":
            stage.set_fee(30)
        return
    hook.transact("set_callback", stage.zap.address, data, sender=stage.governor)


def play(stage: Stage, seed: int, attack: str) -> Counter[str]:
    """Make the drawn moves, check after each, and count those that went through."""
    random = Random(seed)
    done: Counter[str] = Counter()
    id = stage.open([(kind, 10 * UNITS[kind]) for kind in (ETH, USDT, HOOK)], 10_000 * WAD)
    prepare(stage, attack)
    for _ in range(DRAWS):
        move = draw(random)
        if move[0] == "leverage":
            stage.give(stage.owner, move[1], 2 * UNITS[move[1]])
        before = stage.vault.read("accounts", id)
        try:
            stage.do(*call_of(stage, id, move))
        except Reverted:
            assert stage.vault.read("accounts", id) == before
            continue
        done[move[0]] += 1
        concerned = {move[1], move[3]} if move[0] == "swap_collateral" else {move[1], None}
        assert all(stage.held(kind, stage.zap.address) == 0 for kind in concerned)
        debt = stage.debt(id)
        assert debt <= stage.initial(id)
        assert debt == 0 or debt >= stage.book.debt_floor
    if attack != "donate":  # what was given and concerned no call is still there
        stage.check_empty()
    check_books(stage, [id, stage.id(stage.other, 255)])
    return done


def test_the_zap_keeps_nothing_and_breaks_no_level(base_stage):
    done: Counter[str] = Counter()
    for seed, attack in enumerate(ATTACKS):
        with base_stage.snapshot():
            done += play(base_stage, seed, attack)
    # a property that holds because everything reverts proves nothing
    assert min(done[name] for name in MOVES) >= 10, done
