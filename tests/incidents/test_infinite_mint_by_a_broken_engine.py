# SPDX-License-Identifier: MIT
"""Infinite mint by a broken engine (Acala, August 2022): billions of a stablecoin out of nothing.

A pool set up wrongly could mint aUSD without collateral, and nothing bounded how much: some three
billion appeared before the chain was halted. Here each minter has a ceiling in the coin itself, so
that a broken or hostile engine costs at most that, in plain sight, and ends by one act.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surety.chain import Contract
from tests.incidents.weak import revm_world, weakened
from tests.world import MAX, WAD, World, reverts

pytestmark = pytest.mark.covers("incident: infinite mint by a broken engine")

CEILING = 1_000_000 * WAD
BORROWED = 50_000 * WAD
UNBOUNDED = (
    "    if amount > limit or unsafe_add(word & AMOUNT_MASK, amount) > limit:",
    "    if amount > limit:",  # each call by itself, and not what is out already
)

AMOUNTS = st.one_of(
    st.integers(0, 2 * CEILING),
    st.sampled_from((1, CEILING - 1, CEILING, CEILING + 1, 2**120, 2**128, 2**255, MAX)),
)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("mint"), AMOUNTS),
        st.tuples(st.just("burn"), AMOUNTS),
        st.tuples(st.just("transfer"), AMOUNTS),
        st.tuples(st.just("flashLoan"), AMOUNTS),
    ),
    max_size=25,
)


class Engine:
    """A minter that anybody can tell anything, beside a sound book with borrowers."""

    def __init__(self, world: World) -> None:
        self.world, self.coin = world, world.coin
        self.contract: Contract = self._deploy()
        self.address = self.contract.address
        world.coin.transact("set_ceiling", self.address, CEILING, sender=world.governor)
        self.account = world.open([(0, 100 * WAD)], BORROWED)
        world.coin.transact("transfer", world.other, BORROWED // 2, sender=world.owner)

    def _deploy(self) -> Contract:
        from surety.chain import UnlockedSender, deploy_contract
        from surety.compile import artifact

        sender = UnlockedSender(self.world.rpc, self.world.stranger)
        return self.world.contract(
            "MockBorrower", deploy_contract(sender, artifact("MockBorrower"))
        )

    def does(self, function: str, *args: object) -> str | None:
        """Call the coin as the engine; return why it was refused."""
        data = self.contract.encode("execute", self.coin.address, self.coin.encode(function, *args))
        world = self.world
        return world.rpc.run(world.stranger, self.address, data, world.now + 1).reason

    @property
    def equity(self) -> int:
        surplus, deficit = self.world.fund.read("equity")
        return surplus - deficit


@pytest.fixture
def sound():
    return revm_world()


@pytest.mark.covers("I06", "P10")
def test_an_engine_that_mints_without_end_stops_at_its_ceiling(sound):
    engine = Engine(sound)
    supply, before = sound.coin.read("totalSupply"), engine.equity
    owed = sound.vault.read("total_debt")
    for amount in (CEILING // 3,) * 5 + (1, 2**255, MAX) + (CEILING // 3,) * 5:
        assert engine.does("mint", engine.address, amount) is None  # False, and nothing happens
        assert engine.does("transfer", sound.stranger, 1) is None
    assert engine.does("mint", engine.address, CEILING - 3 * (CEILING // 3)) in (None,)
    out = sound.coin.read("minted", engine.address)
    assert CEILING - 3 <= out <= CEILING
    assert sound.coin.read("totalSupply") == supply + out
    # a deficit of exactly that, read at once, in nobody's books and with nobody's doing
    interest = sound.vault.read("total_debt") - owed
    assert engine.equity - before == interest - out


@pytest.mark.covers("I06", "P10")
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(acts=ACTS)
def test_no_calls_of_an_engine_get_it_more_than_its_ceiling(acts):
    """Coins are neither made by burning one's own, nor by lending them to oneself."""
    sound = revm_world()
    engine = Engine(sound)
    sound.coin.transact("set_flash", 0, 2**112, sender=sound.governor)
    others = sound.coin.read("totalSupply")
    given_away = 0
    for what, amount in acts:
        held = sound.coin.read("balanceOf", engine.address)
        if what == "mint":
            assert engine.does("mint", engine.address, amount) is None
        elif what == "flashLoan":
            engine.does("flashLoan", engine.address, sound.coin.address, amount, b"")
        elif amount <= held:
            to = (sound.stranger,) if what == "transfer" else (engine.address,)
            assert engine.does(what, *to, amount) is None
            given_away += amount if what == "transfer" else 0
        out = sound.coin.read("minted", engine.address)
        assert out <= CEILING
        assert sound.coin.read("balanceOf", engine.address) + given_away == out
        assert sound.coin.read("totalSupply") == others + out


