# SPDX-License-Identifier: MIT
"""Tokens and feeds for a local chain: what the real world provides elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from surety.chain import Sender, deploy_contract
from surety.compile import artifact
from surety.deploy.params import (
    LOOSE_LIMITS,
    MAJOR,
    STABLE,
    WAD,
    KindParams,
    Levels,
    Limits,
    limits_for,
    widest_bounds,
)

FEED_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class LocalKind:
    """A token to invent: its decimals, levels and first price (WAD coin units a whole token)."""

    name: str
    decimals: int
    price: int
    levels: Levels


# the three families that tests and demo use: 18, 8 and 6 decimals
LOCAL_KINDS = (
    LocalKind("eth", 18, 2_000 * WAD, MAJOR),
    LocalKind("btc", 8, 40_000 * WAD, MAJOR),
    LocalKind("stable", 6, WAD, STABLE),
)


def local_kinds(
    sender: Sender, kinds: Sequence[LocalKind] = LOCAL_KINDS, limits: Limits | None = LOOSE_LIMITS
) -> tuple[KindParams, ...]:
    """Deploy an open-mint token and a settable 8-decimals feed for each kind at its price.

    Under the usual limits of this function a price can be set and is used once it is looked at;
    None takes those of each kind's levels, as a parameter file does. The bounds are the widest.
    """
    return tuple(_local_kind(sender, kind, limits or limits_for(kind.levels)) for kind in kinds)


def _local_kind(sender: Sender, kind: LocalKind, limits: Limits) -> KindParams:
    symbol = kind.name.upper()
    token = deploy_contract(sender, artifact("MockToken"), symbol, symbol, kind.decimals)
    made = local_feed(sender, kind.name, token, kind.price, kind.levels, limits)
    return replace(made, decimals=kind.decimals)


def local_feed(
    sender: Sender,
    name: str,
    token: str,
    price: int,
    levels: Levels,
    limits: Limits = LOOSE_LIMITS,
) -> KindParams:
    """Deploy a settable 8-decimals feed at this price for a token that exists already."""
    answer = price // 10 ** (18 - FEED_DECIMALS)
    feed = deploy_contract(sender, artifact("MockAggregator"), FEED_DECIMALS, answer)
    min_price, max_price = widest_bounds(price)
    return KindParams(
        name=name,
        token=token,
        levels=levels,
        aggregator=feed,
        min_price=min_price,
        max_price=max_price,
        expected_price=price,
        limits=limits,
    )
