# SPDX-License-Identifier: MIT
"""What a system is made of before it exists: typed parameters, checked before anything is sent.

Ratios are basis points, periods seconds, coin amounts and prices WAD, token amounts base units.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from surety.deploy.adapters import Adapter, Chainlink, Source
from surety.deploy.errors import ParamsError

BPS: Final = 10_000
WAD: Final = 10**18
RAY: Final = 10**27
YEAR: Final = 365 * 86_400
MAX_KINDS: Final = 32
# how much of the expected price min_price may be (bps), and how far from it a bound may lie:
# Listings.vy says why
MAX_FLOOR: Final = 6_000
MAX_ROOM: Final = 1_000


@dataclass(frozen=True, slots=True)
class Levels:
    """The margin levels and auction factors of a kind, in bps."""

    initial_ltv: int
    maintenance_ltv: int
    close_out_ltv: int
    start_factor: int
    end_factor: int

    def check(self, name: str, penalty: int) -> None:
        """Raise ParamsError where the vault would refuse these levels."""
        if not 0 <= self.initial_ltv < self.maintenance_ltv < self.close_out_ltv <= self.end_factor:
            raise ParamsError(
                f"{name}: levels must ascend: initial_ltv < maintenance_ltv < close_out_ltv"
                f" <= end_factor, not {self}"
            )
        if not (BPS <= self.start_factor <= 11_000 and self.end_factor < BPS):
            raise ParamsError(
                f"{name}: start_factor must be 10000..11000 and end_factor below 10000"
            )
        if self.maintenance_ltv * (BPS + penalty) > self.end_factor * BPS:
            raise ParamsError(
                f"{name}: maintenance_ltv with the penalty of {penalty} bps is above end_factor:"
                " an account caught at maintenance could not pay its penalty"
            )


# calibrated defaults: volatile majors, liquid-staking tokens, stable coins
MAJOR: Final = Levels(7_500, 8_000, 8_500, 10_100, 8_800)
LST: Final = Levels(7_200, 7_800, 8_300, 10_100, 8_600)
STABLE: Final = Levels(8_800, 9_100, 9_400, 10_050, 9_650)


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast the hub lets a price move, what it takes for a jump and for a usual hour.

    `slew_down` bounds the fall of `hi`, `slew_up` the rise of `lo`, both 1e-9 of the price per
    second; a price `jump_bps` outside lo..hi starts a confirmation; up to a standard deviation of
    `sigma_ref` (1e-9) an hour the margin multipliers stay at 1.
    """

    slew_down: int
    slew_up: int
    jump_bps: int
    sigma_ref: int

    def check(self, name: str) -> None:
        """Raise ParamsError where the hub would refuse these limits."""
        if not (0 < self.slew_down < 2**24 and 0 < self.slew_up < 2**24):
            raise ParamsError(f"{name}: slew limits must be 1..{2**24 - 1}")
        if not 50 <= self.jump_bps <= 12_750 or self.jump_bps % 50:
            raise ParamsError(f"{name}: jump_bps must be a multiple of 50 in 50..12750")
        if not 0 < self.sigma_ref < 2**40:
            raise ParamsError(f"{name}: sigma_ref must be 1..{2**40 - 1}")


# 10 % and 2 % a minute, stables 5 % and 2 %; measured in docs/prices.md. A jump is less than
# 1 - initial_ltv / close_out_ltv: no print that is not confirmed first can take an account within
# its initial level below close-out, however long the hub was not asked
MAJOR_LIMITS: Final = Limits(1_666_667, 333_333, 1_000, 15_000_000)
LST_LIMITS: Final = MAJOR_LIMITS
STABLE_LIMITS: Final = Limits(833_333, 333_333, 400, 10_000_000)
TAIL_LIMITS: Final = Limits(1_666_667, 333_333, 1_000, 25_000_000)
# as good as none, for tests of what lies behind the hub
LOOSE_LIMITS: Final = Limits(2**24 - 1, 2**24 - 1, 12_750, 2**40 - 1)
_FAMILIES: Final = {MAJOR: MAJOR_LIMITS, LST: LST_LIMITS, STABLE: STABLE_LIMITS}


def limits_for(levels: Levels) -> Limits:
    """Return the limits of the family that has these levels; of the long tail when none has."""
    return _FAMILIES.get(levels, TAIL_LIMITS)


