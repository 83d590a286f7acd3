# SPDX-License-Identifier: MIT
"""Compile one spoilt contract as fast as Vyper can: no optimiser, imports read only once.

What a contract imports is parsed and analysed before anything is forked; a child then reads the
contract alone. Without the optimiser what it computes is the same (assurance.md, differential
builds), only longer and dearer: nothing here measures gas or size.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any


class NotCompiled(Exception):
    """The mutant does not compile."""


class Quick:
    """One contract of a project's copy, with its imports analysed as they are now."""

    def __init__(self, root: Path, name: str) -> None:
        from vyper.compiler.input_bundle import FilesystemInputBundle

        self.root, self.name = root, name
        self.place = next((root / "contracts").rglob(f"{name}.vy"))
        self.bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), root])
        self._trees: dict[int, Any] = {}
        self._seen: Any = None

    def read_imports(self) -> None:
        """Analyse what the contract imports, for all that is compiled by `with_imports`."""
        from vyper.semantics import analyze_module

        data = self._data()
        module, imports, _ = data._resolve_imports
        self._trees = imports._ast_of
        for tree in list(self._trees.values()):
            if tree is not module:
                analyze_module(tree)
        self._seen = imports.seen
        self._seen.remove(module)

    def code(self, *, with_imports: bool = False) -> tuple[Any, bytes]:
        """Return ABI and creation code of the contract as it lies there; raises NotCompiled.

        `with_imports`: those that were read before are taken, which must not have changed since;
        once in a process, for the compiler marks them with where this contract keeps them.
        """
        from vyper.compiler import outputs_from_compiler_data
        from vyper.exceptions import VyperException

        gc.disable()
        try:
            data = self._data()
            if with_imports:
                self._take_imports(data)
            outputs = outputs_from_compiler_data(data, ("abi", "bytecode"))
        except (VyperException, ExceptionGroup, SyntaxError) as error:
            raise NotCompiled(str(error).strip().splitlines()[0]) from error
        return outputs["abi"], bytes.fromhex(outputs["bytecode"].removeprefix("0x"))

    def _data(self) -> Any:
        from vyper.compiler.input_bundle import FileInput
        from vyper.compiler.phases import CompilerData

        file = self.bundle.load_file(self.place)
        # what was read before may have changed
        text = self.place.read_text(encoding="utf-8")
        lines = [line for line in text.split("\n") if "pragma optimize" not in line]
        text = "\n".join(["# pragma optimize none", *lines])
        source = FileInput(file.source_id, file.path, file.resolved_path, text)
        # without the sum of the sources behind it, the same code is the same bytes
        return CompilerData(source, self.bundle, no_bytecode_metadata=True)

    def _take_imports(self, data: Any) -> None:
        """Resolve the imports of a contract to trees that are analysed already."""
        from vyper.semantics.analysis.imports import ImportAnalyzer, _ImportGraph

        module = data.vyper_module
        imports = ImportAnalyzer(self.bundle, _ImportGraph(), module)
        imports._ast_of, imports.seen = self._trees, self._seen
        with self.bundle.search_path(self.place.parent):
            imports.absolute_search_paths = self.bundle.search_paths.copy()
            imports.resolve_imports()
        data.__dict__["_resolve_imports"] = (module, imports, imports._integrity_sum)
