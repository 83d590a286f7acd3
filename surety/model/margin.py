# SPDX-License-Identifier: MIT
"""Python twins of margin models: what `contracts/margin` answers, in exact integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from surety.formulas import Revert, margin_math
from surety.model.state import Exposure, Surcharges

Brackets: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]  # bounds in coin units, rates in bps
Scale: TypeAlias = tuple[int, int, int]  # from and to these deposits, bps


@dataclass(slots=True)
class TieredMargin:
    """Brackets and scales by kind, as `contracts/margin/TieredMargin.vy` holds them."""

    brackets: dict[int, Brackets] = field(default_factory=dict)
    scales: dict[int, Scale] = field(default_factory=dict)

    def __call__(
        self, account: int, exposures: Sequence[Exposure], sold_kind: int
    ) -> Surcharges | None:
        """Return the surcharges; None where the contract would revert."""
        try:
            return self._surcharges(exposures, sold_kind)
        except Revert:
            return None

    def _surcharges(self, exposures: Sequence[Exposure], sold_kind: int) -> Surcharges:
        initial = target = maintenance = close_out = sold_bps = 0
        for one in exposures:
            off = rate = 0
            if one.kind in self.brackets:
                bounds, rates = self.brackets[one.kind]
                rate, offset = margin_math.bracket_line(
                    one.value,
                    *(*bounds, 0, 0, 0)[:3],
                    *(*rates, 0, 0, 0)[:4],
                )
            if rate:
                off = margin_math.tier_surcharge_up(one.initial, one.value, rate, offset)
                target += margin_math.tier_surcharge_up(one.target, one.value, rate, offset)
                maintenance += margin_math.tier_surcharge_up(
                    one.maintenance, one.value, rate, offset
                )
                close_out += margin_math.tier_surcharge_up(one.close_out, one.value, rate, offset)
                if one.kind == sold_kind:
                    sold_bps = rate
            if one.kind in self.scales:
                share = margin_math.scale_share_up(one.deposited, *self.scales[one.kind])
                off = margin_math.scaled_surcharge_up(one.initial, off, share)
            initial += off
        return initial, target, maintenance, close_out, sold_bps


@dataclass(slots=True)
class FailingModel:
    """A model that never answers: it has no code, reverts, burns its gas or answers too little."""

    def __call__(
        self, account: int, exposures: Sequence[Exposure], sold_kind: int
    ) -> Surcharges | None:
        """Fail."""
        return None
