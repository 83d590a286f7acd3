# SPDX-License-Identifier: MIT
"""The bounds of every parameter, to the last unit."""

from __future__ import annotations

import re
from typing import Any

import pytest

from surety.formulas import margin_math
from surety.paths import root
from tests.unit.governor.acts import LEVELS, new_listing, other_oracle, stray
from tests.unit.governor.rig import (
    CHOSEN,
    DAY,
    MARGIN,
    PARAMETER,
    SLOT,
    STRUCTURE,
    WAD,
    ZERO,
    Act,
)
from tests.unit.listings.desk import Listing

CAP = 10_000 * WAD
FRESH = 10**7 * WAD
YEAR = 365 * DAY
RATE_STEP = 5 * 10**25 // YEAR
REASON = re.compile(r"^([A-Z_]+): constant\(uint256\) = (\d+)  # (.+)$", re.MULTILINE)


def check(rig: Any, act: Act, outcome: int | str) -> None:
    """The rules give this delay, or refuse with this reason."""
    if isinstance(outcome, str):
        assert rig.propose_reason(act) == outcome, act
    else:
        assert rig.delay(act) == outcome, act


def test_reasons_are_their_texts_and_told():
    source = (root() / "contracts" / "modules" / "rule_reasons.vy").read_text()
    told = (root() / "interfaces" / "IGovernanceRules.vyi").read_text().split("Reasons")[1]
    rules = (root() / "contracts" / "GovernanceRules.vy").read_text()
    found = REASON.findall(source)
    assert len(found) == source.count(": constant(uint256)") > 30
    for name, number, text in found:
        assert int(number).to_bytes(32, "big").lstrip(b"\x00").decode() == text
        assert name.lower().replace("_", " ") == text
        assert f'"{text}"' in told, text
        assert f"rule_reasons.{name}" in rules, text
        assert len(text) <= 32
    assert set(re.findall(r'"([a-z ]+)"', told)) == {text for _, _, text in found}


# coin


def test_a_ceiling_doubles_in_a_day_and_starts_afresh_in_three(rig):
    vault, second = rig.vault.address, rig.second.address
    ceiling = rig.coin.read("ceiling", vault)
    for minter, wanted, outcome in (
        (vault, ceiling - 1, 0),
        (vault, ceiling, "nothing changes"),
        (vault, ceiling + 1, PARAMETER),
        (vault, 2 * ceiling, PARAMETER),
        (vault, 2 * ceiling + 1, "step too large"),
        (vault, 2**120, "step too large"),
        (vault, 2**256 - 1, "step too large"),
        (second, 0, STRUCTURE),
        (second, 1, STRUCTURE),
        (second, FRESH, STRUCTURE),
        (second, FRESH + 1, "step too large"),
        (rig.peg.address, FRESH, STRUCTURE),
        (rig.hub.address, 0, "not a minter"),
        (rig.models.address, 1, "not a minter"),
        (rig.admin, 1, "not a minter"),
        (ZERO, 0, "not a minter"),
        (stray(rig), 1, "not a minter"),
    ):
        check(rig, Act(rig.coin, "set_ceiling", (minter, wanted)), outcome)


def test_a_minter_is_governed_here_by_the_time_it_mints(rig):
    book = rig.deploy(
        "Vault", rig.deployer, rig.coin.address, rig.hub.address, rig.world.operators.address,
        rig.models.address, ZERO, *rig.world.book.numbers,
    )  # fmt: skip
    rig.enact(Act(rig.gov, "register", (book.address, 3)))
    acts = [
        Act(rig.coin, "set_ceiling", (book.address, WAD)),
        Act(rig.fund, "add_book", (book.address,)),
    ]
    ids = [rig.propose(act) for act in acts]
    rig.wait(STRUCTURE)
    for id, act in zip(ids, acts, strict=True):
        assert rig.execute_reason(id, act) == "governed by another"
    rig.hand_over(book)
    for id, act in zip(ids, acts, strict=True):
        assert rig.execute_reason(id, act) is None


