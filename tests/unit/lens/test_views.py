# SPDX-License-Identifier: MIT
"""The lens says exactly what the formulas say, account by account and in batches."""

import pytest

from surety.formulas import margin_math as m
from tests.unit.vault.test_borrow import live_index
from tests.world import (
    ABSORBABLE,
    AT_RISK,
    CALLABLE,
    CALLED,
    EMPTY,
    HEALTHY,
    IN_AUCTION,
    MAX,
    WAD,
    reverts,
)

ZERO = "0x" + "00" * 20
DECIMALS = (18, 8, 6)
ETH, BTC = 2_000 * WAD, 40_000 * WAD


def expected_levels(world, account, prices, index):
    """Compute (debt, value, initial, target, maintenance, close-out) at lo = hi = price."""
    debt = m.debt_up(world.account(account).normalized_debt, index)
    sums = [0, 0, 0, 0, 0]
    for kind, price in enumerate(prices):
        balance, levels = (
            world.vault.read("balances", account, kind),
            world.params.kinds[kind].levels,
        )
        worth = m.value_down(balance, price, DECIMALS[kind])
        parts = (
            worth,
            m.initial_capacity(worth, levels.initial_ltv, 10_000, 0),
            m.target_capacity(worth, levels.initial_ltv),
            m.maintenance_capacity(worth, levels.initial_ltv, levels.maintenance_ltv, 10_000),
            m.close_out_capacity(worth, levels.close_out_ltv),
        )
        sums = [have + more for have, more in zip(sums, parts, strict=True)]
    return (debt, *sums)


@pytest.mark.parametrize(
    "legs",
    [
        [(0, 10 * WAD + 7)],
        [(1, 50_000_001)],
        [(2, 20_000 * 10**6 + 1)],
        [(0, WAD + 1), (1, 30_000_003), (2, 10**9 + 1)],
    ],
)
@pytest.mark.parametrize("debt", [0, 9_000 * WAD + 13])
def test_account_of(world, legs, debt):
    account = world.open(legs, debt, sub=200)
    opened = world.now
    prices = (1_999 * WAD + 10**10, 39_000 * WAD + 10**10, WAD)
    world.follow(*prices)
    world.forward(40)
    index = live_index(world, world.now)
    levels = expected_levels(world, account, prices, index)
    owed, value, _, target, maintenance, _ = levels
    view = world.lens.read("account_of", world.vault.address, account)
    liquidation = 0
    if len(legs) == 1 and debt:
        kind, amount = legs[0]
        ltvs = world.params.kinds[kind].levels
        liquidation = m.liquidation_price_up(
            owed, amount, DECIMALS[kind], ltvs.initial_ltv, ltvs.maintenance_ltv, 10_000
        )
    assert owed <= target
    assert view == (
        world.owner,
        200,
        HEALTHY,
        sum(1 << kind for kind, _ in legs),
        0,
        0,
        0,
        opened if debt else 0,
        levels,
        m.health_factor_down(owed, maintenance),
        m.margin_ratio_down(owed, value),
        m.margin_to_liquidation_ratio_down(owed, value, maintenance),
        m.collateral_ratio_down(owed, value),
        m.loan_to_value_up(owed, value),
        m.leverage_up(owed, value),
        liquidation,
        0,
        0,
        ZERO,
        False,
        0,
    )
    assert world.levels(account) == levels
    assert world.vault.read("health_factor", account) == view[9]
    assert world.vault.read("debt_of", account) == owed
    if not debt:
        assert view[9:16] == (MAX, MAX, MAX, MAX, 0, WAD, 0)


def test_an_account_that_never_was(world):
    view = world.lens.read("account_of", world.vault.address, world.id(world.stranger, 5))
    assert view[:8] == (world.stranger, 5, EMPTY, 0, 0, 0, 0, 0)
    assert view[8] == (0,) * 6
    assert world.lens.read("holdings_of", world.vault.address, world.id(world.stranger)) == ()


