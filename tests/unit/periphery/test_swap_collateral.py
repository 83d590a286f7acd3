# SPDX-License-Identifier: MIT
"""Swap collateral: one kind for another, the debt as it was."""

import pytest

from tests.unit.periphery.stage import CAP, CAPPED, ETH, TAXED, USDT, WETH
from tests.world import MAX, WAD, check_books, reverts


@pytest.mark.parametrize("debt", [0, 8_000 * WAD])
def test_swap_collateral__replaces_a_part(stage, debt):
    id = stage.open([(ETH, 10 * WAD)], debt)
    coins = stage.held(None)
    bought = stage.bought(4 * WAD, ETH, USDT)
    args = (id, ETH, 4 * WAD, USDT, bought - 100 * 10**6, stage.path(ETH, USDT))
    assert stage.ask("swap_collateral", *args) == bought

    stage.do("swap_collateral", *args)

    assert (stage.balance(id, ETH), stage.balance(id, USDT)) == (6 * WAD, bought)
    assert stage.debt(id) == debt
    assert stage.held(None) == coins
    assert (stage.held(ETH), stage.held(USDT)) == (0, 0)
    check_books(stage, [id, stage.id(stage.other, 255)])


def test_swap_collateral__replaces_all_in_the_other_direction(stage):
    id = stage.open([(USDT, 20_000 * 10**6)], 9_000 * WAD)
    bought = stage.bought(20_000 * 10**6, USDT, ETH)
    stage.do("swap_collateral", id, USDT, MAX, ETH, bought, stage.path(USDT, ETH))
    assert (stage.balance(id, USDT), stage.balance(id, ETH)) == (0, bought)
    assert stage.account(id).collateral_mask == 1 << ETH
    assert stage.debt(id) == 9_000 * WAD


def test_swap_collateral__goes_through_several_pools(stage):
    id = stage.open([(ETH, 10 * WAD), (WETH, WAD)], 8_000 * WAD)
    bought = stage.bought(5 * WAD, ETH, USDT, WETH)
    stage.do("swap_collateral", id, ETH, 5 * WAD, WETH, bought, stage.path(ETH, USDT, WETH))
    assert (stage.balance(id, ETH), stage.balance(id, WETH)) == (5 * WAD, WAD + bought)


def test_swap_collateral__goes_through_the_coin(stage):
    id = stage.open([(ETH, 10 * WAD)], 8_000 * WAD)
    bought = stage.bought(5 * WAD, ETH, None, WETH)
    stage.do("swap_collateral", id, ETH, 5 * WAD, WETH, bought, stage.path(ETH, None, WETH))
    assert (stage.balance(id, ETH), stage.balance(id, WETH)) == (5 * WAD, bought)


def test_swap_collateral__pays_out_what_the_cap_has_no_room_for(stage):
    id = stage.open([(ETH, 10 * WAD)], 2_000 * WAD)
    bought = stage.bought(5 * WAD, ETH, None, CAPPED)
    stage.open([(CAPPED, CAP - bought + WAD)], 0, owner=stage.stranger)
    least = bought - 2 * WAD
    path = stage.path(ETH, None, CAPPED)
    stage.do("swap_collateral", id, ETH, 5 * WAD, CAPPED, least, path)
    assert stage.balance(id, CAPPED) == bought - WAD
    assert stage.held(CAPPED) == WAD


def test_swap_collateral_reverts_when_the_least_does_not_carry_the_debt(stage):
    id = stage.open([(ETH, 10 * WAD)], 13_000 * WAD)
    # 75 % of 8 eth at 2,000 carry 12,000: 1,000 are left for 88 % of the dollars
    least = -(-1_000 * 10**6 * 100 // 88)
    path = stage.path(ETH, USDT)
    with reverts("below initial margin"):
        stage.do("swap_collateral", id, ETH, 2 * WAD, USDT, least - 1, path)
    stage.do("swap_collateral", id, ETH, 2 * WAD, USDT, least, path)


def test_swap_collateral_reverts_when_too_little_is_bought(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    bought = stage.bought(WAD, ETH, USDT)
    with reverts("Too little received"):
        stage.do("swap_collateral", id, ETH, WAD, USDT, bought + 1, stage.path(ETH, USDT))


def test_swap_collateral_reverts_when_both_kinds_are_one(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    with reverts("legs not ascending"):
        stage.do("swap_collateral", id, ETH, WAD, ETH, 1, stage.path(ETH, USDT, ETH))


@pytest.mark.parametrize(
    ("sold", "least", "reason"),
    [
        (0, 1, "zero amount"),
        (WAD, 0, "zero amount"),
        (10 * WAD + 1, 1, "above balance"),
        (2**255, 1, "above balance"),
        (WAD, MAX, "above cap"),
    ],
)
def test_swap_collateral_refuses_an_amount(stage, sold, least, reason):
    id = stage.open([(ETH, 10 * WAD)], 0)
    with reverts(reason):
        stage.do("swap_collateral", id, ETH, sold, USDT, least, stage.path(ETH, USDT))


@pytest.mark.parametrize("kind", [6, 32, MAX])
def test_swap_collateral_reverts_when_the_kind_to_buy_is_unknown(stage, kind):
    id = stage.open([(ETH, 10 * WAD)], 0)
    with reverts("unknown kind"):
        stage.do("swap_collateral", id, ETH, WAD, kind, 1, stage.path(ETH, USDT))


def test_swap_collateral_reverts_when_a_token_keeps_a_fee(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    path = stage.path(ETH, None, TAXED)
    stage.ask("swap_collateral", id, ETH, WAD, TAXED, WAD // 2, path)
    stage.set_fee(100)
    with reverts("token kept a fee"):
        stage.do("swap_collateral", id, ETH, WAD, TAXED, WAD // 2, path)


def test_swap_collateral_reverts_when_the_kind_to_buy_is_frozen(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    stage.vault.transact("set_frozen", USDT, True, sender=stage.governor)
    with reverts("kind is frozen"):
        stage.do("swap_collateral", id, ETH, WAD, USDT, 1, stage.path(ETH, USDT))
