# SPDX-License-Identifier: MIT
"""Measure coin, fund, peg, the end of a book and its timelock: whole transactions on an Anvil.

A system that was handed over, with two kinds and one book; what is written was written before.
"""

from __future__ import annotations

from typing import Any, Final

from surety.anvil import Anvil
from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import LOCAL_KINDS, PegParams, SystemParams, deploy_system, local_kinds

WAD: Final = 10**18
MAX: Final = 2**256 - 1
DAY: Final = 86_400
GENESIS: Final = 1_800_000_000
ETH: Final = 0

MONEY: Final = (
    "flash_loan",
    "peg_mint",
    "peg_redeem",
    "governor_propose",
    "governor_execute",
    "governor_advance",
    "fund_reap",
    "fund_buy",
    "settle",
    "redeem",
)


class _Money:
    """A handed-over system and the moves that bring each measurement about."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        accounts = [str(account) for account in rpc.call("eth_accounts")[:6]]
        self.deployer, self.owner, self.other, self.keeper, self.admin, guardian = accounts
        sender = UnlockedSender(rpc, self.deployer)
        kinds = local_kinds(sender, (LOCAL_KINDS[0], LOCAL_KINDS[2]))
        params = SystemParams(
            kinds=kinds,
            admin=self.admin,
            guardian=guardian,
            fund_ceiling=10**6 * WAD,
            flash_fee_bps=5,
            flash_ceiling=10**6 * WAD,
            peg=PegParams(kinds[1].name, 10**6 * WAD, 10, 10),
        )
        self.system = system = deploy_system(sender, params)
        self.vault = self.bind("Vault", system.vault)
        self.coin = self.bind("Stablecoin", system.coin)
        self.hub = self.bind("PriceHub", system.hub)
        self.fund = self.bind("InsuranceFund", system.fund)
        self.settlement = self.bind("Settlement", system.settlement)
        self.peg = self.bind("PegStability", str(system.peg))
        self.governor = self.bind("Governor", str(system.governor))
        self.tokens = [self.bind("MockToken", kind.token) for kind in kinds]
        self.feeds = [self.bind("MockAggregator", str(kind.aggregator)) for kind in kinds]
        self.borrower = self.new("MockBorrower")
        for who in (self.owner, self.other, self.keeper):
            for token in self.tokens:
                token.transact("mint", who, 10**6 * WAD, sender=self.deployer)
                for spender in (self.vault, self.peg):
                    token.transact("approve", spender.address, MAX, sender=who)
            self.coin.transact("approve", self.settlement.address, MAX, sender=who)
        self.open(self.other, [(ETH, 1_000 * WAD)], 500_000 * WAD)
        for who, amount in ((self.keeper, 300_000), (self.borrower.address, 1_000)):
            self.coin.transact("transfer", who, amount * WAD, sender=self.other)

    def bind(self, name: str, address: str) -> Contract:
        return Contract(self.rpc, address, artifact(name).abi)

    def new(self, name: str) -> Contract:
        sender = UnlockedSender(self.rpc, self.deployer)
        return self.bind(name, deploy_contract(sender, artifact(name)))

    def open(self, owner: str, legs: list[tuple[int, int]], debt: int) -> int:
        account = int(owner, 16) << 8
        self.vault.transact("adjust", account, legs, debt, owner, b"", sender=owner)
        return account

    def wait(self, seconds: int, percent: int = 100) -> None:
        """Let time pass, and the price of eth change to this share of itself."""
        self.rpc.set_next_timestamp(self.rpc.timestamp() + seconds)
        self.rpc.mine()
        for number, feed in enumerate(self.feeds):
            answer = feed.read("latestRoundData")[1]
            share = percent if number == ETH else 100
            feed.transact("set_answer", answer * share // 100, sender=self.deployer)
        self.hub.transact("poke", 3, sender=self.deployer)
        self.rpc.set_next_timestamp(self.rpc.timestamp() + 1_300)  # what confirms has confirmed
        self.rpc.mine()
        self.hub.transact("poke", 3, sender=self.deployer)

    def act(self, target: Contract, function: str, *args: Any) -> tuple[int, int]:
        """Propose and execute an act; return the gas of both."""
        data = target.encode(function, *args)
        call = (target.address, data)
        delay, _ = self.governor.read("preview", *call, 0, False)
        proposed = self.governor.transact("propose", *call, sender=self.admin).gas_used
        self.wait(delay)
        number = self.governor.read("act_count")
        done = self.governor.transact("execute", number, *call, sender=self.admin).gas_used
        return proposed, done


def measure_money() -> dict[str, int]:
    """Run every operation of `MONEY` on an Anvil of its own."""
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        return _measure(_Money(Rpc(node.url)))


def _measure(bench: _Money) -> dict[str, int]:
    found: dict[str, int] = {}
    keeper, vault = bench.keeper, bench.vault.address
    allow = bench.coin.encode("approve", bench.coin.address, MAX)
    bench.borrower.transact("execute", bench.coin.address, allow, sender=keeper)
    for _ in range(2):  # the second finds every slot written
        loan = (bench.borrower.address, bench.coin.address, 10_000 * WAD, b"")
        found["flash_loan"] = bench.coin.transact("flashLoan", *loan, sender=keeper).gas_used
        found["peg_mint"] = bench.peg.transact("mint", 10**9, keeper, sender=keeper).gas_used
        redeemed = bench.peg.transact("redeem", 100 * WAD, keeper, sender=keeper)
        found["peg_redeem"] = redeemed.gas_used
    rate = bench.vault.read("interest") >> 168 & 2**66 - 1
    bench.act(bench.vault, "set_rate", rate * 98 // 100)
    bench.wait(DAY)
    proposed, executed = bench.act(bench.vault, "set_rate", rate * 97 // 100)
    found["governor_propose"], found["governor_execute"] = proposed, executed
    bench.act(bench.governor, "ramp", vault, ETH, 7_400, 7_900, 8_500, 10_100, 8_800)
    for _ in range(2):
        bench.wait(3_600)
        advanced = bench.governor.transact("advance", vault, ETH, sender=keeper)
        found["governor_advance"] = advanced.gas_used
    for _ in range(2):
        bench.wait(200 * DAY)
        found["fund_reap"] = bench.fund.transact("reap", sender=keeper).gas_used
    found["fund_buy"] = _buy(bench)
    bench.act(bench.settlement, "shutdown", vault)
    account = int(bench.other, 16) << 8
    found["settle"] = bench.settlement.transact(
        "settle", vault, account, sender=bench.other
    ).gas_used
    bench.settlement.transact("open_redemption", vault, sender=keeper)
    for _ in range(2):
        redeemed = bench.settlement.transact("redeem", vault, 1_000 * WAD, keeper, sender=keeper)
        found["redeem"] = redeemed.gas_used
    return {name: found[name] for name in MONEY}


def _buy(bench: _Money) -> int:
    """Let the fund come by eth, and return what buying a second part of it costs."""
    keeper, token = bench.keeper, bench.tokens[ETH].address
    account = bench.open(bench.owner, [(ETH, 10 * WAD)], 14_000 * WAD)
    bench.wait(60, 80)
    bench.vault.transact("margin_call", account, sender=keeper)
    bench.wait(7_300 + 3_600)
    bench.vault.transact("absorb", account, sender=keeper)
    bench.fund.transact("collect", bench.vault.address, ETH, sender=keeper)
    bench.fund.transact("start_auction", bench.vault.address, ETH, sender=keeper)
    for _ in range(2):
        sold = bench.fund.transact("buy", token, WAD, MAX, keeper, sender=keeper)
    return sold.gas_used
