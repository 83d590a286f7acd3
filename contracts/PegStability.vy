# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title PegStability: coins for a reserve stable and back, one for one
@notice Holds the coin at its peg from both sides: above it anyone mints here and sells, below it anyone buys and redeems
        here. Both at par less a fee, never at a price: the hub's price of the reserve only says whether minting is open,
        and what the reserve counts for in equity. A reserve that loses its peg stops minting and never redeeming.
        It is a minter of the coin: its ceiling there bounds what it has outstanding, and what it has outstanding is
        never more than what it holds at par. Fees stay in the reserve and so raise equity; nobody can take the reserve
        out but by burning coins.
@custom:security As a minter it could burn anybody's coins: it passes its own caller only. Only what came in by `mint` is
        booked, so that a donation changes nothing; what is booked and no longer there is not counted as backing. A
        reserve can refuse to move and so stop the swaps here, and nothing else. Coins are minted after the reserve has
        arrived, and burned before it leaves, so that `backing` is true inside a reserve's callback too.
@custom:rounding Coins and amounts paid, and backing, down.
@custom:freeze set_minting_paused, or a ceiling of 0 at the coin, stops minting; nothing stops redeeming.
"""
from ethereum.ercs import IERC20Detailed
from ..interfaces import IPegStability
from ..interfaces import IPriceHub
from ..interfaces import IStablecoin
from .modules import governed
from .modules import margin_math
from .modules import price_word
from .modules import transfers

implements: IPegStability

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

BPS: constant(uint256) = 10_000
WAD: constant(uint256) = 10**18
MAX_FEE: constant(uint256) = 100  # bps
MIN_GUARD: constant(uint256) = 9 * 10**17
MIN_DECIMALS: constant(uint256) = 6
MAX_DECIMALS: constant(uint256) = 18
AMOUNT_MASK: constant(uint256) = 2**128 - 1

TOKEN_GAS: constant(uint256) = 200_000  # a proxied token needs a tenth of it
CALL_GAS: constant(uint256) = 4_000  # what is spent between a gas check and the callee's first step

# where the fields of `_settings` begin
GUARD_MASK: constant(uint256) = 2**88 - 1
FEE_MASK: constant(uint256) = 2**16 - 1
MINT_FEE: constant(uint256) = 88
REDEEM_FEE: constant(uint256) = 104
PAUSED: constant(uint256) = 1 << 120

coin: public(reentrant(immutable(address)))
reserve: public(reentrant(immutable(address)))
hub: public(reentrant(immutable(address)))
kind: public(reentrant(immutable(uint256)))
reserve_decimals: public(reentrant(immutable(uint256)))

# came in by `mint` and has not gone out by `redeem`, base units
reserve_held: public(uint256)
# guard_price:88 (WAD) | mint_fee:16 (bps) | redeem_fee:16 (bps) | is_minting_paused:8
_settings: uint256


@deploy
def __init__(
    governor: address,
    coin_: address,
    reserve_: address,
    hub_: address,
    kind_: uint256,
    mint_fee_bps: uint256,
    redeem_fee_bps: uint256,
    guard_price: uint256,
):
    """
    @param reserve_ the token held for coins, 6 to 18 decimals
    @param kind_ its kind at the hub, which must be listed already
    @param guard_price WAD, 0.9 to 1
    """
    governed.__init__(governor)
    assert coin_.is_contract, "coin has no code"
    assert hub_.is_contract, "hub has no code"
    assert reserve_ != coin_, "the coin itself"
    assert reserve_ != empty(address) and staticcall IPriceHub(hub_).token_of(kind_) == reserve_, "token not priced"
    decimals: uint256 = convert(staticcall IERC20Detailed(reserve_).decimals(), uint256)
    assert decimals >= MIN_DECIMALS and decimals <= MAX_DECIMALS, "bad decimals"
    coin = coin_
    reserve = reserve_
    hub = hub_
    kind = kind_
    reserve_decimals = decimals
    self._set_fees(mint_fee_bps, redeem_fee_bps)
    self._set_guard(guard_price)


# swaps


@external
def mint(amount: uint256, receiver: address) -> uint256:
    """
    @notice Bring in `amount` of the reserve, which the caller has approved, and mint coins for it to `receiver`.
    @dev Nothing is booked before the reserve has come in, and the lock is held: whatever a hostile reserve calls in the
         middle, `backing` goes on saying what was true before. Hence the effects after the transfer.
    @custom:rounding coins down; the fee stays in the reserve
    @return coins minted
    """
    self._check_receiver(receiver)
    settings: uint256 = self._settings
    coins: uint256 = self._coins_for_down(amount, settings)
    self._check_open(settings, extcall IPriceHub(hub).sync_one(kind))

    held: uint256 = self.reserve_held + amount
    transfers.pull(reserve, msg.sender, amount)
    transfers.check_solvent(reserve, held)
    self.reserve_held = held
    log IPegStability.Minted(payer=msg.sender, receiver=receiver, amount=amount, coins=coins, reserve_held=held)
    assert extcall IStablecoin(coin).mint(receiver, coins), "above ceiling"
    return coins


@external
def redeem(coins: uint256, receiver: address) -> uint256:
    """
    @notice Burn `coins` of the caller, which needs no allowance, and pay the reserve for them to `receiver`. All of `coins`
            are burned: what is less than a base unit of the reserve is lost to their holder. Nothing refuses this but
            a reserve that does not hold enough.
    @custom:rounding the amount down; the fee stays in the reserve
    @return amount paid, above 0
    """
    self._check_receiver(receiver)
    held: uint256 = self.reserve_held
    amount: uint256 = self._amount_for_down(coins, self._settings, held)

    held -= amount
    self.reserve_held = held
    assert extcall IStablecoin(coin).burn(msg.sender, coins)
    log IPegStability.Redeemed(payer=msg.sender, receiver=receiver, coins=coins, amount=amount, reserve_held=held)
    transfers.push(reserve, receiver, amount)
    return amount


@internal
@view
def _check_receiver(receiver: address):
    """
    @notice What is paid to this contract would be lost: neither coins nor an unbooked reserve ever leave it.
    """
    assert receiver != empty(address) and receiver != self, "bad receiver"


@internal
@view
def _coins_for_down(amount: uint256, settings: uint256) -> uint256:
    """
    @notice Coins for an amount of the reserve: its value at par less the fee, above 0.
    """
    assert settings & PAUSED == 0, "minting paused"
    assert amount <= AMOUNT_MASK, "amount too large"
    worth: uint256 = margin_math.value_down(amount, WAD, reserve_decimals)  # exact: at most 18 decimals
    coins: uint256 = margin_math.mul_div_down(worth, BPS - (settings >> MINT_FEE & FEE_MASK), BPS)
    assert coins != 0, "zero amount"
    return coins


@internal
@view
def _check_open(settings: uint256, word: uint256):
    """
    @notice Refuse while the hub does not vouch for the reserve: by the lower of its two prices, and by what its oracle says
            this very moment. A swap at par has no cushion for the minute that a word may be old.
    """
    price: price_word.Price = price_word.unpack(word)
    live: uint256 = staticcall IPriceHub(hub).live_price(kind)
    assert price.flags & price_word.FAILED == 0 and live != 0, "price failed"
    assert price.flags & price_word.CONFIRMING == 0, "price confirming"
    assert min(price.lo, live) >= settings & GUARD_MASK, "below guard"


@internal
@view
def _amount_for_down(coins: uint256, settings: uint256, held: uint256) -> uint256:
    """
    @notice Reserve for coins at par, less the fee: above 0 and at most what is held.
    """
    assert coins <= AMOUNT_MASK, "amount too large"
    worth: uint256 = margin_math.mul_div_down(coins, BPS - (settings >> REDEEM_FEE & FEE_MASK), BPS)
    amount: uint256 = margin_math.mul_div_down(worth, 10**reserve_decimals, WAD)
    assert amount != 0, "zero amount"
    assert amount <= held, "reserve too low"
    return amount


# governance


@external
def set_fees(mint_fee_bps: uint256, redeem_fee_bps: uint256):
    """
    @notice Set what each side keeps, at most 100 bps. Governor only.
    """
    governed.check_governor()
    self._set_fees(mint_fee_bps, redeem_fee_bps)


@external
def set_guard(guard_price: uint256):
    """
    @notice Set the price (WAD, 0.9 to 1) of the reserve below which nothing is minted. Governor only.
    """
    governed.check_governor()
    self._set_guard(guard_price)


@external
def set_minting_paused(paused: bool):
    """
    @notice Stop minting, or let it go on. Redeeming cannot be stopped. Governor only.
    """
    governed.check_governor()
    self._settings = self._settings | PAUSED if paused else self._settings & ~PAUSED
    log IPegStability.MintingPaused(paused=paused)


@internal
def _set_fees(mint_fee_bps: uint256, redeem_fee_bps: uint256):
    assert mint_fee_bps <= MAX_FEE and redeem_fee_bps <= MAX_FEE, "fee too high"
    others: uint256 = self._settings & ~((FEE_MASK << MINT_FEE) | (FEE_MASK << REDEEM_FEE))
    self._settings = others | (mint_fee_bps << MINT_FEE) | (redeem_fee_bps << REDEEM_FEE)
    log IPegStability.FeesSet(mint_fee_bps=mint_fee_bps, redeem_fee_bps=redeem_fee_bps)


@internal
def _set_guard(guard_price: uint256):
    """
    @dev Above par it would stop minting for good, far below it would guard nothing.
    """
    assert guard_price >= MIN_GUARD and guard_price <= WAD, "bad guard"
    self._settings = (self._settings & ~GUARD_MASK) | guard_price
    log IPegStability.GuardSet(guard_price=guard_price)


# views


# check: allow stale-view - it counts what is booked and really there, the smaller of the two; see below
@external
@view
@reentrant
def backing() -> uint256:
    """
    @notice What the reserve counts for in the system's equity, in coin units: what is booked and really there, at the
            hub's lower price and never above par; 0 while the hub has no price. Never reverts for what token or feed do.
    @dev Does not take the lock: inside a reserve's callback the fund would count a refusal as nothing, which is a deficit
         that somebody could draw conclusions from. `mint` and `redeem` keep it true at every moment.
    @custom:rounding down
    """
    price: price_word.Price = price_word.unpack(staticcall IPriceHub(hub).read_one(kind))
    there: uint256 = min(self.reserve_held, self._balance())
    return margin_math.value_down(there, min(price.lo, WAD), reserve_decimals)


@internal
@view
def _balance() -> uint256:
    """
    @notice The reserve that this contract has, 0 where the token does not say. It gets a fixed purse: a token that burns
            its gas must not take the caller's, and nobody must be able to make it fail by starving it.
    """
    assert msg.gas - msg.gas // 64 > TOKEN_GAS + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        reserve,
        abi_encode(self, method_id=method_id("balanceOf(address)")),
        max_outsize=32,
        gas=TOKEN_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32:
        return 0
    return convert(answer, uint256)


@external
@view
def preview_mint(amount: uint256) -> uint256:
    """
    @notice Coins that `mint` would give now; reverts with the reason for which `mint` would refuse. It does not ask what
            the payer owns.
    """
    settings: uint256 = self._settings
    coins: uint256 = self._coins_for_down(amount, settings)
    self._check_open(settings, staticcall IPriceHub(hub).read_one(kind))
    assert coins <= staticcall IStablecoin(coin).headroom(self), "above ceiling"
    return coins


@external
@view
def preview_redeem(coins: uint256) -> uint256:
    """
    @notice Reserve that `redeem` would pay now; reverts with the reason for which `redeem` would refuse. It does not
            ask what the payer owns.
    """
    return self._amount_for_down(coins, self._settings, self.reserve_held)


@external
@view
def mintable() -> uint256:
    """
    @notice The most reserve that `mint` would take now, base units: 0 while it takes none.
    @dev The largest `worth` with floor(worth * kept / BPS) <= headroom is the last below (headroom + 1) * BPS / kept.
    @custom:rounding down
    """
    settings: uint256 = self._settings
    price: price_word.Price = price_word.unpack(staticcall IPriceHub(hub).read_one(kind))
    headroom: uint256 = staticcall IStablecoin(coin).headroom(self)
    if settings & PAUSED != 0 or price.flags != 0 or headroom == 0:
        return 0
    if min(price.lo, staticcall IPriceHub(hub).live_price(kind)) < settings & GUARD_MASK:
        return 0
    kept: uint256 = BPS - (settings >> MINT_FEE & FEE_MASK)
    worth: uint256 = margin_math.mul_div_up(headroom + 1, BPS, kept) - 1
    return margin_math.mul_div_down(worth, 10**reserve_decimals, WAD)


@external
@view
def redeemable() -> uint256:
    """
    @notice The most coins that `redeem` would burn now: 0 for an empty reserve.
    @dev The largest `coins` for which `_amount_for_down` finds no more than what is held, by the same inverse.
    @custom:rounding down
    """
    held: uint256 = self.reserve_held
    if held == 0:
        return 0
    kept: uint256 = BPS - (self._settings >> REDEEM_FEE & FEE_MASK)
    return margin_math.mul_div_up(margin_math.value_down(held + 1, WAD, reserve_decimals), BPS, kept) - 1


@external
@view
@reentrant
def guard_price() -> uint256:
    """
    @notice The price (WAD) of the reserve below which nothing is minted.
    """
    return self._settings & GUARD_MASK


@external
@view
@reentrant
def mint_fee_bps() -> uint256:
    """
    @notice What minting keeps.
    """
    return self._settings >> MINT_FEE & FEE_MASK


@external
@view
@reentrant
def redeem_fee_bps() -> uint256:
    """
    @notice What redeeming keeps.
    """
    return self._settings >> REDEEM_FEE & FEE_MASK


@external
@view
@reentrant
def is_minting_paused() -> bool:
    """
    @notice Whether governance has stopped minting.
    """
    return self._settings & PAUSED != 0
