# SPDX-License-Identifier: MIT
"""Hold the declared table against the ABIs and against what the sources say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from surety import paths
from surety.access.guards import Found, read_guards
from surety.access.table import PAUSES, ROLES, TABLE, Contract

# nobody deploys what lies here
_NOT_DEPLOYED: Final = "mocks"
_OWN_COINS: Final = frozenset({"msg.sender", "self"})
_READING: Final = ("view", "pure")
_CALLABLE: Final = ("function", "fallback", "receive")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where table and code differ."""

    contract: str
    function: str
    what: str

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.contract}.{self.function}: {self.what}"


def deployed() -> dict[str, Mapping[str, Any]]:
    """Return the artifact of every contract that is deployed, by name: all but mocks."""
    found = {}
    for path in sorted(paths.ARTIFACTS.glob("*.json")):
        item = json.loads(path.read_text())
        if _NOT_DEPLOYED not in Path(item["source"]).parts:
            found[item["name"]] = item
    return found


def functions(abi: list[Mapping[str, Any]]) -> dict[str, bool]:
    """Return the external functions of an ABI, and whether each writes."""
    return {
        entry.get("name", "__default__"): entry["stateMutability"] not in _READING
        for entry in abi
        if entry["type"] in _CALLABLE
    }


def audit(*, sources: bool = True, table: Mapping[str, Contract] = TABLE) -> list[Finding]:
    """Return every difference between the table and the contracts, none when it is true.

    Without `sources` only names are compared, which needs no compiler. Raises GuardsError.
    """
    found: list[Finding] = []
    artifacts = deployed()
    for name in sorted(artifacts.keys() | table.keys()):
        if name not in table:
            found.append(Finding(name, "*", "the contract is not in the table"))
        elif name not in artifacts:
            found.append(Finding(name, "*", "in the table, and no contract"))
        else:
            found += compare_names(name, table[name], functions(artifacts[name]["abi"]))
            found += check_words(name, table[name])
            if sources:
                source = paths.root() / artifacts[name]["source"]
                found += compare_guards(name, table[name], read_guards(source))
    return found


def compare_names(name: str, declared: Contract, abi: Mapping[str, bool]) -> Iterator[Finding]:
    """Yield what is in the ABI and not in the table, or the other way round."""
    known = {**dict.fromkeys(declared.writes, True), **dict.fromkeys(declared.reads, False)}
    for function in sorted(abi.keys() | known.keys()):
        if function not in known:
            what = "writes" if abi[function] else "reads"
            yield Finding(name, function, f"not in the table ({what})")
        elif function not in abi:
            yield Finding(name, function, "in the table, and no function of the contract")
        elif known[function] != abi[function]:
            yield Finding(name, function, "writes" if abi[function] else "only reads")


def check_words(name: str, declared: Contract) -> Iterator[Finding]:
    """Yield roles and pauses that the table uses and does not explain."""
    for function, access in declared.writes.items():
        for case in access.cases:
            for role in case.who:
                if role not in ROLES:
                    yield Finding(name, function, f"no role {role!r}")
            for pause in case.stopped_by:
                if pause not in PAUSES:
                    yield Finding(name, function, f"no pause {pause!r}")


def compare_guards(
    name: str, declared: Contract, sources: Mapping[str, Found]
) -> Iterator[Finding]:
    """Yield guards that are declared and not in the source, or in the source and not declared.

    And what else the source shows: pauses that it cannot reach, refusals that it has not, readers
    that ask who calls, and coins or tokens that are taken from anybody but the caller.
    """
    for function, found in sources.items():
        access = declared.writes.get(function)
        wanted = access.guards if access is not None else ()
        for guard in wanted:
            if guard not in found.guards:
                yield Finding(name, function, f"the source lacks: {guard}")
        for guard in found.guards:
            if guard not in wanted:
                yield Finding(name, function, f"the table lacks: {guard}")
        if not found.writes and found.asks != (function in declared.asking):
            what = "asks who calls" if found.asks else "does not ask who calls"
            yield Finding(name, function, what)
        for payer in sorted(found.payers - _OWN_COINS):
            yield Finding(name, function, f"takes what belongs to {payer}")
        for case in access.cases if access is not None else ():
            paused = [PAUSES[pause] for pause in case.stopped_by]
            # a contract without any such pause is stopped by that of another which it calls
            own = [
                reason for reason in paused if any(reason in f.reasons for f in sources.values())
            ]
            for reason in [case.otherwise, *own]:
                if reason and reason not in found.reasons:
                    yield Finding(name, function, f"never refuses with {reason!r}")
