# SPDX-License-Identifier: MIT
"""A node in this process: revm, thousands of transactions a second.

`RevmNode` answers the JSON-RPC methods that `surety.chain` uses, so that a whole system is deployed
on it by the same code as live; whoever makes many calls goes past all of that by `run`, `view` and
`words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from surety.chain import Reverted, Rpc, RpcError, revert_reason

GAS = 30_000_000
CODE_LIMIT = 2**20  # bytes: contracts compiled for tests without optimisation are large
_FAILED = re.compile(r"(Revert|Halt) \{.*?(?:output: 0x([0-9a-f]*))? \}\Z", re.DOTALL)
# the first accounts of every Anvil, in its order
DEV_KEYS = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
)
DEV_ADDRESSES = (
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
)


class RevmMissing(Exception):
    """There is no pyrevm for this Python."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one transaction: `reason` is None when it went through."""

    reason: str | None
    logs: Sequence[Any]
    output: bytes | None = None


class RevmNode(Rpc):
    """revm in this process, at cancun, speaking enough JSON-RPC to deploy a system on it."""

    def __init__(self, timestamp: int) -> None:
        try:
            import pyrevm
        except ImportError:
            raise RevmMissing(
                "needs pyrevm, for which there is no build here; Python 3.11 or 3.12 has one"
            ) from None
        self._block_env = pyrevm.BlockEnv
        roomy = pyrevm.Env(cfg=pyrevm.CfgEnv(limit_contract_code_size=CODE_LIMIT))
        self.evm = pyrevm.EVM(env=roomy, spec_id="CANCUN", gas_limit=2**40)
        self.place, self.batch_size = "revm", 2**30
        self.rpc = self
        self._chain_id = 1
        self.time, self.number = timestamp, 0
        self._next_time: int | None = None
        self._receipts: dict[str, dict[str, Any]] = {}
        self._stamp(timestamp)
        for address in DEV_ADDRESSES:
            self.evm.set_balance(address, 10**24)

    # fast

    def run(self, sender: str, to: str, data: bytes, at: int) -> Ran:
        """Send a transaction in a block of its own at second `at`."""
        self._stamp(at)
        evm = self.evm
        try:
            output = evm.message_call(sender, to, calldata=data, gas=GAS)
        except RuntimeError as error:
            return Ran(revert_reason(self._revert_data(error)), ())
        finally:
            evm.reset_transient_storage()  # it would live on into the next transaction
        return Ran(None, self._logs(), bytes(output))

    def view(self, to: str, data: bytes) -> bytes:
        """Call at the second of the last block; raises Reverted."""
        try:
            return bytes(self.evm.message_call(DEV_ADDRESSES[0], to, calldata=data, is_static=True))
        except RuntimeError as error:
            raw = self._revert_data(error)
            raise Reverted(revert_reason(raw), raw) from None

    def words(self, slots: Sequence[tuple[str, int]]) -> list[int]:
        """Read storage words by (address, slot)."""
        storage = self.evm.storage
        return [storage(to, slot) for to, slot in slots]

    def _stamp(self, at: int) -> None:
        assert at >= self.time, "time runs forward"
        self.time = at
        self.number += 1
        self.evm.set_block_env(self._block_env(number=self.number, timestamp=at))

    def restore(self, time: int, number: int) -> None:
        """Put the clock back, after the state was."""
        self.time, self.number = time, number - 1
        self._stamp(time)

    def _logs(self) -> Sequence[Any]:
        done = self.evm.result
        assert done is not None
        return done.logs

    @staticmethod
    def _revert_data(error: RuntimeError) -> bytes:
        found = _FAILED.match(str(error))
        if found is None:
            raise error
        assert found[1] == "Revert", f"neither done nor reverted: {error}"
        return bytes.fromhex(found[2] or "")

    # JSON-RPC

    def call(self, method: str, *params: Any) -> Any:
        """Answer one JSON-RPC method."""
        return getattr(self, f"_{method}")(*params)

    def batch(
        self, calls: Iterable[tuple[str, Sequence[Any]]], *, return_errors: bool = False
    ) -> list[Any]:
        """Answer many, in order."""
        results: list[Any] = []
        for method, params in calls:
            try:
                results.append(self.call(method, *params))
            except RpcError as error:
                if not return_errors:
                    raise
                results.append(error)
        return results

    def close(self) -> None:
        """Nothing is held open."""

    def _eth_accounts(self) -> list[str]:
        return list(DEV_ADDRESSES)

    def _eth_chainId(self) -> str:  # noqa: N802 - a method is found by its RPC name
        return "0x1"

    def _eth_getBlockByNumber(self, _block: str, _full: bool) -> dict[str, str]:  # noqa: N802
        return {"number": hex(self.number), "timestamp": hex(self.time)}

    def _eth_call(self, request: dict[str, str], _block: str) -> str:
        try:
            return "0x" + self.view(request["to"], bytes.fromhex(request["data"][2:])).hex()
        except Reverted as error:
            data = "0x" + error.data.hex()
            raise RpcError(3, "execution reverted", data) from None

    def _eth_getCode(self, address: str, _block: str) -> str:  # noqa: N802
        return "0x" + bytes(self.evm.get_code(address) or b"").hex()

    def _eth_sendTransaction(self, request: dict[str, str]) -> str:  # noqa: N802
        at = self.time + 1 if self._next_time is None else self._next_time
        self._next_time = None
        sender, data = request["from"], bytes.fromhex(request["data"][2:])
        created = None
        if "to" in request:
            ran = self.run(sender, request["to"], data, at)
            if ran.reason is not None:
                raise RpcError(3, f"execution reverted: {ran.reason}")
            logs = ran.logs
        else:
            self._stamp(at)
            try:
                created = to_checksum_address(self.evm.deploy(sender, data))
            except RuntimeError as error:
                reason = revert_reason(self._revert_data(error))
                raise RpcError(3, f"execution reverted: {reason}") from None
            finally:
                self.evm.reset_transient_storage()
            logs = self._logs()
        tx = "0x" + keccak(self.number.to_bytes(32)).hex()
        self._receipts[tx] = {
            "transactionHash": tx,
            "blockNumber": hex(self.number),
            "gasUsed": "0x0",
            "effectiveGasPrice": "0x0",
            "status": "0x1",
            "contractAddress": created,
            "logs": [as_json(log, self.number, at, tx) for at, log in enumerate(logs)],
        }
        return tx

    def _eth_getTransactionReceipt(self, tx: str) -> dict[str, Any]:  # noqa: N802
        return self._receipts[tx]

    def _evm_setNextBlockTimestamp(self, at: str) -> None:  # noqa: N802
        self._next_time = int(at, 16)

    def _anvil_mine(self, _blocks: str) -> None:
        self._stamp(self.time + 1 if self._next_time is None else self._next_time)
        self._next_time = None


def as_json(log: Any, block: int, at: int, tx: str) -> dict[str, Any]:
    """Return a log of revm as a node would send it."""
    return {
        "address": log.address,
        "topics": log.topics,
        "data": "0x" + log.data[1].hex(),
        "blockNumber": hex(block),
        "logIndex": hex(at),
        "transactionHash": tx,
    }
