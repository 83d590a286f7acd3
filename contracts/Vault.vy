# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Vault: one book of collateral accounts, their debts, margin calls and auctions
@notice Owners lock collateral and borrow coins; whoever lowers risk needs nobody's consent, whoever raises it is the
        owner or an operator and satisfies the initial level. An account below maintenance is called by anyone
        and sold in place by a Dutch auction after its grace period; what nobody buys the insurance fund absorbs.
        What each function does is said in interfaces/IVault.vyi, formulas are in modules/margin_math.vy, the fields of
        packed words in modules/account.vy, ledger.vy and price_word.vy.
@custom:security Every external holds one lock (views too); effects come before any token is called; the only
        untrusted calls are listed tokens and the caller's own callback. Coin and hub are trusted and immutable.
@custom:freeze `set_pauses` stops borrowing, withdrawing with debt, calls, callbacks, or takes (7 days and a grace at most);
        the settlement, an immutable contract that only the governor can move to it, ends the book for good.
        Depositing into an enabled kind, repaying and withdrawing without debt can never be stopped.
"""
from ethereum.ercs import IERC20Detailed

from ..interfaces import ICallbacks
from ..interfaces import IMarginModels
from ..interfaces import IOperators
from ..interfaces import IPriceHub
from ..interfaces import IStablecoin
from ..interfaces import IVault
from .modules import account
from .modules import governed
from .modules import interest as interest_index
from .modules import ledger
from .modules import margin_math
from .modules import price_word
from .modules import reasons
from .modules import transfers

implements: IVault

initializes: ledger
initializes: interest_index[ledger := ledger]
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
MAX_CALLS: constant(uint256) = 64
MAX_ORDERS: constant(uint256) = 32
MAX_DATA: constant(uint256) = 1_024
MAX_START_FACTOR: constant(uint256) = 11_000
MAX_PAUSE: constant(uint256) = 7 * 86_400
MAX_TAKE_PAUSE: constant(uint256) = 2**24 - 1  # its field; a longer pause brings fewer clocks over
MAX_DEBT: constant(uint256) = 2**128  # far above what a word holds, far below where products overflow
DEBT_ONLY: constant(uint256) = 255  # stands for a kind where debt or clock only are meant

# one kind of a change; at most one amount is above zero
struct Flow:
    kind: uint256
    incoming: uint256
    outgoing: uint256  # max_value(uint256): the whole balance

# what a step of a liquidation decides on
struct Found:
    word: uint256  # of the account
    index: uint256
    debt: uint256
    opens: uint256  # when the auction opens as read, 0 without a clock
    phase: uint256  # of the clock now
    target: uint256  # capacities
    maintenance: uint256
    close_out: uint256
    end_value: uint256  # sum of value times end factor (coin units times bps); only when an absorb may follow
    sale_value: uint256  # what a sale of every unfailed kind would raise now; only for a take
    flags: uint256  # union over the kinds
    hi: uint256  # of the kind to be sold; 0 when it has failed
    factor: uint256  # of the kind to be sold, bps
    sold_target: uint256  # target capacity of the kind to be sold
    sold_bps: uint256  # by how much a margin model lowers the initial ltv that sizes a take

coin: reentrant(public(immutable(address)))
hub: reentrant(public(immutable(address)))
operators: reentrant(public(immutable(address)))
margin_models: reentrant(public(immutable(address)))  # none: the linear margin only
settlement: reentrant(public(immutable(address)))  # none: the book can never be shut down
grace_period: reentrant(public(immutable(uint256)))
auction_duration: reentrant(public(immutable(uint256)))
call_cool_down: reentrant(public(immutable(uint256)))
debt_floor: reentrant(public(immutable(uint256)))
call_tip: reentrant(public(immutable(uint256)))
liquidation_penalty: reentrant(public(immutable(uint256)))

fund: public(address)
pending_fund: public(address)


@deploy
def __init__(
    governor_: address,
    coin_: address,
    hub_: address,
    operators_: address,
    margin_models_: address,
    settlement_: address,
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
    @param auction_duration_ seconds, 15 minutes to 30 days: the absorb that follows it has as long, and needs a block
    @param call_cool_down_ seconds, at most 365 days
    @param debt_floor_ WAD, above 0
    @param call_tip_ WAD, at most a tenth of the debt floor
    @param liquidation_penalty_ bps, at most 2,000
    @param rate_ RAY per second
    """
    governed.__init__(governor_)
    assert coin_.is_contract and hub_.is_contract and operators_.is_contract, "no code"
    assert margin_models_ == empty(address) or margin_models_.is_contract, "no code"
    assert settlement_ == empty(address) or settlement_.is_contract, "no code"
    assert grace_period_ <= 30 * 86_400 and call_cool_down_ <= 365 * 86_400, "bad periods"
    assert 900 <= auction_duration_ and auction_duration_ <= 30 * 86_400, "bad periods"
    assert 0 < debt_floor_ and debt_floor_ < 2**96 and call_tip_ <= debt_floor_ // 10, "bad floor or tip"
    assert liquidation_penalty_ <= 2_000, "bad penalty"
    coin = coin_
    hub = hub_
    operators = operators_
    margin_models = margin_models_
    settlement = settlement_
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
    flows: DynArray[Flow, MAX_LEGS] = [Flow(kind=kind, incoming=amount, outgoing=0)]
    self.change(account_, flows, 0, 0, msg.sender, False)
    self.pull_in(flows)


@external
def withdraw(account_: uint256, kind: uint256, amount: uint256, receiver: address):
    self.change(account_, [Flow(kind=kind, incoming=0, outgoing=amount)], 0, 0, receiver, False)


@external
def borrow(account_: uint256, amount: uint256, receiver: address):
    self.change(account_, [], amount, 0, receiver, False)


