# SPDX-License-Identifier: MIT
"""Draw docs/tiered-margin.svg from the formulas: `python -m tests.unit.tiered_margin.picture`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surety.formulas import margin_math
from tests import svg

FILE = svg.file("tiered-margin.svg")
WAD, BPS = 10**18, 10_000
MILLION = 10**6 * WAD
BOUNDS, RATES = [1, 3, 10], [0, 1_000, 3_000, 6_000]  # the example of docs/margin-models.md
INITIAL_LTV, EXAMPLE, WIDEST = 7_500, 5, 14  # the account of the example, all that is shown
TOP, BOTTOM, WIDTH = 84, 344, 380

HEAD = (
    svg.head(
        "tests/unit/tiered_margin/picture.py",
        410,
        "A large balance supports less at the margin",
        """Left: the marginal reduction steps from 0 to 10, 30 and 60 % at 1, 3 and 10 million \
coins, and the average reduction follows without a jump. Right: the target requirement bends \
upwards at the same values and has no jump either.""",
        """.u{stroke:#8a94a1;stroke-width:1;stroke-dasharray:3 4;fill:none}
.f{fill:#fdecd8;stroke:none}
.k{stroke:#c2602a;stroke-width:2.4;fill:none}
.l{stroke:#3c68a6;stroke-width:2.2;fill:none}
.d{stroke-dasharray:7 4}
.o{fill:#c2602a}
.b{fill:#3c68a6}
""",
    )
    + '<rect width="980" height="410" fill="#ffffff"/>\n'
)


def line(value: int) -> tuple[int, int]:
    """Return the marginal reduction and the offset at a value."""
    found: tuple[int, int] = margin_math.bracket_line(
        value, *(bound * MILLION for bound in BOUNDS), *RATES
    )
    return found


def average_bps(value: int) -> int:
    """Return the average reduction at a value in hundredths of a bps."""
    rate, offset = line(value)
    return (rate * value - offset) * 100 // value if value else 0


def linear(value: int) -> int:
    """Return the target requirement without a model."""
    found: int = margin_math.target_requirement(value, INITIAL_LTV)
    return found


def tiered(value: int) -> int:
    """Return the target requirement with the model."""
    capacity = value - linear(value)
    return linear(value) + int(margin_math.tier_surcharge_up(capacity, value, *line(value)))


class Panel:
    """One pair of axes: values in coin units across, `top` of anything up."""

    def __init__(self, left: int, top: int) -> None:
        self.left = left
        self.top = top

    def x(self, value: int) -> str:
        return svg.tenths(self.left * 10 + value * WIDTH * 10 // (WIDEST * MILLION))

    def y(self, height: int) -> str:
        return svg.tenths(BOTTOM * 10 - height * (BOTTOM - TOP) * 10 // self.top)

    def path(self, points: Sequence[tuple[int, int]]) -> str:
        return "M" + "L".join(f"{self.x(value)} {self.y(height)}" for value, height in points)

    def text(self, value: int, height: int, words: str, kind: str, dx: int = 0, dy: int = 0) -> str:
        x, y = float(self.x(value)) + dx, float(self.y(height)) + dy
        return svg.words(kind, f"{x:.1f}", f"{y:.1f}", words)

    def axes(self, title: str, steps: Sequence[int], label: Callable[[int], str]) -> list[str]:
        right = self.left + WIDTH
        parts = [f'<text class="h" x="{self.left}" y="52">{title}</text>']
        for step in steps:
            parts.append(f'<path class="g" d="M{self.left} {self.y(step)}H{right}"/>')
            parts.append(self.text(0, step, label(step), "s r", dx=-8, dy=4))
        for bound in BOUNDS:
            x = self.x(bound * MILLION)
            parts.append(f'<path class="u" d="M{x} {TOP}V{BOTTOM}"/>')
        parts += [
            self.text(coins * MILLION, 0, f"{coins}", "s m", dy=19)
            for coins in (0, *BOUNDS, EXAMPLE, WIDEST)
        ]
        parts.append(f'<path class="a" d="M{self.left} {TOP}V{BOTTOM}H{right}"/>')
        middle = self.left + WIDTH // 2
        parts.append(
            f'<text class="s m" x="{middle}" y="{BOTTOM + 42}">'
            "value of the balance, million coins</text>"
        )
        return parts


def drawing() -> str:
    """Return the text of the picture."""
    values = [at * MILLION // 5 for at in range(5 * WIDEST + 1)]
    account, last = EXAMPLE * MILLION, WIDEST * MILLION

    left = Panel(62, 7_000 * 100)
    ends = [0, *(bound * MILLION for bound in BOUNDS), last]
    steps = [
        (end, rate * 100)
        for start, stop, rate in zip(ends, ends[1:], RATES, strict=False)
        for end in (start, stop)
    ]
    shaded = [(0, 0), *[point for point in steps if point[0] < account]]
    shaded += [(account, line(account)[0] * 100), (account, 0)]
    parts = left.axes(
        "Reduction of the share in every capacity",
        [rate * 100 for rate in (1_000, 3_000, 6_000)],
        lambda rate: f"{rate // 10_000} %",
    )
    parts += [
        f'<path class="f" d="{left.path(shaded)}Z"/>',
        f'<path class="k" d="{left.path(steps)}"/>',
        f'<path class="l d" d="{left.path([(value, average_bps(value)) for value in values])}"/>',
        left.text(7 * MILLION, 300_000, "at the margin, e", "s o m", dy=-9),
        left.text(12 * MILLION, average_bps(12 * MILLION), "average, E/v", "s b m", dy=24),
        left.text(account, 0, "E", "s o", dx=-22, dy=-16),
    ]

    right = Panel(560, 8 * MILLION)
    added = [(account, linear(account)), (account, tiered(account))]
    area = [(value, tiered(value)) for value in values]
    area += [(value, linear(value)) for value in reversed(values)]
    parts += right.axes(
        "Target requirement at 75 %, million coins",
        [at * MILLION for at in (2, 4, 6, 8)],
        lambda coins: f"{coins // MILLION}",
    )
    parts += [
        f'<path class="f" d="{right.path(area)}Z"/>',
        f'<path class="l d" d="{right.path([(0, 0), (last, linear(last))])}"/>',
        f'<path class="k" d="{right.path([(value, tiered(value)) for value in values])}"/>',
        f'<path class="a" d="{right.path(added)}"/>',
        right.text(last, linear(last), "linear", "s b r", dx=-8, dy=26),
        right.text(10 * MILLION, tiered(10 * MILLION), "with brackets", "s o r", dx=-12, dy=-6),
        right.text(account, linear(account), "1.25 + 0.60", "s", dx=4, dy=24),
    ]
    return HEAD + "\n".join(parts) + "\n</svg>\n"


if __name__ == "__main__":
    FILE.write_text(drawing())
