# SPDX-License-Identifier: MIT
"""Every row of the catalogue is held by a test, and docs/assurance.md says by which."""

from __future__ import annotations

from tests.assurance.coverage import catalogue, collect
from tests.assurance.page import PAGE, coverage_tables, filled


def test_every_row_is_held_and_the_page_says_by_what():
    """The page is mended by `python -m tests.assurance.page`."""
    known, covered = catalogue(), collect()
    assert set(known.absent) <= set(known.rows)
    missing = known.known - set(known.absent) - set(covered)
    assert not missing, f"held by no test: {sorted(missing)}"
    unknown = set(covered) - known.known
    assert not unknown, f"named by a test and in no catalogue: {sorted(unknown)}"
    held = set(known.absent) & set(covered)
    assert not held, f"said to have no part here, and held by a test: {sorted(held)}"
    page = PAGE.read_text()
    assert page == filled(page, "coverage", coverage_tables(known, covered))
