# SPDX-License-Identifier: MIT
"""Where the keeper sells what it took: a small protocol, and a contract that speaks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from surety.chain import Rpc
from surety.keeper import codec
from surety.keeper.codec import Call
from surety.keeper.node import Failure, ask


class Market(Protocol):
    """A place that buys tokens for coins."""

    @property
    def spender(self) -> str:
        """The address that needs an allowance for what is sold."""
        ...

    def quote_sell(self, sales: Sequence[tuple[str, int]], block: int) -> list[int | None]:
        """Return for each (token, amount) the coins a sale would bring at a block, None when
        unknown.

        Raises TransportError when the answer is unknown for all.
        """
        ...

    def sell(self, token: str, amount: int, min_out: int, receiver: str) -> Call:
        """Return the call that sells `amount` of a token for at least `min_out` coins."""
        ...


class ContractMarket:
    """A contract with `quote_sell(token, amount)` and `sell(token, amount, min_out, receiver)`."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        self._rpc = rpc
        self._address = address

    @property
    def spender(self) -> str:
        """The address that needs an allowance for what is sold."""
        return self._address

    def quote_sell(self, sales: Sequence[tuple[str, int]], block: int) -> list[int | None]:
        """Ask the contract for all quotes in one round trip."""
        answers = ask(
            self._rpc,
            [
                (
                    "eth_call",
                    [
                        codec.view_request(self._address, codec.MARKET_QUOTE_SELL, token, amount),
                        hex(block),
                    ],
                )
                for token, amount in sales
            ],
        )
        return [
            None
            if isinstance(answer, Failure)
            else int(codec.result(codec.MARKET_QUOTE_SELL, answer))
            for answer in answers
        ]

    def sell(self, token: str, amount: int, min_out: int, receiver: str) -> Call:
        """Return the call of `sell`."""
        data = codec.MARKET_SELL.encode(token, amount, min_out, receiver)
        return Call(self._address, data, gas=500_000)
