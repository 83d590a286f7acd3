# SPDX-License-Identifier: MIT
"""Read-only reentrancy (Curve's virtual price, 2022; Sentiment and dForce, 2023): a view that lies.

A pool that pays before it books answers, inside the callback, as if it still held what it has
given; who lends against that answer lends too much. Here everything that answers inside a callback
answers the state to come, and everything else does not answer: the pool of a redemption, the
equity, and the debts of a book in the middle of a change.
"""

from __future__ import annotations

import pytest

from tests.incidents.weak import weakened
from tests.unit.settlement.rig import ALICE, GOVERNOR, A, Rig, Sort
from tests.world import WAD

pytestmark = pytest.mark.covers("incident: read-only reentrancy")

POOL = [Sort("ReentrantToken", 18, WAD), Sort("MockToken", 18, WAD)]
PAID = 100 * WAD
BOOK = "    self._shares[vault] = left\n"
LAST = "    return burned\n\n\n@internal\n@view\ndef quote"
# pays first and books afterwards
PAYS_FIRST = (BOOK, ""), (LAST, BOOK + LAST)
UNLOCKED = (
    "@external\n@view\ndef total_debt() -> uint256:",
    "@external\n@view\n@reentrant\ndef total_debt() -> uint256:",
)


def opened(*weak) -> Rig:
    """A pool of 500 each of two tokens for 1,000 coins, the first of which calls back."""
    rig = Rig(POOL, weak=weak)
    for kind in (0, 1):
        rig.vault("deposit", rig.ids[0], kind, 1_000 * WAD, by=ALICE)
    rig.vault("borrow", rig.ids[0], 1_000 * WAD, ALICE, by=ALICE)
    rig.open_pool()
    return rig


def seen_inside(rig: Rig, contract, fn: str, *args) -> int | None:
    """Redeem, and return what a view says inside the payment, None where it does not answer."""
    token = rig.tokens[0]
    rig.send(GOVERNOR, token, "set_callback", contract.address, contract.encode(fn, *args))
    rig.send(ALICE, rig.settlement, "redeem", rig.vaults[A].address, PAID, ALICE)
    assert token.read("calls") == 1
    if not token.read("successes"):
        return None
    return int.from_bytes(token.read("last_response")[:32])


@pytest.mark.covers("I66")
def test_the_pool_answers_what_it_will_be():
    rig = opened()
    assert seen_inside(rig, rig.settlement, "backing_of", rig.vaults[A].address) == 900 * WAD
    assert rig.read("backing_of") == 900 * WAD
    assert seen_inside(rig, rig.coin, "totalSupply") == rig.coin.read("totalSupply") == 800 * WAD
    assert seen_inside(rig, rig.vaults[A], "absorbed", 0) == 500 * WAD - 3 * PAID // 2
    assert rig.vaults[A].read("absorbed", 0) == 500 * WAD - 3 * PAID // 2


@pytest.mark.covers("I66")
@pytest.mark.parametrize("view", ["claims_of", "pool_of", "preview_redeem"])
def test_what_would_be_half_done_does_not_answer(view):
    rig = opened()
    args = {"pool_of": (1,), "preview_redeem": (WAD,)}.get(view, ())
    vault = rig.vaults[A].address
    assert seen_inside(rig, rig.settlement, view, vault, *args) is None


@pytest.mark.covers("I66")
def test_equity_does_not_answer_inside():
    rig = opened()
    assert seen_inside(rig, rig.fund, "equity") is None
    assert seen_inside(rig, rig.vaults[A], "total_debt") is None


def test_a_pool_that_pays_first_is_convicted():
    """The control: inside, it still counts a hundred that it has paid."""
    rig = opened(weakened("Settlement", *PAYS_FIRST))
    assert seen_inside(rig, rig.settlement, "backing_of", rig.vaults[A].address) == 1_000 * WAD
    assert rig.read("backing_of") == 900 * WAD


def test_a_debt_that_answers_too_early_is_convicted():
    """The control of the lock: a repayment whose coins are not burned yet lowers equity."""
    answers = []
    for weak in ((), (weakened("Vault", UNLOCKED),)):
        rig = Rig(POOL, weak=weak)
        vault = rig.vaults[A]
        rig.vault("deposit", rig.ids[0], 1, 10_000 * WAD, by=ALICE)
        rig.vault("deposit", rig.ids[0], 0, 10_000 * WAD, by=ALICE)
        rig.vault("borrow", rig.ids[0], 1_000 * WAD, ALICE, by=ALICE)
        token, data = rig.tokens[0], rig.fund.encode("equity")
        rig.send(GOVERNOR, token, "set_callback", rig.fund.address, data)
        # repays 900, and pays collateral out in the same call: the token calls in between
        legs = [(0, -WAD)]
        rig.send(ALICE, vault, "adjust", rig.ids[0], legs, -900 * WAD, ALICE, b"")
        answer = token.read("last_response")
        answers.append(answer[32:64] if token.read("successes") else None)
        assert rig.equity() == 0
    assert answers == [None, (900 * WAD).to_bytes(32)]
