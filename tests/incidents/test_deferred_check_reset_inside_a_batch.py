# SPDX-License-Identifier: MIT
"""Deferred check reset inside a batch (Abracadabra, October 2025): the last action forgave all.

`cook` ran a list of actions and checked solvency once, at the end, if some action had asked for it.
One harmless action wrote the whole status anew, and with it the wish to be checked: borrow, then do
nothing, and nobody looks. Here one leg that raises risk makes the whole call risk-raising, whatever
comes before or after it and whatever the net is.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.chain import Contract
from tests.incidents.arena import BTC, ETH, HOUR, LENT, STABLE, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import INT_MIN, MAX, WAD

pytestmark = pytest.mark.covers("incident: deferred check reset inside a batch")

DEPOSITS = "            mask |= 1 << flow.kind\n"
RESETS = (DEPOSITS, DEPOSITS + "            raised = 0\n")


class Cook:
    """A contract with an account at its limit and a little of everything to bring in."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.actor: Contract = arena.deploy("MockActor")
        self.me = self.actor.address
        self.account, self.other = (arena.world.id(self.me, sub) for sub in (0, 1))
        for kind, amount in ((ETH, 10 * WAD), (BTC, 10), (STABLE, 10)):
            arena.world.give(self.me, kind, amount)
            assert self.does(arena.tokens[kind], "approve", arena.vault.address, MAX) is None
        self.before = arena.wealth(self.me)
        vault = arena.vault
        assert self.does(vault, "deposit", self.account, ETH, 10 * WAD) is None
        assert self.does(vault, "deposit", self.account, BTC, 1) is None
        assert self.does(vault, "borrow", self.account, LENT, self.me) is None

    def does(self, contract: Contract, fn: str, *args: object) -> str | None:
        call = contract.encode(fn, *args)
        who = self.arena.attacker
        return self.arena.try_(who, self.actor, "execute", contract.address, call)

    def within(self, *calls: tuple[Contract, str, tuple[object, ...]]) -> None:
        """Make these calls in each callback."""
        steps = [(contract.address, contract.encode(fn, *args)) for contract, fn, args in calls]
        self.arena.must(self.arena.attacker, self.actor, "set_steps", steps)

    def gain(self) -> Fraction:
        return self.arena.wealth(self.me, self.account, self.other) - self.before


def batches(cook: Cook) -> list[tuple[list[tuple[int, int]], int, bytes]]:
    """Return legs, change of debt and data in which something harmless follows the theft."""
    all_but_a_wei = -10 * WAD + 1
    return [
        ([(ETH, INT_MIN)], 0, b""),
        ([(ETH, INT_MIN), (BTC, 1)], 0, b""),
        ([(ETH, all_but_a_wei), (BTC, 1), (STABLE, 1)], 0, b""),
        ([(ETH, all_but_a_wei), (BTC, 1)], -1, b""),
        ([(ETH, all_but_a_wei), (STABLE, 1)], -1_000 * WAD, b""),
        ([(BTC, 1)], WAD, b""),
        ([(ETH, INT_MIN), (BTC, 1)], 0, b"\x01"),
    ]


def attack(arena: Arena) -> tuple[Fraction, list[str | None]]:
    """Try each batch; return what the best brought, and how each ended."""
    best, ends = Fraction(-(10**40)), []
    cook = Cook(arena)
    for legs, debt, data in batches(cook):
        with arena.snapshot():
            call = ("adjust", cook.account, legs, debt, cook.me, data)
            ends.append(cook.does(arena.vault, *call))
            best = max(best, cook.gain())
    return best, ends


@pytest.mark.covers("I23")
def test_nothing_after_a_raised_risk_takes_the_check_back():
    """Not a deposit, not a repayment, not a callback that does nothing."""
    gain, ends = attack(Arena())
    assert gain == 0
    assert ends == ["below initial margin"] * 7


@pytest.mark.covers("I66")
@pytest.mark.parametrize("fn", ["deposit", "repay", "cure", "margin_calls", "accrue", "debt_of"])
def test_nothing_is_reset_from_inside_the_batch(fn):
    """The lock is held in the callback: what goes through before and after it is refused there."""
    arena = Arena()
    cook = Cook(arena)
    vault = arena.vault
    # called, and covered again; and another one that is callable now
    covered = open_at_the_limit(arena, sub=0)
    arena.follow(ETH, 1_850 * WAD)
    arena.must(arena.keeper, vault, "margin_call", covered)
    arena.follow(ETH, 2_000 * WAD)
    callable_ = arena.world.open([(BTC, 10**8)], 30_000 * WAD, owner=arena.owner, sub=1)
    arena.follow(BTC, 37_000 * WAD)
    arguments: dict[str, tuple[object, ...]] = {
        "deposit": (cook.account, BTC, 1),
        "repay": (cook.account, WAD),
        "cure": (covered,),
        "margin_calls": ([callable_],),
        "accrue": (),
        "debt_of": (cook.account,),
    }
    with arena.snapshot():
        assert cook.does(vault, fn, *arguments[fn]) is None
        if fn == "cure":
            assert arena.opens(covered) == 0
        if fn == "margin_calls":
            assert arena.opens(callable_) == arena.now + HOUR
    good = ("adjust", cook.account, [(BTC, 1)], 0, cook.me, b"\x01")
    cook.within((vault, fn, arguments[fn]))
    assert cook.does(vault, *good) == ""  # a lock says no word
    cook.within((vault, "accounts", (cook.account,)))  # a raw word does answer
    assert cook.does(vault, *good) is None


def test_a_batch_that_resets_its_check_is_found():
    """The control: a deposit after the withdrawal, and the loan has nothing behind it."""
    gain, ends = attack(Arena(weakened("Vault", RESETS)))
    assert gain > LENT - WAD
    assert ends[0] == "below initial margin"  # the check itself is still there
    assert None in ends
