# SPDX-License-Identifier: MIT
"""No act makes an account callable that was healthy by 0.12 % of its collateral's value.

Accounts of one kind and of several, with and without a margin model, in a market whose volatility
has raised the multipliers, are put exactly that far above maintenance; then every act that the
rules know is done, and somebody tries to call them: at once, and after the next look at the prices.
What would have become callable without the act as well does not count.
"""

from __future__ import annotations

from typing import Any

import pytest

from surety.compile import Artifact
from tests.incidents.weak import weakened
from tests.unit.governor.acts import CATALOGUE, Sample, of, other_oracle, vault_of
from tests.unit.governor.rig import (
    CHOSEN,
    HOUR,
    MARGIN,
    STRUCTURE,
    WAD,
    Rig,
)

MARGIN_OF_SAFETY = 12  # bps of the collateral's value
BPS = 10_000
ETH, BTC, STABLE = range(3)
UNIT = (10**18, 10**8, 10**6)
# what each account holds (coins' worth by kind), what it owes of that, and the slot of its model
PEOPLE: tuple[tuple[dict[int, int], int, int], ...] = (
    ({ETH: 20_000}, 7_200, 0),
    ({BTC: 50_000}, 7_200, 0),
    ({STABLE: 30_000}, 8_700, 0),
    ({ETH: 10_000, BTC: 15_000, STABLE: 20_000}, 7_800, 0),
    ({ETH: 40_000}, 6_950, CHOSEN),
    ({BTC: 40_000}, 6_950, CHOSEN + 1),
    ({ETH: 15_000, STABLE: 15_000}, 7_700, CHOSEN + 1),
)


