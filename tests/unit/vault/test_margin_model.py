# SPDX-License-Identifier: MIT
"""Accounts under a margin model: chosen, default, broken, and tiered from deposit to auction."""

from __future__ import annotations

import pytest

from surety.chain import Reverted, RpcError, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.formulas import margin_math
from tests.unit.margin_models.mock import BROKEN, ZERO, Mock, Models
from tests.world import CALLABLE, MAX, WAD, World, check_books, reverts

FLOOR = 2_000 * WAD
DEBT = 10_000 * WAD  # of ten eth, which support 15,000 at the initial level
SLOT = 3


@pytest.fixture
def models(still):
    return Models(still)


@pytest.fixture
def mock(still, models):
    """A model in slot 3 that takes nothing off."""
    model = Mock(still)
    models.list(SLOT, model.address)
    return model


def choose(world: World, account: int, slot: int = SLOT, sender: str | None = None):
    sender = sender or world.owner
    return world.vault.transact("set_margin_model", account, slot, sender=sender)


def under(world: World, slot: int = SLOT, debt: int = DEBT, sub: int = 0) -> int:
    """Open an account of ten eth that has chosen a slot."""
    account = world.open([(0, 10 * WAD)], debt, sub=sub)
    choose(world, account, slot)
    return account


# set_margin_model


@pytest.mark.parametrize("slot", [0, 1, SLOT, 255])
@pytest.mark.parametrize("debt", [0, DEBT])
def test_set_margin_model(still, models, mock, slot, debt):
    for listed in (1, 255):
        models.list(listed, mock.address)
    account = still.open([(0, 10 * WAD)], debt)
    before = still.vault.read("accounts", account)
    for chosen in (SLOT, slot, 0, slot):
        receipt = choose(still, account, chosen)
        word = before | chosen << 216
        told = {"account": account, "kind": 255, "balance": 0, "word": word}
        assert [(e.name, e.args) for e in still.events(receipt)] == [("AccountUpdated", told)]
        assert still.vault.read("accounts", account) == word
        assert still.account(account).margin_model == chosen
    check_books(still, [account])


@pytest.mark.parametrize("slot", [256, 257, 2**40, MAX])
def test_set_margin_model_reverts_when_the_slot_does_not_fit(still, mock, slot):
    account = still.open([(0, 10 * WAD)], 0)
    with reverts("unknown model"):
        choose(still, account, slot)


def test_only_owner_and_operator_choose(still, mock):
    account = still.open([(0, 10 * WAD)], DEBT, sub=2)
    for who in (still.stranger, still.governor, still.operator):
        with reverts("not authorised"):
            choose(still, account, sender=who)
    still.set_operator(still.operator, 1 << 1, sender=still.owner)
    with reverts("not authorised"):
        choose(still, account, sender=still.operator)
    still.set_operator(still.operator, 1 << 2, sender=still.owner)
    choose(still, account, sender=still.operator)
    assert still.account(account).margin_model == SLOT


def test_the_initial_level_must_hold_under_the_new_model(still, mock):
    account = still.open([(0, 10 * WAD)], DEBT)
    mock.says(initial=5_000 * WAD + 1)
    with reverts("below initial margin"):
        choose(still, account)
    mock.says(initial=5_000 * WAD)  # exactly what is left
    choose(still, account)
    assert still.levels(account)[2] == DEBT
    # back to the linear margin is a choice like any other
    choose(still, account, 0)
    assert still.levels(account)[2] == 15_000 * WAD


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_model_is_chosen_only_without_debt(still, mock, how):
    account = still.open([(0, 10 * WAD)], DEBT)
    empty = still.open([(0, WAD)], 0, sub=1)
    mock.set_mode(BROKEN[how])
    with reverts("margin model failed"):
        choose(still, account)
    choose(still, empty)
    assert still.account(empty).margin_model == SLOT
    still.vault.transact("withdraw", empty, 0, MAX, still.owner, sender=still.owner)
    assert still.vault.read("accounts", empty) == SLOT << 216  # the choice outlives the position


