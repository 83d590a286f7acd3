# SPDX-License-Identifier: MIT
"""Check a file of worked examples against the formulas in Python and in the EVM.

How formulas compose into an account's margin, its state, a take and a volatility sample is written
once, over
a function `call(name, args)`; Python serves it directly, and the compiled Vyper on a real Anvil
serves it again.
The format is described in docs/formulas.md. All numbers are integers in the units of
margin_math.vy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import click

from surety.formulas import MAX_UINT256, Formulas, Revert, UnknownSyntax
from surety.model.hub import INITIAL_CAP, INITIAL_STEP, MAINTENANCE_CAP, MAINTENANCE_STEP

Answer: TypeAlias = int | tuple[int, ...]
Call: TypeAlias = Callable[[str, tuple[int, ...]], Any]
Question: TypeAlias = tuple[str, tuple[int, ...]]
Evm: TypeAlias = Callable[[Sequence[Question]], list["Answer | Revert"]]
Values: TypeAlias = dict[str, "int | bool | str"]

STATES = ("EMPTY", "HEALTHY", "AT_RISK", "CALLABLE", "CALLED", "IN_AUCTION", "ABSORBABLE")
LEVELS = ("initial", "target", "maintenance", "close_out")
SECTIONS = ("margin", "states", "takes", "volatility")
MAX_FILE = 64 * 2**20
SHOWN = 10

MAX_DEPTH = 16

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,77})\Z", re.ASCII)


class BadFileError(Exception):
    """Say in one line what is wrong with a vectors file, and where in it."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One kind of an account: balance, decimals, prices, the three LTVs, both multipliers (bps)
    and flags.
    """

    balance: int
    decimals: int
    lo: int
    hi: int
    initial_ltv: int
    maintenance_ltv: int
    close_out_ltv: int
    initial_multiplier: int
    maintenance_multiplier: int
    frozen: bool = False
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One example: where it stands, what it computes by a `call`, and what must come out.

    `expected` is None where the contract must revert.
    """

    section: str
    name: str
    compute: Callable[[Call], Values]
    expected: Values | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as the file says, in Python, in the EVM or in both."""

    section: str
    name: str
    field: str
    expected: str
    python: str
    evm: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found: the cases of each section and every difference, in the order of the
    file.
    """

    cases: dict[str, int]
    differences: list[Difference]

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        names = ("section", "name", "field", "expected", "python", "evm")
        return {
            "cases": sum(self.cases.values()),
            "differences": len(self.differences),
            "sections": {
                section: {
                    "cases": count,
                    "differences": sum(item.section == section for item in self.differences),
                }
                for section, count in self.cases.items()
            },
            "first": [
                {name: getattr(item, name) for name in names} for item in self.differences[:SHOWN]
            ],
        }


# composition: the only place where formulas are put together, protocol.md sections 5, 7 and 9


def _total(values: Sequence[int]) -> int:
    """Sum as the EVM does: revert beyond 256 bits."""
    total = sum(values)
    if total > MAX_UINT256:
        raise Revert
    return total


def margin(call: Call, debt: int, legs: Sequence[Leg]) -> Values:
    """Return the requirements of every kind, the capacities of the account, and whether it is
    healthy.
    """
    values: Values = {}
    parts: dict[str, list[int]] = {level: [] for level in LEVELS}
    for at, leg in enumerate(legs):
        lo = call("value_down", (leg.balance, leg.lo, leg.decimals))
        hi = call("value_down", (leg.balance, leg.hi, leg.decimals))
        opening = (lo, leg.initial_ltv, leg.initial_multiplier, int(leg.frozen))
        keeping = (hi, leg.initial_ltv, leg.maintenance_ltv, leg.maintenance_multiplier)
        arguments = {
            "initial": opening,
            "target": (hi, leg.initial_ltv),
            "maintenance": keeping,
            "close_out": (hi, leg.close_out_ltv),
        }
        values[f"requirements[{at}].value_lo"] = lo
        values[f"requirements[{at}].value_hi"] = hi
        for level in LEVELS:
            values[f"requirements[{at}].{level}"] = call(f"{level}_requirement", arguments[level])
            parts[level].append(call(f"{level}_capacity", arguments[level]))
    for level in LEVELS:
        capacity = _total(parts[level])
        values[f"capacities.{level}"] = capacity
        values[f"healthy.{level}"] = debt <= capacity
    return values


