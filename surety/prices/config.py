# SPDX-License-Identifier: MIT
"""How a replay guards its kinds: a family by name, or a TOML file. Unknown keys give a hint.

    fresh_for = 60              # seconds, hub-wide
    confirm_period = 1_200      # seconds, hub-wide
    family = "tail"             # of every kind that has no table here; without it: by its name
    [kinds.eth]
    family = "major"            # where the table says nothing else
    limits = "major"            # or a table: slew_down, slew_up, jump_bps, sigma_ref
    levels = "major"            # or a table of the five ratios, for --accounts
    max_age = 90_000            # seconds
    min_price = "10"            # whole coins as text: outside these bounds a price is no price
    max_price = "40_000"

Units are those of `surety.deploy.params`. The parameter file of a deployment (`[[kinds]]`) serves
as well: then the replay asks what the very system to be deployed would do.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from surety.deploy.config import FAMILIES, LIMITS, load_params
from surety.deploy.errors import ParamsError
from surety.deploy.params import MAJOR, KindParams, Levels, Limits, SystemParams
from surety.prices.engines import Guards
from surety.series import MAX_PRICE, to_wad


def _default(of: type, name: str) -> Any:
    return next(item.default for item in fields(of) if item.name == name)


BOUND: Final = 20  # without bounds of its own a kind has its first price over and times this
MAX_AGE: Final[int] = _default(KindParams, "max_age")
FRESH_FOR: Final[int] = _default(SystemParams, "fresh_for")
CONFIRM_PERIOD: Final[int] = _default(SystemParams, "confirm_period")
NAMES: Final = tuple(LIMITS)

# which family a kind belongs to by its name; everything else is tail
_MAJOR = {"eth", "weth", "btc", "wbtc", "cbbtc", "tbtc", "xbt"}
_LST = {"steth", "wsteth", "reth", "cbeth", "sfrxeth", "frxeth", "weeth", "ezeth", "rseth", "oseth"}
_STABLE = {
    *("stable", "usd", "usdc", "usdt", "dai", "usds", "busd", "tusd", "usdp", "gusd", "lusd"),
    *("frax", "susd", "pyusd", "crvusd", "gho", "fdusd", "usde", "usdd", "mim", "ust"),
}

_TOP = ("fresh_for", "confirm_period", "family", "kinds")
_KIND = ("family", "limits", "levels", "max_age", "min_price", "max_price")


class ConfigError(Exception):
    """A configuration that cannot be used: one line with the file, the key and what to do."""


@dataclass(frozen=True, slots=True)
class KindConfig:
    """How one kind is guarded; bounds in WAD, None: the first price over and times BOUND."""

    family: str
    limits: Limits
    levels: Levels
    max_age: int = MAX_AGE
    min_price: int | None = None
    max_price: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The hub's own numbers and what is said of each kind."""

    fresh_for: int = FRESH_FOR
    confirm_period: int = CONFIRM_PERIOD
    family: str | None = None
    kinds: Mapping[str, KindConfig] = field(default_factory=dict)

    def of(self, kind: str) -> KindConfig:
        """Return how a kind is guarded: by its table, else by its family."""
        return self.kinds.get(kind.lower()) or of_family(self.family or family_of(kind))

    def guards(self, kind: KindConfig, first: int) -> Guards:
        """Return what the hub is told, with bounds around a first price where there are none."""
        low = max(1, first // BOUND) if kind.min_price is None else kind.min_price
        high = min(MAX_PRICE, first * BOUND) if kind.max_price is None else kind.max_price
        return Guards(
            self.fresh_for,
            self.confirm_period,
            kind.max_age,
            low,
            high,
            kind.limits.slew_down,
            kind.limits.slew_up,
            kind.limits.jump_bps,
            kind.limits.sigma_ref,
        )


def family_of(kind: str) -> str:
    """Return the family that a kind's name tells; `tail` for every name that is not known."""
    name = kind.lower().split("/")[0].split("@")[0]
    known = ((_MAJOR, "major"), (_LST, "lst"), (_STABLE, "stable"))
    return next((family for names, family in known if name in names), "tail")


def of_family(family: str) -> KindConfig:
    """Return how the kinds of a family are guarded."""
    return KindConfig(family, LIMITS[family], FAMILIES.get(family, MAJOR))


def load_config(text: str | None) -> Config:
    """Return the configuration that a family's name, a file's path or nothing says.

    Raises ConfigError with one line.
    """
    if text is None:
        return Config()
    if text in LIMITS:
        return Config(family=text)
    path = Path(text)
    if path.suffix != ".toml" and not path.exists():
        close = difflib.get_close_matches(text, NAMES, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else "give a TOML file, or one of them"
        raise ConfigError(f"--config {text} is none of {', '.join(NAMES)}; {hint}")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); check it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML ({error}); mend it") from None
    try:
        return _deployed(path) if isinstance(table.get("kinds"), list) else _config(table)
    except (ConfigError, ParamsError) as error:
        if isinstance(error, ParamsError):
            raise ConfigError(str(error)) from None
        raise ConfigError(f"{path}: {error}") from None


def _config(table: Mapping[str, Any]) -> Config:
    _check_keys("", table, _TOP)
    kinds = _table("kinds", table.get("kinds", {}))
    return Config(
        fresh_for=_integer("fresh_for", table.get("fresh_for", FRESH_FOR), 0, 120),
        confirm_period=_integer(
            "confirm_period", table.get("confirm_period", CONFIRM_PERIOD), 1, 86_400
        ),
        family=_family("family", table["family"]) if "family" in table else None,
        kinds={
            name.lower(): _kind(name, _table(f"kinds.{name}", kind)) for name, kind in kinds.items()
        },
    )


def _deployed(path: Path) -> Config:
    """Return what the parameter file of a deployment says."""
    params = load_params(path)
    kinds = {
        kind.name.lower(): KindConfig(
            family_of(kind.name),
            kind.limits,
            kind.levels,
            kind.max_age,
            kind.min_price,
            kind.max_price,
        )
        for kind in params.kinds
    }
    return Config(params.fresh_for, params.confirm_period, kinds=kinds)


def _kind(name: str, table: Mapping[str, Any]) -> KindConfig:
    place = f"kinds.{name}."
    _check_keys(place, table, _KIND)
    family = _family(f"{place}family", table["family"]) if "family" in table else family_of(name)
    limits: Limits = _named_or_table(f"{place}limits", table.get("limits", family), LIMITS, Limits)
    usual = {**dict.fromkeys(LIMITS, MAJOR), **FAMILIES}
    levels: Levels = _named_or_table(f"{place}levels", table.get("levels", family), usual, Levels)
    try:
        limits.check(name)
        levels.check(name, 0)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    low, high = (
        _price(f"{place}{key}", table[key]) if key in table else None
        for key in ("min_price", "max_price")
    )
    if low is not None and high is not None and low >= high:
        raise ConfigError(f"{place}min_price must be below max_price")
    max_age = _integer(f"{place}max_age", table.get("max_age", MAX_AGE), 1, 2**24 - 1)
    return KindConfig(family, limits, levels, max_age, low, high)


def to_json(config: Config, kinds: Mapping[str, tuple[KindConfig, Guards]]) -> dict[str, Any]:
    """Return what was used as plain JSON; prices are strings of WAD integers."""
    return {
        "fresh_for": config.fresh_for,
        "confirm_period": config.confirm_period,
        "kinds": {
            name: {
                "family": kind.family,
                "limits": asdict(kind.limits),
                "levels": asdict(kind.levels),
                "max_age": kind.max_age,
                "min_price": str(guards.min_price),
                "max_price": str(guards.max_price),
            }
            for name, (kind, guards) in kinds.items()
        },
    }


def _check_keys(place: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
            raise ConfigError(f"{place}{key}: unknown key; {hint}")


def _table(place: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{place}: must be a table, [{place}]")
    return value


def _named_or_table(place: str, value: object, named: Mapping[str, Any], target: type) -> Any:
    if isinstance(value, str):
        if value not in named:
            close = difflib.get_close_matches(value, named, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"{place}: {value!r} is none of {', '.join(named)}{hint}")
        return named[value]
    table = _table(place, value)
    known = tuple(item.name for item in fields(target))
    _check_keys(f"{place}.", table, known)
    missing = next((key for key in known if key not in table), None)
    if missing is not None:
        raise ConfigError(f"{place}.{missing}: missing")
    return target(**{key: _integer(f"{place}.{key}", table[key], 0, 2**40) for key in known})


def _family(place: str, value: object) -> str:
    if not isinstance(value, str) or value not in LIMITS:
        close = difflib.get_close_matches(str(value), NAMES, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"{place}: {value!r} is none of {', '.join(NAMES)}{hint}")
    return value


def _integer(place: str, value: object, low: int, high: int) -> int:
    if isinstance(value, str) and value.replace("_", "").isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{place}: must be an integer in {low}..{high}, not {value!r}")
    return value


def _price(place: str, value: object) -> int:
    """Return whole coins, written as text or as an integer, as WAD."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ConfigError(f'{place}: write whole coins as text, such as "95" or "0.9"')
    try:
        return to_wad(str(value).replace("_", ""))
    except ValueError as problem:
        raise ConfigError(f"{place} {problem}; write whole coins as text, such as 0.9") from None
