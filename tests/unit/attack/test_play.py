# SPDX-License-Identifier: MIT
"""What a sequence pays, worked out by hand; that a play is undone; and what it may not do."""

from __future__ import annotations

import random

import pytest

from surety.attack.acts import EVERYTHING, FIELDS, NOTHING, WHOLE, Act, Size, source
from surety.attack.bound import FINE
from surety.attack.play import NOT_POSSIBLE, Played, Player, Rules
from surety.attack.search import Search
from surety.attack.stage import ETH, FARMED, STABLE, STAGES, WAD, Stage
from surety.revm import RevmNode

USDC = 10**6
WEI = Size(0, 1)
MOVING = Rules(moves=2, move_bps=5_000)


def reasons(played: Played) -> list[str | None]:
    return [step.reason for step in played.steps]


@pytest.fixture(scope="module")
def calm(stage_of) -> Player:
    return Player(stage_of("calm"))


@pytest.fixture(scope="module")
def called(stage_of) -> Player:
    return Player(stage_of("called"))


@pytest.fixture(scope="module")
def moving(stage_of) -> Player:
    return Player(stage_of("calm"), MOVING)


def test_nothing_pays_nothing(calm):
    played = calm.play(())
    assert (played.profit, played.victims, played.protocol, played.bound) == (0, 0, 0, 0)


def test_a_round_trip_through_the_peg_costs_both_fees_to_the_wei(calm):
    """20,000 tokens in at 5 bps give 19,990 coins; 20,000 coins out at 10 bps give 19,980."""
    played = calm.play([Act("peg_mint"), Act("peg_redeem")])
    assert reasons(played) == [None, None]
    assert played.profit == (-20_000 + 19_990 - 20_000 + 19_980) * WAD * FINE
    assert (played.victims, played.protocol) == (0, -played.profit)


def test_a_donation_is_lost_to_the_protocol_whole(calm):
    """Half a lot of ether is 5 at 2,000; a wei of a coin is a wei."""
    acts = [Act("donate", kind=ETH, size=Size(500), number=place) for place in range(3)]
    played = calm.play([*acts, Act("donate_coins", size=WEI, number=1)])
    assert reasons(played) == [None] * 4
    assert played.profit == -(30_000 * WAD + 1) * FINE
    assert (played.victims, played.protocol) == (0, -played.profit)


def test_a_gift_to_a_victim_is_the_victims(calm):
    place = calm.stage.names.index("victim.eth")
    played = calm.play([Act("deposit", place, kind=ETH, size=Size(100))])
    assert (played.profit, played.victims, played.protocol) == (
        -2_000 * WAD * FINE,
        2_000 * WAD * FINE,
        0,
    )


def test_a_loan_that_is_left_after_a_crash_pays_what_the_collateral_lacks(moving):
    """10 ether at 2,000 lend 15,000; at 1,000 they are worth 10,000: 5,000 for who walks away."""
    place = moving.stage.names.index("mine.empty0")
    acts = [Act("open", place, kind=ETH, debt=WHOLE), Act("price", kind=ETH, number=-5_000)]
    played = moving.play(acts)
    assert reasons(played) == [None, None]
    assert played.profit == (5_000 * WAD - 2) * FINE  # it rounds against who borrows
    assert played.bound == played.parts["walks"] == 5_000 * WAD * FINE
    assert played.leak == 0


def test_a_fall_of_less_than_the_margin_pays_nobody_who_walks_away(stage_of):
    player = Player(stage_of("calm"), Rules(moves=1, move_bps=2_500))
    place = player.stage.names.index("mine.empty0")
    opened = Act("open", place, kind=ETH, debt=WHOLE)
    at_margin = player.play([opened, Act("price", kind=ETH, number=-2_500)])
    assert reasons(at_margin) == [None, None]
    assert at_margin.bound == 0
    assert -2 * FINE <= at_margin.profit <= 0


def test_a_take_pays_its_discount_and_no_more(called):
    """Of the whole lot of 10 ether what the debt needs, at 1,580 and a factor of the clock."""
    place = called.stage.names.index("victim.auction")
    played = called.play([Act("take", place, kind=ETH, size=EVERYTHING)])
    (taken,) = [args for name, args in played.steps[0].told if name == "Taken"]
    assert taken["cost"] > 14_000 * WAD
    assert played.profit == taken["amount"] * 1_580 * FINE - taken["cost"] * FINE
    assert 0 <= played.bound - played.profit < 1_580 * FINE  # a unit of the token
    assert played.protocol > 0  # its penalty
    assert played.leak == 0


