# SPDX-License-Identifier: MIT
"""One short real run for all tests of the demo, with the last block that its rules looked at."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass

import pytest

from surety.demo import engine
from surety.demo.command import configure
from surety.demo.engine import DemoConfig, DemoResult
from surety.demo.invariants import Watch
from surety.demo.mirror import Mirror
from surety.demo.probe import State
from surety.demo.series import parse_moment

SEED = 5


@dataclass(frozen=True, slots=True)
class ShortRun:
    """A run and what its rules saw last."""

    result: DemoResult
    state: State
    mirror: Mirror
    watch: Watch


def short_config(accounts: int = 24, seed: int = SEED, grace: int = 1_800) -> DemoConfig:
    """The first wave of Black Thursday and the hours after it."""
    start, end = parse_moment("2020-03-12T10:00"), parse_moment("2020-03-12T13:30")
    return configure(None, "eth", start, end, accounts, seed, grace, None)


@pytest.fixture(scope="session")
def short_run() -> ShortRun:
    seen = []
    check_all = engine.check_all

    def spy(state, mirror, watch):
        seen[:] = [state, mirror, copy.deepcopy(watch)]
        return check_all(state, mirror, watch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "check_all", spy)
        result = engine.run_demo(short_config())
    return ShortRun(result, *seen)


@pytest.fixture(scope="session")
def broken_result(short_run) -> DemoResult:
    """The short run, had a rule been broken in it."""
    return dataclasses.replace(short_run.result, violations=("block 7, masks: <b>wrong</b>",))