@external
def repay(account_: uint256, amount: uint256) -> uint256:
    repaid: uint256 = self.change(account_, [], 0, amount, msg.sender, False)
    self.burn(repaid)
    return repaid


@external
def adjust(
    account_: uint256,
    legs: DynArray[IVault.Leg, MAX_LEGS],
    debt_delta: int256,
    receiver: address,
    data: Bytes[MAX_DATA],
):
    flows: DynArray[Flow, MAX_LEGS] = []
    for leg: IVault.Leg in legs:
        flows.append(Flow(kind=leg.kind, incoming=self.above(leg.delta), outgoing=self.below(leg.delta)))
    repaid: uint256 = self.change(
        account_, flows, self.above(debt_delta), self.below(debt_delta), receiver, False
    )
    if len(data) > 0:
        self.check_callbacks()
        extcall ICallbacks(msg.sender).on_adjust(account_, data)
    self.pull_in(flows)
    self.burn(repaid)


@internal
@pure
def above(delta: int256) -> uint256:
    """
    @notice What comes in, or is borrowed.
    """
    return convert(max(delta, 0), uint256)


@internal
@pure
def below(delta: int256) -> uint256:
    """
    @notice What goes out, or is repaid; everything for the smallest number.
    """
    if delta == min_value(int256):
        return max_value(uint256)
    return convert(max(unsafe_sub(0, delta), 0), uint256)  # of any other number the negative fits


@external
def move(source: uint256, destination: uint256, legs: DynArray[IVault.Leg, MAX_LEGS], debt: uint256):
    if source == destination:
        reasons.fail(reasons.SAME_ACCOUNT)
    self.check_authorised(source)
    self.check_authorised(destination)
    leaving: DynArray[Flow, MAX_LEGS] = []
    arriving: DynArray[Flow, MAX_LEGS] = []
    for leg: IVault.Leg in legs:
        amount: uint256 = self.above(leg.delta)
        if leg.delta == max_value(int256):
            amount = ledger.balances[source][leg.kind]
        leaving.append(Flow(kind=leg.kind, incoming=0, outgoing=amount))
        arriving.append(Flow(kind=leg.kind, incoming=amount, outgoing=0))
    moved: uint256 = self.change(source, leaving, 0, debt, msg.sender, True)
    self.change(destination, arriving, moved, 0, msg.sender, True)


@external
def set_margin_model(account_: uint256, slot: uint256):
    self.check_authorised(account_)
    # an empty slot would be a way around the book's default
    if slot != 0:
        if margin_models == empty(address) or not staticcall IMarginModels(margin_models).is_listed(slot):
            reasons.fail(reasons.UNKNOWN_MODEL)
    word: uint256 = ledger.accounts[account_]
    word = word & ~(255 << account.MARGIN_MODEL | account.TIME_MASK << account.AUCTION_START)
    word |= slot << account.MARGIN_MODEL
    ledger.accounts[account_] = word
    if word & account.DEBT_MASK != 0:
        self.check_initial(account_, word, self.debt_at(word), 0)
    self.log_account(account_, DEBT_ONLY, 0, word)


@internal
def change(
    id: uint256,
    flows: DynArray[Flow, MAX_LEGS],
    borrowed: uint256,
    most: uint256,
    receiver: address,
    inside: bool,
) -> uint256:
    """
    @notice The one way in which an owner or a payer changes a position: effects, authorise, accrue, check, log, pay
            out. Bringing in is the next step (`pull_in`), after the callback. Nothing untrusted runs before the payout,
            so the order inside is free. With `inside` (a move) nothing enters or leaves the book.
    @param most coins to repay at most
    @return coins repaid, which the caller still has to burn or to owe elsewhere
    """
    if id >> 168 != 0:
        reasons.fail(reasons.UNKNOWN_ACCOUNT)
    if len(flows) == 0 and borrowed | most == 0:
        reasons.fail(reasons.NOTHING_TO_CHANGE)
    word: uint256 = ledger.accounts[id]
    old_mask: uint256 = word >> account.COLLATERAL_MASK & account.KINDS_MASK
    mask: uint256 = old_mask
    start: uint256 = word >> account.AUCTION_START & account.TIME_MASK
    # what raises risk, by the bits that pause it; 0: nothing does
    raised: uint256 = ledger.PAUSE_BORROW if borrowed > 0 else 0
    next: uint256 = 0
    for i: uint256 in range(len(flows), bound=MAX_LEGS):
        flow: Flow = flows[i]
        if flow.kind < next:
            reasons.fail(reasons.LEGS_NOT_ASCENDING)
        if flow.kind >= MAX_KINDS or ledger.collateral[flow.kind] == 0:
            reasons.fail(reasons.UNKNOWN_KIND)
        next = unsafe_add(flow.kind, 1)  # a listed kind is below 32
        balance: uint256 = ledger.balances[id][flow.kind]
        if flow.incoming > 0:
            if not inside:
                # a full cap must not block the rescue of a called account; nobody borrows more on a rescue
                ledger.raise_total(flow.kind, flow.incoming, start == 0 or borrowed > 0)
            balance += flow.incoming
            mask |= 1 << flow.kind
        else:
            raised |= ledger.PAUSE_WITHDRAW
            if flow.outgoing == max_value(uint256):
                flow.outgoing = balance
                flows[i].outgoing = balance
            if flow.outgoing == 0:
                reasons.fail(reasons.ZERO_AMOUNT)
            if flow.outgoing > balance:
                reasons.fail(reasons.ABOVE_BALANCE)
            balance = unsafe_sub(balance, flow.outgoing)
            if balance == 0:
                mask ^= 1 << flow.kind
            if not inside:
                ledger.lower_total(flow.kind, flow.outgoing)
        ledger.balances[id][flow.kind] = balance
        flows[i].incoming = balance  # from here on what the account holds; the caller has a list of its own

    enabled: uint256 = mask & ~old_mask
    if raised != 0:
        self.check_receiver(receiver)
    if raised | enabled != 0:
        if msg.sender != convert(id >> 8, address):  # most callers are the owner
            self.check_authorised(id)

    normalized: uint256 = word & account.DEBT_MASK
    owed: uint256 = 0
    repaid: uint256 = 0
    if borrowed | most != 0 or (raised != 0 and normalized != 0):
        index: uint256 = interest_index.refresh(interest_index.WRITE_PERIOD)
        if borrowed > 0:
            if borrowed > MAX_DEBT:
                reasons.fail(reasons.DEBT_TOO_LARGE)
            added: uint256 = margin_math.borrowed_up(borrowed, index)
            normalized += added
            ledger.raise_debt(added)
        elif most > 0:
            owed = margin_math.debt_up(normalized, index)
            repaid = margin_math.repayment(most, owed, debt_floor)
            removed: uint256 = normalized
            if repaid < owed:
                removed = margin_math.repaid_down(repaid, index)
            normalized -= removed
            ledger.lower_debt(removed)
        owed = margin_math.debt_up(normalized, index)

    touched: uint256 = word >> account.TOUCHED_AT & account.TIME_MASK
    if raised != 0:
        touched = block.timestamp
    if raised != 0 or normalized == 0:
        start = 0
    word = account.pack(word, normalized, mask, start, touched)
    ledger.accounts[id] = word
    if enabled != 0:
        self.check_enabled(mask, enabled)
    if raised != 0:
        if owed != 0:
            self.check_initial(id, word, owed, raised)

    for flow: Flow in flows:
        self.log_account(id, flow.kind, flow.incoming, word)
        if flow.outgoing > 0 and not inside:
            transfers.push(ledger.token_of(flow.kind), receiver, flow.outgoing)
    if len(flows) == 0:
        self.log_account(id, DEBT_ONLY, 0, word)
    if borrowed > 0 and not inside and not self.mint(receiver, borrowed):
        reasons.fail(reasons.ABOVE_CEILING)
    return repaid


