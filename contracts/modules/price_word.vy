# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Price word: what the hub says of a kind, in one word
@notice Fields from the least significant bit:
        `lo:88 | hi:88 | updated_at:40 | initial_multiplier:16 | maintenance_multiplier:16 | flags:8`.
"""

FAILED: constant(uint256) = 1  # no usable price now: `lo` is 0, `hi` the last one
CONFIRMING: constant(uint256) = 2  # the price has jumped or come back and is not yet confirmed
PRICE_MASK: constant(uint256) = 2**88 - 1
BPS_MASK: constant(uint256) = 2**16 - 1
HI: constant(uint256) = 88  # where the fields begin
INITIAL_MULTIPLIER: constant(uint256) = 216
MAINTENANCE_MULTIPLIER: constant(uint256) = 232
FLAGS: constant(uint256) = 248

struct Price:
    lo: uint256
    hi: uint256
    initial_multiplier: uint256
    maintenance_multiplier: uint256
    flags: uint256


@internal
@pure
def unpack(word: uint256) -> Price:
    """
    @notice The fields of a price word that a vault reads.
    """
    return Price(
        lo=word & PRICE_MASK,
        hi=word >> HI & PRICE_MASK,
        initial_multiplier=word >> INITIAL_MULTIPLIER & BPS_MASK,
        maintenance_multiplier=word >> MAINTENANCE_MULTIPLIER & BPS_MASK,
        flags=word >> FLAGS,
    )
