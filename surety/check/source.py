# SPDX-License-Identifier: MIT
"""Load a Vyper project: its contracts and modules as annotated trees, and what they compile to.

A *contract* is a source that can be deployed and is not part of another one; a *module* is a
source that others import for its code, that has no external functions, or that needs another one
to initialise what it uses. All trees of one load come from one analysis: a module that ten
contracts import has one tree, and a call leads to the very node that it calls.

Compiling is separate, one source at a time, and starts from the text: positions of storage belong
to a contract, not to a module. Both read libraries from the import path of the running Python,
then from the project's folder, then from the search paths given, the last of them first.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, Final

SUFFIX: Final = ".vy"
# the files that mark the folder which a project's absolute imports start from
ROOT_MARKS: Final = (
    "pyproject.toml",
    "ape-config.yaml",
    "foundry.toml",
    "moccasin.toml",
    "titanoboa.toml",
    ".git",
)
LIBRARIES: Final = ("node_modules", "site-packages", "__pycache__")
_FIRST_LINES: Final = 3  # of a compiler's message


class SourceError(RuntimeError):
    """A project cannot be read or compiled; the message says where and why, on one line."""


class BadSources(SourceError):
    """Sources of a folder do not compile: `lines` holds what is wrong, one each, in order."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in a source: lines from 1, columns from 0, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, node: Any) -> Position:
        """Return where a node of the tree stands."""
        return cls(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One `.vy` file: its text, its annotated tree and the project's files that it reads.

    `name` is its path from the project's folder, with forward slashes; `tree` a
    `vyper.ast.nodes.Module`. `imports` are the `.vy` and `.vyi` files that it reads itself or
    through others, the compiler's own left out. `is_contract` is explained above.
    """

    path: Path
    name: str
    text: str
    tree: Any
    imports: tuple[Path, ...]
    is_contract: bool

    @property
    def stem(self) -> str:
        """Return the name without folders and suffix: what the contract or module is called."""
        return self.path.stem

    @property
    def functions(self) -> tuple[Any, ...]:
        """Return the functions that the source itself defines, as `FunctionDef` nodes."""
        return tuple(self.tree._metadata["type"].function_defs)

    @property
    def exposed(self) -> tuple[Any, ...]:
        """Return the external functions of the contract, from modules too, as function types."""
        return tuple(self.tree._metadata["type"].exposed_functions)

    def text_of(self, node: Any) -> str:
        """Return the source text of a node of this file."""
        lines = self.text.splitlines(keepends=True)[node.lineno - 1 : node.end_lineno]
        lines[-1] = _cut(lines[-1], None, node.end_col_offset)
        lines[0] = _cut(lines[0], node.col_offset, None)
        return "".join(lines)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What one contract compiles to.

    `layout` is the compiler's own: `storage_layout`, `transient_storage_layout` and `code_layout`
    by variable, modules nested. `creation` is the code that deploys; `runtime_size` counts the
    immutables behind the code; `evm_version` is what its pragma asks for, or the default.
    """

    abi: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any]
    creation: bytes
    runtime: bytes
    runtime_size: int
    evm_version: str


