# SPDX-License-Identifier: MIT
"""What a keeper concludes from what it holds: of bought kinds alone, and only where it was told."""

from __future__ import annotations

import pytest

from surety.keeper import codec
from surety.keeper.accounting import Deliveries, bought_in

ACCOUNT = 7 << 8
VAULT, KEEPER, OTHER = ("0x" + f"{digit:x}" * 40 for digit in (1, 2, 3))


def taken(kind: int, amount: int, buyer: str = KEEPER, vault: str = VAULT) -> dict[str, object]:
    words = (amount, 1, 2, 3)
    topics = [codec.TAKEN, f"0x{ACCOUNT:064x}", f"0x{kind:064x}", f"0x{int(buyer, 16):064x}"]
    data = "0x" + "".join(f"{word:064x}" for word in words)
    return {"address": vault, "topics": topics, "data": data}


def test_reads_what_it_bought_itself_from_this_vault() -> None:
    logs = [
        taken(0, 5), taken(3, 10**30), taken(0, 2, buyer=OTHER), taken(0, 2, vault=OTHER),
        {"address": VAULT, "topics": [codec.MARGIN_CALLED, "0x1"], "data": "0x"},
    ]  # fmt: skip
    assert bought_in(logs, VAULT, KEEPER) == [(0, 5), (3, 10**30)]


@pytest.mark.parametrize(
    ("held", "short"),
    [
        pytest.param(110, False, id="all"),
        pytest.param(111, False, id="more"),
        pytest.param(109, True, id="a-unit-less"),
        pytest.param(10, True, id="nothing"),
        pytest.param(0, True, id="less-than-nothing"),
    ],
)
def test_compares_with_what_was_held_before(held: int, short: bool) -> None:
    deliveries = Deliveries()
    assert deliveries.compare({0: 10, 1: 4}) == []
    deliveries.bought(ACCOUNT, [(0, 100)])
    assert deliveries.compare({0: held, 1: 0}) == ([ACCOUNT] if short else [])
    assert deliveries.short == ({0} if short else set())
    # it is said once
    deliveries.bought(ACCOUNT, [(0, 100)])
    assert deliveries.compare({0: held, 1: 0}) == ([ACCOUNT] if not short else [])


@pytest.mark.parametrize(("held", "short"), [(70, False), (69, True)])
def test_what_is_sold_meanwhile_is_not_missing(held: int, short: bool) -> None:
    deliveries = Deliveries()
    deliveries.compare({0: 50})
    deliveries.bought(ACCOUNT, [(0, 60), (0, 10)])
    deliveries.sold(0, 50)
    assert bool(deliveries.compare({0: held})) == short


def test_a_balance_that_is_not_told_is_judged_when_it_is() -> None:
    """A token or a node that does not answer proves nothing."""
    deliveries = Deliveries()
    deliveries.compare({0: 50})
    deliveries.bought(ACCOUNT, [(0, 60)])
    assert deliveries.compare({}) == []
    deliveries.sold(0, 10)
    assert deliveries.compare({}) == []
    assert deliveries.compare({0: 99}) == [ACCOUNT]


def test_inventory_that_its_owner_takes_away_is_no_short_delivery() -> None:
    deliveries = Deliveries()
    deliveries.compare({0: 50})
    assert deliveries.compare({0: 0}) == []
    deliveries.sold(0, 50)
    assert deliveries.compare({0: 0}) == []
    deliveries.bought(ACCOUNT, [(0, 5)])
    assert deliveries.compare({0: 5}) == []
    assert deliveries.short == set()
