# SPDX-License-Identifier: MIT
"""Prints, when tests are collected with `-p tests.assurance.plugin`, what they cover as JSON."""

from __future__ import annotations

import json

import pytest

from tests.assurance.coverage import COLLECTED, covered_by


@pytest.hookimpl(tryfirst=True)  # before tests are deselected: long ones cover things too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    print(f"\n{COLLECTED}{json.dumps(covered_by(items), sort_keys=True)}")
