# SPDX-License-Identifier: MIT
"""The end of a book as the vault knows it: what its settlement may do, and what still goes on."""

from copy import copy
from dataclasses import astuple

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import MAJOR
from tests.world import MAX, RAY, WAD, reverts

DEBT = 10_000 * WAD
ALL = 63
FOREVER = 2**40 - 1


@pytest.fixture
def ending(world):
    """A second book, whose settlement is a contract that the test speaks for; returns its world."""
    sender = UnlockedSender(world.rpc, world.governor)
    ending = copy(world)
    ending.settlement = world.lens.address
    ending.rpc.impersonate(ending.settlement)
    ending.rpc.set_balance(ending.settlement, WAD)
    address = deploy_contract(
        sender,
        artifact("Vault"),
        world.governor,
        world.coin.address,
        world.hub.address,
        world.operators.address,
        world.margin_models.address,
        ending.settlement,
        *world.book.numbers,
    )
    ending.vault = world.contract("Vault", address)
    world.coin.transact("set_ceiling", address, 10**30, sender=world.governor)
    for kind, token in enumerate(world.tokens):
        ending.vault.transact(
            "list_collateral", kind, token.address, *astuple(MAJOR), 2**128 - 1, False,
            sender=world.governor,
        )  # fmt: skip
        for who in (world.owner, world.other, world.keeper, world.stranger):
            token.transact("approve", address, MAX, sender=who)
    yield ending
    ending.rpc.call("anvil_stopImpersonatingAccount", ending.settlement)


def shut(world):
    return world.vault.transact("shutdown", sender=world.settlement)


def settle(world, account, share, shortfall=0):
    return world.vault.transact("settle", account, share, shortfall, sender=world.settlement)


def test_shutdown_writes_the_end_and_says_so(ending):
    ending.open([(0, 10 * WAD)], DEBT)
    ending.vault.transact("set_frozen", 1, True, sender=ending.governor)
    normalized = ending.vault.read("totals") % 2**112
    ending.forward(86_400)
    receipt = shut(ending)
    at = ending.now
    index = ending.vault.read("live_index")
    assert index > RAY
    assert [(e.name, e.args) for e in ending.events(receipt)] == [
        ("Accrued", {"index": index}),
        ("RateSet", {"rate": 0}),
        ("ShutDown", {}),
    ]
    totals = normalized | FOREVER << 112 | ALL << 152 | 1 << 201
    assert ending.vault.read("totals") == totals
    assert ending.vault.read("interest") == index | at << 128 | 1 << 254


