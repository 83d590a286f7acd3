# SPDX-License-Identifier: MIT
"""The page about margin models: its examples run, its picture is that of the formulas."""

from __future__ import annotations

import doctest
import re
import xml.etree.ElementTree as ET

from tests.unit.tiered_margin import picture

PAGE = picture.FILE.with_name("margin-models.md")


def test_examples_of_the_page_run():
    page = re.sub(r"^```.*$", "", PAGE.read_text(), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(page, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) >= 9
    told: list[str] = []
    doctest.DocTestRunner().run(test, out=told.append)
    assert told == []


def test_picture_is_the_one_that_the_formulas_give():
    text = picture.FILE.read_text()
    assert text == picture.drawing(), "run python -m tests.unit.tiered_margin.picture"
    assert ET.fromstring(text).get("viewBox") == "0 0 980 410"
    assert f"]({picture.FILE.name})" in PAGE.read_text()
