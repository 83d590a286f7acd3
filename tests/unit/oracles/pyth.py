# SPDX-License-Identifier: MIT
"""The publisher of `MockPyth`: signs price messages as the contract checks them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eth_account import Account
from eth_utils.crypto import keccak

FEED = keccak(text="ETH/USD")
KEY = "0x" + "5a" * 32
PUBLISHER = Account.from_key(KEY).address
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Message:
    """One price: `price` and `conf` in 10**expo coin units, `time` in unix seconds."""

    price: int
    time: int
    conf: int = 0
    expo: int = -8
    feed: bytes = FEED

    def words(self, chain_id: int) -> bytes:
        numbers = (self.price, self.conf, self.expo, self.time)
        return b"".join(
            [chain_id.to_bytes(32), self.feed, *(n.to_bytes(32, signed=n < 0) for n in numbers)]
        )

    def sign(self, oracle: str, chain_id: int, key: str = KEY) -> bytes:
        """Return the update bytes for one `MockPyth` on one chain."""
        words = self.words(chain_id)
        domain = b"surety mock pyth" + bytes.fromhex(oracle[2:])
        signed = Account.unsafe_sign_hash(keccak(domain + words), key)
        return words + b"".join(n.to_bytes(32) for n in (signed.v, signed.r, signed.s))

    def but(self, **other: object) -> Message:
        return replace(self, **other)
