# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Survey: an account measured from outside its vault
@notice Reads a vault's raw words once each and computes from them what the vault would find: the words of a kind are
        asked for once for all accounts of a page. Copies in memory may then be changed: that is a preview.
@custom:security Trusts the vault it is given. A margin model is asked as the vault asks it.
"""
from ...interfaces import ILens
from ...interfaces import IMarginModel
from ...interfaces import IMarginModels
from ...interfaces import IPriceHub
from ...interfaces import IStablecoin
from ...interfaces import IVault
from . import account
from . import ledger
from . import margin_math
from . import price_word

MAX_KINDS: constant(uint256) = 32
MAX_ENABLED: constant(uint256) = 8
NO_KIND: constant(uint256) = 255  # no kind is about to be sold
SETTLING: constant(uint256) = 7  # the state of a debt in a book that is shut down, whatever its clock says

# what a vault and its hub say of all accounts; the lists are by kind and hold what has been asked for
struct Book:
    vault: address
    hub: address
    totals: ledger.Totals
    index: uint256
    rate: uint256
    models: address  # the list of margin models
    has_default_model: bool
    duration: uint256
    debt_floor: uint256
    penalty: uint256
    headroom: uint256  # what the vault may still mint
    known: uint256  # mask of the kinds in the lists
    collateral: uint256[MAX_KINDS]
    deposited: uint256[MAX_KINDS]
    prices: uint256[MAX_KINDS]

struct Position:
    id: uint256
    normalized_debt: uint256
    mask: uint256
    start: uint256
    touched_at: uint256
    slot: uint256  # of its margin model
    balances: uint256[MAX_KINDS]

# a position as the vault would measure it now
struct Measure:
    levels: ILens.Levels
    opens: uint256  # when the auction opens as read, 0 without a clock
    is_open: bool
    state: uint256
    flags: uint256  # union over the kinds
    end_value: uint256  # sum of value times end factor: coin units times bps
    sale_value: uint256  # what a sale of every unfailed kind would raise now
    model: address
    model_failed: bool
    sold_bps: uint256  # by which the model lowers the share of the kind to be sold

struct Survey:
    book: Book
    position: Position
    found: Measure


@internal
@view
def look(vault: address, id: uint256) -> Survey:
    """
    @notice One account.
    """
    return self.visit(self.open_book(vault), id)


@internal
@view
def visit(book: Book, id: uint256) -> Survey:
    """
    @notice The next account of a page: the book of the last one knows its kinds already.
    """
    seen: Survey = Survey(book=book, position=self.load(book.vault, id), found=empty(Measure))
    seen.book = self.learn(book, seen.position.mask)
    seen.found = self.measure(seen.book, seen.position, NO_KIND)
    return seen


@internal
@view
def open_book(vault: address) -> Book:
    """
    @notice A vault's own words; its kinds follow by `learn`.
    """
    book: Book = empty(Book)
    book.vault = vault
    book.hub = staticcall IVault(vault).hub()
    book.totals = ledger.unpack_totals(staticcall IVault(vault).totals())
    interest: uint256 = staticcall IVault(vault).interest()
    book.rate = ledger.unpack_interest(interest).rate
    book.index = staticcall IVault(vault).live_index()
    book.duration = staticcall IVault(vault).auction_duration()
    book.debt_floor = staticcall IVault(vault).debt_floor()
    book.penalty = staticcall IVault(vault).liquidation_penalty()
    book.headroom = staticcall IStablecoin(staticcall IVault(vault).coin()).headroom(vault)
    book.models = staticcall IVault(vault).margin_models()
    book.has_default_model = interest >> ledger.HAS_DEFAULT_MODEL & 1 != 0
    return book


@internal
@view
def learn(known: Book, mask: uint256) -> Book:
    """
    @notice Ask for the words of the kinds of a mask that are not known yet; all zero of a kind that is not listed.
    """
    book: Book = known
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = (mask & ~known.known) >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        book.collateral[kind] = staticcall IVault(book.vault).collateral(kind)
        if book.collateral[kind] != 0:
            book.deposited[kind] = staticcall IVault(book.vault).deposited(kind)
            book.prices[kind] = staticcall IPriceHub(book.hub).read_one(kind)
    book.known |= mask
    return book


@internal
@view
def load(vault: address, id: uint256) -> Position:
    """
    @notice An account's word and balances.
    """
    fields: account.Account = account.unpack(staticcall IVault(vault).accounts(id))
    position: Position = Position(
        id=id,
        normalized_debt=fields.normalized_debt,
        mask=fields.collateral_mask,
        start=fields.auction_start,
        touched_at=fields.touched_at,
        slot=fields.margin_model,
        balances=empty(uint256[MAX_KINDS]),
    )
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = position.mask >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            position.balances[kind] = staticcall IVault(vault).balances(id, kind)
    return position


@internal
@view
def measure(book: Book, position: Position, sold_kind: uint256) -> Measure:
    """
    @notice What the vault would find of this position now. The kinds of its mask are known to the book.
    @param sold_kind the kind that is about to be sold, or NO_KIND
    """
    found: Measure = empty(Measure)
    found.levels.debt = margin_math.debt_up(position.normalized_debt, book.index)
    found.opens = margin_math.opens_at(
        position.start, book.duration, book.totals.take_resumes_at, book.totals.take_pause
    )
    found.is_open = self.is_open(found.opens, book.duration, block.timestamp)
    if position.slot != 0 or book.has_default_model:
        found.model = staticcall IMarginModels(book.models).model_of(position.slot)
    exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED] = []
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = position.mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(book.prices[kind])
        config: ledger.Collateral = ledger.unpack_collateral(book.collateral[kind])
        worth: uint256 = margin_math.value_down(position.balances[kind], price.hi, config.decimals)
        target: uint256 = margin_math.target_capacity(worth, config.initial_ltv)
        exposure: IMarginModel.Exposure = IMarginModel.Exposure(
            kind=kind,
            deposited=book.deposited[kind] & ledger.HALF_MASK,
            value=worth,
            initial=margin_math.initial_capacity(
                margin_math.value_down(position.balances[kind], price.lo, config.decimals),
                config.initial_ltv,
                price.initial_multiplier,
                (book.totals.frozen_mask >> kind) & 1,
            ),
            target=target,
            maintenance=margin_math.maintenance_capacity_from(
                worth, target, config.maintenance_ltv, price.maintenance_multiplier
            ),
            close_out=margin_math.close_out_capacity(worth, config.close_out_ltv),
        )
        if found.model != empty(address):
            exposures.append(exposure)
        found.flags |= price.flags
        found.levels.value += worth
        found.levels.initial += exposure.initial
        found.levels.target += exposure.target
        found.levels.maintenance += exposure.maintenance
        found.levels.close_out += exposure.close_out
        found.end_value += worth * config.end_factor
        if found.is_open and price.flags & price_word.FAILED == 0:
            found.sale_value += margin_math.sale_value_down(
                worth, self.factor_at(book.collateral[kind], block.timestamp - found.opens, book.duration)
            )
    if found.model != empty(address):
        off: IMarginModels.Surcharges = staticcall IMarginModels(book.models).ask(
            book.vault, position.id, position.slot, exposures, sold_kind
        )
        found.model_failed = off.failed
        found.sold_bps = off.sold_bps
        found.levels.initial -= off.initial
        found.levels.target -= off.target
        found.levels.maintenance -= off.maintenance
        found.levels.close_out -= off.close_out
        if off.failed:
            found.levels.initial = 0  # nothing raises risk then
    found.state = margin_math.account_state(
        found.levels.debt,
        found.levels.target,
        found.levels.maintenance,
        found.levels.close_out,
        position.mask,
        found.opens,
        book.duration,
        block.timestamp,
    )
    if found.levels.debt != 0 and self.is_shut(book.totals):
        found.state = SETTLING
    return found


@internal
@pure
def is_shut(totals: ledger.Totals) -> bool:
    """
    @notice The book is shut down: no auction runs any more, though clocks stay as they are.
    """
    return totals.pauses & ledger.SHUT != 0


@internal
@pure
def is_open(opens: uint256, duration: uint256, at: uint256) -> bool:
    """
    @notice An auction that opened at `opens` (0: none) runs at time `at`.
    """
    return margin_math.auction_phase(opens, duration, at) == margin_math.RUNNING


@internal
@pure
def factor_at(word: uint256, elapsed: uint256, duration: uint256) -> uint256:
    """
    @notice The price factor (bps) of a kind, from its collateral word.
    """
    return margin_math.auction_factor(
        word >> ledger.START_FACTOR & ledger.BPS_MASK,
        word >> ledger.END_FACTOR & ledger.BPS_MASK,
        elapsed,
        duration,
    )


@internal
@pure
def auction_price(seen: Survey, kind: uint256, at: uint256) -> uint256:
    """
    @notice What a whole token of a kind costs at time `at` of the account's auction.
    """
    return margin_math.auction_price_up(
        price_word.unpack(seen.book.prices[kind]).hi,
        self.factor_at(seen.book.collateral[kind], at - seen.found.opens, seen.book.duration),
    )


@internal
@pure
def has_failed(book: Book, kind: uint256) -> bool:
    """
    @notice A known kind has no usable price now.
    """
    return price_word.unpack(book.prices[kind]).flags & price_word.FAILED != 0
