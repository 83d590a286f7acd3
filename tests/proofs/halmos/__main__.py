# SPDX-License-Identifier: MIT
"""Run halmos on the deployed bytecode: each check must hold, and fail on its weakened copy.

`python -m tests.proofs.halmos [SUITE ...]`; tools and harness are kept below `.cache/halmos`. Ends
with 0 when all is as it should be or when a tool cannot be had here (one line says which), else 2.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from surety import paths
from surety.compile import artifact
from surety.files import write_atomically
from tests.incidents.weak import weakened
from tests.proofs.halmos.plan import HERE, SUITES, Suite, Weak, slots
from tests.proofs.halmos.tools import Missing, Tools, ready

PLACE = paths.root() / ".cache" / "halmos"
PROJECT = PLACE / "project"
LIMIT = 900.0  # seconds for one contract
PASSED, BROKEN = 0, 1  # of halmos' exit codes of one check

FOUNDRY = """[profile.default]
src = "src"
out = "out"
libs = []
ast = true
solc = "{solc}"
evm_version = "cancun"
optimizer = false
"""


@dataclass(frozen=True)
class Verdict:
    """What halmos says of one check on one contract."""

    check: str
    code: int
    paths: int
    cut: int  # loops that were not walked to their end
    seconds: float


def solidity(suite: Suite, name: str, code: bytes, *, narrow: bool) -> str:
    """Return the contract that puts bytecode under the checks."""
    parts = [
        "// SPDX-License-Identifier: MIT",
        "pragma solidity 0.8.30;",
        f'import {{{suite.harness}Checks}} from "./{suite.harness}.sol";',
        f"contract {name} is {suite.harness}Checks {{",
        "    function made() internal pure override returns (bytes memory) {",
        f'        return hex"{code.hex()}";',
        "    }",
        "    function narrow() internal pure override returns (bool) {",
        f"        return {str(narrow).lower()};",
        "    }",
        "}",
    ]
    return "\n".join([*parts, ""])


def generated() -> str:
    """Return where contracts keep words, as constants."""
    lines = [f"    uint256 internal constant {name} = {slot};" for name, slot in slots().items()]
    head = ["// SPDX-License-Identifier: MIT", "pragma solidity 0.8.30;", "library Slots {"]
    return "\n".join([*head, *lines, "}", ""])


def lay_out(suite: Suite, tools: Tools, harness: str) -> None:
    """Write a forge project with one contract: the compiler takes long for each."""
    source = PROJECT / "src"
    source.mkdir(parents=True, exist_ok=True)
    for old in source.iterdir():
        old.unlink()
    write_atomically(PROJECT / "foundry.toml", FOUNDRY.format(solc=tools.solc))
    for file in (HERE / "Base.sol", suite.source):
        write_atomically(source / file.name, file.read_text())
    write_atomically(source / "Generated.sol", generated())
    write_atomically(source / "Run.t.sol", harness)


def halmos(tools: Tools, contract: str, checks: Sequence[str]) -> dict[str, Verdict]:
    """Run checks on one contract of the project; those that did not end are missing."""
    answer = PROJECT / "answer.json"
    answer.unlink(missing_ok=True)
    command = [
        str(tools.halmos), "--root", str(PROJECT), "--storage-layout", "generic",
        "--match-contract", f"^{contract}$", "--match-test", f"^check_({'|'.join(checks)})\\(",
        "--loop", "40", "--no-status", "--json-output", str(answer), "--early-exit",
        "--solver-timeout-assertion", "120s",
    ]  # fmt: skip
    with (PLACE / f"{contract}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=tools.environment(), stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if not answer.exists():
        return {}
    found = json.loads(answer.read_text())["test_results"]
    return {
        row["name"].split("(")[0].removeprefix("check_"): Verdict(
            row["name"].split("(")[0].removeprefix("check_"),
            row["exitcode"],
            row["num_paths"][0] if row["num_paths"] else 0,
            row["num_bounded_loops"] or 0,
            row["time"][0] if row["time"] else 0.0,
        )
        for rows in found.values()
        for row in rows
    }


def judge(tools: Tools, suite: Suite) -> tuple[int, int, list[str]]:
    """Run one suite; return checks that hold, controls that break, and what is wrong."""
    wrong: list[str] = []
    held = 0
    name = f"{suite.harness}Real"
    code = artifact(suite.contract).bytecode
    lay_out(suite, tools, solidity(suite, name, code, narrow=False))
    found = halmos(tools, name, suite.checks)
    for check in suite.checks:
        verdict = found.get(check)
        good = verdict is not None and verdict.code == PASSED and verdict.cut == 0
        held += good
        told(f"{suite.contract}.{check}", verdict, "holds" if good else "NOT SHOWN")
        if not good:
            wrong.append(f"{suite.contract}: {check} is not shown")
    broken = sum(control(tools, suite, weak, wrong) for weak in suite.weak)
    return held, broken, wrong


def control(tools: Tools, suite: Suite, weak: Weak, wrong: list[str]) -> int:
    """Run the checks that a weak copy must fail; return how many do."""
    name = f"{suite.harness}Weak_{weak.name}"
    code = weakened(suite.contract, *weak.changes, file=weak.file).bytecode
    lay_out(suite, tools, solidity(suite, name, code, narrow=True))
    found = halmos(tools, name, weak.breaks)
    broken = 0
    for check in weak.breaks:
        verdict = found.get(check)
        good = verdict is not None and verdict.code == BROKEN
        broken += good
        told(f"  control {weak.name}: {check}", verdict, "breaks" if good else "DOES NOT BREAK")
        if not good:
            wrong.append(f"{suite.contract}: {check} does not break on the copy {weak.name}")
    return broken


def told(what: str, verdict: Verdict | None, word: str) -> None:
    """Print one line of the table."""
    cost = "no answer" if verdict is None else f"{verdict.paths} paths, {verdict.seconds:.1f} s"
    print(f"{what:72} {word:12} {cost}", flush=True)


def main() -> int:
    """Run the suites that are named, or all."""
    wanted = sys.argv[1:] or [suite.contract for suite in SUITES]
    unknown = set(wanted) - {suite.contract for suite in SUITES}
    if unknown:
        names = ", ".join(suite.contract for suite in SUITES)
        print(f"halmos: name some of: {names}", file=sys.stderr)
        return 1
    began = time.monotonic()
    PLACE.mkdir(parents=True, exist_ok=True)
    lock = (PLACE / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("halmos: another run is at work here; wait for its end", file=sys.stderr)
        return 1
    try:
        tools = ready(PLACE)
    except Missing as missing:
        print(f"halmos: skipped: {missing}")
        return 0
    held = broken = 0
    wrong: list[str] = []
    for suite in SUITES:
        if suite.contract in wanted:
            holds, breaks, more = judge(tools, suite)
            held, broken, wrong = held + holds, broken + breaks, wrong + more
    for line in wrong:
        print(line)
    print(
        f"{held} properties of the deployed bytecode hold, {broken} controls break them, "
        f"{len(wrong)} wrong, {time.monotonic() - began:.0f} s"
    )
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
