# SPDX-License-Identifier: MIT
"""Try mutants: spoil a copy, compile it, and see whether the tests notice.

Each job is a process with a copy of its own. There are two ways to ask the tests:

*a command* runs in the copy for each mutant that compiles to other code than before; it kills the
mutant by any exit code but 0, or by taking too long;

*a server* is a command that runs once in the copy and answers for many mutants, for test suites
that take long to start (see `surety.check.mutate.server`). It compiles for itself; only of what it
lets survive the code is compared.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from surety.check.mutate.mutants import Mutant
from surety.check.mutate.results import EQUIVALENT, FAILED, INVALID, KILLED, SURVIVED, Result
from surety.check.mutate.server import WAITING
from surety.check.mutate.workspace import (
    Target,
    Workspace,
    WorkspaceError,
    close_workspace,
    open_workspace,
)
from surety.check.source import SourceError

TOO_LONG: Final = "time limit"
LEAST_LIMIT: Final = 10.0  # seconds
SLACK: Final = 4  # times as long as without a fault
READY_SECONDS: Final = 1_800.0
GRACE_SECONDS: Final = 30.0  # for a process that is to end
_TAIL: Final = 400  # characters of output that are shown


class RunError(RuntimeError):
    """The tests fail without any fault, or cannot be started; the message says how."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs to try mutants.

    `limit` is in seconds, None for four times what the command takes without a fault. With `hurry`
    the code of what a server lets survive is not compared.
    """

    root: Path
    search_paths: tuple[Path, ...]
    command: str
    is_server: bool
    hurry: bool
    limit: float | None
    targets: tuple[Target, ...]

    def target(self, file: str) -> Target:
        """Return the target of a file."""
        return next(each for each in self.targets if each.name == file)


class Killer(Protocol):
    """Asks the tests about what lies in the copy."""

    def start(self) -> None:
        """Make sure that the tests pass without a fault; raises RunError."""

    def ask(self, mutant: Mutant) -> tuple[str, str]:
        """Return a verdict and what it is by."""

    def stop(self) -> None:
        """End whatever still runs."""


def _begin(command: str, workspace: Workspace, **pipes: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            shlex.split(command),
            cwd=workspace.root,
            env=workspace.environment(),
            start_new_session=True,
            **pipes,
        )
    except (OSError, IndexError, ValueError) as error:
        words = f"{error}; no shell reads it: for what only a shell knows say sh -c '...'"
        raise RunError(f"cannot start {command!r}: {words}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


class CommandKiller:
    """Runs a command for each mutant."""

    def __init__(self, job: Job, workspace: Workspace) -> None:
        self.job, self.workspace = job, workspace
        self.limit = job.limit or 0.0

    def start(self) -> None:
        """Run the command without a fault, and see how long it takes."""
        began = time.monotonic()
        limit = self.limit or READY_SECONDS
        code, tail = self._run(limit)
        if code != 0:
            long = f"takes longer than {limit:g} seconds"
            what = long if code is None else f"exits with {code}"
            raise RunError(f"{self.job.command!r} {what} without any fault: {tail or 'no output'}")
        if not self.limit:
            self.limit = max(LEAST_LIMIT, SLACK * (time.monotonic() - began))

    def ask(self, mutant: Mutant) -> tuple[str, str]:
        """Run the command on what lies in the copy."""
        code, _ = self._run(self.limit)
        if code == 0:
            return SURVIVED, ""
        return KILLED, TOO_LONG if code is None else f"exit code {code}"

    def _run(self, limit: float) -> tuple[int | None, str]:
        """Return the exit code, None after the time limit, and the end of the output."""
        process = _begin(
            self.job.command,
            self.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output, _ = process.communicate(timeout=limit)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            code, output = None, b""
        finally:
            _end(process)
        return code, output.decode(errors="replace").strip()[-_TAIL:]

    def stop(self) -> None:
        """Nothing runs between two mutants."""


class ServerKiller:
    """Asks a command that keeps running: one line of JSON each way for every mutant."""

    def __init__(self, job: Job, workspace: Workspace) -> None:
        self.job, self.workspace = job, workspace
        self.limit = job.limit or 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self.process = _begin(
            self.job.command, self.workspace, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        answer = self._answer(READY_SECONDS)
        if answer is None or "ready" not in answer:
            self.stop()
            raise RunError(f"{self.job.command!r} does not say that it is ready")
        if not self.limit:
            self.limit = float(answer["ready"])

    def ask(self, mutant: Mutant) -> tuple[str, str]:
        """Send a mutant's names and return the answer; a server that is silent is started anew."""
        if self.process is None:
            self.start()
        assert self.process is not None
        assert self.process.stdin is not None
        request = {
            "file": mutant.file,
            "function": mutant.function,
            "operator": mutant.operator,
            "line": mutant.line,
            "limit": self.limit,
        }
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            self.stop()
            return FAILED, "the server is gone"
        answer = self._answer(WAITING * self.limit + READY_SECONDS)
        if answer is None:
            self.stop()
            return FAILED, "the server does not answer"
        verdict = str(answer.get("verdict", FAILED))
        return verdict, str(answer.get("by", ""))[:_TAIL]

    def _answer(self, limit: float) -> dict[str, Any] | None:
        """Read one line, or None when none comes in time."""
        assert self.process is not None
        stream = self.process.stdout
        assert stream is not None
        line = _read_line(stream, limit)
        try:
            answer = json.loads(line)
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            _end(self.process)
            self.process = None


