# SPDX-License-Identifier: MIT
"""A whole system on an Anvil of its own, driven by raw JSON-RPC: five times faster than by Ape.

`World` deploys through `surety.deploy`, the same code that deploys live, and offers the moves that
tests make: fund an owner, open an account, set a price, move the clock. Its deployer governs, so
that a test changes a parameter in one step; with `handed_over` all ends under the timelock, and
the deployer keeps nothing but the feeds and the minting of the tokens, which are mocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from surety.anvil import Anvil
from surety.chain import Contract, Event, Receipt, Reverted, Rpc, UnlockedSender, checksum
from surety.compile import artifact
from surety.deploy import LOCAL_KINDS, BookParams, System, SystemParams, deploy_system, local_kinds
from surety.formulas import margin_math

WAD = 10**18
RAY = 10**27
BPS = 10_000
MAX = 2**256 - 1
INT_MIN = -(2**255)
GENESIS = 1_800_000_000
EMPTY, HEALTHY, AT_RISK, CALLABLE, CALLED, IN_AUCTION, ABSORBABLE = range(7)
# what a vault answers while it is locked, for lenses and margin models: what never changes cannot
# be read wrong, and raw words are written before anybody is called
OPEN = {
    "accounts",
    "balances",
    "collateral",
    "deposited",
    "absorbed",
    "interest",
    "totals",
    "coin",
    "hub",
    "operators",
    "margin_models",
    "settlement",
    "grace_period",
    "auction_duration",
    "call_cool_down",
    "debt_floor",
    "call_tip",
    "liquidation_penalty",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The fields of an account word."""

    normalized_debt: int
    collateral_mask: int
    auction_start: int
    touched_at: int
    margin_model: int
    flags: int

    @classmethod
    def unpack(cls, word: int) -> Account:
        return cls(
            word % 2**104,
            (word >> 104) % 2**32,
            (word >> 136) % 2**40,
            (word >> 176) % 2**40,
            (word >> 216) % 2**8,
            word >> 224,
        )


