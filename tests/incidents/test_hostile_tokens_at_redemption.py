# SPDX-License-Identifier: MIT
"""One bad token freezes everybody's exit: paused, blocking, lying, or burning all gas.

Baskets that pay all of their parts or nothing have been frozen by their worst part: a stable coin
that blocks one address, a token that is paused, a hook that reverts. Here a kind that refuses is
put down to its holder, exactly, and everything else is paid; nobody else notices.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.unit.settlement.rig import ALICE, BOB, KEEPER, YEAR, ZERO, A, Rig, Sort
from tests.world import WAD

# a good token, one with moods, and another good one behind it
SORTS = [Sort("MockToken", 18, WAD), Sort("MoodyToken", 6, WAD), Sort("NoReturnToken", 8, WAD)]
MOODY = 1
MOODS = {"reverts": 1, "returns false": 2, "burns all gas": 3, "shouts": 4, "answers two": 6}
CALL = """    paid: bool = raw_call(
        vault,
        abi_encode(
            kind,
            amount,
            receiver,
            method_id=method_id("withdraw_absorbed(uint256,uint256,address)"),
        ),
        gas=PAY_GAS,
        revert_on_failure=False,
    )
"""
ALL_OR_NOTHING = (
    CALL,
    "    extcall IVault(vault).withdraw_absorbed(kind, amount, receiver)\n    paid: bool = True\n",
)
NO_PURSE = ("        gas=PAY_GAS,\n", "")


def opened(*weak) -> Rig:
    """300 of each kind for 900 coins: Alice has 600 of them, Bob 300."""
    rig = Rig(SORTS, weak=weak)
    for kind, sort in enumerate(SORTS):
        rig.vault("deposit", rig.ids[0], kind, 600 * sort.unit, by=ALICE)
    rig.vault("borrow", rig.ids[0], 900 * WAD, ALICE, by=ALICE)
    rig.send(ALICE, rig.coin, "transfer", BOB, 300 * WAD)
    rig.open_pool()
    return rig


def redeem(rig: Rig, who: str, coins: int) -> str | None:
    data = rig.settlement.encode("redeem", rig.vaults[A].address, coins, who)
    return rig.node.run(who, rig.settlement.address, data, rig.now).reason


@pytest.mark.covers("incident: blocklisting token", "incident: pausable token", "T14", "T15")
@pytest.mark.parametrize("mood", MOODS.values(), ids=MOODS)
@pytest.mark.parametrize("blocked", [ZERO, ALICE], ids=["all", "one"])
def test_everybody_gets_his_share_whatever_one_token_does(mood, blocked):
    rig = opened()
    before = {
        who: [rig.held(kind, who) for kind in range(3)] for who in (ALICE, BOB, rig.fund.address)
    }
    rig.mood(MOODY, mood, blocked)
    rig.act("redeem", 450 * WAD, ALICE, by=ALICE)
    rig.act("redeem", 300 * WAD, BOB, by=BOB)
    rig.wait(YEAR)
    rig.act("sweep", by=KEEPER)
    rig.mood(MOODY, 0, blocked)
    for _, _, holder in list(rig.model.owed):
        rig.act("claim", MOODY, holder, holder, by=KEEPER)
    shares = {ALICE: 150, BOB: 100, rig.fund.address: 50}
    for who, share in shares.items():
        for kind, sort in enumerate(SORTS):
            assert rig.held(kind, who) - before[who][kind] == share * sort.unit
    assert rig.vaults[A].read("absorbed", MOODY) == 0


@pytest.mark.covers("incident: blocklisting token", "incident: pausable token")
def test_a_pool_that_pays_all_or_nothing_is_convicted():
    """The control: whom one token blocks gets nothing of any, and once it is paused nobody does."""
    rig = opened(weakened("Settlement", ALL_OR_NOTHING))
    rig.mood(MOODY, 1, ALICE)
    assert redeem(rig, BOB, 100 * WAD) is None
    assert redeem(rig, ALICE, 100 * WAD) is not None
    rig.mood(MOODY, 1)
    assert redeem(rig, BOB, 100 * WAD) is not None
    assert rig.held(0, ALICE) == 10**9 * WAD - 600 * WAD


def pays_the_next(rig: Rig, gas: int) -> bool:
    """Redeem with just this gas; tell whether the kind behind the bad one was paid."""
    data = rig.settlement.encode("redeem", rig.vaults[A].address, 90 * WAD, BOB)
    before = rig.held(2, BOB)
    try:
        rig.node.evm.message_call(ALICE, rig.settlement.address, calldata=data, gas=gas)
    except RuntimeError:
        assert rig.held(0, BOB) == 10**9 * WAD
    finally:
        rig.node.evm.reset_transient_storage()
    return rig.held(2, BOB) - before == 30 * 10**8


def test_a_pool_without_a_purse_is_convicted():
    """The control: a token takes 63 of 64 parts of the gas, and the next kind is not reached."""
    for weak, pays in (((), True), ((weakened("Settlement", NO_PURSE),), False)):
        rig = opened(*weak)
        rig.mood(MOODY, 3)
        assert pays_the_next(rig, 900_000) == pays
