# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title MockOperators: the operators module with nothing around it
@notice For tests only.
"""
from ..modules import operators

initializes: operators

exports: (
    operators.operator,
    operators.epoch,
    operators.nonces,
    operators.DOMAIN_SEPARATOR,
    operators.set_operator,
    operators.set_operator_by_signature,
    operators.lockdown,
)


@external
@view
def check(id: uint256):
    """
    @notice Revert unless the caller may act for the account.
    """
    operators.check_authorised(id)
