# SPDX-License-Identifier: MIT
"""Name one minter with a ceiling."""

import pytest

CEILING = 1_000_000 * 10**18


@pytest.fixture(scope="session")
def ceiling():
    return CEILING


@pytest.fixture(scope="module")
def coin(coin, governor, minter):
    coin.set_ceiling(minter, CEILING, sender=governor)
    return coin


@pytest.fixture
def state(coin):
    """Read everything a mint or burn may change."""

    def read(minter, holder):
        return coin.totalSupply(), coin.balanceOf(holder), coin.minted(minter), coin.ceiling(minter)

    return read
