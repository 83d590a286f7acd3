# SPDX-License-Identifier: MIT
"""Who may call what: the declared table, what the sources say, and the page made of it."""

from surety.access.audit import Finding, audit, deployed
from surety.access.guards import Found, Guard, GuardsError, read_guards
from surety.access.page import as_json, page
from surety.access.table import PAUSES, ROLES, TABLE, Access, Case, Contract

__all__ = [
    "PAUSES",
    "ROLES",
    "TABLE",
    "Access",
    "Case",
    "Contract",
    "Finding",
    "Found",
    "Guard",
    "GuardsError",
    "as_json",
    "audit",
    "deployed",
    "page",
    "read_guards",
]
