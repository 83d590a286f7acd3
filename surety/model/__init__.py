# SPDX-License-Identifier: MIT
"""The specification of the vault in Python: exact integers, readable, the contract's own reasons.

Tests, auditors and keepers hold it against a chain: `surety.model.reader.Reader` takes over what
a vault remembers,
`predict` says what a move will do to it at a given second, and `Book` is the vault itself, a method
for each of its functions. See docs/model.md.
"""

from surety.model.book import Book, Callback, Found, Measured
from surety.model.hub import FeedHub, FixedHub, Guard, Hub, Sequencer
from surety.model.predict import Outcome, check_same, predict
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

__all__ = [
    "Book",
    "Callback",
    "Coin",
    "Exposure",
    "FeedHub",
    "FixedHub",
    "Found",
    "Guard",
    "Hub",
    "Kind",
    "Leg",
    "Levels",
    "MarginModel",
    "Measured",
    "Order",
    "Outcome",
    "Position",
    "Price",
    "Refused",
    "Rules",
    "Sequencer",
    "Surcharges",
    "account_id",
    "check_same",
    "predict",
]
