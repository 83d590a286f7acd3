# SPDX-License-Identifier: MIT
"""The fund over two books on revm, and `surety.model.fund` beside it.

The first book lives and earns interest, the second has been absorbed. Each step is predicted by the
model, made, and compared: the reason or what it returns, what is logged, everything that the fund
remembers, every coin and token of everybody, and the equity.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Final

from surety.chain import Contract
from surety.model import Book, Refused
from surety.model.coin import Stablecoin
from surety.model.fund import Around, InsuranceFund, Sheet
from surety.model.hub import FixedHub
from surety.model.state import as_number, refuse
from tests.stateful.node import as_json
from tests.stateful.scene import FUND_FIELDS
from tests.unit.settlement.rig import ALICE, BOB, BOOK, GOVERNOR, KEEPER, TREASURY, A, B, Rig, Sort
from tests.world import WAD

RATE: Final = 10**27 // (365 * 86_400)  # 100 % a year
SORTS: Final = (
    Sort("MockToken", 18, 2_000 * WAD),
    Sort("MockToken", 8, 40_000 * WAD + 1),
    Sort("MockToken", 6, WAD - 7),
    Sort("NoReturnToken", 6, 3 * WAD // 7),
    Sort("MoodyToken", 18, 17 * WAD + 13),
)
MOODY: Final = 4
REFUSALS: Final = {1: "blocked", 2: "transfer out failed"}


@dataclass(slots=True)
class ToldHub(FixedHub):
    """A hub that also says when a kind was last confirmed."""

    until: dict[int, int] = field(default_factory=dict)

    def confirming_until(self, kind: int) -> int:
        """Return what it was told."""
        return self.until.get(kind, 0)


def plain(value: Any) -> Any:
    """Spell addresses in one way."""
    return value.lower() if isinstance(value, str) else value


class Bench:
    """Two books, their fund and its model, and what has happened."""

    def __init__(self) -> None:
        self.rig = rig = Rig(SORTS, BOOK)
        self.fund = rig.fund
        self.reserve = rig.deploy("MockBacked", rig.coin.address)
        self.until: dict[int, int] = {}
        self.seen: Counter[str] = Counter()
        for minter, most in ((self.fund, 10**5 * WAD), (self.reserve, 2**119)):
            rig.send(GOVERNOR, rig.coin, "set_ceiling", minter.address, most)
        books = [vault.address for vault in rig.vaults]
        self.model = InsuranceFund(self.fund.address, GOVERNOR, TREASURY, 100, books)

    def absorb(self, share: int = 3_000) -> None:
        """Let prices fall to `share` bps, and all of the second book be absorbed."""
        rig = self.rig
        for kind, sort in enumerate(SORTS):
            rig.price(kind, sort.price * share // 10_000)
        for id in rig.ids:
            rig.vault("margin_call", id, by=KEEPER, book=B, refused="any")
        rig.wait(2 * 3_600 + 3_600 + 1)
        for id in rig.ids:
            rig.vault("absorb", id, by=KEEPER, book=B, refused="any")
        rig.send(GOVERNOR, rig.vaults[A], "set_rate", RATE)

    # reading

    def coin(self) -> Stablecoin:
        """Take over what the coin remembers; `people` and the reserve hold all there is."""
        read = self.rig.coin.read
        minters = read("minters")
        people = {who: read("balanceOf", who) for who in self.people}
        return Stablecoin(
            self.rig.coin.address,
            GOVERNOR,
            balances={as_number(who): held for who, held in people.items() if held},
            minted={as_number(one): read("minted", one) for one in minters},
            ceilings={as_number(one): read("ceiling", one) for one in minters},
            burned_beyond=read("burned_beyond"),
        )

    @property
    def people(self) -> list[str]:
        return [*{*self.rig.people, self.reserve.address, TREASURY}]

    def around(self) -> tuple[Around, dict[tuple[int, str], int]]:
        """What the model works with, read from the chain, and everybody's tokens."""
        rig = self.rig
        books = {as_number(book.rules.vault): book for book in rig.books()}
        held = {key: amount for book in books.values() for key, amount in book.held.items()}
        tokens = {as_number(token.address): kind for kind, token in enumerate(rig.tokens)}
        for book in books.values():
            assert isinstance(book.hub, FixedHub)
            book.hub = ToldHub(book.hub.prices, book.hub.tokens, dict(self.until))
            book.held = held
        moods = {who: rig.tokens[MOODY].read("mood_of", who) for who in (ALICE, BOB)}

        def pay(token: str, payer: str, payee: str, amount: int) -> None:
            kind = tokens[as_number(token)]
            if kind == MOODY and moods.get(payee, 0) in REFUSALS:
                refuse(REFUSALS[moods[payee]])
            held[kind, payer] -= amount
            held[kind, payee] += amount

        def pool(book: Book) -> int:
            return int(rig.settlement.read("backing_of", book.rules.vault))

        def has_ended(book: Book) -> bool:
            vault = book.rules.vault
            phase = rig.settlement.read("phase_of", vault)
            return phase == 3 or (phase == 2 and not rig.settlement.read("claims_of", vault))

        return Around(
            self.coin(),
            books,
            pool,
            lambda reserve: (
                int(self.reserve.read("backing"))
                if as_number(reserve) == as_number(self.reserve.address)
                else None
            ),
            lambda token, who: held[tokens[as_number(token)], who],
            pay,
            has_ended,
        ), held

    def sheet(self) -> Sheet:
        return self.model.sheet(self.rig.now, self.around()[0])

    def token(self, kind: int) -> Contract:
        return self.rig.tokens[kind]

    # steps

    def confirming(self, kind: int, until: int) -> None:
        """Let the hub say that a kind was confirmed then."""
        self.rig.send(GOVERNOR, self.rig.hub, "set_confirming_until", kind, until)
        self.until[kind] = until

    def act(self, fn: str, *args: Any, by: str, refused: str | None = "any") -> Any:
        """Predict, make and compare one transaction, `refused` for this reason, or "any"."""
        around, held = self.around()
        before = (around.coin.copy(), dict(held))
        model, returned, reason = self.model.copy(), None, None
        try:
            returned = getattr(model, fn)(self.rig.now, by, around, *args)
        except Refused as caught:
            reason, model = caught.reason, self.model
            around = replace(around, coin=before[0])
            held = before[1]
        if refused != "any":
            assert reason == refused, f"the model: {reason}, the test: {refused}"
        call = self.fund.encode(fn, *args)
        ran = self.rig.node.run(by, self.fund.address, call, self.rig.now)
        assert ran.reason == reason, f"{fn}{args}: the chain: {ran.reason}, the model: {reason}"
        self.seen[reason or fn] += 1
        if reason is None:
            assert ran.output is not None
            if returned is not None:
                assert self.fund.decode(fn, ran.output) == returned
            raw = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
            logged = [
                (event.name, {name: plain(value) for name, value in event.args.items()})
                for event in self.fund.events(raw)
                if as_number(event.address) == as_number(self.fund.address)
            ]
            assert logged == [
                (name, {key: plain(value) for key, value in told.items()})
                for name, told in model.logs
            ]
            model.logs.clear()
        self.model = model
        self.check(around.coin, held)
        return returned

    def check(self, coin: Stablecoin, held: dict[tuple[int, str], int]) -> None:
        """Everything is as the model says."""
        rig, read = self.rig, self.fund.read
        found = self.coin()
        assert (found.balances, found.minted) == (
            {who: amount for who, amount in coin.balances.items() if amount},
            coin.minted,
        )
        assert rig.coin.read("totalSupply") == coin.total_supply
        for (kind, who), amount in held.items():
            assert rig.held(kind, who) == amount, f"token {kind} of {who}"
        for name in FUND_FIELDS:
            assert plain(read(name)) == plain(getattr(self.model, name)), name
        assert [plain(one) for one in read("reserves")] == [*map(plain, self.model.reserves)]
        sheet = self.sheet()
        assert read("equity") == (sheet.surplus, sheet.deficit)
        assert read("buffer_target") == self.model.buffer(sheet)
        for token in rig.tokens:
            lot = self.model.lots.get(as_number(token.address))
            left, started_at, closes_at, *_ = read("auction_of", token.address)
            if lot is None:
                assert (left, started_at, closes_at) == (0, 0, 0)
            else:
                assert left == (lot.left if lot.is_running(rig.now) else 0)
                assert (started_at, closes_at) == (lot.started_at, lot.started_at + lot.duration)
        self.check_solvency(sheet, held)

    def check_solvency(self, sheet: Sheet, held: dict[tuple[int, str], int]) -> None:
        """`solvency` says the same, and what all that is for sale is worth at the lower price."""
        told = self.fund.read("solvency")
        hub = {kind: self.rig.hub.read("words", kind) % 2**88 for kind in range(len(SORTS))}

        def worth(kind: int, amount: int) -> int:
            return amount * hub[kind] // SORTS[kind].unit

        known = {
            kind
            for kind, token in enumerate(self.rig.tokens)
            if as_number(token.address) in self.model.sources
        }
        inventory = sum(worth(kind, held[kind, self.fund.address]) for kind in known)
        waiting = sum(
            worth(kind, vault.read("absorbed", kind)) for vault in self.rig.vaults for kind in hub
        )
        assert told == (
            sheet.debt,
            sheet.pools,
            sheet.reserves,
            sheet.debt + sheet.pools + sheet.reserves,
            sheet.circulating,
            sheet.flash,
            sheet.surplus,
            sheet.deficit,
            self.model.buffer(sheet),
            inventory,
            waiting,
            max(0, sheet.deficit - inventory - waiting),
            0,
        )
