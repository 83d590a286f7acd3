# SPDX-License-Identifier: MIT
"""A reserve loses its peg for a working day, told to the contracts as they are deployed.

The peg lies over the stable kind of a real PriceHub with the limits of a stable; somebody pokes
every two minutes. Meanwhile a book lends against ether. After every step the sums of the whole
system hold, and every number of the peg is that of the models which draw docs/peg-depeg.svg.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surety.chain import Receipt, Rpc, UnlockedSender
from surety.deploy import LOCAL_KINDS, STABLE_LIMITS, SystemParams, local_kinds
from surety.formulas import margin_math
from surety.model import Price
from tests.unit.peg_stability import depeg
from tests.unit.peg_stability.depeg import ACTS, CEILING, FEES, GUARD, LOAN, UNIT, Moment
from tests.unit.peg_stability.stage import STABLE, Stage
from tests.world import GENESIS, MAX, WAD, Anvil, World, reverts

MINUTE = 60
FAILED = 1


class Story:
    """A stage, its people by the models' names, and what everybody has paid in fees."""

    def __init__(self, stage: Stage) -> None:
        self.stage, world = stage, stage.world
        self.people = {
            depeg.ALICE: world.owner, depeg.BOB: world.other, depeg.CAROL: world.keeper,
        }  # fmt: skip
        for who in (world.owner, world.keeper):
            stage.buy(who, 10**6 * stage.unit)
        self.account = world.open([(0, 300 * WAD)], LOAN, world.other)
        self.fees = 0
        self.interest = self.vault_part()

    def do(self, act: depeg.Act) -> None:
        """Let somebody act, or be refused as the act says; count the fees by the events."""
        who, amount = self.people[act.who], depeg.argument(act)
        peg = self.stage.peg
        if act.reason is not None:
            with reverts(act.reason):
                peg.transact(act.what, amount, who, sender=who)
            return
        self.pay_fees(peg.transact(act.what, amount, who, sender=who))

    def pay_fees(self, receipt: Receipt) -> None:
        peg = self.stage.peg
        (event,) = [e for e in peg.events(receipt) if e.address == peg.address]
        worth = event.args["amount"] * WAD // self.stage.unit
        coins = event.args["coins"]
        paid = worth - coins if event.name == "Minted" else coins - worth
        assert paid * 10_000 >= min(worth, coins) * FEES[0]
        self.fees += paid

    def minted(self, minter: str) -> int:
        return int(self.stage.coin.read("minted", minter))

    def vault_part(self) -> int:
        """Return what the book adds to equity: interest, and what it burned beyond its coins."""
        world, coin = self.stage.world, self.stage.coin
        burned = coin.read("burned_beyond")
        return int(world.vault.read("total_debt") - self.minted(world.vault.address) + burned)

    def check_sums(self, reaped: int = 0) -> None:
        """Coins, debt, reserve and equity add up to the wei, whatever just happened."""
        stage, world, coin, peg = self.stage, self.stage.world, self.stage.coin, self.stage.peg
        supply = coin.read("totalSupply")
        holders = {*self.people.values(), world.governor, world.stranger, peg.address}
        holders |= {world.vault.address, stage.fund.address, stage.fund.read("treasury")}
        assert supply == sum(stage.coins(who) for who in holders)
        minters = coin.read("minters")
        assert supply == sum(map(self.minted, minters)) - coin.read("burned_beyond")

        # the peg: what is out is held, and fees beside it; what is held is there
        held = peg.read("reserve_held")
        assert held == stage.token.read("balanceOf", peg.address)
        par = held * WAD // stage.unit
        assert par - self.minted(peg.address) == self.fees
        assert self.minted(peg.address) <= CEILING

        # equity: the book's part, and the peg's at the hub's price
        price = Price.unpack(world.hub.read("read_one", STABLE))
        lo = 0 if price.flags & FAILED else price.lo
        backing = margin_math.value_down(held, min(lo, WAD), 6)
        assert peg.read("backing") == backing
        debt = world.vault.read("total_debt")
        assert stage.equity() == debt + backing - supply
        assert stage.equity() == self.vault_part() + self.fees - (par - backing) - reaped
        sheet = stage.fund.read("solvency")
        assert (*sheet[:3], sheet[4]) == (debt, 0, backing, supply)
        # the book knows nothing of all this
        part = self.vault_part()
        assert part >= self.interest
        self.interest = part

    def check_moment(self, moment: Moment) -> None:
        """The peg and its price are what the models say."""
        stage, peg = self.stage, self.stage.peg
        found = Price.unpack(stage.world.hub.read("read_one", STABLE))
        assert (found.lo, found.flags) == (moment.price.lo, moment.price.flags), moment
        assert peg.read("reserve_held") == moment.held
        assert self.minted(peg.address) == moment.minted
        assert peg.read("backing") == moment.backing
        assert (peg.read("mintable") != 0) == moment.is_open


@pytest.fixture(scope="module")
def chain() -> Iterator[Rpc]:
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield Rpc(node.url)


