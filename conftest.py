# SPDX-License-Identifier: MIT
"""What every test run needs before Ape starts: the tools on PATH and contracts that are not stale.

Ape compiles a contract anew only when its own file changed; a changed module or interface would
leave old bytecode in place. So one digest over all of them decides, once for each run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import settings

from surety.anvil import AnvilMissing, put_on_path

ROOT = Path(__file__).resolve().parent
STAMP = ROOT / ".cache" / "contracts.sha256"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

# the same examples in each run, unless a long run asks for new ones
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("deep", max_examples=2_000, deadline=None)
settings.load_profile("steady")


def sources_digest() -> str:
    """Hash the compiler's version, Ape's configuration and every Vyper source."""
    state = hashlib.sha256()
    for name in ("vyper", "ape-vyper", "eth-ape"):
        state.update(f"{name} {metadata.version(name)}\n".encode())
    sources = [*ROOT.glob("contracts/**/*.vy"), *ROOT.glob("interfaces/**/*.vyi")]
    for source in [ROOT / "ape-config.yaml", *sorted(sources)]:
        state.update(f"{source.relative_to(ROOT)}\n".encode() + source.read_bytes())
    return state.hexdigest()


def compile_when_changed() -> None:
    """Compile all contracts anew when anything that they are made of changed."""
    import ape

    digest = sources_digest()
    build = ROOT / ".build" / "__local__.json"
    if build.is_file() and STAMP.is_file() and STAMP.read_text() == digest:
        return
    STAMP.unlink(missing_ok=True)
    project = ape.project if ape.project.path == ROOT else ape.Project(ROOT)
    project.load_contracts(use_cache=False)
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(digest)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the run in the controller; workers inherit its PATH and its build."""
    if config.pluginmanager.hasplugin("ape_test"):
        from ape.logging import logger

        logger.set_level("WARNING")
    if IS_WORKER:
        return
    try:
        put_on_path(ROOT)
    except AnvilMissing as error:
        raise pytest.UsageError(str(error)) from None
    if not config.option.collectonly and config.pluginmanager.hasplugin("ape_test"):
        compile_when_changed()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_exception_interact(report: pytest.TestReport) -> Iterator[None]:
    """Keep pytest's own report of a failure: Ape's prints the locals of every frame, keys too."""
    kept = report.longrepr
    yield
    report.longrepr = kept
