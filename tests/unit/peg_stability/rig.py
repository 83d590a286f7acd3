# SPDX-License-Identifier: MIT
"""The real peg and coin on revm in this process, and `surety.model.peg.Peg` beside them.

The hub says what it is told. Each move is made on both sides; what it returns, why it is refused,
what it logs, every storage word of the peg, every balance and every view must be the same.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from surety.chain import Contract, Reverted, UnlockedSender, deploy_contract
from surety.compile import Artifact, artifact
from surety.model import Price, Refused
from surety.model.coin import Stablecoin
from surety.model.peg import Peg
from surety.model.state import MAX, WAD, as_number
from tests.stateful.node import DEV_ADDRESSES, Ran, RevmNode, as_json
from tests.stateful.scene import slots_of
from tests.world import GENESIS

ZERO = "0x" + "00" * 20
GOVERNOR, ALICE, BOB, CAROL, ENGINE, STRANGER = DEV_ADDRESSES  # ENGINE is another minter
KIND = 3
GUARD = 995 * WAD // 1_000
CEILING = 1_000_000 * WAD
RICH = 10**9  # whole tokens that each person begins with
# what a preview does not ask: what the payer owns, whom it pays, what is gone from the reserve
UNFORESEEN = ("bad receiver", "amount exceeds balance", "token kept a fee", "")
PAR = Price(WAD, WAD)


class Amount(NamedTuple):
    """An amount as a distance from a number of the moment, or a share of it in thousandths."""

    of: str  # "reserve", "coins", "mintable", "redeemable", "held" or "zero"
    plus: int = 0
    thousandths: int = 1_000


class Rig:
    """A peg over one reserve, its coin, a hub, and people who have much of the reserve."""

    def __init__(
        self,
        decimals: int = 6,
        mint_fee_bps: int = 0,
        redeem_fee_bps: int = 0,
        mock: str = "MockToken",
        peg: Artifact | None = None,
    ) -> None:
        self.node = RevmNode(GENESIS)
        self.seen: Counter[str] = Counter()
        self.deployer = UnlockedSender(self.node, GOVERNOR)
        self.unit = 10**decimals
        self.coin = self.deploy(artifact("Stablecoin"), "Surety Dollar", "SUSD", GOVERNOR)
        self.hub = self.deploy(artifact("MockHub"))
        self.token = self.deploy(artifact(mock), "Reserve", "RES", decimals)
        self.tell(self.hub, "set_kind", KIND, self.token.address)
        self.peg = self.deploy(
            peg or artifact("PegStability"),
            GOVERNOR,
            self.coin.address,
            self.token.address,
            self.hub.address,
            KIND,
            mint_fee_bps,
            redeem_fee_bps,
            GUARD,
        )
        self.people = (*DEV_ADDRESSES, self.peg.address)
        coin = Stablecoin(self.coin.address, GOVERNOR)
        self.model = Peg(
            self.peg.address, GOVERNOR, coin, decimals, PAR, mint_fee_bps, redeem_fee_bps, GUARD
        )
        self.say_live(MAX)  # until told otherwise the word decides alone
        for minter in (self.peg.address, ENGINE):
            self.set_ceiling(minter, CEILING)
        for who in DEV_ADDRESSES:
            self.give(who, RICH * self.unit)
            self.tell(self.token, "approve", self.peg.address, MAX, sender=who)
        self.price(WAD)
        self.slots = slots_of("PegStability")

    def deploy(self, found: Artifact, *args: Any) -> Contract:
        return Contract(self.node, deploy_contract(self.deployer, found, *args), found.abi)

    # what surrounds the peg

    def send(self, contract: Contract, fn: str, *args: Any, sender: str) -> Ran:
        return self.node.run(sender, contract.address, contract.encode(fn, *args), self.node.time)

    def tell(self, contract: Contract, fn: str, *args: Any, sender: str = GOVERNOR) -> Ran:
        ran = self.send(contract, fn, *args, sender=sender)
        assert ran.reason is None, f"{fn}: {ran.reason}"
        return ran

    def say_live(self, price: int) -> None:
        """Let the oracle behind the hub say this of the moment; 0 is a failure."""
        self.tell(self.hub, "set_live", KIND, price)
        self.model.live = price

    def price(self, lo: int, hi: int | None = None, flags: int = 0) -> None:
        """Let the hub say this from now on, as a hub may: `lo` is 0 while it has failed."""
        lo = 0 if flags & 1 else lo
        self.model.price = Price(lo, max(lo, hi or lo), flags=flags)
        price = self.model.price
        self.tell(self.hub, "set_word", KIND, price.lo, price.hi, 10_000, 10_000, flags)

    def give(self, who: str, amount: int) -> None:
        """Give somebody reserve out of nothing."""
        self.tell(self.token, "mint", who, amount)
        key = as_number(who)
        self.model.balances[key] = self.model.balances.get(key, 0) + amount

    def seize(self, who: str, amount: int) -> None:
        """Take reserve from somebody: a rebase, or its issuer."""
        there = self.model.balances.get(as_number(who), 0)
        amount = min(amount, there)
        self.tell(self.token, "burn", who, amount)
        self.model.balances[as_number(who)] = there - amount

    def set_ceiling(self, minter: str, ceiling: int) -> None:
        self.tell(self.coin, "set_ceiling", minter, ceiling)
        self.model.coin.set_ceiling(GOVERNOR, minter, ceiling)

    def lend(self, who: str, amount: int) -> None:
        """Give somebody coins that another minter made."""
        if self.model.coin.mint(ENGINE, who, amount):
            self.tell(self.coin, "mint", who, amount, sender=ENGINE)

    def pay(self, who: str, to: str, amount: int) -> None:
        """Move coins between people."""
        amount = min(amount, self.model.coin.balance_of(who))
        self.model.coin.transfer(who, to, amount)
        self.tell(self.coin, "transfer", to, amount, sender=who)

    def pay_on_chain(self, who: str, to: str, amount: int) -> None:
        """Move coins past the model, as swaps of hostile reserves go."""
        self.tell(self.coin, "transfer", to, amount, sender=who)

    def minted_on_chain(self) -> int:
        """Coins of the peg that are out, where the model was not asked."""
        return int(self.coin.read("minted", self.peg.address))

    # moves

    def resolve(self, who: str, amount: Amount) -> int:
        base = {
            "reserve": lambda: self.model.balances.get(as_number(who), 0),
            "coins": lambda: self.model.coin.balance_of(who),
            "mintable": lambda: self.peg.read("mintable"),
            "redeemable": lambda: self.peg.read("redeemable"),
            "held": lambda: self.model.held,
            "zero": lambda: 0,
        }[amount.of]()
        return min(MAX, max(0, base * amount.thousandths // 1_000 + amount.plus))

    def mint(self, who: str, amount: int, receiver: str | None = None) -> str | None:
        """Mint on both sides; return why it was refused."""
        return self.make(who, "mint", amount, receiver or who)

    def redeem(self, who: str, coins: int, receiver: str | None = None) -> str | None:
        """Redeem on both sides; return why it was refused."""
        return self.make(who, "redeem", coins, receiver or who)

    def make(self, who: str, fn: str, *args: Any) -> str | None:
        """Make a call of the peg and of the model, and compare everything."""
        model, foreseen = self.model, self.preview(fn, *args)
        model.events.clear()
        before = model.copy()
        returned, reason = None, None
        try:
            returned = getattr(model, fn)(who, *args)
        except Refused as refused:
            reason = refused.reason
            assert (model, model.events) == (before, [])
        ran = self.send(self.peg, fn, *args, sender=who)
        assert ran.reason == reason, (fn, args)
        self.seen[fn if reason is None else reason] += 1
        if reason is None:
            expected = b"" if returned is None else returned.to_bytes(32)
            assert ran.output == expected
            assert foreseen in (None, returned)
            self.check_logs(ran)
        else:
            assert foreseen in (None, reason) or reason in UNFORESEEN
        self.check_state()
        return reason

    def preview(self, fn: str, *args: Any) -> int | str | None:
        """Return what the preview of a move says, a number or a reason; None without one."""
        if fn not in ("mint", "redeem"):
            return None
        try:
            return int(self.peg.read(f"preview_{fn}", args[0]))
        except Reverted as reverted:
            return reverted.reason

    def check_logs(self, ran: Ran) -> None:
        logs = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
        found = [
            (event.name, tuple(as_int(value) for value in event.args.values()))
            for event in self.peg.events(logs)
            if as_number(event.address) == as_number(self.peg.address)
        ]
        assert found == self.model.events

    def check_state(self) -> None:
        """Every word of the peg, every balance and every view is the model's."""
        model, peg = self.model, self.peg
        packed = (
            model.guard_price
            | model.mint_fee_bps << 88
            | model.redeem_fee_bps << 104
            | int(model.is_minting_paused) << 120
        )
        slots = [(peg.address, self.slots[name]) for name in ("reserve_held", "_settings")]
        assert self.node.words(slots) == [model.held, packed]
        for who in self.people:
            assert self.coin.read("balanceOf", who) == model.coin.balance_of(who)
            assert self.token.read("balanceOf", who) == model.balances.get(as_number(who), 0)
        assert self.coin.read("minted", peg.address) == model.coin.minted[as_number(peg.address)]
        assert self.coin.read("totalSupply") == model.coin.total_supply
        assert peg.read("backing") == model.backing
        self.check_bounds("preview_mint", peg.read("mintable"), self.unit)
        self.check_bounds("preview_redeem", peg.read("redeemable"), 1)

    def check_bounds(self, preview: str, most: int, one: int) -> None:
        """`most` is taken and one base unit more is not; 0 means that nothing sensible is."""
        method = getattr(self.model, preview)
        if most == 0:
            assert refuses(method, one) or refuses(method, 1)
        elif not refuses(method, most):
            assert refuses(method, most + 1)
        else:  # room for less than the smallest amount
            assert reason_of(method, most) == "zero amount"

    # sums

    @property
    def minted(self) -> int:
        """Coins of the peg that are out."""
        return self.model.coin.minted[as_number(self.peg.address)]

    @property
    def held_value(self) -> int:
        """What is booked, at par."""
        return self.model.held * WAD // self.unit

    def wealth(self, who: str) -> int:
        """Return what somebody has, the reserve at par."""
        reserve = self.token.read("balanceOf", who) * WAD // self.unit
        return int(reserve) + int(self.coin.read("balanceOf", who))

    def equity(self) -> int:
        """Return what the peg adds to the system's equity, with what others minted left out."""
        others = self.model.coin.minted[as_number(ENGINE)]
        return int(self.peg.read("backing")) + others - int(self.coin.read("totalSupply"))


def as_int(value: Any) -> int:
    """Return an argument of an event as the model has it."""
    return as_number(value) if isinstance(value, str) else int(value)


def reason_of(method: Any, *args: Any) -> str | None:
    """Return why a method of the model refuses; None when it does not."""
    try:
        method(*args)
    except Refused as refused:
        return refused.reason
    return None


def refuses(method: Any, *args: Any) -> bool:
    """Tell whether a method of the model refuses."""
    return reason_of(method, *args) is not None
