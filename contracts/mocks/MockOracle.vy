# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockOracle: a price source that can misbehave in every way a callee can
@notice For tests only. Modes: 0 answers 64 bytes, 1 reverts without a reason, 2 reverts with a reason, 3 burns all
        gas, 4 answers the bytes set by `set_raw`, 5 answers 100 kB, 6 answers after the work set by `set_work`.
"""
price_wad: public(uint256)
updated_at: public(uint256)
mode: public(uint256)
raw: public(Bytes[128])
work: public(uint256)


@deploy
def __init__(price_wad: uint256):
    self.price_wad = price_wad
    self.updated_at = block.timestamp


@external
def set_price(price_wad: uint256):
    """
    @notice Report a price made now.
    """
    self.price_wad = price_wad
    self.updated_at = block.timestamp


@external
def set_report(price_wad: uint256, updated_at: uint256):
    self.price_wad = price_wad
    self.updated_at = updated_at


@external
def set_mode(mode: uint256):
    self.mode = mode


@external
def set_raw(raw: Bytes[128]):
    self.raw = raw
    self.mode = 4


@external
def set_work(rounds: uint256):
    """
    @notice Spend a fixed amount of gas, proportional to `rounds`, before each answer.
    """
    self.work = rounds
    self.mode = 6


@external
@view
@raw_return
def price() -> Bytes[102400]:
    if self.mode == 1:
        raw_revert(b"")
    if self.mode == 2:
        raise "source is down"
    if self.mode == 3:
        self._spend(1_000_000)
    if self.mode == 4:
        return self.raw
    if self.mode == 5:
        return abi_encode(empty(uint256[3200]))
    if self.mode == 6:
        self._spend(self.work)
    return abi_encode(self.price_wad, self.updated_at)


@internal
@pure
def _spend(rounds: uint256):
    waste: bytes32 = empty(bytes32)
    for _: uint256 in range(rounds, bound=1_000_000):
        waste = keccak256(waste)
