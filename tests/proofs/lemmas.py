# SPDX-License-Identifier: MIT
"""What every formula of margin_math.vy promises, as lemmas over all integers of its domain.

A lemma is named `<function>__<what it promises>`. `m` are the formulas, the other arguments
unknowns of the domain given beside them. Roundings are two-sided: never to the wrong side, never
by more than one unit. `flips` are roundings (or bounds) turned around in the source: each must
break the lemma.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surety.formulas import MAX_UINT256
from tests.proofs.symbolic import (
    Domain,
    Lemma,
    Value,
    assume,
    both,
    cancel,
    cut,
    denied,
    either,
    larger,
    names_of,
    root_down,
    smaller,
    times,
)

BPS, WAD, RAY = 10_000, 10**18, 10**27

# the packed widths and the bounds that listing asserts (protocol.md sections 4 and 5)
WORD: Domain = (0, MAX_UINT256)
POSITIVE: Domain = (1, MAX_UINT256)
BALANCE: Domain = (0, 2**128 - 1)
PRICE: Domain = (1, 2**88 - 1)
DEBT: Domain = (0, 2**104 - 1)
OWED: Domain = (0, 2**143)  # a debt whose index has grown to its limit
BOOK: Domain = (0, 2**112 - 1)
INDEX: Domain = (RAY, 2**128 - 1)
VALUE: Domain = (0, 2**216 - 1)  # a balance at a price
CAPACITY: Domain = (0, 2**216 - 1)
RATIO: Domain = (0, BPS)
PENALTY: Domain = (0, 2_000)
FACTOR: Domain = (1, 11_000)
INITIAL_MULTIPLIER: Domain = (BPS, 25_000)
MAINTENANCE_MULTIPLIER: Domain = (BPS, 12_500)
DECIMALS: Domain = (0, 18)
TIME: Domain = (0, 2**40 - 1)
SECONDS: Domain = (1, 2**24 - 1)
SHARE: Domain = (0, WAD)

LEMMAS: list[Lemma] = []


def lemma(
    *functions: str, flips: tuple[tuple[str, ...], ...], total: bool = False, **domains: Domain
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lemma about `functions`; `total` also proves that none of its calls reverts.

    A flip is (text, other text) in the first function, or (function, text, other text).
    """

    def register(says: Callable[..., Any]) -> Callable[..., Any]:
        assert names_of(says) == list(domains), says.__name__
        full = tuple((functions[0], *flip) if len(flip) == 2 else flip for flip in flips)
        LEMMAS.append(
            Lemma(
                says.__name__, functions, says, domains, full, total, (says.__doc__ or "").strip()
            )
        )
        return says

    return register


def is_up(quotient: Value, above: Value, below: Value) -> Any:
    """Say that quotient = ceil(above / below), from both sides."""
    return both(quotient * below >= above, quotient * below < above + below)


def is_down(quotient: Value, above: Value, below: Value) -> Any:
    """Say that quotient = floor(above / below), from both sides."""
    return both(quotient * below <= above, quotient * below > above - below)


# the four helpers


@lemma("div_up", flips=(("a + b - 1", "a"), ("a + b - 1", "a + b")), a=WORD, b=WORD)
def div_up__is_the_ceiling(m, a, b):
    """Quotient * b is at least a, and less than one b above it."""
    return is_up(m.div_up(a, b), a, b)


@lemma("div_up", flips=(("a + b - 1", "a * b - 1"),), total=True, a=WORD, b=POSITIVE)
def div_up__reverts_only_beyond_256_bits(m, a, b):
    """With b above 0 and a + b inside 256 bits nothing reverts."""
    assume(a + b <= MAX_UINT256)
    return is_up(m.div_up(a, b), a, b)


@lemma("mul_div_down", flips=(("a * b // c", "(a * b + c - 1) // c"),), a=WORD, b=WORD, c=WORD)
def mul_div_down__is_the_floor(m, a, b, c):
    """Quotient * c is at most a * b, and less than one c below it."""
    return is_down(m.mul_div_down(a, b, c), a * b, c)


@lemma(
    "mul_div_up",
    flips=(("self.div_up(a * b, c)", "a * b // c"), ("div_up", "a + b - 1", "a")),
    a=WORD,
    b=WORD,
    c=WORD,
)
def mul_div_up__is_the_ceiling(m, a, b, c):
    """Quotient * c is at least a * b, and less than one c above it."""
    return is_up(m.mul_div_up(a, b, c), a * b, c)


@lemma("less", flips=(("a > b", "a >= b - 1"), ("else 0", "else 1")), total=True, a=WORD, b=WORD)
def less__is_the_difference_or_nothing(m, a, b):
    """max(0, a - b), without a wrap and without a revert."""
    return m.less(a, b) == larger(a - b, 0)


# value


@lemma(
    "value_down",
    flips=(
        ("amount * price // 10**decimals", "(amount * price + 10**decimals - 1) // 10**decimals"),
    ),
    total=True,
    amount=BALANCE,
    price=PRICE,
    decimals=DECIMALS,
)
def value_down__is_the_floor(m, amount, price, decimals):
    """floor(amount * price / 10**decimals); never reverts inside the packed widths."""
    return is_down(m.value_down(amount, price, decimals), amount * price, 10**decimals)


@lemma(
    "value_down",
    flips=(
        ("amount * price // 10**decimals", "(amount * price + 10**decimals - 1) // 10**decimals"),
    ),
    one=BALANCE,
    other=BALANCE,
    price=PRICE,
    decimals=DECIMALS,
)
def value_down__of_parts_is_never_more_than_of_the_whole(m, one, other, price, decimals):
    """Splitting an amount gains nothing, and loses less than one unit."""
    parts = m.value_down(one, price, decimals) + m.value_down(other, price, decimals)
    whole = m.value_down(one + other, price, decimals)
    return both(parts <= whole, whole <= parts + 1)


@lemma(
    "amount_up",
    "value_down",
    flips=(("self.mul_div_up(worth, 10**decimals, price)", "worth * 10**decimals // price"),),
    worth=CAPACITY,
    price=PRICE,
    decimals=DECIMALS,
)
def amount_up__is_the_smallest_amount_worth_it(m, worth, price, decimals):
    """The amount is worth at least `worth`; one base unit less is not."""
    amount = m.amount_up(worth, price, decimals)
    if amount == 0:
        return worth == 0
    return [
        m.value_down(amount, price, decimals) >= worth,
        (amount - 1) * price < worth * 10**decimals,
    ]


@lemma(
    "value_and_rest",
    flips=(("* 10 ** (18 - decimals)", "* 10 ** decimals"),),
    total=True,
    amount=BALANCE,
    price=PRICE,
    decimals=(6, 6),
)
def value_and_rest__with_6_decimals_loses_nothing(m, amount, price, decimals):
    """Value and rest together are amount * price exactly, in 1e-18 of a coin unit."""
    return _whole(m, amount, price, decimals)


@lemma(
    "value_and_rest",
    flips=(("worth % unit", "worth % (unit + 1)"),),
    total=True,
    amount=BALANCE,
    price=PRICE,
    decimals=(8, 8),
)
def value_and_rest__with_8_decimals_loses_nothing(m, amount, price, decimals):
    """As with 6."""
    return _whole(m, amount, price, decimals)


@lemma(
    "value_and_rest",
    flips=(("worth // unit,", "(worth + unit - 1) // unit,"),),
    total=True,
    amount=BALANCE,
    price=PRICE,
    decimals=(18, 18),
)
def value_and_rest__with_18_decimals_loses_nothing(m, amount, price, decimals):
    """As with 6."""
    return _whole(m, amount, price, decimals)


def _whole(m, amount, price, decimals):
    value, rest = m.value_and_rest(amount, price, decimals)
    scale = 10 ** (18 - decimals)
    return [
        value * WAD + rest == amount * price * scale,
        rest >= 0,
        rest < WAD,
        value == m.value_down(amount, price, decimals),
    ]


# the four levels