def test_one_act_ends_it__and_every_other_book_goes_on(sound):
    engine = Engine(sound)
    room = sound.coin.read("headroom", sound.vault.address)
    engine.does("mint", engine.address, CEILING // 2)
    sound.coin.transact("set_ceiling", engine.address, 0, sender=sound.governor)
    for amount in (1, CEILING, MAX):
        assert engine.does("mint", engine.address, amount) is None
        assert sound.coin.read("minted", engine.address) == CEILING // 2

    assert sound.coin.read("headroom", sound.vault.address) == room
    vault, owner = sound.vault, sound.owner
    vault.transact("borrow", engine.account, 1_000 * WAD, owner, sender=owner)
    vault.transact("repay", engine.account, 1_000 * WAD, sender=owner)
    sound.coin.transact("transfer", owner, BORROWED // 2, sender=sound.other)
    sound.give_coins(owner, 2_000 * WAD)  # for the interest
    vault.transact("repay", engine.account, MAX, sender=owner)
    vault.transact("withdraw", engine.account, 0, MAX, owner, sender=owner)
    assert sound.debt(engine.account) == 0


def test_what_a_minter_is_trusted_with__it_can_take_from_holders_but_not_from_the_supply(sound):
    """It may burn anybody's coins, and then mint as many again: theft, of coins that exist.

    Which is why the governor names contracts only that burn their own caller's (the vault's, the
    fund's and the peg's tests say that they do), and why a ceiling of 0 is not enough for a hostile
    one: it can go on destroying. docs/stablecoin.md says so.
    """
    engine = Engine(sound)
    engine.does("mint", engine.address, CEILING)
    supply, held = sound.coin.read("totalSupply"), sound.coin.read("balanceOf", sound.other)
    assert engine.does("burn", sound.other, held) is None
    assert engine.does("mint", engine.address, held) is None
    assert engine.does("mint", engine.address, 1) is None  # refused: it is at its ceiling again
    assert sound.coin.read("balanceOf", sound.other) == 0
    assert sound.coin.read("balanceOf", engine.address) == CEILING + held
    assert sound.coin.read("totalSupply") == supply
    assert sound.coin.read("minted", engine.address) == CEILING


def test_nobody_else_mints(sound):
    """Not the governor, not the owner of the deepest account, not a former minter's successor."""
    engine = Engine(sound)
    for who in (sound.governor, sound.owner, sound.keeper, sound.stranger):
        with reverts("not minter"):
            sound.coin.transact("mint", who, 1, sender=who)
    with reverts("not minter"):
        sound.coin.transact("burn", engine.address, 0, sender=sound.governor)
    with reverts("not governor"):
        sound.coin.transact("set_ceiling", sound.stranger, MAX, sender=sound.stranger)


def test_a_coin_that_looks_at_each_mint_alone_is_drained():
    """The control: the same engine, call by call below its ceiling, without end."""
    world = revm_world(weakened("Stablecoin", UNBOUNDED))
    engine = Engine(world)
    for _ in range(20):
        engine.does("mint", engine.address, CEILING)
    assert world.coin.read("balanceOf", engine.address) == 20 * CEILING
    assert engine.equity < -19 * CEILING
