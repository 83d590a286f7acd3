# SPDX-License-Identifier: MIT
"""`surety demo`: read what to run, run it, show it. Exit 0, 1 on an error, 2 on a violation, 130 on
Ctrl-C.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path as FilePath
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from surety.anvil import AnvilFailed, AnvilMissing
from surety.chain import ChainError
from surety.commands import Failure, FiniteRange, Moment, counted
from surety.compile import ArtifactError
from surety.demo.engine import DemoConfig, DemoError, DemoResult, run_demo
from surety.demo.kinds import BY_NAME, KINDS
from surety.demo.path import (
    DAY,
    MOST_BLOCKS,
    Path,
    follow,
    lay_out,
    steepest,
    too_long,
    usual_speed,
)
from surety.demo.report import facts_of, render
from surety.demo.scenario import ScenarioError, built_in, load_scenario, rebuild
from surety.demo.series import Series, SeriesError, read_series, utc
from surety.deploy import BookParams, DeployError
from surety.files import write_atomically
from surety.keeper import KeeperError

REPORT = FilePath("surety-demo.html")
BUILT_IN = "black_thursday"
WAD = 10**18
SEED = 20200312
MOST_ACCOUNTS = 5_000
MOST_GRACE = 30 * 86_400
INTERRUPTED = 130
# a block may last this part of an auction at most, so that the keeper looks into it often enough
LOOKS_PER_AUCTION = 4
# two bars have this many prices
FEW_PRICES = 8

_FORESEEN = (
    SeriesError,
    ScenarioError,
    DemoError,
    DeployError,
    KeeperError,
    AnvilFailed,
    AnvilMissing,
    ArtifactError,
    ChainError,
    OSError,
)


@click.command()
@click.option(
    "--prices",
    type=click.Path(path_type=FilePath),
    metavar="FILE",
    help="CSV or .csv.gz with ts,open,high,low,close or ts,price. Without it: Black Thursday.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.name for kind in KINDS]),
    default="eth",
    show_default=True,
    help="Which kind the file drives. eth, btc follow each other (0.9 and 1.1 of the log price), "
    "others stay.",
)
@click.option(
    "--from", "start", type=Moment(end=False), help="Start: unix seconds or UTC date [time]."
)
@click.option(
    "--to", "end", type=Moment(end=True), help="End, included; a date means its whole day."
)
@click.option(
    "--accounts",
    type=click.IntRange(1, MOST_ACCOUNTS),
    default=240,
    show_default=True,
    help="How many accounts the book has.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=SEED,
    show_default=True,
    help="Decides book, owners and bridge.",
)
@click.option(
    "--grace",
    type=click.IntRange(0, MOST_GRACE),
    default=BookParams().grace_period,
    show_default=True,
    help="Grace period in seconds.",
)
@click.option(
    "--speed",
    type=FiniteRange(0.01, 10_000),
    help="Prices per block: 4 thins the series (lows are kept), 0.5 puts two blocks between two "
    "prices. Simulated time always follows the series. Default: about 800 blocks.",
)
@click.option(
    "--report",
    type=click.Path(path_type=FilePath),
    default=REPORT,
    show_default=True,
    help="Where the page goes.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout, progress on stderr."
)
def demo(
    prices: FilePath | None,
    kind: str,
    start: int | None,
    end: int | None,
    accounts: int,
    seed: int,
    grace: int,
    speed: float | None,
    report: FilePath,
    as_json: bool,
) -> None:
    """Replay a market crash on a local chain with real contracts and a keeper.

    JSON: amounts of coins, prices (coins per token) and collateral (whole tokens) are strings of
    integers times 10^18; counts and gas are numbers, times unix seconds, bps hundredths of a
    percent.

    Exit codes: 0 all invariants held, 1 an error (said in one line), 2 a violation.
    """
    console = Console(stderr=True, highlight=False)
    try:
        refuse_unwritable(report)
        config = configure(prices, kind, start, end, accounts, seed, grace, speed)
        if config.note:
            click.echo(f"surety demo: {config.note}", err=True)
        result = _run(console, config)
        write_atomically(report, render(result))
    except KeyboardInterrupt:
        click.echo(
            "surety demo: stopped by Ctrl-C; the local chain is ended, no report written", err=True
        )
        sys.exit(INTERRUPTED)
    except _FORESEEN as error:
        raise Failure(str(error) or type(error).__name__) from None
    if as_json:
        click.echo(json.dumps(to_json(result, report), indent=2))
    else:
        _print(result, report)
    for text in result.violations[:10]:
        click.echo(f"violation: {text}", err=True)
    sys.exit(2 if result.violations else 0)


def configure(
    prices: FilePath | None,
    kind: str,
    start: int | None,
    end: int | None,
    accounts: int,
    seed: int,
    grace: int,
    speed: float | None,
) -> DemoConfig:
    """Read the prices and lay them out in blocks. Raises SeriesError or ScenarioError with one
    line.
    """
    facts: dict[str, list[tuple[int, int, str]]] = {}
    longest = BookParams().auction_duration // LOOKS_PER_AUCTION
    note = ""
    if start is not None and end is not None and start > end:
        raise SeriesError(f"--from {utc(start)} is after --to {utc(end)}; swap them")
    if prices is None:
        if kind != "eth":
            raise SeriesError("--kind says which kind a file drives; give --prices FILE with it")
        scenario = load_scenario(built_in(BUILT_IN))
        path = _window(rebuild(scenario, seed), start, end)
        title, source = scenario.title, "rebuilt from published levels, listed below"
        for name, track in scenario.tracks.items():
            facts[name] = [
                (fact.at, fact.level, fact.source)
                for fact in track.facts
                if path.times[0] <= fact.at <= path.times[-1]
            ]
    else:
        series = read_series(prices, start, end)
        path = follow(series, BY_NAME[kind].name)
        if start is None and end is None and too_long(path, longest):
            series, path, note = _around_the_fall(prices, path, longest)
        title = f"Replay of {series.name}"
        rows = counted(series.rows, "bar" if series.bars else "price")
        source = f"{series.name}, {rows} driving {kind}"
    try:
        chosen = usual_speed(path, longest) if speed is None else speed
        laid = lay_out(path, chosen, longest)
    except SeriesError as error:
        raise SeriesError(f"{prices}: {error}" if prices is not None else str(error)) from None
    return DemoConfig(
        path=laid,
        title=title,
        source=source,
        accounts=accounts,
        seed=seed,
        grace=grace,
        speed=chosen,
        facts=facts,
        note=note,
    )


def _around_the_fall(prices: FilePath, path: Path, longest: int) -> tuple[Series, Path, str]:
    """Return the part of a file around its steepest fall that one run can play, and a note on it.

    The part is two days, or as many more as a few prices need; it is read again, so that it is
    what --from and --to would give. Raises SeriesError when prices are too far apart for one run.
    """
    most, window = MOST_BLOCKS * longest, 2 * DAY
    start, end, fall = steepest(path, window)
    while sum(start <= at <= end for at in path.times) < FEW_PRICES and window < most:
        window = min(2 * window, most)
        start, end, fall = steepest(path, window)
    series = read_series(prices, start, end)
    note = (
        f"{path.span / DAY:,.0f} days of prices are too long for one run: this one plays "
        f"{utc(start)} to {utc(end)} around the steepest fall ({fall:.0%}); choose another part "
        "with --from and --to"
    )
    return series, follow(series, path.driver), note


def refuse_unwritable(report: FilePath) -> None:
    """Raise DemoError when the report could not be written there: better before the run than after
    it.
    """
    folder = report.parent
    if report.is_dir():
        raise DemoError(f"--report {report} is a directory; name a file")
    if not folder.is_dir():
        raise DemoError(f"--report {report}: there is no folder {folder}; make it first")
    if report.exists() and not report.is_file():
        raise DemoError(f"--report {report} is not a regular file; name another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DemoError(f"--report {report}: the folder {folder} is not writable; choose another")


def to_json(result: DemoResult, report: FilePath) -> dict[str, Any]:
    """Return the result as plain JSON: amounts and prices in WAD as strings, counts as numbers.

    Amounts of collateral are WAD of whole tokens, whatever decimals the token has.
    """
    keeper, path = result.keeper, result.config.path
    return {
        "steps": result.steps,
        "accounts": len(result.holders),
        "margin_calls": result.margin_calls,
        "cured": result.cured,
        "takes": len(result.takes),
        "absorbed": result.absorbed,
        "bad_debt": str(result.bad_debt),
        "equity_start": str(result.equity_start),
        "equity_end": str(result.equity_end),
        "coin_supply": str(result.coin_supply),
        "total_debt": str(result.total_debt),
        "invariant_checks": result.invariant_checks,
        "violations": len(result.violations),
        "keeper": {
            "profit": str(keeper.profit),
            "gas": keeper.gas,
            "gas_value": str(keeper.gas_value),
            "max_blocks_to_call": keeper.max_blocks_to_call,
            "calls": keeper.calls,
            "takes": keeper.takes,
            "absorbs": keeper.absorbs,
            "sales": keeper.sales,
            "pokes": keeper.pokes,
            "poke_gas": keeper.poke_gas,
            "reverted": keeper.reverted,
        },
        "prices": {
            name: {"first": str(row[0]), "low": str(min(row)), "last": str(row[-1])}
            for name, row in path.prices.items()
        },
        "price_updates": result.price_updates,
        "guards": {name: guard.as_json() for name, guard in result.guards.items()},
        "blocks": result.blocks,
        "seed": result.config.seed,
        "grace": result.config.grace,
        "speed": result.config.speed,
        "note": result.config.note,
        "from": path.times[0],
        "to": path.times[-1],
        "debt_repaid": str(result.debt_repaid),
        "penalties": str(result.penalties),
        "tips": str(result.tips),
        "interest": str(result.interest),
        "struck_off": str(result.struck_off),
        "collateral_sold": {
            name: str(units * WAD // BY_NAME[name].unit)
            for name, units in result.collateral_sold.items()
        },
        "average_discount_bps": result.average_discount_bps,
        "checks": dict(result.checks),
        "report": str(report),
    }


def _window(path: Path, start: int | None, end: int | None) -> Path:
    """Return the part of a path between two times, both included."""
    places = [
        place
        for place, at in enumerate(path.times)
        if (start is None or at >= start) and (end is None or at <= end)
    ]
    if len(places) < 2:
        raise SeriesError(
            f"no prices in that window; the story covers {utc(path.times[0])} to "
            f"{utc(path.times[-1])}"
        )
    cut = slice(places[0], places[-1] + 1)
    return Path(path.times[cut], {name: row[cut] for name, row in path.prices.items()}, path.driver)


def _run(console: Console, config: DemoConfig) -> DemoResult:
    """Run with a progress bar on stderr, or without one where stderr is no terminal."""
    if not console.is_terminal:
        console.print(
            f"{config.title}: {counted(config.accounts, 'account')}, "
            f"{counted(len(config.path), 'price')}, seed "
            f"{config.seed}",
            markup=False,
        )
        return run_demo(config)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=len(config.path))
        return run_demo(
            config,
            lambda done, total, note: bar.update(
                task, completed=done, total=total, description=note
            ),
        )


def _print(result: DemoResult, report: FilePath) -> None:
    console = Console(highlight=False)
    table = Table(title=result.config.title, show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    for name, value in facts_of(result):
        table.add_row(name, value)
    console.print(table)
    console.print(f"report: {report}", markup=False, soft_wrap=True)
