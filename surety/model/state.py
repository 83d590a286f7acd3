# SPDX-License-Identifier: MIT
"""What a book remembers, as plain data: kinds, positions, prices, coins, and how words are packed.

Units as in the contracts: amounts in base units of a token, debt and value in coin units (WAD),
prices in WAD coin units a whole token, ratios in bps, times in unix seconds, indices in RAY.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn, Protocol, Self, TypeAlias

BPS: Final = 10_000
WAD: Final = 10**18
RAY: Final = 10**27
MAX: Final = 2**256 - 1
INT_MIN: Final = -(2**255)
INT_MAX: Final = 2**255 - 1
HALF: Final = 2**128 - 1
MAX_KINDS: Final = 32
MAX_ENABLED: Final = 8
NO_KIND: Final = 255
ZERO_ADDRESS: Final = "0x" + "00" * 20
FAILED, CONFIRMING = 1, 2
PAUSE_BORROW, PAUSE_WITHDRAW, PAUSE_CALL, PAUSE_TAKE, PAUSE_CALLBACKS, SHUT = 1, 2, 4, 8, 16, 32

EMPTY, HEALTHY, AT_RISK, CALLABLE, CALLED, IN_AUCTION, ABSORBABLE, SETTLING = range(8)

Leg: TypeAlias = tuple[int, int]  # kind; base units, above zero comes in and below goes out
Order: TypeAlias = tuple[int, int, int, int]  # account, kind, amount, max_price


class Refused(Exception):
    """Say that a contract reverts here; `reason` is its text, "" where it gives none."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refuse(reason: str) -> NoReturn:
    """Raise Refused."""
    raise Refused(reason)


def as_number(address: str) -> int:
    """Return an address as a number, so that spellings do not matter."""
    return int(address, 16)


def owner_of(account: int) -> int:
    """Return the owner of an account as a number."""
    return account >> 8


def account_id(owner: str, sub: int = 0) -> int:
    """Return the id of a sub-account."""
    return int(owner, 16) << 8 | sub


@dataclass(frozen=True, slots=True)
class Exposure:
    """Tell a margin model about one kind of an account: interfaces/IMarginModel.vyi."""

    kind: int
    deposited: int
    value: int
    initial: int
    target: int
    maintenance: int
    close_out: int


Surcharges: TypeAlias = tuple[int, int, int, int, int]  # off the four capacities; bps of sold_kind
MarginModel: TypeAlias = Callable[[int, Sequence[Exposure], int], "Surcharges | None"]