@internal
def check_enabled(mask: uint256, enabled: uint256):
    """
    @notice Assert that new kinds may join: live and confirmed price, not frozen, at most 8, isolated ones alone. No margin is
            asked: who is called must be able to bring new collateral.
    """
    totals: uint256 = ledger.totals
    if totals >> ledger.PAUSES & ledger.SHUT != 0:
        reasons.fail(reasons.SHUT_DOWN)  # its price might be frozen at nothing
    if enabled & totals >> ledger.FROZEN & ledger.KINDS_MASK != 0:
        reasons.fail(reasons.KIND_IS_FROZEN)
    rest: uint256 = mask & (mask - 1)  # drop the lowest bit
    if mask & totals >> ledger.ISOLATED & ledger.KINDS_MASK != 0 and rest != 0:
        reasons.fail(reasons.ISOLATED_ONLY)
    for _: uint256 in range(MAX_ENABLED - 1):
        if rest == 0:
            break
        rest &= rest - 1
    if rest != 0:
        reasons.fail(reasons.TOO_MANY_KINDS)
    for kind: uint256 in range(MAX_KINDS):
        rest = enabled >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            flags: uint256 = extcall IPriceHub(hub).sync_one(kind) >> price_word.FLAGS
            if flags & price_word.FAILED != 0:
                reasons.fail(reasons.PRICE_FAILED)
            if flags != 0:  # a kind that is confirming would win its owner a grace and hold off an absorb
                reasons.fail(reasons.PRICE_CONFIRMING)


@internal
def check_initial(id: uint256, word: uint256, owed: uint256, raised: uint256):
    """
    @notice The one check at the end of every call that raised risk and leaves debt: not paused, at least the debt
            floor, and within the capacity at the initial level.
    """
    hints: uint256 = ledger.interest
    totals: uint256 = 0
    if hints >> ledger.GUARDED & 1 != 0:  # else nothing is paused and no kind is frozen
        totals = ledger.totals
        paused: uint256 = totals >> ledger.PAUSES & raised
        if paused & ledger.PAUSE_BORROW != 0:
            reasons.fail(reasons.BORROWING_PAUSED)
        if paused != 0:
            reasons.fail(reasons.WITHDRAWING_PAUSED)
    if owed < debt_floor:
        reasons.fail(reasons.BELOW_DEBT_FLOOR)
    capacity: uint256 = 0
    mask: uint256 = word >> account.COLLATERAL_MASK & account.KINDS_MASK
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest & 1 != 0:
            price: uint256 = extcall IPriceHub(hub).sync_one(kind)
            config: uint256 = ledger.collateral[kind]
            capacity += margin_math.initial_capacity(
                margin_math.value_down(
                    ledger.balances[id][kind],
                    price & price_word.PRICE_MASK,
                    config >> ledger.DECIMALS & 255,
                ),
                config >> ledger.INITIAL_LTV & ledger.BPS_MASK,
                price >> price_word.INITIAL_MULTIPLIER & price_word.BPS_MASK,
                totals >> ledger.FROZEN >> kind & 1,
            )
        if rest < 2:
            break
    if word >> account.MARGIN_MODEL & 255 | hints >> ledger.HAS_DEFAULT_MODEL != 0:
        off: IMarginModels.Surcharges = self.surcharges_of(id, word, DEBT_ONLY)
        if off.failed:
            reasons.fail(reasons.MARGIN_MODEL_FAILED)
        capacity = margin_math.less(capacity, off.initial)
    if owed > capacity:
        reasons.fail(reasons.BELOW_INITIAL_MARGIN)


