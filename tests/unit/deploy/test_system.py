# SPDX-License-Identifier: MIT
"""A deployed system is wired as its parameters say, on any sender, or names the failed step."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from eth_account import Account

from surety.chain import KeySender, UnlockedSender, checksum
from surety.deploy import (
    LOOSE_LIMITS,
    MAJOR_LIMITS,
    STABLE_LIMITS,
    DeployError,
    ParamsError,
    System,
    SystemParams,
    deploy_system,
    list_kind,
    local_kinds,
)
from surety.deploy.reading import coins
from surety.paths import root

ZERO = "0x" + "00" * 20
NOBODY = "0x" + "11" * 20
WAD = 10**18
BOUNDS = {"min_price": 100 * WAD, "max_price": 10_000 * WAD}


def check_wiring(bind, system: System, params: SystemParams, governor: str) -> None:
    vault = bind("Vault", system.vault)
    coin = bind("Stablecoin", system.coin)
    hub = bind("PriceHub", system.hub)
    fund = bind("InsuranceFund", system.fund)
    models = bind("MarginModels", system.margin_models)
    book = params.book
    assert vault.read("operators") == system.operators
    assert vault.read("margin_models") == system.margin_models
    assert [models.read("models", slot) for slot in (0, 1, 255)] == [ZERO] * 3
    assert vault.read("coin") == system.coin
    assert vault.read("hub") == system.hub
    assert (vault.read("fund"), vault.read("pending_fund")) == (system.fund, ZERO)
    assert list(fund.read("books")) == [system.vault]
    assert coin.read("ceiling", system.vault) == book.ceiling
    assert fund.read("equity") == (0, 0)
    for name in (
        "grace_period",
        "auction_duration",
        "call_cool_down",
        "debt_floor",
        "call_tip",
        "liquidation_penalty",
    ):
        assert vault.read(name) == getattr(book, name)
    assert vault.read("interest") >> 168 == book.rate
    assert hub.read("listings") == system.listings
    assert hub.read("fresh_for") == params.fresh_for
    assert hub.read("confirm_period") == params.confirm_period
    assert hub.read("sequencer") == (params.sequencer or ZERO)
    assert hub.read("kind_count") == len(params.kinds)
    for number, (kind, listed) in enumerate(zip(params.kinds, system.kinds, strict=True)):
        assert (listed.kind, listed.name, listed.token) == (number, kind.name, kind.token)
        assert hub.read("token_of", number) == kind.token
        assert vault.read("collateral", number) % 2**160 == int(kind.token, 16)
        assert vault.read("deposited", number) == kind.cap << 128
        word, limits = vault.read("collateral", number), kind.limits
        assert [word >> shift & 0xFFFF for shift in range(160, 240, 16)] == [*astuple(kind.levels)]
        assert hub.read("config_of", number) == (
            listed.oracle,
            kind.max_age,
            limits.slew_down,
            limits.slew_up,
        )
        assert hub.read("limits_of", number) == (limits.jump_bps, limits.sigma_ref, 0)
        assert hub.read("bounds_of", number) == (kind.min_price, kind.max_price)
    for contract in (vault, coin, hub, fund, models):
        assert contract.read("governor") == governor


def test_deploy_system_wires_everything(bind, sender, kinds):
    params = SystemParams(kinds=kinds)
    steps: list[str] = []
    system = deploy_system(sender, params, steps.append)
    check_wiring(bind, system, params, sender.address)
    assert system.gas_used > 8_000_000
    assert steps[0] == "deploy Listings"
    assert system.kind("btc").kind == 1
    with pytest.raises(KeyError, match="no kind 'doge'"):
        system.kind("doge")


def test_deploy_system_with_a_key_and_another_governor(rpc, bind, sender, kinds):
    key = Account.create()
    governor = checksum(rpc.call("eth_accounts")[5])
    rpc.set_balance(key.address, 10**20)
    params = SystemParams(kinds=kinds, governor=governor)
    system = deploy_system(KeySender(rpc, key), params)
    check_wiring(bind, system, params, key.address)
    for name, address in (
        ("Vault", system.vault),
        ("Stablecoin", system.coin),
        ("PriceHub", system.hub),
        ("InsuranceFund", system.fund),
        ("MarginModels", system.margin_models),
    ):
        contract = bind(name, address)
        assert contract.read("pending_governor") == governor
        contract.transact("accept_governor", sender=governor)
        assert contract.read("governor") == governor


def test_deploy_system_reuses_an_existing_oracle(sender, kinds):
    first = deploy_system(sender, SystemParams(kinds=kinds))
    reused = replace(kinds[0], aggregator=None, oracle=first.kinds[0].oracle)
    second = deploy_system(sender, SystemParams(kinds=(reused,)))
    assert second.kinds[0].oracle == first.kinds[0].oracle


def test_deploy_system_names_the_step_that_failed(sender, kinds):
    dead = replace(kinds[0], expected_price=None, max_price=kinds[0].min_price + 1)
    with pytest.raises(DeployError, match=r"list eth: 18 decimals, .*: price outside bounds$"):
        deploy_system(sender, SystemParams(kinds=(dead,)))


def test_each_kind_is_shown_and_listed_by_one_call(rpc, bind, sender, kinds):
    steps: list[str] = []
    asked: list[str] = []
    system = deploy_system(
        sender, SystemParams(kinds=kinds), steps.append, lambda line: asked.append(line) is None
    )
    assert asked == [step for step in steps if step.startswith("list ")]
    for line, kind, what in zip(
        asked,
        system.kinds,
        ("18 decimals, 2,000.00", "8 decimals, 40,000.00", "6 decimals, 1.00"),
        strict=True,
    ):
        assert re.fullmatch(
            rf"list {kind.name}: {what} live, \d+ s old, from ChainlinkOracle {kind.oracle}", line
        )
    logs = rpc.call(
        "eth_getLogs", {"address": system.listings, "fromBlock": "0x0", "toBlock": "latest"}
    )
    events = bind("Listings", system.listings).events(logs)
    assert [event.args["kind"] for event in events] == [0, 1, 2]
    assert len({event.tx for event in events}) == 3
    hub = rpc.call("eth_getLogs", {"address": system.hub, "fromBlock": "0x0", "toBlock": "latest"})
    listed = [e for e in bind("PriceHub", system.hub).events(hub) if e.name == "KindListed"]
    assert [event.tx for event in listed] == [event.tx for event in events]


def test_a_person_can_stop(rpc, bind, sender, kinds):
    """The second kind is refused: the first stays listed, nothing of the second is."""
    answers = iter([True, False])
    vaults = []
    with pytest.raises(DeployError, match=r"^list btc: 8 decimals, 40,000\.00 .*: stopped here$"):
        deploy_system(sender, SystemParams(kinds=kinds), vaults.append, lambda _line: next(answers))
    assert vaults[-1].startswith("list btc")
    head = rpc.call("eth_getBlockByNumber", "latest", True)
    (last,) = head["transactions"]
    assert last["to"] is None  # the adapter of btc is the last thing that was sent


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expected_price": 2_106 * WAD}, "2,000.00 live, .*: price deviates"),
        ({"expected_price": 1_900 * WAD}, "2,000.00 live, .*: price deviates"),
        ({"expected_price": None, "min_price": 1_201 * WAD}, "bounds too tight"),
        ({"expected_price": None, "min_price": 2 * WAD - 1}, "bounds too wide"),
        ({"expected_price": None, "max_price": 2_000_001 * WAD}, "bounds too wide"),
    ],
)
def test_what_is_expected_is_held_against_what_is_live(sender, kinds, changes, message):
    with pytest.raises(DeployError, match=message):
        deploy_system(sender, SystemParams(kinds=(replace(kinds[0], **(BOUNDS | changes)),)))


def test_without_expectations_the_live_reading_is_used(bind, sender, kinds):
    free = tuple(replace(kind, decimals=None, expected_price=None) for kind in kinds)
    params = SystemParams(kinds=free)
    check_wiring(bind, deploy_system(sender, params), params, sender.address)


def test_a_dead_feed_is_shown_and_refused(bind, sender, kinds, new):
    feed = new("MockAggregator", 8, 10**8)
    bind("MockAggregator", feed).transact("set_reverts", True, sender=sender.address)
    dead = replace(kinds[2], aggregator=feed, expected_price=None)
    match = r"^list stable: 6 decimals, no price from ChainlinkOracle 0x\w+: oracle failed$"
    with pytest.raises(DeployError, match=match):
        deploy_system(sender, SystemParams(kinds=(dead,)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token": NOBODY}, r"kinds\[1\]\.token: no contract at 0x1111\w+ on chain 31337$"),
        ({"aggregator": NOBODY}, r"kinds\[1\]\.aggregator: no contract at"),
        ({"aggregator": None, "oracle": NOBODY}, r"kinds\[1\]\.oracle: no contract at"),
        ({"decimals": 18}, r"kinds\[1\]\.decimals: 0x\w+ has 8, not 18$"),
    ],
)
def test_nothing_is_sent_when_the_chain_says_otherwise(sender, kinds, sent, changes, message):
    before = sent()
    bad = SystemParams(kinds=(kinds[0], replace(kinds[1], **changes)))
    with pytest.raises(ParamsError, match=message):
        deploy_system(sender, bad)
    assert sent() == before


def test_nothing_is_sent_for_a_token_that_is_none(sender, kinds, sent, new):
    tokens = {
        new("GasProbe"): "does not say its decimals",
        new("MockToken", "T", "T", 5): "has 5 decimals, not 6..18",
        new("MockToken", "T", "T", 19): "has 19 decimals, not 6..18",
    }
    before = sent()
    for token, message in tokens.items():
        bad = SystemParams(kinds=(replace(kinds[0], token=token, decimals=None),))
        with pytest.raises(ParamsError, match=message):
            deploy_system(sender, bad)
    assert sent() == before


def test_a_sequencer_is_named_before_any_kind(rpc, bind, sender, kinds, new):
    uptime = new("MockUptimeFeed")
    write = bind("MockUptimeFeed", uptime)
    write.transact("set_status", 0, rpc.timestamp() - 10_000, sender=sender.address)
    params = SystemParams(kinds=kinds, sequencer=uptime, confirm_period=600, fresh_for=15)
    steps: list[str] = []
    check_wiring(bind, deploy_system(sender, params, steps.append), params, sender.address)
    assert steps.index("PriceHub.set_sequencer") < min(
        i for i, step in enumerate(steps) if step.startswith("list ")
    )


def test_list_kind_adds_one_to_a_system_that_exists(bind, sender, kinds, new):
    system = deploy_system(sender, SystemParams(kinds=kinds[:2]))
    steps: list[str] = []
    listed = list_kind(sender, system.listings, system.vault, kinds[2], steps.append)
    assert (listed.kind, listed.name, listed.token) == (2, "stable", kinds[2].token)
    assert steps[0] == "deploy ChainlinkOracle for stable"
    assert steps[1].startswith("list stable: 6 decimals, 1.00 live")
    both = replace(system, kinds=(*system.kinds, listed))
    check_wiring(bind, both, SystemParams(kinds=kinds), sender.address)


def test_list_kind_knows_what_is_listed_before_it_sends(bind, sender, kinds, sent, new):
    """In both, in the hub alone, and the coin itself: no adapter is deployed for nothing."""
    system = deploy_system(sender, SystemParams(kinds=kinds[:1]))
    btc, oracle = kinds[1], new("ChainlinkOracle", kinds[1].aggregator)
    rules = (btc.max_age, btc.min_price, btc.max_price, *astuple(btc.limits))
    hub = bind("PriceHub", system.hub)
    hub.transact("list_kind", btc.token, oracle, *rules, sender=sender.address)
    coin = replace(kinds[2], token=system.coin, decimals=None)
    before = sent()
    for kind, message in (
        (kinds[0], r"^eth: 0x\w{40}: already listed$"),
        (btc, r"^btc: 0x\w{40}: already listed$"),
        (coin, r"^stable: 0x\w{40}: the coin itself$"),
    ):
        with pytest.raises(ParamsError, match=message):
            list_kind(sender, system.listings, system.vault, kind)
    assert sent() == before


def test_list_kind_is_for_the_governor(rpc, bind, sender, kinds, sent):
    system = deploy_system(sender, SystemParams(kinds=kinds[:1]))
    other = UnlockedSender(rpc, checksum(rpc.call("eth_accounts")[7]))
    height = rpc.block_number()
    message = rf"^btc: {other.address} is not the vault's governor, {sender.address} is$"
    with pytest.raises(ParamsError, match=message):
        list_kind(other, system.listings, system.vault, kinds[1])
    assert rpc.block_number() == height
    hub = bind("PriceHub", system.hub)
    hub.transact("propose_governor", other.address, sender=sender.address)
    hub.transact("accept_governor", sender=other.address)
    before = sent()
    message = rf"^btc: {sender.address} is not the hub's governor, {other.address} is$"
    with pytest.raises(ParamsError, match=message):
        list_kind(sender, system.listings, system.vault, kinds[1])
    assert sent() == before


def test_list_kind_knows_a_vault_and_its_listings(sender, kinds, sent, new):
    system = deploy_system(sender, SystemParams(kinds=kinds[:1]))
    stray = new("Listings")
    before = sent()
    for listings, vault, message in (
        (system.listings, NOBODY, "^vault: no contract at 0x1111"),
        (NOBODY, system.vault, "^listings: no contract at 0x1111"),
        (system.listings, system.hub, f"^vault: {system.hub} is not a vault$"),
        (system.vault, system.listings, f"^vault: {system.listings} is not a vault$"),
        (system.listings, kinds[1].token, f"^vault: {kinds[1].token} is not a vault$"),
        (system.hub, system.vault, f"from {system.listings}, not {system.hub}$"),
        (stray, system.vault, f"from {system.listings}, not {stray}$"),
    ):
        with pytest.raises(ParamsError, match=message):
            list_kind(sender, listings, vault, kinds[1])
    assert sent() == before


def test_list_kind_shows_and_asks_whom_it_is_told(sender, kinds, sent):
    """Neither by default; a no leaves the adapter and nothing else."""
    system = deploy_system(sender, SystemParams(kinds=kinds[:1]))
    before = sent()
    with pytest.raises(DeployError, match=r"^list btc: 8 decimals, .*: stopped here$"):
        list_kind(sender, system.listings, system.vault, kinds[1], approve=lambda _line: False)
    assert sent() == before + 1


def test_list_kind_checks_before_it_sends(sender, kinds, sent):
    system = deploy_system(sender, SystemParams(kinds=kinds[:1]))
    before = sent()
    for changes, message in (
        ({"token": NOBODY}, "token: no contract at"),
        ({"max_age": 0}, "btc: max_age must be"),
        ({"levels": replace(kinds[1].levels, maintenance_ltv=8_381)}, "could not pay its penalty"),
    ):
        with pytest.raises(ParamsError, match=message):
            list_kind(sender, system.listings, system.vault, replace(kinds[1], **changes))
    assert sent() == before


def test_local_kinds_take_the_limits_of_their_family(sender):
    loose, real = local_kinds(sender), local_kinds(sender, limits=None)
    assert [kind.limits for kind in loose] == [LOOSE_LIMITS] * 3
    assert [kind.limits for kind in real] == [MAJOR_LIMITS, MAJOR_LIMITS, STABLE_LIMITS]
    for kind in loose:
        assert kind.min_price == kind.expected_price // 1_000
        assert kind.max_price == kind.expected_price * 1_000


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (0, "0.0"),
        (1, "0.000000000000000001"),
        (123_456_789, "0.000000000123456"),
        (WAD - 1, "0.999999"),
        (WAD, "1.00"),
        (1_999_999_999_999_999_999_999, "1,999.99"),
        (12_345_678 * WAD + WAD // 20, "12,345,678.05"),
    ],
)
def test_prices_are_shown_rounded_down(price, text):
    assert coins(price) == text


def test_script_deploys_under_ape(tmp_path):
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ape"),
            "run",
            "deploy",
            "--network",
            "ethereum:local:foundry",
        ],
        cwd=root(),
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    assert [kind["name"] for kind in found["kinds"]] == ["eth", "btc", "stable"]
    assert found["gas_used"] > 8_000_000
    assert "list btc: 8 decimals, 40,000.00 live" in done.stderr
