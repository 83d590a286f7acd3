# SPDX-License-Identifier: MIT
"""Every adapter that exists can be named in a parameter file, over any other, and is listed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.compile import artifact
from surety.deploy import (
    ADAPTERS,
    LST_LIMITS,
    TAIL_LIMITS,
    Adapter,
    Chainlink,
    DeployError,
    Median,
    Minimum,
    ParamsError,
    Product,
    Pyth,
    Share,
    SystemParams,
    Twap,
    deploy_system,
)
from surety.deploy.adapters import arguments_of
from surety.deploy.config import load_params
from surety.paths import contracts
from tests.unit.oracles.pyth import FEED, PUBLISHER, Message

WAD = 10**18
A, B, C = ("0x" + digit * 40 for digit in "abc")


def test_every_adapter_has_a_type():
    known = {adapter.contract for adapter in ADAPTERS.values()}
    assert known == {path.stem for path in (contracts() / "oracles").glob("*.vy")}


@pytest.mark.parametrize("name", ADAPTERS)
def test_fields_are_the_constructor_s_arguments(name):
    abi = artifact(ADAPTERS[name].contract).abi
    (constructor,) = (entry for entry in abi if entry["type"] == "constructor")
    wanted = [item["name"].removesuffix("_") for item in constructor["inputs"]]
    assert list(arguments_of(ADAPTERS[name])) == wanted


def test_gas_is_shared_out_level_by_level():
    inner = Median(A, B, Chainlink(C), 3_600, 100)
    outer = Product(inner, Minimum(A, B)).fitted("x")
    assert outer.source_gas == 140_000
    assert (outer.first.source_gas, outer.second.source_gas) == (40_000, 60_000)
    assert inner.fitted("x").source_gas == 90_000
    under = Median(A, B, Product(A, Chainlink(B)), 3_600, 100).fitted("x")
    assert under.third.source_gas == 40_000
    assert Chainlink(A).fitted("x") == Chainlink(A)
    share = Share(A, B, max_growth_bps=1, period=3_600, expected_ratio=1)
    assert share.fitted("x").source_gas == 140_000


TWAP = Twap(A, B, C, 3_000, 1_800, 151, 1)


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (Median(A, B, TWAP, 600, 100), "x.third: UniswapTwapOracle needs 120000 gas .* get 90000"),
        (Product(Product(TWAP, A), B), "x.first.first: UniswapTwapOracle needs .* get 60000"),
        (
            Median(A, B, Median(A, B, Chainlink(C), 1, 1), 600, 100),
            "x.third.third: ChainlinkOracle needs 35000 gas and would get 25000",
        ),
    ],
)
def test_a_source_must_get_the_gas_that_it_needs(adapter, message):
    with pytest.raises(ParamsError, match=message):
        adapter.fitted("x")
    assert Product(TWAP, A).fitted("x").source_gas == 140_000
    assert Median(A, B, TWAP, 600, 100, source_gas=93_000).fitted("x").source_gas == 93_000


def test_gas_that_is_given_is_kept():
    outer = Product(Minimum(A, B, source_gas=33_000), Minimum(A, B), source_gas=100_000).fitted("x")
    assert outer.source_gas == 100_000
    assert outer.first.source_gas == 33_000
    assert outer.second.source_gas == 45_000


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (Minimum(A, A), "x.second: the same source twice"),
        (Product(Chainlink(A), Chainlink(A)), "x.second: the same source twice"),
        (Median(A, B, A, 1, 1), "x.third: the same source twice"),
        (Median(A, B, C, 0, 1), "x.max_age: must be 1..16777215"),
        (Median(A, B, C, 1, 2_001), "x.max_spread_bps: must be 1..2000"),
        (Minimum(A, B, 9_999), "x.source_gas: must be 10000..298500"),
        (Minimum(A, Median(A, B, C, 1, 0)), "x.second.max_spread_bps: must be"),
        (Twap(A, B, C, 3_000, 899, 151, 1), "x.window: must be 900..86400"),
        (Twap(A, B, C, 3_000, 900, 1, 1), "x.min_cardinality: must be"),
        (Twap(A, B, C, 3_000, 900, 2, 0), "x.min_liquidity: must be"),
        (Pyth(A, "0x" + "11" * 32, 1_001), "x.max_confidence_bps: must be"),
        (Product(A, Product(A, Product(A, Product(A, B)))), "x.second.second.second: .* 3 deep"),
        (
            Share(A, B, max_growth_bps=10_001, period=3_600, expected_ratio=1),
            "x.max_growth_bps: must be",
        ),
    ],
)
def test_check_names_the_place(adapter, message):
    with pytest.raises(ParamsError, match=message):
        adapter.check("x")


FILE = """
sequencer = "{uptime}"
fresh_for = 15

