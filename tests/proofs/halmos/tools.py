# SPDX-License-Identifier: MIT
"""Install halmos, forge and solc from their hashed locks below a folder of their own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from surety import paths

LOCK = paths.root() / "requirements-halmos.lock"
HERE = Path(__file__).resolve().parent
LIMIT = 600.0  # seconds for one installation


class Missing(Exception):
    """A tool cannot be had here; the message says which and why."""


@dataclass(frozen=True)
class Tools:
    """Where everything is."""

    place: Path

    @property
    def halmos(self) -> Path:
        """The program."""
        return self.place / "venv" / "bin" / "halmos"

    @property
    def solc(self) -> Path:
        """What forge takes for a compiler."""
        return self.place / "solc.js"

    def environment(self) -> dict[str, str]:
        """Return variables for halmos: own programs first, and nothing kept outside the folder."""
        folders = [self.place / "venv" / "bin", self.place / "node_modules" / ".bin"]
        return {
            **os.environ,
            "PATH": os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]),
            "HOME": str(self.place),
            "SURETY_SOLC": str(self.place / "node_modules" / "solc"),
        }


def ready(place: Path) -> Tools:
    """Return the tools, installed where they are not yet; raises Missing."""
    place.mkdir(parents=True, exist_ok=True)
    tools = Tools(place)
    shutil.copy(HERE / "solc.js", tools.solc)
    tools.solc.chmod(0o755)
    node = [HERE / "package.json", HERE / "package-lock.json"]
    _once(place / "python.done", [LOCK], lambda: _python(tools))
    _once(place / "node.done", node, lambda: _node(tools))
    _run("forge", [str(place / "node_modules" / ".bin" / "forge"), "--version"], tools)
    _run("solc", [str(tools.solc), "--version"], tools)
    _run("halmos", [str(tools.halmos), "--version"], tools)
    return tools


def _once(stamp: Path, files: Sequence[Path], install) -> None:
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        install()
        stamp.write_text(digest)


def _python(tools: Tools) -> None:
    python = tools.place / "venv" / "bin" / "python"
    _run("venv", [sys.executable, "-m", "venv", "--clear", str(tools.place / "venv")], tools)
    flags = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(LOCK)]
    quiet = ["--disable-pip-version-check", "-q"]
    _run("halmos", [str(python), "-m", "pip", "install", *quiet, *flags], tools)


def _node(tools: Tools) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("forge and solc come from npm, and there is no npm on PATH")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, tools.place / name)
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    _run("forge and solc", [npm, "ci", *flags], tools)


def _run(what: str, command: Sequence[str], tools: Tools) -> None:
    """Run one command in the folder; raises Missing with its last words."""
    log = tools.place / "setup.log"
    environment = tools.environment()
    if what in ("forge and solc", "venv") or "pip" in command:
        environment["HOME"] = os.environ.get("HOME", environment["HOME"])  # where mirrors are named
    try:
        with log.open("w") as file:
            done = subprocess.run(
                command, cwd=tools.place, env=environment, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT, timeout=LIMIT, check=False,
            )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{what} cannot be had here: {error}") from None
    if done.returncode != 0:
        words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise Missing(f"{what} cannot be had here: {words[-1][:200] if words else 'no output'}")
