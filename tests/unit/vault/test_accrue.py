# SPDX-License-Identifier: MIT
"""Interest: one index, exact, written at most once an hour, never in anybody's way."""

from decimal import Decimal, localcontext

import pytest

from surety.formulas import margin_math
from tests.stateful.node import RevmNode
from tests.unit.vault.test_borrow import live_index
from tests.world import GENESIS, MAX, RAY, WAD, World, check_books, reverts

YEAR = 365 * 86_400
MAX_RATE = RAY // YEAR + 1
FOREVER = 100 * YEAR


def written(world):
    """Return the stored (index, accrued_at, rate)."""
    word = world.vault.read("interest")
    return word % 2**128, (word >> 128) % 2**40, (word >> 168) % 2**66


@pytest.mark.parametrize("elapsed", [1, 12, 3_599, 3_600, 86_400, YEAR, 20 * YEAR, FOREVER])
@pytest.mark.parametrize("rate", [0, 1, RAY * 5 // 100 // YEAR, MAX_RATE])
def test_the_index_is_exact(world, rate, elapsed):
    world.vault.transact("set_rate", rate, sender=world.governor)
    index, at, _ = written(world)
    world.forward(elapsed)
    expected = margin_math.index_up(index, rate, elapsed)
    assert world.now == at + elapsed
    assert world.vault.read("live_index") == expected
    with localcontext(prec=60):
        exact = index * (Decimal(min(rate * elapsed, margin_math.MAX_GROWTH_RAY)) / RAY).exp()
        assert abs(expected - min(2**128 - 1, exact)) <= exact / 10**9 + 1


@pytest.mark.parametrize("rate", [1, RAY * 5 // 100 // YEAR, MAX_RATE])
def test_an_index_poked_every_second_is_one_poked_once(rate):
    """On the vault itself: 7,200 blocks a second apart, of which each accrues."""
    world = World(RevmNode(GENESIS))
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.vault.transact("set_rate", rate, sender=world.governor)
    begun, at, _ = written(world)
    normalized = world.account(account).normalized_debt
    node, vault, data = world.rpc, world.vault.address, world.vault.encode("accrue")
    index = begun
    for second in range(1, 7_201):
        assert node.run(world.stranger, vault, data, at + second).reason is None
        index = margin_math.index_up(index, rate, 1)
    assert written(world) == (index, at + 7_200, rate)
    once = margin_math.index_up(begun, rate, 7_200)
    assert begun + 7_200 <= index  # never rounded away
    assert abs(index - once) * 10**9 <= once
    assert abs(index - once) <= 7_200 + once * rate // 10**27 // 10**6  # and much closer
    assert world.debt(account) == margin_math.debt_up(normalized, index)


def test_accrue_writes_what_is_live(world):
    at = world.now + 10
    index = live_index(world, at)
    world.next_at(at)
    receipt = world.vault.transact("accrue", sender=world.stranger)
    assert [(e.name, e.args) for e in world.events(receipt)] == [("Accrued", {"index": index})]
    assert written(world) == (index, at, world.book.rate)
    assert world.vault.read("live_index") == index
    assert world.vault.read("accrue", sender=world.stranger) == index


def test_ordinary_calls_write_at_most_once_an_hour(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.vault.transact("accrue", sender=world.stranger)
    index, at, rate = written(world)
    world.set_price(0, 2_000 * WAD)
    for call, wrote in ((3_599, False), (3_600, True), (3_601, False), (7_199, False)):
        world.next_at(at + call)
        receipt = world.vault.transact("repay", account, 1, sender=world.owner)
        assert ("Accrued" in [e.name for e in world.events(receipt)]) == wrote
        if wrote:
            index = margin_math.index_up(index, rate, 3_600)
        assert written(world) == (index, at + 3_600 if call >= 3_600 else at, rate)


def test_what_owes_nothing_writes_nothing(world):
    account = world.open([(0, 10 * WAD)], 0)
    before = written(world)
    world.forward(10_000)
    world.give(world.owner, 0, 1)
    world.vault.transact("deposit", account, 0, 1, sender=world.owner)
    world.vault.transact("withdraw", account, 0, MAX, world.owner, sender=world.owner)
    assert written(world) == before


@pytest.mark.parametrize("span", [5, 3_600, 50_000])
def test_a_write_never_changes_the_live_index(world, span):
    at = world.now + span
    with world.snapshot():
        world.forward(span)
        live, debt = world.vault.read("live_index"), world.vault.read("total_debt")
    world.next_at(at)
    world.vault.transact("accrue", sender=world.stranger)
    assert world.vault.read("live_index") == live
    assert world.vault.read("total_debt") == debt
    assert written(world)[0] == live


def test_two_writes_in_one_block_are_one(world):
    world.rpc.call("evm_setAutomine", False)
    try:
        data = "0x" + world.vault.encode("accrue").hex()
        calls = [
            {"from": world.stranger, "to": world.vault.address, "data": data, "gas": hex(200_000)}
            for _ in range(2)
        ]
        sent = [world.rpc.call("eth_sendTransaction", call) for call in calls]
        world.rpc.mine()
    finally:
        world.rpc.call("evm_setAutomine", True)
    receipts = [world.rpc.wait_for_receipt(tx) for tx in sent]
    assert world.event(receipts[0], "Accrued")["index"] == world.vault.read("live_index")
    assert world.events(receipts[1]) == []


@pytest.mark.parametrize("idle", [1, 6])
def test_hundreds_of_idle_years_saturate_and_block_nobody(world, idle):
    """Every call that accrues still works, at the highest rate, without any poke in between."""
    account = world.open([(0, 10 * WAD)], 2_000 * WAD)
    world.vault.transact("set_rate", MAX_RATE, sender=world.governor)
    normalized = world.account(account).normalized_debt
    index = written(world)[0]
    for _ in range(idle - 1):
        world.forward(FOREVER)
        world.vault.transact("accrue", sender=world.stranger)
        index = margin_math.index_up(index, MAX_RATE, FOREVER)
    world.forward(FOREVER)
    reached = margin_math.index_up(index, MAX_RATE, FOREVER)
    assert world.vault.read("live_index") == reached
    assert (reached == 2**128 - 1) == (idle > 1) or reached > 10**8 * RAY
    debt = margin_math.debt_up(normalized, reached)
    assert world.debt(account) == debt
    assert world.vault.read("total_debt") == margin_math.total_debt_down(normalized, reached)

    # the coins for it come from the governor's hand: another minter
    world.coin.transact("set_ceiling", world.governor, 2**119, sender=world.governor)
    world.coin.transact("mint", world.stranger, 2 * debt, sender=world.governor)
    at = world.now + 5
    live = live_index(world, at)
    owed = margin_math.debt_up(normalized, live)
    world.next_at(at)
    world.vault.transact("repay", account, debt // 2, sender=world.stranger)
    left = world.debt(account)
    assert owed - debt // 2 <= left <= owed - debt // 2 + live // RAY + 1
    world.vault.transact("repay", account, MAX, sender=world.stranger)
    assert world.debt(account) == 0
    assert world.vault.read("totals") % 2**112 == 0
    world.vault.transact("withdraw", account, 0, MAX, world.owner, sender=world.owner)
    assert world.tokens[0].read("balanceOf", world.owner) == 10 * WAD
    world.set_price(0, 2_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    opened = world.open([(0, 10 * WAD)], 2_000 * WAD)  # and there is a tomorrow
    assert 2_000 * WAD <= world.debt(opened) <= 2_000 * WAD + live // RAY + 1


def test_set_rate_accrues_at_the_old_rate_first(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    at = world.now + 500
    index = live_index(world, at)
    world.next_at(at)
    receipt = world.vault.transact("set_rate", 77, sender=world.governor)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("Accrued", {"index": index}),
        ("RateSet", {"rate": 77}),
    ]
    assert written(world) == (index, at, 77)
    assert world.debt(account) == margin_math.debt_up(world.account(account).normalized_debt, index)
    check_books(world, [account])


def test_set_rate_is_bounded_and_the_governors(world):
    world.vault.transact("set_rate", MAX_RATE, sender=world.governor)
    with reverts("rate too high"):
        world.vault.transact("set_rate", MAX_RATE + 1, sender=world.governor)
    with reverts("not governor"):
        world.vault.transact("set_rate", 0, sender=world.owner)
