# SPDX-License-Identifier: MIT
"""Where the invariants are named: each a function with one sentence, a number and catalogue ids.

A rule is made by the decorator of its kind and found in that kind's list. `number` is that of
assurance.md, section 1; `ids` are rows of catalogue.md that it holds as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Check = TypeVar("Check", bound=Callable[[Any], None])

STEP_RULES: list[Any] = []  # look at each move that went through: tests/stateful/invariants.py
PRICE_RULES: list[Any] = []  # look at a price from one moment to the next: tests/stateful/prices.py
PROBES: list[Any] = []  # try something on a copy of the chain: tests/stateful/probes.py


def _named(rules: list[Any], number: int, ids: tuple[str, ...]) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        name = getattr(check, "__name__", "")
        assert name.startswith(f"i{number:02}_"), f"{name} is not named after invariant {number}"
        assert (check.__doc__ or "").strip(), f"{name} does not say what holds"
        vars(check).update(number=number, ids=ids)
        rules.append(check)
        return check

    return register


def holds(number: int, *ids: str, each: bool = False) -> Callable[[Check], Check]:
    """Name a rule for every move that went through.

    With `each` it sees the moves inside a flash loan one by one, and not the loan around them.
    """
    register = _named(STEP_RULES, number, ids)

    def note(check: Check) -> Check:
        vars(check)["each"] = each
        return register(check)

    return note


def prices_hold(number: int, *ids: str) -> Callable[[Check], Check]:
    """Name a rule for every kind's price from one moment to the next."""
    return _named(PRICE_RULES, number, ids)


def can(number: int, *ids: str) -> Callable[[Check], Check]:
    """Name what must be possible, or must not, in whatever state a campaign has reached."""
    return _named(PROBES, number, ids)


def cases(rules: list[Any]) -> list[Any]:
    """Return rules as the cases of a test, each with the rows that it holds as its mark."""
    return [
        pytest.param(rule, id=rule.__name__, marks=pytest.mark.covers(*rule.ids)) for rule in rules
    ]


def every_rule() -> list[Any]:
    """Return all rules there are, by their numbers."""
    from tests.stateful import invariants, prices, probes

    assert all((invariants, prices, probes))  # which fill the lists when they are imported
    return sorted(STEP_RULES + PRICE_RULES + PROBES, key=lambda rule: (rule.number, rule.__name__))
