# SPDX-License-Identifier: MIT
"""The keeper at work: at each head ingest, evaluate, plan, simulate, submit. The only impure
caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from surety.chain import Rpc, RpcError, TransportError
from surety.formulas import Revert, margin_math
from surety.keeper import codec
from surety.keeper.accounting import Deliveries, Rests, Stats, bought_in, coin_flows
from surety.keeper.auctions import price_at
from surety.keeper.book import Book, Called, Reading
from surety.keeper.chain import Head
from surety.keeper.codec import BadAnswer, Call, view_request
from surety.keeper.market import Market
from surety.keeper.node import Failure, Request, ask
from surety.keeper.pokes import Poke, due
from surety.keeper.profit import GasCosts, Ladder, Quotes, net_of_take
from surety.keeper.risk import Assessment, State, Unpriced, View, exact, screen
from surety.keeper.senders import Outcome, Outgoing, Sender
from surety.keeper.strategy import Absorb, Intent, MarginCall, Policy, Skip, Take, plan
from surety.keeper.words import MAX_UINT256, KindConfig

BPS = 10_000
WAD = 10**18
# shares of what may have to be sold at which the market is asked, in sixteenths
LADDER = (1, 4, 8, 16)
# the vault refreshes up to 8 kinds, and the hub asks an oracle for each, on an L2 a sequencer's
# feed too: either may burn 300,000
GAS_PER_KIND = 700_000
KINDS_PER_POKE = 8
GAS_BASE = 600_000
POKE = "poke:"
MOST_TOKENS = 2**128 - 1  # of one kind in a vault, base units
MOST_FAILED_SALES = 2  # in a row, with which a kind is still bought and approved


@dataclass(frozen=True, slots=True)
class KeeperConfig:
    """How a keeper values and what it dares.

    `gas_price`: wei per gas by which its own gas is valued, None = what each receipt says.
    `native_price`: coin WAD per whole native coin, None = unknown, then nothing is taken.
    `slippage_bps`: how much less than quoted a sale may bring.
    """

    gas_price: int | None = None
    native_price: int | None = None
    slippage_bps: int = 50
    from_block: int = 0
    policy: Policy = field(default_factory=Policy)


@dataclass(slots=True)
class HeadReport:
    """What one head brought and what was done about it; `error` says why the work was put off."""

    number: int = 0
    watched: int = 0
    states: Counter[State] = field(default_factory=Counter)
    sent: list[Intent] = field(default_factory=list)
    poked: list[Poke] = field(default_factory=list)
    sold: list[int] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What the keeper has, and of which kinds it was not told."""

    coins: int
    tokens: dict[int, int]
    unknown: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Sale:
    """So much of a kind is sold."""

    kind: int
    amount: int


