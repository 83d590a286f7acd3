# SPDX-License-Identifier: MIT
"""Every invariant can fail: each is shown a step on which it must, made of a real one by one lie.

Campaigns run until every rule has met a step that suits its lie. The rule acquits the true step,
and must convict the forged one: a rule that nothing can break would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from surety.model import Guard, Price
from surety.model.state import BPS, CONFIRMING, FAILED
from tests.stateful import invariants
from tests.stateful.driver import Campaign
from tests.stateful.invariants import BY_GOVERNOR, CALLS, LIQUIDATION, Step, judge, losses_of
from tests.stateful.node import RevmNode
from tests.stateful.prices import PriceStep
from tests.stateful.rules import PRICE_RULES, PROBES, STEP_RULES, cases, every_rule
from tests.stateful.scene import PRICES, Setup
from tests.stateful.test_campaign import L2
from tests.stateful.tokens import WaryBook
from tests.world import GENESIS, WAD

MOST = 2_600  # steps of a campaign in which every rule must have met its lie
Lie = Callable[[Step], "Step | None"]


# how a step is forged


def forged(step: Step, change: Callable[[Any], None]) -> Step:
    """Return a step after which the system was changed by one lie."""
    then = step.then.copy()
    then.logs, then.returned = list(step.then.logs), step.then.returned
    then.book.logs = [(name, dict(args)) for name, args in step.after.logs]
    change(then)
    return Step(step.scene, step.move, replace(step.outcome, then=then, after=then.book))


def on_chain(step: Step, name: str, by: int) -> Step:
    """Return a step after which one word of the chain is another one, by exclusive or."""
    scene = copy(step.scene)
    scene.found = list(scene.found)
    scene.found[scene.places[name]] ^= by
    return Step(scene, step.move, step.outcome)


def logged(step: Step, event: str, **args: int) -> Step | None:
    """Return a step that logged something else, of the vault, the fund or the settlement."""

    def lie(then: Any) -> None:
        for name, told in then.book.logs:
            if name == event:
                told.update(args)
        then.logs = [
            (part, name, {**told, **args} if name == event else told)
            for part, name, told in then.logs
        ]

    names = {name for name, _ in step.after.logs} | {name for _, name, _ in step.then.logs}
    return forged(step, lie) if event in names else None


def owing(step: Step) -> list[int]:
    """Return the accounts that the step changed and that owe something."""
    return [id for id in step.touched() if step.after.positions[id].normalized_debt]


# the lies, by the names of the rules


def i01_collateral_sums(step: Step) -> Step:
    return on_chain(step, "deposited[0]", 1)


def i02_masks(step: Step) -> Step | None:
    ids = step.touched()
    return on_chain(step, f"accounts[{ids[0]:#x}]", 1 << 104 + 20) if ids else None


def i03_collateral_leaves_by_four_doors(step: Step) -> Step | None:
    held = [id for id in step.scene.ids if step.before.positions[id].balances]
    if step.move.what not in ("repay", "deposit") or not held:
        return None

    def lie(then: Any) -> None:
        balances = then.book.positions[held[0]].balances
        balances.clear()

    return forged(step, lie)


def i04_liquidation_is_local(step: Step) -> Step | None:
    if step.move.what not in LIQUIDATION:
        return None
    called = step.move.args[0]
    ids = (
        {called}
        if isinstance(called, int)
        else {*called, *(order[0] for order in called if not isinstance(order, int))}
    )
    other = next(id for id in step.scene.ids if id not in ids)

    def lie(then: Any) -> None:
        then.book.positions[other].normalized_debt += 1

    return forged(step, lie)


def i05_debts_sum_up(step: Step) -> Step:
    return on_chain(step, "totals", 1)


def i06_index_rises(step: Step) -> Step:
    def lie(then: Any) -> None:
        then.book.index = step.before.index - 1

    return forged(step, lie)


def i07_no_debt_without_collateral(step: Step) -> Step | None:
    ids = owing(step)
    if not ids:
        return None
    return on_chain(step, f"accounts[{ids[0]:#x}]", step.after.positions[ids[0]].mask << 104)


def i08_debt_floor(step: Step) -> Step | None:
    floor = step.before.rules.debt_floor
    if (
        step.move.what != "repay"
        or not owing(step)
        or (step.before.debt(step.account, step.now) < floor)
    ):
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].normalized_debt = 1

    return forged(step, lie)


def minting(step: Step, extra: int) -> Step:
    """Return a step in which somebody minted more than the debt rose by."""

    def lie(then: Any) -> None:
        then.coin.minted[next(iter(then.coin.minted))] += extra

    return forged(step, lie)


def gain(step: Step) -> int:
    return int(step.then.equity(step.now) - step.was.equity(step.now))


def i10_rounding_is_for_the_protocol(step: Step) -> Step | None:
    return None if losses_of(step) else minting(step, gain(step) + 1)


def i25_equity_falls_only_by_losses(step: Step) -> Step:
    return minting(step, gain(step) + losses_of(step) + 1)


def levels_of(step: Step, **levels: int) -> Step | None:
    """Return a step after which every kind has other levels."""
    if not owing(step):
        return None

    def lie(then: Any) -> None:
        for kind, facts in then.book.kinds.items():
            then.book.kinds[kind] = replace(facts, **levels)

    return forged(step, lie)


def i11_levels_are_nested(step: Step) -> Step | None:
    return levels_of(step, close_out_ltv=1)


def i12_no_multiplier_calls_who_is_within_target(step: Step) -> Step | None:
    return levels_of(step, close_out_ltv=1)


def dearer(step: Step) -> Step | None:
    """Return a call of somebody whose collateral was worth a hundred times as much."""
    clocks = [(one.positions[step.account].auction_start) for one in (step.before, step.after)] if (
        step.move.what == "margin_call"
    ) else [0, 0]  # fmt: skip
    if clocks[0] or not clocks[1]:
        return None

    def lie(then: Any) -> None:
        prices = then.book.hub.prices
        for kind, price in list(prices.items()):
            prices[kind] = replace(price, hi=price.hi * 100)

    return forged(step, lie)


i12_target_is_safe = i17_only_the_uncovered_get_a_clock = dearer


def i13_risk_needs_the_initial_level(step: Step) -> Step | None:
    if step.move.what != "borrow":
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].normalized_debt *= 3

    return forged(step, lie)


def i14_only_who_may_lowers_an_account(step: Step) -> Step | None:
    others = [id for id in step.scene.ids if not step.before.is_authorised(step.move.who, id)]
    if step.move.what != "coin.transfer":
        return None

    def lie(then: Any) -> None:
        then.book.positions[others[0]].normalized_debt += 1

    return forged(step, lie)


class Perverse(WaryBook):
    """A book in which more collateral supports less debt."""

    __slots__ = ()

    def levels(self, account: int, now: int) -> Any:
        held = sum(self.positions[account].balances.values())
        return replace(WaryBook.levels(self, account, now), maintenance=10**60 - held)


def i15_more_collateral_adds_capacity(step: Step) -> Step | None:
    if not step.after.positions[step.one_more()].balances:
        return None

    def lie(then: Any) -> None:
        then.book.__class__ = Perverse

    return forged(step, lie)


def i16_states_are_those_of_the_table(step: Step) -> Step | None:
    """A clock that ran out long ago makes an account callable, which the lens calls called."""
    ids = step.touched()
    if step.move.what not in CALLS or len(step.scene.moves) < 3:
        return None
    levels = step.after.levels(ids[0], step.now)
    if levels.debt <= levels.maintenance or not step.after.positions[ids[0]].auction_start:
        return None

    def lie(then: Any) -> None:
        then.book.positions[ids[0]].auction_start = 1

    return forged(step, lie)


def i18_a_running_clock_stays(step: Step) -> Step | None:
    if step.move.what != "take":
        return None
    was, now = (one.positions[step.account].auction_start for one in (step.before, step.after))
    if not was or was != now or step.opens(step.account) == step.now:
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].auction_start = step.now

    return forged(step, lie)


def i19_sales_are_in_time_and_fair(step: Step) -> Step | None:
    return logged(step, "Taken", price=0)


def i20_takes_stop_at_target(step: Step) -> Step | None:
    if step.move.what != "take" or not owing(step):
        return None
    if not step.after.positions[step.account].balance(step.move.args[1]):
        return None
    if step.after.levels(step.account, step.now).target < 10 * WAD:
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].normalized_debt = 1

    return forged(step, lie)


def i21_tips_are_bounded(step: Step) -> Step | None:
    return logged(step, "MarginCalled", tip=10**40)


def i22_absorbs_are_last(step: Step) -> Step | None:
    if step.move.what != "absorb":
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].normalized_debt = 1

    return forged(step, lie)


def i24_equity_is_what_it_is_made_of(step: Step) -> Step:
    scene = copy(step.scene)
    surplus, deficit = scene.solvency
    scene.solvency = surplus + 1, deficit
    return Step(scene, step.move, step.outcome)


def i26_minters_are_bounded(step: Step) -> Step:
    def lie(then: Any) -> None:
        minter = next(iter(then.coin.minted))
        highest = max(step.was.coin.minted[minter], then.coin.ceilings[minter])
        then.coin.minted[minter] = highest + 1

    return forged(step, lie)


def i26_the_peg_holds_what_it_minted(step: Step) -> Step:
    def lie(then: Any) -> None:
        then.coin.minted[int(then.peg.address, 16)] = then.peg.held * 10**12 + 1

    return forged(step, lie)


def i27_reaping_leaves_the_buffer(step: Step) -> Step | None:
    return logged(step, "Reaped", surplus=0)


def i28_transfers_make_no_coins(step: Step) -> Step | None:
    return minting(step, 1) if step.move.what == "coin.transfer" else None


def i28_tokens_stay_among_those_who_are_known(step: Step) -> Step | None:
    if step.scene.steps and step.move.what in ("adjust", "take"):
        return None

    def lie(then: Any) -> None:
        then.book.held[0, step.scene.keeper] += 1

    return forged(step, lie)


def i34_callers_are_those_of_the_table(step: Step) -> Step | None:
    if step.move.what not in BY_GOVERNOR:
        return None
    stranger = next(who for who in step.scene.owners if who != step.move.who)
    return Step(step.scene, step.move._replace(who=stranger), step.outcome)


def i35_no_act_makes_callable(step: Step) -> Step | None:
    levels = [step.before.levels(id, step.now) for id in step.scene.ids]
    healthy = [one for one in levels if one.debt and one.debt + one.value // 500 <= one.maintenance]
    if not step.move.what.startswith("governor.") or not healthy:
        return None

    def lie(then: Any) -> None:
        for kind, facts in then.book.kinds.items():
            then.book.kinds[kind] = replace(facts, initial_ltv=0, maintenance_ltv=0)

    return forged(step, lie)


def i36_a_guardian_only_tightens(step: Step) -> Step | None:
    if step.move.what not in ("governor.tighten", "governor.pause"):
        return None

    def lie(then: Any) -> None:
        then.book.rate += 1

    return forged(step, lie)


def i37_acts_wait_and_happen_once(step: Step) -> Step | None:
    if step.move.what != "governor.execute":
        return None

    def lie(then: Any) -> None:
        at = step.move.args[0] - 1
        then.governor.acts[at] = replace(then.governor.acts[at], state=1)

    return forged(step, lie)


def i38_nobody_mints_beside_the_minters(step: Step) -> Step | None:
    if step.move.what == "coin.set_ceiling":
        return None

    def lie(then: Any) -> None:
        then.coin.minted[0xBAD] = 0

    return forged(step, lie)


def i39_nothing_runs_inside_a_callback(step: Step) -> Step | None:
    turning = step.after.turning[1]
    if turning.calls != step.before.turning[1].calls or turning.successes & 1:
        return None
    return on_chain(step, "token1.successes", 1)


def i40_who_listens_knows_every_account(step: Step) -> Step | None:
    ids = step.touched()
    return on_chain(step, f"accounts[{ids[0]:#x}]", 1) if ids else None


def i42_holders_are_paid_pro_rata(step: Step) -> Step | None:
    if step.move.what != "settlement.redeem":
        return None

    def lie(then: Any) -> None:
        then.settlement.ending(then.book).claims += 1

    return forged(step, lie)


def i42_an_end_is_final(step: Step) -> Step | None:
    if not step.before.is_shut:
        return None

    def lie(then: Any) -> None:
        then.book.rate = 1

    return forged(step, lie)


def i42_settling_costs_what_is_owed(step: Step) -> Step | None:
    return logged(step, "AccountSettled", debt=10**40)


# more lies, each against a half of a rule that the one above says nothing about


def i04_pays_the_owner(step: Step) -> Step | None:
    """A liquidation sends a token to the account's owner."""
    if step.move.what != "margin_call" or step.account >> 8 == int(step.move.who, 16):
        return None
    kind, owner = next(
        key for key in step.before.held if int(key[1], 16) == step.account >> 8
    )  # fmt: skip

    def lie(then: Any) -> None:
        then.book.held[kind, owner] += 1

    return forged(step, lie)


