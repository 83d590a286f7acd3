# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Ledger: the storage of a book and how its words are packed
@notice Everything a book remembers about positions lives here, so that a lens placed at the vault's address
        reads the same layout. Vyper never packs: each word is packed by hand, fields from the least
        significant bit, and each pack asserts that the value fits.
        collateral[i]  token:160 | initial_ltv:16 | maintenance_ltv:16 | close_out_ltv:16 | start_factor:16 | end_factor:16 | decimals:8 | spare:8
        deposited[i]   total:128 | cap:128
        interest       index:128 (RAY) | accrued_at:40 | rate:88 (RAY per second)
        totals         total_normalized_debt:112 | take_resumes_at:40 | pauses:16 | isolated_mask:32 | frozen_mask:32 | take_pause:24
"""
from . import reasons

MAX_KINDS: constant(uint256) = 32
HALF_MASK: constant(uint256) = 2**128 - 1
BPS_MASK: constant(uint256) = 2**16 - 1
TIME_MASK: constant(uint256) = 2**40 - 1
KINDS_MASK: constant(uint256) = 2**32 - 1
TOTAL_DEBT_MASK: constant(uint256) = 2**112 - 1

PAUSE_BORROW: constant(uint256) = 1
PAUSE_WITHDRAW: constant(uint256) = 2
PAUSE_CALL: constant(uint256) = 4
PAUSE_TAKE: constant(uint256) = 8

struct Collateral:
    token: address
    initial_ltv: uint256
    maintenance_ltv: uint256
    close_out_ltv: uint256
    start_factor: uint256
    end_factor: uint256
    decimals: uint256

struct Totals:
    normalized_debt: uint256
    take_resumes_at: uint256  # no auction opens before this time
    pauses: uint256
    isolated_mask: uint256  # kinds that may not share an account
    frozen_mask: uint256  # kinds that count nothing for the initial level
    take_pause: uint256  # seconds before take_resumes_at at which the last pause of takes began

struct Interest:
    index: uint256
    accrued_at: uint256
    rate: uint256

accounts: public(HashMap[uint256, uint256])
balances: public(HashMap[uint256, HashMap[uint256, uint256]])
collateral: public(uint256[32])
deposited: public(uint256[32])
absorbed: public(uint256[32])
interest: public(uint256)
totals: public(uint256)


# words


@internal
@pure
def pack_collateral(fields: Collateral) -> uint256:
    """
    @notice The collateral word; reverts when a ratio does not fit 16 bits.
    """
    assert (
        (fields.initial_ltv | fields.maintenance_ltv | fields.close_out_ltv) >> 16 == 0
        and (fields.start_factor | fields.end_factor) >> 16 == 0
        and fields.decimals >> 8 == 0
    )
    return (
        convert(fields.token, uint256)
        | (fields.initial_ltv << 160)
        | (fields.maintenance_ltv << 176)
        | (fields.close_out_ltv << 192)
        | (fields.start_factor << 208)
        | (fields.end_factor << 224)
        | (fields.decimals << 240)
    )


@internal
@view
def collateral_of(kind: uint256) -> Collateral:
    """
    @notice The fields of a kind's collateral word, all zero when it is not listed. `kind` is below 32.
    """
    return self.unpack_collateral(self.collateral[kind])


@internal
@pure
def unpack_collateral(word: uint256) -> Collateral:
    """
    @notice The fields of a collateral word.
    """
    return Collateral(
        token=convert(word & (2**160 - 1), address),
        initial_ltv=(word >> 160) & BPS_MASK,
        maintenance_ltv=(word >> 176) & BPS_MASK,
        close_out_ltv=(word >> 192) & BPS_MASK,
        start_factor=(word >> 208) & BPS_MASK,
        end_factor=(word >> 224) & BPS_MASK,
        decimals=(word >> 240) & 255,
    )


@internal
@view
def token_of(kind: uint256) -> address:
    """
    @notice The token of a kind, zero when it is not listed. `kind` is below 32.
    """
    return convert(self.collateral[kind] & (2**160 - 1), address)


@internal
@view
def check_listed(kind: uint256):
    """
    @notice Refuse a kind that is not listed here.
    """
    if kind >= MAX_KINDS or self.collateral[kind] == 0:
        reasons.fail("unknown kind")


@internal
@view
def load_totals() -> Totals:
    """
    @notice The fields of the stored totals word.
    """
    return self.unpack_totals(self.totals)


@internal
@pure
def unpack_totals(word: uint256) -> Totals:
    """
    @notice The fields of a totals word.
    """
    return Totals(
        normalized_debt=word & TOTAL_DEBT_MASK,
        take_resumes_at=(word >> 112) & TIME_MASK,
        pauses=(word >> 152) & BPS_MASK,
        isolated_mask=(word >> 168) & KINDS_MASK,
        frozen_mask=(word >> 200) & KINDS_MASK,
        take_pause=word >> 232,
    )


@internal
def store_totals(fields: Totals):
    """
    @notice Write the totals word; reverts when a field does not fit.
    """
    if fields.normalized_debt > TOTAL_DEBT_MASK:
        reasons.fail("debt too large")
    assert (
        fields.take_resumes_at >> 40 == 0
        and fields.pauses >> 16 == 0
        and (fields.isolated_mask | fields.frozen_mask) >> 32 == 0
        and fields.take_pause >> 24 == 0
    )
    self.totals = (
        fields.normalized_debt
        | (fields.take_resumes_at << 112)
        | (fields.pauses << 152)
        | (fields.isolated_mask << 168)
        | (fields.frozen_mask << 200)
        | (fields.take_pause << 232)
    )


@internal
@view
def load_interest() -> Interest:
    """
    @notice The fields of the stored interest word.
    """
    return self.unpack_interest(self.interest)


@internal
@pure
def unpack_interest(word: uint256) -> Interest:
    """
    @notice The fields of an interest word.
    """
    return Interest(index=word & HALF_MASK, accrued_at=(word >> 128) & TIME_MASK, rate=word >> 168)


@internal
def store_interest(fields: Interest):
    """
    @notice Write the interest word; reverts when a field does not fit.
    """
    assert fields.index >> 128 == 0 and fields.accrued_at >> 40 == 0 and fields.rate >> 88 == 0
    self.interest = fields.index | (fields.accrued_at << 128) | (fields.rate << 168)


# deposits


@internal
def raise_total(kind: uint256, amount: uint256, check_cap: bool):
    """
    @notice Book collateral that comes in.
    """
    word: uint256 = self.deposited[kind]
    total: uint256 = (word & HALF_MASK) + amount
    if total > (word >> 128 if check_cap else HALF_MASK):
        reasons.fail("above cap")
    self.deposited[kind] = word & ~HALF_MASK | total


@internal
def lower_total(kind: uint256, amount: uint256):
    """
    @notice Book collateral that goes out. `amount` is inside the total: a balance is.
    """
    self.deposited[kind] -= amount


@internal
def set_cap(kind: uint256, cap: uint256):
    """
    @notice Set the most that may be deposited of a kind; may be below what is.
    """
    if cap > HALF_MASK:
        reasons.fail("cap too large")
    self.deposited[kind] = self.deposited[kind] & HALF_MASK | (cap << 128)


@internal
def raise_debt(normalized: uint256):
    """
    @notice Add normalized debt to the book's total.
    """
    word: uint256 = self.totals
    total: uint256 = (word & TOTAL_DEBT_MASK) + normalized
    if total > TOTAL_DEBT_MASK:
        reasons.fail("debt too large")
    self.totals = word & ~TOTAL_DEBT_MASK | total


@internal
def lower_debt(normalized: uint256):
    """
    @notice Take normalized debt out of the book's total.
    """
    self.totals -= normalized  # the total is the lowest field and holds every account's debt


@internal
@view
def total_of(kind: uint256) -> uint256:
    """
    @notice What the book holds of a kind, the absorbed part included.
    """
    return self.deposited[kind] & HALF_MASK
