# SPDX-License-Identifier: MIT
"""`surety prices`: replay and stress the hub here, show and poke a live one. Exit 0, 1 on an error,
2 on a finding, 130 on Ctrl-C.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from surety.commands import Failure, Moment, counted, printable
from surety.compile import ArtifactError
from surety.demo.scenario import ScenarioError
from surety.files import write_atomically
from surety.prices import tables
from surety.prices.accounts import MOST_ACCOUNTS
from surety.prices.config import Config, ConfigError, KindConfig, family_of, load_config, of_family
from surety.prices.engines import ENGINES, EngineError, ModelEngine, make_engine
from surety.prices.market import HEARTBEAT, MarketError
from surety.prices.picture import draw
from surety.prices.replay import EVERY, Mismatch, Replay, run
from surety.prices.sources import SEED, Choice, named, read_stories
from surety.prices.stress import ACCOUNTS, cases, stress
from surety.prices.stress import EVERY as STRESS_EVERY
from surety.series import SeriesError

if TYPE_CHECKING:
    from collections.abc import Iterator

FINDING = 2
WIDE = 240  # characters of a line that goes to no terminal
NARROW = 22  # of the first column where a terminal is not that wide
LONG = 100_000  # syncs from which on a run that is no terminal's says what it does

_FORESEEN = (
    SeriesError,
    ScenarioError,
    ConfigError,
    MarketError,
    EngineError,
    ArtifactError,
    OSError,
)

_CONFIG_HELP = (
    "major, lst, stable or tail, or a TOML file: fresh_for, confirm_period, family and tables "
    "[kinds.NAME] with family, limits, levels, max_age, min_price, max_price; or a deployment's "
    "parameter file. Default: the family that a kind's name tells (eth: major, usdc: stable, "
    "steth: lst, others: tail), bounds at a 20th and 20 times the first price."
)


class Prices(click.Group):
    """The group: what talks to a node is imported only when it is asked for."""

    live = ("status", "poke")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *self.live]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, or None when there is no such name."""
        if cmd_name not in self.live:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module("surety.prices.live"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Prices)
def prices() -> None:
    """Replay, stress and watch the prices that the vaults use.

    Exit codes: 0 all well, 1 an error (said in one line), 2 a finding.
    """


def _engine_options(every: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options that replay and stress share."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
            click.option("--markdown", is_flag=True, help="Print the table as Markdown."),
            click.option(
                "--verify",
                is_flag=True,
                help="Run bytecode and model side by side, compare every word; 2 if they differ.",
            ),
            click.option(
                "--engine",
                type=click.Choice(ENGINES),
                default="auto",
                show_default=True,
                help="The bytecode of PriceHub (evm, needs pyrevm) or its exact model; auto: the "
                "bytecode where it can run.",
            ),
            click.option(
                "--every",
                type=click.IntRange(1, 86_400),
                default=every,
                show_default=True,
                help="Seconds between two syncs; 12 is every block.",
            ),
            click.option("--config", "config_text", metavar="FAMILY|FILE", help=_CONFIG_HELP),
        ):
            command = option(command)
        return command

    return add


