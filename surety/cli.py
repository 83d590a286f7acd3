# SPDX-License-Identifier: MIT
"""The `surety` command: a thin group that imports a command's room only when it is called."""

from __future__ import annotations

import sys

STOPPED = "surety: stopped"
INTERRUPTED = 130
TERMINATED = 143

# Ctrl-C may come while the libraries of the command line themselves are read
try:
    import signal
    import threading
    from collections.abc import Iterator, Sequence
    from contextlib import contextmanager
    from importlib import import_module
    from typing import Any

    import click

    from surety import __version__
    from surety.commands import line_of
except KeyboardInterrupt:
    sys.stderr.write(f"{STOPPED}\n")
    sys.exit(INTERRUPTED)

# name -> (module, attribute, one-line help): nothing is imported until a command is used
COMMANDS = {
    "demo": (
        "surety.demo.command",
        "demo",
        "Replay a market crash on a local chain with a keeper.",
    ),
    "vectors": ("surety.vectors", "vectors", "Check a vectors file against Python and the EVM."),
    "bench": ("surety.bench.command", "bench", "Measure gas and speed."),
    "keeper": ("surety.keeper.command", "keeper", "Watch accounts, call margin and buy auctions."),
    "prices": ("surety.prices.command", "prices", "Replay, test and watch guarded prices."),
    "access": ("surety.access.command", "access", "Show who may call what, and check it."),
    "check": (
        "surety.check.command",
        "check",
        "Lint and try the contracts of any Vyper project.",
    ),
    "attack": (
        "surety.attack.command",
        "attack",
        "Search for sequences of acts that pay an attacker.",
    ),
    "compile": (
        "surety.compile",
        "compile_command",
        "Compile the contracts into surety/artifacts.",
    ),
}


@contextmanager
def _termination_as_ctrl_c() -> Iterator[list[int]]:
    """Let SIGTERM (a time limit, a container that stops) end a command as Ctrl-C does inside.

    So it takes with it what it has started and written for the time being. The list yielded holds
    the signal once it has come; another one then changes nothing. Who has a handler keeps it.
    """
    seen: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        seen.append(number)
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if is_ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield seen
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Surety(click.Group):
    """A group whose commands are imported on use, and whose every failure is one line.

    What click calls a usage error exits 1 like any other error, for 2 means a finding; Ctrl-C
    exits 130 and SIGTERM 143, after the same cleaning up. All hold for commands of every depth.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and exit; without `standalone_mode` errors are raised as they
        are.
        """
        name = prog_name if prog_name is not None else self.name
        if not standalone_mode:
            return super().main(args, name, complete_var, False, **extra)
        with _termination_as_ctrl_c() as signals:
            try:
                code = super().main(args, name, complete_var, False, **extra)
            except click.ClickException as error:
                click.echo(error.message, err=True)
                sys.exit(1)
            except (click.Abort, KeyboardInterrupt):
                click.echo(STOPPED, err=True)
                sys.exit(TERMINATED if signals else INTERRUPTED)
            sys.exit(code if isinstance(code, int) else 0)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the options of the group."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except KeyboardInterrupt:  # click would write an empty line
            raise click.Abort from None
        except click.ClickException as error:
            raise click.ClickException(line_of(error)) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Import and run a command; its errors become lines that name it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.Abort from None
        except click.ClickException as error:
            raise click.ClickException(line_of(error, ctx)) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None when there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group("surety", cls=Surety, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="surety")
def main() -> None:
    """Collateral vaults: demo, checks, keeper, prices and measurements.

    Exit codes: 0 all well, 1 an error (said in one line), 2 a finding.
    """


if __name__ == "__main__":
    main()