def i04_pays_the_owner_in_coins(step: Step) -> Step | None:
    if step.move.what != "takes" or not step.touched():
        return None
    owner = step.touched()[0] >> 8
    if owner in (int(step.move.who, 16), int(step.move.args[-1], 16)):
        return None

    def lie(then: Any) -> None:
        then.coin.balances[owner] = then.coin.balances.get(owner, 0) + 1

    return forged(step, lie)


def i06_is_not_compounded(step: Step) -> Step | None:
    """Who asks for the index writes down simple interest."""
    before = step.before
    if step.after.accrued_at != step.now or step.now < before.accrued_at + 7 * 86_400:
        return None

    def lie(then: Any) -> None:
        then.book.index = (
            before.index + before.index * before.rate * (step.now - before.accrued_at) // 10**27
        )

    false = forged(step, lie)
    return false if false.after.index < step.after.index else None


def i06_a_debt_is_at_least_normalized(step: Step) -> Step | None:
    ids = owing(step)
    if not ids:
        return None

    def lie(then: Any) -> None:
        then.book.positions[ids[0]].normalized_debt = 0

    return forged(step, lie)


def i10_debts_round_up(step: Step) -> Step | None:
    """A borrower owes a wei less than what he was paid."""
    if step.move.what != "borrow" or not step.before.positions[step.account].normalized_debt:
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].normalized_debt -= 2

    return forged(step, lie)


