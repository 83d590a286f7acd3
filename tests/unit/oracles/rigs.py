# SPDX-License-Identifier: MIT
"""The rigs of all adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.unit.oracles.rig import FOREVER, USUAL, WAD, Bench, Report, Rig

LEAST_INT = -(2**255)
MOST_INT = 2**255 - 1


class ChainlinkRig(Rig):
    """One aggregator, itself or behind a proxy, with limits or without."""

    NAME = "ChainlinkOracle"
    VARIANTS = ("0", "6", "8", "17", "18", "19", "36", "8 proxy", "8 limits", "8 proxy limits")
    LOW, HIGH = 10**7, 10**12  # 0.1 and 10,000 with 8 decimals

    def __init__(self, bench: Bench, variant: str) -> None:
        super().__init__(bench, variant)
        self.decimals = int(variant.split()[0])
        self.has_limits = "limits" in variant
        self.round = 1
        self.feed = bench.deploy("MockAggregator", self.decimals, 2_000 * 10**self.decimals)
        asked = self.feed
        if self.has_limits:
            bench.send(self.feed, "set_limits", self.LOW, self.HIGH)
        if "proxy" in variant:
            asked = bench.deploy("MockAggregatorProxy", self.feed.address)
        self.oracle = bench.deploy("ChainlinkOracle", asked.address)
        self.sources = [asked.address]

    def show(self, price: int, at: int) -> Report:
        answer = price * 10**self.decimals // WAD
        self._say(answer, at)
        if self.has_limits and not self.LOW < answer < self.HIGH:
            return Report(0, at)
        return Report(answer * WAD // 10**self.decimals, at)

    def _say(self, answer: int, at: int, behind: int = 0) -> None:
        self.round += 1
        self.bench.send(self.feed, "set_round", answer, at, self.round, self.round - behind)

    def lies(self) -> Mapping[str, Callable[[], object]]:
        usual, now = 2_000 * 10**self.decimals, self.bench.now
        found: dict[str, Callable[[], object]] = {
            "zero": lambda: self._say(0, now),
            "negative": lambda: self._say(-1, now),
            "the price's negative": lambda: self._say(-usual, now),
            "the least integer": lambda: self._say(LEAST_INT, now),
            "in an hour": lambda: self._say(usual, now + 3_600),
            "at the end of time": lambda: self._say(usual, 2**256 - 1),
            "a round without a time": lambda: self._say(usual, 0),
            "a round answered earlier": lambda: self._say(usual, now, behind=1),
            "other decimals": lambda: self.bench.send(
                self.feed, "set_decimals", 18 if self.decimals != 18 else 8
            ),
        }
        if self.decimals < 18:
            found["too large for a word"] = lambda: self._say(MOST_INT, now)
        if self.has_limits:
            found["at the floor"] = lambda: self._say(self.LOW, now)
            found["below the floor"] = lambda: self._say(self.LOW - 1, now)
            found["at the ceiling"] = lambda: self._say(self.HIGH, now)
            found["above the ceiling"] = lambda: self._say(self.HIGH + 1, now)
        return found


class Composite(Rig):
    """An oracle over mock oracles; the last of them spends most of its gas."""

    COUNT = 2
    GAS = 140_000
    WORK = 0

    def __init__(self, bench: Bench, variant: str) -> None:
        super().__init__(bench, variant)
        self.parts = [bench.deploy("MockOracle", USUAL) for _ in range(self.COUNT)]
        self.sources = [part.address for part in self.parts]
        self.oracle = bench.deploy(self.NAME, *self.sources, *self.settings(), self.GAS)
        if variant == "hungry":
            for part in self.parts:
                bench.send(part, "set_work", self.WORK)

    def settings(self) -> tuple[int, ...]:
        return ()

    def say(self, *reports: tuple[int, int]) -> None:
        """Let each source report a price and a time."""
        for part, report in zip(self.parts, reports, strict=False):
            self.bench.send(part, "set_report", *report)


class MinimumRig(Composite):
    NAME = "MinimumOracle"
    VARIANTS = ("first", "second", "hungry")
    WORK = 1_100

    def show(self, price: int, at: int) -> Report:
        now = self.bench.now
        reports = [(price, min(now, at + 7)), (price + price // 50 + 1, at)]
        self.say(*(reports if self.variant == "first" else reversed(reports)))
        return Report(price, at)

    def lies(self) -> Mapping[str, Callable[[], object]]:
        now = self.bench.now
        good = (USUAL, now)
        return {
            "first is 0": lambda: self.say((0, now), good),
            "second is 0": lambda: self.say(good, (0, now)),
            "first in the future": lambda: self.say((USUAL, now + 3_600), good),
            "second in the future": lambda: self.say(good, (USUAL, 2**256 - 1)),
        }


class ProductRig(MinimumRig):
    NAME = "ProductOracle"
    VARIANTS = ("first", "second", "hungry")
    RATE = 1_087_654_321_012_345_678

    def show(self, price: int, at: int) -> Report:
        now = self.bench.now
        factor = -(-price * WAD // self.RATE)
        reports = [(self.RATE, min(now, at + 7)), (factor, at)]
        self.say(*(reports if self.variant == "first" else reversed(reports)))
        return Report(self.RATE * factor // WAD, at)

    def lies(self) -> Mapping[str, Callable[[], object]]:
        now = self.bench.now
        return {
            **super().lies(),
            "below 1": lambda: self.say((1, now), (WAD - 1, now)),
            "beyond a word": lambda: self.say((2**128, now), (2**128, now)),
            "far beyond a word": lambda: self.say((2**256 - 1, now), (2**256 - 1, now)),
        }


class MedianRig(Composite):
    NAME = "MedianOracle"
    VARIANTS = ("0", "1", "2", "hungry")
    COUNT = 3
    GAS = 90_000
    WORK = 700
    MAX_AGE, SPREAD = 86_400, 200
    JUDGES_AGE = True
    SURVIVES = 1

    def settings(self) -> tuple[int, ...]:
        return self.MAX_AGE, self.SPREAD

    def show(self, price: int, at: int) -> Report:
        now, step = self.bench.now, price // 100
        reports = [
            (price, at),
            (price + step, min(now, at + 3)),
            (price - step, min(now, at + 7)),
        ]
        turn = int(self.variant) if self.variant != "hungry" else 0
        self.shown = reports[turn:] + reports[:turn]
        self.say(*self.shown)
        if at < now - self.MAX_AGE:
            return Report(0, 0)
        return Report(price, at)

    def without(self, index: int) -> Report:
        (a, at_a), (b, at_b) = (self.shown[i] for i in range(3) if i != index)
        assert max(a, b) - min(a, b) <= max(a, b) * self.SPREAD // 10_000
        return Report(min(a, b), min(at_a, at_b))

    def lies(self) -> Mapping[str, Callable[[], object]]:
        now = self.bench.now
        good, zero, future = (USUAL, now), (0, now), (USUAL, now + 3_600)
        old, far = (USUAL, now - FOREVER), (USUAL * 2, now)
        return {
            "two are 0": lambda: self.say(zero, good, zero),
            "two in the future": lambda: self.say(future, future, good),
            "two are old": lambda: self.say(good, old, old),
            "one is old, one is 0": lambda: self.say(zero, good, old),
            "one is dead, two disagree": lambda: self.say(far, zero, good),
            "one is dead, one is huge": lambda: self.say(good, zero, (2**256 - 1, now)),
        }


RIGS: tuple[type[Rig], ...] = (ChainlinkRig, MinimumRig, MedianRig, ProductRig)
