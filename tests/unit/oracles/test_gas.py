# SPDX-License-Identifier: MIT
"""The gas table of docs/oracles.md: every composition in it works and costs what it says."""

from __future__ import annotations

import re

import pytest

from surety import paths
from tests.unit.oracles.rig import BURNS, HUB_GAS, PRICE, USUAL, WAD, Bench

DOCS = paths.root() / "docs" / "oracles.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([0-9,]+) \| ([0-9,]+) \|$", re.MULTILINE)
NESTED = 40_000


class Builder:
    """Makes oracles by name over Chainlink proxies whose aggregators have limits."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.feeds: list[str] = []

    def feed(self, answer: int = 2_000) -> str:
        aggregator = self.bench.deploy("MockAggregator", 8, answer * 10**8)
        self.bench.send(aggregator, "set_limits", 1, 2**176 - 1)
        proxy = self.bench.deploy("MockAggregatorProxy", aggregator.address).address
        self.feeds.append(proxy)
        return self.bench.deploy("ChainlinkOracle", proxy).address

    def minimum(self, a: str, b: str, gas: int = 140_000) -> str:
        return self.bench.deploy("MinimumOracle", a, b, gas).address

    def product(self, a: str, b: str, gas: int = 140_000) -> str:
        return self.bench.deploy("ProductOracle", a, b, gas).address

    def median(self, a: str, b: str, c: str, gas: int = 90_000) -> str:
        return self.bench.deploy("MedianOracle", a, b, c, 3_600, 200, gas).address


def _rate(b):
    return b.product(b.feed(1), b.feed(), NESTED)


COMPOSITIONS = {
    "Chainlink": lambda b: b.feed(),
    "Minimum(Chainlink, Chainlink)": lambda b: b.minimum(b.feed(), b.feed()),
    "Product(Chainlink, Chainlink)": lambda b: b.product(b.feed(1), b.feed()),
    "Median(Chainlink, Chainlink, Chainlink)": lambda b: b.median(b.feed(), b.feed(), b.feed()),
    "Minimum(Product(Chainlink, Chainlink), Chainlink)": lambda b: b.minimum(_rate(b), b.feed()),
    "Median(Product(Chainlink, Chainlink), Chainlink, Chainlink)": lambda b: b.median(
        _rate(b), b.feed(), b.feed()
    ),
    "Product(Chainlink, Median(Chainlink, Chainlink, Chainlink))": lambda b: b.product(
        b.feed(1), b.median(b.feed(), b.feed(), b.feed(), NESTED)
    ),
}


def _documented() -> dict[str, tuple[int, int]]:
    rows = ROW.findall(DOCS.read_text())
    return {name: (_number(good), _number(worst)) for name, good, worst in rows}


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _measured(bench: Bench, oracle: str) -> int:
    """Measure a read as a contract pays it, the account's cold access included."""
    receipt = bench.probe.transact("measure", oracle, PRICE, sender=bench.stranger)
    (event,) = bench.probe.events(receipt)
    return int(event.args["gas"])


def test_docs__list_every_composition():
    assert set(_documented()) == set(COMPOSITIONS)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_gas__is_what_the_docs_say(real_bench, name):
    builder = Builder(real_bench)
    oracle = COMPOSITIONS[name](builder)
    good = _measured(real_bench, oracle)
    answer = real_bench.ask(oracle, PRICE)
    assert answer is not None
    assert int.from_bytes(answer[:32]) == 2_000 * WAD == USUAL

    worst = 0
    if name != "Chainlink":  # which reverts with all of its gas
        with real_bench.broken(BURNS, *builder.feeds):
            assert int.from_bytes(real_bench.ask(oracle, PRICE)[:32]) == 0
            worst = _measured(real_bench, oracle)
    print(f"| `{name}` | {good:,} | {worst:,} |")
    assert worst < HUB_GAS
    expected = _documented()[name]
    # to 1 %: the compiler's and the node's next versions may save a little
    assert abs(good - expected[0]) * 100 <= expected[0]
    assert abs(worst - expected[1]) * 100 <= expected[1]
