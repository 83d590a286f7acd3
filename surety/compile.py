# SPDX-License-Identifier: MIT
"""Compile the deployable contracts into `surety/artifacts`, and load them from there.

An artifact holds the ABI, the creation code and a digest over the compiler's version and every
source the compiler read, so that a run with nothing to do takes milliseconds and a stale artifact
is never used in silence.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from surety import paths
from surety.files import write_atomically

NOT_DEPLOYABLE = "modules"
PARALLEL_FROM = 4


class ArtifactError(RuntimeError):
    """An artifact is missing, broken or older than its sources; the message says what to do."""


class CompilationError(RuntimeError):
    """The compiler refused a source; the message is the compiler's."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract: `bytecode` is the creation code, `runtime_size` the deployed bytes.

    `sources` are the files that the compiler read, relative to the project or to site-packages.
    """

    name: str
    source: str
    abi: Sequence[Mapping[str, Any]]
    bytecode: bytes
    runtime_size: int
    sources: tuple[str, ...]
    digest: str

    def dump(self) -> str:
        """Return the JSON text of the artifact, one line for each ABI entry and source."""
        lines = [
            f'"name": {json.dumps(self.name)}',
            f'"source": {json.dumps(self.source)}',
            f'"digest": {json.dumps(self.digest)}',
            f'"runtime_size": {self.runtime_size}',
            f'"sources": [\n  {_lines(self.sources)}\n ]',
            f'"abi": [\n  {_lines(self.abi)}\n ]',
            f'"bytecode": "0x{self.bytecode.hex()}"',
        ]
        return "{\n " + ",\n ".join(lines) + "\n}\n"

    @classmethod
    def parse(cls, text: str) -> Artifact:
        """Read the JSON text of an artifact; raises ValueError or KeyError on anything else."""
        raw = json.loads(text)
        return cls(
            name=raw["name"],
            source=raw["source"],
            abi=raw["abi"],
            bytecode=bytes.fromhex(raw["bytecode"].removeprefix("0x")),
            runtime_size=raw["runtime_size"],
            sources=tuple(raw["sources"]),
            digest=raw["digest"],
        )


def _lines(items: Iterable[Any]) -> str:
    return ",\n  ".join(json.dumps(item, sort_keys=True) for item in items)


def deployables() -> dict[str, Path]:
    """Return every contract that can be deployed, by name; raises ArtifactError on a twin."""
    base = paths.contracts()
    found: dict[str, Path] = {}
    for source in sorted(base.rglob("*.vy")):
        if NOT_DEPLOYABLE in source.relative_to(base).parts[:-1]:
            continue
        if source.stem in found:
            raise ArtifactError(f"two contracts are called {source.stem}: names must be unique")
        found[source.stem] = source
    return found


def _versions() -> dict[str, str]:
    return {"vyper": metadata.version("vyper")}


def _locate(source: str) -> Path | None:
    """Return where a source of an artifact lies: in the project, else on the import path."""
    for base in (paths.root(), *map(Path, sys.path)):
        if (base / source).is_file():
            return base / source
    return None


def _digest(
    sources: Sequence[str], abi: Sequence[Mapping[str, Any]], bytecode: bytes
) -> str | None:
    """Hash versions, sources and result; None when a source is gone."""
    state = hashlib.sha256(json.dumps(_versions(), sort_keys=True).encode())
    for source in sources:
        place = _locate(source)
        if place is None:
            return None
        state.update(f"\n{source} {hashlib.sha256(place.read_bytes()).hexdigest()}".encode())
    state.update(json.dumps(list(abi), sort_keys=True).encode())
    state.update(bytecode)
    return state.hexdigest()


def compile_one(source: Path) -> Artifact:
    """Compile one file; raises CompilationError with the compiler's words."""
    from vyper.compiler import outputs_from_compiler_data
    from vyper.compiler.input_bundle import BUILTIN, FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.exceptions import VyperException

    root = paths.root()
    bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), root])
    try:
        data = CompilerData(bundle.load_file(source), bundle)
        outputs = outputs_from_compiler_data(data, ("abi", "bytecode", "bytecode_runtime"))
        inputs = [
            item for item in data.resolved_imports.compiler_inputs if item.source_id != BUILTIN
        ]
        immutables = data.global_ctx.immutable_section_bytes
    except (VyperException, ExceptionGroup) as error:
        raise CompilationError(f"{source.relative_to(root)}: {error}") from None
    read = {_name(source), *(_name(Path(item.resolved_path)) for item in inputs)}
    bytecode = bytes.fromhex(outputs["bytecode"].removeprefix("0x"))
    sources = tuple(sorted(read))
    digest = _digest(sources, outputs["abi"], bytecode)
    if digest is None:
        raise CompilationError(f"{source.name}: a source vanished while it was compiled")
    return Artifact(
        name=source.stem,
        source=_name(source),
        abi=outputs["abi"],
        bytecode=bytecode,
        runtime_size=len(outputs["bytecode_runtime"].removeprefix("0x")) // 2 + immutables,
        sources=sources,
        digest=digest,
    )


