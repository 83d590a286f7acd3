# SPDX-License-Identifier: MIT
"""Books that break, callers that starve, tokens that call back, hubs that change."""

import pytest
from eth_utils.crypto import keccak

from surety.chain import Reverted, RpcError, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.unit.insurance_fund.test_auction import LEGS, PRICES, buy, refresh, start, stocked
from tests.unit.insurance_fund.test_equity import second_book
from tests.unit.listings.desk import Desk
from tests.world import MAX, WAD, reverts

__all__ = ["stocked"]

BROKEN = {
    "reverts": "0x5f5ffd",
    "burns its gas": "0xfe",
    "answers nothing": "0x00",
    "answers two words": "0x60405ff3",
    "is gone": "0x",
}
ADDED = 5 * WAD


@pytest.fixture
def broken(world, fund):
    """Let the fund count a second book, and then break that one."""

    def make(how):
        second = second_book(world)
        fund.transact("add_book", second.address, sender=world.governor)
        world.rpc.call("anvil_setCode", second.address, BROKEN[how])
        return second

    return make


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_book_holds_up_no_sale(world, fund, stocked, broken, how):
    token = stocked()
    world.vault.transact("set_rate", 0, sender=world.governor)
    surplus, deficit = fund.read("equity")
    broken(how)
    for name in ("equity", "buffer_target"):
        with reverts("not all read"):
            fund.read(name)
    told = fund.read("solvency")
    assert told[-1] == 0b10
    assert (told[6], told[7]) == (surplus, deficit)  # the broken book was owed nothing
    start(world)
    for receipt in (
        buy(world, token, WAD),
        fund.transact("recapitalise", ADDED, sender=world.keeper),
    ):
        (event,) = fund.events(receipt)
        assert (event.args["surplus"], event.args["deficit"]) == (MAX, MAX)
    assert token.read("balanceOf", world.keeper) == WAD
    with pytest.raises((Reverted, RpcError)):
        fund.transact("reap", sender=world.stranger)
    with reverts("not all read"):
        fund.transact("add_book", second_book_broken(world), sender=world.governor)


def second_book_broken(world):
    """A book of the right coin that does not say what it is owed."""
    sender = UnlockedSender(world.rpc, world.governor)
    book = deploy_contract(sender, artifact("MockBook"), world.governor, world.hub.address)
    slot = artifact_slot_of_coin(world, book)
    world.rpc.call("anvil_setStorageAt", book, hex(slot), "0x" + world.coin.address[2:].zfill(64))
    return book


def artifact_slot_of_coin(world, book):
    """Find where the mock keeps its coin."""
    bound = world.contract("MockBook", book)
    for slot in range(8):
        with world.snapshot():
            world.rpc.call("anvil_setStorageAt", book, hex(slot), "0x" + "11" * 20 + "00" * 12)
            word = "0x" + ("11" * 20).zfill(64)
            world.rpc.call("anvil_setStorageAt", book, hex(slot), word)
            if int(bound.read("coin"), 16) == int("11" * 20, 16):
                return slot
    raise AssertionError("no slot holds the coin")


