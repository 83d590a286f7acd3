# SPDX-License-Identifier: MIT
"""Contracts that tell which way each of their jumps went, at the full speed of revm.

A probe is put before each JUMPI and behind each JUMPDEST of the assembly that the compiler made. It
asks for the balance of an address that nobody else uses, one for each way, and drops the answer:

    JUMPI      DUP2 ISZERO PUSH5 mark ADD BALANCE POP JUMPI  (mark: it jumps, mark + 1: goes on)
    JUMPDEST   JUMPDEST PUSH5 mark BALANCE POP

revm keeps every account that was ever asked for, reverts or not (EIP-2929 makes it cold again, no
more), so that `db_accounts` of an EVM lists all that its contracts did, for every test, in calls
that fail, in views, and in contracts called by contracts. The instructions between the probes are
those of the artifact, one by one; they cost more gas, and nothing else is different.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from surety import paths
from surety.compile import artifact

CORE = ("Vault", "PriceHub", "Stablecoin", "InsuranceFund")
MARKS = 0xE7C0DE0000  # no other account is there: tests make up small numbers, or whole words
ROOM = 1 << 16
EACH = ROOM // len(CORE)


def footless(bytecode: bytes) -> bytes:
    """Return creation code without what the compiler says of itself at its end.

    That ends with its own length in two bytes, and holds a sum over the sources, comments and all.
    """
    return bytecode[: -int.from_bytes(bytecode[-2:])]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of creation code, which holds the runtime code."""

    pc: int
    op: int
    pushed: int
    after: int


@dataclass(frozen=True, slots=True)
class Build:
    """A contract as it is, and with probes.

    `jumps` and `entries` are where its JUMPI and JUMPDEST stand, in the order of their probes.
    """

    code: bytes
    probed: bytes
    maps: dict[str, Any]
    runtime_at: int
    instructions: dict[int, Instruction]
    jumps: tuple[int, ...]
    entries: tuple[int, ...]


@cache
def build(name: str) -> Build:
    """Compile a contract of the core, plain and probed; the plain one is its artifact's code."""
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.ir.compile_ir import RuntimeHeader, _length_of_data, assembly_to_evm

    bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), paths.root()])
    data = CompilerData(bundle.load_file(paths.contracts() / f"{name}.vy"), bundle)
    foot = bytes.fromhex(data.integrity_sum)
    code, maps = assembly_to_evm(data.assembly, compiler_metadata=foot)
    assert code == artifact(name).bytecode, f"{name}: not the code of its artifact"
    runtime = next(
        item
        for item in data.assembly
        if isinstance(item, list) and isinstance(item[0], RuntimeHeader)
    )
    tables = sum(_length_of_data(item) for item in runtime[1:] if isinstance(item, list))
    at = {each.pc: each for each in instructions(code[: len(footless(code)) - tables])}
    jumps = tuple(pc for pc, each in at.items() if each.op == JUMPI)
    entries = tuple(pc for pc, each in at.items() if each.op == JUMPDEST)
    assert len(jumps) == sum(item == "JUMPI" for item in flat(data.assembly))
    assert len(entries) == sum(item == "JUMPDEST" for item in flat(data.assembly))
    assert 2 * len(jumps) + len(entries) < EACH
    runtime_at = len(footless(code)) - len(assembly_to_evm(runtime[1:], compiler_metadata=None)[0])
    first = MARKS + CORE.index(name) * EACH
    with_probes = probed(
        data.assembly,
        iter(range(first, first + 2 * len(jumps), 2)),
        iter(range(first + 2 * len(jumps), first + EACH)),
    )
    return Build(
        code,
        assembly_to_evm(with_probes, compiler_metadata=foot)[0],
        maps,
        runtime_at,
        at,
        jumps,
        entries,
    )


JUMP, JUMPI, JUMPDEST = 0x56, 0x57, 0x5B


def instructions(code: bytes) -> Iterator[Instruction]:
    """Walk code from its begin."""
    pc = 0
    while pc < len(code):
        op = code[pc]
        width = op - 0x5F if 0x60 <= op <= 0x7F else 0
        yield Instruction(pc, op, int.from_bytes(code[pc + 1 : pc + 1 + width]), pc + 1 + width)
        pc += 1 + width


def flat(assembly: Iterable[Any]) -> Iterator[Any]:
    """Walk an assembly and the one inside it."""
    for item in assembly:
        if isinstance(item, list):
            yield from flat(item)
        else:
            yield item


def probed(assembly: Iterable[Any], jumps: Iterator[int], entries: Iterator[int]) -> list[Any]:
    """Return an assembly with a probe at each JUMPI and JUMPDEST."""
    found: list[Any] = []
    for item in assembly:
        if isinstance(item, list):
            found.append(probed(item, jumps, entries))
        elif item == "JUMPI":
            mark = next(jumps).to_bytes(5)
            found += ["DUP2", "ISZERO", "PUSH5", *mark, "ADD", "BALANCE", "POP", item]
        elif item == "JUMPDEST":
            found += [item, "PUSH5", *next(entries).to_bytes(5), "BALANCE", "POP"]
        else:
            found.append(item)
    return found


def marks_of(accounts: Iterable[str]) -> set[int]:
    """Return which marks are among addresses."""
    prefix = f"0x{MARKS:040x}"[:-4]
    return {int(each[-4:], 16) for each in accounts if each.lower().startswith(prefix)}


def seen_in(marks: Iterable[int], name: str) -> tuple[set[tuple[int, int]], set[int]]:
    """Return which jumps of a contract went where, as (pc, pc), and which JUMPDEST it came by."""
    made = build(name)
    first = CORE.index(name) * EACH
    jumped: set[tuple[int, int]] = set()
    came_by: set[int] = set()
    for mark in marks:
        at = mark - first
        if 0 <= at < 2 * len(made.jumps):
            pc = made.jumps[at // 2]
            jumped.add((pc, made.instructions[pc].after if at % 2 else target_of(made, pc)))
        elif 0 <= at - 2 * len(made.jumps) < len(made.entries):
            came_by.add(made.entries[at - 2 * len(made.jumps)])
    return jumped, came_by


def target_of(made: Build, pc: int) -> int:
    """Return where a JUMPI leads: what was pushed right before it, within its own code."""
    pushed = made.instructions[pc - 3]
    assert pushed.op == 0x61, "not PUSH2"
    target = pushed.pushed + (made.runtime_at if pc >= made.runtime_at else 0)
    assert made.instructions[target].op == JUMPDEST
    return target
