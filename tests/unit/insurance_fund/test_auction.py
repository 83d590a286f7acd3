# SPDX-License-Identifier: MIT
"""The fund's own Dutch auction: a fixed lot, off the live price, for coins that are burned."""

import pytest

from surety.formulas import margin_math
from tests.unit.insurance_fund.conftest import DECIMALS
from tests.world import MAX, WAD, reverts

PRICES = (2_000 * WAD, 40_000 * WAD, WAD)
LEGS = {0: (0, 10 * WAD), 1: (1, 10**8), 2: (2, 30_000 * 10**6)}
HOURS_6, START, END = 6 * 3_600, 10_300, 8_000
ZERO = "0x" + "00" * 20


@pytest.fixture
def stocked(world, fund, absorb):
    """Let a book absorb one kind and the fund collect it; the keeper has coins to buy with."""

    def make(kind=0):
        world.give_coins(world.keeper, 10**6 * WAD)
        absorb([LEGS[kind]], prices=PRICES)
        fund.transact("collect", world.vault.address, kind, sender=world.stranger)
        refresh(world)
        return world.tokens[kind]

    return make


def refresh(world):
    """Give every feed a new round at the price it has, and the hub a fresh word of it."""
    for kind, feed in enumerate(world.feeds):
        world.set_price(kind, feed.read("latestRoundData")[1] * 10**10)
    world.hub.transact("poke", 0b111, sender=world.governor)


def start(world, kind=0, sender=None):
    return world.fund.transact(
        "start_auction", world.vault.address, kind, sender=sender or world.stranger
    )


