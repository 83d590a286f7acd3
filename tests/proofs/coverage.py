# SPDX-License-Identifier: MIT
"""Branch coverage of the core's bytecode: which side of every JUMPI some test took.

As a pytest plugin (`-p tests.proofs.coverage`) it lets whoever deploys a contract of the core get
one with probes (`tests.proofs.probed`), and adds what they told to `$SURETY_COVERAGE`. As a command
it maps that back to the sources, modules and constructors included, by the compiler's own source
map, prints every side that no test took, and writes docs/coverage.md.

A branch is a jump that an `if`, a conditional expression, an `and`, an `or`, an `assert` or a loop
became. Jumps that the compiler adds by itself (overflow, bounds, calldata, dispatch) are counted
apart: their refusing sides are the compiler's promise, not ours.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from surety import compile as compiling
from surety import paths
from surety.compile import artifact
from surety.files import write_atomically
from tests.proofs.probed import CORE, JUMP, JUMPI, build, footless, marks_of, seen_in, target_of

HERE = Path(__file__).resolve().parent
ARGUED = HERE / "argued_branches.toml"
PAGE = "docs/coverage.md"
REVERT, INVALID, STOP, RETURN = 0xFD, 0xFE, 0x00, 0xF3
ENDS = (REVERT, INVALID, STOP, RETURN)
EXPLICIT = {"If", "IfExp", "BoolOp", "Assert", "For"}
OWN_ERRORS = {None, "user assert", "user revert with reason"}


# what a run sees


class Recorder:
    """Collect what the probes of every EVM of this process tell."""

    def __init__(self) -> None:
        self.codes = {name: digest(name) for name in CORE}
        self.marks: set[int] = set()
        self.living: WeakSet[Any] = WeakSet()

    def watch(self) -> None:
        """Let every EVM that is made from now on be read before it is gone."""
        import pyrevm

        real, recorder = pyrevm.EVM, self

        class Watched:
            """An EVM that is read at its end."""

            def __init__(self, *args: Any, **options: Any) -> None:
                self._evm = real(*args, **options)
                recorder.living.add(self)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._evm, name)

            def __del__(self) -> None:
                with suppress(AttributeError):  # it was never made
                    recorder.read(self._evm)

        pyrevm.EVM = Watched

    def read(self, evm: Any) -> None:
        self.marks |= marks_of(evm.db_accounts)

    def all(self) -> set[int]:
        """Return all marks that any EVM knows, of those that are gone too."""
        gc.collect()
        for each in list(self.living):
            self.read(each)
        return self.marks

    def dump(self, place: Path) -> None:
        """Add what was seen to what another run of the same code saw."""
        none = {"codes": self.codes, "marks": []}
        found = json.loads(place.read_text()) if place.exists() else none
        if found["codes"] != self.codes:
            raise pytest.UsageError(f"{place} is of other code: remove it")
        found["marks"] = sorted(self.all() | set(found["marks"]))
        write_atomically(place, json.dumps(found))


def digest(name: str) -> str:
    """Return the SHA-256 of a contract's creation code as it is committed."""
    return hashlib.sha256(footless(artifact(name).bytecode)).hexdigest()


def deploy_probed() -> None:
    """Let whoever asks for an artifact of the core from now on get one with probes."""
    codes = {name: build(name).probed for name in CORE}
    load, is_fresh = compiling._load, compiling.is_fresh

    def find(name: str) -> compiling.Artifact | None:
        found = load(name)
        if found is None or name not in codes:
            return found
        return replace(found, bytecode=codes[name])

    compiling._load = find
    compiling.is_fresh = lambda item: item.name in codes or is_fresh(item)
    artifact.cache_clear()


