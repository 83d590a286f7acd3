# SPDX-License-Identifier: MIT
"""Every class of incident has a file here, and every file a control: its attack, where it works."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.assurance.coverage import catalogue
from tests.incidents.arena import ETH, LENT, Arena, open_at_the_limit
from tests.incidents.weak import weakened
from tests.world import HEALTHY, MAX, WAD

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.glob("test_*.py") if path.name != Path(__file__).name)
CLASSES = catalogue().incidents


def marked(tree: ast.AST) -> set[str]:
    """Return the classes named by marks anywhere in a module, or in one function of it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.covers":
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return {str(id).removeprefix("incident: ") for id in found if str(id).startswith("incident: ")}


def controls(tree: ast.Module) -> list[str]:
    """Return the tests said to be controls that do compile a weakened copy.

    Directly, or by a function, a fixture or a constant of the same file.
    """
    bodies: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bodies[node.name] = node
        elif isinstance(node, ast.Assign):
            bodies |= {ast.unparse(target): node for target in node.targets}

    def compiles(name: str, seen: set[str]) -> bool:
        if name in seen or name not in bodies:
            return name == "weakened"
        seen.add(name)
        used = {node.id for node in ast.walk(bodies[name]) if isinstance(node, ast.Name)}
        used |= {node.arg for node in ast.walk(bodies[name]) if isinstance(node, ast.arg)}
        return any(compiles(each, seen) for each in used)

    return [
        name
        for name, node in bodies.items()
        if isinstance(node, ast.FunctionDef)
        and name.startswith("test_")
        and (ast.get_docstring(node) or "").startswith("The control")
        and compiles(name, set())
    ]


def controlled(tree: ast.Module) -> set[str]:
    """Return the classes that have a control of their own: named by it, or by its whole module."""
    bodies = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    whole = [node for node in tree.body if ast.unparse(node).startswith("pytestmark = ")]
    by_module = set().union(*(marked(node) for node in whole))
    return set().union(*(marked(bodies[name]) | by_module for name in controls(tree)))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), path.name)


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_has_a_file_with_a_control(name: str) -> None:
    found = [path for path in FILES if name in marked(parsed(path))]
    assert found, f"no file of tests/incidents is marked {name!r}"
    assert any(name in controlled(parsed(path)) for path in found), f"{name!r} has no control"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_has_a_control_and_names_known_classes(path: Path) -> None:
    tree = parsed(path)
    assert controls(tree), f"{path.name}: no control compiles a weakened copy"
    assert marked(tree) <= set(CLASSES)


def test_a_file_without_a_control_is_found() -> None:
    """What is only said to be a control, or compiles nothing weakened, is none."""
    tree = ast.parse(
        'def test_a():\n    """The control: nothing."""\n    assert artifact("Vault")\n'
        'def test_b():\n    """No control."""\n    weakened("Vault")\n'
        'def helps():\n    return weakened("Vault")\n'
        'def test_c():\n    """The control: by a helper."""\n    helps()\n'
    )
    assert controls(tree) == ["test_c"]
    assert controlled(tree) == set()


def test_no_control_owes_anything_to_how_copies_are_compiled() -> None:
    """An unweakened copy, compiled as they are, refuses what the real one refuses."""
    arena = Arena(weakened("Vault"), weakened("PriceHub"))
    account = open_at_the_limit(arena)
    other = arena.world.open([(ETH, 10 * WAD)], 2_000 * WAD, sub=1)
    me = arena.owner
    for fn, *args in (
        ("withdraw", account, ETH, 1, me),
        ("borrow", account, 1, me),
        ("adjust", account, [(ETH, -WAD)], 0, me, b""),
        ("move", account, other, [(ETH, WAD)], 0),
    ):
        arena.refused("below initial margin", me, arena.vault, fn, *args)
    refused = ("margin_call", account)
    arena.refused("account is covered", arena.keeper, arena.vault, *refused)
    arena.must(me, arena.vault, "repay", account, MAX)
    assert arena.world.state(account) == HEALTHY
    assert arena.equity == 0
    assert arena.vault.read("total_debt") == arena.coins(me) == 2_000 * WAD < LENT
