# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title ProductOracle: a price in one unit times that unit's price
@notice LST/ETH times ETH/USD is LST/USD. Both sources answer in WAD; the product is rounded down. The time is the
        older of the two: a fresh factor does not make the other one fresh. When either source fails, or the product
        does not fit a word, there is no price (0).
@custom:security Immutable and without an owner. Each source gets exactly `source_gas`, and less reverts the whole
        (see modules/source.vy). Both sources must differ and answer a price when this is built. That their units
        belong together (ETH to ETH) no contract can see: the hub's bounds and whoever lists the token must.
@custom:freeze Nothing to freeze: name another oracle on the hub.
@custom:rounding down, once: the price is never above the exact product.
"""
from ...interfaces import IPriceOracle
from ..modules import source

implements: IPriceOracle

WAD: constant(uint256) = 10**18
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
    @notice The product of both prices, rounded down, and the older of both times.
    @return price_wad 0 when either source has no usable price, and when the product is below 1 or above a word
    @return updated_at 0 when there is no product
    """
    source.check_gas(SOURCES, source_gas)
    price_a: uint256 = 0
    price_b: uint256 = 0
    time_a: uint256 = 0
    time_b: uint256 = 0
    price_a, time_a = source.read(first, source_gas)
    price_b, time_b = source.read(second, source_gas)
    if price_a == 0 or price_b == 0 or price_a > max_value(uint256) // price_b:
        return 0, 0
    return self._product_down(price_a, price_b), min(time_a, time_b)


@internal
@pure
def _product_down(a: uint256, b: uint256) -> uint256:
    return a * b // WAD
