# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Listings: a kind of collateral is listed whole, or not at all
@notice Whoever governs a vault and its hub lists a kind through here in one call. The token's decimals and the live price
        are read and held against what the caller expects: a feed that answers for something else (a ratio for a price,
        another coin, other decimals) is found before anything can be borrowed on it. Every refusal has a reason of
        its own and comes before the first write; `preview` gives the same reasons to anyone.
        It remembers nothing and nobody owns it. A hub names it at construction, and with that
        every vault over that hub.
@custom:security Token and oracle are asked by static calls with a fixed purse, so neither can write, re-enter or starve
        anything. They may still answer each caller differently: what hub and vault have stored is compared with what
        was checked here, and the whole listing reverts where it differs. A vault that lies about its governor or its
        hub gains nothing: the hub that is written to is asked for its own governor.
@custom:freeze Nothing to freeze. Vault and hub also take listings from their governor directly.
"""
from ..interfaces import IListings
from ..interfaces import IPriceHub
from ..interfaces import IVault
from .modules import ledger

implements: IListings

interface Governed:
    def governor() -> address: view

interface Hub:
    def kind_count() -> uint256: view
    def list_kind(
        token: address,
        oracle: address,
        max_age: uint256,
        min_price: uint256,
        max_price: uint256,
        slew_down: uint256,
        slew_up: uint256,
        jump_bps: uint256,
        sigma_ref: uint256,
    ) -> uint256: nonpayable

BPS: constant(uint256) = 10_000
MAX_KINDS: constant(uint256) = 32
MAX_START_FACTOR: constant(uint256) = 11_000
MAX_DEVIATION: constant(uint256) = 500  # bps between the live price and the expected one
JUMP_STEP: constant(uint256) = 50  # bps
MAX_JUMP: constant(uint256) = 12_750  # bps: 255 steps

# Below `min` a kind has failed and cannot be sold, so a fall that real coins have in a day must fit above it: 40 %.
# Bounds a thousand times off would let a ratio pass for a price (1.1 for 2,200), or one decimal count for another.
MAX_FLOOR: constant(uint256) = 6_000  # bps of the expected price that `min` may be
MAX_ROOM: constant(uint256) = 1_000

ORACLE_GAS: constant(uint256) = 300_000  # what the hub gives it
TOKEN_GAS: constant(uint256) = 200_000  # a proxied token needs a tenth of it
CALL_GAS: constant(uint256) = 4_000  # what is spent between a gas check and the callee's first step

PRICE_MASK: constant(uint256) = 2**88 - 1
PRICES_MASK: constant(uint256) = 2**176 - 1  # lo and hi of a price word
SHORT_MASK: constant(uint256) = 2**24 - 1
SIGMA_MASK: constant(uint256) = 2**40 - 1

# what was read and found good
struct Found:
    decimals: uint256
    price: uint256  # WAD
    updated_at: uint256  # the oracle's time
    kind: uint256


@external
def list(vault: address, listing: IListings.Listing) -> uint256:
    """
    @notice List a kind on the vault's hub and in the vault, both or neither. Only who is governor of both.
    @return kind the number by which the hub and the vault know the token
    """
    hub: address = self.hub_of(vault)
    assert msg.sender == staticcall Governed(vault).governor(), "not the vault's governor"
    assert msg.sender == staticcall Governed(hub).governor(), "not the hub's governor"
    found: Found = self.checked(vault, hub, listing)

    kind: uint256 = extcall Hub(hub).list_kind(
        listing.token,
        listing.oracle,
        listing.max_age,
        listing.min_price,
        listing.max_price,
        listing.slew_down,
        listing.slew_up,
        listing.jump_bps,
        listing.sigma_ref,
    )
    extcall IVault(vault).list_collateral(
        kind,
        listing.token,
        listing.initial_ltv,
        listing.maintenance_ltv,
        listing.close_out_ltv,
        listing.start_factor,
        listing.end_factor,
        listing.cap,
        listing.isolated,
    )
    self.check_outcome(vault, hub, listing, found, kind)
    log IListings.Listed(
        vault=vault,
        kind=kind,
        token=listing.token,
        oracle=listing.oracle,
        decimals=found.decimals,
        price=found.price,
    )
    return kind


@internal
@view
def check_outcome(vault: address, hub: address, listing: IListings.Listing, found: Found, kind: uint256):
    """
    @notice Compare what hub and vault have stored with what was checked: both have asked token and oracle again, and a
            token or an oracle can answer each caller differently.
    """
    word: uint256 = (
        convert(listing.token, uint256)
        | listing.initial_ltv << ledger.INITIAL_LTV
        | listing.maintenance_ltv << ledger.MAINTENANCE_LTV
        | listing.close_out_ltv << ledger.CLOSE_OUT_LTV
        | listing.start_factor << ledger.START_FACTOR
        | listing.end_factor << ledger.END_FACTOR
        | found.decimals << ledger.DECIMALS
    )
    assert (
        kind == found.kind
        and staticcall IPriceHub(hub).token_of(kind) == listing.token
        and staticcall IPriceHub(hub).words(kind) & PRICES_MASK == found.price | found.price << 88
        and staticcall IVault(vault).collateral(kind) == word
    ), "not listed as asked"


# views


@external
@view
def preview(vault: address, listing: IListings.Listing) -> (uint256, uint256, uint256, uint256):
    """
    @notice What `list` would read and give now; reverts with the reason for which `list` would revert, whoever asks.
    @return decimals of the token
    @return price WAD coin units per whole token, from the oracle
    @return updated_at the oracle's own time of that price
    @return kind the number that the token would get
    """
    found: Found = self.checked(vault, self.hub_of(vault), listing)
    return found.decimals, found.price, found.updated_at, found.kind


@internal
@view
def hub_of(vault: address) -> address:
    assert vault.is_contract, "vault has no code"
    return staticcall IVault(vault).hub()


@internal
@view
def checked(vault: address, hub: address, listing: IListings.Listing) -> Found:
    """
    @notice Refuse everything that can be refused, from what is cheap to say to what must be asked.
    """
    assert staticcall IPriceHub(hub).listings() == self, "not the hub's listings"
    self.check_limits(listing)
    self.check_levels(vault, listing)
    found: Found = empty(Found)
    found.kind = self.free_kind(vault, hub, listing.token)
    found.decimals = self.decimals_of(vault, listing)
    found.price, found.updated_at = self.price_of(listing)
    self.check_room(listing)
    return found


@internal
@pure
def check_limits(listing: IListings.Listing):
    """
    @notice Refuse what the hub cannot hold.
    """
    assert listing.max_age != 0 and listing.max_age <= SHORT_MASK, "bad max age"
    assert listing.slew_down != 0 and listing.slew_down <= SHORT_MASK, "bad slew"
    assert listing.slew_up != 0 and listing.slew_up <= SHORT_MASK, "bad slew"
    assert (
        listing.jump_bps != 0 and listing.jump_bps <= MAX_JUMP and listing.jump_bps % JUMP_STEP == 0
    ), "bad jump"
    assert listing.sigma_ref != 0 and listing.sigma_ref <= SIGMA_MASK, "bad sigma"
    assert (
        listing.min_price != 0
        and listing.min_price < listing.max_price
        and listing.max_price <= PRICE_MASK
    ), "bad bounds"


@internal
@view
def check_levels(vault: address, listing: IListings.Listing):
    """
    @notice Refuse what the vault would: it says why each of these must hold.
    """
    assert (
        listing.initial_ltv < listing.maintenance_ltv
        and listing.maintenance_ltv < listing.close_out_ltv
        and listing.close_out_ltv <= listing.end_factor
    ), "bad levels"
    assert (
        listing.start_factor >= BPS and listing.start_factor <= MAX_START_FACTOR and listing.end_factor < BPS
    ), "bad factors"
    penalty: uint256 = staticcall IVault(vault).liquidation_penalty()
    assert listing.maintenance_ltv * (BPS + penalty) <= listing.end_factor * BPS, "bad factors"
    assert listing.cap != 0, "zero cap"
    assert listing.cap <= ledger.HALF_MASK, "cap too large"


@internal
@view
def free_kind(vault: address, hub: address, token: address) -> uint256:
    """
    @notice The number that the hub gives next, which the vault must have free.
    """
    assert token.is_contract, "token has no code"
    assert token != staticcall IVault(vault).coin(), "the coin itself"
    count: uint256 = staticcall Hub(hub).kind_count()
    for kind: uint256 in range(MAX_KINDS):
        if kind < count:
            assert staticcall IPriceHub(hub).token_of(kind) != token, "already listed"
        listed: uint256 = staticcall IVault(vault).collateral(kind) & ledger.TOKEN_MASK
        assert listed != convert(token, uint256), "already listed"
    assert count < MAX_KINDS, "too many kinds"
    assert staticcall IVault(vault).collateral(count) == 0, "kind is taken"
    return count


@internal
@view
def decimals_of(vault: address, listing: IListings.Listing) -> uint256:
    """
    @notice The token's decimals, as expected. What has decimals but no balances is no token: a price feed, perhaps.
    """
    answered: bool = False
    decimals: uint256 = 0
    answered, decimals = self.asked(listing.token, method_id("decimals()", output_type=Bytes[4]))
    assert answered and decimals <= 255, "decimals failed"
    assert decimals >= 6 and decimals <= 18, "bad decimals"
    assert decimals == listing.decimals, "decimals differ"
    answered = self.asked(listing.token, abi_encode(vault, method_id=method_id("balanceOf(address)")))[0]
    assert answered, "not a token"
    return decimals


@internal
@view
def asked(token: address, call: Bytes[36]) -> (bool, uint256):
    """
    @notice What a token answers, if that is exactly one word.
    """
    assert msg.gas - msg.gas // 64 > TOKEN_GAS + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[64] = b""
    success, answer = raw_call(
        token,
        call,
        max_outsize=64,  # one word more than is right, so that a longer answer shows
        gas=TOKEN_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32:
        return False, 0
    return True, convert(slice(answer, 0, 32), uint256)


@internal
@view
def price_of(listing: IListings.Listing) -> (uint256, uint256):
    """
    @notice The live price, as expected, and its time. Judged as the hub does, with a reason for each verdict.
    """
    assert listing.oracle.is_contract, "oracle has no code"
    assert msg.gas - msg.gas // 64 > ORACLE_GAS + CALL_GAS, "gas too low"
    success: bool = False
    answer: Bytes[96] = b""
    success, answer = raw_call(
        listing.oracle,
        method_id("price()"),
        max_outsize=96,  # one word more than is right, so that a longer answer shows
        gas=ORACLE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert success and len(answer) == 64, "oracle failed"
    price: uint256 = extract32(answer, 0, output_type=uint256)
    updated_at: uint256 = extract32(answer, 32, output_type=uint256)
    assert price != 0, "no price"
    assert updated_at <= block.timestamp, "price from the future"
    assert block.timestamp - updated_at <= listing.max_age, "price is stale"
    assert price > listing.min_price and price < listing.max_price, "price outside bounds"
    assert listing.expected_price <= PRICE_MASK, "price deviates"
    assert (
        price * BPS >= listing.expected_price * (BPS - MAX_DEVIATION)
        and price * BPS <= listing.expected_price * (BPS + MAX_DEVIATION)
    ), "price deviates"
    return price, updated_at


@internal
@pure
def check_room(listing: IListings.Listing):
    """
    @notice Refuse bounds that guard nothing, or that a real fall would break. By the expected price and not the live
            one, so that the outcome does not turn on the second.
    """
    assert listing.min_price * BPS <= listing.expected_price * MAX_FLOOR, "bounds too tight"
    assert listing.min_price * MAX_ROOM >= listing.expected_price, "bounds too wide"
    assert listing.max_price <= listing.expected_price * MAX_ROOM, "bounds too wide"
