# SPDX-License-Identifier: MIT
"""What is read for a replay: symbols, columns and rounds of files, and scenarios by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from surety import paths
from surety.demo.scenario import ScenarioError, load_scenario
from surety.prices.market import MarketError
from surety.prices.sources import Choice, built_ins, named, read_stories
from surety.series import SeriesError, read_series, read_table

WAD = 10**18
PANEL = """symbol,ts,open,high,low,close
ADA,0,1,2,1,2
ADA,3600,2,3,2,3
LINK,0,10,10,10,10
LINK,3600,10,12,8,9
LINK,7200,9,9,9,9
NEW,7200,1,1,1,1
"""
ROUNDS = """ts,round_id,price
100,7,10
160,9,12
160,8,11
220,10,13
"""


def write(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_every_symbol_with_two_rows_is_a_series(tmp_path):
    found = read_table(write(tmp_path, PANEL, "panel.csv"))
    assert [(s.symbol, s.rows, s.bars, len(s.points)) for s in found] == [
        ("ADA", 2, True, 8),
        ("LINK", 3, True, 12),
    ]
    assert [p.price // WAD for p in found[1].points[4:8]] == [10, 12, 8, 9]


def test_symbols_are_chosen_in_any_case_and_order(tmp_path):
    path = write(tmp_path, PANEL, "panel.csv")
    assert [s.symbol for s in read_table(path, symbols=("link", "ADA", "LINK"))] == ["LINK", "ADA"]
    for symbol, message in (
        ("LNIK", "panel.csv: no symbol 'LNIK'; did you mean LINK?"),
        ("zzz", "no symbol 'zzz'; it has ADA, LINK, NEW"),
        ("NEW", "only one price of NEW between its start and its end"),
    ):
        with pytest.raises(SeriesError) as caught:
            read_table(path, symbols=(symbol,))
        assert message in str(caught.value)
    with pytest.raises(SeriesError, match="no column symbol; leave --symbol out"):
        read_table(write(tmp_path, ROUNDS, "rounds.csv"), symbols=("LINK",))
    with pytest.raises(SeriesError, match=r"panel\.csv:4: ts 0 is an earlier time; .* one symbol"):
        read_series(path)
    mixed = write(tmp_path, "symbol,ts,price\nA,5,1\nB,1,1\nA,5,1\n", "mixed.csv")
    with pytest.raises(SeriesError, match=r"mixed\.csv:4: ts 5 is the time of the row before"):
        read_table(mixed)
    empty = write(tmp_path, "symbol,ts,price\n ,5,1\n", "empty.csv")
    with pytest.raises(SeriesError, match=r"empty\.csv:2: symbol is empty"):
        read_table(empty)
    hostile = write(tmp_path, "symbol,ts,price\n\x1b[2J,5,1\n", "hostile.csv")
    with pytest.raises(SeriesError) as caught:
        read_table(hostile)
    assert str(caught.value).endswith(
        "hostile.csv:2: symbol is '\\x1b[2J'; give 1 to 32 letters, digits or any of ._/:+-"
    )


def test_a_window_leaves_out_symbols_that_are_not_in_it(tmp_path):
    path = write(tmp_path, PANEL, "panel.csv")
    assert [s.symbol for s in read_table(path, start=3_600)] == ["LINK"]
    with pytest.raises(SeriesError, match="no prices of ADA between 1970-01-02T00:00 and its end"):
        read_table(path, start=86_400)


def test_a_column_is_the_price_in_place_of_bars(tmp_path):
    path = write(tmp_path, PANEL, "panel.csv")
    (found,) = read_table(path, column="Low", symbols=("LINK",))
    assert [(p.at, p.price // WAD) for p in found.points] == [(0, 10), (3_600, 8), (7_200, 9)]
    assert not found.bars
    with pytest.raises(SeriesError, match=r"missing column lo; .* it has open, high, low, close"):
        read_table(path, column="lo")
    with pytest.raises(SeriesError, match="column ts holds no price"):
        read_table(path, column="ts")


def test_of_two_rounds_in_a_second_the_later_counts(tmp_path):
    (found,) = read_table(write(tmp_path, ROUNDS, "ETH_USD_rounds.csv"))
    assert [(p.at, p.price // WAD) for p in found.points] == [(100, 10), (160, 12), (220, 13)]
    assert (found.rounds, found.rows) == (True, 4)
    with pytest.raises(SeriesError, match=r"r\.csv:3: round_id is '1e3', not a whole number"):
        read_table(write(tmp_path, "ts,round_id,price\n1,1,1\n2,1e3,1\n", "r.csv"))
    with pytest.raises(SeriesError, match=r"r\.csv:3: ts 1 is an earlier time"):
        read_table(write(tmp_path, "ts,round_id,price\n2,1,1\n1,2,1\n", "r.csv"))


def test_kinds_are_named_by_symbol_or_by_file(tmp_path):
    panel = str(write(tmp_path, PANEL, "panel.csv"))
    rounds = str(write(tmp_path, ROUNDS, "stETH_ETH_rounds.csv"))
    assert [story.name for story in read_stories(panel, Choice())] == ["ada", "link"]
    (story,) = read_stories(rounds, Choice())
    assert (story.name, story.source) == ("steth", "stETH_ETH_rounds.csv")
    assert story.feed(219) == (12 * WAD, 160)
    (story,) = read_stories(rounds, Choice(kind="eth"))
    assert story.name == "eth"
    with pytest.raises(MarketError, match="--kind names one kind"):
        read_stories(panel, Choice(kind="eth"))


def test_one_kind_in_two_files_keeps_both(tmp_path):
    files = [str(write(tmp_path, ROUNDS, f"ETH_{day}.csv")) for day in (1, 2)]
    stories = [story for file in files for story in read_stories(file, Choice())]
    assert list(named(stories)) == ["eth", "eth@ETH_2"]
    with pytest.raises(MarketError, match="kind eth is given twice"):
        named([stories[0]] * 3)


def test_what_is_neither_file_nor_scenario_gets_a_hint():
    with pytest.raises(SeriesError, match=r"usdc_depge: neither .*; did you mean usdc_depeg\?"):
        read_stories("usdc_depge", Choice())
    with pytest.raises(SeriesError, match="built in: august_2024, black_thursday"):
        read_stories("nothing", Choice())


def test_scenarios_choose_kinds_and_windows():
    everything = read_stories("black_thursday", Choice())
    assert [story.name for story in everything] == ["eth", "btc", "stable"]
    (btc,) = read_stories("black_thursday", Choice(symbols=("BTC",), start=1_584_010_800))
    assert (btc.name, btc.start) == ("btc", 1_584_010_800)
    assert btc.market(btc.start) == 5_750 * WAD
    with pytest.raises(MarketError, match="no kind sol in this scenario; it has eth, btc, stable"):
        read_stories("black_thursday", Choice(symbols=("sol",)))
    with pytest.raises(SeriesError, match="the story covers 2020-03-12T00:00"):
        read_stories("black_thursday", Choice(end=1))
    with pytest.raises(MarketError, match="--column is for price files"):
        read_stories("black_thursday", Choice(column="close"))


@pytest.mark.parametrize("name", built_ins())
def test_every_scenario_meets_its_facts_and_names_their_sources(name):
    scenario = load_scenario(paths.scenarios() / f"{name}.toml", any_kind=True)
    for story in read_stories(name, Choice(seed=5)):
        facts = scenario.tracks[story.name].facts
        assert [story.market(fact.at) for fact in facts] == [fact.level for fact in facts]
        assert all(len(fact.source) > 20 for fact in facts)
        assert (story.start, story.end) == (facts[0].at, facts[-1].at)


def test_the_levels_that_the_scenarios_are_for():
    lowest = {
        story.name: min(story.market(at) for at in range(story.start, story.end, 12))
        for name in ("link_wick", "usdc_depeg", "august_2024")
        for story in read_stories(name, Choice())
    }
    assert lowest == {"link": WAD // 10_000, "usdc": 8_777 * WAD // 10_000, "eth": 2_111 * WAD}
    (eth,) = read_stories("eth_ten_minutes", Choice())
    before, after = eth.market(1_584_009_420), eth.market(1_584_010_080)
    assert 100 * after < 78 * before  # -22 % and more between 10:37 and 10:48


def test_the_demo_still_plays_its_own_kinds_only():
    with pytest.raises(ScenarioError, match="unknown key 'link' in kinds"):
        load_scenario(paths.scenarios() / "link_wick.toml")


def test_a_scenario_without_kinds_is_refused(tmp_path):
    text = (paths.scenarios() / "link_wick.toml").read_text("utf-8")
    head = text[: text.index("[kinds.link]")]
    path = write(tmp_path, head + "[kinds]\n", "none.toml")
    with pytest.raises(ScenarioError, match="kinds is empty; add"):
        read_stories(str(path), Choice())
