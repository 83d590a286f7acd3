# SPDX-License-Identifier: MIT
"""What must hold after every block of the demo: each rule a function, each comparison counted.

A rule compares the storage that views answer (`State`) with what events alone say (`Mirror`), or
with itself. It returns how many comparisons it made and says in one line each what did not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from surety.demo.mirror import Mirror
from surety.demo.probe import State
from surety.deploy import Limits
from surety.formulas import margin_math
from surety.keeper import words
from surety.keeper.words import Price

RAY = 10**27
BPS = 10_000
HALF = 2**128 - 1
MAX_PRICE = 2**88 - 1
MULTIPLIERS = (25_000, 12_500)
NORMALIZED = 2**112 - 1


@dataclass(slots=True)
class Watch:
    """What the rules remember between blocks: times in seconds, the equity they started from in
    WAD.

    `exposed` is since when an account is below close-out without a clock, `unresolved` since when
    it is below close-out at all; `patience` is how long a block may keep a keeper waiting; `limits`
    are those of each kind's price and `stored` its words of the block before.
    """

    grace: int
    duration: int
    patience: int
    limits: tuple[Limits, ...] = ()
    stored: tuple[Price, ...] = ()
    index: int = RAY
    equity: int = 0
    flows: int = 0
    moves: int = 0
    exposed: dict[int, int] = field(default_factory=dict)
    unresolved: dict[int, int] = field(default_factory=dict)


Check = tuple[bool, str]
Rule = Callable[[State, Mirror, Watch], Iterator[Check]]


def collateral_sums(state: State, _mirror: Mirror, _watch: Watch) -> Iterator[Check]:
    """Balances plus absorbed sum up to the deposited total of a kind, which the vault holds."""
    sums: dict[int, int] = dict.fromkeys(state.deposited, 0)
    for (_, kind), balance in state.balances.items():
        sums[kind] += balance
    for kind, word in state.deposited.items():
        total, found = word & HALF, sums[kind] + state.absorbed[kind]
        yield found == total, f"kind {kind}: balances and absorbed are {found}, the total {total}"
        yield total <= state.held[kind], f"kind {kind}: total {total}, held {state.held[kind]}"


def debt_sums(state: State, _mirror: Mirror, _watch: Watch) -> Iterator[Check]:
    """Sum of normalized debts is the total, and the total debt is their sum within a wei for each
    account.
    """
    normalized = sum(words.normalized_debt(word) for word in state.words.values())
    total = state.totals & NORMALIZED
    yield normalized == total, f"normalized debts are {normalized}, the total {total}"
    owed = sum(levels.debt for levels in state.levels.values())
    yield state.total_debt <= owed, f"accounts owe {owed}, the book says {state.total_debt}"
    most = state.total_debt + 1 + len(state.levels)
    yield owed <= most, f"accounts owe {owed}, above {most}"


def masks(state: State, _mirror: Mirror, _watch: Watch) -> Iterator[Check]:
    """A mask bit is set if and only if the balance is above zero, and debt needs collateral."""
    for account, word in state.words.items():
        mask = sum(1 << kind for kind in state.deposited if state.balances[account, kind] > 0)
        found = words.collateral_mask(word)
        yield found == mask, f"account {account:x}: mask {found:b}, balances {mask:b}"
        bare = words.normalized_debt(word) > 0 and mask == 0
        yield not bare, f"account {account:x}: debt without collateral"


def levels_nested(state: State, _mirror: Mirror, _watch: Watch) -> Iterator[Check]:
    """Capacities are nested: initial <= target <= maintenance <= close-out <= value."""
    for account, at in state.levels.items():
        nested = at.initial <= at.target <= at.maintenance <= at.close_out <= at.value
        yield nested, f"account {account:x}: levels are not nested: {at}"


def index_rises(state: State, mirror: Mirror, watch: Watch) -> Iterator[Check]:
    """The interest index never falls and is what the formula makes of the last logged one."""
    yield state.live_index >= watch.index, f"index fell from {watch.index} to {state.live_index}"
    expected = mirror.live_index(state.now)
    yield state.live_index == expected, f"index is {state.live_index}, expected {expected}"
    watch.index = state.live_index


def events_tell_all(state: State, mirror: Mirror, _watch: Watch) -> Iterator[Check]:
    """An index fed by events alone equals the storage: words, balances, prices and the supply."""
    for account, word in state.words.items():
        known = mirror.words.get(account, 0)
        yield known == word, f"account {account:x}: events say word {known:x}, storage {word:x}"
    for (account, kind), balance in state.balances.items():
        known = mirror.balances.get((account, kind), 0)
        yield (
            known == balance,
            f"account {account:x} kind {kind}: events {known}, storage {balance}",
        )
    for kind, price in enumerate(state.stored):
        told = Price.from_word(mirror.prices[kind])
        yield told == price, f"kind {kind}: events say price {told}, storage {price}"
    unknown = mirror.words.keys() - state.words.keys()
    yield not unknown, f"{len(unknown)} accounts appeared that nobody opened"
    yield mirror.supply == state.supply, f"events say supply {mirror.supply}, coin {state.supply}"


def equity_identity(state: State, mirror: Mirror, _watch: Watch) -> Iterator[Check]:
    """Equity is total debt less coin supply, by the fund, by the storage and by events alone."""
    equity = state.equity[0] - state.equity[1]
    yield 0 in state.equity, f"surplus and deficit at once: {state.equity}"
    stored = state.total_debt - state.supply
    yield equity == stored, f"the fund says {equity}, storage {stored}"
    told = mirror.total_debt(state.now) - mirror.supply
    yield equity == told, f"the fund says {equity}, events {told}"


def equity_explained(state: State, mirror: Mirror, watch: Watch) -> Iterator[Check]:
    """Equity changed by interest plus penalties less struck-off debt, and only ever rounded up.

    Each change of a debt may round by less than two index units, never against the protocol; the
    total debt is rounded down by less than a wei at either end.
    """
    flows = money_flows(mirror)
    equity = state.equity[0] - state.equity[1]
    gained = equity - watch.equity - (flows - watch.flows)
    most = 2 * (mirror.moves - watch.moves) * -(-state.live_index // RAY) + 2
    yield -2 <= gained <= most, f"equity moved {gained} wei (at most {most}) beyond its causes"


def close_out_watched(state: State, _mirror: Mirror, watch: Watch) -> Iterator[Check]:
    """No account stays below close-out without a clock after a grace, nor unresolved after two
    auctions more.
    """
    for account, levels in state.levels.items():
        below = levels.close_out < levels.debt
        clocked = words.auction_start(state.words[account]) != 0
        exposed = _since(watch.exposed, account, below and not clocked, state.now)
        late = exposed - watch.grace - watch.patience
        yield late <= 0, f"account {account:x}: below close-out without a clock for {exposed} s"
        open_for = _since(watch.unresolved, account, below, state.now)
        late = open_for - watch.grace - 2 * watch.duration - 3 * watch.patience
        yield late <= 0, f"account {account:x}: below close-out for {open_for} s and still there"


def prices_guarded(state: State, _mirror: Mirror, watch: Watch) -> Iterator[Check]:
    """A price in use holds the market between lo and hi, which follow it no faster than their
    limits.
    """
    for kind, (price, market) in enumerate(zip(state.quotes, state.market, strict=True)):
        # a word of before may be used as it is while it is fresh: the market has moved on since
        new = price.updated_at == state.now and not price.failed
        held = price.lo <= market <= price.hi if new else price.lo <= price.hi
        yield held, f"kind {kind}: market {market} is outside of {price}"
        yield (price.lo == 0) == price.failed, f"kind {kind}: lo of a failed price in {price}"
        multipliers = price.initial_multiplier, price.maintenance_multiplier
        within = all(BPS <= m <= cap for m, cap in zip(multipliers, MULTIPLIERS, strict=True))
        yield within, f"kind {kind}: multipliers {multipliers}"
    for kind, (was, now) in enumerate(zip(watch.stored, state.stored, strict=False)):
        limits, elapsed = watch.limits[kind], now.updated_at - was.updated_at
        least = margin_math.slew_hi_up(was.hi, 0, limits.slew_down, elapsed)
        most = margin_math.slew_lo_down(was.lo, MAX_PRICE, limits.slew_up, elapsed)
        yield now.hi >= least, f"kind {kind}: hi fell from {was.hi} to {now.hi} in {elapsed} s"
        yield now.lo <= most, f"kind {kind}: lo rose from {was.lo} to {now.lo} in {elapsed} s"
    watch.stored = state.stored


RULES: Mapping[str, Rule] = {
    "collateral sums": collateral_sums,
    "debt sums": debt_sums,
    "masks": masks,
    "levels nested": levels_nested,
    "index": index_rises,
    "events tell all": events_tell_all,
    "equity identity": equity_identity,
    "equity explained": equity_explained,
    "close-out watched": close_out_watched,
    "prices guarded": prices_guarded,
}


def check_all(
    state: State, mirror: Mirror, watch: Watch, rules: Mapping[str, Rule] = RULES
) -> tuple[dict[str, int], list[str]]:
    """Run every rule on one block: comparisons made by rule, and what did not hold."""
    mirror.advance(state.now)
    counts: dict[str, int] = {}
    broken: list[str] = []
    for name, rule in rules.items():
        made = 0
        for held, text in rule(state, mirror, watch):
            made += 1
            if not held:
                broken.append(f"block {state.number}, {name}: {text}")
        counts[name] = made
    return counts, broken


def begin(state: State, mirror: Mirror, watch: Watch) -> None:
    """Remember the equity and the flows that later changes are measured from."""
    mirror.advance(state.now)
    watch.equity = state.equity[0] - state.equity[1]
    watch.flows = money_flows(mirror)
    watch.moves = mirror.moves


def money_flows(mirror: Mirror) -> int:
    """Return all known causes of a change of equity so far, WAD rounded down."""
    return mirror.interest_ray // RAY + mirror.penalties - mirror.struck_off


def _since(table: dict[int, int], account: int, holds: bool, now: int) -> int:
    """Return for how long a condition has held without a break."""
    if not holds:
        table.pop(account, None)
        return 0
    return now - table.setdefault(account, now)
