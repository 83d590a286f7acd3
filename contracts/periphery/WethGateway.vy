# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title WethGateway: native ETH in and out of an account's WETH
@notice `deposit` wraps what was sent and brings it into an account: into one that has WETH already for anybody, the first
        time for its owner only. `withdraw` pays WETH collateral out as ETH, for the owner only. Enabling and withdrawing
        need the owner to have made this contract an operator of the account; topping up needs nothing.
        Reasons: "not the owner" · "zero amount" · "bad receiver" · "only weth sends ether" · "approve failed" · "payment
        failed"; at construction "no code", "not weth"; and those of the vault.
@custom:security Vault, token and kind are immutable; no owner, no storage, and between calls nothing is held or approved.
        ETH that does not come from WETH is refused; what is forced in, and tokens sent by mistake, stay forever.
@custom:freeze Nothing to freeze: owners revoke it with `set_operator(vault, gateway, 0)`; the vault's pause of withdrawing with
        debt holds for it too.
"""
from ethereum.ercs import IERC20

from ...interfaces import IVault

interface Weth:
    def deposit(): payable
    def withdraw(amount: uint256): nonpayable

vault: public(immutable(address))
weth: public(immutable(address))
kind: public(immutable(uint256))


@deploy
def __init__(vault_: address, weth_: address, kind_: uint256):
    """
    @notice Serve one vault, whose kind `kind_` is WETH.
    """
    assert vault_.is_contract and weth_.is_contract, "no code"
    assert staticcall IVault(vault_).collateral(kind_) & (2**160 - 1) == convert(weth_, uint256), "not weth"
    vault = vault_
    weth = weth_
    kind = kind_


@external
@payable
@reentrant
def __default__():
    """
    @notice Take the ETH that WETH pays for a withdrawal, within the 2,300 gas that it sends along; refuse any other.
    """
    assert msg.sender == weth, "only weth sends ether"


@external
@payable
def deposit(account: uint256):
    """
    @notice Wrap the ETH sent and add it to an account: anyone where WETH is enabled, the owner to enable it.
    """
    amount: uint256 = msg.value
    assert amount > 0, "zero amount"
    # the vault sees an operator, whoever calls: a stranger must not enable a kind through it
    if staticcall IVault(vault).balances(account, kind) == 0:
        self.check_owner(account)
    extcall Weth(weth).deposit(value=amount)
    assert extcall IERC20(weth).approve(vault, amount), "approve failed"
    extcall IVault(vault).deposit(account, kind, amount)


@external
def withdraw(account: uint256, amount: uint256, receiver: address) -> uint256:
    """
    @notice Pay WETH collateral out as ETH; the owner only. With debt left, the initial level must hold afterwards.
    @param amount wei; max_value(uint256) = the whole balance
    @param receiver is called with all gas and no data; it cannot call back in
    @return wei paid
    """
    self.check_owner(account)
    assert receiver != empty(address) and receiver != self and receiver != vault, "bad receiver"
    paid: uint256 = amount
    if amount == max_value(uint256):
        paid = staticcall IVault(vault).balances(account, kind)
    extcall IVault(vault).withdraw(account, kind, paid, self)
    extcall Weth(weth).withdraw(paid)
    assert raw_call(receiver, b"", value=paid, revert_on_failure=False), "payment failed"
    return paid


@internal
@view
def check_owner(account: uint256):
    assert account >> 8 == convert(msg.sender, uint256), "not the owner"
