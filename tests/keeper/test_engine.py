# SPDX-License-Identifier: MIT
"""The keeper against real contracts on a real Anvil, on good days and bad ones."""

from __future__ import annotations

from collections import Counter

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.formulas import margin_math
from surety.keeper import Book, DrySender, Keeper, KeeperConfig, KeySender, words
from surety.keeper.index import AccountTable, AccountUpdate
from surety.keeper.risk import State, exact
from surety.keeper.strategy import Absorb, MarginCall, Take
from tests.bad_inputs.tokens import Mode, Says
from tests.keeper.node import faulty_node, forward_to
from tests.keeper.world import KINDS, WAD, World

# a price in the hub younger than a minute is used as it is
STALE = 61


def chain_table(world: World, accounts: list[int]) -> AccountTable:
    """Read accounts one by one from the vault's storage, the slow and certain way."""
    table = AccountTable()
    for account in accounts:
        word = world.vault.read("accounts", account)
        for kind in range(3):
            balance = world.vault.read("balances", account, kind)
            table.apply(AccountUpdate(account, kind, balance, word))
    return table


def all_accounts(world: World, opened: list[int]) -> list[int]:
    return [*opened, int(world.governor, 16) << 8]


def state_of(world: World, account: int) -> State:
    book = Book(world.rpc, world.system.vault)
    reading = book.refresh(lambda head: [])
    assert reading is not None
    row = book.table.row_of(account)
    assert row is not None
    return exact(account, book.table.words[row], book.table.balances[row], reading.view).state


def run_blocks(world: World, keeper: Keeper, count: int, seconds: int = 12) -> list[object]:
    """Let the keeper see a head, then mine the next, `count` times; returns the reports."""
    reports = []
    for _ in range(count):
        reports.append(keeper.on_head())
        world.block(seconds)
    reports.append(keeper.on_head())
    return reports


def kinds_sent(reports) -> Counter[type]:
    return Counter(type(intent) for report in reports for intent in report.sent)


def test_crash_is_called_auctioned_and_sold_at_a_profit(world: World) -> None:
    isolated = world.open(0, 0, {"eth": 10_000}, 14_900)
    cross = world.open(1, 3, {"eth": 1_000, "btc": 1_000, "stable": 500_000}, 31_000)
    safe = world.open(2, 255, {"btc": 1_000}, 5_000)
    world.fund_keeper(100_000)
    world.manual()
    keeper = world.keeper()
    start = world.coin.read("balanceOf", world.key.address)
    reports = run_blocks(world, keeper, 3)
    assert kinds_sent(reports) == {}
    world.price("eth", 1_700)
    world.price("btc", 35_500)
    world.block(STALE)
    reports = run_blocks(world, keeper, 3)
    assert kinds_sent(reports)[MarginCall] == 1 + (state_of(world, cross) is not State.AT_RISK)
    assert keeper.stats.max_blocks_to_call == 1
    assert state_of(world, isolated) in (State.CALLED, State.IN_AUCTION)
    run_blocks(world, keeper, 60, seconds=120)
    reports = run_blocks(world, keeper, 4)
    assert keeper.stats.takes >= 1
    assert keeper.stats.sales >= 1
    assert keeper.inventory == {}
    moved = world.coin.read("balanceOf", world.key.address) - start
    assert keeper.stats.coins_in - keeper.stats.coins_out == moved
    assert keeper.stats.profit > 0
    native = world.rpc.balance(world.key.address)
    assert keeper.stats.fees == 100 * WAD - native
    assert keeper.stats.gas_value == sum_of_gas(keeper)
    # sold to the target, where a block of interest alone makes it AT_RISK again
    assert state_of(world, isolated) in (State.HEALTHY, State.AT_RISK)
    assert words.auction_start(world.vault.read("accounts", isolated)) == 0
    assert state_of(world, safe) is State.HEALTHY
    opened = all_accounts(world, [isolated, cross, safe])
    assert keeper.book.table.checksum() == chain_table(world, opened).checksum()
    assert not any(keeper.book.table.inconsistent(account) for account in opened)


def sum_of_gas(keeper: Keeper) -> int:
    """Gas at 1 gwei and 2,000 coins a native coin: no rounding at these numbers."""
    return keeper.stats.gas * 10**9 * 2_000


