# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockWallet: a wallet that answers EIP-1271, honestly or not
@notice For tests only. It confirms what its owner's key has signed (r, s, v) as `answer` says:
        0 honestly, 1 with another word, 2 by a revert with the right word, 3 by burning all gas, 4 with a longer answer
        that begins with the right word, 5 with the right 4 bytes and nothing after them, 6 with the right 4 bytes and
        dirt after them, 7 with nothing, 8 with a longer answer that ends with the right word, 9 by trying to write,
        10 with an answer of 64 kB.
"""
VALID: constant(bytes4) = 0x1626ba7e

owner: public(immutable(address))
answer: public(uint256)


@deploy
def __init__(owner_: address):
    owner = owner_


@external
def set_answer(answer: uint256):
    self.answer = answer


@external
@raw_return
def isValidSignature(digest: bytes32, signature: Bytes[1024]) -> Bytes[65536]:
    right: bytes32 = convert(convert(VALID, uint256) << 224, bytes32)
    wrong: bytes32 = convert(0xffffffff, bytes32)
    signer: address = ecrecover(
        digest,
        convert(extract32(signature, 33), uint256) & 255,
        convert(extract32(signature, 0), uint256),
        convert(extract32(signature, 32), uint256),
    )
    if signer != owner or self.answer == 1:
        return concat(wrong, b"")
    if self.answer == 2:
        raw_revert(concat(right, b""))
    if self.answer == 3:
        spent: uint256 = 0
        for i: uint256 in range(10**18):
            spent = unsafe_add(spent, i)
    if self.answer == 4:
        return concat(right, wrong)
    if self.answer == 5:
        return slice(right, 0, 4)
    if self.answer == 6:
        return concat(VALID, slice(digest, 0, 28))
    if self.answer == 7:
        return b""
    if self.answer == 8:
        return concat(wrong, right)
    if self.answer == 9:
        self.answer = 0
    if self.answer == 10:
        return abi_encode(right, empty(uint256[2047]))
    return concat(right, b"")
