# SPDX-License-Identifier: MIT
"""The `surety` command: a thin group that imports a command's room only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from surety import __version__

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
    "compile": (
        "surety.compile",
        "compile_command",
        "Compile the contracts into surety/artifacts.",
    ),
}


class LazyGroup(click.Group):
    """A click group whose commands are imported on use, so that `--help` stays fast."""

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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="surety")
def main() -> None:
    """Collateral vaults: demo, checks, keeper and measurements.

    Exit codes: 0 all well, 1 an error (said in one line), 2 a finding.
    """


if __name__ == "__main__":
    main()
