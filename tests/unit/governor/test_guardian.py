# SPDX-License-Identifier: MIT
"""Tightening at once: by whom, for how long, and that nothing is loosened by it."""

from __future__ import annotations

import pytest

from tests.unit.governor.acts import CATALOGUE, LEVELS
from tests.unit.governor.rig import (
    DAY,
    GUARD_PERIOD,
    MARGIN,
    PARAMETER,
    STRUCTURE,
    WAD,
    ZERO,
    Act,
)

CAP = 10_000 * WAD
AT_ONCE = [sample for sample in CATALOGUE if sample.delay == 0]


def cap(rig) -> int:
    return rig.vault.read("deposited", 0) >> 128


def pauses(rig) -> int:
    return rig.rules.read("pauses_of", rig.vault.address)


def frozen(rig) -> int:
    return rig.vault.read("totals") >> 200 & 2**32 - 1


def switches(rig) -> tuple:
    """What a guardian may change."""
    return (
        pauses(rig),
        frozen(rig),
        cap(rig),
        rig.coin.read("ceiling", rig.vault.address),
        rig.coin.read("flash_ceiling"),
        rig.fund.read("is_reaping_paused"),
        rig.peg.read("is_minting_paused"),
    )


def lower(rig, to: int) -> Act:
    return Act(rig.vault, "set_cap", (0, to))


def pause_key(rig, bit: int) -> bytes:
    act = Act(rig.gov, "set_pause", (rig.vault.address, bit, not pauses(rig) & bit))
    return rig.preview(act)[1]


