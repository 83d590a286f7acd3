# SPDX-License-Identifier: MIT
"""A copy of a project in which one source at a time is spoilt, compiled and put back."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from surety.check.source import code_of

# what is used from a copy but not copied
LINKED: Final = (".venv", "venv", "node_modules")
_LEFT_OUT: Final = (*LINKED, "__pycache__")
PATHS: Final = ("PATH", "PYTHONPATH")


class WorkspaceError(RuntimeError):
    """A project cannot be copied; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A source to be spoilt, and the contracts that it is part of: what tells mutants apart.

    All are names from the project's folder, the contracts by rising size of their sources.
    """

    name: str
    contracts: tuple[str, ...]


@dataclass(slots=True)
class Workspace:
    """A copy of the project in `root`, and what its contracts compile to as they are.

    `_code` is filled with what is asked for; the copy must be as it was then.
    """

    original: Path
    root: Path
    search_paths: tuple[Path, ...]
    _code: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def spoilt(self, name: str, text: str) -> Iterator[None]:
        """Let a source read otherwise inside, and as it was afterwards."""
        place = self.root / name
        kept = place.read_bytes()
        place.write_text(text, encoding="utf-8", newline="")
        try:
            yield
        finally:
            place.write_bytes(kept)

    def differs(self, target: Target, text: str) -> str | None:
        """Return the first contract whose code is another where a source reads `text`, or None.

        Raises SourceError when one does not compile.
        """
        for contract in target.contracts:
            if contract not in self._code:
                self._code[contract] = self._compiled(contract)
            with self.spoilt(target.name, text):
                if self._compiled(contract) != self._code[contract]:
                    return contract
        return None

    def _compiled(self, contract: str) -> bytes:
        """Return the code that deploys a contract, without the digest of its sources behind it."""
        return code_of(self.root / contract, self.search_paths, self.root)

    def environment(self) -> dict[str, str]:
        """Return this process's environment with paths into the project led into the copy."""
        found = dict(os.environ)
        for name in PATHS:
            parts = found.get(name, "").split(os.pathsep)
            if any(parts):
                found[name] = os.pathsep.join(self._moved(part) for part in parts)
        return found

    def _moved(self, part: str) -> str:
        path = Path(os.path.abspath(part)) if part else None  # noqa: PTH100 - links stay links
        if path is not None and path.is_relative_to(self.original):
            return str(self.root / path.relative_to(self.original))
        return part


def open_workspace(original: Path, search_paths: Sequence[Path] = ()) -> Workspace:
    """Copy a project into a new temporary folder; raises WorkspaceError.

    Under git everything that git knows or would add is copied, else everything but hidden files
    and installed libraries. Environments and `node_modules` are linked. The caller removes it.
    """
    place = Path(tempfile.mkdtemp(prefix="surety-mutate-"))
    try:
        for name in _files(original):
            source, copy = original / name, place / name
            if source.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, copy)
        for name in LINKED:
            if (original / name).exists() and not (place / name).exists():
                (place / name).symlink_to((original / name).resolve(), target_is_directory=True)
    except BaseException as error:
        close_workspace(place)
        if isinstance(error, OSError):
            raise WorkspaceError(f"{error.filename}: {error.strerror}") from error
        raise
    moved = tuple(
        place / path.relative_to(original) if path.is_relative_to(original) else path
        for path in search_paths
    )
    return Workspace(original, place, moved)


def close_workspace(place: Path) -> None:
    """Remove a copy; what is linked stays."""
    for name in LINKED:
        if (place / name).is_symlink():
            (place / name).unlink()
    shutil.rmtree(place, ignore_errors=True)


def _files(root: Path) -> list[str]:
    """Return the names of the files to copy."""
    tracked = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if tracked is not None:
        return [name for name in tracked.split("\0") if name]
    found = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _LEFT_OUT and not name.startswith(".")]
        found += [
            (Path(folder) / name).relative_to(root).as_posix()
            for name in names
            if not name.startswith(".")
        ]
    return found


def git(root: Path, *words: str) -> str | None:
    """Return what git answers in a folder, or None where it is not there or refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def changed_lines(root: Path, base: str) -> Mapping[str, frozenset[int]] | None:
    """Return the lines of each file that differ from where `base` and HEAD parted.

    Names are from `root`; where lines were taken out, the lines around them count. None where git
    does not know `base`. What is not committed counts as well, new files whole.
    """
    merge_base = git(root, "merge-base", base, "HEAD")
    if merge_base is None:
        return None
    diff = git(root, "diff", "--relative", "--unified=0", "--no-color", merge_base.strip(), "--")
    if diff is None:
        return None
    found: dict[str, set[int]] = {}
    name = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            name = line[4:].removeprefix("b/")
        elif line.startswith("@@"):
            start, _, count = line.split("+", 1)[1].split(" ", 1)[0].partition(",")
            length = int(count) if count else 1
            first = int(start)
            rows = range(first, first + length) if length else (first, first + 1)
            found.setdefault(name, set()).update(rows)
    untracked = git(root, "ls-files", "-z", "--others", "--exclude-standard") or ""
    for name in filter(None, untracked.split("\0")):
        if name.endswith(".vy"):
            found[name] = set(range(1, (root / name).read_text().count("\n") + 2))
    return {name: frozenset(rows) for name, rows in found.items()}
