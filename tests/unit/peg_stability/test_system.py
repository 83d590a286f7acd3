# SPDX-License-Identifier: MIT
"""The peg beside the fund and flash loans: what equity says meanwhile, and feeds that fail."""

from __future__ import annotations

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.incidents.weak import revm_world
from tests.unit.peg_stability.stage import CEILING, STABLE, Stage
from tests.unit.price_hub.rig import GAS_BURNER, deploy_code
from tests.world import MAX, WAD, reverts

HELD = 400_000


class Loan:
    """A flash borrower with a little of everything, over a peg that holds something."""

    def __init__(self, fees: tuple[int, int]) -> None:
        self.stage = stage = Stage(revm_world(), fees=fees)
        self.world = world = stage.world
        stage.govern(stage.coin, "set_flash", 5, 2**112)
        stage.buy(world.owner, HELD * stage.unit)
        stage.mint(world.owner, HELD * stage.unit)
        sender = UnlockedSender(world.rpc, world.stranger)
        self.borrower = world.contract(
            "MockBorrower", deploy_contract(sender, artifact("MockBorrower"))
        )
        # all that the trips may cost
        stage.coin.transact("transfer", self.borrower.address, 20_000 * WAD, sender=world.owner)
        stage.buy(self.borrower.address, 20_000 * stage.unit)

    def run(self, amount: int, *steps: tuple[object, str, tuple]) -> str | None:
        """Borrow and take these steps; return why it failed."""
        stage, me = self.stage, self.world.stranger
        pays = (stage.coin, "approve", (stage.coin.address, MAX))
        opens = (stage.token, "approve", (stage.peg.address, MAX))
        made = [
            (contract.address, contract.encode(fn, *args))
            for contract, fn, args in (pays, opens, *steps)
        ]
        self.borrower.transact("set_steps", made, sender=me)
        equity = stage.fund.encode("equity")
        self.borrower.transact("set_attempt", stage.fund.address, equity, sender=me)
        data = stage.coin.encode(
            "flashLoan", self.borrower.address, stage.coin.address, amount, b""
        )
        node = self.world.rpc
        return node.run(me, stage.coin.address, data, node.time).reason

    def equity_within(self) -> int:
        """Return what the fund said after the steps, inside the loan."""
        assert self.borrower.read("succeeded")
        response = bytes(self.borrower.read("response"))
        return int.from_bytes(response[:32]) - int.from_bytes(response[32:64])


@pytest.mark.parametrize("fees", [(0, 0), (1, 1), (0, 100), (100, 0)])
def test_a_loan_that_takes_the_whole_reserve_and_brings_it_back(fees):
    """Coins that do not exist yet redeem like others: equity is the same at every moment."""
    loan = Loan(fees)
    stage, me = loan.stage, loan.borrower.address
    coins = stage.peg.read("redeemable")
    paid = stage.peg.read("preview_redeem", coins)
    before, wealth = stage.equity(), stage.wealth(me, WAD)
    out = (stage.peg, "redeem", (coins, me))
    assert loan.run(coins, out, (stage.peg, "mint", (paid, me))) is None
    assert before <= loan.equity_within()
    lent = -(-coins * 5 // 10_000)
    assert wealth - stage.wealth(me, WAD) == stage.equity() - before >= lent
    assert stage.equity() == loan.equity_within() + lent


def test_a_loan_that_keeps_the_reserve_is_refused():
    loan = Loan((0, 0))
    out = (loan.stage.peg, "redeem", (HELD * WAD, loan.borrower.address))
    assert loan.run(HELD * WAD, out) == "amount exceeds balance"
    assert loan.stage.peg.read("reserve_held") == HELD * loan.stage.unit


def test_a_loan_is_not_bounded_by_the_peg_nor_the_peg_by_it():
    """What is lent does not use the ceiling up, and what redeems it does not make more room."""
    loan = Loan((0, 0))
    stage, me = loan.stage, loan.borrower.address
    room = (CEILING - HELD * WAD) * stage.unit // WAD
    stage.buy(me, 2 * room)
    over = (stage.peg, "mint", (room + 1, me))
    assert loan.run(10**6 * WAD, over) == "above ceiling"
    assert loan.run(10**6 * WAD, (stage.peg, "mint", (room, me))) is None
    assert stage.coin.read("minted", stage.peg.address) == CEILING


@pytest.mark.parametrize("whose", ["oracle", "sequencer", "both"])
def test_feeds_that_burn_all_gas_are_counted_as_no_price(whose):
    """The fund's purse is enough to be told so: it knows that the peg answered."""
    pyrevm = pytest.importorskip("pyrevm")
    stage = Stage(revm_world())
    world, node = stage.world, stage.world.rpc
    stage.buy(world.owner, 10 * stage.unit)
    stage.mint(world.owner, 10 * stage.unit)
    if whose != "sequencer":
        oracle = world.hub.read("config_of", STABLE)[0]
        node.evm.insert_account_info(oracle, pyrevm.AccountInfo(nonce=1, code=GAS_BURNER))
    if whose != "oracle":
        stage.govern(world.hub, "set_sequencer", deploy_code(node, GAS_BURNER))
    world.forward(120)
    sheet = stage.fund.read("solvency")
    names = [c["name"] for c in components("solvency")]
    assert sheet[names.index("unread")] == 0
    # a sequencer that cannot be read leaves a price, which is being confirmed
    assert sheet[names.index("reserves")] == (10 * WAD if whose == "sequencer" else 0)
    with reverts("price confirming" if whose == "sequencer" else "price failed"):
        stage.mint(world.owner, stage.unit)
    stage.redeem(world.owner, 10 * WAD)
    assert stage.peg.read("reserve_held") == 0


def components(fn: str) -> list[dict[str, str]]:
    """Return the fields of the struct that a function of the fund returns."""
    (entry,) = [e for e in artifact("InsuranceFund").abi if e.get("name") == fn]
    return list(entry["outputs"][0]["components"])
