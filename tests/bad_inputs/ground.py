# SPDX-License-Identifier: MIT
"""A whole system on revm whose prices can fail in every way, with each move predicted.

It takes a tenth of a second to make, so every test has one of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eth_utils.address import to_checksum_address

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import (
    LOCAL_KINDS,
    LOOSE_LIMITS,
    BookParams,
    Limits,
    LocalKind,
    SystemParams,
    local_kinds,
)
from surety.model import Book, FeedHub, Sequencer, predict
from tests.book import Stage
from tests.stateful.node import RevmNode
from tests.world import GENESIS, World

ETH, BTC, STABLE = range(3)
CONFIRM_PERIOD = 600
MAX_AGE = 90_000
UP, DOWN = 0, 1  # what a sequencer's feed answers
STILL = replace(BookParams(), rate=0)


class Ground(Stage):
    """A world on revm; `dead` are the kinds whose oracle has no answer that could be accepted."""

    def __init__(
        self,
        book: BookParams = STILL,
        kinds: Sequence[LocalKind] = LOCAL_KINDS,
        limits: Limits | None = LOOSE_LIMITS,
        *,
        confirm_period: int = CONFIRM_PERIOD,
        fresh_for: int = 60,
        with_sequencer: bool = False,
    ) -> None:
        self.node = RevmNode(GENESIS)
        self.dead: set[int] = set()
        self.rights: list[tuple[str, str]] = []  # (owner, operator) that the model is told of
        self.sequencer: Sequencer | None = None
        sender = UnlockedSender(self.node, self.node.call("eth_accounts")[0])
        params = SystemParams(
            kinds=local_kinds(sender, kinds, limits),
            book=book,
            confirm_period=confirm_period,
            fresh_for=fresh_for,
        )
        super().__init__(World(self.node, params))
        if with_sequencer:
            self.uptime = self.new("MockAggregator", 0, 0)
            self.say_uptime(UP, GENESIS - 86_400)
            self.world.hub.transact(
                "set_sequencer", self.uptime.address, sender=self.world.governor
            )

    @property
    def now(self) -> int:
        return self.world.now

    def new(self, name: str, *args: Any) -> Contract:
        """Deploy one more contract."""
        sender = UnlockedSender(self.node, self.world.governor)
        return self.world.contract(name, deploy_contract(sender, artifact(name), *args))

    def book(self) -> Book:
        return self.reader.read(self.ids, self.people, self.rights, hub=self._hub())

    def _hub(self) -> FeedHub:
        hub = super()._hub()
        for kind in self.dead:
            hub.feeds[kind] = None
        hub.sequencer = self.sequencer
        return hub

    # what sources say

    def say_round(self, kind: int, *values: int) -> None:
        """Let a feed report a round: answer, its time, round id, answered in."""
        self.world.feeds[kind].transact("set_round", *values, sender=self.world.governor)

    def say_uptime(self, answer: int, since: int) -> None:
        """Let the sequencer's feed say that it is up or down since some second."""
        self.uptime.transact("set_round", answer, since, 1, 1, sender=self.world.governor)
        self.sequencer = Sequencer(answer, since)

    def set_code(self, address: str, code: bytes) -> None:
        """Put other code in a contract's place; what it stores stays."""
        import pyrevm

        self.node.evm.insert_account_info(address, pyrevm.AccountInfo(code=code))

    def oracle_of(self, kind: int) -> str:
        """Return the address that the hub asks for a kind's price."""
        return str(self.world.hub.read("config_of", kind)[0])

    def priced(self, price: int, at: int, kind: int = ETH) -> int:
        """Let a feed say a price the second before `at`, if there is time, and return `at`."""
        if at - 1 > self.now:
            self.world.next_at(at - 1)
            self.world.set_price(kind, price)
        return at

    def word(self, kind: int) -> tuple[int, int, int]:
        """Return lo, hi and flags of a kind as a transaction would see them now."""
        word = self.world.hub.read("read_one", kind)
        return word % 2**88, (word >> 88) % 2**88, word >> 248

    # moves

    def outcome(
        self, fn: str, *args: Any, sender: str | None = None, at: int | None = None
    ) -> str | None:
        """Make a move of the vault and return why it is refused, as vault and model agree."""
        sender = to_checksum_address(sender or self.world.keeper)
        args = tuple(to_checksum_address(arg) if isinstance(arg, str) else arg for arg in args)
        at = self.now + 1 if at is None else at
        reason = predict(self.book(), fn, args, sender, at).reason
        self.act(fn, *args, sender=sender, at=at, refused=reason)
        return reason
