# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title GasProbe: what a call costs the contract that makes it
@notice For measurements and tests only. It can also stand for any contract that must make a call: `execute`.
"""
from ...interfaces import IPriceHub
from ...interfaces import IVault

event Measured:
    gas: uint256
    response: Bytes[1024]


@external
@payable
def measure(target: address, data: Bytes[4096]) -> uint256:
    """
    @notice Make one call and log the gas it cost, account access included; its revert is passed on.
    """
    before: uint256 = msg.gas
    response: Bytes[1024] = raw_call(target, data, max_outsize=1024)
    used: uint256 = before - msg.gas
    log Measured(gas=used, response=response)
    return used


@external
def measure_health(vault: address, account: uint256) -> uint256:
    """
    @notice The gas that a contract pays to read an account's health, access to the vault included.
    """
    before: uint256 = msg.gas
    health: uint256 = staticcall IVault(vault).health_factor(account)
    used: uint256 = before - msg.gas
    assert health != 0
    return used


@external
def measure_prices(hub: address, kinds: uint256) -> uint256:
    """
    @notice The gas that a contract pays to sync the first `kinds` kinds one by one, as a vault does.
    """
    before: uint256 = msg.gas
    for kind: uint256 in range(kinds, bound=8):
        extcall IPriceHub(hub).sync_one(kind)
    return before - msg.gas


@external
def execute(target: address, data: Bytes[4096], allowance: uint256) -> Bytes[1024]:
    """
    @notice Make one call with at most `allowance` gas (0 = all); its revert is passed on.
    """
    if allowance == 0:
        return raw_call(target, data, max_outsize=1024)
    return raw_call(target, data, max_outsize=1024, gas=allowance)
