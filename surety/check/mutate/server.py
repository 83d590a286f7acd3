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
import math
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from surety.check.mutate.results import FAILED, KILLED, VERDICTS

TOO_LONG: Final = "time limit"
WAITING: Final = 10  # times the limit, by the clock on the wall


@dataclass(frozen=True, slots=True)
class Request:
    """What lies in the copy now: which file is spoilt, in which function, how and where."""

    file: str
    function: str
    operator: str
    line: int
    limit: float  # seconds of computing


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict of `results`, and what it is by."""

    verdict: str
    by: str = ""


Judge = Callable[[Request], Answer]


class Channel:
    """The protocol's own way in and out: prints go to standard error, and nobody else reads."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._in = os.fdopen(os.dup(0), encoding="utf-8")
        self._out = os.dup(1)
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line."""
        os.write(self._out, json.dumps(message).encode() + b"\n")

    def requests(self, limit: float) -> Iterator[Request]:
        """Say that all is ready, then yield what is asked until the other side ends.

        `limit` is in seconds for each mutant, unless the command line says otherwise.
        """
        self.send({"ready": limit})
        for line in self._in:
            yield Request(**json.loads(line))

    def answer(self, answer: Answer) -> None:
        """Answer the last request."""
        self.send({"verdict": answer.verdict, "by": answer.by})


def serve(judge: Judge, limit: float) -> None:
    """Answer all requests; must be called with no other thread running, for every one forks."""
    channel = Channel()
    for request in channel.requests(limit):
        channel.answer(judged(judge, request))


def judged(judge: Judge, request: Request) -> Answer:
    """Return what a judge says in a forked copy of this process, or that it took too long.

    The limit is one of computing time, so that a busy machine kills no mutant; a judge that waits
    instead of computing is ended after ten times as long.
    """
    out, into = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(out)
        _judge(judge, request, into)  # does not return
    os.close(into)
    try:
        raw = _read(out, time.monotonic() + WAITING * request.limit)
    finally:
        os.close(out)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if raw is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Answer(KILLED, TOO_LONG)
    try:
        return Answer(**json.loads(raw))
    except (ValueError, TypeError):
        return Answer(FAILED, "the judge ended without a verdict")


def _judge(judge: Judge, request: Request, into: int) -> None:
    """Judge in the child and end it, past everything that its parent would still do."""
    try:
        os.setsid()
        used = math.ceil(sum(os.times()[:2]))  # what was computed before counts on
        soft = used + math.ceil(request.limit)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 1))
        answer = judge(request)
        if answer.verdict not in VERDICTS:
            answer = Answer(FAILED, f"no such verdict: {answer.verdict}")
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent hears of it
        traceback.print_exc()
        answer = Answer(FAILED, f"{type(error).__name__}: {error}")
    try:
        os.write(into, json.dumps({"verdict": answer.verdict, "by": answer.by}).encode())
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
