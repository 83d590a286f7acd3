# SPDX-License-Identifier: MIT
"""What the packed words of the vault and the hub say, field by field, from the least significant
bit.
"""

from __future__ import annotations

from dataclasses import dataclass

KIND_COUNT = 32
DEBT_ONLY = 255
FAILED = 1
CONFIRMING = 2
PAUSE_CALL = 4
PAUSE_TAKE = 8

MAX_UINT256 = 2**256 - 1  # as an amount: all of it

_BPS_BITS = (1 << 16) - 1
_TIME_BITS = (1 << 40) - 1
_KINDS_BITS = (1 << KIND_COUNT) - 1


def normalized_debt(word: int) -> int:
    """Return the debt of an account word in index units."""
    return word & ((1 << 104) - 1)


def collateral_mask(word: int) -> int:
    """Return the mask of kinds whose balance is above zero."""
    return word >> 104 & _KINDS_BITS


def auction_start(word: int) -> int:
    """Return the clock of an account word: 0, or when the auction opens (unix seconds)."""
    return word >> 136 & _TIME_BITS


def touched_at(word: int) -> int:
    """Return when the owner last raised risk (unix seconds)."""
    return word >> 176 & _TIME_BITS


def kinds_of(mask: int) -> list[int]:
    """Return the kinds of a mask in ascending order."""
    return [kind for kind in range(KIND_COUNT) if mask >> kind & 1]


def owner_of(account: int) -> str:
    """Return the owner of an account id as a lower-case address."""
    return f"0x{account >> 8:040x}"


def show_account(account: int) -> str:
    """Return an account id as people write it: `owner:sub`."""
    return f"{owner_of(account)}:{account & 0xFF}"


@dataclass(frozen=True, slots=True)
class KindConfig:
    """How a kind is listed: its token and its ratios (bps)."""

    kind: int
    token: str
    initial_ltv: int
    maintenance_ltv: int
    close_out_ltv: int
    start_factor: int
    end_factor: int
    decimals: int

    @classmethod
    def from_word(cls, kind: int, word: int) -> KindConfig:
        """Unpack a collateral word."""
        return cls(
            kind=kind,
            token=f"0x{word & ((1 << 160) - 1):040x}",
            initial_ltv=word >> 160 & _BPS_BITS,
            maintenance_ltv=word >> 176 & _BPS_BITS,
            close_out_ltv=word >> 192 & _BPS_BITS,
            start_factor=word >> 208 & _BPS_BITS,
            end_factor=word >> 224 & _BPS_BITS,
            decimals=word >> 240 & 0xFF,
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What the hub says of a kind: prices in WAD per whole token, multipliers in bps."""

    lo: int
    hi: int
    updated_at: int
    initial_multiplier: int
    maintenance_multiplier: int
    flags: int

    @classmethod
    def from_word(cls, word: int) -> Price:
        """Unpack a price word."""
        return cls(
            lo=word & ((1 << 88) - 1),
            hi=word >> 88 & ((1 << 88) - 1),
            updated_at=word >> 176 & _TIME_BITS,
            initial_multiplier=word >> 216 & _BPS_BITS,
            maintenance_multiplier=word >> 232 & _BPS_BITS,
            flags=word >> 248,
        )

    @property
    def failed(self) -> bool:
        """Whether the kind has no usable price now."""
        return self.flags & FAILED != 0

    @property
    def confirming(self) -> bool:
        """Whether the price has jumped and is not yet confirmed."""
        return self.flags & CONFIRMING != 0


@dataclass(frozen=True, slots=True)
class Totals:
    """The fields of the totals word that a keeper needs."""

    total_normalized_debt: int
    take_resumes_at: int
    pauses: int
    isolated_mask: int
    frozen_mask: int
    take_pause: int

    @classmethod
    def from_word(cls, word: int) -> Totals:
        """Unpack a totals word."""
        return cls(
            total_normalized_debt=word & ((1 << 112) - 1),
            take_resumes_at=word >> 112 & _TIME_BITS,
            pauses=word >> 152 & _BPS_BITS,
            isolated_mask=word >> 168 & _KINDS_BITS,
            frozen_mask=word >> 200 & _KINDS_BITS,
            take_pause=word >> 232,
        )
