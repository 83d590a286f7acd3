# SPDX-License-Identifier: MIT
"""What to do about the unsafe accounts of one block, worst for the protocol first. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from surety.formulas import Revert, margin_math
from surety.keeper import words
from surety.keeper.auctions import TakeSize, size_take
from surety.keeper.pokes import PokePolicy
from surety.keeper.profit import GasCosts, Quotes, net_of_call, net_of_take
from surety.keeper.risk import Assessment, KindTerm, State, View

BPS = 10_000
SOON = 24  # seconds: two blocks


@dataclass(frozen=True, slots=True)
class Policy:
    """What the keeper is willing to do.

    `call_at_loss` and `absorb_at_loss`: act as a public good even where tip or gas do not pay.
    `min_profit`: coin wei a take must bring. `headroom_bps`: how much more than sized a take may
    buy, so that a price which fell until it is mined leaves no dust. `pokes`: when to write prices
    down.
    """

    call_at_loss: bool = True
    absorb_at_loss: bool = True
    min_profit: int = 0
    headroom_bps: int = 200
    max_intents: int = 250
    pokes: PokePolicy = field(default_factory=PokePolicy)


@dataclass(frozen=True, slots=True)
class MarginCall:
    """Start the clock of an account, or open its auction at once."""

    account: int
    expected_loss: int
    excess: int
    profit: int
    tip: int
    immediate: bool


@dataclass(frozen=True, slots=True)
class Take:
    """Buy at most `amount` of a kind at no more than `max_price`.

    `size` is what this block's numbers give; `reserved` the most it can cost (coin wei).
    """

    account: int
    expected_loss: int
    excess: int
    profit: int
    size: TakeSize
    amount: int
    max_price: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Absorb:
    """Let the insurance fund take over an account that nobody bought."""

    account: int
    expected_loss: int
    excess: int
    profit: int


Intent = MarginCall | Take | Absorb


@dataclass(frozen=True, slots=True)
class Skip:
    """An unsafe account that is left alone at this block, and why."""

    account: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Intents, worst first, and what was left alone."""

    intents: tuple[Intent, ...]
    skips: tuple[Skip, ...]


def urgency(intent: Intent) -> tuple[int, int, int, int]:
    """Return the sort key: expected loss to the protocol, excess over maintenance, profit, then
    account.
    """
    return (-intent.expected_loss, -intent.excess, -intent.profit, intent.account)


def plan(
    subjects: Iterable[Assessment],
    view: View,
    purse: int,
    quotes: Quotes,
    gas: GasCosts,
    policy: Policy,
    already: dict[int, int] | None = None,
) -> Plan:
    """Choose at most one intent per account within the purse (coin wei).

    `already` holds per kind the inventory that waits to be sold before anything taken now.
    """
    intents: list[Intent] = []
    skips: list[Skip] = []
    auctions: list[Assessment] = []
    for subject in subjects:
        if subject.state is State.IN_AUCTION:
            auctions.append(subject)
            continue
        try:
            chosen = _without_purse(subject, view, gas, policy)
        except Revert as revert:
            chosen = Skip(subject.account, f"formula reverts: {revert}")
        if isinstance(chosen, Skip):
            skips.append(chosen)
        elif chosen is not None:
            intents.append(chosen)
    selling = dict(already or {})
    left = purse
    # the purse is spent on the worst first, so the order is fixed before sizes are known
    auctions.sort(key=lambda s: (-s.expected_loss, s.maintenance - s.debt, s.account))
    for subject in auctions:
        if view.takes_paused:
            skips.append(Skip(subject.account, "taking paused"))
            continue
        try:
            best = best_take(subject, view, left, quotes, gas, policy, selling)
        except Revert as revert:
            best = Skip(subject.account, f"formula reverts: {revert}")
        if isinstance(best, Skip):
            skips.append(best)
            continue
        intents.append(best)
        left -= best.reserved
        selling[best.size.kind] = selling.get(best.size.kind, 0) + best.size.amount
    intents.sort(key=urgency)
    late = intents[policy.max_intents :]
    skips.extend(Skip(intent.account, "later: enough for one block") for intent in late)
    return Plan(tuple(intents[: policy.max_intents]), tuple(skips))


