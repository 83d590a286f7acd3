# SPDX-License-Identifier: MIT
"""A book read from a chain by an address alone says what the vault will do next."""

from __future__ import annotations

from surety.model import Price, predict
from surety.model.reader import Reader
from tests.stateful.node import RevmNode
from tests.world import GENESIS, WAD, World, reverts


def test_reader__takes_over_a_book_and_predicts_the_next_move():
    world = World(RevmNode(GENESIS))
    id = world.open([(0, 10 * WAD)], 10_000 * WAD)
    world.set_operator(world.operator, 1, sender=world.owner)
    book = Reader(world.rpc, world.vault.address).read(
        [id], [world.owner], operators=[(world.owner, world.operator)]
    )
    assert book.positions[id].word == world.vault.read("accounts", id)
    assert book.totals_word == world.vault.read("totals")
    assert book.interest_word == world.vault.read("interest")
    assert book.hub.read(1, world.now)[0] == Price.unpack(world.hub.read("read_one", 0))
    assert book.coin.balances[world.owner] == 10_000 * WAD
    assert book.is_authorised(world.operator, id)
    assert not book.is_authorised(world.stranger, id)

    now, room = world.now + 5, 5_000 * WAD
    for amount, reason in ((room + WAD, "below initial margin"), (room - WAD, None)):
        args = (id, amount, world.owner)
        expected = predict(book, "borrow", args, world.operator, now)
        assert expected.reason == reason
        world.next_at(now)
        if reason is None:
            world.vault.transact("borrow", *args, sender=world.operator)
            assert expected.after.positions[id].word == world.vault.read("accounts", id)
        else:
            with reverts(reason):
                world.vault.transact("borrow", *args, sender=world.operator)
            now += 1
