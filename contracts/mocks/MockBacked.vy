# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockBacked: a minter that gives coins to anybody, and says what backs them
@notice For tests only. As a reserve of the fund it keeps equity as it is: each coin given raises what it says by one. Told
        otherwise, it is a reserve that has lost or gained.
"""
from ...interfaces import IStablecoin

coin: immutable(address)
backing: public(uint256)


@deploy
def __init__(coin_: address):
    coin = coin_


@external
def give(receiver: address, amount: uint256):
    self.backing += amount
    assert extcall IStablecoin(coin).mint(receiver, amount)


@external
def set_backing(backing: uint256):
    self.backing = backing
