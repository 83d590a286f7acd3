# SPDX-License-Identifier: MIT
"""Absorbed collateral comes in, by anybody's hand."""

import pytest

from tests.world import WAD, check_books, reverts

PRICES = (2_000 * WAD, 40_000 * WAD, WAD)
ZERO = "0x" + "00" * 20
LEGS = {0: (0, 10 * WAD), 1: (1, 10**8), 2: (2, 30_000 * 10**6)}


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["18-decimals", "8-decimals", "6-decimals"])
def test_collect(world, fund, absorb, kind):
    ids = absorb([LEGS[kind]], [LEGS[kind]], prices=PRICES)
    book, token = world.vault, world.tokens[kind]
    absorbed = book.read("absorbed", kind)
    assert absorbed == 2 * LEGS[kind][1]  # far below water: everything was absorbed
    held = token.read("balanceOf", book.address)
    total = world.total(kind)
    assert fund.read("inventory", token.address) == 0

    receipt = fund.transact("collect", book.address, kind, sender=world.stranger)

    (event,) = fund.events(receipt)
    assert event.name == "Collected"
    surplus, deficit = fund.read("equity")
    assert deficit > 0
    assert event.args == {
        "book": book.address,
        "kind": kind,
        "token": token.address,
        "amount": absorbed,
        "surplus": surplus,
        "deficit": deficit,
    }
    assert fund.read("inventory", token.address) == absorbed
    assert token.read("balanceOf", book.address) == held - absorbed
    assert book.read("absorbed", kind) == 0
    assert world.total(kind) == total - absorbed
    check_books(world, ids)


def test_collect_reverts_when_nothing_is_absorbed(world, fund, absorb):
    with reverts("nothing absorbed"):
        fund.transact("collect", world.vault.address, 0, sender=world.stranger)
    absorb([LEGS[0]], prices=PRICES)
    fund.transact("collect", world.vault.address, 0, sender=world.stranger)
    for kind in (0, 1, 31):
        with reverts("nothing absorbed"):
            fund.transact("collect", world.vault.address, kind, sender=world.stranger)


def test_collect_reverts_when_the_book_is_unknown(world, fund):
    for book in (world.stranger, world.coin.address, ZERO):
        with reverts("unknown book"):
            fund.transact("collect", book, 0, sender=world.stranger)