class Edge:
    """A rig whose accounts are brought to the edge."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.world = rig, rig.world
        self.first = [feed.read("latestRoundData")[1] for feed in self.world.feeds]
        self.ids: list[int] = []
        for sub, (worth, owed_bps, slot) in enumerate(PEOPLE):
            legs = [
                (kind, value * WAD * UNIT[kind] // self.world.price(kind))
                for kind, value in worth.items()
            ]
            debt = sum(worth.values()) * WAD * owed_bps // BPS
            id = self.world.open(legs, 0, sub=sub)
            if slot:
                self.call("set_margin_model", id, slot)
            self.call("borrow", id, debt, rig.owner)
            self.ids.append(id)

    def call(self, fn: str, *args: Any) -> None:
        self.rig.must(self.rig.vault, fn, *args, sender=self.rig.owner)

    def quote(self, percents: tuple[float, float, float]) -> None:
        """Move the market to so many percent of the first prices."""
        for kind, percent in enumerate(percents):
            answer = round(self.first[kind] * percent / 100)
            self.rig.must(self.world.feeds[kind], "set_answer", answer, sender=self.rig.deployer)

    def poke(self) -> None:
        self.rig.must(self.rig.hub, "poke", 7, sender=self.rig.stranger)

    def storm(self) -> None:
        """Wild hours, a fall, and quiet until limits and multipliers have caught up."""
        rig = self.rig
        ratios = [spare.read("latestRoundData")[1] / self.first[ETH] for spare in self.rig.spares]
        for percent in (95.5, 100, 95.5, 100, 95.5, 91.5, 91.5, 91.5):
            rig.wait(HOUR)
            self.quote((percent, percent, 98 if percent > 95 else 94.8))
            for _ in range(20):
                rig.wait(60)
                self.poke()
        for spare, ratio in zip(self.rig.spares, ratios, strict=True):
            if ratio:  # another feed of the same kind, not of a sequencer
                answer = round(self.world.feeds[ETH].read("latestRoundData")[1] * ratio)
                rig.must(spare, "set_answer", answer, sender=rig.deployer)
        rig.refresh()
        words = [rig.hub.read("read_one", kind) for kind in range(3)]
        assert all(word % 2**88 == word >> 88 & 2**88 - 1 for word in words)
        assert not any(word >> 248 for word in words)
        assert 10_500 < (words[ETH] >> 232) % 2**16 < 12_500

    def slack(self, id: int) -> int:
        """Return maintenance capacity less debt less the margin of safety."""
        debt, value, _, _, maintenance, _ = self.world.levels(id)
        return maintenance - debt - value * MARGIN_OF_SAFETY // BPS

    def approach(self) -> None:
        """Bring every account from below maintenance to the edge."""
        for id in self.ids:
            assert self.refusal(id) in (None, "calling paused"), "it was not callable before"
            # repaying adds to the slack what it takes off the debt, to the wei
            self.call("repay", id, -self.slack(id))
            assert 0 <= self.slack(id) < 10, "it is not at the edge"

    def refusal(self, id: int) -> str | None:
        """Return why an account cannot be called now, None when it can; nothing stays called."""
        with self.rig.snapshot():
            return self.rig.reason(self.rig.vault, "margin_call", id, sender=self.rig.stranger)

    def callable_now(self) -> set[int]:
        """Return who can be called."""
        found = {at for at, id in enumerate(self.ids) if self.refusal(id) is None}
        for at, id in enumerate(self.ids):
            assert at in found or self.refusal(id) in ("account is covered", "calling paused")
        return found

    def callable_later(self, waits: tuple[int, ...]) -> set[int]:
        """Return who can be called now, or after waiting so many seconds and a look at prices."""
        found = self.callable_now()
        for seconds in waits:
            with self.rig.snapshot():
                self.rig.wait(seconds)
                self.rig.refresh()
                found |= self.callable_now()
        return found


ATTACKS = (
    of("PriceHub.set_oracle", "hub", STRUCTURE, ETH, lambda r: other_oracle(r, bps=9_560)),
    of(
        "PriceHub.set_bounds", "hub", STRUCTURE, BTC,
        10**22, lambda r: r.world.price(BTC) * 88 // 100,
    ),
    of("PriceHub.set_limits", "hub", MARGIN, ETH, 1_666_667, 333_333, 1_000, 12_000_000),
    of("MarginModels.use_default", "models", MARGIN, vault_of, True, note="at once"),
)  # fmt: skip


def ramp_to(*goals: int) -> Sample:
    """Describe a ramp whose effect is that of its first step, an hour after it was set."""
    return of("Governor.ramp", "gov", MARGIN, vault_of, ETH, *goals, note="advanced")


def convicted(
    sample: Sample, weak: dict[str, Artifact] | None = None
) -> tuple[str | None, set[int]]:
    """Do one act with accounts at the edge: why it was refused, and who can be called by it."""
    rig = Rig(weak)
    edge = Edge(rig)
    act = sample.make(rig)
    if (reason := rig.propose_reason(act)) is not None:
        return reason, set()
    id = rig.gov.read("act_count")
    rig.wait(sample.delay)
    rig.refresh()
    if sample.note == "advanced":
        assert rig.execute_reason(id, act) is None
    edge.storm()
    edge.approach()
    assert edge.callable_now() == set()
    waits = (61,) if sample.name.startswith("MarginModels") else (61, HOUR)
    without = edge.callable_later(waits)
    if sample.note == "advanced":
        args = (rig.vault.address, ETH)
        reason = rig.reason(rig.gov, "advance", *args, sender=rig.stranger)
    elif sample.delay == 0:
        reason = rig.tighten_reason(act)
    else:
        reason = rig.execute_reason(id, act, sender=rig.admin)
    return reason, edge.callable_later(waits) - without


REFUSED = {("PriceHub.set_limits", "step too large")}


@pytest.mark.covers("I34")
@pytest.mark.parametrize("sample", CATALOGUE, ids=lambda s: f"{s.name} {s.delay} {s.note}")
def test_no_act_makes_an_account_callable(sample):
    reason, found = convicted(sample)
    assert found == set()
    assert reason is None or (sample.name, reason) in REFUSED


@pytest.mark.covers("I34")
@pytest.mark.parametrize(
    "goals",
    [
        (6_500, 7_000, 7_500, 10_100, 8_800),
        (0, 1, 2, 10_000, 9_999),
        (7_400, 7_900, 8_400, 11_000, 8_500),
        (7_499, 8_000, 8_500, 10_100, 8_800),
        (7_500, 7_501, 8_500, 10_100, 8_800),
        (7_900, 8_300, 8_700, 10_100, 8_800),
    ],
)
def test_no_step_of_a_ramp_makes_an_account_callable(goals):
    assert convicted(ramp_to(*goals)) == (None, set())


@pytest.mark.covers("I34")
@pytest.mark.parametrize("sample", ATTACKS, ids=lambda s: s.name)
def test_what_would_is_refused_or_comes_by_degrees(sample):
    reason, found = convicted(sample)
    assert found == set()
    assert reason == {
        "PriceHub.set_oracle": "price deviates",
        "PriceHub.set_bounds": "bounds too tight",
        "PriceHub.set_limits": "step too large",
    }.get(sample.name)


WEAKER: dict[str, tuple[Sample, str, str, str]] = {
    "an oracle that says less": (
        ATTACKS[0], "GovernanceRules",
        "MAX_FALL: constant(uint256) = 10 ", "MAX_FALL: constant(uint256) = 500 ",
    ),
    "a bound below the price": (
        ATTACKS[1], "GovernanceRules",
        "(BPS + MIN_HEADROOM)", "(BPS - 2_000)",
    ),
    "a usual hour made quieter": (
        ATTACKS[2], "GovernanceRules",
        "MULTIPLIER_STEP: constant(uint256) = 10 ",
        "MULTIPLIER_STEP: constant(uint256) = 10_000 ",
    ),
    "a default model all at once": (
        ATTACKS[3], "MarginModels",
        "FADE_PERIOD: constant(uint256) = 7 * 86_400", "FADE_PERIOD: constant(uint256) = 1",
    ),
    "a day's steps in one call": (
        ramp_to(6_500, 7_000, 7_500, 10_100, 8_800), "Governor",
        "MOST_AT_ONCE: constant(uint256) = 3_600", "MOST_AT_ONCE: constant(uint256) = 86_400",
    ),
}  # fmt: skip


@pytest.mark.parametrize("weakness", WEAKER)
def test_a_weaker_rule_is_convicted(weakness):
    """The control: with one rule taken out of its source the same walk finds accounts callable."""
    sample, name, honest, weaker = WEAKER[weakness]
    reason, found = convicted(sample, {name: weakened(name, (honest, weaker))})
    assert reason is None
    assert found != set()
