# SPDX-License-Identifier: MIT
"""Every rule finds its seeded bugs, all of them and nothing else, and leaves their clean twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from surety.check.lint.engine import Report, lint
from surety.check.lint.rules import BARE_ALLOW, RULES, UNUSED_ALLOW
from surety.check.source import load
from surety.cli import main
from tests.unit.check.seeds import LOCKED, SEEDS

SENDER = (
    LOCKED + "owner: address\n\n@external\n@view\ndef check():\n    assert tx.origin == self.owner"
)


def judged(folder: Path, text: str, *rules: str) -> Report:
    (folder / "Case.vy").write_text(text)
    return lint(load(folder / "Case.vy"), rules)


def places(report: Report) -> list[tuple[str, int]]:
    return [(item.rule, item.line) for item in report.findings]


def test_every_rule_has_a_seed():
    assert list(RULES) == list(SEEDS)


@pytest.mark.parametrize("rule", SEEDS)
def test_a_rule_finds_its_seeded_bugs(rule, tmp_path):
    lines = SEEDS[rule].bad.splitlines()
    seeded = [number for number, line in enumerate(lines, 1) if line.endswith("#!")]
    assert seeded
    report = judged(tmp_path, SEEDS[rule].bad.replace("  #!", ""), rule)
    assert sorted({item.line for item in report.findings}) == seeded
    assert {item.rule for item in report.findings} == {rule}


@pytest.mark.parametrize("rule", SEEDS)
def test_a_rule_leaves_what_is_clean(rule, tmp_path):
    assert judged(tmp_path, SEEDS[rule].clean, rule).findings == ()


def test_a_comment_with_a_reason_allows_what_it_stands_on_or_above(tmp_path):
    reasons = "    # check: allow tx-origin: it is meant\n    # so\n"
    for text in (
        f"{SENDER}  # check: allow tx-origin - a wallet that may not be lured\n",
        SENDER.replace("    assert", "    # check: allow tx-origin - why not\n\n    assert"),
        SENDER.replace("    assert", f"{reasons}    assert"),
    ):
        report = judged(tmp_path, text, "tx-origin")
        assert places(report) == []
        assert [item.rule for item in report.allowed] == ["tx-origin"]


def test_a_comment_speaks_of_its_own_statement_alone(tmp_path):
    far = SENDER.replace("@external", "# check: allow tx-origin - far away\n@external")
    assert places(judged(tmp_path, far, "tx-origin")) == [(UNUSED_ALLOW, 5), ("tx-origin", 9)]


def test_a_comment_on_a_decorator_speaks_of_the_function(tmp_path):
    seed = SEEDS["unlocked-call"].bad.replace("  #!", "")
    text = seed.replace(
        "@reentrant", "# check: allow unlocked-call - it is the last thing\n@reentrant"
    )
    report = judged(tmp_path, text, "unlocked-call")
    assert report.findings == ()
    assert len(report.allowed) == 1


def test_a_comment_in_the_head_speaks_of_the_file(tmp_path):
    seed = SEEDS["no-lock-pragma"].bad.replace("  #!", "")
    text = seed.replace(
        "x: uint256", "# check: allow no-lock-pragma - it calls nobody\nx: uint256", 1
    )
    assert judged(tmp_path, text, "no-lock-pragma").findings == ()


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("# check: allow tx-origin", [(BARE_ALLOW, 8)]),
        ("# check: allow", [(UNUSED_ALLOW, 8), ("tx-origin", 8)]),
        ("# check: allow - a reason", [(UNUSED_ALLOW, 8), ("tx-origin", 8)]),
        ("# check: allow tx-orgin - a reason", [(UNUSED_ALLOW, 8), ("tx-origin", 8)]),
        ("# check: allow delegatecall - a reason", [(UNUSED_ALLOW, 8), ("tx-origin", 8)]),
        ("# check: allow tx-origin, delegatecall - a reason", [(UNUSED_ALLOW, 8)]),
        ("# checked", [("tx-origin", 8)]),
    ],
)
def test_a_comment_that_is_wrong_is_a_finding(comment, found, tmp_path):
    report = judged(tmp_path, f"{SENDER}  {comment}\n", "tx-origin", "delegatecall")
    assert places(report) == found


def test_an_allow_of_a_rule_that_is_not_run_is_left_alone(tmp_path):
    text = f"{SENDER}  # check: allow tx-origin - a reason\n"
    assert judged(tmp_path, text, "delegatecall").findings == ()


def test_bugs_are_found_through_modules_at_the_line_in_the_module(tmp_path):
    (tmp_path / "bank.vy").write_text(
        LOCKED
        + "from ethereum.ercs import IERC20\ntotal: uint256\n\n@internal\ndef pay(token: IERC20):\n"
        "    assert extcall token.transfer(msg.sender, 1)\n    self.total -= 1\n"
    )
    (tmp_path / "Till.vy").write_text(
        LOCKED + "from ethereum.ercs import IERC20\nfrom . import bank\ninitializes: bank\n\n"
        "@reentrant\n@external\ndef pay(token: IERC20):\n    bank.pay(token)\n"
    )
    report = lint(load(tmp_path), ["write-after-call", "unlocked-call"])
    # told of the way in; the place in another file is named in the words
    (found,) = report.findings
    assert str(found) == (
        "Till.vy:9:1: write-after-call: total is written after the call in line 8 of bank.vy,"
        " and pay takes no lock"
    )


def test_the_command_prints_findings_and_exits_2(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Case.vy").write_text(SENDER + "\n")
    run = CliRunner(mix_stderr=False)
    done = run.invoke(main, ["check", "lint", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        "Case.vy:8:12: tx-origin: tx.origin is whoever started the transaction, not who calls",
        f"1 file, {len(RULES)} rules: 1 finding, 0 allowed by comments",
    ]
    done = run.invoke(main, ["check", "lint", str(tmp_path), "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 2
    assert told["files"] == 1
    assert told["rules"] == list(RULES)
    (found,) = told["findings"]
    assert (found["file"], found["line"], found["column"]) == ("Case.vy", 8, 12)
    assert found["why"] == RULES["tx-origin"].why
    assert found["fix"] == RULES["tx-origin"].fix
    done = run.invoke(main, ["check", "lint", str(tmp_path), "--rule", "delegatecall"])
    assert done.exit_code == 0
    assert done.stdout == "1 file, 1 rule: 0 findings, 0 allowed by comments\n"


def test_a_finding_names_its_file_as_an_editor_opens_it(tmp_path, monkeypatch):
    (tmp_path / "some").mkdir()
    file = tmp_path / "some" / "Case.vy"
    file.write_text(SENDER + "\n")
    args = ["check", "lint", str(file.parent), "--rule", "tx-origin", "--json"]
    for here, name in (
        (tmp_path, "some/Case.vy"),
        (file.parent, "Case.vy"),
        (tmp_path.parent, f"{tmp_path.name}/some/Case.vy"),
        (Path("/"), file.as_posix().removeprefix("/")),
    ):
        monkeypatch.chdir(here)
        (found,) = json.loads(CliRunner(mix_stderr=False).invoke(main, args).stdout)["findings"]
        assert found["file"] == name
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (found,) = json.loads(CliRunner(mix_stderr=False).invoke(main, args).stdout)["findings"]
    assert found["file"] == file.as_posix()


def test_the_command_refuses_what_it_cannot_do_in_one_line(tmp_path):
    run = CliRunner(mix_stderr=False)
    done = run.invoke(main, ["check", "lint", str(tmp_path), "--rule", "none"])
    assert done.exit_code == 1
    assert done.stderr == ("surety check lint: there is no rule none; `--rule help` lists them\n")
    done = run.invoke(main, ["check", "lint", str(tmp_path)])
    assert done.exit_code == 1
    assert done.stderr == f"surety check lint: {tmp_path}: no .vy files there\n"
    for path in ([str(tmp_path)], []):
        done = run.invoke(main, ["check", "lint", *path, "--rule", "help"])
        assert done.exit_code == 0
        assert [line.split(":")[0] for line in done.stdout.split("\n\n")] == list(RULES)
    assert run.invoke(main, ["check", "lint", "--rule", "tx-origin"]).exit_code == 1


FOOLED = {
    "open-setter: not the zero address": (
        "open-setter",
        """
