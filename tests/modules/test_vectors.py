# SPDX-License-Identifier: MIT
"""Vectors: an independent reference in fractions, the committed file, and every way a file can be
bad.

The reference below is written from the specification alone and shares no line with the formulas.
Running this
file as a program writes tests/modules/data/vectors.json anew.
"""

from __future__ import annotations

import copy
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from surety.cli import main
from surety.formulas import Formulas, Revert
from surety.vectors import BadFileError, Recorder, anvil_evm, by_python, read, run

DATA = Path(__file__).parent / "data" / "vectors.json"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "design" / "vectors.json"
LEVELS = ("initial", "target", "maintenance", "close_out")


# the reference: exact fractions, rounded where the specification rounds


def up(value: Fraction) -> int:
    return math.ceil(value)


def down(value: Fraction) -> int:
    return math.floor(value)


def bps(value: int) -> Fraction:
    return Fraction(value, 10_000)


def requirements(leg: dict[str, Any]) -> dict[str, int]:
    """Return the two values and the four requirements of one leg."""
    low = down(Fraction(leg["b"] * leg["lo"], 10 ** leg["dec"]))
    high = down(Fraction(leg["b"] * leg["hi"], 10 ** leg["dec"]))
    target = up(high * (1 - bps(leg["iltv"])))
    opening = up(up(low * (1 - bps(leg["iltv"]))) * bps(leg["im"]))
    keeping = up(up(high * (1 - bps(leg["mltv"]))) * bps(leg["mm"]))
    return {
        "value_lo": low,
        "value_hi": high,
        "initial": low if leg.get("frozen") else min(low, opening),
        "target": target,
        "maintenance": min(target, keeping),
        "close_out": up(high * (1 - bps(leg["cltv"]))),
    }


def capacities(legs: list[dict[str, Any]]) -> dict[str, int]:
    """Return what all legs together support at each level."""
    rows = [requirements(leg) for leg in legs]
    return {
        level: sum(
            row["value_lo" if level == "initial" else "value_hi"] - row[level] for row in rows
        )
        for level in LEVELS
    }


def margin_case(name: str, debt: int, legs: list[dict[str, Any]]) -> dict[str, Any]:
    supported = capacities(legs)
    return {
        "name": name,
        "debt": debt,
        "legs": legs,
        "requirements": [requirements(leg) for leg in legs],
        "capacities": supported,
        "healthy": {level: debt <= supported[level] for level in LEVELS},
    }


def state_row(levels: dict[str, int], row: dict[str, int]) -> dict[str, Any]:
    """Read the table of states top down."""
    debt, clock, now = row["debt"], row["clock"], row["now"]
    closes = clock + row["duration"]
    if debt == 0 and row.get("mask", 1) == 0:
        state = "EMPTY"
    elif debt <= levels["target"]:
        state = "HEALTHY"
    elif debt <= levels["maintenance"]:
        state = "AT_RISK"
    elif clock and now < clock:
        state = "CALLED"
    elif clock and clock <= now <= closes:
        state = "IN_AUCTION"
    elif clock and closes < now <= closes + row["duration"] and debt > levels["close_out"]:
        state = "ABSORBABLE"
    else:
        state = "CALLABLE"
    return {**row, "state": state}


