# SPDX-License-Identifier: MIT
"""A whole system on revm over one token that can turn, with an account in every state of life.

Three kinds: ether at 2,000 and later 1,000 coins, the hostile token at 1, gold at 1,000. Its people
have accounts, coins in circulation, a peg over the hostile token, a fund in the middle of an
auction of it, and a book that can be shut. The token is plain until it is told to `turn`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from surety.chain import Contract, UnlockedSender, deploy_contract, revert_reason
from surety.compile import Artifact, artifact
from surety.deploy import (
    MAJOR,
    BookParams,
    KindParams,
    PegParams,
    SystemParams,
    local_feed,
    local_kinds,
)
from surety.deploy.local import LocalKind
from surety.revm import Ran, RevmNode
from tests.bad_inputs.tokens import Mode, Says, Trait
from tests.incidents.weak import deploying
from tests.uniswap import WETH9, Uniswap, packed
from tests.world import GENESIS, MAX, WAD, World

ETH, ODD, GOLD = range(3)
ZERO = "0x" + "00" * 20
BOOK = BookParams(debt_floor=100 * WAD, call_tip=0, rate=0)
DURATION = BOOK.auction_duration
GAS = 6_000_000  # enough for every purse that a contract here gives away, and quick to burn
# accounts of the owner, by the state that they are in once `trouble` has come
SAFE, AUCTIONED, ABSORBABLE, ABSORBED, LATER, CALLABLE, CURABLE, SMALL, FRESH = range(9)
TROUBLED = (AUCTIONED, ABSORBABLE, ABSORBED, LATER, CALLABLE, CURABLE)
Call = tuple[str, Contract, str, tuple[Any, ...]]


class Stage:
    """The system, its hostile token and people; amounts in base units, coins in WAD."""

    def __init__(
        self,
        *weak: Artifact,
        decimals: int = 18,
        mock: str = "HostileToken",
        peg: bool = True,
        cap: int | None = None,
    ) -> None:
        """Deploy it all, with `weak` contracts in place of some, and open the accounts."""
        self.node = RevmNode(GENESIS)
        self.sender = UnlockedSender(self.node, self.node.call("eth_accounts")[0])
        self.decimals, self.unit = decimals, 10**decimals
        odd = deploy_contract(self.sender, artifact(mock), "Odd", "ODD", decimals)
        eth, gold = local_kinds(
            self.sender,
            (LocalKind("eth", 18, 2_000 * WAD, MAJOR), LocalKind("gold", 18, 1_000 * WAD, MAJOR)),
        )
        kinds: list[KindParams] = [
            eth,
            local_feed(self.sender, "odd", odd, WAD, MAJOR),
            gold,
        ]
        params = SystemParams(
            kinds=tuple(kinds),
            book=BOOK,
            confirm_period=1,
            flash_ceiling=2**112,
            peg=PegParams("odd", 10**6 * WAD) if peg else None,
        )
        with deploying(*weak):
            self.world = World(self.node, params)
        world = self.world
        self.vault, self.fund, self.coin = world.vault, world.fund, world.coin
        self.settlement = world.settlement
        self.odd = world.contract(mock, odd)
        self._code = bytes(self.node.evm.get_code(odd))
        if world.system.peg is not None:
            self.peg = world.contract("PegStability", world.system.peg)
        self.owner, self.other, self.keeper, self.stranger = (
            world.owner, world.other, world.keeper, world.stranger,
        )  # fmt: skip
        self.actor = self.deploy("MockActor")
        self.open()
        if cap is not None:
            self.do(world.governor, self.vault, "set_cap", ODD, cap)

    # building

    def deploy(self, name: str, *args: Any) -> Contract:
        return self.world.contract(name, deploy_contract(self.sender, artifact(name), *args))

    def id(self, sub: int, owner: str | None = None) -> int:
        return self.world.id(owner or self.owner, sub)

    def open(self) -> None:
        """Give everybody tokens and coins, and open the accounts that are still sound."""
        world, unit = self.world, self.unit
        for who in (self.owner, self.other, self.keeper, self.stranger, self.actor.address):
            self.give(who, 100_000 * unit)
        world.open([(GOLD, 2_000 * WAD)], 10**6 * WAD, owner=self.keeper)
        for who in (self.owner, self.other, self.stranger, self.actor.address):
            self.do(self.keeper, self.coin, "transfer", who, 10_000 * WAD)
        world.open([(ODD, 10_000 * unit), (GOLD, WAD)], 5_000 * WAD, sub=SAFE)
        world.open([(ODD, 1_000 * unit)], 300 * WAD, sub=SMALL)
        for who in (self.owner, self.other, self.keeper):
            self.do(who, self.coin, "approve", self.settlement.address, MAX)
        if world.system.peg is not None:
            for who in (self.owner, self.other):
                self.do(who, self.odd, "approve", self.peg.address, MAX)
            self.do(self.owner, self.peg, "mint", 5_000 * unit, self.owner)

    def trouble(self) -> None:
        """Let ether fall by half, and each account of the owner come into its state."""
        world = self.world
        for sub in TROUBLED:
            world.open([(ETH, WAD), (ODD, 1_000 * self.unit)], 1_800 * WAD, sub=sub)
        world.follow(1_000 * WAD)
        for sub in (ABSORBED, LATER):
            self.do(self.keeper, self.vault, "margin_call", self.id(sub))
        self.wait(DURATION + 1)
        self.do(self.keeper, self.vault, "absorb", self.id(ABSORBED))
        self.do(self.keeper, self.fund, "collect", self.vault.address, ODD)
        self.do(self.keeper, self.vault, "absorb", self.id(LATER))
        self.do(self.keeper, self.vault, "margin_call", self.id(ABSORBABLE))
        self.wait(DURATION + 1)
        for sub in (AUCTIONED, CURABLE):
            self.do(self.keeper, self.vault, "margin_call", self.id(sub))
        world.give(self.other, ETH, 2 * WAD)
        self.do(self.other, self.vault, "deposit", self.id(CURABLE), ETH, 2 * WAD)

    def shut(self) -> None:
        """End the book and open its pool."""
        vault = self.vault.address
        self.do(self.world.governor, self.settlement, "shutdown", vault)
        for sub in (SAFE, SMALL):
            self.do(self.owner, self.settlement, "settle", vault, self.id(sub))
        self.do(self.keeper, self.settlement, "settle", vault, self.id(0, self.keeper))
        self.do(self.keeper, self.settlement, "open_redemption", vault)

    def swap_desk(self) -> None:
        """Put the zap beside the vault, over a real Uniswap pool of coins and the token."""
        weth = deploy_contract(self.sender, packed(WETH9))
        uniswap = Uniswap(self.node, self.world.governor, weth)
        self.zap = self.deploy("LeverageZap", self.vault.address, uniswap.router.address)
        for token in (self.odd, self.coin):
            self.do(self.keeper, token, "approve", uniswap.positions.address, MAX)
        depth = 100_000 * WAD
        self.give(self.keeper, 100_000 * self.unit)
        amounts = {self.coin.address: depth, self.odd.address: 100_000 * self.unit}
        self.pool = uniswap.pool(amounts, self.keeper)
        self.do(self.owner, self.odd, "approve", self.zap.address, MAX)
        vault = self.vault.address
        self.do(
            self.owner, self.world.operators, "set_operator", vault, self.zap.address, 2**256 - 1
        )

    # moves

    def run(self, who: str, contract: Contract, fn: str, *args: Any, gas: int = GAS) -> Ran:
        """Make a call at this very second and return what became of it."""
        node = self.node
        try:
            output = node.evm.message_call(
                who, contract.address, calldata=contract.encode(fn, *args), gas=gas
            )
        except RuntimeError as error:
            return Ran(revert_reason(RevmNode._revert_data(error)), ())
        finally:
            node.evm.reset_transient_storage()
        return Ran(None, node.evm.result.logs, bytes(output))

    def do(self, who: str, contract: Contract, fn: str, *args: Any) -> Any:
        """Make a call that must go through; returns what it returns."""
        ran = self.run(who, contract, fn, *args, gas=30_000_000)
        assert ran.reason is None, f"{fn}: {ran.reason}"
        return contract.decode(fn, ran.output) if ran.output else None

    def refused(self, who: str, contract: Contract, fn: str, *args: Any) -> str:
        """Make a call that must be refused, and that changes nothing; returns the reason."""
        before = self.balances()
        ran = self.run(who, contract, fn, *args)
        assert ran.reason is not None, f"{fn} went through"
        assert self.balances() == before
        return ran.reason

    def wait(self, seconds: int) -> None:
        self.world.forward(seconds)

    def give(self, who: str, amount: int) -> None:
        """Mint of the hostile token, whatever it does otherwise."""
        self.do(self.world.governor, self.odd, "mint", who, amount)

    def tell(self, fn: str, *args: Any) -> None:
        """Tell the hostile token something."""
        self.do(self.world.governor, self.odd, fn, *args)

    def turn(self, trait: Trait, **who: str) -> None:
        """Let the token be hostile in this way; `who` says who place, caller and receiver are."""
        if trait.named:
            self.tell("set_named", trait.named)
        if trait.is_nameless:
            self.tell("set_nameless", True)
        if trait.raw:
            self.tell("set_raw", trait.raw)
        if trait.fee_bps:
            self.tell("set_fee", trait.fee_bps)
        if trait.decimals != 18:
            self.tell("set_decimals", trait.decimals)
        if trait.rebase != 10_000:
            self.rebase(trait.rebase)
        if trait.blocked:
            self.tell("set_blocked", who[trait.blocked], True)
        if trait.moves or trait.says:
            self.tell("set_modes", trait.moves, trait.moves, trait.says)
        if trait.is_gone:
            self.vanish()

    def modes(self, moves_in: int = 0, moves_out: int = 0, says: int = 0) -> None:
        self.tell("set_modes", moves_in, moves_out, says)

    def behave(self) -> None:
        """Let the token be plain again in what it does."""
        self.modes(Mode.PLAIN, Mode.PLAIN, Says.HONEST)

    def rebase(self, bps: int) -> None:
        """Let every balance become so much of what it was, rounded down."""
        for who in self.holders():
            held = self.held(who)
            after = held * bps // 10_000
            fn, amount = ("mint", after - held) if after > held else ("burn", held - after)
            self.tell(fn, who, amount)

    def vanish(self) -> None:
        """Take the token's code away: what a self-destruct left behind before Cancun."""
        self.become(b"")

    def become(self, code: bytes | None = None) -> None:
        """Put other code behind the token's address, or its own again; its storage stays."""
        import pyrevm

        info = pyrevm.AccountInfo(nonce=1, code=self._code if code is None else code)
        self.node.evm.insert_account_info(self.odd.address, info)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo everything done inside, the clock included."""
        node = self.node
        taken, time, number = node.evm.snapshot(), node.time, node.number
        try:
            yield
        finally:
            node.evm.revert(taken)
            node.restore(time, number)
            self.become()  # which no snapshot remembers

    # reading

    @property
    def now(self) -> int:
        return self.node.time

    def held(self, who: str | Contract) -> int:
        """Return what somebody has of the hostile token, whatever it says."""
        who = who if isinstance(who, str) else who.address
        return int(self.odd.read("held", who))

    def coins(self, who: str) -> int:
        return int(self.coin.read("balanceOf", who))

    def balance(self, sub: int, kind: int = ODD) -> int:
        return int(self.vault.read("balances", self.id(sub), kind))

    def booked(self, kind: int = ODD) -> int:
        """Return what the vault says it holds of a kind."""
        return int(self.vault.read("deposited", kind)) % 2**128

    def places(self) -> dict[str, str]:
        """Return the contracts that hold tokens for others."""
        found = {"vault": self.vault.address, "fund": self.fund.address}
        if self.world.system.peg is not None:
            found["peg"] = self.peg.address
        found["settlement"] = self.settlement.address
        return found

    def holders(self) -> Sequence[str]:
        people = (self.owner, self.other, self.keeper, self.stranger, self.actor.address)
        return (*self.places().values(), *people)

    def balances(self) -> dict[str, tuple[int, int]]:
        """Return everybody's tokens and coins."""
        if not self.node.evm.get_code(self.odd.address):
            return {who: (0, self.coins(who)) for who in self.holders()}
        return {who: (self.held(who), self.coins(who)) for who in self.holders()}

    def books(self) -> dict[str, int]:
        """Return all that is booked of the hostile token."""
        found = {
            "deposited": self.booked(),
            "absorbed": int(self.vault.read("absorbed", ODD)),
            "safe": self.balance(SAFE),
            "auctioned": self.balance(AUCTIONED),
            "fresh": self.balance(FRESH),
            "lot": int(self.fund.read("auction_of", self.odd.address)[0]),
            "pool": int(self.settlement.read("pool_of", self.vault.address, ODD)),
        }
        if self.world.system.peg is not None:
            found["peg"] = int(self.peg.read("reserve_held"))
        return found

    def missing(self) -> int:
        """Return what the vault has booked and does not have."""
        return max(0, self.booked() - self.held(self.vault))
