# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Previews: what each call to a vault would do now, and what keepers can do
@notice The second half of interfaces/ILens.vyi. A preview changes a copy of the position as the vault would change the
        position itself, in the same order, and measures the copy.
@custom:security Trusts the vault it is given.
"""
from ...interfaces import ILens
from ...interfaces import IMarginModels
from ...interfaces import IVault
from . import account
from . import ledger
from . import margin_math
from . import price_word
from . import reasons
from . import survey

MAX_KINDS: constant(uint256) = 32
MAX_ENABLED: constant(uint256) = 8
MAX_LEGS: constant(uint256) = 8
MAX_PAGE: constant(uint256) = 128
MAX_SALES: constant(uint256) = MAX_PAGE * MAX_ENABLED
BPS: constant(uint256) = 10_000
MAX_DEBT: constant(uint256) = 2**128  # as in the vault
UNPAUSABLE: constant(uint256) = 2**16  # raises risk, and no pause stops it
MAX_DELTA: constant(uint256) = 2**255 - 1

# a position on its way: as read, then with its legs and its debt changed, then measured again
struct Change:
    reason: uint256  # why the vault refuses; 0: it does not
    seen: survey.Survey
    raised: uint256  # what raises risk, by the bit that pauses it
    borrowed: uint256
    repaid: uint256

struct Call:
    reason: uint256
    immediate: bool
    first: bool  # of this episode: grace and tip
    start: uint256


# changes of a position


@external
@view
def preview_adjust(
    vault: address, account_: uint256, legs: DynArray[IVault.Leg, MAX_LEGS], debt_delta: int256
) -> ILens.Outcome:
    done: Change = self.change(self.look(vault, account_), legs, debt_delta, True)
    return self.shown(done, done.reason)


@external
@view
def preview_move(
    vault: address,
    source: uint256,
    destination: uint256,
    legs: DynArray[IVault.Leg, MAX_LEGS],
    debt: uint256,
) -> (ILens.Outcome, ILens.Outcome):
    giver: Change = self.look(vault, source)
    taker: Change = self.look(vault, destination)
    giver.reason |= taker.reason  # both can only be the same
    if source == destination:
        giver.reason = reasons.SAME_ACCOUNT
    leaving: DynArray[IVault.Leg, MAX_LEGS] = []
    arriving: DynArray[IVault.Leg, MAX_LEGS] = []
    for leg: IVault.Leg in legs:
        amount: int256 = max(leg.delta, 0)
        if amount == max_value(int256):
            # of an unknown kind any balance will do: it is refused
            amount = convert(giver.seen.position.balances[leg.kind % MAX_KINDS], int256)
        leaving.append(IVault.Leg(kind=leg.kind, delta=-amount))
        arriving.append(IVault.Leg(kind=leg.kind, delta=amount))
    giver = self.change(giver, leaving, -convert(min(debt, MAX_DELTA), int256), False)
    taker.reason = giver.reason
    if taker.reason == 0:
        taker.seen.book = giver.seen.book
        taker = self.change(taker, arriving, convert(giver.repaid, int256), False)
    giver.repaid = 0
    return self.shown(giver, taker.reason), self.shown(taker, taker.reason)


@external
@view
def preview_margin_model(vault: address, account_: uint256, slot: uint256) -> ILens.Outcome:
    done: Change = self.look(vault, account_)
    if done.reason == 0 and slot != 0:
        listed: address = staticcall IVault(vault).margin_models()
        if listed == empty(address) or not staticcall IMarginModels(listed).is_listed(slot):
            done.reason = reasons.UNKNOWN_MODEL
    if done.reason == 0:
        done.seen.position.slot = slot
        done.raised = UNPAUSABLE
        done = self.measured(done)
    return self.shown(done, done.reason)


@external
@view
def max_borrow(vault: address, account_: uint256) -> uint256:
    done: Change = self.look(vault, account_)
    book: survey.Book = done.seen.book
    if done.reason != 0 or book.totals.pauses & ledger.PAUSE_BORROW != 0:
        return 0
    normalized: uint256 = done.seen.position.normalized_debt
    most: uint256 = min(
        min(
            margin_math.normalized_down(done.seen.found.levels.initial, book.index), account.DEBT_MASK
        ),
        normalized + ledger.TOTAL_DEBT_MASK - book.totals.normalized_debt,
    )
    if most <= normalized:
        return 0
    amount: uint256 = min(
        margin_math.borrowable_down(most - normalized, book.index), book.headroom
    )
    owed: uint256 = margin_math.debt_up(
        normalized + margin_math.borrowed_up(amount, book.index), book.index
    )
    return amount if owed >= book.debt_floor else 0


@external
@view
def max_withdraw(vault: address, account_: uint256, kind: uint256) -> uint256:
    done: Change = self.look(vault, account_)
    if done.reason != 0 or (done.seen.position.mask >> kind) & 1 == 0:  # a shift past the word gives 0
        return 0
    balance: uint256 = done.seen.position.balances[kind]
    done.raised = ledger.PAUSE_WITHDRAW
    passing: uint256 = 0
    failing: uint256 = balance + 1
    amount: uint256 = balance
    for _: uint256 in range(256):
        rest: Change = done
        rest.seen.position.balances[kind] = balance - amount
        rest.seen.book.deposited[kind] -= amount
        if amount == balance:
            rest.seen.position.mask &= ~(1 << kind)
        if self.measured(rest).reason == 0:
            passing = amount
        else:
            failing = amount
        if failing - passing == 1:
            break
        amount = passing + (failing - passing) // 2  # down: the middle of a search
    return passing


@internal
@view
def look(vault: address, id: uint256) -> Change:
    """
    @notice An account before anything has changed.
    """
    done: Change = empty(Change)
    done.seen = survey.look(vault, id)
    if id >> 168 != 0:
        done.reason = reasons.UNKNOWN_ACCOUNT
    return done


@internal
@view
def change(
    before: Change, legs: DynArray[IVault.Leg, MAX_LEGS], debt_delta: int256, from_outside: bool
) -> Change:
    """
    @notice Change collateral and debt of a position as the vault does; or say why it may not, and leave it.
    @param from_outside tokens and coins come in and go out; else they move between two accounts
    """
    done: Change = before
    if done.reason == 0 and len(legs) == 0 and debt_delta == 0:
        done.reason = reasons.NOTHING_TO_CHANGE
    if done.reason != 0:
        return done
    if debt_delta > 0:
        done.raised = ledger.PAUSE_BORROW
    above: uint256 = 0
    for leg: IVault.Leg in legs:
        kind: uint256 = leg.kind
        if kind < above:
            done.reason = reasons.LEGS_NOT_ASCENDING
            break
        done.seen.book = survey.learn(done.seen.book, 1 << kind)
        if kind >= MAX_KINDS or done.seen.book.collateral[kind] == 0:
            done.reason = reasons.UNKNOWN_KIND
            break
        above = kind + 1
        balance: uint256 = done.seen.position.balances[kind]
        amount: uint256 = balance
        deposited: uint256 = done.seen.book.deposited[kind]
        if leg.delta > 0:
            amount = convert(leg.delta, uint256)
            most: uint256 = ledger.HALF_MASK
            if done.seen.position.start == 0 or debt_delta > 0:
                most = deposited >> ledger.CAP
            if from_outside and (deposited & ledger.HALF_MASK) + amount > most:
                done.reason = reasons.ABOVE_CAP
                break
            deposited += amount
            balance += amount
        else:
            done.raised |= ledger.PAUSE_WITHDRAW
            if leg.delta != min_value(int256):
                amount = convert(-leg.delta, uint256)
            if amount == 0:
                done.reason = reasons.ZERO_AMOUNT
                break
            if amount > balance:
                done.reason = reasons.ABOVE_BALANCE
                break
            deposited -= amount
            balance -= amount
        if from_outside:
            done.seen.book.deposited[kind] = deposited
        done.seen.position.balances[kind] = balance
        done.seen.position.mask &= ~(1 << kind)
        if balance != 0:
            done.seen.position.mask |= 1 << kind

    if done.reason == 0:
        done = self.change_debt(done, debt_delta)
    if done.reason == 0:
        done.reason = self.check_enabled(done.seen, before.seen.position.mask)
    if done.reason != 0:
        refused: Change = before
        refused.reason = done.reason
        return refused
    if done.raised != 0:
        done.seen.position.touched_at = block.timestamp
    if done.raised != 0 or done.seen.position.normalized_debt == 0:
        done.seen.position.start = 0
    if not from_outside:
        done.borrowed = 0
    return self.measured(done)


@internal
@pure
def change_debt(before: Change, debt_delta: int256) -> Change:
    done: Change = before
    index: uint256 = done.seen.book.index
    normalized: uint256 = done.seen.position.normalized_debt
    total: uint256 = done.seen.book.totals.normalized_debt - normalized  # of all others
    if debt_delta > 0:
        done.borrowed = convert(debt_delta, uint256)
        added: uint256 = margin_math.borrowed_up(min(done.borrowed, MAX_DEBT), index)
        normalized += added
        if (
            done.borrowed > MAX_DEBT
            or normalized > account.DEBT_MASK
            or total + normalized > ledger.TOTAL_DEBT_MASK
        ):
            done.reason = reasons.DEBT_TOO_LARGE
    elif debt_delta < 0:
        owed: uint256 = margin_math.debt_up(normalized, index)
        most: uint256 = convert(-max(debt_delta, -max_value(int256)), uint256)
        done.repaid = margin_math.repayment(most, owed, done.seen.book.debt_floor)
        if done.repaid < owed:
            normalized -= margin_math.repaid_down(done.repaid, index)
        else:
            normalized = 0
    done.seen.position.normalized_debt = normalized
    done.seen.book.totals.normalized_debt = total + normalized
    return done


@internal
@pure
def check_enabled(seen: survey.Survey, old_mask: uint256) -> uint256:
    """
    @notice Why new kinds may not join, or 0. Their words are known: legs brought them.
    """
    mask: uint256 = seen.position.mask
    enabled: uint256 = mask & ~old_mask
    if enabled == 0:
        return 0
    if enabled & seen.book.totals.frozen_mask != 0:
        return reasons.KIND_IS_FROZEN
    count: uint256 = 0
    flagged: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        count += (mask >> kind) & 1
        if (enabled >> kind) & 1 != 0 and flagged == 0:
            if survey.has_failed(seen.book, kind):
                flagged = reasons.PRICE_FAILED
            elif seen.book.prices[kind] >> price_word.FLAGS != 0:
                flagged = reasons.PRICE_CONFIRMING
    if mask & seen.book.totals.isolated_mask != 0 and count > 1:
        return reasons.ISOLATED_ONLY
    if count > MAX_ENABLED:
        return reasons.TOO_MANY_KINDS
    return flagged


@internal
@view
def measured(changed: Change) -> Change:
    """
    @notice Measure a changed position, and say why it may not be left so: the check that ends a call which raised risk.
    """
    done: Change = changed
    done.seen.book = survey.learn(done.seen.book, done.seen.position.mask)
    done.seen.found = survey.measure(done.seen.book, done.seen.position, survey.NO_KIND)
    debt: uint256 = done.seen.found.levels.debt
    paused: uint256 = done.seen.book.totals.pauses & done.raised
    if done.raised != 0 and debt != 0:
        if paused & ledger.PAUSE_BORROW != 0:
            done.reason = reasons.BORROWING_PAUSED
        elif paused != 0:
            done.reason = reasons.WITHDRAWING_PAUSED
        elif debt < done.seen.book.debt_floor:
            done.reason = reasons.BELOW_DEBT_FLOOR
        elif done.seen.found.model_failed:
            done.reason = reasons.MARGIN_MODEL_FAILED
        elif debt > done.seen.found.levels.initial:
            done.reason = reasons.BELOW_INITIAL_MARGIN
    if done.reason == 0 and done.borrowed > done.seen.book.headroom:
        done.reason = reasons.ABOVE_CEILING
    return done


@internal
@pure
def shown(done: Change, reason: uint256) -> ILens.Outcome:
    levels: ILens.Levels = done.seen.found.levels
    return ILens.Outcome(
        reason=reasons.text_of(reason),
        levels=levels,
        state=done.seen.found.state,
        health_factor=margin_math.health_factor_down(levels.debt, levels.maintenance),
        collateral_mask=done.seen.position.mask,
        auction_start=done.seen.position.start,
        repaid=done.repaid,
    )


# margin call


@external
@view
def preview_margin_call(vault: address, account_: uint256) -> ILens.CallPreview:
    done: Change = self.look(vault, account_)
    seen: survey.Survey = done.seen
    made: Call = self.call(
        seen, staticcall IVault(vault).call_cool_down(), staticcall IVault(vault).grace_period()
    )
    if done.reason == 0:
        done.reason = made.reason
    if done.reason != 0:
        made = empty(Call)
        made.start = seen.position.start
    tip: uint256 = 0
    if made.first:
        tip = margin_math.call_tip_down(staticcall IVault(vault).call_tip(), seen.found.levels.debt)
        owed: uint256 = margin_math.debt_up(
            seen.position.normalized_debt + margin_math.borrowed_up(tip, seen.book.index),
            seen.book.index,
        )
        if owed > seen.found.levels.close_out or tip > seen.book.headroom:
            tip = 0
    return ILens.CallPreview(
        reason=reasons.text_of(done.reason),
        immediate=made.immediate,
        auction_start=made.start,
        tip=tip,
    )


@external
@view
def callable_accounts(vault: address, accounts: DynArray[uint256, MAX_PAGE]) -> uint256:
    seen: survey.Survey = empty(survey.Survey)
    seen.book = survey.open_book(vault)
    cool_down: uint256 = staticcall IVault(vault).call_cool_down()
    bitmap: uint256 = 0
    for i: uint256 in range(len(accounts), bound=MAX_PAGE):
        seen = survey.visit(seen.book, accounts[i])
        if self.call(seen, cool_down, 0).reason == 0:
            bitmap |= 1 << i
    return bitmap


@internal
@view
def call(seen: survey.Survey, cool_down: uint256, grace: uint256) -> Call:
    """
    @notice A margin call of a measured account now.
    """
    made: Call = empty(Call)
    opens: uint256 = seen.found.opens
    closes: uint256 = opens + seen.book.duration
    close_out: bool = seen.found.levels.close_out < seen.found.levels.debt
    made.immediate = (
        close_out
        and seen.found.flags & price_word.CONFIRMING == 0
        and seen.position.touched_at < block.timestamp
    )
    made.first = opens == 0 or block.timestamp > closes + cool_down
    made.start = block.timestamp
    if made.first and not made.immediate:
        made.start += grace
    if seen.book.totals.pauses & ledger.PAUSE_CALL != 0:
        made.reason = reasons.CALLING_PAUSED
    elif seen.found.levels.debt <= seen.found.levels.maintenance:
        made.reason = reasons.ACCOUNT_IS_COVERED
    elif opens != 0 and block.timestamp <= closes:
        if not made.immediate or block.timestamp >= opens:
            made.reason = reasons.ALREADY_CALLED
    elif opens != 0 and close_out and block.timestamp <= closes + seen.book.duration:
        made.reason = reasons.ABSORB_INSTEAD
    return made


# take


@external
@view
def preview_take(
    vault: address, account_: uint256, kind: uint256, amount: uint256
) -> (uint256, uint256, uint256, uint256):
    done: Change = self.look(vault, account_)
    seen: survey.Survey = done.seen
    seen.found = survey.measure(seen.book, seen.position, kind)
    sold: uint256 = 0
    cost: uint256 = 0
    repaid: uint256 = 0
    if done.reason == 0:
        if self.is_taking_paused(seen.book.totals):
            done.reason = reasons.TAKING_PAUSED
        elif amount == 0:
            done.reason = reasons.ZERO_AMOUNT
        else:
            done.reason, sold, cost, repaid = self.sell(seen, kind, amount)
    if done.reason != 0:
        reasons.fail(done.reason)
    return survey.auction_price(seen, kind, block.timestamp), sold, cost, repaid


@external
@view
def auctions(
    vault: address, accounts: DynArray[uint256, MAX_PAGE]
) -> DynArray[ILens.Sale, MAX_SALES]:
    sales: DynArray[ILens.Sale, MAX_SALES] = []
    seen: survey.Survey = empty(survey.Survey)
    seen.book = survey.open_book(vault)
    if self.is_taking_paused(seen.book.totals):
        return sales
    for id: uint256 in accounts:
        seen = survey.visit(seen.book, id)
        if not seen.found.is_open:
            continue
        # check: allow unbounded-loop - a view that nobody calls on chain; an account holds 8 kinds at most
        for kind: uint256 in range(MAX_KINDS):
            if seen.position.mask >> kind == 0:
                break
            if seen.found.model != empty(address):
                seen.found = survey.measure(seen.book, seen.position, kind)
            reason: uint256 = 0
            sold: uint256 = 0
            cost: uint256 = 0
            repaid: uint256 = 0
            reason, sold, cost, repaid = self.sell(seen, kind, max_value(uint256))
            if reason == 0 or reason == reasons.LEAVES_DUST:
                sales.append(
                    ILens.Sale(
                        account=id,
                        kind=kind,
                        price=survey.auction_price(seen, kind, block.timestamp),
                        available=sold,
                        cost=cost,
                        opens_at=seen.found.opens,
                        closes_at=seen.found.opens + seen.book.duration,
                    )
                )
    return sales


@internal
@view
def is_taking_paused(totals: ledger.Totals) -> bool:
    return totals.pauses & ledger.PAUSE_TAKE != 0 and block.timestamp < totals.take_resumes_at


@internal
@view
def sell(
    seen: survey.Survey, kind: uint256, amount: uint256
) -> (uint256, uint256, uint256, uint256):
    """
    @notice Size a take of at most `amount` of a kind by an account that was measured for selling it.
    @return why it cannot be sold (0: it can), amount sold, its cost, debt repaid
    """
    if (seen.position.mask >> kind) & 1 == 0:
        return reasons.KIND_NOT_ENABLED, 0, 0, 0
    if not seen.found.is_open:
        return reasons.NOT_IN_AUCTION, 0, 0, 0
    if survey.has_failed(seen.book, kind):
        return reasons.PRICE_FAILED, 0, 0, 0
    debt: uint256 = seen.found.levels.debt
    if debt <= seen.found.levels.maintenance:
        return reasons.ACCOUNT_IS_COVERED, 0, 0, 0
    config: ledger.Collateral = ledger.unpack_collateral(seen.book.collateral[kind])
    sold: uint256 = 0
    cost: uint256 = 0
    repaid: uint256 = 0
    sold, cost, repaid = margin_math.take_amounts(
        debt,
        seen.found.levels.target,
        seen.position.balances[kind],
        amount,
        price_word.unpack(seen.book.prices[kind]).hi,
        config.decimals,
        survey.factor_at(
            seen.book.collateral[kind], block.timestamp - seen.found.opens, seen.book.duration
        ),
        margin_math.mul_div_down(config.initial_ltv, BPS - seen.found.sold_bps, BPS),
        margin_math.effective_penalty_down(seen.book.penalty, seen.found.sale_value, debt),
        seen.book.debt_floor,
    )
    if sold == 0:
        return reasons.LEAVES_DUST if cost != 0 else reasons.NOTHING_TO_TAKE, 0, 0, 0
    return 0, sold, cost, repaid


# cure, absorb


@external
@view
def preview_cure(vault: address, account_: uint256) -> (String[32], uint256):
    done: Change = self.look(vault, account_)
    found: survey.Measure = done.seen.found
    after: uint256 = 0
    if found.levels.debt > found.levels.target:
        after = block.timestamp
    if done.reason == 0 and (
        found.opens == 0
        or (after != 0 and (not found.is_open or found.levels.debt > found.levels.maintenance))
    ):
        done.reason = reasons.NOT_CURABLE
    if done.reason != 0:
        after = done.seen.position.start
    return reasons.text_of(done.reason), after


@external
@view
def preview_absorb(vault: address, account_: uint256) -> ILens.AbsorbPreview:
    done: Change = self.look(vault, account_)
    found: survey.Measure = done.seen.found
    if done.reason == 0:
        if self.is_taking_paused(done.seen.book.totals):
            done.reason = reasons.TAKING_PAUSED
        elif found.state != margin_math.ABSORBABLE:
            done.reason = reasons.NOT_ABSORBABLE
        elif found.flags & price_word.FAILED != 0:
            done.reason = reasons.PRICE_FAILED
        elif found.flags & price_word.CONFIRMING != 0:
            done.reason = reasons.PRICE_CONFIRMING
    told: ILens.AbsorbPreview = empty(ILens.AbsorbPreview)
    if done.reason == 0:
        told.debt = found.levels.debt
        told.share = margin_math.absorbed_share_up(
            told.debt, done.seen.book.penalty, found.end_value
        )
        told.shortfall = margin_math.absorb_shortfall(told.debt, found.end_value)
    told.reason = reasons.text_of(done.reason)
    return told