_recorders: list[Recorder] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin to record, before anything can import what is replaced here.

    What is written for Ape or an Anvil runs on revm too: `tests.mutation` says how.
    """
    from tests.mutation.node import stand_in

    if "SURETY_COVERAGE" not in os.environ:
        raise pytest.UsageError("set SURETY_COVERAGE to the file that the result is added to")
    stand_in()
    recorder = Recorder()
    recorder.watch()
    deploy_probed()
    _recorders.append(recorder)
    early_config.pluginmanager.import_plugin("tests.mutation.ape")


_ends_at = time.monotonic() + float(os.environ.get("SURETY_COVERAGE_SECONDS", "inf"))
_outcomes: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.failed:
        _outcomes[report.outcome] += 1


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Stop in time, with what was seen until then."""
    if time.monotonic() > _ends_at:
        item.session.shouldstop = "the time for it is over: SURETY_COVERAGE_SECONDS"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write what was seen. A test that fails under probes is no failure: see the last line."""
    for recorder in _recorders:
        recorder.dump(Path(os.environ["SURETY_COVERAGE"]))
    if exitstatus == pytest.ExitCode.TESTS_FAILED and _outcomes["passed"]:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _outcomes["failed"]:
        terminalreporter.write_line(
            f"{_outcomes['failed']} of {_outcomes.total()} tests fail here because they meter gas, "
            "which probes cost, or ask for what only a real Anvil has"
        )


# what it means


@dataclass(frozen=True, slots=True)
class Branch:
    """One side of one jump that the source asked for."""

    contract: str
    file: str
    function: str
    line: int
    kind: str
    text: str
    side: str
    taken: bool


class Contract:
    """The branches of one contract, by its source map."""

    def __init__(self, name: str) -> None:
        self.name, self.build = name, build(name)
        self.at = self.build.instructions
        self.nodes = self.build.maps["pc_raw_ast_map"]
        self.errors = self.build.maps["error_map"]
        self.jumps = {pc: (target_of(self.build, pc), self.at[pc].after) for pc in self.build.jumps}

    def branches(self, seen: set[tuple[int, int]]) -> tuple[list[Branch], Counter[str]]:
        """Return both sides of each branch, and how the compiler's own checks fared."""
        found: list[Branch] = []
        own: Counter[str] = Counter()
        met: Counter[tuple[bool, Any]] = Counter()
        for pc, sides in self.jumps.items():
            node, error = self.nodes.get(pc), self.errors.get(pc)
            if type(node).__name__ not in EXPLICIT or error not in OWN_ERRORS:
                own["checks"] += 1
                own["both sides"] += all((pc, to) in seen for to in sides)
                continue
            key = pc < self.build.runtime_at, node
            met[key] += 1
            names = self.sides(node, met[key], sides)
            found += [
                self.branch(pc, node, name, (pc, to) in seen)
                for to, name in zip(sides, names, strict=True)
            ]
        return found, own

    def branch(self, pc: int, node: Any, side: str, taken: bool) -> Branch:
        source = Path(node.module_node.resolved_path)
        parent = node.get_ancestor()
        while parent is not None and type(parent).__name__ != "FunctionDef":
            parent = parent.get_ancestor()
        function = parent.name if parent is not None else ""
        if pc < self.build.runtime_at and function != "__init__":
            function += " in the constructor"
        return Branch(
            self.name,
            source.relative_to(paths.root()).as_posix(),
            function,
            node.lineno,
            type(node).__name__,
            " ".join(str(node.node_source_code).split("\n")[0].split())[:110],
            side,
            taken,
        )

    def sides(self, node: Any, number: int, to: tuple[int, int]) -> tuple[str, str]:
        """Name both sides of a jump, the `number`th of its node, by where they lead."""
        kind = type(node).__name__
        if kind == "Assert":
            names = "fails", "holds"
            return names if self.fails(to[0]) else names[::-1]
        if kind in ("If", "For"):
            names = ("then", "else") if kind == "If" else ("goes round", "ends")
            inside = [self.part_of(pc, node) in node.body for pc in to]
        elif kind == "IfExp":
            names = "then", "else"
            inside = [self.part_of(pc, node) is node.body for pc in to]
            if inside[0] == inside[1]:
                inside = [self.part_of(pc, node) is not node.orelse for pc in to]
        else:  # an operand of `and`, `or`: where it decides, nothing after it is asked
            inside = [self.part_of(pc, node) in node.values[number:] for pc in to]
            names = f"asks after operand {number}", f"decides by operand {number}"
        if inside[0] == inside[1]:  # nothing tells: the compiler jumps past what is asked
            inside = [False, True]
        return names if inside[0] else names[::-1]

    def straight(self, pc: int) -> Iterator[int]:
        """Follow code to where it next decides anything."""
        pushed = 0
        for _ in range(60):
            if pc not in self.at:
                return
            yield pc
            one = self.at[pc]
            if one.op in (JUMPI, *ENDS):
                return
            if one.op == JUMP:
                pc = pushed
            else:
                # an address of the runtime code counts from where that begins
                pushed = one.pushed + (self.build.runtime_at if pc >= self.build.runtime_at else 0)
                pc = one.after

    def fails(self, pc: int) -> bool:
        return any(self.at[each].op in (REVERT, INVALID) for each in self.straight(pc))

    def part_of(self, pc: int, node: Any) -> Any:
        """Return which child of a node the code belongs to that comes first, if any."""
        for each in self.straight(pc):
            child, parent = None, self.nodes.get(each)
            while parent is not None and parent is not node:
                child, parent = parent, parent.get_ancestor()
            if parent is node and child is not None:
                return child
        return None

    def lines(self, ran: set[int]) -> tuple[int, int]:
        """Count the lines with code, and those of them that ran."""
        found: dict[tuple[str, int], bool] = {}
        for pc, node in self.nodes.items():
            if type(node).__name__ in ("NoneType", "Module", "FunctionDef") or pc not in self.at:
                continue
            key = str(node.module_node.resolved_path), node.lineno
            found[key] = found.get(key, False) or pc in ran
        return len(found), sum(found.values())

    def ran(self, jumped: set[tuple[int, int]], came_by: set[int]) -> set[int]:
        """Return what ran: all that follows a known place up to where it parts again."""
        found: set[int] = set()
        for pc in (0, self.build.runtime_at, *came_by, *(to for _, to in jumped)):
            while pc in self.at and pc not in found:
                found.add(pc)
                if self.at[pc].op in (JUMP, JUMPI, *ENDS):
                    break
                pc = self.at[pc].after
        return found


