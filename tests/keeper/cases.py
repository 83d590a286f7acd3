# SPDX-License-Identifier: MIT
"""Accounts and views that the pure tests share."""

from __future__ import annotations

from surety.keeper.risk import Assessment, VaultParams, View, exact
from surety.keeper.words import KindConfig, Price, Totals

WAD = 10**18
RAY = 10**27
NOW = 1_700_000_000
PARAMS = VaultParams(3_600, 7_200, 86_400, 2_000 * WAD, 5 * WAD, 500)


def config(kind: int = 0, decimals: int = 18, **changes: int) -> KindConfig:
    """A major: 75 / 80 / 85 %, auction from 101 % to 88 %."""
    fields = {
        "initial_ltv": 7_500,
        "maintenance_ltv": 8_000,
        "close_out_ltv": 8_500,
        "start_factor": 10_100,
        "end_factor": 8_800,
        "decimals": decimals,
        **changes,
    }
    return KindConfig(kind=kind, token=f"0x{0x70 + kind:040x}", **fields)


def price(whole: int, **changes: int) -> Price:
    """A calm price in whole coins."""
    fields = {
        "lo": whole * WAD,
        "hi": whole * WAD,
        "updated_at": NOW,
        "initial_multiplier": 10_000,
        "maintenance_multiplier": 10_000,
        "flags": 0,
        **changes,
    }
    return Price(**fields)


def view(
    prices: dict[int, Price] | None = None,
    configs: dict[int, KindConfig] | None = None,
    now: int = NOW,
    index: int = RAY,
    **totals: int,
) -> View:
    """One block with one 18-decimals kind at 1,000 coins unless told otherwise."""
    fields = {
        "total_normalized_debt": 0,
        "take_resumes_at": 0,
        "pauses": 0,
        "isolated_mask": 0,
        "frozen_mask": 0,
        "take_pause": 0,
        **totals,
    }
    return View(
        number=100,
        now=now,
        index=index,
        totals=Totals(**fields),
        params=PARAMS,
        configs=configs or {0: config()},
        prices=prices or {0: price(1_000)},
    )


def word(debt: int, mask: int = 1, clock: int = 0, touched: int = 0) -> int:
    """Pack an account word; debt in index units."""
    return debt | mask << 104 | clock << 136 | touched << 176


def account(
    at: View, debt: int, balances: dict[int, int], clock: int = 0, number: int = 7, touched: int = 0
) -> Assessment:
    """Decide an account; debt in coin wei at index 1."""
    mask = sum(1 << kind for kind in balances)
    return exact(number, word(debt, mask, clock, touched), balances, at)
