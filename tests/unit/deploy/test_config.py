# SPDX-License-Identifier: MIT
"""Parameter files: what a good one gives, and the one line that a bad one gets."""

from __future__ import annotations

import pytest

from surety.deploy import MAJOR, Levels, ParamsError
from surety.deploy.config import load_params

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
        ('name = "eth"', "", r"kinds\[0\]\.name: missing"),
        ("close_out_ltv = 6000", "", r"close_out_ltv: missing"),
        ("max_price = 1_000_000", "", r"kinds\[1\]\.max_price: missing"),
        ("fresh_for = 15", "fresh_for = 3601", "fresh_for must be 0..3600"),
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
