# SPDX-License-Identifier: MIT
"""A snapshot holds every word and size; what breaks a reader of storage is a finding."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from surety.check.command import tell
from surety.check.layout import (
    INIT_LIMIT,
    RUNTIME_LIMIT,
    Contract,
    Word,
    compare,
    dump,
    parse,
    snapshot,
)
from surety.check.source import load
from surety.cli import main

HEAD = "# pragma version ^0.4.0\n"
OWNED = HEAD + "owner: address\nsince: uint64\n"
BOOK = (
    HEAD
    + """
from . import owned
from ethereum.ercs import IERC20
initializes: owned

struct Lot:
    amount: uint128
    held: bool

cap: immutable(uint256)
asset: immutable(IERC20)
total: uint256
lots: DynArray[Lot, 3]
names: HashMap[address, Lot]
open: transient(bool)

@deploy
def __init__():
    cap = 5
    asset = IERC20(msg.sender)
    owned.owner = msg.sender

@external
@nonreentrant
def bump():
    self.total += 1
    self.lots = []
    self.names[msg.sender] = Lot(amount=1, held=True)
    self.open = False
    owned.since = 0
"""
)
WORDS = (
    Word("immutables", 0, 32, "cap", "uint256"),
    Word("immutables", 32, 32, "asset", "IERC20"),
    Word("storage", 0, 1, "owned.owner", "address"),
    Word("storage", 1, 1, "owned.since", "uint64"),
    Word("storage", 2, 1, "total", "uint256"),
    Word("storage", 3, 7, "lots", "DynArray[Lot{amount: uint128, held: bool}, 3]"),
    Word("storage", 10, 1, "names", "HashMap[address, Lot{amount: uint128, held: bool}]"),
    Word("transient", 0, 1, "$.nonreentrant_key", "nonreentrant lock"),
    Word("transient", 1, 1, "open", "bool"),
)
KEPT = {"Book.vy": Contract(WORDS, 1_000, 1_100)}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "owned.vy").write_text(OWNED)
    (tmp_path / "Book.vy").write_text(BOOK)
    return tmp_path


def changed(**words: Word | None) -> list[tuple[str, str]]:
    """Compare with the snapshot after some words, named without dots, were put in place of it."""
    now = [
        item for word in WORDS if (item := words.pop(word.name.replace(".", "_"), word)) is not None
    ]
    now += [word for word in words.values() if word is not None]
    found = compare(KEPT, {"Book.vy": Contract(tuple(now), 1_000, 1_100)})
    return [(each.kind, each.message) for each in found]


def test_a_snapshot_holds_every_word_and_size(book):
    project = load(book)
    found = snapshot(project)
    assert list(found) == ["Book.vy"]
    assert found["Book.vy"].words == WORDS
    made = project.compiled(project.contracts[0])
    assert found["Book.vy"].runtime == made.runtime_size == len(made.runtime) + 64
    assert found["Book.vy"].init == len(made.creation)


def test_words_are_where_the_compiler_puts_them(book):
    project = load(book)
    (contract,) = project.contracts
    spelled = project.layout(contract)
    plain = project.compiled(contract).layout
    for place, items in plain.items():
        for name, item in items.items():
            if name != "owned":
                assert {**spelled[place][name], "type": ""} == {**item, "type": ""}
    assert spelled["storage_layout"]["owned"] == plain["storage_layout"]["owned"]
    # and the tree is as it was: asked twice it says the same
    assert project.layout(contract) == spelled


def test_a_snapshot_survives_its_file(book):
    found = snapshot(load(book))
    assert parse(dump(found)) == found
    for text in ("", "[]", "{", '{"Book.vy": {}}', '{"Book.vy": {"words": [[1]]}}'):
        with pytest.raises(ValueError):
            parse(text)


def test_nothing_changed_is_nothing_found():
    assert changed() == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            {"total": Word("storage", 11, 1, "total", "uint256")},
            [("moved", "total from storage slot 2 to storage slot 11")],
        ),
        (
            {"total": Word("storage", 2, 1, "total", "int256")},
            [("retyped", "total from uint256 to int256")],
        ),
        (
            {"lots": Word("storage", 3, 9, "lots", WORDS[5].type)},
            [("overlapping", "names lies in the words of lots"), ("resized", "lots from 7 to 9")],
        ),
        ({"total": None}, [("removed", "total was at storage slot 2")]),
        (
            {"open": Word("storage", 11, 1, "open", "bool")},
            [
                ("removed", "open was at transient slot 1, it is in storage now"),
                ("added", "open at storage slot 11"),
            ],
        ),
        (
            {"total": None, "sum": Word("storage", 2, 1, "sum", "uint256")},
            [
                ("overlapping", "new sum at storage slot 2, where total was"),
                ("removed", "total was at storage slot 2"),
            ],
        ),
        (
            {"owned_since": Word("storage", 0, 1, "owned.since", "uint64")},
            [
                ("moved", "owned.since from storage slot 1 to storage slot 0"),
                ("overlapping", "owned.since lies in the words of owned.owner"),
            ],
        ),
        ({"more": Word("storage", 11, 1, "more", "bool")}, [("added", "more at storage slot 11")]),
        (
            {"cap": Word("immutables", 64, 32, "cap", "uint256")},
            [("moved", "cap from immutables byte 0 to immutables byte 64")],
        ),
    ],
)
def test_what_moved_is_told(words, found):
    told = changed(**words)
    assert sorted(told) == sorted(found)


def test_only_what_breaks_a_reader_is_a_finding():
    added = Contract((*WORDS, Word("storage", 11, 1, "more", "bool")), 1_256, 1_100)
    found = compare(KEPT, {"Book.vy": added})
    assert [(each.kind, each.note) for each in found] == [("added", True), ("size", True)]
    found = compare(KEPT, {"Book.vy": replace(added, runtime=1_257)})
    assert [(each.kind, each.note) for each in found] == [("grown", False), ("added", True)]
    assert str(found[0]) == "Book.vy: grown: runtime code by 257 bytes to 1,257"
    assert compare(KEPT, {"Book.vy": replace(added, runtime=1_257)}, growth=257)[0].note
    (shrunk,) = compare(KEPT, {"Book.vy": Contract(WORDS, 900, 1_100)})
    assert shrunk.note
    assert shrunk.message == "runtime code -100 bytes to 900"


def test_the_limits_are_exact():
    at = {"Book.vy": Contract(WORDS, RUNTIME_LIMIT, INIT_LIMIT)}
    assert compare(at, at) == []
    over = {"Book.vy": Contract(WORDS, RUNTIME_LIMIT + 1, INIT_LIMIT + 1)}
    assert [each.message for each in compare(over, over)] == [
        "creation code 49,153 bytes, the limit is 49,152",
        "runtime code 24,577 bytes, the limit is 24,576",
    ]


def test_contracts_that_come_and_go_are_findings():
    now = {"Other.vy": KEPT["Book.vy"]}
    assert [(each.contract, each.kind, each.note) for each in compare(KEPT, now)] == [
        ("Book.vy", "gone", False),
        ("Other.vy", "unknown", False),
    ]


def test_a_struct_that_changes_inside_is_retyped(book):
    kept = snapshot(load(book))
    text = BOOK.replace("amount: uint128", "amount: uint256")
    (book / "Book.vy").write_text(text)
    found = compare(kept, snapshot(load(book)))
    assert [each.kind for each in found if not each.note] == ["retyped", "retyped"]


def test_the_command_writes_checks_and_shows(book):
    run = CliRunner(mix_stderr=False)
    file = book / "layout.json"
    done = run.invoke(main, ["check", "layout", str(book), "--write", str(file)])
    assert (done.exit_code, done.stdout) == (0, "1 contract, 9 variables: 0 findings\n")
    done = run.invoke(main, ["check", "layout", str(book), "--check", str(file)])
    assert (done.exit_code, done.stdout) == (0, "1 contract, 9 variables: 0 findings\n")
    done = run.invoke(main, ["check", "layout", str(book)])
    assert done.exit_code == 0
    assert "  storage        2     1  total: uint256" in done.stdout.splitlines()

    (book / "owned.vy").write_text(
        OWNED.replace("since: uint64\n", "") + "since: uint64\nx: bool\n"
    )
    done = run.invoke(main, ["check", "layout", str(book), "--check", str(file)])
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        "Book.vy: moved: lots from storage slot 3 to storage slot 4",
        "Book.vy: moved: names from storage slot 10 to storage slot 11",
        "Book.vy: moved: total from storage slot 2 to storage slot 3",
        "Book.vy: overlapping: new owned.x at storage slot 2, where total was",
        "1 contract, 10 variables: 4 findings",
    ]
    done = run.invoke(main, ["check", "layout", str(book), "--check", str(file), "--json"])
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert [each["kind"] for each in told["findings"]] == ["moved"] * 3 + ["overlapping"]
    assert told["contracts"]["Book.vy"]["words"][2] == ["storage", 0, 1, "owned.owner", "address"]


def test_the_command_refuses_what_it_cannot_do_in_one_line(book):
    run = CliRunner(mix_stderr=False)
    file = book / "none.json"
    for args, words in (
        (["--check", str(file)], f"{file}: No such file or directory"),
        (["--check", str(book / "Book.vy")], "not a layout snapshot; make one with --write"),
        (["--check", "a", "--write", "b"], "--write and --check do not go together"),
        (["--write", str(book / "no" / "x.json")], "No such file or directory"),
    ):
        done = run.invoke(main, ["check", "layout", str(book), *args])
        assert done.exit_code == 1
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_who_waits_at_a_terminal_hears_how_far_it_is(book, monkeypatch, capsys):
    heard = []
    project = load(book, tell=lambda *told: heard.append(told))
    files = [source.name for source in project.sources]
    assert heard == [(i, len(files), name) for i, name in enumerate(files)]
    heard.clear()
    snapshot(project, tell=lambda *told: heard.append(told))
    assert heard == [
        (i, len(project.contracts), source.name) for i, source in enumerate(project.contracts)
    ]
    assert heard
    tell(3, 37, "Vault.vy")
    assert capsys.readouterr() == ("", "")  # a log hears nothing
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tell(3, 37, "Vault.vy")
    assert capsys.readouterr() == ("", "3/37 Vault.vy\n")
