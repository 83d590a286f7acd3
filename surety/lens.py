# SPDX-License-Identifier: MIT
"""Ask a vault what a lens would say, without a lens on the chain.

A state override of `eth_call` puts the code of contracts/LensInPlace.vy at the vault's address for
one call: it reads the vault's own storage and answers every view of interfaces/ILens.vyi about it.
Nothing is deployed and nothing is signed; the node has to support state overrides in
`eth_call` (Geth, Erigon, Nethermind, Reth and Anvil do).

    lens = InPlaceLens(rpc, vault)
    lens.read("account_of", account)
    lens.read("callable_accounts", accounts, block=19_000_000)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from surety.chain import (
    Block,
    Contract,
    DecodeError,
    Interface,
    Reverted,
    Rpc,
    RpcError,
    as_revert,
    checksum,
)
from surety.compile import artifact

# a free address at which the constructor runs; a code that is called is not bound to a size
MAKER: Final = "0x000000000000000000000000000000000a515770"


class InPlaceLens:
    """A lens placed at a vault's address for each call; its runtime code is made once.

    Functions are those of ILens without their first argument, the vault, and the vault's own raw
    getters. Raises Reverted with the lens's reason, or Rpc's errors.
    """

    def __init__(self, rpc: Rpc, vault: str) -> None:
        self.rpc = rpc
        self.vault = checksum(vault)
        self.contract = Contract(rpc, self.vault, artifact("LensInPlace").abi)
        self._code: str | None = None

    def override(self) -> dict[str, dict[str, str]]:
        """Return the third parameter of `eth_call` that puts the lens in the vault's place."""
        if self._code is None:
            self._code = runtime_code(self.rpc, self.vault)
        return {self.vault: {"code": self._code}}

    def request(self, fn: str, *args: Any, block: Block = "latest") -> tuple[str, list[Any]]:
        """Return the call of a function for `Rpc.batch`; decode its result with `decode`."""
        method, params = self.contract.request(fn, *self._filled(fn, args), block=block)
        return method, [*params, self.override()]

    def decode(self, fn: str, data: bytes | str) -> Any:
        """Return the value, or tuple of values, that a function's returned bytes hold."""
        return self.contract.decode(fn, data)

    def read(self, fn: str, *args: Any, block: Block = "latest") -> Any:
        """Ask one function about the vault at a block."""
        method, params = self.request(fn, *args, block=block)
        return self.decode(fn, _call(self.rpc, method, params))

    def _filled(self, fn: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put the vault before the arguments of a view that takes it."""
        wanted = self.contract.interface.functions
        return args if (fn, len(args)) in wanted else (self.vault, *args)


def runtime_code(rpc: Rpc, vault: str) -> str:
    """Return the code of a lens for this vault as 0x-prefixed hex: its immutables are the vault's.

    The constructor runs in an `eth_call`, as the code of a free address, so that no node's limit on
    the size of deployed code applies. Raises Reverted when the address is no vault.
    """
    found = artifact("LensInPlace")
    creation = found.bytecode + Interface.of(found.abi).constructor.encode((checksum(vault),))
    override: Mapping[str, Mapping[str, str]] = {MAKER: {"code": "0x" + creation.hex()}}
    code = str(_call(rpc, "eth_call", [{"to": MAKER}, "latest", override]))
    if len(code) <= 2:
        raise DecodeError("the node ignored the state override of eth_call")
    return code


def _call(rpc: Rpc, method: str, params: list[Any]) -> Any:
    try:
        return rpc.call(method, *params)
    except RpcError as error:
        refused: Reverted | None = as_revert(error)
        raise refused or error from None
