# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Transfers: the only way tokens move
@notice Accepts tokens that return nothing or true; refuses false, anything longer that is not true, a revert
        and an address without code.
@custom:security Callers must hold the lock and must have finished their effects: a token may call anyone.
"""
from ethereum.ercs import IERC20


@internal
def pull(token: address, payer: address, amount: uint256):
    """
    @notice Bring `amount` in from `payer`, who has approved this contract.
    """
    assert extcall IERC20(token).transferFrom(payer, self, amount, default_return_value=True), "transfer in failed"


@internal
def push(token: address, receiver: address, amount: uint256):
    """
    @notice Pay `amount` out to `receiver`.
    """
    assert extcall IERC20(token).transfer(receiver, amount, default_return_value=True), "transfer out failed"


@internal
@view
def check_solvent(token: address, total: uint256):
    """
    @notice Assert after a transfer in that this contract really holds what it has booked: refuses
            fee-on-transfer and short transfers.
    """
    assert staticcall IERC20(token).balanceOf(self) >= total, "token kept a fee"
