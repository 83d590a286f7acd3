# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title ChainlinkOracle: one Chainlink-style feed as a WAD price
@notice Translates the latest round of any contract with `latestRoundData` and `decimals` into WAD coin units per whole
        token, rounded down, with the time of the round. It reports and never judges freshness. An answer that cannot
        be a price (not above zero, an incomplete round, too large to normalise) is reported as price 0; a feed that
        reverts makes this revert. The hub contains both.
@custom:security Immutable and without an owner: another feed is another adapter. Decimals are read once, at
        construction; a feed that changes them later is caught by the hub's bounds.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle

implements: IPriceOracle

interface Aggregator:
    def decimals() -> uint8: view
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view

WAD_DECIMALS: constant(uint256) = 18
MAX_DECIMALS: constant(uint256) = 36

aggregator: public(immutable(address))
decimals: public(immutable(uint256))
SCALE_UP: immutable(uint256)
SCALE_DOWN: immutable(uint256)


@deploy
def __init__(aggregator_: address):
    assert aggregator_.is_contract, "aggregator has no code"
    aggregator = aggregator_
    decimals = convert(staticcall Aggregator(aggregator_).decimals(), uint256)
    assert decimals <= MAX_DECIMALS, "bad decimals"
    SCALE_UP = 10 ** (WAD_DECIMALS - decimals) if decimals < WAD_DECIMALS else 1
    SCALE_DOWN = 10 ** (decimals - WAD_DECIMALS) if decimals > WAD_DECIMALS else 1


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The answer of the latest round as a WAD price, rounded down, and the time of that round.
    @return price_wad 0 when the round holds no usable price
    @return updated_at the feed's own time, whatever it says
    """
    round_id: uint80 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in: uint80 = 0
    round_id, answer, started_at, updated_at, answered_in = staticcall Aggregator(aggregator).latestRoundData()

    if answer <= 0 or updated_at == 0 or answered_in < round_id:
        return 0, updated_at
    magnitude: uint256 = convert(answer, uint256)
    if magnitude > max_value(uint256) // SCALE_UP:
        return 0, updated_at
    return magnitude * SCALE_UP // SCALE_DOWN, updated_at
