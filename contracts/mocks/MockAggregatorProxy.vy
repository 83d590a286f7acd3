# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockAggregatorProxy: a Chainlink proxy that anyone may point at another aggregator
@notice For tests only. As Chainlink's: a round id is the phase, counted up by each change, above the aggregator's own
        64 bits, and everything else is passed through.
"""

interface Aggregator:
    def decimals() -> uint8: view
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view

PHASE_SHIFT: constant(uint256) = 64
ROUND_MASK: constant(uint256) = 2**PHASE_SHIFT - 1

# aggregator:160 | phase:16, one slot as in Chainlink's
_phase: uint256


@deploy
def __init__(aggregator: address):
    self._point_at(aggregator)


@external
def set_aggregator(aggregator: address):
    """
    @notice Begin the next phase with another aggregator, whatever it is.
    """
    self._point_at(aggregator)


@internal
def _point_at(aggregator: address):
    phase: uint256 = (self._phase >> 160) + 1
    self._phase = convert(aggregator, uint256) | (phase << 160)


@external
@view
def aggregator() -> address:
    return self._aggregator()


@external
@view
def phaseId() -> uint16:
    return convert(self._phase >> 160, uint16)


@external
@view
def decimals() -> uint8:
    return staticcall Aggregator(self._aggregator()).decimals()


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    round_id: uint80 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in: uint80 = 0
    round_id, answer, started_at, updated_at, answered_in = staticcall Aggregator(self._aggregator()).latestRoundData()
    return self._in_phase(round_id), answer, started_at, updated_at, self._in_phase(answered_in)


@internal
@view
def _in_phase(round_id: uint80) -> uint80:
    phase: uint256 = self._phase >> 160
    return convert((phase << PHASE_SHIFT) | (convert(round_id, uint256) & ROUND_MASK), uint80)


@internal
@view
def _aggregator() -> address:
    return convert(self._phase & (2**160 - 1), address)