def test_integers_equal_the_vault(world: World) -> None:
    opened = [
        world.open(0, 0, {"eth": 10_000}, 14_900),
        world.open(1, 1, {"eth": 333, "btc": 77, "stable": 123_457}, 2_900),
        world.open(2, 2, {"stable": 3_000_000}, 2_600),
        world.open(3, 9, {"btc": 100}, 0),
    ]
    world.price("eth", 1_777)
    world.block(100_000)
    book = Book(world.rpc, world.system.vault)
    reading = book.refresh(lambda head: [])
    assert reading is not None
    for account in opened:
        row = book.table.row_of(account)
        assert row is not None
        found = exact(account, book.table.words[row], book.table.balances[row], reading.view)
        assert world.levels(account) == (
            found.debt,
            found.value,
            found.initial,
            found.target,
            found.maintenance,
            found.close_out,
        )
        health = margin_math.health_factor_down(found.debt, found.maintenance)
        assert world.vault.read("health_factor", account) == health


def test_many_accounts_are_called_in_one_block(world: World) -> None:
    opened = [world.open(n % 5, n, {"eth": 2_000}, 2_950) for n in range(40)]
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_800)
    world.block(STALE)
    report = keeper.on_head()
    assert len(report.sent) == 40
    number = world.block()
    report = keeper.on_head()
    assert [outcome.status for outcome in report.outcomes] == ["mined"] * 40
    assert {outcome.block for outcome in report.outcomes} == {number}
    assert keeper.stats.calls == 40
    assert keeper.stats.blocks_to_call == [1] * 40
    assert {state_of(world, opened[0]), state_of(world, opened[-1])} == {State.CALLED}
    assert keeper.stats.coins_in == 40 * 5 * WAD


def test_nobody_buys_and_the_fund_absorbs(world: World) -> None:
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_000)
    world.block(STALE)
    reports = run_blocks(world, keeper, 100, seconds=120)
    sent = kinds_sent(reports)
    assert sent[MarginCall] >= 1
    assert sent[Take] == 0
    assert sent[Absorb] == 1
    assert keeper.stats.absorbs == 1
    assert world.vault.read("debt_of", account) == 0
    assert world.vault.read("absorbed", 0) > 0
    assert "purse too small" in {skip.reason for report in reports for skip in report.skips}


def test_small_purse_buys_in_parts_and_turns_over(world: World) -> None:
    account = world.open(0, 0, {"eth": 20_000}, 29_500)
    world.fund_keeper(3_000)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_750)
    world.block(STALE)
    run_blocks(world, keeper, 60, seconds=60)
    run_blocks(world, keeper, 60, seconds=30)
    assert keeper.stats.takes > 3
    assert keeper.stats.reverted == 0
    assert state_of(world, account) in (State.HEALTHY, State.AT_RISK)
    assert keeper.stats.profit > 0


def test_automine_works_as_well(world: World) -> None:
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_800)
    world.block(STALE)
    reports = [keeper.on_head() for _ in range(3)]
    outcomes = [outcome for report in reports for outcome in report.outcomes]
    assert [outcome.status for outcome in outcomes] == ["mined"]
    assert keeper.stats.calls == 1
    assert state_of(world, account) is State.CALLED
    # it was not asked at the block of the price, which therefore counts against it
    assert keeper.stats.max_blocks_to_call == 2


