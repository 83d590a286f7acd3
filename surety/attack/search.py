# SPDX-License-Identifier: MIT
"""Look for the sequence that pays best: seeds, mutation and crossover, annealed, then polished.

A few walkers start from the seeds. Each step proposes a change of a walker's sequence, or a
crossing with one of the archive, which keeps the best of every structure met; a worse one is
accepted the more rarely the later it is (simulated annealing on the logarithm of the profit, so
that a wei counts as a step and so does a million). The end of the budget goes into amounts alone:
coordinate by coordinate around the best. Runs with the same seed and evaluations are the same.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from surety.attack.acts import ALL, EVERYTHING, FIELDS, RAISING, WHOLE, Act, Size
from surety.attack.bound import FINE
from surety.attack.play import Played, Player
from surety.attack.seeds import seeds
from surety.attack.stage import KINDS, PLACES

LENGTH: Final = 8
WALKERS: Final = 8
HOT, COLD = 16.0, 0.5  # powers of two of the profit that are given up for a try
POLISH: Final = 0.15  # of the budget
SHARES: Final = (0, 1, 10, 100, 250, 500, 750, 900, 990, 999, 1_000, 1_001, 2_000, 25_000, ALL)
DELTAS: Final = (0, 0, 0, 1, -1, 2, 10**6, 10**12, -(10**12))
WAITS: Final = (1, 12, 30, 59, 60, 61, 119, 120)

CALLABLE: Final = 3  # and the states after it: margin_math.vy
_LIQUIDATING: Final = ("margin_call", "take", "takes", "cure", "absorb")

Objective = Literal["excess", "profit"]
Watch = Callable[[int, Played], None]


@dataclass(slots=True)
class Found:
    """The best sequence of a search and how it was come to.

    `history` holds (evaluations, best so far) each time the best rose.
    """

    acts: tuple[Act, ...]
    played: Played
    evaluations: int
    seconds: float
    history: list[tuple[int, int]] = field(default_factory=list)
    leaks: int = 0  # sequences after which the three parties do not sum up to nothing
    done: dict[str, int] = field(default_factory=dict)  # by act: how often it went through
    refused: dict[str, int] = field(default_factory=dict)


class Search:
    """One search on one stage; `objective`: what is maximised, the profit or what of it is above
    the documented bound.
    """

    def __init__(
        self, player: Player, seed: int, objective: Objective = "excess", length: int = LENGTH
    ) -> None:
        """Prepare a search; the same seed makes the same choices."""
        self.player, self.objective, self.length = player, objective, length
        self._random = random.Random(seed)
        self._places = range(len(player.stage.accounts))
        self._whats = [
            what
            for what in FIELDS
            if what != "price" or (player.rules.moves and player.rules.move_bps)
        ]
        stage = player.stage
        states = stage.lens.read("states_of", stage.vault.address, stage.accounts)
        self._busy = [place for place, state in enumerate(states) if state >= CALLABLE]
        self._held = [
            [kind for kind in range(len(KINDS)) if stage.vault.read("balances", account, kind)]
            for account in stage.accounts
        ]
        self._archive: dict[tuple[str, ...], tuple[int, tuple[Act, ...]]] = {}
        self._order: list[tuple[str, ...]] = []

    def run(
        self,
        evaluations: int,
        seconds: float = math.inf,
        stop_above: int | None = None,
        watch: Watch | None = None,
    ) -> Found:
        """Search until a budget is used up, or the score passes `stop_above`."""
        self.begin(evaluations, seconds, stop_above, watch)
        starts = [acts[: self.length] for _, acts in seeds(self.player.stage, self.player.rules)]
        self._walk(starts)
        self.polish()
        self.found.seconds = time.monotonic() - self._began
        return self.found

    def begin(
        self,
        evaluations: int,
        seconds: float = math.inf,
        stop_above: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Start a budget with nothing found but that doing nothing pays nothing."""
        self._began, self._budget, self._seconds = time.monotonic(), evaluations, seconds
        self._stop, self._watch = stop_above, watch
        self.found = Found((), self.player.play(()), 1, 0.0)
        self.found.history.append((1, self._score(self.found.played)))

    def _score(self, played: Played) -> int:
        return played.excess if self.objective == "excess" else played.profit

    def _is_over(self, part: float = 1.0) -> bool:
        found = self.found
        if self._stop is not None and self._score(found.played) > self._stop:
            return True
        spent = time.monotonic() - self._began
        return found.evaluations >= part * self._budget or spent >= part * self._seconds

    # trying

    def offer(self, acts: Sequence[Act]) -> tuple[int, tuple[Act, ...]]:
        """Play a sequence; return its score and what of it went through."""
        found = self.found
        played = self.player.play(acts)
        found.evaluations += 1
        found.leaks += played.leak != 0
        for step in played.steps:
            counted = found.done if step.reason is None else found.refused
            counted[step.act.what] = counted.get(step.act.what, 0) + 1
        score, kept = self._score(played), tuple(played.done)
        self._keep(score, kept)
        if score > self._score(found.played):
            found.acts, found.played = kept, played
            found.history.append((found.evaluations, score))
        if self._watch is not None:
            self._watch(found.evaluations, found.played)
        return score, kept

    def _keep(self, score: int, acts: tuple[Act, ...]) -> None:
        structure = tuple(act.what for act in acts)
        known = self._archive.get(structure)
        if known is None:
            self._order.append(structure)
        if known is None or score > known[0]:
            self._archive[structure] = (score, acts)

    def _walk(self, starts: Sequence[tuple[Act, ...]]) -> None:
        walkers: list[tuple[int, tuple[Act, ...]]] = []
        for acts in starts:
            if self._is_over():
                return
            score, _ = self.offer(acts)
            walkers.append((score, acts))
        dice, turn = self._random, 0
        while not self._is_over(1 - POLISH):
            at = turn % len(walkers)
            turn += 1
            score, acts = walkers[at]
            proposed = self._changed(acts)
            tried, kept = self.offer(proposed)
            spent = self.found.evaluations / self._budget
            heat = HOT * (COLD / HOT) ** min(1.0, spent)
            worse = _height(score) - _height(tried)
            if worse <= 0 or dice.random() < math.exp(-worse / heat):
                # what was refused is not always thrown away: it may be due after the next change
                walkers[at] = (tried, kept if dice.random() < 0.5 else proposed)
            if turn % (25 * len(walkers)) == 0:  # the worst begins anew at the best
                last = min(range(len(walkers)), key=lambda place: (walkers[place][0], place))
                walkers[last] = (self._score(self.found.played), self.found.acts)

    # changing

    def _changed(self, acts: tuple[Act, ...]) -> tuple[Act, ...]:
        dice, changed = self._random, list(acts)
        roll = dice.random()
        if roll < 0.15 and self._order:
            other = self._archive[dice.choice(self._order)][1]
            cut, join = dice.randint(0, len(changed)), dice.randint(0, len(other))
            changed = changed[:cut] + list(other[join:])
        else:
            for _ in range(dice.choice((1, 1, 1, 2, 3))):
                self._change(changed)
        return tuple(changed[: self.length])

    def _change(self, acts: list[Act]) -> None:
        dice = self._random
        roll = dice.random()
        at = dice.randrange(len(acts)) if acts else 0
        if not acts or roll < 0.3:
            acts.insert(dice.randint(0, len(acts)), self.random_act())
            if len(acts) > self.length:
                del acts[dice.randrange(len(acts))]
        elif roll < 0.4:
            del acts[at]
        elif roll < 0.5:
            to = dice.randrange(len(acts))
            acts[at], acts[to] = acts[to], acts[at]
        elif roll < 0.55:
            acts.insert(at, acts[at])
        elif roll < 0.6:
            acts.insert(at, Act("flash", size=self._size(WHOLE), number=dice.randint(1, 4)))
        else:
            acts[at] = self._varied(acts[at])

    def random_act(self) -> Act:
        """Return any act at all."""
        act = Act(self._random.choice(self._whats))
        for letter in FIELDS[act.what]:
            act = self._varied(act, letter)
        return act

    def _varied(self, act: Act, letter: str | None = None) -> Act:
        """Change one field that the act reads."""
        dice = self._random
        letters = FIELDS[act.what]
        if not letters:
            return act
        match letter or dice.choice(letters):
            case "a":
                return replace(act, account=self._place(act))
            case "o":
                return replace(act, other=self._place(act))
            case "k":
                return replace(act, kind=self._kind(act))
            case "s":
                return replace(act, size=self._size(act.size))
            case "d":
                return replace(act, debt=self._size(act.debt))
        return replace(act, number=self._number(act))

    def _place(self, act: Act) -> int:
        """Return an account: most often one for which the act may go through."""
        dice = self._random
        if act.what in RAISING and dice.random() < 0.9:
            return dice.choice(self.player.stage.mine_places)
        if act.what in _LIQUIDATING and self._busy and dice.random() < 0.8:
            return dice.choice(self._busy)
        return dice.choice(self._places)

    def _kind(self, act: Act) -> int:
        """Return a kind: most often one that the account of the act holds."""
        dice, held = self._random, self._held[act.account]
        if "a" in FIELDS[act.what] and held and dice.random() < 0.7:
            return dice.choice(held)
        return dice.randrange(len(KINDS))

    def _size(self, size: Size) -> Size:
        dice, roll = self._random, self._random.random()
        if roll < 0.2:
            return EVERYTHING
        if roll < 0.25:
            return Size(0, dice.choice((1, 2, 10**6, 10**12, 10**15)))
        if roll < 0.6:
            return Size(dice.choice(SHARES), dice.choice(DELTAS))
        if roll < 0.8:
            return replace(size, delta=size.delta + dice.choice((-1, 1, -2, 2)))
        return replace(size, share=max(0, min(ALL, size.share * dice.choice((1, 2, 3, 5)) // 2)))

    def _number(self, act: Act) -> int:
        dice, rules = self._random, self.player.rules
        match act.what:
            case "wait":
                return dice.choice(WAITS if rules.window <= 120 else (*WAITS, 3_600, 7_200, 86_400))
            case "price":
                most = rules.move_bps
                return dice.choice(
                    (0, most, -most, most // 2, -most // 2, dice.randint(-most, most))
                )
            case "donate" | "donate_coins":
                return dice.randrange(len(PLACES))
            case "model":
                return dice.randrange(2)
        return dice.randint(1, 4)

    # polishing

    def polish(self) -> None:
        """Leave out what is not needed, then vary amounts one at a time, while that is better."""
        better = True
        while better and not self._is_over():
            better = self._shorten() or any(self._improve(at) for at in range(len(self.found.acts)))

    def _shorten(self) -> bool:
        """Leave out one act without which the best is as good."""
        best = self.found
        for at in range(len(best.acts)):
            if self._is_over():
                return False
            score, kept = self.offer(best.acts[:at] + best.acts[at + 1 :])
            if score >= self._score(best.played) and len(kept) < len(best.acts):
                best.acts, best.played = kept, self.player.play(kept)
                return True
        return False

    def _improve(self, at: int) -> bool:
        """Change one amount of one act of the best, if that is better."""
        acts, best = self.found.acts, self._score(self.found.played)
        for neighbour in _neighbours(acts[at]) if at < len(acts) else ():
            if self._is_over():
                return False
            self.offer((*acts[:at], neighbour, *acts[at + 1 :]))
            if self._score(self.found.played) > best:
                return True
        return False


def _neighbours(act: Act) -> list[Act]:
    """Return an act with one amount changed a little, or a lot."""
    letters, found = FIELDS[act.what], []
    for letter, name in (("s", "size"), ("d", "debt")):
        if letter in letters:
            size: Size = getattr(act, name)
            shares = {size.share * 2, size.share // 2, size.share + 1, size.share - 1, ALL}
            sizes = [replace(size, share=share) for share in sorted(shares) if 0 <= share <= ALL]
            sizes += [replace(size, delta=size.delta + step) for step in (-1, 1)]
            found += [_with(act, name, one) for one in sizes if one != size]
    return found


def _with(act: Act, name: str, size: Size) -> Act:
    return replace(act, size=size) if name == "size" else replace(act, debt=size)


def _height(score: int) -> float:
    """Return the logarithm of a score in base units of the coin, with its sign."""
    size = math.log2(1 + abs(score) / FINE)
    return size if score >= 0 else -size
