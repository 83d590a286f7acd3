# SPDX-License-Identifier: MIT
"""The mean price of a pool, over the real Uniswap v3: factory, pools, router and positions.

`Tape` writes down what the pool's tick and liquidity are after each act and works the means out by
hand; prices come from `tests/ticks.py`.
"""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest

from surety.chain import Contract, Reverted, UnlockedSender, deploy_contract
from tests.stateful.node import RevmNode
from tests.ticks import MAX_TICK, price_of
from tests.uniswap import FEE, FOREVER, WETH9, Uniswap, packed
from tests.unit.conftest import ZERO
from tests.unit.oracles.rig import HUB_GAS, PRICE, WAD, Bench, Report
from tests.world import MAX

BLOCK = 12
WINDOW = 1_800
CARDINALITY = WINDOW // BLOCK + 1
DAY = 86_400


class Market:
    """One pool of a token and a quote with 1,000 tokens at 2,000 each, and its oracle."""

    def __init__(
        self,
        bench: Bench,
        *,
        decimals: int = 18,
        quote: int = 18,
        is_token0: bool = True,
        cardinality: int = CARDINALITY,
        width: int = 0,
        age: int = WINDOW,
    ) -> None:
        self.bench, self.rpc, self.who = bench, bench.rpc, bench.governor
        sender = UnlockedSender(self.rpc, self.who)
        weth = deploy_contract(sender, packed(WETH9))
        self.uniswap = Uniswap(self.rpc, self.who, weth)
        self.token, self.quote = self._tokens(decimals, quote, is_token0)
        self.decimals, self.quote_decimals, self.is_token0 = decimals, quote, is_token0
        for token in (self.token, self.quote):
            bench.send(token, "mint", self.who, 10**12 * 10 ** token.read("decimals"))
            for spender in (self.uniswap.router, self.uniswap.positions):
                bench.send(token, "approve", spender.address, MAX)
        amounts = {
            self.token.address: 1_000 * 10**decimals,
            self.quote.address: 2_000_000 * 10**quote,
        }
        self.pool: Contract = self.uniswap.pool(amounts, self.who, width=width)
        self.tape: list[tuple[int, int, int]] = []
        if cardinality > 1:
            self.pool.transact(
                "increaseObservationCardinalityNext", cardinality, sender=self.who, gas=10**7
            )
            self.note()
            # the first new observation makes room for the others
            self.swap((30 if width else 1) * 10**decimals)
        self.note()
        if age:
            bench.forward(age)

    def _tokens(self, decimals: int, quote: int, is_token0: bool) -> tuple[Contract, Contract]:
        """Deploy until the addresses have the order that is wanted."""
        while True:
            token = self.bench.deploy("MockToken", "Token", "TOK", decimals)
            other = self.bench.deploy("MockToken", "Quote", "QTE", quote)
            if (int(token.address, 16) < int(other.address, 16)) == is_token0:
                return token, other

    def args(self, **other: object) -> list[object]:
        """The constructor's arguments."""
        usual = {
            "factory": self.uniswap.factory.address,
            "token": self.token.address,
            "quote": self.quote.address,
            "fee": FEE,
            "window": WINDOW,
            "cardinality": 2,
            "liquidity": 1,
        }
        assert not other.keys() - usual.keys()
        return list((usual | other).values())

    def oracle(self, **other: object) -> Contract:
        return self.bench.deploy("UniswapTwapOracle", *self.args(**other))

    # acts

    def swap(self, sold: int, at: int | None = None, *, back: bool = False) -> None:
        """Sell the token (or with `back` the quote) for whatever it fetches; at second `at`."""
        first, second = (self.quote, self.token) if back else (self.token, self.quote)
        if at is not None:
            self.rpc.set_next_timestamp(at)
        self.uniswap.router.transact(
            "exactInputSingle",
            (first.address, second.address, FEE, self.who, FOREVER, sold, 0, 0),
            sender=self.who,
        )
        self.note()

    def note(self) -> None:
        """Write down what holds from this second on."""
        self.tape.append((self.bench.now, self.pool.read("slot0")[1], self.pool.read("liquidity")))

    # by hand

    def spans(self, window: int = WINDOW) -> list[tuple[int, int, int]]:
        """Seconds, tick and liquidity of each stretch of the window."""
        now, begin = self.bench.now, self.bench.now - window
        assert self.tape[0][0] <= begin
        stretches = [*self.tape, (now, 0, 0)]
        found = [
            (min(end, now) - max(start, begin), tick, liquidity)
            for (start, tick, liquidity), (end, _, _) in pairwise(stretches)
            if end > begin
        ]
        assert sum(seconds for seconds, _, _ in found) == window
        return found

    def mean_tick(self, window: int = WINDOW) -> int:
        return sum(seconds * tick for seconds, tick, _ in self.spans(window)) // window

    def mean_liquidity(self) -> Fraction:
        return WINDOW / sum(Fraction(seconds, max(1, each)) for seconds, _, each in self.spans())

    def price_at(self, tick: int) -> int:
        return price_of(tick, self.is_token0, self.decimals, self.quote_decimals)


