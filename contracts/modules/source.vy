# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Source: how one oracle reads another
@notice An oracle made of others gives each of them exactly the gas that it was built with, contains whatever happens
        there, and takes an answer only in the shape that the hub would take: 64 bytes, a price that is not 0, a time
        that is not in the future. Anything else is price 0. It never judges age.
@custom:security EVM calls pass on at most 63/64 of what is left, so that somebody who calls with too little gas could
        make a healthy source look dead. Here a source gets all of its gas or the call reverts: the composite then
        fails as a whole, and the hub, which gives exactly 300,000 or reverts itself, never sees that. `check_gas` asks
        for the gas of all sources before the first is read: whether there is enough never depends on what a source
        spends, so that a nesting which does not fit fails at once and always, not on the day a source misbehaves.
"""

# what the hub gives an oracle, less what passes before `check_gas` is reached and after the last source
ORACLE_GAS: constant(uint256) = 300_000 - 1_500
# more than is spent between one source and the next: access to a cold account (2,600), the call, the judgement
CALL_GAS: constant(uint256) = 4_000
MIN_GAS: constant(uint256) = 10_000


@internal
@view
def read(oracle: address, source_gas: uint256) -> (uint256, uint256):
    """
    @notice What a source says, with exactly `source_gas` to say it.
    @return price WAD coin units per whole token; 0: it reverts, burns its gas, has no code, answers in another shape,
            says 0 or names a time in the future
    @return updated_at the source's own time, however old; 0 with price 0
    """
    assert msg.gas - msg.gas // 64 > source_gas + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[96] = b""
    success, answer = raw_call(
        oracle,
        method_id("price()"),
        max_outsize=96,  # one word more than is right, so that a longer answer shows
        gas=source_gas,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 64:
        return 0, 0

    price: uint256 = extract32(answer, 0, output_type=uint256)
    updated_at: uint256 = extract32(answer, 32, output_type=uint256)
    if price == 0 or updated_at > block.timestamp:
        return 0, 0
    return price, updated_at


@internal
@view
def check_gas(count: uint256, source_gas: uint256):
    """
    @notice Assert that `count` sources can be read, each with all of its gas, whatever the others spend.
    @dev With G left, G - G/64 > n(g + c) leaves more than (g + c) 64/63 for the last one after n - 1 of them spent
         all of g + c.
    """
    assert msg.gas - msg.gas // 64 > count * (source_gas + CALL_GAS), "gas too low"


@internal
@view
def check_budget(count: uint256, source_gas: uint256):
    """
    @notice Assert at construction that `count` sources of this gas fit into what the hub gives.
    """
    assert source_gas >= MIN_GAS and source_gas <= ORACLE_GAS, "bad source gas"
    assert count * (source_gas + CALL_GAS) < ORACLE_GAS - ORACLE_GAS // 64, "bad source gas"


@internal
@view
def check_source(oracle: address, source_gas: uint256) -> uint256:
    """
    @notice Assert at construction that an oracle answers a price now, within its gas.
    @return updated_at the time of that price
    @dev An address that is no oracle, an aggregator in place of its adapter and a nesting without enough gas are found
         here and not on the day the oracle is needed. Nobody should begin with a source that is down.
    """
    assert oracle.is_contract, "source has no code"
    price: uint256 = 0
    updated_at: uint256 = 0
    price, updated_at = self.read(oracle, source_gas)
    assert price != 0, "source has no price"
    return updated_at
