# SPDX-License-Identifier: MIT
"""Parameter files: what a good one gives, and the one line that a bad one gets."""

from __future__ import annotations

import re

import pytest

from surety.deploy import (
    LST,
    MAJOR,
    MAJOR_LIMITS,
    TAIL_LIMITS,
    Chainlink,
    Levels,
    Limits,
    Median,
    ParamsError,
    PegParams,
    Product,
)
from surety.deploy.adapters import MAX_DEPTH
from surety.deploy.config import FAMILIES, LIMITS, load_params

TOKEN = "0x" + "11" * 20
FEED = "0x" + "22" * 20
GOOD = f"""
governor = "{TOKEN}"
fresh_for = 15

[book]
grace_period = 1200
debt_floor = "20_000000000000000000"
call_tip = 0

[[kinds]]
name = "eth"
token = "{TOKEN}"
aggregator = "{FEED}"
levels = "major"
min_price = "100_000000000000000000"
max_price = "20000_000000000000000000"

[[kinds]]
name = "tail"
token = "{FEED}"
aggregator = "{TOKEN}"
isolated = true
cap = 1000
min_price = 1
max_price = 1_000_000
limits = "tail"
[kinds.levels]
initial_ltv = 5000
maintenance_ltv = 5500
close_out_ltv = 6000
start_factor = 10300
end_factor = 7500
"""


@pytest.fixture
def load(tmp_path):
    def write_and_load(text: str):
        path = tmp_path / "params.toml"
        path.write_text(text)
        return load_params(path)

    return write_and_load


def test_good_file_gives_every_value(load):
    params = load(GOOD)
    assert params.governor == TOKEN
    assert params.fresh_for == 15
    assert params.book.grace_period == 1_200
    assert params.book.debt_floor == 20 * 10**18
    assert params.book.auction_duration == 7_200  # a default
    assert params.kinds[0].levels == MAJOR
    assert params.kinds[1].levels == Levels(5_000, 5_500, 6_000, 10_300, 7_500)
    assert (params.kinds[1].isolated, params.kinds[1].cap) == (True, 1_000)
    assert [kind.limits for kind in params.kinds] == [MAJOR_LIMITS, TAIL_LIMITS]
    assert (params.kinds[0].decimals, params.kinds[0].expected_price) == (None, None)
    assert (params.confirm_period, params.sequencer) == (1_200, None)


def test_good_file_gives_what_is_expected_and_what_is_chosen(load):
    limits = "{ slew_down = 1, slew_up = 2, jump_bps = 50, sigma_ref = 4 }"
    text = GOOD.replace('levels = "major"', f'levels = "lst"\nlimits = {limits}\ndecimals = 8')
    text = text.replace("max_price = 1_000_000", "max_price = 1_000_000\nexpected_price = 1_000")
    text = text.replace("fresh_for = 15", f'confirm_period = 600\nsequencer = "{FEED}"')
    params = load(text)
    assert params.kinds[0].levels == LST
    assert params.kinds[0].limits == Limits(1, 2, 50, 4)
    assert (params.kinds[0].decimals, params.kinds[1].expected_price) == (8, 1_000)
    assert (params.confirm_period, params.sequencer) == (600, FEED)


@pytest.mark.parametrize("family", ["major", "lst", "stable"])
def test_limits_left_out_are_those_of_the_levels_family(load, family):
    kind = load(GOOD.replace('levels = "major"', f'levels = "{family}"')).kinds[0]
    assert (kind.levels, kind.limits) == (FAMILIES[family], LIMITS[family])


def oracle(text: str) -> str:
    """Return the good file with this in place of the first kind's feed."""
    return GOOD.replace(f'aggregator = "{FEED}"', f"oracle = {text}", 1)


def test_oracle_tables_nest(load):
    leaf = f'{{ type = "chainlink", aggregator = "{FEED}" }}'
    median = (
        f'{{ type = "median", first = {leaf}, second = "{FEED}", third = "{TOKEN}",'
        " max_age = 600, max_spread_bps = 50, source_gas = 40_000 }"
    )
    kind = load(oracle(f'{{ type = "product", first = {median}, second = {leaf} }}')).kinds[0]
    assert kind.aggregator is None
    assert kind.oracle == Product(
        Median(Chainlink(FEED), FEED, TOKEN, 600, 50, 40_000), Chainlink(FEED)
    )
    assert load(oracle(f'"{FEED}"')).kinds[0].oracle == FEED


