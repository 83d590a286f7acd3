# SPDX-License-Identifier: MIT
"""Tell a sequence: as a table, as JSON, and as a test that is ready to be kept."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from surety.attack.acts import ALL, Act, Size, fields, source
from surety.attack.bound import FINE
from surety.attack.play import Played, Rules, Step
from surety.attack.stage import DECIMALS, KINDS, PLACES, WAD, Stage


def coins(amount: int) -> str:
    """Write an amount of 1e-18 base units in coins, rounded towards zero after 18 places."""
    whole, rest = divmod(abs(amount) // FINE, WAD)
    text = f"{whole:,}.{rest:018d}".rstrip("0").rstrip(".")
    return f"-{text}" if amount < 0 and text != "0" else text


def _size(size: Size) -> str:
    if size.share >= ALL:
        return "all"
    text = f"{size.share / 10:g} %" if size.share else ""
    if size.delta:
        text += f" {size.delta:+d}" if text else f"{size.delta}"
    return text or "0"


def _told(stage: Stage, act: Act) -> str:
    """Return what an act reads, in words."""
    parts = []
    for name, value in fields(act):
        if isinstance(value, Size):
            parts.append(("debt " if name == "debt" else "") + _size(value))
        elif name in ("account", "other"):
            parts.append(stage.names[value])
        elif name == "kind":
            parts.append(KINDS[value].name)
        elif act.what.startswith("donate"):
            parts.append(f"to the {PLACES[value % len(PLACES)]}")
        elif act.what == "price":
            parts.append(f"{value / 100:+g} %")
        else:
            unit = {"wait": " s", "flash": " acts inside", "model": ""}[act.what]
            parts.append(f"{value}{unit}")
    return ", ".join(parts)


def _outcome(step: Step) -> str:
    """Return what became of a step: the reason, or what the contracts logged."""
    if step.reason is not None:
        return step.reason or "refused without a reason"
    said = []
    for name, args in step.told:
        if name == "Taken":
            unit = DECIMALS[args["kind"]]
            said.append(
                f"{args['amount'] / 10**unit:g} {KINDS[args['kind']].name}"
                f" for {args['cost'] / WAD:,.2f} coins"
            )
        elif name == "Sold":
            said.append(f"for {args['cost'] / WAD:,.2f} coins")
        elif name == "MarginCalled":
            said.append(f"tip {args['tip'] / WAD:g}")
        elif name in ("Minted", "Redeemed"):
            said.append(f"{args['coins'] / WAD:,.2f} coins")
        elif name in ("Absorbed", "Cured", "Reaped", "Collected", "AuctionStarted"):
            said.append(name.lower())
    return ", ".join(said) or ("inside" if step.inside else "done")


def table(stage: Stage, played: Played) -> Table:
    """Return the sequence as a table, second by second, with who pays below."""
    shown = Table(box=None, pad_edge=False)
    for column in ("#", "second", "act", "with", "outcome"):
        shown.add_column(column, justify="right" if column in ("#", "second") else "left")
    for number, step in enumerate(played.steps, 1):
        row = [str(number), str(step.at - stage.now), step.act.what]
        row += [_told(stage, step.act), _outcome(step)]
        shown.add_row(*map(Text, row))
    return shown


def totals(played: Played) -> list[tuple[str, str]]:
    """Return who gains and who pays, and what is documented, in coins."""
    parts = [f"{name} {coins(part)}" for name, part in played.parts.items() if part]
    return [
        ("profit", coins(played.profit)),
        ("paid by victims", coins(-played.victims)),
        ("paid by the protocol", coins(-played.protocol)),
        ("documented at most", coins(played.bound) + (f" ({', '.join(parts)})" if parts else "")),
        ("above that", coins(max(0, played.excess))),
    ]


def as_json(stage: Stage, rules: Rules, played: Played) -> dict[str, Any]:
    """Return a sequence for a machine; amounts are whole numbers of 1e-36 coins, as text."""
    return {
        "stage": stage.name,
        "window": rules.window,
        "moves": rules.moves,
        "move_bps": rules.move_bps,
        "profit": str(played.profit),
        "victims": str(played.victims),
        "protocol": str(played.protocol),
        "bound": str(played.bound),
        "bound_by_class": {name: str(part) for name, part in played.parts.items()},
        "excess": str(played.excess),
        "steps": [
            {
                "second": step.at - stage.now,
                "act": source(step.act),
                "with": _told(stage, step.act),
                "reason": step.reason,
                "outcome": _outcome(step),
            }
            for step in played.steps
        ],
    }


def as_test(stage: Stage, rules: Rules, played: Played) -> str:
    """Return a pytest that plays the sequence again and holds it to what is documented."""
    lines = ",\n            ".join(source(step.act) for step in played.steps)
    acts = f"[\n            {lines},\n        ]" if played.steps else "[]"
    given = f"window={rules.window}, moves={rules.moves}, move_bps={rules.move_bps}"
    found = f"profit {coins(played.profit)} coins, documented {coins(played.bound)}"
    return f'''# SPDX-License-Identifier: MIT
"""Found by `surety attack`: {found}."""

from surety.attack.acts import Act, Size
from surety.attack.play import Player, Rules
from surety.attack.stage import Stage


def test_the_sequence_pays_no_more_than_is_documented() -> None:
    played = Player(Stage("{stage.name}"), Rules({given})).play(
        {acts}
    )
    assert played.profit <= played.bound, (played.profit, played.bound, played.parts)
'''
