# SPDX-License-Identifier: MIT
"""Two price hubs behind one protocol: the exact model, and the very bytecode of PriceHub in revm.

Each has one kind. The bytecode reads a real ChainlinkOracle over a feed that the replay sets, so
that an answer of 0 or -1 goes the way it would go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from surety.chain import Function, Interface, revert_reason
from surety.compile import artifact
from surety.model.hub import UNREADABLE, FeedHub, Guard
from surety.model.hub import Sequencer as Uptime
from surety.model.state import Refused
from surety.prices.market import Answer

ENGINES = ("auto", "evm", "model")
GOVERNOR = "0x" + "11" * 20
GAS = 30_000_000
ZERO_ADDRESS = "0x" + "00" * 20
_REVERTED = re.compile(r"Revert \{.*?output: 0x([0-9a-f]*) \}\Z", re.DOTALL)

Uptimes = tuple[int, int] | None


class EngineError(Exception):
    """A hub that cannot be run, or that refuses what it is given: one line."""


@dataclass(frozen=True, slots=True)
class Guards:
    """What a hub is made with and how it guards its kind: units as in `surety.deploy.params`."""

    fresh_for: int
    confirm_period: int
    max_age: int
    min_price: int
    max_price: int
    slew_down: int
    slew_up: int
    jump_bps: int
    sigma_ref: int


class Engine(Protocol):
    """A hub with one kind; time never runs backwards."""

    name: str

    def begin(self, guards: Guards, price: int, now: int, has_sequencer: bool) -> int:
        """List the kind at a first price, and with `has_sequencer` name an uptime feed."""
        ...

    def sync(self, answer: Answer, uptime: Uptimes, now: int) -> int:
        """Refresh the kind where its word is old; return the word as callers see it."""
        ...

    def change_oracle(self, answer: Answer, uptime: Uptimes, now: int) -> None:
        """Read another oracle from now on, which answers so."""
        ...

    def volatility(self) -> tuple[int, int, int]:
        """Return the variance (WAD squared an hour) and the last sample's price and time."""
        ...


def make_engine(name: str) -> Engine:
    """Return an engine by name; `auto` is the bytecode where pyrevm is installed, else the model.

    Raises EngineError for `evm` without pyrevm.
    """
    has_evm = find_spec("pyrevm") is not None
    if name == "evm" and not has_evm:
        raise EngineError("--engine evm needs pyrevm (pip install pyrevm); use --engine model")
    return EvmEngine() if has_evm and name in ("auto", "evm") else ModelEngine()


class ModelEngine:
    """The exact integer model, `surety.model.hub.FeedHub`."""

    name = "model"

    def __init__(self) -> None:
        self._hub = FeedHub(1, 1)

    def begin(self, guards: Guards, price: int, now: int, has_sequencer: bool) -> int:
        """List the kind at a first price."""
        self._hub = FeedHub(max(1, guards.fresh_for), guards.confirm_period)
        guard = Guard(
            guards.max_age,
            guards.min_price,
            guards.max_price,
            guards.slew_down,
            guards.slew_up,
            guards.jump_bps,
            guards.sigma_ref,
        )
        try:
            self._hub.list_kind(guard, price, now)
        except Refused as refused:
            raise EngineError(f"the hub refuses to list it: {refused.reason}") from None
        return self._hub.prices[0].word

    def sync(self, answer: Answer, uptime: Uptimes, now: int) -> int:
        """Refresh and return the word."""
        hub = self._hub
        hub.feeds[0] = answer
        if hub.sequencer is not None or uptime is not None:
            hub.sequencer = UNREADABLE if uptime is None else Uptime(*uptime)
        return hub.sync(1, now)[0].word

    def change_oracle(self, answer: Answer, uptime: Uptimes, now: int) -> None:
        """Read another oracle."""
        if self._hub.sequencer is not None or uptime is not None:
            self._hub.sequencer = UNREADABLE if uptime is None else Uptime(*uptime)
        try:
            self._hub.set_oracle(0, answer, now)
        except Refused as refused:
            raise EngineError(f"the hub refuses the oracle: {refused.reason}") from None

    def volatility(self) -> tuple[int, int, int]:
        """Return the variance and the last sample."""
        guard = self._hub.guards[0]
        return guard.variance, guard.last_price, guard.last_at


