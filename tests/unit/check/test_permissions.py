# SPDX-License-Identifier: MIT
"""A stranger who may do what only the owner should is found, and nobody else is accused."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from surety.anvil import Anvil
from surety.chain import Rpc
from surety.check.permissions import Swept, entries, findings, judge, reach, shown, sweep_project
from surety.check.source import load
from surety.check.sweep import STRANGER, TRIES, Change, Outcome
from surety.cli import main

OWNED = """
    # pragma version ^0.4.0
    owner: public(address)

    @deploy
    def __init__():
        self.owner = msg.sender

    @external
    def hand_over(to: address):
        assert msg.sender == self.owner, "not the owner"
        self.owner = to
    """
TOKEN = """
    # pragma version ^0.4.0
    balanceOf: public(HashMap[address, uint256])
    allowance: public(HashMap[address, HashMap[address, uint256]])

    @external
    def approve(spender: address, amount: uint256) -> bool:
        self.allowance[msg.sender][spender] = amount
        return True

    @external
    def mint(amount: uint256):
        self.balanceOf[msg.sender] += amount
    """
TILL = """
    # pragma version ^0.4.0
    from . import owned
    initializes: owned
    exports: owned.hand_over

    interface Token:
        def mint(amount: uint256): nonpayable
        def balanceOf(who: address) -> uint256: view

    struct Lot:
        maker: address
        amount: uint128
        at: uint128

    token: immutable(Token)
    unlocks_at: immutable(uint256)
    fee: uint256
    paused: bool
    lots: HashMap[uint256, Lot]
    held: HashMap[address, uint256]
    rounds: DynArray[uint256, 5]

    @deploy
    def __init__(token_: Token, fee: uint256):
        owned.__init__()
        assert staticcall token_.balanceOf(self) == 0
        assert fee < 1_000, "fee too high"
        token = token_
        unlocks_at = block.timestamp + 86_400 * 300
        self.fee = fee

    @external
    def set_fee(fee: uint256):
        assert msg.sender == owned.owner, "not the owner"
        self.fee = fee

    @external
    @payable
    def enter(amount: uint256):
        self.held[msg.sender] += amount

    @external
    def accrue():
        self.rounds.append(block.number)

    @external
    def unlock():
        assert block.timestamp > unlocks_at, "too early"
        self.paused = not self.paused

    @external
    def give(amount: uint256):
        extcall token.mint(amount)

    @external
    @payable
    def __default__():
        self.held[msg.sender] += msg.value
    """


def write(folder: Path, **sources: str) -> Path:
    for name, text in sources.items():
        (folder / f"{name}.vy").write_text(dedent(text).lstrip())
    return folder


def swept(folder: Path, given: dict[str, list[object]] | None = None) -> Swept:
    project = load(folder)
    with Anvil(timestamp=1_700_000_000, block_interval=12) as node, Rpc(node.url) as rpc:
        return sweep_project(rpc, project, given or {})


def told(found: Swept) -> list[str]:
    return [str(item) for item in findings(found, None)]


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Swept:
    folder = write(tmp_path_factory.mktemp("clean"), owned=OWNED, Till=TILL, Token=TOKEN)
    return swept(folder, {"Till": ["@Token", 5]})


def names(outcome: Outcome) -> list[str]:
    return sorted({item.name for item in outcome.changes})


def test_a_stranger_changes_what_is_his_and_what_is_everybodys(clean):
    assert clean.untried == {}
    assert clean.states == 3
    till = clean.table["Till"]
    assert {name: names(each[STRANGER]) for name, each in till.items()} == {
        "set_fee": [],
        "enter": ["held[stranger]"],
        "accrue": ["rounds"],
        "unlock": ["paused"],  # a year later
        "give": ["Token.balanceOf[Till]"],
        "__default__": ["held[stranger]"],
        "hand_over": [],
    }
    assert till["set_fee"][STRANGER].reasons == {"not the owner"}
    assert till["set_fee"][STRANGER].passed == 0
    assert names(till["set_fee"]["deployer"]) == ["fee"]
    assert names(till["hand_over"]["deployer"]) == ["owned.owner"]
    assert till["unlock"][STRANGER].reasons == {"too early"}
    assert names(clean.table["Token"]["approve"][STRANGER])[:2] == [
        "allowance[stranger][*]",
        "allowance[stranger][Till]",
    ]
    assert told(clean) == []


def test_many_entries_are_counted():
    names = [
        *(f"allowance[stranger][{who}]" for who in "abcd"),
        "balanceOf[a]",
        "balanceOf[b]",
        "x",
    ]
    outcome = Outcome(4, 4, {Change(name) for name in names}, set())
    assert shown(outcome) == "changes allowance (4 entries), balanceOf[a], balanceOf[b], x"
    assert shown(Outcome(1, 0, set(), {"no", ""})) == "refused: 'no', no reason"


def test_every_function_is_called_as_often_in_every_state(clean):
    assert clean.table["Till"]["set_fee"][STRANGER].calls <= 3 * TRIES
    assert clean.table["Till"]["set_fee"][STRANGER].calls >= 3 * 8
    assert clean.table["Token"]["approve"][STRANGER].calls == 3 * TRIES


def test_it_does_the_same_again(tmp_path):
    folder = write(tmp_path, Token=TOKEN)
    assert swept(folder) == swept(folder)


BUGS = {
    # a setter
    'assert msg.sender == owned.owner, "not the owner"\n        self.fee': "self.fee",
    # a member of a struct in a mapping, and the owner of a module
    "def accrue():": (
        "def accrue(kind: uint256, amount: uint128):\n"
        "        self.lots[kind] = Lot(maker=self, amount=amount, at=0)\n"
        "        owned.owner = empty(address)"
    ),
    # the entry of another
    "self.held[msg.sender] += amount": "self.held[self] += amount",
    # open only as long as nothing has happened
    'def unlock():\n        assert block.timestamp > unlocks_at, "too early"\n': (
        'def unlock(fee: uint256):\n        assert self.fee == 5, "late"\n        self.fee = fee\n'
    ),
}


def test_missing_checks_are_found(tmp_path):
    text = TILL
    for old, new in BUGS.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    folder = write(tmp_path, owned=OWNED, Till=text, Token=TOKEN)
    assert told(swept(folder, {"Till": ["@Token", 5]})) == [
        "Till.accrue: a stranger chooses lots[*]",
        "Till.accrue: a stranger takes the deployer out of owned.owner",
        "Till.enter: a stranger chooses held[Till]",
        "Till.set_fee: a stranger chooses fee",
        "Till.unlock: a stranger chooses fee",
    ]


SELF_MADE = """
    # pragma version ^0.4.0
    owner: public(address)
    boss: address
    last: HashMap[uint256, address]
    members: DynArray[address, 5]
    kept_by: HashMap[address, address]

    @deploy
    def __init__():
        self.owner = msg.sender

    @external
    def init_owner():  # anybody, again and again
        self.owner = msg.sender

    @external
    def init_boss():  # whoever comes first
        assert self.boss == empty(address), "there is one"
        self.boss = msg.sender

    @external
    def resign():
        self.owner = empty(address)

    @external
    def join(number: uint256):  # places that everybody may have
        self.members.append(msg.sender)
        self.last[block.number] = msg.sender
        self.kept_by[msg.sender] = msg.sender
    """


def test_a_stranger_who_makes_himself_the_owner_is_found(tmp_path):
    found = swept(write(tmp_path, Own=SELF_MADE))
    assert told(found) == [
        "Own.init_boss: a stranger puts himself into boss",
        "Own.init_owner: a stranger takes the deployer's place in owner",
        "Own.resign: a stranger takes the deployer out of owner",
    ]
    assert found.table["Own"]["join"][STRANGER].passed > 0
    checked = SELF_MADE.replace(
        "        self.owner =", "        assert msg.sender == self.owner\n        self.owner ="
    ).replace("def __init__():\n        assert msg.sender == self.owner\n", "def __init__():\n")
    (tmp_path / "checked").mkdir()
    assert told(swept(write(tmp_path / "checked", Own=checked))) == [
        "Own.init_boss: a stranger puts himself into boss"
    ]


PURSE = """
    # pragma version ^0.4.0
    owner: address
    paid: HashMap[address, uint256]

    @deploy
    def __init__():
        self.owner = msg.sender

    @external
    @payable
    def put():
        self.paid[msg.sender] += msg.value

    @external
    def out():
        send(msg.sender, self.balance)

    @external
    def out_to(to: address, amount: uint256):
        raw_call(to, b"", value=amount)

    @external
    def leave():
        amount: uint256 = self.paid[msg.sender]
        assert amount > 0, "none"
        self.paid[msg.sender] = 0
        send(msg.sender, amount)

    @external
    def sweep():
        send(self.owner, self.balance)

    @external
    @payable
    def change():
        send(msg.sender, msg.value)
    """


def test_ether_that_a_stranger_gets_at_is_found(tmp_path):
    found = swept(write(tmp_path, Purse=PURSE))
    assert told(found) == [
        "Purse.out: a stranger takes ether",
        "Purse.out_to: a stranger takes ether",
    ]
    assert {name: names(each[STRANGER]) for name, each in found.table["Purse"].items()} == {
        "put": ["paid[stranger]"],
        "out": ["ether"],
        "out_to": ["ether"],
        "leave": [],  # nothing of his is in it
        "sweep": ["ether"],  # to whom it belongs
        "change": [],
    }
    assert found.table["Purse"]["change"][STRANGER].passed > 0
    assert found.table["Purse"]["leave"][STRANGER].reasons == {"none"}


BOUNDED = """
    # pragma version ^0.4.0
    fee: uint256
    level: uint256
    open: bool
    count: uint256
    total: uint256
    at: HashMap[uint256, uint256]

    @external
    def set_fee(bps: uint256):
        assert bps <= 1_000, "high"
        self.fee = bps

    @external
    def set_level(n: uint8):
        assert n in [1, 2, 3]
        self.level = convert(n, uint256)

    @external
    def set_open(open: bool):
        self.open = open

    @external
    def set_at(key: uint256, amount: uint256):
        assert amount < 1_001
        self.at[key % 2] = amount

    @external
    def upkeep(rounds: uint256):  # moves of itself
        assert rounds <= 1_000
        self.count += 1

    @external
    def pay(amount: uint256):  # a sum
        assert amount <= 1_000
        self.total += amount
    """


def test_a_setter_with_a_bound_is_found(tmp_path):
    found = swept(write(tmp_path, Store=BOUNDED))
    assert told(found) == [
        "Store.set_at: a stranger chooses at[*]",
        "Store.set_fee: a stranger chooses fee",
        "Store.set_level: a stranger chooses level",
        "Store.set_open: a stranger chooses open",
    ]
    assert names(found.table["Store"]["upkeep"][STRANGER]) == ["count"]
    assert names(found.table["Store"]["pay"][STRANGER]) == ["total"]


def test_a_check_that_is_missing_in_a_module_is_found(tmp_path):
    text = OWNED.replace('assert msg.sender == self.owner, "not the owner"', "pass")
    folder = write(tmp_path, owned=text, Till=TILL, Token=TOKEN)
    assert told(swept(folder, {"Till": ["@Token", 5]})) == [
        "Till.hand_over: a stranger chooses owned.owner",
        "Till.hand_over: a stranger takes the deployer out of owned.owner",
    ]


def test_arguments_are_guessed_by_type_and_from_what_is_deployed(tmp_path):
    folder = write(tmp_path, owned=OWNED, Till=TILL, Token=TOKEN)
    found = swept(folder)
    assert found.untried == {}
    assert set(found.table) == {"Till", "Token"}


def test_what_cannot_be_deployed_is_a_finding(tmp_path):
    text = TILL.replace("fee < 1_000", "fee == 777")
    folder = write(tmp_path, owned=OWNED, Till=text, Token=TOKEN)
    assert told(swept(folder)) == [
        "Till.vy: could not be deployed (fee too high); give arguments with --args"
    ]


def test_a_snapshot_tells_what_is_meant(clean):
    kept = reach(clean.table)
    assert kept["Till"] == {
        "enter": ["held[stranger]"],
        "accrue": ["rounds"],
        "unlock": ["paused"],
        "give": ["Token.balanceOf[Till]"],
        "__default__": ["held[stranger]"],
    }
    assert findings(clean, kept) == []
    del kept["Till"]["unlock"]
    assert [str(item) for item in findings(clean, kept)] == [
        "Till.unlock: a stranger changes paused, which the snapshot does not tell of"
    ]
    assert entries(clean.table["Till"]["set_fee"][STRANGER]) == set()
    assert kept["Token"]["approve"] == ["allowance[stranger][*]"]


def test_a_snapshot_allows_nothing_that_it_does_not_tell_of(tmp_path):
    def made(text: str) -> Swept:
        return swept(write(tmp_path, V=text, Purse=PURSE))

    before = """
        # pragma version ^0.4.0
        held: HashMap[address, uint256]
        owner: address
        turn: uint256
        best: address

        @deploy
        def __init__():
            self.owner = msg.sender

        @external
        def enter(who: address, n: uint256):
            self.held[msg.sender] = n

        @external
        def upkeep(n: uint256):
            self.turn += 1

        @external
        def hand(n: uint256):
            if msg.sender == self.owner:
                self.owner = empty(address)

        @external
        def bid(n: uint256):
            self.best = self if n > 0 else self
        """
    first = made(before)
    kept = reach(first.table)
    assert kept == {
        "V": {"enter": ["held[stranger]"], "upkeep": ["turn"], "bid": ["best"]},
        "Purse": {
            "put": ["paid[stranger]"],
            "out": ["ether", "ether (taken)"],
            "out_to": ["ether", "ether (taken)"],
            "sweep": ["ether"],
        },
    }
    assert findings(first, kept) == []
    worse = before
    for old, new in (
        ("self.held[msg.sender] = n", "self.held[who] = n"),
        ("self.turn += 1", "self.turn = n"),
        ("if msg.sender == self.owner:", "if msg.sender != self:"),
        ("n > 0 else self", "n > 0 else msg.sender"),
    ):
        assert worse.count(old) == 1
        worse = worse.replace(old, new)
    assert [str(item) for item in findings(made(worse), kept)] == [
        f"V.{function}: a stranger changes {names}, which the snapshot does not tell of"
        for function, names in (
            ("bid", "best (the stranger in)"),
            ("enter", "held[*], held[*] (chosen)"),
            ("hand", "owner, owner (the deployer out)"),
            ("upkeep", "turn (chosen)"),
        )
    ]


def test_a_snapshot_does_not_outlive_what_it_tells_of(clean):
    kept = reach(clean.table)
    kept["Till"]["gone"] = ["fee"]
    kept["Other"] = {}
    assert [str(item) for item in findings(clean, kept)] == [
        "Other: in the snapshot and no more; write it anew",
        "Till.gone: in the snapshot and no more; write it anew",
    ]


def test_a_snapshot_that_lacks_a_contract_is_not_made_in_silence(tmp_path):
    folder = write(tmp_path, Store=REFUSED, Owned=OWNED)
    file = tmp_path / "reach.json"
    done = CliRunner().invoke(main, ["check", "permissions", str(folder), "--write", str(file)])
    assert done.exit_code == 2
    assert "Store.vy: could not be deployed (not mine)" in done.output
    assert json.loads(file.read_text()) == {"Owned": {}}
    # held against a snapshot that has it, it is said once
    file.write_text('{"Owned": {}, "Store": {}}')
    done = CliRunner().invoke(main, ["check", "permissions", str(folder), "--check", str(file)])
    assert done.exit_code == 2
    assert done.output.count("Store") == 1


def test_the_command_prints_the_table_and_keeps_a_snapshot(tmp_path):
    text = OWNED.replace('assert msg.sender == self.owner, "not the owner"', "pass")
    folder = write(tmp_path, Owned=text)
    run = CliRunner(mix_stderr=False)
    done = run.invoke(main, ["check", "permissions", str(folder)])
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        "Owned",
        "  hand_over  stranger  changes owner",
        "             deployer  changes owner",
        "Owned.hand_over: a stranger chooses owner",
        "Owned.hand_over: a stranger takes the deployer out of owner",
        "1 contract, 36 calls in 3 states: 2 findings",
    ]
    file = folder / "reach.json"
    done = run.invoke(main, ["check", "permissions", str(folder), "--write", str(file)])
    assert done.exit_code == 0
    assert json.loads(file.read_text()) == {
        "Owned": {
            "hand_over": [
                "owner",
                "owner (chosen)",
                "owner (the deployer out)",
                "owner (the stranger in)",
            ]
        }
    }
    done = run.invoke(main, ["check", "permissions", str(folder), "--check", str(file), "--json"])
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert shown["findings"] == []
    assert shown["contracts"]["Owned"]["hand_over"]["stranger"]["changes"] == ["owner"]


def test_two_contracts_of_one_name_are_two(tmp_path):
    for folder, text in (
        ("a", OWNED),
        ("b", OWNED.replace("assert msg.sender ==", "assert self.owner ==")),
    ):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, T=text)
    found = swept(tmp_path, {"a/T": [], "b/T": []})
    assert list(found.table) == ["a/T", "b/T"]
    assert told(found) == [
        "b/T.hand_over: a stranger chooses owner",
        "b/T.hand_over: a stranger takes the deployer out of owner",
    ]
    assert set(reach(found.table)["a/T"]) == set()


def test_arguments_that_mean_nothing_are_refused(tmp_path):
    text = TILL.replace(
        "fee: uint256):\n        owned", "fee: uint256, name: String[9]):\n        owned"
    )
    project = load(write(tmp_path, owned=OWNED, Till=text, Token=TOKEN))
    good = ["@Token", 5, "a"]
    judge(project, {"Till": good}, {"uint256": [7], "spender": ["0x" + "22" * 20]})
    for given, values, words in (
        ({"T": []}, {}, "arguments for T, and there is no such contract"),
        (
            {"Till": ["@Nope", 5, "a"]},
            {},
            "Till: @Nope is no contract here, nor deployer, stranger, user, stub",
        ),
        ({"Till": ["@Token", -1, "a"]}, {}, "Till: -1 is no uint256, as fee is"),
        ({"Till": ["@Token", 5, 7]}, {}, "Till: 7 is no string, as name is"),
        ({"Till": ["@Token", 5]}, {}, "Till: 3 values are needed, not 2"),
        ({}, {"nope": [3]}, "values for nope, which is no parameter of any function, nor a type"),
        ({}, {"uint256": ["a"]}, "values for uint256: 'a' is no uint256"),
        ({}, {"spender": [1, 2]}, "values for spender: 1 is no address"),
    ):
        with pytest.raises(ValueError) as refused:
            judge(project, given, values)
        assert str(refused.value) == words


REFUSED = """
    # pragma version ^0.4.0
    @deploy
    def __init__(other: address):
        assert other == self, "not mine"

    @external
    def nothing():
        pass
    """


def test_what_needs_a_contract_that_is_not_deployed_says_so(tmp_path):
    found = swept(
        write(tmp_path, One=REFUSED, Two=REFUSED), {"One": ["@Two"], "Two": ["@deployer"]}
    )
    assert found.untried == {
        "One.vy": "it is given @Two, which is not deployed",
        "Two.vy": "not mine",
    }


def test_the_command_refuses_what_it_cannot_do_in_one_line(tmp_path):
    folder = write(tmp_path, Owned=OWNED)
    run = CliRunner(mix_stderr=False)
    bad, other, wrong = folder / "bad.toml", folder / "other.toml", folder / "wrong.toml"
    bad.write_text("Owned = 5\n")
    other.write_text("Other = []\n")
    wrong.write_text("Owned = [1]\n")
    for args, words in (
        (["--args", str(folder / "none")], "No such file or directory"),
        (["--args", str(folder / "Owned.vy")], "not TOML"),
        (["--args", str(bad)], "a list of arguments is needed"),
        (["--args", str(other)], "arguments for Other, and there is no such contract"),
        (["--args", str(wrong)], "Owned: 0 values are needed, not 1"),
        (["--check", str(bad)], "not a snapshot; make one with --write"),
        (["--check", "a", "--write", "b"], "--write and --check do not go together"),
    ):
        done = run.invoke(main, ["check", "permissions", str(folder), *args])
        assert done.exit_code == 1, args
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
