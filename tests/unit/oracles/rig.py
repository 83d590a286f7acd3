# SPDX-License-Identifier: MIT
"""What an adapter must bring to be tested as every other adapter is: a `Rig`.

A rig builds one adapter over sources that tests control. `test_conformance.py` runs over every rig
in `rigs.RIGS`, each in all of its `VARIANTS`, and refuses a contract in contracts/oracles without
a rig. A rig says

    NAME        the contract's name, e.g. "ChainlinkOracle"
    VARIANTS    names of ways to build it (decimals of the feed, proxy or not); made fresh per test
    PRICES      WAD prices that `show` is asked for
    JUDGES_AGE  True only when old sources are told apart (a median must know who is dead)
    SURVIVES    how many broken sources leave a price, 0 or 1

    oracle      the adapter, a `Contract`
    sources     addresses of the contracts that it reads itself: tests swap their code
    show(price, at) -> Report   let the sources say about `price` (WAD), made at second `at`; return
                                the exact answer that the adapter must give, worked out here in
                                Python and not by asking the contract; at a usual price it must be
                                within 2 % of `price`
    lies() -> {name: act}       ways in which sources answer in the right shape what cannot be true:
                                after `show` and `act` there must be price 0 or a revert
    without(index) -> Report    only with SURVIVES: the exact answer once `sources[index]` is broken

`Bench` is the chain beneath: `deploy`, `send`, `forward`, `read` (with exactly the gas that the
hub gives), `set_code`. It is revm in this process where there is one, else an Anvil. `puppet`
makes code that answers each function with given bytes; `FAULTS` are codes of broken sources.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

from eth_utils.crypto import keccak

from surety.chain import (
    Contract,
    Receipt,
    Reverted,
    Rpc,
    UnlockedSender,
    checksum,
    deploy_contract,
)
from surety.compile import artifact
from tests.stateful.node import RevmNode

WAD = 10**18
HUB_GAS = 300_000
FOREVER = 2**24 - 1
USUAL = 2_000 * WAD
PRICE = bytes.fromhex("a035b1fe")  # price()


class Report(NamedTuple):
    """What an adapter answers: a WAD price and unix seconds."""

    price: int
    updated_at: int


class Bench:
    """A chain with one sender and a probe that calls with exactly as much gas as it is told."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.governor = checksum(rpc.call("eth_accounts")[0])
        self.stranger = checksum(rpc.call("eth_accounts")[1])
        self.probe = self.deploy("GasProbe")

    def deploy(self, name: str, *args: Any) -> Contract:
        """Deploy one of the project's contracts; raises Reverted when its constructor does."""
        made = artifact(name)
        address = deploy_contract(UnlockedSender(self.rpc, self.governor), made, *args)
        return Contract(self.rpc, address, made.abi)

    def send(self, to: Contract, fn: str, *args: Any) -> Receipt:
        """Send a transaction as the governor; raises Reverted."""
        return to.transact(fn, *args, sender=self.governor)

    @property
    def now(self) -> int:
        """The time of the last block, which is what every read sees."""
        return self.rpc.timestamp()

    def forward(self, seconds: int) -> int:
        """Let time pass with nothing else happening."""
        self.rpc.set_next_timestamp(self.now + seconds)
        self.rpc.mine()
        return self.now

    def ask(self, to: str, data: bytes, gas: int = HUB_GAS) -> bytes | None:
        """Call with exactly `gas`; None when that reverts."""
        try:
            return bytes(self.probe.read("execute", to, data, gas))
        except Reverted:
            return None

    def read(self, oracle: Contract, gas: int = HUB_GAS) -> Report | None:
        """Read an adapter as the hub does; None when it reverts, an assertion on its shape."""
        answer = self.ask(oracle.address, PRICE, gas)
        if answer is None:
            return None
        assert len(answer) == 64
        return Report(int.from_bytes(answer[:32]), int.from_bytes(answer[32:]))

    def code(self, address: str) -> bytes:
        """Return a contract's code."""
        if isinstance(self.rpc, RevmNode):
            return bytes(self.rpc.evm.get_code(address) or b"")
        return self.rpc.code(address)

    def set_code(self, address: str, code: bytes) -> None:
        """Put other code in a contract's place; its storage stays."""
        if isinstance(self.rpc, RevmNode):
            import pyrevm

            self.rpc.evm.insert_account_info(address, pyrevm.AccountInfo(code=code))
        else:
            self.rpc.call("anvil_setCode", address, "0x" + code.hex())

    @contextmanager
    def broken(self, code: bytes, *addresses: str) -> Iterator[None]:
        """Let contracts have other code inside."""
        kept = [self.code(address) for address in addresses]
        for address in addresses:
            self.set_code(address, code)
        try:
            yield
        finally:
            for address, own in zip(addresses, kept, strict=True):
                self.set_code(address, own)


