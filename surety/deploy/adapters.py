# SPDX-License-Identifier: MIT
"""Which price a kind gets: an adapter that exists, or one to deploy over feeds or other adapters.

Each class below is one contract of `contracts/oracles`; its fields are the constructor's arguments
in their order. A *source* is the address of an adapter that exists, or an adapter to deploy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Final, TypeAlias, get_type_hints

from surety.deploy.errors import ParamsError

MAX_DEPTH: Final = 3
# what an adapter beneath the hub has for its sources, and what it spends itself: before the first,
# on the call of each, and the 64th part that no call passes on (modules/source.vy)
ORACLE_GAS: Final = 298_500
_CALL_GAS: Final = 4_000
_OWN_GAS: Final = 250
_GAS_STEP: Final = 5_000


@dataclass(frozen=True, slots=True)
class Address:
    """A field that names a contract which must exist."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that names a source."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A field of 32 bytes that are not all zero, as 0x and 64 digits."""


@dataclass(frozen=True, slots=True)
class Number:
    """A field that is an integer from `low` to `high`."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Gas:
    """A field that is the gas for each source; left out, it is worked out when it is deployed."""

    low: int = 10_000
    high: int = ORACLE_GAS


Kind: TypeAlias = Address | Nested | Identifier | Number | Gas

# the types of fields
Feed: TypeAlias = Annotated[str, Address()]
Below: TypeAlias = Annotated["str | Adapter", Nested()]
SourceGas: TypeAlias = Annotated[int | None, Gas()]