def widest_bounds(price: int) -> tuple[int, int]:
    """Return the smallest min_price and the largest max_price that go with an expected price."""
    return -(-price // MAX_ROOM), min(price * MAX_ROOM, 2**88 - 1)


@dataclass(frozen=True, slots=True)
class KindParams:
    """One kind of collateral: its token, its price, its levels and its limits.

    `aggregator` is a Chainlink-style feed over which an adapter is deployed; `oracle` is an adapter
    that exists already, or one to deploy. Exactly one of the two is given. `decimals` and
    `expected_price` (WAD) are what the token and the price are expected to say; where they are
    left out, what they do say is taken. Outside min_price..max_price (WAD) a price is no price.
    """

    name: str
    token: str
    levels: Levels
    aggregator: str | None = None
    oracle: Source | None = None
    min_price: int = field(kw_only=True)
    max_price: int = field(kw_only=True)
    decimals: int | None = None
    expected_price: int | None = None
    cap: int = 2**128 - 1
    max_age: int = 90_000
    limits: Limits = MAJOR_LIMITS
    isolated: bool = False

    @property
    def source(self) -> Source:
        """The adapter, or what to deploy as one."""
        if self.aggregator is not None:
            return Chainlink(self.aggregator)
        if self.oracle is None:
            raise ParamsError(f"{self.name}: give either an aggregator or an oracle")
        return self.oracle

    def check(self, penalty: int) -> None:
        """Raise ParamsError where the hub or the vault would refuse this kind."""
        self.levels.check(self.name, penalty)
        if (self.aggregator is None) == (self.oracle is None):
            raise ParamsError(f"{self.name}: give either an aggregator or an oracle")
        if isinstance(self.oracle, Adapter):
            self.oracle.check(f"{self.name}: oracle")
            self.oracle.fitted(f"{self.name}: oracle")
        if not 0 < self.min_price < self.max_price < 2**88:
            raise ParamsError(f"{self.name}: bounds must satisfy 0 < min_price < max_price < 2**88")
        if self.max_price > self.min_price * MAX_ROOM**2:
            raise ParamsError(
                f"{self.name}: max_price must be at most {MAX_ROOM**2} times min_price:"
                " wider bounds let a wrong feed pass"
            )
        if self.decimals is not None and not 6 <= self.decimals <= 18:
            raise ParamsError(f"{self.name}: decimals must be 6..18")
        if self.expected_price is not None:
            self._check_room(self.expected_price)
        if not 0 < self.max_age < 2**24:
            raise ParamsError(f"{self.name}: max_age must be 1..{2**24 - 1} seconds")
        self.limits.check(self.name)
        if not 0 < self.cap < 2**128:
            raise ParamsError(f"{self.name}: cap must be above 0 and fit 128 bits")

    def _check_room(self, price: int) -> None:
        if not self.min_price < price < self.max_price:
            raise ParamsError(f"{self.name}: expected_price must lie inside min_price..max_price")
        if self.min_price * BPS > price * MAX_FLOOR:
            raise ParamsError(
                f"{self.name}: min_price must be at most 60 % of expected_price:"
                " below it the kind has no price and cannot be sold"
            )
        if self.min_price * MAX_ROOM < price or self.max_price > price * MAX_ROOM:
            raise ParamsError(
                f"{self.name}: bounds must lie within a factor of {MAX_ROOM} of expected_price:"
                " wider ones let a wrong feed pass"
            )


@dataclass(frozen=True, slots=True)
class BookParams:
    """The immutable numbers of a vault, its interest and the most it may mint."""

    grace_period: int = 3_600
    auction_duration: int = 7_200
    call_cool_down: int = 86_400
    debt_floor: int = 2_000 * WAD
    call_tip: int = 5 * WAD
    liquidation_penalty: int = 500
    rate: int = RAY * 5 // 100 // YEAR  # 5 % a year, rounded down
    ceiling: int = 10**9 * WAD

    @property
    def numbers(self) -> tuple[int, ...]:
        """What a vault's constructor takes after its addresses, in its order."""
        return (
            self.grace_period,
            self.auction_duration,
            self.call_cool_down,
            self.debt_floor,
            self.call_tip,
            self.liquidation_penalty,
            self.rate,
        )

    def check(self) -> None:
        """Raise ParamsError where the vault would refuse these numbers."""
        if not 0 <= self.grace_period <= 30 * 86_400:
            raise ParamsError("grace_period must be 0..2592000 seconds")
        if not 900 <= self.auction_duration <= 30 * 86_400:
            raise ParamsError("auction_duration must be 900..2592000 seconds")
        if not 0 <= self.call_cool_down <= YEAR:
            raise ParamsError("call_cool_down must be 0..31536000 seconds")
        if not 0 < self.debt_floor < 2**96:
            raise ParamsError("debt_floor must be above 0 and fit 96 bits")
        if not 0 <= self.call_tip <= self.debt_floor // 10:
            raise ParamsError("call_tip must be at most a tenth of debt_floor")
        if not 0 <= self.liquidation_penalty <= 2_000:
            raise ParamsError("liquidation_penalty must be 0..2000 bps")
        if not 0 <= self.rate <= RAY // YEAR + 1:
            raise ParamsError("rate must be at most 100 % a year in RAY per second")
        if not 0 <= self.ceiling < 2**120:
            raise ParamsError("ceiling must fit 120 bits")


@dataclass(frozen=True, slots=True)
class PegParams:
    """A swap of the coin against a reserve stable, which is the kind of this name.

    Fees are kept of what is swapped; below `guard_price` (WAD) of the reserve nothing is minted.
    """

    kind: str
    ceiling: int
    mint_fee_bps: int = 0
    redeem_fee_bps: int = 0
    guard_price: int = WAD * 995 // 1_000

    def check(self, kinds: Collection[str]) -> None:
        """Raise ParamsError where the contract would refuse these numbers."""
        if self.kind not in kinds:
            raise ParamsError(f"peg: no kind {self.kind!r}; there are {', '.join(kinds)}")
        for key in ("mint_fee_bps", "redeem_fee_bps"):
            if not 0 <= getattr(self, key) <= 100:
                raise ParamsError(f"peg: {key} must be 0..100")
        if not WAD * 9 // 10 <= self.guard_price <= WAD:
            raise ParamsError("peg: guard_price must be 0.9 to 1 coin (WAD)")
        if not 0 <= self.ceiling < 2**120:
            raise ParamsError("peg: ceiling must fit 120 bits")


@dataclass(frozen=True, slots=True)
class SystemParams:
    """A whole system: coin, hub, fund, lens and one book with its kinds in their order.

    Of the surplus what exceeds `buffer_bps` of the supply goes to the treasury (None: to who
    governs), as far as `fund_ceiling` lets the fund mint. Flash loans are off with a ceiling of 0.

    The most used kinds come first: each unset bit below a kind costs gas in every loop over a mask.
    """

    kinds: tuple[KindParams, ...]
    book: BookParams = field(default_factory=BookParams)
    # who governs afterwards. Both of the first two: a timelock of theirs, deployed as well. The
    # third instead: whoever it is. None of them: the deployer, as it must not be where money is
    admin: str | None = None
    guardian: str | None = None
    governor: str | None = None
    treasury: str | None = None
    buffer_bps: int = 100
    fund_ceiling: int = 0
    flash_fee_bps: int = 0
    flash_ceiling: int = 0
    peg: PegParams | None = None
    coin_name: str = "Surety Dollar"
    coin_symbol: str = "SUD"
    fresh_for: int = 60
    confirm_period: int = 1_200
    sequencer: str | None = None  # the uptime feed of an L2's sequencer

    def check(self) -> None:
        """Raise ParamsError for anything that the contracts would refuse."""
        if not 1 <= len(self.kinds) <= MAX_KINDS:
            raise ParamsError(f"a book has 1 to {MAX_KINDS} kinds, not {len(self.kinds)}")
        self.book.check()
        if not 0 <= self.fresh_for <= 120:
            raise ParamsError(
                "fresh_for must be 0..120 seconds: slew limits count no more than 120 a refresh"
            )
        if not 0 < self.confirm_period <= 86_400:
            raise ParamsError("confirm_period must be 1..86400 seconds")
        if (
            not 0 < len(self.coin_name.encode()) <= 25
            or not 0 < len(self.coin_symbol.encode()) <= 5
        ):
            raise ParamsError("coin_name has 1 to 25 bytes and coin_symbol 1 to 5")
        self._check_governance()
        self._check_money()
        if self.sequencer is not None and int(self.sequencer, 16) == 0:
            raise ParamsError("sequencer must not be the zero address; leave it out where none is")
        for kind in self.kinds:
            kind.check(self.book.liquidation_penalty)
        self._check_names()

    def _check_governance(self) -> None:
        if self.governor is not None and int(self.governor, 16) == 0:
            raise ParamsError(
                "governor must not be the zero address; leave it out to stay governor"
            )
        if (self.admin is None) != (self.guardian is None):
            raise ParamsError("give admin and guardian together: the timelock needs both")
        if self.admin is not None and self.governor is not None:
            raise ParamsError(
                "give either governor, or admin and guardian of a timelock that is deployed"
            )
        for key, address in (("admin", self.admin), ("guardian", self.guardian)):
            if address is not None and int(address, 16) == 0:
                raise ParamsError(f"{key} must not be the zero address")
        if self.admin is not None and self.admin.lower() == str(self.guardian).lower():
            raise ParamsError("guardian must not be the admin: it is there to stop it")

    def _check_money(self) -> None:
        if self.treasury is not None and int(self.treasury, 16) == 0:
            raise ParamsError("treasury must not be the zero address; leave it out for who governs")
        if not 100 <= self.buffer_bps <= 5_000:
            raise ParamsError("buffer_bps must be 100..5000")
        if not 0 <= self.fund_ceiling < 2**120:
            raise ParamsError("fund_ceiling must fit 120 bits")
        if not 0 <= self.flash_fee_bps <= 100:
            raise ParamsError("flash_fee_bps must be 0..100")
        if not 0 <= self.flash_ceiling <= 2**112:
            raise ParamsError("flash_ceiling must be at most 2**112")
        if self.peg is not None:
            self.peg.check([kind.name for kind in self.kinds])

    def _check_names(self) -> None:
        names = [kind.name for kind in self.kinds]
        tokens = [kind.token.lower() for kind in self.kinds]
        if len(set(names)) != len(names) or len(set(tokens)) != len(tokens):
            raise ParamsError("every kind needs its own name and its own token")