def take_result(case: dict[str, Any]) -> dict[str, int] | None:
    """Size a take in fractions; None where it must be refused."""
    supported = capacities(case["legs"])
    debt, leg = case["debt"], case["legs"][case["kind"]]
    if debt <= supported["maintenance"] or case["elapsed"] > case["duration"] or leg.get("flagged"):
        return None
    passed = Fraction(case["elapsed"], case["duration"])
    factors = [start - down((start - end) * passed) for start, end in case["factors"]]
    proceeds = sum(
        down(requirements(other)["value_hi"] * bps(factor))
        for other, factor in zip(case["legs"], factors, strict=True)
        if not other.get("flagged")
    )
    penalty = 0
    if proceeds > debt:
        penalty = min(case["penalty"], down(Fraction(proceeds - debt, debt) * 10_000))
    grossed, factor = 1 + bps(penalty), factors[case["kind"]]
    price = up(leg["hi"] * bps(factor))
    unit = 10 ** leg["dec"]
    gap = bps(factor) - bps(leg["iltv"]) * grossed
    worth = requirements(leg)["value_hi"]
    if gap > 0:
        worth = up((debt - supported["target"]) * grossed / gap)
    most = min(case["amount"], leg["b"])
    sold = min(most, up(Fraction(worth * unit, leg["hi"])))
    if sold == 0:
        return None
    cost, owed = up(Fraction(sold * price, unit)), up(debt * grossed)
    repaid = min(debt, down(cost / grossed))
    clear = up(Fraction(owed * unit, price))
    if cost >= owed:
        sold, cost, repaid = min(sold, clear), owed, debt
    elif 0 < debt - repaid < case["debt_floor"] and sold < leg["b"]:
        if clear <= most:
            sold, cost, repaid = clear, owed, debt
        elif debt > case["debt_floor"]:
            # the dearest cost that repays at most debt - floor
            dearest = up((debt - case["debt_floor"] + 1) * grossed) - 1
            sold = down(Fraction(dearest * unit, price))
            if sold == 0:
                return None
            cost = up(Fraction(sold * price, unit))
            repaid = min(debt, down(cost / grossed))
        else:
            return None
    return {"price": price, "penalty": penalty, "amount": sold, "cost": cost, "repaid": repaid}


