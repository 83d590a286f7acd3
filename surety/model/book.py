# SPDX-License-Identifier: MIT
"""What a vault does, move by move: the specification of `contracts/Vault.vy` in exact integers.

A move takes the second at which it happens and its caller first, then what the contract's function
takes. It either changes the book, logs its events and leaves in `returned` what the function
returns, or raises `Refused` with the reason the contract gives; a refused book is to be thrown away
(`surety.model.predict` works on a copy). Checks come in the contract's order, so that the reason is
exact also where several hold. All arithmetic is `surety.formulas`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from surety.formulas import margin_math
from surety.model.fading import Slots, less
from surety.model.hub import Hub
from surety.model.signature import operator_digest, signer_of
from surety.model.state import (
    BPS,
    HALF,
    INT_MAX,
    INT_MIN,
    MAX,
    MAX_ENABLED,
    MAX_KINDS,
    NO_KIND,
    PAUSE_BORROW,
    PAUSE_CALL,
    PAUSE_CALLBACKS,
    PAUSE_TAKE,
    PAUSE_WITHDRAW,
    RAY,
    SETTLING,
    SHUT,
    ZERO_ADDRESS,
    Exposure,
    Kind,
    Leg,
    Levels,
    Order,
    Position,
    Price,
    Purse,
    Refused,
    Rules,
    as_number,
    owner_of,
    refuse,
)

WRITE_PERIOD = 3_600
MAX_PAUSE = 7 * 86_400
MAX_TAKE_PAUSE = 2**24 - 1
MAX_START_FACTOR = 11_000
MAX_DEBT = 2**128
MAX_NORMALIZED = 2**104 - 1
MAX_TOTAL_NORMALIZED = 2**112 - 1
MAX_RATE = RAY // (365 * 86_400) + 1
HOUR = 3_600
NEVER = 2**40 - 1  # when takes are resumed in a book that is shut down
NEVER_SKIPPED = ("unknown account", "calling paused", "taking paused")
ALL_PAUSES = PAUSE_BORROW | PAUSE_WITHDRAW | PAUSE_CALL | PAUSE_TAKE | PAUSE_CALLBACKS

Callback = Callable[["Book"], None]


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of a change: what comes in, or what goes out (MAX: the whole balance)."""

    kind: int
    incoming: int
    outgoing: int


def below(delta: int) -> int:
    """Return what goes out, or is repaid: everything for the smallest number."""
    return MAX if delta == INT_MIN else max(-delta, 0)


@dataclass(frozen=True, slots=True)
class Measured:
    """An account at given prices: its levels, and what selling and absorbing it would bring."""

    levels: Levels
    end_value: int  # sum of value times end factor: coin units times bps
    flags: int  # union over the kinds
    sold_bps: int  # by how much a margin model lowers the share of the sold kind in the target
    model_failed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a liquidation step knows of an account before it decides."""

    opens: int
    index: int
    words: dict[int, Price]
    measured: Measured

    @property
    def levels(self) -> Levels:
        """The account's levels."""
        return self.measured.levels


