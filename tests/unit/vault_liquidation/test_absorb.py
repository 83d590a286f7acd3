# SPDX-License-Identifier: MIT
"""absorb: what nobody bought moves inside the ledger to the fund, and the debt is struck off."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest

from surety.deploy import Levels
from tests.unit.vault_liquidation.moves import (
    AT_CLOSE_OUT,
    BTC,
    DEBT,
    DURATION,
    ETH,
    GRACE,
    STABLE,
    auction,
    call,
    open_eth,
    price_at,
    reprice,
)
from tests.unit.vault_liquidation.stub import STILL, StubBook, StubKind
from tests.world import EMPTY, HEALTHY, MAX, RAY, WAD

PRICES = (2_000 * WAD, 40_000 * WAD, WAD)


def absorb(stage, id, now, *prices, **how):
    """Absorb at a second at which these prices hold."""
    reprice(stage, now, *prices)
    return stage.act("absorb", id, at=now, **how)


def test_absorb__all_of_it_when_debt_and_penalty_need_it(stage):
    called = auction(stage, price=594 * WAD, debt=5_060 * WAD)
    # at the end factor 5,227.2: above the debt, below the debt with its penalty, 5,313
    done = absorb(stage, called.id, called.closes + 1, 594 * WAD)
    position = done.after.positions[called.id]
    assert (position.normalized_debt, position.auction_start, position.mask) == (0, 0, 0)
    assert list(done.after.absorbed.values()) == [10 * WAD, 0, 0]
    assert done.after.deposited == done.before.deposited
    assert done.logs[-2:] == [
        (
            "AccountUpdated",
            {"account": called.id, "kind": ETH, "balance": 0, "word": position.word},
        ),
        ("Absorbed", {"account": called.id, "debt": 5_060 * WAD, "shortfall": 0}),
    ]


def test_absorb__shortfall_is_bad_debt(stage):
    called = auction(stage)
    done = absorb(stage, called.id, called.closes + 1, 500 * WAD)
    shortfall = 5_100 * WAD - 4_400 * WAD
    assert done.log("Absorbed") == {"account": called.id, "debt": DEBT, "shortfall": shortfall}
    assert done.log("BadDebt") == {"account": called.id, "amount": shortfall}
    names = [name for name, _ in done.logs]
    assert names[-3:] == ["AccountUpdated", "Absorbed", "BadDebt"]
    assert stage.world.state(called.id) == EMPTY


def test_absorb__takes_no_more_than_there_is(any_stage):
    """The share that debt and penalty would need is above the whole."""
    stage, world = any_stage, any_stage.world
    id = stage.open([(STABLE, 30_000 * 10**6)], 26_300 * WAD)
    price_at(stage, *PRICES[:2], 96 * WAD // 100)
    # 28,800: maintenance 26,208; close-out 27,072
    done = stage.act("margin_call", id)
    opens = done.now + GRACE
    now = opens + DURATION + 1
    price = 9_325 * WAD // 10_000  # 27,975: close-out 26,296.5; at the end factor 26,995.9
    done = absorb(stage, id, now, *PRICES[:2], price)
    debt = done.before.debt(id, now)
    share = ceil(Fraction(debt * 10_500 * RAY, 27_975 * WAD * 9_650))
    assert share > RAY
    assert done.after.positions[id].mask == 0
    assert world.account(id).normalized_debt == 0


@pytest.mark.parametrize("penalty", [0, 100])
def test_absorb__pro_rata_of_every_kind(stage, penalty):
    """With a small penalty some of every kind remains the owner's, in the same share."""
    # close-out far below the end factor: an absorbed account still has something left
    levels = Levels(5_000, 5_500, 6_000, 10_000, 9_500)
    kinds = [StubKind(18, levels), StubKind(8, levels), StubKind(6, levels)]
    book = StubBook(stage.world.rpc, kinds, replace(STILL, liquidation_penalty=penalty))
    amounts = (7 * WAD + 1, 12_345_679, 8_000 * 10**6 + 3)
    prices = (1_234_567_890_123_456_789_012, 31_234 * WAD + 7, WAD - 1)
    values = [a * p // 10**d for a, p, d in zip(amounts, prices, (18, 8, 6), strict=True)]
    debt = sum(values) * 61 // 100
    book.open(amounts, debt)
    for kind, price in enumerate(prices):
        book.say(kind, price)
    book.vault.transact("margin_call", book.id, sender=book.keeper)
    book.rpc.set_next_timestamp(book.start() + 7_201)
    receipt = book.vault.transact("absorb", book.id, sender=book.keeper)

    weighted = sum(value * 9_500 for value in values)
    share = ceil(Fraction(debt * (10_000 + penalty) * RAY, weighted))
    assert share < RAY
    left = []
    for kind, amount in enumerate(amounts):
        moved = ceil(Fraction(amount * share, RAY))
        left.append(amount - moved)
        assert book.vault.read("absorbed", kind) == moved
        assert book.vault.read("balances", book.id, kind) == amount - moved > 0
        assert book.vault.read("deposited", kind) % 2**128 == amount
        assert book.tokens[kind].read("balanceOf", book.vault.address) == amount
    word = book.vault.read("accounts", book.id)
    assert word % 2**104 == 0
    assert (word >> 104) % 2**32 == 7
    assert book.start() == 0
    events = book.vault.events(receipt)
    assert [(e.name, e.args) for e in events[-4:]] == [
        *(
            ("AccountUpdated", {"account": book.id, "kind": k, "balance": left[k], "word": word})
            for k in range(3)
        ),
        ("Absorbed", {"account": book.id, "debt": debt, "shortfall": 0}),
    ]
    # what remains is the owner's, at once and without a debt
    for kind in range(3):
        book.vault.transact("withdraw", book.id, kind, MAX, book.owner, sender=book.owner)
        assert book.tokens[kind].read("balanceOf", book.owner) == left[kind]


def test_absorb__takes_every_decimals_and_rounds_for_the_fund(any_stage):
    stage = any_stage
    id = stage.open([(ETH, 10 * WAD + 1), (BTC, 5 * 10**7 + 1), (STABLE, 10**10 + 1)], 38_000 * WAD)
    low = (1_000 * WAD, 25_000 * WAD, 95 * WAD // 100)
    price_at(stage, *low)
    start = stage.act("margin_call", id).now
    equity = stage.book().equity(stage.world.now)
    done = absorb(stage, id, start + DURATION + 1, *low)
    assert list(done.after.absorbed.values()) == [10 * WAD + 1, 5 * 10**7 + 1, 10**10 + 1]
    debt = done.before.debt(id, done.now)
    # absorbed collateral counts nothing: equity falls by all of the debt
    change = done.after.equity(done.now) - done.before.equity(done.now)
    assert -debt - 2 <= change <= -debt + 2
    assert equity > done.after.equity(done.now)


def test_absorb__the_fund_collects_afterwards(stage):
    world = stage.world
    called = auction(stage)
    done = absorb(stage, called.id, called.closes + 1, 500 * WAD)
    absorbed = done.after.absorbed[ETH]
    world.fund.transact("collect", world.vault.address, ETH, sender=world.stranger)
    book = stage.book()
    assert book.absorbed[ETH] == 0
    assert book.held[ETH, stage.people[4]] == absorbed
    assert book.deposited[ETH] == done.after.deposited[ETH] - absorbed
    book.check()


# when


def test_absorb__boundaries_of_its_window(stage):
    called = auction(stage)
    for now, reason in (
        (called.closes, "not absorbable"),
        (called.closes + 1, None),
        (called.closes + DURATION, None),
        (called.closes + DURATION + 1, "not absorbable"),
    ):
        with stage.world.snapshot():
            absorb(stage, called.id, now, 590 * WAD, refused=reason)


def test_absorb_reverts_when_the_debt_is_exactly_at_close_out(stage):
    called = auction(stage)
    now = called.closes + 1
    with stage.world.snapshot():
        absorb(stage, called.id, now, AT_CLOSE_OUT, refused="not absorbable")
    absorb(stage, called.id, now, AT_CLOSE_OUT - 10**10)


def test_absorb_reverts_without_a_clock(stage):
    id = open_eth(stage)
    price_at(stage, 100 * WAD)
    stage.act("absorb", id, refused="not absorbable")
    empty = stage.world.id(stage.world.stranger)
    stage.ids.append(empty)
    stage.act("absorb", empty, refused="not absorbable")
    stage.act("absorb", 2**168, refused="unknown account")


def test_absorb_reverts_when_it_was_only_called(stage):
    called = call(stage)
    absorb(stage, called.id, called.opens - 1, 100 * WAD, refused="not absorbable")


def test_absorb__after_a_grace_and_an_auction_that_nobody_used(stage):
    called = call(stage)
    absorb(stage, called.id, called.closes + 1, 590 * WAD)


def test_absorb_reverts_when_a_price_has_failed(stage):
    world = stage.world
    id = stage.open([(ETH, 10 * WAD), (STABLE, 10**9)], 6_000 * WAD)
    price_at(stage, 590 * WAD, *PRICES[1:])
    closes = stage.act("margin_call", id).now + DURATION
    world.feeds[STABLE].transact("set_reverts", True, sender=world.governor)
    stage.act("absorb", id, at=closes + 1, refused="price failed")
    world.feeds[STABLE].transact("set_reverts", False, sender=world.governor)
    stage.act("absorb", id, at=closes + DURATION)


def test_absorb_reverts_when_taking_is_paused(stage):
    world = stage.world
    called = auction(stage)
    world.next_at(called.closes - 1_000)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    stage.act("absorb", called.id, at=called.closes + 1, refused="taking paused")
    world.vault.transact("set_pauses", 0, sender=world.governor)
    stage.act("absorb", called.id, refused="not absorbable")  # a new auction comes first
    closes = stage.book().take_resumes_at + DURATION
    with world.snapshot():
        absorb(stage, called.id, closes, 590 * WAD, refused="not absorbable")
    absorb(stage, called.id, closes + 1, 590 * WAD)


def test_absorb__is_never_paused_by_the_other_bits(stage):
    world = stage.world
    called = auction(stage)
    world.vault.transact("set_pauses", 7, sender=world.governor)
    absorb(stage, called.id, called.closes + 1, 590 * WAD)


def test_absorb__anyone_may_and_no_other_account_is_touched(stage):
    called = auction(stage)
    price_at(stage, 2_000 * WAD)
    other = open_eth(stage, sub=9)
    now = called.closes + 1
    reprice(stage, now, 590 * WAD)
    done = stage.act("absorb", called.id, at=now, sender=stage.world.owner)
    assert done.after.positions[other] == done.before.positions[other]


def test_absorb__a_second_time_is_refused(stage):
    called = auction(stage)
    absorb(stage, called.id, called.closes + 1, 500 * WAD)
    stage.act("absorb", called.id, refused="not absorbable")


def test_absorb__the_account_can_be_used_again(stage):
    called = auction(stage)
    absorb(stage, called.id, called.closes + 1, 500 * WAD)
    price_at(stage, 2_000 * WAD)
    again = open_eth(stage)
    assert again == called.id
    assert stage.world.state(again) == HEALTHY


# tokens cannot block it


def ripe(stage, mock="MockToken"):
    """Return a book of one kind, whose account may be absorbed."""
    book = StubBook(stage.world.rpc, [StubKind(mock=mock)])
    book.open([10 * WAD], DEBT)
    book.say(0, 590 * WAD)
    book.vault.transact("margin_call", book.id, sender=book.keeper)
    book.rpc.set_next_timestamp(book.start() + 7_201)
    book.rpc.mine()
    return book


def absorbed_without_its_token(book):
    """Absorb; see that nobody but the vault has logged, and that all of it is absorbed."""
    receipt = book.vault.transact("absorb", book.id, sender=book.keeper)
    touched = {log["address"].lower() for log in receipt.logs}
    assert touched == {book.vault.address.lower()}
    assert book.vault.read("absorbed", 0) == 10 * WAD
    assert book.debt() == 0


@pytest.mark.covers("A02")
def test_absorb__touches_no_token(stage):
    """The token's code is gone altogether; its sale is impossible, the absorb is not."""
    book = ripe(stage)
    book.rpc.call("anvil_setCode", book.tokens[0].address, "0xfe")  # every call burns its gas
    absorbed_without_its_token(book)


@pytest.mark.covers("A02", "T10")
def test_absorb__gives_no_hook_its_turn(stage):
    """A token that absorbs again whenever it is moved: it is not moved, so it is never asked."""
    book = ripe(stage, "ReentrantToken")
    (token,) = book.tokens
    again = book.vault.encode("absorb", book.id)
    token.transact("set_callback", book.vault.address, again, sender=book.keeper)
    with stage.world.snapshot():
        # the control: moved by a deposit it does ask, and finds the lock
        token.transact("mint", book.owner, 1, sender=book.owner)
        book.vault.transact("deposit", book.id, 0, 1, sender=book.owner)
        assert (token.read("calls"), token.read("successes")) == (1, 0)
        # and what it asks for is granted to anybody outside
        book.vault.transact("absorb", book.id, sender=book.keeper)
    absorbed_without_its_token(book)
    assert token.read("calls") == 0
