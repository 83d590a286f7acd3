# SPDX-License-Identifier: MIT
"""Scenarios: stories of a market rebuilt from published facts, with a seeded bridge between them.

A fact is a level at a time with its source. Between two facts of a kind the logarithm of the price
goes in a straight line plus a Brownian bridge, which is 0 at both ends: every fact is met exactly.
The bridge never leaves the range of the facts around it by more than its noise, and never passes
the lowest or highest fact of its kind.
"""

from __future__ import annotations

import difflib
import math
import random
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path as FilePath

from surety import paths
from surety.demo.kinds import KINDS
from surety.demo.path import Path
from surety.demo.series import MAX_TIME, to_wad

WAD = 10**18
CENTS = 10**14  # prices of a bridge are rounded to 4 decimals: float noise never reaches the chain
MAX_POINTS = 100_000

_TOP_KEYS = ("name", "title", "about", "driver", "step", "correlation", "kinds")
_KIND_KEYS = ("hourly_noise", "facts")
_FACT_KEYS = ("at", "level", "source")


class ScenarioError(Exception):
    """A scenario file that cannot be used: one line with the file, the place and what to do."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A published level: unix seconds, WAD, and where it was published."""

    at: int
    level: int
    source: str


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of one kind; `hourly_noise` is the bridge's standard deviation per square root
    of an hour.
    """

    facts: tuple[Fact, ...]
    hourly_noise: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story: tracks by kind name, `step` seconds between prices, the driver's name."""

    name: str
    title: str
    about: str
    driver: str
    step: int
    correlation: float
    tracks: dict[str, Track]


def built_in(name: str) -> FilePath:
    """Return the path of a scenario that comes with the project."""
    return paths.scenarios() / f"{name}.toml"


