# SPDX-License-Identifier: MIT
"""A long random history of one book, every step predicted to the last wei before it is sent.

Prices jump, feeds die and go stale, time runs to the edges of clocks, owners and strangers do what
they may and may not. A model that shares only the formulas says of each call what becomes of it;
the chain must agree on every word, balance, event and reason. What the specification promises about
liquidations is asserted beside it, and a history in which something never happened fails.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from surety.chain import Reverted
from tests.book import FEED_SCALE, PAUSE_CALL, PAUSE_TAKE, Book, Levels, Stage, check_same, predict
from tests.world import MAX, WAD, World, anvil_world

STEPS = 2_400
SEED = 4
BASE = (2_000 * WAD, 40_000 * WAD, WAD)
UNIT = (10**18, 10**8, 10**6)
ZERO = "0x" + "00" * 20

# every reason of the liquidation paths that this book can give
REASONS = {
    "margin_call": {"account is covered", "already called", "absorb instead", "calling paused"},
    "take": {
        "zero amount",
        "bad receiver",
        "taking paused",
        "kind not enabled",
        "not in auction",
        "price failed",
        "account is covered",
        "above max price",
        "leaves dust",
        "amount exceeds balance",
    },
    "cure": {"not curable"},
    "absorb": {"not absorbable", "price failed", "taking paused"},
    "borrow": {"below initial margin", "not authorised", "below debt floor"},
    "withdraw": {"below initial margin", "not authorised", "above balance"},
    "deposit": {"not authorised", "zero amount"},
    "repay": {"zero amount", "amount exceeds balance"},
}
# how likely each move is on an account in a plight, in the order of REASONS
LIKELY = {
    "callable": (30, 3, 2, 2, 0, 1, 1, 1),
    "called": (9, 4, 6, 3, 1, 2, 3, 4),
    "in auction": (3, 40, 4, 3, 1, 1, 2, 2),
    "dormant": (3, 8, 14, 2, 4, 2, 1, 1),
    "absorbable": (9, 5, 3, 24, 1, 1, 1, 1),
}


class History:
    """One book, its model, and the dice."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.stage = Stage(world)
        owners = [world.owner, world.other]
        self.accounts = [world.id(owner, sub) for owner in owners for sub in range(4)]
        self.stage.ids += self.accounts
        world.give_coins(world.keeper, 3_000_000 * WAD)
        for owner in (*owners, world.stranger):
            for kind in range(3):
                world.give(owner, kind, 10**9 * UNIT[kind])
        self.succeeded: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.seen: Counter[str] = Counter()
        self.book = self.stage.book()
        self.time = world.now

    # the world around

    def feed(self, kind: int, price: int) -> None:
        price = price // FEED_SCALE * FEED_SCALE
        self.world.set_price(kind, price)
        self.time = self.world.now
        if self.book.feeds[kind] is not None:
            self.book.feeds[kind] = (price // FEED_SCALE, self.time)

    def price(self, kind: int) -> int:
        feed = self.book.feeds[kind]
        return self.book.prices[kind].hi if feed is None else feed[0] * FEED_SCALE

    def move_prices(self) -> None:
        dice = self.dice
        kind = dice.randrange(3)
        size = dice.choice((3, 3, 3, 10, 30))
        if kind == 2:
            size = min(size, 10)
        now, base = self.price(kind), BASE[kind]
        lean = 1 if now < base * 6 // 10 else -1 if now > base * 15 // 10 else 0
        percent = dice.randint(-size, size) if not lean else lean * dice.randint(0, size)
        self.feed(kind, max(base // 5, now * (1_000 + percent * 10 + dice.randint(-4, 4)) // 1_000))

    def break_or_mend_a_feed(self) -> None:
        kind = self.dice.randrange(3)
        broken = self.book.feeds[kind] is not None and self.dice.random() < 0.5
        self.world.feeds[kind].transact("set_reverts", broken, sender=self.world.governor)
        self.refresh()

    def pause_or_resume(self) -> None:
        bits = 0 if self.book.pauses else self.dice.choice((PAUSE_CALL, PAUSE_TAKE))
        self.world.vault.transact("set_pauses", bits, sender=self.world.governor)
        self.refresh()

    def refresh(self) -> None:
        """Read again what the world around has changed, and only that."""
        before, self.book = self.book, self.stage.book()
        assert self.book.positions == before.positions
        self.time = self.world.now

    def let_time_pass(self) -> int:
        """Choose the second of the next move: soon, or at the edge of somebody's clock."""
        dice = self.dice
        roll = dice.random()
        now = self.time + 1
        if roll < 0.7:
            return now + dice.choice((0, 0, 0, 12, 59, 60, 300, 600))
        if roll < 0.73:
            return now + dice.randint(600, 7_200)
        if roll < 0.735:
            return now + dice.randint(20_000, 200_000)
        clocks = [p.start for p in self.book.positions.values() if p.start]
        if not clocks:
            return now
        opens = self.book.opens_of(dice.choice(clocks))
        rules = self.stage.rules
        edges = [
            opens - 1,
            opens,
            opens + dice.randint(0, rules.auction_duration),
            opens + rules.auction_duration,
            opens + rules.auction_duration + 1,
            opens + 2 * rules.auction_duration,
            opens + 2 * rules.auction_duration + 1,
        ]
        if dice.random() < 0.1:
            edges = [opens + rules.auction_duration + rules.call_cool_down + dice.randint(0, 1)]
        ahead = [edge for edge in edges if now <= edge < now + 14 * 86_400]
        return dice.choice(ahead) if ahead else now

    # the moves

    def plight(self, id: int, now: int) -> str:
        """Name what an account is in now."""
        levels, rules = self.book.levels(id, now), self.stage.rules
        position = self.book.positions[id]
        opens = self.book.opens_of(position.start)
        closes = opens + rules.auction_duration
        if levels.debt <= levels.maintenance:
            return "dormant" if opens else "calm"
        if opens and now < opens:
            return "called"
        if opens and now <= closes:
            return "in auction"
        if opens and now <= closes + rules.auction_duration and levels.debt > levels.close_out:
            return "absorbable"
        return "callable"

    def room(self, id: int, now: int) -> int:
        """What an account could borrow if no price had failed."""
        levels = self.book.levels(id, now)
        return levels.target - levels.debt

    def who(self, id: int) -> str:
        """The owner, or now and then somebody else."""
        owner = to_checksum_address(f"0x{id >> 8:040x}")
        return owner if self.dice.random() < 0.9 else self.stage.people[3]

    def choose(self, now: int) -> tuple[str, tuple[Any, ...], str]:
        """Choose a move, its arguments and who makes it."""
        dice, people = self.dice, self.stage.people
        plights = {id: self.plight(id, now) for id in self.stage.ids}
        pressing = sorted(set(plights.values()) - {"calm"})
        fn, id = dice.choice(list(REASONS)), dice.choice(self.stage.ids)
        if pressing and dice.random() < 0.7:
            urgent = [plight for plight in ("in auction", "absorbable") if plight in pressing]
            plight = dice.choice(pressing + 3 * urgent)
            id = dice.choice([id for id, found in plights.items() if found == plight])
            fn = dice.choices(list(REASONS), LIKELY[plight])[0]
        elif fn in ("margin_call", "take", "absorb", "cure") and dice.random() < 0.6:
            fn = dice.choice(("deposit", "withdraw", "borrow", "borrow", "borrow"))
        if fn == "margin_call":
            return fn, (id if dice.random() < 0.98 else 2**168,), people[2]
        if fn in ("cure", "absorb"):
            return fn, (id,), people[3]
        if fn == "take":
            return self.choose_take(id)
        if id not in self.accounts:
            id = dice.choice(self.accounts)
        if fn == "borrow" and dice.random() < 0.4:
            id = max(self.accounts, key=lambda one: self.room(one, now))
        caller, position = self.who(id), self.book.positions[id]
        kind = dice.randrange(3)
        if fn == "deposit":
            small = self.accounts.index(id) % 4 < 2  # about what a debt at the floor needs
            size = dice.randint(1, 12 if small else 100)
            amount = UNIT[kind] * BASE[0] * size // BASE[kind] // 10
            if dice.random() < 0.05:
                amount = 0
            return fn, (id, kind, amount), self.who(id)
        if fn == "withdraw":
            held = [k for k in range(3) if position.balances[k]] or [kind]
            kind = dice.choice(held)
            balance = position.balances[kind]
            amount = dice.choice((MAX, balance // 2, balance // 5, balance // 20, balance + 1))
            return fn, (id, kind, amount, caller), caller
        debt = self.book.debt(id, now)
        if fn == "repay":
            amount = max(0, dice.choice((debt // 10, debt // 20, debt - 1, debt - 1, MAX, 0)))
            return fn, (id, amount), dice.choice((caller, people[2], people[3]))
        room = max(0, self.room(id, now))
        share = dice.choice((100, 100, 99, 99, 90, 101))
        amount = max(1, room * share // 100)
        if dice.random() < 0.25:
            amount = dice.choice((1_999, 2_000, 2_000, 2_300)) * WAD
        return fn, (id, amount, caller), caller

    def choose_take(self, id: int) -> tuple[str, tuple[Any, ...], str]:
        dice, people = self.dice, self.stage.people
        position = self.book.positions[id]
        held = [k for k in range(3) if position.balances[k]]
        kind = dice.choice(held) if held and dice.random() < 0.93 else dice.randrange(3)
        balance = position.balances[kind]
        shares = (balance // 3, balance // 10, balance // 2, balance, 1, 10**5, MAX, MAX)
        amount = dice.choice(shares)
        limit = MAX if dice.random() < 0.92 else self.price(kind) * 9 // 10
        receiver = people[2]
        if dice.random() < 0.04:
            amount = 0
        elif dice.random() < 0.04:
            receiver = dice.choice((ZERO, self.world.vault.address))
        payer = people[2] if dice.random() < 0.9 else people[3]
        return "take", (id, kind, amount, limit, receiver, b""), payer

    def step(self) -> None:
        """Change the world a little, choose a move, predict it, make it, compare."""
        roll = self.dice.random()
        if roll < 0.40:
            self.move_prices()
        elif roll < 0.42:
            self.break_or_mend_a_feed()
        elif roll < (0.48 if self.book.pauses else 0.424):
            self.pause_or_resume()
        now = self.let_time_pass()
        if now - self.time > 3_000 and self.dice.random() < 0.9:
            self.world.next_at(now - 61)
            for kind in range(3):
                self.feed(kind, self.price(kind))
            now = max(now, self.time + 1)
        fn, args, sender = self.choose(now)
        self.make(now, fn, args, sender)

    def make(self, now: int, fn: str, args: tuple[Any, ...], sender: str) -> None:
        world = self.world
        expected = predict(self.book, fn, args, sender, now)
        world.next_at(now)
        reason, logs = None, []
        try:
            receipt = world.vault.transact(fn, *args, sender=sender)
            logs = [(event.name, event.args) for event in world.events(receipt)]
        except Reverted as error:
            reason = error.reason
        told = f"{fn}{args} by {sender} at {now}"
        assert reason == expected.reason, f"{told}: {reason!r}, the model {expected.reason!r}"
        found = self.stage.book()
        check_same(found, expected.after)
        found.check(now)
        self.time = now
        if reason is not None:
            self.refused[fn, reason] += 1
            self.book = found
            return
        assert logs == expected.logs, told
        self.succeeded[fn] += 1
        for name, _ in logs:
            self.seen[name] += 1
        self.check_promises(fn, args, now, self.book, found, expected.logs)
        self.book = found

    # what the specification promises

    def check_promises(
        self,
        fn: str,
        args: tuple[Any, ...],
        now: int,
        before: Book,
        after: Book,
        logs: list[tuple[str, dict[str, Any]]],
    ) -> None:
        id = args[0]
        was, position = before.positions[id], after.positions[id]
        levels, left = before.levels(id, now), after.levels(id, now)
        rules = self.stage.rules
        opens = before.opens_of(was.start)
        closes = opens + rules.auction_duration
        # a liquidation touches no other account
        for other, kept in after.positions.items():
            assert other == id or kept == before.positions[other]
        # a clock is set by a call above maintenance, moved by a cure, else only cleared
        if position.start not in (was.start, 0):
            assert fn in ("margin_call", "cure")
        if fn == "margin_call":
            assert levels.debt > levels.maintenance
            assert not opens <= now <= closes or not opens
            tip = dict(logs)["MarginCalled"]["tip"]
            assert tip <= min(rules.call_tip, levels.debt // 400)
            assert not tip or left.debt <= left.close_out
            self.seen["tip" if tip else "no tip"] += 1
            self.seen["immediate" if position.start == now else "grace"] += 1
        elif fn == "cure":
            if position.start:
                assert opens <= now <= closes
                assert levels.target < levels.debt <= levels.maintenance
                self.seen["restarted"] += 1
        elif fn == "take":
            self.check_take(args[1], now, opens, before, after, levels, left, dict(logs))
        elif fn == "absorb":
            assert closes < now <= closes + rules.auction_duration
            assert levels.debt > levels.close_out
            assert position.normalized == 0
            assert after.held == before.held
            assert after.coins == before.coins
        # equity falls only by bad debt and by what an absorb strikes off
        lost = dict(logs).get("BadDebt", {}).get("amount", 0) if fn == "take" else 0
        struck = levels.debt if fn == "absorb" else 0
        change = after.equity(now) - before.equity(now)
        assert change >= -lost - struck - 3
        if fn != "take":
            assert change <= 3 - struck

    def check_take(
        self,
        kind: int,
        now: int,
        opens: int,
        before: Book,
        after: Book,
        levels: Levels,
        left: Levels,
        logs: dict[str, dict[str, Any]],
    ) -> None:
        rules, taken = self.stage.rules, logs["Taken"]
        id = taken["account"]
        was, position = before.positions[id], after.positions[id]
        hi, facts = after.prices[kind].hi, rules.kinds[kind]
        assert opens <= now <= opens + rules.auction_duration
        assert levels.debt > levels.maintenance
        assert hi * facts.end_factor <= taken["price"] * 10_000
        assert taken["price"] * 10_000 < hi * facts.start_factor + 10_000
        whole = position.balances[kind] == 0
        cleared = position.normalized == 0
        one_unit = hi // UNIT[kind] + 4
        assert whole or cleared or left.debt + one_unit >= left.target
        assert whole or cleared or left.debt >= min(rules.debt_floor, levels.debt)
        assert left.debt - left.maintenance <= levels.debt - levels.maintenance + 3
        assert (position.start == 0) == (left.debt <= left.target)
        penalty = taken["cost"] - taken["debt_repaid"]
        assert 0 <= penalty <= taken["cost"] * rules.penalty // (10_000 + rules.penalty) + 1
        self.seen["to target" if left.debt <= left.target and not cleared else "other take"] += 1
        self.seen["cleared" if cleared else "not cleared"] += 1
        self.seen["whole lot" if whole else "part of a lot"] += 1
        self.seen["penalty waived" if penalty == 0 and taken["cost"] > WAD else "penalty"] += 1
        assert was.start == position.start or not position.start


@pytest.fixture
def history() -> Iterator[History]:
    with anvil_world() as world:
        yield History(world, SEED)


def test_random_liquidations(history):
    for _ in range(STEPS):
        history.step()

    # a history in which something never happened proves nothing about it
    refused: Counter[str] = Counter()
    for (fn, _), count in history.refused.items():
        refused[fn] += count
    for fn in REASONS:
        assert history.succeeded[fn] >= 5, (fn, history.succeeded)
        assert refused[fn] >= 5, (fn, history.refused)
    for fn, reasons in REASONS.items():
        missing = reasons - {reason for name, reason in history.refused if name == fn}
        assert not missing, (fn, missing)
    for what in ("tip", "no tip", "immediate", "grace", "restarted", "BadDebt", "to target"):
        assert history.seen[what] >= 2, (what, history.seen)
    for what in ("cleared", "whole lot", "part of a lot", "penalty waived", "penalty"):
        assert history.seen[what] >= 2, (what, history.seen)

    diligent(history)


def diligent(history: History) -> None:
    """Invariant 23: called and absorbed with diligence, nobody below close-out stays in debt."""
    world, stage = history.world, history.stage
    world.vault.transact("set_pauses", 0, sender=world.governor)
    for feed in world.feeds:
        feed.transact("set_reverts", False, sender=world.governor)
    world.forward(8 * 86_400)  # beyond every pause and cool-down
    for kind, price in enumerate(BASE):
        world.set_price(kind, price // 10)
    history.refresh()
    start = history.time + 61
    below = [
        id for id in stage.ids if (levels := history.book.levels(id, start)).debt > levels.close_out
    ]
    assert below
    for at, id in enumerate(below):
        history.make(start + at, "margin_call", (id,), stage.people[2])
    absorb_at = history.time + stage.rules.auction_duration + 1
    for at, id in enumerate(below):
        history.make(absorb_at + at, "absorb", (id,), stage.people[3])
    assert all(history.book.debt(id, history.time) == 0 for id in below)
    duration = stage.rules.auction_duration
    assert history.time - start <= stage.rules.grace_period + 2 * duration