def test_equity_cannot_be_bent_by_starving_a_book(world, fund):
    """With whatever gas it is asked, it tells the truth or nothing."""
    world.open([(0, 10 * WAD)], 10_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    sender = UnlockedSender(world.rpc, world.governor)
    reserve = deploy_contract(sender, artifact("MockBacked"), world.coin.address)
    world.coin.transact("set_ceiling", reserve, 10**6 * WAD, sender=world.governor)
    fund.transact("add_book", second_book(world).address, sender=world.governor)
    truth = fund.read("equity")
    backed = world.contract("MockBacked", reserve)
    seen = set()
    for with_reserve in (False, True):
        if with_reserve:
            fund.transact("add_reserve", reserve, sender=world.governor)
            backed.transact("give", world.other, 777 * WAD, sender=world.governor)
        for gas in (*range(22_000, 120_000, 1_000), *range(120_000, 2_400_000, 60_000)):
            call = {"to": fund.address, "data": "0x" + fund.encode("equity").hex(), "gas": hex(gas)}
            try:
                answer = world.rpc.call("eth_call", call, "latest")
            except RpcError:
                seen.add("refused")
                continue
            assert fund.decode("equity", bytes.fromhex(answer[2:])) == truth
            seen.add("told")
    assert seen == {"refused", "told"}


def test_nothing_is_reaped_while_a_book_does_not_say_what_it_is_owed(world, fund, stocked):
    """A book that answers all but that, and so gets past what is asked before: lost and shut."""
    stocked()
    world.vault.transact("set_rate", 0, sender=world.governor)
    second = second_book(world)
    fund.transact("add_book", second.address, sender=world.governor)
    mute = keccak(b"total_debt()")[:4].hex()
    # revert for that selector, else answer 0
    code = f"0x5f3560e01c63{mute}1460125760205ff3" + "5b5f5ffd"
    assert bytes.fromhex(code[2:])[18] == 0x5B, "where it jumps to"
    world.rpc.call("anvil_setCode", second.address, code)
    world.forward(2 * 86_400)
    with reverts("not all read"):
        fund.transact("reap", sender=world.stranger)
    silent = code.replace(mute, "00000000")
    world.rpc.call("anvil_setCode", second.address, silent)
    with reverts("nothing to reap"):
        fund.transact("reap", sender=world.stranger)


def test_a_broken_reserve_can_be_removed(world, fund):
    sender = UnlockedSender(world.rpc, world.governor)
    reserve = deploy_contract(sender, artifact("MockBacked"), world.coin.address)
    world.coin.transact("set_ceiling", reserve, 10**6 * WAD, sender=world.governor)
    fund.transact("add_reserve", reserve, sender=world.governor)
    backed = world.contract("MockBacked", reserve)
    backed.transact("give", world.keeper, 500 * WAD, sender=world.governor)
    assert fund.read("equity") == (0, 0)
    with reverts("reserve left"):
        fund.transact("remove_reserve", reserve, sender=world.governor)
    world.rpc.call("anvil_setCode", reserve, BROKEN["burns its gas"])
    with reverts("not all read"):
        fund.read("equity")
    assert fund.read("solvency")[-1] == 1 << 16
    fund.transact("remove_reserve", reserve, sender=world.governor)
    assert fund.read("equity") == (0, 500 * WAD)  # what nothing backs any more is seen


@pytest.mark.covers("T10")
def test_a_token_that_calls_back_is_locked_out(world, fund, stocked):
    stocked()
    desk = Desk(world)
    token = desk.new("ReentrantToken", "Hook", "HOOK", 18)
    desk.list(desk.good(token=token.address))
    kind = 3
    token.transact("mint", fund.address, 10 * WAD, sender=world.governor)
    start(world, kind)
    calls = (
        fund.encode("buy", token.address, 1, MAX, world.keeper),
        fund.encode("start_auction", world.vault.address, kind),
        fund.encode("collect", world.vault.address, 0),
        fund.encode("recapitalise", 1),
        fund.encode("reap"),
        fund.encode("equity"),
        fund.encode("solvency"),
        fund.encode("accept_governor"),
    )
    for call in calls:
        token.transact("set_callback", fund.address, call, sender=world.governor)
        buy(world, token, WAD)
        assert (token.read("calls"), token.read("successes")) == (1, 0)
        assert token.read("last_response") == b""  # the lock reverts without a reason
    assert token.read("balanceOf", world.keeper) == len(calls) * WAD


@pytest.mark.covers("T01", "T02")
@pytest.mark.parametrize("mock", ["FalseToken", "NoReturnToken"])
def test_a_token_that_refuses_stops_its_own_sale_only(world, fund, stocked, mock):
    stocked()
    desk = Desk(world)
    token = desk.new(mock, "T", "T", 18)
    desk.list(desk.good(token=token.address))
    token.transact("mint", fund.address, WAD, sender=world.governor)
    start(world, 3)
    start(world, 0)
    had = world.coin.read("balanceOf", world.keeper)
    if mock == "FalseToken":
        with reverts("transfer out failed"):
            buy(world, token, WAD)
        assert world.coin.read("balanceOf", world.keeper) == had
        assert fund.read("auction_of", token.address)[0] == WAD
        token.transact("set_refuses", False, sender=world.governor)
    buy(world, token, WAD)
    assert token.read("balanceOf", world.keeper) == WAD
    buy(world, world.tokens[0], WAD)


def test_of_two_hubs_the_one_named_at_the_start_counts(world, fund, stocked):
    token = stocked()
    sender = UnlockedSender(world.rpc, world.governor)
    hub = world.contract("MockHub", deploy_contract(sender, artifact("MockHub")))
    hub.transact("set_kind", 0, token.address, sender=world.governor)
    hub.transact("set_word", 0, 7 * WAD, 7 * WAD, 10_000, 10_000, 0, sender=world.governor)
    second = second_book(world, hub.address)
    with reverts("unknown book"):
        fund.transact("start_auction", second.address, 0, sender=world.stranger)
    fund.transact("add_book", second.address, sender=world.governor)
    start(world)
    assert fund.read("auction_of", token.address)[3] == world.hub.address
    with reverts("auction is running"):
        fund.transact("start_auction", second.address, 0, sender=world.stranger)
    assert fund.read("price_of", token.address) > 100 * WAD
    buy(world, token, MAX)
    token.transact("mint", fund.address, WAD, sender=world.governor)
    fund.transact("start_auction", second.address, 0, sender=world.stranger)
    assert fund.read("auction_of", token.address)[3] == hub.address
    assert fund.read("price_of", token.address) == 7 * WAD * 10_300 // 10_000
    # a book that is retired names no hub any more
    world.forward(6 * 3_600 + 1)
    fund.transact("retire_book", second.address, sender=world.governor)
    with reverts("unknown book"):
        fund.transact("start_auction", second.address, 0, sender=world.stranger)
    refresh(world)
    start(world)
    assert fund.read("auction_of", token.address)[3] == world.hub.address


def test_a_shut_book_holds_reaping_up_and_keeps_what_it_absorbed(world, fund, absorb):
    world.coin.transact("set_ceiling", fund.address, 10**6 * WAD, sender=world.governor)
    absorb([LEGS[0]], prices=PRICES)
    refresh(world)
    debt, pools = fund.read("solvency")[:2]
    assert (debt, pools) == (0, 0)
    settlement = world.contract("Settlement", world.system.settlement)
    settlement.transact("shutdown", world.vault.address, sender=world.governor)
    pool = LEGS[0][1] * world.price(0) // WAD
    told = fund.read("solvency")
    assert (told[1], told[10]) == (pool, 0)  # a pool now, and nothing to collect
    supply = world.coin.read("totalSupply")
    assert fund.read("equity") == (max(pool - supply, 0), max(supply - pool, 0))
    with reverts("not fund"):
        fund.transact("collect", world.vault.address, 0, sender=world.stranger)
    world.forward(2 * 86_400)
    with reverts("book is shut down"):
        fund.transact("reap", sender=world.stranger)
    with reverts("pool left"):
        world.coin.transact("set_ceiling", world.vault.address, 0, sender=world.governor)
        fund.transact("retire_book", world.vault.address, sender=world.governor)
