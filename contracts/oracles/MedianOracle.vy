# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title MedianOracle: three sources, of which one may lie or one may be dead
@notice A source is dead when it reverts, burns its gas, answers in another shape, says 0, or names a time that is in
        the future or more than `max_age` seconds ago.
        Three alive: the median. With at most one liar it lies between two honest prices, wherever the liar stands:
        that needs no agreement, and asking for one would leave a true crash, in which honest sources follow at
        different speeds, without a price.
        Two alive: a liar cannot be told from the honest one, so both must agree within `max_spread_bps` of the higher,
        and the lower counts. A liar can then lower the price by that spread and never raise it. Lower is right here:
        what is lent against too high a price is gone, whereas too low a price asks for margin, with a grace period to
        answer it.
        Fewer, or two that disagree: no price (0).
        The time is the oldest of those alive, for the price rests on all of them: the median is what it is because the
        others stand on its two sides. An outlier can thus make the answer look older, but by no more than `max_age`,
        beyond which it is dead; so let the hub's max_age of this kind be no less than this one.
@custom:security Immutable and without an owner. Each source gets exactly `source_gas`, and less reverts the whole
        (see modules/source.vy). The sources must differ and be alive when this is built. Two adapters of one and the
        same feed are one source: no contract can see that.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle
from ..modules import source

implements: IPriceOracle

BPS: constant(uint256) = 10_000
MAX_SPREAD: constant(uint256) = 2_000
LONGEST_AGE: constant(uint256) = 2**24 - 1
SOURCES: constant(uint256) = 3

first: public(immutable(address))
second: public(immutable(address))
third: public(immutable(address))
max_age: public(immutable(uint256))
max_spread_bps: public(immutable(uint256))
source_gas: public(immutable(uint256))


@deploy
def __init__(
    first_: address, second_: address, third_: address, max_age_: uint256, max_spread_bps_: uint256, source_gas_: uint256
):
    """
    @param max_age_ seconds after which a source is dead
    @param max_spread_bps_ how far below the higher of the last two sources the lower may be
    @param source_gas_ gas that each source gets: 90,000 beneath the hub, 40,000 beneath another composite
    """
    assert first_ != second_ and first_ != third_ and second_ != third_, "same source"
    assert max_age_ != 0 and max_age_ <= LONGEST_AGE, "bad max age"
    assert max_spread_bps_ != 0 and max_spread_bps_ <= MAX_SPREAD, "bad spread"
    source.check_budget(SOURCES, source_gas_)
    for oracle: address in [first_, second_, third_]:
        updated_at: uint256 = source.check_source(oracle, source_gas_)
        assert block.timestamp - updated_at <= max_age_, "source is stale"
    first = first_
    second = second_
    third = third_
    max_age = max_age_
    max_spread_bps = max_spread_bps_
    source_gas = source_gas_


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The median of three prices, or the lower of two that agree, and the oldest of their times.
    @return price_wad 0 when there is no such price
    @return updated_at 0 with price 0
    """
    source.check_gas(SOURCES, source_gas)
    alive: uint256 = 0
    lowest: uint256 = max_value(uint256)
    highest: uint256 = 0
    every: uint256 = 0  # all prices, one xor the other: what is left without the two outer ones is the median
    oldest: uint256 = block.timestamp
    for oracle: address in [first, second, third]:
        found: uint256 = 0
        updated_at: uint256 = 0
        found, updated_at = source.read(oracle, source_gas)
        if found == 0 or block.timestamp - updated_at > max_age:
            continue
        alive += 1
        lowest = min(lowest, found)
        highest = max(highest, found)
        every ^= found
        oldest = min(oldest, updated_at)

    if alive == SOURCES:
        return every ^ lowest ^ highest, oldest
    if alive == SOURCES - 1 and self._agree(lowest, highest):
        return lowest, oldest
    return 0, 0


@internal
@view
def _agree(lower: uint256, higher: uint256) -> bool:
    """
    @dev A price that times BPS does not fit a word agrees with nothing: the hub's largest is 2**88.
    """
    if higher > max_value(uint256) // BPS:
        return False
    return lower * BPS >= higher * (BPS - max_spread_bps)