def state(
    call: Call,
    debt: int,
    capacities: Mapping[str, int],
    mask: int,
    clock: int,
    now: int,
    duration: int,
) -> Values:
    """Return the state that an account is in, as its name."""
    levels = (capacities["target"], capacities["maintenance"], capacities["close_out"])
    opens = call("opens_at", (clock, duration, 0, 0))
    found = call("account_state", (debt, *levels, mask, opens, duration, now))
    return {"state": STATES[found] if found < len(STATES) else str(found)}


@dataclass(frozen=True, slots=True)
class Take:
    """One purchase from an auction: `factors` are (start, end) per leg in bps, times in seconds."""

    legs: tuple[Leg, ...]
    kind: int
    debt: int
    amount: int
    elapsed: int
    duration: int
    penalty: int
    debt_floor: int
    factors: tuple[tuple[int, int], ...]


def take(call: Call, case: Take) -> Values:
    """Return the price, effective penalty, amount, cost and repaid debt of a take; Revert where
    it is refused.
    """
    hi_values = [call("value_down", (leg.balance, leg.hi, leg.decimals)) for leg in case.legs]
    target, maintenance = [], []
    for leg, value in zip(case.legs, hi_values, strict=True):
        keeping = (value, leg.initial_ltv, leg.maintenance_ltv, leg.maintenance_multiplier)
        target.append(call("target_capacity", (value, leg.initial_ltv)))
        maintenance.append(call("maintenance_capacity", keeping))
    if case.debt <= _total(maintenance):
        raise Revert("account is covered")
    if case.elapsed > case.duration:
        raise Revert("not in auction")
    leg = case.legs[case.kind]
    if leg.flagged:
        raise Revert("price failed")
    factors = [
        call("auction_factor", (start, end, case.elapsed, case.duration))
        for start, end in case.factors
    ]
    sale_value = _total(
        [
            call("sale_value_down", (value, factor))
            for other, value, factor in zip(case.legs, hi_values, factors, strict=True)
            if not other.flagged
        ]
    )
    penalty = call("effective_penalty_down", (case.penalty, sale_value, case.debt))
    factor = factors[case.kind]
    price = call("auction_price_up", (leg.hi, factor))
    if price == 0:
        raise Revert("price failed")
    amount, cost, repaid = call(
        "take_amounts",
        (
            case.debt,
            _total(target),
            leg.balance,
            case.amount,
            leg.hi,
            leg.decimals,
            factor,
            leg.initial_ltv,
            penalty,
            case.debt_floor,
        ),
    )
    if amount == 0:
        raise Revert("leaves dust" if cost else "nothing to take")
    return {
        "price": price,
        "penalty": penalty,
        "amount": amount,
        "cost": cost,
        "repaid": repaid,
    }


@dataclass(frozen=True, slots=True)
class Volatility:
    """What the price hub remembers of one kind between samples: WAD prices, WAD squared
    variance, bps.
    """

    price: int
    at: int
    variance: int
    initial_multiplier: int
    maintenance_multiplier: int


def sample(call: Call, before: Volatility, price: int, at: int, sigma_ref: int) -> Volatility:
    """Return the volatility word after a price was accepted at a time; `before` itself when no
    hour has passed.
    """
    hours = call("volatility_samples", (before.at, at))
    if hours == 0:
        return before
    variance = call("variance_down", (before.variance, before.price, price, hours))
    goal = call("volatility_multiplier_up", (variance, sigma_ref))
    initial = (before.initial_multiplier, goal, INITIAL_CAP, INITIAL_STEP, hours)
    maintenance = (before.maintenance_multiplier, goal, MAINTENANCE_CAP, MAINTENANCE_STEP, hours)
    return Volatility(
        price,
        at,
        variance,
        call("next_multiplier", initial),
        call("next_multiplier", maintenance),
    )