def lost(log: dict[str, int] | None, kind: str) -> int:
    """Return what a liquidation of oneself costs by what the vault logged, base units of coins."""
    assert log is not None, kind
    if kind == "Taken":
        return log["cost"] - log["debt_repaid"]  # the penalty
    return 10 * 1_580 * WAD - log["debt"]  # all of ten ether for a debt


@pytest.mark.parametrize(
    ("what", "whose", "event"),
    [
        pytest.param("take", "mine.auction", "Taken", id="M10-take"),
        pytest.param("absorb", "mine.ripe", "Absorbed", id="M10-absorb"),
    ],
)
def test_who_liquidates_oneself_pays_for_it(called, what, whose, event):
    place = called.stage.names.index(whose)
    played = called.play([Act(what, place, kind=ETH, size=EVERYTHING)])
    (step,) = played.steps
    log = dict(step.told).get(event)
    assert played.bound == 0
    assert played.profit == -lost(log, event) * FINE < -500 * WAD * FINE
    assert played.protocol == -played.profit


@pytest.mark.covers("M10")
def test_tips_of_accounts_of_ones_own_are_paid_by_oneself(stage_of):
    """29 tips of five coins are minted, and owed: each debt is rounded up by less than two."""
    player = Player(stage_of("farm"))
    played = player.play([Act("margin_calls"), Act("wait", number=120), Act("margin_calls")])
    first, _, again = played.steps
    tips = [args["tip"] for name, args in first.told if name == "MarginCalled"]
    assert tips == [5 * WAD] * FARMED
    assert again.told == ()  # called once
    assert played.bound == 0
    at_once = player.play([Act("margin_calls")])
    assert -2 * FARMED * FINE <= at_once.profit < 0
    assert at_once.protocol == -at_once.profit


def test_what_a_flash_loan_surrounds_is_done_inside(calm):
    fund = calm.stage.names.index("mine.open")
    acts = [Act("flash", number=2), Act("borrow", fund, size=WEI), Act("repay", fund, size=WEI)]
    played = calm.play(acts)
    assert reasons(played) == [None] * 3
    assert [step.inside for step in played.steps] == [False, True, True]
    # a repaid wei is less than a unit of debt by now, and removes none
    assert -3 * FINE <= played.profit <= 0
    assert played.leak == 0


def test_a_flash_loan_around_what_is_refused_is_not_made_and_its_acts_are(calm):
    acts = [Act("flash", number=2), Act("reap"), Act("absorb", 0), Act("burn", size=WEI)]
    played = calm.play(acts)
    assert reasons(played) == [NOT_POSSIBLE, None, "not absorbable", None]
    assert played.profit == -FINE


def test_a_flash_loan_is_seen_by_the_fund(calm):
    """Alone `reap` pays; inside of a loan it is refused, so that there is no loan."""
    assert reasons(calm.play([Act("reap")])) == [None]
    assert reasons(calm.play([Act("flash", number=1), Act("reap")])) == [NOT_POSSIBLE, None]


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ([Act("wait", number=121)], [NOT_POSSIBLE]),
        ([Act("wait", number=120)], [None]),
        ([Act("wait", number=60), Act("wait", number=61)], [None, NOT_POSSIBLE]),
        ([Act("wait", number=0)], [NOT_POSSIBLE]),
        ([Act("price", number=5_000)], [None]),
        ([Act("price", number=5_001)], [NOT_POSSIBLE]),
        ([Act("price", number=-5_001)], [NOT_POSSIBLE]),
        ([Act("price", number=0)], [NOT_POSSIBLE]),
        ([Act("price", number=n) for n in (1, 2, 3)], [None, None, NOT_POSSIBLE]),
    ],
)
def test_the_market_keeps_to_its_rules(moving, acts, expected):
    assert reasons(moving.play(acts)) == expected


