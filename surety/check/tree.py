# SPDX-License-Identifier: MIT
"""What every tool asks of the compiler's annotated tree.

Nodes are `vyper.ast.nodes`, function types `vyper.semantics.types.function.ContractFunctionT`; the
compiler has no types of its own for a checker to see, so both are `Any` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from vyper.ast import nodes as vy
from vyper.semantics.data_locations import DataLocation

CALLER: Final = "msg.sender"
_KEPT: Final = (DataLocation.STORAGE, DataLocation.TRANSIENT)
# what runs code of somebody else that may call back
_CREATES: Final = ("create_from_blueprint", "raw_create")


def dotted(node: Any) -> str:
    """Return `name.attribute` of an attribute of a plain name, else nothing."""
    below = getattr(getattr(node, "value", None), "id", None)
    return f"{below}.{node.attr}" if isinstance(node, vy.Attribute) and below is not None else ""


def folded(node: Any) -> int | None:
    """Return the value of a whole number or truth that the compiler knows, None of all else."""
    found = node.get_folded_value() if node.has_folded_value else node
    value = getattr(found, "value", None)
    constant = isinstance(found, vy.Int | vy.NameConstant)
    return int(value) if constant and isinstance(value, int) else None


def internal(call: Any) -> Any:
    """Return the internal function that a call means, None where it means anything else."""
    kind = call.func._metadata.get("type")
    node = getattr(kind, "ast_def", None)
    if not isinstance(node, vy.FunctionDef) or not getattr(kind, "is_internal", False):
        return None
    return node


def arguments(inner: Any, call: Any) -> dict[str, Any]:
    """Return what a call gives for each parameter of an internal function, defaults included."""
    names = [item.arg for item in inner.args.args]
    given = list(call.args)
    rest = len(names) - len(given)
    defaults = list(inner.args.defaults)
    return dict(zip(names, [*given, *defaults[len(defaults) - rest :]], strict=True))


def builtin(node: Any) -> str:
    """Return the name of the built-in function that a node calls, else nothing."""
    if isinstance(node, vy.Call) and isinstance(node.func, vy.Name) and internal(node) is None:
        return str(node.func.id)
    return ""


def keyword(call: Any, name: str) -> Any:
    """Return the value of a keyword argument of a call, or None."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def is_true(node: Any) -> bool:
    """Tell whether a keyword's value is there and known to be true."""
    return node is not None and folded(node) == 1


def is_kept(node: Any) -> bool:
    """Tell whether a node names a place in storage, transient storage included."""
    info = getattr(node, "_expr_info", None)
    return info is not None and info.location in _KEPT


def written(node: Any) -> Iterator[Any]:
    """Yield the places in storage that an assignment, or an `append` or `pop`, itself writes."""
    if isinstance(node, vy.Assign | vy.AugAssign):
        target = node.target
        for item in target.elements if isinstance(target, vy.Tuple) else [target]:
            if is_kept(item):
                yield item
    elif isinstance(node, vy.Call) and getattr(node.func, "attr", "") in ("append", "pop"):
        yield from filter(is_kept, [node.func.value])


def roots(target: Any) -> Iterator[str]:
    """Yield the local names that an assignment's target begins with."""
    if isinstance(target, vy.Tuple):
        for element in target.elements:
            yield from roots(element)
        return
    while not isinstance(target, vy.Name) and hasattr(target, "value"):
        target = target.value
    if isinstance(target, vy.Name) and target.id != "self" and not is_kept(target):
        yield target.id


def variable(place: Any) -> Any:
    """Return the variable (`VarInfo`) that a place in storage belongs to, or None."""
    info = getattr(place, "_expr_info", None)
    found = next(iter(info._writes), None) or next(iter(info._reads), None) if info else None
    return None if found is None else found.variable


def calls_out(node: Any) -> bool:
    """Tell whether a node runs code of somebody else that may change state, and so call back."""
    if isinstance(node, vy.ExtCall):
        # a call of a built-in is none: `extcall` stands before interfaces alone
        return True
    name = builtin(node)
    if name == "raw_call":
        return not is_true(keyword(node, "is_static_call"))
    return name == "send" or name in _CREATES


def function_of(node: Any) -> Any:
    """Return the function that a node stands in, or None."""
    return node if isinstance(node, vy.FunctionDef) else node.get_ancestor(vy.FunctionDef)


def statement_of(node: Any) -> Any:
    """Return the innermost statement that a node is part of, or the node itself."""
    kinds = (
        vy.Stmt,
        vy.FunctionDef,
        vy.VariableDecl,
        vy.If,
        vy.For,
        vy.EventDef,
        vy.StructDef,
    )
    return node if isinstance(node, kinds) else node.get_ancestor(kinds) or node


def kind_of(function: Any) -> Any:
    """Return the type of a function's node."""
    return function._metadata["func_type"]


def only_reads(function: Any) -> bool:
    """Tell whether a function is a view or pure."""
    return kind_of(function).mutability.value in ("view", "pure")


def is_locked(function: Any) -> bool:
    """Tell whether a function takes the lock, by its decorator or the file's pragma."""
    return bool(kind_of(function).nonreentrant)
