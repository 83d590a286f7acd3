# SPDX-License-Identifier: MIT
"""What is done, in which order, with how much; and what is left alone and why."""

from __future__ import annotations

import pytest

from surety.keeper.explain import why
from surety.keeper.profit import GasCosts, Ladder, Quotes, net_of_call, net_of_take
from surety.keeper.strategy import Absorb, MarginCall, Policy, Take, plan, tip_of
from surety.keeper.words import MAX_UINT256
from tests.keeper.cases import NOW, PARAMS, WAD, account, config, price, view, word

CHEAP = GasCosts(gas_price=10**9, native_price=2_000 * WAD)
RICH = 10**9 * WAD


def market(unit: int, most: int = 10**9 * WAD, slippage_bps: int = 0) -> Quotes:
    """A market without depth limits that pays `unit` coins a whole token of kind 0."""
    return Quotes({0: Ladder(((most, most * unit),))}, slippage_bps)


def only(found):
    assert len(found.intents) == 1, found
    return found.intents[0]


def test_callable_account_is_called_whether_it_pays_or_not() -> None:
    at = view()
    poor = GasCosts(gas_price=10**12, native_price=2_000 * WAD)
    subject = account(at, 8_001 * WAD, {0: 10 * WAD})
    intent = only(plan([subject], at, 0, Quotes(), poor, Policy()))
    assert isinstance(intent, MarginCall)
    assert (intent.tip, intent.immediate) == (5 * WAD, False)
    assert intent.profit == 5 * WAD - 110_000 * 2_000 * 10**12
    refused = plan([subject], at, 0, Quotes(), poor, Policy(call_at_loss=False))
    assert [skip.reason for skip in refused.skips] == ["tip below gas"]
    assert only(plan([subject], at, 0, Quotes(), CHEAP, Policy(call_at_loss=False)))


def test_called_account_below_close_out_is_called_again_at_once() -> None:
    at = view()
    deep = account(at, 8_501 * WAD, {0: 10 * WAD}, clock=NOW + 100)
    intent = only(plan([deep], at, 0, Quotes(), CHEAP, Policy()))
    assert isinstance(intent, MarginCall)
    assert intent.immediate
    assert intent.tip == 0
    shallow = account(at, 8_500 * WAD, {0: 10 * WAD}, clock=NOW + 100)
    assert plan([shallow], at, 0, Quotes(), CHEAP, Policy()).intents == ()
    # it would be too late, and opens anyway
    for left, called in ((24, False), (25, True)):
        soon = account(at, 8_501 * WAD, {0: 10 * WAD}, clock=NOW + left)
        assert bool(plan([soon], at, 0, Quotes(), CHEAP, Policy()).intents) is called
    # while takes are held back nothing is gained by calling again
    held = view(take_resumes_at=NOW + 500)
    deep = account(held, 8_501 * WAD, {0: 10 * WAD}, clock=NOW + 100)
    assert plan([deep], held, 0, Quotes(), CHEAP, Policy()).intents == ()


def test_tip_is_paid_once_an_episode_and_never_over_close_out() -> None:
    at = view()
    assert tip_of(account(at, 8_001 * WAD, {0: 10 * WAD}), at) == 5 * WAD
    assert tip_of(account(at, 1_000 * WAD, {0: WAD}), at) == 0
    assert tip_of(account(at, 8_499 * WAD, {0: 10 * WAD}), at) == 0
    within = NOW - 7_200 - PARAMS.call_cool_down
    assert tip_of(account(at, 8_001 * WAD, {0: 10 * WAD}, clock=within), at) == 0
    assert tip_of(account(at, 8_001 * WAD, {0: 10 * WAD}, clock=within - 1), at) == 5 * WAD


def test_absorbable_account_is_absorbed_unless_its_price_is_in_doubt() -> None:
    at = view()
    subject = account(at, 9_000 * WAD, {0: 10 * WAD}, clock=NOW - 7_201)
    intent = only(plan([subject], at, 0, Quotes(), CHEAP, Policy()))
    assert isinstance(intent, Absorb)
    assert intent.expected_loss == 200 * WAD
    assert plan([subject], at, 0, Quotes(), CHEAP, Policy(absorb_at_loss=False)).intents == ()
    for flags, reason in ((1, "price failed"), (2, "price confirming")):
        doubtful = view(prices={0: price(1_000, flags=flags)})
        subject = account(doubtful, 9_000 * WAD, {0: 10 * WAD}, clock=NOW - 7_201)
        found = plan([subject], doubtful, 0, Quotes(), CHEAP, Policy())
        assert [skip.reason for skip in found.skips] == [reason]