@lemma(
    "target_capacity",
    "target_requirement",
    flips=(
        ("value_hi * initial_ltv // BPS", "(value_hi * initial_ltv + BPS - 1) // BPS"),
        ("target_requirement", "value_hi - self", "value_hi + 1 - self"),
    ),
    total=True,
    value=VALUE,
    ltv=RATIO,
)
def target_capacity__rounds_down_and_its_requirement_up(m, value, ltv):
    """Capacity is the floor of v * x, requirement the ceiling of v * (1 - x); they add up to v."""
    capacity, requirement = m.target_capacity(value, ltv), m.target_requirement(value, ltv)
    return [
        is_down(capacity, value * ltv, BPS),
        is_up(requirement, value * (BPS - ltv), BPS),
        capacity + requirement == value,
    ]


@lemma(
    "close_out_capacity",
    "close_out_requirement",
    flips=(
        ("value_hi * close_out_ltv // BPS", "(value_hi * close_out_ltv + BPS - 1) // BPS"),
        ("close_out_requirement", "value_hi - self", "value_hi + 1 - self"),
    ),
    total=True,
    value=VALUE,
    ltv=RATIO,
)
def close_out_capacity__rounds_down_and_its_requirement_up(m, value, ltv):
    """Capacity is the floor of v * x, requirement the ceiling of v * (1 - x); they add up to v."""
    capacity, requirement = m.close_out_capacity(value, ltv), m.close_out_requirement(value, ltv)
    return [
        is_down(capacity, value * ltv, BPS),
        is_up(requirement, value * (BPS - ltv), BPS),
        capacity + requirement == value,
    ]


@lemma(
    "initial_capacity",
    "initial_requirement",
    flips=(
        ("(base * initial_multiplier + (BPS - 1)) // BPS", "base * initial_multiplier // BPS"),
        ("value_lo - value_lo * initial_ltv // BPS", "value_lo * (BPS - initial_ltv) // BPS"),
        ("initial_requirement", "value_lo - self", "value_lo + 1 - self"),
    ),
    total=True,
    value=VALUE,
    ltv=RATIO,
    multiplier=INITIAL_MULTIPLIER,
)
def initial_capacity__requirement_is_rounded_up_twice(m, value, ltv, multiplier):
    """I = min(v, ceil(ceil(v * (1 - x)) * multiplier)), the capacity is what is left of v."""
    capacity = m.initial_capacity(value, ltv, multiplier, 0)
    requirement = m.initial_requirement(value, ltv, multiplier, 0)
    base = value - value * ltv // BPS
    scaled = (base * multiplier + BPS - 1) // BPS
    return [
        is_up(base, value * (BPS - ltv), BPS),
        is_up(scaled, base * multiplier, BPS),
        requirement == smaller(value, scaled),
        capacity + requirement == value,
    ]


@lemma(
    "initial_capacity",
    "initial_requirement",
    flips=(("frozen != 0", "frozen == 2"),),
    total=True,
    value=VALUE,
    ltv=RATIO,
    multiplier=INITIAL_MULTIPLIER,
    frozen=POSITIVE,
)
def initial_capacity__of_a_frozen_kind_is_nothing(m, value, ltv, multiplier, frozen):
    """A frozen kind supports no new debt whatever it is worth."""
    return [
        m.initial_capacity(value, ltv, multiplier, frozen) == 0,
        m.initial_requirement(value, ltv, multiplier, frozen) == value,
    ]


@lemma(
    "maintenance_capacity_from",
    flips=(
        (
            "(base * maintenance_multiplier + (BPS - 1)) // BPS",
            "base * maintenance_multiplier // BPS",
        ),
        (
            "value_hi - value_hi * maintenance_ltv // BPS",
            "value_hi * (BPS - maintenance_ltv) // BPS",
        ),
        ("max(target, ", "min(target, "),
    ),
    total=True,
    value=VALUE,
    target=VALUE,
    ltv=RATIO,
    multiplier=MAINTENANCE_MULTIPLIER,
)
def maintenance_capacity_from__is_never_under_the_target(m, value, target, ltv, multiplier):
    """The larger of the target and what the scaled requirement, rounded up twice, leaves."""
    assume(target <= value)
    capacity = m.maintenance_capacity_from(value, target, ltv, multiplier)
    base = value - value * ltv // BPS
    scaled = (base * multiplier + BPS - 1) // BPS
    return [
        is_up(base, value * (BPS - ltv), BPS),
        is_up(scaled, base * multiplier, BPS),
        capacity == larger(target, value - smaller(value, scaled)),
        capacity <= value,
    ]


@lemma(
    "maintenance_capacity",
    "maintenance_requirement",
    flips=(
        ("maintenance_requirement", "value_hi - self", "value_hi + 1 - self"),
        ("self.target_capacity(value_hi, initial_ltv)", "0"),
    ),
    total=True,
    value=VALUE,
    initial=RATIO,
    ltv=RATIO,
    multiplier=MAINTENANCE_MULTIPLIER,
)
def maintenance_capacity__is_that_from_the_target(m, value, initial, ltv, multiplier):
    """They add up to v, and M is never above A: no volatility calls whom the target covers."""
    capacity = m.maintenance_capacity(value, initial, ltv, multiplier)
    requirement = m.maintenance_requirement(value, initial, ltv, multiplier)
    target = m.target_capacity(value, initial)
    return [
        capacity == m.maintenance_capacity_from(value, target, ltv, multiplier),
        capacity + requirement == value,
        requirement <= m.target_requirement(value, initial),
        capacity >= target,
    ]


@lemma(
    "maintenance_capacity",
    "initial_capacity",
    "target_capacity",
    "close_out_capacity",
    flips=(
        ("maintenance_capacity_from", "max(target, ", "min(target, "),
        ("initial_capacity", "value_lo, min(value_lo, required)", "value_lo, 0 * required"),
        (
            "close_out_capacity",
            "value_hi * close_out_ltv // BPS",
            "value_hi * close_out_ltv // BPS // 2",
        ),
    ),
    total=True,
    lo=VALUE,
    hi=VALUE,
    initial=RATIO,
    maintenance=RATIO,
    close_out=RATIO,
    up=INITIAL_MULTIPLIER,
    keep=MAINTENANCE_MULTIPLIER,
)
def capacities__are_nested(m, lo, hi, initial, maintenance, close_out, up, keep):
    """Invariant 11: initial <= target <= maintenance <= close-out <= v for all lo <= hi."""
    assume(lo <= hi)
    assume(initial < maintenance)
    assume(maintenance < close_out)
    times(lo, hi, initial)
    times(initial, maintenance, hi)
    times(maintenance, close_out, hi)
    at_initial = m.initial_capacity(lo, initial, up, 0)
    # the multipliers are at least BPS: scaling never lowers a requirement
    base = lo - lo * initial // BPS
    times(BPS, up, base)
    base = hi - hi * maintenance // BPS
    times(BPS, keep, base)
    at_target = m.target_capacity(hi, initial)
    at_maintenance = m.maintenance_capacity(hi, initial, maintenance, keep)
    at_close_out = m.close_out_capacity(hi, close_out)
    return [
        at_initial <= at_target,
        at_target <= at_maintenance,
        at_maintenance <= at_close_out,
        at_close_out <= hi,
    ]


@lemma(
    "target_capacity",
    "close_out_capacity",
    flips=(
        ("value_hi * initial_ltv // BPS", "(2 * BPS * BPS - value_hi) * initial_ltv // BPS"),
        ("close_out_capacity", "// BPS", "% BPS"),
    ),
    value=VALUE,
    added=VALUE,
    initial=RATIO,
    close_out=RATIO,
)
def capacities__at_target_and_close_out_never_fall_with_value(m, value, added, initial, close_out):
    """Invariant 15: more collateral never lowers a capacity."""
    times(0, added, initial)
    times(0, added, close_out)
    return [
        m.target_capacity(value, initial) <= m.target_capacity(value + added, initial),
        m.close_out_capacity(value, close_out) <= m.close_out_capacity(value + added, close_out),
    ]


# debt and interest


