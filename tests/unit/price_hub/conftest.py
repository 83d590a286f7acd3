# SPDX-License-Identifier: MIT
"""One hub with three kinds on oracles that can be told to misbehave."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from surety.formulas import margin_math
from tests.unit.conftest import BPS, WAD, ZERO, Word

FRESH_FOR = 60
MAX_AGE = 3_600
MIN_PRICE = WAD
MAX_PRICE = 100_000 * WAD
PRICE = 2_000 * WAD
SLEW_DOWN = 1_666_666
SLEW_UP = 333_333
JUMP = 2_000
SIGMA_REF = 15_000_000
CONFIRM_PERIOD = 1_200
FAILED, CONFIRMING = 1, 2


@pytest.fixture(scope="session")
def new_hub(project, governor):
    return lambda fresh_for, confirm_period=CONFIRM_PERIOD: governor.deploy(
        project.PriceHub, governor, fresh_for, confirm_period, ZERO
    )


@pytest.fixture(scope="session")
def new_oracle(project, governor):
    return lambda price=PRICE: governor.deploy(project.MockOracle, price)


@pytest.fixture(scope="session")
def list_kind(governor, new_token, new_oracle):
    """List a fresh token on a hub with usual parameters, any of which may be another."""

    def add(hub, oracle=None, token=None, **other):
        token = token or new_token()
        oracle = oracle or new_oracle()
        usual = {
            "max_age": MAX_AGE,
            "min_price": MIN_PRICE,
            "max_price": MAX_PRICE,
            "slew_down": SLEW_DOWN,
            "slew_up": SLEW_UP,
            "jump_bps": JUMP,
            "sigma_ref": SIGMA_REF,
        }
        receipt = hub.list_kind(token, oracle, *(usual | other).values(), sender=governor)
        return SimpleNamespace(token=token, oracle=oracle, receipt=receipt)

    return add


@pytest.fixture(scope="module")
def market(new_hub, list_kind):
    """A hub with kinds 0, 1, 2 and their oracles."""
    hub = new_hub(FRESH_FOR)
    kinds = [list_kind(hub) for _ in range(3)]
    return SimpleNamespace(hub=hub, kinds=kinds, oracles=[kind.oracle for kind in kinds])


@pytest.fixture(scope="module")
def hub(market):
    return market.hub


@pytest.fixture(scope="module")
def oracle(market):
    return market.oracles[0]


@pytest.fixture
def word_of(hub):
    """The stored word of a kind."""
    return lambda kind=0: Word.unpack(hub.words(kind))


@pytest.fixture
def seen(hub):
    """The word of one kind as a transaction would get it now."""
    return lambda kind=0: Word.unpack(hub.read(1 << kind)[0])


@pytest.fixture(scope="session")
def good_word():
    """The word of a kind on its listing."""
    return lambda price, updated_at: Word(price, price, updated_at, BPS, BPS, 0)


def moved(before: Word, price: int, at: int, flags: int = 0, **other: int) -> Word:
    """The word after an accepted price: slewed from the one before by the usual limits."""
    elapsed = at - before.updated_at
    lo = margin_math.slew_lo_down(before.lo, price, other.pop("slew_up", SLEW_UP), elapsed)
    hi = margin_math.slew_hi_up(before.hi, price, other.pop("slew_down", SLEW_DOWN), elapsed)
    return replace(before, lo=lo, hi=hi, updated_at=at, flags=flags, **other)


@pytest.fixture
def in_one_block(clock, accounts):
    """Send calls, in this order, into one block and return their receipts."""

    def send(*calls):
        sender = accounts[9].address
        clock.rpc("evm_setAutomine", False)
        try:
            hashes = [
                clock.rpc(
                    "eth_sendTransaction",
                    {
                        "from": sender,
                        "to": to.address,
                        "data": "0x" + bytes(data).hex(),
                        "gas": hex(10**6),
                    },
                )
                for to, data in calls
            ]
            clock.next_at(clock.now + 1)
            clock.rpc("evm_mine")
        finally:
            clock.rpc("evm_setAutomine", True)
        receipts = [clock.rpc("eth_getTransactionReceipt", each) for each in hashes]
        assert len({receipt["blockNumber"] for receipt in receipts}) == 1
        assert [int(receipt["status"], 16) for receipt in receipts] == [1] * len(calls)
        return receipts

    return send
