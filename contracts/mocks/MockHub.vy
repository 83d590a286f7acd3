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
_lives: HashMap[uint256, uint256]


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
def set_live(kind: uint256, price: uint256):
    """
    @notice Let the oracle of a kind say this of the very moment, from now on; until then it says the word's `hi`.
    """
    self._lives[kind] = min(price, max_value(uint256) - 1) + 1


@external
@view
def live_price(kind: uint256) -> uint256:
    if self._lives[kind] != 0:
        return self._lives[kind] - 1
    return (self.words[kind] >> 88) & (2**88 - 1)


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