rate: uint256

@external
def set_rate(rate: uint256):
    assert msg.sender != empty(address)
    self.rate = rate
""",
        9,
    ),
    "open-setter: the branch only logs": (
        "open-setter",
        """
event Set:
    who: address

owner: address

@external
def take_over(new: address):
    if msg.sender != self.owner:
        log Set(who=msg.sender)
    self.owner = new
""",
        13,
    ),
    "open-setter: both arms write the same": (
        "open-setter",
        """
owner: address

@external
def take_over(new: address):
    self.owner = new if msg.sender == self.owner else new
""",
        8,
    ),
    "open-setter: it leaves after the write": (
        "open-setter",
        """
owner: address

@external
def take_over(new: address):
    self.owner = new
    if msg.sender != self.owner:
        return
""",
        8,
    ),
    "zero-signer: nothing reads the answer": (
        "zero-signer",
        """
signers: HashMap[address, bool]

@external
def sign(digest: bytes32, v: uint256, r: uint256, s: uint256):
    signer: address = ecrecover(digest, v, r, s)
    nobody: bool = signer == empty(address)
    self.signers[signer] = True
""",
        8,
    ),
    "stale-price: the time goes nowhere": (
        "stale-price",
        """
interface Feed:
    def price() -> (uint256, uint256): view

