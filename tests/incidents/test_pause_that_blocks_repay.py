# SPDX-License-Identifier: MIT
"""A pause that blocks repaying: debts that go on while nobody may reduce them.

Markets have been paused whole, repayments and top-ups with them, while interest ran and
liquidations were still possible or came first when the pause ended (the reason why several later
split the switch). Here no pause, no frozen kind, no dead feed and no end of the book stops anybody
from repaying, from topping up an enabled kind, or from withdrawing without debt.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.unit.settlement.rig import ALICE, BOB, CAROL, GOVERNOR, KEEPER, A, Rig
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: pause that blocks repay")

ETH = 0
FAILED, CONFIRMING = 1, 2
REPAY = (
    "    repaid: uint256 = self.change(account_, [], 0, amount, msg.sender, False)\n"
    "    self.burn(repaid)"
)
WITH_A_PAUSE = (REPAY, "    self.check_callbacks()\n" + REPAY)
DEPOSIT = "    self.change(account_, flows, 0, 0, msg.sender, False)\n    self.pull_in(flows)"
WITH_A_PRICE = (
    DEPOSIT,
    "    assert (extcall IPriceHub(hub).sync_one(kind)) >> price_word.FLAGS == 0\n" + DEPOSIT,
)


def prepare(*weak) -> Rig:
    rig = Rig(weak=weak)
    for at, who in ((0, ALICE), (2, BOB)):
        rig.vault("deposit", rig.ids[at], ETH, 10 * WAD, by=who)
        rig.vault("borrow", rig.ids[at], 10_000 * WAD, who, by=who)
    rig.vault("deposit", rig.ids[4], ETH, WAD, by=CAROL)
    return rig


def stuck(rig: Rig) -> set[str]:
    """Try what has to work; return what did not."""
    vault, found = rig.vaults[A], set()
    for name, who, args in (
        ("repay a part", ALICE, ("repay", rig.ids[0], 1_000 * WAD)),
        ("repay for another", ALICE, ("repay", rig.ids[2], 1_000 * WAD)),
        ("top up", ALICE, ("deposit", rig.ids[0], ETH, 1)),
        ("top another up", KEEPER, ("deposit", rig.ids[2], ETH, 1)),
        ("withdraw without debt", CAROL, ("withdraw", rig.ids[4], ETH, WAD // 2, CAROL)),
        ("repay all", ALICE, ("repay", rig.ids[0], MAX)),
        ("withdraw all", ALICE, ("withdraw", rig.ids[0], ETH, MAX, ALICE)),
    ):
        ran = rig.node.run(who, vault.address, vault.encode(*args), rig.now)
        if ran.reason is not None:
            found.add(name)
    return found


def give_back(rig: Rig) -> None:
    """Let Alice have coins enough for all she owes."""
    rig.send(BOB, rig.coin, "transfer", ALICE, 5_000 * WAD)


@pytest.mark.covers("I56", "I61")
@pytest.mark.parametrize("bits", range(32))
def test_no_pause_blocks_what_lowers_risk(bits):
    rig = prepare()
    give_back(rig)
    rig.send(GOVERNOR, rig.vaults[A], "set_pauses", bits)
    rig.send(GOVERNOR, rig.vaults[A], "set_frozen", ETH, bits & 1 == 1)
    assert stuck(rig) == set()


@pytest.mark.covers("I56", "O02")
@pytest.mark.parametrize("flags", [0, FAILED, CONFIRMING, FAILED | CONFIRMING])
@pytest.mark.parametrize("ended", [False, True])
def test_no_dead_feed_and_no_end_blocks_it(flags, ended):
    rig = prepare()
    give_back(rig)
    if ended:
        rig.act("shutdown", by=GOVERNOR)
    rig.price(ETH, 5, flags)
    rig.send(GOVERNOR, rig.vaults[A], "set_frozen", ETH, True)
    assert stuck(rig) == set()


def test_a_shutdown_blocks_nothing_while_others_are_settled_and_redeem():
    rig = prepare()
    give_back(rig)
    rig.act("shutdown", by=GOVERNOR)
    rig.act("settle", rig.ids[2], by=BOB)
    rig.vault("repay", rig.ids[0], 2_000 * WAD, by=BOB)
    assert stuck(rig) == set()


def test_a_book_that_pauses_repayments_is_convicted():
    """The control: the same moves against a vault whose pauses reach further."""
    rig = prepare(weakened("Vault", WITH_A_PAUSE))
    give_back(rig)
    assert stuck(rig) == set()
    rig = prepare(weakened("Vault", WITH_A_PAUSE))
    give_back(rig)
    rig.act("shutdown", by=GOVERNOR)
    assert {"repay a part", "repay for another", "repay all"} <= stuck(rig)


def test_a_book_that_asks_for_prices_is_convicted():
    rig = prepare(weakened("Vault", WITH_A_PRICE))
    give_back(rig)
    rig.price(ETH, 5, FAILED)
    assert stuck(rig) == {"top up", "top another up"}
