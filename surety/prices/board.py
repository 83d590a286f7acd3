# SPDX-License-Identifier: MIT
"""A price hub at one block: what is stored, what a reader gets, what each oracle answers, and why.

Every answer is of the same block, in three round trips whatever the number of kinds. Prices are WAD
coin units a whole token, times unix seconds, ratios bps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isqrt
from typing import Any, Final

from surety.chain import Rpc
from surety.commands import printable
from surety.keeper import codec
from surety.keeper.book import KeeperError
from surety.keeper.chain import Head
from surety.keeper.codec import BadAnswer, view_request
from surety.keeper.node import Failure, Request, ask, is_revert
from surety.keeper.words import KIND_COUNT, Price

WAD: Final = 10**18
SIGMA_SCALE: Final = 10**9
ORACLE_GAS: Final = 300_000
# a transaction's own 21,000 and its four bytes of data, which a call by the hub does not pay
_ENTRY_GAS: Final = 21_064
_SYMBOL_GAS: Final = 200_000
_LONGEST_REASON: Final = 80
_LONGEST_SYMBOL: Final = 16
_ABOVE_MAX: Final = "above max: it counts as max"
# what nodes say when code fails without a revert, apart from their own troubles
_EXECUTION: Final = ("gas", "opcode", "evm error", "stack", "jump", "execution")


@dataclass(frozen=True, slots=True)
class Market:
    """What an oracle answers: its price and its own time, None where it does not say.

    `accepted` is the price that the hub takes from it, 0 for none; `why` says what is wrong, or "".
    """

    price: int | None
    updated_at: int | None
    accepted: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sequencer:
    """A sequencer's uptime feed: `state` is up, down or unreadable; `since` when that began."""

    feed: str
    state: str
    since: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How governance guards a kind: as in PriceHub's `config_of`, `bounds_of`, `limits_of`.

    `slew_down`, `slew_up` in 1e-9 of the price a second, `sigma_ref` in 1e-9 an hour, `max_age`
    seconds.
    """

    max_age: int
    slew_down: int
    slew_up: int
    min_price: int
    max_price: int
    jump_bps: int
    sigma_ref: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of a hub at one block.

    `stored` is the word in storage, `seen` what a reader gets, None where reading reverts;
    `confirming_left` are the seconds until CONFIRMING ends, None where it does not hold or nobody
    can tell; `begins` says that the confirmation has not begun to count: the next write starts it.
    `sigma` is the volatility an hour in WAD.
    """

    number: int
    token: str
    symbol: str
    oracle: str
    limits: Limits
    stored: Price
    seen: Price | None
    market: Market
    confirming_until: int
    confirming_left: int | None
    begins: bool
    sigma: int
    last_price: int
    last_at: int
    age: int
    is_fresh: bool

    @property
    def differs(self) -> bool:
        """Whether a reader gets anything but what is stored, were it returned as it is."""
        return self.seen is None or as_returned(self.stored) != self.seen

    @property
    def is_due(self) -> bool:
        """Whether a poke would do anything now."""
        return not self.is_fresh

    def findings(self) -> list[str]:
        """Say what is not as it should be, each in a few words."""
        found = []
        if self.seen is None:
            found.append("reading reverts")
        elif self.seen.failed:
            found.append("FAILED")
        if self.market.why:
            found.append(self.market.why)
        if self.seen is not None and self.seen.confirming:
            found.append("CONFIRMING")
        return found


@dataclass(frozen=True, slots=True)
class Board:
    """A whole hub at one block; `fresh_for` and `confirm_period` are seconds."""

    chain_id: int
    number: int
    now: int
    hub: str
    fresh_for: int
    confirm_period: int
    sequencer: Sequencer | None
    kinds: tuple[Kind, ...]

    @property
    def is_fine(self) -> bool:
        """Whether nothing at all is to be found."""
        up = self.sequencer is None or self.sequencer.state == "up"
        return up and not any(kind.findings() for kind in self.kinds)


def as_returned(price: Price) -> Price:
    """Return a word as the hub returns it: `lo` is 0 while FAILED."""
    if not price.failed or price.lo == 0:
        return price
    return Price(
        0,
        price.hi,
        price.updated_at,
        price.initial_multiplier,
        price.maintenance_multiplier,
        price.flags,
    )


def clean(text: str, longest: int) -> str:
    """Return a stranger's text fit for a cell: what does not print is escaped, the rest cut."""
    shown = printable(text[:longest])
    return shown if len(text) <= longest and len(shown) <= longest else f"{shown[: longest - 1]}…"