def volatility(
    call: Call, start: Volatility, sigma_ref: int, steps: Sequence[tuple[int, int]]
) -> Values:
    """Return what the last of `steps` (price, time) left behind, and whether it was sampled."""
    after = before = start
    for price, at in steps:
        before = after
        after = sample(call, before, price, at, sigma_ref)
    return {
        "sampled": after is not before,
        "variance": after.variance,
        "initial_multiplier": after.initial_multiplier,
        "maintenance_multiplier": after.maintenance_multiplier,
    }


# the file: every field is known, and named when it is wrong


@dataclass(frozen=True, slots=True)
class _Node:
    """A JSON value and its place in the file."""

    file: str
    place: str
    value: Any

    def fail(self, what: str) -> NoReturn:
        """Raise BadFileError at this place."""
        raise BadFileError(
            f"{self.file}: {self.place}: {what}" if self.place else f"{self.file}: {what}"
        )

    def _is(self, kind: type, name: str) -> Any:
        if type(self.value) is not kind:
            self.fail(f"must be {name}, not {_shown(self.value)}")
        return self.value

    def fields(self, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, _Node]:
        """Return the fields of an object, which must be exactly the needed and perhaps the
        optional ones.
        """
        entries = self._is(dict, "an object")
        for name in entries:
            if name not in needed and name not in optional:
                self.fail(f"unknown field {name!r}")
        for name in needed:
            if name not in entries:
                self.fail(f"field {name!r} is missing")
        prefix = f"{self.place}." if self.place else ""
        return {name: _Node(self.file, prefix + name, value) for name, value in entries.items()}

    def items(self, count: int | None = None) -> list[_Node]:
        """Return the entries of a list, of exactly `count` when given."""
        entries = self._is(list, "a list")
        if count is not None and len(entries) != count:
            self.fail(f"must have {count} entries, not {len(entries)}")
        return [_Node(self.file, f"{self.place}[{at}]", value) for at, value in enumerate(entries)]

    def number(self) -> int:
        """Return an integer in [0, 2**256), written as decimal digits, quoted or not."""
        value = self.value
        if type(value) is str and _DECIMAL.match(value):
            value = int(value)
        if type(value) is not int:
            self.fail(f"must be an integer in decimal digits, not {_shown(self.value)}")
        if not 0 <= value <= MAX_UINT256:
            self.fail("is outside uint256")
        return value

    def boolean(self) -> bool:
        """Return true or false."""
        return bool(self._is(bool, "true or false"))

    def text(self) -> str:
        """Return a text."""
        return str(self._is(str, "a text"))


def _shown(value: Any) -> str:
    """Show a JSON value in an error, cut short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def read(path: Path) -> list[Case]:
    """Read every case of a vectors file. Raises BadFileError naming the file and the place."""
    name = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except IsADirectoryError:
        raise BadFileError(f"{name}: is a directory") from None
    except FileNotFoundError:
        raise BadFileError(f"{name}: no such file") from None
    except OSError as error:
        raise BadFileError(f"{name}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_FILE:
        raise BadFileError(f"{name}: larger than {MAX_FILE} bytes")
    if not raw.strip():
        raise BadFileError(f"{name}: is empty")
    return _cases(_Node(name, "", _parse(name, raw)))


def _parse(name: str, raw: bytes) -> Any:
    """Parse JSON; refuse what json.loads lets pass: a field given twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
            raise BadFileError(f"{name}: field {twice!r} is given twice in one object")
        return entries

    # counted here, for the parser's own guard depends on a limit that other libraries raise
    depth = 0
    for token in _TOKEN.finditer(raw):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise BadFileError(f"{name}: nested too deeply")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise BadFileError(
            f"{name}: line {error.lineno} column {error.colno}: not JSON: {error.msg}"
        ) from None
    except UnicodeDecodeError as error:
        raise BadFileError(f"{name}: byte {error.start}: not UTF-8 text") from None
    except ValueError:
        raise BadFileError(f"{name}: a number has too many digits") from None


