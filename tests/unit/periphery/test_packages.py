# SPDX-License-Identifier: MIT
"""The npm packages that these tests trade over are there, or their absence is said."""

import pytest

from tests.uniswap import FACTORY, POSITIONS, ROUTER, WETH9, packed


@pytest.mark.parametrize("path", [FACTORY, ROUTER, POSITIONS, WETH9])
def test_a_package_holds_abi_and_code(path):
    made = packed(path)
    assert len(made.bytecode) > 2_000
    assert any(entry["type"] == "function" for entry in made.abi)


def test_a_missing_package_is_a_failure_that_says_what_to_run():
    with pytest.raises(pytest.fail.Exception, match="make setup"):
        packed("@uniswap/v3-core/nothing.json")
