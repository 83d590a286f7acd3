# SPDX-License-Identifier: MIT
"""Where a book's prices come from: a hub told what to say, or the whole PriceHub over feeds.

Units as in `contracts/PriceHub.vy`: prices in WAD, times in unix seconds, slew in 1e-9 of the price
a second, `sigma_ref` in 1e-9 an hour. All arithmetic on prices is that of margin_math.vy.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, Protocol, Self

from surety.formulas import margin_math
from surety.model.state import (
    BPS,
    CONFIRMING,
    FAILED,
    MAX_KINDS,
    ZERO_ADDRESS,
    Price,
    as_number,
    refuse,
)

Feed = tuple[int, int]  # what an oracle answers: WAD price, its time

MAX_DEVIATION: Final = 500  # bps between a new oracle and the one before
# how far and how fast volatility moves the multipliers: protocol.md section 9
INITIAL_CAP: Final = 25_000
INITIAL_STEP: Final = 5_000
MAINTENANCE_CAP: Final = 12_500
MAINTENANCE_STEP: Final = 500
MAX_SYNC: Final = 8
_SHORT = 2**24 - 1
_LARGEST_PRICE = 2**88 - 1
_JUMP_UNIT, _LARGEST_JUMP = 50, 12_750
_LARGEST_SIGMA = 2**40 - 1
_SIGMA_SCALE = 10**9

# bound once: a replay refreshes hundreds of thousands of words
_slew_hi_up = margin_math.slew_hi_up
_slew_lo_down = margin_math.slew_lo_down
_volatility_samples = margin_math.volatility_samples
_variance_down = margin_math.variance_down
_volatility_multiplier_up = margin_math.volatility_multiplier_up
_next_multiplier = margin_math.next_multiplier


class Hub(Protocol):
    """What a book asks of its price hub."""

    def sync(self, mask: int, now: int) -> dict[int, Price]:
        """Refresh the kinds of a mask and return their words, ascending."""
        ...

    def read(self, mask: int, now: int) -> dict[int, Price]:
        """Return what `sync` would, without refreshing."""
        ...

    def token_of(self, kind: int) -> str:
        """Return the token whose price a kind is, the zero address for none."""
        ...

    def confirming_until(self, kind: int) -> int:
        """Return when the last confirmation of a kind ended or ends, 0 for never."""
        ...

    def live(self, kind: int, now: int) -> int:
        """Return what a refresh would take from a kind's oracle now (WAD), 0 for nothing."""
        ...

    def copy(self) -> Self:
        """Return a hub that can be changed without changing this one."""
        ...


@dataclass(slots=True)
class FixedHub:
    """A hub that says exactly what it was told last."""

    prices: dict[int, Price] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict, compare=False)

    def sync(self, mask: int, now: int) -> dict[int, Price]:
        """Return the words of a mask."""
        return self.read(mask, now)

    def read(self, mask: int, now: int) -> dict[int, Price]:
        """Return the words of a mask."""
        return {kind: self.prices[kind] for kind in sorted(self.prices) if mask >> kind & 1}

    def token_of(self, kind: int) -> str:
        """Return the token of a kind."""
        return self.tokens.get(kind, ZERO_ADDRESS)

    def confirming_until(self, kind: int) -> int:
        """Return 0: what it was told says nothing of the past."""
        return 0

    def live(self, kind: int, now: int) -> int:
        """Return the `hi` that it was told: no oracle stands behind it."""
        return self.prices[kind].hi

    def copy(self) -> Self:
        """Return a hub that can be changed without changing this one."""
        return replace(self, prices=dict(self.prices))