@dataclass(frozen=True, slots=True)
class Adapter:
    """The base of all adapters; not one itself."""

    contract: ClassVar[str]
    shares: ClassVar[int] = 0  # parts of its gas, one for each source; 0 without sources
    needs: ClassVar[int] = 0  # gas that it must have beneath another, where it reads no other

    def check(self, place: str, depth: int = MAX_DEPTH) -> None:
        """Raise ParamsError where a constructor would refuse a number, or at too many levels."""
        if depth == 0:
            raise ParamsError(f"{place}: adapters nest at most {MAX_DEPTH} deep")
        sources = []
        for name, kind, value in self._arguments():
            if isinstance(kind, Number | Gas) and value is not None:
                if not kind.low <= value <= kind.high:
                    raise ParamsError(f"{place}.{name}: must be {kind.low}..{kind.high}")
            elif isinstance(kind, Nested):
                if value in sources:
                    raise ParamsError(f"{place}.{name}: the same source twice")
                sources.append(value)
            if isinstance(value, Adapter):
                value.check(f"{place}.{name}", depth - 1)

    def addresses(self, place: str) -> Iterator[tuple[str, str]]:
        """Yield each address that must have code, with its place."""
        for name, kind, value in self._arguments():
            if isinstance(value, Adapter):
                yield from value.addresses(f"{place}.{name}")
            elif isinstance(kind, Address | Nested):
                yield f"{place}.{name}", value

    def fitted(self, place: str, gas: int = ORACLE_GAS) -> Adapter:
        """Return this with the gas of every source settled, when it has `gas` to answer itself.

        Each source gets an equal share, rounded down, of what can be passed on, unless the gas is
        given. Raises ParamsError where a share is less than a source is known to need.
        """
        if not self.shares:
            return self
        changes: dict[str, Any] = {}
        own = gas - _OWN_GAS
        fair = (own - own // 64) // self.shares - _CALL_GAS
        given = next(value for _, kind, value in self._arguments() if isinstance(kind, Gas))
        share = fair // _GAS_STEP * _GAS_STEP if given is None else given
        for name, kind, value in self._arguments():
            if isinstance(kind, Gas):
                changes[name] = share
            elif isinstance(value, Adapter):
                if given is None and share < value.needs:
                    raise ParamsError(
                        f"{place}.{name}: {value.contract} needs {value.needs} gas and would get"
                        f" {share} here; give source_gas to have it so, or nest less"
                    )
                changes[name] = value.fitted(f"{place}.{name}", share)
        return replace(self, **changes)

    def deploy(self, create: Callable[..., str], made: dict[Adapter, str]) -> str:
        """Create what this stands on and then itself, each different adapter once; the address."""
        if self not in made:
            arguments = [
                value.deploy(create, made)
                if isinstance(value, Adapter)
                else bytes.fromhex(value[2:])
                if isinstance(kind, Identifier)
                else value
                for _, kind, value in self._arguments()
            ]
            made[self] = create(self.contract, *arguments)
        return made[self]

    def _arguments(self) -> Iterator[tuple[str, Kind, Any]]:
        for name, kind in arguments_of(type(self)).items():
            yield name, kind, getattr(self, name)


def arguments_of(adapter: type[Adapter]) -> dict[str, Kind]:
    """Return the constructor's arguments of an adapter in their order, and what each must be."""
    hints = get_type_hints(adapter, include_extras=True)
    return {
        name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")
    }


Source: TypeAlias = str | Adapter


@dataclass(frozen=True, slots=True)
class Chainlink(Adapter):
    """The latest round of an aggregator."""

    contract: ClassVar[str] = "ChainlinkOracle"
    needs: ClassVar[int] = 35_000
    aggregator: Feed


@dataclass(frozen=True, slots=True)
class Minimum(Adapter):
    """The lower of two prices."""

    contract: ClassVar[str] = "MinimumOracle"
    shares: ClassVar[int] = 2
    first: Below
    second: Below
    source_gas: SourceGas = None


@dataclass(frozen=True, slots=True)
class Median(Adapter):
    """The middle of three prices; the lower of two, where they agree, when the third is dead."""

    contract: ClassVar[str] = "MedianOracle"
    shares: ClassVar[int] = 3
    first: Below
    second: Below
    third: Below
    max_age: Annotated[int, Number(1, 2**24 - 1)]
    max_spread_bps: Annotated[int, Number(1, 2_000)]
    source_gas: SourceGas = None


@dataclass(frozen=True, slots=True)
class Product(Adapter):
    """One price times another: a ratio, and the price of what it is a ratio to."""

    contract: ClassVar[str] = "ProductOracle"
    shares: ClassVar[int] = 2
    first: Below
    second: Below
    source_gas: SourceGas = None


@dataclass(frozen=True, slots=True)
class Share(Adapter):
    """A share of an ERC-4626 vault: what it redeems for, times the price of the vault's asset.

    `expected_ratio` is whole assets for a whole share, RAY; growth in bps a year, period seconds.
    """

    contract: ClassVar[str] = "ShareOracle"
    shares: ClassVar[int] = 2  # the source and the vault
    vault: Feed
    underlying: Below
    source_gas: SourceGas = field(default=None, kw_only=True)
    max_growth_bps: Annotated[int, Number(1, 10_000)]
    period: Annotated[int, Number(3_600, 604_800)]
    expected_ratio: Annotated[int, Number(1, 2**128 - 1)]


@dataclass(frozen=True, slots=True)
class Twap(Adapter):
    """The mean price of a token in another, over a window of a Uniswap v3 pool.

    `fee` is in millionths, `window` in seconds, liquidity in the pool's units.
    """

    contract: ClassVar[str] = "UniswapTwapOracle"
    needs: ClassVar[int] = 120_000  # anybody may make the search in the pool's record this long
    factory: Feed
    token: Feed
    quote: Feed
    fee: Annotated[int, Number(1, 999_999)]
    window: Annotated[int, Number(900, 86_400)]
    min_cardinality: Annotated[int, Number(2, 65_535)]
    min_liquidity: Annotated[int, Number(1, 2**128 - 1)]


@dataclass(frozen=True, slots=True)
class Pyth(Adapter):
    """A price that somebody brings, signed, to a contract on this chain."""

    contract: ClassVar[str] = "PythOracle"
    needs: ClassVar[int] = 20_000
    pyth: Feed
    feed_id: Annotated[str, Identifier()]
    max_confidence_bps: Annotated[int, Number(1, 1_000)]


# the `type` of a table in a parameter file
ADAPTERS: Final[dict[str, type[Adapter]]] = {
    "chainlink": Chainlink,
    "minimum": Minimum,
    "median": Median,
    "product": Product,
    "share": Share,
    "twap": Twap,
    "pyth": Pyth,
}
