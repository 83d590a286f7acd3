# SPDX-License-Identifier: MIT
"""Two nodes that answer alike: revm in this process, thousands of steps a second, and an Anvil.

Both deploy a whole system by the JSON-RPC methods that `surety.chain` and `tests.world` use; the
driver's own steps go past all of that by `run`, `view` and `words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pytest

from surety import revm
from surety.chain import Rpc, RpcError, as_revert
from surety.revm import DEV_ADDRESSES, DEV_KEYS, GAS, Ran, as_json

__all__ = [
    "DEV_ADDRESSES",
    "DEV_KEYS",
    "GAS",
    "AnvilNode",
    "Node",
    "Ran",
    "RevmNode",
    "Timed",
    "as_json",
]


class Node(Protocol):
    """What the driver asks of a node."""

    rpc: Rpc

    def run(self, sender: str, to: str, data: bytes, at: int) -> Ran:
        """Send a transaction in a block of its own at second `at`."""

    def view(self, to: str, data: bytes) -> bytes:
        """Call at the second of the last block; raises Reverted."""

    def words(self, slots: Sequence[tuple[str, int]]) -> list[int]:
        """Read storage words by (address, slot)."""


class AnvilNode:
    """A real Anvil by raw JSON-RPC."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc

    def run(self, sender: str, to: str, data: bytes, at: int, value: int = 0) -> Ran:
        request = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(GAS // 2)}
        if value:
            request["value"] = hex(value)
        self.rpc.set_next_timestamp(at)
        try:
            tx = str(self.rpc.call("eth_sendTransaction", request))
        except RpcError as error:
            reverted = as_revert(error)
            if reverted is None:
                raise
            # the refused transaction is mined all the same, so that the time has passed
            assert self.rpc.timestamp() == at
            return Ran(reverted.reason, ())
        receipt = self.rpc.wait_for_receipt(tx)
        if receipt.status != 1:
            return Ran(self.rpc.failure(tx, receipt).reason, ())
        return Ran(None, receipt.logs)

    def view(self, to: str, data: bytes) -> bytes:
        return self.rpc.eth_call(to, data)

    def words(self, slots: Sequence[tuple[str, int]]) -> list[int]:
        asked = [("eth_getStorageAt", [to, hex(slot), "latest"]) for to, slot in slots]
        return [int(word, 16) for word in self.rpc.batch(asked)]


class RevmNode(revm.RevmNode):
    """revm in this process; whoever needs it is skipped where there is none."""

    def __init__(self, timestamp: int) -> None:
        pytest.importorskip("pyrevm", reason="pyrevm has no build for this Python")
        super().__init__(timestamp)


class Timed:
    """What stands on a node in this process: its clock is that of the last block."""

    node: RevmNode

    @property
    def now(self) -> int:
        return self.node.time

    def wait(self, seconds: int) -> None:
        self.node.set_next_timestamp(self.now + seconds)
        self.node.mine()