@internal
def pull_in(flows: DynArray[Flow, MAX_LEGS]):
    """
    @notice Bring in the collateral that a change has already booked, from the caller, checked against what the
            vault then holds.
    """
    for flow: Flow in flows:
        if flow.incoming > 0:
            token: address = ledger.token_of(flow.kind)
            transfers.pull(token, msg.sender, flow.incoming)
            transfers.check_solvent(token, ledger.total_of(flow.kind))


# margin call, auction, absorb


@external
def margin_call(account_: uint256) -> uint256:
    refused: uint256 = 0
    tip: uint256 = 0
    added: uint256 = 0
    refused, tip, added = self.call_in(account_, 0)
    if refused != 0:
        reasons.fail(refused)
    self.pay_tips(tip, added)
    return tip


@external
def margin_calls(accounts: DynArray[uint256, MAX_CALLS]) -> uint256:
    called: uint256 = 0
    tips: uint256 = 0
    owed: uint256 = 0  # for the tips, normalized
    for i: uint256 in range(len(accounts), bound=MAX_CALLS):
        refused: uint256 = 0
        tip: uint256 = 0
        added: uint256 = 0
        refused, tip, added = self.call_in(accounts[i], tips)
        if refused == 0:
            called |= 1 << i
            tips += tip
            owed += added
    self.pay_tips(tips, owed)
    return called


@internal
def call_in(id: uint256, tips: uint256) -> (uint256, uint256, uint256):
    """
    @notice Start, or at close-out shorten, the clock of one account.
    @param tips already promised by this transaction
    @return reason of a refusal (0: called), tip, normalized debt added for it
    """
    found: Found = self.find(id, DEBT_ONLY, ledger.PAUSE_CALL)
    if found.debt <= found.maintenance:
        return reasons.ACCOUNT_IS_COVERED, 0, 0
    # an owner who has just touched the account, or a price not yet confirmed, gets the grace path
    immediate: bool = (
        found.close_out < found.debt
        and found.flags & price_word.CONFIRMING == 0
        and found.word >> account.TOUCHED_AT & account.TIME_MASK < block.timestamp
    )
    start: uint256 = block.timestamp
    first: bool = False  # of this episode: grace and tip
    if found.phase == margin_math.GRACE or found.phase == margin_math.RUNNING:
        # only a close-out shortens a grace that is still running
        if not immediate or found.phase == margin_math.RUNNING:
            return reasons.ALREADY_CALLED, 0, 0
    else:
        if found.phase == margin_math.RIPE and found.close_out < found.debt:
            return reasons.ABSORB_INSTEAD, 0, 0
        first = (
            found.opens == 0 or block.timestamp > found.opens + auction_duration + call_cool_down
        )
        if first and not immediate:
            start += grace_period

    tip: uint256 = 0
    added: uint256 = 0
    normalized: uint256 = found.word & account.DEBT_MASK
    if first:
        tip = margin_math.call_tip_down(call_tip, found.debt)
        added = margin_math.borrowed_up(tip, found.index)
        # best effort: never over close-out, and none at the minter's ceiling
        if (
            margin_math.debt_up(normalized + added, found.index) > found.close_out
            or tips + tip > staticcall IStablecoin(coin).headroom(self)
        ):
            tip = 0
            added = 0
    self.store_debt(id, found.word, normalized + added, start)
    log IVault.MarginCalled(account=id, auction_start=start, caller=msg.sender, tip=tip)
    return 0, tip, added


@internal
def pay_tips(tips: uint256, added: uint256):
    if tips > 0:
        ledger.raise_debt(added)
        assert self.mint(msg.sender, tips)


@external
def take(
    account_: uint256,
    kind: uint256,
    amount: uint256,
    max_price: uint256,
    receiver: address,
    data: Bytes[MAX_DATA],
) -> (uint256, uint256):
    refused: uint256 = 0
    sold: uint256 = 0
    cost: uint256 = 0
    self.check_receiver(receiver)
    refused, sold, cost = self.sell(account_, kind, amount, max_price)
    if refused != 0:
        reasons.fail(refused)
    self.push(kind, receiver, sold)
    if len(data) > 0:
        self.check_callbacks()
        extcall ICallbacks(msg.sender).on_take(account_, kind, sold, cost, data)
    self.burn(cost)
    return sold, cost


@external
def takes(
    orders: DynArray[IVault.Order, MAX_ORDERS], receiver: address
) -> (DynArray[uint256, MAX_ORDERS], uint256):
    self.check_receiver(receiver)
    all_sold: DynArray[uint256, MAX_ORDERS] = []
    all_cost: uint256 = 0
    for order: IVault.Order in orders:
        refused: uint256 = 0
        sold: uint256 = 0
        cost: uint256 = 0
        refused, sold, cost = self.sell(order.account, order.kind, order.amount, order.max_price)
        all_sold.append(sold)
        all_cost += cost
    due: uint256 = 0
    for i: uint256 in range(len(orders), bound=MAX_ORDERS):
        due += all_sold[i]
        # one transfer for a run of the same kind
        if due > 0 and (i + 1 == len(orders) or orders[i + 1].kind != orders[i].kind):
            self.push(orders[i].kind, receiver, due)
            due = 0
    self.burn(all_cost)
    return all_sold, all_cost