def test_nothing_accrues_after_a_shutdown(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    ending.forward(86_400)
    shut(ending)
    index, debt = ending.vault.read("live_index"), ending.debt(account)
    for seconds in (1, 3_600, 50 * 365 * 86_400):
        ending.forward(seconds)
        assert (ending.vault.read("live_index"), ending.debt(account)) == (index, debt)
    for rate in (0, 1):
        with reverts("shut down"):
            ending.vault.transact("set_rate", rate, sender=ending.governor)


def test_a_shut_book_can_neither_be_opened_nor_shut_again(ending):
    shut(ending)
    for bits in (0, 1, 31, 32, 63):
        with reverts("shut down"):
            ending.vault.transact("set_pauses", bits, sender=ending.governor)
    with reverts("shut down"):
        shut(ending)


def test_what_a_shutdown_ends(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    called = ending.open([(0, 10 * WAD)], 14_900 * WAD, sub=1)
    ending.follow(1_000 * WAD)
    ending.vault.transact("margin_call", called, sender=ending.keeper)
    ending.follow(1_990 * WAD)
    shut(ending)
    owner = ending.owner
    refused = {
        ("borrow", account, 1, owner): "borrowing paused",
        ("withdraw", account, 0, 1, owner): "withdrawing paused",
        ("move", account, ending.id(owner, 5), ((0, 1),), 0): "withdrawing paused",
        ("move", account, ending.id(owner, 5), ((0, 5 * WAD),), 3_000 * WAD): "withdrawing paused",
        ("adjust", account, ((0, -1),), -DEBT // 2, owner, b""): "withdrawing paused",
        ("adjust", account, (), -1, owner, b"x"): "callbacks paused",
        ("margin_call", called): "calling paused",
        ("margin_calls", (called,)): "calling paused",
        ("take", called, 0, 1, MAX, owner, b""): "taking paused",
        ("takes", ((called, 0, 1, MAX),), owner): "taking paused",
        ("absorb", called): "taking paused",
    }
    for years in (0, 1):  # a pause of takes would have ended by itself
        ending.forward(years * 365 * 86_400 + 1)
        for feed in range(3):
            ending.set_price(feed, ending.price(feed))
        for (name, *args), reason in refused.items():
            with reverts(reason):
                ending.vault.transact(name, *args, sender=owner)


def test_what_goes_on_after_a_shutdown(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    free = ending.open([(1, 10**8)], 0, sub=1)
    ending.open([(0, 10 * WAD)], DEBT, owner=ending.other)
    ending.coin.transact("transfer", ending.owner, WAD, sender=ending.other)
    shut(ending)
    for feed in ending.feeds:
        feed.transact("set_answer", 0, sender=ending.governor)  # no price is needed for any of it
    ending.forward(400 * 86_400)
    owner = ending.owner
    ending.give(ending.stranger, 0, WAD)
    ending.vault.transact("deposit", account, 0, WAD, sender=ending.stranger)
    ending.vault.transact("withdraw", free, 1, 10**8, owner, sender=owner)
    assert ending.tokens[1].read("balanceOf", owner) == 10**8
    ending.vault.transact("repay", account, MAX, sender=owner)
    assert ending.debt(account) == 0
    ending.vault.transact("withdraw", account, 0, MAX, owner, sender=owner)
    assert ending.tokens[0].read("balanceOf", owner) == 11 * WAD
    assert ending.vault.read("total_debt") == ending.debt(ending.id(ending.other)) - 1  # down


# settle


@pytest.mark.parametrize("shortfall", [0, 123])
def test_settle(ending, shortfall):
    account = ending.open([(0, 10 * WAD), (1, 10**8)], DEBT)
    rest = ending.open([(2, 10**10)], 2_000 * WAD, sub=1)
    shut(ending)
    debt = ending.debt(account)
    share = RAY // 3 + 1
    moved = {0: -(-10 * WAD * share // RAY), 1: -(-(10**8) * share // RAY)}
    receipt = settle(ending, account, share, shortfall)
    word = ending.vault.read("accounts", account)
    told = ending.account(account)
    assert (told.normalized_debt, told.collateral_mask, told.auction_start) == (0, 0b11, 0)
    losses = [("BadDebt", {"account": account, "amount": shortfall})] if shortfall else []
    assert [(e.name, e.args) for e in ending.events(receipt)] == [
        *(
            (
                "AccountUpdated",
                {"account": account, "kind": kind, "balance": had - moved[kind], "word": word},
            )
            for kind, had in ((0, 10 * WAD), (1, 10**8))
        ),
        ("Settled", {"account": account, "debt": debt, "shortfall": shortfall}),
        *losses,
    ]
    assert [ending.vault.read("absorbed", kind) for kind in range(3)] == [moved[0], moved[1], 0]
    assert (ending.vault.read("interest") >> 234) % 2**20 == ending.now // 3_600 + 1
    assert ending.debt(rest) > 0
    check_books_of(ending, [account, rest])
    # what is left is the owner's, without a price and without asking
    ending.vault.transact("withdraw", account, 0, MAX, ending.owner, sender=ending.owner)
    assert ending.tokens[0].read("balanceOf", ending.owner) == 10 * WAD - moved[0]


def check_books_of(world, ids):
    """The sums of a book of which nobody but these has anything."""
    for kind in range(3):
        held = sum(world.vault.read("balances", id, kind) for id in ids)
        assert held + world.vault.read("absorbed", kind) == world.total(kind)
        assert world.tokens[kind].read("balanceOf", world.vault.address) == world.total(kind)
    debts = [world.account(id).normalized_debt for id in ids]
    assert sum(debts) == world.vault.read("totals") % 2**112


def test_nothing_new_is_enabled_after_a_shutdown(ending):
    """A kind may be frozen at no price: what was brought in then would be taken for nothing."""
    account = ending.open([(0, 10 * WAD)], DEBT)
    shut(ending)
    ending.give(ending.owner, 2, 10**10)
    for id in (account, ending.id(ending.owner, 7)):
        with reverts("shut down"):
            ending.vault.transact("deposit", id, 2, 10**10, sender=ending.owner)


def test_settle_can_take_everything_and_no_more(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    shut(ending)
    with reverts(""):
        settle(ending, account, RAY + 1)
    settle(ending, account, RAY)
    assert ending.vault.read("accounts", account) % 2**136 == 0
    assert ending.vault.read("absorbed", 0) == 10 * WAD
    check_books_of(ending, [account])


def test_settle_reverts_when_nothing_is_owed_or_the_book_is_open(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    free = ending.open([(0, WAD)], 0, sub=1)
    with reverts("not settleable"):
        settle(ending, account, RAY)
    shut(ending)
    for id in (free, ending.id(ending.other), 1 << 168, MAX):
        with reverts("not settleable"):
            settle(ending, id, RAY)
    settle(ending, account, RAY)
    with reverts("not settleable"):
        settle(ending, account, RAY)


def test_what_is_absorbed_is_the_settlements_after_a_shutdown(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    ending.vault.transact("propose_fund", ending.keeper, sender=ending.governor)
    ending.vault.transact("accept_fund", sender=ending.keeper)
    with reverts("not fund"):
        ending.vault.transact("withdraw_absorbed", 0, 1, ending.other, sender=ending.settlement)
    shut(ending)
    settle(ending, account, RAY // 2)
    with reverts("not fund"):
        ending.vault.transact("withdraw_absorbed", 0, 1, ending.other, sender=ending.keeper)
    ending.vault.transact("withdraw_absorbed", 0, 5 * WAD, ending.other, sender=ending.settlement)
    assert ending.tokens[0].read("balanceOf", ending.other) == 5 * WAD


# who


def test_only_the_settlement_ends_and_settles(ending):
    account = ending.open([(0, 10 * WAD)], DEBT)
    for who in (ending.governor, ending.owner, ending.keeper, ending.stranger):
        with reverts("not settlement"):
            ending.vault.transact("shutdown", sender=who)
        with reverts("not settlement"):
            ending.vault.transact("settle", account, RAY, 0, sender=who)
