# SPDX-License-Identifier: MIT
"""Which margin model holds for a slot, and how far: `contracts/margin/MarginModels.vy`.

What a model that took another's place takes off fades in over a week, at every level but the
initial one; so does a default that a vault with debts began to use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from surety.formulas import margin_math
from surety.model.state import (
    BPS,
    ZERO_ADDRESS,
    Exposure,
    MarginModel,
    Surcharges,
    as_number,
    refuse,
)

FADE_PERIOD: Final = 7 * 86_400
LONG_AGO: Final = 1  # a change that needs no fading
NOTHING: Final = (0, 0, 0, 0, 0)

Capacities: TypeAlias = tuple[int, int, int, int]  # initial, target, maintenance, close-out


def cut(sums: Capacities, off: Surcharges) -> Surcharges:
    """Cut an answer so that no capacity falls below zero and the levels stay nested."""
    left = close_out = margin_math.less(sums[3], off[3])
    left = maintenance = min(left, margin_math.less(sums[2], off[2]))
    left = target = min(left, margin_math.less(sums[1], off[1]))
    initial = min(left, margin_math.less(sums[0], off[0]))
    kept = (initial, target, maintenance, close_out)
    first, second, third, last = (a - b for a, b in zip(sums, kept, strict=True))
    return first, second, third, last, min(BPS, off[4])


def less(sums: Capacities, off: Surcharges) -> Capacities:
    """Take what was cut to fit off the capacities."""
    return sums[0] - off[0], sums[1] - off[1], sums[2] - off[2], sums[3] - off[3]


@dataclass(slots=True)
class Slots:
    """What the list of margin models remembers, as one vault sees it."""

    models: dict[int, str] = field(default_factory=dict)
    fades: dict[int, tuple[str, int]] = field(default_factory=dict)  # former model, since when
    defaulted_at: int = 0  # when the vault began to use the default
    has_reliers: bool = False  # somebody may rely on slot 0

    def copy(self) -> Slots:
        """Return a list that can be changed without changing this one."""
        return replace(self, models=dict(self.models), fades=dict(self.fades))

    def model(self, slot: int) -> str:
        """Return the model of a slot, the zero address for none."""
        return self.models.get(slot, ZERO_ADDRESS)

    def used(self, slot: int, now: int) -> str:
        """Return the model that accounts of a slot are asked about."""
        for model in (self.model(slot), self.model(0)):
            if model != ZERO_ADDRESS:
                return model
        former, changed_at = self.fades.get(slot, (ZERO_ADDRESS, 0))
        return former if now < changed_at + FADE_PERIOD else ZERO_ADDRESS

    def list(self, slot: int, model: str, now: int) -> None:
        """Put a model into a slot, or empty it."""
        old = self.model(slot)
        if as_number(model) == as_number(old):
            return
        former, changed_at = self.fades.get(slot, (ZERO_ADDRESS, 0))
        is_empty = model == ZERO_ADDRESS
        if (is_empty and (slot == 0 or self.model(0) == ZERO_ADDRESS)) or (
            changed_at == 0 and (slot != 0 or not self.has_reliers)
        ):
            former, changed_at = ZERO_ADDRESS, LONG_AGO
        elif now < changed_at + FADE_PERIOD:
            refuse("still fading")
        else:
            former, changed_at = old, now
        self.models[slot], self.fades[slot] = model, (former, changed_at)
        self.has_reliers |= is_empty

    def use_default(self, was_used: bool, used: bool, normalized_debt: int, now: int) -> None:
        """Let the vault's accounts without a model have that of slot 0, or the linear margin."""
        if used:
            self.has_reliers = True
            if not was_used:
                self.defaulted_at = now if normalized_debt else LONG_AGO

    def surcharges(
        self,
        twins: dict[str, MarginModel],
        account: int,
        slot: int,
        exposures: Sequence[Exposure],
        sold: int,
        now: int,
    ) -> tuple[bool, Surcharges]:
        """Return whether an account's model fails, and what is taken off its linear capacities."""
        sums: Capacities = (
            sum(one.initial for one in exposures),
            sum(one.target for one in exposures),
            sum(one.maintenance for one in exposures),
            sum(one.close_out for one in exposures),
        )

        def asked(model: str) -> tuple[bool, Surcharges]:
            answer = twins[model.lower()](account, exposures, sold)
            return (True, NOTHING) if answer is None else (False, cut(sums, answer))

        def fallback() -> tuple[bool, Surcharges]:
            model = self.model(0)
            if model == ZERO_ADDRESS:
                return False, NOTHING
            former, changed_at = self.fades.get(0, (ZERO_ADDRESS, 0))
            _, before = (False, NOTHING) if former == ZERO_ADDRESS else asked(former)
            failed, present = asked(model)
            return failed, faded(before, present, now - changed_at, sums)

        if slot == 0:
            failed, present = fallback()
            return failed, faded(NOTHING, present, now - self.defaulted_at, sums)
        model = self.model(slot)
        former, changed_at = self.fades.get(slot, (ZERO_ADDRESS, 0))
        failed, present = fallback() if model == ZERO_ADDRESS else asked(model)
        _, before = fallback() if former == ZERO_ADDRESS else asked(former)
        return failed, faded(before, present, now - changed_at, sums)


def faded(former: Surcharges, present: Surcharges, elapsed: int, sums: Capacities) -> Surcharges:
    """Return what lies between two answers, `elapsed` seconds after the change from one."""
    if elapsed >= FADE_PERIOD:
        return present
    target, maintenance, close_out = (
        margin_math.faded_up(former[at], present[at], elapsed, FADE_PERIOD) for at in (1, 2, 3)
    )
    initial = sums[0] - min(sums[0] - present[0], sums[1] - target)
    return initial, target, maintenance, close_out, max(former[4], present[4])
