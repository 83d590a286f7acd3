# SPDX-License-Identifier: MIT
"""A real Anvil with a real system: owners open accounts, feeds move, blocks are mined by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from surety.anvil import Anvil
from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import (
    MAJOR_LIMITS,
    BookParams,
    Limits,
    System,
    SystemParams,
    deploy_system,
    local_kinds,
)
from surety.keeper import ContractMarket, Keeper, KeeperConfig, KeySender
from surety.keeper.words import Price

WAD = 10**18
BLOCK_SECONDS = 12
KEEPER_KEY = "0x" + "5e" * 32
KINDS = {"eth": (0, 18), "btc": (1, 8), "stable": (2, 6)}


@dataclass
class World:
    """Everything a test of the engine touches."""

    rpc: Rpc
    system: System
    market: str
    feeds: dict[str, Contract]
    key: LocalAccount
    governor: str
    owners: list[str]
    contracts: dict[str, Contract] = field(default_factory=dict)

    @property
    def vault(self) -> Contract:
        return self.contracts["vault"]

    @property
    def coin(self) -> Contract:
        return self.contracts["coin"]

    @property
    def hub(self) -> Contract:
        return self.contracts["hub"]

    def guard(self, limits: Limits = MAJOR_LIMITS) -> None:
        """Give every kind the limits of a real book instead of the loose ones of these tests."""
        for kind in range(len(KINDS)):
            self.hub.transact("set_limits", kind, *astuple(limits), sender=self.governor)

    def stored(self, kind: int) -> Price:
        """Return the hub's stored word of a kind."""
        return Price.from_word(self.hub.read("words", kind))

    def token(self, name: str) -> Contract:
        return self.contracts[name]

    def levels(self, account: int) -> tuple[int, ...]:
        """Debt, value at `hi`, and the capacities initial, target, maintenance, close-out."""
        (found,) = self.contracts["lens"].read("levels_of", self.system.vault, [account])
        return tuple(found)

    def keeper(self, url: str | None = None, **options: Any) -> Keeper:
        """Make a keeper with the market; options go to its configuration."""
        rpc = Rpc(url, timeout=2.0) if url else self.rpc
        config = KeeperConfig(**{"native_price": 2_000 * WAD, "gas_price": 10**9, **options})
        return Keeper(
            rpc,
            self.system.vault,
            KeySender(rpc, self.key, 31_337),
            ContractMarket(rpc, self.market),
            config,
        )

    def open(self, owner: int, sub: int, collateral: dict[str, int], debt: int) -> int:
        """Open an account with amounts in whole tokens and coins; returns its id."""
        address = self.owners[owner]
        account = int(address, 16) << 8 | sub
        for name, whole in collateral.items():
            kind, decimals = KINDS[name]
            amount = whole * 10**decimals // 1000
            self.token(name).transact("mint", address, amount, sender=self.governor)
            self.token(name).transact("approve", self.system.vault, 2**256 - 1, sender=address)
            self.vault.transact("deposit", account, kind, amount, sender=address)
        if debt:
            self.vault.transact("borrow", account, debt * WAD, address, sender=address)
        return account

    def price(self, name: str, whole: int) -> None:
        """Set a feed in a transaction that waits for the next block (or is mined at once)."""
        feed = self.feeds[name]
        self.rpc.call(
            "eth_sendTransaction",
            {
                "from": self.governor,
                "to": feed.address,
                "data": "0x" + feed.encode("set_answer", whole * 10**8).hex(),
                "gas": hex(200_000),
            },
        )

    def block(self, seconds: int = BLOCK_SECONDS) -> int:
        """Mine one block `seconds` after the last and return its number."""
        now = self.rpc.timestamp()
        self.rpc.call("evm_setNextBlockTimestamp", hex(now + seconds))
        self.rpc.call("evm_mine")
        return self.rpc.block_number()

    def fund_keeper(self, coins: int) -> None:
        """Give the keeper coins out of the governor's own account."""
        self.coin.transact("transfer", self.key.address, coins * WAD, sender=self.governor)

    def manual(self) -> None:
        """Stop mining by transaction."""
        self.rpc.call("evm_setAutomine", False)


@contextmanager
def new_world() -> Iterator[World]:
    """Run an Anvil with a whole system, a funded market and a rich account of the governor."""
    with Anvil(accounts=6, timestamp=1_700_000_000, block_interval=BLOCK_SECONDS) as node:
        rpc = Rpc(node.url)
        addresses = [str(address) for address in rpc.call("eth_accounts")]
        governor, owners = addresses[0], addresses[1:]
        sender = UnlockedSender(rpc, governor)
        kinds = local_kinds(sender)
        system = deploy_system(sender, SystemParams(kinds=kinds, book=BookParams()))
        market = deploy_contract(sender, artifact("MockMarket"), system.coin, 30)
        key: LocalAccount = Account.from_key(KEEPER_KEY)
        rpc.set_balance(key.address, 100 * WAD)
        contracts = {
            "vault": Contract(rpc, system.vault, artifact("Vault").abi),
            "lens": Contract(rpc, system.lens, artifact("Lens").abi),
            "coin": Contract(rpc, system.coin, artifact("Stablecoin").abi),
            "hub": Contract(rpc, system.hub, artifact("PriceHub").abi),
            "market": Contract(rpc, market, artifact("MockMarket").abi),
        }
        feeds = {}
        for kind, params in zip(system.kinds, kinds, strict=True):
            contracts[kind.name] = Contract(rpc, kind.token, artifact("MockToken").abi)
            assert params.aggregator is not None
            feeds[kind.name] = Contract(rpc, params.aggregator, artifact("MockAggregator").abi)
            contracts["market"].transact("set_feed", kind.token, kind.oracle, sender=governor)
        world = World(rpc, system, market, feeds, key, governor, owners, contracts)
        rich = int(governor, 16) << 8
        token = world.token("eth")
        token.transact("mint", governor, 10_000 * WAD, sender=governor)
        token.transact("approve", system.vault, 2**256 - 1, sender=governor)
        world.vault.transact("deposit", rich, 0, 10_000 * WAD, sender=governor)
        world.vault.transact("borrow", rich, 2_000_000 * WAD, governor, sender=governor)
        world.coin.transact("transfer", market, 1_000_000 * WAD, sender=governor)
        yield world
