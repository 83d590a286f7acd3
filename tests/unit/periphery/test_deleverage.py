# SPDX-License-Identifier: MIT
"""Deleverage: collateral out, coins for it, debt repaid, the rest the owner's."""

import pytest

from surety.chain import Reverted
from tests.unit.periphery.stage import ETH, TAXED, USDT, WETH
from tests.world import AT_RISK, CALLED, HEALTHY, MAX, WAD, check_books, reverts

FLOOR = 2_000 * WAD


def spend(stage, amount=None):
    """Let the owner's coins go, so that nothing but what is sold can repay."""
    coins = stage.held(None) if amount is None else amount
    stage.coin.transact("transfer", stage.stranger, coins, sender=stage.owner)


def test_deleverage__repays_with_what_is_sold_and_pays_the_rest_out(stage):
    id = stage.open([(ETH, 20 * WAD)], 25_000 * WAD)
    spend(stage)
    coins = stage.bought(5 * WAD, ETH, None)
    assert 9_900 * WAD < coins < 9_970 * WAD
    args = (id, ETH, 5 * WAD, 9_000 * WAD, 9_900 * WAD, stage.path(ETH, None))
    assert stage.ask("deleverage", *args) == coins - 9_000 * WAD

    stage.do("deleverage", *args)

    assert stage.balance(id, ETH) == 15 * WAD
    assert stage.debt(id) == 16_000 * WAD
    assert stage.held(None) == coins - 9_000 * WAD
    assert stage.held(ETH) == 0
    check_books(stage, [id, stage.id(stage.other, 255)])


def test_deleverage__closes_everything(stage):
    id = stage.open([(ETH, 20 * WAD)], 25_000 * WAD)
    spend(stage)
    coins = stage.bought(20 * WAD, ETH, None)
    stage.do("deleverage", id, ETH, MAX, MAX, coins, stage.path(ETH, None))
    assert stage.account(id).collateral_mask == 0
    assert stage.debt(id) == 0
    assert stage.held(None) == coins - 25_000 * WAD


def test_deleverage__repays_no_more_than_is_owed(stage):
    id = stage.open([(ETH, 10 * WAD), (USDT, 10**9)], 4_000 * WAD)
    spend(stage)
    coins = stage.bought(3 * WAD, ETH, None)
    stage.do("deleverage", id, ETH, 3 * WAD, 5_000 * WAD, 0, stage.path(ETH, None))
    assert (stage.debt(id), stage.held(None)) == (0, coins - 4_000 * WAD)
    assert (stage.balance(id, ETH), stage.balance(id, USDT)) == (7 * WAD, 10**9)


def test_deleverage__leaves_the_debt_floor(stage):
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    spend(stage)
    coins = stage.bought(2 * WAD, ETH, None)
    stage.do("deleverage", id, ETH, 2 * WAD, 3_500 * WAD, 0, stage.path(ETH, None))
    assert (stage.debt(id), stage.held(None)) == (FLOOR, coins - FLOOR)


