# SPDX-License-Identifier: MIT
"""The guide to listing a kind says what the code says."""

from __future__ import annotations

import json
import re

import pytest
from eth_account import Account

from surety.chain import KeySender
from surety.deploy import (
    ADAPTERS,
    LST_LIMITS,
    TAIL_LIMITS,
    DeployError,
    Limits,
    Median,
    Minimum,
    PegParams,
    SystemParams,
    Twap,
    deploy_system,
)
from surety.deploy.adapters import Gas, arguments_of
from surety.deploy.config import load_params
from surety.paths import root

GUIDE = (root() / "docs" / "listing.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)

(PROGRAM,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(params=range(len(EXAMPLES)))
def example(request, tmp_path):
    path = tmp_path / "params.toml"
    path.write_text(EXAMPLES[request.param])
    return load_params(path)


def test_every_example_is_a_good_file(example):
    assert example.kinds


def test_examples_give_what_they_say(tmp_path):
    loaded = []
    for i, text in enumerate(EXAMPLES):
        path = tmp_path / f"{i}.toml"
        path.write_text(text)
        loaded.append(load_params(path))
    whole, alt, layered = loaded
    assert None not in (whole.admin, whole.guardian, whole.treasury)
    assert whole.peg == PegParams("usd", 10**24, 10, 20, 995 * 10**15)
    assert [kind.name for kind in whole.kinds] == ["eth", "usd", "staked", "tail"]
    assert whole.kinds[0].max_age == 4_500
    assert isinstance(whole.kinds[1].oracle, Minimum)
    assert whole.kinds[2].limits == LST_LIMITS
    assert (whole.kinds[3].limits, whole.kinds[3].isolated) == (TAIL_LIMITS, True)
    assert alt.kinds[0].limits == Limits(1_666_667, 333_333, 2_500, 25_000_000)
    assert isinstance(layered.kinds[0].oracle, Median)
    assert isinstance(layered.kinds[1].oracle.first, Twap)
    assert layered.sequencer is not None


def test_every_reason_is_in_the_guide():
    told = (root() / "interfaces" / "IListings.vyi").read_text()
    reasons = re.findall(r'"([a-z][^"]+)"', told[: told.index("struct Listing")])
    assert len(reasons) > 30
    assert [reason for reason in reasons if f"`{reason}`" not in GUIDE] == []


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_s_arguments_are_in_the_guide(name):
    (row,) = re.findall(rf"^\| `{name}` \|.*$", GUIDE, re.MULTILINE)
    named = re.findall(r"`(\w+)`", row.split("|")[2])
    arguments = arguments_of(ADAPTERS[name]).items()
    assert named == [key for key, kind in arguments if not isinstance(kind, Gas)]


@pytest.mark.parametrize(("answer", "count"), [("y", 2), ("", 1)])
def test_the_program_lists_one_more_kind(
    rpc, bind, new, kinds, tmp_path, monkeypatch, capsys, answer, count
):
    """As it stands, over the addresses of a chain of its own; without a yes nothing is listed."""
    key = Account.create()
    rpc.set_balance(key.address, 10**20)
    system = deploy_system(KeySender(rpc, key), SystemParams(kinds=kinds[:1]))
    keystore = Account.encrypt(key.key, "secret", kdf="pbkdf2", iterations=10)
    (tmp_path / "governor.json").write_text(json.dumps(keystore))
    token, feed = new("MockToken", "T", "T", 18), new("MockAggregator", 8, 2_010 * 10**8)
    program = PROGRAM.replace("http://127.0.0.1:8545", rpc.url)
    for digit, address in zip("1234", (system.listings, system.vault, token, feed), strict=True):
        assert program.count("0x" + digit * 40) == 1
        program = program.replace("0x" + digit * 40, address)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "secret")
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    if answer:
        exec(compile(program, "listing.md", "exec"), {})
    else:
        with pytest.raises(DeployError, match=r"stopped here$"):
            exec(compile(program, "listing.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "list gold: 18 decimals, 2,010.00 live" in shown
    assert bind("PriceHub", system.hub).read("kind_count") == count
