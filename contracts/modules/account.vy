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

struct Account:
    normalized_debt: uint256
    collateral_mask: uint256  # bit i is set if and only if the balance of kind i is above zero
    auction_start: uint256  # the margin-call clock: 0, or when the auction opens
    touched_at: uint256  # when the owner last raised risk
    spare: uint256  # margin model and flags, kept as they are


@internal
@pure
def check_id(id: uint256):
    """
    @notice Refuse a number that is no account: an owner has 160 bits, a sub-account 8.
    """
    if id >> 168 != 0:
        reasons.fail("unknown account")


@internal
@pure
def unpack(word: uint256) -> Account:
    """
    @notice The fields of an account word.
    """
    return Account(
        normalized_debt=word & DEBT_MASK,
        collateral_mask=(word >> 104) & KINDS_MASK,
        auction_start=(word >> 136) & TIME_MASK,
        touched_at=(word >> 176) & TIME_MASK,
        spare=word >> 216,
    )


@internal
@pure
def pack(fields: Account) -> uint256:
    """
    @notice The account word of these fields; reverts when one does not fit.
    """
    if fields.normalized_debt > DEBT_MASK:
        reasons.fail("debt too large")
    # a mask is made of known kinds, times are block times and short periods: they fit for 34,000 years
    assert (fields.collateral_mask >> 32) | (fields.auction_start >> 40) | (fields.touched_at >> 40) == 0
    return (
        fields.normalized_debt
        | (fields.collateral_mask << 104)
        | (fields.auction_start << 136)
        | (fields.touched_at << 176)
        | (fields.spare << 216)
    )
