# SPDX-License-Identifier: MIT
"""The calls a keeper makes and the logs it reads, encoded from their signatures alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from surety.chain import DecodeError, Function


class BadAnswer(Exception):
    """An answer of the node is not what was asked for; nothing may be concluded from it."""


def function(signature: str, returns: str = "") -> Function:
    """Make a function from `name(type,type)` and comma-separated return types; no tuples."""
    name, _, rest = signature.partition("(")
    return Function.of(
        {"name": name, "inputs": _items(rest.rstrip(")")), "outputs": _items(returns)}
    )


def _items(types: str) -> list[dict[str, str]]:
    return [{"type": part} for part in types.split(",") if part]


def result(fn: Function, data: Any) -> Any:
    """Decode what a call returned, a tuple of several values; raises BadAnswer on anything else."""
    try:
        return fn.decode(bytes.fromhex(data.removeprefix("0x")))
    except (AttributeError, DecodeError, TypeError, ValueError) as error:
        raise BadAnswer(f"{fn.name}: undecodable answer") from error


def topic(signature: str) -> str:
    """Return the first topic of an event."""
    return "0x" + keccak(text=signature).hex()


MARGIN_CALL = function("margin_call(uint256)", "uint256")
TAKE = function("take(uint256,uint256,uint256,uint256,address,bytes)", "uint256,uint256")
ABSORB = function("absorb(uint256)")

LIVE_INDEX = function("live_index()", "uint256")
TOTALS = function("totals()", "uint256")
COIN = function("coin()", "address")
HUB = function("hub()", "address")
GRACE_PERIOD = function("grace_period()", "uint256")
AUCTION_DURATION = function("auction_duration()", "uint256")
CALL_COOL_DOWN = function("call_cool_down()", "uint256")
DEBT_FLOOR = function("debt_floor()", "uint256")
CALL_TIP = function("call_tip()", "uint256")
LIQUIDATION_PENALTY = function("liquidation_penalty()", "uint256")
HUB_READ = function("read(uint256)", "uint256[]")
HUB_READ_ONE = function("read_one(uint256)", "uint256")
HUB_WORDS = function("words(uint256)", "uint256")
HUB_POKE = function("poke(uint256)")
HUB_KIND_COUNT = function("kind_count()", "uint256")
HUB_FRESH_FOR = function("fresh_for()", "uint256")
HUB_CONFIRM_PERIOD = function("confirm_period()", "uint256")
HUB_SEQUENCER = function("sequencer()", "address")
TOKEN_OF = function("token_of(uint256)", "address")
CONFIG_OF = function("config_of(uint256)", "address,uint256,uint256,uint256")
BOUNDS_OF = function("bounds_of(uint256)", "uint256,uint256")
LIMITS_OF = function("limits_of(uint256)", "uint256,uint256,uint256")
VOLATILITY_OF = function("volatility_of(uint256)", "uint256,uint256,uint256")
ORACLE_PRICE = function("price()", "uint256,uint256")
LATEST_ROUND = function("latestRoundData()", "uint80,int256,uint256,uint256,uint80")
SYMBOL = function("symbol()", "string")

BALANCE_OF = function("balanceOf(address)", "uint256")
ALLOWANCE = function("allowance(address,address)", "uint256")
APPROVE = function("approve(address,uint256)", "bool")

MARKET_SELL = function("sell(address,uint256,uint256,address)", "uint256")
MARKET_QUOTE_SELL = function("quote_sell(address,uint256)", "uint256")

ACCOUNT_UPDATED = topic("AccountUpdated(uint256,uint256,uint256,uint256)")
MARGIN_CALLED = topic("MarginCalled(uint256,uint256,address,uint256)")
COLLATERAL_LISTED = topic("CollateralListed(uint256,address,uint256,uint256)")
COLLATERAL_CHANGED = topic("CollateralChanged(uint256,uint256,uint256)")
TAKEN = topic("Taken(uint256,uint256,address,uint256,uint256,uint256,uint256)")
TRANSFER = topic("Transfer(address,address,uint256)")


@dataclass(frozen=True, slots=True)
class Call:
    """What one transaction or eth_call says: to whom, which data, and the most gas it may use."""

    to: str
    data: bytes
    gas: int = 1_000_000

    def as_request(self, sender: str) -> dict[str, str]:
        """Return the eth_call object, sent from `sender`."""
        return {
            "from": sender,
            "to": self.to,
            "data": "0x" + self.data.hex(),
            "gas": hex(self.gas),
        }


def view_request(to: str, fn: Function, *args: Any) -> dict[str, str]:
    """Return the eth_call object of a view."""
    return {"to": to, "data": "0x" + fn.encode(*args).hex()}
