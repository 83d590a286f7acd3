# SPDX-License-Identifier: MIT
"""docs/governance.md says what the rules do: every act, every delay, every constant."""

from __future__ import annotations

import re

from surety.paths import root
from tests.unit.governor.acts import CATALOGUE
from tests.unit.governor.rig import CONTROL, STRUCTURE, ZERO, Act

HOUR = 3_600
ROW = re.compile(r"^\| (\w+) \| (\w+) \| ([\d, ]+) \|([^|]*)\|", re.MULTILINE)
CONSTANT = re.compile(r"^\| ([A-Z_]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
GOVERNED = ("Stablecoin", "Vault", "PriceHub", "InsuranceFund", "MarginModels", "TieredMargin",
            "PegStability")  # fmt: skip


def page() -> str:
    return (root() / "docs" / "governance.md").read_text()


def table() -> dict[str, tuple[set[int], bool]]:
    """Return hours of delay by act, and whether there is something that is done at once."""
    return {
        f"{contract}.{fn}": ({int(hours) for hours in delays.split(",")}, at_once.strip() != "")
        for contract, fn, delays, at_once in ROW.findall(page())
    }


def test_the_table_has_every_act_with_its_delays():
    found: dict[str, tuple[set[int], bool]] = {}
    for sample in CATALOGUE:
        delays, at_once = found.get(sample.name, (set(), False))
        if sample.delay:
            delays = delays | {sample.delay // HOUR}
        if sample.name.endswith(".propose_governor"):
            delays = delays | {STRUCTURE // HOUR}  # taking a nomination back: below
        found[sample.name] = (delays, at_once or sample.delay == 0)
    assert table() == found


def test_taking_a_nomination_back_waits_three_days(rig):
    for contract in (rig.coin, rig.vault, rig.hub, rig.fund, rig.models, rig.model, rig.peg):
        assert rig.delay(Act(contract, "propose_governor", (ZERO,))) == STRUCTURE
        successor = Act(contract, "propose_governor", (rig.rules.address,))
        assert rig.delay(successor) == CONTROL


def test_every_governed_function_is_in_the_table_or_has_no_rule():
    """By the sources: what asks for the governor can be done by an act, or by nobody."""
    known, refused = set(table()), page().split("Functions without a rule")[1].split("\n\n")[0]
    contracts = root() / "contracts"
    for name in GOVERNED:
        source = next(contracts.rglob(f"{name}.vy")).read_text()
        functions = re.split(r"^def ", source, flags=re.MULTILINE)[1:]
        governed = {
            body.split("(")[0]
            for body in functions
            if re.search(r"check_govern(or|ed)\(", body) and not body.startswith("check_govern")
        } | {"propose_governor"}
        assert len(governed) > 1
        for fn in governed:
            assert f"{name}.{fn}" in known or f"`{name}.{fn}`" in refused, f"{name}.{fn}"


def test_the_constants_are_those_of_the_rules():
    source = (root() / "contracts" / "GovernanceRules.vy").read_text()
    told = {name: value.strip() for name, value in CONSTANT.findall(page())}
    assert len(told) > 10
    for name, value in told.items():
        found = re.search(rf"^{name}: constant\(uint256\) = (.+?)(?:  #.*)?$", source, re.MULTILINE)
        assert found is not None, name
        assert found[1] == value, name


def test_the_program_of_the_page_makes_two_acts(capsys):
    """As it stands: on a chain of its own, a parameter after a day and a kind after three."""
    (program,) = re.findall(r"```python\n(.*?)```", page(), re.DOTALL)
    exec(compile(program, "governance.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["act 1: done after 24 hours", "act 2: done after 72 hours", "4 kinds"]
    assert all(f"`{line}`" in page() for line in printed)
