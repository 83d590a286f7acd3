# SPDX-License-Identifier: MIT
"""A live system with everybody in it, and one way to let each of them try the same call.

An *attempt* is one transaction of one actor, undone afterwards. Who is refused must be refused with
the reason that the table gives, and then no word that any contract anywhere has stored may have
changed: the node is asked for the difference.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.phases import CompilerData

from surety.access import PAUSES, TABLE, Case
from surety.access.table import (
    ADMIN,
    ANYONE,
    BOOK,
    FUND,
    GOVERNOR,
    GUARDIAN,
    LISTINGS,
    MINTER,
    MODELS,
    NEXT_FUND,
    OPERATOR,
    OWNER,
    SETTLEMENT,
    SPENDER,
    SUCCESSOR,
    WETH,
)
from surety.chain import Contract, Reverted, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import MAJOR, PegParams, SystemParams, local_feed, local_kinds
from tests.stateful.node import AnvilNode, Ran
from tests.uniswap import WETH9, packed
from tests.world import MAX, WAD, World

RICH = 10**24
WETH_KIND = 3
BITS = {"borrow": 1, "withdraw": 2, "call": 4, "take": 8, "callbacks": 16}
ALL_BITS = 31


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call to try: `only` names who is able to make it at all, `without` who is not."""

    contract: str
    function: str
    args: tuple[Any, ...]
    value: int = 0
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class Stage:
    """A world whose contracts have all ended at their governor, and its actors."""

    def __init__(self, rpc: Rpc) -> None:
        self.world = world = self._world(rpc)
        self.node = AnvilNode(rpc)
        self.rpc = rpc
        self.weth = Contract(rpc, world.tokens[WETH_KIND].address, packed(WETH9).abi)
        self.timelock = world.timelock
        self.contracts: dict[str, Contract] = {
            "Vault": self.world.vault,
            "Stablecoin": self.world.coin,
            "PriceHub": self.world.hub,
            "InsuranceFund": self.world.fund,
            "MarginModels": self.world.margin_models,
            "Operators": self.world.operators,
            "PegStability": world.contract("PegStability", str(world.system.peg)),
            "Settlement": world.settlement,
            "Listings": world.listings,
            "Governor": world.timelock,
        }
        self.contracts["TieredMargin"] = self.new("TieredMargin", world.timelock.address)
        self.contracts["WethGateway"] = self.new(
            "WethGateway", world.vault.address, self.weth.address, WETH_KIND
        )
        self.actors = self._actors()
        self.roles = self._roles()
        self._equip()

    @staticmethod
    def _world(rpc: Rpc) -> World:
        """Deploy a system with wrapped ether as its last kind and hand it over."""
        sender = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        kinds = local_kinds(sender)
        weth = local_feed(
            sender, "weth", deploy_contract(sender, packed(WETH9)), 2_000 * WAD, MAJOR
        )
        params = SystemParams(
            kinds=(*kinds, weth),
            confirm_period=1,
            fund_ceiling=RICH,
            peg=PegParams("stable", 10 * RICH),
        )
        return World(rpc, params, handed_over=True)

    def _actors(self) -> dict[str, str]:
        world, system = self.world, self.world.system
        more = [to_checksum_address(a) for a in self.rpc.call("eth_accounts")[8:10]]
        self.robot = self.new("MockActor")  # a contract that answers every callback
        return {
            "deployer": world.governor,
            "owner": world.owner,
            "operator": world.operator,
            "operator of sub-account 0": to_checksum_address("0x" + "a0" * 20),
            "keeper": world.keeper,
            "stranger": world.stranger,
            "successor": more[0],
            "next fund": more[1],
            "robot": self.robot.address,
            "admin": world.admin,
            "guardian": world.guardian,
            "governor": world.timelock.address,
            "vault": system.vault,
            "coin": system.coin,
            "hub": system.hub,
            "fund": system.fund,
            "peg": str(system.peg),
            "margin models": system.margin_models,
            "settlement": system.settlement,
            "listings": system.listings,
            "operators": system.operators,
            "weth": self.weth.address,
        }

    def _roles(self) -> dict[str, set[str]]:
        """Return who is what in the table's words; nobody else is anything."""
        return {
            ANYONE: set(self.actors),
            OWNER: {"owner"},
            OPERATOR: {"operator"},
            SPENDER: {"operator"},
            SUCCESSOR: {"successor"},
            MINTER: {"vault", "fund", "peg"},
            BOOK: set(),  # its callback only inside its own call: who asks from outside is nobody
            FUND: {"fund"},
            NEXT_FUND: {"next fund"},
            LISTINGS: {"listings"},
            MODELS: {"margin models"},
            SETTLEMENT: {"settlement"},
            WETH: {"weth"},
            GOVERNOR: {"governor"},
            ADMIN: {"admin"},
            GUARDIAN: {"guardian"},
        }

    def _equip(self) -> None:
        """Give everybody ether, collateral, coins and approvals: no purse refuses anything."""
        world = self.world
        world.give_coins(world.other, RICH * (len(self.actors) + 1))
        for who in self.actors.values():
            self.rpc.impersonate(who)
            self.rpc.set_balance(who, 10**22)
            for kind, token in enumerate(world.tokens[:WETH_KIND]):
                world.give(who, kind, RICH)
                for spender in ("Vault", "PegStability"):
                    token.transact("approve", self.contracts[spender].address, MAX, sender=who)
            world.coin.transact("transfer", who, RICH, sender=world.other)
            world.coin.transact("approve", self.contracts["Settlement"].address, MAX, sender=who)
        self.victim = "0x" + "7e" * 20  # holds coins and does nothing
        world.coin.transact("transfer", self.victim, RICH, sender=world.other)
        world.set_operator(self.actors["operator"], MAX, sender=world.owner)
        world.set_operator(self.actors["operator of sub-account 0"], 1, sender=world.owner)

    # moves

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo everything done inside.

        Anvil answers with a receipt before it clears its pool: what was sent last would come again
        in the next block, its nonce being good once more.
        """
        with self.world.snapshot():
            yield
        self.rpc.call("anvil_dropAllTransactions")

    def new(self, name: str, *args: Any) -> Contract:
        """Deploy one of the project's contracts, mocks included."""
        sender = UnlockedSender(self.rpc, self.world.governor)
        return self.world.contract(name, deploy_contract(sender, artifact(name), *args))

    def act(self, who: str, contract: str, function: str, *args: Any) -> None:
        """Let an actor do something that must go through."""
        self.contracts[contract].transact(function, *args, sender=self.actors[who])

    def govern(self, contract: str, function: str, *args: Any) -> None:
        """Do something as the governor."""
        self.act("governor", contract, function, *args)

    def infect(self, name: str, source: Path, root: Path) -> None:
        """Put the code of another source in a contract's place; what is immutable stays."""
        bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), root])
        data = CompilerData(bundle.load_file(source), bundle)
        address = self.contracts[name].address
        code = self.rpc.code(address)
        constants = code[len(code) - data.global_ctx.immutable_section_bytes :]
        self.set_code(address, data.bytecode_runtime + constants)

    def set_code(self, address: str, code: bytes) -> None:
        """Let a contract have another code."""
        self.rpc.call("anvil_setCode", address, "0x" + code.hex())

    # attempts

    def changed(self) -> dict[str, dict[str, str]]:
        """Return every word that the last transaction has changed, by contract and slot."""
        # an Anvil that had left one in its pool mines it along with the next
        *_, tx = self.rpc.block()["transactions"]
        options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
        diff = self.rpc.call("debug_traceTransaction", tx, options)
        return {
            address: item["storage"] for address, item in diff["post"].items() if "storage" in item
        }

    def words(self) -> dict[str, dict[str, int]]:
        """Return every word that is stored anywhere and is not zero."""
        packed = bytes.fromhex(self.rpc.call("anvil_dumpState")[2:])
        accounts = json.loads(gzip.decompress(packed))["accounts"]
        return {
            address: {
                slot: number for slot, word in item["storage"].items() if (number := int(word, 16))
            }
            for address, item in accounts.items()
            if item["storage"]
        }

    def send(self, who: str, attempt: Attempt) -> Ran:
        """Send an attempt as somebody, in a block of its own."""
        contract = self.contracts[attempt.contract]
        data = b""
        if attempt.function != "__default__":
            data = contract.encode(attempt.function, *attempt.args)
        sender = self.actors[who]
        at = self.world.now + 1
        return self.node.run(sender, contract.address, data, at, attempt.value)

    def outcome(self, who: str, attempt: Attempt) -> tuple[str | None, bool]:
        """Return the reason that somebody is refused with (None: done), and whether all stayed."""
        with self.undone():
            ran = self.send(who, attempt)
            return ran.reason, not self.changed()

    def allowed(self, case: Case) -> set[str]:
        """Return the actors that the table allows a case."""
        return set().union(*(self.roles[role] for role in case.who))

    def tried(self, attempt: Attempt) -> list[str]:
        """Return the actors that try an attempt."""
        return [who for who in attempt.only or self.actors if who not in attempt.without]

    def disagreements(self, attempt: Attempt, case: Case) -> Iterator[str]:
        """Yield where a live system and the table differ about who may make a call."""
        allowed = self.allowed(case)
        name = f"{attempt.contract}.{attempt.function} {case.what}".strip()
        for who in self.tried(attempt):
            reason, stayed = self.outcome(who, attempt)
            if who in allowed:
                if reason is not None:
                    yield f"{name}: {who} is refused with {reason!r}"
            elif reason is None:
                yield f"{name}: {who} does it"
            elif reason != case.otherwise:
                yield f"{name}: {who} is refused with {reason!r}, not {case.otherwise!r}"
            elif not stayed:
                yield f"{name}: {who} is refused, and something has changed"

    def stopped(self, attempt: Attempt, case: Case) -> Iterator[str]:
        """Yield where a pause stops what the table does not say, or fails to stop what it does."""
        who = next((name for name in self.tried(attempt) if name in self.allowed(case)), None)
        if who is None:
            return
        name = f"{attempt.contract}.{attempt.function} {case.what}".strip()
        for pause, reason in PAUSES.items():
            if pause not in case.stopped_by:
                continue
            with self.undone():
                self.pause(pause)
                found, stayed = self.outcome(who, attempt)
                if found != reason or not stayed:
                    yield f"{name}: under the pause of {pause} {who} is met with {found!r}"
        if "shut" not in case.stopped_by and self.may_shut():
            with self.undone():
                self.pause("shut")
                found, _ = self.outcome(who, attempt)
                if found == PAUSES["shut"]:
                    yield f"{name}: in a book that is shut down {who} is refused"
        if any(pause in BITS for pause in case.stopped_by) or self.is_shut():
            return
        with self.undone():
            self.govern("Vault", "set_pauses", ALL_BITS)
            for other in ("flash", "reap", "peg"):
                if other not in case.stopped_by:
                    self.pause(other)
            found, _ = self.outcome(who, attempt)
            if found is not None:
                yield f"{name}: under all pauses {who} is refused with {found!r}"

    def is_shut(self) -> bool:
        """Tell whether the book has been shut down: then it is paused already."""
        return bool(self.world.vault.read("totals") >> 152 & 32)

    def may_shut(self) -> bool:
        """Tell whether the book can be shut down as things are: not twice, nor as prices move."""
        settlement = self.world.settlement
        data = settlement.encode("shutdown", self.world.vault.address)
        try:
            self.rpc.eth_call(settlement.address, data, sender=self.actors["governor"])
        except Reverted:
            return False
        return True

    def pause(self, pause: str) -> None:
        """Let one pause begin."""
        if pause == "shut":
            self.govern("Settlement", "shutdown", self.world.vault.address)
        elif pause == "flash":
            self.govern("Stablecoin", "set_flash", 0, 0)
        elif pause == "reap":
            self.govern("InsuranceFund", "set_reaping_paused", True)
        elif pause == "peg":
            self.govern("PegStability", "set_minting_paused", True)
        else:
            self.govern("Vault", "set_pauses", BITS[pause])


Proof = Callable[[Stage], Attempt]
PROOFS: dict[tuple[str, str], list[Proof]] = {}


def proves(contract: str, *functions: str) -> Callable[[Proof], Proof]:
    """Register how a case of a function is brought about; cases in the order of the table."""

    def register(proof: Proof) -> Proof:
        for function in functions:
            PROOFS.setdefault((contract, function), []).append(proof)
        return proof

    return register


def cases() -> Iterator[tuple[str, str, int]]:
    """Yield every contract, function and number of a case of the table."""
    for contract, table in TABLE.items():
        for function, access in table.writes.items():
            for number in range(len(access.cases)):
                yield contract, function, number


@contextmanager
def prepared(stage: Stage, contract: str, function: str, number: int) -> Iterator[Attempt]:
    """Bring a case about, and undo it all afterwards."""
    with stage.undone():
        yield PROOFS[contract, function][number](stage)
