# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title ChainlinkOracle: one Chainlink-style feed as a WAD price
@notice Translates the latest round of any contract with `latestRoundData` and `decimals` into WAD coin units per whole
        token, rounded down, with the time of the round. It reports and never judges freshness. Price 0 is reported
        for an answer that cannot be a price (not above zero, of an incomplete round, made in the future, too large to
        normalise, of the wrong length), for one at or beyond `minAnswer` or `maxAnswer` of an aggregator that has such
        limits (there it means no more than "not inside"), and for as long as the feed's decimals are not those that
        it had when this was built. A feed that reverts makes this revert. The hub contains both.
        A proxy (a feed with `aggregator()`) may be pointed at another aggregator at any time: its round ids then jump
        to another phase, which is no fault, and the limits that count are those of the aggregator that answers now.
@custom:security Immutable and without an owner: another feed is another adapter. Nothing is remembered between reads.
        The two questions that a feed need not answer get exactly LIMIT_GAS, and less reverts: nobody can make the
        limits disappear by starving them.
@custom:freeze Nothing to freeze: name another oracle on the hub.
"""
from ...interfaces import IPriceOracle

implements: IPriceOracle

interface Aggregator:
    def decimals() -> uint8: view

WAD_DECIMALS: constant(uint256) = 18
MAX_DECIMALS: constant(uint256) = 36
ADDRESS_MASK: constant(uint256) = 2**160 - 1
ROUND_MASK: constant(uint256) = 2**80 - 1
LIMIT_GAS: constant(uint256) = 10_000  # both limits are immutable in Chainlink's aggregators: under 1,000
CALL_GAS: constant(uint256) = 4_000  # what is spent between the gas check and the first step of the call

aggregator: public(immutable(address))
decimals: public(immutable(uint256))
is_proxy: public(immutable(bool))
SCALE_UP: immutable(uint256)
SCALE_DOWN: immutable(uint256)


@deploy
def __init__(aggregator_: address):
    """
    @dev No live price is asked for: the hub does that when the kind is listed.
    """
    assert aggregator_.is_contract, "aggregator has no code"
    aggregator = aggregator_
    decimals = convert(staticcall Aggregator(aggregator_).decimals(), uint256)
    assert decimals <= MAX_DECIMALS, "bad decimals"
    SCALE_UP = 10 ** (WAD_DECIMALS - decimals) if decimals < WAD_DECIMALS else 1
    SCALE_DOWN = 10 ** (decimals - WAD_DECIMALS) if decimals > WAD_DECIMALS else 1
    found: bool = False
    behind: bytes32 = empty(bytes32)
    found, behind = self._ask(aggregator_, method_id("aggregator()"))
    is_proxy = found and behind != empty(bytes32)


@external
@view
@reentrant
def price() -> (uint256, uint256):
    """
    @notice The answer of the latest round as a WAD price, rounded down, and the time of that round.
    @return price_wad 0 when the round holds no usable price
    @return updated_at the feed's own time, whatever it says; 0 when the answer has the wrong length
    """
    # first, since the gas that it must be given is then still there: what follows needs only what it uses
    lowest: int256 = 0
    highest: int256 = 0
    lowest, highest = self._range()
    round_data: Bytes[192] = raw_call(
        aggregator, method_id("latestRoundData()"), max_outsize=192, is_static_call=True
    )  # one word more than is right, so that a longer answer shows
    if len(round_data) != 160:
        return 0, 0
    round_id: uint256 = extract32(round_data, 0, output_type=uint256)
    answer: int256 = extract32(round_data, 32, output_type=int256)
    updated_at: uint256 = extract32(round_data, 96, output_type=uint256)
    answered_in: uint256 = extract32(round_data, 128, output_type=uint256)

    if answer <= 0 or updated_at == 0 or updated_at > block.timestamp:
        return 0, updated_at
    if answered_in < round_id or answered_in > ROUND_MASK:
        return 0, updated_at
    if answer < lowest or answer > highest or not self._keeps_decimals():
        return 0, updated_at
    magnitude: uint256 = convert(answer, uint256)
    if magnitude > max_value(uint256) // SCALE_UP:
        return 0, updated_at
    return self._scaled_down(magnitude), updated_at


@internal
@view
def _scaled_down(magnitude: uint256) -> uint256:
    return magnitude * SCALE_UP // SCALE_DOWN


@internal
@view
def _keeps_decimals() -> bool:
    """
    @notice Whether the feed counts in the decimals that it had at construction.
    """
    answer: Bytes[64] = raw_call(aggregator, method_id("decimals()"), max_outsize=64, is_static_call=True)
    return len(answer) == 32 and extract32(answer, 0, output_type=uint256) == decimals


@internal
@view
def _range() -> (int256, int256):
    """
    @notice The lowest and the highest answer that lie inside the limits of the aggregator that answers now.
    @dev An aggregator without both limits, or with limits that leave no room, has none. A proxy must name a contract:
         otherwise nothing lies inside.
    """
    holder: address = aggregator
    if is_proxy:
        named: Bytes[64] = raw_call(holder, method_id("aggregator()"), max_outsize=64, is_static_call=True)
        if len(named) != 32:
            return max_value(int256), min_value(int256)
        holder = convert(extract32(named, 0, output_type=uint256) & ADDRESS_MASK, address)
        if not holder.is_contract:
            return max_value(int256), min_value(int256)
    found: bool = False
    low: bytes32 = empty(bytes32)
    high: bytes32 = empty(bytes32)
    found, low = self._ask(holder, method_id("minAnswer()"))
    if found:
        found, high = self._ask(holder, method_id("maxAnswer()"))
    min_answer: int256 = convert(low, int256)
    max_answer: int256 = convert(high, int256)
    if not found or min_answer >= max_answer:
        return min_value(int256), max_value(int256)
    return min_answer + 1, max_answer - 1


@internal
@view
def _ask(target: address, question: Bytes[4]) -> (bool, bytes32):
    """
    @notice One word from a contract that may not know the question.
    @dev The assertion names what is wrong; a question starved without it would leave 1/64 of less than LIMIT_GAS, with
         which nothing that follows could run.
    """
    assert msg.gas - msg.gas // 64 > LIMIT_GAS + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[64] = b""
    success, answer = raw_call(
        target, question, max_outsize=64, gas=LIMIT_GAS, is_static_call=True, revert_on_failure=False
    )
    if not success or len(answer) != 32:
        return False, empty(bytes32)
    return True, extract32(answer, 0)
