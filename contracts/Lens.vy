# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Lens: views of a vault by the field's names, previews of every action and pages for keepers
@notice Stateless and replaceable; anyone may read. The formulas are the vault's own (modules/margin_math.vy). Without a
        lens on the chain, or at a vault of one's own choice, LensInPlace.vy answers the same.
@custom:security Trusts the vault it is given: pass only one you know.
@custom:freeze Nothing to freeze.
"""
from ..interfaces import ILens
from .modules import previews
from .modules import views

implements: ILens

initializes: views
initializes: previews

exports: (
    views.account_of,
    views.holdings_of,
    views.auction_price,
    views.kind_of,
    views.book_of,
    views.is_authorised,
    views.states_of,
    views.levels_of,
)
exports: (
    previews.preview_adjust,
    previews.preview_move,
    previews.preview_margin_model,
    previews.preview_margin_call,
    previews.preview_take,
    previews.preview_cure,
    previews.preview_absorb,
    previews.max_borrow,
    previews.max_withdraw,
    previews.callable_accounts,
    previews.auctions,
)