class World:
    """Contracts, roles and moves. Prices are WAD coin units a whole token; amounts base units."""

    def __init__(
        self, rpc: Rpc, params: SystemParams | None = None, *, handed_over: bool = False
    ) -> None:
        self.rpc = rpc
        accounts = [checksum(address) for address in rpc.call("eth_accounts")]
        self.governor, self.owner, self.other, self.keeper, self.operator, self.stranger = accounts[
            :6
        ]
        sender = UnlockedSender(rpc, self.governor)
        self.params = params or SystemParams(
            kinds=local_kinds(sender, LOCAL_KINDS), confirm_period=1
        )
        self.admin, self.guardian = accounts[6:8] if handed_over else (self.governor,) * 2
        if handed_over:
            self.params = replace(self.params, admin=self.admin, guardian=self.guardian)
        self.system: System = deploy_system(sender, self.params)
        self.vault = self.contract("Vault", self.system.vault)
        self.operators = self.contract("Operators", self.system.operators)
        self.coin = self.contract("Stablecoin", self.system.coin)
        self.hub = self.contract("PriceHub", self.system.hub)
        self.fund = self.contract("InsuranceFund", self.system.fund)
        self.lens = self.contract("Lens", self.system.lens)
        self.settlement = self.contract("Settlement", self.system.settlement)
        self.listings = self.contract("Listings", self.system.listings)
        self.margin_models = self.contract("MarginModels", self.system.margin_models)
        self.tokens = [self.contract("MockToken", kind.token) for kind in self.params.kinds]
        self.feeds = [
            self.contract("MockAggregator", kind.aggregator) for kind in self.params.kinds
        ]
        self.book: BookParams = self.params.book
        for who in (self.owner, self.other, self.keeper, self.operator, self.stranger):
            for token in self.tokens:
                token.transact("approve", self.vault.address, MAX, sender=who)

    def set_operator(self, operator: str, bits: int, *, sender: str) -> Receipt:
        """Let somebody act in the vault for the sender's sub-accounts whose bit is set."""
        return self.operators.transact(
            "set_operator", self.vault.address, operator, bits, sender=sender
        )

    def use_default_model(self, used: bool = True) -> Receipt:
        """Let accounts that chose no margin model have the book's default one."""
        return self.margin_models.transact(
            "use_default", self.vault.address, used, sender=self.governor
        )

    @property
    def timelock(self) -> Contract:
        """The governor of a world that was handed over."""
        assert self.system.governor is not None, "this world's governor is its deployer"
        return self.contract("Governor", self.system.governor)

    def govern(self, target: Contract, fn: str, *args: Any) -> Receipt:
        """Do something as the governor: at once, or where it was handed over after its delay."""
        if self.system.governor is None:
            return target.transact(fn, *args, sender=self.governor)
        timelock, data = self.timelock, target.encode(fn, *args)
        delay, _ = timelock.read("preview", target.address, data, 0, False)
        receipt = timelock.transact("propose", target.address, data, sender=self.admin)
        (proposed,) = timelock.events(receipt)
        self.forward(delay + 1)
        return timelock.transact(
            "execute", proposed.args["id"], target.address, data, sender=self.admin
        )

    def contract(self, name: str, address: str) -> Contract:
        """Bind one of the project's contracts."""
        return Contract(self.rpc, address, artifact(name).abi)

    # time and prices

    @property
    def now(self) -> int:
        return self.rpc.timestamp()

    def next_at(self, timestamp: int) -> None:
        """Let the next block have exactly this time."""
        self.rpc.set_next_timestamp(timestamp)

    def forward(self, seconds: int) -> int:
        """Mine one block `seconds` after the last and return its time."""
        self.rpc.set_next_timestamp(self.now + seconds)
        self.rpc.mine()
        return self.now

    def set_price(self, kind: int, price: int) -> None:
        """Set the market price of a kind; the hub follows when its word is old enough or poked."""
        self.feeds[kind].transact("set_answer", price // 10**10, sender=self.governor)

    def follow(self, *prices: int) -> None:
        """Set the prices of kinds 0, 1, ... and poke the hub until its words have settled.

        Under loose limits that takes one poke, unless a price more than doubles: `lo` is confirmed.
        """
        for kind, price in enumerate(prices):
            self.set_price(kind, price)
        period = self.params.fresh_for
        for _ in range(3):
            self.forward(period)
            self.hub.transact("poke", (1 << len(self.tokens)) - 1, sender=self.governor)
            if not any(self.is_confirming(kind) for kind in range(len(prices))):
                break
            period = max(period, self.params.confirm_period)

    def is_confirming(self, kind: int) -> bool:
        """Tell whether the hub's stored word of a kind is CONFIRMING."""
        return bool(self.hub.read("words", kind) >> 249 & 1)

    # accounts

    def id(self, owner: str, sub: int = 0) -> int:
        return int(owner, 16) << 8 | sub

    def account(self, id: int) -> Account:
        return Account.unpack(self.vault.read("accounts", id))

    def give(self, who: str, kind: int, amount: int) -> None:
        """Mint collateral to somebody out of nothing."""
        self.tokens[kind].transact("mint", who, amount, sender=self.governor)

    def give_coins(self, who: str, amount: int) -> None:
        """Give coins that the other owner borrows against a large safe account of theirs."""
        rich = self.id(self.other, 255)
        borrowed = max(amount, self.book.debt_floor)
        collateral = borrowed * 2 * 10**18 // self.price(0) + 10**18
        self.give(self.other, 0, collateral)
        self.vault.transact(
            "adjust", rich, [(0, collateral)], borrowed, self.other, b"", sender=self.other
        )
        self.coin.transact("transfer", who, amount, sender=self.other)

    def open(
        self, legs: Sequence[tuple[int, int]], debt: int, owner: str | None = None, sub: int = 0
    ) -> int:
        """Open an account with these (kind, amount) legs and this debt, and return its id."""
        owner = owner or self.owner
        id = self.id(owner, sub)
        for kind, amount in legs:
            self.give(owner, kind, amount)
        self.vault.transact("adjust", id, list(legs), debt, owner, b"", sender=owner)
        return id

    def price(self, kind: int) -> int:
        """Return the hub's stored `hi` of a kind."""
        return (self.hub.read("words", kind) >> 88) % 2**88

    def debt(self, id: int) -> int:
        return self.vault.read("debt_of", id)

    def state(self, id: int) -> int:
        return self.lens.read("account_of", self.vault.address, id)[2]

    def levels(self, id: int) -> tuple[int, ...]:
        """Debt, value at `hi`, and the capacities initial, target, maintenance, close-out."""
        (found,) = self.lens.read("levels_of", self.vault.address, [id])
        return tuple(found)

    def total(self, kind: int) -> int:
        return self.vault.read("deposited", kind) % 2**128

    # reading what happened

    def events(self, receipt: Receipt) -> list[Event]:
        """Return the vault's events of a transaction in order."""
        return [e for e in self.vault.events(receipt) if e.address == self.vault.address]

    def event(self, receipt: Receipt, name: str) -> dict[str, Any]:
        """Return the arguments of the one event of that name."""
        found = [dict(e.args) for e in self.events(receipt) if e.name == name]
        assert len(found) == 1, f"{len(found)} events {name}"
        return found[0]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Undo everything done inside, the clock included."""
        taken = self.rpc.snapshot()
        try:
            yield
        finally:
            self.rpc.revert(taken)


@contextmanager
def reverts(reason: str) -> Iterator[None]:
    """Assert that the call or transaction inside reverts with exactly this reason."""
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.reason == reason


@contextmanager
def anvil_world(
    params: SystemParams | None = None, *, handed_over: bool = False
) -> Iterator[World]:
    """Start an Anvil, deploy a system on it, and end it afterwards."""
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield World(Rpc(node.url), params, handed_over=handed_over)


def check_books(world: World, ids: Sequence[int]) -> None:
    """Assert the sums of a book: collateral, debt, masks and the equity identity."""
    accounts = [world.account(id) for id in ids]
    vault = world.vault
    for kind, token in enumerate(world.tokens):
        balances = [vault.read("balances", id, kind) for id in ids]
        total = world.total(kind)
        assert sum(balances) + vault.read("absorbed", kind) == total
        assert token.read("balanceOf", vault.address) >= total
        for account, balance in zip(accounts, balances, strict=True):
            assert (account.collateral_mask >> kind) & 1 == (balance > 0)
    normalized = sum(account.normalized_debt for account in accounts)
    assert normalized == vault.read("totals") % 2**112
    total_debt = vault.read("total_debt")
    assert total_debt == margin_math.total_debt_down(normalized, vault.read("live_index"))
    equity = total_debt - world.coin.read("totalSupply")
    assert world.fund.read("equity") == (max(equity, 0), max(-equity, 0))