@internal
def sell(
    id: uint256, kind: uint256, amount: uint256, max_price: uint256
) -> (uint256, uint256, uint256):
    """
    @notice Everything of a take but its transfers: validate, price, size, effects, log.
    @return reason of a refusal (0: sold), amount sold, its cost in coins
    """
    found: Found = self.find(id, kind, ledger.PAUSE_TAKE)
    mask: uint256 = found.word >> account.COLLATERAL_MASK & account.KINDS_MASK
    if amount == 0:
        return reasons.ZERO_AMOUNT, 0, 0
    if mask >> kind & 1 == 0:  # a shift past the word gives 0
        return reasons.KIND_NOT_ENABLED, 0, 0
    if found.phase != margin_math.RUNNING:
        return reasons.NOT_IN_AUCTION, 0, 0
    if found.hi == 0:
        return reasons.PRICE_FAILED, 0, 0
    if found.debt <= found.maintenance:
        return reasons.ACCOUNT_IS_COVERED, 0, 0
    price: uint256 = margin_math.auction_price_up(found.hi, found.factor)  # above zero, since hi is
    if price > max_price:
        return reasons.ABOVE_MAX_PRICE, 0, 0

    config: uint256 = ledger.collateral[kind]
    decimals: uint256 = config >> ledger.DECIMALS & 255
    initial_ltv: uint256 = config >> ledger.INITIAL_LTV & ledger.BPS_MASK
    balance: uint256 = ledger.balances[id][kind]
    sold: uint256 = 0
    cost: uint256 = 0
    repaid: uint256 = 0
    sold, cost, repaid = margin_math.take_amounts(
        found.debt,
        found.target,
        balance,
        amount,
        found.hi,
        decimals,
        found.factor,
        margin_math.mul_div_down(initial_ltv, BPS - found.sold_bps, BPS),  # sizes a take smaller
        margin_math.effective_penalty_down(liquidation_penalty, found.sale_value, found.debt),
        debt_floor,
    )
    if sold == 0:
        return reasons.NOTHING_TO_TAKE if cost == 0 else reasons.LEAVES_DUST, 0, 0
    left: uint256 = balance - sold
    ledger.balances[id][kind] = left
    ledger.lower_total(kind, sold)
    if left == 0:
        mask &= ~(1 << kind)

    old: uint256 = found.word & account.DEBT_MASK
    normalized: uint256 = margin_math.normalized_after_repayment(old, found.debt, repaid, found.index)
    owed: uint256 = margin_math.debt_up(normalized, found.index)
    if mask == 0 and owed > 0:
        self.log_loss(id, owed)
        normalized = 0
        owed = 0
    ledger.lower_debt(old - normalized)
    start: uint256 = found.word >> account.AUCTION_START & account.TIME_MASK
    # under a margin model the sale may cost less capacity than this: then `cure` clears what is left
    if owed <= found.target:
        kept: uint256 = margin_math.target_capacity(
            margin_math.value_down(left, found.hi, decimals), initial_ltv
        )
        if owed == 0 or owed + found.sold_target <= found.target + kept:
            start = 0
    word: uint256 = account.pack(
        found.word, normalized, mask, start, found.word >> account.TOUCHED_AT & account.TIME_MASK
    )
    ledger.accounts[id] = word
    self.log_account(id, kind, left, word)
    log IVault.Taken(
        account=id, kind=kind, buyer=msg.sender, amount=sold, price=price, cost=cost, debt_repaid=repaid
    )
    return 0, sold, cost


@external
def cure(account_: uint256):
    found: Found = self.find(account_, DEBT_ONLY, 0)
    if found.opens == 0:
        reasons.fail(reasons.NOT_CURABLE)
    start: uint256 = 0
    if found.debt > found.target:
        # a recovered price must not let the discount ripen; it cannot stall a sale, since it needs a covered debt
        if found.phase != margin_math.RUNNING or found.debt > found.maintenance:
            reasons.fail(reasons.NOT_CURABLE)
        start = block.timestamp
    self.store_debt(account_, found.word, found.word & account.DEBT_MASK, start)
    log IVault.Cured(account=account_, auction_start=start)


@external
def absorb(account_: uint256):
    found: Found = self.find(account_, DEBT_ONLY, ledger.PAUSE_TAKE)
    if found.phase != margin_math.RIPE or found.debt <= found.close_out:
        reasons.fail(reasons.NOT_ABSORBABLE)
    if found.flags & price_word.FAILED != 0:
        reasons.fail(reasons.PRICE_FAILED)
    if found.flags & price_word.CONFIRMING != 0:
        reasons.fail(reasons.PRICE_CONFIRMING)

    self.strike(account_, found.word, margin_math.absorbed_share_up(found.debt, liquidation_penalty, found.end_value))
    shortfall: uint256 = margin_math.absorb_shortfall(found.debt, found.end_value)
    log IVault.Absorbed(account=account_, debt=found.debt, shortfall=shortfall)
    self.log_loss(account_, shortfall)


@internal
def strike(id: uint256, old: uint256, share: uint256):
    """
    @notice Move a share (RAY) of everything that an account of the word `old` holds to `absorbed`, and strike its debt off.
    """
    old_mask: uint256 = old >> account.COLLATERAL_MASK & account.KINDS_MASK
    mask: uint256 = old_mask
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = old_mask >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            balance: uint256 = ledger.balances[id][kind]
            moved: uint256 = margin_math.absorbed_amount_up(balance, share)
            ledger.absorbed[kind] += moved
            ledger.balances[id][kind] = balance - moved
            if balance == moved:
                mask &= ~(1 << kind)
    ledger.lower_debt(old & account.DEBT_MASK)
    word: uint256 = account.pack(old, 0, mask, 0, old >> account.TOUCHED_AT & account.TIME_MASK)
    ledger.accounts[id] = word
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = old_mask >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            self.log_account(id, kind, ledger.balances[id][kind], word)


@internal
def log_loss(id: uint256, amount: uint256):
    """
    @notice Remember that the book has lost debt, and say how much no collateral covers.
    """
    interest_index.note_loss()
    if amount > 0:
        log IVault.BadDebt(account=id, amount=amount)


