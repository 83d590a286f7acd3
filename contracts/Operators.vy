# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Operators: who may act for an account besides its owner
@notice One list for every book. An owner gives an operator of one vault a bitmap over the 256 sub-accounts, by a call or
        by a signature that anyone may bring. `lockdown` moves the owner to the next epoch, which drops every operator in
        every vault at once, and to a new row of nonces, which drops every signature not yet used.
@custom:security A signature is good once, until its deadline, for one owner, one vault and one chain. The only call is
        the static one that asks an owner for EIP-1271; whatever it does, it can only fail to confirm. Nobody governs this.
@custom:freeze Nothing to freeze; `lockdown` is the owner's.
"""
from ..interfaces import IOperators
from .modules import reasons

implements: IOperators

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
SET_OPERATOR_TYPE: constant(bytes32) = keccak256(
    "SetOperator(address vault,address owner,address operator,uint256 bits,uint256 nonce,uint256 deadline)"
)
NAME: constant(bytes32) = keccak256("Surety Operators")
VERSION: constant(bytes32) = keccak256("1")
VALID: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000  # EIP-1271's

# vault, owner, epoch, operator
operator: public(HashMap[address, HashMap[address, HashMap[uint256, HashMap[address, uint256]]]])
epoch: public(HashMap[address, uint256])
nonces: public(HashMap[address, uint256])


@external
def set_operator(vault: address, operator: address, bits: uint256):
    """
    @notice Let `operator` act in `vault` for the caller's sub-accounts whose bit is set; 0 revokes.
    """
    self._set(vault, msg.sender, operator, bits)


@external
def set_operator_by_signature(
    vault: address,
    owner: address,
    operator: address,
    bits: uint256,
    deadline: uint256,
    signature: Bytes[1024],
):
    """
    @notice `set_operator` for an owner who has signed; anyone may bring the signature until `deadline`.
    @param signature EIP-712, of `SetOperator` with the owner's current nonce: 65 bytes r, s, v of the owner's key,
           or anything that an owner with code confirms by EIP-1271
    @dev A key's signature comes first, also of an owner with code: it may be an account delegating by EIP-7702. Of s the
         top bit alone is looked at: N - s has it set for every s below half of N but one in 2**127. An owner without
         code answers nothing. Of an answer longer than a word the first word counts; a shorter
         one is less as a number.
    """
    if block.timestamp > deadline:
        reasons.fail(reasons.SIGNATURE_EXPIRED)
    nonce: uint256 = self.nonces[owner]
    self.nonces[owner] = unsafe_add(nonce, 1)  # one more a call: never 2**256
    digest: bytes32 = keccak256(
        concat(
            0x1901,
            self._domain(),
            keccak256(abi_encode(SET_OPERATOR_TYPE, vault, owner, operator, bits, nonce, deadline)),
        )
    )
    signed: bool = False
    if len(signature) == 65:
        s: uint256 = convert(extract32(signature, 32), uint256)
        if s >> 255 == 0:
            signer: address = ecrecover(
                digest,
                convert(extract32(signature, 33), uint256) & 255,
                convert(extract32(signature, 0), uint256),
                s,
            )
            signed = signer == owner and signer != empty(address)
    if not signed:
        success: bool = False
        answer: Bytes[32] = b""
        success, answer = raw_call(
            owner,
            abi_encode(digest, signature, method_id=0x1626ba7e),
            max_outsize=32,
            is_static_call=True,
            revert_on_failure=False,
        )
        if not success or convert(answer, uint256) != convert(VALID, uint256):
            reasons.fail(reasons.BAD_SIGNATURE)
    self._set(vault, owner, operator, bits)


@external
def lockdown():
    """
    @notice Revoke every operator of the caller in every vault at once, and every signature not yet used: the next
            nonce is epoch << 128.
    """
    next: uint256 = self.epoch[msg.sender] + 1
    self.epoch[msg.sender] = next
    # a row of nonces of its own for each epoch: what was signed ahead dies as well
    self.nonces[msg.sender] = next << 128
    log IOperators.LockedDown(owner=msg.sender, epoch=next)


@external
@view
@reentrant
def DOMAIN_SEPARATOR() -> bytes32:
    """
    @notice The EIP-712 domain on the chain where it is asked: a signature does not hold on a fork with another chain id.
    """
    return self._domain()


@external
@view
@reentrant
def is_authorised(vault: address, owner: address, sub: uint256, who: address) -> bool:
    """
    @notice Whether `who` may act in `vault` for one sub-account: the owner, or an operator with its bit.
    """
    if who == owner:
        return True
    return self.operator[vault][owner][self.epoch[owner]][who] >> sub & 1 == 1


@internal
def _set(vault: address, owner: address, operator: address, bits: uint256):
    self.operator[vault][owner][self.epoch[owner]][operator] = bits
    log IOperators.OperatorSet(vault=vault, owner=owner, operator=operator, bits=bits)


@internal
@view
def _domain() -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, NAME, VERSION, chain.id, self))