def buy(world, token, amount, *, most=MAX, receiver=None, sender=None):
    who = sender or world.keeper
    return world.fund.transact("buy", token.address, amount, most, receiver or who, sender=who)


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["18-decimals", "8-decimals", "6-decimals"])
def test_start_auction(world, fund, stocked, kind):
    token = stocked(kind)
    lot = LEGS[kind][1]
    receipt = start(world, kind)
    (event,) = fund.events(receipt)
    assert (event.name, event.args) == (
        "AuctionStarted",
        {
            "token": token.address,
            "lot": lot,
            "book": world.vault.address,
            "kind": kind,
            "closes_at": world.now + HOURS_6,
            "start_factor": START,
            "end_factor": END,
        },
    )
    assert fund.read("auction_of", token.address) == (
        lot,
        world.now,
        world.now + HOURS_6,
        world.hub.address,
        kind,
        DECIMALS[kind],
    )


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["18-decimals", "8-decimals", "6-decimals"])
def test_buy_part_and_then_the_rest(world, fund, stocked, kind):
    token = stocked(kind)
    lot = LEGS[kind][1]
    start(world, kind)
    began = world.now
    part = lot // 3 + 1
    for elapsed, asked, left in ((7, part, lot - part), (3_607, MAX, 0)):
        world.set_price(kind, world.price(kind) * 99 // 100)
        world.next_at(began + elapsed)
        supply = world.coin.read("totalSupply")
        had = world.coin.read("balanceOf", world.keeper)
        got = token.read("balanceOf", world.other)
        before = fund.read("auction_of", token.address)[0]
        receipt = buy(world, token, asked, receiver=world.other)
        factor = margin_math.auction_factor(START, END, elapsed, HOURS_6)
        price = margin_math.auction_price_up(world.price(kind), factor)
        sold = min(asked, before)
        cost = -(-sold * price // 10 ** DECIMALS[kind])
        surplus, deficit = fund.read("equity")
        (event,) = fund.events(receipt)
        assert (event.name, event.args) == (
            "Sold",
            {
                "token": token.address,
                "buyer": world.keeper,
                "receiver": world.other,
                "amount": sold,
                "price": price,
                "cost": cost,
                "left": left,
                "surplus": surplus,
                "deficit": deficit,
            },
        )
        assert token.read("balanceOf", world.other) == got + sold
        assert token.read("balanceOf", fund.address) == left
        assert world.coin.read("balanceOf", world.keeper) == had - cost
        assert world.coin.read("totalSupply") == supply - cost
    with reverts("no auction"):
        buy(world, token, 1)
    assert world.coin.read("minted", fund.address) == 0


def test_the_price_falls_in_a_line_and_never_below_its_end(world, fund, stocked):
    token = stocked()
    start(world)
    began = world.now
    for elapsed in (0, 1, HOURS_6 // 2, HOURS_6 - 1, HOURS_6):
        with world.snapshot():
            if elapsed:
                world.forward(elapsed)
            refresh_at = fund.read("auction_of", token.address)[1]
            assert refresh_at == began
            factor = START - (START - END) * (world.now - began) // HOURS_6
            if world.now - began <= HOURS_6:
                price = -(-world.price(0) * factor // 10_000)
                assert fund.read("price_of", token.address) == price
    with world.snapshot():
        world.next_at(began + HOURS_6)
        buy(world, token, 1)
    world.next_at(began + HOURS_6 + 1)
    with reverts("no auction"):
        buy(world, token, 1)
    with reverts("no auction"):
        fund.read("price_of", token.address)
    assert fund.read("auction_of", token.address)[0] == 0


def test_what_comes_in_later_waits_for_the_next_auction(world, fund, stocked):
    token = stocked()
    start(world)
    world.forward(HOURS_6 - 60)
    token.transact("mint", fund.address, 77 * WAD, sender=world.governor)
    with reverts("auction is running"):
        start(world)
    refresh(world)
    buy(world, token, MAX)
    assert token.read("balanceOf", world.keeper) == 10 * WAD
    assert token.read("balanceOf", fund.address) == 77 * WAD
    start(world)
    began = world.now
    assert fund.read("auction_of", token.address)[:2] == (77 * WAD, began)
    assert fund.read("price_of", token.address) == -(-world.price(0) * START // 10_000)


def test_an_unsold_auction_starts_again_at_the_top(world, fund, stocked):
    token = stocked()
    start(world)
    world.forward(HOURS_6 + 1)
    start(world)
    refresh(world)
    factor = margin_math.auction_factor(
        START, END, world.now - fund.read("auction_of", token.address)[1], HOURS_6
    )
    assert fund.read("price_of", token.address) == -(-world.price(0) * factor // 10_000)
    assert factor >= START - 1


def test_a_running_auction_keeps_its_terms(world, fund, stocked):
    token = stocked()
    start(world)
    began = world.now
    fund.transact("set_auction", 3_600, 11_000, 5_000, sender=world.governor)
    assert fund.read("auction_of", token.address)[1:3] == (began, began + HOURS_6)
    world.next_at(began + 7_200)
    buy(world, token, WAD)
    factor = margin_math.auction_factor(START, END, 7_200, HOURS_6)
    assert fund.read("price_of", token.address) == -(-world.price(0) * factor // 10_000)


@pytest.mark.parametrize("how", ["failed", "confirming"])
def test_nothing_is_sold_at_a_price_that_is_no_price(world, fund, stocked, how):
    token = stocked()
    start(world)
    feed = world.feeds[0]
    world.forward(world.params.fresh_for)
    feed.transact("set_answer", 0, sender=world.governor)
    if how == "failed":
        with reverts("price failed"):
            buy(world, token, 1)
    else:
        world.hub.transact("poke", 1, sender=world.governor)
        world.set_price(0, world.price(0))
        with reverts("price confirming"):
            buy(world, token, 1)
        for _ in range(2):  # what a reverted call has found is not kept
            world.hub.transact("poke", 1, sender=world.governor)
            world.forward(world.params.confirm_period + world.params.fresh_for)
        buy(world, token, 1)
    assert token.read("balanceOf", world.keeper) == (how == "confirming")


def test_the_price_is_live_and_never_the_one_at_the_start(world, fund, stocked):
    token = stocked()
    start(world)
    before = fund.read("price_of", token.address)
    world.follow(400 * WAD)
    after = fund.read("price_of", token.address)
    assert after < before // 2 + 1
    with reverts("above max price"):
        buy(world, token, WAD, most=after // 2)
    factor = margin_math.auction_factor(START, END, 3_600, HOURS_6)
    assert after >= 400 * WAD * factor // 10_000


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"amount": 0}, "zero amount"),
        ({"most": 1}, "above max price"),
        ({"receiver": ZERO}, "bad receiver"),
        ({"receiver": "fund"}, "bad receiver"),
        ({"receiver": "token"}, "bad receiver"),
    ],
)
def test_buy_reverts(world, fund, stocked, args, reason):
    token = stocked()
    start(world)
    args = dict(args)
    named = {"fund": fund.address, "token": token.address}
    if "receiver" in args:
        args["receiver"] = named.get(args["receiver"], args["receiver"])
    with reverts(reason):
        buy(world, token, args.pop("amount", 1), **args)


def test_buy_reverts_when_the_caller_has_too_few_coins(world, fund, stocked):
    token = stocked()
    start(world)
    with reverts("amount exceeds balance"):
        buy(world, token, WAD, sender=world.stranger)
    with reverts("no auction"):
        fund.transact("buy", world.tokens[1].address, 1, MAX, world.keeper, sender=world.keeper)


def test_start_auction_reverts(world, fund, stocked):
    with reverts("nothing to sell"):
        start(world)
    for kind in (3, 31, 32, MAX):
        with reverts("unknown kind"):
            start(world, kind)
    for book in (world.stranger, world.coin.address, ZERO):
        with reverts("unknown book"):
            fund.transact("start_auction", book, 0, sender=world.stranger)


def test_slices_never_cost_less_than_the_whole(world, fund, stocked):
    """Every cost is rounded up: many small slices cost at least what one large one does."""
    token = stocked(2)
    start(world, 2)
    with world.snapshot():
        world.next_at(world.now + 30)
        had = world.coin.read("balanceOf", world.keeper)
        buy(world, token, 24)
        whole = had - world.coin.read("balanceOf", world.keeper)
    began = world.now
    had = world.coin.read("balanceOf", world.keeper)
    for second in range(7, 31):
        world.next_at(began + second)
        buy(world, token, 1)
    assert had - world.coin.read("balanceOf", world.keeper) >= whole
    assert token.read("balanceOf", world.keeper) == 24


def test_the_sum_of_a_sale_is_what_equity_gains(world, fund, stocked):
    token = stocked()
    world.vault.transact("set_rate", 0, sender=world.governor)
    start(world)
    _, deficit = fund.read("equity")
    assert deficit > 0
    had = world.coin.read("balanceOf", world.keeper)
    buy(world, token, MAX)
    cost = had - world.coin.read("balanceOf", world.keeper)
    assert fund.read("equity") == (max(cost - deficit, 0), max(deficit - cost, 0))
