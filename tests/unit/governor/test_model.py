# SPDX-License-Identifier: MIT
"""The governor beside its exact model: every call is predicted, made, and compared."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math
from surety.model import Refused
from surety.model.governor import PENDING, Call, Governor, Key, Parameters
from tests.unit.governor.rig import CAPS, DAY, Act, Rig
from tests.unit.governor.test_ramps import levels_of

KINDS = range(3)
DECIMALS = (18, 8, 6)
PEOPLE = ("admin", "guardian", "next", "stranger")
OF_VAULT = ("set_cap", "set_frozen", "set_rate")
WAITS = (0, 1, 450, 3_600, DAY - 1, DAY, DAY + 1, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 15 * DAY)


class Pair:
    """A rig, its model, and what was seen."""

    def __init__(self, rig: Rig, seen: Counter[str]) -> None:
        self.rig, self.seen = rig, seen
        prices = [rig.world.price(kind) for kind in KINDS]
        self.model = Governor(
            rig.admin,
            rig.guardian,
            Parameters(
                caps={kind: CAPS[kind] * 10 ** DECIMALS[kind] for kind in KINDS},
                levels={kind: levels_of(rig, kind) for kind in KINDS},
                ceiling=rig.coin.read("ceiling", rig.vault.address),
                rate=0,
                penalty=rig.vault.read("liquidation_penalty"),
                grace=rig.vault.read("grace_period"),
                worth=lambda kind, amount: margin_math.value_down(
                    amount, prices[kind], DECIMALS[kind]
                ),
            ),
        )
        self.keys: dict[Key, bytes] = {}
        self.compare()

    def act(self, call: Call) -> Act:
        """Return the act that the model's call stands for."""
        rig, (fn, args) = self.rig, call
        if fn in OF_VAULT:
            return Act(rig.vault, fn, args)
        if fn == "set_ceiling":
            return Act(rig.coin, fn, (rig.vault.address, *args))
        if fn in ("set_pause", "ramp", "retire"):
            return Act(rig.gov, fn, (rig.vault.address, *args))
        who = args[0] or "0x" + "00" * 20
        return Act(rig.gov, fn, (who,))

    def address(self, who: str) -> str:
        return str(getattr(self.rig, who))

    def move(self, who: str, fn: str, *args: Any) -> None:
        """Make a call in the model and on the chain."""
        rig, after = self.rig, self.model.copy()
        caller = self.address(who)
        reason = None
        try:
            getattr(after, fn)(rig.now, caller, *args)
        except Refused as refused:
            after, reason = self.model, refused.reason
        found = rig.reason(rig.gov, fn, *self.chain_args(fn, args), sender=caller)
        assert found == reason, (fn, args)
        self.seen[f"{fn}: {reason or 'done'}"] += 1
        self.model = after
        self.compare()

    def chain_args(self, fn: str, args: Sequence[Any]) -> Sequence[Any]:
        rig = self.rig
        if fn in ("propose", "tighten"):
            act = self.act(args[0])
            return act.target.address, act.data
        if fn == "execute":
            act = self.act(args[1])
            return args[0], act.target.address, act.data
        if fn in ("lapse", "keep"):
            return (self.key(args[0]),)
        if fn in ("pause", "advance", "halt"):
            return rig.vault.address, *args
        return args

    def key(self, key: Key) -> bytes:
        """Return the chain's key of a parameter of the model's."""
        fn, *index = key
        if key not in self.keys:
            from eth_abi import encode
            from eth_utils.crypto import keccak

            vault = self.rig.vault.address
            target = {"set_ceiling": self.rig.coin, "set_cap": self.rig.vault,
                      "set_frozen": self.rig.vault}.get(fn, self.rig.gov)  # fmt: skip
            functions = target.interface.functions
            (selector,) = {f.selector for (name, _), f in functions.items() if name == fn}
            words: list[Any] = index or [int(vault, 16)]
            types = ["address", "bytes4", *["uint256"] * len(words)]
            if fn == "set_pause":
                types, words = ["address", "bytes4", "address", "uint256"], [vault, *index]
            self.keys[key] = keccak(encode(types, [target.address, selector, *words]))
        return self.keys[key]

    def compare(self) -> None:
        """What the chain remembers is what the model does."""
        rig, model, book = self.rig, self.model, self.model.book
        vault = rig.vault.address
        totals = rig.vault.read("totals")
        assert (totals >> 152 & 2**16 - 1, totals >> 200 & 2**32 - 1) == (
            book.pauses,
            book.frozen,
        )
        assert totals >> 112 & 2**40 - 1 == book.resumes_at
        assert rig.rules.read("pauses_of", vault) == book.in_force(rig.now)
        assert [rig.vault.read("deposited", kind) >> 128 for kind in KINDS] == [*book.caps.values()]
        assert [levels_of(rig, kind) for kind in KINDS] == [*book.levels.values()]
        assert rig.coin.read("ceiling", vault) == book.ceiling
        assert (rig.vault.read("interest") >> 168) % 2**66 == book.rate
        assert rig.gov.read("admin") == model.admin
        assert int(rig.gov.read("pending_admin"), 16) == int(model.pending_admin or "0", 16)
        assert rig.gov.read("guardian") == model.guardian
        assert rig.gov.read("is_retired", vault) == model.is_retired
        assert rig.gov.read("act_count") == len(model.acts)
        for at, act in enumerate(model.acts):
            found = rig.gov.read("acts", at + 1)
            assert found[1:5] == (act.proposed_at, act.ready_at, act.expires_at, act.state)
        for key, guard in model.guards.items():
            at, target, undo = rig.gov.read("guards", self.key(key))
            assert (at, int(target, 16) != 0) == (guard.guarded_at, guard.undo is not None)
            if guard.undo is not None:
                assert undo == self.act(guard.undo).data
        for kind in KINDS:
            ramp = model.ramps.get(kind)
            goal = (*ramp.goal, ramp.moved_at) if ramp else (0,) * 6
            assert rig.gov.read("ramps", vault, kind) == goal

    # what is drawn

    def calls(self) -> list[Call]:
        """Return acts that make sense now, and some that do not."""
        book, found = self.model.book, []
        for kind in (0, 1):
            cap, levels = book.caps[kind], book.levels[kind]
            unit = 10 ** DECIMALS[kind]
            found += [("set_cap", (kind, to)) for to in (0, cap // 2, 2 * cap, CAPS[kind] * unit)]
            found += [("set_frozen", (kind, to)) for to in (True, False)]
            for change in (-300, -2, 3, 100):
                goal = tuple(level + change for level in levels[:3])
                found.append(("ramp", (kind, *goal, levels[3], levels[4])))
            found.append(("ramp", (kind, *levels[:3], levels[3] + 5, levels[4] - 3)))
        found += [("set_cap", (3, 1)), ("set_rate", (book.rate + 10**17,)), ("set_rate", (0,))]
        half = book.ceiling // 2
        found += [("set_ceiling", (to,)) for to in (0, half, 2 * book.ceiling, 10**25)]
        found += [("set_pause", (bit, on)) for bit in (1, 4, 8) for on in (True, False, False)]
        found += [
            ("retire", ()),
            ("set_guardian", (self.rig.next,)),
            ("set_guardian", (self.rig.guardian,)),
        ]
        found += [("propose_admin", (self.rig.next,)), ("propose_admin", ("",))]
        return found


WHATS = (
    *("propose",) * 5,
    *("execute",) * 6,
    *("tighten",) * 3,
    *("wait",) * 3,
    *("lapse", "lapse", "advance", "advance", "advance", "halt"),
    *("pause", "cancel", "veto", "accept_admin", "keep"),
)
WHO = (*("admin",) * 9, *PEOPLE)
SEEN: Counter[str] = Counter()


def play(pair: Pair, dice: random.Random, moves: int) -> None:
    rig = pair.rig
    for _ in range(moves):
        what, who, wait = dice.choice(WHATS), dice.choice(WHO), dice.choice(WAITS)
        number = dice.randrange(2**16)
        model = pair.model
        calls = pair.calls()
        call = calls[number % len(calls)]
        if what == "wait":
            rig.wait(wait)
        elif what == "propose":
            pair.move(who, what, call)
        elif what == "tighten":
            pair.move("guardian" if number % 3 else who, what, call)
        elif what == "execute":
            pending = [at + 1 for at, act in enumerate(model.acts) if act.state == PENDING]
            id = dice.choice(pending) if pending and number % 8 else number % 3
            known = 0 < id <= len(model.acts)
            if known and number % 8 < 6:
                rig.wait(max(0, model.acts[id - 1].ready_at - rig.now))
            told = model.acts[id - 1].call if known and number % 16 else call
            pair.move(who, what, id, told)
        elif what in ("cancel", "veto"):
            pending = [at + 1 for at, act in enumerate(model.acts) if act.state == PENDING]
            id = pending[number % len(pending)] if pending and number % 8 else number % 3
            whose = "guardian" if what == "veto" else "admin"
            pair.move(whose if number % 5 else who, what, id)
        elif what == "lapse":
            keys = [*model.guards] or [("set_cap", 0)]
            key = keys[number % len(keys)]
            if number % 4 and key in model.guards:
                rig.wait(max(0, model.guards[key].guarded_at + 7 * DAY - rig.now))
            pair.move(who, what, key)
        elif what == "keep":
            keys = [*model.guards] or [("set_cap", 0)]
            pair.move("admin" if number % 4 else who, what, keys[number % len(keys)])
        elif what == "pause":
            pair.move("guardian" if number % 3 else who, what, number % 34)
        elif what == "accept_admin":
            pair.move("next", what)
        else:
            kinds = [*model.ramps] or [number % 3]
            rig.wait(wait % 7_200)
            pair.move(who, what, kinds[number % len(kinds)])


@settings(max_examples=60)
@given(st.randoms(use_true_random=True))
def test_the_governor_is_its_model(built, dice):
    with built.snapshot():
        play(Pair(built, SEEN), dice, 70)


def test_every_move_was_made_and_refused():
    """What the random sequences never reach they do not test."""
    done = {line.split(":")[0] for line in SEEN if line.endswith("done")}
    assert done >= {
        "propose", "execute", "tighten", "lapse", "advance", "cancel", "veto", "pause",
        "keep",
    }  # fmt: skip
    reasons = {line.split(": ")[1] for line in SEEN}
    assert reasons >= {
        "not admin", "not guardian", "not pending", "too early", "expired", "wrong act",
        "one change a day", "not tighter", "guarded lately", "nothing changes",
        "step too large", "unknown kind", "no ramp", "nothing to lapse", "bad pauses",
        "nothing to keep", "retired", "tightened since",
    }, SEEN  # fmt: skip