def i10_repays_too_much(step: Step) -> Step | None:
    """A repayment takes two units more off a debt than were paid."""
    if step.move.what != "repay" or step.after.positions[step.account].normalized_debt < 10:
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].normalized_debt -= 2

    return forged(step, lie)


def i13_raises_a_debt_inside_a_loan(step: Step) -> Step | None:
    """Inside of a flash loan, a call of the owner's ends with a debt beyond the initial level."""
    if step.move.what != "coin.flashLoan":
        return None
    for place, part in enumerate(step.parts):
        if part.move.what not in ("deposit", "withdraw", "borrow", "repay"):
            continue

        def lie(then: Any, id: int = part.account) -> None:
            then.book.positions[id].normalized_debt += 10**28

        scene = copy(step.scene)
        scene.errands = list(scene.errands)
        scene.errands[place] = (part.move, forged(part, lie).outcome)
        return Step(scene, step.move, step.outcome)
    return None


def i18_clears_by_a_deposit(step: Step) -> Step | None:
    """A deposit of a stranger wipes the clock of an account that is not covered."""
    if step.move.what != "deposit" or step.account not in step.touched():
        return None
    if not step.before.positions[step.account].auction_start:
        return None
    if not step.after.positions[step.account].auction_start:
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].auction_start = 0

    return forged(step, lie)