LEAF = f'{{ type = "chainlink", aggregator = "{FEED}" }}'
PYTH = f'type = "pyth", pyth = "{FEED}", max_confidence_bps = 100'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ }", r"kinds\[0\]\.oracle\.type: missing"),
        ("{ type = 1 }", r"kinds\[0\]\.oracle\.type: 1 is none of chainlink, minimum"),
        ('{ type = "mean" }', r"kinds\[0\]\.oracle\.type: 'mean' is none of chainlink"),
        ('{ type = "chainlink" }', r"kinds\[0\]\.oracle\.aggregator: missing"),
        (
            f'{{ type = "chainlink", agregator = "{FEED}" }}',
            r"oracle\.agregator: unknown key; did you mean 'aggregator'\?",
        ),
        ('{ type = "chainlink", aggregator = 7 }', r"oracle\.aggregator: 7 is not an address"),
        (f'{{ type = "minimum", first = {LEAF} }}', r"oracle\.second: missing"),
        (f'{{ type = "minimum", first = {LEAF}, second = {LEAF} }}', "second: the same source"),
        (f'{{ type = "minimum", first = 5, second = {LEAF} }}', r"oracle\.first: 5 is not an ad"),
        (
            f'{{ type = "product", first = {LEAF}, second = {{ type = "median" }} }}',
            r"kinds\[0\]\.oracle\.second\.first: missing",
        ),
        (
            f'{{ type = "minimum", first = {LEAF}, second = "{FEED}", source_gas = 9_999 }}',
            r"oracle\.source_gas: must be 10000..298500",
        ),
        (
            f'{{ type = "minimum", first = {LEAF}, second = "{FEED}", source_gas = true }}',
            r"oracle\.source_gas: must be an integer",
        ),
        (f"{{ {PYTH} }}", r"oracle\.feed_id: missing"),
        (f'{{ {PYTH}, feed_id = "0x12" }}', r"oracle\.feed_id: must be 0x and 64 hex"),
        (f'{{ {PYTH}, feed_id = "0x{"0" * 64}" }}', r"oracle\.feed_id: must be 0x and 64 hex"),
        (f'{{ {PYTH}, feed_id = "0x{"g" * 64}" }}', r"oracle\.feed_id: must be 0x and 64 hex"),
        ("3", r"kinds\[0\]\.oracle: 3 is not an address"),
        ('"ETH/USD"', r"kinds\[0\]\.oracle: 'ETH/USD' is not an address"),
        (f'[ "{FEED}" ]', r"kinds\[0\]\.oracle: \['0x2+'\] is not an address"),
        (
            f'"{FEED}"\naggregator = "{FEED}"',
            "eth: give either an aggregator or an oracle",
        ),
    ],
)
def test_bad_oracle_gets_one_line_that_names_the_place(load, text, message):
    with pytest.raises(ParamsError, match=message) as caught:
        load(oracle(text))
    assert "\n" not in str(caught.value)


