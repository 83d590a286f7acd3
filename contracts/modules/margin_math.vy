# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Margin maths: every formula of Surety, each written once
@notice Pure integer functions over uint256, without structs or state. The EVM executes this file inside the
        contracts; `surety.formulas` loads the very same file into Python; so the vault, the keeper, the model
        and the risk lab can never disagree.
        Units: amounts are token base units, values and debts are coin units (WAD), prices are WAD coin units
        per whole token, ratios are basis points (`*_bps`, or a factor of BPS), the interest index is in RAY.
@custom:rounding Every division ends in `_down` or `_up`, or is named in the comment beside it; always in the
        protocol's favour: what is owed is rounded up, what is owned is rounded down.
@custom:security A function reverts where an intermediate product leaves 256 bits. Inside the packed widths of
        the vault (balances 128, prices 88, debts 104 bits at index 1) none does.
"""

BPS: constant(uint256) = 10_000
WAD: constant(uint256) = 10**18
RAY: constant(uint256) = 10**27
MAX_INDEX: constant(uint256) = 2**128 - 1
MAX_GROWTH_RAY: constant(uint256) = 20 * 10**27
SERIES_RAY: constant(uint256) = 10**24
TIP_DIVISOR: constant(uint256) = 400
SAMPLE_PERIOD: constant(uint256) = 3_600
DECAY: constant(uint256) = 97 * 10**16
MAX_RETURN: constant(uint256) = 5 * 10**17
MAX_SLEW_SECONDS: constant(uint256) = 120
SLEW_SCALE: constant(uint256) = 10**9

# account states, derived and never stored: protocol.md section 7
EMPTY: constant(uint256) = 0
HEALTHY: constant(uint256) = 1
AT_RISK: constant(uint256) = 2
CALLABLE: constant(uint256) = 3
CALLED: constant(uint256) = 4
IN_AUCTION: constant(uint256) = 5
ABSORBABLE: constant(uint256) = 6

# phases of a margin-call clock
IDLE: constant(uint256) = 0
GRACE: constant(uint256) = 1
RUNNING: constant(uint256) = 2
RIPE: constant(uint256) = 3
OVER: constant(uint256) = 4


@internal
@pure
def div_up(a: uint256, b: uint256) -> uint256:
    """
    @notice ceil(a / b). Reverts for b = 0 and when a + b leaves 256 bits.
    """
    return (a + b - 1) // b


@internal
@pure
def mul_div_down(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @notice floor(a * b / c). Reverts when a * b leaves 256 bits or c = 0.
    """
    return a * b // c


