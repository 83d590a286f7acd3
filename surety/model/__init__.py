# SPDX-License-Identifier: MIT
"""The specification of the contracts in Python: exact integers, readable, their own reasons.

Tests, auditors and keepers hold it against a chain: `surety.model.reader.Reader` takes over what
a vault remembers,
`predict` says what a move will do to it at a given second, and `Book` is the vault itself, a method
for each of its functions. `System` is a book with coin, fund, peg, settlement and governor, and
`foresee` says what a move of any of them will do. See docs/model.md.
"""

from surety.model.book import Book, Callback, Found, Measured
from surety.model.coin import Stablecoin
from surety.model.fund import InsuranceFund
from surety.model.hub import FeedHub, FixedHub, Guard, Hub, Sequencer
from surety.model.peg import Peg
from surety.model.predict import Outcome, check_same, predict
from surety.model.settlement import Settlement
from surety.model.state import (
    Coin,
    Exposure,
    Kind,
    Leg,
    Levels,
    MarginModel,
    Order,
    Position,
    Price,
    Refused,
    Rules,
    Surcharges,
    account_id,
)
from surety.model.system import Foreseen, MinterCoin, System, Timelock, foresee

__all__ = [
    "Book",
    "Callback",
    "Coin",
    "Exposure",
    "FeedHub",
    "FixedHub",
    "Foreseen",
    "Found",
    "Guard",
    "Hub",
    "InsuranceFund",
    "Kind",
    "Leg",
    "Levels",
    "MarginModel",
    "Measured",
    "MinterCoin",
    "Order",
    "Outcome",
    "Peg",
    "Position",
    "Price",
    "Refused",
    "Rules",
    "Sequencer",
    "Settlement",
    "Stablecoin",
    "Surcharges",
    "System",
    "Timelock",
    "account_id",
    "check_same",
    "foresee",
    "predict",
]