@lemma(
    "debt_up",
    flips=(("(normalized_debt * index + (RAY - 1)) // RAY", "normalized_debt * index // RAY"),),
    total=True,
    normalized=DEBT,
    index=INDEX,
)
def debt_up__is_the_ceiling(m, normalized, index):
    """ceil(n * index / RAY), and at least n: an index never starts below RAY."""
    debt = m.debt_up(normalized, index)
    times(RAY, index, normalized)
    return [is_up(debt, normalized * index, RAY), debt >= normalized]


@lemma(
    "debt_up",
    flips=(("(normalized_debt * index +", "(normalized_debt * (2 * MAX_INDEX - index) +"),),
    normalized=DEBT,
    more=DEBT,
    index=INDEX,
    later=INDEX,
)
def debt_up__never_falls_with_debt_or_index(m, normalized, more, index, later):
    """A larger or older debt owes at least as much."""
    assume(normalized <= more)
    assume(index <= later)
    times(normalized, more, index)
    times(index, later, more)
    return m.debt_up(normalized, index) <= m.debt_up(more, later)


@lemma(
    "borrowed_up",
    flips=(("self.mul_div_up(amount, RAY, index)", "amount * RAY // index"),),
    total=True,
    amount=OWED,
    index=INDEX,
)
def borrowed_up__is_the_ceiling(m, amount, index):
    """ceil(amount * RAY / index)."""
    return is_up(m.borrowed_up(amount, index), amount * RAY, index)


@lemma(
    "repaid_down",
    flips=(("amount * RAY // index", "(amount * RAY + index - 1) // index"),),
    total=True,
    amount=OWED,
    index=INDEX,
)
def repaid_down__is_the_floor(m, amount, index):
    """floor(amount * RAY / index)."""
    return is_down(m.repaid_down(amount, index), amount * RAY, index)


@lemma(
    "borrowed_up",
    "debt_up",
    flips=(("self.mul_div_up(amount, RAY, index)", "amount * RAY // index"),),
    amount=OWED,
    index=INDEX,
)
def borrowed_up__owes_at_least_what_was_borrowed(m, amount, index):
    """What is borrowed is owed, and at most one normalized unit and one coin unit more."""
    owed = m.debt_up(m.borrowed_up(amount, index), index)
    return [owed >= amount, owed * RAY < (amount + 1) * RAY + index]


@lemma(
    "borrowed_up",
    "repaid_down",
    "debt_up",
    flips=(
        ("self.mul_div_up(amount, RAY, index)", "amount * RAY // (index + 1)"),
        ("repaid_down", "amount * RAY // index", "(amount * RAY + index) // index"),
    ),
    normalized=DEBT,
    amount=OWED,
    index=INDEX,
)
def borrowed_up__and_repaid_at_once_is_no_free_lunch(m, normalized, amount, index):
    """To borrow and repay the same never lowers the debt, nor raises it by more than a unit."""
    added, removed = m.borrowed_up(amount, index), m.repaid_down(amount, index)
    assume(normalized + added >= removed)
    cancel(added - removed, 2, index)
    cancel(removed, added + 1, index)
    times(removed, added, index)
    return [
        added >= removed,
        added <= removed + 1,
        m.debt_up(normalized + added - removed, index) >= m.debt_up(normalized, index),
    ]


@lemma(
    "repaid_down",
    "debt_up",
    flips=(("amount * RAY // index", "(amount * RAY + index - 1) // index"),),
    normalized=DEBT,
    amount=OWED,
    index=INDEX,
)
def repaid_down__lowers_the_debt_by_at_most_what_was_paid(m, normalized, amount, index):
    """A repayment never strikes off more than it brings."""
    removed = m.repaid_down(amount, index)
    assume(removed <= normalized)
    return m.debt_up(normalized - removed, index) >= m.debt_up(normalized, index) - amount


@lemma(
    "borrowed_up",
    "debt_up",
    flips=(("self.mul_div_up(amount, RAY, index)", "amount * RAY // index"),),
    one=OWED,
    other=OWED,
    index=INDEX,
)
def borrowed_up__in_parts_is_never_cheaper(m, one, other, index):
    """Borrowing in two parts owes at least as much as at once."""
    parts = m.borrowed_up(one, index) + m.borrowed_up(other, index)
    whole = m.borrowed_up(one + other, index)
    return both(parts >= whole, parts <= whole + 1)


@lemma(
    "repaid_down",
    flips=(("amount * RAY // index", "(amount * RAY + index - 1) // index"),),
    one=OWED,
    other=OWED,
    index=INDEX,
)
def repaid_down__in_parts_never_removes_more(m, one, other, index):
    """Repaying in two parts removes at most what repaying at once does."""
    parts = m.repaid_down(one, index) + m.repaid_down(other, index)
    whole = m.repaid_down(one + other, index)
    return both(parts <= whole, whole <= parts + 1)


@lemma(
    "repayment",
    flips=(
        ("debt - amount >= debt_floor", "debt - amount >= 0"),
        ("if amount >= debt:", "if amount > debt:"),
    ),
    total=True,
    amount=WORD,
    debt=WORD,
    floor=WORD,
)
def repayment__leaves_nothing_or_the_floor(m, amount, debt, floor):
    """Never more than offered or owed; leaves 0, the floor or more, or a debt that was under it."""
    taken = m.repayment(amount, debt, floor)
    left = debt - taken
    return [
        taken <= amount,
        taken <= debt,
        either(left == 0, left >= floor, both(taken == 0, debt < floor)),
        either(taken == debt, amount < debt),
        either(taken == amount, left <= floor),
    ]


@lemma(
    "total_debt_down",
    "debt_up",
    flips=(
        ("total_normalized_debt * index // RAY", "(total_normalized_debt * index + RAY) // RAY"),
    ),
    total=True,
    one=(0, 2**103),
    other=(0, 2**103),
    index=INDEX,
)
def total_debt_down__is_never_more_than_the_accounts_owe(m, one, other, index):
    """floor of the whole; the accounts, each rounded up, owe at least that."""
    total = m.total_debt_down(one + other, index)
    return [
        is_down(total, (one + other) * index, RAY),
        total <= m.debt_up(one, index) + m.debt_up(other, index),
    ]


@lemma(
    "index_up",
    flips=(("min(MAX_INDEX, index", "max(MAX_INDEX, index"),),
    total=True,
    index=INDEX,
    rate=(0, 2**88 - 1),
    elapsed=TIME,
)
def index_up__never_falls_saturates_and_never_reverts(m, index, rate, elapsed):
    """Inside the packed widths, for all 16 numbers of halvings; no unsafe step wraps."""
    after = m.index_up(index, rate, elapsed)
    return [after >= index, after <= m.MAX_INDEX]


@lemma(
    "index_up",
    flips=(("(index * growth + (RAY - 1)) // RAY", "index * growth // (RAY + 10**24)"),),
    index=INDEX,
    rate=(0, 2**88 - 1),
    elapsed=TIME,
)
def index_up__charges_at_least_simple_interest(m, index, rate, elapsed):
    """A short step grows by at least rate * elapsed, rounded up: even one second at one wei."""
    assume(rate * elapsed <= m.SERIES_RAY)
    after = m.index_up(index, rate, elapsed)
    times(0, index, rate * elapsed)
    simple = index + (index * (rate * elapsed) + RAY - 1) // RAY
    return either(after == m.MAX_INDEX, after >= simple)


# margin call and state


@lemma(
    "opens_at",
    flips=(
        ("< take_resumes_at else", "<= take_resumes_at else"),
        ("+ 2 * duration", "+ duration"),
    ),
    total=True,
    start=TIME,
    duration=SECONDS,
    resumes=TIME,
    pause=SECONDS,
)
def opens_at__is_delayed_unless_it_had_run_out(m, start, duration, resumes, pause):
    """0 stays 0; a clock that was over when the pause began stays; any other waits for takes."""
    found = m.opens_at(start, duration, resumes, pause)
    if start == 0:
        return found == 0
    ran_out = start + 2 * duration + pause < resumes
    return [
        either(found == start, found == resumes),
        either(ran_out, found == larger(start, resumes)),
        either(denied(ran_out), found == start),
    ]


