# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title GovernanceRules: every act that a governor may do, its delay, its bounds and its largest step
@notice Stateless. A governor asks about a call of one of its contracts; the call data must be exactly what the ABI makes
        of it. What only tightens has no delay; what loosens within its step waits a day, what tightens margin two,
        oracles, models, minters, books and people three, and handing anything over seven. Steps are measured against the
        value on chain, so an act that was judged when it was proposed is judged again when it is executed.
        A selector without a rule cannot be called at all. The table: docs/governance.md.
        No act alone makes an account callable that is healthy by 0.12 % of its collateral's value, at the prices that a poke
        would bring: levels move by ramps, models fade in, no bound may cut a live price, a new oracle may
        not say less than 0.1 % below the old one. A price that had failed comes back where the admin says it should be.
@custom:security Trusts the governor that asks for what it says of itself, and the contracts registered there.
@custom:freeze Nothing to freeze: nothing is held.
"""
from ..interfaces import IGovernanceRules
from ..interfaces import IGovernor
from ..interfaces import IPriceHub
from ..interfaces import IPriceOracle
from ..interfaces import IVault
from .modules import ledger
from .modules import margin_math
from .modules import price_word
from .modules import rule_reasons

implements: IGovernanceRules

interface Governed:
    def governor() -> address: view

interface Sequencer:
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view

interface Hub:
    def sequencer() -> address: view
    def config_of(kind: uint256) -> (address, uint256, uint256, uint256): view
    def bounds_of(kind: uint256) -> (uint256, uint256): view
    def limits_of(kind: uint256) -> (uint256, uint256, uint256): view
    def volatility_of(kind: uint256) -> (uint256, uint256, uint256): view

interface Coin:
    def ceiling(minter: address) -> uint256: view
    def is_minter(minter: address) -> bool: view
    def minted(minter: address) -> uint256: view
    def flash_fee_bps() -> uint256: view
    def flash_ceiling() -> uint256: view

interface Fund:
    def coin() -> address: view
    def is_reaping_paused() -> bool: view
    def buffer_bps() -> uint256: view
    def auction_duration() -> uint256: view
    def start_factor() -> uint256: view
    def end_factor() -> uint256: view

interface Peg:
    def reserve_held() -> uint256: view
    def is_minting_paused() -> bool: view
    def guard_price() -> uint256: view
    def mint_fee_bps() -> uint256: view
    def redeem_fee_bps() -> uint256: view

BPS: constant(uint256) = 10_000
WAD: constant(uint256) = 10**18
MAX_DATA: constant(uint256) = 1_024
MAX_WORDS: constant(uint256) = 19  # of a listing
MAX_UNDO: constant(uint256) = 100
MAX_KINDS: constant(uint256) = 32
MAX_SLOTS: constant(uint256) = 256
NO_INDEX: constant(uint256) = 0

# classes
AT_ONCE: constant(uint256) = 0
PARAMETER: constant(uint256) = 86_400
MARGIN: constant(uint256) = 2 * 86_400
STRUCTURE: constant(uint256) = 3 * 86_400
CONTROL: constant(uint256) = 7 * 86_400

# roles
COIN: constant(uint256) = 1
HUB: constant(uint256) = 2
VAULT: constant(uint256) = 3
FUND: constant(uint256) = 4
MODELS: constant(uint256) = 5
PEG: constant(uint256) = 6
SETTLEMENT: constant(uint256) = 7
LISTINGS: constant(uint256) = 8
MODEL: constant(uint256) = 9
GOVERNOR: constant(uint256) = 10

# what a cap or a ceiling may start with, in coins; from there it at most doubles in a day
FRESH_START: constant(uint256) = 10_000_000 * WAD

RATE_STEP: constant(uint256) = 5 * 10**25 // (365 * 86_400)  # 5 % a year in RAY per second, down
FEE_STEP: constant(uint256) = 25  # bps
BUFFER_STEP: constant(uint256) = 100  # bps
FACTOR_STEP: constant(uint256) = 100  # bps
GUARD_STEP: constant(uint256) = WAD // 100  # exact
MIN_GUARD: constant(uint256) = 9 * WAD // 10  # exact

# prices
MAX_PRICE: constant(uint256) = 2**88 - 1
MAX_FALL: constant(uint256) = 10  # bps that a new oracle may say less than the old one
MAX_DEVIATION: constant(uint256) = 500  # bps of a price from what the admin expects
MAX_FLOOR: constant(uint256) = 6_000  # bps of the live price that `min` may be: as in Listings
MIN_HEADROOM: constant(uint256) = 100  # bps by which `max` must lie above the live price
MAX_ROOM: constant(uint256) = 1_000
MIN_AGE: constant(uint256) = 60
MAX_AGE: constant(uint256) = 7 * 86_400
SLEW_DOWN_BOUNDS: constant(uint256[2]) = [166_667, 3_333_333]  # 1 % to 20 % a minute
SLEW_UP_BOUNDS: constant(uint256[2]) = [33_333, 1_666_667]  # 0.2 % to 10 % a minute
JUMP_BOUNDS: constant(uint256[2]) = [100, 5_000]
JUMP_STEP: constant(uint256) = 500
SIGMA_BOUNDS: constant(uint256[2]) = [1_000_000, 100_000_000]  # 0.1 % to 10 % an hour
SIGMA_UNIT: constant(uint256) = 10**9
MAX_MULTIPLIER: constant(uint256) = 12_500  # of maintenance, in the hub
MULTIPLIER_STEP: constant(uint256) = 10  # bps

MAX_START_FACTOR: constant(uint256) = 11_000

# an act, taken apart
struct Call:
    governor: address
    target: address
    selector: bytes4
    count: uint256  # words after the selector
    words: uint256[MAX_WORDS]
    expected: uint256
    executing: bool


@external
@view
def judge(
    target: address, data: Bytes[MAX_DATA], expected: uint256, executing: bool
) -> IGovernanceRules.Verdict:
    rule_reasons.check(len(data) >= 4, rule_reasons.BAD_LENGTH)
    role: uint256 = staticcall IGovernor(msg.sender).role_of(target)
    rule_reasons.check(role != 0, rule_reasons.NOT_REGISTERED)
    call: Call = empty(Call)
    call.governor = msg.sender
    call.target = target
    call.selector = convert(slice(data, 0, 4), bytes4)
    call.count = (len(data) - 4) // 32  # down; the check below wants it exact
    rule_reasons.check(call.count <= MAX_WORDS and len(data) == 4 + 32 * call.count, rule_reasons.BAD_LENGTH)
    for i: uint256 in range(call.count, bound=MAX_WORDS):
        call.words[i] = extract32(data, 4 + 32 * i, output_type=uint256)
    call.expected = expected
    call.executing = executing

    if role == HUB:
        if not self.hands_over(call):
            return self.of_hub(call)
    elif role == LISTINGS:
        return self.of_listings(call)
    rule_reasons.check(expected == 0, rule_reasons.NO_PRICE_EXPECTED)
    if role == GOVERNOR:
        return self.of_governor(call)
    if role == SETTLEMENT:
        return self.of_settlement(call)
    if self.hands_over(call):
        return self.of_handover(call)
    if role == COIN:
        return self.of_coin(call)
    if role == VAULT:
        return self.of_vault(call)
    if role == FUND:
        return self.of_fund(call)
    if role == MODELS:
        return self.of_models(call)
    if role == PEG:
        return self.of_peg(call)
    return self.no_rule()


# any governed contract


@internal
@pure
def hands_over(call: Call) -> bool:
    return call.selector == method_id("propose_governor(address)", output_type=bytes4)


@internal
@view
def of_handover(call: Call) -> IGovernanceRules.Verdict:
    self.check_count(call, 1)
    successor: address = self.address_at(call, 0)
    if successor == empty(address):  # takes a nomination back
        return self.verdict(STRUCTURE, self.key_of(call, NO_INDEX))
    rule_reasons.check(successor.is_contract and successor != call.governor, rule_reasons.NO_CODE)
    return self.verdict(CONTROL, self.key_of(call, NO_INDEX))


# coin


@internal
@view
def of_coin(call: Call) -> IGovernanceRules.Verdict:
    self.check_count(call, 2)
    if call.selector == method_id("set_ceiling(address,uint256)", output_type=bytes4):
        minter: address = self.address_at(call, 0)
        ceiling: uint256 = call.words[1]
        key: bytes32 = self.key_of(call, call.words[0])
        present: uint256 = staticcall Coin(call.target).ceiling(minter)
        # a minter burns any holder's coins whatever its ceiling: naming one is never tightening
        is_new: bool = not staticcall Coin(call.target).is_minter(minter)
        if not is_new and ceiling < present:
            return self.verdict(AT_ONCE, key)
        role: uint256 = self.role_of(call, minter)
        rule_reasons.check(role == VAULT or role == FUND or role == PEG, rule_reasons.NOT_A_MINTER)
        self.check_ours(call, minter)
        self.check_not_retired(call, minter)
        if is_new and ceiling == 0:
            return self.verdict(STRUCTURE, key)
        return self.verdict(self.growth_delay(call, key, present, ceiling, ceiling), key)

    if call.selector == method_id("set_flash(uint256,uint256)", output_type=bytes4):
        key: bytes32 = self.key_of(call, NO_INDEX)
        fee: uint256 = staticcall Coin(call.target).flash_fee_bps()
        present: uint256 = staticcall Coin(call.target).flash_ceiling()
        ceiling: uint256 = call.words[1]
        if call.words[0] == fee and ceiling < present:
            return self.verdict(AT_ONCE, key)
        self.check_step(fee, call.words[0], FEE_STEP)
        if ceiling <= present:
            rule_reasons.check(call.words[0] != fee, rule_reasons.NOTHING_CHANGES)
            return self.verdict(PARAMETER, key)
        return self.verdict(self.growth_delay(call, key, present, ceiling, ceiling), key)
    return self.no_rule()


# vault


@internal
@view
def of_vault(call: Call) -> IGovernanceRules.Verdict:
    if call.selector == method_id("set_cap(uint256,uint256)", output_type=bytes4):
        self.check_count(call, 2)
        kind: uint256 = call.words[0]
        cap: uint256 = call.words[1]
        self.check_listed(call.target, kind)
        key: bytes32 = self.key_of(call, kind)
        present: uint256 = staticcall IVault(call.target).deposited(kind) >> ledger.CAP
        if cap < present:
            return self.verdict(AT_ONCE, key)
        self.check_not_retired(call, call.target)
        return self.verdict(
            self.growth_delay(call, key, present, cap, self.worth_of(call.target, kind, cap)), key
        )

    if call.selector == method_id("set_frozen(uint256,bool)", output_type=bytes4):
        self.check_count(call, 2)
        kind: uint256 = call.words[0]
        self.check_listed(call.target, kind)
        frozen: bool = self.bool_at(call, 1)
        is_frozen: bool = staticcall IVault(call.target).totals() >> (ledger.FROZEN + kind) & 1 != 0
        rule_reasons.check(frozen != is_frozen, rule_reasons.NOTHING_CHANGES)
        if not frozen:
            self.check_not_retired(call, call.target)
            return self.verdict(PARAMETER, self.key_of(call, kind))
        return self.verdict(AT_ONCE, self.key_of(call, kind))

    if call.selector == method_id("set_rate(uint256)", output_type=bytes4):
        self.check_count(call, 1)
        rate: uint256 = ledger.unpack_interest(staticcall IVault(call.target).interest()).rate
        rule_reasons.check(rate != call.words[0], rule_reasons.NOTHING_CHANGES)
        self.check_step(rate, call.words[0], RATE_STEP)
        return self.verdict(PARAMETER, self.key_of(call, NO_INDEX))

    if call.selector == method_id("propose_fund(address)", output_type=bytes4):
        self.check_count(call, 1)
        fund: address = self.address_at(call, 0)
        if fund != empty(address):
            rule_reasons.check(self.role_of(call, fund) == FUND, rule_reasons.NOT_A_FUND)
            self.check_ours(call, fund)
        return self.verdict(STRUCTURE, self.key_of(call, NO_INDEX))

    if call.selector == method_id(
        "list_collateral(uint256,address,uint256,uint256,uint256,uint256,uint256,uint256,bool)",
        output_type=bytes4,
    ):
        return self.of_second_listing(call)
    return self.no_rule()


@internal
@view
def of_second_listing(call: Call) -> IGovernanceRules.Verdict:
    """
    @notice A kind of one vault listed in another over the same hub: its price has been held against an expectation.
    """
    self.check_count(call, 9)
    kind: uint256 = call.words[0]
    token: address = self.address_at(call, 1)
    isolated: bool = self.bool_at(call, 8)
    rule_reasons.check(kind < MAX_KINDS, rule_reasons.UNKNOWN_KIND)
    self.check_not_retired(call, call.target)
    self.check_levels(call.target, call.words[2], call.words[3], call.words[4], call.words[5], call.words[6])
    hub: address = staticcall IVault(call.target).hub()
    found: uint256 = 0
    for other: address in staticcall IGovernor(call.governor).contracts():
        if self.role_of(call, other) == VAULT and other != call.target:
            word: uint256 = staticcall IVault(other).collateral(kind)
            if word & ledger.TOKEN_MASK == convert(token, uint256) and staticcall IVault(other).hub() == hub:
                found = word
                break
    rule_reasons.check(found != 0, rule_reasons.NOT_LISTED_ELSEWHERE)
    self.check_fresh(call.words[7], self.value_of(hub, kind, call.words[7], found >> ledger.DECIMALS & 255))
    return self.verdict(STRUCTURE, self.key_of(call, kind))


# fund


@internal
@view
def of_fund(call: Call) -> IGovernanceRules.Verdict:
    if call.selector == method_id("set_reaping_paused(bool)", output_type=bytes4):
        return self.of_pause(call, staticcall Fund(call.target).is_reaping_paused())
    if call.selector == method_id("set_auction(uint256,uint256,uint256)", output_type=bytes4):
        self.check_count(call, 3)
        duration: uint256 = staticcall Fund(call.target).auction_duration()
        start: uint256 = staticcall Fund(call.target).start_factor()
        end: uint256 = staticcall Fund(call.target).end_factor()
        rule_reasons.check(
            call.words[0] != duration or call.words[1] != start or call.words[2] != end, rule_reasons.NOTHING_CHANGES
        )
        rule_reasons.check(
            call.words[0] <= 2 * duration and call.words[0] >= duration // 2, rule_reasons.STEP_TOO_LARGE  # down
        )
        self.check_step(start, call.words[1], FACTOR_STEP)
        self.check_step(end, call.words[2], FACTOR_STEP)
        return self.verdict(PARAMETER, self.key_of(call, NO_INDEX))

    self.check_count(call, 1)
    if call.selector == method_id("set_buffer(uint256)", output_type=bytes4):
        buffer: uint256 = staticcall Fund(call.target).buffer_bps()
        rule_reasons.check(call.words[0] != buffer, rule_reasons.NOTHING_CHANGES)
        self.check_step(buffer, call.words[0], BUFFER_STEP)
        return self.verdict(PARAMETER, self.key_of(call, NO_INDEX))

    named: address = self.address_at(call, 0)
    if call.selector == method_id("set_treasury(address)", output_type=bytes4):
        rule_reasons.check(named != empty(address), rule_reasons.THE_ZERO_ADDRESS)
        return self.verdict(STRUCTURE, self.key_of(call, NO_INDEX))
    if (
        call.selector == method_id("add_book(address)", output_type=bytes4)
        or call.selector == method_id("accept_book(address)", output_type=bytes4)
    ):
        self.check_vault(call, named)
        self.check_ours(call, named)
        return self.verdict(STRUCTURE, self.key_of(call, call.words[0]))
    if call.selector == method_id("add_reserve(address)", output_type=bytes4):
        rule_reasons.check(self.role_of(call, named) == PEG, rule_reasons.NOT_A_PEG)
        self.check_ours(call, named)
        return self.verdict(STRUCTURE, self.key_of(call, call.words[0]))
    if (
        call.selector == method_id("retire_book(address)", output_type=bytes4)
        or call.selector == method_id("remove_reserve(address)", output_type=bytes4)
    ):
        if call.executing:
            self.check_left_out(call, named)
        return self.verdict(STRUCTURE, self.key_of(call, call.words[0]))
    return self.no_rule()


@internal
@view
def check_left_out(call: Call, minter: address):
    """
    @notice What the fund no longer counts must not mint again, and a guardian's ceiling of 0 lapses: a book has to be retired,
            a peg's ceiling 0 by governance, and its reserve empty or its coins gone at whatever price.
    """
    if self.role_of(call, minter) == VAULT:
        rule_reasons.check(staticcall IGovernor(call.governor).is_retired(minter), rule_reasons.NOT_RETIRED)
        return
    coin: address = staticcall Fund(call.target).coin()
    key: bytes32 = keccak256(
        abi_encode(coin, method_id("set_ceiling(address,uint256)", output_type=bytes4), call.words[0])
    )
    rule_reasons.check(
        staticcall Coin(coin).ceiling(minter) == 0 and staticcall IGovernor(call.governor).former(key) == 0,
        rule_reasons.MAY_STILL_MINT,
    )
    rule_reasons.check(
        staticcall Coin(coin).minted(minter) == 0 or staticcall Peg(minter).reserve_held() == 0,
        rule_reasons.COINS_OUTSTANDING,
    )


# margin models


@internal
@view
def of_models(call: Call) -> IGovernanceRules.Verdict:
    self.check_count(call, 2)
    if call.selector == method_id("list_model(uint256,address)", output_type=bytes4):
        model: address = self.address_at(call, 1)
        rule_reasons.check(call.words[0] < MAX_SLOTS, rule_reasons.UNKNOWN_MODEL)
        if model != empty(address):
            # the setters of a model act at once: under this governor they have no rule and cannot be called
            rule_reasons.check(self.role_of(call, model) == MODEL, rule_reasons.NOT_A_MODEL)
            if call.executing and self.is_governed(model):
                self.check_ours(call, model)
        return self.verdict(STRUCTURE, self.key_of(call, call.words[0]))
    if call.selector == method_id("use_default(address,bool)", output_type=bytes4):
        vault: address = self.address_at(call, 0)
        used: bool = self.bool_at(call, 1)
        self.check_vault(call, vault)
        is_used: bool = staticcall IVault(vault).interest() >> ledger.HAS_DEFAULT_MODEL & 1 != 0
        rule_reasons.check(used != is_used, rule_reasons.NOTHING_CHANGES)
        if not used:
            self.check_not_retired(call, vault)
        return self.verdict(MARGIN, self.key_of(call, call.words[0]))
    return self.no_rule()


@internal
@view
def is_governed(model: address) -> bool:
    """
    @notice A model without parameters has no governor to ask for.
    """
    return raw_call(
        model, method_id("governor()"), max_outsize=0, is_static_call=True, revert_on_failure=False
    )


# peg


@internal
@view
def of_peg(call: Call) -> IGovernanceRules.Verdict:
    if call.selector == method_id("set_minting_paused(bool)", output_type=bytes4):
        return self.of_pause(call, staticcall Peg(call.target).is_minting_paused())
    if call.selector == method_id("set_fees(uint256,uint256)", output_type=bytes4):
        self.check_count(call, 2)
        mint: uint256 = staticcall Peg(call.target).mint_fee_bps()
        redeem: uint256 = staticcall Peg(call.target).redeem_fee_bps()
        rule_reasons.check(call.words[0] != mint or call.words[1] != redeem, rule_reasons.NOTHING_CHANGES)
        self.check_step(mint, call.words[0], FEE_STEP)
        self.check_step(redeem, call.words[1], FEE_STEP)
        return self.verdict(PARAMETER, self.key_of(call, NO_INDEX))
    if call.selector == method_id("set_guard(uint256)", output_type=bytes4):
        self.check_count(call, 1)
        guard: uint256 = staticcall Peg(call.target).guard_price()
        rule_reasons.check(guard != call.words[0], rule_reasons.NOTHING_CHANGES)
        self.check_bounds(call.words[0], [MIN_GUARD, WAD])
        self.check_step(guard, call.words[0], GUARD_STEP)
        return self.verdict(PARAMETER, self.key_of(call, NO_INDEX))
    return self.no_rule()


@internal
@pure
def of_pause(call: Call, is_paused: bool) -> IGovernanceRules.Verdict:
    """
    @notice A switch that stops something: on at once, off as any loosening.
    """
    self.check_count(call, 1)
    paused: bool = self.bool_at(call, 0)
    rule_reasons.check(paused != is_paused, rule_reasons.NOTHING_CHANGES)
    if not paused:
        return self.verdict(PARAMETER, self.key_of(call, NO_INDEX))
    return self.verdict(AT_ONCE, self.key_of(call, NO_INDEX))


# settlement


@internal
@view
def of_settlement(call: Call) -> IGovernanceRules.Verdict:
    if call.selector == method_id("shutdown(address)", output_type=bytes4):
        self.check_count(call, 1)
        vault: address = self.address_at(call, 0)
        self.check_vault(call, vault)
        rule_reasons.check(
            staticcall IVault(vault).settlement() == call.target, rule_reasons.NOT_ITS_SETTLEMENT
        )
        # it freezes the prices of one moment, which is not for whoever holds a position to choose
        return self.admins(MARGIN, self.key_of(call, call.words[0]))
    return self.no_rule()


# listings


@internal
@view
def of_listings(call: Call) -> IGovernanceRules.Verdict:
    """
    @notice Words: the vault, then a Listing: token, decimals, oracle, expected price, max age, min, max, slews, jump, sigma, five
            levels, cap, isolated. Listings itself judges token and price when it is executed.
    """
    rule_reasons.check(
        call.selector
        == method_id(
            "list(address,(address,uint256,address,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,bool))",
            output_type=bytes4,
        ),
        rule_reasons.NO_RULE,
    )
    self.check_count(call, 19)
    vault: address = self.address_at(call, 0)
    token: address = self.address_at(call, 1)
    oracle: address = self.address_at(call, 3)
    isolated: bool = self.bool_at(call, 18)
    self.check_vault(call, vault)
    rule_reasons.check(
        self.role_of(call, staticcall IVault(vault).hub()) == HUB, rule_reasons.NOT_REGISTERED
    )
    self.check_not_retired(call, vault)
    rule_reasons.check(token.is_contract and oracle.is_contract, rule_reasons.NO_CODE)
    expected: uint256 = call.words[4]
    rule_reasons.check(expected != 0 and expected <= MAX_PRICE, rule_reasons.NEEDS_A_PRICE)
    if call.expected != 0:
        # what was announced stays recognisable: no other feed slips in at the last moment
        rule_reasons.check(
            call.expected <= 2 * expected and 2 * min(call.expected, MAX_PRICE) >= expected,
            rule_reasons.PRICE_DEVIATES,
        )
        expected = call.expected
    self.check_bounds(call.words[5], [MIN_AGE, MAX_AGE])
    self.check_bounds(call.words[8], SLEW_DOWN_BOUNDS)
    self.check_bounds(call.words[9], SLEW_UP_BOUNDS)
    self.check_bounds(call.words[10], JUMP_BOUNDS)
    self.check_bounds(call.words[11], SIGMA_BOUNDS)
    self.check_levels(
        vault, call.words[12], call.words[13], call.words[14], call.words[15], call.words[16]
    )
    decimals: uint256 = call.words[2]
    rule_reasons.check(6 <= decimals and decimals <= 18, rule_reasons.OUT_OF_BOUNDS)
    cap: uint256 = call.words[17]
    rule_reasons.check(cap <= ledger.HALF_MASK, rule_reasons.CAP_TOO_LARGE)
    self.check_fresh(cap, margin_math.value_down(cap, expected, decimals))
    return self.verdict(STRUCTURE, self.key_of(call, call.words[1]))


# hub


@internal
@view
def of_hub(call: Call) -> IGovernanceRules.Verdict:
    if call.selector == method_id("set_oracle(uint256,address)", output_type=bytes4):
        return self.of_oracle(call)
    if call.selector == method_id("set_bounds(uint256,uint256,uint256)", output_type=bytes4):
        return self.of_price_bounds(call)
    if call.selector == method_id("set_max_age(uint256,uint256)", output_type=bytes4):
        return self.of_max_age(call)
    rule_reasons.check(call.expected == 0, rule_reasons.NO_PRICE_EXPECTED)
    if call.selector == method_id(
        "set_limits(uint256,uint256,uint256,uint256,uint256)", output_type=bytes4
    ):
        return self.of_limits(call)
    if call.selector == method_id("set_sequencer(address)", output_type=bytes4):
        self.check_count(call, 1)
        feed: address = self.address_at(call, 0)
        if feed != empty(address):
            rule_reasons.check(feed.is_contract, rule_reasons.NO_CODE)
            if call.executing:
                self.check_sequencer(feed)
        if staticcall Hub(call.target).sequencer() != empty(address):
            # what the present feed let fail comes back, wherever prices are by then
            return self.admins(STRUCTURE, self.key_of(call, NO_INDEX))
        return self.verdict(STRUCTURE, self.key_of(call, NO_INDEX))
    return self.no_rule()


@internal
@view
def check_sequencer(feed: address):
    """
    @notice Refuse a feed by which every price would fail at once.
    """
    round_id: uint80 = 0
    is_down: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in: uint80 = 0
    # check: allow stale-price - it is up or down, and answers only when that changes: of any age it counts
    round_id, is_down, started_at, updated_at, answered_in = staticcall Sequencer(feed).latestRoundData()
    rule_reasons.check(is_down == 0 and started_at != 0 and started_at <= block.timestamp, rule_reasons.SEQUENCER_IS_DOWN)


@internal
@view
def of_oracle(call: Call) -> IGovernanceRules.Verdict:
    self.check_count(call, 2)
    kind: uint256 = call.words[0]
    oracle: address = self.address_at(call, 1)
    rule_reasons.check(oracle.is_contract, rule_reasons.NO_CODE)
    present: address = (staticcall Hub(call.target).config_of(kind))[0]
    rule_reasons.check(oracle != present, rule_reasons.NOTHING_CHANGES)
    if call.executing:
        most: uint256 = (staticcall Hub(call.target).bounds_of(kind))[1]
        price: uint256 = min(self.price_at(oracle), most)
        if self.is_failed(call.target, kind):
            self.check_expected(call, price)
        else:
            rule_reasons.check(price * BPS >= min(self.price_at(present), most) * (BPS - MAX_FALL), rule_reasons.PRICE_DEVIATES)
    return self.verdict(STRUCTURE, self.key_of(call, kind))


@internal
@view
def of_price_bounds(call: Call) -> IGovernanceRules.Verdict:
    """
    @notice Bounds must leave room on both sides of the price that stands: one below it would cut `hi`, one above fail the kind.
    """
    self.check_count(call, 3)
    kind: uint256 = call.words[0]
    low: uint256 = call.words[1]
    high: uint256 = call.words[2]
    rule_reasons.check(low != 0 and low < high and high <= MAX_PRICE, rule_reasons.OUT_OF_BOUNDS)
    oracle: address = (staticcall Hub(call.target).config_of(kind))[0]
    has_failed: bool = self.is_failed(call.target, kind)
    word: uint256 = staticcall IPriceHub(call.target).words(kind)
    if not has_failed:
        word = staticcall IPriceHub(call.target).read_one(kind)
    price: price_word.Price = price_word.unpack(word)
    rule_reasons.check(low * BPS <= price.lo * MAX_FLOOR, rule_reasons.BOUNDS_TOO_TIGHT)
    rule_reasons.check(high * BPS >= price.hi * (BPS + MIN_HEADROOM), rule_reasons.BOUNDS_TOO_TIGHT)
    rule_reasons.check(high <= price.hi * MAX_ROOM, rule_reasons.BOUNDS_TOO_WIDE)
    # a price that has failed may have fallen as far as it likes
    rule_reasons.check(has_failed or low * MAX_ROOM >= price.lo, rule_reasons.BOUNDS_TOO_WIDE)
    if has_failed and call.executing:
        # an oracle that is dead brings nothing back: first the bounds, then another oracle. Who starves it of gas is not the admin
        at_hand: uint256 = min(call.expected, MAX_PRICE)
        if self.answers(oracle):
            at_hand = self.price_at(oracle)
        else:
            rule_reasons.check(low <= call.expected and call.expected <= high, rule_reasons.NEEDS_A_PRICE)
        self.check_expected(call, min(at_hand, high))
    return self.verdict(STRUCTURE, self.key_of(call, kind))


@internal
@view
def of_max_age(call: Call) -> IGovernanceRules.Verdict:
    self.check_count(call, 2)
    kind: uint256 = call.words[0]
    age: uint256 = call.words[1]
    self.check_bounds(age, [MIN_AGE, MAX_AGE])
    oracle: address = empty(address)
    present: uint256 = 0
    slew_down: uint256 = 0
    slew_up: uint256 = 0
    oracle, present, slew_down, slew_up = staticcall Hub(call.target).config_of(kind)
    rule_reasons.check(age != present, rule_reasons.NOTHING_CHANGES)
    rule_reasons.check(age <= 2 * present and 2 * age >= present, rule_reasons.STEP_TOO_LARGE)
    if call.executing:
        price: uint256 = 0
        updated_at: uint256 = 0
        price, updated_at = staticcall IPriceOracle(oracle).price()
        rule_reasons.check(updated_at <= block.timestamp and block.timestamp - updated_at <= age, rule_reasons.PRICE_IS_STALE)
        if self.is_failed(call.target, kind):
            self.check_expected(call, min(price, (staticcall Hub(call.target).bounds_of(kind))[1]))
    return self.verdict(PARAMETER, self.key_of(call, kind))


@internal
@view
def of_limits(call: Call) -> IGovernanceRules.Verdict:
    self.check_count(call, 5)
    kind: uint256 = call.words[0]
    oracle: address = empty(address)
    max_age: uint256 = 0
    slew_down: uint256 = 0
    slew_up: uint256 = 0
    oracle, max_age, slew_down, slew_up = staticcall Hub(call.target).config_of(kind)
    jump: uint256 = 0
    sigma: uint256 = 0
    confirming_until: uint256 = 0
    jump, sigma, confirming_until = staticcall Hub(call.target).limits_of(kind)
    rule_reasons.check(
        call.words[1] != slew_down
        or call.words[2] != slew_up
        or call.words[3] != jump
        or call.words[4] != sigma,
        rule_reasons.NOTHING_CHANGES,
    )
    self.check_limit(slew_down, call.words[1], slew_down // 4, SLEW_DOWN_BOUNDS)  # steps down
    self.check_limit(slew_up, call.words[2], slew_up // 4, SLEW_UP_BOUNDS)
    self.check_limit(jump, call.words[3], JUMP_STEP, JUMP_BOUNDS)
    self.check_limit(sigma, call.words[4], sigma // 5, SIGMA_BOUNDS)
    if call.executing:
        price: price_word.Price = price_word.unpack(staticcall IPriceHub(call.target).read_one(kind))
        if call.words[1] > slew_down:
            # else `hi` would catch up with a fall at once
            rule_reasons.check(price.hi * BPS <= price.lo * (BPS + MAX_FALL), rule_reasons.PRICE_IS_MOVING)
        if call.words[4] < sigma:
            variance: uint256 = 0
            last_price: uint256 = 0
            last_at: uint256 = 0
            variance, last_price, last_at = staticcall Hub(call.target).volatility_of(kind)
            # with the sample that is due, or comes within the hour, at the price of now
            variance = margin_math.variance_down(
                variance,
                last_price,
                min(self.price_at(oracle), (staticcall Hub(call.target).bounds_of(kind))[1]),
                max(1, margin_math.volatility_samples(last_at, block.timestamp)),
            )
            heading: uint256 = margin_math.volatility_multiplier_up(variance, sigma * SIGMA_UNIT)
            goal: uint256 = margin_math.volatility_multiplier_up(variance, call.words[4] * SIGMA_UNIT)
            rule_reasons.check(
                min(goal, MAX_MULTIPLIER)
                <= max(price.maintenance_multiplier, min(heading, MAX_MULTIPLIER)) + MULTIPLIER_STEP,
                rule_reasons.STEP_TOO_LARGE,
            )
    return self.verdict(MARGIN, self.key_of(call, kind))


@internal
@pure
def check_limit(present: uint256, wanted: uint256, step: uint256, bounds: uint256[2]):
    if wanted != present:
        self.check_bounds(wanted, bounds)
        # what was deployed outside the bounds may come inside them
        if bounds[0] <= present and present <= bounds[1]:
            self.check_step(present, wanted, step)


@internal
@view
def price_at(oracle: address) -> uint256:
    """
    @notice What an oracle says now; reverts where it fails.
    """
    price: uint256 = 0
    updated_at: uint256 = 0
    # check: allow stale-price - it is compared with a price that was announced, not used
    price, updated_at = staticcall IPriceOracle(oracle).price()
    return price


@internal
@view
def answers(oracle: address) -> bool:
    return raw_call(oracle, method_id("price()"), max_outsize=0, is_static_call=True, revert_on_failure=False)


@internal
@view
def is_failed(hub: address, kind: uint256) -> bool:
    return staticcall IPriceHub(hub).read_one(kind) >> price_word.FLAGS & price_word.FAILED != 0


@internal
@pure
def check_expected(call: Call, price: uint256):
    """
    @notice A price that comes back from failing is the one case in which it may be far from the last: the admin says at
            execution what it should be.
    """
    rule_reasons.check(call.expected != 0 and call.expected <= MAX_PRICE, rule_reasons.NEEDS_A_PRICE)
    rule_reasons.check(
        price * BPS >= call.expected * (BPS - MAX_DEVIATION)
        and price * BPS <= call.expected * (BPS + MAX_DEVIATION),
        rule_reasons.PRICE_DEVIATES,
    )


# the governor itself


@internal
@view
def of_governor(call: Call) -> IGovernanceRules.Verdict:
    if call.selector == method_id("register(address,uint256)", output_type=bytes4):
        self.check_count(call, 2)
        target: address = self.address_at(call, 0)
        rule_reasons.check(target.is_contract, rule_reasons.NO_CODE)
        rule_reasons.check(COIN <= call.words[1] and call.words[1] <= MODEL, rule_reasons.BAD_ROLE)
        rule_reasons.check(self.role_of(call, target) == 0, rule_reasons.ALREADY_REGISTERED)
        return self.verdict(STRUCTURE, self.key_of(call, call.words[0]))
    if call.selector == method_id("set_guardian(address)", output_type=bytes4):
        self.check_count(call, 1)
        rule_reasons.check(self.address_at(call, 0) != empty(address), rule_reasons.THE_ZERO_ADDRESS)
        return self.verdict(STRUCTURE, self.key_of(call, NO_INDEX))
    if call.selector == method_id("propose_admin(address)", output_type=bytes4):
        self.check_count(call, 1)
        pending: address = self.address_at(call, 0)
        return self.verdict(
            STRUCTURE if pending == empty(address) else CONTROL, self.key_of(call, NO_INDEX)
        )

    vault: address = self.address_at(call, 0)
    if call.selector == method_id("set_pause(address,uint256,bool)", output_type=bytes4):
        self.check_count(call, 3)
        self.check_vault(call, vault)
        bit: uint256 = call.words[1]
        rule_reasons.check(bit != 0 and bit < ledger.SHUT and bit & (bit - 1) == 0, rule_reasons.BAD_PAUSES)
        paused: bool = self.bool_at(call, 2)
        rule_reasons.check(paused != (self.in_force(vault) & bit != 0), rule_reasons.NOTHING_CHANGES)
        key: bytes32 = keccak256(abi_encode(call.target, call.selector, vault, bit))
        if paused:
            return self.verdict(AT_ONCE, key)
        if bit == ledger.PAUSE_BORROW:
            self.check_not_retired(call, vault)
        return self.verdict(PARAMETER, key)
    if call.selector == method_id(
        "ramp(address,uint256,uint256,uint256,uint256,uint256,uint256)", output_type=bytes4
    ):
        self.check_count(call, 7)
        self.check_vault(call, vault)
        return self.of_ramp(call, vault)
    if call.selector == method_id("retire(address)", output_type=bytes4):
        self.check_count(call, 1)
        self.check_vault(call, vault)
        self.check_not_retired(call, vault)
        # retiring sets the ceiling, which would name a minter where there is none
        self.check_ours(call, vault)
        coin: address = staticcall IVault(vault).coin()
        rule_reasons.check(self.role_of(call, coin) == COIN, rule_reasons.NOT_REGISTERED)
        rule_reasons.check(staticcall Coin(coin).is_minter(vault), rule_reasons.NOT_A_MINTER)
        return self.verdict(STRUCTURE, self.key_of(call, call.words[0]))
    return self.no_rule()


@internal
@view
def of_ramp(call: Call, vault: address) -> IGovernanceRules.Verdict:
    kind: uint256 = call.words[1]
    self.check_listed(vault, kind)
    self.check_levels(vault, call.words[2], call.words[3], call.words[4], call.words[5], call.words[6])
    now: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
    rises: bool = (
        call.words[2] > now.initial_ltv
        or call.words[3] > now.maintenance_ltv
        or call.words[4] > now.close_out_ltv
    )
    if rises:
        self.check_not_retired(call, vault)
    # a kind's initial level bounds its maintenance requirement, so lowering it can call accounts in a wild market
    falls: bool = (
        call.words[2] < now.initial_ltv
        or call.words[3] < now.maintenance_ltv
        or call.words[4] < now.close_out_ltv
        or call.words[6] < now.end_factor
    )
    rule_reasons.check(rises or falls or call.words[5] != now.start_factor or call.words[6] != now.end_factor, rule_reasons.NOTHING_CHANGES)
    return self.verdict(
        MARGIN if falls else PARAMETER, keccak256(abi_encode(call.target, call.selector, vault, kind))
    )


@external
@view
def undo_of(target: address, data: Bytes[MAX_DATA]) -> Bytes[MAX_UNDO]:
    selector: bytes4 = convert(slice(data, 0, 4), bytes4)
    first: uint256 = extract32(data, 4, output_type=uint256)
    if selector == method_id("set_ceiling(address,uint256)", output_type=bytes4):
        minter: address = convert(first, address)
        return abi_encode(
            minter,
            staticcall Coin(target).ceiling(minter),
            method_id=method_id("set_ceiling(address,uint256)"),
        )
    if selector == method_id("set_flash(uint256,uint256)", output_type=bytes4):
        return abi_encode(
            staticcall Coin(target).flash_fee_bps(),
            staticcall Coin(target).flash_ceiling(),
            method_id=method_id("set_flash(uint256,uint256)"),
        )
    if selector == method_id("set_cap(uint256,uint256)", output_type=bytes4):
        return abi_encode(
            first,
            staticcall IVault(target).deposited(first) >> ledger.CAP,
            method_id=method_id("set_cap(uint256,uint256)"),
        )
    # the rest are switches: the same call with its last word 0
    if len(data) == 36:
        return concat(slice(data, 0, 4), empty(bytes32))
    if len(data) == 68:
        return concat(slice(data, 0, 36), empty(bytes32))
    return concat(slice(data, 0, 68), empty(bytes32))


@external
@view
def restorable(target: address, undo: Bytes[MAX_UNDO]) -> bool:
    role: uint256 = staticcall IGovernor(msg.sender).role_of(target)
    vault: address = target
    if role == COIN and len(undo) == 68:
        vault = convert(extract32(undo, 4, output_type=uint256) & ledger.TOKEN_MASK, address)  # the minter
    elif role == GOVERNOR:
        vault = convert(extract32(undo, 4, output_type=uint256) & ledger.TOKEN_MASK, address)
    if staticcall IGovernor(msg.sender).role_of(vault) != VAULT:
        return True
    if role == GOVERNOR:  # a pause bit
        if self.in_force(vault) & ledger.SHUT != 0:
            return False
        if extract32(undo, 36, output_type=uint256) != ledger.PAUSE_BORROW:
            return True
    return not staticcall IGovernor(msg.sender).is_retired(vault)


@external
@view
def pauses_of(vault: address) -> uint256:
    return self.in_force(vault)


@internal
@view
def in_force(vault: address) -> uint256:
    totals: ledger.Totals = ledger.unpack_totals(staticcall IVault(vault).totals())
    if block.timestamp >= totals.take_resumes_at:
        return totals.pauses & ~ledger.PAUSE_TAKE
    return totals.pauses


# what acts are measured by


@internal
@pure
def no_rule() -> IGovernanceRules.Verdict:
    rule_reasons.check(False, rule_reasons.NO_RULE)
    return empty(IGovernanceRules.Verdict)


@internal
@pure
def verdict(delay: uint256, key: bytes32) -> IGovernanceRules.Verdict:
    return IGovernanceRules.Verdict(delay=delay, key=key, is_admins=False)


@internal
@pure
def admins(delay: uint256, key: bytes32) -> IGovernanceRules.Verdict:
    return IGovernanceRules.Verdict(delay=delay, key=key, is_admins=True)


@internal
@pure
def key_of(call: Call, index: uint256) -> bytes32:
    """
    @notice One parameter: contract, function, and the kind, slot, minter or book that it is of.
    """
    return keccak256(abi_encode(call.target, call.selector, index))


@internal
@pure
def check_count(call: Call, count: uint256):
    rule_reasons.check(call.count == count, rule_reasons.BAD_LENGTH)


@internal
@pure
def address_at(call: Call, i: uint256) -> address:
    rule_reasons.check(call.words[i] <= ledger.TOKEN_MASK, rule_reasons.DIRTY_WORD)
    return convert(call.words[i], address)


@internal
@pure
def bool_at(call: Call, i: uint256) -> bool:
    rule_reasons.check(call.words[i] <= 1, rule_reasons.DIRTY_WORD)
    return call.words[i] == 1


@internal
@pure
def check_step(present: uint256, wanted: uint256, step: uint256):
    change: uint256 = wanted - present if wanted > present else present - wanted
    rule_reasons.check(change <= step, rule_reasons.STEP_TOO_LARGE)


@internal
@pure
def check_bounds(wanted: uint256, bounds: uint256[2]):
    rule_reasons.check(bounds[0] <= wanted and wanted <= bounds[1], rule_reasons.OUT_OF_BOUNDS)


@internal
@view
def growth_delay(call: Call, key: bytes32, present: uint256, wanted: uint256, worth: uint256) -> uint256:
    """
    @notice How long a cap or ceiling waits to rise: a day to twice what it is, or to what it was before the guardian
            lowered it; as long as a listing to what a new one may start with.
    """
    rule_reasons.check(wanted != present, rule_reasons.NOTHING_CHANGES)
    if wanted <= 2 * present or wanted <= staticcall IGovernor(call.governor).former(key):
        return PARAMETER
    self.check_fresh(wanted, worth)
    return STRUCTURE


@internal
@pure
def check_fresh(amount: uint256, worth: uint256):
    rule_reasons.check(amount <= ledger.HALF_MASK and worth <= FRESH_START, rule_reasons.STEP_TOO_LARGE)


@internal
@view
def worth_of(vault: address, kind: uint256, amount: uint256) -> uint256:
    return self.value_of(
        staticcall IVault(vault).hub(),
        kind,
        amount,
        staticcall IVault(vault).collateral(kind) >> ledger.DECIMALS & 255,
    )


@internal
@view
def value_of(hub: address, kind: uint256, amount: uint256, decimals: uint256) -> uint256:
    """
    @notice Value (WAD) of an amount at the last price of its kind; the maximum where no amount is that large.
    """
    if amount > ledger.HALF_MASK:
        return max_value(uint256)
    price: price_word.Price = price_word.unpack(staticcall IPriceHub(hub).read_one(kind))
    return margin_math.value_down(amount, price.hi, decimals)


@internal
@view
def check_levels(
    vault: address, initial: uint256, maintenance: uint256, close_out: uint256, start: uint256, end: uint256
):
    """
    @notice The rules of listing, which the vault has too.
    """
    rule_reasons.check(initial < maintenance and maintenance < close_out and close_out <= end, rule_reasons.BAD_LEVELS)
    rule_reasons.check(BPS <= start and start <= MAX_START_FACTOR and end < BPS, rule_reasons.BAD_FACTORS)
    penalty: uint256 = staticcall IVault(vault).liquidation_penalty()
    rule_reasons.check(maintenance * (BPS + penalty) <= end * BPS, rule_reasons.BAD_FACTORS)


@internal
@view
def check_listed(vault: address, kind: uint256):
    rule_reasons.check(kind < MAX_KINDS, rule_reasons.UNKNOWN_KIND)
    rule_reasons.check(staticcall IVault(vault).collateral(kind) != 0, rule_reasons.UNKNOWN_KIND)


@internal
@view
def role_of(call: Call, target: address) -> uint256:
    return staticcall IGovernor(call.governor).role_of(target)


@internal
@view
def check_vault(call: Call, vault: address):
    rule_reasons.check(self.role_of(call, vault) == VAULT, rule_reasons.NOT_A_VAULT)


@internal
@view
def check_not_retired(call: Call, vault: address):
    rule_reasons.check(not staticcall IGovernor(call.governor).is_retired(vault), rule_reasons.RETIRED)


@internal
@view
def check_ours(call: Call, target: address):
    """
    @notice What is given power over the system is governed here by the time it gets it.
    """
    if call.executing:
        rule_reasons.check(staticcall Governed(target).governor() == call.governor, rule_reasons.GOVERNED_BY_ANOTHER)
