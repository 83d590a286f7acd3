# SPDX-License-Identifier: MIT
"""Configurations of a replay: families by name, TOML files, and each mistake in one line."""

from __future__ import annotations

import pytest

from surety.deploy import LST, LST_LIMITS, MAJOR, MAJOR_LIMITS, STABLE, STABLE_LIMITS, TAIL_LIMITS
from surety.deploy.params import Limits
from surety.prices.config import ConfigError, family_of, load_config

WAD = 10**18


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("eth", "major"),
        ("WBTC", "major"),
        ("ETH/USD", "major"),
        ("eth@ETH_USD_10m", "major"),
        ("steth", "lst"),
        ("wstETH", "lst"),
        ("usdc", "stable"),
        ("stable", "stable"),
        ("link", "tail"),
        ("ethfi", "tail"),
    ],
)
def test_a_kinds_name_tells_its_family(kind, family):
    assert family_of(kind) == family


def test_nothing_is_the_defaults():
    config = load_config(None)
    assert (config.fresh_for, config.confirm_period) == (60, 1_200)
    assert config.of("eth").limits == MAJOR_LIMITS
    assert config.of("steth").limits == LST_LIMITS
    assert (config.of("usdc").limits, config.of("usdc").levels) == (STABLE_LIMITS, STABLE)
    assert config.of("link").limits == TAIL_LIMITS
    guards = config.guards(config.of("eth"), 200 * WAD)
    assert (guards.min_price, guards.max_price) == (10 * WAD, 4_000 * WAD)
    assert guards.max_age == 90_000
    assert config.guards(config.of("eth"), 2**88 - 2).max_price == 2**88 - 1
    assert config.guards(config.of("eth"), 19).min_price == 1


def test_a_family_guards_every_kind():
    assert load_config("stable").of("eth").limits == STABLE_LIMITS
    assert load_config("lst").of("eth").levels == LST


def test_a_file_says_what_it_says_and_families_the_rest(tmp_path):
    path = tmp_path / "guards.toml"
    path.write_text(
        """
fresh_for = 15
confirm_period = "1_800"
family = "major"
[kinds.USDC]
max_age = 86_400
min_price = "0.9"
max_price = "1_000.5"
[kinds.steth]
family = "stable"
limits = { slew_down = 1, slew_up = 2, jump_bps = 150, sigma_ref = 4 }
levels = "major"
""",
        "utf-8",
    )
    config = load_config(str(path))
    assert (config.fresh_for, config.confirm_period) == (15, 1_800)
    usdc, steth = config.of("usdc"), config.of("stETH")
    assert (usdc.limits, usdc.family, usdc.max_age) == (STABLE_LIMITS, "stable", 86_400)
    assert (usdc.min_price, usdc.max_price) == (9 * WAD // 10, 10_005 * WAD // 10)
    assert (steth.limits, steth.levels) == (Limits(1, 2, 150, 4), MAJOR)
    assert config.of("link").limits == MAJOR_LIMITS
    guards = config.guards(usdc, WAD)
    assert (guards.min_price, guards.max_price) == (usdc.min_price, usdc.max_price)
    assert (guards.fresh_for, guards.jump_bps) == (15, 400)


def test_a_deployments_file_serves_as_well(tmp_path):
    path = tmp_path / "system.toml"
    token, feed = "0x" + "11" * 20, "0x" + "22" * 20
    path.write_text(
        f"""
fresh_for = 30
[[kinds]]
name = "ETH"
token = "{token}"
aggregator = "{feed}"
levels = "major"
min_price = "100_000000000000000000"
max_price = "20_000_000000000000000000"
""",
        "utf-8",
    )
    config = load_config(str(path))
    kind = config.of("eth")
    assert config.fresh_for == 30
    assert (kind.limits, kind.levels) == (MAJOR_LIMITS, MAJOR)
    assert (kind.min_price, kind.max_price) == (100 * WAD, 20_000 * WAD)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fresh_fro = 1", "fresh_fro: unknown key; did you mean 'fresh_for'?"),
        ("[kinds.eth]\nslew = 1", "kinds.eth.slew: unknown key; known keys: family, limits"),
        ("[kinds.eth]\nlimits = 'majr'", "kinds.eth.limits: 'majr' is none of major, lst"),
        ("[kinds.eth]\nlimits = 5", "kinds.eth.limits: must be a table"),
        (
            "[kinds.eth]\nlimits = {slew_down=1,slew_up=1,jump_bps=50}",
            "kinds.eth.limits.sigma_ref: missing",
        ),
        (
            "[kinds.eth]\nlimits = {slew_down=1,slew_up=1,jump_bps=51,sigma_ref=1}",
            "eth: jump_bps must be a multiple of 50",
        ),
        ("[kinds.eth]\nlimits = {slew_dwn=1}", "slew_dwn: unknown key; did you mean 'slew_down'?"),
        ("[kinds.eth]\nmin_price = '2'\nmax_price = '2'", "min_price must be below max_price"),
        ("[kinds.eth]\nmin_price = '0'", "kinds.eth.min_price is zero"),
        ("[kinds.eth]\nmin_price = 0.5", "kinds.eth.min_price: write whole coins as text"),
        ("[kinds.eth]\nmax_age = 0", "kinds.eth.max_age: must be an integer in 1..16777215"),
        ("[kinds.eth]\nfamily = 'big'", "kinds.eth.family: 'big' is none of"),
        ("fresh_for = 3601", "fresh_for: must be an integer in 0..120, not 3601"),
        ("confirm_period = true", "confirm_period: must be an integer"),
        ("kinds = 1", "kinds: must be a table"),
        ("kinds = [1]", "kinds[0]: must be a table"),
        ("=", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "guards.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_is_no_family_and_no_file_gets_a_hint(tmp_path):
    with pytest.raises(ConfigError, match=r"stabel is none of major, .*; did you mean stable\?"):
        load_config("stabel")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(str(tmp_path / "absent.toml"))