@internal
@pure
def mul_div_up(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @notice ceil(a * b / c). Reverts when a * b + c leaves 256 bits or c = 0.
    """
    return self.div_up(a * b, c)


@internal
@pure
def less(a: uint256, b: uint256) -> uint256:
    """
    @notice a - b, and 0 where b is larger.
    """
    return unsafe_sub(a, b) if a > b else 0  # just compared


# value and the four levels (section 5)


@internal
@pure
def value_down(amount: uint256, price: uint256, decimals: uint256) -> uint256:
    """
    @notice Value in coin units of `amount` base units of a token at `price`, rounded down.
    """
    return amount * price // 10**decimals


@internal
@pure
def amount_up(worth: uint256, price: uint256, decimals: uint256) -> uint256:
    """
    @notice The smallest amount of base units worth at least `worth` coin units at `price`: rounded up.
    """
    return self.mul_div_up(worth, 10**decimals, price)


@internal
@pure
def target_capacity(value_hi: uint256, initial_ltv: uint256) -> uint256:
    """
    @notice Debt that one kind supports at the target level: v(hi) - A, where A = ceil(v(hi) * (1 - initial_ltv)) is
            what must stay uncovered after a liquidation. v - ceil(v * (1 - x)) is floor(v * x): rounded down.
    """
    return value_hi * initial_ltv // BPS


@internal
@pure
def initial_capacity(
    value_lo: uint256, initial_ltv: uint256, initial_multiplier: uint256, frozen: uint256
) -> uint256:
    """
    @notice Debt that one kind supports at the initial level: v(lo) - I. The requirement I is scaled by volatility,
            rounded up twice, and never above the value; a frozen kind (`frozen` is 0 or 1) supports nothing.
    """
    if frozen != 0:
        return 0
    base: uint256 = value_lo - value_lo * initial_ltv // BPS  # up
    required: uint256 = (base * initial_multiplier + (BPS - 1)) // BPS  # up
    return unsafe_sub(value_lo, min(value_lo, required))


@internal
@pure
def maintenance_capacity_from(
    value_hi: uint256, target: uint256, maintenance_ltv: uint256, maintenance_multiplier: uint256
) -> uint256:
    """
    @notice Debt that one kind supports at the maintenance level: v(hi) - M. The requirement M is scaled by volatility,
            rounded up twice, and never above the target requirement, so that no volatility reading can make an
            account callable that satisfies the target level. `target` is the kind's capacity at that level.
    """
    base: uint256 = value_hi - value_hi * maintenance_ltv // BPS  # up
    scaled: uint256 = (base * maintenance_multiplier + (BPS - 1)) // BPS  # up
    return max(target, unsafe_sub(value_hi, min(value_hi, scaled)))


@internal
@pure
def maintenance_capacity(
    value_hi: uint256, initial_ltv: uint256, maintenance_ltv: uint256, maintenance_multiplier: uint256
) -> uint256:
    """
    @notice `maintenance_capacity_from` where the target capacity is not at hand.
    """
    return self.maintenance_capacity_from(
        value_hi, self.target_capacity(value_hi, initial_ltv), maintenance_ltv, maintenance_multiplier
    )


@internal
@pure
def close_out_capacity(value_hi: uint256, close_out_ltv: uint256) -> uint256:
    """
    @notice Debt that one kind supports at the close-out level: v(hi) - L, where L = ceil(v(hi) * (1 - close_out_ltv)) does
            not scale with volatility. Rounded down.
    """
    return value_hi * close_out_ltv // BPS


# the requirements: what the capacities leave of a value (section 5)


@internal
@pure
def target_requirement(value_hi: uint256, initial_ltv: uint256) -> uint256:
    """
    @notice A = ceil(v(hi) * (1 - initial_ltv)): what must stay uncovered by debt after a liquidation.
    """
    return value_hi - self.target_capacity(value_hi, initial_ltv)


@internal
@pure
def initial_requirement(
    value_lo: uint256, initial_ltv: uint256, initial_multiplier: uint256, frozen: uint256
) -> uint256:
    """
    @notice I: what must stay uncovered when risk is raised; never above the value.
    """
    return value_lo - self.initial_capacity(value_lo, initial_ltv, initial_multiplier, frozen)


@internal
@pure
def maintenance_requirement(
    value_hi: uint256, initial_ltv: uint256, maintenance_ltv: uint256, maintenance_multiplier: uint256
) -> uint256:
    """
    @notice M: below it an account can be called; never above A.
    """
    return value_hi - self.maintenance_capacity(
        value_hi, initial_ltv, maintenance_ltv, maintenance_multiplier
    )


@internal
@pure
def close_out_requirement(value_hi: uint256, close_out_ltv: uint256) -> uint256:
    """
    @notice L = ceil(v(hi) * (1 - close_out_ltv)).
    """
    return value_hi - self.close_out_capacity(value_hi, close_out_ltv)


# debt and interest (sections 5, 6 and 8)


@internal
@pure
def debt_up(normalized_debt: uint256, index: uint256) -> uint256:
    """
    @notice What an account owes in coin units: ceil(normalized_debt * index / RAY).
    """
    return (normalized_debt * index + (RAY - 1)) // RAY  # up


@internal
@pure
def borrowed_up(amount: uint256, index: uint256) -> uint256:
    """
    @notice Normalized debt that borrowing `amount` adds: rounded up.
    """
    return self.mul_div_up(amount, RAY, index)


@internal
@pure
def repaid_down(amount: uint256, index: uint256) -> uint256:
    """
    @notice Normalized debt that repaying `amount` removes: rounded down.
    """
    return amount * RAY // index


@internal
@pure
def repayment(amount: uint256, debt: uint256, debt_floor: uint256) -> uint256:
    """
    @notice What a repayment of at most `amount` really takes: all of the debt when it covers it, else cut so
            that exactly the debt floor stays owed (0 when the debt is not above the floor). Never reverts.
    """
    if amount >= debt:
        return debt
    if debt - amount >= debt_floor:
        return amount
    return debt - debt_floor if debt > debt_floor else 0


@internal
@pure
def total_debt_down(total_normalized_debt: uint256, index: uint256) -> uint256:
    """
    @notice What a whole book owes: floor(total_normalized_debt * index / RAY).
    """
    return total_normalized_debt * index // RAY


@internal
@pure
def index_up(index: uint256, rate: uint256, elapsed: uint256) -> uint256:
    """
    @notice The interest index after `elapsed` seconds at `rate` (RAY per second): index * exp(rate * elapsed), growth
            rounded up, at most exp(20) a step and 128 bits in all: it saturates and never reverts for
            index < 2**128 and rate * elapsed < 2**256. The exponential is its third-order series; where one step
            would be off by more than 1e-13, it is taken of rate * elapsed halved until it is at most 1e-3, and squared
            back: one step of any length is within 1e-9 of as many steps of a second.
    """
    x: uint256 = min(rate * elapsed, MAX_GROWTH_RAY)
    halvings: uint256 = 0
    if x > SERIES_RAY:
        for _: uint256 in range(15):  # 20 * 2**-15 < 1e-3
            if x <= SERIES_RAY:
                break
            x = x // 2  # down: 1e-27 each
            halvings = unsafe_add(halvings, 1)  # at most 15
    # both inner divisions round down: below 1e-27 a step, the outer one rounds up; x < 2**90 keeps all but the last
    # product far below 256 bits
    square: uint256 = unsafe_mul(x, x) // (2 * RAY)
    cube: uint256 = unsafe_mul(square, x) // (3 * RAY)  # check: allow divide-before-multiply - the bound is told above
    growth: uint256 = unsafe_add(x, unsafe_add(square, cube))
    if halvings > 0:
        for _: uint256 in range(15):
            if halvings == 0:
                break
            # (1 + g)**2 - 1; growth stays below exp(20) RAY < 2**119, its square below 2**238
            growth = unsafe_add(unsafe_mul(2, growth), unsafe_mul(growth, growth) // RAY)  # down
            halvings = unsafe_sub(halvings, 1)
    return min(MAX_INDEX, index + (index * growth + (RAY - 1)) // RAY)  # up


# margin call and state (section 7)


@internal
@pure
def opens_at(
    auction_start: uint256, duration: uint256, take_resumes_at: uint256, take_pause: uint256
) -> uint256:
    """
    @notice When the auction opens as read: 0 without a clock, never before takes are resumed. A clock that had
            run out for good (auction and time to absorb) when takes were paused stays run out: a pause must not
            bring an old call back to life. `take_pause` is how long before `take_resumes_at` the pause began.
    """
    if auction_start == 0 or auction_start >= take_resumes_at:
        return auction_start
    return auction_start if auction_start + 2 * duration + take_pause < take_resumes_at else take_resumes_at


@internal
@pure
def auction_phase(opens: uint256, duration: uint256, now: uint256) -> uint256:
    """
    @notice Where a clock stands at a time: 0 IDLE, 1 GRACE (before `opens`), 2 RUNNING (both ends inclusive), 3 RIPE
            (ended less than one duration ago: an absorb may follow), 4 OVER. `opens` is as read (`opens_at`).
    """
    if opens == 0:
        return IDLE
    if now < opens:
        return GRACE
    if now <= opens + duration:
        return RUNNING
    return RIPE if now <= opens + 2 * duration else OVER


@internal
@pure
def account_state(
    debt: uint256,
    target: uint256,
    maintenance: uint256,
    close_out: uint256,
    collateral_mask: uint256,
    opens: uint256,
    duration: uint256,
    now: uint256,
) -> uint256:
    """
    @notice The state of an account from its debt, its capacities at three levels, its clock and the time:
            0 EMPTY, 1 HEALTHY, 2 AT_RISK, 3 CALLABLE, 4 CALLED, 5 IN_AUCTION, 6 ABSORBABLE.
    """
    if debt == 0 and collateral_mask == 0:
        return EMPTY
    if debt <= target:
        return HEALTHY
    if debt <= maintenance:
        return AT_RISK
    phase: uint256 = self.auction_phase(opens, duration, now)
    if phase == GRACE:
        return CALLED
    if phase == RUNNING:
        return IN_AUCTION
    return ABSORBABLE if phase == RIPE and debt > close_out else CALLABLE


@internal
@pure
def call_tip_down(call_tip: uint256, debt: uint256) -> uint256:
    """
    @notice What a margin call pays its caller: at most `call_tip`, at most a 400th of the debt, rounded down.
    """
    return min(call_tip, debt // TIP_DIVISOR)


# the in-place Dutch auction (section 7)


@internal
@pure
def auction_factor(start_factor: uint256, end_factor: uint256, elapsed: uint256, duration: uint256) -> uint256:
    """
    @notice The price factor in bps `elapsed` seconds into an auction: linear from start to end, never under
            the end factor. The fall is rounded down, so the price is rounded up.
    """
    return start_factor - (start_factor - end_factor) * elapsed // duration


@internal
@pure
def auction_price_up(hi: uint256, factor: uint256) -> uint256:
    """
    @notice What one whole token costs in an auction: ceil(hi * factor / BPS).
    """
    return (hi * factor + (BPS - 1)) // BPS  # up


@internal
@pure
def sale_value_down(value_hi: uint256, factor: uint256) -> uint256:
    """
    @notice What selling a whole balance would raise at `factor`: rounded down.
    """
    return value_hi * factor // BPS


@internal
@pure
def effective_penalty_down(penalty: uint256, sale_value: uint256, debt: uint256) -> uint256:
    """
    @notice The liquidation penalty in bps that the account can still pay: waived towards insolvency, so a
            penalty never makes bad debt. `sale_value` is the sum over all saleable kinds.
    """
    return min(penalty, unsafe_sub(sale_value, debt) * BPS // debt) if sale_value > debt else 0


@internal
@pure
def value_to_target_up(
    debt: uint256, target: uint256, factor: uint256, initial_ltv: uint256, penalty: uint256, value_hi: uint256
) -> uint256:
    """
    @notice The value of one kind to sell so that the account is back at its target level; the whole
            `value_hi` when selling this kind cannot reach it. Requires debt >= target.
    """
    grossed: uint256 = BPS + penalty
    paid: uint256 = factor * BPS
    lost: uint256 = initial_ltv * grossed
    if paid <= lost:
        return value_hi
    slope: uint256 = unsafe_sub(paid, lost)  # just compared
    return ((debt - target) * (BPS * grossed) + (slope - 1)) // slope  # up


@internal
@pure
def take_amounts(
    debt: uint256,
    target: uint256,
    balance: uint256,
    amount: uint256,
    hi: uint256,
    decimals: uint256,
    factor: uint256,
    initial_ltv: uint256,
    penalty: uint256,
    debt_floor: uint256,
) -> (uint256, uint256, uint256):
    """
    @notice Size one take: (token amount sold, coins it costs, debt it repays). Stops at the target level,
            never leaves a debt between 0 and the floor unless the whole balance is sold, never exceeds
            `amount`. `penalty` is the effective one. Requires debt > target.
            An amount of 0 means that nothing can be sold: (0, 0, 0) when there is nothing to take, (0, owed, 0)
            when every amount on offer would leave dust.
    @custom:rounding Amount to the target up, cost up, debt repaid down; a cut to the floor rounds the amount
            down, so that the floor holds.
    """
    price: uint256 = self.auction_price_up(hi, factor)
    grossed: uint256 = BPS + penalty
    unit: uint256 = 10**decimals
    most: uint256 = min(amount, balance)
    worth: uint256 = self.value_to_target_up(
        debt, target, factor, initial_ltv, penalty, balance * hi // unit
    )
    sold: uint256 = min(most, (worth * unit + (hi - 1)) // hi)  # up
    if sold == 0:
        return 0, 0, 0
    cost: uint256 = (sold * price + (unit - 1)) // unit  # up
    owed: uint256 = (debt * grossed + (BPS - 1)) // BPS  # up
    if cost >= owed:
        return min(sold, self.mul_div_up(owed, unit, price)), owed, debt
    repaid: uint256 = min(debt, cost * BPS // grossed)
    if debt - repaid >= debt_floor or repaid == debt or sold == balance:
        return sold, cost, repaid
    clear: uint256 = self.mul_div_up(owed, unit, price)
    if clear <= most:
        return clear, owed, debt
    if debt <= debt_floor:
        return 0, owed, 0
    # the dearest cost whose repayment still leaves the floor, then the amount it buys: both rounded down
    # check: allow divide-before-multiply - the cost is a whole number of base units of the coin, and then an amount
    sold = (((debt - debt_floor + 1) * grossed - 1) // BPS) * unit // price
    if sold == 0:
        return 0, owed, 0
    cost = self.mul_div_up(sold, price, unit)
    return sold, cost, min(debt, cost * BPS // grossed)


@internal
@pure
def normalized_after_repayment(
    normalized_debt: uint256, debt: uint256, repaid: uint256, index: uint256
) -> uint256:
    """
    @notice Normalized debt after a take: min(normalized_debt, ceil((debt - repaid) * RAY / index)).
    """
    return min(normalized_debt, self.borrowed_up(debt - repaid, index))


@internal
@pure
def absorbed_share_up(debt: uint256, penalty: uint256, weighted_value: uint256) -> uint256:
    """
    @notice The share (RAY) of every kind that an absorb moves to the fund: debt with penalty over the value
            at the end of the auction, at most all. `weighted_value` is the sum of v_i(hi) * end_factor_i.
    """
    owed: uint256 = debt * (BPS + penalty)
    return RAY if owed >= weighted_value else self.mul_div_up(owed, RAY, weighted_value)


@internal
@pure
def absorbed_amount_up(balance: uint256, share: uint256) -> uint256:
    """
    @notice What an absorb moves of one balance: ceil(balance * share / RAY), share at most RAY.
    """
    return self.mul_div_up(balance, share, RAY)


@internal
@pure
def absorb_shortfall(debt: uint256, weighted_value: uint256) -> uint256:
    """
    @notice Debt that absorbed collateral does not cover at the end factors: the bad debt that is logged.
    """
    covered: uint256 = weighted_value // BPS  # down: a shortfall is never understated
    return debt - covered if debt > covered else 0


# views by the field's names (section 5)


@internal
@pure
def health_factor_down(debt: uint256, maintenance: uint256) -> uint256:
    """
    @notice Maintenance capacity over debt, WAD, rounded down; the maximum without debt. Callable below WAD.
    """
    return max_value(uint256) if debt == 0 else maintenance * WAD // debt


@internal
@pure
def margin_ratio_down(debt: uint256, total_value: uint256) -> uint256:
    """
    @notice Equity over value, WAD, rounded down; 0 without equity, the maximum without debt.
    """
    if debt == 0:
        return max_value(uint256)
    return self.mul_div_down(total_value - debt, WAD, total_value) if total_value > debt else 0


@internal
@pure
def margin_to_liquidation_ratio_down(debt: uint256, total_value: uint256, maintenance: uint256) -> uint256:
    """
    @notice Equity over the maintenance requirement, WAD, rounded down; callable below WAD. 0 without equity,
            the maximum without debt or without a requirement. Requires maintenance <= total_value.
    """
    required: uint256 = total_value - maintenance
    if debt == 0 or required == 0:
        return max_value(uint256)
    return self.mul_div_down(total_value - debt, WAD, required) if total_value > debt else 0


@internal
@pure
def collateral_ratio_down(debt: uint256, total_value: uint256) -> uint256:
    """
    @notice Value over debt, WAD, rounded down; the maximum without debt.
    """
    return max_value(uint256) if debt == 0 else self.mul_div_down(total_value, WAD, debt)


@internal
@pure
def loan_to_value_up(debt: uint256, total_value: uint256) -> uint256:
    """
    @notice Debt over value, WAD, rounded up; 0 without debt, the maximum with debt and no value.
    """
    if debt == 0:
        return 0
    return max_value(uint256) if total_value == 0 else self.mul_div_up(debt, WAD, total_value)


@internal
@pure
def leverage_up(debt: uint256, total_value: uint256) -> uint256:
    """
    @notice Value over equity, WAD, rounded up; WAD without debt, the maximum without equity.
    """
    if debt == 0:
        return WAD
    return self.mul_div_up(total_value, WAD, total_value - debt) if total_value > debt else max_value(uint256)


@internal
@pure
def liquidation_price_up(
    debt: uint256,
    balance: uint256,
    decimals: uint256,
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    maintenance_multiplier: uint256,
) -> uint256:
    """
    @notice The price `hi` of a single-kind account at or above which no margin call is possible, rounded up
            (to the few wei by which the requirements round); 0 without debt, the maximum without collateral.
    """
    if debt == 0:
        return 0
    scaled: uint256 = self.mul_div_up(BPS - maintenance_ltv, maintenance_multiplier, BPS)
    usable: uint256 = BPS - min(BPS - initial_ltv, scaled)
    if balance == 0 or usable == 0:
        return max_value(uint256)
    return self.mul_div_up(self.mul_div_up(debt, BPS, usable), 10**decimals, balance)


# prices: slew limits and volatility (section 9)


@internal
@pure
def slew_hi_up(hi: uint256, price: uint256, slew_down: uint256, elapsed: uint256) -> uint256:
    """
    @notice `hi` after a sync: the price, or the old `hi` let down by at most `slew_down` (1e-9 a second).
    """
    fall: uint256 = min(SLEW_SCALE, slew_down * min(elapsed, MAX_SLEW_SECONDS))
    return max(price, self.mul_div_up(hi, SLEW_SCALE - fall, SLEW_SCALE))


@internal
@pure
def slew_lo_down(lo: uint256, price: uint256, slew_up: uint256, elapsed: uint256) -> uint256:
    """
    @notice `lo` after a sync: the price, or the old `lo` let up by at most `slew_up` (1e-9 a second).
    """
    rise: uint256 = slew_up * min(elapsed, MAX_SLEW_SECONDS)
    return min(price, self.mul_div_down(lo, SLEW_SCALE + rise, SLEW_SCALE))


@internal
@pure
def volatility_samples(last_at: uint256, now: uint256) -> uint256:
    """
    @notice How many whole hours a volatility sample would cover: (now - last_at) // 3600, 0 means no sample.
    """
    return (now - last_at) // SAMPLE_PERIOD


@internal
@pure
def decay_down(samples: uint256) -> uint256:
    """
    @notice 0.97 ** min(samples, 24) in WAD, by repeated multiplication, each rounded down.
    """
    weight: uint256 = WAD
    count: uint256 = 0
    for _: uint256 in range(24):
        if count == samples:
            break
        weight = self.mul_div_down(weight, DECAY, WAD)
        count += 1
    return weight


@internal
@pure
def variance_down(variance: uint256, last_price: uint256, price: uint256, samples: uint256) -> uint256:
    """
    @notice EWMA variance (WAD squared, per hour) after one sample over `samples` >= 1 hours; the return is
            capped at 50 %. All divisions round down.
    """
    change: uint256 = price - last_price if price > last_price else last_price - price
    step: uint256 = min(self.mul_div_down(change, WAD, last_price), MAX_RETURN)
    weight: uint256 = self.decay_down(samples)
    # check: allow divide-before-multiply - the square has 36 decimals: what is lost of it is below 1e-36
    return (weight * variance + (WAD - weight) * (step * step // samples)) // WAD


@internal
@pure
def volatility_multiplier_up(variance: uint256, sigma_ref: uint256) -> uint256:
    """
    @notice What the margin multipliers move towards, bps: sigma over its reference (WAD), at least BPS.
    """
    return max(BPS, self.mul_div_up(isqrt(variance), BPS, sigma_ref))


@internal
@pure
def next_multiplier(
    multiplier: uint256, goal: uint256, cap: uint256, step_up: uint256, samples: uint256
) -> uint256:
    """
    @notice A multiplier after one sample: towards min(goal, cap), up by at most `step_up` an hour for 4
            hours, down by at most 250 bps an hour for 24. Requires multiplier >= BPS.
    """
    bound: uint256 = min(goal, cap)
    if bound > multiplier:
        return min(bound, multiplier + step_up * min(samples, 4))
    return max(bound, multiplier - 250 * min(samples, 24))


# tiered margin (docs/margin-models.md)

LIMB: constant(uint256) = 2**57


@internal
@pure
def mul_div_wide_down(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @notice floor(a * b / c), exactly, by long division in two limbs of b: for a <= c < 2**197 and b < 2**114
            no intermediate leaves 256 bits, though a * b may. Reverts where one does, and for c = 0.
    """
    if a < 2**142 and b < 2**114:
        return unsafe_mul(a, b) // c  # below 2**256, so nothing is lost; this is every account of real size
    upper: uint256 = a * (b // LIMB)  # check: allow divide-before-multiply - the split of b is exact
    lower: uint256 = a * (b % LIMB)
    # check: allow divide-before-multiply - of the upper limb's quotient the remainder goes on with the lower one
    return upper // c * LIMB + (upper % c * LIMB + lower) // c


@internal
@pure
def bracket_line(
    value_hi: uint256,
    bound1: uint256,
    bound2: uint256,
    bound3: uint256,
    rate0: uint256,
    rate1: uint256,
    rate2: uint256,
    rate3: uint256,
) -> (uint256, uint256):
    """
    @notice The marginal reduction (bps) at `value_hi`, and the offset of the line on which the integral E of the
            reductions runs there: E(v) = (rate * v - offset) / BPS, without any rounding. At a bound the
            steeper bracket counts (both lines meet there). The first bound that is 0 ends the brackets.
            Requires bounds that ascend and rates that never fall.
    """
    if bound1 == 0 or value_hi < bound1:
        return rate0, 0
    offset: uint256 = (rate1 - rate0) * bound1
    if bound2 == 0 or value_hi < bound2:
        return rate1, offset
    offset += (rate2 - rate1) * bound2
    if bound3 == 0 or value_hi < bound3:
        return rate2, offset
    return rate3, offset + (rate3 - rate2) * bound3


@internal
@pure
def tier_surcharge_up(capacity: uint256, value_hi: uint256, rate_bps: uint256, offset: uint256) -> uint256:
    """
    @notice What the brackets take off one capacity: ceil(capacity * E(v) / v) with the rate and offset
            of `bracket_line` at v. At most the capacity. For capacity <= v < 2**197 and bounds below
            2**100 no intermediate leaves 256 bits.
    """
    if offset == 0:
        return self.mul_div_up(capacity, rate_bps, BPS)
    # the inner quotient rounds down and is subtracted: the result is the exact quotient, rounded up once
    return self.div_up(capacity * rate_bps - self.mul_div_wide_down(capacity, offset, value_hi), BPS)


@internal
@pure
def scale_share_up(deposited: uint256, scale_lo: uint256, scale_hi: uint256, scale_bps: uint256) -> uint256:
    """
    @notice The share (WAD) that a whole book's deposits of a kind take off its initial capacity: 0 up to
            `scale_lo`, linear to all of `scale_bps` at `scale_hi`, constant beyond. Requires scale_lo < scale_hi
            unless `scale_bps` is 0.
    """
    if scale_bps == 0 or deposited <= scale_lo:
        return 0
    return self.mul_div_up((min(deposited, scale_hi) - scale_lo) * scale_bps, WAD, (scale_hi - scale_lo) * BPS)


@internal
@pure
def scaled_surcharge_up(capacity: uint256, surcharge: uint256, scale_share: uint256) -> uint256:
    """
    @notice A surcharge and, on top, `scale_share` (WAD, at most WAD) of what it leaves of the capacity, rounded up: at
            most the capacity. Requires surcharge <= capacity.
    """
    return surcharge + self.mul_div_up(capacity - surcharge, scale_share, WAD)


# previews: what the lens computes beyond what the vault does


@internal
@pure
def normalized_down(debt: uint256, index: uint256) -> uint256:
    """
    @notice The most normalized debt that owes at most `debt`: the largest n with debt_up(n, index) <= debt.
    """
    return self.mul_div_down(debt, RAY, index)


@internal
@pure
def borrowable_down(normalized_debt: uint256, index: uint256) -> uint256:
    """
    @notice The most that may be borrowed to add at most `normalized_debt`: the largest x with
            borrowed_up(x, index) <= normalized_debt.
    """
    return self.mul_div_down(normalized_debt, index, RAY)


# shutdown (docs/shutdown.md)


@internal
@pure
def value_and_rest(amount: uint256, price: uint256, decimals: uint256) -> (uint256, uint256):
    """
    @notice Value in coin units of `amount` base units of a token at `price`, rounded down, and what that drops, in 1e-18
            of a coin unit: exact for up to 18 decimals, so that values of several tokens can be added and rounded once.
    """
    worth: uint256 = amount * price
    unit: uint256 = 10**decimals
    return worth // unit, worth % unit * 10 ** (18 - decimals)  # the quotient rounds down, the rest is exact


# governance: levels and models that change by degrees


@internal
@pure
def toward(level: uint256, goal: uint256, step: uint256) -> uint256:
    """
    @notice `level`, moved by at most `step` and never beyond `goal`.
    """
    if level < goal:
        return level + min(step, goal - level)
    return level - min(step, level - goal)


@internal
@pure
def next_levels(
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    close_out_ltv: uint256,
    start_factor: uint256,
    end_factor: uint256,
    initial_goal: uint256,
    maintenance_goal: uint256,
    close_out_goal: uint256,
    start_goal: uint256,
    end_goal: uint256,
    penalty: uint256,
    step: uint256,
) -> (uint256, uint256, uint256, uint256, uint256):
    """
    @notice Every level and factor of a kind moved toward its goal by at most `step`, in the order of the arguments. Where
            now and goal both satisfy the rules of listing, so does what comes out, and unless all have arrived
            at least one of them moves. Equal steps keep two of them in order; only the penalty rule,
            maintenance * (BPS + penalty) <= end_factor * BPS, may have to hold maintenance back until `end_factor` has risen, and
            with it the initial level.
    """
    end: uint256 = self.toward(end_factor, end_goal, step)
    maintenance: uint256 = self.toward(maintenance_ltv, maintenance_goal, step)
    initial: uint256 = self.toward(initial_ltv, initial_goal, step)
    if maintenance > maintenance_ltv:
        maintenance = min(maintenance, end * BPS // (BPS + penalty))  # down
    if initial > initial_ltv:
        initial = min(initial, maintenance - 1)
    return (
        initial,
        maintenance,
        self.toward(close_out_ltv, close_out_goal, step),
        self.toward(start_factor, start_goal, step),
        end,
    )


@internal
@pure
def faded_up(former: uint256, present: uint256, elapsed: uint256, period: uint256) -> uint256:
    """
    @notice What goes from `former` to `present` in a straight line over `period` seconds, `elapsed` seconds after its
            start; rounded up. Requires elapsed <= period.
    """
    return self.div_up(former * (period - elapsed) + present * elapsed, period)
