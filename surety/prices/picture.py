# SPDX-License-Identifier: MIT
"""One replay as an SVG: market, lo and hi, bands where the kind was flagged, multipliers below.

Colours are CSS classes that follow the reader's light or dark scheme. Pure: text in, text out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from surety.commands import printable
from surety.demo.charts import number_ticks, tick_label, time_ticks
from surety.model.state import BPS, CONFIRMING, FAILED, WAD
from surety.prices.replay import Moment, Replay
from surety.series import utc

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT = 58.0, 936.0
TOP, MIDDLE = 74.0, 386.0  # of the prices
LOWER, BOTTOM = 424.0, 498.0  # of the multipliers
COLUMNS = 440  # of each the first, the last, the lowest and the highest are drawn

_STYLE = """
.page{fill:#fff}.ink{fill:#16202c}.dim{fill:#5a6675}.grid{stroke:#e3e7ec;fill:none}
.axis{stroke:#8b96a5;fill:none}.failed{fill:#d33a2c;fill-opacity:.20}
.confirming{fill:#e0a100;fill-opacity:.22}.line{fill:none;stroke-width:1.6;stroke-linejoin:round}
.market{stroke:#16202c;stroke-width:1.2}.hi{stroke:#c2571a}.lo{stroke:#1f6fc4}
.initial{stroke:#7a4fc0}.maintenance{stroke:#16855b}
text{font:12px system-ui,-apple-system,Segoe UI,Roboto,sans-serif}
.head{font-size:16px;font-weight:650}
@media (prefers-color-scheme:dark){.page{fill:#12171e}.ink{fill:#e8edf3}.dim{fill:#98a4b3}
.grid{stroke:#28303a}.axis{stroke:#5d6875}.market{stroke:#e8edf3}.hi{stroke:#f28a4b}
.lo{stroke:#5aa9f5}.initial{stroke:#b18cf0}.maintenance{stroke:#4cc394}
.failed{fill:#f0614f;fill-opacity:.30}.confirming{fill:#f0bd3a;fill-opacity:.24}}
"""


def draw(replay: Replay, title: str) -> str:
    """Return the SVG of a replay that kept its moments."""
    moments, title = replay.moments, printable(title)
    if not moments:
        raise ValueError("the replay kept no moments")
    x0, x1 = moments[0].at, max(moments[-1].at, moments[0].at + 1)

    def x(at: float) -> float:
        return LEFT + (at - x0) * (RIGHT - LEFT) / (x1 - x0)

    shown = list(_columns(moments))
    prices = [value / WAD for m in moments for value in (m.market, m.lo, m.hi)]
    low, high = _padded(min(prices), max(prices))
    most = max(m.initial_multiplier for m in moments) / BPS
    top = max(1.25, most * 1.04)

    def price_y(wad: int) -> float:
        return MIDDLE - (wad / WAD - low) * (MIDDLE - TOP) / (high - low)

    def factor_y(bps: int) -> float:
        return BOTTOM - (bps / BPS - 1) * (BOTTOM - LOWER) / (top - 1)

    span = f"{utc(replay.story.start)} to {utc(replay.story.end)} UTC"
    about = (
        f"Market price, lo and hi of the price hub, {span}; shaded where the price had failed or "
        "was being confirmed; margin multipliers below."
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"',
        f'aria-labelledby="t d"><title id="t">{escape(title)}</title>',
        f'<desc id="d">{about}</desc>',
        f"<style>{_STYLE.strip()}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="ink head" x="{LEFT:.0f}" y="26">{escape(title)}</text>',
        _legend(),
    ]
    for flag, style in ((CONFIRMING, "confirming"), (FAILED, "failed")):
        for start, end in _bands(moments, flag):
            left, right = x(start), max(x(end), x(start) + 1)
            parts.append(
                f'<path class="{style}" d="M{left:.1f} {TOP}H{right:.1f}V{MIDDLE}H{left:.1f}Z"/>'
            )
    for value in number_ticks(low, high, 7):
        y = MIDDLE - (value - low) * (MIDDLE - TOP) / (high - low)
        parts += _tick(y, tick_label(value, high - low))
    for value in number_ticks(1, top, 3):
        parts += _tick(
            BOTTOM - (value - 1) * (BOTTOM - LOWER) / (top - 1), f"×{tick_label(value, top - 1)}"
        )
    parts += _times(x0, x1, x)
    parts += [
        f'<path class="axis" d="M{LEFT} {TOP}V{MIDDLE}H{RIGHT}M{LEFT} {LOWER}V{BOTTOM}H{RIGHT}"/>',
        _line(shown, "hi", x, price_y, lambda m: m.hi),
        _line(shown, "lo", x, price_y, lambda m: m.lo),
        _line(shown, "market", x, price_y, lambda m: m.market),
        _line(shown, "initial", x, factor_y, lambda m: m.initial_multiplier),
        _line(shown, "maintenance", x, factor_y, lambda m: m.maintenance_multiplier),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _legend() -> str:
    """Return the row of names under the title."""
    parts = []
    at = LEFT
    for style, text in (
        ("market", "market"),
        ("hi", "hi: liquidations"),
        ("lo", "lo: borrowing"),
        ("confirming", "confirming"),
        ("failed", "failed"),
        ("initial", "initial margin ×"),
        ("maintenance", "maintenance margin ×"),
    ):
        mark = (
            f'<rect class="{style}" x="{at:.0f}" y="40" width="20" height="12"/>'
            if style in ("confirming", "failed")
            else f'<path class="line {style}" d="M{at:.0f} 46h20"/>'
        )
        parts.append(f'{mark}<text class="dim" x="{at + 26:.0f}" y="50">{text}</text>')
        at += 48 + 6.3 * len(text)
    return "".join(parts)


def _tick(y: float, label: str) -> list[str]:
    return [
        f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>',
        f'<text class="dim" text-anchor="end" x="{LEFT - 8:.0f}" y="{y + 4:.1f}">{label}</text>',
    ]


def _times(x0: int, x1: int, x: Callable[[float], float]) -> list[str]:
    """Return the ticks of the time axis: hours, and days where they change or are all there is."""
    moments = time_ticks(x0, x1, 9)
    days = len(moments) > 1 and moments[1] - moments[0] >= 86_400
    parts, said = [], ""
    for moment in moments:
        when = datetime.fromtimestamp(moment, UTC)
        day = f"{when:%-d %b %Y}"
        at = f"{x(moment):.1f}"
        anchor = "end" if x(moment) > RIGHT - 30 else "middle"
        parts.append(
            f'<path class="grid" d="M{at} {TOP}V{MIDDLE}M{at} {LOWER}V{BOTTOM}"/>'
            + ("" if days else _label(at, 515, anchor, f"{when:%H:%M}"))
            + (_label(at, 515 if days else 530, anchor, day) if day != said else "")
        )
        said = day
    return parts


def _label(x: str, y: int, anchor: str, text: str) -> str:
    return f'<text class="dim" text-anchor="{anchor}" x="{x}" y="{y}">{text}</text>'


def _line(
    moments: Sequence[Moment],
    style: str,
    x: Callable[[float], float],
    y: Callable[[int], float],
    value: Callable[[Moment], int],
) -> str:
    points = [(f"{x(m.at):.1f}", f"{y(value(m)):.1f}") for m in moments]
    # of a level stretch its two ends are enough
    kept = [
        point
        for place, point in enumerate(points)
        if place in (0, len(points) - 1)
        or not points[place - 1][1] == point[1] == points[place + 1][1]
    ]
    return f'<path class="line {style}" d="M{"L".join(" ".join(point) for point in kept)}"/>'


def _columns(moments: Sequence[Moment]) -> Iterator[Moment]:
    """Yield at most four moments of each column of the picture, its extremes among them."""
    width = max(1, -(-len(moments) // COLUMNS))
    if width <= 4:
        yield from moments
        return
    for start in range(0, len(moments), width):
        group = range(start, min(start + width, len(moments)))
        lowest = min(group, key=lambda place: min(moments[place].market, moments[place].lo))
        highest = max(group, key=lambda place: max(moments[place].market, moments[place].hi))
        for place in sorted({group[0], lowest, highest, group[-1]}):
            yield moments[place]


def _bands(moments: Sequence[Moment], flag: int) -> Iterator[tuple[int, int]]:
    """Yield from when to when a flag was set."""
    start: int | None = None
    for moment in moments:
        if moment.flags & flag and start is None:
            start = moment.at
        elif not moment.flags & flag and start is not None:
            yield start, moment.at
            start = None
    if start is not None:
        yield start, moments[-1].at


def _padded(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.04 or high * 0.01
    return max(0.0, low - room), high + room
