# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MoodyToken: an ERC-20 whose transfers turn against some or all receivers
@notice For tests only; anyone may mint and set moods: of one receiver, or of everybody (the zero address). Moods of
        `transfer`: 0 moves, 1 reverts, 2 returns false, 3 burns all gas, 4 reverts with 100 kB, 5 returns nothing after
        moving, 6 answers with the word 2. `transferFrom` is always well-behaved.
"""
from ethereum.ercs import IERC20

name: public(String[32])
symbol: public(String[16])
decimals: public(immutable(uint8))
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
mood_of: public(HashMap[address, uint256])


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
def set_mood(receiver: address, mood: uint256):
    self.mood_of[receiver] = mood


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
@raw_return
def transfer(to: address, amount: uint256) -> Bytes[32]:
    mood: uint256 = max(self.mood_of[to], self.mood_of[empty(address)])
    if mood == 1:
        raise "blocked"
    if mood == 2:
        return abi_encode(False)
    if mood == 3:
        waste: bytes32 = empty(bytes32)
        for _: uint256 in range(10_000_000):
            waste = keccak256(waste)
    if mood == 4:
        shout: DynArray[uint256, 3_125] = []
        for _: uint256 in range(3_125):
            shout.append(max_value(uint256))
        raw_revert(abi_encode(shout))
    self._move(msg.sender, to, amount)
    if mood == 5:
        return b""
    if mood == 6:
        return abi_encode(convert(2, uint256))
    return abi_encode(True)


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