@lemma(
    "auction_phase",
    flips=(
        ("now < opens:", "now <= opens:"),
        ("now <= opens + duration:", "now < opens + duration:"),
        ("now <= opens + 2 * duration", "now < opens + 2 * duration"),
    ),
    total=True,
    opens=TIME,
    duration=SECONDS,
    now=TIME,
)
def auction_phase__is_where_the_clock_stands(m, opens, duration, now):
    """0 without a clock; else before, inside (both ends), at most one duration after, or over."""
    phase = m.auction_phase(opens, duration, now)
    closes = opens + duration
    return [
        either(phase != 0, opens == 0),
        either(phase != 1, both(opens > 0, now < opens)),
        either(phase != 2, both(opens > 0, opens <= now, now <= closes)),
        either(phase != 3, both(opens > 0, closes < now, now <= closes + duration)),
        either(phase != 4, both(opens > 0, closes + duration < now)),
        phase <= 4,
    ]


@lemma(
    "account_state",
    flips=(
        ("debt <= target", "debt < target"),
        ("debt <= maintenance", "debt < maintenance"),
        ("debt > close_out", "debt >= close_out"),
        ("debt == 0 and", "debt == 0 or"),
    ),
    total=True,
    debt=WORD,
    target=WORD,
    maintenance=WORD,
    close_out=WORD,
    mask=(0, 2**32 - 1),
    opens=TIME,
    duration=SECONDS,
    now=TIME,
)
def account_state__is_that_of_the_table(
    m, debt, target, maintenance, close_out, mask, opens, duration, now
):
    """Section 7, row by row: each state only under its condition."""
    state = m.account_state(debt, target, maintenance, close_out, mask, opens, duration, now)
    closes = opens + duration
    called = both(debt > target, debt > maintenance)
    clock = opens > 0
    ripe = both(clock, closes < now, now <= closes + duration, debt > close_out)
    waiting, running = both(clock, now < opens), both(clock, opens <= now, now <= closes)
    empty = both(debt == 0, mask == 0)
    return [
        either(state != m.EMPTY, empty),
        either(state != m.HEALTHY, both(debt <= target, either(debt > 0, mask > 0))),
        either(state != m.AT_RISK, both(debt > target, debt <= maintenance)),
        either(state != m.CALLED, both(called, waiting)),
        either(state != m.IN_AUCTION, both(called, running)),
        either(state != m.ABSORBABLE, both(called, ripe)),
        either(
            state != m.CALLABLE,
            both(called, denied(waiting), denied(running), denied(ripe)),
        ),
        state <= 6,
    ]


@lemma(
    "call_tip_down",
    flips=(("debt // TIP_DIVISOR", "(debt + TIP_DIVISOR - 1) // TIP_DIVISOR"), ("min(", "max(")),
    total=True,
    tip=WORD,
    debt=WORD,
)
def call_tip_down__is_at_most_a_400th_of_the_debt(m, tip, debt):
    """Invariant 21: the smaller of the tip and the floor of a 400th."""
    paid = m.call_tip_down(tip, debt)
    return [
        paid <= tip,
        paid * 400 <= debt,
        either(paid == tip, paid * 400 > debt - 400),
    ]


# the auction


@lemma(
    "auction_factor",
    flips=(
        (
            "(start_factor - end_factor) * elapsed // duration",
            "((start_factor - end_factor) * elapsed + duration - 1) // duration",
        ),
    ),
    total=True,
    start=FACTOR,
    end=FACTOR,
    elapsed=SECONDS,
    duration=SECONDS,
)
def auction_factor__falls_in_a_line_rounded_up(m, start, end, elapsed, duration):
    """Between end and start; at least the exact line, less than one bps above it."""
    assume(end <= start)
    assume(elapsed <= duration)
    factor = m.auction_factor(start, end, elapsed, duration)
    times(elapsed, duration, start - end)
    times(0, elapsed, start - end)
    exact = start * duration - (start - end) * elapsed  # the line, times the duration
    return [
        factor >= end,
        factor <= start,
        is_up(factor, exact, duration),
    ]


@lemma(
    "auction_factor",
    flips=(("* elapsed // duration", "* (duration - elapsed) // duration"),),
    start=FACTOR,
    end=FACTOR,
    earlier=(0, 2**24 - 1),
    later=(0, 2**24 - 1),
    duration=SECONDS,
)
def auction_factor__never_rises(m, start, end, earlier, later, duration):
    """Later is never dearer, and at the end it is the end factor."""
    assume(end <= start)
    assume(earlier <= later)
    assume(later <= duration)
    times(earlier, later, start - end)
    return [
        m.auction_factor(start, end, later, duration)
        <= m.auction_factor(start, end, earlier, duration),
        m.auction_factor(start, end, 0, duration) == start,
        m.auction_factor(start, end, duration, duration) == end,
    ]


@lemma(
    "auction_price_up",
    flips=(("(hi * factor + (BPS - 1)) // BPS", "hi * factor // BPS"),),
    total=True,
    hi=PRICE,
    factor=FACTOR,
)
def auction_price_up__is_the_ceiling_and_never_nothing(m, hi, factor):
    """ceil(hi * factor / BPS): a price above 0 stays above 0."""
    price = m.auction_price_up(hi, factor)
    times(1, factor, hi)
    return [is_up(price, hi * factor, BPS), price > 0]


@lemma(
    "sale_value_down",
    flips=(("value_hi * factor // BPS", "(value_hi * factor + BPS - 1) // BPS"),),
    total=True,
    value=VALUE,
    factor=FACTOR,
)
def sale_value_down__is_the_floor(m, value, factor):
    """floor(v * factor / BPS)."""
    return is_down(m.sale_value_down(value, factor), value * factor, BPS)


@lemma(
    "effective_penalty_down",
    flips=(
        (
            "unsafe_sub(sale_value, debt) * BPS // debt",
            "(unsafe_sub(sale_value, debt) * BPS + debt - 1) // debt",
        ),
        ("if sale_value > debt", "if sale_value >= debt - 1"),
    ),
    total=True,
    penalty=PENALTY,
    sale=(0, 2**220 - 1),
    debt=(1, 2**143),
)
def effective_penalty_down__never_makes_bad_debt(m, penalty, sale, debt):
    """At most the penalty, and debt with it is covered by the sale; the most that both allow."""
    charged = m.effective_penalty_down(penalty, sale, debt)
    return [
        charged <= penalty,
        either(charged == 0, debt * (BPS + charged) <= sale * BPS),
        either(charged == penalty, debt * (BPS + charged + 1) > sale * BPS),
    ]


@lemma(
    "value_to_target_up",
    flips=(
        ("+ (slope - 1)) // slope", ") // slope"),
        ("BPS + penalty", "BPS"),
    ),
    total=True,
    debt=OWED,
    target=OWED,
    factor=FACTOR,
    ltv=RATIO,
    penalty=PENALTY,
    value=VALUE,
)
def value_to_target_up__sells_enough_and_no_more(m, debt, target, factor, ltv, penalty, value):
    """The least value whose sale pays off what the debt is above the target, or all of it."""
    assume(debt >= target)
    sold = m.value_to_target_up(debt, target, factor, ltv, penalty, value)
    slope = factor * BPS - ltv * (BPS + penalty)
    if slope <= 0:
        return sold == value
    return is_up(sold, (debt - target) * (BPS * (BPS + penalty)), slope)


@lemma(
    "normalized_after_repayment",
    "debt_up",
    flips=(
        ("self.borrowed_up(debt - repaid, index)", "self.repaid_down(debt - repaid, index)"),
        ("return min(", "return max("),
    ),
    normalized=DEBT,
    repaid=OWED,
    index=INDEX,
)
def normalized_after_repayment__never_strikes_off_too_much(m, normalized, repaid, index):
    """Never more normalized debt than before, never less owed than what was not repaid."""
    debt = m.debt_up(normalized, index)
    assume(repaid <= debt)
    left = m.normalized_after_repayment(normalized, debt, repaid, index)
    return [
        left <= normalized,
        m.debt_up(left, index) >= debt - repaid,
        left * index < (debt - repaid) * RAY + index,
    ]