@internal
def find(id: uint256, sold_kind: uint256, pause: uint256) -> Found:
    """
    @notice Everything about an account that a liquidation step decides on, at synced prices and the live index; with
            the price and the factor of `sold_kind` (else DEBT_ONLY). Refuses while the bit `pause` is set.
    """
    account.check_id(id)
    totals: uint256 = ledger.totals
    resumes_at: uint256 = totals >> ledger.TAKE_RESUMES_AT & ledger.TIME_MASK
    if totals >> ledger.PAUSES & pause != 0:
        if pause == ledger.PAUSE_CALL:
            reasons.fail(reasons.CALLING_PAUSED)
        # a pause of takes ends by itself when auctions open again: none runs out while nobody could buy
        if block.timestamp < resumes_at:
            reasons.fail(reasons.TAKING_PAUSED)
    found: Found = empty(Found)
    found.word = ledger.accounts[id]
    found.opens = margin_math.opens_at(
        found.word >> account.AUCTION_START & account.TIME_MASK,
        auction_duration,
        resumes_at,
        totals >> ledger.TAKE_PAUSE,
    )
    found.phase = margin_math.auction_phase(found.opens, auction_duration, block.timestamp)
    found.index = interest_index.refresh(interest_index.WRITE_PERIOD)
    found.debt = margin_math.debt_up(found.word & account.DEBT_MASK, found.index)
    mask: uint256 = found.word >> account.COLLATERAL_MASK & account.KINDS_MASK
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        price: uint256 = extcall IPriceHub(hub).sync_one(kind)
        config: uint256 = ledger.collateral[kind]
        flags: uint256 = price >> price_word.FLAGS
        hi: uint256 = price >> price_word.HI & price_word.PRICE_MASK
        end_factor: uint256 = config >> ledger.END_FACTOR & ledger.BPS_MASK
        # amounts below 2**128 at prices below 2**88 make sums below 2**220
        worth: uint256 = margin_math.value_down(
            ledger.balances[id][kind], hi, config >> ledger.DECIMALS & 255
        )
        target: uint256 = margin_math.target_capacity(
            worth, config >> ledger.INITIAL_LTV & ledger.BPS_MASK
        )
        found.flags |= flags
        found.target = unsafe_add(found.target, target)
        found.maintenance = unsafe_add(
            found.maintenance,
            margin_math.maintenance_capacity_from(
                worth,
                target,
                config >> ledger.MAINTENANCE_LTV & ledger.BPS_MASK,
                price >> price_word.MAINTENANCE_MULTIPLIER & price_word.BPS_MASK,
            ),
        )
        found.close_out = unsafe_add(
            found.close_out,
            margin_math.close_out_capacity(worth, config >> ledger.CLOSE_OUT_LTV & ledger.BPS_MASK),
        )
        if found.phase == margin_math.RIPE:
            found.end_value = unsafe_add(found.end_value, unsafe_mul(worth, end_factor))
        elif sold_kind != DEBT_ONLY and found.phase == margin_math.RUNNING and flags & price_word.FAILED == 0:
            factor: uint256 = margin_math.auction_factor(
                config >> ledger.START_FACTOR & ledger.BPS_MASK,
                end_factor,
                block.timestamp - found.opens,
                auction_duration,
            )
            found.sale_value = unsafe_add(found.sale_value, margin_math.sale_value_down(worth, factor))
            if kind == sold_kind:
                found.hi = hi
                found.factor = factor
                found.sold_target = target
    if self.is_modelled(found.word, ledger.interest):
        # without an answer the linear margin stands: a model never stops a liquidation
        off: IMarginModels.Surcharges = self.surcharges_of(id, found.word, sold_kind)
        found.target = margin_math.less(found.target, off.target)
        found.maintenance = margin_math.less(found.maintenance, off.maintenance)
        found.close_out = margin_math.less(found.close_out, off.close_out)
        found.sold_bps = off.sold_bps
    return found


@internal
@pure
def is_modelled(word: uint256, hints: uint256) -> bool:
    """
    @notice The account of this word has chosen a margin model, or the book has a default one by its interest word.
    """
    return word >> account.MARGIN_MODEL & 255 | hints >> ledger.HAS_DEFAULT_MODEL != 0


@internal
@view
def surcharges_of(id: uint256, word: uint256, sold_kind: uint256) -> IMarginModels.Surcharges:
    """
    @notice What the account's margin model takes off its capacities: never more than they are, and levels stay nested.
    """
    return staticcall IMarginModels(margin_models).surcharges(
        id, word >> account.MARGIN_MODEL & 255, sold_kind
    )


# small parts


@internal
@view
def check_authorised(id: uint256):
    """
    @notice Assert that the caller is the owner of the account or an operator with its bit.
    """
    account.check_id(id)
    owner: address = convert(id >> 8, address)
    if msg.sender != owner and not staticcall IOperators(operators).is_authorised(
        self, owner, id & 255, msg.sender
    ):
        reasons.fail(reasons.NOT_AUTHORISED)


@internal
def push(kind: uint256, receiver: address, amount: uint256):
    transfers.push(ledger.token_of(kind), receiver, amount)


@internal
def mint(receiver: address, amount: uint256) -> bool:
    return extcall IStablecoin(coin).mint(receiver, amount)


@internal
@view
def check_receiver(receiver: address):
    if receiver == empty(address) or receiver == self:
        reasons.fail(reasons.BAD_RECEIVER)


@internal
@view
def check_callbacks():
    if ledger.totals >> ledger.PAUSES & ledger.PAUSE_CALLBACKS != 0:
        reasons.fail(reasons.CALLBACKS_PAUSED)


@internal
def burn(amount: uint256):
    """
    @notice Burn the caller's coins; never anyone else's.
    """
    if amount > 0:
        assert extcall IStablecoin(coin).burn(msg.sender, amount)


