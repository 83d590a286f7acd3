# SPDX-License-Identifier: MIT
"""`surety check layout`: where every variable lies and how large the code is, held to a snapshot.

Whoever reads storage by its position (a lens over a state override, a proof, an indexer, a
migration behind a proxy) is broken in silence by a variable that moves; a contract that outgrows
the limit cannot be deployed at all. Neither shows in a test that goes through the ABI.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from surety.check.command import project_options, read_project, tell
from surety.check.source import Project, SourceError
from surety.commands import Failure, counted
from surety.files import write_atomically

RUNTIME_LIMIT: Final = 24_576  # bytes, EIP-170
INIT_LIMIT: Final = 49_152  # bytes, EIP-3860
GROWTH: Final = 256  # bytes that a contract may grow without a new snapshot
_PLACES: Final = {
    "storage_layout": "storage",
    "transient_storage_layout": "transient",
    "code_layout": "immutables",
}


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """One variable: `at` is its first slot, or its first byte where it is immutable.

    `place` is `storage`, `transient` or `immutables`; `size` counts slots or bytes. A mapping
    takes one slot, and its entries lie where nothing else does.
    """

    place: str
    at: int
    size: int
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What a snapshot holds of one contract; sizes in bytes."""

    words: tuple[Word, ...]
    runtime: int
    init: int


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """What is not as the snapshot has it; a `note` breaks nobody."""

    contract: str
    kind: str
    message: str
    note: bool = False

    def __str__(self) -> str:
        """Return the difference as one line."""
        return f"{self.contract}: {self.kind}: {self.message}"


Snapshot = Mapping[str, Contract]


def snapshot(project: Project, tell: Callable[[int, int, str], None] | None = None) -> Snapshot:
    """Return the layout and sizes of every contract of a project; raises SourceError.

    `tell` hears before each contract how many are done, of how many, and its name.
    """
    found = {}
    for number, source in enumerate(project.contracts):
        if tell:
            tell(number, len(project.contracts), source.name)
        made = project.compiled(source)
        words = tuple(sorted(_words(project.layout(source))))
        found[source.name] = Contract(words, made.runtime_size, len(made.creation))
    return found


def _words(layout: Mapping[str, Any]) -> Iterator[Word]:
    for key, place in _PLACES.items():
        yield from _in_place(place, "", layout.get(key, {}))


def _in_place(place: str, prefix: str, items: Mapping[str, Any]) -> Iterator[Word]:
    for name, item in items.items():
        if not isinstance(item.get("type"), str):  # a module's variables
            yield from _in_place(place, f"{prefix}{name}.", item)
            continue
        at, size = (
            (item["offset"], item["length"])
            if place == "immutables"
            else (item["slot"], item["n_slots"])
        )
        yield Word(place, at, size, prefix + name, item["type"])


def compare(kept: Snapshot, now: Snapshot, growth: int = GROWTH) -> list[Difference]:
    """Return what differs between a snapshot and the contracts as they are, notes last.

    A contract may grow by up to `growth` bytes; a shrunken one and a new variable in free words
    are notes.
    """
    found: list[Difference] = []
    for name, contract in now.items():
        found += (Difference(name, *told) for told in _too_large(contract))
        found += (Difference(name, *told) for told in _overlaps(contract))
        if name not in kept:
            found.append(Difference(name, "unknown", "not in the snapshot; write it anew"))
        else:
            found += (Difference(name, *told) for told in _changes(kept[name], contract, growth))
    for name in kept:
        if name not in now:
            found.append(Difference(name, "gone", "in the snapshot and not in the project"))
    return sorted(found, key=lambda each: (each.note, each))


def _too_large(contract: Contract) -> Iterator[tuple[str, str]]:
    for what, size, limit in (
        ("runtime code", contract.runtime, RUNTIME_LIMIT),
        ("creation code", contract.init, INIT_LIMIT),
    ):
        if size > limit:
            yield "too large", f"{what} {size:,} bytes, the limit is {limit:,}"


def _overlaps(contract: Contract) -> Iterator[tuple[str, str]]:
    """Yield the variables that share words, which the compiler never makes of itself."""
    words = sorted(contract.words)
    for i, word in enumerate(words):
        for other in words[i + 1 :]:
            if _share(word, other):
                yield "overlapping", f"{other.name} lies in the words of {word.name}"


def _share(one: Word, two: Word) -> bool:
    apart = one.at + one.size <= two.at or two.at + two.size <= one.at
    return one.place == two.place and not apart


