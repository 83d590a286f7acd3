# SPDX-License-Identifier: MIT
"""The first step: who may end a book, at which prices, and what it takes to be a book."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.chain import Contract, deploy_contract
from surety.compile import artifact
from surety.model.state import CONFIRMING, FAILED
from tests.stateful.node import as_json
from tests.unit.settlement.rig import (
    ALICE,
    BOB,
    BOOK,
    DAY,
    GOVERNOR,
    KEEPER,
    STRANGER,
    YEAR,
    A,
    B,
    Rig,
)
from tests.world import MAX, RAY, WAD


def run(rig: Rig, who: str, contract: Contract, fn: str, *args):
    """Make a call that may be refused; returns its reason."""
    return rig.node.run(who, contract.address, contract.encode(fn, *args), rig.now).reason


def names(rig: Rig, ran) -> list[tuple[str, dict]]:
    raw = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
    return [(event.name, dict(event.args)) for event in rig.settlement.events(raw)]


def shut(rig: Rig, book: int = A):
    vault = rig.vaults[book].address
    return rig.send(GOVERNOR, rig.settlement, "shutdown", vault)


def test_prices_are_frozen_as_they_are_and_never_move_again(rig):
    rig.vault("deposit", rig.ids[0], 0, WAD, by=ALICE)
    rig.send(GOVERNOR, rig.hub, "set_word", 0, 1_500 * WAD, 2_100 * WAD, 10_000, 10_000, 0)
    rig.act("shutdown", by=GOVERNOR)
    assert rig.read("frozen_price", 0) == 2_100 * WAD
    assert [rig.read("frozen_price", kind) for kind in range(1, 6)] == [0] * 5  # nobody has any
    rig.price(0, 1)
    rig.wait(YEAR)
    assert rig.read("frozen_price", 0) == 2_100 * WAD
    assert rig.read("shut_at") == rig.now - YEAR
    assert rig.read("phase_of") == 1
    assert (rig.read("phase_of", book=B), rig.read("shut_at", book=B)) == (0, 0)
    assert rig.read("frozen_price", 0, book=B) == 0


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (1_995 * WAD, None),  # 5 % under
        (2_205 * WAD, None),  # 5 % over
        (1_995 * WAD - 1, "price is moving"),
        (2_205 * WAD + 1, "price is moving"),
        (0, "price failed"),
    ],
)
def test_what_is_frozen_is_what_the_oracle_says_this_moment(rig, live, reason):
    """A word may be a minute old: whoever knew of a fall settled at the price before it."""
    rig.vault("deposit", rig.ids[0], 0, WAD, by=ALICE)
    rig.send(GOVERNOR, rig.hub, "set_word", 0, 1_500 * WAD, 2_100 * WAD, 10_000, 10_000, 0)
    rig.send(GOVERNOR, rig.hub, "set_live", 0, live)
    vault = rig.vaults[A].address
    assert run(rig, GOVERNOR, rig.settlement, "shutdown", vault) == reason
    assert rig.read("frozen_price", 0) == (0 if reason else live)


def test_says_what_it_froze(rig):
    rig.vault("deposit", rig.ids[0], 2, 10**8, by=ALICE)
    found = names(rig, shut(rig))
    vault = rig.vaults[A].address
    assert found == [
        *(
            ("PriceFrozen", {"vault": vault, "kind": kind, "price": sort.price * (kind == 2)})
            for kind, sort in enumerate(rig.sorts)
        ),
        ("BookShutDown", {"vault": vault, "shut_at": rig.now, "backing": 0}),
    ]


def test_interest_runs_to_the_shutdown_and_no_further():
    rig = Rig(book=replace(BOOK, rate=RAY // (20 * YEAR)))
    rig.vault("deposit", rig.ids[0], 0, 10 * WAD, by=ALICE)
    rig.vault("borrow", rig.ids[0], 10_000 * WAD, ALICE, by=ALICE)
    rig.wait(YEAR)
    owed = rig.vaults[A].read("debt_of", rig.ids[0])
    assert owed > 10_500 * WAD
    rig.act("shutdown", by=GOVERNOR)
    rig.wait(50 * YEAR)
    assert rig.vaults[A].read("debt_of", rig.ids[0]) == owed
    assert rig.vaults[B].read("interest") >> 168 != 0
    assert rig.act("settle", rig.ids[0]) == owed


@pytest.mark.parametrize("who", [ALICE, KEEPER, STRANGER])
def test_only_the_governor_ends_a_book(rig, who):
    rig.act("shutdown", by=who, refused="not governor")
    assert rig.read("phase_of") == 0


def test_a_book_ends_once(rig):
    rig.act("shutdown", by=GOVERNOR)
    rig.price(0, 1)
    rig.act("shutdown", by=GOVERNOR, refused="already shut down")
    assert rig.read("phase_of") == 1
    rig.act("open_redemption")
    rig.act("shutdown", by=GOVERNOR, refused="already shut down")
    rig.wait(YEAR)
    rig.act("sweep")
    rig.act("shutdown", by=GOVERNOR, refused="already shut down")
    rig.act("open_redemption", refused="not settling")
    assert rig.read("phase_of") == 3


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (FAILED, "price failed"),
        (CONFIRMING, "price confirming"),
        (FAILED | CONFIRMING, "price failed"),
    ],
)
def test_a_price_that_cannot_be_trusted_stops_a_shutdown(rig, flags, reason):
    rig.vault("deposit", rig.ids[0], 1, 1, by=ALICE)
    rig.price(1, 5, flags)
    rig.act("shutdown", by=GOVERNOR, refused=reason)
    assert rig.vaults[A].read("totals") >> 152 & 32 == 0
    rig.price(1, 5)
    rig.act("shutdown", by=GOVERNOR)
    assert rig.read("frozen_price", 1) == 5


@pytest.mark.parametrize("flags", [FAILED, CONFIRMING])
def test_a_dead_feed_of_a_kind_that_nobody_holds_stops_nothing(rig, flags):
    rig.vault("deposit", rig.ids[0], 0, WAD, by=ALICE)
    rig.vault("deposit", rig.ids[0], 1, 1, by=ALICE, book=B)
    rig.price(1, 5, flags)
    rig.act("shutdown", by=GOVERNOR)
    assert rig.read("frozen_price", 1) == 0
    rig.act(
        "shutdown", by=GOVERNOR, book=B, refused="price failed" if flags & 1 else "price confirming"
    )


def test_the_vault_must_name_this_settlement(rig):
    other = rig.deploy("Settlement")
    assert run(rig, GOVERNOR, other, "shutdown", rig.vaults[A].address) == "not settlement"
    assert other.read("phase_of", rig.vaults[A].address) == 0


def test_the_fund_must_count_the_book(rig):
    found = artifact("Vault")
    sender = rig.governor
    address = deploy_contract(
        sender, found, GOVERNOR, rig.coin.address, rig.hub.address, rig.operators.address,
        "0x" + "00" * 20, rig.settlement.address, *BOOK.numbers,
    )  # fmt: skip
    vault = Contract(rig.node, address, found.abi)
    assert run(rig, GOVERNOR, rig.settlement, "shutdown", address) == "vault is no minter"
    rig.send(GOVERNOR, rig.coin, "set_ceiling", address, 0)
    assert run(rig, GOVERNOR, rig.settlement, "shutdown", address) == "fund does not know book"
    # a fund that is not told of the book would not count its debt
    rig.send(GOVERNOR, vault, "propose_fund", STRANGER)
    rig.send(STRANGER, vault, "accept_fund")
    assert run(rig, GOVERNOR, rig.settlement, "shutdown", address) is not None
    rig.send(GOVERNOR, vault, "propose_fund", rig.fund.address)
    rig.send(GOVERNOR, rig.fund, "add_book", address)
    assert run(rig, GOVERNOR, rig.settlement, "shutdown", address) is None


def test_what_the_fund_had_not_drawn_joins_the_pool(rig):
    """Absorbed collateral counts nothing while the book lives, and all of it from then on."""
    id = rig.ids[0]
    rig.vault("deposit", id, 0, 10 * WAD, by=ALICE)
    rig.vault("borrow", id, 15_000 * WAD, ALICE, by=ALICE)
    rig.price(0, 1_700 * WAD)
    rig.vault("margin_call", id, by=KEEPER)
    rig.wait(3_600 + 7_200 + 1)
    rig.vault("absorb", id, by=KEEPER)
    absorbed = rig.vaults[A].read("absorbed", 0)
    assert absorbed == 10 * WAD  # 15,000 with penalty is more than 17,000 at the end factor
    assert rig.equity() == -15_000 * WAD
    rig.price(0, 1_800 * WAD)
    found = names(rig, shut(rig))
    assert found[-1][1]["backing"] == 18_000 * WAD
    assert rig.equity() == 3_000 * WAD
    assert run(rig, GOVERNOR, rig.fund, "collect", rig.vaults[A].address, 0) == "not fund"
    assert rig.vaults[A].read("absorbed", 0) == absorbed


def test_the_feeds_may_die_after_a_shutdown(rig):
    """No step after the first looks at a price, and nothing blocks a repayment."""
    id, other = rig.ids[0], rig.ids[2]
    for who, account in ((ALICE, id), (BOB, other)):
        rig.vault("deposit", account, 0, 10 * WAD, by=who)
        rig.vault("borrow", account, 10_000 * WAD, who, by=who)
    rig.act("shutdown", by=GOVERNOR)
    rig.price(0, 5, FAILED)
    rig.vault("repay", id, 5_000 * WAD, by=ALICE)
    rig.vault("repay", id, MAX, by=ALICE)
    rig.vault("withdraw", id, 0, MAX, ALICE, by=ALICE)
    rig.vault("deposit", other, 0, 1, by=KEEPER)
    rig.act("settle", other, by=BOB)
    rig.act("open_redemption")
    rig.act("redeem", 4_000 * WAD, BOB, by=BOB)
    rig.wait(DAY)
    rig.vault("withdraw", other, 0, MAX, BOB, by=BOB)
    # five given up with the keeper's unit, two redeemed, five kept
    assert rig.held(0, BOB) == 10**9 * WAD - 3 * WAD
