# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Account: the one word that says everything about an account
@notice Fields from the least significant bit:
        `normalized_debt:104 | collateral_mask:32 | auction_start:40 | touched_at:40 | margin_model:8 | flags:32`.
        An account id is `uint256(owner) << 8 | sub`.
"""
from . import reasons

DEBT_MASK: constant(uint256) = 2**104 - 1
KINDS_MASK: constant(uint256) = 2**32 - 1
TIME_MASK: constant(uint256) = 2**40 - 1
COLLATERAL_MASK: constant(uint256) = 104  # where the fields begin
AUCTION_START: constant(uint256) = 136
TOUCHED_AT: constant(uint256) = 176
MARGIN_MODEL: constant(uint256) = 216
FLAGS: constant(uint256) = 224

struct Account:
    normalized_debt: uint256
    collateral_mask: uint256  # bit i is set if and only if the balance of kind i is above zero
    auction_start: uint256  # the margin-call clock: 0, or when the auction opens
    touched_at: uint256  # when the owner last raised risk
    margin_model: uint256  # slot, 0: the book's default
    flags: uint256  # not used yet


@internal
@pure
def check_id(id: uint256):
    """
    @notice Refuse a number that is no account: an owner has 160 bits, a sub-account 8.
    """
    if id >> 168 != 0:
        reasons.fail(reasons.UNKNOWN_ACCOUNT)


@internal
@pure
def unpack(word: uint256) -> Account:
    """
    @notice The fields of an account word.
    """
    return Account(
        normalized_debt=word & DEBT_MASK,
        collateral_mask=word >> COLLATERAL_MASK & KINDS_MASK,
        auction_start=word >> AUCTION_START & TIME_MASK,
        touched_at=word >> TOUCHED_AT & TIME_MASK,
        margin_model=word >> MARGIN_MODEL & 255,
        flags=word >> FLAGS,
    )


@internal
@pure
def pack(
    old_word: uint256, normalized_debt: uint256, collateral_mask: uint256, auction_start: uint256, touched_at: uint256
) -> uint256:
    """
    @notice An account word with these fields, and margin model and flags of the old one. Reverts when the debt does not
            fit; masks are made of known kinds, times are block times and short periods, which fit for 34,000 years.
            An account without debt and collateral keeps no time.
    """
    if normalized_debt > DEBT_MASK:
        reasons.fail(reasons.DEBT_TOO_LARGE)
    word: uint256 = old_word >> MARGIN_MODEL << MARGIN_MODEL
    if normalized_debt | collateral_mask == 0:
        return word
    return (
        word
        | normalized_debt
        | collateral_mask << COLLATERAL_MASK
        | auction_start << AUCTION_START
        | touched_at << TOUCHED_AT
    )
