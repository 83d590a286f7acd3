# SPDX-License-Identifier: MIT
"""Measure what each operation costs on a real Anvil: `gasUsed` of whole transactions.

Settings, the same for every figure: hub price fresh, index written within the hour, one kind of
collateral that is a minimal ERC-20 with unlimited allowance, a market with other users. *First*
means that the account's slots and the owner's coin balance are still zero; everything else is warm.
Times and addresses are fixed, so the figures repeat to the unit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from surety.anvil import Anvil
from surety.bench.money import MONEY, measure_money
from surety.chain import Contract, Receipt, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import MAJOR, LocalKind, System, SystemParams, deploy_system, local_kinds

WAD: Final = 10**18
MAX: Final = 2**256 - 1
ALL: Final = -(2**255)
GENESIS: Final = 1_800_000_000
PRICE: Final = 2_000 * WAD
KINDS: Final = 8

# in the order of the report
OPERATIONS: Final = (
    "open_first",
    "add_collateral",
    "borrow_more",
    "repay_part",
    "withdraw_part",
    "close",
    "margin_call",
    "take_part",
    "margin_calls_10",
    "takes_10",
    "absorb_8",
    "health_read",
    "price_fresh",
    "price_fresh_further",
    "price_refresh",
    "price_refresh_sampled",
    *MONEY,
    "vault_bytes",
    "hub_bytes",
)

# those that are transactions with the vault, in the order in which they are run
TRANSACTIONS: Final = OPERATIONS[: OPERATIONS.index("health_read")]

# what gas is spent on: intrinsic gas less refunds, the vault's own storage, events and
# computation, and whole calls of others
SHARES: Final = ("transaction", "storage", "events", "compute", "hub", "coin", "token")

Gas = dict[str, int | None]


class _Bench:
    """A system with a little market in it, and the moves that the measurements make."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        accounts = rpc.call("eth_accounts")
        self.governor, self.owner, self.other, self.keeper = accounts[:4]
        sender = UnlockedSender(rpc, self.governor)
        kinds = local_kinds(
            sender, [LocalKind(f"kind{number}", 18, PRICE, MAJOR) for number in range(KINDS)]
        )
        self.system: System = deploy_system(sender, SystemParams(kinds=kinds))
        self.vault = self._bind("Vault", self.system.vault)
        self.coin = self._bind("Stablecoin", self.system.coin)
        self.hub = self._bind("PriceHub", self.system.hub)
        self.tokens = [self._bind("MockToken", kind.token) for kind in kinds]
        self.feeds = [self._bind("MockAggregator", str(kind.aggregator)) for kind in kinds]
        probe = deploy_contract(sender, artifact("GasProbe"))
        self.probe = self._bind("GasProbe", probe)
        for who in (self.owner, self.other, self.keeper):
            for token in self.tokens:
                token.transact("mint", who, 1_000_000 * WAD, sender=self.governor)
                token.transact("approve", self.vault.address, MAX, sender=who)
        # other users: the market's sums and the keeper's balances are not zero
        self.open(self.other, 0, [(0, 1_000 * WAD)], 500_000 * WAD)
        self.coin.transact("transfer", self.keeper, 400_000 * WAD, sender=self.other)

    def _bind(self, name: str, address: str) -> Contract:
        return Contract(self.rpc, address, artifact(name).abi)

    def open(self, owner: str, sub: int, legs: list[tuple[int, int]], debt: int) -> int:
        """Open an account and return its id."""
        account = int(owner, 16) << 8 | sub
        self.vault.transact("adjust", account, legs, debt, owner, b"", sender=owner)
        return account

    def refresh(self, seconds: int = 0) -> None:
        """Let time pass, then write the index and the prices: what follows finds both fresh."""
        if seconds:
            self.rpc.set_next_timestamp(self.rpc.timestamp() + seconds)
            self.rpc.mine()
        for feed in self.feeds:
            answer = feed.read("latestRoundData")[1]
            feed.transact("set_answer", answer, sender=self.governor)
        self.hub.transact("poke", 2**KINDS - 1, sender=self.governor)
        self.vault.transact("accrue", sender=self.governor)

    def crash(self, percent: int) -> None:
        """Let every price fall by this much from where it is, and the hub follow."""
        for feed in self.feeds:
            answer = feed.read("latestRoundData")[1]
            feed.transact("set_answer", answer * (100 - percent) // 100, sender=self.governor)
        self.refresh(120)

    def gas(self, sender: str, function: str, *args: Any) -> int:
        """Return the gas of one vault transaction."""
        receipt = self.vault.transact(function, *args, sender=sender)
        self.measured(receipt)
        return receipt.gas_used

    def measured(self, receipt: Receipt) -> None:
        """Hear of a measurement while its transaction is on the chain."""

    def undone(self, measure: Callable[[], int]) -> int:
        """Measure and put the chain back as it was."""
        snapshot = self.rpc.snapshot()
        try:
            return measure()
        finally:
            self.rpc.revert(snapshot)


class _Tracer(_Bench):
    """A bench that asks for the trace of each measured transaction and sorts its gas."""

    def __init__(self, rpc: Rpc) -> None:
        super().__init__(rpc)
        self.shares: list[dict[str, int]] = []
        self.names = {int(self.coin.address, 16): "coin", int(self.hub.address, 16): "hub"}

    def measured(self, receipt: Receipt) -> None:
        """Sort the gas of one transaction by what it was spent on."""
        options = {"disableStorage": True, "enableMemory": False}
        steps = self.rpc.call("debug_traceTransaction", receipt.hash, options)["structLogs"]
        share = dict.fromkeys(SHARES, 0)
        own = [step for step in steps if step["depth"] == 1]
        for step, after in pairwise(own):
            cost = step["gas"] - after["gas"]
            name = step["op"]
            if name in ("CALL", "STATICCALL"):
                share[self.names.get(int(step["stack"][-2], 16), "token")] += cost
            elif name in ("SLOAD", "SSTORE"):
                share["storage"] += cost
            else:
                share["events" if name.startswith("LOG") else "compute"] += cost
        share["transaction"] = receipt.gas_used - sum(share.values())
        self.shares.append(share)


def measure_shares() -> dict[str, dict[str, int]]:
    """Return for each measured transaction what its gas was spent on, refunds in `transaction`."""
    with Anvil(timestamp=GENESIS, block_interval=1, extra=("--steps-tracing",)) as node:
        bench = _Tracer(Rpc(node.url))
        _measure(bench)
        return dict(zip(TRANSACTIONS, bench.shares, strict=True))


def measure_gas() -> Gas:
    """Run every operation on an Anvil of its own; None stands for one that does not exist."""
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        found = _measure(_Bench(Rpc(node.url)))
    return {**found, **measure_money()}


def _measure(bench: _Bench) -> Gas:
    """Run every operation once."""
    found: Gas = dict.fromkeys(OPERATIONS)
    account = int(bench.owner, 16) << 8
    legs = [(0, 10 * WAD)]
    bench.refresh()
    found["open_first"] = bench.gas(
        bench.owner, "adjust", account, legs, 10_000 * WAD, bench.owner, b""
    )

    def one(function: str, *args: Any) -> int:
        return bench.undone(lambda: bench.gas(bench.owner, function, *args))

    found["add_collateral"] = one("deposit", account, 0, WAD)
    found["borrow_more"] = one("borrow", account, 1_000 * WAD, bench.owner)
    found["repay_part"] = one("repay", account, 1_000 * WAD)
    found["withdraw_part"] = one("withdraw", account, 0, WAD, bench.owner)
    found["health_read"] = bench.probe.read("measure_health", bench.vault.address, account)
    bench.coin.transact("transfer", bench.owner, 1_000 * WAD, sender=bench.keeper)
    found["close"] = one("adjust", account, [(0, ALL)], ALL, bench.owner, b"")
    found.update(_liquidation(bench))
    found.update(_prices(bench))
    found["vault_bytes"] = len(bench.rpc.code(bench.vault.address))
    found["hub_bytes"] = len(bench.rpc.code(bench.hub.address))
    return found


def _prices(bench: _Bench) -> dict[str, int]:
    """Measure what prices cost: fresh ones the contract that asks, old ones who pokes them."""
    bench.refresh(120)
    one, eight = (
        bench.probe.read("measure_prices", bench.hub.address, count) for count in (1, KINDS)
    )

    def poke(seconds: int) -> int:
        bench.rpc.set_next_timestamp(bench.rpc.timestamp() + seconds)
        return bench.hub.transact("poke", 1, sender=bench.keeper).gas_used

    # past the hour that a sample takes, then within the next
    sampled = poke(3_700)
    return {
        "price_fresh": one,
        "price_fresh_further": -(-(eight - one) // (KINDS - 1)),
        "price_refresh": poke(120),
        "price_refresh_sampled": sampled,
    }


def _liquidation(bench: _Bench) -> dict[str, int]:
    """Measure the steps of a liquidation on accounts that a crash makes callable."""
    single = bench.open(bench.owner, 1, [(0, 10 * WAD)], 14_990 * WAD)
    cross = bench.open(bench.owner, 2, [(kind, WAD) for kind in range(KINDS)], KINDS * 1_499 * WAD)
    many = [bench.open(bench.other, sub, [(0, 10 * WAD)], 14_990 * WAD) for sub in range(1, 11)]
    bench.crash(8)
    call = bench.gas(bench.keeper, "margin_call", single)
    bench.refresh(3_700)
    take = bench.undone(
        lambda: bench.gas(bench.keeper, "take", single, 0, WAD // 10, MAX, bench.keeper, b"")
    )
    calls = bench.undone(lambda: bench.gas(bench.keeper, "margin_calls", many))
    bench.vault.transact("margin_calls", many, sender=bench.keeper)
    bench.refresh(3_700)
    orders = [(account, 0, WAD // 10, MAX) for account in many]
    takes = bench.undone(lambda: bench.gas(bench.keeper, "takes", orders, bench.keeper))
    bench.crash(20)
    bench.vault.transact("margin_call", cross, sender=bench.keeper)
    bench.refresh(7_300)
    absorb = bench.gas(bench.keeper, "absorb", cross)
    return {
        "margin_call": call,
        "take_part": take,
        "margin_calls_10": calls,
        "takes_10": takes,
        "absorb_8": absorb,
    }


def compare(measured: Gas, committed: Gas) -> list[str]:
    """Return a line for each figure that differs from the snapshot; a fall wants an update too."""
    lines = []
    for name in OPERATIONS:
        now, was = measured.get(name), committed.get(name)
        if now == was:
            continue
        if now is None or was is None:
            lines.append(f"{name}: {was} -> {now}: run `surety bench gas --update`")
        elif now > was:
            lines.append(f"{name}: {was} -> {now}: rose by {now - was}")
        else:
            lines.append(
                f"{name}: {was} -> {now}: fell by {was - now}, run `surety bench gas --update`"
            )
    unknown = sorted(set(committed) - set(OPERATIONS))
    return lines + [f"{name}: no such operation" for name in unknown]
