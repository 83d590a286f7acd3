# SPDX-License-Identifier: MIT
"""One model without any parameters, and what it must answer worked out in Python."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import NamedTuple

import pytest

from surety.formulas import margin_math
from tests.unit.conftest import WAD

NOBODY = 255  # "no kind is sold"
M = 10**6 * WAD


@dataclass(frozen=True, slots=True)
class Exposure:
    """One kind of an account, in the order of IMarginModel."""

    kind: int
    deposited: int
    value: int
    initial: int
    target: int
    maintenance: int
    close_out: int


class Brackets(NamedTuple):
    """What `set_brackets` is given: bounds in coin units, rates in bps."""

    bounds: list[int]
    rates: list[int]


class Scale(NamedTuple):
    """What `set_scale` is given: base units and bps."""

    lo: int
    hi: int
    bps: int


class Params:
    """The parameters that a model holds, by kind."""

    def __init__(self) -> None:
        self.brackets: dict[int, Brackets] = {}
        self.scales: dict[int, Scale] = {}

    def line(self, kind: int, value: int) -> tuple[int, int]:
        """Return the marginal reduction and the offset at a value."""
        bounds, rates = self.brackets.get(kind, Brackets([], []))
        return margin_math.bracket_line(
            value, *bounds, *(0 for _ in range(3 - len(bounds))),
            *rates, *(0 for _ in range(4 - len(rates))),
        )  # fmt: skip

    def surcharges(self, exposures: list[Exposure], sold_kind: int) -> tuple[int, ...]:
        """Return the five words that the model must answer."""
        sums, sold_bps = [0, 0, 0, 0], 0
        for leg in exposures:
            rate, offset = self.line(leg.kind, leg.value)
            off = [
                margin_math.tier_surcharge_up(capacity, leg.value, rate, offset)
                for capacity in astuple(leg)[3:]
            ]
            if leg.kind in self.scales:
                share = margin_math.scale_share_up(leg.deposited, *self.scales[leg.kind])
                off[0] = margin_math.scaled_surcharge_up(leg.initial, off[0], share)
            sums = [total + word for total, word in zip(sums, off, strict=True)]
            if leg.kind == sold_kind:
                sold_bps = rate
        return (*sums, sold_bps)


def exposure(kind: int, value: int, deposited: int = 0, lo_share: int = 10_000) -> Exposure:
    """Make the exposure of a major (75/80/85 %), its `lo` at a share of its `hi`."""
    return Exposure(
        kind=kind,
        deposited=deposited,
        value=value,
        initial=margin_math.initial_capacity(value * lo_share // 10_000, 7_500, 12_000, 0),
        target=margin_math.target_capacity(value, 7_500),
        maintenance=margin_math.maintenance_capacity(value, 7_500, 8_000, 10_000),
        close_out=margin_math.close_out_capacity(value, 8_500),
    )


class Book:
    """A model on the chain beside the parameters that it was given."""

    def __init__(self, contract, governor) -> None:
        self.contract = contract
        self.governor = governor
        self.params = Params()

    def set_brackets(self, kind: int, bounds: list[int], rates: list[int]):
        self.params.brackets[kind] = Brackets(bounds, rates)
        return self.contract.set_brackets(kind, bounds, rates, sender=self.governor)

    def set_scale(self, kind: int, lo: int, hi: int, bps: int):
        self.params.scales[kind] = Scale(lo, hi, bps)
        return self.contract.set_scale(kind, lo, hi, bps, sender=self.governor)

    def ask(self, exposures: list[Exposure], sold_kind: int = NOBODY, account: int = 0):
        """Ask the contract."""
        legs = [astuple(leg) for leg in exposures]
        return tuple(self.contract.surcharges(account, legs, sold_kind))

    def check(self, exposures: list[Exposure], sold_kind: int = NOBODY) -> tuple[int, ...]:
        """Ask the contract, assert that it answers as Python does, and return the answer."""
        answer = self.ask(exposures, sold_kind)
        assert answer == self.params.surcharges(exposures, sold_kind)
        return answer


@pytest.fixture(scope="session")
def new_model(project, governor):
    return lambda: Book(governor.deploy(project.TieredMargin, governor), governor)


@pytest.fixture
def model(new_model):
    """A model without brackets and scales."""
    return new_model()


# brackets and scale of docs/margin-models.md, kind 0
BRACKETS = Brackets([1 * M, 3 * M, 10 * M], [0, 1_000, 3_000, 6_000])
SCALE = Scale(50_000 * WAD, 150_000 * WAD, 4_000)


@pytest.fixture
def eth(model):
    """The model with kind 0 as in the documentation."""
    model.set_brackets(0, *BRACKETS)
    model.set_scale(0, *SCALE)
    return model