def test_the_liquidation_price_is_where_the_call_becomes_possible(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    view = world.lens.read("account_of", world.vault.address, account)
    price = view[15]
    assert price == m.liquidation_price_up(world.debt(account), 10 * WAD, 18, 7_500, 8_000, 10_000)
    above = -(-price // 10**10) * 10**10  # the feed has 8 decimals
    world.follow(above)
    with reverts("account is covered"):
        world.vault.transact("margin_call", account, sender=world.keeper)
    world.follow(above - 10**10)
    world.vault.transact("margin_call", account, sender=world.keeper)
    assert world.account(account).auction_start > 0


# states


def state_at(world, account, price):
    world.follow(price)
    return world.state(account)


@pytest.mark.covers("I31")
def test_states_follow_the_table(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    grace, duration = world.book.grace_period, world.book.auction_duration
    assert world.state(world.id(world.owner, 1)) == EMPTY
    assert world.state(account) == HEALTHY
    assert state_at(world, account, 1_800 * WAD) == AT_RISK
    assert state_at(world, account, 1_700 * WAD) == CALLABLE

    world.vault.transact("margin_call", account, sender=world.keeper)
    opens = world.now + grace
    assert world.account(account).auction_start == opens
    # a dormant clock: price first, then clock, decides
    assert state_at(world, account, ETH) == HEALTHY
    assert state_at(world, account, 1_800 * WAD) == AT_RISK
    assert state_at(world, account, 1_700 * WAD) == CALLED

    def at(moment, price=None):
        with world.snapshot():
            if price is not None:
                world.next_at(moment - 1)
                world.set_price(0, price)
            world.next_at(moment)
            world.rpc.mine()
            return world.state(account)

    closes = opens + duration
    assert [at(opens - 1), at(opens), at(closes)] == [CALLED, IN_AUCTION, IN_AUCTION]
    assert [at(closes + 1), at(closes + duration + 1)] == [CALLABLE, CALLABLE]  # above close-out
    low = 1_600 * WAD
    assert [at(closes, low), at(closes + 1, low)] == [IN_AUCTION, ABSORBABLE]
    assert [at(closes + duration, low), at(closes + duration + 1, low)] == [ABSORBABLE, CALLABLE]


def test_batches(world):
    accounts = [
        world.open([(0, 10 * WAD)], 14_000 * WAD, sub=0),
        world.open([(1, 10**8)], 14_000 * WAD, sub=1),
        world.id(world.owner, 2),
    ]
    world.follow(1_700 * WAD, BTC)
    vault = world.vault.address
    assert world.lens.read("states_of", vault, accounts) == (CALLABLE, HEALTHY, EMPTY)
    assert world.lens.read("levels_of", vault, accounts) == tuple(
        world.lens.read("account_of", vault, account)[8] for account in accounts
    )
    many = accounts * 42 + accounts[:2]
    assert len(many) == 128
    assert world.lens.read("states_of", vault, many) == (CALLABLE, HEALTHY, EMPTY) * 42 + (
        CALLABLE,
        HEALTHY,
    )
    assert world.lens.read("states_of", vault, []) == ()
    with reverts(""):
        world.lens.read("states_of", vault, [*many, 0])


# holdings, kinds, books


def test_holdings_of(world):
    account = world.open([(0, WAD), (2, 10**9)], 0)
    prices = (1_900 * WAD, BTC, WAD * 99 // 100)
    world.follow(*prices)
    assert world.lens.read("holdings_of", world.vault.address, account) == tuple(
        (
            kind,
            world.tokens[kind].address,
            DECIMALS[kind],
            amount,
            prices[kind],
            prices[kind],
            m.value_down(amount, prices[kind], DECIMALS[kind]),
            0,
        )
        for kind, amount in ((0, WAD), (2, 10**9))
    )


def test_a_failed_kind_shows_lo_zero_and_the_last_hi(world):
    account = world.open([(0, WAD)], 0)
    world.feeds[0].transact("set_reverts", True, sender=world.governor)
    world.forward(61)
    ((_, _, _, _, lo, hi, value, _),) = world.lens.read("holdings_of", world.vault.address, account)
    assert (lo, hi, value) == (0, ETH, ETH)
    levels = world.levels(account)
    assert levels[1:3] == (ETH, 0)
    assert world.lens.read("kind_of", world.vault.address, 0)[12:] == (
        0,
        ETH,
        world.hub.read("words", 0) >> 176 & (2**40 - 1),
        10_000,
        10_000,
        1,
    )


def test_kind_of(world):
    world.open([(1, 5 * 10**8)], 0)
    world.vault.transact("set_cap", 1, 7 * 10**8, sender=world.governor)
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    levels, word = world.params.kinds[1].levels, world.hub.read("words", 1)
    assert world.lens.read("kind_of", world.vault.address, 1) == (
        world.tokens[1].address,
        8,
        levels.initial_ltv,
        levels.maintenance_ltv,
        levels.close_out_ltv,
        levels.start_factor,
        levels.end_factor,
        5 * 10**8,
        7 * 10**8,
        0,
        True,
        False,
        BTC,
        BTC,
        (word >> 176) % 2**40,
        10_000,
        10_000,
        0,
    )
    with reverts("unknown kind"):
        world.lens.read("kind_of", world.vault.address, 3)


def test_book_of(world):
    for sub in (0, 1):
        world.open([(0, 10 * WAD)], 5_000 * WAD + sub, sub=sub)
    world.vault.transact("set_pauses", 9, sender=world.governor)
    paused_at = world.now
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    world.forward(10**6)
    index = live_index(world, world.now)
    normalized = world.vault.read("totals") % 2**112
    assert normalized == sum(
        world.account(world.id(world.owner, sub)).normalized_debt for sub in (0, 1)
    )
    assert world.lens.read("book_of", world.vault.address) == (
        m.total_debt_down(normalized, index),
        normalized,
        index,
        world.book.rate,
        9,
        paused_at + 7 * 86_400 + world.book.grace_period,
        0,
        0b10,
        world.book.ceiling - 10_000 * WAD - 1,
        ZERO,
    )


# auctions


@pytest.fixture
def auction(world):
    """An account in its auction, 1,000 seconds in."""
    account = world.open([(0, 10 * WAD), (2, 10**9)], 14_000 * WAD)
    world.follow(1_600 * WAD, BTC, WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    world.forward(world.account(account).auction_start + 1_000 - world.now)
    return account


def test_auction_price(world, auction):
    levels, opens = world.params.kinds[0].levels, world.account(auction).auction_start
    duration, vault = world.book.auction_duration, world.vault.address
    for elapsed in (0, 1, 1_000, duration // 2, duration - 1, duration):
        factor = m.auction_factor(levels.start_factor, levels.end_factor, elapsed, duration)
        found = world.lens.read("auction_price", vault, auction, 0, opens + elapsed)
        assert found == m.auction_price_up(1_600 * WAD, factor)
    for moment in (opens - 1, opens + duration + 1):
        with reverts("not in auction"):
            world.lens.read("auction_price", vault, auction, 0, moment)
    for kind in (1, 3, 32, MAX):
        with reverts("kind not enabled"):
            world.lens.read("auction_price", vault, auction, kind, opens)
    shown = world.lens.read("holdings_of", vault, auction)
    now = [world.lens.read("auction_price", vault, auction, kind, world.now) for kind in (0, 2)]
    assert [holding[7] for holding in shown] == now


@pytest.mark.covers("I67")
@pytest.mark.parametrize("amount", [1, 10**17, 3 * WAD, MAX])
def test_preview_take_is_what_take_does(world, auction, amount):
    world.give_coins(world.keeper, 20_000 * WAD)
    vault = world.vault.address
    at = world.now + 1
    with world.snapshot():
        world.next_at(at)
        world.rpc.mine()
        price, sold, cost, repaid = world.lens.read("preview_take", vault, auction, 0, amount)
    world.next_at(at)
    receipt = world.vault.transact(
        "take", auction, 0, amount, MAX, world.keeper, b"", sender=world.keeper
    )
    taken = world.event(receipt, "Taken")
    assert (taken["price"], taken["amount"], taken["cost"], taken["debt_repaid"]) == (
        price,
        sold,
        cost,
        repaid,
    )
    assert 0 < sold <= amount


def test_preview_take_reverts_where_take_would(world, auction):
    vault = world.vault.address
    for kind in (1, 32):
        with reverts("kind not enabled"):
            world.lens.read("preview_take", vault, auction, kind, 1)
    with reverts("zero amount"):
        world.lens.read("preview_take", vault, auction, 0, 0)
    world.follow(ETH)
    with reverts("account is covered"):
        world.lens.read("preview_take", vault, auction, 0, 1)
    world.feeds[0].transact("set_reverts", True, sender=world.governor)
    world.forward(61)
    with reverts("price failed"):
        world.lens.read("preview_take", vault, auction, 0, 1)
    calm = world.id(world.other)
    with reverts("kind not enabled"):
        world.lens.read("preview_take", vault, calm, 0, 1)


def test_preview_take_reverts_when_taking_is_paused(world):
    """Until the pause ends by itself, after a week and a grace; then both would sell again."""
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_600 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    resumes = world.now + 7 * 86_400 + world.book.grace_period
    world.next_at(resumes - 20)
    world.set_price(0, 1_600 * WAD)
    take = (account, 0, WAD, MAX, world.owner, b"")
    with reverts("taking paused"):
        world.vault.read("take", *take, sender=world.owner)
    with reverts("taking paused"):
        world.lens.read("preview_take", world.vault.address, account, 0, WAD)
    world.forward(30)
    _, sold, cost, _ = world.lens.read("preview_take", world.vault.address, account, 0, WAD)
    assert (sold, cost) == world.vault.read("take", *take, sender=world.owner)
