# SPDX-License-Identifier: MIT
"""Draw docs/attack.svg and fill in docs/attack.md: `python -m tests.unit.attack.picture`, with
`--run` after searching anew.

What the searches found is kept in runs.json beside this file, sequences included, so that a test
plays each again and holds the picture to it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from surety.attack.acts import source
from surety.attack.bound import FINE, most_of
from surety.attack.command import attack
from surety.attack.play import Player, Rules
from surety.attack.search import Search
from surety.attack.stage import ETH, WAD, Stage
from surety.files import write_atomically
from tests import svg
from tests.unit.attack.weaknesses import WEAKNESSES, stage_of

FILE = svg.file("attack.svg")
PAGE = svg.file("attack.md")
RUNS = Path(__file__).with_name("runs.json")
EVALUATIONS = 3_000
SIZES = (0, 400, 800, 1_200, 1_600, 2_000)
WINDOW = 120
TOP, BOTTOM = 92, 372
LEFT_FROM, LEFT_TO = 84, 452  # of the panel of the controls
RIGHT_FROM, RIGHT_TO = 580, 936
DECADES = (-18, 18)  # of a coin
COLOURS = ("#c2602a", "#3c68a6", "#2f7d4f", "#7a4fc0", "#b03060", "#8a6d1a")
HEAD = (
    svg.head(
        "tests/unit/attack/picture.py",
        500,
        "What a search finds, where something can be found and where nothing can",
        """Left: the best profit above what is documented against the sequences tried: in each of \
