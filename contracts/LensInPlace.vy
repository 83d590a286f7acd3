# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title LensInPlace: the lens as the code of a vault, for one eth_call
@notice Never deployed: a state override of `eth_call` puts this code at a vault's address, where it reads the vault's own
        storage, which lies as in Vault.vy because both initialize the same modules in the same order, and the vault's
        immutables, which its constructor asks the vault for. It answers every view and preview of Lens.vy, asked about its own address,
        and the vault's raw getters. `surety.lens` prepares the override.
@custom:security Changes nothing and has no function that could.
@custom:freeze Nothing to freeze.
"""
from ..interfaces import ILens
from ..interfaces import IVault
from .modules import governed
from .modules import interest as interest_index
from .modules import ledger
from .modules import previews
from .modules import views

implements: ILens

# as in Vault.vy
initializes: ledger
initializes: interest_index[ledger := ledger]
initializes: governed
# without storage
initializes: views
initializes: previews

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

coin: public(immutable(address))
hub: public(immutable(address))
operators: public(immutable(address))
margin_models: public(immutable(address))
settlement: public(immutable(address))
grace_period: public(immutable(uint256))
auction_duration: public(immutable(uint256))
call_cool_down: public(immutable(uint256))
debt_floor: public(immutable(uint256))
call_tip: public(immutable(uint256))
liquidation_penalty: public(immutable(uint256))

fund: public(address)
pending_fund: public(address)


@deploy
def __init__(vault: address):
    """
    @notice Carry the immutable numbers of a vault.
    """
    governed.__init__(vault)  # written nowhere: only the code that the constructor returns is used
    coin = staticcall IVault(vault).coin()
    hub = staticcall IVault(vault).hub()
    operators = staticcall IVault(vault).operators()
    margin_models = staticcall IVault(vault).margin_models()
    settlement = staticcall IVault(vault).settlement()
    grace_period = staticcall IVault(vault).grace_period()
    auction_duration = staticcall IVault(vault).auction_duration()
    call_cool_down = staticcall IVault(vault).call_cool_down()
    debt_floor = staticcall IVault(vault).debt_floor()
    call_tip = staticcall IVault(vault).call_tip()
    liquidation_penalty = staticcall IVault(vault).liquidation_penalty()


@external
@view
def live_index() -> uint256:
    """
    @notice The interest index as of now, RAY.
    """
    return interest_index.live_index()
