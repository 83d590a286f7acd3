# SPDX-License-Identifier: MIT
"""Interest over any time, in one step or a step a second: the same within 1e-9, and never a revert.

Nobody can poke an index for a hundred years in a test. But a step of a second multiplies it by
1 + g, g the growth of a second, and rounds up by less than one unit: n of them end between
index * (1 + g)**n and index * (1 + g + 1 / index)**n. These two bounds stand for the pokes here,
and a day of real pokes stands for the bounds.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surety.formulas import margin_math

RAY = 10**27
YEAR = 365 * 86_400
MAX_RATE = RAY // YEAR + 1  # 100 % a year, of contracts/modules/interest.vy
LARGEST_INDEX = margin_math.MAX_INDEX
LARGEST_STEP = margin_math.MAX_GROWTH_RAY  # of rate * elapsed
PRECISION = 90
CLOSE = Decimal("1e-9")

RATES = st.one_of(st.integers(0, MAX_RATE), st.sampled_from((0, 1, MAX_RATE // 20, MAX_RATE)))
TIMES = st.one_of(
    st.integers(1, 100 * YEAR),
    st.sampled_from((1, 12, 3_599, 3_600, 86_400, YEAR, 20 * YEAR, 100 * YEAR)),
)
INDICES = st.one_of(st.integers(RAY, 10**6 * RAY), st.integers(RAY, LARGEST_INDEX), st.just(RAY))
many = settings(max_examples=500)


def poked(index: int, rate: int, seconds: int) -> tuple[Decimal, Decimal]:
    """Return the least and the most that poking once a second can make of an index."""
    growth = margin_math.index_up(RAY, rate, 1) - RAY  # exact: at RAY there is nothing to round
    step = 1 + Decimal(growth) / RAY
    least = index * step**seconds
    most = index * (step + Decimal(1) / index) ** seconds
    return min(least, Decimal(LARGEST_INDEX)), min(most, Decimal(LARGEST_INDEX))


@pytest.mark.covers("N13", "I17")
@many
@given(INDICES, RATES, TIMES)
@example(RAY, MAX_RATE, 20 * YEAR - YEAR // 1_000)
@example(RAY, MAX_RATE // 5, 100 * YEAR)
@example(RAY, MAX_RATE // 20, 100 * YEAR)
@example(RAY, 1, 100 * YEAR)
@example(LARGEST_INDEX, MAX_RATE, 100 * YEAR)
@example(LARGEST_INDEX - 1, 1, 1)
def test_one_step_is_as_good_as_a_step_a_second(index: int, rate: int, elapsed: int) -> None:
    """Up to LARGEST_STEP, which takes 20 idle years at the highest rate, 400 at 5 % a year.

    A book idle for longer charges less than one that was poked, and stays where that took it.
    """
    once = margin_math.index_up(index, rate, elapsed)
    with localcontext(prec=PRECISION):
        least, most = poked(index, rate, elapsed)
        assert once <= most * (1 + CLOSE)
        if rate * elapsed <= LARGEST_STEP or once == LARGEST_INDEX:
            assert once >= least * (1 - CLOSE)
        else:
            assert once == margin_math.index_up(index, 1, LARGEST_STEP)


@pytest.mark.parametrize("index", [RAY, 3 * RAY + 1, LARGEST_INDEX - 10**30])
@pytest.mark.parametrize("rate", [0, 1, MAX_RATE // 20, MAX_RATE])
def test_the_bounds_of_poking_once_a_second_hold(index: int, rate: int) -> None:
    seconds, found = 86_400, index
    for _ in range(seconds):
        found = margin_math.index_up(found, rate, 1)
    with localcontext(prec=PRECISION):
        least, most = poked(index, rate, seconds)
        # of the bounds themselves the last of 90 digits is rounded
        assert least * (1 - Decimal("1e-60")) <= found <= most * (1 + Decimal("1e-60"))


@many
@given(INDICES, RATES, st.lists(TIMES, min_size=2, max_size=12))
def test_any_split_of_a_time_is_as_good_as_the_whole(
    index: int, rate: int, parts: list[int]
) -> None:
    found = index
    for part in parts:
        found = margin_math.index_up(found, rate, part)
    whole = margin_math.index_up(index, rate, sum(parts))
    if rate * sum(parts) <= LARGEST_STEP:
        assert abs(found - whole) * 10**9 <= whole
    else:
        assert found >= whole * (10**9 - 1) // 10**9


@pytest.mark.covers("N08", "I19")
@many
@given(
    INDICES,
    st.integers(0, 2**66 - 1) | st.sampled_from((MAX_RATE, 2**66 - 1)),
    st.integers(0, 2**40 - 1) | st.sampled_from((100 * YEAR, 2**40 - 1)),
)
def test_no_time_and_no_rate_makes_it_revert(ask, index: int, rate: int, elapsed: int) -> None:
    """Whatever fits the fields of the word, 34,000 years among it: the EVM's answer is a number."""
    found = ask("index_up", (index, rate, elapsed))
    assert found == margin_math.index_up(index, rate, elapsed)
    assert index <= found <= LARGEST_INDEX
    for debt in (1, 2**104 - 1):
        assert ask("debt_up", (debt, found)) < 2**143  # what reads it cannot overflow either
    assert ask("total_debt_down", (2**112 - 1, found)) < 2**151


@many
@given(RATES, TIMES, TIMES)
def test_more_time_and_a_higher_rate_never_charge_less(rate: int, some: int, more: int) -> None:
    """Up to what the halvings round off: they change their number at some times."""
    some, more = sorted((some, more))
    shorter = margin_math.index_up(RAY, rate, some)
    assert margin_math.index_up(RAY, rate, more) * 10**9 >= shorter * (10**9 - 1)
    assert margin_math.index_up(RAY, rate + 1, some) * 10**9 >= shorter * (10**9 - 1)


@many
@given(INDICES.filter(lambda index: index < LARGEST_INDEX), st.integers(1, MAX_RATE), TIMES)
def test_whatever_is_owed_grows__however_short_the_time(
    index: int, rate: int, elapsed: int
) -> None:
    """The growth is rounded up: no poking in every second rounds interest away."""
    assert margin_math.index_up(index, rate, elapsed) > index
