# SPDX-License-Identifier: MIT
"""Deploy single contracts for the unit tests, each with nothing around it that it does not need."""

from __future__ import annotations

import re
from dataclasses import dataclass

import ape
import pytest

WAD = 10**18
BPS = 10_000
ZERO = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Word:
    """The fields of a price word."""

    lo: int
    hi: int
    updated_at: int
    initial_multiplier: int
    maintenance_multiplier: int
    flags: int

    @classmethod
    def unpack(cls, word: int) -> Word:
        return cls(
            lo=word % 2**88,
            hi=(word >> 88) % 2**88,
            updated_at=(word >> 176) % 2**40,
            initial_multiplier=(word >> 216) % 2**16,
            maintenance_multiplier=(word >> 232) % 2**16,
            flags=word >> 248,
        )


class Clock:
    """Move the time of the local chain; never sleeps."""

    def __init__(self, chain):
        self._chain = chain

    @property
    def now(self) -> int:
        return self._chain.blocks.head.timestamp

    def forward(self, seconds: int) -> int:
        """Mine one block `seconds` after the last and return its time."""
        self.rpc("evm_setNextBlockTimestamp", self.now + seconds)
        self.rpc("evm_mine")
        return self.now

    def next_at(self, timestamp: int) -> None:
        """Let the next block have exactly this time."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)

    def rpc(self, method: str, *params: object) -> object:
        return self._chain.provider.make_request(method, list(params))


@pytest.fixture(scope="session")
def clock(chain):
    return Clock(chain)


@pytest.fixture(scope="session")
def governor(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def alice(accounts):
    return accounts[1]


@pytest.fixture(scope="session")
def bob(accounts):
    return accounts[2]


@pytest.fixture(scope="session")
def minter(accounts):
    return accounts[3]


@pytest.fixture(scope="session")
def stranger(accounts):
    return accounts[4]


@pytest.fixture(scope="module")
def coin(project, governor):
    return governor.deploy(project.Stablecoin, "Surety Dollar", "SUSD", governor)


@pytest.fixture(scope="module")
def probe(project, governor):
    return governor.deploy(project.GasProbe)


@pytest.fixture(scope="session")
def new_token(project, governor):
    """Deploy a token of any mock class."""

    def deploy(decimals: int = 18, mock: str = "MockToken"):
        return governor.deploy(getattr(project, mock), "Token", "TOK", decimals)

    return deploy


@pytest.fixture(scope="session")
def reverts_with():
    """Assert that a call reverts with exactly this reason, without a trace of it."""

    def check(reason: str | None, function, *args, **options):
        with ape.reverts(reason) if reason is not None else ape.reverts():
            getattr(function, "call", function)(*args, skip_trace=True, **options)

    return check


@pytest.fixture(scope="session")
def refuses_to_deploy(clock, governor):
    """Assert that a constructor reverts with exactly this reason."""

    def check(reason, container, *args):
        data = container.constructor.serialize_transaction(*args).data
        call = {"from": governor.address, "data": "0x" + bytes(data).hex()}
        with pytest.raises(ape.exceptions.ApeException, match=f"reverted: {re.escape(reason)}\\b"):
            clock.rpc("eth_call", call, "latest")

    return check
