# SPDX-License-Identifier: MIT
"""Who may do what, when somebody means harm: rows P01-P11 of the catalogue.

Every function by everybody is in tests/access; signatures are in tests/unit/operators and
tests/unit/stablecoin. Here is what roles, operators and settings can do to people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surety import paths
from surety.access import TABLE
from surety.chain import Reverted
from surety.compile import artifact
from tests.bad_inputs.ground import BTC, ETH, STABLE, Ground
from tests.world import MAX, WAD

ZERO = "0x" + "00" * 20
LOWER = 590 * WAD
DEBT = 5_100 * WAD
GOVERNED = tuple(name for name, table in TABLE.items() if "propose_governor" in table.writes)
UNAUTHORISED = "not authorised"

# P02


@pytest.mark.parametrize("name", [pytest.param(name, id=f"P02-{name}") for name in TABLE])
def test_nothing_can_be_initialised_twice(name):
    """What a contract begins with is said to its constructor alone, in the deployment itself."""
    functions = {
        entry["name"].lower() for entry in artifact(name).abi if entry["type"] == "function"
    }
    words = ("init", "setup", "construct", "upgrade", "implementation", "renounce")
    assert {each for each in functions if any(word in each for word in words)} == set()
    assert len(functions) > 0


def test_p02_what_was_deployed_cannot_be_deployed_into(live):
    """The code that builds a contract is no call to it, and another deployment is another place."""
    for name in GOVERNED:
        target = live.contracts[name]
        before = target.read("governor")
        with pytest.raises(Reverted) as caught:
            live.rpc.eth_call(target.address, artifact(name).bytecode, sender=live.world.stranger)
        assert caught.value.reason == ""
        assert target.read("governor") == before


# P03


@pytest.mark.parametrize("contract", [pytest.param(name, id=f"P03-{name}") for name in GOVERNED])
@pytest.mark.covers("I62")
def test_a_governor_is_handed_over_in_two_steps(live, contract):
    """To nobody, to itself, to the contract, and accepted by who was not named, or twice."""
    target = live.contracts[contract]
    governor, stranger, successor = (
        live.actors[name] for name in ("governor", "stranger", "successor")
    )

    def said(fn: str, *args: Any, sender: str) -> str | None:
        try:
            target.transact(fn, *args, sender=sender)
        except Reverted as reverted:
            return reverted.reason
        return None

    with live.undone():
        # a nomination is taken back by naming nobody, and nobody accepts it
        assert said("propose_governor", successor, sender=governor) is None
        assert said("propose_governor", ZERO, sender=governor) is None
        assert said("accept_governor", sender=successor) == "not proposed"
        # a contract that was named cannot accept, and the governor goes on
        assert said("propose_governor", target.address, sender=governor) is None
        assert said("accept_governor", sender=governor) == "not proposed"
        # to itself: nothing is lost
        assert said("propose_governor", governor, sender=governor) is None
        assert said("accept_governor", sender=stranger) == "not proposed"
        assert said("accept_governor", sender=governor) is None
        assert target.read("governor") == governor
        assert said("accept_governor", sender=governor) == "not proposed"
        # to another: at once and wholly
        assert said("propose_governor", successor, sender=governor) is None
        assert said("propose_governor", stranger, sender=successor) == "not governor"
        assert said("accept_governor", sender=successor) is None
        assert said("propose_governor", governor, sender=governor) == "not governor"
        assert (target.read("governor"), target.read("pending_governor")) == (successor, ZERO)


# P05


def right_of(ground: Ground, operator: str, bits: int) -> None:
    """Let somebody act for the owner's sub-accounts, and the model know it."""
    ground.world.set_operator(operator, bits, sender=ground.world.owner)
    ground.rights.append((ground.world.owner, operator))


RAISING: dict[str, Callable[[int, int, str], tuple[Any, ...]]] = {
    "enable": lambda mine, _, __: ("deposit", mine, BTC, 1),
    "withdraw": lambda mine, _, to: ("withdraw", mine, ETH, 1, to),
    "borrow": lambda mine, _, to: ("borrow", mine, 1, to),
    "adjust-out": lambda mine, _, to: ("adjust", mine, [(ETH, -1)], 0, to, b""),
    "adjust-borrow": lambda mine, _, to: ("adjust", mine, [(ETH, 1)], 1, to, b""),
    "move-from": lambda mine, own, _: ("move", mine, own, [(ETH, 1)], 0),
    "move-to": lambda mine, own, _: ("move", own, mine, [(ETH, 1)], 0),
    "model": lambda mine, _, __: ("set_margin_model", mine, 0),
}


