# SPDX-License-Identifier: MIT
"""Close: sell no more than the debt takes, and have the rest of the kind back."""

import pytest

from tests.unit.periphery.stage import ETH, TAXED, USDT, WETH
from tests.world import MAX, RAY, WAD, reverts

YEAR = 365 * 86_400


@pytest.fixture
def id(stage):
    """An account of 20 eth that owes 25,000, whose owner has spent the coins."""
    id = stage.open([(ETH, 20 * WAD), (USDT, 500 * 10**6)], 25_000 * WAD)
    stage.coin.transact("transfer", stage.stranger, 25_000 * WAD, sender=stage.owner)
    return id


def test_close__sells_what_the_debt_takes_and_pays_the_rest_out(stage, id):
    sold = stage.sold(25_000 * WAD, ETH, None)
    assert 125 * WAD // 10 < sold < 128 * WAD // 10
    args = (id, ETH, sold, stage.path(None, ETH))
    assert stage.ask("close", *args) == 20 * WAD - sold

    stage.do("close", *args)

    assert stage.debt(id) == 0
    assert (stage.held(ETH), stage.held(None)) == (20 * WAD - sold, 0)
    # the other kind stays where it is and is the owner's to withdraw
    assert stage.account(id).collateral_mask == 1 << USDT
    stage.vault.transact("withdraw", id, USDT, MAX, stage.owner, sender=stage.owner)
    assert stage.held(USDT) == 500 * 10**6


def test_close__sells_through_several_pools(stage, id):
    middle = stage.sold(25_000 * WAD, USDT, None)
    sold = stage.sold(middle, ETH, USDT)
    stage.do("close", id, ETH, MAX, stage.path(None, USDT, ETH))
    assert (stage.debt(id), stage.held(ETH)) == (0, 20 * WAD - sold)


@pytest.mark.parametrize(("kind", "unit"), [(USDT, 10**6), (WETH, 10**18 // 2_000)])
def test_close__takes_other_tokens(stage, kind, unit):
    id = stage.open([(kind, 20_000 * unit)], 10_000 * WAD, sub=9)
    sold = stage.sold(10_000 * WAD, kind, None)
    stage.do("close", id, kind, sold, stage.path(None, kind))
    assert stage.held(kind) == 20_000 * unit - sold
    assert stage.account(id).collateral_mask == 0


def test_close__repays_the_interest_to_the_last_unit(stage, id):
    stage.vault.transact("set_rate", RAY * 5 // 100 // YEAR, sender=stage.governor)
    at = stage.now + YEAR
    stage.next_at(at - 70)
    for kind, feed in enumerate(stage.feeds):
        stage.set_price(kind, feed.read("latestRoundData")[1] * 10**10)
    stage.next_at(at)
    stage.do("close", id, ETH, MAX, stage.path(None, ETH))
    assert stage.account(id).normalized_debt == 0
    assert stage.held(None) == 0
    index = stage.vault.read("interest") % 2**128
    owed = -(-25_000 * WAD * index // RAY)
    assert 26_250 * WAD < owed < 26_300 * WAD


def test_close_reverts_when_more_would_be_sold(stage, id):
    sold = stage.sold(25_000 * WAD, ETH, None)
    for most in (sold - 1, 1):
        with reverts("STF"):  # the router is approved no more
            stage.do("close", id, ETH, most, stage.path(None, ETH))
    stage.do("close", id, ETH, sold, stage.path(None, ETH))


def test_close_reverts_when_one_kind_is_not_enough(stage, id):
    # 500 dollars cannot repay 25,000 coins, whatever the owner would accept
    with reverts("STF"):
        stage.do("close", id, USDT, MAX, stage.path(None, USDT))


def test_close_reverts_when_there_is_no_debt(stage):
    id = stage.open([(ETH, WAD)], 0)
    with reverts("no debt"):
        stage.do("close", id, ETH, MAX, stage.path(None, ETH))


def test_close_reverts_when_nothing_of_the_kind_is_there(stage, id):
    with reverts("zero amount"):
        stage.do("close", id, WETH, MAX, stage.path(None, WETH))


def test_close_reverts_when_a_token_keeps_a_fee(stage):
    id = stage.open([(TAXED, 20 * WAD)], 10_000 * WAD)
    stage.set_fee(100)
    with reverts("IIA"):  # the pool says that it was paid too little
        stage.do("close", id, TAXED, MAX, stage.path(None, TAXED))