def _changes(kept: Contract, now: Contract, growth: int) -> Iterator[tuple[str, str, bool]]:
    before = {(word.place, word.name): word for word in kept.words}
    after = {(word.place, word.name): word for word in now.words}
    for key, word in before.items():
        other = after.get(key)
        if other is None:
            elsewhere = next((item.place for item in now.words if item.name == word.name), None)
            where = f", it is in {elsewhere} now" if elsewhere else ""
            yield "removed", f"{word.name} was at {_at(word)}{where}", False
            continue
        if other.at != word.at:
            yield "moved", f"{word.name} from {_at(word)} to {_at(other)}", False
        if other.type != word.type:
            yield "retyped", f"{word.name} from {word.type} to {other.type}", False
        elif other.size != word.size:
            yield "resized", f"{word.name} from {word.size} to {other.size}", False
    for key, word in after.items():
        if key in before:
            continue
        taken = next((item for item in kept.words if _share(item, word)), None)
        if taken is not None:
            yield "overlapping", f"new {word.name} at {_at(word)}, where {taken.name} was", False
        else:
            yield "added", f"{word.name} at {_at(word)}", True
    grown = now.runtime - kept.runtime
    if grown > growth:
        yield "grown", f"runtime code by {grown:,} bytes to {now.runtime:,}", False
    elif grown:
        yield "size", f"runtime code {grown:+,} bytes to {now.runtime:,}", True


def _at(word: Word) -> str:
    unit = "byte" if word.place == "immutables" else "slot"
    return f"{word.place} {unit} {word.at}"


def dump(snapshot: Snapshot) -> str:
    """Return a snapshot as JSON, one line for each variable, so that differences read well."""
    contracts = []
    for name, contract in snapshot.items():
        words = ",\n".join(
            f"   {json.dumps([word.place, word.at, word.size, word.name, word.type])}"
            for word in contract.words
        )
        inner = f"\n{words}\n  " if words else ""
        contracts.append(
            f" {json.dumps(name)}: {{\n"
            f'  "runtime": {contract.runtime},\n  "init": {contract.init},\n'
            f'  "words": [{inner}]\n }}'
        )
    return "{\n" + ",\n".join(contracts) + "\n}\n"


def parse(text: str) -> Snapshot:
    """Read a snapshot; raises ValueError on anything else."""
    try:
        return {
            str(name): Contract(
                tuple(
                    Word(str(place), int(at), int(size), str(called), str(kind))
                    for place, at, size, called, kind in raw["words"]
                ),
                int(raw["runtime"]),
                int(raw["init"]),
            )
            for name, raw in json.loads(text).items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a layout snapshot") from error


@click.command("layout")
@project_options
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Write a snapshot file."
)
@click.option(
    "--check",
    "kept",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with a snapshot file; exit 2 on a difference that breaks somebody.",
)
@click.option(
    "--grow",
    type=click.IntRange(min=0),
    default=GROWTH,
    show_default=True,
    help="Bytes that a contract's runtime code may grow.",
)
def layout(
    path: Path,
    search_paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    write: Path | None,
    kept: Path | None,
    grow: int,
    as_json: bool,
) -> None:
    """Show where every variable lies and how large the code is, or hold both to a snapshot.

    Storage, transient storage and immutables, those of modules too. Findings are variables that
    moved, were retyped, resized or removed, words that two variables share, and code above
    24,576 bytes, creation code above 49,152, or runtime code grown by more than --grow.
    """
    if write and kept:
        raise Failure("--write and --check do not go together")
    before = _read(kept) if kept else {}
    project = read_project(path, search_paths, exclude)
    try:
        now = snapshot(project, tell)
    except SourceError as error:
        raise Failure(error) from error
    if write:
        try:
            write_atomically(write, dump(now))
        except OSError as error:
            raise Failure(f"{write}: {error.strerror or error}") from error
    # without a snapshot only what no contract may do is a finding
    found = [each for each in compare(before if kept else now, now, grow) if kept or not each.note]
    findings = [each for each in found if not each.note]
    click.echo(_json(now, found) if as_json else _text(now, found, show=not kept and not write))
    if findings:
        sys.exit(2)


def _read(path: Path) -> Snapshot:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise Failure(f"{path}: not a layout snapshot; make one with --write") from error


def _json(now: Snapshot, found: list[Difference]) -> str:
    def told(each: Difference) -> dict[str, str]:
        return {"contract": each.contract, "kind": each.kind, "message": each.message}

    return json.dumps(
        {
            "contracts": json.loads(dump(now)),
            "findings": [told(each) for each in found if not each.note],
            "notes": [told(each) for each in found if each.note],
        },
        indent=1,
    )


def _text(now: Snapshot, found: list[Difference], *, show: bool) -> str:
    lines = []
    if show:
        for name, contract in now.items():
            lines.append(f"{name}: {contract.runtime:,} bytes, {contract.init:,} to create")
            lines += [
                f"  {word.place:10} {word.at:>5} {word.size:>5}  {word.name}: {word.type}"
                for word in contract.words
            ]
    lines += [f"{'note: ' if each.note else ''}{each}" for each in found]
    words = sum(len(contract.words) for contract in now.values())
    findings = sum(not each.note for each in found)
    lines.append(
        f"{counted(len(now), 'contract')}, {counted(words, 'variable')}:"
        f" {counted(findings, 'finding')}"
    )
    return "\n".join(lines)
