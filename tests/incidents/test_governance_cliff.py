# SPDX-License-Identifier: MIT
"""Governance cliff: a cut of the liquidation threshold that liquidates at once.

Aave's Polygon and Avalanche markets, Compound's and many others cut a collateral's liquidation
threshold in one transaction; who was healthy a block before was for sale in the next. Proposals had
to be held back until the accounts that they would have liquidated had left.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.stateful.node import RevmNode
from tests.unit.governor.rig import DAY, HOUR, MARGIN, WAD, Act, Rig
from tests.world import AT_RISK, CALLABLE, GENESIS, HEALTHY, World

pytestmark = pytest.mark.covers("incident: governance cliff")

NOW = (7_500, 8_000, 8_500, 10_100, 8_800)
CUT = (6_500, 7_000, 7_500, 10_100, 8_800)  # ten points
DEBT = 14_900 * WAD  # of ten eth at 2,000: 74.5 %, within the initial level


def advance(rig) -> str | None:
    return rig.reason(rig.gov, "advance", rig.vault.address, 0, sender=rig.stranger)


def test_ten_points_at_once_call_a_careful_owner():
    """Without a Governor: a vault whose governor moves levels in one call."""
    world = World(RevmNode(GENESIS))
    account = world.open([(0, 10 * WAD)], DEBT)
    assert world.state(account) == HEALTHY
    world.vault.transact("set_levels", 0, *CUT, sender=world.governor)
    assert world.state(account) == CALLABLE
    world.vault.transact("margin_call", account, sender=world.stranger)


def test_the_governor_has_no_rule_for_that(rig):
    args = (rig.vault.address, rig.vault.encode("set_levels", 0, *CUT))
    assert rig.reason(rig.gov, "propose", *args, sender=rig.admin) == "no rule"
    for who in (rig.admin, rig.guardian):
        assert rig.reason(rig.gov, "tighten", *args, sender=who) == "no rule"


@pytest.mark.covers("I34")
def test_the_same_cut_takes_days_that_everybody_sees(rig):
    """Two days' notice, then 8 bps an hour: the owner is at risk for days, and not surprised."""
    account = rig.world.open([(0, 10 * WAD)], DEBT)
    act = Act(rig.gov, "ramp", (rig.vault.address, 0, *CUT))
    id = rig.propose(act)
    rig.wait(MARGIN - 1)
    assert rig.execute_reason(id, act) == "too early"
    rig.wait(1)
    assert rig.execute_reason(id, act) is None
    assert rig.world.state(account) == HEALTHY
    began, states = rig.now, []
    while True:
        rig.wait(HOUR)
        rig.refresh()
        before = rig.world.levels(account)[4]
        assert advance(rig) is None
        after = rig.world.levels(account)[4]
        assert before - after <= 20_000 * WAD * 8 // 10_000
        states.append(rig.world.state(account))
        if states[-1] == CALLABLE:
            break
    # 80 % to 74.5 % at 8 bps an hour
    assert len(states) == 69
    assert rig.now - began > 2 * DAY
    assert states[0] == HEALTHY
    assert states.index(AT_RISK) == 6  # at 74.5 % by the initial level
    assert set(states[6:-1]) == {AT_RISK}
    with rig.snapshot():
        rig.must(rig.vault, "margin_call", account, sender=rig.stranger)
    rig.must(rig.vault, "repay", account, 1_000 * WAD, sender=rig.owner)
    assert rig.world.state(account) != CALLABLE


def test_whoever_hurries_gains_nothing(rig):
    """A thousand calls in a block move no more than one; nor do two acts."""
    act = Act(rig.gov, "ramp", (rig.vault.address, 0, *CUT))
    ids = [rig.propose(act), rig.propose(act)]
    rig.wait(MARGIN)
    assert rig.execute_reason(ids[0], act) is None
    assert rig.execute_reason(ids[1], act) == "one change a day"
    rig.wait(5 * DAY)
    assert advance(rig) is None
    for _ in range(1_000):
        assert advance(rig) == "too early"
    word = rig.vault.read("collateral", 0)
    assert (word >> 176) % 2**16 == NOW[1] - 8


_AT_ONCE = "MOST_AT_ONCE: constant(uint256) = 3_600"
CATCHES_UP = (_AT_ONCE, _AT_ONCE.replace("3_600", "30 * 86_400"))


def cliff(rig: Rig) -> tuple[int, int]:
    """Let a ramp lie for five days, then advance it in one call.

    Returns by how many bps that moved, and the state of a careful owner's account.
    """
    account = rig.world.open([(0, 10 * WAD)], DEBT)
    act = Act(rig.gov, "ramp", (rig.vault.address, 0, *CUT))
    id = rig.propose(act)
    rig.wait(MARGIN)
    assert rig.execute_reason(id, act) is None
    rig.wait(5 * DAY)
    rig.refresh()
    assert advance(rig) is None
    moved = NOW[1] - (rig.vault.read("collateral", 0) >> 176) % 2**16
    return moved, rig.world.state(account)


@pytest.mark.covers("I34", "P11")
def test_a_ramp_that_lay_for_days_is_no_cliff(rig):
    moved, state = cliff(rig)
    assert moved == 8
    assert state == HEALTHY


def test_a_ramp_that_catches_up_is_a_cliff():
    """The control: five days of steps in one call, and the careful owner is for sale."""
    moved, state = cliff(Rig({"Governor": weakened("Governor", CATCHES_UP)}))
    assert moved > 900
    assert state == CALLABLE
