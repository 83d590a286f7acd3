# SPDX-License-Identifier: MIT
"""Branch coverage of the real bytecode: which side of every JUMPI some test took.

As a pytest plugin (`-p tests.proofs.coverage`) it lets revm trace every transaction and view of
the tests that run in this process, and adds what it saw to `$SURETY_COVERAGE`. As a command it maps
that back to the sources, modules included, by the compiler's own source map, prints every side that
no test took, and writes docs/coverage.md.

A branch is a jump that an `if`, a conditional expression, an `and`, an `or`, an `assert` or a loop
became. Jumps that the compiler adds by itself (overflow, bounds, calldata, dispatch) are counted
apart: their refusing sides are the compiler's promise, not ours.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from surety import paths
from surety.compile import artifact
from surety.files import write_atomically

CORE = ("Vault", "PriceHub", "Stablecoin", "InsuranceFund")
HERE = Path(__file__).resolve().parent
ARGUED = HERE / "argued_branches.toml"
PAGE = "docs/coverage.md"
LINE = re.compile(r'^\{"pc":(\d+),"op":(\d+),.*?"stack":\[(.*?)\],"depth":(\d+)', re.MULTILINE)
JUMPI, JUMP, JUMPDEST, REVERT, INVALID, STOP, RETURN = 0x57, 0x56, 0x5B, 0xFD, 0xFE, 0x00, 0xF3
CALLS = {0xF1, 0xF2, 0xF4, 0xFA}
IMMUTABLES = 32 * 24  # at the end of the code, and set by each deployment
EXPLICIT = {"If", "IfExp", "BoolOp", "Assert", "For"}
OWN_ERRORS = {None, "user assert", "user revert with reason"}


def runtime_of(name: str) -> tuple[bytes, Any, dict[str, Any]]:
    """Compile one contract: its runtime code without immutables, its tree, and its source map."""
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.ir.compile_ir import assembly_to_evm

    source = paths.contracts() / f"{name}.vy"
    bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), paths.root()])
    data = CompilerData(bundle.load_file(source), bundle)
    code, maps = assembly_to_evm(data.assembly_runtime, compiler_metadata=None)
    assert code == data.bytecode_runtime
    return code, data.annotated_vyper_module, maps


# what a run sees


class Recorder:
    """Collect the instructions and jumps that the core's bytecode makes."""

    def __init__(self, codes: dict[str, tuple[bytes, int]]) -> None:
        self.codes = codes  # init code, which holds the runtime code, and the latter's size
        self.pcs: dict[str, set[int]] = {name: set() for name in codes}
        self.jumps: dict[str, set[tuple[int, int]]] = {name: set() for name in codes}

    def name_of(self, code: bytes) -> str | None:
        for name, (init, size) in self.codes.items():
            # revm pads code with zeros behind its end
            is_whole = len(code) >= size and not code[size:].strip(b"\0")
            if is_whole and code[: size - IMMUTABLES] in init:
                return name
        return None

    def read(self, raw: str, evm: Any, to: str, known: dict[str, str | None]) -> None:
        """Walk the trace of one call."""

        def contract(address: str) -> str | None:
            if address not in known:
                known[address] = self.name_of(bytes(evm.get_code(address) or b""))
            return known[address]

        frames: list[str | None] = [contract(to.lower())]
        jumped: tuple[str, int, int] | None = None
        called: str | None = None
        for match in LINE.finditer(raw):
            pc, op, depth = int(match[1]), int(match[2]), int(match[4])
            if depth > len(frames):
                frames.append(contract(called) if called is not None else None)
            del frames[depth:]
            name = frames[-1]
            if jumped is not None and jumped[0] == name and jumped[2] == depth:
                self.jumps[jumped[0]].add((jumped[1], pc))
            jumped = called = None
            if op in CALLS:
                word = match[3].split(",")[-2].strip('"')
                called = f"0x{int(word, 16):040x}"
            if name is None:
                continue
            self.pcs[name].add(pc)
            if op == JUMPI:
                jumped = name, pc, depth

    def dump(self, place: Path) -> None:
        """Add what was seen to what another run saw."""
        found = json.loads(place.read_text()) if place.exists() else {}
        for name in self.codes:
            old = found.get(name, {"pcs": [], "jumps": []})
            found[name] = {
                "pcs": sorted(self.pcs[name] | set(old["pcs"])),
                "jumps": sorted(self.jumps[name] | {(a, b) for a, b in old["jumps"]}),
            }
        write_atomically(place, json.dumps(found))


