# SPDX-License-Identifier: MIT
"""Find Anvil and run it on a free loopback port, never outliving the process that started it."""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from surety.paths import root

MINIMUM_VERSION = (1, 0, 0)
HARDFORK = "cancun"
DEFAULT_CHAIN_ID = 31_337
STARTUP_SECONDS = 20.0
STOP_SECONDS = 3.0

_PR_SET_PDEATHSIG = 1
_LISTENING = re.compile(r"Listening on (?:\[::1\]|[0-9.]+):(\d+)")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class AnvilMissing(RuntimeError):
    """No usable Anvil was found; the message says where it was looked for and what to do."""


class AnvilFailed(RuntimeError):
    """Anvil did not come up; the message carries the end of what it printed."""


def native_binary(path: Path) -> Path:
    """Return the real executable behind `path`.

    npm's `node_modules/.bin/anvil` is a script that needs node and starts the real program as its
    child; the real one lies beside it in a package for this platform. Anything else is returned.
    """
    resolved = path.resolve()
    if resolved.suffix not in {".mjs", ".js"}:
        return resolved
    for package in sorted(resolved.parent.parent.glob(f"{resolved.parent.name}-*")):
        for name in ("anvil", "anvil.exe"):
            binary = package / "bin" / name
            if binary.is_file() and _fits_platform(package.name):
                return binary
    return resolved


def put_on_path(project: Path | None = None) -> None:
    """Put this environment's programs and the native Anvil first on PATH: Ape starts both by name.

    Raises AnvilMissing when there is no usable Anvil.
    """
    places = [str(Path(sys.prefix) / "bin"), str(find_anvil(project).parent)]
    rest = [place for place in os.environ.get("PATH", "").split(os.pathsep) if place not in places]
    os.environ["PATH"] = os.pathsep.join([*places, *rest])


def _fits_platform(package: str) -> bool:
    """Tell whether an npm platform package (`anvil-linux-amd64`) is for this machine."""
    machine = os.uname().machine.lower() if hasattr(os, "uname") else "x86_64"
    arch = "arm64" if machine in {"arm64", "aarch64"} else "amd64"
    system = {"linux": "linux", "darwin": "darwin", "win32": "win32"}.get(
        sys.platform, sys.platform
    )
    return package.endswith(f"{system}-{arch}")


def version_of(binary: Path) -> tuple[int, int, int] | None:
    """Return the version that `binary --version` prints, or None when it does not run."""
    try:
        done = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    if done.returncode != 0 or found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3])


def candidates(project: Path | None = None, path: str | None = None) -> list[Path]:
    """List the places where an Anvil may be, best first: the project's own, then PATH."""
    modules = (root() if project is None else project) / "node_modules"
    places = [
        package / "bin" / "anvil"
        for package in sorted(modules.glob("@foundry-rs/anvil-*"))
        if _fits_platform(package.name)
    ]
    places.append(modules / ".bin" / "anvil")
    on_path = shutil.which("anvil", path=path)
    if on_path is not None:
        places.append(Path(on_path))
    return [place for place in places if place.exists()]


_checked: dict[tuple[str | None, str | None, Path], Path] = {}


def find_anvil(project: Path | None = None) -> Path:
    """Return a usable Anvil: `$SURETY_ANVIL`, the project's `node_modules`, then PATH.

    Raises AnvilMissing, saying what was tried, when there is none of version 1.0 or later.
    """
    wanted = os.environ.get("SURETY_ANVIL")
    key = (wanted, os.environ.get("PATH"), root() if project is None else project)
    if key not in _checked:
        _checked[key] = _search(wanted, project)
    return _checked[key]


def _search(wanted: str | None, project: Path | None) -> Path:
    refused: list[str] = []
    for place in [Path(wanted)] if wanted else candidates(project):
        binary = native_binary(place)
        version = version_of(binary)
        if version is not None and version >= MINIMUM_VERSION:
            return binary
        refused.append(
            f"{place} ({'does not run' if version is None else '.'.join(map(str, version))})"
        )
    tried = f" Not usable: {', '.join(refused)}." if refused else ""
    if wanted:
        raise AnvilMissing(f"SURETY_ANVIL names no Anvil of version 1.0 or later.{tried}")
    raise AnvilMissing(
        "No Anvil of version 1.0 or later was found in node_modules or on PATH."
        f"{tried} Run `make setup`, or install Foundry, or set SURETY_ANVIL to the program."
    )


_running: weakref.WeakSet[Anvil] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """End every Anvil that is still running when the interpreter exits."""
    for node in list(_running):
        node.stop()


