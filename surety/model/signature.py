# SPDX-License-Identifier: MIT
"""What an owner signs to name an operator (EIP-712), and who signed it."""

from __future__ import annotations

from coincurve import PublicKey
from eth_abi.abi import encode
from eth_utils.crypto import keccak

_DOMAIN = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_SET_OPERATOR = keccak(
    text="SetOperator(address vault,address owner,address operator,uint256 bits,uint256 nonce,"
    "uint256 deadline)"
)
_NAME, _VERSION = keccak(text="Surety Operators"), keccak(text="1")


def operator_digest(
    operators: str,
    chain_id: int,
    vault: str,
    owner: str,
    operator: str,
    bits: int,
    nonce: int,
    deadline: int,
) -> bytes:
    """Return the digest to sign; `operators` is the contract that will check it."""
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [_DOMAIN, _NAME, _VERSION, chain_id, operators],
        )
    )
    order = keccak(
        encode(
            ["bytes32", "address", "address", "address", "uint256", "uint256", "uint256"],
            [_SET_OPERATOR, vault, owner, operator, bits, nonce, deadline],
        )
    )
    return bytes(keccak(b"\x19\x01" + domain + order))


def signer_of(digest: bytes, signature: bytes) -> int:
    """Return who signed with a key, as a number; 0 for nobody.

    A signature is 65 bytes r, s, v with v 27 or 28; one with a high s counts for nothing.
    """
    if len(signature) != 65 or signature[32] >> 7 or signature[64] not in (27, 28):
        return 0
    recoverable = signature[:64] + bytes([signature[64] - 27])
    try:
        key = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except Exception:  # noqa: BLE001 - coincurve raises bare Exception for what is no signature
        return 0
    return int.from_bytes(keccak(key.format(compressed=False)[1:])[12:])
