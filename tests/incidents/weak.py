# SPDX-License-Identifier: MIT
"""Contracts with one line weakened: what the test of an attack must convict."""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

from surety import paths
from surety.compile import Artifact, artifact
from surety.deploy import (
    LOCAL_KINDS,
    LOOSE_LIMITS,
    BookParams,
    Limits,
    LocalKind,
    SystemParams,
    local_kinds,
    steps,
)
from tests.stateful.node import RevmNode
from tests.world import GENESIS, World

Change = tuple[str, str]  # what stands once in a source, and what is put there instead


@cache
def weakened(
    name: str, *changes: Change, file: str | None = None, optimised: bool = False
) -> Artifact:
    """Compile a contract with changes in its own source, or in `file` below `contracts`.

    Not `optimised` it takes half the time, needs more gas and is too large for a real chain, and
    does the same: `test_classes.py` makes sure that no control owes anything to that.
    """
    from vyper.compiler import outputs_from_compiler_data
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import OptimizationLevel, Settings

    found = artifact(name)
    settings = None if optimised else Settings(optimize=OptimizationLevel.NONE)
    with _without_collecting(), tempfile.TemporaryDirectory(prefix="surety-weak-") as place:
        folder = Path(place)
        for base in (paths.contracts(), paths.interfaces()):
            shutil.copytree(base, folder / base.name)
        main = next((folder / "contracts").rglob(f"{name}.vy"))
        target = main if file is None else folder / "contracts" / file
        text = target.read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{target.name}: {text.count(old)} places of {old!r}"
            text = text.replace(old, new)
        target.write_text(text)
        if settings is not None:
            plain = main.read_text().replace("# pragma optimize codesize\n", "")
            main.write_text(plain)
        bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), folder])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is too large for a real chain
            data = CompilerData(bundle.load_file(main), bundle, settings=settings)
            outputs = outputs_from_compiler_data(data, ("abi", "bytecode"))
    bytecode = bytes.fromhex(outputs["bytecode"].removeprefix("0x"))
    return replace(found, abi=outputs["abi"], bytecode=bytecode)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Collect no garbage: a compilation makes a million objects and drops few of them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def deploying(*weak: Artifact) -> Iterator[None]:
    """Let systems that are deployed inside have these contracts in place of their own."""
    by_name = {each.name: each for each in weak}
    used: set[str] = set()

    def find(name: str) -> Artifact:
        used.update({name} & set(by_name))
        return by_name.get(name) or artifact(name)

    with patch.object(steps, "artifact", find):
        yield
    assert used == set(by_name), "the system was deployed without the weak contracts"


def revm_world(
    *weak: Artifact,
    book: BookParams | None = None,
    kinds: tuple[LocalKind, ...] | None = None,
    limits: Limits | None = None,
    confirm_period: int = 1,
) -> World:
    """Deploy a system on revm in this process, with weak contracts in place of some.

    The hub's `limits` are loose where none are given, and confirm for a second.
    """
    from surety.chain import UnlockedSender

    node = RevmNode(GENESIS)
    sender = UnlockedSender(node, node.call("eth_accounts")[0])
    listed = local_kinds(sender, kinds or LOCAL_KINDS, limits or LOOSE_LIMITS)
    params = SystemParams(kinds=listed, book=book or BookParams(), confirm_period=confirm_period)
    with deploying(*weak):
        return World(node, params)