@lemma(
    "absorbed_share_up",
    flips=(
        ("self.mul_div_up(owed, RAY, weighted_value)", "owed * RAY // weighted_value"),
        ("RAY if", "RAY + 1 if"),
    ),
    total=True,
    debt=OWED,
    penalty=PENALTY,
    weighted=(0, 2**233),
)
def absorbed_share_up__covers_the_debt_with_penalty(m, debt, penalty, weighted):
    """ceil(owed * RAY / weighted), at most all."""
    owed = debt * (BPS + penalty)
    share = m.absorbed_share_up(debt, penalty, weighted)
    if owed >= weighted:
        return share == RAY
    return [is_up(share, owed * RAY, weighted), share <= RAY]


@lemma(
    "absorbed_amount_up",
    flips=(("self.mul_div_up(balance, share, RAY)", "balance * share // RAY"),),
    total=True,
    balance=BALANCE,
    share=(0, RAY),
)
def absorbed_amount_up__is_the_ceiling_and_at_most_all(m, balance, share):
    """ceil(balance * share / RAY), never more than there is."""
    amount = m.absorbed_amount_up(balance, share)
    times(share, RAY, balance)
    return [is_up(amount, balance * share, RAY), amount <= balance]


@lemma(
    "absorb_shortfall",
    flips=(
        ("weighted_value // BPS", "(weighted_value + BPS - 1) // BPS"),
        ("else 0", "else 1"),
    ),
    total=True,
    debt=OWED,
    weighted=WORD,
)
def absorb_shortfall__is_never_understated(m, debt, weighted):
    """max(0, debt - floor(weighted / BPS)): at least the exact shortfall, less than one above."""
    shortfall = m.absorb_shortfall(debt, weighted)
    return [
        shortfall * BPS >= debt * BPS - weighted,
        either(shortfall == 0, shortfall * BPS < debt * BPS - weighted + BPS),
        shortfall <= debt,
        shortfall >= 0,
    ]


# views by the field's names


@lemma(
    "health_factor_down",
    flips=(("maintenance * WAD // debt", "(maintenance * WAD + debt - 1) // debt"),),
    total=True,
    debt=(1, 2**143),
    maintenance=(0, 2**195),
)
def health_factor_down__is_below_one_exactly_when_callable(m, debt, maintenance):
    """floor(maintenance * WAD / debt); below WAD if and only if the debt is above it."""
    health = m.health_factor_down(debt, maintenance)
    return [
        is_down(health, maintenance * WAD, debt),
        either(health >= WAD, debt > maintenance),
        either(health < WAD, debt <= maintenance),
    ]


@lemma(
    "margin_ratio_down",
    flips=(
        ("self.mul_div_down(", "self.mul_div_up("),
        ("total_value > debt", "total_value > debt + 1"),
    ),
    total=True,
    debt=(1, 2**143),
    value=(0, 2**195),
)
def margin_ratio_down__is_equity_over_value(m, debt, value):
    """floor((v - D) * WAD / v), 0 without equity, below WAD with debt."""
    ratio = m.margin_ratio_down(debt, value)
    if value <= debt:
        return ratio == 0
    return [is_down(ratio, (value - debt) * WAD, value), ratio < WAD]


@lemma(
    "margin_to_liquidation_ratio_down",
    flips=(("self.mul_div_down(", "self.mul_div_up("),),
    total=True,
    debt=(1, 2**143),
    value=(0, 2**195),
    maintenance=(0, 2**195),
)
def margin_to_liquidation_ratio_down__is_below_one_exactly_when_callable(
    m, debt, value, maintenance
):
    """floor(equity * WAD / requirement); below WAD if and only if the debt is above maintenance."""
    assume(maintenance < value)
    ratio = m.margin_to_liquidation_ratio_down(debt, value, maintenance)
    exact = either(value <= debt, is_down(ratio, (value - debt) * WAD, value - maintenance))
    return [
        exact,
        either(ratio >= WAD, debt > maintenance),
        either(ratio < WAD, debt <= maintenance),
    ]


@lemma(
    "collateral_ratio_down",
    flips=(("self.mul_div_down(", "self.mul_div_up("),),
    total=True,
    debt=(1, 2**143),
    value=(0, 2**195),
)
def collateral_ratio_down__is_the_floor(m, debt, value):
    """floor(v * WAD / D)."""
    return is_down(m.collateral_ratio_down(debt, value), value * WAD, debt)


@lemma(
    "loan_to_value_up",
    flips=(("self.mul_div_up(", "self.mul_div_down("),),
    total=True,
    debt=(1, 2**143),
    value=(1, 2**195),
)
def loan_to_value_up__is_the_ceiling(m, debt, value):
    """ceil(D * WAD / v)."""
    return is_up(m.loan_to_value_up(debt, value), debt * WAD, value)


@lemma(
    "leverage_up",
    flips=(
        ("self.mul_div_up(", "self.mul_div_down("),
        ("total_value > debt", "total_value >= debt + 2"),
    ),
    total=True,
    debt=(1, 2**143),
    value=(0, 2**195),
)
def leverage_up__is_the_ceiling(m, debt, value):
    """ceil(v * WAD / (v - D)), the maximum without equity, above WAD with debt."""
    found = m.leverage_up(debt, value)
    if value <= debt:
        return found == MAX_UINT256
    return [is_up(found, value * WAD, value - debt), found > WAD]


@lemma(
    "health_factor_down",
    "margin_ratio_down",
    "margin_to_liquidation_ratio_down",
    "collateral_ratio_down",
    "loan_to_value_up",
    "leverage_up",
    flips=(
        ("max_value(uint256) if debt == 0", "0 if debt == 0"),
        ("margin_to_liquidation_ratio_down", "debt == 0 or required == 0", "required == 0"),
        ("loan_to_value_up", "return 0", "return 1"),
    ),
    total=True,
    value=(0, 2**195),
    maintenance=(0, 2**195),
)
def ratios__without_debt_are_at_their_ends(m, value, maintenance):
    """The maximum, 0 or one, as the field reads them."""
    assume(maintenance <= value)
    return [
        m.health_factor_down(0, maintenance) == MAX_UINT256,
        m.margin_ratio_down(0, value) == MAX_UINT256,
        m.margin_to_liquidation_ratio_down(0, value, maintenance) == MAX_UINT256,
        m.collateral_ratio_down(0, value) == MAX_UINT256,
        m.loan_to_value_up(0, value) == 0,
        m.leverage_up(0, value) == WAD,
    ]


@lemma(
    "liquidation_price_up",
    flips=(
        (
            "self.mul_div_up(self.mul_div_up(debt, BPS, usable), 10**decimals, balance)",
            "self.mul_div_down(self.mul_div_down(debt, BPS, usable), 10**decimals, balance)",
        ),
    ),
    debt=(1, 2**143),
    balance=(1, 2**128 - 1),
    decimals=DECIMALS,
    initial=RATIO,
    maintenance=RATIO,
    multiplier=MAINTENANCE_MULTIPLIER,
)
def liquidation_price_up__usable_value_covers_the_debt(
    m, debt, balance, decimals, initial, maintenance, multiplier
):
    """At that price the part of the exact value that may be owed is at least the debt."""
    scaled = ((BPS - maintenance) * multiplier + BPS - 1) // BPS
    usable = BPS - smaller(BPS - initial, scaled)
    price = m.liquidation_price_up(debt, balance, decimals, initial, maintenance, multiplier)
    if usable <= 0:
        return price == MAX_UINT256
    needed = (debt * BPS + usable - 1) // usable
    unit = 10**decimals
    return [is_up(price, needed * unit, balance), is_up(needed, debt * BPS, usable)]


# prices