@dataclass(slots=True)
class Guard:
    """How a kind is guarded: what governance chose, then what the hub remembers beside the word.

    `max_age` in seconds; `min_price`, `max_price`, `last_price` in WAD; `slew_down`, `slew_up` in
    1e-9 of the price a second; `jump_bps` a multiple of 50; `sigma_ref` in 1e-9 an hour; `variance`
    in WAD squared an hour; `confirming_until`, `last_at` in unix seconds.
    """

    max_age: int
    min_price: int
    max_price: int
    slew_down: int
    slew_up: int
    jump_bps: int
    sigma_ref: int
    confirming_until: int = 0
    variance: int = 0
    last_price: int = 0
    last_at: int = 0

    @property
    def bounds_word(self) -> int:
        """Pack the word of bounds, confirmation and reference volatility."""
        return (
            self.min_price
            | self.max_price << 88
            | self.confirming_until << 176
            | self.sigma_ref << 216
        )

    @property
    def volatility_word(self) -> int:
        """Pack the word of the variance, the last sample and the jump."""
        return (
            self.variance
            | self.last_price << 120
            | self.last_at << 208
            | self.jump_bps // _JUMP_UNIT << 248
        )

    def config_word(self, oracle: str, attempted_at: int) -> int:
        """Pack the word of the oracle, its age, the last failed attempt and the slew limits."""
        return (
            as_number(oracle)
            | self.max_age << 160
            | attempted_at << 184
            | self.slew_down << 208
            | self.slew_up << 232
        )

    def copy(self) -> Guard:
        """Return a guard that can be changed without changing this one."""
        return Guard(
            self.max_age,
            self.min_price,
            self.max_price,
            self.slew_down,
            self.slew_up,
            self.jump_bps,
            self.sigma_ref,
            self.confirming_until,
            self.variance,
            self.last_price,
            self.last_at,
        )


@dataclass(frozen=True, slots=True)
class Sequencer:
    """What a Chainlink L2 uptime feed answers: 0 up or 1 down, and since when.

    Anything else, a `started_at` of 0 or in the future, cannot be read: UNREADABLE stands for a
    feed that reverts or answers in the wrong shape.
    Source: https://docs.chain.link/data-feeds/l2-sequencer-feeds
    """

    answer: int
    started_at: int

    def is_readable(self, now: int) -> bool:
        """Whether the answer means anything at second `now`."""
        return self.answer in (0, 1) and 0 < self.started_at <= now


UNREADABLE: Final = Sequencer(0, 0)


class _Renewed(NamedTuple):
    """One refresh: the word to store and what is remembered beside it."""

    price: Price
    confirming_until: int
    variance: int
    last_price: int
    last_at: int


