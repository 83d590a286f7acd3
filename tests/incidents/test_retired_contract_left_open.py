# SPDX-License-Identifier: MIT
"""Retired contract left open: a product that was closed and could still be used, or was reopened.

Old vaults and pools that their makers had given up (Yearn's first yUSDT, Rari's and Cream's
deprecated markets) were drained years later: nobody looked any more, and nothing had been switched
off.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.unit.governor.acts import new_listing
from tests.unit.governor.rig import DAY, GUARD_PERIOD, STRUCTURE, WAD, Act, Rig

pytestmark = pytest.mark.covers("incident: retired contract left open")

_REFUSED = "not staticcall IGovernor(call.governor).is_retired(vault), rule_reasons.RETIRED"
FORGOTTEN = (_REFUSED, "True, rule_reasons.RETIRED")


def retire(rig) -> None:
    act = Act(rig.gov, "retire", (rig.vault.address,))
    assert rig.delay(act) == STRUCTURE
    rig.enact(act)


@pytest.mark.covers("P11")
def test_a_retired_book_takes_nothing_in_and_lets_everything_out(rig):
    account = rig.world.open([(0, 10 * WAD)], 10_000 * WAD)
    other = rig.world.id(rig.owner, 1)
    rig.world.give(rig.owner, 0, 10 * WAD)
    retire(rig)
    owner = {"sender": rig.owner}
    assert rig.reason(rig.vault, "deposit", other, 0, WAD, **owner) == "above cap"
    assert rig.reason(rig.vault, "borrow", account, WAD, rig.owner, **owner) == "borrowing paused"
    rig.must(rig.vault, "repay", account, 2**256 - 1, **owner)
    rig.must(rig.vault, "withdraw", account, 0, 10 * WAD, rig.owner, **owner)
    assert rig.coin.read("minted", rig.vault.address) == 0
    # and the fund lets it go, once its reserve of books is clean
    rig.enact(Act(rig.fund, "retire_book", (rig.vault.address,)))
    assert rig.vault.address not in rig.fund.read("books")


def test_no_act_opens_it_again(rig):
    """Not those that were under way, not later ones, and not what a guardian's act lapses to."""
    vault = rig.vault.address
    acts = [
        Act(rig.coin, "set_ceiling", (vault, 10**6 * WAD)),
        Act(rig.vault, "set_cap", (0, 1)),
        Act(rig.vault, "set_frozen", (1, False)),
        Act(rig.gov, "set_pause", (vault, 1, False)),
        Act(rig.gov, "ramp", (vault, 0, 7_600, 8_100, 8_600, 10_100, 8_800)),
        Act(rig.listings, "list", (vault, new_listing(rig))),
        Act(
            rig.vault, "list_collateral",
            (0, rig.world.tokens[0].address, 1, 2, 3, 10_000, 9_000, 1, False),
        ),
    ]  # fmt: skip
    assert rig.tighten_reason(Act(rig.vault, "set_frozen", (1, True))) is None
    assert rig.tighten_reason(Act(rig.coin, "set_ceiling", (vault, 5))) is None
    key = rig.preview(Act(rig.coin, "set_ceiling", (vault, 4)))[1]
    waiting = {}
    rig.wait(1)
    for act in (acts[4], acts[5]):
        waiting[rig.propose(act)] = act
    retire(rig)
    for id, act in waiting.items():
        assert rig.execute_reason(id, act) == "retired"
    for act in acts:
        assert rig.propose_reason(act) == "retired", act.fn
        assert rig.tighten_reason(act, rig.admin) == "retired", act.fn
    rig.wait(GUARD_PERIOD)
    rig.must(rig.gov, "lapse", key, sender=rig.stranger)
    assert rig.coin.read("ceiling", vault) == 0
    assert rig.gov.read("is_retired", vault)


def test_merely_lowered_it_could_be_opened(rig):
    """Without a retirement: a ceiling of 0 is raised again in three days."""
    vault = rig.vault.address
    assert rig.tighten_reason(Act(rig.coin, "set_ceiling", (vault, 0)), rig.admin) is None
    rig.wait(30 * DAY)
    rig.enact(Act(rig.coin, "set_ceiling", (vault, 10**6 * WAD)))
    assert rig.coin.read("headroom", vault) == 10**6 * WAD


def reopen(rig: Rig) -> str | None:
    """Ask for a retired book's ceiling again; return why that was refused."""
    retire(rig)
    act = Act(rig.coin, "set_ceiling", (rig.vault.address, 10**6 * WAD))
    refused = rig.propose_reason(act)
    if refused is None:
        rig.enact(act)
    return refused


def test_a_retirement_that_is_forgotten_is_found(rig):
    """The control: rules that do not ask whether a book is retired let it mint again."""
    with rig.snapshot():
        assert reopen(rig) == "retired"
        assert rig.coin.read("headroom", rig.vault.address) == 0
    weak = Rig({"GovernanceRules": weakened("GovernanceRules", FORGOTTEN)})
    assert reopen(weak) is None
    assert weak.coin.read("headroom", weak.vault.address) == 10**6 * WAD
