# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Vault: one book of collateral accounts, their debts, margin calls and auctions
@notice Owners lock collateral and borrow coins; whoever lowers risk needs nobody's consent, whoever raises it is the
        owner or an operator and satisfies the initial level. An account below maintenance is called by anyone
        and sold in place by a Dutch auction after its grace period; what nobody buys the insurance fund absorbs.
        Reasons of reverts are listed in interfaces/IVault.vyi, formulas are in modules/margin_math.vy.
@custom:security Every external holds one lock (views too); effects come before any token is called; the only
        untrusted calls are listed tokens and the caller's own callback. Coin and hub are trusted and immutable.
@custom:freeze `set_pauses` stops borrowing, withdrawing with debt, calls, or takes (for 7 days and a grace at most).
        Depositing into an enabled kind, repaying and withdrawing without debt can never be stopped.
"""
from ethereum.ercs import IERC20Detailed

from ..interfaces import ICallbacks
from ..interfaces import IPriceHub
from ..interfaces import IStablecoin
from ..interfaces import IVault
from .modules import account
from .modules import governed
from .modules import interest as interest_index
from .modules import ledger
from .modules import margin_math
from .modules import operators
from .modules import price_word
from .modules import reasons
from .modules import transfers

implements: IVault

initializes: ledger
initializes: interest_index[ledger := ledger]
initializes: operators
initializes: governed

exports: (
    ledger.accounts,
    ledger.balances,
    ledger.collateral,
    ledger.deposited,
    ledger.absorbed,
    ledger.interest,
    ledger.totals,
)
exports: (operators.operator, operators.epoch, operators.set_operator, operators.lockdown)
exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

BPS: constant(uint256) = 10_000
MAX_ENABLED: constant(uint256) = 8
MAX_KINDS: constant(uint256) = 32
MAX_LEGS: constant(uint256) = 8
MAX_DATA: constant(uint256) = 4_096
MAX_START_FACTOR: constant(uint256) = 11_000
MAX_PAUSE: constant(uint256) = 7 * 86_400
MAX_TAKE_PAUSE: constant(uint256) = 2**24 - 1  # its field; a longer pause brings fewer clocks over
MAX_DEBT: constant(uint256) = 2**128  # far above what a word holds, far below where products overflow
MAX_DELTA: constant(uint256) = 2**255 - 1
DEBT_ONLY: constant(uint256) = 255  # stands for a kind in events that change debt or clock only

struct Found:
    position: account.Account
    opens: uint256  # when the auction opens as read, 0 without a clock
    index: uint256
    debt: uint256
    value: uint256
    initial: uint256  # capacities
    target: uint256
    maintenance: uint256
    close_out: uint256
    end_value: uint256  # sum of value times end factor: coin units times bps
    sale_value: uint256  # what a sale of every unfailed kind would raise now
    hi: uint256  # of the kind to be sold; 0 when it has failed
    factor: uint256  # of the kind to be sold, bps
    flags: uint256  # union over the kinds

coin: public(immutable(address))
hub: public(immutable(address))
grace_period: public(immutable(uint256))
auction_duration: public(immutable(uint256))
call_cool_down: public(immutable(uint256))
debt_floor: public(immutable(uint256))
call_tip: public(immutable(uint256))
liquidation_penalty: public(immutable(uint256))

fund: public(address)


@deploy
def __init__(
    governor_: address,
    coin_: address,
    hub_: address,
    grace_period_: uint256,
    auction_duration_: uint256,
    call_cool_down_: uint256,
    debt_floor_: uint256,
    call_tip_: uint256,
    liquidation_penalty_: uint256,
    rate_: uint256,
):
    """
    @notice Open an empty book.
    @param grace_period_ seconds, at most 30 days
    @param auction_duration_ seconds, above 0 and at most 30 days
    @param call_cool_down_ seconds, at most 365 days
    @param debt_floor_ WAD, above 0
    @param call_tip_ WAD, at most a tenth of the debt floor
    @param liquidation_penalty_ bps, at most 2,000
    @param rate_ RAY per second
    """
    governed.__init__(governor_)
    assert coin_.is_contract and hub_.is_contract, "no code"
    assert grace_period_ <= 30 * 86_400 and call_cool_down_ <= 365 * 86_400, "bad periods"
    assert 0 < auction_duration_ and auction_duration_ <= 30 * 86_400, "bad periods"
    assert 0 < debt_floor_ and debt_floor_ < 2**96 and call_tip_ <= debt_floor_ // 10, "bad floor or tip"
    assert liquidation_penalty_ <= 2_000, "bad penalty"
    coin = coin_
    hub = hub_
    grace_period = grace_period_
    auction_duration = auction_duration_
    call_cool_down = call_cool_down_
    debt_floor = debt_floor_
    call_tip = call_tip_
    liquidation_penalty = liquidation_penalty_
    interest_index.start(rate_)


# position


@external
def deposit(account_: uint256, kind: uint256, amount: uint256):
    if amount > MAX_DELTA:
        reasons.fail("above cap")
    legs: DynArray[IVault.Leg, MAX_LEGS] = [IVault.Leg(kind=kind, delta=convert(amount, int256))]
    self.change(account_, legs, 0, msg.sender)
    self.pull_in(legs, 0)


@external
def withdraw(account_: uint256, kind: uint256, amount: uint256, receiver: address):
    delta: int256 = min_value(int256)
    if amount != max_value(uint256):
        if amount > MAX_DELTA:
            reasons.fail("above balance")
        delta = -convert(amount, int256)
    self.change(account_, [IVault.Leg(kind=kind, delta=delta)], 0, receiver)


@external
def borrow(account_: uint256, amount: uint256, receiver: address):
    if amount == 0:
        reasons.fail("zero amount")
    self.change(account_, [], convert(min(amount, MAX_DELTA), int256), receiver)


@external
def repay(account_: uint256, amount: uint256) -> uint256:
    if amount == 0:
        reasons.fail("zero amount")
    repaid: uint256 = self.change(account_, [], -convert(min(amount, MAX_DELTA), int256), msg.sender)
    self.pull_in([], repaid)
    return repaid


@external
def adjust(
    account_: uint256,
    legs: DynArray[IVault.Leg, MAX_LEGS],
    debt_delta: int256,
    receiver: address,
    data: Bytes[MAX_DATA],
):
    if len(legs) == 0 and debt_delta == 0:
        reasons.fail("nothing to change")
    repaid: uint256 = self.change(account_, legs, debt_delta, receiver)
    if len(data) > 0:
        extcall ICallbacks(msg.sender).on_adjust(account_, legs, debt_delta, data)
    self.pull_in(legs, repaid)


@internal
def change(
    id: uint256, legs: DynArray[IVault.Leg, MAX_LEGS], debt_delta: int256, receiver: address
) -> uint256:
    """
    @notice The one way in which an owner or a payer changes a position: validate, effects, authorise, accrue, check,
            log, pay out. Bringing in is the next step (`pull_in`), after the callback. Nothing untrusted runs
            before the payout, so the order inside is free.
    @return coins that the caller still has to burn
    """
    account.check_id(id)
    position: account.Account = account.unpack(ledger.accounts[id])
    old_mask: uint256 = position.collateral_mask
    mask: uint256 = old_mask
    raised: uint256 = ledger.PAUSE_BORROW if debt_delta > 0 else 0  # what raises risk, by the bit that pauses it
    above: uint256 = 0
    balances: DynArray[uint256, MAX_LEGS] = []
    outgoing: DynArray[uint256, MAX_LEGS] = []
    for leg: IVault.Leg in legs:
        kind: uint256 = leg.kind
        if kind < above:
            reasons.fail("legs not ascending")
        ledger.check_listed(kind)
        above = kind + 1
        balance: uint256 = ledger.balances[id][kind]
        amount_out: uint256 = 0
        if leg.delta > 0:
            amount: uint256 = convert(leg.delta, uint256)
            # a full cap must not block the rescue of a called account; nobody borrows more on a rescue
            ledger.raise_total(kind, amount, position.auction_start == 0 or debt_delta > 0)
            balance += amount
            mask |= 1 << kind
        else:
            raised |= ledger.PAUSE_WITHDRAW
            # the smallest int256 stands for the whole balance
            amount_out = balance if leg.delta == min_value(int256) else convert(-leg.delta, uint256)
            self.check_amount(amount_out, balance)
            ledger.lower_total(kind, amount_out)
            balance -= amount_out
            if balance == 0:
                mask &= ~(1 << kind)
        ledger.balances[id][kind] = balance
        balances.append(balance)
        outgoing.append(amount_out)

    enabled: uint256 = mask & ~old_mask
    if raised != 0:
        self.check_receiver(receiver)
    if raised != 0 or enabled != 0:
        operators.check_authorised(id)

    owed: uint256 = 0
    repaid: uint256 = 0
    if debt_delta != 0 or (raised != 0 and position.normalized_debt != 0):
        index: uint256 = interest_index.refresh(interest_index.WRITE_PERIOD)
        if debt_delta > 0:
            borrowed: uint256 = convert(debt_delta, uint256)
            if borrowed > MAX_DEBT:
                reasons.fail("debt too large")
            added: uint256 = margin_math.borrowed_up(borrowed, index)
            position.normalized_debt += added
            ledger.raise_debt(added)
        elif debt_delta < 0:
            owed = margin_math.debt_up(position.normalized_debt, index)
            most: uint256 = convert(-max(debt_delta, -max_value(int256)), uint256)
            repaid = margin_math.repayment(most, owed, debt_floor)
            removed: uint256 = position.normalized_debt
            if repaid < owed:
                removed = margin_math.repaid_down(repaid, index)
            position.normalized_debt -= removed
            ledger.lower_debt(removed)
        owed = margin_math.debt_up(position.normalized_debt, index)

    position.collateral_mask = mask
    if raised != 0:
        position.touched_at = block.timestamp
    if raised != 0 or position.normalized_debt == 0:
        position.auction_start = 0
    word: uint256 = account.pack(position)
    ledger.accounts[id] = word
    if enabled != 0:
        self.check_enabled(mask, enabled)
    if raised != 0 and owed != 0:
        self.check_initial(id, mask, owed, raised)

    for i: uint256 in range(len(legs), bound=MAX_LEGS):
        self.log_account(id, legs[i].kind, balances[i], word)
    if len(legs) == 0:
        self.log_account(id, DEBT_ONLY, 0, word)

    for i: uint256 in range(len(legs), bound=MAX_LEGS):
        if outgoing[i] > 0:
            transfers.push(ledger.token_of(legs[i].kind), receiver, outgoing[i])
    if debt_delta > 0 and not extcall IStablecoin(coin).mint(receiver, convert(debt_delta, uint256)):
        reasons.fail("above ceiling")
    return repaid


@internal
def check_enabled(mask: uint256, enabled: uint256):
    """
    @notice Assert that new kinds may join: live price, not frozen, at most 8, isolated ones alone. No margin is
            asked: who is called must be able to bring new collateral.
    """
    totals: ledger.Totals = ledger.load_totals()
    if enabled & totals.frozen_mask != 0:
        reasons.fail("kind is frozen")
    rest: uint256 = mask & (mask - 1)  # drop the lowest bit
    if mask & totals.isolated_mask != 0 and rest != 0:
        reasons.fail("isolated only")
    for _: uint256 in range(MAX_ENABLED - 1):
        if rest == 0:
            break
        rest &= rest - 1
    if rest != 0:
        reasons.fail("too many kinds")
    prices: DynArray[uint256, MAX_ENABLED] = self.sync(enabled)
    for word: uint256 in prices:
        if price_word.unpack(word).flags & price_word.FAILED != 0:
            reasons.fail("price failed")


@internal
def check_initial(id: uint256, mask: uint256, owed: uint256, raised: uint256):
    """
    @notice The one check at the end of every call that raised risk and leaves debt: not paused, at least the debt
            floor, and within the capacity at the initial level.
    """
    totals: ledger.Totals = ledger.load_totals()
    paused: uint256 = totals.pauses & raised
    if paused & ledger.PAUSE_BORROW != 0:
        reasons.fail("borrowing paused")
    if paused != 0:
        reasons.fail("withdrawing paused")
    if owed < debt_floor:
        reasons.fail("below debt floor")
    prices: DynArray[uint256, MAX_ENABLED] = self.sync(mask)
    capacity: uint256 = 0
    count: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(prices[count])
        count += 1
        config: ledger.Collateral = ledger.collateral_of(kind)
        worth: uint256 = margin_math.value_down(ledger.balances[id][kind], price.lo, config.decimals)
        capacity += margin_math.initial_capacity(
            worth, config.initial_ltv, price.initial_multiplier, (totals.frozen_mask >> kind) & 1
        )
    if owed > capacity:
        reasons.fail("below initial margin")


@internal
def pull_in(legs: DynArray[IVault.Leg, MAX_LEGS], repaid: uint256):
    """
    @notice Bring in what a change has already booked: collateral from the caller, checked against what the vault
            then holds, and the coins to burn.
    """
    for leg: IVault.Leg in legs:
        if leg.delta > 0:
            token: address = ledger.token_of(leg.kind)
            transfers.pull(token, msg.sender, convert(leg.delta, uint256))
            transfers.check_solvent(token, ledger.total_of(leg.kind))
    if repaid > 0:
        self.burn(repaid)


# margin call, auction, absorb


@external
def margin_call(account_: uint256) -> uint256:
    found: Found = self.find(account_, DEBT_ONLY, ledger.PAUSE_CALL)
    if found.debt <= found.maintenance:
        reasons.fail("account is covered")
    opens: uint256 = found.opens
    closes: uint256 = opens + auction_duration
    close_out: bool = found.close_out < found.debt
    # an owner who has just touched the account, or a price not yet confirmed, gets the grace path
    immediate: bool = (
        close_out
        and found.flags & price_word.CONFIRMING == 0
        and found.position.touched_at < block.timestamp
    )
    first: bool = opens == 0 or block.timestamp > closes + call_cool_down  # of this episode: grace and tip
    start: uint256 = block.timestamp
    if opens != 0 and block.timestamp <= closes:
        # only a close-out shortens a grace that is still running
        if not immediate or block.timestamp >= opens:
            reasons.fail("already called")
    else:
        if opens != 0 and close_out and block.timestamp <= closes + auction_duration:
            reasons.fail("absorb instead")
        if first and not immediate:
            start += grace_period
    found.position.auction_start = start

    tip: uint256 = 0
    if first:
        tip = margin_math.call_tip_down(call_tip, found.debt)
        added: uint256 = margin_math.borrowed_up(tip, found.index)
        normalized: uint256 = found.position.normalized_debt + added
        # best effort: never over close-out, and none at the minter's ceiling
        if (
            tip > 0
            and margin_math.debt_up(normalized, found.index) <= found.close_out
            and extcall IStablecoin(coin).mint(msg.sender, tip)
        ):
            found.position.normalized_debt = normalized
            ledger.raise_debt(added)
        else:
            tip = 0
    self.store_account(account_, found.position)
    log IVault.MarginCalled(account=account_, auction_start=start, caller=msg.sender, tip=tip)
    return tip


@external
def take(
    account_: uint256,
    kind: uint256,
    amount: uint256,
    max_price: uint256,
    receiver: address,
    data: Bytes[MAX_DATA],
) -> (uint256, uint256):
    sold: uint256 = 0
    cost: uint256 = 0
    sold, cost = self.sell(account_, kind, amount, max_price, receiver)
    transfers.push(ledger.token_of(kind), receiver, sold)
    if len(data) > 0:
        extcall ICallbacks(msg.sender).on_take(account_, kind, sold, cost, data)
    self.burn(cost)
    return sold, cost


@internal
def sell(
    id: uint256, kind: uint256, amount: uint256, max_price: uint256, receiver: address
) -> (uint256, uint256):
    """
    @notice Everything of a take but its transfers: validate, price, size, effects, log.
    @return amount sold and its cost in coins
    """
    if amount == 0:
        reasons.fail("zero amount")
    self.check_receiver(receiver)
    found: Found = self.find(id, kind, ledger.PAUSE_TAKE)
    position: account.Account = found.position
    if (position.collateral_mask >> kind) & 1 == 0:  # a shift past the word gives 0
        reasons.fail("kind not enabled")
    if not self.is_open(found.opens):
        reasons.fail("not in auction")
    hi: uint256 = found.hi
    if hi == 0:
        reasons.fail("price failed")
    if found.debt <= found.maintenance:
        reasons.fail("account is covered")
    config: ledger.Collateral = ledger.collateral_of(kind)
    balance: uint256 = ledger.balances[id][kind]
    price: uint256 = margin_math.auction_price_up(hi, found.factor)  # above zero, since hi is
    if price > max_price:
        reasons.fail("above max price")

    sold: uint256 = 0
    cost: uint256 = 0
    repaid: uint256 = 0
    sold, cost, repaid = margin_math.take_amounts(
        found.debt,
        found.target,
        balance,
        amount,
        hi,
        config.decimals,
        found.factor,
        config.initial_ltv,
        margin_math.effective_penalty_down(liquidation_penalty, found.sale_value, found.debt),
        debt_floor,
    )
    left: uint256 = balance - sold
    ledger.balances[id][kind] = left
    ledger.lower_total(kind, sold)
    if left == 0:
        position.collateral_mask &= ~(1 << kind)

    normalized: uint256 = margin_math.normalized_after_repayment(
        position.normalized_debt, found.debt, repaid, found.index
    )
    owed: uint256 = margin_math.debt_up(normalized, found.index)
    if position.collateral_mask == 0 and owed > 0:
        log IVault.BadDebt(account=id, amount=owed)
        normalized = 0
        owed = 0
    ledger.lower_debt(position.normalized_debt - normalized)
    position.normalized_debt = normalized
    target: uint256 = found.target - self.target_of(balance, hi, config) + self.target_of(left, hi, config)
    if owed <= target:
        position.auction_start = 0
    word: uint256 = account.pack(position)
    ledger.accounts[id] = word
    self.log_account(id, kind, left, word)
    log IVault.Taken(
        account=id, kind=kind, buyer=msg.sender, amount=sold, price=price, cost=cost, debt_repaid=repaid
    )
    return sold, cost


@external
def cure(account_: uint256):
    found: Found = self.find(account_, DEBT_ONLY, 0)
    if found.opens == 0:
        reasons.fail("not curable")
    start: uint256 = 0
    if found.debt > found.target:
        # a recovered price must not let the discount ripen; it cannot stall a sale, since it needs a covered debt
        if not self.is_open(found.opens) or found.debt > found.maintenance:
            reasons.fail("not curable")
        start = block.timestamp
    found.position.auction_start = start
    self.store_account(account_, found.position)
    log IVault.Cured(account=account_, auction_start=start)


@external
def absorb(account_: uint256):
    found: Found = self.find(account_, DEBT_ONLY, ledger.PAUSE_TAKE)
    closes: uint256 = found.opens + auction_duration
    if (
        found.opens == 0
        or block.timestamp <= closes
        or block.timestamp > closes + auction_duration
        or found.debt <= found.close_out
    ):
        reasons.fail("not absorbable")
    if found.flags & price_word.FAILED != 0:
        reasons.fail("price failed")
    if found.flags & price_word.CONFIRMING != 0:
        reasons.fail("price confirming")

    share: uint256 = margin_math.absorbed_share_up(found.debt, liquidation_penalty, found.end_value)
    position: account.Account = found.position
    mask: uint256 = position.collateral_mask
    kinds: DynArray[uint256, MAX_ENABLED] = []
    balances: DynArray[uint256, MAX_ENABLED] = []
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        balance: uint256 = ledger.balances[account_][kind]
        moved: uint256 = margin_math.absorbed_amount_up(balance, share)
        balance -= moved
        ledger.absorbed[kind] += moved
        ledger.balances[account_][kind] = balance
        if balance == 0:
            position.collateral_mask &= ~(1 << kind)
        kinds.append(kind)
        balances.append(balance)
    ledger.lower_debt(position.normalized_debt)
    position.normalized_debt = 0
    position.auction_start = 0
    word: uint256 = account.pack(position)
    ledger.accounts[account_] = word
    for i: uint256 in range(len(kinds), bound=MAX_ENABLED):
        self.log_account(account_, kinds[i], balances[i], word)
    shortfall: uint256 = margin_math.absorb_shortfall(found.debt, found.end_value)
    log IVault.Absorbed(account=account_, debt=found.debt, shortfall=shortfall)
    if shortfall > 0:
        log IVault.BadDebt(account=account_, amount=shortfall)


@internal
def find(id: uint256, sold_kind: uint256, pause: uint256) -> Found:
    """
    @notice Everything about an account that a liquidation step decides on, at synced prices and the live index.
            Refuses while the bit `pause` is set.
    """
    account.check_id(id)
    found: Found = empty(Found)
    found.position = account.unpack(ledger.accounts[id])
    totals: ledger.Totals = ledger.load_totals()
    if totals.pauses & pause != 0:
        if pause == ledger.PAUSE_CALL:
            reasons.fail("calling paused")
        # a pause of takes ends by itself when auctions open again: none runs out while nobody could buy
        if block.timestamp < totals.take_resumes_at:
            reasons.fail("taking paused")
    found.opens = margin_math.opens_at(
        found.position.auction_start, auction_duration, totals.take_resumes_at, totals.take_pause
    )
    found.index = interest_index.refresh(interest_index.WRITE_PERIOD)
    return self.measure(id, found, sold_kind, totals.frozen_mask, self.sync(found.position.collateral_mask))


@internal
@view
def measure(
    id: uint256,
    known: Found,
    sold_kind: uint256,
    frozen: uint256,
    prices: DynArray[uint256, MAX_ENABLED],
) -> Found:
    """
    @notice Add to a position, its clock and the index what it is worth at given prices: value, capacities, flags;
            and for a take of `sold_kind` (else DEBT_ONLY) its price, its factor and what a sale of all would raise.
    """
    found: Found = known
    found.debt = margin_math.debt_up(found.position.normalized_debt, found.index)
    count: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = found.position.collateral_mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(prices[count])
        count += 1
        config: ledger.Collateral = ledger.collateral_of(kind)
        balance: uint256 = ledger.balances[id][kind]
        worth: uint256 = margin_math.value_down(balance, price.hi, config.decimals)
        found.flags |= price.flags
        found.value += worth
        found.initial += margin_math.initial_capacity(
            margin_math.value_down(balance, price.lo, config.decimals),
            config.initial_ltv,
            price.initial_multiplier,
            (frozen >> kind) & 1,
        )
        found.target += margin_math.target_capacity(worth, config.initial_ltv)
        found.maintenance += margin_math.maintenance_capacity(
            worth, config.initial_ltv, config.maintenance_ltv, price.maintenance_multiplier
        )
        found.close_out += margin_math.close_out_capacity(worth, config.close_out_ltv)
        found.end_value += worth * config.end_factor
        if sold_kind != DEBT_ONLY and price.flags & price_word.FAILED == 0 and self.is_open(found.opens):
            factor: uint256 = margin_math.auction_factor(
                config.start_factor, config.end_factor, block.timestamp - found.opens, auction_duration
            )
            found.sale_value += margin_math.sale_value_down(worth, factor)
            if kind == sold_kind:
                found.hi = price.hi
                found.factor = factor
    return found


@internal
@view
def is_open(opens: uint256) -> bool:
    """
    @notice An auction that opened at `opens` (0: none) is running now.
    """
    return opens != 0 and opens <= block.timestamp and block.timestamp <= opens + auction_duration


@internal
@pure
def target_of(balance: uint256, hi: uint256, config: ledger.Collateral) -> uint256:
    return margin_math.target_capacity(
        margin_math.value_down(balance, hi, config.decimals), config.initial_ltv
    )


@internal
@pure
def check_amount(amount: uint256, balance: uint256):
    if amount == 0:
        reasons.fail("zero amount")
    if amount > balance:
        reasons.fail("above balance")


@internal
@view
def check_receiver(receiver: address):
    if receiver == empty(address) or receiver == self:
        reasons.fail("bad receiver")


@internal
def sync(mask: uint256) -> DynArray[uint256, MAX_ENABLED]:
    return extcall IPriceHub(hub).sync(mask)


@internal
def burn(amount: uint256):
    """
    @notice Burn the caller's coins; never anyone else's.
    """
    assert extcall IStablecoin(coin).burn(msg.sender, amount)


@internal
def store_account(id: uint256, position: account.Account):
    """
    @notice Write a change of debt or clock only.
    """
    word: uint256 = account.pack(position)
    ledger.accounts[id] = word
    self.log_account(id, DEBT_ONLY, 0, word)


@internal
def log_account(id: uint256, kind: uint256, balance: uint256, word: uint256):
    log IVault.AccountUpdated(account=id, kind=kind, balance=balance, word=word)


# interest and views


@external
def accrue() -> uint256:
    return interest_index.refresh(0)


@external
@view
def live_index() -> uint256:
    return interest_index.live_index()


@external
@view
def total_debt() -> uint256:
    return margin_math.total_debt_down(
        ledger.load_totals().normalized_debt, interest_index.live_index()
    )


@external
@view
def debt_of(account_: uint256) -> uint256:
    return margin_math.debt_up(
        account.unpack(ledger.accounts[account_]).normalized_debt, interest_index.live_index()
    )


@external
@view
def levels_of(account_: uint256) -> IVault.Levels:
    found: Found = self.peek(account_)
    return IVault.Levels(
        debt=found.debt,
        value=found.value,
        initial=found.initial,
        target=found.target,
        maintenance=found.maintenance,
        close_out=found.close_out,
    )


@external
@view
def health_factor(account_: uint256) -> uint256:
    found: Found = self.peek(account_)
    return margin_math.health_factor_down(found.debt, found.maintenance)


@internal
@view
def peek(id: uint256) -> Found:
    """
    @notice What `find` would find now, without writing.
    """
    found: Found = empty(Found)
    found.position = account.unpack(ledger.accounts[id])
    found.index = interest_index.live_index()
    return self.measure(
        id,
        found,
        DEBT_ONLY,
        ledger.load_totals().frozen_mask,
        staticcall IPriceHub(hub).read(found.position.collateral_mask),
    )


# fund and governance


@external
def withdraw_absorbed(kind: uint256, amount: uint256, receiver: address):
    if msg.sender != self.fund:
        reasons.fail("not fund")
    self.check_receiver(receiver)
    ledger.check_listed(kind)
    held: uint256 = ledger.absorbed[kind]
    self.check_amount(amount, held)
    ledger.absorbed[kind] = held - amount
    ledger.lower_total(kind, amount)
    log IVault.AbsorbedWithdrawn(kind=kind, receiver=receiver, amount=amount)
    transfers.push(ledger.token_of(kind), receiver, amount)


@external
def list_collateral(
    kind: uint256,
    token: address,
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    close_out_ltv: uint256,
    start_factor: uint256,
    end_factor: uint256,
    cap: uint256,
    isolated: bool,
):
    governed.check_governor()
    if kind >= MAX_KINDS:
        reasons.fail("unknown kind")
    if token == coin:
        reasons.fail("the coin itself")
    if token == empty(address) or staticcall IPriceHub(hub).token_of(kind) != token:
        reasons.fail("token not priced")
    for other: uint256 in range(MAX_KINDS):
        listed: address = ledger.token_of(other)
        if listed == token or (other == kind and listed != empty(address)):
            reasons.fail("already listed")
    decimals: uint256 = convert(staticcall IERC20Detailed(token).decimals(), uint256)
    if decimals < 6 or decimals > 18:
        reasons.fail("bad decimals")
    if (
        initial_ltv >= maintenance_ltv or maintenance_ltv >= close_out_ltv or close_out_ltv > end_factor
    ):
        reasons.fail("bad levels")
    # the last: at a still price an account caught at maintenance is whole, penalty included, to the end of its auction
    if (
        start_factor < BPS
        or start_factor > MAX_START_FACTOR
        or end_factor >= BPS
        or maintenance_ltv * (BPS + liquidation_penalty) > end_factor * BPS
    ):
        reasons.fail("bad factors")
    word: uint256 = ledger.pack_collateral(
        ledger.Collateral(
            token=token,
            initial_ltv=initial_ltv,
            maintenance_ltv=maintenance_ltv,
            close_out_ltv=close_out_ltv,
            start_factor=start_factor,
            end_factor=end_factor,
            decimals=decimals,
        )
    )
    ledger.collateral[kind] = word
    ledger.set_cap(kind, cap)
    if isolated:
        totals: ledger.Totals = ledger.load_totals()
        totals.isolated_mask |= 1 << kind
        ledger.store_totals(totals)
    log IVault.CollateralListed(kind=kind, token=token, word=word, cap=cap)


@external
def set_cap(kind: uint256, cap: uint256):
    governed.check_governor()
    ledger.check_listed(kind)
    ledger.set_cap(kind, cap)
    log IVault.CollateralChanged(kind=kind, word=ledger.collateral[kind], cap=cap)


@external
def set_frozen(kind: uint256, frozen: bool):
    governed.check_governor()
    ledger.check_listed(kind)
    totals: ledger.Totals = ledger.load_totals()
    totals.frozen_mask &= ~(1 << kind)
    if frozen:
        totals.frozen_mask |= 1 << kind
    ledger.store_totals(totals)
    log IVault.KindFrozen(kind=kind, frozen=frozen)


@external
def set_pauses(bits: uint256):
    governed.check_governor()
    if bits > ledger.PAUSE_BORROW | ledger.PAUSE_WITHDRAW | ledger.PAUSE_CALL | ledger.PAUSE_TAKE:
        reasons.fail("bad pauses")
    totals: ledger.Totals = ledger.load_totals()
    was_paused: bool = totals.pauses & ledger.PAUSE_TAKE != 0
    paused_at: uint256 = totals.take_resumes_at - totals.take_pause
    # no clock runs out while nobody could buy
    if bits & ledger.PAUSE_TAKE != 0:
        if not was_paused:
            # clocks that an earlier pause still holds are held on: it counts from where that one began
            if block.timestamp > totals.take_resumes_at + 2 * auction_duration:
                paused_at = block.timestamp
            totals.take_resumes_at = block.timestamp + MAX_PAUSE + grace_period
    elif was_paused:
        totals.take_resumes_at = block.timestamp + grace_period
    totals.take_pause = min(totals.take_resumes_at - paused_at, MAX_TAKE_PAUSE)
    totals.pauses = bits
    ledger.store_totals(totals)
    log IVault.Paused(bits=bits)


@external
def set_rate(rate: uint256):
    governed.check_governor()
    interest_index.set_rate(rate)


@external
def set_fund(fund_: address):
    governed.check_governor()
    if fund_ == self:
        reasons.fail("bad receiver")
    self.fund = fund_
    log IVault.FundSet(fund=fund_)
