# SPDX-License-Identifier: MIT
"""The vault and its model side by side through random histories, and what those histories held."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import time
from dataclasses import astuple, replace
from typing import Any

import pytest

from surety import paths
from surety.anvil import Anvil
from surety.chain import Rpc
from surety.deploy import BookParams
from surety.model import Position
from surety.model.state import NO_KIND
from tests.stateful.dice import GOVERN, GOVERNANCE, MONEY
from tests.stateful.driver import Campaign, Counts, run
from tests.stateful.evidence import require_both_ways, require_reasons
from tests.stateful.node import AnvilNode, RevmNode
from tests.stateful.scene import ALL_KINDS, BASE, PRICES, Disagreement, Move, Setup, events
from tests.stateful.tokens import NATURES
from tests.stateful.views import check_all
from tests.world import BPS, GENESIS, RAY, WAD

L1 = BookParams()
L2 = replace(
    L1,
    grace_period=1_200,
    debt_floor=20 * WAD,
    call_tip=WAD // 20,
    rate=RAY * 60 // 100 // (365 * 86_400),
)
STILL = replace(L1, rate=0)
STEPS = 3_600
# even seeds start warm; the feeds' prices move within hardly any limits, then within the usual ones
CAMPAIGNS = {
    "feeds": ((STILL, 2, False), (L2, 1, True)),
    "words": ((STILL, 4, False), (L2, 3, False)),
}


def revm() -> RevmNode:
    return RevmNode(GENESIS)


@pytest.mark.covers("I58", "I71")
def test_campaign__the_contracts_never_part_from_their_model():
    """Four campaigns, judged by every rule at every step, that met everything together."""
    counts = Counts()
    for hub, campaigns in CAMPAIGNS.items():
        for params, seed, usual in campaigns:
            one = run(revm, Setup(hub, params, usual), seed, STEPS)
            counts.add(one)
            gc.collect()  # an EVM is heavy, and part of a cycle
            if usual:  # limits that let nothing happen would prove as little as no limits
                for what in ("MarginCalled", "Taken", "price confirming", "price grown wild"):
                    assert one.seen[what] >= 20, (what, one.seen)
    assert counts.steps == STEPS * sum(map(len, CAMPAIGNS.values()))
    require(counts)


def test_campaign__under_a_governor_no_act_makes_anybody_callable():
    """Acts wait, ramps move, the guardian tightens: each as the model says, and i35 holds."""
    counts = Counts()
    for params, seed in ((L2, 11), (L1, 12)):
        counts.add(run(revm, Setup("words", params, governed=True), seed, 1_500))
        gc.collect()
    require_both_ways(counts, GOVERN)
    require_reasons(counts, ("Governor", "GovernanceRules"))
    assert counts.done["governor.advance"] >= 5
    assert counts.seen["MarginCalled"] >= 10


def test_campaign__holds_on_a_real_anvil():
    """The same driver, dice and comparisons by raw RPC: revm alone could be wrong."""
    with Anvil(timestamp=GENESIS, block_interval=1) as node, Rpc(node.url) as rpc:
        campaign = Campaign(AnvilNode(rpc), Setup("feeds", L1), seed=6)
        campaign.warm_up()
        for _ in range(300):
            campaign.step()
        check_all(campaign.scene)
        counts = campaign.counts
    assert counts.steps == 300
    assert sum(counts.done.values()) >= 100
    assert sum(counts.refused.values()) >= 50
    assert counts.done["take"] + counts.done["takes"] >= 3
    assert counts.done["margin_call"] >= 3


@pytest.mark.covers("I69")
@pytest.mark.parametrize("hub", ["feeds", "words"])
def test_accounts_are_rebuilt_from_logs_alone(hub):
    """Whoever only listens knows every account's word and balances."""
    campaign = Campaign(revm(), Setup(hub, L2), seed=8, views_each=10**9)
    campaign.warm_up()
    for _ in range(900):
        campaign.step()
    scene, (topic, _) = campaign.scene, events()["AccountUpdated"]
    words: dict[int, int] = {}
    balances: dict[tuple[int, int], int] = {}
    for topics, data in scene.logs:
        if topics[0] != topic:
            continue
        account, kind = int(topics[1], 16), int(topics[2], 16)
        balance, words[account] = int.from_bytes(data[:32]), int.from_bytes(data[32:])
        if kind != NO_KIND:
            balances[account, kind] = balance
    assert set(words) <= set(scene.ids)
    assert len(words) == len(scene.ids)
    for id in scene.ids:
        word, held = scene.stored(id)
        assert words[id] == word
        assert [balances.get((id, kind), 0) for kind in range(len(held))] == held


