# SPDX-License-Identifier: MIT
"""`surety check`: tools for any Vyper 0.4 project, and what they have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from surety.check.source import BadSources, Project, SourceError, load
from surety.commands import Failure, printable

# name -> (module, attribute, one-line help): nothing is imported until a tool is used
TOOLS: dict[str, tuple[str, str, str]] = {
    "lint": ("surety.check.lint.command", "lint", "Find known mistakes in the sources."),
    "layout": (
        "surety.check.layout",
        "layout",
        "Hold storage layout and code size to a snapshot.",
    ),
    "permissions": (
        "surety.check.permissions",
        "permissions",
        "Let a stranger call everything, and tell what he changed.",
    ),
    "mutate": (
        "surety.check.mutate.command",
        "mutate",
        "Put small faults into a copy, and see which ones the tests let pass.",
    ),
}

_F = TypeVar("_F", bound=Callable[..., Any])


class Check(click.Group):
    """A group whose tools are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the tools in the order of the table."""
        return list(TOOLS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one tool, or None when there is no such name."""
        if cmd_name not in TOOLS:
            return None
        module, attribute, _ = TOOLS[cmd_name]
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of tools without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in TOOLS.items()])


@click.group("check", cls=Check)
def check() -> None:
    """Try the contracts of any Vyper 0.4 project.

    PATH is a source file or a folder of them. Exit codes: 0 nothing found, 1 an error, 2 a finding.
    """


def tell(done: int, total: int, what: str) -> None:
    """Say how far a tool is, to somebody who waits for it: a log is spared that."""
    if sys.stderr.isatty():
        click.echo(f"{done}/{total} {what}", err=True)


def from_here(project: Project, name: str) -> str:
    """Return the path of a project's file as an editor opens it: from the working folder.

    It is absolute where the file lies elsewhere.
    """
    path = project.root / name
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def project_options(command: _F) -> _F:
    """Add what every tool takes: PATH, where imports are looked for, what is left out, --json."""
    for add in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--exclude",
            multiple=True,
            metavar="PATTERN",
            help="Leave out files or folders of this name (*mocks*); may be repeated.",
        ),
        click.option(
            "-p",
            "--search-path",
            "search_paths",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A folder for absolute imports, before the project's own; may be repeated.",
        ),
        click.argument("path", type=click.Path(path_type=Path)),
    ):
        command = add(command)
    return command


def read_project(path: Path, search_paths: tuple[Path, ...], exclude: tuple[str, ...]) -> Project:
    """Load a project for a command; what is wrong with it becomes one line and exit code 1.

    Above it stands a line on stderr for each of several sources that do not compile.
    """
    try:
        return load(path, search_paths, exclude, tell)
    except BadSources as error:
        if len(error.lines) == 1:
            raise Failure(f"{error} (--exclude PATTERN leaves it out)") from error
        for line in error.lines:
            click.echo(printable(line), err=True)
        number = len(error.lines)
        raise Failure(
            f"{number:,} sources do not compile; --exclude PATTERN leaves out files and folders"
        ) from error
    except SourceError as error:
        raise Failure(error) from error
