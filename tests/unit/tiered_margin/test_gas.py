# SPDX-License-Identifier: MIT
"""What an answer costs the vault that asks with 300,000 gas, and what the model looks at for it."""

from dataclasses import astuple

import pytest

from tests.unit.conftest import WAD
from tests.unit.tiered_margin.conftest import BRACKETS, SCALE, M, exposure

ALLOWANCE = 300_000


@pytest.fixture(scope="module")
def full(new_model):
    """A model with 4 brackets and a scale for each of 8 kinds, asked at its dearest."""
    model = new_model()
    for kind in range(24, 32):
        model.set_brackets(kind, *BRACKETS)
        model.set_scale(kind, *SCALE)
    return model


def request(model, count):
    """Encode a question about `count` kinds, each in its last bracket and inside its scale."""
    legs = [exposure(kind, 17 * M + kind, 100_000 * WAD) for kind in range(32 - count, 32)]
    return model.contract.surcharges.encode_input(1, [astuple(leg) for leg in legs], 31)


def test_eight_kinds_with_four_brackets__fit_well_below_the_allowance(full, probe, stranger):
    one, eight = (
        probe.measure(full.contract, request(full, count), sender=stranger).events[0].gas
        for count in (1, 8)
    )
    assert one <= 14_000
    assert eight <= 82_500  # of which 36,200 are 16 cold slots and the cold account
    assert eight <= ALLOWANCE // 3
    response = probe.execute.call(full.contract, request(full, 8), ALLOWANCE)
    assert len(response) == 5 * 32


def test_a_kind_without_parameters__costs_little(new_model, probe, stranger):
    model = new_model()
    one, eight = (
        probe.measure(model.contract, request(model, count), sender=stranger).events[0].gas
        for count in (1, 8)
    )
    assert eight - one <= 7 * 5_500


def test_an_answer_calls_nobody_and_reads_only_storage_and_arguments(full, rpc):
    call = {"to": full.contract.address, "data": "0x" + bytes(request(full, 8)).hex()}
    steps = rpc.call("debug_traceCall", call, "latest", {})["structLogs"]
    used = {step["op"] for step in steps}
    assert {step["depth"] for step in steps} == {1}
    assert {"SLOAD", "RETURN", "CALLDATALOAD"} <= used
    assert used.isdisjoint({
        "CALL", "STATICCALL", "DELEGATECALL", "CALLCODE", "CREATE", "CREATE2", "SSTORE", "TSTORE",
        "TLOAD", "LOG0", "LOG1", "TIMESTAMP", "NUMBER", "CALLER", "ORIGIN", "BALANCE",
        "SELFBALANCE", "EXTCODESIZE", "EXTCODEHASH", "EXTCODECOPY", "BLOCKHASH", "PREVRANDAO",
        "DIFFICULTY", "COINBASE", "GASPRICE", "BASEFEE", "GAS",
    })  # fmt: skip
    assert sum(step["op"] == "SLOAD" for step in steps) == 16
