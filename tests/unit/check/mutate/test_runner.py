# SPDX-License-Identifier: MIT
"""Mutants of a small project are tried in a copy: by a command, by a server, and by neither."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from surety.check.mutate import report, results
from surety.check.mutate.argued import Judged
from surety.check.mutate.mutants import mutants_of
from surety.check.mutate.results import Result
from surety.check.mutate.workspace import (
    Target,
    changed_lines,
    close_workspace,
    open_workspace,
)
from surety.check.source import SourceError
from surety.cli import main

PURSE = """\
# pragma version 0.4.3
# pragma nonreentrancy on
from . import rates

held: public(uint256)


@external
def put(amount: uint256) -> uint256:
    assert amount > 0, "nothing"
    self.held += amount
    return rates.fee_up(amount)
"""
RATES = """\
# pragma version 0.4.3


@internal
@pure
def fee_up(amount: uint256) -> uint256:
    return (amount + 99) // 100
"""
# what a suite of tests would do, without an EVM: it looks for what must stand in the source
TESTS = """\
import sys
from pathlib import Path
text = "".join(place.read_text() for place in sorted(Path("contracts").glob("*.vy")))
wanted = ("assert amount > 0", "self.held += amount", "return rates.fee_up(amount)", "+ 99")
sys.exit(not all(words in text for words in wanted))
"""
SERVER = """\
import sys
import time
from pathlib import Path
from surety.check.mutate.server import Answer, serve

def judge(request):
    text = Path(request.file).read_text()
    if "held -=" in text:
        while True:
            pass
    if "> 1" in text:
        raise OSError("a judge of no use")
    if "self.held" not in text:
        return Answer("invalid", "no such thing")
    print("what a test prints")
    killed = "assert amount > 0" not in text
    return Answer("killed", "a look at it") if killed else Answer("survived")

serve(judge, 1.0)
"""
SLEEP = "import time; time.sleep(60)\n"
KILL = f"{sys.executable} tests.py"


@pytest.fixture
def project(tmp_path):
    """A git repository with a contract, a module and a suite that passes."""
    root = tmp_path / "project"
    (root / "contracts").mkdir(parents=True)
    (root / "contracts" / "Purse.vy").write_text(PURSE)
    (root / "contracts" / "rates.vy").write_text(RATES)
    (root / "tests.py").write_text(TESTS)
    (root / "server.py").write_text(SERVER)
    (root / ".gitignore").write_text("*.log\n")
    (root / "noise.log").write_text("left behind")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    return root


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def mutate(root: Path, *options: str) -> tuple[int, str]:
    """Run the command on the project's contracts and return its exit code and output."""
    ran = CliRunner().invoke(main, ["check", "mutate", str(root / "contracts"), *options])
    return ran.exit_code, ran.output


def summary(root: Path, *options: str) -> tuple[int, dict]:
    words = ["check", "mutate", str(root / "contracts"), *options, "--json"]
    ran = CliRunner(mix_stderr=False).invoke(main, words)
    return ran.exit_code, json.loads(ran.stdout)


def test_command__kills_what_the_tests_notice(project):
    code, found = summary(project, "--kill", KILL, "--functions", "Purse.*", "--jobs", "2")
    assert code == 2
    told = {(each["operator"], each["after"]) for each in found["survivors"]}
    assert told == {("drop-lock", "#")}
    assert found["killed"] == 7
    assert found["mutants"] == 8
    assert found["score"] == 0.875
    # the project itself is never touched, and nothing is left of the copy
    assert (project / "contracts" / "Purse.vy").read_text() == PURSE


def test_command__the_same_code_is_no_survivor(project):
    source = project / "contracts" / "rates.vy"
    source.write_text(RATES.replace("(amount + 99) // 100", "(amount + 0 * 99) // 100"))
    (project / "tests.py").write_text("")
    code, found = summary(project, "--kill", KILL, "--files", "rates.vy", "--operators", "constant")
    assert (found["equivalent"], found["survived"], code) == (2, 3, 2)


