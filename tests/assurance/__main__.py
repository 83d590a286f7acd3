# SPDX-License-Identifier: MIT
"""Run every tool again, one after the other, and say of each what it covered: `make assurance`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from surety.files import write_atomically
from tests.assurance.coverage import ROOT
from tests.assurance.page import PAGE, filled

LOGS = ROOT / ".cache" / "assurance"
LIMIT = 2 * 3_600.0  # seconds for one tool, beyond any of them


@dataclass(frozen=True)
class Tool:
    """One thing to run: what it is for, the command, and where its last lines say how much."""

    name: str
    what: str
    command: str
    said: str = ""  # a pattern of what to quote of its output; else the last line

    def quote(self, printed: str) -> str:
        """Return the words of the output that say what was covered."""
        found = re.findall(self.said, printed) if self.said else []
        lines = [line.strip(" =") for line in printed.splitlines() if line.strip(" =")]
        return str(found[-1]) if found else lines[-1] if lines else "it printed nothing"


def tools(minutes: float) -> list[Tool]:
    """Return all tools; searches that can go on for ever last `minutes` each."""
    quiet = "pytest -q -p no:ape_test"
    seconds = max(int(20 * minutes), 10)
    return [
        Tool(
            "lint",
            "rules of known mistakes over all sources",
            "surety check lint contracts --exclude mocks",
        ),
        Tool(
            "layout",
            "storage and code size against the snapshot",
            "surety check layout contracts --exclude mocks --check snapshots/layout.json",
        ),
        Tool(
            "permissions",
            "every function of every contract called by strangers, with what changed",
            "surety check permissions contracts --exclude mocks",
        ),
        Tool("access", "who may call what, read from the sources", "surety access --check"),
        Tool("proofs", "rounding and order of every formula, by z3", f"{quiet} tests/proofs"),
        Tool("incidents", "what broke others, with weakened copies", f"{quiet} tests/incidents"),
        Tool("bad inputs", "the catalogue below, row by row", f"{quiet} tests/bad_inputs"),
        Tool("access live", "everybody calls everything", f"{quiet} tests/access"),
        Tool(
            "campaigns",
            "random histories of the whole system beside its model",
            f"{quiet} -m 'not deep' tests/stateful",
        ),
        Tool("fuzz", "all long fuzz tests", f"make -s fuzz MINUTES={minutes:g}"),
        Tool(
            "attack",
            "sequences of acts that should pay an attacker, at constant prices",
            f"surety attack --evaluations 1000000 --seconds {seconds}",
        ),
        Tool(
            "attack, prices moving",
            "the same with two price moves within two minutes",
            f"surety attack --moves 2 --evaluations 1000000 --seconds {seconds}",
        ),
        Tool("coverage", "lines and branches of the core", "make -s coverage"),
        Tool("mutation", "faults put into the core", "make -s mutate"),
        Tool("halmos", "symbolic runs of the bytecode", "make -s halmos"),
    ]


def run(tool: Tool) -> tuple[int, float, str]:
    """Run one tool; return its exit code, its seconds and what it says it covered."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{tool.name.replace(' ', '-').replace(',', '')}.log"
    began = time.monotonic()
    with log.open("w") as file:
        try:
            code = subprocess.run(
                tool.command, shell=True, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
                timeout=LIMIT, check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            code = -1
            file.write(f"\nnot done after {LIMIT:g} seconds\n")
    return code, time.monotonic() - began, tool.quote(log.read_text(errors="replace"))


def table(rows: list[tuple[Tool, int, float, str]]) -> str:
    """Return what is known of each tool's last run as a table for the page."""
    lines = ["| tool | what it tries | of the last run | seconds |", "| --- | --- | --- | --- |"]
    for tool, code, seconds, said in rows:
        result = said if code == 0 else f"**found something (exit {code})**: {said}"
        words = result.replace("|", "\\|")
        lines.append(f"| {tool.name}: `{tool.command}` | {tool.what} | {words} | {seconds:.0f} |")
    return "\n".join([*lines, ""])


def main() -> int:
    """Run what is named, or everything; with `--write` put the table into docs/assurance.md."""
    minutes = float(os.environ.get("SURETY_ASSURANCE_MINUTES", "5"))
    write = "--write" in sys.argv[1:]
    wanted = [word for word in sys.argv[1:] if word != "--write"]
    known = tools(minutes)
    unknown = set(wanted) - {tool.name for tool in known}
    if unknown or (write and wanted):
        names = ", ".join(tool.name for tool in known)
        print(f"assurance: name some of: {names}; --write is for all of them", file=sys.stderr)
        return 1
    rows = []
    for tool in known:
        if wanted and tool.name not in wanted:
            continue
        print(f"{tool.name:22} ...", end=" ", flush=True)
        code, seconds, said = run(tool)
        print(f"{'ok' if code == 0 else f'EXIT {code}'} in {seconds:.0f} s: {said}", flush=True)
        rows.append((tool, code, seconds, said))
    print(f"what each printed: {Path(os.path.relpath(LOGS))}")
    if write:
        write_atomically(PAGE, filled(PAGE.read_text(), "run", table(rows)))
    return 2 if any(code for _, code, _, _ in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
