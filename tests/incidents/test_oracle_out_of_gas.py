# SPDX-License-Identifier: MIT
"""Oracle out-of-gas griefing: a call with just enough gas that the inner one has too little.

An inner call gets at most 63 of 64 parts of the gas that is there. Who catches its failure and
takes it for the oracle's can be made to see any oracle fail, by anybody, for the price of a
transaction with less gas. Here the hub gives its oracle exactly what it may use, or reverts.
https://ronan.eth.limo/blog/ethereum-gas-dangers/
"""

from __future__ import annotations

import pytest

from tests.incidents.arena import ETH, HOUR, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: oracle out-of-gas griefing")

FAILED = 1 << 248
ROUNDS = 2_000  # of hashing: some 230,000 of the 300,000 gas that an oracle may use
HALF_OF_IT = ("        gas=ORACLE_GAS,\n", "        gas=msg.gas // 2,\n")
GASES = range(60_000, 1_000_001, 20_000)


def slow(arena: Arena) -> None:
    """Price ether by an oracle that uses most of what it may."""
    source = arena.deploy("MockOracle", arena.market[ETH])
    arena.must(arena.attacker, source, "set_work", ROUNDS)
    arena.must(arena.world.governor, arena.hub, "set_oracle", ETH, source.address)
    arena.wait(60)
    arena.poke(1 << ETH)


def starve(arena: Arena) -> tuple[set[bool], set[bool]]:
    """Poke with less and less gas, each after a minute.

    Return whether the kind had failed after those that went through, and after those that did not.
    """
    evm, data = arena.world.rpc.evm, arena.hub.encode("poke", 1 << ETH)
    went, refused = set(), set()
    for gas in GASES:
        with arena.snapshot():
            arena.wait(60)
            seen = went
            try:
                evm.message_call(arena.attacker, arena.hub.address, calldata=data, gas=gas)
            except RuntimeError:
                seen = refused
            evm.reset_transient_storage()
            seen.add(arena.hub.read("words", ETH) & FAILED != 0)
    return went, refused


@pytest.mark.covers("O08")
def test_no_amount_of_gas_makes_an_oracle_fail():
    """Each poke tells the truth or reverts; and a minute without gas costs nobody a sale."""
    arena = Arena()
    slow(arena)
    went, refused = starve(arena)
    assert went == {False}
    assert refused == {False}
    # the oracle does fail when it is the oracle that does
    oracle = arena.world.contract("MockOracle", arena.hub.read("config_of", ETH)[0])
    arena.must(arena.attacker, oracle, "set_work", 2 * ROUNDS)
    arena.wait(60)
    arena.poke(1 << ETH)
    assert arena.hub.read("words", ETH) & FAILED != 0


def test_a_hub_that_shares_its_gas_is_found():
    """The control: half of what there is, and anybody stops every sale of a called account."""
    arena = Arena(weakened("PriceHub", HALF_OF_IT))
    slow(arena)
    account = open_at_the_limit(arena)
    arena.fund_keepers(20_000 * WAD)
    went, _ = starve(arena)
    assert went == {False, True}
    oracle = arena.world.contract("MockOracle", arena.hub.read("config_of", ETH)[0])
    arena.must(arena.attacker, oracle, "set_price", 1_800 * WAD)
    arena.wait(60)
    arena.must(arena.keeper, arena.vault, "margin_call", account)
    arena.wait(HOUR)
    evm, me, data = arena.world.rpc.evm, arena.attacker, arena.hub.encode("poke", 1 << ETH)
    evm.message_call(me, arena.hub.address, calldata=data, gas=400_000)
    evm.reset_transient_storage()
    order = (account, ETH, MAX, MAX, arena.keeper, b"")
    arena.refused("price failed", arena.keeper, arena.vault, "take", *order)
