# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title PythOracle: one feed of a Pyth-style pull oracle as a WAD price
@notice A pull oracle holds no price until somebody brings a signed update. `price` reports the stored one in WAD, rounded down, with
        its publish time. `update` passes update bytes on to the oracle with exactly its fee and pays back the rest; it is a
        convenience, open to anyone: who updates the oracle directly has the same effect. Price 0 when the stored
        price is not above zero, its exponent is absurd, its confidence interval is too wide, its time lies in the future, or
        the answer has the wrong length. A feed that was never brought makes this revert, as the oracle does.
@custom:security Immutable and without an owner; holds no ether between calls. Signatures are the oracle's business. Who brings updates
        chooses which: any one that is newer than the stored one and not older than the hub's `max_age` for the kind. Keep
        that short; see docs/oracles.md.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle

implements: IPriceOracle

interface Pyth:
    def getUpdateFee(updates: DynArray[Bytes[MAX_UPDATE_SIZE], MAX_UPDATES]) -> uint256: view
    def updatePriceFeeds(updates: DynArray[Bytes[MAX_UPDATE_SIZE], MAX_UPDATES]): payable

BPS: constant(uint256) = 10_000
WAD_DECIMALS: constant(int256) = 18
MAX_EXPONENT: constant(int256) = 36
MAX_CONFIDENCE: constant(uint256) = 1_000  # bps
MAX_LEAD: constant(uint256) = 15  # seconds
MAX_UPDATES: constant(uint256) = 4
MAX_UPDATE_SIZE: constant(uint256) = 4_096

pyth: public(immutable(address))
feed_id: public(immutable(bytes32))
max_confidence_bps: public(immutable(uint256))


@deploy
def __init__(pyth_: address, feed_id_: bytes32, max_confidence_bps_: uint256):
    """
    @param pyth_ the oracle's contract on this chain
    @param feed_id_ of the price of the token in coin units
    @param max_confidence_bps_ the widest confidence interval (to each side) that counts as a price, in bps of it, up to 1_000
    """
    assert pyth_.is_contract, "pyth has no code"
    assert feed_id_ != empty(bytes32), "zero feed id"
    assert 0 < max_confidence_bps_ and max_confidence_bps_ <= MAX_CONFIDENCE, "bad confidence"
    pyth = pyth_
    feed_id = feed_id_
    max_confidence_bps = max_confidence_bps_


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The stored price in WAD, rounded down, and its publish time.
    @dev Publishers sign by their own clock, which may run ahead of the block's. A time ahead by up to 15 seconds is told as now: an
         update so fresh must not fail the kind, or whoever brings it could start a confirmation at will. One further
         ahead is no price.
    @return price_wad 0 when there is none to use
    @return updated_at the publish time; 0 when the answer has the wrong length
    """
    answer: Bytes[160] = raw_call(
        pyth, abi_encode(feed_id, method_id=method_id("getPriceUnsafe(bytes32)")), max_outsize=160, is_static_call=True
    )  # one word more than is right, so that a longer answer shows
    if len(answer) != 128:
        return 0, 0
    number: int64 = 0
    confidence: uint64 = 0
    exponent: int32 = 0
    published_at: uint256 = 0
    number, confidence, exponent, published_at = abi_decode(answer, (int64, uint64, int32, uint256))

    updated_at: uint256 = published_at
    if published_at > block.timestamp:
        if published_at - block.timestamp > MAX_LEAD:
            return 0, published_at
        updated_at = block.timestamp
    power: int256 = convert(exponent, int256)
    if number <= 0 or power < -MAX_EXPONENT or power > MAX_EXPONENT:
        return 0, updated_at
    magnitude: uint256 = convert(number, uint256)
    if convert(confidence, uint256) * BPS > magnitude * max_confidence_bps:
        return 0, updated_at
    # below 2**63 * 10**54 < 2**243
    power += WAD_DECIMALS
    if power < 0:
        return magnitude // 10 ** convert(-power, uint256), updated_at
    return magnitude * 10 ** convert(power, uint256), updated_at


@external
@payable
def update(updates: DynArray[Bytes[MAX_UPDATE_SIZE], MAX_UPDATES]):
    """
    @notice Bring signed updates to the oracle: its fee out of the ether sent with the call, the rest back to the caller. The fee is
            asked in the same call, so that a rise reverts with "fee too low" or is covered by what was sent. All or
            nothing: a bad signature, a refused fee or a caller that cannot take the rest undoes it.
    @param updates as the oracle's publishers sign them, up to 4 of up to 4_096 bytes; old ones are ignored by the oracle
    """
    fee: uint256 = staticcall Pyth(pyth).getUpdateFee(updates)
    assert msg.value >= fee, "fee too low"
    extcall Pyth(pyth).updatePriceFeeds(updates, value=fee)
    if msg.value > fee:
        # not the balance: ether that was forced in is nobody's
        refunded: bool = raw_call(msg.sender, b"", value=msg.value - fee, revert_on_failure=False)
        assert refunded, "refund failed"
