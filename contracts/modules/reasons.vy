# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Reasons: reverts with a reason at a third of the bytes
@notice An `assert` with a reason costs about 124 bytes of code each time; a call of `fail` about 60, and nothing on
        the path that does not fail.
"""


@internal
@pure
def fail(reason: String[32]):
    """
    @notice Revert with `reason`.
    """
    raise reason
