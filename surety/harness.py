# SPDX-License-Identifier: MIT
"""Put the formulas of a Vyper module behind a contract, so that the EVM can be asked for each of
them.

The contract is derived at run time from the signatures that the loader read and imports the very
file that the
loader loaded: no formula and no argument list is typed here. Its bytecode is cached by digest.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from surety.files import write_atomically
from surety.formulas import Formulas, Revert, Signature
from surety.paths import is_checkout, root

EVM_VERSION = "cancun"
ERROR_SELECTOR = bytes.fromhex("08c379a0")  # Error(string)


class HarnessError(Exception):
    """Say that a module does not compile, or that the EVM gave what no formula can give."""


@dataclass(frozen=True, slots=True)
class Harness:
    """Hold the runtime bytecode that answers for every formula, and the selectors to ask by."""

    runtime: bytes
    selectors: dict[str, bytes]
    signatures: dict[str, Signature]

    def encode(self, name: str, args: Iterable[int]) -> bytes:
        """Encode a call of one formula; raises ValueError for a wrong count or an int outside
        uint256.
        """
        words = list(args)
        if len(words) != len(self.signatures[name].args):
            raise ValueError(f"{name} takes {len(self.signatures[name].args)} arguments")
        try:
            return self.selectors[name] + b"".join(word.to_bytes(32) for word in words)
        except OverflowError:
            raise ValueError(f"{name}: an argument is outside uint256") from None

    def decode(self, name: str, data: bytes) -> int | tuple[int, ...]:
        """Decode what a call of one formula returned: an int, or a tuple of ints."""
        count = self.signatures[name].returns
        if len(data) != 32 * count:
            raise HarnessError(f"{name} returned {len(data)} bytes, not {32 * count}")
        words = tuple(int.from_bytes(data[at : at + 32]) for at in range(0, len(data), 32))
        return words[0] if count == 1 else words


def decode_revert(data: bytes) -> Revert:
    """Decode revert data: an `Error(string)` with its reason, anything empty as arithmetic."""
    if not data:
        return Revert()
    if data[:4] != ERROR_SELECTOR or len(data) < 68:
        raise HarnessError(f"unknown revert data 0x{data.hex()}")
    length = int.from_bytes(data[36:68])
    return Revert(data[68 : 68 + length].decode("utf-8", "replace"))


def harness_source(formulas: Formulas) -> str:
    """Write the Vyper contract that exposes every formula under its own name."""
    lines = [
        "# pragma version 0.4.3",
        f"# pragma evm-version {EVM_VERSION}",
        f"import {formulas.path.stem} as formulas",
    ]
    for name, signature in formulas.functions.items():
        typed = ", ".join(f"{argument}: uint256" for argument in signature.args)
        passed = ", ".join(signature.args)
        returned = ", ".join(["uint256"] * signature.returns)
        returned = returned if signature.returns == 1 else f"({returned})"
        lines += [
            "",
            "@external",
            "@pure",
            f"def {name}({typed}) -> {returned}:",
            f"    return formulas.{name}({passed})",
        ]
    return "\n".join(lines) + "\n"


def compile_harness(formulas: Formulas, cache: Path | None = None) -> Harness:
    """Compile the harness in process, or take it from `cache` (a folder; default
    `.cache/formulas`).

    Raises HarnessError with the compiler's first line when the module does not compile.
    """
    from eth_utils.abi import function_signature_to_4byte_selector
    from vyper import __version__ as vyper_version

    source = harness_source(formulas)
    text = f"{vyper_version}\n{formulas.digest}\n{source}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    folder = cache if cache is not None else root() / ".cache" / "formulas"
    runtime = _read(folder, digest)
    if runtime is None:
        runtime = _compile(source, formulas.path.resolve().parent)
        _write(folder, digest, runtime)
    selectors = {
        name: function_signature_to_4byte_selector(
            f"{name}({','.join(['uint256'] * len(signature.args))})"
        )
        for name, signature in formulas.functions.items()
    }
    return Harness(runtime, selectors, dict(formulas.functions))


def _compile(source: str, folder: Path) -> bytes:
    """Compile with Vyper and return the runtime bytecode."""
    from vyper.compiler import compile_code
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.exceptions import VyperException

    try:
        out = compile_code(
            source,
            output_formats=["bytecode_runtime"],
            input_bundle=FilesystemInputBundle([folder]),
        )
    except VyperException as error:
        first = str(error).strip().splitlines()[0]
        raise HarnessError(f"the formulas do not compile: {first}") from None
    return bytes.fromhex(str(out["bytecode_runtime"]).removeprefix("0x"))


def _places(folder: Path) -> list[Path]:
    """Return where a cached harness may be: the folder, else this user's temporary one."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    temporary = Path(tempfile.gettempdir()) / f"surety-formulas-{user}"
    # an installed package is not written into
    return [temporary] if root() in folder.parents and not is_checkout() else [folder, temporary]


def _read(folder: Path, digest: str) -> bytes | None:
    """Return the cached bytecode, or None; a damaged file counts as none."""
    for place in _places(folder):
        try:
            raw = (place / f"{digest}.bin").read_bytes()
        except OSError:
            continue
        if hashlib.sha256(raw[32:]).digest() == raw[:32]:
            return raw[32:]
    return None


def _write(folder: Path, digest: str, runtime: bytes) -> None:
    """Cache the bytecode behind its own sha256, whole or not at all; do without when nothing is
    writable.
    """
    for place in _places(folder):
        try:
            place.mkdir(parents=True, exist_ok=True)
            content = hashlib.sha256(runtime).digest() + runtime
            write_atomically(place / f"{digest}.bin", content)
        except OSError:
            continue
        return
