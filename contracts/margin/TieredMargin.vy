# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title TieredMargin: large balances and crowded kinds support less debt
@notice A margin model. Brackets: per kind up to 4 marginal reductions of its share in every capacity, by the value (at hi) of
        the account's balance; a bracket touches only the value inside it, so a requirement has no jump. Scale: per kind
        a share of the initial capacity that grows with the deposits of the whole book, which no splitting evades.
        Both are 0 until the governor sets them. Formulas, examples and how to choose: docs/margin-models.md.
@custom:rounding Each surcharge is the exact quotient rounded up once: against the account by less than 1 wei a kind and level
        (2 wei on the initial level with a scale).
@custom:security Calls nobody and depends only on its arguments and its own storage. Each act of the governor counts at once for
        every account that uses the model, at maintenance and close-out too: notice is the governor's delay.
@custom:freeze Nothing to freeze: clear brackets and scale, or take the model out of the vault's slot.
"""
from ...interfaces import IMarginModel
from ..modules import governed
from ..modules import margin_math

implements: IMarginModel

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

event BracketsSet:
    kind: indexed(uint256)
    bounds: DynArray[uint256, 3]  # coin units (WAD); empty with empty rates: none
    rates: DynArray[uint256, 4]  # bps

event ScaleSet:
    kind: indexed(uint256)
    lo: uint256  # token base units
    hi: uint256
    bps: uint256  # 0: none

BPS: constant(uint256) = 10_000
WAD: constant(uint256) = 10**18
KINDS: constant(uint256) = 32
BOUND_BITS: constant(uint256) = 40
BOUND_MASK: constant(uint256) = 2**40 - 1
RATES_SHIFT: constant(uint256) = 120
RATE_BITS: constant(uint256) = 16
RATE_MASK: constant(uint256) = 2**16 - 1
DEPOSIT_BITS: constant(uint256) = 120
DEPOSIT_MASK: constant(uint256) = 2**120 - 1

# bound1:40 | bound2:40 | bound3:40 | rate0:16 | rate1:16 | rate2:16 | rate3:16 | spare:72, from the lowest bit; bounds in whole
# coins, 0 from the first that is not used; the last rate is above 0, so the word is 0 exactly when there are no brackets
_brackets: uint256[KINDS]
# lo:120 | hi:120 | bps:16, from the lowest bit; token base units
_scales: uint256[KINDS]


@deploy
def __init__(governor: address):
    governed.__init__(governor)


# the model


@external
@view
@reentrant
def surcharges(
    account: uint256, exposures: DynArray[IMarginModel.Exposure, 8], sold_kind: uint256
) -> (uint256, uint256, uint256, uint256, uint256):
    """
    @notice What to take off the sums of the linear capacities: see IMarginModel. Reverts for a kind above 31 only.
    @param account unused: all accounts are alike
    @return off initial, off target, off maintenance, off close-out (coin units), and the reduction (bps) of the bracket that holds
            the value of `sold_kind`. At a bound that is the steeper bracket, though a sale would leave it at
            once: a take is then sized smaller, never past the target level.
    """
    initial: uint256 = 0
    target: uint256 = 0
    maintenance: uint256 = 0
    close_out: uint256 = 0
    sold_bps: uint256 = 0
    for exposure: IMarginModel.Exposure in exposures:
        rate: uint256 = 0
        offset: uint256 = 0
        off: uint256 = 0
        brackets: uint256 = self._brackets[exposure.kind]
        if brackets != 0:
            rate, offset = self._line(brackets, exposure.value)
        if rate != 0:
            off = margin_math.tier_surcharge_up(exposure.initial, exposure.value, rate, offset)
            target += margin_math.tier_surcharge_up(exposure.target, exposure.value, rate, offset)
            maintenance += margin_math.tier_surcharge_up(exposure.maintenance, exposure.value, rate, offset)
            close_out += margin_math.tier_surcharge_up(exposure.close_out, exposure.value, rate, offset)
            if exposure.kind == sold_kind:
                sold_bps = rate
        scale: uint256 = self._scales[exposure.kind]
        if scale != 0:
            share: uint256 = margin_math.scale_share_up(
                exposure.deposited,
                scale & DEPOSIT_MASK,
                (scale >> DEPOSIT_BITS) & DEPOSIT_MASK,
                scale >> (2 * DEPOSIT_BITS),
            )
            off = margin_math.scaled_surcharge_up(exposure.initial, off, share)
        initial += off
    return initial, target, maintenance, close_out, sold_bps


@internal
@pure
def _line(brackets: uint256, worth: uint256) -> (uint256, uint256):
    rates: uint256 = brackets >> RATES_SHIFT
    return margin_math.bracket_line(
        worth,
        (brackets & BOUND_MASK) * WAD,
        ((brackets >> BOUND_BITS) & BOUND_MASK) * WAD,
        ((brackets >> (2 * BOUND_BITS)) & BOUND_MASK) * WAD,
        rates & RATE_MASK,
        (rates >> RATE_BITS) & RATE_MASK,
        (rates >> (2 * RATE_BITS)) & RATE_MASK,
        (rates >> (3 * RATE_BITS)) & RATE_MASK,
    )


# governance


@external
def set_brackets(kind: uint256, bounds: DynArray[uint256, 3], rates: DynArray[uint256, 4]):
    """
    @notice Replace the brackets of a kind; two empty lists clear them. Governor only.
    @param bounds where brackets 1, 2, 3 begin (bracket 0 begins at 0): coin units (WAD), whole coins below 2**40, strictly ascending
    @param rates the marginal reduction in each bracket, bps: one more than bounds, never falling, at most 10,000, the last above 0
    """
    governed.check_governor()
    assert kind < KINDS, "bad kind"
    word: uint256 = 0
    if len(bounds) != 0 or len(rates) != 0:
        word = self._packed(bounds, rates)
    self._brackets[kind] = word
    log BracketsSet(kind=kind, bounds=bounds, rates=rates)


@internal
@pure
def _packed(bounds: DynArray[uint256, 3], rates: DynArray[uint256, 4]) -> uint256:
    """
    @notice One word of brackets, or a revert where they are not convex or do not fit.
    """
    assert len(rates) == len(bounds) + 1, "bad brackets"
    word: uint256 = 0
    last: uint256 = 0
    for i: uint256 in range(len(bounds), bound=3):
        coins: uint256 = bounds[i] // WAD  # exact: asserted below
        assert coins * WAD == bounds[i], "bound not in whole coins"
        assert coins > last and coins <= BOUND_MASK, "bad brackets"
        word |= coins << (i * BOUND_BITS)
        last = coins
    last = 0
    for i: uint256 in range(len(rates), bound=4):
        assert rates[i] >= last and rates[i] <= BPS, "bad brackets"
        word |= rates[i] << (RATES_SHIFT + i * RATE_BITS)
        last = rates[i]
    assert last != 0, "bad brackets"
    return word


@external
def set_scale(kind: uint256, lo: uint256, hi: uint256, bps: uint256):
    """
    @notice Replace the scale of a kind; three zeros clear it. Governor only.
    @param lo deposits in the book up to which nothing is taken off, token base units below 2**120
    @param hi deposits from which all of `bps` is taken off, above `lo`
    @param bps share of the initial capacity, at most 10,000, above 0
    """
    governed.check_governor()
    assert kind < KINDS, "bad kind"
    if lo != 0 or hi != 0 or bps != 0:
        assert lo < hi and hi <= DEPOSIT_MASK, "bad scale"
        assert bps != 0 and bps <= BPS, "bad scale"
    self._scales[kind] = lo | (hi << DEPOSIT_BITS) | (bps << (2 * DEPOSIT_BITS))
    log ScaleSet(kind=kind, lo=lo, hi=hi, bps=bps)


# views


@external
@view
@reentrant
def brackets_of(kind: uint256) -> (DynArray[uint256, 3], DynArray[uint256, 4]):
    """
    @notice Bounds (coin units, WAD) and rates (bps) as they were set; both empty without brackets.
    """
    assert kind < KINDS, "bad kind"
    bounds: DynArray[uint256, 3] = []
    rates: DynArray[uint256, 4] = []
    word: uint256 = self._brackets[kind]
    if word == 0:
        return bounds, rates
    rates.append((word >> RATES_SHIFT) & RATE_MASK)
    for i: uint256 in range(3):
        coins: uint256 = (word >> (i * BOUND_BITS)) & BOUND_MASK
        if coins == 0:
            break
        bounds.append(coins * WAD)
        rates.append((word >> (RATES_SHIFT + (i + 1) * RATE_BITS)) & RATE_MASK)
    return bounds, rates


@external
@view
@reentrant
def scale_of(kind: uint256) -> (uint256, uint256, uint256):
    """
    @notice (lo, hi, bps) as they were set; zeros without a scale.
    """
    assert kind < KINDS, "bad kind"
    scale: uint256 = self._scales[kind]
    return scale & DEPOSIT_MASK, (scale >> DEPOSIT_BITS) & DEPOSIT_MASK, scale >> (2 * DEPOSIT_BITS)
