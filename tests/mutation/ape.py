# SPDX-License-Identifier: MIT
"""Just enough of Ape, on the node in this process, for the unit tests that are written for it.

A plugin of pytest with the fixtures `project`, `accounts` and `chain`. Contracts and accounts are
their addresses as text. What is not here makes a test fail without any mutant, which leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Self

import ape
import ape.exceptions
import pytest

from surety.chain import (
    Contract,
    Event,
    Receipt,
    Reverted,
    RpcError,
    UnlockedSender,
    checksum,
    deploy_contract,
)
from surety.compile import artifact
from tests.mutation.node import InProcessNode
from tests.world import GENESIS


class Account(str):
    """An address that can deploy."""

    __slots__ = ("node",)
    node: InProcessNode

    @property
    def address(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == other.lower()

    def __hash__(self) -> int:
        return hash(self.lower())

    def deploy(self, container: Container, *args: Any) -> Deployed:
        sender = UnlockedSender(self.node, str(self))
        with told_as_ape():
            address = deploy_contract(sender, artifact(container.name), *map(plain, args))
        return Deployed(self.node, address, container.name)


class Container:
    """A contract of the project that is to be deployed."""

    def __init__(self, node: InProcessNode, name: str) -> None:
        self.node, self.name = node, name

    def at(self, address: str) -> Deployed:
        return Deployed(self.node, address, self.name)

    @property
    def constructor(self) -> Any:
        def serialize(*args: Any) -> Any:
            return SimpleNamespace(data=self._creation(*args))

        return SimpleNamespace(serialize_transaction=serialize)

    def _creation(self, *args: Any) -> bytes:
        from eth_abi.abi import encode
        from eth_utils.abi import collapse_if_tuple

        found = artifact(self.name)
        inputs = next((each["inputs"] for each in found.abi if each["type"] == "constructor"), [])
        types = [collapse_if_tuple(dict(each)) for each in inputs]
        return found.bytecode + encode(types, [plain(each) for each in args])


class Deployed(Account):
    """A contract: its functions are attributes."""

    __slots__ = ("contract", "names")

    def __new__(cls, node: InProcessNode, address: str, name: str) -> Self:
        self = super().__new__(cls, checksum(address))
        self.node = node
        abi = artifact(name).abi
        self.contract = Contract(node, address, abi)
        self.names = {
            each["name"]: each["stateMutability"] for each in abi if each["type"] == "function"
        }
        return self

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name in str.__getattribute__(self, "names"):
            return Function(self, name)
        return str.__getattribute__(self, name)


class Function:
    """A function of a contract: called it reads or sends, `call` only tries."""

    def __init__(self, owner: Deployed, name: str) -> None:
        self.owner, self.name = owner, name

    def __call__(self, *args: Any, sender: str | None = None, **_options: Any) -> Any:
        contract, words = self.owner.contract, [plain(each) for each in args]
        if self.owner.names[self.name] in ("view", "pure"):
            return self.call(*args, sender=sender)
        assert sender is not None
        with told_as_ape():
            receipt = contract.transact(self.name, *words, sender=str(sender))
        return Sent(self.owner, receipt)

    def call(self, *args: Any, sender: str | None = None, **_options: Any) -> Any:
        with told_as_ape():
            return self.owner.contract.read(
                self.name, *[plain(each) for each in args], sender=sender and str(sender)
            )

    def encode_input(self, *args: Any) -> bytes:
        return self.owner.contract.encode(self.name, *[plain(each) for each in args])


class Sent:
    """A receipt with events by name."""

    def __init__(self, owner: Deployed, receipt: Receipt) -> None:
        self.txn_hash, self.status = receipt.hash, receipt.status
        self.timestamp = owner.node.time
        self.events = [Logged(each) for each in owner.contract.events(receipt)]


class Logged:
    """An event whose arguments are attributes."""

    def __init__(self, event: Event) -> None:
        self.event_name = event.name
        self.event_arguments = dict(event.args)
        for name, value in event.args.items():
            setattr(self, name, Account(value) if isinstance(value, str) else value)


def plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(plain(each) for each in value)
    return str(value) if isinstance(value, Account) else value


@contextmanager
def told_as_ape() -> Iterator[None]:
    """Raise what Ape would."""
    try:
        yield
    except Reverted as error:
        raise ape.exceptions.ContractLogicError(error.reason) from error
    except RpcError as error:
        raise ape.exceptions.ApeException(str(error)) from error
    except RuntimeError as error:
        data = InProcessNode._revert_data(error)
        from surety.chain import revert_reason

        raise ape.exceptions.ContractLogicError(revert_reason(data)) from error


@contextmanager
def reverts(expected: str | None = None, **_options: Any) -> Iterator[None]:
    with pytest.raises(ape.exceptions.ContractLogicError) as caught:
        yield
    if expected is not None:
        assert caught.value.revert_message == expected


class Provider:
    """Where Ape's own tests ask the node."""

    def __init__(self, node: InProcessNode) -> None:
        self.node = node

    def make_request(self, method: str, parameters: list[Any]) -> Any:
        if method == "eth_call" and "to" not in parameters[0]:
            return self._deploy(parameters[0])
        if method == "evm_mine":
            method = "anvil_mine"
            parameters = ["0x1"]
        if method == "evm_setNextBlockTimestamp":
            parameters = [hex(parameters[0])]
        return self.node.call(method, *parameters)

    def _deploy(self, request: dict[str, str]) -> str:
        taken = self.node.evm.snapshot()
        try:
            self.node.evm.deploy(request["from"], bytes.fromhex(request["data"][2:]))
        except RuntimeError as error:
            from surety.chain import revert_reason

            reason = revert_reason(self.node._revert_data(error))
            raise ape.exceptions.ApeException(f"execution reverted: {reason}") from None
        finally:
            self.node.evm.revert(taken)
        return "0x"


@pytest.fixture(scope="session")
def ape_node() -> InProcessNode:
    return InProcessNode(GENESIS)


@pytest.fixture(scope="session")
def accounts(ape_node: InProcessNode) -> list[Account]:
    found = []
    for address in ape_node._eth_accounts():
        account = Account(address)
        account.node = ape_node
        found.append(account)
    return found


@pytest.fixture(scope="session")
def project(ape_node: InProcessNode) -> Any:
    class Project:
        def __getattr__(self, name: str) -> Container:
            return Container(ape_node, name)

    return Project()


@pytest.fixture(scope="session")
def chain(ape_node: InProcessNode) -> Any:
    class Head:
        @property
        def timestamp(self) -> int:
            return ape_node.time

    blocks = SimpleNamespace(head=Head())
    return SimpleNamespace(blocks=blocks, provider=Provider(ape_node), chain_id=1)


@pytest.fixture(autouse=True)
def ape_isolation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo what a test did; what modules and sessions share is there before it begins."""
    if "ape_node" not in request.fixturenames:
        yield
        return
    node = request.getfixturevalue("ape_node")
    taken = node._evm_snapshot()
    yield
    node._evm_revert(taken)


def pytest_configure() -> None:
    ape.reverts = reverts
