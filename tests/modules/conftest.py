# SPDX-License-Identifier: MIT
"""The formulas, their compiled contract and an EVM in this process that runs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from surety import formulas as formulas_module
from surety.formulas import Formulas, Revert
from surety.harness import Harness, compile_harness, decode_revert

CALLER = "0x" + "11" * 20
TARGET = "0x" + "22" * 20
_OUTPUT = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}\Z")

Ask = Callable[[str, Sequence[int]], "int | tuple[int, ...] | Revert"]


def local_evm(harness: Harness) -> Ask:
    """Return a function that runs one formula on revm (cancun) and answers a value or a Revert."""
    pyrevm = pytest.importorskip("pyrevm", reason="pyrevm has no build for this Python")
    evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=30_000_000)
    evm.insert_account_info(TARGET, pyrevm.AccountInfo(code=harness.runtime))

    def ask(name: str, args: Sequence[int]) -> int | tuple[int, ...] | Revert:
        data = harness.encode(name, args)
        try:
            out = evm.message_call(CALLER, TARGET, calldata=data, is_static=True)
        except RuntimeError as error:
            found = _OUTPUT.match(str(error))
            if found is None:
                raise
            return decode_revert(bytes.fromhex(found[1]))
        return harness.decode(name, bytes(out))

    return ask


@pytest.fixture(scope="session")
def formulas() -> Formulas:
    """The packaged formulas in Python."""
    return formulas_module.margin_math


@pytest.fixture(scope="session")
def harness(formulas: Formulas, tmp_path_factory: pytest.TempPathFactory) -> Harness:
    """The packaged formulas compiled by Vyper now, not taken from a cache."""
    return compile_harness(formulas, tmp_path_factory.mktemp("harness"))


@pytest.fixture(scope="session")
def ask(harness: Harness) -> Ask:
    """The packaged formulas in the EVM."""
    return local_evm(harness)


@pytest.fixture(scope="session")
def evm_of() -> Callable[[Harness], Ask]:
    """Make an EVM of any harness."""
    return local_evm
