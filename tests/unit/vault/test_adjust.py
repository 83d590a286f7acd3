# SPDX-License-Identifier: MIT
"""Adjust: any mix in one call, one check at its end, a callback in between."""

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.formulas import margin_math
from tests.unit.vault.test_borrow import live_index
from tests.unit.vault.test_deposit import cause
from tests.unit.vault.wide import REENTRANT
from tests.world import INT_MIN, MAX, OPEN, WAD, check_books, reverts

ZERO = "0x" + "00" * 20
FLOOR = 2_000 * WAD


def adjust(world, account, legs, debt_delta=0, receiver=None, data=b"", sender=None):
    """Adjust as the owner, who also receives, unless told otherwise."""
    sender = sender or world.owner
    return world.vault.transact(
        "adjust", account, legs, debt_delta, receiver or sender, data, sender=sender
    )


def test_adjust_does_everything_at_once(world):
    account = world.open([(0, 10 * WAD), (1, 10**7)], 5_000 * WAD)
    world.give(world.owner, 2, 8_000 * 10**6)
    before = world.account(account)
    at = world.now + 7_200
    index = live_index(world, at)
    world.next_at(at)

    legs = [(0, -4 * WAD), (1, INT_MIN), (2, 8_000 * 10**6)]
    receipt = adjust(world, account, legs, 2_000 * WAD, world.stranger)

    normalized = before.normalized_debt + margin_math.borrowed_up(2_000 * WAD, index)
    word = normalized | 0b101 << 104 | at << 176
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("Accrued", {"index": index}),
        *(
            ("AccountUpdated", {"account": account, "kind": kind, "balance": left, "word": word})
            for kind, left in ((0, 6 * WAD), (1, 0), (2, 8_000 * 10**6))
        ),
    ]
    assert world.vault.read("accounts", account) == word
    assert world.tokens[0].read("balanceOf", world.stranger) == 4 * WAD
    assert world.tokens[1].read("balanceOf", world.stranger) == 10**7
    assert world.tokens[2].read("balanceOf", world.owner) == 0
    assert world.coin.read("balanceOf", world.stranger) == 2_000 * WAD
    assert [world.total(kind) for kind in range(3)] == [6 * WAD, 0, 8_000 * 10**6]
    check_books(world, [account])


def test_close_repays_all_and_withdraws_all(world):
    account = world.open([(0, 10 * WAD), (2, 10**9)], 5_000 * WAD)
    world.give_coins(world.stranger, 100 * WAD)
    world.coin.transact("transfer", world.owner, 100 * WAD, sender=world.stranger)
    at = world.now + 7_200
    debt = margin_math.debt_up(world.account(account).normalized_debt, live_index(world, at))
    world.next_at(at)
    adjust(world, account, [(0, INT_MIN), (2, INT_MIN)], INT_MIN)
    assert world.vault.read("accounts", account) == 0  # an empty account keeps no times
    assert world.coin.read("balanceOf", world.owner) == 5_100 * WAD - debt
    assert world.tokens[0].read("balanceOf", world.owner) == 10 * WAD
    assert world.state(account) == 0
    check_books(world, [account, world.id(world.other, 255)])