def _cases(file: _Node) -> list[Case]:
    """Return the cases of all sections in their fixed order."""
    sections = file.fields((), ("note", *SECTIONS))
    if "note" in sections:
        sections["note"].text()
    readers: dict[str, Callable[[_Node], list[Case]]] = {
        "margin": _margin_cases,
        "states": _state_cases,
        "takes": _take_cases,
        "volatility": _volatility_cases,
    }
    cases = [
        case for name in SECTIONS if name in sections for case in readers[name](sections[name])
    ]
    if not cases:
        file.fail("has no cases")
    return cases


def _leg(node: _Node) -> Leg:
    """Read one leg."""
    needed = ("b", "dec", "lo", "hi", "iltv", "mltv", "cltv", "im", "mm")
    entries = node.fields(needed, ("frozen", "flagged"))
    flags = {name: entries[name].boolean() for name in ("frozen", "flagged") if name in entries}
    return Leg(
        balance=entries["b"].number(),
        decimals=entries["dec"].number(),
        lo=entries["lo"].number(),
        hi=entries["hi"].number(),
        initial_ltv=entries["iltv"].number(),
        maintenance_ltv=entries["mltv"].number(),
        close_out_ltv=entries["cltv"].number(),
        initial_multiplier=entries["im"].number(),
        maintenance_multiplier=entries["mm"].number(),
        **flags,
    )


def _margin_cases(section: _Node) -> list[Case]:
    cases = []
    for node in section.items():
        entries = node.fields(("debt", "legs", "requirements", "capacities", "healthy"), ("name",))
        debt = entries["debt"].number()
        legs = tuple(_leg(item) for item in entries["legs"].items())
        expected: Values = {}
        for at, item in enumerate(entries["requirements"].items(len(legs))):
            for name, value in item.fields(("value_lo", "value_hi", *LEVELS)).items():
                expected[f"requirements[{at}].{name}"] = value.number()
        for name, value in entries["capacities"].fields(LEVELS).items():
            expected[f"capacities.{name}"] = value.number()
        for name, value in entries["healthy"].fields(LEVELS).items():
            expected[f"healthy.{name}"] = value.boolean()
        title = entries["name"].text() if "name" in entries else node.place
        cases.append(_case("margin", title, margin, (debt, legs), expected))
    return cases


def _state_cases(section: _Node) -> list[Case]:
    entries = section.fields(("capacities", "rows"))
    capacities = {
        name: value.number() for name, value in entries["capacities"].fields(LEVELS).items()
    }
    cases = []
    for node in entries["rows"].items():
        row = node.fields(("debt", "clock", "now", "duration", "state"), ("mask",))
        name = row["state"].text()
        if name not in STATES:
            row["state"].fail(f"unknown state {name!r}")
        debt, clock, now, duration = (
            row[key].number() for key in ("debt", "clock", "now", "duration")
        )
        mask = row["mask"].number() if "mask" in row else 1
        arguments = (debt, capacities, mask, clock, now, duration)
        cases.append(_case("states", node.place, state, arguments, {"state": name}))
    return cases


def _take_cases(section: _Node) -> list[Case]:
    cases = []
    numbers = ("kind", "debt", "amount", "elapsed", "duration", "penalty", "debt_floor")
    for node in section.items():
        entries = node.fields(("legs", *numbers, "factors", "result"), ("name",))
        legs = tuple(_leg(item) for item in entries["legs"].items())
        read_numbers = {name: entries[name].number() for name in numbers}
        if read_numbers["kind"] >= len(legs):
            entries["kind"].fail(f"there are only {len(legs)} legs")
        factors = []
        for item in entries["factors"].items(len(legs)):
            start, end = item.items(2)
            factors.append((start.number(), end.number()))
        expected: Values | None = None
        if entries["result"].value is not None:
            result = entries["result"].fields(("price", "penalty", "amount", "cost", "repaid"))
            expected = {name: value.number() for name, value in result.items()}
        title = entries["name"].text() if "name" in entries else node.place
        case = Take(legs=legs, factors=tuple(factors), **read_numbers)
        cases.append(_case("takes", title, take, (case,), expected))
    return cases


