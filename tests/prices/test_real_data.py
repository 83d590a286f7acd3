# SPDX-License-Identifier: MIT
"""Real series, where the shared data is at hand: the promises and the numbers of docs/prices.md."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surety.prices.config import Config
from surety.prices.engines import EvmEngine, ModelEngine
from surety.prices.replay import Replay, run
from surety.prices.sources import Choice, read_stories
from tests.prices.marks import needs_evm

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "prices"
WAD = 10**18

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared market data is not beside the project"
)


def replayed(name: str, *, every: int = 60, accounts: int = 0, **choice: object) -> Replay:
    (story,) = read_stories(str(DATA / name), Choice(**choice))
    return run(story, Config(), ModelEngine(), every=every, accounts=accounts, keep=True)


@pytest.mark.parametrize(
    ("name", "choice", "lo_bps", "confirming"),
    [
        # the rebounds of that day are jumps, the falls are none
        ("2020-03-12_black_thursday/ETH_USD_10m.csv.gz", {}, 1_251, 22),
        ("2020-03-12_black_thursday/ETH_USDT_perp_1m_core.csv.gz", {}, 1_038, 20),
        (
            "2024-08-05/ETH_USDT_5m_2024-01_to_2024-09.csv.gz",
            {"start": 1_722_729_600, "end": 1_722_902_400},
            342,
            0,
        ),
        (
            "2023-03-11_usdc_depeg/USDC_USD_implied_5m.csv.gz",
            {"column": "usdc_usd", "start": 1_678_406_400, "end": 1_678_752_000},
            74,
            0,
        ),
    ],
)
def test_in_every_true_crash_hi_keeps_up_and_nothing_fails(name, choice, lo_bps, confirming):
    found = replayed(name, **choice).measures
    assert (found.max_lag_hi_bps, found.minutes_hi_over_1pct_late) == (0, 0)
    assert (found.failed_reads, found.confirming_minutes) == (0, confirming)
    assert found.max_lag_lo_bps == lo_bps


def test_between_refreshes_hi_is_a_minute_of_the_crash_behind():
    found = replayed("2020-03-12_black_thursday/ETH_USD_10m.csv.gz", every=12).measures
    assert found.max_lag_hi_bps == 693
    assert found.minutes_hi_over_1pct_late == 19


def test_multipliers_tighten_within_an_hour_of_the_crash():
    found = replayed("2020-03-12_black_thursday/ETH_USD_10m.csv.gz")
    tight = [m.at for m in found.moments if m.initial_multiplier > 10_000]
    assert tight[0] - 1_584_009_420 < 3_600  # the fall began at 10:37 UTC
    assert found.measures.max_initial_multiplier == 19_609


@pytest.mark.parametrize("coin", ["ETH", "BTC"])
def test_a_season_of_chainlink_rounds_is_calm(coin):
    found = replayed(f"chainlink/{coin}_USD_rounds_2023-04_to_2024-01.csv.gz", end=1_684_000_000)
    assert found.measures.failed_reads == found.measures.confirming_minutes == 0
    assert found.measures.max_lag_hi_bps == 0
    assert found.measures.max_initial_multiplier == 10_000


def test_the_gap_in_steth_rounds_fails_until_they_are_back():
    name = "chainlink/stETH_ETH_rounds_calm.csv.gz"
    found = replayed(name, start=1_650_000_000, end=1_662_000_000, every=600)
    assert found.measures.failed_reads == 13_170
    assert found.measures.confirming_minutes == 20


def test_the_print_of_link_is_refused():
    found = replayed(
        "2020-03-12_black_thursday/panel_USDT_1h.csv.gz",
        symbols=("LINK",),
        start=1_583_971_200,
        end=1_584_057_600,
    )
    lowest = min(m.market for m in found.moments)
    assert lowest == WAD // 10_000
    assert found.lowest_lo > 20 * lowest
    # the line to it and back takes a quarter of an hour each way in an hourly candle: below the
    # bound it fails, above it lo goes along
    assert found.measures.failed_reads == 2


def test_a_glitch_of_2_85_percent_in_the_midst_of_real_rounds_sells_nobody():
    """The worst of a calm week: accounts at their limit, a glitch in the second of a sample."""
    (story,) = read_stories(
        str(DATA / "chainlink/ETH_USD_rounds_2023-04_to_2024-01.csv.gz"),
        Choice(start=1_696_500_000, end=1_696_600_000),
    )
    glitch_at = story.start + 8 * 3_600
    true_feed = story.feed

    def feed(now):
        price, at = true_feed(now)
        bad = glitch_at <= now < glitch_at + 40 * 60
        return (price * 9_715 // 10_000, now) if bad else (price, at)

    with_it = run(replace(story, feed=feed), Config(), ModelEngine(), accounts=100, keep=True)
    without = run(story, Config(), ModelEngine(), accounts=100)
    assert with_it.liquidations.called > without.liquidations.called
    assert with_it.measures.max_maintenance_multiplier == 10_000
    assert with_it.liquidations.sold == without.liquidations.sold


@needs_evm
@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("2020-03-12_black_thursday/ETH_USD_10m.csv.gz", {}),
        ("2020-03-12_black_thursday/ETH_USDT_perp_1m_core.csv.gz", {}),
        ("chainlink/ETH_USD_rounds_2023-04_to_2024-01.csv.gz", {"end": 1_681_500_000}),
    ],
)
def test_bytecode_and_model_agree_on_real_series(name, choice):
    for story in read_stories(str(DATA / name), Choice(**choice)):
        assert run(story, Config(), EvmEngine(), beside=ModelEngine()).syncs > 90