@pytest.fixture
def market(bench):
    return Market(bench)


def read(market: Market, oracle: Contract) -> Report | None:
    return market.bench.read(oracle)


# the mean


@pytest.mark.parametrize("is_token0", [True, False])
@pytest.mark.parametrize(
    ("decimals", "quote"), [(18, 18), (18, 6), (6, 18), (8, 6), (6, 8), (8, 18), (18, 8)]
)
def test_price__is_the_mean_of_real_swaps_by_hand(bench, decimals, quote, is_token0):
    market = Market(bench, decimals=decimals, quote=quote, is_token0=is_token0)
    oracle = market.oracle()
    dice = random.Random(decimals * 100 + quote)
    for _ in range(40):
        at = bench.now + dice.choice((0, 1, 12, 60, 300, 1_000))
        if dice.random() < 0.5:
            market.swap(dice.randint(1, 60 * 10**decimals), at)
        else:
            market.swap(dice.randint(1, 120_000 * 10**quote), at, back=True)
        expected = market.price_at(market.mean_tick())
        assert read(market, oracle).price == expected
        assert WAD * 500 < expected < WAD * 8_000  # about 2,000 in all decimals and orders
    assert len({tick for _, tick, _ in market.tape}) > 20


@pytest.mark.parametrize("window", [900, 901, 7_200, DAY])
def test_price__over_other_windows(bench, window):
    market = Market(bench, age=DAY)
    oracle = market.oracle(window=window)
    for by in (1, 400, 13, 500, 899):
        market.swap(17 * WAD, bench.now + by)
        assert read(market, oracle).price == market.price_at(market.mean_tick(window))


# manipulation


@pytest.mark.covers("O17")
def test_a_swap_of_a_thousand_times_the_pool_counts_for_nothing_in_its_block(market, bench):
    oracle = market.oracle(cardinality=CARDINALITY)
    before = read(market, oracle)
    spot, at = market.pool.read("slot0")[1], bench.now + BLOCK
    market.swap(10**6 * WAD, at)
    assert spot - market.pool.read("slot0")[1] > 100_000
    moved = read(market, oracle)
    assert bench.now == at
    assert moved.price == before.price  # nothing else happened in the window: the same to the wei
    assert moved.updated_at == at

    gained = market.quote.read("balanceOf", market.who) - (10**12 - 2 * 10**6) * WAD
    market.swap(gained, at, back=True)
    assert bench.now == at
    assert read(market, oracle).price == before.price

    # and the block leaves nothing behind but what the swap back missed the old price by
    bench.forward(WINDOW)
    assert read(market, oracle).price == market.price_at(market.mean_tick())


