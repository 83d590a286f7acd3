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
FINDING = 2
TESTS = (1,)  # what pytest exits with when a test fails
# how make says that what it ran failed: its own exit code is 2 for anything
MAKE = re.compile(r"^make(?:\[\d+\])?: \*\*\* \[.*\] Error (\d+)$", re.M)
LIMIT = 2 * 3_600.0  # seconds for one tool, beyond any of them


@dataclass(frozen=True)
class Tool:
    """One thing to run: what it is for, the command, and where its last lines say how much."""

    name: str
    what: str
    command: str
    findings: tuple[int, ...] = (FINDING,)  # exit codes; with any other but 0 it did not run
    said: str = ""  # a pattern of what to quote of its output; else the last line

    def outcome(self, code: int) -> str:
        """Say what an exit code means."""
        if code == 0:
            return "ok"
        words = "found something" if code in self.findings else "did not run"
        return f"{words} (exit {code})"

    def quote(self, printed: str) -> str:
        """Return the words of the output that say what was covered."""
        found = re.findall(self.said, printed) if self.said else []
        lines = [line.strip(" =") for line in MAKE.sub("", printed).splitlines()]
        lines = [line for line in lines if line]
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
            "a stranger calls every function of a live system, with what he changed",
            f"{quiet} tests/unit/check/test_own.py",
            TESTS,
        ),
        Tool("access", "who may call what, read from the sources", "surety access --check"),
        Tool(
            "proofs", "rounding and order of every formula, by z3", f"{quiet} tests/proofs", TESTS
        ),
        Tool(
            "incidents",
            "what broke others, with weakened copies",
            f"{quiet} tests/incidents",
            TESTS,
        ),
        Tool("bad inputs", "the catalogue below, row by row", f"{quiet} tests/bad_inputs", TESTS),
        Tool("access live", "everybody calls everything", f"{quiet} tests/access", TESTS),
        Tool(
            "campaigns",
            "random histories of the whole system beside its model",
            f"{quiet} -m 'not deep' tests/stateful",
            TESTS,
        ),
        Tool("fuzz", "all long fuzz tests", f"make -s fuzz MINUTES={minutes:g}", TESTS),
        Tool(
            "attack",
            "sequences of acts that should pay an attacker, at constant prices",
            f"surety attack --evaluations 1000000 --seconds {seconds}",
        ),
        Tool(
            "attack moving",
            "the same with two price moves within two minutes",
            f"surety attack --moves 2 --evaluations 1000000 --seconds {seconds}",
        ),
        Tool("coverage", "lines and branches of the core", "make -s coverage", (1, 2)),
        Tool(
            "mutation",
            "faults put into the core",
            f"make -s mutate ARGS='--seconds {120 * minutes:g}'",
        ),
        Tool("halmos", "symbolic runs of the bytecode", "make -s halmos", (1, 2)),
    ]


def run(tool: Tool) -> tuple[int, float, str]:
    """Run one tool; return its exit code, its seconds and what it says it covered."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{tool.name.replace(' ', '-')}.log"
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
    printed = log.read_text(errors="replace")
    if code and tool.command.startswith("make "):
        code = int(next(iter(MAKE.findall(printed)[-1:]), -1))
    return code, time.monotonic() - began, tool.quote(printed)


def table(rows: list[tuple[Tool, int, float, str]]) -> str:
    """Return what is known of each tool's last run as a table for the page."""
    lines = ["| tool | what it tries | of the last run | seconds |", "| --- | --- | --- | --- |"]
    for tool, code, seconds, said in rows:
        result = said if code == 0 else f"**{tool.outcome(code)}**: {said}"
        words = result.replace("|", "\\|")
        lines.append(f"| {tool.name}: `{tool.command}` | {tool.what} | {words} | {seconds:.0f} |")
    return "\n".join([*lines, ""])


def usage(known: list[Tool]) -> str:
    """Return how the command is used."""
    names = "\n".join(f"  {tool.name!r:16} {tool.what}" for tool in known)
    return (
        'usage: make assurance [MINUTES=5] [ARGS="NAME ... | --write"]\n'
        "Run every tool again, or those named; --write puts what all of them say into\n"
        "docs/assurance.md. Exit codes: 0 nothing found, 1 a tool did not run, 2 a finding.\n"
        f"Names:\n{names}"
    )


def main() -> int:
    """Run what is named, or everything; with `--write` put the table into docs/assurance.md."""
    minutes = float(os.environ.get("SURETY_ASSURANCE_MINUTES", "5"))
    write = "--write" in sys.argv[1:]
    wanted = [word for word in sys.argv[1:] if word != "--write"]
    known = tools(minutes)
    if {"-h", "--help"} & set(wanted):
        print(usage(known))
        return 0
    unknown = [word for word in wanted if word not in {tool.name for tool in known}]
    if unknown or (write and wanted):
        names = ", ".join(repr(tool.name) for tool in known)
        wrong = f"there is no {unknown[0]!r}" if unknown else "--write is for all of them"
        print(f"assurance: {wrong}; the tools are: {names}", file=sys.stderr)
        return 1
    rows = []
    for tool in known:
        if wanted and tool.name not in wanted:
            continue
        print(f"{tool.name:22} ...", end=" ", flush=True)
        code, seconds, said = run(tool)
        print(f"{tool.outcome(code)} in {seconds:.0f} s: {said}", flush=True)
        rows.append((tool, code, seconds, said))
    print(f"what each printed: {Path(os.path.relpath(LOGS))}")
    if write:
        write_atomically(PAGE, filled(PAGE.read_text(), "run", table(rows)))
    if any(code in tool.findings for tool, code, _, _ in rows):
        return FINDING
    return int(any(code for _, code, _, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
