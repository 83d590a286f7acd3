# SPDX-License-Identifier: MIT
"""Which price a kind gets: an adapter that exists, or one to deploy over feeds or other adapters.

Each class below is one contract of `contracts/oracles`; its fields are the constructor's arguments
in their order. A *source* is the address of an adapter that exists, or an adapter to deploy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeAlias, get_type_hints

from surety.deploy.errors import ParamsError

MAX_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class Address:
    """A field that names a contract which must exist."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that names a source."""


@dataclass(frozen=True, slots=True)
class Number:
    """A field that is an integer from `low` to `high`."""

    low: int
    high: int


Kind: TypeAlias = Address | Nested | Number

# the types of fields
Feed: TypeAlias = Annotated[str, Address()]
Below: TypeAlias = Annotated["str | Adapter", Nested()]
Seconds: TypeAlias = Annotated[int, Number(1, 2**24 - 1)]


@dataclass(frozen=True, slots=True)
class Adapter:
    """The base of all adapters; not one itself."""

    contract: ClassVar[str]

    def check(self, place: str, depth: int = MAX_DEPTH) -> None:
        """Raise ParamsError where a constructor would refuse a number, or at too many levels."""
        if depth == 0:
            raise ParamsError(f"{place}: adapters nest at most {MAX_DEPTH} deep")
        for name, kind, value in self._arguments():
            if isinstance(kind, Number) and not kind.low <= value <= kind.high:
                raise ParamsError(f"{place}.{name}: must be {kind.low}..{kind.high}")
            if isinstance(value, Adapter):
                value.check(f"{place}.{name}", depth - 1)

    def addresses(self, place: str) -> Iterator[tuple[str, str]]:
        """Yield each address that must have code, with its place."""
        for name, kind, value in self._arguments():
            if isinstance(value, Adapter):
                yield from value.addresses(f"{place}.{name}")
            elif isinstance(kind, (Address, Nested)):
                yield f"{place}.{name}", value

    def deploy(self, create: Callable[..., str], made: dict[Adapter, str]) -> str:
        """Create what this stands on and then itself, each different adapter once; the address."""
        if self not in made:
            arguments = [
                value.deploy(create, made) if isinstance(value, Adapter) else value
                for _, _, value in self._arguments()
            ]
            made[self] = create(self.contract, *arguments)
        return made[self]

    def _arguments(self) -> Iterator[tuple[str, Kind, Any]]:
        for name, kind in arguments_of(type(self)).items():
            yield name, kind, getattr(self, name)


def arguments_of(adapter: type[Adapter]) -> dict[str, Kind]:
    """Return the constructor's arguments of an adapter in their order, and what each must be."""
    hints = get_type_hints(adapter, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if name != "contract"}


Source: TypeAlias = str | Adapter


@dataclass(frozen=True, slots=True)
class Chainlink(Adapter):
    """The latest round of an aggregator."""

    contract: ClassVar[str] = "ChainlinkOracle"
    aggregator: Feed


@dataclass(frozen=True, slots=True)
class Minimum(Adapter):
    """The lower of two prices."""

    contract: ClassVar[str] = "MinimumOracle"
    a: Below
    b: Below


@dataclass(frozen=True, slots=True)
class Median(Adapter):
    """The middle of three prices, or what two agree on when the third is gone."""

    contract: ClassVar[str] = "MedianOracle"
    a: Below
    b: Below
    c: Below
    max_age: Seconds
    max_spread_bps: Annotated[int, Number(1, 9_999)]


@dataclass(frozen=True, slots=True)
class Product(Adapter):
    """One price times another: a ratio and the price of what it is a ratio to."""

    contract: ClassVar[str] = "ProductOracle"
    a: Below
    b: Below


# the `type` of a table in a parameter file
ADAPTERS: Final[dict[str, type[Adapter]]] = {
    "chainlink": Chainlink,
    "minimum": Minimum,
    "median": Median,
    "product": Product,
}
