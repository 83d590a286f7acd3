# SPDX-License-Identifier: MIT
"""Deposit: who may enable a kind, what anybody may always do, and which tokens are refused."""

import pytest

from tests.unit.vault.wide import CAPPED, FALSE, FEE, ISOLATED, NO_RETURN, PLAIN, SMALL_CAP
from tests.world import MAX, WAD, check_books, reverts

MONEY = [(0, 18), (1, 8), (2, 6), (NO_RETURN, 6)]


@pytest.mark.parametrize(("kind", "decimals"), MONEY)
def test_deposit(wide, kind, decimals):
    token, vault = wide.tokens[kind], wide.vault
    amount = 3 * 10**decimals + 1
    account = wide.id(wide.owner, 3)
    wide.give(wide.owner, kind, amount + 5)

    receipt = vault.transact("deposit", account, kind, amount, sender=wide.owner)

    assert vault.read("balances", account, kind) == amount
    assert wide.total(kind) == amount
    assert token.read("balanceOf", wide.owner) == 5
    assert token.read("balanceOf", vault.address) == amount
    word = vault.read("accounts", account)
    assert word == 1 << 104 + kind
    assert [event.name for event in wide.events(receipt)] == ["AccountUpdated"]
    assert wide.event(receipt, "AccountUpdated") == {
        "account": account,
        "kind": kind,
        "balance": amount,
        "word": word,
    }
    check_books(wide, [account])


def test_a_second_deposit_adds_and_changes_no_other_field(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    before = world.vault.read("accounts", account)
    world.give(world.owner, 0, 7)
    receipt = world.vault.transact("deposit", account, 0, 7, sender=world.owner)
    assert world.vault.read("accounts", account) == before
    updated = world.event(receipt, "AccountUpdated")
    assert (updated["balance"], updated["word"]) == (10 * WAD + 7, before)


def test_a_stranger_may_top_up_but_not_enable(world):
    account = world.open([(0, WAD)], 0)
    for kind, amount in ((0, 5), (1, 5)):
        world.give(world.stranger, kind, amount)
    world.vault.transact("deposit", account, 0, 5, sender=world.stranger)
    assert world.vault.read("balances", account, 0) == WAD + 5
    assert world.tokens[0].read("balanceOf", world.stranger) == 0
    with reverts("not authorised"):
        world.vault.transact("deposit", account, 1, 5, sender=world.stranger)
    with reverts("not authorised"):  # an account that nobody has used
        world.vault.transact("deposit", world.id(world.owner, 9), 1, 5, sender=world.stranger)


def test_sub_accounts_are_separate(world):
    world.give(world.owner, 0, 30)
    for sub, amount in ((0, 10), (255, 20)):
        world.vault.transact("deposit", world.id(world.owner, sub), 0, amount, sender=world.owner)
    ids = [world.id(world.owner, sub) for sub in (0, 255, 1)]
    assert [world.vault.read("balances", id, 0) for id in ids] == [10, 20, 0]
    with reverts("above balance"):
        world.vault.transact("withdraw", ids[0], 0, 11, world.owner, sender=world.owner)
    check_books(world, ids)


@pytest.mark.parametrize("trouble", ["paused", "feeds dead", "hub gone"])
def test_topping_up_works_whatever_fails(world, trouble):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.give(world.stranger, 0, WAD)
    cause(world, trouble)
    world.vault.transact("deposit", account, 0, WAD, sender=world.stranger)
    assert world.vault.read("balances", account, 0) == 11 * WAD


def cause(world, trouble):
    """Let one thing fail: everything paused, every feed dead, or the hub without its code."""
    if trouble == "paused":
        world.vault.transact("set_pauses", 15, sender=world.governor)
    elif trouble == "feeds dead":
        for feed in world.feeds:
            feed.transact("set_reverts", True, sender=world.governor)
        world.forward(10**6)
    else:
        world.rpc.call("anvil_setCode", world.hub.address, "0xfe")
        world.forward(10**6)


def test_enabling_reverts_when_the_price_has_failed(world):
    cause(world, "feeds dead")
    world.give(world.owner, 0, WAD)
    account = world.id(world.owner)
    with reverts("price failed"):
        world.vault.transact("deposit", account, 0, WAD, sender=world.owner)
    world.feeds[0].transact("set_reverts", False, sender=world.governor)
    world.set_price(0, 2_000 * WAD)
    world.vault.transact("deposit", account, 0, WAD, sender=world.owner)
    assert world.vault.read("balances", account, 0) == WAD


def test_enabling_reverts_when_the_kind_is_frozen(world):
    account = world.open([(0, WAD)], 0)
    for kind in (0, 1):
        world.give(world.owner, kind, 9)
        world.vault.transact("set_frozen", kind, True, sender=world.governor)
    world.vault.transact("deposit", account, 0, 9, sender=world.owner)  # enabled: no matter
    with reverts("kind is frozen"):
        world.vault.transact("deposit", account, 1, 9, sender=world.owner)


def test_enabling_asks_no_margin(world):
    """Who is called must be able to bring new collateral."""
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_500 * WAD)
    world.give(world.owner, 2, 10**6)
    world.vault.transact("margin_call", account, sender=world.keeper)
    clock = world.account(account).auction_start
    world.vault.transact("deposit", account, 2, 10**6, sender=world.owner)
    assert world.account(account).collateral_mask == 0b101
    assert world.account(account).auction_start == clock


