# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Operators: who may act for an account besides its owner
@notice An owner gives an operator a bitmap over the 256 sub-accounts. `lockdown` moves the owner to the next
        epoch, which drops every operator at once.
"""
from ...interfaces import IVault
from . import reasons

operator: public(HashMap[address, HashMap[uint256, HashMap[address, uint256]]])
epoch: public(HashMap[address, uint256])


@external
def set_operator(operator: address, bits: uint256):
    """
    @notice Let `operator` act for the caller's sub-accounts whose bit is set; 0 revokes.
    """
    self.operator[msg.sender][self.epoch[msg.sender]][operator] = bits
    log IVault.OperatorSet(owner=msg.sender, operator=operator, bits=bits)


@external
def lockdown():
    """
    @notice Revoke every operator of the caller at once.
    """
    next: uint256 = self.epoch[msg.sender] + 1
    self.epoch[msg.sender] = next
    log IVault.LockedDown(owner=msg.sender, epoch=next)


@internal
@view
def check_authorised(id: uint256):
    """
    @notice Assert that the caller is the owner of the account or an operator with its bit.
    """
    owner: address = convert(id >> 8, address)
    if msg.sender != owner:
        bits: uint256 = self.operator[owner][self.epoch[owner]][msg.sender]
        if (bits >> (id & 255)) & 1 == 0:
            reasons.fail("not authorised")