def _volatility_cases(section: _Node) -> list[Case]:
    cases = []
    for node in section.items():
        entries = node.fields(("start", "steps"), ("name",))
        start = entries["start"].fields(("price", "at", "sigma_ref"))
        sigma_ref = start["sigma_ref"].number()
        first = Volatility(start["price"].number(), start["at"].number(), 0, 10_000, 10_000)
        steps: list[tuple[int, int]] = []
        last = first.at
        for item in entries["steps"].items():
            numbers = ("variance", "initial_multiplier", "maintenance_multiplier")
            step = item.fields(("price", "at", "sampled", *numbers))
            at = step["at"].number()
            if at < last:
                step["at"].fail("is before the step above")
            last = at
            steps.append((step["price"].number(), at))
            expected: Values = {name: step[name].number() for name in numbers}
            expected["sampled"] = step["sampled"].boolean()
            title = f"{entries['name'].text()}: {item.place}" if "name" in entries else item.place
            arguments = (first, sigma_ref, tuple(steps))
            cases.append(_case("volatility", title, volatility, arguments, expected))
    return cases


def _case(
    section: str,
    name: str,
    composition: Callable[..., Values],
    arguments: tuple[Any, ...],
    expected: Values | None,
) -> Case:
    """Bind a composition to its arguments."""
    return Case(section, name, lambda call: composition(call, *arguments), expected)


# the run


def by_python(formulas: Formulas) -> Call:
    """Serve calls by the loaded formulas."""
    return lambda name, args: getattr(formulas, name)(*args)


@dataclass(slots=True)
class Recorder:
    """Serve calls by another server and remember each of them once."""

    serve: Call
    seen: dict[Question, None] = field(default_factory=dict)

    def __call__(self, name: str, args: tuple[int, ...]) -> Any:
        """Remember the call and pass it on."""
        self.seen[name, args] = None
        return self.serve(name, args)


def run(
    cases: Sequence[Case],
    formulas: Formulas,
    evm: Evm | None,
) -> Outcome:
    """Compute every case in Python, again by `evm` (a list of calls to a list of answers) and
    compare.

    The calls that Python made are put to the EVM together; one that only the EVM's course needs is
    put alone.
    """
    recorder = Recorder(by_python(formulas))
    python = [_attempt(case, recorder) for case in cases]
    machine: list[Values | Revert | None] = [None] * len(cases)
    if evm is not None:
        asked = list(recorder.seen)
        answers = dict(zip(asked, evm(asked), strict=True))

        def serve(name: str, args: tuple[int, ...]) -> Any:
            if (name, args) not in answers:
                answers[name, args] = evm([(name, args)])[0]
            answer = answers[name, args]
            if isinstance(answer, Revert):
                raise Revert(answer.reason)
            return answer

        machine = [_attempt(case, serve) for case in cases]
    counts: dict[str, int] = {}
    differences: list[Difference] = []
    for case, ours, theirs in zip(cases, python, machine, strict=True):
        counts[case.section] = counts.get(case.section, 0) + 1
        differences += _compare(case, ours, theirs)
    return Outcome(counts, differences)


def _attempt(case: Case, call: Call) -> Values | Revert:
    """Compute a case; a revert is a result as well."""
    try:
        return case.compute(call)
    except Revert as revert:
        return revert


def _compare(case: Case, python: Values | Revert, evm: Values | Revert | None) -> list[Difference]:
    """Return the differences of one case: per field, or one for the whole result where a side
    reverts.
    """
    sides = [python] if evm is None else [python, evm]
    if case.expected is None or any(isinstance(side, Revert) for side in sides):
        if case.expected is None and all(isinstance(side, Revert) for side in sides):
            return []
        shown = [_whole(side) for side in sides]
        expected = "reverts" if case.expected is None else _whole(case.expected)
        return [_difference(case, "result", expected, shown)]
    found: list[Difference] = []
    for name, expected_value in case.expected.items():
        values = [side[name] for side in sides if not isinstance(side, Revert)]
        if any(value != expected_value for value in values):
            shown = [_text(value) for value in values]
            found.append(_difference(case, name, _text(expected_value), shown))
    return found