def test_flash_loans(rig):
    for fee, ceiling, outcome in (
        (0, 0, "nothing changes"),
        (25, 0, PARAMETER),
        (26, 0, "step too large"),
        (0, FRESH, STRUCTURE),
        (25, FRESH, STRUCTURE),
        (0, FRESH + 1, "step too large"),
    ):
        check(rig, Act(rig.coin, "set_flash", (fee, ceiling)), outcome)
    rig.enact(Act(rig.coin, "set_flash", (9, FRESH)))
    for fee, ceiling, outcome in (
        (9, FRESH, "nothing changes"),
        (9, FRESH - 1, 0),
        (9, 0, 0),
        (8, 0, PARAMETER),
        (10, FRESH - 1, PARAMETER),
        (9, 2 * FRESH, PARAMETER),
        (9, 2 * FRESH + 1, "step too large"),
        (35, FRESH, "step too large"),
    ):
        check(rig, Act(rig.coin, "set_flash", (fee, ceiling)), outcome)
    stop = Act(rig.coin, "set_flash", (9, 0))
    assert rig.tighten_reason(stop) is None
    assert rig.gov.read("former", rig.preview(Act(rig.coin, "set_flash", (9, 1)))[1]) == FRESH
    check(rig, Act(rig.coin, "set_flash", (9, FRESH)), PARAMETER)


# vault


def test_a_cap_doubles_in_a_day_and_starts_afresh_in_three(rig):
    price = rig.world.price(0)
    fresh = FRESH * WAD // price
    check(rig, Act(rig.vault, "set_cap", (0, 2 * CAP)), PARAMETER)
    check(rig, Act(rig.vault, "set_cap", (0, 2 * CAP + 1)), "step too large")
    assert rig.tighten_reason(Act(rig.vault, "set_cap", (0, 0)), rig.admin) is None
    for cap, outcome in (
        (0, "nothing changes"),
        (1, STRUCTURE),
        (fresh, STRUCTURE),
        (fresh + 1, "step too large"),
        (2**128 - 1, "step too large"),
        (2**128, "step too large"),
        (2**256 - 1, "step too large"),
    ):
        check(rig, Act(rig.vault, "set_cap", (0, cap)), outcome)
    for kind in (3, 32, 2**256 - 1):
        check(rig, Act(rig.vault, "set_cap", (kind, 1)), "unknown kind")
        check(rig, Act(rig.vault, "set_frozen", (kind, True)), "unknown kind")


def test_the_rate_moves_five_points_a_day(rig):
    for rate, outcome in (
        (0, "nothing changes"),
        (1, PARAMETER),
        (RATE_STEP, PARAMETER),
        (RATE_STEP + 1, "step too large"),
    ):
        check(rig, Act(rig.vault, "set_rate", (rate,)), outcome)
    rig.enact(Act(rig.vault, "set_rate", (RATE_STEP,)))
    rig.enact(Act(rig.vault, "set_rate", (2 * RATE_STEP,)))
    check(rig, Act(rig.vault, "set_rate", (RATE_STEP - 1,)), "step too large")
    check(rig, Act(rig.vault, "set_rate", (RATE_STEP,)), PARAMETER)


def test_a_fund_is_a_registered_one(rig):
    check(rig, Act(rig.vault, "propose_fund", (rig.stranger,)), "not a fund")
    check(rig, Act(rig.vault, "propose_fund", (rig.peg.address,)), "not a fund")
    check(rig, Act(rig.vault, "propose_fund", (ZERO,)), STRUCTURE)


def test_a_second_book_lists_what_another_has(rig):
    """Where the price has been held against an expectation already, and under the same number."""
    token = rig.world.tokens[0].address
    good: list[Any] = [0, token, *LEVELS, 1_000 * WAD, False]

    def of(**changes: Any) -> Act:
        places = {"kind": 0, "token": 1, "initial": 2, "end": 6, "cap": 7}
        args = list(good)
        for name, value in changes.items():
            args[places[name]] = value
        return Act(rig.second, "list_collateral", tuple(args))

    check(rig, of(), STRUCTURE)
    check(rig, of(kind=1), "not listed elsewhere")
    check(rig, of(kind=31), "not listed elsewhere")
    check(rig, of(kind=32), "unknown kind")
    check(rig, of(token=stray(rig)), "not listed elsewhere")
    check(rig, of(token=ZERO), "not listed elsewhere")
    check(rig, of(initial=8_000), "bad levels")
    check(rig, of(end=10_000), "bad factors")
    check(rig, of(cap=5_000 * WAD), STRUCTURE)
    check(rig, of(cap=5_000 * WAD + 10**15), "step too large")
    check(rig, of(cap=2**256 - 1), "step too large")
    # not in the same book twice: it is not elsewhere
    check(rig, Act(rig.vault, "list_collateral", tuple(good)), "not listed elsewhere")


# prices


