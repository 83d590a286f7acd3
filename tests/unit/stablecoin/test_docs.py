# SPDX-License-Identifier: MIT
"""The page about the coin: its Python runs, and its flash borrower compiles, pays and refuses."""

from __future__ import annotations

import doctest
import re

import pytest

from surety import paths
from surety.chain import Contract, UnlockedSender, deploy_contract, revert_reason
from surety.compile import Artifact
from tests.unit.stablecoin.rig import BORROWER, COIN, GOVERNOR, MINTER, STRANGER, Call, Move, Rig
from tests.unit.stablecoin.test_properties import LISTED
from tests.world import WAD

PAGE = paths.root() / "docs" / "stablecoin.md"


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text()


@pytest.fixture(scope="module")
def rig():
    return Rig().begin(
        Move(GOVERNOR, Call("set_flash", (9, 10**6 * WAD))),
        Move(GOVERNOR, Call("set_ceiling", (MINTER, 10**6 * WAD))),
    )


@pytest.fixture(scope="module")
def borrower(page, rig):
    """The borrower of the page, owned by the governor and with coins for fees."""
    from vyper.compiler import compile_code

    (source,) = re.findall(r"```vyper\n(.*?)```", page, re.DOTALL)
    made = compile_code(source, output_formats=["abi", "bytecode"])
    code = bytes.fromhex(made["bytecode"].removeprefix("0x"))
    item = Artifact("Borrower", "", made["abi"], code, 0, (), "")
    sender = UnlockedSender(rig.node, rig.parties[GOVERNOR])
    contract = Contract(rig.node, deploy_contract(sender, item, rig.coin.address), item.abi)
    rig.send(MINTER, "mint", contract.address, 10 * WAD)
    return contract


def test_examples_of_the_page_run():
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted >= 12
    assert found.failed == 0


def test_the_borrower_of_the_page_borrows(rig, borrower):
    borrower.transact("run", 1_000 * WAD, b"data", sender=rig.parties[GOVERNOR])
    assert rig.coin.read("balanceOf", borrower.address) == 10 * WAD - 9 * WAD // 10
    assert rig.coin.read("allowance", borrower.address, rig.coin.address) == 0


@pytest.mark.covers("P08")
def test_the_borrower_of_the_page_pays_for_nobody_else(rig, borrower):
    """Neither a stranger's loan to it nor a stranger's call of its callback goes through."""
    held = rig.coin.read("balanceOf", borrower.address)
    loan = rig.coin.encode("flashLoan", borrower.address, rig.coin.address, WAD, b"")
    assert rig.run(STRANGER, loan, rig.node.time).reason == ""
    assert rig.run(BORROWER, loan, rig.node.time).reason == ""
    for initiator in (borrower.address, rig.parties[STRANGER]):
        data = borrower.encode("onFlashLoan", initiator, rig.coin.address, 0, 9 * WAD, b"")
        ran = rig.node.run(rig.parties[STRANGER], borrower.address, data, rig.node.time)
        assert ran.reason == revert_reason(b"")
    data = borrower.encode("run", WAD, b"")
    assert rig.node.run(rig.parties[STRANGER], borrower.address, data, rig.node.time).reason == ""
    assert rig.coin.read("balanceOf", borrower.address) == held
    assert rig.coin.read("allowance", borrower.address, rig.parties[COIN]) == 0


def test_the_page_names_every_property_that_is_tested(page):
    numbers = re.search(r"BASE-(\d+) to -(\d+), BURNABLE-(\d+), MINTABLE-(\d+)", page)
    first, last, burnable, mintable = numbers.groups()
    named = {f"ERC20-BASE-{number:03}" for number in range(int(first), int(last) + 1)}
    assert named | {f"ERC20-BURNABLE-{burnable}", f"ERC20-MINTABLE-{mintable}"} == LISTED


def test_the_links_of_the_page_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page):
        assert (PAGE.parent / target).exists(), target