def install(recorder: Recorder) -> None:
    """Let every EVM of this process be traced."""
    import pyrevm

    real = pyrevm.EVM

    class Traced:
        """An EVM whose calls are recorded."""

        def __init__(self, *args: Any, **options: Any) -> None:
            self._evm = real(*args, **{**options, "tracing": True})
            self._known: dict[str, str | None] = {}
            self._trace = ""

        def __getattr__(self, name: str) -> Any:
            if name in ("revert", "insert_account_info", "commit"):
                self._known.clear()  # other code may stand where code stood
            return getattr(self._evm, name)

        def _run(self, what: str, args: Any, options: Any) -> Any:
            trace = io.StringIO()
            with redirect_stdout(trace):  # where revm writes it, through Python
                try:
                    return getattr(self._evm, what)(*args, **options)
                finally:
                    self._trace = trace.getvalue()

        def deploy(self, *args: Any, **options: Any) -> Any:
            self._known.clear()
            return self._run("deploy", args, options)

        def message_call(self, caller: str, to: str, *args: Any, **options: Any) -> Any:
            try:
                return self._run("message_call", (caller, to, *args), options)
            finally:
                recorder.read(self._trace, self._evm, to, self._known)

    pyrevm.EVM = Traced


_recorder: list[Recorder] = []


def pytest_configure(config: pytest.Config) -> None:
    """Begin to record."""
    if "SURETY_COVERAGE" not in os.environ:
        raise pytest.UsageError("set SURETY_COVERAGE to the file that the result is added to")
    found = {name: artifact(name) for name in CORE}
    recorder = Recorder({name: (one.bytecode, one.runtime_size) for name, one in found.items()})
    install(recorder)
    _recorder.append(recorder)


def pytest_sessionfinish() -> None:
    """Write what was seen."""
    for recorder in _recorder:
        recorder.dump(Path(os.environ["SURETY_COVERAGE"]))


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


def instructions(code: bytes) -> Iterator[tuple[int, int, int]]:
    """Return (pc, opcode, pushed value) of each instruction."""
    pc = 0
    while pc < len(code):
        op = code[pc]
        width = op - 0x5F if 0x60 <= op <= 0x7F else 0
        yield pc, op, int.from_bytes(code[pc + 1 : pc + 1 + width])
        pc += 1 + width


class Contract:
    """The branches of one contract, by its source map."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.code, _, maps = runtime_of(name)
        self.nodes = maps["pc_raw_ast_map"]
        self.errors = maps["error_map"]
        self.at = {pc: (op, value) for pc, op, value in instructions(self.code)}
        self.order = list(self.at)
        self.next = dict(zip(self.order, [*self.order[1:], len(self.code)], strict=True))
        before = dict(zip(self.order[1:], self.order, strict=False))
        self.jumps = {
            pc: (self.at[before[pc]][1], self.next[pc])
            for pc in self.order
            if self.at[pc][0] == JUMPI
        }

    def digest(self) -> str:
        return hashlib.sha256(self.code).hexdigest()

    def branches(self, seen: set[tuple[int, int]]) -> tuple[list[Branch], Counter[str]]:
        """Return both sides of each branch, and how the compiler's own checks fared."""
        found: list[Branch] = []
        own: Counter[str] = Counter()
        for pc, (target, through) in self.jumps.items():
            node, error = self.nodes.get(pc), self.errors.get(pc)
            if type(node).__name__ not in EXPLICIT or error not in OWN_ERRORS:
                own["checks"] += 1
                own["both sides"] += (pc, target) in seen and (pc, through) in seen
                continue
            sides = (target, through)
            found += [self.branch(pc, node, to, (pc, to) in seen) for to in sides]
        return found, own

    def branch(self, pc: int, node: Any, goes_to: int, taken: bool) -> Branch:
        source = Path(node.module_node.resolved_path)
        parent = node.get_ancestor()
        while parent is not None and type(parent).__name__ != "FunctionDef":
            parent = parent.get_ancestor()
        kind = type(node).__name__
        text = " ".join(str(node.node_source_code).split("\n")[0].split())
        return Branch(
            self.name,
            source.relative_to(paths.root()).as_posix(),
            parent.name if parent is not None else "",
            node.lineno,
            kind,
            text[:110],
            self.side(kind, node, pc, goes_to),
            taken,
        )

    def side(self, kind: str, node: Any, pc: int, goes_to: int) -> str:
        """Name a side by where it leads."""
        jumps = goes_to == self.jumps[pc][0]
        if kind == "Assert":
            return "fails" if self.fails(goes_to) else "holds"
        if kind in ("If", "For"):
            yes, no = ("then", "else") if kind == "If" else ("goes round", "ends")
            inside = [self.enters(each, node.body) for each in self.jumps[pc]]
            if inside[0] == inside[1]:  # the compiler jumps past a body unless it says otherwise
                inside = [False, True]
            return yes if inside[not jumps] else no
        return "jumps" if jumps else "goes on"

    def straight(self, pc: int) -> Iterator[int]:
        """Follow code to where it next decides anything."""
        pushed = 0
        for _ in range(60):
            if pc not in self.at:
                return
            yield pc
            op, value = self.at[pc]
            if op in (JUMPI, REVERT, INVALID, STOP, RETURN):
                return
            if op == JUMP:
                pc = pushed
            else:
                pushed = value
                pc = self.next[pc]

    def fails(self, pc: int) -> bool:
        return any(self.at[each][0] in (REVERT, INVALID) for each in self.straight(pc))

    def enters(self, pc: int, body: Any) -> bool:
        """Tell whether the first statement that code belongs to is one of `body`."""
        first, last = body[0].lineno, body[-1].end_lineno
        for each in self.straight(pc):
            node = self.nodes.get(each)
            if node is not None and type(node).__name__ not in ("Module", "FunctionDef"):
                return bool(first <= node.lineno <= last)
        return False

    def lines(self, seen: set[int]) -> tuple[int, int]:
        """Count the lines with code, and those of them that ran."""
        all_lines: set[tuple[str, int]] = set()
        ran: set[tuple[str, int]] = set()
        for pc, node in self.nodes.items():
            if (
                node is None
                or type(node).__name__ in ("Module", "FunctionDef")
                or pc not in self.at
            ):
                continue
            key = str(node.module_node.resolved_path), node.lineno
            all_lines.add(key)
            if pc in seen:
                ran.add(key)
        return len(all_lines), len(ran)


