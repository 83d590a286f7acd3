# SPDX-License-Identifier: MIT
"""Leverage: borrow, buy and deposit in one transaction, over real pools, to the last unit."""

import pytest

from surety.chain import Reverted
from tests.uniswap import FOREVER, path_of
from tests.unit.periphery.stage import CAP, CAPPED, ETH, HOOK, TAXED, USDT, WETH
from tests.world import MAX, WAD, check_books, reverts

DEBT = 20_000 * WAD


def test_leverage__deposits_what_was_brought_and_all_that_was_bought(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    bought = stage.bought(DEBT, None, ETH)
    assert 98 * WAD // 10 < bought < 99 * WAD // 10  # ten less fee and impact
    least = 95 * WAD // 10
    args = (id, ETH, 10 * WAD, DEBT, least, stage.path(None, ETH))
    assert stage.ask("leverage", *args) == 10 * WAD + bought

    stage.do("leverage", *args)

    assert stage.balance(id, ETH) == 10 * WAD + bought
    assert stage.debt(id) == DEBT
    assert (stage.held(ETH), stage.held(None)) == (0, 0)
    check_books(stage, [id, stage.id(stage.other, 255)])


def test_leverage__pays_nothing_back_when_the_least_is_exact(stage):
    id = stage.id(stage.owner, 7)
    stage.give(stage.owner, ETH, 11 * WAD)
    bought = stage.bought(DEBT, None, ETH)
    stage.do("leverage", id, ETH, 10 * WAD, DEBT, bought, stage.path(None, ETH))
    assert stage.balance(id, ETH) == 10 * WAD + bought
    assert stage.held(ETH) == WAD


def test_leverage__works_on_collateral_that_is_there_already(stage):
    id = stage.open([(ETH, 10 * WAD), (USDT, 1_000 * 10**6)], 2_000 * WAD)
    coins = stage.held(None)
    bought = stage.bought(5_000 * WAD, None, ETH)
    stage.do("leverage", id, ETH, 0, 5_000 * WAD, 2 * WAD, stage.path(None, ETH))
    assert stage.balance(id, ETH) == 10 * WAD + bought
    assert stage.debt(id) == 7_000 * WAD
    assert stage.held(None) == coins


def test_leverage__goes_through_several_pools(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    bought = stage.bought(DEBT, None, USDT, ETH)
    assert bought < stage.bought(DEBT, None, ETH)
    stage.do("leverage", id, ETH, 10 * WAD, DEBT, bought, stage.path(None, USDT, ETH))
    assert stage.balance(id, ETH) == 10 * WAD + bought


def test_leverage__takes_a_token_that_returns_nothing_and_guards_its_approvals(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, USDT, 30_000 * 10**6)
    total = 0
    for own, debt in ((20_000, 20_000), (5_000, 4_000)):
        bought = stage.bought(debt * WAD, None, USDT)
        args = (own * 10**6, debt * WAD, bought - 7, stage.path(None, USDT))
        stage.do("leverage", id, USDT, *args)
        total += own * 10**6 + bought
        assert stage.balance(id, USDT) == total
        stage.check_empty()
    assert stage.debt(id) == 24_000 * WAD


def test_leverage__takes_real_weth(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, WETH, 10 * WAD)
    bought = stage.bought(DEBT, None, WETH)
    stage.do("leverage", id, WETH, 10 * WAD, DEBT, 9 * WAD, stage.path(None, WETH))
    assert stage.balance(id, WETH) == 10 * WAD + bought


def test_leverage__pays_the_owner_what_the_cap_has_no_room_for(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, CAPPED, 21 * WAD)
    path = stage.path(None, CAPPED)
    bought = stage.bought(DEBT, None, CAPPED)
    own = CAP - bought + WAD // 10  # room for all that was bought but a tenth of a token

    stage.do("leverage", id, CAPPED, own, DEBT, bought - WAD // 5, path)
    assert stage.balance(id, CAPPED) == CAP
    assert stage.held(CAPPED) == 21 * WAD - own + WAD // 10

    more = stage.bought(2_000 * WAD, None, CAPPED)
    with reverts("above cap"):
        stage.do("leverage", id, CAPPED, 0, 2_000 * WAD, more, path)
    # without any room the least is what the cap refuses, not the rest
    stage.vault.transact("set_cap", CAPPED, CAP + more - 1, sender=stage.governor)
    before = stage.held(CAPPED)
    stage.do("leverage", id, CAPPED, 0, 2_000 * WAD, more - 1, path)
    assert stage.balance(id, CAPPED) == CAP + more - 1
    assert stage.held(CAPPED) == before + 1


def test_leverage__gives_stray_tokens_to_whoever_comes_next(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    stage.give(stage.zap.address, ETH, 3 * WAD)
    stage.give_coins(stage.zap.address, 5 * WAD)
    bought = stage.bought(DEBT, None, ETH)
    stage.do("leverage", id, ETH, 10 * WAD, DEBT, bought, stage.path(None, ETH))
    assert stage.balance(id, ETH) == 13 * WAD + bought
    assert stage.held(None) == 5 * WAD


def test_leverage__returns_coins_that_an_empty_pool_did_not_take(stage):
    """An exact input stops where the liquidity of a pool ends; the rest is the owner's."""
    stage.give(stage.keeper, ETH, 5 * WAD)
    stage.give_coins(stage.keeper, 10_000 * WAD)
    amounts = {stage.address(ETH): 5 * WAD, stage.address(None): 10_000 * WAD}
    pool = stage.uniswap.pool(amounts, stage.keeper, fee=500, width=200)
    stocked = stage.held(ETH, pool.address)
    held = stage.held(None, pool.address)
    stage.give(stage.owner, ETH, 30 * WAD)
    id = stage.id(stage.owner)
    path = path_of(stage.address(None), stage.address(ETH), fee=500)
    stage.do("leverage", id, ETH, 30 * WAD, DEBT, WAD, path)
    spent = stage.held(None, pool.address) - held
    assert stage.held(None) == DEBT - spent > 9_000 * WAD
    assert stage.balance(id, ETH) == 30 * WAD + stocked - stage.held(ETH, pool.address)
    assert stage.held(ETH, pool.address) < 10


def test_leverage_reverts_when_the_price_has_moved(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    least = stage.bought(DEBT, None, ETH)
    args = (id, ETH, 10 * WAD, DEBT, least, stage.path(None, ETH))
    # somebody buys first
    stage.give_coins(stage.stranger, DEBT)
    router = stage.uniswap.router
    stage.coin.transact("approve", router.address, MAX, sender=stage.stranger)
    swap = (stage.path(None, ETH), stage.stranger, FOREVER, 2_000 * WAD, 0)
    router.transact("exactInput", swap, sender=stage.stranger)
    with reverts("Too little received"):
        stage.do("leverage", *args)
    assert (stage.held(ETH), stage.debt(id)) == (10 * WAD, 0)


def test_leverage_reverts_when_too_late(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    args = (id, ETH, 0, 5_000 * WAD, 2 * WAD, stage.path(None, ETH))
    at = stage.now + 100
    stage.next_at(at)
    with reverts("too late"):
        stage.zap.transact("leverage", *args, at - 1, sender=stage.owner)
    stage.next_at(at + 50)
    stage.zap.transact("leverage", *args, at + 50, sender=stage.owner)
    assert stage.debt(id) == 5_000 * WAD


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        ("leverage", lambda s: (ETH, 0, 5_000 * WAD, 1, s.path(None, ETH))),
        ("deleverage", lambda s: (ETH, WAD, 1_000 * WAD, 0, s.path(ETH, None))),
        ("close", lambda s: (ETH, MAX, s.path(None, ETH))),
        ("swap_collateral", lambda s: (ETH, WAD, USDT, 1, s.path(ETH, USDT))),
    ],
)
def test_only_the_owner_may_use_the_zap_on_an_account(stage, fn, args):
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    # not even another operator of the account, whose own operator the zap is
    stage.set_operator(stage.stranger, MAX, sender=stage.owner)
    with reverts("not the owner"):
        stage.do(fn, id, *args(stage), sender=stage.stranger)
    for wrong in (id | 1 << 168, id | 1 << 255):
        with reverts("not the owner"):
            stage.do(fn, wrong, *args(stage))
    with reverts("too late"):
        stage.zap.transact(fn, id, *args(stage), stage.now - 1, sender=stage.owner)
    for kind in (len(stage.tokens), 32, MAX):
        with reverts("unknown kind"):
            stage.do(fn, id, kind, *args(stage)[1:])
    stage.do(fn, id, *args(stage))


@pytest.mark.parametrize(
    ("fn", "args", "first", "last"),
    [
        ("leverage", lambda p: (ETH, 0, 5_000 * WAD, 1, p), None, ETH),
        ("deleverage", lambda p: (ETH, WAD, 1_000 * WAD, 0, p), ETH, None),
        ("close", lambda p: (ETH, MAX, p), None, ETH),
        ("swap_collateral", lambda p: (ETH, WAD, USDT, 1, p), ETH, USDT),
    ],
)
def test_a_path_leads_from_what_is_sold_to_what_is_bought(stage, fn, args, first, last):
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    good = stage.path(first, last)
    for path in (b"", good[:20], good[:-1], good + b"\0", good[:23], good[3:]):
        with reverts("bad path"):
            stage.do(fn, id, *args(path))
    for ends in ((last, first), (first, WETH), (WETH, last), (first, last, WETH)):
        with reverts("wrong path ends"):
            stage.do(fn, id, *args(stage.path(*ends)))
    stage.do(fn, id, *args(good))


def test_leverage_reverts_when_the_zap_is_no_operator(stage):
    id = stage.open([(ETH, 10 * WAD)], 0, sub=3)
    args = (id, ETH, 0, 5_000 * WAD, 1, stage.path(None, ETH))
    stage.set_operator(stage.zap.address, MAX ^ 1 << 3, sender=stage.owner)
    with reverts("not authorised"):
        stage.do("leverage", *args)
    stage.set_operator(stage.zap.address, 1 << 3, sender=stage.owner)
    stage.ask("leverage", *args)
    stage.operators.transact("lockdown", sender=stage.owner)
    with reverts("not authorised"):
        stage.do("leverage", *args)


def test_leverage_reverts_when_the_least_does_not_carry_the_debt(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    # 75 % of (10 + least) eth at 2,000 must be at least 20,000
    least = 10 * WAD // 3 + 1
    path = stage.path(None, ETH)
    with reverts("below initial margin"):
        stage.do("leverage", id, ETH, 10 * WAD, DEBT, least - 1, path)
    stage.do("leverage", id, ETH, 10 * WAD, DEBT, least, path)
    assert stage.balance(id, ETH) > 19 * WAD


@pytest.mark.parametrize(
    ("own", "debt", "least", "reason"),
    [
        (0, DEBT, 0, "zero amount"),
        (10 * WAD, 0, WAD, ""),  # the router has no reason for an empty swap
        (10 * WAD, 1_000 * WAD, 1, "below debt floor"),
        (10 * WAD, MAX, 1, "debt too large"),
        (10 * WAD, 2**255, 1, "debt too large"),
        (10 * WAD, DEBT, MAX, ""),
        (10 * WAD, DEBT, 2**255, "above cap"),
        (10 * WAD + 1, DEBT, 9 * WAD, ""),  # more than the owner has
    ],
)
def test_leverage_refuses_an_amount(stage, own, debt, least, reason):
    id = stage.id(stage.owner)
    stage.give(stage.owner, ETH, 10 * WAD)
    with pytest.raises(Reverted) as caught:
        stage.do("leverage", id, ETH, own, debt, least, stage.path(None, ETH))
    assert reason in caught.value.reason
    assert (stage.held(ETH), stage.debt(id)) == (10 * WAD, 0)


def test_leverage_reverts_when_a_token_keeps_a_fee(stage):
    id = stage.id(stage.owner)
    stage.give(stage.owner, TAXED, 20 * WAD)
    args = (id, TAXED, 10 * WAD, DEBT, 5 * WAD, stage.path(None, TAXED))
    stage.ask("leverage", *args)
    stage.set_fee(100)
    with reverts("token kept a fee"):
        stage.do("leverage", *args)


def test_leverage_takes_nothing_of_those_who_approved_it(stage):
    """Approvals and operator bits of others are of no use: tokens come from the caller only."""
    stage.give(stage.stranger, ETH, 10 * WAD)  # who has approved everything
    id = stage.id(stage.owner)
    with pytest.raises(Reverted):
        stage.do("leverage", id, ETH, 10 * WAD, DEBT, 9 * WAD, stage.path(None, ETH))
    assert stage.held(ETH, stage.stranger) == 10 * WAD


def test_leverage_stops_with_borrowing(stage):
    id = stage.open([(ETH, 10 * WAD)], 0)
    stage.vault.transact("set_pauses", 1, sender=stage.governor)
    with reverts("borrowing paused"):
        stage.do("leverage", id, ETH, 0, 5_000 * WAD, 1, stage.path(None, ETH))


def test_leverage__enables_a_kind_beside_another(stage):
    id = stage.open([(USDT, 10_000 * 10**6)], 0)
    bought = stage.bought(8_000 * WAD, None, HOOK)
    stage.do("leverage", id, HOOK, 0, 8_000 * WAD, 1, stage.path(None, HOOK))
    assert stage.balance(id, HOOK) == bought
    assert stage.account(id).collateral_mask == 1 << USDT | 1 << HOOK
