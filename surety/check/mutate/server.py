# SPDX-License-Identifier: MIT
"""Answer for many mutants from one process: what a test suite that starts slowly is wrapped in.

`serve` prints that it is ready, then reads one request a line. For each it makes a copy of the
process by fork, in which the judge looks at the spoilt source and says what it thinks; the process
itself never changes. A judge that takes too long has killed the mutant.

A server is started with `surety check mutate PATH --server COMMAND`, with the copy of the project
as its folder. Nothing but the protocol may be written to standard output: `serve` keeps it for
itself and leads all other output to standard error.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from surety.check.mutate.results import FAILED, KILLED, VERDICTS

TOO_LONG: Final = "time limit"


@dataclass(frozen=True, slots=True)
class Request:
    """What lies in the copy now: which file is spoilt, in which function, how and where."""

    file: str
    function: str
    operator: str
    line: int
    limit: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict of `results`, and what it is by."""

    verdict: str
    by: str = ""


Judge = Callable[[Request], Answer]


class Channel:
    """The protocol's own way out: standard output as it was, while prints go to standard error."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out = os.dup(1)
        os.dup2(2, 1)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line."""
        os.write(self._out, json.dumps(message).encode() + b"\n")

    def serve(self, judge: Judge, limit: float) -> None:
        """Answer until standard input ends; `limit` is in seconds a mutant, unless a request asks.

        Must be called with no other thread running: every request forks.
        """
        self.send({"ready": limit})
        for line in sys.stdin:
            request = Request(**json.loads(line))
            answer = judged(judge, request)
            self.send({"verdict": answer.verdict, "by": answer.by})


def judged(judge: Judge, request: Request) -> Answer:
    """Return what a judge says in a forked copy of this process, or that it took too long."""
    out, into = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(out)
        _judge(judge, request, into)  # does not return
    os.close(into)
    try:
        raw = _read(out, time.monotonic() + request.limit)
    finally:
        os.close(out)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if raw is None:
        return Answer(KILLED, TOO_LONG)
    try:
        return Answer(**json.loads(raw))
    except (ValueError, TypeError):
        return Answer(FAILED, "the judge ended without a verdict")


def _judge(judge: Judge, request: Request, into: int) -> None:
    """Judge in the child and end it, past everything that its parent would still do."""
    try:
        os.setsid()
        answer = judge(request)
        if answer.verdict not in VERDICTS:
            answer = Answer(FAILED, f"no such verdict: {answer.verdict}")
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent hears of it
        traceback.print_exc()
        answer = Answer(FAILED, f"{type(error).__name__}: {error}")
    try:
        os.write(into, json.dumps({"verdict": answer.verdict, "by": answer.by[:2_000]}).encode())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _read(out: int, until: float) -> bytes | None:
    """Return everything that comes until the end, or None when it does not end in time."""
    found = b""
    while True:
        ready, _, _ = select.select([out], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        part = os.read(out, 2**16)
        if not part:
            return found
        found += part
