# SPDX-License-Identifier: MIT
"""The governor of one book in exact integers: `contracts/Governor.vy` with its rules.

It remembers acts, what the guardian did, ramps, and the parameters of one vault and its minter that
acts change: caps, ceiling, rate, freezes, pauses and levels. An act is `(fn, args)` by the name of
the function that it calls; reasons are those of the contracts. Prices stand still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from surety.formulas import margin_math
from surety.model.state import HALF, MAX_KINDS, PAUSE_BORROW, PAUSE_TAKE, WAD, Refused, refuse

DAY: Final = 86_400
AT_ONCE, PARAMETER, MARGIN, STRUCTURE, CONTROL = 0, DAY, 2 * DAY, 3 * DAY, 7 * DAY
EXPIRY: Final = 14 * DAY
GUARD_PERIOD: Final = 7 * DAY
MAX_PAUSE: Final = 7 * DAY
FRESH_START: Final = 10**7 * WAD
RATE_STEP: Final = 5 * 10**25 // (365 * DAY)
STEP_SECONDS, FACTOR_STEP_SECONDS, MOST_AT_ONCE = 450, 900, 3_600
BPS: Final = 10_000
PENDING, EXECUTED, CANCELLED, VETOED = 1, 2, 3, 4

Key: TypeAlias = tuple[Any, ...]
Call: TypeAlias = tuple[str, tuple[Any, ...]]
Levels: TypeAlias = tuple[int, int, int, int, int]  # initial, maintenance, close-out, start, end


@dataclass(slots=True)
class Parameters:
    """What acts change, in one book: amounts in base units, ratios in bps, rate RAY a second."""

    caps: dict[int, int]
    levels: dict[int, Levels]
    ceiling: int
    rate: int
    penalty: int
    grace: int
    worth: Callable[[int, int], int]  # of an amount of a kind, coin units
    frozen: int = 0
    pauses: int = 0
    resumes_at: int = 0

    def copy(self) -> Parameters:
        """Return parameters that can be changed without changing these."""
        return replace(self, caps=dict(self.caps), levels=dict(self.levels))

    def in_force(self, now: int) -> int:
        """Return the pauses in force: one of takes ends by itself."""
        return self.pauses & ~PAUSE_TAKE if now >= self.resumes_at else self.pauses

    def set_pauses(self, bits: int, now: int) -> None:
        """Set the pause bits as the vault does."""
        was = self.pauses & PAUSE_TAKE and now < self.resumes_at
        if bits & PAUSE_TAKE:
            if not was:
                self.resumes_at = now + MAX_PAUSE + self.grace
        elif was:
            self.resumes_at = now + self.grace
        self.pauses = bits


@dataclass(frozen=True, slots=True)
class Act:
    """What was announced."""

    call: Call
    proposed_at: int
    ready_at: int
    state: int = PENDING

    @property
    def expires_at(self) -> int:
        """The last second of execution."""
        return self.ready_at + EXPIRY


@dataclass(frozen=True, slots=True)
class Guard:
    """What the guardian did: `undo` is None when nothing is to be taken back any more."""

    guarded_at: int
    undo: Call | None


@dataclass(frozen=True, slots=True)
class Ramp:
    """Where the levels of a kind go."""

    goal: Levels
    moved_at: int


@dataclass(slots=True)
class Governor:
    """The timelock over one book."""

    admin: str
    guardian: str
    book: Parameters
    pending_admin: str = ""
    acts: list[Act] = field(default_factory=list)
    guards: dict[Key, Guard] = field(default_factory=dict)
    changed_at: dict[Key, int] = field(default_factory=dict)
    ramps: dict[int, Ramp] = field(default_factory=dict)
    is_retired: bool = False

    def copy(self) -> Governor:
        """Return a governor that can be changed without changing this one."""
        return replace(
            self,
            book=self.book.copy(),
            acts=list(self.acts),
            guards=dict(self.guards),
            changed_at=dict(self.changed_at),
            ramps=dict(self.ramps),
        )

    # acts

    def propose(self, now: int, caller: str, call: Call) -> None:
        """Announce a call."""
        if caller != self.admin:
            refuse("not admin")
        delay, _ = self.judge(call, now)
        self.acts.append(Act(call, now, now + delay))

    def execute(self, now: int, caller: str, act_id: int, call: Call) -> None:
        """Do what was announced."""
        act = self._pending(act_id)
        if act.call != call:
            refuse("wrong act")
        if now < act.ready_at:
            refuse("too early")
        if now > act.expires_at:
            refuse("expired")
        delay, key = self.judge(call, now)
        if now < act.proposed_at + delay:
            refuse("too early")
        if delay:
            if key in self.guards and self.guards[key].guarded_at >= act.proposed_at:
                refuse("tightened since")
            if key in self.changed_at and now < self.changed_at[key] + DAY:
                refuse("one change a day")
        self.acts[act_id - 1] = replace(act, state=EXECUTED)
        self._take_over(key, now)
        self._do(call, now)

    def cancel(self, now: int, caller: str, act_id: int) -> None:
        """Take an act back."""
        if caller != self.admin:
            refuse("not admin")
        self.acts[act_id - 1] = replace(self._pending(act_id), state=CANCELLED)

    def veto(self, now: int, caller: str, act_id: int) -> None:
        """Stop an act."""
        if caller != self.guardian:
            refuse("not guardian")
        act = self._pending(act_id)
        if act.call[0] == "set_guardian":
            refuse("not vetoable")
        self.acts[act_id - 1] = replace(act, state=VETOED)

    def _pending(self, act_id: int) -> Act:
        if not 0 < act_id <= len(self.acts) or self.acts[act_id - 1].state != PENDING:
            refuse("not pending")
        return self.acts[act_id - 1]

    # tightening at once

    def tighten(self, now: int, caller: str, call: Call) -> None:
        """Do at once what only tightens."""
        if caller not in (self.admin, self.guardian):
            refuse("not guardian")
        delay, key = self.judge(call, now)
        if delay:
            refuse("not tighter")
        if caller == self.admin:
            self._take_over(key, now)
        else:
            self._guard(key, call, now)
        self._do(call, now)

    def _guard(self, key: Key, call: Call, now: int) -> None:
        guard = self.guards.get(key)
        is_over = guard is None or now >= guard.guarded_at + 2 * GUARD_PERIOD
        if guard is not None and guard.undo is not None and is_over:
            self._lapse(key, now)
            if self.judge(call, now)[0]:
                refuse("not tighter")
        if is_over:
            self.guards[key] = Guard(now, self.undo_of(call))
        elif guard is not None and (guard.undo is None or now >= guard.guarded_at + GUARD_PERIOD):
            refuse("guarded lately")

    def pause(self, now: int, caller: str, bits: int) -> None:
        """Set pause bits at once; those in force stay."""
        if bits == 0 or bits >> 5:
            refuse("bad pauses")
        in_force = self.book.in_force(now)
        refused = done = False
        for bit in (1, 2, 4, 8, 16):
            if bits & bit & ~in_force:
                try:
                    self.tighten(now, caller, ("set_pause", (bit, True)))
                    done = True
                except Refused as why:
                    if why.reason != "guarded lately":
                        raise
                    refused = True
        if refused and not done:
            refuse("guarded lately")

    def keep(self, now: int, caller: str, key: Key) -> None:
        """Make what the guardian did governance's own."""
        if caller != self.admin:
            refuse("not admin")
        guard = self.guards.get(key)
        if guard is None or guard.undo is None:
            refuse("nothing to keep")
        self._take_over(key, now)

    def lapse(self, now: int, caller: str, key: Key) -> None:
        """Take back what the guardian did."""
        guard = self.guards.get(key)
        if guard is None or guard.undo is None:
            refuse("nothing to lapse")
        if now < guard.guarded_at + GUARD_PERIOD:
            refuse("too early")
        self._lapse(key, now)

    def _lapse(self, key: Key, now: int) -> None:
        guard = self.guards[key]
        self.guards[key] = replace(guard, undo=None)
        if guard.undo is not None and (not self.is_retired or _is_kept_open(guard.undo)):
            self._do(guard.undo, now)

    def _take_over(self, key: Key, now: int) -> None:
        self.changed_at[key] = now
        if key in self.guards:
            self.guards[key] = replace(self.guards[key], undo=None)

    # ramps

    def advance(self, now: int, caller: str, kind: int) -> None:
        """Move the levels of a kind toward their goals."""
        if kind not in self.ramps:
            refuse("no ramp")
        ramp, levels = self.ramps[kind], self.book.levels[kind]
        seconds = STEP_SECONDS if levels[3:] == ramp.goal[3:] else FACTOR_STEP_SECONDS
        since = max(ramp.moved_at, now - MOST_AT_ONCE)
        step = (now - since) // seconds
        if step == 0:
            refuse("too early")
        after: Levels = margin_math.next_levels(*levels, *ramp.goal, self.book.penalty, step)
        self.book.levels[kind] = after
        self.ramps[kind] = replace(ramp, moved_at=since + step * seconds)
        if after == ramp.goal:
            del self.ramps[kind]

    def halt(self, now: int, caller: str, kind: int) -> None:
        """Drop a ramp."""
        if caller != self.admin:
            refuse("not admin")
        if kind not in self.ramps:
            refuse("no ramp")
        del self.ramps[kind]

    def accept_admin(self, now: int, caller: str) -> None:
        """Become the admin."""
        if caller != self.pending_admin:
            refuse("not proposed")
        self.admin, self.pending_admin = caller, ""

    # rules

    def judge(self, call: Call, now: int) -> tuple[int, Key]:
        """Return the delay of a call and the key of its parameter."""
        fn, args = call
        return getattr(self, f"_judge_{fn}")(now, *args)  # type: ignore[no-any-return]

    def _judge_set_cap(self, now: int, kind: int, cap: int) -> tuple[int, Key]:
        self._check_listed(kind)
        key, present = ("set_cap", kind), self.book.caps[kind]
        if cap < present:
            return AT_ONCE, key
        self._check_open()
        worth = self.book.worth(kind, cap) if cap <= HALF else FRESH_START + 1
        return self._growth(key, present, cap, worth), key

    def _judge_set_ceiling(self, now: int, ceiling: int) -> tuple[int, Key]:
        key, present = ("set_ceiling",), self.book.ceiling
        if ceiling < present:
            return AT_ONCE, key
        self._check_open()
        return self._growth(key, present, ceiling, ceiling), key

    def _growth(self, key: Key, present: int, wanted: int, worth: int) -> int:
        if wanted == present:
            refuse("nothing changes")
        guard = self.guards.get(key)
        former = guard.undo[1][-1] if guard is not None and guard.undo is not None else 0
        if wanted <= 2 * present or wanted <= former:
            return PARAMETER
        if wanted > HALF or worth > FRESH_START:
            refuse("step too large")
        return STRUCTURE

    def _judge_set_frozen(self, now: int, kind: int, frozen: bool) -> tuple[int, Key]:
        self._check_listed(kind)
        if frozen == bool(self.book.frozen >> kind & 1):
            refuse("nothing changes")
        if not frozen:
            self._check_open()
        return (AT_ONCE if frozen else PARAMETER), ("set_frozen", kind)

    def _judge_set_rate(self, now: int, rate: int) -> tuple[int, Key]:
        if rate == self.book.rate:
            refuse("nothing changes")
        if abs(rate - self.book.rate) > RATE_STEP:
            refuse("step too large")
        return PARAMETER, ("set_rate",)

    def _judge_set_pause(self, now: int, bit: int, paused: bool) -> tuple[int, Key]:
        if bit not in (1, 2, 4, 8, 16):
            refuse("bad pauses")
        if paused == bool(self.book.in_force(now) & bit):
            refuse("nothing changes")
        if not paused and bit == PAUSE_BORROW:
            self._check_open()
        return (AT_ONCE if paused else PARAMETER), ("set_pause", bit)

    def _judge_ramp(self, now: int, kind: int, *goal: int) -> tuple[int, Key]:
        self._check_listed(kind)
        initial, maintenance, close_out, start, end = goal
        if not initial < maintenance < close_out <= end:
            refuse("bad levels")
        if not (BPS <= start <= 11_000 and end < BPS):
            refuse("bad factors")
        if maintenance * (BPS + self.book.penalty) > end * BPS:
            refuse("bad factors")
        levels = self.book.levels[kind]
        if any(new > old for new, old in zip(goal[:3], levels[:3], strict=True)):
            self._check_open()
        if goal == levels:
            refuse("nothing changes")
        falls = any(goal[place] < levels[place] for place in (0, 1, 2, 4))
        return (MARGIN if falls else PARAMETER), ("ramp", kind)

    def _judge_retire(self, now: int) -> tuple[int, Key]:
        self._check_open()
        return STRUCTURE, ("retire",)

    def _judge_set_guardian(self, now: int, guardian: str) -> tuple[int, Key]:
        return STRUCTURE, ("set_guardian",)

    def _judge_propose_admin(self, now: int, pending: str) -> tuple[int, Key]:
        return (CONTROL if pending else STRUCTURE), ("propose_admin",)

    def _check_listed(self, kind: int) -> None:
        if kind >= MAX_KINDS or kind not in self.book.caps:
            refuse("unknown kind")

    def _check_open(self) -> None:
        if self.is_retired:
            refuse("retired")

    # effects

    def undo_of(self, call: Call) -> Call:
        """Return the call that would take this one back."""
        fn, args = call
        if fn == "set_cap":
            return fn, (args[0], self.book.caps[args[0]])
        if fn == "set_ceiling":
            return fn, (self.book.ceiling,)
        return fn, (*args[:-1], False)

    def _do(self, call: Call, now: int) -> None:
        fn, args = call
        book = self.book
        if fn == "set_cap":
            book.caps[args[0]] = args[1]
        elif fn == "set_ceiling":
            book.ceiling = args[0]
        elif fn == "set_frozen":
            bit = 1 << args[0]
            book.frozen = book.frozen | bit if args[1] else book.frozen & ~bit
        elif fn == "set_rate":
            book.rate = args[0]
        elif fn == "set_pause":
            bits = book.in_force(now)
            book.set_pauses(bits | args[0] if args[1] else bits & ~args[0], now)
        elif fn == "ramp":
            goal: Levels = args[1:]
            self.ramps[args[0]] = Ramp(goal, now)
        elif fn == "retire":
            self.is_retired = True
            self.ramps.clear()
            book.ceiling, book.caps = 0, dict.fromkeys(book.caps, 0)
            book.set_pauses(book.in_force(now) | PAUSE_BORROW, now)
        elif fn == "set_guardian":
            self.guardian = args[0]
        elif fn == "propose_admin":
            self.pending_admin = args[0]


def _is_kept_open(undo: Call) -> bool:
    """Return whether a call may open something of a retired book: all but borrowing."""
    fn, args = undo
    return fn == "set_pause" and args[0] != PAUSE_BORROW