@pytest.mark.covers("O21", "I62")
def test_an_oracle_may_say_a_tenth_of_a_percent_less(rig):
    for bps, reason in ((9_990, None), (9_989, "price deviates"), (10_499, None)):
        with rig.snapshot():
            act = Act(rig.hub, "set_oracle", (0, other_oracle(rig, bps=bps)))
            assert rig.execute_reason(rig.ready(act), act) == reason
    # more than 5 % above is the hub's own refusal
    act = Act(rig.hub, "set_oracle", (0, other_oracle(rig, bps=10_501)))
    assert rig.execute_reason(rig.ready(act), act) == "price deviates"
    present = rig.hub.read("config_of", 0)[0]
    check(rig, Act(rig.hub, "set_oracle", (0, present)), "nothing changes")
    check(rig, Act(rig.hub, "set_oracle", (0, rig.stranger)), "no code")
    check(rig, Act(rig.hub, "set_oracle", (3, other_oracle(rig))), "unknown kind")


@pytest.mark.covers("O21")
def test_an_oracle_that_fails_is_not_taken(rig):
    """Whatever its price says: it reverts, or answers nothing."""
    for mode in (1, 2, 5):
        with rig.snapshot():
            oracle = rig.deploy("MockOracle", rig.world.price(0))
            oracle.transact("set_mode", mode, sender=rig.deployer)
            act = Act(rig.hub, "set_oracle", (0, oracle.address))
            assert rig.execute_reason(rig.ready(act), act) is not None
            assert rig.hub.read("config_of", 0)[0] != oracle.address


def fail(rig: Any, kind: int = 0) -> None:
    """Let a kind's price fail, and stay so."""
    rig.must(rig.world.feeds[kind], "set_reverts", True, sender=rig.deployer)
    rig.wait(61)
    rig.must(rig.hub, "poke", 1 << kind, sender=rig.stranger)
    assert rig.hub.read("words", kind) >> 248 & 1


