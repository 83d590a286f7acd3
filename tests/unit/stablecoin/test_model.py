# SPDX-License-Identifier: MIT
"""Any sequence of calls by anybody: the coin is its model, to the last word and event."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.unit.stablecoin.moves import BEGINNING, SEQUENCE
from tests.unit.stablecoin.rig import Rig

DONE = (
    "mint", "burn", "transfer", "transferFrom", "approve", "permit", "set_ceiling", "set_flash",
    "flashLoan",
)  # fmt: skip
REFUSED = (
    "not governor", "not minter", "zero owner", "mint to zero", "amount exceeds balance",
    "zero minter", "ceiling too large", "unsupported token", "above flash ceiling",
    "flash callback failed", "flash fee too high", "flash ceiling too large",
    "erc20: transfer amount exceeds balance", "erc20: transfer to the zero address",
    "erc20: insufficient allowance", "erc20: approve to the zero address",
    "erc20: approve from the zero address", "erc20: expired deadline", "erc20: invalid signature",
    "ecdsa: invalid signature", "ecdsa: invalid signature `s` value",
)  # fmt: skip
WITHIN = (
    "step mint", "step burn", "step transfer", "step transferFrom", "step approve",
    "tried: flash mint active", "tried: totalSupply", "tried: flash_minted", "tried: maxFlashLoan",
    "tried: flashLoan", "mint True", "mint False",
)  # fmt: skip


@pytest.fixture(scope="module")
def rig():
    return Rig()


def test_the_coin_is_its_model(rig):
    """And nothing of it is missed: every function succeeds often and every refusal is met."""

    @settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
    @given(beginning=BEGINNING, moves=SEQUENCE)
    def runs(beginning, moves):
        rig.begin(*beginning)
        for move in moves:
            rig.make(move)

    runs()
    made = sum(rig.seen[name] for name in (*DONE, *REFUSED, ""))
    assert [name for name in (*REFUSED, *WITHIN) if not rig.seen[name]] == []
    assert [name for name in DONE if rig.seen[name] < made // 50] == []
