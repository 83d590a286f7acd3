# SPDX-License-Identifier: MIT
"""One book on a node, with its model: every move is predicted, made, and compared word by word."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from surety import paths
from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import (
    LOCAL_KINDS,
    LOOSE_LIMITS,
    MAJOR,
    MAJOR_LIMITS,
    STABLE,
    STABLE_LIMITS,
    BookParams,
    Limits,
    LocalKind,
    SystemParams,
    local_kinds,
)
from surety.model import (
    Book,
    FeedHub,
    FixedHub,
    Kind,
    MarginModel,
    Position,
    Price,
    Refused,
    Rules,
    Sequencer,
)
from surety.model.coin import Stablecoin
from surety.model.fund import InsuranceFund
from surety.model.governor import Call
from surety.model.margin import FailingModel, TieredMargin
from surety.model.peg import Peg
from surety.model.settlement import REDEEMING, SETTLING, Settlement
from surety.model.signature import operator_digest
from surety.model.state import NO_KIND
from surety.model.system import Foreseen, MinterCoin, System, Timelock, foresee
from tests.book import guards_of
from tests.stateful.node import Node
from tests.stateful.tokens import WRITES, Turning, WaryBook
from tests.world import BPS, MAX, WAD, World

FEED_SCALE = 10**10
ISOLATED = 3
# the three that matter, one that may not share an account, and enough for "too many kinds"
KINDS = (
    *LOCAL_KINDS,
    LocalKind("alone", 18, 100 * WAD, MAJOR),
    *(LocalKind(f"small{number}", 18, 10 * WAD, MAJOR) for number in range(6)),
)
# what the hub prices and the vault does not list at first: one that it may, one that it may not
LATER = (LocalKind("later", 12, 10 * WAD, MAJOR), LocalKind("coarse", 5, 10 * WAD, MAJOR))
ALL_KINDS = (*KINDS, *LATER)
BASE = tuple(kind.price for kind in ALL_KINDS)
UNIT = tuple(10**kind.decimals for kind in ALL_KINDS)
ENVIRONMENT = (
    "answer",
    "break_feed",
    "say",
    "ceiling",
    "tokens",
    "coins",
    "steps",
    "sign",
    "brackets",
    "scale",
    "plan",
    "told",
    "turn",
    "block",
)
# what the hub's governor and anybody may do to its prices, and what their sources say
PRICES = (
    "report",
    "uptime",
    "poke",
    "set_oracle",
    "set_limits",
    "set_bounds",
    "set_max_age",
)
QUIET = (
    "answer",
    "break_feed",
    "say",
    "plan",
    "turn",
    "block",
)  # of ENVIRONMENT: change what is said, and no word
VAULT_ROLE = 3  # of interfaces/IGovernor.vyi
RESERVE = 2  # the kind that is also the reserve of the peg
GUARD = 98 * WAD // 100
LOOKS = ("coin.totalSupply", "fund.equity")  # views, which must not fail
SPARES = (0, 1, 2)  # kinds with a second oracle
LIARS = (1,)  # kinds whose token may turn
HOSTILE = 1  # the kind whose second oracle answers in any shape
# what the fund remembers in words of its own, by the names of its getters and of its model
FUND_FIELDS = (
    "treasury",
    "buffer_bps",
    "is_reaping_paused",
    "reaped_at",
    "auction_duration",
    "start_factor",
    "end_factor",
)
FIELDS = ("_words", "_configs", "_bounds", "_volatility")  # of the hub, a word each a kind

# who logs what a book does; all else the vault
SPEAKERS = {"MarginModelListed": "models", "OperatorSet": "operators", "LockedDown": "operators"}
OPERATORS = ("set_operator", "set_operator_by_signature", "lockdown")


class Move(NamedTuple):
    """One transaction: who makes it, at which second, and what it is.

    `what` is a function of the vault, or one of ENVIRONMENT or PRICES.
    """

    at: int
    who: str
    what: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a campaign begins with: `hub` is "feeds" (the PriceHub) or "words" (told directly).

    `usual`: the feeds' prices move within the limits that are deployed, instead of any others.
    `governed`: a Governor governs the vault, instead of people with keys.
    """

    hub: str
    book: BookParams = BookParams()  # noqa: RUF009 - frozen
    usual: bool = False
    governed: bool = False


class Disagreement(AssertionError):
    """The vault and its model differ."""


@cache
def slots_of(name: str) -> dict[str, int]:
    """Return the storage slots of a contract's variables, its modules' included."""
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData

    source = next(paths.contracts().rglob(f"{name}.vy"))
    bundle = FilesystemInputBundle([*map(Path, reversed(sys.path)), paths.root()])
    data = CompilerData(bundle.load_file(source), bundle)
    found: dict[str, int] = {}

    def walk(layout: dict[str, Any]) -> None:
        for key, item in layout.items():
            if "slot" in item:
                found[key] = item["slot"]
            else:
                walk(item)

    walk(data.storage_layout["storage_layout"])
    return found


def at_key(slot: int, key: int) -> int:
    """Return where Vyper keeps a mapping's value."""
    return int.from_bytes(keccak(slot.to_bytes(32) + key.to_bytes(32)))


