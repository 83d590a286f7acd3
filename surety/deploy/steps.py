# SPDX-License-Identifier: MIT
"""The transactions of a deployment, each named, counted, and failing by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surety.chain import ChainError, Interface, Receipt, deploy_contract
from surety.compile import artifact
from surety.deploy.errors import DeployError
from surety.deploy.reading import Deployer

Progress = Callable[[str], None]


class Steps:
    """Send the steps of a deployment one after the other and add up their gas."""

    def __init__(self, sender: Deployer, progress: Progress) -> None:
        self.rpc = sender.rpc
        self.progress = progress
        self.gas_used = 0
        self._sender = sender

    @property
    def address(self) -> str:
        """The address that deploys."""
        return self._sender.address

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Send one transaction and count its gas."""
        receipt = self._sender.send(to, data, value, gas)
        self.gas_used += receipt.gas_used
        return receipt

    def deploy(self, name: str, *args: Any, purpose: str = "") -> str:
        """Create a contract and return its address; `purpose` is for the eye."""
        self.progress(f"deploy {name}{purpose}")
        try:
            return deploy_contract(self, artifact(name), *args)
        except ChainError as error:
            raise DeployError(f"deploy {name}{purpose}: {error}") from error

    def call(
        self, name: str, address: str, function: str, *args: Any, purpose: str = ""
    ) -> Receipt:
        """Send one transaction to a contract of our own; `purpose` is for the eye."""
        self.progress(f"{name}.{function}{purpose}")
        encoder = Interface.of(artifact(name).abi).function(function, len(args))
        try:
            return self.send(address, encoder.encode(*args))
        except ChainError as error:
            raise DeployError(f"{name}.{function}{purpose}: {error}") from error