def test_only_the_named_kind_moves(stage_of):
    player = Player(stage_of("calm"), Rules(moves=2, move_bps=100, kind=STABLE))
    acts = [Act("price", kind=ETH, number=1), Act("price", kind=STABLE, number=1)]
    assert reasons(player.play(acts)) == [NOT_POSSIBLE, None]


def test_time_that_passes_is_charged(calm):
    """A debt of 15,000 at 5 % a year grows by about 0.0029 coins in two minutes."""
    place = calm.stage.names.index("mine.empty0")
    played = calm.play([Act("open", place, kind=ETH, debt=WHOLE), Act("wait", number=120)])
    debts = 15_000 + 10_000 + 14_998 + 36_000  # of the attacker's four accounts
    expected = debts * WAD * 5 * 120 // (100 * 365 * 86_400)
    assert abs(played.profit // FINE + expected) < expected // 10_000


def test_a_play_leaves_no_trace(calm):
    stage = calm.stage
    before = [stage.vault.read("accounts", id) for id in stage.accounts]
    acts = [Act("open", 3, kind=ETH, debt=WHOLE), Act("wait", number=30), Act("peg_mint")]
    first = calm.play(acts)
    assert before == [stage.vault.read("accounts", id) for id in stage.accounts]
    assert (stage.node.time, stage.node.number) == (stage.now, stage.number)
    assert calm.play(acts) == first
    assert calm.play(acts[:1]) != first


@pytest.mark.parametrize("name", STAGES)
def test_nothing_comes_out_of_nothing(stage_of, name):
    """Of whatever is done, what one party gains the others lose, to the last unit."""
    player = Player(stage_of(name), Rules(moves=3, move_bps=4_000))
    search = Search(player, 7)
    done = 0
    for _ in range(60):
        acts = [search.random_act() for _ in range(8)]
        played = player.play(acts)
        assert played.leak == 0, acts
        assert played.excess <= 0, acts
        done += len(played.done)
    assert done > 60


def test_the_stages_are_what_they_say(stage_of):
    """calm: nobody above maintenance. called: a state of each. farm: 29 that can be called."""

    def states(name: str) -> dict[str, int]:
        stage = stage_of(name)
        found = stage.lens.read("states_of", stage.vault.address, stage.accounts)
        return dict(zip(stage.names, found, strict=True))

    assert set(states("calm").values()) == set(states("aged").values()) == {0, 1}
    index = stage_of("aged").vault.read("live_index")
    assert 27 * 10**26 < index < 28 * 10**26  # e
    found = states("called")
    assert {name.split(".")[1]: state for name, state in found.items() if "victim" in name} == {
        "absorbed": 0,
        "absorbed too": 0,
        "ripe": 6,
        "auction": 5,
        "mixed": 5,
        "grace": 4,
        "callable": 3,
        "btc": 1,
    }
    assert found["mine.callable"] == 3
    assert found["mine.auction"] == found["mine.sunk"] == 5
    assert found["mine.ripe"] == 6
    assert sorted(states("farm").values()) == [1] + [3] * FARMED


def test_an_unknown_stage_is_named():
    with pytest.raises(ValueError, match="no stage 'nowhere'; there are calm, aged, called, farm"):
        Stage("nowhere")


def test_sizes():
    assert Size().of(7) == 7
    assert Size(500, 1).of(7) == 4
    assert Size(0, -1).of(7) == 0
    assert EVERYTHING.at_most(7) == 2**256 - 1
    assert EVERYTHING.of(10**9) < 2**200
    assert Size(999).of(2**210) == 2**200
    assert NOTHING.of(7) == 0


def test_every_act_is_known_to_the_player(calm):
    """Whatever is listed is called and answered, not unknown."""
    for what in FIELDS:
        (step,) = calm.play([Act(what, number=1)]).steps
        assert step.reason is None or step.reason


def test_acts_are_written_as_they_are_read():
    dice = random.Random(3)
    for what in FIELDS:
        act = Act(what, *(dice.randrange(3) for _ in range(3)), Size(5, -1), Size(7), 2)
        read = eval(source(act), {"Act": Act, "Size": Size})
        assert source(read) == source(act)
        assert read.what == what


def test_a_stage_stands_on_revm(stage_of):
    assert isinstance(stage_of("calm").node, RevmNode)
