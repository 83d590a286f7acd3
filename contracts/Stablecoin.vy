# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Stablecoin: the debt token, with one ceiling per minter
@notice ERC-20 with ERC-2612 permits and ERC-3156 flash loans. Minters (vaults, the fund) mint up to their own ceiling,
        so that a broken book cannot mint past it; holders transfer and burn freely; the governor sets ceilings and the
        terms of flash loans and can do nothing else. A minter stays one: with its ceiling set to 0 it can mint nothing
        more, but repayments through it go on. Minting and burning write the minter's word and the holder's balance,
        nothing else: the supply is derived. No function takes the lock (`@reentrant`): a flash loan's borrower must be
        able to use the coin, and only `flashLoan` makes an external call, which keeps a guard of its own.
@custom:security A minter can burn any holder's coins. Vaults pass their own caller only; the governor must not name a
        minter that does otherwise. Nobody else can mint or move a holder's coins, except that a flash loan's coins exist
        until its end: whoever draws conclusions from `totalSupply` must subtract `flash_minted`. A signature is good
        once, until its deadline, on this chain only (a fork under another chain id refuses it).
@custom:freeze set_ceiling(minter, 0) stops a minter's minting and set_flash(fee, 0) flash loans; burning, transfers and
        permits cannot be stopped.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from ..interfaces import IFlashBorrower
from ..interfaces import IStablecoin
from .modules import governed
from .modules import margin_math

implements: IERC20
implements: IERC20Detailed
implements: IStablecoin

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

MAX_MINTERS: constant(uint256) = 32
AMOUNT_BITS: constant(uint256) = 128
AMOUNT_MASK: constant(uint256) = 2**128 - 1
CEILING_MASK: constant(uint256) = 2**120 - 1
MINTER_BIT: constant(uint256) = 1 << 248

BPS: constant(uint256) = 10_000
MAX_FLASH_FEE_BPS: constant(uint256) = 100
MAX_FLASH_CEILING: constant(uint256) = 2**112
FLASH_ANSWER: constant(bytes32) = keccak256("ERC3156FlashBorrower.onFlashLoan")

VERSION: constant(String[1]) = "1"
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PERMIT_TYPE: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
# half the order of secp256k1: of the two `s` of a signature only the lower one is taken
MAX_S: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

decimals: public(constant(uint8)) = 18
name: public(reentrant(immutable(String[25])))
symbol: public(reentrant(immutable(String[5])))
NAME_HASH: immutable(bytes32)

# The supply is not stored. At all times
#     sum of balances == sum of `minted` over all minters + flash_minted - _burned_beyond
# since a mint adds one amount to a balance and to `minted`, and a burn takes one amount from a balance and divides it
# between `minted`, which falls, and `_burned_beyond`, which rises. A flash loan adds its amount to a balance and to
# `flash_minted` and at its end takes it from both, with the fee going the way of a holder's burn. No balance is below
# 0, so the right side never underflows (the minters' part alone can, inside a loan, when its coins are burned); nothing
# but burning raises `_burned_beyond`, and raising it by x destroys x coins of a balance.
# `minted` never exceeds a ceiling it once had, hence stays below 2**120, and there are at most 32 minters: the supply,
# each balance and `_burned_beyond` stay below 2**126, and no addition to them can overflow, checked or not.
balanceOf: public(reentrant(HashMap[address, uint256]))
# minted:128 | ceiling:120 | is_minter:8
_minters: HashMap[address, uint256]
# coins burned for which no minter's `minted` fell: by holders, or beyond what a minter had outstanding
_burned_beyond: uint256
# every address with a word in _minters, in order of its first naming
_minter_list: DynArray[address, MAX_MINTERS]

allowance: public(reentrant(HashMap[address, HashMap[address, uint256]]))
nonces: public(reentrant(HashMap[address, uint256]))

# what the flash loan that is running now has minted; 0 outside of one, and again in every new transaction
flash_minted: public(reentrant(transient(uint256)))
# ceiling:128 | fee_bps:128
_flash_terms: uint256


@deploy
def __init__(name_: String[25], symbol_: String[5], governor: address):
    governed.__init__(governor)
    name = name_
    symbol = symbol_
    NAME_HASH = keccak256(name_)


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
    self.balanceOf[receiver] += amount
    log IERC20.Transfer(sender=empty(address), receiver=receiver, value=amount)
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
    balance_before: uint256 = self.balanceOf[holder]
    assert balance_before >= amount, "amount exceeds balance"

    self.balanceOf[holder] = unsafe_sub(balance_before, amount)  # amount <= balance_before
    outstanding: uint256 = word & AMOUNT_MASK
    if amount <= outstanding:
        self._minters[msg.sender] = unsafe_sub(word, amount)  # never below the field's zero
    else:
        self._minters[msg.sender] = unsafe_sub(word, outstanding)  # the lowest field of the word itself
        self._burned_beyond += unsafe_sub(amount, outstanding)  # amount > outstanding
    log IERC20.Transfer(sender=holder, receiver=empty(address), value=amount)
    return True


