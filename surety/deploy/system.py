# SPDX-License-Identifier: MIT
"""Deploy a whole system through any sender: tests, demo and scripts call this one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from typing import Any, Final

from surety.chain import (
    ChainError,
    Contract,
    DecodeError,
    Interface,
    Receipt,
    Reverted,
    Rpc,
    deploy_contract,
)
from surety.compile import artifact
from surety.deploy.adapters import Adapter
from surety.deploy.errors import DeployError, ParamsError
from surety.deploy.params import KindParams, SystemParams
from surety.deploy.reading import Deployer, Reading, check_on_chain, read_kind

Progress = Callable[[str], None]
Approve = Callable[[str], bool]

_NOBODY: Final = "0x" + "00" * 20
_NO_ORACLE: Final = "oracle has no code"  # Listings says it after everything but the price is good


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
    settlement: str
    listings: str
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

    def call(self, name: str, address: str, function: str, *args: Any) -> Receipt:
        """Send one transaction to a contract of our own."""
        self.progress(f"{name}.{function}")
        encoder = Interface.of(artifact(name).abi).function(function, len(args))
        try:
            return self.send(address, encoder.encode(*args))
        except ChainError as error:
            raise DeployError(f"{name}.{function}: {error}") from error


def deploy_system(
    sender: Deployer,
    params: SystemParams,
    progress: Progress = lambda _step: None,
    approve: Approve = lambda _reading: True,
) -> System:
    """Deploy coin, hub, fund, lens and one vault, list its kinds and hand them to the governor.

    The sender deploys and is the first governor. With `params.governor` set each contract proposes
    that address, which then has to accept. Each kind is listed by one call; what its token and its
    price say is shown before, and `approve` may stop there by answering False. Raises ParamsError
    before anything is sent, DeployError at the step that failed.
    """
    params.check()
    check_on_chain(sender.rpc, params.kinds, params.sequencer)
    book = params.book
    steps = _Steps(sender, progress)
    listings = steps.deploy("Listings")
    coin = steps.deploy("Stablecoin", params.coin_name, params.coin_symbol, sender.address)
    hub = steps.deploy(
        "PriceHub", sender.address, params.fresh_for, params.confirm_period, listings
    )
    fund = steps.deploy("InsuranceFund", sender.address, coin, sender.address, 100)
    lens = steps.deploy("Lens")
    operators = steps.deploy("Operators")
    margin_models = steps.deploy("MarginModels", sender.address)
    settlement = steps.deploy("Settlement")
    vault = steps.deploy(
        "Vault",
        sender.address,
        coin,
        hub,
        operators,
        margin_models,
        settlement,
        *book.numbers,
    )
    steps.call("Stablecoin", coin, "set_ceiling", vault, book.ceiling)
    # the fund burns for those who recapitalise it, and mints nothing
    steps.call("Stablecoin", coin, "set_ceiling", fund, 0)
    steps.call("Vault", vault, "propose_fund", fund)
    steps.call("InsuranceFund", fund, "add_book", vault)
    if params.sequencer is not None:
        steps.call("PriceHub", hub, "set_sequencer", params.sequencer)
    made: dict[Adapter, str] = {}
    kinds = tuple(_list_kind(steps, listings, vault, kind, made, approve) for kind in params.kinds)
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
        coin,
        hub,
        fund,
        vault,
        lens,
        operators,
        margin_models,
        settlement,
        listings,
        kinds,
        steps.gas_used,
    )


def list_kind(
    sender: Deployer,
    listings: str,
    vault: str,
    kind: KindParams,
    progress: Progress = lambda _step: None,
    approve: Approve = lambda _reading: True,
) -> DeployedKind:
    """List one more kind in a vault that exists; the sender governs it and its hub.

    As `deploy_system` lists each of its kinds: what its token and its price say goes to `progress`
    and then to `approve`, which may answer False. By default nothing is shown and nobody asked.
    Whatever can be read beforehand is a ParamsError before anything is sent: who governs, a vault
    or `listings` that is something else, a token that is listed already, all that is wrong with
    the kind but its price. The step that failed is a DeployError.
    """
    _check_pair(sender, listings, vault, kind)
    check_on_chain(sender.rpc, [kind])
    _check_listing(sender.rpc, listings, vault, kind)
    return _list_kind(_Steps(sender, progress), listings, vault, kind, {}, approve)


def _check_pair(sender: Deployer, listings: str, vault: str, kind: KindParams) -> None:
    """Raise ParamsError unless the sender may list this kind in this vault through `listings`."""
    rpc = sender.rpc
    for name, address in (("vault", vault), ("listings", listings)):
        if not rpc.code(address):
            raise ParamsError(f"{name}: no contract at {address} on chain {rpc.chain_id}")
    book = Contract(rpc, vault, artifact("Vault").abi)
    try:
        penalty, governor = book.read("liquidation_penalty"), book.read("governor")
        hub = Contract(rpc, book.read("hub"), artifact("PriceHub").abi)
        desk, hub_governor = hub.read("listings"), hub.read("governor")
    except (Reverted, DecodeError) as error:
        raise ParamsError(f"vault: {vault} is not a vault") from error
    if desk.lower() != listings.lower():
        raise ParamsError(f"listings: the vault's hub takes listings from {desk}, not {listings}")
    for owner, address in (("vault", governor), ("hub", hub_governor)):
        if address.lower() != sender.address.lower():
            raise ParamsError(
                f"{kind.name}: {sender.address} is not the {owner}'s governor, {address} is"
            )
    kind.check(penalty)


def _check_listing(rpc: Rpc, listings: str, vault: str, kind: KindParams) -> None:
    """Raise ParamsError with the reason for which `listings` refuses all of a kind but its price.

    It is asked about the kind without an adapter, which it looks at last.
    """
    listing = _listing(kind, _NOBODY, read_kind(rpc, kind, _NOBODY))
    try:
        Contract(rpc, listings, artifact("Listings").abi).read("preview", vault, listing)
    except Reverted as error:
        if error.reason != _NO_ORACLE:
            raise ParamsError(f"{kind.name}: {kind.token}: {error}") from error


def _list_kind(
    steps: _Steps,
    listings: str,
    vault: str,
    kind: KindParams,
    made: dict[Adapter, str],
    approve: Approve,
) -> DeployedKind:
    """Deploy what a kind's price comes from, show what there is to read, and list it in one call.

    The call expects what the parameters say, or else what was shown.
    """

    def create(contract: str, *args: Any) -> str:
        return steps.deploy(contract, *args, purpose=f" for {kind.name}")

    source = kind.source
    oracle = source if isinstance(source, str) else source.fitted(kind.name).deploy(create, made)
    reading = read_kind(steps.rpc, kind, oracle)
    shown = f"list {kind.name}: {reading}"
    steps.progress(shown)
    listing = _listing(kind, oracle, reading)
    desk = Contract(steps.rpc, listings, artifact("Listings").abi)
    try:
        desk.read("preview", vault, listing)  # a reason costs nothing here
        if not approve(shown):
            raise DeployError(f"{shown}: stopped here")
        receipt = steps.send(listings, desk.encode("list", vault, listing))
    except ChainError as error:
        raise DeployError(f"{shown}: {error}") from error
    (listed,) = desk.events(receipt)
    return DeployedKind(listed.args["kind"], kind.name, kind.token, oracle)


def _listing(kind: KindParams, oracle: str, reading: Reading) -> tuple[Any, ...]:
    """Return the `Listing` of IListings; what neither is expected nor could be read is 0."""
    levels, limits = kind.levels, kind.limits
    decimals = kind.decimals if kind.decimals is not None else reading.decimals
    price = kind.expected_price if kind.expected_price is not None else reading.price
    return (
        kind.token,
        decimals or 0,
        oracle,
        price or 0,
        kind.max_age,
        kind.min_price,
        kind.max_price,
        *astuple(limits),
        *astuple(levels),
        kind.cap,
        kind.isolated,
    )