def test_choosing_clears_the_clock_as_every_passed_initial_check_does(still, mock):
    account = still.open([(0, 10 * WAD)], 14_000 * WAD)
    still.follow(1_700 * WAD)
    still.vault.transact("margin_call", account, sender=still.keeper)
    with reverts("below initial margin"):  # who is called chooses nothing
        choose(still, account)
    still.follow(2_000 * WAD)
    before = still.account(account)
    choose(still, account)
    after = still.account(account)
    assert before.auction_start > 0
    assert (after.auction_start, after.touched_at) == (0, before.touched_at)


# the default of the book


def test_the_default_model_is_of_those_who_chose_none(still, models, mock):
    plain = still.open([(0, 10 * WAD)], DEBT)
    other = Mock(still)
    models.list(SLOT + 1, other.address)
    chosen = under(still, SLOT + 1, sub=1)
    models.list(0, mock.address)
    mock.says(initial=1_000 * WAD, target=100 * WAD)
    linear = still.levels(plain)
    for used in (True, True, False, True):
        receipt = still.use_default_model(used)
        assert [(e.name, e.args) for e in still.events(receipt)] == [
            ("DefaultModelSet", {"used": used})
        ]
        assert still.vault.read("interest") >> 254 == used << 1
        # what a default takes off the other levels fades in
        elapsed = still.now - still.margin_models.read("defaulted_at", still.vault.address)
        target = margin_math.faded_up(0, 100 * WAD, elapsed, 7 * 86_400)
        off = (0, 0, 1_000 * WAD, target, 0, 0) if used else (0,) * 6
        assert still.levels(plain) == tuple(a - b for a, b in zip(linear, off, strict=True))
        assert still.levels(chosen)[2:] == linear[2:]
    with reverts("below initial margin"):
        still.vault.transact("borrow", plain, 4_000 * WAD + 1, still.owner, sender=still.owner)
    still.vault.transact("borrow", plain, 4_000 * WAD, still.owner, sender=still.owner)
    still.vault.transact("borrow", chosen, 5_000 * WAD, still.owner, sender=still.owner)


def test_the_default_flag_stays_when_the_index_is_written(world):
    world.use_default_model()
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    account = world.open([(0, 10 * WAD)], FLOOR)
    world.forward(7_200)
    world.vault.transact("repay", account, 1, sender=world.owner)
    world.vault.transact("set_rate", 5, sender=world.governor)
    world.vault.transact("accrue", sender=world.stranger)
    assert world.vault.read("interest") >> 254 == 0b11
    assert (world.vault.read("interest") >> 168) % 2**66 == 5


def test_an_empty_default_is_the_linear_margin(still):
    account = still.open([(0, 10 * WAD)], DEBT)
    before = still.levels(account)
    still.use_default_model()
    assert still.levels(account) == before
    still.vault.transact("borrow", account, 5_000 * WAD, still.owner, sender=still.owner)
    assert still.debt(account) == 15_000 * WAD


def test_an_empty_slot_is_no_way_around_the_default(still, models, mock):
    models.list(0, mock.address)
    mock.says(initial=5_000 * WAD)
    still.use_default_model()
    account = still.open([(0, 10 * WAD)], DEBT)
    with reverts("below initial margin"):
        still.vault.transact("borrow", account, 1, still.owner, sender=still.owner)
    for empty in (1, 200, 255):
        with reverts("unknown model"):
            choose(still, account, empty)
    assert still.account(account).margin_model == 0


def test_who_is_in_an_emptied_slot_falls_back_to_the_default(still, models, mock):
    account = under(still)
    mock.says(initial=5_000 * WAD)
    default = Mock(still)
    models.list(SLOT, ZERO)
    assert still.levels(account)[2] == 15_000 * WAD  # no default: linear
    models.list(0, default.address)
    default.says(initial=3_000 * WAD)
    still.use_default_model()
    assert still.levels(account)[2] == 12_000 * WAD
    with reverts("below initial margin"):
        still.vault.transact("borrow", account, 2_000 * WAD + 1, still.owner, sender=still.owner)
    with reverts("unknown model"):
        choose(still, account)
    still.vault.transact("borrow", account, 2_000 * WAD, still.owner, sender=still.owner)
    models.list(SLOT, mock.address)
    assert still.levels(account)[2] == 10_000 * WAD


# a model that fails


