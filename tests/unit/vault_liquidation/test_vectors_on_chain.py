# SPDX-License-Identifier: MIT
"""Takes worked out in fractions elsewhere, done by a real vault with those very numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surety.chain import Rpc
from surety.deploy import Levels
from surety.deploy.params import ParamsError
from tests.unit.vault_liquidation.stub import FAILED, STILL, StubBook, StubKind
from tests.world import GENESIS, MAX, WAD, Anvil, Reverted

TESTS = Path(__file__).resolve().parents[2]
OWN = TESTS / "modules" / "data" / "vectors.json"
SHARED = TESTS.parents[1] / "shared" / "design" / "vectors.json"
# reasons with which a vault may refuse what the vectors refuse
REFUSALS = {"leaves dust", "account is covered", "price failed", "not in auction"}


def numbers(value: Any) -> Any:
    """Turn decimal strings into ints, deeply."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return int(value) if isinstance(value, str) and value.isdigit() else value


def takes(path: Path) -> list[dict[str, Any]]:
    return [numbers(case) for case in json.loads(path.read_text())["takes"]]


def listable(case: dict[str, Any]) -> bool:
    """Whether a vault with this penalty may list these kinds."""
    try:
        for leg, (start, end) in zip(case["legs"], case["factors"], strict=True):
            Levels(leg["iltv"], leg["mltv"], leg["cltv"], start, end).check("", case["penalty"])
    except ParamsError:
        return False
    return True


@pytest.fixture(scope="module")
def rpc() -> Iterator[Rpc]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield Rpc(node.url)


def run(rpc: Rpc, case: dict[str, Any]) -> dict[str, int] | str:
    """Build the account, let its auction run and take; return what was sold, or the reason."""
    params = replace(
        STILL,
        debt_floor=1,
        auction_duration=case["duration"],
        liquidation_penalty=case["penalty"],
    )
    kinds = [
        StubKind(leg["dec"], Levels(leg["iltv"], leg["mltv"], leg["cltv"], start, end))
        for leg, (start, end) in zip(case["legs"], case["factors"], strict=True)
    ]
    book = StubBook(rpc, kinds, params)
    book.open([leg["b"] for leg in case["legs"]], case["debt"])
    book.swap_params(
        debt_floor=max(1, case["debt_floor"]),
        auction_duration=case["duration"],
        liquidation_penalty=case["penalty"],
    )
    for kind, leg in enumerate(case["legs"]):
        flags = FAILED if leg.get("flagged") else 0
        lo = 0 if flags else leg["lo"]
        book.say(kind, leg["hi"], lo, flags, leg["im"], leg["mm"])
    book.give_coins(book.keeper, 10**12 * WAD)
    assert book.debt() == case["debt"]
    try:
        book.vault.transact("margin_call", book.id, sender=book.keeper)
        book.rpc.set_next_timestamp(max(book.start() + case["elapsed"], book.now + 1))
        if book.start() + case["elapsed"] <= book.now:
            raise AssertionError("the vector asks for the very second of the call")
        receipt = book.vault.transact(
            "take", book.id, case["kind"], case["amount"], MAX, book.keeper, b"", sender=book.keeper
        )
    except Reverted as error:
        return error.reason
    (taken,) = [e.args for e in book.vault.events(receipt) if e.name == "Taken"]
    unit = 10 ** case["legs"][case["kind"]]["dec"]
    token = book.tokens[case["kind"]]
    assert token.read("balanceOf", book.keeper) == taken["amount"] <= case["amount"]
    assert book.coin.read("balanceOf", book.keeper) == 10**12 * WAD - taken["cost"]
    # a clearing sale may give away less than one unit; everything else rounds the cost up
    assert taken["cost"] * unit > (taken["amount"] - 1) * taken["price"]
    left = case["debt"] - taken["debt_repaid"]
    if left and any(book.vault.read("balances", book.id, kind) for kind in range(len(kinds))):
        assert book.debt() == left
    else:
        assert book.debt() == 0
    return taken


def check(rpc: Rpc, path: Path, at_least: int) -> None:
    cases = takes(path)
    chosen = [case for case in cases if listable(case)]
    refused = 0
    for case in chosen:
        clean = rpc.snapshot()
        found, wanted = run(rpc, case), case["result"]
        rpc.revert(clean)
        if wanted is None:
            assert found in REFUSALS, found
            refused += 1
            continue
        assert isinstance(found, dict), (found, case)
        assert found["price"] == wanted["price"]
        assert found["amount"] == wanted["amount"]
        assert found["cost"] == wanted["cost"]
        assert found["debt_repaid"] == wanted["repaid"]
    assert len(chosen) >= at_least
    assert 0 < refused < len(chosen) // 2


def test_takes__of_the_committed_vectors(rpc):
    check(rpc, OWN, at_least=20)


@pytest.mark.skipif(not SHARED.is_file(), reason="the design folder is not here")
def test_takes__of_the_design(rpc):
    check(rpc, SHARED, at_least=40)