class Rig(ABC):
    """One adapter over sources that tests control; the docstring above says what each part is."""

    NAME: ClassVar[str]
    VARIANTS: ClassVar[tuple[str, ...]] = ("",)
    PRICES: ClassVar[tuple[int, ...]] = (
        1,
        999_999_999,
        10**10,
        WAD - 1,
        WAD,
        123_456_789_123_456_789,
        USUAL,
        1_999_999_999_999_999_999_999,
        10**26 + 1,
    )
    JUDGES_AGE: ClassVar[bool] = False
    SURVIVES: ClassVar[int] = 0

    oracle: Contract
    sources: Sequence[str]

    def __init__(self, bench: Bench, variant: str) -> None:
        self.bench = bench
        self.variant = variant

    @abstractmethod
    def show(self, price: int, at: int) -> Report:
        """Let the sources say about `price` and return what the adapter must answer exactly."""

    @abstractmethod
    def lies(self) -> Mapping[str, Callable[[], object]]:
        """Return ways to have the sources say what cannot be true."""

    def without(self, index: int) -> Report:
        """Return the answer with one source broken after `show`."""
        raise NotImplementedError


# code of sources

_REVERT = bytes.fromhex("5f5ffd")
BURNS = bytes.fromhex("5b5f56")  # an endless loop


def answers(data: bytes, *, reverts: bool = False) -> bytes:
    """Return code that answers any call with `data`, or reverts with it."""
    end = "fd" if reverts else "f3"
    return bytes.fromhex(f"61{len(data):04x}8061000b5f395f{end}") + data


class Refusal(bytes):
    """Bytes that a puppet reverts with."""


def puppet(**functions: bytes | None) -> bytes:
    """Return code that answers each function (by name, without arguments) with its bytes.

    None burns all gas; a Refusal is reverted with; a function that is not named reverts.
    """
    table = len(functions) * 11 + 5 + 3
    head, bodies = bytearray.fromhex("5f3560e01c"), bytearray()
    for name, data in functions.items():
        at = table + len(bodies)
        head += b"\x80\x63" + keccak(text=f"{name}()")[:4] + bytes.fromhex("1461")
        head += at.to_bytes(2) + b"\x57"
        if data is None:
            bodies += b"\x5b" + bytes.fromhex("fe")
            continue
        start = at + 12
        end = "fd" if isinstance(data, Refusal) else "f3"
        bodies += bytes.fromhex(f"5b61{len(data):04x}8061{start:04x}5f395f{end}") + data
    return bytes(head + _REVERT + bodies)


def _ones(size: int) -> bytes:
    return (((1).to_bytes(32)) * (size // 32 + 1))[:size]


FAULTS: Mapping[str, bytes] = {
    "has no code": b"",
    "reverts": _REVERT,
    "reverts with what looks like an answer": answers(
        USUAL.to_bytes(32) + (10**9).to_bytes(32), reverts=True
    ),
    "burns its gas": BURNS,
    "fails at once with all gas": b"\xfe",
    "answers nothing": b"\x00",
    "answers 100 kB": bytes.fromhex("620186a05ff3"),
    **{
        f"answers {size} bytes": answers(_ones(size))
        for size in (1, 31, 33, 63, 65, 95, 96, 127, 159, 161, 192)
    },
}