def _name(source: Path) -> str:
    """Return a source's name without any folder of this machine.

    Installed libraries come first: an environment may lie inside the project.
    """
    resolved = source.resolve()
    libraries = [Path(entry).resolve() for entry in sys.path if entry.endswith("-packages")]
    for base in (*libraries, paths.root()):
        if resolved.is_relative_to(base):
            return resolved.relative_to(base).as_posix()
    raise CompilationError(f"{source.name}: a source lies outside the project")


def _load(name: str) -> Artifact | None:
    """Read one artifact, or None when there is none that can be read."""
    try:
        return Artifact.parse((paths.ARTIFACTS / f"{name}.json").read_text())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def is_fresh(item: Artifact) -> bool:
    """Tell whether an artifact is what its sources gave under the installed compiler."""
    return _digest(item.sources, item.abi, item.bytecode) == item.digest


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found: artifacts compiled anew (or stale), and artifacts without a source."""

    stale: tuple[str, ...]
    orphans: tuple[str, ...]
    total: int

    @property
    def clean(self) -> bool:
        """Tell whether every artifact belongs to its source."""
        return not self.stale and not self.orphans


def compile_all(*, check: bool = False, force: bool = False) -> Report:
    """Bring every artifact up to date, or with `check` only say which ones are not.

    `force` compiles every contract, whatever the digests say. Raises CompilationError.
    """
    wanted = deployables()
    kept = {name: _load(name) for name in wanted}
    todo = [name for name, item in kept.items() if force or item is None or not is_fresh(item)]
    orphans = sorted(
        path.stem for path in paths.ARTIFACTS.glob("*.json") if path.stem not in wanted
    )
    stale = todo
    if todo and (force or not check):
        made = dict(zip(todo, _compile_many([wanted[name] for name in todo]), strict=True))
        if check:
            stale = [name for name, item in made.items() if item != kept[name]]
        else:
            paths.ARTIFACTS.mkdir(parents=True, exist_ok=True)
            for item in made.values():
                write_atomically(paths.ARTIFACTS / f"{item.name}.json", item.dump())
    if not check:
        for name in orphans:
            (paths.ARTIFACTS / f"{name}.json").unlink()
        artifact.cache_clear()
    return Report(tuple(stale), tuple(orphans), len(wanted))


def _compile_many(sources: list[Path]) -> list[Artifact]:
    workers = min(os.cpu_count() or 1, len(sources))
    if workers < 2 or len(sources) < PARALLEL_FROM:
        return [compile_one(source) for source in sources]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(compile_one, sources))


@cache
def artifact(name: str) -> Artifact:
    """Return a compiled contract; raises ArtifactError when it is missing or stale."""
    found = _load(name)
    if found is None:
        known = ", ".join(sorted(path.stem for path in paths.ARTIFACTS.glob("*.json"))) or "none"
        raise ArtifactError(
            f"no readable artifact {name} (there are: {known}); run `surety compile`"
        )
    if paths.is_checkout() and _can_compile() and not is_fresh(found):
        raise ArtifactError(f"artifact {name} is older than its sources; run `surety compile`")
    return found


def _can_compile() -> bool:
    try:
        return bool(_versions())
    except metadata.PackageNotFoundError:
        return False


@click.command("compile")
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 2 when an artifact is not current."
)
@click.option("--force", is_flag=True, help="Compile everything, whatever the digests say.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compile_command(check: bool, force: bool, as_json: bool) -> None:
    """Compile the contracts into surety/artifacts."""
    if not _can_compile():
        raise click.ClickException("the compiler is not installed; run `make setup`")
    try:
        report = compile_all(check=check, force=force)
    except (CompilationError, ArtifactError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        fields = {"total": report.total, "stale": report.stale, "orphans": report.orphans}
        click.echo(json.dumps({**fields, "check": check}))
    else:
        click.echo(_sentence(report, check))
    if check and not report.clean:
        sys.exit(2)


def _sentence(report: Report, check: bool) -> str:
    if report.clean:
        return f"{report.total} artifacts are current"
    words = "stale" if check else "compiled"
    parts = [f"{words}: {', '.join(report.stale)}"] if report.stale else []
    if report.orphans:
        parts.append(f"{'without source' if check else 'removed'}: {', '.join(report.orphans)}")
    return "; ".join(parts) + ("; run `surety compile`" if check else "")


if __name__ == "__main__":
    compile_command(prog_name="python -m surety.compile")
