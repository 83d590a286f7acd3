# SPDX-License-Identifier: MIT
"""`surety check lint`: print what the rules find, or say what they are."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from surety.check.command import from_here, project_options, read_project
from surety.check.lint.engine import Report
from surety.commands import Failure, counted


def _explain(ctx: click.Context, _option: click.Parameter, only: tuple[str, ...]) -> Any:
    """Print the rules and exit where `help` is asked for: no PATH is needed for that."""
    from surety.check.lint.rules import RULES

    if "help" in only and not ctx.resilient_parsing:
        click.echo(
            "\n\n".join(
                f"{rule.id}: {rule.title}\n  why: {rule.why}\n  fix: {rule.fix}"
                for rule in RULES.values()
            )
        )
        ctx.exit()
    return only


@click.command("lint")
@project_options
@click.option(
    "--rule",
    "only",
    multiple=True,
    metavar="RULE",
    is_eager=True,
    callback=_explain,
    help="Only this rule; may be repeated. `--rule help` lists them all with why and fix.",
)
def lint(
    path: Path,
    search_paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """Hold Vyper sources against the rules of known mistakes.

    A finding is allowed by a comment on its statement, or on a line of its own above it:
    `# check: allow RULE - why`. One without a why, or that allows nothing, is a finding itself.
    """
    from surety.check.lint import engine
    from surety.check.lint.rules import RULES

    for name in only:
        if name not in RULES:
            raise Failure(f"there is no rule {name}; `--rule help` lists them")
    project = read_project(path, search_paths, exclude)
    report = engine.lint(project, only)
    findings, allowed = (
        tuple(replace(found, file=from_here(project, found.file)) for found in some)
        for some in (report.findings, report.allowed)
    )
    report = replace(report, findings=findings, allowed=allowed)
    click.echo(_json(report) if as_json else _text(report))
    if report.findings:
        sys.exit(2)


def _json(report: Report) -> str:
    from surety.check.lint.rules import RULES

    def told(found: object) -> dict[str, object]:
        assert hasattr(found, "rule")
        rule = RULES.get(found.rule)
        return {
            **{name: getattr(found, name) for name in ("file", "line", "column", "rule")},
            "message": getattr(found, "message", ""),
            "why": rule.why if rule else "",
            "fix": rule.fix if rule else "",
        }

    return json.dumps(
        {
            "files": report.files,
            "rules": report.rules,
            "findings": [told(found) for found in report.findings],
            "allowed": [told(found) for found in report.allowed],
        },
        indent=1,
    )


def _text(report: Report) -> str:
    lines = [str(found) for found in report.findings]
    lines.append(
        f"{counted(report.files, 'file')}, {counted(len(report.rules), 'rule')}:"
        f" {counted(len(report.findings), 'finding')}, {len(report.allowed):,} allowed by comments"
    )
    return "\n".join(lines)