def test_command__what_does_not_compile_counts_for_nothing(project):
    small = "self.held += amount + convert(self.small(255), uint256)"
    helper = "\n\n@internal\n@pure\ndef small(x: uint8) -> uint8:\n    return x\n"
    source = project / "contracts" / "Purse.vy"
    source.write_text(PURSE.replace("self.held += amount", small) + helper)
    (project / "tests.py").write_text("")
    code, found = summary(project, "--kill", KILL, "--operators", "constant", "--files", "Purse*")
    # 256 is no uint8; what is left are `amount > 1` and `self.small(254)`
    assert (found["invalid"], found["survived"], found["mutants"], code) == (1, 2, 2, 2)


def test_command__that_takes_too_long_has_killed(project):
    (project / "tests.py").write_text(
        "import pathlib, time\n"
        "if '+= amount' not in pathlib.Path('contracts/Purse.vy').read_text():\n"
        "    time.sleep(60)\n"
    )
    code, found = summary(
        project, "--kill", KILL, "--operators", "drop-write", "--limit", "3", "--files", "Purse.vy"
    )
    assert (code, found["killed"]) == (0, 1)


def test_command__must_pass_without_a_fault(project):
    (project / "tests.py").write_text("print('two tests are red')\nraise SystemExit(3)")
    code, output = mutate(project, "--kill", KILL)
    assert code == 1
    assert output.endswith(f"'{KILL}' exits with 3 without any fault: two tests are red\n")
    code, output = mutate(project, "--kill", "no-such-program --at all")
    assert code == 1
    assert "cannot start 'no-such-program --at all'" in output
    code, output = mutate(project, "--kill", "cd tests && pytest")
    assert code == 1
    assert output.endswith("no shell reads it: for what only a shell knows say sh -c '...'\n")
    code, output = mutate(project, "--kill", "sh -c 'no end")
    assert code == 1
    assert "No closing quotation" in output


def test_command__is_held_to_the_limit_without_a_fault_too(project):
    code, output = mutate(project, "--kill", "sleep 30", "--limit", "0.1")
    assert code == 1
    assert "'sleep 30' takes longer than 0.1 seconds without any fault" in output


def test_server__answers_for_all(project):
    code, output = mutate(
        project, "--server", f"{sys.executable} server.py", "--files", "Purse.vy", "--results",
        str(project / "results.jsonl"),
    )  # fmt: skip
    found = {
        (each.operator, each.after): each
        for each in results.read(project / "results.jsonl").values()
    }
    assert found["arithmetic", "self.held -= amount"].by == "time limit"
    assert found["arithmetic", "self.held -= amount"].verdict == "killed"
    assert found["drop-assert", "pass"].by == "a look at it"
    assert found["constant", 'assert amount > 1, "nothing"'].verdict == "failed"
    assert "a judge of no use" in found["constant", 'assert amount > 1, "nothing"'].by
    assert found["drop-write", "pass"].verdict == "invalid"
    assert found["drop-lock", "#"].verdict == "survived"
    assert code == 1
    assert "some mutants could not be tried" in output


def test_server__that_is_none_is_an_error(project):
    code, output = mutate(project, "--server", f"{sys.executable} tests.py")
    assert code == 1
    assert "does not say that it is ready" in output


