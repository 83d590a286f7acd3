# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Governed: one governor, handed over in two steps
@notice The governor names a successor, who must accept. There is no renouncing: a contract without a governor
        could never lift a pause.
@custom:security The governor is whoever the deployment names, in the end the timelock.
"""

from . import reasons

event GovernorProposed:
    pending: indexed(address)

event GovernorChanged:
    governor: indexed(address)

governor: public(address)
pending_governor: public(address)


@deploy
def __init__(governor: address):
    assert governor != empty(address), "zero governor"
    self.governor = governor
    log GovernorChanged(governor=governor)


@external
def propose_governor(pending: address):
    """
    @notice Name the next governor, or none with the zero address. Governor only.
    """
    self.check_governor()
    self.pending_governor = pending
    log GovernorProposed(pending=pending)


@external
def accept_governor():
    """
    @notice Take over; only the proposed governor.
    """
    if msg.sender != self.pending_governor:
        reasons.fail(reasons.NOT_PROPOSED)
    self.governor = msg.sender
    self.pending_governor = empty(address)
    log GovernorChanged(governor=msg.sender)


@internal
@view
def check_governor():
    if msg.sender != self.governor:
        reasons.fail(reasons.NOT_GOVERNOR)
