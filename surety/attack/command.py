# SPDX-License-Identifier: MIT
"""`surety attack`: look for a sequence of acts that pays more than is documented. Exit 2 if one
does.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from surety.attack.bound import FINE
from surety.attack.play import Played, Player, Rules
from surety.attack.search import LENGTH, Found, Objective, Search
from surety.attack.stage import STAGES, Stage
from surety.attack.story import as_json, as_test, coins, table, totals
from surety.commands import Failure, counted
from surety.compile import ArtifactError
from surety.files import write_atomically
from surety.revm import RevmMissing

FINDING = 2
MOST_SECONDS = 7 * 86_400
TICK = 5.0  # seconds between two lines of progress
WIDE = 200


@click.command("attack")
@click.option(
    "--stage",
    "stages",
    type=click.Choice([*STAGES, "all"]),
    default="all",
    show_default=True,
    help="calm: nobody is callable; aged: nor is anybody after 20 years. called: accounts in "
    "every state, the fund selling. farm: 29 callable accounts of the attacker's.",
)
@click.option(
    "--evaluations",
    type=click.IntRange(1, 10**9),
    default=4_000,
    show_default=True,
    help="Sequences to play on each stage.",
)
@click.option(
    "--seconds",
    type=click.IntRange(1, MOST_SECONDS),
    default=None,
    help="Stop after this many seconds on each stage, if that is earlier.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the dice.")
@click.option(
    "--length",
    type=click.IntRange(1, 16),
    default=LENGTH,
    show_default=True,
    help="Acts in a sequence.",
)
@click.option(
    "--window",
    type=click.IntRange(0, 30 * 86_400),
    default=120,
    show_default=True,
    help="Seconds that a sequence may last.",
)
@click.option(
    "--moves",
    type=click.IntRange(0, 8),
    default=0,
    show_default=True,
    help="How often market prices may change meanwhile, at moments that the attacker knows.",
)
@click.option(
    "--move",
    "move_bps",
    type=click.IntRange(1, 9_000),
    default=1_000,
    show_default=True,
    help="How far from its first price each may go, in bps.",
)
@click.option(
    "--objective",
    type=click.Choice(["excess", "profit"]),
    default="excess",
    show_default=True,
    help="Maximise the profit, or what of it is above the documented bound.",
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--test",
    "test_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the best sequence as a pytest to this file.",
)
def attack(
    stages: str,
    evaluations: int,
    seconds: int | None,
    seed: int,
    length: int,
    window: int,
    moves: int,
    move_bps: int,
    objective: Objective,
    is_json: bool,
    test_file: Path | None,
) -> None:
    """Search for sequences of acts that pay an attacker, on the real contracts in revm.

    Seeds from what broke others are mutated, crossed, annealed and polished. Everything is valued
    at market prices, in whole numbers. Exit codes: 0 nothing pays more than documented, 1 an error,
    2 a sequence does.
    """
    rules = Rules(window, moves, move_bps if moves else 0)
    names = STAGES if stages == "all" else (stages,)
    limit = float(seconds) if seconds is not None else float("inf")
    console = Console(width=None if Console().is_terminal else WIDE, highlight=False)
    results: list[tuple[Stage, Found]] = []
    for name in names:
        stage = _stage(name)
        search = Search(Player(stage, rules), seed, objective, length)
        watch = None if is_json else Progress(name, evaluations, objective)
        results.append((stage, search.run(evaluations, limit, watch=watch)))
        if not is_json:
            _print(console, stage, results[-1][1], objective)
    stage, best = max(results, key=lambda result: result[1].played.excess)
    if test_file is not None:
        try:
            write_atomically(test_file, as_test(stage, rules, best.played))
        except OSError as error:
            raise Failure(f"cannot write {test_file}: {error.strerror or error}") from None
    is_finding = best.played.excess > 0 or any(found.leaks for _, found in results)
    if is_json:
        click.echo(json.dumps(_report(results, rules, seed, is_finding), indent=1))
    elif is_finding:
        console.print(f"\nready to be kept as a test:\n\n{as_test(stage, rules, best.played)}")
    if is_finding:
        raise SystemExit(FINDING)


def _stage(name: str) -> Stage:
    try:
        return Stage(name)
    except (RevmMissing, ArtifactError) as error:
        raise Failure(error) from None


class Progress:
    """Says every few seconds on stderr how far a search is."""

    def __init__(self, name: str, evaluations: int, objective: str) -> None:
        """Name what is searched."""
        self._head, self._evaluations = f"{name}: best {objective}", evaluations
        self._objective = objective
        self._next = time.monotonic() + TICK

    def __call__(self, done: int, best: Played) -> None:
        """Tell, where it is time to."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + TICK
            score = best.excess if self._objective == "excess" else best.profit
            click.echo(f"{self._head} {coins(score)} after {done:,}", err=True)


def _print(console: Console, stage: Stage, found: Found, objective: Objective) -> None:
    played = found.played
    told = f"{counted(found.evaluations, 'sequence')} in {found.seconds:.1f} s"
    console.print(f"\n{stage.name}: {told}", style="bold")
    if played.steps:
        console.print(table(stage, played))
    else:
        more = " more than is documented" if objective == "excess" else ""
        console.print(f"nothing pays{more}: the best is to do nothing")
    for name, text in totals(played):
        console.print(f"  {name:<22}{text}")
    if found.leaks:
        console.print(f"  {counted(found.leaks, 'sequence')} made or lost something nobody has")


def _report(
    results: list[tuple[Stage, Found]], rules: Rules, seed: int, is_finding: bool
) -> dict[str, Any]:
    return {
        "seed": seed,
        "finding": is_finding,
        "unit": f"1e-{len(str(FINE)) - 1 + 18} coins",
        "stages": [
            {
                **as_json(stage, rules, found.played),
                "evaluations": found.evaluations,
                "seconds": round(found.seconds, 3),
                "leaks": found.leaks,
                "history": [[at, str(score)] for at, score in found.history],
                "done": found.done,
                "refused": found.refused,
            }
            for stage, found in results
        ],
    }
