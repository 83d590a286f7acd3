# SPDX-License-Identifier: MIT
"""Random losses, sales and payouts, and the fund does what `surety.model.fund` says."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from surety.model.state import as_number
from tests.unit.insurance_fund.bench import MOODY, SORTS, Bench
from tests.unit.settlement.rig import ALICE, BOB, CAROL, GOVERNOR, KEEPER, STRANGER, TREASURY, A, B
from tests.unit.settlement.test_model import Dice, fill
from tests.world import MAX, WAD

STEPS = 160
DAY = 86_400
SEEN: Counter[str] = Counter()
PEOPLE = (ALICE, BOB, CAROL, KEEPER)
# what a campaign has to have met: a step that never happens, or never fails, proves nothing
MOVES = (
    "reap",
    "recapitalise",
    "collect",
    "start_auction",
    "buy",
    "set_auction",
    "set_buffer",
    "set_treasury",
    "set_reaping_paused",
    "add_reserve",
    "remove_reserve",
)
REASONS = (
    "nothing to reap",
    "zero amount",
    "amount exceeds balance",
    "nothing absorbed",
    "unknown book",
    "nothing to sell",
    "no auction",
    "bad receiver",
    "not governor",
)
TERMS = (
    (6 * 3_600, 10_300, 8_000),
    (3_600, 10_000, 9_999),
    (7 * DAY, 11_000, 5_000),
    (3_599, 10_300, 8_000),
    (7 * DAY + 1, 10_300, 8_000),
    (DAY, 11_001, 8_000),
    (DAY, 10_300, 4_999),
)


def act(bench: Bench, dice: Dice) -> None:
    """Make one step, sensible or not."""
    rig = bench.rig
    who, kind = dice.one(PEOPLE), dice.number(0, len(SORTS) - 1)
    book = rig.vaults[dice.one((A, B, B, B))].address
    what = dice.one(
        ("reap",) * 4
        + ("recapitalise", "fill", "collect", "collect", "collect", "start", "start", "start")
        + ("buy",) * 8
        + ("price", "confirm", "wait", "wait", "donate", "mood", "ceiling", "back")
        + ("govern",) * 4
        + ("mood", "mood", "back")
    )
    if what == "reap":
        bench.act("reap", by=who)
    elif what == "recapitalise":
        amount = dice.one((0, 1, dice.size(rig.coins(who)), rig.coins(who) + 1))
        bench.act("recapitalise", amount, by=who)
    elif what == "fill":
        # up to the buffer and a little beyond
        sheet = bench.sheet()
        lacking = max(1, bench.model.buffer(sheet) - sheet.equity) + dice.size(10**5 * WAD)
        rig.send(GOVERNOR, bench.reserve, "give", who, lacking)
        rig.send(GOVERNOR, bench.reserve, "set_backing", bench.reserve.read("backing"))
        bench.act("recapitalise", lacking, by=who)
    elif what == "collect":
        bench.act("collect", dice.one((book, book, book, KEEPER)), kind, by=who)
    elif what == "start":
        chosen = dice.one((kind, kind, kind, kind, 31, 32))
        bench.act("start_auction", dice.one((book, book, book, KEEPER)), chosen, by=who)
    elif what == "buy":
        buy(bench, dice, who)
    elif what == "price":
        price = SORTS[kind].price * dice.number(1_000, 15_000) // 10_000
        rig.price(kind, price, dice.one((0, 0, 0, 1, 2)))
    elif what == "confirm":
        bench.confirming(kind, rig.now - dice.one((0, 1, 600, 7_200)))
        rig.price(kind, SORTS[kind].price)
    elif what == "wait":
        rig.wait(dice.one((1, 60, 3_600, 3 * 3_600, DAY, DAY, 2 * DAY)))
    elif what == "donate":
        token = bench.token(kind)
        rig.send(GOVERNOR, token, "mint", bench.fund.address, dice.one((1, 10**6, 10**18)))
        rig.send(who, rig.coin, "transfer", KEEPER, dice.size(rig.coins(who)))
    elif what == "mood":
        rig.mood(MOODY, dice.one((0, 1, 1, 2, 2, 5)), dice.one((ALICE, BOB)))
    elif what == "ceiling":
        most = dice.one((0, bench.rig.coin.read("minted", bench.fund.address), 10**5 * WAD))
        rig.send(GOVERNOR, rig.coin, "set_ceiling", bench.fund.address, most)
    elif what == "back":
        backing = dice.one((0, dice.size(10**6 * WAD)))
        rig.send(GOVERNOR, bench.reserve, "set_backing", backing)
        if not backing:
            bench.act("remove_reserve", bench.reserve.address, by=GOVERNOR)
    else:
        govern(bench, dice)


def buy(bench: Bench, dice: Dice, who: str) -> None:
    """Buy of some lot, mostly of one that is running, at a limit that mostly holds."""
    running = [
        kind
        for kind, token in enumerate(bench.rig.tokens)
        if as_number(token.address) in bench.model.lots
    ]
    kind = dice.one(running) if running and dice.number(0, 9) else dice.number(0, len(SORTS) - 1)
    token = bench.token(kind)
    lot = bench.model.lots.get(as_number(token.address))
    left = lot.left if lot else 1
    amount = dice.one((0, 1, left, left, left - left // 200, dice.size(left), left + 1, MAX))
    limit = dice.one((MAX, MAX, MAX, SORTS[kind].price // 2))
    receiver = dice.one((who, ALICE, ALICE, BOB, BOB, bench.fund.address, token.address))
    if dice.number(0, 3):
        bench.rig.send(GOVERNOR, bench.reserve, "give", who, 10**6 * WAD)
    bench.act("buy", token.address, amount, limit, receiver, by=who)


def govern(bench: Bench, dice: Dice) -> None:
    """Change what the governor may, mostly as the governor."""
    by = dice.one((GOVERNOR, GOVERNOR, GOVERNOR, STRANGER))
    reserve = dice.one((bench.reserve.address, bench.reserve.address, KEEPER))
    fn, args = dice.one(
        (
            ("set_auction", dice.one(TERMS)),
            ("set_buffer", (dice.one((99, 100, 300, 5_000, 5_001)),)),
            ("set_treasury", (dice.one((TREASURY, KEEPER, bench.fund.address)),)),
            ("set_treasury", (bench.rig.coin.address,)),
            ("set_reaping_paused", (bool(dice.one((0, 0, 1))),)),
            ("add_reserve", (reserve,)),
            ("remove_reserve", (reserve,)),
        )
    )
    bench.act(fn, *args, by=by)


# a system is one number: what a campaign could be shrunk to would not be shorter
@settings(max_examples=10, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(st.integers(0, 2**64))
def test_the_fund_never_parts_from_its_model(seed: int) -> None:
    bench, dice = Bench(), Dice(seed)
    fill(bench.rig, dice)
    bench.absorb(dice.number(20, 2_000))
    for _ in range(STEPS):
        act(bench, dice)
    SEEN.update(bench.seen)


@pytest.mark.parametrize("name", [*MOVES, *REASONS])
def test_the_campaign_was_not_vacuous(name: str) -> None:
    if not SEEN:
        pytest.skip("the campaign did not run")
    assert SEEN[name] > 0, dict(SEEN)


def test_every_refusal_of_a_sale_is_the_models() -> None:
    bench = Bench()
    rig, token = bench.rig, bench.token(MOODY).address
    book = rig.vaults[B].address
    rig.send(GOVERNOR, bench.reserve, "give", ALICE, 10**6 * WAD)
    rig.send(GOVERNOR, bench.token(MOODY), "mint", bench.fund.address, 10**18)
    for flags, reason in ((1, "price failed"), (2, "price confirming"), (3, "price failed")):
        rig.price(MOODY, SORTS[MOODY].price, flags)
        bench.act("start_auction", book, MOODY, by=KEEPER, refused=reason)
    rig.price(MOODY, SORTS[MOODY].price)
    bench.act("start_auction", book, MOODY, by=KEEPER, refused=None)
    bench.act("start_auction", book, MOODY, by=KEEPER, refused="auction is running")
    for flags, reason in ((1, "price failed"), (2, "price confirming")):
        rig.price(MOODY, SORTS[MOODY].price, flags)
        bench.act("buy", token, 1, MAX, ALICE, by=ALICE, refused=reason)
    rig.price(MOODY, SORTS[MOODY].price)
    bench.act("buy", token, 0, MAX, ALICE, by=ALICE, refused="zero amount")
    bench.act("buy", token, 1, SORTS[MOODY].price, ALICE, by=ALICE, refused="above max price")
    bench.act("buy", token, 1, MAX, bench.fund.address, by=ALICE, refused="bad receiver")
    for mood, reason in ((1, "blocked"), (2, "transfer out failed")):
        rig.mood(MOODY, mood, ALICE)
        bench.act("buy", token, 10**17, MAX, ALICE, by=ALICE, refused=reason)
        bench.act("buy", token, 10**17, MAX, BOB, by=ALICE, refused=None)
    rig.wait(6 * 3_600)
    for confirmed_at in (0, rig.now - 3_600, rig.now):
        bench.confirming(MOODY, confirmed_at)
        bench.act("buy", token, 10**17, MAX, BOB, by=ALICE, refused=None)
    # a crumb makes room, a little more does not
    lot = bench.model.lots[as_number(token)].left
    rig.send(GOVERNOR, bench.token(MOODY), "mint", bench.fund.address, 99 * lot - 1)
    bench.act("start_auction", book, MOODY, by=KEEPER, refused="auction is running")
    rig.send(GOVERNOR, bench.token(MOODY), "mint", bench.fund.address, 1)
    bench.act("start_auction", book, MOODY, by=KEEPER, refused=None)
    rig.wait(6 * 3_600 + 1)
    bench.act("buy", token, 1, MAX, BOB, by=ALICE, refused="no auction")
    bench.act("start_auction", book, 31, by=KEEPER, refused="unknown kind")
    bench.act("start_auction", KEEPER, MOODY, by=KEEPER, refused="unknown book")
    bench.act("start_auction", book, 0, by=KEEPER, refused="nothing to sell")


def test_every_refusal_of_a_payout_is_the_models() -> None:
    bench = Bench()
    rig = bench.rig
    fill(rig, Dice(5))
    bench.absorb()
    assert any(rig.vaults[B].read("absorbed", kind) for kind in range(len(SORTS)))
    bench.act("reap", by=STRANGER, refused="loss too recent")
    rig.wait(DAY + 3_600)
    for reserve, reason in ((KEEPER, "no reserve"), (bench.reserve.address, None)):
        bench.act("add_reserve", reserve, by=GOVERNOR, refused=reason)
    bench.act("add_reserve", bench.reserve.address, by=GOVERNOR, refused="reserve already known")
    bench.act("add_reserve", rig.vaults[A].address, by=GOVERNOR, refused="book already known")
    bench.act("reap", by=STRANGER, refused="nothing to reap")
    rig.send(GOVERNOR, bench.reserve, "set_backing", 2 * bench.sheet().supply)
    bench.act("set_reaping_paused", True, by=GOVERNOR, refused=None)
    bench.act("reap", by=STRANGER, refused="reaping paused")
    bench.act("set_reaping_paused", False, by=GOVERNOR, refused=None)
    portion = bench.model.buffer(bench.sheet()) // 100
    rig.send(GOVERNOR, rig.coin, "set_ceiling", bench.fund.address, portion - 1)
    bench.act("reap", by=STRANGER, refused="above ceiling")
    rig.send(GOVERNOR, rig.coin, "set_ceiling", bench.fund.address, portion)
    assert bench.act("reap", by=STRANGER, refused=None) == portion
    rig.wait(DAY - 1)
    bench.act("reap", by=STRANGER, refused="reaped lately")
    bench.act("remove_reserve", bench.reserve.address, by=GOVERNOR, refused="reserve left")
    rig.send(GOVERNOR, bench.reserve, "set_backing", 0)
    bench.act("remove_reserve", bench.reserve.address, by=GOVERNOR, refused=None)
    bench.act("remove_reserve", bench.reserve.address, by=GOVERNOR, refused="unknown reserve")
    for treasury in (bench.fund.address, rig.coin.address, "0x" + "00" * 20):
        bench.act("set_treasury", treasury, by=GOVERNOR, refused="bad treasury")
    for terms, reason in zip(TERMS[3:], ("bad duration",) * 2 + ("bad factors",) * 2, strict=True):
        bench.act("set_auction", *terms, by=GOVERNOR, refused=reason)


def test_ten_thousand_buys_cost_no_less_than_one() -> None:
    """Rounding drain: whoever buys one base unit at a time pays more for all of it, never less."""
    bench = Bench()
    rig, token = bench.rig, bench.token(2)
    rig.send(GOVERNOR, token, "mint", bench.fund.address, 10_000)
    rig.send(GOVERNOR, bench.reserve, "give", KEEPER, 10**6 * WAD)
    bench.act("start_auction", rig.vaults[A].address, 2, by=KEEPER, refused=None)
    price = margin_math.auction_price_up(SORTS[2].price, 10_300)
    call = bench.fund.encode("buy", token.address, 1, MAX, KEEPER)
    had, got = rig.coins(KEEPER), rig.held(2, KEEPER)
    supply = rig.coin.read("totalSupply")
    for _ in range(10_000):
        assert rig.node.run(KEEPER, bench.fund.address, call, rig.now).reason is None
    each = -(-price // SORTS[2].unit)
    assert had - rig.coins(KEEPER) == 10_000 * each == supply - rig.coin.read("totalSupply")
    assert 10_000 * each >= -(-10_000 * price // SORTS[2].unit)
    assert (rig.held(2, KEEPER) - got, rig.held(2, bench.fund.address)) == (10_000, 0)
    assert rig.node.run(KEEPER, bench.fund.address, call, rig.now).reason == "no auction"
