# SPDX-License-Identifier: MIT
"""All mutants of a source, each with a name that outlives edits elsewhere in the file."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final

from surety.check.mutate.operators import OPERATORS, Around, Edit
from surety.check.mutate.spans import Text

MODULE: Final = "<module>"  # stands for the function of what is outside of all functions
# what holds types, names and shapes rather than what a contract does
_SHAPES: Final = (
    "EventDef",
    "ExportsDecl",
    "FlagDef",
    "ImplementsDecl",
    "Import",
    "ImportFrom",
    "InitializesDecl",
    "InterfaceDef",
    "StructDef",
    "UsesDecl",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: `before` and `after` are the lines that it changes, without their indentation.

    `key` is made of everything but the line's number, and of how many there were before with the
    same words in the same function.
    """

    key: str
    file: str
    function: str
    operator: str
    line: int
    before: str
    after: str
    edit: Edit

    def apply(self, source: str) -> str:
        """Return a source with the fault in it."""
        return source[: self.edit.start] + self.edit.text + source[self.edit.end :]

    def diff(self, source: str) -> str:
        """Return the fault as a unified diff with two lines of context."""
        return "".join(
            difflib.unified_diff(
                source.splitlines(keepends=True),
                self.apply(source).splitlines(keepends=True),
                f"a/{self.file}",
                f"b/{self.file}",
                n=2,
            )
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mutants are asked for: operators and functions by pattern, lines by number.

    A pattern of functions is matched against `name` and `stem.name`, as in `Vault.change`. With
    `lines` only functions (or single lines outside of all functions) that hold one of them.
    """

    operators: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    lines: frozenset[int] | None = None


def takes(file: str, function: str, patterns: Sequence[str]) -> bool:
    """Tell whether a function of a file is asked for by its name."""
    stem = file.rsplit("/", 1)[-1].removesuffix(".vy")
    names = (function, f"{stem}.{function}")
    return not patterns or any(fnmatch(name, pattern) for name in names for pattern in patterns)


def function_names(sources: Iterable[str]) -> frozenset[str]:
    """Return the names of all functions of some sources, and what stands for the rest of them."""
    from vyper.ast import nodes as vy

    return frozenset(
        node.name for source in sources for node in Text(source).tree.get_children(vy.FunctionDef)
    ) | {MODULE}


def mutants_of(
    file: str, source: str, functions: frozenset[str] = frozenset(), wanted: Wanted | None = None
) -> list[Mutant]:
    """Return the mutants of a source in the order of their places.

    `file` is its name from the project's folder, `functions` the names of all functions of the
    project, by which helpers that round the other way are known. Raises SourceError.
    """
    wanted = wanted or Wanted()
    text = Text(source)
    chosen = [each for name, each in OPERATORS.items() if _matches(name, wanted.operators)]
    modules = frozenset(_modules(text.tree))
    found: list[tuple[int, str, str, Edit]] = []
    for name, top in _parts(text.tree):
        if not takes(file, name, wanted.functions) or not _is_changed(text, top, wanted.lines):
            continue
        around = Around(text, modules, functions, _returned(text, top))
        for node in _walk(top):
            for operator in chosen:
                found += [
                    (edit.start, name, operator.name, edit) for edit in operator.find(node, around)
                ]
    counts: Counter[str] = Counter()
    made = []
    for _, name, operator_name, edit in sorted(found, key=lambda each: each[0]):
        before, after = _lines(text, edit)
        words = "\n".join((file, name, operator_name, before, after))
        counts[words] += 1
        key = hashlib.sha256(f"{words}\n{counts[words]}".encode()).hexdigest()[:16]
        line = text.line_of(edit.start)
        made.append(Mutant(key, file, name, operator_name, line, before, after, edit))
    return made


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch(name, pattern) for pattern in patterns)


def _parts(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the functions of a module by name, and what else it holds."""
    yield MODULE, tree
    for node in tree.get_children():
        kind = type(node).__name__
        if kind == "FunctionDef":
            yield node.name, node
        elif kind == "VariableDecl" and node.value is not None:
            yield MODULE, node


def _walk(top: Any) -> Iterator[Any]:
    """Yield the nodes of a part that an operator may change: no types, no decorators."""
    yield top
    kind = type(top).__name__
    if kind == "Module" or kind in _SHAPES:
        return  # its parts come by themselves
    skipped = _types(top)
    for child in top.get_children():
        if not any(child is one for one in skipped):
            yield from _walk(child)


def _types(node: Any) -> list[Any]:
    """Return the children of a node that say a type."""
    match type(node).__name__:
        case "AnnAssign" | "VariableDecl":
            return [node.annotation, node.target]
        case "FunctionDef":
            return [*node.decorator_list, node.returns]
        case "arg":
            return [node.annotation]
        case "For":
            return [node.target]
        case "Call":
            # min_value(int256), empty(Bytes[32]) and convert(x, uint256) name a type
            name = getattr(node.func, "id", "")
            typed = {"empty": 0, "max_value": 0, "min_value": 0, "convert": 1, "abi_decode": 1}
            at = typed.get(name)
            if at is not None and at < len(node.args):
                return [node.args[at]]
    return []


def _returned(text: Text, top: Any) -> str:
    """Return the single type that a function returns, "" where it is none or a tuple."""
    returns = getattr(top, "returns", None)
    if returns is None or type(returns).__name__ == "Tuple":
        return ""
    return text.of(returns)


def _modules(tree: Any) -> Iterator[str]:
    """Yield the names under which a source knows other files."""
    for node in tree.get_children():
        if type(node).__name__ in ("Import", "ImportFrom"):
            yield node.alias or node.name.rsplit(".", 1)[-1]


def _is_changed(text: Text, top: Any, lines: frozenset[int] | None) -> bool:
    if lines is None:
        return True
    if type(top).__name__ == "Module":
        # its own operators change the pragmas at the top
        return any(line in lines for line in range(1, 10))
    first = min([text.line_of(text.start(top)), *(each.lineno for each in _decorators(top))])
    return any(line in lines for line in range(first, text.line_of(text.end(top) - 1) + 1))


def _decorators(top: Any) -> Sequence[Any]:
    return getattr(top, "decorator_list", None) or ()


def _lines(text: Text, edit: Edit) -> tuple[str, str]:
    """Return the lines that an edit touches, before and after, on one line each."""
    start, end = text.lines_of(edit.start, edit.end)
    before = text.source[start:end]
    after = text.source[start : edit.start] + edit.text + text.source[edit.end : end]
    return " ".join(before.split()), " ".join(after.split())
