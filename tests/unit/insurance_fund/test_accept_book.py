# SPDX-License-Identifier: MIT
"""A fund that gave a book away can take it back."""

from __future__ import annotations

from tests.world import reverts


def test_a_fund_is_named_again(world):
    world.vault.transact("propose_fund", world.keeper, sender=world.governor)
    world.vault.transact("accept_fund", sender=world.keeper)
    world.vault.transact("propose_fund", world.fund.address, sender=world.governor)
    assert world.vault.read("fund") == world.keeper
    world.fund.transact("accept_book", world.vault.address, sender=world.governor)
    assert world.vault.read("fund") == world.fund.address
    assert int(world.vault.read("pending_fund"), 16) == 0


def test_accept_book_reverts_when_not_proposed_not_known_or_not_governed(world):
    with reverts("not proposed"):
        world.fund.transact("accept_book", world.vault.address, sender=world.governor)
    with reverts("unknown book"):
        world.fund.transact("accept_book", world.coin.address, sender=world.governor)
    with reverts("not governor"):
        world.fund.transact("accept_book", world.vault.address, sender=world.stranger)
