# SPDX-License-Identifier: MIT
"""How each case of the table is brought about on a live system, so that everybody can try it."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data

from surety.access import TABLE
from surety.model.signature import operator_digest
from tests.access.stage import PROOFS, Attempt, Stage, proves
from tests.uniswap import Uniswap, path_of
from tests.unit.listings.desk import Desk
from tests.unit.oracles.pyth import FEED, PUBLISHER, Message
from tests.world import MAX, WAD

SIGNER = Account.from_key("0x" + "51" * 32)
FOREVER = 2**64
DEBT = 14_500 * WAD  # of 10 eth at 2,000: within the initial level, and below maintenance at 1,780
CALLABLE, RUINED = 1_780 * WAD, 1_600 * WAD
# who cannot pay itself: the vault would have to bring in what it holds already
PAYER = {"without": ("vault",)}


# contracts that begin with their governor


for _name, _contract in TABLE.items():
    if "propose_governor" in _contract.writes:

        @proves(_name, "propose_governor")
        def _(stage: Stage, name: str = _name) -> Attempt:
            return Attempt(name, "propose_governor", (stage.actors["stranger"],))

        @proves(_name, "accept_governor")
        def _(stage: Stage, name: str = _name) -> Attempt:
            stage.govern(name, "propose_governor", stage.actors["successor"])
            return Attempt(name, "accept_governor", ())


# accounts


def account(stage: Stage, sub: int = 3, debt: int = DEBT) -> int:
    """Open an account of the owner with 10 eth."""
    return stage.world.open([(0, 10 * WAD)], debt, sub=sub)


def covered(stage: Stage) -> int:
    return account(stage, debt=4_000 * WAD)


def free(stage: Stage) -> int:
    """Open an account of the owner with 10 eth and no debt."""
    id = stage.world.id(stage.world.owner, 7)
    stage.world.vault.transact("deposit", id, 0, 10 * WAD, sender=stage.world.owner)
    return id


def callable_(stage: Stage) -> int:
    id = account(stage)
    stage.world.follow(CALLABLE)
    return id


def in_auction(stage: Stage) -> int:
    id = callable_(stage)
    world = stage.world
    world.vault.transact("margin_call", id, sender=world.keeper)
    world.forward(world.book.grace_period + 60)
    world.follow(CALLABLE)
    return id


def absorbable(stage: Stage) -> int:
    id = in_auction(stage)
    world = stage.world
    world.follow(RUINED)
    world.forward(world.book.auction_duration)
    world.follow(RUINED)
    return id


def absorbed(stage: Stage) -> int:
    id = absorbable(stage)
    stage.world.vault.transact("absorb", id, sender=stage.world.keeper)
    return id


@proves("Vault", "deposit")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "deposit", (covered(stage), 0, WAD), **PAYER)


@proves("Vault", "deposit")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "deposit", (covered(stage), 1, 10**8))


@proves("Vault", "withdraw")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "withdraw", (free(stage), 0, WAD, stage.world.owner))


@proves("Vault", "withdraw")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "withdraw", (covered(stage), 0, WAD, stage.world.owner))


@proves("Vault", "borrow")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "borrow", (covered(stage), WAD, stage.world.owner))


@proves("Vault", "repay")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "repay", (covered(stage), WAD))


def adjusts(stage: Stage, legs: list[tuple[int, int]], debt: int, data: bytes = b"") -> Attempt:
    receiver = stage.world.owner
    only = ("robot",) if data else ()
    args = (covered(stage), legs, debt, receiver, data)
    without = () if data else ("vault",)
    return Attempt("Vault", "adjust", args, only=only, without=without)


@proves("Vault", "adjust")
def _(stage: Stage) -> Attempt:
    return adjusts(stage, [(0, WAD)], -WAD)


@proves("Vault", "adjust")
def _(stage: Stage) -> Attempt:
    return adjusts(stage, [(1, 10**8)], 0)


@proves("Vault", "adjust")
def _(stage: Stage) -> Attempt:
    return adjusts(stage, [], WAD)


@proves("Vault", "adjust")
def _(stage: Stage) -> Attempt:
    return adjusts(stage, [(0, -WAD)], 0)


@proves("Vault", "adjust")
def _(stage: Stage) -> Attempt:
    return adjusts(stage, [(0, WAD)], -WAD, b"now")


@proves("Vault", "move")
def _(stage: Stage) -> Attempt:
    other = account(stage, 1, 2_000 * WAD)
    return Attempt("Vault", "move", (covered(stage), other, [(0, WAD)], 100 * WAD))


@proves("Vault", "move")
def _(stage: Stage) -> Attempt:
    empty = stage.world.id(stage.world.owner, 1)
    return Attempt("Vault", "move", (free(stage), empty, [(0, WAD)], 0))


@proves("Vault", "set_margin_model")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "set_margin_model", (covered(stage), 0))


@proves("Vault", "margin_call")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "margin_call", (callable_(stage),))


@proves("Vault", "margin_calls")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "margin_calls", ([callable_(stage)],))


@proves("Vault", "take")
def _(stage: Stage) -> Attempt:
    args = (in_auction(stage), 0, WAD, MAX, stage.world.keeper, b"")
    return Attempt("Vault", "take", args)


@proves("Vault", "take")
def _(stage: Stage) -> Attempt:
    args = (in_auction(stage), 0, WAD, MAX, stage.world.keeper, b"now")
    return Attempt("Vault", "take", args, only=("robot",))


@proves("Vault", "takes")
def _(stage: Stage) -> Attempt:
    order = (in_auction(stage), 0, WAD, MAX)
    return Attempt("Vault", "takes", ([order], stage.world.keeper))


@proves("Vault", "cure")
def _(stage: Stage) -> Attempt:
    id = in_auction(stage)
    stage.world.follow(2_000 * WAD)
    return Attempt("Vault", "cure", (id,))


@proves("Vault", "absorb")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "absorb", (absorbable(stage),))


@proves("Vault", "accrue")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "accrue", ())


# the book's end, its fund and its governor


@proves("Vault", "withdraw_absorbed")
def _(stage: Stage) -> Attempt:
    absorbed(stage)
    return Attempt("Vault", "withdraw_absorbed", (0, WAD, stage.actors["keeper"]))


@proves("Vault", "withdraw_absorbed")
def _(stage: Stage) -> Attempt:
    absorbed(stage)
    stage.govern("Settlement", "shutdown", stage.world.vault.address)
    return Attempt("Vault", "withdraw_absorbed", (0, WAD, stage.actors["keeper"]))


@proves("Vault", "shutdown")
def _(_stage: Stage) -> Attempt:
    return Attempt("Vault", "shutdown", ())


@proves("Vault", "settle")
def _(stage: Stage) -> Attempt:
    id = account(stage)
    stage.govern("Settlement", "shutdown", stage.world.vault.address)
    return Attempt("Vault", "settle", (id, 10**26, 0))


@proves("Vault", "list_collateral")
def _(stage: Stage) -> Attempt:
    token, oracle = stage.new("MockToken", "N", "N", 18), stage.new("MockOracle", 2_000 * WAD)
    args = (3_600, WAD, 10**24, 10**6, 10**6, 1_000, 10**7)
    stage.govern("PriceHub", "list_kind", token.address, oracle.address, *args)
    levels = (7_500, 8_000, 8_500, 10_100, 8_800)
    kind = len(stage.world.tokens)
    return Attempt("Vault", "list_collateral", (kind, token.address, *levels, 10**24, False))


def _governed(contract: str, function: str, *args: Any) -> None:
    @proves(contract, function)
    def _(_stage: Stage) -> Attempt:
        return Attempt(contract, function, args)


_governed("Vault", "set_levels", 0, 7_400, 7_900, 8_500, 10_100, 8_800)
_governed("Vault", "set_cap", 0, 10**24)
_governed("Vault", "set_frozen", 0, True)
_governed("Vault", "set_pauses", 1)
_governed("Vault", "set_rate", 10**18)
_governed("Vault", "set_default_model", True)


@proves("Vault", "propose_fund")
def _(stage: Stage) -> Attempt:
    return Attempt("Vault", "propose_fund", (stage.actors["stranger"],))


@proves("Vault", "accept_fund")
def _(stage: Stage) -> Attempt:
    stage.govern("Vault", "propose_fund", stage.actors["next fund"])
    return Attempt("Vault", "accept_fund", ())


# the coin


@proves("Stablecoin", "mint")
def _(stage: Stage) -> Attempt:
    return Attempt("Stablecoin", "mint", (stage.victim, WAD))


@proves("Stablecoin", "burn")
def _(stage: Stage) -> Attempt:
    # of nobody's coins but one's own, which differ: each burns none of their own
    return Attempt("Stablecoin", "burn", (stage.actors["robot"], WAD), only=("robot",))


@proves("Stablecoin", "burn")
def _(stage: Stage) -> Attempt:
    return Attempt("Stablecoin", "burn", (stage.victim, WAD))


@proves("Stablecoin", "set_ceiling")
def _(stage: Stage) -> Attempt:
    return Attempt("Stablecoin", "set_ceiling", (stage.actors["stranger"], MAX // 2**137))


@proves("Stablecoin", "transfer")
def _(stage: Stage) -> Attempt:
    return Attempt("Stablecoin", "transfer", (stage.victim, WAD))


@proves("Stablecoin", "transferFrom")
def _(stage: Stage) -> Attempt:
    stage.rpc.impersonate(stage.victim)
    stage.rpc.set_balance(stage.victim, 10**20)
    spender = stage.actors["operator"]
    stage.world.coin.transact("approve", spender, WAD, sender=stage.victim)
    return Attempt("Stablecoin", "transferFrom", (stage.victim, spender, WAD))


@proves("Stablecoin", "approve")
def _(stage: Stage) -> Attempt:
    return Attempt("Stablecoin", "approve", (stage.victim, WAD))


@proves("Stablecoin", "permit")
def _(stage: Stage) -> Attempt:
    coin, spender = stage.world.coin, stage.actors["keeper"]
    domain = {
        "name": coin.read("name"),
        "version": "1",
        "chainId": stage.rpc.chain_id,
        "verifyingContract": coin.address,
    }
    names = ("owner", "spender", "value", "nonce", "deadline")
    types = ("address", "address", "uint256", "uint256", "uint256")
    fields = [{"name": name, "type": kind} for name, kind in zip(names, types, strict=True)]
    values = (SIGNER.address, spender, WAD, 0, FOREVER)
    message = dict(zip(names, values, strict=True))
    signed = SIGNER.sign_message(encode_typed_data(domain, {"Permit": fields}, message))
    words = (signed.r.to_bytes(32), signed.s.to_bytes(32))
    args = (SIGNER.address, spender, WAD, FOREVER, signed.v, *words)
    return Attempt("Stablecoin", "permit", args)


@proves("Stablecoin", "flashLoan")
def _(stage: Stage) -> Attempt:
    coin = stage.world.coin.address
    stage.govern("Stablecoin", "set_flash", 9, RICH_LOAN)
    borrower = stage.new("MockBorrower")
    allow = stage.world.coin.encode("approve", coin, MAX)
    keeper = stage.actors["keeper"]
    borrower.transact("execute", coin, allow, sender=keeper)
    stage.world.coin.transact("transfer", borrower.address, 100 * WAD, sender=keeper)
    return Attempt("Stablecoin", "flashLoan", (borrower.address, coin, RICH_LOAN, b""))


RICH_LOAN = 1_000 * WAD
_governed("Stablecoin", "set_flash", 9, RICH_LOAN)


# prices and listing


_governed("PriceHub", "sync", 1)
_governed("PriceHub", "sync_one", 0)
_governed("PriceHub", "poke", 7)


@proves("PriceHub", "list_kind")
def _(stage: Stage) -> Attempt:
    token, oracle = stage.new("MockToken", "N", "N", 18), stage.new("MockOracle", 2_000 * WAD)
    args = (token.address, oracle.address, 3_600, WAD, 10**24, 10**6, 10**6, 1_000, 10**7)
    return Attempt("PriceHub", "list_kind", args)


@proves("PriceHub", "set_oracle")
def _(stage: Stage) -> Attempt:
    return Attempt("PriceHub", "set_oracle", (0, stage.new("MockOracle", 2_000 * WAD).address))


_governed("PriceHub", "set_bounds", 0, 500 * WAD, 9_000 * WAD)
_governed("PriceHub", "set_max_age", 0, 80_000)
_governed("PriceHub", "set_limits", 0, 10**6, 10**6, 1_000, 10**7)


@proves("PriceHub", "set_sequencer")
def _(stage: Stage) -> Attempt:
    return Attempt("PriceHub", "set_sequencer", (stage.new("MockUptimeFeed").address,))


@proves("Listings", "list")
def _(stage: Stage) -> Attempt:
    desk = Desk(stage.world)
    args = (stage.world.vault.address, desk.good().struct())
    return Attempt("Listings", "list", args)


@proves("Listings", "list")
def _(stage: Stage) -> Attempt:
    world, stranger = stage.world, stage.actors["stranger"]
    system = world.system
    parts = (system.coin, system.hub, system.operators, system.margin_models, system.settlement)
    vault = stage.new("Vault", stranger, *parts, *world.book.numbers)
    args = (vault.address, Desk(world).good().struct())
    return Attempt("Listings", "list", args, only=("stranger",))


# the fund


_governed("InsuranceFund", "recapitalise", WAD)


@proves("InsuranceFund", "collect")
def _(stage: Stage) -> Attempt:
    absorbed(stage)
    return Attempt("InsuranceFund", "collect", (stage.world.vault.address, 0))


def _lot(stage: Stage) -> str:
    """Let the fund hold collateral that a book absorbed."""
    absorbed(stage)
    vault = stage.world.vault.address
    stage.act("keeper", "InsuranceFund", "collect", vault, 0)
    return vault


@proves("InsuranceFund", "start_auction")
def _(stage: Stage) -> Attempt:
    return Attempt("InsuranceFund", "start_auction", (_lot(stage), 0))


@proves("InsuranceFund", "buy")
def _(stage: Stage) -> Attempt:
    stage.act("keeper", "InsuranceFund", "start_auction", _lot(stage), 0)
    args = (stage.world.tokens[0].address, WAD, MAX, stage.actors["keeper"])
    return Attempt("InsuranceFund", "buy", args)


@proves("InsuranceFund", "reap")
def _(stage: Stage) -> Attempt:
    world = stage.world
    world.forward(365 * 86_400)  # of interest, which is surplus
    world.follow(2_000 * WAD)
    return Attempt("InsuranceFund", "reap", ())


@proves("InsuranceFund", "add_book")
def _(stage: Stage) -> Attempt:
    system = stage.world.system
    parts = (system.coin, system.hub, system.operators, system.margin_models, system.settlement)
    vault = stage.new("Vault", stage.actors["stranger"], *parts, *stage.world.book.numbers)
    return Attempt("InsuranceFund", "add_book", (vault.address,))


@proves("InsuranceFund", "accept_book")
def _(stage: Stage) -> Attempt:
    vault = stage.world.vault.address
    stage.govern("Vault", "propose_fund", stage.world.fund.address)
    return Attempt("InsuranceFund", "accept_book", (vault,))


@proves("InsuranceFund", "retire_book")
def _(stage: Stage) -> Attempt:
    attempt = PROOFS["InsuranceFund", "add_book"][0](stage)
    stage.govern("InsuranceFund", "add_book", *attempt.args)
    return Attempt("InsuranceFund", "retire_book", attempt.args)


@proves("InsuranceFund", "add_reserve")
def _(stage: Stage) -> Attempt:
    other = stage.new(
        "PegStability",
        stage.timelock.address,
        stage.world.coin.address,
        stage.world.tokens[2].address,
        stage.world.hub.address,
        2,
        *(0, 0, WAD),
    )
    return Attempt("InsuranceFund", "add_reserve", (other.address,))


@proves("InsuranceFund", "remove_reserve")
def _(stage: Stage) -> Attempt:
    peg = stage.contracts["PegStability"].address
    return Attempt("InsuranceFund", "remove_reserve", (peg,))


@proves("InsuranceFund", "set_treasury")
def _(stage: Stage) -> Attempt:
    return Attempt("InsuranceFund", "set_treasury", (stage.actors["stranger"],))


_governed("InsuranceFund", "set_buffer", 200)
_governed("InsuranceFund", "set_reaping_paused", True)
_governed("InsuranceFund", "set_auction", 3 * 3_600, 10_200, 8_100)


# the peg


@proves("PegStability", "mint")
def _(stage: Stage) -> Attempt:
    args = (100 * 10**6, stage.actors["keeper"])
    return Attempt("PegStability", "mint", args, without=("peg",))


@proves("PegStability", "redeem")
def _(stage: Stage) -> Attempt:
    stage.act("keeper", "PegStability", "mint", 1_000 * 10**6, stage.victim)
    return Attempt("PegStability", "redeem", (WAD, stage.actors["keeper"]))


_governed("PegStability", "set_fees", 10, 20)
_governed("PegStability", "set_guard", WAD * 98 // 100)
_governed("PegStability", "set_minting_paused", True)


# settlement


def shut(stage: Stage, price: int = 2_000 * WAD) -> int:
    id = account(stage)
    stage.world.follow(price)
    stage.govern("Settlement", "shutdown", stage.world.vault.address)
    return id


def settled(stage: Stage, price: int = 2_000 * WAD) -> None:
    """Shut the book down and settle everybody in it."""
    vault, world = stage.world.vault.address, stage.world
    id = shut(stage, price)
    world.forward(8 * 86_400)
    rich = world.id(world.other, 255)
    stage.act("keeper", "Settlement", "settles", vault, [id, rich])


def redeeming(stage: Stage, price: int = 2_000 * WAD) -> None:
    settled(stage, price)
    stage.act("keeper", "Settlement", "open_redemption", stage.world.vault.address)


@proves("Settlement", "shutdown")
def _(stage: Stage) -> Attempt:
    return Attempt("Settlement", "shutdown", (stage.world.vault.address,))


@proves("Settlement", "settle")
def _(stage: Stage) -> Attempt:
    id = shut(stage, 1_400 * WAD)
    return Attempt("Settlement", "settle", (stage.world.vault.address, id))


@proves("Settlement", "settle")
def _(stage: Stage) -> Attempt:
    return Attempt("Settlement", "settle", (stage.world.vault.address, shut(stage)))


@proves("Settlement", "settles")
def _(stage: Stage) -> Attempt:
    return Attempt("Settlement", "settles", (stage.world.vault.address, [shut(stage)]))


@proves("Settlement", "open_redemption")
def _(stage: Stage) -> Attempt:
    settled(stage)
    return Attempt("Settlement", "open_redemption", (stage.world.vault.address,))


@proves("Settlement", "relieve")
def _(stage: Stage) -> Attempt:
    vault, world = stage.world.vault.address, stage.world
    redeeming(stage, 1_300 * WAD)  # 1,500 coins short, less what the book has earned
    claims, backing = (world.settlement.read(name, vault) for name in ("claims_of", "backing_of"))
    assert claims > backing + 1_000 * WAD
    stage.act("keeper", "InsuranceFund", "recapitalise", 500 * WAD)
    return Attempt("Settlement", "relieve", (vault,))


@proves("Settlement", "redeem")
def _(stage: Stage) -> Attempt:
    redeeming(stage)
    return Attempt("Settlement", "redeem", (stage.world.vault.address, WAD, stage.victim))


def _owed(stage: Stage, holder: str) -> str:
    """Let a token refuse what somebody redeems, and then work again."""
    vault, token = stage.world.vault.address, stage.world.tokens[0].address
    redeeming(stage)
    code = stage.rpc.code(token)
    stage.set_code(token, bytes.fromhex("5f5ffd"))  # reverts
    stage.act("keeper", "Settlement", "redeem", vault, 1_000 * WAD, holder)
    stage.set_code(token, code)
    return vault


@proves("Settlement", "claim")
def _(stage: Stage) -> Attempt:
    owner = stage.actors["owner"]
    return Attempt("Settlement", "claim", (_owed(stage, owner), 0, owner, owner))


@proves("Settlement", "claim")
def _(stage: Stage) -> Attempt:
    owner, other = stage.actors["owner"], stage.actors["keeper"]
    return Attempt("Settlement", "claim", (_owed(stage, owner), 0, owner, other))


@proves("Settlement", "sweep")
def _(stage: Stage) -> Attempt:
    redeeming(stage)
    stage.world.forward(366 * 86_400)
    return Attempt("Settlement", "sweep", (stage.world.vault.address,))


# operators and models


@proves("Operators", "set_operator")
def _(stage: Stage) -> Attempt:
    args = (stage.world.vault.address, stage.actors["stranger"], MAX)
    return Attempt("Operators", "set_operator", args)


@proves("Operators", "set_operator_by_signature")
def _(stage: Stage) -> Attempt:
    operators, vault = stage.world.operators.address, stage.world.vault.address
    fields = (vault, SIGNER.address, stage.actors["keeper"], 1)
    digest = operator_digest(operators, stage.rpc.chain_id, *fields, 0, FOREVER)
    signed = Account.unsafe_sign_hash(digest, SIGNER.key)
    signature = signed.r.to_bytes(32) + signed.s.to_bytes(32) + bytes([signed.v])
    return Attempt("Operators", "set_operator_by_signature", (*fields, FOREVER, signature))


_governed("Operators", "lockdown")


@proves("MarginModels", "list_model")
def _(stage: Stage) -> Attempt:
    return Attempt("MarginModels", "list_model", (1, stage.new("MockModel").address))


@proves("MarginModels", "use_default")
def _(stage: Stage) -> Attempt:
    return Attempt("MarginModels", "use_default", (stage.world.vault.address, True))


_governed("TieredMargin", "set_brackets", 0, [1_000 * WAD], [100, 200])
_governed("TieredMargin", "set_scale", 0, WAD, 2 * WAD, 100)


# oracles


@proves("ShareOracle", "refresh")
def _(stage: Stage) -> Attempt:
    asset = stage.world.tokens[0].address
    shares = stage.new("FalseShareVault", asset, 18, 11 * 10**17)
    below = stage.new("MockOracle", 2_000 * WAD).address
    args = (shares.address, below, 140_000, 1_000, 86_400, 11 * 10**26)
    stage.contracts["ShareOracle"] = stage.new("ShareOracle", *args)
    stage.world.forward(90_000)
    return Attempt("ShareOracle", "refresh", ())


@proves("PythOracle", "update")
def _(stage: Stage) -> Attempt:
    pyth = stage.new("MockPyth", PUBLISHER, 1)
    stage.contracts["PythOracle"] = stage.new("PythOracle", pyth.address, FEED, 100)
    signed = Message(2_000 * 10**8, stage.world.now).sign(pyth.address, stage.rpc.chain_id)
    return Attempt("PythOracle", "update", ([signed],), value=1)


# wrapped ether, and leverage over an exchange


def _wrapped(stage: Stage) -> int:
    """Let an account of the owner have wrapped ether, and the gateway act for it."""
    world, gateway = stage.world, stage.contracts["WethGateway"]
    world.set_operator(gateway.address, MAX, sender=world.owner)
    id = world.id(world.owner, 9)
    gateway.transact("deposit", id, value=10 * WAD, sender=world.owner)
    return id


@proves("WethGateway", "__default__")
def _(_stage: Stage) -> Attempt:
    return Attempt("WethGateway", "__default__", (), value=WAD)


@proves("WethGateway", "deposit")
def _(stage: Stage) -> Attempt:
    return Attempt("WethGateway", "deposit", (_wrapped(stage),), value=WAD)


@proves("WethGateway", "deposit")
def _(stage: Stage) -> Attempt:
    return Attempt("WethGateway", "deposit", (_wrapped(stage) + 1,), value=WAD)


@proves("WethGateway", "withdraw")
def _(stage: Stage) -> Attempt:
    receiver = stage.actors["keeper"]
    return Attempt("WethGateway", "withdraw", (_wrapped(stage), WAD, receiver))


@proves("WethGateway", "withdraw")
def _(stage: Stage) -> Attempt:
    id, owner = _wrapped(stage), stage.world.owner
    stage.world.vault.transact("borrow", id, 2_000 * WAD, owner, sender=owner)
    return Attempt("WethGateway", "withdraw", (id, WAD, stage.actors["keeper"]))


def _zap(stage: Stage, amounts: dict[str, int] | None = None) -> tuple[int, bytes, bytes]:
    """Bring an exchange with one pool and a zap beside it, and let the zap act for the owner."""
    world, eth = stage.world, stage.world.tokens[0]
    uniswap = Uniswap(stage.rpc, world.governor, stage.weth.address)
    for token in (*world.tokens[:2], world.coin):
        token.transact("approve", uniswap.positions.address, MAX, sender=world.keeper)
    usual = {eth.address: 400 * WAD, world.coin.address: 800_000 * WAD}
    uniswap.pool(amounts or usual, world.keeper)
    stage.contracts["LeverageZap"] = zap = stage.new(
        "LeverageZap", world.vault.address, uniswap.router.address
    )
    world.set_operator(zap.address, MAX, sender=world.owner)
    pair = (world.coin.address, eth.address)
    return covered(stage), path_of(*pair), path_of(*reversed(pair))


@proves("LeverageZap", "leverage")
def _(stage: Stage) -> Attempt:
    id, there, _ = _zap(stage)
    return Attempt("LeverageZap", "leverage", (id, 0, 0, 1_000 * WAD, 1, there, FOREVER))


@proves("LeverageZap", "deleverage")
def _(stage: Stage) -> Attempt:
    id, _, back = _zap(stage)
    return Attempt("LeverageZap", "deleverage", (id, 0, WAD // 10, WAD, 1, back, FOREVER))


@proves("LeverageZap", "close")
def _(stage: Stage) -> Attempt:
    id, there, _ = _zap(stage)
    return Attempt("LeverageZap", "close", (id, 0, 9 * WAD, there, FOREVER))


@proves("LeverageZap", "swap_collateral")
def _(stage: Stage) -> Attempt:
    eth, btc = stage.world.tokens[:2]
    id, _, _ = _zap(stage, {eth.address: 400 * WAD, btc.address: 20 * 10**8})
    path = path_of(eth.address, btc.address)
    return Attempt("LeverageZap", "swap_collateral", (id, 0, WAD, 1, 10**6, path, FOREVER))


@proves("LeverageZap", "on_adjust")
def _(stage: Stage) -> Attempt:
    return Attempt("LeverageZap", "on_adjust", (_zap(stage)[0], b""))


# the timelock


def _act(stage: Stage) -> tuple[str, bytes]:
    """Return a call that governance may make: a little less interest."""
    vault = stage.world.vault
    rate = vault.read("interest") >> 168 & 2**66 - 1
    return vault.address, vault.encode("set_rate", rate * 99 // 100)


def _proposed(stage: Stage) -> tuple[int, str, bytes]:
    target, data = _act(stage)
    stage.act("admin", "Governor", "propose", target, data)
    return stage.timelock.read("act_count"), target, data


@proves("Governor", "propose")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "propose", _act(stage))


@proves("Governor", "execute")
def _(stage: Stage) -> Attempt:
    args = _proposed(stage)
    stage.world.forward(8 * 86_400)
    return Attempt("Governor", "execute", args)


@proves("Governor", "execute_expecting")
def _(stage: Stage) -> Attempt:
    desk, listings = Desk(stage.world), stage.world.listings
    data = listings.encode("list", stage.world.vault.address, desk.good(cap=100 * WAD).struct())
    stage.act("admin", "Governor", "propose", listings.address, data)
    stage.world.forward(3 * 86_400)
    keeper = stage.actors["keeper"]
    desk.source.transact("set_report", 2_000 * WAD, stage.world.now, sender=keeper)
    args = (stage.timelock.read("act_count"), listings.address, data, 2_000 * WAD)
    return Attempt("Governor", "execute_expecting", args)


@proves("Governor", "cancel")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "cancel", _proposed(stage)[:1])


@proves("Governor", "veto")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "veto", _proposed(stage)[:1])


@proves("Governor", "tighten")
def _(stage: Stage) -> Attempt:
    vault = stage.world.vault
    args = (vault.address, vault.encode("set_frozen", 0, True))
    return Attempt("Governor", "tighten", args)


@proves("Governor", "pause")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "pause", (stage.world.vault.address, 1))


@proves("Governor", "keep")
def _(stage: Stage) -> Attempt:
    timelock, vault = stage.timelock, stage.world.vault.address
    data = timelock.encode("set_pause", vault, 1, True)
    key = timelock.read("preview", timelock.address, data, 0, False)[1]
    stage.act("guardian", "Governor", "pause", vault, 1)
    return Attempt("Governor", "keep", (key,))


@proves("Governor", "lapse")
def _(stage: Stage) -> Attempt:
    timelock, vault = stage.timelock, stage.world.vault.address
    data = timelock.encode("set_pause", vault, 1, True)
    key = timelock.read("preview", timelock.address, data, 0, False)[1]
    stage.act("guardian", "Governor", "pause", vault, 1)
    stage.world.forward(7 * 86_400 + 1)
    return Attempt("Governor", "lapse", (key,))


def _ramp(stage: Stage) -> tuple[str, int]:
    place = stage.world.vault.address, 0
    levels = (7_400, 7_900, 8_500, 10_100, 8_800)
    stage.govern("Governor", "ramp", *place, *levels)
    stage.world.forward(3_600)
    return place


@proves("Governor", "advance")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "advance", _ramp(stage))


@proves("Governor", "halt")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "halt", _ramp(stage))


@proves("Governor", "adopt")
def _(stage: Stage) -> Attempt:
    model = stage.new("TieredMargin", stage.actors["keeper"])
    model.transact("propose_governor", stage.timelock.address, sender=stage.actors["keeper"])
    stage.govern("Governor", "register", model.address, 9)
    return Attempt("Governor", "adopt", (model.address,))


@proves("Governor", "accept_admin")
def _(stage: Stage) -> Attempt:
    stage.govern("Governor", "propose_admin", stage.actors["successor"])
    return Attempt("Governor", "accept_admin", ())


@proves("Governor", "register")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "register", (stage.contracts["TieredMargin"].address, 9))


for _function in ("set_guardian", "propose_admin"):

    @proves("Governor", _function)
    def _(stage: Stage, function: str = _function) -> Attempt:
        return Attempt("Governor", function, (stage.actors["stranger"],))


@proves("Governor", "set_pause")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "set_pause", (stage.world.vault.address, 1, True))


@proves("Governor", "ramp")
def _(stage: Stage) -> Attempt:
    args = (stage.world.vault.address, 0, 7_400, 7_900, 8_500, 10_100, 8_800)
    return Attempt("Governor", "ramp", args)


@proves("Governor", "retire")
def _(stage: Stage) -> Attempt:
    return Attempt("Governor", "retire", (stage.world.vault.address,))
