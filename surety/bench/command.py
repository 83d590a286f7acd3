# SPDX-License-Identifier: MIT
"""`surety bench`: measurements a person can run and a test can check."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from surety.anvil import AnvilFailed, AnvilMissing
from surety.bench.gas import SHARES, Gas, compare, measure_gas, measure_shares
from surety.chain import ChainError
from surety.commands import Failure
from surety.compile import ArtifactError
from surety.files import write_atomically
from surety.paths import root

SNAPSHOT = root() / "snapshots" / "gas.json"


@click.group()
def bench() -> None:
    """Measure gas (speed follows)."""


@bench.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--check", is_flag=True, help="Compare with the snapshot; exit 2 when a figure differs."
)
@click.option("--update", is_flag=True, help="Write the figures into the snapshot.")
@click.option(
    "--snapshot",
    type=click.Path(dir_okay=False, path_type=Path),
    default=SNAPSHOT,
    show_default="snapshots/gas.json of the project",
    help="The committed figures.",
)
@click.option("--where", is_flag=True, help="Show what the gas of each transaction is spent on.")
def gas(as_json: bool, check: bool, update: bool, snapshot: Path, where: bool) -> None:
    """Measure the gas of every operation on a local Anvil.

    Settings: hub price fresh, one kind, a minimal ERC-20 with unlimited allowance, a market
    with other users. An operation that does not exist yet is null.
    """
    if where and (check or update):
        raise click.UsageError("--where measures apart: give it without --check and --update")
    try:
        if where:
            _print_shares(measure_shares(), as_json)
            return
        if check and not update and not snapshot.exists():
            raise Failure(f"no snapshot at {snapshot}; write one with --update")
        committed = _read(snapshot)
        measured = measure_gas()
        if update:
            write_atomically(snapshot, json.dumps(measured, indent=2) + "\n")
    except (AnvilFailed, AnvilMissing, ArtifactError, ChainError, OSError, ValueError) as error:
        raise Failure(error) from None
    if as_json:
        click.echo(json.dumps(measured, indent=2))
    else:
        _print(measured, committed)
    differences = compare(measured, committed) if check and not update else []
    for line in differences:
        click.echo(line, err=True)
    sys.exit(2 if differences else 0)


def _print_shares(shares: dict[str, dict[str, int]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(shares, indent=2))
        return
    table = Table(
        title="What gas is spent on (token, coin, hub: whole calls, first access included)"
    )
    table.add_column("operation")
    for name in (*SHARES, "all"):
        table.add_column(name, justify="right")
    for operation, share in shares.items():
        figures = (*share.values(), sum(share.values()))
        table.add_row(operation, *(f"{figure:,}" for figure in figures))
    Console().print(table)


def _read(path: Path) -> Gas:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold one JSON object")
    for name, figure in found.items():
        if figure is not None and type(figure) is not int:
            raise ValueError(f"{path}: {name} must be a whole number or null")
    return found


def _print(measured: Gas, committed: Gas) -> None:
    table = Table(title="Gas of whole transactions (vault_bytes: bytes of runtime code)")
    table.add_column("operation")
    table.add_column("now", justify="right")
    table.add_column("snapshot", justify="right")
    table.add_column("change", justify="right")
    for name, now in measured.items():
        was = committed.get(name)
        change = "" if now is None or was is None else f"{now - was:+,}" if now != was else "="
        table.add_row(
            name, "-" if now is None else f"{now:,}", "-" if was is None else f"{was:,}", change
        )
    Console().print(table)
