# SPDX-License-Identifier: MIT
"""One vault as the keeper knows it: accounts from logs alone, everything else by one batch per
block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from surety.chain import Rpc, TransportError
from surety.keeper import codec, words
from surety.keeper.chain import Head, Log, LogFeed, Move, Reorg
from surety.keeper.codec import BadAnswer, view_request
from surety.keeper.index import AccountTable, AccountUpdate
from surety.keeper.node import Failure, Request, ask, is_revert
from surety.keeper.risk import VaultParams, View
from surety.keeper.words import KindConfig, Price, Totals

KINDS_PER_READ = 8
# halving the largest range down to one block takes fewer questions than this
MOST_QUESTIONS = 24
MOST_REORGS = 3

_ACCOUNT_UPDATED = int(codec.ACCOUNT_UPDATED, 16)
_MARGIN_CALLED = int(codec.MARGIN_CALLED, 16)
_LISTED = int(codec.COLLATERAL_LISTED, 16)
_CHANGED = int(codec.COLLATERAL_CHANGED, 16)


class KeeperError(Exception):
    """The keeper cannot work as it was set up; the message is one line for its user."""


@dataclass(frozen=True, slots=True)
class Called:
    """One MarginCalled event and the block it was mined in."""

    account: int
    auction_start: int
    block: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What one head brought: the view, answers to the caller's own questions, and what the logs
    said.
    """

    head: Head
    view: View
    answers: list[Any]
    updated: frozenset[int]
    called: tuple[Called, ...]
    rebuilt: bool


@dataclass(slots=True)
class _News:
    """What logs said since the last reading that was handed out."""

    updated: set[int] = field(default_factory=set)
    called: list[Called] = field(default_factory=list)
    rebuilt: bool = False


class Book:
    """Follows one vault: a table of its accounts, its listed kinds, and what a transaction would
    see now.
    """

    def __init__(self, rpc: Rpc, vault: str, from_block: int = 0) -> None:
        self.rpc = rpc
        self.vault = vault.lower()
        self.feed = LogFeed(self.vault, from_block)
        self.table = AccountTable()
        self.configs: dict[int, KindConfig] = {}
        self.params: VaultParams | None = None
        self.chain_id = 0
        self.coin = ""
        self.hub = ""
        self._news = _News()

    def connect(self) -> VaultParams:
        """Read what never changes, once; raises KeeperError when there is no vault there."""
        if self.params is not None:
            return self.params
        views = [
            codec.COIN,
            codec.HUB,
            codec.GRACE_PERIOD,
            codec.AUCTION_DURATION,
            codec.CALL_COOL_DOWN,
            codec.DEBT_FLOOR,
            codec.CALL_TIP,
            codec.LIQUIDATION_PENALTY,
        ]
        chain_id, code, *answers = ask(
            self.rpc,
            [
                ("eth_chainId", []),
                ("eth_getCode", [self.vault, "latest"]),
                *(("eth_call", [view_request(self.vault, fn), "latest"]) for fn in views),
            ],
        )
        if isinstance(code, str) and code in ("0x", "0x0"):
            raise KeeperError(f"no vault at {self.vault}: there is no contract")
        if isinstance(chain_id, Failure) or isinstance(code, Failure) or not code:
            raise BadAnswer("the node did not answer about the chain")
        reverted = [is_revert(answer) for answer in answers]
        try:
            if any(reverted):
                raise BadAnswer("a view reverts")
            values = [
                codec.result(fn, _sound(answer)) for fn, answer in zip(views, answers, strict=True)
            ]
        except BadAnswer as error:
            raise KeeperError(f"no vault at {self.vault}: the contract there is another") from error
        self.chain_id = int(chain_id, 16)
        self.coin, self.hub = str(values[0]).lower(), str(values[1]).lower()
        self.params = VaultParams(*values[2:])
        return self.params

    def refresh(self, questions: Callable[[Head], Sequence[Request]]) -> Reading | None:
        """Read up to the newest block: two round trips when little is new.

        `questions` are asked along with the state at the head. Returns None while the node is
        behind what has been read. Raises TransportError or BadAnswer with everything that was read
        kept; a changed chain is read again from the start.
        """
        params = self.connect()
        head = Head.from_block(_sound(ask(self.rpc, [_block("latest")])[0]))
        move = self.feed.classify(head)
        if move is Move.LAGGING:
            return None
        if move is Move.REORG:
            self._forget()
        state: list[Any] | None = None
        asked_kinds: list[int] = []
        own = list(questions(head))
        asked = reorgs = 0
        while state is None:
            at_head = self.feed.caught_up(head)
            final = at_head or self.feed.last_of_range(head) == head.number
            ranged = [] if at_head else self.feed.requests(head)
            asked_kinds = sorted(self.configs)
            rest = [*self._state_requests(head, asked_kinds), *own] if final else []
            try:
                answers = ask(self.rpc, [*ranged, *rest])
                if ranged:
                    self._ingest(head, answers[: len(ranged)])
                state = answers[len(ranged) :] if final else None
                asked = 0
            except TransportError:
                self.feed.fail()
                raise
            except BadAnswer:
                asked += 1
                if self.feed.chunk == 1 or asked > MOST_QUESTIONS:
                    raise
                self.feed.fail()
            except Reorg:
                reorgs += 1
                if reorgs > MOST_REORGS:
                    raise BadAnswer("the chain keeps changing") from None
                self._forget()
        view = self._view(head, params, asked_kinds, state)
        count = len(state) - len(own)
        news, self._news = self._news, _News()
        return Reading(
            head,
            view,
            state[count:],
            frozenset(news.updated),
            tuple(news.called),
            news.rebuilt,
        )

    def _forget(self) -> None:
        self._news = _News(rebuilt=True)
        self.feed.reset()
        self.table = AccountTable()
        self.configs = {}

    def _state_requests(self, head: Head, kinds: list[int]) -> list[Request]:
        at = hex(head.number)
        return [
            ("eth_call", [view_request(self.vault, codec.LIVE_INDEX), at]),
            ("eth_call", [view_request(self.vault, codec.TOTALS), at]),
            *(
                ("eth_call", [view_request(self.hub, codec.HUB_READ, _mask(group)), at])
                for group in _groups(kinds)
            ),
            *(("eth_call", [view_request(self.hub, codec.HUB_WORDS, kind), at]) for kind in kinds),
        ]

    def _ingest(self, head: Head, answers: list[Any]) -> None:
        """Apply one range: everything is understood before anything is written."""
        done = self.feed.check(head, answers)
        updates: list[AccountUpdate] = []
        configs: dict[int, KindConfig] = {}
        calls: list[Called] = []
        for log in done.logs:
            what = log.topics[0]
            if what == _ACCOUNT_UPDATED:
                _shape(log, topics=3, data=2)
                updates.append(AccountUpdate(log.topics[1], log.topics[2], *log.data))
            elif what == _MARGIN_CALLED:
                _shape(log, topics=3, data=2)
                calls.append(Called(log.topics[1], log.data[0], log.block))
            elif what in (_LISTED, _CHANGED):
                _shape(log, topics=3 if what == _LISTED else 2, data=2)
                configs[log.topics[1]] = KindConfig.from_word(log.topics[1], log.data[0])
        for update in updates:
            if update.kind >= words.KIND_COUNT and update.kind != words.DEBT_ONLY:
                raise BadAnswer("an event of an impossible kind")
        for update in updates:
            self.table.apply(update)
            self._news.updated.add(update.account)
        self.configs.update(configs)
        self._news.called.extend(calls)
        self.feed.commit(done)

    def _view(self, head: Head, params: VaultParams, kinds: list[int], state: list[Any]) -> View:
        index = int(codec.result(codec.LIVE_INDEX, _sound(state[0])))
        totals = Totals.from_word(codec.result(codec.TOTALS, _sound(state[1])))
        prices, stored = _prices(kinds, state[2:]), _stored(kinds, state[2:])
        missing = sorted(set(self.configs) - set(kinds))
        if missing:
            answers = ask(self.rpc, self._state_requests(head, missing)[2:])
            prices |= _prices(missing, answers)
            stored |= _stored(missing, answers)
        return View(
            head.number,
            head.timestamp,
            index,
            totals,
            params,
            dict(self.configs),
            prices,
            stored,
        )


