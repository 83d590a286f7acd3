# SPDX-License-Identifier: MIT
"""Each reason is its own text as a number, short, and told in the interface of who uses it."""

from __future__ import annotations

import re

import pytest

from surety.paths import root

CONTRACTS, INTERFACES = root() / "contracts", root() / "interfaces"
DEFINED = re.compile(r"^([A-Z_]+): constant\(uint256\) = (\d+)  # (.+)$", re.MULTILINE)
# modules that are part of these contracts: a function that none of them calls is not among them
MODULES = {
    "Vault.vy": ("account", "governed", "interest", "ledger", "transfers"),
    "Operators.vy": (),
    "margin/MarginModels.vy": ("governed",),
}


def table() -> dict[str, tuple[int, str]]:
    """Parse modules/reasons.vy: number and text by name."""
    source = (CONTRACTS / "modules" / "reasons.vy").read_text()
    found = {name: (int(number), text) for name, number, text in DEFINED.findall(source)}
    assert len(found) == source.count("constant(uint256)") > 50
    return found


def used(path: str) -> set[str]:
    """Collect the texts of all reasons that a contract and its modules may revert with."""
    names = table()
    texts = set()
    for file in (path, *(f"modules/{module}.vy" for module in MODULES[path])):
        source = (CONTRACTS / file).read_text()
        code = re.sub(r'"""(.|\n)*?"""', "", source)
        texts |= {names[name][1] for name in re.findall(r"reasons\.([A-Z_]+)\b", code)}
        texts |= set(re.findall(r'assert [^\n]*, "([^"]+)"', code))
        assert not re.search(r"^\s*raise\b", code, re.MULTILINE)
    return texts


def documented(interface: str) -> set[str]:
    """Collect the reasons that an interface names in its docstring."""
    docstring = (INTERFACES / interface).read_text().split('"""')[1]
    told = docstring.split("Reasons")[1]
    return set(re.findall(r'"([^"]+)"', told))


def test_each_number_is_its_text():
    for number, text in table().values():
        assert number.to_bytes(32, "big").lstrip(b"\x00").decode() == text


def test_each_name_is_its_text():
    for name, (_, text) in table().items():
        assert name.lower().replace("_", " ") == text


def test_numbers_are_different():
    numbers = [number for number, _ in table().values()]
    assert len(set(numbers)) == len(numbers)


def test_each_reason_is_short_and_lower_case():
    texts = {text for _, text in table().values()}.union(*map(used, MODULES))
    for text in texts:
        assert len(text.encode()) <= 32
        assert re.fullmatch(r"[a-z]+( [a-z]+)*", text), text


def test_every_reason_is_used():
    sources = [path.read_text() for path in CONTRACTS.rglob("*.vy") if path.stem != "reasons"]
    used_names = set(re.findall(r"\breasons\.([A-Z_]+)\b", "\n".join(sources)))
    assert used_names == set(table())


@pytest.mark.parametrize(
    ("contract", "interface"),
    [
        ("Vault.vy", "IVault.vyi"),
        ("Operators.vy", "IOperators.vyi"),
        ("margin/MarginModels.vy", "IMarginModels.vyi"),
    ],
)
def test_each_interface_tells_every_reason_and_no_other(contract, interface):
    expected = used(contract)
    if contract == "Vault.vy":
        # comes out of the list of margin models, through the vault
        expected |= {"gas too low"}
    assert documented(interface) == expected
