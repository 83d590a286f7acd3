# SPDX-License-Identifier: MIT
"""Properties of the formulas that the protocol promises, for all inputs inside the packed widths.

Rounding is checked from both sides against fractions: never in the user's favour, never by more
than one unit.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from surety.formulas import Formulas, margin_math

BPS, WAD, RAY = 10_000, 10**18, 10**27

fast = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
prices = st.integers(1, 2**88 - 1) | st.integers(10**14, 10**23)
balances = st.integers(0, 2**128 - 1) | st.integers(0, 10**24)
debts = st.integers(0, 2**104 - 1) | st.integers(10**18, 10**26)
decimals = st.integers(6, 18)


@st.composite
def levels(draw: st.DrawFn) -> dict[str, int]:
    """Draw parameters that the vault would list, with any volatility reading."""
    penalty = draw(st.integers(0, 1_000))
    end_factor = draw(st.integers(6_000, BPS))
    maintenance_ltv = draw(st.integers(2, end_factor * BPS // (BPS + penalty) - 1))
    return {
        "penalty": penalty,
        "start_factor": draw(st.integers(BPS, 11_000)),
        "end_factor": end_factor,
        "initial_ltv": draw(st.integers(1, maintenance_ltv - 1)),
        "maintenance_ltv": maintenance_ltv,
        "close_out_ltv": draw(st.integers(maintenance_ltv + 1, end_factor)),
        "initial_multiplier": draw(st.integers(BPS, 25_000)),
        "maintenance_multiplier": draw(st.integers(BPS, 12_500)),
    }


def capacities(value_lo: int, value_hi: int, kind: dict[str, int], frozen: int = 0) -> list[int]:
    """Return the four capacities of one kind, initial first."""
    keeping = (kind["initial_ltv"], kind["maintenance_ltv"], kind["maintenance_multiplier"])
    return [
        margin_math.initial_capacity(
            value_lo, kind["initial_ltv"], kind["initial_multiplier"], frozen
        ),
        margin_math.target_capacity(value_hi, kind["initial_ltv"]),
        margin_math.maintenance_capacity(value_hi, *keeping),
        margin_math.close_out_capacity(value_hi, kind["close_out_ltv"]),
    ]


# margin: invariants 11, 12 and 15


@fast
@given(balances, decimals, prices, prices, levels(), st.integers(0, 1))
def test_capacities_are_nested(
    balance: int, places: int, one: int, other: int, kind: dict[str, int], frozen: int
) -> None:
    lo, hi = sorted((one, other))
    value_lo = margin_math.value_down(balance, lo, places)
    value_hi = margin_math.value_down(balance, hi, places)
    found = capacities(value_lo, value_hi, kind, frozen)
    assert found == sorted(found)
    assert found[-1] <= value_hi


@fast
@given(st.integers(0, 2**216 - 1), levels())
def test_maintenance_requirement_is_never_above_the_target_requirement(
    value: int, kind: dict[str, int]
) -> None:
    target = margin_math.target_requirement(value, kind["initial_ltv"])
    keeping = (kind["initial_ltv"], kind["maintenance_ltv"], kind["maintenance_multiplier"])
    assert margin_math.maintenance_requirement(value, *keeping) <= target <= value


@fast
@given(
    balances, decimals, prices, levels(), st.integers(0, 10**12), st.integers(0, 10**12), st.data()
)
def test_debt_inside_the_target_is_never_callable(
    balance: int, places: int, hi: int, kind: dict[str, int], opens: int, now: int, data: Any
) -> None:
    value = margin_math.value_down(balance, hi, places)
    _, target, maintenance, close_out = capacities(value, value, kind)
    debt = data.draw(st.integers(0, target) | st.just(target))
    state = margin_math.account_state(debt, target, maintenance, close_out, 1, opens, 7200, now)
    assert state == margin_math.HEALTHY


@pytest.mark.covers("I28")
@fast
@given(st.integers(0, 2**216 - 1) | st.integers(0, 1000), st.integers(0, 1000), levels())
def test_more_collateral_never_lowers_a_capacity_beyond_the_rounding(
    value: int, added: int, kind: dict[str, int]
) -> None:
    before = capacities(value, value, kind)
    after = capacities(value + added, value + added, kind)
    # a requirement that is rounded twice steps by the multiplier: 3 wei at 25_000 bps, 2 at 12_500
    for was, now, slack in zip(before, after, (2, 0, 1, 0), strict=True):
        assert now >= was - slack


@fast
@given(st.integers(0, 2**200), levels())
def test_volatility_only_tightens(value: int, kind: dict[str, int]) -> None:
    calm = {**kind, "initial_multiplier": BPS, "maintenance_multiplier": BPS}
    for tight, loose in zip(
        capacities(value, value, kind), capacities(value, value, calm), strict=True
    ):
        assert tight <= loose


@fast
@given(st.integers(0, 2**216 - 1))
def test_frozen_collateral_opens_nothing(value: int) -> None:
    assert margin_math.initial_capacity(value, 8_000, BPS, 1) == 0


@fast
@given(st.integers(0, 2**216 - 1) | st.integers(0, 10**6), levels(), st.integers(0, 1))
def test_requirements_are_what_the_capacities_leave(
    value: int, kind: dict[str, int], frozen: int
) -> None:
    """Section 5, written out: rounded up, twice where volatility counts."""

    def ceil(a: int, b: int) -> int:
        return -(-a // b)

    initial_ltv, maintenance_ltv = kind["initial_ltv"], kind["maintenance_ltv"]
    initial_by, maintenance_by = kind["initial_multiplier"], kind["maintenance_multiplier"]
    target = ceil(value * (BPS - initial_ltv), BPS)
    initial = value if frozen else min(value, ceil(target * initial_by, BPS))
    base = ceil(value * (BPS - maintenance_ltv), BPS)
    maintenance = min(target, ceil(base * maintenance_by, BPS))
    close_out = ceil(value * (BPS - kind["close_out_ltv"]), BPS)
    wanted = [initial, target, maintenance, close_out]
    keeping = (initial_ltv, maintenance_ltv, maintenance_by)
    assert wanted == [
        margin_math.initial_requirement(value, initial_ltv, initial_by, frozen),
        margin_math.target_requirement(value, initial_ltv),
        margin_math.maintenance_requirement(value, *keeping),
        margin_math.close_out_requirement(value, kind["close_out_ltv"]),
    ]
    assert capacities(value, value, kind, frozen) == [value - amount for amount in wanted]
    assert margin_math.maintenance_capacity_from(
        value, value - target, maintenance_ltv, maintenance_by
    ) == margin_math.maintenance_capacity(value, *keeping)


@fast
@given(
    st.integers(0, 2**256 - 1) | st.integers(0, 9), st.integers(0, 2**256 - 1) | st.integers(0, 9)
)
def test_less_never_reverts(a: int, b: int) -> None:
    assert margin_math.less(a, b) == max(0, a - b)


# states: the table of section 7


@fast
@given(st.integers(0, 40), st.integers(1, 20), st.integers(0, 99))
def test_phase_is_where_the_clock_stands(opens: int, duration: int, now: int) -> None:
    closes = opens + duration
    rows = [
        (opens == 0, "IDLE"),
        (now < opens, "GRACE"),
        (now <= closes, "RUNNING"),
        (now <= closes + duration, "RIPE"),
        (True, "OVER"),
    ]
    expected = next(name for holds, name in rows if holds)
    assert margin_math.auction_phase(opens, duration, now) == getattr(margin_math, expected)


@fast
@given(
    st.integers(0, 60),
    st.lists(st.integers(0, 50), min_size=3, max_size=3).map(sorted),
    st.integers(0, 3),
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(0, 99),
)
def test_state_is_that_of_the_table(
    debt: int, limits: list[int], mask: int, opens: int, duration: int, now: int
) -> None:
    target, maintenance, close_out = limits
    closes = opens + duration
    rows = [
        (debt == 0 and mask == 0, "EMPTY"),
        (debt <= target, "HEALTHY"),
        (debt <= maintenance, "AT_RISK"),
        (opens == 0, "CALLABLE"),
        (now < opens, "CALLED"),
        (opens <= now <= closes, "IN_AUCTION"),
        (debt > close_out and closes < now <= closes + duration, "ABSORBABLE"),
        (True, "CALLABLE"),
    ]
    expected = next(name for holds, name in rows if holds)
    state = margin_math.account_state(
        debt, target, maintenance, close_out, mask, opens, duration, now
    )
    assert state == getattr(margin_math, expected)


@fast
@given(
    st.integers(0, 2**40), st.integers(1, 2**22), st.integers(0, 2**40), st.integers(0, 2**24 - 1)
)
def test_an_auction_never_opens_before_takes_are_resumed(
    start: int, duration: int, resumes: int, pause: int
) -> None:
    opens = margin_math.opens_at(start, duration, resumes, pause)
    run_out = start + 2 * duration < resumes - pause  # when the pause began
    assert opens == (0 if start == 0 else start if run_out else max(start, resumes))


# debt and interest


@pytest.mark.covers("I13", "I14", "I15")
@fast
@given(debts, st.integers(RAY, 2**128 - 1))
def test_borrowing_and_repaying_round_for_the_protocol(amount: int, index: int) -> None:
    added = margin_math.borrowed_up(amount, index)
    assert amount <= margin_math.debt_up(added, index)
    assert (
        margin_math.repaid_down(amount, index)
        <= added
        <= margin_math.repaid_down(amount, index) + 1
    )
    removed = margin_math.repaid_down(amount, index)
    assert margin_math.total_debt_down(removed, index) <= amount


@fast
@given(debts, debts, st.integers(0, 10**24))
def test_repayment_leaves_nothing_or_the_floor(amount: int, debt: int, floor: int) -> None:
    taken = margin_math.repayment(amount, debt, floor)
    assert taken <= min(amount, debt)
    left = debt - taken
    if amount >= debt:
        assert left == 0
    elif debt >= floor:
        assert left >= floor
        assert taken == amount or left == floor
    else:
        assert taken == 0


@fast
@given(st.integers(RAY, 2**128 - 1), st.integers(0, 2**88 - 1), st.integers(0, 2**40 - 1))
def test_index_never_falls_and_saturates(index: int, rate: int, elapsed: int) -> None:
    after = margin_math.index_up(index, rate, elapsed)
    assert index <= after <= margin_math.MAX_INDEX
    with localcontext(prec=90):
        x = Decimal(min(rate * elapsed, 20 * RAY)) / RAY
        exact = index * x.exp()
        assert after <= exact + 1
        # what the third-order series of steps of at most 1e-3 leaves out, and 45 roundings
        short = exact * x * Decimal("5e-11") + index * x.exp() * 45 * 2**15 / RAY
        assert after >= min(margin_math.MAX_INDEX, exact - short)


@fast
@given(debts, st.integers(0, 10**22))
def test_tip_is_at_most_a_400th_of_the_debt(debt: int, tip: int) -> None:
    paid = margin_math.call_tip_down(tip, debt)
    assert paid <= tip
    assert paid * 400 <= debt


# the auction


@fast
@given(levels(), st.integers(1, 10**6), st.data())
def test_factor_falls_from_start_to_end(kind: dict[str, int], duration: int, data: Any) -> None:
    bounds = (kind["start_factor"], kind["end_factor"])
    earlier, later = sorted(data.draw(st.tuples(*[st.integers(0, duration)] * 2)))
    assert margin_math.auction_factor(*bounds, 0, duration) == bounds[0]
    assert margin_math.auction_factor(*bounds, duration, duration) == bounds[1]
    found = margin_math.auction_factor(*bounds, earlier, duration)
    assert bounds[1] <= margin_math.auction_factor(*bounds, later, duration) <= found <= bounds[0]


@fast
@given(st.integers(1, 2**104), st.integers(0, 2**106), st.integers(0, 1_000))
def test_penalty_never_makes_bad_debt(debt: int, sale_value: int, penalty: int) -> None:
    charged = margin_math.effective_penalty_down(penalty, sale_value, debt)
    assert charged <= penalty
    assert charged == 0 or debt * (BPS + charged) <= sale_value * BPS


@st.composite
def takes(draw: st.DrawFn) -> dict[str, int]:
    """Draw a called single-kind account and a take from it."""
    kind = draw(levels())
    places = draw(st.sampled_from((6, 8, 18)))
    hi = draw(st.integers(10**15, 10**23))
    balance = draw(st.integers(1, 10 ** (places + 4)) | st.integers(1, 10**places))
    value = margin_math.value_down(balance, hi, places)
    _, target, maintenance, _ = capacities(value, value, kind)
    debt = draw(st.integers(maintenance + 1, max(maintenance + 1, value * 5 // 4)))
    factor = margin_math.auction_factor(
        kind["start_factor"], kind["end_factor"], draw(st.integers(0, 7200)), 7200
    )
    floor = draw(st.integers(0, debt + debt // 10) | st.just(0) | st.just(debt))
    sale_value = margin_math.sale_value_down(value, factor)
    return {
        **kind,
        "debt": debt,
        "target": target,
        "balance": balance,
        "amount": draw(st.integers(0, balance * 2) | st.just(balance)),
        "hi": hi,
        "decimals": places,
        "factor": factor,
        "penalty": margin_math.effective_penalty_down(kind["penalty"], sale_value, debt),
        "debt_floor": floor,
        "maintenance": maintenance,
    }


def size(case: dict[str, int]) -> tuple[int, int, int]:
    """Size the take, or leave the example when nothing can be sold."""
    sold, cost, repaid = raw_size(case)
    if sold == 0:
        assert repaid == 0
        reject()
    return sold, cost, repaid


def raw_size(case: dict[str, int]) -> tuple[int, int, int]:
    """Size the take, also one that sells nothing."""
    signature = margin_math.functions["take_amounts"]
    sized: tuple[int, int, int]
    sized = margin_math.take_amounts(*(case[name] for name in signature.args))
    return sized


def after(case: dict[str, int], sold: int) -> tuple[int, int]:
    """Return the target and maintenance capacities that are left."""
    value = margin_math.value_down(case["balance"] - sold, case["hi"], case["decimals"])
    _, target, maintenance, _ = capacities(value, value, case)
    return target, maintenance


def unit_cost(case: dict[str, int]) -> int:
    """Return what one base unit of the token costs at most, and the wei that roundings add."""
    price = margin_math.auction_price_up(case["hi"], case["factor"])
    return margin_math.mul_div_up(max(price, case["hi"]), 1, 10 ** case["decimals"]) + 5


@fast
@given(takes())
def test_take_is_inside_its_bounds(case: dict[str, int]) -> None:
    sold, cost, repaid = size(case)
    assert 0 < sold <= min(case["amount"], case["balance"])
    assert 0 <= repaid <= case["debt"]
    exact = Fraction(
        sold * margin_math.auction_price_up(case["hi"], case["factor"]), 10 ** case["decimals"]
    )
    owed = margin_math.mul_div_up(case["debt"], BPS + case["penalty"], BPS)
    if repaid == case["debt"] and cost == owed:
        # clearing: the buyer pays all that is owed for the least amount worth it
        assert exact - unit_cost(case) < cost
    else:
        assert exact <= cost < exact + 1
        assert repaid <= Fraction(cost * BPS, BPS + case["penalty"]) < repaid + 1


@fast
@given(takes())
def test_take_that_sells_nothing_says_why(case: dict[str, int]) -> None:
    sold, cost, repaid = raw_size(case)
    if sold == 0:
        owed = margin_math.mul_div_up(case["debt"], BPS + case["penalty"], BPS)
        most = min(case["amount"], case["balance"])
        assert repaid == 0
        # nothing on offer, or every amount on offer would leave a debt between 0 and the floor
        assert cost == (owed if most else 0)
        if most:
            assert most < case["balance"]
            assert case["debt_floor"] > 0
            price = margin_math.auction_price_up(case["hi"], case["factor"])
            unit = 10 ** case["decimals"]
            # not even all that is on offer clears the debt, and one unit of it leaves dust
            assert margin_math.mul_div_up(owed, unit, price) > most
            one = margin_math.mul_div_up(1, price, unit) * BPS // (BPS + case["penalty"])
            floor = case["debt_floor"]
            assert case["debt"] <= floor or case["debt"] - one < floor


@fast
@given(takes())
def test_take_never_passes_the_target_beyond_one_unit(case: dict[str, int]) -> None:
    sold, _, repaid = size(case)
    left = case["debt"] - repaid
    assume(left > 0)
    assume(sold < case["balance"])
    target, _ = after(case, sold)
    assert left >= target - unit_cost(case)


@fast
@given(takes())
def test_take_leaves_no_dust(case: dict[str, int]) -> None:
    sold, _, repaid = size(case)
    left = case["debt"] - repaid
    assert left == 0 or left >= case["debt_floor"] or sold == case["balance"]


@fast
@given(takes())
def test_take_never_makes_health_worse(case: dict[str, int]) -> None:
    sold, _, repaid = size(case)
    _, maintenance = after(case, sold)
    left = case["debt"] - repaid
    # within one unit of the token, which is what an amount is rounded to
    assert left - maintenance <= case["debt"] - case["maintenance"] + unit_cost(case)


@fast
@given(takes())
def test_take_that_is_not_limited_reaches_the_target(case: dict[str, int]) -> None:
    case = {**case, "amount": case["balance"], "debt_floor": 0}
    sold, _, repaid = size(case)
    assume(sold < case["balance"])
    target, _ = after(case, sold)
    assert case["debt"] - repaid <= target + unit_cost(case)


@fast
@given(debts, st.integers(RAY, 10**30), st.data())
def test_take_never_raises_normalized_debt(normalized: int, index: int, data: Any) -> None:
    debt = margin_math.debt_up(normalized, index)
    repaid = data.draw(st.integers(0, debt))
    left = margin_math.normalized_after_repayment(normalized, debt, repaid, index)
    assert left <= normalized
    assert margin_math.debt_up(left, index) >= debt - repaid


@fast
@given(st.integers(0, 2**104), st.integers(0, 1_000), st.integers(0, 2**230), balances)
def test_absorb_moves_at_most_everything(
    debt: int, penalty: int, weighted: int, balance: int
) -> None:
    share = margin_math.absorbed_share_up(debt, penalty, weighted)
    assert share <= RAY
    moved = margin_math.absorbed_amount_up(balance, share)
    assert Fraction(balance * share, RAY) <= moved < Fraction(balance * share, RAY) + 1
    assert moved <= balance
    shortfall = margin_math.absorb_shortfall(debt, weighted)
    assert shortfall == max(0, debt - weighted // BPS)


# rounding from both sides


@pytest.mark.covers("I15")
@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("div_up", lambda a, b, c: Fraction(a, b)),
        ("mul_div_down", lambda a, b, c: Fraction(a * b, c)),
        ("mul_div_up", lambda a, b, c: Fraction(a * b, c)),
        ("value_down", lambda a, b, c: Fraction(a * b, 10 ** (c % 19))),
        ("amount_up", lambda a, b, c: Fraction(a * 10 ** (c % 19), b)),
        ("debt_up", lambda a, b, c: Fraction(a * b, RAY)),
        ("borrowed_up", lambda a, b, c: Fraction(a * RAY, b)),
        ("repaid_down", lambda a, b, c: Fraction(a * RAY, b)),
        ("total_debt_down", lambda a, b, c: Fraction(a * b, RAY)),
        ("auction_price_up", lambda a, b, c: Fraction(a * b, BPS)),
        ("sale_value_down", lambda a, b, c: Fraction(a * b, BPS)),
        ("health_factor_down", lambda a, b, c: Fraction(b * WAD, a)),
        ("collateral_ratio_down", lambda a, b, c: Fraction(b * WAD, a)),
        ("loan_to_value_up", lambda a, b, c: Fraction(a * WAD, b)),
    ],
)
def test_rounding_is_less_than_one_unit_to_the_named_side(name: str, exact: Any) -> None:
    signature = margin_math.functions[name]
    sizes = st.integers(1, 2**90) | st.integers(1, 100)

    @settings(fast, max_examples=150)
    @given(sizes, sizes, sizes)
    def check(a: int, b: int, c: int) -> None:
        args = [
            c % 19 if argument == "decimals" else value
            for argument, value in zip(signature.args, (a, b, c), strict=False)
        ]
        if "decimals" in signature.args:
            args[signature.args.index("decimals")] = c % 19
        found = getattr(margin_math, name)(*args)
        wanted = exact(a, b, c)
        if name.endswith("_up"):
            assert wanted <= found < wanted + 1
        else:
            assert wanted - 1 < found <= wanted

    check()


@fast
@given(st.integers(1, 2**104), st.integers(0, 2**130))
def test_ratios_at_their_ends(debt: int, value: int) -> None:
    most = 2**256 - 1
    assert margin_math.margin_ratio_down(0, value) == most
    assert margin_math.leverage_up(0, value) == WAD
    assert margin_math.loan_to_value_up(debt, 0) == most
    if value <= debt:
        assert margin_math.margin_ratio_down(debt, value) == 0
        assert margin_math.leverage_up(debt, value) == most
    else:
        ratio = Fraction((value - debt) * WAD, value)
        assert ratio - 1 < margin_math.margin_ratio_down(debt, value) <= ratio
        multiple = Fraction(value * WAD, value - debt)
        assert multiple <= margin_math.leverage_up(debt, value) < multiple + 1


@fast
@given(st.integers(1, 10**28), st.integers(1, 10**26), decimals, levels(), st.integers(0, 10**20))
def test_no_call_at_or_above_the_liquidation_price(
    debt: int, balance: int, places: int, kind: dict[str, int], above: int
) -> None:
    keeping = (kind["initial_ltv"], kind["maintenance_ltv"], kind["maintenance_multiplier"])
    price = margin_math.liquidation_price_up(debt, balance, places, *keeping)
    assume(price < 2**88 - above)
    value = margin_math.value_down(balance, price + above, places)
    assert debt <= margin_math.maintenance_capacity(value, *keeping) + 3


@fast
@given(debts, st.integers(0, 2**130), st.data())
def test_callable_accounts_read_below_one(debt: int, value: int, data: Any) -> None:
    maintenance = data.draw(st.integers(0, value))
    health = margin_math.health_factor_down(debt, maintenance)
    ratio = margin_math.margin_to_liquidation_ratio_down(debt, value, maintenance)
    assert (health >= WAD) == (debt <= maintenance)
    if debt and maintenance < value:
        assert (ratio >= WAD) == (debt <= maintenance)


# prices: invariants 29 and 32


@fast
@given(prices, prices, prices, st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, 10**6))
def test_lo_and_hi_enclose_the_price_and_move_by_at_most_the_slew(
    lo: int, hi: int, price: int, down: int, up: int, elapsed: int
) -> None:
    new_lo = margin_math.slew_lo_down(lo, price, up, elapsed)
    new_hi = margin_math.slew_hi_up(hi, price, down, elapsed)
    assert new_lo <= price <= new_hi
    seconds = min(elapsed, 120)
    assert new_lo <= lo * (1 + Fraction(up * seconds, 10**9)) or new_lo == price
    assert new_hi >= hi * max(Fraction(0), 1 - Fraction(down * seconds, 10**9))


@fast
@given(st.integers(0, 2**119), prices, prices, st.integers(1, 1000))
def test_variance_stays_between_the_old_one_and_the_sample(
    variance: int, last: int, price: int, samples: int
) -> None:
    found = margin_math.variance_down(variance, last, price, samples)
    step = min(abs(price - last) * WAD // last, WAD // 2)
    fresh = step * step // samples
    assert min(variance, fresh) - 1 <= found <= max(variance, fresh)
    weight = margin_math.decay_down(samples)
    exact = Fraction(97, 100) ** min(samples, 24) * WAD
    assert exact - 24 < weight <= exact


@fast
@given(
    st.integers(BPS, 25_000),
    st.integers(0, 60_000),
    st.integers(BPS, 25_000),
    st.integers(0, 5_000),
    st.integers(1, 100),
)
def test_multiplier_moves_towards_its_goal_by_its_steps(
    multiplier: int, goal: int, cap: int, step_up: int, samples: int
) -> None:
    goal = max(BPS, goal)
    found = margin_math.next_multiplier(multiplier, goal, cap, step_up, samples)
    bound = min(goal, cap)
    assert min(multiplier, bound) <= found <= max(multiplier, bound)
    assert found - multiplier <= step_up * min(samples, 4)
    assert multiplier - found <= 250 * min(samples, 24)
    assert found >= BPS


@fast
@given(st.integers(0, 2**120), st.integers(1, 2**60))
def test_volatility_multiplier_is_never_below_one(variance: int, sigma_ref: int) -> None:
    found = margin_math.volatility_multiplier_up(variance, sigma_ref)
    assert found >= BPS
    assert found == BPS or (found - 1) ** 2 * sigma_ref**2 < (BPS**2) * variance


# widths: no intermediate product leaves 256 bits


@pytest.mark.covers("N06")
def test_no_formula_of_an_account_overflows_at_the_packed_widths(formulas: Formulas) -> None:
    balance, price, debt, index = 2**128 - 1, 2**88 - 1, 2**104 - 1, 2**128 - 1
    for places in range(6, 19):
        value = formulas.value_down(balance, price, places)
        for capacity in (
            formulas.initial_capacity(value, 1, 25_000, 0),
            formulas.maintenance_capacity(value, 1, 2, 12_500),
            formulas.target_capacity(value, 1),
            formulas.close_out_capacity(value, 3),
        ):
            assert capacity < value
        sale = formulas.sale_value_down(value, 11_000)
        assert formulas.effective_penalty_down(1_000, 8 * sale, debt) == 1_000
        sold, cost, repaid = formulas.take_amounts(
            debt, 0, balance, balance, price, places, 11_000, 9_000, 0, 0
        )
        assert sold <= balance
        assert (cost, repaid) == (debt, debt)
        share = formulas.absorbed_share_up(debt, 1_000, 8 * value * BPS)
        assert formulas.absorbed_amount_up(balance, share) <= balance
    assert formulas.debt_up(debt, index) < 2**143
    assert formulas.total_debt_down(2**112 - 1, index) < 2**151
    assert formulas.index_up(index, 2**88 - 1, 2**40 - 1) == index
    assert formulas.slew_hi_up(price, 1, 10**9, 10**6) >= 1
    assert formulas.variance_down(2**120 - 1, 1, price, 1) <= 2**120 - 1


# tiered margin: brackets and scale of docs/margin-models.md

Brackets = tuple[int, ...]  # three bounds, of which the last may be 0, and four rates
values = st.integers(0, 2**196) | st.integers(10**18, 10**26) | st.integers(0, 300)


@st.composite
def brackets(draw: st.DrawFn) -> Brackets:
    """Draw convex brackets as a model would store them, close to the values or anywhere."""
    size = draw(st.sampled_from((40, 120, 10**26, 2**100 - 1)))
    bounds = draw(st.lists(st.integers(1, size), max_size=3, unique=True).map(sorted))
    count = len(bounds) + 1
    rates = draw(st.lists(st.integers(0, BPS), min_size=count, max_size=count).map(sorted))
    return (*bounds, *(0 for _ in range(3 - len(bounds))), *rates, *(0 for _ in range(4 - count)))


def integral(value: int, tiers: Brackets) -> Fraction:
    """Integrate the marginal reductions from 0 to `value`, bracket by bracket."""
    bounds = [0, *(bound for bound in tiers[:3] if bound)]
    ends = [*bounds[1:], max(value, bounds[-1])]
    total = sum(
        rate * (min(value, end) - start)
        for start, end, rate in zip(bounds, ends, tiers[3:], strict=False)
        if value > start
    )
    return Fraction(total, BPS)


def surcharge(capacity: int, value: int, tiers: Brackets) -> int:
    """Return what the brackets take off one capacity."""
    found: int = margin_math.tier_surcharge_up(
        capacity, value, *margin_math.bracket_line(value, *tiers)
    )
    return found


def kept(value: int, kind: dict[str, int], tiers: Brackets, share: int = 0) -> list[int]:
    """Return the four capacities of one kind after the model, initial first."""
    linear = capacities(value, value, kind)
    left = [capacity - surcharge(capacity, value, tiers) for capacity in linear]
    off = margin_math.scaled_surcharge_up(linear[0], linear[0] - left[0], share)
    return [linear[0] - off, *left[1:]]


@fast
@given(st.integers(0, 2**197 - 1), st.integers(0, 2**114 - 1), st.integers(1, 2**197 - 1))
def test_wide_quotient_is_exact(a: int, b: int, c: int) -> None:
    assert margin_math.mul_div_wide_down(min(a, c), b, c) == min(a, c) * b // c


@fast
@given(values, brackets())
def test_line_is_the_integral_of_the_marginal_reductions(value: int, tiers: Brackets) -> None:
    rate, offset = margin_math.bracket_line(value, *tiers)
    assert Fraction(rate * value - offset, BPS) == integral(value, tiers)


@fast
@given(brackets(), st.integers(0, 2))
def test_brackets_meet_at_their_bounds(tiers: Brackets, at: int) -> None:
    bound = tiers[at]
    assume(bound != 0)
    rate, offset = margin_math.bracket_line(bound, *tiers)
    flatter, before = margin_math.bracket_line(bound - 1, *tiers)
    assert rate == tiers[4 + at]  # at the bound the steeper one counts
    assert flatter == tiers[3 + at]
    assert rate * bound - offset == flatter * bound - before


@fast
@given(values, values, brackets())
def test_marginal_reduction_and_average_never_fall(value: int, added: int, tiers: Brackets) -> None:
    below, above = (margin_math.bracket_line(at, *tiers)[0] for at in (value, value + added))
    assert below <= above
    assert integral(value, tiers) * (value + added) <= integral(value + added, tiers) * value


@fast
@given(values, st.integers(0, BPS), brackets())
def test_surcharge_is_exact_and_rounded_up_once(value: int, ratio: int, tiers: Brackets) -> None:
    capacity = value * ratio // BPS
    found = surcharge(capacity, value, tiers)
    exact = capacity * integral(value, tiers) / value if value else Fraction(0)
    assert exact <= found < exact + 1
    assert found <= capacity


@pytest.mark.covers("I29")
@fast
@given(values, levels(), brackets(), st.integers(0, WAD))
def test_capacities_stay_nested_and_only_fall(
    value: int, kind: dict[str, int], tiers: Brackets, share: int
) -> None:
    found = kept(value, kind, tiers, share)
    assert found == sorted(found)
    for after, before in zip(found, capacities(value, value, kind), strict=True):
        assert 0 <= after <= before


@fast
@given(values, values, levels(), brackets(), st.integers(0, WAD))
def test_tiered_capacity_never_falls_beyond_the_rounding(
    value: int, added: int, kind: dict[str, int], tiers: Brackets, share: int
) -> None:
    before = kept(value, kind, tiers, share)
    after = kept(value + added, kind, tiers, share)
    for was, now, slack in zip(before, after, (5, 1, 3, 1), strict=True):
        assert now >= was - slack


@fast
@given(
    st.integers(1, 10**12), st.integers(0, 10**12), prices, prices, levels(), brackets(), st.data()
)
def test_initial_capacity_never_falls_beyond_the_rounding__with_two_prices(
    balance: int,
    added: int,
    one: int,
    other: int,
    kind: dict[str, int],
    tiers: Brackets,
    data: Any,
) -> None:
    lo, hi = sorted((one, other))
    share = data.draw(st.integers(0, WAD))

    def initial(amount: int) -> int:
        value_lo, value_hi = (margin_math.value_down(amount, price, 6) for price in (lo, hi))
        capacity = capacities(value_lo, value_hi, kind)[0]
        off = surcharge(capacity, value_hi, tiers)
        left: int = capacity - margin_math.scaled_surcharge_up(capacity, off, share)
        return left

    assert initial(balance + added) >= initial(balance) - 7


@pytest.mark.covers("I29")
@fast
@given(values, values, levels(), brackets(), st.integers(0, WAD))
def test_requirements_are_superadditive_up_to_the_rounding(
    one: int, other: int, kind: dict[str, int], tiers: Brackets, share: int
) -> None:
    together = kept(one + other, kind, tiers, share)
    apart = zip(kept(one, kind, tiers, share), kept(other, kind, tiers, share), strict=True)
    # H = v - capacity: H(a + b) >= H(a) + H(b) is capacity(a + b) <= capacity(a) + capacity(b)
    for whole, parts, slack in zip(together, apart, (7, 2, 4, 2), strict=True):
        assert whole <= sum(parts) + slack


@fast
@given(values, values, st.integers(0, BPS), brackets())
def test_the_brackets_alone_miss_superadditivity_by_a_wei_at_most(
    one: int, other: int, ratio: int, tiers: Brackets
) -> None:
    parts = [value * ratio // BPS for value in (one, other)]  # these add up or more
    apart = surcharge(parts[0], one, tiers) + surcharge(parts[1], other, tiers)
    assert surcharge((one + other) * ratio // BPS, one + other, tiers) >= apart - 1


@pytest.mark.parametrize(
    ("level", "miss", "one", "other", "tiers", "kind"),
    [
        ("target", 2, 39, 3, (2, 59, 65, 0, 3_017, 7_082, BPS), (4_785, 8_530, 9_429, BPS, BPS)),
        ("close-out", 2, 38, 3, (2, 59, 65, 0, 3_017, 7_082, BPS), (4_785, 8_530, 9_429, BPS, BPS)),
        (
            "maintenance",
            4,
            75,
            10,
            (87, 96, 108, 192, 4_528, 4_581, 9_931),
            (1_524, 3_998, 5_155, BPS, 11_536),
        ),
    ],
)
def test_superadditivity_is_missed_by_exactly_this_where_it_is_worst(
    level: str, miss: int, one: int, other: int, tiers: Brackets, kind: tuple[int, ...]
) -> None:
    names = (
        "initial_ltv", "maintenance_ltv", "close_out_ltv",
        "initial_multiplier", "maintenance_multiplier",
    )  # fmt: skip
    at = ("initial", "target", "maintenance", "close-out").index(level)
    whole, *parts = (
        kept(value, dict(zip(names, kind, strict=True)), tiers)[at]
        for value in (one + other, one, other)
    )
    assert whole - sum(parts) == miss


@fast
@given(values, st.integers(0, BPS), st.integers(1, BPS - 1), brackets())
def test_a_sale_loses_at_least_the_steepest_slope(
    value: int, part: int, initial_ltv: int, tiers: Brackets
) -> None:
    sold = value * part // BPS
    rate, _ = margin_math.bracket_line(value, *tiers)
    left = [
        linear - surcharge(linear, at, tiers)
        for at in (value, value - sold)
        for linear in (margin_math.target_capacity(at, initial_ltv),)
    ]
    sized_by = Fraction(sold * initial_ltv * (BPS - rate), BPS * BPS)
    assert left[0] - left[1] > sized_by - 2


@fast
@given(
    st.integers(0, 2**128 - 1),
    st.lists(st.integers(0, 2**120 - 1), min_size=2, max_size=2, unique=True).map(sorted),
    st.integers(0, BPS),
)
def test_scale_runs_from_nothing_to_all(deposited: int, ends: list[int], scale_bps: int) -> None:
    lo, hi = ends
    assert margin_math.scale_share_up(lo, lo, hi, scale_bps) == 0
    for full in (hi, hi + 1, 2**128 - 1):
        assert margin_math.scale_share_up(full, lo, hi, scale_bps) == scale_bps * WAD // BPS
    inside = min(max(deposited, lo), hi)
    exact = Fraction(scale_bps * WAD * (inside - lo), BPS * (hi - lo))
    found = margin_math.scale_share_up(deposited, lo, hi, scale_bps)
    assert exact <= found < exact + 1
    assert found <= margin_math.scale_share_up(deposited + 1, lo, hi, scale_bps)


@fast
@given(values, st.data())
def test_scale_never_takes_more_than_what_is_left(capacity: int, data: Any) -> None:
    off = data.draw(st.integers(0, capacity))
    share = data.draw(st.integers(0, WAD))
    found = margin_math.scaled_surcharge_up(capacity, off, share)
    exact = off + Fraction((capacity - off) * share, WAD)
    assert exact <= found < exact + 1
    assert off <= found <= capacity
    assert margin_math.scaled_surcharge_up(capacity, off, WAD) == capacity


def test_no_formula_of_a_tier_overflows_at_the_packed_widths(formulas: Formulas) -> None:
    value = formulas.value_down(2**128 - 1, 2**88 - 1, 6)
    bound = (2**40 - 1) * WAD
    line = formulas.bracket_line(value, bound - 2 * WAD, bound - WAD, bound, 0, 0, 0, BPS)
    assert line == (BPS, BPS * bound)
    off = formulas.tier_surcharge_up(value, value, *line)
    assert off == value - bound
    share = formulas.scale_share_up(2**128 - 1, 2**120 - 2, 2**120 - 1, BPS)
    assert share == WAD
    assert formulas.scaled_surcharge_up(value, off, share - 1) == value - bound // WAD
