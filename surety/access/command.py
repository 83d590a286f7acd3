# SPDX-License-Identifier: MIT
"""`surety access`: print the table, write its page, or check both against the contracts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from surety import paths
from surety.access.audit import audit
from surety.access.guards import GuardsError
from surety.access.page import as_json, page
from surety.commands import Failure, counted
from surety.files import write_atomically


def page_path() -> Path:
    """Return where the page lies in a checkout."""
    return paths.root() / "docs" / "access.md"


@click.command("access")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--check",
    is_flag=True,
    help="Hold the table against ABIs, sources and docs/access.md; exit 2 on a difference.",
)
@click.option("--write", is_flag=True, help="Write docs/access.md.")
def access(in_json: bool, check: bool, write: bool) -> None:
    """Show who may call what, function by function.

    Without an option the page is printed. `--check` writes nothing: it reads the guards out of the
    Vyper sources, which takes some seconds.
    """
    if write and check:
        raise Failure("--write and --check do not go together")
    if (write or check) and not paths.is_checkout():
        raise Failure("the sources and the page are in a checkout only")
    if check:
        _check(in_json)
        return
    if write:
        write_atomically(page_path(), page())
    if in_json:
        click.echo(json.dumps(as_json(), indent=1))
    elif write:
        click.echo("docs/access.md is written")
    else:
        click.echo(page(), nl=False)


def _check(in_json: bool) -> None:
    try:
        findings = [str(found) for found in audit()]
    except GuardsError as error:
        raise Failure(error) from error
    if not page_path().is_file() or page_path().read_text(encoding="utf-8") != page():
        findings.append("docs/access.md: not what the table says; run `surety access --write`")
    if in_json:
        click.echo(json.dumps({"findings": findings}))
    else:
        for finding in findings:
            click.echo(finding)
        if not findings:
            table = as_json()["contracts"]
            writes = sum(len(contract["writes"]) for contract in table.values())
            click.echo(
                f"{counted(len(table), 'contract')}, {counted(writes, 'function')} that write:"
                " table, ABIs, sources and page agree"
            )
    if findings:
        sys.exit(2)