@external
@view
def value(feed: Feed) -> uint256:
    price: uint256 = 0
    at: uint256 = 0
    price, at = staticcall feed.price()
    seen: uint256 = at + 0
    return price
""",
        12,
    ),
    "dropped-result: a second name, unread": (
        "dropped-result",
        """
interface Token:
    def transfer(to: address, amount: uint256) -> bool: nonpayable

@external
def pay(token: Token, to: address):
    ok: bool = extcall token.transfer(to, 1)
    kept: bool = ok
""",
        9,
    ),
    "raw-call-success: stored and never read": (
        "raw-call-success",
        """
last: uint256

@external
def run(target: address):
    ok: bool = raw_call(target, b"", revert_on_failure=False)
    self.last = convert(ok, uint256)
""",
        8,
    ),
    "bare-division: a down payment": (
        "bare-division",
        """
@external
@view
def shares_for(amount: uint256, supply: uint256, assets: uint256) -> uint256:
    # a down payment
    return amount * supply // assets
""",
        8,
    ),
    "exact-balance: hoisted": (
        "exact-balance",
        """
interface Token:
    def balanceOf(who: address) -> uint256: view

total: uint256

@external
def close(token: Token):
    held: uint256 = staticcall token.balanceOf(self)
    same: bool = held == self.total
    assert same
""",
        12,
    ),
    "divide-before-multiply: through two names": (
        "divide-before-multiply",
        """
@external
@view
def rewards(amount: uint256, a: uint256, b: uint256) -> uint256:
    half: uint256 = a // b
    kept: uint256 = half
    return amount * kept
""",
        9,
    ),
}


@pytest.mark.parametrize("case", FOOLED)
def test_what_is_only_looked_at_in_passing_is_found(case, tmp_path):
    """A value is followed to where something depends on it; to name it once more is not that."""
    rule, text, line = FOOLED[case]
    found = places(judged(tmp_path, LOCKED + text, rule))
    if rule == "open-setter":  # told of the function, with the line of the write
        assert [name for name, _ in found] == [rule]
        (only,) = judged(tmp_path, LOCKED + text, rule).findings
        assert f"(line {line})" in only.message
    else:
        assert found == [(rule, line)]


def test_a_write_inside_the_arm_that_asks_is_left(tmp_path):
    """The control: where the caller does decide about the write, by an arm, an end or a value."""
    text = """
owner: address
fee: uint256

@external
def inside(new: address):
    if msg.sender == self.owner:
        self.owner = new

@external
def leaves(new: address):
    if msg.sender != self.owner:
        return
    self.owner = new

@external
def keeps(fee: uint256):
    self.fee = fee if msg.sender == self.owner else self.fee

@external
def fails(fee: uint256):
    if msg.sender != self.owner:
        self._no()
    self.fee = fee

@internal
@pure
def _no():
    raise "not the owner"
"""
    assert places(judged(tmp_path, LOCKED + text, "open-setter")) == []
