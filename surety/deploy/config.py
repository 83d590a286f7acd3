# SPDX-License-Identifier: MIT
"""Read `SystemParams` from a TOML file: keys are field names, unknown ones errors with a hint.

Numbers are integers in the units of the dataclasses; strings of digits and underscores are taken
too, since TOML itself ends at 64 bits:

    admin = "0x…"               # a Safe or a DAO: proposes what a timelock then does
    guardian = "0x…"            # stops things at once; or instead of both: governor = "0x…"
    sequencer = "0x…"           # on an L2: the uptime feed of its sequencer
    treasury = "0x…"            # gets the surplus beyond the buffer; left out: who governs
    buffer_bps = 100
    fund_ceiling = "1_000_000_000000000000000000"
    flash_fee_bps = 5
    flash_ceiling = "10_000_000_000000000000000000"
    [peg]                       # swaps the coin against a reserve stable, a kind below
    kind = "usdc"
    ceiling = "5_000_000_000000000000000000"
    [book]
    debt_floor = "2_000_000000000000000000"
    [[kinds]]
    name = "eth"
    token = "0x…"
    decimals = 18               # what the token must say; left out: what it says is shown and used
    expected_price = "2_000_000000000000000000"    # the same for the price, within 5 %
    aggregator = "0x…"          # or oracle: an adapter's address, or a table as below
    levels = "major"            # or a table with the five ratios
    limits = "major"            # or a table; left out: those of the levels' family
    min_price = "100_000000000000000000"      # outside these bounds a price is no price
    max_price = "20_000_000000000000000000"

An `oracle` table is an adapter to deploy: `type` and the arguments of its constructor by name
(surety/deploy/adapters.py), of which some are sources again, each an address or a table:

    [kinds.oracle]
    type = "product"
    first = { type = "chainlink", aggregator = "0x…" }
    second = "0x…"
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Final

from eth_utils.address import is_checksum_address, to_checksum_address

from surety.deploy.adapters import (
    ADAPTERS,
    MAX_DEPTH,
    Address,
    Gas,
    Identifier,
    Kind,
    Nested,
    Source,
    arguments_of,
)
from surety.deploy.errors import ParamsError
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
    PegParams,
    SystemParams,
)

FAMILIES: Final = {"major": MAJOR, "lst": LST, "stable": STABLE}
LIMITS: Final = {
    "major": MAJOR_LIMITS,
    "lst": LST_LIMITS,
    "stable": STABLE_LIMITS,
    "tail": TAIL_LIMITS,
}
_ADDRESSES: Final = {
    "admin",
    "guardian",
    "governor",
    "treasury",
    "sequencer",
    "token",
    "aggregator",
}
_IDENTIFIER: Final = re.compile("0x[0-9a-fA-F]{64}")
_TEXTS: Final = {"name", "kind", "coin_name", "coin_symbol"}
_TABLES: Final = {"book", "peg", "kinds", "levels", "limits", "oracle"}


def load_params(path: Path) -> SystemParams:
    """Read and check a parameter file; ParamsError names the file and the key, OSError the file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not TOML: {error}") from error
    try:
        values = _values(table, SystemParams, "")
        values["book"] = BookParams(**_values(_table(table, "book"), BookParams, "book."))
        if "peg" in table:
            peg = _table(table, "peg")
            _require(peg, PegParams, "peg.")
            values["peg"] = PegParams(**_values(peg, PegParams, "peg."))
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
    _require(table, KindParams, place)
    if "oracle" in table:
        values["oracle"] = _source(table["oracle"], f"{place}oracle", MAX_DEPTH)
    family = table["levels"]
    values["levels"] = _family(family, FAMILIES, Levels, f"{place}levels")
    if "limits" not in table and not isinstance(family, str):
        raise ParamsError(f"{place}limits: missing: levels of its own need limits of its own")
    values["limits"] = _family(table.get("limits", family), LIMITS, Limits, f"{place}limits")
    return KindParams(**values)


def _family(value: Any, families: Mapping[str, Any], target: type, place: str) -> Any:
    """Return what a family's name stands for, or what a table says."""
    if isinstance(value, dict):
        found = _values(value, target, f"{place}.")
        _require(value, target, f"{place}.")
        return target(**found)
    if not isinstance(value, str):
        raise ParamsError(f"{place}: must be one of {', '.join(families)}, or a table")
    if value not in families:
        raise ParamsError(f"{place}: {value!r} is none of {', '.join(families)}")
    return families[value]


def _source(value: Any, place: str, depth: int) -> Source:
    """Return the address of an adapter, or the adapter that a table describes."""
    if not isinstance(value, dict):
        return _address(value, place)
    if depth == 0:
        raise ParamsError(f"{place}: adapters nest at most {MAX_DEPTH} deep")
    name = value.get("type")
    if not isinstance(name, str) or name not in ADAPTERS:
        what = "missing" if name is None else f"{name!r} is none of {', '.join(ADAPTERS)}"
        raise ParamsError(f"{place}.type: {what}")
    known = arguments_of(ADAPTERS[name])
    _check_keys(value, ["type", *known], f"{place}.")
    arguments: dict[str, Any] = {}
    for key, kind in known.items():
        at = f"{place}.{key}"
        if key in value:
            arguments[key] = _argument(value[key], kind, at, depth)
        elif not isinstance(kind, Gas):
            raise ParamsError(f"{at}: missing")
    adapter = ADAPTERS[name](**arguments)
    adapter.check(place, depth)
    return adapter


def _argument(value: Any, kind: Kind, place: str, depth: int) -> Any:
    match kind:
        case Nested():
            return _source(value, place, depth - 1)
        case Address():
            return _address(value, place)
        case Identifier():
            if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value) or not int(value, 16):
                raise ParamsError(f"{place}: must be 0x and 64 hexadecimal digits, not all zero")
            return value.lower()
    return _number(value, place)


def _values(table: Mapping[str, Any], target: type, place: str) -> dict[str, Any]:
    """Check the keys of a table against a dataclass and convert its plain values."""
    _check_keys(table, [field.name for field in fields(target)], place)
    return {
        key: _value(key, value, place + key) for key, value in table.items() if key not in _TABLES
    }


def _check_keys(table: Mapping[str, Any], known: Collection[str], place: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
            raise ParamsError(f"{place}{key}: unknown key{hint}")


def _require(table: Mapping[str, Any], target: type, place: str) -> None:
    """Raise ParamsError for a field without a default that the table does not have."""
    for item in fields(target):
        if item.default is MISSING and item.name not in table:
            raise ParamsError(f"{place}{item.name}: missing")


def _value(key: str, value: Any, place: str) -> Any:
    if key in _ADDRESSES:
        return _address(value, place)
    if key in _TEXTS:
        if not isinstance(value, str) or not 0 < len(value) <= 32:
            raise ParamsError(f"{place}: must be text of 1 to 32 characters")
        return value
    if key == "isolated":
        if not isinstance(value, bool):
            raise ParamsError(f"{place}: must be true or false")
        return value
    return _number(value, place)


def _number(value: Any, place: str) -> int:
    if isinstance(value, str) and value.replace("_", "").isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParamsError(f"{place}: must be an integer, not {value!r}")
    return value


def _address(value: Any, place: str) -> str:
    if not isinstance(value, str) or not _is_address(value):
        raise ParamsError(f"{place}: {value!r} is not an address (or its checksum is wrong)")
    return to_checksum_address(value)


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
