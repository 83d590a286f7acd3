# SPDX-License-Identifier: MIT
"""Logs are read once, in order, whatever the node does; a changed chain is noticed."""

from __future__ import annotations

import json
import random
from contextlib import suppress

import pytest

from surety.chain import Rpc, TransportError
from surety.keeper import codec, words
from surety.keeper.book import Book, KeeperError
from surety.keeper.chain import Head, LogFeed, Move, Reorg
from surety.keeper.codec import BadAnswer
from surety.keeper.index import AccountTable, AccountUpdate
from tests.keeper.cases import WAD, word
from tests.keeper.node import TOKEN, VAULT, ScriptedChain, faulty_node

UPDATED = int(codec.ACCOUNT_UPDATED, 16)
LISTED = int(codec.COLLATERAL_LISTED, 16)
KIND_WORD = int(TOKEN, 16) | 7_500 << 160 | 8_000 << 176 | 8_500 << 192 | 10_100 << 208
KIND_WORD |= 8_800 << 224 | 18 << 240


def grow(chain: ScriptedChain, table: AccountTable | None, blocks: int, per_block: int) -> None:
    """Mine random account events and write them into a table directly."""
    rng = chain.random
    for _ in range(blocks):
        events = []
        if not chain.blocks:
            for kind in range(4):
                chain.prices[kind] = 1_000 * WAD | 1_000 * WAD << 88 | 10_000 << 216 | 10_000 << 232
                events.append(([LISTED, kind, int(TOKEN, 16)], [KIND_WORD, 2**100]))
        for _ in range(rng.randrange(per_block + 1)):
            account = rng.randrange(300) << 8
            kind = rng.choice([0, 1, 2, 3, words.DEBT_ONLY])
            update = AccountUpdate(
                account, kind, rng.randrange(10**20), word(rng.choice([0, rng.randrange(10**24)]))
            )
            if table is not None:
                table.apply(update)
            events.append(([UPDATED, account, kind], [update.balance, update.word]))
        chain.mine(events)


@pytest.mark.parametrize("seed", [1, 2])
def test_faulty_node_loses_nothing(seed: int) -> None:
    chain, direct = ScriptedChain(seed, max_range=37), AccountTable()
    grow(chain, direct, 250, 6)
    with faulty_node(chain.answer, seed) as node:
        node.rate = 0.4
        rpc = Rpc(node.url, timeout=0.1)
        book = Book(rpc, VAULT)
        attempts = 0
        while book.feed.position < len(chain.blocks) - 1 or attempts < 40:
            attempts += 1
            assert attempts < 2_000, (book.feed.position, node.failed)
            with suppress(TransportError, BadAnswer):
                book.refresh(lambda head: [])
            if attempts % 5 == 0 and len(chain.blocks) < 280:
                grow(chain, direct, 3, 6)
        assert len(node.failed) >= 7, node.failed
    assert book.table.checksum() == direct.checksum()
    assert book.table.watched == direct.watched > 100


def test_range_limits_are_found_by_halving_and_growth() -> None:
    chain = ScriptedChain(5, max_range=50)
    grow(chain, None, 1_000, 1)
    with faulty_node(chain.answer) as node:
        book = Book(Rpc(node.url), VAULT)
        reading = book.refresh(lambda head: [])
        assert reading is not None
        assert book.feed.position == 999
        # 2,000 halves six times; then ranges of 31, 38 and 47 blocks and one refusal of 58
        assert node.requests < 80


def test_quiet_block_takes_two_round_trips_whatever_the_number_of_accounts() -> None:
    chain = ScriptedChain(6)
    grow(chain, None, 200, 20)
    with faulty_node(chain.answer) as node:
        book = Book(Rpc(node.url), VAULT)
        book.refresh(lambda head: [])
        for _ in range(5):
            grow(chain, None, 1, 0)
            before = node.requests
            reading = book.refresh(lambda head: [])
            assert reading is not None
            assert reading.view.prices[3].hi == 1_000 * WAD
            assert node.requests - before == 2


