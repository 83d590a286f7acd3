# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title TurningToken: an ERC-20 that is honest until it turns
@notice For tests only; anyone may mint, turn it and block people. Natures of `transfer` and `transferFrom`: 0 moves and answers
        true, 1 moves nothing and answers false, 2 moves and answers nothing, 3 moves and answers the word 2, 4 keeps
        `fee_bps`, 5 reverts, 6 moves and then makes the call set by `set_attempt`, 7 moves a unit less than it was asked to.
"""
from ethereum.ercs import IERC20

name: public(String[32])
symbol: public(String[16])
decimals: public(immutable(uint8))
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
nature: public(uint256)
fee_bps: public(uint256)
is_blocked: public(HashMap[address, bool])
target: public(address)
data: public(Bytes[1024])
calls: public(uint256)
successes: public(uint256)
answer: public(uint256)  # the first word of what the last attempt was answered, 0 where it failed


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
def turn(nature: uint256, fee_bps: uint256):
    assert nature < 8 and fee_bps <= 10_000
    self.nature = nature
    self.fee_bps = fee_bps


@external
def set_attempt(target: address, data: Bytes[1024]):
    self.target = target
    self.data = data


@external
def set_blocked(who: address, blocked: bool):
    self.is_blocked[who] = blocked


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
@raw_return
def transfer(to: address, amount: uint256) -> Bytes[32]:
    return self._move(msg.sender, to, amount)


@external
@raw_return
def transferFrom(owner: address, to: address, amount: uint256) -> Bytes[32]:
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        self.allowance[owner][msg.sender] = allowed - amount
    return self._move(owner, to, amount)


@internal
def _move(owner: address, to: address, amount: uint256) -> Bytes[32]:
    nature: uint256 = self.nature
    assert not (self.is_blocked[owner] or self.is_blocked[to]), "blocked"
    assert nature != 5, "token says no"
    if nature == 1:
        return abi_encode(False)
    fee: uint256 = 0
    if nature == 4:
        fee = amount * self.fee_bps // 10_000
    if nature == 7:
        fee = min(amount, 1)
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount - fee
    self.totalSupply -= fee
    log IERC20.Transfer(sender=owner, receiver=to, value=amount - fee)
    if nature == 6:
        self._attempt()
    if nature == 2:
        return b""
    if nature == 3:
        return abi_encode(convert(2, uint256))
    return abi_encode(True)


@internal
def _attempt():
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(self.target, self.data, max_outsize=32, revert_on_failure=False)
    self.calls += 1
    self.answer = 0
    if success:
        self.successes += 1
        self.answer = convert(response, uint256)