def test_confirming_price_opens_no_auction_at_once() -> None:
    sure, doubtful = view(), view(prices={0: price(1_000, flags=2)})
    for at, immediate in ((sure, True), (doubtful, False)):
        deep = account(at, 8_501 * WAD, {0: 10 * WAD})
        assert only(plan([deep], at, 0, Quotes(), CHEAP, Policy())).immediate is immediate
        called = account(at, 8_501 * WAD, {0: 10 * WAD}, clock=NOW + 100)
        again = plan([called], at, 0, Quotes(), CHEAP, Policy()).intents
        assert bool(again) is immediate
    # one kind in doubt is enough, and a running auction sells on
    both = view({0: price(1_000), 1: price(1_000, flags=2)}, {0: config(), 1: config(1)})
    deep = account(both, 17_001 * WAD, {0: 10 * WAD, 1: 10 * WAD})
    assert not only(plan([deep], both, 0, Quotes(), CHEAP, Policy())).immediate
    running = account(doubtful, 9_000 * WAD, {0: 10 * WAD}, clock=NOW - 3_600)
    assert isinstance(only(plan([running], doubtful, RICH, market(2_000), CHEAP, Policy())), Take)


def test_what_is_in_doubt_is_named() -> None:
    balances = {0: 10 * WAD}

    def said(flags: int, debt: int, clock: int) -> str:
        at = view(prices={0: price(1_000, flags=flags)})
        return why(account(at, debt * WAD, balances, clock=clock), at)

    assert said(0, 8_501, 0).endswith("its auction would open at once")
    doubt = "the price of kind 0 is confirming"
    assert said(2, 8_501, 0).endswith(f"a grace period starts, since {doubt}")
    assert said(2, 8_500, 0).endswith("a grace period starts")
    assert said(0, 8_501, NOW + 100).endswith("it may be opened now")
    assert said(2, 8_501, NOW + 100).endswith(f"below close-out, but {doubt}")
    ended = NOW - 7_201
    assert said(0, 9_000, ended).endswith("it is to be absorbed")
    assert said(2, 9_000, ended).endswith(f"it is to be absorbed, but {doubt}")
    assert said(1, 9_000, ended).endswith("but the price of kind 0 has failed")
    assert said(3, 9_000, ended).endswith("but the price of kind 0 has failed")


def test_pauses_are_respected() -> None:
    calling = view(pauses=4)
    subject = account(calling, 8_001 * WAD, {0: 10 * WAD})
    assert (
        plan([subject], calling, 0, Quotes(), CHEAP, Policy()).skips[0].reason == "calling paused"
    )
    taking = view(pauses=8, take_resumes_at=NOW + 1)
    open_again = view(pauses=8, take_resumes_at=NOW)
    running = account(open_again, 8_001 * WAD, {0: 10 * WAD}, clock=NOW)
    found = plan([running], taking, RICH, market(2_000), CHEAP, Policy())
    assert {skip.reason for skip in found.skips} == {"taking paused"}
    assert plan([running], open_again, RICH, market(2_000), CHEAP, Policy()).intents
    ended = account(view(), 9_000 * WAD, {0: 10 * WAD}, clock=NOW - 7_201, number=8)
    found = plan([ended], taking, RICH, market(2_000), CHEAP, Policy())
    assert {skip.reason for skip in found.skips} == {"taking paused"}


def test_a_whole_lot_is_asked_for_without_a_number() -> None:
    """A deposit of one unit before the take must not turn the lot into a part that leaves dust."""
    at = view()
    subject = account(at, 9_500 * WAD, {0: 9 * WAD}, clock=NOW - 7_000)
    intent = only(plan([subject], at, RICH, market(2_000), CHEAP, Policy()))
    assert intent.size.amount == 9 * WAD
    assert intent.amount == MAX_UINT256
    assert intent.reserved >= intent.size.cost
    short = intent.size.cost  # nothing to spare: the amount stays what the purse can pay
    intent = only(plan([subject], at, short, market(2_000), CHEAP, Policy()))
    assert intent.amount == 9 * WAD


@pytest.mark.parametrize(
    ("quotes", "gas", "purse", "reason"),
    [
        (Quotes(), CHEAP, RICH, "no price source"),
        (market(1_100), GasCosts(10**9, None), RICH, "no price source"),
        (market(1_010), CHEAP, RICH, "not profitable yet"),
        (market(1_011), GasCosts(10**13, 2_000 * WAD), RICH, "not profitable yet"),
        (market(1_100), CHEAP, 0, "purse too small"),
    ],
)
def test_take_that_does_not_pay_is_not_sent(quotes, gas, purse, reason) -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    found = plan([subject], at, purse, quotes, gas, Policy())
    assert found.intents == ()
    assert [skip.reason for skip in found.skips] == [reason]


def test_take_that_pays_is_sized_priced_and_has_headroom() -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    intent = only(plan([subject], at, RICH, market(1_020), CHEAP, Policy()))
    assert isinstance(intent, Take)
    assert intent.max_price == 1_010 * WAD
    assert intent.amount == -(-intent.size.amount * 10_200 // 10_000)
    assert intent.reserved == intent.amount * 1_010
    revenue = intent.size.amount * 1_020
    assert intent.profit == revenue - intent.size.cost - 290_000 * 10**9 * 2_000


def test_slippage_counts_against_a_take() -> None:
    at = view()
    subject = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW)
    assert plan([subject], at, RICH, market(1_020), CHEAP, Policy()).intents
    assert not plan([subject], at, RICH, market(1_020, slippage_bps=100), CHEAP, Policy()).intents


