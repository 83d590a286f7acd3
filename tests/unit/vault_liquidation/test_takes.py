# SPDX-License-Identifier: MIT
"""takes: many orders with one payment, as if each had been a take of its own."""

import pytest

from surety.model import check_same
from tests.unit.vault_liquidation.moves import (
    BTC,
    DURATION,
    ETH,
    GRACE,
    STABLE,
    auction,
    call,
    move,
    open_eth,
    price_at,
    reprice,
    returned,
    together,
    transfers,
)
from tests.world import MAX, WAD, reverts

ZERO = "0x" + "00" * 20
RICH = 1_000_000 * WAD


@pytest.fixture(autouse=True)
def rich_keeper(request):
    """Let the keeper hold coins, borrowed while prices are high."""
    name = "any_stage" if "any_stage" in request.fixturenames else "stage"
    world = request.getfixturevalue(name).world
    world.give_coins(world.keeper, RICH)


def act(stage, orders, receiver=None, **how):
    """Take many, and hold what is returned on chain against the model."""
    world = stage.world
    orders = [tuple(order) for order in orders]
    done = stage.act("takes", orders, receiver or world.keeper, **how)
    if done.reason is None:
        sold, cost = returned(world.vault, "takes")
        assert (list(sold), cost) == (list(done.after.returned[0]), done.after.returned[1])
    return done


