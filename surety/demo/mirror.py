# SPDX-License-Identifier: MIT
"""What an indexer knows that never asks: accounts, debts, supply and money flows, from events
alone.

The invariants compare it with the storage, block by block, so every number of the demo's story has
two independent sources. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from surety.chain import Event
from surety.formulas import margin_math
from surety.keeper import words

RAY = 10**27


@dataclass(frozen=True, slots=True)
class Take:
    """One purchase out of an auction: amounts in base units, price and coins in WAD, `at` unix
    seconds.
    """

    at: int
    account: int
    kind: int
    amount: int
    price: int
    cost: int
    debt_repaid: int
    opened: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Debt that was struck off: by an absorb (with its shortfall), or as bad debt of an emptied
    account.
    """

    at: int
    account: int
    debt: int
    shortfall: int
    absorbed: bool


class Mirror:
    """Follows the logs of one vault, its coin and its price hub, in order.

    `interest_ray` is interest accrued so far in WAD times RAY, exactly; `moves` counts changes of
    debt, each of which may round by a few wei in the protocol's favour; `prices` are the hub's
    words.
    """

    def __init__(self, rate: int, started_at: int) -> None:
        self.rate = rate
        self.index = RAY
        self.accrued_at = started_at
        self.words: dict[int, int] = {}
        self.balances: dict[tuple[int, int], int] = {}
        self.normalized = 0
        self.supply = 0
        self.calls: dict[int, tuple[int, int]] = {}
        self.margin_calls = 0
        self.cured = 0
        self.tips = 0
        self.bad_debt = 0
        self.takes: list[Take] = []
        self.losses: list[Loss] = []
        self.interest_ray = 0
        self.penalties = 0
        self.struck_off = 0
        self.moves = 0
        self.prices: dict[int, int] = {}
        self.price_updates = 0
        self._measured_index = RAY

    def live_index(self, now: int) -> int:
        """Return the index at a time, RAY, by the vault's own formula."""
        if now == self.accrued_at:
            return self.index
        return int(margin_math.index_up(self.index, self.rate, now - self.accrued_at))

    def total_debt(self, now: int) -> int:
        """Return what the book owes at a time, WAD, rounded down."""
        return int(margin_math.total_debt_down(self.normalized, self.live_index(now)))

    def advance(self, now: int) -> None:
        """Let interest run up to a time."""
        index = self.live_index(now)
        self.interest_ray += self.normalized * (index - self._measured_index)
        self._measured_index = index

    def apply(self, events: Iterable[Event], times: Mapping[int, int]) -> list[Event]:
        """Apply the logs of some blocks (`times` by block number) and return the margin calls among
        them.
        """
        called: list[Event] = []
        for transaction in _by_transaction(events):
            now = times[transaction[0].block]
            self.advance(now)
            absorbed = any(event.name == "Absorbed" for event in transaction)
            opened = {
                event.args["account"]: self._clock(event.args["account"])
                for event in transaction
                if event.name == "Taken"
            }
            for event in transaction:
                self._one(event, now, absorbed, opened)
                if event.name == "MarginCalled":
                    called.append(event)
        return called

    def _one(self, event: Event, now: int, absorbed: bool, opened: Mapping[int, int]) -> None:
        args = event.args
        match event.name:
            case "AccountUpdated":
                self._account(args["account"], args["kind"], args["balance"], args["word"])
            case "Transfer":
                self.supply += args["value"] * (int(args["sender"], 16) == 0)
                self.supply -= args["value"] * (int(args["receiver"], 16) == 0)
            case "PriceUpdated":
                self.prices[args["kind"]] = args["word"]
                self.price_updates += 1
            case "Accrued":
                self.index = args["index"]
                self.accrued_at = now
            case "MarginCalled":
                self.margin_calls += 1
                self.tips += args["tip"]
                self.calls[args["account"]] = (now, args["auction_start"])
            case "Cured":
                self.cured += args["auction_start"] == 0
            case "Taken":
                self.penalties += args["cost"] - args["debt_repaid"]
                self.takes.append(
                    Take(
                        at=now,
                        account=args["account"],
                        kind=args["kind"],
                        amount=args["amount"],
                        price=args["price"],
                        cost=args["cost"],
                        debt_repaid=args["debt_repaid"],
                        opened=opened[args["account"]],
                    )
                )
            case "Absorbed":
                self.struck_off += args["debt"]
                self.losses.append(
                    Loss(now, args["account"], args["debt"], args["shortfall"], True)
                )
            case "BadDebt":
                self.bad_debt += args["amount"]
                if not absorbed:
                    self.struck_off += args["amount"]
                    self.losses.append(
                        Loss(now, args["account"], args["amount"], args["amount"], False)
                    )

    def _account(self, account: int, kind: int, balance: int, word: int) -> None:
        before = words.normalized_debt(self.words.get(account, 0))
        after = words.normalized_debt(word)
        if before != after:
            self.moves += 1
            self.normalized += after - before
        self.words[account] = word
        if kind != words.DEBT_ONLY:
            self.balances[account, kind] = balance

    def _clock(self, account: int) -> int:
        return words.auction_start(self.words.get(account, 0))


def _by_transaction(events: Iterable[Event]) -> Sequence[Sequence[Event]]:
    """Group logs by transaction, in the order of the chain."""
    groups: list[list[Event]] = []
    for event in sorted(events, key=lambda item: (item.block, item.log_index)):
        if groups and groups[-1][0].tx == event.tx:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups
