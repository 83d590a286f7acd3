# SPDX-License-Identifier: MIT
"""Run the demo: a local chain, the real contracts and keeper, a book of owners and a falling
market.

Each price point is a step of one to seven blocks: one in which the feeds speak, one in which owners
come to the rescue (when some do), and up to KEEPER_ROUNDS in which the keeper's transactions are
mined (none when it has nothing to send). After a fall that the hub may only follow slowly there are
more of them. After every block every invariant is checked. The chain's clock follows the series.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from surety.anvil import Anvil
from surety.chain import Contract, Event, Rpc, UnlockedSender
from surety.compile import artifact
from surety.demo.book import Holder, make_book
from surety.demo.guards import Guard, GuardLog
from surety.demo.invariants import Watch, begin, check_all
from surety.demo.kinds import BY_NAME, KINDS
from surety.demo.market import open_market, share_out
from surety.demo.mirror import Loss, Mirror, Take
from surety.demo.owners import Asset, Purse, Rescue, plan_rescue, wakes_at
from surety.demo.path import Path
from surety.demo.probe import Levels, Probe, State
from surety.deploy import (
    MAJOR,
    MAJOR_LIMITS,
    STABLE,
    STABLE_LIMITS,
    BookParams,
    KindParams,
    LocalKind,
    System,
    SystemParams,
    deploy_system,
    local_kinds,
)
from surety.deploy import Levels as Margins
from surety.formulas import margin_math
from surety.keeper import ContractMarket, Keeper, KeeperConfig, KeySender, words
from surety.prices.lag import lag_down, lag_up

WAD = 10**18
RAY = 10**27
BPS = 10_000
FEED_STEP = 10**10  # feeds have 8 decimals
MAX_UINT256 = 2**256 - 1
SETUP_SECONDS = 3_600
# who proposes and who stops: nobody in these stories does either
ADMIN = to_checksum_address(keccak(text="surety demo: admin")[12:])
GUARDIAN = to_checksum_address(keccak(text="surety demo: guardian")[12:])
BLOCK_SECONDS = 12
# blocks that the keeper may use before the next price: call, take, sell, and once more
KEEPER_ROUNDS = 5
GAS_LIMIT = 1_000_000_000
FEED_GAS = 200_000
OWNER_GAS = 3_000_000
MOST_VIOLATIONS = 10_000
LEVELS = {"eth": MAJOR, "btc": MAJOR, "stable": STABLE}
LIMITS = {"eth": MAJOR_LIMITS, "btc": MAJOR_LIMITS, "stable": STABLE_LIMITS}
# a price this far from the market is late
BEHIND_BPS = 10
# from the highest priority to the lowest: feeds, owners; the keeper bids 1 gwei
FEED_TIP, OWNER_TIP = 4 * 10**9, 2 * 10**9

Progress = Callable[[int, int, str], None]


class DemoError(Exception):
    """The demo could not be run as asked; the message is one line."""


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """What to run. `path` is laid out in blocks; periods are seconds, ratios bps, gas price wei.

    `purse_bps` is the keeper's purse as a share of all debt at the start; `note` is what a reader
    of the result must know about how it was chosen, or empty.
    """

    path: Path
    title: str
    source: str
    accounts: int = 240
    seed: int = 20200312
    grace: int = 3_600
    speed: float = 1.0
    purse_bps: int = 200
    slippage_bps: int = 30
    gas_price: int = 50 * 10**9
    facts: Mapping[str, Sequence[tuple[int, int, str]]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One step as the report shows it, in WAD.

    `prices` are the market's by kind, `lo` and `hi` what the hub makes of them. By kind, over its
    isolated accounts with debt: `levels` are the prices at which the average one stands at the
    initial, maintenance and close-out level, `next_call` is the price under which the weakest can
    be called (0 when there is none).
    """

    at: int
    prices: tuple[int, ...]
    lo: tuple[int, ...]
    hi: tuple[int, ...]
    levels: tuple[tuple[int, int, int], ...]
    next_call: tuple[int, ...]
    states: tuple[int, ...]
    equity: int
    total_debt: int
    supply: int
    called: int
    purse: int


@dataclass(frozen=True, slots=True)
class Sale:
    """A take with what it tells: seconds into the auction, price factor on the hub's `hi` in bps,
    and the market's price and the value at it in WAD.
    """

    take: Take
    elapsed: int
    factor: int
    market: int
    value: int