def load_scenario(path: FilePath, any_kind: bool = False) -> Scenario:
    """Read and check a scenario. Raises ScenarioError, with a hint for an unknown key.

    The demo plays its own kinds only; with `any_kind` a story may have others.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ScenarioError(
            f"{path}: cannot be read ({error.strerror or error}); check the path"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not TOML ({error}); mend it") from None
    _check_keys(path, "the top", raw, _TOP_KEYS)
    kinds = _table(path, "kinds", raw["kinds"])
    _check_keys(
        path, "kinds", kinds, tuple(kinds) if any_kind else tuple(kind.name for kind in KINDS)
    )
    if not kinds:
        raise ScenarioError(f"{path}: kinds is empty; add [kinds.NAME] with its facts")
    driver = _text(path, "driver", raw["driver"])
    if driver not in kinds:
        raise ScenarioError(f"{path}: driver {driver!r} is no kind; use one of {', '.join(kinds)}")
    step = raw["step"]
    if not isinstance(step, int) or isinstance(step, bool) or not 1 <= step <= 86_400:
        raise ScenarioError(f"{path}: step must be whole seconds from 1 to 86400")
    tracks = {
        name: _track(path, name, _table(path, f"kinds.{name}", row)) for name, row in kinds.items()
    }
    ends = {(track.facts[0].at, track.facts[-1].at) for track in tracks.values()}
    if len(ends) != 1:
        raise ScenarioError(
            f"{path}: the kinds begin or end at different times; give each the same first and last"
        )
    start, end = ends.pop()
    if (end - start) // step > MAX_POINTS:
        raise ScenarioError(f"{path}: more than {MAX_POINTS:,} prices; use a longer step")
    return Scenario(
        name=_text(path, "name", raw["name"]),
        title=_text(path, "title", raw["title"]),
        about=_text(path, "about", raw["about"]),
        driver=driver,
        step=step,
        correlation=_number(path, "correlation", raw["correlation"], 0.0, 1.0),
        tracks=tracks,
    )


def rebuild(scenario: Scenario, seed: int) -> Path:
    """Draw the path of a scenario: facts exactly, between them a bridge that a seed decides."""
    first = scenario.tracks[scenario.driver].facts
    times = sorted(
        {*range(first[0].at, first[-1].at + 1, scenario.step)}
        | {fact.at for track in scenario.tracks.values() for fact in track.facts}
    )
    common = _gauss(f"{seed}:{scenario.name}:{scenario.driver}", len(times))
    rho = scenario.correlation
    own_share = math.sqrt(1 - rho * rho)
    prices: dict[str, tuple[int, ...]] = {}
    for name, track in scenario.tracks.items():
        noise = common
        if name != scenario.driver:
            own = _gauss(f"{seed}:{scenario.name}:{name}", len(times))
            noise = [
                rho * shared + own_share * alone for shared, alone in zip(common, own, strict=True)
            ]
        prices[name] = tuple(_bridge(track, times, noise))
    return Path(tuple(times), prices, scenario.driver)


def _bridge(track: Track, times: list[int], noise: list[float]) -> Iterable[int]:
    """Yield the WAD price at each time."""
    lowest = min(fact.level for fact in track.facts)
    highest = max(fact.level for fact in track.facts)
    steady = lowest == highest  # a kind with one level only wobbles around it
    facts = {fact.at: fact.level for fact in track.facts}
    yield track.facts[0].level
    place = 1
    for left, right in pairwise(track.facts):
        inside = []
        while times[place] < right.at:
            inside.append(place)
            place += 1
        walk = [0.0]
        at = left.at
        for index in [*inside, place]:
            hours = (times[index] - at) / 3600
            at = times[index]
            walk.append(walk[-1] + noise[index] * track.hourly_noise * math.sqrt(hours))
        low, high = math.log(left.level / WAD), math.log(right.level / WAD)
        for step, index in enumerate(inside, 1):
            share = (times[index] - left.at) / (right.at - left.at)
            drift = low + (high - low) * share
            price = round(math.exp(drift + walk[step] - share * walk[-1]) * WAD) // CENTS * CENTS
            yield max(1, price) if steady else min(highest, max(lowest, price))
        yield facts[times[place]]
        place += 1


def _gauss(seed: str, count: int) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(0.0, 1.0) for _ in range(count)]


def _track(path: FilePath, name: str, row: dict[str, object]) -> Track:
    where = f"kinds.{name}"
    _check_keys(path, where, row, _KIND_KEYS)
    listed = row["facts"]
    if not isinstance(listed, list) or len(listed) < 2:
        raise ScenarioError(f"{path}: {where}.facts needs at least two facts")
    facts: list[Fact] = []
    for place, entry in enumerate(listed, 1):
        spot = f"{where}.facts[{place}]"
        fact = _fact(path, spot, _table(path, spot, entry))
        if facts and fact.at <= facts[-1].at:
            raise ScenarioError(f"{path}: {spot} is not later than the fact before; sort by time")
        facts.append(fact)
    return Track(
        tuple(facts), _number(path, f"{where}.hourly_noise", row["hourly_noise"], 0.0, 0.5)
    )


def _fact(path: FilePath, spot: str, row: dict[str, object]) -> Fact:
    _check_keys(path, spot, row, _FACT_KEYS)
    at = row["at"]
    if not isinstance(at, datetime):
        raise ScenarioError(
            f"{path}: {spot}.at must be a date and time, such as 2020-03-12T08:00:00Z"
        )
    moment = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    if not 0 < moment <= MAX_TIME:
        raise ScenarioError(f"{path}: {spot}.at is out of range")
    level = row["level"]
    try:
        wad = to_wad(level if isinstance(level, str) else "")
    except ValueError as problem:
        raise ScenarioError(
            f'{path}: {spot}.level {problem}; write a price as text, such as "171"'
        ) from None
    return Fact(moment, wad, _text(path, f"{spot}.source", row["source"]))


def _check_keys(path: FilePath, where: str, row: dict[str, object], known: tuple[str, ...]) -> None:
    for key in row:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            raise ScenarioError(f"{path}: unknown key {key!r} in {where}; {hint}")
    for key in known:
        if key not in row:
            raise ScenarioError(f"{path}: {where} lacks {key!r}; add it")


def _table(path: FilePath, where: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ScenarioError(f"{path}: {where} must be a table")
    return value


def _text(path: FilePath, where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ScenarioError(f"{path}: {where} must be a text that is not empty")
    return value


def _number(path: FilePath, where: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ScenarioError(f"{path}: {where} must be a number from {low:g} to {high:g}")
    return float(value)
