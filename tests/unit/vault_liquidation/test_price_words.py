# SPDX-License-Identifier: MIT
"""What liquidation makes of price words that move: confirming, volatile, apart, failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.vault_liquidation.stub import CONFIRMING, FAILED, STILL, StubBook, StubKind
from tests.world import BPS, MAX, WAD, reverts

DEBT = 5_100 * WAD


@pytest.fixture
def book(world) -> StubBook:
    """Ten tokens at 600 support 5,100 coins at close-out; a second kind stands beside them."""
    book = StubBook(world.rpc, [StubKind(), StubKind()])
    book.open([10 * WAD], DEBT)
    book.say(1, WAD)
    book.give_coins(book.keeper, 10**6 * WAD)
    return book


def call(book: StubBook) -> int:
    """Call the account and return its clock less the time of the call."""
    book.vault.transact("margin_call", book.id, sender=book.keeper)
    return book.start() - book.now


def test_margin_call__a_confirming_price_gets_the_grace(book):
    book.say(0, 500 * WAD, flags=CONFIRMING)
    assert call(book) == 3_600
    with reverts("already called"):
        call(book)
    book.say(0, 500 * WAD)
    assert call(book) == 0  # confirmed: the close-out is at once


def test_margin_call__any_confirming_kind_of_the_account_counts_and_no_other(book):
    book.tokens[1].transact("mint", book.owner, WAD, sender=book.governor)
    book.say(0, 500 * WAD)
    with book_snapshot(book):
        book.say(1, WAD, flags=CONFIRMING)
        assert call(book) == 0  # not in the account
    book.vault.transact("deposit", book.id, 1, WAD, sender=book.owner)
    book.say(1, WAD, flags=CONFIRMING)
    assert call(book) == 3_600


def test_margin_call__gives_grace_to_who_touched_the_account_in_this_block(book):
    """Raising risk and a crash in one second: nobody is sold who could not have known.

    Over the PriceHub a price that a transaction used does not fall further within its block.
    """
    rpc = book.rpc
    book.say(0, 2_000 * WAD)
    fallen = (0, 500 * WAD, 500 * WAD, BPS, BPS, 0)
    rpc.call("evm_setAutomine", False)
    try:
        sent = []
        for who, contract, function, args in (
            (book.owner, book.vault, "borrow", (book.id, WAD, book.owner)),
            (book.governor, book.hub, "set_word", fallen),
            (book.keeper, book.vault, "margin_call", (book.id,)),
        ):
            request = {
                "from": who,
                "to": contract.address,
                "data": "0x" + contract.encode(function, *args).hex(),
                "gas": hex(3_000_000),
                "gasPrice": hex(10**11 - len(sent) * 10**9),
            }
            sent.append(rpc.call("eth_sendTransaction", request))
        rpc.mine()
    finally:
        rpc.call("evm_setAutomine", True)
    receipts = [rpc.receipt(hash) for hash in sent]
    assert [receipt.status for receipt in receipts] == [1, 1, 1]
    assert len({receipt.block for receipt in receipts}) == 1
    assert book.start() - book.now == 3_600
    assert call(book) == 0  # a second later the same close-out shortens the grace


def test_a_confirming_kind_cannot_be_enabled(book):
    """One wei of it would win its owner a grace and hold off an absorb."""
    book.say(0, 590 * WAD)
    book.tokens[1].transact("mint", book.owner, 1, sender=book.governor)
    book.say(1, WAD, flags=CONFIRMING)
    with reverts("price confirming"):
        book.vault.transact("deposit", book.id, 1, 1, sender=book.owner)
    book.vault.transact("margin_call", book.id, sender=book.keeper)
    assert book.start() == book.now


def test_take__is_not_held_by_confirming(book):
    book.say(0, 500 * WAD, flags=CONFIRMING)
    call(book)
    book.rpc.set_next_timestamp(book.start())
    book.vault.transact("take", book.id, 0, WAD, MAX, book.keeper, b"", sender=book.keeper)
    assert book.tokens[0].read("balanceOf", book.keeper) == WAD


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (CONFIRMING, "price confirming"),
        (FAILED, "price failed"),
        (FAILED | CONFIRMING, "price failed"),
    ],
)
def test_absorb_reverts_when_a_price_is_in_doubt(book, flags, reason):
    book.say(0, 500 * WAD)
    call(book)
    book.rpc.set_next_timestamp(book.start() + 7_201)
    book.say(0, 500 * WAD, flags=flags)
    with reverts(reason):
        book.vault.transact("absorb", book.id, sender=book.keeper)
    book.say(0, 500 * WAD)
    book.vault.transact("absorb", book.id, sender=book.keeper)


def test_margin_call__is_decided_at_hi(book):
    """A low `lo` closes opening, and liquidates nobody."""
    book.say(0, 2_000 * WAD, lo=1)
    with reverts("account is covered"):
        call(book)
    book.say(0, 630 * WAD, lo=1)
    assert call(book) == 3_600


def test_margin_call__volatility_tightens_maintenance_up_to_the_target_and_no_further(book):
    """At 680 the debt is exactly at the target: no multiplier can make it callable."""
    for multiplier in (10_000, 12_500, 65_535):
        book.say(0, 680 * WAD, maintenance=multiplier)
        with reverts("account is covered"):
            call(book)
    book.say(0, 680 * WAD - 1, maintenance=12_500)
    with book_snapshot(book):
        assert call(book) == 3_600
    book.say(0, 680 * WAD - 1, maintenance=12_499)
    with reverts("account is covered"):
        call(book)


def test_margin_call__close_out_does_not_scale_with_volatility(book):
    book.say(0, 600 * WAD, maintenance=12_500)
    assert call(book) == 3_600
    book.say(0, 600 * WAD - 1, maintenance=10_000)
    assert call(book) == 0


def test_take__price_to_the_wei(book):
    """One wei of price more or less moves the rounding as written: up, for the account."""
    for hi in (500 * WAD, 500 * WAD + 1, 500 * WAD + 99, 333_333_333_333_333_333_333):
        with book_snapshot(book):
            book.say(0, hi)
            call(book)
            receipt = book.vault.transact(
                "take", book.id, 0, 12_345, MAX, book.keeper, b"", sender=book.keeper
            )
            (taken,) = [e.args for e in book.vault.events(receipt) if e.name == "Taken"]
            assert taken["price"] == -(-hi * 10_100 // 10_000)
            assert taken["cost"] == -(-12_345 * taken["price"] // 10**18)


def test_take__eight_kinds_by_every_one_of_them(world):
    """A full account: each kind can be sold, and all of it ends without a debt."""
    kinds = [StubKind(decimals) for decimals in (18, 8, 6, 18, 8, 6, 18, 8)]
    book = StubBook(world.rpc, kinds, replace(STILL, debt_floor=WAD))
    amounts = [10**kind.decimals for kind in kinds]
    book.open(amounts, 6_900 * WAD)
    book.give_coins(book.keeper, 10**6 * WAD)
    for kind in range(8):
        book.say(kind, 1_000 * WAD)
    call(book)
    for kind in range(8):
        book.vault.transact("take", book.id, kind, MAX, MAX, book.keeper, b"", sender=book.keeper)
        debt, _, _, _, maintenance, _ = book.levels()
        if debt <= maintenance:
            break
    assert kind == 3  # four of them were needed, each sold as a whole
    assert (book.vault.read("accounts", book.id) >> 104) % 2**32 == 0b11110000
    with reverts("account is covered"):
        book.vault.transact("take", book.id, 4, MAX, MAX, book.keeper, b"", sender=book.keeper)
    with reverts("kind not enabled"):
        book.vault.transact("take", book.id, 0, MAX, MAX, book.keeper, b"", sender=book.keeper)


@pytest.mark.covers("N12")
def test_absorb__eight_kinds(world):
    kinds = [StubKind(decimals) for decimals in (18, 8, 6, 18, 8, 6, 18, 8)]
    book = StubBook(world.rpc, kinds)
    amounts = [10**kind.decimals for kind in kinds]
    book.open(amounts, 6_900 * WAD)
    for kind in range(8):
        book.say(kind, 1_000 * WAD)
    call(book)
    book.rpc.set_next_timestamp(book.start() + 7_201)
    receipt = book.vault.transact("absorb", book.id, sender=book.keeper)
    assert [book.vault.read("absorbed", kind) for kind in range(8)] == amounts
    assert receipt.gas_used < 400_000


class book_snapshot:  # noqa: N801
    """Undo everything done inside."""

    def __init__(self, book: StubBook) -> None:
        self.rpc = book.rpc

    def __enter__(self) -> None:
        self.taken = self.rpc.snapshot()

    def __exit__(self, *_: object) -> None:
        self.rpc.revert(self.taken)
