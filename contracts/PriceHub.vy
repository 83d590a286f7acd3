# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title PriceHub: guarded prices, cached in one word per kind
@notice Anyone may refresh and read prices; the governor lists kinds and names their oracles and bounds. An oracle that
        reverts, burns its gas, answers in the wrong shape, reports 0, a price below `min`, a time that is too old or
        in the future makes its own kind FAILED and nothing else: stored `lo`, `hi` and `updated_at` stay as they
        were, the returned `lo` is 0 (nothing can be opened on it), `hi` stays the last good one. A price above `max`
        counts as `max`. A failed kind is tried again once a block, whoever asks, so a recovery is seen at once.
        `updated_at` of a word is the time at which this hub accepted the price: it drives `fresh_for` and the elapsed
        time of slew limits. The oracle's own time is judged once, on acceptance; a price in use is therefore never
        older than max_age + fresh_for.
        Not active yet: slew limits (stored; now lo = hi = the accepted price), confirmation, volatility (multipliers
        stay at BPS).
@custom:security No oracle can revert a call here, write anything (static call) or be starved into failing: it gets
        exactly ORACLE_GAS or the call reverts with "gas too low". Reads and refreshes do not take the lock
        (`@reentrant`), since a static call cannot re-enter a function that writes.
@custom:freeze An oracle is replaced by `set_oracle`; bounds can be drawn around a price. Nothing here stops repayments.
"""
from ..interfaces import IPriceHub
from ..interfaces import IPriceOracle
from .modules import governed

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
MAX_DEVIATION: constant(uint256) = 500  # bps between a new oracle and the live price

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
# of a word shifted down by TIME_SHIFT: `updated_at`, and FAILED above it
AGE_MASK: constant(uint256) = TIME_MASK | (1 << (FLAG_SHIFT - TIME_SHIFT))

ATTEMPT_SHIFT: constant(uint256) = 184
ATTEMPT_MASK: constant(uint256) = SHORT_MASK << ATTEMPT_SHIFT

# at least 1: a word accepted in this block is never read again in it
FRESH_FOR: immutable(uint256)

# lo:88 | hi:88 | updated_at:40 | initial_multiplier:16 | maintenance_multiplier:16 | flags:8
_words: uint256[MAX_KINDS]
# oracle:160 | max_age:24 | attempted_at:24 (low bits of the last failed attempt's time) | slew_down:24 | slew_up:24
_configs: uint256[MAX_KINDS]
# min:88 | max:88 | confirming_until:40 | sigma_ref:40
_bounds: uint256[MAX_KINDS]
_tokens: address[MAX_KINDS]

kind_count: public(uint256)


@deploy
def __init__(governor: address, fresh_for: uint256):
    governed.__init__(governor)
    assert fresh_for <= SHORT_MASK, "fresh_for too long"
    FRESH_FOR = max(fresh_for, 1)


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
                word = self._returned(self._next_word(word, self._configs[kind], self._bounds[kind]))
            assert len(found) < MAX_SYNC, "too many kinds"
            found.append(word)
        if rest < 2:
            return found
    raise "unknown kind"


@external
@reentrant
def sync_one(kind: uint256) -> uint256:
    """
    @notice `sync` of one kind.
    @dev A fresh word costs one slot and no internal call; `_is_fresh` says why the subtraction is unchecked.
    @return its word
    """
    assert kind < MAX_KINDS, "unknown kind"
    word: uint256 = self._words[kind]
    if unsafe_sub(block.timestamp, (word >> TIME_SHIFT) & AGE_MASK) >= FRESH_FOR:  # not `_is_fresh`
        word = self._refresh(kind, word)
    return word


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
    if unsafe_sub(block.timestamp, (word >> TIME_SHIFT) & AGE_MASK) >= FRESH_FOR:  # not `_is_fresh`
        word = self._returned(self._next_word(word, self._configs[kind], self._bounds[kind]))
    return word


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
    return unsafe_sub(block.timestamp, (word >> TIME_SHIFT) & AGE_MASK) < FRESH_FOR


@internal
def _refresh(kind: uint256, word: uint256) -> uint256:
    """
    @notice Ask the oracle, store and log the outcome. A failure is remembered until the next block.
    @return the word as callers see it
    """
    config: uint256 = self._configs[kind]
    if self._has_just_failed(word, config):
        return self._returned(word)

    renewed: uint256 = self._next_word(word, config, self._bounds[kind])
    if renewed & FAILED != 0:
        self._configs[kind] = (config & ~ATTEMPT_MASK) | self._attempt_now()
    if renewed != word:
        self._words[kind] = renewed
    log IPriceHub.PriceUpdated(kind=kind, word=renewed)
    return self._returned(renewed)


@internal
@view
def _next_word(word: uint256, config: uint256, bounds: uint256) -> uint256:
    """
    @notice The word to store now. It is the old one with FAILED set when there is no acceptable price.
    """
    self._check_listed(word)
    if self._has_just_failed(word, config):
        return word
    price: uint256 = self._accepted_price(config, bounds)
    if price == 0:
        return word | FAILED
    return self._word_of(price, word & MULTIPLIERS_MASK)


@internal
@pure
def _check_listed(word: uint256):
    """
    @dev Not inline: the memory that a reason takes in `_next_word` would be paid by each `sync_one` above it.
    """
    assert word != 0, "unknown kind"


@internal
@view
def _accepted_price(config: uint256, bounds: uint256) -> uint256:
    """
    @notice The oracle's price within its bounds, or 0: failed, stale, from the future or below `min`.
    """
    assert msg.gas - msg.gas // 64 > ORACLE_GAS + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[96] = b""
    success, answer = raw_call(
        convert(config & ADDRESS_MASK, address),
        method_id("price()"),
        max_outsize=96,  # one word more than is right, so that a longer answer shows
        gas=ORACLE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 64:
        return 0

    price: uint256 = extract32(answer, 0, output_type=uint256)
    updated_at: uint256 = extract32(answer, 32, output_type=uint256)
    if price < bounds & PRICE_MASK or updated_at > block.timestamp:
        return 0
    if block.timestamp - updated_at > (config >> 160) & SHORT_MASK:
        return 0
    return min(price, (bounds >> HI_SHIFT) & PRICE_MASK)


@internal
@view
def _word_of(price: uint256, multipliers: uint256) -> uint256:
    """
    @dev `price` is at most a bound, hence below 2**88; the time fits 40 bits for 34,000 years.
    """
    return price | (price << HI_SHIFT) | (block.timestamp << TIME_SHIFT) | multipliers


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
) -> uint256:
    """
    @notice Give a token a kind; its oracle must show a live price at or above `min_price`. Governor only.
    @param max_age seconds after which the oracle's answer is stale
    @param min_price WAD coin units per whole token: below it there is no price
    @param max_price WAD: above it the price counts as this
    @param slew_down fastest fall of `hi`, 1e-9 of the price per second
    @param slew_up fastest rise of `lo`, 1e-9 of the price per second
    @return kind
    """
    governed.check_governor()
    kind: uint256 = self.kind_count
    assert kind < MAX_KINDS, "too many kinds"
    assert token.is_contract, "token has no code"
    for other: address in self._tokens:
        assert other != token, "kind already listed"
    self._check_oracle(oracle)
    self._check_max_age(max_age)
    self._check_bounds(min_price, max_price)
    assert slew_down != 0 and slew_down <= SHORT_MASK, "bad slew"
    assert slew_up != 0 and slew_up <= SHORT_MASK, "bad slew"

    config: uint256 = convert(oracle, uint256) | (max_age << 160) | (slew_down << 208) | (slew_up << 232)
    bounds: uint256 = min_price | (max_price << HI_SHIFT)
    price: uint256 = self._accepted_price(config, bounds)
    assert price != 0 and price < max_price, "price failed"
    word: uint256 = self._word_of(price, NEUTRAL_MULTIPLIERS)

    self.kind_count = kind + 1
    self._tokens[kind] = token
    self._configs[kind] = config
    self._bounds[kind] = bounds
    self._words[kind] = word
    log IPriceHub.KindListed(kind=kind, token=token)
    self._log_oracle(kind)
    log IPriceHub.PriceUpdated(kind=kind, word=word)
    return kind


@external
def set_oracle(kind: uint256, oracle: address):
    """
    @notice Name another oracle. It must show a live price, within 5 % of what the old one shows, unless the old one
            has failed. Governor only.
    """
    governed.check_governor()
    word: uint256 = self._listed_word(kind)
    self._check_oracle(oracle)

    config: uint256 = self._configs[kind]
    bounds: uint256 = self._bounds[kind]
    live: uint256 = self._next_word(word, config, bounds)
    config = (config & ~(ADDRESS_MASK | ATTEMPT_MASK)) | convert(oracle, uint256)
    price: uint256 = self._accepted_price(config, bounds)
    assert price != 0, "price failed"
    if live & FAILED == 0:
        assert price * BPS >= (live & PRICE_MASK) * (BPS - MAX_DEVIATION), "price deviates"
        assert price * BPS <= ((live >> HI_SHIFT) & PRICE_MASK) * (BPS + MAX_DEVIATION), "price deviates"

    self._configs[kind] = config
    word = self._word_of(price, word & MULTIPLIERS_MASK)
    self._words[kind] = word
    self._log_oracle(kind)
    log IPriceHub.PriceUpdated(kind=kind, word=word)


@external
def set_bounds(kind: uint256, min_price: uint256, max_price: uint256):
    """
    @notice Change the sanity bounds of a kind and judge its price by them at once. Governor only.
    """
    governed.check_governor()
    word: uint256 = self._listed_word(kind)
    self._check_bounds(min_price, max_price)
    self._bounds[kind] = min_price | (max_price << HI_SHIFT)
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
    self._configs[kind] = (self._configs[kind] & ~(SHORT_MASK << 160)) | (max_age << 160)
    self._log_oracle(kind)
    self._judge_again(kind, word)


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
        max_age=(config >> 160) & SHORT_MASK,
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
        (config >> 160) & SHORT_MASK,
        (config >> 208) & SHORT_MASK,
        config >> 232,
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
