# SPDX-License-Identifier: MIT
"""An independent model of a book, and a stage on which every transaction is predicted first.

`Book` holds everything that a vault, its coin and its hub remember about some accounts and people.
It says of every move whether it is refused, and with which reason, or what exactly is remembered
and logged afterwards; of the project it uses only the formulas. `Stage.act` asks the model, sends
the transaction at the very second that was asked about, and compares everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NoReturn

from eth_utils.address import to_checksum_address

from surety.chain import Contract, Receipt, RpcError
from surety.formulas import Revert, margin_math
from tests.world import BPS, INT_MIN, MAX, World, reverts

DEBT_ONLY = 255
FAILED = 1
PAUSE_BORROW, PAUSE_WITHDRAW, PAUSE_CALL, PAUSE_TAKE = 1, 2, 4, 8
FEED_SCALE = 10**10


class Refused(Exception):
    """The model refuses a move; `reason` is what the contract must say."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refuse(reason: str) -> NoReturn:
    raise Refused(reason)


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What a kind is listed with; ratios in bps."""

    decimals: int
    initial_ltv: int
    maintenance_ltv: int
    close_out_ltv: int
    start_factor: int
    end_factor: int

    @classmethod
    def unpack(cls, word: int) -> KindFacts:
        bps = [(word >> shift) % 2**16 for shift in (160, 176, 192, 208, 224)]
        return cls((word >> 240) % 2**8, *bps)


@dataclass(frozen=True, slots=True)
class Rules:
    """The immutable numbers of a book and of its hub."""

    grace_period: int
    auction_duration: int
    call_cool_down: int
    debt_floor: int
    call_tip: int
    penalty: int
    fresh_for: int
    max_age: int
    vault: str
    kinds: tuple[KindFacts, ...]


@dataclass(slots=True)
class Position:
    """One account: its word's fields and its balances; the mask follows from the balances."""

    normalized: int
    start: int
    touched: int
    spare: int
    balances: list[int]

    @property
    def mask(self) -> int:
        return sum(1 << kind for kind, balance in enumerate(self.balances) if balance > 0)

    @property
    def word(self) -> int:
        """Pack it as the vault does."""
        return (
            self.normalized
            | self.mask << 104
            | self.start << 136
            | self.touched << 176
            | self.spare << 216
        )


@dataclass(frozen=True, slots=True)
class Price:
    """A kind's stored price word; `lo` is not blanked while it has failed."""

    lo: int
    hi: int
    updated_at: int
    flags: int
    initial_multiplier: int = BPS
    maintenance_multiplier: int = BPS


@dataclass(frozen=True, slots=True)
class Levels:
    """What an account owes, is worth, and supports at each level."""

    debt: int
    value: int
    target: int
    maintenance: int
    close_out: int
    end_value: int
    flags: int


