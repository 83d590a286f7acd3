# SPDX-License-Identifier: MIT
"""Which kinds of a hub to poke at a block, and why. No I/O.

A word follows the market only when it is written: `hi` falls at most by the slew of the time since,
and of that only 120 s count. So an account that fell under a level is safe from a stale word (every
transaction refreshes what it uses), but a crash that nobody writes down outruns `hi`, looks like a
jump when somebody does, and a confirmation counts from that write only.

A reader's word tells what a poke would bring, so nothing else is asked: while the stored word is
fresh, both are the same and there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from surety.keeper.words import Price

BPS = 10_000


@dataclass(frozen=True, slots=True)
class PokePolicy:
    """When a keeper writes prices down.

    `move_bps`: how far a reader's lo or hi may be from the stored one. `lag_bps`: how far `hi`, as
    it falls, may be left above `lo` without letting it fall on; below that nothing is lost, since
    the next block reads on from there. `longest_age`: seconds after which a word is written anyway;
    4 h is the most that one volatility sample makes up for. `failing_for`: seconds without a price
    after which a failure is written down. `enabled`: whether to poke at all.
    """

    enabled: bool = True
    move_bps: int = 100
    lag_bps: int = 10
    longest_age: int = 14_400
    failing_for: int = 600


@dataclass(frozen=True, slots=True)
class Poke:
    """Refresh these kinds in one transaction, each for its reason."""

    kinds: tuple[int, ...]
    reasons: tuple[str, ...]

    @property
    def mask(self) -> int:
        """The kinds as a bit mask."""
        return sum(1 << kind for kind in self.kinds)


def due(
    kinds: Iterable[int],
    stored: Mapping[int, Price],
    seen: Mapping[int, Price],
    now: int,
    policy: PokePolicy,
) -> list[tuple[int, str]]:
    """Return the kinds to poke with their reasons, those whose flags change first.

    `kinds` are those that matter; one without a word is left out. `stored` are the words in
    storage, `seen` those that a reader gets at `now`. With the first kind that is due go those that
    would be by their age in the second half of it: a kind more is cheaper than a transaction more.
    """
    if not policy.enabled:
        return []
    priced = [kind for kind in sorted(kinds) if kind in stored and kind in seen]
    found = _with_reasons(priced, stored, seen, now, policy)
    if found:
        early = replace(policy, longest_age=policy.longest_age // 2)
        found = _with_reasons(priced, stored, seen, now, early)
    return [(kind, reason) for _, kind, reason in sorted(found)]


def _with_reasons(
    kinds: Iterable[int],
    stored: Mapping[int, Price],
    seen: Mapping[int, Price],
    now: int,
    policy: PokePolicy,
) -> list[tuple[int, int, str]]:
    """Return (rank, kind, reason) of the kinds that are due."""
    reasons = ((kind, why(stored[kind], seen[kind], now, policy)) for kind in kinds)
    return [(_RANKS[reason], kind, reason) for kind, reason in reasons if reason]


def why(stored: Price, seen: Price, now: int, policy: PokePolicy) -> str:
    """Say why a kind is to be poked at `now`, or "" when it is not."""
    if seen.failed:
        # written once, so that the price that ends it is not taken on trust; not for a source that
        # comes and goes, which would cost a write a minute and is in doubt already
        sure = now - stored.updated_at >= policy.failing_for
        return FAILED if sure and not stored.failed and not stored.confirming else ""
    if stored.failed:
        return RECOVERED
    if seen.confirming != stored.confirming:
        return CONFIRMING if seen.confirming else CONFIRMED
    if seen.hi < stored.hi and _apart(seen.lo, seen.hi, policy.lag_bps):
        return LAGGING
    if _apart(stored.hi, seen.hi, policy.move_bps) or _apart(stored.lo, seen.lo, policy.move_bps):
        return MOVED
    if seen != stored and now - stored.updated_at >= policy.longest_age:
        return OLD
    return ""


CONFIRMING = "a confirmation begins"
RECOVERED = "it has recovered"
FAILED = "it has failed"
LAGGING = "hi lags behind a fall"
MOVED = "the price has moved"
CONFIRMED = "a confirmation has ended"
OLD = "its word is old"
_RANKS = {
    reason: rank
    for rank, reason in enumerate((CONFIRMING, RECOVERED, LAGGING, FAILED, MOVED, CONFIRMED, OLD))
}


def _apart(one: int, other: int, bps: int) -> bool:
    """Tell whether two prices are at least so many bps of the first apart."""
    return abs(one - other) * BPS >= one * bps if bps else one != other