@pytest.mark.covers("O17")
def test_a_flash_swap_read_and_swapped_back_in_one_transaction(bench):
    """All by one contract in one call, what it read handed out in between."""
    market = Market(bench)
    oracle, actor = market.oracle(), bench.deploy("MockActor")
    for token in (market.token, market.quote):
        bench.send(token, "mint", actor.address, 10**12 * WAD)
        approve = token.encode("approve", market.uniswap.router.address, MAX)
        bench.send(actor, "execute", token.address, approve)
    router = market.uniswap.router
    probe = bench.deploy("GasProbe")

    def swap(first: Contract, second: Contract, sold: int) -> tuple[str, bytes]:
        order = (first.address, second.address, FEE, actor.address, FOREVER, sold, 0, 0)
        return router.address, router.encode("exactInputSingle", order)

    measured = probe.address, probe.encode("measure", oracle.address, PRICE)
    there = swap(market.token, market.quote, 10**6 * WAD)
    back = swap(market.quote, market.token, 2 * 10**6 * WAD)
    before = read(market, oracle).price
    bench.send(actor, "set_steps", [there, measured, back, measured])
    receipt = UnlockedSender(bench.rpc, market.who).send(actor.address, b"\x12\x34\x56\x78")
    seen = [event.args["response"] for event in probe.events(receipt)]
    market.tape.append((bench.now, market.pool.read("slot0")[1], market.pool.read("liquidity")))
    assert [int.from_bytes(word[:32]) for word in seen] == [before, before]
    moved = [log for log in receipt.logs if log["address"].lower() == market.pool.address.lower()]
    assert len(moved) == 2  # both swaps did happen
    assert read(market, oracle).price == before


