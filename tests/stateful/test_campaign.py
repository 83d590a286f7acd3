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
from tests.stateful.dice import GOVERN, MONEY
from tests.stateful.driver import Campaign, Counts, run
from tests.stateful.node import AnvilNode, RevmNode
from tests.stateful.scene import ALL_KINDS, BASE, PRICES, Disagreement, Move, Setup, events
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
STEPS = 5_200
# even seeds start warm; the feeds' prices move within hardly any limits, then within the usual ones
CAMPAIGNS = {
    "feeds": ((STILL, 2, False), (L2, 1, True)),
    "words": ((STILL, 4, False), (L2, 3, False)),
}


def revm() -> RevmNode:
    return RevmNode(GENESIS)


@pytest.mark.parametrize("hub", ["feeds", "words"])
def test_campaign__the_vault_never_parts_from_its_model(hub):
    counts = Counts()
    for params, seed, usual in CAMPAIGNS[hub]:
        one = run(revm, Setup(hub, params, usual), seed, STEPS)
        counts.add(one)
        gc.collect()  # an EVM is heavy, and part of a cycle
        if usual:  # limits that let nothing happen would prove as little as no limits
            for what in ("MarginCalled", "Taken", "price confirming", "price grown wild"):
                assert one.seen[what] >= 20, (what, one.seen)
    assert counts.steps == STEPS * len(CAMPAIGNS[hub])
    require(counts, hub)


def test_campaign__under_a_governor_no_act_makes_anybody_callable():
    """Acts wait, ramps move, the guardian tightens: each as the model says, and i35 holds."""
    counts = Counts()
    for params, seed in ((L2, 11), (L1, 12)):
        counts.add(run(revm, Setup("words", params, governed=True), seed, 900))
        gc.collect()
    for name in GOVERN:
        done, refused = counts.done[name], counts.refusals(name)
        assert done >= 1, (name, "went through", done)
        assert refused >= 1, (name, "was refused", refused)
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


@pytest.mark.covers("I71")
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
    counts = {"feeds": Counts(), "words": Counts()}
    while time.monotonic() < until and sum(each.steps for each in counts.values()) < 10**6:
        for hub in counts:
            params = (STILL, L1, L2, L2)[seed // 2 % 4]
            governed = seed % 5 == 0
            setup = Setup(hub, params, seed // 8 % 2 == 1, governed)
            one = run(revm, setup, seed, STEPS)
            if not governed:  # whose acts are others
                counts[hub].add(one)
            gc.collect()
        seed += 1
    for hub, one in counts.items():
        if one.steps >= 4 * STEPS:
            require(one, hub)


def require(counts: Counts, hub: str) -> None:
    """Assert that everything happened often enough: an empty campaign proves nothing."""
    ends = [f"settlement.{name}" for name in (*ENDS_OF_BOOKS, "claim")]
    for name in [
        *MOVES,
        *ACTS,
        *MONEY,
        *ends,
        "set_default_model",
        *(PRICES if hub == "feeds" else ()),
    ]:
        least = max(1, counts.steps // 1_000) if name in MOVES else 1
        done, refused = counts.done[name], counts.refusals(name)
        assert name in NEVER_DONE or done >= least, (name, "went through", done)
        assert name in NEVER_REFUSED or refused >= least, (name, "was refused", refused)
    seen = counts.reasons()
    expected = listed_reasons() - ELSEWHERE
    assert expected <= seen, f"never refused: {sorted(expected - seen)}"
    for what in [*OUTCOMES, *MONEYED, *(PRICED if hub == "feeds" else ())]:
        assert counts.seen[what] >= 5, (what, counts.seen)
    for what in ENDED:
        assert counts.seen[what] >= 1, (what, counts.seen)


MOVES = (
    "deposit", "withdraw", "borrow", "repay", "adjust", "move", "set_margin_model", "margin_call",
    "margin_calls", "take", "takes", "cure", "absorb",
)  # fmt: skip
ACTS = (
    "accrue", "set_operator", "set_operator_by_signature", "lockdown", "withdraw_absorbed",
    "set_cap", "set_frozen", "set_pauses", "set_rate", "propose_fund", "accept_fund",
    "use_default", "list_model", "list_collateral", "propose_governor", "accept_governor",
    "set_levels",
)  # fmt: skip
# once a campaign at most; and by a contract only, or seldom
ENDS_OF_BOOKS = ("shutdown", "open_redemption", "sweep", "settles", "settle", "redeem")
NEVER_DONE = (
    "set_default_model", "settlement.claim", "withdraw_absorbed", "fund.add_reserve",
    "fund.remove_reserve",
)  # fmt: skip
NEVER_REFUSED = ("accrue", "set_operator", "lockdown", "report", "uptime")
OUTCOMES = (
    "tip", "no tip", "grace", "immediate", "restarted", "BadDebt", "Absorbed", "Accrued",
    "safe whatever the volatility",
)  # fmt: skip
# of coin, fund and peg, five times at least; of the ends of books, of which a campaign has one
MONEYED = (
    "coin FlashMinted", "fund Reaped", "fund Recapitalised", "fund Collected", "fund Sold",
    "peg Minted", "peg Redeemed", "settlement AccountSettled", "settlement Redeemed",
)  # fmt: skip
ENDED = ("solvent", "insolvent", "settlement Swept")
PRICED = (
    "price failed", "price confirming", "price refreshed", "price sampled", "price grown wild",
)  # fmt: skip


def listed_reasons() -> set[str]:
    """Return every reason that the contracts can give: contracts/modules/reasons.vy."""
    text = (paths.contracts() / "modules" / "reasons.vy").read_text()
    numbers = [int(number) for number in re.findall(r"constant\(uint256\) = (\d+)", text)]
    return {number.to_bytes(32).lstrip(b"\0").decode() for number in numbers}


# what a whole transaction cannot meet that has gas enough, and levels at which a sale pays
# and what the settlement never asks a vault for
ELSEWHERE = {"gas too low", "nothing to take", "not settleable"}
