# SPDX-License-Identifier: MIT
"""Play a sequence of acts on a stage and say, to the last unit, what it paid whom.

Everything is valued at the market prices of the end, in 1e-18 of a coin's base unit, in which every
token amount at every price is a whole number: no rounding hides a profit or makes one. An account
is worth its collateral less its debt, or nothing to an owner who walks away; its debt is worth to
the protocol what its collateral covers. What the attacker gains, the victims and the protocol lose.

`Played.bound` is what docs/attack.md promises that a sequence earns at most: the sum of what its
acts are documented to give, computed from parameters and market prices and not from what the
contracts charged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from surety.attack.acts import RAISING, Act
from surety.attack.bound import FINE, SCALE, Run, Sale, promised
from surety.attack.stage import (
    BOOK,
    BPS,
    FEED_UNIT,
    KINDS,
    LOT,
    LOT_TERMS,
    PEG,
    PLACES,
    STABLE,
    UNIT,
    WAD,
    Stage,
)
from surety.chain import Contract, topic
from surety.deploy import limits_for
from surety.formulas import margin_math
from surety.model import Price
from surety.revm import Ran, as_json

COIN: Final = FINE * WAD
SLEW_SCALE: Final = 10**9
SLEW_SECONDS: Final = 120
INT_MIN: Final = -(2**255)
RAY: Final = 10**27
NOT_POSSIBLE: Final = "not possible"  # of the world around the contracts


@dataclass(frozen=True, slots=True)
class Rules:
    """What the market may do meanwhile: seconds in all, changes of price and their size in bps.

    `kind` is the only one whose price moves; None: any.
    """

    window: int = 120
    moves: int = 0
    move_bps: int = 0
    kind: int | None = None


STILL: Final = Rules()


@dataclass(frozen=True, slots=True)
class Step:
    """One act and what became of it: `reason` is None where it was done; `told` are its logs."""

    act: Act
    at: int
    reason: str | None
    told: tuple[tuple[str, dict[str, Any]], ...] = ()
    inside: bool = False  # of a flash loan


@dataclass(frozen=True, slots=True)
class Played:
    """A sequence's outcome, in 1e-18 of a coin's base unit; the three parties sum up to nothing."""

    steps: tuple[Step, ...]
    profit: int  # of the attacker
    victims: int
    protocol: int
    bound: int
    parts: dict[str, int]  # the bound, by class of act

    @property
    def excess(self) -> int:
        """The profit above what is documented: above 0 it is a finding."""
        return self.profit - self.bound

    @property
    def leak(self) -> int:
        """What came out of nothing, or went nowhere: anything but 0 is a finding."""
        return self.profit + self.victims + self.protocol

    @property
    def done(self) -> list[Act]:
        """The acts that went through."""
        return [step.act for step in self.steps if step.reason is None]


@dataclass(slots=True)
class _Position:
    normalized: int
    balances: list[int]


@dataclass(slots=True)
class _Wealth:
    """Holdings that are valued: tokens and coins of the attacker, of the system, of accounts."""

    attacker: list[int]
    coins: int
    system: list[int]
    outside: int  # coins that nobody but attacker and protocol hold as a claim, with the minus sign
    index: int


class Player:
    """Plays sequences on a stage, each from the same beginning."""

    def __init__(self, stage: Stage, rules: Rules = STILL) -> None:
        """Read what the stage holds at the beginning."""
        self.stage, self.rules = stage, rules
        self.node = stage.node
        self.count = 0
        self.limits = [limits_for(kind.levels) for kind in KINDS]
        self._places = {id: place for place, id in enumerate(stage.accounts)}  # noqa: A001
        contracts = (stage.vault, stage.fund, stage.peg)
        self._topics = {
            topic(entry): (contract, entry["name"])
            for contract, name in zip(
                contracts, ("Vault", "InsuranceFund", "PegStability"), strict=True
            )
            for entry in _events(name)
        }
        self._asked: dict[tuple[Any, ...], bytes] = {}
        self._execute = stage.attacker.interface.function("execute", 2).selector
        self._first = [self._position(place) for place in range(len(stage.accounts))]
        self._before = self._wealth()
        self._words = [Price.unpack(stage.hub.read("words", kind)) for kind in range(len(KINDS))]
        self._pow: dict[tuple[int, int], int] = {}

    # playing

    def play(self, acts: Sequence[Act]) -> Played:
        """Play a sequence; the stage is as before afterwards."""
        self.count += 1
        stage = self.stage
        run = Run(list(stage.market), list(stage.market), list(stage.market), self.node.time)
        with self._undone():
            steps = self._steps(run, acts)
            return self._judge(run, steps)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Undo on revm what is done inside, the clock too."""
        node = self.node
        time, number = node.time, node.number
        taken = node.evm.snapshot()
        try:
            yield
        finally:
            node.evm.revert(taken)
            node.restore(time, number)

    def _steps(self, run: Run, acts: Sequence[Act]) -> list[Step]:
        steps: list[Step] = []
        place = 0
        while place < len(acts):
            act = acts[place]
            inside = acts[place + 1 : place + 1 + act.number] if act.what == "flash" else ()
            if act.what == "flash":
                lent = self._flash(run, act, inside)
                if lent is not None:
                    steps += lent
                    place += 1 + len(inside)
                    continue
                steps.append(Step(act, self.node.time, NOT_POSSIBLE))
            else:
                steps.append(self._one(run, act))
            place += 1
        return steps

    def _one(self, run: Run, act: Act) -> Step:
        """Make one act that is not inside of a flash loan."""
        if act.what == "wait":
            return self._wait(run, act)
        if act.what == "price":
            return self._price(run, act)
        clocks = self._clocks(act)
        target, data = self._call(act)
        at = self.node.time
        ran = self._send(target, data)
        if ran.reason is not None:
            return Step(act, at, ran.reason)
        told = self._told(ran)
        self._note(run, [act], told, clocks)
        return Step(act, at, None, told)

    def _send(self, target: Contract, data: bytes) -> Ran:
        """Let the attacker's contract make a call: `execute(address,bytes)`, encoded by hand."""
        attacker = self.stage.attacker.address
        parts = (int(target.address, 16), 64, len(data))
        call = self._execute + b"".join(part.to_bytes(32) for part in parts)
        call += data + bytes(-len(data) % 32)
        return self.node.run(self.stage.stranger, attacker, call, self.node.time)

    def _ask(self, contract: Contract, fn: str, *args: Any) -> int:
        """Return the first word that a view returns, past all layers but revm."""
        return self._ask_all(contract, fn, *args)[0]

    def _ask_all(self, contract: Contract, fn: str, *args: Any) -> list[int]:
        key = (contract.address, fn, args)
        data = self._asked.get(key)
        if data is None:
            data = self._asked[key] = contract.encode(fn, *args)
        found = self.node.view(contract.address, data)
        return [int.from_bytes(found[at : at + 32]) for at in range(0, len(found), 32)]

    def _wait(self, run: Run, act: Act) -> Step:
        """Let time pass: every feed reports its price anew."""
        node = self.node
        if not 0 < act.number <= run.began + self.rules.window - node.time:
            return Step(act, node.time, NOT_POSSIBLE)
        node.restore(node.time + act.number, node.number)
        for kind, price in enumerate(run.market):
            self._report(kind, price)
        return Step(act, node.time, None)

    def _price(self, run: Run, act: Act) -> Step:
        """Let the market price of a kind be so many bps above its first, and its feed say so."""
        rules, first = self.rules, self.stage.market[act.kind]
        price = first * (BPS + act.number) // BPS // FEED_UNIT * FEED_UNIT
        allowed = abs(act.number) <= rules.move_bps and run.moves < rules.moves
        allowed = allowed and rules.kind in (None, act.kind)
        if not allowed or price == run.market[act.kind] or price <= 0:
            return Step(act, self.node.time, NOT_POSSIBLE)
        run.moves += 1
        run.market[act.kind] = price
        run.lowest[act.kind] = min(run.lowest[act.kind], price)
        run.highest[act.kind] = max(run.highest[act.kind], price)
        self._report(act.kind, price)
        return Step(act, self.node.time, None)

    def _report(self, kind: int, price: int) -> None:
        feed = self.stage.feeds[kind]
        data = feed.encode("set_answer", price // FEED_UNIT)
        done = self.node.run(self.stage.governor, feed.address, data, self.node.time)
        assert done.reason is None, done

    def _flash(self, run: Run, act: Act, inside: Sequence[Act]) -> list[Step] | None:
        """Make acts inside of a flash loan of the coin; None where one of them fails there.

        What each is to say is found by making them one after the other without a loan.
        """
        stage, node = self.stage, self.node
        if not inside or any(one.what in ("flash", "wait", "price") for one in inside):
            return None
        clocks = [clock for one in inside for clock in self._clocks(one)]
        calls: list[tuple[str, bytes]] = []
        with self._undone():
            for one in inside:
                target, data = self._call(one)
                if len(data) > 1_024 or self._send(target, data).reason is not None:
                    return None
                calls.append((target.address, data))
        at = node.time
        attacker, amount = stage.attacker, act.size.of(2**112)
        with self._kept() as keep:
            steps = attacker.encode("set_steps", calls)
            node.run(stage.stranger, attacker.address, steps, at)
            loan = (attacker.address, stage.coin.address, amount, b"")
            data = stage.coin.encode("flashLoan", *loan)
            ran = node.run(stage.stranger, stage.coin.address, data, at)
            if ran.reason is not None:
                return None
            keep()
        told = self._told(ran)
        self._note(run, inside, told, dict(clocks).items())
        first = Step(act, at, None, told)
        return [first, *(Step(one, at, None, inside=True) for one in inside)]

    @contextmanager
    def _kept(self) -> Iterator[Any]:
        """Undo what is done inside unless it is said to be kept."""
        taken, kept = self.node.evm.snapshot(), []
        yield lambda: kept.append(True)
        if kept:
            self.node.evm.commit()
        else:
            self.node.evm.revert(taken)

    # what an act says

    def _call(self, act: Act) -> tuple[Contract, bytes]:
        """Return whom an act calls and with what."""
        stage, vault = self.stage, self.stage.vault
        id, kind = stage.accounts[act.account], act.kind  # noqa: A001
        me = stage.attacker.address
        size = act.size
        match act.what:
            case "deposit":
                return self._to(vault, act.what, id, kind, size.of(LOT[kind]))
            case "withdraw":
                base = self._lens("max_withdraw", id, kind)
                return self._to(vault, act.what, id, kind, size.at_most(base), me)
            case "borrow":
                return self._to(vault, act.what, id, size.of(self._lens("max_borrow", id)), me)
            case "repay":
                return self._to(vault, act.what, id, size.at_most(self._debt(id)))
            case "open":
                amount = size.of(LOT[kind])
                worth = amount * self._word(kind).lo // UNIT[kind]
                # a debt is rounded up as it is made and as it is read
                room = max(0, worth * KINDS[kind].levels.initial_ltv // BPS - 2)
                room += self._lens("max_borrow", id)
                legs = [(kind, amount)] if amount else []
                return self._to(vault, "adjust", id, legs, act.debt.of(room), me, b"")
            case "close":
                return self._to(vault, "adjust", id, [(kind, INT_MIN)], INT_MIN, me, b"")
            case "move":
                destination = stage.accounts[act.other]
                amount = size.of(self._ask(vault, "balances", id, kind))
                legs = [(kind, amount)] if amount else []
                debt = act.debt.of(self._debt(id))
                return self._to(vault, act.what, id, destination, legs, debt)
            case "model":
                return self._to(vault, "set_margin_model", id, act.number % 2)
            case "margin_calls":
                return self._to(vault, act.what, stage.accounts[:64])
            case "take":
                amount = size.at_most(self._ask(vault, "balances", id, kind))
                return self._to(vault, act.what, id, kind, amount, 2**256 - 1, me, b"")
            case "takes":
                orders = [
                    (one, kind, size.at_most(self._ask(vault, "balances", one, kind)), 2**256 - 1)
                    for one in (id, stage.accounts[act.other])
                ]
                return self._to(vault, act.what, orders, me)
            case "margin_call" | "cure" | "absorb":
                return self._to(vault, act.what, id)
            case "accrue":
                return self._to(vault, act.what)
        return self._call_others(act)

    def _call_others(self, act: Act) -> tuple[Contract, bytes]:
        stage, kind, size = self.stage, act.kind, act.size
        me, token = stage.attacker.address, stage.tokens[kind]
        match act.what:
            case "collect" | "start_auction":
                return self._to(stage.fund, act.what, stage.vault.address, kind)
            case "buy":
                left = self._ask(stage.fund, "auction_of", token.address)
                amount = size.at_most(left)
                return self._to(stage.fund, act.what, token.address, amount, 2**256 - 1, me)
            case "reap":
                return self._to(stage.fund, act.what)
            case "recapitalise":
                return self._to(stage.fund, act.what, size.of(1_000 * WAD))
            case "peg_mint":
                return self._to(stage.peg, "mint", size.of(LOT[STABLE]), me)
            case "peg_redeem":
                return self._to(stage.peg, "redeem", size.of(20_000 * WAD), me)
            case "sync":
                return self._to(stage.hub, "poke", 1 << kind)
            case "donate":
                place = getattr(stage, PLACES[act.number % len(PLACES)])
                return self._to(token, "transfer", place.address, size.of(LOT[kind]))
            case "donate_coins":
                place = getattr(stage, PLACES[act.number % len(PLACES)])
                return self._to(stage.coin, "transfer", place.address, size.of(1_000 * WAD))
            case "burn":
                return self._to(stage.coin, act.what, me, size.of(1_000 * WAD))
        raise ValueError(f"no act {act.what!r}")

    @staticmethod
    def _to(contract: Contract, fn: str, *args: Any) -> tuple[Contract, bytes]:
        return contract, contract.encode(fn, *args)

    def _lens(self, fn: str, *args: Any) -> int:
        return self._ask(self.stage.lens, fn, self.stage.vault.address, *args)

    def _debt(self, id: int) -> int:  # noqa: A002 - an account has an id
        return self._ask(self.stage.vault, "debt_of", id)

    def _word(self, kind: int) -> Price:
        return Price.unpack(self._ask(self.stage.hub, "read_one", kind))

    # noting

    def _told(self, ran: Ran) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return the events of vault, fund and peg."""
        told: list[tuple[str, dict[str, Any]]] = []
        for log in ran.logs:
            found = self._topics.get(log.topics[0])
            if found is not None and log.address.lower() == found[0].address.lower():
                if found[1] == "AccountUpdated":  # the most frequent: only its account is of use
                    told.append((found[1], {"account": int(log.topics[1], 16)}))
                    continue
                (event,) = found[0].events([as_json(log, 0, 0, "0x")])
                told.append((event.name, dict(event.args)))
        return tuple(told)

    def _clocks(self, act: Act) -> list[tuple[int, tuple[int, int]]]:
        """Return what is known of the accounts of an act before it: clock and debt."""
        if act.what not in ("take", "takes", "margin_call", "margin_calls"):
            return []
        stage = self.stage
        if act.what == "margin_calls":
            places: Sequence[int] = range(len(stage.accounts))
        else:
            places = (act.account, act.other) if act.what == "takes" else (act.account,)
        found = []
        for place in places:
            id = stage.accounts[place]  # noqa: A001
            start = self._ask(stage.vault, "accounts", id) >> 136 & 2**40 - 1
            found.append((place, (start, self._debt(id))))
        return found

    def _note(self, run: Run, acts: Sequence[Act], told: Any, clocks: Any) -> None:
        """Remember of what was done all that the bound is made of."""
        now, known = self.node.time, dict(clocks)
        for name, args in told:
            if name == "AccountUpdated":
                run.touched.add(self._places[args["account"]])
            elif name == "Taken":
                place, kind = self._places[args["account"]], args["kind"]
                start, _ = known[place]
                levels = KINDS[kind].levels
                factors = (levels.start_factor, levels.end_factor)
                elapsed = min(max(0, now - start), BOOK.auction_duration) if start else 0
                factor = margin_math.auction_factor(*factors, elapsed, BOOK.auction_duration)
                run.sales.append(Sale(place, kind, args["amount"], factor, run.lowest[kind]))
            elif name == "MarginCalled":
                place = self._places[args["account"]]
                start, debt = known[place]
                again = start and now <= start + BOOK.auction_duration + BOOK.call_cool_down
                tip = 0 if again else margin_math.call_tip_down(BOOK.call_tip, debt)
                run.tips.append((place, tip))
            elif name == "Sold":
                self._note_lot(run, args)
            elif name == "BadDebt":
                run.written_off.add(self._places[args["account"]])
            elif name == "Minted":
                guarded = run.market[STABLE] >= PEG.guard_price
                run.minted.append((args["amount"], guarded))
            elif name == "Redeemed":
                run.redeemed.append(args["coins"])
        for act in acts:
            for letter in RAISING.get(act.what, ""):
                place = act.account if letter == "a" else act.other
                highest = [self._highest(run, kind) for kind in range(len(KINDS))]
                balances = self._position(place).balances
                run.raised.setdefault(place, []).append((balances, highest))

    def _note_lot(self, run: Run, args: dict[str, Any]) -> None:
        """Remember a purchase of the fund's at its documented factor of that moment."""
        stage, now = self.stage, self.node.time
        kind = next(
            kind for kind, token in enumerate(stage.tokens) if token.address == args["token"]
        )
        _, started_at, closes_at, *_ = self._ask_all(stage.fund, "auction_of", args["token"])
        terms = (*LOT_TERMS, now - started_at, closes_at - started_at)
        factor = margin_math.auction_factor(*terms)
        run.sales.append(Sale(None, kind, args["amount"], factor, run.lowest[kind]))

    def _highest(self, run: Run, kind: int) -> int:
        """Return the highest that `lo` can be: the highest price seen, and what the slew let up."""
        word, limits = self._words[kind], self.limits[kind]
        # (1 + s)^n is more than any product of (1 + s*d) whose d sum up to n
        seconds = self.node.time - run.began + min(SLEW_SECONDS, run.began - word.updated_at)
        if seconds > 2 * SLEW_SECONDS:
            return run.highest[kind]
        key = (kind, seconds)
        if key not in self._pow:
            lo = word.lo * (SLEW_SCALE + limits.slew_up) ** seconds
            self._pow[key] = -(-lo // SLEW_SCALE**seconds)
        return min(run.highest[kind], self._pow[key])

    # judging

    def _position(self, place: int) -> _Position:
        vault, id = self.stage.vault, self.stage.accounts[place]  # noqa: A001
        balances = [self._ask(vault, "balances", id, kind) for kind in range(len(KINDS))]
        return _Position(self._ask(vault, "accounts", id) % 2**104, balances)

    def _wealth(self) -> _Wealth:
        """Read what attacker and system hold."""
        stage, coin = self.stage, self.stage.coin
        places = [stage.vault.address, stage.fund.address, stage.peg.address]
        me = stage.attacker.address
        system = [
            sum(self._ask(token, "balanceOf", place) for place in places) for token in stage.tokens
        ]
        claims = self._ask(coin, "totalSupply") - sum(
            self._ask(coin, "balanceOf", who) for who in (*places, stage.treasury)
        )
        return _Wealth(
            [self._ask(token, "balanceOf", me) for token in stage.tokens],
            self._ask(coin, "balanceOf", me),
            system,
            claims,
            self._ask(stage.vault, "live_index"),
        )

    def _judge(self, run: Run, steps: Sequence[Step]) -> Played:
        """Value everything at the prices of the end, before and after."""
        before, after = self._before, self._wealth()
        price = [market * scale for market, scale in zip(run.market, SCALE, strict=True)]
        positions = list(self._first)
        for place in run.touched:
            positions[place] = self._position(place)
        mine = self.stage.mine_places
        equity_before, _ = self._equities(self._first, before.index, price)
        equity_after, short = self._equities(positions, after.index, price)

        def gained(places: Sequence[int]) -> int:
            return sum(equity_after[place] - equity_before[place] for place in places)

        profit = gained(mine) + (after.coins - before.coins) * FINE
        profit += sum(
            (now - was) * each
            for now, was, each in zip(after.attacker, before.attacker, price, strict=True)
        )
        victims = gained(self.stage.other_places)
        protocol = sum(
            (now - was) * each
            for now, was, each in zip(after.system, before.system, price, strict=True)
        )
        protocol -= gained(range(len(positions))) + (after.outside - before.outside) * FINE
        parts = promised(run, price, short, set(self.stage.mine_places))
        return Played(tuple(steps), profit, victims, protocol, sum(parts.values()), parts)

    @staticmethod
    def _equities(
        positions: Sequence[_Position], index: int, price: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        """Return each account's equity, never below 0, and by how much its debt is above it."""
        equities, short = [], []
        for position in positions:
            worth = sum(
                amount * each for amount, each in zip(position.balances, price, strict=True)
            )
            debt = -(-position.normalized * index // RAY) * FINE
            equities.append(max(0, worth - debt))
            short.append(max(0, debt - worth))
        return equities, short


def _events(name: str) -> Iterator[Any]:
    from surety.compile import artifact

    for entry in artifact(name).abi:
        if entry["type"] == "event":
            yield entry
