# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title InsuranceFund: un-minted equity, and what is done with a loss
@notice Reads the equity of all books: what is owed to them and what backs other minters, less the coins that circulate.
        A loss goes down one way: the surplus takes it by itself, absorbed collateral is collected and sold by the fund's
        own Dutch auction for coins that are burned, anyone may burn coins to recapitalise, and a deficit stays visible
        until then. Only what exceeds the buffer is ever paid out, to the treasury, slowly, and not after a loss.
        What each function does is said in interfaces/IInsuranceFund.vyi.
@custom:security Books and reserves are trusted to report what they are owed and hold. One that does not answer, because it is
        broken or in the middle of a call of its own, counts nothing and holds up no sale; equity, which a redemption
        relies on, then answers nobody. The fund is a minter of the coin: it burns its own callers' coins, and mints in
        `reap` alone, to the treasury, below its ceiling. Collateral leaves by the auction alone. Tokens come last, after
        all effects, under the lock.
@custom:rounding Prices and costs up, the buffer up, what is paid out down.
@custom:freeze `set_reaping_paused` stops the one way in which coins leave. Books never depend on this contract except for
        paying absorbed collateral out.
"""
from ethereum.ercs import IERC20
from ..interfaces import IInsuranceFund
from ..interfaces import IPriceHub
from ..interfaces import ISettlement
from ..interfaces import IStablecoin
from ..interfaces import IVault
from .modules import governed
from .modules import ledger
from .modules import margin_math
from .modules import price_word
from .modules import transfers

implements: IInsuranceFund

interface Hub:
    def limits_of(kind: uint256) -> (uint256, uint256, uint256): view

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

BPS: constant(uint256) = 10_000
DAY: constant(uint256) = 86_400
MAX_BOOKS: constant(uint256) = 16
MAX_RESERVES: constant(uint256) = 16
MAX_TOKENS: constant(uint256) = 64
MAX_KINDS: constant(uint256) = 32
REDEEMING: constant(uint256) = 2  # of a settlement's phases
SWEPT: constant(uint256) = 3
MIN_BUFFER: constant(uint256) = 100  # bps of the supply
MAX_BUFFER: constant(uint256) = 5_000
REAP_DIVISOR: constant(uint256) = 100  # of the buffer, at most so much a day
MAX_START_FACTOR: constant(uint256) = 11_000
MIN_END_FACTOR: constant(uint256) = 5_000
MIN_DURATION: constant(uint256) = 3_600
MAX_DURATION: constant(uint256) = 7 * 86_400

CRUMB_DIVISOR: constant(uint256) = 100  # a lot of which less is left than this part of the inventory makes room

BOOK_GAS: constant(uint256) = 500_000  # a pool of 32 kinds needs half of it
RESERVE_GAS: constant(uint256) = 1_000_000  # an oracle, a token and what is between them
TOKEN_GAS: constant(uint256) = 200_000  # a proxied token needs a tenth of it
CALL_GAS: constant(uint256) = 6_000  # what is spent between a gas check and the callee's first step

# where the fields of a lot's word begin
STARTED_AT: constant(uint256) = 128
DURATION: constant(uint256) = 168
START_FACTOR: constant(uint256) = 192
END_FACTOR: constant(uint256) = 208
DURATION_MASK: constant(uint256) = 2**24 - 1

# everything that equity is made of, coin units
struct Sheet:
    debt: uint256
    pools: uint256
    reserves: uint256
    supply: uint256  # with what a running flash loan has minted
    flash: uint256
    surplus: uint256
    deficit: uint256
    unread: uint256  # who did not answer, by bits: books, from bit 16 reserves

# where the price of a token comes from
struct Source:
    hub: address
    kind: uint256
    decimals: uint256

coin: public(reentrant(immutable(address)))

treasury: public(address)
buffer_bps: public(uint256)
is_reaping_paused: public(bool)
reaped_at: public(uint256)
auction_duration: public(uint256)
start_factor: public(uint256)
end_factor: public(uint256)

_books: DynArray[address, MAX_BOOKS]
_reserves: DynArray[address, MAX_RESERVES]
# tokens that may be in the inventory, for `solvency`
_tokens: DynArray[address, MAX_TOKENS]
_sources: HashMap[address, Source]
# left:128 (base units) | started_at:40 | duration:24 | start_factor:16 | end_factor:16: an auction keeps its terms
_lots: HashMap[address, uint256]


@deploy
def __init__(governor: address, coin_: address, treasury_: address, buffer_bps_: uint256):
    """
    @param treasury_ receives what is reaped
    @param buffer_bps_ of the coin supply that equity keeps at least, 100 to 5,000
    """
    governed.__init__(governor)
    assert coin_.is_contract, "coin has no code"
    coin = coin_
    self._set_treasury(treasury_)
    self._set_buffer(buffer_bps_)
    self._set_auction(6 * 3_600, 10_300, 8_000)


# equity


@external
@view
def equity() -> (uint256, uint256):
    sheet: Sheet = self._sheet()
    assert sheet.unread == 0, "not all read"
    return sheet.surplus, sheet.deficit


@external
@view
def buffer_target() -> uint256:
    sheet: Sheet = self._sheet()
    # in the middle of a sale its coins are not yet burned
    assert sheet.unread == 0, "not all read"
    return self._buffer_up(sheet)


@internal
@view
def _sheet() -> Sheet:
    """
    @notice Add everything up. Coins that a flash loan has minted are no liability of anybody; while it runs they may even
            have been burned, so that the supply is less than they are.
    """
    sheet: Sheet = self._supply()
    bit: uint256 = 1
    for book: address in self._books:
        answered: bool = False
        debt: uint256 = 0
        pool: uint256 = 0
        answered, debt, pool = self._owed_to(book)
        if not answered:
            sheet.unread |= bit
        sheet.debt += debt
        sheet.pools += pool
        bit <<= 1
    bit = 1 << MAX_BOOKS
    for reserve: address in self._reserves:
        answered: bool = False
        backing: uint256 = 0
        answered, backing = self._backing_of(reserve)
        if not answered:
            sheet.unread |= bit
        sheet.reserves += backing
        bit <<= 1
    owned: uint256 = sheet.debt + sheet.pools + sheet.reserves + sheet.flash
    sheet.surplus = margin_math.less(owned, sheet.supply)
    sheet.deficit = margin_math.less(sheet.supply, owned)
    return sheet


@internal
@view
def _supply() -> Sheet:
    """
    @notice A sheet with nothing on it but coins.
    """
    sheet: Sheet = empty(Sheet)
    sheet.supply = staticcall IStablecoin(coin).totalSupply()
    sheet.flash = staticcall IStablecoin(coin).flash_minted()
    return sheet


@internal
@view
def _owed_to(book: address) -> (bool, uint256, uint256):
    """
    @notice What a book is owed, and what its pool is worth once it is shut: nothing where any of it is not answered.
    """
    answered: bool = False
    debt: uint256 = 0
    settlement: uint256 = 0
    pool: uint256 = 0
    answered, debt = self._asked(book, method_id("total_debt()", output_type=Bytes[4]), BOOK_GAS)
    if answered:
        answered, settlement = self._asked(book, method_id("settlement()", output_type=Bytes[4]), BOOK_GAS)
    if answered and settlement != 0:
        answered, pool = self._asked(
            convert(settlement & ledger.TOKEN_MASK, address),
            abi_encode(book, method_id=method_id("backing_of(address)")),
            BOOK_GAS,
        )
    if not answered:
        return False, 0, 0
    return True, min(debt, ledger.HALF_MASK), min(pool, ledger.HALF_MASK)


@internal
@pure
def _told(sheet: Sheet) -> (uint256, uint256):
    """
    @notice Surplus and deficit for an event; the largest number for both where they are not known.
    """
    if sheet.unread != 0:
        return max_value(uint256), max_value(uint256)
    return sheet.surplus, sheet.deficit


@internal
@pure
def _circulating(sheet: Sheet) -> uint256:
    """
    @notice Coins in circulation; nothing where a flash loan's coins are being burned.
    """
    return margin_math.less(sheet.supply, sheet.flash)


@internal
@view
def _buffer_up(sheet: Sheet) -> uint256:
    return margin_math.mul_div_up(self._circulating(sheet), self.buffer_bps, BPS)


@internal
@view
def _backing_of(reserve: address) -> (bool, uint256):
    """
    @notice What a reserve says it is worth. It may itself ask others and go on without their answer, so it is given a fixed
            purse, or nobody is asked.
    """
    self._check_purse(msg.gas, RESERVE_GAS)
    answered: bool = False
    answer: uint256 = 0
    answered, answer = self._asked(reserve, method_id("backing()", output_type=Bytes[4]), RESERVE_GAS)
    return answered, min(answer, ledger.HALF_MASK)


@internal
@view
def _asked(target: address, call: Bytes[36], purse: uint256) -> (bool, uint256):
    """
    @notice What a contract answers, if that is exactly one word. Whoever fails must have had the whole purse: making one fail
            by starving it must be impossible, since a deficit counts in a redemption.
    """
    before: uint256 = msg.gas
    success: bool = False
    answer: Bytes[64] = b""
    success, answer = raw_call(
        target,
        call,
        max_outsize=64,  # one word more than is right, so that a longer answer shows
        gas=purse,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32:
        self._check_purse(before, purse)
        return False, 0
    return True, convert(slice(answer, 0, 32), uint256)


@internal
@pure
def _check_purse(gas_left: uint256, purse: uint256):
    assert gas_left - gas_left // 64 > purse + CALL_GAS, "gas too low"


@external
def reap() -> uint256:
    assert not self.is_reaping_paused, "reaping paused"
    assert block.timestamp >= self.reaped_at + DAY, "reaped lately"
    for book: address in self._books:
        found: ledger.Interest = ledger.unpack_interest(staticcall IVault(book).interest())
        assert block.timestamp >= found.lost_at + DAY, "loss too recent"
        assert not self._is_shut(book) or self._has_ended(book), "book is shut down"
    sheet: Sheet = self._sheet()
    # a reserve that does not answer counts nothing, which only lowers what there is to reap
    assert sheet.unread & (2**MAX_BOOKS - 1) == 0, "not all read"
    assert sheet.flash == 0, "flash mint active"
    buffer: uint256 = self._buffer_up(sheet)
    amount: uint256 = min(margin_math.less(sheet.surplus, buffer), buffer // REAP_DIVISOR)  # down
    assert amount != 0, "nothing to reap"

    self.reaped_at = block.timestamp
    log IInsuranceFund.Reaped(treasury=self.treasury, amount=amount, surplus=sheet.surplus - amount, buffer=buffer)
    assert extcall IStablecoin(coin).mint(self.treasury, amount), "above ceiling"
    return amount


@external
def recapitalise(amount: uint256):
    assert amount != 0, "zero amount"
    assert extcall IStablecoin(coin).burn(msg.sender, amount)
    surplus: uint256 = 0
    deficit: uint256 = 0
    surplus, deficit = self._told(self._sheet())
    log IInsuranceFund.Recapitalised(payer=msg.sender, amount=amount, surplus=surplus, deficit=deficit)


@internal
@view
def _is_shut(book: address) -> bool:
    return staticcall IVault(book).totals() >> ledger.PAUSES & ledger.SHUT != 0


@internal
@view
def _has_ended(book: address) -> bool:
    """
    @notice Whether nobody has a claim on the pool of a shut book any more: redeemed to the last coin, or swept.
    """
    settlement: address = staticcall IVault(book).settlement()
    phase: uint256 = staticcall ISettlement(settlement).phase_of(book)
    return phase == SWEPT or (phase == REDEEMING and staticcall ISettlement(settlement).claims_of(book) == 0)


# inventory


# check: allow open-setter - what is remembered is what a known book lists, whoever says so
@external
def collect(book: address, kind: uint256) -> uint256:
    self._check_book(book)
    amount: uint256 = staticcall IVault(book).absorbed(kind)
    assert amount != 0, "nothing absorbed"
    found: ledger.Collateral = self._listed(book, kind)
    # a running auction keeps the price that it was opened on
    if not self._is_running(found.token):
        self._note_source(book, kind, found)
    surplus: uint256 = 0
    deficit: uint256 = 0
    surplus, deficit = self._told(self._sheet())
    log IInsuranceFund.Collected(
        book=book, kind=kind, token=found.token, amount=amount, surplus=surplus, deficit=deficit
    )
    extcall IVault(book).withdraw_absorbed(kind, amount, self)
    return amount


# check: allow open-setter - what is remembered is what a known book lists, whoever says so
@external
def start_auction(book: address, kind: uint256) -> uint256:
    self._check_book(book)
    found: ledger.Collateral = self._listed(book, kind)
    token: address = found.token
    lot: uint256 = min(staticcall IERC20(token).balanceOf(self), ledger.HALF_MASK)
    if self._is_running(token):
        # a crumb that nobody wants must not hold up all the rest
        assert (self._lots[token] & ledger.HALF_MASK) <= lot // CRUMB_DIVISOR, "auction is running"  # down
    assert lot != 0, "nothing to sell"
    self._note_source(book, kind, found)
    # while nobody can buy no discount may ripen
    self._usable_hi(extcall IPriceHub(self._sources[token].hub).sync_one(kind))
    # what comes in from now on waits for the next one: a ripe discount is for what nobody wanted
    self._lots[token] = (
        lot
        | block.timestamp << STARTED_AT
        | self.auction_duration << DURATION
        | self.start_factor << START_FACTOR
        | self.end_factor << END_FACTOR
    )
    log IInsuranceFund.AuctionStarted(
        token=token,
        lot=lot,
        book=book,
        kind=kind,
        closes_at=block.timestamp + self.auction_duration,
        start_factor=self.start_factor,
        end_factor=self.end_factor,
    )
    return lot


@internal
@view
def _listed(book: address, kind: uint256) -> ledger.Collateral:
    """
    @notice A kind of a known book.
    """
    assert kind < MAX_KINDS, "unknown kind"
    found: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(book).collateral(kind))
    assert found.token != empty(address), "unknown kind"
    return found


@internal
def _note_source(book: address, kind: uint256, found: ledger.Collateral):
    """
    @notice Remember where the price of a token comes from; of two books that hold it, the last one named.
    """
    if self._sources[found.token].hub == empty(address) and len(self._tokens) < MAX_TOKENS:
        self._tokens.append(found.token)
    self._sources[found.token] = Source(hub=staticcall IVault(book).hub(), kind=kind, decimals=found.decimals)


@internal
@view
def _is_running(token: address) -> bool:
    word: uint256 = self._lots[token]
    return word & ledger.HALF_MASK != 0 and block.timestamp <= self._closes_at(word)


@internal
@pure
def _closes_at(word: uint256) -> uint256:
    return (word >> STARTED_AT & ledger.TIME_MASK) + (word >> DURATION & DURATION_MASK)


@external
def buy(token: address, amount: uint256, max_price: uint256, receiver: address) -> (uint256, uint256):
    assert receiver not in [empty(address), self, token], "bad receiver"
    assert self._is_running(token), "no auction"
    source: Source = self._sources[token]
    price: uint256 = self._price_up(token, extcall IPriceHub(source.hub).sync_one(source.kind))
    assert price <= max_price, "above max price"
    lot: uint256 = self._lots[token] & ledger.HALF_MASK
    sold: uint256 = min(amount, lot)
    assert sold != 0, "zero amount"
    cost: uint256 = margin_math.mul_div_up(sold, price, 10**source.decimals)

    self._lots[token] -= sold  # the lowest field, and at most what is left
    assert extcall IStablecoin(coin).burn(msg.sender, cost)
    surplus: uint256 = 0
    deficit: uint256 = 0
    surplus, deficit = self._told(self._sheet())
    log IInsuranceFund.Sold(
        token=token,
        buyer=msg.sender,
        receiver=receiver,
        amount=sold,
        price=price,
        cost=cost,
        left=lot - sold,
        surplus=surplus,
        deficit=deficit,
    )
    transfers.push(token, receiver, sold)
    return sold, cost


@internal
@view
def _price_up(token: address, word: uint256) -> uint256:
    """
    @notice What one whole token of the running lot costs now, off the price word of its kind.
    """
    hi: uint256 = self._usable_hi(word)
    source: Source = self._sources[token]
    terms: uint256 = self._lots[token]
    # a failure or a jump sets the clock back to the end of its confirmation: nobody could buy until then
    confirmed_at: uint256 = (staticcall Hub(source.hub).limits_of(source.kind))[2]
    fell_since: uint256 = max(terms >> STARTED_AT & ledger.TIME_MASK, min(confirmed_at, block.timestamp))
    factor: uint256 = margin_math.auction_factor(
        terms >> START_FACTOR & ledger.BPS_MASK,
        terms >> END_FACTOR & ledger.BPS_MASK,
        block.timestamp - fell_since,
        terms >> DURATION & DURATION_MASK,
    )
    return margin_math.auction_price_up(hi, factor)


@internal
@pure
def _usable_hi(word: uint256) -> uint256:
    """
    @notice The price to sell at, of a kind that has one.
    """
    price: price_word.Price = price_word.unpack(word)
    assert price.flags & price_word.FAILED == 0, "price failed"
    assert price.flags & price_word.CONFIRMING == 0, "price confirming"
    return price.hi


# governance


@external
def add_book(book: address):
    governed.check_governor()
    assert book not in self._books, "book already known"
    assert len(self._books) < MAX_BOOKS, "too many books"
    assert staticcall IVault(book).coin() == coin, "wrong coin"
    answered: bool = False
    debt: uint256 = 0
    pool: uint256 = 0
    answered, debt, pool = self._owed_to(book)
    assert answered, "not all read"
    self._books.append(book)
    log IInsuranceFund.BookAdded(book=book)
    if staticcall IVault(book).pending_fund() == self:
        extcall IVault(book).accept_fund()


@external
def accept_book(book: address):
    governed.check_governor()
    self._check_book(book)
    extcall IVault(book).accept_fund()


@external
def retire_book(book: address):
    governed.check_governor()
    self._check_book(book)
    assert staticcall IVault(book).totals() & ledger.TOTAL_DEBT_MASK == 0, "debt left"
    assert staticcall IStablecoin(coin).ceiling(book) == 0, "may still mint"
    if self._is_shut(book):
        # what it then still holds is owed to those whom a token has refused
        assert self._has_ended(book), "pool left"
    else:
        for kind: uint256 in range(MAX_KINDS):
            assert staticcall IVault(book).absorbed(kind) == 0, "collateral left"
    self._books = self._without(self._books, book)
    log IInsuranceFund.BookRetired(book=book)


@external
def add_reserve(reserve: address):
    governed.check_governor()
    assert reserve not in self._reserves, "reserve already known"
    assert reserve not in self._books and reserve != self, "book already known"
    assert len(self._reserves) < MAX_RESERVES, "too many reserves"
    answered: bool = False
    backing: uint256 = 0
    answered, backing = self._backing_of(reserve)
    assert answered, "no reserve"
    self._reserves.append(reserve)
    log IInsuranceFund.ReserveAdded(reserve=reserve)


@external
def remove_reserve(reserve: address):
    governed.check_governor()
    assert reserve in self._reserves, "unknown reserve"
    # else coins would go on without what backs them: nothing but a loss may lower equity
    answered: bool = False
    backing: uint256 = 0
    answered, backing = self._backing_of(reserve)
    assert backing == 0, "reserve left"
    self._reserves = self._without(self._reserves, reserve)
    log IInsuranceFund.ReserveRemoved(reserve=reserve)


@internal
@pure
def _without(known: DynArray[address, MAX_BOOKS], gone: address) -> DynArray[address, MAX_BOOKS]:
    rest: DynArray[address, MAX_BOOKS] = []
    for one: address in known:
        if one != gone:
            rest.append(one)
    return rest


@external
def set_treasury(treasury: address):
    governed.check_governor()
    self._set_treasury(treasury)


@external
def set_buffer(bps: uint256):
    governed.check_governor()
    self._set_buffer(bps)


@external
def set_reaping_paused(paused: bool):
    governed.check_governor()
    self.is_reaping_paused = paused
    log IInsuranceFund.ReapingPaused(paused=paused)


@external
def set_auction(duration: uint256, start_factor: uint256, end_factor: uint256):
    governed.check_governor()
    self._set_auction(duration, start_factor, end_factor)


@internal
def _set_treasury(treasury: address):
    assert treasury not in [empty(address), self, coin], "bad treasury"
    self.treasury = treasury
    log IInsuranceFund.TreasurySet(treasury=treasury)


@internal
def _set_buffer(bps: uint256):
    assert MIN_BUFFER <= bps and bps <= MAX_BUFFER, "bad buffer"
    self.buffer_bps = bps
    log IInsuranceFund.BufferSet(buffer_bps=bps)


@internal
def _set_auction(duration: uint256, start_factor: uint256, end_factor: uint256):
    assert MIN_DURATION <= duration and duration <= MAX_DURATION, "bad duration"
    assert BPS <= start_factor and start_factor <= MAX_START_FACTOR, "bad factors"
    assert MIN_END_FACTOR <= end_factor and end_factor < BPS, "bad factors"
    self.auction_duration = duration
    self.start_factor = start_factor
    self.end_factor = end_factor
    log IInsuranceFund.AuctionSet(duration=duration, start_factor=start_factor, end_factor=end_factor)


@internal
@view
def _check_book(book: address):
    assert book in self._books, "unknown book"


# views


@external
@view
def solvency() -> IInsuranceFund.Solvency:
    sheet: Sheet = self._sheet()
    inventory: uint256 = 0
    for token: address in self._tokens:
        inventory += self._worth_of(token, self._held(token))
    waiting: uint256 = 0
    unread: uint256 = sheet.unread
    for book: address in self._books:
        answers: bool = unread & 1 == 0
        unread >>= 1
        if not answers or self._is_shut(book):
            continue  # what is shut is counted as a pool
        hub: address = staticcall IVault(book).hub()
        for kind: uint256 in range(MAX_KINDS):
            amount: uint256 = staticcall IVault(book).absorbed(kind)
            if amount != 0:
                decimals: uint256 = staticcall IVault(book).collateral(kind) >> ledger.DECIMALS & 255
                waiting += self._value_of(hub, kind, decimals, amount)
    return IInsuranceFund.Solvency(
        debt=sheet.debt,
        pools=sheet.pools,
        reserves=sheet.reserves,
        assets=sheet.debt + sheet.pools + sheet.reserves,
        supply=self._circulating(sheet),
        flash_minted=sheet.flash,
        surplus=sheet.surplus,
        deficit=sheet.deficit,
        buffer=self._buffer_up(sheet),
        inventory=inventory,
        absorbed=waiting,
        open_deficit=margin_math.less(sheet.deficit, inventory + waiting),
        unread=sheet.unread,
    )


@internal
@view
def _held(token: address) -> uint256:
    """
    @notice What the fund has of a token, 0 where the token does not say.
    """
    answered: bool = False
    amount: uint256 = 0
    answered, amount = self._asked(
        token, abi_encode(self, method_id=method_id("balanceOf(address)")), TOKEN_GAS
    )
    return min(amount, ledger.HALF_MASK)


@internal
@view
def _worth_of(token: address, amount: uint256) -> uint256:
    source: Source = self._sources[token]
    return self._value_of(source.hub, source.kind, source.decimals, amount)


@internal
@view
def _value_of(hub: address, kind: uint256, decimals: uint256, amount: uint256) -> uint256:
    """
    @notice Value at the lower of the hub's prices, rounded down: 0 while it has none, or does not answer.
    """
    if amount == 0:
        return 0
    self._check_purse(msg.gas, RESERVE_GAS)
    answered: bool = False
    word: uint256 = 0
    answered, word = self._asked(
        hub, abi_encode(kind, method_id=method_id("read_one(uint256)")), RESERVE_GAS
    )
    return margin_math.value_down(amount, word & price_word.PRICE_MASK, decimals)


@external
@view
def auction_of(token: address) -> IInsuranceFund.Lot:
    word: uint256 = self._lots[token]
    source: Source = self._sources[token]
    return IInsuranceFund.Lot(
        left=word & ledger.HALF_MASK if self._is_running(token) else 0,
        started_at=word >> STARTED_AT & ledger.TIME_MASK,
        closes_at=self._closes_at(word),
        hub=source.hub,
        kind=source.kind,
        decimals=source.decimals,
    )


@external
@view
def price_of(token: address) -> uint256:
    assert self._is_running(token), "no auction"
    source: Source = self._sources[token]
    return self._price_up(token, staticcall IPriceHub(source.hub).read_one(source.kind))


@external
@view
@reentrant
def books() -> DynArray[address, MAX_BOOKS]:
    return self._books


@external
@view
@reentrant
def reserves() -> DynArray[address, MAX_RESERVES]:
    return self._reserves


@external
@view
@reentrant
def inventory(token: address) -> uint256:
    return staticcall IERC20(token).balanceOf(self)