def test_repaying_and_withdrawing_is_one_check_at_the_end(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    with reverts("below initial margin"):
        adjust(world, account, [(0, -5 * WAD)])
    with reverts("below initial margin"):
        adjust(world, account, [(0, -5 * WAD)], -6_000 * WAD)
    adjust(world, account, [(0, -5 * WAD)], -7_000 * WAD)
    assert world.vault.read("balances", account, 0) == 5 * WAD
    assert world.coin.read("balanceOf", world.owner) == 7_000 * WAD


def test_one_outgoing_leg_makes_the_call_risk_raising(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.give(world.stranger, 0, 10 * WAD)
    world.give(world.owner, 1, 10**8)
    with reverts("not authorised"):
        adjust(world, account, [(0, -1)], -5_000 * WAD, sender=world.stranger)
    with reverts("not authorised"):
        adjust(world, account, [(0, 10 * WAD)], 1, sender=world.stranger)
    world.vault.transact("set_pauses", 2, sender=world.governor)
    with reverts("withdrawing paused"):
        adjust(world, account, [(0, -1), (1, 10**8)], -1_000 * WAD)
    world.vault.transact("set_pauses", 1, sender=world.governor)
    with reverts("borrowing paused"):
        adjust(world, account, [(1, 10**8)], 1)


@pytest.mark.parametrize("trouble", ["paused", "feeds dead", "hub gone"])
def test_a_stranger_may_lower_risk_whatever_fails(world, trouble):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.give(world.stranger, 0, WAD)
    world.give_coins(world.stranger, 1_000 * WAD)
    before = world.account(account)
    cause(world, trouble)
    # no receiver is needed when nothing goes out
    adjust(world, account, [(0, WAD)], -1_000 * WAD, ZERO, sender=world.stranger)
    after = world.account(account)
    assert world.vault.read("balances", account, 0) == 11 * WAD
    assert after.normalized_debt < before.normalized_debt
    assert after.touched_at == before.touched_at


@pytest.mark.covers("N16")
def test_legs_must_ascend_and_be_known(world):
    account = world.open([(0, WAD), (1, 10**8), (2, 10**6)], 0)
    for legs in ([(1, -1), (0, -1)], [(0, -1), (0, -1)], [(0, 1), (2, -1), (1, -1)]):
        with reverts("legs not ascending"):
            adjust(world, account, legs)
    with reverts("unknown kind"):
        adjust(world, account, [(0, -1), (3, 1)])
    with reverts("unknown kind"):
        adjust(world, account, [(0, -1), (32, 1)])


@pytest.mark.parametrize(
    ("leg", "reason"),
    [
        ((0, 0), "zero amount"),
        ((1, INT_MIN), "zero amount"),
        ((0, -WAD - 1), "above balance"),
        ((0, INT_MIN + 1), "above balance"),
        ((0, 2**255 - 1), "above cap"),
        ((0, 2**128), "above cap"),
    ],
)
def test_adjust_refuses_a_leg(world, leg, reason):
    account = world.open([(0, WAD)], 0)
    with reverts(reason):
        adjust(world, account, [leg])


def test_adjust_reverts_when_there_is_nothing_to_change(world):
    with reverts("nothing to change"):
        adjust(world, world.id(world.owner), [])


def test_adjust_reverts_when_the_receiver_is_zero_or_the_vault(world):
    account = world.open([(0, 10 * WAD)], 0)
    for receiver in (ZERO, world.vault.address):
        with reverts("bad receiver"):
            adjust(world, account, [(0, -1)], 0, receiver)
        with reverts("bad receiver"):
            adjust(world, account, [], FLOOR, receiver)


def test_a_repayment_inside_is_cut_to_the_floor(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    world.vault.transact("set_rate", 0, sender=world.governor)
    debt = world.debt(account)
    adjust(world, account, [(0, -WAD)], -(debt - 1))
    assert FLOOR <= world.debt(account) <= FLOOR + 1
    assert world.coin.read("balanceOf", world.owner) == 5_000 * WAD - (debt - FLOOR)


# callback


def owned_by(world, adjuster, legs, debt, sub=0):
    """Open an account of the adjuster, collateral from nowhere."""
    account = world.id(adjuster.address, sub)
    for kind, amount in legs:
        world.give(adjuster.address, kind, amount)
    call = world.vault.encode("adjust", account, legs, debt, adjuster.address, b"")
    adjuster.transact("execute", world.vault.address, call, sender=world.governor)
    return account


@pytest.fixture
def market(world):
    """A market with the coins and tokens of somebody else, at the oracles' prices less 10 bps."""
    sender = UnlockedSender(world.rpc, world.governor)
    address = deploy_contract(sender, artifact("MockMarket"), world.coin.address, 10)
    market = world.contract("MockMarket", address)
    for kind in world.system.kinds:
        market.transact("set_feed", kind.token, kind.oracle, sender=world.governor)
    world.give(address, 0, 1_000 * WAD)
    world.give_coins(address, 500_000 * WAD)
    return market


def test_the_callback_is_told_what_was_asked(world, adjuster):
    account = owned_by(world, adjuster, [(0, 10 * WAD)], 5_000 * WAD)
    legs = [(0, -WAD)]
    call = world.vault.encode("adjust", account, legs, 7, adjuster.address, b"hello")
    receipt = adjuster.transact("execute", world.vault.address, call, sender=world.governor)
    (told,) = [e for e in adjuster.events(receipt) if e.name == "Called"]
    assert told.args == {
        "sender": world.vault.address,
        "account": account,
        "data": b"hello",
    }


def test_no_data_means_no_callback(world, adjuster):
    account = owned_by(world, adjuster, [(0, 10 * WAD)], 5_000 * WAD)
    call = world.vault.encode("adjust", account, [], 7, adjuster.address, b"")
    receipt = adjuster.transact("execute", world.vault.address, call, sender=world.governor)
    assert [e.name for e in adjuster.events(receipt)] == []
    assert world.coin.read("balanceOf", adjuster.address) == 5_000 * WAD + 7


@pytest.mark.parametrize("bits", range(4, 32, 4))
def test_callbacks_can_be_paused_alone(world, adjuster, bits):
    account = owned_by(world, adjuster, [(0, 10 * WAD)], 5_000 * WAD)
    away = adjuster.address
    world.vault.transact("set_pauses", bits, sender=world.governor)
    loud, silent = (
        world.vault.encode("adjust", account, [(0, -WAD)], 7, away, data) for data in (b"x", b"")
    )
    if bits & 16:
        with reverts("callbacks paused"):
            adjuster.transact("execute", world.vault.address, loud, sender=world.governor)
    else:
        adjuster.transact("execute", world.vault.address, loud, sender=world.governor)
    adjuster.transact("execute", world.vault.address, silent, sender=world.governor)
    out = WAD if bits & 16 else 2 * WAD
    assert world.tokens[0].read("balanceOf", away) == out
    assert world.vault.read("balances", account, 0) == 10 * WAD - out


def test_leverage_without_a_flash_loan(world, adjuster, market):
    """One own eth becomes three: borrow, buy inside the callback, bring all of it in."""
    account = world.id(adjuster.address)
    world.give(adjuster.address, 0, WAD)
    coins = 2 * 2_000 * WAD * 10_000 // 9_990 + 2
    adjuster.transact(
        "set_steps",
        [
            (world.coin.address, world.coin.encode("approve", market.address, MAX)),
            (
                market.address,
                market.encode(
                    "buy", world.tokens[0].address, coins, 2 * WAD - 10**15, adjuster.address
                ),
            ),
        ],
        sender=world.governor,
    )
    legs = [(0, 3 * WAD - 10**15)]
    call = world.vault.encode("adjust", account, legs, coins, adjuster.address, b"lever")
    adjuster.transact("execute", world.vault.address, call, sender=world.governor)
    assert world.vault.read("balances", account, 0) == 3 * WAD - 10**15
    assert coins <= world.debt(account) <= coins + 1
    assert world.coin.read("balanceOf", adjuster.address) == 0
    leverage = world.lens.read("account_of", world.vault.address, account)[14]
    assert 29 * WAD < leverage * 10 < 31 * WAD
    check_books(world, [account, world.id(world.other, 255)])


def test_deleverage_without_a_flash_loan(world, adjuster, market):
    account = owned_by(world, adjuster, [(0, 10 * WAD)], 14_000 * WAD)
    away = adjuster.address
    burn = world.coin.encode("transfer", world.stranger, 14_000 * WAD)
    adjuster.transact("execute", world.coin.address, burn, sender=world.governor)
    adjuster.transact(
        "set_steps",
        [
            (world.tokens[0].address, world.tokens[0].encode("approve", market.address, MAX)),
            (
                market.address,
                market.encode("sell", world.tokens[0].address, 8 * WAD, 0, away),
            ),
        ],
        sender=world.governor,
    )
    call = world.vault.encode("adjust", account, [(0, INT_MIN)], INT_MIN, away, b"close")
    adjuster.transact("execute", world.vault.address, call, sender=world.governor)
    assert world.debt(account) == 0
    assert world.account(account).collateral_mask == 0
    assert world.tokens[0].read("balanceOf", away) == 2 * WAD
    assert world.coin.read("balanceOf", away) > 0
    check_books(world, [account, world.id(world.other, 255)])


def test_collateral_that_does_not_come_undoes_everything(world, adjuster):
    account = owned_by(world, adjuster, [(0, WAD)], 0)
    supply = world.coin.read("totalSupply")
    call = world.vault.encode(
        "adjust", account, [(0, 1_000 * WAD)], 500_000 * WAD, adjuster.address, b"x"
    )
    with reverts(""):
        adjuster.transact("execute", world.vault.address, call, sender=world.governor)
    assert world.coin.read("totalSupply") == supply
    assert world.vault.read("balances", account, 0) == WAD


def every_call(world, account):
    """Return call data of every external function of the vault, views too."""
    samples = {
        "uint256": 0,
        "address": world.stranger,
        "bool": True,
        "int256": 0,
        "bytes": b"",
        "(uint256,int256)[]": [(0, 1)],
        "uint256[]": [account],
        "(uint256,uint256,uint256,uint256)[]": [(account, 0, 1, MAX)],
    }
    own = {
        "deposit": (account, 0, 1),
        "withdraw": (account, 0, 1, world.stranger),
        "borrow": (account, 1, world.stranger),
        "repay": (account, 1),
        "adjust": (account, [(0, -1)], 0, world.stranger, b""),
        "move": (account, account + 1, [(0, 1)], 0),
        "set_margin_model": (account, 0),
        "accounts": (account,),
        "balances": (account, 0),
        "debt_of": (account,),
        "health_factor": (account,),
    }
    calls = {}
    for (name, _), function in world.vault.interface.functions.items():
        args = own.get(name) or [samples[kind] for kind in function.inputs.types]
        calls[name] = function.encode(*args)
    return calls


@pytest.mark.parametrize(
    ("legs", "debt"), [([(0, -WAD), (2, 10**6)], 1), ([(0, WAD), (1, -7)], -WAD)]
)
def test_the_callback_enters_nothing_and_reads_only_what_will_be(world, adjuster, legs, debt):
    """A view either is locked or answers exactly the state that is committed afterwards."""
    account = owned_by(world, adjuster, [(0, 10 * WAD), (1, 10**8)], 5_000 * WAD)
    for kind in range(3):
        world.give(adjuster.address, kind, WAD)
    views = {f["name"] for f in artifact("Vault").abi if f.get("stateMutability") == "view"}
    calls = every_call(world, account)
    assert len(calls) > 48
    assert OPEN < views < set(calls)
    world.forward(3_600)  # the next change writes the index
    run = world.vault.encode("adjust", account, legs, debt, adjuster.address, b"x")
    before = {name: world.rpc.eth_call(world.vault.address, calls[name]) for name in OPEN}
    locked, changed = set(), set()
    for name, data in calls.items():
        with world.snapshot():
            adjuster.transact("set_attempt", world.vault.address, data, sender=world.governor)
            adjuster.transact("execute", world.vault.address, run, sender=world.governor)
            assert adjuster.read("attempts") == 1
            # a lock gives no reason; every other refusal of these calls does
            if adjuster.read("reasonless") == 1:
                locked.add(name)
                continue
            assert adjuster.read("successes") == 1
            seen = bytes(adjuster.read("answer"))
            assert seen == world.rpc.eth_call(world.vault.address, data)
            if seen != before[name]:
                changed.add(name)
    assert locked == set(calls) - OPEN
    assert changed == {"accounts", "balances", "deposited", "interest", "totals"}


def test_the_lens_cannot_be_read_half_changed(world, adjuster):
    account = owned_by(world, adjuster, [(0, 10 * WAD)], 5_000 * WAD)
    run = world.vault.encode("adjust", account, [(0, -WAD)], 9, adjuster.address, b"x")
    for name, args in (
        ("levels_of", (world.vault.address, [account])),
        ("account_of", (world.vault.address, account)),
        ("book_of", (world.vault.address,)),
    ):
        data = world.lens.encode(name, *args)
        with world.snapshot():
            adjuster.transact("set_attempt", world.lens.address, data, sender=world.governor)
            adjuster.transact("execute", world.vault.address, run, sender=world.governor)
            tried = adjuster.read("attempts"), adjuster.read("successes")
            assert (*tried, adjuster.read("reasonless")) == (1, 0, 1)


def test_the_fund_cannot_be_read_half_changed(world, adjuster):
    account = owned_by(world, adjuster, [(0, 10 * WAD)], 5_000 * WAD)
    run = world.vault.encode("adjust", account, [], 1, adjuster.address, b"x")
    equity = world.fund.encode("equity")
    adjuster.transact("set_attempt", world.fund.address, equity, sender=world.governor)
    adjuster.transact("execute", world.vault.address, run, sender=world.governor)
    assert (adjuster.read("attempts"), adjuster.read("successes")) == (1, 0)


@pytest.mark.covers("T10", "I66")
@pytest.mark.parametrize(
    "name", ["withdraw", "borrow", "adjust", "repay", "health_factor", "accrue"]
)
def test_a_hook_of_a_token_cannot_enter_again(wide, name):
    account = wide.open([(0, 10 * WAD), (REENTRANT, 10 * WAD)], 5_000 * WAD)
    token = wide.contract("ReentrantToken", wide.tokens[REENTRANT].address)
    data = every_call(wide, account)[name]
    # the token itself is an operator: nothing but the lock holds it back
    wide.set_operator(token.address, MAX, sender=wide.owner)
    token.transact("set_callback", wide.vault.address, data, sender=wide.governor)
    wide.give(wide.owner, REENTRANT, WAD)
    wide.vault.transact("deposit", account, REENTRANT, WAD, sender=wide.owner)
    wide.vault.transact("withdraw", account, REENTRANT, 2 * WAD, wide.owner, sender=wide.owner)
    assert (token.read("calls"), token.read("successes")) == (2, 0)
    assert wide.vault.read("balances", account, REENTRANT) == 9 * WAD
    check_books(wide, [account])


def test_a_rescue_passes_the_cap_but_borrows_nothing(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    world.vault.transact("set_cap", 0, 10 * WAD, sender=world.governor)
    world.follow(2_000 * WAD)
    world.give(world.owner, 0, 10_000 * WAD)
    with reverts("above cap"):
        adjust(world, account, [(0, 10_000 * WAD)], 10_000_000 * WAD)
    world.vault.transact("deposit", account, 0, WAD, sender=world.owner)
    assert world.total(0) == 11 * WAD


@pytest.mark.parametrize("amount", [2**128 + 1, 2**200, 2**255 - 1])
def test_a_debt_that_no_word_holds_is_refused_by_name(world, amount):
    account = world.open([(0, 10 * WAD)], 0)
    with reverts("debt too large"):
        adjust(world, account, [], amount)
    for huge in (amount, MAX):
        with reverts("debt too large"):
            world.vault.transact("borrow", account, huge, world.owner, sender=world.owner)
