# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockMixer: an owner that makes many calls in one transaction, and more of them when it is called back
@notice For tests only. `mix` makes up to 6 calls, none of which need succeed. Whatever it is called with and does not
        know, a callback of the vault or of a token, it answers by up to 4 calls of its own, made once each time.
"""
struct Step:
    target: address
    data: Bytes[1024]

struct Mixed:
    done: uint256  # bit i: the i-th step went through
    inside_done: uint256  # bit i: the i-th inner call went through, in a callback that was not undone
    inside_made: uint256  # inner calls made in such callbacks

_inside: DynArray[Step, 4]
_is_inside: transient(bool)
_inside_done: transient(uint256)
_inside_made: transient(uint256)


@external
def execute(target: address, data: Bytes[1024]):
    """
    @notice Make one call as this contract; its revert is passed on.
    """
    raw_call(target, data)


@external
def mix(steps: DynArray[Step, 6], inside: DynArray[Step, 4]) -> Mixed:
    self._inside = inside
    done: uint256 = 0
    for i: uint256 in range(len(steps), bound=6):
        if raw_call(steps[i].target, steps[i].data, revert_on_failure=False):
            done |= 1 << i
    return Mixed(done=done, inside_done=self._inside_done, inside_made=self._inside_made)


@external
def __default__():
    if self._is_inside:
        return
    self._is_inside = True
    for i: uint256 in range(len(self._inside), bound=4):
        if raw_call(self._inside[i].target, self._inside[i].data, revert_on_failure=False):
            self._inside_done |= 1 << i
        self._inside_made += 1
    self._is_inside = False