def auctions(stage, count=2):
    """Open accounts of three kinds, and call them all below close-out."""
    ids = [
        stage.open([(ETH, 6 * WAD), (BTC, 10**7), (STABLE, 2_000 * 10**6)], 8_600 * WAD, sub=sub)
        for sub in range(count)
    ]
    price_at(stage, 600 * WAD, 40_000 * WAD, 95 * WAD // 100)
    done = stage.act("margin_calls", ids)
    assert done.after.returned == 2**count - 1
    assert {done.after.positions[id].auction_start for id in ids} == {done.now}
    return ids


def test_takes__of_nothing(stage):
    stage.ids.append(0)
    for orders in ([], [(0, ETH, 0, MAX)], [(0, ETH, 1, MAX)]):
        done = act(stage, orders)
        assert done.after.returned == ([0] * len(orders), 0)
        assert done.logs == []
        assert transfers(stage.world.coin) == []


def test_takes__of_one_is_a_take(any_stage):
    stage, world = any_stage, any_stage.world
    (id,) = auctions(stage, 1)
    now = world.now + 1_000
    with world.snapshot():
        alone = stage.act("take", id, ETH, WAD, MAX, world.keeper, b"", at=now)
        moved = [transfers(token) for token in (world.coin, world.tokens[ETH])]
    done = act(stage, [(id, ETH, WAD, MAX)], at=now)
    assert done.after.returned == ([alone.after.returned[0]], alone.after.returned[1])
    assert done.logs == alone.logs
    check_same(done.after, alone.after)
    assert [transfers(token) for token in (world.coin, world.tokens[ETH])] == moved


def test_takes__leave_what_single_takes_leave(any_stage):
    """Accounts and kinds mixed, one account several times: every word, to the wei."""
    stage, world = any_stage, any_stage.world
    one, two = auctions(stage)
    orders = [
        (one, ETH, WAD, MAX),
        (two, ETH, WAD + 1, MAX),
        (two, ETH, 1, MAX),
        (one, BTC, 10**6, MAX),
        (one, STABLE, 77_777_777, MAX),
        (two, STABLE, 1, MAX),
        (one, ETH, 2 * WAD, MAX),
        (two, BTC, MAX, MAX),
        (one, ETH, MAX, MAX),
    ]
    now = world.now + DURATION // 3
    with world.snapshot():
        alone = together(
            stage,
            now,
            [
                move(world.keeper, "take", id, kind, amount, most, world.keeper, b"")
                for id, kind, amount, most in orders
            ],
        )
    done = act(stage, orders, at=now)
    sold, cost = done.after.returned
    assert list(sold) == [outcome.after.returned[0] for outcome in alone]
    assert cost == sum(outcome.after.returned[1] for outcome in alone)
    assert min(sold) > 0
    check_same(done.after, alone[-1].after)
    assert done.logs == [log for outcome in alone for log in outcome.logs]
    # the whole is burned at once
    assert transfers(world.coin) == [(stage.people[2], ZERO, cost)]
    assert done.before.coin.supply - done.after.coin.supply == cost


def test_takes__deliver_a_run_of_one_kind_in_one_transfer(stage):
    world = stage.world
    one, two, three = auctions(stage, 3)
    vault, receiver = stage.people[5], stage.people[3]
    orders = [
        (one, ETH, WAD, MAX),
        (two, ETH, WAD, MAX),
        (three, ETH, WAD, 1),  # too dear: the run goes on
        (three, ETH, WAD, MAX),
        (one, BTC, 10**6, MAX),
        (two, ETH, WAD // 2, MAX),
        (two, BTC, 10**6, 1),  # too dear: no transfer of nothing, and the run ends
        (three, ETH, WAD // 4, MAX),
    ]
    done = act(stage, orders, receiver=world.stranger)
    assert list(done.after.returned[0]) == [
        WAD,
        WAD,
        0,
        WAD,
        10**6,
        WAD // 2,
        0,
        WAD // 4,
    ]
    assert transfers(world.tokens[ETH]) == [
        (vault, receiver, 3 * WAD),
        (vault, receiver, WAD // 2),
        (vault, receiver, WAD // 4),
    ]
    assert transfers(world.tokens[BTC]) == [(vault, receiver, 10**6)]
    assert transfers(world.tokens[STABLE]) == []
    assert done.after.held[ETH, receiver] == 3 * WAD + WAD // 2 + WAD // 4


def test_takes__skip_what_cannot_be_filled(stage):
    world = stage.world
    price_at(stage, 2_000 * WAD)
    waiting = call(stage).id  # in its grace
    price_at(stage, 2_000 * WAD)
    one, two = (open_eth(stage, sub=sub) for sub in (1, 2))
    safe = open_eth(stage, 2_000 * WAD, sub=3)
    price_at(stage, 590 * WAD)
    stage.act("margin_calls", [one, two])
    nobody = world.id(world.stranger)
    stage.ids += [nobody, 0, 2**168 - 1]
    orders = [
        (waiting, ETH, WAD, MAX),  # not in auction
        (safe, ETH, WAD, MAX),  # never called
        (nobody, ETH, WAD, MAX),  # empty
        (0, ETH, WAD, MAX),
        (2**168 - 1, ETH, WAD, MAX),
        (one, ETH, 0, MAX),  # nothing asked for
        (one, BTC, 1, MAX),  # not enabled
        (one, 31, 1, MAX),  # not listed
        (one, 32, 1, MAX),  # no kind at all
        (one, 255, 1, MAX),
        (one, 256, 1, MAX),
        (one, MAX, 1, MAX),
        (one, ETH, MAX, 590 * WAD),  # too dear at 101 %
        (one, ETH, MAX, 0),
        (one, ETH, WAD, 5_959 * WAD // 10),  # at exactly the price
        (one, ETH, MAX, MAX),  # the rest, to the target: cured
        (one, ETH, MAX, MAX),  # no auction any more
        (two, ETH, WAD, MAX),
    ]
    done = act(stage, orders)
    sold, cost = done.after.returned
    assert [number for number, amount in enumerate(sold) if amount] == [14, 15, 17]
    assert done.after.positions[one].auction_start == 0
    assert cost == sum(args["cost"] for name, args in done.logs if name == "Taken")
    for id in (waiting, safe, nobody):
        assert done.after.positions[id] == done.before.positions[id]


def test_takes__skip_an_account_that_is_covered(stage):
    world = stage.world
    called = auction(stage)
    price_at(stage, 2_000 * WAD)
    other = open_eth(stage, 2_000 * WAD, sub=1)
    now = called.opens + 3_000
    reprice(stage, now, 650 * WAD)  # above maintenance, below target
    done = act(stage, [(called.id, ETH, WAD, MAX), (other, ETH, WAD, MAX)], at=now)
    assert done.after.returned == ([0, 0], 0)
    assert transfers(world.tokens[ETH]) == transfers(world.coin) == []


def test_takes__skip_a_kind_without_a_price(stage):
    world = stage.world
    one, two = auctions(stage)
    world.feeds[BTC].transact("set_reverts", True, sender=world.governor)
    world.forward(60)
    world.hub.transact("poke", 2, sender=world.keeper)
    done = act(stage, [(one, BTC, 10**6, MAX), (two, BTC, MAX, MAX), (two, ETH, WAD, MAX)])
    assert list(done.after.returned[0]) == [0, 0, WAD]


def test_takes__skip_what_would_leave_dust(stage):
    """At a debt of exactly the floor, a slice leaves dust; the whole balance may."""
    id = stage.open([(ETH, 4 * WAD)], 2_000 * WAD)
    price_at(stage, 580 * WAD)
    stage.act("margin_call", id)
    stage.act("take", id, ETH, WAD, MAX, stage.world.keeper, b"", refused="leaves dust")
    done = act(stage, [(id, ETH, WAD, MAX), (id, ETH, MAX, MAX), (id, ETH, MAX, MAX)])
    sold, _ = done.after.returned
    assert (sold[0], sold[2]) == (0, 0)
    assert sold[1] > 0
    assert done.after.positions[id].normalized_debt == 0


def test_takes__down_to_bad_debt(any_stage):
    stage = any_stage
    one, two = auctions(stage)
    now = stage.world.now + DURATION // 2
    reprice(stage, now, 300 * WAD, 10_000 * WAD, 90 * WAD // 100)
    everything = [(id, kind, MAX, MAX) for id in (one, two) for kind in (ETH, BTC, STABLE)]
    done = act(stage, everything, at=now)
    assert min(done.after.returned[0]) > 0
    assert [args["account"] for name, args in done.logs if name == "BadDebt"] == [one, two]
    for id in (one, two):
        position = done.after.positions[id]
        assert (position.normalized_debt, position.balances, position.word) == (0, {}, 0)


def test_takes__thirty_two_orders(stage):
    world = stage.world
    ids = auctions(stage, 8)
    orders = [(id, kind, amount, MAX) for kind, amount in SLICES for id in ids]
    assert len(orders) == 32
    with reverts(""):
        world.vault.transact("takes", [*orders, orders[0]], world.keeper, sender=world.keeper)
    done = act(stage, orders)
    assert min(done.after.returned[0]) > 0
    assert [len(transfers(token)) for token in world.tokens] == [2, 1, 1]
    assert len(transfers(world.coin)) == 1


SLICES = ((ETH, WAD), (BTC, 10**6), (STABLE, 10**7), (ETH, WAD // 3))


# refusals of the whole


def test_takes_reverts_when_the_coins_do_not_suffice(stage):
    world = stage.world
    one, two = auctions(stage)
    orders = [(one, ETH, WAD, MAX), (two, BTC, 10**6, MAX)]
    now = world.now + 1
    with world.snapshot():
        _, cost = act(stage, orders, at=now).after.returned
    spare = world.coin.read("balanceOf", world.keeper) - cost
    world.coin.transact("transfer", world.stranger, spare + 1, sender=world.keeper)
    now = world.now + 1
    before = stage.book()
    with world.snapshot():
        act(stage, orders, at=now, refused="amount exceeds balance")
        assert stage.book() == before
    # a wei more is enough at the very second
    world.coin.transact("transfer", world.keeper, 1, sender=world.stranger)
    done = act(stage, orders)
    assert done.after.coin.balances[stage.people[2]] <= 1


def test_takes_reverts_when_the_receiver_is_bad(stage):
    world = stage.world
    (id,) = auctions(stage, 1)
    for receiver in (ZERO, world.vault.address):
        act(stage, [(id, ETH, WAD, MAX)], receiver=receiver, refused="bad receiver")
        act(stage, [], receiver=receiver, refused="bad receiver")


def test_takes_reverts_when_taking_is_paused(stage):
    world = stage.world
    (id,) = auctions(stage, 1)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    act(stage, [(id, ETH, WAD, MAX)], refused="taking paused")
    act(stage, [(id, ETH, 0, MAX)], refused="taking paused")
    act(stage, [])  # there is nothing to refuse
    world.vault.transact("set_pauses", 1 + 2 + 4 + 16, sender=world.governor)
    now = world.now + GRACE  # resumed a grace after the end of the pause
    done = act(stage, [(id, ETH, WAD, MAX)], at=now)
    assert list(done.after.returned[0]) == [WAD]


@pytest.mark.parametrize("bad", [2**168, MAX])
def test_takes_reverts_when_a_number_is_no_account(stage, bad):
    (id,) = auctions(stage, 1)
    good = (id, ETH, WAD, MAX)
    for orders in ([(bad, ETH, WAD, MAX), good], [good, (bad, ETH, 0, MAX)]):
        act(stage, orders, refused="unknown account")


def test_takes__charges_the_caller_wherever_the_collateral_goes(stage):
    world = stage.world
    (id,) = auctions(stage, 1)
    world.coin.transact("transfer", world.stranger, RICH // 2, sender=world.keeper)
    done = act(stage, [(id, ETH, WAD, MAX)], receiver=world.stranger)
    balances = done.after.coin.balances
    assert balances[stage.people[3]] == RICH // 2
    assert (
        done.before.coin.balances[stage.people[2]] - balances[stage.people[2]]
        == (done.after.returned[1])
    )
    assert done.after.held[ETH, stage.people[3]] == WAD
