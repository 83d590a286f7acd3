# SPDX-License-Identifier: MIT
"""How the hub's guarded prices went along with the market: lags, confirmations, failures. No I/O.

Every block counts for the seconds until the block after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from surety.demo.probe import State
from surety.prices.lag import lag_down, lag_up

BPS = 10_000
LATE_BPS = 100
MINUTE = 60


@dataclass(slots=True)
class Guard:
    """One kind: the worst that was seen at the end of a block, and for how many seconds what held.

    Lags are bps of the market, rounded up: of `hi` above it and of `lo` below it; while a kind has
    FAILED they are not counted, for there is no price to be late for.
    """

    max_lag_lo_bps: int = 0
    max_lag_hi_bps: int = 0
    late: int = 0
    confirming: int = 0
    failed: int = 0
    max_initial_multiplier: int = BPS
    max_maintenance_multiplier: int = BPS

    def as_json(self) -> dict[str, int]:
        """Return the numbers for JSON: bps, and minutes rounded up."""
        return {
            "max_lag_lo_bps": self.max_lag_lo_bps,
            "max_lag_hi_bps": self.max_lag_hi_bps,
            "minutes_hi_over_1pct_late": -(-self.late // MINUTE),
            "confirming_minutes": -(-self.confirming // MINUTE),
            "failed_minutes": -(-self.failed // MINUTE),
            "max_initial_multiplier": self.max_initial_multiplier,
            "max_maintenance_multiplier": self.max_maintenance_multiplier,
        }


@dataclass(slots=True)
class GuardLog:
    """What `note` has seen so far, by kind number."""

    kinds: dict[int, Guard] = field(default_factory=dict)
    _last: State | None = None

    def note(self, state: State) -> None:
        """Count one block, and the time since the one before as that one was."""
        self._pass(0 if self._last is None else state.now - self._last.now)
        self._last = state
        for number, (price, market) in enumerate(zip(state.quotes, state.market, strict=True)):
            guard = self.kinds.setdefault(number, Guard())
            guard.max_initial_multiplier = max(
                guard.max_initial_multiplier, price.initial_multiplier
            )
            guard.max_maintenance_multiplier = max(
                guard.max_maintenance_multiplier, price.maintenance_multiplier
            )
            if price.failed:
                continue
            guard.max_lag_hi_bps = max(guard.max_lag_hi_bps, lag_up(price.hi, market))
            guard.max_lag_lo_bps = max(guard.max_lag_lo_bps, lag_down(price.lo, market))

    def _pass(self, seconds: int) -> None:
        if self._last is None:
            return
        pairs = zip(self._last.quotes, self._last.market, strict=True)
        for number, (price, market) in enumerate(pairs):
            guard = self.kinds[number]
            guard.confirming += seconds * price.confirming
            guard.failed += seconds * price.failed
            guard.late += seconds * (not price.failed and lag_up(price.hi, market) > LATE_BPS)