@dataclass(frozen=True, slots=True)
class Project:
    """The sources of a file or folder, in the order of their names.

    `root` is what names are relative to; `search_paths` are where imports are looked for.
    """

    root: Path
    sources: tuple[Source, ...]
    search_paths: tuple[Path, ...]
    _compiled: dict[Path, Compiled] = field(default_factory=dict, repr=False, compare=False)

    @property
    def contracts(self) -> tuple[Source, ...]:
        """Return the sources that can be deployed."""
        return tuple(source for source in self.sources if source.is_contract)

    @property
    def modules(self) -> tuple[Source, ...]:
        """Return the sources that are parts of others."""
        return tuple(source for source in self.sources if not source.is_contract)

    def find(self, path: Path) -> Source | None:
        """Return the source that lies at a path, or None."""
        wanted = path.resolve()
        return next((source for source in self.sources if source.path == wanted), None)

    def contracts_with(self, source: Source) -> tuple[Source, ...]:
        """Return the contracts that a source is part of, or only reads: itself if it is one."""
        return tuple(
            each for each in self.contracts if each is source or source.path in each.imports
        )

    def layout(self, source: Source) -> Mapping[str, Any]:
        """Return the layout of one contract with types spelled out, without compiling it to code.

        It is the compiler's mapping, but that a struct's type names its members, at any depth: one
        that is retyped or moved must not hide behind the struct's name. Raises SourceError.
        """
        with _told(source.path, self.root):
            return _positions(source.tree)

    def give(self, source: Source, compiled: Compiled) -> None:
        """Take what a contract compiles to from somebody who knows: it is not compiled again."""
        self._compiled[source.path] = compiled

    def compiled(self, source: Source) -> Compiled:
        """Compile one contract of the project, once; raises SourceError."""
        if source.path not in self._compiled:
            self._compiled[source.path] = compile_file(source.path, self.search_paths, self.root)
        return self._compiled[source.path]


def load(
    path: Path,
    search_paths: Sequence[Path] = (),
    exclude: Sequence[str] = (),
    tell: Callable[[int, int, str], None] | None = None,
) -> Project:
    """Read a file, or every `.vy` file below a folder, with its modules and interfaces.

    `search_paths` come before the project's folder, the last one first. `exclude` are patterns
    (`*mocks/*`) of names or of single parts of them that are left out; hidden folders, virtual
    environments and installed libraries always are. Of a single file the modules that it imports
    are not sources of the project: name their folder to have them judged as well.
    `tell` hears before each file how many are done, of how many, and its name.
    Raises SourceError; of files below a folder that do not compile BadSources, for all of them.
    """
    try:
        files = find_files(path, exclude)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    root = root_of(path)
    paths = (root, *(_folder(each) for each in search_paths))
    analysis, trees = _read_all(files, root, paths, path.is_dir(), tell)
    parts = set().union(*(_parts_of(tree) for tree in analysis.trees.values()))
    return Project(
        root,
        tuple(
            Source(
                file,
                _name(file, root),
                tree.full_source_code,
                tree,
                analysis.imports_of(tree),
                file not in parts and _is_deployable(tree),
            )
            for file, tree in trees.items()
        ),
        paths,
    )


def _read_all(
    files: Sequence[Path],
    root: Path,
    search_paths: Sequence[Path],
    is_folder: bool,
    tell: Callable[[int, int, str], None] | None,
) -> tuple[_Analysis, dict[Path, Any]]:
    """Return the trees of all files; raises BadSources for those of a folder, else SourceError."""
    analysis = _Analysis(root, search_paths)
    trees = {}
    wrong: dict[str, None] = {}  # a module is as wrong for everyone who imports it
    for number, file in enumerate(files):
        if tell:
            tell(number, len(files), _name(file, root))
        try:
            trees[file] = analysis.read(file)
        except SourceError as error:
            if not is_folder:
                raise
            wrong[str(error)] = None
            analysis = _Analysis(root, search_paths)  # trees that were half read are of no use
    if wrong:
        raise BadSources(tuple(wrong))
    return analysis, trees


def find_files(path: Path, exclude: Sequence[str] = ()) -> list[Path]:
    """Return the `.vy` files that a path stands for, sorted; raises SourceError when none."""
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if path.is_file():
        if path.suffix != SUFFIX:
            raise SourceError(f"{path}: not a Vyper source; name a .vy file or a folder of them")
        return [path.resolve()]
    base = path.resolve()
    found = []
    for folder, below, names in os.walk(base):
        below[:] = sorted(
            name
            for name in below
            if not name.startswith(".")
            and name not in LIBRARIES
            and not (Path(folder) / name / "pyvenv.cfg").exists()
        )
        found += [Path(folder) / name for name in names if name.endswith(SUFFIX)]
    kept = [file for file in found if not _is_left_out(file.relative_to(base), exclude)]
    if not kept:
        left = ", all of them left out" if found else ""
        raise SourceError(f"{path}: no {SUFFIX} files there{left}")
    return sorted(kept)


