# SPDX-License-Identifier: MIT
"""What the demo says about guarded prices: lags, confirmations, failures, how long each held."""

from __future__ import annotations

import dataclasses

import pytest

from surety.demo.command import configure
from surety.demo.engine import LIMITS, Row, _maintenance_ltv, run_demo
from surety.demo.guards import GuardLog
from surety.demo.report import _guard_words, facts_of, render
from surety.deploy import MAJOR, MAJOR_LIMITS, STABLE_LIMITS
from surety.formulas import margin_math
from surety.keeper.words import Price

WAD = 10**18


def quote(lo: float, hi: float, **changes: int) -> Price:
    fields = {
        "lo": int(lo * WAD),
        "hi": int(hi * WAD),
        "updated_at": 0,
        "initial_multiplier": 10_000,
        "maintenance_multiplier": 10_000,
        "flags": 0,
        **changes,
    }
    return Price(**fields)


def test_time_counts_for_the_block_before(short_run) -> None:
    log = GuardLog()

    def block(at: int, market: float, price: Price) -> None:
        log.note(
            dataclasses.replace(
                short_run.state, now=at, quotes=(price,), market=(int(market * WAD),)
            )
        )

    block(1_000, 100, quote(100, 100))
    block(1_060, 90, quote(90, 95, flags=2))  # late and confirming from here on
    block(1_120, 95, quote(90, 95, maintenance_multiplier=10_500))
    block(1_300, 95, quote(0, 200, flags=1))  # failed: nothing to be late for
    block(1_420, 95, quote(94, 95, initial_multiplier=15_000))
    block(9_999, 100, quote(101, 99))
    guard = log.kinds[0]
    assert guard.max_lag_hi_bps == 556  # 5 / 90, rounded up
    assert guard.max_lag_lo_bps == 527  # 5 / 95, rounded up
    assert (guard.late, guard.confirming, guard.failed) == (60, 60, 120)
    assert guard.as_json() == {
        "max_lag_lo_bps": 527,
        "max_lag_hi_bps": 556,
        "minutes_hi_over_1pct_late": 1,
        "confirming_minutes": 1,
        "failed_minutes": 2,
        "max_initial_multiplier": 15_000,
        "max_maintenance_multiplier": 10_500,
    }
    said = _guard_words(guard)
    assert "at most 5.56 % above the market" in said
    assert "at most 5.27 % under it" in said
    assert "1.05 times the maintenance margin" in said
    assert "For 1 min the price was confirming" in said
    assert "For 2 min there was no price." in said


def test_calm_price_is_said_to_be_calm(short_run) -> None:
    log = GuardLog()
    calm = dataclasses.replace(short_run.state, quotes=(quote(1, 1),), market=(WAD,))
    log.note(calm)
    said = _guard_words(log.kinds[0])
    assert "which was never above the market, and opened by its lo, never under it." in said
    assert "confirming" not in said
    assert "margin" not in said


def test_the_demo_runs_under_the_limits_of_real_books() -> None:
    assert LIMITS == {"eth": MAJOR_LIMITS, "btc": MAJOR_LIMITS, "stable": STABLE_LIMITS}


@pytest.mark.parametrize("multiplier", [10_000, 10_500, 11_111, 12_500, 25_000])
def test_maintenance_lines_follow_volatility(multiplier: int) -> None:
    ltv = _maintenance_ltv(MAJOR, multiplier)
    assert MAJOR.initial_ltv <= ltv <= MAJOR.maintenance_ltv
    value = 10**24
    capacity = margin_math.maintenance_capacity(
        value, MAJOR.initial_ltv, MAJOR.maintenance_ltv, multiplier
    )
    assert 0 <= capacity - value * ltv // 10_000 < value // 10_000


@pytest.fixture(scope="module")
def jumpy(tmp_path_factory):
    """Down by 60 % from one price to the next half an hour later, and up again."""
    path = tmp_path_factory.mktemp("prices") / "jump.csv"
    path.write_text(
        "ts,price\n1600000000,200\n1600001800,199\n1600003600,80\n1600005400,82\n"
        "1600007200,130\n1600009000,128\n"
    )
    # a price each half hour, as they come: nothing in between
    return run_demo(configure(path, "eth", None, None, 12, 3, 1_800, 1.0))


def test_the_hub_follows_a_jump_within_its_step(jumpy) -> None:
    assert jumpy.violations == ()
    eth = jumpy.guards["eth"]
    assert eth.max_lag_hi_bps > 1_000
    assert 60 <= eth.late <= 900
    assert eth.max_lag_lo_bps > 1_000
    # twenty minutes each, down and up
    assert 1_200 <= eth.confirming <= 7_200
    assert eth.failed == 0
    assert eth.max_maintenance_multiplier > 10_000
    rows: tuple[Row, ...] = jumpy.rows
    # at the end of each step `hi` is where the market is
    assert all(abs(row.hi[0] - row.prices[0]) * 1_000 <= row.prices[0] for row in rows)
    assert all(row.lo[0] <= row.hi[0] for row in rows)
    assert jumpy.keeper.pokes > 3
    assert 0 < jumpy.keeper.poke_gas < jumpy.keeper.gas
    assert jumpy.price_updates > jumpy.keeper.pokes


def test_the_page_tells_of_guarded_prices(jumpy) -> None:
    page = render(jumpy)
    for text in ("hi: the hub&#x27;s price to liquidate at", "lo: its price to open at"):
        assert text in page
    assert page.count('class="line guard-hi"') == page.count('class="line guard-lo"') == 6
    facts = dict(facts_of(jumpy))
    assert facts["prices written by the keeper"].startswith(f"{jumpy.keeper.pokes} times, ")
    assert facts["prices confirming"].startswith("eth ")
    assert facts["prices failed"] == "never"
    assert "stable never" in facts["price to liquidate over the market"]


def test_a_failed_lo_does_not_flatten_the_picture(jumpy) -> None:
    rows = [dataclasses.replace(row, lo=(0, *row.lo[1:])) for row in jumpy.rows]
    page = render(dataclasses.replace(jumpy, rows=tuple(rows)))
    # an axis that went down to 0 would have a tick there
    chart = page[page.index("ETH-like collateral") : page.index("BTC-like collateral")]
    assert ">0</text>" not in chart
