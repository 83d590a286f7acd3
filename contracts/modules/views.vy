# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Views: accounts, kinds and books by the field's names, and pages of many accounts
@notice The reading half of interfaces/ILens.vyi; previews are the other. Every view takes the vault.
@custom:security Trusts the vault it is given.
"""
from ...interfaces import ILens
from ...interfaces import IMarginModels
from ...interfaces import IOperators
from ...interfaces import IVault
from . import ledger
from . import margin_math
from . import price_word
from . import reasons
from . import survey

MAX_KINDS: constant(uint256) = 32
MAX_ENABLED: constant(uint256) = 8
MAX_PAGE: constant(uint256) = 128


@external
@view
def account_of(vault: address, account_: uint256) -> ILens.AccountView:
    seen: survey.Survey = survey.look(vault, account_)
    position: survey.Position = seen.position
    found: survey.Measure = seen.found
    levels: ILens.Levels = found.levels
    opens: uint256 = 0 if survey.is_shut(seen.book.totals) else found.opens
    closes: uint256 = 0
    absorbable: uint256 = 0
    if opens != 0:
        closes = opens + seen.book.duration
        absorbable = closes + seen.book.duration
    return ILens.AccountView(
        owner=convert(account_ >> 8, address),
        sub=account_ & 255,
        state=found.state,
        collateral_mask=position.mask,
        auction_start=position.start,
        opens_at=opens,
        closes_at=closes,
        touched_at=position.touched_at,
        levels=levels,
        health_factor=margin_math.health_factor_down(levels.debt, levels.maintenance),
        margin_ratio=margin_math.margin_ratio_down(levels.debt, levels.value),
        margin_to_liquidation_ratio=margin_math.margin_to_liquidation_ratio_down(
            levels.debt, levels.value, levels.maintenance
        ),
        collateral_ratio=margin_math.collateral_ratio_down(levels.debt, levels.value),
        loan_to_value=margin_math.loan_to_value_up(levels.debt, levels.value),
        leverage=margin_math.leverage_up(levels.debt, levels.value),
        liquidation_price=self.liquidation_price_of(seen),
        absorbable_until=absorbable,
        margin_model=position.slot,
        model=found.model,
        model_failed=found.model_failed,
        price_flags=found.flags,
    )


@internal
@pure
def liquidation_price_of(seen: survey.Survey) -> uint256:
    mask: uint256 = seen.position.mask
    if mask == 0 or mask & (mask - 1) != 0 or seen.found.model != empty(address):
        return 0
    for kind: uint256 in range(MAX_KINDS):
        if mask >> kind == 1:
            config: ledger.Collateral = ledger.unpack_collateral(seen.book.collateral[kind])
            return margin_math.liquidation_price_up(
                seen.found.levels.debt,
                seen.position.balances[kind],
                config.decimals,
                config.initial_ltv,
                config.maintenance_ltv,
                price_word.unpack(seen.book.prices[kind]).maintenance_multiplier,
            )
    return 0


@external
@view
def holdings_of(vault: address, account_: uint256) -> DynArray[ILens.Holding, MAX_ENABLED]:
    seen: survey.Survey = survey.look(vault, account_)
    holdings: DynArray[ILens.Holding, MAX_ENABLED] = []
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = seen.position.mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(seen.book.prices[kind])
        config: ledger.Collateral = ledger.unpack_collateral(seen.book.collateral[kind])
        balance: uint256 = seen.position.balances[kind]
        asked: uint256 = 0
        if seen.found.is_open and price.flags & price_word.FAILED == 0 and not survey.is_shut(seen.book.totals):
            asked = survey.auction_price(seen, kind, block.timestamp)
        holdings.append(
            ILens.Holding(
                kind=kind,
                token=config.token,
                decimals=config.decimals,
                balance=balance,
                lo=price.lo,
                hi=price.hi,
                value=margin_math.value_down(balance, price.hi, config.decimals),
                auction_price=asked,
            )
        )
    return holdings


@external
@view
def auction_price(vault: address, account_: uint256, kind: uint256, at: uint256) -> uint256:
    seen: survey.Survey = survey.look(vault, account_)
    if (seen.position.mask >> kind) & 1 == 0:  # a shift past the word gives 0
        reasons.fail(reasons.KIND_NOT_ENABLED)
    if survey.is_shut(seen.book.totals) or not survey.is_open(seen.found.opens, seen.book.duration, at):
        reasons.fail(reasons.NOT_IN_AUCTION)
    if survey.has_failed(seen.book, kind):
        reasons.fail(reasons.PRICE_FAILED)
    return survey.auction_price(seen, kind, at)


@external
@view
def kind_of(vault: address, kind: uint256) -> ILens.KindView:
    book: survey.Book = survey.open_book(vault)
    book = survey.learn(book, 1 << kind)
    if kind >= MAX_KINDS or book.collateral[kind] == 0:
        reasons.fail(reasons.UNKNOWN_KIND)
    config: ledger.Collateral = ledger.unpack_collateral(book.collateral[kind])
    price: price_word.Price = price_word.unpack(book.prices[kind])
    return ILens.KindView(
        token=config.token,
        decimals=config.decimals,
        initial_ltv=config.initial_ltv,
        maintenance_ltv=config.maintenance_ltv,
        close_out_ltv=config.close_out_ltv,
        start_factor=config.start_factor,
        end_factor=config.end_factor,
        deposited=book.deposited[kind] & ledger.HALF_MASK,
        cap=book.deposited[kind] >> ledger.CAP,
        absorbed=staticcall IVault(vault).absorbed(kind),
        frozen=(book.totals.frozen_mask >> kind) & 1 == 1,
        isolated=(book.totals.isolated_mask >> kind) & 1 == 1,
        lo=price.lo,
        hi=price.hi,
        updated_at=(book.prices[kind] >> 176) & (2**40 - 1),
        initial_multiplier=price.initial_multiplier,
        maintenance_multiplier=price.maintenance_multiplier,
        flags=price.flags,
    )


@external
@view
def book_of(vault: address) -> ILens.BookView:
    book: survey.Book = survey.open_book(vault)
    return ILens.BookView(
        total_debt=margin_math.total_debt_down(book.totals.normalized_debt, book.index),
        total_normalized_debt=book.totals.normalized_debt,
        index=book.index,
        rate=book.rate,
        pauses=book.totals.pauses,
        take_resumes_at=book.totals.take_resumes_at,
        isolated_mask=book.totals.isolated_mask,
        frozen_mask=book.totals.frozen_mask,
        headroom=book.headroom,
        default_model=self.default_model_of(book),
    )


@external
@view
def is_authorised(vault: address, account_: uint256, who: address) -> bool:
    return staticcall IOperators(staticcall IVault(vault).operators()).is_authorised(
        vault, convert(account_ >> 8, address), account_ & 255, who
    )


@internal
@view
def default_model_of(book: survey.Book) -> address:
    """
    @notice The model of accounts that chose none; zero is the linear margin.
    """
    return staticcall IMarginModels(book.models).models(0) if book.has_default_model else empty(address)


# pages


@external
@view
def states_of(vault: address, accounts: DynArray[uint256, MAX_PAGE]) -> DynArray[uint256, MAX_PAGE]:
    states: DynArray[uint256, MAX_PAGE] = []
    seen: survey.Survey = empty(survey.Survey)
    seen.book = survey.open_book(vault)
    for id: uint256 in accounts:
        seen = survey.visit(seen.book, id)
        states.append(seen.found.state)
    return states


@external
@view
def levels_of(vault: address, accounts: DynArray[uint256, MAX_PAGE]) -> DynArray[ILens.Levels, MAX_PAGE]:
    levels: DynArray[ILens.Levels, MAX_PAGE] = []
    seen: survey.Survey = empty(survey.Survey)
    seen.book = survey.open_book(vault)
    for id: uint256 in accounts:
        seen = survey.visit(seen.book, id)
        levels.append(seen.found.levels)
    return levels