def risky(world, account, helper):
    """Return the calls that raise risk, by name."""
    owner = world.owner
    return {
        "borrow": (account, 1, owner),
        "withdraw": (account, 0, 1, owner),
        "adjust": (account, [(0, -1)], -WAD, owner, b""),
        "move": (account, helper, [(0, 1)], 0),
        "set_margin_model": (account, SLOT),
    }


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("chosen", [True, False])
def test_a_broken_model_stops_only_what_raises_risk(still, models, mock, how, chosen):
    helper = still.open([(0, 10 * WAD)], 0, sub=1)
    if chosen:
        account = under(still)
    else:
        account = still.open([(0, 10 * WAD)], DEBT)
        models.list(0, mock.address)
        still.use_default_model()
    linear = still.levels(account)
    mock.set_mode(BROKEN[how])
    for name, args in risky(still, account, helper).items():
        with reverts("margin model failed"):
            still.vault.transact(name, *args, sender=still.owner)
    with reverts("margin model failed"):
        still.vault.transact("move", account, helper, [(0, 1)], FLOOR, sender=still.owner)
    still.give(still.stranger, 0, WAD)
    still.vault.transact("deposit", account, 0, WAD, sender=still.stranger)
    still.give(still.owner, 1, 10**6)
    still.vault.transact("deposit", account, 1, 10**6, sender=still.owner)  # a new kind
    still.vault.transact("repay", account, 1_000 * WAD, sender=still.owner)
    still.vault.transact("move", helper, account, [(0, WAD)], 0, sender=still.owner)
    assert still.vault.read("balances", account, 0) == 12 * WAD
    assert still.debt(account) == 9_000 * WAD
    health = margin_math.health_factor_down(9_000 * WAD, linear[4] * 12 // 10 + 320 * WAD)
    assert still.vault.read("health_factor", account) == health
    still.vault.transact("repay", account, MAX, sender=still.owner)
    still.vault.transact("withdraw", account, 0, MAX, still.owner, sender=still.owner)
    assert still.tokens[0].read("balanceOf", still.owner) == 12 * WAD
    check_books(still, [account, helper])


@pytest.mark.parametrize("how", ["reverts", "burns all gas", "64 kB"])
def test_a_broken_model_stops_no_liquidation(still, mock, how):
    account, second = under(still, debt=14_000 * WAD), under(still, debt=14_000 * WAD, sub=1)
    still.give_coins(still.keeper, 30_000 * WAD)
    mock.set_mode(BROKEN[how])
    still.follow(1_600 * WAD)
    vault = still.vault
    # linear: 12,800 at maintenance, 13,600 at close-out: at once
    vault.transact("margin_call", account, sender=still.keeper)
    assert still.account(account).auction_start == still.now
    vault.transact("margin_call", second, sender=still.keeper)
    before = still.debt(account)
    vault.transact("take", account, 0, WAD, MAX, still.keeper, b"", sender=still.keeper)
    assert still.vault.read("balances", account, 0) == 9 * WAD
    assert still.debt(account) < before
    still.follow(1_900 * WAD)
    vault.transact("cure", account, sender=still.stranger)
    assert still.account(account).auction_start == 0
    still.follow(1_500 * WAD)
    still.forward(still.book.auction_duration)
    still.follow(1_500 * WAD)
    vault.transact("absorb", second, sender=still.stranger)
    assert still.debt(second) == 0
    check_books(still, [account, second, still.id(still.other, 255)])


def test_a_model_cannot_enter_the_vault(still, mock):
    account = under(still)
    for name, args, works in (
        ("totals", (), True),
        ("balances", (account, 0), True),
        ("debt_of", (account,), False),
        ("accrue", (), False),
        ("repay", (account, 1), False),
        ("borrow", (account, 1, still.owner), False),
    ):
        mock.calls(still.vault, name, *args)
        if works:
            still.vault.transact("borrow", account, 1, still.owner, sender=still.owner)
        else:
            with reverts("margin model failed"):
                still.vault.transact("borrow", account, 1, still.owner, sender=still.owner)
    assert still.debt(account) == DEBT + 2


# requirements only rise


def test_a_model_that_takes_everything_off_is_bounded_by_nothing_at_all(still, mock):
    """Whatever it answers, capacities fall to zero and never below, and nobody is trapped."""
    account = under(still)
    mock.says(MAX, MAX, MAX, MAX, MAX)
    assert still.levels(account) == (DEBT, 20_000 * WAD, 0, 0, 0, 0)
    assert still.vault.read("health_factor", account) == 0
    assert still.state(account) == CALLABLE
    with reverts("below initial margin"):
        still.vault.transact("borrow", account, 1, still.owner, sender=still.owner)
    still.vault.transact("margin_call", account, sender=still.keeper)
    still.vault.transact("repay", account, MAX, sender=still.owner)
    still.vault.transact("withdraw", account, 0, MAX, still.owner, sender=still.owner)
    assert still.tokens[0].read("balanceOf", still.owner) == 10 * WAD


def test_health_factor_and_lens_agree_under_a_model(still, mock):
    account = under(still)
    mock.says(1, 2, 3 * WAD + 5, 4, 5)
    levels = still.levels(account)
    assert levels[4] == 16_000 * WAD - 3 * WAD - 5
    expected = margin_math.health_factor_down(DEBT, levels[4])
    assert still.vault.read("health_factor", account) == expected


# gas


@pytest.mark.parametrize("name", ["borrow", "margin_call"])
def test_a_good_model_is_heard_or_the_call_reverts(still, mock, name):
    """Nobody gets the linear margin, or a failure, by giving too little gas."""
    account = under(still)
    if name == "borrow":
        mock.says(initial=1)
    else:
        mock.says(maintenance=7_000 * WAD)  # callable under the model only
    mock.set_mode(13)
    args = (account, 1, still.owner) if name == "borrow" else (account,)
    data = still.vault.encode(name, *args)
    outcomes = set()
    for gas in [*range(60_000, 600_000, 20_000), *range(350_000, 480_000, 1_000)]:
        try:
            still.rpc.eth_call(still.vault.address, data, sender=still.owner, gas=gas)
        except Reverted as error:
            outcomes.add(error.reason)
        except RpcError as error:
            if "OutOfGas" not in str(error):
                raise
            outcomes.add("")
        else:
            outcomes.add("done")
    assert {"gas too low", "done"} <= outcomes <= {"", "gas too low", "done"}


# TieredMargin, end to end


@pytest.fixture
def tiered(still, models):
    """Brackets for eth from 5,000 coins on, in slot 1."""
    sender = UnlockedSender(still.rpc, still.governor)
    address = deploy_contract(sender, artifact("TieredMargin"), still.governor)
    contract = still.contract("TieredMargin", address)
    bounds = [5_000 * WAD, 10_000 * WAD, 15_000 * WAD]
    rates = [0, 1_000, 3_000, 6_000]
    contract.transact("set_brackets", 0, bounds, rates, sender=still.governor)
    models.list(1, address)
    return bounds, rates


def capacity(value: int, ltv: int, tiers) -> int:
    """What a value of eth supports under the brackets."""
    rate, offset = margin_math.bracket_line(value, *tiers[0], *tiers[1])
    linear = margin_math.target_capacity(value, ltv)
    return linear - margin_math.tier_surcharge_up(linear, value, rate, offset)


def test_a_tiered_account_borrows_to_its_lower_limit(still, tiered):
    account = still.open([(0, 10 * WAD)], 0)
    choose(still, account, 1)
    # 0, 500, 1,500 and 3,000 of 20,000: a quarter of every capacity
    assert still.levels(account)[2:] == (11_250 * WAD, 11_250 * WAD, 12_000 * WAD, 12_750 * WAD)
    with reverts("below initial margin"):
        still.vault.transact("borrow", account, 11_250 * WAD + 1, still.owner, sender=still.owner)
    still.vault.transact("borrow", account, 11_250 * WAD, still.owner, sender=still.owner)
    # the same in two accounts is worth more: brackets are by account
    halves = [still.open([(0, 5 * WAD)], 0, sub=sub) for sub in (1, 2)]
    for half in halves:
        choose(still, half, 1)
        assert still.levels(half)[2] == 7_125 * WAD
    with reverts("account is covered"):
        still.vault.transact("margin_call", account, sender=still.keeper)


# value at the call, wait in the auction: sales inside one bracket, across one, across several
@pytest.mark.parametrize("price", [1_790, 1_750, 1_700, 1_600, 1_500, 1_450, 1_300, 1_100])
@pytest.mark.parametrize("wait", [100, 3_000, 7_100])
def test_a_take_never_passes_the_target_of_a_tiered_account(still, tiered, price, wait):
    account = still.open([(0, 10 * WAD)], 0)
    choose(still, account, 1)
    still.vault.transact("borrow", account, 11_250 * WAD, still.owner, sender=still.owner)
    still.give_coins(still.keeper, 20_000 * WAD)
    still.follow(price * WAD)
    debt, value, _, target, maintenance, _ = still.levels(account)
    assert target == capacity(value, 7_500, tiered)
    if debt <= maintenance:
        assert price == 1_790
        with reverts("account is covered"):
            still.vault.transact("margin_call", account, sender=still.keeper)
        return
    assert debt > target
    still.vault.transact("margin_call", account, sender=still.keeper)
    opens = still.account(account).auction_start
    still.next_at(opens + wait - 61)
    still.set_price(0, price * WAD)
    still.next_at(opens + wait)
    for _ in range(8):
        held = still.vault.read("balances", account, 0)
        still.vault.transact("take", account, 0, MAX, MAX, still.keeper, b"", sender=still.keeper)
        left = still.vault.read("balances", account, 0)
        debt, value, _, target, maintenance, _ = still.levels(account)
        if left == 0:
            assert debt == 0  # bad debt is struck off
            break
        # one base unit less would not have reached the target
        slack = margin_math.value_down(2, price * WAD, 18) + 10
        assert debt + slack >= target or debt == 0
        assert held > left
        if debt <= maintenance:
            break
    assert debt <= maintenance
    if still.account(account).auction_start != 0:
        receipt = still.vault.transact("cure", account, sender=still.stranger)
        start = still.event(receipt, "Cured")["auction_start"]
        assert (start == 0) == (debt <= target)
        assert still.account(account).auction_start == start
    check_books(still, [account, still.id(still.other, 255)])


def test_cure_clears_what_a_take_left(still, tiered):
    """A sale that costs less capacity than the linear margin says leaves its clock for `cure`."""
    account = still.open([(0, 10 * WAD)], 0)
    choose(still, account, 1)
    still.vault.transact("borrow", account, 11_250 * WAD, still.owner, sender=still.owner)
    still.give_coins(still.keeper, 20_000 * WAD)
    still.follow(1_750 * WAD)
    assert still.state(account) == CALLABLE
    still.vault.transact("margin_call", account, sender=still.keeper)
    opens = still.account(account).auction_start
    still.next_at(opens - 10)
    still.set_price(0, 1_750 * WAD)
    still.next_at(opens + 600)
    still.vault.transact("take", account, 0, MAX, MAX, still.keeper, b"", sender=still.keeper)
    debt, value, _, target, _, _ = still.levels(account)
    assert value > 15_000 * WAD  # inside the steepest bracket: the sale reaches the target
    assert target - 10_000 <= debt <= target
    if still.account(account).auction_start != 0:
        still.vault.transact("cure", account, sender=still.stranger)
    assert still.account(account).auction_start == 0


def test_a_take_that_repays_everything_clears_the_clock(still, tiered):
    account = still.open([(0, 10 * WAD)], 0)
    choose(still, account, 1)
    still.vault.transact("borrow", account, 11_250 * WAD, still.owner, sender=still.owner)
    still.give_coins(still.keeper, 20_000 * WAD)
    still.follow(1_300 * WAD)
    still.vault.transact("margin_call", account, sender=still.keeper)
    opens = still.account(account).auction_start
    still.next_at(opens + 7_039)
    still.set_price(0, 1_300 * WAD)
    still.next_at(opens + 7_100)
    for _ in range(3):
        if still.debt(account) > 0:
            still.vault.transact(
                "take", account, 0, MAX, MAX, still.keeper, b"", sender=still.keeper
            )
    assert still.debt(account) == 0
    assert still.vault.read("balances", account, 0) > 0
    assert still.account(account).auction_start == 0