def _block(tag: str) -> Request:
    return ("eth_getBlockByNumber", [tag, False])


def _sound(answer: Any) -> Any:
    """Return an answer that is not a failure; raises BadAnswer otherwise."""
    if isinstance(answer, Failure):
        raise BadAnswer(answer.message)
    return answer


def _shape(log: Log, topics: int, data: int) -> None:
    if len(log.topics) != topics or len(log.data) != data:
        raise BadAnswer("a log of another shape")


def _groups(kinds: list[int]) -> list[list[int]]:
    return [kinds[at : at + KINDS_PER_READ] for at in range(0, len(kinds), KINDS_PER_READ)]


def _mask(kinds: list[int]) -> int:
    return sum(1 << kind for kind in kinds)


def _prices(kinds: list[int], answers: Sequence[Any]) -> dict[int, Price]:
    """Return the prices the hub answered; a read that reverts leaves only its own kinds without a
    price.
    """
    prices: dict[int, Price] = {}
    for group, answer in zip(_groups(kinds), answers, strict=False):
        if is_revert(answer):
            continue
        found = codec.result(codec.HUB_READ, answer)
        if len(found) != len(group):
            raise BadAnswer("prices of another number of kinds")
        prices.update(
            (kind, Price.from_word(word)) for kind, word in zip(group, found, strict=True)
        )
    return prices


def _stored(kinds: list[int], answers: Sequence[Any]) -> dict[int, Price]:
    """Return the words in the hub's storage: the answers that follow those of the reads."""
    own = answers[len(_groups(kinds)) :]
    found: dict[int, Price] = {}
    for kind, answer in zip(kinds, own, strict=False):
        if not is_revert(answer):
            found[kind] = Price.from_word(codec.result(codec.HUB_WORDS, answer))
    return found