@dataclass(frozen=True, slots=True)
class KeeperResult:
    """What the keeper made: profit and gas value in WAD, gas in units, and how fast it called."""

    profit: int
    gas: int
    gas_value: int
    max_blocks_to_call: int
    calls: int
    takes: int
    absorbs: int
    sales: int
    pokes: int
    poke_gas: int
    reverted: int


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that happened; amounts of collateral in base units by kind name, coins in WAD.

    `fresh_for` and `confirm_period` are the hub's, in seconds.
    """

    config: DemoConfig
    book: BookParams
    holders: tuple[Holder, ...]
    steps: int
    blocks: int  # those of the story, each checked
    margin_calls: int
    cured: int
    rescued: int
    takes: tuple[Sale, ...]
    losses: tuple[Loss, ...]
    absorbed: int
    bad_debt: int
    struck_off: int
    debt_repaid: int
    penalties: int
    tips: int
    interest: int
    collateral_sold: Mapping[str, int]
    equity_start: int
    equity_end: int
    coin_supply: int
    total_debt: int
    checks: Mapping[str, int]
    violations: tuple[str, ...]
    fresh_for: int
    confirm_period: int
    guards: Mapping[str, Guard]
    price_updates: int
    keeper: KeeperResult
    rows: tuple[Row, ...]

    @property
    def invariant_checks(self) -> int:
        """How many comparisons were made."""
        return sum(self.checks.values())

    @property
    def average_discount_bps(self) -> int:
        """How much under the market collateral was sold on average, by value, rounded down."""
        value = sum(sale.value for sale in self.takes)
        paid = sum(sale.value * sale.take.price * BPS // sale.market for sale in self.takes)
        return BPS - -(-paid // value) if value else 0


def run_demo(
    config: DemoConfig, progress: Progress = lambda _done, _all, _note: None
) -> DemoResult:
    """Start a chain, run the whole story and end the chain, whatever happens."""
    start = config.path.times[0] - SETUP_SECONDS
    if start <= 0:
        raise DemoError("the series begins before 1970-01-01T01:00; give unix seconds")
    with Anvil(timestamp=start, block_interval=1, gas_limit=GAS_LIMIT, base_fee=10**9) as node:
        rpc = Rpc(node.url, timeout=120)
        try:
            return _Stage(config, rpc, progress).play()
        finally:
            rpc.close()


class _Stage:
    """One run: the chain, who acts on it, and what has been seen so far."""

    def __init__(self, config: DemoConfig, rpc: Rpc, progress: Progress) -> None:
        self.config = config
        self.rpc = rpc
        self.progress = progress
        self.book = BookParams(grace_period=config.grace)
        self.deployer = str(rpc.call("eth_accounts")[0])
        self.rows: list[Row] = []
        self.checks: Counter[str] = Counter()
        self.checked = 0
        self.violations: list[str] = []
        self.rescued = 0
        self._read_to = 0
        self._now = 0
        self._sends: list[tuple[str, list[object]]] = []
        self._nonces: dict[str, int] = {}
        self._wakes: dict[int, int] = {}
        self.guards = GuardLog()
        self._markets: dict[int, tuple[int, ...]] = {}

    def play(self) -> DemoResult:
        """Run the story from the first price to the last."""
        path = self.config.path
        self.progress(0, len(path), "deploying")
        self._deploy()
        self.progress(0, len(path), f"opening {self.config.accounts} accounts")
        self._open_book()
        started = self._now
        state = self._observe()
        begin(state, self.mirror, self.watch)
        self.guards.note(state)
        equity_start = state.equity[0] - state.equity[1]
        for step, at in enumerate(path.times):
            state = self._step(step, at)
            self.rows.append(self._row(state))
            self.progress(step + 1, len(path), self._note())
        if state.now <= started:
            raise DemoError("the chain's clock did not move")
        return self._result(state, equity_start)

    # before the story

    def _deploy(self) -> None:
        path = self.config.path
        sender = UnlockedSender(self.rpc, self.deployer)
        first = {kind.name: _feed(path.prices[kind.name][0]) * FEED_STEP for kind in KINDS}
        invented = local_kinds(
            sender,
            [LocalKind(k.name, k.decimals, first[k.name], LEVELS[k.name]) for k in KINDS],
        )
        # the limits of a real book, not the loose ones of tests
        kinds = tuple(replace(kind, limits=LIMITS[kind.name]) for kind in invented)
        # as where money is: all ends under the timelock, and the story needs nobody to govern
        params = SystemParams(kinds=kinds, book=self.book, admin=ADMIN, guardian=GUARDIAN)
        self.fresh_for, self.confirm_period = params.fresh_for, params.confirm_period
        self.system: System = deploy_system(sender, params)
        self.params: tuple[KindParams, ...] = kinds
        self.vault = self._contract("Vault", self.system.vault)
        self.coin = self._contract("Stablecoin", self.system.coin)
        self.tokens = [self._contract("MockToken", kind.token) for kind in kinds]
        self.feeds = [self._contract("MockAggregator", str(kind.aggregator)) for kind in kinds]
        self.market = open_market(self.rpc, self.deployer, self.system, self.config.slippage_bps)
        self.probe = Probe(
            self.rpc,
            self.vault,
            self._contract("Lens", self.system.lens),
            self.coin,
            self._contract("InsuranceFund", self.system.fund),
            self._contract("PriceHub", self.system.hub),
            self.tokens,
            [self._contract("ChainlinkOracle", kind.oracle) for kind in self.system.kinds],
        )
        word = self.vault.read("interest")
        self.mirror = Mirror(self.book.rate, (word >> 128) % 2**40)
        self.hub = self._contract("PriceHub", self.system.hub)
        self.mirror.prices = {k.number: self.hub.read("words", k.number) for k in KINDS}
        self.rpc.call("anvil_autoImpersonateAccount", True)
        self.rpc.call("evm_setAutomine", False)
        self._now, self._read_to = self.rpc.timestamp(), self.rpc.block_number()

    def _open_book(self) -> None:
        """Give owners collateral, open their accounts, and let them sell coins they do not keep."""
        first = dict(enumerate(self.probe.prices()))
        ltvs = {kind.number: LEVELS[kind.name].initial_ltv for kind in KINDS}
        config = self.config
        self.holders = make_book(config.seed, config.accounts, first, ltvs, self.book.debt_floor)
        self.by_account = {holder.account: holder for holder in self.holders}
        self.purses = {h.account: Purse(dict(h.reserve), h.kept) for h in self.holders}
        owners = sorted({holder.owner for holder in self.holders})
        self.keeper_key: LocalAccount = Account.from_key(keccak(text=f"keeper {config.seed}"))
        rich = hex(10**6 * WAD)
        who = [*owners, str(self.keeper_key.address)]
        self.rpc.batch([("anvil_setBalance", [address, rich]) for address in who])
        for holder in self.holders:
            for number, amount in holder.holdings.items():
                given = amount + holder.reserve[number]
                self._send(self.deployer, self.tokens[number], "mint", holder.owner, given)
        for owner in owners:
            for token in self.tokens:
                self._send(owner, token, "approve", self.vault.address, MAX_UINT256)
        self._mine(self._now + BLOCK_SECONDS)
        for holder in self.holders:
            legs = sorted(holder.holdings.items())
            self._send(
                holder.owner,
                self.vault,
                "adjust",
                holder.account,
                legs,
                holder.debt,
                holder.owner,
                b"",
            )
        self._mine(self._now + BLOCK_SECONDS)
        purse = sum(holder.debt for holder in self.holders) * config.purse_bps // BPS
        keeper_address = str(self.keeper_key.address)
        for holder, to_keeper, to_market in share_out(self.holders, purse):
            for receiver, amount in ((keeper_address, to_keeper), (self.market.address, to_market)):
                if amount:
                    self._send(holder.owner, self.coin, "transfer", receiver, amount)
        self._mine(self._now + BLOCK_SECONDS)
        self._ingest()
        opened = sum(1 for word in self.mirror.words.values() if words.normalized_debt(word))
        till = self.coin.read("balanceOf", self.market.address)
        if opened != len(self.holders) or not till:
            raise DemoError(f"only {opened} of {len(self.holders)} accounts could be opened")
        self.probe.watch([holder.account for holder in self.holders], keeper_address)
        step = max(b - a for a, b in pairwise(self.config.path.times))
        self.watch = Watch(
            config.grace,
            self.book.auction_duration,
            patience=2 * step + 60,
            limits=tuple(LIMITS[kind.name] for kind in KINDS),
        )
        self.keeper_sender = KeySender(self.rpc, self.keeper_key, self.rpc.chain_id)
        self.keeper = Keeper(
            self.rpc,
            self.vault.address,
            self.keeper_sender,
            ContractMarket(self.rpc, self.market.address),
            KeeperConfig(gas_price=config.gas_price, native_price=first[0]),
        )
        self.keeper.on_head()

    # one price point

    def _step(self, step: int, at: int) -> State:
        """Let the feeds speak, owners act and the keeper work; return the state after it.

        Where the slew still keeps the hub's prices from the market, it works on as long as there is
        time before the next one, a block each time that the hub would take another.
        """
        path = self.config.path
        gap = path.times[step + 1] - at if step + 1 < len(path) else 4 * BLOCK_SECONDS
        pause = max(1, min(BLOCK_SECONDS, gap // 4))
        for kind in KINDS:
            price = _feed(path.prices[kind.name][step])
            feed = self.feeds[kind.number]
            self._send(self.deployer, feed, "set_answer", price, tip=FEED_TIP, gas=FEED_GAS)
        state = self._block(max(at, self._now + 1))
        if self._rescue():
            state = self._block(self._now + pause)
        state = self._keep(state, pause)
        room = self.fresh_for + (KEEPER_ROUNDS + 1) * pause
        while _behind(state) and self._now + room < at + gap:
            before = state.stored
            state = self._keep(self._block(self._now + self.fresh_for), pause)
            if state.stored == before:
                break  # nobody owes on what is late, so nobody writes it down
        return state

    def _keep(self, state: State, pause: int) -> State:
        """Let the keeper work until it has nothing left to send; return the state after it."""
        for _ in range(KEEPER_ROUNDS):
            report = self.keeper.on_head()
            if report.error:
                raise DemoError(f"the keeper could not read the chain: {report.error}")
            if not self.keeper_sender.busy():
                break
            state = self._block(self._now + pause)
        return state

    def _block(self, at: int) -> State:
        """Mine one block, read what it logged, wake owners and check every invariant."""
        self._mine(at)
        for event in self._ingest():
            self._schedule(event)
        state = self._observe()
        self.guards.note(state)
        self._markets[state.now] = state.market
        counts, broken = check_all(state, self.mirror, self.watch)
        self.checks.update(counts)
        self.checked += 1
        self.violations += broken[: max(0, MOST_VIOLATIONS - len(self.violations))]
        return state

    def _rescue(self) -> bool:
        """Let owners act who have woken; say whether any sent something."""
        due = sorted(account for account, at in self._wakes.items() if at <= self._now)
        for account in due:
            del self._wakes[account]
        due = [account for account in due if words.auction_start(self.mirror.words[account])]
        if not due:
            return False
        found, prices = self.probe.levels(due), self.probe.prices()
        acted = False
        for account in due:
            rescue = self._plan(account, found[account], prices)
            if rescue is None:
                continue
            holder = self.by_account[account]
            if rescue.repay:
                self._send(holder.owner, self.vault, "repay", account, rescue.repay)
            for number, amount in rescue.top_up:
                self._send(holder.owner, self.vault, "deposit", account, number, amount)
            self._send(holder.owner, self.vault, "cure", account)
            self._spend(account, rescue)
            self.rescued += bool(rescue.repay or rescue.top_up)
            acted = True
        return acted

    def _plan(self, account: int, levels: Levels, prices: Sequence[int]) -> Rescue | None:
        holder = self.by_account[account]
        assets = [
            Asset(kind.number, prices[kind.number], LEVELS[kind.name].initial_ltv, kind.unit)
            for kind in KINDS
            if self.mirror.balances.get((account, kind.number), 0)
        ]
        return plan_rescue(
            holder, self.purses[account], levels.debt, levels.target, assets, self.book.debt_floor
        )

    def _spend(self, account: int, rescue: Rescue) -> None:
        purse = self.purses[account]
        reserve = dict(purse.reserve)
        for number, amount in rescue.top_up:
            reserve[number] -= amount
        self.purses[account] = Purse(reserve, purse.kept - rescue.repay)

    def _schedule(self, event: Event) -> None:
        """Let the owner of a called account wake at some time, or never."""
        account, opens = event.args["account"], event.args["auction_start"]
        wakes = wakes_at(
            self.by_account[account],
            self._now,
            opens,
            self.config.grace,
            self.book.auction_duration,
            self.config.seed,
        )
        if wakes is not None:
            self._wakes[account] = wakes

    # seeing

    def _observe(self) -> State:
        return self.probe.read(self._read_to, self._now)

    def _row(self, state: State) -> Row:
        states = [0] * 7
        called = 0
        weights = [[0, 0] for _ in KINDS]
        weakest = [0 for _ in KINDS]
        maintenance = [
            _maintenance_ltv(LEVELS[kind.name], price.maintenance_multiplier)
            for kind, price in zip(KINDS, state.quotes, strict=True)
        ]
        for account, levels in state.levels.items():
            word = state.words[account]
            mask = words.collateral_mask(word)
            found = int(
                margin_math.account_state(
                    levels.debt,
                    levels.target,
                    levels.maintenance,
                    levels.close_out,
                    mask,
                    words.auction_start(word),
                    self.book.auction_duration,
                    state.now,
                )
            )
            states[found] += 1
            called += words.auction_start(word) != 0
            if levels.debt and mask and mask & (mask - 1) == 0:
                number = mask.bit_length() - 1
                weights[number][0] += levels.debt
                weights[number][1] += state.balances[account, number]
                call_price = _price_at(
                    levels.debt,
                    state.balances[account, number],
                    number,
                    maintenance[number],
                )
                weakest[number] = max(weakest[number], call_price)
        lines: list[tuple[int, int, int]] = []
        for kind, (debt, amount) in zip(KINDS, weights, strict=True):
            ltvs = LEVELS[kind.name]
            lines.append(
                (
                    _price_at(debt, amount, kind.number, ltvs.initial_ltv),
                    _price_at(debt, amount, kind.number, maintenance[kind.number]),
                    _price_at(debt, amount, kind.number, ltvs.close_out_ltv),
                )
            )
        return Row(
            at=state.now,
            prices=state.market,
            lo=tuple(price.lo for price in state.quotes),
            hi=state.prices,
            levels=tuple(lines),
            next_call=tuple(weakest),
            states=tuple(states),
            equity=state.equity[0] - state.equity[1],
            total_debt=state.total_debt,
            supply=state.supply,
            called=called,
            purse=state.purse,
        )

    def _ingest(self) -> list[Event]:
        """Read what the new blocks logged and return the margin calls."""
        head = self.rpc.block("latest")
        number, self._now = int(head["number"], 16), int(head["timestamp"], 16)
        first = self._read_to + 1
        span = {
            "fromBlock": hex(first),
            "toBlock": hex(number),
            "address": [self.vault.address, self.coin.address, self.hub.address],
        }
        logs = self.rpc.call("eth_getLogs", span)
        blocks = sorted({int(log["blockNumber"], 16) for log in logs} - {number})
        headers = self.rpc.batch([("eth_getBlockByNumber", [hex(n), False]) for n in blocks])
        times = {n: int(h["timestamp"], 16) for n, h in zip(blocks, headers, strict=True)}
        times[number] = self._now
        self._read_to = number
        told = [event for one in (self.vault, self.coin, self.hub) for event in one.events(logs)]
        return self.mirror.apply(told, times)

    def _note(self) -> str:
        """Return one line on how things stand."""
        row, mirror = self.rows[-1], self.mirror
        price = row.prices[BY_NAME[self.config.path.driver].number]
        return (
            f"{self.config.path.driver} {price / WAD:,.2f}  calls {mirror.margin_calls}"
            f"  cures {mirror.cured}  takes {len(mirror.takes)}"
        )

    def _result(self, state: State, equity_start: int) -> DemoResult:
        mirror, stats = self.mirror, self.keeper.stats
        sold = dict.fromkeys((kind.name for kind in KINDS), 0)
        for take in mirror.takes:
            sold[KINDS[take.kind].name] += take.amount
        return DemoResult(
            config=self.config,
            book=self.book,
            holders=self.holders,
            steps=len(self.config.path),
            blocks=self.checked,
            margin_calls=mirror.margin_calls,
            cured=mirror.cured,
            rescued=self.rescued,
            takes=tuple(self._sold(take) for take in mirror.takes),
            losses=tuple(mirror.losses),
            absorbed=sum(loss.absorbed for loss in mirror.losses),
            bad_debt=mirror.bad_debt,
            struck_off=mirror.struck_off,
            debt_repaid=sum(take.debt_repaid for take in mirror.takes),
            penalties=mirror.penalties,
            tips=mirror.tips,
            interest=mirror.interest_ray // RAY,
            collateral_sold=sold,
            equity_start=equity_start,
            equity_end=state.equity[0] - state.equity[1],
            coin_supply=state.supply,
            total_debt=state.total_debt,
            checks=dict(self.checks),
            violations=tuple(self.violations),
            fresh_for=self.fresh_for,
            confirm_period=self.confirm_period,
            guards={kind.name: self.guards.kinds[kind.number] for kind in KINDS},
            price_updates=mirror.price_updates,
            keeper=KeeperResult(
                profit=stats.profit,
                gas=stats.gas,
                gas_value=stats.gas_value,
                max_blocks_to_call=stats.max_blocks_to_call,
                calls=stats.calls,
                takes=stats.takes,
                absorbs=stats.absorbs,
                sales=stats.sales,
                pokes=stats.pokes,
                poke_gas=stats.poke_gas,
                reverted=stats.reverted,
            ),
            rows=tuple(self.rows),
        )

    def _sold(self, take: Take) -> Sale:
        """Return a take with where its auction and the market stood."""
        levels, kind = LEVELS[KINDS[take.kind].name], KINDS[take.kind]
        elapsed = take.at - take.opened
        factor = int(
            margin_math.auction_factor(
                levels.start_factor, levels.end_factor, elapsed, self.book.auction_duration
            )
        )
        market = self._markets[take.at][take.kind]
        return Sale(take, elapsed, factor, market, take.amount * market // kind.unit)

    # the chain

    def _send(
        self,
        sender: str,
        contract: Contract,
        function: str,
        *args: object,
        tip: int = OWNER_TIP,
        gas: int = OWNER_GAS,
    ) -> None:
        """Queue a transaction of an address that the node impersonates."""
        # a batch is worked on all at once, so the node's own choice of nonces would collide
        if sender not in self._nonces:
            self._nonces[sender] = int(
                self.rpc.call("eth_getTransactionCount", sender, "latest"), 16
            )
        nonce = self._nonces[sender]
        self._nonces[sender] = nonce + 1
        request = {
            "from": sender,
            "nonce": hex(nonce),
            "to": contract.address,
            "data": "0x" + contract.encode(function, *args).hex(),
            "gas": hex(gas),
            "maxFeePerGas": hex(10**12),
            "maxPriorityFeePerGas": hex(tip),
        }
        self._sends.append(("eth_sendTransaction", [request]))

    def _mine(self, at: int) -> None:
        """Send what is queued and mine one block at a time."""
        if self._sends:
            self.rpc.batch(self._sends)
            self._sends.clear()
        self.rpc.set_next_timestamp(at)
        self.rpc.mine()
        self._now = at

    def _contract(self, name: str, address: str) -> Contract:
        return Contract(self.rpc, address, artifact(name).abi)


def _feed(price: int) -> int:
    """Return a WAD price as an answer of the feed, rounded down."""
    answer = price // FEED_STEP
    if answer == 0:
        raise DemoError(
            "a price is below 1e-8, which the feeds of the demo cannot tell from nothing"
        )
    return answer


def _behind(state: State) -> bool:
    """Tell whether the slew holds the `hi` of a kind above its market, or its `lo` below."""
    return any(
        max(lag_up(price.hi, market), lag_down(price.lo, market)) > BEHIND_BPS and not price.failed
        for price, market in zip(state.quotes, state.market, strict=True)
    )


def _maintenance_ltv(levels: Margins, multiplier: int) -> int:
    """Return the loan to value of the maintenance level at a volatility, bps rounded down."""
    capacity = margin_math.maintenance_capacity(
        WAD, levels.initial_ltv, levels.maintenance_ltv, multiplier
    )
    return int(capacity) * BPS // WAD


def _price_at(debt: int, amount: int, number: int, ltv: int) -> int:
    """Return the WAD price at which `amount` of a kind carries a debt at a loan to value in bps."""
    return debt * KINDS[number].unit * BPS // (amount * ltv) if amount else 0
