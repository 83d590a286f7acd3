# SPDX-License-Identifier: MIT
"""Price files: CSV or gzipped CSV of bars or single prices, read exactly and refused in one line.

A file has a header and either the columns `ts, open, high, low, close` or `ts, price`; `ts` is unix
seconds (of a bar's opening). Prices become WAD integers through `Decimal`, never through a float.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Context, Decimal
from itertools import pairwise
from pathlib import Path
from typing import IO

from surety.commands import counted

WAD_DIGITS = 18
MAX_PRICE = 2**88 - 1  # the width of a price in the hub's word
MAX_TIME = 2**40 - 1  # the width of a time in the vault's words
MAX_ROWS = 2_000_000
BAR_COLUMNS = ("open", "high", "low", "close")
GZIP_MAGIC = b"\x1f\x8b"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_EXACT = Context(prec=120, rounding=ROUND_FLOOR)


class SeriesError(Exception):
    """A price file that cannot be used: one line that names the file, the line and what to do."""


@dataclass(frozen=True, slots=True)
class Point:
    """A price at a time: unix seconds, WAD."""

    at: int
    price: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a file: opening time in unix seconds, prices in WAD."""

    at: int
    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True, slots=True)
class Series:
    """What was read: the points in order of time, and where they came from.

    `rows` counts the rows of the file inside the window, `bars` says whether they were bars.
    """

    name: str
    points: tuple[Point, ...]
    rows: int
    bars: bool


def parse_moment(text: str, *, end: bool = False) -> int:
    """Return unix seconds for unix seconds or an ISO date or date and time, UTC unless it says
    otherwise.

    A date alone is its first second, or with `end` its last. Raises ValueError for anything else.
    """
    stripped = text.strip()
    if re.fullmatch(r"\d{1,13}", stripped):
        value = int(stripped)
    else:
        moment = datetime.fromisoformat(stripped)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        value = int(moment.timestamp())
        if end and re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", stripped):
            value += 86_399
    if not 0 <= value <= MAX_TIME:
        raise ValueError("out of range")
    return value


