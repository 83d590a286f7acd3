# SPDX-License-Identifier: MIT
"""Tick maths to the last bit: against exact integers, and against what Uniswap's own pool says.

`tests/ticks.py` is the reference; the pool is the one of Uniswap's npm package.
"""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from vyper.compiler import compile_code
from vyper.compiler.input_bundle import FilesystemInputBundle

from surety import paths
from surety.chain import Contract, Reverted, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.stateful.node import RevmNode
from tests.ticks import MAX_TICK, price_of, root_of
from tests.uniswap import FACTORY, POOL, Packed, packed

MIN_ROOT = 4_295_128_739  # TickMath.MIN_SQRT_RATIO
MAX_ROOT = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
MAX = 2**256 - 1

SOURCE = """
# pragma version 0.4.3
# pragma evm-version cancun
import tick_math

@external
@pure
def mean_tick_down(tick_seconds: int256, period: int256) -> int256:
    return tick_math.mean_tick_down(tick_seconds, period)

@external
@pure
def sqrt_ratio_at(tick: int256) -> uint256:
    return tick_math.sqrt_ratio_at(tick)

@external
@pure
def digest_from(first: int256) -> bytes32:
    digest: bytes32 = empty(bytes32)
    for i: int256 in range(1_000):
        if first + i > 887_272:
            break
        digest = keccak256(concat(digest, convert(tick_math.sqrt_ratio_at(first + i), bytes32)))
    return digest

@external
@view
def gas_of_sqrt_ratio(tick: int256) -> uint256:
    before: uint256 = msg.gas
    root: uint256 = tick_math.sqrt_ratio_at(tick)
    return before - msg.gas

@external
@pure
def price_down(tick: int256, is_token0: bool, decimals: uint256, quote: uint256) -> uint256:
    return tick_math.price_down(tick, is_token0, decimals, quote)

@external
@pure
def mul_div_down(a: uint256, b: uint256, divisor: uint256) -> uint256:
    return tick_math.mul_div_down(a, b, divisor)
"""


@pytest.fixture(scope="module")
def node() -> RevmNode:
    return RevmNode(1_800_000_000)


@pytest.fixture(scope="module")
def maths(node: RevmNode) -> Contract:
    bundle = FilesystemInputBundle([paths.contracts() / "modules"])
    out = compile_code(SOURCE, output_formats=["abi", "bytecode"], input_bundle=bundle)
    made = Packed(out["abi"], bytes.fromhex(out["bytecode"][2:]))
    sender = UnlockedSender(node, node.call("eth_accounts")[0])
    return Contract(node, deploy_contract(sender, made), made.abi)


def all_ticks(count: int) -> list[int]:
    """Every power of two, all ones, the ends, their neighbours, and random ones."""
    edges = {0, MAX_TICK}
    for bit in range(20):
        edges |= {2**bit - 1, 2**bit, 2**bit + 1}
    near = {edge + by for edge in edges for by in (-1, 0, 1)}
    dice = random.Random(1)
    near |= {dice.randint(0, MAX_TICK) for _ in range(count)}
    return sorted({sign * tick for tick in near if 0 <= tick <= MAX_TICK for sign in (-1, 1)})


def test_sqrt_ratio__is_the_reference_at_boundaries_and_random_ticks(maths):
    ticks = all_ticks(3_000)
    assert len(ticks) > 6_000
    for tick in ticks:
        assert maths.read("sqrt_ratio_at", tick) == root_of(tick)


@pytest.mark.deep
def test_sqrt_ratio__is_the_reference_at_every_tick(maths):
    """All 1,774,545 of them, a thousand a call."""
    for first in range(-MAX_TICK, MAX_TICK + 1, 1_000):
        digest = bytes(32)
        for tick in range(first, min(first + 1_000, MAX_TICK + 1)):
            digest = keccak(digest + root_of(tick).to_bytes(32))
        assert maths.read("digest_from", first) == digest


def test_sqrt_ratio__ends_where_uniswap_ends(maths):
    assert maths.read("sqrt_ratio_at", -MAX_TICK) == MIN_ROOT
    assert maths.read("sqrt_ratio_at", MAX_TICK) == MAX_ROOT
    assert maths.read("sqrt_ratio_at", 0) == 2**96


@pytest.mark.covers("N13")
def test_sqrt_ratio__is_within_two_units_in_ten_to_the_ten_of_the_truth():
    """The fixed-point steps themselves against 1.0001**tick, squared, in exact fractions."""
    for tick in (-887_272, -400_001, -12_345, -1, 1, 60, 99_999, 887_272):
        true = Fraction(10_001, 10_000) ** tick
        told = Fraction(root_of(tick) ** 2, 2**192)
        assert abs(told / true - 1) < Fraction(5, 10**10)


@pytest.mark.parametrize("tick", [MAX_TICK + 1, -MAX_TICK - 1, 2**255 - 1, -(2**255) + 1])
def test_sqrt_ratio_reverts_when_the_tick_is_out_of_range(maths, tick):
    with pytest.raises(Reverted, match="tick out of range"):
        maths.read("sqrt_ratio_at", tick)