def test_deposit_reverts_when_above_the_cap(wide):
    account = wide.id(wide.owner)
    wide.give(wide.owner, SMALL_CAP, CAPPED + 1)
    with reverts("above cap"):
        wide.vault.transact("deposit", account, SMALL_CAP, CAPPED + 1, sender=wide.owner)
    wide.vault.transact("deposit", account, SMALL_CAP, CAPPED, sender=wide.owner)
    with reverts("above cap"):
        wide.vault.transact("deposit", account, SMALL_CAP, 1, sender=wide.owner)


def test_a_full_cap_does_not_block_the_rescue_of_a_called_account(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.vault.transact("set_cap", 0, 1, sender=world.governor)
    world.give(world.owner, 0, 5 * WAD)
    with reverts("above cap"):
        world.vault.transact("deposit", account, 0, WAD, sender=world.owner)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    world.vault.transact("deposit", account, 0, 5 * WAD, sender=world.owner)
    assert world.vault.read("balances", account, 0) == 15 * WAD
    world.vault.transact("cure", account, sender=world.stranger)
    assert world.account(account).auction_start == 0


@pytest.mark.parametrize("amount", [2**128, 2**255 - 1, 2**255, MAX])
def test_an_immense_deposit_is_above_the_cap(world, amount):
    with reverts("above cap"):
        world.vault.transact("deposit", world.id(world.owner), 0, amount, sender=world.owner)


def test_no_more_than_128_bits_even_with_a_clock(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    with reverts("above cap"):
        world.vault.transact("deposit", account, 0, 2**128 - 10 * WAD, sender=world.owner)


def test_isolated_kinds_stay_alone(wide):
    account, other = wide.id(wide.owner), wide.id(wide.owner, 1)
    for kind in (ISOLATED, PLAIN):
        wide.give(wide.owner, kind, 10)
    wide.vault.transact("deposit", account, ISOLATED, 2, sender=wide.owner)
    with reverts("isolated only"):
        wide.vault.transact("deposit", account, PLAIN, 2, sender=wide.owner)
    wide.vault.transact("deposit", other, PLAIN, 2, sender=wide.owner)
    with reverts("isolated only"):
        wide.vault.transact("deposit", other, ISOLATED, 2, sender=wide.owner)
    wide.vault.transact("deposit", account, ISOLATED, 2, sender=wide.owner)
    swap = [(ISOLATED, -4), (PLAIN, 3)]
    wide.vault.transact("adjust", account, swap, 0, wide.owner, b"", sender=wide.owner)
    assert wide.account(account).collateral_mask == 1 << PLAIN
    check_books(wide, [account, other])


def test_a_ninth_kind_is_refused(wide):
    account = wide.id(wide.owner)
    kinds = [kind for kind in range(10) if kind not in (ISOLATED, FALSE)] + [FALSE]
    false = wide.contract("FalseToken", wide.tokens[FALSE].address)
    false.transact("set_refuses", False, sender=wide.governor)
    for kind in kinds:
        wide.give(wide.owner, kind, 10)
    for kind in kinds[:8]:
        wide.vault.transact("deposit", account, kind, 9, sender=wide.owner)
    with reverts("too many kinds"):
        wide.vault.transact("deposit", account, FALSE, 9, sender=wide.owner)
    wide.vault.transact("deposit", account, kinds[0], 1, sender=wide.owner)
    wide.vault.transact("withdraw", account, kinds[0], MAX, wide.owner, sender=wide.owner)
    wide.vault.transact("deposit", account, FALSE, 9, sender=wide.owner)
    assert wide.account(account).collateral_mask == sum(1 << kind for kind in kinds[1:])
    check_books(wide, [account])


@pytest.mark.covers("T07", "T08")
def test_a_token_that_keeps_a_fee_is_refused(wide):
    fee = wide.contract("FeeToken", wide.tokens[FEE].address)
    account = wide.id(wide.owner)
    wide.give(wide.owner, FEE, 3 * WAD)
    wide.vault.transact("deposit", account, FEE, WAD, sender=wide.owner)
    fee.transact("set_fee", 1, sender=wide.governor)
    with reverts("token kept a fee"):
        wide.vault.transact("deposit", account, FEE, WAD, sender=wide.owner)
    assert wide.vault.read("balances", account, FEE) == WAD
    # what is inside comes out; the fee is the receiver's loss
    wide.vault.transact("withdraw", account, FEE, MAX, wide.owner, sender=wide.owner)
    assert fee.read("balanceOf", wide.owner) == 3 * WAD - WAD // 10_000


@pytest.mark.covers("T02")
def test_a_token_that_says_false_is_refused(wide):
    false = wide.contract("FalseToken", wide.tokens[FALSE].address)
    account = wide.id(wide.owner)
    wide.give(wide.owner, FALSE, WAD)
    with reverts("transfer in failed"):
        wide.vault.transact("deposit", account, FALSE, WAD, sender=wide.owner)
    false.transact("set_refuses", False, sender=wide.governor)
    wide.vault.transact("deposit", account, FALSE, WAD, sender=wide.owner)
    false.transact("set_refuses", True, sender=wide.governor)
    with reverts("transfer out failed"):
        wide.vault.transact("withdraw", account, FALSE, WAD, wide.owner, sender=wide.owner)
    assert wide.vault.read("balances", account, FALSE) == WAD


def test_deposit_reverts_when_the_caller_has_too_little(world):
    with reverts(""):  # the token's own underflow
        world.vault.transact("deposit", world.id(world.owner), 0, 1, sender=world.owner)


def test_deposit_reverts_when_the_amount_is_zero(world):
    account = world.open([(0, WAD)], 0)
    with reverts("zero amount"):
        world.vault.transact("deposit", account, 0, 0, sender=world.owner)


@pytest.mark.parametrize("kind", [3, 31, 32, 255, 2**255, MAX])
def test_deposit_reverts_when_the_kind_is_unknown(world, kind):
    with reverts("unknown kind"):
        world.vault.transact("deposit", world.id(world.owner), kind, 1, sender=world.owner)


@pytest.mark.parametrize("account", [1 << 168, MAX])
def test_every_function_refuses_what_is_no_account(world, account):
    vault, owner = world.vault, world.owner
    for name, args in (
        ("deposit", (account, 0, 1)),
        ("withdraw", (account, 0, 1, owner)),
        ("borrow", (account, 1, owner)),
        ("repay", (account, 1)),
        ("adjust", (account, [(0, 1)], 0, owner, b"")),
        ("margin_call", (account,)),
        ("take", (account, 0, 1, MAX, owner, b"")),
        ("cure", (account,)),
        ("absorb", (account,)),
    ):
        with reverts("unknown account"):
            vault.transact(name, *args, sender=owner)


@pytest.mark.covers("I11")
def test_a_donation_changes_nothing(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    book = world.lens.read("book_of", world.vault.address)
    view = world.lens.read("account_of", world.vault.address, account)
    world.give(world.vault.address, 0, 1_000 * WAD)
    assert world.total(0) == 10 * WAD
    now = world.lens.read("account_of", world.vault.address, account)
    assert now[8][1:] == view[8][1:]  # value and capacities
    assert world.lens.read("book_of", world.vault.address)[1] == book[1]
    with reverts("above balance"):
        world.vault.transact("withdraw", account, 0, 10 * WAD + 1, world.owner, sender=world.owner)
    check_books(world, [account])
