# SPDX-License-Identifier: MIT
"""Price files as the demo reads them: `surety.series`, shared with the replays of prices."""

from surety.series import (
    BAR_COLUMNS,
    MAX_PRICE,
    MAX_TIME,
    Bar,
    Point,
    Series,
    SeriesError,
    expand,
    parse_moment,
    read_series,
    to_wad,
    utc,
)

__all__ = (
    "BAR_COLUMNS",
    "MAX_PRICE",
    "MAX_TIME",
    "Bar",
    "Point",
    "Series",
    "SeriesError",
    "expand",
    "parse_moment",
    "read_series",
    "to_wad",
    "utc",
)
