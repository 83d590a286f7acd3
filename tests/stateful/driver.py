# SPDX-License-Identifier: MIT
"""A campaign: thousands of moves, each predicted, made, compared, and judged by the invariants.

A failing campaign ends with the seed, the step and the shortest history found that still fails, as
a test file that runs as it stands.
"""

from __future__ import annotations

import gc
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from surety.chain import Reverted
from surety.model.system import Foreseen
from tests.stateful.dice import MAIN, POKE_EACH, Dice
from tests.stateful.invariants import Step, hold
from tests.stateful.node import Node
from tests.stateful.prices import check_hub
from tests.stateful.scene import ENVIRONMENT, PRICES, Disagreement, Move, Scene, Setup
from tests.stateful.tokens import FALSE, NATURES, REVERTS, TWO
from tests.stateful.views import check_account, check_all, check_book
from tests.world import BPS

# how a token that moves nothing is met
REFUSALS = {FALSE: "transfer in failed", REVERTS: "token says no", TWO: ""}
PAYING = ("deposit", "withdraw", "adjust", "take", "takes", "fund.buy", "fund.collect")
ENDS = 9  # the last such part of a campaign is spent on a book that is shut down
MakeNode = Callable[[], Node]


@dataclass(slots=True)
class Counts:
    """What happened in one or several campaigns, so that nobody trusts an empty one."""

    steps: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        self.steps += other.steps
        self.done += other.done
        self.refused += other.refused
        self.seen += other.seen

    def refusals(self, what: str) -> int:
        return sum(count for (name, _), count in self.refused.items() if name == what)

    def reasons(self) -> set[str]:
        return {reason for _, reason in self.refused}


class Campaign:
    """One scene, its dice and its counts."""

    def __init__(self, node: Node, setup: Setup, seed: int, views_each: int = 40) -> None:
        self.scene = Scene(node, setup)
        self.dice = Dice(self.scene, seed)
        self.counts = Counts()
        self.views_each = views_each

    def step(self) -> None:
        """Let the world move, then somebody."""
        dice, scene = self.dice, self.scene
        changes = dice.surroundings()
        now = dice.moment()
        if now - scene.now > 3_000 and dice.chance(0.85):
            changes += dice.refresh_prices()
        pokes = dice.pokes(now - scene.now)
        start = max(scene.now, now - POKE_EACH * (pokes + 1))
        for what, args in changes:
            self.make(Move(start, scene.governor, what, args))
        for number in range(pokes):
            at = start + POKE_EACH * (number + 1)
            mask = 2 ** len(MAIN) - 1 if dice.chance(0.94) else 1 << 31
            self.make(Move(at, scene.keeper, "poke", (mask,)))
        self.make(dice.choose(max(scene.now, now)))
        self.counts.steps += 1

    def warm_up(self) -> None:
        """Begin with accounts at their limits and auctions coming up."""
        for move in self.dice.warm_up():
            self.make(move)

    def end(self) -> None:
        """Shut the book down, at whatever prices come."""
        for move in self.dice.end():
            self.make(move)

    def make(self, move: Move) -> Foreseen:
        outcome = self.scene.make(move)
        if self.scene.setup.hub == "feeds":
            self.judge_prices(move, outcome)
        if move.what not in ENVIRONMENT:
            self.judge(move, outcome)
        return outcome

    def judge_prices(self, move: Move, outcome: Foreseen) -> None:
        """Hold every price against the rules: only what a move asks for may have moved."""
        before, after = outcome.before.hub, outcome.after.hub
        if before is after:
            return
        kinds = -1
        if move.what in ENVIRONMENT or move.what in ("report", "uptime", "set_limits"):
            kinds = 0
        elif move.what in PRICES:
            kinds = move.args[0] if move.what == "poke" else 1 << move.args[0]
        for kind, what in enumerate(check_hub(before, after, move.at, kinds)):
            self.counts.seen[f"price {what}"] += 1
            if what == "sampled" and after.prices[kind].maintenance_multiplier > BPS:
                self.counts.seen["price grown wild"] += 1

    def judge(self, move: Move, outcome: Foreseen) -> None:
        """Count a move, and hold it against every rule and view."""
        if outcome.reason is not None:
            self.counts.refused[move.what, outcome.reason] += 1
            for token in outcome.before.turning.values():
                if outcome.reason == REFUSALS.get(token.nature) and move.what in PAYING:
                    self.counts.seen[f"token {NATURES[token.nature]}"] += 1
            if move.what == "margin_call" and outcome.reason == "account is covered":
                self.count_safe(move)
            return
        self.counts.done[move.what] += 1
        if move.what in PRICES:
            return
        for name, args in outcome.logs:
            self.counts.seen[name] += 1
            if name == "MarginCalled":
                self.counts.seen["tip" if args["tip"] else "no tip"] += 1
                immediate = args["auction_start"] == move.at
                self.counts.seen["immediate" if immediate else "grace"] += 1
            elif name == "Cured" and args["auction_start"]:
                self.counts.seen["restarted"] += 1
        for part in ("coin", "fund", "peg", "settlement"):
            for name, args in outcome.logs_of(part):
                self.counts.seen[f"{part} {name}"] += 1
                if name == "AccountSettled" and args["shortfall"]:
                    self.counts.seen["settled short"] += 1
                if name == "RedemptionOpened":
                    self.counts.seen["insolvent" if args["deficit"] else "solvent"] += 1
        for kind, token in outcome.after.turning.items():
            if (
                outcome.before.held[kind, self.scene.vault.address]
                != (outcome.after.held[kind, self.scene.vault.address])
            ):
                self.counts.seen[f"token {NATURES[token.nature]}"] += 1
            if token.calls > outcome.before.turning[kind].calls:
                self.counts.seen["called from inside a transfer"] += 1
        if move.what == "coin.flashLoan" and len(self.scene.plan) > 2:
            self.counts.seen["a loan around moves"] += 1
        step = Step(self.scene, move, outcome)
        hold(step)
        for id in step.touched()[:2]:
            check_account(self.scene, id)
        check_book(self.scene)
        if len(self.scene.moves) % self.views_each == 0:
            check_all(self.scene)

    def count_safe(self, move: Move) -> None:
        """Count an account that only the target level kept from being called."""
        book, id = self.scene.book, move.args[0]
        if id >> 168 or id not in book.positions:
            return
        levels, kinds = book.levels(id, move.at), book.positions[id].mask
        prices = book.hub.read(kinds, move.at).values()
        if 0 < levels.debt <= levels.target and any(
            price.maintenance_multiplier > BPS for price in prices
        ):
            self.counts.seen["safe whatever the volatility"] += 1


