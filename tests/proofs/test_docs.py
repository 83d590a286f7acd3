# SPDX-License-Identifier: MIT
"""The example of docs/proofs.md runs."""

from __future__ import annotations

import doctest

from surety import paths


def test_example_runs() -> None:
    found = doctest.testfile(str(paths.root() / "docs" / "proofs.md"), module_relative=False)
    assert found.attempted == 5
    assert found.failed == 0