@external
@reentrant
def set_ceiling(minter: address, ceiling: uint256):
    """
    @notice Let `minter` have at most `ceiling` coins outstanding. Governor only. A ceiling below what is outstanding
            stops minting until enough is burned; it takes nothing back. At most 32 minters are ever named.
    """
    governed.check_governor()
    assert minter != empty(address), "zero minter"
    assert ceiling <= CEILING_MASK, "ceiling too large"
    word: uint256 = self._minters[minter]
    if word == 0:
        assert len(self._minter_list) < MAX_MINTERS, "too many minters"
        self._minter_list.append(minter)
    self._minters[minter] = MINTER_BIT | (ceiling << AMOUNT_BITS) | (word & AMOUNT_MASK)
    log IStablecoin.CeilingSet(minter=minter, ceiling=ceiling)


# ERC-3156


@external
@reentrant
def flashLoan(receiver: address, token: address, amount: uint256, data: Bytes[1024]) -> bool:
    """
    @notice Mint `amount` coins to `receiver`, call its `onFlashLoan` and burn amount and fee from it, for which it must
            have allowed this contract. Anyone may start a loan for any receiver: a borrower checks the initiator.
    @dev One loan at a time, so that `flash_minted` is the whole of what exists for a moment only. A loan of nothing
         leaves the guard open, and has nothing to guard.
    @return True, or it reverts
    """
    assert token == self, "unsupported token"
    assert self.flash_minted == 0, "flash mint active"
    terms: uint256 = self._flash_terms
    assert amount <= terms & AMOUNT_MASK, "above flash ceiling"
    fee: uint256 = self._flash_fee_up(amount, terms)

    self.flash_minted = amount
    self.balanceOf[receiver] += amount
    log IERC20.Transfer(sender=empty(address), receiver=receiver, value=amount)

    answer: bytes32 = extcall IFlashBorrower(receiver).onFlashLoan(msg.sender, token, amount, fee, data)
    assert answer == FLASH_ANSWER, "flash callback failed"

    owed: uint256 = amount + fee
    allowed: uint256 = self.allowance[receiver][self]  # as in `transferFrom`, which would pay 80 gas for sharing it
    if allowed != max_value(uint256):
        assert allowed >= owed, "erc20: insufficient allowance"
        self._approve(receiver, self, unsafe_sub(allowed, owed))  # owed <= allowed
    balance_before: uint256 = self.balanceOf[receiver]
    assert balance_before >= owed, "amount exceeds balance"
    # check: allow write-after-call - read after the call: what the borrower did meanwhile is in it
    self.balanceOf[receiver] = unsafe_sub(balance_before, owed)  # owed <= balance_before
    self.flash_minted = 0  # check: allow write-after-call - it is itself what keeps a second loan out
    if fee != 0:
        self._burned_beyond += fee  # check: allow write-after-call - added to what stands there now
    log IERC20.Transfer(sender=receiver, receiver=empty(address), value=owed)
    log IStablecoin.FlashMinted(receiver=receiver, amount=amount, fee=fee)
    return True


# check: allow stale-view - 0 while a loan runs: nothing else can be minted
@external
@view
@reentrant
def maxFlashLoan(token: address) -> uint256:
    """
    @notice The most that one flash loan may mint now; 0 for other tokens, and while a loan is running.
    """
    if token != self or self.flash_minted != 0:
        return 0
    return self._flash_terms & AMOUNT_MASK


@external
@view
@reentrant
def flashFee(token: address, amount: uint256) -> uint256:
    """
    @notice What a loan of `amount` costs beside itself. Reverts for other tokens, and for amounts near 2**256.
    @custom:rounding up
    """
    assert token == self, "unsupported token"
    return self._flash_fee_up(amount, self._flash_terms)


@internal
@pure
def _flash_fee_up(amount: uint256, terms: uint256) -> uint256:
    return margin_math.mul_div_up(amount, terms >> AMOUNT_BITS, BPS)


@external
@reentrant
def set_flash(fee_bps: uint256, ceiling: uint256):
    """
    @notice Set what flash loans cost and how much one may mint; a ceiling of 0 stops them. Governor only. A loan that
            is running keeps its terms.
    """
    governed.check_governor()
    assert fee_bps <= MAX_FLASH_FEE_BPS, "flash fee too high"
    assert ceiling <= MAX_FLASH_CEILING, "flash ceiling too large"
    self._flash_terms = (fee_bps << AMOUNT_BITS) | ceiling
    log IStablecoin.FlashSet(fee_bps=fee_bps, ceiling=ceiling)


# ERC-20


@external
@reentrant
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's coins.
    @return True, or it reverts
    """
    self._transfer(msg.sender, to, amount)
    return True


@external
@reentrant
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move coins of `owner`, who allowed the caller to. An allowance of 2**256 - 1 is not used up.
    @dev The zero address never allowed anything, so that `_approve` refuses it, even to move nothing.
    @return True, or it reverts
    """
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "erc20: insufficient allowance"
        self._approve(owner, msg.sender, unsafe_sub(allowed, amount))  # amount <= allowed
    self._transfer(owner, to, amount)
    return True


