# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockActor: a contract that owns accounts, trades and answers every callback
@notice For tests only. Whatever it is called with and does not know, a callback, it answers by the calls set by
        `set_steps`, all of which must succeed. As an EIP-1271 owner it has signed exactly one digest.
"""

struct Step:
    target: address
    data: Bytes[1024]

steps: DynArray[Step, 8]
signed: bytes32


@external
def execute(target: address, data: Bytes[16384]) -> Bytes[4096]:
    """
    @notice Make one call as this contract; its revert is passed on.
    """
    return raw_call(target, data, max_outsize=4096)


@external
def set_steps(steps: DynArray[Step, 8]):
    self.steps = steps


@external
def sign(digest: bytes32):
    self.signed = digest


@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[1024]) -> bytes4:
    return 0x1626ba7e if digest == self.signed else 0x00000000


@external
def __default__():
    for step: Step in self.steps:
        raw_call(step.target, step.data)
