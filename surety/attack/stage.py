# SPDX-License-Identifier: MIT
"""Where attacks are played: a whole system in revm, warm, with victims and an attacker of means.

Four stages. "calm": nobody is callable, nothing is for sale; "aged": the same after twenty years of
interest, when a unit of debt is worth almost three of the coin's. "called": victims and the
attacker's own accounts in grace, in auction, ripe to be absorbed and callable, and the fund
selling. "farm": 29 accounts of the attacker's, all callable. Prices have moved within the limits
that are deployed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from surety.chain import Contract, Interface, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import (
    LOCAL_KINDS,
    BookParams,
    KindParams,
    PegParams,
    SystemParams,
    deploy_system,
    local_kinds,
)
from surety.revm import RevmNode

WAD: Final = 10**18
BPS: Final = 10_000
MAX: Final = 2**256 - 1
GENESIS: Final = 1_800_000_000
STAGES: Final = ("calm", "aged", "called", "farm")
ETH, BTC, STABLE = range(3)
KINDS: Final = LOCAL_KINDS
DECIMALS: Final = tuple(kind.decimals for kind in KINDS)
UNIT: Final = tuple(10**decimals for decimals in DECIMALS)
CAPS: Final = (400 * UNIT[ETH], 20 * UNIT[BTC], 10**6 * UNIT[STABLE])
LOT: Final = (10 * UNIT[ETH], UNIT[BTC] // 2, 20_000 * UNIT[STABLE])  # worth 20,000 coins at first
COINS: Final = 10**8 * WAD  # what the attacker has, beside a hundred million's worth of each token
SURPLUS: Final = COINS // 20
AGE: Final = 20 * 365 * 86_400
FARMED: Final = 29
FEED_UNIT: Final = 10**10  # of a WAD price in a feed of 8 decimals
BOOK: Final = BookParams(ceiling=2 * 10**6 * WAD)
PEG: Final = PegParams("stable", 10**6 * WAD, mint_fee_bps=5, redeem_fee_bps=10)
FRESH_FOR: Final = 60
# on what terms the fund sells when it is deployed: InsuranceFund.vy
LOT_TERMS: Final = (10_300, 8_000)
LOT_SECONDS: Final = 6 * 3_600
PLACES: Final = ("vault", "fund", "peg")  # that something can be given to


class Stage:
    """Contracts, people, accounts and a market; `now` and `market` are where a play begins.

    `accounts` are ids, `names` what to call them, the first `mine` are the attacker's. Prices are
    WAD coin units a whole token.
    """

    def __init__(self, name: str) -> None:
        """Deploy and warm up; raises RevmMissing where there is no revm."""
        if name not in STAGES:
            raise ValueError(f"no stage {name!r}; there are {', '.join(STAGES)}")
        self.name = name
        self.node = node = RevmNode(GENESIS)
        self.governor, self.victim, self.stranger = node.call("eth_accounts")[:3]
        self._sender = sender = UnlockedSender(node, self.governor)
        self.kinds: tuple[KindParams, ...] = tuple(
            replace(kind, cap=cap)
            for kind, cap in zip(local_kinds(sender, KINDS, None), CAPS, strict=True)
        )
        params = SystemParams(
            self.kinds,
            BOOK,
            fund_ceiling=10**6 * WAD,
            flash_ceiling=2**112,
            peg=PEG,
            fresh_for=FRESH_FOR,
        )
        system = deploy_system(sender, params)
        assert system.peg is not None
        self.vault = self._bind("Vault", system.vault)
        self.coin = self._bind("Stablecoin", system.coin)
        self.hub = self._bind("PriceHub", system.hub)
        self.fund = self._bind("InsuranceFund", system.fund)
        self.peg = self._bind("PegStability", system.peg)
        self.lens = self._bind("Lens", system.lens)
        self.treasury: str = self.fund.read("treasury")
        self.tokens = [self._bind("MockToken", kind.token) for kind in self.kinds]
        self.feeds = [self._bind("MockAggregator", str(kind.aggregator)) for kind in self.kinds]
        self.backed = self._new("MockBacked", self.coin.address)
        self.attacker = self._new("MockBorrower")
        self.market = [kind.price for kind in KINDS]
        self.accounts: list[int] = []
        self.names: list[str] = []
        self._call_in_models(system.margin_models)
        self._endow()
        getattr(self, f"_{name}")()
        self.mine = sum(name.startswith("mine") for name in self.names)
        self._refresh()
        self.now, self.number = node.time, node.number

    # deploying

    def _bind(self, name: str, address: str) -> Contract:
        return Contract(self.node, address, Interface.of(artifact(name).abi))

    def _new(self, name: str, *args: Any) -> Contract:
        return self._bind(name, deploy_contract(self._sender, artifact(name), *args))

    def _call_in_models(self, address: str) -> None:
        """List a tiered margin model at slot 1."""
        tiered = self._new("TieredMargin", self.governor)
        brackets = ([10_000 * WAD, 50_000 * WAD], [0, 1_000, 2_000])
        tiered.transact("set_brackets", ETH, *brackets, sender=self.governor)
        models = self._bind("MarginModels", address)
        models.transact("list_model", 1, tiered.address, sender=self.governor)

    def _endow(self) -> None:
        """Give the attacker means without end, the victims enough, and the peg a reserve."""
        coin, governor = self.coin, self.governor
        coin.transact("set_ceiling", self.backed.address, 2**119, sender=governor)
        self.fund.transact("add_reserve", self.backed.address, sender=governor)
        for who in (self.attacker.address, self.victim):
            self.backed.transact("give", who, COINS, sender=governor)
            for kind, token in enumerate(self.tokens):
                token.transact(
                    "mint", who, COINS * UNIT[kind] // KINDS[kind].price, sender=governor
                )
        # so much more that the fund has something to reap
        backing = self.backed.read("backing") + SURPLUS
        self.backed.transact("set_backing", backing, sender=governor)
        self.as_attacker(coin, "approve", coin.address, MAX)
        for token in self.tokens:
            for spender in (self.vault.address, self.peg.address):
                self.as_attacker(token, "approve", spender, MAX)
                token.transact("approve", spender, MAX, sender=self.victim)
        half = PEG.ceiling // WAD // 2 * UNIT[STABLE]
        self.peg.transact("mint", half, self.victim, sender=self.victim)

    def as_attacker(self, contract: Contract, fn: str, *args: Any) -> None:
        """Let the attacker's contract make a call that must succeed."""
        data = contract.encode(fn, *args)
        self.attacker.transact("execute", contract.address, data, sender=self.stranger)

    # warming up

    def _open(self, name: str, ltv_bps: int, kinds: Sequence[int] = (ETH,)) -> int:
        """Open an account with a lot of each kind at a loan to value; 0 opens nothing."""
        mine = name.startswith("mine")
        who = self.attacker.address if mine else self.victim
        sub = sum(known.startswith("mine") == mine for known in self.names)
        id = int(who, 16) << 8 | sub  # noqa: A001 - an account has an id
        self.accounts.append(id)
        self.names.append(name)
        if ltv_bps:
            worth = sum(LOT[kind] * self.market[kind] // UNIT[kind] for kind in kinds)
            legs = [(kind, LOT[kind]) for kind in kinds]
            args = (id, legs, worth * ltv_bps // BPS, who, b"")
            if mine:
                self.as_attacker(self.vault, "adjust", *args)
            else:
                self.vault.transact("adjust", *args, sender=who)
        return id

    def _say(self, kind: int, price: int) -> None:
        self.market[kind] = price
        self.feeds[kind].transact("set_answer", price // FEED_UNIT, sender=self.governor)

    def _wait(self, seconds: int) -> None:
        self.node.set_next_timestamp(self.node.time + seconds)
        self._refresh()

    def _refresh(self) -> None:
        """Let every feed report anew, and the hub look."""
        for kind, price in enumerate(self.market):
            self._say(kind, price)
        self.hub.transact("poke", (1 << len(KINDS)) - 1, sender=self.governor)

    def _fall(self, kind: int, prices: Sequence[int]) -> None:
        """Let a price fall through these whole coins, one a minute."""
        for price in prices:
            self._wait(60)
            self._say(kind, price * WAD)
            self._refresh()
        self._wait(120)

    def _move(self, contract: Contract, fn: str, *args: Any) -> None:
        contract.transact(fn, *args, sender=self.governor)

    def _calm(self) -> None:
        self._open("mine.open", 5_000)
        self._open("mine.edge", 7_499)
        self._open("mine.mixed", 6_000, (ETH, BTC, STABLE))
        for number in range(3):
            self._open(f"mine.empty{number}", 0)
        self._open("victim.eth", 6_000)
        self._open("victim.edge", 7_499)
        self._open("victim.btc", 7_000, (BTC,))
        self._open("victim.stable", 8_500, (STABLE,))
        self._stock(ETH, STABLE)
        self._wait(3_600)

    def _aged(self) -> None:
        self._wait(AGE)
        self._move(self.vault, "accrue")
        self._calm()

    def _stock(self, *kinds: int) -> None:
        """Let the fund have a lot of some kinds, as if collected long ago."""
        for kind in kinds:
            self.tokens[kind].transact("mint", self.fund.address, LOT[kind], sender=self.governor)

    def _called(self) -> None:
        self._open("mine.open", 4_500)
        in_auction = self._open("mine.auction", 7_000)
        sunk = self._open("mine.sunk", 7_499)
        self._open("mine.callable", 6_600)
        ripe_mine = self._open("mine.ripe", 7_498)
        self._open("mine.empty", 0)
        first = self._open("victim.absorbed", 7_499)
        second = self._open("victim.absorbed too", 7_499)
        ripe = self._open("victim.ripe", 7_499)
        auction = self._open("victim.auction", 7_000)
        mixed = self._open("victim.mixed", 8_000, (ETH, STABLE))
        grace = self._open("victim.grace", 6_600)
        self._open("victim.callable", 6_700)
        self._open("victim.btc", 6_000, (BTC,))
        self._fall(ETH, (1_900, 1_805, 1_720, 1_650, 1_600))
        vault = self.vault
        self._move(vault, "margin_calls", [first, second, ripe, ripe_mine])
        self._wait(2_000)
        self._move(vault, "margin_call", mixed)  # grace: its auction opens an hour later
        self._wait(4_000)
        self._move(vault, "margin_calls", [auction, in_auction, sunk])
        self._wait(1_201)
        self._move(vault, "absorb", first)
        self._move(self.fund, "collect", vault.address, ETH)
        self._move(self.fund, "start_auction", vault.address, ETH)
        self._move(vault, "absorb", second)
        self._stock(STABLE)
        self._wait(1_800)
        self._move(vault, "margin_call", grace)
        self._wait(1_800)
        self._fall(ETH, (1_590, 1_580))

    def _farm(self) -> None:
        for number in range(FARMED):
            self._open(f"mine.{number}", 7_499)
        self._open("victim.safe", 4_000)
        self._fall(ETH, (1_900, 1_840))

    @property
    def mine_places(self) -> list[int]:
        """The attacker's accounts, by their places."""
        return [place for place, name in enumerate(self.names) if name.startswith("mine")]

    @property
    def other_places(self) -> list[int]:
        """The victims' accounts, by their places."""
        return [place for place, name in enumerate(self.names) if not name.startswith("mine")]