def test_results__are_gone_on_with(project):
    kept = project / "results.jsonl"
    options = ("--kill", KILL, "--files", "Purse.vy", "--results", str(kept))
    code, first = summary(project, *options, "--operators", "drop-*")
    assert (code, first["killed"], first["survived"]) == (2, 2, 1)
    # what is there is not tried again: a command that would now pass is not asked
    (project / "tests.py").write_text("")
    with kept.open("a") as stream:
        stream.write('{"key": "cut o')
    code, again = summary(project, *options, "--operators", "drop-*")
    assert again == first
    code, told = summary(project, "--files", "Purse.vy", "--results", str(kept))
    assert (told["killed"], told["survived"], told["untried"]) == (2, 1, 5)
    # survivors are tried anew when that is asked for; the line that was cut off is gone then
    (project / "tests.py").write_text("raise SystemExit('nonreentrancy' not in open("
                                      "'contracts/Purse.vy').read())")  # fmt: skip
    code, anew = summary(project, *options, "--operators", "drop-*", "--again")
    assert (code, anew["killed"], anew["survived"]) == (0, 3, 0)
    # and an edit makes other mutants
    (project / "contracts" / "Purse.vy").write_text(PURSE.replace("nothing", "empty"))
    code, edited = summary(project, "--files", "Purse.vy", "--results", str(kept))
    assert edited["untried"] == 5 + 1


def test_results__must_be_results(project):
    kept = project / "results.jsonl"
    kept.write_text("{}\n{}\n")
    code, output = mutate(project, "--kill", KILL, "--results", str(kept))
    assert code == 1
    assert "line 1: not a result; move the file away" in output
    kept.write_text('{"key": "cut o')
    code, output = mutate(project, "--results", str(kept))
    assert code == 1
    assert f"{kept} tells of none of 15 mutants here" in output


@pytest.mark.parametrize("text", ["{bad", '{"key": "a"}', '{"key": "a\n', '{"kill', "\n"])
def test_results__but_for_a_line_that_was_cut_off(tmp_path, text):
    kept = tmp_path / "results.jsonl"
    kept.write_text(text)
    with pytest.raises(results.ResultsError, match="line 1: not a result"):
        results.read(kept)
    for cut in ("", "{", '{"key": "a", "fi'):
        kept.write_text(cut)
        assert results.read(kept) == {}


def test_results__that_lack_their_last_line_break_are_gone_on_with(tmp_path):
    first, second = mutants_of("T.vy", RATES)[:2]
    kept = tmp_path / "results.jsonl"
    kept.write_text(Result.of(first, "killed").dump())
    results.Log(kept).append(Result.of(second, "survived"))
    found = results.read(kept)
    assert [found[each.key].verdict for each in (first, second)] == ["killed", "survived"]
    assert kept.read_text().count("\n") == 2


def test_score__of_nothing_is_none():
    (mutant, *_) = mutants_of("T.vy", RATES)
    same = [Result.of(mutant, "equivalent")]
    nobody = Judged()
    told = report.as_json(same, nobody, 0)
    assert (told["mutants"], told["score"], told["files"]["T.vy"]["score"]) == (1, None, None)
    assert report.as_text(same, nobody, str, 3).endswith(
        "1 mutant, 0 killed, 0 survived (0 argued), 1 with the same code, 0 did not compile, "
        "3 not tried: -"
    )
    assert report.sums([Result.of(mutant, "killed")], frozenset()).score == 1


def test_argued__survivors_are_no_findings_and_idle_entries_are(project):
    argued = project / "argued.toml"
    entry = (
        '[[mutant]]\nfile = "contracts/Purse.vy"\nfunction = "<module>"\n'
        'before = "# pragma nonreentrancy on"\nafter = "#"\nreason = "it calls nobody"\n'
    )
    argued.write_text(entry)
    options = ("--kill", KILL, "--files", "Purse.vy", "--argued", str(argued))
    code, found = summary(project, *options)
    assert (code, found["survivors"], found["score"]) == (0, [], 1.0)
    assert [each["operator"] for each in found["argued"]] == ["drop-lock"]
    # one that was killed after all, and one that there is not
    killed = entry.replace("<module>", "put").replace(
        "# pragma nonreentrancy on", "self.held += amount"
    )
    argued.write_text(entry + killed.replace('"#"', '"pass"') + killed)
    code, found = summary(project, *options)
    assert code == 2
    assert [(each["entry"].split(": ")[1], each["why"]) for each in found["idle"]] == [
        ("self.held += amount => pass", "it is killed"),
        ("self.held += amount => #", "no such mutant"),
    ]
    # a run that did not try it says nothing about it
    code, found = summary(project, *options, "--operators", "compare")
    assert [each["why"] for each in found["idle"]] == ["no such mutant"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[mutant]]\nfile = 'a'\n", "mutant 1: needs exactly file, function, before"),
        ("[other]\n", "only [[mutant]] tables"),
        ("[[mutant]]\nfile='a'\nfunction='f'\nbefore='b'\nafter='c'\nreason=' '\n", "not empty"),
        ("= 3", "at line 1"),
    ],
)
def test_argued__must_be_a_list_of_reasons(project, text, words):
    (project / "argued.toml").write_text(text)
    code, output = mutate(project, "--kill", KILL, "--argued", str(project / "argued.toml"))
    assert code == 1
    assert words in output