[[kinds]]
name = "eth"
token = "{eth}"
decimals = 18
aggregator = "{eth_feed}"
levels = "major"
expected_price = "2_000_000000000000000000"
min_price = "100_000000000000000000"
max_price = "50_000_000000000000000000"

[[kinds]]
name = "staked"
token = "{staked}"
levels = "lst"
min_price = "100_000000000000000000"
max_price = "50_000_000000000000000000"
oracle = {{ type = "product", first = {{ type = "chainlink", aggregator = "{ratio}" }}, second = {{ type = "chainlink", aggregator = "{eth_feed}" }} }}

[[kinds]]
name = "btc"
token = "{btc}"
levels = "major"
limits = "tail"
min_price = "1_000_000000000000000000"
max_price = "1_000_000_000000000000000000"
[kinds.oracle]
type = "median"
max_age = 3600
max_spread_bps = 300
first = {{ type = "chainlink", aggregator = "{btc_feed}" }}
second = {{ type = "pyth", pyth = "{pyth}", feed_id = "{feed_id}", max_confidence_bps = 100 }}
third = "{existing}"

[[kinds]]
name = "usd"
token = "{usd}"
levels = "stable"
min_price = "500000000000000000"
max_price = "1_050000000000000000"
[kinds.oracle]
type = "minimum"
first = {{ type = "chainlink", aggregator = "{usd_feed}" }}
second = {{ type = "chainlink", aggregator = "{other_usd_feed}" }}

[[kinds]]
name = "share"
token = "{vault}"
levels = "stable"
min_price = "500000000000000000"
max_price = "5_000000000000000000"
[kinds.oracle]
type = "share"
vault = "{vault}"
max_growth_bps = 1000
period = 86400
expected_ratio = "1_000000000000000000000000000"
underlying = {{ type = "minimum", first = {{ type = "chainlink", aggregator = "{usd_feed}" }}, second = {{ type = "chainlink", aggregator = "{other_usd_feed}" }} }}