def root_of(path: Path) -> Path:
    """Return the folder that a project's absolute imports start from.

    It is the nearest folder at or above `path` with a project's file in it, else `path` itself or
    the folder of the file.
    """
    start = path.resolve()
    if start.is_file():
        start = start.parent
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in ROOT_MARKS):
            return folder
    return start


def compile_file(
    path: Path, search_paths: Sequence[Path] = (), root: Path | None = None
) -> Compiled:
    """Compile one contract; `root` is what the errors' paths are relative to.

    Raises SourceError with the compiler's first words and where they point.
    """
    from vyper.compiler import outputs_from_compiler_data
    from vyper.compiler.phases import CompilerData
    from vyper.evm.opcodes import DEFAULT_EVM_VERSION

    base = root if root is not None else root_of(path)
    with _told(path, base):
        bundle = _bundle(search_paths or (base,))
        data = CompilerData(bundle.load_file(path.resolve()), bundle)
        outputs = outputs_from_compiler_data(
            data, ("abi", "layout", "bytecode", "bytecode_runtime")
        )
        immutables = data.global_ctx.immutable_section_bytes
        evm = data.settings.evm_version or DEFAULT_EVM_VERSION
    runtime = bytes.fromhex(outputs["bytecode_runtime"].removeprefix("0x"))
    return Compiled(
        tuple(outputs["abi"]),
        _plain(outputs["layout"]),
        bytes.fromhex(outputs["bytecode"].removeprefix("0x")),
        runtime,
        len(runtime) + immutables,
        str(evm),
    )


def code_of(path: Path, search_paths: Sequence[Path] = (), root: Path | None = None) -> bytes:
    """Return the code that deploys a contract, without the digest of its sources behind it.

    Of two sources that mean the same it is the same. Raises SourceError as `compile_file` does.
    """
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import anchor_settings

    base = root if root is not None else root_of(path)
    with _told(path, base):
        bundle = _bundle(search_paths or (base,))
        data = CompilerData(bundle.load_file(path.resolve()), bundle, no_bytecode_metadata=True)
        with anchor_settings(data.settings):  # the EVM that its pragma asks for
            return bytes(data.bytecode)


def _positions(tree: Any) -> Mapping[str, Any]:
    """Return the compiler's layout of a contract's tree, and forget the positions again.

    The tree's modules may be parts of other contracts, where they lie elsewhere.
    """
    from vyper.compiler.settings import Settings, anchor_settings, merge_settings
    from vyper.semantics import set_data_positions
    from vyper.semantics.analysis.data_positions import generate_layout_export

    try:
        with anchor_settings(merge_settings(Settings(), tree.settings)):
            set_data_positions(tree, None)
            return _spelled(_plain(generate_layout_export(tree)), tree)
    finally:
        _forget(tree)


def _forget(tree: Any) -> None:
    from vyper.ast import nodes as vy

    functions = list(tree.get_children(vy.FunctionDef))
    for node in tree.get_children(vy.VariableDecl):
        node.target._metadata["varinfo"].position = None
        functions += [node._expanded_getter] if node.is_public else []
    for function in functions:
        vars(function._metadata["func_type"]).pop("reentrancy_key_position", None)
    for node in tree.get_children(vy.InitializesDecl):
        _forget(node._metadata["initializes_info"].module_info.module_node)


def _spelled(layout: dict[str, Any], tree: Any) -> dict[str, Any]:
    """Put types that name their members in the place of the compiler's own words."""
    from vyper.ast import nodes as vy

    types = {
        node.target.id: _type_text(node.target._metadata["varinfo"].typ)
        for node in tree.get_children(vy.VariableDecl)
    }
    parts = {
        info.alias: info.module_node
        for info in (
            node._metadata["initializes_info"].module_info
            for node in tree.get_children(vy.InitializesDecl)
        )
    }
    for place in layout.values():
        for name, item in place.items():
            if name in parts:
                place[name] = _spelled({"": item}, parts[name])[""]
            elif name in types:
                item["type"] = types[name]
    return layout


