# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockBorrower: takes flash loans of the coin and does with them what it is told
@notice For tests only. Inside `onFlashLoan` it makes the calls set by `set_steps`, all of which must succeed, then records
        the outcome of the one call set by `set_attempt`, and answers what `set_answer` says (at first what ERC-3156
        wants). It checks nothing, and pays what it holds and allows.
"""
from ...interfaces import IFlashBorrower

implements: IFlashBorrower

struct Step:
    target: address
    data: Bytes[1024]

event Called:
    lender: indexed(address)
    initiator: indexed(address)
    token: address
    amount: uint256
    fee: uint256
    data: Bytes[1024]

steps: DynArray[Step, 16]
attempt: Step
attempted: public(bool)
succeeded: public(bool)
response: public(Bytes[8192])  # to the last attempt
answer: bytes32


@deploy
def __init__():
    self.answer = keccak256("ERC3156FlashBorrower.onFlashLoan")


@external
def execute(target: address, data: Bytes[4096]) -> Bytes[1024]:
    """
    @notice Make one call as this contract; its revert is passed on.
    """
    return raw_call(target, data, max_outsize=1024)


@external
def set_steps(steps: DynArray[Step, 16]):
    self.steps = steps


@external
def set_attempt(target: address, data: Bytes[1024]):
    """
    @notice Try this call inside the next callbacks; forgets the last outcome.
    """
    self.attempt = Step(target=target, data=data)
    self.attempted = False
    self.succeeded = False
    self.response = b""


@external
def set_answer(answer: bytes32):
    self.answer = answer


@external
def onFlashLoan(initiator: address, token: address, amount: uint256, fee: uint256, data: Bytes[1024]) -> bytes32:
    log Called(lender=msg.sender, initiator=initiator, token=token, amount=amount, fee=fee, data=data)
    for step: Step in self.steps:
        raw_call(step.target, step.data)
    if self.attempt.target != empty(address):
        self.attempted = True
        self.succeeded, self.response = raw_call(
            self.attempt.target, self.attempt.data, max_outsize=8192, revert_on_failure=False
        )
    return self.answer
