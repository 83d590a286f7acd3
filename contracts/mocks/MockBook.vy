# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockBook: what a listing asks of a vault, answered as a test likes
@notice For tests only. It takes every listing, and stores the word of a token of 18 decimals, with the bits
        of `mask` turned.
"""
governor: public(address)
hub: public(address)
coin: public(address)
liquidation_penalty: public(uint256)
collateral: public(HashMap[uint256, uint256])
mask: public(uint256)


@deploy
def __init__(governor: address, hub: address):
    self.governor = governor
    self.hub = hub


@external
def set_word(kind: uint256, word: uint256):
    self.collateral[kind] = word


@external
def set_mask(mask: uint256):
    self.mask = mask


@external
def list_collateral(
    kind: uint256,
    token: address,
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    close_out_ltv: uint256,
    start_factor: uint256,
    end_factor: uint256,
    cap: uint256,
    isolated: bool,
):
    self.collateral[kind] = (
        convert(token, uint256)
        | initial_ltv << 160
        | maintenance_ltv << 176
        | close_out_ltv << 192
        | start_factor << 208
        | end_factor << 224
        | 18 << 240
    ) ^ self.mask