def test_a_failed_price_comes_back_where_the_admin_says(rig):
    """Half of what it was, from a new oracle: by nobody but the admin, who gives the price."""
    act = Act(rig.hub, "set_oracle", (0, other_oracle(rig, bps=5_000)))
    id = rig.propose(act)
    rig.wait(STRUCTURE)
    rig.refresh()
    assert rig.execute_reason(id, act) == "price deviates"
    assert rig.execute_reason(id, act, rig.world.price(0) // 2) == "price deviates"
    fail(rig)
    half = rig.world.price(0) // 2
    assert rig.execute_reason(id, act) == "needs a price"
    assert rig.execute_reason(id, act, half, rig.stranger) == "not admin"
    assert rig.execute_reason(id, act, half, rig.guardian) == "not admin"
    assert rig.execute_reason(id, act, 0) == "needs a price"
    assert rig.execute_reason(id, act, half * 106 // 100) == "price deviates"
    assert rig.execute_reason(id, act, half * 95 // 100) == "price deviates"
    assert rig.execute_reason(id, act, 2**256 - 1) == "needs a price"
    args = (id, rig.hub.address, act.data, half * 104 // 100)
    ran = rig.must(rig.gov, "execute_expecting", *args, sender=rig.admin)
    (event,) = [e for e in rig.events(ran) if e.name == "Executed"]
    assert event.args["expected"] == half * 104 // 100
    word = rig.hub.read("words", 0)
    assert (word % 2**88, word >> 249 & 1) == (half, 1)  # and CONFIRMING


def test_bounds_leave_room_on_both_sides_of_the_price(rig):
    price = rig.world.price(0)
    low, high = price // 2, 2 * price
    for args, outcome in (
        ((low, high), STRUCTURE),
        ((0, high), "out of bounds"),
        ((high, high), "out of bounds"),
        ((low, 2**88), "out of bounds"),
        ((2**256 - 2, 2**256 - 1), "out of bounds"),
        ((price * 6 // 10, high), STRUCTURE),
        ((price * 6 // 10 + 1, high), "bounds too tight"),
        ((low, price * 101 // 100), STRUCTURE),
        ((low, price * 101 // 100 - 1), "bounds too tight"),
        ((low, price), "bounds too tight"),
        ((low, price - 1), "bounds too tight"),
        ((price // 1_000, high), STRUCTURE),
        ((price // 1_000 - 1, high), "bounds too wide"),
        ((low, price * 1_000), STRUCTURE),
        ((low, price * 1_000 + 1), "bounds too wide"),
    ):
        check(rig, Act(rig.hub, "set_bounds", (0, *args)), outcome)
    check(rig, Act(rig.hub, "set_bounds", (9, low, high)), "unknown kind")


def test_bounds_are_judged_by_the_price_at_execution(rig):
    """Announced with room above the price; by then the market has risen through it."""
    price = rig.world.price(0)
    act = Act(rig.hub, "set_bounds", (0, price // 2, price * 105 // 100))
    id = rig.propose(act)
    rig.wait(STRUCTURE)
    answer = rig.world.feeds[0].read("latestRoundData")[1]
    rig.must(rig.world.feeds[0], "set_answer", answer * 106 // 100, sender=rig.deployer)
    rig.refresh()
    assert rig.execute_reason(id, act) == "bounds too tight"
    rig.must(rig.world.feeds[0], "set_answer", answer, sender=rig.deployer)
    for _ in range(5):
        rig.refresh()
    assert rig.execute_reason(id, act) is None


def test_a_bound_below_which_a_price_fell_is_lowered_with_a_price(rig):
    """A crash through `min`: the kind has failed, and comes back where the admin says."""
    price = rig.world.price(0)
    rig.enact(Act(rig.hub, "set_bounds", (0, price // 2, 2 * price)))
    answer = rig.world.feeds[0].read("latestRoundData")[1]
    rig.must(rig.world.feeds[0], "set_answer", answer // 10_000, sender=rig.deployer)
    act = Act(rig.hub, "set_bounds", (0, price // 100_000, 2 * price))
    rig.wait(61)
    rig.must(rig.hub, "poke", 1, sender=rig.stranger)
    id = rig.propose(act)
    rig.wait(STRUCTURE)
    rig.must(rig.world.feeds[0], "set_answer", answer // 10_000, sender=rig.deployer)
    assert rig.execute_reason(id, act) == "needs a price"
    assert rig.execute_reason(id, act, price // 9_000) == "price deviates"
    assert rig.execute_reason(id, act, price // 10_000) is None
    assert not rig.hub.read("words", 0) >> 248 & 1


def test_the_age_of_a_price(rig):
    present = rig.hub.read("config_of", 0)[1]
    for age, outcome in (
        (present, "nothing changes"),
        (2 * present, PARAMETER),
        (2 * present + 1, "step too large"),
        ((present + 1) // 2, PARAMETER),
        ((present - 1) // 2, "step too large"),
        (7 * DAY + 1, "out of bounds"),
        (59, "out of bounds"),
    ):
        check(rig, Act(rig.hub, "set_max_age", (0, age)), outcome)
    act = Act(rig.hub, "set_max_age", (0, (present + 1) // 2))
    id = rig.ready(act)
    rig.wait((present + 1) // 2)
    # it would fail the kind
    assert rig.execute_reason(id, act) == "price is stale"
    rig.refresh()
    assert rig.execute_reason(id, act) is None


@pytest.mark.parametrize(
    ("place", "values"),
    [
        (0, {2_083_333: MARGIN, 2_083_334: "step too large", 1_250_001: MARGIN,
             1: "out of bounds"}),
        (1, {416_666: MARGIN, 416_667: "step too large", 250_000: MARGIN, 1: "out of bounds"}),
        (2, {1_500: MARGIN, 1_550: "step too large", 500: MARGIN, 450: "step too large",
             50: "out of bounds"}),
        (3, {18_000_000: MARGIN, 18_000_001: "step too large", 12_000_000: MARGIN,
             11_999_999: "step too large", 999_999: "out of bounds"}),
    ],
)  # fmt: skip
def test_limits_move_by_small_steps(rig, place, values):
    present = [*rig.hub.read("config_of", 0)[2:], *rig.hub.read("limits_of", 0)[:2]]
    assert present == [1_666_667, 333_333, 1_000, 15_000_000]
    check(rig, Act(rig.hub, "set_limits", (0, *present)), "nothing changes")
    for value, outcome in values.items():
        limits = list(present)
        limits[place] = value
        check(rig, Act(rig.hub, "set_limits", (0, *limits)), outcome)


def test_a_fall_is_not_sped_up_while_it_lasts(rig):
    faster = Act(rig.hub, "set_limits", (0, 2_000_000, 333_333, 1_000, 15_000_000))
    id = rig.ready(faster)
    answer = rig.world.feeds[0].read("latestRoundData")[1]
    rig.must(rig.world.feeds[0], "set_answer", answer * 80 // 100, sender=rig.deployer)
    rig.wait(61)
    word = rig.hub.read("read_one", 0)
    assert word % 2**88 < word >> 88 & 2**88 - 1
    assert rig.execute_reason(id, faster) == "price is moving"
    for _ in range(5):
        rig.refresh()
    assert rig.execute_reason(id, faster) is None


def test_a_sequencers_feed_says_that_it_is_up(rig):
    feed = rig.deploy("MockAggregator", 0, 0)
    act = Act(rig.hub, "set_sequencer", (feed.address,))
    check(rig, Act(rig.hub, "set_sequencer", (rig.stranger,)), "no code")
    id = rig.ready(act)
    for answer, since in ((1, 1), (0, 0), (0, rig.now + 100)):
        rig.must(feed, "set_round", answer, since, 1, 1, sender=rig.deployer)
        assert rig.execute_reason(id, act) == "sequencer is down"
    rig.must(feed, "set_round", 0, 1, 1, 1, sender=rig.deployer)
    assert rig.execute_reason(id, act) is None
    check(rig, Act(rig.hub, "set_sequencer", (ZERO,)), STRUCTURE)


# listings


def test_what_is_listed_starts_small_and_within_the_limits(rig):
    vault = rig.vault.address

    def listing(**changes: Any) -> Act:
        fields = new_listing(rig)
        names = [
            "token", "decimals", "oracle", "expected_price", "max_age", "min_price", "max_price",
            "slew_down", "slew_up", "jump_bps", "sigma_ref", "initial_ltv", "maintenance_ltv",
            "close_out_ltv", "start_factor", "end_factor", "cap", "isolated",
        ]  # fmt: skip
        values = [changes.get(name, value) for name, value in zip(names, fields, strict=True)]
        return Act(rig.listings, "list", (changes.get("vault", vault), tuple(values)))

    assert isinstance(Listing("", ""), Listing)
    for changes, outcome in (
        ({}, STRUCTURE),
        ({"cap": 5_000 * WAD}, STRUCTURE),
        ({"cap": 5_000 * WAD + 10**15}, "step too large"),
        ({"cap": 2**128}, "cap too large"),
        ({"expected_price": 0}, "needs a price"),
        ({"expected_price": 2**88}, "needs a price"),
        ({"decimals": 5}, "out of bounds"),
        ({"decimals": 19}, "out of bounds"),
        ({"slew_down": 3_333_334}, "out of bounds"),
        ({"slew_up": 33_332}, "out of bounds"),
        ({"jump_bps": 5_050}, "out of bounds"),
        ({"sigma_ref": 999_999}, "out of bounds"),
        ({"initial_ltv": 8_000}, "bad levels"),
        ({"start_factor": 9_999}, "bad factors"),
        ({"token": rig.stranger}, "no code"),
        ({"oracle": ZERO}, "no code"),
        ({"vault": rig.coin.address}, "not a vault"),
        ({"vault": ZERO}, "not a vault"),
    ):
        check(rig, listing(**changes), outcome)


def test_a_listing_after_three_days_at_the_price_of_then(rig):
    """The market has moved by a third: the admin says so, and by no more than a factor of two."""
    fields = new_listing(rig)
    act = Act(rig.listings, "list", (rig.vault.address, fields))
    id = rig.propose(act)
    rig.wait(STRUCTURE)
    oracle, price = rig.oracles[-1]
    rig.oracles[-1] = (oracle, price * 4 // 3)
    rig.refresh()
    assert rig.execute_reason(id, act) == "price deviates"  # by Listings
    assert rig.execute_reason(id, act, price * 4 // 3, rig.stranger) == "not admin"
    assert rig.execute_reason(id, act, 2 * price + 1) == "price deviates"
    assert rig.execute_reason(id, act, price // 2 - 1) == "price deviates"
    assert rig.execute_reason(id, act, price * 12 // 10) == "price deviates"
    assert rig.execute_reason(id, act, price * 4 // 3) is None
    kind = rig.hub.read("kind_count") - 1
    assert rig.world.price(kind) == price * 4 // 3
    assert rig.vault.read("collateral", kind) % 2**160 == int(fields[0], 16)


def test_a_price_is_given_only_where_one_is_expected(rig):
    acts = [
        Act(rig.vault, "set_cap", (0, 2 * CAP)),
        Act(rig.hub, "set_sequencer", (ZERO,)),
        Act(rig.gov, "set_guardian", (rig.next,)),
        Act(rig.settlement, "shutdown", (rig.vault.address,)),
    ]
    ids = [rig.propose(act) for act in acts]
    rig.wait(STRUCTURE)
    for id, act in zip(ids, acts, strict=True):
        assert rig.execute_reason(id, act, WAD) == "no price expected"


# fund, peg, models, settlement


def test_steps_of_the_fund(rig):
    duration, start, end, buffer = (
        rig.fund.read(name)
        for name in ("auction_duration", "start_factor", "end_factor", "buffer_bps")
    )
    for args, outcome in (
        ((duration, start, end), "nothing changes"),
        ((2 * duration, start + 100, end - 100), PARAMETER),
        ((2 * duration + 1, start, end), "step too large"),
        ((duration // 2, start, end), PARAMETER),
        ((duration // 2 - 1, start, end), "step too large"),
        ((duration, start + 101, end), "step too large"),
        ((duration, start, end - 101), "step too large"),
        ((2**256 - 1, start, end), "step too large"),
    ):
        check(rig, Act(rig.fund, "set_auction", args), outcome)
    for bps, outcome in (
        (buffer, "nothing changes"),
        (buffer + 100, PARAMETER),
        (buffer + 101, "step too large"),
        (2**256 - 1, "step too large"),
    ):
        check(rig, Act(rig.fund, "set_buffer", (bps,)), outcome)
    check(rig, Act(rig.fund, "set_treasury", (ZERO,)), "the zero address")
    for fn in ("add_book", "accept_book"):
        check(rig, Act(rig.fund, fn, (rig.peg.address,)), "not a vault")
        check(rig, Act(rig.fund, fn, (stray(rig),)), "not a vault")
    check(rig, Act(rig.fund, "add_reserve", (rig.vault.address,)), "not a peg")
    check(rig, Act(rig.fund, "add_reserve", (rig.stranger,)), "not a peg")


def test_steps_of_a_peg(rig):
    assert [rig.peg.read(n) for n in ("mint_fee_bps", "redeem_fee_bps")] == [10, 10]
    guard = rig.peg.read("guard_price")
    for args, outcome in (
        ((10, 10), "nothing changes"),
        ((35, 0), PARAMETER),
        ((36, 10), "step too large"),
        ((10, 36), "step too large"),
    ):
        check(rig, Act(rig.peg, "set_fees", args), outcome)
    for price, outcome in (
        (guard, "nothing changes"),
        (guard + WAD // 100, PARAMETER),
        (guard - WAD // 100, PARAMETER),
        (guard - WAD // 100 - 1, "step too large"),
        (WAD + 1, "out of bounds"),
        (9 * WAD // 10 - 1, "out of bounds"),
    ):
        check(rig, Act(rig.peg, "set_guard", (price,)), outcome)


def test_a_margin_model_is_registered_and_governed_by_nobody_else(rig):
    """The setters of a model act at once; under this governor they have no rule."""
    model = rig.deploy("TieredMargin", rig.deployer)
    act = Act(rig.models, "list_model", (SLOT, model.address))
    check(rig, act, "not a model")
    rig.enact(Act(rig.gov, "register", (model.address, 9)))
    id = rig.propose(act)
    rig.wait(STRUCTURE)
    assert rig.execute_reason(id, act) == "governed by another"
    rig.hand_over(model)
    assert rig.execute_reason(id, act) is None
    setters = (
        model.encode("set_brackets", 0, [], [1]),
        model.encode("set_scale", 0, 0, 1, 1),
    )
    for data in setters:
        args = (model.address, data)
        assert rig.reason(rig.gov, "propose", *args, sender=rig.admin) == "no rule"
        assert rig.reason(rig.gov, "tighten", *args, sender=rig.admin) == "no rule"
    # one without parameters has no governor to ask for
    plain = rig.deploy("MockModel")
    rig.enact(Act(rig.gov, "register", (plain.address, 9)))
    rig.enact(Act(rig.models, "list_model", (SLOT + 1, plain.address)))
    check(rig, Act(rig.models, "list_model", (256, plain.address)), "unknown model")
    check(rig, Act(rig.models, "list_model", (SLOT, rig.vault.address)), "not a model")
    check(rig, Act(rig.models, "use_default", (rig.vault.address, False)), "nothing changes")
    check(rig, Act(rig.models, "use_default", (rig.stranger, True)), "not a vault")


def test_a_slot_that_fades_is_left_alone(rig):
    first = Act(rig.models, "list_model", (CHOSEN, rig.tiered[1].address))
    rig.enact(first)
    back = Act(rig.models, "list_model", (CHOSEN, rig.tiered[0].address))
    id = rig.propose(back)
    rig.wait(STRUCTURE)
    assert rig.execute_reason(id, back) == "still fading"
    rig.wait(4 * DAY)
    assert rig.execute_reason(id, back) is None
    assert margin_math.faded_up(0, 7, 7, 7) == 7


def test_a_shutdown_is_of_a_vault_by_its_settlement(rig):
    other = rig.deploy("Settlement")
    rig.enact(Act(rig.gov, "register", (other.address, 7)))
    shutdown = Act(other, "shutdown", (rig.vault.address,))
    check(rig, shutdown, "not its settlement")
    check(rig, Act(rig.settlement, "shutdown", (rig.coin.address,)), "not a vault")
    good = Act(rig.settlement, "shutdown", (rig.vault.address,))
    again = rig.propose(good)
    rig.enact(good, sender=rig.admin)
    rig.wait(DAY)
    assert rig.execute_reason(again, good, sender=rig.admin) not in (None, "not admin")
    assert rig.vault.read("totals") >> 152 & 63 == 63


def test_roles(rig):
    some = stray(rig)
    for target, role, outcome in (
        (some, 1, STRUCTURE),
        (some, 9, STRUCTURE),
        (some, 0, "bad role"),
        (some, 10, "bad role"),
        (some, 2**256 - 1, "bad role"),
        (rig.stranger, 3, "no code"),
        (ZERO, 3, "no code"),
        (rig.vault.address, 1, "already registered"),
        (rig.gov.address, 9, "already registered"),
    ):
        check(rig, Act(rig.gov, "register", (target, role)), outcome)
    check(rig, Act(rig.gov, "set_guardian", (ZERO,)), "the zero address")
    for bit in (0, 3, 32, 64, 2**255):
        args = (rig.vault.address, bit, True)
        check(rig, Act(rig.gov, "set_pause", args), "bad pauses")


# the moment of an act


def test_a_shutdown_is_executed_by_the_admin(rig):
    """Whoever else chose the moment would borrow before it and settle after it, in one go."""
    act = Act(rig.settlement, "shutdown", (rig.vault.address,))
    id = rig.ready(act)
    for who in (rig.stranger, rig.guardian, rig.owner):
        assert rig.execute_reason(id, act, sender=who) == "not admin"
    assert rig.execute_reason(id, act, sender=rig.admin) is None


def test_a_sequencers_feed_is_taken_away_by_the_admin(rig):
    """While it says down every price has failed: all come back wherever they are by then."""
    first, second = (rig.deploy("MockUptimeFeed") for _ in range(2))
    for feed in (first, second):
        rig.must(feed, "set_status", 0, rig.now - 10**6, sender=rig.deployer)
    rig.enact(Act(rig.hub, "set_sequencer", (first.address,)))
    acts = [Act(rig.hub, "set_sequencer", (to,)) for to in (ZERO, second.address)]
    ids = [rig.propose(act) for act in acts]
    rig.wait(STRUCTURE)
    rig.must(first, "set_status", 1, rig.now, sender=rig.deployer)
    rig.must(second, "set_status", 0, rig.now - 10**6, sender=rig.deployer)
    for id, act in zip(ids, acts, strict=True):
        with rig.snapshot():
            assert rig.execute_reason(id, act) == "not admin"
            assert rig.execute_reason(id, act, sender=rig.guardian) == "not admin"
            assert rig.execute_reason(id, act, sender=rig.admin) is None


def test_a_kind_with_a_dead_feed_below_its_bounds_is_priced_again(rig):
    """First the bounds, by the admin, which brings nothing back; then an oracle that answers."""
    price = rig.world.price(0)
    now = price // 400  # below `min`
    rig.enact(Act(rig.hub, "set_bounds", (0, price // 20, 2 * price)))
    oracle = rig.deploy("MockOracle", now)
    rig.oracles.append((oracle, now))
    fail(rig)
    bounds = Act(rig.hub, "set_bounds", (0, price // 4_000, 2 * price))
    feed = Act(rig.hub, "set_oracle", (0, oracle.address))
    id, other = rig.propose(bounds), rig.propose(feed)
    rig.wait(STRUCTURE)
    rig.must(oracle, "set_report", now, rig.now, sender=rig.deployer)
    assert rig.execute_reason(other, feed, now) is not None
    assert rig.execute_reason(id, bounds) == "needs a price"
    assert rig.execute_reason(id, bounds, now, rig.stranger) == "not admin"
    assert rig.execute_reason(id, bounds, price // 4_000 - 1) == "needs a price"
    assert rig.execute_reason(id, bounds, 2 * price + 1) == "needs a price"
    assert rig.execute_reason(id, bounds, now) is None
    assert rig.hub.read("words", 0) >> 248 & 1  # still failed
    assert rig.execute_reason(other, feed, now * 2) == "price deviates"
    assert rig.execute_reason(other, feed, now) is None
    assert not rig.hub.read("words", 0) >> 248 & 1


def test_a_lower_sigma_is_judged_with_the_sample_that_is_due(rig):
    """The market has fallen within the hour, `hi` has followed, and no sample has been taken."""
    act = Act(rig.hub, "set_limits", (0, 1_666_667, 333_333, 1_000, 12_000_000))
    id = rig.ready(act)
    answer = rig.world.feeds[0].read("latestRoundData")[1]
    with rig.snapshot():
        assert rig.execute_reason(id, act) is None
    for _ in range(40):
        rig.wait(3_600)
        rig.refresh()
    rig.must(rig.world.feeds[0], "set_answer", answer * 914 // 1_000, sender=rig.deployer)
    for _ in range(5):
        rig.refresh()
    before = rig.hub.read("volatility_of", 0)
    assert before[0] == 0
    assert rig.now - before[2] < 3_600
    assert rig.execute_reason(id, act) == "step too large"


def test_only_a_minter_that_is_governed_here_is_retired(rig):
    """Retiring sets a ceiling: it would make a stranger a minter, which burns anybody's coins."""
    check(rig, Act(rig.gov, "retire", (rig.second.address,)), "not a minter")
    assert not rig.coin.read("is_minter", rig.second.address)
    rig.enact(Act(rig.coin, "set_ceiling", (rig.second.address, 0)))
    check(rig, Act(rig.gov, "retire", (rig.second.address,)), STRUCTURE)
    other = rig.deploy("Stablecoin", "Other", "OTH", rig.deployer)
    book = rig.deploy(
        "Vault", rig.deployer, other.address, rig.hub.address, rig.world.operators.address,
        rig.models.address, ZERO, *rig.world.book.numbers,
    )  # fmt: skip
    rig.enact(Act(rig.gov, "register", (book.address, 3)))
    check(rig, Act(rig.gov, "retire", (book.address,)), "not registered")


def test_a_reserve_is_removed_with_its_ceiling_and_its_coins_gone(rig):
    """Not while a price of 0 says that nothing backs them, nor while the guardian holds it down."""
    peg, token = rig.peg.address, rig.world.tokens[2]
    rig.enact(Act(rig.coin, "set_ceiling", (peg, FRESH)))
    rig.enact(Act(rig.fund, "add_reserve", (peg,)))
    rig.world.give(rig.owner, 2, 10**9)
    rig.must(token, "approve", peg, 10**9, sender=rig.owner)
    rig.refresh()
    rig.must(rig.peg, "mint", 10**9, rig.owner, sender=rig.owner)
    act = Act(rig.fund, "remove_reserve", (peg,))
    id = rig.ready(act)
    assert rig.execute_reason(id, act) == "may still mint"
    assert rig.tighten_reason(Act(rig.coin, "set_ceiling", (peg, 0))) is None
    assert rig.execute_reason(id, act) == "may still mint"
    key = rig.preview(Act(rig.coin, "set_ceiling", (peg, 1)))[1]
    rig.must(rig.gov, "keep", key, sender=rig.admin)
    assert rig.execute_reason(id, act) == "coins outstanding"
    fail(rig, 2)
    assert rig.peg.read("backing") == 0
    assert rig.execute_reason(id, act) == "coins outstanding"
    rig.must(rig.peg, "redeem", rig.coin.read("minted", peg), rig.stranger, sender=rig.owner)
    assert rig.coin.read("minted", peg) == 0 != rig.peg.read("reserve_held")
    assert rig.execute_reason(id, act) is None
    assert peg not in rig.fund.read("reserves")


def test_a_listings_price_may_be_as_old_as_governance_can_set(rig):
    """Older than 7 days and no later change could reach it: each is by a factor of two, inside."""
    for age, outcome in ((59, "out of bounds"), (60, STRUCTURE), (7 * DAY, STRUCTURE),
                         (7 * DAY + 1, "out of bounds")):  # fmt: skip
        fields = list(new_listing(rig))
        fields[4] = age
        check(rig, Act(rig.listings, "list", (rig.vault.address, tuple(fields))), outcome)
