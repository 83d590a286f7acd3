# SPDX-License-Identifier: MIT
"""What the governor may set, within which bounds, and nobody else."""

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.world import WAD, reverts

ZERO = "0x" + "00" * 20


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("add_book", ("0x" + "11" * 20,)),
        ("accept_book", ("0x" + "11" * 20,)),
        ("retire_book", ("0x" + "11" * 20,)),
        ("add_reserve", ("0x" + "11" * 20,)),
        ("remove_reserve", ("0x" + "11" * 20,)),
        ("set_treasury", ("0x" + "11" * 20,)),
        ("set_buffer", (200,)),
        ("set_reaping_paused", (True,)),
        ("set_auction", (3_600, 10_000, 9_000)),
        ("propose_governor", ("0x" + "11" * 20,)),
    ],
)
def test_only_the_governor_governs(world, fund, name, args):
    for who in (world.owner, world.keeper, world.stranger):
        with reverts("not governor"):
            fund.transact(name, *args, sender=who)


@pytest.mark.parametrize(
    ("name", "args", "event", "told"),
    [
        ("set_treasury", ("keeper",), "TreasurySet", {"treasury": "keeper"}),
        ("set_buffer", (100,), "BufferSet", {"buffer_bps": 100}),
        ("set_buffer", (5_000,), "BufferSet", {"buffer_bps": 5_000}),
        (
            "set_auction",
            (3_600, 10_000, 5_000),
            "AuctionSet",
            {"duration": 3_600, "start_factor": 10_000, "end_factor": 5_000},
        ),
        (
            "set_auction",
            (7 * 86_400, 11_000, 9_999),
            "AuctionSet",
            {"duration": 7 * 86_400, "start_factor": 11_000, "end_factor": 9_999},
        ),
    ],
)
def test_what_is_set(world, fund, name, args, event, told):
    who = {"keeper": world.keeper}
    receipt = fund.transact(name, *(who.get(a, a) for a in args), sender=world.governor)
    told = {key: who.get(value, value) for key, value in told.items()}
    assert [(e.name, e.args) for e in fund.events(receipt)] == [(event, told)]
    views = {"duration": "auction_duration"}
    for key, value in told.items():
        assert fund.read(views.get(key, key)) == value


@pytest.mark.parametrize(
    ("name", "args", "reason"),
    [
        ("set_treasury", (ZERO,), "bad treasury"),
        ("set_treasury", ("fund",), "bad treasury"),
        ("set_buffer", (99,), "bad buffer"),
        ("set_buffer", (5_001,), "bad buffer"),
        ("set_auction", (3_599, 10_300, 8_000), "bad duration"),
        ("set_auction", (7 * 86_400 + 1, 10_300, 8_000), "bad duration"),
        ("set_auction", (3_600, 9_999, 8_000), "bad factors"),
        ("set_auction", (3_600, 11_001, 8_000), "bad factors"),
        ("set_auction", (3_600, 10_300, 4_999), "bad factors"),
        ("set_auction", (3_600, 10_300, 10_000), "bad factors"),
    ],
)
def test_what_is_refused(world, fund, name, args, reason):
    args = [fund.address if arg == "fund" else arg for arg in args]
    with reverts(reason):
        fund.transact(name, *args, sender=world.governor)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({2: ZERO}, "bad treasury"), ({3: 99}, "bad buffer"), ({0: ZERO}, "zero governor")],
)
def test_deploy_reverts(world, changes, reason):
    args = [world.governor, world.coin.address, world.governor, 100]
    for at, value in changes.items():
        args[at] = value
    with reverts(reason):
        sender = UnlockedSender(world.rpc, world.governor)
        deploy_contract(sender, artifact("InsuranceFund"), *args)


# retiring a book


def test_retire_book(world, fund):
    account = world.open([(0, 10 * WAD)], 10_000 * WAD)
    book = world.vault.address
    with reverts("debt left"):
        fund.transact("retire_book", book, sender=world.governor)
    world.give_coins(world.owner, 1_000 * WAD)
    world.vault.transact("repay", account, 2**255, sender=world.owner)
    rest = world.coin.read("balanceOf", world.owner)
    world.coin.transact("transfer", world.other, rest, sender=world.owner)
    minter = world.keeper  # for the interest that nobody has borrowed
    world.coin.transact("set_ceiling", minter, WAD, sender=world.governor)
    world.coin.transact("mint", world.other, WAD, sender=minter)
    world.vault.transact("repay", world.id(world.other, 255), 2**255, sender=world.other)
    assert world.vault.read("totals") % 2**112 == 0
    with reverts("may still mint"):
        fund.transact("retire_book", book, sender=world.governor)
    world.coin.transact("set_ceiling", book, 0, sender=world.governor)
    before = fund.read("equity")
    receipt = fund.transact("retire_book", book, sender=world.governor)
    assert [(e.name, e.args) for e in fund.events(receipt)] == [("BookRetired", {"book": book})]
    assert list(fund.read("books")) == []
    assert fund.read("equity") == before
    with reverts("unknown book"):
        fund.transact("retire_book", book, sender=world.governor)


def test_a_book_is_not_retired_with_collateral_to_collect(world, fund, absorb):
    absorb([(0, 10 * WAD)], prices=(2_000 * WAD,))
    world.coin.transact("set_ceiling", world.vault.address, 0, sender=world.governor)
    with reverts("collateral left"):
        fund.transact("retire_book", world.vault.address, sender=world.governor)
    fund.transact("collect", world.vault.address, 0, sender=world.stranger)
    fund.transact("retire_book", world.vault.address, sender=world.governor)
