# SPDX-License-Identifier: MIT
"""What an owner signs (EIP-712) to name an operator or to allow a spender, and who signed it."""

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
_PERMIT = keccak(
    text="Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
_OPERATORS = "Surety Operators"
_VERSION = keccak(text="1")


def domain_separator(name: str, chain_id: int, contract: str) -> bytes:
    """Return what binds a signature to one contract on one chain (EIP-712), version "1"."""
    return bytes(
        keccak(
            encode(
                ["bytes32", "bytes32", "bytes32", "uint256", "address"],
                [_DOMAIN, keccak(text=name), _VERSION, chain_id, contract],
            )
        )
    )


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
    domain = domain_separator(_OPERATORS, chain_id, operators)
    order = keccak(
        encode(
            ["bytes32", "address", "address", "address", "uint256", "uint256", "uint256"],
            [_SET_OPERATOR, vault, owner, operator, bits, nonce, deadline],
        )
    )
    return bytes(keccak(b"\x19\x01" + domain + order))


def permit_digest(
    domain: bytes, owner: str, spender: str, amount: int, nonce: int, deadline: int
) -> bytes:
    """Return the digest to sign for `permit` of the coin with this domain separator (ERC-2612)."""
    permitted = keccak(
        encode(
            ["bytes32", "address", "address", "uint256", "uint256", "uint256"],
            [_PERMIT, owner, spender, amount, nonce, deadline],
        )
    )
    return bytes(keccak(b"\x19\x01" + domain + permitted))


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
