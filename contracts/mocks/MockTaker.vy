# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockTaker: a keeper contract that buys with a callback, honest or not
@notice For tests only. `take` with data of one byte says what the callback does: 0 nothing, so that it must hold the
        coins already; 1 sells what it got on the market; 2 makes every attempt given by `add_attempt` against the
        vault, records which went through, and then sells; 3 reverts.
"""
from ethereum.ercs import IERC20
from ...interfaces import IVault

interface Market:
    def sell(token: address, amount: uint256, min_out: uint256, receiver: address) -> uint256: nonpayable

MAX_ATTEMPTS: constant(uint256) = 96

vault: public(immutable(address))
market: public(immutable(address))

sold: public(uint256)  # what the last take returned
cost: public(uint256)
tip: public(uint256)  # what the last margin call returned
called_with: public(uint256[4])  # what the last callback was given: account, kind, amount, cost
held_in_callback: public(uint256)  # token that had arrived by then
token: public(address)
attempts: DynArray[Bytes[1024], MAX_ATTEMPTS]
results: DynArray[bool, MAX_ATTEMPTS]
_taking: transient(bool)


@deploy
def __init__(vault_: address, market_: address):
    vault = vault_
    market = market_


@external
def add_attempt(data: Bytes[1024]):
    self.attempts.append(data)


@external
@view
def all_results() -> DynArray[bool, MAX_ATTEMPTS]:
    return self.results


@external
def approve(token: address, spender: address):
    extcall IERC20(token).approve(spender, max_value(uint256), default_return_value=True)


@external
def margin_call(account: uint256):
    self.tip = extcall IVault(vault).margin_call(account)


@external
def take(account: uint256, kind: uint256, amount: uint256, max_price: uint256, receiver: address, data: Bytes[32]):
    self._taking = True
    self.sold, self.cost = extcall IVault(vault).take(account, kind, amount, max_price, receiver, data)
    self._taking = False


@external
def on_take(account: uint256, kind: uint256, amount: uint256, cost: uint256, data: Bytes[1024]):
    assert msg.sender == vault and self._taking, "not called for"
    mode: uint256 = convert(slice(data, 0, 1), uint256)
    assert mode != 3, "changed my mind"
    if mode != 0:
        self.called_with = [account, kind, amount, cost]
    if mode == 2:
        self.results = []
        for attempt: Bytes[1024] in self.attempts:
            self.results.append(raw_call(vault, attempt, revert_on_failure=False))
    if mode != 0:
        token: address = self.token
        self.held_in_callback = staticcall IERC20(token).balanceOf(self)
        extcall IERC20(token).approve(market, amount, default_return_value=True)
        extcall Market(market).sell(token, amount, cost, self)


@external
def set_token(token: address):
    """
    @notice Name the token that the callback sells: the vault's views are locked by then.
    """
    self.token = token
