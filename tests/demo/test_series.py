# SPDX-License-Identifier: MIT
"""Price files: read exactly, and every bad one refused in one line that names file and line."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from surety.demo.series import (
    Bar,
    Point,
    SeriesError,
    expand,
    parse_moment,
    read_series,
    to_wad,
    utc,
)

WAD = 10**18
HEADER = "ts,open,high,low,close,volume\n"
ROW_1 = "600,100,110,90,95,1\n"
ROW_2 = "1200,95,120,94,119,1\n"


def write(folder: Path, content: str | bytes, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_bars_become_points_in_the_worse_order(tmp_path):
    series = read_series(write(tmp_path, HEADER + ROW_1 + ROW_2))
    assert [(p.at, p.price // WAD) for p in series.points] == [
        (600, 100),
        (750, 110),
        (900, 90),
        (1050, 95),
        (1200, 95),
        (1350, 94),
        (1500, 120),
        (1650, 119),
    ]
    assert (series.rows, series.bars, series.name) == (2, True, "prices.csv")


def test_bars_shorter_than_four_seconds_keep_times_ascending():
    points = list(expand([Bar(10, 1, 4, 1, 2), Bar(12, 2, 3, 2, 3)]))
    assert [p.at for p in points] == [10, 11, 12, 13]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("bom", [False, True])
def test_single_prices_are_read_exactly(tmp_path, compressed, bom):
    text = "TS, Price\n100,0.000000000000000001\n 200.0 ,1.1\n\n300,2.5e2\n"
    raw = text.encode("utf-8-sig" if bom else "utf-8")
    path = write(tmp_path, gzip.compress(raw) if compressed else raw)
    series = read_series(path)
    assert series.points == (
        Point(100, 1),
        Point(200, 11 * 10**17),
        Point(300, 250 * WAD),
    )
    assert not series.bars


def test_a_window_includes_both_ends(tmp_path):
    path = write(tmp_path, "ts,price\n100,1\n200,2\n300,3\n400,4\n")
    assert [p.at for p in read_series(path, 200, 300).points] == [200, 300]


BAD = {
    "empty": ("", 1, "empty"),
    "blank": ("\n\n", 1, "empty"),
    "header only": (HEADER, 1, "only a header"),
    "one row": (HEADER + ROW_1, None, "only one price"),
    "no header": ("600,100,110,90,95\n1200,1,1,1,1\n", 1, "no header"),
    "missing column": ("ts,open,high,close\n600,1,1,1\n", 1, "missing column low"),
    "missing price": ("ts,value\n600,1\n", 1, "missing column price"),
    "missing ts": ("time,price\n600,1\n", 1, "missing column ts"),
    "doubled column": ("ts,price,price\n600,1,1\n", 1, "appears twice"),
    "unsorted": (HEADER + ROW_2 + ROW_1, 3, "an earlier time"),
    "duplicate": (HEADER + ROW_1 + ROW_1, 3, "the row before again"),
    "nan": (HEADER + ROW_1 + "1200,95,NaN,94,119,1\n", 3, "high is NaN"),
    "inf": (HEADER + ROW_1 + "1200,95,120,94,-inf,1\n", 3, "close is -inf"),
    "zero": (HEADER + ROW_1 + "1200,95,120,0.00,119,1\n", 3, "low is zero"),
    "negative": (HEADER + ROW_1 + "1200,-95,120,94,119,1\n", 3, "open is negative"),
    "no number": (HEADER + ROW_1 + "1200,95,1_20,94,119,1\n", 3, "high is not a number"),
    "no cell": (HEADER + ROW_1 + "1200,,120,94,119,1\n", 3, "open is empty"),
    "too large": ("ts,price\n1,1\n2,1e300\n", 3, "too large"),
    "too large for the hub": ("ts,price\n1,1\n2,400000000\n", 3, "too large"),
    "too small": ("ts,price\n1,1\n2,1e-19\n", 3, "below 1e-18"),
    "high below low": (HEADER + ROW_1 + "1200,95,93,94,119,1\n", 3, "high is below low"),
    "short row": (HEADER + ROW_1 + "1200,95,93\n", 3, "3 fields, the header has 6"),
    "milliseconds": ("ts,price\n1583971200000,1\n", 2, "milliseconds"),
    "date": ("ts,price\n2020-03-12,1\n", 2, "not unix seconds"),
    "fraction": ("ts,price\n12.5,1\n", 2, "not unix seconds"),
    "binary": (b"ts,price\n\0\x01\x02", 1, "binary"),
    "latin": ("ts,price\n100,1\n200,1é\n".encode("latin-1"), None, "not UTF-8"),
    "quote": ('ts,price\n100,1\n200,"1\n', 3, "not a CSV row"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda name: name.replace(" ", "-"))
def test_a_bad_file_is_refused_in_one_line(tmp_path, case):
    content, line, text = BAD[case]
    path = write(tmp_path, content)
    with pytest.raises(SeriesError) as caught:
        read_series(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}:{line}: " if line else str(path)), message
    assert text in message
    assert re.search(r"; \w+|the file covers", message), "it does not say what to do"


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(SeriesError, match="no such file"):
        read_series(tmp_path / "none.csv")
    with pytest.raises(SeriesError, match="is a directory"):
        read_series(tmp_path)
    with pytest.raises(SeriesError, match="not a regular file"):
        read_series(Path("/dev/null"))


def test_gzip_that_is_none_or_cut_short_is_refused(tmp_path):
    plain = write(tmp_path, HEADER + ROW_1 + ROW_2, "plain.csv.gz")
    with pytest.raises(SeriesError, match="not gzip data"):
        read_series(plain)
    rows = "".join(f"{at},{100 + at % 7}\n" for at in range(100, 20_000))
    packed = gzip.compress(("ts,price\n" + rows).encode())
    for raw in (packed[: len(packed) // 2], packed[:-6] + b"abcdef", packed[:40] + packed[44:]):
        cut = write(tmp_path, raw, "cut.csv.gz")
        with pytest.raises(SeriesError) as caught:
            read_series(cut)
        assert re.match(rf"{re.escape(str(cut))}:\d+: ", str(caught.value))
        assert "\n" not in str(caught.value)


def test_an_empty_window_says_what_the_file_covers(tmp_path):
    path = write(tmp_path, "ts,price\n1583971200,1\n1583971260,2\n")
    with pytest.raises(SeriesError, match="the file covers 2020-03-12T00:00 to 2020-03-12T00:01"):
        read_series(path, 10**9, 10**9 + 5)
    with pytest.raises(SeriesError, match="after --to"):
        read_series(path, 2_000_000_000, 1_000_000_000)


def test_moments_are_seconds_dates_or_times_in_utc():
    day = 1583971200
    assert parse_moment(str(day)) == day
    assert parse_moment("2020-03-12") == day
    assert parse_moment("2020-03-12", end=True) == day + 86_399
    assert parse_moment("2020-03-12T08:30Z") == day + 30_600
    assert parse_moment("2020-03-12 08:30", end=True) == day + 30_600
    assert parse_moment("2020-03-12T08:30+01:00") == day + 27_000
    assert utc(day + 61) == "2020-03-12T00:01:01"
    for text in ("", "soon", "-5", "2020-13-01", "99999999999999"):
        with pytest.raises(ValueError):
            parse_moment(text)


@pytest.mark.parametrize(
    ("text", "wad"),
    [
        ("1", WAD),
        (" 195.21 ", 19521 * 10**16),
        (".5", WAD // 2),
        ("1.", WAD),
        ("0.1234567890123456789", 123456789012345678),
        ("1E-3", 10**15),
    ],
)
def test_prices_become_wad_exactly(text, wad):
    assert to_wad(text) == wad