@dataclass(slots=True)
class Book:
    """Everything remembered about some accounts and people."""

    rules: Rules = field(compare=False)
    feeds: list[tuple[int, int] | None] = field(compare=False)  # answer and time; None: it reverts
    positions: dict[int, Position]
    total_normalized: int
    take_resumes_at: int
    take_pause: int
    pauses: int
    isolated: int
    frozen: int
    index: int
    accrued_at: int
    rate: int
    absorbed: list[int]
    deposited: list[int]
    caps: list[int]
    prices: list[Price]
    supply: int
    minted: int
    ceiling: int
    coins: dict[str, int]
    held: dict[tuple[int, str], int]
    logs: list[tuple[str, dict[str, Any]]] = field(default_factory=list, compare=False)
    returned: Any = field(default=None, compare=False)

    # reading

    @staticmethod
    def requests(
        world: World, ids: Sequence[int], people: Sequence[str]
    ) -> list[tuple[str, list[Any]]]:
        """Return the calls that `parse` wants the answers of."""
        vault, kinds = world.vault, range(len(world.tokens))
        asked = [vault.request(name) for name in ("totals", "interest")]
        asked += [world.coin.request("totalSupply")]
        asked += [world.coin.request(name, vault.address) for name in ("minted", "ceiling")]
        for kind in kinds:
            asked += [vault.request("absorbed", kind), vault.request("deposited", kind)]
            asked += [world.hub.request("words", kind)]
        for id in ids:
            asked += [vault.request("accounts", id)]
            asked += [vault.request("balances", id, kind) for kind in kinds]
        for who in people:
            asked += [world.coin.request("balanceOf", who)]
            asked += [token.request("balanceOf", who) for token in world.tokens]
        asked += [feed.request("latestRoundData") for feed in world.feeds]
        return asked

    @classmethod
    def parse(
        cls, rules: Rules, ids: Sequence[int], people: Sequence[str], answers: list[Any]
    ) -> Book:
        kinds = range(len(rules.kinds))
        feeds: list[tuple[int, int] | None] = []
        for answer in answers[-len(rules.kinds) :]:
            if isinstance(answer, RpcError):
                feeds.append(None)
                continue
            words = [int(answer[at : at + 64], 16) for at in range(2, 2 + 64 * 5, 64)]
            feeds.append((words[1], words[3]))
        left = iter(int(answer, 16) for answer in answers[: -len(rules.kinds)])
        totals, interest = next(left), next(left)
        supply, minted, ceiling = next(left), next(left), next(left)
        absorbed, deposited, caps, prices = [], [], [], []
        for _ in kinds:
            absorbed.append(next(left))
            word = next(left)
            deposited.append(word % 2**128)
            caps.append(word >> 128)
            word = next(left)
            prices.append(
                Price(
                    word % 2**88,
                    (word >> 88) % 2**88,
                    (word >> 176) % 2**40,
                    word >> 248,
                    (word >> 216) % 2**16,
                    (word >> 232) % 2**16,
                )
            )
        positions = {}
        for id in ids:
            word = next(left)
            position = Position(
                word % 2**104,
                (word >> 136) % 2**40,
                (word >> 176) % 2**40,
                word >> 216,
                [next(left) for _ in kinds],
            )
            assert position.word == word, "a mask bit without its balance, or the other way round"
            positions[id] = position
        coins, held = {}, {}
        for who in people:
            coins[who] = next(left)
            for kind in kinds:
                held[kind, who] = next(left)
        return cls(
            rules=rules,
            feeds=feeds,
            positions=positions,
            total_normalized=totals % 2**112,
            take_resumes_at=(totals >> 112) % 2**40,
            take_pause=totals >> 232,
            pauses=(totals >> 152) % 2**16,
            isolated=(totals >> 168) % 2**32,
            frozen=(totals >> 200) % 2**32,
            index=interest % 2**128,
            accrued_at=(interest >> 128) % 2**40,
            rate=interest >> 168,
            absorbed=absorbed,
            deposited=deposited,
            caps=caps,
            prices=prices,
            supply=supply,
            minted=minted,
            ceiling=ceiling,
            coins=coins,
            held=held,
        )

    def copy(self) -> Book:
        """Return a book that can be changed without changing this one."""
        return replace(
            self,
            positions={
                id: replace(position, balances=list(position.balances))
                for id, position in self.positions.items()
            },
            absorbed=list(self.absorbed),
            deposited=list(self.deposited),
            prices=list(self.prices),
            feeds=list(self.feeds),
            coins=dict(self.coins),
            held=dict(self.held),
            logs=[],
            returned=None,
        )

    # prices and interest

    def live_index(self, now: int) -> int:
        if now == self.accrued_at:
            return self.index
        return margin_math.index_up(self.index, self.rate, now - self.accrued_at)

    def refresh(self, now: int) -> int:
        """Write the index when the last write is an hour old, and return the live one."""
        index = self.live_index(now)
        if now >= self.accrued_at + 3_600:
            self.index, self.accrued_at = index, now
            self.log("Accrued", index=index)
        return index

    def sync(self, mask: int, now: int) -> dict[int, Price]:
        """Refresh the prices of a mask as the hub does, and return them as callers see them."""
        for kind in range(len(self.prices)):
            if mask >> kind & 1:
                self.prices[kind] = self.next_price(kind, now)
        return self.peek(mask, now)

    def next_price(self, kind: int, now: int) -> Price:
        """Return what the hub would store of a kind now."""
        price, feed = self.prices[kind], self.feeds[kind]
        if not price.flags & FAILED and now - price.updated_at < self.rules.fresh_for:
            return price
        if feed is None or feed[0] <= 0 or now - feed[1] > self.rules.max_age:
            return replace(price, flags=price.flags | FAILED)
        raw = feed[0] * FEED_SCALE
        return replace(price, lo=raw, hi=raw, updated_at=now, flags=0)

    def peek(self, mask: int, now: int) -> dict[int, Price]:
        """Return the prices of a mask as callers see them now."""
        words = {
            kind: self.next_price(kind, now) for kind in range(len(self.prices)) if mask >> kind & 1
        }
        return {
            kind: replace(price, lo=0) if price.flags & FAILED else price
            for kind, price in words.items()
        }

    def debt(self, id: int, now: int) -> int:
        return margin_math.debt_up(self.positions[id].normalized, self.live_index(now))

    def levels(self, id: int, now: int) -> Levels:
        """Measure an account at this second without changing anything."""
        words = self.peek(self.positions[id].mask, now)
        return self._measure(id, words, self.live_index(now))

    def _measure(self, id: int, words: dict[int, Price], index: int) -> Levels:
        position = self.positions[id]
        value = target = maintenance = close_out = end_value = flags = 0
        for kind, price in words.items():
            facts = self.rules.kinds[kind]
            worth = margin_math.value_down(position.balances[kind], price.hi, facts.decimals)
            value += worth
            target += margin_math.target_capacity(worth, facts.initial_ltv)
            maintenance += margin_math.maintenance_capacity(
                worth, facts.initial_ltv, facts.maintenance_ltv, price.maintenance_multiplier
            )
            close_out += margin_math.close_out_capacity(worth, facts.close_out_ltv)
            end_value += worth * facts.end_factor
            flags |= price.flags
        debt = margin_math.debt_up(position.normalized, index)
        return Levels(debt, value, target, maintenance, close_out, end_value, flags)

    # logs

    def log(self, name: str, **args: Any) -> None:
        self.logs.append((name, args))

    def log_account(self, id: int, kind: int = DEBT_ONLY) -> None:
        position = self.positions[id]
        balance = 0 if kind == DEBT_ONLY else position.balances[kind]
        self.log("AccountUpdated", account=id, kind=kind, balance=balance, word=position.word)

    # coins and tokens

    def mint(self, who: str, amount: int) -> bool:
        if self.minted + amount > self.ceiling:
            return False
        self.minted += amount
        self.supply += amount
        if who in self.coins:
            self.coins[who] += amount
        return True

    def burn(self, who: str, amount: int) -> None:
        if self.coins.get(who, amount) < amount:
            refuse("amount exceeds balance")
        if who in self.coins:
            self.coins[who] -= amount
        self.supply -= amount
        self.minted -= min(self.minted, amount)

    def transfer(self, kind: int, payer: str, payee: str, amount: int) -> None:
        if (kind, payer) in self.held:
            self.held[kind, payer] -= amount
        if (kind, payee) in self.held:
            self.held[kind, payee] += amount

    # moves: each takes the second and the caller first

    def deposit(self, now: int, caller: str, id: int, kind: int, amount: int) -> None:
        self._change(now, caller, id, [(kind, amount)], 0, caller)

    def withdraw(
        self, now: int, caller: str, id: int, kind: int, amount: int, receiver: str
    ) -> None:
        self._change(now, caller, id, [(kind, INT_MIN if amount == MAX else -amount)], 0, receiver)

    def borrow(self, now: int, caller: str, id: int, amount: int, receiver: str) -> None:
        if amount == 0:
            refuse("zero amount")
        self._change(now, caller, id, [], amount, receiver)

    def repay(self, now: int, caller: str, id: int, amount: int) -> None:
        if amount == 0:
            refuse("zero amount")
        self.returned = self._change(now, caller, id, [], -min(amount, MAX // 2), caller)

    def _change(
        self,
        now: int,
        caller: str,
        id: int,
        legs: list[tuple[int, int]],
        debt_delta: int,
        receiver: str,
    ) -> int:
        if id >> 168:
            refuse("unknown account")
        position = self.positions[id]
        old_mask, kinds = position.mask, self.rules.kinds
        raised = PAUSE_BORROW if debt_delta > 0 else 0
        outgoing = []
        for kind, delta in legs:
            if kind >= len(kinds):
                refuse("unknown kind")
            balance, out = position.balances[kind], 0
            if delta > 0:
                self.deposited[kind] += delta
                rescue = position.start and debt_delta <= 0
                if self.deposited[kind] > (2**128 - 1 if rescue else self.caps[kind]):
                    refuse("above cap")
                position.balances[kind] += delta
            else:
                raised |= PAUSE_WITHDRAW
                out = balance if delta == INT_MIN else -delta
                if out == 0:
                    refuse("zero amount")
                if out > balance:
                    refuse("above balance")
                self.deposited[kind] -= out
                position.balances[kind] -= out
            outgoing.append(out)
        enabled = position.mask & ~old_mask
        if raised and (int(receiver, 16) == 0 or receiver == self.rules.vault):
            refuse("bad receiver")
        if (raised or enabled) and int(caller, 16) != id >> 8:
            refuse("not authorised")
        owed = repaid = 0
        if debt_delta or (raised and position.normalized):
            index = self.refresh(now)
            if debt_delta > 0:
                if debt_delta > 2**128:
                    refuse("debt too large")
                added = margin_math.borrowed_up(debt_delta, index)
                position.normalized += added
                self.total_normalized += added
            elif debt_delta < 0:
                owed = margin_math.debt_up(position.normalized, index)
                repaid = margin_math.repayment(-debt_delta, owed, self.rules.debt_floor)
                removed = position.normalized
                if repaid < owed:
                    removed = margin_math.repaid_down(repaid, index)
                position.normalized -= removed
                self.total_normalized -= removed
            owed = margin_math.debt_up(position.normalized, index)
        if raised:
            position.touched = now
        if raised or not position.normalized:
            position.start = 0
        if enabled:
            if enabled & self.frozen:
                refuse("kind is frozen")
            if any(price.flags & FAILED for price in self.sync(enabled, now).values()):
                refuse("price failed")
        if raised and owed:
            self._check_initial(now, position, owed, raised)
        for kind, _ in legs:
            self.log_account(id, kind)
        if not legs:
            self.log_account(id)
        for (kind, _), out in zip(legs, outgoing, strict=True):
            self.transfer(kind, self.rules.vault, receiver, out)
        if debt_delta > 0 and not self.mint(receiver, debt_delta):
            refuse("above ceiling")
        for kind, delta in legs:
            if delta > 0:
                self.transfer(kind, caller, self.rules.vault, delta)
        if repaid:
            self.burn(caller, repaid)
        return repaid

    def _check_initial(self, now: int, position: Position, owed: int, raised: int) -> None:
        paused = self.pauses & raised
        if paused & PAUSE_BORROW:
            refuse("borrowing paused")
        if paused:
            refuse("withdrawing paused")
        if owed < self.rules.debt_floor:
            refuse("below debt floor")
        capacity = 0
        for kind, price in self.sync(position.mask, now).items():
            facts = self.rules.kinds[kind]
            worth = margin_math.value_down(position.balances[kind], price.lo, facts.decimals)
            capacity += margin_math.initial_capacity(
                worth, facts.initial_ltv, price.initial_multiplier, self.frozen >> kind & 1
            )
        if owed > capacity:
            refuse("below initial margin")

    def margin_call(self, now: int, caller: str, id: int) -> None:
        opens, index, levels, _ = self._find(now, id, PAUSE_CALL)
        debt = levels.debt
        if debt <= levels.maintenance:
            refuse("account is covered")
        position, rules = self.positions[id], self.rules
        closes = opens + rules.auction_duration
        below_close_out = levels.close_out < debt
        immediate = below_close_out and position.touched < now
        paid = not opens or now > closes + rules.call_cool_down
        if opens and now <= closes:
            if now >= opens or not immediate:
                refuse("already called")
            start = now
        elif opens and below_close_out and now <= closes + rules.auction_duration:
            refuse("absorb instead")
        elif immediate or (opens and now <= closes + rules.call_cool_down):
            start = now
        else:
            start = now + rules.grace_period
        position.start = start
        tip = min(rules.call_tip, debt // 400) if paid else 0
        if tip:
            added = margin_math.borrowed_up(tip, index)
            raised = margin_math.debt_up(position.normalized + added, index)
            if raised <= levels.close_out and self.mint(caller, tip):
                position.normalized += added
                self.total_normalized += added
            else:
                tip = 0
        self.log_account(id)
        self.log("MarginCalled", account=id, auction_start=start, caller=caller, tip=tip)
        self.returned = tip

    def take(
        self,
        now: int,
        caller: str,
        id: int,
        kind: int,
        amount: int,
        max_price: int,
        receiver: str,
        data: bytes = b"",
    ) -> None:
        if amount == 0:
            refuse("zero amount")
        if int(receiver, 16) == 0 or receiver == self.rules.vault:
            refuse("bad receiver")
        opens, index, levels, words = self._find(now, id, PAUSE_TAKE)
        position, rules = self.positions[id], self.rules
        if not position.mask >> kind & 1:
            refuse("kind not enabled")
        if not opens or not opens <= now <= opens + rules.auction_duration:
            refuse("not in auction")
        if words[kind].flags & FAILED:
            refuse("price failed")
        debt = levels.debt
        if debt <= levels.maintenance:
            refuse("account is covered")
        factors = {
            other: margin_math.auction_factor(
                rules.kinds[other].start_factor,
                rules.kinds[other].end_factor,
                now - opens,
                rules.auction_duration,
            )
            for other in words
        }
        proceeds = sum(
            margin_math.value_down(position.balances[other], price.hi, rules.kinds[other].decimals)
            * factors[other]
            // BPS
            for other, price in words.items()
            if not price.flags & FAILED
        )
        penalty = min(rules.penalty, (proceeds - debt) * BPS // debt) if proceeds > debt else 0
        facts, hi, balance = rules.kinds[kind], words[kind].hi, position.balances[kind]
        price = margin_math.auction_price_up(hi, factors[kind])
        if price > max_price:
            refuse("above max price")
        try:
            sold, cost, repaid = margin_math.take_amounts(
                debt,
                levels.target,
                balance,
                amount,
                hi,
                facts.decimals,
                factors[kind],
                facts.initial_ltv,
                penalty,
                rules.debt_floor,
            )
        except Revert as error:
            refuse(str(error.reason))
        position.balances[kind] -= sold
        self.deposited[kind] -= sold
        normalized = margin_math.normalized_after_repayment(
            position.normalized, debt, repaid, index
        )
        owed = margin_math.debt_up(normalized, index)
        if not position.mask and owed:
            self.log("BadDebt", account=id, amount=owed)
            normalized = owed = 0
        self.total_normalized -= position.normalized - normalized
        position.normalized = normalized
        if owed <= self._measure(id, words, index).target:
            position.start = 0
        self.log_account(id, kind)
        self.log(
            "Taken",
            account=id,
            kind=kind,
            buyer=caller,
            amount=sold,
            price=price,
            cost=cost,
            debt_repaid=repaid,
        )
        self.transfer(kind, rules.vault, receiver, sold)
        self.burn(caller, cost)
        self.returned = (sold, cost)

    def cure(self, now: int, caller: str, id: int) -> None:
        opens, _, levels, _ = self._find(now, id, 0)
        if not opens:
            refuse("not curable")
        start = 0
        if levels.debt > levels.target:
            running = opens <= now <= opens + self.rules.auction_duration
            if not running or levels.debt > levels.maintenance:
                refuse("not curable")
            start = now
        self.positions[id].start = start
        self.log_account(id)
        self.log("Cured", account=id, auction_start=start)

    def absorb(self, now: int, caller: str, id: int) -> None:
        opens, _, levels, words = self._find(now, id, PAUSE_TAKE)
        position, rules = self.positions[id], self.rules
        closes = opens + rules.auction_duration
        if (
            not opens
            or not closes < now <= closes + rules.auction_duration
            or levels.debt <= levels.close_out
        ):
            refuse("not absorbable")
        if levels.flags & FAILED:
            refuse("price failed")
        share = margin_math.absorbed_share_up(levels.debt, rules.penalty, levels.end_value)
        for kind in words:
            moved = margin_math.absorbed_amount_up(position.balances[kind], share)
            position.balances[kind] -= moved
            self.absorbed[kind] += moved
        self.total_normalized -= position.normalized
        position.normalized = position.start = 0
        for kind in words:
            self.log_account(id, kind)
        shortfall = margin_math.absorb_shortfall(levels.debt, levels.end_value)
        self.log("Absorbed", account=id, debt=levels.debt, shortfall=shortfall)
        if shortfall:
            self.log("BadDebt", account=id, amount=shortfall)

    def opens_of(self, start: int) -> int:
        """Return when an auction opens as read: a pause of takes holds the clocks that ran."""
        paused_at = self.take_resumes_at - self.take_pause
        if not start or start + 2 * self.rules.auction_duration < paused_at:
            return start
        return max(start, self.take_resumes_at)

    def _find(self, now: int, id: int, pause: int) -> tuple[int, int, Levels, dict[int, Price]]:
        if id >> 168:
            refuse("unknown account")
        if self.pauses & pause == PAUSE_CALL:
            refuse("calling paused")
        if self.pauses & pause == PAUSE_TAKE and now < self.take_resumes_at:
            refuse("taking paused")
        position = self.positions[id]
        opens = self.opens_of(position.start)
        index = self.refresh(now)
        words = self.sync(position.mask, now)
        return opens, index, self._measure(id, words, index), words

    # sums

    def check(self, now: int) -> None:
        """Assert the sums of a book: collateral, debt, and what the vault really holds."""
        for kind, total in enumerate(self.deposited):
            inside = sum(position.balances[kind] for position in self.positions.values())
            assert inside + self.absorbed[kind] == total
            assert self.held.get((kind, self.rules.vault), total) >= total
        normalized = sum(position.normalized for position in self.positions.values())
        assert normalized == self.total_normalized
        for position in self.positions.values():
            assert not position.normalized or position.mask, "a debt without collateral"

    def equity(self, now: int) -> int:
        """What the book owes less what circulates; below zero is a deficit."""
        index = self.live_index(now)
        return margin_math.total_debt_down(self.total_normalized, index) - self.supply


@dataclass(frozen=True, slots=True)
class Outcome:
    """One move: the book before and after, what was logged, and why it was refused, if it was."""

    now: int
    before: Book
    after: Book
    reason: str | None
    receipt: Receipt | None

    @property
    def logs(self) -> list[tuple[str, dict[str, Any]]]:
        return self.after.logs

    def log(self, name: str) -> dict[str, Any]:
        """Return the arguments of the one event of that name."""
        (found,) = [args for event, args in self.logs if event == name]
        return found


def predict(book: Book, fn: str, args: Sequence[Any], sender: str, now: int) -> Outcome:
    """Say what a move will do at this second; the book stays as it is."""
    after = book.copy()
    try:
        getattr(after, fn)(now, sender, *args)
    except Refused as refused:
        return Outcome(now, book, book, refused.reason, None)
    return Outcome(now, book, after, None, None)


class Stage:
    """A world with named accounts and people, on which every move is predicted and compared."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rules = rules_of(world)
        names = (world.owner, world.other, world.keeper, world.stranger, world.fund.address)
        self.people = [to_checksum_address(who) for who in (*names, world.vault.address)]
        self.ids = [world.id(world.other, 255)]

    def open(
        self, legs: Sequence[tuple[int, int]], debt: int, owner: str | None = None, sub: int = 0
    ) -> int:
        """Open an account and follow it from now on."""
        id = self.world.open(legs, debt, owner, sub)
        self.ids.append(id)
        return id

    def watch(self, who: str) -> None:
        """Follow what somebody holds from now on."""
        self.people.append(to_checksum_address(who))

    def book(self) -> Book:
        """Read the whole book from the chain."""
        asked = Book.requests(self.world, self.ids, self.people)
        answers = self.world.rpc.batch(asked, return_errors=True)
        return Book.parse(self.rules, self.ids, self.people, answers)

    def levels(self, id: int) -> Levels:
        return self.book().levels(id, self.world.now)

    def act(
        self,
        fn: str,
        *args: Any,
        sender: str | None = None,
        at: int | None = None,
        refused: str | None = None,
        via: Contract | None = None,
    ) -> Outcome:
        """Send a move at second `at` (default: the next) and compare it with the model.

        Asserts that it is refused with exactly `refused`, or that every word, balance and event
        afterwards is what the model says. `via`: a contract that makes the same call as itself.
        """
        world = self.world
        sender = to_checksum_address(sender or world.keeper)
        args = tuple(to_checksum_address(arg) if isinstance(arg, str) else arg for arg in args)
        now = at or world.now + 1
        before = self.book()
        caller = via.address if via else sender
        expected = predict(before, fn, args, caller, now)
        assert expected.reason == refused, f"the model: {expected.reason}, the test: {refused}"
        world.next_at(now)
        target = via or world.vault
        if refused is not None:
            with reverts(refused):
                target.transact(fn, *args, sender=sender)
            check_same(self.book(), before)
            return expected
        receipt = target.transact(fn, *args, sender=sender)
        assert [(e.name, e.args) for e in world.events(receipt)] == expected.logs
        found = self.book()
        check_same(found, expected.after)
        found.check(now)
        expected.after.feeds = found.feeds
        return Outcome(now, before, expected.after, None, receipt)


def rules_of(world: World) -> Rules:
    """Read from the chain what never changes."""
    vault = world.vault
    return Rules(
        grace_period=vault.read("grace_period"),
        auction_duration=vault.read("auction_duration"),
        call_cool_down=vault.read("call_cool_down"),
        debt_floor=vault.read("debt_floor"),
        call_tip=vault.read("call_tip"),
        penalty=vault.read("liquidation_penalty"),
        fresh_for=world.hub.read("fresh_for"),
        max_age=world.params.kinds[0].max_age,
        vault=vault.address,
        kinds=tuple(
            KindFacts.unpack(vault.read("collateral", kind)) for kind in range(len(world.tokens))
        ),
    )


def check_same(found: Book, expected: Book) -> None:
    """Assert that two books remember the same, or name everything that differs."""
    different = [
        f"{item.name}: {getattr(found, item.name)} is not {getattr(expected, item.name)}"
        for item in fields(Book)
        if item.compare and getattr(found, item.name) != getattr(expected, item.name)
    ]
    assert not different, "\n".join(different)
