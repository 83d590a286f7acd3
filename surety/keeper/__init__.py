# SPDX-License-Identifier: MIT
"""The keeper: watches a vault's accounts, calls margin, buys auctions and lets the fund absorb the
rest.

`Keeper.on_head()` does one block's work. The middle (`index`, `risk`, `auctions`, `profit`,
`pokes`, `strategy`) has no I/O, so tests, replays and production run the same code; `book`,
`market`, `senders` and `engine` are the edge.
"""

from surety.keeper.book import Book, KeeperError
from surety.keeper.engine import HeadReport, Keeper, KeeperConfig
from surety.keeper.market import ContractMarket, Market
from surety.keeper.pokes import PokePolicy
from surety.keeper.senders import DrySender, FeePolicy, KeySender, Sender
from surety.keeper.strategy import Policy

__all__ = [
    "Book",
    "ContractMarket",
    "DrySender",
    "FeePolicy",
    "HeadReport",
    "Keeper",
    "KeeperConfig",
    "KeeperError",
    "KeySender",
    "Market",
    "PokePolicy",
    "Policy",
    "Sender",
]
