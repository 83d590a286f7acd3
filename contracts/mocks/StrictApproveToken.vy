# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title StrictApproveToken: an ERC-20 whose calls return nothing and that changes an approval only from or to 0 (USDT)
@notice For tests only; anyone may mint.
"""
from ethereum.ercs import IERC20

name: public(String[32])
symbol: public(String[16])
decimals: public(immutable(uint8))
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)


@deploy
def __init__(name: String[32], symbol: String[16], decimals_: uint8):
    self.name = name
    self.symbol = symbol
    decimals = decimals_


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
def approve(spender: address, amount: uint256):
    assert amount == 0 or self.allowance[msg.sender][spender] == 0
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)


@external
def transfer(to: address, amount: uint256):
    self._move(msg.sender, to, amount)


@external
def transferFrom(owner: address, to: address, amount: uint256):
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        self.allowance[owner][msg.sender] = allowed - amount
    self._move(owner, to, amount)


@internal
def _move(owner: address, to: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)