@pytest.mark.parametrize("seed", [1, 2])
def test_faulty_node_loses_no_account_and_sends_nothing_twice(world: World, seed: int) -> None:
    opened = [world.open(n % 5, n, {"eth": 2_000}, 2_950) for n in range(12)]
    opened += [world.open(n % 5, 20 + n, {"btc": 100}, 2_950) for n in range(4)]
    world.fund_keeper(50_000)
    world.manual()
    with faulty_node(forward_to(world.rpc.url), seed) as node:
        node.faults = ("429", "html", "truncated", "drop", "lost", "wrong_id", "null", "error")
        keeper = world.keeper(node.url)
        keeper.on_head()
        node.rate = 0.35
        world.price("eth", 1_750)
        world.price("btc", 39_200)
        world.block(STALE)
        errors = 0
        for _ in range(150):
            errors += bool(keeper.on_head().error)
            world.block(60)
        node.rate = 0.0
        for _ in range(6):
            assert not keeper.on_head().error
            world.block(60)
    assert errors > 20
    assert keeper.stats.calls == 12
    assert len(keeper.stats.blocks_to_call) == 12
    assert keeper.stats.takes >= 12
    assert keeper.stats.reverted == 0
    for account in opened:
        assert state_of(world, account) in (State.HEALTHY, State.AT_RISK)
    table = chain_table(world, all_accounts(world, opened))
    assert keeper.book.table.checksum() == table.checksum()
    calls = world.rpc.call(
        "eth_getLogs",
        {
            "address": world.system.vault,
            "fromBlock": "0x0",
            "topics": ["0x" + event_topic("MarginCalled(uint256,uint256,address,uint256)")],
        },
    )
    assert len(calls) == 12
    moved = world.coin.read("balanceOf", world.key.address) - 50_000 * WAD
    assert keeper.stats.coins_in - keeper.stats.coins_out == moved


def event_topic(signature: str) -> str:
    return keccak(text=signature).hex()


def test_dropped_transaction_is_broadcast_again(world: World) -> None:
    world.open(0, 0, {"eth": 10_000}, 14_900)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_800)
    world.block(STALE)
    assert len(keeper.on_head().sent) == 1
    world.rpc.call("anvil_dropAllTransactions")
    run_blocks(world, keeper, 4)
    assert keeper.stats.calls == 1
    assert keeper.stats.blocks_to_call == [3]


def test_base_fee_spike_is_outbid(world: World) -> None:
    world.open(0, 0, {"eth": 10_000}, 14_900)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_800)
    world.block(STALE)
    assert len(keeper.on_head().sent) == 1
    for _ in range(12):
        world.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(50 * 10**9))
        world.block()
        keeper.on_head()
    assert keeper.stats.calls == 1


def test_foreign_use_of_the_key_is_survived(world: World) -> None:
    world.open(0, 0, {"eth": 10_000}, 14_900)
    second = world.open(1, 0, {"eth": 10_000}, 14_400)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    nonce = int(world.rpc.call("eth_getTransactionCount", world.key.address, "latest"), 16)
    for extra in range(2):
        signed = Account.sign_transaction(
            {
                "to": world.key.address,
                "value": 1,
                "gas": 21_000,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 10**10,
                "nonce": nonce + extra,
                "chainId": 31_337,
                "type": 2,
            },
            world.key.key,
        )
        world.rpc.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
    world.price("eth", 1_850)
    world.block(STALE)
    run_blocks(world, keeper, 3)
    assert keeper.stats.calls == 1
    world.price("eth", 1_790)
    world.block(STALE)
    run_blocks(world, keeper, 3)
    assert keeper.stats.calls == 2
    assert state_of(world, second) is State.CALLED


def test_empty_native_balance_is_retried_until_funded(world: World) -> None:
    world.open(0, 0, {"eth": 10_000}, 14_900)
    world.rpc.set_balance(world.key.address, 0)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_800)
    world.block(STALE)
    reports = run_blocks(world, keeper, 10)
    assert keeper.stats.calls == 0
    refused = [o.reason for report in reports for o in report.outcomes]
    assert any("nsufficient" in reason for reason in refused), refused
    world.rpc.set_balance(world.key.address, WAD)
    run_blocks(world, keeper, 6)
    assert keeper.stats.calls == 1


def test_reverted_branch_is_forgotten(world: World) -> None:
    first = world.open(0, 0, {"eth": 10_000}, 14_900)
    keeper = world.keeper()
    keeper.on_head()
    before = world.rpc.snapshot()
    gone = world.open(1, 1, {"eth": 1_000}, 0)
    keeper.on_head()
    assert gone in keeper.book.table
    world.rpc.revert(before)
    stays = world.open(2, 2, {"btc": 100, "eth": 1_000}, 2_500)
    report = keeper.on_head()
    assert not report.error
    assert gone not in keeper.book.table
    table = chain_table(world, all_accounts(world, [first, stays]))
    assert keeper.book.table.checksum() == table.checksum()


