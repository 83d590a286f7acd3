# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockAggregator: a Chainlink feed whose answers anyone may set
@notice For tests and demos only.
"""

struct Round:
    answer: int256
    updated_at: uint256
    round_id: uint80
    answered_in: uint80

decimals: public(uint8)
reverts: public(bool)
_round: Round


@deploy
def __init__(decimals: uint8, answer: int256):
    self.decimals = decimals
    self._round = Round(answer=answer, updated_at=block.timestamp, round_id=1, answered_in=1)


@external
def set_answer(answer: int256):
    """
    @notice Report a new, complete round made now.
    """
    round_id: uint80 = self._round.round_id + 1
    self._round = Round(answer=answer, updated_at=block.timestamp, round_id=round_id, answered_in=round_id)


@external
def set_round(answer: int256, updated_at: uint256, round_id: uint80, answered_in: uint80):
    """
    @notice Report any round, possible or not.
    """
    self._round = Round(answer=answer, updated_at=updated_at, round_id=round_id, answered_in=answered_in)


@external
def set_decimals(decimals: uint8):
    self.decimals = decimals


@external
def set_reverts(reverts: bool):
    self.reverts = reverts


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    assert not self.reverts, "feed is down"
    latest: Round = self._round
    return latest.round_id, latest.answer, latest.updated_at, latest.updated_at, latest.answered_in