def test_changed__tries_functions_that_changed_only(project):
    code, output = mutate(project, "--kill", KILL, "--changed", "main")
    assert (code, output) == (
        0,
        "nothing to mutate: no function is asked for that changed since main\n",
    )
    git(project, "checkout", "-qb", "work")
    rates = project / "contracts" / "rates.vy"
    rates.write_text(RATES.replace("+ 99", "+ 99 + 0"))
    git(project, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "second")
    (project / "contracts" / "Purse.vy").write_text(
        PURSE + "\n\n@external\ndef fill():\n    self.held = 7\n"
    )
    code, found = summary(project, "--changed", "main", "--list")
    assert code == 0
    assert {(each["file"], each["function"]) for each in found["mutants"]} == {
        ("contracts/rates.vy", "fee_up"),
        ("contracts/Purse.vy", "fill"),
    }
    code, output = mutate(project, "--kill", KILL, "--changed", "elsewhere")
    assert code == 1
    assert "git knows no 'elsewhere'" in output
    lines = changed_lines(project, "main")
    assert lines["contracts/rates.vy"] == {7}
    assert lines["contracts/Purse.vy"] == {13, 14, 15, 16, 17}


def test_nothing__to_mutate_is_said_in_the_words_of_what_was_asked(project):
    (project / "contracts" / "Purse.vy").unlink()
    code, output = mutate(project, "--kill", KILL, "--operators", "drop-write")
    assert (code, output) == (
        0,
        "nothing to mutate: no operator finds a place in what is asked for\n",
    )


@pytest.mark.parametrize("whole_group", [True, False], ids=["timeout", "docker"])
def test_termination__leaves_no_copy_behind(project, tmp_path, whole_group):
    (project / "tests.py").write_text(f"open({str(tmp_path / 'runs')!r}, 'w')\n" + SLEEP)
    place = tmp_path / "temporary"
    place.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "surety.cli", "check", "mutate", "contracts", "--kill", KILL],
        cwd=project,
        env={**os.environ, "TMPDIR": str(place), "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for((tmp_path / "runs").exists)
        assert [each.name[:14] for each in place.iterdir()] == ["surety-mutate-"]
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
        _, words = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, words) == (143, "surety: stopped\n")
    assert list(place.iterdir()) == []


def wait_for(is_done) -> None:
    until = time.monotonic() + 60
    while not is_done():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_list__shows_what_would_be_tried(project):
    code, output = mutate(project, "--list", "--operators", "drop-write")
    assert code == 0
    assert output.splitlines() == [
        "contracts/Purse.vy:11 put (drop-write)",
        "  - self.held += amount",
        "  + pass",
        "1 mutant",
    ]


def test_sample__is_drawn_by_the_seed(project):
    def keys(*options: str) -> list[str]:
        _, found = summary(project, "--list", *options)
        return [each["key"] for each in found["mutants"]]

    every = keys()
    assert len(every) == 15
    assert len(keys("--sample", "5")) == 5
    assert keys("--sample", "5") == keys("--sample", "5", "--seed", "1")
    assert keys("--sample", "5") != keys("--sample", "5", "--seed", "2")
    assert sorted(keys("--sample", "99")) == sorted(every)