def test_spoiled_row_stops_no_other_account(world: World) -> None:
    bad = world.open(0, 0, {"eth": 10_000}, 14_900)
    good = world.open(1, 0, {"eth": 10_000}, 14_900)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    row = keeper.book.table.row_of(bad)
    assert row is not None
    keeper.book.table.balances[row] = {0: 2**255}
    world.price("eth", 1_800)
    world.block(STALE)
    report = keeper.on_head()
    assert [intent.account for intent in report.sent] == [good]
    assert [skip.account for skip in report.skips] == [bad]


def test_without_a_market_it_only_calls(world: World) -> None:
    world.open(0, 0, {"eth": 10_000}, 14_900)
    world.fund_keeper(50_000)
    sender = DrySender(world.key.address)
    keeper = Keeper(world.rpc, world.system.vault, sender, None, KeeperConfig())
    keeper.on_head()
    world.price("eth", 1_600)
    world.block(STALE)
    report = keeper.on_head()
    assert [type(intent) for intent in report.sent] == [MarginCall]
    assert report.sent[0].immediate
    assert [item.tag for item in sender.sent] == [f"account:{report.sent[0].account}"]
    assert keeper.stats.calls == 0


def test_quiet_block_costs_two_round_trips(world: World) -> None:
    for n in range(10):
        world.open(n % 5, n, {"eth": 2_000}, 2_500)
    with faulty_node(forward_to(world.rpc.url)) as node:
        keeper = world.keeper(node.url)
        keeper.on_head()
        for _ in range(3):
            world.block()
            before = node.requests
            assert not keeper.on_head().error
            assert node.requests - before == 2


def test_new_kind_is_priced_in_the_block_it_is_listed(world: World) -> None:
    """A cold start has no kinds to ask about before it has read the logs."""
    account = world.open(0, 0, {"eth": 10_000}, 14_900)
    world.price("eth", 1_800)
    world.block(STALE)
    keeper = world.keeper()
    report = keeper.on_head()
    assert report.states[State.CALLABLE] == 1
    assert [intent.account for intent in report.sent] == [account]
    assert words.kinds_of(sum(1 << kind for kind in keeper.book.configs)) == [0, 1, 2]


def test_wrong_key_chain_is_refused_by_the_node(world: World) -> None:
    rpc = Rpc(world.rpc.url)
    world.open(0, 0, {"eth": 10_000}, 14_900)
    world.price("eth", 1_800)
    world.block(STALE)
    keeper = Keeper(rpc, world.system.vault, KeySender(rpc, world.key, 1))
    report = keeper.on_head()
    assert report.sent == []
    assert [outcome.status for outcome in report.outcomes] == ["refused"]


def turn_into_fee_token(world: World, name: str, bps: int) -> None:
    """Let a token keep a part of every transfer from now on; its balances stay."""
    sender = UnlockedSender(world.rpc, world.governor)
    made = deploy_contract(sender, artifact("FeeToken"), name, name, KINDS[name][1])
    place = world.token(name).address
    world.rpc.call("anvil_setCode", place, "0x" + world.rpc.code(made).hex())
    token = Contract(world.rpc, place, artifact("FeeToken").abi)
    token.transact("set_fee", bps, sender=world.governor)


@pytest.mark.covers("T08")
@pytest.mark.parametrize("bps", [0, 1_000, 10_000])
def test_bug__a_token_that_delivers_less_is_bought_once(world: World, bps: int) -> None:
    """A vault says what it sold, not what arrived: the keeper bought on until its purse was empty.

    Without a fee it buys in several parts, the control.
    """
    account = world.open(0, 0, {"eth": 20_000}, 29_500)
    world.fund_keeper(3_000)
    turn_into_fee_token(world, "eth", bps)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_750)
    world.block(STALE)
    reports = run_blocks(world, keeper, 60, seconds=60)
    reports += run_blocks(world, keeper, 60, seconds=30)
    told = {(skip.account, skip.reason) for report in reports for skip in report.skips}
    warning = account, "delivered less than was bought: never again"
    assert (keeper.stats.takes == 1, warning in told) == (bps > 0, bps > 0)
    assert keeper.stats.takes > 0
    if bps:
        # what it has is a part of what the vault says it bought, or what that was sold for
        assert keeper.stats.coins_out - keeper.stats.coins_in < 3_000 * WAD
        assert keeper.inventory == {}


