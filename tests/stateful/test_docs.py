# SPDX-License-Identifier: MIT
"""The example in docs/model.md runs as it stands."""

from __future__ import annotations

import doctest

from surety import paths


def test_the_example_in_the_docs_holds():
    found = doctest.testfile(str(paths.root() / "docs" / "model.md"), module_relative=False)
    assert found.attempted >= 10
    assert found.failed == 0
