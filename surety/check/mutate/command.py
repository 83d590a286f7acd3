# SPDX-License-Identifier: MIT
"""`surety check mutate`: try how many small faults the tests of a Vyper project notice."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import click

from surety.check.command import project_options, read_project
from surety.check.mutate import argued as arguments
from surety.check.mutate import report, results, runner
from surety.check.mutate.mutants import Mutant, Wanted, function_names, mutants_of, takes
from surety.check.mutate.operators import OPERATORS
from surety.check.mutate.results import FAILED, Log, Result
from surety.check.mutate.workspace import Target, changed_lines
from surety.check.source import Project, root_of
from surety.commands import Failure, FiniteRange, counted
from surety.files import write_atomically


@click.command("mutate")
@project_options
@click.option(
    "--kill",
    metavar="COMMAND",
    help="Runs for each mutant; any exit code but 0 kills. No shell reads it: say sh -c '...'.",
)
@click.option("--server", metavar="COMMAND", help="Answers for many mutants: see docs/mutation.md.")
@click.option(
    "--operators", multiple=True, metavar="PATTERN", help="Only these operators; may be repeated."
)
@click.option(
    "--functions",
    multiple=True,
    metavar="PATTERN",
    help="Only functions like transfer or Coin.trans*; may be repeated.",
)
@click.option(
    "--files", multiple=True, metavar="PATTERN", help="Only sources of this name; may be repeated."
)
@click.option("--changed", metavar="BASE", help="Only functions that changed since git's BASE.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only so many, at random.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample and order.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option("--limit", type=FiniteRange(min=0.1), metavar="SECONDS", help="For each mutant.")
@click.option("--seconds", type=FiniteRange(min=1), help="Begin no mutant after so long.")
@click.option(
    "--results",
    "results_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Go on with, and add to, the results in this file (JSON lines).",
)
@click.option("--again", is_flag=True, help="Try survivors of --results anew.")
@click.option(
    "--hurry",
    is_flag=True,
    help="Do not compare the code of what a server lets survive: --again does it later.",
)
@click.option(
    "--argued",
    "argued_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Survivors that are explained (TOML).",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the tables between the marks of this page.",
)
@click.option("--list", "only_list", is_flag=True, help="Print the mutants and try none.")
def mutate(
    path: Path,
    search_paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    as_json: bool,
    kill: str | None,
    server: str | None,
    operators: tuple[str, ...],
    functions: tuple[str, ...],
    files: tuple[str, ...],
    changed: str | None,
    sample: int | None,
    seed: int,
    jobs: int,
    limit: float | None,
    seconds: float | None,
    results_path: Path | None,
    again: bool,
    hurry: bool,
    argued_path: Path | None,
    page: Path | None,
    only_list: bool,
) -> None:
    """Put small faults into a copy of the contracts, one at a time, and see which ones the tests
    let pass.

    PATH is a source file or a folder of them. Exit code 2 when a fault survives that --argued does
    not explain, or when it explains one that does not survive. Without --kill and --server only
    --results are told.
    """
    _check_tests(kill, server, results_path, only_list)
    _check_operators(operators)
    entries = _entries(argued_path)
    lines = _changed(path, changed)
    if lines is not None and not any(name.endswith(".vy") for name in lines):
        _nothing(as_json, changed)  # without reading the project
        return
    project = read_project(path, search_paths, exclude)
    named = {each.name: function_names([each.text]) for each in project.sources}
    names = frozenset().union(*named.values())
    for pattern in files:
        if not any(_is_named(name, [pattern]) for name in named):
            raise Failure(f"--files: no source is called {pattern}")
    sources = {each.name: each.text for each in project.sources if _is_named(each.name, files)}
    for pattern in functions:
        if not any(takes(name, each, [pattern]) for name in sources for each in named[name]):
            raise Failure(f"--functions: no function is called {pattern}")
    pool: list[Mutant] = []
    chosen: list[Mutant] = []
    for name, text in sources.items():
        pool += mutants_of(name, text, names)
        if lines is None or name in lines:
            wanted = Wanted(operators, functions, lines[name] if lines is not None else None)
            chosen += mutants_of(name, text, names, wanted)
    # a run that ends early has then tried a fair sample
    order = random.Random(seed).sample(chosen, min(sample or len(chosen), len(chosen)))
    if only_list:
        _list(sorted(order, key=lambda each: (each.file, each.edit.start)), as_json)
        return
    if not order:
        _nothing(as_json, changed)
        return
    found = _tried(
        project,
        order,
        kill,
        server,
        jobs,
        limit,
        seconds,
        Log(results_path),
        again,
        hurry,
        quiet=as_json,
    )
    judged = arguments.judge(entries, found, pool)
    untried = len(order) - len(found)
    if page is not None:
        _write_page(page, found, judged, len(order))
    if as_json:
        click.echo(json.dumps(report.as_json(found, judged, untried)))
    else:
        by_key = {each.key: each for each in pool}
        click.echo(
            report.as_text(
                found,
                judged,
                lambda result: by_key[result.key].diff(sources[result.file]),
                untried,
            )
        )
    if any(each.verdict == FAILED for each in found):
        raise Failure("some mutants could not be tried")
    if judged.open or judged.idle:
        sys.exit(2)


def _check_tests(
    kill: str | None, server: str | None, results_path: Path | None, only_list: bool
) -> None:
    """Refuse a run that nobody is asked in: it would tell of no survivor."""
    if kill is not None and server is not None:
        raise Failure("--kill and --server do not go together")
    for name, command in (("--kill", kill), ("--server", server)):
        if command is not None and not command.strip():
            raise Failure(f"{name} is empty: give the command that asks the tests")
    if kill is None and server is None and not only_list:
        if results_path is None:
            raise Failure("say how to ask the tests, with --kill or --server")
        if not results_path.exists():
            raise Failure(f"{results_path}: no such file; --kill or --server would begin it")


def _check_operators(patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in OPERATORS):
            raise Failure(f"no operator {pattern!r}; there are: {', '.join(OPERATORS)}")


def _is_named(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(
        fnmatch(text, pattern) for text in (name, name.rsplit("/", 1)[-1]) for pattern in patterns
    )


def _entries(path: Path | None) -> tuple[arguments.Entry, ...]:
    try:
        return arguments.read(path) if path is not None else ()
    except arguments.ArguedError as error:
        raise Failure(error) from error


def _changed(path: Path, base: str | None) -> dict[str, frozenset[int]] | None:
    if base is None:
        return None
    if not path.exists():
        raise Failure(f"{path}: no such file or folder")
    root = root_of(path)
    lines = changed_lines(root, base)
    if lines is None:
        raise Failure(f"git knows no {base!r} in {root}")
    return dict(lines)


def _list(mutants: Sequence[Mutant], as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "key": each.key,
                "file": each.file,
                "line": each.line,
                "function": each.function,
                "operator": each.operator,
                "before": each.before,
                "after": each.after,
            }
            for each in mutants
        ]
        click.echo(json.dumps({"mutants": rows}))
        return
    for each in mutants:
        place = f"{each.file}:{each.line} {each.function}"
        click.echo(f"{place} ({each.operator})\n  - {each.before}\n  + {each.after}")
    click.echo(counted(len(mutants), "mutant"))


def _nothing(as_json: bool, changed: str | None) -> None:
    if as_json:
        click.echo(json.dumps(report.as_json([], arguments.Judged(), 0)))
        return
    if changed is not None:
        click.echo(f"nothing to mutate: no function is asked for that changed since {changed}")
    else:
        click.echo("nothing to mutate: no operator finds a place in what is asked for")


def _tried(
    project: Project,
    order: Sequence[Mutant],
    kill: str | None,
    server: str | None,
    jobs: int,
    limit: float | None,
    seconds: float | None,
    log: Log,
    again: bool,
    hurry: bool,
    quiet: bool,
) -> list[Result]:
    """Return the results of all mutants that were tried, now or before."""
    try:
        known = results.kept(results.read(log.path) if log.path else {}, order, again)
        todo = [each for each in order if each.key not in known]
        command = kill or server
        if command is None and not known:
            raise Failure(f"{log.path} tells of none of {counted(len(order), 'mutant')} here")
        if command is not None and todo:
            job = runner.Job(
                project.root,
                project.search_paths,
                command,
                server is not None,
                hurry,
                limit,
                _targets(project, {each.file for each in todo}),
            )

            def tell(result: Result) -> None:
                known[result.key] = result
                log.append(result)
                if not quiet:
                    done = f"{len(known):,}/{len(order):,}"
                    place = f"{result.file}:{result.line} {result.function}"
                    by = f" by {result.by}" if result.by else ""
                    words = f"{result.verdict}{by} in {result.seconds:.1f} s"
                    click.echo(f"{done} {place} ({result.operator}): {words}"[:200], err=True)

            runner.run(job, todo, jobs, seconds, tell)
    except (results.ResultsError, runner.RunError) as error:
        raise Failure(error) from error
    return [known[each.key] for each in order if each.key in known]


def _targets(project: Project, names: set[str]) -> tuple[Target, ...]:
    """Return for each source the contracts that it is part of, the smallest first."""
    found = []
    for source in project.sources:
        if source.name in names:
            contracts = sorted(
                project.contracts_with(source), key=lambda each: (len(each.text), each.name)
            )
            if not contracts:
                raise Failure(f"{source.name} is part of no contract here: name the contracts too")
            found.append(Target(source.name, tuple(each.name for each in contracts)))
    return tuple(found)


def _write_page(path: Path, found: Sequence[Result], judged: arguments.Judged, made: int) -> None:
    table = report.as_markdown(found, frozenset(each.key for each in judged.argued), made)
    try:
        write_atomically(path, report.between_marks(path.read_text(encoding="utf-8"), table))
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}") from error
