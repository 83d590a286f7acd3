# SPDX-License-Identifier: MIT
"""Two books over one coin, one fund and one settlement on revm, and `surety.model` beside them.

Each step of `Rig` is predicted by the model, made, and compared: both books to the last word, every
coin and token of everybody, pools, claims, and the equity, which nothing but bad debt and a sweep
may lower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import Artifact, artifact
from surety.deploy import BookParams
from surety.model import Book, Refused, account_id
from surety.model.predict import differences
from surety.model.reader import Reader
from surety.model.settlement import REDEEMING, SWEPT, Ending, Settlement
from tests.stateful.node import DEV_ADDRESSES, Ran, RevmNode, Timed, as_json
from tests.world import GENESIS, MAX, WAD

GOVERNOR, ALICE, BOB, CAROL, KEEPER, STRANGER = DEV_ADDRESSES
ZERO = "0x" + "00" * 20
TREASURY = "0x" + "77" * 20
DAY = 86_400
WEEK = 7 * DAY
YEAR = 365 * DAY
LEVELS = (7_500, 8_000, 8_500, 10_100, 8_800)
BOOK = BookParams(debt_floor=10 * WAD, call_tip=0, rate=0)
A, B = range(2)


@dataclass(frozen=True, slots=True)
class Sort:
    """A token to deploy: its mock, decimals and first price (WAD a whole token)."""

    mock: str
    decimals: int
    price: int

    @property
    def unit(self) -> int:
        return 10**self.decimals


SORTS = (
    Sort("MockToken", 18, 2_000 * WAD),
    Sort("MockToken", 8, 40_000 * WAD + 1),
    Sort("MockToken", 6, WAD - 7),
    Sort("NoReturnToken", 6, 3 * WAD // 7),
    Sort("MoodyToken", 18, 17 * WAD + 13),
    Sort("MoodyToken", 12, 999_999_999),
)
MOODY = (4, 5)
BAD_MOODS = (1, 2, 3, 4, 6)


class Rig(Timed):
    """Contracts, people, three accounts a person and book, the model, and what has happened."""

    def __init__(
        self, sorts: Sequence[Sort] = SORTS, book: BookParams = BOOK, weak: Sequence[Artifact] = ()
    ) -> None:
        """Deploy it all, with `weak` contracts in place of some."""
        self.node = RevmNode(GENESIS)
        self.weak = {found.name: found for found in weak}
        self.sorts = sorts
        self.governor = UnlockedSender(self.node, GOVERNOR)
        self.coin = self.deploy("Stablecoin", "Coin", "COIN", GOVERNOR)
        self.hub = self.deploy("MockHub")
        self.operators = self.deploy("Operators")
        self.settlement = self.deploy("Settlement")
        self.fund = self.deploy("InsuranceFund", GOVERNOR, self.coin.address, TREASURY, 100)
        self.send(GOVERNOR, self.coin, "set_ceiling", self.fund.address, 0)
        self.tokens = [
            self.deploy(sort.mock, f"T{kind}", f"T{kind}", sort.decimals)
            for kind, sort in enumerate(sorts)
        ]
        for kind, sort in enumerate(sorts):
            self.send(GOVERNOR, self.hub, "set_kind", kind, self.tokens[kind].address)
            self.price(kind, sort.price)
        self.vaults = [self.new_vault(book) for _ in "AB"]
        self.owners = (ALICE, BOB, CAROL)
        self.ids = [account_id(owner, sub) for owner in self.owners for sub in (0, 1)]
        self.people = [
            to_checksum_address(who)
            for who in (
                *self.owners,
                KEEPER,
                self.fund.address,
                self.settlement.address,
                *(vault.address for vault in self.vaults),
            )
        ]
        for who in (*self.owners, KEEPER):
            self.send(who, self.coin, "approve", self.settlement.address, MAX)
            for kind, token in enumerate(self.tokens):
                self.send(GOVERNOR, token, "mint", who, 10**9 * sorts[kind].unit)
                for vault in self.vaults:
                    self.send(who, token, "approve", vault.address, MAX)
        self.readers = [Reader(self.node, vault.address) for vault in self.vaults]
        known = {vault.address for vault in self.vaults}
        self.model = Settlement(self.settlement.address, minters=set(known), known=known)
        self.seen: Counter[str] = Counter()
        self.reserves: list[Contract] = []

    # building

    def deploy(self, name: str, *args: Any) -> Contract:
        found = self.weak.get(name) or artifact(name)
        return Contract(self.node, deploy_contract(self.governor, found, *args), found.abi)

    def new_vault(self, book: BookParams) -> Contract:
        """Open a book over everything here, with every kind, known to the coin and the fund."""
        vault = self.deploy(
            "Vault",
            GOVERNOR,
            self.coin.address,
            self.hub.address,
            self.operators.address,
            ZERO,
            self.settlement.address,
            *book.numbers,
        )
        self.send(GOVERNOR, self.coin, "set_ceiling", vault.address, book.ceiling)
        for kind, token in enumerate(self.tokens):
            listing = (kind, token.address, *LEVELS, 2**127, False)
            self.send(GOVERNOR, vault, "list_collateral", *listing)
        self.send(GOVERNOR, vault, "propose_fund", self.fund.address)
        self.send(GOVERNOR, self.fund, "add_book", vault.address)
        return vault

    def new_reserve(self, coins: int) -> Contract:
        """Let another minter give its coins to the keeper, which the fund counts as backed."""
        reserve = self.deploy("MockBacked", self.coin.address)
        self.send(GOVERNOR, self.coin, "set_ceiling", reserve.address, coins)
        self.send(GOVERNOR, self.fund, "add_reserve", reserve.address)
        self.send(GOVERNOR, reserve, "give", KEEPER, coins)
        self.reserves.append(reserve)
        return reserve

    # what surrounds the settlement

    def send(self, who: str, contract: Contract, fn: str, *args: Any) -> Ran:
        """Make a call that must go through."""
        ran = self.node.run(who, contract.address, contract.encode(fn, *args), self.now)
        assert ran.reason is None, f"{fn}: {ran.reason}"
        return ran

    def price(self, kind: int, hi: int, flags: int = 0) -> None:
        """Let the hub say this of a kind."""
        lo = 0 if flags & 1 else hi
        self.send(GOVERNOR, self.hub, "set_word", kind, lo, hi, 10_000, 10_000, flags)

    def mood(self, kind: int, mood: int, receiver: str = ZERO) -> None:
        """Let a token turn against a receiver, or against everybody."""
        self.send(GOVERNOR, self.tokens[kind], "set_mood", receiver, mood)

    def refusing(self) -> set[tuple[int, str]]:
        """Return the kinds and receivers between which nothing moves now."""
        found = set()
        for kind, sort in enumerate(self.sorts):
            if sort.mock == "MoodyToken":
                token = self.tokens[kind]
                everybody = token.read("mood_of", ZERO)
                for who in self.people:
                    if max(everybody, token.read("mood_of", who)) in BAD_MOODS:
                        found.add((kind, who))
        return found

    # reading

    def books(self) -> list[Book]:
        return [reader.read(self.ids, self.people) for reader in self.readers]

    def equity(self) -> int:
        surplus, deficit = self.fund.read("equity")
        assert not (surplus and deficit)
        return int(surplus) - int(deficit)

    def coins(self, who: str) -> int:
        return int(self.coin.read("balanceOf", who))

    def held(self, kind: int, who: str) -> int:
        return int(self.tokens[kind].read("balanceOf", who))

    def read(self, fn: str, *args: Any, book: int = A) -> Any:
        """Read the settlement about a book."""
        return self.settlement.read(fn, self.vaults[book].address, *args)

    # steps

    def vault(self, fn: str, *args: Any, by: str, book: int = A, refused: str | None = None) -> Any:
        """Make a move in a vault; returns what the model says it returns."""
        return self.step(
            lambda books: getattr(books[book], fn)(self.now, by, *args) or books[book].returned,
            self.vaults[book],
            fn,
            args,
            by,
            refused,
        )

    def open_pool(self) -> None:
        """Shut the first book down, let Alice settle the one account that owes, open its pool."""
        self.act("shutdown", by=GOVERNOR)
        self.act("settle", self.ids[0], by=ALICE)
        self.act("open_redemption")

    def act(
        self, fn: str, *args: Any, by: str = KEEPER, book: int = A, refused: str | None = None
    ) -> Any:
        """Make a step of the settlement about a book; returns what the model says it returns."""
        vault, extra = self.vaults[book].address, {}
        if fn in ("redeem", "claim", "sweep"):
            extra["refusing"] = self.refusing()
        if fn == "settles":
            return self.settles(*args, by=by, book=book, refused=refused)

        def move(books: list[Book]) -> Any:
            deficit = max(0, -self.model_equity(books))
            if fn == "open_redemption":
                return self.model.open_redemption(self.now, by, books[book], deficit, books)
            if fn == "relieve":
                return self.model.relieve(self.now, by, books[book], deficit, books)
            return getattr(self.model, fn)(self.now, by, books[book], *args, **extra)

        return self.step(move, self.settlement, fn, (vault, *args), by, refused)

    def settles(self, ids: Sequence[int], *, by: str, book: int, refused: str | None) -> Any:
        def move(books: list[Book]) -> int:
            bits = 0
            self.model._check(books[book], 1, "not settling")
            for at, id in enumerate(ids):
                try:
                    self.model.settle(self.now, by, books[book], id)
                except Refused:
                    continue
                bits |= 1 << at
            return bits

        args = (self.vaults[book].address, list(ids))
        return self.step(move, self.settlement, "settles", args, by, refused)

    def model_equity(self, books: list[Book]) -> int:
        owed = sum(book.total_debt(self.now) + self.model.backing_of(book) for book in books)
        reserves = sum(int(reserve.read("backing")) for reserve in self.reserves)
        return owed + reserves - int(self.coin.read("totalSupply"))

    def step(
        self,
        move: Callable[[list[Book]], Any],
        contract: Contract,
        fn: str,
        args: tuple[Any, ...],
        by: str,
        refused: str | None,
    ) -> Any:
        """Predict, make and compare one transaction, `refused` for exactly this reason or "any"."""
        books, equity = self.books(), self.equity()
        assert equity == self.model_equity(books)
        before = [book.copy() for book in books]
        endings = {vault: ending.copy() for vault, ending in self.model.endings.items()}
        self.model.balances = dict(books[A].coin.balances)
        for book in books:
            book.coin.balances = self.model.balances
        returned, reason = None, None
        try:
            returned = move(books)
        except Refused as caught:
            reason, books, self.model.endings = caught.reason, before, endings
            self.model.balances = dict(before[A].coin.balances)
        if refused != "any":
            assert reason == refused, f"the model: {reason}, the test: {refused}"
        ran = self.node.run(by, contract.address, contract.encode(fn, *args), self.now)
        if reason != "transfer out failed" or ran.reason is None:  # a token gives its own reasons
            assert ran.reason == reason, f"{fn}: the chain: {ran.reason}, the model: {reason}"
        self.seen[reason or fn] += 1
        if reason is None and returned is not None:
            assert ran.output is not None
            assert contract.decode(fn, ran.output) == returned
        self.check(books)
        self.check_equity(equity, ran, contract)
        return returned

    def check(self, books: list[Book]) -> None:
        """Everything is as the model says."""
        supply = int(self.coin.read("totalSupply"))
        for found, expected, vault in zip(self.books(), books, self.vaults, strict=True):
            coin = found.coin
            assert coin.balances == self.model.balances
            assert coin.minted == expected.coin.minted
            assert sum(coin.balances.values()) == supply
            wrong = differences(found, expected)
            # each book is told of its own moves only
            wrong = [line for line in wrong if not line.startswith(("coin:", "held:"))]
            assert not wrong, "\n".join(wrong)
            self.check_ending(vault.address, found)
        mover = next((book for book in books if book.logs), books[A])
        for (kind, who), amount in mover.held.items():
            assert self.held(kind, who) == amount, f"token {kind} of {who}"

    def check_ending(self, vault: str, book: Book) -> None:
        """What the settlement says of a book is what the model does."""
        ending = self.model.endings.get(vault, Ending())
        read = self.settlement.read
        assert read("phase_of", vault) == ending.phase
        assert read("shut_at", vault) == ending.shut_at
        assert read("opened_at", vault) == ending.opened_at
        assert read("claims_of", vault) == ending.claims
        assert read("backing_of", vault) == self.model.backing_of(book)
        for kind in range(len(self.sorts)):
            assert read("frozen_price", vault, kind) == ending.prices.get(kind, (0, 0))[0]
            assert read("pool_of", vault, kind) == ending.pool.get(kind, 0)
            owed = 0
            # nobody else can be owed anything: the sum with the pool is all that is absorbed
            for who in self.people if self.sorts[kind].mock == "MoodyToken" else ():
                due = self.model.owed.get((vault, kind, who), 0)
                assert read("owed_to", vault, kind, who) == due
                owed += due
            if ending.phase in (REDEEMING, SWEPT):
                assert book.absorbed[kind] == ending.pool.get(kind, 0) + owed
            assert self.held(kind, vault) >= book.deposited[kind] >= book.absorbed[kind]

    def check_equity(self, before: int, ran: Ran, contract: Contract) -> None:
        """Equity falls by bad debt and by what a sweep writes off, and by nothing else."""
        allowed = 0
        for at, log in enumerate(ran.logs):
            raw = [as_json(log, 1, at, "0x")]
            sources = (*self.vaults, self.settlement)
            for event in (event for source in sources for event in source.events(raw)):
                # what a living book absorbs counts nothing until it is sold, or until a shutdown
                if event.name == "Absorbed":
                    allowed += event.args["debt"] - event.args["shortfall"]
                if event.name == "BadDebt":
                    allowed += event.args["amount"]
                if event.name == "Swept":
                    allowed += event.args["written_off"]
        after = self.equity()
        assert after >= before - allowed, f"equity fell by {before - after}, explained: {allowed}"