class Scene:
    """Contracts, people, ten accounts, the model, and what was sent so far."""

    def __init__(self, node: Node, setup: Setup) -> None:
        self.node, self.setup = node, setup
        rpc = node.rpc
        governor = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        params = [
            replace(
                kind,
                isolated=number == ISOLATED,
                limits=self.limits_of(kind.levels),
                min_price=BASE[number] // 10,
                max_price=BASE[number] * 4,
            )
            for number, kind in enumerate(local_kinds(governor, ALL_KINDS))
        ]
        for number in LIARS:
            name, decimals = ALL_KINDS[number].name, ALL_KINDS[number].decimals
            liar = deploy_contract(governor, artifact("TurningToken"), name, name, decimals)
            params[number] = replace(params[number], token=liar)
        self.world = world = World(rpc, SystemParams(tuple(params[: len(KINDS)]), setup.book))
        self.operators = world.contract("Operators", world.vault.read("operators"))
        models = deploy_contract(governor, artifact("MarginModels"), world.governor)
        self.models = world.contract("MarginModels", models)
        self.hub = world.hub
        self.tokens = [
            world.contract("TurningToken" if number in LIARS else "MockToken", kind.token)
            for number, kind in enumerate(params)
        ]
        self.feeds = [world.contract("MockAggregator", kind.aggregator) for kind in params]
        self.oracles = [kind.oracle for kind in world.system.kinds]
        for kind in params[len(KINDS) :]:
            oracle = deploy_contract(governor, artifact("ChainlinkOracle"), kind.aggregator)
            self.oracles.append(oracle)
            bounds = (kind.max_age, kind.min_price, kind.max_price)
            limits = astuple(kind.limits)
            self.hub.transact("list_kind", kind.token, oracle, *bounds, *limits, sender=governor)
        if setup.hub == "words":
            self._use_told_prices(params)
        else:
            self._prepare_prices(governor)
        self.vault = self._new_vault(params)
        actor = deploy_contract(governor, artifact("MockActor"))
        self.actor = Contract(rpc, actor, artifact("MockActor").abi)
        self.governor, self.keeper = world.governor, world.keeper
        self.tiered = [
            world.contract(
                "TieredMargin", deploy_contract(governor, artifact("TieredMargin"), world.governor)
            )
            for _ in range(2)
        ]
        self.twins = {model.address.lower(): TieredMargin() for model in self.tiered}
        # nothing that a margin model answers: what the actor returns to any call
        self.twins_all: dict[str, MarginModel] = {**self.twins, actor.lower(): FailingModel()}
        self.backed = self._new("MockBacked", world.coin.address)
        self.idle = self._new("MockBacked", world.coin.address)  # a reserve that holds nothing
        self.borrower = self._new("MockBorrower")
        address = (world.governor, world.coin.address, self.tokens[RESERVE].address)
        terms = (self.hub.address, RESERVE, 5, 10, GUARD)
        self.peg = self._new("PegStability", *address, *terms)
        self.proxies = {contract.address: contract for contract in (self.actor, self.borrower)}
        self.owners = [world.owner, world.other, world.operator, world.stranger, *self.proxies]
        self.redeemers = [*self.owners, self.keeper]
        self.people = [*self.owners, self.keeper, self.governor, world.fund.address]
        self.people += [self.vault.address, world.system.settlement]
        self.people.append(self.peg.address)
        subs = ((0, 1, 255), (0, 7), (0, 1), (0,), (0, 1), (0,))
        self.ids = [
            world.id(who, sub) for who, own in zip(self.owners, subs, strict=True) for sub in own
        ]
        self.moves: list[Move] = []
        self.logs: list[tuple[tuple[str, ...], bytes]] = []
        self.heard: dict[int, int] = {}  # what an indexer of these logs knows, up to some of them
        self.heard_balances: dict[tuple[int, int], int] = {}
        self.heard_to = 0
        self.fund_everybody()
        self._appoint_fund()
        self.parts = {
            "vault": self.vault,
            "models": self.models,
            "operators": self.operators,
            "coin": world.coin,
            "fund": world.fund,
            "peg": self.peg,
            "settlement": world.contract("Settlement", world.system.settlement),
        }
        self.silent = {events()[name][0] for name in ("Transfer", "Approval")}
        told = {self.backed.address: self.backed.read("backing"), self.idle.address: 0}
        endings = Settlement(world.system.settlement, minters={self.vault.address})
        book, fund = self._read_book(), self._read_fund()
        peg = Peg(
            self.peg.address,
            world.governor,
            self._purse(book),
            ALL_KINDS[RESERVE].decimals,
            book.hub.read(1 << RESERVE, world.now)[RESERVE],
            *(self.peg.read(name) for name in ("mint_fee_bps", "redeem_fee_bps", "guard_price")),
        )
        self.system = System(book, fund, endings, peg, RESERVE, told)
        if setup.governed:
            self.system.governor = self._hand_over()
        self.supply = self.coin.total_supply  # from then on what its logs say
        self._prepare_reading()
        self.check_words()

    def _new(self, name: str, *args: Any) -> Contract:
        """Deploy one more contract."""
        sender = UnlockedSender(self.world.rpc, self.world.governor)
        return self.world.contract(name, deploy_contract(sender, artifact(name), *args))

    @property
    def book(self) -> WaryBook:
        """The book as the model has it now."""
        book = self.system.book
        assert isinstance(book, WaryBook)
        return book

    @property
    def coin(self) -> Stablecoin:
        """The coin as the model has it now."""
        return self.system.coin

    def limits_of(self, levels: Any) -> Limits:
        """Return within which limits a kind's price moves here."""
        if not self.setup.usual:
            return LOOSE_LIMITS
        return STABLE_LIMITS if levels == STABLE else MAJOR_LIMITS

    def _prepare_prices(self, governor: UnlockedSender) -> None:
        """Give some kinds an oracle to change to, and the hub an uptime feed: always up so far."""
        rpc, aggregator = self.world.rpc, artifact("MockAggregator")
        self.spares: dict[int, tuple[Contract, str]] = {}
        for kind in SPARES:
            feed = deploy_contract(governor, aggregator, 8, BASE[kind] // FEED_SCALE)
            oracle = deploy_contract(governor, artifact("ChainlinkOracle"), feed)
            self.spares[kind] = Contract(rpc, feed, aggregator.abi), oracle
        hostile = self._new("HostileOracle", BASE[HOSTILE] // FEED_SCALE)
        self.spares[HOSTILE] = hostile, hostile.address
        self.uptime = Contract(rpc, deploy_contract(governor, aggregator, 0, 0), aggregator.abi)
        self.uptime.transact("set_round", 0, 1, 1, 1, sender=governor)
        self.hub.transact("set_sequencer", self.uptime.address, sender=governor)

    def _use_told_prices(self, params: Sequence[Any]) -> None:
        """Put a hub that says what it is told in the place of the honest one."""
        sender = UnlockedSender(self.world.rpc, self.world.governor)
        self.hub = self.world.contract("MockHub", deploy_contract(sender, artifact("MockHub")))
        for number, kind in enumerate(params):
            word = (number, BASE[number], BASE[number], BPS, BPS, 0)
            self.hub.transact("set_kind", number, kind.token, sender=sender)
            self.hub.transact("set_word", *word, sender=sender)

    def _new_vault(self, params: Sequence[Any]) -> Contract:
        """Open a second book, with a list of margin models, over this scene's hub."""
        world, book = self.world, self.setup.book
        sender = UnlockedSender(world.rpc, world.governor)
        address = deploy_contract(
            sender,
            artifact("Vault"),
            world.governor,
            world.coin.address,
            self.hub.address,
            self.operators.address,
            self.models.address,
            world.system.settlement,
            *book.numbers,
        )
        vault = world.contract("Vault", address)
        world.coin.transact("set_ceiling", address, book.ceiling, sender=sender)
        for number, kind in enumerate(params[: len(KINDS)]):
            levels = kind.levels
            vault.transact(
                "list_collateral",
                number,
                kind.token,
                levels.initial_ltv,
                levels.maintenance_ltv,
                levels.close_out_ltv,
                levels.start_factor,
                levels.end_factor,
                kind.cap,
                kind.isolated,
                sender=sender,
            )
        return vault

    def fund_everybody(self) -> None:
        world = self.world
        for minter, most in (
            (self.backed.address, 2**119),
            (self.peg.address, 10**7 * WAD),
            (world.fund.address, 10**6 * WAD),
        ):
            world.coin.transact("set_ceiling", minter, most, sender=self.governor)
        self.backed.transact("give", self.keeper, 10**9 * WAD, sender=self.governor)
        data = world.coin.encode("approve", world.coin.address, MAX)
        self.borrower.transact("execute", world.coin.address, data, sender=self.governor)
        for who in self.redeemers:
            self._approve(world.coin, who, world.system.settlement)
        for who in self.owners:
            for kind, token in enumerate(self.tokens):
                token.transact("mint", who, 10**9 * UNIT[kind], sender=self.governor)
                for spender in (self.vault.address, self.peg.address):
                    self._approve(token, who, spender)

    def _approve(self, token: Contract, who: str, spender: str) -> None:
        """Let a contract move all of a token that somebody has."""
        if who not in self.proxies:
            token.transact("approve", spender, MAX, sender=who)
        else:
            data = token.encode("approve", spender, MAX)
            self.proxies[who].transact("execute", token.address, data, sender=self.governor)

    def _appoint_fund(self) -> None:
        """Let the fund count this book, and no other, and what backs coins from elsewhere."""
        fund, idle, governor = self.world.fund, self.world.vault, self.governor
        self.vault.transact("propose_fund", fund.address, sender=governor)
        fund.transact("add_book", self.vault.address, sender=governor)
        self.world.coin.transact("set_ceiling", idle.address, 0, sender=governor)
        fund.transact("retire_book", idle.address, sender=governor)
        for reserve in (self.backed, self.peg):
            fund.transact("add_reserve", reserve.address, sender=governor)

    def _hand_over(self) -> Timelock:
        """Put the vault under a Governor, whose admin and guardian have keys."""
        admin, guardian = self.governor, self.keeper
        rules, vault = self._new("GovernanceRules"), self.vault.address
        governor = self._new("Governor", admin, guardian, rules.address, [(vault, VAULT_ROLE)])
        self.vault.transact("propose_governor", governor.address, sender=admin)
        governor.transact("adopt", vault, sender=admin)
        self.parts["governor"] = governor
        self.book.governor = governor.address
        book = self.system._parameters(self.world.now)
        return Timelock(admin, guardian, book, address=governor.address)

    def call_data(self, call: Call) -> tuple[str, bytes]:
        """Return target and data of an act."""
        fn, args = call
        if fn in ("set_pause", "ramp"):
            governor = self.parts["governor"]
            return governor.address, governor.encode(fn, self.vault.address, *args)
        return self.vault.address, self.vault.encode(fn, *args)

    def key_of(self, key: tuple[Any, ...]) -> bytes:
        """Return the chain's key of a parameter of the model's."""
        fn, *index = key
        target, vault = self.vault, self.vault.address
        if fn in ("set_pause", "ramp"):
            target = self.parts["governor"]
        functions = target.interface.functions
        (selector,) = {found.selector for (name, _), found in functions.items() if name == fn}
        words: list[Any] = index or [int(vault, 16)]
        types = ["address", "bytes4", *["uint256"] * len(words)]
        if fn == "set_pause":
            types, words = ["address", "bytes4", "address", "uint256"], [vault, *index]
        return bytes(keccak(encode(types, [target.address, selector, *words])))

    def sent_args(self, move: Move) -> tuple[Any, ...]:
        """Return what goes on the chain for a move's arguments: a governor takes calls as data."""
        name, args = move.what, move.args
        if name in ("governor.propose", "governor.tighten"):
            return self.call_data(args[0])
        if name == "governor.execute":
            return args[0], *self.call_data(args[1])
        if name in ("governor.lapse", "governor.keep"):
            return (self.key_of(args[0]),)
        if name in ("governor.pause", "governor.advance", "governor.halt"):
            return self.vault.address, *args
        return args

    def check_governor(self) -> None:
        """Compare what the governor remembers with the model: acts, guards, ramps."""
        governor, ours, vault = self.parts["governor"], self.system.governor, self.vault.address
        assert ours is not None
        self.same("act_count", governor.read("act_count"), len(ours.acts))
        for at, act in list(enumerate(ours.acts))[-4:]:
            times = (act.proposed_at, act.ready_at, act.expires_at, act.state)
            self.same(f"acts({at + 1})", tuple(governor.read("acts", at + 1)[1:5]), times)
        for key, guard in ours.guards.items():
            at, target, undo = governor.read("guards", self.key_of(key))
            self.same(
                f"guard {key}", (at, int(target, 16) != 0), (guard.guarded_at, bool(guard.undo))
            )
            if guard.undo is not None:
                self.same(f"undo {key}", undo, self.call_data(guard.undo)[1])
        for kind in self.book.kinds:
            ramp = ours.ramps.get(kind)
            goal = (*ramp.goal, ramp.moved_at) if ramp else (0,) * 6
            self.same(f"ramp {kind}", tuple(governor.read("ramps", vault, kind)), goal)

    def _read_fund(self) -> InsuranceFund:
        """Take over what the fund remembers: nothing is for sale yet."""
        fund = self.world.fund
        names = ("governor", "treasury", "buffer_bps", "books", "reserves")
        found = (fund.read(name) for name in names)
        governor, treasury, buffer_bps, books, reserves = found
        return InsuranceFund(
            fund.address, governor, treasury, buffer_bps, list(books), list(reserves)
        )

    def _purse(self, book: Book) -> Stablecoin:
        assert isinstance(book.coin, MinterCoin)
        return book.coin.coin

    def _read_book(self) -> WaryBook:
        """Take over what the chain remembers."""
        world, vault, params = self.world, self.vault, self.setup.book
        kinds = {k: Kind.unpack(vault.read("collateral", k)) for k in range(len(KINDS))}
        words = [Price.unpack(self.hub.read("words", kind)) for kind in range(len(ALL_KINDS))]
        tokens = {kind: token.address for kind, token in enumerate(self.tokens)}
        feeds = [
            (answer * FEED_SCALE, at)
            for _, answer, _, at, _ in (feed.read("latestRoundData") for feed in self.feeds)
        ]
        book = WaryBook(
            turning={kind: Turning() for kind in LIARS},
            fund_at=world.fund.address,
            rules=Rules(
                grace_period=params.grace_period,
                auction_duration=params.auction_duration,
                call_cool_down=params.call_cool_down,
                debt_floor=params.debt_floor,
                call_tip=params.call_tip,
                liquidation_penalty=params.liquidation_penalty,
                vault=vault.address,
                coin=world.coin.address,
                operators=self.operators.address,
                margin_models_at=self.models.address,
                settlement=vault.read("settlement"),
                chain_id=world.rpc.chain_id,
                margin_models=self.twins_all,
            ),
            hub=FixedHub(dict(enumerate(words)), tokens)
            if self.setup.hub == "words"
            else FeedHub(
                world.params.fresh_for,
                world.params.confirm_period,
                guards_of(self.hub, len(ALL_KINDS)),
                words,
                list(feeds),
                {},
                tokens,
                Sequencer(0, 1),
                [],
            ),
            coin=MinterCoin(self._read_coin(), vault.address),
            governor=vault.read("governor"),
            models_governor=self.models.read("governor"),
            fund=vault.read("fund"),
            kinds=kinds,
            deposited={kind: vault.read("deposited", kind) % 2**128 for kind in kinds},
            caps={kind: vault.read("deposited", kind) >> 128 for kind in kinds},
            absorbed={kind: vault.read("absorbed", kind) for kind in kinds},
            positions={id: Position() for id in self.ids},
            held={
                (kind, who): token.read("balanceOf", who)
                for kind, token in enumerate(self.tokens)
                for who in self.people
            },
        )
        book.load_totals(vault.read("totals"))
        book.load_interest(vault.read("interest"))
        return book

    def _read_coin(self) -> Stablecoin:
        """Take over what the coin remembers; `people` hold all there is."""
        coin = self.world.coin
        minters = coin.read("minters")
        held = {int(who, 16): coin.read("balanceOf", who) for who in self.people}
        found = Stablecoin(
            coin.address,
            coin.read("governor"),
            chain_id=self.world.rpc.chain_id,
            balances={who: balance for who, balance in held.items() if balance},
            allowances={
                (int(owner, 16), int(spender, 16)): MAX
                for owner, spender in (
                    (self.borrower.address, coin.address),
                    *((who, self.world.system.settlement) for who in self.redeemers),
                )
            },
            minted={int(minter, 16): coin.read("minted", minter) for minter in minters},
            ceilings={int(minter, 16): coin.read("ceiling", minter) for minter in minters},
            burned_beyond=coin.read("burned_beyond"),
            flash_fee_bps=coin.read("flash_fee_bps"),
            flash_ceiling=coin.read("flash_ceiling"),
        )
        self.same("supply", coin.read("totalSupply"), found.total_supply)
        return found

    # reading

    def _prepare_reading(self) -> None:
        """Find every storage word that a move can change, and its name for a report."""
        vault, slots = self.vault.address, slots_of("Vault")
        self.slots: list[tuple[str, int]] = []
        self.names: list[str] = []

        def add(name: str, where: str, slot: int) -> None:
            self.names.append(name)
            self.slots.append((where, slot))

        for id in self.ids:
            add(f"accounts[{id:#x}]", vault, at_key(slots["accounts"], id))
            inner = at_key(slots["balances"], id)
            for kind in range(len(ALL_KINDS)):
                add(f"balances[{id:#x}][{kind}]", vault, at_key(inner, kind))
        for kind in range(len(ALL_KINDS)):
            add(f"collateral[{kind}]", vault, slots["collateral"] + kind)
            add(f"deposited[{kind}]", vault, slots["deposited"] + kind)
            add(f"absorbed[{kind}]", vault, slots["absorbed"] + kind)
        add("interest", vault, slots["interest"])
        add("totals", vault, slots["totals"])
        coin, coin_slots = self.world.coin.address, slots_of("Stablecoin")
        for who in self.people:
            add(f"coin[{who}]", coin, at_key(coin_slots["balanceOf"], int(who, 16)))
        fund, slots = self.world.fund.address, slots_of("InsuranceFund")
        for name in FUND_FIELDS:
            add(f"fund.{name}", fund, slots[name])
        for kind, token in enumerate(self.tokens):
            key = int(token.address, 16)
            add(f"fund._lots[{kind}]", fund, at_key(slots["_lots"], key))
            for place, name in enumerate(("hub", "kind", "decimals")):
                add(f"fund._sources[{kind}].{name}", fund, at_key(slots["_sources"], key) + place)
        for name in ("reserve_held", "_settings"):
            add(f"peg.{name}", self.peg.address, slots_of("PegStability")[name])
        ending, slots = self.parts["settlement"].address, slots_of("Settlement")
        key = int(vault, 16)
        for name in ("_states", "_shares", "_coins"):
            add(f"settlement.{name}", ending, at_key(slots[name], key))
        add("settlement._carried", ending, at_key(slots["_carried"], int(coin, 16)))
        for kind in range(len(ALL_KINDS)):
            add(f"settlement._kinds[{kind}]", ending, at_key(slots["_kinds"], key) + kind)
        self.minters = list(self.coin.minted)
        for minter in self.minters:
            add(f"coin minter[{minter:#x}]", coin, at_key(coin_slots["_minters"], minter))
        add("coin burned beyond", coin, coin_slots["_burned_beyond"])
        add("coin flash terms", coin, coin_slots["_flash_terms"])
        self.spenders = (self.keeper, self.owners[1])
        for owner in self.owners:
            for spender in self.spenders:
                inner = at_key(coin_slots["allowance"], int(owner, 16))
                add(f"allowance[{owner}][{spender}]", coin, at_key(inner, int(spender, 16)))
            add(f"nonces[{owner}]", coin, at_key(coin_slots["nonces"], int(owner, 16)))
        for kind in LIARS:
            for name in ("calls", "successes", "answer"):
                add(
                    f"token{kind}.{name}", self.tokens[kind].address, slots_of("TurningToken")[name]
                )
        for kind, token in enumerate(self.tokens):
            token_slots = slots_of("TurningToken" if kind in LIARS else "MockToken")
            for who in self.people:
                slot = at_key(token_slots["balanceOf"], int(who, 16))
                add(f"token{kind}[{who}]", token.address, slot)
        self.places = {name: at for at, name in enumerate(self.names)}
        self.price_slots, self.price_names = [], []
        if self.setup.hub == "feeds":
            hub_slots = slots_of("PriceHub")
            for kind in range(len(ALL_KINDS)):
                for name in FIELDS:
                    self.price_names.append(f"hub.{name}[{kind}]")
                    self.price_slots.append((self.hub.address, hub_slots[name] + kind))
        self._equity = self.world.fund.encode("equity")
        views = ("totalSupply", "flash_minted")
        self._coin_views = [self.world.coin.encode(name) for name in views]

    def expected_words(self) -> list[int]:
        """Return the words that the model remembers, in the order of `slots`."""
        book, kinds, found = self.book, range(len(ALL_KINDS)), []
        for id in self.ids:
            position = book.positions[id]
            found.append(position.word)
            balances = position.balances
            found += [balances.get(kind, 0) for kind in kinds]
        for kind in kinds:
            listed = book.kinds.get(kind)
            found.append(listed.word if listed else 0)
            found += (book.deposited_word(kind), book.absorbed.get(kind, 0))
        found += (book.interest_word, book.totals_word)
        coin = self.coin
        found += [coin.balance_of(who) for who in self.people]
        found += self._fund_words()
        found += self._ending_words()
        found += [coin.minted[m] | coin.ceilings[m] << 128 | 1 << 248 for m in self.minters]
        found += (coin.burned_beyond, coin.flash_ceiling | coin.flash_fee_bps << 128)
        for owner in self.owners:
            found += [coin.allowance(owner, spender) for spender in self.spenders]
            found.append(coin.nonces.get(int(owner, 16), 0))
        for kind in LIARS:
            token = book.turning[kind]
            found += (token.calls, token.successes, token.answer)
        found += [book.held[kind, who] for kind in kinds for who in self.people]
        return found

    def _fund_words(self) -> list[int]:
        """Return the words of fund and peg."""
        fund, peg, found = self.system.fund, self.system.peg, []
        for name in FUND_FIELDS:
            value = getattr(fund, name)
            found.append(int(value, 16) if isinstance(value, str) else int(value))
        for token in self.tokens:
            key = int(token.address, 16)
            source, lot = fund.sources.get(key), fund.lots.get(key)
            found.append(lot.word if lot else 0)
            found += (
                (int(self.hub.address, 16), source.kind, source.decimals) if source else (0, 0, 0)
            )
        found.append(peg.held)
        found.append(
            peg.guard_price
            | peg.mint_fee_bps << 88
            | peg.redeem_fee_bps << 104
            | peg.is_minting_paused << 120
        )
        return found

    def _ending_words(self) -> list[int]:
        """Return the settlement's words of this book."""
        ours, kinds = self.system.settlement, 0
        ending = ours.ending(self.book)
        if ending.phase in (SETTLING, REDEEMING):
            held = ending.prices if ending.phase == SETTLING else ending.pool
            kinds = sum(1 << kind for kind in held)
        frozen = []
        for kind in range(len(ALL_KINDS)):
            price, decimals = ending.prices.get(kind, (0, 0))
            frozen.append(price | decimals << 88 | ending.pool.get(kind, 0) << 128)
        return [
            ending.phase | ending.shut_at << 8 | ending.opened_at << 48 | kinds << 88,
            ending.claims | ending.backing << 128,
            int(self.world.coin.address, 16) if ending.phase else 0,
            ours.carried,
            *frozen,
        ]

    def expected_prices(self) -> list[int]:
        """Return the hub's words that the model remembers, in the order of `price_slots`."""
        hub, found = self.book.hub, []
        for kind, (price, guard) in enumerate(zip(hub.prices, hub.guards, strict=True)):
            found += (
                price.word,
                guard.config_word(self.oracles[kind], hub.attempts.get(kind, 0)),
                guard.bounds_word,
                guard.volatility_word,
            )
        return found

    def check_prices(self) -> None:
        """Compare every storage word of the real hub with the model's."""
        if self.setup.hub == "feeds":
            found = self.node.words(self.price_slots)
            self._same_words(self.price_names, found, self.expected_prices())

    def _same_words(self, names: list[str], found: list[int], expected: list[int]) -> None:
        if found != expected:
            told = [
                f"{name}: {one:#x} is not {other:#x}"
                for name, one, other in zip(names, found, expected, strict=True)
                if one != other
            ]
            raise Disagreement("\n".join(told))

    def check_words(self) -> None:
        """Compare every storage word that a move can change with the model's."""
        self.check_prices()
        self.found = self.node.words(self.slots)
        self._same_words(self.names, self.found, self.expected_words())
        coin = self.world.coin.address
        supply, flash = (int.from_bytes(self.node.view(coin, call)) for call in self._coin_views)
        self.same("coin.totalSupply", supply, self.coin.total_supply)
        self.same("coin.totalSupply", supply, sum(self.coin.balances.values()))
        self.same("coin.totalSupply", supply, self.supply)
        self.same("coin.flash_minted", flash, 0)
        found = self.node.view(self.world.fund.address, self._equity)
        surplus, deficit = (int.from_bytes(found[at : at + 32]) for at in (0, 32))
        sheet = self.system.sheet(self.now)
        self.same("fund.equity", (surplus, deficit), (sheet.surplus, sheet.deficit))
        self.solvency = surplus, deficit

    def stored(self, id: int) -> tuple[int, list[int]]:
        """Return an account's word and balances as the chain keeps them."""
        size = 1 + len(ALL_KINDS)
        at = self.ids.index(id) * size
        return self.found[at], self.found[at + 1 : at + size]

    def word(self, name: str) -> int:
        """Return a word as the chain keeps it, by its name in a report."""
        return self.found[self.places[name]]

    def listen(self) -> None:
        """Take in what the vault has logged since the last time, as an indexer does."""
        topic, _ = events()["AccountUpdated"]
        for topics, data in self.logs[self.heard_to :]:
            if topics[0] == topic:
                account, kind = int(topics[1], 16), int(topics[2], 16)
                balance, self.heard[account] = int.from_bytes(data[:32]), int.from_bytes(data[32:])
                if kind != NO_KIND:
                    self.heard_balances[account, kind] = balance
        self.heard_to = len(self.logs)

    def same(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            raise Disagreement(f"{what}: {found!r} is not {expected!r}")

    # moving

    @property
    def now(self) -> int:
        return self.moves[-1].at if self.moves else self.world.now

    def make(self, move: Move) -> Foreseen:
        """Make a move on the chain and in the model, and compare everything."""
        self.moves.append(move)
        if move.what in ENVIRONMENT:
            before = self.system
            self.system = before.copy()
            self._surround(move)
            if move.what in QUIET:  # whose effect, if any, the next comparison of all words finds
                self.check_prices()
            else:
                self.check_words()
            return Foreseen.of(move.at, before, self.system, None)
        if move.what in PRICES:
            before = self.system
            self.system = after = before.copy()
            reason = self._move_prices(move)
            self.system = before if reason else after
            self.check_prices()
            return Foreseen.of(move.at, before, self.system, reason)
        extra = self.extra(move)
        self.book.now = move.at
        self.errands = []
        outcome = foresee(self.system, move.what, move.args, move.who, move.at, **extra)
        contract, name = self.contract_of(move.what)
        args = self.sent_args(move)
        function = contract.interface.function(name, len(args))
        data, target, sender = function.encode(*args), contract.address, move.who
        if sender in self.proxies:
            data, target = self.proxies[sender].encode("execute", target, data), sender
            sender = self.governor
        ran = self.node.run(sender, target, data, move.at)
        self.same("refused", ran.reason, outcome.reason)
        if ran.reason is None:
            self._compare_logs(ran, outcome)
            self._compare_updates(ran, outcome.after.hub)
            output = ran.output
            if output is not None and move.who in self.proxies:
                output = self.proxies[move.who].decode("execute", output)
            if output is not None and function.outputs.types:
                self.same("returned", plain(function.decode(output)), plain(outcome.then.returned))
        self.system = outcome.then
        self.check_words()
        if move.what.startswith("governor."):
            self.check_governor()
        return outcome

    def _compare_logs(self, ran: Any, outcome: Foreseen) -> None:
        """Every contract logged what the model says, in its order."""
        expected: dict[str, list[Any]] = {part: [] for part in self.parts}
        for name, args in outcome.logs:
            expected[SPEAKERS.get(name, "vault")].append(self._encode_log(name, args))
        for part, name, args in outcome.then.logs:
            expected[part].append(self._encode_log(name, args, part))
        for part, contract in self.parts.items():
            logs = self._logs(ran.logs, contract.address)
            if part == "governor":
                continue  # what it logs is held in tests/unit/governor
            if part == "coin":
                self.supply += sum(map(minted_by, logs))
                logs = [log for log in logs if log[0][0] not in self.silent]
            self.same(f"logs of {part}", logs, expected[part])
            if part == "vault":
                self.logs += logs

    def _compare_updates(self, ran: Any, hub: Any) -> None:
        """The hub logged each refresh, in order."""
        if self.setup.hub == "feeds":
            topic, _ = events()["PriceUpdated"]
            logs = [log for log in self._logs(ran.logs, self.hub.address) if log[0][0] == topic]
            expected = [
                self._encode_log("PriceUpdated", {"kind": kind, "word": price.word})
                for kind, price in hub.updates
            ]
            self.same("prices logged", logs, expected)

    def contract_of(self, what: str) -> tuple[Contract, str]:
        """Return the contract that has a function, and the function's name."""
        part, _, name = what.rpartition(".")
        if part:
            return self.parts[part], name
        if what in ("list_model", "use_default"):
            return self.models, what
        return (self.operators if what in OPERATORS else self.vault), what

    def extra(self, move: Move) -> dict[str, Any]:
        """Return what the model must be told beside a move's arguments."""
        if move.what == "list_collateral":
            token = move.args[1]
            decimals = [
                kind.decimals
                for kind, found in zip(ALL_KINDS, self.tokens, strict=True)
                if found.address == token
            ]
            return {"decimals": decimals[0]} if decimals else {}
        if move.what == "set_operator_by_signature":
            return {"confirmed": move.args[1] == self.actor.address and self._actor_confirms(move)}
        if move.what == "coin.flashLoan" and move.args[0] == self.borrower.address:
            return {"script": self._borrow}
        has_data = move.what in ("adjust", "take") and move.args[-1]
        if not has_data or move.who != self.actor.address:
            return {}
        return {"callback": self._answer_callback}

    def _borrow(self, system: System) -> bool:
        """Do what the flash borrower's plan says; it answers as it should, or does not."""
        now, borrower = self.moves[-1].at, self.borrower.address
        for what, args in self.plan:
            if what == "give":
                self._give_coins(system, *args)
            elif what == "coin.flashLoan":  # a loan of nothing does not keep from a second one
                system.act(now, borrower, what, *args, script=self._borrow)
            elif what not in LOOKS:
                was, heard = system.copy(), (len(system.book.logs), len(system.logs))
                system.act(now, borrower, what, *args)
                then = system.copy()
                then.returned = system.returned
                then.book.logs, then.logs = system.book.logs[heard[0] :], system.logs[heard[1] :]
                self.errands.append(
                    (Move(now, borrower, what, args), Foreseen.of(now, was, then, None))
                )
        return self.honest

    errands: list[tuple[Move, Foreseen]]  # what the flash borrower did in the last move
    plan: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    honest = True

    def _actor_confirms(self, move: Move) -> bool:
        vault, owner, operator, bits, deadline, _ = move.args
        rules, nonce = self.book.rules, self.book.nonces.get(int(owner, 16), 0)
        digest = operator_digest(
            rules.operators, rules.chain_id, vault, owner, operator, bits, nonce, deadline
        )
        return digest == self.signed

    def _answer_callback(self, system: System) -> None:
        """Do what the actor's steps do: it finds tokens and coins somewhere."""
        for what, kind, amount in self.steps:
            if what == "tokens":
                system.book.held[kind, self.actor.address] += amount
            else:
                self._give_coins(system, self.actor.address, amount)

    def _give_coins(self, system: System, who: str, amount: int) -> None:
        """Let somebody have coins that a reserve backs."""
        assert system.coin.mint(self.backed.address, who, amount)
        system.told[self.backed.address] += amount

    steps: tuple[tuple[str, int, int], ...] = ()
    signed = b""  # the digest that the actor confirms

    def _surround(self, move: Move) -> None:
        """Change the world around the vault, and the model of it."""
        world, book, args = self.world, self.book, move.args
        if move.what == "answer":
            kind, price = args
            self._send(self.feeds[kind], "set_answer", (price // FEED_SCALE,), move)
            if book.hub.feeds[kind] is not None:
                book.hub.feeds[kind] = (price // FEED_SCALE * FEED_SCALE, move.at)
        elif move.what == "break_feed":
            kind, broken = args  # of a hostile oracle: in which way
            feed = self.feeds[kind]
            if ("set_mode", 1) in feed.interface.functions:
                self._send(feed, "set_mode", (int(broken),), move)
            else:
                self._send(feed, "set_reverts", (broken != 0,), move)
            if broken:
                book.hub.feeds[kind] = None
            else:
                _, answer, _, at, _ = self.feeds[kind].read("latestRoundData")
                book.hub.feeds[kind] = round_of(answer, at)
        elif move.what == "say":
            kind, lo, hi, *rest = args
            self._send(self.hub, "set_word", args, move)
            book.hub.prices[kind] = Price(lo, hi, move.at, *rest)
        elif move.what == "ceiling":
            self._send(world.coin, "set_ceiling", (self.vault.address, *args), move)
            self.coin.set_ceiling(self.governor, self.vault.address, *args)
        elif move.what == "tokens":
            kind, who, amount = args
            self._send(self.tokens[kind], "mint", (who, amount), move)
            book.held[kind, who] += amount
        elif move.what == "coins":
            who, amount = args
            self._send(self.backed, "give", args, move)
            self._give_coins(self.system, who, amount)
        elif move.what == "steps":
            (self.steps,) = args
            self._send(self.actor, "set_steps", (self._calls(args[0]),), move)

        elif move.what == "brackets":
            which, kind, bounds, rates = args
            self._send(self.tiered[which], "set_brackets", args[1:], move)
            brackets = self.twins[self.tiered[which].address.lower()].brackets
            brackets[kind] = (bounds, rates)
            if not rates:
                del brackets[kind]
        elif move.what == "scale":
            which, kind, *scale = args
            self._send(self.tiered[which], "set_scale", args[1:], move)
            scales = self.twins[self.tiered[which].address.lower()].scales
            scales[kind] = tuple(scale)
            if not any(scale):
                del scales[kind]
        elif move.what == "told":  # by a reserve that has lost or gained
            self._send(self.backed, "set_backing", args, move)
            (self.system.told[self.backed.address],) = args
        elif move.what == "turn":
            kind, nature, fee_bps, attempt = args
            token, turning = self.tokens[kind], self.book.turning
            self._send(token, "turn", (nature, fee_bps), move)
            self._send(token, "set_attempt", (self.vault.address, self._attempt(attempt)), move)
            turning[kind] = replace(turning[kind], nature=nature, fee_bps=fee_bps, attempt=attempt)
        elif move.what == "block":
            kind, who, blocked = args
            self._send(self.tokens[kind], "set_blocked", (who, blocked), move)
            book, others = self.book, self.book.turning[kind].blocked - {who}
            is_blocked = others | {who} if blocked else others
            book.turning[kind] = replace(book.turning[kind], blocked=is_blocked)
        elif move.what == "plan":
            self.plan, self.honest = args
            calls = []
            for what, arguments in self.plan:
                contract, name = self.backed, what
                if what != "give":
                    contract, name = self.contract_of(what)
                calls.append((contract.address, contract.encode(name, *arguments)))
            self._send(self.borrower, "set_steps", (calls,), move)
            answer = keccak(text="ERC3156FlashBorrower.onFlashLoan" if self.honest else "no")
            self._send(self.borrower, "set_answer", (answer,), move)
        elif move.what == "sign":
            (self.signed,) = args
            self._send(self.actor, "sign", args, move)

    def _attempt(self, what: str) -> bytes:
        """Return the call of the vault that a token makes from inside a transfer."""
        id = self.ids[0]
        args: dict[str, tuple[Any, ...]] = {
            "withdraw": (id, 0, 1, self.keeper),
            "borrow": (id, WAD, self.keeper),
            "set_pauses": (31,),
        }
        assert set(args) == set(WRITES)
        return self.vault.encode(what, *args.get(what, ()))

    def _move_prices(self, move: Move) -> str | None:
        """Let a source say something, or somebody do something to the hub; return the reason."""
        what, args, hub = move.what, move.args, self.book.hub
        if what == "report":  # a round of any answer and age
            kind, answer, age = args
            at = max(0, move.at - age)
            self._send(self.feeds[kind], "set_round", (answer, at, 9, 9), move)
            if hub.feeds[kind] is not None:
                hub.feeds[kind] = round_of(answer, at)
            return None
        if what == "uptime":  # what the sequencer's feed says, and since when
            answer, age = args
            at = max(0, move.at - age)
            self._send(self.uptime, "set_round", (answer, at, 1, 1), move)
            hub.sequencer = Sequencer(answer, at)
            return None
        sent: tuple[Any, ...] = args
        if what == "set_oracle":  # to the other oracle, at a price
            kind, price = args
            feed, oracle = self.spares[kind]
            if ("set_mode", 1) in feed.interface.functions:
                self._send(feed, "set_mode", (0,), move)
            else:
                self._send(feed, "set_reverts", (False,), move)
            self._send(feed, "set_answer", (price // FEED_SCALE,), move)
            sent = (kind, oracle)
            args = (kind, (price // FEED_SCALE * FEED_SCALE, move.at))
        reason: str | None = None
        try:
            getattr(hub, what)(*args, *(() if what == "set_limits" else (move.at,)))
        except Refused as refused:
            reason = refused.reason
        data = self.hub.encode(what, *sent)
        ran = self.node.run(move.who, self.hub.address, data, move.at)
        self.same("refused", ran.reason, reason)
        if reason is None:
            self._compare_updates(ran, hub)
            if what == "set_oracle":
                self.spares[kind] = self.feeds[kind], self.oracles[kind]
                self.feeds[kind], self.oracles[kind] = feed, oracle
        return reason

    def _calls(self, steps: Sequence[tuple[str, int, int]]) -> list[tuple[str, bytes]]:
        actor, calls = self.actor.address, []
        for what, kind, amount in steps:
            contract, name = (
                (self.tokens[kind], "mint") if what == "tokens" else (self.backed, "give")
            )
            calls.append((contract.address, contract.encode(name, actor, amount)))
        return calls

    def _send(self, contract: Contract, fn: str, args: Sequence[Any], move: Move) -> None:
        ran = self.node.run(self.governor, contract.address, contract.encode(fn, *args), move.at)
        assert ran.reason is None, (move, ran.reason)
        self.supply += sum(map(minted_by, self._logs(ran.logs, self.world.coin.address)))

    # logs

    def _logs(self, logs: Sequence[Any], of: str) -> list[tuple[tuple[str, ...], bytes]]:
        """Return a contract's raw logs as (topics, data)."""
        found, ours = [], of.lower()
        for log in logs:
            if isinstance(log, dict):
                if log["address"].lower() == ours:
                    found.append((tuple(log["topics"]), bytes.fromhex(log["data"][2:])))
            elif log.address.lower() == ours:
                found.append((tuple(log.topics), bytes(log.data[1])))
        return found

    def _encode_log(
        self, name: str, args: dict[str, Any], part: str = ""
    ) -> tuple[tuple[str, ...], bytes]:
        topic, inputs = events(part)[name]
        assert args.keys() == {item for item, _ in inputs}, name
        topics, data = [topic], b""
        for item, indexed in inputs:
            value = args[item]
            word = (int(value, 16) if isinstance(value, str) else int(value)).to_bytes(32)
            if indexed:
                topics.append("0x" + word.hex())
            else:
                data += word
        return tuple(topics), data


# whose events go by a part's name; "" are those of the contracts around the vault
SPOKEN = {
    "": ("MarginModels", "Operators", "Vault", "PriceHub", "Stablecoin"),
    "coin": ("Stablecoin",),
    "fund": ("InsuranceFund",),
    "peg": ("PegStability",),
    "settlement": ("Settlement",),
}


@cache
def events(part: str = "") -> dict[str, tuple[str, list[tuple[str, bool]]]]:
    """Return the events of a part by name: first topic, and its arguments with whether indexed."""
    found = {}
    for entry in [entry for name in SPOKEN[part] for entry in artifact(name).abi]:
        if entry["type"] == "event":
            inputs = [(item["name"], bool(item["indexed"])) for item in entry["inputs"]]
            types = ",".join(item["type"] for item in entry["inputs"])
            topic = "0x" + keccak(text=f"{entry['name']}({types})").hex()
            found[entry["name"]] = (topic, inputs)
    return found


def minted_by(log: tuple[tuple[str, ...], bytes]) -> int:
    """Return by how much a log of the coin raised the supply."""
    topics, data = log
    if topics[0] != events()["Transfer"][0]:
        return 0
    _, sender, receiver = (int(topic, 16) for topic in topics)
    return int.from_bytes(data) * ((sender == 0) - (receiver == 0))


def round_of(answer: int, at: int) -> tuple[int, int]:
    """Return what the adapter makes of a feed's round."""
    is_price = at and 0 < answer <= MAX // FEED_SCALE
    return answer * FEED_SCALE if is_price else 0, at


def plain(value: Any) -> Any:
    """Return nested tuples as lists."""
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