def test_deleverage__sells_without_debt(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    coins = stage.bought(10 * WAD, ETH, None)
    stage.do("deleverage", id, ETH, MAX, 0, coins, stage.path(ETH, None))
    assert (stage.balance(id, ETH), stage.held(None)) == (0, coins)


@pytest.mark.parametrize(
    ("kind", "unit", "hops"),
    [(USDT, 10**6, ()), (WETH, 10**18 // 2_000, ()), (WETH, 10**18 // 2_000, (USDT,))],
)
def test_deleverage__takes_other_tokens_and_paths(stage, kind, unit, hops):
    id = stage.open([(kind, 20_000 * unit)], 10_000 * WAD)
    spend(stage)
    coins = stage.bought(8_000 * unit, kind, *hops, None)
    stage.do(
        "deleverage", id, kind, 8_000 * unit, 7_000 * WAD, coins, stage.path(kind, *hops, None)
    )
    assert stage.balance(id, kind) == 12_000 * unit
    assert (stage.debt(id), stage.held(None)) == (3_000 * WAD, coins - 7_000 * WAD)


def test_deleverage__undoes_leverage_at_the_cost_of_fees(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    stage.do("leverage", id, ETH, 10 * WAD, 20_000 * WAD, 9 * WAD, stage.path(None, ETH))
    sold = stage.sold(20_000 * WAD, ETH, None)
    more = stage.bought(sold, ETH, None) - 20_000 * WAD
    assert 0 <= more < 10_000  # what rounding up what is sold buys
    stage.do("deleverage", id, ETH, sold, MAX, 20_000 * WAD, stage.path(ETH, None))
    assert (stage.debt(id), stage.held(None)) == (0, more)
    left = stage.balance(id, ETH)
    # each way costs 0.3 % of ten; nothing else is lost
    assert 10 * WAD - 6 * WAD // 100 - 10**15 < left < 10 * WAD - 59 * WAD // 1_000


def test_deleverage__saves_an_account_that_is_called(stage):
    id = stage.open([(ETH, 10 * WAD)], 14_900 * WAD)
    spend(stage)
    stage.follow(2_000 * WAD * 92 // 100)
    stage.vault.transact("margin_call", id, sender=stage.keeper)
    assert stage.state(id) == CALLED
    # selling a part that leaves the debt above the initial level is not enough
    with reverts("below initial margin"):
        stage.do("deleverage", id, ETH, WAD, 1_900 * WAD, 0, stage.path(ETH, None))
    stage.do("deleverage", id, ETH, 5 * WAD, 9_900 * WAD, 0, stage.path(ETH, None))
    assert stage.state(id) == HEALTHY
    assert stage.account(id).auction_start == 0


def test_deleverage_reverts_when_the_debt_left_is_not_covered(stage):
    id = stage.open([(ETH, 10 * WAD)], 14_000 * WAD)
    with reverts("below initial margin"):
        stage.do("deleverage", id, ETH, 2 * WAD, 2_000 * WAD - 1, 0, stage.path(ETH, None))
    stage.do("deleverage", id, ETH, 2 * WAD, 2_000 * WAD, 0, stage.path(ETH, None))


def test_deleverage_reverts_when_too_little_is_bought(stage):
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    coins = stage.bought(WAD, ETH, None)
    with reverts("Too little received"):
        stage.do("deleverage", id, ETH, WAD, 1_000 * WAD, coins + 1, stage.path(ETH, None))
    # the owner's own coins are not touched to repay what was not bought
    with reverts("amount exceeds balance"):
        stage.do("deleverage", id, ETH, WAD, coins + 1, 0, stage.path(ETH, None))
    stage.do("deleverage", id, ETH, WAD, coins, coins, stage.path(ETH, None))
    assert stage.debt(id) == 4_000 * WAD - coins


@pytest.mark.parametrize(
    ("sold", "reason"),
    [
        (0, "zero amount"),
        (10 * WAD + 1, "above balance"),
        (2**255, "above balance"),
        (MAX - 1, "above balance"),
    ],
)
def test_deleverage_refuses_an_amount(stage, sold, reason):
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    with reverts(reason):
        stage.do("deleverage", id, ETH, sold, MAX, 0, stage.path(ETH, None))


def test_deleverage_reverts_when_nothing_of_a_kind_is_left(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    with reverts("zero amount"):
        stage.do("deleverage", id, USDT, MAX, 0, 0, stage.path(USDT, None))


def test_deleverage_reverts_when_a_token_keeps_a_fee(stage):
    id = stage.open([(TAXED, 10 * WAD)], 4_000 * WAD)
    stage.set_fee(100)
    with pytest.raises(Reverted):  # the router finds less than it was told
        stage.do("deleverage", id, TAXED, WAD, 1_000 * WAD, 0, stage.path(TAXED, None))


def test_deleverage__brings_an_account_at_risk_back(stage):
    id = stage.open([(ETH, 10 * WAD)], 14_900 * WAD)
    stage.follow(2_000 * WAD * 97 // 100)
    assert stage.state(id) == AT_RISK
    stage.do("deleverage", id, ETH, 4 * WAD, 7_900 * WAD, 0, stage.path(ETH, None))
    assert stage.state(id) == HEALTHY
