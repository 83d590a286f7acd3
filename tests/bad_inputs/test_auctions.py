# SPDX-License-Identifier: MIT
"""Rows A01 to A16 of the catalogue of bad inputs: what nobody may get out of an auction.

Every move is predicted by `surety.model` and compared to the last word; the numbers asserted here
are worked out by hand, in fractions.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor

import pytest

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import BookParams
from surety.revm import RevmNode
from tests.bad_inputs.stage import AUCTIONED, ODD
from tests.bad_inputs.stage import ETH as ETHER
from tests.bad_inputs.tokens import Mode
from tests.book import Stage
from tests.incidents.weak import revm_world
from tests.unit.vault_liquidation.moves import (
    AT_CLOSE_OUT,
    AT_MAINTENANCE,
    AT_TARGET,
    DURATION,
    ETH,
    FLOOR,
    auction,
    call,
    open_eth,
    price_at,
    reprice,
)
from tests.world import ABSORBABLE, AT_RISK, CALLABLE, HEALTHY, MAX, WAD, reverts

# ten ether at 250 coins carry 2,125 at close-out: a debt of 2,200 is 200 above its floor
PRICE, DEBT = 250 * WAD, 2_200 * WAD
ASKED = 2_525 * WAD // 10  # 101 % of it, in the first second
OWED = 2_310 * WAD  # the debt and its penalty of 5 %
CLEAR = ceil(Fraction(OWED * WAD, ASKED))  # what pays for all of it
TO_FLOOR = floor(Fraction((200 * WAD * 10_500 // 10_000) * WAD, ASKED))  # leaves the floor
RICH = 50_000 * WAD


@pytest.fixture(scope="module")
def _stage() -> Stage:
    stage = Stage(revm_world(book=BookParams(rate=0)))
    stage.world.give_coins(stage.world.keeper, RICH)
    return stage


@pytest.fixture
def stage(_stage: Stage) -> Iterator[Stage]:
    """A book without interest on revm, put back after every test."""
    node = _stage.world.rpc
    assert isinstance(node, RevmNode)
    taken, time, number, ids = node.evm.snapshot(), node.time, node.number, list(_stage.ids)
    yield _stage
    node.evm.revert(taken)
    node.restore(time, number)
    _stage.ids = ids


def take(stage: Stage, id: int, amount: int = MAX, **how: object) -> tuple[int, int]:
    """Take ether as the keeper; returns amount and cost, nothing where it is refused."""
    args = (id, ETH, amount, MAX, stage.world.keeper, b"")
    done = stage.act("take", *args, **how)
    return done.after.returned if done.reason is None else (0, 0)


def debt(stage: Stage, id: int) -> int:
    return stage.world.debt(id)


# A01, A12: how much is asked for


@pytest.mark.covers("I42", "I44", "A12")
@pytest.mark.parametrize(
    ("amount", "sold", "left"),
    [
        pytest.param(1, 1, DEBT - 240, id="A01-1-wei"),  # 252.5 rounded up, less 5 % rounded down
        pytest.param(TO_FLOOR, TO_FLOOR, FLOOR, id="A01-owe-is-tab-less-floor"),
        pytest.param(TO_FLOOR + 1, TO_FLOOR, FLOOR, id="A01-1-more-than-to-the-floor"),
        pytest.param(CLEAR - 1, None, FLOOR, id="A01-1-less-than-the-tab"),
        pytest.param(CLEAR, CLEAR, 0, id="A01-the-tab"),
        pytest.param(CLEAR + 1, CLEAR, 0, id="A01-owe-above-tab"),
        pytest.param(10 * WAD, CLEAR, 0, id="A01-the-lot"),
        pytest.param(10 * WAD + 1, CLEAR, 0, id="A01-above-the-lot"),
        pytest.param(MAX, CLEAR, 0, id="A01-everything"),
    ],
)
def test_no_amount_takes_more_than_the_debt_or_leaves_dust(stage, amount, sold, left):
    called = auction(stage, PRICE, DEBT)
    before = stage.world.coin.read("balanceOf", stage.world.keeper)
    found, cost = take(stage, called.id, amount)
    if sold is None:
        # cut to what leaves the floor, one unit of rounding more or less
        assert abs(found - TO_FLOOR) <= 1
        assert abs(debt(stage, called.id) - left) <= 300
    else:
        assert found == sold
        assert left <= debt(stage, called.id) <= left + (0 if amount >= CLEAR else 260)
    assert cost == (OWED if amount >= CLEAR else ceil(Fraction(found * ASKED, WAD)))
    world = stage.world
    assert before - world.coin.read("balanceOf", world.keeper) == cost
    assert world.tokens[ETH].read("balanceOf", world.keeper) == found
    assert world.vault.read("balances", called.id, ETH) == 10 * WAD - found
    assert found <= amount


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        pytest.param({"amount": 0}, "zero amount", id="A01-nothing"),
        pytest.param({"kind": 1}, "kind not enabled", id="A01-another-kind"),
        pytest.param({"kind": 2**255}, "kind not enabled", id="A01-no-kind"),
        pytest.param({"limit": ASKED - 1}, "above max price", id="A05-1-wei-too-dear"),
        pytest.param({"limit": 0}, "above max price", id="A05-for-nothing"),
        pytest.param({"limit": ASKED}, None, id="A05-at-the-limit"),
    ],
)
def test_a_take_is_refused_for_what_is_wrong_with_it(stage, how, reason):
    called = auction(stage, PRICE, DEBT)
    limit, kind = how.get("limit", MAX), how.get("kind", ETH)
    args = (called.id, kind, how.get("amount", WAD // 2), limit, stage.world.keeper, b"")
    stage.act("take", *args, refused=reason)
    # once the floor is reached a part is dust, and only the whole debt is sold


@pytest.mark.parametrize("amount", [pytest.param(CLEAR // 2, id="A12-a-part-at-the-floor")])
def test_a_debt_at_its_floor_is_sold_as_a_whole(stage, amount):
    called = auction(stage, PRICE, DEBT)
    take(stage, called.id, TO_FLOOR)
    take(stage, called.id, amount, refused="leaves dust")
    _, cost = take(stage, called.id)
    assert abs(cost - FLOOR * 105 // 100) <= 300
    assert debt(stage, called.id) == 0


# A02, A03, A04: nobody buys, too late, no price


@pytest.mark.covers("I51")
@pytest.mark.parametrize(
    ("price", "final"),
    [
        pytest.param(590 * WAD, "absorbed", id="A02-below-close-out"),
        pytest.param(630 * WAD, "called again", id="A02-covered"),
    ],
)
def test_an_auction_that_nobody_attends_is_over_in_bounded_time(stage, price, final):
    """Below close-out the fund has it then; a debt that is covered is offered anew."""
    called = auction(stage, price) if final == "absorbed" else call(stage, price)
    now = called.closes + 2
    reprice(stage, now, price)
    stage.world.next_at(called.closes + 1)
    stage.world.rpc.mine()
    if final == "absorbed":
        assert stage.world.state(called.id) == ABSORBABLE
        stage.act("absorb", called.id, at=now)
        assert debt(stage, called.id) == 0
        # 5,100 and 5 % at the end's 88 % of 590: all ten and more would be needed
        assert stage.world.vault.read("absorbed", ETH) == 10 * WAD
        return
    stage.act("absorb", called.id, at=now, refused="not absorbable")
    assert stage.world.state(called.id) == CALLABLE
    done = stage.act("margin_call", called.id)
    # in the same episode: no second grace and no second tip
    assert done.after.positions[called.id].auction_start == done.now
    assert done.after.returned == 0
    assert take(stage, called.id, WAD) == (WAD, 630 * WAD * 101 // 100)


@pytest.mark.covers("I40", "I41")
@pytest.mark.parametrize(
    ("second", "price", "reason"),
    [
        pytest.param(-1, None, "not in auction", id="A03-a-second-early"),
        pytest.param(0, 10_100, None, id="A03-first-second"),
        pytest.param(DURATION - 1, 8_801, None, id="A03-last-second-but-one"),
        pytest.param(DURATION, 8_800, None, id="A03-last-second"),
        pytest.param(DURATION + 1, None, "not in auction", id="A03-a-second-late"),
    ],
)
def test_the_first_and_the_last_second_of_an_auction(stage, second, price, reason):
    called = call(stage)
    now = called.opens + second
    reprice(stage, now, 630 * WAD)
    _, cost = take(stage, called.id, WAD, at=now, refused=reason)
    assert cost == (0 if price is None else 630 * WAD * price // 10_000)
    if second == DURATION + 1:
        # it is offered again, from the top
        done = stage.act("margin_call", called.id)
        assert done.after.positions[called.id].auction_start == done.now


@pytest.mark.parametrize(
    "when", [pytest.param("kick", id="A04-at-the-kick"), pytest.param("middle", id="A04-later")]
)
def test_no_price_is_no_sale(stage, when):
    """A feed that says 0: an account is called at what is known, and nothing is given away."""
    world = stage.world
    if when == "kick":
        id = open_eth(stage)
        price_at(stage, 590 * WAD)
    else:
        id = auction(stage).id
    world.forward(61)
    world.set_price(ETH, 0)
    if when == "kick":
        stage.act("margin_call", id)
    for limit in (0, MAX):
        args = (id, ETH, WAD, limit, world.keeper, b"")
        stage.act("take", *args, refused="price failed")
    world.forward(61)
    world.set_price(ETH, 590 * WAD)
    world.forward(61)
    sold, cost = take(stage, id, WAD)
    assert sold == WAD
    assert 590 * WAD * 9_900 // 10_000 < cost <= 590 * WAD * 10_100 // 10_000


# A06, A07, A08: callbacks


@pytest.fixture
def taker(stage):
    """A taker that answers `on_take` as it is told, and a market at the feed's price."""
    world = stage.world

    def deploy(name: str, *args: object) -> Contract:
        sender = UnlockedSender(world.rpc, world.governor)
        return world.contract(name, deploy_contract(sender, artifact(name), *args))

    market = deploy("MockMarket", world.coin.address, 0)
    kind = world.system.kinds[ETH]
    market.transact("set_feed", kind.token, kind.oracle, sender=world.governor)
    world.coin.transact("transfer", market.address, 10_000 * WAD, sender=world.keeper)
    taker = deploy("MockTaker", world.vault.address, market.address)
    taker.transact("set_token", kind.token, sender=world.governor)
    return taker


