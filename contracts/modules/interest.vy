# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Interest: one index for all debts of a book
@notice Every reader computes the live index from the written one, so nothing waits for a write. The index is
        written at most once an hour by ordinary calls (a write costs more than all the arithmetic), and at
        any time by `accrue`. Writing never changes the live index of that moment.
"""
from ...interfaces import IVault
from . import ledger
from . import margin_math
from . import reasons

uses: ledger

RAY: constant(uint256) = 10**27
WRITE_PERIOD: constant(uint256) = 3_600  # ordinary calls write the index at most once an hour
# 100 % a year in RAY per second, rounded up
MAX_RATE: constant(uint256) = 10**27 // (365 * 86_400) + 1


@internal
def start(rate: uint256):
    """
    @notice Begin at index 1 RAY.
    """
    self.check_rate(rate)
    ledger.interest = RAY | block.timestamp << ledger.ACCRUED_AT | rate << ledger.RATE


@internal
@view
def live_index() -> uint256:
    """
    @notice The index as of now, RAY, rounded up.
    """
    return self.grown(ledger.interest)


@internal
def refresh(period: uint256) -> uint256:
    """
    @notice The live index, written when the last write is at least `period` > 0 seconds old.
    """
    word: uint256 = ledger.interest
    index: uint256 = word & ledger.HALF_MASK
    elapsed: uint256 = unsafe_sub(block.timestamp, word >> ledger.ACCRUED_AT & ledger.TIME_MASK)  # written in the past
    if elapsed != 0:
        index = margin_math.index_up(index, word >> ledger.RATE & ledger.RATE_MASK, elapsed)
    if elapsed >= period:
        ledger.interest = word >> ledger.RATE << ledger.RATE | block.timestamp << ledger.ACCRUED_AT | index
        log IVault.Accrued(index=index)
    return index


@internal
def set_rate(rate: uint256):
    """
    @notice Change the rate after accruing at the old one.
    """
    self.check_rate(rate)
    self.refresh(1)
    word: uint256 = ledger.interest
    ledger.interest = word & ~(ledger.RATE_MASK << ledger.RATE) | rate << ledger.RATE
    log IVault.RateSet(rate=rate)


@internal
def note_loss():
    """
    @notice Remember the hour in which an absorb or bad debt happened, rounded up: the fund pays nothing out for a while.
            Its field holds hours of unix time until the year 2089.
    """
    hour: uint256 = unsafe_add(block.timestamp // 3_600, 1) & ledger.HOUR_MASK  # far below 2**256
    ledger.interest = ledger.interest & ~(ledger.HOUR_MASK << ledger.LOST_AT) | hour << ledger.LOST_AT


@internal
@view
def grown(word: uint256) -> uint256:
    """
    @notice The index of an interest word, brought to now.
    """
    index: uint256 = word & ledger.HALF_MASK
    # the index was written in the past
    elapsed: uint256 = unsafe_sub(block.timestamp, word >> ledger.ACCRUED_AT & ledger.TIME_MASK)
    if elapsed == 0:
        return index
    return margin_math.index_up(index, word >> ledger.RATE & ledger.RATE_MASK, elapsed)


@internal
@pure
def check_rate(rate: uint256):
    if rate > MAX_RATE:
        reasons.fail(reasons.RATE_TOO_HIGH)
