# SPDX-License-Identifier: MIT
"""Interest: one index, exact, written at most once an hour, never in anybody's way."""

import pytest

from surety.formulas import margin_math
from tests.unit.vault.test_borrow import live_index
from tests.world import MAX, RAY, WAD, check_books, reverts

YEAR = 365 * 86_400
MAX_RATE = RAY // YEAR + 1
FOREVER = 100 * YEAR


def written(world):
    """Return the stored (index, accrued_at, rate)."""
    word = world.vault.read("interest")
    return word % 2**128, (word >> 128) % 2**40, word >> 168


@pytest.mark.parametrize("elapsed", [1, 12, 3_599, 3_600, 86_400, YEAR, 20 * YEAR, FOREVER])
@pytest.mark.parametrize("rate", [0, 1, RAY * 5 // 100 // YEAR, MAX_RATE])
def test_the_index_is_exact(world, rate, elapsed):
    world.vault.transact("set_rate", rate, sender=world.governor)
    index, at, _ = written(world)
    world.forward(elapsed)
    expected = margin_math.index_up(index, rate, elapsed)
    assert world.now == at + elapsed
    assert world.vault.read("live_index") == expected
    x = min(rate * elapsed, 20 * RAY)
    square = x * x // (2 * RAY)
    series = x + square + square * x // (3 * RAY)
    assert expected == min(2**128 - 1, index + -(-index * series // RAY))


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


def test_a_hundred_idle_years_saturate_and_block_nobody(world):
    account = world.open([(0, 10 * WAD)], 2_000 * WAD)
    world.vault.transact("set_rate", MAX_RATE, sender=world.governor)
    normalized = world.account(account).normalized_debt
    reached = 0
    for _ in range(6):
        world.forward(FOREVER)
        world.vault.transact("accrue", sender=world.stranger)
        reached = written(world)[0]
    assert reached == 2**128 - 1
    debt = margin_math.debt_up(normalized, reached)
    assert world.debt(account) == debt
    assert world.vault.read("total_debt") == margin_math.total_debt_down(normalized, reached)

    # the coins for it come from the governor's hand: another minter
    world.coin.transact("set_ceiling", world.governor, 2**119, sender=world.governor)
    world.coin.transact("mint", world.stranger, debt, sender=world.governor)
    world.vault.transact("repay", account, debt // 2, sender=world.stranger)
    left = world.debt(account)
    assert debt - debt // 2 <= left <= debt - debt // 2 + reached // RAY + 1
    world.vault.transact("repay", account, MAX, sender=world.stranger)
    assert world.debt(account) == 0
    assert world.vault.read("totals") % 2**112 == 0
    world.vault.transact("withdraw", account, 0, MAX, world.owner, sender=world.owner)
    assert world.tokens[0].read("balanceOf", world.owner) == 10 * WAD


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
