# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Lens: views of a vault by the field's names
@notice Stateless and replaceable; anyone may read. The formulas are the vault's own (modules/margin_math.vy).
@custom:security Trusts the vault it is given: pass only one you know.
@custom:freeze Nothing to freeze.
"""
from ..interfaces import ILens
from ..interfaces import IPriceHub
from ..interfaces import IVault
from .modules import account
from .modules import ledger
from .modules import margin_math
from .modules import price_word

implements: ILens

MAX_KINDS: constant(uint256) = 32
MAX_ENABLED: constant(uint256) = 8
MAX_PAGE: constant(uint256) = 128


@external
@view
def account_of(vault: address, account_: uint256) -> ILens.AccountView:
    position: account.Account = account.unpack(staticcall IVault(vault).accounts(account_))
    levels: IVault.Levels = staticcall IVault(vault).levels_of(account_)
    duration: uint256 = staticcall IVault(vault).auction_duration()
    opens: uint256 = self.opens_of(position, self.totals_of(vault), duration)
    closes: uint256 = 0
    if opens != 0:
        closes = opens + duration
    return ILens.AccountView(
        owner=convert(account_ >> 8, address),
        sub=account_ & 255,
        state=self.state_of(position, levels, opens, duration),
        collateral_mask=position.collateral_mask,
        auction_start=position.auction_start,
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
        liquidation_price=self.liquidation_price_of(vault, account_, position, levels.debt),
    )


@external
@view
def holdings_of(vault: address, account_: uint256) -> DynArray[ILens.Holding, MAX_ENABLED]:
    position: account.Account = account.unpack(staticcall IVault(vault).accounts(account_))
    duration: uint256 = staticcall IVault(vault).auction_duration()
    opens: uint256 = self.opens_of(position, self.totals_of(vault), duration)
    selling: bool = self.is_open(opens, duration, block.timestamp)
    prices: DynArray[uint256, MAX_ENABLED] = self.prices_of(vault, position.collateral_mask)
    holdings: DynArray[ILens.Holding, MAX_ENABLED] = []
    for kind: uint256 in range(MAX_KINDS):
        if (position.collateral_mask >> kind) & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(prices[len(holdings)])
        config: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
        balance: uint256 = staticcall IVault(vault).balances(account_, kind)
        asked: uint256 = 0
        if selling and price.flags & price_word.FAILED == 0:
            asked = self.price_at(config, price.hi, block.timestamp - opens, duration)
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
def states_of(vault: address, accounts: DynArray[uint256, MAX_PAGE]) -> DynArray[uint256, MAX_PAGE]:
    totals: ledger.Totals = self.totals_of(vault)
    duration: uint256 = staticcall IVault(vault).auction_duration()
    states: DynArray[uint256, MAX_PAGE] = []
    for id: uint256 in accounts:
        position: account.Account = account.unpack(staticcall IVault(vault).accounts(id))
        opens: uint256 = self.opens_of(position, totals, duration)
        states.append(self.state_of(position, staticcall IVault(vault).levels_of(id), opens, duration))
    return states


@external
@view
def levels_of(vault: address, accounts: DynArray[uint256, MAX_PAGE]) -> DynArray[IVault.Levels, MAX_PAGE]:
    levels: DynArray[IVault.Levels, MAX_PAGE] = []
    for id: uint256 in accounts:
        levels.append(staticcall IVault(vault).levels_of(id))
    return levels


@external
@view
def auction_price(vault: address, account_: uint256, kind: uint256, at: uint256) -> uint256:
    position: account.Account = account.unpack(staticcall IVault(vault).accounts(account_))
    duration: uint256 = staticcall IVault(vault).auction_duration()
    opens: uint256 = self.opens_of(position, self.totals_of(vault), duration)
    self.check_for_sale(position, kind, opens, duration, at)
    price: price_word.Price = price_word.unpack(self.prices_of(vault, 1 << kind)[0])
    assert price.flags & price_word.FAILED == 0, "price failed"
    config: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
    return self.price_at(config, price.hi, at - opens, duration)


@external
@view
def preview_take(
    vault: address, account_: uint256, kind: uint256, amount: uint256
) -> (uint256, uint256, uint256, uint256):
    assert amount > 0, "zero amount"
    totals: ledger.Totals = self.totals_of(vault)
    assert (
        totals.pauses & ledger.PAUSE_TAKE == 0 or block.timestamp >= totals.take_resumes_at
    ), "taking paused"
    position: account.Account = account.unpack(staticcall IVault(vault).accounts(account_))
    duration: uint256 = staticcall IVault(vault).auction_duration()
    opens: uint256 = self.opens_of(position, totals, duration)
    self.check_for_sale(position, kind, opens, duration, block.timestamp)
    elapsed: uint256 = block.timestamp - opens
    levels: IVault.Levels = staticcall IVault(vault).levels_of(account_)
    prices: DynArray[uint256, MAX_ENABLED] = self.prices_of(vault, position.collateral_mask)
    sale_value: uint256 = 0
    hi: uint256 = 0
    count: uint256 = 0
    for i: uint256 in range(MAX_KINDS):
        if (position.collateral_mask >> i) & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(prices[count])
        count += 1
        if price.flags & price_word.FAILED != 0:
            continue
        config: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(i))
        worth: uint256 = margin_math.value_down(
            staticcall IVault(vault).balances(account_, i), price.hi, config.decimals
        )
        sale_value += margin_math.sale_value_down(worth, self.factor_at(config, elapsed, duration))
        if i == kind:
            hi = price.hi
    assert hi != 0, "price failed"
    assert levels.debt > levels.maintenance, "account is covered"
    sold_config: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
    factor: uint256 = self.factor_at(sold_config, elapsed, duration)
    sold: uint256 = 0
    cost: uint256 = 0
    repaid: uint256 = 0
    sold, cost, repaid = margin_math.take_amounts(
        levels.debt,
        levels.target,
        staticcall IVault(vault).balances(account_, kind),
        amount,
        hi,
        sold_config.decimals,
        factor,
        sold_config.initial_ltv,
        margin_math.effective_penalty_down(
            staticcall IVault(vault).liquidation_penalty(), sale_value, levels.debt
        ),
        staticcall IVault(vault).debt_floor(),
    )
    return margin_math.auction_price_up(hi, factor), sold, cost, repaid


@external
@view
def kind_of(vault: address, kind: uint256) -> ILens.KindView:
    config: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
    assert config.token != empty(address), "unknown kind"
    word: uint256 = self.prices_of(vault, 1 << kind)[0]
    price: price_word.Price = price_word.unpack(word)
    totals: ledger.Totals = self.totals_of(vault)
    deposited: uint256 = staticcall IVault(vault).deposited(kind)
    return ILens.KindView(
        token=config.token,
        decimals=config.decimals,
        initial_ltv=config.initial_ltv,
        maintenance_ltv=config.maintenance_ltv,
        close_out_ltv=config.close_out_ltv,
        start_factor=config.start_factor,
        end_factor=config.end_factor,
        deposited=deposited & (2**128 - 1),
        cap=deposited >> 128,
        absorbed=staticcall IVault(vault).absorbed(kind),
        frozen=(totals.frozen_mask >> kind) & 1 == 1,
        isolated=(totals.isolated_mask >> kind) & 1 == 1,
        lo=price.lo,
        hi=price.hi,
        updated_at=(word >> 176) & (2**40 - 1),
        initial_multiplier=price.initial_multiplier,
        maintenance_multiplier=price.maintenance_multiplier,
        flags=price.flags,
    )


@external
@view
def book_of(vault: address) -> ILens.BookView:
    totals: ledger.Totals = self.totals_of(vault)
    written: ledger.Interest = ledger.unpack_interest(staticcall IVault(vault).interest())
    return ILens.BookView(
        total_debt=staticcall IVault(vault).total_debt(),
        total_normalized_debt=totals.normalized_debt,
        index=staticcall IVault(vault).live_index(),
        rate=written.rate,
        pauses=totals.pauses,
        take_resumes_at=totals.take_resumes_at,
    )


@internal
@view
def prices_of(vault: address, mask: uint256) -> DynArray[uint256, MAX_ENABLED]:
    return staticcall IPriceHub(staticcall IVault(vault).hub()).read(mask)


@internal
@view
def totals_of(vault: address) -> ledger.Totals:
    return ledger.unpack_totals(staticcall IVault(vault).totals())


@internal
@pure
def opens_of(position: account.Account, totals: ledger.Totals, duration: uint256) -> uint256:
    return margin_math.opens_at(
        position.auction_start, duration, totals.take_resumes_at, totals.take_pause
    )


@internal
@pure
def is_open(opens: uint256, duration: uint256, at: uint256) -> bool:
    """
    @notice An auction that opened at `opens` (0: none) runs at time `at`.
    """
    return opens != 0 and opens <= at and at <= opens + duration


@internal
@pure
def check_for_sale(
    position: account.Account, kind: uint256, opens: uint256, duration: uint256, at: uint256
):
    assert (position.collateral_mask >> kind) & 1 == 1, "kind not enabled"  # a shift past the word gives 0
    assert self.is_open(opens, duration, at), "not in auction"


@internal
@view
def state_of(
    position: account.Account, levels: IVault.Levels, opens: uint256, duration: uint256
) -> uint256:
    return margin_math.account_state(
        levels.debt,
        levels.target,
        levels.maintenance,
        levels.close_out,
        position.collateral_mask,
        opens,
        duration,
        block.timestamp,
    )


@internal
@view
def liquidation_price_of(
    vault: address, id: uint256, position: account.Account, debt: uint256
) -> uint256:
    mask: uint256 = position.collateral_mask
    if mask == 0 or mask & (mask - 1) != 0:
        return 0
    for kind: uint256 in range(MAX_KINDS):
        if mask >> kind == 1:
            config: ledger.Collateral = ledger.unpack_collateral(
                staticcall IVault(vault).collateral(kind)
            )
            return margin_math.liquidation_price_up(
                debt,
                staticcall IVault(vault).balances(id, kind),
                config.decimals,
                config.initial_ltv,
                config.maintenance_ltv,
                price_word.unpack(self.prices_of(vault, mask)[0]).maintenance_multiplier,
            )
    return 0


@internal
@pure
def factor_at(config: ledger.Collateral, elapsed: uint256, duration: uint256) -> uint256:
    return margin_math.auction_factor(config.start_factor, config.end_factor, elapsed, duration)


@internal
@pure
def price_at(config: ledger.Collateral, hi: uint256, elapsed: uint256, duration: uint256) -> uint256:
    return margin_math.auction_price_up(hi, self.factor_at(config, elapsed, duration))
