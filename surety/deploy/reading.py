# SPDX-License-Identifier: MIT
"""What a chain says about a kind before it is listed: nothing here sends a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from surety.chain import ChainError, Contract, Interface, Receipt, Rpc
from surety.compile import artifact
from surety.deploy.errors import ParamsError
from surety.deploy.params import KindParams

_TOKEN: Final = Interface(
    [
        {
            "type": "function",
            "name": "decimals",
            "inputs": [],
            "outputs": [{"name": "", "type": "uint256"}],
        }
    ]
)


class Deployer(Protocol):
    """A sender whose chain can also be read."""

    @property
    def rpc(self) -> Rpc:
        """The chain that is sent to."""

    @property
    def address(self) -> str:
        """The address that pays."""

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Send one transaction (`to` None deploys) and return its receipt."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the token and the adapter of a kind say; None where they say nothing usable.

    `price` is in WAD coin units per whole token, `age` its seconds at the head of the chain.
    """

    decimals: int | None
    price: int | None
    age: int | None
    source: str

    def __str__(self) -> str:
        """Return what a person reads before a kind is listed."""
        decimals = "no" if self.decimals is None else self.decimals
        if self.price is None:
            return f"{decimals} decimals, no price from {self.source}"
        return (
            f"{decimals} decimals, {coins(self.price)} live, {self.age} s old, from {self.source}"
        )


def coins(price: int) -> str:
    """Return a WAD price for the eye: two places from 1 coin on, six digits below, rounded down."""
    whole, part = divmod(price, 10**18)
    if whole:
        return f"{whole:,}.{part // 10**16:02}"
    digits = f"{part:018}"
    zeros = len(digits) - len(digits.lstrip("0"))
    return f"0.{digits[: zeros + 6].rstrip('0') or '0'}"


def read_kind(rpc: Rpc, kind: KindParams, oracle: str) -> Reading:
    """Ask the token for its decimals and the adapter for its price; failures are None."""
    name = "oracle" if isinstance(kind.source, str) else kind.source.contract
    price: int | None
    try:
        price, at = Contract(rpc, oracle, artifact("ChainlinkOracle").abi).read("price")
        age = rpc.timestamp() - at
    except ChainError:
        price, age = None, None
    return Reading(_decimals(rpc, kind.token), price or None, age, f"{name} {oracle}")


def check_on_chain(rpc: Rpc, kinds: Sequence[KindParams], sequencer: str | None = None) -> None:
    """Raise ParamsError for an address without code and for decimals that are not as expected."""
    for place, address in _addresses(kinds, sequencer):
        if not rpc.code(address):
            raise ParamsError(f"{place}: no contract at {address} on chain {rpc.chain_id}")
    for i, kind in enumerate(kinds):
        found, place = _decimals(rpc, kind.token), f"kinds[{i}]"
        if found is None:
            raise ParamsError(f"{place}.token: {kind.token} does not say its decimals")
        if not 6 <= found <= 18:
            raise ParamsError(f"{place}.token: {kind.token} has {found} decimals, not 6..18")
        if kind.decimals is not None and kind.decimals != found:
            raise ParamsError(f"{place}.decimals: {kind.token} has {found}, not {kind.decimals}")


def _addresses(kinds: Sequence[KindParams], sequencer: str | None) -> Iterator[tuple[str, str]]:
    """Yield each address that must have code, with the key of the parameters that names it."""
    if sequencer is not None:
        yield "sequencer", sequencer
    for i, kind in enumerate(kinds):
        yield f"kinds[{i}].token", kind.token
        if kind.aggregator is not None:
            yield f"kinds[{i}].aggregator", kind.aggregator
        elif isinstance(kind.oracle, str):
            yield f"kinds[{i}].oracle", kind.oracle
        elif kind.oracle is not None:
            yield from kind.oracle.addresses(f"kinds[{i}].oracle")


def _decimals(rpc: Rpc, token: str) -> int | None:
    try:
        return int(Contract(rpc, token, _TOKEN).read("decimals"))
    except ChainError:
        return None
