# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockMarket: buys and sells tokens for coins at the feed's price, less slippage
@notice For tests and demos only. It trades from what it holds; fund it by sending tokens and coins to it.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from ...interfaces import IPriceOracle

event FeedSet:
    token: indexed(address)
    oracle: address

event Traded:
    token: indexed(address)
    trader: indexed(address)
    sold: bool
    amount: uint256
    coins: uint256

BPS: constant(uint256) = 10_000

coin: public(immutable(address))
slippage_bps: public(uint256)
feeds: public(HashMap[address, address])


@deploy
def __init__(coin_: address, slippage_bps: uint256):
    assert slippage_bps < BPS
    coin = coin_
    self.slippage_bps = slippage_bps


@external
def set_feed(token: address, oracle: address):
    self.feeds[token] = oracle
    log FeedSet(token=token, oracle=oracle)


@external
def set_slippage(slippage_bps: uint256):
    assert slippage_bps < BPS
    self.slippage_bps = slippage_bps


@external
def sell(token: address, amount: uint256, min_out: uint256, receiver: address) -> uint256:
    """
    @notice Sell `amount` of the caller's token for coins.
    @return coins paid to `receiver`
    """
    out: uint256 = self._coins_for(token, amount)
    assert out >= min_out, "below min out"
    assert extcall IERC20(token).transferFrom(msg.sender, self, amount, default_return_value=True)
    assert extcall IERC20(coin).transfer(receiver, out)
    log Traded(token=token, trader=msg.sender, sold=True, amount=amount, coins=out)
    return out


@external
def buy(token: address, coins: uint256, min_out: uint256, receiver: address) -> uint256:
    """
    @notice Buy token for `coins` of the caller's coins.
    @return base units paid to `receiver`
    """
    price: uint256 = self._price(token) * BPS // (BPS - self.slippage_bps)
    out: uint256 = coins * self._unit(token) // price
    assert out >= min_out, "below min out"
    assert extcall IERC20(coin).transferFrom(msg.sender, self, coins)
    assert extcall IERC20(token).transfer(receiver, out, default_return_value=True)
    log Traded(token=token, trader=msg.sender, sold=False, amount=out, coins=coins)
    return out


@external
@view
def quote_sell(token: address, amount: uint256) -> uint256:
    """
    @notice Coins that `sell` would pay now.
    """
    return self._coins_for(token, amount)


@internal
@view
def _coins_for(token: address, amount: uint256) -> uint256:
    return amount * self._price(token) * (BPS - self.slippage_bps) // (BPS * self._unit(token))


@internal
@view
def _price(token: address) -> uint256:
    oracle: address = self.feeds[token]
    assert oracle != empty(address), "no feed"
    price: uint256 = 0
    updated_at: uint256 = 0
    price, updated_at = staticcall IPriceOracle(oracle).price()
    assert price != 0, "no price"
    return price


@internal
@view
def _unit(token: address) -> uint256:
    return 10 ** convert(staticcall IERC20Detailed(token).decimals(), uint256)
