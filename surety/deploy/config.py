# SPDX-License-Identifier: MIT
"""Read `SystemParams` from a TOML file: keys are field names, unknown ones errors with a hint.

Numbers are integers in the units of the dataclasses; strings of digits and underscores are taken
too, since TOML itself ends at 64 bits:

    governor = "0x…"
    [book]
    debt_floor = "2_000_000000000000000000"
    [[kinds]]
    name = "eth"
    token = "0x…"
    aggregator = "0x…"
    levels = "major"            # or a table with the five ratios
    min_price = "100_000000000000000000"      # outside these bounds a price is no price
    max_price = "20_000_000000000000000000"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from eth_utils.address import is_checksum_address, to_checksum_address

from surety.deploy.params import (
    LST,
    LST_LIMITS,
    MAJOR,
    MAJOR_LIMITS,
    STABLE,
    STABLE_LIMITS,
    TAIL_LIMITS,
    BookParams,
    KindParams,
    Levels,
    Limits,
    ParamsError,
    SystemParams,
)

FAMILIES: Final = {"major": MAJOR, "lst": LST, "stable": STABLE}
LIMITS: Final = {
    "major": MAJOR_LIMITS,
    "lst": LST_LIMITS,
    "stable": STABLE_LIMITS,
    "tail": TAIL_LIMITS,
}
_ADDRESSES: Final = {"governor", "token", "aggregator", "oracle"}
_TEXTS: Final = {"name", "coin_name", "coin_symbol"}


def load_params(path: Path) -> SystemParams:
    """Read and check a parameter file; ParamsError names the file and the key, OSError the file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not TOML: {error}") from error
    try:
        values = _values(table, SystemParams, "")
        values["book"] = BookParams(**_values(_table(table, "book"), BookParams, "book."))
        listed = table.get("kinds", [])
        if not isinstance(listed, list):
            raise ParamsError("kinds: must be an array of tables, [[kinds]]")
        values["kinds"] = tuple(_kind(kind, f"kinds[{i}].") for i, kind in enumerate(listed))
        params = SystemParams(**values)
        params.check()
    except ParamsError as error:
        raise ParamsError(f"{path}: {error}") from error
    return params


def _kind(table: Any, place: str) -> KindParams:
    if not isinstance(table, dict):
        raise ParamsError(f"{place[:-1]}: must be a table")
    values = _values(table, KindParams, place)
    levels = table.get("levels")
    if isinstance(levels, str):
        if levels not in FAMILIES:
            raise ParamsError(f"{place}levels: {levels!r} is none of {', '.join(FAMILIES)}")
        values["levels"] = FAMILIES[levels]
    elif isinstance(levels, dict):
        values["levels"] = Levels(
            **_required(_values(levels, Levels, f"{place}levels."), Levels, place)
        )
    limits = table.get("limits", levels if isinstance(levels, str) else "major")
    if isinstance(limits, str):
        if limits not in LIMITS:
            raise ParamsError(f"{place}limits: {limits!r} is none of {', '.join(LIMITS)}")
        values["limits"] = LIMITS[limits]
    elif isinstance(limits, dict):
        values["limits"] = Limits(
            **_required(_values(limits, Limits, f"{place}limits."), Limits, place)
        )
    return KindParams(**_required(values, KindParams, place))


def _values(table: Mapping[str, Any], target: type, place: str) -> dict[str, Any]:
    """Check the keys of a table against a dataclass and convert its plain values."""
    known = [field.name for field in fields(target)]
    found = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
            raise ParamsError(f"{place}{key}: unknown key{hint}")
        if key in {"book", "kinds", "levels", "limits"}:
            continue
        found[key] = _value(key, value, place)
    return found


def _value(key: str, value: Any, place: str) -> Any:
    if key in _ADDRESSES:
        if not isinstance(value, str) or not _is_address(value):
            raise ParamsError(
                f"{place}{key}: {value!r} is not an address (or its checksum is wrong)"
            )
        return to_checksum_address(value)
    if key in _TEXTS:
        if not isinstance(value, str) or not 0 < len(value) <= 32:
            raise ParamsError(f"{place}{key}: must be text of 1 to 32 characters")
        return value
    if key == "isolated":
        if not isinstance(value, bool):
            raise ParamsError(f"{place}{key}: must be true or false")
        return value
    if isinstance(value, str) and value.replace("_", "").isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParamsError(f"{place}{key}: must be an integer, not {value!r}")
    return value


def _is_address(text: str) -> bool:
    digits = text.removeprefix("0x")
    if len(digits) != 40 or not text.startswith("0x"):
        return False
    try:
        int(digits, 16)
    except ValueError:
        return False
    return digits in (digits.lower(), digits.upper()) or is_checksum_address(text)


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise ParamsError(f"{key}: must be a table, [{key}]")
    return found


def _required(
    values: dict[str, Any], target: type[KindParams | Levels | Limits], place: str
) -> dict[str, Any]:
    needed = (
        ["name", "token", "levels", "min_price", "max_price"]
        if target is KindParams
        else [f.name for f in fields(target)]
    )
    missing = [name for name in needed if name not in values]
    if missing:
        raise ParamsError(f"{place}{missing[0]}: missing")
    return values
