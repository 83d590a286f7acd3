# SPDX-License-Identifier: MIT
"""The second driver: Hypothesis chooses moves over the same scene, with the same judge.

A move is plain data, read against what there is when its turn comes, so that a history that fails
shrinks to few moves with small numbers, and is printed as a test to paste. All begin with a book
whose accounts are at their limits; the chain is put back to that for every history.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from surety.chain import Reverted
from surety.model.state import INT_MAX, INT_MIN
from tests.stateful.driver import Campaign, told
from tests.stateful.node import RevmNode
from tests.stateful.pools import pool
from tests.stateful.scene import BASE, KINDS, UNIT, Disagreement, Move, Setup
from tests.stateful.test_campaign import L1
from tests.stateful.tokens import CALLS, FALSE, FEE, HONEST, REVERTS, SHORT, WaryBook
from tests.stateful.views import check_all
from tests.world import BPS, GENESIS, MAX, WAD

SETUP = Setup("words", L1)
# without `explain`, which traces every line that is run and takes thirty times as long
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
MAIN = (0, 1, 2)
GAP = st.sampled_from((0, 1, 60, 3_599, 3_600, 3_601, 7_200, 7_201, 14_401, 86_400))
WHO = st.integers(0, 3)
ACCOUNT = st.integers(0, 7)
KIND = st.sampled_from(MAIN)
# an amount is a share of what there is, in 1/100 and some units more or less, or one of the pool
AMOUNT = st.one_of(
    st.tuples(st.sampled_from((0, 1, 10, 50, 99, 100, 101)), st.sampled_from((-1, 0, 1))),
    st.tuples(st.just(100), st.sampled_from(pool())),
)
MOVE = st.one_of(
    st.tuples(st.sampled_from(("deposit", "withdraw")), GAP, WHO, ACCOUNT, KIND, AMOUNT),
    st.tuples(st.sampled_from(("borrow", "repay")), GAP, WHO, ACCOUNT, KIND, AMOUNT),
    st.tuples(st.sampled_from(("adjust", "move")), GAP, WHO, ACCOUNT, KIND, AMOUNT),
    st.tuples(st.sampled_from(("margin_call", "cure", "absorb")), GAP, WHO, ACCOUNT, KIND, AMOUNT),
    st.tuples(st.sampled_from(("take", "takes", "margin_calls")), GAP, WHO, ACCOUNT, KIND, AMOUNT),
    st.tuples(st.sampled_from(("price", "flags", "turn")), GAP, WHO, ACCOUNT, KIND, AMOUNT),
    st.tuples(st.sampled_from(("fund.collect", "fund.start_auction", "fund.buy", "peg.mint")),
              GAP, WHO, ACCOUNT, KIND, AMOUNT),
)  # fmt: skip
Step = tuple[str, int, int, int, int, tuple[int, int]]


class Bench:
    """A warm scene that is put back before every history."""

    def __init__(self) -> None:
        self.node = RevmNode(GENESIS)
        self.campaign = Campaign(self.node, SETUP, 4, views_each=10**9)
        self.campaign.warm_up()
        scene = self.campaign.scene
        self.moves, self.logs, self.system = list(scene.moves), list(scene.logs), scene.system
        self.supply, self.heard = scene.supply, (dict(scene.heard), dict(scene.heard_balances))
        self.clock = self.node.time, self.node.number
        self.kept = self.node.evm.snapshot()

    def reset(self) -> None:
        """Put chain and model back to where the histories begin."""
        self.node.evm.revert(self.kept)
        self.kept = self.node.evm.snapshot()
        self.node.restore(*self.clock)
        scene = self.campaign.scene
        scene.moves, scene.logs = list(self.moves), list(self.logs)
        scene.system, scene.supply = self.system, self.supply
        scene.heard, scene.heard_balances = dict(self.heard[0]), dict(self.heard[1])
        scene.heard_to = len(self.logs)
        scene.check_words()

    def play(self, steps: list[Step]) -> None:
        """Make every move of a history, judged; a failure is told as a test."""
        self.reset()
        scene = self.campaign.scene
        try:
            for step in steps:
                self.campaign.make(self.read(step))
            if len(steps) > 5:
                check_all(scene)
        except (AssertionError, Reverted) as error:
            where = f"hypothesis: {len(steps)} moves after a warm start"
            raise Disagreement(told(where, SETUP, error, scene.moves)) from error

    def read(self, step: Step) -> Move:
        """Return the move that a step means here and now."""
        what, gap, who, account, kind, (share, more) = step
        scene, book = self.campaign.scene, self.campaign.scene.book
        now, id = scene.now + gap, scene.ids[account]
        owner = next(one for one in scene.owners if int(one, 16) == id >> 8)
        caller = (owner, owner, scene.keeper, scene.owners[3])[who]
        position, levels = book.positions[id], book.levels(id, now)
        price = book.hub.prices[kind]

        def part(of: int) -> int:
            return min(max(0, of * share // 100 + more), MAX)

        governor, balance = scene.governor, position.balance(kind)
        owed, token = part(levels.debt), scene.tokens[kind].address
        nature = (HONEST, FALSE, FEE, REVERTS, CALLS, SHORT)[share % 6]
        lo = 0 if share & 1 else price.lo  # of a FAILED price, as the hub returns it
        room = max(0, levels.initial - levels.debt)
        signed = max(INT_MIN, min(INT_MAX, part(balance)))
        args: dict[str, tuple[str, tuple[Any, ...]]] = {
            "deposit": (caller, (id, kind, part(10_000 * WAD * UNIT[kind] // BASE[kind]))),
            "withdraw": (caller, (id, kind, part(balance), owner)),
            "borrow": (caller, (id, part(room), owner)),
            "repay": (caller, (id, part(levels.debt))),
            "adjust": (caller, (id, [(kind, -signed)], -min(INT_MAX, owed), owner, b"")),
            "move": (caller, (id, scene.ids[(account + 1) % 8], [(kind, signed)], owed)),
            "take": (scene.keeper, (id, kind, part(balance), MAX, scene.keeper, b"")),
            "takes": (scene.keeper, ([(id, kind, part(balance), MAX)], scene.keeper)),
            "margin_calls": (caller, ([id, scene.ids[0]],)),
            "price": (governor, (kind, *[max(1, min(part(price.hi), 2**88 - 1))] * 2, BPS, BPS, 0)),
            "flags": (governor, (kind, lo, price.hi, BPS, 12_500, share % 4)),
            "turn": (governor, (1, nature, share, "totals")),
            "fund.collect": (caller, (scene.vault.address, kind)),
            "fund.start_auction": (caller, (scene.vault.address, kind)),
            "fund.buy": (scene.keeper, (token, part(UNIT[kind]), MAX, scene.keeper)),
            "peg.mint": (owner, (part(10**3 * UNIT[2]), owner)),
        }  # fmt: skip
        by, given_ = args.get(what, (caller, (id,)))
        name = {"price": "say", "flags": "say"}.get(what, what)
        return Move(now, by, name, given_)


@pytest.fixture(scope="module")
def bench() -> Bench:
    assert len(KINDS) > max(MAIN)
    return Bench()


@pytest.mark.covers("I71")
@settings(max_examples=150, derandomize=True, database=None, deadline=None, phases=PHASES,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
@given(st.lists(MOVE, min_size=1, max_size=10))
def test_no_history_parts_the_contracts_from_their_model(bench, steps):
    bench.play(steps)


def test_histories_are_not_empty(bench):
    """The positive control of the reading: enough of what is chosen goes through."""
    before = bench.campaign.counts.done.total(), bench.campaign.counts.refused.total()
    for seed in range(24):
        kind, account = seed % 3, seed % 8
        bench.play(
            [
                ("price", 1, 0, account, kind, (99, 0)),
                ("deposit", 1, 0, account, kind, (100, 0)),
                ("borrow", 1, 0, account, kind, (50, 0)),
                ("repay", 1, 0, account, kind, (10, 1)),
                ("margin_call", 60, 2, account, kind, (100, 0)),
            ]
        )
    done = bench.campaign.counts.done.total() - before[0]
    refused = bench.campaign.counts.refused.total() - before[1]
    assert done >= 36
    assert refused >= 12


def test_it_shrinks_to_the_move_that_matters(bench, monkeypatch):
    """The positive control: a model that forgets deposits is told in one more move."""

    @settings(max_examples=60, derandomize=True, database=None, deadline=None, phases=PHASES,
              report_multiple_bugs=False, suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(MOVE, min_size=1, max_size=10))
    def find(steps):
        bench.play(steps)

    monkeypatch.setattr(WaryBook, "deposit", lambda *_: None, raising=False)
    with pytest.raises(Disagreement) as caught:
        find()
    report = str(caught.value)
    assert "hypothesis: 1 moves after a warm start" in report
    assert "def test_replay__hypothesis" in report
    assert "'deposit', " in report.splitlines()[-2]
    monkeypatch.undo()
    bench.play([("deposit", 0, 0, 0, 0, (100, 0))])
