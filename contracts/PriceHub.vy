# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title PriceHub: guarded prices, cached in one word per kind
@notice Anyone may refresh and read prices; the governor lists kinds and names their oracles, bounds and limits. An oracle
        that reverts, burns its gas, answers in the wrong shape, reports 0, a price below `min`, a time that is too old or
        in the future makes its own kind FAILED and nothing else: what is stored stays, the returned `lo` is 0 (nothing
        can be opened on it), `hi` stays the last one. A price above `max` counts as `max`.
        `hi` follows a fall, and `lo` a rise, no faster than the slew limits; `lo` falls and `hi` rises at once. After a
        jump, a failure, a change of oracle or a restart of the sequencer a kind is CONFIRMING for a while. Hourly
        samples of accepted prices drive the two margin multipliers (margin_math.vy; docs/prices.md).
        `updated_at` is the time at which this hub accepted the price; a price in use is never older than
        max_age + fresh_for.
@custom:security No oracle can revert a call here, write anything (static call) or be starved into failing: it gets
        exactly ORACLE_GAS or the call reverts with "gas too low". Reads and refreshes do not take the lock
        (`@reentrant`), since a static call cannot re-enter a function that writes.
@custom:rounding `hi` up, `lo` down; variance down, multipliers up.
@custom:freeze An oracle is replaced by `set_oracle`; bounds can be drawn around a price. Nothing here stops repayments.
"""
from ..interfaces import IPriceHub
from .modules import governed
from .modules import margin_math

implements: IPriceHub

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

BPS: constant(uint256) = 10_000
MAX_KINDS: constant(uint256) = 32
MAX_SYNC: constant(uint256) = 8
MAX_FRESH_FOR: constant(uint256) = 120  # the most that counts for a slew limit in one refresh
MAX_DEVIATION: constant(uint256) = 500  # bps between a new oracle and what the old one says
MAX_MULTIPLIERS: constant(uint256[2]) = [25_000, 12_500]  # initial, maintenance
MULTIPLIER_STEPS: constant(uint256[2]) = [5_000, 500]  # the most they rise an hour
JUMP_UNIT: constant(uint256) = 50  # bps
SIGMA_UNIT: constant(uint256) = 10**9  # WAD of one unit of sigma_ref

ORACLE_GAS: constant(uint256) = 300_000
CALL_GAS: constant(uint256) = 4_000  # what is spent between the gas check and the oracle's first step

PRICE_MASK: constant(uint256) = 2**88 - 1
TIME_MASK: constant(uint256) = 2**40 - 1
SHORT_MASK: constant(uint256) = 2**24 - 1
ADDRESS_MASK: constant(uint256) = 2**160 - 1
HI_SHIFT: constant(uint256) = 88
TIME_SHIFT: constant(uint256) = 176
MULTIPLIER_SHIFT: constant(uint256) = 216
FLAG_SHIFT: constant(uint256) = 248
NEUTRAL_MULTIPLIERS: constant(uint256) = (BPS << MULTIPLIER_SHIFT) | (BPS << 232)
MULTIPLIERS_MASK: constant(uint256) = (2**32 - 1) << MULTIPLIER_SHIFT
FAILED: constant(uint256) = 1 << FLAG_SHIFT
CONFIRMING: constant(uint256) = 2 << FLAG_SHIFT
# of a word shifted down by TIME_SHIFT: `updated_at`, and FAILED above it
AGE_MASK: constant(uint256) = TIME_MASK | (1 << (FLAG_SHIFT - TIME_SHIFT))

MAX_AGE_SHIFT: constant(uint256) = 160
SLEW_DOWN_SHIFT: constant(uint256) = 208
SLEW_UP_SHIFT: constant(uint256) = 232
ATTEMPT_SHIFT: constant(uint256) = 184
ATTEMPT_MASK: constant(uint256) = SHORT_MASK << ATTEMPT_SHIFT

CONFIRMING_SHIFT: constant(uint256) = 176
CONFIRMING_MASK: constant(uint256) = TIME_MASK << CONFIRMING_SHIFT
SIGMA_SHIFT: constant(uint256) = 216
BOUNDS_MASK: constant(uint256) = 2**176 - 1

VARIANCE_MASK: constant(uint256) = 2**120 - 1
LAST_PRICE_SHIFT: constant(uint256) = 120
LAST_AT_SHIFT: constant(uint256) = 208
JUMP_SHIFT: constant(uint256) = 248
JUMP_MASK: constant(uint256) = 255 << JUMP_SHIFT

SEQUENCER_DOWN: constant(uint256) = max_value(uint256)

# at least 1: a word accepted in this block is never read again in it
FRESH_FOR: immutable(uint256)
CONFIRM_PERIOD: immutable(uint256)
LISTINGS: immutable(address)

# lo:88 | hi:88 | updated_at:40 | initial_multiplier:16 | maintenance_multiplier:16 | flags:8
_words: uint256[MAX_KINDS]
# oracle:160 | max_age:24 | attempted_at:24 (low bits of the last failed attempt's time) | slew_down:24 | slew_up:24
_configs: uint256[MAX_KINDS]
# min:88 | max:88 | confirming_until:40 | sigma_ref:40 (1e-9 an hour)
_bounds: uint256[MAX_KINDS]
# variance:120 (WAD squared, an hour) | last_price:88 | last_at:40 | jump:8 (50 bps)
_volatility: uint256[MAX_KINDS]
_tokens: address[MAX_KINDS]

kind_count: public(uint256)
sequencer: public(address)


@deploy
def __init__(governor: address, fresh_for: uint256, confirm_period: uint256, listings: address):
    """
    @param fresh_for seconds for which a word is used without asking its oracle, at most 120; 0 means within its block
    @param confirm_period seconds for which a kind is CONFIRMING after a jump
    @param listings the contract besides the governor that may list kinds, here and in vaults; zero for none
    """
    governed.__init__(governor)
    # beyond it a refresh could not make up for the time since the last one
    assert fresh_for <= MAX_FRESH_FOR, "fresh_for too long"
    assert confirm_period != 0 and confirm_period <= SHORT_MASK, "bad confirm period"
    FRESH_FOR = max(fresh_for, 1)
    CONFIRM_PERIOD = confirm_period
    LISTINGS = listings


# prices


@external
@reentrant
def sync(mask: uint256) -> DynArray[uint256, MAX_SYNC]:
    """
    @notice Refresh the named kinds where their word is older than `fresh_for` and return their words.
    @param mask at most 8 kinds, each listed
    @return words in ascending order of kind
    """
    found: DynArray[uint256, MAX_SYNC] = []
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest & 1 != 0:
            word: uint256 = self._words[kind]
            if not self._is_fresh(word):
                word = self._refresh(kind, word)
            assert len(found) < MAX_SYNC, "too many kinds"
            found.append(word)
        if rest < 2:
            return found
    raise "unknown kind"


@external
@view
@reentrant
def read(mask: uint256) -> DynArray[uint256, MAX_SYNC]:
    """
    @notice What `sync` would return now, without writing.
    """
    found: DynArray[uint256, MAX_SYNC] = []
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest & 1 != 0:
            word: uint256 = self._words[kind]
            if not self._is_fresh(word):
                word = self._foreseen(kind, word)
            assert len(found) < MAX_SYNC, "too many kinds"
            found.append(word)
        if rest < 2:
            return found
    raise "unknown kind"


# check: allow unlocked-call - it calls itself alone, and that call takes the lock
@external
@reentrant
def sync_one(kind: uint256) -> uint256:
    """
    @notice `sync` of one kind.
    @dev A fresh word costs one slot and no internal call: the memory of all that an internal call might reach would be
         paid here too, so another word is asked for from outside. `_is_fresh` says why the subtraction is unchecked.
    @return its word
    """
    assert kind < MAX_KINDS, "unknown kind"
    word: uint256 = self._words[kind]
    if unsafe_sub(block.timestamp, (word >> TIME_SHIFT) & AGE_MASK) < FRESH_FOR:  # `_is_fresh`
        return word
    return (extcall IPriceHub(self).sync(1 << kind))[0]


@external
@view
@reentrant
def read_one(kind: uint256) -> uint256:
    """
    @notice `read` of one kind.
    @return its word
    """
    assert kind < MAX_KINDS, "unknown kind"
    word: uint256 = self._words[kind]
    if unsafe_sub(block.timestamp, (word >> TIME_SHIFT) & AGE_MASK) < FRESH_FOR:  # `_is_fresh`
        return word
    return (staticcall IPriceHub(self).read(1 << kind))[0]


@external
@view
@reentrant
def live_price(kind: uint256) -> uint256:
    """
    @notice What a refresh would accept from the oracle of a listed kind this moment (WAD, at most `max`), before any limit: 0
            while there is no price. A word may be `fresh_for` old and behind by its slew; whoever has no cushion
            for that asks here too.
    """
    assert kind < self.kind_count, "unknown kind"
    if self._restarted_at() == SEQUENCER_DOWN:
        return 0
    return self._accepted_price(self._configs[kind], self._bounds[kind])


@external
@reentrant
def poke(mask: uint256):
    """
    @notice Refresh any number of listed kinds; open to anyone.
    """
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest & 1 != 0:
            word: uint256 = self._words[kind]
            if not self._is_fresh(word):
                self._refresh(kind, word)
        if rest < 2:
            return
    raise "unknown kind"


@internal
@view
def _is_fresh(word: uint256) -> bool:
    """
    @dev One subtraction, unchecked: `updated_at` is never in the future, and the bit of a failed word lies above any
         time, so that its age wraps round to more than `FRESH_FOR`. The time of an unlisted kind is 0.
    """
    return unsafe_sub(block.timestamp, (word >> TIME_SHIFT) & AGE_MASK) < FRESH_FOR  # it wraps where it is meant to


@internal
def _refresh(kind: uint256, word: uint256) -> uint256:
    """
    @notice Ask the oracle, store and log the outcome. A failure is remembered until the next block.
    @return the word as callers see it
    """
    config: uint256 = self._configs[kind]
    if self._has_just_failed(word, config):
        return self._returned(word)

    renewed: uint256 = 0
    confirming_until: uint256 = 0
    volatility: uint256 = 0
    renewed, confirming_until, volatility = self._next_word(kind, word, config)
    if renewed & FAILED != 0:
        self._configs[kind] = (config & ~ATTEMPT_MASK) | self._attempt_now()
    self._store(kind, renewed, confirming_until, volatility)
    return self._returned(renewed)


@internal
def _store(kind: uint256, word: uint256, confirming_until: uint256, volatility: uint256):
    """
    @notice Write and log what a refresh brought; 0 leaves the time of confirmation, or the volatility, as it is.
    """
    self._words[kind] = word
    if confirming_until != 0:
        self._bounds[kind] = (self._bounds[kind] & ~CONFIRMING_MASK) | (confirming_until << CONFIRMING_SHIFT)
    if volatility != 0:
        self._volatility[kind] = volatility
    log IPriceHub.PriceUpdated(kind=kind, word=word)


@internal
@view
def _foreseen(kind: uint256, word: uint256) -> uint256:
    """
    @notice What `_refresh` would return.
    """
    config: uint256 = self._configs[kind]
    if self._has_just_failed(word, config):
        return self._returned(word)
    renewed: uint256 = 0
    confirming_until: uint256 = 0
    volatility: uint256 = 0
    renewed, confirming_until, volatility = self._next_word(kind, word, config)
    return self._returned(renewed)


@internal
@view
def _next_word(kind: uint256, word: uint256, config: uint256) -> (uint256, uint256, uint256):
    """
    @notice The word to store now: the old one with FAILED set when there is no acceptable price, else `_guarded`.
    """
    assert word != 0, "unknown kind"
    restarted_at: uint256 = self._restarted_at()
    price: uint256 = 0
    if restarted_at != SEQUENCER_DOWN:
        price = self._accepted_price(config, self._bounds[kind])
    if price == 0:
        return word | FAILED, 0, 0
    return self._guarded(kind, word, config, price, restarted_at, word & FAILED != 0)


@internal
@view
def _guarded(
    kind: uint256, word: uint256, config: uint256, price: uint256, restarted_at: uint256, confirms: bool
) -> (uint256, uint256, uint256):
    """
    @notice An accepted price against what is stored: slewed, judged for a jump, sampled.
    @param restarted_at when the sequencer came back, 0 without one
    @param confirms whether a confirmation begins even without a jump
    @dev `price`, `lo` and `hi` are below 2**88, ratios below 2**15: no product here leaves 256 bits. A price that falls by
         more than all of `hi` does not exist, so a jump of BPS or more only looks up.
    @return the word, the new end of the confirmation or 0, the new volatility or 0
    """
    lo: uint256 = word & PRICE_MASK
    hi: uint256 = (word >> HI_SHIFT) & PRICE_MASK
    elapsed: uint256 = block.timestamp - ((word >> TIME_SHIFT) & TIME_MASK)
    bounds: uint256 = self._bounds[kind]
    volatility: uint256 = self._volatility[kind]
    jump: uint256 = (volatility >> JUMP_SHIFT) * JUMP_UNIT

    begun: uint256 = 0
    if confirms or price * BPS < hi * (BPS - min(jump, BPS)) or price * BPS > lo * (BPS + jump):
        begun = block.timestamp + CONFIRM_PERIOD
    until: uint256 = max(max(begun, (bounds >> CONFIRMING_SHIFT) & TIME_MASK), restarted_at + CONFIRM_PERIOD)

    hi = margin_math.slew_hi_up(hi, price, (config >> SLEW_DOWN_SHIFT) & SHORT_MASK, elapsed)
    lo = margin_math.slew_lo_down(lo, price, config >> SLEW_UP_SHIFT, elapsed)
    renewed: uint256 = lo | (hi << HI_SHIFT) | (block.timestamp << TIME_SHIFT)
    if block.timestamp < until:
        return renewed | (word & MULTIPLIERS_MASK) | CONFIRMING, begun, 0

    samples: uint256 = margin_math.volatility_samples((volatility >> LAST_AT_SHIFT) & TIME_MASK, block.timestamp)
    if samples == 0:
        return renewed | (word & MULTIPLIERS_MASK), begun, 0
    variance: uint256 = margin_math.variance_down(
        volatility & VARIANCE_MASK, (volatility >> LAST_PRICE_SHIFT) & PRICE_MASK, price, samples
    )
    goal: uint256 = margin_math.volatility_multiplier_up(variance, (bounds >> SIGMA_SHIFT) * SIGMA_UNIT)
    for i: uint256 in range(2):
        place: uint256 = MULTIPLIER_SHIFT + 16 * i
        renewed |= margin_math.next_multiplier(
            (word >> place) & (2**16 - 1), goal, MAX_MULTIPLIERS[i], MULTIPLIER_STEPS[i], samples
        ) << place
    volatility = (
        variance
        | (price << LAST_PRICE_SHIFT)
        | (block.timestamp << LAST_AT_SHIFT)
        | (volatility & JUMP_MASK)
    )
    return renewed, begun, volatility


@internal
@view
def _restarted_at() -> uint256:
    """
    @notice When the sequencer last came back: 0 without a sequencer, now when its feed cannot be read (so that kinds
            go on CONFIRMING until it can, or is replaced), SEQUENCER_DOWN while it is down.
            https://docs.chain.link/data-feeds/l2-sequencer-feeds
    """
    feed: address = self.sequencer
    if feed == empty(address):
        return 0
    answer: Bytes[192] = self._ask(feed, method_id("latestRoundData()"))
    if len(answer) != 160:
        return block.timestamp
    is_down: uint256 = extract32(answer, 32, output_type=uint256)
    started_at: uint256 = extract32(answer, 64, output_type=uint256)
    if is_down > 1 or started_at == 0 or started_at > block.timestamp:
        return block.timestamp
    return SEQUENCER_DOWN if is_down == 1 else started_at


@internal
@view
def _accepted_price(config: uint256, bounds: uint256) -> uint256:
    """
    @notice The oracle's price within its bounds, or 0: failed, stale, from the future or below `min`.
    """
    answer: Bytes[192] = self._ask(convert(config & ADDRESS_MASK, address), method_id("price()"))
    if len(answer) != 64:
        return 0

    price: uint256 = extract32(answer, 0, output_type=uint256)
    updated_at: uint256 = extract32(answer, 32, output_type=uint256)
    if price < bounds & PRICE_MASK or updated_at > block.timestamp:
        return 0
    if block.timestamp - updated_at > (config >> MAX_AGE_SHIFT) & SHORT_MASK:
        return 0
    return min(price, (bounds >> HI_SHIFT) & PRICE_MASK)


@internal
@view
def _ask(target: address, selector: Bytes[4]) -> Bytes[192]:
    """
    @notice The answer of a contract that is not trusted, empty when it fails; one word more than the longest right
            answer, so that a longer one shows.
    """
    assert msg.gas - msg.gas // 64 > ORACLE_GAS + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[192] = b""
    success, answer = raw_call(
        target,
        selector,
        max_outsize=192,
        gas=ORACLE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success:
        return b""
    return answer


@internal
@pure
def _returned(word: uint256) -> uint256:
    """
    @notice A word as callers see it: `lo` is 0 while FAILED.
    """
    if word & FAILED != 0:
        return word & ~PRICE_MASK
    return word


@internal
@view
def _has_just_failed(word: uint256, config: uint256) -> bool:
    return word & FAILED != 0 and config & ATTEMPT_MASK == self._attempt_now()


@internal
@view
def _attempt_now() -> uint256:
    """
    @dev 24 bits of seconds come round after 194 days; a collision delays one retry by one block.
    """
    return (block.timestamp & SHORT_MASK) << ATTEMPT_SHIFT


# governance


@external
def list_kind(
    token: address,
    oracle: address,
    max_age: uint256,
    min_price: uint256,
    max_price: uint256,
    slew_down: uint256,
    slew_up: uint256,
    jump_bps: uint256,
    sigma_ref: uint256,
) -> uint256:
    """
    @notice Give a token a kind; its oracle must show a live price, at least `min_price` and below `max_price`. Governor
            or `listings` only.
    @param max_age seconds after which the oracle's answer is stale
    @param min_price WAD coin units per whole token: below it there is no price
    @param max_price WAD: above it the price counts as this
    @param slew_down fastest fall of `hi`, 1e-9 of the price per second
    @param slew_up fastest rise of `lo`, 1e-9 of the price per second
    @param jump_bps a price this far below `hi` or above `lo` starts a confirmation; a multiple of 50, at most 12,750
    @param sigma_ref standard deviation of an hour, 1e-9, up to which the margin multipliers stay at BPS
    @return kind
    """
    if msg.sender != LISTINGS:
        governed.check_governor()
    kind: uint256 = self.kind_count
    assert kind < MAX_KINDS, "too many kinds"
    assert token.is_contract, "token has no code"
    for other: address in self._tokens:
        assert other != token, "kind already listed"
    self._check_oracle(oracle)
    self._check_max_age(max_age)
    self._check_bounds(min_price, max_price)
    assert self._restarted_at() != SEQUENCER_DOWN, "price failed"

    config: uint256 = convert(oracle, uint256) | (max_age << MAX_AGE_SHIFT)
    bounds: uint256 = min_price | (max_price << HI_SHIFT)
    price: uint256 = self._accepted_price(config, bounds)
    assert price != 0 and price < max_price, "price failed"

    self.kind_count = kind + 1
    self._tokens[kind] = token
    self._configs[kind] = config
    self._bounds[kind] = bounds
    self._volatility[kind] = (price << LAST_PRICE_SHIFT) | (block.timestamp << LAST_AT_SHIFT)
    log IPriceHub.KindListed(kind=kind, token=token)
    self._log_oracle(kind)
    self._set_limits(kind, slew_down, slew_up, jump_bps, sigma_ref)
    self._store(kind, price | (price << HI_SHIFT) | (block.timestamp << TIME_SHIFT) | NEUTRAL_MULTIPLIERS, 0, 0)
    return kind


@external
def set_oracle(kind: uint256, oracle: address):
    """
    @notice Name another oracle. It must show a live price, within 5 % of what the old one says now unless that has
            failed. The price goes on by the slew limits, CONFIRMING. Governor only.
    """
    governed.check_governor()
    word: uint256 = self._listed_word(kind)
    self._check_oracle(oracle)

    restarted_at: uint256 = self._restarted_at()
    assert restarted_at != SEQUENCER_DOWN, "price failed"
    config: uint256 = self._configs[kind]
    bounds: uint256 = self._bounds[kind]
    old: uint256 = self._accepted_price(config, bounds)
    config = (config & ~(ADDRESS_MASK | ATTEMPT_MASK)) | convert(oracle, uint256)
    price: uint256 = self._accepted_price(config, bounds)
    assert price != 0, "price failed"
    if old != 0:
        assert price * BPS >= old * (BPS - MAX_DEVIATION), "price deviates"
        assert price * BPS <= old * (BPS + MAX_DEVIATION), "price deviates"

    self._configs[kind] = config
    self._log_oracle(kind)
    confirming_until: uint256 = 0
    volatility: uint256 = 0
    word, confirming_until, volatility = self._guarded(kind, word, config, price, restarted_at, True)
    self._store(kind, word, confirming_until, volatility)


@external
def set_bounds(kind: uint256, min_price: uint256, max_price: uint256):
    """
    @notice Change the sanity bounds of a kind and judge its price by them at once. Governor only.
    """
    governed.check_governor()
    word: uint256 = self._listed_word(kind)
    self._check_bounds(min_price, max_price)
    self._bounds[kind] = (self._bounds[kind] & ~BOUNDS_MASK) | min_price | (max_price << HI_SHIFT)
    self._log_oracle(kind)
    self._judge_again(kind, word)


@external
def set_max_age(kind: uint256, max_age: uint256):
    """
    @notice Change the age from which a kind's price is stale and judge its price by it at once. Governor only.
    """
    governed.check_governor()
    word: uint256 = self._listed_word(kind)
    self._check_max_age(max_age)
    self._configs[kind] = (self._configs[kind] & ~(SHORT_MASK << MAX_AGE_SHIFT)) | (max_age << MAX_AGE_SHIFT)
    self._log_oracle(kind)
    self._judge_again(kind, word)


@external
def set_limits(kind: uint256, slew_down: uint256, slew_up: uint256, jump_bps: uint256, sigma_ref: uint256):
    """
    @notice Change how fast a kind's price may move, what counts as a jump and how wild a market is usual; used from the
            next refresh on. Governor only.
    """
    governed.check_governor()
    self._listed_word(kind)
    self._set_limits(kind, slew_down, slew_up, jump_bps, sigma_ref)


@external
def set_sequencer(feed: address):
    """
    @notice Name the uptime feed of an L2's sequencer, zero for none. While it says that the sequencer is down every
            price is FAILED; for the confirm period after it came back, and while it cannot be read, CONFIRMING.
            Governor only.
    """
    governed.check_governor()
    assert feed == empty(address) or feed.is_contract, "sequencer has no code"
    self.sequencer = feed
    log IPriceHub.SequencerSet(feed=feed)


@internal
def _set_limits(kind: uint256, slew_down: uint256, slew_up: uint256, jump_bps: uint256, sigma_ref: uint256):
    assert slew_down != 0 and slew_down <= SHORT_MASK, "bad slew"
    assert slew_up != 0 and slew_up <= SHORT_MASK, "bad slew"
    jump: uint256 = jump_bps // JUMP_UNIT
    assert jump != 0 and jump <= 255 and jump * JUMP_UNIT == jump_bps, "bad jump"
    assert sigma_ref != 0 and sigma_ref <= TIME_MASK, "bad sigma"

    below_slews: uint256 = self._configs[kind] & (2**SLEW_DOWN_SHIFT - 1)
    self._configs[kind] = below_slews | (slew_down << SLEW_DOWN_SHIFT) | (slew_up << SLEW_UP_SHIFT)
    self._bounds[kind] = (self._bounds[kind] & (2**SIGMA_SHIFT - 1)) | (sigma_ref << SIGMA_SHIFT)
    self._volatility[kind] = (self._volatility[kind] & ~JUMP_MASK) | (jump << JUMP_SHIFT)
    log IPriceHub.LimitsSet(
        kind=kind, slew_down=slew_down, slew_up=slew_up, jump_bps=jump_bps, sigma_ref=sigma_ref
    )


@internal
def _judge_again(kind: uint256, word: uint256):
    self._configs[kind] &= ~ATTEMPT_MASK
    self._refresh(kind, word)


@internal
@view
def _listed_word(kind: uint256) -> uint256:
    assert kind < self.kind_count, "unknown kind"
    return self._words[kind]


@internal
@view
def _check_oracle(oracle: address):
    assert oracle.is_contract, "oracle has no code"


@internal
@pure
def _check_max_age(max_age: uint256):
    assert max_age != 0 and max_age <= SHORT_MASK, "bad max age"


@internal
@pure
def _check_bounds(min_price: uint256, max_price: uint256):
    assert min_price != 0 and min_price < max_price and max_price <= PRICE_MASK, "bad bounds"


@internal
def _log_oracle(kind: uint256):
    config: uint256 = self._configs[kind]
    bounds: uint256 = self._bounds[kind]
    log IPriceHub.OracleSet(
        kind=kind,
        oracle=convert(config & ADDRESS_MASK, address),
        max_age=(config >> MAX_AGE_SHIFT) & SHORT_MASK,
        min_price=bounds & PRICE_MASK,
        max_price=(bounds >> HI_SHIFT) & PRICE_MASK,
    )


# views


@external
@view
@reentrant
def words(kind: uint256) -> uint256:
    """
    @notice The stored word of a kind (its `lo` is not blanked while FAILED); 0 when the kind is not listed.
    """
    return self._words[kind] if kind < MAX_KINDS else 0


@external
@view
@reentrant
def token_of(kind: uint256) -> address:
    """
    @notice The token whose price a kind is; zero when the kind is not listed.
    """
    return self._tokens[kind] if kind < MAX_KINDS else empty(address)


@external
@view
@reentrant
def config_of(kind: uint256) -> (address, uint256, uint256, uint256):
    """
    @notice Oracle, max_age in seconds, slew_down and slew_up (1e-9 of the price per second) of a listed kind.
    """
    assert kind < self.kind_count, "unknown kind"
    config: uint256 = self._configs[kind]
    return (
        convert(config & ADDRESS_MASK, address),
        (config >> MAX_AGE_SHIFT) & SHORT_MASK,
        (config >> SLEW_DOWN_SHIFT) & SHORT_MASK,
        config >> SLEW_UP_SHIFT,
    )


@external
@view
@reentrant
def bounds_of(kind: uint256) -> (uint256, uint256):
    """
    @notice The smallest and the largest accepted price (WAD) of a listed kind.
    """
    assert kind < self.kind_count, "unknown kind"
    bounds: uint256 = self._bounds[kind]
    return bounds & PRICE_MASK, (bounds >> HI_SHIFT) & PRICE_MASK


@external
@view
@reentrant
def fresh_for() -> uint256:
    """
    @notice Seconds for which a word is used without asking its oracle; at least 1, that is: within its block.
    """
    return FRESH_FOR


@external
@view
@reentrant
def limits_of(kind: uint256) -> (uint256, uint256, uint256):
    """
    @notice Jump (bps), reference volatility (1e-9 an hour) and the end of the last confirmation (unix seconds) of a
            listed kind. A restart of the sequencer may make it CONFIRMING beyond that.
    """
    assert kind < self.kind_count, "unknown kind"
    bounds: uint256 = self._bounds[kind]
    return (
        (self._volatility[kind] >> JUMP_SHIFT) * JUMP_UNIT,
        bounds >> SIGMA_SHIFT,
        (bounds >> CONFIRMING_SHIFT) & TIME_MASK,
    )


@external
@view
@reentrant
def volatility_of(kind: uint256) -> (uint256, uint256, uint256):
    """
    @notice EWMA variance of hourly returns (WAD squared), the last sampled price (WAD) and when, of a listed kind.
    """
    assert kind < self.kind_count, "unknown kind"
    volatility: uint256 = self._volatility[kind]
    return (
        volatility & VARIANCE_MASK,
        (volatility >> LAST_PRICE_SHIFT) & PRICE_MASK,
        (volatility >> LAST_AT_SHIFT) & TIME_MASK,
    )


@external
@view
@reentrant
def confirm_period() -> uint256:
    """
    @notice Seconds for which a kind is CONFIRMING after a jump, a failure, a change of oracle or a sequencer's restart.
    """
    return CONFIRM_PERIOD


@external
@view
@reentrant
def listings() -> address:
    """
    @notice The contract besides the governor that may list kinds; zero for none.
    """
    return LISTINGS