def _difference(case: Case, name: str, expected: str, shown: list[str]) -> Difference:
    """Build a difference from one or two shown sides."""
    evm = shown[1] if len(shown) > 1 else None
    return Difference(case.section, case.name, name, expected, shown[0], evm)


def _text(value: int | bool | str) -> str:
    """Show one value as the file writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(side: Values | Revert) -> str:
    """Show a whole result."""
    if isinstance(side, Revert):
        return f"reverts: {side.reason}" if side.reason else "reverts"
    return "a value" if len(side) > 8 else " ".join(f"{k}={_text(v)}" for k, v in side.items())


@contextmanager
def anvil_evm(
    formulas: Formulas,
) -> Iterator[Evm]:
    """Start Anvil with the compiled formulas and yield a function from calls to answers; ends
    Anvil after.
    """
    from surety.anvil import Anvil
    from surety.chain import Rpc, RpcError
    from surety.harness import HarnessError, compile_harness, decode_revert

    harness = compile_harness(formulas)
    address = "0x" + "f0" * 20
    with Anvil() as anvil:
        rpc = Rpc(anvil.url)
        # not deployed: the harness may be larger than a contract is allowed to be
        rpc.call("anvil_setCode", address, "0x" + harness.runtime.hex())

        def answer(name: str, result: object) -> Answer | Revert:
            if isinstance(result, RpcError):
                if not isinstance(result.data, str):
                    raise HarnessError(f"{name}: {result}")
                return decode_revert(bytes.fromhex(result.data.removeprefix("0x")))
            return harness.decode(name, bytes.fromhex(str(result).removeprefix("0x")))

        def ask(calls: Sequence[Question]) -> list[Answer | Revert]:
            requests = []
            for name, args in calls:
                data = "0x" + harness.encode(name, args).hex()
                requests.append(("eth_call", ({"to": address, "data": data}, "latest")))
            results = rpc.batch(requests, return_errors=True)
            return [answer(one[0], got) for one, got in zip(calls, results, strict=True)]

        yield ask


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--no-evm", is_flag=True, help="Ask only Python, start no Anvil.")
def vectors(file: Path, as_json: bool, no_evm: bool) -> None:
    """Check a vectors FILE against the formulas in Python and in the EVM.

    Exit codes: 0 no difference, 1 the file is bad or a tool is missing (one line), 2 a difference.
    """
    from surety.anvil import AnvilFailed, AnvilMissing
    from surety.chain import ChainError
    from surety.commands import Failure
    from surety.harness import HarnessError

    try:
        cases = read(file)
        from surety.formulas import margin_math

        if no_evm:
            outcome = run(cases, margin_math, None)
        else:
            with anvil_evm(margin_math) as evm:
                outcome = run(cases, margin_math, evm)
    except (
        BadFileError,
        UnknownSyntax,
        HarnessError,
        AnvilMissing,
        AnvilFailed,
        ChainError,
        OSError,
    ) as error:
        raise Failure(error) from None
    if as_json:
        click.echo(json.dumps(outcome.to_json()))
    else:
        _show(outcome, with_evm=not no_evm)
    if outcome.differences:
        raise SystemExit(2)


def _show(outcome: Outcome, with_evm: bool) -> None:
    """Print a table of the sections and the first differences."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True)
    table = Table(
        "section", "cases", "differences", title="Python and EVM" if with_evm else "Python"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for section, counts in outcome.to_json()["sections"].items():
        table.add_row(section, str(counts["cases"]), str(counts["differences"]))
    table.add_row("all", str(sum(outcome.cases.values())), str(len(outcome.differences)))
    console.print(table)
    for item in outcome.differences[:SHOWN]:
        sides = f"expected {item.expected}, python {item.python}"
        if item.evm is not None:
            sides += f", evm {item.evm}"
        console.print(escape(f"{item.section} · {item.name} · {item.field}: {sides}"))
    if len(outcome.differences) > SHOWN:
        console.print(f"and {len(outcome.differences) - SHOWN} more")
