# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title FalseToken: an ERC-20 that can say false instead of moving anything
@notice For tests only; anyone may mint. While `refuses` is set, transfers return false and change nothing.
"""
from ethereum.ercs import IERC20

implements: IERC20

name: public(String[32])
symbol: public(String[16])
decimals: public(immutable(uint8))
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
refuses: public(bool)


@deploy
def __init__(name: String[32], symbol: String[16], decimals_: uint8):
    self.name = name
    self.symbol = symbol
    decimals = decimals_
    self.refuses = True


@external
def mint(to: address, amount: uint256):
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@external
def burn(holder: address, amount: uint256):
    """
    @notice Burn from anyone, by anyone: a downward rebase in tests.
    """
    self.totalSupply -= amount
    self.balanceOf[holder] -= amount
    log IERC20.Transfer(sender=holder, receiver=empty(address), value=amount)


@external
def set_refuses(refuses: bool):
    self.refuses = refuses


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    if self.refuses:
        return False
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    if self.refuses:
        return False
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
