# SPDX-License-Identifier: MIT
"""Words and signatures agree with the contracts."""

from __future__ import annotations

from typing import Any

import pytest

from surety.chain import Function
from surety.chain import topic as abi_topic
from surety.compile import artifact
from surety.keeper import codec, words

VAULT_CALLS = (
    codec.MARGIN_CALL,
    codec.TAKE,
    codec.ABSORB,
    codec.LIVE_INDEX,
    codec.TOTALS,
    codec.COIN,
    codec.HUB,
    codec.GRACE_PERIOD,
    codec.AUCTION_DURATION,
    codec.CALL_COOL_DOWN,
    codec.DEBT_FLOOR,
    codec.CALL_TIP,
    codec.LIQUIDATION_PENALTY,
)


def signatures(name: str, kind: str) -> dict[str, Any]:
    return {
        f"{item['name']}({','.join(i['type'] for i in item['inputs'])})": item
        for item in artifact(name).abi
        if item["type"] == kind
    }


@pytest.mark.parametrize("function", VAULT_CALLS, ids=lambda f: f.name)
def test_vault_calls_are_in_the_abi(function: Function) -> None:
    found = signatures("Vault", "function")[function.signature]
    assert tuple(item["type"] for item in found["outputs"]) == function.outputs.types


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("PriceHub", codec.HUB_READ),
        ("MockMarket", codec.MARKET_SELL),
        ("MockMarket", codec.MARKET_QUOTE_SELL),
        ("Stablecoin", codec.BALANCE_OF),
        ("Stablecoin", codec.ALLOWANCE),
        ("Stablecoin", codec.APPROVE),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_other_calls_are_in_the_abi(name: str, function: Function) -> None:
    found = signatures(name, "function")[function.signature]
    assert tuple(item["type"] for item in found["outputs"]) == function.outputs.types


def test_topics_are_in_the_abi() -> None:
    found = {
        name.partition("(")[0]: abi_topic(e) for name, e in signatures("Vault", "event").items()
    }
    assert found["AccountUpdated"] == codec.ACCOUNT_UPDATED
    assert found["MarginCalled"] == codec.MARGIN_CALLED
    assert found["CollateralListed"] == codec.COLLATERAL_LISTED
    assert found["CollateralChanged"] == codec.COLLATERAL_CHANGED


def test_account_word_fields() -> None:
    word = (2**104 - 2) | 0x80000001 << 104 | 1_700_000_123 << 136 | 1_600_000_456 << 176
    word |= 9 << 216 | 0xFFFFFFFF << 224
    assert words.normalized_debt(word) == 2**104 - 2
    assert words.collateral_mask(word) == 0x80000001
    assert words.auction_start(word) == 1_700_000_123
    assert words.touched_at(word) == 1_600_000_456
    assert words.kinds_of(0x80000001) == [0, 31]


def test_kind_price_and_totals_fields() -> None:
    packed = (
        0xAB | 7_500 << 160 | 8_000 << 176 | 8_500 << 192 | 10_100 << 208 | 8_800 << 224 | 6 << 240
    )
    kind = words.KindConfig.from_word(3, packed)
    assert (kind.token, kind.kind, kind.decimals) == (f"0x{0xAB:040x}", 3, 6)
    assert (kind.initial_ltv, kind.maintenance_ltv, kind.close_out_ltv) == (7_500, 8_000, 8_500)
    assert (kind.start_factor, kind.end_factor) == (10_100, 8_800)
    price = words.Price.from_word(
        5 | 7 << 88 | 11 << 176 | 12_000 << 216 | 10_500 << 232 | 2 << 248
    )
    assert (price.lo, price.hi, price.updated_at) == (5, 7, 11)
    assert (price.initial_multiplier, price.maintenance_multiplier) == (12_000, 10_500)
    assert price.confirming
    assert not price.failed
    totals = words.Totals.from_word(99 | 17 << 112 | 8 << 152 | 2 << 168 | 4 << 200)
    assert (totals.total_normalized_debt, totals.take_resumes_at, totals.pauses) == (99, 17, 8)
    assert (totals.isolated_mask, totals.frozen_mask) == (2, 4)


def test_account_is_shown_as_owner_and_sub() -> None:
    assert words.show_account(0xAB << 8 | 3) == f"0x{0xAB:040x}:3"
