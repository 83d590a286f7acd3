# SPDX-License-Identifier: MIT
"""Accounts under a margin model: what the lens says is what the vault then finds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.formulas import margin_math as m
from tests.unit.lens.foresight import Outcome, ask, call, check_account, foresee
from tests.unit.lens.test_most import check_borrow, check_withdraw
from tests.world import IN_AUCTION, INT_MIN, MAX, WAD, World, reverts

MODEL = "0x00000000000000000000000000000000005ca1ab"
SLOT = 7


def answering(words: list[int], size: int = 160) -> bytes:
    """Return code that answers every call with these words."""
    code = b""
    for place, word in enumerate(words):
        code += b"\x7f" + word.to_bytes(32, "big") + b"\x60" + bytes([32 * place]) + b"\x52"
    return code + b"\x60" + bytes([size]) + b"\x5f\xf3"


BROKEN = {
    "burns its gas": b"\xfe",
    "reverts": b"\x5f\x5f\xfd",
    "says too little": answering([1, 1, 1, 1], 128),
    "says too much": answering([1, 1, 1, 1, 0, 0], 192),
}


class Models:
    """The list of models of a world; `put` sets the code of one and lists it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.list = world.contract("MarginModels", world.system.margin_models)

    def put(self, code: bytes, slot: int = SLOT) -> None:
        world = self.world
        world.rpc.call("anvil_setCode", MODEL, "0x" + code.hex())
        self.list.transact("list_model", slot, MODEL, sender=world.governor)

    def choose(self, account: int, slot: int = SLOT) -> None:
        self.world.vault.transact("set_margin_model", account, slot, sender=self.world.owner)


@pytest.fixture
def models(world: World) -> Models:
    return Models(world)


def nested(linear: tuple[int, ...], off: list[int]) -> tuple[int, ...]:
    """Take surcharges (initial first) off linear levels, floor 0, and nest from close-out down."""
    levels = [max(0, level - less) for level, less in zip(linear[2:], off, strict=True)]
    for place in (2, 1, 0):
        levels[place] = min(levels[place], levels[place + 1])
    return (*linear[:2], *levels)


@pytest.mark.parametrize(
    "off",
    [
        [0, 0, 0, 0],
        [1, 2, 3, 4],
        [WAD, 0, 0, 0],
        [0, 0, 0, 10_000 * WAD],  # nests all the others below it
        [0, 9_000 * WAD, 0, 0],
        [MAX, MAX, MAX, MAX],
    ],
)
@pytest.mark.parametrize("default", [False, True])
def test_levels(world, models, off, default):
    slot = 0 if default else SLOT
    models.put(answering([0] * 5), slot)
    if default:
        world.use_default_model()
    account = world.open([(0, 10 * WAD), (2, 10**9)], 2_000 * WAD)
    linear = world.levels(account)
    if not default:
        models.choose(account)
    models.put(answering([*off, 123]), slot)
    levels = world.levels(account)
    assert levels[1:] == nested(linear, off)[1:]
    assert all(low <= high for low, high in pairwise(levels[2:]))
    view = world.lens.read("account_of", world.vault.address, account)
    assert (view[17], int(view[18], 16), view[19]) == (slot, int(MODEL, 16), False)
    assert view[8] == levels
    assert view[15] == 0  # no liquidation price by the linear margin
    health = world.vault.read("health_factor", account)
    assert view[9] == health == m.health_factor_down(levels[0], levels[4])
    shown = world.lens.read("book_of", world.vault.address)[9]
    assert int(shown, 16) == (int(MODEL, 16) if default else 0)


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_a_model_that_fails(world, models, code):
    """Nothing raises risk; all else goes on with the linear margin."""
    account = world.open([(0, 10 * WAD), (2, 10**9)], 14_000 * WAD)
    world.give_coins(world.owner, 20_000 * WAD)
    models.put(answering([0] * 5))
    models.choose(account)
    linear = world.levels(account)
    models.put(code)
    assert world.levels(account)[1:] == (linear[1], 0, *linear[3:])
    assert world.lens.read("account_of", world.vault.address, account)[19] is True
    assert foresee(world, account, [], 1).reason == "margin model failed"
    assert foresee(world, account, [(0, -1)], 0).reason == "margin model failed"
    assert check_borrow(world, account) == 0
    assert check_withdraw(world, account, 0) == 0
    world.give(world.owner, 0, WAD)
    assert foresee(world, account, [(0, 1)], -WAD).reason == ""
    world.follow(1_500 * WAD)
    assert world.lens.read("callable_accounts", world.vault.address, [account]) == 1
    call(world, account)
    assert world.state(account) == IN_AUCTION
    check_sales(world, account)
    assert foresee(world, account, [(0, INT_MIN), (2, INT_MIN)], INT_MIN).reason == ""


