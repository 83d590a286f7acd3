# SPDX-License-Identifier: MIT
"""Write the table down: as a page for people, as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from surety.access.table import ANYONE, PAUSES, ROLES, TABLE, Access, Case

_HEAD: Final = """\
<!-- SPDX-License-Identifier: MIT -->
# Who may call what

Every external function of every contract that is deployed, once all contracts have ended at the
governor. This page is written by `surety access` from `surety/access/table.py`; do not edit it.

Two things hold it true. What a source asks of its caller is read out of the Vyper syntax tree,
through every internal function and module, and must be exactly what the table says: a check that
is removed, added, weakened or moved into a branch fails `surety access --check`. And `tests/access`
calls every function on a live system as everybody there is: whoever is not named is refused with
the reason given here, and nothing that is stored changes.

No contract takes coins or tokens from anybody but its caller (`transferFrom` and `burn` name
`msg.sender` in every source); a minter could burn a holder's coins, and none of them does.

"""


def page() -> str:
    """Return `docs/access.md`."""
    return _HEAD + "\n".join([*_roles(), "", *_pauses(), "", *_contracts()]) + "\n"


def as_json() -> dict[str, Any]:
    """Return the table as plain JSON types."""
    return {
        "roles": dict(ROLES),
        "pauses": dict(PAUSES),
        "contracts": {
            name: {
                "about": contract.about,
                "writes": {
                    function: _access_json(access) for function, access in contract.writes.items()
                },
                "reads": list(contract.reads),
            }
            for name, contract in TABLE.items()
        },
    }


def _access_json(access: Access) -> dict[str, Any]:
    return {
        "cases": [
            {
                "what": case.what,
                "who": list(case.who),
                "otherwise": case.otherwise,
                "stopped_by": list(case.stopped_by),
            }
            for case in access.cases
        ],
        "guards": [
            {"passes": guard.passes, "otherwise": guard.reason, "when": list(guard.when)}
            for guard in access.guards
        ],
    }


def _roles() -> Iterator[str]:
    yield "## Who there is"
    yield ""
    yield "| who | is | may call, and nobody without that right |"
    yield "|---|---|---|"
    for role, text in ROLES.items():
        calls = ", ".join(_calls_of(role)) if role != ANYONE else "all that is marked so below"
        yield f"| {role} | {text} | {calls or 'nothing directly'} |"


def _calls_of(role: str) -> Iterator[str]:
    """Yield what a role may call that is not open to anyone, contract by contract."""
    for name, contract in TABLE.items():
        found = [
            function
            for function, access in contract.writes.items()
            if any(role in case.who for case in access.cases)
        ]
        if found:
            yield f"`{name}`: " + " ".join(f"`{function}`" for function in found)


def _pauses() -> Iterator[str]:
    yield "## What stops a call"
    yield ""
    yield (
        "Paying back, topping up a kind that the account has and withdrawing without debt are in no"
        " row: nothing stops them. A book that is shut down is also under the first five for good."
    )
    yield ""
    yield "| pause | refuses with | stops |"
    yield "|---|---|---|"
    for pause, reason in PAUSES.items():
        stopped = [
            f"`{name}.{function}`" + (f" ({case.what})" if case.what else "")
            for name, contract in TABLE.items()
            for function, access in contract.writes.items()
            for case in access.cases
            if pause in case.stopped_by
        ]
        yield f"| {pause} | {reason} | {', '.join(stopped)} |"


def _contracts() -> Iterator[str]:
    for name, contract in TABLE.items():
        yield f"## {name}"
        yield ""
        yield contract.about
        yield ""
        if contract.writes:
            yield "| function | who | anybody else | stopped by |"
            yield "|---|---|---|---|"
            for function, access in contract.writes.items():
                for case in access.cases:
                    yield _row(function, case)
            yield ""
        reads = ", ".join(f"`{read}`" for read in contract.reads)
        yield f"Reads, for anyone: {reads}."
        if contract.asking:
            yield ""
            asking = ", ".join(f"`{read}`" for read in contract.asking)
            yield f"Answered according to who asks: {asking}."
        yield ""


def _row(function: str, case: Case) -> str:
    what = f" {case.what}" if case.what else ""
    who = " or ".join(case.who) or "nobody"
    return f"| `{function}`{what} | {who} | {case.otherwise or ''} | {', '.join(case.stopped_by)} |"
