# SPDX-License-Identifier: MIT
"""Low-decimals interest never accruing: a book poked every second charges as one that is not.

Where a debt is kept in a token's own units, a second's interest on a small debt in a token of few
decimals is below one unit and rounds to nothing; whoever accrues in each block borrows for free.
Here debts are coins of 18 decimals whatever the collateral, and grow through one index of 27.
"""

from __future__ import annotations

import pytest

from surety.deploy import STABLE, BookParams, LocalKind
from surety.formulas import margin_math
from tests.incidents.weak import revm_world, weakened
from tests.world import RAY, WAD, World

pytestmark = pytest.mark.covers("incident: low-decimals interest never accruing")

YEAR = 365 * 86_400
RATE = RAY * 5 // 100 // YEAR  # 5 % a year
SECONDS = 6_000
OWED = 400 * WAD
KINDS = tuple(LocalKind(f"d{decimals}", decimals, WAD, STABLE) for decimals in (6, 8, 18))
SMALL = BookParams(debt_floor=100, call_tip=0, rate=RATE)
# what such a book does: an index so coarse that a second is not seen in it
COARSE = (
    "    return min(MAX_INDEX, index + (index * growth + (RAY - 1)) // RAY)  # up\n",
    "    return min(MAX_INDEX, index + index * growth // RAY // 10**20 * 10**20)\n",
)


def poked_every_second(world: World) -> tuple[list[int], int]:
    """Open one account with each kind and one with 100 wei of debt; poke; return their ids."""
    ids = [
        world.open([(kind, 1_000 * 10**each.decimals)], OWED, sub=kind)
        for kind, each in enumerate(KINDS)
    ]
    dust = world.open([(0, 10**6)], 100, sub=9)
    vault, node = world.vault, world.rpc
    vault.transact("accrue", sender=world.stranger)
    data, begun = vault.encode("accrue"), world.now
    for second in range(1, SECONDS + 1):
        assert node.run(world.stranger, vault.address, data, begun + second).reason is None
    return ids, dust


def test_interest_accrues__however_few_decimals_and_however_often_poked():
    assert 400 * 10**6 * RATE // RAY == 0  # the same debt in units of a token of six decimals
    world = revm_world(book=SMALL, kinds=KINDS)
    ids, dust = poked_every_second(world)
    index = world.vault.read("live_index")
    debts = [world.debt(id) for id in ids]

    assert world.vault.read("interest") % 2**128 == index  # it was written every second
    for id, debt in zip(ids, debts, strict=True):
        normalized = world.account(id).normalized_debt
        assert debt == margin_math.debt_up(normalized, index)
        fair = OWED * RATE * SECONDS // RAY
        assert fair <= debt - OWED <= fair * 101 // 100 + SECONDS
    # the collateral's decimals play no part: accounts opened seconds apart differ by seconds
    assert max(debts) - min(debts) <= OWED * RATE * 60 // RAY
    assert world.debt(dust) == 101  # above 100, and nobody owes half a wei
    assert world.vault.read("total_debt") >= sum(debts)


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_a_single_wei_of_debt_is_never_lost(decimals):
    """A debt of 1 wei above the floor stays owed through any number of pokes, and grows."""
    world = revm_world(book=SMALL, kinds=KINDS)
    kind = (6, 8, 18).index(decimals)
    id = world.open([(kind, 10**decimals)], 101)
    at = world.now
    for second in (1, 2, 3_600, 86_400, YEAR, 100 * YEAR):
        world.next_at(at + second)
        world.vault.transact("accrue", sender=world.stranger)
        assert world.debt(id) > 101
    assert world.debt(id) >= 101 * 148  # e**5


def test_a_coarse_index_lends_for_free():
    """The control: rounded to seven digits the same pokes charge nothing at all."""
    weak = weakened("Vault", COARSE, file="modules/margin_math.vy")
    world = revm_world(weak, book=SMALL, kinds=KINDS)
    ids, _ = poked_every_second(world)
    assert {world.debt(id) for id in ids} == {OWED}
