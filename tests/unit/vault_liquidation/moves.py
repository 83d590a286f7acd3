# SPDX-License-Identifier: MIT
"""Accounts on the edge, and the seconds at which something changes for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from surety.chain import Contract
from surety.model import Outcome, check_same, predict
from tests.book import Stage
from tests.world import WAD

ETH, BTC, STABLE = range(3)
GRACE, DURATION, COOL_DOWN = 3_600, 7_200, 86_400
FLOOR, TIP = 2_000 * WAD, 5 * WAD
UNIT = (10**18, 10**8, 10**6)

# ten ETH at levels of 75, 80 and 85 % support exactly 5,100 coins at these prices
DEBT = 5_100 * WAD
AT_TARGET, AT_MAINTENANCE, AT_CLOSE_OUT = 680 * WAD, 6_375 * WAD // 10, 600 * WAD


@dataclass(frozen=True, slots=True)
class Called:
    """An account with a clock."""

    id: int
    called_at: int
    opens: int

    @property
    def closes(self) -> int:
        return self.opens + DURATION


def price_at(stage: Stage, *prices: int) -> None:
    """Let the hub know these prices of kinds 0, 1, ..."""
    stage.world.follow(*prices)


def reprice(stage: Stage, now: int, *prices: int) -> None:
    """Let feeds answer these prices shortly before `now`, at which the hub asks them anew."""
    world = stage.world
    world.next_at(now - world.params.fresh_for - 10)
    for kind, price in enumerate(prices):
        world.set_price(kind, price)


def open_eth(stage: Stage, debt: int = DEBT, amount: int = 10 * WAD, **where: object) -> int:
    """Open an account of ten ETH."""
    return stage.open([(ETH, amount)], debt, **where)


def call(stage: Stage, price: int = 630 * WAD, debt: int = DEBT) -> Called:
    """Open an account of ten ETH and call it at a price that gives it its grace.

    With the tip it owes `debt` afterwards.
    """
    id = open_eth(stage, debt - TIP)
    price_at(stage, price)
    done = stage.act("margin_call", id)
    assert done.after.returned == TIP
    start = done.after.positions[id].auction_start
    assert start == done.now + GRACE
    return Called(id, done.now, start)


def auction(stage: Stage, price: int = 590 * WAD, debt: int = DEBT) -> Called:
    """Open an account of ten ETH and call it below close-out: its auction runs at once."""
    id = open_eth(stage, debt)
    price_at(stage, price)
    done = stage.act("margin_call", id)
    assert done.after.returned == 0
    start = done.after.positions[id].auction_start
    assert start == done.now
    return Called(id, done.now, start)


# several transactions in one block, and what a transaction did beside the vault


@dataclass(frozen=True, slots=True)
class Move:
    """A transaction to the vault, and the reason with which it is refused, if it is."""

    sender: str
    fn: str
    args: tuple[Any, ...]
    refused: str | None = None


def move(sender: str, fn: str, *args: Any, refused: str | None = None) -> Move:
    args = tuple(to_checksum_address(arg) if isinstance(arg, str) else arg for arg in args)
    return Move(to_checksum_address(sender), fn, args, refused)


def together(stage: Stage, now: int, moves: Sequence[Move]) -> list[Outcome]:
    """Mine the moves in this order in one block at `now`, each predicted on top of the last.

    Asserts that each is refused with exactly its reason, or logs what the model says, and that the
    book afterwards is the model's.
    """
    world, rpc = stage.world, stage.world.rpc
    book, outcomes = stage.book(), []
    for item in moves:
        outcome = predict(book, item.fn, item.args, item.sender, now)
        assert outcome.reason == item.refused, f"the model: {outcome.reason}, not {item.refused}"
        outcomes.append(outcome)
        book = outcome.after
    sent = []
    rpc.call("evm_setAutomine", False)
    try:
        for number, item in enumerate(moves):
            request = {
                "from": item.sender,
                "to": world.vault.address,
                "data": "0x" + world.vault.encode(item.fn, *item.args).hex(),
                "gas": hex(min(3_000_000, 28_000_000 // len(moves))),
                "gasPrice": hex(10**12 - number * 10**9),  # the order inside the block
            }
            sent.append(rpc.call("eth_sendTransaction", request))
        world.next_at(now)
        rpc.mine()
    finally:
        rpc.call("evm_setAutomine", True)
    block = rpc.block("latest")
    assert list(block["transactions"]) == sent
    assert int(block["timestamp"], 16) == now
    for tx, item, outcome in zip(sent, moves, outcomes, strict=True):
        receipt = rpc.receipt(tx)
        assert receipt is not None
        if item.refused is None:
            assert receipt.status == 1, rpc.failure(tx, receipt)
            assert [(e.name, e.args) for e in world.events(receipt)] == outcome.logs
        else:
            assert receipt.status == 0
            assert rpc.failure(tx, receipt).reason == item.refused
    found = stage.book()
    check_same(found, book)
    found.check()
    return outcomes


def returned(contract: Contract, fn: str) -> Any:
    """Decode what the last transaction's call of `fn` returned."""
    (tx,) = contract.rpc.block("latest")["transactions"]
    return contract.decode(fn, contract.rpc.call("debug_traceTransaction", tx, TOP)["output"])


TOP = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}


def transfers(token: Contract) -> list[tuple[str, str, int]]:
    """Return sender, receiver and amount of every transfer of a token in the last block."""
    logs = token.rpc.call(
        "eth_getLogs", {"fromBlock": "latest", "toBlock": "latest", "address": token.address}
    )
    found = []
    for event in token.events(logs):
        if event.name == "Transfer":
            sender, receiver, amount = event.args.values()
            found.append((sender, receiver, amount))
    return found
