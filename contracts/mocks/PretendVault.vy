# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title PretendVault: looks like a vault, its fund, its hub and its coin at once
@notice For tests only. It answers all that a settlement asks as its deployer likes, and makes one call of his when it is
        told to pay out.
"""

governor: public(address)
coin: public(address)
fund: public(address)
hub: public(address)
operators: public(address)
deficit: public(uint256)
target: address
data: Bytes[1024]
calls: public(uint256)
succeeded: public(bool)
response: public(Bytes[256])
paid: public(uint256)


@deploy
def __init__(coin: address):
    """
    @param coin whose coins it asks for, zero for its own
    """
    self.governor = msg.sender
    self.coin = coin if coin != empty(address) else self
    self.fund = self
    self.hub = self
    self.operators = self


@external
def set_coin(coin: address):
    self.coin = coin


@external
def set_deficit(deficit: uint256):
    self.deficit = deficit


@external
def set_call(target: address, data: Bytes[1024]):
    self.target = target
    self.data = data


# as a vault


@external
@view
def collateral(kind: uint256) -> uint256:
    return 18 << 240 | 1 if kind == 0 else 0


@external
@view
def deposited(kind: uint256) -> uint256:
    return self._absorbed(kind)


@external
@view
def absorbed(kind: uint256) -> uint256:
    return self._absorbed(kind)


@internal
@view
def _absorbed(kind: uint256) -> uint256:
    return 10**24 if kind == 0 else 0


@external
@view
def total_debt() -> uint256:
    return 0


@external
def shutdown():
    pass


@external
def withdraw_absorbed(kind: uint256, amount: uint256, receiver: address):
    self.paid += amount
    self.calls += 1
    self.succeeded, self.response = raw_call(self.target, self.data, max_outsize=256, revert_on_failure=False)


# as a hub


@external
@view
def live_price(kind: uint256) -> uint256:
    return 10**18


@external
def sync_one(kind: uint256) -> uint256:
    return 10**18 | 10**18 << 88


# as a fund


@external
@view
def books() -> DynArray[address, 16]:
    return [self]


@external
@view
def equity() -> (uint256, uint256):
    return 0, self.deficit


@external
@view
def reserves() -> DynArray[address, 16]:
    return [self]


# as a coin


@external
@view
def minted(minter: address) -> uint256:
    return 0

@external
@view
def is_minter(minter: address) -> bool:
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    return True


@external
def burn(holder: address, amount: uint256) -> bool:
    return True
