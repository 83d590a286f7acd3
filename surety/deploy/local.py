# SPDX-License-Identifier: MIT
"""Tokens and feeds for a local chain: what the real world provides elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surety.chain import Sender, deploy_contract
from surety.compile import artifact
from surety.deploy.params import LOOSE_LIMITS, MAJOR, STABLE, WAD, KindParams, Levels, Limits

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
    sender: Sender, kinds: Sequence[LocalKind] = LOCAL_KINDS, limits: Limits = LOOSE_LIMITS
) -> tuple[KindParams, ...]:
    """Deploy an open-mint token and a settable 8-decimals feed for each kind at its price.

    Under the usual limits of this function a price can be set and is used once it is looked at.
    """
    token, feed = artifact("MockToken"), artifact("MockAggregator")
    return tuple(
        KindParams(
            name=kind.name,
            token=deploy_contract(
                sender, token, kind.name.upper(), kind.name.upper(), kind.decimals
            ),
            levels=kind.levels,
            limits=limits,
            aggregator=deploy_contract(
                sender, feed, FEED_DECIMALS, kind.price // 10 ** (18 - FEED_DECIMALS)
            ),
        )
        for kind in kinds
    )
