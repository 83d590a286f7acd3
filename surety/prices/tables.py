# SPDX-License-Identifier: MIT
"""Replays and stress runs as Markdown tables and as plain JSON. Integers in, integers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from surety.commands import counted, printable
from surety.model.state import WAD
from surety.prices.accounts import Liquidations
from surety.prices.config import Config, to_json
from surety.prices.replay import Replay
from surety.prices.stress import Outcome
from surety.series import utc

REPLAY_COLUMNS = (
    "kind",
    "from (UTC)",
    "to (UTC)",
    "lo behind",
    "hi behind",
    "hi > 1 % late, min",
    "failed reads",
    "confirming, min",
    "samples",
    "initial ×",
    "maintenance ×",
)
ACCOUNT_COLUMNS = ("called", "sold", "absorbed", "bad debt")
STRESS_COLUMNS = (
    "what happens",
    "lo moved",
    "hi moved",
    "hi behind",
    "bad debt",
    "apart, min",
    *ACCOUNT_COLUMNS[:3],
    "first sale, min",
    "failed reads",
    "confirming, min",
)


def percent(bps: int) -> str:
    """Return bps as a percentage with two decimals, exactly."""
    sign = "−" if bps < 0 else ""
    return f"{sign}{abs(bps) // 100:,}.{abs(bps) % 100:02} %"


def times(bps: int) -> str:
    """Return a multiplier in bps as a factor with four decimals, exactly."""
    return f"{bps // 10_000}.{bps % 10_000:04}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    lines = [
        "| " + " | ".join(columns) + " |",
        "| --- |" + " ---: |" * (len(columns) - 1),
        *("| " + " | ".join(_cell(text) for text in row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Return a text that is one cell, whatever a kind or a file is called."""
    return printable(text).replace("\\", "\\\\").replace("|", "\\|")


def replay_table(replays: Mapping[str, Replay]) -> str:
    """Return one row for each kind."""
    has_accounts = any(replay.liquidations for replay in replays.values())
    columns = (*REPLAY_COLUMNS, *(ACCOUNT_COLUMNS if has_accounts else ()))
    return markdown(columns, [replay_row(name, replay) for name, replay in replays.items()])


def replay_row(name: str, replay: Replay) -> list[str]:
    """Return the cells of one kind."""
    found = replay.measures
    return [
        name,
        utc(replay.story.start),
        utc(replay.story.end),
        percent(found.max_lag_lo_bps),
        percent(found.max_lag_hi_bps),
        f"{found.minutes_hi_over_1pct_late:,}",
        f"{found.failed_reads:,}",
        f"{found.confirming_minutes:,}",
        f"{found.samples:,}",
        times(found.max_initial_multiplier),
        times(found.max_maintenance_multiplier),
        *_counts(replay.liquidations),
    ]


def stress_table(outcomes: Sequence[Outcome]) -> str:
    """Return one row for each case."""
    return markdown(STRESS_COLUMNS, stress_rows(outcomes))


def stress_rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Return the cells of each case."""
    rows = []
    for outcome in outcomes:
        found = outcome.replay.measures
        sold = outcome.first_sold_minute
        *counts, bad_debt = _counts(outcome.replay.liquidations or Liquidations())
        rows.append(
            [
                outcome.case.title,
                percent(outcome.lo_moved_bps),
                percent(outcome.hi_moved_bps),
                percent(found.max_lag_hi_bps),
                bad_debt,
                "never" if outcome.minutes_apart is None else f"{outcome.minutes_apart:,}",
                *counts,
                "–" if sold is None else f"{sold:,}",
                f"{found.failed_reads:,}",
                f"{found.confirming_minutes:,}",
            ]
        )
    return rows


def replay_json(
    replays: Mapping[str, Replay], config: Config, files: Sequence[str], engine: str
) -> dict[str, Any]:
    """Return the measures of every kind under `kinds`, and what was run beside them."""
    kinds = {}
    for name, replay in replays.items():
        kinds[name] = asdict(replay.measures)
        if replay.liquidations is not None:
            kinds[name] |= _liquidations(replay.liquidations)
    used = {name: (replay.kind, replay.guards) for name, replay in replays.items()}
    return {
        "file": ", ".join(files),
        "engine": engine,
        "rows": sum(replay.story.rows for replay in replays.values()),
        "syncs": sum(replay.syncs for replay in replays.values()),
        "from": min(replay.story.start for replay in replays.values()),
        "to": max(replay.story.end for replay in replays.values()),
        "config": to_json(config, used),
        "kinds": kinds,
        **_verified(list(replays.values())),
    }


def stress_json(
    outcomes: Sequence[Outcome], config: Config, engine: str, every: int, accounts: int
) -> dict[str, Any]:
    """Return what each case did."""
    used = {outcomes[0].replay.kind.family: (outcomes[0].replay.kind, outcomes[0].replay.guards)}
    return {
        "engine": engine,
        "every": every,
        "accounts": accounts,
        "config": to_json(config, used),
        "cases": {
            outcome.case.name: {
                "title": outcome.case.title,
                "lo_moved_bps": outcome.lo_moved_bps,
                "hi_moved_bps": outcome.hi_moved_bps,
                "minutes_apart": outcome.minutes_apart,
                **asdict(outcome.replay.measures),
                **_liquidations(outcome.replay.liquidations or Liquidations()),
                "first_sold_minute": outcome.first_sold_minute,
            }
            for outcome in outcomes
        },
        **_verified([outcome.replay for outcome in outcomes]),
    }


def agreement(replays: Sequence[Replay]) -> str:
    """Say that two engines agreed and on how much, or nothing where only one ran."""
    words = sum(replay.compared for replay in replays)
    return (
        f"the two engines agree: {counted(words, 'word')} compared, 0 differences" if words else ""
    )


def _verified(replays: Sequence[Replay]) -> dict[str, Any]:
    words = sum(replay.compared for replay in replays)
    return {"verified": {"words_compared": words, "differences": 0}} if words else {}


def _counts(found: Liquidations | None) -> list[str]:
    if found is None:
        return []
    # whole coins, rounded up: not a wei of it is 0
    bad_debt = -(-found.bad_debt // WAD)
    return [f"{found.called:,}", f"{found.sold:,}", f"{found.absorbed:,}", f"{bad_debt:,}"]


def _liquidations(found: Liquidations) -> dict[str, int | str]:
    return {
        "called": found.called,
        "sold": found.sold,
        "takes": found.takes,
        "absorbed": found.absorbed,
        "bad_debt": str(found.bad_debt),
    }
