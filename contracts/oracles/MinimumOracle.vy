# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title MinimumOracle: the lower of two prices
@notice For a token that must be worth no more than either source says: the market's price of a staking token beside
        what its vault would pay for it, so that neither a pumped market nor a donation to the vault raises it. The
        time is the older of the two, whichever is lower: the other one is what keeps the price from being higher.
        When either source fails there is no price (0): one of them alone is not what was promised.
@custom:security Immutable and without an owner. Each source gets exactly `source_gas`, and less reverts the whole
        (see modules/source.vy). Both sources must differ and answer a price when this is built.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle
from ..modules import source

implements: IPriceOracle

SOURCES: constant(uint256) = 2

first: public(immutable(address))
second: public(immutable(address))
source_gas: public(immutable(uint256))


@deploy
def __init__(first_: address, second_: address, source_gas_: uint256):
    """
    @param source_gas_ gas that each source gets: 140,000 beneath the hub, 40,000 beneath another composite
    """
    assert first_ != second_, "same source"
    source.check_budget(SOURCES, source_gas_)
    source.check_source(first_, source_gas_)
    source.check_source(second_, source_gas_)
    first = first_
    second = second_
    source_gas = source_gas_


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The lower of both prices and the older of both times.
    @return price_wad 0 when either source has no usable price
    @return updated_at 0 with price 0
    """
    source.check_gas(SOURCES, source_gas)
    price_a: uint256 = 0
    price_b: uint256 = 0
    time_a: uint256 = 0
    time_b: uint256 = 0
    price_a, time_a = source.read(first, source_gas)
    price_b, time_b = source.read(second, source_gas)
    if price_a == 0 or price_b == 0:
        return 0, 0
    return min(price_a, price_b), min(time_a, time_b)
