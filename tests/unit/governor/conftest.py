# SPDX-License-Identifier: MIT
"""A whole system under a Governor, put back after every test."""

import pytest

from tests.unit.governor.rig import Rig


@pytest.fixture(scope="package")
def built():
    return Rig()


@pytest.fixture
def rig(built):
    with built.snapshot():
        yield built
