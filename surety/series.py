# SPDX-License-Identifier: MIT
"""Price files: CSV or gzipped CSV of bars or single prices, read exactly and refused in one line.

A file has a header and either the columns `ts, open, high, low, close` or `ts, price`; `ts` is unix
seconds (of a bar's opening). A column `symbol` makes it a file of several series, and a column
`round_id` one of oracle rounds. Prices become WAD integers through `Decimal`, never through a
float.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Context, Decimal
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

from surety.commands import counted

WAD_DIGITS = 18
MAX_PRICE = 2**88 - 1  # the width of a price in the hub's word
MAX_TIME = 2**40 - 1  # the width of a time in the vault's words
MAX_ROWS = 2_000_000
BAR_COLUMNS = ("open", "high", "low", "close")
GZIP_MAGIC = b"\x1f\x8b"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_SYMBOL = re.compile(r"[A-Za-z0-9._/:+-]{1,32}")
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

    `rows` counts the rows of the file inside the window, `bars` says whether they were bars,
    `rounds` whether they were rounds of an oracle, and `symbol` which series of the file it is, ""
    where the file has but one.
    """

    name: str
    points: tuple[Point, ...]
    rows: int
    bars: bool
    rounds: bool = False
    symbol: str = ""


class _Row(NamedTuple):
    """One checked row: `symbol` is "" where series are not told apart, `round_id` 0 without one."""

    symbol: str
    bar: Bar
    round_id: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where each column is, which of them holds the price, and what the rows are."""

    columns: dict[str, int]
    names: tuple[str, ...]
    bars: bool
    rounds: bool


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


def coins(wad: int) -> str:
    """Return a WAD integer as whole coins, exactly."""
    return f"{Decimal(wad).scaleb(-WAD_DIGITS, _EXACT).normalize(_EXACT):f}"


def read_series(path: Path, start: int | None = None, end: int | None = None) -> Series:
    """Read the prices of a file between two times, both included; every row of the file is checked.

    Raises SeriesError with one line for anything that is wrong.
    """
    rows: list[_Row] = []
    first = last = None
    shape, read = _read(path, start, end)
    for row in read:
        first = row.bar.at if first is None else first
        last = row.bar.at
        if _is_inside(row.bar.at, start, end):
            rows.append(row)
    if first is None or last is None:
        raise SeriesError(f"{path}:1: only a header, no prices; give a file with at least two rows")
    if len(rows) < 2:
        raise _too_few(path, "", rows, (first, last), start, end)
    return _series(path, "", rows, shape)


def read_table(
    path: Path,
    start: int | None = None,
    end: int | None = None,
    *,
    column: str | None = None,
    symbols: Sequence[str] = (),
) -> list[Series]:
    """Read every series of a file, or those of the named symbols, between two times, both included.

    Symbols are told apart by a column of that name; a file without one is a single series. `column`
    names the column that holds the price, in place of bars or `price`. Every row is checked.
    Symbols that nobody asked for and that have fewer than two rows in the window are left out.
    Raises SeriesError with one line for anything that is wrong.
    """
    shape, read = _read(path, start, end, column=column, by_symbol=True)
    if symbols and "symbol" not in shape.columns:
        raise SeriesError(f"{path}:1: no column symbol; leave --symbol out")
    rows: dict[str, list[_Row]] = {}
    covered: dict[str, tuple[int, int]] = {}
    for row in read:
        at = row.bar.at
        covered[row.symbol] = (covered.get(row.symbol, (at, at))[0], at)
        inside = rows.setdefault(row.symbol, [])
        if _is_inside(at, start, end):
            inside.append(row)
    if not rows:
        raise SeriesError(f"{path}:1: only a header, no prices; give a file with at least two rows")
    known = {name.lower(): name for name in rows}
    for symbol in symbols:
        if symbol.lower() not in known:
            close = difflib.get_close_matches(symbol.lower(), known, n=1, cutoff=0.5)
            some = ", ".join(list(rows)[:12]) + (" and others" if len(rows) > 12 else "")
            hint = f"did you mean {known[close[0]]}?" if close else f"it has {some}"
            raise SeriesError(f"{path}: no symbol {_quoted(symbol)}; {hint}")
    chosen = [known[symbol.lower()] for symbol in symbols]
    wanted = list(dict.fromkeys(chosen)) or [name for name in rows if len(rows[name]) > 1]
    if not wanted:
        name = next(iter(rows))
        raise _too_few(path, name, rows[name], covered[name], start, end)
    for name in wanted:
        if len(rows[name]) < 2:
            raise _too_few(path, name, rows[name], covered[name], start, end)
    return [_series(path, name, rows[name], shape) for name in wanted]


def _is_inside(at: int, start: int | None, end: int | None) -> bool:
    return (start is None or at >= start) and (end is None or at <= end)


def _too_few(
    path: Path,
    symbol: str,
    rows: list[_Row],
    covered: tuple[int, int],
    start: int | None,
    end: int | None,
) -> SeriesError:
    what = "only one price" if rows else "no prices"
    whose = f" of {symbol}" if symbol else ""
    wanted = f"between {utc(start) if start is not None else 'its start'} and "
    wanted += utc(end) if end is not None else "its end"
    return SeriesError(
        f"{path}: {what}{whose} {wanted}; the file covers {utc(covered[0])} to {utc(covered[1])}"
    )


def _series(path: Path, symbol: str, rows: list[_Row], shape: _Shape) -> Series:
    """Return a series; of the rounds of one second the one with the highest id counts."""
    last: dict[int, _Row] = {}
    for row in rows:
        at = row.bar.at
        if at not in last or row.round_id > last[at].round_id:
            last[at] = row
    bars = [row.bar for row in last.values()]
    points = tuple(expand(bars)) if shape.bars else _single(bars)
    return Series(path.name, points, len(rows), shape.bars, shape.rounds, symbol)


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


def _read(
    path: Path,
    start: int | None,
    end: int | None,
    *,
    column: str | None = None,
    by_symbol: bool = False,
) -> tuple[_Shape, Iterator[_Row]]:
    """Return what the header says and the rows that follow it."""
    if start is not None and end is not None and start > end:
        raise SeriesError(f"{path}: --from {utc(start)} is after --to {utc(end)}; swap them")
    rows = _rows(path, column, by_symbol)
    shape = next(rows)
    assert isinstance(shape, _Shape)
    return shape, (row for row in rows if isinstance(row, _Row))


def _rows(path: Path, column: str | None, by_symbol: bool) -> Iterator[_Shape | _Row]:
    """Yield what the header says, then the checked rows of a file."""
    line = 1
    try:
        with _open(path) as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, None)
            if header is None or not any(cell.strip() for cell in header):
                raise SeriesError(f"{path}:1: the file is empty; it needs a header and prices")
            shape = _shape(path, header, column, by_symbol)
            yield shape
            place = shape.columns.get("symbol") if by_symbol else None
            before: dict[str, int] = {}
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
                bar = _bar(path, line, row, shape)
                round_id = _round_id(path, line, row, shape)
                symbol = "" if place is None else row[place].strip()
                if place is not None and not _SYMBOL.fullmatch(symbol):
                    what = f"is {_quoted(symbol)}" if symbol else "is empty"
                    raise SeriesError(
                        f"{path}:{line}: symbol {what}; give 1 to 32 letters, digits or any of "
                        "._/:+-"
                    )
                seen = before.get(symbol)
                again = shape.rounds and not shape.bars and bar.at == seen
                if seen is not None and bar.at <= seen and not again:
                    problem = (
                        "the time of the row before again" if bar.at == seen else "an earlier time"
                    )
                    lone = "symbol" in shape.columns and not by_symbol
                    raise SeriesError(
                        f"{path}:{line}: ts {bar.at} is {problem}; sort by ts and keep one row "
                        "for each time" + (", and one symbol" if lone else "")
                    )
                before[symbol] = bar.at
                count += 1
                if count > MAX_ROWS:
                    raise SeriesError(
                        f"{path}:{line}: more than {MAX_ROWS:,} rows; cut the file into pieces"
                    )
                yield _Row(symbol, bar, round_id)
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


def _shape(path: Path, header: list[str], column: str | None, may_choose: bool) -> _Shape:
    """Return where each column is and what the rows are; `may_choose`: --column is an option."""
    names = [cell.strip().lower() for cell in header]
    if _NUMBER.fullmatch(names[0]):
        raise SeriesError(
            f"{path}:1: no header; the first line must name the columns: ts,open,high,low,close"
        )
    wanted = column.strip().lower() if column is not None else None
    used = (*BAR_COLUMNS, "ts", "price", "symbol", wanted)
    doubled = next((name for name in names if names.count(name) > 1 and name in used), None)
    if doubled is not None:
        raise SeriesError(f"{path}:1: column {doubled} appears twice; keep one")
    columns = {name: place for place, name in enumerate(names)}
    has_bars = wanted is None and all(name in columns for name in BAR_COLUMNS)
    missing = [] if "ts" in columns else ["ts"]
    if wanted is not None:
        if wanted in ("ts", "symbol", "round_id"):
            raise SeriesError(f"{path}:1: column {wanted} holds no price; name another")
        missing += [] if wanted in columns else [wanted]
    elif not has_bars and "price" not in columns:
        absent = [name for name in BAR_COLUMNS if name not in columns]
        missing += ["price"] if len(absent) == len(BAR_COLUMNS) else absent
    if missing:
        needed = f"ts and {wanted}" if wanted else "ts,open,high,low,close or ts,price"
        if may_choose and not wanted:
            needed += ", or ts and a column that --column names"
        others = [name for name in names if name and name not in ("ts", "symbol")]
        some = ", ".join(others[:12]) + (" and others" if len(others) > 12 else "")
        hint = f"; it has {some}" if others and (wanted or may_choose) else ""
        raise SeriesError(
            f"{path}:1: missing column {', '.join(missing)}; the header must have {needed}{hint}"
        )
    prices = (wanted,) if wanted else BAR_COLUMNS if has_bars else ("price",)
    return _Shape(columns, prices, has_bars, "round_id" in columns)


def _bar(path: Path, line: int, row: list[str], shape: _Shape) -> Bar:
    """Return one row, its time and prices checked."""
    at = _time(path, line, row[shape.columns["ts"]])
    prices = []
    for name in shape.names:
        try:
            prices.append(to_wad(row[shape.columns[name]]))
        except ValueError as problem:
            raise SeriesError(
                f"{path}:{line}: {name} {problem}; prices are finite and above 0"
            ) from None
    if not shape.bars:
        return Bar(at, *(prices * 4))
    bar = Bar(at, *prices)
    if bar.high < bar.low:
        raise SeriesError(f"{path}:{line}: high is below low; mend or drop the row")
    return bar


def _round_id(path: Path, line: int, row: list[str], shape: _Shape) -> int:
    if not shape.rounds:
        return 0
    text = row[shape.columns["round_id"]].strip()
    if not re.fullmatch(r"\d{1,26}", text):
        raise SeriesError(f"{path}:{line}: round_id is {_quoted(text)}, not a whole number")
    return int(text)


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
