# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockAdjuster: a contract that owns accounts and is called back by `adjust`
@notice For tests only. Inside `on_adjust` it makes the calls set by `set_steps`, all of which must succeed, and then one
        call set by `set_attempt`, whose outcome it only records.
"""
struct Step:
    target: address
    data: Bytes[1024]

event Called:
    sender: indexed(address)
    account: uint256
    data: Bytes[1024]

steps: DynArray[Step, 8]
attempt: Step
attempts: public(uint256)
successes: public(uint256)
reasonless: public(uint256)  # failures without a reason, as a lock's are
answer: public(Bytes[1024])  # of the last attempt


@external
def execute(target: address, data: Bytes[4096]) -> Bytes[1024]:
    """
    @notice Make one call as this contract; its revert is passed on.
    """
    return raw_call(target, data, max_outsize=1024)


@external
def set_steps(steps: DynArray[Step, 8]):
    self.steps = steps


@external
def set_attempt(target: address, data: Bytes[1024]):
    """
    @notice Try this call inside the next callbacks; resets the counters.
    """
    self.attempt = Step(target=target, data=data)
    self.attempts = 0
    self.successes = 0
    self.reasonless = 0
    self.answer = b""


@external
def on_adjust(account: uint256, data: Bytes[1024]):
    log Called(sender=msg.sender, account=account, data=data)
    for step: Step in self.steps:
        raw_call(step.target, step.data)
    if self.attempt.target == empty(address):
        return
    success: bool = False
    response: Bytes[1024] = b""
    success, response = raw_call(
        self.attempt.target, self.attempt.data, max_outsize=1024, revert_on_failure=False
    )
    self.answer = response
    self.attempts += 1
    if success:
        self.successes += 1
    elif len(response) == 0:
        self.reasonless += 1
