# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title TokenAlias: a second address for one and the same token
@notice For tests only. What somebody holds under one address he holds under the other, as with tokens that were given a new front
        and kept the old one (TUSD 2022, SNX). Allowances are those of the token behind it.
"""
from ethereum.ercs import IERC20

interface Behind:
    def decimals() -> uint8: view
    def held(owner: address) -> uint256: view
    def totalSupply() -> uint256: view
    def allowance(owner: address, spender: address) -> uint256: view
    def move_for(owner: address, to: address, amount: uint256, by: address, spends: bool) -> bool: nonpayable

behind: public(immutable(address))


@deploy
def __init__(behind_: address):
    behind = behind_


@external
@view
def decimals() -> uint8:
    return staticcall Behind(behind).decimals()


@external
@view
def totalSupply() -> uint256:
    return staticcall Behind(behind).totalSupply()


@external
@view
def balanceOf(owner: address) -> uint256:
    return staticcall Behind(behind).held(owner)


@external
@view
def allowance(owner: address, spender: address) -> uint256:
    return staticcall Behind(behind).allowance(owner, spender)


@external
def transfer(to: address, amount: uint256) -> bool:
    return extcall Behind(behind).move_for(msg.sender, to, amount, msg.sender, False)


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    return extcall Behind(behind).move_for(owner, to, amount, msg.sender, True)
