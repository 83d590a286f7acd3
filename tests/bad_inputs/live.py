# SPDX-License-Identifier: MIT
"""Every call of the access table, ready to be made by who may, so that it can be spoiled."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from surety.access import TABLE
from surety.chain import Contract, Reverted
from tests.access import proofs
from tests.access.stage import PROOFS, Attempt, Stage, prepared
from tests.bad_inputs.calldata import Item, entry_of

__all__ = ["CONTRACTS", "Call", "good_calls", "proofs"]

# the contracts that can be called to change something
CONTRACTS = tuple(name for name, table in TABLE.items() if table.writes)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that goes through: who makes it, where, and what its ABI says of it."""

    stage: Stage
    attempt: Attempt
    sender: str
    contract: Contract
    entry: Item
    data: bytes

    @property
    def name(self) -> str:
        return f"{self.attempt.contract}.{self.attempt.function}"

    def outcome(
        self, data: bytes | None = None, value: int | None = None
    ) -> tuple[str | None, bytes]:
        """Return why a call with this data would be refused (None: not), and what it returns."""
        sent = self.data if data is None else data
        ether = self.attempt.value if value is None else value
        try:
            found = self.stage.rpc.eth_call(
                self.contract.address, sent, sender=self.sender, value=ether
            )
        except Reverted as reverted:
            return reverted.reason, b""
        return None, found

    def with_args(self, *args: object) -> bytes:
        """Return the data of the same call with other arguments."""
        return self.contract.encode(self.attempt.function, *args)


@contextmanager
def _ready(stage: Stage, contract: str, function: str, number: int) -> Iterator[Call | None]:
    with prepared(stage, contract, function, number) as attempt:
        allowed = stage.allowed(TABLE[contract].writes[function].cases[number])
        who = [name for name in stage.tried(attempt) if name in allowed]
        if not who:  # only inside of somebody else's call
            yield None
            return
        target = stage.contracts[attempt.contract]
        entry = entry_of(contract, function, len(attempt.args))
        data = target.encode(attempt.function, *attempt.args)
        yield Call(stage, attempt, stage.actors[who[0]], target, entry, data)


def good_calls(
    stage: Stage, contract: str, only: Collection[str] = (), *, first: bool = False
) -> Iterator[Call]:
    """Yield a call of every case of a contract's table that anybody can make from outside.

    Of the functions named in `only`, or of all; with `first` of the first case of each. What was
    prepared for a call is undone when the next one is asked for.
    """
    for function, access in TABLE[contract].writes.items():
        if function == "__default__" or (only and f"{contract}.{function}" not in only):
            continue
        for number in range(1 if first else len(access.cases)):
            assert len(PROOFS[contract, function]) == len(access.cases)
            with _ready(stage, contract, function, number) as call:
                if call is not None:
                    assert call.outcome()[0] is None, f"{call.name} is refused"
                    yield call