def run(make_node: MakeNode, setup: Setup, seed: int, steps: int) -> Counts:
    """Run a campaign of so many steps; a failure names the shortest history that still fails.

    Every other seed starts warm: with accounts at their limits and auctions coming up.
    """
    campaign = Campaign(make_node(), setup, seed)
    try:
        if seed % 2 == 0:
            campaign.warm_up()
        ends_at = steps - steps // ENDS
        for number in range(steps):
            if number == ends_at and not setup.governed:
                campaign.end()
            campaign.step()
    except (AssertionError, Reverted) as error:
        moves = list(campaign.scene.moves)
        short = shrink(make_node, setup, moves)
        where = f"seed {seed} step {campaign.counts.steps}: move {len(moves)}, {moves[-1]}"
        raise Disagreement(told(where, setup, error, short)) from error
    return campaign.counts


def replay(make_node: MakeNode, setup: Setup, moves: Sequence[Move]) -> None:
    """Make recorded moves again, with every comparison, and compare all views at the end."""
    campaign = Campaign(make_node(), setup, 0, views_each=10**9)
    for move in moves:
        campaign.make(Move(*move))
    check_all(campaign.scene)


def fails(make_node: MakeNode, setup: Setup, moves: Sequence[Move]) -> bool:
    try:
        replay(make_node, setup, moves)
    except (AssertionError, Reverted):
        return True
    finally:
        gc.collect()  # an EVM is heavy, and part of a cycle
    return False


def shrink(make_node: MakeNode, setup: Setup, moves: list[Move], seconds: float = 60) -> list[Move]:
    """Drop moves as long as the rest still fails, for at most about so many seconds."""
    if not fails(make_node, setup, moves):
        return moves  # something outside the moves matters: say all of them
    until = time.monotonic() + seconds
    size = max(1, len(moves) // 2)
    while size and time.monotonic() < until:
        at, dropped = 0, False
        while at < len(moves) and time.monotonic() < until:
            shorter = moves[:at] + moves[at + size :]
            if shorter and fails(make_node, setup, shorter):
                moves, dropped = shorter, True
            else:
                at += size
        size = size if dropped and size == 1 else size // 2
    return moves


def told(where: str, setup: Setup, error: Exception, short: Sequence[Move]) -> str:
    """Return a report that is a test file, to be saved below tests/ and run as it stands."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    words = [f"{type(error).__name__}: {error}", f"in {last.name}: {last.line}"]
    words = "\n".join(words).splitlines()
    name = re.sub(r"\W+", "_", where.partition(":")[0])
    return "\n".join(
        [
            "",
            "# SPDX-License-Identifier: MIT",
            f"# {where}",
            *(f"# {line}" for line in words),
            "from surety.deploy import BookParams",
            "from tests.stateful.driver import replay",
            "from tests.stateful.node import RevmNode",
            "from tests.stateful.scene import Setup",
            "from tests.world import GENESIS",
            "",
            "",
            f"def test_replay__{name}():",
            f"    assert BookParams  # is part of the next line\n    setup = {setup!r}",
            "    replay(lambda: RevmNode(GENESIS), setup, [",
            *(f"        {tuple(move)!r}," for move in short),
            "    ])",
        ]
    )