@internal
def store_debt(id: uint256, word: uint256, normalized: uint256, start: uint256):
    """
    @notice Write a change of debt and clock only.
    """
    packed: uint256 = account.pack(
        word,
        normalized,
        word >> account.COLLATERAL_MASK & account.KINDS_MASK,
        start,
        word >> account.TOUCHED_AT & account.TIME_MASK,
    )
    ledger.accounts[id] = packed
    self.log_account(id, DEBT_ONLY, 0, packed)


@internal
def log_account(id: uint256, kind: uint256, balance: uint256, word: uint256):
    log IVault.AccountUpdated(account=id, kind=kind, balance=balance, word=word)


# interest and views


@external
def accrue() -> uint256:
    return interest_index.refresh(1)


@external
@view
def live_index() -> uint256:
    return interest_index.live_index()


@external
@view
def total_debt() -> uint256:
    return margin_math.total_debt_down(
        ledger.totals & ledger.TOTAL_DEBT_MASK, interest_index.live_index()
    )


@external
@view
def debt_of(account_: uint256) -> uint256:
    return self.debt_at(ledger.accounts[account_])


@external
@view
def health_factor(account_: uint256) -> uint256:
    word: uint256 = ledger.accounts[account_]
    maintenance: uint256 = 0
    mask: uint256 = word >> account.COLLATERAL_MASK & account.KINDS_MASK
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest & 1 != 0:
            price: uint256 = staticcall IPriceHub(hub).read_one(kind)
            config: uint256 = ledger.collateral[kind]
            worth: uint256 = margin_math.value_down(
                ledger.balances[account_][kind],
                price >> price_word.HI & price_word.PRICE_MASK,
                config >> ledger.DECIMALS & 255,
            )
            maintenance += margin_math.maintenance_capacity_from(
                worth,
                margin_math.target_capacity(worth, config >> ledger.INITIAL_LTV & ledger.BPS_MASK),
                config >> ledger.MAINTENANCE_LTV & ledger.BPS_MASK,
                price >> price_word.MAINTENANCE_MULTIPLIER & price_word.BPS_MASK,
            )
        if rest < 2:
            break
    if self.is_modelled(word, ledger.interest):
        maintenance = margin_math.less(
            maintenance, self.surcharges_of(account_, word, DEBT_ONLY).maintenance
        )
    return margin_math.health_factor_down(self.debt_at(word), maintenance)


@internal
@view
def debt_at(word: uint256) -> uint256:
    """
    @notice What an account of this word owes now.
    """
    return margin_math.debt_up(word & account.DEBT_MASK, interest_index.live_index())


# fund and governance


@external
def withdraw_absorbed(kind: uint256, amount: uint256, receiver: address):
    # what the fund has not drawn by a shutdown belongs to the holders of coins
    if msg.sender != (settlement if self.is_shut() else self.fund):
        reasons.fail(reasons.NOT_FUND)
    self.check_receiver(receiver)
    ledger.check_listed(kind)
    held: uint256 = ledger.absorbed[kind]
    if amount == 0:
        reasons.fail(reasons.ZERO_AMOUNT)
    if amount > held:
        reasons.fail(reasons.ABOVE_BALANCE)
    ledger.absorbed[kind] = held - amount
    ledger.lower_total(kind, amount)
    log IVault.AbsorbedWithdrawn(kind=kind, receiver=receiver, amount=amount)
    self.push(kind, receiver, amount)


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
    # the desk that lists a kind in hub and vault at once acts for nobody but the governor of both
    if msg.sender != staticcall IPriceHub(hub).listings():
        governed.check_governor()
    if kind >= MAX_KINDS:
        reasons.fail(reasons.UNKNOWN_KIND)
    if token == coin:
        reasons.fail(reasons.THE_COIN_ITSELF)
    if token == empty(address) or staticcall IPriceHub(hub).token_of(kind) != token:
        reasons.fail(reasons.TOKEN_NOT_PRICED)
    # the hub prices a token under one kind only, so no other kind can be this token
    if ledger.collateral[kind] != 0:
        reasons.fail(reasons.ALREADY_LISTED)
    decimals: uint256 = convert(staticcall IERC20Detailed(token).decimals(), uint256)
    if decimals < 6 or decimals > 18:
        reasons.fail(reasons.BAD_DECIMALS)
    word: uint256 = convert(token, uint256) | decimals << ledger.DECIMALS | self.pack_levels(
        initial_ltv, maintenance_ltv, close_out_ltv, start_factor, end_factor
    )
    ledger.collateral[kind] = word
    ledger.set_cap(kind, cap)
    if isolated:
        ledger.totals |= 1 << (ledger.ISOLATED + kind)
    log IVault.CollateralListed(kind=kind, token=token, word=word, cap=cap)


@external
def set_levels(
    kind: uint256,
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    close_out_ltv: uint256,
    start_factor: uint256,
    end_factor: uint256,
):
    self.check_governed(kind)
    ledger.collateral[kind] = ledger.collateral[kind] & ledger.IDENTITY_MASK | self.pack_levels(
        initial_ltv, maintenance_ltv, close_out_ltv, start_factor, end_factor
    )
    self.log_collateral(kind)


