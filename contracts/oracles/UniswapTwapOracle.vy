# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title UniswapTwapOracle: the mean price of a Uniswap v3 pool over a window
@notice The price of a token in whole units of the pool's other token, WAD, at the arithmetic mean tick of the last `window` seconds
        (the geometric mean price), rounded down. The pool's own record is read, never its spot price: trades of
        the block that reads count for nothing. Compose it with ProductOracle to get coin units.
        The reported time is the pool's last observation. Price 0 when the pool keeps fewer observations than asked,
        when they do not reach back over the whole window, or when the harmonic mean of the liquidity in
        range over it was below `min_liquidity`. A pool that reverts makes this revert.
@custom:security Immutable and without an owner. The pool is the one that the factory names for the pair and the fee, so that a
        look-alike cannot be given. Holding the price by a factor F for k seconds moves it by F**(k / window): see
        docs/oracles.md for what that costs.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle
from ..modules import tick_math

implements: IPriceOracle

interface Factory:
    def getPool(token_a: address, token_b: address, fee: uint24) -> address: view

interface Pool:
    def token0() -> address: view
    # the sixth is a uint8 in Uniswap and wider in some of its forks
    def slot0() -> (uint160, int24, uint16, uint16, uint16, uint32, bool): view
    def observations(index: uint256) -> (uint32, int56, uint160, bool): view
    def observe(seconds_agos: DynArray[uint32, 2]) -> (DynArray[int56, 2], DynArray[uint160, 2]): view

interface Token:
    def decimals() -> uint8: view

MIN_DECIMALS: constant(uint256) = 6
MAX_DECIMALS: constant(uint256) = 18
MIN_WINDOW: constant(uint256) = 900  # one block of 12 seconds is at most 1.3 % of it
MAX_WINDOW: constant(uint256) = 86_400
MAX_CARDINALITY: constant(uint256) = 65_535
MAX_LIQUIDITY: constant(uint256) = 2**128 - 1
TIME_MASK: constant(uint256) = 2**32 - 1  # a pool keeps the low 32 bits of a time

pool: public(immutable(address))
token: public(immutable(address))
quote: public(immutable(address))
window: public(immutable(uint256))
min_cardinality: public(immutable(uint256))
min_liquidity: public(immutable(uint256))
IS_TOKEN0: immutable(bool)
DECIMALS: immutable(uint256)
QUOTE_DECIMALS: immutable(uint256)


@deploy
def __init__(
    factory: address,
    token_: address,
    quote_: address,
    fee: uint24,
    window_: uint256,
    min_cardinality_: uint256,
    min_liquidity_: uint256,
):
    """
    @param factory the Uniswap v3 factory: who says which pool is the real one
    @param token_ whose price this is
    @param quote_ in what it is told
    @param fee of the pool, in millionths
    @param window_ seconds, 900 to 86_400
    @param min_cardinality_ observations that the pool must keep; window / (seconds between blocks) + 1 and nobody can push the
           window's start out by trading in every block
    @param min_liquidity_ in the pool's units of liquidity, above 0
    """
    assert MIN_WINDOW <= window_ and window_ <= MAX_WINDOW, "bad window"
    assert 2 <= min_cardinality_ and min_cardinality_ <= MAX_CARDINALITY, "bad cardinality"
    assert 0 < min_liquidity_ and min_liquidity_ <= MAX_LIQUIDITY, "bad liquidity"
    assert factory.is_contract, "factory has no code"
    found: address = staticcall Factory(factory).getPool(token_, quote_, fee)
    assert found.is_contract, "no such pool"

    pool = found
    token = token_
    quote = quote_
    window = window_
    min_cardinality = min_cardinality_
    min_liquidity = min_liquidity_
    IS_TOKEN0 = staticcall Pool(found).token0() == token_
    DECIMALS = self._decimals_of(token_)
    QUOTE_DECIMALS = self._decimals_of(quote_)

    cardinality: uint256 = 0
    reach: uint256 = 0
    age: uint256 = 0
    cardinality, reach, age = self._record()
    assert cardinality >= min_cardinality_, "cardinality too low"
    assert reach >= window_, "window not full"
    tick: int256 = 0
    liquidity: uint256 = 0
    tick, liquidity = self._means()
    assert liquidity >= min_liquidity_, "liquidity too low"


