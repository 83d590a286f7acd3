# SPDX-License-Identifier: MIT
"""The real hub on revm in this process, and `surety.model.hub.FeedHub` beside it.

Each step of `Rig` is made on both; what calls return, why they are refused, what they log and the
four words of every kind must be the same, and hold by the rules of tests/stateful/prices.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from surety.chain import Contract, Reverted, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.model import FeedHub, Guard, Refused, Sequencer
from surety.model.hub import UNREADABLE
from tests.stateful.node import DEV_ADDRESSES, Ran, RevmNode, Timed, as_json
from tests.stateful.prices import check_hub
from tests.stateful.scene import slots_of
from tests.world import GENESIS, MAX, WAD

GOVERNOR, STRANGER = DEV_ADDRESSES[:2]
ZERO = "0x" + "00" * 20
FRESH_FOR, CONFIRM_PERIOD = 60, 1_200
KINDS = 3
PRICE = 2_000 * WAD
DAY = 86_400
WRONG_SHAPE = 4  # a mode of MockOracle

# code that answers any call: as a price made now, with the gas that it was given; with all of it
GAS_TELLER = bytes.fromhex("5a5f524260205260405ff3")
GAS_BURNER = bytes.fromhex("5b5f56")


def answering(words: list[int], size: int | None = None) -> bytes:
    """Return code that answers any call with these words, cut to `size` bytes."""
    stores = b"".join(
        b"\x7f" + (word % 2**256).to_bytes(32) + b"\x60" + bytes([32 * at]) + b"\x52"
        for at, word in enumerate(words)
    )
    return stores + b"\x61" + (32 * len(words) if size is None else size).to_bytes(2) + b"\x5f\xf3"


# uptime feeds that cannot be read: short, long, neither up nor down, no contract's answer, no end
SINCE = GENESIS - DAY
UNREADABLE_FEEDS = (
    answering([1, 0, SINCE, SINCE, 1], 159),
    answering([1, 0, SINCE, SINCE, 1, 0]),
    answering([1, 2, SINCE, SINCE, 1]),
    answering([1, -1, SINCE, SINCE, 1]),
    answering([]),
    GAS_BURNER,
)


class Rig(Timed):
    """A hub with some kinds, two oracles each (one to change to), and uptime feeds."""

    def __init__(self, kinds: int = KINDS) -> None:
        self.node = node = RevmNode(GENESIS)
        self.seen: Counter[str] = Counter()
        self.kinds = range(kinds)
        self.tokens = [self.deploy("MockToken", f"T{k}", f"T{k}", 18) for k in self.kinds]
        self.pairs = [[self.deploy("MockOracle", PRICE) for _ in "ab"] for _ in self.kinds]
        self.uptime = self.deploy("MockAggregator", 0, 0)
        self.unreadable = [deploy_code(node, code) for code in UNREADABLE_FEEDS]

    def deploy(self, name: str, *args: Any) -> Contract:
        found = artifact(name)
        sender = UnlockedSender(self.node, GOVERNOR)
        return Contract(self.node, deploy_contract(sender, found, *args), found.abi)

    def begin(
        self, guard: Guard, fresh_for: int = FRESH_FOR, confirm_period: int = CONFIRM_PERIOD
    ) -> Rig:
        """Deploy a hub of its own, list its kinds at PRICE, and begin the clock anew."""
        self.node.time = GENESIS
        self.hub = self.deploy("PriceHub", GOVERNOR, fresh_for, confirm_period, ZERO)
        self.model = FeedHub(fresh_for, confirm_period, updates=[])
        self.follows = [pair[0] for pair in self.pairs]
        self.others = [pair[1] for pair in self.pairs]
        self.other_feeds: list[tuple[int, int] | None] = [(PRICE, self.now) for _ in self.kinds]
        slots = slots_of("PriceHub")
        names = ("_words", "_configs", "_bounds", "_volatility")
        self.slots = [
            (self.hub.address, slots[name] + kind) for kind in self.kinds for name in names
        ]
        for kind, token in enumerate(self.tokens):
            for oracle in self.pairs[kind]:
                self.tell(oracle, "set_report", PRICE, self.now)
                self.tell(oracle, "set_mode", 0)
            limits = (guard.slew_down, guard.slew_up, guard.jump_bps, guard.sigma_ref)
            bounds = (guard.max_age, guard.min_price, guard.max_price)
            args = (token.address, self.follows[kind].address, *bounds, *limits)
            ran = self.send("list_kind", *args)
            assert ran.reason is None, f"refused: {ran.reason}"
            assert self.model.list_kind(guard, PRICE, self.now, token.address) == kind
            self.check_logs(ran, "KindListed", "OracleSet", "LimitsSet")
            self.model.updates = []
        self.check_words()
        return self

    # what surrounds the hub

    def tell(self, contract: Contract, fn: str, *args: Any) -> None:
        data = contract.encode(fn, *args)
        assert self.node.run(GOVERNOR, contract.address, data, self.now).reason is None

    def report(self, kind: int, price: int, age: int = 0, other: bool = False) -> None:
        """Let an oracle of a kind answer `price`, made `age` seconds ago: ahead of us below 0."""
        at = min(MAX, max(0, self.now - age))
        oracle = (self.others if other else self.follows)[kind]
        self.tell(oracle, "set_report", price, at)
        self.tell(oracle, "set_mode", 0)
        (self.other_feeds if other else self.model.feeds)[kind] = (price, at)

    def fail(self, kind: int, mode: int, other: bool = False) -> None:
        """Let an oracle of a kind fail in one of MockOracle's modes."""
        oracle = (self.others if other else self.follows)[kind]
        if mode == WRONG_SHAPE:
            self.tell(oracle, "set_raw", (PRICE.to_bytes(32) + self.now.to_bytes(32))[:-1])
        else:
            self.tell(oracle, "set_mode", mode)
        (self.other_feeds if other else self.model.feeds)[kind] = None

    def restart(self, answer: int, age: int) -> None:
        """Let the uptime feed say that the sequencer is up (0), down (1) or neither since `age`."""
        since = max(0, self.now - age)
        self.tell(self.uptime, "set_round", answer, since, 1, 1)
        self.name_feed(self.uptime.address, Sequencer(answer, since))

    def misread(self, which: int | None) -> None:
        """Name an uptime feed that cannot be read, None for no feed."""
        if which is None:
            self.name_feed(ZERO, None)
        else:
            self.name_feed(self.unreadable[which], UNREADABLE)

    def name_feed(self, feed: str, sequencer: Sequencer | None) -> None:
        if self.hub.read("sequencer") != feed:
            assert self.send("set_sequencer", feed).reason is None
        self.model.sequencer = sequencer
        self.check_words()

    # what the hub does

    def send(self, fn: str, *args: Any, sender: str = GOVERNOR) -> Ran:
        return self.node.run(sender, self.hub.address, self.hub.encode(fn, *args), self.now)

    def refresh(self, fn: str, mask: int) -> None:
        """Read, then refresh by `fn`: sync, poke, or sync_one of the highest kind of the mask."""
        if fn == "sync_one":
            mask = 1 << max(0, mask.bit_length() - 1)
        foreseen = None if fn == "poke" else self.read(fn == "sync_one", mask)
        move = self.model.poke if fn == "poke" else self.model.sync
        args = (mask.bit_length() - 1,) if fn == "sync_one" else (mask,)
        ran, words = self.compare(
            lambda: move(mask, self.now), fn, *args, sender=STRANGER, kinds=mask
        )
        if ran.reason is None and fn != "poke":
            found = self.hub.decode(fn, ran.output)
            found = [found] if fn == "sync_one" else list(found)
            assert found == foreseen == [price.word for price in words.values()]

    def read(self, one: bool, mask: int) -> list[int] | None:
        """Return what `read` says, None where it is refused, after a look at the model's."""
        try:
            wanted: Any = [price.word for price in self.model.read(mask, self.now).values()]
        except Refused as refused:
            wanted = refused.reason
        try:
            found: Any = (
                [self.hub.read("read_one", mask.bit_length() - 1)]
                if one
                else list(self.hub.read("read", mask))
            )
        except Reverted as reverted:
            found = reverted.reason
        assert found == wanted
        return found if isinstance(found, list) else None

    def set_oracle(self, kind: int) -> None:
        """Change to the other oracle of a kind, which may not exist."""
        listed = kind in self.kinds
        feed = self.other_feeds[kind] if listed else None
        old = self.model.feeds[kind] if listed else None
        ran, _ = self.compare(
            lambda: self.model.set_oracle(kind, feed, self.now),
            "set_oracle",
            kind,
            self.others[kind if listed else 0].address,
            others=("OracleSet",),
            kinds=1 << kind,
            check=False,
        )
        if ran.reason is None:
            self.other_feeds[kind] = old
            self.follows[kind], self.others[kind] = self.others[kind], self.follows[kind]
            assert self.model.prices[kind].is_confirming
        self.check_words()

    def set_limits(self, kind: int, *limits: int) -> None:
        self.compare(
            lambda: self.model.set_limits(kind, *limits),
            "set_limits",
            kind,
            *limits,
            others=("LimitsSet",),
        )

    def set_bounds(self, kind: int, min_price: int, max_price: int) -> None:
        self.compare(
            lambda: self.model.set_bounds(kind, min_price, max_price, self.now),
            "set_bounds",
            kind,
            min_price,
            max_price,
            others=("OracleSet",),
            kinds=1 << kind,
        )

    def set_max_age(self, kind: int, max_age: int) -> None:
        self.compare(
            lambda: self.model.set_max_age(kind, max_age, self.now),
            "set_max_age",
            kind,
            max_age,
            others=("OracleSet",),
            kinds=1 << kind,
        )

    # comparing

    def compare(
        self,
        move: Callable[[], Any],
        fn: str,
        *args: Any,
        sender: str = GOVERNOR,
        others: tuple[str, ...] = (),
        kinds: int = 0,
        check: bool = True,
    ) -> tuple[Ran, Any]:
        """Make a move in the model and on the chain; only the kinds named may change their price.

        `others` are the events before the `PriceUpdated`; `check`: compare the words at once.
        """
        model, before = self.model, self.model.copy()
        returned, reason, model.updates = None, None, []
        try:
            returned = move()
        except Refused as refused:
            reason = refused.reason
        ran = self.send(fn, *args, sender=sender)
        assert ran.reason == reason
        self.seen[reason or fn] += 1
        if reason is not None:
            kinds = 0
        else:
            self.check_logs(ran, *others)
        if check:
            self.check_words()
        self.seen.update(check_hub(before, model, self.now, kinds))
        return ran, returned

    def check_logs(self, ran: Ran, *others: str) -> None:
        """The named events came first; all after them are the model's `PriceUpdated`."""
        logs = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
        events = self.hub.events(logs)
        assert len(events) == len(logs)
        assert tuple(event.name for event in events[: len(others)]) == others
        found = [(event.name, dict(event.args)) for event in events[len(others) :]]
        assert found == [
            ("PriceUpdated", {"kind": kind, "word": price.word})
            for kind, price in self.model.updates
        ]

    def check_words(self) -> None:
        """The four words of every kind are the model's."""
        model, expected = self.model, []
        for kind, guard in enumerate(model.guards):
            expected += [
                model.prices[kind].word,
                guard.config_word(self.follows[kind].address, model.attempts.get(kind, 0)),
                guard.bounds_word,
                guard.volatility_word,
            ]
        assert self.node.words(self.slots) == expected


def deploy_code(node: RevmNode, code: bytes) -> str:
    """Put code at an address of its own."""
    head = b"\x61" + len(code).to_bytes(2) + b"\x80\x60\x0a\x5f\x39\x5f\xf3"
    return str(node.evm.deploy(GOVERNOR, head + code))
