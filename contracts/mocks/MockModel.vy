# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockModel: a margin model that answers whatever it is told to, or does what a model must not
@notice For tests only. `mode`: 0 the words that were set; 1 a revert; 2 burns all gas; 3 one word too few; 4 one word
        too many; 5 nothing; 6 tries to write; 7 makes a call that must succeed; 8 the words inside 64 kB; 9 the words, if
        it was asked exactly what was expected, else a revert; 10 the gas that it was given, in the first word;
        11 a revert with five words; 12 one byte too few; 13 the words, after spending 290,000 gas.
"""
from ...interfaces import IMarginModel

mode: public(uint256)
words: public(uint256[5])
expected: public(bytes32)  # hash of the encoded arguments
target: public(address)
data: public(Bytes[1024])


@external
def set_words(words: uint256[5]):
    self.mode = 0
    self.words = words


@external
def set_mode(mode: uint256):
    self.mode = mode


@external
def expect(expected: bytes32):
    self.mode = 9
    self.expected = expected


@external
def set_call(target: address, data: Bytes[1024]):
    """
    @notice Call `target` with `data` when asked; on success answer the words, else revert.
    """
    self.mode = 7
    self.target = target
    self.data = data


@external
@raw_return
def surcharges(
    account: uint256, exposures: DynArray[IMarginModel.Exposure, 8], sold_kind: uint256
) -> Bytes[65536]:
    gas: uint256 = msg.gas
    mode: uint256 = self.mode
    words: uint256[5] = self.words
    answer: Bytes[160] = abi_encode(words)
    if mode == 1:
        raise "no opinion"
    if mode == 2:
        spent: uint256 = 0
        for i: uint256 in range(10**18):
            spent = unsafe_add(spent, i)
    if mode == 3:
        return slice(answer, 0, 128)
    if mode == 4:
        return concat(answer, empty(bytes32))
    if mode == 5:
        return b""
    if mode == 6:
        self.mode = 0
    if mode == 7:
        raw_call(self.target, self.data)
    if mode == 8:
        return abi_encode(words, empty(uint256[2043]))
    if mode == 9:
        assert keccak256(abi_encode(account, exposures, sold_kind)) == self.expected, "not as expected"
    if mode == 10:
        return concat(abi_encode(gas), slice(answer, 32, 128))
    if mode == 11:
        raw_revert(answer)
    if mode == 13:
        for _: uint256 in range(10**6):
            if msg.gas + 290_000 < gas:
                break
    if mode == 12:
        return slice(answer, 0, 159)
    return answer
