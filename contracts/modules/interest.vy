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
    ledger.store_interest(ledger.Interest(index=RAY, accrued_at=block.timestamp, rate=rate))


@internal
@view
def live_index() -> uint256:
    """
    @notice The index as of now, RAY, rounded up.
    """
    return self.live(ledger.load_interest())


@internal
def refresh(period: uint256) -> uint256:
    """
    @notice The live index, written when the last write is at least `period` seconds old.
    """
    written: ledger.Interest = ledger.load_interest()
    index: uint256 = self.live(written)
    if block.timestamp > written.accrued_at and block.timestamp >= written.accrued_at + period:
        written.index = index
        written.accrued_at = block.timestamp
        ledger.store_interest(written)
        log IVault.Accrued(index=index)
    return index


@internal
def set_rate(rate: uint256):
    """
    @notice Change the rate after accruing at the old one.
    """
    self.check_rate(rate)
    index: uint256 = self.refresh(0)
    ledger.store_interest(ledger.Interest(index=index, accrued_at=block.timestamp, rate=rate))
    log IVault.RateSet(rate=rate)


@internal
@view
def live(written: ledger.Interest) -> uint256:
    if written.accrued_at == block.timestamp:
        return written.index
    return margin_math.index_up(written.index, written.rate, block.timestamp - written.accrued_at)


@internal
@pure
def check_rate(rate: uint256):
    if rate > MAX_RATE:
        reasons.fail("rate too high")
