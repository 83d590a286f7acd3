# SPDX-License-Identifier: MIT
"""A whole system under a Governor, on revm in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from surety.chain import Contract, Event, UnlockedSender, deploy_contract
from surety.compile import Artifact, artifact
from surety.deploy import LOCAL_KINDS, BookParams, SystemParams, local_kinds
from tests.incidents.weak import deploying
from tests.stateful.node import DEV_ADDRESSES, Ran, RevmNode, Timed, as_json
from tests.world import GENESIS, WAD, World

ZERO = "0x" + "00" * 20
HOUR, DAY = 3_600, 86_400
PARAMETER, MARGIN, STRUCTURE, CONTROL = DAY, 2 * DAY, 3 * DAY, 7 * DAY
EXPIRY, GUARD_PERIOD = 14 * DAY, 7 * DAY
COIN, HUB, VAULT, FUND, MODELS, PEG, SETTLEMENT, LISTINGS, MODEL, GOVERNOR = range(1, 11)
PENDING, EXECUTED, CANCELLED, VETOED = 1, 2, 3, 4
SLOT = 3  # of a margin model, empty so far
CHOSEN = 5  # a slot with a mild model, as is the next
CAPS = (10_000, 10_000, 1_000_000)  # whole tokens of each kind
CEILING = 10**8 * WAD


class Act(NamedTuple):
    """A call that a governor may be asked to make."""

    target: Contract
    fn: str
    args: tuple[Any, ...]

    @property
    def data(self) -> bytes:
        return self.target.encode(self.fn, *self.args)


class Rig(Timed):
    """Contracts, people, and what they do. `world.governor` deployed it all and governs nothing."""

    def __init__(self, weak: Mapping[str, Artifact] | None = None) -> None:
        """Deploy it all; `weak` holds what takes the place of an honest contract, by name."""
        self.weak = dict(weak or {})
        self.node = node = RevmNode(GENESIS)
        deployer = UnlockedSender(node, DEV_ADDRESSES[0])
        kinds = tuple(
            replace(kind, cap=cap * 10 ** (kind.decimals or 0))
            for kind, cap in zip(local_kinds(deployer, LOCAL_KINDS, None), CAPS, strict=True)
        )
        book = BookParams(rate=0, ceiling=CEILING)
        ours = ("Governor", "GovernanceRules")  # deployed here, after the system
        with deploying(*(weak for name, weak in self.weak.items() if name not in ours)):
            self.world = world = World(node, SystemParams(kinds=kinds, book=book))
        self.deployer, self.owner, self.admin, self.guardian, self.next, self.stranger = (
            DEV_ADDRESSES
        )
        self.coin, self.hub, self.vault, self.fund = (
            world.coin, world.hub, world.vault, world.fund,
        )  # fmt: skip
        system = world.system
        self.models = world.contract("MarginModels", system.margin_models)
        self.settlement = world.contract("Settlement", system.settlement)
        self.listings = world.contract("Listings", system.listings)
        self.spares: list[Contract] = []  # more feeds, and oracles, that `refresh` lets speak
        self.oracles: list[tuple[Contract, int]] = []
        self.tiered = [self.deploy("TieredMargin", self.deployer) for _ in range(2)]
        self.model = self.tiered[0]
        self.second = self._second_vault()
        reserve = (world.tokens[2].address, self.hub.address, 2)
        fees = (10, 10, 99 * WAD // 100)
        self.peg = self.deploy("PegStability", self.deployer, self.coin.address, *reserve, *fees)
        self.rules = self.deploy("GovernanceRules")
        self._list_models()
        roles = self.roles()
        self.gov = self.deploy(
            "Governor",
            self.admin,
            self.guardian,
            self.rules.address,
            [(contract.address, role) for contract, role in roles],
        )
        for contract, role in roles:
            if role not in (SETTLEMENT, LISTINGS):
                self.hand_over(contract)

    def roles(self) -> list[tuple[Contract, int]]:
        return [
            (self.coin, COIN),
            (self.hub, HUB),
            (self.vault, VAULT),
            (self.second, VAULT),
            (self.fund, FUND),
            (self.models, MODELS),
            (self.settlement, SETTLEMENT),
            (self.listings, LISTINGS),
            (self.peg, PEG),
            (self.tiered[0], MODEL),
            (self.tiered[1], MODEL),
        ]

    def _second_vault(self) -> Contract:
        world = self.world
        return self.deploy(
            "Vault",
            self.deployer,
            world.coin.address,
            world.hub.address,
            world.operators.address,
            self.models.address,
            world.system.settlement,
            *world.book.numbers,
        )

    def _list_models(self) -> None:
        """A mild model in two slots, and a severe one for the default and for later."""
        mild, severe = self.tiered
        for kind in range(3):
            for model, rates in ((mild, [100, 400]), (severe, [2_000, 4_000])):
                model.transact("set_brackets", kind, [10_000 * WAD], rates, sender=self.deployer)
        for slot, model in ((0, severe), (CHOSEN, mild), (CHOSEN + 1, mild)):
            self.models.transact("list_model", slot, model.address, sender=self.deployer)

    def hand_over(self, contract: Contract) -> None:
        contract.transact("propose_governor", self.gov.address, sender=self.deployer)
        self.must(self.gov, "adopt", contract.address, sender=self.stranger)

    # people and time

    def refresh(self) -> None:
        """Let every feed say again what it says, and settle the hub."""
        for feed in [*self.world.feeds, *self.spares]:
            answer = feed.read("latestRoundData")[1]
            self.must(feed, "set_answer", answer, sender=self.deployer)
        for oracle, price in self.oracles:
            self.must(oracle, "set_report", price, self.now, sender=self.deployer)
        for _ in range(3):
            self.wait(self.world.params.fresh_for)
            self.must(self.hub, "poke", (1 << len(self.world.feeds)) - 1, sender=self.stranger)
            if not any(self.world.is_confirming(kind) for kind in range(len(self.world.feeds))):
                return
            self.wait(self.world.params.confirm_period)

    def found(self, name: str) -> Artifact:
        return self.weak.get(name) or artifact(name)

    def deploy(self, name: str, *args: Any) -> Contract:
        found = self.found(name)
        sender = UnlockedSender(self.node, DEV_ADDRESSES[0])
        return Contract(self.node, deploy_contract(sender, found, *args), found.abi)

    def run(self, contract: Contract, fn: str, *args: Any, sender: str) -> Ran:
        """Send at the second of the last block."""
        return self.node.run(sender, contract.address, contract.encode(fn, *args), self.now)

    def must(self, contract: Contract, fn: str, *args: Any, sender: str) -> Ran:
        ran = self.run(contract, fn, *args, sender=sender)
        assert ran.reason is None, f"{fn}: {ran.reason}"
        return ran

    def reason(self, contract: Contract, fn: str, *args: Any, sender: str) -> str | None:
        return self.run(contract, fn, *args, sender=sender).reason

    def events(self, ran: Ran, contract: Contract | None = None) -> list[Event]:
        """Decode what a contract logged, the governor by default."""
        contract = contract or self.gov
        logs = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
        return [e for e in contract.events(logs) if e.address == contract.address]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Undo everything done inside, the clock included."""
        taken, time, number = self.node.evm.snapshot(), self.node.time, self.node.number
        spares, oracles = list(self.spares), list(self.oracles)
        try:
            yield
        finally:
            self.node.evm.revert(taken)
            self.spares, self.oracles = spares, oracles
            self.node.restore(time, number)

    # acts

    def propose(self, act: Act) -> int:
        self.must(self.gov, "propose", act.target.address, act.data, sender=self.admin)
        return int(self.gov.read("act_count"))

    def propose_reason(self, act: Act) -> str | None:
        args = (act.target.address, act.data)
        return self.reason(self.gov, "propose", *args, sender=self.admin)

    def execute_reason(
        self, id: int, act: Act, price: int | None = None, sender: str | None = None
    ) -> str | None:
        args: Sequence[Any] = (id, act.target.address, act.data)
        if price is None:
            return self.reason(self.gov, "execute", *args, sender=sender or self.stranger)
        return self.reason(self.gov, "execute_expecting", *args, price, sender=sender or self.admin)

    def tighten_reason(self, act: Act, sender: str | None = None) -> str | None:
        args = (act.target.address, act.data)
        return self.reason(self.gov, "tighten", *args, sender=sender or self.guardian)

    def delay(self, act: Act, executing: bool = False) -> int:
        """Return what the rules say of an act now; raises Reverted where they refuse it."""
        found: int = self.preview(act, executing)[0]
        return found

    def preview(self, act: Act, executing: bool = False, price: int = 0) -> tuple[int, bytes]:
        return self.gov.read("preview", act.target.address, act.data, price, executing)

    def ready(self, act: Act) -> int:
        """Announce an act and wait until it is ready, at the prices of now."""
        id = self.propose(act)
        self.wait(self.gov.read("acts", id)[2] - self.now)
        self.refresh()
        return id

    def enact(self, act: Act, price: int | None = None, sender: str | None = None) -> None:
        """Propose, wait and execute."""
        id = self.ready(act)
        reason = self.execute_reason(id, act, price, sender)
        assert reason is None, f"{act.fn}: {reason}"
