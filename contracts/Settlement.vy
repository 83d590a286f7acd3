# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Settlement: the orderly end of a book
@notice One for all books. The governor of a vault shuts it down, which freezes its prices; debts are then struck off for
        their worth in collateral; when none is left, coins buy that collateral back pro rata, and after a year the rest
        goes to the insurance fund. No token ever stays here: collateral is paid out of the vault, coins are burned. Nobody
        governs this, and nothing in it can be changed. What each function does is said in interfaces/ISettlement.vyi.
@custom:security Everything is kept by vault. A contract that only looks like a vault can waste its own coin: the coin
        that is burned must itself name the vault as a minter at the shutdown. Of a real vault its governor is trusted with
        the moment of the shutdown, the oracles before it, and the fund whose deficit counts. Tokens are called last,
        with a bounded purse, and cannot hold each other up.
@custom:freeze Nothing to freeze. A shutdown cannot be taken back.
"""
from ethereum.ercs import IERC20

from ..interfaces import IOperators
from ..interfaces import IPriceHub
from ..interfaces import ISettlement
from ..interfaces import IStablecoin
from ..interfaces import IVault
from .modules import account
from .modules import ledger
from .modules import margin_math
from .modules import price_word

implements: ISettlement

interface Book:
    def governor() -> address: view

interface Coin:
    def is_minter(minter: address) -> bool: view
    def minted(minter: address) -> uint256: view

interface Reserve:
    def backing() -> uint256: view

interface Fund:
    def books() -> DynArray[address, 16]: view
    def reserves() -> DynArray[address, 16]: view
    def equity() -> (uint256, uint256): view

BPS: constant(uint256) = 10_000
MAX_KINDS: constant(uint256) = 32
MAX_ACCOUNTS: constant(uint256) = 64
MAX_LAG: constant(uint256) = 500  # bps between the hub's word and its oracle at the moment of a shutdown
SETTLEMENT_PERIOD: constant(uint256) = 7 * 86_400
REDEMPTION_PERIOD: constant(uint256) = 365 * 86_400
PAY_GAS: constant(uint256) = 500_000  # what paying one kind out gets; a plain token needs a tenth of it

SETTLING: constant(uint256) = 1
REDEEMING: constant(uint256) = 2
SWEPT: constant(uint256) = 3

# where the fields of a word begin
SHUT_AT: constant(uint256) = 8
OPENED_AT: constant(uint256) = 48
KINDS: constant(uint256) = 88
DECIMALS: constant(uint256) = 88
POOL: constant(uint256) = 128
BACKING: constant(uint256) = 128

PRICE_MASK: constant(uint256) = 2**88 - 1
MAX_WORTH: constant(uint256) = 2**127  # above all coins that can exist, and half of its field

# why an account is not settled
NOT_REFUSED: constant(uint256) = 0
NO_DEBT: constant(uint256) = 1
OWNERS_TIME: constant(uint256) = 2

# phase:8 | shut_at:40 | opened_at:40 | kinds:32, with a frozen price, once redeeming in the pool
_states: HashMap[address, uint256]
# price:88 | decimals:8 | spare:32 | pool:128
_kinds: HashMap[address, uint256[32]]
# claims:128 | backing:128. What a pool carries of the deficit is the difference
_shares: HashMap[address, uint256]
# the coin that a vault had when it was shut down
_coins: HashMap[address, address]
# what all open pools of a coin carry of its deficit
_carried: HashMap[address, uint256]
# vault, kind, holder: paid out of the pool, but refused by the token
_owed: HashMap[address, HashMap[uint256, HashMap[address, uint256]]]


# the steps


@external
def shutdown(vault: address):
    assert msg.sender == staticcall Book(vault).governor(), "not governor"
    assert self._states[vault] == 0, "already shut down"
    coin: address = staticcall IVault(vault).coin()
    assert staticcall Coin(coin).is_minter(vault), "vault is no minter"
    self.check_known(vault)

    hub: address = staticcall IVault(vault).hub()
    kinds: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        config: uint256 = staticcall IVault(vault).collateral(kind)
        if config == 0:
            continue
        price: uint256 = 0
        if staticcall IVault(vault).deposited(kind) & ledger.HALF_MASK != 0:
            price = self.price_of(hub, kind)
        self._kinds[vault][kind] = price | (config >> ledger.DECIMALS & 255) << DECIMALS
        kinds |= 1 << kind
        log ISettlement.PriceFrozen(vault=vault, kind=kind, price=price)

    self._states[vault] = SETTLING | block.timestamp << SHUT_AT | kinds << KINDS
    self._coins[vault] = coin
    extcall IVault(vault).shutdown()
    log ISettlement.BookShutDown(
        vault=vault, shut_at=block.timestamp, backing=self.worth_of_absorbed(vault, kinds)
    )


@internal
def price_of(hub: address, kind: uint256) -> uint256:
    """
    @notice The price at which a kind is frozen: what its oracle says this very moment. A word of the hub may be a minute old and
            behind by its slew: whoever knows more than it does would settle at it and keep the difference. The word only
            vouches that this is no print out of nowhere.
    """
    word: uint256 = extcall IPriceHub(hub).sync_one(kind)
    flags: uint256 = word >> price_word.FLAGS
    live: uint256 = staticcall IPriceHub(hub).live_price(kind)
    assert flags & price_word.FAILED == 0 and live != 0, "price failed"
    assert flags & price_word.CONFIRMING == 0, "price confirming"
    hi: uint256 = word >> price_word.HI & price_word.PRICE_MASK
    assert (
        live * BPS >= hi * (BPS - MAX_LAG) and live * BPS <= hi * (BPS + MAX_LAG)
    ), "price is moving"
    return live


@external
def settle(vault: address, account_: uint256) -> uint256:
    refused: uint256 = 0
    debt: uint256 = 0
    refused, debt = self.settle_in(vault, account_, self.settling_at(vault))
    assert refused != NO_DEBT, "no debt"
    assert refused != OWNERS_TIME, "owner may still repay"
    return debt


@external
def settles(vault: address, accounts: DynArray[uint256, MAX_ACCOUNTS]) -> uint256:
    index: uint256 = self.settling_at(vault)
    settled: uint256 = 0
    for i: uint256 in range(len(accounts), bound=MAX_ACCOUNTS):
        refused: uint256 = 0
        debt: uint256 = 0
        refused, debt = self.settle_in(vault, accounts[i], index)
        if refused == NOT_REFUSED:
            settled |= 1 << i
    return settled


@internal
@view
def settling_at(vault: address) -> uint256:
    """
    @notice The index of a vault whose debts are being settled: it stands still.
    """
    self.check_settling(vault)
    return staticcall IVault(vault).live_index()


@internal
def settle_in(vault: address, id: uint256, index: uint256) -> (uint256, uint256):
    """
    @notice Settle one account.
    @return why not (0: settled), debt that was struck off
    """
    word: uint256 = staticcall IVault(vault).accounts(id)
    debt: uint256 = margin_math.debt_up(word & account.DEBT_MASK, index)
    if debt == 0:
        return NO_DEBT, 0
    worth: uint256 = 0
    mask: uint256 = word >> account.COLLATERAL_MASK & account.KINDS_MASK
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            frozen: uint256 = self._kinds[vault][kind]
            # at most 8 values below 2**216
            worth += margin_math.value_down(
                staticcall IVault(vault).balances(id, kind),
                frozen & PRICE_MASK,
                frozen >> DECIMALS & 255,
            )
    # who owes more than all of it has nothing to keep
    if debt <= worth and block.timestamp < self.shut_time(vault) + SETTLEMENT_PERIOD:
        if not self.is_authorised(vault, id):
            return OWNERS_TIME, 0

    share: uint256 = margin_math.absorbed_share_up(debt, 0, worth * BPS)
    shortfall: uint256 = margin_math.less(debt, worth)
    debt = extcall IVault(vault).settle(id, share, shortfall)
    log ISettlement.AccountSettled(
        vault=vault, account=id, caller=msg.sender, debt=debt, worth=worth, share=share, shortfall=shortfall
    )
    return NOT_REFUSED, debt


@external
def open_redemption(vault: address):
    self.check_settling(vault)
    assert staticcall IVault(vault).total_debt() == 0, "debt left"
    state: uint256 = self._states[vault]
    worth: uint256 = min(self.worth_of_absorbed(vault, state >> KINDS), MAX_WORTH)
    deficit: uint256 = self.deficit_for(vault, worth)

    kinds: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = state >> KINDS >> kind
        if rest == 0:
            break
        # a kind that was listed after the shutdown nobody could enable
        pool: uint256 = 0
        if rest & 1 != 0:
            pool = staticcall IVault(vault).absorbed(kind)
        if pool != 0:
            self._kinds[vault][kind] |= pool << POOL  # inside the vault's total of 128 bits
            kinds |= 1 << kind
            log ISettlement.Pooled(vault=vault, kind=kind, amount=pool)
    claims: uint256 = worth + deficit  # 0 without a pool: nobody is to burn coins for nothing
    self._states[vault] = (
        REDEEMING | state & ledger.TIME_MASK << SHUT_AT | block.timestamp << OPENED_AT | kinds << KINDS
    )
    self._shares[vault] = claims | worth << BACKING
    self._carried[self._coins[vault]] += deficit
    log ISettlement.RedemptionOpened(vault=vault, worth=worth, deficit=deficit, claims=claims)


@internal
@view
def deficit_for(vault: address, worth: uint256) -> uint256:
    """
    @notice What a pool of this worth is to carry of the system's deficit: what no open pool carries yet, divided among all
            books that are shut and not yet redeemed by what they have, rounded up. Books that live
            carry nothing: what they are owed can be raised by borrowing for one transaction only.
    """
    fund: address = self.check_known(vault)
    # a reserve that fails, or has no price for the moment, counts nothing in equity: that must not be shared out for good
    for reserve: address in staticcall Fund(fund).reserves():
        if staticcall Coin(self._coins[vault]).minted(reserve) != 0:
            assert staticcall Reserve(reserve).backing() != 0, "reserve has no price"
    all_worth: uint256 = worth
    for book: address in staticcall Fund(fund).books():
        if book != vault and self._states[book] & 255 == SETTLING:
            # its losses show when it is settled, and would all be left to those who open later
            assert staticcall IVault(book).total_debt() == 0, "another book owes"
            all_worth += min(self.worth_of_absorbed(book, self._states[book] >> KINDS), MAX_WORTH)
    surplus: uint256 = 0
    deficit: uint256 = 0
    surplus, deficit = staticcall Fund(fund).equity()
    deficit = margin_math.less(deficit, self._carried[self._coins[vault]])
    if deficit == 0:
        return 0
    # a worthless pool carries nothing; no deficit is above the supply, which is below 2**125
    return margin_math.mul_div_up(deficit, worth, max(all_worth, 1))


@external
def relieve(vault: address) -> uint256:
    self.check_redeeming(vault)
    fund: address = self.check_known(vault)
    surplus: uint256 = 0
    deficit: uint256 = 0
    surplus, deficit = staticcall Fund(fund).equity()
    books: DynArray[address, 16] = staticcall Fund(fund).books()
    all_carried: uint256 = 0
    for book: address in books:
        all_carried += self.carried_by(self._shares[book])

    # all pools at once, against the same two numbers: whoever asks first, and how often, gains nothing
    relieved: uint256 = 0
    if deficit < all_carried:
        for book: address in books:
            shares: uint256 = self._shares[book]
            own: uint256 = self.carried_by(shares)
            less: uint256 = own - margin_math.mul_div_up(deficit, own, all_carried)
            if less != 0:
                self._shares[book] = shares - less  # claims are the lower half, and at least what is carried
                relieved += less
                log ISettlement.Relieved(vault=book, relieved=less, claims=(shares & ledger.HALF_MASK) - less)
    assert relieved != 0, "nothing to relieve"
    self._carried[self._coins[vault]] -= relieved
    return relieved


@external
def redeem(vault: address, amount: uint256, receiver: address) -> uint256:
    self.check_redeeming(vault)
    assert receiver not in [empty(address), vault, self], "bad receiver"
    assert amount != 0, "zero amount"
    burned: uint256 = 0
    left: uint256 = 0
    payouts: uint256[32] = empty(uint256[32])
    burned, left, payouts = self.quote(vault, amount)
    assert burned != 0, "nothing to redeem"

    coin: address = self._coins[vault]
    before: uint256 = self._shares[vault]
    self._shares[vault] = left
    self._carried[coin] -= self.carried_by(before) - self.carried_by(left)
    paid: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        if payouts[kind] != 0:
            self._kinds[vault][kind] -= payouts[kind] << POOL
            paid |= 1 << kind
    assert paid != 0, "amount too small"
    assert extcall IERC20(coin).transferFrom(msg.sender, self, burned)
    assert extcall IStablecoin(coin).burn(self, burned)
    log ISettlement.Redeemed(
        vault=vault,
        caller=msg.sender,
        receiver=receiver,
        amount=burned,
        claims=left & ledger.HALF_MASK,
        backing=left >> BACKING,
    )

    for kind: uint256 in range(MAX_KINDS):
        if paid >> kind == 0:
            break
        if payouts[kind] != 0:
            self.pay(vault, kind, payouts[kind], receiver)
    return burned


@internal
@view
def quote(vault: address, amount: uint256) -> (uint256, uint256, uint256[32]):
    """
    @notice What redeeming `amount` coins burns, what it leaves of claims and backing, and what it pays of each kind.
    @custom:rounding Payouts down: what is left per claim never falls. Backing is left rounded down, so that it falls by at
            most the coins that are burned, rounded up.
    """
    payouts: uint256[32] = empty(uint256[32])
    shares: uint256 = self._shares[vault]
    claims: uint256 = shares & ledger.HALF_MASK
    burned: uint256 = min(amount, claims)
    if burned == 0:
        return 0, shares, payouts
    kinds: uint256 = self._states[vault] >> KINDS
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = kinds >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            payouts[kind] = margin_math.mul_div_down(self._kinds[vault][kind] >> POOL, burned, claims)
    rest_of_claims: uint256 = unsafe_sub(claims, burned)  # burned <= claims
    backing: uint256 = margin_math.mul_div_down(shares >> BACKING, rest_of_claims, claims)
    return burned, rest_of_claims | backing << BACKING, payouts


@internal
@pure
def carried_by(shares: uint256) -> uint256:
    """
    @notice What a pool carries of the deficit: its claims beyond what it is worth.
    """
    return margin_math.less(shares & ledger.HALF_MASK, shares >> BACKING)


@internal
def pay(vault: address, kind: uint256, amount: uint256, receiver: address):
    """
    @notice Pay collateral out of the vault; what its token refuses is kept for the receiver. The purse bounds what a token
            can burn of the caller's gas. With too little gas everything reverts: of a payment that runs out of it a 64th
            is left, which does not pay for keeping anything.
    """
    # check: allow raw-call-outsize - the vault answers nothing; what it cannot pay it reverts
    paid: bool = raw_call(
        vault,
        abi_encode(
            kind,
            amount,
            receiver,
            method_id=method_id("withdraw_absorbed(uint256,uint256,address)"),
        ),
        gas=PAY_GAS,
        revert_on_failure=False,
    )
    if paid:
        log ISettlement.Paid(vault=vault, kind=kind, receiver=receiver, amount=amount)
    else:
        owed: uint256 = self._owed[vault][kind][receiver] + amount
        self._owed[vault][kind][receiver] = owed
        log ISettlement.Deferred(vault=vault, kind=kind, holder=receiver, amount=amount, owed=owed)


@external
def claim(vault: address, kind: uint256, holder: address, receiver: address) -> uint256:
    assert receiver == holder or msg.sender == holder, "not holder"
    amount: uint256 = self._owed[vault][kind][holder]
    assert amount != 0, "nothing owed"
    assert receiver != self, "bad receiver"  # nothing here could send it on; zero and the vault the vault refuses
    self._owed[vault][kind][holder] = 0
    extcall IVault(vault).withdraw_absorbed(kind, amount, receiver)
    log ISettlement.Paid(vault=vault, kind=kind, receiver=receiver, amount=amount)
    return amount


@external
def sweep(vault: address):
    self.check_redeeming(vault)
    state: uint256 = self._states[vault]
    assert block.timestamp >= (state >> OPENED_AT & ledger.TIME_MASK) + REDEMPTION_PERIOD, "redemption period runs"
    fund: address = self.check_known(vault)
    shares: uint256 = self._shares[vault]
    kinds: uint256 = state >> KINDS
    rests: uint256[32] = empty(uint256[32])
    for kind: uint256 in range(MAX_KINDS):
        if kinds >> kind & 1 != 0:
            word: uint256 = self._kinds[vault][kind]
            rests[kind] = word >> POOL
            self._kinds[vault][kind] = word & ledger.HALF_MASK
    self._states[vault] = state & (ledger.TIME_MASK << SHUT_AT | ledger.TIME_MASK << OPENED_AT) | SWEPT
    self._shares[vault] = 0
    self._carried[self._coins[vault]] -= self.carried_by(shares)
    log ISettlement.Swept(
        vault=vault, fund=fund, written_off=shares >> BACKING, claims=shares & ledger.HALF_MASK
    )
    for kind: uint256 in range(MAX_KINDS):
        if rests[kind] != 0:
            self.pay(vault, kind, rests[kind], fund)


# small parts


@internal
@view
def check_known(vault: address) -> address:
    """
    @notice Assert that the vault's fund counts the vault, pool and debt, into the equity it answers for.
    @return the fund
    """
    fund: address = staticcall IVault(vault).fund()
    assert fund != empty(address) and vault in staticcall Fund(fund).books(), "fund does not know book"
    return fund


@internal
@view
def check_settling(vault: address):
    assert self._states[vault] & 255 == SETTLING, "not settling"


@internal
@view
def check_redeeming(vault: address):
    assert self._states[vault] & 255 == REDEEMING, "not redeeming"


@internal
@view
def shut_time(vault: address) -> uint256:
    return self._states[vault] >> SHUT_AT & ledger.TIME_MASK


@internal
@view
def is_authorised(vault: address, id: uint256) -> bool:
    """
    @notice Whether the caller is the owner of the account or an operator with its bit.
    """
    owner: address = convert(id >> 8, address)
    if msg.sender == owner:
        return True
    operators: address = staticcall IVault(vault).operators()
    return staticcall IOperators(operators).is_authorised(vault, owner, id & 255, msg.sender)


@internal
@view
def worth_of_absorbed(vault: address, kinds: uint256) -> uint256:
    """
    @notice What a vault has absorbed of these kinds, at the frozen prices, rounded down once: whatever is worth a whole
            number of coin units raises this by as much. No sum of it leaves 256 bits.
    """
    whole: uint256 = 0
    rests: uint256 = 0
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = kinds >> kind
        if rest == 0:
            break
        if rest & 1 != 0:
            frozen: uint256 = self._kinds[vault][kind]
            one: uint256 = 0
            part: uint256 = 0
            one, part = margin_math.value_and_rest(
                staticcall IVault(vault).absorbed(kind), frozen & PRICE_MASK, frozen >> DECIMALS & 255
            )
            whole += one
            rests += part
    return whole + rests // 10**18  # down


# views


# check: allow stale-view - the hub and the vault that a shutdown calls before the write are our own
@external
@view
@reentrant
def backing_of(vault: address) -> uint256:
    state: uint256 = self._states[vault]
    if state & 255 == SETTLING:
        return self.worth_of_absorbed(vault, state >> KINDS)
    return self._shares[vault] >> BACKING


# check: allow stale-view - the hub and the vault that a shutdown calls before the write are our own
@external
@view
@reentrant
def phase_of(vault: address) -> uint256:
    return self._states[vault] & 255


# check: allow stale-view - the hub and the vault that a shutdown calls before the write are our own
@external
@view
@reentrant
def shut_at(vault: address) -> uint256:
    return self.shut_time(vault)


# check: allow stale-view - the hub and the vault that a shutdown calls before the write are our own
@external
@view
@reentrant
def opened_at(vault: address) -> uint256:
    return self._states[vault] >> OPENED_AT & ledger.TIME_MASK


# check: allow stale-view - the hub and the vault that a shutdown calls before the write are our own
@external
@view
@reentrant
def frozen_price(vault: address, kind: uint256) -> uint256:
    return self._kinds[vault][kind] & PRICE_MASK


@external
@view
def pool_of(vault: address, kind: uint256) -> uint256:
    return self._kinds[vault][kind] >> POOL


@external
@view
def claims_of(vault: address) -> uint256:
    return self._shares[vault] & ledger.HALF_MASK


@external
@view
def owed_to(vault: address, kind: uint256, holder: address) -> uint256:
    return self._owed[vault][kind][holder]


@external
@view
def preview_redeem(vault: address, amount: uint256) -> (uint256, uint256[32]):
    burned: uint256 = 0
    left: uint256 = 0
    payouts: uint256[32] = empty(uint256[32])
    burned, left, payouts = self.quote(vault, amount)
    return burned, payouts
