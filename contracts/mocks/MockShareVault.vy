# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title MockShareVault: an ERC-4626 vault that pays by its balance
@notice For tests and demos only. Deposits and withdrawals are real and round against the caller. What it manages is what it holds:
        a transfer to it is a donation, tokens burnt from it are a loss. Without virtual shares: the
        first depositor's attack works here, as it did on the vaults that were attacked.
"""
from ethereum.ercs import IERC20

implements: IERC20

interface Token:
    def decimals() -> uint8: view

event Deposit:
    sender: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

event Withdraw:
    sender: indexed(address)
    receiver: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

name: public(constant(String[32])) = "Mock share"
symbol: public(constant(String[16])) = "SHARE"
asset: public(immutable(address))
decimals: public(immutable(uint8))
ONE_TO_ONE: immutable(uint256)
ASSET_UNIT: immutable(uint256)

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)


@deploy
def __init__(asset_: address, decimals_: uint8):
    """
    @param decimals_ of the share; while the vault is empty a whole share costs a whole asset
    """
    asset = asset_
    decimals = decimals_
    ONE_TO_ONE = 10 ** convert(decimals_, uint256)
    ASSET_UNIT = 10 ** convert(staticcall Token(asset_).decimals(), uint256)


@external
@view
def totalAssets() -> uint256:
    return self._assets()


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    return self._to_assets_down(shares)


@external
@view
def convertToShares(assets: uint256) -> uint256:
    return self._to_shares_down(assets)


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    shares: uint256 = self._to_shares_down(assets)
    assert shares != 0, "no shares"
    assert extcall IERC20(asset).transferFrom(msg.sender, self, assets), "transfer in failed"
    self.totalSupply += shares
    self.balanceOf[receiver] += shares
    log IERC20.Transfer(sender=empty(address), receiver=receiver, value=shares)
    log Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)
    return shares


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    shares: uint256 = self._to_shares_up(assets)
    self._pay(assets, shares, receiver, owner)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    assets: uint256 = self._to_assets_down(shares)
    self._pay(assets, shares, receiver, owner)
    return assets


@internal
def _pay(assets: uint256, shares: uint256, receiver: address, owner: address):
    if msg.sender != owner and self.allowance[owner][msg.sender] != max_value(uint256):
        self.allowance[owner][msg.sender] -= shares
    self.balanceOf[owner] -= shares
    self.totalSupply -= shares
    assert extcall IERC20(asset).transfer(receiver, assets), "transfer out failed"
    log IERC20.Transfer(sender=owner, receiver=empty(address), value=shares)
    log Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        self.allowance[owner][msg.sender] = allowed - amount
    self._move(owner, to, amount)
    return True


@internal
def _move(owner: address, to: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)


@internal
@view
def _assets() -> uint256:
    return staticcall IERC20(asset).balanceOf(self)


@internal
@view
def _to_assets_down(shares: uint256) -> uint256:
    supply: uint256 = self.totalSupply
    if supply == 0:
        return shares * ASSET_UNIT // ONE_TO_ONE
    return shares * self._assets() // supply


@internal
@view
def _to_shares_down(assets: uint256) -> uint256:
    supply: uint256 = self.totalSupply
    if supply == 0:
        return assets * ONE_TO_ONE // ASSET_UNIT
    return assets * supply // self._assets()


@internal
@view
def _to_shares_up(assets: uint256) -> uint256:
    product: uint256 = assets * self.totalSupply
    held: uint256 = self._assets()
    return product // held + (1 if product % held != 0 else 0)