def i18_clears_by_a_take_above_target(step: Step) -> Step | None:
    if step.move.what != "take" or not owing(step):
        return None
    if not step.after.positions[step.account].auction_start:
        return None
    levels = step.after.levels(step.account, step.now)
    if levels.debt <= levels.target:
        return None

    def lie(then: Any) -> None:
        then.book.positions[step.account].auction_start = 0

    return forged(step, lie)


def i20_goes_too_far_in_a_batch(step: Step) -> Step | None:
    if step.move.what != "takes" or not owing(step):
        return None
    id = owing(step)[0]
    sold = {args["kind"] for name, args in step.outcome.logs
            if name == "Taken" and args["account"] == id}  # fmt: skip
    if not all(step.after.positions[id].balance(kind) for kind in sold):
        return None
    if step.after.levels(id, step.now).target < 10 * WAD:
        return None

    def lie(then: Any) -> None:
        then.book.positions[id].normalized_debt = 1

    return forged(step, lie)


def i25_bad_debt_is_logged_once_and_exactly(step: Step) -> Step | None:
    """The bad debt of a sale is logged three times."""
    told = [log for log in step.outcome.logs if log[0] == "BadDebt"]
    if not told:
        return None
    return forged(step, lambda then: then.book.logs.extend([told[0]] * 2))


