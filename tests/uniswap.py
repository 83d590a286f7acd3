# SPDX-License-Identifier: MIT
"""The real Uniswap v3 and WETH9, from their npm packages: what the periphery is tested over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import pytest

from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract

MODULES = Path(__file__).resolve().parents[1] / "node_modules"
CORE = "@uniswap/v3-core/artifacts/contracts"
PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts"
FACTORY = f"{CORE}/UniswapV3Factory.sol/UniswapV3Factory.json"
POOL = f"{CORE}/UniswapV3Pool.sol/UniswapV3Pool.json"
ROUTER = f"{PERIPHERY}/SwapRouter.sol/SwapRouter.json"
POSITIONS = f"{PERIPHERY}/NonfungiblePositionManager.sol/NonfungiblePositionManager.json"
WETH9 = "canonical-weth/build/contracts/WETH9.json"

ZERO = "0x" + "00" * 20
FEE = 3_000  # 0.3 %, in millionths
TICKS = 887_220  # the whole range, in whole spacings of 60
FOREVER = 2**40


@dataclass(frozen=True, slots=True)
class Packed:
    """An artifact out of an npm package."""

    abi: Sequence[dict[str, Any]]
    bytecode: bytes


def packed(path: str) -> Packed:
    """Read an artifact of `node_modules`, which `make setup` fills."""
    place = MODULES / path
    if not place.is_file():
        pytest.fail(f"node_modules has no {path}: run `make setup` (or `npm ci`)", pytrace=False)
    raw = json.loads(place.read_text())
    return Packed(raw["abi"], bytes.fromhex(raw["bytecode"].removeprefix("0x")))


def path_of(*tokens: str, fee: int = FEE) -> bytes:
    """Return the path along these tokens, each hop through the pool of the same fee."""
    words = [bytes.fromhex(token.removeprefix("0x")) for token in tokens]
    return (fee.to_bytes(3)).join(words)


class Uniswap:
    """A factory, a router and a position manager over one WETH, all as Uniswap compiled them."""

    def __init__(self, rpc: Rpc, deployer: str, weth: str) -> None:
        self.rpc = rpc
        self.deployer = deployer
        sender = UnlockedSender(rpc, deployer)
        self.factory = self._deploy(sender, FACTORY)
        self.router = self._deploy(sender, ROUTER, self.factory.address, weth)
        self.positions = self._deploy(sender, POSITIONS, self.factory.address, weth, ZERO)

    def _deploy(self, sender: UnlockedSender, path: str, *args: Any) -> Contract:
        made = packed(path)
        return Contract(self.rpc, deploy_contract(sender, made, *args), made.abi)

    def pool(
        self, amounts: dict[str, int], provider: str, fee: int = FEE, width: int = 0
    ) -> Contract:
        """Make the pool of two tokens at the ratio of these amounts and let `provider`, who has
        approved the position manager, bring them in: over the whole range, or at most `width`
        ticks to each side of the price.
        """
        (token0, amount0), (token1, amount1) = sorted(
            amounts.items(), key=lambda item: int(item[0], 16)
        )
        root = isqrt((amount1 << 192) // amount0)
        self.positions.transact(
            "createAndInitializePoolIfNecessary",
            token0,
            token1,
            fee,
            root,
            sender=self.deployer,
            gas=10_000_000,
        )
        address = self.factory.read("getPool", token0, token1, fee)
        pool = Contract(self.rpc, address, packed(POOL).abi)
        low, high = -TICKS, TICKS
        if width:
            spacing = pool.read("tickSpacing")
            tick = pool.read("slot0")[1]
            low, high = ((tick + by) // spacing * spacing for by in (-width, width))
        self.positions.transact(
            "mint",
            (token0, token1, fee, low, high, amount0, amount1, 0, 0, provider, FOREVER),
            sender=provider,
        )
        return pool


@dataclass(frozen=True, slots=True)
class Curve:
    """What a pool with one position over the whole range would trade now, to the last unit."""

    token0: str
    liquidity: int
    root: int  # of the price of token0 in token1, times 2**96

    @classmethod
    def of(cls, pool: Contract) -> Curve:
        return cls(pool.read("token0"), pool.read("liquidity"), pool.read("slot0")[0])

    def bought(self, sold_token: str, sold: int) -> int:
        """Return what exactly `sold` buys."""
        taken = sold * (10**6 - FEE) // 10**6
        scaled = self.liquidity << 96
        if sold_token == self.token0:
            root = _up(scaled * self.root, scaled + taken * self.root)
            return self.liquidity * (self.root - root) >> 96
        root = self.root + (taken << 96) // self.liquidity
        return scaled * (root - self.root) // root // self.root

    def sold(self, sold_token: str, bought: int) -> int:
        """Return what has to be sold to buy exactly `bought`."""
        scaled = self.liquidity << 96
        if sold_token == self.token0:
            root = self.root - _up(bought << 96, self.liquidity)
            taken = _up(_up(scaled * (self.root - root), self.root), root)
        else:
            root = _up(scaled * self.root, scaled - bought * self.root)
            taken = _up(self.liquidity * (root - self.root), 2**96)
        return taken + _up(taken * FEE, 10**6 - FEE)


def _up(a: int, b: int) -> int:
    return -(-a // b)