@dataclass(slots=True)
class FeedHub:
    """The PriceHub over feeds, exactly: a stored word each, refreshed when `fresh_for` seconds old.

    `feeds` holds what each oracle answers, as (WAD price, its time), None where it reverts or
    answers in the wrong shape; `attempts` when a kind was last found failed (remembered for one
    second); `sequencer` what the uptime feed answers, None where there is none. A list in `updates`
    collects (kind, stored word) of each `PriceUpdated`; a copy begins with an empty one.
    """

    fresh_for: int
    confirm_period: int
    guards: list[Guard] = field(default_factory=list)
    prices: list[Price] = field(default_factory=list)
    feeds: list[Feed | None] = field(default_factory=list, compare=False)
    attempts: dict[int, int] = field(default_factory=dict, compare=False)
    tokens: dict[int, str] = field(default_factory=dict, compare=False)
    sequencer: Sequencer | None = field(default=None, compare=False)
    updates: list[tuple[int, Price]] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Never ask an oracle twice within one block."""
        self.fresh_for = max(self.fresh_for, 1)

    # prices

    def sync(self, mask: int, now: int) -> dict[int, Price]:
        """Refresh the kinds of a mask, 8 at most, and return their words as callers see them."""
        self._check_mask(mask)
        return self._sync(mask, now)

    def poke(self, mask: int, now: int) -> None:
        """Refresh any number of kinds."""
        if mask >> len(self.prices):
            refuse("unknown kind")
        self._sync(mask, now)

    def _sync(self, mask: int, now: int) -> dict[int, Price]:
        found = {}
        for kind, price in enumerate(self.prices):
            if mask >> kind & 1:
                if price.flags & FAILED or now - price.updated_at >= self.fresh_for:
                    if not self._has_just_failed(kind, price, now):
                        price = self._refresh(kind, price, self.feeds[kind], now)
                    price = _returned(price)
                found[kind] = price
        return found

    def read(self, mask: int, now: int) -> dict[int, Price]:
        """Return what `sync` would, without refreshing."""
        self._check_mask(mask)
        found = {}
        for kind, price in enumerate(self.prices):
            if mask >> kind & 1:
                if price.flags & FAILED or now - price.updated_at >= self.fresh_for:
                    if not self._has_just_failed(kind, price, now):
                        renewed = self._renewed(kind, price, self.feeds[kind], now)
                        price = renewed.price if renewed else _failed(price)
                    price = _returned(price)
                found[kind] = price
        return found

    def live(self, kind: int, now: int) -> int:
        """Return what a refresh would take from a kind's oracle now (WAD), 0 for nothing."""
        if self._restarted_at(now) is None:
            return 0
        return self.accepted_price(kind, self.feeds[kind], now)

    def token_of(self, kind: int) -> str:
        """Return the token of a kind."""
        return self.tokens.get(kind, ZERO_ADDRESS)

    def confirming_until(self, kind: int) -> int:
        """Return when the last confirmation of a kind ended or ends, 0 for never."""
        return self.guards[kind].confirming_until

    def copy(self) -> Self:
        """Return a hub that can be changed without changing this one."""
        return type(self)(
            self.fresh_for,
            self.confirm_period,
            [guard.copy() for guard in self.guards],
            list(self.prices),
            list(self.feeds),
            dict(self.attempts),
            self.tokens,
            self.sequencer,
            None if self.updates is None else [],
        )

    def _check_mask(self, mask: int) -> None:
        if mask >> MAX_SYNC:
            listed = mask & (1 << len(self.prices)) - 1
            if listed.bit_count() > MAX_SYNC:
                refuse("too many kinds")
        if mask >> len(self.prices):
            refuse("unknown kind")

    def accepted_price(self, kind: int, feed: Feed | None, now: int) -> int:
        """Return the price that the hub takes from an oracle's answer, 0 where it takes none.

        None is taken from a failed, stale or future answer or below the kind's `min_price`; a price
        above `max_price` counts as that. The sequencer is not looked at.
        """
        if feed is None:
            return 0
        price, at = feed
        guard = self.guards[kind]
        if price < guard.min_price or not 0 <= now - at <= guard.max_age:
            return 0
        return price if price < guard.max_price else guard.max_price

    def _has_just_failed(self, kind: int, price: Price, now: int) -> bool:
        return price.has_failed and self.attempts.get(kind, 0) == now % 2**24

    def _refresh(
        self, kind: int, price: Price, feed: Feed | None, now: int, changed: bool = False
    ) -> Price:
        """Ask an oracle and remember the outcome; return the stored word."""
        renewed = self._renewed(kind, price, feed, now, changed)
        if renewed is None:
            self.attempts[kind] = now % 2**24
            stored = _failed(price)
        else:
            guard = self.guards[kind]
            stored = renewed.price
            guard.confirming_until = renewed.confirming_until
            guard.variance = renewed.variance
            guard.last_price = renewed.last_price
            guard.last_at = renewed.last_at
        self.prices[kind] = stored
        if self.updates is not None:
            self.updates.append((kind, stored))
        return stored

    def _renewed(
        self, kind: int, price: Price, feed: Feed | None, now: int, changed: bool = False
    ) -> _Renewed | None:
        """Return what a refresh would store, None where there is no acceptable price."""
        restarted_at = self._restarted_at(now)
        accepted = 0 if restarted_at is None else self.accepted_price(kind, feed, now)
        if restarted_at is None or not accepted:
            return None
        guard = self.guards[kind]
        lo, hi, initial, maintenance = (
            price.lo,
            price.hi,
            price.initial_multiplier,
            price.maintenance_multiplier,
        )
        elapsed = now - price.updated_at
        until, jump = guard.confirming_until, guard.jump_bps
        if (
            changed
            or price.flags & FAILED
            or accepted * BPS < hi * (BPS - min(jump, BPS))
            or accepted * BPS > lo * (BPS + jump)
        ):
            until = now + self.confirm_period
        confirming = now < until or now < restarted_at + self.confirm_period
        variance, last_price, last_at = guard.variance, guard.last_price, guard.last_at
        if not confirming:
            samples = _volatility_samples(last_at, now)
            if samples:
                variance = _variance_down(variance, last_price, accepted, samples)
                goal = _volatility_multiplier_up(variance, guard.sigma_ref * _SIGMA_SCALE)
                initial = _next_multiplier(initial, goal, INITIAL_CAP, INITIAL_STEP, samples)
                maintenance = _next_multiplier(
                    maintenance, goal, MAINTENANCE_CAP, MAINTENANCE_STEP, samples
                )
                last_price, last_at = accepted, now
        return _Renewed(
            Price(
                _slew_lo_down(lo, accepted, guard.slew_up, elapsed),
                _slew_hi_up(hi, accepted, guard.slew_down, elapsed),
                now,
                initial,
                maintenance,
                CONFIRMING if confirming else 0,
            ),
            until,
            variance,
            last_price,
            last_at,
        )

    def _restarted_at(self, now: int) -> int | None:
        """Return when the sequencer came back: 0 without one, now when unreadable, None if down."""
        sequencer = self.sequencer
        if sequencer is None:
            return 0
        if not sequencer.is_readable(now):
            return now
        return None if sequencer.answer else sequencer.started_at

    # governance

    def list_kind(self, guard: Guard, price: int, now: int, token: str = ZERO_ADDRESS) -> int:
        """Give a token a kind, whose oracle answers `price` as of `now`; return the kind.

        What the guard remembers begins anew, whatever it says.
        """
        kind = len(self.prices)
        if kind >= MAX_KINDS:
            refuse("too many kinds")
        _check_max_age(guard.max_age)
        _check_bounds(guard.min_price, guard.max_price)
        if not guard.min_price <= price < guard.max_price:
            refuse("price failed")
        _check_limits(guard.slew_down, guard.slew_up, guard.jump_bps, guard.sigma_ref)
        guard = replace(guard, confirming_until=0, variance=0, last_price=price, last_at=now)
        self.guards.append(guard)
        self.feeds.append((price, now))
        self.prices.append(Price(price, price, now))
        self.tokens = {**self.tokens, kind: token}
        if self.updates is not None:
            self.updates.append((kind, self.prices[kind]))
        return kind

    def set_oracle(self, kind: int, feed: Feed | None, now: int) -> None:
        """Follow another oracle, which answers `feed`: within 5 % of the old one, unless dead."""
        self._check_listed(kind)
        if self._restarted_at(now) is None:
            refuse("price failed")
        old = self.accepted_price(kind, self.feeds[kind], now)
        price = self.accepted_price(kind, feed, now)
        if not price:
            refuse("price failed")
        deviation = old * MAX_DEVIATION
        if old and not old * BPS - deviation <= price * BPS <= old * BPS + deviation:
            refuse("price deviates")
        self.feeds[kind] = feed
        self.attempts[kind] = 0
        self._refresh(kind, self.prices[kind], feed, now, changed=True)

    def set_limits(
        self, kind: int, slew_down: int, slew_up: int, jump_bps: int, sigma_ref: int
    ) -> None:
        """Change how fast a kind's word may move; it holds from the next refresh on."""
        self._check_listed(kind)
        _check_limits(slew_down, slew_up, jump_bps, sigma_ref)
        guard = self.guards[kind]
        guard.slew_down, guard.slew_up = slew_down, slew_up
        guard.jump_bps, guard.sigma_ref = jump_bps, sigma_ref

    def set_bounds(self, kind: int, min_price: int, max_price: int, now: int) -> None:
        """Change a kind's sanity bounds and judge its price by them at once."""
        self._check_listed(kind)
        _check_bounds(min_price, max_price)
        guard = self.guards[kind]
        guard.min_price, guard.max_price = min_price, max_price
        self._judge_again(kind, now)

    def set_max_age(self, kind: int, max_age: int, now: int) -> None:
        """Change the age from which a kind's price is stale and judge its price by it at once."""
        self._check_listed(kind)
        _check_max_age(max_age)
        self.guards[kind].max_age = max_age
        self._judge_again(kind, now)

    def _judge_again(self, kind: int, now: int) -> None:
        self.attempts[kind] = 0
        if not self._has_just_failed(kind, self.prices[kind], now):
            self._refresh(kind, self.prices[kind], self.feeds[kind], now)

    def _check_listed(self, kind: int) -> None:
        if not 0 <= kind < len(self.prices):
            refuse("unknown kind")


def _failed(price: Price) -> Price:
    """Return a word with FAILED set and nothing else changed."""
    if price.flags & FAILED:
        return price
    return Price(
        price.lo,
        price.hi,
        price.updated_at,
        price.initial_multiplier,
        price.maintenance_multiplier,
        price.flags | FAILED,
    )


def _returned(price: Price) -> Price:
    """Return a word as callers see it: `lo` is 0 while FAILED."""
    return replace(price, lo=0) if price.flags & FAILED else price


def _check_max_age(max_age: int) -> None:
    if not 0 < max_age <= _SHORT:
        refuse("bad max age")


def _check_bounds(min_price: int, max_price: int) -> None:
    if not 0 < min_price < max_price <= _LARGEST_PRICE:
        refuse("bad bounds")


def _check_limits(slew_down: int, slew_up: int, jump_bps: int, sigma_ref: int) -> None:
    if not (0 < slew_down <= _SHORT and 0 < slew_up <= _SHORT):
        refuse("bad slew")
    if jump_bps % _JUMP_UNIT or not 0 < jump_bps <= _LARGEST_JUMP:
        refuse("bad jump")
    if not 0 < sigma_ref <= _LARGEST_SIGMA:
        refuse("bad sigma")
