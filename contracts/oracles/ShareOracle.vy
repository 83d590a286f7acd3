# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title ShareOracle: a share of an ERC-4626 vault, by what it redeems for
@notice Price = share ratio x price of the underlying (another IPriceOracle), rounded down, with the time of the underlying's price.
        The ratio is what the vault says now, but never above a line that starts at the snapshot and rises by
        `max_growth_bps` a year: growth is limited, falls pass at once. Anyone may move the snapshot along by
        `refresh`, once a `period`. Price 0 when the underlying has none (see modules/source.vy), when the vault's answer is 0,
        absurd or of the wrong length, or when the product does not fit a word. A vault that reverts makes this revert.
@custom:rounding Ratio, line and price round down.
@custom:security Immutable and without an owner. A donation to the vault lifts the price by at most the growth since the last refresh,
        or back to the line after a loss. The snapshot never falls, so that no momentary dip can hold the price under the
        true one for months; its ratio and time are one word and are only ever written together.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle
from ..modules import source

implements: IPriceOracle

interface ShareVault:
    def asset() -> address: view
    def decimals() -> uint8: view

interface Token:
    def decimals() -> uint8: view

event Refreshed:
    ratio: uint256
    at: uint256

BPS: constant(uint256) = 10_000
RAY: constant(uint256) = 10**27
RAY_DECIMALS: constant(uint256) = 27
YEAR: constant(uint256) = 31_536_000
MIN_DECIMALS: constant(uint256) = 6
MAX_DECIMALS: constant(uint256) = 18
MIN_PERIOD: constant(uint256) = 3_600
MAX_PERIOD: constant(uint256) = 604_800
MAX_GROWTH: constant(uint256) = 10_000  # bps a year
TOLERANCE: constant(uint256) = 100  # bps between the expected and the live ratio at construction
MAX_RATIO: constant(uint256) = 2**128 - 1  # 340 thousand million assets a share
TIME_SHIFT: constant(uint256) = 128

vault: public(immutable(address))
underlying: public(immutable(address))
source_gas: public(immutable(uint256))
max_growth_bps: public(immutable(uint256))
period: public(immutable(uint256))
SHARE: immutable(uint256)
SCALE: immutable(uint256)

# ratio:128 (whole assets for a whole share, RAY) | at:40
_snapshot: uint256


@deploy
def __init__(
    vault_: address,
    underlying_: address,
    source_gas_: uint256,
    max_growth_bps_: uint256,
    period_: uint256,
    expected_ratio: uint256,
):
    """
    @param vault_ the ERC-4626 vault; its share and its asset have 6 to 18 decimals
    @param underlying_ the price of the vault's asset
    @param source_gas_ gas that it gets: 140,000 beneath the hub, 40,000 beneath another composite
    @param max_growth_bps_ the most that the ratio may grow in a year, up to 10_000. About twice the yield: a vault that pays its
           yield in steps is followed with a delay of step / growth
    @param period_ seconds between two refreshes, one hour to one week
    @param expected_ratio what the deployer believes the ratio is (whole assets for a whole share, RAY): the live one must be within
           1 % of it, so that nobody sets the line by a donation right before
    """
    assert vault_.is_contract, "vault has no code"
    source.check_budget(1, source_gas_)
    source.check_source(underlying_, source_gas_)
    assert 0 < max_growth_bps_ and max_growth_bps_ <= MAX_GROWTH, "bad growth"
    assert MIN_PERIOD <= period_ and period_ <= MAX_PERIOD, "bad period"
    share_decimals: uint256 = convert(staticcall ShareVault(vault_).decimals(), uint256)
    asset_decimals: uint256 = convert(staticcall Token(staticcall ShareVault(vault_).asset()).decimals(), uint256)
    assert MIN_DECIMALS <= share_decimals and share_decimals <= MAX_DECIMALS, "bad decimals"
    assert MIN_DECIMALS <= asset_decimals and asset_decimals <= MAX_DECIMALS, "bad decimals"

    vault = vault_
    underlying = underlying_
    source_gas = source_gas_
    max_growth_bps = max_growth_bps_
    period = period_
    SHARE = 10**share_decimals
    SCALE = 10 ** (RAY_DECIMALS - asset_decimals)

    found: uint256 = self._ratio_down()
    assert found != 0, "no share price"
    assert expected_ratio <= MAX_RATIO, "ratio deviates"
    gap: uint256 = max(found, expected_ratio) - min(found, expected_ratio)
    assert gap * BPS <= expected_ratio * TOLERANCE, "ratio deviates"
    self._write(found)


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The price of a whole share, rounded down, and the time of the underlying's price.
    @return price_wad 0 when there is none to use
    @return updated_at as the underlying reports it; 0 when it has no price
    """
    price_wad: uint256 = 0
    updated_at: uint256 = 0
    price_wad, updated_at = source.read(underlying, source_gas)
    capped: uint256 = min(self._ratio_down(), self._cap_down())
    if capped == 0 or price_wad > max_value(uint256) // capped:
        return 0, updated_at
    return price_wad * capped // RAY, updated_at


@external
def refresh():
    """
    @notice Let the line start anew, now, at the ratio of now, if that is not below the old snapshot, and not above the old
            line. Open to anyone, once a period. A vault that fails, has no ratio or is below the snapshot makes this
            revert and changes nothing: a refresh during a dip must not take away the growth of that time, or one in
            each period would hold the price where it is for ever.
    """
    snapshot: uint256 = self._snapshot
    assert block.timestamp >= (snapshot >> TIME_SHIFT) + period, "too early"
    found: uint256 = self._ratio_down()
    assert found != 0, "no share price"
    assert found >= snapshot & MAX_RATIO, "below the snapshot"
    self._write(min(found, self._cap_down()))


@external
@view
@reentrant
def snapshot() -> (uint256, uint256):
    """
    @notice Where the line starts: the ratio (RAY) and the time.
    """
    return self._snapshot & MAX_RATIO, self._snapshot >> TIME_SHIFT


@external
@view
@reentrant
def ratio() -> (uint256, uint256):
    """
    @notice Whole assets for a whole share (RAY): what the vault says now, 0 when that is unusable, and the most that is believed.
    """
    return self._ratio_down(), self._cap_down()


@internal
@view
def _ratio_down() -> uint256:
    """
    @notice Whole assets for a whole share, RAY; 0 when the vault says 0, something absurd, or not one word.
    """
    answer: Bytes[64] = raw_call(
        vault, abi_encode(SHARE, method_id=method_id("convertToAssets(uint256)")), max_outsize=64, is_static_call=True
    )  # one word more than is right, so that a longer answer shows
    if len(answer) != 32:
        return 0
    assets: uint256 = extract32(answer, 0, output_type=uint256)
    return 0 if assets > MAX_RATIO // SCALE else assets * SCALE


@internal
@view
def _cap_down() -> uint256:
    """
    @dev Below 2**183: the ratio has 128 bits, the growth 14, the time 40.
    """
    snapshot: uint256 = self._snapshot
    start: uint256 = snapshot & MAX_RATIO
    elapsed: uint256 = block.timestamp - (snapshot >> TIME_SHIFT)
    return start + start * max_growth_bps * elapsed // (BPS * YEAR)


@internal
def _write(start: uint256):
    """
    @dev At most MAX_RATIO: nothing above the vault's own ratio or the old snapshot is ever written.
    """
    self._snapshot = start | (block.timestamp << TIME_SHIFT)
    log Refreshed(ratio=start, at=block.timestamp)