def _die_with_parent() -> Callable[[], None] | None:
    """Return what the child runs before Anvil, so that the kernel ends it when its parent dies.

    Linux only, and only from the main thread: the kernel looks at the thread that forked, not at
    the process.
    """
    if not sys.platform.startswith("linux"):
        return None
    if threading.current_thread() is not threading.main_thread():
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def run() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return run


class Anvil:
    """A local chain of its own: start it with `with Anvil() as node:` and talk to `node.url`.

    It listens on a free loopback port, runs the cancun rules, lives in its own session (Ctrl-C
    reaches the parent first, which then ends it) and dies with the parent however that dies.
    Units: `timestamp` and `block_interval` in seconds, `balance` in whole ether for each account.
    Raises AnvilMissing or AnvilFailed on start.
    """

    def __init__(
        self,
        *,
        chain_id: int = DEFAULT_CHAIN_ID,
        timestamp: int | None = None,
        block_interval: int | None = None,
        accounts: int = 10,
        balance: int = 1_000_000,
        gas_limit: int = 60_000_000,
        base_fee: int | None = None,
        mining: bool = True,
        prune_history: int | None = None,
        extra: tuple[str, ...] = (),
        binary: Path | None = None,
        startup_seconds: float = STARTUP_SECONDS,
    ) -> None:
        self.chain_id = chain_id
        self.block_interval = block_interval
        self.url = ""
        self.port = 0
        self._binary = binary
        self._startup_seconds = startup_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._states: tempfile.TemporaryDirectory[str] | None = None
        self._arguments = [
            *("--host", "127.0.0.1", "--port", "0", "--hardfork", HARDFORK, "--color", "never"),
            *("--chain-id", str(chain_id), "--accounts", str(accounts), "--balance", str(balance)),
            *("--gas-limit", str(gas_limit), "--no-request-size-limit"),
        ]
        if timestamp is not None:
            self._arguments += ["--timestamp", str(timestamp)]
        if base_fee is not None:
            self._arguments += ["--block-base-fee-per-gas", str(base_fee)]
        if not mining:
            self._arguments += ["--no-mining"]
        if prune_history is not None:
            self._arguments += ["--prune-history", str(prune_history)]
        self._arguments += extra

    @property
    def pid(self) -> int:
        """The process id of the running Anvil."""
        if self._process is None:
            raise AnvilFailed("Anvil is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        if self._process is not None:
            raise AnvilFailed("Anvil is already running")
        binary = self._binary or find_anvil()
        self._output = tempfile.TemporaryFile(prefix="surety-anvil-")  # noqa: SIM115 - kept
        # old states go to disk, gigabytes of them in a long run, and an Anvil leaves its own behind
        self._states = tempfile.TemporaryDirectory(
            prefix="surety-anvil-", ignore_cleanup_errors=True
        )
        try:
            self._process = subprocess.Popen(
                [str(binary), "--cache-path", self._states.name, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        except OSError as error:
            self.stop()
            raise AnvilFailed(f"{binary} cannot be started: {error.strerror}") from error
        _running.add(self)
        try:
            self.port = self._wait_for_port()
            self.url = f"http://127.0.0.1:{self.port}"
            self._ask("anvil_setLoggingEnabled", False)
            if self.block_interval is not None:
                self._ask("anvil_setBlockTimestampInterval", self.block_interval)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the process: ask, wait, then kill. Safe to call twice."""
        process, self._process = self._process, None
        output, self._output = self._output, None
        states, self._states = self._states, None
        _running.discard(self)
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if output is not None:
            output.close()
        if states is not None:
            states.cleanup()

    def _printed(self) -> str:
        assert self._output is not None
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def _wait_for_port(self) -> int:
        assert self._process is not None
        deadline = time.monotonic() + self._startup_seconds
        while True:
            ended = self._process.poll()
            printed = self._printed()
            found = _LISTENING.search(printed)
            if found is not None:
                return int(found[1])
            words = [line.strip() for line in printed.splitlines() if line.strip()]
            tail = " | ".join(words[-8:]) or "it printed nothing"
            if ended is not None:
                raise AnvilFailed(f"Anvil ended with code {ended} before it listened: {tail}")
            if time.monotonic() > deadline:
                raise AnvilFailed(
                    f"Anvil did not listen within {self._startup_seconds:g} seconds: {tail}"
                )
            time.sleep(0.005)

    def _ask(self, method: str, *params: object) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        request = urllib.request.Request(
            self.url, body.encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=self._startup_seconds) as response:
            answer = json.load(response)
        if "error" in answer:
            raise AnvilFailed(f"Anvil refused {method}: {answer['error'].get('message')}")
