# SPDX-License-Identifier: MIT
"""The preview foretells what a listing does, and a listing passes iff nothing is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from surety.chain import Reverted
from tests.unit.listings.desk import PRICE, Desk, Listing
from tests.world import BPS, MAX, WAD, anvil_world

PENALTY = 500


def faults(listing: Listing, price: int, age: int) -> set[str]:
    """Return the reasons for which this listing of an 18-decimals token is wrong, in no order."""
    low, high, expected = listing.min_price, listing.max_price, listing.expected_price
    levels = (listing.initial_ltv, listing.maintenance_ltv, listing.close_out_ltv)
    whole = listing.maintenance_ltv * (BPS + PENALTY) <= listing.end_factor * BPS
    checks = {
        "bad max age": 1 <= listing.max_age < 2**24,
        "price is stale": age <= listing.max_age,
        "bad slew": 1 <= listing.slew_down < 2**24 and 1 <= listing.slew_up < 2**24,
        "bad jump": listing.jump_bps in range(50, 12_751, 50),
        "bad sigma": 1 <= listing.sigma_ref < 2**40,
        "bad bounds": 1 <= low < high < 2**88,
        "bounds too tight": 10 * low <= 6 * expected,
        "bounds too wide": expected <= 1_000 * low and high <= 1_000 * expected,
        "price outside bounds": low < price < high,
        "price deviates": expected < 2**88 and 95 * expected <= 100 * price <= 105 * expected,
        "bad levels": levels[0] < levels[1] < levels[2] <= listing.end_factor,
        "bad factors": 10_000 <= listing.start_factor <= 11_000
        and listing.end_factor < 10_000
        and whole,
        "zero cap": listing.cap != 0,
        "cap too large": listing.cap < 2**128,
        "decimals differ": listing.decimals == 18,
    }
    return {reason for reason, holds in checks.items() if not holds}


def near(*values: int) -> st.SearchStrategy[int]:
    edges = {value + step for value in (0, MAX, *values) for step in (-1, 0, 1)}
    return st.sampled_from(sorted(value for value in edges if 0 <= value <= MAX))


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "decimals": near(6, 18),
    "expected_price": near(
        PRICE, PRICE * 100 // 105, PRICE * 100 // 95, 200 * WAD, 50 * WAD, 2**88, 100_000 * WAD
    ),
    "max_age": near(3_600, 2**24),
    "min_price": near(1, WAD, 2 * WAD, 100 * WAD, 1_200 * WAD, PRICE, 2**88),
    "max_price": near(PRICE, 2 * PRICE, 1_000 * PRICE, 50_000 * WAD, 2**88),
    "slew_down": near(2**24),
    "slew_up": near(2**24),
    "jump_bps": near(50, 100, 2_000, 12_750),
    "sigma_ref": near(2**40),
    "initial_ltv": near(7_500, 8_000),
    "maintenance_ltv": near(7_500, 8_000, 8_381, 8_500),
    "close_out_ltv": near(8_000, 8_500, 8_800),
    "start_factor": near(10_000, 11_000),
    "end_factor": near(8_400, 8_500, 8_800, 10_000),
    "cap": near(10**24, 2**128),
    "isolated": st.booleans(),
}
CHANGES = st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names})
)


def outcome(call: Any) -> Any:
    try:
        return call()
    except Reverted as error:
        return error.reason


def test_listing_passes_iff_nothing_is_wrong():
    with anvil_world() as world:
        desk = Desk(world)
        age = world.now - desk.source.read("updated_at")
        seen: dict[str, int] = {}

        @settings(max_examples=400)
        @given(changes=CHANGES)
        def check(changes):
            listing = replace(desk.good(), **changes)
            wrong = faults(listing, PRICE, age)
            foretold = outcome(lambda: desk.preview(listing))
            result = outcome(
                lambda: desk.contract.read(
                    "list", desk.vault, listing.struct(), sender=world.governor
                )
            )
            if wrong:
                assert foretold == result
                assert result in wrong
            else:
                assert foretold[0::3] == (18, 3)
                assert (foretold[1], result) == (PRICE, 3)
            seen[str(result)] = seen.get(str(result), 0) + 1

        check()
        everything = {"3", *faults(replace(desk.good(), **dict.fromkeys(FIELDS, MAX)), 0, age)}
        assert seen["3"] >= 20
        assert len(seen) >= 14, sorted(everything - set(seen))
