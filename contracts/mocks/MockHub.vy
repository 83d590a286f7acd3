# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title MockHub: a price hub that says whatever it is told
@notice For tests only: reaches price words that no oracle gives yet, such as CONFIRMING ones, lo below hi and
        multipliers, and prices to the last wei.
"""
MAX_SYNC: constant(uint256) = 8

token_of: public(HashMap[uint256, address])
words: public(HashMap[uint256, uint256])
confirming_until: public(HashMap[uint256, uint256])
listings: public(address)
live: public(uint256)


@deploy
def __init__():
    self.live = 2**88 - 1


@external
def set_kind(kind: uint256, token: address):
    self.token_of[kind] = token


@external
def set_word(
    kind: uint256,
    lo: uint256,
    hi: uint256,
    initial_multiplier: uint256,
    maintenance_multiplier: uint256,
    flags: uint256,
):
    """
    @notice Say this of a kind from now on.
    """
    self.words[kind] = (
        lo
        | (hi << 88)
        | (block.timestamp << 176)
        | (initial_multiplier << 216)
        | (maintenance_multiplier << 232)
        | (flags << 248)
    )


@external
def set_confirming_until(kind: uint256, at: uint256):
    self.confirming_until[kind] = at


@external
@view
def limits_of(kind: uint256) -> (uint256, uint256, uint256):
    return 0, 0, self.confirming_until[kind]


@external
def sync(mask: uint256) -> DynArray[uint256, MAX_SYNC]:
    return self._words_of(mask)


@external
@view
def read(mask: uint256) -> DynArray[uint256, MAX_SYNC]:
    return self._words_of(mask)


@external
def sync_one(kind: uint256) -> uint256:
    return self.words[kind]


@external
def set_live(price: uint256):
    """
    @notice Let every kind's oracle say this of the very moment, from now on; until then no limit to any word.
    """
    self.live = price


@external
@view
def config_of(kind: uint256) -> (address, uint256, uint256, uint256):
    return self, 0, 0, 0


@external
@view
def price() -> (uint256, uint256):
    return self.live, block.timestamp


@external
@view
def read_one(kind: uint256) -> uint256:
    return self.words[kind]


@internal
@view
def _words_of(mask: uint256) -> DynArray[uint256, MAX_SYNC]:
    found: DynArray[uint256, MAX_SYNC] = []
    for kind: uint256 in range(32):
        if (mask >> kind) & 1 != 0:
            found.append(self.words[kind])
    return found
