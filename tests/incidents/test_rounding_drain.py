# SPDX-License-Identifier: MIT
"""Rounding drain (Balancer, November 2025): one wei a time, ten thousand times in a transaction.

Amounts small enough that a rounding mattered, in loops built for it, took some hundred million out
of pools whose every single step looked right. Here an attacker with all the coins and collateral it
wants loops over everything that rounds: at a still price and second its wealth never rises, and the
protocol's equity never falls, after no call of 10,000.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from surety.chain import Contract
from surety.deploy import BookParams
from tests.incidents.weak import revm_world, weakened
from tests.world import BPS, MAX, RAY, WAD, World

pytestmark = pytest.mark.covers("incident: rounding drain over 10k loops")

LOOPS = 10_000
YEAR = 365 * 86_400
# a floor of 100 wei lets an attacker make its debts as small as roundings
SMALL = BookParams(debt_floor=100, call_tip=0, rate=RAY * 7 // 100 // YEAR)
SIZES = (1, 1, 2, 3, 7, 99, 100, 101, 10**6 + 1, WAD - 1, WAD, WAD + 1, 3 * WAD // 7)
ROUNDED_DOWN = (
    "    return self.mul_div_up(amount, RAY, index)\n",
    "    return amount * RAY // index\n",
)
BURNS_LESS = (
    "    return margin_math.mul_div_up(amount, terms >> AMOUNT_BITS, BPS)\n",
    "    return margin_math.mul_div_down(amount, terms >> AMOUNT_BITS, BPS)\n",
)


class Attacker:
    """Two accounts, a borrower contract, and a count of everything that is worth something."""

    def __init__(self, world: World) -> None:
        self.world, self.node = world, world.rpc
        self.who = world.owner
        world.open([(0, 50 * WAD)], 10_000 * WAD, owner=world.other)
        self.ids = [
            world.open([(0, 10 * WAD), (1, 10**8), (2, 10**9)], 1_000 * WAD, sub=sub)
            for sub in (0, 1)
        ]
        for kind, unit in enumerate((WAD, 10**8, 10**6)):
            world.give(self.who, kind, 10 * unit)
        world.forward(3 * YEAR // 7)  # an index of no round number
        world.follow(2_000 * WAD + 1, 40_000 * WAD + 1, WAD + 1)
        world.vault.transact("accrue", sender=world.stranger)
        self.seen: Counter[str] = Counter()
        # asked after each of thousands of calls: encoded once, and decoded by hand
        vault, coin = world.vault, world.coin
        self.purse = self._asking(coin, "balanceOf", self.who)
        self.debts = [self._asking(vault, "debt_of", id) for id in self.ids]
        self.held = [
            [
                self._asking(token, "balanceOf", self.who),
                *(self._asking(vault, "balances", id, kind) for id in self.ids),
            ]
            for kind, token in enumerate(world.tokens)
        ]
        self.surplus = self._asking(world.fund, "equity")

    @staticmethod
    def _asking(contract: Contract, function: str, *args: object) -> tuple[str, bytes]:
        return contract.address, contract.encode(function, *args)

    def _told(self, question: tuple[str, bytes]) -> int:
        """Ask for one word."""
        return int.from_bytes(self.node.view(*question))

    def send(self, contract, function: str, *args: object) -> str | None:
        data = contract.encode(function, *args)
        reason = self.node.run(self.who, contract.address, data, self.node.time).reason
        self.seen[function if reason is None else reason] += 1
        return reason

    def wealth(self) -> tuple[int, ...]:
        """Return coins less debts, then each token wherever it is: nothing of it may rise."""
        told = self._told
        coins = told(self.purse) - sum(map(told, self.debts))
        return coins, *(sum(map(told, asked)) for asked in self.held)

    def equity(self) -> int:
        """Surplus less deficit."""
        answer = self.node.view(*self.surplus)
        return int.from_bytes(answer[:32]) - int.from_bytes(answer[32:])

    def check(self, before: tuple[tuple[int, ...], int]) -> tuple[tuple[int, ...], int]:
        """Nothing the attacker has rose, and what the protocol has did not fall."""
        wealth, equity = self.wealth(), self.equity()
        richer = any(now > was for now, was in zip(wealth, before[0], strict=True))
        assert not richer, f"richer after {self.seen}"
        assert wealth[1:] == before[0][1:]  # collateral moves exactly
        assert equity >= before[1]
        return wealth, equity


def loop(attacker: Attacker, step, loops: int = LOOPS) -> tuple[int, int]:
    """Run a step over and over; return what the attacker lost and the protocol earned."""
    first = before = attacker.wealth(), attacker.equity()
    for number in range(loops):
        step(number)
        before = attacker.check(before)
    return first[0][0] - before[0][0], before[1] - first[1]


@pytest.fixture
def attacker():
    return Attacker(revm_world(book=SMALL))


@pytest.mark.covers("I16", "N02", "N03")
def test_borrowing_and_repaying_ten_thousand_times(attacker):
    """A wei out and a wei back, and all sizes at which roundings differ."""
    vault, (id, _) = attacker.world.vault, attacker.ids

    def step(number: int) -> None:
        amount = SIZES[number // 2 % len(SIZES)]
        if number % 2 == 0:
            assert attacker.send(vault, "borrow", id, amount, attacker.who) is None
        else:
            assert attacker.send(vault, "repay", id, amount) is None

    lost, earned = loop(attacker, step, 2 * LOOPS)
    assert 0 < lost <= 2 * LOOPS  # at most a wei for each call
    assert abs(earned - lost) <= 3


@pytest.mark.covers("I21")
def test_repaying_in_a_thousand_parts_is_never_cheaper(attacker):
    """Split the same repayment, wei by wei, against repaying it at once."""
    vault, (one, other) = attacker.world.vault, attacker.ids
    before = [attacker.world.debt(id) for id in (one, other)]
    for _ in range(LOOPS // 10):
        assert attacker.send(vault, "repay", one, 1) is None
    assert attacker.send(vault, "repay", other, LOOPS // 10) is None
    in_parts, at_once = (
        was - attacker.world.debt(id) for was, id in zip(before, (one, other), strict=True)
    )
    assert 0 <= in_parts <= at_once <= LOOPS // 10


@pytest.mark.covers("I16")
def test_moving_debt_round_and_round(attacker):
    """Between two accounts of one owner: each arrival rounds up, each departure down."""
    vault = attacker.world.vault

    def step(number: int) -> None:
        source, destination = attacker.ids if number % 2 else attacker.ids[::-1]
        attacker.send(vault, "move", source, destination, [], SIZES[number % len(SIZES)])

    lost, earned = loop(attacker, step)
    assert attacker.seen["move"] == LOOPS
    assert 0 < lost <= 2 * LOOPS
    assert abs(earned - lost) <= 3


@pytest.mark.covers("I16")
def test_any_mix_of_everything_that_rounds(attacker):
    """Dice over all of it, with flash loans of a wei and sizes around the debt floor."""
    world, dice = attacker.world, random.Random(7)
    world.coin.transact("set_flash", 1, 2**112, sender=world.governor)
    borrower = _borrower(world)
    world.coin.transact("transfer", borrower.address, WAD, sender=attacker.who)

    def step(_: int) -> None:
        id = dice.choice(attacker.ids)
        kind, size = dice.randrange(3), dice.choice(SIZES)
        what = dice.randrange(8)
        if what < 2:
            attacker.send(world.vault, "borrow", id, size, attacker.who)
        elif what < 4:
            attacker.send(world.vault, "repay", id, size)
        elif what == 4:
            attacker.send(world.vault, "deposit", id, kind, min(size, 10**6))
        elif what == 5:
            attacker.send(world.vault, "withdraw", id, kind, min(size, 10**6), attacker.who)
        elif what == 6:
            legs = [(kind, dice.choice((-1, 1)) * min(size, 10**6))]
            delta = dice.choice((-1, 0, 1)) * size
            attacker.send(world.vault, "adjust", id, legs, delta, attacker.who, b"")
        else:
            loan = (borrower.address, world.coin.address, dice.choice((1, 9_999, 10_001)), b"")
            attacker.send(world.coin, "flashLoan", *loan)

    loop(attacker, step)
    for function in ("borrow", "repay", "deposit", "withdraw", "adjust", "flashLoan"):
        assert attacker.seen[function] > LOOPS // 25, attacker.seen


@pytest.mark.parametrize("amount", [1, 9_999, 10_000, 10_001])
def test_ten_thousand_flash_loans_cost_ten_thousand_fees(attacker, amount):
    """Loans too small for a whole wei of fee pay a whole wei."""
    world = attacker.world
    world.coin.transact("set_flash", 1, 2**112, sender=world.governor)
    borrower = _borrower(world)
    world.coin.transact("transfer", borrower.address, WAD, sender=attacker.who)
    supply = world.coin.read("totalSupply")
    loan = (borrower.address, world.coin.address, amount, b"")
    for _ in range(LOOPS // 4):
        assert attacker.send(world.coin, "flashLoan", *loan) is None
    fee = -(-amount // BPS)
    burned = supply - world.coin.read("totalSupply")
    assert burned == LOOPS // 4 * fee
    assert world.coin.read("balanceOf", borrower.address) == WAD - LOOPS // 4 * fee


@pytest.mark.covers("I47")
def test_buying_a_called_account_wei_by_wei_costs_no_less(attacker):
    """Two equal accounts in auction: one sold in 2,000 slices of a satoshi, one in one."""
    world = attacker.world
    ids = [world.open([(1, 10**7)], 2_400 * WAD, sub=sub) for sub in (7, 8)]
    world.follow(2_000 * WAD, 29_500 * WAD, WAD)
    world.forward(60)
    for id in ids:
        world.vault.transact("margin_call", id, sender=world.keeper)
    world.forward(600 + 3_600)
    world.hub.transact("poke", 7, sender=world.keeper)
    world.give_coins(world.keeper, 10_000 * WAD)
    at = world.now
    assert world.account(ids[0]).auction_start < at
    spent, debts = [], [world.debt(id) for id in ids]
    assert debts[0] == pytest.approx(debts[1], abs=10**15)
    buyer = world.keeper
    for id, slices, amount in ((ids[0], 2_000, 1), (ids[1], 1, 2_000)):
        before = world.coin.read("balanceOf", buyer)
        data = world.vault.encode("take", id, 1, amount, MAX, buyer, b"")
        for _ in range(slices):
            assert world.rpc.run(buyer, world.vault.address, data, at).reason is None
        spent.append(before - world.coin.read("balanceOf", buyer))
    assert spent[1] <= spent[0] <= spent[1] + 2_000
    left = [world.vault.read("balances", id, 1) for id in ids]
    assert left == [10**7 - 2_000] * 2
    paid = [debt - world.debt(id) for debt, id in zip(debts, ids, strict=True)]
    assert paid[0] <= paid[1] + 1  # slicing never repays more for the same price


def _borrower(world: World):
    """Deploy a flash borrower that pays what it owes."""
    from surety.chain import UnlockedSender, deploy_contract
    from surety.compile import artifact

    sender = UnlockedSender(world.rpc, world.governor)
    borrower = world.contract("MockBorrower", deploy_contract(sender, artifact("MockBorrower")))
    pays = [(world.coin.address, world.coin.encode("approve", world.coin.address, MAX))]
    borrower.transact("set_steps", pays, sender=world.governor)
    return borrower


def test_debt_rounded_down_is_found():
    """The control: with one rounding turned round, the same loop makes its caller rich."""
    weak = weakened("Vault", ROUNDED_DOWN, file="modules/margin_math.vy")
    attacker = Attacker(revm_world(weak, book=SMALL))
    with pytest.raises(AssertionError, match="richer after"):
        test_borrowing_and_repaying_ten_thousand_times(attacker)


def test_a_fee_rounded_down_is_found():
    """The control: loans just too small for a fee lend any sum for nothing, piece by piece."""
    attacker = Attacker(revm_world(weakened("Stablecoin", BURNS_LESS), book=SMALL))
    with pytest.raises(AssertionError, match="assert 0 == "):
        test_ten_thousand_flash_loans_cost_ten_thousand_fees(attacker, 9_999)