@pytest.mark.covers("I25", "I60")
@pytest.mark.parametrize(
    "move", [pytest.param(move, id=f"P05-{name}") for name, move in RAISING.items()]
)
def test_an_operator_acts_where_its_bit_is_and_nowhere_else(move):
    """Bit 3: sub-account 3 of this owner. Not 2, not another owner's 3, not after a lockdown."""
    ground = Ground()
    world, operator = ground.world, ground.world.operator
    world.give(operator, BTC, 10)
    world.give(operator, ETH, 40 * WAD)
    mine = ground.open([(ETH, 10 * WAD)], 3_000 * WAD, sub=3)
    beside = ground.open([(ETH, 10 * WAD)], 3_000 * WAD, sub=2)
    foreign = ground.open([(ETH, 10 * WAD)], 3_000 * WAD, owner=world.other, sub=3)
    own = ground.open([(ETH, 10 * WAD)], 0, owner=operator)
    right_of(ground, operator, 1 << 3)

    def said(id: int) -> str | None:
        return ground.outcome(*move(id, own, operator), sender=operator)

    assert (said(beside), said(foreign)) == (UNAUTHORISED,) * 2
    assert said(mine) is None
    world.operators.transact("lockdown", sender=world.owner)
    other = ground.outcome(*move(mine, own, operator), sender=operator)
    # what is enabled already is deposited by anybody
    assert other == (None if move is RAISING["enable"] else UNAUTHORISED)


@pytest.mark.covers("P05")
def test_an_operators_callback_enters_nothing():
    """An operator that is called back cannot use its right on the other accounts meanwhile."""
    ground = Ground()
    world = ground.world
    actor = ground.new("MockActor")
    id = ground.open([(ETH, 10 * WAD)], 3_000 * WAD)
    beside = ground.open([(ETH, 10 * WAD)], 3_000 * WAD, sub=1)
    right_of(ground, actor.address, 0b11)

    def drained(step: bytes | None) -> str | None:
        steps = [] if step is None else [(world.vault.address, step)]
        actor.transact("set_steps", steps, sender=world.keeper)
        args = (id, [(ETH, -1)], 0, world.keeper, b"now")
        call = actor.encode("execute", world.vault.address, world.vault.encode("adjust", *args))
        return ground.node.run(world.keeper, actor.address, call, ground.now + 1).reason

    args = (beside, ETH, WAD, world.keeper)
    assert drained(world.vault.encode("withdraw", *args)) == ""
    assert drained(None) is None
    balances = [world.vault.read("balances", each, ETH) for each in (id, beside)]
    assert balances == [10 * WAD - 1, 10 * WAD]


# P06


@pytest.mark.covers("P06")
def test_no_contract_of_ours_consumes_a_permit():
    """So a permit that somebody brings first stops nothing: it is a transaction of its own."""
    using = {
        path.stem
        for path in paths.contracts().rglob("*.vy")
        if "permit(" in path.read_text() and "mocks" not in path.parts
    }
    assert using == {"Stablecoin"}


# P09


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        pytest.param("deposit", (BTC, 1), id="P09-deposit"),
        pytest.param("adjust", ([(BTC, 1)], 0, ZERO, b""), id="P09-adjust"),
        pytest.param("adjust", ([(ETH, 1), (BTC, 1)], -1, ZERO, b""), id="P09-beside-a-gift"),
    ],
)
@pytest.mark.covers("I24", "I25")
def test_nobody_brings_dust_of_a_new_kind(fn, args):
    """Only an owner's own kinds can be topped up by others."""
    ground = Ground()
    world, attacker = ground.world, ground.world.keeper
    world.give_coins(attacker, WAD)
    world.give(attacker, BTC, 10)
    world.give(attacker, ETH, 10)
    id = ground.open([(ETH, 10 * WAD)], 3_000 * WAD)
    own = ground.open([(BTC, 10)], 0, owner=attacker)
    assert ground.outcome(fn, id, *args, sender=attacker) == UNAUTHORISED
    refused = ground.outcome("move", own, id, [(BTC, 1)], 0, sender=attacker)
    assert refused == UNAUTHORISED
    assert ground.outcome("deposit", id, ETH, 1, sender=attacker) is None
    assert world.account(id).collateral_mask == 1 << ETH


# P10


def absorbed(ground: Ground) -> int:
    """Let an account be absorbed and return it."""
    world = ground.world
    id = ground.open([(ETH, 10 * WAD)], DEBT, sub=7)
    world.follow(LOWER)
    called = ground.act("margin_call", id)
    at = called.now + ground.rules.auction_duration + 1
    ground.act("absorb", id, at=ground.priced(LOWER, at))
    return id


