# SPDX-License-Identifier: MIT
"""In states that campaigns reach, the probes hold; and each convicts a system that is broken."""

from __future__ import annotations

import pytest

from tests.stateful import probes
from tests.stateful.driver import Campaign
from tests.stateful.node import RevmNode
from tests.stateful.rules import PROBES, cases
from tests.stateful.scene import Setup
from tests.stateful.test_campaign import L1, L2
from tests.world import GENESIS


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return Campaign(RevmNode(GENESIS), Setup("feeds", L2), 2)


@pytest.mark.parametrize(("hub", "params", "seed"), [("feeds", L1, 2), ("words", L2, 4)])
def test_probes_hold_along_a_campaign(hub, params, seed):
    campaign = Campaign(RevmNode(GENESIS), Setup(hub, params), seed, views_each=10**9)
    campaign.warm_up()
    owed = 0
    for number in range(240):
        if number == 200:
            campaign.end()
        if number % 30 == 0:
            before = campaign.scene.node.words(campaign.scene.slots)
            for probe in PROBES:
                probe(campaign.scene)
            assert campaign.scene.node.words(campaign.scene.slots) == before  # it was a copy
            owed += campaign.scene.book.total_normalized_debt > 0
        campaign.step()
    assert owed >= 5  # there was something to repay


# what each probe must find broken: a contract that answers nothing, or that does another's work
BROKEN = {
    "i09_leaving_is_always_possible": lambda scene: scene.world.coin,
    "i33_no_answer_makes_a_sync_revert": lambda scene: scene.hub,
}


@pytest.mark.parametrize("probe", cases(PROBES))
def test_a_probe_convicts_a_broken_system(campaign, probe, monkeypatch):
    scene = campaign.scene
    if not scene.moves:
        campaign.warm_up()
    probe(scene)
    if probe.__name__ not in BROKEN:  # a lens over the storage of another vault
        other, read = scene.world.vault.address, probes.views.read

        def elsewhere(scene_, contract, fn, *args):
            if contract is scene.world.lens:
                args = (other, *args[1:])
            return read(scene_, contract, fn, *args)

        monkeypatch.setattr(probes.views, "read", elsewhere)
        with pytest.raises(AssertionError):
            probe(scene)
        return
    broken = BROKEN[probe.__name__](scene).address
    code = bytes(scene.node.evm.get_code(broken))
    probes.put(scene.node, broken)
    with pytest.raises(AssertionError):
        probe(scene)
    probes.put(scene.node, broken, code)
    probe(scene)
