# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Tick maths: what Uniswap v3 ticks are worth
@notice A tick t stands for the price 1.0001**t of a pool's token0 in its token1, both in base units. A pool stores the square root
        of the price times 2**96; `sqrt_ratio_at` gives it for every tick to the last bit as Uniswap's own TickMath.
@custom:rounding Mean ticks towards minus infinity; prices down, once, from the exact quotient.
@custom:security Pure. `unsafe_*` is used where the bound of the result stands beside it.
@dev Sources: Uniswap v3 whitepaper, section 6.1; TickMath (MIT in Uniswap v4-core); 512-bit division: Remco Bloemen,
     https://xn--2-umb.com/21/muldiv (MIT). Factor i of `sqrt_ratio_at` is 2**128 / 1.0001**(2**i / 2), to the nearest.
"""

MAX_TICK: constant(int256) = 887_272
WAD_DECIMALS: constant(uint256) = 18
HALF_WIDTH: constant(uint256) = 2**128
Q32: constant(uint256) = 2**32


@internal
@pure
def mean_tick_down(tick_seconds: int256, period: int256) -> int256:
    """
    @notice The mean tick of a period, rounded to minus infinity (Vyper's `//` goes to zero).
    @param tick_seconds what a pool's tick cumulative grew by
    @param period seconds, above 0
    """
    mean: int256 = tick_seconds // period  # check: allow signed-division - mended in the next line
    if tick_seconds < 0 and tick_seconds % period != 0:  # check: allow signed-division - whether there is a rest
        mean -= 1
    return mean


@internal
@pure
def sqrt_ratio_at(tick: int256) -> uint256:
    """
    @notice The square root of the price at a tick, times 2**96: below 2**160, at least 4_295_128_739.
    """
    assert -MAX_TICK <= tick and tick <= MAX_TICK, "tick out of range"
    distance: uint256 = convert(abs(tick), uint256)
    # 1 / sqrt(1.0001)**distance, times 2**128, by the bits of the distance: at most 2**128, and each factor is below that
    ratio: uint256 = HALF_WIDTH
    if distance & 1 != 0:
        ratio = unsafe_mul(ratio, 340_265_354_078_544_963_557_816_517_032_075_149_313) >> 128
    if distance & 2 != 0:
        ratio = unsafe_mul(ratio, 340_248_342_086_729_790_484_326_174_814_286_782_778) >> 128
    if distance & 4 != 0:
        ratio = unsafe_mul(ratio, 340_214_320_654_664_324_051_920_982_716_015_181_260) >> 128
    if distance & 8 != 0:
        ratio = unsafe_mul(ratio, 340_146_287_995_602_323_631_171_512_101_879_684_304) >> 128
    if distance & 16 != 0:
        ratio = unsafe_mul(ratio, 340_010_263_488_231_146_823_593_991_679_159_461_444) >> 128
    if distance & 32 != 0:
        ratio = unsafe_mul(ratio, 339_738_377_640_345_403_697_157_401_104_375_502_016) >> 128
    if distance & 64 != 0:
        ratio = unsafe_mul(ratio, 339_195_258_003_219_555_707_034_227_454_543_997_025) >> 128
    if distance & 128 != 0:
        ratio = unsafe_mul(ratio, 338_111_622_100_601_834_656_805_679_988_414_885_971) >> 128
    if distance & 256 != 0:
        ratio = unsafe_mul(ratio, 335_954_724_994_790_223_023_589_805_789_778_977_700) >> 128
    if distance & 512 != 0:
        ratio = unsafe_mul(ratio, 331_682_121_138_379_247_127_172_139_078_559_817_300) >> 128
    if distance & 1_024 != 0:
        ratio = unsafe_mul(ratio, 323_299_236_684_853_023_288_211_250_268_160_618_739) >> 128
    if distance & 2_048 != 0:
        ratio = unsafe_mul(ratio, 307_163_716_377_032_989_948_697_243_942_600_083_929) >> 128
    if distance & 4_096 != 0:
        ratio = unsafe_mul(ratio, 277_268_403_626_896_220_162_999_269_216_087_595_045) >> 128
    if distance & 8_192 != 0:
        ratio = unsafe_mul(ratio, 225_923_453_940_442_621_947_126_027_127_485_391_333) >> 128
    if distance & 16_384 != 0:
        ratio = unsafe_mul(ratio, 149_997_214_084_966_997_727_330_242_082_538_205_943) >> 128
    if distance & 32_768 != 0:
        ratio = unsafe_mul(ratio, 66_119_101_136_024_775_622_716_233_608_466_517_926) >> 128
    if distance & 65_536 != 0:
        ratio = unsafe_mul(ratio, 12_847_376_061_809_297_530_290_974_190_478_138_313) >> 128
    if distance & 131_072 != 0:
        ratio = unsafe_mul(ratio, 485_053_260_817_066_172_746_253_684_029_974_020) >> 128
    if distance & 262_144 != 0:
        ratio = unsafe_mul(ratio, 691_415_978_906_521_570_653_435_304_214_168) >> 128
    if distance & 524_288 != 0:
        ratio = unsafe_mul(ratio, 1_404_880_482_679_654_955_896_180_642) >> 128
    if tick > 0:
        ratio = max_value(uint256) // ratio  # down, as Uniswap does
    # from 128 to 96 fractional bits, up: so that the tick of the result is this one again
    root: uint256 = ratio >> 32
    return root + 1 if ratio % Q32 != 0 else root


@internal
@pure
def price_down(tick: int256, is_token0: bool, decimals: uint256, quote_decimals: uint256) -> uint256:
    """
    @notice The price at a tick of one whole token in whole units of the pool's other token, WAD:
            floor(r**2 * 10**k / 2**192) for token0 and floor(2**192 * 10**k / r**2) for token1, where r is the
            square root above and k = 18 + decimals - quote_decimals.
    @dev 10**k is 5**k * 2**k, so that one 512-bit division is exact for every tick. Both results stay below 2**248:
         r is at least 2**32 and below 2**160, 10**k below 2**120.
    @param is_token0 whether the token is the pool's token0
    @param decimals of the token, at most 18
    @param quote_decimals of the other token, at most 18
    """
    assert max(decimals, quote_decimals) <= WAD_DECIMALS, "bad decimals"
    root: uint256 = self.sqrt_ratio_at(tick)
    power: uint256 = WAD_DECIMALS + decimals - quote_decimals
    fives: uint256 = 5**power  # below 2**84
    if is_token0:
        return self.mul_div_down(root * fives, root, 1 << (192 - power))
    if root < HALF_WIDTH:
        return self.mul_div_down(1 << (192 + power), fives, root * root)
    # the square needs more than a word; flooring twice is flooring once
    return self.mul_div_down(1 << (192 + power), fives, root) // root


@internal
@pure
def mul_div_down(a: uint256, b: uint256, divisor: uint256) -> uint256:
    """
    @notice floor(a * b / divisor) with a product of 512 bits; reverts when the result needs more than 256.
    @dev All arithmetic is modulo 2**256, as the method wants it: what is called unsafe wraps where it should.
    """
    low: uint256 = unsafe_mul(a, b)
    folded: uint256 = uint256_mulmod(a, b, max_value(uint256))
    # the product is high * 2**256 + low, hence folded = high + low modulo 2**256 - 1
    high: uint256 = unsafe_sub(unsafe_sub(folded, low), 1 if folded < low else 0)
    if high == 0:
        return low // divisor
    assert high < divisor, "quotient too large"

    remainder: uint256 = uint256_mulmod(a, b, divisor)
    if remainder > low:
        high -= 1
    low = unsafe_sub(low, remainder)
    # what is left is a multiple of the divisor: take out the powers of two, then multiply by the inverse of the odd part
    twos: uint256 = divisor & unsafe_sub(0, divisor)
    odd: uint256 = divisor // twos
    low = (low // twos) | unsafe_mul(high, unsafe_add(unsafe_sub(0, twos) // twos, 1))
    # check: allow divide-before-multiply - `twos` divides the divisor: `odd` is exact
    inverse: uint256 = unsafe_mul(3, odd) ^ 2  # right in 4 bits; each round doubles them
    for _: uint256 in range(6):
        # check: allow divide-before-multiply - as above
        inverse = unsafe_mul(inverse, unsafe_sub(2, unsafe_mul(odd, inverse)))
    return unsafe_mul(low, inverse)