class EvmEngine:
    """The bytecode of PriceHub, ChainlinkOracle and their feeds in revm, in this process."""

    name = "evm"

    def __init__(self) -> None:
        import pyrevm

        self._stamp = pyrevm.BlockEnv
        self._evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=2**40)
        self._evm.set_balance(GOVERNOR, 10**24)
        self._functions: dict[tuple[str, str], Function] = {}
        self._number = self._round = 0
        self._answer: Answer | str = "unset"
        self._uptime: Uptimes | str = "unset"
        self._hub = self._feed = self._uptime_feed = ""

    def begin(self, guards: Guards, price: int, now: int, has_sequencer: bool) -> int:
        """Deploy everything and list the kind at a first price."""
        self._at(now)
        self._feed, oracle = self._new_oracle(price)
        token = self._deploy("MockToken", "Replayed", "RPL", 18)
        self._hub = self._deploy(
            "PriceHub", GOVERNOR, guards.fresh_for, guards.confirm_period, ZERO_ADDRESS
        )
        self._send(
            "PriceHub",
            self._hub,
            "list_kind",
            token,
            oracle,
            guards.max_age,
            guards.min_price,
            guards.max_price,
            guards.slew_down,
            guards.slew_up,
            guards.jump_bps,
            guards.sigma_ref,
        )
        if has_sequencer:
            self._uptime_feed = self._deploy("MockAggregator", 0, 0)
            self._send("PriceHub", self._hub, "set_sequencer", self._uptime_feed)
        return int(self._send("PriceHub", self._hub, "words", 0))

    def sync(self, answer: Answer, uptime: Uptimes, now: int) -> int:
        """Refresh and return the word."""
        self._at(now)
        self._say(answer, uptime)
        return int(self._send("PriceHub", self._hub, "sync", 1)[0])

    def change_oracle(self, answer: Answer, uptime: Uptimes, now: int) -> None:
        """Deploy another adapter over another feed and name it."""
        if answer is None:
            raise EngineError("the hub refuses the oracle: price failed")
        self._at(now)
        self._say(self._answer if not isinstance(self._answer, str) else answer, uptime)
        self._feed, oracle = self._new_oracle(answer[0])
        self._answer = "unset"
        self._say(answer, uptime)
        self._send("PriceHub", self._hub, "set_oracle", 0, oracle)

    def volatility(self) -> tuple[int, int, int]:
        """Return the variance and the last sample."""
        variance, last_price, last_at = self._send("PriceHub", self._hub, "volatility_of", 0)
        return int(variance), int(last_price), int(last_at)

    def _at(self, now: int) -> None:
        self._number += 1
        self._evm.set_block_env(self._stamp(number=self._number, timestamp=now))

    def _new_oracle(self, price: int) -> tuple[str, str]:
        """Deploy a feed of 18 decimals and the adapter over it."""
        feed = self._deploy("MockAggregator", 18, price)
        return feed, self._deploy("ChainlinkOracle", feed)

    def _say(self, answer: Answer, uptime: Uptimes) -> None:
        """Set both feeds, where they change."""
        if answer != self._answer:
            if (answer is None) != (self._answer is None):
                self._send("MockAggregator", self._feed, "set_reverts", answer is None)
            if answer is not None:
                self._round += 1
                args = (*answer, self._round, self._round)
                self._send("MockAggregator", self._feed, "set_round", *args)
            self._answer = answer
        if self._uptime_feed and uptime != self._uptime:
            self._send("MockAggregator", self._uptime_feed, "set_reverts", uptime is None)
            if uptime is not None:
                self._send("MockAggregator", self._uptime_feed, "set_round", *uptime, 1, 1)
            self._uptime = uptime

    def _deploy(self, name: str, *args: Any) -> str:
        found = artifact(name)
        data = Interface.of(found.abi).constructor.encode(args)
        return str(self._evm.deploy(GOVERNOR, found.bytecode + data))

    def _send(self, contract: str, to: str, name: str, *args: Any) -> Any:
        function = self._functions.get((contract, name))
        if function is None:
            function = Interface.of(artifact(contract).abi).function(name, len(args))
            self._functions[contract, name] = function
        try:
            raw = self._evm.message_call(GOVERNOR, to, calldata=function.encode(*args), gas=GAS)
        except RuntimeError as error:
            found = _REVERTED.search(str(error))
            reason = revert_reason(bytes.fromhex(found[1])) if found else str(error)
            raise EngineError(f"the hub refuses {name}: {reason}") from None
        finally:
            self._evm.reset_transient_storage()  # it would live on into the next transaction
        return function.decode(bytes(raw))
