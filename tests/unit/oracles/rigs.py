# SPDX-License-Identifier: MIT
"""The rigs of all adapters; a new one is added to `RIGS` at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.ticks import MAX_TICK, price_of, tick_near
from tests.unit.oracles.pyth import FEED, PUBLISHER, Message
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


class ShareRig(Rig):
    """A vault that says what it is told, over one oracle; decimals of the share and the asset."""

    NAME = "ShareOracle"
    VARIANTS = ("18 18", "18 6", "6 18", "8 8", "6 6")
    RATIO = 1_087_654  # of a share, in millionths of an asset
    GAS = 140_000

    def __init__(self, bench: Bench, variant: str) -> None:
        super().__init__(bench, variant)
        decimals, self.asset_decimals = map(int, variant.split())
        self.assets = self.RATIO * 10**self.asset_decimals // 10**6
        asset = bench.deploy("MockToken", "Asset", "AST", self.asset_decimals)
        self.vault = bench.deploy("FalseShareVault", asset.address, decimals, self.assets)
        self.below = bench.deploy("MockOracle", USUAL)
        self.sources = [self.vault.address, self.below.address]
        ratio = self.RATIO * 10**21
        self.oracle = bench.deploy("ShareOracle", *self.sources, self.GAS, 1_000, 86_400, ratio)

    def show(self, price: int, at: int) -> Report:
        below = -(-price * 10**6 // self.RATIO)
        self._say(below, at)
        return Report(below * self.assets // 10**self.asset_decimals, at)

    def _say(self, price: int, at: int) -> None:
        self.bench.send(self.below, "set_report", price, at)

    def lies(self) -> Mapping[str, Callable[[], object]]:
        now = self.bench.now
        absurd = (2**128 - 1) // 10 ** (27 - self.asset_decimals) + 1
        return {
            "a share is worth nothing": lambda: self._assets(0),
            "a share is worth the world": lambda: self._assets(absurd),
            "a share is worth a word": lambda: self._assets(2**256 - 1),
            "the asset is worth nothing": lambda: self._say(0, now),
            "the product is beyond a word": lambda: self._say(2**200, now),
            "in an hour": lambda: self._say(USUAL, now + 3_600),
            "at the end of time": lambda: self._say(USUAL, 2**256 - 1),
        }

    def _assets(self, assets: int) -> None:
        self.bench.send(self.vault, "set_assets", assets)


class TwapRig(Rig):
    """A pool's record, written by hand; decimals of token and quote, the token's place."""

    NAME = "UniswapTwapOracle"
    VARIANTS = ("18 18 first", "18 6 first", "8 18 second", "6 18 first", "18 8 second")
    WINDOW, CARDINALITY, LIQUIDITY = 1_800, 151, 10**18

    def __init__(self, bench: Bench, variant: str) -> None:
        super().__init__(bench, variant)
        *decimals, place = variant.split()
        self.decimals, self.quote_decimals = map(int, decimals)
        self.is_token0 = place == "first"
        token, quote = (
            bench.deploy("MockToken", "Token", "TOK", places).address
            for places in (self.decimals, self.quote_decimals)
        )
        self.pool = bench.deploy(
            "MockTwapPool", *((token, quote) if self.is_token0 else (quote, token))
        )
        self.sources = [self.pool.address]
        self.oracle = bench.deploy(
            "UniswapTwapOracle",
            self.pool.address,
            token,
            quote,
            3_000,
            self.WINDOW,
            self.CARDINALITY,
            self.LIQUIDITY,
        )

    def show(self, price: int, at: int) -> Report:
        order = self.is_token0, self.decimals, self.quote_decimals
        tick = tick_near(price, *order)
        # not a multiple of the window: the mean goes down to this tick
        self._means(tick * self.WINDOW + self.WINDOW - 1)
        self._record(at - self.WINDOW, at)
        return Report(price_of(tick, *order), at)

    def _means(self, ticks: int, liquidity: int = LIQUIDITY) -> None:
        self.bench.send(self.pool, "set_growth", ticks, (self.WINDOW << 128) // liquidity)

    def _record(self, oldest: int, last: int, cardinality: int = CARDINALITY) -> None:
        self.bench.send(self.pool, "set_record", cardinality, oldest, last)

    def lies(self) -> Mapping[str, Callable[[], object]]:
        now = self.bench.now
        beyond = (MAX_TICK + 1) * self.WINDOW
        return {
            "keeps too little": lambda: self._record(1, now, self.CARDINALITY - 1),
            "keeps nothing": lambda: self._record(1, now, 0),
            "knows too little": lambda: self._record(now - self.WINDOW // 2, now),
            "last traded in an hour": lambda: self._record(1, now + 3_600),
            "had little liquidity": lambda: self._means(0, self.LIQUIDITY * 99 // 100),
            "had no liquidity": lambda: self._means(0, 1),
            "a tick above all": lambda: self._means(beyond),
            "a tick below all": lambda: self._means(-beyond),
        }


class PythRig(Rig):
    """A pull oracle with one signed price; its exponent."""

    NAME = "PythOracle"
    VARIANTS = ("-8", "-5", "-15", "0", "3")
    CONFIDENCE = 100

    def __init__(self, bench: Bench, variant: str) -> None:
        super().__init__(bench, variant)
        self.expo = int(variant)
        self.pyth = bench.deploy("MockPyth", PUBLISHER, 0)
        self.sources = [self.pyth.address]
        self.oracle = bench.deploy("PythOracle", self.pyth.address, FEED, self.CONFIDENCE)

    def number(self, price: int) -> int:
        """Return the closest price that 63 bits can tell with this exponent."""
        number = price * 10 ** max(0, -18 - self.expo) // 10 ** max(0, 18 + self.expo)
        return min(number, 2**63 - 1)

    def show(self, price: int, at: int) -> Report:
        number = self.number(price)
        self._say(Message(number, at, number // 100, self.expo))
        scale = 18 + self.expo
        return Report(number * 10**scale if scale > 0 else number // 10**-scale, at)

    def _say(self, message: Message) -> None:
        update = message.sign(self.pyth.address, self.bench.rpc.chain_id)
        self.bench.send(self.pyth, "updatePriceFeeds", [update])

    def lies(self) -> Mapping[str, Callable[[], object]]:
        number = self.number(USUAL)
        good = Message(number, self.bench.now + 1, number // 100, self.expo)
        hour = good.time + 3_600
        return {
            "zero": lambda: self._say(good.but(price=0, conf=0)),
            "negative": lambda: self._say(good.but(price=-number)),
            "the least integer": lambda: self._say(good.but(price=-(2**63))),
            "not sure at all": lambda: self._say(good.but(conf=number // 100 + 1)),
            "as unsure as can be": lambda: self._say(good.but(conf=2**64 - 1)),
            "an exponent too high": lambda: self._say(good.but(expo=37)),
            "an exponent too low": lambda: self._say(good.but(expo=-37)),
            "the highest exponent": lambda: self._say(good.but(expo=2**31 - 1)),
            "the lowest exponent": lambda: self._say(good.but(expo=-(2**31))),
            "in an hour": lambda: self._say(good.but(time=hour)),
        }


RIGS: tuple[type[Rig], ...] = (
    ChainlinkRig,
    MinimumRig,
    MedianRig,
    ProductRig,
    ShareRig,
    TwapRig,
    PythRig,
)
