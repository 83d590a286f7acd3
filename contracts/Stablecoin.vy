# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Stablecoin: the debt token, with one ceiling per minter
@notice ERC-20 with ERC-2612 permits. Minters (vaults, the fund) mint up to their own ceiling, so that a broken book
        cannot mint past it; holders transfer and burn freely; the governor sets ceilings and can do nothing else. A
        minter stays one: with its ceiling set to 0 it can mint nothing more, but repayments through it go on.
        No function takes the lock (`@reentrant`): none makes an external call, and a lock would only stop
        transfers inside a callback of somebody else's.
@custom:security A minter can burn any holder's coins. Vaults pass their own caller only; the governor must not name a
        minter that does otherwise. Nobody else can mint or move a holder's coins. snekmate's owner and its
        minter role are emptied at construction and none of their functions is exported.
@custom:freeze set_ceiling(minter, 0) stops a minter's minting; burning, transfers and permits cannot be stopped.
"""
from snekmate.auth import ownable
from snekmate.tokens import erc20
from ..interfaces import IStablecoin
from .modules import governed

implements: IStablecoin

initializes: ownable
initializes: erc20[ownable := ownable]
initializes: governed

exports: (
    # ERC-20
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.transfer,
    erc20.transferFrom,
    erc20.approve,
    # ERC-2612, ERC-5267
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
    # governance
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

DECIMALS: constant(uint8) = 18
AMOUNT_BITS: constant(uint256) = 128
AMOUNT_MASK: constant(uint256) = 2**128 - 1
CEILING_MASK: constant(uint256) = 2**120 - 1
MINTER_BIT: constant(uint256) = 1 << 248

# minted:128 | ceiling:120 | is_minter:8
_minters: HashMap[address, uint256]


@deploy
def __init__(name: String[25], symbol: String[5], governor: address):
    ownable.__init__()
    erc20.__init__(name, symbol, DECIMALS, name, "1")
    ownable._transfer_ownership(empty(address))
    erc20.is_minter[msg.sender] = False
    governed.__init__(governor)


# minting and burning


@external
@reentrant
def mint(receiver: address, amount: uint256) -> bool:
    """
    @notice Mint to `receiver`. Minters only.
    @return False, with nothing changed, when the minter's ceiling would be passed; True otherwise
    """
    word: uint256 = self._minters[msg.sender]
    assert word != 0, "not minter"
    assert receiver != empty(address), "mint to zero"

    limit: uint256 = (word >> AMOUNT_BITS) & CEILING_MASK
    if amount > limit or unsafe_add(word & AMOUNT_MASK, amount) > limit:  # amount < 2**120 where it is added
        return False

    self._minters[msg.sender] = unsafe_add(word, amount)  # minted + amount <= limit < 2**120: stays in its field
    erc20._mint(receiver, amount)
    log IStablecoin.Minted(minter=msg.sender, receiver=receiver, amount=amount)
    return True


@external
@reentrant
def burn(holder: address, amount: uint256) -> bool:
    """
    @notice Burn coins of `holder`: by a minter, or by the holder. What the calling minter has outstanding falls by at
            most what it is (saturating), so that interest and penalties can always be burned.
    @return True, or it reverts
    """
    word: uint256 = self._minters[msg.sender]
    assert word != 0 or holder == msg.sender, "not minter"
    assert holder != empty(address), "zero owner"
    assert erc20.balanceOf[holder] >= amount, "amount exceeds balance"

    outstanding: uint256 = word & AMOUNT_MASK
    if outstanding != 0:
        self._minters[msg.sender] = unsafe_sub(word, min(outstanding, amount))  # never below the field's zero
    erc20._burn(holder, amount)
    log IStablecoin.Burned(minter=msg.sender, holder=holder, amount=amount)
    return True


@external
@reentrant
def set_ceiling(minter: address, ceiling: uint256):
    """
    @notice Let `minter` have at most `ceiling` coins outstanding. Governor only. A ceiling below what is outstanding
            stops minting until enough is burned; it takes nothing back.
    """
    governed.check_governor()
    assert minter != empty(address), "zero minter"
    assert ceiling <= CEILING_MASK, "ceiling too large"
    self._minters[minter] = MINTER_BIT | (ceiling << AMOUNT_BITS) | (self._minters[minter] & AMOUNT_MASK)
    log IStablecoin.CeilingSet(minter=minter, ceiling=ceiling)


# views


@external
@view
@reentrant
def minted(minter: address) -> uint256:
    """
    @notice What a minter has outstanding.
    """
    return self._minters[minter] & AMOUNT_MASK


@external
@view
@reentrant
def ceiling(minter: address) -> uint256:
    """
    @notice What a minter may have outstanding at most; 0 = may mint nothing.
    """
    return (self._minters[minter] >> AMOUNT_BITS) & CEILING_MASK


@external
@view
@reentrant
def is_minter(minter: address) -> bool:
    """
    @notice Whether a minter was ever named: it may burn, and mint below its ceiling.
    """
    return self._minters[minter] != 0