class Keeper:
    """Watches one vault and acts with one address; call `on_head` once per new block.

    Without a market nothing is taken: what cannot be sold has no price.
    """

    def __init__(
        self,
        rpc: Rpc,
        vault: str,
        sender: Sender,
        market: Market | None = None,
        config: KeeperConfig | None = None,
    ) -> None:
        self.config = config or KeeperConfig()
        self.book = Book(rpc, vault, self.config.from_block)
        self.stats = Stats()
        self.inventory: dict[int, int] = {}
        self._rpc = rpc
        self._sender = sender
        self._market = market
        self._rests = Rests()
        self._actions: dict[str, Intent | Poke | _Sale] = {}
        self._deliveries = Deliveries()
        self._callable_since: dict[int, int] = {}
        self._evaluated: int | None = None
        self._allowed: set[str] = set()

    def on_head(self) -> HeadReport:
        """Do all the work of the newest block.

        An answer that is lost or makes no sense ends the round with `error` set; nothing is
        concluded from it, and the next call does the work. Raises KeeperError only when there is no
        vault.
        """
        report = HeadReport()
        try:
            self._round(report)
        except (TransportError, RpcError, BadAnswer) as error:
            report.error = str(error) or type(error).__name__
        return report

    def _round(self, report: HeadReport) -> None:
        asked_kinds: list[int] = []

        def questions(head: Head) -> list[Request]:
            asked_kinds[:] = sorted(self.book.configs) if self._market is not None else []
            return [*self._holding_requests(head, asked_kinds), *self._sender.requests(head)]

        reading = self.book.refresh(questions)
        if reading is None:
            report.error = "the node is behind what was already read"
            return
        head, view = reading.head, reading.view
        report.number, report.watched = head.number, self.book.table.watched
        held = 1 + len(asked_kinds)
        self._note_logs(reading)
        self._settle(head, self._sender.settle(head, reading.answers[held:]), report)
        holdings = self._holdings(asked_kinds, reading.answers[:held])
        self.inventory = holdings.tokens
        told = {k: holdings.tokens.get(k, 0) for k in asked_kinds if k not in holdings.unknown}
        for account in self._deliveries.compare(told):
            report.skips.append(Skip(account, "delivered less than was bought: never again"))
        subjects = self._evaluate(view, report)
        self._note_callable(head, subjects, reading.rebuilt)
        intents, pokes = self._plan(head, view, subjects, holdings, report)
        outgoing = [self._outgoing(intent, view) for intent in intents]
        outgoing += [self._poke(poke) for poke in pokes]
        taken = {intent.size.kind for intent in intents if isinstance(intent, Take)}
        outgoing += self._approvals(view, sorted(taken | holdings.tokens.keys()))
        outgoing += self._sales(view, holdings, self._gas_costs(head), report)
        self._submit(head, outgoing, report)

    # ingest

    def _holding_requests(self, head: Head, kinds: Sequence[int]) -> list[Request]:
        at, own = hex(head.number), self._sender.address
        tokens = [self.book.coin, *(self.book.configs[kind].token for kind in kinds)]
        return [("eth_call", [view_request(token, codec.BALANCE_OF, own), at]) for token in tokens]

    def _holdings(self, kinds: Sequence[int], answers: Sequence[Any]) -> _Holdings:
        """Read balances; a token that does not answer only has no inventory."""
        coins, *tokens = answers
        if isinstance(coins, Failure):
            raise BadAnswer(coins.message)
        held: dict[int, int] = {}
        unknown: set[int] = set()
        for kind, answer in zip(kinds, tokens, strict=True):
            try:
                if isinstance(answer, Failure):
                    raise BadAnswer(answer.message)
                amount = int(codec.result(codec.BALANCE_OF, answer))
                if amount > MOST_TOKENS:
                    raise BadAnswer("more than a vault can hold")
            except BadAnswer:
                unknown.add(kind)
                continue
            if amount:
                held[kind] = amount
        return _Holdings(int(codec.result(codec.BALANCE_OF, coins)), held, frozenset(unknown))

    def _note_logs(self, reading: Reading) -> None:
        for account in reading.updated:
            self._rests.clear(_key(account))
        for call in reading.called:
            self._note_called(call)

    def _note_called(self, call: Called) -> None:
        since = self._callable_since.pop(call.account, None)
        if since is not None:
            self.stats.called_after(call.block - since)

    def _settle(self, head: Head, outcomes: Sequence[Outcome], report: HeadReport) -> None:
        """Book what became of transactions that were out."""
        for outcome in outcomes:
            action = self._actions.pop(outcome.tag, None)
            report.outcomes.append(outcome)
            self.stats.gas += outcome.gas_used
            self.stats.fees += outcome.fee
            self.stats.gas_value += self._gas_value(outcome)
            poked = outcome.tag.startswith(POKE)
            self.stats.poke_gas += outcome.gas_used * poked
            rest = POKE if poked else outcome.tag
            if outcome.status != "mined":
                self.stats.reverted += outcome.status == "reverted"
                self._rests.failed(rest, head.number)
                continue
            came, left = coin_flows(outcome.logs, self.book.coin, self._sender.address)
            self.stats.coins_in += came
            self.stats.coins_out += left
            self._rests.clear(rest)
            self.stats.pokes += isinstance(action, Poke)
            self.stats.calls += isinstance(action, MarginCall)
            self.stats.takes += isinstance(action, Take)
            self.stats.absorbs += isinstance(action, Absorb)
            self.stats.sales += isinstance(action, _Sale)
            if isinstance(action, Take):
                bought = bought_in(outcome.logs, self.book.vault, self._sender.address)
                self._deliveries.bought(action.account, bought)
            elif isinstance(action, _Sale):
                self._deliveries.sold(action.kind, action.amount)
            if outcome.tag.startswith("approve:"):
                self._allowed.add(outcome.tag.removeprefix("approve:"))

    def _gas_value(self, outcome: Outcome) -> int:
        fee = outcome.fee
        if self.config.gas_price is not None:
            fee = outcome.gas_used * self.config.gas_price
        if self.config.native_price is None:
            return 0
        return int(margin_math.mul_div_up(fee, self.config.native_price, WAD))

    # evaluate

    def _evaluate(self, view: View, report: HeadReport) -> list[Assessment]:
        """Decide every account that the screen passes on; one that cannot be decided stops no
        other.
        """
        table = self.book.table
        subjects: list[Assessment] = []
        for row in screen(table, view):
            account = table.ids[row]
            try:
                subject = exact(account, table.words[row], table.balances[row], view)
            except Unpriced as error:
                report.skips.append(Skip(account, str(error)))
                continue
            except (Revert, ArithmeticError, LookupError, TypeError, ValueError) as error:
                report.skips.append(Skip(account, f"cannot be decided: {error!r}"))
                continue
            report.states[subject.state] += 1
            if subject.debt > subject.maintenance:
                subjects.append(subject)
        return subjects

    def _note_callable(self, head: Head, subjects: Sequence[Assessment], rebuilt: bool) -> None:
        """Remember since which block accounts are callable; unseen blocks count against the
        keeper.
        """
        if rebuilt:
            self._callable_since.clear()
        first = head.number
        if self._evaluated is not None and not rebuilt:
            first = min(head.number, self._evaluated + 1)
        now = {s.account for s in subjects if s.state is State.CALLABLE}
        self._callable_since = {
            account: self._callable_since.get(account, first) for account in now
        }
        self._evaluated = head.number

    # plan

    def _plan(
        self,
        head: Head,
        view: View,
        subjects: Sequence[Assessment],
        holdings: _Holdings,
        report: HeadReport,
    ) -> tuple[list[Intent], list[Poke]]:
        busy = self._sender.busy()
        ready: list[Assessment] = []
        for subject in subjects:
            key = _key(subject.account)
            if key in busy:
                report.skips.append(Skip(subject.account, "on its way"))
            elif self._rests.resting(key, head.number):
                report.skips.append(Skip(subject.account, "resting after a failure"))
            else:
                ready.append(subject)
        gas = self._gas_costs(head)
        spent = sum(
            action.reserved
            for tag, action in self._actions.items()
            if isinstance(action, Take) and tag in busy
        )
        purse = max(0, holdings.coins - spent)
        auctions = [s for s in ready if s.state is State.IN_AUCTION]
        quotes = self._quotes(view, auctions, purse, holdings)
        chosen = plan(
            ready, view, purse, quotes, gas, self.config.policy, already=dict(holdings.tokens)
        )
        report.skips.extend(chosen.skips)
        pokes = self._pokes(view, chosen.intents, busy)
        return self._simulated(view, chosen.intents, pokes, quotes, gas, report)

    def _pokes(self, view: View, intents: Sequence[Intent], busy: set[str]) -> list[Poke]:
        """Return what to write down, of the kinds that accounts with debt hold, a few at a time.

        What is on its way, or comes with a transaction for an account that holds it, is left out.
        """
        if self._rests.resting(POKE, view.number):
            return []
        written = {kind for intent in intents for kind in self._kinds_of(intent.account)}
        for tag, action in self._actions.items():
            if isinstance(action, Poke) and tag in busy:
                written.update(action.kinds)
        kinds = [kind for kind in self.book.table.kinds_in_use() if kind not in written]
        found = due(kinds, view.stored, view.prices, view.now, self.config.policy.pokes)
        groups = [found[at : at + KINDS_PER_POKE] for at in range(0, len(found), KINDS_PER_POKE)]
        return [Poke(*(tuple(part) for part in zip(*group, strict=True))) for group in groups]

    def _kinds_of(self, account: int) -> list[int]:
        row = self.book.table.row_of(account)
        return [] if row is None else list(self.book.table.balances[row])

    def _gas_costs(self, head: Head) -> GasCosts:
        price = self.config.gas_price
        return GasCosts(price if price is not None else head.base_fee, self.config.native_price)

    def _quotes(
        self, view: View, auctions: Sequence[Assessment], purse: int, holdings: _Holdings
    ) -> Quotes:
        """Ask the market about every kind that is for sale; no answer is no price, not an error.

        What delivered less than it said, does not say what is held or has not been sold of late is
        not asked about: it gets no price.
        """
        nothing = Quotes({}, self.config.slippage_bps)
        if self._market is None or not auctions:
            return nothing
        wanted: dict[int, int] = {}
        dearest: dict[int, int] = {}
        for subject in auctions:
            for term in subject.terms:
                kind = term.config.kind
                if kind in self._deliveries.short or kind in holdings.unknown:
                    continue
                if self._rests.failures(f"sell:{kind}") > MOST_FAILED_SALES:
                    continue
                price = price_at(term, subject.opens, view.params.auction_duration, view.now)
                wanted[kind] = wanted.get(kind, 0) + term.balance
                dearest[kind] = min(price, dearest.get(kind, price))
        sales: list[tuple[int, int]] = []
        for kind, amount in sorted(wanted.items()):
            unit = 10 ** view.configs[kind].decimals
            affordable = purse * unit // max(1, dearest[kind])
            total = holdings.tokens.get(kind, 0) + min(amount, affordable)
            sales += [(kind, part) for part in _parts(total)]
        try:
            answers = self._market.quote_sell(
                [(view.configs[kind].token, amount) for kind, amount in sales], view.number
            )
        except (TransportError, RpcError, BadAnswer):
            return nothing
        points: dict[int, list[tuple[int, int]]] = {}
        for (kind, amount), coins in zip(sales, answers, strict=True):
            if coins is not None:
                points.setdefault(kind, []).append((amount, coins))
        ladders = {kind: Ladder(tuple(sorted(found))) for kind, found in points.items()}
        return Quotes(ladders, self.config.slippage_bps)

    # simulate

    def _simulated(
        self,
        view: View,
        intents: Sequence[Intent],
        pokes: Sequence[Poke],
        quotes: Quotes,
        gas: GasCosts,
        report: HeadReport,
    ) -> tuple[list[Intent], list[Poke]]:
        """Keep the intents and pokes that would be accepted now, and takes that pay as executed."""
        own, at = self._sender.address, hex(view.number)
        calls = [self._outgoing(intent, view).call for intent in intents]
        calls += [self._poke(poke).call for poke in pokes]
        answers = ask(self._rpc, [("eth_call", [call.as_request(own), at]) for call in calls])
        accepted: list[Poke] = []
        for poke, answer in zip(pokes, answers[len(intents) :], strict=True):
            if not isinstance(answer, Failure):
                accepted.append(poke)
            elif answer.reverted:
                self._rests.failed(POKE, view.number)
        kept: list[Intent] = []
        for intent, answer in zip(intents, answers[: len(intents)], strict=True):
            reason = ""
            if isinstance(answer, Failure):
                reason = f"simulation: {answer.message}"
            elif isinstance(intent, Take):
                try:
                    amount, cost = codec.result(codec.TAKE, answer)
                    net = net_of_take(intent.size.kind, amount, cost, quotes, gas)
                    reason = "" if net is not None and net > 0 else "simulation: not profitable"
                except BadAnswer as error:
                    reason = f"simulation: {error}"
            if reason:
                # a node that will not say is no failure of the account
                if not isinstance(answer, Failure) or answer.reverted:
                    self._rests.failed(_key(intent.account), view.number)
                report.skips.append(Skip(intent.account, reason))
            else:
                kept.append(intent)
        return kept, accepted

    # submit

    def _outgoing(self, intent: Intent, view: View) -> Outgoing:
        kinds = len(self._kinds_of(intent.account)) or 8
        gas = GAS_BASE + GAS_PER_KIND * kinds
        if isinstance(intent, MarginCall):
            data = codec.MARGIN_CALL.encode(intent.account)
        elif isinstance(intent, Take):
            own = self._sender.address
            data = codec.TAKE.encode(
                intent.account, intent.size.kind, intent.amount, intent.max_price, own, b""
            )
        else:
            data = codec.ABSORB.encode(intent.account)
        return Outgoing(_key(intent.account), Call(self.book.vault, data, gas), intent)

    def _poke(self, poke: Poke) -> Outgoing:
        gas = GAS_BASE + GAS_PER_KIND * len(poke.kinds)
        data = codec.HUB_POKE.encode(poke.mask)
        return Outgoing(f"{POKE}{poke.mask:x}", Call(self.book.hub, data, gas), poke)

    def _approvals(self, view: View, kinds: Sequence[int]) -> list[Outgoing]:
        """Let the market pull what is held or being taken, so that it can be sold a block later."""
        market = self._market
        tokens = [view.configs[kind].token for kind in kinds]
        tokens = [token for token in tokens if token not in self._allowed]
        if market is None or not tokens:
            return []
        own, spender = self._sender.address, market.spender
        views = [view_request(token, codec.ALLOWANCE, own, spender) for token in tokens]
        try:
            answers = ask(self._rpc, [("eth_call", [v, hex(view.number)]) for v in views])
        except (TransportError, BadAnswer):
            return []  # asked again as long as there is something to sell
        data = codec.APPROVE.encode(spender, MAX_UINT256)
        busy = self._sender.busy()
        outgoing: list[Outgoing] = []
        for token, answer in zip(tokens, answers, strict=True):
            tag = f"approve:{token}"
            try:
                is_known = not isinstance(answer, Failure)
                if is_known and codec.result(codec.ALLOWANCE, answer) > MAX_UINT256 // 2:
                    self._allowed.add(token)
                    continue
            except BadAnswer:
                continue  # of this token alone nothing is sold
            if tag not in busy and self._rests.failures(tag) <= MOST_FAILED_SALES:
                outgoing.append(Outgoing(tag, Call(token, data, 120_000), None))
        return outgoing

    def _sales(
        self, view: View, holdings: _Holdings, gas: GasCosts, report: HeadReport
    ) -> list[Outgoing]:
        """Sell what was taken, whole; after failures in ever smaller parts."""
        market, busy = self._market, self._sender.busy()
        sales: list[tuple[KindConfig, int]] = []
        for kind, amount in sorted(holdings.tokens.items()):
            config, tag = view.configs[kind], f"sell:{kind}"
            free = tag not in busy and not self._rests.resting(tag, view.number)
            if free and config.token in self._allowed:
                sales.append((config, max(1, amount >> min(self._rests.failures(tag), 16))))
        if market is None or not sales:
            return []
        try:
            quoted = market.quote_sell([(c.token, part) for c, part in sales], view.number)
        except (TransportError, RpcError, BadAnswer):
            return []
        outgoing: list[Outgoing] = []
        for (config, part), coins in zip(sales, quoted, strict=True):
            tag = f"sell:{config.kind}"
            gas_value = gas.value_up(gas.sell)
            if coins and gas_value is not None and coins <= gas_value:
                continue  # waits until more of it is worth a transaction
            if not coins:
                self._rests.failed(tag, view.number)
                continue
            least = margin_math.mul_div_down(coins, BPS - self.config.slippage_bps, BPS)
            call = market.sell(config.token, part, least, self._sender.address)
            outgoing.append(Outgoing(tag, call, _Sale(config.kind, part)))
            report.sold.append(config.kind)
        return outgoing

    def _submit(self, head: Head, outgoing: list[Outgoing], report: HeadReport) -> None:
        """Send everything, first what protects the protocol; what is out may need a push."""
        outgoing.sort(key=_rank)
        busy = self._sender.busy()
        if not outgoing and not busy:
            return
        for item in outgoing:
            if item.action is not None:
                self._actions[item.tag] = item.action
        refused = self._sender.submit(outgoing, head)
        turned_back = {outcome.tag for outcome in refused}
        for item in outgoing:
            if isinstance(item.action, MarginCall | Take | Absorb) and item.tag not in turned_back:
                report.sent.append(item.action)
            if isinstance(item.action, Poke) and item.tag not in turned_back:
                report.poked.append(item.action)
        self._settle(head, refused, report)


def _rank(item: Outgoing) -> int:
    """Return the place of a transaction in its block's order: accounts, prices, own business."""
    if item.tag.startswith(("sell:", "approve:")):
        return 2
    return 1 if item.tag.startswith(POKE) else 0


def _key(account: int) -> str:
    """Return the tag of what is out for an account: one transaction at a time."""
    return f"account:{account}"


def _parts(total: int) -> list[int]:
    return sorted({total * share // 16 for share in LADDER} - {0})