@lemma(
    "slew_hi_up",
    flips=(
        ("self.mul_div_up(hi, ", "self.mul_div_down(hi, "),
        ("max(price, ", "min(price, "),
    ),
    total=True,
    hi=PRICE,
    price=PRICE,
    down=(0, 2**24 - 1),
    elapsed=TIME,
)
def slew_hi_up__falls_at_most_by_the_slew(m, hi, price, down, elapsed):
    """Invariant 29: at least the price; else the old hi let down by the slew, rounded up."""
    found = m.slew_hi_up(hi, price, down, elapsed)
    kept = 10**9 - smaller(10**9, down * smaller(elapsed, 120))
    return [
        found >= price,
        found * 10**9 >= hi * kept,
        either(found == price, is_up(found, hi * kept, 10**9)),
    ]


@lemma(
    "slew_lo_down",
    flips=(
        ("self.mul_div_down(lo, ", "self.mul_div_up(lo, "),
        ("min(price, ", "max(price, "),
    ),
    total=True,
    lo=PRICE,
    price=PRICE,
    up=(0, 2**24 - 1),
    elapsed=TIME,
)
def slew_lo_down__rises_at_most_by_the_slew(m, lo, price, up, elapsed):
    """Invariant 29: at most the price; else the old lo let up by the slew, rounded down."""
    found = m.slew_lo_down(lo, price, up, elapsed)
    grown = 10**9 + up * smaller(elapsed, 120)
    return [
        found <= price,
        found * 10**9 <= lo * grown,
        either(found == price, is_down(found, lo * grown, 10**9)),
    ]


@lemma(
    "volatility_samples",
    flips=(("(now - last_at) // SAMPLE_PERIOD", "(now - last_at + 1) // SAMPLE_PERIOD"),),
    total=True,
    last=TIME,
    now=TIME,
)
def volatility_samples__are_whole_hours(m, last, now):
    """floor((now - last) / 3600)."""
    assume(last <= now)
    return is_down(m.volatility_samples(last, now), now - last, 3_600)