@pytest.mark.covers("O17")
@pytest.mark.parametrize("blocks", [1, 2, 5, 30, WINDOW // BLOCK])
def test_a_price_held_for_some_blocks_moves_the_mean_by_exactly_its_share(bench, blocks):
    market = Market(bench)
    oracle = market.oracle()
    start = bench.now + BLOCK
    honest = market.pool.read("slot0")[1]
    market.swap(10**5 * WAD, start)
    forced = market.pool.read("slot0")[1]
    assert honest - forced > 90_000  # a hundred times off, and 8,000 times in price
    for block in range(1, blocks + 1):
        bench.rpc.set_next_timestamp(start + block * BLOCK)
        bench.rpc.mine()
        sum_of_ticks = (WINDOW - block * BLOCK) * honest + block * BLOCK * forced
        assert read(market, oracle).price == market.price_at(sum_of_ticks // WINDOW)
    share = Fraction(blocks * BLOCK, WINDOW)
    off = read(market, oracle).price / market.price_at(honest)
    assert off == pytest.approx(1.0001 ** float((forced - honest) * share), rel=2e-4)


@pytest.mark.covers("O17")
def test_a_narrow_pool_bought_out_has_no_price(bench):
    """Fuse pool 23, November 2021: all VUSD bought out of a narrow pool, the tick at its end for a
    block, and a mean that was believed.
    """
    market = Market(bench, width=600)
    guard, blind = market.oracle(liquidity=10**18), market.oracle(liquidity=1)
    honest = read(market, guard).price
    market.swap(10**9 * WAD, back=True)
    assert market.pool.read("slot0")[1] == MAX_TICK - 1
    assert read(market, guard).price == read(market, blind).price == honest
    bench.forward(BLOCK)
    assert read(market, blind).price > honest * 17 // 10
    assert read(market, guard).price == 0


# the record


def test_no_price__when_the_record_was_pushed_out_of_the_window(bench):
    """Room for three observations, a trade a second: the record reaches back two seconds."""
    market = Market(bench, cardinality=3)
    oracle = market.oracle(cardinality=3)
    assert read(market, oracle).price
    at = bench.now
    for by in (1, 2, 3):
        market.swap(30 * WAD, at + by)
    assert read(market, oracle) == Report(0, bench.now)
    with pytest.raises(Reverted, match="OLD"):
        market.pool.read("observe", [WINDOW, 0])
    # the oldest of the three is of at + 1
    bench.rpc.set_next_timestamp(at + 1 + WINDOW - 1)
    bench.rpc.mine()
    assert read(market, oracle).price == 0
    bench.forward(1)
    assert read(market, oracle).price == market.price_at(market.mean_tick())


def test_a_record_of_one_a_block_cannot_be_pushed_out(bench):
    market = Market(bench)
    oracle = market.oracle(cardinality=CARDINALITY)
    dice = random.Random(1)
    for _ in range(2 * CARDINALITY + 7):
        market.swap(dice.randint(1, 9) * WAD, bench.now + BLOCK, back=dice.random() < 0.5)
        if len(market.tape) % 30 == 0:
            assert read(market, oracle).price == market.price_at(market.mean_tick())
    assert market.pool.read("slot0")[2] != CARDINALITY - 1
    assert read(market, oracle).price == market.price_at(market.mean_tick())


def test_no_price__while_the_window_is_not_full(bench):
    market = Market(bench, age=0)
    first = market.pool.read("observations", 0)[0]
    bench.rpc.set_next_timestamp(first + 899)
    with pytest.raises(Reverted, match="window not full"):
        market.oracle(window=900)
    bench.rpc.set_next_timestamp(first + 900)
    assert read(market, market.oracle(window=900)).price


def test_no_price__when_liquidity_was_low(bench):
    """The harmonic mean by hand, to its last unit but the pool's own rounding."""
    market = Market(bench)
    whole = market.pool.read("liquidity")
    positions = market.uniswap.positions
    bench.forward(WINDOW)
    positions.transact("decreaseLiquidity", (1, whole * 9 // 10, 0, 0, FOREVER), sender=market.who)
    market.note()
    left = market.pool.read("liquidity")
    half_at = bench.now + WINDOW // 2
    mean = Fraction(WINDOW) / (Fraction(WINDOW // 2, whole) + Fraction(WINDOW // 2, left))
    assert left * 18 // 10 < mean < left * 19 // 10
    bench.rpc.set_next_timestamp(half_at)
    market.oracle(liquidity=int(mean) - 10**6)
    bench.rpc.set_next_timestamp(half_at)
    with pytest.raises(Reverted, match="liquidity too low"):
        market.oracle(liquidity=int(mean) + 10**6)

    guard = market.oracle(liquidity=left * 3 // 2)
    assert read(market, guard).price == market.price_at(market.mean_tick())
    while market.mean_liquidity() >= left * 3 // 2:
        assert read(market, guard).price
        bench.forward(60)
    assert read(market, guard) == Report(0, market.tape[-1][0])
    assert market.mean_liquidity() > left


def test_no_price__when_there_was_no_liquidity_for_a_few_seconds(bench):
    market = Market(bench)
    guard = market.oracle(liquidity=10**6)
    whole = market.pool.read("liquidity")
    positions = market.uniswap.positions
    bench.forward(WINDOW)
    at = bench.now + BLOCK
    bench.rpc.set_next_timestamp(at)
    positions.transact("decreaseLiquidity", (1, whole, 0, 0, FOREVER), sender=market.who)
    assert market.pool.read("liquidity") == 0
    assert read(market, guard).price  # not one second has passed without
    bench.rpc.set_next_timestamp(at + 1)
    amounts = (1_000 * WAD, 2_000_000 * WAD)
    order = amounts if market.is_token0 else amounts[::-1]
    positions.transact("increaseLiquidity", (1, *order, 0, 0, FOREVER), sender=market.who)
    assert market.pool.read("liquidity") > 10**20
    assert read(market, guard).price == 0
    bench.forward(WINDOW - 1)
    assert read(market, guard).price == 0
    bench.forward(1)
    assert read(market, guard).price


# time


def test_time__is_that_of_the_last_observation(market, bench):
    """A week without a trade is a week without news, whatever the pool extrapolates."""
    oracle = market.oracle()
    last = market.tape[-1][0]
    price = read(market, oracle).price
    bench.forward(7 * DAY)
    assert read(market, oracle) == Report(market.price_at(market.mean_tick()), last)
    assert read(market, oracle).price == price

    market.swap(1)  # too small to move the tick: the pool writes nothing down
    assert read(market, oracle).updated_at == last
    market.swap(WAD // 3)
    assert read(market, oracle).updated_at == bench.now
    bench.forward(DAY)
    market.uniswap.positions.transact(
        "increaseLiquidity", (1, WAD, 2_000 * WAD, 0, 0, FOREVER), sender=market.who
    )
    assert read(market, oracle).updated_at == bench.now


def test_time__a_hub_takes_a_dead_pool_for_failed(market, bench):
    oracle = market.oracle()
    market.swap(WAD)
    hub = bench.deploy("PriceHub", market.who, 60, 1_200, ZERO)
    limits = (DAY, 1, 2**88 - 1, 2**24 - 1, 2**24 - 1, 12_750, 2**40 - 1)
    bench.send(hub, "list_kind", market.token.address, oracle.address, *limits)
    bench.rpc.set_next_timestamp(market.tape[-1][0] + DAY)
    bench.send(hub, "poke", 1)
    assert hub.read("words", 0) >> 248 == 0
    bench.forward(60)
    bench.send(hub, "poke", 1)
    assert hub.read("words", 0) >> 248 == 1  # FAILED
    market.swap(WAD)
    bench.forward(1)
    bench.send(hub, "poke", 1)
    assert hub.read("words", 0) >> 248 == 2  # CONFIRMING


def test_time__goes_on_where_the_pools_32_bits_end():
    """7 February 2106, 06:28:15 UTC."""
    bench = Bench(RevmNode(2**32 - 4_000))
    market = Market(bench)
    oracle = market.oracle()
    for by in (100, 1_500, 399, 1, 600, 5_000):
        market.swap(9 * WAD, bench.now + by)
        expected = market.price_at(market.mean_tick())
        assert read(market, oracle) == Report(expected, bench.now)
    assert bench.now > 2**32
    assert market.pool.read("slot0")[2] > 3


# extremes


@pytest.mark.parametrize("is_token0", [True, False])
@pytest.mark.parametrize("tick", [-MAX_TICK, 1 - MAX_TICK, 443_636, MAX_TICK - 1])
def test_price__at_the_ends_of_all_ticks(bench, is_token0, tick):
    """A pool pushed to where Uniswap ends; the mean there is exact and the read does not fail."""
    for decimals, quote in ((18, 18), (6, 18), (18, 6)):
        tokens = [bench.deploy("MockToken", "T", "T", places) for places in (decimals, quote)]
        pair = [token.address for token in tokens]
        pool = bench.deploy("MockTwapPool", *(pair if is_token0 else pair[::-1]))
        bench.send(pool, "set_growth", tick * WINDOW, WINDOW << 128)
        oracle = bench.deploy("UniswapTwapOracle", pool.address, *pair, FEE, WINDOW, 2, 1)
        report = bench.read(oracle)
        assert report.price == price_of(tick, is_token0, decimals, quote)


@pytest.mark.parametrize("start", [1, 2**160 - 1, 2**160 - (WINDOW << 100)])
def test_liquidity__is_right_where_the_pools_160_bits_wrap_round(bench, start):
    tokens = [bench.deploy("MockToken", "T", "T", 18).address for _ in range(2)]
    pool = bench.deploy("MockTwapPool", *tokens)
    bench.send(pool, "set_growth", 0, WINDOW << 100)  # a mean liquidity of 2**28
    args = pool.address, *tokens, FEE, WINDOW, 2
    oracle = bench.deploy("UniswapTwapOracle", *args, 2**28)
    bench.send(pool, "set_start", start)
    assert bench.read(oracle).price == WAD
    with pytest.raises(Reverted, match="liquidity too low"):
        bench.deploy("UniswapTwapOracle", *args, 2**28 + 1)


def test_price__follows_a_real_pool_to_its_end(bench):
    """Everything bought out of a narrow pool: the tick runs to the end of the range."""
    market = Market(bench, width=600)
    oracle = market.oracle(liquidity=1)
    market.uniswap.router.transact(
        "exactInputSingle",
        (market.token.address, market.quote.address, FEE, market.who, FOREVER, 10**9 * WAD, 0, 0),
        sender=market.who,
    )
    market.note()
    assert market.pool.read("slot0")[1] == -MAX_TICK
    assert market.pool.read("liquidity") == 0
    bench.forward(WINDOW)
    assert market.mean_tick() == -MAX_TICK
    assert read(market, oracle) == Report(price_of(-MAX_TICK, True, 18, 18), market.tape[-1][0])
    with pytest.raises(Reverted, match="liquidity too low"):
        market.oracle(liquidity=2)


# beside others


def test_composed__gives_coin_units(market, bench):
    """TOK in QTE times QTE in coins."""
    oracle = market.oracle()
    rate = bench.deploy("MockOracle", 3 * WAD // 2)
    product = bench.deploy("ProductOracle", oracle.address, rate.address, 140_000)
    ours = read(market, oracle)
    assert bench.read(product) == Report(ours.price * 3 // 2, ours.updated_at)


def test_gas__of_a_full_record(real_bench):
    """The dearest read: every place of a ring of 301 written, the window's start in the middle."""
    market = Market(real_bench, cardinality=301)
    oracle = market.oracle(cardinality=301)
    for _ in range(310):
        market.swap(WAD, real_bench.now + BLOCK)
    receipt = real_bench.probe.transact(
        "measure", oracle.address, PRICE, sender=real_bench.stranger
    )
    (measured,) = real_bench.probe.events(receipt)
    assert int.from_bytes(measured.args["response"][:32])
    print(f"UniswapTwapOracle over 301 observations: {measured.args['gas']}")
    assert measured.args["gas"] < HUB_GAS // 3


# construction


def test_deploy(market):
    oracle = market.oracle(cardinality=7, liquidity=9)
    assert oracle.read("pool") == market.pool.address
    assert (oracle.read("token"), oracle.read("quote")) == (
        market.token.address,
        market.quote.address,
    )
    assert oracle.read("window") == WINDOW
    assert (oracle.read("min_cardinality"), oracle.read("min_liquidity")) == (7, 9)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"window": 899}, "bad window"),
        ({"window": DAY + 1}, "bad window"),
        ({"cardinality": 1}, "bad cardinality"),
        ({"cardinality": 65_536}, "bad cardinality"),
        ({"liquidity": 0}, "bad liquidity"),
        ({"liquidity": 2**128}, "bad liquidity"),
        ({"factory": "0x" + "11" * 20}, "factory has no code"),
        ({"fee": 500}, "no such pool"),
        ({"token": "0x" + "11" * 20}, "no such pool"),
        ({"cardinality": CARDINALITY + 1}, "cardinality too low"),
        ({"window": WINDOW + 100}, "window not full"),
        ({"liquidity": 2**100}, "liquidity too low"),
    ],
)
def test_deploy_reverts_when_an_argument_is_wrong(market, other, reason):
    market.oracle()
    with pytest.raises(Reverted, match=reason):
        market.oracle(**other)


@pytest.mark.parametrize(("decimals", "quote"), [(5, 18), (19, 18), (18, 5), (18, 24)])
def test_deploy_reverts_when_decimals_are_out_of_range(bench, decimals, quote):
    tokens = [bench.deploy("MockToken", "T", "T", places).address for places in (decimals, quote)]
    pool = bench.deploy("MockTwapPool", *tokens)
    with pytest.raises(Reverted, match="bad decimals"):
        bench.deploy("UniswapTwapOracle", pool.address, *tokens, FEE, WINDOW, 2, 1)


def test_deploy_reverts_when_the_pool_was_never_initialised(market, bench):
    other = bench.deploy("MockToken", "Other", "OTH", 18)
    market.uniswap.factory.transact(
        "createPool", market.token.address, other.address, FEE, sender=market.who
    )
    with pytest.raises(Reverted, match="cardinality too low"):
        market.oracle(quote=other.address)
