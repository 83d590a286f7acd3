# SPDX-License-Identifier: MIT
"""`surety prices replay` and `stress` as people call them: output, errors in one line, codes."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from surety.cli import main
from surety.model.state import CONFIRMING, FAILED
from surety.prices import tables
from surety.prices.config import Config
from surety.prices.engines import ModelEngine
from surety.prices.picture import draw
from surety.prices.replay import run
from surety.prices.stress import cases
from tests.prices.marks import needs_evm

T0 = 1_577_836_800  # 2020-01-01
BARS = (
    f"ts,open,high,low,close\n{T0},100,101,99,100\n{T0 + 3_600},100,100,60,70\n"
    f"{T0 + 7_200},70,75,70,72\n"
)
KEYS = {
    "max_lag_lo_bps",
    "max_lag_hi_bps",
    "minutes_hi_over_1pct_late",
    "failed_reads",
    "confirming_minutes",
    "samples",
    "max_initial_multiplier",
    "max_maintenance_multiplier",
}


@pytest.fixture
def bars(tmp_path: Path) -> str:
    path = tmp_path / "ETH_USD_1h.csv"
    path.write_text(BARS, "utf-8")
    return str(path)


def prices(*args: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, ["prices", *args])


def refused(*args: str) -> str:
    done = prices(*args)
    assert (done.exit_code, done.stdout) == (1, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_the_group_lists_what_it_has_without_a_node():
    done = prices("--help")
    assert done.exit_code == 0
    assert re.findall(r"^  (\w+) ", done.stdout.split("Commands:")[1], re.MULTILINE) == [
        "replay",
        "stress",
        "status",
        "poke",
    ]


@pytest.mark.parametrize("engine", ["model", pytest.param("evm", marks=needs_evm)])
def test_json_has_the_measures_of_every_kind(bars, engine):
    done = prices("replay", bars, "--engine", engine, "--json", "--config", "major")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {
        *("file", "engine", "rows", "syncs", "from", "to", "config", "kinds"),
    }
    assert (found["file"], found["engine"], found["rows"]) == ("ETH_USD_1h.csv", engine, 3)
    assert (found["from"], found["to"], found["syncs"]) == (T0, T0 + 9_900, 165)
    assert set(found["kinds"]) == {"eth"}
    assert set(found["kinds"]["eth"]) == KEYS
    assert all(type(value) is int for value in found["kinds"]["eth"].values())
    assert found["kinds"]["eth"]["samples"] == 2
    used = found["config"]
    assert (used["fresh_for"], used["confirm_period"]) == (60, 1_200)
    assert used["kinds"]["eth"]["limits"]["slew_down"] == 1_666_667
    assert used["kinds"]["eth"]["min_price"] == str(5 * 10**18)


def test_accounts_are_counted_when_asked_for(bars):
    found = json.loads(prices("replay", bars, "--json", "--accounts", "20").stdout)
    eth = found["kinds"]["eth"]
    assert set(eth) == KEYS | {"called", "sold", "takes", "absorbed", "bad_debt"}
    assert (eth["called"], eth["sold"]) == (16, 14)
    assert eth["bad_debt"] == "0"


def test_several_files_make_several_kinds(bars, tmp_path):
    other = tmp_path / "ETH_USD_other.csv"
    other.write_text(BARS, "utf-8")
    panel = tmp_path / "panel.csv"
    panel.write_text("symbol,ts,price\nLINK,9000,1\nLINK,9600,2\nUNI,9000,5\nUNI,9600,5\n", "utf-8")
    found = json.loads(prices("replay", bars, str(other), str(panel), "--json").stdout)
    assert list(found["kinds"]) == ["eth", "eth@ETH_USD_other", "link", "uni"]
    assert found["rows"] == 3 + 3 + 2 + 2
    assert found["config"]["kinds"]["link"]["family"] == "tail"
    one = json.loads(prices("replay", str(panel), "--symbol", "uni", "--json").stdout)
    assert list(one["kinds"]) == ["uni"]


def test_markdown_is_the_table(bars):
    done = prices("replay", bars, "--markdown")
    head, rule, row = done.stdout.splitlines()
    assert head.count("|") == rule.count("|") == row.count("|") == 12
    assert row.startswith("| eth | 2020-01-01T00:00 | 2020-01-01T02:45 | ")


def test_without_a_form_it_prints_a_table_for_people(bars, tmp_path):
    done = prices("replay", bars)
    assert done.exit_code == 0
    assert "guarded as" in done.stdout
    assert "major" in done.stdout
    panel = tmp_path / "panel.csv"
    rows = "".join(f"C{n},9000,1\nC{n},9600,1\n" for n in range(6))
    panel.write_text(f"symbol,ts,price\n{rows}", "utf-8")
    assert prices("replay", str(panel)).stdout.count("1970") >= 6


def test_a_built_in_scenario_needs_no_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = prices("replay", "usdc_depeg", "--json", "--engine", "model", "--every", "600")
    assert json.loads(done.stdout)["config"]["kinds"]["usdc"]["family"] == "stable"


def test_a_lagging_feed_lags(bars):
    plain, lagging = (
        json.loads(prices("replay", bars, "--json", *more).stdout)["kinds"]["eth"]
        for more in ((), ("--deviation", "300", "--heartbeat", "86400"))
    )
    assert plain["max_lag_hi_bps"] == 0
    # up to 3 % of the last round, which is a little more of a fallen market
    assert 250 < lagging["max_lag_hi_bps"] < 450


def test_a_strange_name_is_only_a_name(bars, tmp_path):
    name = "[red]<a>|\x1b[2J"
    picture = tmp_path / "p.svg"
    shown = prices("replay", bars, "--kind", name, "--picture", str(picture))
    assert shown.exit_code == 0, shown.stderr
    assert "[red]<a>|\\x1b[2J" in shown.stdout
    table = prices("replay", bars, "--kind", name, "--markdown").stdout
    assert table.splitlines()[2].startswith("| [red]<a>\\|\\\\x1b[2J | 2020-")
    for text in (shown.stdout, table, picture.read_text("utf-8")):
        assert "\x1b" not in text
    ET.fromstring(picture.read_text("utf-8"))


@needs_evm
def test_verify_runs_both(bars):
    found = json.loads(prices("replay", bars, "--verify", "--json", "--accounts", "3").stdout)
    assert found["engine"] == "evm and model"
    # every sync, and the word of the listing
    assert found["verified"] == {"words_compared": found["syncs"] + 1, "differences": 0}
    said = "the two engines agree: 166 words compared, 0 differences"
    assert prices("replay", bars, "--verify").stdout.splitlines()[-1] == said
    args = ("stress", "--case", "glitch", "--every", "3600", "--verify")
    assert json.loads(prices(*args, "--json").stdout)["verified"]["differences"] == 0
    assert "0 differences" in prices(*args).stdout.splitlines()[-1]


@needs_evm
@pytest.mark.parametrize("command", [("replay", "usdc_depeg"), ("stress", "--case", "glitch")])
def test_verify_exits_2_on_a_difference(monkeypatch, command):
    honest = ModelEngine.sync

    def sync(self, answer, uptime, now):
        return honest(self, answer, uptime, now) ^ 1

    monkeypatch.setattr(ModelEngine, "sync", sync)
    done = prices(*command, "--verify", "--every", "3600")
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"surety prices {command[0]}: at \d+ the engines say 0x\w{{64}} and 0x\w{{64}}\n",
        done.stderr,
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nothing",), "nothing: neither a file nor a built-in scenario; built in: "),
        (("usdc_depeg", "--config", "mayor"), "did you mean major?"),
        (("usdc_depeg", "--config", "mjor"), "did you mean major?"),
        (("usdc_depeg", "--from", "2024-01-01"), "no prices in that window"),
        (("usdc_depeg", "--from", "x"), "neither unix seconds nor a date"),
        (("usdc_depeg", "--every", "0"), "--every"),
        (("usdc_depeg", "--every", "86400", "--to", "2023-03-10"), "no sync in"),
        (("black_thursday", "--picture", "x.svg"), "--picture draws one replay, not 3"),
        (("usdc_depeg", "--picture", "/nowhere/x.svg"), "there is no folder /nowhere"),
        (("usdc_depeg", "--markdown", "--json"), "choose one"),
        (("usdc_depeg", "--symbol", "eth"), "no kind eth in this scenario; it has usdc"),
        (("usdc_depeg", "--column", "close"), "--column is for price files"),
        (("usdc_depeg", "--heartbeat", "60"), "--heartbeat is that of a feed with --deviation"),
        ((), "Missing argument 'FILE...'"),
    ],
)
def test_a_bad_use_of_replay_is_one_line(args, message):
    line = refused("replay", *args)
    assert line.startswith("surety prices replay: ")
    assert message in line


def test_an_engine_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr("surety.prices.engines.find_spec", lambda name: None)
    assert "needs pyrevm" in refused("replay", "usdc_depeg", "--engine", "evm")
    assert "needs pyrevm" in refused("stress", "--verify")
    done = prices("replay", "usdc_depeg", "--json", "--every", "3600")
    assert json.loads(done.stdout)["engine"] == "model"


def test_a_kind_that_cannot_be_listed_is_one_line(bars, tmp_path):
    path = tmp_path / "guards.toml"
    for bounds, said in (
        (
            'min_price = "200.5"\nmax_price = "300"',
            "100, is below min_price, 200.5: the hub refuses",
        ),
        ('min_price = "1"\nmax_price = "100"', "100, is not below max_price, 100: the hub refuses"),
    ):
        path.write_text(f"[kinds.eth]\n{bounds}", "utf-8")
        for engine in ("model", "auto"):
            line = refused("replay", bars, "--config", str(path), "--engine", engine)
            assert f"eth: the first price, {said}" in line


def test_tables_that_guard_nothing_are_named(bars, tmp_path):
    path = tmp_path / "guards.toml"
    path.write_text("[kinds.btc]\n[kinds.usdc]\n", "utf-8")
    done = prices("replay", bars, "--config", str(path), "--json")
    assert json.loads(done.stdout)["config"]["kinds"]["eth"]["family"] == "major"
    assert done.stderr.splitlines() == [
        "surety prices replay: tables of the configuration that nothing here uses: btc, usdc",
        "surety prices replay: eth has no table in the configuration; guarded as major",
    ]
    path.write_text("[kinds.ETH]\n", "utf-8")
    assert prices("replay", bars, "--config", str(path)).stderr == ""


def test_a_file_of_other_columns_is_told_of_column(tmp_path):
    path = tmp_path / "implied.csv"
    path.write_text("ts,usdc_usd,dai_usd\n9000,1,1\n9600,1,1\n", "utf-8")
    line = refused("replay", str(path))
    assert "missing column price; the header must have ts,open,high,low,close or ts,price" in line
    assert "or ts and a column that --column names; it has usdc_usd, dai_usd" in line
    assert prices("replay", str(path), "--column", "usdc_usd").exit_code == 0


def test_help_says_the_cases_and_what_ctrl_c_is():
    text = " ".join(prices("stress", "--help").stdout.split())
    assert all(case.name in text for case in cases())
    for name in ("replay", "stress"):
        assert "130 after Ctrl-C" in " ".join(prices(name, "--help").stdout.split())
    assert "ends it with exit code 0" in " ".join(prices("status", "--help").stdout.split())


def test_stress_prints_json_and_markdown():
    args = ("stress", "--case", "glitch", "--case", "x3", "--accounts", "20", "--config", "lst")
    found = json.loads(prices(*args, "--json").stdout)
    assert list(found["cases"]) == ["x3", "glitch"]
    assert found["config"]["kinds"]["lst"]["limits"]["jump_bps"] == 1_000
    glitch = found["cases"]["glitch"]
    assert set(glitch) >= KEYS | {"lo_moved_bps", "hi_moved_bps", "minutes_apart", "called"}
    assert (glitch["lo_moved_bps"], glitch["sold"], glitch["first_sold_minute"]) == (-285, 0, None)
    table = prices(*args, "--markdown").stdout.splitlines()
    assert len(table) == 4
    assert table[3].startswith("| a glitch of −2.85 % for one refresh | −2.85 % | −2.85 % |")
    for_people = prices(*args).stdout
    assert "│ a glitch of −2.85 % for one refresh │ −2.85 % │" in for_people


def test_a_narrow_terminal_gets_the_first_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    found = prices("stress", "--case", "glitch", "--accounts", "2").stdout
    (left_out,) = re.findall(r"no room for: (.+)", found)
    assert " · " in left_out
    assert max(len(line) for line in found.splitlines() if "│" in line) <= 80


def test_stress_takes_a_kind_of_a_configuration(tmp_path):
    path = tmp_path / "guards.toml"
    path.write_text(
        'fresh_for = 15\n[kinds.eth]\n[kinds.usdc]\nmin_price = "0.5"\nmax_price = "2"', "utf-8"
    )
    args = ("stress", "--case", "x3", "--config", str(path), "--json")
    assert list(json.loads(prices(*args).stdout)["config"]["kinds"]) == ["major"]
    found = json.loads(prices(*args, "--kind", "usdc").stdout)
    assert list(found["config"]["kinds"]) == ["stable"]
    assert found["config"]["fresh_for"] == 15
    # its own bounds are those of a price of 1: they are left out
    assert found["cases"]["x3"]["hi_moved_bps"] == 20_000
    assert "no kind btc in the configuration; it has eth, usdc" in refused(*args, "--kind", "btc")
    assert "no case nope; known: x3, x3_10m" in refused("stress", "--case", "nope")
    assert "no case drop22; known: x3, x3_10m" in refused("stress", "--case", "drop22")
    assert "no case glich; did you mean glitch?" in refused("stress", "--case", "glich")
    assert "--picture draws one replay, not" in refused("stress", "--picture", "x.svg")


# the picture


def test_a_picture_is_one_svg_with_every_line_and_band(tmp_path):
    path = tmp_path / "case.svg"
    done = prices("stress", "--case", "x0_0001_10m", "--picture", str(path), "--markdown")
    assert done.exit_code == 0, done.stderr
    text = path.read_text("utf-8")
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    classes = [element.get("class", "") for element in root.iter()]
    for name in ("market", "hi", "lo", "initial", "maintenance"):
        assert classes.count(f"line {name}") == 2  # its legend and itself
    assert classes.count("failed") == classes.count("confirming") == 2
    assert "prefers-color-scheme:dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # nothing is fetched
    again = prices("stress", "--case", "x0_0001_10m", "--picture", str(path), "--markdown")
    assert (again.stdout, path.read_text("utf-8")) == (done.stdout, text)


def test_a_band_begins_and_ends_where_the_flag_does():
    case = next(case for case in cases() if case.name == "zero_10m")
    replay = run(case.story(), Config(), ModelEngine(), keep=True)
    failed = [m.at for m in replay.moments if m.flags & FAILED]
    confirming = [m.at for m in replay.moments if m.flags & CONFIRMING]
    x0, x1 = replay.moments[0].at, replay.moments[-1].at

    def x(at):
        return f"{58 + (at - x0) * 878 / (x1 - x0):.1f}"

    text = draw(replay, "<zero>")
    assert f'<path class="failed" d="M{x(failed[0])} 74.0H{x(failed[-1] + 60)}V' in text
    assert f'<path class="confirming" d="M{x(confirming[0])} 74.0H{x(confirming[-1] + 60)}V' in text
    assert "&lt;zero&gt;" in text
    with pytest.raises(ValueError, match="kept no moments"):
        draw(run(case.story(), Config(), ModelEngine()), "nothing")


def test_cells_are_exact():
    assert [tables.percent(bps) for bps in (0, 5, -285, 20_000, -12_345_678)] == [
        "0.00 %",
        "0.05 %",
        "−2.85 %",
        "200.00 %",
        "−123,456.78 %",
    ]
    assert tables.times(12_500) == "1.2500"