def _type_text(kind: Any) -> str:
    """Return a type in words, the members of structs and flags among them."""
    name = type(kind).__name__
    if name == "StructT":
        members = ", ".join(f"{key}: {_type_text(item)}" for key, item in kind.members.items())
        return f"{kind.name}{{{members}}}"
    if name == "FlagT":
        return f"{kind.name}{{{', '.join(kind._flag_members)}}}"
    if name == "HashMapT":
        return f"HashMap[{_type_text(kind.key_type)}, {_type_text(kind.value_type)}]"
    if name == "DArrayT":
        return f"DynArray[{_type_text(kind.value_type)}, {kind.count}]"
    if name == "SArrayT":
        return f"{_type_text(kind.value_type)}[{kind.count}]"
    if name == "InterfaceT":  # of another file: the compiler names it by where it lies
        return Path(str(kind._id)).stem
    return str(kind)


class _Analysis:
    """Reads sources into trees that share what they import."""

    def __init__(self, root: Path, search_paths: Sequence[Path]) -> None:
        from vyper.utils import OrderedSet

        self._root = root
        self._bundle = _bundle(search_paths)
        self._trees: dict[int, Any] = {}
        self._seen: Any = OrderedSet()

    @cached_property
    def trees(self) -> dict[Path, Any]:
        """Return every tree that was read, imported ones too, by path; read all files first."""
        found = {}
        for tree in self._trees.values():
            found[Path(tree.resolved_path)] = tree
        return found

    def read(self, path: Path) -> Any:
        """Return the annotated tree of one file; raises SourceError."""
        from vyper.compiler.settings import Settings, anchor_settings, merge_settings
        from vyper.semantics import analyze_module
        from vyper.semantics.analysis.imports import ImportAnalyzer, _ImportGraph

        with _told(path, self._root):
            file = self._bundle.load_file(path)
            # the compiler's own analysis of one contract, its store of trees kept for all
            analyzer = ImportAnalyzer(self._bundle, _ImportGraph(), None)
            analyzer._ast_of = self._trees
            analyzer.seen = self._seen
            tree = analyzer._ast_from_file(file)
            analyzer.toplevel_module = tree
            with self._bundle.search_path(path.parent):
                analyzer.absolute_search_paths = self._bundle.search_paths.copy()
                analyzer._resolve_imports_r(tree)
            with anchor_settings(merge_settings(Settings(), tree.settings)):
                analyze_module(tree)
            return tree

    def imports_of(self, tree: Any) -> tuple[Path, ...]:
        """Return the files that a tree reads, itself or through others."""
        found: dict[Path, None] = {}
        todo = [tree]
        while todo:
            for _, info in _imports(todo.pop()):
                path = Path(info.compiler_input.resolved_path)
                if path not in found and info.compiler_input.source_id >= 0:
                    found[path] = None
                    if hasattr(info.parsed, "body"):
                        todo.append(info.parsed)
        return tuple(sorted(found))


def _bundle(search_paths: Sequence[Path]) -> Any:
    """Return what the compiler reads files from, the last path first."""
    from vyper.compiler.input_bundle import FilesystemInputBundle

    libraries = [Path(entry) for entry in reversed(sys.path) if entry]
    return FilesystemInputBundle([*libraries, *search_paths])