def turned(world: World, name: str, *modes: int) -> Contract:
    """Let a token be hostile in what `transferFrom`, `transfer` and `balanceOf` do.

    The vault has of it what it had.
    """
    sender = UnlockedSender(world.rpc, world.governor)
    kind, decimals = KINDS[name]
    made = deploy_contract(sender, artifact("HostileToken"), name, name, decimals)
    place = world.token(name).address
    world.rpc.call("anvil_setCode", place, "0x" + world.rpc.code(made).hex())
    token = Contract(world.rpc, place, artifact("HostileToken").abi)
    # its storage is another's: say again what it is
    token.transact("set_decimals", decimals, sender=world.governor)
    held = world.vault.read("deposited", kind) % 2**128
    token.transact("mint", world.vault.address, held, sender=world.governor)
    token.transact("set_modes", *modes, sender=world.governor)
    return token


@pytest.mark.parametrize("balance", [2**128, 2**256 - 1])
def test_bug__a_token_that_says_too_much_stops_nothing_else(world: World, balance: int) -> None:
    """A balance of 256 bits in the keeper's sums ended its round, and each that came after."""
    hostile = world.open(0, 0, {"eth": 20_000}, 29_500)
    other = world.open(1, 0, {"btc": 1_000}, 29_500)
    world.fund_keeper(100_000)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_750)
    world.price("btc", 36_000)
    world.block(STALE)
    run_blocks(world, keeper, 60, seconds=61)
    assert keeper.stats.calls == 2
    world.rpc.call("evm_setAutomine", True)
    token = turned(world, "eth", Mode.PLAIN, Mode.LIE, Says.BYTES)
    token.transact("set_raw", balance.to_bytes(32), sender=world.governor)
    world.manual()
    reports = run_blocks(world, keeper, 40, seconds=60)
    assert {report.error for report in reports} == {""}
    assert state_of(world, other) in (State.HEALTHY, State.AT_RISK)
    # nobody can look at what arrives of it, so it is not bought
    assert state_of(world, hostile) is State.IN_AUCTION
    assert hostile not in {each.account for report in reports for each in report.sent}


@pytest.mark.covers("T14")
@pytest.mark.parametrize("refused", [True, False])
def test_bug__what_cannot_be_sold_is_not_bought_for_ever(world: World, refused: bool) -> None:
    """A token that lets the vault pay, and lets nobody sell, took the purse as often as there was
    one; the market's quote knows nothing of it.
    """
    world.open(0, 0, {"eth": 200_000}, 295_000)
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_750)
    world.block(STALE)
    run_blocks(world, keeper, 90, seconds=61)
    world.rpc.call("evm_setAutomine", True)
    turned(world, "eth", Mode.REVERT if refused else Mode.PLAIN, Mode.PLAIN, Says.HONEST)
    for _ in range(8):
        # whatever is lost is replaced
        world.rpc.call("evm_setAutomine", True)
        world.fund_keeper(3_000)
        world.manual()
        run_blocks(world, keeper, 5)
    assert keeper.stats.takes > 0
    assert (keeper.stats.sales == 0) == refused
    assert (keeper.stats.takes <= 3) == refused, keeper.stats.takes


# holds ten thousand million units for everybody, and answers anything else by ...
HOLDS_AND = "0x5f3560e01c6370a08231146011575f5f{}5b678ac7230489e800005f5260205ff3"


@pytest.mark.parametrize(
    ("rest", "reverted"),
    [pytest.param("f3", 0, id="answers-nothing"), pytest.param("fd", 3, id="reverts")],
)
def test_bug__a_senseless_allowance_keeps_no_other_token_from_being_sold(
    world: World, rest: str, reverted: int
) -> None:
    """Anybody can send a keeper a unit of it: no other token was approved to the market from then
    on, or an approval was tried in each block.
    """
    world.open(0, 0, {"eth": 20_000}, 29_500)
    world.fund_keeper(30_000)
    world.rpc.call("anvil_setCode", world.token("stable").address, HOLDS_AND.format(rest))
    world.manual()
    keeper = world.keeper()
    keeper.on_head()
    world.price("eth", 1_750)
    world.block(STALE)
    run_blocks(world, keeper, 80, seconds=61)
    assert (keeper.stats.takes, keeper.stats.sales) == (1, 1)
    assert keeper.stats.reverted == reverted
    assert keeper.inventory.keys() == {2}
