# SPDX-License-Identifier: MIT
"""`surety attack`: its tables, its JSON, its exit codes, and the test that it writes."""

from __future__ import annotations

import json
import sys

import pytest

from surety.attack import command, stage
from surety.attack.acts import Act, Size
from surety.attack.bound import FINE
from surety.attack.play import Player, Rules
from surety.attack.stage import ETH, WAD
from surety.attack.story import as_test, coins, table, totals
from surety.cli import main
from tests.unit.attack.weaknesses import WEAKNESSES, stage_of

FLASH = next(one for one in WEAKNESSES if one.contract == "Stablecoin")


def run(capsys, *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["attack", *args])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_search_that_finds_nothing_says_so(capsys):
    code, out, err = run(capsys, "--stage", "calm", "--evaluations", "40")
    assert (code, err) == (0, "")
    assert "calm: " in out
    assert "nothing pays more than is documented: the best is to do nothing" in out
    assert "profit                0\n" in out
    args = ("--stage", "calm", "--evaluations", "40", "--objective", "profit")
    assert "nothing pays: the best is to do nothing" in run(capsys, *args)[1]


def test_the_most_profitable_is_a_table(capsys):
    args = ("--stage", "called", "--evaluations", "60", "--objective", "profit")
    code, out, _ = run(capsys, *args)
    assert code == 0
    assert "victim.auction, eth, all" in out
    assert "paid by victims" in out
    assert "documented at most" in out
    assert "discounts" in out


def test_json_is_one_object_of_whole_numbers(capsys):
    args = ("--evaluations", "30", "--objective", "profit", "--moves", "1", "--json")
    code, out, err = run(capsys, *args)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["finding"], told["seed"], told["unit"]) == (False, 1, "1e-36 coins")
    assert [one["stage"] for one in told["stages"]] == ["calm", "aged", "called", "farm"]
    for one in told["stages"]:
        assert int(one["profit"]) + int(one["victims"]) + int(one["protocol"]) == 0
        assert int(one["profit"]) - int(one["bound"]) == int(one["excess"]) <= 0
        assert sum(map(int, one["bound_by_class"].values())) == int(one["bound"])
        assert one["leaks"] == 0
        assert one["evaluations"] <= 30


def test_a_finding_exits_2_and_is_written_as_a_test(capsys, monkeypatch, tmp_path):
    weak = stage_of(FLASH)
    monkeypatch.setattr(command, "Stage", lambda _name: weak)
    kept = tmp_path / "test_found.py"
    code, out, _ = run(capsys, "--stage", "calm", "--evaluations", "60", "--test", str(kept))
    assert code == 2
    assert "ready to be kept as a test" in out
    text = kept.read_text()
    assert text in out
    assert "sequences made or lost something nobody has" in out  # coins out of nothing
    written: dict[str, object] = {}
    exec(text, written)
    test = written["test_the_sequence_pays_no_more_than_is_documented"]
    test()  # on the contracts as they are
    monkeypatch.setattr(stage, "Stage", lambda _name: weak)
    weakly: dict[str, object] = {}
    exec(text, weakly)
    with pytest.raises(AssertionError):
        weakly["test_the_sequence_pays_no_more_than_is_documented"]()


def test_a_finding_in_json_exits_2_too(capsys, monkeypatch):
    weak = stage_of(FLASH)
    monkeypatch.setattr(command, "Stage", lambda _name: weak)
    code, out, _ = run(capsys, "--stage", "calm", "--evaluations", "60", "--json")
    told = json.loads(out)
    assert (code, told["finding"]) == (2, True)
    assert int(told["stages"][0]["excess"]) > 0
    assert told["stages"][0]["leaks"] > 0


def test_a_file_that_cannot_be_written_is_one_line(capsys, tmp_path):
    missing = tmp_path / "none" / "test.py"
    args = ("--stage", "calm", "--evaluations", "2", "--test", str(missing))
    code, _, err = run(capsys, *args)
    assert code == 1
    assert err == f"surety attack: cannot write {missing}: No such file or directory\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--stage", "moon"), "is not one of"),
        (("--evaluations", "0"), "is not in the range"),
        (("--seconds", "0"), "is not in the range"),
        (("--move", "9001"), "is not in the range"),
        (("--length", "17"), "is not in the range"),
        (("--objective", "fun"), "is not one of"),
    ],
)
def test_a_wrong_option_is_one_line(capsys, args, said):
    code, out, err = run(capsys, *args)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_without_revm_there_is_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrevm", None)
    code, out, err = run(capsys, "--stage", "calm", "--evaluations", "1")
    assert (code, out) == (1, "")
    assert err.startswith("surety attack: needs pyrevm")


def test_progress_is_told_on_stderr(capsys, monkeypatch):
    monkeypatch.setattr(command, "TICK", 0.0)
    _, out, err = run(capsys, "--stage", "calm", "--evaluations", "5")
    assert err.startswith("calm: best excess 0 after 2\n")
    assert "best excess" not in out


def test_coins_are_written_exactly():
    assert coins(0) == "0"
    assert coins(WAD * FINE) == "1"
    assert coins(-1_234 * WAD * FINE - FINE) == "-1,234.000000000000000001"
    assert coins(FINE - 1) == "0"
    assert coins(-1) == "0"


def test_a_sequence_is_told_with_its_refusals(stage_of):
    place = stage_of("calm").names.index("mine.open")
    player = Player(stage_of("calm"), Rules(moves=1, move_bps=100))
    played = player.play(
        [
            Act("price", kind=ETH, number=-100),
            Act("wait", number=12),
            Act("borrow", place, size=Size(10**5)),
            Act("donate_coins", number=1, size=Size(1, -5)),
        ]
    )
    shown = table(player.stage, played)
    columns = [list(map(str, column.cells)) for column in shown.columns]
    assert columns[1] == ["0", "12", "12", "12"]
    assert columns[3] == ["eth, -1 %", "12 s", "mine.open, 10000 %", "0.1 % -5, to the fund"]
    assert columns[4] == ["done", "done", "below initial margin", "done"]
    assert dict(totals(played))["above that"] == "0"
    assert "Size(1, -5)" in as_test(player.stage, player.rules, played)