@internal
@view
def pack_levels(
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    close_out_ltv: uint256,
    start_factor: uint256,
    end_factor: uint256,
) -> uint256:
    """
    @notice The levels and factors of a kind in their places of its word, refused where they make no sense together.
    """
    if (
        initial_ltv >= maintenance_ltv or maintenance_ltv >= close_out_ltv or close_out_ltv > end_factor
    ):
        reasons.fail(reasons.BAD_LEVELS)
    # the last: at a still price an account caught at maintenance is whole, penalty included, to the end of its auction
    if (
        start_factor < BPS
        or start_factor > MAX_START_FACTOR
        or end_factor >= BPS
        or maintenance_ltv * (BPS + liquidation_penalty) > end_factor * BPS
    ):
        reasons.fail(reasons.BAD_FACTORS)
    # every ratio is at most 11,000 by now and fits its 16 bits
    return (
        initial_ltv << ledger.INITIAL_LTV
        | maintenance_ltv << ledger.MAINTENANCE_LTV
        | close_out_ltv << ledger.CLOSE_OUT_LTV
        | start_factor << ledger.START_FACTOR
        | end_factor << ledger.END_FACTOR
    )


@external
def set_cap(kind: uint256, cap: uint256):
    self.check_governed(kind)
    ledger.set_cap(kind, cap)
    self.log_collateral(kind)


@internal
@view
def check_governed(kind: uint256):
    governed.check_governor()
    ledger.check_listed(kind)


@internal
def log_collateral(kind: uint256):
    log IVault.CollateralChanged(
        kind=kind, word=ledger.collateral[kind], cap=ledger.deposited[kind] >> ledger.CAP
    )


@external
def set_frozen(kind: uint256, frozen: bool):
    self.check_governed(kind)
    bit: uint256 = 1 << (ledger.FROZEN + kind)
    ledger.totals = ledger.totals | bit if frozen else ledger.totals & ~bit
    self.update_guard()
    log IVault.KindFrozen(kind=kind, frozen=frozen)


@external
def set_pauses(bits: uint256):
    governed.check_governor()
    self.check_open()
    if bits > 31:
        reasons.fail(reasons.BAD_PAUSES)
    totals: uint256 = ledger.totals
    resumes_at: uint256 = totals >> ledger.TAKE_RESUMES_AT & ledger.TIME_MASK
    # a pause of takes that has ended by itself is none any more, whatever its bit says
    was_paused: bool = (
        totals >> ledger.PAUSES & ledger.PAUSE_TAKE != 0 and block.timestamp < resumes_at
    )
    paused_at: uint256 = resumes_at - (totals >> ledger.TAKE_PAUSE)
    # no clock runs out while nobody could buy
    if bits & ledger.PAUSE_TAKE != 0:
        if not was_paused:
            # clocks that an earlier pause still holds are held on: it counts from where that one began
            if block.timestamp > resumes_at + 2 * auction_duration:
                paused_at = block.timestamp
            resumes_at = block.timestamp + MAX_PAUSE + grace_period
    elif was_paused:
        resumes_at = block.timestamp + grace_period
    ledger.totals = (
        totals & (ledger.TOTAL_DEBT_MASK | (2**64 - 1) << ledger.ISOLATED)
        | resumes_at << ledger.TAKE_RESUMES_AT
        | bits << ledger.PAUSES
        | min(resumes_at - paused_at, MAX_TAKE_PAUSE) << ledger.TAKE_PAUSE
    )
    self.update_guard()
    log IVault.Paused(bits=bits)


@internal
def update_guard():
    """
    @notice Note beside the index whether anything is paused or frozen, so that most calls need not look.
    """
    self.set_flag(
        ledger.GUARDED,
        (ledger.totals >> ledger.FROZEN & ledger.KINDS_MASK) | (ledger.totals >> ledger.PAUSES & ledger.BPS_MASK) != 0,
    )


@internal
def set_flag(bit: uint256, on: bool):
    ledger.interest = ledger.interest & ~(1 << bit) | convert(on, uint256) << bit


@external
def set_rate(rate: uint256):
    governed.check_governor()
    self.check_open()
    interest_index.set_rate(rate)


@external
def set_default_model(used: bool):
    if msg.sender != margin_models:
        reasons.fail(reasons.NOT_MARGIN_MODELS)
    self.set_flag(ledger.HAS_DEFAULT_MODEL, used)
    log IVault.DefaultModelSet(used=used)


@external
def propose_fund(fund_: address):
    governed.check_governor()
    self.pending_fund = fund_
    log IVault.FundProposed(fund=fund_)


@external
def accept_fund():
    if msg.sender != self.pending_fund:
        reasons.fail(reasons.NOT_PROPOSED)
    self.fund = msg.sender
    self.pending_fund = empty(address)
    log IVault.FundSet(fund=msg.sender)


# shutdown


@external
def shutdown():
    self.check_settlement()
    self.check_open()
    interest_index.set_rate(0)
    # no auction opens any more; take_pause 0
    ledger.totals = (
        ledger.totals & (ledger.TOTAL_DEBT_MASK | (2**64 - 1) << ledger.ISOLATED)
        | ledger.TIME_MASK << ledger.TAKE_RESUMES_AT
        | (31 | ledger.SHUT) << ledger.PAUSES
    )
    self.update_guard()
    log IVault.ShutDown()


@external
def settle(account_: uint256, share: uint256, shortfall: uint256) -> uint256:
    self.check_settlement()
    word: uint256 = ledger.accounts[account_]
    debt: uint256 = self.debt_at(word)
    if debt == 0 or not self.is_shut():
        reasons.fail(reasons.NOT_SETTLEABLE)
    self.strike(account_, word, share)
    log IVault.Settled(account=account_, debt=debt, shortfall=shortfall)
    self.log_loss(account_, shortfall)
    return debt


@internal
@view
def is_shut() -> bool:
    return ledger.totals >> ledger.PAUSES & ledger.SHUT != 0


@internal
@view
def check_open():
    if self.is_shut():
        reasons.fail(reasons.SHUT_DOWN)


@internal
@view
def check_settlement():
    if msg.sender != settlement:
        reasons.fail(reasons.NOT_SETTLEMENT)
