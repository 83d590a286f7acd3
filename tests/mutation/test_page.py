# SPDX-License-Identifier: MIT
"""docs/mutation.md says what the tool is and what it found, and nothing else."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from surety import paths
from surety.check.mutate import argued, report, results
from surety.check.mutate.mutants import function_names, mutants_of
from surety.check.mutate.operators import OPERATORS
from surety.cli import main
from tests.mutation.plan import CORE

FOLDER = paths.root() / "tests" / "mutation"
PAGE = (paths.root() / "docs" / "mutation.md").read_text()


@pytest.fixture(scope="module")
def mutants():
    """Every mutant of the core."""
    sources = {name: (paths.root() / name).read_text() for name in CORE}
    names = function_names(sources.values())
    return [each for name, text in sources.items() for each in mutants_of(name, text, names)]


def test_page__lists_every_operator():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE.partition("## Our core")[0], re.M)
    assert rows == [(name, each.what) for name, each in OPERATORS.items()]


RAN = pytest.mark.skipif(
    not (FOLDER / "results.jsonl").exists(),
    reason="`make mutate` has not been run: there is no tests/mutation/results.jsonl",
)


@RAN
def test_page__holds_the_table_of_the_results(mutants):
    found = list(results.read(FOLDER / "results.jsonl").values())
    judged = argued.judge(argued.read(FOLDER / "argued.toml"), found, mutants)
    explained = frozenset(each.key for each in judged.argued)
    table = report.as_markdown(found, explained, len(mutants))
    assert report.between_marks(PAGE, table) == PAGE
    assert {each.file for each in found} == set(CORE)


def test_argued__every_entry_is_about_a_fault_that_can_be_made(mutants):
    entries = argued.read(FOLDER / "argued.toml")
    judged = argued.judge(entries, [], mutants)
    assert judged.idle == ()
    assert len(entries) == len(set(entries)) >= 10


@RAN
def test_gate__19_of_20_faults_are_noticed():
    """Of those that are neither the same code nor argued: the gate of assurance.md."""
    found = list(results.read(FOLDER / "results.jsonl").values())
    entries = argued.read(FOLDER / "argued.toml")
    explained = frozenset(each.key for each in found if any(entry.fits(each) for entry in entries))
    assert report.sums(found, explained).score >= 0.95
    assert not [each for each in found if each.verdict == results.FAILED]


def test_examples_use_options_that_there_are():
    told = CliRunner().invoke(main, ["check", "mutate", "--help"]).output
    for option in set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", PAGE)):
        assert option in told, option


def test_makefile_tries_the_core():
    text = (paths.root() / "Makefile").read_text()
    named = re.search(r"^CORE := ((?:.*\\\n)*.*)$", text, re.M)
    assert named is not None
    stems = named[1].replace("\\\n", " ").split()
    assert sorted(stems) == sorted(name.rsplit("/", 1)[-1].removesuffix(".vy") for name in CORE)
