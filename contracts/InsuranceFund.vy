# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title InsuranceFund: un-minted equity and absorbed collateral
@notice Reads the equity of all books: their debt less the coin supply. Anyone may bring absorbed collateral in,
        or raise equity by burning their own coins. Until the fund sells by its own auction, the governor releases
        inventory. Absorbed collateral counts 0 until it is sold and its coins are burned by `recapitalise`.
@custom:security Every book named here must report its own debt truthfully and must be a minter of the coin. The
        governor can send the inventory anywhere; it can touch no account and mint nothing.
@custom:freeze Books never depend on this contract except for paying absorbed collateral out, so nothing needs stopping.
"""
from ethereum.ercs import IERC20
from ..interfaces import IInsuranceFund
from ..interfaces import IStablecoin
from ..interfaces import IVault
from .modules import governed
from .modules import transfers

implements: IInsuranceFund

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

MAX_BOOKS: constant(uint256) = 16

coin: public(immutable(address))

_books: DynArray[address, MAX_BOOKS]


@deploy
def __init__(governor: address, coin_: address):
    governed.__init__(governor)
    assert coin_.is_contract, "coin has no code"
    coin = coin_


# equity


@external
@view
def equity() -> (uint256, uint256):
    """
    @notice (surplus, deficit) in coin units; at most one is not 0.
    """
    debt: uint256 = 0
    for book: address in self._books:
        debt += staticcall IVault(book).total_debt()
    supply: uint256 = staticcall IStablecoin(coin).totalSupply()
    if debt >= supply:
        return debt - supply, 0
    return 0, supply - debt


@external
def recapitalise(amount: uint256):
    """
    @notice Burn the caller's coins to raise equity. Open to anyone; needs no allowance, since the fund is a minter
            of the coin (with a ceiling of 0 until it pays out surplus) and passes its own caller only.
    """
    assert extcall IStablecoin(coin).burn(msg.sender, amount)
    log IInsuranceFund.Recapitalised(payer=msg.sender, amount=amount)


# inventory


@external
def collect(book: address, kind: uint256) -> uint256:
    """
    @notice Draw all that a book has absorbed of one kind into the fund. Open to anyone: it can only arrive here.
    @return amount in token base units
    """
    assert book in self._books, "unknown book"
    amount: uint256 = staticcall IVault(book).absorbed(kind)
    assert amount != 0, "nothing absorbed"
    extcall IVault(book).withdraw_absorbed(kind, amount, self)
    log IInsuranceFund.Collected(book=book, kind=kind, amount=amount)
    return amount


@external
def release(token: address, amount: uint256, receiver: address):
    """
    @notice Pay inventory out. Governor only.
    """
    governed.check_governor()
    assert receiver != empty(address), "zero receiver"
    transfers.push(token, receiver, amount)
    log IInsuranceFund.Released(token=token, receiver=receiver, amount=amount)


# governance


@external
def add_book(book: address):
    """
    @notice Count a book's debt into equity and collect what it absorbs. It must mint the same coin. When the book has
            proposed this fund as its own, the fund accepts. Governor only.
    """
    governed.check_governor()
    assert book not in self._books, "book already known"
    assert len(self._books) < MAX_BOOKS, "too many books"
    assert staticcall IVault(book).coin() == coin, "wrong coin"
    self._books.append(book)
    if staticcall IVault(book).pending_fund() == self:
        extcall IVault(book).accept_fund()
    log IInsuranceFund.BookAdded(book=book)


@external
def accept_book(book: address):
    """
    @notice Become the fund of a known book that has proposed this one. Governor only.
    """
    governed.check_governor()
    assert book in self._books, "unknown book"
    extcall IVault(book).accept_fund()


# views


@external
@view
@reentrant
def books() -> DynArray[address, MAX_BOOKS]:
    """
    @notice The books whose debt counts.
    """
    return self._books


@external
@view
@reentrant
def inventory(token: address) -> uint256:
    """
    @notice What the fund holds of a token, base units.
    """
    return staticcall IERC20(token).balanceOf(self)