@lemma(
    "decay_down",
    flips=(("self.mul_div_down(", "self.mul_div_up("), ("range(24)", "range(23)")),
    total=True,
    samples=WORD,
)
def decay_down__is_a_power_rounded_down_at_each_step(m, samples):
    """The table of 0.97 ** min(n, 24) in WAD, each entry the floor of 0.97 times the one before."""
    weight = m.decay_down(samples)
    table = [WAD]
    for _ in range(24):
        table.append(table[-1] * 97 // 100)
    rows = [either(samples != n, weight == entry) for n, entry in enumerate(table)]
    return [*rows, either(samples < 24, weight == table[24]), weight <= WAD, weight > 0]


@lemma(
    "variance_down",
    flips=(
        (
            "min(self.mul_div_down(change, WAD, last_price), MAX_RETURN)",
            "self.mul_div_down(change, WAD, last_price)",
        ),
    ),
    total=True,
    variance=(0, 2**119 - 1),
    last=PRICE,
    price=PRICE,
    samples=(1, 24),
)
def variance_down__is_bounded_by_the_old_one_and_a_capped_return(m, variance, last, price, samples):
    """Between 0 and the larger of the old variance and 25 % squared: one print cannot pass it."""
    found = m.variance_down(variance, last, price, samples)
    return [found >= 0, found <= larger(variance, WAD * WAD // 4)]


@lemma(
    "volatility_multiplier_up",
    flips=(("self.mul_div_up(", "self.mul_div_down("), ("max(BPS, ", "min(BPS, ")),
    total=True,
    variance=(0, 2**120 - 1),
    sigma_ref=(1, 2**70),
)
def volatility_multiplier_up__is_the_ceiling_and_at_least_one(m, variance, sigma_ref):
    """max(BPS, ceil(isqrt(variance) * BPS / sigma_ref)), the root from both sides."""
    found = m.volatility_multiplier_up(variance, sigma_ref)
    root = root_down(variance)
    return [
        found >= BPS,
        either(found == BPS, is_up(found, root * BPS, sigma_ref)),
        found * sigma_ref >= root * BPS,
    ]


@lemma(
    "next_multiplier",
    flips=(
        ("min(samples, 4)", "min(samples, 5)"),
        ("min(samples, 24)", "min(samples, 25)"),
        ("= min(goal, cap)", "= max(goal, cap)"),
    ),
    total=True,
    multiplier=INITIAL_MULTIPLIER,
    goal=(BPS, 2**100),
    cap=(BPS, 25_000),
    up=(0, 5_000),
    samples=TIME,
)
def next_multiplier__moves_by_its_steps_and_no_further(m, multiplier, goal, cap, up, samples):
    """Invariant 32: loosens only by samples and its steps, never past min(goal, cap)."""
    found = m.next_multiplier(multiplier, goal, cap, up, samples)
    bound = smaller(goal, cap)
    return [
        found >= smaller(multiplier, bound),
        found <= larger(multiplier, bound),
        found - multiplier <= up * smaller(samples, 4),
        multiplier - found <= 250 * smaller(samples, 24),
        found >= BPS,
        either(samples > 0, found == multiplier),
    ]


# tiered margin


@lemma(
    "mul_div_wide_down",
    flips=(
        ("upper // c * LIMB", "(upper + c - 1) // c * LIMB"),
        ("upper % c * LIMB + lower", "upper % c * LIMB"),
        ("a < 2**142", "a < 2**143"),
    ),
    a=(0, 2**197 - 1),
    b=(0, 2**114),
    c=(1, 2**197 - 1),
)
def mul_div_wide_down__is_the_exact_floor(m, a, b, c):
    """floor(a * b / c) though a * b may leave 256 bits."""
    assume(a <= c)
    return is_down(m.mul_div_wide_down(a, b, c), a * b, c)


@lemma(
    "mul_div_wide_down",
    flips=(("upper // c * LIMB", "upper * LIMB // c"),),
    total=True,
    a=(0, 2**197 - 1),
    b=(0, 2**114 - 1),
    c=(1, 2**197 - 1),
)
def mul_div_wide_down__never_reverts_in_its_domain(m, a, b, c):
    """For a <= c < 2**197 and b < 2**114."""
    assume(a <= c)
    m.mul_div_wide_down(a, b, c)
    return []


@lemma(
    "bracket_line",
    flips=(
        ("(rate1 - rate0) * bound1", "(rate1 - rate0) * bound2"),
        ("offset += (rate2 - rate1)", "offset += (rate2 - rate0)"),
        ("value_hi < bound3", "value_hi <= bound3"),
    ),
    total=True,
    value=(0, 2**197 - 1),
    bound1=(1, 2**100 - 1),
    bound2=(1, 2**100 - 1),
    bound3=(1, 2**100 - 1),
    rate0=RATIO,
    rate1=RATIO,
    rate2=RATIO,
    rate3=RATIO,
)
def bracket_line__is_the_sum_over_the_brackets(
    m, value, bound1, bound2, bound3, rate0, rate1, rate2, rate3
):
    """rate * v - offset is the integral of the marginal reductions, bracket by bracket."""
    assume(bound1 < bound2)
    assume(bound2 < bound3)
    assume(rate0 <= rate1)
    assume(rate1 <= rate2)
    assume(rate2 <= rate3)
    rate, offset = m.bracket_line(value, bound1, bound2, bound3, rate0, rate1, rate2, rate3)
    if value < bound1:
        return [rate == rate0, offset == 0]
    first = rate0 * bound1
    if value < bound2:
        return [rate == rate1, rate * value - offset == first + rate1 * (value - bound1)]
    second = first + rate1 * (bound2 - bound1)
    if value < bound3:
        return [rate == rate2, rate * value - offset == second + rate2 * (value - bound2)]
    third = second + rate2 * (bound3 - bound2)
    return [rate == rate3, rate * value - offset == third + rate3 * (value - bound3)]


@lemma(
    "tier_surcharge_up",
    flips=(
        (
            "self.mul_div_wide_down(capacity, offset, value_hi), BPS)",
            "self.mul_div_wide_down(capacity, offset, value_hi) - 1, BPS)",
        ),
        ("return self.div_up(capacity * rate_bps - ", "return self.div_up(capacity * rate_bps + "),
    ),
    capacity=(0, 2**140),
    value=(1, 2**140),
    rate=RATIO,
    offset=(1, 2**113),
)
def tier_surcharge_up__is_exact_and_rounded_up_once(m, capacity, value, rate, offset):
    """ceil(capacity * (rate * v - offset) / (v * BPS)), at most the capacity."""
    assume(capacity <= value)
    assume(offset <= rate * value)
    found = m.tier_surcharge_up(capacity, value, rate, offset)
    inner = capacity * rate - capacity * offset // value
    times(0, capacity, BPS - rate)
    return [is_up(found, inner, BPS), found <= capacity]


@lemma(
    "tier_surcharge_up",
    flips=(("self.mul_div_up(capacity, rate_bps, BPS)", "capacity * rate_bps // BPS"),),
    total=True,
    capacity=(0, 2**197 - 1),
    value=(0, 2**197 - 1),
    rate=RATIO,
)
def tier_surcharge_up__below_the_first_bound_is_linear(m, capacity, value, rate):
    """ceil(capacity * rate / BPS), at most the capacity."""
    found = m.tier_surcharge_up(capacity, value, rate, 0)
    times(0, capacity, BPS - rate)
    return [is_up(found, capacity * rate, BPS), found <= capacity]


@lemma(
    "scale_share_up",
    flips=(
        ("return self.mul_div_up(", "return self.mul_div_down("),
        ("min(deposited, scale_hi)", "deposited"),
    ),
    total=True,
    deposited=BALANCE,
    lo=BALANCE,
    hi=BALANCE,
    scale=RATIO,
)
def scale_share_up__is_linear_between_its_ends(m, deposited, lo, hi, scale):
    """0 up to lo, rounded up from there, all of the scale from hi on, never above WAD."""
    assume(lo < hi)
    share = m.scale_share_up(deposited, lo, hi, scale)
    if deposited <= lo:
        return share == 0
    beyond = smaller(deposited, hi) - lo
    times(0, beyond, scale)
    times(beyond, hi - lo, scale)
    times(scale, BPS, hi - lo)
    return [
        is_up(share, beyond * scale * WAD, (hi - lo) * BPS),
        share <= WAD,
        either(deposited < hi, share * BPS == scale * WAD),
    ]


@lemma(
    "scaled_surcharge_up",
    flips=(("self.mul_div_up(", "self.mul_div_down("), ("capacity - surcharge,", "capacity,")),
    total=True,
    capacity=(0, 2**195),
    surcharge=(0, 2**195),
    share=SHARE,
)
def scaled_surcharge_up__takes_at_most_the_capacity(m, capacity, surcharge, share):
    """The surcharge and, rounded up, a share of what it leaves."""
    assume(surcharge <= capacity)
    found = m.scaled_surcharge_up(capacity, surcharge, share)
    times(share, WAD, capacity - surcharge)
    return [
        is_up(found - surcharge, (capacity - surcharge) * share, WAD),
        found >= surcharge,
        found <= capacity,
    ]


# previews


@lemma(
    "normalized_down",
    "debt_up",
    flips=(
        ("self.mul_div_down(", "self.mul_div_up("),
        ("debt, RAY, index", "debt, RAY, index + 1"),
    ),
    debt=OWED,
    index=INDEX,
)
def normalized_down__is_the_largest_that_owes_at_most_the_debt(m, debt, index):
    """It owes at most `debt`; one more normalized unit owes more."""
    found = m.normalized_down(debt, index)
    return [m.debt_up(found, index) <= debt, m.debt_up(found + 1, index) > debt]


@lemma(
    "borrowable_down",
    "borrowed_up",
    flips=(("self.mul_div_down(", "self.mul_div_up("), ("index, RAY", "index - 1, RAY")),
    normalized=DEBT,
    index=INDEX,
)
def borrowable_down__is_the_largest_that_adds_at_most_it(m, normalized, index):
    """Borrowing it adds at most `normalized`; one coin unit more adds more."""
    found = m.borrowable_down(normalized, index)
    return [
        m.borrowed_up(found, index) <= normalized,
        m.borrowed_up(found + 1, index) > normalized,
    ]


# governance


@lemma(
    "toward",
    flips=(
        ("level + min(step, goal - level)", "level + step"),
        ("level - min(step,", "level - max(step,"),
    ),
    total=True,
    level=WORD,
    goal=WORD,
    step=WORD,
)
def toward__moves_by_at_most_a_step_and_never_past(m, level, goal, step):
    """Between level and goal, at most one step away, arriving when a step suffices."""
    found = m.toward(level, goal, step)
    return [
        found >= smaller(level, goal),
        found <= larger(level, goal),
        found - level <= step,
        level - found <= step,
        either(found == goal, found - level == step, level - found == step),
    ]


@lemma(
    "faded_up",
    flips=(("self.div_up(former", "self.mul_div_down(1, former"),),
    total=True,
    former=CAPACITY,
    present=CAPACITY,
    elapsed=SECONDS,
    period=SECONDS,
)
def faded_up__is_the_line_rounded_up(m, former, present, elapsed, period):
    """ceil of the straight line, between its ends."""
    assume(elapsed <= period)
    found = m.faded_up(former, present, elapsed, period)
    low, high = smaller(former, present), larger(former, present)
    times(low, former, period - elapsed)
    times(low, present, elapsed)
    times(former, high, period - elapsed)
    times(present, high, elapsed)
    return [
        is_up(found, former * (period - elapsed) + present * elapsed, period),
        found >= low,
        found <= high,
    ]


@lemma(
    "next_levels",
    flips=(
        ("min(maintenance, end * BPS // (BPS + penalty))", "min(maintenance, end)"),
        ("initial = min(initial, maintenance - 1)", "initial = min(initial, maintenance)"),
        ("end * BPS // (BPS + penalty))", "(end * BPS + BPS + penalty - 1) // (BPS + penalty))"),
    ),
    total=True,
    initial=RATIO,
    maintenance=RATIO,
    close_out=RATIO,
    start=FACTOR,
    end=FACTOR,
    initial_goal=RATIO,
    maintenance_goal=RATIO,
    close_out_goal=RATIO,
    start_goal=FACTOR,
    end_goal=FACTOR,
    penalty=PENALTY,
    step=(1, BPS),
)
def next_levels__keep_the_rules_of_listing(
    m, initial, maintenance, close_out, start, end,
    initial_goal, maintenance_goal, close_out_goal, start_goal, end_goal, penalty, step,
):  # fmt: skip
    """Where now and goal keep the rules, so does what comes out; and it moves until it arrives."""
    now = (initial, maintenance, close_out, start, end)
    goal = (initial_goal, maintenance_goal, close_out_goal, start_goal, end_goal)
    for levels in (now, goal):
        for condition in _listable(*levels, penalty):
            assume(condition)
    # the penalty rule is maintenance <= floor(end * BPS / (BPS + penalty)), which grows with end
    grossed = BPS + penalty
    on_the_way = m.toward(end, end_goal, step)
    for ends, level in ((end, maintenance), (end_goal, maintenance_goal)):
        limit = ends * BPS // grossed
        cancel(level, limit + 1, grossed)
        if ends <= on_the_way:
            cancel(limit, on_the_way * BPS // grossed + 1, grossed)
    times(0, step, penalty)
    cancel(maintenance - step, on_the_way * BPS // grossed + 1, grossed)
    found = m.next_levels(*now, *goal, penalty, step)
    moved = either(*[after != before for after, before in zip(found, now, strict=True)])
    arrived = both(*[before == last for before, last in zip(now, goal, strict=True)])
    times(found[1], found[4] * BPS // grossed, grossed)
    return [
        both(
            *_listable(*found, penalty)[:-1],
            *[after - before <= step for after, before in zip(found, now, strict=True)],
            *[before - after <= step for after, before in zip(found, now, strict=True)],
            either(moved, arrived),
        ),
        found[1] * grossed <= found[4] * BPS,
    ]


def _listable(initial, maintenance, close_out, start, end, penalty):
    return [
        initial < maintenance,
        maintenance < close_out,
        close_out <= end,
        end <= BPS,
        start >= BPS,
        maintenance * (BPS + penalty) <= end * BPS,
    ]


# one take

TAKE = {
    "debt": OWED,
    "target": OWED,
    "balance": BALANCE,
    "amount": WORD,
    "hi": PRICE,
    "decimals": DECIMALS,
    "factor": FACTOR,
    "ltv": RATIO,
    "penalty": PENALTY,
    "floor": DEBT,
}


def _cut_back(m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor):
    """Go where a take is cut back to the debt floor; show that it sells less than it would have."""
    price, unit, grossed = m.auction_price_up(hi, factor), 10**decimals, BPS + penalty
    worth = m.value_to_target_up(debt, target, factor, ltv, penalty, balance * hi // unit)
    most = smaller(amount, balance)
    wanted = smaller(most, (worth * unit + (hi - 1)) // hi)
    if wanted == 0:
        return
    cost = (wanted * price + (unit - 1)) // unit
    owed = (debt * grossed + (BPS - 1)) // BPS
    if cost >= owed:
        return
    paid = cost * BPS // grossed
    repaid = smaller(debt, paid)
    if debt - repaid >= floor or repaid == debt or wanted == balance:
        return
    if m.mul_div_up(owed, unit, price) <= most or debt <= floor:
        return
    dearest = ((debt - floor + 1) * grossed - 1) // BPS
    sold = dearest * unit // price
    times(debt - floor + 1, paid, grossed)
    cut("it would have cost more", dearest + 1 <= cost)
    times(dearest + 1, cost, unit)
    cancel(sold, wanted, price)
    if sold == 0:
        return
    final = m.mul_div_up(sold, price, unit)
    cancel(final, dearest + 1, unit)
    left = final * BPS // grossed
    cancel(left, debt - floor + 1, grossed)
    cut("it repays less", left <= debt - floor)


@lemma(
    "take_amounts",
    flips=(
        ("sold: uint256 = min(most, ", "sold: uint256 = max(most, "),
        (
            "return min(sold, self.mul_div_up(owed, unit, price)), owed, debt",
            "return sold, owed + 1, debt",
        ),
    ),
    total=True,
    **TAKE,
)
def take_amounts__stays_inside_its_bounds(
    m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
):
    """Never more than asked for or there, never more coins than owed, and it never reverts."""
    assume(target < debt)
    sold, cost, repaid = m.take_amounts(
        debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
    )
    _cut_back(m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor)
    owed = (debt * (BPS + penalty) + BPS - 1) // BPS
    return [
        sold <= balance,
        sold <= amount,
        repaid <= debt,
        cost <= owed,
        either(sold > 0, both(repaid == 0, either(cost == 0, cost == owed))),
        either(sold > 0, balance > 0, cost == 0),
    ]


@lemma(
    "take_amounts",
    flips=(
        (
            "cost: uint256 = (sold * price + (unit - 1)) // unit",
            "cost: uint256 = sold * price // unit",
        ),
        (
            "cost = self.mul_div_up(sold, price, unit)",
            "cost = self.mul_div_down(sold, price, unit)",
        ),
        (
            "clear: uint256 = self.mul_div_up(owed, unit, price)",
            "clear: uint256 = self.mul_div_up(owed, unit, price) + 1",
        ),
    ),
    **TAKE,
)
def take_amounts__costs_at_least_the_price(
    m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
):
    """A buyer pays the price rounded up; who clears the debt, at most a unit's worth less."""
    assume(target < debt)
    sold, cost, _ = m.take_amounts(
        debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
    )
    price, unit = m.auction_price_up(hi, factor), 10**decimals
    owed = (debt * (BPS + penalty) + BPS - 1) // BPS
    return either(
        sold == 0,
        is_up(cost, sold * price, unit),
        both(cost == owed, (sold - 1) * price < owed * unit),
    )


@lemma(
    "take_amounts",
    flips=(
        (
            "min(debt, cost * BPS // grossed)\n    if debt",
            "min(debt, (cost * BPS + grossed - 1) // grossed)\n    if debt",
        ),
        (
            "owed: uint256 = (debt * grossed + (BPS - 1)) // BPS",
            "owed: uint256 = debt * grossed // BPS",
        ),
        ("repaid: uint256 = min(debt, ", "repaid: uint256 = max(debt, "),
    ),
    **TAKE,
)
def take_amounts__charges_the_penalty(
    m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
):
    """Coins cover the debt repaid and its penalty, and are less than a unit above that."""
    assume(target < debt)
    sold, cost, repaid = m.take_amounts(
        debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
    )
    grossed = BPS + penalty
    return [
        repaid * grossed <= cost * BPS,
        either(sold == 0, repaid == debt, repaid * grossed > cost * BPS - grossed),
    ]


@lemma(
    "take_amounts",
    flips=(
        ("if debt - repaid >= debt_floor or", "if debt - repaid + 1 >= debt_floor or"),
        ("(debt - debt_floor + 1) * grossed", "(debt - debt_floor + 2) * grossed"),
    ),
    **TAKE,
)
def take_amounts__leaves_no_dust(
    m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
):
    """What stays owed is nothing, the floor or more, unless the whole balance is sold."""
    assume(target < debt)
    sold, _, repaid = m.take_amounts(
        debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
    )
    _cut_back(m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor)
    return either(sold == 0, repaid == debt, debt - repaid >= floor, sold == balance)


@lemma(
    "take_amounts",
    "value_to_target_up",
    "target_capacity",
    "auction_price_up",
    flips=(
        ("min(most, (worth * unit + (hi - 1)) // hi)", "most"),
        (
            "min(most, (worth * unit + (hi - 1)) // hi)",
            "min(most, (worth * unit + (hi - 1)) // hi + 64)",
        ),
    ),
    **{
        **TAKE,
        "debt": (1, 2**143),
        "target": (0, 2**143),
        "floor": (0, 0),
        "balance": (1, 2**128 - 1),
    },
)
def take_amounts__never_sells_past_the_target(
    m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
):
    """Invariant 20: what stays owed is not under the target that is left, but for the value of one
    base unit, one wei for each whole token (the price's rounding) and 5 wei.
    """
    assume(target < debt)
    unit, grossed = 10**decimals, BPS + penalty
    before = balance * hi // unit
    assume(target >= m.target_capacity(before, ltv))  # of this kind; the others give the rest
    sold, cost, repaid = m.take_amounts(
        debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor
    )
    _cut_back(m, debt, target, balance, amount, hi, decimals, factor, ltv, penalty, floor)
    if repaid >= debt or sold == 0:
        return []
    cut("repaid as paid", repaid == cost * BPS // grossed)
    repaid = cost * BPS // grossed
    after = (balance - sold) * hi // unit
    left = target - m.target_capacity(before, ltv) + m.target_capacity(after, ltv)
    slope = factor * BPS - ltv * grossed
    price = m.auction_price_up(hi, factor)
    worth = m.value_to_target_up(debt, target, factor, ltv, penalty, before)
    # each step is an inequality that the formulas give, multiplied by a number that is not negative
    times(sold, (worth * unit + (hi - 1)) // hi, hi)
    cut("sold at most what reaches the target", sold * hi <= worth * unit + hi - 1)
    times(price * BPS, hi * factor + BPS - 1, sold)
    times(repaid * grossed, cost * BPS, unit)
    times(sold * hi - unit + 1, (before - after) * unit, ltv)
    freed = m.target_capacity(before, ltv) - m.target_capacity(after, ltv)
    times((before - after) * ltv - BPS + 1, freed * BPS, unit)
    times((sold * hi - unit + 1) * ltv - (BPS - 1) * unit, freed * BPS * unit, grossed)
    slack = sold * BPS * BPS
    if slope > 0:
        slack += hi * slope
        times(sold * hi, worth * unit + hi - 1, slope)
        times(worth * slope, (debt - target) * (BPS * grossed) + slope - 1, unit)
    else:
        times(slope, 0, sold * hi)
    return (debt - repaid - left + 5) * (unit * grossed * BPS) + slack >= 0
