# SPDX-License-Identifier: MIT
"""Donations (Sonne and Hundred Finance, Resupply): tokens sent to a contract that looks at its
balance.

Twenty million dollars left Sonne when somebody gave a market tokens past its books, and every share
of it was suddenly worth more. The peg books what `mint` brings in and nothing else: a donation
changes no rate, no room and no equity, and nobody has it, the donor and the next comer among them.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incidents.weak import revm_world, weakened
from tests.unit.peg_stability.rig import ALICE, BOB, STRANGER, Rig
from tests.unit.peg_stability.stage import Stage
from tests.world import WAD, reverts

pytestmark = pytest.mark.covers("incident: ERC-4626 donation and first depositor")

GIVEN = 5_000
COUNTS_ALL = (
    "there: uint256 = min(self.reserve_held, self._balance())",
    "there: uint256 = self._balance()",
)
TAKES_WHAT_LIES_HERE = ("    transfers.pull(reserve, msg.sender, amount)\n", "")
ANSWERS = ("backing", "mintable", "redeemable", "reserve_held")


def donate(rig: Rig, amount: int) -> None:
    """Let Alice send reserve past `mint`."""
    rig.tell(rig.token, "transfer", rig.peg.address, amount, sender=ALICE)


@pytest.mark.covers("I11")
@pytest.mark.parametrize("decimals", [6, 8, 18])
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=st.integers(0, 5 * 10**5),
    given_=st.integers(1, 10**8),
    amounts=st.lists(st.integers(1, 10**5), min_size=1, max_size=4),
    fees=st.tuples(st.integers(0, 100), st.integers(0, 100)),
)
def test_a_donation_changes_nothing_and_pays_nobody(decimals, first, given_, amounts, fees):
    rig = Rig(decimals, *fees)
    if first:
        rig.tell(rig.peg, "mint", first * rig.unit, BOB, sender=BOB)
    before = [rig.peg.read(name) for name in ANSWERS]
    rates = [rig.peg.read("preview_mint", amount * rig.unit) for amount in amounts]
    wealth, equity = rig.wealth(ALICE), rig.equity()
    donate(rig, given_ * rig.unit)
    assert [rig.peg.read(name) for name in ANSWERS] == before
    assert [rig.peg.read("preview_mint", amount * rig.unit) for amount in amounts] == rates
    assert rig.equity() == equity
    # whatever the donor does now, what was given is gone
    for amount in amounts:
        rig.send(rig.peg, "mint", amount * rig.unit, ALICE, sender=ALICE)
        coins = rig.coin.read("balanceOf", ALICE)
        rig.send(rig.peg, "redeem", coins, ALICE, sender=ALICE)
        assert rig.send(rig.peg, "redeem", 0, ALICE, sender=ALICE).reason == "zero amount"
    assert rig.wealth(ALICE) - wealth <= -given_ * WAD


def test_nobody_mints_from_what_others_sent_here():
    rig = Rig(6)
    donate(rig, GIVEN * rig.unit)
    rig.tell(rig.token, "approve", rig.peg.address, 0, sender=STRANGER)
    before = rig.wealth(STRANGER)
    assert rig.send(rig.peg, "mint", GIVEN * rig.unit, STRANGER, sender=STRANGER).reason == ""
    assert rig.wealth(STRANGER) - before <= 0
    # nor redeems it
    rig.lend(STRANGER, GIVEN * WAD)
    ran = rig.send(rig.peg, "redeem", GIVEN * WAD, STRANGER, sender=STRANGER)
    assert ran.reason == "reserve too low"


def test_a_peg_that_takes_what_lies_here_pays_the_next_comer():
    """The control: without the transfer the balance still passes, and a donation is coins."""
    rig = Rig(6, peg=weakened("PegStability", TAKES_WHAT_LIES_HERE))
    donate(rig, GIVEN * rig.unit)
    before = rig.wealth(STRANGER)
    rig.tell(rig.peg, "mint", GIVEN * rig.unit, STRANGER, sender=STRANGER)
    assert rig.wealth(STRANGER) - before == GIVEN * WAD


def reap_after_a_donation(stage: Stage) -> int:
    """Open the fund's tap, donate and reap; return what came of it."""
    world = stage.world
    stage.buy(world.owner, 2 * GIVEN * stage.unit)
    stage.mint(world.owner, GIVEN * stage.unit)
    stage.govern(stage.coin, "set_ceiling", stage.fund.address, 10**6 * WAD)
    stage.token.transact("transfer", stage.peg.address, GIVEN * stage.unit, sender=world.owner)
    treasury = stage.fund.read("treasury")
    before = stage.coins(treasury)
    stage.fund.transact("reap", sender=world.stranger)
    return stage.coins(treasury) - before


def test_a_donation_is_no_surplus():
    with reverts("nothing to reap"):
        reap_after_a_donation(Stage(revm_world()))


def test_a_peg_that_counts_its_balance_pays_donations_out():
    """The control: coins are minted against tokens that no coin can redeem."""
    stage = Stage(revm_world(), weakened("PegStability", COUNTS_ALL))
    assert reap_after_a_donation(stage) > 0
