# SPDX-License-Identifier: MIT
"""Charts as plain SVG text: axes with units, lines, stacked areas and dots. No I/O, no library.

Colours are CSS classes, so one picture serves light and dark. Coordinates have one decimal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

HOUR = 3_600
_TIME_STEPS = (
    *(60 * minutes for minutes in (5, 10, 15, 30)),
    *(HOUR * hours for hours in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720)),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through (x, y) points; None breaks it. `style` is a CSS class."""

    points: Sequence[tuple[float, float] | None]
    style: str


@dataclass(frozen=True, slots=True)
class Area:
    """The area between two rows of y values over the same x values."""

    xs: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    style: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot with a radius in pixels and a text that shows when it is pointed at."""

    x: float
    y: float
    radius: float
    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw: x is unix seconds, y any number; `unit` names the y axis."""

    title: str
    unit: str
    xs: tuple[float, float]
    ys: tuple[float, float]
    marks: Sequence[Line | Area | Dot]
    suffix: str = ""


def draw(chart: Chart, width: int, height: int) -> str:
    """Return the SVG of a chart for a viewport of `width` by `height` pixels."""
    scale = min(1.0, (width / 940) ** 0.5)
    left, right, top, bottom = 58.0, width - 20.0, 24.0, height - 40.0
    (x0, x1), (y0, y1) = chart.xs, chart.ys
    x_scale = (right - left) / max(1e-9, x1 - x0)
    y_scale = (bottom - top) / max(1e-9, y1 - y0)

    def at(x: float, y: float) -> tuple[str, str]:
        return f"{left + (x - x0) * x_scale:.1f}", f"{bottom - (y - y0) * y_scale:.1f}"

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(chart.title)}">',
        f"<title>{escape(chart.title)}</title>",
        f'<text class="unit" x="2" y="14">{escape(chart.unit)}</text>',
    ]
    for value in number_ticks(y0, y1, max(3, int((bottom - top) / 44))):
        _, y = at(x0, value)
        parts.append(f'<path class="grid" d="M{left:.1f} {y}H{right:.1f}"/>')
        label = tick_label(value, y1 - y0) + chart.suffix
        parts.append(
            f'<text class="tick end" x="{left - 6:.1f}" y="{float(y) + 4:.1f}">{label}</text>'
        )
    days = ""
    for moment in time_ticks(x0, x1, max(2, int((right - left) / 84))):
        x, _ = at(moment, y0)
        when = datetime.fromtimestamp(moment, UTC)
        parts.append(f'<path class="grid" d="M{x} {top:.1f}V{bottom:.1f}"/>')
        parts.append(f'<text class="tick mid" x="{x}" y="{bottom + 16:.1f}">{when:%H:%M}</text>')
        if f"{when:%-d %b}" != days:
            days = f"{when:%-d %b}"
            parts.append(f'<text class="tick mid" x="{x}" y="{bottom + 32:.1f}">{days}</text>')
    parts.append(f'<path class="axis" d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}"/>')
    for mark in chart.marks:
        if isinstance(mark, Dot):
            x, y = at(mark.x, mark.y)
            parts.append(
                f'<circle class="{mark.style}" cx="{x}" cy="{y}" r="{mark.radius * scale:.1f}">'
                f"<title>{escape(mark.text)}</title></circle>"
            )
        elif isinstance(mark, Area):
            there = [at(x, y) for x, y in zip(mark.xs, mark.upper, strict=True)]
            back = [at(x, y) for x, y in zip(mark.xs, mark.lower, strict=True)]
            outline = "L".join(f"{x} {y}" for x, y in [*there, *reversed(back)])
            parts.append(f'<path class="{mark.style}" d="M{outline}Z"/>')
        else:
            parts.append(f'<path class="line {mark.style}" d="{_path(mark, at)}"/>')
    parts.append("</svg>")
    return "".join(parts)


def number_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from low to high, at most about `most`."""
    span = high - low
    if span <= 0:
        return [low]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(start: float, end: float, most: int) -> list[int]:
    """Return whole times from start to end, at most about `most`."""
    step = next((s for s in _TIME_STEPS if (end - start) / s <= most), _TIME_STEPS[-1])
    first = math.ceil(start / step)
    return [n * step for n in range(first, math.floor(end / step) + 1)]


def tick_label(value: float, span: float) -> str:
    """Return a short label for a number on an axis of a given span."""
    if value == 0:
        return "0"
    size = max(abs(value), span)
    if size >= 2_000_000:
        return f"{value / 1e6:g}M"
    if size >= 20_000:
        return f"{value / 1e3:g}k"
    decimals = max(0, 2 - math.floor(math.log10(span))) if span > 0 else 0
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def thin(count: int, most: int, keep: Sequence[int] = ()) -> list[int]:
    """Return at most about `most` places of `count`, evenly spread, with the last and those to
    keep.
    """
    stride = max(1, -(-count // most))
    return sorted({*range(0, count, stride), count - 1, *keep})


def _path(line: Line, at: object) -> str:
    assert callable(at)
    parts: list[str] = []
    pen = "M"
    for point in line.points:
        if point is None:
            pen = "M"
            continue
        x, y = at(*point)
        parts.append(f"{pen}{x} {y}")
        pen = "L"
    return "".join(parts)