@dataclass(slots=True)
class Book:
    """Everything that a vault remembers, with its coin, its hub and the tokens people hold.

    `held` and the coin's balances know only the people put into them; whoever is not in there is
    taken to hold enough. Accounts that were never used need no position.
    """

    rules: Rules = field(compare=False)
    hub: Hub
    coin: Purse
    governor: str
    pending_governor: str = ZERO_ADDRESS
    fund: str = ZERO_ADDRESS
    pending_fund: str = ZERO_ADDRESS
    index: int = RAY
    accrued_at: int = 0
    rate: int = 0
    lost_hour: int = 0
    total_normalized_debt: int = 0
    take_resumes_at: int = 0
    take_pause: int = 0
    pauses: int = 0
    isolated: int = 0
    frozen: int = 0
    kinds: dict[int, Kind] = field(default_factory=dict)
    deposited: dict[int, int] = field(default_factory=dict)
    caps: dict[int, int] = field(default_factory=dict)
    absorbed: dict[int, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    has_default_model: bool = False
    models_governor: str = ZERO_ADDRESS
    slots: Slots = field(default_factory=Slots)
    operators: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)
    nonces: dict[int, int] = field(default_factory=dict)
    held: dict[tuple[int, str], int] = field(default_factory=dict)
    logs: list[tuple[str, dict[str, Any]]] = field(default_factory=list, compare=False)
    returned: Any = field(default=None, compare=False)

    def copy(self) -> Book:
        """Return a book that can be changed without changing this one; it has logged nothing."""
        return replace(
            self,
            hub=self.hub.copy(),
            coin=self.coin.copy(),
            kinds=dict(self.kinds),
            deposited=dict(self.deposited),
            caps=dict(self.caps),
            absorbed=dict(self.absorbed),
            positions={account: old.copy() for account, old in self.positions.items()},
            slots=self.slots.copy(),
            operators=dict(self.operators),
            epochs=dict(self.epochs),
            nonces=dict(self.nonces),
            held=dict(self.held),
            logs=[],
            returned=None,
        )

    def position(self, account: int) -> Position:
        """Return an account's position, an empty one where it was never used."""
        return self.positions.setdefault(account, Position())

    # words as stored

    @property
    def totals_word(self) -> int:
        """Pack `totals`."""
        return (
            self.total_normalized_debt
            | self.take_resumes_at << 112
            | self.pauses << 152
            | self.isolated << 168
            | self.frozen << 200
            | self.take_pause << 232
        )

    @property
    def interest_word(self) -> int:
        """Pack `interest`; two bits say whether other words must be looked at."""
        guarded = self.pauses | self.frozen != 0
        return (
            self.index
            | self.accrued_at << 128
            | self.rate << 168
            | self.lost_hour << 234
            | guarded << 254
            | self.has_default_model << 255
        )

    def deposited_word(self, kind: int) -> int:
        """Pack `deposited[kind]`."""
        return self.deposited.get(kind, 0) | self.caps.get(kind, 0) << 128

    def load_totals(self, word: int) -> None:
        """Take over a stored `totals` word."""
        self.total_normalized_debt = word % 2**112
        self.take_resumes_at = (word >> 112) % 2**40
        self.pauses = (word >> 152) % 2**16
        self.isolated = (word >> 168) % 2**32
        self.frozen = (word >> 200) % 2**32
        self.take_pause = word >> 232

    def load_interest(self, word: int) -> None:
        """Take over a stored `interest` word."""
        self.index = word % 2**128
        self.accrued_at = (word >> 128) % 2**40
        self.rate = (word >> 168) % 2**66
        self.lost_hour = (word >> 234) % 2**20
        self.has_default_model = word >> 255 == 1

    @property
    def lost_at(self) -> int:
        """When the book last lost debt, rounded up to the hour; 0 for never."""
        return self.lost_hour * HOUR

    @property
    def is_shut(self) -> bool:
        """Whether the book has been shut down."""
        return self.pauses & SHUT != 0

    # interest

    def live_index(self, now: int) -> int:
        """Return the index as of now, RAY."""
        if now == self.accrued_at:
            return self.index
        index: int = margin_math.index_up(self.index, self.rate, now - self.accrued_at)
        return index

    def _refresh(self, now: int, period: int = WRITE_PERIOD) -> int:
        """Return the live index, written when the last write is at least `period` old."""
        index = self.live_index(now)
        if now > self.accrued_at and now >= self.accrued_at + period:
            self.index, self.accrued_at = index, now
            self._log("Accrued", index=index)
        return index

    def accrue(self, now: int, caller: str) -> None:
        """Write the interest index."""
        self.returned = self._refresh(now, 0)

    # measuring

    def debt(self, account: int, now: int) -> int:
        """Return what an account owes now."""
        position = self.positions.get(account)
        return (
            margin_math.debt_up(position.normalized_debt, self.live_index(now)) if position else 0
        )

    def total_debt(self, now: int) -> int:
        """Return what the book owes on the live index."""
        debt: int = margin_math.total_debt_down(self.total_normalized_debt, self.live_index(now))
        return debt

    def equity(self, now: int) -> int:
        """Return what the book owes less what circulates; below zero is a deficit."""
        return self.total_debt(now) - self.coin.supply

    def measure(self, account: int, now: int) -> Measured:
        """Return an account at the prices of this second, without changing anything."""
        position = self.positions.get(account) or Position()
        words = self.hub.read(position.mask, now)
        return self._measure(now, account, position, words, self.live_index(now), NO_KIND)

    def levels(self, account: int, now: int) -> Levels:
        """Return the levels of an account at the prices of this second."""
        return self.measure(account, now).levels

    def _measure(
        self,
        now: int,
        account: int,
        position: Position,
        words: dict[int, Price],
        index: int,
        sold: int,
    ) -> Measured:
        value = initial = target = maintenance = close_out = end_value = flags = 0
        exposures = []
        for kind, price in words.items():
            facts, balance = self.kinds[kind], position.balances[kind]
            worth = margin_math.value_down(balance, price.hi, facts.decimals)
            lower = margin_math.value_down(balance, price.lo, facts.decimals)
            exposure = Exposure(
                kind,
                self.deposited[kind],
                worth,
                margin_math.initial_capacity(
                    lower, facts.initial_ltv, price.initial_multiplier, self.frozen >> kind & 1
                ),
                goal := margin_math.target_capacity(worth, facts.initial_ltv),
                margin_math.maintenance_capacity_from(
                    worth, goal, facts.maintenance_ltv, price.maintenance_multiplier
                ),
                margin_math.close_out_capacity(worth, facts.close_out_ltv),
            )
            exposures.append(exposure)
            value += worth
            initial += exposure.initial
            target += exposure.target
            maintenance += exposure.maintenance
            close_out += exposure.close_out
            end_value += worth * facts.end_factor
            flags |= price.flags
        capacities, sold_bps = (initial, target, maintenance, close_out), 0
        failed = False
        model = self.margin_model_of(position, now)
        if model != ZERO_ADDRESS:
            failed, off = self.slots.surcharges(
                self.rules.margin_models, account, position.margin_model, exposures, sold, now
            )
            capacities, sold_bps = less(capacities, off), off[4]
            if failed:
                capacities = (0, *capacities[1:])
        debt = margin_math.debt_up(position.normalized_debt, index)
        levels = Levels(debt, value, *capacities)
        return Measured(levels, end_value, flags, sold_bps, failed)

    def margin_model_of(self, position: Position, now: int) -> str:
        """Return the margin model that an account uses, the zero address for the linear margin."""
        if position.margin_model == 0 and not self.has_default_model:
            return ZERO_ADDRESS
        return self.slots.used(position.margin_model, now)

    def opens_at(self, auction_start: int) -> int:
        """Return when an auction opens as read: a pause of takes holds the clocks that ran."""
        opens: int = margin_math.opens_at(
            auction_start, self.rules.auction_duration, self.take_resumes_at, self.take_pause
        )
        return opens

    def state(self, account: int, now: int) -> int:
        """Return the derived state of an account: protocol.md section 7."""
        position = self.positions.get(account) or Position()
        levels = self.levels(account, now)
        if self.is_shut and levels.debt:
            return SETTLING
        state: int = margin_math.account_state(
            levels.debt,
            levels.target,
            levels.maintenance,
            levels.close_out,
            position.mask,
            self.opens_at(position.auction_start),
            self.rules.auction_duration,
            now,
        )
        return state

    # logs, coins and tokens

    def _log(self, name: str, **args: Any) -> None:
        self.logs.append((name, args))

    def _log_account(self, account: int, kind: int = NO_KIND) -> None:
        position = self.positions[account]
        balance = 0 if kind == NO_KIND else position.balance(kind)
        self._log("AccountUpdated", account=account, kind=kind, balance=balance, word=position.word)

    def refuses(self, kind: int, payee: str, amount: int) -> bool:
        """Say whether a token would refuse to be paid out by the vault now; a plain one does not.

        Whoever models other tokens overrides this and `transfer`.
        """
        return False

    def transfer(self, kind: int, payer: str, payee: str, amount: int) -> None:
        """Move a token between two whose holdings may be known."""
        if self.held.get((kind, payer), amount) < amount:
            refuse("")  # a plain token underflows without a reason
        if (kind, payer) in self.held:
            self.held[kind, payer] -= amount
        if (kind, payee) in self.held:
            self.held[kind, payee] += amount

    # who may

    def is_authorised(self, caller: str, account: int) -> bool:
        """Say whether a caller is the owner of an account or an operator with its bit."""
        owner, who = owner_of(account), as_number(caller)
        key = (as_number(self.rules.vault), owner, self.epochs.get(owner, 0), who)
        bits = self.operators.get(key, 0)
        return owner == who or bits >> (account & 255) & 1 == 1

    def _check_authorised(self, caller: str, account: int) -> None:
        if account >> 168:
            refuse("unknown account")
        if not self.is_authorised(caller, account):
            refuse("not authorised")

    def _check_account(self, account: int) -> None:
        if account >> 168:
            refuse("unknown account")

    def _check_kind(self, kind: int) -> None:
        if kind not in self.kinds:
            refuse("unknown kind")

    def _check_receiver(self, receiver: str) -> None:
        if as_number(receiver) in (0, as_number(self.rules.vault)):
            refuse("bad receiver")

    def _check_governor(self, caller: str) -> None:
        if as_number(caller) != as_number(self.governor):
            refuse("not governor")

    # position

    def deposit(self, now: int, caller: str, account: int, kind: int, amount: int) -> None:
        """Add collateral from the caller."""
        self._change(now, caller, account, [Flow(kind, amount, 0)], 0, 0, caller)

    def withdraw(
        self, now: int, caller: str, account: int, kind: int, amount: int, receiver: str
    ) -> None:
        """Pay collateral out; MAX is the whole balance."""
        self._change(now, caller, account, [Flow(kind, 0, amount)], 0, 0, receiver)

    def borrow(self, now: int, caller: str, account: int, amount: int, receiver: str) -> None:
        """Mint coins against an account."""
        self._change(now, caller, account, [], amount, 0, receiver)

    def repay(self, now: int, caller: str, account: int, amount: int) -> None:
        """Burn the caller's coins against an account's debt."""
        self.returned = self._change(now, caller, account, [], 0, amount, caller)

    def adjust(
        self,
        now: int,
        caller: str,
        account: int,
        legs: Sequence[Leg],
        debt_delta: int,
        receiver: str,
        data: bytes = b"",
        callback: Callback | None = None,
    ) -> None:
        """Change collateral and debt at once; `callback` is what the caller does when called."""
        flows = [Flow(kind, max(delta, 0), below(delta)) for kind, delta in legs]
        borrowed, most = max(debt_delta, 0), below(debt_delta)
        self._change(now, caller, account, flows, borrowed, most, receiver, data, callback)

    def move(
        self,
        now: int,
        caller: str,
        source: int,
        destination: int,
        legs: Sequence[Leg],
        debt: int,
    ) -> None:
        """Move collateral and debt between two accounts; deltas of INT_MAX are whole balances."""
        if source == destination:
            refuse("same account")
        self._check_authorised(caller, source)
        self._check_authorised(caller, destination)
        amounts = [
            self.position(source).balance(kind) if delta == INT_MAX else max(delta, 0)
            for kind, delta in legs
        ]
        kinds = [kind for kind, _ in legs]
        leaving = [Flow(kind, 0, amount) for kind, amount in zip(kinds, amounts, strict=True)]
        arriving = [Flow(kind, amount, 0) for kind, amount in zip(kinds, amounts, strict=True)]
        moved = self._change(now, caller, source, leaving, 0, debt, caller, inside=True)
        self._change(now, caller, destination, arriving, moved, 0, caller, inside=True)

    def set_margin_model(self, now: int, caller: str, account: int, slot: int) -> None:
        """Choose a margin model for an account."""
        self._check_authorised(caller, account)
        if slot and self.slots.model(slot) == ZERO_ADDRESS:
            refuse("unknown model")
        position = self.position(account)
        position.margin_model = slot
        position.auction_start = 0
        if position.normalized_debt:
            self._check_initial(now, account, position, 0)
        self._log_account(account)

    def _change(
        self,
        now: int,
        caller: str,
        account: int,
        flows: Sequence[Flow],
        borrowed: int,
        most: int,
        receiver: str,
        data: bytes = b"",
        callback: Callback | None = None,
        inside: bool = False,
    ) -> int:
        """Change a position in the one way there is; return the coins repaid, `most` at most.

        With `inside` (a move) nothing enters or leaves the book.
        """
        self._check_account(account)
        if not flows and borrowed == most == 0:
            refuse("nothing to change")
        position = self.position(account)
        old_mask = position.mask
        raised = PAUSE_BORROW if borrowed else 0
        outgoing, above = [], 0
        for flow in flows:
            kind = flow.kind
            if kind < above:
                refuse("legs not ascending")
            self._check_kind(kind)
            above, amount = kind + 1, 0
            if flow.incoming:
                # a full cap must not block the rescue of a called account
                rescue = position.auction_start != 0 and not borrowed
                self._bring_in(position, flow, inside, HALF if rescue else self.caps[kind])
            else:
                raised |= PAUSE_WITHDRAW
                amount = position.balance(kind) if flow.outgoing == MAX else flow.outgoing
                self._take_out(position, kind, amount, inside)
            outgoing.append((kind, amount))
        enabled = position.mask & ~old_mask
        if raised:
            self._check_receiver(receiver)
        if raised or enabled:
            self._check_authorised(caller, account)
        repaid = self._change_debt(now, position, borrowed, most, raised)
        if raised:
            position.touched_at = now
        if raised or not position.normalized_debt:
            position.auction_start = 0
        position.forget_times()
        if enabled:
            self._check_enabled(now, position, enabled)
        if raised and position.normalized_debt:
            self._check_initial(now, account, position, raised)
        for flow in flows:
            self._log_account(account, flow.kind)
        if not flows:
            self._log_account(account)
        if inside:
            return repaid
        for kind, amount in outgoing:
            if amount:
                self.transfer(kind, self.rules.vault, receiver, amount)
        if borrowed and not self.coin.mint(receiver, borrowed):
            refuse("above ceiling")
        if data:
            self._call_back(callback)
        for flow in flows:
            if flow.incoming:
                self.transfer(flow.kind, caller, self.rules.vault, flow.incoming)
        if repaid:
            self.coin.burn(caller, repaid)
        return repaid

    def _call_back(self, callback: Callback | None) -> None:
        if self.pauses & PAUSE_CALLBACKS:
            refuse("callbacks paused")
        if callback is None:
            refuse("")  # a caller without code cannot be called
        callback(self)

    def _bring_in(self, position: Position, flow: Flow, inside: bool, cap: int) -> None:
        balance = position.balance(flow.kind) + flow.incoming
        if not inside:
            total = self.deposited[flow.kind] + flow.incoming
            if total > cap:
                refuse("above cap")
            self.deposited[flow.kind] = total
        position.set_balance(flow.kind, balance)

    def _take_out(self, position: Position, kind: int, amount: int, inside: bool) -> None:
        balance = position.balance(kind)
        if amount == 0:
            refuse("zero amount")
        if amount > balance:
            refuse("above balance")
        if not inside:
            self.deposited[kind] -= amount
        position.set_balance(kind, balance - amount)

    def _change_debt(
        self, now: int, position: Position, borrowed: int, most: int, raised: int
    ) -> int:
        """Borrow, or repay at most so much; return the coins repaid."""
        if not borrowed and not most and not (raised and position.normalized_debt):
            return 0
        index = self._refresh(now)
        if borrowed:
            if borrowed > MAX_DEBT:
                refuse("debt too large")
            self._raise_debt(position, margin_math.borrowed_up(borrowed, index))
            return 0
        return self._repay(position, most, index) if most else 0

    def _raise_debt(self, position: Position, normalized: int) -> None:
        self.total_normalized_debt += normalized
        if self.total_normalized_debt > MAX_TOTAL_NORMALIZED:
            refuse("debt too large")
        position.normalized_debt += normalized
        if position.normalized_debt > MAX_NORMALIZED:
            refuse("debt too large")

    def _repay(self, position: Position, most: int, index: int) -> int:
        """Lower a debt by at most `most` coins, never into the floor; return what is repaid."""
        owed = margin_math.debt_up(position.normalized_debt, index)
        repaid: int = margin_math.repayment(most, owed, self.rules.debt_floor)
        removed = position.normalized_debt
        if repaid < owed:
            removed = margin_math.repaid_down(repaid, index)
        position.normalized_debt -= removed
        self.total_normalized_debt -= removed
        return repaid

    def _check_enabled(self, now: int, position: Position, enabled: int) -> None:
        if self.is_shut:
            refuse("shut down")
        if enabled & self.frozen:
            refuse("kind is frozen")
        if position.mask & self.isolated and len(position.balances) > 1:
            refuse("isolated only")
        if len(position.balances) > MAX_ENABLED:
            refuse("too many kinds")
        for price in self.hub.sync(enabled, now).values():
            if price.flags:
                refuse("price failed" if price.has_failed else "price confirming")

    def _check_initial(self, now: int, account: int, position: Position, raised: int) -> None:
        paused = self.pauses & raised
        if paused & PAUSE_BORROW:
            refuse("borrowing paused")
        if paused:
            refuse("withdrawing paused")
        index = self.live_index(now)
        if margin_math.debt_up(position.normalized_debt, index) < self.rules.debt_floor:
            refuse("below debt floor")
        words = self.hub.sync(position.mask, now)
        measured = self._measure(now, account, position, words, index, NO_KIND)
        if measured.model_failed:
            refuse("margin model failed")
        if measured.levels.debt > measured.levels.initial:
            refuse("below initial margin")

    # margin call and auction

    def _find(self, now: int, account: int, pause: int, sold: int = NO_KIND) -> Found:
        """Measure an account at synced prices and the live index; refuses while paused."""
        self._check_account(account)
        if self.pauses & pause & PAUSE_CALL:
            refuse("calling paused")
        if self.pauses & pause & PAUSE_TAKE and now < self.take_resumes_at:
            refuse("taking paused")
        position = self.position(account)
        opens = self.opens_at(position.auction_start)
        index = self._refresh(now)
        words = self.hub.sync(position.mask, now)
        measured = self._measure(now, account, position, words, index, sold)
        return Found(opens, index, words, measured)

    def margin_call(self, now: int, caller: str, account: int) -> None:
        """Start the clock of an account below maintenance."""
        tip = self._call(now, caller, account, self.coin.headroom)
        if tip:
            self.coin.mint(caller, tip)
        self.returned = tip

    def margin_calls(self, now: int, caller: str, accounts: Sequence[int]) -> None:
        """Call many accounts: those that cannot be called are skipped."""
        headroom = left = self.coin.headroom
        called = 0
        for at, account in enumerate(accounts):
            try:
                left -= self._call(now, caller, account, left)
            except Refused as refused:
                if refused.reason in NEVER_SKIPPED:
                    raise
                continue
            called |= 1 << at
        if headroom > left:
            self.coin.mint(caller, headroom - left)
        self.returned = called

    def _call(self, now: int, caller: str, account: int, headroom: int) -> int:
        """Call one account; return the tip, which is still to be minted."""
        found = self._find(now, account, PAUSE_CALL)
        levels, opens, rules = found.levels, found.opens, self.rules
        if levels.debt <= levels.maintenance:
            refuse("account is covered")
        position = self.positions[account]
        closes = opens + rules.auction_duration
        below_close_out = levels.close_out < levels.debt
        # an owner who has just touched the account, or an unconfirmed price, gets the grace path
        confirming = any(price.is_confirming for price in found.words.values())
        immediate = below_close_out and not confirming and position.touched_at < now
        first = opens == 0 or now > closes + rules.call_cool_down
        start = now
        if opens and now <= closes:
            # only a close-out shortens a grace that is still running
            if now >= opens or not immediate:
                refuse("already called")
        elif opens and below_close_out and now <= closes + rules.auction_duration:
            refuse("absorb instead")
        elif first and not immediate:
            start += rules.grace_period
        position.auction_start = start
        tip = margin_math.call_tip_down(rules.call_tip, levels.debt) if first else 0
        added = margin_math.borrowed_up(tip, found.index)
        raised = margin_math.debt_up(position.normalized_debt + added, found.index)
        if tip > headroom or raised > levels.close_out:
            tip = 0
        if tip:
            self._raise_debt(position, added)
        self._log_account(account)
        self._log("MarginCalled", account=account, auction_start=start, caller=caller, tip=tip)
        return tip

    def take(
        self,
        now: int,
        caller: str,
        account: int,
        kind: int,
        amount: int,
        max_price: int,
        receiver: str,
        data: bytes = b"",
        callback: Callback | None = None,
    ) -> None:
        """Buy collateral out of a running auction."""
        self._check_receiver(receiver)
        sold, cost = self._sell(now, caller, (account, kind, amount, max_price))
        self.transfer(kind, self.rules.vault, receiver, sold)
        if data:
            self._call_back(callback)
        self.coin.burn(caller, cost)
        self.returned = (sold, cost)

    def takes(self, now: int, caller: str, orders: Sequence[Order], receiver: str) -> None:
        """Buy by many orders with one payment: those that cannot be filled are skipped."""
        self._check_receiver(receiver)
        sold, total = [], 0
        for order in orders:
            try:
                amount, cost = self._sell(now, caller, order)
            except Refused as refused:
                if refused.reason in NEVER_SKIPPED:
                    raise
                amount = cost = 0
            sold.append(amount)
            total += cost
        for (_, kind, _, _), amount in zip(orders, sold, strict=True):
            if amount:
                self.transfer(kind, self.rules.vault, receiver, amount)
        if total:
            self.coin.burn(caller, total)
        self.returned = (sold, total)

    def _sell(self, now: int, caller: str, order: Order) -> tuple[int, int]:
        """Sell to one order, but for the transfers; return what is sold and its cost."""
        account, kind, amount, max_price = order
        found = self._find(now, account, PAUSE_TAKE, kind)
        position, rules, levels = self.positions[account], self.rules, found.levels
        if amount == 0:
            refuse("zero amount")
        if kind not in position.balances:
            refuse("kind not enabled")
        if not found.opens or not found.opens <= now <= found.opens + rules.auction_duration:
            refuse("not in auction")
        if found.words[kind].has_failed:
            refuse("price failed")
        if levels.debt <= levels.maintenance:
            refuse("account is covered")
        facts, hi, balance = self.kinds[kind], found.words[kind].hi, position.balances[kind]
        factor = self.factor(kind, now - found.opens)
        price = margin_math.auction_price_up(hi, factor)
        if price > max_price:
            refuse("above max price")
        penalty = margin_math.effective_penalty_down(
            rules.liquidation_penalty, self._sale_value(position, found, now), levels.debt
        )
        sold, cost, repaid = margin_math.take_amounts(
            levels.debt,
            levels.target,
            balance,
            amount,
            hi,
            facts.decimals,
            factor,
            margin_math.mul_div_down(facts.initial_ltv, BPS - found.measured.sold_bps, BPS),
            penalty,
            rules.debt_floor,
        )
        if sold == 0:
            refuse("leaves dust" if cost else "nothing to take")
        position.set_balance(kind, balance - sold)
        self.deposited[kind] -= sold
        normalized = margin_math.normalized_after_repayment(
            position.normalized_debt, levels.debt, repaid, found.index
        )
        owed = margin_math.debt_up(normalized, found.index)
        if not position.balances and owed:
            self._log_loss(now, account, owed)
            normalized = owed = 0
        self.total_normalized_debt -= position.normalized_debt - normalized
        position.normalized_debt = normalized
        # under a margin model the sale may cost less capacity than this: then `cure` clears it
        had, kept = (
            margin_math.target_capacity(
                margin_math.value_down(amount, hi, facts.decimals), facts.initial_ltv
            )
            for amount in (balance, balance - sold)
        )
        if owed <= levels.target and (not owed or owed + had <= levels.target + kept):
            position.auction_start = 0
        position.forget_times()
        self._log_account(account, kind)
        self._log(
            "Taken",
            account=account,
            kind=kind,
            buyer=caller,
            amount=sold,
            price=price,
            cost=cost,
            debt_repaid=repaid,
        )
        return sold, cost

    def factor(self, kind: int, elapsed: int) -> int:
        """Return the price factor of a kind so long into an auction, bps."""
        facts = self.kinds[kind]
        factor: int = margin_math.auction_factor(
            facts.start_factor, facts.end_factor, elapsed, self.rules.auction_duration
        )
        return factor

    def _sale_value(self, position: Position, found: Found, now: int) -> int:
        """Return what a sale of every kind that has a price would raise now."""
        total = 0
        for kind, price in found.words.items():
            if not price.has_failed:
                worth = margin_math.value_down(
                    position.balances[kind], price.hi, self.kinds[kind].decimals
                )
                total += margin_math.sale_value_down(worth, self.factor(kind, now - found.opens))
        return total

    def cure(self, now: int, caller: str, account: int) -> None:
        """Clear the clock of a healthy account, or restart the auction of a covered one."""
        found = self._find(now, account, 0)
        levels, start = found.levels, 0
        if not found.opens:
            refuse("not curable")
        if levels.debt > levels.target:
            running = found.opens <= now <= found.opens + self.rules.auction_duration
            if not running or levels.debt > levels.maintenance:
                refuse("not curable")
            start = now
        self.positions[account].auction_start = start
        self.positions[account].forget_times()
        self._log_account(account)
        self._log("Cured", account=account, auction_start=start)

    def absorb(self, now: int, caller: str, account: int) -> None:
        """Move an account that nobody bought into the fund's ledger and strike its debt off."""
        found = self._find(now, account, PAUSE_TAKE)
        rules, levels = self.rules, found.levels
        closes = found.opens + rules.auction_duration
        in_time = closes < now <= closes + rules.auction_duration
        if not found.opens or not in_time or levels.debt <= levels.close_out:
            refuse("not absorbable")
        if any(price.has_failed for price in found.words.values()):
            refuse("price failed")
        if any(price.is_confirming for price in found.words.values()):
            refuse("price confirming")
        end_value = found.measured.end_value
        share = margin_math.absorbed_share_up(levels.debt, rules.liquidation_penalty, end_value)
        self._strike(account, share)
        shortfall = margin_math.absorb_shortfall(levels.debt, end_value)
        self._log("Absorbed", account=account, debt=levels.debt, shortfall=shortfall)
        self._log_loss(now, account, shortfall)

    def _strike(self, account: int, share: int) -> None:
        """Move a share of everything an account holds to what is absorbed, and strike its debt."""
        position = self.positions[account]
        kinds = sorted(position.balances)
        for kind in kinds:
            balance = position.balances[kind]
            moved = margin_math.absorbed_amount_up(balance, share)
            position.set_balance(kind, balance - moved)
            self.absorbed[kind] = self.absorbed.get(kind, 0) + moved
        self.total_normalized_debt -= position.normalized_debt
        position.normalized_debt = position.auction_start = 0
        position.forget_times()
        for kind in kinds:
            self._log_account(account, kind)

    def _log_loss(self, now: int, account: int, amount: int) -> None:
        """Remember that the book has lost debt, and say how much no collateral covers."""
        self.lost_hour = (now // HOUR + 1) % 2**20
        if amount:
            self._log("BadDebt", account=account, amount=amount)

    # shutdown

    def shutdown(self, now: int, caller: str) -> None:
        """End the book: interest stops for good, and all that a pause can stop."""
        self._check_settlement(caller)
        self._check_open()
        self._set_rate(now, 0)
        self.take_resumes_at, self.take_pause = NEVER, 0
        self.pauses = ALL_PAUSES | SHUT
        self._log("ShutDown")

    def settle(self, now: int, caller: str, account: int, share: int, shortfall: int) -> None:
        """Strike an account's debt off against a share (RAY) of everything it holds."""
        self._check_settlement(caller)
        debt = self.debt(account, now)
        if not debt or not self.is_shut:
            refuse("not settleable")
        self._strike(account, share)
        self._log("Settled", account=account, debt=debt, shortfall=shortfall)
        self._log_loss(now, account, shortfall)
        self.returned = debt

    def _check_settlement(self, caller: str) -> None:
        if as_number(caller) != as_number(self.rules.settlement):
            refuse("not settlement")

    def _check_open(self) -> None:
        if self.is_shut:
            refuse("shut down")

    # operators

    def set_operator(self, now: int, caller: str, vault: str, operator: str, bits: int) -> None:
        """Let an operator act in a vault for the caller's sub-accounts whose bit is set."""
        self._let(vault, caller, operator, bits)

    def set_operator_by_signature(
        self,
        now: int,
        caller: str,
        vault: str,
        owner: str,
        operator: str,
        bits: int,
        deadline: int,
        signature: bytes,
        confirmed: bool = False,
    ) -> None:
        """Name an operator for an owner who signed; `confirmed` is what its EIP-1271 code says."""
        if now > deadline:
            refuse("signature expired")
        who, rules = as_number(owner), self.rules
        nonce = self.nonces.get(who, 0)
        self.nonces[who] = nonce + 1
        digest = operator_digest(
            rules.operators, rules.chain_id, vault, owner, operator, bits, nonce, deadline
        )
        signer = signer_of(digest, signature)
        if not confirmed and (signer == 0 or signer != who):
            refuse("bad signature")
        self._let(vault, owner, operator, bits)

    def _let(self, vault: str, owner: str, operator: str, bits: int) -> None:
        who = as_number(owner)
        key = (as_number(vault), who, self.epochs.get(who, 0), as_number(operator))
        self.operators[key] = bits
        self._log("OperatorSet", vault=vault, owner=owner, operator=operator, bits=bits)

    def lockdown(self, now: int, caller: str) -> None:
        """Drop every operator of the caller, and every signature not yet used."""
        who = as_number(caller)
        self.epochs[who] = self.epochs.get(who, 0) + 1
        self.nonces[who] = self.epochs[who] << 128
        self._log("LockedDown", owner=caller, epoch=self.epochs[who])

    # fund and governance

    def withdraw_absorbed(
        self, now: int, caller: str, kind: int, amount: int, receiver: str
    ) -> None:
        """Pay absorbed collateral out to the fund's order."""
        # what the fund has not drawn by a shutdown belongs to the holders of coins
        if as_number(caller) != as_number(self.rules.settlement if self.is_shut else self.fund):
            refuse("not fund")
        self._check_receiver(receiver)
        self._check_kind(kind)
        held = self.absorbed.get(kind, 0)
        if amount == 0:
            refuse("zero amount")
        if amount > held:
            refuse("above balance")
        self.absorbed[kind] = held - amount
        self.deposited[kind] -= amount
        self._log("AbsorbedWithdrawn", kind=kind, receiver=receiver, amount=amount)
        self.transfer(kind, self.rules.vault, receiver, amount)

    def list_collateral(
        self,
        now: int,
        caller: str,
        kind: int,
        token: str,
        initial_ltv: int,
        maintenance_ltv: int,
        close_out_ltv: int,
        start_factor: int,
        end_factor: int,
        cap: int,
        isolated: bool,
        decimals: int = 18,
    ) -> None:
        """List a token; `decimals` are those that it reports."""
        listings = as_number(self.rules.listings)
        if not listings or as_number(caller) != listings:
            self._check_governor(caller)
        if kind >= MAX_KINDS:
            refuse("unknown kind")
        if as_number(token) == as_number(self.rules.coin):
            refuse("the coin itself")
        if as_number(token) == 0 or as_number(self.hub.token_of(kind)) != as_number(token):
            refuse("token not priced")
        if kind in self.kinds:
            refuse("already listed")
        if not 6 <= decimals <= 18:
            refuse("bad decimals")
        levels = (initial_ltv, maintenance_ltv, close_out_ltv, start_factor, end_factor)
        facts = Kind(token, decimals, *levels)
        self._check_levels(facts)
        if cap > HALF:
            refuse("cap too large")
        self.kinds[kind] = facts
        self.deposited.setdefault(kind, 0)
        self.absorbed.setdefault(kind, 0)
        self.caps[kind] = cap
        if isolated:
            self.isolated |= 1 << kind
        self._log("CollateralListed", kind=kind, token=token, word=facts.word, cap=cap)

    def _check_levels(self, facts: Kind) -> None:
        maintenance, start, end = facts.maintenance_ltv, facts.start_factor, facts.end_factor
        if not facts.initial_ltv < maintenance < facts.close_out_ltv <= end:
            refuse("bad levels")
        whole = maintenance * (BPS + self.rules.liquidation_penalty) <= end * BPS
        if not (BPS <= start <= MAX_START_FACTOR and end < BPS and whole):
            refuse("bad factors")

    def set_levels(
        self,
        now: int,
        caller: str,
        kind: int,
        initial_ltv: int,
        maintenance_ltv: int,
        close_out_ltv: int,
        start_factor: int,
        end_factor: int,
    ) -> None:
        """Change the levels and auction factors of a kind, under the rules of listing."""
        self._check_governor(caller)
        self._check_kind(kind)
        levels = (initial_ltv, maintenance_ltv, close_out_ltv, start_factor, end_factor)
        old = self.kinds[kind]
        facts = Kind(old.token, old.decimals, *levels)
        self._check_levels(facts)
        self.kinds[kind] = facts
        self._log("CollateralChanged", kind=kind, word=facts.word, cap=self.caps[kind])

    def set_cap(self, now: int, caller: str, kind: int, cap: int) -> None:
        """Change a deposit cap."""
        self._check_governor(caller)
        self._check_kind(kind)
        if cap > HALF:
            refuse("cap too large")
        self.caps[kind] = cap
        self._log("CollateralChanged", kind=kind, word=self.kinds[kind].word, cap=cap)

    def set_frozen(self, now: int, caller: str, kind: int, frozen: bool) -> None:
        """Freeze or thaw a kind."""
        self._check_governor(caller)
        self._check_kind(kind)
        self.frozen = self.frozen | 1 << kind if frozen else self.frozen & ~(1 << kind)
        self._log("KindFrozen", kind=kind, frozen=frozen)

    def set_pauses(self, now: int, caller: str, bits: int) -> None:
        """Pause by bits; a pause of takes holds the clocks that run."""
        self._check_governor(caller)
        self._check_open()
        if bits > ALL_PAUSES:
            refuse("bad pauses")
        was_paused = self.pauses & PAUSE_TAKE != 0 and now < self.take_resumes_at
        paused_at = self.take_resumes_at - self.take_pause
        if bits & PAUSE_TAKE:
            if not was_paused:
                # clocks that an earlier pause still holds are held on
                if now > self.take_resumes_at + 2 * self.rules.auction_duration:
                    paused_at = now
                self.take_resumes_at = now + MAX_PAUSE + self.rules.grace_period
        elif was_paused:
            self.take_resumes_at = now + self.rules.grace_period
        self.take_pause = min(self.take_resumes_at - paused_at, MAX_TAKE_PAUSE)
        self.pauses = bits
        self._log("Paused", bits=bits)

    def set_rate(self, now: int, caller: str, rate: int) -> None:
        """Change the interest rate after accruing at the old one."""
        self._check_governor(caller)
        self._check_open()
        self._set_rate(now, rate)

    def _set_rate(self, now: int, rate: int) -> None:
        if rate > MAX_RATE:
            refuse("rate too high")
        self._refresh(now, 0)
        self.rate = rate
        self._log("RateSet", rate=rate)

    def propose_fund(self, now: int, caller: str, fund: str) -> None:
        """Name the next insurance fund."""
        self._check_governor(caller)
        self.pending_fund = fund
        self._log("FundProposed", fund=fund)

    def accept_fund(self, now: int, caller: str) -> None:
        """Become the insurance fund."""
        if as_number(caller) != as_number(self.pending_fund):
            refuse("not proposed")
        self.fund, self.pending_fund = caller, ZERO_ADDRESS
        self._log("FundSet", fund=caller)

    def propose_governor(self, now: int, caller: str, pending: str) -> None:
        """Name the next governor."""
        self._check_governor(caller)
        self.pending_governor = pending
        self._log("GovernorProposed", pending=pending)

    def accept_governor(self, now: int, caller: str) -> None:
        """Take over as governor."""
        if as_number(caller) != as_number(self.pending_governor):
            refuse("not proposed")
        self.governor, self.pending_governor = caller, ZERO_ADDRESS
        self._log("GovernorChanged", governor=caller)

    def set_default_model(self, now: int, caller: str, used: bool) -> None:
        """Let the accounts that chose no margin model have that of slot 0, or the linear margin."""
        listed = as_number(self.rules.margin_models_at)
        if not listed or as_number(caller) != listed:
            refuse("not margin models")
        self.has_default_model = used
        self._log("DefaultModelSet", used=used)

    # the list of margin models

    def list_model(self, now: int, caller: str, slot: int, model: str) -> None:
        """Put a margin model into a slot, or empty it."""
        if as_number(caller) != as_number(self.models_governor):
            refuse("not governor")
        if slot > 255:
            refuse("unknown model")
        if model != ZERO_ADDRESS and model.lower() not in self.rules.margin_models:
            refuse("no code")
        self.slots.list(slot, model, now)
        self._log("MarginModelListed", slot=slot, model=model)

    def use_default(self, now: int, caller: str, vault: str, used: bool) -> None:
        """Let a vault's accounts that chose no model have that of slot 0, or the linear margin."""
        if as_number(caller) != as_number(self.models_governor):
            refuse("not governor")
        if as_number(vault) != as_number(self.rules.vault):
            refuse("")  # no vault
        self.slots.use_default(self.has_default_model, used, self.total_normalized_debt, now)
        self.set_default_model(now, self.rules.margin_models_at, used)

    # sums

    def check(self) -> None:
        """Assert the sums of a book whose every account has a position: collateral and debt."""
        for kind, total in self.deposited.items():
            inside = sum(position.balance(kind) for position in self.positions.values())
            assert inside + self.absorbed.get(kind, 0) == total, f"collateral of kind {kind}"
            assert self.held.get((kind, self.rules.vault), total) >= total, f"kind {kind} is short"
        normalized = sum(position.normalized_debt for position in self.positions.values())
        assert normalized == self.total_normalized_debt, "the sum of debts"
        for account, position in self.positions.items():
            bare = position.normalized_debt and not position.balances
            assert not bare, f"account {account:x} has a debt without collateral"
            assert len(position.balances) <= MAX_ENABLED