def utc(at: int) -> str:
    """Return a time as ISO text in UTC, to the minute when it is a whole one."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M" if moment.second == 0 else "%Y-%m-%dT%H:%M:%S")


def to_wad(text: str) -> int:
    """Return a decimal text as a WAD integer, digits beyond the 18th cut off.

    Raises ValueError, whose text says what is wrong, for what is no finite price above 0 that the
    hub can hold.
    """
    stripped = text.strip()
    if not stripped:
        raise ValueError("is empty")
    if stripped.lower().lstrip("+-") in ("nan", "inf", "infinity", "null", "none", "n/a", "na"):
        raise ValueError(f"is {stripped[:12]}")
    if not _NUMBER.fullmatch(stripped):
        raise ValueError(f"is not a number: {_quoted(stripped)}")
    value = Decimal(stripped)
    if value <= 0:
        raise ValueError("is zero" if value == 0 else "is negative")
    if value.adjusted() > 12 or len(stripped) > 100:
        raise ValueError("is too large")
    wad = int(value.scaleb(WAD_DIGITS, _EXACT).to_integral_value(ROUND_FLOOR, _EXACT))
    if wad > MAX_PRICE:
        raise ValueError("is too large")
    if wad == 0:
        raise ValueError("is below 1e-18")
    return wad


def read_series(path: Path, start: int | None = None, end: int | None = None) -> Series:
    """Read the prices of a file between two times, both included; every row of the file is checked.

    Raises SeriesError with one line for anything that is wrong.
    """
    if start is not None and end is not None and start > end:
        raise SeriesError(f"{path}: --from {utc(start)} is after --to {utc(end)}; swap them")
    rows: list[Bar] = []
    first = last = None
    bars = False
    for bar, is_bar in _rows(path):
        first = bar.at if first is None else first
        last = bar.at
        bars = is_bar
        if (start is None or bar.at >= start) and (end is None or bar.at <= end):
            rows.append(bar)
    if first is None or last is None:
        raise SeriesError(f"{path}:1: only a header, no prices; give a file with at least two rows")
    if len(rows) < 2:
        what = "only one price" if rows else "no prices"
        wanted = f"between {utc(start) if start is not None else 'its start'} and "
        wanted += utc(end) if end is not None else "its end"
        raise SeriesError(f"{path}: {what} {wanted}; the file covers {utc(first)} to {utc(last)}")
    return Series(path.name, tuple(expand(rows)) if bars else _single(rows), len(rows), bars)


def expand(bars: list[Bar]) -> Iterator[Point]:
    """Yield the points inside each bar: open, both extremes and close, a quarter of the bar apart.

    A file does not say which extreme came first. A falling bar visits its high first, so that the
    fall to its low is as steep as it can have been: the worse order for who has borrowed against
    the price. A rising bar visits its low first. Needs at least two bars; a bar is as long as the
    shortest gap.
    """
    length = min(b.at - a.at for a, b in pairwise(bars))
    for bar in bars:
        falling = bar.close < bar.open
        middle = (bar.high, bar.low) if falling else (bar.low, bar.high)
        seen = -1
        for quarter, price in enumerate((bar.open, *middle, bar.close)):
            at = bar.at + quarter * length // 4
            if at > seen:
                yield Point(at, price)
            seen = at


def _single(rows: list[Bar]) -> tuple[Point, ...]:
    return tuple(Point(row.at, row.close) for row in rows)


def _rows(path: Path) -> Iterator[tuple[Bar, bool]]:
    """Yield the checked rows of a file, each with whether it is a bar."""
    line = 1
    try:
        with _open(path) as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, None)
            if header is None or not any(cell.strip() for cell in header):
                raise SeriesError(f"{path}:1: the file is empty; it needs a header and prices")
            columns, is_bar = _columns(path, header)
            before: int | None = None
            count = 0
            for row in reader:
                line = reader.line_num
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(header):
                    raise SeriesError(
                        f"{path}:{line}: {counted(len(row), 'field')}, the header has "
                        f"{len(header)}; mend the row"
                    )
                bar = _bar(path, line, row, columns, is_bar)
                if before is not None and bar.at <= before:
                    problem = (
                        "the time of the row before again"
                        if bar.at == before
                        else "an earlier time"
                    )
                    raise SeriesError(
                        f"{path}:{line}: ts {bar.at} is {problem}; sort by ts and keep one row "
                        "for each time" + (", and one symbol" if "symbol" in columns else "")
                    )
                before = bar.at
                count += 1
                if count > MAX_ROWS:
                    raise SeriesError(
                        f"{path}:{line}: more than {MAX_ROWS:,} rows; cut the file into pieces"
                    )
                yield bar, is_bar
                line = reader.line_num + 1
    except UnicodeDecodeError:
        raise SeriesError(f"{path}:{line}: not UTF-8 text; give a CSV or .csv.gz file") from None
    except csv.Error as error:
        raise SeriesError(f"{path}:{line}: not a CSV row ({error}); mend the row") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SeriesError(
            f"{path}:{line}: the gzip data ends early or is damaged; fetch the file again"
        ) from None
    except OSError as error:
        raise SeriesError(
            f"{path}: cannot be read ({error.strerror or error}); check the path"
        ) from None


def _open(path: Path) -> IO[str]:
    """Open a plain or gzipped text file by what it is, not only by its name."""
    if path.is_dir():
        raise SeriesError(f"{path}: is a directory; give one CSV or .csv.gz file")
    if not path.exists():
        raise SeriesError(f"{path}: no such file; give a CSV or .csv.gz file")
    if not path.is_file():
        raise SeriesError(f"{path}: not a regular file; give a CSV or .csv.gz file")
    raw = path.open("rb")
    magic = raw.read(512)
    raw.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return io.TextIOWrapper(gzip.GzipFile(fileobj=raw), encoding="utf-8-sig", newline="")
    raw_problem = None
    if not magic:
        raw_problem = f"{path}:1: the file is empty; it needs a header and prices"
    elif path.suffix == ".gz":
        raw_problem = f"{path}:1: named .gz but not gzip data; rename it or compress it"
    elif b"\0" in magic:
        raw_problem = f"{path}:1: binary data, not text; give a CSV or .csv.gz file"
    if raw_problem is not None:
        raw.close()
        raise SeriesError(raw_problem)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _columns(path: Path, header: list[str]) -> tuple[dict[str, int], bool]:
    """Return where each column is and whether the rows are bars."""
    names = [cell.strip().lower() for cell in header]
    if _NUMBER.fullmatch(names[0]):
        raise SeriesError(
            f"{path}:1: no header; the first line must name the columns: ts,open,high,low,close"
        )
    doubled = next(
        (name for name in names if names.count(name) > 1 and name in (*BAR_COLUMNS, "ts", "price")),
        None,
    )
    if doubled is not None:
        raise SeriesError(f"{path}:1: column {doubled} appears twice; keep one")
    columns = {name: place for place, name in enumerate(names)}
    has_bars = all(name in columns for name in BAR_COLUMNS)
    missing = [] if "ts" in columns else ["ts"]
    if not has_bars and "price" not in columns:
        absent = [name for name in BAR_COLUMNS if name not in columns]
        missing += ["price"] if len(absent) == len(BAR_COLUMNS) else absent
    if missing:
        raise SeriesError(
            f"{path}:1: missing column {', '.join(missing)}; the header must have "
            "ts,open,high,low,close or ts,price"
        )
    return columns, has_bars


def _bar(path: Path, line: int, row: list[str], columns: dict[str, int], is_bar: bool) -> Bar:
    """Return one row, its time and prices checked."""
    at = _time(path, line, row[columns["ts"]])
    names = BAR_COLUMNS if is_bar else ("price",)
    prices = []
    for name in names:
        try:
            prices.append(to_wad(row[columns[name]]))
        except ValueError as problem:
            raise SeriesError(
                f"{path}:{line}: {name} {problem}; prices are finite and above 0"
            ) from None
    if not is_bar:
        return Bar(at, *(prices * 4))
    bar = Bar(at, *prices)
    if bar.high < bar.low:
        raise SeriesError(f"{path}:{line}: high is below low; mend or drop the row")
    return bar


def _time(path: Path, line: int, text: str) -> int:
    stripped = text.strip()
    if not re.fullmatch(r"\d{1,20}(\.0+)?", stripped):
        raise SeriesError(
            f"{path}:{line}: ts is {_quoted(stripped)}, not unix seconds; convert it to whole "
            "seconds"
        )
    at = int(stripped.split(".")[0])
    if at >= 10**11:
        raise SeriesError(f"{path}:{line}: ts {at} looks like milliseconds; divide by 1000")
    return at


def _quoted(text: str) -> str:
    """Return a short, printable form of a cell."""
    return repr(text if len(text) <= 24 else text[:21] + "...")