def test_sqrt_ratio__costs_little(maths):
    """The tick with the most bits set costs the most."""
    assert maths.read("gas_of_sqrt_ratio", 524_287) <= 3_000


def test_sqrt_ratio__is_what_the_real_pool_calls_that_tick(node, maths):
    """A pool initialised at the ratio reports the tick, one below it the tick before."""
    sender = UnlockedSender(node, node.call("eth_accounts")[0])
    factory = Contract(node, deploy_contract(sender, packed(FACTORY)), packed(FACTORY).abi)
    tokens = [deploy_contract(sender, artifact("MockToken"), "T", "T", 18) for _ in range(2)]
    factory.transact("createPool", *tokens, 3_000, sender=sender)
    pool = Contract(node, factory.read("getPool", *tokens, 3_000), packed(POOL).abi)

    def tick_at(root: int) -> int:
        base = node.evm.snapshot()
        pool.transact("initialize", root, sender=sender)
        tick = pool.read("slot0")[1]
        node.evm.revert(base)
        return tick

    ticks = [tick for tick in all_ticks(500) if tick < MAX_TICK]  # the last is no pool's price
    assert len(ticks) > 1_000
    for tick in ticks:
        root = maths.read("sqrt_ratio_at", tick)
        assert tick_at(root) == tick
        if tick > -MAX_TICK:
            assert tick_at(root - 1) == tick - 1
    for beyond in (MIN_ROOT - 1, maths.read("sqrt_ratio_at", MAX_TICK)):
        with pytest.raises(Reverted, match="R"):
            pool.transact("initialize", beyond, sender=sender)


@pytest.mark.covers("O23")
def test_price__is_the_exact_quotient_in_both_orders_for_all_decimals(maths):
    dice = random.Random(2)
    ticks = [tick for tick in all_ticks(100) if tick % 3 == 0] + [MAX_TICK, -MAX_TICK, 443_636]
    for tick in ticks:
        for _ in range(4):
            args = (tick, dice.random() < 0.5, dice.choice((6, 8, 18)), dice.choice((6, 8, 18)))
            assert maths.read("price_down", *args) == price_of(*args)


@pytest.mark.parametrize("quote_decimals", [0, 6, 8, 18])
@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
@pytest.mark.parametrize("is_token0", [True, False])
def test_price__never_overflows_at_the_ends(maths, is_token0, decimals, quote_decimals):
    # 443_636 is the first tick whose square root has 128 bits and more
    for tick in (-MAX_TICK, -443_637, -1, 0, 1, 443_635, 443_636, 443_637, MAX_TICK):
        args = (tick, is_token0, decimals, quote_decimals)
        assert maths.read("price_down", *args) == price_of(*args)


@pytest.mark.parametrize("decimals", [(19, 18), (18, 19), (255, 6)])
def test_price_reverts_when_decimals_are_too_many(maths, decimals):
    with pytest.raises(Reverted, match="bad decimals"):
        maths.read("price_down", 0, True, *decimals)


@given(ticks=st.integers(-(2**55), 2**55), period=st.integers(1, 2**32))
def test_mean_tick__goes_to_minus_infinity(maths, ticks, period):
    assert maths.read("mean_tick_down", ticks, period) == ticks // period


@pytest.mark.parametrize("ticks", [-7, -6, -5, -1, 0, 1, 5, 6, 7])
def test_mean_tick__of_small_sums(maths, ticks):
    assert maths.read("mean_tick_down", ticks, 6) == ticks // 6


def near_power(bits: int, by: int) -> int:
    return min(MAX, max(0, 2**bits + by))


WORDS = st.integers(0, MAX) | st.builds(near_power, st.integers(0, 256), st.integers(-2, 2))


@given(a=WORDS, b=WORDS, divisor=WORDS)
def test_mul_div__is_exact_or_reverts(maths, a, b, divisor):
    if divisor == 0 or a * b // divisor > MAX:
        with pytest.raises(Reverted):
            maths.read("mul_div_down", a, b, divisor)
    else:
        assert maths.read("mul_div_down", a, b, divisor) == a * b // divisor


@pytest.mark.covers("N06", "N13")
def test_mul_div__at_its_edges(maths):
    dice = random.Random(3)
    seen_long = 0
    for _ in range(3_000):
        divisor = dice.getrandbits(dice.randint(1, 256)) | 1 << dice.randint(0, 255)
        quotient = dice.getrandbits(dice.randint(1, 256))
        product = min(quotient * divisor + dice.choice((0, divisor - 1)), MAX * MAX)
        a = max(1, min(MAX, dice.getrandbits(256) >> dice.randint(0, 255)))
        b = min(MAX, product // a)
        if a * b // divisor > MAX:
            continue
        seen_long += a * b > MAX
        assert maths.read("mul_div_down", a, b, divisor) == a * b // divisor
    assert seen_long > 500
