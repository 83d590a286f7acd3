# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockUptimeFeed: the uptime feed of a sequencer that can be told to misbehave
@notice For tests only. Modes: 0 answers a round, 1 reverts, 2 burns all gas, 3 answers four words, 4 answers six.
"""
status: public(uint256)
since: public(uint256)
mode: public(uint256)


@external
def set_status(status: uint256, since: uint256):
    """
    @param status 0 up, 1 down
    @param since unix seconds of the change
    """
    self.status = status
    self.since = since


@external
def set_mode(mode: uint256):
    self.mode = mode


@external
@view
@raw_return
def latestRoundData() -> Bytes[192]:
    if self.mode == 1:
        raise "no round"
    if self.mode == 2:
        waste: bytes32 = empty(bytes32)
        for _: uint256 in range(1_000_000):
            waste = keccak256(waste)
    if self.mode == 3:
        return abi_encode(convert(1, uint256), self.status, self.since, self.since)
    if self.mode == 4:
        return abi_encode(convert(1, uint256), self.status, self.since, self.since, convert(1, uint256), self.since)
    return abi_encode(convert(1, uint256), self.status, self.since, self.since, convert(1, uint256))