def test_reorg_is_read_again_from_the_start() -> None:
    chain, direct = ScriptedChain(7), AccountTable()
    grow(chain, None, 30, 4)
    with faulty_node(chain.answer) as node:
        book = Book(Rpc(node.url), VAULT)
        assert not book.refresh(lambda head: []).rebuilt
        for blocks in (1, 4, 9):
            chain.rewind(20)
            grow(chain, None, blocks, 4)
            reading = book.refresh(lambda head: [])
            if blocks == 1:
                # a lower head on another branch is as much a reorg as a higher one
                assert reading.head.number == 20
            assert reading.rebuilt
    for log in chain.logs:
        topics = [int(topic, 16) for topic in log["topics"]]
        if topics[0] == UPDATED:
            data = log["data"][2:]
            direct.apply(
                AccountUpdate(topics[1], topics[2], int(data[:64], 16), int(data[64:], 16))
            )
    assert book.table.checksum() == direct.checksum()


def test_lagging_node_changes_nothing() -> None:
    chain = ScriptedChain(8)
    grow(chain, None, 10, 3)
    with faulty_node(chain.answer) as node:
        book = Book(Rpc(node.url), VAULT)
        for _ in range(3):
            assert book.refresh(lambda head: []) is not None
            grow(chain, None, 1, 3)
        before = book.table.checksum()
        kept = chain.blocks
        chain.blocks = kept[:11]
        assert book.refresh(lambda head: []) is None
        assert book.table.checksum() == before
        chain.blocks = kept
        assert book.refresh(lambda head: []) is not None


def test_missing_contract_is_said() -> None:
    chain = ScriptedChain(9)
    grow(chain, None, 1, 0)
    with (
        faulty_node(chain.answer) as node,
        pytest.raises(KeeperError, match="there is no contract"),
    ):
        Book(Rpc(node.url), "0x" + "99" * 20).connect()


def head(number: int, digest: str = "", parent: str = "") -> Head:
    return Head(number, digest or f"0x{number:x}", parent or f"0x{number - 1:x}", 0, 0)


def answers(feed: LogFeed, at: Head, logs: list[object]) -> list[object]:
    def block(number: int) -> dict[str, str]:
        return {
            "number": hex(number),
            "hash": f"0x{number:x}",
            "parentHash": "0x0",
            "timestamp": "0x0",
        }

    return [logs, block(feed.last_of_range(at)), block(max(0, feed.position))]


def raw_log(block: int, index: int, **changes: object) -> dict[str, object]:
    return {
        "address": VAULT,
        "topics": ["0x1"],
        "data": "0x",
        "blockNumber": hex(block),
        "blockHash": f"0x{block:x}",
        "logIndex": hex(index),
        **changes,
    }


def test_logs_come_once_and_in_order() -> None:
    feed = LogFeed(VAULT)
    mixed = [raw_log(3, 2), raw_log(1, 7), raw_log(3, 1), raw_log(1, 7), raw_log(2, 0)]
    random.Random(1).shuffle(mixed)
    done = feed.check(head(5), answers(feed, head(5), mixed))
    assert [(log.block, log.index) for log in done.logs] == [(1, 7), (2, 0), (3, 1), (3, 2)]
    assert feed.position == -1
    feed.commit(done)
    assert feed.position == 5


@pytest.mark.parametrize(
    "logs",
    [
        None,
        [None],
        [{}],
        [raw_log(6, 0)],
        [raw_log(1, 0, address=TOKEN)],
        [raw_log(1, 0, removed=True)],
        [raw_log(1, 0, data="0xzz")],
        [raw_log(1, 0), raw_log(1, 1, blockHash="0xff")],
        [raw_log(1, 0), raw_log(1, 0, data="0x" + "11" * 32)],
        [raw_log(5, 0, blockHash="0xff")],
        [raw_log(1, 0, topics=[])],
    ],
    ids=lambda logs: json.dumps(logs)[:40],
)
def test_senseless_logs_are_refused_and_the_position_stays(logs) -> None:
    feed = LogFeed(VAULT)
    with pytest.raises(BadAnswer):
        feed.check(head(5), answers(feed, head(5), logs))
    assert feed.position == -1


def test_changed_ancestor_is_a_reorg() -> None:
    feed = LogFeed(VAULT)
    feed.commit(feed.check(head(5), answers(feed, head(5), [])))
    assert feed.classify(head(5)) is Move.SAME
    assert feed.classify(head(6)) is Move.ADVANCE
    assert feed.classify(head(6, parent="0xbad")) is Move.REORG
    assert feed.classify(head(5, digest="0xbad")) is Move.REORG
    assert feed.classify(head(9)) is Move.ADVANCE
    spoiled = answers(feed, head(9), [])
    spoiled[2]["hash"] = "0xbad"  # type: ignore[index]
    with pytest.raises(Reorg):
        feed.check(head(9), spoiled)
    assert feed.position == 5
