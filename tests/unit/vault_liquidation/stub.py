# SPDX-License-Identifier: MIT
"""A book over a hub that says whatever it is told: any price word, any token, any numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import MAJOR, BookParams, Levels
from tests.world import BPS, MAX, WAD

FAILED, CONFIRMING = 1, 2
NOBODY = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class StubKind:
    """A token to invent and the levels that it is listed with."""

    decimals: int = 18
    levels: Levels = MAJOR
    mock: str = "MockToken"


STILL = replace(BookParams(), rate=0, call_tip=0)


class StubBook:
    """Coin, stub hub, vault and tokens; `params` are the vault's immutable numbers."""

    def __init__(self, rpc: Rpc, kinds: Sequence[StubKind], params: BookParams = STILL) -> None:
        self.rpc = rpc
        accounts = rpc.call("eth_accounts")
        self.governor, self.owner, self.keeper = accounts[0], accounts[1], accounts[3]
        self.params = params
        self.coin = self.deploy("Stablecoin", "Coin", "COIN", self.governor)
        self.hub = self.deploy("MockHub")
        self.lens = self.deploy("Lens")
        self.operators = self.deploy("Operators")
        self.models = self.deploy("MarginModels", self.governor)
        self.vault = self.new_vault(params)
        self.coin.transact("set_ceiling", self.vault.address, 2**119, sender=self.governor)
        self.tokens = []
        for number, kind in enumerate(kinds):
            token = self.deploy(kind.mock, "T", "T", kind.decimals)
            self.tokens.append(token)
            self.hub.transact("set_kind", number, token.address, sender=self.governor)
            self.list(self.vault, number, token.address, kind.levels)
            token.transact("approve", self.vault.address, MAX, sender=self.owner)
        self.id = int(self.owner, 16) << 8

    def deploy(self, name: str, *args: object) -> Contract:
        sender = UnlockedSender(self.rpc, self.governor)
        address = deploy_contract(sender, artifact(name), *args)
        return Contract(self.rpc, address, artifact(name).abi)

    def new_vault(self, params: BookParams) -> Contract:
        return self.deploy(
            "Vault",
            self.governor,
            self.coin.address,
            self.hub.address,
            self.operators.address,
            self.models.address,
            NOBODY,
            *params.numbers,
        )

    def list(self, vault: Contract, kind: int, token: str, levels: Levels) -> None:
        vault.transact(
            "list_collateral",
            kind,
            token,
            levels.initial_ltv,
            levels.maintenance_ltv,
            levels.close_out_ltv,
            levels.start_factor,
            levels.end_factor,
            2**128 - 1,
            False,
            sender=self.governor,
        )

    def swap_params(self, **changes: int) -> None:
        """Let the vault run with other immutable numbers and the same storage."""
        other = self.new_vault(replace(self.params, **changes))
        code = self.rpc.call("eth_getCode", other.address, "latest")
        self.rpc.call("anvil_setCode", self.vault.address, code)

    def say(
        self,
        kind: int,
        hi: int,
        lo: int | None = None,
        flags: int = 0,
        initial: int = BPS,
        maintenance: int = BPS,
    ) -> None:
        """Let the hub say this of a kind."""
        lo = hi if lo is None else lo
        self.hub.transact(
            "set_word", kind, lo, hi, initial, maintenance, flags, sender=self.governor
        )

    def open(self, amounts: Sequence[int], debt: int) -> None:
        """Open the owner's account at prices at which anything is allowed."""
        for kind, amount in enumerate(amounts):
            self.say(kind, 10**8 * WAD)
            self.tokens[kind].transact("mint", self.owner, amount, sender=self.governor)
        legs = [(kind, amount) for kind, amount in enumerate(amounts)]
        self.vault.transact("adjust", self.id, legs, debt, self.owner, b"", sender=self.owner)

    def give_coins(self, who: str, amount: int) -> None:
        """Mint coins out of nothing."""
        self.coin.transact("set_ceiling", self.governor, 2**119, sender=self.governor)
        self.coin.transact("mint", who, amount, sender=self.governor)

    def start(self, id: int | None = None) -> int:
        """The account's clock."""
        return (self.vault.read("accounts", id or self.id) >> 136) % 2**40

    def debt(self) -> int:
        return self.vault.read("debt_of", self.id)

    def levels(self, id: int | None = None) -> tuple[int, ...]:
        """Debt, value at `hi`, and the capacities initial, target, maintenance, close-out."""
        (found,) = self.lens.read("levels_of", self.vault.address, [id or self.id])
        return tuple(found)

    @property
    def now(self) -> int:
        return self.rpc.timestamp()
