# SPDX-License-Identifier: MIT
"""On a live system everybody tries everything: only whom the table names gets through."""

from __future__ import annotations

import pytest

from surety.access import TABLE
from surety.anvil import Anvil
from surety.chain import Rpc
from tests.access import proofs
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


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case[0]}.{case[1]}-{case[2]}")
def test_only_who_is_named_gets_through(stage, case):
    contract, function, number = case
    declared = TABLE[contract].writes[function].cases[number]
    with prepared(stage, contract, function, number) as attempt:
        assert attempt.contract == contract
        assert list(stage.disagreements(attempt, declared)) == []
        assert list(stage.stopped(attempt, declared)) == []
