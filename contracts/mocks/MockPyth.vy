# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title MockPyth: a local pull oracle that believes one signer
@notice For tests and demos only; the functions that a price is read and brought by have the shape of Pyth's. An update is 9 words: chain
        id, feed id, price, confidence, exponent, publish time and the signature v, r, s over keccak256 of
        `"surety mock pyth"`, this contract's address and the first six. So none is good on another chain or another
        contract. Only a newer publish time is stored; an older update is accepted and ignored, as by Pyth.
"""
struct Price:
    price: int64
    conf: uint64
    expo: int32
    publish_time: uint256

event PriceFeedUpdate:
    id: indexed(bytes32)
    publish_time: uint64
    price: int64
    conf: uint64

DOMAIN: constant(Bytes[16]) = b"surety mock pyth"
UPDATE_SIZE: constant(uint256) = 288
MESSAGE_SIZE: constant(uint256) = 192
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

signer: public(immutable(address))
fee: public(uint256)
_prices: HashMap[bytes32, Price]


@deploy
def __init__(signer_: address, fee_: uint256):
    """
    @param fee_ wei for each update
    """
    assert signer_ != empty(address), "zero signer"
    signer = signer_
    self.fee = fee_


@external
def set_fee(fee_: uint256):
    self.fee = fee_


@external
@view
def getUpdateFee(updates: DynArray[Bytes[4096], 4]) -> uint256:
    return self.fee * len(updates)


@external
@payable
def updatePriceFeeds(updates: DynArray[Bytes[4096], 4]):
    assert msg.value >= self.fee * len(updates), "insufficient fee"
    for update: Bytes[4096] in updates:
        self._store(update)


@internal
def _store(update: Bytes[4096]):
    assert len(update) == UPDATE_SIZE, "bad update"
    chain_id: uint256 = 0
    id: bytes32 = empty(bytes32)
    price: int64 = 0
    conf: uint64 = 0
    expo: int32 = 0
    publish_time: uint256 = 0
    v: uint256 = 0
    r: bytes32 = empty(bytes32)
    s: uint256 = 0
    chain_id, id, price, conf, expo, publish_time, v, r, s = abi_decode(
        update, (uint256, bytes32, int64, uint64, int32, uint256, uint256, bytes32, uint256)
    )
    assert chain_id == chain.id, "wrong chain"
    digest: bytes32 = keccak256(concat(DOMAIN, convert(self, bytes20), slice(update, 0, MESSAGE_SIZE)))
    assert s <= HALF_ORDER and ecrecover(digest, v, r, s) == signer, "bad signature"
    if publish_time > self._prices[id].publish_time:
        self._prices[id] = Price(price=price, conf=conf, expo=expo, publish_time=publish_time)
        log PriceFeedUpdate(id=id, publish_time=convert(publish_time, uint64), price=price, conf=conf)


@external
@view
def getPriceUnsafe(id: bytes32) -> Price:
    stored: Price = self._prices[id]
    assert stored.publish_time != 0, "price feed not found"
    return stored
