# SPDX-License-Identifier: MIT
"""Real runs on a real chain: what must happen in a crash, and what must stay the same."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from surety.demo.command import configure, to_json
from surety.demo.engine import DemoError, run_demo
from surety.demo.invariants import RULES
from surety.demo.report import render
from surety.demo.series import parse_moment
from tests.demo.conftest import short_config

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "prices"
WAD = 10**18

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real prices is not there")


def test_a_crash_is_called_cured_and_sold(short_run):
    result = short_run.result
    assert result.violations == ()
    assert result.margin_calls > 0
    assert result.cured > 0
    assert result.rescued > 0
    assert len(result.takes) > 0
    assert result.keeper.calls == result.margin_calls
    assert result.keeper.takes == len(result.takes)
    assert result.keeper.sales > 0
    assert result.keeper.gas > 50_000 * result.margin_calls
    assert 1 <= result.keeper.max_blocks_to_call <= 6
    assert result.equity_end == result.total_debt - result.coin_supply
    assert result.debt_repaid == sum(sale.take.debt_repaid for sale in result.takes)
    assert result.collateral_sold["eth"] == sum(
        sale.take.amount for sale in result.takes if sale.take.kind == 0
    )


def test_equity_is_explained_by_its_causes(short_run):
    result = short_run.result
    change = result.equity_end - result.equity_start
    causes = result.interest + result.penalties - result.struck_off
    # the interest of the minutes before the first block belongs to the equity at the start
    assert -2 <= causes - change <= result.equity_start + 2


def test_every_rule_is_checked_at_every_block(short_run):
    result = short_run.result
    assert set(result.checks) == set(RULES)
    assert all(made >= result.blocks for made in result.checks.values())
    assert result.checks["collateral sums"] == 6 * result.blocks
    assert result.checks["masks"] == 2 * len(result.holders) * result.blocks
    assert result.blocks > result.steps
    assert len(result.rows) == result.steps
    assert all(sum(row.states) == len(result.holders) for row in result.rows)


def test_the_clock_of_the_chain_follows_the_series(short_run):
    result = short_run.result
    times = result.config.path.times
    assert [row.at - at for row, at in zip(result.rows, times, strict=True) if row.at < at] == []
    # a step is over before the next price, also where the hub follows slowly
    assert all(row.at < after for row, after in zip(result.rows, times[1:], strict=False))
    assert sum(row.at - at <= 60 for row, at in zip(result.rows, times, strict=True)) > 30
    for name, number in (("eth", 0), ("btc", 1), ("stable", 2)):
        wanted = result.config.path.prices[name]
        for row, price in zip(result.rows, wanted, strict=True):
            assert 0 <= price - row.prices[number] < 10**10


def test_takes_lie_on_their_auction(short_run):
    for sale in short_run.result.takes:
        assert 0 <= sale.elapsed <= short_run.result.book.auction_duration
        assert 8_800 <= sale.factor <= 10_100
        assert sale.take.cost <= sale.value * sale.take.price // sale.market + 10**12
        hi = -(-sale.take.price * 10_000 // sale.factor)
        assert hi >= sale.market * 9_999 // 10_000


def test_the_same_seed_gives_the_same_run(short_run):
    again = run_demo(short_config())
    assert to_json(again, Path("x")) == to_json(short_run.result, Path("x"))
    assert again.rows == short_run.result.rows


def test_another_seed_gives_another_run(short_run):
    other = run_demo(short_config(seed=6, accounts=6))
    assert other.violations == ()
    assert other.holders != short_run.result.holders[:6]


def test_without_a_purse_the_fund_absorbs():
    start, end = parse_moment("2020-03-12T20:00"), parse_moment("2020-03-13T05:00")
    config = configure(None, "eth", start, end, 16, 3, 0, None)
    result = run_demo(dataclasses.replace(config, purse_bps=0))
    assert result.violations == ()
    assert result.absorbed > 0
    assert result.equity_end < 0  # absorbed collateral counts nothing until it is sold
    assert result.keeper.absorbs == result.absorbed
    assert result.struck_off >= result.bad_debt
    assert "absorbed" in render(result)


def test_no_accounts_below_a_feed_that_says_nothing(tmp_path):
    path = tmp_path / "tiny.csv"
    path.write_text("ts,price\n1600000000,1\n1600000600,0.000000001\n")
    config = configure(path, "eth", None, None, 3, 1, 3_600, None)
    with pytest.raises(DemoError, match="below 1e-8"):
        run_demo(config)


@needs_data
def test_the_real_black_thursday_shows_calls_cures_and_takes():
    path = DATA / "2020-03-12_black_thursday" / "ETH_USD_10m.csv.gz"
    result = run_demo(configure(path, "eth", None, None, 60, 1, 3_600, 4.0))
    assert result.violations == ()
    assert min(result.margin_calls, result.cured, len(result.takes)) > 0
    prices = json.loads(json.dumps(to_json(result, path)))["prices"]["eth"]
    assert prices == {
        "first": "195210000000000000000",
        "low": "101010000000000000000",
        "last": "107520000000000000000",
    }


@needs_data
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ETH_USDT_5m_2024-01_to_2024-09.csv.gz", "eth"),
        ("BTC_USDT_5m_2024-01_to_2024-09.csv.gz", "btc"),
    ],
)
def test_a_window_of_the_real_august_of_2024_runs(name, kind):
    start, end = parse_moment("2024-08-04T06:00"), parse_moment("2024-08-05T12:00")
    config = configure(DATA / "2024-08-05" / name, kind, start, end, 30, 1, 3_600, 8.0)
    result = run_demo(config)
    assert result.violations == ()
    assert result.margin_calls > 0
    assert result.config.path.driver == kind
