# SPDX-License-Identifier: MIT
"""Where a book's prices come from: a hub told what to say, or one that follows feeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from surety.model.state import FAILED, ZERO_ADDRESS, Price

_ATTEMPT = 2**24


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

    def copy(self) -> Self:
        """Return a hub that can be changed without changing this one."""
        return replace(self, prices=dict(self.prices))


@dataclass(slots=True)
class FeedHub:
    """The PriceHub over feeds: a stored word each, refreshed when it is `fresh_for` seconds old.

    `feeds` holds what each feed answers, as (price, time of the answer), None where it reverts;
    `attempts` when a kind was last found failed (a failure is remembered until the next second).
    Bounds on prices are not modelled: keep feeds inside them.
    """

    fresh_for: int
    max_age: int
    prices: list[Price]
    feeds: list[tuple[int, int] | None] = field(compare=False)
    attempts: dict[int, int] = field(default_factory=dict, compare=False)
    tokens: dict[int, str] = field(default_factory=dict, compare=False)

    def sync(self, mask: int, now: int) -> dict[int, Price]:
        """Refresh the kinds of a mask and return their words as callers see them."""
        for kind, price in enumerate(self.prices):
            if mask >> kind & 1:
                self.prices[kind] = renewed = self._next(kind, price, now)
                if renewed.has_failed and not self._has_just_failed(kind, price, now):
                    self.attempts[kind] = now % _ATTEMPT
        return self.read(mask, now)

    def read(self, mask: int, now: int) -> dict[int, Price]:
        """Return what `sync` would, without refreshing."""
        found = {}
        for kind, stored in enumerate(self.prices):
            if mask >> kind & 1:
                price = self._next(kind, stored, now)
                found[kind] = replace(price, lo=0) if price.has_failed else price
        return found

    def token_of(self, kind: int) -> str:
        """Return the token of a kind."""
        return self.tokens.get(kind, ZERO_ADDRESS)

    def copy(self) -> Self:
        """Return a hub that can be changed without changing this one."""
        return replace(
            self, prices=list(self.prices), feeds=list(self.feeds), attempts=dict(self.attempts)
        )

    def _next(self, kind: int, price: Price, now: int) -> Price:
        if not price.has_failed and now - price.updated_at < self.fresh_for:
            return price
        if self._has_just_failed(kind, price, now):
            return price
        feed = self.feeds[kind]
        if feed is None or feed[0] <= 0 or not 0 <= now - feed[1] <= self.max_age:
            return replace(price, flags=price.flags | FAILED)
        return replace(price, lo=feed[0], hi=feed[0], updated_at=now, flags=0)

    def _has_just_failed(self, kind: int, price: Price, now: int) -> bool:
        return price.has_failed and self.attempts.get(kind) == now % _ATTEMPT