def clock(at: int) -> str:
    """Return a time as people read it, in UTC; what no calendar holds as seconds."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{at} s"


def hub_of(rpc: Rpc, vault: str) -> str:
    """Return the hub of a vault; raises KeeperError when there is no vault."""
    answer = ask(rpc, [("eth_call", [view_request(vault, codec.HUB), "latest"])])[0]
    try:
        if not is_revert(answer):
            return str(codec.result(codec.HUB, answer))
    except BadAnswer:
        if isinstance(answer, Failure):
            raise
    raise KeeperError(f"no vault at {vault}: nothing there names its hub")


def read_board(rpc: Rpc, hub: str) -> Board:
    """Read a hub at the newest block in three round trips.

    Raises KeeperError when there is no hub, TransportError or BadAnswer when the node does not say.
    """
    chain_id, block, code, *base = ask(
        rpc,
        [
            ("eth_chainId", []),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getCode", [hub, "latest"]),
            *(
                ("eth_call", [view_request(hub, fn), "latest"])
                for fn in (codec.HUB_KIND_COUNT, codec.HUB_FRESH_FOR, codec.HUB_CONFIRM_PERIOD)
            ),
        ],
    )
    head = Head.from_block(_sound(block))
    if code in ("0x", "0x0"):
        raise KeeperError(f"no price hub at {hub}: there is no contract")
    count, fresh_for, confirm_period = _numbers(hub, base)
    numbers = range(min(count, KIND_COUNT))
    feed, *parts = ask(rpc, _kind_requests(hub, numbers, hex(head.number)))
    sequencer_feed = str(codec.result(codec.HUB_SEQUENCER, _sound(feed)))
    raw = [_Raw.from_answers(parts[at : at + PARTS]) for at in range(0, len(parts), PARTS)]
    listed = [(number, found) for number, found in zip(numbers, raw, strict=True) if found.word]
    last, *answers = ask(
        rpc,
        [
            _call(sequencer_feed, codec.LATEST_ROUND, head, hub, ORACLE_GAS + _ENTRY_GAS),
            *(
                _call(found.oracle, codec.ORACLE_PRICE, head, hub, ORACLE_GAS + _ENTRY_GAS)
                for _, found in listed
            ),
            *(
                _call(found.token, codec.SYMBOL, head, hub, _SYMBOL_GAS + _ENTRY_GAS)
                for _, found in listed
            ),
        ],
    )
    sequencer = _sequencer(sequencer_feed, last, head.timestamp)
    prices, symbols = answers[: len(listed)], answers[len(listed) :]
    kinds = tuple(
        _kind(number, found, answer, symbol, sequencer, head, fresh_for, confirm_period)
        for (number, found), answer, symbol in zip(listed, prices, symbols, strict=True)
    )
    return Board(
        int(_sound(chain_id), 16),
        head.number,
        head.timestamp,
        hub,
        fresh_for,
        confirm_period,
        sequencer,
        kinds,
    )


def judge(answer: Any, limits: Limits, now: int) -> Market:
    """Say what the hub makes of an oracle's raw answer, by its own rules and in their order."""
    trouble = _failure(answer)
    if trouble:
        return Market(None, None, 0, trouble)
    data = _bytes(answer)
    if len(data) != 64:
        return Market(None, None, 0, f"answers {len(data)} bytes instead of 64")
    price, at = (int.from_bytes(data[n : n + 32], "big") for n in (0, 32))
    why = ""
    if price == 0:
        why = "no price: it answers 0"
    elif price < limits.min_price:
        why = "below min"
    elif at > now:
        why = f"from the future by {at - now} s"
    elif now - at > limits.max_age:
        why = f"stale by {now - at - limits.max_age} s"
    if why:
        return Market(price, at, 0, why)
    accepted = min(price, limits.max_price)
    return Market(price, at, accepted, _ABOVE_MAX if accepted < price else "")


PARTS: Final = 7


@dataclass(frozen=True, slots=True)
class _Raw:
    """What the hub says of one kind; `seen` is None where reading it reverts."""

    word: int
    token: str
    oracle: str
    limits: Limits
    confirming_until: int
    volatility: tuple[int, int, int]
    seen: int | None

    @classmethod
    def from_answers(cls, answers: Sequence[Any]) -> _Raw:
        """Decode the answers to one kind's part of `_kind_requests`."""
        word, token, config, bounds, limits, volatility, seen = answers
        oracle, max_age, slew_down, slew_up = codec.result(codec.CONFIG_OF, _sound(config))
        min_price, max_price = codec.result(codec.BOUNDS_OF, _sound(bounds))
        jump_bps, sigma_ref, until = codec.result(codec.LIMITS_OF, _sound(limits))
        return cls(
            word=int(codec.result(codec.HUB_WORDS, _sound(word))),
            token=str(codec.result(codec.TOKEN_OF, _sound(token))),
            oracle=str(oracle),
            limits=Limits(
                max_age, slew_down, slew_up, min_price, max_price, jump_bps, max(1, sigma_ref)
            ),
            confirming_until=until,
            volatility=codec.result(codec.VOLATILITY_OF, _sound(volatility)),
            seen=None if is_revert(seen) else int(codec.result(codec.HUB_READ_ONE, seen)),
        )


def _kind_requests(hub: str, numbers: range, at: str) -> list[Request]:
    views = (
        codec.HUB_WORDS,
        codec.TOKEN_OF,
        codec.CONFIG_OF,
        codec.BOUNDS_OF,
        codec.LIMITS_OF,
        codec.VOLATILITY_OF,
        codec.HUB_READ_ONE,
    )
    return [
        ("eth_call", [view_request(hub, codec.HUB_SEQUENCER), at]),
        *(("eth_call", [view_request(hub, fn, n), at]) for n in numbers for fn in views),
    ]


