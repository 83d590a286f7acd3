# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title ReentrantToken: an ERC-20 that calls a configured target on every transfer
@notice For tests only; anyone may mint. After `set_callback(target, data)` each transfer makes that call once the
        balances are changed (a receive hook) and records whether it went through; the transfer itself goes on.
        The call does not recurse: a transfer made inside it does not call again.
"""
from ethereum.ercs import IERC20

implements: IERC20

name: public(String[32])
symbol: public(String[16])
decimals: public(immutable(uint8))
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
target: public(address)
data: public(Bytes[1024])
calls: public(uint256)
successes: public(uint256)
last_response: public(Bytes[256])
_inside: transient(bool)


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
def set_callback(target: address, data: Bytes[1024]):
    """
    @notice Call `target` with `data` on each transfer; the zero address switches it off. Resets the counters.
    """
    self.target = target
    self.data = data
    self.calls = 0
    self.successes = 0
    self.last_response = b""


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
    if self.target == empty(address) or self._inside:
        return
    self._inside = True
    success: bool = False
    response: Bytes[256] = b""
    success, response = raw_call(self.target, self.data, max_outsize=256, revert_on_failure=False)
    self._inside = False
    self.calls += 1
    if success:
        self.successes += 1
    self.last_response = response
