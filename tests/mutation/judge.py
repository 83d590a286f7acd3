# SPDX-License-Identifier: MIT
"""Judge mutants of the core in one process: `surety check mutate contracts --server` runs it.

It is a pytest run that collects the tests of `plan` and then, instead of running them, answers for
mutants. Each is judged in a fork of the process: the contract that holds it is compiled without
the optimiser (a third of the time; what it computes is the same), campaigns are played with it
against the model, then its tests run one by one until the first that fails. A test that fails here
without a mutant too, because it meters gas or needs a real Anvil, says nothing.

Everything but the mutated contract is as it was: the sources that tests read, their artifacts, the
formulas of the model. Only a mutant of `margin_math` changes the formulas for all: what the model
computes is no evidence there, and what counts are vectors, properties and literal numbers.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from surety import paths
from surety.check.mutate.results import INVALID, KILLED, SURVIVED
from surety.check.mutate.server import Answer, Channel, Request, judged
from tests.mutation.compiling import NotCompiled, Quick
from tests.mutation.node import stand_in
from tests.mutation.plan import CORE, TESTS, Part

LIMIT = 300.0  # seconds for one mutant
NO_BUDGET = 1e9
MOST = 40  # tests that fail are looked at together
VECTORS = Path(__file__).parents[1] / "modules" / "data" / "vectors.json"
FORMULAS = "contracts/modules/margin_math.vy"
COPY = Path.cwd()
# hub, book, seed, usual limits, governed, steps: even seeds start warm
GAMES: dict[str, tuple[tuple[str, str, int, bool, bool, int], ...]] = {
    "words": (("words", "L2", 4, False, False, 500), ("words", "L1", 3, False, False, 500)),
    "feeds": (("feeds", "L2", 2, True, False, 500), ("feeds", "L1", 1, False, False, 400)),
    "governed": (("words", "L2", 11, False, True, 250),),
}


class Judge:
    """The plugin: holds the collected tests, and asks them.

    `sound` are tests that are known to pass as things are, `unsound` those that do not.
    """

    def __init__(self, channel: Channel, budget: float) -> None:
        self.channel, self.budget = channel, budget
        self.items: list[pytest.Item] = []
        self.compilers: dict[str, Quick] = {}
        self.plain: dict[str, tuple[Any, bytes]] = {}  # ABIs and codes as they are
        self.sound: set[str] = set()
        self.unsound: set[str] = set()
        self.outcome = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.items = list(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        keep_sources()
        warm_up()
        for request in self.channel.requests(LIMIT):
            self.channel.answer(self.verdict(request))
        return True

    def verdict(self, request: Request) -> Answer:
        """Judge one mutant in all its parts, until one kills it."""
        self.prepare(request)
        for part in CORE[request.file]:
            found = self.in_part(request, part)
            if found.verdict != SURVIVED:
                return found
        return Answer(SURVIVED)

    def in_part(self, request: Request, part: Part) -> Answer:
        """Judge one mutant in one contract. A test that fails has to pass without the mutant."""
        while True:
            found = judged(lambda each: self.judge(each, part), request)
            if found.verdict != SURVIVED or not found.by:
                return found
            suspects = json.loads(found.by)
            by = self.first_sound(suspects, part.contract)
            if by is not None:
                return Answer(KILLED, by)
            if len(suspects) < MOST:
                return Answer(SURVIVED)

    def prepare(self, request: Request) -> None:
        """Find what is known of the sources as they are, once for each of their parts."""
        with pristine(request.file):
            for part in CORE[request.file]:
                key = part.contract
                if key and key not in self.compilers:
                    compiler = self.compilers[key] = Quick(COPY, key)
                    compiler.read_imports()
                    self.plain[key] = self.forked(compiler.code)

    def first_sound(self, names: Sequence[str], contract: str) -> str | None:
        """Run tests as things are and return the first that passes, remembering those before.

        The contract is compiled as the mutant is: its code is longer and dearer than usual.
        """
        items = {item.nodeid: item for item in self.items}

        def run() -> str | None:
            hush()
            if contract:
                deploy_instead(contract, *self.plain[contract])
            for name in names:
                if self.passes(items[name], None):
                    return name
            return None

        by: str | None = self.forked(run)
        self.unsound |= set(names[: names.index(by)] if by is not None else names)
        self.sound |= {by} if by is not None else set()
        return by

    @staticmethod
    def forked(work: Callable[[], Any]) -> Any:
        """Return what work returns in a fork, so that nothing of it stays here."""
        import pickle

        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with os.fdopen(into, "wb") as stream:
                    pickle.dump(work(), stream)
            finally:
                os._exit(0)
        os.close(into)
        with os.fdopen(out, "rb") as stream:
            raw = stream.read()
        os.waitpid(child, 0)
        return pickle.loads(raw)

    # judging, in a fork

    def judge(self, request: Request, part: Part) -> Answer:
        """Say what kills the mutant, or name the tests that fail and may always do."""
        hush()
        if request.file == FORMULAS:
            by = spoil_formulas(COPY / FORMULAS)
            if by is not None:
                return Answer(KILLED, by)
        if part.contract:
            # what imports the spoilt file has to read it again
            is_own = request.file == f"contracts/{part.contract}.vy"
            try:
                abi, code = self.compilers[part.contract].code(with_imports=is_own)
            except NotCompiled as error:
                return Answer(INVALID, str(error))
            if code == self.plain[part.contract][1]:
                return Answer(SURVIVED)
            deploy_instead(part.contract, abi, code)
        for game in [each for name in part.campaigns for each in GAMES[name]]:
            by = played(*game)
            if by is not None:
                return Answer(KILLED, by)
        suspects: list[str] = []
        items = self.asked_of(part)
        until = time.process_time() + self.budget
        for number, item in enumerate(items):
            if time.process_time() > until or len(suspects) == MOST:
                break
            after = items[number + 1] if number + 1 < len(items) else None
            if not self.passes(item, after):
                if item.nodeid in self.sound:
                    return Answer(KILLED, item.nodeid)
                suspects.append(item.nodeid)
        return Answer(SURVIVED, json.dumps(suspects) if suspects else "")

    def asked_of(self, part: Part) -> list[pytest.Item]:
        """Return the tests of a part in its order, without those that always fail here."""
        return [
            item
            for prefix in part.tests
            for item in self.items
            if item.nodeid.startswith(prefix) and item.nodeid not in self.unsound
        ]

    def passes(self, item: pytest.Item, after: pytest.Item | None) -> bool:
        """Run one test and tell whether it passes; a skipped one says nothing."""
        self.outcome = ""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        return self.outcome == "passed"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.outcome = "failed"
        elif report.when == "call" and self.outcome != "failed":
            self.outcome = report.outcome


def hush() -> None:
    """Let nobody see what pytest prints about tests that fail: it is what is asked for."""
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)


def keep_sources() -> None:
    """Let everything that reads sources read a copy of them that nobody spoils."""
    (COPY / ".cache").mkdir(exist_ok=True)
    # goes with the copy when this process is killed
    place = Path(tempfile.mkdtemp(prefix="surety-pristine-", dir=COPY / ".cache"))
    import atexit

    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for name in ("contracts", "interfaces", "scenarios"):
        shutil.copytree(COPY / name, place / name)
    paths.root.cache_clear()
    paths.root = lambda: place  # type: ignore[assignment]
    global PRISTINE
    PRISTINE = place


PRISTINE = COPY


class pristine:  # noqa: N801 - reads like a statement
    """Let a source of the copy be as it was inside."""

    def __init__(self, file: str) -> None:
        self.place, self.kept = COPY / file, PRISTINE / file

    def __enter__(self) -> None:
        self.spoilt = self.place.read_bytes()
        shutil.copyfile(self.kept, self.place)

    def __exit__(self, *_error: object) -> None:
        self.place.write_bytes(self.spoilt)


def warm_up() -> None:
    """Play every game as it is, which also fills what is kept between them."""
    for games in GAMES.values():
        for game in games:
            by = played(*game)
            if by is not None:
                raise RuntimeError(f"without any mutant: {by}")
    gc.collect()
    gc.freeze()


def played(hub: str, book: str, seed: int, usual: bool, governed: bool, steps: int) -> str | None:
    """Play a campaign and return at which step the model and the contracts part, or None."""
    from tests.stateful import test_campaign as campaigns
    from tests.stateful.driver import ENDS, Campaign
    from tests.stateful.scene import Setup

    name = f"campaign {hub} {book} seed {seed}"
    step = 0
    try:
        setup = Setup(hub, getattr(campaigns, book), usual, governed)
        campaign = Campaign(campaigns.revm(), setup, seed)
        if seed % 2 == 0:
            campaign.warm_up()
        for step in range(steps):
            if step == steps - steps // ENDS and not governed:
                campaign.end()
            campaign.step()
    except Exception as error:  # noqa: BLE001 - whatever a broken contract leads to
        return f"{name} step {step}: {type(error).__name__}"
    return None


def deploy_instead(name: str, abi: Any, code: bytes) -> None:
    """Let whoever asks for an artifact have this code."""
    from surety import compile as compiling

    mutant = replace(compiling.artifact(name), abi=abi, bytecode=code)
    load = compiling._load
    compiling._load = lambda wanted: mutant if wanted == name else load(wanted)
    compiling.is_fresh = lambda _item: True
    compiling.artifact.cache_clear()


def spoil_formulas(path: Path) -> str | None:
    """Let everybody compute with the formulas of the mutant, and read them where they are proved.

    Returns what kills it at once: the loader, or a vector.
    """
    from surety import formulas, vectors

    old = formulas.margin_math
    try:
        new = formulas.load(path)
    except (formulas.UnknownSyntax, SyntaxError):
        return "the loader refuses it"
    differences = vectors.run(vectors.read(VECTORS), new, None).differences
    if differences:
        return f"vectors: {differences[0]}"
    paths.root = lambda: path.parents[2]  # type: ignore[assignment]
    pairs = {
        id(before): new.__dict__[name]
        for name, before in old.__dict__.items()
        if callable(before) and name in new.__dict__
    }
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and module.__name__.startswith(("surety.", "tests.")):
            for name, value in list(vars(module).items()):
                if id(value) in pairs:
                    setattr(module, name, pairs[id(value)])
    old.__dict__.update(new.__dict__)
    return None


def main(arguments: Sequence[str]) -> int:
    channel = Channel()
    stand_in()
    budget = float(arguments[0]) if arguments else NO_BUDGET
    tests = [test for test in TESTS if (COPY / test).exists()]
    options = ["-p", "no:ape_test", "-p", "no:cacheprovider", "-m", "not deep and not chaos"]
    options += ["-p", "tests.mutation.ape", "-q", "-q", "--no-header", "--no-summary"]
    with suppress(KeyboardInterrupt):
        return int(pytest.main([*options, *tests], plugins=[Judge(channel, budget)]))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
