# SPDX-License-Identifier: MIT
"""The market of the demo: a contract that pays feed price less slippage out of coins that owners
sold.

Nothing is minted for it. Owners borrow, keep some coins and sell the rest; what they sell first
fills the keeper's purse, then the market's till.
"""

from __future__ import annotations

from collections.abc import Sequence

from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.demo.book import Holder
from surety.deploy import System


def open_market(rpc: Rpc, deployer: str, system: System, slippage_bps: int) -> Contract:
    """Deploy a market without coins that prices every kind by the very feed that the hub reads."""
    sender = UnlockedSender(rpc, deployer)
    built = artifact("MockMarket")
    address = deploy_contract(sender, built, system.coin, slippage_bps)
    market = Contract(rpc, address, built.abi)
    for kind in system.kinds:
        market.transact("set_feed", kind.token, kind.oracle, sender=sender)
    return market


def share_out(holders: Sequence[Holder], purse: int) -> list[tuple[Holder, int, int]]:
    """Return what each owner sells (WAD) to the keeper, until it has enough, and to the market."""
    sold: list[tuple[Holder, int, int]] = []
    left = purse
    for holder in holders:
        coins = holder.debt - holder.kept
        # nobody sells everything to one buyer, so that the purse comes from many
        to_keeper = min(left, coins // 2)
        left -= to_keeper
        sold.append((holder, to_keeper, coins - to_keeper))
    return sold
