# SPDX-License-Identifier: MIT
"""Parameters that the contracts would refuse are refused before anything is sent, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.deploy import (
    LST,
    MAJOR,
    MAJOR_LIMITS,
    STABLE,
    BookParams,
    KindParams,
    ParamsError,
    PegParams,
    SystemParams,
)

TOKEN = "0x" + "11" * 20
FEED = "0x" + "22" * 20
WAD = 10**18
KIND = KindParams(
    name="eth", token=TOKEN, levels=MAJOR, aggregator=FEED, min_price=WAD, max_price=10_000 * WAD
)
OTHER = replace(KIND, name="btc", token="0x" + "33" * 20)


@pytest.mark.parametrize("levels", [MAJOR, LST, STABLE])
def test_default_levels_are_accepted(levels):
    SystemParams(kinds=(replace(KIND, levels=levels), OTHER)).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": replace(MAJOR, initial_ltv=8_000)}, "eth: levels must ascend"),
        ({"levels": replace(MAJOR, close_out_ltv=8_801)}, "eth: levels must ascend"),
        ({"levels": replace(MAJOR, start_factor=9_999)}, "eth: start_factor must be"),
        ({"levels": replace(MAJOR, start_factor=11_001)}, "eth: start_factor must be"),
        ({"levels": replace(MAJOR, end_factor=10_000)}, "eth: start_factor must be"),
        (
            {"levels": replace(MAJOR, maintenance_ltv=8_400, end_factor=8_800)},
            "eth: maintenance_ltv with the penalty of 500 bps is above end_factor",
        ),
        ({"aggregator": None}, "eth: give either an aggregator or an oracle"),
        ({"oracle": FEED}, "eth: give either an aggregator or an oracle"),
        ({"min_price": 0}, "eth: bounds must satisfy"),
        ({"min_price": WAD, "max_price": WAD}, "eth: bounds must satisfy"),
        ({"max_price": 2**88}, "eth: bounds must satisfy"),
        ({"max_age": 0}, "eth: max_age must be"),
        ({"max_age": 2**24}, "eth: max_age must be"),
        ({"cap": 2**128}, "eth: cap must be above 0 and fit"),
        ({"cap": 0}, "eth: cap must be above 0"),
        ({"max_price": WAD * 10**6 + 1}, "eth: max_price must be at most 1000000 times"),
        ({"decimals": 5}, "eth: decimals must be 6..18"),
        ({"decimals": 19}, "eth: decimals must be 6..18"),
        ({"expected_price": 0}, "eth: expected_price must lie inside"),
        ({"expected_price": WAD}, "eth: expected_price must lie inside"),
        ({"expected_price": 10_000 * WAD}, "eth: expected_price must lie inside"),
        (
            {"expected_price": WAD * 10 // 6},
            "eth: min_price must be at most 60 % of expected_price",
        ),
        ({"expected_price": 1_000 * WAD + 1}, "eth: bounds must lie within a factor of 1000"),
        ({"expected_price": 10 * WAD - 1}, "eth: bounds must lie within a factor of 1000"),
        ({"limits": replace(MAJOR_LIMITS, slew_down=0)}, "eth: slew"),
        ({"limits": replace(MAJOR_LIMITS, slew_up=2**24)}, "eth: slew"),
    ],
)
def test_kind_is_refused(change, message):
    with pytest.raises(ParamsError, match=message):
        SystemParams(kinds=(replace(KIND, **change),)).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grace_period": 30 * 86_400 + 1}, "grace_period"),
        ({"auction_duration": 899}, "auction_duration"),
        ({"call_cool_down": 365 * 86_400 + 1}, "call_cool_down"),
        ({"debt_floor": 0}, "debt_floor"),
        ({"debt_floor": 2**96}, "debt_floor"),
        ({"call_tip": 201 * 10**18}, "call_tip"),
        ({"liquidation_penalty": 2_001}, "liquidation_penalty"),
        ({"rate": 10**27}, "rate"),
        ({"ceiling": 2**120}, "ceiling"),
    ],
)
def test_book_is_refused(change, message):
    with pytest.raises(ParamsError, match=message):
        SystemParams(kinds=(KIND,), book=BookParams(**change)).check()


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ((), "1 to 32 kinds"),
        (
            tuple(replace(KIND, name=str(i), token=f"0x{i:040x}") for i in range(33)),
            "1 to 32 kinds, not 33",
        ),
        ((KIND, replace(OTHER, name="eth")), "own name"),
        ((KIND, replace(OTHER, token=TOKEN)), "own token"),
    ],
)
def test_kinds_are_refused(kinds, message):
    with pytest.raises(ParamsError, match=message):
        SystemParams(kinds=kinds).check()


A, B = "0x" + "a1" * 20, "0x" + "b2" * 20
ZERO = "0x" + "00" * 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"admin": A}, "give admin and guardian together"),
        ({"guardian": A}, "give admin and guardian together"),
        ({"admin": A, "guardian": B, "governor": A}, "give either governor, or admin and"),
        ({"admin": ZERO, "guardian": B}, "admin must not be the zero address"),
        ({"admin": A, "guardian": ZERO}, "guardian must not be the zero address"),
        ({"admin": A, "guardian": A}, "guardian must not be the admin"),
        ({"treasury": ZERO}, "treasury must not be the zero address"),
        ({"buffer_bps": 99}, "buffer_bps must be 100..5000"),
        ({"buffer_bps": 5_001}, "buffer_bps must be 100..5000"),
        ({"fund_ceiling": 2**120}, "fund_ceiling must fit"),
        ({"fund_ceiling": -1}, "fund_ceiling must fit"),
        ({"flash_fee_bps": 101}, "flash_fee_bps must be 0..100"),
        ({"flash_ceiling": 2**112 + 1}, "flash_ceiling must be at most"),
        ({"peg": PegParams("doge", 0)}, "peg: no kind 'doge'; there are eth"),
        ({"peg": PegParams("eth", 2**120)}, "peg: ceiling must fit"),
        ({"peg": PegParams("eth", 0, 101)}, "peg: mint_fee_bps must be"),
        ({"peg": PegParams("eth", 0, 0, -1)}, "peg: redeem_fee_bps must be"),
        ({"peg": PegParams("eth", 0, guard_price=WAD + 1)}, "peg: guard_price must be"),
        ({"peg": PegParams("eth", 0, guard_price=WAD * 9 // 10 - 1)}, "peg: guard_price must be"),
    ],
)
def test_who_governs_and_money_are_checked(change, message):
    with pytest.raises(ParamsError, match=message):
        SystemParams(kinds=(KIND,), **change).check()


def test_the_widest_terms_are_accepted():
    peg = PegParams("eth", 2**120 - 1, 100, 100, WAD * 9 // 10)
    terms = {"buffer_bps": 5_000, "fund_ceiling": 2**120 - 1, "flash_ceiling": 2**112}
    SystemParams(kinds=(KIND,), admin=A, guardian=B, treasury=A, peg=peg, **terms).check()