@contextmanager
def _told(path: Path, root: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read or compiled into one line."""
    from vyper.exceptions import VyperException

    try:
        yield
    except VyperException as error:
        raise SourceError(_line(error, path, root)) from error
    except ExceptionGroup as group:
        first = group.exceptions[0]
        rest = len(group.exceptions) - 1
        more = f" (and {rest} more)" if rest else ""
        raise SourceError(f"{_line(first, path, root)}{more}") from group
    except OSError as error:
        raise SourceError(f"{_name(path, root)}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{_name(path, root)}: not UTF-8 text") from error
    except Exception as error:  # the compiler's own defects, whatever they raise
        raise SourceError(
            f"{_name(path, root)}: the compiler fails: {_line(error, path, root)}"
        ) from error


def _line(error: BaseException, path: Path, root: Path) -> str:
    """Return `file:line:column: what: words` of a compiler's error."""
    kind = type(error).__name__
    message = str(getattr(error, "message", None) or error) or kind
    words = " ".join(" ".join(message.splitlines()[:_FIRST_LINES]).split())
    place, where = _name(path, root), ""
    annotations = [
        item[1] if isinstance(item, tuple) else item
        for item in getattr(error, "annotations", None) or ()
    ]
    node = next((item for item in annotations if hasattr(item, "lineno")), None)
    if node is not None:
        module = getattr(node, "module_node", None)
        resolved = getattr(module, "resolved_path", None)
        if resolved and Path(resolved).is_absolute():
            place = _name(Path(resolved), root)
        where = f":{node.lineno}:{node.col_offset + 1}"
    elif getattr(error, "lineno", None) is not None:
        resolved = getattr(error, "resolved_path", None)
        if resolved and Path(resolved).is_absolute():
            place = _name(Path(resolved), root)
        where = f":{error.lineno}"  # type: ignore[attr-defined]
    if kind == "VersionException":
        words = _asked(root / place) or words
    return f"{place}{where}: {kind}: {words}"


def _asked(path: Path) -> str:
    """Return which compiler a source asks for, in its own words; "" where it does not say."""
    from vyper import __version__

    with suppress(OSError, UnicodeDecodeError):
        found = re.search(
            r"^#\s*(?:pragma\s+version|@version)\s+(\S.*?)\s*$", path.read_text("utf-8"), re.M
        )
        if found:
            return f"asks for Vyper {found[1]}, this is {__version__}"
    return ""


def _imports(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the import statements of a tree, each with what it brings."""
    from vyper.ast import nodes as vy

    for node in tree.get_children((vy.Import, vy.ImportFrom)):
        yield node, node._metadata["import_info"]


def _parts_of(tree: Any) -> set[Path]:
    """Return the files that a tree uses as modules, rather than for their interface alone."""
    from vyper.ast import nodes as vy

    aliases = {
        info.alias: Path(info.compiler_input.resolved_path)
        for _, info in _imports(tree)
        if Path(info.compiler_input.resolved_path).suffix == SUFFIX
    }
    found = set()
    if aliases:
        for node in tree.get_descendants(vy.Name):
            parent = node.get_ancestor()
            if node.id in aliases and getattr(parent, "attr", "") != "__interface__":
                found.add(aliases[node.id])
    return found


def _is_deployable(tree: Any) -> bool:
    """Tell whether a tree has external functions or a constructor, and all that it uses."""
    from vyper.exceptions import VyperException
    from vyper.semantics import validate_compilation_target

    kind = tree._metadata["type"]
    if not kind.exposed_functions and kind.init_function is None:
        return False
    try:
        validate_compilation_target(kind)
    except VyperException:
        return False
    return True


def _is_left_out(name: Path, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern fits a name, a folder above it, or one part of it."""
    texts = [name.as_posix(), *name.parts]
    return any(fnmatch(text, pattern) for text in texts for pattern in patterns)


def _folder(path: Path) -> Path:
    """Return a search path as it is used; raises SourceError where there is no such folder."""
    if not path.is_dir():
        raise SourceError(f"search path {path}: no such folder")
    return path.resolve()


def _name(path: Path, root: Path) -> str:
    """Return a path as it is shown: from the project's folder where it lies below it."""
    resolved = path.resolve()
    return (resolved.relative_to(root) if resolved.is_relative_to(root) else resolved).as_posix()


def _plain(value: Any) -> Any:
    """Return the compiler's mapping as plain dictionaries."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _cut(line: str, start: int | None, end: int | None) -> str:
    """Cut a line by columns, which the compiler counts in bytes of UTF-8."""
    return line.encode()[start:end].decode()
