# SPDX-License-Identifier: MIT
"""What the drawn pictures of docs/ share: how they begin, their words and their numbers."""

from __future__ import annotations

from pathlib import Path

from surety.paths import root

# headings, words, their places, axes and grid
_STYLE = """.h{font-size:16px;font-weight:650;fill:#16202c}
.s{font-size:12.5px;fill:#3a4554}
.m{text-anchor:middle}
.r{text-anchor:end}
.a{stroke:#56606e;stroke-width:1.2;fill:none}
.g{stroke:#dfe3e8;stroke-width:1;fill:none}
"""


def file(name: str) -> Path:
    """Return where a picture is kept."""
    return root() / "docs" / name


def head(source: str, height: int, title: str, told: str, style: str) -> str:
    """Begin what `source` draws: how it is called, what it shows, and styles of its own."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: MIT -->
<!-- drawn by {source} -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 {height}" \
font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" role="img" \
aria-labelledby="t d">
<title id="t">{title}</title>
<desc id="d">{told}</desc>
<style>
{_STYLE}{style}</style>
"""


def words(kind: str, x: str, y: str, text: str) -> str:
    """Write something."""
    return f'<text class="{kind}" x="{x}" y="{y}">{text}</text>'


def tenths(value: int) -> str:
    """Write tenths of a unit."""
    return f"{value // 10}.{value % 10}"