def volatility_steps(start: dict[str, int], prices: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Sample an EWMA by hours; the weight is a product floored at every step."""
    wad = 10**18
    price, at, variance = start["price"], start["at"], 0
    multipliers = [10_000, 10_000]
    rows = []
    for new, now in prices:
        hours = (now - at) // 3600
        if hours:
            moved = min(down(Fraction(abs(new - price) * wad, price)), wad // 2)
            weight = wad
            for _ in range(min(hours, 24)):
                weight = down(weight * Fraction(97, 100))
            fresh = down(Fraction(moved * moved, hours))
            variance = down(Fraction(weight * variance + (wad - weight) * fresh, wad))
            sigma = math.isqrt(variance)
            goal = max(10_000, up(Fraction(sigma * 10_000, start["sigma_ref"])))
            for which, cap, rise in ((0, 25_000, 5_000), (1, 12_500, 500)):
                bound, old = min(goal, cap), multipliers[which]
                if bound > old:
                    multipliers[which] = min(bound, old + rise * min(hours, 4))
                else:
                    multipliers[which] = max(bound, old - 250 * min(hours, 24))
            price, at = new, now
        rows.append(
            {
                "price": new,
                "at": now,
                "sampled": hours > 0,
                "variance": variance,
                "initial_multiplier": multipliers[0],
                "maintenance_multiplier": multipliers[1],
            }
        )
    return rows


def random_leg(pick: random.Random, same: bool) -> dict[str, Any]:
    decimals = pick.choice((6, 8, 18))
    hi = pick.randint(10**17, 10**23)
    iltv = pick.randint(5_000, 9_000)
    mltv = iltv + pick.randint(1, 500)
    return {
        "b": pick.choice((pick.randint(1, 10 ** (decimals + 3)), pick.randint(1, 10**decimals))),
        "dec": decimals,
        "lo": hi if same else pick.choice((hi, pick.randint(0, hi))),
        "hi": hi,
        "iltv": iltv,
        "mltv": mltv,
        "cltv": mltv + pick.randint(1, 400),
        "im": pick.randint(10_000, 25_000),
        "mm": pick.randint(10_000, 12_500),
    }


def random_take(pick: random.Random) -> dict[str, Any]:
    legs = [random_leg(pick, True) for _ in range(pick.choice((1, 1, 2, 3)))]
    supported = capacities(legs)
    debt = supported["maintenance"] + pick.choice(
        (0, 1) + (pick.randint(1, supported["close_out"] // 8),) * 8
    )
    kind = pick.randrange(len(legs))
    balance = legs[kind]["b"]
    if len(legs) > 1 and pick.random() < 0.2:
        legs[pick.randrange(len(legs))]["flagged"] = True
    case = {
        "legs": legs,
        "kind": kind,
        "debt": max(1, debt),
        "amount": pick.choice((balance, 2 * balance, pick.randint(0, balance), 1, balance // 2)),
        "elapsed": pick.randint(0, 7300),
        "duration": 7200,
        "penalty": pick.choice((0, 500, 1000)),
        "debt_floor": pick.choice((0, 10**18, debt // 9, debt // 2, debt, debt + 1)),
        "factors": [
            [pick.randint(10_000, 11_000), pick.randint(leg["cltv"] - 500, 9_900)] for leg in legs
        ],
    }
    return {**case, "result": take_result(case)}


def reference() -> dict[str, Any]:
    """Build a small vectors file: every number from the reference, seeded."""
    pick = random.Random(20200312)
    margins = []
    for number in range(11):
        legs = [random_leg(pick, False) for _ in range(pick.randint(1, 3))]
        if number % 5 == 0:
            legs[0]["frozen"] = True
        supported = capacities(legs)
        debt = max(0, supported[pick.choice(LEVELS)] + pick.choice((-1, 0, 1)))
        margins.append(margin_case(f"seeded {number}", debt, legs))
    margins.append(margin_case("nothing", 0, []))
    levels = {"initial": 7_800, "target": 8_000, "maintenance": 8_500, "close_out": 9_100}
    rows = [
        state_row(levels, {"debt": debt, "clock": clock, "now": now, "duration": 7200})
        for debt in (0, 8_000, 8_001, 8_500, 8_501, 9_100, 9_101)
        for clock, now in [
            (0, 5),
            *((3600, now) for now in (3599, 3600, 10_800, 10_801, 18_000, 18_001)),
        ]
    ]
    rows.append(state_row(levels, {"debt": 0, "clock": 0, "now": 5, "duration": 7200, "mask": 0}))
    walks = []
    for _ in range(3):
        at, price, prices = 0, 2_000 * 10**18, []
        for _ in range(10):
            at += pick.choice((10, 3599, 3600, 7200, 90_000))
            price = max(1, price * pick.randint(70, 125) // 100)
            prices.append((price, at))
        start = {"price": 2_000 * 10**18, "at": 0, "sigma_ref": 15 * 10**15}
        walks.append({"start": start, "steps": volatility_steps(start, prices)})
    return {
        "note": "Written by tests/modules/test_vectors.py from a reference in fractions.",
        "margin": margins,
        "states": {"capacities": levels, "rows": rows},
        "takes": [random_take(pick) for _ in range(36)],
        "volatility": walks,
    }


def quoted(value: Any) -> Any:
    """Write integers as decimal strings, as the format does."""
    if isinstance(value, dict):
        return {key: quoted(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [quoted(entry) for entry in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def as_text() -> str:
    return json.dumps(quoted(reference()), indent=1) + "\n"


# the committed file


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DATA.read_text())
    return loaded


def test_committed_file_is_what_the_reference_writes() -> None:
    assert DATA.read_text() == as_text()


def test_committed_file_covers_refused_and_accepted_takes_and_every_state(
    good: dict[str, Any],
) -> None:
    results = [case["result"] for case in good["takes"]]
    assert 5 <= results.count(None) <= len(results) - 20
    assert len({row["state"] for row in good["states"]["rows"]}) == 7
    partial = [case for case in good["takes"] if case["result"]]
    assert sum(case["result"]["repaid"] == case["debt"] for case in partial) >= 3
    assert {step["sampled"] for walk in good["volatility"] for step in walk["steps"]} == {
        True,
        False,
    }


def test_python_and_anvil_agree_with_the_reference(formulas: Formulas) -> None:
    with anvil_evm(formulas) as evm:
        outcome = run(read(DATA), formulas, evm)
    assert outcome.differences == []
    assert outcome.cases == {"margin": 12, "states": 50, "takes": 36, "volatility": 30}


@pytest.mark.skipif(
    not SHARED.is_file(), reason="the design's vectors.json is not beside the repository"
)
def test_python_and_evm_agree_with_the_design(formulas: Formulas, ask: Any) -> None:
    outcome = run(read(SHARED), formulas, lambda calls: [ask(*one) for one in calls])
    assert outcome.differences == []
    assert sum(outcome.cases.values()) >= 200


def test_python_agrees_with_the_reference_on_many_takes(formulas: Formulas, tmp_path: Path) -> None:
    pick = random.Random(7)
    takes = [random_take(pick) for _ in range(1500)]
    path = tmp_path / "takes.json"
    path.write_text(json.dumps(quoted({"takes": takes})))
    assert run(read(path), formulas, None).differences == []
    assert sum(case["result"] is None for case in takes) > 100


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Walk to every leaf of a JSON value."""
    if isinstance(node, dict | list):
        for key, entry in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(entry, (*path, key))
    else:
        yield path


def expectations(data: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the place of every expected value of a vectors file."""
    wanted = []
    for path in places(data):
        expected = (
            (path[0] == "margin" and path[2] in ("requirements", "capacities", "healthy"))
            or (path[0] == "states" and path[-1] == "state")
            or (path[0] == "takes" and path[2] == "result")
            or (path[0] == "volatility" and path[2] == "steps" and path[-1] not in ("price", "at"))
        )
        if expected:
            wanted.append(path)
    return wanted


def mutated(data: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Change one expected value to a neighbouring one."""
    changed = copy.deepcopy(data)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    value = node[path[-1]]
    if isinstance(value, bool):
        node[path[-1]] = not value
    elif value is None:
        node[path[-1]] = dict.fromkeys(("price", "penalty", "amount", "cost", "repaid"), "1")
    elif path[-1] == "state":
        node[path[-1]] = "CALLED" if value != "CALLED" else "CALLABLE"
    else:
        node[path[-1]] = str(int(value) + 1)
    return changed


def test_every_mutated_expectation_is_one_difference(
    good: dict[str, Any], formulas: Formulas, tmp_path: Path
) -> None:
    # a smaller file with a case of each section, so that every single expectation can be changed
    # in turn
    refused = [case for case in good["takes"] if case["result"] is None]
    small = {
        "margin": good["margin"][:2],
        "states": {**good["states"], "rows": good["states"]["rows"][::9]},
        "takes": sorted(good["takes"], key=lambda case: case["result"] is None)[:4] + refused[:1],
        "volatility": [{**good["volatility"][0], "steps": good["volatility"][0]["steps"][:3]}],
    }
    path = tmp_path / "mutated.json"
    count = 0
    for place in expectations(small):
        path.write_text(json.dumps(mutated(small, place)))
        differences = run(read(path), formulas, None).differences
        assert len(differences) == 1, place
        assert differences[0].section == place[0]
        count += 1
    assert count > 60


def test_take_written_as_refused_is_a_difference(
    good: dict[str, Any], formulas: Formulas, tmp_path: Path
) -> None:
    taken = next(case for case in good["takes"] if case["result"])
    path = tmp_path / "refused.json"
    path.write_text(json.dumps({"takes": [{**taken, "result": None}]}))
    (difference,) = run(read(path), formulas, None).differences
    assert difference.field == "result"
    assert difference.expected == "reverts"
    assert f"cost={taken['result']['cost']}" in difference.python


def test_difference_of_the_evm_alone_is_found(formulas: Formulas) -> None:
    serve = by_python(formulas)

    def wrong(calls: Any) -> list[Any]:
        answers = []
        for name, args in calls:
            try:
                value = serve(name, args)
            except Revert as revert:
                value = revert
            answers.append(value + 1 if name == "close_out_capacity" else value)
        return answers

    outcome = run(read(DATA), formulas, wrong)
    assert {(item.section, item.field) for item in outcome.differences} >= {
        ("margin", "capacities.close_out")
    }
    first = outcome.differences[0]
    assert first.python == first.expected
    assert first.evm == str(int(first.expected) + len(reference()["margin"][0]["legs"]))


def test_recorder_remembers_each_call_once(formulas: Formulas) -> None:
    recorder = Recorder(by_python(formulas))
    assert recorder("div_up", (7, 2)) == recorder("div_up", (7, 2)) == 4
    assert list(recorder.seen) == [("div_up", (7, 2))]


# the command


def invoke(*args: str) -> Any:
    return CliRunner(mix_stderr=False).invoke(main, ["vectors", *args])


def test_command_prints_json_and_exits_0() -> None:
    result = invoke(str(DATA), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "cases": 128,
        "differences": 0,
        "sections": {
            "margin": {"cases": 12, "differences": 0},
            "states": {"cases": 50, "differences": 0},
            "takes": {"cases": 36, "differences": 0},
            "volatility": {"cases": 30, "differences": 0},
        },
        "first": [],
    }


def test_command_prints_a_table() -> None:
    result = invoke(str(DATA), "--no-evm")
    assert result.exit_code == 0
    assert "volatility" in result.output
    assert "128" in result.output


@pytest.mark.parametrize("as_json", [True, False])
def test_command_shows_the_first_differences_and_exits_2(
    good: dict[str, Any], tmp_path: Path, as_json: bool
) -> None:
    changed = copy.deepcopy(good)
    for case in changed["margin"][:11]:
        case["capacities"]["initial"] = "7"
        case["capacities"]["target"] = "7"
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(changed))
    result = invoke(str(path), *(["--json"] if as_json else []))
    assert result.exit_code == 2
    was = good["margin"][0]["capacities"]["initial"]
    if as_json:
        told = json.loads(result.stdout)
        assert told["differences"] == 22
        assert told["sections"]["margin"] == {"cases": 12, "differences": 22}
        assert len(told["first"]) == 10
        assert told["first"][0] == {
            "section": "margin",
            "name": "seeded 0",
            "field": "capacities.initial",
            "expected": "7",
            "python": was,
            "evm": was,
        }
    else:
        line = f"margin · seeded 0 · capacities.initial: expected 7, python {was}, evm {was}"
        assert line in result.output
        assert "and 12 more" in result.output


def edit(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a function that sets one place of a vectors file."""

    def change(data: dict[str, Any]) -> None:
        node: Any = data
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    return change


DIGITS = "must be an integer in decimal digits"
BAD = [
    (edit("margin", 3, "debt", value="1.5"), f'margin[3].debt: {DIGITS}, not "1.5"'),
    (edit("margin", 3, "debt", value=1.0), f"margin[3].debt: {DIGITS}, not 1.0"),
    (edit("margin", 3, "debt", value=math.nan), f"margin[3].debt: {DIGITS}, not NaN"),
    (edit("margin", 3, "debt", value=math.inf), f"margin[3].debt: {DIGITS}, not Inf"),
    (edit("margin", 3, "debt", value="NaN"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value=True), f"margin[3].debt: {DIGITS}, not true"),
    (edit("margin", 3, "debt", value=None), f"margin[3].debt: {DIGITS}, not null"),
    (edit("margin", 3, "debt", value=""), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value="-1"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value="0x10"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value="1e18"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value=" 1"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value="1\n"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value="١"), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value=-1), "margin[3].debt: is outside uint256"),
    (edit("margin", 3, "debt", value=2**256), "margin[3].debt: is outside uint256"),
    (edit("margin", 3, "debt", value=str(2**256)), "margin[3].debt: is outside uint256"),
    (edit("margin", 3, "debt", value="9" * 5000), f"margin[3].debt: {DIGITS}"),
    (edit("margin", 3, "debt", value=[1]), f"margin[3].debt: {DIGITS}, not a list"),
    (edit("margin", 3, "name", value=5), "margin[3].name: must be a text, not 5"),
    (edit("margin", 3, "legs", value={}), "margin[3].legs: must be a list, not an object"),
    (edit("margin", 3, "legs", 0, "extra", value="1"), "margin[3].legs[0]: unknown field 'extra'"),
    (
        edit("margin", 0, "legs", 0, "frozen", value="1"),
        'margin[0].legs[0].frozen: must be true or false, not "1"',
    ),
    (edit("margin", 3, "requirements", value=[]), "margin[3].requirements: must have "),
    (edit("margin", 3, "capacities", value={}), "margin[3].capacities: field 'initial' is missing"),
    (
        edit("margin", 3, "healthy", "target", value="true"),
        "margin[3].healthy.target: must be true or false",
    ),
    (edit("margin", 3, value=7), "margin[3]: must be an object, not 7"),
    (edit("margin", value="x"), 'margin: must be a list, not "x"'),
    (
        edit("states", "rows", 4, "state", value="FINE"),
        "states.rows[4].state: unknown state 'FINE'",
    ),
    (edit("states", value=[]), "states: must be an object, not a list"),
    (edit("states", "rows", 0, "mask", value="x"), "states.rows[0].mask: must be an integer"),
    (edit("takes", 1, "kind", value="9"), "takes[1].kind: there are only "),
    (edit("takes", 1, "factors", value=[]), "takes[1].factors: must have "),
    (
        edit("takes", 1, "factors", 0, value=["1"]),
        "takes[1].factors[0]: must have 2 entries, not 1",
    ),
    (edit("takes", 1, "result", value=False), "takes[1].result: must be an object, not false"),
    (
        edit("volatility", 1, "steps", 2, "at", value="0"),
        "volatility[1].steps[2].at: is before the step above",
    ),
    (
        edit("volatility", 1, "steps", 2, "sampled", value=1),
        "volatility[1].steps[2].sampled: must be true or false",
    ),
    (
        edit("volatility", 1, "start", "sigma_ref", value=[]),
        "volatility[1].start.sigma_ref: must be an integer",
    ),
    (edit("more", value=[]), "unknown field 'more'"),
    (edit("note", value=5), "note: must be a text, not 5"),
    (lambda data: data["takes"][1].pop("result"), "takes[1]: field 'result' is missing"),
    (lambda data: data.clear(), "has no cases"),
]


@pytest.mark.parametrize(("change", "told"), BAD, ids=range(len(BAD)))
def test_read_refuses_a_bad_file_and_names_the_place(
    good: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    changed = copy.deepcopy(good)
    change(changed)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(changed))
    with pytest.raises(BadFileError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: {told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ": is empty"),
        (b" \n", ": is empty"),
        (b"{", ": line 1 column 2: not JSON: "),
        (b'{"margin": [],}', ": not JSON: "),
        (b"ts,open\n1,2\n", ": line 1 column 1: not JSON: "),
        (b"\xff\xfe", ": byte 0: not UTF-8 text"),
        (b"\xef\xbb\xbf{}", ": not JSON: "),
        (b"[]", ": must be an object, not a list"),
        (b"null", ": must be an object, not null"),
        (b'{"margin": [], "margin": []}', ": field 'margin' is given twice in one object"),
        (b'{"margin": []}', ": has no cases"),
        (b"[" * 100_000, ": nested too deeply"),
        (b'{"margin": ' + b"9" * 5000 + b"}", ": a number has too many digits"),
    ],
    ids=range(13),
)
def test_command_refuses_what_is_no_vectors_file(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    result = invoke(str(path))
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"surety vectors: {path}: ")
    assert told in lines[0]


def test_command_refuses_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    missing = invoke(str(tmp_path / "none.json"))
    assert (missing.exit_code, missing.stderr) == (
        1,
        f"surety vectors: {tmp_path}/none.json: no such file\n",
    )
    folder = invoke(str(tmp_path))
    assert (folder.exit_code, folder.stderr) == (1, f"surety vectors: {tmp_path}: is a directory\n")


def test_command_starts_no_anvil_for_a_bad_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surety.anvil.Anvil.start", lambda self: pytest.fail("started"))
    (tmp_path / "bad.json").write_text("{")
    assert invoke(str(tmp_path / "bad.json")).exit_code == 1


def test_command_names_a_missing_anvil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURETY_ANVIL", "/nonexistent/anvil")
    result = invoke(str(DATA))
    assert result.exit_code == 1
    assert result.stderr.startswith("surety vectors: SURETY_ANVIL names no Anvil")
    assert len(result.stderr.splitlines()) == 1


def test_command_leaves_no_anvil_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from surety.anvil import Anvil

    seen: list[int] = []
    stop = Anvil.stop

    def watched(self: Anvil) -> None:
        if self.running:
            seen.append(self.pid)
        stop(self)

    monkeypatch.setattr(Anvil, "stop", watched)
    monkeypatch.setattr("surety.vectors.run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    assert invoke(str(DATA)).exit_code != 0
    assert len(seen) == 1
    assert subprocess.run(["ps", "-p", str(seen[0])], capture_output=True).returncode == 1


def test_command_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "surety.cli", "vectors", str(DATA), "--json", "--no-evm"],
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["cases"] == 128


if __name__ == "__main__":
    DATA.write_text(as_text())
