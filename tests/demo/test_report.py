# SPDX-License-Identifier: MIT
"""The page: self-contained, complete and readable, also when something went wrong."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from surety.demo.charts import Chart, Dot, Line, draw, number_ticks, thin, tick_label, time_ticks
from surety.demo.report import facts_of, render

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Balance(HTMLParser):
    """Counts elements and fails on a tag that is closed in the wrong place."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = {}

    def handle_starttag(self, tag, attrs):
        self.seen.setdefault(tag, []).append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.setdefault(tag, []).append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag


def parsed(page: str) -> Balance:
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_is_one_sound_file_without_outside_parts(short_run):
    page = render(short_run.result)
    found = parsed(page)
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img|src=", page)
    assert len(found.seen["svg"]) == 2 * 6
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in found.seen["svg"])
    assert "prefers-color-scheme:dark" in page
    assert any(meta.get("name") == "viewport" for meta in found.seen["meta"])
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+|[a-z]+nan[a-z]*", "", page.lower())
    assert len(page) < 2_000_000


def test_the_page_tells_the_whole_story(short_run):
    result = short_run.result
    page = render(result)
    for text in (
        "ETH-like collateral: price and levels",
        "BTC-like collateral: price and levels",
        "Stable collateral: price and levels",
        "Accounts by state",
        "Auctions: price over time",
        "Equity of the system",
        "coins per dETH",
        "price, % of hi",
        f"{result.invariant_checks:,} checks",
        f"<td>{result.config.seed}</td>",
        "close-out",
        "a timelock, which changed nothing meanwhile",
    ):
        assert text in page, text
    for name, _ in facts_of(result):
        assert name.replace("'", "&#x27;") in page
    assert page.count('<circle class="take-') == 2 * len(result.takes)
    sources = {source for facts in result.config.facts.values() for _, _, source in facts}
    assert all(source[:20] in page for source in sources)


def test_violations_and_names_are_shown_as_text(broken_result):
    config = dataclasses.replace(broken_result.config, title="<script>x</script>", source="a & b")
    page = render(dataclasses.replace(broken_result, config=config))
    parsed(page)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "a &amp; b" in page
    assert "&lt;b&gt;wrong&lt;/b&gt;" in page
    assert "1 violation of what" in page


def test_a_run_without_takes_has_a_page_too(short_run):
    quiet = dataclasses.replace(
        short_run.result, takes=(), losses=(), rows=short_run.result.rows[:1]
    )
    page = render(quiet)
    parsed(page)
    assert "No auction found" in page


def test_marks_land_where_the_axes_say():
    chart = Chart(
        "t",
        "u",
        (0, 3_600),
        (0, 10),
        [Dot(1_800, 5, 3, "a", "x < y"), Line([(0, 0), None, (3_600, 10)], "b")],
    )
    picture = draw(chart, 478, 264)
    assert '<circle class="a" cx="258.0" cy="124.0" r="2.1"><title>x &lt; y</title>' in picture
    assert 'd="M58.0 224.0M458.0 24.0"' in picture


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (88, 101), (0.9971, 1.0031), (-5, 200_000), (7, 7)]
)
def test_ticks_are_round_and_inside(low, high):
    ticks = number_ticks(low, high, 6)
    assert 1 <= len(ticks) <= 8
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    labels = [tick_label(tick, high - low) for tick in ticks]
    assert len(set(labels)) == len(labels)


def test_times_are_whole_and_points_are_thinned():
    assert (
        time_ticks(3_500, 90_000, 8) == [14_400 * n for n in range(1, 7)][:6]
        or len(time_ticks(3_500, 90_000, 8)) <= 9
    )
    assert all(tick % 3_600 == 0 for tick in time_ticks(3_500, 90_000, 8))
    places = thin(1_000, 100, [7, 999])
    assert {0, 7, 999} <= set(places)
    assert len(places) <= 103


def test_table_and_page_agree_about_equity_and_count_in_the_singular(short_run):
    facts = dict(facts_of(short_run.result))
    page = render(short_run.result)
    assert f"it began with {facts['equity before'].removesuffix(' coins')}<" in page
    one = dataclasses.replace(
        short_run.result,
        margin_calls=1,
        blocks=1,
        keeper=dataclasses.replace(short_run.result.keeper, max_blocks_to_call=1, calls=1),
    )
    facts = dict(facts_of(one))
    assert facts["slowest margin call"].startswith("1 block after")
    assert facts["steps and blocks"].endswith(" in 1 block")
    assert "<strong>1</strong><span>margin call</span>" in render(one)


def test_the_page_says_how_the_window_was_chosen(short_run):
    config = dataclasses.replace(short_run.result.config, note="too <long> for one run")
    page = render(dataclasses.replace(short_run.result, config=config))
    assert "<p class='muted'>Too &lt;long&gt; for one run.</p>" in page
