# SPDX-License-Identifier: MIT
"""Equity: debt less supply, as a surplus or a deficit, read and never booked."""

from dataclasses import replace

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import deploy_system
from tests.world import WAD, reverts

ZERO = "0x" + "00" * 20
PRICES = (2_000 * WAD, 40_000 * WAD, WAD)


def sender(world):
    return UnlockedSender(world.rpc, world.governor)


def test_equity__is_nothing_before_anybody_borrows(fund):
    assert fund.read("equity") == (0, 0)


def test_equity__is_the_interest_that_was_not_minted(world, fund):
    world.open([(0, 10 * WAD)], 10_000 * WAD)
    world.forward(365 * 86_400)
    debt, supply = world.vault.read("total_debt"), world.coin.read("totalSupply")
    assert supply == 10_000 * WAD
    assert 10_500 * WAD <= debt <= 10_520 * WAD  # 5 % a year, compounding
    assert fund.read("equity") == (debt - supply, 0)


def test_equity__is_a_deficit_after_bad_debt(world, fund, absorb):
    absorb([(0, 10 * WAD)], prices=PRICES)
    assert world.vault.read("total_debt") == 0
    assert world.coin.read("totalSupply") == 14_000 * WAD
    assert fund.read("equity") == (0, 14_000 * WAD)


def test_equity__counts_absorbed_collateral_as_nothing(world, fund, absorb):
    absorb([(0, 10 * WAD)], prices=PRICES)
    before = fund.read("equity")
    fund.transact("collect", world.vault.address, 0, sender=world.keeper)
    assert fund.read("equity") == before


def test_equity__rises_by_what_holders_burn(world, fund):
    world.open([(0, 10 * WAD)], 10_000 * WAD)
    surplus, _ = fund.read("equity")
    world.coin.transact("burn", world.owner, 7 * WAD, sender=world.owner)
    later, deficit = fund.read("equity")
    assert deficit == 0
    assert 7 * WAD <= later - surplus < 7 * WAD + WAD // 1_000  # and a moment's interest


def test_equity__turns_from_deficit_to_surplus_at_zero(world, fund):
    """One wei on either side of debt == supply."""
    world.open([(0, 10 * WAD)], 10_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    surplus, _ = fund.read("equity")
    world.coin.transact("set_ceiling", world.keeper, WAD, sender=world.governor)
    world.coin.transact("mint", world.keeper, surplus, sender=world.keeper)
    assert fund.read("equity") == (0, 0)
    world.coin.transact("mint", world.keeper, 1, sender=world.keeper)
    assert fund.read("equity") == (0, 1)
    world.coin.transact("burn", world.keeper, 2, sender=world.keeper)
    assert fund.read("equity") == (1, 0)


def test_equity__sums_all_books(world, fund):
    """A second book on the same coin counts as soon as it is added."""
    world.open([(0, 10 * WAD)], 10_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    surplus, _ = fund.read("equity")
    second = second_book(world)
    world.coin.transact("set_ceiling", second.address, 10**6 * WAD, sender=world.governor)
    world.give(world.owner, 0, 10 * WAD)
    world.tokens[0].transact("approve", second.address, 2**256 - 1, sender=world.owner)
    account = world.id(world.owner)
    legs = [(0, 10 * WAD)]
    second.transact("adjust", account, legs, 8_000 * WAD, world.owner, b"", sender=world.owner)

    assert fund.read("equity") == (0, 8_000 * WAD - surplus)
    fund.transact("add_book", second.address, sender=world.governor)
    assert fund.read("equity") == (surplus, 0)
    assert list(fund.read("books")) == [world.vault.address, second.address]


def second_book(world, hub=None):
    book = world.book
    arguments = (
        world.governor,
        world.coin.address,
        hub or world.hub.address,
        world.operators.address,
        ZERO,  # the linear margin
        ZERO,
        *replace(book, rate=0).numbers,
    )
    vault = world.contract("Vault", deploy_contract(sender(world), artifact("Vault"), *arguments))
    levels = world.params.kinds[0].levels
    vault.transact(
        "list_collateral",
        0,
        world.tokens[0].address,
        levels.initial_ltv,
        levels.maintenance_ltv,
        levels.close_out_ltv,
        levels.start_factor,
        levels.end_factor,
        2**127,
        False,
        sender=world.governor,
    )
    return vault


def test_add_book(world, fund):
    second = second_book(world)
    receipt = fund.transact("add_book", second.address, sender=world.governor)
    (event,) = fund.events(receipt)
    assert (event.name, event.args) == ("BookAdded", {"book": second.address})
    assert list(fund.read("books")) == [world.vault.address, second.address]


def test_add_book_accepts_what_the_book_has_proposed(world, fund):
    second = second_book(world)
    second.transact("propose_fund", fund.address, sender=world.governor)
    assert second.read("fund") == ZERO
    receipt = fund.transact("add_book", second.address, sender=world.governor)
    assert [(e.name, e.args) for e in second.events(receipt) if e.address == second.address] == [
        ("FundSet", {"fund": fund.address})
    ]
    assert (second.read("fund"), second.read("pending_fund")) == (fund.address, ZERO)


@pytest.mark.parametrize("pending", ["nobody", "another"])
def test_add_book_takes_nothing_that_was_not_proposed(world, fund, pending):
    second = second_book(world)
    named = {"nobody": ZERO, "another": world.other}[pending]
    second.transact("propose_fund", named, sender=world.governor)
    fund.transact("add_book", second.address, sender=world.governor)
    assert (second.read("fund"), second.read("pending_fund")) == (ZERO, named)
    assert list(fund.read("books")) == [world.vault.address, second.address]


def test_add_book_reverts_when_not_governor(world, fund):
    with reverts("not governor"):
        fund.transact("add_book", world.vault.address, sender=world.stranger)


def test_add_book_reverts_when_already_known(world, fund):
    with reverts("book already known"):
        fund.transact("add_book", world.vault.address, sender=world.governor)


def test_add_book_reverts_when_it_mints_another_coin(world, fund):
    other = deploy_system(sender(world), world.params)
    with reverts("wrong coin"):
        fund.transact("add_book", other.vault, sender=world.governor)


def test_add_book_reverts_when_there_are_sixteen(world, fund):
    for _ in range(15):
        fund.transact("add_book", second_book(world).address, sender=world.governor)
    assert len(fund.read("books")) == 16
    assert fund.read("equity") == (0, 0)
    with reverts("too many books"):
        fund.transact("add_book", second_book(world).address, sender=world.governor)


def test_deploy_reverts_when_the_coin_has_no_code(world):
    found = (world.governor, world.stranger, world.governor, 100)
    with reverts("coin has no code"):
        deploy_contract(sender(world), artifact("InsuranceFund"), *found)