def _call(to: str, fn: Any, head: Head, sender: str, gas: int) -> Request:
    """Return a call of a stranger, asked as the hub asks: from its address and with its gas."""
    request = {"from": sender, "gas": hex(gas), **view_request(to, fn)}
    return ("eth_call", [request, hex(head.number)])


def _kind(
    number: int,
    raw: _Raw,
    answer: Any,
    symbol: Any,
    sequencer: Sequencer | None,
    head: Head,
    fresh_for: int,
    confirm_period: int,
) -> Kind:
    now = head.timestamp
    stored = Price.from_word(raw.word)
    seen = None if raw.seen is None else Price.from_word(raw.seen)
    age = now - stored.updated_at
    is_fresh = age < fresh_for and not stored.failed
    market = judge(answer, raw.limits, now)
    if sequencer is not None and sequencer.state == "down":
        market = Market(market.price, market.updated_at, 0, market.why or "sequencer down")
    elif seen is not None and seen.failed and market.accepted and not is_fresh:
        # it answers here and fails there: a static call by a contract is all that differs
        market = Market(market.price, market.updated_at, 0, "fails when the hub asks")
    until = raw.confirming_until
    if sequencer is not None and sequencer.state == "up":
        until = max(until, sequencer.since + confirm_period)
    left: int | None = None
    begins = False
    if seen is not None and seen.confirming:
        unreadable = sequencer is not None and sequencer.state == "unreadable"
        begins = not is_fresh and until <= now and not unreadable and not seen.failed
        if not unreadable:
            left = confirm_period if begins else max(0, until - now)
    variance, last_price, last_at = raw.volatility
    return Kind(
        number=number,
        token=raw.token,
        symbol=_symbol(symbol),
        oracle=raw.oracle,
        limits=raw.limits,
        stored=stored,
        seen=seen,
        market=market,
        confirming_until=until,
        confirming_left=left,
        begins=begins,
        sigma=isqrt(variance),
        last_price=last_price,
        last_at=last_at,
        age=age,
        is_fresh=is_fresh,
    )


def _sequencer(feed: str, answer: Any, now: int) -> Sequencer | None:
    """Judge the uptime feed as the hub does; None where there is no feed."""
    if int(feed, 16) == 0:
        return None
    trouble = _failure(answer)
    data = b"" if trouble else _bytes(answer)
    if not trouble and len(data) != 160:
        trouble = f"answers {len(data)} bytes instead of 160"
    if trouble:
        return Sequencer(feed, "unreadable", 0, trouble)
    is_down, since = (int.from_bytes(data[n : n + 32], "big") for n in (32, 64))
    if is_down > 1 or since == 0 or since > now:
        return Sequencer(feed, "unreadable", 0, f"answers {is_down} since {since}")
    return Sequencer(feed, "down" if is_down else "up", since)


def _numbers(hub: str, answers: Sequence[Any]) -> list[int]:
    views = (codec.HUB_KIND_COUNT, codec.HUB_FRESH_FOR, codec.HUB_CONFIRM_PERIOD)
    try:
        if not any(is_revert(answer) for answer in answers):
            return [
                int(codec.result(fn, _sound(answer)))
                for fn, answer in zip(views, answers, strict=True)
            ]
    except BadAnswer:
        if any(isinstance(answer, Failure) for answer in answers):
            raise
    raise KeeperError(f"no price hub at {hub}: the contract there is another")


def _failure(answer: Any) -> str:
    """Say why a stranger's call failed, "" where it did not; raises BadAnswer for a node's own
    trouble.
    """
    if not isinstance(answer, Failure):
        return ""
    message = clean(answer.message, _LONGEST_REASON)
    if answer.reverted:
        return f"reverts: {message}"
    text = answer.message.lower()
    if "gas" in text:
        return f"burns all of its {ORACLE_GAS:,} gas"
    if any(part in text for part in _EXECUTION):
        return f"fails: {message}"
    raise BadAnswer(answer.message)


def _symbol(answer: Any) -> str:
    """Return a token's symbol, made harmless; older tokens answer 32 bytes instead of a string."""
    if isinstance(answer, Failure):
        return "?"
    try:
        return clean(str(codec.result(codec.SYMBOL, answer)), _LONGEST_SYMBOL) or "?"
    except BadAnswer:
        data = _bytes(answer).rstrip(b"\0")
        if not 0 < len(data) <= 32:
            return "?"
        return clean(data.decode("utf-8", "replace"), _LONGEST_SYMBOL)


def _bytes(answer: Any) -> bytes:
    try:
        return bytes.fromhex(answer.removeprefix("0x"))
    except (AttributeError, TypeError, ValueError) as error:
        raise BadAnswer("not hex data") from error


def _sound(answer: Any) -> Any:
    if isinstance(answer, Failure):
        raise BadAnswer(answer.message)
    return answer
