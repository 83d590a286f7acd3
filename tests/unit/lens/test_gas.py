# SPDX-License-Identifier: MIT
"""A full page, 128 accounts of 8 kinds each, stays within what any node gives an `eth_call`."""

from __future__ import annotations

import pytest

from surety.deploy import BookParams
from tests.unit.vault_liquidation.stub import STILL, StubBook, StubKind
from tests.world import WAD

PAGE = 128
LIMIT = 30_000_000


@pytest.fixture(scope="module")
def crowd(base_world):
    """128 accounts with all of 8 kinds, each in its auction."""
    params: BookParams = STILL
    decimals = (18, 8, 6, 18, 8, 6, 18, 8)
    with base_world.snapshot():
        book = StubBook(base_world.rpc, [StubKind(places) for places in decimals], params)
        for kind in range(8):
            book.say(kind, 1_000 * WAD)
        ids = [book.id | sub for sub in range(PAGE)]
        legs = [(kind, 10**places) for kind, places in enumerate(decimals)]
        for kind, places in enumerate(decimals):
            book.tokens[kind].transact("mint", book.owner, PAGE * 10**places, sender=book.governor)
        for id in ids:
            args = (id, legs, 5_900 * WAD, book.owner, b"")
            book.vault.transact("adjust", *args, sender=book.owner)
        for kind in range(8):
            book.say(kind, 800 * WAD)
        for id in ids:
            book.vault.transact("margin_call", id, sender=book.keeper)
        yield book, ids


@pytest.mark.parametrize(
    ("page", "most"),
    [
        ("states_of", 15_000_000),
        ("levels_of", 15_000_000),
        ("callable_accounts", 15_000_000),
        ("auctions", LIMIT),
    ],
)
def test_a_full_page(crowd, page, most):
    book, ids = crowd
    data = book.lens.encode(page, book.vault.address, ids)
    found = book.lens.decode(page, book.rpc.eth_call(book.lens.address, data, gas=most))
    if page == "auctions":
        assert [row[:2] for row in found] == [(id, kind) for id in ids for kind in range(8)]
        assert all(row[3] > 0 for row in found)
    elif page == "states_of":
        assert found == (5,) * PAGE
    elif page == "levels_of":
        assert {row[0] for row in found} == {5_900 * WAD}
    else:
        assert found == 0


def test_the_dearest_single_views(crowd):
    book, ids = crowd
    for fn, *args in (
        ("account_of", ids[5]),
        ("preview_adjust", ids[5], [(kind, 1) for kind in range(8)], 1),
        ("preview_move", ids[5], ids[6], [(kind, 1) for kind in range(8)], 1),
        ("max_withdraw", ids[5], 0),
    ):
        data = book.lens.encode(fn, book.vault.address, *args)
        assert book.rpc.eth_call(book.lens.address, data, gas=5_000_000)
