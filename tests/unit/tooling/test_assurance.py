# SPDX-License-Identifier: MIT
"""`make assurance` tells a tool that found something from one that did not run."""

from __future__ import annotations

import sys

import pytest

from tests.assurance import __main__ as assurance
from tests.assurance.__main__ import TESTS, Tool


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the command with tools of a name each, and return its exit code and what it prints."""
    monkeypatch.setattr(assurance, "LOGS", tmp_path)
    monkeypatch.setenv("MAKELEVEL", "1")  # as within `make assurance`, and within `make test`
    (tmp_path / "Makefile").write_text("red:\n\t@echo two are red; exit 1\nodd:\n\t@exit 9\n")
    make = f"make -s -f {tmp_path}/Makefile"
    known = [
        Tool("fine", "nothing", "echo 3 rows"),
        Tool("two words", "a finding", "echo seen; exit 2"),
        Tool("broken", "an error", "echo no solc; exit 1"),
        Tool("tests", "a test that fails", "exit 1", TESTS),
        Tool("made red", "tests in a target", f"{make} red", TESTS),
        Tool("made odd", "a target that breaks", f"{make} odd", TESTS),
        Tool("no target", "a target that is not there", f"{make} none"),
    ]
    monkeypatch.setattr(assurance, "tools", lambda _minutes: known)

    def asked(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["assurance", *words])
        code = assurance.main()
        return code, "".join(capsys.readouterr())

    return asked


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("fine", 0, "ok in 0 s: 3 rows"),
        ("two words", 2, "found something (exit 2) in 0 s: seen"),
        ("broken", 1, "did not run (exit 1) in 0 s: no solc"),
        ("tests", 2, "found something (exit 1) in 0 s: it printed nothing"),
        ("made red", 2, "found something (exit 1) in 0 s: two are red"),
        ("made odd", 1, "did not run (exit 9) in 0 s: it printed nothing"),
        ("no target", 1, "did not run (exit -1) in 0 s: make: *** No rule to make target"),
    ],
)
def test_what_an_exit_code_says_depends_on_the_tool(run, name, code, words):
    found, printed = run(name)
    assert found == code
    assert words in printed.replace(" in 1 s", " in 0 s").replace("make[1]", "make")


def test_a_finding_outweighs_what_did_not_run(run):
    assert run("fine", "broken")[0] == 1
    assert run("fine", "broken", "two words")[0] == 2


def test_names_are_quoted_and_hold_no_comma(run):
    code, printed = run("two")
    assert code == 1
    assert "there is no 'two'; the tools are: 'fine', 'two words', 'broken'," in printed
    code, printed = run("--write", "fine")
    assert (code, "--write is for all of them" in printed) == (1, True)
    code, printed = run("--help")
    assert code == 0
    assert "'two words'" in printed


def test_our_own_names_can_be_told_apart():
    names = [tool.name for tool in assurance.tools(1)]
    assert len(set(names)) == len(names)
    assert not any("," in name or "'" in name for name in names)
