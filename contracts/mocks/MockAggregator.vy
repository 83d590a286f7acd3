# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockAggregator: a Chainlink feed whose answers anyone may set
@notice For tests and demos only. It has no `minAnswer` and `maxAnswer` until `set_limits` gives it some.
"""

struct Round:
    answer: int256
    updated_at: uint256
    round_id: uint80
    answered_in: uint80

decimals: public(uint8)
reverts: public(bool)
_round: Round
_min_answer: int192
_max_answer: int192


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
def set_limits(min_answer: int192, max_answer: int192):
    """
    @notice Have limits from now on, or none when `max_answer` is 0. They change no answer: say a clamped one by `set_answer`.
    """
    self._min_answer = min_answer
    self._max_answer = max_answer


@external
@view
def minAnswer() -> int192:
    self._check_limits()
    return self._min_answer


@external
@view
def maxAnswer() -> int192:
    self._check_limits()
    return self._max_answer


@internal
@view
def _check_limits():
    assert self._max_answer != 0, "no limits"


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    assert not self.reverts, "feed is down"
    latest: Round = self._round
    return latest.round_id, latest.answer, latest.updated_at, latest.updated_at, latest.answered_in
