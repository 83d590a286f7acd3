# SPDX-License-Identifier: MIT
"""Flash mint inflating accounting: coins that exist for one call, counted as if they were there.

Whatever divides by a supply, or compares with one, can be told anything by whoever can mint for a
moment: a share, a quorum, a buffer, a surplus to pay out. Here every view of every contract is
asked outside and inside of the largest loan, and only those answer differently that say what the
coin is at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from surety.chain import Function, UnlockedSender, deploy_contract
from surety.compile import Artifact, artifact
from tests.incidents.arena import guessed
from tests.incidents.weak import revm_world, weakened
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: flash-mint inflating accounting")

LOAN = 2**112
DEBT = 20_000 * WAD
CONTRACTS = {
    "Vault": "vault", "InsuranceFund": "fund", "PriceHub": "hub", "Lens": "lens",
    "Operators": "operators", "MarginModels": "margin_models", "Settlement": "settlement",
    "Listings": "listings", "Stablecoin": "coin", "PegStability": "peg",
}  # fmt: skip
# what says how many coins there are, who has them and how many can be lent now; `solvency` in one
# field
TELLING = {
    ("InsuranceFund", "solvency"),
    ("Stablecoin", "totalSupply"), ("Stablecoin", "balanceOf"), ("Stablecoin", "flash_minted"),
    ("Stablecoin", "maxFlashLoan"),
}  # fmt: skip
# what accounting gets wrong: a loan's coins taken for a liability
SEES_LOANS = (
    "    sheet.flash = staticcall IStablecoin(coin).flash_minted()\n",
    "    sheet.flash = 0\n",
)
WEEK = 7 * 86_400


class Stage:
    """A system with debts and a surplus, and a flash borrower; its clock stands still."""

    def __init__(self, *weak: Artifact) -> None:
        self.world = world = revm_world(*weak)
        self.node = world.rpc
        sender = UnlockedSender(self.node, world.governor)
        deployed = deploy_contract(sender, artifact("MockBorrower"))
        self.borrower = world.contract("MockBorrower", deployed)
        reserve = world.tokens[2].address
        terms = (world.system.coin, reserve, world.system.hub, 2, 10, 10, 99 * WAD // 100)
        peg = deploy_contract(sender, artifact("PegStability"), world.governor, *terms)
        self.addresses = {name: getattr(world.system, at) or peg for name, at in CONTRACTS.items()}
        world.coin.transact("set_ceiling", peg, 10**6 * WAD, sender=world.governor)
        world.fund.transact("add_reserve", peg, sender=world.governor)
        self.account = world.open([(0, 20 * WAD)], DEBT)
        world.open([(1, 10**8), (2, 10**10)], DEBT, owner=world.other)
        world.forward(365 * 86_400)
        world.follow(2_000 * WAD, 40_000 * WAD, WAD)
        world.coin.transact("set_flash", 0, LOAN, sender=world.governor)
        self.within()

    def run(self, who: str, contract: Any, function: str, *args: Any) -> str | None:
        data = contract.encode(function, *args)
        return self.node.run(who, contract.address, data, self.node.time).reason

    def within(self, *steps: tuple[str, bytes]) -> None:
        """Let the borrower pay, and make these calls in its loans."""
        coin = self.world.coin
        steps = ((coin.address, coin.encode("approve", coin.address, MAX)), *steps)
        assert self.run(self.world.governor, self.borrower, "set_steps", list(steps)) is None

    def answer(self, target: str, data: bytes, amount: int) -> tuple[bool, bytes]:
        """Return what the borrower's call is answered within a loan of this amount."""
        coin, governor = self.world.coin, self.world.governor
        assert self.run(governor, self.borrower, "set_attempt", target, data) is None
        loan = (self.borrower.address, coin.address, amount, b"")
        assert self.run(self.world.stranger, coin, "flashLoan", *loan) is None
        return self.borrower.read("succeeded"), bytes(self.borrower.read("response"))

    def views(self) -> Iterator[tuple[str, str, str, bytes]]:
        """Yield (contract, function, address, data) of every view, with several arguments each."""
        for name, address in self.addresses.items():
            for entry in artifact(name).abi:
                if entry.get("stateMutability") in ("view", "pure"):
                    function = Function.of(entry)
                    for data in self.questions(entry, function):
                        yield name, function.name, address, data

    def questions(self, entry: Any, function: Function) -> set[bytes]:
        """Return calls of a view with what exists here, some of it in wrong places."""
        system, world = self.world.system, self.world
        addresses = (
            system.vault, system.coin, system.fund, world.tokens[0].address, world.owner,
            self.borrower.address,
        )  # fmt: skip
        numbers = (self.account, 0, 1, WAD, 0b111)

        inputs = entry.get("inputs", ())
        places = range(len(inputs))
        turns = [[first + step * at for at in places] for first in range(6) for step in (0, 1)]
        # (vault, account), (vault, account, kind), (coin, 1): an address first, then numbers
        turns.append([0 if inputs[at]["type"] == "address" else at - 1 for at in places])
        return {
            function.encode(
                *(
                    guessed(item, turn, addresses, numbers)
                    for item, turn in zip(inputs, each, strict=True)
                )
            )
            for each in turns
        }

    # an ending

    def end(self, within: int) -> int:
        """Shut the book below its debts, settle all, open redemption in a loan; return claims."""
        world = self.world
        settlement = world.contract("Settlement", world.system.settlement)
        vault, owner = world.vault.address, world.governor
        world.follow(700 * WAD, 9_000 * WAD, WAD)
        world.forward(3_600)
        world.hub.transact("poke", 7, sender=owner)
        settlement.transact("shutdown", vault, sender=owner)
        world.forward(WEEK)
        ids = [self.account, world.id(world.other)]
        settlement.transact("settles", vault, ids, sender=world.stranger)
        assert world.vault.read("total_debt") == 0
        self.within((settlement.address, settlement.encode("open_redemption", vault)))
        loan = (self.borrower.address, world.coin.address, within, b"")
        assert self.run(world.stranger, world.coin, "flashLoan", *loan) is None
        return settlement.read("claims_of", vault)