def test_the_guardian_lowers_a_cap_for_seven_days(rig):
    act = lower(rig, CAP // 4)
    key = rig.preview(act)[1]
    args = (rig.vault.address, act.data)
    ran = rig.must(rig.gov, "tighten", *args, sender=rig.guardian)
    assert cap(rig) == CAP // 4
    (event,) = rig.events(ran)
    assert (event.name, event.args) == (
        "Tightened",
        {
            "key": key,
            "target": rig.vault.address,
            "data": act.data,
            "by": rig.guardian,
            "lapses_at": rig.now + GUARD_PERIOD,
        },
    )
    undo = rig.vault.encode("set_cap", 0, CAP)
    assert rig.gov.read("guards", key) == (rig.now, rig.vault.address, undo)
    assert rig.gov.read("former", key) == CAP
    rig.wait(GUARD_PERIOD - 1)
    assert rig.reason(rig.gov, "lapse", key, sender=rig.stranger) == "too early"
    rig.wait(1)
    ran = rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert [(e.name, e.args) for e in rig.events(ran)] == [
        ("Lapsed", {"key": key, "restored": True})
    ]
    assert cap(rig) == CAP
    assert rig.gov.read("former", key) == 0
    for who in (rig.stranger, rig.guardian):
        assert rig.reason(rig.gov, "lapse", key, sender=who) == "nothing to lapse"


def test_it_cannot_be_repeated_for_seven_days_more(rig):
    key = rig.preview(lower(rig, 1))[1]
    assert rig.tighten_reason(lower(rig, CAP // 2)) is None
    began = rig.now
    rig.wait(GUARD_PERIOD)
    # neither before the lapse nor after it
    assert rig.tighten_reason(lower(rig, 1)) == "guarded lately"
    rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert rig.tighten_reason(lower(rig, 1)) == "guarded lately"
    rig.wait(began + 2 * GUARD_PERIOD - 1 - rig.now)
    assert rig.tighten_reason(lower(rig, 1)) == "guarded lately"
    rig.wait(1)
    assert rig.tighten_reason(lower(rig, 1)) is None
    assert rig.gov.read("guards", key)[0] == rig.now


def test_within_its_time_it_is_tightened_further_and_lapses_as_a_whole(rig):
    key = rig.preview(lower(rig, 1))[1]
    assert rig.tighten_reason(lower(rig, CAP // 2)) is None
    began = rig.now
    rig.wait(3 * DAY)
    assert rig.tighten_reason(lower(rig, CAP)) == "not tighter"
    assert rig.tighten_reason(lower(rig, 0)) is None
    assert rig.gov.read("guards", key)[0] == began
    rig.wait(4 * DAY)
    rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert cap(rig) == CAP


def test_what_nobody_let_lapse_comes_back_all_the_same(rig):
    """The guardian's second act, two weeks later, does not make its first one permanent."""
    key = rig.preview(lower(rig, 1))[1]
    assert rig.tighten_reason(lower(rig, CAP // 2)) is None
    rig.wait(2 * GUARD_PERIOD)
    assert rig.tighten_reason(lower(rig, CAP // 4)) is None
    assert (cap(rig), rig.gov.read("former", key)) == (CAP // 4, CAP)
    rig.wait(GUARD_PERIOD)
    rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert cap(rig) == CAP


def test_governance_changes_it_and_nothing_lapses(rig):
    """A day after the guardian lowered it, governance raises it again: to what it was, or less."""
    key = rig.preview(lower(rig, 1))[1]
    assert rig.tighten_reason(lower(rig, 1)) is None
    up = lower(rig, CAP)
    assert rig.delay(up) == PARAMETER
    assert rig.propose_reason(lower(rig, CAP + 1)) == "step too large"
    id = rig.propose(up)
    assert rig.execute_reason(id, up) == "too early"
    rig.wait(PARAMETER)
    # announced in the very second of the guardian's act: not after it
    assert rig.execute_reason(id, up) == "tightened since"
    id = rig.propose(up)
    rig.wait(PARAMETER)
    assert rig.execute_reason(id, up) is None
    assert cap(rig) == CAP
    assert rig.tighten_reason(lower(rig, 2)) == "guarded lately"
    rig.wait(GUARD_PERIOD)
    assert rig.reason(rig.gov, "lapse", key, sender=rig.stranger) == "nothing to lapse"


def test_an_act_announced_before_does_not_undo_it(rig):
    act = lower(rig, 2 * CAP)
    id = rig.propose(act)
    rig.wait(PARAMETER - 1)
    assert rig.tighten_reason(lower(rig, CAP - 1)) is None
    rig.wait(DAY)
    assert rig.execute_reason(id, act) in ("tightened since", "step too large")
    back = lower(rig, CAP)
    id = rig.propose(back)
    rig.wait(PARAMETER)
    assert rig.execute_reason(id, back) is None


def test_the_admins_tightening_does_not_lapse(rig):
    act = lower(rig, CAP // 2)
    key = rig.preview(act)[1]
    ran = rig.must(rig.gov, "tighten", rig.vault.address, act.data, sender=rig.admin)
    (event,) = rig.events(ran)
    assert event.args["lapses_at"] == 0
    rig.wait(30 * DAY)
    assert rig.reason(rig.gov, "lapse", key, sender=rig.stranger) == "nothing to lapse"
    assert cap(rig) == CAP // 2
    # and takes over what the guardian did
    assert rig.tighten_reason(lower(rig, 5)) is None
    assert rig.tighten_reason(lower(rig, 4), rig.admin) is None
    rig.wait(GUARD_PERIOD)
    assert rig.reason(rig.gov, "lapse", key, sender=rig.stranger) == "nothing to lapse"
    assert cap(rig) == 4


@pytest.mark.parametrize("sample", AT_ONCE, ids=lambda s: s.name)
def test_each_thing_that_tightens_lapses(rig, sample):
    act = sample.make(rig)
    before = switches(rig)
    key = rig.preview(act)[1]
    for who in (rig.stranger, rig.owner, rig.deployer):
        assert rig.tighten_reason(act, who) == "not guardian"
    assert rig.tighten_reason(act) is None
    assert before != switches(rig)
    assert rig.tighten_reason(act) in ("nothing changes", "not tighter")
    rig.wait(GUARD_PERIOD)
    rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert switches(rig) == before


@pytest.mark.covers("P04", "I61")
def test_the_guardian_cannot_loosen(rig):
    """Nothing with a delay is done at once, and what would be looser has one."""
    for sample in CATALOGUE:
        if sample.delay == 0:
            continue
        with rig.snapshot():
            act = sample.make(rig)
            for who in (rig.guardian, rig.admin):
                assert rig.tighten_reason(act, who) == "not tighter", sample.name
    vault, ceiling = rig.vault.address, rig.coin.read("ceiling", rig.vault.address)
    for act, delay in (
        (Act(rig.vault, "set_cap", (0, CAP + 1)), PARAMETER),
        (Act(rig.coin, "set_ceiling", (vault, ceiling + 1)), PARAMETER),
        (Act(rig.coin, "set_flash", (rig.coin.read("flash_fee_bps") + 1, 0)), PARAMETER),
    ):
        assert rig.delay(act) == delay
        assert rig.tighten_reason(act) == "not tighter"
    # equal is not tighter
    for act in (
        Act(rig.vault, "set_cap", (0, CAP)),
        Act(rig.coin, "set_ceiling", (vault, ceiling)),
        Act(rig.vault, "set_frozen", (0, False)),
        Act(rig.gov, "set_pause", (vault, 1, False)),
    ):
        assert rig.tighten_reason(act) == "nothing changes"


def test_naming_a_minter_is_not_tightening(rig):
    """A minter burns any holder's coins whatever its ceiling: 0 for a stranger is no lowering."""
    act = Act(rig.coin, "set_ceiling", (rig.stranger, 0))
    for who in (rig.guardian, rig.admin):
        assert rig.tighten_reason(act, who) == "not a minter"
    assert rig.propose_reason(act) == "not a minter"
    second = Act(rig.coin, "set_ceiling", (rig.second.address, 0))
    assert rig.tighten_reason(second) == "not tighter"
    assert rig.delay(second) == STRUCTURE
    assert not rig.coin.read("is_minter", rig.second.address)


# pauses


@pytest.mark.covers("P04", "I61")
def test_pause_sets_bits_at_once_and_each_lapses_by_itself(rig):
    vault = rig.vault.address
    for who in (rig.stranger, rig.owner):
        assert rig.reason(rig.gov, "pause", vault, 1, sender=who) == "not guardian"
    for bad in (0, 32, 33, 2**255):
        assert rig.reason(rig.gov, "pause", vault, bad, sender=rig.guardian) == "bad pauses"
    for bad in (rig.stranger, ZERO):
        assert rig.reason(rig.gov, "pause", bad, 1, sender=rig.guardian) == "not registered"
    assert rig.reason(rig.gov, "pause", rig.coin.address, 1, sender=rig.guardian) is not None
    ran = rig.must(rig.gov, "pause", vault, 5, sender=rig.guardian)
    assert [e.name for e in rig.events(ran)] == ["Tightened"] * 2
    assert pauses(rig) == 5
    rig.wait(2 * DAY)
    ran = rig.must(rig.gov, "pause", vault, 31, sender=rig.guardian)
    assert len(rig.events(ran)) == 3
    assert pauses(rig) == 31
    rig.wait(5 * DAY)
    for bit in (1, 4):
        rig.must(rig.gov, "lapse", pause_key(rig, bit), sender=rig.stranger)
    assert pauses(rig) == 31 - 5
    key = pause_key(rig, 2)
    assert rig.reason(rig.gov, "lapse", key, sender=rig.stranger) == "too early"
    assert rig.reason(rig.gov, "pause", vault, 1, sender=rig.guardian) == "guarded lately"
    rig.wait(2 * DAY)
    for bit in (2, 16):
        rig.must(rig.gov, "lapse", pause_key(rig, bit), sender=rig.stranger)
    assert pauses(rig) == 8


@pytest.mark.covers("P04")
def test_unpausing_early_is_a_days_act_that_was_announced_afterwards(rig):
    rig.must(rig.gov, "pause", rig.vault.address, 3, sender=rig.guardian)
    open_ = Act(rig.gov, "set_pause", (rig.vault.address, 1, False))
    assert rig.delay(open_) == PARAMETER
    rig.wait(1)
    id = rig.propose(open_)
    rig.must(rig.gov, "pause", rig.vault.address, 16, sender=rig.guardian)
    rig.wait(PARAMETER)
    # the bits that were set meanwhile stay
    assert rig.execute_reason(id, open_) is None
    assert pauses(rig) == 18


def test_a_pause_of_takes_that_has_ended_is_not_begun_again_by_another(rig):
    """The vault would take its stale bit for a new pause of seven days."""
    vault = rig.vault.address
    rig.must(rig.gov, "pause", vault, 8, sender=rig.guardian)
    resumes = rig.vault.read("totals") >> 112 & 2**40 - 1
    rig.wait(resumes - rig.now)
    assert rig.vault.read("totals") >> 152 & 31 == 8
    assert pauses(rig) == 0
    rig.must(rig.gov, "pause", vault, 1, sender=rig.guardian)
    assert rig.vault.read("totals") >> 112 & 2**40 - 1 == resumes
    assert pauses(rig) == 1
    assert rig.reason(rig.gov, "pause", vault, 8, sender=rig.guardian) == "guarded lately"


def test_nothing_lapses_in_a_book_that_is_retired_or_shut(rig):
    minter = rig.vault.address
    ceiling = Act(rig.coin, "set_ceiling", (minter, 7))
    keys = [rig.preview(lower(rig, 1))[1], rig.preview(ceiling)[1], pause_key(rig, 1)]
    calls = pause_key(rig, 4)
    retire = Act(rig.gov, "retire", (minter,))
    id = rig.propose(retire)
    shutdown = Act(rig.settlement, "shutdown", (minter,))
    other = rig.propose(shutdown)
    rig.wait(STRUCTURE)
    rig.refresh()
    assert rig.tighten_reason(lower(rig, 5)) is None
    assert rig.tighten_reason(ceiling) is None
    rig.must(rig.gov, "pause", minter, 5, sender=rig.guardian)
    assert rig.execute_reason(id, retire) is None
    assert (cap(rig), rig.coin.read("ceiling", minter), pauses(rig)) == (0, 0, 5)
    with rig.snapshot():
        rig.wait(GUARD_PERIOD)
        for key in keys:
            ran = rig.must(rig.gov, "lapse", key, sender=rig.stranger)
            assert [e.args["restored"] for e in rig.events(ran)] == [False]
        assert (cap(rig), rig.coin.read("ceiling", minter), pauses(rig)) == (0, 0, 5)
        # margin calls, takes and withdrawals go on in a book that ends
        ran = rig.must(rig.gov, "lapse", calls, sender=rig.stranger)
        assert [e.args["restored"] for e in rig.events(ran)] == [True]
        assert (cap(rig), rig.coin.read("ceiling", minter), pauses(rig)) == (0, 0, 1)
    assert rig.execute_reason(other, shutdown) == "not admin"
    assert rig.execute_reason(other, shutdown, sender=rig.admin) is None
    assert pauses(rig) == 63
    rig.wait(GUARD_PERIOD)
    ran = rig.must(rig.gov, "lapse", calls, sender=rig.stranger)
    assert [e.args["restored"] for e in rig.events(ran)] == [False]
    assert pauses(rig) == 63
    assert rig.reason(rig.gov, "pause", minter, 1, sender=rig.guardian) is None


def test_retire_is_for_good(rig):
    """Ceiling, caps, borrowing and ramps: whatever would loosen them afterwards is refused."""
    vault = rig.vault.address
    raise_ = Act(rig.gov, "ramp", (vault, 0, 7_600, 8_100, 8_600, 10_100, 8_800))
    rig.enact(raise_)
    waiting = [
        Act(rig.vault, "set_cap", (1, 15_000 * 10**8)),
        Act(rig.coin, "set_ceiling", (vault, 2 * 10**8 * WAD)),
    ]
    ids = [rig.propose(act) for act in waiting]
    rig.enact(Act(rig.gov, "retire", (vault,)))
    assert rig.gov.read("is_retired", vault)
    assert rig.gov.read("ramps", vault, 0)[5] == 0
    assert rig.reason(rig.gov, "advance", vault, 0, sender=rig.stranger) == "no ramp"
    for id, act in zip(ids, waiting, strict=True):
        assert rig.execute_reason(id, act) == "retired"
    for act in (
        *waiting,
        raise_,
        Act(rig.gov, "set_pause", (vault, 1, False)),
        Act(rig.gov, "retire", (vault,)),
        Act(rig.coin, "set_ceiling", (vault, 1)),
        Act(rig.vault, "set_cap", (0, 1)),
    ):
        assert rig.propose_reason(act) == "retired", act
    rig.must(rig.gov, "tighten", rig.vault.address,
             rig.vault.encode("set_frozen", 0, True), sender=rig.admin)  # fmt: skip
    assert rig.propose_reason(Act(rig.vault, "set_frozen", (0, False))) == "retired"
    # what tightens, ends or hands it over goes on
    down = Act(rig.gov, "ramp", (vault, 0, 7_400, *LEVELS[1:]))
    assert rig.delay(down) == MARGIN
    assert rig.delay(Act(rig.settlement, "shutdown", (vault,))) == MARGIN
    account = rig.world.id(rig.owner, 9)
    rig.world.give(rig.owner, 0, WAD)
    args = (account, 0, WAD)
    assert rig.reason(rig.vault, "deposit", *args, sender=rig.owner) == "above cap"


def test_governance_keeps_what_the_guardian_did(rig):
    """Else a lapse, and the use of what it opens, would fit into one transaction of anyone's."""
    minter = rig.vault.address
    ceiling = Act(rig.coin, "set_ceiling", (minter, 0))
    keys = [rig.preview(lower(rig, 1))[1], rig.preview(ceiling)[1], pause_key(rig, 1)]
    for key in keys:
        assert rig.reason(rig.gov, "keep", key, sender=rig.admin) == "nothing to keep"
    assert rig.tighten_reason(lower(rig, 5)) is None
    assert rig.tighten_reason(ceiling) is None
    rig.must(rig.gov, "pause", minter, 1, sender=rig.guardian)
    rig.wait(3 * DAY)
    # the same again is not tighter, and cannot say it
    assert rig.tighten_reason(lower(rig, 5), rig.admin) == "nothing changes"
    for key in keys:
        for who in (rig.stranger, rig.guardian):
            assert rig.reason(rig.gov, "keep", key, sender=who) == "not admin"
        ran = rig.must(rig.gov, "keep", key, sender=rig.admin)
        assert [(e.name, e.args) for e in rig.events(ran)] == [("Kept", {"key": key})]
        assert rig.gov.read("changed_at", key) == rig.now
        assert rig.reason(rig.gov, "keep", key, sender=rig.admin) == "nothing to keep"
    rig.wait(GUARD_PERIOD)
    for key in keys:
        assert rig.reason(rig.gov, "lapse", key, sender=rig.stranger) == "nothing to lapse"
    assert (cap(rig), rig.coin.read("ceiling", minter), pauses(rig)) == (5, 0, 1)
    # and an act opens it again
    rig.enact(Act(rig.gov, "set_pause", (minter, 1, False)))
    assert pauses(rig) == 0


def test_one_pause_that_is_used_up_does_not_hold_up_the_others(rig):
    vault = rig.vault.address
    rig.must(rig.gov, "pause", vault, 16, sender=rig.guardian)
    key = pause_key(rig, 16)
    rig.wait(GUARD_PERIOD)
    rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert rig.reason(rig.gov, "pause", vault, 16, sender=rig.guardian) == "guarded lately"
    assert pauses(rig) == 0
    ran = rig.must(rig.gov, "pause", vault, 31, sender=rig.guardian)
    assert [e.name for e in rig.events(ran)] == ["Tightened"] * 4
    assert pauses(rig) == 15
    # the admin's own is not used up
    rig.must(rig.gov, "pause", vault, 16, sender=rig.admin)
    assert pauses(rig) == 31


def test_pauses_of_a_retired_book_lapse_but_for_borrowing(rig):
    """Its debts must be called, sold and paid back; a guardian's pause lasts a week here too."""
    vault = rig.vault.address
    rig.enact(Act(rig.gov, "retire", (vault,)))
    rig.must(rig.gov, "pause", vault, 2 | 4 | 16, sender=rig.guardian)
    assert pauses(rig) == 1 | 2 | 4 | 16
    rig.wait(GUARD_PERIOD)
    for bit in (2, 4, 16):
        ran = rig.must(rig.gov, "lapse", pause_key(rig, bit), sender=rig.stranger)
        assert [e.args["restored"] for e in rig.events(ran)] == [True]
    assert pauses(rig) == 1


def test_a_guardians_ceiling_of_zero_does_not_retire_a_book(rig):
    """It lapses: the book would lend again, outside the fund that stands for its losses."""
    vault = rig.vault.address
    assert rig.tighten_reason(Act(rig.coin, "set_ceiling", (vault, 0))) is None
    act = Act(rig.fund, "retire_book", (vault,))
    id = rig.propose(act)
    retire = Act(rig.gov, "retire", (vault,))
    other = rig.propose(retire)
    rig.wait(STRUCTURE)
    assert rig.execute_reason(id, act) == "not retired"
    assert rig.execute_reason(other, retire) is None
    assert rig.execute_reason(id, act) is None
    assert vault not in rig.fund.read("books")
