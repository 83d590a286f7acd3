# SPDX-License-Identifier: MIT
"""A whole deployed system, put back after every test."""

import pytest

from tests.world import anvil_world

DECIMALS = (18, 8, 6)


@pytest.fixture(scope="package")
def deployed():
    with anvil_world() as world:
        yield world


@pytest.fixture
def world(deployed):
    with deployed.snapshot():
        yield deployed


@pytest.fixture
def fund(world):
    return world.fund


@pytest.fixture
def absorb(world):
    """Open accounts on the given legs, crash their prices and absorb them; return the accounts."""

    def run(*all_legs, prices, fall=60):
        ids = []
        for sub, legs in enumerate(all_legs):
            value = sum(amount * prices[kind] // 10 ** DECIMALS[kind] for kind, amount in legs)
            ids.append(world.open(legs, value * 70 // 100, sub=sub))
        world.forward(1)
        world.follow(*(price * (100 - fall) // 100 for price in prices))
        for account in ids:
            world.vault.transact("margin_call", account, sender=world.keeper)
        world.forward(world.book.auction_duration + 1)
        for kind, price in enumerate(prices):
            world.set_price(kind, price * (100 - fall) // 100)
        for account in ids:
            world.vault.transact("absorb", account, sender=world.keeper)
        return ids

    return run