def report(seen: dict[str, Any]) -> dict[str, Any]:
    """Work out the result: per contract counts, and each side that no test took."""
    result: dict[str, Any] = {}
    for name in CORE:
        contract = Contract(name)
        jumps = {(a, b) for a, b in seen[name]["jumps"]}
        raw, own = contract.branches(jumps)
        lines, ran = contract.lines(set(seen[name]["pcs"]))
        missed = [each for each in raw if not each.taken]
        result[name] = {
            "code": contract.digest(),
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


def page(result: dict[str, Any]) -> str:
    """Write docs/coverage.md."""
    reasons = {key_of(each["contract"], each): each["why"] for each in argued()}
    lines = [
        "<!-- SPDX-License-Identifier: MIT -->",
        "<!-- generated by `make coverage`: do not edit -->",
        "# Coverage of the core's bytecode",
        "",
        "Measured on the deployed bytecode by revm's own trace, both sides of every jump, modules",
        "included; `docs/proofs.md` says how. A side is one way out of an `if`, a conditional",
        "expression, an operand of `and` or `or`, an `assert` or a loop. The compiler's own checks",
        "(overflow, bounds, calldata, dispatch) are counted apart.",
        "",
        "| contract | lines run | sides taken | argued | compiler's checks seen on both sides |",
        "|---|---|---|---|---|",
    ]
    for name, one in result.items():
        lines.append(
            f"| {name} | {one['lines_run']} of {one['lines']} "
            f"| {one['sides_taken']} of {one['sides']} | {len(one['missed'])} "
            f"| {one['own_checks_both']} of {one['own_checks']} |"
        )
    lines += ["", "## Sides that no test takes, and why", ""]
    for name, one in result.items():
        for miss in one["missed"]:
            why = reasons.get(key_of(name, miss), "**not argued**")
            text = miss["text"].replace("|", "\\|")
            lines.append(f"* {name}, `{miss['at']}`: `{text}` never {miss['side']}: {why}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Map what `$SURETY_COVERAGE` holds to the sources; exit 2 when a miss is not argued."""
    seen = json.loads(Path(os.environ["SURETY_COVERAGE"]).read_text())
    result = report(seen)
    write_atomically(paths.root() / PAGE, page(result))
    reasons = {key_of(each["contract"], each) for each in argued()}
    open_misses = 0
    for name, one in result.items():
        print(f"{name}: {one['sides_taken']} of {one['sides']} sides", end=", ")
        print(f"{one['lines_run']} of {one['lines']} lines")
        for miss in one["missed"]:
            if key_of(name, miss) not in reasons:
                open_misses += 1
                print(f"  {miss['at']}:{miss['line']}: {miss['text']}: never {miss['side']}")
    return 2 if open_misses else 0


if __name__ == "__main__":
    sys.exit(main())
