# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockHostileVault: a vault that reports another's kinds, pays coins out of its own pocket and calls back as it likes
@notice For tests only. `adjust` pays a positive debt_delta in coins, calls the caller back as often as set, and pulls what
        comes in, or nothing at all.
"""
from ethereum.ercs import IERC20

from ...interfaces import ICallbacks
from ...interfaces import IVault

real: immutable(address)
callbacks: public(uint256)
pulls: public(bool)


@deploy
def __init__(real_: address):
    real = real_
    self.pulls = True


@external
def set_callbacks(callbacks: uint256):
    self.callbacks = callbacks


@external
def set_pulls(pulls: bool):
    self.pulls = pulls


@external
@view
def coin() -> address:
    return staticcall IVault(real).coin()


@external
@view
def collateral(kind: uint256) -> uint256:
    return staticcall IVault(real).collateral(kind)


@external
@view
def deposited(kind: uint256) -> uint256:
    return 0


@external
def adjust(
    account: uint256,
    legs: DynArray[IVault.Leg, 8],
    debt_delta: int256,
    receiver: address,
    data: Bytes[1024],
):
    if debt_delta > 0:
        extcall IERC20(staticcall IVault(real).coin()).transfer(receiver, convert(debt_delta, uint256))
    for _: uint256 in range(self.callbacks, bound=8):
        extcall ICallbacks(msg.sender).on_adjust(account, data)
    if not self.pulls:
        return
    for leg: IVault.Leg in legs:
        if leg.delta > 0:
            token: address = convert(staticcall IVault(real).collateral(leg.kind) & (2**160 - 1), address)
            extcall IERC20(token).transferFrom(msg.sender, self, convert(leg.delta, uint256))
