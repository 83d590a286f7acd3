# SPDX-License-Identifier: MIT
"""Wrong feed at activation, through a timelock: it was voted days before, and nobody looked again.

Moonwell's proposal (February 2026) named the ratio of a staked ether for its price, passed its vote
and its delay, and took effect as written. Here an act is judged when it is announced and again when
it is executed, by what the oracles say then.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.unit.governor.acts import new_listing, other_oracle
from tests.unit.governor.rig import WAD, Act, Rig
from tests.world import AT_RISK, CALLABLE

pytestmark = pytest.mark.covers("incident: wrong feed at activation")

RATIO = 112 * WAD // 100
# a twentieth below is what the hub itself lets pass
_JUDGED = "most) * (BPS - MAX_FALL)"
JUDGED_LOOSELY = (_JUDGED, _JUDGED.replace("MAX_FALL", "MAX_DEVIATION"))


def test_a_listed_kind_is_not_switched_to_a_ratio(rig):
    feed = rig.deploy("MockOracle", RATIO)
    rig.oracles.append((feed, RATIO))
    act = Act(rig.hub, "set_oracle", (0, feed.address))
    id = rig.ready(act)
    word = rig.hub.read("words", 0)
    for price in (None, RATIO, rig.world.price(0)):
        assert rig.execute_reason(id, act, price) == "price deviates"
    assert rig.hub.read("words", 0) == word
    assert rig.hub.read("config_of", 0)[0] != feed.address


def test_nor_when_its_own_feed_has_failed(rig):
    """The rule that holds while there is a price to compare with; then the admin's word decides."""
    feed = rig.deploy("MockOracle", RATIO)
    rig.oracles.append((feed, RATIO))
    act = Act(rig.hub, "set_oracle", (0, feed.address))
    id = rig.ready(act)
    rig.must(rig.world.feeds[0], "set_reverts", True, sender=rig.deployer)
    rig.wait(61)
    rig.must(rig.hub, "poke", 1, sender=rig.stranger)
    assert rig.execute_reason(id, act) == "needs a price"
    assert rig.execute_reason(id, act, rig.world.price(0)) == "price deviates"
    # and a slip of the admin's still has the hub's own bounds before it
    assert rig.execute_reason(id, act, RATIO) == "price failed"
    assert rig.hub.read("words", 0) >> 248 & 1


def test_a_new_kind_is_not_listed_by_its_ratio(rig):
    """By what was expected at the proposal; and the admin's later word is bound to that."""
    fields = list(new_listing(rig, expected_price=2_240 * WAD))
    oracle, _ = rig.oracles.pop()
    rig.oracles.append((oracle, RATIO))
    act = Act(rig.listings, "list", (rig.vault.address, tuple(fields)))
    id = rig.ready(act)
    assert rig.execute_reason(id, act) is not None
    assert rig.execute_reason(id, act, RATIO) == "price deviates"
    assert rig.hub.read("kind_count") == 3


def test_a_feed_that_was_right_when_it_was_announced_is_judged_again(rig):
    """Right to the last wei for three days, then a tenth below."""
    address = other_oracle(rig)
    act = Act(rig.hub, "set_oracle", (0, address))
    id = rig.ready(act)
    spare = rig.spares[-1]
    answer = spare.read("latestRoundData")[1]
    rig.must(spare, "set_answer", answer * 9 // 10, sender=rig.deployer)
    assert rig.execute_reason(id, act) == "price deviates"
    rig.must(spare, "set_answer", answer, sender=rig.deployer)
    assert rig.execute_reason(id, act) is None
    assert rig.hub.read("config_of", 0)[0] == address


def fall_of_four_percent(rig: Rig) -> tuple[str | None, int]:
    """Name an oracle that is right when it is announced and 4 % low when it takes effect.

    Returns why it was refused, and the state in which a covered account is left.
    """
    account = rig.world.open([(0, 10 * WAD)], 14_900 * WAD)
    rig.world.set_price(0, 1_930 * WAD)
    for _ in range(3):
        rig.refresh()
    act = Act(rig.hub, "set_oracle", (0, other_oracle(rig)))
    id = rig.ready(act)
    assert rig.world.state(account) == AT_RISK
    spare = rig.spares[-1]
    answer = spare.read("latestRoundData")[1]
    rig.must(spare, "set_answer", answer * 96 // 100, sender=rig.deployer)
    refused = rig.execute_reason(id, act)
    for _ in range(3):
        rig.refresh()
    return refused, rig.world.state(account)


@pytest.mark.covers("I34", "O21")
def test_a_new_oracle_calls_nobody(rig):
    assert fall_of_four_percent(rig) == ("price deviates", AT_RISK)


def test_rules_that_let_an_oracle_fall_are_found():
    """The control: judged as loosely as the hub does, the act itself makes an account callable."""
    weak = {"GovernanceRules": weakened("GovernanceRules", JUDGED_LOOSELY)}
    assert fall_of_four_percent(Rig(weak)) == (None, CALLABLE)