@pytest.fixture(scope="module")
def founded(chain: Rpc) -> Stage:
    sender = UnlockedSender(chain, chain.call("eth_accounts")[0])
    world = World(chain, SystemParams(kinds=local_kinds(sender, LOCAL_KINDS, None)))
    assert world.params.kinds[STABLE].limits == STABLE_LIMITS
    assert (world.params.fresh_for, world.params.confirm_period) == (60, 1_200)
    return Stage(world, fees=FEES, guard=GUARD, ceiling=CEILING)


@pytest.fixture
def stage(founded: Stage) -> Iterator[Stage]:
    with founded.world.snapshot():
        yield founded


def pass_to(world: World, at: int, price: int | None) -> None:
    """Let the market have said this a second before `at`, and the hub be poked at `at`."""
    world.next_at(at - 1)
    world.set_price(STABLE, price or 0)
    world.next_at(at)
    world.hub.transact("poke", 1 << STABLE, sender=world.keeper)


def test_a_reserve_loses_its_peg_and_finds_it_again(stage):
    """Minting stops at the guard and stays shut until the price is back and confirmed; redeeming
    goes on at one for one through the fall, the silence of the feed and the way back."""
    world, story = stage.world, Story(stage)
    start = world.now + 3_600
    done = []
    for moment in depeg.replay():
        pass_to(world, start + MINUTE * moment.minute, moment.market)
        for act in depeg.acts_at(moment.minute):
            story.do(act)
            story.check_sums()
            done.append(act)
        story.check_moment(moment)
        if moment.minute % 20 == 0:
            story.check_sums()
    assert tuple(done) == ACTS

    # all of the fall is undone but for who redeemed in it, and the fees are the system's
    assert story.fees == stage.peg.read("backing") - story.minted(stage.peg.address) == 750 * WAD
    assert stage.equity() == story.vault_part() + 750 * WAD


def test_who_owes_can_leave_through_all_of_it(stage):
    """A borrower repays while the reserve is down, with coins of the peg for the interest."""
    world, story = stage.world, Story(stage)
    alice, bob = world.owner, world.other
    start = world.now + 3_600
    pass_to(world, start, WAD)
    story.pay_fees(stage.mint(alice, 500_000 * UNIT))
    story.check_sums()
    pass_to(world, start + 120, 8 * WAD // 10)
    story.check_sums()
    assert stage.equity() < -90_000 * WAD

    # redeeming the loan's own coins: the peg's are fewer then, and the loan is still owed
    story.pay_fees(stage.redeem(bob, LOAN // 2))
    story.check_sums()
    stage.coin.transact("transfer", bob, LOAN, sender=alice)
    world.vault.transact("repay", story.account, MAX, sender=bob)
    story.check_sums()
    assert world.debt(story.account) == 0
    world.vault.transact("withdraw", story.account, 0, MAX, bob, sender=bob)

    # every coin that is left can be redeemed, for what little it may be worth
    for who in (alice, bob):
        if stage.coins(who):
            story.pay_fees(stage.redeem(who, stage.coins(who)))
            story.check_sums()
    left = stage.peg.read("reserve_held")
    assert stage.coin.read("totalSupply") == 0
    # the book burned coins of the peg for interest: those will never come to be redeemed
    unredeemed = stage.coin.read("burned_beyond")
    assert story.minted(stage.peg.address) == unredeemed > 0
    assert left * 10**12 == story.fees + unredeemed
    # fees and interest are what is held beyond: nobody is owed it but the system
    assert stage.equity() == margin_math.value_down(left, 8 * WAD // 10, 6) > 0


def test_the_fund_reaps_fees_at_par_and_nothing_in_a_fall(stage):
    """What the peg earns is paid out as coins, once it exceeds the buffer, and never on a loss."""
    world, story = stage.world, Story(stage)
    alice, treasury = world.owner, stage.fund.read("treasury")
    stage.govern(stage.coin, "set_ceiling", stage.fund.address, 10**6 * WAD)
    stage.govern(stage.peg, "set_fees", 100, 100)
    start = world.now + 3_600
    pass_to(world, start, WAD)
    for _ in range(4):
        story.pay_fees(stage.mint(alice, 400_000 * UNIT))
        story.pay_fees(stage.redeem(alice, stage.coins(alice)))
        story.check_sums()
    story.pay_fees(stage.mint(alice, 500_000 * UNIT))
    assert story.fees > 30_000 * WAD

    # below the guard the same fees do not make up for what is held beside them
    pass_to(world, start + 86_400, GUARD - WAD // 5)
    story.check_sums()
    assert stage.fund.read("equity")[0] == 0
    with reverts("nothing to reap"):
        stage.fund.transact("reap", sender=world.stranger)

    for minute in range(2, 32, 2):  # `lo` rises by 4 % a poke
        pass_to(world, start + 86_400 + MINUTE * minute, WAD)
    stage.fund.transact("reap", sender=world.stranger)
    reaped, supply = stage.coins(treasury), stage.coin.read("totalSupply")
    # a hundredth of the buffer, which is a hundredth of what was in circulation, both to the wei
    buffer = -(-(supply - reaped) * 100 // 10_000)
    assert reaped == buffer // 100 > 0
    story.check_sums(reaped)
