# SPDX-License-Identifier: MIT
"""A stage on which every transaction is predicted by `surety.model` before it is sent.

`Stage.act` asks the model, sends the transaction at the very second that was asked about, and
compares every word, balance and event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from surety.chain import Contract, RpcError
from surety.model import Book, FeedHub, Guard, Levels, Outcome, Price, check_same, predict
from surety.model.reader import Reader
from tests.world import World, reverts

FEED_SCALE = 10**10


def guards_of(hub: Contract, count: int) -> list[Guard]:
    """Read how the first `count` kinds of a hub are guarded."""
    views = ("config_of", "bounds_of", "limits_of", "volatility_of")
    asked = [hub.request(view, kind) for kind in range(count) for view in views]
    answers = iter(hub.rpc.batch(asked))
    guards = []
    for _ in range(count):
        config, bounds, limits, volatility = (hub.decode(view, next(answers)) for view in views)
        _, max_age, *slews = config
        jump_bps, sigma_ref, confirming_until = limits
        guards.append(
            Guard(max_age, *bounds, *slews, jump_bps, sigma_ref, confirming_until, *volatility)
        )
    return guards


class Stage:
    """A world with named accounts and people, on which every move is predicted and compared."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reader = Reader(world.rpc, world.vault.address)
        self.rules = self.reader.rules
        names = (world.owner, world.other, world.keeper, world.stranger, world.fund.address)
        self.people = [to_checksum_address(who) for who in (*names, world.vault.address)]
        self.ids = [world.id(world.other, 255)]

    def open(
        self, legs: Sequence[tuple[int, int]], debt: int, owner: str | None = None, sub: int = 0
    ) -> int:
        """Open an account and follow it from now on."""
        id = self.world.open(legs, debt, owner, sub)
        self.ids.append(id)
        return id

    def watch(self, who: str) -> None:
        """Follow what somebody holds from now on."""
        self.people.append(to_checksum_address(who))

    def book(self) -> Book:
        """Read the whole book from the chain."""
        return self.reader.read(self.ids, self.people, hub=self._hub())

    def _hub(self) -> FeedHub:
        """Return the hub with what its feeds answer."""
        world = self.world
        kinds = range(len(world.tokens))
        rounds = [feed.request("latestRoundData") for feed in world.feeds]
        feeds: list[tuple[int, int] | None] = []
        for answer in world.rpc.batch(rounds, return_errors=True):
            if isinstance(answer, RpcError):
                feeds.append(None)
                continue
            _, price, _, at, _ = world.feeds[0].decode("latestRoundData", answer)
            feeds.append((price * FEED_SCALE, at))
        words = world.rpc.batch([world.hub.request("words", kind) for kind in kinds])
        return FeedHub(
            world.params.fresh_for,
            world.params.confirm_period,
            guards_of(world.hub, len(kinds)),
            [Price.unpack(int(word, 16)) for word in words],
            feeds,
            tokens={kind: token.address for kind, token in enumerate(world.tokens)},
        )

    def levels(self, id: int) -> Levels:
        return self.book().levels(id, self.world.now)

    def act(
        self,
        fn: str,
        *args: Any,
        sender: str | None = None,
        at: int | None = None,
        refused: str | None = None,
        via: Contract | None = None,
    ) -> Outcome:
        """Send a move at second `at` (default: the next) and compare it with the model.

        Asserts that it is refused with exactly `refused`, or that every word, balance and event
        afterwards is what the model says. `via`: a contract that makes the same call as itself.
        """
        world = self.world
        sender = to_checksum_address(sender or world.keeper)
        args = tuple(to_checksum_address(arg) if isinstance(arg, str) else arg for arg in args)
        now = at or world.now + 1
        before = self.book()
        caller = via.address if via else sender
        expected = predict(before, fn, args, caller, now)
        assert expected.reason == refused, f"the model: {expected.reason}, the test: {refused}"
        world.next_at(now)
        target = via or world.vault
        if refused is not None:
            with reverts(refused):
                target.transact(fn, *args, sender=sender)
            check_same(self.book(), before)
            return expected
        receipt = target.transact(fn, *args, sender=sender)
        assert [(e.name, e.args) for e in world.events(receipt)] == expected.logs
        found = self.book()
        check_same(found, expected.after)
        found.check()
        return expected
