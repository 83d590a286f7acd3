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
        interest       index:128 (RAY) | accrued_at:40 | rate:66 (RAY per second) | lost_at:20 (hours) | guarded:1 | has_default_model:1
        totals         total_normalized_debt:112 | take_resumes_at:40 | pauses:16 | isolated_mask:32 | frozen_mask:32 | take_pause:24
"""
from . import reasons

MAX_KINDS: constant(uint256) = 32
HALF_MASK: constant(uint256) = 2**128 - 1
BPS_MASK: constant(uint256) = 2**16 - 1
TIME_MASK: constant(uint256) = 2**40 - 1
KINDS_MASK: constant(uint256) = 2**32 - 1
TOKEN_MASK: constant(uint256) = 2**160 - 1
IDENTITY_MASK: constant(uint256) = 2**160 - 1 | 255 << 240  # token and decimals
RATE_MASK: constant(uint256) = 2**66 - 1
HOUR_MASK: constant(uint256) = 2**20 - 1
TOTAL_DEBT_MASK: constant(uint256) = 2**112 - 1

# where the fields of a word begin
INITIAL_LTV: constant(uint256) = 160
MAINTENANCE_LTV: constant(uint256) = 176
CLOSE_OUT_LTV: constant(uint256) = 192
START_FACTOR: constant(uint256) = 208
END_FACTOR: constant(uint256) = 224
DECIMALS: constant(uint256) = 240
CAP: constant(uint256) = 128
ACCRUED_AT: constant(uint256) = 128
RATE: constant(uint256) = 168
LOST_AT: constant(uint256) = 234
GUARDED: constant(uint256) = 254  # anything is paused or frozen
HAS_DEFAULT_MODEL: constant(uint256) = 255
TAKE_RESUMES_AT: constant(uint256) = 112
PAUSES: constant(uint256) = 152
ISOLATED: constant(uint256) = 168
FROZEN: constant(uint256) = 200
TAKE_PAUSE: constant(uint256) = 232

PAUSE_BORROW: constant(uint256) = 1
PAUSE_WITHDRAW: constant(uint256) = 2
PAUSE_CALL: constant(uint256) = 4
PAUSE_TAKE: constant(uint256) = 8
PAUSE_CALLBACKS: constant(uint256) = 16
SHUT: constant(uint256) = 32  # all of them, for good

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
    lost_at: uint256  # unix time of the last absorb or bad debt, rounded up to an hour; 0: none yet

accounts: reentrant(public(HashMap[uint256, uint256]))
balances: reentrant(public(HashMap[uint256, HashMap[uint256, uint256]]))
collateral: reentrant(public(uint256[32]))
deposited: reentrant(public(uint256[32]))
absorbed: reentrant(public(uint256[32]))
interest: reentrant(public(uint256))
totals: reentrant(public(uint256))


# words


@internal
@pure
def unpack_collateral(word: uint256) -> Collateral:
    """
    @notice The fields of a collateral word.
    """
    return Collateral(
        token=convert(word & TOKEN_MASK, address),
        initial_ltv=word >> INITIAL_LTV & BPS_MASK,
        maintenance_ltv=word >> MAINTENANCE_LTV & BPS_MASK,
        close_out_ltv=word >> CLOSE_OUT_LTV & BPS_MASK,
        start_factor=word >> START_FACTOR & BPS_MASK,
        end_factor=word >> END_FACTOR & BPS_MASK,
        decimals=word >> DECIMALS & 255,
    )


@internal
@view
def token_of(kind: uint256) -> address:
    """
    @notice The token of a kind, zero when it is not listed. `kind` is below 32.
    """
    return convert(self.collateral[kind] & TOKEN_MASK, address)


@internal
@view
def check_listed(kind: uint256):
    """
    @notice Refuse a kind that is not listed here.
    """
    if kind >= MAX_KINDS or self.collateral[kind] == 0:
        reasons.fail(reasons.UNKNOWN_KIND)


@internal
@pure
def unpack_totals(word: uint256) -> Totals:
    """
    @notice The fields of a totals word.
    """
    return Totals(
        normalized_debt=word & TOTAL_DEBT_MASK,
        take_resumes_at=word >> TAKE_RESUMES_AT & TIME_MASK,
        pauses=word >> PAUSES & BPS_MASK,
        isolated_mask=word >> ISOLATED & KINDS_MASK,
        frozen_mask=word >> FROZEN & KINDS_MASK,
        take_pause=word >> TAKE_PAUSE,
    )


@internal
@pure
def unpack_interest(word: uint256) -> Interest:
    """
    @notice The fields of an interest word.
    """
    return Interest(
        index=word & HALF_MASK,
        accrued_at=word >> ACCRUED_AT & TIME_MASK,
        rate=word >> RATE & RATE_MASK,
        lost_at=(word >> LOST_AT & HOUR_MASK) * 3_600,
    )


# deposits


@internal
def raise_total(kind: uint256, amount: uint256, check_cap: bool):
    """
    @notice Book collateral that comes in.
    """
    word: uint256 = self.deposited[kind]
    total: uint256 = unsafe_add(word & HALF_MASK, min(amount, HALF_MASK))  # far below 256 bits
    if amount > HALF_MASK or total > (word >> CAP if check_cap else HALF_MASK):
        reasons.fail(reasons.ABOVE_CAP)
    self.deposited[kind] = word & ~HALF_MASK | total


@internal
def lower_total(kind: uint256, amount: uint256):
    """
    @notice Book collateral that goes out. `amount` is inside the total: a balance is.
    """
    self.deposited[kind] = unsafe_sub(self.deposited[kind], amount)  # the total is its lowest field


@internal
def set_cap(kind: uint256, cap: uint256):
    """
    @notice Set the most that may be deposited of a kind; may be below what is.
    """
    if cap > HALF_MASK:
        reasons.fail(reasons.CAP_TOO_LARGE)
    self.deposited[kind] = self.deposited[kind] & HALF_MASK | cap << CAP


@internal
def raise_debt(normalized: uint256):
    """
    @notice Add normalized debt to the book's total.
    """
    word: uint256 = self.totals
    total: uint256 = (word & TOTAL_DEBT_MASK) + normalized
    if total > TOTAL_DEBT_MASK:
        reasons.fail(reasons.DEBT_TOO_LARGE)
    self.totals = word & ~TOTAL_DEBT_MASK | total


@internal
def lower_debt(normalized: uint256):
    """
    @notice Take normalized debt out of the book's total.
    """
    # the total is the lowest field and holds every account's debt
    self.totals = unsafe_sub(self.totals, normalized)


@internal
@view
def total_of(kind: uint256) -> uint256:
    """
    @notice What the book holds of a kind, the absorbed part included.
    """
    return self.deposited[kind] & HALF_MASK