@pytest.mark.parametrize(("hub", "usual"), [("feeds", False), ("feeds", True), ("words", False)])
def test_diligence__nobody_below_close_out_stays_in_debt(hub, usual):
    """Invariant 23: called and absorbed with diligence, all are free within grace + 2 durations."""
    campaign = Campaign(revm(), Setup(hub, L1, usual), seed=10)
    campaign.warm_up()
    for _ in range(400):
        campaign.step()
    scene, governor, keeper = campaign.scene, campaign.scene.governor, campaign.scene.keeper
    rules = scene.book.rules

    def make(at, who, what, *args):
        assert campaign.make(Move(at, who, what, args)).reason is None

    make(scene.now, scene.book.governor, "set_pauses", 0)
    start = scene.now + 9 * 86_400  # beyond every pause and cool-down
    if hub == "feeds":
        make(start, governor, "uptime", 0, 86_400)
    for kind, price in enumerate(BASE):
        if hub == "feeds":
            limits = scene.limits_of(ALL_KINDS[kind].levels)
            make(start, governor, "set_limits", kind, *astuple(limits))
            make(start, governor, "break_feed", kind, False)
            make(start, governor, "answer", kind, price // 10)
            make(start, governor, "set_bounds", kind, price // 10, price * 4)
            make(start, governor, "set_max_age", kind, 90_000)
        else:
            make(start, governor, "say", kind, price // 10, price // 10, BPS, BPS, 0)
    at = start + 61
    while hub == "feeds" and any(price.hi > BASE[k] // 10 for k, price in told(scene, at)):
        make(at, keeper, "poke", 2 ** len(BASE) - 1)
        at += 61
    # -90 % takes a stable coin at 5 % a minute three quarters of an hour; at once without a limit
    assert at - start <= (3_600 if usual else 3 * 61)
    book = scene.book
    levels = {id: book.levels(id, at) for id in scene.ids}
    below = [id for id, found in levels.items() if found.debt > found.close_out]
    assert len(below) >= 3
    for number, id in enumerate(below):
        make(at + number, keeper, "margin_call", id)
    # none is at once sold whose prices are not yet confirmed: then the grace period comes first
    last = max(scene.book.positions[id].auction_start for id in below)
    assert last <= scene.now + rules.grace_period
    closed = last + rules.auction_duration + 1
    for number, id in enumerate(below):
        make(closed + number, keeper, "absorb", id)
    assert all(scene.book.debt(id, scene.now) == 0 for id in below)
    assert scene.now - at <= rules.grace_period + 2 * rules.auction_duration


def told(scene, now):
    """Return each kind with its price as a transaction would see it."""
    return [
        pair for kind in range(len(BASE)) for pair in scene.book.hub.read(1 << kind, now).items()
    ]


FORGETFUL = """
from surety.model import Position
Position.mask = property(lambda position: sum(1 << kind for kind in position.balances if kind != 1))
"""


def test_shrink__finds_the_move_that_matters_and_prints_a_test_that_runs(monkeypatch, tmp_path):
    """The positive control: a model that forgets a mask bit is caught, and told in one move."""
    forgetful = property(lambda position: sum(1 << kind for kind in position.balances if kind != 1))
    monkeypatch.setattr(Position, "mask", forgetful)
    with pytest.raises(Disagreement) as caught:
        run(revm, Setup("words", L1), seed=1, steps=400)
    report = str(caught.value)
    assert "def test_replay__seed_1_step_" in report
    assert report.count("\n        (18") == 1  # one deposit of kind 1 shows it
    assert "'deposit'" in report or "'adjust'" in report
    (words,) = re.findall(r"# Disagreement: (.*)", report)
    # the very text, in a process of its own, fails with the same words
    (tmp_path / "test_printed.py").write_text(report)
    (tmp_path / "conftest.py").write_text(FORGETFUL)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:ape_test", "-p", "no:cacheprovider",
         "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=paths.root(),
        env={**os.environ, "PYTHONPATH": str(paths.root())},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert ran.returncode == 1
    assert words in ran.stdout
    assert "1 failed" in ran.stdout
    # and goes through without the fault
    monkeypatch.undo()
    printed: dict[str, Any] = {}
    exec(report, printed)  # it is what somebody would paste
    (name,) = [name for name in printed if name.startswith("test_replay")]
    printed[name]()


@pytest.mark.deep
@pytest.mark.skipif("SURETY_FUZZ_MINUTES" not in os.environ, reason="set SURETY_FUZZ_MINUTES")
def test_campaigns__a_million_steps_or_as_long_as_asked():
    until = time.monotonic() + 60 * float(os.environ["SURETY_FUZZ_MINUTES"])
    seed = int(os.environ.get("SURETY_FUZZ_SEED", "1000"))
    counts = Counts()
    while time.monotonic() < until and counts.steps < 10**7:
        for hub in CAMPAIGNS:
            params = (STILL, L1, L2, L2)[seed // 2 % 4]
            governed = seed % 5 == 0
            one = run(revm, Setup(hub, params, seed // 8 % 2 == 1, governed), seed, STEPS)
            if not governed:  # whose acts are others
                counts.add(one)
            gc.collect()
        seed += 1
    done, refused = counts.done.total(), counts.refused.total()
    print(f"\n{counts.steps} steps, the last seed is {seed - 1}: {done} moves done, {refused} "
          f"refused for {len(counts.reasons())} reasons")  # fmt: skip
    if counts.steps >= 8 * STEPS:
        require(counts)


def require(counts: Counts) -> None:
    """Assert that everything happened often enough: an empty campaign proves nothing."""
    require_both_ways(counts, MOVES, least=5)
    require_both_ways(counts, [*ACTS, *MONEY, *ENDS, *PRICES])
    require_reasons(counts, CONTRACTS)
    for what in [*OUTCOMES, *MONEYED, *PRICED]:
        assert counts.seen[what] >= 5, (what, counts.seen)
    for what in ENDED:
        assert counts.seen[what] >= 1, (what, counts.seen)
    for nature in NATURES:  # of a token, in which it was asked to move
        assert counts.seen[f"token {nature}"] >= 1, (nature, counts.seen)


MOVES = (
    "deposit", "withdraw", "borrow", "repay", "adjust", "move", "set_margin_model", "margin_call",
    "margin_calls", "take", "takes", "cure", "absorb",
)  # fmt: skip
ACTS = tuple(GOVERNANCE)
ENDS = tuple(
    f"settlement.{name}"
    for name in ("shutdown", "settle", "settles", "open_redemption", "redeem", "sweep", "claim")
)
CONTRACTS = (
    "PriceHub", "Vault", "Stablecoin", "InsuranceFund", "PegStability", "Settlement",
)  # fmt: skip
OUTCOMES = (
    "tip", "no tip", "grace", "immediate", "restarted", "BadDebt", "Absorbed", "Accrued",
    "safe whatever the volatility", "called from inside a transfer", "a loan around moves",
)  # fmt: skip
# of coin, fund and peg, five times at least; of the ends of books, of which a campaign has one
MONEYED = (
    "coin FlashMinted", "fund Reaped", "fund Recapitalised", "fund Collected", "fund Sold",
    "peg Minted", "peg Redeemed", "settlement AccountSettled", "settlement Redeemed",
)  # fmt: skip
ENDED = ("solvent", "insolvent", "settlement Swept", "settlement Deferred")
PRICED = (
    "price failed", "price confirming", "price refreshed", "price sampled", "price grown wild",
)  # fmt: skip
