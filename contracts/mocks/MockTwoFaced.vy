# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockTwoFaced: a token and a price source that answers each caller as it likes
@notice For tests only. What a caller is answered is set for that caller, or for everybody (the zero address). Modes: 0
        answers the bytes that were set, 1 reverts, 2 burns all gas, 3 writes first, 4 calls somebody first and answers
        whatever comes of it.
"""
DECIMALS: constant(uint256) = 0
BALANCE: constant(uint256) = 1
PRICE: constant(uint256) = 2

answers: HashMap[address, HashMap[uint256, Bytes[128]]]
modes: HashMap[address, HashMap[uint256, uint256]]
is_set: HashMap[address, HashMap[uint256, bool]]
target: address
data: Bytes[2048]
written: public(uint256)


@external
def set_answer(caller: address, question: uint256, mode: uint256, answer: Bytes[128]):
    """
    @param question 0 decimals, 1 balanceOf, 2 price
    """
    self.modes[caller][question] = mode
    self.answers[caller][question] = answer
    self.is_set[caller][question] = True


@external
def set_call(target: address, data: Bytes[2048]):
    """
    @notice What mode 4 calls.
    """
    self.target = target
    self.data = data


@external
@raw_return
def decimals() -> Bytes[128]:
    return self._say(DECIMALS)


@external
@raw_return
def balanceOf(owner: address) -> Bytes[128]:
    return self._say(BALANCE)


@external
@raw_return
def price() -> Bytes[128]:
    return self._say(PRICE)


@internal
def _say(question: uint256) -> Bytes[128]:
    caller: address = msg.sender
    if not self.is_set[caller][question]:
        caller = empty(address)
    mode: uint256 = self.modes[caller][question]
    if mode == 1:
        raise "says nothing"
    if mode == 2:
        waste: bytes32 = empty(bytes32)
        for _: uint256 in range(1_000_000):
            waste = keccak256(waste)
    if mode == 3:
        self.written += 1
    if mode == 4:
        called: bool = raw_call(self.target, self.data, gas=100_000, revert_on_failure=False)
    return self.answers[caller][question]
