# SPDX-License-Identifier: MIT
"""What some of the tests of this folder need."""

import pytest

from surety.prices.engines import make_engine

needs_evm = pytest.mark.skipif(
    make_engine("auto").name != "evm", reason="pyrevm has no build for this Python"
)