def best_take(
    subject: Assessment,
    view: View,
    purse: int,
    quotes: Quotes,
    gas: GasCosts,
    policy: Policy,
    selling: dict[int, int],
) -> Take | Skip:
    """Return the take of one account that pays best, whichever kind it is of, or why there is
    none.
    """
    best: Take | None = None
    reason = "nothing for sale"
    for term, size in _sizes(subject, view, purse):
        if size is None:
            reason = "purse too small" if purse < view.params.debt_floor else "leaves dust"
            continue
        net = net_of_take(size.kind, size.amount, size.cost, quotes, gas, selling.get(size.kind, 0))
        if net is None:
            reason = "no price source"
            continue
        if net <= 0 or net < policy.min_profit:
            reason = "not profitable yet"
            continue
        if best is None or net > best.profit:
            unit = 10**term.config.decimals
            wanted = margin_math.mul_div_up(size.amount, BPS + policy.headroom_bps, BPS)
            affordable = max(size.amount, purse * unit // size.price)
            amount = min(term.balance, wanted, affordable)
            if amount == term.balance and amount < affordable:
                # a stranger's deposit of one unit must not turn a whole lot into a part of one
                amount = words.MAX_UINT256
            best = Take(
                account=subject.account,
                expected_loss=subject.expected_loss,
                excess=subject.debt - subject.maintenance,
                profit=net,
                size=size,
                amount=amount,
                max_price=size.price,
                reserved=min(
                    purse, margin_math.mul_div_up(min(amount, term.balance), size.price, unit)
                ),
            )
    return best if best is not None else Skip(subject.account, reason)


def _sizes(
    subject: Assessment, view: View, purse: int
) -> Iterator[tuple[KindTerm, TakeSize | None]]:
    for term in subject.terms:
        if not term.price.failed:
            yield term, size_take(subject, term, view, purse)


def tip_of(subject: Assessment, view: View) -> int:
    """Return the tip that a margin call of this account pays now (coin wei)."""
    params = view.params
    cooled = subject.opens and view.now > subject.closes + params.call_cool_down
    if subject.opens and not cooled:
        return 0
    tip = int(margin_math.call_tip_down(params.call_tip, subject.debt))
    return tip if subject.debt + tip <= subject.close_out else 0


def _without_purse(
    subject: Assessment, view: View, gas: GasCosts, policy: Policy
) -> MarginCall | Absorb | Skip | None:
    account, loss = subject.account, subject.expected_loss
    excess = subject.debt - subject.maintenance
    if subject.state is State.CALLABLE or (
        # a called account that fell below close-out: its auction can open now instead of after the
        # grace, unless it opens by itself before a transaction is likely to be mined
        subject.state is State.CALLED
        and subject.clock > view.now + SOON
        and view.totals.take_resumes_at <= view.now
        and subject.immediate(view.now)
    ):
        if view.totals.pauses & words.PAUSE_CALL:
            return Skip(account, "calling paused")
        tip = tip_of(subject, view)
        net = net_of_call(tip, gas)
        if not policy.call_at_loss and (net is None or net <= 0):
            return Skip(account, "tip below gas")
        return MarginCall(account, loss, excess, net or 0, tip, subject.immediate(view.now))
    if subject.state is State.ABSORBABLE:
        if view.takes_paused:
            return Skip(account, "taking paused")
        if subject.failed or subject.confirming:
            return Skip(account, "price failed" if subject.failed else "price confirming")
        if not policy.absorb_at_loss:
            return Skip(account, "absorbing pays nothing")
        gas_value = gas.value_up(gas.absorb)
        return Absorb(account, loss, excess, -(gas_value or 0))
    return None
