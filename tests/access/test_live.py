# SPDX-License-Identifier: MIT
"""On a live system everybody tries everything: only whom the table names gets through."""

from __future__ import annotations

import pytest

from surety.access import TABLE
from surety.anvil import Anvil
from surety.chain import Rpc
from tests.access import proofs
from tests.access.seeds import builds, plant
from tests.access.stage import PROOFS, Stage, cases, prepared
from tests.world import GENESIS

__all__ = ["proofs"]  # imported for what it registers


@pytest.fixture(scope="module")
def stage():
    with Anvil(timestamp=GENESIS, block_interval=1) as node, Rpc(node.url) as rpc:
        yield Stage(rpc)


def test_every_case_of_the_table_is_tried():
    wanted = {
        (contract, function): len(access.cases)
        for contract, table in TABLE.items()
        for function, access in table.writes.items()
    }
    assert {key: len(found) for key, found in PROOFS.items()} == wanted


@pytest.mark.covers("P01", "I59")
@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case[0]}.{case[1]}-{case[2]}")
def test_only_who_is_named_gets_through(stage, case):
    contract, function, number = case
    declared = TABLE[contract].writes[function].cases[number]
    with prepared(stage, contract, function, number) as attempt:
        assert attempt.contract == contract
        assert list(stage.disagreements(attempt, declared)) == []
        assert list(stage.stopped(attempt, declared)) == []


def test_what_a_call_has_changed_is_seen(stage):
    """Ask of a call that goes through: were nothing ever seen, no refusal would prove anything."""
    with prepared(stage, "Vault", "borrow", 0) as attempt:
        assert stage.send("owner", attempt).reason is None
        vault, coin = (stage.contracts[name].address.lower() for name in ("Vault", "Stablecoin"))
        assert {vault, coin} <= stage.changed().keys()


@pytest.mark.parametrize(
    ("build", "seeds"),
    [pytest.param(build, seeds, id=f"{build[0]}-{build[1]}") for build, seeds in builds().items()],
)
def test_a_contract_with_bugs_is_found_out(stage, build, seeds, tmp_path):
    """Put code with bugs in the place of the contract: for each somebody gets through, or fails."""
    contract, _ = build
    with stage.undone():
        stage.infect(contract, plant(tmp_path, *seeds), tmp_path)
        for seed in seeds:
            found: list[str] = []
            for number, declared in enumerate(TABLE[contract].writes[seed.function].cases):
                with prepared(stage, contract, seed.function, number) as attempt:
                    found += stage.disagreements(attempt, declared)
            assert found != [], seed.name


def test_the_deployer_has_no_right_that_a_stranger_has_not(stage):
    """Nothing that is stored names the deployer, but for the coins and tokens it was given."""
    system, deployer = stage.world.system, stage.actors["deployer"]
    places = {name: contract.address for name, contract in stage.contracts.items()}
    words = stage.words()
    named = {
        name
        for name, address in places.items()
        for word in words.get(address.lower(), {}).values()
        if word % 2**160 == int(deployer, 16)
    }
    assert named == set()
    operators = stage.world.operators
    for owner in stage.actors.values():
        if owner != deployer:
            asked = operators.read("is_authorised", system.vault, owner, 0, deployer)
            assert not asked, owner
    assert stage.world.coin.read("headroom", deployer) == 0
    assert not stage.world.coin.read("is_minter", deployer)


def test_whom_the_table_names_are_the_only_ones_with_rights(stage):
    """Everybody else is refused alike: the deployer, a keeper and a stranger are one to it."""
    roles = {who for role, whom in stage.roles.items() if role != "anyone" for who in whom}
    assert {"deployer", "keeper", "stranger", "robot"}.isdisjoint(roles)
