# SPDX-License-Identifier: MIT
"""The nonce lane: nothing is forgotten before it is understood, refused nonces are used again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from eth_account import Account

from surety.chain import RpcError, TransportError
from surety.keeper.chain import Head
from surety.keeper.codec import BadAnswer, Call
from surety.keeper.senders import KeySender, Outgoing
from tests.keeper.node import VAULT
from tests.keeper.world import KEEPER_KEY


class Recorder:
    """The sending half of a node: answers each raw transaction as it is told to."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.answers: list[Any] = []
        self.lost = False

    def batch(
        self, calls: Sequence[tuple[str, Sequence[Any]]], *, return_errors: bool
    ) -> list[Any]:
        assert return_errors
        self.sent.append([params[0] for _, params in calls])
        if self.lost:
            raise TransportError("lost")
        return [self.answers.pop(0) if self.answers else "0x" for _ in calls]


def head(number: int) -> Head:
    return Head(number, "0x1", "0x0", 12 * number, 10**9)


def receipt(block: int, status: int = 1) -> dict[str, Any]:
    return {
        "blockNumber": hex(block),
        "status": hex(status),
        "gasUsed": hex(50_000),
        "effectiveGasPrice": hex(2),
        "logs": [],
    }


def item(tag: str) -> Outgoing:
    return Outgoing(tag, Call(VAULT, b"\x01"))


@pytest.fixture
def node() -> Recorder:
    return Recorder()


@pytest.fixture
def sender(node: Recorder) -> KeySender:
    made = KeySender(node, Account.from_key(KEEPER_KEY), 31_337)  # type: ignore[arg-type]
    made.settle(head(1), ["0x5"])
    return made


def nonces(sender: KeySender) -> list[int]:
    return sorted(sender._pending)


def test_receipt_of_a_block_not_yet_read_waits_for_it(sender: KeySender) -> None:
    assert sender.submit([item("a")], head(10)) == []
    assert sender.settle(head(10), ["0x6", receipt(11)]) == []
    assert sender.busy() == {"a"}
    (outcome,) = sender.settle(head(11), ["0x6", receipt(11)])
    assert (outcome.tag, outcome.status, outcome.block) == ("a", "mined", 11)
    assert (outcome.gas_used, outcome.fee) == (50_000, 100_000)
    assert sender.busy() == set()


def test_reverted_and_senseless_receipts(sender: KeySender) -> None:
    sender.submit([item("a"), item("b")], head(10))
    with pytest.raises(BadAnswer):
        sender.settle(head(11), ["0x7", receipt(11), {"blockNumber": "0xb"}])
    assert sender.busy() == {"a", "b"}
    found = sender.settle(head(11), ["0x7", receipt(11), receipt(11, status=0)])
    assert [outcome.status for outcome in found] == ["mined", "reverted"]


def test_lost_answer_keeps_everything_and_sends_the_same_bytes_again(
    sender: KeySender, node: Recorder
) -> None:
    node.lost = True
    assert sender.submit([item("a"), item("b")], head(10)) == []
    assert sender.busy() == {"a", "b"}
    node.lost = False
    sender.settle(head(11), ["0x5", None, None])
    sender.submit([], head(11))
    sender.settle(head(12), ["0x5", None, None])
    sender.submit([], head(12))
    assert node.sent[0] == node.sent[1]
    assert len(node.sent) == 2


def test_refused_nonce_is_used_by_the_next_or_filled(sender: KeySender, node: Recorder) -> None:
    node.answers = [RpcError(-32000, "intrinsic gas too low"), "0x"]
    refused = sender.submit([item("a"), item("b")], head(10))
    assert [(outcome.tag, outcome.status) for outcome in refused] == [("a", "refused")]
    assert nonces(sender) == [6]
    sender.settle(head(11), ["0x5", None])
    sender.submit([], head(11))
    assert nonces(sender) == [5, 6]
    assert sender.busy() == {"fill:5", "b"}
    sender.submit([item("c")], head(11))
    assert nonces(sender) == [5, 6, 7]


def test_known_transaction_is_no_refusal(sender: KeySender, node: Recorder) -> None:
    node.answers = [RpcError(-32000, "already known")]
    assert sender.submit([item("a")], head(10)) == []
    assert sender.busy() == {"a"}


def test_unmined_transaction_is_outbid_up_to_the_cap(sender: KeySender, node: Recorder) -> None:
    sender.submit([item("a")], head(10))
    fees = [sender._pending[5].fee]
    for number in range(11, 80):
        sender.settle(head(number), ["0x5", *[None] * len(sender._pending[5].hashes)])
        sender.submit([], head(number))
        fees.append(sender._pending[5].fee)
    raised = [b for a, b in pairwise(fees) if b > a]
    assert len(raised) == len(sender._pending[5].hashes) - 1 == 13
    assert all(b * 1_000 >= a * 1_125 for a, b in pairwise([fees[0], *raised]))
    # the receipt of an earlier version counts
    found = [None] * len(sender._pending[5].hashes)
    found[0] = receipt(80)
    assert sender.settle(head(80), ["0x6", *found])[0].status == "mined"


def test_nonce_used_elsewhere_is_given_up_after_some_heads(sender: KeySender) -> None:
    sender.submit([item("a")], head(10))
    assert sender.settle(head(11), ["0x6", None]) == []
    (outcome,) = sender.settle(head(16), ["0x6", None])
    assert (outcome.tag, outcome.status) == ("a", "lost")
    assert sender.busy() == set()


def test_without_a_nonce_nothing_is_sent(node: Recorder) -> None:
    made = KeySender(node, Account.from_key(KEEPER_KEY), 31_337)  # type: ignore[arg-type]
    assert made.submit([item("a")], head(1))[0].reason == "nonce unknown"
    assert node.sent == []
    with pytest.raises(BadAnswer):
        made.settle(head(1), [None])
