# SPDX-License-Identifier: MIT
"""Differential fuzz: every formula in Python against the same formula in the EVM, directed at
boundaries.

The default run makes more than 20,000 calls. With SURETY_FUZZ_MINUTES=N a long run makes at least
20,000 calls of every formula and goes on until N minutes have passed; SURETY_FUZZ_SEED picks
another stream.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from surety.formulas import MAX_UINT256, Formulas, Revert

SEED = int(os.environ.get("SURETY_FUZZ_SEED", "1"))
CALLS_EACH = 2_500
DEEP_CALLS_EACH = 20_000

# proved by the run itself: these have no argument at which they revert
NEVER_REVERT = {"less", "toward", "repayment", "call_tip_down", "decay_down", "absorb_shortfall"}

# what an argument of that name looks like in the field: (low, high), drawn log-uniformly
REALISTIC = {
    "debt": (10**18, 10**26),
    "normalized_debt": (10**18, 10**26),
    "repaid": (10**17, 10**25),
    "total_normalized_debt": (10**20, 10**30),
    "debt_floor": (10**18, 10**22),
    "balance": (1, 10**24),
    "amount": (1, 10**24),
    "worth": (1, 10**26),
    "call_tip": (10**16, 10**19),
    "target": (10**18, 10**26),
    "maintenance": (10**18, 10**26),
    "close_out": (10**18, 10**26),
    "value_lo": (10**18, 10**26),
    "value_hi": (10**18, 10**26),
    "total_value": (10**18, 10**26),
    "sale_value": (10**18, 10**26),
    "weighted_value": (10**22, 10**30),
    "price": (10**14, 10**23),
    "last_price": (10**14, 10**23),
    "hi": (10**14, 10**23),
    "lo": (10**14, 10**23),
    "decimals": (6, 18),
    "initial_ltv": (5_000, 9_500),
    "maintenance_ltv": (5_000, 9_700),
    "close_out_ltv": (6_000, 9_900),
    "initial_multiplier": (10_000, 25_000),
    "maintenance_multiplier": (10_000, 12_500),
    "multiplier": (10_000, 25_000),
    "goal": (10_000, 40_000),
    "cap": (12_500, 25_000),
    "step_up": (500, 5_000),
    "frozen": (0, 1),
    "penalty": (0, 1_000),
    "factor": (5_000, 11_000),
    "start_factor": (10_000, 11_000),
    "end_factor": (5_000, 10_000),
    "index": (10**27, 10**29),
    "rate": (10**15, 10**20),
    "elapsed": (0, 200_000),
    "duration": (600, 20_000),
    "auction_start": (10**9, 2 * 10**9),
    "take_resumes_at": (10**9, 2 * 10**9),
    "take_pause": (0, 2**24 - 1),
    "opens": (10**9, 10**9 + 20_000),
    "now": (10**9, 10**9 + 60_000),
    "last_at": (10**9, 10**9 + 60_000),
    "samples": (0, 40),
    "variance": (10**25, 10**34),
    "sigma_ref": (10**15, 10**17),
    "share": (1, 10**27),
    "slew_down": (10**3, 10**9),
    "slew_up": (10**3, 10**8),
    "collateral_mask": (0, 2**32 - 1),
    "capacity": (10**18, 10**26),
    "surcharge": (1, 10**24),
    "rate_bps": (0, 10_000),
    "rate0": (0, 2_000),
    "rate1": (1_000, 4_000),
    "rate2": (2_000, 8_000),
    "rate3": (4_000, 10_000),
    "bound1": (10**18, 10**24),
    "bound2": (10**21, 10**26),
    "bound3": (10**23, 10**28),
    "offset": (10**18, 10**28),
    "deposited": (10**6, 10**26),
    "scale_lo": (10**6, 10**24),
    "scale_hi": (10**12, 10**27),
    "scale_bps": (0, 10_000),
    "scale_share": (0, 10**18),
}


class Drawer:
    """Draw arguments: realistic tuples, realistic ones with a few at a boundary, and pure
    boundaries.
    """

    def __init__(self, formulas: Formulas, seed: int) -> None:
        self.random = random.Random(seed)
        edges = {0, 1, 2, *formulas.constants.values()}
        edges |= {10**k for k in range(78)} | {2**k for k in range(257)}
        near = {edge + step for edge in edges for step in (-1, 0, 1)}
        self.edges = sorted(edge for edge in near if 0 <= edge <= MAX_UINT256)

    def logarithmic(self, low: int, high: int) -> int:
        """Draw from [low, high] with an even chance for every size."""
        bits = self.random.randint(max(1, low).bit_length(), max(1, high).bit_length())
        return min(high, max(low, self.random.getrandbits(bits)))

    def realistic(self, name: str) -> int:
        """Draw what an argument of that name holds in the field."""
        low, high = REALISTIC.get(name, (0, 10**27))
        if self.random.random() < 0.5 and high - low < 10**6:
            return self.random.randint(low, high)
        return self.logarithmic(low, high)

    def boundary(self, others: list[int]) -> int:
        """Draw an edge, a value close to another argument, a ratio of two, or any size at all."""
        choice = self.random.random()
        if choice < 0.2:
            return self.random.choice((0, 0, 1, 2, MAX_UINT256, MAX_UINT256 - 1))
        if choice < 0.45:
            return self.random.choice(self.edges)
        if choice < 0.75 and others:
            near = self.random.choice(others) + self.random.choice((-2, -1, 0, 1, 2))
            return min(MAX_UINT256, max(0, near))
        if choice < 0.85 and others:
            return MAX_UINT256 // max(1, self.random.choice(others)) + self.random.choice((0, 1))
        return self.logarithmic(0, MAX_UINT256)

    def arguments(self, names: tuple[str, ...]) -> list[int]:
        """Draw one tuple of arguments."""
        values = [self.realistic(name) for name in names]
        choice = self.random.random()
        if choice < 0.35:
            return values
        if choice < 0.85:
            for _ in range(self.random.choice((1, 1, 2))):
                at = self.random.randrange(len(values))
                values[at] = min(MAX_UINT256, self.boundary(values[:at] + values[at + 1 :]))
            return values
        return [min(MAX_UINT256, self.boundary(values)) for _ in names]

    def account(self) -> dict[str, int]:
        """Draw an account in trouble whose numbers fit together, as `take_amounts` meets it."""
        pick = self.random.randint
        decimals = self.random.choice((6, 8, 18))
        hi = self.logarithmic(10**15, 10**23)
        balance = self.logarithmic(10**decimals // 1000, 10**decimals * 10**4)
        value = max(1, balance * hi // 10**decimals)
        initial_ltv = pick(5_000, 9_200)
        target = value * initial_ltv // 10_000
        debt = max(1, pick(target, target + value // 2))
        floor = self.random.choice((0, debt // 3, debt - 1, debt, debt + 1, pick(0, debt)))
        amount = self.random.choice((pick(0, balance), balance, 2 * balance, 0, 1, pick(1, 1000)))
        return {
            "debt": debt,
            "target": target,
            "balance": balance,
            "amount": amount,
            "hi": hi,
            "decimals": decimals,
            "factor": pick(initial_ltv // 2, 11_000),
            "initial_ltv": initial_ltv,
            "penalty": self.random.choice((0, 500, pick(0, 1_000))),
            "debt_floor": floor,
        }

    def clock(self) -> dict[str, int]:
        """Draw an account close to its levels and its clock, as `account_state` meets it."""
        pick = self.random.randint
        levels = sorted(pick(1, 60) for _ in range(3))
        opens = self.random.choice((0, pick(1, 40), pick(1, 40), MAX_UINT256 - pick(0, 40)))
        duration = pick(1, 20)
        now = opens + self.random.choice((0, duration, 2 * duration)) + pick(-3, 3)
        return {
            "debt": self.random.choice((0, pick(0, 70), pick(0, 70), pick(0, 70))),
            "target": levels[0],
            "maintenance": levels[1],
            "close_out": levels[2],
            "collateral_mask": self.random.choice((0, 1, 6)),
            "opens": opens,
            "duration": duration,
            "now": min(MAX_UINT256, max(0, now)),
        }

    def line(self) -> dict[str, int]:
        """Draw an offset as brackets below a value give it, as `tier_surcharge_up` meets it."""
        value = self.logarithmic(1, 2**196)
        rate = self.random.randint(0, 10_000)
        bound = min(value, self.logarithmic(1, 2**100))
        return {
            "capacity": self.random.choice((0, 1, value, self.logarithmic(0, value))),
            "value_hi": value,
            "rate_bps": rate,
            "offset": self.random.randint(0, rate) * bound,
        }

    def scale(self) -> dict[str, int]:
        """Draw deposits inside, at or beside the bounds of a scale, as `scale_share_up` meets
        them.
        """
        lo, hi = sorted(self.logarithmic(0, 2**120) for _ in range(2))
        near = self.random.choice((lo, hi)) + self.random.randint(-1, 1)
        return {
            "deposited": max(0, self.random.choice((near, self.random.randint(lo, hi)))),
            "scale_lo": lo,
            "scale_hi": hi,
            "scale_bps": self.random.choice((0, 10_000, self.random.randint(0, 10_000))),
        }

    def calls(self, formulas: Formulas, count: int) -> Iterator[tuple[str, list[int]]]:
        """Draw `count` calls of every formula."""
        whole = {
            "take_amounts": self.account,
            "account_state": self.clock,
            "auction_phase": self.clock,
            "tier_surcharge_up": self.line,
            "scale_share_up": self.scale,
        }
        for name, signature in formulas.functions.items():
            for turn in range(count):
                drawn = self.arguments(signature.args)
                if name in whole and turn % 2:
                    fitting = whole[name]()
                    drawn = [fitting[argument] for argument in signature.args]
                yield name, drawn


def outcome(formulas: Formulas, name: str, args: list[int]) -> Any:
    """Call a formula in Python; a revert becomes the text `revert: reason`."""
    try:
        return getattr(formulas, name)(*args)
    except Revert as revert:
        return f"revert: {revert.reason}"


def compare(formulas: Formulas, ask: Any, drawer: Drawer, count: int, tally: Counter[Any]) -> None:
    """Make `count` calls of every formula on both sides, count outcomes, and fail on a
    difference.
    """
    for name, args in drawer.calls(formulas, count):
        python = outcome(formulas, name, args)
        evm = ask(name, args)
        if isinstance(evm, Revert):
            evm = f"revert: {evm.reason}"
        if python != evm:
            pytest.fail(f"{name}{tuple(args)}: python {python}, evm {evm}")
        reverted = isinstance(python, str)
        tally[name, "revert" if reverted else "value"] += 1
        if reverted:
            tally["reason", python] += 1
        elif name in ("account_state", "auction_phase"):
            tally[name, "is", python] += 1
        elif name == "take_amounts" and python[0] == 0:
            tally[name, "none", "dust" if python[1] else "nothing"] += 1


def check_not_vacuous(formulas: Formulas, tally: Counter[Any]) -> None:
    """Fail where a formula hardly ever succeeded or hardly ever reverted, or a reason, a state, a
    phase or one of the two ways to sell nothing is missing.
    """
    for name in formulas.functions:
        values, reverts = tally[name, "value"], tally[name, "revert"]
        assert values >= 0.1 * (values + reverts), f"{name} succeeded only {values} times"
        if name in NEVER_REVERT:
            assert reverts == 0, f"{name} reverted {reverts} times"
        else:
            assert reverts >= 0.01 * (values + reverts), f"{name} reverted only {reverts} times"
    reasons = set(re.findall(r"raise __revert\('([^']+)'\)", formulas.source))
    for reason in reasons:
        assert tally["reason", f"revert: {reason}"] >= 20, f"{reason!r} hardly seen"
    for state in range(7):
        assert tally["account_state", "is", state] >= 20, f"state {state} hardly seen"
    for phase in range(5):
        assert tally["auction_phase", "is", phase] >= 20, f"phase {phase} hardly seen"
    for why in ("dust", "nothing"):
        assert tally["take_amounts", "none", why] >= 20, f"{why} hardly seen"


def test_python_and_evm_agree(formulas: Formulas, ask: Any) -> None:
    tally: Counter[Any] = Counter()
    compare(formulas, ask, Drawer(formulas, SEED), CALLS_EACH, tally)
    calls = sum(tally[name, kind] for name in formulas.functions for kind in ("value", "revert"))
    assert calls == CALLS_EACH * len(formulas.functions)
    assert calls >= 20_000
    check_not_vacuous(formulas, tally)


def test_fuzz_reaches_every_return_and_reason(formulas: Formulas) -> None:
    filename = formulas.repayment.__code__.co_filename
    reached: set[int] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != filename:
            return None
        if event == "line":
            reached.add(frame.f_lineno)
        return trace

    previous = sys.gettrace()
    try:
        for name, args in Drawer(formulas, SEED).calls(formulas, 1_000):
            sys.settrace(trace)
            outcome(formulas, name, args)
            sys.settrace(previous)
    finally:
        sys.settrace(previous)
    inner = False
    missed = []
    for number, line in enumerate(formulas.source.splitlines(), start=1):
        inner = line.startswith("def __") if line.startswith("def ") else inner
        wanted = line.strip().startswith("return ") or re.search(r"__revert\('[^']", line)
        if wanted and not inner and number not in reached:
            missed.append(f"{number}: {line.strip()}")
    assert missed == []


def test_fuzz_notices_a_changed_formula(formulas: Formulas, ask: Any, tmp_path: Any) -> None:
    text = formulas.path.read_text()
    changed = text.replace("if now <= opens + duration:", "if now < opens + duration:")
    assert changed != text
    (tmp_path / "margin_math.vy").write_text(changed)
    from surety.formulas import load

    with pytest.raises(pytest.fail.Exception, match=r"auction_phase|account_state"):
        compare(load(tmp_path / "margin_math.vy"), ask, Drawer(formulas, SEED), 900, Counter())


@pytest.mark.deep
@pytest.mark.skipif("SURETY_FUZZ_MINUTES" not in os.environ, reason="set SURETY_FUZZ_MINUTES")
def test_python_and_evm_agree__deep(formulas: Formulas, ask: Any) -> None:
    until = time.monotonic() + 60 * float(os.environ["SURETY_FUZZ_MINUTES"])
    drawer = Drawer(formulas, SEED)
    tally: Counter[Any] = Counter()
    rounds = 0
    while time.monotonic() < until or rounds < DEEP_CALLS_EACH // 1000:
        compare(formulas, ask, drawer, 1000, tally)
        rounds += 1
    check_not_vacuous(formulas, tally)
    assert rounds * 1000 >= DEEP_CALLS_EACH
