# SPDX-License-Identifier: MIT
"""Absorbed collateral comes in, and only by the governor's hand goes out again."""

import pytest
from eth_utils import to_checksum_address

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.world import WAD, check_books, reverts

PRICES = (2_000 * WAD, 40_000 * WAD, WAD)
ZERO = "0x" + "00" * 20
LEGS = {0: (0, 10 * WAD), 1: (1, 10**8), 2: (2, 30_000 * 10**6)}


def new_token(world, mock, decimals):
    sender = UnlockedSender(world.rpc, world.governor)
    return world.contract(mock, deploy_contract(sender, artifact(mock), "T", "T", decimals))


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
    assert event.args == {"book": book.address, "kind": kind, "amount": absorbed}
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


def test_release(world, fund, absorb):
    absorb([LEGS[0]], prices=PRICES)
    fund.transact("collect", world.vault.address, 0, sender=world.stranger)
    token = world.tokens[0]

    receipt = fund.transact("release", token.address, 4 * WAD, world.other, sender=world.governor)

    (event,) = fund.events(receipt)
    assert event.name == "Released"
    assert event.args == {
        "token": token.address,
        "receiver": to_checksum_address(world.other),
        "amount": 4 * WAD,
    }
    assert token.read("balanceOf", world.other) == 4 * WAD
    assert fund.read("inventory", token.address) == 6 * WAD


def test_release_reverts_when_not_governor(world, fund):
    with reverts("not governor"):
        fund.transact("release", world.coin.address, 0, world.other, sender=world.stranger)


def test_release_reverts_when_the_receiver_is_zero(world, fund):
    with reverts("zero receiver"):
        fund.transact("release", world.tokens[0].address, 1, ZERO, sender=world.governor)


def test_release_reverts_when_the_token_returns_false(world, fund):
    token = new_token(world, "FalseToken", 18)
    token.transact("mint", fund.address, 5, sender=world.governor)
    with reverts("transfer out failed"):
        fund.transact("release", token.address, 5, world.other, sender=world.governor)
    token.transact("set_refuses", False, sender=world.governor)
    fund.transact("release", token.address, 5, world.other, sender=world.governor)
    assert token.read("balanceOf", world.other) == 5


def test_release__of_a_token_that_returns_nothing(world, fund):
    token = new_token(world, "NoReturnToken", 6)
    token.transact("mint", fund.address, 5, sender=world.governor)
    fund.transact("release", token.address, 5, world.other, sender=world.governor)
    assert token.read("balanceOf", world.other) == 5
    assert fund.read("inventory", token.address) == 0


def test_a_token_that_calls_back_is_locked_out(world, fund):
    token = new_token(world, "ReentrantToken", 18)
    token.transact("mint", fund.address, 10, sender=world.governor)
    for call in (
        fund.encode("recapitalise", 0),
        fund.encode("collect", world.vault.address, 0),
        fund.encode("accept_governor"),
    ):
        token.transact("set_callback", fund.address, call, sender=world.governor)
        fund.transact("release", token.address, 1, world.other, sender=world.governor)
        assert (token.read("calls"), token.read("successes")) == (1, 0)
        assert token.read("last_response") == b""  # the lock reverts without a reason
    assert token.read("balanceOf", world.other) == 3
