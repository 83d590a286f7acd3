# SPDX-License-Identifier: MIT
"""Every division of the formulas one above and one below a whole number, worked out by hand.

What rounds up must do so for a rest of one, and not for none; what rounds down must not for the
largest rest. Random numbers hardly ever meet either.
"""

from __future__ import annotations

import pytest

from surety.formulas import Formulas, Revert

BPS, WAD, RAY = 10_000, 10**18, 10**27
MAX = 2**256 - 1

# formula, arguments, what it gives; in groups of rest 0, rest 1 and the largest rest
CASES = [
    ("div_up", (20, 10), 2),
    ("div_up", (21, 10), 3),
    ("div_up", (29, 10), 3),
    ("div_up", (0, 10), 0),
    ("mul_div_down", (20, 3, 10), 6),
    ("mul_div_down", (23, 3, 10), 6),
    ("mul_div_up", (20, 3, 10), 6),
    ("mul_div_up", (7, 3, 10), 3),
    ("mul_div_up", (1, 1, 10), 1),
    ("less", (5, 5), 0),
    ("less", (5, 4), 1),
    ("less", (4, 5), 0),
    ("value_down", (10**6, 3, 6), 3),
    ("value_down", (10**6 - 1, 3, 6), 2),
    ("amount_up", (3, 3, 6), 10**6),
    ("amount_up", (1, 3, 0), 1),
    ("amount_up", (4, 3, 0), 2),
    # a value of 1 at 80 % leaves a requirement of 1: the capacity is rounded down twice over
    ("target_capacity", (10, 8_000), 8),
    ("target_capacity", (9, 8_000), 7),
    # 10_001 at 80 %: 2_001 are required, times 1.25 are 2_502
    ("initial_capacity", (10_000, 8_000, 10_000, 0), 8_000),
    ("initial_capacity", (10_001, 8_000, 12_500, 0), 7_499),
    ("initial_capacity", (10_000, 8_000, 60_000, 0), 0),
    ("initial_capacity", (10_000, 8_000, 10_000, 1), 0),
    # at 85 %: 1_501 are required, times 1.25 are 1_877, and never more than at the target
    ("maintenance_capacity", (10_000, 8_000, 8_500, 10_000), 8_500),
    ("maintenance_capacity", (10_001, 8_000, 8_500, 12_500), 8_124),
    ("maintenance_capacity", (10_000, 8_000, 8_500, 20_000), 8_000),
    ("close_out_capacity", (10, 9_000), 9),
    ("close_out_capacity", (9, 9_000), 8),
    ("debt_up", (1, RAY), 1),
    ("debt_up", (1, RAY + 1), 2),
    ("debt_up", (1, 2 * RAY - 1), 2),
    ("debt_up", (1, 2 * RAY), 2),
    ("borrowed_up", (2, 2 * RAY), 1),
    ("borrowed_up", (1, 2 * RAY), 1),
    ("borrowed_up", (3, 2 * RAY), 2),
    ("repaid_down", (4, 2 * RAY), 2),
    ("repaid_down", (3, 2 * RAY), 1),
    ("total_debt_down", (1, RAY), 1),
    ("total_debt_down", (1, 2 * RAY - 1), 1),
    # a floor of 10: all, or a part that leaves it, or down to it
    ("repayment", (100, 100, 10), 100),
    ("repayment", (101, 100, 10), 100),
    ("repayment", (90, 100, 10), 90),
    ("repayment", (91, 100, 10), 90),
    ("repayment", (99, 100, 10), 90),
    ("repayment", (5, 10, 10), 0),
    ("repayment", (5, 11, 10), 1),
    ("repayment", (0, 100, 10), 0),
    # an hour at 10**18 a second: x = 3.6e21, x**2 / 2 = 6.48e15, x**3 / 6 = 7_776_000_000
    (
        "index_up",
        (RAY, 10**18, 3_600),
        RAY + 3_600 * 10**18 + 6_480_000_000_000_000 + 7_776_000_000,
    ),
    ("index_up", (RAY, 0, 10**9), RAY),
    ("index_up", (RAY, 10**18, 0), RAY),
    ("index_up", (RAY + 1, 1, 1), RAY + 3),  # 1 + 1e-27 more, rounded up
    ("index_up", (2**128 - 1, 10**27, 1), 2**128 - 1),
    # a clock of 100, auctions of 10, takes resume at 200 after a pause of 30
    ("opens_at", (0, 10, 200, 30), 0),
    ("opens_at", (200, 10, 200, 30), 200),
    ("opens_at", (199, 10, 200, 30), 200),
    ("opens_at", (150, 10, 200, 30), 200),
    ("opens_at", (149, 10, 200, 30), 149),
    ("auction_phase", (0, 10, 5), 0),
    ("auction_phase", (100, 10, 99), 1),
    ("auction_phase", (100, 10, 100), 2),
    ("auction_phase", (100, 10, 110), 2),
    ("auction_phase", (100, 10, 111), 3),
    ("auction_phase", (100, 10, 120), 3),
    ("auction_phase", (100, 10, 121), 4),
    # debt, target 100, maintenance 110, close-out 120, a mask, opens 100, duration 10, now
    ("account_state", (0, 0, 0, 0, 0, 0, 10, 5), 0),
    ("account_state", (0, 100, 110, 120, 1, 0, 10, 5), 1),
    ("account_state", (1, 100, 110, 120, 0, 0, 10, 5), 1),
    ("account_state", (100, 100, 110, 120, 1, 0, 10, 5), 1),
    ("account_state", (101, 100, 110, 120, 1, 0, 10, 5), 2),
    ("account_state", (110, 100, 110, 120, 1, 0, 10, 5), 2),
    ("account_state", (111, 100, 110, 120, 1, 0, 10, 5), 3),
    ("account_state", (111, 100, 110, 120, 1, 100, 10, 99), 4),
    ("account_state", (111, 100, 110, 120, 1, 100, 10, 100), 5),
    ("account_state", (120, 100, 110, 120, 1, 100, 10, 111), 3),
    ("account_state", (121, 100, 110, 120, 1, 100, 10, 111), 6),
    ("account_state", (121, 100, 110, 120, 1, 100, 10, 121), 3),
    ("call_tip_down", (10, 4_000), 10),
    ("call_tip_down", (10, 3_999), 9),
    ("call_tip_down", (10, 4_400), 10),
    ("auction_factor", (10_500, 7_500, 0, 3_600), 10_500),
    ("auction_factor", (10_500, 7_500, 1, 3_600), 10_500),
    ("auction_factor", (10_500, 7_500, 2, 3_600), 10_499),
    ("auction_factor", (10_500, 7_500, 3_600, 3_600), 7_500),
    ("auction_price_up", (10_000, 9_999), 9_999),
    ("auction_price_up", (1, 1), 1),
    ("auction_price_up", (10_001, 1), 2),
    ("sale_value_down", (10_000, 9_999), 9_999),
    ("sale_value_down", (9_999, 1), 0),
    ("effective_penalty_down", (500, 100, 100), 0),
    ("effective_penalty_down", (500, 101, 100), 100),
    ("effective_penalty_down", (500, 106, 100), 500),
    ("effective_penalty_down", (500, 10_399, 10_100), 296),
    ("effective_penalty_down", (500, 99, 100), 0),
    # sold at par, half of what is sold counts: twice what is missing
    ("value_to_target_up", (100, 80, 10_000, 5_000, 0, 1_000), 40),
    ("value_to_target_up", (100, 80, 9_999, 5_000, 0, 1_000), 41),
    ("value_to_target_up", (100, 100, 9_999, 5_000, 0, 1_000), 0),
    ("value_to_target_up", (100, 80, 5_000, 5_000, 0, 1_000), 1_000),
    ("value_to_target_up", (100, 80, 5_001, 5_000, 0, 10**6), 200_000),
    # debt 100, target 50, tokens of 1 decimal at 7: 72 (71.4) bring 51 (50.4)
    ("take_amounts", (100, 50, 100, 80, 7, 1, 10_000, 0, 0, 10), (72, 51, 51)),
    # a floor of 60: all of the debt where there is enough, else what brings 40 at most
    ("take_amounts", (100, 50, 200, 200, 7, 1, 10_000, 0, 0, 60), (143, 100, 100)),
    ("take_amounts", (100, 50, 100, 80, 7, 1, 10_000, 0, 0, 60), (57, 40, 40)),
    ("take_amounts", (50, 40, 100, 3, 7, 1, 10_000, 0, 0, 60), (0, 50, 0)),
    ("take_amounts", (10, 0, 100, 80, 7, 1, 10_000, 0, 0, 5), (15, 10, 10)),
    ("take_amounts", (100, 50, 100, 0, 7, 1, 10_000, 0, 0, 10), (0, 0, 0)),
    ("absorbed_share_up", (100, 0, 100 * BPS), RAY),
    ("absorbed_share_up", (100, 0, 200 * BPS), RAY // 2),
    ("absorbed_share_up", (1, 0, 3 * BPS), RAY // 3 + 1),
    ("absorbed_share_up", (101, 0, 100 * BPS), RAY),
    ("absorbed_amount_up", (10, RAY), 10),
    ("absorbed_amount_up", (10, 1), 1),
    ("absorb_shortfall", (10, 9 * BPS), 1),
    ("absorb_shortfall", (10, 10 * BPS - 1), 1),
    ("absorb_shortfall", (10, 10 * BPS), 0),
    ("absorb_shortfall", (10, 11 * BPS), 0),
    ("normalized_after_repayment", (10, 20, 20, 2 * RAY), 0),
    ("normalized_after_repayment", (10, 20, 1, 2 * RAY), 10),
    ("normalized_after_repayment", (10, 20, 3, 2 * RAY), 9),
    ("health_factor_down", (0, 5), MAX),
    ("health_factor_down", (3, 2), 666_666_666_666_666_666),
    ("margin_ratio_down", (0, 5), MAX),
    ("margin_ratio_down", (1, 3), 666_666_666_666_666_666),
    ("margin_ratio_down", (3, 3), 0),
    ("margin_to_liquidation_ratio_down", (0, 5, 4), MAX),
    ("margin_to_liquidation_ratio_down", (3, 5, 5), MAX),
    ("margin_to_liquidation_ratio_down", (3, 5, 2), 666_666_666_666_666_666),
    ("margin_to_liquidation_ratio_down", (5, 5, 2), 0),
    ("collateral_ratio_down", (0, 5), MAX),
    ("collateral_ratio_down", (3, 2), 666_666_666_666_666_666),
    ("loan_to_value_up", (0, 0), 0),
    ("loan_to_value_up", (1, 0), MAX),
    ("loan_to_value_up", (2, 3), 666_666_666_666_666_667),
    ("leverage_up", (0, 0), WAD),
    ("leverage_up", (3, 3), MAX),
    ("leverage_up", (1, 4), 1_333_333_333_333_333_334),
    # 85 % count, or what the multiplier leaves of them, but never less than 80 %
    ("liquidation_price_up", (0, 5, 0, 8_000, 8_500, 10_000), 0),
    ("liquidation_price_up", (5, 0, 0, 8_000, 8_500, 10_000), MAX),
    ("liquidation_price_up", (17, 20, 0, 8_000, 8_500, 10_000), 1),
    ("liquidation_price_up", (1, 1, 0, 8_000, 8_500, 10_000), 2),
    ("liquidation_price_up", (17, 40, 0, 8_000, 8_500, 10_000), 1),
    ("liquidation_price_up", (8_499, 1, 0, 8_000, 8_500, 10_001), 10_000),
    ("liquidation_price_up", (8_000, 1, 0, 8_000, 8_500, 20_000), 10_000),
    ("liquidation_price_up", (17, 20, 1, 8_000, 8_500, 10_000), 10),
    # half a percent a second is 5_000_000 of 10**9; at most 120 seconds of it count
    ("slew_hi_up", (1_000, 0, 5_000_000, 1), 995),
    ("slew_hi_up", (1_001, 0, 5_000_000, 1), 996),
    ("slew_hi_up", (1_000, 996, 5_000_000, 1), 996),
    ("slew_hi_up", (1_000, 0, 5_000_000, 120), 400),
    ("slew_hi_up", (1_000, 0, 5_000_000, 121), 400),
    ("slew_hi_up", (1_000, 0, 10**9, 1), 0),
    ("slew_lo_down", (1_000, 9_999, 5_000_000, 1), 1_005),
    ("slew_lo_down", (1_001, 9_999, 5_000_000, 1), 1_006),
    ("slew_lo_down", (1_000, 1_004, 5_000_000, 1), 1_004),
    ("slew_lo_down", (1_000, 9_999, 5_000_000, 121), 1_600),
    ("mul_div_wide_down", (7, 3, 10), 2),
    # by two limbs: 5 and 37 thirty-seconds are 0 and 1
    ("mul_div_wide_down", (2**190, 3 * 2**100 + 5, 2**195), 3 * 2**95),
    ("mul_div_wide_down", (2**190, 3 * 2**100 + 37, 2**195), 3 * 2**95 + 1),
    ("mul_div_wide_down", (2**142, 2**60, 2**150), 2**52),
    ("tier_surcharge_up", (10_001, 20_000, 100, 0), 101),
    ("tier_surcharge_up", (100, 200, 200, 5_000), 2),  # 20_000 less 2_500
    ("tier_surcharge_up", (100, 200, 200, 20_000), 1),
    ("scale_share_up", (100, 100, 200, 5_000), 0),
    ("scale_share_up", (150, 100, 200, 5_000), WAD // 4),
    ("scale_share_up", (101, 100, 103, 5_000), 166_666_666_666_666_667),
    ("scale_share_up", (250, 100, 200, 5_000), WAD // 2),
    ("scale_share_up", (1, 0, 0, 0), 0),
    ("scaled_surcharge_up", (100, 20, WAD // 4), 40),
    ("scaled_surcharge_up", (101, 20, WAD // 4), 41),
    # a step of 100; the penalty of 5 % holds maintenance at 9_100 / 1.05, and initial below it
    (
        "next_levels",
        (8_000, 8_400, 8_900, 10_500, 9_000, 8_500, 8_700, 9_200, 10_400, 9_300, 500, 100),
        (8_100, 8_500, 9_000, 10_400, 9_100),
    ),
    (
        "next_levels",
        (8_580, 8_600, 8_900, 10_500, 9_000, 8_840, 8_850, 9_200, 10_400, 9_300, 500, 100),
        (8_665, 8_666, 9_000, 10_400, 9_100),
    ),
    (
        "next_levels",
        (8_500, 8_700, 9_000, 10_500, 9_300, 8_000, 8_100, 8_500, 10_500, 9_000, 500, 100),
        (8_400, 8_600, 8_900, 10_500, 9_200),
    ),
    ("toward", (10, 20, 3), 13),
    ("toward", (10, 12, 3), 12),
    ("toward", (20, 10, 3), 17),
    ("toward", (12, 10, 3), 10),
    ("toward", (10, 10, 3), 10),
    ("faded_up", (10, 20, 0, 3), 10),
    ("faded_up", (10, 20, 1, 3), 14),
    ("faded_up", (20, 11, 1, 3), 17),
    ("bracket_line", (50, 0, 0, 0, 100, 200, 300, 400), (100, 0)),
    ("bracket_line", (49, 50, 0, 0, 100, 200, 300, 400), (100, 0)),
    ("bracket_line", (50, 50, 0, 0, 100, 200, 300, 400), (200, 5_000)),
    ("bracket_line", (100, 50, 0, 0, 100, 200, 300, 400), (200, 5_000)),
    ("bracket_line", (99, 50, 100, 0, 100, 200, 350, 400), (200, 5_000)),
    ("bracket_line", (100, 50, 100, 0, 100, 200, 350, 400), (350, 20_000)),
    ("bracket_line", (150, 50, 100, 150, 100, 200, 350, 400), (400, 27_500)),
    ("bracket_line", (149, 50, 100, 150, 100, 200, 350, 400), (350, 20_000)),
]


@pytest.mark.parametrize(
    ("name", "args", "expected"), CASES, ids=[f"{name}{args}" for name, args, _ in CASES]
)
def test_edge(
    formulas: Formulas, name: str, args: tuple[int, ...], expected: int | tuple[int, ...]
) -> None:
    assert getattr(formulas, name)(*args) == expected


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("mul_div_down", (2**128, 2**128, 1)),
        ("mul_div_up", (2**128, 2**128, 1)),
        ("mul_div_up", (1, 1, 0)),
        ("div_up", (1, 0)),
        ("value_down", (2**128, 2**128, 6)),
        ("debt_up", (2**200, 2**200)),
    ],
)
def test_what_leaves_256_bits_or_divides_by_nothing_reverts(
    formulas: Formulas, name: str, args: tuple[int, ...]
) -> None:
    with pytest.raises(Revert):
        getattr(formulas, name)(*args)