@external
@reentrant
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move at most `amount` of the caller's coins.
    @return True, or it reverts
    """
    self._approve(msg.sender, spender, amount)
    return True


@internal
def _transfer(owner: address, to: address, amount: uint256):
    assert to != empty(address), "erc20: transfer to the zero address"
    balance_before: uint256 = self.balanceOf[owner]
    assert balance_before >= amount, "erc20: transfer amount exceeds balance"
    self.balanceOf[owner] = unsafe_sub(balance_before, amount)  # amount <= balance_before
    self.balanceOf[to] += amount  # read after the write above: `to` may be `owner`
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    assert owner != empty(address), "erc20: approve from the zero address"
    assert spender != empty(address), "erc20: approve to the zero address"
    # check: allow write-after-call - a loan reads what is allowed after its callback
    self.allowance[owner][spender] = amount
    log IERC20.Approval(owner=owner, spender=spender, value=amount)


# ERC-2612, ERC-5267


@external
@reentrant
def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice `approve` by a signature of `owner`, which anyone may bring.
    @param deadline last second at which the signature is good
    """
    assert block.timestamp <= deadline, "erc20: expired deadline"
    assert convert(s, uint256) <= MAX_S, "ecdsa: invalid signature `s` value"

    nonce: uint256 = self.nonces[owner]
    permitted: bytes32 = keccak256(abi_encode(PERMIT_TYPE, owner, spender, amount, nonce, deadline))
    digest: bytes32 = keccak256(concat(x"1901", self._domain_separator(), permitted))
    signer: address = ecrecover(digest, v, r, s)
    assert signer != empty(address), "ecdsa: invalid signature"  # or whoever it is signs for nobody
    assert signer == owner, "erc20: invalid signature"

    self.nonces[owner] = unsafe_add(nonce, 1)  # one more per transaction: never reaches 2**256
    self._approve(owner, spender, amount)


@external
@view
@reentrant
def DOMAIN_SEPARATOR() -> bytes32:
    """
    @notice What permits are signed for: this contract on the present chain.
    """
    return self._domain_separator()


@internal
@view
def _domain_separator() -> bytes32:
    """
    @dev Not cached: after a fork the chain id is another, and so is this.
    """
    return keccak256(abi_encode(DOMAIN_TYPE, NAME_HASH, keccak256(VERSION), chain.id, self))


@external
@view
@reentrant
def eip712Domain() -> (bytes1, String[25], String[1], uint256, address, bytes32, DynArray[uint256, 1]):
    """
    @notice The fields of the domain: bits of the fields in use, name, version, chain id, contract; no salt and no
            extensions.
    """
    return 0x0f, name, VERSION, chain.id, self, empty(bytes32), empty(DynArray[uint256, 1])


# views


# check: allow stale-view - it counts what a loan minted, which exists
@external
@view
@reentrant
def totalSupply() -> uint256:
    """
    @notice All coins in existence: what all minters have outstanding and what a running flash loan minted, less what
            was burned beyond it.
    """
    supply: uint256 = self.flash_minted
    for minter: address in self._minter_list:
        supply = unsafe_add(supply, self._minters[minter] & AMOUNT_MASK)  # a term below 2**113, 32 below 2**120
    return supply - self._burned_beyond


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
def headroom(minter: address) -> uint256:
    """
    @notice What a minter may still mint now; 0 for others, and at or above its ceiling.
    """
    word: uint256 = self._minters[minter]
    limit: uint256 = (word >> AMOUNT_BITS) & CEILING_MASK
    outstanding: uint256 = word & AMOUNT_MASK
    return unsafe_sub(limit, outstanding) if outstanding < limit else 0  # outstanding < limit


@external
@view
@reentrant
def is_minter(minter: address) -> bool:
    """
    @notice Whether a minter was ever named: it may burn, and mint below its ceiling.
    """
    return self._minters[minter] != 0


@external
@view
@reentrant
def minters() -> DynArray[address, MAX_MINTERS]:
    """
    @notice Every minter ever named, retired ones too, in order of naming.
    """
    return self._minter_list


# check: allow stale-view - a fee is burned when it is paid, and not before
@external
@view
@reentrant
def burned_beyond() -> uint256:
    """
    @notice Coins burned so far for which no minter's outstanding amount fell.
    """
    return self._burned_beyond


@external
@view
@reentrant
def flash_fee_bps() -> uint256:
    """
    @notice What a flash loan costs, in bps of it.
    """
    return self._flash_terms >> AMOUNT_BITS


@external
@view
@reentrant
def flash_ceiling() -> uint256:
    """
    @notice The most that one flash loan may mint; 0 = none.
    """
    return self._flash_terms & AMOUNT_MASK