@internal
@view
def _decimals_of(token_: address) -> uint256:
    decimals: uint256 = convert(staticcall Token(token_).decimals(), uint256)
    assert MIN_DECIMALS <= decimals and decimals <= MAX_DECIMALS, "bad decimals"
    return decimals


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The mean price over the window, rounded down, and the time of the pool's last observation.
    @dev A pool extrapolates its last tick to now, for ever. Reporting `now` would let the price of an abandoned pool pass as
         fresh; the last observation is the last time at which a trade moved the tick or liquidity in range changed.
         A quiet pool that is alive is brought up to date by either, open to anyone.
    @return price_wad 0 when the record does not allow one
    @return updated_at of the last observation
    """
    cardinality: uint256 = 0
    reach: uint256 = 0
    age: uint256 = 0
    cardinality, reach, age = self._record()
    updated_at: uint256 = block.timestamp - age
    if cardinality < min_cardinality or reach < window:
        return 0, updated_at
    tick: int256 = 0
    liquidity: uint256 = 0
    tick, liquidity = self._means()
    if liquidity < min_liquidity:
        return 0, updated_at
    return tick_math.price_down(tick, IS_TOKEN0, DECIMALS, QUOTE_DECIMALS), updated_at


@internal
@view
def _record() -> (uint256, uint256, uint256):
    """
    @notice How many observations the pool keeps, and how many seconds ago the oldest and the last were made.
    @dev Ages are differences modulo 2**32, as in the pool: right until an observation is 136 years old.
    """
    root: uint160 = 0
    tick: int24 = 0
    index: uint16 = 0
    cardinality: uint16 = 0
    cardinality_next: uint16 = 0
    protocol_fee: uint32 = 0
    unlocked: bool = False
    root, tick, index, cardinality, cardinality_next, protocol_fee, unlocked = staticcall Pool(pool).slot0()
    if cardinality == 0:
        return 0, 0, 0  # not initialised

    count: uint256 = convert(cardinality, uint256)
    made_at: uint256 = 0
    is_made: bool = False
    # a ring: the place after the last one holds the oldest; while the ring has never been full, that is the first
    made_at, is_made = self._observation((convert(index, uint256) + 1) % count)
    if not is_made:
        made_at, is_made = self._observation(0)
    reach: uint256 = self._age_of(made_at)
    made_at, is_made = self._observation(convert(index, uint256))
    return count, reach, self._age_of(made_at)


@internal
@view
def _observation(index: uint256) -> (uint256, bool):
    made_at: uint32 = 0
    ticks: int56 = 0
    seconds_per_liquidity: uint160 = 0
    is_made: bool = False
    made_at, ticks, seconds_per_liquidity, is_made = staticcall Pool(pool).observations(index)
    return convert(made_at, uint256), is_made


@internal
@view
def _age_of(made_at: uint256) -> uint256:
    return unsafe_sub(block.timestamp, made_at) & TIME_MASK  # times of 32 bits, which wrap round


@internal
@view
def _means() -> (int256, uint256):
    """
    @notice The arithmetic mean tick and the harmonic mean liquidity of the window, both rounded down.
    @dev One second without liquidity counts as a second with 1, so that it pulls the harmonic mean to nearly nothing.
    """
    ticks: DynArray[int56, 2] = []
    seconds_per_liquidity: DynArray[uint160, 2] = []
    ticks, seconds_per_liquidity = staticcall Pool(pool).observe([convert(window, uint32), 0])
    tick: int256 = tick_math.mean_tick_down(
        convert(ticks[1], int256) - convert(ticks[0], int256), convert(window, int256)
    )
    # times 2**128; a cumulative of 160 bits that wraps round, and at least one step of it each second
    grown: uint256 = unsafe_sub(convert(seconds_per_liquidity[1], uint256), convert(seconds_per_liquidity[0], uint256))
    grown &= 2**160 - 1
    return tick, (window << 128) // grown
