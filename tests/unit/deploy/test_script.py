# SPDX-License-Identifier: MIT
"""The script under Ape: a bad file is one line, and a transaction names its sender."""

from __future__ import annotations

import importlib.util
import json
from types import SimpleNamespace

import click
import pytest

from surety.chain import checksum
from surety.deploy import MAJOR_LIMITS, STABLE_LIMITS, SystemParams
from surety.deploy.ape_sender import ApeSender
from surety.paths import root

NOBODY = "0x" + "11" * 20


@pytest.fixture(scope="module")
def script():
    """The script of this checkout, by its path."""
    spec = importlib.util.spec_from_file_location("deploy_script", root() / "scripts" / "deploy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.cli


def test_script_refuses_a_bad_file_in_one_line(script, chain, tmp_path):
    path = tmp_path / "params.toml"
    path.write_text(
        f"""
[[kinds]]
name = "eth"
token = "{NOBODY}"
aggregator = "{NOBODY}"
levels = "major"
min_price = 1000
max_price = 1000000
"""
    )
    height = chain.blocks.height
    with pytest.raises(click.ClickException, match=r"^kinds\[0\]\.token: no contract at") as caught:
        script.callback(params=path, account=None, yes=False)
    assert "\n" not in caught.value.message
    assert chain.blocks.height == height


def test_script_limits_invented_prices_as_real_ones(script, sender, bind, monkeypatch, capsys):
    """Without a file, on a local network; Ape's part is played by a sender of our own."""
    provider = SimpleNamespace(network=SimpleNamespace(is_local=True))
    names = script.callback.__globals__
    monkeypatch.setitem(names, "networks", SimpleNamespace(provider=provider))
    monkeypatch.setitem(names, "accounts", SimpleNamespace(test_accounts=[None]))
    monkeypatch.setitem(names, "ApeSender", lambda _account, _provider: sender)
    script.callback(params=None, account=None, yes=False)
    system = json.loads(capsys.readouterr().out)
    hub = bind("PriceHub", system["hub"])
    for number, limits in enumerate((MAJOR_LIMITS, MAJOR_LIMITS, STABLE_LIMITS)):
        assert hub.read("config_of", number)[2:] == (limits.slew_down, limits.slew_up)
        assert hub.read("limits_of", number)[:2] == (limits.jump_bps, limits.sigma_ref)


@pytest.mark.parametrize("people", [{}, {"admin": NOBODY, "guardian": "0x" + "22" * 20}])
def test_script_warns_off_local_networks_without_a_timelock(script, monkeypatch, capsys, people):
    names = script.callback.__globals__
    live = SimpleNamespace(network=SimpleNamespace(is_local=False))
    monkeypatch.setitem(names, "networks", SimpleNamespace(provider=live))
    monkeypatch.setitem(names, "accounts", SimpleNamespace(load=lambda _alias: None))
    monkeypatch.setitem(names, "ApeSender", lambda _account, _provider: None)
    monkeypatch.setitem(names, "load_params", lambda _path: SystemParams(kinds=(), **people))
    deployed = SimpleNamespace(to_json=dict)
    monkeypatch.setitem(names, "deploy_system", lambda *_args: deployed)
    script.callback(params=root(), account="deployer", yes=False)
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {}
    assert ("there is no timelock" in shown.err) is (people == {})


def test_sender_is_named_before_the_node_estimates(chain, accounts, monkeypatch):
    """Without one a live node estimates for the zero address, which has no funds."""
    account, seen = accounts[0], []
    call = type(account).call

    def recorded(self, transaction, **options):
        seen.append(transaction.sender)
        return call(self, transaction, **options)

    monkeypatch.setattr(type(account), "call", recorded)
    sender = ApeSender(account, chain.provider)
    receipt = sender.send(accounts[1].address, b"", 1)
    assert receipt.status == 1
    assert seen == [sender.address] == [checksum(account.address)]
