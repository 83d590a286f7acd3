# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockTwapPool: the record of a Uniswap v3 pool, written by hand, and the factory that names it
@notice For tests only: it can have kept what no real pool would, and trades nothing. Place 0 of the record is the last observation,
        the next one the oldest.
"""
token0: public(address)
token1: public(address)
cardinality: public(uint16)
last_at: public(uint32)
oldest_at: public(uint32)
ticks: public(int56)
seconds_per_liquidity: public(uint160)
start: public(uint160)


@deploy
def __init__(token0: address, token1: address):
    self.token0 = token0
    self.token1 = token1
    self.cardinality = 1_000
    self.oldest_at = 1
    self.last_at = convert(block.timestamp % 2**32, uint32)
    self.seconds_per_liquidity = 1


@external
@view
def getPool(token_a: address, token_b: address, fee: uint24) -> address:
    return self


@external
def set_record(cardinality: uint16, oldest_at: uint32, last_at: uint32):
    self.cardinality = cardinality
    self.oldest_at = oldest_at
    self.last_at = last_at


@external
def set_growth(ticks: int56, seconds_per_liquidity: uint160):
    """
    @notice What the two cumulatives grow by over any window.
    """
    self.ticks = ticks
    self.seconds_per_liquidity = seconds_per_liquidity


@external
def set_start(start: uint160):
    """
    @notice Where the second cumulative stood when a window began; it wraps round.
    """
    self.start = start


@external
@view
def slot0() -> (uint160, int24, uint16, uint16, uint16, uint8, bool):
    return 2**96, 0, 0, self.cardinality, self.cardinality, 0, True


@external
@view
def observations(index: uint256) -> (uint32, int56, uint160, bool):
    return self.last_at if index == 0 else self.oldest_at, 0, 0, True


@external
@view
def observe(seconds_agos: DynArray[uint32, 2]) -> (DynArray[int56, 2], DynArray[uint160, 2]):
    return [0, self.ticks], [self.start, unsafe_add(self.start, self.seconds_per_liquidity)]