def report(marks: set[int]) -> dict[str, Any]:
    """Work out the result: per contract counts, and each side that no test took."""
    result: dict[str, Any] = {}
    for name in CORE:
        contract = Contract(name)
        jumped, came_by = seen_in(marks, name)
        raw, own = contract.branches(jumped)
        lines, ran = contract.lines(contract.ran(jumped, came_by))
        missed = [each for each in raw if not each.taken]
        result[name] = {
            "code": digest(name),
            "lines": lines,
            "lines_run": ran,
            "sides": len(raw),
            "sides_taken": len(raw) - len(missed),
            "own_checks": own["checks"],
            "own_checks_both": own["both sides"],
            "missed": [
                {
                    "at": f"{each.file}:{each.function}",
                    "line": each.line,
                    "kind": each.kind,
                    "text": each.text,
                    "side": each.side,
                }
                for each in sorted(missed, key=lambda one: (one.file, one.line, one.side))
            ],
        }
    return result


def argued() -> list[dict[str, str]]:
    """Return the misses that are argued, each with its reason."""
    return list(tomllib.loads(ARGUED.read_text())["miss"])


def key_of(contract: str, miss: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return what names a miss however its line moves."""
    return contract, miss["at"], miss["text"], miss["side"]


def judged(
    result: dict[str, Any], entries: Iterable[dict[str, str]]
) -> tuple[list[tuple[str, dict[str, Any]]], list[dict[str, str]]]:
    """Return the misses that nobody argues, and the entries that argue no miss."""
    known = {key_of(each["contract"], each): each for each in entries}
    missed = [(name, miss) for name, one in result.items() for miss in one["missed"]]
    keys = {key_of(name, miss) for name, miss in missed}
    return (
        [each for each in missed if key_of(*each) not in known],
        [each for key, each in known.items() if key not in keys],
    )


def page(result: dict[str, Any]) -> str:
    """Write docs/coverage.md."""
    reasons = {key_of(each["contract"], each): each["why"] for each in argued()}
    lines = [
        "<!-- SPDX-License-Identifier: MIT -->",
        "<!-- generated by `make coverage`: do not edit -->",
        "# Coverage of the core's bytecode",
        "",
        "Both sides of every jump in the creation code of the core, constructors and modules",
        "included, as the tests on revm take them; [proofs.md](proofs.md) says how that is",
        "measured. A side is one way out of an `if`, a conditional expression, an operand of",
        "`and` or `or`, an `assert` or a loop. The compiler's own checks (overflow, bounds,",
        "calldata, dispatch) are counted apart.",
        "",
        "| contract | lines run | sides taken | argued | own checks, both sides | SHA-256 |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in result.items():
        lines.append(
            f"| {name} | {one['lines_run']} of {one['lines']} "
            f"| {one['sides_taken']} of {one['sides']} | {len(one['missed'])} "
            f"| {one['own_checks_both']} of {one['own_checks']} | `{one['code']}` |"
        )
    lines += ["", "## Sides that no test takes, and why", ""]
    told: dict[tuple[str, str, str, str], str] = {}
    for name, one in result.items():
        for miss in one["missed"]:
            key = key_of(name, miss)
            why = reasons.get(key, "**not argued**")
            text = miss["text"].replace("|", "\\|")
            told[key] = f"* {name}, `{miss['at']}`: `{text}` never {miss['side']}: {why}"
    return "\n".join([*lines, *told.values()]) + "\n"


def main() -> int:
    """Map what `$SURETY_COVERAGE` holds to the sources; exit 2 when a miss is not argued."""
    seen = json.loads(Path(os.environ["SURETY_COVERAGE"]).read_text())
    assert seen["codes"] == {name: digest(name) for name in CORE}, "it is of other code"
    result = report(set(seen["marks"]))
    write_atomically(paths.root() / PAGE, page(result))
    open_misses, idle = judged(result, argued())
    for name, one in result.items():
        print(f"{name}: {one['sides_taken']} of {one['sides']} sides", end=", ")
        print(f"{one['lines_run']} of {one['lines']} lines")
    for name, miss in open_misses:
        print(f"{name}: {miss['at']}:{miss['line']}: {miss['text']}: never {miss['side']}")
    for each in idle:
        print(f"{ARGUED.name}: {each['contract']}, {each['at']}: {each['text']}: is taken or gone")
    return 2 if open_misses or idle else 0


if __name__ == "__main__":
    sys.exit(main())