@pytest.mark.parametrize(
    ("purse", "reason"),
    [
        pytest.param(0, "amount exceeds balance", id="A07-pays-nothing"),
        pytest.param(ASKED // 4 - 1, "amount exceeds balance", id="A07-pays-1-wei-less"),
        pytest.param(ASKED // 4, None, id="A07-pays"),
    ],
)
def test_a_callback_that_does_not_pay_takes_nothing(stage, taker, purse, reason):
    world = stage.world
    called = auction(stage, PRICE, DEBT)
    world.coin.transact("transfer", taker.address, purse, sender=world.keeper)
    before = stage.book()
    call = (called.id, ETH, WAD // 4, MAX, taker.address, b"\x00")
    if reason is not None:
        with reverts(reason):
            taker.transact("take", *call, sender=world.keeper)
        assert stage.book().positions == before.positions
        return
    taker.transact("take", *call, sender=world.keeper)
    assert world.coin.read("balanceOf", taker.address) == 0
    assert world.tokens[ETH].read("balanceOf", taker.address) == WAD // 4


@pytest.mark.covers("I05")
@pytest.mark.parametrize(
    ("sells", "reason"),
    [
        pytest.param(True, None, id="A07-flash-mint-and-sale"),
        pytest.param(False, "amount exceeds balance", id="A07-flash-mint-and-nothing-else"),
    ],
)
def test_a_take_paid_by_a_flash_mint_is_a_take_or_nothing(stage, taker, sells, reason):
    """Coins of a loan buy like others, and have to be there at its end. Equity never sees them."""
    world = stage.world
    coin, vault = world.coin, world.vault
    coin.transact("set_flash", 0, 2**112, sender=world.governor)
    called = auction(stage, PRICE, DEBT)
    sender = UnlockedSender(world.rpc, world.governor)
    borrower = world.contract("MockBorrower", deploy_contract(sender, artifact("MockBorrower")))
    market = Contract(world.rpc, taker.read("market"), artifact("MockMarket").abi)
    # the market pays two percent more than the auction asks
    world.forward(1)
    token = world.tokens[ETH]
    steps = [
        (coin.address, coin.encode("approve", coin.address, MAX)),
        (vault.address, vault.encode("take", called.id, ETH, WAD // 2, MAX, borrower.address, b"")),
    ]
    if sells:
        world.feeds[ETH].transact("set_answer", 260 * 10**8, sender=world.governor)
        steps += [
            (token.address, token.encode("approve", market.address, MAX)),
            (
                market.address,
                market.encode("sell", token.address, WAD // 2, 0, borrower.address),
            ),
        ]
    borrower.transact("set_steps", steps, sender=world.governor)
    borrower.transact(
        "set_attempt", world.fund.address, world.fund.encode("equity"), sender=world.governor
    )
    supply, before = coin.read("totalSupply"), world.fund.read("equity")
    loan = (borrower.address, coin.address, 10**9 * WAD, b"")
    if reason is not None:
        with reverts(reason):
            coin.transact("flashLoan", *loan, sender=world.stranger)
        assert coin.read("totalSupply") == supply
        assert vault.read("balances", called.id, ETH) == 10 * WAD
        return
    coin.transact("flashLoan", *loan, sender=world.stranger)
    cost = supply - coin.read("totalSupply")
    assert coin.read("balanceOf", borrower.address) == 130 * WAD - cost
    assert vault.read("balances", called.id, ETH) == 10 * WAD - WAD // 2
    assert borrower.read("succeeded")
    # within the loan equity was what it is after it: the penalty of the sale, and no loan
    said = world.fund.decode("equity", bytes(borrower.read("response")))
    assert said == world.fund.read("equity") != before


@pytest.mark.parametrize(
    "receiver",
    [
        pytest.param("vault", id="A08-vault"),
        pytest.param("coin", id="A08-coin"),
        pytest.param("token", id="A08-token"),
        pytest.param("hub", id="A08-hub"),
        pytest.param("fund", id="A08-fund"),
        pytest.param("taker", id="A08-somebody-who-would-answer"),
    ],
)
def test_nobody_is_called_back_but_the_caller(stage, taker, receiver):
    """A wallet that asks for a callback is itself called, whoever is to get the collateral."""
    world = stage.world
    called = auction(stage, PRICE, DEBT)
    places = {
        "vault": world.vault, "coin": world.coin, "token": world.tokens[ETH],
        "hub": world.hub, "fund": world.fund, "taker": taker,
    }  # fmt: skip
    place = places[receiver].address
    call = (called.id, ETH, WAD // 4, MAX, place)
    with reverts("bad receiver" if receiver == "vault" else ""):
        world.vault.transact("take", *call, b"\x01", sender=world.keeper)
    if receiver == "vault":
        return
    # the control: without the request it goes there, and still nobody is called
    world.vault.transact("take", *call, b"", sender=world.keeper)
    assert world.tokens[ETH].read("balanceOf", place) == WAD // 4
    assert taker.read("called_with", 0) == 0
    # a contract that asks is called itself, wherever the collateral goes
    if receiver != "taker":
        world.coin.transact("transfer", taker.address, 100 * WAD, sender=world.keeper)
        taker.transact("take", *call, b"\x00", sender=world.keeper)
        assert world.tokens[ETH].read("balanceOf", place) == WAD // 2


# A09, A13: the debt changes under the auction


@pytest.mark.covers("I39")
@pytest.mark.parametrize(
    ("price", "state", "cured"),
    [
        pytest.param(AT_MAINTENANCE - 10**10, None, None, id="A09-a-tick-below-maintenance"),
        pytest.param(AT_MAINTENANCE, AT_RISK, "restarts", id="A09-at-maintenance"),
        pytest.param(AT_TARGET - 10**10, AT_RISK, "restarts", id="A09-a-tick-below-target"),
        pytest.param(AT_TARGET, HEALTHY, "clears", id="A09-at-target"),
    ],
)
def test_a_recovery_stops_the_sale_and_can_be_cured(stage, price, state, cured):
    called = auction(stage)
    world = stage.world
    now = called.opens + 1_800
    reprice(stage, now, price)
    if cured is None:
        world.next_at(now - 1)
        stage.act("cure", called.id, at=now, refused="not curable")
        take(stage, called.id, WAD)
        return
    take(stage, called.id, WAD, at=now, refused="account is covered")
    assert world.state(called.id) == state
    done = stage.act("cure", called.id)
    start = done.after.positions[called.id].auction_start
    assert start == (0 if cured == "clears" else done.now)


@pytest.mark.parametrize(
    ("repaid", "left"),
    [
        pytest.param(1, DEBT - 1, id="A13-by-1-wei"),
        pytest.param(DEBT - FLOOR, FLOOR, id="A13-to-the-floor"),
        pytest.param(DEBT - 1, FLOOR, id="A13-to-1-wei"),
        pytest.param(DEBT, 0, id="A13-to-nothing"),
        pytest.param(MAX, 0, id="A13-all"),
    ],
)
def test_no_repayment_in_an_auction_leaves_dust_or_stops_the_clock(stage, repaid, left):
    """A part stops where the floor is; at 2,000 the account is covered, and its clock lies on."""
    called = auction(stage, PRICE, DEBT)
    stage.act("repay", called.id, repaid, sender=stage.world.keeper)
    assert debt(stage, called.id) == left
    clock = stage.world.account(called.id).auction_start
    assert clock == (called.opens if left else 0)
    refused = {DEBT - 1: None, FLOOR: "account is covered", 0: "not in auction"}[left]
    take(stage, called.id, WAD // 2, refused=refused)


# A10: a crowd


@pytest.mark.covers("A10")
def test_a_thousand_auctions_at_once(stage):
    """A10: all are called in batches of 64 and sold in batches of 32; nothing queues or reverts."""
    world = stage.world
    node, vault, keeper = world.rpc, world.vault, world.keeper
    assert isinstance(node, RevmNode)
    owners = [f"0x{number:040x}" for number in range(0xA10, 0xA10 + 4)]
    token, amount, owed = world.tokens[ETH], 2 * WAD, 2_900 * WAD

    def run(who: str, contract: Contract, fn: str, *args: object) -> bytes:
        ran = node.run(who, contract.address, contract.encode(fn, *args), node.time)
        assert ran.reason is None, f"{fn}: {ran.reason}"
        return ran.output or b""

    ids = []
    for owner in owners:
        run(world.governor, token, "mint", owner, 500 * WAD)
        run(owner, token, "approve", vault.address, MAX)
        for sub in range(250):
            id = world.id(owner, sub)
            run(owner, vault, "adjust", id, [(ETH, amount)], owed, owner, b"")
            ids.append(id)
        run(owner, world.coin, "transfer", keeper, 250 * owed)
    world.give_coins(keeper, 200_000 * WAD)
    price_at(stage, 1_600 * WAD)  # 2,720 at close-out
    for first in range(0, 1_000, 64):
        batch = ids[first : first + 64]
        done = vault.decode("margin_calls", run(keeper, vault, "margin_calls", batch))
        assert done == 2 ** len(batch) - 1
    asked = 1_600 * WAD * 10_100 // 10_000
    before = world.coin.read("balanceOf", keeper)
    paid = sold = 0
    for first in range(0, 1_000, 32):
        orders = [(id, ETH, MAX, MAX) for id in ids[first : first + 32]]
        amounts, cost = vault.decode("takes", run(keeper, vault, "takes", orders, keeper))
        assert all(amounts)
        sold, paid = sold + sum(amounts), paid + cost
    # each alike: to the target 2,269 would be repaid, which leaves dust; so all of it, and 5 %
    each = ceil(Fraction(3_045 * WAD * WAD, asked))
    assert (sold, paid) == (1_000 * each, 1_000 * 3_045 * WAD)
    assert {world.vault.read("balances", id, ETH) for id in ids} == {amount - each}
    assert {world.account(id).normalized_debt for id in ids} == {0}
    assert before - world.coin.read("balanceOf", keeper) == paid
    assert token.read("balanceOf", keeper) == sold


# A11: there is less than is owed


@pytest.mark.covers("I52")
@pytest.mark.parametrize(
    ("price", "penalty", "bad"),
    [
        # what the whole lot raises at 101 %, against a debt of 5,100
        pytest.param(500, 0, 50, id="A11-insolvent"),
        pytest.param(505, 0, 0, id="A11-just-solvent"),
        pytest.param(520, 298, 0, id="A11-part-of-the-penalty"),
        pytest.param(560, 500, 0, id="A11-all-of-it"),
    ],
)
def test_the_penalty_is_waived_before_anybody_loses_and_a_loss_is_booked_once(
    stage, price, penalty, bad
):
    called = auction(stage, price * WAD)
    surplus, deficit = stage.world.fund.read("equity")
    done = stage.act("take", called.id, ETH, MAX, MAX, stage.world.keeper, b"")
    _, cost = done.after.returned
    repaid = done.log("Taken")["debt_repaid"]
    assert repaid == min(cost * 10_000 // (10_000 + penalty), 5_100 * WAD)
    # what is paid beyond the debt stays, what the debt loses goes
    after = stage.world.fund.read("equity")
    assert after[0] - after[1] == surplus - deficit + cost - repaid - bad * WAD
    losses = [log for log in done.after.logs if log[0] == "BadDebt"]
    assert [args["amount"] for _, args in losses] == ([bad * WAD] if bad else [])
    if bad:
        assert debt(stage, called.id) == 0
        take(stage, called.id, refused="kind not enabled")
        stage.act("absorb", called.id, refused="not absorbable")
        assert stage.world.fund.read("equity") == after


# A14: its collateral is stopped


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("frozen", id="A14-frozen"),
        pytest.param("cap", id="A14-cap-0"),
        pytest.param("paused", id="A14-token-paused"),
        pytest.param("false", id="A14-token-false"),
    ],
)
def test_a_kind_that_is_stopped_mid_auction_stops_no_other(troubled, how):
    """By the governor it goes on being sold; by its own token it waits, and the others do not."""
    stage = troubled
    governor = stage.world.governor
    if how == "frozen":
        stage.do(governor, stage.vault, "set_frozen", ODD, True)
    elif how == "cap":
        stage.do(governor, stage.vault, "set_cap", ODD, 0)
    else:
        stage.modes(0, Mode.REVERT if how == "paused" else Mode.REFUSE)
    odd = (stage.id(AUCTIONED), ODD, 50 * WAD, MAX, stage.keeper, b"")
    if how in ("frozen", "cap"):
        assert stage.do(stage.keeper, stage.vault, "take", *odd) == (50 * WAD, 505 * WAD // 10)
    else:
        reason = {"paused": "token is paused", "false": "transfer out failed"}[how]
        assert stage.refused(stage.keeper, stage.vault, "take", *odd) == reason
    eth = (stage.id(AUCTIONED), ETHER, WAD // 2, MAX, stage.keeper, b"")
    assert stage.do(stage.keeper, stage.vault, "take", *eth) == (WAD // 2, 505 * WAD)


# A15: who takes


@pytest.mark.covers("I16")
@pytest.mark.parametrize(
    "who",
    [
        pytest.param("owner", id="A15-the-owner"),
        pytest.param("keeper", id="A15-who-called"),
    ],
)
def test_whoever_takes_pays_what_everybody_pays(stage, who):
    """The owner loses the penalty, and for whoever called the first second is a loss as well."""
    world = stage.world
    person = getattr(world, who)
    called = auction(stage, PRICE, DEBT)
    world.coin.transact("transfer", person, 3_000 * WAD, sender=world.keeper)
    coins, own = world.coin.read("balanceOf", person), world.tokens[ETH].read("balanceOf", person)
    stage.act("take", called.id, ETH, MAX, MAX, person, b"", sender=person)
    paid = coins - world.coin.read("balanceOf", person)
    got = world.tokens[ETH].read("balanceOf", person) - own
    assert (got, paid) == (CLEAR, OWED)
    if who == "owner":
        # the debt is gone and the collateral his own: what is missing is the penalty
        assert paid - DEBT == 110 * WAD
    else:
        # 101 % of what it is worth: in the first second a take is a loss
        assert got * 250 - paid < 0


@pytest.mark.covers("A15")
def test_the_fund_takes_nothing(stage):
    """A15: nobody can make the fund buy, and what it absorbs it pays with nothing but the debt."""
    assert not {each.get("name") for each in artifact("InsuranceFund").abi} & {
        "take", "takes", "on_take", "on_adjust", "onFlashLoan", "execute",
    }  # fmt: skip
    called = auction(stage)
    reprice(stage, called.closes + 1, AT_CLOSE_OUT - 10**10)
    coin, fund = stage.world.coin, stage.world.fund.address
    coin.transact("transfer", fund, 6_000 * WAD, sender=stage.world.keeper)
    had = coin.read("balanceOf", fund)
    done = stage.act("absorb", called.id, at=called.closes + 1, sender=stage.world.stranger)
    assert (done.before.debt(called.id, done.now), debt(stage, called.id)) == (5_100 * WAD, 0)
    # more than the debt, and all of it still there
    assert coin.read("balanceOf", fund) == had >= 6_000 * WAD


# A16: slices


@pytest.mark.covers("I47")
@pytest.mark.parametrize("slices", [pytest.param(k, id=f"A16-{k}-slices") for k in (2, 7, 100)])
def test_slices_are_never_cheaper_than_the_whole(stage, slices):
    """In the same second: each slice rounds its cost up, and what it repays down."""
    called = auction(stage)
    node, world = stage.world.rpc, stage.world
    assert isinstance(node, RevmNode)
    whole = WAD // 10 + 7
    asked = 5_959 * WAD // 10
    parts = [whole // slices] * (slices - 1)
    parts.append(whole - sum(parts))
    total, now = 0, node.time
    for part in parts:
        args = (called.id, ETH, part, MAX, world.keeper, b"")
        ran = node.run(world.keeper, world.vault.address, world.vault.encode("take", *args), now)
        assert ran.reason is None
        assert ran.output is not None
        sold, cost = world.vault.decode("take", ran.output)
        assert sold == part
        total += cost
    at_once = ceil(Fraction(whole * asked, WAD))
    assert at_once <= total <= at_once + slices
    repaid = 5_100 * WAD - world.debt(called.id)
    assert total * 10_000 // 10_500 - slices <= repaid <= total * 10_000 // 10_500
