# SPDX-License-Identifier: MIT
"""The page of the checks says what they say: its examples are run, its rules are the rules."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from surety import paths
from surety.check.lint.rules import RULES
from surety.cli import main

PAGE = paths.root() / "docs" / "check.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def table() -> str:
    lines = ["| rule | finds | why | what to do |", "|---|---|---|---|"]
    lines += [
        f"| `{rule.id}` | {rule.title} | {rule.why} | {rule.fix} |" for rule in RULES.values()
    ]
    return "\n".join(lines)


@pytest.fixture
def till(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "till").mkdir()
    (source,) = blocks("vyper")
    (tmp_path / "till" / "Till.vy").write_text(source)
    return tmp_path / "till" / "Till.vy"


def test_the_page_has_every_rule_as_it_is():
    assert table() in PAGE.read_text(encoding="utf-8")


def test_the_examples_print_what_the_page_says(till):
    runs = [run for block in blocks("console") for run in block.split("$ ")[1:]]
    assert len(runs) == 7
    for run in runs:
        command, _, wanted = run.partition("\n")
        program, *args = shlex.split(command)
        assert program == "surety"
        if "--check" in args:  # what the page says that somebody does before
            till.write_text(
                till.read_text().replace("owner: address", "paused: bool\nowner: address", 1)
            )
        done = CliRunner(mix_stderr=False).invoke(main, args)
        code = "(exit 2)\n" if done.exit_code == 2 else ""
        assert done.stderr == ""
        assert done.stdout + code == wanted, command
        if "--check" in args:
            till.write_text(till.read_text().replace("paused: bool\n", ""))
