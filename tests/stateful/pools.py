# SPDX-License-Identifier: MIT
"""Numbers at which something may change: {0, 1, 2}, powers, every constant and mask, and around.

The constants are read out of the contracts' sources, so that a new one is in the pool at once.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from surety import paths
from tests.world import MAX

_CONSTANT = re.compile(r"^(\w+): (?:public\()?constant\(u?int\d+\)\)? = ([^#\n]+)", re.MULTILINE)
_MASK = re.compile(r"2\s*\*\*\s*(\d+)|<< ?(\d+)|>> ?(\d+)")
_OPERATORS = {
    ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__, ast.Pow: pow,
    ast.FloorDiv: int.__floordiv__, ast.LShift: int.__lshift__, ast.BitOr: int.__or__,
}  # fmt: skip


def value_of(text: str, known: dict[str, int]) -> int | None:
    """Return the value of a constant's expression, None where it is not one of integers."""

    def value(node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return int(node.value)
        if isinstance(node, ast.Name):
            return known[node.id]
        if isinstance(node, ast.Attribute):
            return known[node.attr]
        if isinstance(node, ast.BinOp):
            found: int = _OPERATORS[type(node.op)](value(node.left), value(node.right))
            return found
        if isinstance(node, ast.Call) and ast.unparse(node) == "max_value(uint256)":
            return MAX
        raise KeyError(ast.dump(node))

    try:
        return value(ast.parse(text.strip(), mode="eval").body)
    except KeyError:
        return None


def constants_of(text: str, known: dict[str, int]) -> dict[str, int]:
    """Return the integer constants that a source declares, by name; `known` are those of others."""
    found: dict[str, int] = {}
    for name, expression in _CONSTANT.findall(text):
        number = value_of(expression, known | found)
        if number is not None:
            found[name] = number
    return found


@cache
def constants() -> dict[str, int]:
    """Return every integer constant of the contracts but mocks and reasons, by name."""
    sources: list[Path] = [
        source
        for source in sorted(paths.contracts().rglob("*.vy"))
        if "mocks" not in source.parts and "reasons" not in source.name
    ]
    found: dict[str, int] = {}
    for _ in range(3):  # until those that are made of others are known as well
        for source in sources:
            found |= constants_of(source.read_text(), found)
    return found


@cache
def masks() -> tuple[int, ...]:
    """Return 2**n for every width and shift with which the contracts pack words."""
    widths: set[int] = set()
    for source in sorted(paths.contracts().rglob("*.vy")):
        if "mocks" not in source.parts:
            for groups in _MASK.findall(source.read_text()):
                widths |= {int(group) for group in groups if group}
    return tuple(2**width for width in sorted(widths) if width < 256)


@cache
def pool() -> tuple[int, ...]:
    """Return every number of the pool, ascending."""
    centres = {0, 1, 2, *(10**power for power in (6, 8, 18, 27, 38)), *constants().values()}
    centres |= {*masks(), *(2**power for power in range(0, 256, 8)), 2**255, MAX}
    around = {centre + step for centre in centres for step in (-1, 0, 1)}
    return tuple(sorted(number for number in around if 0 <= number <= MAX))