[[kinds]]
name = "alt"
token = "{alt}"
levels = "major"
limits = {{ slew_down = 1_666_667, slew_up = 333_333, jump_bps = 2_500, sigma_ref = 25_000_000 }}
min_price = "100_000000000000000000"
max_price = "50_000_000000000000000000"
[kinds.oracle]
type = "product"
first = {{ type = "twap", factory = "{pool}", token = "{alt}", quote = "{eth}", fee = 3000, window = 1800, min_cardinality = 151, min_liquidity = 1_000_000 }}
second = {{ type = "chainlink", aggregator = "{eth_feed}" }}
"""  # noqa: E501


@pytest.fixture(scope="module")
def real(rpc, sender, new, bind):
    """Tokens and sources for a file that uses every type."""

    def feed(price: int, decimals: int = 8) -> str:
        return new("MockAggregator", decimals, price)

    def token(decimals: int) -> str:
        return new("MockToken", "Token", "TOK", decimals)

    pyth = new("MockPyth", PUBLISHER, 0)
    update = Message(40_100 * 10**8, rpc.timestamp(), 10**8).sign(pyth, rpc.chain_id)
    bind("MockPyth", pyth).transact("updatePriceFeeds", [update], sender=sender.address)
    uptime = new("MockUptimeFeed")
    long_ago = rpc.timestamp() - 10**6
    bind("MockUptimeFeed", uptime).transact("set_status", 0, long_ago, sender=sender.address)
    eth, alt = token(18), token(18)
    pool = new("MockTwapPool", alt, eth)
    write = bind("MockTwapPool", pool)
    write.transact("set_growth", 0, (1_800 << 128) // 10**18, sender=sender.address)
    write.transact(
        "set_record", 151, rpc.timestamp() - 3_600, rpc.timestamp(), sender=sender.address
    )
    return {
        "uptime": uptime,
        "eth": eth,
        "alt": alt,
        "staked": token(18),
        "btc": token(8),
        "usd": token(6),
        "vault": new("MockShareVault", token(6), 18),
        "eth_feed": feed(2_000 * 10**8),
        "ratio": feed(112 * WAD // 100, 18),
        "btc_feed": feed(40_000 * 10**8),
        "usd_feed": feed(10**8),
        "other_usd_feed": feed(99_900_000),
        "existing": new("ChainlinkOracle", feed(39_000 * 10**8)),
        "pyth": pyth,
        "feed_id": "0x" + FEED.hex(),
        "pool": pool,
    }


@pytest.fixture
def load(tmp_path, real):
    def write_and_load(**changes: str) -> SystemParams:
        path = tmp_path / "params.toml"
        path.write_text(FILE.format(**(real | changes)))
        return load_params(path)

    return write_and_load


def test_a_file_with_every_type_is_deployed(rpc, sender, bind, load, real):
    steps: list[str] = []
    system = deploy_system(sender, load(), steps.append)
    hub = bind("PriceHub", system.hub)
    assert hub.read("sequencer") == real["uptime"]
    live = {}
    for kind in system.kinds:
        word = hub.read("words", kind.kind)
        live[kind.name] = word % 2**88
        assert hub.read("config_of", kind.kind)[0] == kind.oracle
        assert word >> 248 == 0
    assert live == {
        "eth": 2_000 * WAD,
        "staked": 2_240 * WAD,
        "btc": 40_000 * WAD,
        "usd": 999 * WAD // 1_000,
        "share": 999 * WAD // 1_000,
        "alt": 2_000 * WAD,
    }
    shown = [step for step in steps if step.startswith("list ")]
    assert shown == [
        f"list {kind.name}: {decimals} decimals, {price} live, {age} s old, from {name} "
        f"{kind.oracle}"
        for kind, (decimals, price, name), age in zip(
            system.kinds,
            [
                (18, "2,000.00", "ChainlinkOracle"),
                (18, "2,240.00", "ProductOracle"),
                (8, "40,000.00", "MedianOracle"),
                (6, "0.999", "MinimumOracle"),
                (18, "0.999", "ShareOracle"),
                (18, "2,000.00", "ProductOracle"),
            ],
            [line.split(" live, ")[1].split()[0] for line in shown],
            strict=True,
        )
    ]
    # what two kinds stand on is deployed once, as long as both give it as much gas
    assert steps.count("deploy ChainlinkOracle for eth") == 1
    assert steps.count("deploy ChainlinkOracle for staked") == 1
    assert steps.count("deploy ChainlinkOracle for share") == 0
    assert steps.count("deploy MinimumOracle for share") == 1  # with less gas than that of usd
    limits = [hub.read("limits_of", kind.kind)[:2] for kind in system.kinds]
    families = [LST_LIMITS, TAIL_LIMITS]
    assert limits[1:3] == [(family.jump_bps, family.sigma_ref) for family in families]
    assert limits[5] == (2_500, 25_000_000)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("uptime", r"sequencer: no contract at"),
        ("ratio", r"kinds\[1\]\.oracle\.first\.aggregator: no contract at"),
        ("existing", r"kinds\[2\]\.oracle\.third: no contract at"),
        ("pyth", r"kinds\[2\]\.oracle\.second\.pyth: no contract at"),
        ("other_usd_feed", r"kinds\[3\]\.oracle\.second\.aggregator: no contract at"),
        ("vault", r"kinds\[4\]\.token: no contract at"),
        ("pool", r"kinds\[5\]\.oracle\.first\.factory: no contract at"),
    ],
)
def test_nothing_is_sent_for_an_address_without_code(sender, load, sent, key, place):
    before = sent()
    with pytest.raises(ParamsError, match=place):
        deploy_system(sender, load(**{key: A}))
    assert sent() == before


def test_a_constructor_s_reason_names_the_kind(sender, load, new):
    dead = new("MockAggregator", 18, 0)
    with pytest.raises(DeployError, match="deploy ProductOracle for staked: source has no price"):
        deploy_system(sender, load(ratio=dead))


def test_a_source_that_is_missing_is_found_before_anything_is_sent(sender, load, sent):
    params = load()
    before = sent()
    broken = replace(params.kinds[0], aggregator=None, oracle=None)
    with pytest.raises(ParamsError, match="either an aggregator or an oracle"):
        deploy_system(sender, replace(params, kinds=(broken,)))
    assert sent() == before


@pytest.mark.parametrize("inside", ["minimum", "product", "median"])
@pytest.mark.parametrize("outside", ["minimum", "product", "median"])
def test_two_levels_of_feeds_fit(sender, bind, new, outside, inside):
    """What is shared out is enough for feeds on the second level, and the constructors agree."""

    def composite(name: str, *sources) -> Adapter:
        return Median(*sources, 3_600, 500) if name == "median" else ADAPTERS[name](*sources[:2])

    def feed() -> Chainlink:
        return Chainlink(new("MockAggregator", 8, 3 * 10**8))

    inner = composite(inside, feed(), feed(), feed())
    outer = composite(outside, feed(), inner, feed())
    if (outside, inside) == ("median", "median"):
        with pytest.raises(
            ParamsError, match="ChainlinkOracle needs 35000 gas and would get 25000"
        ):
            outer.fitted("x")
        return
    steps: list[str] = []
    made: dict[Adapter, str] = {}

    def create(contract: str, *args) -> str:
        steps.append(contract)
        return new(contract, *args)

    address = outer.fitted("x").deploy(create, made)
    worth = 3 ** ((inside == "product") + 1)
    worth = {"minimum": min(3, worth), "product": 3 * worth, "median": 3}[outside]
    assert bind("MinimumOracle", address).read("price")[0] == worth * WAD
    assert steps[-1] == outer.contract
    assert len(made) == len(steps) == len(set(made.values()))