six copies with one line weakened it rises from nothing, on the contracts as they are it never \
does. Right: the best profit on a stage full of auctions against the size of one price move, and \
above it, as a line, what all tips, discounts and lots of the stage could give together.""",
        """.b{fill:none;stroke:#16202c;stroke-width:2.2}
.k{fill:none;stroke-width:2.2}
.o{fill:#c2602a}
.f{fill:#fdecd8;stroke:none}
""",
    )
    + '<rect width="980" height="500" fill="#ffffff"/>\n'
)


def rules_of(size: int) -> Rules:
    """Return a market in which the price of ether moves once, by at most so many bps."""
    return Rules(WINDOW, moves=1 if size else 0, move_bps=size, kind=ETH)


def most(stage: Stage, size: int) -> int:
    """Return the documented bound for a move of this size either way."""
    return max(most_of(stage, ETH, bps, WINDOW) for bps in (size, -size))


def run() -> dict[str, Any]:
    """Search everything that the picture shows."""
    controls = []
    for weakness in WEAKNESSES:
        found = Search(Player(stage_of(weakness), weakness.rules), 1).run(EVALUATIONS)
        history = [[at, str(score)] for at, score in found.history]
        controls.append({"name": weakness.name, "history": history})
    # ours, in the freest market of them all
    ours = Search(Player(Stage("calm"), Rules(moves=2, move_bps=5_000)), 1).run(EVALUATIONS)
    moves, stage = [], Stage("called")
    for size in SIZES:
        player = Player(stage, rules_of(size))
        found = Search(player, 1, "profit").run(EVALUATIONS)
        moves.append(
            {
                "bps": size,
                "profit": str(found.played.profit),
                "bound": str(found.played.bound),
                "most": str(most(stage, size)),
                "acts": [source(act) for act in found.acts],
            }
        )
    return {
        "evaluations": EVALUATIONS,
        "controls": controls,
        "ours": [[at, str(score)] for at, score in ours.history],
        "moves": moves,
    }


def draw(runs: dict[str, Any]) -> str:
    """Return the picture of what was found."""
    return HEAD + "\n".join([*_left(runs), *_right(runs), "</svg>"]) + "\n"


def _left(runs: dict[str, Any]) -> list[str]:
    low, high = DECADES
    evaluations = runs["evaluations"]

    def x(tried: float) -> float:
        return LEFT_FROM + (LEFT_TO - LEFT_FROM) * math.log10(tried) / math.log10(evaluations)

    def y(score: int) -> float:
        if score <= 0:
            return BOTTOM
        decade = math.log10(score) - math.log10(FINE * WAD)
        return BOTTOM - 20 - (BOTTOM - 20 - TOP) * (decade - low) / (high - low)

    parts = [
        svg.words("h", "24", "32", "Found, or not"),
        svg.words("s", "24", "54", "best profit above the documented, coins, by sequences tried"),
    ]
    for decade in range(low, high + 1, 6):
        height = f"{y(10 ** (36 + decade)):.1f}"
        label = "1 wei" if decade == low else ("1" if decade == 0 else f"1e{decade}")
        parts.append(f'<path class="g" d="M{LEFT_FROM} {height}H{LEFT_TO}"/>')
        parts.append(svg.words("s r", str(LEFT_FROM - 8), _below(height), label))
    parts.append(svg.words("s r", str(LEFT_FROM - 8), str(BOTTOM + 4), "nothing"))
    tried = 1
    while tried <= evaluations:
        parts.append(svg.words("s m", f"{x(tried):.1f}", str(BOTTOM + 20), f"{tried:,}"))
        tried *= 10
    parts.append(f'<path class="a" d="M{LEFT_FROM} {TOP}V{BOTTOM}H{LEFT_TO}"/>')
    for at, (control, colour) in enumerate(zip(runs["controls"], COLOURS, strict=True)):
        path = f"M{x(1):.1f} {BOTTOM}"
        for place, score in control["history"][1:]:
            path += f"H{x(place):.1f}V{y(int(score)):.1f}"
        parts.append(f'<path class="k" stroke="{colour}" d="{path}H{LEFT_TO}"/>')
        left, row = (84, 362)[at % 2], 412 + 18 * (at // 2)
        parts.append(f'<path class="k" stroke="{colour}" d="M{left - 22} {row - 4}h16"/>')
        parts.append(svg.words("s", str(left), str(row), _short(control["name"])))
    path = f"M{x(1):.1f} {BOTTOM}"
    for place, score in runs["ours"][1:]:
        path += f"H{x(place):.1f}V{y(int(score)):.1f}"
    parts.append(f'<path class="b" d="{path}H{LEFT_TO}"/>')
    parts.append(f'<path class="b" d="M62 462h16"/>{svg.words("s", "84", "466", _OURS)}')
    return parts


_OURS = "the contracts as they are: nothing, at any time"


def _below(height: str) -> str:
    """Return where a word stands whose middle is at a height."""
    return f"{float(height) + 4:.1f}"


def _short(name: str) -> str:
    return name.split(" ", 1)[1]


def _right(runs: dict[str, Any]) -> list[str]:
    found = runs["moves"]
    top = max(int(one["most"]) for one in found) / (FINE * WAD) * 1.05

    def x(bps: int) -> float:
        return RIGHT_FROM + (RIGHT_TO - RIGHT_FROM) * bps / SIZES[-1]

    def y(amount: str) -> float:
        return BOTTOM - (BOTTOM - TOP) * int(amount) / (FINE * WAD) / top

    line = "L".join(f"{x(one['bps']):.1f} {y(one['most']):.1f}" for one in found)
    parts = [
        svg.words("h", "520", "32", "Never above what is documented"),
        svg.words("s", "520", "54", "best profit in coins, by the size of one price move of ether"),
        svg.words("s", "520", "72", "that is known beforehand; accounts and lots are for sale"),
    ]
    for coins in range(0, int(top), 5_000):
        height = f"{BOTTOM - (BOTTOM - TOP) * coins / top:.1f}"
        parts.append(f'<path class="g" d="M{RIGHT_FROM} {height}H{RIGHT_TO}"/>')
        parts.append(svg.words("s r", str(RIGHT_FROM - 8), _below(height), f"{coins:,}"))
    for size in SIZES:
        label = f"{size // 100} %"
        parts.append(svg.words("s m", f"{x(size):.1f}", str(BOTTOM + 20), label))
    parts.append(f'<path class="b" d="M{line}"/>')
    parts.append(f'<path class="a" d="M{RIGHT_FROM} {TOP}V{BOTTOM}H{RIGHT_TO}"/>')
    parts += [
        f'<circle class="o" cx="{x(one["bps"]):.1f}" cy="{y(one["profit"]):.1f}" r="4.5"/>'
        for one in found
    ]
    parts.append(f'<path class="b" d="M620 408h16"/>{svg.words("s", "644", "412", _BOUND)}')
    parts.append(
        f'<circle class="o" cx="628" cy="426" r="4.5"/>{svg.words("s", "644", "430", _BEST)}'
    )
    return parts


_BOUND = "documented: all tips, all discounts, all lots"
_BEST = "the best of 3,000 sequences of at most 8 acts"


EXAMPLE = ("--stage", "called", "--evaluations", "300", "--objective", "profit")


def controls(runs: dict[str, Any]) -> str:
    """Return the table of what was found in weakened copies."""
    lines = ["| weakened | in | found after sequences | pays at best, coins |", "|---|---|---|---|"]
    for weakness, control in zip(WEAKNESSES, runs["controls"], strict=True):
        (tried, _), (_, best) = control["history"][1], control["history"][-1]
        worth = int(best) / (FINE * WAD)
        paid = f"{worth:,.2f}" if 1 <= worth < 10**9 else f"{worth:.2g}"
        lines.append(f"| {control['name']} | `{weakness.contract}` | {tried:,} | {paid} |")
    return "\n".join(lines)


def example() -> str:
    """Return a command and what it prints, without how long it took."""
    done = CliRunner().invoke(attack, EXAMPLE)
    assert done.exit_code == 0, done.output
    lines = [line.rstrip() for line in done.stdout.strip().splitlines()]
    lines[0] = re.sub(r" in [0-9.]+ s$", "", lines[0])
    return "\n".join(["```console", f"$ surety attack {' '.join(EXAMPLE)}", *lines, "```"])


def page(text: str, parts: dict[str, str]) -> str:
    """Return the page with what stands between its marks replaced."""
    for name, part in parts.items():
        filled = f"<!-- {name} -->\n{part}\n<!-- end -->"
        head, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        assert end, name
        text = head + filled + tail
    return text


def main() -> None:
    """Search anew if asked to, draw, and fill in the page."""
    if "--run" in sys.argv[1:]:
        write_atomically(RUNS, json.dumps(run(), indent=1) + "\n")
    runs = json.loads(RUNS.read_text())
    write_atomically(FILE, draw(runs))
    parts = {"controls": controls(runs), "example": example()}
    write_atomically(PAGE, page(PAGE.read_text(), parts))


if __name__ == "__main__":
    main()