def i25_bad_debt_out_of_nothing(step: Step) -> Step | None:
    """A sale that leaves collateral behind logs bad debt."""
    if step.move.what != "take" or not owing(step):
        return None
    log = ("BadDebt", {"account": step.account, "amount": 10**30})
    return forged(step, lambda then: then.book.logs.append(log))


def i25_bad_debt_is_a_wei_off(step: Step) -> Step | None:
    for name, args in step.outcome.logs:
        if name == "BadDebt" and step.move.what == "absorb":
            return logged(step, "BadDebt", amount=args["amount"] + 1)
    return None


def i25_bad_debt_is_not_logged(step: Step) -> Step | None:
    if not any(name == "BadDebt" for name, _ in step.outcome.logs):
        return None

    def lie(then: Any) -> None:
        then.book.logs = [log for log in then.book.logs if log[0] != "BadDebt"]

    return forged(step, lie)


def i25_loses_less_than_it_logs(step: Step) -> Step | None:
    """Equity stays where it was though a debt was struck off: coins are gone besides."""
    if step.move.what != "absorb" or losses_of(step) < WAD:
        return None
    return minting(step, gain(step))


def i36_is_not_remembered(step: Step) -> Step | None:
    """A guardian's act leaves nothing behind that lapses."""
    acting = step.was.governor
    if step.move.what not in ("governor.tighten", "governor.pause"):
        return None
    if step.move.who != acting.guardian or acting.guards == step.then.governor.guards:
        return None

    def lie(then: Any) -> None:
        then.governor.guards = dict(acting.guards)

    return forged(step, lie)


MORE: dict[Lie, Callable[[Step], None]] = {
    i04_pays_the_owner: invariants.i04_liquidation_is_local,
    i04_pays_the_owner_in_coins: invariants.i04_liquidation_is_local,
    i06_is_not_compounded: invariants.i06_index_rises,
    i10_repays_too_much: invariants.i10_debts_round_up,
    i13_raises_a_debt_inside_a_loan: invariants.i13_risk_needs_the_initial_level,
    i18_clears_by_a_deposit: invariants.i18_a_running_clock_stays,
    i18_clears_by_a_take_above_target: invariants.i18_a_running_clock_stays,
    i20_goes_too_far_in_a_batch: invariants.i20_takes_stop_at_target,
    i25_bad_debt_out_of_nothing: invariants.i25_bad_debt_is_logged_once_and_exactly,
    i25_bad_debt_is_a_wei_off: invariants.i25_bad_debt_is_logged_once_and_exactly,
    i25_bad_debt_is_not_logged: invariants.i25_bad_debt_is_logged_once_and_exactly,
    i25_loses_less_than_it_logs: invariants.i25_equity_falls_only_by_losses,
    i36_is_not_remembered: invariants.i36_a_guardian_only_tightens,
}


class Liar(Campaign):
    """A campaign that lies about its own steps until every rule has found a lie out."""

    def __init__(self, setup: Setup, seed: int, left: dict[str, Any]) -> None:
        super().__init__(RevmNode(GENESIS), setup, seed)
        self.left = left
        self.found: dict[str, str] = {}

    def judge(self, move: Any, outcome: Any) -> None:
        if outcome.reason is not None or move.what in PRICES:
            return
        step = Step(self.scene, move, outcome)
        for name, rule in list(self.left.items()):
            lie: Lie = globals()[name]
            false = lie(step)
            if false is None:
                continue
            judge(rule, step)
            try:
                judge(rule, false)
            except AssertionError:
                self.found[name] = move.what
                del self.left[name]


