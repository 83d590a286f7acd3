# SPDX-License-Identifier: MIT
"""Where stories come from: price files by path, and built-in scenarios by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surety import paths
from surety.demo.scenario import load_scenario, rebuild
from surety.prices.market import HEARTBEAT, MarketError, Story, story_of
from surety.series import Point, Series, SeriesError, read_table, utc

SEED = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a source is replayed, and how its prices are meant: the options of the command."""

    kind: str | None = None
    start: int | None = None
    end: int | None = None
    symbols: tuple[str, ...] = ()
    column: str | None = None
    between: str | None = None
    deviation_bps: int | None = None
    heartbeat: int = HEARTBEAT
    seed: int = SEED


def built_ins() -> list[str]:
    """Return the names of the scenarios that come with the project."""
    return sorted(path.stem for path in paths.scenarios().glob("*.toml"))


def read_stories(source: str, choice: Choice) -> list[Story]:
    """Return the story of every kind of one source: a file, or a scenario by its name or its path.

    A kind is named by --kind, by its symbol, or by what its file's name begins with (ETH_USD_10m:
    eth). Raises SeriesError, ScenarioError or MarketError with one line.
    """
    path = Path(source)
    if not path.exists() and source in built_ins():
        path = paths.scenarios() / f"{source}.toml"
    if path.suffix == ".toml" and path.is_file():
        return list(_rebuilt(path, choice))
    if not path.exists():
        close = difflib.get_close_matches(source, built_ins(), n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"built in: {', '.join(built_ins())}"
        raise SeriesError(f"{source}: neither a file nor a built-in scenario; {hint}")
    found = read_table(path, choice.start, choice.end, column=choice.column, symbols=choice.symbols)
    if choice.kind is not None and len(found) > 1:
        raise MarketError(f"{source}: --kind names one kind; choose one with --symbol")
    return [
        story_of(
            series,
            choice.kind or kind_of(series),
            choice.between,
            choice.deviation_bps,
            choice.heartbeat,
        )
        for series in found
    ]


def kind_of(series: Series) -> str:
    """Return the name of a series' kind: its symbol, else how its file's name begins."""
    text = series.symbol or series.name.split(".")[0].split("_")[0]
    return text.split("/")[0].lower()


def _rebuilt(path: Path, choice: Choice) -> Iterator[Story]:
    """Yield the story of each kind of a scenario, in its window."""
    if choice.column is not None:
        raise MarketError(f"{path}: --column is for price files; leave it out")
    scenario = load_scenario(path, any_kind=True)
    drawn = rebuild(scenario, choice.seed)
    wanted = choice.symbols or ((choice.kind,) if choice.kind else tuple(scenario.tracks))
    for name in wanted:
        if name.lower() not in scenario.tracks:
            known = ", ".join(scenario.tracks)
            raise MarketError(f"{path}: no kind {name} in this scenario; it has {known}")
        points = tuple(
            Point(at, price)
            for at, price in zip(drawn.times, drawn.prices[name.lower()], strict=True)
            if (choice.start is None or at >= choice.start)
            and (choice.end is None or at <= choice.end)
        )
        if len(points) < 2:
            raise SeriesError(
                f"{path}: no prices in that window; the story covers {utc(drawn.times[0])} to "
                f"{utc(drawn.times[-1])}"
            )
        series = Series(path.name, points, len(points), bars=True)
        yield story_of(series, name.lower(), choice.between, choice.deviation_bps, choice.heartbeat)


def named(stories: Sequence[Story]) -> dict[str, Story]:
    """Return stories by the name of their kind; of one name in two files the later is name@file."""
    found: dict[str, Story] = {}
    for story in stories:
        name = story.name
        if name in found:
            name = f"{story.name}@{story.source.split('.')[0]}"
        if name in found:
            raise MarketError(f"{story.source}: kind {story.name} is given twice; give it once")
        found[name] = story
    return found
