# SPDX-License-Identifier: MIT
"""A listing gives hub and vault the same kind, with exactly what was asked."""

from __future__ import annotations

import pytest

from tests.unit.listings.desk import BALANCE, CALLS, DECIMALS, LIVE_PRICE, PRICE, ZERO, Listing
from tests.world import WAD

BPS = 10_000


def check_listed(desk, listing: Listing, receipt, kind: int, price: int = PRICE) -> None:
    hub, vault = desk.world.hub, desk.world.vault
    assert hub.read("kind_count") == kind + 1
    assert hub.read("token_of", kind) == listing.token
    word = hub.read("words", kind)
    assert (word % 2**88, (word >> 88) % 2**88) == (price, price)
    assert hub.read("config_of", kind) == (
        listing.oracle,
        listing.max_age,
        listing.slew_down,
        listing.slew_up,
    )
    assert hub.read("bounds_of", kind) == (listing.min_price, listing.max_price)
    assert hub.read("limits_of", kind) == (listing.jump_bps, listing.sigma_ref, 0)
    assert vault.read("collateral", kind) == listing.word()
    assert vault.read("deposited", kind) == listing.cap << 128
    assert vault.read("totals") >> 168 == listing.isolated << kind
    (event,) = desk.contract.events(receipt)
    assert (event.name, event.args) == (
        "Listed",
        {
            "vault": desk.vault,
            "kind": kind,
            "token": listing.token,
            "oracle": listing.oracle,
            "decimals": listing.decimals,
            "price": price,
        },
    )


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("decimals", [6, 7, 8, 12, 17, 18])
def test_list(desk, decimals, isolated):
    token = desk.new("MockToken", "New", "NEW", decimals).address
    listing = desk.good(token=token, decimals=decimals, isolated=isolated)
    seen = desk.preview(listing)
    assert seen == (decimals, PRICE, desk.source.read("updated_at"), 3)
    check_listed(desk, listing, desk.list(listing), 3)


def test_list__a_token_that_returns_nothing(desk):
    listing = desk.good(token=desk.new("NoReturnToken", "N", "N", 6).address, decimals=6)
    check_listed(desk, listing, desk.list(listing), 3)


def test_list__one_after_another_until_there_are_32(desk):
    for kind in range(3, 32):
        listing = desk.good(token=desk.new("MockToken", "New", "NEW", 18).address)
        assert desk.preview(listing)[3] == kind
        check_listed(desk, listing, desk.list(listing), kind)


@pytest.mark.parametrize(
    "changes",
    [
        # the live price at the very edges of what is expected
        {"expected_price": -(-PRICE * BPS // (BPS + 500))},
        {"expected_price": PRICE * BPS // (BPS - 500)},
        # bounds at their edges
        {"min_price": PRICE * 60 // 100},
        {"min_price": PRICE // 1_000},
        {"max_price": PRICE + 1},
        {"max_price": PRICE * 1_000},
        # the hub's fields
        {"max_age": 2**24 - 1, "slew_down": 1, "slew_up": 2**24 - 1},
        {"slew_down": 2**24 - 1, "slew_up": 1, "jump_bps": 50, "sigma_ref": 1},
        {"jump_bps": 12_750, "sigma_ref": 2**40 - 1},
        # the vault's fields
        {"initial_ltv": 0, "maintenance_ltv": 1, "close_out_ltv": 2, "end_factor": 2},
        {"start_factor": 10_000, "maintenance_ltv": 8_380, "close_out_ltv": 8_800},
        {"start_factor": 11_000, "cap": 1},
        {"cap": 2**128 - 1},
        {"close_out_ltv": 8_400, "end_factor": 8_400},  # 8000 * 1.05 = 8400
        {"close_out_ltv": 9_999, "end_factor": 9_999, "maintenance_ltv": 9_522},
    ],
)
def test_list__at_the_edges_of_what_is_accepted(desk, changes):
    listing = desk.good(**changes)
    assert desk.preview(listing)[:2] == (18, PRICE)
    check_listed(desk, listing, desk.list(listing), 3)


@pytest.mark.parametrize("price", [PRICE * 95 // 100, PRICE * 105 // 100])
def test_list__a_price_as_far_from_the_expected_as_it_may_be(desk, price):
    desk.source.transact("set_price", price, sender=desk.world.governor)
    listing = desk.good()
    check_listed(desk, listing, desk.list(listing), 3, price)


def test_list__a_price_as_old_as_it_may_be(desk):
    listing = desk.good(max_age=1_000)
    now = desk.world.now + 10
    for age in (1_000, 0):
        with desk.world.snapshot():
            desk.source.transact("set_report", PRICE, now - age, sender=desk.world.governor)
            desk.world.next_at(now)
            check_listed(desk, listing, desk.list(listing), 3)


def test_list__the_largest_price(desk):
    price = 2**88 - 2
    desk.source.transact("set_price", price, sender=desk.world.governor)
    listing = desk.good(expected_price=2**88 - 1, min_price=2**87 - 1, max_price=2**88 - 1)
    check_listed(desk, listing, desk.list(listing), 3, price)


def test_list__the_smallest_price(desk):
    desk.source.transact("set_price", 2, sender=desk.world.governor)
    listing = desk.good(expected_price=2, min_price=1, max_price=3)
    check_listed(desk, listing, desk.list(listing), 3, 2)


def test_a_listed_kind_can_be_used(desk):
    desk.list(desk.good())
    world = desk.world
    token = world.contract("MockToken", desk.token)
    token.transact("mint", world.owner, 10 * WAD, sender=world.governor)
    token.transact("approve", world.vault.address, 10 * WAD, sender=world.owner)
    id = world.id(world.owner)
    legs, debt = [(3, 10 * WAD)], 14_000 * WAD
    world.vault.transact("adjust", id, legs, debt, world.owner, b"", sender=world.owner)
    assert world.coin.read("balanceOf", world.owner) == debt
    assert world.vault.read("balances", id, 3) == 10 * WAD


@pytest.mark.parametrize("question", [DECIMALS, BALANCE, LIVE_PRICE])
def test_list__nobody_who_is_asked_can_write(desk, question):
    """Token and oracle are asked by static calls: what they call on the side comes to nothing."""
    world = desk.world
    token = world.contract("MockToken", desk.token)
    mint = token.encode("mint", world.stranger, 1)
    desk.odd.transact("set_call", desk.token, mint, sender=world.governor)
    answer = {DECIMALS: (18,), BALANCE: (0,), LIVE_PRICE: (PRICE, world.now)}[question]
    desk.says(question, *answer, mode=CALLS)
    listing = desk.good(token=desk.odd.address, oracle=desk.odd.address)
    check_listed(desk, listing, desk.list(listing), 3)
    assert token.read("totalSupply") == 0

    name, args = {0: ("decimals", ()), 1: ("balanceOf", (ZERO,)), 2: ("price", ())}[question]
    desk.odd.transact(name, *args, sender=world.governor)
    assert token.read("totalSupply") == 1  # so it does call, where it may
