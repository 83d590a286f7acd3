# SPDX-License-Identifier: MIT
"""The keeper's own books: what it did, what came and went, how fast it called. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from surety.keeper import codec


@dataclass(slots=True)
class Stats:
    """What a keeper has done so far; coins in coin wei, fees in native wei, gas in units.

    `gas` is all of it, `poke_gas` the part that writing prices down cost. `blocks_to_call` counts,
    for each margin call seen, the blocks from the one in which the account became callable to the
    one in which the call was mined, whoever made it.
    """

    calls: int = 0
    takes: int = 0
    absorbs: int = 0
    sales: int = 0
    pokes: int = 0
    reverted: int = 0
    coins_in: int = 0
    coins_out: int = 0
    gas: int = 0
    poke_gas: int = 0
    fees: int = 0
    gas_value: int = 0
    max_blocks_to_call: int = 0
    blocks_to_call: list[int] = field(default_factory=list)

    @property
    def profit(self) -> int:
        """Coins in less coins out less gas at its value; unsold collateral counts nothing."""
        return self.coins_in - self.coins_out - self.gas_value

    def called_after(self, blocks: int) -> None:
        """Note how many blocks a margin call took."""
        self.blocks_to_call.append(blocks)
        self.max_blocks_to_call = max(self.max_blocks_to_call, blocks)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for JSON: amounts in wei as strings, counts as numbers."""
        return {
            "calls": self.calls,
            "takes": self.takes,
            "absorbs": self.absorbs,
            "sales": self.sales,
            "pokes": self.pokes,
            "reverted": self.reverted,
            "coins_in": str(self.coins_in),
            "coins_out": str(self.coins_out),
            "profit": str(self.profit),
            "gas": self.gas,
            "poke_gas": self.poke_gas,
            "gas_value": str(self.gas_value),
            "max_blocks_to_call": self.max_blocks_to_call,
        }


def coin_flows(logs: Iterable[Any], coin: str, owner: str) -> tuple[int, int]:
    """Return the coins that came to and left an address in the logs of one receipt (coin wei)."""
    came, left = 0, 0
    own = int(owner, 16)
    for log in logs:
        topics = log["topics"]
        if log["address"].lower() != coin.lower() or len(topics) != 3:
            continue
        if topics[0].lower() != codec.TRANSFER:
            continue
        amount = int(log["data"], 16)
        came += amount if int(topics[2], 16) == own else 0
        left += amount if int(topics[1], 16) == own else 0
    return came, left


def bought_in(logs: Iterable[Any], vault: str, buyer: str) -> list[tuple[int, int]]:
    """Return (kind, amount in base units) of each `Taken` of a buyer in the logs of one receipt."""
    found: list[tuple[int, int]] = []
    for log in logs:
        topics = log["topics"]
        if log["address"].lower() != vault.lower() or topics[0].lower() != codec.TAKEN:
            continue
        if int(topics[3], 16) == int(buyer, 16):
            found.append((int(topics[2], 16), int(log["data"][2:66], 16)))
    return found


@dataclass(slots=True)
class Deliveries:
    """Whether what was bought has arrived: a token may have come to keep a part of what it moves,
    or move nothing and say that it did. `short` are the kinds that have once delivered less.

    A vault books and charges what it sold, so that a simulation sees nothing of it.
    """

    short: set[int] = field(default_factory=set)
    _held: dict[int, int] = field(default_factory=dict)
    _change: dict[int, int] = field(default_factory=dict)
    _accounts: dict[int, int] = field(default_factory=dict)

    def bought(self, account: int, parts: Iterable[tuple[int, int]]) -> None:
        """Note what was bought out of an account: kinds and amounts."""
        for kind, amount in parts:
            self._change[kind] = self._change.get(kind, 0) + amount
            self._accounts[kind] = account

    def sold(self, kind: int, amount: int) -> None:
        """Note what was sold of a kind."""
        self._change[kind] = self._change.get(kind, 0) - amount

    def compare(self, held: Mapping[int, int]) -> list[int]:
        """Compare with what is held now, of the kinds that are known; return the account that the
        keeper last bought from of each kind that turns out short.

        Only a kind that was bought since the last comparison is judged: what is held may also be
        taken away by whoever owns it.
        """
        found: list[int] = []
        for kind, amount in held.items():
            account = self._accounts.pop(kind, None)
            least = self._held.get(kind, 0) + self._change.pop(kind, 0)
            if account is not None and amount < least and kind not in self.short:
                self.short.add(kind)
                found.append(account)
            self._held[kind] = amount
        return found


@dataclass(slots=True)
class Rests:
    """Who is left alone for a few blocks after failures: 1, 2, then at most `longest` blocks,
    never for good.
    """

    longest: int = 4
    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, int] = field(default_factory=dict)

    def failed(self, key: str, block: int) -> None:
        """Note a failure at a block."""
        count = self._failures.get(key, 0) + 1
        self._failures[key] = count
        self._until[key] = block + min(self.longest, 1 << min(count - 1, 8))

    def failures(self, key: str) -> int:
        """Return how often in a row something failed."""
        return self._failures.get(key, 0)

    def clear(self, key: str) -> None:
        """Forget the failures: something about it has changed."""
        self._failures.pop(key, None)
        self._until.pop(key, None)

    def resting(self, key: str, block: int) -> bool:
        """Return whether it is still left alone at a block."""
        return block < self._until.get(key, 0)