def test_a_tight_model(world, models):
    account = world.open([(0, 10 * WAD), (2, 10**9)], 5_000 * WAD)
    models.put(answering([3_000 * WAD, 2_000 * WAD, 1_000 * WAD, WAD, 500]))
    models.choose(account)
    linear = 15_000 * WAD + 880 * WAD
    assert world.levels(account)[2] == linear - 3_000 * WAD
    assert 7_879 * WAD < check_borrow(world, account) <= 7_880 * WAD
    assert check_withdraw(world, account, 0) > WAD
    assert check_withdraw(world, account, 2) == 10**9
    assert foresee(world, account, [], 7_881 * WAD).reason == "below initial margin"


def test_choosing_a_model(world, models):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)

    def choose(slot: int) -> str:
        at = world.now + 1
        told = Outcome(*ask(world, at, "preview_margin_model", account, slot))
        world.next_at(at)
        if told.reason:
            with reverts(told.reason):
                models.choose(account, slot)
        else:
            models.choose(account, slot)
            check_account(world, account, told)
        return told.reason

    assert choose(256) == "unknown model"
    models.put(answering([500 * WAD, 0, 0, 0, 0]))
    assert choose(SLOT) == ""
    models.put(answering([2_000 * WAD, 0, 0, 0, 0]), 8)
    assert choose(8) == "below initial margin"
    assert choose(0) == ""
    models.put(b"\xfe", 9)
    assert choose(9) == "margin model failed"
    world.vault.transact("set_pauses", 3, sender=world.governor)
    models.put(answering([1, 0, 0, 0, 0]), 10)
    assert choose(10) == ""  # no pause is about this


def check_sales(world: World, account: int) -> int:
    """Assert that what can be bought is what previews say, kind by kind; return how many."""
    world.give_coins(world.keeper, 30_000 * WAD)
    at = world.now + 1
    rows = ask(world, at, "auctions", [account])
    for _, kind, price, available, cost, _, _ in rows:
        told = ask(world, at, "preview_take", account, kind, MAX)
        assert told[:3] == (price, available, cost)
        with world.snapshot():
            world.next_at(at)
            args = (account, kind, MAX, MAX, world.keeper, b"")
            receipt = world.vault.transact("take", *args, sender=world.keeper)
            taken = world.event(receipt, "Taken")
            assert (taken["price"], taken["amount"], taken["cost"], taken["debt_repaid"]) == told
    return len(rows)


@pytest.mark.parametrize("sold_bps", [0, 1, 777, 10_000, MAX])
def test_takes_are_sized_by_the_model(world, models, sold_bps):
    account = world.open([(0, 10 * WAD), (1, 10**6), (2, 10**9)], 14_500 * WAD)
    models.put(answering([0] * 5))
    models.choose(account)
    models.put(answering([100 * WAD, 90 * WAD, 80 * WAD, 70 * WAD, sold_bps]))
    world.follow(1_600 * WAD)
    call(world, account)
    world.forward(world.account(account).auction_start - world.now + 900)
    assert check_sales(world, account) == 3


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(-9_000, 9_000), st.integers(-9_000, 9_000)),
        min_size=1,
        max_size=4,
    )
)
def test_any_history_under_tiers(base_world, steps):
    """Brackets by value and a scale by what the whole book holds once a change is made."""
    world = base_world
    unit, price = (WAD, 10**8, 10**6), (2_000, 40_000, 1)
    with world.snapshot():
        address = deploy_contract(
            UnlockedSender(world.rpc, world.governor), artifact("TieredMargin"), world.governor
        )
        model = Contract(world.rpc, address, artifact("TieredMargin").abi)
        for kind in range(3):
            bounds = [4_000 * WAD, 9_000 * WAD]
            args = (kind, bounds, [100, 900, 2_500])
            model.transact("set_brackets", *args, sender=world.governor)
            whole = unit[kind] // price[kind]
            args = (kind, 1_000 * whole, 40_000 * whole, 3_000)
            model.transact("set_scale", *args, sender=world.governor)
        world.give_coins(world.owner, 30_000 * WAD)
        models = Models(world)
        models.list.transact("list_model", 0, address, sender=world.governor)
        world.use_default_model()
        account = world.open([(0, 5 * WAD), (2, 6_000 * 10**6)], 4_000 * WAD, sub=9)
        for kind in range(3):
            world.give(world.owner, kind, 10**6 * unit[kind])
        for kind, worth, coins in steps:
            moved = [(kind, worth * unit[kind] // price[kind] + 1)]
            foresee(world, account, moved, coins * WAD)
        check_borrow(world, account)
        for kind in (0, 2):
            check_withdraw(world, account, kind)
