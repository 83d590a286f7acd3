# SPDX-License-Identifier: MIT
"""Read hundreds of views of one block in a single `eth_call`, and what a demo reads with it.

The node is asked to pretend that a free address holds READER, which passes each call on and packs
the answers; nothing is deployed. A few hundred accounts take some milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from surety.chain import Block, Contract, Rpc
from surety.keeper.words import Price

WORD: Final = 32
CALL_BYTES: Final = 68  # a selector and two words
READER_AT: Final = "0x00000000000000000000000000000000a5515700"
GAS: Final = 900_000_000
PAGE: Final = 128  # accounts in one call of the lens

# calldata: bytes per answer, then for each call its address (a word) and 68 bytes of call data
READER: Final = bytes.fromhex(
    "6020610100"  # ptr = 32, out = 256
    "5b3682101561003557"  # loop: if ptr >= calldatasize goto end
    "604482602001600037"  # calldatacopy(0, ptr + 32, 68)
    "600035816044600085355afa"  # call(calldata[ptr], 0, 68, out, calldata[0])
    "1561003f57"  # if it failed goto fail
    "600035019060640190"  # out += calldata[0], ptr += 100
    "61000556"  # goto loop
    "5b6101009003610100f3"  # end: return(256, out - 256)
    "5b60006000fd"  # fail: revert
)


@dataclass(frozen=True, slots=True)
class Levels:
    """What the lens says of one account: debt, value at `hi` and four capacities, WAD."""

    debt: int
    value: int
    initial: int
    target: int
    maintenance: int
    close_out: int


@dataclass(frozen=True, slots=True)
class State:
    """The storage of a vault, its coin and its fund at one block, as views answer it.

    `words` and `levels` are by account, `balances` by account and kind; the rest by kind or single.
    Of prices there are three: `stored` in the hub, `quotes` that a reader gets of it now, and
    `market`, what the oracles answer (WAD).
    """

    number: int
    now: int
    words: Mapping[int, int]
    balances: Mapping[tuple[int, int], int]
    levels: Mapping[int, Levels]
    deposited: Mapping[int, int]
    absorbed: Mapping[int, int]
    held: Mapping[int, int]
    totals: int
    interest: int
    live_index: int
    total_debt: int
    supply: int
    purse: int
    equity: tuple[int, int]
    stored: tuple[Price, ...]
    quotes: tuple[Price, ...]
    market: tuple[int, ...]

    @property
    def prices(self) -> tuple[int, ...]:
        """The price of each kind by which accounts are judged: `hi` as read, WAD."""
        return tuple(price.hi for price in self.quotes)


class Probe:
    """Reads a whole book at one block in one round trip."""

    def __init__(
        self,
        rpc: Rpc,
        vault: Contract,
        lens: Contract,
        coin: Contract,
        fund: Contract,
        hub: Contract,
        tokens: Sequence[Contract],
        oracles: Sequence[Contract],
    ) -> None:
        self._rpc = rpc
        self._vault = vault
        self._lens = lens
        self._coin = coin
        self._fund = fund
        self._hub = hub
        self._tokens = tokens
        self._oracles = oracles
        self._accounts: tuple[int, ...] = ()
        self._word_calls = b""

    def watch(self, accounts: Sequence[int], keeper: str) -> None:
        """Set which accounts are read, and whose purse; the calls are encoded once."""
        self._accounts = tuple(accounts)
        vault, kinds = self._vault, range(len(self._tokens))
        calls: list[tuple[str, bytes]] = []
        for account in accounts:
            calls.append((vault.address, vault.encode("accounts", account)))
            calls += [(vault.address, vault.encode("balances", account, k)) for k in kinds]
        for kind, token in enumerate(self._tokens):
            calls.append((vault.address, vault.encode("deposited", kind)))
            calls.append((vault.address, vault.encode("absorbed", kind)))
            calls.append((token.address, token.encode("balanceOf", vault.address)))
            calls.append((self._hub.address, self._hub.encode("words", kind)))
        views = ("totals", "interest", "live_index", "total_debt")
        calls += [(vault.address, vault.encode(view)) for view in views]
        calls.append((self._coin.address, self._coin.encode("totalSupply")))
        calls.append((self._coin.address, self._coin.encode("balanceOf", keeper)))
        self._word_calls = _packed(WORD, calls)

    def levels(self, accounts: Sequence[int]) -> dict[int, Levels]:
        """Return the levels of some accounts at the newest block."""
        return self._levels(accounts, self._rpc.batch(self._level_requests(accounts, "latest")))

    def read(self, number: int, now: int) -> State:
        """Return everything at a block; `now` is its time."""
        tag = hex(number)
        count = len(self._oracles)
        found, surplus, prices, *rest = self._rpc.batch(
            [
                _request(self._word_calls, tag),
                self._fund.request("equity", block=number),
                self._hub.request("read", self._every_kind(), block=number),
                *(oracle.request("price", block=number) for oracle in self._oracles),
                *self._level_requests(self._accounts, number),
            ]
        )
        said, measured = rest[:count], rest[count:]
        cells = iter(_words(found))
        kinds = range(len(self._tokens))
        words: dict[int, int] = {}
        balances: dict[tuple[int, int], int] = {}
        for account in self._accounts:
            words[account] = next(cells)
            for kind in kinds:
                balances[account, kind] = next(cells)
        deposited, absorbed, held = {}, {}, {}
        stored: list[Price] = []
        for kind in kinds:
            deposited[kind], absorbed[kind], held[kind] = next(cells), next(cells), next(cells)
            stored.append(Price.from_word(next(cells)))
        pair = _words(surplus)
        return State(
            number=number,
            now=now,
            words=words,
            balances=balances,
            levels=self._levels(self._accounts, measured),
            deposited=deposited,
            absorbed=absorbed,
            held=held,
            totals=next(cells),
            interest=next(cells),
            live_index=next(cells),
            total_debt=next(cells),
            supply=next(cells),
            purse=next(cells),
            equity=(pair[0], pair[1]),
            stored=tuple(stored),
            quotes=tuple(Price.from_word(word) for word in self._hub.decode("read", prices)),
            market=tuple(_words(answer)[0] for answer in said),
        )

    def prices(self) -> tuple[int, ...]:
        """Return the price `hi` of each kind (WAD) that a transaction would see now."""
        found = self._hub.read("read", self._every_kind())
        return tuple(Price.from_word(word).hi for word in found)

    def _every_kind(self) -> int:
        return (1 << len(self._tokens)) - 1

    def _level_requests(
        self, accounts: Sequence[int], block: Block
    ) -> list[tuple[str, list[object]]]:
        """Return one call of the lens for each page of accounts."""
        pages = [accounts[at : at + PAGE] for at in range(0, len(accounts), PAGE)]
        vault = self._vault.address
        return [self._lens.request("levels_of", vault, page, block=block) for page in pages]

    def _levels(self, accounts: Sequence[int], answers: Sequence[str]) -> dict[int, Levels]:
        rows = [row for answer in answers for row in self._lens.decode("levels_of", answer)]
        return {account: Levels(*row) for account, row in zip(accounts, rows, strict=True)}


def _packed(answer_bytes: int, calls: Sequence[tuple[str, bytes]]) -> bytes:
    parts = [answer_bytes.to_bytes(WORD, "big")]
    for address, data in calls:
        parts.append(int(address, 16).to_bytes(WORD, "big"))
        parts.append(data.ljust(CALL_BYTES, b"\0"))
    return b"".join(parts)


def _request(data: bytes, tag: str) -> tuple[str, list[object]]:
    call = {"to": READER_AT, "data": "0x" + data.hex(), "gas": hex(GAS)}
    return "eth_call", [call, tag, {READER_AT: {"code": "0x" + READER.hex()}}]


def _words(answer: str) -> list[int]:
    digits = answer[2:]
    return [int(digits[at : at + 64], 16) for at in range(0, len(digits), 64)]
