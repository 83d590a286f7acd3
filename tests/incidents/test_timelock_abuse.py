# SPDX-License-Identifier: MIT
"""Timelock abuse: replayed and doubled acts, a guardian that loosens, owners that are nobody.

Compound's 2021 distribution bug could not be stopped for a week, because nobody could act at once;
Beanstalk's and Tornado Cash's governors did in one transaction whatever had been voted, to
themselves as well. The first asks for a guardian, the second for rules that hold for everybody.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.unit.governor.rig import (
    DAY,
    EXPIRY,
    GUARD_PERIOD,
    PARAMETER,
    STRUCTURE,
    WAD,
    ZERO,
    Act,
    Rig,
)

CAP = 10_000 * WAD
_DONE = "    self._acts[id].state = EXECUTED\n"
_LATE = '    assert block.timestamp <= act.expires_at, "expired"\n'


def cap(rig) -> int:
    return rig.vault.read("deposited", 0) >> 128


def test_an_executed_act_is_not_replayed(rig):
    """Neither at once nor after the cap was lowered again, nor under another governor."""
    act = Act(rig.vault, "set_cap", (0, 2 * CAP))
    id = rig.propose(act)
    rig.wait(PARAMETER)
    assert rig.execute_reason(id, act) is None
    assert rig.tighten_reason(Act(rig.vault, "set_cap", (0, CAP)), rig.admin) is None
    for _ in range(3):
        rig.wait(DAY)
        assert rig.execute_reason(id, act) == "not pending"
    assert cap(rig) == CAP
    twin = rig.deploy(
        "Governor", rig.admin, rig.guardian, rig.rules.address, [(rig.vault.address, 3)]
    )
    args = (id, rig.vault.address, act.data)
    assert rig.reason(twin, "execute", *args, sender=rig.stranger) == "not pending"


@pytest.mark.covers("I62")
def test_a_queue_of_doublings_is_no_way_to_a_thousandfold(rig):
    """Ten acts announced together, each double the last: most are refused when announced."""
    acts = [Act(rig.vault, "set_cap", (0, CAP * 2**n)) for n in range(1, 11)]
    assert rig.propose_reason(acts[0]) is None
    assert [rig.propose_reason(act) for act in acts[1:]] == ["step too large"] * 9
    ids = [1, *(rig.propose(acts[0]) for _ in range(3))]
    rig.wait(PARAMETER)
    outcomes = [rig.execute_reason(id, acts[0]) for id in ids]
    assert outcomes == [None, *["nothing changes"] * 3]
    assert cap(rig) == 2 * CAP


@pytest.mark.covers("I62")
def test_an_old_act_does_not_wait_in_a_drawer(rig):
    act = Act(rig.vault, "set_cap", (0, 2 * CAP))
    id = rig.propose(act)
    rig.wait(PARAMETER + EXPIRY + 1)
    assert rig.execute_reason(id, act) == "expired"


@pytest.mark.covers("I61", "P04")
def test_a_guardian_pauses_in_one_call_and_not_for_ever(rig):
    """Everything at once, for a week out of two; and it never opens anything."""
    vault = rig.vault.address
    rig.must(rig.gov, "pause", vault, 31, sender=rig.guardian)
    assert rig.vault.read("totals") >> 152 & 31 == 31
    for bit in (1, 2, 4, 8, 16):
        act = Act(rig.gov, "set_pause", (vault, bit, False))
        assert rig.tighten_reason(act) == "not tighter"
    keys = [rig.preview(Act(rig.gov, "set_pause", (vault, bit, False)))[1] for bit in (1, 2, 4, 16)]
    rig.wait(GUARD_PERIOD)
    for key in keys:
        rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert rig.reason(rig.gov, "pause", vault, 1, sender=rig.guardian) == "guarded lately"
    assert rig.rules.read("pauses_of", vault) in (0, 8)  # takes resume a grace period later


@pytest.mark.covers("P04")
def test_the_guardian_has_no_way_to_money(rig):
    """It names no minter, raises no ceiling, takes no contract over and proposes nothing."""
    for act in (
        Act(rig.coin, "set_ceiling", (rig.guardian, 0)),
        Act(rig.coin, "set_ceiling", (rig.guardian, 10**30)),
        Act(rig.fund, "set_treasury", (rig.guardian,)),
        Act(rig.vault, "propose_fund", (rig.guardian,)),
        Act(rig.vault, "propose_governor", (rig.guardian,)),
        Act(rig.gov, "set_guardian", (rig.guardian,)),
        Act(rig.gov, "propose_admin", (rig.guardian,)),
        Act(rig.gov, "register", (rig.rules.address, 3)),
    ):
        assert rig.tighten_reason(act) is not None, act.fn
        args = (act.target.address, act.data)
        assert rig.reason(rig.gov, "propose", *args, sender=rig.guardian) == "not admin"


@pytest.mark.covers("P03")
def test_nobody_owns_nothing(rig):
    """The zero address becomes neither governor, nor guardian, nor fund, nor admin."""
    for act in (
        Act(rig.gov, "set_guardian", (ZERO,)),
        Act(rig.fund, "set_treasury", (ZERO,)),
        Act(rig.coin, "set_ceiling", (ZERO, 0)),
        Act(rig.gov, "register", (ZERO, 3)),
    ):
        assert rig.propose_reason(act) is not None, act.fn
    # what may name nobody takes a nomination back, and leaves the present one in office
    acts = [
        Act(rig.vault, "propose_governor", (ZERO,)),
        Act(rig.vault, "propose_fund", (ZERO,)),
        Act(rig.gov, "propose_admin", (ZERO,)),
    ]
    ids = [rig.propose(act) for act in acts]
    rig.wait(STRUCTURE)
    for id, act in zip(ids, acts, strict=True):
        assert rig.execute_reason(id, act) is None
    assert rig.vault.read("governor") == rig.gov.address
    assert rig.vault.read("fund") == rig.fund.address
    assert rig.gov.read("admin") == rig.admin


def replay(rig: Rig) -> str | None:
    """Execute an act, take it back, and execute it again; return why that was refused."""
    act = Act(rig.vault, "set_cap", (0, 2 * CAP))
    id = rig.ready(act)
    assert rig.execute_reason(id, act) is None
    assert rig.tighten_reason(Act(rig.vault, "set_cap", (0, CAP)), rig.admin) is None
    rig.wait(2 * DAY)
    return rig.execute_reason(id, act)


def out_of_the_drawer(rig: Rig) -> str | None:
    """Execute what was announced half a year ago; return why that was refused."""
    act = Act(rig.vault, "set_cap", (0, 2 * CAP))
    id = rig.propose(act)
    rig.wait(180 * DAY)
    return rig.execute_reason(id, act)


@pytest.mark.parametrize(
    ("attack", "line", "reason"),
    [(replay, _DONE, "not pending"), (out_of_the_drawer, _LATE, "expired")],
    ids=["replayed", "expired"],
)
def test_a_timelock_that_forgets_is_found(rig, attack, line, reason):
    """The control: acts that stay pending, or for ever."""
    with rig.snapshot():
        assert attack(rig) == reason
        assert cap(rig) == CAP
    weak = Rig({"Governor": weakened("Governor", (line, ""))})
    assert attack(weak) is None
    assert cap(weak) == 2 * CAP