@prices.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_engine_options(EVERY)
@click.option(
    "--kind", help="Name of the kind. Default: its symbol, or how the file's name begins."
)
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    help="This series of a file with a column symbol (a kind of a scenario); repeatable. "
    "Default: all.",
)
@click.option("--column", help="The column that holds the price, in place of bars or price.")
@click.option(
    "--between",
    type=click.Choice(("hold", "line")),
    help="Between two prices: a step or a straight line. Default: a line inside and between bars "
    "(open, both extremes, close), a step for single prices.",
)
@click.option("--from", "start", type=Moment(end=False), help="Start: unix seconds or UTC date.")
@click.option("--to", "end", type=Moment(end=True), help="End, included; a date: its whole day.")
@click.option(
    "--deviation",
    "deviation_bps",
    type=click.IntRange(1, 10_000),
    help="Read the market through a Chainlink-like feed with this threshold in bps.",
)
@click.option(
    "--heartbeat",
    type=click.IntRange(12, 2**24 - 1),
    help="Seconds after which that feed writes a round in any case. Default: 3600.",
)
@click.option(
    "--accounts",
    type=click.IntRange(0, MOST_ACCOUNTS),
    default=0,
    show_default=True,
    help="Keep a book of so many accounts beside it and count who is called, sold and absorbed.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=SEED,
    show_default=True,
    help="Draws the way between the levels of a scenario.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the one kind that is replayed into this SVG file.",
)
def replay(
    files: tuple[str, ...],
    config_text: str | None,
    every: int,
    engine: str,
    verify: bool,
    markdown: bool,
    as_json: bool,
    kind: str | None,
    symbols: tuple[str, ...],
    column: str | None,
    between: str | None,
    start: int | None,
    end: int | None,
    deviation_bps: int | None,
    heartbeat: int | None,
    accounts: int,
    seed: int,
    picture: Path | None,
) -> None:
    """Replay prices through the hub and measure how far its word was from the market.

    FILE is a CSV or .csv.gz with ts,open,high,low,close or ts,price (rounds of an oracle where it
    has a column round_id: they come with their own times, and the last is the market), a scenario
    file, or a built-in scenario by name, such as black_thursday or usdc_depeg.

    Per kind, each integer, taken after every sync against the market of that second:

    \b
    max_lag_lo_bps, max_lag_hi_bps   (market - lo) and (hi - market) over market,
                                     the most, bps rounded up; lo as stored
    minutes_hi_over_1pct_late        minutes with hi more than 1 % above the market
    failed_reads                     syncs without a usable price
    confirming_minutes               minutes flagged CONFIRMING
    samples                          hourly samples of volatility
    max_initial_multiplier,
    max_maintenance_multiplier       the highest margin multipliers, bps

    Exit codes: 0 done, 1 an error (said in one line), 2 the two engines differ, 130 after Ctrl-C.
    """  # noqa: D301 - click's mark is the character itself
    try:
        _check_output(markdown, as_json)
        config = load_config(config_text)
        if heartbeat is not None and deviation_bps is None:
            raise MarketError("--heartbeat is that of a feed with --deviation; give both")
        beat = HEARTBEAT if heartbeat is None else heartbeat
        choice = Choice(kind, start, end, symbols, column, between, deviation_bps, beat, seed)
        stories = named([story for file in files for story in read_stories(file, choice)])
        if picture is not None:
            _check_picture(picture, len(stories), "--symbol")
        chosen = make_engine(_both(engine, verify))
        for line in _unused(config, [story.name for story in stories.values()]):
            click.echo(f"surety prices replay: {line}", err=True)
        found: dict[str, Replay] = {}
        for name, story in stories.items():
            with _progress(f"{name}: {story.source}", (story.end - story.start) // every) as step:
                found[name] = run(
                    story,
                    config,
                    chosen if not found else make_engine(_both(engine, verify)),
                    every=every,
                    accounts=accounts,
                    beside=ModelEngine() if verify else None,
                    keep=picture is not None,
                    progress=step,
                )
        if picture is not None:
            name, drawn = next(iter(found.items()))
            text = f"{name}: {drawn.story.source}, guarded as {drawn.kind.family}"
            write_atomically(picture, draw(drawn, text))
    except Mismatch as mismatch:
        click.echo(f"surety prices replay: {mismatch}", err=True)
        raise click.exceptions.Exit(FINDING) from None
    except _FORESEEN as error:
        raise Failure(str(error) or type(error).__name__) from None
    sources = list(dict.fromkeys(story.source for story in stories.values()))
    said = "evm and model" if verify else chosen.name
    if as_json:
        click.echo(json.dumps(tables.replay_json(found, config, sources, said), indent=2))
    elif markdown:
        click.echo(tables.replay_table(found))
    else:
        _print_replays(found, sources, said, every)
        _print_agreement(list(found.values()))


@prices.command("stress", epilog=f"Cases: {', '.join(case.name for case in cases())}.")
@_engine_options(STRESS_EVERY)
@click.option("--kind", help="Take this kind of the configuration. Default: its first, else eth.")
@click.option(
    "--accounts",
    type=click.IntRange(1, MOST_ACCOUNTS),
    default=ACCOUNTS,
    show_default=True,
    help="Accounts of the book beside it.",
)
@click.option("--case", "names", multiple=True, help="Only this case, by its name; repeatable.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the one case that is run into this SVG file.",
)
def stress_command(
    config_text: str | None,
    every: int,
    engine: str,
    verify: bool,
    markdown: bool,
    as_json: bool,
    kind: str | None,
    accounts: int,
    names: tuple[str, ...],
    picture: Path | None,
) -> None:
    """Rebuild bad prints, crashes, dead feeds and an outage, and show what each does.

    Each begins at a calm price. "moved" is the farthest that lo and hi were from that price;
    "apart" how many minutes it took until both were within 1 % of where they are bound for; "hi
    behind" the most that hi was above the market; "called" and "sold" count the accounts of a book
    whose debts lie between half of maintenance and just within it, with a keeper that looks every
    minute. Bounds are a 20th and 20 times the price, but where it says that they are wide open;
    bounds of the configuration are left out.

    Exit codes: 0 done, 1 an error (said in one line), 2 the two engines differ, 130 after Ctrl-C.
    """
    try:
        _check_output(markdown, as_json)
        config = load_config(config_text)
        guarded = _stressed_kind(config, kind)
        every_case = cases()
        unknown = [name for name in names if name not in {case.name for case in every_case}]
        if unknown:
            known = [case.name for case in every_case]
            close = difflib.get_close_matches(unknown[0].lower(), known, n=1, cutoff=0.6)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise MarketError(f"no case {unknown[0]}; {hint}")
        chosen = [case for case in every_case if not names or case.name in names]
        if picture is not None:
            _check_picture(picture, len(chosen), "--case")
        made = make_engine(_both(engine, verify))
        with _progress("stress", len(chosen)) as step:
            outcomes = stress(
                config,
                guarded,
                lambda: make_engine(_both(engine, verify)),
                beside=ModelEngine if verify else None,
                chosen=chosen,
                every=every,
                accounts=accounts,
                keep=picture is not None,
                progress=step,
            )
        if picture is not None:
            text = f"{outcomes[0].case.title}, guarded as {guarded.family}"
            write_atomically(picture, draw(outcomes[0].replay, text[:1].upper() + text[1:]))
    except Mismatch as mismatch:
        click.echo(f"surety prices stress: {mismatch}", err=True)
        raise click.exceptions.Exit(FINDING) from None
    except _FORESEEN as error:
        raise Failure(str(error) or type(error).__name__) from None
    said = "evm and model" if verify else made.name
    if as_json:
        found = tables.stress_json(outcomes, config, said, every, accounts)
        click.echo(json.dumps(found, indent=2))
    elif markdown:
        click.echo(tables.stress_table(outcomes))
    else:
        rows = tables.stress_rows(outcomes)
        title = f"{guarded.family}: {counted(accounts, 'account')}, a sync every {every} s, {said}"
        _print_table(title, tables.STRESS_COLUMNS, rows)
        _print_agreement([outcome.replay for outcome in outcomes])


def _print_agreement(replays: Sequence[Replay]) -> None:
    if line := tables.agreement(replays):
        click.echo(line)


def _both(engine: str, verify: bool) -> str:
    """Return the engine to run: with --verify the bytecode, beside which the model runs."""
    return "evm" if verify else engine


def _unused(config: Config, names: Sequence[str]) -> list[str]:
    """Say which tables of a configuration guard nothing here, and what guards kinds without one."""
    if not config.kinds:
        return []
    replayed = {name.lower(): name for name in names}
    spare = [name for name in config.kinds if name not in replayed]
    bare = [name for lower, name in replayed.items() if lower not in config.kinds]
    lines = []
    if spare:
        lines.append(f"tables of the configuration that nothing here uses: {', '.join(spare)}")
    lines += [
        f"{name} has no table in the configuration; guarded as {config.of(name).family}"
        for name in bare
    ]
    return [printable(line) for line in lines]


def _stressed_kind(config: Config, kind: str | None) -> KindConfig:
    if kind is not None:
        if config.kinds and kind.lower() not in config.kinds:
            raise ConfigError(
                f"no kind {kind} in the configuration; it has {', '.join(config.kinds)}"
            )
        return config.of(kind)
    if config.kinds:
        return next(iter(config.kinds.values()))
    return of_family(config.family or family_of("eth"))


def _check_output(markdown: bool, as_json: bool) -> None:
    if markdown and as_json:
        raise MarketError("--markdown and --json are two forms of one answer; choose one")


def _check_picture(picture: Path, count: int, option: str) -> None:
    """Refuse a picture that could not be drawn: better before the run than after it."""
    if count != 1:
        raise MarketError(f"--picture draws one replay, not {count}; choose one with {option}")
    folder = picture.parent
    if not folder.is_dir():
        raise MarketError(f"--picture {picture}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MarketError(f"--picture {picture}: the folder {folder} is not writable")


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how far a run is: a bar on a terminal, a line for a long run elsewhere."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        if total >= LONG:
            click.echo(f"{what}: {counted(total, 'sync')}", err=True)
        yield lambda _done, _total: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def _print_replays(
    found: dict[str, Replay], sources: Sequence[str], engine: str, every: int
) -> None:
    """Print a column for each of a few kinds, or a row for each of many."""
    rows = [tables.replay_row(name, replay) for name, replay in found.items()]
    has_accounts = any(replay.liquidations for replay in found.values())
    columns = [*tables.REPLAY_COLUMNS, *(tables.ACCOUNT_COLUMNS if has_accounts else ())]
    syncs = sum(replay.syncs for replay in found.values())
    title = f"{', '.join(sources)}: {counted(syncs, 'sync')}, one every {every} s, {engine}"
    if len(rows) > 4:
        _print_table(title, columns, rows)
        return
    turned = [list(cells) for cells in zip(columns, *rows, strict=True)]
    families = [replay.kind.family for replay in found.values()]
    _print_table(title, turned[0], [["guarded as", *families], *turned[1:]])


def _print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; what is too wide for a terminal goes without its later columns."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    widths = [
        max(*(len(word) for word in name.split()), *(len(row[place]) for row in rows))
        for place, name in enumerate(columns)
    ]
    if console.width < WIDE:
        widths[0] = min(widths[0], NARROW)
    shown = len(columns)
    while shown > 2 and sum(widths[:shown]) + 3 * shown + 1 > console.width:
        shown -= 1
    table = Table()
    for place, name in enumerate(columns[:shown]):
        table.add_column(
            Text(printable(name)),
            justify="right" if place else "left",
            overflow="fold",
            width=widths[place],
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row[:shown]))
    console.print(Text(printable(title)), soft_wrap=True)
    console.print(table)
    if shown < len(columns):
        left_out = " · ".join(columns[shown:])  # names have commas of their own
        console.print(f"no room for: {left_out} (--markdown and --json have them)", markup=False)
