# SPDX-License-Identifier: MIT
"""The ways in which a listed token can turn, by the rows of the catalogue of bad inputs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Mode(IntEnum):
    """What a move of a `HostileToken` does; its source says each in a line."""

    PLAIN = 0
    NOTHING = 1
    REFUSE = 2
    LIE = 3
    DENY = 4
    RAW = 5
    LONG = 6
    REVERT = 7
    SHOUT = 8
    BURN = 9
    FEE = 10
    TOLL = 11
    SHORT = 12
    HOOK_AFTER = 13
    HOOK_BEFORE = 14
    ALL = 15
    NARROW = 16
    STRICT = 17
    FREE_SELF = 18


class Says(IntEnum):
    """What `balanceOf` of a `HostileToken` says."""

    HONEST = 0
    MUTE = 1
    HUNGRY = 2
    POOR = 3
    ENDLESS = 4
    BYTES = 5


@dataclass(frozen=True, slots=True)
class Trait:
    """One way to be hostile: `id` begins with its row, `text` is for readers.

    `moves` is the mode of both directions. `rebase` (bps) is what balances become of what they
    were, for every holder at once. `blocked` names who is blocked: "vault", "caller", "receiver".
    """

    id: str
    text: str
    moves: Mode = Mode.PLAIN
    says: Says = Says.HONEST
    fee_bps: int = 0
    raw: bytes = b""
    rebase: int = 10_000
    blocked: str = ""
    decimals: int = 18
    is_gone: bool = False
    is_nameless: bool = False
    named: bytes = b""

    @property
    def takes(self) -> bool:
        """Tell whether it takes from whoever holds it, without being asked to move that."""
        lies = self.moves is Mode.LIE and self.says is Says.ENDLESS
        return self.moves is Mode.TOLL or self.rebase < 10_000 or lies


def word(number: int) -> bytes:
    return number.to_bytes(32)


# a name that no screen should ever show as it is
ODD_NAME = "<script>alert(1)</script>\x1b[31m\n\r\x00" + "A" * 10_000


def _abi_string(text: str) -> bytes:
    raw = text.encode()
    return word(32) + word(len(raw)) + raw + bytes(-len(raw) % 32)


PLAIN = Trait("plain", "a plain token")
TRAITS = (
    Trait("T01-no-return-value", "returns nothing (USDT)", Mode.NOTHING),
    Trait("T02-false", "returns false and moves nothing", Mode.REFUSE),
    Trait("T02-false-and-moves", "moves and returns false", Mode.DENY),
    Trait("T02-true-and-moves-nothing", "returns true and moves nothing", Mode.LIE),
    Trait("T03-two", "returns 2", Mode.RAW, raw=word(2)),
    Trait("T03-1-byte", "returns 1 byte", Mode.RAW, raw=b"\x01"),
    Trait("T03-31-bytes", "returns 31 bytes", Mode.RAW, raw=word(1)[1:]),
    Trait("T04-64-bytes", "returns true and another word", Mode.RAW, raw=word(1) + word(7)),
    Trait("T04-100-kB", "returns true and 100 kB", Mode.LONG),
    Trait("T05-reverts-with-100-kB", "reverts with 100 kB", Mode.SHOUT),
    Trait("T06-self-destructed", "has no code any more", is_gone=True),
    Trait("T07-fee-1-bp", "keeps 1 bp of each transfer", Mode.FEE, fee_bps=1),
    Trait("T07-fee-1-percent", "keeps 1 %", Mode.FEE, fee_bps=100),
    Trait("T07-fee-100-percent", "keeps everything", Mode.FEE, fee_bps=10_000),
    Trait("T08-fee-on-top", "charges the sender 1 % on top", Mode.TOLL, fee_bps=100),
    Trait("T09-rebase-down", "has halved every balance", rebase=5_000),
    Trait("T09-rebase-up", "has doubled every balance", rebase=20_000),
    Trait("T10-receive-hook", "calls back after moving (ERC-777)", Mode.HOOK_AFTER),
    Trait("T11-send-hook", "calls back before moving", Mode.HOOK_BEFORE),
    Trait("T13-decimals-changed", "has other decimals than when listed", decimals=6),
    Trait("T14-blocks-the-contract", "has blocked who holds it for others", blocked="place"),
    Trait("T14-blocks-the-caller", "has blocked the caller", blocked="caller"),
    Trait("T14-blocks-the-receiver", "has blocked the receiver", blocked="receiver"),
    Trait("T15-paused", "is paused: every move reverts", Mode.REVERT),
    Trait("T16-refuses-zero", "refuses amounts and approvals of zero", Mode.STRICT),
    Trait("T17-self-needs-no-allowance", "moves one's own without allowance", Mode.FREE_SELF),
    Trait("T18-max-means-all", "takes the largest number for the balance", Mode.ALL),
    Trait("T19-uint96", "refuses what does not fit 96 bits", Mode.NARROW),
    Trait(
        "T21-all-lies",
        "says that it moved, that everybody has everything, and moves nothing",
        Mode.LIE,
        Says.ENDLESS,
    ),
    Trait("T23-one-unit-less", "moves one unit less (stETH)", Mode.SHORT),
    Trait("T24-no-name", "has no name and no symbol", is_nameless=True),
    Trait("T24-bytes32-name", "has a bytes32 name (MKR)", named=b"Maker".ljust(32, b"\0")),
    Trait("T25-odd-name", "is named by HTML, ANSI and 10 kB", named=_abi_string(ODD_NAME)),
    Trait("T26-burns-gas-moving", "burns all gas when moved", Mode.BURN),
    Trait("T26-burns-gas-asked", "burns all gas when asked for a balance", says=Says.HUNGRY),
    Trait("T26-mute", "reverts when asked for a balance", says=Says.MUTE),
    Trait("T26-poor", "says that nobody has anything", says=Says.POOR),
    Trait("T26-endless", "says that everybody has everything", says=Says.ENDLESS),
    Trait("T26-64-bytes-balance", "says balances in 64 bytes", says=Says.BYTES, raw=word(0) * 2),
)
