# SPDX-License-Identifier: MIT
"""Deploy a whole system through any sender: tests, demo and scripts call this one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from surety.chain import ChainError, Interface, Receipt, Sender, deploy_contract
from surety.compile import artifact
from surety.deploy.params import SystemParams

Progress = Callable[[str], None]
NOBODY = "0x" + "00" * 20


class DeployError(RuntimeError):
    """A step of a deployment failed; the message names the step."""


@dataclass(frozen=True, slots=True)
class DeployedKind:
    """A listed kind: its number, name, token and adapter."""

    kind: int
    name: str
    token: str
    oracle: str


@dataclass(frozen=True, slots=True)
class System:
    """The addresses of a deployed system and what deploying it cost."""

    coin: str
    hub: str
    fund: str
    vault: str
    lens: str
    operators: str
    margin_models: str
    kinds: tuple[DeployedKind, ...]
    gas_used: int

    def kind(self, name: str) -> DeployedKind:
        """Return the kind of that name; KeyError with the known names otherwise."""
        for kind in self.kinds:
            if kind.name == name:
                return kind
        raise KeyError(f"no kind {name!r}; there are {[kind.name for kind in self.kinds]}")

    def to_json(self) -> dict[str, Any]:
        """Return the system as plain JSON types."""
        return asdict(self)


class _Steps:
    """Send the steps of a deployment one after the other and add up their gas."""

    def __init__(self, sender: Sender, progress: Progress) -> None:
        self._sender = sender
        self._progress = progress
        self.gas_used = 0

    @property
    def address(self) -> str:
        """The address that deploys."""
        return self._sender.address

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Send one transaction and count its gas."""
        receipt = self._sender.send(to, data, value, gas)
        self.gas_used += receipt.gas_used
        return receipt

    def deploy(self, name: str, *args: Any) -> str:
        """Create a contract and return its address."""
        self._progress(f"deploy {name}")
        try:
            return deploy_contract(self, artifact(name), *args)
        except ChainError as error:
            raise DeployError(f"deploy {name}: {error}") from error

    def call(self, name: str, address: str, function: str, *args: Any) -> None:
        """Send one transaction to a contract of our own."""
        self._progress(f"{name}.{function}")
        encoder = Interface.of(artifact(name).abi).function(function, len(args))
        try:
            self.send(address, encoder.encode(*args))
        except ChainError as error:
            raise DeployError(f"{name}.{function}: {error}") from error


def deploy_system(
    sender: Sender, params: SystemParams, progress: Progress = lambda _step: None
) -> System:
    """Deploy coin, hub, fund, lens and one vault, list its kinds and hand them to the governor.

    The sender deploys and is the first governor. With `params.governor` set each contract proposes
    that address, which then has to accept. Raises ParamsError before anything is sent, DeployError
    at the step that failed.
    """
    params.check()
    book = params.book
    steps = _Steps(sender, progress)
    coin = steps.deploy("Stablecoin", params.coin_name, params.coin_symbol, sender.address)
    hub = steps.deploy("PriceHub", sender.address, params.fresh_for, params.confirm_period, NOBODY)
    fund = steps.deploy("InsuranceFund", sender.address, coin)
    lens = steps.deploy("Lens")
    operators = steps.deploy("Operators")
    margin_models = steps.deploy("MarginModels", sender.address)
    vault = steps.deploy(
        "Vault",
        sender.address,
        coin,
        hub,
        operators,
        margin_models,
        book.grace_period,
        book.auction_duration,
        book.call_cool_down,
        book.debt_floor,
        book.call_tip,
        book.liquidation_penalty,
        book.rate,
    )
    steps.call("Stablecoin", coin, "set_ceiling", vault, book.ceiling)
    # the fund burns for those who recapitalise it, and mints nothing
    steps.call("Stablecoin", coin, "set_ceiling", fund, 0)
    steps.call("Vault", vault, "propose_fund", fund)
    steps.call("InsuranceFund", fund, "add_book", vault)
    kinds = []
    for number, kind in enumerate(params.kinds):
        oracle = kind.oracle or steps.deploy("ChainlinkOracle", kind.aggregator)
        steps.call(
            "PriceHub",
            hub,
            "list_kind",
            kind.token,
            oracle,
            kind.max_age,
            kind.min_price,
            kind.max_price,
            kind.limits.slew_down,
            kind.limits.slew_up,
            kind.limits.jump_bps,
            kind.limits.sigma_ref,
        )
        levels = kind.levels
        steps.call(
            "Vault",
            vault,
            "list_collateral",
            number,
            kind.token,
            levels.initial_ltv,
            levels.maintenance_ltv,
            levels.close_out_ltv,
            levels.start_factor,
            levels.end_factor,
            kind.cap,
            kind.isolated,
        )
        kinds.append(DeployedKind(number, kind.name, kind.token, oracle))
    if params.governor is not None and params.governor.lower() != sender.address.lower():
        for name, address in (
            ("Stablecoin", coin),
            ("PriceHub", hub),
            ("InsuranceFund", fund),
            ("MarginModels", margin_models),
            ("Vault", vault),
        ):
            steps.call(name, address, "propose_governor", params.governor)
    return System(
        coin, hub, fund, vault, lens, operators, margin_models, tuple(kinds), steps.gas_used
    )
