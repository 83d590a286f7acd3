# SPDX-License-Identifier: MIT
"""Where attacks on a vault are made: a system on revm, and what everybody has there.

Wealth is exact, a `Fraction` of coins' wei: coins, tokens at what the market pays for them, and
what accounts are worth beyond their debts. An account whose debt is larger is worth nothing, since
its owner walks away from it; that is how bad debt becomes somebody's profit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import Artifact, artifact
from surety.deploy import BookParams, Limits, LocalKind
from surety.revm import as_json
from tests.incidents.weak import revm_world
from tests.unit.listings.desk import Listing
from tests.world import MAX, WAD, World

ETH, BTC, STABLE = range(3)
HOUR, DAY = 3_600, 86_400
MARKET = (2_000 * WAD, 40_000 * WAD, WAD)
LENT = 15_000 * WAD  # what ten ether lend at their first price: 75 %
# without interest and tips: what is left is the attack
STILL = BookParams(rate=0, call_tip=0)


class Arena:
    """A world, the prices of its market, and the moves of attackers and their victims."""

    def __init__(
        self,
        *weak: Artifact,
        book: BookParams = STILL,
        kinds: tuple[LocalKind, ...] | None = None,
        limits: Limits | None = None,
        confirm_period: int = 1,
    ) -> None:
        """Deploy it with `weak` contracts in place of some; `limits` are loose where not given."""
        self.world: World = revm_world(
            *weak, book=book, kinds=kinds, limits=limits, confirm_period=confirm_period
        )
        self.vault, self.coin, self.hub = self.world.vault, self.world.coin, self.world.hub
        self.owner, self.keeper = self.world.owner, self.world.keeper
        self.attacker = self.world.stranger
        self.sources: dict[int, Contract] = {}  # of kinds listed later, which have no feed
        self.logs: Sequence[Any] = ()  # of the last transaction
        self.tokens = list(self.world.tokens)
        self.market = [kind.expected_price or 0 for kind in self.world.params.kinds]

    # moves

    def try_(self, who: str, contract: Contract, fn: str, *args: Any) -> str | None:
        """Send in the second of the last block; return why it was refused, None if it was not."""
        node = self.world.rpc
        ran = node.run(who, contract.address, contract.encode(fn, *args), node.time)
        self.logs = ran.logs
        return ran.reason

    def must(self, who: str, contract: Contract, fn: str, *args: Any) -> None:
        reason = self.try_(who, contract, fn, *args)
        assert reason is None, f"{fn}: {reason}"

    def refused(self, reason: str, who: str, contract: Contract, fn: str, *args: Any) -> None:
        """Assert that it is refused for exactly this."""
        found = self.try_(who, contract, fn, *args)
        assert found == reason, f"{fn}: {found}, not {reason}"

    def at(self, timestamp: int) -> None:
        self.world.next_at(timestamp)
        self.world.rpc.mine()

    def wait(self, seconds: int) -> None:
        self.at(self.now + seconds)

    def list_token(self, mock: str, decimals: int = 18, price: int = MARKET[ETH]) -> Contract:
        """List a token of this sort as the next kind, under loose limits, priced by `sources`."""
        token = self.deploy(mock, mock, mock, decimals)
        source = self.deploy("MockOracle", price)
        fields = {"slew_down": 2**24 - 1, "slew_up": 2**24 - 1, "jump_bps": 12_750}
        listing = Listing(
            token.address, source.address, decimals=decimals, expected_price=price, **fields
        )
        listings, governor = self.world.listings, self.world.governor
        self.must(governor, listings, "list", self.vault.address, listing.struct())
        self.sources[len(self.tokens)] = source
        self.tokens.append(token)
        self.market.append(price)
        for who in (self.owner, self.world.other, self.keeper, self.attacker):
            self.must(who, token, "approve", self.vault.address, MAX)
        return token

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Undo everything done inside, the clock included."""
        node = self.world.rpc
        taken, time, number = node.evm.snapshot(), node.time, node.number
        try:
            yield
        finally:
            node.evm.revert(taken)
            node.restore(time, number)

    def deploy(self, name: str | Artifact, *args: Any) -> Contract:
        found = artifact(name) if isinstance(name, str) else name
        sender = UnlockedSender(self.world.rpc, self.world.governor)
        return Contract(self.world.rpc, deploy_contract(sender, found, *args), found.abi)

    def trade(self, kind: int, price: int) -> None:
        """Let the market trade at a price, and the feed say so; nobody has told the hub yet."""
        self.market[kind] = price
        self.report(kind, price)

    def report(self, kind: int, price: int) -> None:
        """Let the feed say a price at which the market does not trade."""
        if kind in self.sources:
            self.must(self.world.governor, self.sources[kind], "set_price", price)
        else:
            self.must(self.world.governor, self.world.feeds[kind], "set_answer", price // 10**10)

    def follow(self, kind: int, price: int) -> None:
        """Let the market trade at a price and the hub have heard of it."""
        self.trade(kind, price)
        self.refresh()

    def refresh(self) -> None:
        """Let every feed that is not dead say again what it says, and the hub hear it."""
        for feed in self.world.feeds:
            if feed.read("reverts"):
                continue
            answer = feed.read("latestRoundData")[1]
            self.must(self.world.governor, feed, "set_answer", answer)
        for source in self.sources.values():
            self.must(self.world.governor, source, "set_price", source.read("price_wad"))
        self.wait(self.world.params.fresh_for)
        self.poke()

    def poke(self, mask: int | None = None) -> None:
        mask = (1 << len(self.tokens)) - 1 if mask is None else mask
        self.must(self.world.governor, self.hub, "poke", mask)

    def take(self, who: str, account: int, kind: int, amount: int = MAX) -> tuple[int, int]:
        """Buy of an account in auction; return the amount and what it cost."""
        before = self.held(who, kind), self.coins(who)
        self.must(who, self.vault, "take", account, kind, amount, MAX, who, b"")
        return self.held(who, kind) - before[0], before[1] - self.coins(who)

    def fund_keepers(self, coins: int, *others: str) -> None:
        """Give the keeper, the attacker and others coins of a debt elsewhere."""
        for who in (self.keeper, self.attacker, *others):
            self.world.give_coins(who, coins)

    # reading

    def bad_debt(self) -> int:
        """Return how much bad debt the last transaction has logged."""
        logs = [as_json(log, 1, at, "0x") for at, log in enumerate(self.logs)]
        found = [event for event in self.vault.events(logs) if event.name == "BadDebt"]
        return sum(event.args["amount"] for event in found)

    @property
    def now(self) -> int:
        return self.world.now

    def coins(self, who: str) -> int:
        return int(self.coin.read("balanceOf", who))

    def held(self, who: str, kind: int) -> int:
        return int(self.tokens[kind].read("balanceOf", who))

    def balance(self, account: int, kind: int) -> int:
        return int(self.vault.read("balances", account, kind))

    def opens(self, account: int) -> int:
        return self.world.account(account).auction_start

    @property
    def equity(self) -> int:
        surplus, deficit = self.world.fund.read("equity")
        return int(surplus) - int(deficit)

    def worth(self, kind: int, amount: int) -> Fraction:
        """Return what the market pays for an amount of a kind."""
        return Fraction(amount * self.market[kind], 10 ** self.tokens[kind].read("decimals"))

    def value(self, account: int) -> Fraction:
        """Return what the collateral of an account is worth on the market."""
        kinds = range(len(self.tokens))
        return sum((self.worth(at, self.balance(account, at)) for at in kinds), Fraction())

    def wealth(self, who: str, *accounts: int) -> Fraction:
        """Return what somebody has in coins, tokens and these accounts."""
        found = Fraction(self.coins(who))
        for kind in range(len(self.tokens)):
            found += self.worth(kind, self.held(who, kind))
        for account in accounts:
            found += max(Fraction(), self.value(account) - self.world.debt(account))
        return found


def open_at_the_limit(arena: Arena, who: str | None = None, sub: int = 0) -> int:
    """Open an account of ten ether that owes all that they lend."""
    return arena.world.open([(ETH, 10 * WAD)], LENT, owner=who or arena.owner, sub=sub)


def all_refused(arena: Arena, reason: str, who: str, calls: Sequence[tuple[Any, ...]]) -> None:
    """Assert that each of these calls of the vault is refused for exactly this."""
    for fn, *args in calls:
        arena.refused(reason, who, arena.vault, fn, *args)


def guessed(item: Any, turn: int, addresses: Sequence[str], numbers: Sequence[int]) -> Any:
    """Return an argument of the type that an ABI's input has, another one for another turn."""
    kind = item["type"]
    if kind.endswith("[]"):
        return [guessed({**item, "type": kind[:-2]}, turn, addresses, numbers)]
    if kind.startswith("tuple"):
        parts = enumerate(item["components"])
        return tuple(guessed(part, turn + at, addresses, numbers) for at, part in parts)
    if kind == "address":
        return addresses[turn % len(addresses)]
    if kind == "bool":
        return turn % 2 == 0
    if kind.startswith(("uint", "int")):
        bits = int(kind.removeprefix("u").removeprefix("int") or 256)
        return numbers[turn % len(numbers)] % 2 ** (bits - 1)
    if kind.startswith("bytes") and kind != "bytes":
        return bytes(int(kind[5:]))
    return "" if kind == "string" else b""
