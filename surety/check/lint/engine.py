# SPDX-License-Identifier: MIT
"""Run rules over a project and take out what comments allow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from surety.check.lint.base import Facts, Finding, Rule, where
from surety.check.lint.comments import Allow, Comments
from surety.check.lint.rules import BARE_ALLOW, RULES, UNUSED_ALLOW
from surety.check.source import Project, Source


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found, in the order of the files, and how many findings comments allow."""

    findings: tuple[Finding, ...]
    allowed: tuple[Finding, ...]
    rules: tuple[str, ...]
    files: int


def lint(project: Project, only: Collection[str] = ()) -> Report:
    """Hold a project's sources against all rules, or only some; raises KeyError on another name."""
    chosen = [RULES[name] for name in only] if only else list(RULES.values())
    facts = Facts(project)
    findings: list[Finding] = []
    allowed: list[Finding] = []
    for source in project.sources:
        found = [item for rule in chosen for item in _run(rule, source, facts)]
        sieve = _Sieve(source, found, {rule.id for rule in chosen})
        findings += sieve.kept
        allowed += sieve.allowed
    names = tuple(rule.id for rule in chosen)
    return Report(tuple(sorted(findings)), tuple(sorted(allowed)), names, len(project.sources))


def _run(rule: Rule, source: Source, facts: Facts) -> list[Finding]:
    seen: dict[Finding, None] = {}
    for node, message in rule.find(source, facts):
        seen.setdefault(_finding(rule.id, source, node, message))
    return list(seen)


def _finding(rule: str, source: Source, node: Any, message: str) -> Finding:
    if node is source.tree:  # of the file: what allows it stands above its first statement
        first = min((item.lineno for item in node.body), default=1)
        return Finding(source.name, 1, 1, rule, message, (1, max(1, first)))
    return Finding(source.name, node.lineno, node.col_offset + 1, rule, message, where(node))


class _Sieve:
    """Splits findings by what comments allow; comments that are wrong are findings themselves."""

    def __init__(self, source: Source, found: list[Finding], chosen: Collection[str]) -> None:
        self._source = source
        self.kept = list(found)
        self.allowed: list[Finding] = []
        for allow in Comments.of(source).allows():
            if not allow.rules:
                self._complain(
                    UNUSED_ALLOW, "names no rule: `# check: allow <rule> - <why>`", allow
                )
            elif not allow.why:
                self._complain(
                    BARE_ALLOW, "gives no reason: `# check: allow <rule> - <why>`", allow
                )
            for name in allow.rules:
                if name not in RULES:
                    self._complain(UNUSED_ALLOW, f"there is no rule {name}", allow)
                elif not self._let(name, allow) and name in chosen:
                    self._complain(UNUSED_ALLOW, f"{name} finds nothing here", allow)

    def _let(self, name: str, allow: Allow) -> int:
        """Take out the findings of a rule that a comment speaks of; return how many."""
        lines = (allow.line, allow.target)
        meant = [
            item
            for item in self.kept
            if item.rule == name and any(item.span[0] <= at <= item.span[1] for at in lines)
        ]
        self.kept = [item for item in self.kept if item not in meant]
        self.allowed += meant
        return len(meant)

    def _complain(self, rule: str, message: str, allow: Allow) -> None:
        line = allow.line
        self.kept.append(Finding(self._source.name, line, 1, rule, message, (line, line)))
