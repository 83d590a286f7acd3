# SPDX-License-Identifier: MIT
"""The edges of every packed field: what fits is kept to the last bit, what does not is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.anvil import Anvil
from surety.chain import Rpc
from tests.unit.vault_liquidation.stub import STILL, StubBook, StubKind
from tests.world import GENESIS, MAX, WAD, reverts

HALF = 2**128 - 1
NO_ACCOUNT = (1 << 168, 1 << 255, MAX)


@pytest.fixture(scope="module")
def base_stub():
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield StubBook(Rpc(node.url), [StubKind(), StubKind()], replace(STILL, debt_floor=1))


@pytest.fixture
def stub(base_stub):
    """A book without interest over a hub that prices anything at anything."""
    mark = base_stub.rpc.snapshot()
    yield base_stub
    base_stub.rpc.revert(mark)


def put(stub, account, kind, amount):
    stub.tokens[kind].transact("mint", stub.owner, amount, sender=stub.governor)
    stub.vault.transact("deposit", account, kind, amount, sender=stub.owner)


@pytest.mark.covers("N05", "N06")
def test_a_debt_of_104_bits(stub):
    most = 2**104 - 1
    stub.say(0, 2**88 - 1)
    put(stub, stub.id, 0, 2**90)
    with reverts("debt too large"):
        stub.vault.transact("borrow", stub.id, most + 1, stub.owner, sender=stub.owner)
    stub.vault.transact("borrow", stub.id, most, stub.owner, sender=stub.owner)
    assert stub.vault.read("accounts", stub.id) % 2**112 == most | 1 << 104
    assert stub.vault.read("totals") == most
    assert stub.debt() == most
    with reverts("debt too large"):
        stub.vault.transact("borrow", stub.id, 1, stub.owner, sender=stub.owner)
    put(stub, stub.id + 1, 0, 2**90)
    stub.vault.transact("move", stub.id, stub.id + 1, [], most, sender=stub.owner)
    assert stub.vault.read("accounts", stub.id) % 2**104 == 0
    stub.vault.transact("repay", stub.id + 1, MAX, sender=stub.owner)
    assert stub.vault.read("totals") == 0


@pytest.mark.covers("N05")
def test_a_total_debt_of_112_bits(stub):
    stub.say(0, 2**88 - 1)
    stub.vault.transact("set_pauses", 4, sender=stub.governor)
    one = 2**104 - 1
    for sub in range(256):
        put(stub, stub.id + sub, 0, 2**90)
        stub.vault.transact("borrow", stub.id + sub, one, stub.owner, sender=stub.owner)
    total = 256 * one
    assert stub.vault.read("totals") == total | 4 << 152
    other = stub.rpc.call("eth_accounts")[2]
    account = int(other, 16) << 8
    stub.tokens[0].transact("mint", other, 2**90, sender=stub.governor)
    stub.tokens[0].transact("approve", stub.vault.address, MAX, sender=other)
    stub.vault.transact("deposit", account, 0, 2**90, sender=other)
    room = 2**112 - 1 - total
    with reverts("debt too large"):
        stub.vault.transact("borrow", account, room + 1, other, sender=other)
    stub.vault.transact("borrow", account, room, other, sender=other)
    assert stub.vault.read("totals") == 2**112 - 1 | 4 << 152


@pytest.mark.covers("N05")
def test_a_total_of_128_bits(stub):
    stub.say(0, 1)
    with reverts("above cap"):
        put(stub, stub.id, 0, HALF + 1)
    put(stub, stub.id, 0, HALF)
    assert stub.vault.read("deposited", 0) == HALF << 128 | HALF
    assert stub.vault.read("balances", stub.id, 0) == HALF
    with reverts("above cap"):
        stub.vault.transact("deposit", stub.id, 0, 1, sender=stub.owner)
    with reverts("cap too large"):
        stub.vault.transact("set_cap", 0, HALF + 1, sender=stub.governor)
    stub.vault.transact("move", stub.id, stub.id + 1, [(0, 2**255 - 1)], 0, sender=stub.owner)
    stub.vault.transact("withdraw", stub.id + 1, 0, MAX, stub.owner, sender=stub.owner)
    assert stub.vault.read("deposited", 0) == HALF << 128


@pytest.mark.parametrize("rate", [2**80, 2**128, MAX])
def test_a_rate_above_its_field(stub, rate):
    before = stub.vault.read("interest")
    with reverts("rate too high"):
        stub.vault.transact("set_rate", rate, sender=stub.governor)
    assert stub.vault.read("interest") == before


@pytest.mark.parametrize("account", NO_ACCOUNT)
def test_what_is_no_account_is_refused_by_every_function(stub, account):
    owner, vault = stub.owner, stub.vault
    for name, args, reason in (
        ("deposit", (account, 0, 1), "unknown account"),
        ("withdraw", (account, 0, 1, owner), "unknown account"),
        ("borrow", (account, 1, owner), "unknown account"),
        ("repay", (account, 1), "unknown account"),
        ("adjust", (account, [(0, 1)], 0, owner, b""), "unknown account"),
        ("margin_call", (account,), "unknown account"),
        ("margin_calls", ([stub.id, account],), "unknown account"),
        ("take", (account, 0, 1, MAX, owner, b""), "unknown account"),
        ("takes", ([(account, 0, 1, MAX)], owner), "unknown account"),
        ("cure", (account,), "unknown account"),
        ("absorb", (account,), "unknown account"),
        ("move", (account, stub.id, [(0, 1)], 0), "unknown account"),
        ("move", (stub.id, account, [(0, 1)], 0), "unknown account"),
        ("set_margin_model", (account, 0), "unknown account"),
    ):
        with reverts(reason):
            vault.transact(name, *args, sender=owner)


@pytest.mark.covers("N05")
def test_eight_legs_and_no_more(stub):
    with reverts("legs not ascending"):
        stub.vault.transact("adjust", stub.id, [(0, 1)] * 8, 0, stub.owner, b"", sender=stub.owner)
    with reverts(""):
        stub.vault.transact("adjust", stub.id, [(0, 1)] * 9, 0, stub.owner, b"", sender=stub.owner)
    with reverts(""):  # more data than a callback may be given
        stub.vault.transact(
            "adjust", stub.id, [(0, 1)], 0, stub.owner, b"x" * 1_025, sender=stub.owner
        )


@pytest.mark.covers("I56", "I61")
@pytest.mark.parametrize("bits", range(32))
def test_no_pause_and_no_freeze_stops_what_lowers_risk(stub, bits):
    """Under every combination, and with a hub that reverts: deposit, repay, withdraw freely."""
    stub.open([10 * WAD, 10 * WAD], 1_000 * WAD)
    free = stub.id + 1
    put(stub, free, 0, WAD)
    stub.vault.transact("set_pauses", bits, sender=stub.governor)
    for kind in (0, 1):
        stub.vault.transact("set_frozen", kind, bool(bits >> kind & 1), sender=stub.governor)
    stub.rpc.call("anvil_setCode", stub.hub.address, "0xfe")
    put(stub, stub.id, 0, WAD)
    stub.vault.transact("withdraw", free, 0, 1, stub.owner, sender=stub.owner)
    stub.vault.transact("move", free, stub.id, [(0, 2)], 0, sender=stub.owner)
    stub.vault.transact("repay", stub.id, 400 * WAD, sender=stub.owner)
    stub.vault.transact("adjust", stub.id, [], -(100 * WAD), stub.owner, b"", sender=stub.owner)
    assert stub.debt() == 500 * WAD
    close = [(0, -(2**255)), (1, -(2**255))]
    stub.vault.transact("adjust", stub.id, close, -(2**255), stub.owner, b"", sender=stub.owner)
    assert stub.vault.read("accounts", stub.id) == 0
    assert stub.tokens[0].read("balanceOf", stub.owner) == 11 * WAD + 3