def test_oracles_nest_only_so_deep(load):
    text = f'"{FEED}"'
    for _ in range(MAX_DEPTH):
        text = f'{{ type = "product", first = {text}, second = "{TOKEN}" }}'
    assert load(oracle(text)).kinds[0].oracle is not None
    with pytest.raises(ParamsError, match=r"oracle\.first\.first\.first: adapters nest at most 3"):
        load(oracle(f'{{ type = "product", first = {text}, second = "{TOKEN}" }}'))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("grace_period", "grace_perid", r"book\.grace_perid: unknown key; did you mean"),
        ("fresh_for = 15", "zzz = 1", "zzz: unknown key; known keys"),
        ("fresh_for = 15", "fresh_for = 1.5", "fresh_for: must be an integer, not 1.5"),
        ("fresh_for = 15", "fresh_for = true", "fresh_for: must be an integer"),
        ("[book]", "[book", "not TOML"),
        (f'governor = "{TOKEN}"', 'governor = "0x12"', "governor: '0x12' is not an address"),
        (
            f'governor = "{TOKEN}"',
            'governor = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267"',
            "checksum is wrong",
        ),
        ('levels = "major"', 'levels = "minor"', r"kinds\[0\]\.levels: 'minor' is none of major"),
        ('levels = "major"', "", r"kinds\[0\]\.levels: missing"),
        ('levels = "major"', "levels = 5", r"kinds\[0\]\.levels: must be one of major, lst, sta"),
        ('limits = "tail"', "limits = 5", r"kinds\[1\]\.limits: must be one of major, lst, st"),
        ('limits = "tail"', 'limits = "loose"', r"kinds\[1\]\.limits: 'loose' is none of major"),
        ('limits = "tail"', "", r"kinds\[1\]\.limits: missing: levels of its own need limits"),
        (
            'limits = "tail"',
            "limits = { slew_down = 1, slew_up = 1, jump_bps = 50 }",
            r"kinds\[1\]\.limits\.sigma_ref: missing",
        ),
        (
            'limits = "tail"',
            "limits = { slew_down = 1, slew_up = 1, jump_bps = 51, sigma_ref = 1 }",
            "tail: jump_bps must be a multiple of 50",
        ),
        (
            'limits = "tail"',
            "limits = { slew_don = 1 }",
            r"kinds\[1\]\.limits\.slew_don: unknown key; did you mean 'slew_down'",
        ),
        ("fresh_for = 15", "confirm_period = 0", "confirm_period must be"),
        ("fresh_for = 15", 'sequencer = "L2"', "sequencer: 'L2' is not an address"),
        ("fresh_for = 15", f'sequencer = "0x{"0" * 40}"', "sequencer must not be the zero"),
        ("cap = 1000", "cap = 0", "tail: cap must be above 0"),
        ("cap = 1000", "decimals = 20", "tail: decimals must be 6..18"),
        ("cap = 1000", "expected_price = 1", "tail: expected_price must lie inside"),
        ("cap = 1000", "sequencer = 1", r"kinds\[1\]\.sequencer: unknown key"),
        ('name = "eth"', "", r"kinds\[0\]\.name: missing"),
        ("close_out_ltv = 6000", "", r"close_out_ltv: missing"),
        ("max_price = 1_000_000", "", r"kinds\[1\]\.max_price: missing"),
        ("fresh_for = 15", "fresh_for = 121", "fresh_for must be 0..120"),
        (f'governor = "{TOKEN}"', f'governor = "0x{"0" * 40}"', "governor must not be the zero"),
        ("fresh_for = 15", 'coin_symbol = "SURETY"', "coin_symbol 1 to 5"),
        ("isolated = true", "isolated = 1", r"kinds\[1\]\.isolated: must be true or false"),
        ("end_factor = 7500", "end_factor = 5000", "tail: levels must ascend"),
        ("call_tip = 0", "call_tip = -1", "call_tip must be"),
    ],
)
def test_bad_file_gets_one_line_that_names_the_place(load, old, new, message):
    assert old in GOOD
    with pytest.raises(ParamsError, match=message) as caught:
        load(GOOD.replace(old, new, 1))
    assert "\n" not in str(caught.value)
    assert "params.toml" in str(caught.value)


GOVERNED = f"""
admin = "{TOKEN}"
guardian = "{FEED}"
treasury = "{FEED}"
buffer_bps = 150
fund_ceiling = "1_000_000000000000000000"
flash_fee_bps = 5
flash_ceiling = 1000

[peg]
kind = "eth"
ceiling = "5_000000000000000000"
redeem_fee_bps = 7
"""


def test_who_governs_treasury_flash_loans_and_peg(load):
    params = load(
        GOOD.replace(f'governor = "{TOKEN}"', GOVERNED, 1).replace("fresh_for = 15\n", "", 1)
    )
    assert (params.admin, params.guardian, params.governor) == (TOKEN, FEED, None)
    assert (params.treasury, params.buffer_bps) == (FEED, 150)
    assert (params.fund_ceiling, params.flash_fee_bps, params.flash_ceiling) == (10**21, 5, 1_000)
    assert params.peg == PegParams("eth", 5 * 10**18, 0, 7)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f'admin = "{TOKEN}"', 'admin = "0x12"', "admin: '0x12' is not an address"),
        (f'guardian = "{FEED}"', "", "give admin and guardian together"),
        (f'admin = "{TOKEN}"', f'admin = "{FEED}"', "guardian must not be the admin"),
        ('ceiling = "5_000000000000000000"\n', "", "peg.ceiling: missing"),
        ('kind = "eth"', 'kind = "usdc"', "peg: no kind 'usdc'; there are eth, tail"),
        ("redeem_fee_bps = 7", "redeem_fee = 7", "peg.redeem_fee: unknown key; did you mean"),
        ("redeem_fee_bps = 7", "redeem_fee_bps = true", "peg.redeem_fee_bps: must be an integer"),
        ("buffer_bps = 150", "buffer_bps = 20", "buffer_bps must be 100..5000"),
        ("[peg]", "[[peg]]", "peg: must be a table"),
    ],
)
def test_what_is_wrong_with_them_is_said(load, old, new, message):
    text = GOOD.replace(f'governor = "{TOKEN}"', GOVERNED, 1).replace("fresh_for = 15\n", "", 1)
    assert old in text
    with pytest.raises(ParamsError, match=re.escape(message)):
        load(text.replace(old, new, 1))
