# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title FalseShareVault: an ERC-4626 vault whose share price can be any answer or none
@notice For tests only. Modes of `convertToAssets`: 0 answers `assets` whatever is asked, 1 reverts, 2 burns all gas,
        3 answers the bytes set by `set_raw`.
"""
asset: public(address)
decimals: public(uint8)
assets: public(uint256)
mode: public(uint256)
raw: public(Bytes[128])


@deploy
def __init__(asset: address, decimals: uint8, assets: uint256):
    self.asset = asset
    self.decimals = decimals
    self.assets = assets


@external
def set_assets(assets: uint256):
    """
    @notice Answer this for every question.
    """
    self.assets = assets
    self.mode = 0


@external
def set_mode(mode: uint256):
    self.mode = mode


@external
def set_raw(raw: Bytes[128]):
    self.raw = raw
    self.mode = 3


@external
@view
@raw_return
def convertToAssets(shares: uint256) -> Bytes[128]:
    if self.mode == 1:
        raise "vault is down"
    if self.mode == 2:
        waste: bytes32 = empty(bytes32)
        for _: uint256 in range(1_000_000):
            waste = keccak256(waste)
    if self.mode == 3:
        return self.raw
    return abi_encode(self.assets)
