# SPDX-License-Identifier: MIT
"""Heads and logs: which blocks are new, and every log of theirs exactly once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from surety.keeper.codec import BadAnswer
from surety.keeper.node import Failure, Request

RING = 64
FIRST_CHUNK = 2_000
LARGEST_CHUNK = 100_000


class Reorg(Exception):
    """The chain that was followed is no longer the node's chain."""


@dataclass(frozen=True, slots=True)
class Head:
    """A block header as far as a keeper needs it."""

    number: int
    hash: str
    parent: str
    timestamp: int
    base_fee: int

    @classmethod
    def from_block(cls, block: Any) -> Head:
        """Read a header from an eth_getBlock answer; raises BadAnswer when it is not one."""
        try:
            return cls(
                number=int(block["number"], 16),
                hash=str(block["hash"]).lower(),
                parent=str(block["parentHash"]).lower(),
                timestamp=int(block["timestamp"], 16),
                base_fee=int(block.get("baseFeePerGas") or "0x0", 16),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadAnswer("not a block") from error


@dataclass(frozen=True, slots=True)
class Log:
    """One log: topics as integers, data as 32-byte integers."""

    block: int
    block_hash: str
    index: int
    topics: tuple[int, ...]
    data: tuple[int, ...]

    @classmethod
    def from_answer(cls, item: Any, address: str) -> Log:
        """Read a log; raises BadAnswer when it is malformed, removed, or of another contract."""
        try:
            raw = bytes.fromhex(item["data"].removeprefix("0x"))
            log = cls(
                block=int(item["blockNumber"], 16),
                block_hash=str(item["blockHash"]).lower(),
                index=int(item["logIndex"], 16),
                topics=tuple(int(topic, 16) for topic in item["topics"]),
                data=tuple(int.from_bytes(raw[i : i + 32], "big") for i in range(0, len(raw), 32)),
            )
            sound = item["address"].lower() == address and not item.get("removed", False)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadAnswer("not a log") from error
        if not sound or not log.topics:
            raise BadAnswer("a log that was not asked for")
        return log


@dataclass(frozen=True, slots=True)
class Range:
    """The logs of a whole range of blocks, up to and including `end`."""

    end: int
    end_hash: str
    logs: tuple[Log, ...]


class Move(Enum):
    """How a head relates to what has been read."""

    SAME = "same"
    ADVANCE = "advance"
    LAGGING = "lagging"
    REORG = "reorg"


class LogFeed:
    """Reads all logs of one address, range by range, and moves on only past what it has read whole.

    It does no I/O: `requests` says what to ask for the next range and `check` judges the answers. A
    range that fails is asked for again, in halves; nothing is ever skipped.
    """

    def __init__(self, address: str, from_block: int = 0) -> None:
        self._address = address.lower()
        self._from = from_block
        self.chunk = FIRST_CHUNK
        self.reset()

    def reset(self) -> None:
        """Forget everything read, so that the next range starts from the beginning."""
        self._next = self._from
        self._ring: dict[int, str] = {}

    @property
    def position(self) -> int:
        """The last block that has been read, or the one before the first."""
        return self._next - 1

    def classify(self, head: Head) -> Move:
        """Say how a head relates to what has been read, as far as known hashes tell."""
        known = self._ring.get(head.number)
        if head.number > self.position:
            follows = head.number == self.position + 1
            parent = self._ring.get(self.position)
            return Move.REORG if follows and parent not in (None, head.parent) else Move.ADVANCE
        if known is None:
            return Move.REORG if self._ring else Move.LAGGING
        if known != head.hash:
            return Move.REORG
        return Move.SAME if head.number == self.position else Move.LAGGING

    def caught_up(self, head: Head) -> bool:
        """Return whether all blocks up to a head have been read."""
        return self.position >= head.number

    def last_of_range(self, head: Head) -> int:
        """Return the last block of the next range."""
        return min(head.number, self._next + self.chunk - 1)

    def requests(self, head: Head) -> list[Request]:
        """Return what to ask for the next range: its logs, its last header, the last one read."""
        end = self.last_of_range(head)
        span = {"address": self._address, "fromBlock": hex(self._next), "toBlock": hex(end)}
        return [
            ("eth_getLogs", [span]),
            ("eth_getBlockByNumber", [hex(end), False]),
            ("eth_getBlockByNumber", [hex(max(0, self.position)), False]),
        ]

    def check(self, head: Head, answers: Sequence[Any]) -> Range:
        """Check the answers to `requests` and return the range with its logs in order; the position
        stays.

        Raises BadAnswer when something must be asked again, and Reorg when the chain has changed.
        """
        end = self.last_of_range(head)
        for answer in answers:
            if isinstance(answer, Failure):
                raise BadAnswer(answer.message)
        found, last, previous = answers
        known = self._ring.get(self.position)
        if known is not None and Head.from_block(previous).hash != known:
            raise Reorg(f"block {self.position} has changed")
        last_head = Head.from_block(last)
        if last_head.number != end:
            raise BadAnswer("another block than asked for")
        if end == head.number and last_head.hash != head.hash:
            raise BadAnswer("the head changed while reading")
        if not isinstance(found, list):
            raise BadAnswer("not a list of logs")
        logs = self._in_order([Log.from_answer(item, self._address) for item in found])
        for log in logs:
            if not self._next <= log.block <= end:
                raise BadAnswer("a log outside the range")
            if log.block == end and log.block_hash != last_head.hash:
                raise BadAnswer("a log of another branch")
        return Range(end, last_head.hash, tuple(logs))

    def commit(self, done: Range) -> None:
        """Move past a range whose logs have all been applied."""
        self._next = done.end + 1
        self._ring[done.end] = done.end_hash
        for number in sorted(self._ring)[:-RING]:
            del self._ring[number]
        self.chunk = min(LARGEST_CHUNK, self.chunk + max(1, self.chunk // 4))

    def fail(self) -> None:
        """Halve the next range after a failure."""
        self.chunk = max(1, min(self.chunk, LARGEST_CHUNK) // 2)

    @staticmethod
    def _in_order(logs: list[Log]) -> list[Log]:
        """Return each log once, by block and index; raises BadAnswer when branches are mixed."""
        seen: dict[tuple[str, int], Log] = {}
        hashes: dict[int, str] = {}
        for log in logs:
            if hashes.setdefault(log.block, log.block_hash) != log.block_hash:
                raise BadAnswer("logs of two branches")
            if seen.setdefault((log.block_hash, log.index), log) != log:
                raise BadAnswer("two logs with one index")
        return sorted(seen.values(), key=lambda log: (log.block, log.index))