def test_seconds__end_a_run_early_and_say_so(project):
    (project / "tests.py").write_text("import time\ntime.sleep(1.1)")
    code, output = mutate(project, "--kill", KILL, "--seconds", "1")
    assert code == 2
    assert "1 mutant, 0 killed, 1 survived (0 argued)" in output or "same code" in output
    assert "14 not tried" in output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kill", "a", "--server", "b"), "--kill and --server do not go together"),
        (("--list", "--operators", "no-such"), "no operator 'no-such'; there are: drop-assert"),
        (("--list", "--files", "Purse.vy", "--files", "Other.vy"), "no source is called Other.vy"),
        (("--list", "--functions", "put", "--functions", "no*"), "no function is called no*"),
        (("--list", "--functions", "rates.put"), "no function is called rates.put"),
        ((), "say how to ask the tests, with --kill or --server"),
        (("--kill", ""), "--kill is empty: give the command that asks the tests"),
        (("--server", " "), "--server is empty: give the command that asks the tests"),
        (("--results", "nothere.jsonl"), "nothere.jsonl: no such file; --kill or --server would"),
    ],
)
def test_options__that_make_no_sense_are_one_line(project, options, words):
    code, output = mutate(project, *options)
    assert code == 1
    assert words in output
    assert output.count("\n") == 1


def test_page__gets_the_table_between_its_marks(project):
    page = project / "page.md"
    page.write_text(
        "# Head\n<!-- mutation: generated, do not edit -->\nold\n<!-- mutation: end -->\ntail\n"
    )
    mutate(project, "--kill", KILL, "--files", "Purse.vy", "--page", str(page))
    text = page.read_text()
    assert text.startswith("# Head\n")
    assert text.endswith("tail\n")
    assert "old" not in text
    assert "| `contracts/Purse.vy` | 8 | 7 | 1 | 0 | 0 | 87.5 % |" in text
    page.write_text("no marks")
    code, output = mutate(project, "--kill", KILL, "--operators", "drop-lock", "--page", str(page))
    assert code == 1
    assert "the page has no" in output


def test_workspace__copies_what_git_knows_and_finds_differences(project):
    (project / "node_modules").mkdir()
    workspace = open_workspace(project)
    try:
        names = {each.name for each in workspace.root.iterdir()}
        assert names == {"contracts", "tests.py", "server.py", ".gitignore", "node_modules"}
        assert (workspace.root / "node_modules").is_symlink()
        target = Target("contracts/rates.vy", ("contracts/Purse.vy",))
        assert workspace.differs(target, RATES + "# a comment\n") is None
        assert workspace.differs(target, RATES.replace("99", "98")) == "contracts/Purse.vy"
        with pytest.raises(SourceError, match="Purse"):
            workspace.differs(target, RATES.replace("fee_up", "other"))
        assert (workspace.root / "contracts" / "rates.vy").read_text() == RATES
    finally:
        close_workspace(workspace.root)
    assert (project / "node_modules").is_dir()
    assert not workspace.root.exists()


def test_workspace__leads_paths_into_the_copy(project, monkeypatch):
    monkeypatch.setenv("PATH", f"{project}/bin:/usr/bin")
    monkeypatch.setenv("PYTHONPATH", str(project))
    workspace = open_workspace(project)
    try:
        environment = workspace.environment()
        assert environment["PATH"] == f"{workspace.root}/bin:/usr/bin"
        assert environment["PYTHONPATH"] == str(workspace.root)
    finally:
        close_workspace(workspace.root)


def test_result__is_read_as_it_was_written(tmp_path):
    (mutant, *_) = mutants_of("T.vy", RATES)
    result = Result.of(mutant, "killed", "a test", 1.234)
    results.write(tmp_path / "results.jsonl", [result])
    assert results.read(tmp_path / "results.jsonl") == {mutant.key: result}
    assert result.seconds == 1.23