@dataclass(frozen=True, slots=True)
class Kind:
    """The word with which a kind is listed; ratios in bps."""

    token: str
    decimals: int
    initial_ltv: int
    maintenance_ltv: int
    close_out_ltv: int
    start_factor: int
    end_factor: int

    @classmethod
    def unpack(cls, word: int) -> Kind:
        """Read a collateral word."""
        bps = [(word >> shift) % 2**16 for shift in (160, 176, 192, 208, 224)]
        return cls(f"0x{word % 2**160:040x}", (word >> 240) % 2**8, *bps)

    @property
    def word(self) -> int:
        """Pack the collateral word."""
        return (
            as_number(self.token)
            | self.initial_ltv << 160
            | self.maintenance_ltv << 176
            | self.close_out_ltv << 192
            | self.start_factor << 208
            | self.end_factor << 224
            | self.decimals << 240
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What never changes about a book: its immutable numbers and whom it works with.

    `listings` is the contract besides the governor that may list collateral, by the hub's word;
    `settlement` the one that may shut the book down, `margin_models_at` the list of its models.
    `margin_models` holds the Python twin of every margin model that may be listed, by address in
    lower case; a twin returns None where the contract fails.
    """

    grace_period: int
    auction_duration: int
    call_cool_down: int
    debt_floor: int
    call_tip: int
    liquidation_penalty: int
    vault: str
    coin: str = ZERO_ADDRESS
    operators: str = ZERO_ADDRESS
    margin_models_at: str = ZERO_ADDRESS
    settlement: str = ZERO_ADDRESS
    listings: str = ZERO_ADDRESS
    chain_id: int = 1
    margin_models: dict[str, MarginModel] = field(default_factory=dict)


@dataclass(slots=True)
class Position:
    """One account: its word's fields and its balances; the mask follows from the balances."""

    normalized_debt: int = 0
    auction_start: int = 0
    touched_at: int = 0
    margin_model: int = 0
    flags: int = 0
    balances: dict[int, int] = field(default_factory=dict)  # above zero only

    @classmethod
    def unpack(cls, word: int, balances: dict[int, int]) -> Position:
        """Read an account word beside its balances; ValueError when its mask tells others."""
        position = cls(
            word % 2**104,
            (word >> 136) % 2**40,
            (word >> 176) % 2**40,
            (word >> 216) % 2**8,
            word >> 224,
            {kind: balance for kind, balance in sorted(balances.items()) if balance},
        )
        if position.word != word:
            raise ValueError(f"mask {(word >> 104) % 2**32:b} but balances of {balances}")
        return position

    def copy(self) -> Position:
        """Return a position that can be changed without changing this one."""
        return Position(
            self.normalized_debt,
            self.auction_start,
            self.touched_at,
            self.margin_model,
            self.flags,
            dict(self.balances),
        )

    def forget_times(self) -> None:
        """Keep no time where there is neither debt nor collateral."""
        if not self.normalized_debt and not self.balances:
            self.auction_start = self.touched_at = 0

    def balance(self, kind: int) -> int:
        """Return the balance of a kind."""
        return self.balances.get(kind, 0)

    def set_balance(self, kind: int, balance: int) -> None:
        """Set the balance of a kind."""
        if balance:
            self.balances[kind] = balance
        else:
            self.balances.pop(kind, None)

    @property
    def mask(self) -> int:
        """The kinds with a balance, as bits."""
        mask = 0
        for kind in self.balances:
            mask |= 1 << kind
        return mask

    @property
    def word(self) -> int:
        """Pack the account word."""
        return (
            self.normalized_debt
            | self.mask << 104
            | self.auction_start << 136
            | self.touched_at << 176
            | self.margin_model << 216
            | self.flags << 224
        )


@dataclass(frozen=True, slots=True)
class Price:
    """A price word: open at `lo`, liquidate at `hi`."""

    lo: int
    hi: int
    updated_at: int = 0
    initial_multiplier: int = BPS
    maintenance_multiplier: int = BPS
    flags: int = 0

    @classmethod
    def unpack(cls, word: int) -> Price:
        """Read a price word."""
        return cls(
            word % 2**88,
            (word >> 88) % 2**88,
            (word >> 176) % 2**40,
            (word >> 216) % 2**16,
            (word >> 232) % 2**16,
            word >> 248,
        )

    @property
    def word(self) -> int:
        """Pack the price word."""
        return (
            self.lo
            | self.hi << 88
            | self.updated_at << 176
            | self.initial_multiplier << 216
            | self.maintenance_multiplier << 232
            | self.flags << 248
        )

    @property
    def has_failed(self) -> bool:
        """Whether there is no usable price now."""
        return self.flags & FAILED != 0

    @property
    def is_confirming(self) -> bool:
        """Whether the price has jumped or come back and is not yet confirmed."""
        return self.flags & CONFIRMING != 0


@dataclass(frozen=True, slots=True)
class Levels:
    """What an account owes, is worth at `hi`, and the debt it supports at each level."""

    debt: int
    value: int
    initial: int
    target: int
    maintenance: int
    close_out: int


class Purse(Protocol):
    """What a vault asks of the coin that it mints."""

    @property
    def supply(self) -> int:
        """All coins but those of a running flash loan."""
        ...

    @property
    def headroom(self) -> int:
        """What the vault may still mint."""
        ...

    def mint(self, receiver: str, amount: int) -> bool:
        """Mint through the vault; False, with nothing changed, above the ceiling."""
        ...

    def burn(self, holder: str, amount: int) -> None:
        """Burn through the vault."""
        ...

    def copy(self) -> Self:
        """Return a coin that can be changed without changing this one."""
        ...


@dataclass(slots=True)
class Coin:
    """The coin as one vault sees it: `balances` of the people it knows of, and its own minter."""

    supply: int = 0
    minted: int = 0
    ceiling: int = 0
    balances: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Coin:
        """Return a coin that can be changed without changing this one."""
        return replace(self, balances=dict(self.balances))

    @property
    def headroom(self) -> int:
        """What the vault may still mint."""
        return max(0, self.ceiling - self.minted)

    def mint(self, receiver: str, amount: int) -> bool:
        """Mint through the vault; False, with nothing changed, above the ceiling."""
        if amount > self.headroom:
            return False
        self.minted += amount
        self.supply += amount
        if receiver in self.balances:
            self.balances[receiver] += amount
        return True

    def burn(self, holder: str, amount: int) -> None:
        """Burn through the vault; what is outstanding saturates at zero."""
        if self.balances.get(holder, amount) < amount:
            refuse("amount exceeds balance")
        if holder in self.balances:
            self.balances[holder] -= amount
        self.supply -= amount
        self.minted -= min(self.minted, amount)