@cache
def found_out() -> dict[str, str]:
    """Return which rules found their lie out, and at which move."""
    left = {rule.__name__: rule for rule in STEP_RULES}
    left |= {getattr(lie, "__name__", ""): rule for lie, rule in MORE.items()}
    found: dict[str, str] = {}
    for setup, seed in ((Setup("words", L2), 4), (Setup("words", L2, governed=True), 12)):
        campaign = Liar(setup, seed, left)
        campaign.warm_up()
        for number in range(MOST):
            if number == MOST // 3 and not setup.governed:
                campaign.end()
            campaign.step()
            if not left or (
                not setup.governed
                and number > MOST // 3 + 60
                and not ({name for name in left if name.startswith("i42")})
            ):
                break
        found |= campaign.found
    return found


@pytest.mark.parametrize("rule", cases(STEP_RULES))
def test_a_rule_of_steps_finds_a_lie_out(rule):
    """And acquits every true step of the same campaigns until then."""
    assert rule.__name__ in found_out(), f"{rule.__name__} acquitted its lie, or none suited it"


@pytest.mark.parametrize("lie", MORE, ids=lambda lie: lie.__name__)
def test_each_half_of_a_rule_finds_a_lie_out(lie):
    assert lie.__name__ in found_out(), f"{MORE[lie].__name__} acquitted it, or none suited it"


# prices: one refresh, true and forged

PRICE = 2_000 * WAD
TRUE = PriceStep(
    Price(PRICE, PRICE, GENESIS),
    Guard(3_600, 1, 10**40, 1_000_000, 1_000_000, 2_000, 10**7, 0, 0, PRICE, GENESIS),
    Price(PRICE, PRICE, GENESIS + 60),
    Guard(3_600, 1, 10**40, 1_000_000, 1_000_000, 2_000, 10**7, 0, 0, PRICE, GENESIS),
    PRICE,
    GENESIS + 60,
)
PRICE_LIES = {
    # a fall by a tenth in a minute, under a limit of 6 %
    "i29_prices_enclose_the_market": replace(
        TRUE, after=replace(TRUE.after, lo=PRICE * 9 // 10, hi=PRICE * 9 // 10),
        market=PRICE * 9 // 10,
    ),
    "i30_a_failure_leaves_the_word": replace(
        TRUE, after=replace(TRUE.before, lo=PRICE - 1, flags=FAILED), market=0
    ),
    "i31_kinds_do_not_touch_each_other": replace(TRUE, is_asked=False),
    "i32_multipliers_follow_samples": replace(
        TRUE, after=replace(TRUE.after, initial_multiplier=BPS + 1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", cases(PRICE_RULES))
def test_a_rule_of_prices_finds_a_lie_out(rule):
    rule(TRUE)
    rule(replace(TRUE, after=replace(TRUE.after, flags=CONFIRMING)))
    with pytest.raises(AssertionError):
        rule(PRICE_LIES[rule.__name__])


# what there is

# invariants of assurance.md that are no rule of a step, a price or a probe, and what holds them
HELD_BY = {
    23: "tests/stateful/test_campaign.py::test_diligence__nobody_below_close_out_stays_in_debt",
}


def test_every_invariant_has_a_rule_with_a_sentence_and_a_number():
    """All 42 of assurance.md, section 1; every name is that of its number."""
    rules = every_rule()
    assert {rule.number for rule in rules} | set(HELD_BY) == set(range(1, 43))
    assert len(rules) == len({rule.__name__ for rule in rules})
    for rule in rules:
        first, *_ = rule.__doc__.strip().splitlines()
        assert first.endswith("."), rule.__name__
        assert first[0].isupper() or first.startswith("lo ≤"), rule.__name__
    assert len(STEP_RULES) + len(PRICE_RULES) + len(PROBES) == len(rules)