def _read_line(stream: IO[bytes], limit: float) -> bytes:
    """Return a line without waiting for more than `limit` seconds; what came of it otherwise."""
    until, found = time.monotonic() + limit, b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not selector.select(left):
                break
            part = os.read(stream.fileno(), 2**16)
            if not part:
                break
            found += part
    return found


def try_one(job: Job, workspace: Workspace, killer: Killer, mutant: Mutant) -> Result:
    """Return what becomes of one mutant."""
    began = time.monotonic()

    def result(verdict: str, by: str = "") -> Result:
        return Result.of(mutant, verdict, by, time.monotonic() - began)

    target = job.target(mutant.file)
    spoilt = mutant.apply((workspace.root / mutant.file).read_bytes().decode())
    try:
        if job.is_server:
            with workspace.spoilt(mutant.file, spoilt):
                verdict, by = killer.ask(mutant)
            if verdict != SURVIVED or job.hurry:
                return result(verdict, by)
        if workspace.differs(target, spoilt) is None:
            return result(EQUIVALENT)
        if job.is_server:
            return result(verdict, by)
        with workspace.spoilt(mutant.file, spoilt):
            return result(*killer.ask(mutant))
    except SourceError as error:
        return result(INVALID, str(error))
    except RunError as error:
        return result(FAILED, str(error))


@contextmanager
def _workspace(job: Job) -> Iterator[Workspace]:
    workspace = open_workspace(job.root, job.search_paths)
    try:
        yield workspace
    finally:
        close_workspace(workspace.root)


def _work(job: Job, todo: Any, done: Any) -> None:
    """Try mutants until there are no more: what a process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    signal.signal(signal.SIGTERM, _leave)
    killer: Killer | None = None
    try:
        with _workspace(job) as workspace:
            kind = ServerKiller if job.is_server else CommandKiller
            killer = kind(job, workspace)
            try:
                killer.start()
                done.put(None)
                while (mutant := todo.get()) is not None:
                    done.put(try_one(job, workspace, killer, mutant))
            finally:
                killer.stop()
    except (RunError, WorkspaceError, SourceError) as error:
        done.put(str(error))


def _leave(number: int, _frame: Any) -> None:
    signal.signal(number, signal.SIG_IGN)  # nothing may disturb what is cleaned up on the way
    raise SystemExit(1)


def run(
    job: Job,
    mutants: Sequence[Mutant],
    jobs: int,
    seconds: float | None,
    tell: Callable[[Result], None],
) -> None:
    """Try mutants in their order with so many processes; `tell` hears of each result.

    After `seconds` no more are begun. Raises RunError, and ends every process whatever happens.
    """
    context = multiprocessing.get_context("spawn")
    todo: Any = context.Queue()
    done: Any = context.Queue()
    workers = [
        context.Process(target=_work, args=(job, todo, done), daemon=False)
        for _ in range(max(1, min(jobs, len(mutants))))
    ]
    for worker in workers:
        worker.start()
    try:
        waiting = iter(mutants)
        running, starting = 0, len(workers)
        until: float | None = None
        while running or starting:
            answer = _next(done, workers)
            if isinstance(answer, str):
                raise RunError(answer)
            if answer is None:
                starting -= 1
                until = until or (time.monotonic() + seconds if seconds else None)
            else:
                running -= 1
                tell(answer)
            late = until is not None and time.monotonic() >= until
            mutant = None if late else next(waiting, None)
            if mutant is not None:
                running += 1
            todo.put(mutant)
        for worker in workers:
            worker.join(GRACE_SECONDS)
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
                worker.join(GRACE_SECONDS)


def _next(done: Any, workers: Sequence[Any]) -> Result | str | None:
    """Return the next answer; raises RunError when nobody is left to give one."""
    while True:
        try:
            found: Result | str | None = done.get(timeout=1.0)
        except queue.Empty:
            if not any(worker.is_alive() for worker in workers):
                raise RunError("a process ended without an answer") from None
        else:
            return found
