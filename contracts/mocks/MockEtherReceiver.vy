# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockEtherReceiver: a contract that owns accounts and makes a call when it is paid ether
@notice For tests only. The outcome of the call set by `set_attempt` is recorded and changes nothing. While `refuses` is set it takes
        no ether.
"""
target: address
data: Bytes[1024]
attempts: public(uint256)
successes: public(uint256)
refuses: public(bool)


@external
@payable
def __default__():
    assert not self.refuses, "refused"
    if self.target == empty(address):
        return
    self.attempts += 1
    if raw_call(self.target, self.data, revert_on_failure=False):
        self.successes += 1


@external
@payable
def execute(target: address, data: Bytes[1024]) -> Bytes[1024]:
    """
    @notice Make one call as this contract, with the ether sent along; its revert is passed on.
    """
    return raw_call(target, data, max_outsize=1024, value=msg.value)


@external
def set_attempt(target: address, data: Bytes[1024]):
    self.target = target
    self.data = data


@external
def set_refuses(refuses: bool):
    self.refuses = refuses
