# SPDX-License-Identifier: MIT
"""The same histories on code that the compiler has made otherwise: a tripwire for its optimiser."""

from __future__ import annotations

import pytest

from tests.incidents.weak import deploying, weakened
from tests.stateful import scene
from tests.stateful.driver import Campaign
from tests.stateful.node import RevmNode
from tests.stateful.scene import Setup
from tests.stateful.test_campaign import L2
from tests.stateful.views import check_all
from tests.world import GENESIS

CORE = ("Vault", "PriceHub", "Stablecoin", "InsuranceFund", "MarginModels")
STEPS = 120


def built(name, optimize):
    """Compile a contract with another level of optimisation than its own."""
    if optimize == "none":
        return weakened(name)
    place = "# pragma optimize codesize" if name == "Vault" else "# pragma version 0.4.3"
    kept = "" if name == "Vault" else f"{place}\n"
    return weakened(name, (place, f"{kept}# pragma optimize {optimize}"), optimised=True)


@pytest.mark.covers("I73")
@pytest.mark.parametrize(
    "optimize",
    ["none", *(pytest.param(level, marks=pytest.mark.deep) for level in ("gas", "codesize"))],
)
def test_every_build_does_what_the_model_says(optimize, monkeypatch):
    """Each step is compared with the model, so two builds that pass have done the same."""
    builds = {name: built(name, optimize) for name in CORE}
    own = scene.artifact
    differing = {name for name in CORE if len(builds[name].bytecode) != len(own(name).bytecode)}
    assert ("Vault" in differing) == (optimize != "codesize")
    assert ("PriceHub" in differing) == (optimize != "gas")
    assert len(differing) >= 1 if optimize == "codesize" else differing
    monkeypatch.setattr(scene, "artifact", lambda name: builds.get(name) or own(name))
    with deploying(*builds.values()):
        campaign = Campaign(RevmNode(GENESIS), Setup("feeds", L2), seed=3)
    campaign.warm_up()
    for _ in range(STEPS):
        campaign.step()
    check_all(campaign.scene)
    assert sum(campaign.counts.done.values()) >= STEPS // 4
    assert campaign.counts.done["take"] + campaign.counts.done["takes"] >= 1
