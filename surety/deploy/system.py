# SPDX-License-Identifier: MIT
"""Deploy a whole system through any sender: tests, demo and scripts call this one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any, Final

from surety.chain import ChainError, Contract, DecodeError, Reverted, Rpc, checksum
from surety.compile import artifact
from surety.deploy.adapters import Adapter
from surety.deploy.errors import DeployError, ParamsError
from surety.deploy.params import KindParams, PegParams, SystemParams
from surety.deploy.reading import Deployer, Reading, check_on_chain, read_kind
from surety.deploy.steps import Progress, Steps

Approve = Callable[[str], bool]

_NOBODY: Final = "0x" + "00" * 20
_MODEL_SLOTS: Final = 256
_FADE_PERIOD: Final = 7 * 86_400  # seconds that a model still counts after another took its place
_MODEL: Final = 9  # a margin model's role at the governor
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
    peg: str | None = None
    # once all of it has been handed over: the timelock that everything ends under, and its rules
    governor: str | None = None
    rules: str | None = None

    @property
    def governed(self) -> tuple[tuple[str, str], ...]:
        """Return name and address of each contract that has a governor."""
        return (
            ("Stablecoin", self.coin),
            ("PriceHub", self.hub),
            ("InsuranceFund", self.fund),
            ("MarginModels", self.margin_models),
            ("Vault", self.vault),
            *([("PegStability", self.peg)] if self.peg is not None else ()),
        )

    def kind(self, name: str) -> DeployedKind:
        """Return the kind of that name; KeyError with the known names otherwise."""
        for kind in self.kinds:
            if kind.name == name:
                return kind
        raise KeyError(f"no kind {name!r}; there are {[kind.name for kind in self.kinds]}")

    def to_json(self) -> dict[str, Any]:
        """Return the system as plain JSON types."""
        return asdict(self)


def deploy_system(
    sender: Deployer,
    params: SystemParams,
    progress: Progress = lambda _step: None,
    approve: Approve = lambda _reading: True,
) -> System:
    """Deploy coin, hub, fund, lens and one vault, list its kinds and hand them to who governs.

    The sender deploys and is the first governor. With `params.admin` and `params.guardian` set all
    ends under a timelock of theirs (`hand_over`); with `params.governor` each contract proposes
    that address, which then has to accept. Each kind is listed by one call; what its token and its
    price say is shown before, and `approve` may stop there by answering False. Raises ParamsError
    before anything is sent, DeployError at the step that failed.
    """
    params.check()
    check_on_chain(sender.rpc, params.kinds, params.sequencer)
    book = params.book
    steps = Steps(sender, progress)
    listings = steps.deploy("Listings")
    coin = steps.deploy("Stablecoin", params.coin_name, params.coin_symbol, sender.address)
    hub = steps.deploy(
        "PriceHub", sender.address, params.fresh_for, params.confirm_period, listings
    )
    treasury = params.treasury or params.admin or params.governor or sender.address
    fund = steps.deploy("InsuranceFund", sender.address, coin, treasury, params.buffer_bps)
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
    # the fund burns for those who recapitalise it, and mints what it pays to the treasury
    steps.call("Stablecoin", coin, "set_ceiling", fund, params.fund_ceiling)
    if params.flash_fee_bps or params.flash_ceiling:
        terms = (params.flash_fee_bps, params.flash_ceiling)
        steps.call("Stablecoin", coin, "set_flash", *terms)
    steps.call("Vault", vault, "propose_fund", fund)
    steps.call("InsuranceFund", fund, "add_book", vault)
    if params.sequencer is not None:
        steps.call("PriceHub", hub, "set_sequencer", params.sequencer)
    made: dict[Adapter, str] = {}
    kinds = tuple(_list_kind(steps, listings, vault, kind, made, approve) for kind in params.kinds)
    peg = None
    if params.peg is not None:
        reserve = next(kind for kind in kinds if kind.name == params.peg.kind)
        peg = _deploy_peg(steps, params.peg, coin, hub, fund, reserve)
    system = System(
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
        peg=peg,
    )
    if params.governor is not None and params.governor.lower() != sender.address.lower():
        for name, address in system.governed:
            steps.call(name, address, "propose_governor", params.governor)
        system = replace(system, gas_used=steps.gas_used)
    if params.admin is not None and params.guardian is not None:
        return hand_over(sender, system, params.admin, params.guardian, progress)
    return system


def _deploy_peg(
    steps: Steps, params: PegParams, coin: str, hub: str, fund: str, reserve: DeployedKind
) -> str:
    """Deploy the swap against a reserve, let it mint, and count what it holds."""
    terms = (params.mint_fee_bps, params.redeem_fee_bps, params.guard_price)
    place = (reserve.token, hub, reserve.kind)
    peg = steps.deploy("PegStability", steps.address, coin, *place, *terms)
    # coins of a minter whose reserve is not counted yet would be a deficit on paper
    steps.call("InsuranceFund", fund, "add_reserve", peg)
    steps.call("Stablecoin", coin, "set_ceiling", peg, params.ceiling)
    return peg


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
    return _list_kind(Steps(sender, progress), listings, vault, kind, {}, approve)


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
    steps: Steps,
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


# who governs in the end


def hand_over(
    sender: Deployer,
    system: System,
    admin: str,
    guardian: str,
    progress: Progress = lambda _step: None,
    governor: str | None = None,
) -> System:
    """Let every contract of a system end under a timelock, and prove by reading that it has.

    Deploys GovernanceRules and Governor, proposes the governor everywhere, and only then lets it
    adopt one contract after the other: a proposal can be taken back, an adoption cannot. The margin
    models in use end there too. The sender is who governs so far; afterwards it is nobody. A
    hand-over that stopped half-way goes on with the `governor` that it had deployed. Raises
    ParamsError before anything is sent, also for a minter, book, reserve or wiring that is not the
    system's; DeployError at the step that failed, and for whatever is not as it should be in the
    end.
    """
    rpc = sender.rpc
    _check_people(sender, admin, guardian)
    governor = checksum(governor) if governor is not None else None
    models = _models_of(rpc, system.margin_models)
    governors = [(name, at, _governor_of(rpc, name, at)) for name, at in system.governed]
    # a model that nobody governs is as it will be
    governors += [
        ("TieredMargin", at, now)
        for at in models
        if (now := _governor_of(rpc, "TieredMargin", at)) is not None
    ]
    for name, address, now in governors:
        if now not in (checksum(sender.address), governor):
            raise ParamsError(
                f"{name}: {sender.address} is not its governor at {address}, {now} is"
            )
    if wrong := _wrong_parts(rpc, system):
        raise ParamsError(f"hand over: {'; '.join(wrong)}")
    steps = Steps(sender, progress)
    if governor is None:
        rules = steps.deploy("GovernanceRules")
        roles = [*roles_of(system), *((model, _MODEL) for model in models)]
        governor = steps.deploy("Governor", admin, guardian, rules, roles)
    done = replace(
        system,
        governor=governor,
        rules=Contract(rpc, governor, artifact("Governor").abi).read("rules"),
    )
    left = [(name, address) for name, address, now in governors if now != governor]
    _raise(_wrong_governor(rpc, done, admin, guardian, models))
    for name, address in left:
        steps.call(name, address, "propose_governor", governor)
    for name, address in left:
        steps.call("Governor", governor, "adopt", address, purpose=f" {name}")
    check_handed_over(rpc, done, admin, guardian)
    return replace(done, gas_used=system.gas_used + steps.gas_used)


def roles_of(system: System) -> tuple[tuple[str, int], ...]:
    """Return each contract that acts may call, and its role at the governor (IGovernor)."""
    return (
        (system.coin, 1),
        (system.hub, 2),
        (system.vault, 3),
        (system.fund, 4),
        (system.margin_models, 5),
        *([(system.peg, 6)] if system.peg is not None else ()),
        (system.settlement, 7),
        (system.listings, 8),
    )


def check_handed_over(rpc: Rpc, system: System, admin: str, guardian: str) -> None:
    """Prove by reading that a system is its governor's and nobody else's, or raise DeployError.

    Every contract's governor, that of each margin model in use among them, no successor proposed
    anywhere, the governor's own people, rules and roles, the minters, the fund's books and
    reserves, the book's fund, settlement and hub, and the hub's listings.
    """
    if system.governor is None:
        raise DeployError("hand over: the system has no governor")
    models = _models_of(rpc, system.margin_models)
    wrong = _wrong_governor(rpc, system, admin, guardian, models)
    governed = [("TieredMargin", at) for at in models if _governor_of(rpc, "TieredMargin", at)]
    for name, address in (*system.governed, *governed):
        contract = Contract(rpc, address, artifact(name).abi)
        wrong += _differs(name, contract, "governor", system.governor)
        wrong += _differs(name, contract, "pending_governor", _NOBODY)
    _raise(wrong + _wrong_parts(rpc, system))


def _models_of(rpc: Rpc, margin_models: str) -> list[str]:
    """Return every margin model that has a say: those in a slot, and those that still fade out."""
    contract = Contract(rpc, margin_models, artifact("MarginModels").abi)
    slots = range(_MODEL_SLOTS)
    fades = _read_each(contract, "fade_of", slots)
    # a slot that never changed is empty
    used = [slot for slot in slots if fades[slot][1] != 0]
    found = _read_each(contract, "models", used)
    now = rpc.timestamp()
    found += [former for former, changed_at in fades if now < changed_at + _FADE_PERIOD]
    return [model for model in dict.fromkeys(found) if model != _NOBODY]


def _read_each(contract: Contract, fn: str, arguments: Iterable[int]) -> list[Any]:
    """Read one function for many arguments in few requests."""
    answers = contract.rpc.batch(contract.request(fn, at) for at in arguments)
    function = contract.interface.function(fn, 1)
    return [function.decode(bytes.fromhex(answer[2:])) for answer in answers]


def _governor_of(rpc: Rpc, name: str, address: str) -> str | None:
    """Return who governs a contract; None where it says nobody, or has no such reader."""
    try:
        found: str = Contract(rpc, address, artifact(name).abi).read("governor")
    except (Reverted, DecodeError):
        return None
    return found if found != _NOBODY else None


def _wrong_parts(rpc: Rpc, system: System) -> list[str]:
    """Return where the wiring of a system, its minters, books or reserves are not its own."""
    wrong: list[str] = []
    vault = Contract(rpc, system.vault, artifact("Vault").abi)
    for reader, address in (
        ("coin", system.coin),
        ("hub", system.hub),
        ("operators", system.operators),
        ("margin_models", system.margin_models),
        ("settlement", system.settlement),
        ("fund", system.fund),
        ("pending_fund", _NOBODY),
    ):
        wrong += _differs("Vault", vault, reader, address)
    hub = Contract(rpc, system.hub, artifact("PriceHub").abi)
    wrong += _differs("PriceHub", hub, "listings", system.listings)
    fund = Contract(rpc, system.fund, artifact("InsuranceFund").abi)
    coin = Contract(rpc, system.coin, artifact("Stablecoin").abi)
    pegs = [system.peg] if system.peg is not None else []
    wrong += _others("InsuranceFund", fund, "books", [system.vault])
    wrong += _others("InsuranceFund", fund, "reserves", pegs)
    wrong += _others("Stablecoin", coin, "minters", [system.vault, system.fund, *pegs])
    return wrong


def _check_people(sender: Deployer, admin: str, guardian: str) -> None:
    """Raise ParamsError for people that would be nobody, the deployer, or one and the same."""
    for key, address in (("admin", admin), ("guardian", guardian)):
        if int(address, 16) == 0:
            raise ParamsError(f"{key}: must not be the zero address")
        if address.lower() == sender.address.lower():
            raise ParamsError(f"{key}: {address} deploys, and must have no right afterwards")
    if admin.lower() == guardian.lower():
        raise ParamsError("guardian: must not be the admin: it is there to stop it")


def _wrong_governor(
    rpc: Rpc, system: System, admin: str, guardian: str, models: Sequence[str]
) -> list[str]:
    """Return what is wrong with the governor itself: its people, its rules and its roles."""
    governor = Contract(rpc, str(system.governor), artifact("Governor").abi)
    wrong = _differs("Governor", governor, "admin", admin)
    wrong += _differs("Governor", governor, "guardian", guardian)
    wrong += _differs("Governor", governor, "pending_admin", _NOBODY)
    wrong += _differs("Governor", governor, "rules", str(system.rules))
    roles = [*roles_of(system), *((model, _MODEL) for model in models)]
    for address, role in roles:
        found = governor.read("role_of", address)
        if found != role:
            wrong.append(f"Governor: role {found} of {address}, not {role}")
    known = {address.lower() for address, _ in roles}
    wrong += [
        f"Governor: acts may call {address}"
        for address in governor.read("contracts")
        if address.lower() not in known
    ]
    return wrong


def _differs(name: str, contract: Contract, reader: str, wanted: str) -> list[str]:
    try:
        found: str = contract.read(reader)
    except (Reverted, DecodeError):  # a margin model may be anybody's code
        return [f"{name}.{reader} of {contract.address} cannot be read"]
    return [] if found.lower() == wanted.lower() else [f"{name}.{reader} is {found}, not {wanted}"]


def _others(name: str, contract: Contract, reader: str, known: Sequence[str]) -> list[str]:
    """Return whom a contract lists that is not known, and who is not listed."""
    listed = {address.lower() for address in contract.read(reader)}
    wanted = {address.lower() for address in known}
    return [f"{name}.{reader} holds {address}" for address in sorted(listed - wanted)] + [
        f"{name}.{reader} lacks {address}" for address in sorted(wanted - listed)
    ]


def _raise(wrong: list[str]) -> None:
    if wrong:
        raise DeployError(f"hand over: {'; '.join(wrong)}")
