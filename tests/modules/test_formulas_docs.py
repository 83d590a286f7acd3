# SPDX-License-Identifier: MIT
"""The examples of docs/formulas.md run, and its numbers are those of the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import surety.formulas
from surety.formulas import Formulas
from surety.vectors import read, run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formulas.md"


def test_examples_of_the_page_run() -> None:
    page = re.sub(r"^```.*$", "", PAGE.read_text(), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(page, {}, "formulas.md", str(PAGE), 0)
    assert len(test.examples) >= 8
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=told.append)
    assert told == []


def test_page_lists_every_formula_with_its_arguments(formulas: Formulas) -> None:
    section = PAGE.read_text().split("## Every formula")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)\(([^)]*)\)` \| (\S.*) \|$", section, flags=re.MULTILINE)
    listed = [(name, tuple(arguments.split(", "))) for name, arguments, _ in rows]
    assert listed == [(name, found.args) for name, found in formulas.functions.items()]


def test_example_of_the_module_runs() -> None:
    assert doctest.testmod(surety.formulas).failed == 0


def test_vectors_of_the_page_hold(tmp_path: Path, formulas: Formulas) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    path = tmp_path / "page.json"
    path.write_text(example)
    outcome = run(read(path), formulas, None)
    assert outcome.cases == {"margin": 1}
    assert outcome.differences == []