@pytest.fixture(scope="module")
def stage():
    return Stage()


def changed(stage: Stage) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the views that a loan changes, and those that answered anything at all."""
    different, answered = set(), set()
    for name, function, target, data in stage.views():
        if (name, function) == ("Stablecoin", "eip712Domain"):
            continue
        outside, inside = (stage.answer(target, data, amount) for amount in (0, LOAN))
        if outside[0]:
            answered.add((name, function))
        if outside != inside:
            different.add((name, function))
    return different, answered


def test_no_view_of_any_contract_sees_a_loan(stage):
    different, answered = changed(stage)
    assert different == TELLING
    # and the sweep is no empty one: what accounting reads was asked, and answered
    wanted = {
        ("Vault", "total_debt"), ("Vault", "live_index"), ("InsuranceFund", "equity"),
        ("Stablecoin", "headroom"), ("Stablecoin", "minted"), ("Stablecoin", "burned_beyond"),
        ("Lens", "book_of"), ("Lens", "account_of"), ("Settlement", "backing_of"),
        ("PegStability", "backing"), ("PegStability", "mintable"),
    }  # fmt: skip
    assert wanted <= answered, wanted - answered
    assert len(answered) > 80


def test_solvency_says_what_is_lent__and_nothing_else_changes(stage):
    fund = stage.world.fund
    (outputs,) = (entry["outputs"] for entry in fund_views() if entry["name"] == "solvency")
    names = [part["name"] for part in outputs[0]["components"]]
    data = fund.encode("solvency")
    outside, inside = (
        fund.decode("solvency", stage.answer(fund.address, data, amount)[1]) for amount in (0, LOAN)
    )
    differing = {
        name: (was, now)
        for name, was, now in zip(names, outside, inside, strict=True)
        if was != now
    }
    assert differing == {"flash_minted": (0, LOAN)}


def fund_views():
    return [entry for entry in artifact("InsuranceFund").abi if entry["type"] == "function"]


def test_nothing_is_reaped_within_a_loan(stage):
    """Not one coin more than outside, and the loan that tried is refused as a whole."""
    world, fund = stage.world, stage.world.fund
    world.coin.transact("set_ceiling", fund.address, 10**6 * WAD, sender=world.governor)
    surplus, _ = fund.read("equity")
    assert surplus > fund.read("buffer_target")
    succeeded, answer = stage.answer(fund.address, fund.encode("reap"), LOAN)
    assert not succeeded
    assert b"flash mint active" in answer
    stage.within((fund.address, fund.encode("reap")))
    loan = (stage.borrower.address, world.coin.address, LOAN, b"")
    assert stage.run(world.stranger, world.coin, "flashLoan", *loan) == "flash mint active"
    stage.within()
    assert stage.run(world.stranger, fund, "reap") is None  # and outside it is


def test_a_loan_changes_no_claim_on_a_shut_book():
    """A deficit counts in what a coin redeems for: one of 2**112 coins would leave nothing."""
    claims = Stage().end(within=0)
    assert 20_000 * WAD < claims < 50_000 * WAD
    assert Stage().end(within=LOAN) == claims


def test_accounting_that_counts_loans_is_found():
    """The control: a fund that takes them for a liability shows it, and ruins a redemption."""
    weak = weakened("InsuranceFund", SEES_LOANS)
    different, _ = changed(Stage(weak))
    assert ("InsuranceFund", "equity") in different
    assert ("InsuranceFund", "buffer_target") in different
    assert Stage(weak).end(within=LOAN) > LOAN