def test_purse_is_spent_on_the_worst_account_first_and_never_twice() -> None:
    at = view()
    mild = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW - 3_600, number=1)
    bad = account(at, 9_500 * WAD, {0: 10 * WAD}, clock=NOW - 3_600, number=2)
    found = plan([mild, bad], at, 6_000 * WAD, market(1_000), CHEAP, Policy())
    takes = [intent for intent in found.intents if isinstance(intent, Take)]
    assert takes[0].account == 2
    assert sum(take.reserved for take in takes) <= 6_000 * WAD
    assert all(take.amount * take.max_price <= take.reserved * WAD for take in takes)


def test_the_kind_that_pays_best_is_taken() -> None:
    at = view(prices={0: price(1_000), 1: price(1_000)}, configs={0: config(), 1: config(1)})
    subject = account(at, 16_400 * WAD, {0: 10 * WAD, 1: 10 * WAD}, clock=NOW)
    ladders = {
        0: Ladder(((10**9 * WAD, 1_012 * 10**9 * WAD),)),
        1: Ladder(((10**9 * WAD, 1_030 * 10**9 * WAD),)),
    }
    intent = only(plan([subject], at, RICH, Quotes(ladders, 0), CHEAP, Policy()))
    assert isinstance(intent, Take)
    assert intent.size.kind == 1


def test_earlier_sales_press_the_price_for_later_takes() -> None:
    at = view()
    first = account(at, 9_500 * WAD, {0: 10 * WAD}, clock=NOW, number=1)
    second = account(at, 8_100 * WAD, {0: 10 * WAD}, clock=NOW, number=2)
    shallow = Quotes({0: Ladder(((10 * WAD, 10_300 * WAD), (40 * WAD, 10_400 * WAD)))}, 0)
    found = plan([first, second], at, RICH, shallow, CHEAP, Policy())
    assert [intent.account for intent in found.intents] == [1]
    assert [(skip.account, skip.reason) for skip in found.skips] == [(2, "not profitable yet")]
    alone = plan([second], at, RICH, shallow, CHEAP, Policy())
    assert [intent.account for intent in alone.intents] == [2]
    waiting = plan([second], at, RICH, shallow, CHEAP, Policy(), already={0: 10 * WAD})
    assert waiting.intents == ()


def test_worst_comes_first_over_all_kinds_of_intents() -> None:
    at = view()
    subjects = [
        account(at, 8_001 * WAD, {0: 10 * WAD}, number=1),
        account(at, 9_300 * WAD, {0: 10 * WAD}, number=2, touched=NOW),
        account(at, 9_000 * WAD, {0: 10 * WAD}, clock=NOW - 7_201, number=3),
        account(at, 8_400 * WAD, {0: 10 * WAD}, number=4),
    ]
    found = plan(subjects, at, 0, Quotes(), CHEAP, Policy())
    assert [intent.account for intent in found.intents] == [2, 3, 4, 1]


def test_more_than_one_block_can_hold_is_put_off_not_dropped() -> None:
    at = view()
    subjects = [account(at, (8_001 + n) * WAD, {0: 10 * WAD}, number=n) for n in range(5)]
    found = plan(subjects, at, 0, Quotes(), CHEAP, Policy(max_intents=2))
    assert [intent.account for intent in found.intents] == [4, 3]
    assert {skip.account for skip in found.skips} == {0, 1, 2}


def test_poison_account_stops_no_other() -> None:
    huge = 2**250
    at = view(prices={0: price(1_000, hi=huge)})
    sound = view()
    poison = account(sound, 8_001 * WAD, {0: 10 * WAD}, clock=NOW, number=1)
    bad_term = poison.terms[0].__class__(
        **{name: getattr(poison.terms[0], name) for name in poison.terms[0].__slots__}
        | {"price": at.prices[0]}
    )
    poisoned = poison.__class__(
        **{name: getattr(poison, name) for name in poison.__slots__} | {"terms": (bad_term,)}
    )
    good = account(sound, 8_001 * WAD, {0: 10 * WAD}, number=2)
    found = plan([poisoned, good], sound, RICH, market(1_020), CHEAP, Policy())
    assert [intent.account for intent in found.intents] == [2]
    assert [skip.account for skip in found.skips] == [1]
    assert word(1) & 1


def test_ladder_interpolates_downwards_and_knows_its_end() -> None:
    ladder = Ladder(((10, 100), (20, 150)))
    assert [ladder.coins_down(n) for n in (0, 5, 10, 15, 20)] == [0, 50, 100, 125, 150]
    assert ladder.coins_down(21) is None
    quotes = Quotes({0: ladder}, 1_000)
    assert quotes.coins_down(0, 10, already=10) == 45
    assert quotes.coins_down(1, 1) is None
    assert quotes.coins_down(0, 15, already=10) is None


def test_net_is_unknown_without_prices() -> None:
    assert net_of_call(WAD, GasCosts(1, None)) is None
    assert net_of_take(0, 1, 1, Quotes(), CHEAP) is None
    assert (
        net_of_call(WAD, GasCosts(10**9, 2_000 * WAD, margin_call=100_000)) == WAD - 2 * WAD // 10
    )