@pytest.mark.covers("P10")
def test_p10_a_malicious_fund_draws_what_was_absorbed_and_nothing_else():
    """All that a fund can be trusted with is what the book has given up already."""
    ground = Ground()
    world = ground.world
    held = ground.open([(ETH, 10 * WAD), (BTC, 10**8)], 2_000 * WAD)
    world.give_coins(world.owner, 20_000 * WAD)
    absorbed(ground)
    thief = ground.new("MockActor")
    ground.watch(thief.address)
    ground.act("propose_fund", thief.address, sender=world.governor)

    def thieve(fn: str, *args: Any) -> str | None:
        data = thief.encode("execute", world.vault.address, world.vault.encode(fn, *args))
        return ground.node.run(world.keeper, thief.address, data, ground.now + 1).reason

    assert thieve("withdraw_absorbed", ETH, 1, thief.address) == "not fund"
    assert thieve("accept_fund") is None
    lot = world.vault.read("absorbed", ETH)
    assert 0 < lot <= 10 * WAD
    assert thieve("withdraw_absorbed", ETH, lot + 1, thief.address) == "above balance"
    assert thieve("withdraw_absorbed", BTC, 1, thief.address) == "above balance"
    assert thieve("withdraw_absorbed", ETH, lot, thief.address) is None
    assert thieve("withdraw_absorbed", ETH, 1, thief.address) == "above balance"
    for fn, args in (
        ("settle", (held, 10**27, 0)),
        ("shutdown", ()),
        ("set_cap", (ETH, 0)),
        ("withdraw", (held, ETH, 1, thief.address)),
    ):
        assert thieve(fn, *args) in ("not settlement", "not governor", UNAUTHORISED)
    # everybody else gets out with all that is theirs
    ground.act("repay", held, MAX, sender=world.owner)
    legs = [(ETH, -(2**255)), (BTC, -(2**255))]
    ground.act("adjust", held, legs, 0, world.owner, b"", sender=world.owner)
    assert world.tokens[ETH].read("balanceOf", thief.address) == lot
    assert world.tokens[BTC].read("balanceOf", world.owner) == 10**8


# P11


def cap_lowered(ground: Ground) -> None:
    ground.act("set_cap", ETH, 1, sender=ground.world.governor)


def frozen(ground: Ground) -> None:
    ground.act("set_frozen", ETH, True, sender=ground.world.governor)


def retired(ground: Ground) -> None:
    """What a delisting would be: no cap, frozen, and no more lending."""
    cap_lowered(ground)
    frozen(ground)
    ground.act("set_pauses", 1, sender=ground.world.governor)


def levels_lowered(ground: Ground) -> None:
    args = (ETH, 7_300, 7_800, 8_300, 10_000, 8_700)
    ground.act("set_levels", *args, sender=ground.world.governor)


def levels_raised(ground: Ground) -> None:
    args = (ETH, 7_600, 8_100, 8_600, 10_200, 8_900)
    ground.act("set_levels", *args, sender=ground.world.governor)


def rate_raised(ground: Ground) -> None:
    ground.act("set_rate", 10**27 // 31_536_000, sender=ground.world.governor)


def oracle_replaced(ground: Ground) -> None:
    world = ground.world
    oracle = ground.new("ChainlinkOracle", world.feeds[ETH].address)
    world.set_price(ETH, LOWER)
    world.hub.transact("set_oracle", ETH, oracle.address, sender=world.governor)


CHANGES = (cap_lowered, frozen, retired, levels_lowered, levels_raised, rate_raised)


@pytest.mark.covers("I35", "I56")
@pytest.mark.parametrize(
    "change",
    [pytest.param(change, id=f"P11-{change.__name__}") for change in (*CHANGES, oracle_replaced)],
)
def test_what_is_changed_in_use_holds_nobody(change):
    """A running auction goes on by the new numbers, and everybody can close what he has."""
    ground = Ground()
    world, owner = ground.world, ground.world.owner
    for who in (owner, world.keeper):
        world.give_coins(who, 30_000 * WAD)
    in_auction = ground.open([(ETH, 10 * WAD)], DEBT)
    covered = ground.open([(ETH, 10 * WAD)], 2_000 * WAD, sub=1)
    free = ground.open([(ETH, WAD)], 0, sub=2)
    called = ground.open([(ETH, 10 * WAD), (STABLE, 10**6)], 4_800 * WAD, sub=3)
    world.follow(LOWER)
    ground.act("margin_call", in_auction)
    ground.act("margin_call", called)
    opens = [world.account(each).auction_start for each in (in_auction, called)]
    assert opens[1] > ground.now >= opens[0]
    change(ground)
    assert [world.account(each).auction_start for each in (in_auction, called)] == opens
    ground.act("take", in_auction, ETH, WAD, MAX, world.keeper, b"")
    # a cap that is used up stops no rescue, only what is not called
    world.give(owner, ETH, WAD)
    ground.act("deposit", called, ETH, WAD // 2, sender=owner)
    full = "above cap" if change in (cap_lowered, retired) else None
    ground.act("deposit", covered, ETH, WAD // 2, sender=owner, refused=full)
    ground.act("withdraw", free, ETH, WAD, owner, sender=owner)
    for id in (in_auction, covered, called):
        ground.act("repay", id, MAX, sender=owner)
        ground.act("withdraw", id, ETH, MAX, owner, sender=owner)
        assert (world.debt(id), world.vault.read("balances", id, ETH)) == (0, 0)
