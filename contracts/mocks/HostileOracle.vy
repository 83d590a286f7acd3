# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title HostileOracle: a feed that is its own oracle and answers in any shape
@notice For tests only. Modes of `price`: 0 answers what ChainlinkOracle would make of the round, 1 reverts, 2 answers nothing,
        3 answers 63 bytes, 4 answers 65 bytes, 5 answers one word, 6 burns all gas, 7 answers 100 kB, 8 reverts with 100 kB.
"""
SCALE: constant(uint256) = 10**10  # from the feed's 8 decimals

mode: public(uint256)
_answer: int256
_updated_at: uint256


@deploy
def __init__(answer: int256):
    self._answer = answer
    self._updated_at = block.timestamp


@external
def set_answer(answer: int256):
    self._answer = answer
    self._updated_at = block.timestamp


@external
def set_round(answer: int256, updated_at: uint256, round_id: uint80, answered_in: uint80):
    self._answer = answer
    self._updated_at = updated_at


@external
def set_mode(mode: uint256):
    assert mode < 9
    self.mode = mode


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return 1, self._answer, self._updated_at, self._updated_at, 1


@external
@view
@raw_return
def price() -> Bytes[102400]:
    price_wad: uint256 = 0
    if self._updated_at != 0 and self._answer > 0:
        answer: uint256 = convert(self._answer, uint256)
        if answer <= max_value(uint256) // SCALE:
            price_wad = answer * SCALE
    said: Bytes[64] = abi_encode(price_wad, self._updated_at)
    if self.mode == 1:
        raise "says nothing"
    if self.mode == 2:
        return b""
    if self.mode == 3:
        return slice(said, 0, 63)
    if self.mode == 4:
        return concat(said, b"x")
    if self.mode == 5:
        return abi_encode(price_wad)
    if self.mode == 6:
        waste: bytes32 = empty(bytes32)
        for _: uint256 in range(10_000_000):
            waste = keccak256(waste)
    if self.mode == 7:
        return abi_encode(empty(uint256[3200]))
    if self.mode == 8:
        raw_revert(abi_encode(empty(uint256[3200])))
    return said
