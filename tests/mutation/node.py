# SPDX-License-Identifier: MIT
"""What stands in for an Anvil while mutants are tried: revm in this process, by the same calls.

Tests that start an Anvil and talk to it by `surety.chain.Rpc` run on it unchanged, a hundred times
faster. It meters no gas, and cannot put code or words into the state, for revm would not take them
back with a snapshot: what needs that fails without any mutant, and is left out by that.
"""

from __future__ import annotations

from typing import Any, Self

import pyrevm

from surety import anvil, chain
from surety.chain import Reverted, Rpc, RpcError, revert_reason
from surety.revm import DEV_ADDRESSES, GAS, RevmNode

# the rest of the ten accounts that every Anvil has
MORE_ADDRESSES = (
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
    "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
    "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
)
LIMIT = 2**18  # bytes of a contract: what is compiled quickly is longer than what is deployed
_nodes: dict[str, InProcessNode] = {}


class InProcessNode(RevmNode):
    """A revm that also takes snapshots and calls in somebody's name."""

    def __init__(self, timestamp: int) -> None:
        if not isinstance(timestamp, int):
            return  # `Rpc(url)` found this very node
        super().__init__(timestamp)
        for address in MORE_ADDRESSES:
            self.evm.set_balance(address, 10**24)
        self.url = f"revm:{id(self)}"
        self._snapshots: list[tuple[Any, int, int]] = []
        _nodes[self.url] = self

    def call(self, method: str, *params: Any) -> Any:
        if not hasattr(self, f"_{method}"):
            raise RpcError(-32601, f"{self.url} has no {method}")
        return super().call(method, *params)

    def _eth_accounts(self) -> list[str]:
        return [*DEV_ADDRESSES, *MORE_ADDRESSES]

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.number)

    def _eth_getBalance(self, address: str, _block: str) -> str:  # noqa: N802
        return hex(self.evm.get_balance(address))

    def _eth_getStorageAt(self, to: str, slot: str, _block: str) -> str:  # noqa: N802
        return "0x" + self.evm.storage(to, int(slot, 16)).to_bytes(32).hex()

    def _eth_call(self, request: dict[str, str], _block: str) -> str:
        taken = self.evm.snapshot()
        try:
            out = self.evm.message_call(
                request.get("from", DEV_ADDRESSES[0]),
                request["to"],
                calldata=bytes.fromhex(request.get("data", "0x")[2:]),
                gas=int(request.get("gas", hex(GAS)), 16),
            )
        except RuntimeError as error:
            data = self._revert_data(error)
            raise RpcError(
                3, f"execution reverted: {revert_reason(data)}", "0x" + data.hex()
            ) from None
        finally:
            self.evm.reset_transient_storage()
            self.evm.revert(taken)
        return "0x" + bytes(out).hex()

    def view(self, to: str, data: bytes) -> bytes:
        try:
            return bytes.fromhex(self._eth_call({"to": to, "data": "0x" + data.hex()}, "")[2:])
        except RpcError as error:
            raw = bytes.fromhex(error.data[2:])
            raise Reverted(revert_reason(raw), raw) from None

    def _evm_snapshot(self) -> str:
        self._snapshots.append((self.evm.snapshot(), self.time, self.number))
        return hex(len(self._snapshots))

    def _evm_revert(self, taken: str) -> bool:
        at = int(taken, 16) - 1
        snapshot, time, number = self._snapshots[at]
        del self._snapshots[at:]
        self.evm.revert(snapshot)
        self._next_time = None
        self.restore(time, number)
        return True

    def _txpool_status(self) -> dict[str, str]:
        return {"pending": "0x0", "queued": "0x0"}

    def _anvil_impersonateAccount(self, _who: str) -> None:  # noqa: N802
        pass  # everybody may send

    _anvil_stopImpersonatingAccount = _anvil_impersonateAccount  # noqa: N815

    def _anvil_setBalance(self, who: str, amount: str) -> None:  # noqa: N802
        self.evm.set_balance(who, int(amount, 16))


class InProcessAnvil:
    """Starts such a node where a test starts an Anvil."""

    def __init__(self, timestamp: int = 1, **_options: Any) -> None:
        self._timestamp = timestamp

    def __enter__(self) -> Self:
        self.url = InProcessNode(self._timestamp).url
        return self

    def __exit__(self, *_error: object) -> None:
        _nodes.pop(self.url, None)

    start = __enter__
    stop = __exit__


def stand_in() -> None:
    """Let whatever is imported from here on start nodes in this process, of any code size."""
    real = pyrevm.EVM

    def roomy(**options: Any) -> Any:
        cfg = pyrevm.CfgEnv(limit_contract_code_size=LIMIT)
        return real(**{"env": pyrevm.Env(cfg=cfg), **options})

    def find(cls: type[Rpc], url: Any = None, *_args: Any, **_options: Any) -> Rpc:
        return (
            _nodes.get(url) or object.__new__(cls) if isinstance(url, str) else object.__new__(cls)
        )

    pyrevm.EVM = roomy
    anvil.Anvil = InProcessAnvil  # type: ignore[misc,assignment]
    chain.Rpc.__new__ = find  # type: ignore[method-assign,assignment]
